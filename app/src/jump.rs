//! Going to a time that somebody types, and from recording to recording.

use leptos::html;
use leptos::prelude::*;
use spyhop_api::Timestamp;
use spyhop_paint::TimeLabels;
use spyhop_words::page::jump as words;
use spyhop_words::page::open::NOTHING_OPEN;

use crate::clock::Telling;
use crate::dialogs::{Shade, focus_when_there};
use crate::session::{Dialog, NoticeKind, OpenSet, Session, use_session};

/// A recording is begun if the left edge is nearer to it than this part of the picture.
const AT_BEGINNING: f64 = 1e-3;

/// The position that a text means: a date, a time of the day that is shown, both, or (on a line without
/// a clock) time since the beginning. Without a zone it is read on the clock that the axis shows.
///
/// # Errors
/// With what it should look like.
pub fn position_of(text: &str, telling: &Telling, shown: f64) -> Result<f64, String> {
    let text = text.trim();
    let nanos = match &telling.labels {
        TimeLabels::Elapsed => seconds(text).map(|s| s * 1e9).ok_or(words::TYPE_SECONDS)?,
        TimeLabels::Clock { origin, offset_s, .. } => {
            let is_time = text.contains(':') && !text.contains('-') && !text.contains('T');
            let shown_ns = (shown / telling.rate_hz * 1e9).round() as i64;
            let whole = match telling.labels.text(shown_ns, 0).split_once(' ') {
                Some((date, _)) if is_time => format!("{date}T{text}"),
                _ => text.to_owned(),
            };
            let at = Timestamp::from_iso(&whole).map_err(|_| words::TYPE_DATE)?;
            let ahead_ns = if has_zone(&whole) { 0 } else { i64::from(*offset_s) * 1_000_000_000 };
            at.0.saturating_sub(origin.0).saturating_sub(ahead_ns) as f64
        }
    };
    Ok(nanos / 1e9 * telling.rate_hz)
}

/// `90.5`, `90.5s`, `1:30.5`, `1:02:30`.
fn seconds(text: &str) -> Option<f64> {
    let text = text.strip_suffix('s').unwrap_or(text).trim();
    let parts: Option<Vec<f64>> = text.split(':').map(|p| p.trim().parse().ok()).collect();
    let total = parts.filter(|p| p.len() <= 3)?.into_iter().fold(0.0, |all, p| all * 60.0 + p);
    (total.is_finite() && total >= 0.0).then_some(total)
}

/// Whether a time says what it is ahead of UTC.
fn has_zone(text: &str) -> bool {
    let time = text.find(['T', ' ']).and_then(|at| text.get(at..)).unwrap_or_default();
    time.contains(['Z', 'z', '+', '-'])
}

/// Puts a time in the middle of the picture.
///
/// # Errors
/// When the text is no time, or nothing is there.
fn go(session: Session, text: &str) -> Result<(), String> {
    let open = session.open.get_untracked().ok_or(NOTHING_OPEN)?;
    let frame = session.frame_now().ok_or(NOTHING_OPEN)?;
    let telling = session.view.with_untracked(|v| Telling::of(v.clock, &open));
    let position = position_of(text, &telling, frame.positions().start)?;
    let end = open.line.end() as f64;
    if !(0.0..=end).contains(&position) {
        return Err(words::outside(telling.tell_seconds(0.0), telling.tell_seconds(end)));
    }
    session.change_frame(|f| {
        // Everything can't be moved: an eighth of it is around the time that was asked for.
        if f.span() >= f.end * 0.999 {
            f.zoom_time(0.5, 0.125);
        }
        f.go_to(position);
    });
    session.cursors.update(|c| c[0] = Some(crate::session::Point { position, hz: None }));
    Ok(())
}

/// Moves the left edge to the beginning of the next recording, or of the one before.
pub fn to_recording(session: Session, later: bool) {
    let Some(open) = session.open.get_untracked() else { return };
    let Some(frame) = session.frame_now() else { return };
    let starts = beginnings(&open);
    let left = frame.positions().start;
    let near = frame.span() * AT_BEGINNING;
    let found = if later {
        starts.iter().position(|(at, _)| *at > left + near)
    } else {
        starts.iter().rposition(|(at, _)| *at < left - near)
    };
    let Some((index, (position, recording))) = found.and_then(|i| Some((i, *starts.get(i)?)))
    else {
        let told = if later { words::IS_LAST } else { words::IS_FIRST };
        return session.tell(NoticeKind::Done, told);
    };
    session.change_frame(|f| {
        if f.span() >= f.end * 0.999 {
            let frames = open.infos.get(recording).map_or(1.0, |i| i.frames as f64);
            f.zoom_time(0.0, (frames / f.end).clamp(1e-6, 1.0));
        }
        f.begin_at(position);
    });
    let name = open.infos.get(recording).map(|i| i.name.clone()).unwrap_or_default();
    session.tell(NoticeKind::Done, words::recording_of(name, index + 1, starts.len()));
}

/// Where each recording begins on the line, and which it is.
fn beginnings(open: &OpenSet) -> Vec<(f64, usize)> {
    let mut before = None;
    let begins =
        open.line.runs.iter().filter(|run| before.replace(run.recording) != Some(run.recording));
    begins.map(|run| (run.position as f64, run.recording)).collect()
}

/// The dialog that asks for a time.
#[component]
pub fn Jump() -> impl IntoView {
    let session = use_session();
    let input = NodeRef::<html::Input>::new();
    focus_when_there(input);
    let open = session.open.get_untracked();
    let telling = open.as_ref().map(|o| session.view.with_untracked(|v| Telling::of(v.clock, o)));
    let at = session.frame_now().map_or(0.0, |f| f.positions().start);
    let now = telling.as_ref().map(|t| t.tell_seconds(at)).unwrap_or_default();
    let end = open.as_ref().map_or(0.0, |o| o.line.end() as f64);
    let dated = telling.as_ref().is_some_and(|t| t.labels != TimeLabels::Elapsed);
    let picked = |position: f64| {
        telling.as_ref().map(|t| t.tell_seconds(position).replace(' ', "T")).unwrap_or_default()
    };
    let (first, last, shown) = (picked(0.0), picked(end), picked(at));
    let zone = telling.as_ref().map(|t| t.zone().to_owned()).unwrap_or_default();
    let text = RwSignal::new(now);
    let problem = RwSignal::new(None::<String>);
    let submit = move || match go(session, &text.get_untracked()) {
        Ok(()) => session.dialog.set(Dialog::None),
        Err(why) => problem.set(Some(why)),
    };
    view! {
        <Shade label=words::TITLE id="jump">
            <h2>{words::TITLE}</h2>
            <form on:submit=move |ev| { ev.prevent_default(); submit() }>
                <label class="row">
                    <span>{words::TIME}</span>
                    <input id="jump-text" node_ref=input type="text" autocomplete="off"
                        prop:value=move || text.get()
                        on:input=move |ev| { text.set(event_target_value(&ev)); problem.set(None) }/>
                    <button id="jump-go" class="primary" type="submit">{words::GO}</button>
                </label>
                {dated.then(|| view! {
                    <label class="row">
                        <span>{words::PICK}</span>
                        <input id="jump-pick" type="datetime-local" step="1" min=first max=last value=shown
                            on:change=move |ev| {
                                text.set(event_target_value(&ev).replace('T', " "));
                                problem.set(None);
                            }/>
                    </label>
                })}
            </form>
            <p class="dim">{zone}</p>
            <p id="jump-problem" class="warned" role="alert">{move || problem.get()}</p>
        </Shade>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(offset_s: i32) -> Telling {
        // 2009-03-29T12:15:00Z
        let origin = Timestamp(1_238_328_900_000_000_000);
        let labels = TimeLabels::Clock { origin, offset_s, zone: "UTC".into() };
        Telling { labels, rate_hz: 1000.0 }
    }

    #[test]
    fn dates_times_and_both_are_understood_on_the_clock_that_is_shown() {
        let at = |text: &str, offset_s| position_of(text, &telling(offset_s), 0.0);
        assert_eq!(at("2009-03-29T12:16:00Z", 0), Ok(60_000.0));
        assert_eq!(at("2009-03-29 12:16", 0), Ok(60_000.0));
        assert_eq!(at("12:15:01.5", 0), Ok(1500.0));
        assert_eq!(at("2009-03-30", 0), Ok((11.0 * 3600.0 + 45.0 * 60.0) * 1000.0));
        assert_eq!(at("14:16", 7200), Ok(60_000.0), "local time is two hours ahead");
        assert_eq!(at("2009-03-29T12:16:00Z", 7200), Ok(60_000.0), "a zone counts");
        assert_eq!(at("2009-03-29T14:16:00+02:00", -3600), Ok(60_000.0));
        assert!(at("yesterday", 0).is_err_and(|why| why.contains("2009-03-29")));
    }

    #[test]
    fn without_a_clock_seconds_and_minutes_count_from_the_beginning() {
        let telling = Telling { labels: TimeLabels::Elapsed, rate_hz: 10.0 };
        let at = |text: &str| position_of(text, &telling, 0.0).ok();
        assert_eq!(at("90.5"), Some(905.0));
        assert_eq!(at("1:30.5 s"), Some(905.0));
        assert_eq!(at("1:02:30"), Some(37_500.0));
        assert_eq!((at("-3"), at("noon"), at("")), (None, None, None));
    }
}
