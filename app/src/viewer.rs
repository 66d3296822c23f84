//! The viewer: overview, waveform, spectrogram and their axes, always in step.

mod axes;
mod boxes;
mod call_marks;
mod call_strip;
mod canvas;
mod daylight;
mod draw;
mod folded;
mod gestures;
mod layout;
mod overlay;
mod overview;
mod quality_strip;
mod side_gestures;
mod time_axis;
mod waveform;

use std::time::Duration;

use leptos::prelude::*;
use spyhop_api::view::SpectrumSettings;
use spyhop_words::viewer::picture as words;
use web_sys::{PointerEvent, WheelEvent};

use crate::caveats::{self, Caveats};
use crate::commands::Action;
use crate::panel::Panel;
use crate::parts;
use crate::playback::PlayBar;
use crate::readout;
use crate::session::{Session, use_session};
use call_strip::CallStrip;
use draw::{Canvases, Dirty, Painter, element};
use gestures::Gestures;
use quality_strip::QualityStrip;
use side_gestures::{SideGestures, capture};

pub use call_marks::described as calls_described;
pub use canvas::Surface;
pub use daylight::words as light_words;
pub use draw::{theme, warm_up};
pub use gestures::choose_label;
pub use layout::Layout;
pub use time_axis::fold_at;

/// How long the picture rests until a screen reader is told of it, ms.
const DESCRIBE_AFTER_MS: u64 = 700;
/// The panel waits no longer for the first picture.
const FURNISHED_AFTER: Duration = Duration::from_secs(4);

/// Everything that shows an open recording.
#[component]
pub fn Viewer(act: Callback<Action>, commit: Callback<()>) -> impl IntoView {
    let session = use_session();
    let canvases = Canvases::new();
    let painter = Painter::new(session, canvases);
    redraw_when_needed(session, canvases, &painter);
    let furnished = after_the_first_picture(session, painter.is_seen());
    let painter = StoredValue::new_local(painter);
    view! {
        <div class="viewer">
            <Overview canvases commit/>
            <QualityStrip commit/>
            <div class="middle" class:with-panel=move || session.prefs.panel.get()>
                <Panel act furnished/>
                <Stage canvases painter commit act/>
            </div>
            <PlayBar act/>
        </div>
    }
}

/// Becomes true when a first picture of everything on the screen is seen, and after [`FURNISHED_AFTER`]
/// without one: what is not the picture keeps nobody waiting for it.
fn after_the_first_picture(session: Session, is_seen: ReadSignal<bool>) -> RwSignal<bool> {
    let over = RwSignal::new(false);
    let coming = StoredValue::new(Some(session.coming()));
    // The viewer may have left the page meanwhile.
    let say = move || {
        let _ = over.try_set(true);
        parts::look_ahead();
        drop(coming.try_update_value(Option::take));
    };
    Effect::new(move |_| {
        if is_seen.get() && !over.get_untracked() {
            // The frame that drew it comes first.
            request_animation_frame(move || set_timeout(say, Duration::ZERO));
        }
    });
    set_timeout(say, FURNISHED_AFTER);
    over
}

/// Marks the picture as out of date whenever something that it shows changes.
fn redraw_when_needed(session: Session, canvases: Canvases, painter: &Painter) {
    let all = Dirty { picture: true, overlay: true };
    let mark = painter.clone();
    let mark = StoredValue::new_local(mark);
    Effect::new(move |_| {
        session.view.track();
        session.open.track();
        session.news.track();
        session.labels.all.track();
        session.labels.chosen.track();
        session.prefs.brightness.track();
        session.prefs.projector.track();
        session.prefs.panel.track();
        mark.with_value(|p| p.mark(all));
    });
    Effect::new(move |_| {
        session.pointer.track();
        session.cursors.track();
        session.guided.marks.track();
        session.guided.head.track();
        session.guided.pointer.track();
        session.calls.in_view.track();
        session.calls.overview.track();
        session.calls.thresholds.track();
        session.calls.chosen.track();
        mark.with_value(|p| p.mark(Dirty { picture: false, overlay: true }));
    });
    Effect::new(move |_| {
        // The play head is on the overview too, but the picture does not move under it.
        session.play_head.track();
        mark.with_value(|p| p.mark(Dirty { picture: false, overlay: true }));
    });
    for canvas in [canvases.spectrogram, canvases.overview, canvases.waveform] {
        leptos_use::use_resize_observer(canvas, move |_, _| mark.with_value(|p| p.mark(all)));
    }
}

#[component]
fn Overview(canvases: Canvases, commit: Callback<()>) -> impl IntoView {
    let gestures = SideGestures::new(use_session(), commit);
    view! {
        <div class="overview-row">
            <canvas id="overview" node_ref=canvases.overview aria-hidden="true"></canvas>
            <canvas
                id="overview-marks" node_ref=canvases.overview_marks role="img"
                aria-label=words::OVERVIEW
                title=words::ABOUT_OVERVIEW
                on:pointerdown=move |ev| gestures.overview_down(&ev)
                on:pointermove=move |ev| gestures.moved(&ev)
                on:pointerup=move |ev| gestures.up(&ev)
                on:pointercancel=move |ev| gestures.up(&ev)
                on:wheel=move |ev: WheelEvent| gestures.wheel_time(&ev)
            ></canvas>
        </div>
    }
}

#[component]
fn Stage(
    canvases: Canvases,
    painter: StoredValue<Painter, LocalStorage>,
    commit: Callback<()>,
    act: Callback<Action>,
) -> impl IntoView {
    let session = use_session();
    let back = Callback::new(move |()| act.run(Action::Back));
    let hands = Gestures::new(session, commit, back);
    let side = SideGestures::new(session, commit);
    let layout = move || painter.with_value(Painter::layout);
    let shown = Signal::derive(move || {
        let frame = session.frame()?;
        Some(caveats::Subject { positions: frame.positions(), band_hz: frame.band_hz })
    });
    let css_cursor = move |ev: &PointerEvent| {
        let (Some(layout), Some(overlay)) = (layout(), element(canvases.overlay)) else { return };
        let at = layout.local(ev.client_x(), ev.client_y());
        let cursor = hands.css_cursor(&layout, at, ev.shift_key());
        // A style that a browser does not know is passed over.
        let _ = web_sys::HtmlElement::style(&overlay).set_property("cursor", cursor);
    };
    view! {
        <div class="stage">
            <canvas class="wave-axis" node_ref=canvases.wave_axis aria-hidden="true"></canvas>
            <canvas id="waveform" node_ref=canvases.waveform aria-hidden="true"></canvas>
            <canvas
                id="frequency-axis" node_ref=canvases.frequency_axis role="img"
                aria-label=words::FREQUENCY_AXIS
                title=words::ABOUT_FREQUENCY_AXIS
                on:pointerdown=move |ev| side.band_down(&ev)
                on:pointermove=move |ev| side.moved(&ev)
                on:pointerup=move |ev| side.up(&ev)
                on:pointercancel=move |ev| side.up(&ev)
                on:dblclick=move |_| side.whole(true)
                on:wheel=move |ev: WheelEvent| side.wheel_band(&ev)
            ></canvas>
            <canvas id="spectrogram" node_ref=canvases.spectrogram aria-hidden="true"></canvas>
            <canvas
                id="overlay" node_ref=canvases.overlay tabindex="0" role="application"
                aria-label=words::PICTURE aria-describedby="description"
                on:pointerdown=move |ev: PointerEvent| {
                    capture(&ev);
                    if let Some(layout) = layout() { hands.down(&ev, &layout) }
                }
                on:pointermove=move |ev: PointerEvent| {
                    css_cursor(&ev);
                    if let Some(layout) = layout() { hands.moved(&ev, &layout) }
                }
                on:pointerup=move |ev: PointerEvent| {
                    if let Some(layout) = layout() { hands.up(&ev, &layout) }
                }
                on:pointercancel=move |_| hands.cancel()
                on:pointerleave=move |_| if !hands.is_dragging() { session.pointer.set(None) }
                on:contextmenu=move |ev| ev.prevent_default()
                on:wheel=move |ev: WheelEvent| {
                    if let Some(layout) = layout() { hands.wheel(&ev, &layout) }
                }
            ></canvas>
            <canvas
                id="colour-bar" node_ref=canvases.colour_bar role="img" aria-label=words::COLOUR_BAR
                title=words::ABOUT_COLOUR_BAR
                on:pointerdown=move |ev| side.colours_down(&ev)
                on:pointermove=move |ev| side.moved(&ev)
                on:pointerup=move |ev| side.up(&ev)
                on:pointercancel=move |ev| side.up(&ev)
                on:dblclick=move |_| act.run(Action::AutoContrast)
                on:wheel=move |ev: WheelEvent| side.wheel_colours(&ev)
            ></canvas>
            <canvas
                id="time-axis" node_ref=canvases.time_axis role="img" aria-label=words::TIME_AXIS
                title=words::ABOUT_TIME_AXIS
                on:pointerdown=move |ev| side.time_down(&ev)
                on:pointermove=move |ev| side.moved(&ev)
                on:pointerup=move |ev| side.up(&ev)
                on:pointercancel=move |ev| side.up(&ev)
                on:dblclick=move |_| side.whole(false)
                on:wheel=move |ev: WheelEvent| side.wheel_time(&ev)
            ></canvas>
            <CallStrip/>
            {move || side.drawn_band.get().map(|(a, b)| {
                let (top, height) = (a.min(b) * 100.0, (a - b).abs() * 100.0);
                view! {
                    <div class="band-frame" aria-hidden="true">
                        <div style=format!("top:{top}%;height:{height}%")></div>
                    </div>
                }
            })}
            <div class="hints">
                <output id="readout" aria-live="off">{move || readout::words(session)}</output>
                <Tiled/>
                <Refining/>
            </div>
            <div class="doubts"><Caveats subject=shown/></div>
            <TouchTools act/>
            <Description/>
            <Synthesised/>
        </div>
    }
}

/// How far the picture is from its true means and maxima.
#[component]
fn Refining() -> impl IntoView {
    let session = use_session();
    let share = Memo::new(move |_| {
        let p = session.progress.get();
        (p.done() < p.tiles).then(|| (p.done() * 100 / p.tiles) as u32)
    });
    let sampled = Memo::new(move |_| session.progress.with(|p| p.is_done() && p.view_is_sampled));
    view! {
        {move || share.get().map(|percent| view! {
            <span class="refining" id="refining" role="progressbar" aria-label=words::REFINING_LABEL
                aria-valuemin="0" aria-valuemax="100" aria-valuenow=percent.to_string()>
                {words::refining(percent)}
            </span>
        })}
        {move || sampled.get().then(|| view! {
            <span class="refining" title=words::ABOUT_PARTLY_SAMPLED>
                {words::PARTLY_SAMPLED}
            </span>
        })}
    }
}

/// What a picture of the server's tiles is: other settings than the view's, or still being built.
#[component]
fn Tiled() -> impl IntoView {
    let session = use_session();
    let told = Memo::new(move |_| {
        let far = session.far.get()?;
        let differs = session.view.with(|v| differs(&v.spectrum, &far.spectrum));
        readout::tiles(&far, differs)
    });
    view! {
        {move || told.get().map(|told| view! {
            <span class="refining" id="tiled" title=words::ABOUT_TILES>{told}</span>
        })}
    }
}

/// Whether two transforms give pictures that differ in more than their noise.
fn differs(a: &SpectrumSettings, b: &SpectrumSettings) -> bool {
    let shape = |s: &SpectrumSettings| (s.fft_size, s.window_samples, s.window);
    shape(a) != shape(b) || a.scaling != b.scaling
}

/// What fingers need that keys give to hands on a keyboard.
#[component]
fn TouchTools(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    view! {
        <div class="touch-tools">
            <button id="box-tool" aria-pressed=move || session.box_tool.get().to_string()
                title=words::BOX_KEY on:click=move |_| act.run(Action::BoxTool)
            >{words::BOX}</button>
            <button title=words::FIT_KEY on:click=move |_| act.run(Action::Fit)>{words::FIT}</button>
            <button title=words::BACK_KEY on:click=move |_| act.run(Action::Back)>{words::BACK}</button>
        </div>
    }
}

#[component]
fn Description() -> impl IntoView {
    let session = use_session();
    let now = Signal::derive(move || readout::description(session));
    let rested = rested_of(now);
    view! { <p id="description" class="visually-hidden" aria-live="polite">{move || rested.get()}</p> }
}

/// A signal that follows another when that has rested, so that a gesture does not talk.
fn rested_of(source: Signal<String>) -> RwSignal<String> {
    let rested = RwSignal::new(String::new());
    let timer: StoredValue<Option<TimeoutHandle>> = StoredValue::new(None);
    Effect::new(move |_| {
        let text = source.get();
        if let Some(old) = timer.get_value() {
            old.clear();
        }
        let wait = Duration::from_millis(DESCRIBE_AFTER_MS);
        timer.set_value(set_timeout_with_handle(move || rested.set(text), wait).ok());
    });
    rested
}

/// Sounds that a program made are called so on every picture.
#[component]
fn Synthesised() -> impl IntoView {
    let session = use_session();
    let made = Memo::new(move |_| {
        session
            .open
            .with(|o| o.as_ref().and_then(|o| o.deployment.as_ref()).is_some_and(|d| d.synthesised))
    });
    view! {
        <Show when=move || made.get()><span class="synthesised">{words::SYNTHESISED}</span></Show>
    }
}
