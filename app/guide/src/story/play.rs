//! A story that is played: which step is on the screen, and what that asks of the viewer.

use std::sync::Arc;

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::view::Source;
use spyhop_api::{MarkKind, SharedData, Step, StepSound, Story, View, Wish};
use spyhop_words::story::player as words;

use super::address::{self, Asked, Mode};
use crate::server;
use crate::viewer::Viewer;

/// How long the way from one view to another of the same recordings takes, ms.
const TRAVEL_MS: u32 = 1400;
/// How often what the viewer does is looked at, ms.
const LOOK_MS: u32 = 100;
/// A step that is not there after this long is shown by its kept picture, ms.
const PATIENCE_MS: u32 = 60_000;
/// A kiosk is never louder than this share of full scale.
const KIOSK_VOLUME: f64 = 0.5;

/// Whether a step's view is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrival {
    /// It is being opened.
    #[default]
    Waiting,
    /// It is there.
    Shown,
    /// It can't be shown: the picture that was kept stands in.
    Failed,
}

/// A story on the screen; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Play {
    pub viewer: Viewer,
    /// Nothing while none is open.
    pub story: RwSignal<Option<Arc<Story>>>,
    /// Why none is, where one was asked for.
    pub problem: RwSignal<Option<String>>,
    pub asked: RwSignal<Asked>,
    pub mode: RwSignal<Mode>,
    /// Counted from 0.
    pub at: RwSignal<usize>,
    pub arrival: RwSignal<Arrival>,
    /// The title that stands before the first step of a presentation or a kiosk.
    pub cover: RwSignal<bool>,
    /// Whether nothing is shown.
    pub blank: RwSignal<bool>,
    /// Whether steps follow by themselves.
    pub timer: RwSignal<bool>,
    /// What was answered, by step.
    pub answers: RwSignal<Vec<Option<usize>>>,
    /// Whether the browser lets the page sound: it wants to be touched first.
    pub is_unlocked: RwSignal<bool>,
    /// Counts steps that were gone to: one that was overtaken does nothing more.
    turn: StoredValue<u64>,
}

impl Play {
    /// None is open.
    pub fn new(viewer: Viewer) -> Play {
        let none = RwSignal::new(None);
        Play {
            viewer,
            story: none,
            problem: RwSignal::new(None),
            asked: RwSignal::new(Asked::default()),
            mode: RwSignal::new(Mode::Reading),
            at: RwSignal::new(0),
            arrival: RwSignal::new(Arrival::Waiting),
            cover: RwSignal::new(false),
            blank: RwSignal::new(false),
            timer: RwSignal::new(false),
            answers: RwSignal::new(Vec::new()),
            is_unlocked: RwSignal::new(false),
            turn: StoredValue::new(0),
        }
    }

    /// Opens what an address asks for.
    pub fn open(&self, asked: Asked) {
        let play = *self;
        self.problem.set(None);
        self.asked.set(asked.clone());
        let turn = self.overtake();
        spawn_local(async move {
            let found = server::get::<Story>(&story_address(&asked.story)).await;
            if play.turn.get_value() != turn {
                return;
            }
            match found {
                Ok(story) if story.steps.is_empty() => {
                    play.problem.set(Some(words::NO_STEPS.to_owned()));
                }
                Ok(story) => play.begin(Arc::new(story), asked.step, asked.mode),
                Err(error) => play.problem.set(Some(match error.status {
                    404 | 410 => words::no_story(&asked.story, &error.message),
                    _ => error.message,
                })),
            }
        });
    }

    /// Plays a story from a step on.
    pub fn begin(&self, story: Arc<Story>, step: usize, mode: Mode) {
        let step = step.min(story.steps.len().saturating_sub(1));
        self.answers.set(vec![None; story.steps.len()]);
        self.problem.set(None);
        self.blank.set(false);
        self.timer.set(false);
        self.mode.set(mode);
        self.cover.set(mode != Mode::Reading);
        self.story.set(Some(story));
        let is_bare = mode != Mode::Reading;
        self.viewer.ask(&Wish::Bare { on: is_bare });
        self.viewer.ask(&Wish::Projector { on: mode == Mode::Presenting });
        self.viewer
            .ask(&Wish::Volume { at_most: if mode == Mode::Kiosk { KIOSK_VOLUME } else { 1.0 } });
        self.go(step);
    }

    /// The step on the screen. Tracks.
    pub fn step(&self) -> Option<Step> {
        let at = self.at.get();
        self.story.with(|story| story.as_ref()?.steps.get(at).cloned())
    }

    /// How many there are. Tracks.
    pub fn count(&self) -> usize {
        self.story.with(|story| story.as_ref().map_or(0, |story| story.steps.len()))
    }

    /// Goes to a step.
    pub fn go(&self, to: usize) {
        let play = *self;
        let turn = self.overtake();
        self.at.set(to);
        if self.story.with_untracked(|story| story.as_ref().is_some_and(|s| !s.id.is_empty())) {
            address::write(&[("step", Some((to + 1).to_string()))]);
        }
        self.viewer.ask(&Wish::Stop);
        let Some(step) = untrack(|| self.step()) else { return };
        self.mark(&step);
        self.viewer.ask(&Wish::Boxes { shown: step.calls_shown });
        if step.view.is_empty() || step.data == SharedData::Gone {
            return self.arrival.set(Arrival::Failed);
        }
        let wanted = source(&step.view);
        let is_near = self.viewer.shown.with_untracked(|s| s.is_open && source(&s.view) == wanted);
        let travel_ms = if is_near { TRAVEL_MS } else { 0 };
        self.arrival.set(if is_near { Arrival::Shown } else { Arrival::Waiting });
        self.viewer.ask(&Wish::Show { view: shown_view(&step), travel_ms });
        spawn_local(async move {
            let arrival = play.wait_for(&wanted, turn).await;
            if play.turn.get_value() != turn {
                return;
            }
            play.arrival.set(arrival);
            if arrival == Arrival::Shown
                && step.sound == StepSound::Plays
                && !play.cover.get_untracked()
                && play.is_unlocked.get_untracked()
            {
                TimeoutFuture::new(travel_ms + LOOK_MS).await;
                if play.turn.get_value() == turn {
                    play.viewer.ask(&Wish::Play { from: None });
                }
            }
        });
    }

    /// Goes one on or back, as far as there is one.
    pub fn turn_page(&self, by: i64) {
        if self.cover.get_untracked() {
            if by > 0 {
                self.start();
            }
            return;
        }
        let at = self.at.get_untracked() as i64 + by;
        if at >= 0 && at < untrack(|| self.count()) as i64 {
            self.go(at as usize);
        }
    }

    /// Takes the cover away.
    pub fn start(&self) {
        self.is_unlocked.set(true);
        self.cover.set(false);
        self.go(self.at.get_untracked());
    }

    /// A kiosk begins anew for whoever comes next.
    pub fn rewind(&self) {
        self.answers.update(|all| all.fill(None));
        self.timer.set(false);
        self.blank.set(false);
        self.cover.set(true);
        self.go(0);
    }

    /// Takes an answer; what was hidden until then is shown.
    pub fn answer(&self, answer: usize) {
        let at = self.at.get_untracked();
        self.answers.update(|all| {
            if let Some(held) = all.get_mut(at) {
                *held = Some(answer);
            }
        });
        if let Some(step) = untrack(|| self.step()) {
            self.mark(&step);
        }
    }

    /// What was answered to the step on the screen. Tracks.
    pub fn answered(&self) -> Option<usize> {
        let at = self.at.get();
        self.answers.with(|all| all.get(at).copied().flatten())
    }

    /// Shows it as one who reads it sees it.
    pub fn end_presentation(&self) {
        if self.mode.get_untracked() == Mode::Reading {
            return;
        }
        self.mode.set(Mode::Reading);
        self.cover.set(false);
        self.blank.set(false);
        if document().fullscreen_element().is_some() {
            document().exit_fullscreen();
        }
        address::write(&[("present", None), ("kiosk", None), ("idle", None)]);
        self.viewer.ask(&Wish::Bare { on: false });
        self.viewer.ask(&Wish::Projector { on: false });
        self.viewer.ask(&Wish::Volume { at_most: 1.0 });
    }

    /// Closes the story; the picture stays as it is.
    pub fn leave(&self) {
        self.overtake();
        self.end_presentation();
        let had_problem = self.problem.with_untracked(Option::is_some);
        if self.story.with_untracked(Option::is_none) && !had_problem {
            return;
        }
        self.problem.set(None);
        self.story.set(None);
        self.timer.set(false);
        self.viewer.ask(&Wish::Mark { marks: Vec::new() });
        self.viewer.ask(&Wish::Boxes { shown: true });
        address::write(&[("story", None), ("step", None)]);
    }

    fn mark(&self, step: &Step) {
        let is_open = step.question.is_some() && untrack(|| self.answered()).is_none();
        let gives_away =
            |kind: MarkKind| matches!(kind, MarkKind::Truth | MarkKind::Right | MarkKind::Wrong);
        let marks = step.marks.iter().filter(|mark| !(is_open && gives_away(mark.kind)));
        self.viewer.ask(&Wish::Mark { marks: marks.cloned().collect() });
    }

    /// Waits until something of a source is on the screen, or is not going to be.
    async fn wait_for(&self, wanted: &Source, turn: u64) -> Arrival {
        let mut waited_ms = 0;
        while self.turn.get_value() == turn && waited_ms < PATIENCE_MS {
            let (is_there, is_over) = self.viewer.shown.with_untracked(|shown| {
                let is_there = shown.is_open && source(&shown.view) == *wanted;
                (is_there, !shown.is_opening && waited_ms > 10 * LOOK_MS)
            });
            if is_there {
                return Arrival::Shown;
            }
            if is_over {
                break;
            }
            TimeoutFuture::new(LOOK_MS).await;
            waited_ms += LOOK_MS;
        }
        Arrival::Failed
    }

    fn overtake(&self) -> u64 {
        self.turn.update_value(|turn| *turn += 1);
        self.turn.get_value()
    }
}

/// Where a story is, relative to the page's base.
pub fn story_address(id: &str) -> String {
    format!("api/v1/stories/{}", server::encoded(id))
}

/// What a view is of.
pub fn source(view: &str) -> Source {
    View::from_query(view).0.source
}

/// The view of a step; candidates are not even asked for where they are hidden.
pub fn shown_view(step: &Step) -> String {
    if step.calls_shown {
        return step.view.clone();
    }
    let (mut view, _) = View::from_query(&step.view);
    view.calls = None;
    view.to_query()
}
