//! A small spectrogram of a candidate that plays while a person rests on it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{DetectedCall, DetectionRun};
use spyhop_api::view::{ColourMap, SpectrumSettings};
use spyhop_api::{Moment, View};
use spyhop_paint::Lut;
use spyhop_signal::measure::contrast;
use spyhop_signal::spectrum::{SpectrumSpec, Stft};
use spyhop_words::calls::thumbnail as words;

use crate::clock::Telling;
use crate::frame::position_of;
use crate::playback;
use crate::session::{OpenSet, Session, use_session};
use crate::viewer::Surface;

/// Width and height, CSS pixels; the style sheet has the same.
const SIZE_PX: (usize, usize) = (92, 44);
/// How long the pointer rests on a thumbnail until it plays, ms.
const PLAY_AFTER_MS: u32 = 300;
/// Room around the candidate: parts of its length and of its band.
const AROUND: (f64, f64) = (0.5, 0.4);
/// The most of a long one that is drawn, samples.
const MOST_SAMPLES: i64 = 1 << 20;
/// Pictures that are kept.
const KEPT: usize = 400;

/// Which picture: everything that decides what is in it. The number of a candidate is not enough: what is
/// found anew keeps it, where its edges may move.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Drawing {
    /// What is open, by how many were opened before it.
    turn: u64,
    channel: u32,
    start: Moment,
    span_ns: i64,
    band_hz: (f64, f64),
    settings: SpectrumSettings,
    map: ColourMap,
}

impl Drawing {
    fn of(turn: u64, channel: u32, call: &DetectedCall, view: &View) -> Drawing {
        Drawing {
            turn,
            channel,
            start: call.start,
            span_ns: call.span_ns,
            band_hz: (call.low_hz, call.high_hz),
            settings: view.spectrum,
            map: view.colour.map,
        }
    }
}

/// Pictures that are kept, the oldest first.
type Drawn = VecDeque<(Drawing, Rc<Vec<u8>>)>;

thread_local! {
    static DRAWN: RefCell<Drawn> = RefCell::default();
}

/// The picture; a press or a key looks at the candidate.
#[component]
pub fn Thumbnail(run: i64, call: DetectedCall, on_press: Callback<()>) -> impl IntoView {
    let session = use_session();
    let canvas = NodeRef::<html::Canvas>::new();
    let drawn = call.clone();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let call = drawn.clone();
        spawn_local(async move {
            if let Some(pixels) = picture(session, run, &call).await
                && let Some(surface) = Surface::of_pixels(&canvas, 1.0)
            {
                surface.put(&pixels, SIZE_PX.0 as u32, SIZE_PX.1 as u32);
            }
        });
    });
    let resting: StoredValue<Option<Timeout>, LocalStorage> = StoredValue::new_local(None);
    let plays = StoredValue::new(false);
    let heard = call.clone();
    let enter = move |ev: web_sys::PointerEvent| {
        if ev.pointer_type() == "touch" {
            return;
        }
        let call = heard.clone();
        let timer = Timeout::new(PLAY_AFTER_MS, move || {
            plays.set_value(true);
            play(session, &call);
        });
        resting.set_value(Some(timer));
    };
    let leave = move || {
        resting.set_value(None);
        if plays.get_value() {
            plays.set_value(false);
            playback::stop(session);
        }
    };
    let heard = call.clone();
    let key = move |ev: web_sys::KeyboardEvent| {
        if ev.key().eq_ignore_ascii_case("p") {
            ev.prevent_default();
            ev.stop_propagation();
            play(session, &heard);
        }
    };
    let told = words::picture(&call.class, begin_words(session, call.start));
    view! {
        <button class="thumbnail" aria-label=told title=words::PICTURE_TITLE
            on:pointerenter=enter on:pointerleave=move |_| leave()
            on:keydown=key
            on:click=move |_| on_press.run(())>
            <canvas node_ref=canvas aria-hidden="true"></canvas>
        </button>
    }
}

/// When a candidate begins, by the clock that the axis shows.
pub fn begin_words(session: Session, start: Moment) -> String {
    let Some(open) = session.open.get_untracked() else { return String::new() };
    let telling = session.view.with_untracked(|v| Telling::of(v.clock, &open));
    let position = position_of(start, &open.line);
    let text = telling.tell(position);
    // Milliseconds are enough to tell candidates apart.
    text.get(..text.len().saturating_sub(3)).unwrap_or(&text).to_owned()
}

fn positions(call: &DetectedCall, open: &OpenSet) -> Range<f64> {
    let start = position_of(call.start, &open.line);
    start..start + call.span_ns as f64 * 1e-9 * open.line.sample_rate_hz
}

/// Plays a candidate as the play bar is set.
pub fn play(session: Session, call: &DetectedCall) {
    if let Some(open) = session.open.get_untracked() {
        let positions = positions(call, &open);
        playback::play(session, positions.start as i64..positions.end.ceil() as i64);
    }
}

async fn picture(session: Session, run: i64, call: &DetectedCall) -> Option<Rc<Vec<u8>>> {
    let open = session.open.get_untracked()?;
    let calls = session.calls;
    let of_run =
        |shown: &Option<DetectionRun>| Some(shown.as_ref().filter(|r| r.id == run)?.channel);
    let channel = calls.run.with_untracked(of_run)?;
    let drawing =
        session.view.with_untracked(|view| Drawing::of(calls.turn(), channel, call, view));
    let held = |drawn: &Drawn| {
        let held = drawn.iter().find(|(held, _)| *held == drawing);
        held.map(|(_, pixels)| pixels.clone())
    };
    if let Some(held) = DRAWN.with_borrow(held) {
        return Some(held);
    }
    let exact = positions(call, &open);
    let around = (exact.end - exact.start) * AROUND.0;
    let start = (exact.start - around).max(0.0) as i64;
    let end = ((exact.end + around) as i64).clamp(start + 2, start + MOST_SAMPLES);
    let samples = session.engine().samples(start..end.min(open.line.end()), channel).await.ok()?;
    let pixels = Rc::new(paint(&samples, open.line.sample_rate_hz, &drawing)?);
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.len() >= KEPT {
            drawn.pop_front();
        }
        drawn.push_back((drawing, pixels.clone()));
    });
    Some(pixels)
}

/// A column a pixel, as the picture's transform has it where that is short enough.
fn paint(samples: &[f32], rate_hz: f64, drawing: &Drawing) -> Option<Vec<u8>> {
    let Drawing { band_hz: (low_hz, high_hz), settings, map, .. } = *drawing;
    let (width, height) = SIZE_PX;
    // Frames that are longer than a few pixels would blur what is short.
    let longest = (samples.len() / 12).max(16).next_power_of_two() as u32;
    let fft = settings.fft_size.min(longest);
    let settings = SpectrumSettings {
        fft_size: fft,
        window_samples: settings.window_samples.min(fft),
        ..settings
    };
    let spec = SpectrumSpec::from((&settings, rate_hz));
    let mut stft = Stft::new(&spec).ok()?;
    let bins = stft.bins();
    let clean: Vec<f32> = samples.iter().map(|s| if s.is_finite() { *s } else { 0.0 }).collect();
    let room = clean.len().checked_sub(spec.window_samples)?;
    let mut power = vec![0.0f32; bins];
    let band = (high_hz - low_hz).max(4.0 * spec.bin_hz());
    let low = (low_hz - band * AROUND.1).max(0.0);
    let high = (high_hz + band * AROUND.1).min(rate_hz / 2.0);
    let mut cells = vec![0.0f32; width * height];
    for (x, column) in cells.chunks_mut(height).enumerate() {
        let at = room * x / width.max(1);
        stft.frame(&clean[at..at + spec.window_samples], &mut power);
        for (row, cell) in column.iter_mut().enumerate() {
            let edge =
                |row: usize| (low + (high - low) * row as f64 / height as f64) / spec.bin_hz();
            let first = (edge(row).round() as usize).min(bins - 1);
            let last = (edge(row + 1).round() as usize).clamp(first + 1, bins.max(first + 1));
            *cell = power[first..last.min(bins)].iter().copied().fold(0.0, f32::max);
        }
    }
    let (floor, ceiling) = contrast(&cells, height, 0)?;
    let lut = Lut::new(map);
    let mut pixels = vec![255u8; width * height * 4];
    for (x, column) in cells.chunks(height).enumerate() {
        for (row, power) in column.iter().enumerate() {
            let level = 10.0 * f64::from(*power).max(1e-30).log10();
            let colour = lut.at(((level - floor) / (ceiling - floor)).clamp(0.0, 1.0));
            let at = ((height - 1 - row) * width + x) * 4;
            pixels[at..at + 3].copy_from_slice(&[colour.r, colour.g, colour.b]);
        }
    }
    Some(pixels)
}

#[cfg(test)]
mod tests {
    use spyhop_api::Timestamp;
    use spyhop_api::detection::Review;
    use spyhop_api::view::Window;

    use super::*;

    fn call() -> DetectedCall {
        DetectedCall {
            id: 1,
            class: "whistle".into(),
            start: Moment::Clock(Timestamp(0)),
            span_ns: 500_000_000,
            low_hz: 1000.0,
            high_hz: 2000.0,
            score: 0.5,
            clicks: None,
            interval_s: None,
            review: Review::default(),
            is_lost: false,
        }
    }

    #[test]
    fn candidates_that_begin_together_and_differ_have_pictures_of_their_own() {
        let (view, one) = (View::default(), call());
        let of = |call: &DetectedCall| Drawing::of(1, 0, call, &view);
        let longer = DetectedCall { span_ns: 600_000_000, ..call() };
        let higher = DetectedCall { low_hz: 1500.0, ..call() };
        let wider = DetectedCall { high_hz: 2500.0, ..call() };
        let later = DetectedCall { start: Moment::Clock(Timestamp(1)), ..call() };
        for other in [&longer, &higher, &wider, &later] {
            assert_ne!(of(&one), of(other), "{other:?}");
        }
        // What is said of it, its score and its number are no part of the picture.
        assert_eq!(of(&one), of(&DetectedCall { id: 7, score: 0.9, ..call() }));
        assert_ne!(Drawing::of(2, 0, &one, &view), of(&one), "something else is open");
        assert_ne!(Drawing::of(1, 1, &one, &view), of(&one), "another channel");
    }

    #[test]
    fn what_changes_the_pixels_changes_which_picture_it_is() {
        let rate_hz = 8000.0;
        let sweep = |n: u32| {
            let t = f64::from(n) / rate_hz;
            (std::f64::consts::TAU * (800.0 * t + 700.0 * t * t)).sin() as f32
        };
        let samples: Vec<f32> = (0..8000).map(sweep).collect();
        let view = View::default();
        let one = Drawing::of(1, 0, &call(), &view);
        let pixels = paint(&samples, rate_hz, &one).expect("long enough");
        assert_eq!(pixels.len(), SIZE_PX.0 * SIZE_PX.1 * 4);
        let mut others = [(); 5].map(|()| view.clone());
        others[0].colour.map = ColourMap::Viridis;
        others[1].spectrum.fft_size = 256;
        others[1].spectrum.window_samples = 256;
        others[2].spectrum.window_samples = 512;
        others[3].spectrum.window = Window::Rectangular;
        let mut drawings = others.map(|view| Drawing::of(1, 0, &call(), &view));
        drawings[4].band_hz.0 = 1500.0;
        for other in drawings {
            let painted = paint(&samples, rate_hz, &other).expect("long enough");
            assert!(painted != pixels && other != one, "{other:?}");
        }
    }
}
