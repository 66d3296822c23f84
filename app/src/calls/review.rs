//! What a person says of a candidate: accepted, rejected, something else; taken back and said again.
//!
//! What is said waits until what was said before it is answered: a second word on one candidate goes on
//! from the first.

use std::collections::VecDeque;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{DetectedCall, ReviewChange, Verdict};
use spyhop_words::calls::review as words;

use super::follow::look_at_runs;
use super::steps::Step;
use super::{queue, verdict_words};
use crate::administrator;
use crate::server::ServerError;
use crate::session::{NoticeKind, Session};

/// What a person wants to say, in order.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    waiting: VecDeque<Wish>,
    /// Whether one is on its way.
    is_going: bool,
}

#[derive(Clone, Debug)]
enum Wish {
    /// Says something of a candidate of a run.
    Say { run: i64, call: DetectedCall, verdict: Verdict, label: String },
    /// Takes the last word in a run back (`back`), or says it again.
    Restore { run: i64, back: bool },
}

/// What came of a wish.
enum Outcome {
    Said(DetectedCall),
    /// Somebody else was faster: the candidate as it is now.
    Other(DetectedCall),
    /// There is no such candidate any more.
    Gone,
    /// It may be tried again.
    Failed,
}

/// Says something of the candidate that is looked at.
pub fn say(session: Session, verdict: Verdict) {
    if let Some((run, call)) = chosen(session) {
        wish(session, Wish::Say { run, call, verdict, label: String::new() });
    }
}

/// Says that the candidate that is looked at is something else.
pub fn relabel(session: Session, label: &str) {
    let Some((run, call)) = chosen(session) else { return };
    let (verdict, label) = match label.trim() {
        "" => return session.tell(NoticeKind::Warning, words::KEY_HAS_NO_NAME),
        // Its own class again is no other label.
        label if label == call.class => (Verdict::Accepted, String::new()),
        label => (Verdict::Relabelled, label.to_owned()),
    };
    wish(session, Wish::Say { run, call, verdict, label });
}

/// Takes back the last thing that was said in the run that is shown; false where there is none.
pub fn undo(session: Session) -> bool {
    restore(session, true)
}

/// Says again what was taken back.
pub fn redo(session: Session) -> bool {
    restore(session, false)
}

fn restore(session: Session, back: bool) -> bool {
    let calls = session.calls;
    let Some(run) = calls.shown_run() else { return false };
    let is_going = calls.wishes.with_value(|wishes| wishes.is_going);
    let has_step = is_going || calls.steps.with_value(|steps| steps.has(run, back));
    if has_step {
        wish(session, Wish::Restore { run, back });
    }
    has_step
}

fn chosen(session: Session) -> Option<(i64, DetectedCall)> {
    let run = session.calls.shown_run();
    let chosen = run.zip(session.calls.chosen.get_untracked());
    if chosen.is_none() {
        let why = if run.is_none() { words::NO_RUN } else { words::NONE_CHOSEN };
        session.tell(NoticeKind::Warning, why);
    }
    chosen
}

/// Fulfils a wish once those before it are.
fn wish(session: Session, wish: Wish) {
    let calls = session.calls;
    let is_going = calls.wishes.try_update_value(|wishes| {
        wishes.waiting.push_back(wish);
        std::mem::replace(&mut wishes.is_going, true)
    });
    if is_going != Some(false) {
        return;
    }
    spawn_local(async move {
        let next = || calls.wishes.try_update_value(|all| all.waiting.pop_front()).flatten();
        while let Some(wish) = next() {
            match wish {
                Wish::Say { run, call, verdict, label } => {
                    send(session, run, call, verdict, label).await;
                }
                Wish::Restore { run, back } => go(session, run, back).await,
            }
        }
        calls.wishes.update_value(|wishes| wishes.is_going = false);
    });
}

async fn send(session: Session, run: i64, call: DetectedCall, verdict: Verdict, label: String) {
    if (call.review.verdict, &call.review.label) == (verdict, &label) {
        return;
    }
    let note = call.review.note.clone();
    let author = session.prefs.author.get_untracked();
    let change = ReviewChange { verdict, label, note, author };
    let calls = session.calls;
    let before = call.review.clone();
    let turn = calls.turn();
    let Outcome::Said(said) = perform(session, run, call, &change).await else { return };
    if calls.turn() != turn {
        // Something else was opened meanwhile.
        return;
    }
    calls.wishes.update_value(|wishes| wishes.go_on_from(run, &said));
    let id = said.id;
    calls.steps.update_value(|steps| {
        steps.said(Step { run, before, after: said.review.clone(), call: said });
    });
    let is_chosen = calls.is_chosen(run, id);
    if is_chosen && calls.goes_on.get_untracked() && verdict != Verdict::Unreviewed {
        queue::step(session, true);
    }
}

impl Wishes {
    /// What is still to be said of a candidate was meant of what was just said of it.
    fn go_on_from(&mut self, of: i64, said: &DetectedCall) {
        for wish in &mut self.waiting {
            match wish {
                Wish::Say { run, call, .. } if (*run, call.id) == (of, said.id) => {
                    *call = said.clone();
                }
                _ => {}
            }
        }
    }

    /// Nothing more is said: something else is opened.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Says what was said before (`back`), or after. It is said on the version that this page left, so that
/// nobody else's word is undone unseen.
async fn go(session: Session, run: i64, back: bool) {
    let calls = session.calls;
    let taken = calls.steps.try_update_value(|steps| steps.take(run, back)).flatten();
    let Some(mut step) = taken else { return };
    let (from, to) = step.way(back);
    let change = ReviewChange {
        verdict: to.verdict,
        label: to.label.clone(),
        note: to.note.clone(),
        author: session.prefs.author.get_untracked(),
    };
    let call = DetectedCall { review: from.clone(), ..step.call.clone() };
    let turn = calls.turn();
    let outcome = perform(session, run, call, &change).await;
    if calls.turn() != turn {
        return;
    }
    match outcome {
        Outcome::Said(said) => {
            calls.wishes.update_value(|wishes| wishes.go_on_from(run, &said));
            calls.steps.update_value(|steps| steps.gone(step, said.clone(), back));
            let (mark, word) = verdict_words(said.review.verdict);
            let now = format!("{mark} {word}");
            session.tell(NoticeKind::Done, words::now(now.trim(), &said.class));
            queue::choose(session, run, said, true);
        }
        Outcome::Other(now) => {
            step.goes_from(now.review, back);
            calls.steps.update_value(|steps| steps.put_back(step, back));
        }
        Outcome::Failed => calls.steps.update_value(|steps| steps.put_back(step, back)),
        Outcome::Gone => {}
    }
}

/// Tells it to whoever keeps it, and shows what came of it.
async fn perform(session: Session, run: i64, call: DetectedCall, change: &ReviewChange) -> Outcome {
    let calls = session.calls;
    let turn = calls.turn();
    let (Some(source), Some(open)) = (calls.source_of(run), session.open.get_untracked()) else {
        session.tell(NoticeKind::Warning, words::NO_RUN);
        return Outcome::Failed;
    };
    match source.review(&call, change).await {
        Ok(said) => {
            if !source.keep(&open, &said) {
                tell_unkept(session);
            }
            show(session, turn, run, &said);
            Outcome::Said(said)
        }
        Err(error) if error.status == 409 => match source.call(call.id).await {
            Ok(now) => {
                let (mark, word) = verdict_words(now.review.verdict);
                let author = now.review.author.as_str();
                let who = if author.is_empty() { words::SOMEBODY } else { author };
                let verdict = format!("{mark} {word}");
                session.tell(NoticeKind::Warning, words::was_faster(who, verdict));
                show(session, turn, run, &now);
                Outcome::Other(now)
            }
            Err(error) => failed(session, &error),
        },
        Err(error) => failed(session, &error),
    }
}

/// Says once that what is said goes with this tab.
fn tell_unkept(session: Session) {
    if !session.calls.knows_unkept.get_value() {
        session.calls.knows_unkept.set_value(true);
        session.tell(NoticeKind::Warning, words::UNKEPT);
    }
}

fn failed(session: Session, error: &ServerError) -> Outcome {
    administrator::refused(
        session,
        &ServerError { message: words::not_kept(&error.message), ..*error },
    );
    if error.status == 404 { Outcome::Gone } else { Outcome::Failed }
}

/// Shows a candidate as it now is, wherever it is shown.
fn show(session: Session, turn: u64, run: i64, call: &DetectedCall) {
    let calls = session.calls;
    if calls.turn() != turn {
        return;
    }
    calls.see_anew(run, call);
    calls.revision.update(|n| *n += 1);
    look_at_runs(session);
}

#[cfg(test)]
mod tests {
    use spyhop_api::detection::Review;

    use super::super::local::tests::call;
    use super::*;

    #[test]
    fn a_second_word_on_a_candidate_goes_on_from_the_first() {
        let seen = DetectedCall { id: 7, ..call("upcall", 1, 0.9) };
        let say = |run: i64, id: i64| Wish::Say {
            run,
            call: DetectedCall { id, ..seen.clone() },
            verdict: Verdict::Rejected,
            label: String::new(),
        };
        let mut wishes =
            Wishes { waiting: [say(-1, 7), say(-1, 8), say(-2, 7)].into(), is_going: true };
        let review = Review { version: 1, verdict: Verdict::Accepted, ..Review::default() };
        wishes.go_on_from(-1, &DetectedCall { review, ..seen.clone() });
        let versions = wishes.waiting.iter().map(|wish| match wish {
            Wish::Say { call, .. } => call.review.version,
            Wish::Restore { .. } => u32::MAX,
        });
        assert_eq!(versions.collect::<Vec<_>>(), [1, 0, 0], "not on others', nor another run's");
    }
}
