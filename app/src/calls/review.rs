//! What a person says of a candidate: accepted, rejected, something else; taken back and said again.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{DetectedCall, Review, ReviewChange, Verdict};
use spyhop_words::calls::review as words;

use super::follow::look_at_runs;
use super::{queue, verdict_words};
use crate::administrator;
use crate::server::ServerError;
use crate::session::{NoticeKind, Session};

/// How many steps can be undone.
const UNDO_STEPS: usize = 200;

/// Something that was said of a candidate from this page.
#[derive(Clone, Debug)]
pub struct Said {
    call: DetectedCall,
    /// What was said of it before.
    before: Review,
    /// What is said of it now.
    after: Review,
}

/// Says something of the candidate that is looked at.
pub fn say(session: Session, verdict: Verdict) {
    let Some(call) = chosen(session) else { return };
    if call.review.verdict != verdict {
        send(session, call, verdict, String::new());
    }
}

/// Says that the candidate that is looked at is something else.
pub fn relabel(session: Session, label: &str) {
    let Some(call) = chosen(session) else { return };
    match label.trim() {
        "" => session.tell(NoticeKind::Warning, words::KEY_HAS_NO_NAME),
        // Its own class again is no other label.
        label if label == call.class => send(session, call, Verdict::Accepted, String::new()),
        label => send(session, call, Verdict::Relabelled, label.to_owned()),
    }
}

fn chosen(session: Session) -> Option<DetectedCall> {
    let chosen = session.calls.chosen.get_untracked();
    if chosen.is_none() {
        session.tell(NoticeKind::Warning, words::NONE_CHOSEN);
    }
    chosen
}

fn send(session: Session, call: DetectedCall, verdict: Verdict, label: String) {
    let change = ReviewChange {
        verdict,
        label,
        note: call.review.note.clone(),
        author: session.prefs.author.get_untracked(),
    };
    let calls = session.calls;
    spawn_local(async move {
        let before = call.review.clone();
        let Some(said) = perform(session, call, &change).await else { return };
        calls.redo.update_value(Vec::clear);
        calls.undo.update_value(|undo| {
            undo.push(Said { before, after: said.review.clone(), call: said });
            if undo.len() > UNDO_STEPS {
                undo.remove(0);
            }
        });
        if calls.goes_on.get_untracked() && verdict != Verdict::Unreviewed {
            queue::step(session, true);
        }
    });
}

/// Takes the last thing back; false where there is none.
pub fn undo(session: Session) -> bool {
    let Some(last) = session.calls.undo.try_update_value(Vec::pop).flatten() else { return false };
    restore(session, last, true);
    true
}

/// Says again what was taken back.
pub fn redo(session: Session) -> bool {
    let Some(last) = session.calls.redo.try_update_value(Vec::pop).flatten() else { return false };
    restore(session, last, false);
    true
}

/// Says what was said before (`back`), or after. It is said on the version that this page left, so that
/// nobody else's word is undone.
fn restore(session: Session, step: Said, back: bool) {
    let calls = session.calls;
    let (from, to) = if back { (&step.after, &step.before) } else { (&step.before, &step.after) };
    let change = ReviewChange {
        verdict: to.verdict,
        label: to.label.clone(),
        note: to.note.clone(),
        author: session.prefs.author.get_untracked(),
    };
    let call = DetectedCall { review: from.clone(), ..step.call.clone() };
    let (was, restored) = (from.clone(), to.version);
    spawn_local(async move {
        let Some(said) = perform(session, call, &change).await else { return };
        // Other steps of this candidate went from or to what now stands under a new version.
        let renumber = |steps: &mut Vec<Said>| {
            for other in steps.iter_mut().filter(|other| other.call.id == said.id) {
                for review in [&mut other.before, &mut other.after] {
                    if review.version == restored {
                        review.version = said.review.version;
                    }
                }
            }
        };
        calls.undo.update_value(renumber);
        calls.redo.update_value(renumber);
        let now = said.review.clone();
        let (before, after) = if back { (now, was) } else { (was, now) };
        let step = Said { before, after, call: said.clone() };
        let stack = if back { calls.redo } else { calls.undo };
        stack.update_value(|steps| steps.push(step));
        let (mark, word) = verdict_words(said.review.verdict);
        let now = format!("{mark} {word}");
        session.tell(NoticeKind::Done, words::now(now.trim(), &said.class));
        queue::choose(session, said, true);
    });
}

/// Tells it to whoever keeps it, and shows what came of it.
async fn perform(
    session: Session,
    call: DetectedCall,
    change: &ReviewChange,
) -> Option<DetectedCall> {
    let source = session.calls.source()?;
    let open = session.open.get_untracked()?;
    match source.review(&open, &call, change).await {
        Ok(said) => {
            show(session, &said);
            Some(said)
        }
        Err(error) if error.status == 409 => {
            if let Ok(now) = source.call(call.id).await {
                let (mark, word) = verdict_words(now.review.verdict);
                let author = now.review.author.as_str();
                let who = if author.is_empty() { words::SOMEBODY } else { author };
                let verdict = format!("{mark} {word}");
                session.tell(NoticeKind::Warning, words::was_faster(who, verdict));
                show(session, &now);
            }
            None
        }
        Err(error) => {
            failed(session, &error);
            None
        }
    }
}

fn failed(session: Session, error: &ServerError) {
    administrator::refused(
        session,
        &ServerError { message: words::not_kept(&error.message), ..*error },
    );
}

/// Shows a candidate as it now is, wherever it is shown.
fn show(session: Session, call: &DetectedCall) {
    let calls = session.calls;
    calls.in_view.update(|shown| {
        if let Some(held) = shown.calls.iter_mut().find(|held| held.id == call.id) {
            *held = call.clone();
        }
    });
    calls.chosen.update(|chosen| {
        if let Some(held) = chosen.as_mut().filter(|held| held.id == call.id) {
            *held = call.clone();
        }
    });
    calls.revision.update(|n| *n += 1);
    look_at_runs(session);
}
