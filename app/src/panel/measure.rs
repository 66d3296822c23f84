//! Measures: cursors, the selected box, and a slice of the spectrum.

use std::ops::Range;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::view::SpectrumSettings;
use spyhop_signal::measure::{BoxMeasures, Slice};
use spyhop_words::panel::measure as words;

use super::slice_plot::SliceCurve;
use crate::caveats::{self, Caveats};
use crate::clock::Telling;
use crate::frame::selection_positions;
use crate::session::{OpenSet, Point, Session, use_session};
use crate::wording;

/// How long a box must rest until it is measured, ms.
const REST_MS: u32 = 180;

/// What is measured: a stretch, its band, and whether it is a selection or the cursor's window.
#[derive(Clone, Debug, PartialEq)]
struct Subject {
    positions: Range<i64>,
    band_hz: Option<(f64, f64)>,
    channel: u32,
    spectrum: SpectrumSettings,
}

/// The tab.
#[component]
pub fn Measures() -> impl IntoView {
    let session = use_session();
    let measures: RwSignal<Option<Result<BoxMeasures, String>>> = RwSignal::new(None);
    let slice: RwSignal<Option<Result<Slice, String>>> = RwSignal::new(None);
    let subject = Memo::new(move |_| subject(session));
    measure_when_rested(session, subject, measures, slice);
    let doubts = Signal::derive(move || {
        let of_it = subject.get()?;
        let positions = of_it.positions.start as f64..of_it.positions.end as f64;
        let whole = || session.frame().map_or((0.0, 0.0), |f| f.band_hz);
        let band_hz = of_it.band_hz.unwrap_or_else(whole);
        Some(caveats::Subject { positions, band_hz })
    });
    let of_cursor = move || subject.with(|s| s.as_ref().is_some_and(|s| s.band_hz.is_none()));
    view! {
        <div data-tab-page="measure" class="tab-page">
            <fieldset id="cursors">
                <legend>{words::CURSORS}</legend>
                {move || cursors(session)}
            </fieldset>
            <fieldset id="measures">
                <legend>{words::SELECTION}</legend>
                <Caveats subject=doubts/>
                {move || match (subject.get().and_then(|s| s.band_hz), measures.get()) {
                    (None, _) => view! { <p class="dim">{words::NO_SELECTION}</p> }.into_any(),
                    (_, None) => view! { <p class="dim">{words::MEASURING}</p> }.into_any(),
                    (_, Some(Err(why))) => view! { <p class="warned">{why}</p> }.into_any(),
                    (_, Some(Ok(m))) => readings(session, &m).into_any(),
                }}
            </fieldset>
            <fieldset id="slice">
                <legend>{move || match subject.get() {
                    Some(Subject { band_hz: Some(_), .. }) => words::SPECTRUM_OF_SELECTION,
                    Some(_) => words::SPECTRUM_AT_CURSOR,
                    None => words::SPECTRUM,
                }}</legend>
                // Those of a selection stand above.
                <Show when=move || of_cursor() && slice.with(|s| matches!(s, Some(Ok(_))))>
                    <Caveats subject=doubts/>
                </Show>
                {move || match slice.get() {
                    Some(Ok(s)) => {
                        let band = subject.get_untracked().and_then(|s| s.band_hz);
                        let shown = session.frame_now().map(|f| f.band_hz);
                        view! { <SliceCurve slice=s band_hz=band.or(shown).unwrap_or((0.0, 1.0))/> }.into_any()
                    }
                    Some(Err(why)) => view! { <p class="warned">{why}</p> }.into_any(),
                    None => view! { <p class="dim">{words::NO_SPECTRUM}</p> }.into_any(),
                }}
            </fieldset>
        </div>
    }
}

fn subject(session: Session) -> Option<Subject> {
    let open = session.open.get()?;
    let cursor = session.cursors.get()[0];
    session.view.with(|v| {
        let (channel, spectrum) = (v.channel, v.spectrum);
        if let Some(selection) = v.selection {
            let p = selection_positions(&selection, &open.line);
            let positions = p.start.round() as i64..p.end.round() as i64;
            return Some(Subject {
                positions,
                band_hz: Some(selection.band_hz),
                channel,
                spectrum,
            });
        }
        let at = cursor?.position as i64;
        let half = i64::from(spectrum.window_samples) / 2;
        Some(Subject { positions: at - half..at + half, band_hz: None, channel, spectrum })
    })
}

fn measure_when_rested(
    session: Session,
    subject: Memo<Option<Subject>>,
    measures: RwSignal<Option<Result<BoxMeasures, String>>>,
    slice: RwSignal<Option<Result<Slice, String>>>,
) {
    let timer: StoredValue<Option<gloo::timers::callback::Timeout>, LocalStorage> =
        StoredValue::new_local(None);
    Effect::new(move |_| {
        let Some(s) = subject.get() else {
            measures.set(None);
            slice.set(None);
            return;
        };
        let work = move || {
            spawn_local(async move {
                let engine = session.engine();
                let found = engine.slice(s.positions.clone(), s.channel, s.spectrum).await;
                let current = || subject.try_get_untracked().flatten().as_ref() == Some(&s);
                if !current() {
                    return;
                }
                slice.set(Some(found));
                if let Some(band) = s.band_hz {
                    let of_open = |open: &OpenSet| open.calibration().cloned();
                    let calibration =
                        session.open.with_untracked(|o| o.as_ref().and_then(|o| of_open(o)));
                    let found = engine
                        .measure(s.positions.clone(), band, s.channel, s.spectrum, calibration)
                        .await;
                    if current() {
                        measures.set(Some(found));
                    }
                }
            });
        };
        timer.set_value(Some(gloo::timers::callback::Timeout::new(REST_MS, work)));
    });
}

fn readings(session: Session, m: &BoxMeasures) -> impl IntoView + use<> {
    let calibrated = session.open.with_untracked(|o| o.as_ref().is_some_and(|o| o.is_calibrated()));
    let rows = m.readings(calibrated).into_iter().map(|r| {
        let digits = r.decimals;
        view! {
            <div>
                <dt>{r.name}</dt>
                <dd data-reading=r.name>{format!("{:.digits$} {}", r.value, r.unit).replace('-', "−")}</dd>
            </div>
        }
    });
    view! { <dl>{rows.collect_view()}</dl> }
}

fn cursors(session: Session) -> impl IntoView + use<> {
    let Some(open) = session.open.get() else { return ().into_any() };
    let [a, b] = session.cursors.get();
    if a.is_none() && b.is_none() {
        return view! {
            <p class="dim">{words::NO_CURSORS}</p>
        }
        .into_any();
    }
    let telling = session.view.with(|v| Telling::of(v.clock, &open));
    let one = |name: &'static str, p: Option<Point>| {
        p.map(|p| {
            let hz = p.hz.map(|hz| format!(" · {}", wording::hertz(hz))).unwrap_or_default();
            view! { <div><dt>{name}</dt><dd>{telling.tell(p.position)}{hz}</dd></div> }
        })
    };
    let rows = (one(words::CURSOR_A, a), one(words::CURSOR_B, b));
    let both = a.zip(b).map(|(a, b)| differences(&open, &a, &b));
    view! { <dl>{rows}{both}</dl> }.into_any()
}

/// Δt, 1/Δt and Δf: click intervals, pulse and blade rates, the width of a sweep.
fn differences(open: &OpenSet, a: &Point, b: &Point) -> impl IntoView + use<> {
    let dt = (b.position - a.position) / open.line.sample_rate_hz;
    let rate = (dt != 0.0).then(|| wording::hertz(1.0 / dt.abs()));
    let df = a.hz.zip(b.hz).map(|(a, b)| {
        let sign = if b < a { "−" } else { "" };
        format!("{sign}{}", wording::hertz((b - a).abs()))
    });
    let row = |name: &'static str, value: Option<String>| {
        value.map(|v| view! { <div><dt>{name}</dt><dd data-reading=name>{v}</dd></div> })
    };
    (row("Δt", Some(wording::duration(dt))), row("1/Δt", rate), row("Δf", df))
}
