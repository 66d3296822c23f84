//! The quality of a hosted deployment as a strip below the overview: a mark for what was found of each
//! recording or hour, higher and warmer the more it matters. Pointing at it tells what; a press goes there.
//! By keyboard it is a slider from finding to finding.

use std::ops::Range;

use leptos::html;
use leptos::prelude::*;
use spyhop_api::Severity;
use spyhop_paint::scene::Area;
use spyhop_paint::{Colour, Item, Theme};
use spyhop_words::viewer::quality_strip as words;
use web_sys::wasm_bindgen::JsCast;

use super::canvas::Surface;
use super::draw::theme;
use crate::clock::Telling;
use crate::frame::Frame;
use crate::quality::{Group, SetQuality, Stretch, counts_in_words, tell};
use crate::session::{Session, use_session};

/// Height of the line that says that something was measured, CSS pixels.
const MEASURED_PX: f64 = 2.0;
/// The pointer means what lies within so many CSS pixels.
const REACH_PX: f64 = 2.0;
/// Findings that PageUp and PageDown pass over.
const PAGE: usize = 10;
/// Room on both sides of a stretch that was gone to, as a part of it.
const MARGIN: f64 = 0.08;
/// The least that is shown of a stretch, so that a second of it is not the whole picture, s.
const LEAST_S: f64 = 2.0;

/// The strip; it keeps its place while nothing is known yet, so that nothing moves when it is.
#[component]
pub fn QualityStrip(commit: Callback<()>) -> impl IntoView {
    let session = use_session();
    let hosted = Memo::new(move |_| {
        session.open.with(|o| o.as_ref().is_some_and(|o| o.deployment.is_some()))
    });
    view! {
        <Show when=move || hosted.get()><Strip commit/></Show>
    }
}

#[component]
fn Strip(commit: Callback<()>) -> impl IntoView {
    let session = use_session();
    let canvas = NodeRef::<html::Canvas>::new();
    // What the pointer is at: fractions of the width. What the keyboard is at: an index of the groups.
    let pointed = RwSignal::new(None::<Range<f64>>);
    let reached = RwSignal::new(None::<usize>);
    let folded = Memo::new(move |_| session.view.with(|v| v.gaps_collapsed));
    let resized = Trigger::new();
    leptos_use::use_resize_observer(canvas, move |_, _| resized.notify());
    let focused = RwSignal::new(false);
    Effect::new(move |_| {
        folded.track();
        resized.track();
        session.prefs.brightness.track();
        let quality = session.quality.get();
        let group = reached.get().filter(|_| focused.get());
        let group = group.and_then(|i| quality.groups.get(i).cloned());
        if let (Some(frame), Some(surface)) =
            (session.frame_now(), canvas.get().and_then(|c| Surface::of(&c)))
        {
            surface.items(&items(&quality, &frame, &theme(session), &surface, group.as_ref()));
        }
    });
    let told = Memo::new(move |_| {
        if let Some(range) = pointed.get() {
            return told_of_range(session, &range);
        }
        focused.get().then(|| told_of_group(session, reached.get()?)).flatten()
    });
    let count = Memo::new(move |_| session.quality.with(|q| q.groups.len()));
    let value_text = move || match reached.get().and_then(|i| told_of_group(session, i)) {
        Some(told) => told.lines.join(". "),
        None => summary(session),
    };
    let go = move |positions: Range<f64>| {
        let rate = session.open.with_untracked(|o| o.as_ref().map(|o| o.line.sample_rate_hz));
        session.change_frame(|f| show(f, &positions, rate.unwrap_or(1.0)));
        commit.run(());
    };
    let place = move |ev: &web_sys::MouseEvent| range_under(ev);
    view! {
        <div class="quality-row">
            <canvas id="quality-strip" node_ref=canvas tabindex="0" role="slider"
                aria-label=move || words::label(summary(session))
                aria-orientation="horizontal"
                aria-valuemin="0" aria-valuemax=move || count.get().to_string()
                aria-valuenow=move || reached.get().map_or(0, |i| i + 1).to_string()
                aria-valuetext=value_text
                data-groups=move || count.get().to_string()
                on:pointerdown=move |ev| pointed.set(place(&ev))
                on:pointermove=move |ev| pointed.set(place(&ev))
                on:pointerleave=move |_| pointed.set(None)
                on:click=move |ev: web_sys::MouseEvent| {
                    let range = place(&ev);
                    let found = range.and_then(|range| gravest(session, &range));
                    if let Some(positions) = found { go(positions) }
                }
                on:focus=move |_| focused.set(true)
                on:blur=move |_| focused.set(false)
                on:keydown=move |ev| {
                    let count = count.get_untracked();
                    let at = reached.get_untracked();
                    match step(&ev.key(), at, count) {
                        Some(Step::To(index)) => { ev.prevent_default(); reached.set(Some(index)) }
                        Some(Step::Go) => {
                            ev.prevent_default();
                            let group = session.quality.with_untracked(|q| q.groups.get(at?).cloned());
                            if let Some(g) = group {
                                go(g.positions.start as f64..g.positions.end as f64);
                            }
                        }
                        None => {}
                    }
                }
            ></canvas>
            {move || told.get().map(|told| {
                let [first, rest @ ..] = told.lines.as_slice() else { return ().into_any() };
                let rest = rest.iter().map(|line| view! { <p>{line.clone()}</p> }).collect_view();
                view! {
                    <div id="quality-told" class="reason-box" role="status" style=told.place.clone()>
                        <p class="dim">{first.clone()}</p>{rest}
                    </div>
                }.into_any()
            })}
        </div>
    }
}

/// What is told, and where on the page.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    lines: Vec<String>,
    place: String,
}

enum Step {
    /// To another finding.
    To(usize),
    /// To where the present one is.
    Go,
}

/// What a key does.
fn step(key: &str, at: Option<usize>, count: usize) -> Option<Step> {
    let last = count.checked_sub(1)?;
    let next = |by: usize| at.map_or(0, |i| (i + by).min(last));
    let before = |by: usize| at.map_or(last, |i| i.saturating_sub(by));
    Some(Step::To(match key {
        "ArrowRight" | "ArrowUp" => next(1),
        "ArrowLeft" | "ArrowDown" => before(1),
        "PageUp" => next(PAGE),
        "PageDown" => before(PAGE),
        "Home" => 0,
        "End" => last,
        "Enter" | " " if at.is_some() => return Some(Step::Go),
        _ => return None,
    }))
}

/// The strip's own colours: what is measured, and what was found.
fn colour(severity: Option<Severity>, theme: &Theme) -> Colour {
    match severity {
        None => theme.axis,
        Some(Severity::Note) => theme.selection,
        Some(Severity::Doubt) => theme.annotation,
        Some(Severity::Fault) => theme.fault,
    }
}

/// Part of the strip's height that a finding takes: what matters more can be told without colours.
fn height(severity: Severity) -> f64 {
    match severity {
        Severity::Note => 0.45,
        Severity::Doubt => 0.7,
        Severity::Fault => 1.0,
    }
}

fn items(
    quality: &SetQuality,
    frame: &Frame,
    theme: &Theme,
    surface: &Surface,
    chosen: Option<&Group>,
) -> Vec<Item> {
    // A pixel shows the gravest of all that lies under it.
    let pixels = surface.width.ceil().max(1.0) as usize;
    let mut measured = vec![false; pixels];
    let mut found: Vec<Option<Severity>> = vec![None; pixels];
    for stretch in &quality.stretches {
        let under = pixels_of(&stretch.positions, frame, pixels);
        if stretch.is_measured {
            measured[under.clone()].fill(true);
        }
        if let Some(severity) = stretch.severity() {
            found[under].iter_mut().for_each(|held| *held = (*held).max(Some(severity)));
        }
    }
    let bar = |from: usize, to: usize, height: f64, fill: Colour| {
        let area = Area::new(from as f64, surface.height - height, (to - from) as f64, height);
        Item::fill(area, fill)
    };
    let mut items = Vec::new();
    for (from, to) in runs(&measured).filter(|(from, _)| measured[*from]) {
        items.push(bar(from, to, MEASURED_PX, colour(None, theme)));
    }
    for (from, to) in runs(&found) {
        if let Some(severity) = found[from] {
            let height = height(severity) * surface.height;
            items.push(bar(from, to, height, colour(Some(severity), theme)));
        }
    }
    if let Some(group) = chosen {
        let under = pixels_of(&group.positions, frame, pixels);
        let (from, wide) = (under.start as f64 - 1.5, under.len() as f64 + 3.0);
        let area = Area::new(from, 0.5, wide, surface.height - 1.0);
        items.push(Item::outline(area, spyhop_paint::Stroke::solid(theme.text, 1.0)));
    }
    items
}

/// Pixels over some positions, one at least.
fn pixels_of(positions: &Range<i64>, frame: &Frame, pixels: usize) -> Range<usize> {
    let x = |position: i64| frame.whole_x_of(position as f64) * pixels as f64;
    let from = (x(positions.start).floor().max(0.0) as usize).min(pixels - 1);
    let to = (x(positions.end).ceil().max(0.0) as usize).clamp(from + 1, pixels);
    from..to
}

/// Where equal neighbours begin and end.
fn runs<T: PartialEq>(values: &[T]) -> impl Iterator<Item = (usize, usize)> + '_ {
    values.chunk_by(PartialEq::eq).scan(0, |at, run| {
        let from = *at;
        *at += run.len();
        Some((from, *at))
    })
}

/// The stretches that touch a part of the strip, by fractions of its width.
fn under<'q>(quality: &'q SetQuality, frame: &Frame, range: &Range<f64>) -> Vec<&'q Stretch> {
    let place = |x: f64| frame.fold.position_at(x * frame.end);
    let (from, to) = (place(range.start), place(range.end));
    let first = quality.stretches.partition_point(|s| s.positions.end as f64 <= from);
    let rest = quality.stretches.get(first..).unwrap_or_default();
    rest.iter().take_while(|s| (s.positions.start as f64) < to).collect()
}

/// Positions of the gravest finding in a part of the strip; of the middle where there is none.
fn gravest(session: Session, range: &Range<f64>) -> Option<Range<f64>> {
    let frame = session.frame_now()?;
    session.quality.with_untracked(|quality| {
        let under = under(quality, &frame, range);
        let found = under.iter().max_by_key(|s| s.severity())?;
        Some(found.positions.start as f64..found.positions.end as f64)
    })
}

fn told_of_range(session: Session, range: &Range<f64>) -> Option<Told> {
    let quality = session.quality.get();
    let open = session.open.get_untracked()?;
    let frame = session.frame_now()?;
    let under = under(&quality, &frame, range);
    let (first, last) = (under.first()?, under.last()?);
    let telling = session.view.with_untracked(|v| Telling::of(v.clock, &open));
    let when = span_in_words(&telling, &(first.positions.start..last.positions.end));
    let lines = tell(&under, &open.infos, &when);
    Some(Told { lines, place: place_of((range.start + range.end) / 2.0) })
}

fn told_of_group(session: Session, index: usize) -> Option<Told> {
    let quality = session.quality.get();
    let open = session.open.get_untracked()?;
    let frame = session.frame_now()?;
    let group = quality.groups.get(index)?;
    let of_it: Vec<&Stretch> = quality.stretches.get(group.stretches.clone())?.iter().collect();
    let telling = session.view.with_untracked(|v| Telling::of(v.clock, &open));
    let when = span_in_words(&telling, &group.positions);
    let middle = (group.positions.start + group.positions.end) as f64 / 2.0;
    Some(Told {
        lines: tell(&of_it, &open.infos, &when),
        place: place_of(frame.whole_x_of(middle)),
    })
}

/// `2024-06-01 12:00:00 – 13:00:00`, by the clock that the axis shows.
fn span_in_words(telling: &Telling, positions: &Range<i64>) -> String {
    let from = telling.tell_seconds(positions.start as f64);
    let to = telling.tell_seconds(positions.end as f64);
    let day = |text: &str| text.split_once(' ').map(|(day, _)| day.to_owned());
    let to = match (day(&from), to.split_once(' ')) {
        (Some(day), Some((same, time))) if day == same => time.to_owned(),
        _ => to,
    };
    words::span(from, to)
}

/// Beside what is told of, on that side of the strip where there is more room.
fn place_of(x: f64) -> String {
    let x = x.clamp(0.0, 1.0);
    match x < 0.5 {
        true => format!("left:{:.2}%", 100.0 * x),
        false => format!("right:{:.2}%", 100.0 * (1.0 - x)),
    }
}

/// All of it in a sentence.
fn summary(session: Session) -> String {
    session.quality.with(|quality| {
        let known = &quality.known;
        let kinds = counts_in_words(&known.counts);
        let kinds: Vec<String> = kinds.into_iter().map(|(_, told)| told).collect();
        let found = match kinds.is_empty() {
            true => words::NOTHING_FOUND.to_owned(),
            false => kinds.join(", "),
        };
        match (known.measured, known.recording_count) {
            (_, 0) => words::NOT_MEASURED.to_owned(),
            (measured, all) if measured < all => words::measured_by_now(found, measured, all),
            (_, all) => words::found_in(found, crate::wording::recordings(all)),
        }
    })
}

/// Brings a stretch into the picture.
fn show(frame: &mut Frame, positions: &Range<f64>, rate_hz: f64) {
    let (from, to) = (frame.fold.place_of(positions.start), frame.fold.place_of(positions.end));
    let span = (to - from).max(LEAST_S * rate_hz) * (1.0 + 2.0 * MARGIN);
    let middle = (from + to) / 2.0;
    frame.show(middle - span / 2.0..middle + span / 2.0);
}

/// What the pointer means, as fractions of the width.
fn range_under(ev: &web_sys::MouseEvent) -> Option<Range<f64>> {
    let strip = ev.current_target()?.dyn_into::<web_sys::Element>().ok()?;
    let place = strip.get_bounding_client_rect();
    let x = f64::from(ev.client_x()) - place.left();
    let part = |x: f64| (x / place.width().max(1.0)).clamp(0.0, 1.0);
    Some(part(x - REACH_PX)..part(x + REACH_PX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_step_from_finding_to_finding_and_stop_at_both_ends() {
        let to = |key: &str, at, count| match step(key, at, count) {
            Some(Step::To(index)) => Some(index),
            _ => None,
        };
        assert_eq!(to("ArrowRight", None, 3), Some(0));
        assert_eq!(to("ArrowLeft", None, 3), Some(2));
        assert_eq!(to("ArrowRight", Some(2), 3), Some(2));
        assert_eq!(to("PageDown", Some(12), 30), Some(2));
        assert_eq!((to("End", None, 3), to("Home", Some(2), 3)), (Some(2), Some(0)));
        assert_eq!((to("ArrowRight", None, 0), to("x", None, 3)), (None, None));
        assert!(step("Enter", None, 3).is_none());
        assert!(matches!(step("Enter", Some(1), 3), Some(Step::Go)));
    }

    #[test]
    fn neighbours_alike_are_one_bar() {
        let found: Vec<_> = runs(&[0, 0, 1, 1, 1, 0]).collect();
        assert_eq!(found, [(0, 2), (2, 5), (5, 6)]);
    }
}
