//! What a network saw of a candidate: the mel pictures of the windows around it, as they were handed to
//! the network, with the window's score and time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{CallQuery, DetectedCall, DetectionRun, ScoreCurves};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{ModelCard, Moment, RecordingInfo, Timestamp};
use spyhop_paint::Lut;
use spyhop_words::page::open::NOTHING_OPEN;
use spyhop_words::page::seen as words;
use spyhop_workers::listening::{Answer, Order, Recordings, SeenWindow};

use super::{ask, run};
use crate::calls::{moment_text, score_words};
use crate::session::{OpenSet, Session, use_session};
use crate::viewer::Surface;
use crate::{server, wording};

/// The darkest and the brightest of the picture, as shares of its values.
const RANGE: (f64, f64) = (0.05, 0.998);
/// How far apart frequencies are written, as a share of the height.
const TICK_APART: f64 = 0.11;
/// Recordings that lie this far from a candidate have no say in its windows, nanoseconds.
const NEAR_NS: i64 = 600 * NANOS_PER_S;

thread_local! {
    /// Cards of the networks that ran in this tab, by fingerprint.
    static CARDS: RefCell<HashMap<String, ModelCard>> = RefCell::default();
}

/// Keeps the card of a network that runs in this tab.
pub fn remember(fingerprint: &str, card: ModelCard) {
    CARDS.with_borrow_mut(|cards| cards.insert(fingerprint.to_owned(), card));
}

/// What there is to see.
#[derive(Clone)]
struct Pictures {
    card: ModelCard,
    windows: Vec<(SeenWindow, Arc<Vec<f32>>)>,
    /// The best scores of the candidate's class by window; `None` where they are not known.
    scores: Vec<Option<f32>>,
}

/// The windows of a candidate of a network; nothing for a detector, which sees no pictures.
#[component]
pub fn Seen(call: DetectedCall, run: DetectionRun) -> impl IntoView {
    let session = use_session();
    let found = RwSignal::new(None::<Result<Pictures, String>>);
    let shown = RwSignal::new(0usize);
    let is_model = run.source.is_model;
    let call_ns = call.start.nanos()..call.start.nanos().saturating_add(call.span_ns);
    if is_model {
        let of_call = call_ns.clone();
        spawn_local(async move {
            let answer = pictures(session, &call, &run).await;
            if let Ok(pictures) = &answer {
                let _ = shown.try_set(best(pictures, &of_call));
            }
            // Another candidate may be looked at by now.
            let _ = found.try_set(Some(answer));
        });
    }
    is_model.then(move || {
        view! {
            <div id="seen" data-windows=move || count(&found).to_string()>
                {move || match found.get() {
                    None => view! { <p class="dim" role="status">{words::LOOKING}</p> }.into_any(),
                    Some(Err(why)) => view! { <p class="warned">{why}</p> }.into_any(),
                    Some(Ok(all)) => view! { <Windows all shown call_ns=call_ns.clone()/> }.into_any(),
                }}
            </div>
        }
    })
}

fn count(found: &RwSignal<Option<Result<Pictures, String>>>) -> usize {
    found.with(|found| match found {
        Some(Ok(all)) => all.windows.len(),
        _ => 0,
    })
}

/// The window with the best score of those that speak for the candidate; where no scores are known the one
/// in its middle.
fn best(all: &Pictures, call_ns: &Range<i64>) -> usize {
    let of_call: Vec<usize> = (0..all.windows.len())
        .filter(|i| {
            let (from, until) = all.windows[*i].0.speaks_for_ns;
            from < call_ns.end && call_ns.start < until
        })
        .collect();
    let middle = of_call.get(of_call.len() / 2).copied().unwrap_or(0);
    let score = |i: &usize| all.scores.get(*i).copied().flatten();
    let scored = of_call.iter().filter_map(|i| Some((*i, score(i)?)));
    scored.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(middle, |(i, _)| i)
}

#[component]
fn Windows(all: Pictures, shown: RwSignal<usize>, call_ns: Range<i64>) -> impl IntoView {
    let session = use_session();
    let canvas = NodeRef::<html::Canvas>::new();
    let count = all.windows.len();
    let card = all.card.clone();
    let scores = all.scores.clone();
    let windows = StoredValue::new(all.windows);
    Effect::new(move |_| {
        let map = session.view.with(|view| view.colour.map);
        let Some(canvas) = canvas.get() else { return };
        windows.with_value(|windows| {
            if let Some((window, values)) = windows.get(shown.get()) {
                paint(&canvas, window, values, &Lut::new(map));
            }
        });
    });
    if count == 0 {
        return view! { <p class="dim">{words::NO_WINDOW}</p> }.into_any();
    }
    let window =
        move || windows.with_value(|all| all.get(shown.get()).map(|(window, _)| window.clone()));
    let which = move || {
        let number = shown.get() + 1;
        match scores.get(shown.get()).copied().flatten() {
            None => words::which(number, count),
            Some(score) => words::which_with_score(number, count, score_words(f64::from(score))),
        }
    };
    let length_s = {
        let plan = card.window();
        plan.window_samples as f64 / plan.rate_hz
    };
    let ticks = ticks(&card).into_iter().map(|(share, hz)| {
        let style = format!("bottom: {:.2}%", 100.0 * share);
        view! { <span style=style>{wording::hertz(hz)}</span> }
    });
    let ticks = ticks.collect_view();
    let marks = move || {
        let window = window()?;
        let end = &card.front_end;
        let frames_s = f64::from(end.frames) * f64::from(end.hop_samples) / card.rate_hz();
        let share = |ns: i64| {
            let s = (ns - window.span_ns.0) as f64 / NANOS_PER_S as f64;
            (100.0 * s / frames_s).clamp(0.0, 100.0)
        };
        let mark = |class: &'static str, from: i64, until: i64, told: &'static str| {
            let (from, until) = (share(from), share(until));
            let style = format!("left: {from:.2}%; width: {:.2}%", (until - from).max(0.3));
            view! { <span class=class style=style title=told></span> }
        };
        let speaks = window.speaks_for_ns;
        Some(view! {
            {mark("speaks-for", speaks.0, speaks.1, words::SPEAKS_FOR)}
            {mark("of-call", call_ns.start, call_ns.end, words::CANDIDATE)}
        })
    };
    let is_last = move || shown.get() + 1 >= count;
    let told = move || {
        let padded = window().map_or(0, |w| w.frames - w.heard_frames.min(w.frames));
        let about = words::about(wording::duration(length_s));
        if padded > 0 { words::padded(padded, about) } else { about }
    };
    view! {
        <div class="seen-picture">
            <div class="seen-hertz" aria-hidden="true">{ticks}</div>
            <div class="seen-window">
                <canvas id="seen-canvas" node_ref=canvas role="img"
                    aria-label=words::PICTURE></canvas>
                {marks}
            </div>
        </div>
        <div class="seen-steps">
            <button class="icon" id="seen-earlier" aria-label=words::WINDOW_BEFORE title=words::WINDOW_BEFORE
                disabled=move || shown.get() == 0
                on:click=move |_| shown.update(|i| *i = i.saturating_sub(1))>"‹"</button>
            <span id="seen-which" role="status">{which}</span>
            <button class="icon" id="seen-later" aria-label=words::WINDOW_AFTER title=words::WINDOW_AFTER
                disabled=is_last
                on:click=move |_| shown.update(|i| *i = (*i + 1).min(count - 1))>"›"</button>
        </div>
        <p class="reading">{told}</p>
    }
    .into_any()
}

/// Round frequencies of the recording that do not stand in each other's way, with their share of the
/// height.
fn ticks(card: &ModelCard) -> Vec<(f64, f64)> {
    let end = &card.front_end;
    let mel = |hz: f64| 1127.0 * (hz / 700.0).ln_1p();
    let (low, high) = (mel(end.low_hz), mel(end.high_hz));
    let round = (0..6).flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(decade)));
    let mut ticks: Vec<(f64, f64)> = Vec::new();
    for hz in round {
        let share = (mel(hz * card.time_compression) - low) / (high - low);
        let is_apart = ticks.last().is_none_or(|(last, _)| share - last >= TICK_APART);
        if (0.0..=1.0).contains(&share) && is_apart {
            ticks.push((share, hz));
        }
    }
    ticks
}

/// One pixel a frame and filter; the style sheet stretches it.
fn paint(canvas: &web_sys::HtmlCanvasElement, window: &SeenWindow, values: &[f32], lut: &Lut) {
    let (frames, mels) = (window.frames, window.mels);
    if values.len() != frames * mels || values.is_empty() {
        return;
    }
    let heard = values.get(..window.heard_frames * mels).filter(|heard| !heard.is_empty());
    let mut sorted: Vec<f32> = heard.unwrap_or(values).to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let (dark, bright) = (f64::from(at(RANGE.0)), f64::from(at(RANGE.1)));
    let mut pixels = vec![0; frames * mels * 4];
    for (index, pixel) in pixels.chunks_exact_mut(4).enumerate() {
        let (row, frame) = (index / frames, index % frames);
        let value = f64::from(values[frame * mels + (mels - 1 - row)]);
        let unit = ((value - dark) / (bright - dark).max(1e-9)).clamp(0.0, 1.0);
        let entry = lut.entries()[(unit * 255.0) as usize];
        pixel.copy_from_slice(&entry);
    }
    let (width, height) = (frames as u32, mels as u32);
    if let Some(surface) = Surface::stretched(canvas, width, height) {
        surface.put(&pixels, width, height);
    }
}

async fn pictures(
    session: Session,
    call: &DetectedCall,
    run: &DetectionRun,
) -> Result<Pictures, String> {
    let card = card_of(run).await?;
    let open = session.open.get_untracked().ok_or(NOTHING_OPEN)?;
    let sources = session.engine().sources().ok_or(NOTHING_OPEN)?;
    let beside_ns = (run.score_s * 1.5 * NANOS_PER_S as f64) as i64;
    let from_ns = call.start.nanos().saturating_sub(beside_ns);
    let until_ns = call.start.nanos().saturating_add(call.span_ns).saturating_add(beside_ns);
    let all = run::of_open(&open, &sources.numbers, run.channel);
    let recordings = near(&open, all, &(from_ns..until_ns));
    let scores = scores(session, call, run, from_ns, until_ns).await;
    let asked = card.clone();
    let order = move |job| Order::See { job, card: Box::new(asked), recordings, from_ns, until_ns };
    let (answer, message) = ask(Some((session, open)), order, Vec::new()).await?;
    let Answer::Seen { windows, .. } = answer else {
        return Err(words::LOOKED_ELSE.to_owned());
    };
    let windows: Vec<_> = windows
        .into_iter()
        .enumerate()
        .map(|(i, window)| (window, Arc::new(message.floats(i))))
        .collect();
    let class = run.classes.iter().position(|class| class.name == call.class).unwrap_or(0);
    let scores = windows.iter().map(|(window, _)| score_at(&scores, class, window)).collect();
    Ok(Pictures { card, windows, scores })
}

/// The card of a run's network: of this tab's, or the server's.
async fn card_of(run: &DetectionRun) -> Result<ModelCard, String> {
    let known = CARDS.with_borrow(|cards| cards.get(&run.source.fingerprint).cloned());
    if let Some(card) = known {
        return Ok(card);
    }
    let list = server::models::list().await?;
    let found = list.models.into_iter().find(|model| model.name == run.source.name);
    let card = found.and_then(|model| model.card);
    card.ok_or_else(|| words::network_gone(&run.source.name))
}

/// Of dated recordings those near a span: months need not be told for a second.
fn near(open: &OpenSet, all: Recordings, span_ns: &Range<i64>) -> Recordings {
    if open.line.origin.is_none() {
        return all;
    }
    let is_near = |info: &RecordingInfo| {
        let Some(Timestamp(start)) = info.start else { return true };
        let last = info.segments.last().and_then(|s| Some((s.start?, s.frames)));
        let end = last.map_or(start, |(start, frames)| {
            Timestamp::of_frame(start, frames as i64, info.sample_rate_hz).0
        });
        start - NEAR_NS < span_ns.end && span_ns.start < end + NEAR_NS
    };
    let Recordings { infos, channel } = all;
    Recordings { infos: infos.into_iter().filter(|(_, info)| is_near(info)).collect(), channel }
}

/// The run's scores around a candidate; none where they can't be had.
async fn scores(
    session: Session,
    call: &DetectedCall,
    run: &DetectionRun,
    from_ns: i64,
    until_ns: i64,
) -> ScoreCurves {
    let moment = |ns: i64| match call.start {
        Moment::Clock(_) => Moment::Clock(Timestamp(ns)),
        Moment::Elapsed(_) => Moment::Elapsed(ns),
    };
    let query = CallQuery {
        from: moment_text(moment(from_ns)),
        until: moment_text(moment(until_ns)),
        ..CallQuery::default()
    };
    match session.calls.source() {
        Some(source) => source.scores(&query, run.score_s).await.unwrap_or_default(),
        None => ScoreCurves::default(),
    }
}

/// A window's score: that of the bin in which the time begins that it speaks for.
fn score_at(curves: &ScoreCurves, class: usize, window: &SeenWindow) -> Option<f32> {
    // Times are rounded: a bin may begin some nanoseconds late.
    let begin_ns = window.speaks_for_ns.0 + 1000;
    let bin = (begin_ns - curves.start?.nanos()).checked_div(curves.bin_ns)?;
    *curves.classes.get(class)?.scores.get(usize::try_from(bin).ok()?)?
}
