//! Levels of the view or the selection: spectrum with percentiles, third octaves, level over time.

use leptos::html;
use leptos::prelude::*;
use spyhop_api::levels::Quantity;
use spyhop_paint::Folded;
use spyhop_words::panel::levels as words;

use super::level_chart::{Chart, Kind};
use super::level_files;
use crate::caveats::{self, Caveats};
use crate::clock::Telling;
use crate::engine::per_bin_hz;
use crate::frame::{Frame, selection_positions};
use crate::levels::{Levels, Subject, levels};
use crate::session::{OpenSet, Session, use_session};
use crate::viewer::{Surface, theme};
use crate::wording;

/// How long the picture must rest until its levels are taken, ms.
const REST_MS: u32 = 250;

/// Levels and what they are of.
#[derive(Clone, PartialEq)]
pub struct Taken {
    pub levels: Levels,
    pub subject: Subject,
    pub of_selection: bool,
    pub frame: Frame,
}

/// The tab.
#[component]
pub fn LevelPanel() -> impl IntoView {
    let session = use_session();
    let kind = RwSignal::new(Kind::Spectrum);
    let taken: RwSignal<Option<Taken>> = RwSignal::new(None);
    take_when_rested(session, taken);
    let subject = Signal::derive(move || {
        taken.with(|taken| {
            let Taken { subject, frame, .. } = taken.as_ref()?;
            let fold = &frame.fold;
            let positions = fold.position_at(subject.places.start)..fold.end_at(subject.places.end);
            Some(caveats::Subject { positions, band_hz: subject.band_hz })
        })
    });
    let kinds = Kind::ALL.map(|(this, words, id)| {
        view! {
            <button data-levels=id aria-pressed=move || (kind.get() == this).to_string()
                on:click=move |_| kind.set(this)>{words}</button>
        }
    });
    view! {
        <div data-tab-page="levels" class="tab-page">
            <fieldset id="levels">
                <legend>{move || match taken.with(|t| t.as_ref().is_some_and(|t| t.of_selection)) {
                    true => words::OF_SELECTION,
                    false => words::OF_VIEW,
                }}</legend>
                <div class="segments">{kinds}</div>
                <Caveats subject/>
                <LevelCanvas taken kind/>
                {move || taken.with(|t| match t {
                    Some(taken) => figures(session, taken, kind.get()).into_any(),
                    None => view! { <p class="dim">{words::NOTHING}</p> }.into_any(),
                })}
                <Files taken kind/>
            </fieldset>
        </div>
    }
}

#[component]
fn LevelCanvas(taken: RwSignal<Option<Taken>>, kind: RwSignal<Kind>) -> impl IntoView {
    let session = use_session();
    let canvas = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        session.prefs.brightness.track();
        let kind = kind.get();
        let surface = canvas.get().and_then(|c| Surface::of(&c));
        taken.with(|taken| {
            if let (Some(taken), Some(surface), Some(open)) =
                (taken, surface, session.open.get_untracked())
            {
                with_chart(session, &open, taken, kind, |chart| {
                    surface.items(&chart.items(surface.width, surface.height));
                });
            }
        });
    });
    view! {
        <canvas class="level-chart" node_ref=canvas role="img"
            aria-label=move || words::chart(kind.get().quantity().name(false))></canvas>
    }
}

#[component]
fn Files(taken: RwSignal<Option<Taken>>, kind: RwSignal<Kind>) -> impl IntoView {
    let session = use_session();
    let save = move |form: level_files::Form| {
        let Some(open) = session.open.get_untracked() else { return };
        taken.with_untracked(|taken| {
            if let Some(taken) = taken {
                with_chart(session, &open, taken, kind.get_untracked(), |chart| {
                    level_files::save(session, chart, form);
                });
            }
        });
    };
    let buttons = level_files::Form::ALL.map(|(form, words, ending)| {
        let id = format!("levels-{ending}");
        view! {
            <button id=id disabled=move || taken.with(Option::is_none)
                on:click=move |_| save(form)>{words}</button>
        }
    });
    view! { <div class="buttons">{buttons}</div> }
}

/// Lends the chart of what was taken.
fn with_chart(
    session: Session,
    open: &OpenSet,
    taken: &Taken,
    kind: Kind,
    with: impl FnOnce(&Chart<'_>),
) {
    let telling = session.view.with_untracked(|v| Telling::of(v.clock, open));
    with(&Chart {
        levels: &taken.levels,
        kind,
        calibrated: open.is_calibrated(),
        scale: taken.frame.scale(),
        places: taken.subject.places.clone(),
        fold: &taken.frame.fold,
        telling: &telling,
        theme: theme(session),
    });
}

fn take_when_rested(session: Session, taken: RwSignal<Option<Taken>>) {
    let timer: StoredValue<Option<gloo::timers::callback::Timeout>, LocalStorage> =
        StoredValue::new_local(None);
    Effect::new(move |_| {
        session.view.track();
        session.open.track();
        session.news.track();
        let work = move || {
            let now = take(session);
            // The panel may be closed by now.
            if taken.try_with_untracked(|held| *held != now).unwrap_or(false) {
                taken.set(now);
            }
        };
        timer.set_value(Some(gloo::timers::callback::Timeout::new(REST_MS, work)));
    });
}

fn take(session: Session) -> Option<Taken> {
    let open = session.open.get_untracked()?;
    let frame = session.frame_now()?;
    let wanted = session.wanted.get_value()?;
    let engine = session.engine();
    let selection = session.view.with_untracked(|v| v.selection);
    let drawn = match session.far.get_untracked() {
        Some(far) => far.spectrum,
        None => wanted.spectrum,
    };
    let (places, band_hz) = match &selection {
        Some(s) => {
            let positions = selection_positions(s, &open.line);
            let place = |p: f64| frame.fold.place_of(p).clamp(frame.places.start, frame.places.end);
            (place(positions.start)..place(positions.end), s.band_hz)
        }
        None => (frame.places.clone(), frame.band_hz),
    };
    if places.end <= places.start {
        return None;
    }
    let bin_width_hz = per_bin_hz(&wanted.spectrum, &drawn, open.line.sample_rate_hz);
    let subject = Subject { places, band_hz, bin_width_hz };
    let source = Folded { source: engine.power(&wanted), fold: &frame.fold };
    let levels = levels(&source, &subject, |hz| open.offset_db_at(hz))?;
    Some(Taken { levels, subject, of_selection: selection.is_some(), frame: frame.clone() })
}

fn figures(session: Session, taken: &Taken, kind: Kind) -> impl IntoView + use<> {
    let open = session.open.get_untracked();
    let calibrated = open.as_ref().is_some_and(|o| o.is_calibrated());
    let rate = open.as_ref().map_or(1.0, |o| o.line.sample_rate_hz);
    // Levels are of what a calibration says something of.
    let table = open.as_ref().and_then(|o| o.calibration()?.band_hz());
    let (low_hz, high_hz) = taken.subject.band_hz;
    let band_hz = match table {
        Some((from, to)) if from < high_hz && low_hz < to => (from.max(low_hz), to.min(high_hz)),
        _ => (low_hz, high_hz),
    };
    let levels = &taken.levels;
    let unit = Quantity::BandSoundPressure.unit(calibrated);
    let level = |db: f64| format!("{} {unit}", wording::level(db));
    let mut rows = vec![
        ("band", words::BAND, wording::band(band_hz)),
        ("level", words::LEVEL, level(levels.broadband_db)),
    ];
    let percentiles = [
        ("percentile-5", words::PERCENTILE_5),
        ("percentile-25", words::PERCENTILE_25),
        ("median", words::MEDIAN),
        ("percentile-75", words::PERCENTILE_75),
        ("percentile-95", words::PERCENTILE_95),
    ];
    for ((id, name), db) in percentiles.into_iter().zip(&levels.broadband_percentiles_db) {
        rows.push((id, name, level(*db)));
    }
    let wide = taken.subject.places.end - taken.subject.places.start;
    let slice = wide / levels.over_time.len().max(1) as f64 / rate;
    let slices = words::slices_of(levels.slices, wording::duration(slice));
    rows.push(("slices", words::SLICES, slices));
    let rows = rows.into_iter().map(|(id, name, value)| {
        view! { <div><dt>{name}</dt><dd data-reading=id>{value}</dd></div> }
    });
    let what = match kind {
        Kind::Spectrum => words::ABOUT_SPECTRUM,
        Kind::Decidecades => words::ABOUT_THIRD_OCTAVES,
        Kind::OverTime => words::ABOUT_OVER_TIME,
    };
    let partial = levels.partial.then(|| {
        view! { <p class="dim">{words::PARTIAL}</p> }
    });
    view! { <dl>{rows.collect_view()}</dl><p class="reading">{what}</p>{partial} }
}
