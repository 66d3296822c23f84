//! Candidates of detectors and networks over what is open: runs, the one that is shown, what passes its
//! thresholds, and what people say of it.
//!
//! A run is the server's, or was made in this tab; everything above [`source`] asks both alike. Which run
//! is shown, and its thresholds, stand in the view, so that they are in the link.

mod export;
mod follow;
mod kept;
mod local;
mod queue;
mod review;
mod shelf;
mod source;
mod steps;

use std::sync::Arc;

use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::detection::{
    CallCounts, CallDensity, CallQuery, CallSort, DetectedCall, DetectionRun, ScoreCurves,
    ScoreHistograms, Verdict,
};
use spyhop_api::recall::RecallReport;
use spyhop_api::view::ShownCalls;
use spyhop_words::calls::verdicts as words;

pub use export::{TableFormat, export};
pub use follow::{goes_on, opened, shown_span, start};
pub use local::moment_text;
pub use queue::{choose, step};
pub use review::{redo, relabel, say, undo};
pub use spyhop_api::detection::score_words;

use local::LocalRun;
use review::Wishes;
use shelf::Shelf;
use steps::Steps;

use crate::session::OpenSet;

/// How far a run of this tab is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LocalProgress {
    /// 0 to 1.
    pub fraction: f64,
    /// Seconds of recording a second.
    pub speed: f64,
    /// At that speed; `None` where it can't be told.
    pub time_left_s: Option<f64>,
    /// Whether nothing more comes.
    pub is_over: bool,
}

/// What is asked of candidates besides the thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// A class, or all.
    pub class: String,
    /// As in [`CallQuery`].
    pub review: String,
    /// The greatest score: the least is the threshold.
    pub most_score: Option<f64>,
    /// Only what the picture shows.
    pub in_view: bool,
    pub sort: CallSort,
    pub descending: bool,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter {
            class: String::new(),
            review: String::new(),
            most_score: None,
            in_view: false,
            sort: CallSort::Start,
            descending: false,
        }
    }
}

/// What lies in the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InView {
    /// The run that it is of; 0 for none.
    pub run: i64,
    /// Candidates, where they are few enough to be drawn as boxes.
    pub calls: Vec<DetectedCall>,
    /// How many there are, where they are not.
    pub density: Option<CallDensity>,
    pub curves: ScoreCurves,
}

/// Candidates of what is open; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Calls {
    /// The latest first.
    pub runs: RwSignal<Vec<DetectionRun>>,
    /// The run that is shown.
    pub run: Memo<Option<DetectionRun>>,
    /// Its thresholds, one a class.
    pub thresholds: Memo<Vec<f64>>,
    pub filter: RwSignal<Filter>,
    /// The candidate that is looked at: one of the run that is shown.
    pub chosen: Memo<Option<DetectedCall>>,
    pub in_view: RwSignal<InView>,
    /// All of the line, for the overview.
    pub overview: RwSignal<CallDensity>,
    pub histograms: RwSignal<ScoreHistograms>,
    /// How many candidates pass some thresholds, as a question writes them, to the last one.
    pub passing: RwSignal<(String, CallCounts)>,
    /// What is known of the calls that were missed.
    pub recall: RwSignal<RecallReport>,
    /// Index of the class whose threshold is moved.
    pub tuned: RwSignal<usize>,
    /// Counts changes of candidates and of what is said of them: whoever shows them asks again.
    pub revision: RwSignal<u64>,
    /// Whether a verdict goes on to the next.
    pub goes_on: RwSignal<bool>,
    /// How far runs of this tab are, by their numbers.
    pub local_progress: RwSignal<Vec<(i64, LocalProgress)>>,
    /// Gives a run of this tab up: set by whoever runs it.
    pub cancel_local: StoredValue<Option<Callback<i64>>>,
    view: RwSignal<View>,
    /// From where to where candidates are asked for, as queries say it, where not all that was heard is
    /// open.
    span: RwSignal<(String, String)>,
    /// The candidate that was chosen last, with its run: others count from 1 in theirs.
    looked_at: RwSignal<Option<(i64, DetectedCall)>>,
    steps: StoredValue<Steps>,
    wishes: StoredValue<Wishes>,
    /// Whether a person knows that this browser keeps no verdicts.
    knows_unkept: StoredValue<bool>,
    local: StoredValue<Vec<LocalRun>>,
    /// What those are of, and those of what was open before.
    of: StoredValue<Option<Arc<OpenSet>>>,
    shelf: StoredValue<Shelf>,
    deployment: StoredValue<Option<String>>,
    /// Counts what was opened.
    turn: StoredValue<u64>,
}

impl Calls {
    /// None yet.
    pub fn new(view: RwSignal<View>) -> Calls {
        let runs = RwSignal::new(Vec::<DetectionRun>::new());
        let shown = Memo::new(move |_| view.with(|v| v.calls.clone()));
        let run = Memo::new(move |_| {
            let id = shown.with(|shown| shown.as_ref().map(|shown| shown.run))?;
            runs.with(|runs| runs.iter().find(|run| run.id == id).cloned())
        });
        let looked_at = RwSignal::new(None::<(i64, DetectedCall)>);
        let chosen = Memo::new(move |_| {
            let shown = run.with(|run| run.as_ref().map(|run| run.id))?;
            looked_at.get().filter(|(run, _)| *run == shown).map(|(_, call)| call)
        });
        let thresholds = Memo::new(move |_| {
            let of_run = run.with(|run| {
                let classes = run.as_ref().map(|run| run.classes.as_slice()).unwrap_or_default();
                classes.iter().map(|class| class.threshold).collect::<Vec<_>>()
            });
            let of_view = shown.with(|shown| shown.as_ref().map(|shown| shown.thresholds.clone()));
            of_view.filter(|chosen| chosen.len() == of_run.len()).unwrap_or(of_run)
        });
        Calls {
            runs,
            run,
            thresholds,
            filter: RwSignal::new(Filter::default()),
            chosen,
            in_view: RwSignal::new(InView::default()),
            overview: RwSignal::new(CallDensity::default()),
            histograms: RwSignal::new(ScoreHistograms::default()),
            passing: RwSignal::default(),
            recall: RwSignal::new(RecallReport::default()),
            tuned: RwSignal::new(0),
            revision: RwSignal::new(0),
            goes_on: RwSignal::new(false),
            local_progress: RwSignal::new(Vec::new()),
            cancel_local: StoredValue::new(None),
            view,
            span: RwSignal::new(Default::default()),
            looked_at,
            steps: StoredValue::new(Steps::default()),
            wishes: StoredValue::new(Wishes::default()),
            knows_unkept: StoredValue::new(false),
            local: StoredValue::new(Vec::new()),
            of: StoredValue::new(None),
            shelf: StoredValue::new(Shelf::default()),
            deployment: StoredValue::new(None),
            turn: StoredValue::new(0),
        }
    }

    /// Shows a run by its own thresholds, or none.
    pub fn show(&self, run: Option<i64>) {
        if self.view.with_untracked(|v| v.calls.as_ref().map(|c| c.run)) == run {
            return;
        }
        self.choose_none();
        self.tuned.set(0);
        self.filter.update(|filter| filter.class.clear());
        let shown = run.map(|run| ShownCalls { run, thresholds: Vec::new() });
        self.view.update(|v| v.calls = shown);
    }

    /// Looks at no candidate.
    pub fn choose_none(&self) {
        self.looked_at.set(None);
    }

    /// Whether a candidate of a run is looked at. Does not track.
    pub fn is_chosen(&self, run: i64, id: i64) -> bool {
        let is_it = |call: &DetectedCall| call.id == id;
        self.shown_run() == Some(run)
            && self.chosen.with_untracked(|chosen| chosen.as_ref().is_some_and(is_it))
    }

    /// Shows a candidate of a run as it now is, in the picture and where it is looked at.
    fn see_anew(&self, run: i64, call: &DetectedCall) {
        if self.in_view.with_untracked(|shown| shown.run == run) {
            self.in_view.update(|shown| {
                if let Some(held) = shown.calls.iter_mut().find(|held| held.id == call.id) {
                    *held = call.clone();
                }
            });
        }
        self.looked_at.update(|held| {
            if let Some((_, held)) =
                held.as_mut().filter(|(of, held)| (*of, held.id) == (run, call.id))
            {
                *held = call.clone();
            }
        });
    }

    /// The number of the run that is shown. Does not track.
    pub fn shown_run(&self) -> Option<i64> {
        self.run.with_untracked(|run| run.as_ref().map(|run| run.id))
    }

    /// Counts what was opened: candidates of something else have the same numbers. Does not track.
    pub fn turn(&self) -> u64 {
        self.turn.get_value()
    }

    /// Moves the threshold of a class.
    pub fn set_threshold(&self, class: usize, threshold: f64) {
        let mut thresholds = self.thresholds.get_untracked();
        let Some(held) = thresholds.get_mut(class).filter(|held| **held != threshold) else {
            return;
        };
        *held = threshold;
        self.view.update(|v| {
            if let Some(shown) = &mut v.calls {
                shown.thresholds = thresholds;
            }
        });
    }

    /// Whether a candidate passes its class's threshold. Does not track.
    pub fn passes(&self, call: &DetectedCall) -> bool {
        let class = self.class_of(call);
        let thresholds = self.thresholds.get_untracked();
        class.and_then(|i| thresholds.get(i).copied()).is_none_or(|t| f64::from(call.score) >= t)
    }

    /// Index of a candidate's class in its run. Does not track.
    pub fn class_of(&self, call: &DetectedCall) -> Option<usize> {
        self.run.with_untracked(|run| {
            run.as_ref()?.classes.iter().position(|class| class.name == call.class)
        })
    }

    /// What the run that is shown tells apart.
    pub fn class_names(&self) -> Memo<Vec<String>> {
        let run = self.run;
        Memo::new(move |_| {
            run.with(|run| {
                let classes = run.as_ref().map(|run| run.classes.as_slice()).unwrap_or_default();
                classes.iter().map(|class| class.name.clone()).collect()
            })
        })
    }

    /// Everything above the thresholds. Tracks.
    pub fn above_thresholds(&self) -> CallQuery {
        let thresholds: Vec<String> =
            self.thresholds.with(|all| all.iter().map(f64::to_string).collect());
        CallQuery { thresholds: thresholds.join(","), ..self.open() }
    }

    /// Everything in what is open. Tracks.
    fn open(&self) -> CallQuery {
        let (from, until) = self.span.get();
        CallQuery { from, until, ..CallQuery::default() }
    }

    /// What passes the filter too, in its order; `shown` is from where to where the picture goes. Tracks.
    pub fn filtered(&self, shown: Option<(String, String)>) -> CallQuery {
        let filter = self.filter.get();
        let (from, until) = shown.filter(|_| filter.in_view).unwrap_or_else(|| self.span.get());
        CallQuery {
            from,
            until,
            class: filter.class,
            review: filter.review,
            most_score: filter.most_score,
            sort: filter.sort,
            descending: filter.descending,
            ..self.above_thresholds()
        }
    }
}

/// A candidate's verdict as a mark and a word: colour alone tells nothing.
pub fn verdict_words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Unreviewed => ("", words::CANDIDATE),
        Verdict::Accepted => ("✓", words::ACCEPTED),
        Verdict::Rejected => ("✗", words::REJECTED),
        Verdict::Relabelled => ("→", words::RELABELLED),
    }
}

/// A verdict with the label that was given instead, where one was.
pub fn with_label(verdict: &str, label: &str) -> String {
    match label {
        "" => verdict.to_owned(),
        label => words::relabelled_as(verdict, label),
    }
}
