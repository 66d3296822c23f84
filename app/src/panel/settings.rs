//! Settings of the picture; each acts at once.

use std::str::FromStr;

use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::view::{
    Clock, ColourMap, FrequencyAxis, Scaling, SpectrumSettings, Statistic, Window,
};
use spyhop_words::panel::settings as words;

use super::presets::Presets;
use crate::actions::{resize_fft, set_axis, set_channel, set_statistic};
use crate::commands::Action;
use crate::contrast;
use crate::session::{Session, use_session};
use crate::wording;

/// Sizes of the FFT.
const FFT_SIZES: [u32; 11] = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
/// Overlaps, as frames per window.
const OVERLAPS: [(u32, &str); 5] =
    [(1, "0 %"), (2, "50 %"), (4, "75 %"), (8, "87.5 %"), (16, "93.75 %")];
/// The Kaiser window that is offered: its side lobes lie about as low as Blackman's.
const KAISER_BETA: f64 = 8.6;
/// Spans of flattening, seconds.
const FLATTEN_S: [f64; 4] = [10.0, 60.0, 300.0, 900.0];

/// The tab.
#[component]
pub fn Settings(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    view! {
        <div data-tab-page="view" class="tab-page">
            <Presets/>
            <Transform/>
            <Axis/>
            <Colours act/>
            <Times/>
            <fieldset>
                <legend>{words::KEYS}</legend>
                <label class="check">
                    <input id="letter-keys" type="checkbox"
                        prop:checked=move || session.prefs.letter_keys.get()
                        on:change=move |ev| session.prefs.letter_keys.set(event_target_checked(&ev))/>
                    {words::LETTER_KEYS}
                </label>
            </fieldset>
        </div>
    }
}

#[component]
fn Transform() -> impl IntoView {
    let session = use_session();
    let spectrum = Memo::new(move |_| session.view.with(|v| v.spectrum));
    let rate = Memo::new(move |_| {
        session.open.with(|o| o.as_ref().map_or(1.0, |o| o.line.sample_rate_hz))
    });
    let sizes = FFT_SIZES.map(|n| (n.to_string(), n.to_string())).to_vec();
    let mut windows: Vec<(String, String)> = Window::all()
        .iter()
        .map(|(n, _)| ((*n).to_owned(), wording::window(n).to_owned()))
        .collect();
    let kaiser = Window::Kaiser(KAISER_BETA).to_string();
    windows.push((kaiser, words::kaiser(KAISER_BETA)));
    let overlaps = OVERLAPS.map(|(n, words)| (n.to_string(), words.to_owned())).to_vec();
    let scalings = vec![
        (scaling_name(Scaling::Density).to_owned(), words::DENSITY.to_owned()),
        (scaling_name(Scaling::Spectrum).to_owned(), words::SPECTRUM.to_owned()),
    ];
    view! {
        <fieldset>
            <legend>{words::TRANSFORM}</legend>
            <Choice id="fft" label=words::FFT options=sizes
                value=Signal::derive(move || spectrum.get().fft_size.to_string())
                set=Callback::new(move |v: String| if let Ok(n) = v.parse() {
                    resize_fft(session, |_| n);
                })/>
            <p class="reading" id="fft-reading">{move || transform_words(&spectrum.get(), rate.get())}</p>
            <Choice id="window" label=words::WINDOW options=windows
                value=Signal::derive(move || spectrum.get().window.to_string())
                set=Callback::new(move |v: String| if let Ok(w) = Window::from_str(&v) {
                    session.change_spectrum(|s| s.window = w);
                })/>
            <Choice id="overlap" label=words::OVERLAP options=overlaps
                value=Signal::derive(move || {
                    let s = spectrum.get();
                    (f64::from(s.window_samples) / f64::from(s.hop_samples)).round().to_string()
                })
                set=Callback::new(move |v: String| if let Ok(n) = v.parse::<u32>() {
                    session.change_spectrum(|s| s.hop_samples = (s.window_samples / n.max(1)).max(1));
                })/>
            <Choice id="scaling" label=words::SCALING options=scalings
                value=Signal::derive(move || scaling_name(spectrum.get().scaling).to_owned())
                set=Callback::new(move |v: String| rescale(session, &v))/>
        </fieldset>
    }
}

#[component]
fn Axis() -> impl IntoView {
    let session = use_session();
    let axes = FrequencyAxis::all()
        .iter()
        .map(|(n, _)| ((*n).to_owned(), axis_words(n).to_owned()))
        .collect();
    let band = Memo::new(move |_| session.frame().map(|f| f.band_hz));
    let edge = move |low: bool| {
        band.get().map(|(a, b)| wording::trimmed(if low { a } else { b }, 2)).unwrap_or_default()
    };
    let set = move |low: bool, text: String| {
        let Ok(hz) = text.parse::<f64>() else { return };
        session.change_frame(|f| {
            if low {
                f.band_hz.0 = hz.clamp(0.0, f.band_hz.1 * 0.999);
            } else {
                f.band_hz.1 = hz.clamp(f.band_hz.0 * 1.001 + 1e-3, f.nyquist_hz);
            }
        });
    };
    view! {
        <fieldset>
            <legend>{words::FREQUENCY}</legend>
            <Choice id="axis" label=words::AXIS options=axes
                value=Signal::derive(move || session.view.with(|v| v.frequency_axis.name().to_owned()))
                set=Callback::new(move |v: String| {
                    let found = FrequencyAxis::all().iter().find(|(n, _)| *n == v);
                    if let Some((_, axis)) = found {
                        set_axis(session, *axis);
                    }
                })/>
            <div class="row">
                <span>{words::BAND}</span>
                <input id="low-hz" class="number" type="number" min="0" aria-label=words::LOW_HZ
                    prop:value=move || edge(true) on:change=move |ev| set(true, event_target_value(&ev))/>
                "–"
                <input id="high-hz" class="number" type="number" min="0" aria-label=words::HIGH_HZ
                    prop:value=move || edge(false) on:change=move |ev| set(false, event_target_value(&ev))/>
                {words::HERTZ}
            </div>
        </fieldset>
    }
}

#[component]
fn Colours(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let maps =
        ColourMap::all().iter().map(|(n, _)| ((*n).to_owned(), map_words(n).to_owned())).collect();
    let range = Memo::new(move |_| {
        session.view.track();
        session.open.with(|o| o.as_ref().map(|o| contrast::shown_range(session, o)))
    });
    let unit = Memo::new(move |_| {
        let (flat, scaling) = session.view.with(|v| (v.flatten_s.is_some(), v.spectrum.scaling));
        match (flat, session.open.with(|o| o.as_ref().map(|o| o.unit(scaling)))) {
            (true, _) => words::ABOVE_MEDIAN,
            (false, unit) => unit.unwrap_or_default(),
        }
    });
    let limit = move |floor: bool| {
        range.get().map(|(a, b)| wording::trimmed(if floor { a } else { b }, 1)).unwrap_or_default()
    };
    let set = move |floor: bool, text: String| {
        let (Ok(db), Some((a, b))) = (text.parse::<f64>(), range.get_untracked()) else { return };
        let new = if floor { (db.min(b - 1.0), b) } else { (a, db.max(a + 1.0)) };
        session.view.update(|v| v.colour.range_db = Some(new));
    };
    let statistics = Statistic::all()
        .iter()
        .map(|(n, _)| ((*n).to_owned(), statistic_words(n).to_owned()))
        .collect();
    let mut spans = vec![("0".to_owned(), words::FLATTEN_OFF.to_owned())];
    spans.extend(FLATTEN_S.map(|s| (s.to_string(), words::flatten_by(wording::duration(s)))));
    view! {
        <fieldset>
            <legend>{words::COLOURS}</legend>
            <Choice id="map" label=words::MAP options=maps
                value=Signal::derive(move || session.view.with(|v| v.colour.map.name().to_owned()))
                set=Callback::new(move |v: String| {
                    if let Some((_, map)) = ColourMap::all().iter().find(|(n, _)| *n == v) {
                        session.view.update(|v| v.colour.map = *map);
                    }
                })/>
            <div class="row">
                <span>{words::RANGE}</span>
                <input id="floor" class="number" type="number" step="1" aria-label=words::FLOOR
                    prop:value=move || limit(true) on:change=move |ev| set(true, event_target_value(&ev))/>
                "–"
                <input id="ceiling" class="number" type="number" step="1" aria-label=words::CEILING
                    prop:value=move || limit(false) on:change=move |ev| set(false, event_target_value(&ev))/>
                <button id="auto" title=words::AUTO_TITLE
                    on:click=move |_| act.run(Action::AutoContrast)>{words::AUTO}</button>
            </div>
            <p class="reading">{move || unit.get()}</p>
            <Choice id="flatten" label=words::FLATTEN options=spans
                value=Signal::derive(move || session.view.with(|v| v.flatten_s.unwrap_or(0.0).to_string()))
                set=Callback::new(move |v: String| {
                    let seconds = v.parse::<f64>().ok().filter(|s| *s > 0.0);
                    contrast::set_flatten(session, seconds);
                })/>
            <Choice id="peaks" label=words::DRAW options=statistics
                value=Signal::derive(move || session.view.with(|v| v.statistic.name().to_owned()))
                set=Callback::new(move |v: String| {
                    if let Some((_, statistic)) = Statistic::all().iter().find(|(n, _)| *n == v) {
                        set_statistic(session, *statistic);
                    }
                })/>
        </fieldset>
    }
}

#[component]
fn Times() -> impl IntoView {
    let session = use_session();
    let clocks =
        Clock::all().iter().map(|(n, _)| ((*n).to_owned(), clock_words(n).to_owned())).collect();
    let channels =
        Memo::new(move |_| session.open.with(|o| o.as_ref().map_or(1, |o| o.channels())));
    let gaps = Memo::new(move |_| session.open.with(|o| o.as_ref().is_some_and(|o| o.has_gaps())));
    view! {
        <fieldset>
            <legend>{words::TIME_AND_CHANNEL}</legend>
            <Choice id="clock-choice" label=words::CLOCK options=clocks
                value=Signal::derive(move || session.view.with(|v| v.clock.name().to_owned()))
                set=Callback::new(move |v: String| {
                    if let Some((_, clock)) = Clock::all().iter().find(|(n, _)| *n == v) {
                        session.view.update(|v| v.clock = *clock);
                    }
                })/>
            {move || gaps.get().then(|| view! {
                <label class="check" title=words::FOLD_GAPS_TITLE>
                    <input id="gaps" type="checkbox"
                        prop:checked=move || session.view.with(|v| v.gaps_collapsed)
                        on:change=move |_| crate::actions::collapse_gaps(session)/>
                    {words::FOLD_GAPS}
                </label>
            })}
            {move || {
                let n = channels.get();
                (n > 1).then(|| {
                    let options = (0..n).map(|c| (c.to_string(), (c + 1).to_string())).collect();
                    view! {
                        <Choice id="channel" label=words::CHANNEL options=options
                            value=Signal::derive(move || session.view.with(|v| v.channel.to_string()))
                            set=Callback::new(move |v: String| if let Ok(c) = v.parse() {
                                set_channel(session, c);
                            })/>
                    }
                })
            }}
        </fieldset>
    }
}

/// One of several, by name. A value that is not offered is shown as it is.
#[component]
fn Choice(
    id: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    value: Signal<String>,
    set: Callback<String>,
) -> impl IntoView {
    let known: Vec<String> = options.iter().map(|(v, _)| v.clone()).collect();
    let other = Memo::new(move |_| Some(value.get()).filter(|v| !known.contains(v)));
    view! {
        <label class="row">
            <span>{label}</span>
            <select id=id prop:value=move || value.get()
                on:change=move |ev| set.run(event_target_value(&ev))>
                {options.into_iter().map(|(v, words)| {
                    let own = v.clone();
                    view! { <option value=v selected=move || value.get() == own>{words}</option> }
                }).collect_view()}
                {move || other.get().map(|v| view! { <option value=v.clone() selected=true>{v.clone()}</option> })}
            </select>
        </label>
    }
}

/// `46.9 Hz · 5.33 ms · hop 2.67 ms`.
fn transform_words(s: &SpectrumSettings, rate_hz: f64) -> String {
    let seconds = |n: u32| wording::duration(f64::from(n) / rate_hz);
    let share = (1.0 - f64::from(s.hop_samples) / f64::from(s.window_samples)) * 100.0;
    words::resolution(
        wording::hertz(rate_hz / f64::from(s.fft_size)),
        seconds(s.window_samples),
        seconds(s.hop_samples),
        wording::trimmed(share.max(0.0), 1),
    )
}

fn scaling_name(scaling: Scaling) -> &'static str {
    match scaling {
        Scaling::Density => "density",
        Scaling::Spectrum => "spectrum",
    }
}

/// Another scaling has another unit: the range moves with the picture.
fn rescale(session: Session, name: &str) {
    let is_spectrum = name == scaling_name(Scaling::Spectrum);
    let scaling = if is_spectrum { Scaling::Spectrum } else { Scaling::Density };
    let rate = session.open.with_untracked(|o| o.as_ref().map_or(1.0, |o| o.line.sample_rate_hz));
    session.view.update(|v: &mut View| {
        if v.spectrum.scaling == scaling {
            return;
        }
        let coefficients = spyhop_signal::spectrum::window_coefficients(
            v.spectrum.window,
            v.spectrum.window_samples as usize,
        );
        let (sum, squares) = coefficients.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
        // Density is divided by rate·Σw², spectrum by (Σw)².
        let by_db = 10.0 * (rate * squares / (sum * sum)).log10();
        let by_db = if scaling == Scaling::Spectrum { by_db } else { -by_db };
        v.spectrum.scaling = scaling;
        if v.flatten_s.is_none() {
            v.colour.range_db =
                v.colour.range_db.map(|(a, b)| ((a + by_db).round(), (b + by_db).round()));
        }
    });
}

fn axis_words(name: &str) -> &str {
    match name {
        "linear" => words::LINEAR,
        "log" => words::LOGARITHMIC,
        "mel" => words::MEL,
        other => other,
    }
}

fn map_words(name: &str) -> &str {
    match name {
        "grey" => words::GREY,
        "greyinv" => words::GREY_PRINTED,
        other => other,
    }
}

fn statistic_words(name: &str) -> &str {
    match name {
        "mean" => words::MEAN,
        "both" => words::MEAN_AND_PEAKS,
        "max" => words::MAXIMUM,
        other => other,
    }
}

fn clock_words(name: &str) -> &str {
    match name {
        "utc" => words::CLOCK_UTC,
        "recorder" => words::CLOCK_RECORDER,
        "local" => words::CLOCK_LOCAL,
        "elapsed" => words::CLOCK_ELAPSED,
        other => other,
    }
}
