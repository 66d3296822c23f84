//! The lines as a list of which no more is on the page than is seen: a night may hold ten thousand.

use std::ops::Range;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use spyhop_api::view::Clock;
use spyhop_signal::transcript::TranscriptLine;
use spyhop_words::panel::transcript as words;

use crate::clock::Telling;
use crate::session::{Session, use_session};
use crate::{playback, wording};

/// Height of a line for a pointer and for a finger, CSS pixels.
const ROW_PX: (f64, f64) = (30.0, 44.0);
/// Lines that are on the page above and below those that are seen.
const BESIDE: usize = 8;
/// A sound that is over stays lit until this long after it began, s: nobody reads faster.
const LEAST_LIT_S: f64 = 1.0;
/// Lines that may have begun since one that still sounds.
const MOST_AT_ONCE: usize = 64;
/// Whoever goes to a line from a longer picture than this is brought close, s.
const WIDE_S: f64 = 300.0;
/// As close as this many times the line's length, and no closer than it takes to hear it, s.
const CLOSE: f64 = 12.0;
const CLOSEST_S: f64 = 10.0;

/// The list. Arrow keys walk through it, Enter or a click goes there and plays.
#[component]
pub fn Lines(lines: Memo<Arc<Vec<TranscriptLine>>>) -> impl IntoView {
    let session = use_session();
    let list = NodeRef::<html::Div>::new();
    let row_px = if is_for_fingers() { ROW_PX.1 } else { ROW_PX.0 };
    let (top_px, height_px) = (RwSignal::new(0.0), RwSignal::new(400.0));
    let at = RwSignal::new(0usize);
    let count = Memo::new(move |_| lines.with(|lines| lines.len()));
    let clock = Memo::new(move |_| session.view.with(|v| v.clock));
    let seen = Memo::new(move |_| {
        let first = (top_px.get() / row_px) as usize;
        let last = ((top_px.get() + height_px.get()) / row_px).ceil() as usize;
        first.saturating_sub(BESIDE)..(last + BESIDE).min(count.get())
    });
    let sounding = Memo::new(move |_| {
        let head = session.play_head.get()?;
        let rate = session.open.with(|open| open.as_ref().map(|open| open.line.sample_rate_hz))?;
        lines.with(|lines| line_at(lines, head / rate))
    });
    leptos_use::use_resize_observer(list, move |_, _| {
        if let Some(list) = list.get_untracked() {
            height_px.set(f64::from(list.client_height()));
        }
    });
    let bring = move |row: usize, part: f64| {
        let Some(list) = list.get_untracked() else { return };
        let (top, height) = (row as f64 * row_px, f64::from(list.client_height()));
        let shown = f64::from(list.scroll_top());
        if top < shown || top + row_px > shown + height {
            list.set_scroll_top((top - (height - row_px) * part) as i32);
        }
    };
    Effect::new(move |_| {
        if let Some(row) = sounding.get() {
            bring(row, 0.3);
        }
    });
    let go = move |row: usize| {
        at.set(row);
        let line = lines.with_untracked(|lines| lines.get(row).cloned());
        if let Some(line) = line {
            go_to(session, &line);
        }
    };
    let walk = move |ev: web_sys::KeyboardEvent| {
        let last = count.get_untracked().saturating_sub(1);
        let now = at.get_untracked().min(last);
        let page = ((height_px.get_untracked() / row_px) as usize).max(2) - 1;
        let to = match ev.key().as_str() {
            "ArrowDown" => (now + 1).min(last),
            "ArrowUp" => now.saturating_sub(1),
            "PageDown" => (now + page).min(last),
            "PageUp" => now.saturating_sub(page),
            "Home" => 0,
            "End" => last,
            "Enter" => {
                go(now);
                now
            }
            _ => return,
        };
        // These keys move the picture elsewhere.
        ev.prevent_default();
        ev.stop_propagation();
        bring(to, if to < now { 0.0 } else { 1.0 });
        at.set(to);
    };
    let sounds = move |row: usize| (sounding.get() == Some(row)).then_some("true");
    let whole = move || format!("height:{}px", count.get() as f64 * row_px);
    let row_of = move |row: usize, line: &TranscriptLine| {
        let begins = when(session, clock.get(), line.start_s);
        let place = format!("top:{}px;height:{row_px}px", row as f64 * row_px);
        view! {
            <div class="transcript-line" role="option" id=id_of(row) style=place
                aria-setsize=count.get_untracked().to_string() aria-posinset=(row + 1).to_string()
                aria-selected=move || (at.get() == row).to_string()
                data-sounding=move || sounds(row)
                on:click=move |_| go(row)
            >
                <time>{begins}</time>
                <span>{line.text()}</span>
                <small class="dim">{lasts(line.end_s - line.start_s)}</small>
            </div>
        }
        .into_any()
    };
    view! {
        <div id="transcript-lines" class="transcript-lines" role="listbox" tabindex="0" node_ref=list
            aria-label=words::LIST
            aria-activedescendant=move || id_of(at.get())
            data-lines=move || count.get().to_string()
            on:scroll=move |_| if let Some(list) = list.get_untracked() {
                top_px.set(f64::from(list.scroll_top()));
            }
            on:keydown=walk
        >
            <div style=whole>
                {move || {
                    let rows = rows(lines, seen.get()).into_iter();
                    rows.map(|(row, line)| row_of(row, &line)).collect_view()
                }}
            </div>
        </div>
    }
}

fn id_of(row: usize) -> String {
    format!("heard-{row}")
}

fn rows(lines: Memo<Arc<Vec<TranscriptLine>>>, seen: Range<usize>) -> Vec<(usize, TranscriptLine)> {
    lines.with(|lines| {
        let shown = lines.iter().enumerate().skip(seen.start).take(seen.len());
        shown.map(|(row, line)| (row, line.clone())).collect()
    })
}

/// How long a line lasts: no finer than it can be read.
fn lasts(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.1} s") } else { wording::duration(seconds) }
}

/// When a line begins, by a clock.
fn when(session: Session, clock: Clock, start_s: f64) -> String {
    let Some(open) = session.open.get_untracked() else { return String::new() };
    let telling = Telling::of(clock, &open);
    let text = telling.tell_seconds(start_s * telling.rate_hz);
    text.split_once(' ').map_or(text.clone(), |(_, time)| time.to_owned())
}

/// The line that sounds at a time: of several the one that began last. Lines are by their beginning.
fn line_at(lines: &[TranscriptLine], at_s: f64) -> Option<usize> {
    let begun = lines.partition_point(|line| line.start_s <= at_s);
    let lit =
        |row: &usize| lines.get(*row).is_some_and(|l| at_s <= l.end_s.max(l.start_s + LEAST_LIT_S));
    (begun.saturating_sub(MOST_AT_ONCE)..begun).rev().find(lit)
}

/// Brings a line into the picture where it is not, and plays from it to the right edge.
fn go_to(session: Session, line: &TranscriptLine) {
    let (Some(open), Some(frame)) = (session.open.get_untracked(), session.frame_now()) else {
        return;
    };
    let rate = open.line.sample_rate_hz;
    let (start, end) = (line.start_s * rate, line.end_s * rate);
    let close = (end - start).max(CLOSEST_S / CLOSE * rate) * CLOSE;
    let is_far = frame.span() > (WIDE_S * rate).max(close);
    let is_cut = frame.span() < (end - start) * 1.2;
    let shown = frame.positions();
    if is_far || is_cut || start < shown.start || end > shown.end {
        session.change_frame(|frame| {
            if is_far || is_cut {
                let wide = if is_far { close } else { (end - start) * 1.4 };
                frame.zoom_time(0.5, wide / frame.span());
            }
            frame.begin_at(start - frame.span() * 0.1);
        });
    }
    let until = session.frame_now().map_or(end, |frame| frame.positions().end.max(end));
    // What plays already would go on from where it is.
    playback::stop(session);
    playback::play(session, start.max(0.0) as i64..until.ceil() as i64);
}

/// Whether the first pointer of this machine is a finger.
fn is_for_fingers() -> bool {
    let asked = window().match_media("(pointer: coarse)");
    asked.ok().flatten().is_some_and(|answer| answer.matches())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_began_last_is_the_one_that_sounds() {
        let line = |start_s, end_s| TranscriptLine { start_s, end_s, label: "x".into(), count: 1 };
        let lines = [line(1.0, 30.0), line(2.0, 2.1), line(10.0, 12.0)];
        let at = |s| line_at(&lines, s);
        assert_eq!(
            [0.5, 1.5, 2.5, 5.0, 11.0, 20.0, 31.0].map(at),
            [None, Some(0), Some(1), Some(0), Some(2), Some(0), None]
        );
    }
}
