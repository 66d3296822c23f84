//! What a network saw of a candidate: the mel pictures of the windows about its best one, as they were
//! handed to the network, with the window's score and time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{CallQuery, DetectedCall, DetectionRun, ScoreCurves};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{HostedModel, ModelCard, Moment, RecordingInfo, Timestamp};
use spyhop_paint::Lut;
use spyhop_words::page::open::NOTHING_OPEN;
use spyhop_words::page::seen as words;
use spyhop_workers::listening::{Answer, MOST_SEEN_WINDOWS, Order, Recordings, SeenWindow};

use super::{ask, run};
use crate::calls::{moment_text, score_words};
use crate::session::{OpenSet, Session, use_session};
use crate::viewer::Surface;
use crate::{server, wording};

/// The darkest and the brightest of the picture, as shares of its values.
const RANGE: (f64, f64) = (0.05, 0.998);
/// How far apart frequencies are written, as a share of the height.
const TICK_APART: f64 = 0.11;
/// Windows on both sides of the best one that are looked at: with it no more than the listener gives out.
const BESIDE_BEST: i64 = (MOST_SEEN_WINDOWS as i64 - 2) / 2;
/// Times are rounded: pieces of time that touch may overlap by this, nanoseconds.
const ROUNDED_NS: i64 = 1000;
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
    let scores = scores(session, call, run, from_ns, until_ns).await;
    let class = run.classes.iter().position(|class| class.name == call.class).unwrap_or(0);
    let call_ns = call.start.nanos()..call.start.nanos().saturating_add(call.span_ns);
    let about = about_best(&scores, class, &call_ns, run.score_s);
    let (from_ns, until_ns) = (from_ns.max(about.start), until_ns.min(about.end));
    let all = run::of_open(&open, &sources.numbers, run.channel);
    let recordings = near(&open, all, &(from_ns..until_ns));
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
    let scores = windows.iter().map(|(window, _)| score_at(&scores, class, window)).collect();
    Ok(Pictures { card, windows, scores })
}

/// The card of a run's network: of this tab's, or the server's.
async fn card_of(run: &DetectionRun) -> Result<ModelCard, String> {
    let known = CARDS.with_borrow(|cards| cards.get(&run.source.fingerprint).cloned());
    if let Some(card) = known {
        return Ok(card);
    }
    // The server tells the cards of networks, not those that they have under an adapter.
    if let Some(adapter) = &run.source.adapter {
        return Err(words::of_adapter(&run.source.name, adapter));
    }
    hosted_card(server::models::list().await?.models, run)
}

/// The card of a server's network, where it is still the one that a run was made with.
fn hosted_card(models: Vec<HostedModel>, run: &DetectionRun) -> Result<ModelCard, String> {
    let name = &run.source.name;
    let found = models.into_iter().find(|model| model.name == *name);
    let Some((card, print)) = found.and_then(|model| Some((model.card?, model.fingerprint))) else {
        return Err(words::network_gone(name));
    };
    // Where windows begin is the card's, and no part of the fingerprint.
    let hop_s = f64::from(card.hop_samples) / card.rate_hz();
    let is_same = print == run.source.fingerprint && (hop_s - run.score_s).abs() < 1e-6;
    if is_same { Ok(card) } else { Err(words::other_network(name)) }
}

/// The time about the best piece of a candidate, nanoseconds, that as many windows speak for as the listener
/// gives out at once; about its middle where no score is known.
fn about_best(
    curves: &ScoreCurves,
    class: usize,
    call_ns: &Range<i64>,
    score_s: f64,
) -> Range<i64> {
    let piece_ns = ((score_s * NANOS_PER_S as f64) as i64).max(1);
    let best_ns = || {
        let (start, scores) = (curves.start?.nanos(), &curves.classes.get(class)?.scores);
        let pieces = scores.iter().enumerate().filter_map(|(bin, score)| {
            let begin_ns = start + bin as i64 * curves.bin_ns;
            let is_of_call = begin_ns < call_ns.end && call_ns.start < begin_ns + curves.bin_ns;
            Some((begin_ns, (*score)?)).filter(|_| is_of_call)
        });
        pieces.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(begin_ns, _)| begin_ns)
    };
    let middle_ns = call_ns.start + (call_ns.end - call_ns.start) / 2;
    let best_ns = best_ns().unwrap_or(middle_ns - piece_ns / 2);
    let beside_ns = BESIDE_BEST * piece_ns;
    best_ns - beside_ns + ROUNDED_NS..best_ns + piece_ns + beside_ns - ROUNDED_NS
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
    match session.calls.source_of(run.id) {
        Some(source) => source.scores(&query, run.score_s).await.unwrap_or_default(),
        None => ScoreCurves::default(),
    }
}

/// A window's score: that of the bin in which the time begins that it speaks for.
fn score_at(curves: &ScoreCurves, class: usize, window: &SeenWindow) -> Option<f32> {
    // Times are rounded: a bin may begin some nanoseconds late.
    let begin_ns = window.speaks_for_ns.0 + ROUNDED_NS;
    let bin = (begin_ns - curves.start?.nanos()).checked_div(curves.bin_ns)?;
    *curves.classes.get(class)?.scores.get(usize::try_from(bin).ok()?)?
}

#[cfg(test)]
mod tests {
    use spyhop_api::FrontEnd;
    use spyhop_api::detection::{DetectionClass, DetectionSource, ScoreCurve};

    use super::*;

    fn model() -> HostedModel {
        let card = ModelCard::new("tiny", FrontEnd::of_rate(16_000.0));
        let card = ModelCard { hop_samples: 4000, ..card };
        HostedModel {
            name: "tiny".into(),
            card: Some(card),
            problem: None,
            parameters: 1,
            fingerprint: "f00d".into(),
            files: Vec::new(),
            adapters: Vec::new(),
        }
    }

    fn run() -> DetectionRun {
        let class = DetectionClass {
            name: "upcall".into(),
            band_hz: (50.0, 400.0),
            keep_from: 0.1,
            threshold: 0.5,
        };
        DetectionRun {
            id: 1,
            title: "tiny".into(),
            source: DetectionSource {
                name: "tiny".into(),
                is_model: true,
                adapter: None,
                fingerprint: "f00d".into(),
                config_hash: String::new(),
                software: String::new(),
            },
            config: String::new(),
            channel: 0,
            classes: vec![class],
            score_unit: String::new(),
            score_s: 0.25,
            created: Timestamp(0),
            candidates: 0,
            reviewed: 0,
            problems: Vec::new(),
            job: None,
        }
    }

    #[test]
    fn a_picture_is_made_only_by_the_card_of_the_network_that_ran() {
        assert!(hosted_card(vec![model()], &run()).is_ok());
        let retrained = HostedModel { fingerprint: "beef".into(), ..model() };
        let why = hosted_card(vec![retrained], &run()).expect_err("another network");
        assert!(why.contains("tiny") && why.contains("another"), "{why}");
        let slower = DetectionRun { score_s: 10.24, ..run() };
        assert!(hosted_card(vec![model()], &slower).is_err(), "other windows");
        let why = hosted_card(Vec::new(), &run()).expect_err("gone");
        assert!(why.contains("not here any more"), "{why}");
    }

    #[test]
    fn windows_about_the_best_one_are_looked_at_however_long_a_candidate_is() {
        let quarter = NANOS_PER_S / 4;
        // A minute of one candidate, whose best piece is the 200th.
        let mut scores = vec![Some(0.3); 240];
        (scores[200], scores[230]) = (Some(0.99), None);
        let curve = ScoreCurve { class: "upcall".into(), scores };
        let start = Some(Moment::Clock(Timestamp(1000 * NANOS_PER_S)));
        let curves = ScoreCurves { start, bin_ns: quarter, classes: vec![curve] };
        let call_ns = 1000 * NANOS_PER_S..1060 * NANOS_PER_S;
        let about = about_best(&curves, 0, &call_ns, 0.25);
        let best_ns = call_ns.start + 200 * quarter;
        assert!(about.start < best_ns && best_ns + quarter < about.end, "{about:?}");
        let pieces = (0..240).map(|i| call_ns.start + i * quarter);
        let seen = pieces.filter(|at| *at < about.end && about.start < at + quarter).count();
        assert!((MOST_SEEN_WINDOWS - 1..=MOST_SEEN_WINDOWS).contains(&seen), "{seen}");
        // What lies beside the candidate may be better: that is another one's.
        let second_half = call_ns.start + 30 * NANOS_PER_S..call_ns.start + 40 * NANOS_PER_S;
        let about = about_best(&curves, 0, &second_half, 0.25);
        assert!(about.end < best_ns, "{about:?}");
        let unknown = about_best(&ScoreCurves::default(), 0, &call_ns, 0.25);
        let middle_ns = call_ns.start + 30 * NANOS_PER_S;
        assert!(unknown.contains(&middle_ns), "{unknown:?}");
    }
}
