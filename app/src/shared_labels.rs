//! Labels of a hosted deployment: they live on its server, shared by all who look at it.
//!
//! What a person does to labels is done on the page at once; what then differs from what the server is
//! known to have is told to it, one step after the other. Undoing is such a difference as well. Where the
//! server refuses, labels stay in this browser, and the page says so.

use std::collections::HashMap;

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::annotation::{AnnotationChange, AnnotationContent, SharedAnnotation};
use spyhop_api::{Annotation, Moment, Timestamp};
use spyhop_words::labels::shared as words;

use crate::commands::Action;
use crate::frame::line_ns;
use crate::server::{self, ServerError};
use crate::session::{NoticeKind, Session};

/// How often the server is asked what others did, ms.
const LOOK_AGAIN_MS: u32 = 20_000;

/// Where the labels of what is open are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Keeper {
    /// In this browser: what is open is nobody's but this person's.
    #[default]
    Browser,
    /// On the server, for everybody.
    Server,
    /// In this browser, because the server does not keep them; why.
    Refused(ServerError),
}

/// What the server is known to have.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Its number there.
    pub number: u64,
    pub version: u32,
    pub author: String,
    pub changed: Timestamp,
    /// What it says.
    label: Annotation,
}

/// Labels that are shared; a copy is a handle.
#[derive(Clone, Copy)]
pub struct SharedLabels {
    pub keeper: RwSignal<Keeper>,
    /// By the id that a label has on this page.
    pub known: RwSignal<HashMap<u64, Known>>,
    /// What this browser kept of the deployment and the server does not have.
    pub left_here: RwSignal<Vec<Annotation>>,
    /// What the browser keeps is to be forgotten once the server has all of it.
    is_moving: StoredValue<bool>,
    deployment: StoredValue<String>,
    /// Counts what was opened.
    turn: StoredValue<u64>,
    busy: StoredValue<bool>,
}

/// What is to be told to the server next.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Create(Annotation),
    Change(u64, Annotation),
    Remove(u64),
}

impl SharedLabels {
    /// None are.
    pub fn new() -> SharedLabels {
        SharedLabels {
            keeper: RwSignal::new(Keeper::Browser),
            known: RwSignal::new(HashMap::new()),
            left_here: RwSignal::new(Vec::new()),
            is_moving: StoredValue::new(false),
            deployment: StoredValue::new(String::new()),
            turn: StoredValue::new(0),
            busy: StoredValue::new(false),
        }
    }

    /// Whether labels are on the server, so that this browser need not keep them.
    pub fn are_kept_by_server(&self) -> bool {
        self.keeper.with_untracked(|k| *k == Keeper::Server)
    }
}

/// Something else was opened; `deployment` is its id if it is hosted. Labels are fetched from there.
pub fn opened(session: Session, deployment: Option<String>) {
    let shared = session.labels.shared;
    let turn = shared.turn.get_value() + 1;
    shared.turn.set_value(turn);
    shared.busy.set_value(false);
    shared.keeper.set(Keeper::Browser);
    shared.known.set(HashMap::new());
    shared.left_here.set(Vec::new());
    shared.is_moving.set_value(false);
    let Some(id) = deployment else { return };
    shared.deployment.set_value(id.clone());
    spawn_local(async move {
        match server::annotations(&id).await {
            Ok(found) if shared.turn.get_value() == turn => {
                let kept = session.labels.all.get_untracked();
                take(session, found);
                let there = session.labels.all.get_untracked();
                shared.left_here.set(only_here(kept, &there));
                shared.keeper.set(Keeper::Server);
                look_again(session, turn);
            }
            Err(error) if shared.turn.get_value() == turn => {
                shared.keeper.set(Keeper::Refused(error));
            }
            _ => {}
        }
    });
}

/// The server may take now what it refused before: who asks is another.
pub fn try_again(session: Session) {
    let shared = session.labels.shared;
    if shared.keeper.with_untracked(|k| matches!(k, Keeper::Refused(error) if error.status == 401))
    {
        // What is in the browser alone is told as a change that was just made.
        shared.keeper.set(Keeper::Server);
    }
}

/// Tells the server what changed on this page; called whenever labels did.
pub fn tell(session: Session) {
    let shared = session.labels.shared;
    if !shared.are_kept_by_server() || shared.busy.get_value() {
        return;
    }
    shared.busy.set_value(true);
    let turn = shared.turn.get_value();
    spawn_local(async move {
        while shared.turn.get_value() == turn {
            let step = session
                .labels
                .all
                .with_untracked(|all| shared.known.with_untracked(|known| next_step(all, known)));
            let Some(step) = step else {
                if shared.is_moving.get_value() {
                    shared.is_moving.set_value(false);
                    session.labels.forget_in_browser();
                }
                break;
            };
            if let Err(error) = perform(session, step).await {
                if shared.turn.get_value() == turn {
                    failed(session, error).await;
                }
                break;
            }
        }
        if shared.turn.get_value() == turn {
            shared.busy.set_value(false);
        }
    });
}

/// Gives the server what this browser kept of the deployment; the browser forgets it once that is done.
pub fn share_what_is_here(session: Session) {
    let shared = session.labels.shared;
    let labels = shared.left_here.get_untracked();
    shared.left_here.set(Vec::new());
    shared.is_moving.set_value(true);
    session.labels.add(labels);
}

/// Forgets what this browser kept of the deployment.
pub fn forget_what_is_here(session: Session) {
    session.labels.shared.left_here.set(Vec::new());
    session.labels.forget_in_browser();
}

/// Those of the labels that a browser kept that are not there, whatever their ids.
fn only_here(kept: Vec<Annotation>, there: &[Annotation]) -> Vec<Annotation> {
    let is_there = |label: &Annotation| {
        there.iter().any(|t| Annotation { id: label.id, ..t.clone() } == *label)
    };
    kept.into_iter().filter(|label| !is_there(label)).collect()
}

/// The first difference between the page and the server.
fn next_step(all: &[Annotation], known: &HashMap<u64, Known>) -> Option<Step> {
    for label in all {
        match known.get(&label.id) {
            None => return Some(Step::Create(label.clone())),
            Some(k) if k.label != *label => return Some(Step::Change(label.id, label.clone())),
            Some(_) => {}
        }
    }
    let gone = known.keys().find(|id| !all.iter().any(|label| label.id == **id));
    gone.map(|id| Step::Remove(*id))
}

async fn perform(session: Session, step: Step) -> Result<(), ServerError> {
    let shared = session.labels.shared;
    let id = shared.deployment.get_value();
    let author = session.prefs.author.get_untracked();
    let change = |label: &Annotation| AnnotationChange {
        content: content_of(label, origin(session)),
        author: author.clone(),
    };
    let held = |label: u64| shared.known.with_untracked(|known| known.get(&label).cloned());
    match step {
        Step::Create(label) => {
            let made = server::create_annotation(&id, &change(&label)).await?;
            shared.known.update(|known| drop(known.insert(label.id, of(&made, label))));
        }
        Step::Change(label_id, label) => {
            let Some(held) = held(label_id) else { return Ok(()) };
            let asked = change(&label);
            let made = server::change_annotation(&id, held.number, held.version, &asked).await?;
            shared.known.update(|known| drop(known.insert(label_id, of(&made, label))));
        }
        Step::Remove(label_id) => {
            let Some(held) = held(label_id) else { return Ok(()) };
            server::remove_annotation(&id, held.number, held.version, &author).await?;
            shared.known.update(|known| drop(known.remove(&label_id)));
        }
    }
    Ok(())
}

async fn failed(session: Session, error: ServerError) {
    let shared = session.labels.shared;
    if error.status == 409 || error.status == 404 {
        let id = shared.deployment.get_value();
        session.tell(NoticeKind::Warning, words::fetched_anew(&error));
        if let Ok(found) = server::annotations(&id).await {
            take(session, found);
        }
        return;
    }
    let offer = (error.status == 401).then_some(Action::Token);
    session.tell_and_offer(NoticeKind::Warning, words::not_kept(&error), offer);
    shared.keeper.set(Keeper::Refused(error));
    session.labels.keep_in_browser();
}

/// What others did is fetched now and then, while nothing is being told.
fn look_again(session: Session, turn: u64) {
    let shared = session.labels.shared;
    spawn_local(async move {
        loop {
            TimeoutFuture::new(LOOK_AGAIN_MS).await;
            if shared.turn.get_value() != turn || !shared.are_kept_by_server() {
                return;
            }
            let id = shared.deployment.get_value();
            let settled = || {
                let no_step = session.labels.all.with_untracked(|all| {
                    shared.known.with_untracked(|known| next_step(all, known).is_none())
                });
                no_step && !shared.busy.get_value() && shared.turn.get_value() == turn
            };
            if settled()
                && let Ok(found) = server::annotations(&id).await
                && settled()
                && shared.known.with_untracked(|known| is_news(known, &found))
            {
                take(session, found);
            }
        }
    });
}

fn is_news(known: &HashMap<u64, Known>, found: &[SharedAnnotation]) -> bool {
    let same =
        |f: &SharedAnnotation| known.values().any(|k| (k.number, k.version) == (f.id, f.version));
    known.len() != found.len() || !found.iter().all(same)
}

/// Shows what the server has. A label that was shown before keeps its id.
fn take(session: Session, found: Vec<SharedAnnotation>) {
    let shared = session.labels.shared;
    let origin = origin(session);
    let before: HashMap<u64, u64> =
        shared.known.with_untracked(|known| known.iter().map(|(id, k)| (k.number, *id)).collect());
    let mut next = before.values().copied().max().unwrap_or(0);
    let mut known = HashMap::new();
    let mut all = Vec::new();
    for annotation in found {
        let id = before.get(&annotation.id).copied().unwrap_or_else(|| {
            next += 1;
            next
        });
        let label = label_of(id, &annotation.content, origin);
        known.insert(id, of(&annotation, label.clone()));
        all.push(label);
    }
    shared.known.set(known);
    session.labels.replace(all);
}

fn origin(session: Session) -> Option<Timestamp> {
    session.open.with_untracked(|o| o.as_ref().and_then(|o| o.line.origin))
}

fn of(annotation: &SharedAnnotation, label: Annotation) -> Known {
    Known {
        number: annotation.id,
        version: annotation.version,
        author: annotation.author.clone(),
        changed: annotation.changed,
        label,
    }
}

fn content_of(label: &Annotation, origin: Option<Timestamp>) -> AnnotationContent {
    let start = match origin {
        Some(origin) => Moment::Clock(Timestamp(origin.0.saturating_add(label.start_ns))),
        None => Moment::Elapsed(label.start_ns),
    };
    AnnotationContent {
        start,
        span_ns: label.end_ns.saturating_sub(label.start_ns).max(0),
        low_hz: label.low_hz,
        high_hz: label.high_hz,
        channel: label.channel,
        label: label.label.clone(),
        note: label.note.clone(),
        extra: label.extra.clone(),
    }
}

fn label_of(id: u64, content: &AnnotationContent, origin: Option<Timestamp>) -> Annotation {
    let start_ns = line_ns(content.start, origin);
    Annotation {
        id,
        start_ns,
        end_ns: start_ns.saturating_add(content.span_ns),
        low_hz: content.low_hz,
        high_hz: content.high_hz,
        channel: content.channel,
        label: content.label.clone(),
        note: content.note.clone(),
        extra: content.extra.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(id: u64, words: &str) -> Annotation {
        Annotation {
            id,
            start_ns: 1000,
            end_ns: 3000,
            low_hz: Some(10.0),
            high_hz: None,
            channel: 1,
            label: words.into(),
            note: "faint".into(),
            extra: vec![("Score".into(), "0.5".into())],
        }
    }

    fn known(label: &Annotation) -> (u64, Known) {
        let known = Known {
            number: label.id + 100,
            version: 1,
            author: String::new(),
            changed: Timestamp(0),
            label: label.clone(),
        };
        (label.id, known)
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let (a, b) = (label(1, "upcall"), label(2, "song"));
        let held: HashMap<_, _> = [known(&a), known(&b)].into();
        assert_eq!(next_step(&[a.clone(), b.clone()], &held), None);
        let new = label(3, "ship");
        assert_eq!(next_step(&[a.clone(), b.clone(), new.clone()], &held), Some(Step::Create(new)));
        let renamed = label(2, "unsure");
        let step = next_step(&[a.clone(), renamed.clone()], &held);
        assert_eq!(step, Some(Step::Change(2, renamed)));
        assert_eq!(next_step(&[a], &held), Some(Step::Remove(2)));
    }

    #[test]
    fn what_only_the_browser_has_is_known_whatever_its_number() {
        let (here, there) = (label(4, "song"), label(9, "upcall"));
        let kept = vec![label(1, "upcall"), here.clone()];
        assert_eq!(only_here(kept, &[there]), [here]);
    }

    #[test]
    fn a_label_keeps_its_clock_time_on_the_server() {
        let a = label(7, "upcall");
        for origin in [Some(Timestamp(1_238_328_900_000_000_000)), None] {
            let content = content_of(&a, origin);
            assert_eq!(label_of(7, &content, origin), a);
        }
        let content = content_of(&a, Some(Timestamp(5000)));
        assert_eq!(content.start, Moment::Clock(Timestamp(6000)));
    }
}
