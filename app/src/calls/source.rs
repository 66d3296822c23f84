//! Where candidates come from: the server that found them, or this tab. Both answer the same questions.

use std::sync::Arc;

use leptos::prelude::*;
use spyhop_api::Timestamp;
use spyhop_api::binned::BinError;
use spyhop_api::detection::{
    CallCounts, CallDensity, CallPage, CallQuery, DetectedCall, DetectionRun, Review, ReviewChange,
    ScoreCurves, ScoreHistograms,
};
use spyhop_api::recall::{DrawRequest, DrawnWindow, RecallReport, WindowReview};
use spyhop_words::calls::runs as words;

use super::kept::KeptReviews;
use super::local::{LocalRun, ReviewRefused};
use super::{Calls, LocalProgress};
use crate::server::ServerError;
use crate::server::detections::Place;
use crate::session::OpenSet;

/// Who answers for a run.
#[derive(Clone)]
pub enum Source {
    Server(Place),
    Tab(StoredValue<Vec<LocalRun>>, i64),
}

impl Calls {
    /// Who answers for the run that is shown. Does not track.
    pub fn source(&self) -> Option<Source> {
        self.source_of(self.run.with_untracked(|run| run.as_ref().map(|run| run.id))?)
    }

    /// Who answers for a run.
    pub fn source_of(&self, run: i64) -> Option<Source> {
        match run < 0 {
            true => Some(Source::Tab(self.local, run)),
            false => Some(Source::Server(Place { deployment: self.deployment.get_value()?, run })),
        }
    }
}

/// What a run of this tab feeds.
impl Calls {
    /// A run begins in this tab over what is open, and is shown; gives its number. The run's own number
    /// and counts are passed over.
    pub fn begin_local_run(&self, mut run: DetectionRun, open: &OpenSet) -> i64 {
        let lowest = self.local.with_value(|all| all.iter().map(|l| l.run.id).min());
        let id = lowest.unwrap_or(0).min(0) - 1;
        run.id = id;
        let is_dated = open.line.origin.is_some();
        self.local.update_value(|all| all.push(LocalRun::new(run, is_dated)));
        self.tell_local();
        self.show(Some(id));
        id
    }

    /// Candidates and scores that a run of this tab found since it last said something. What was said of
    /// the same candidate before, perhaps in an earlier visit, is said of it again. Moments are on the
    /// clock where the line is dated, else since its first sample. Gives the keys under which lies what was
    /// kept in this browser of what was said before and can't be read.
    pub fn extend_local(
        &self,
        run: i64,
        found: Vec<DetectedCall>,
        scores: &ScoreCurves,
        progress: LocalProgress,
        open: &OpenSet,
    ) -> Vec<String> {
        let laid_aside = self.local.try_update_value(|all| {
            let local = all.iter_mut().find(|local| local.run.id == run)?;
            local.progress = progress;
            let mut kept = KeptReviews::of(open, &local.run);
            local.extend(found, scores, |call| kept.said(call));
            Some(kept.laid_aside())
        });
        self.tell_local();
        self.revision.update(|n| *n += 1);
        laid_aside.flatten().unwrap_or_default()
    }

    /// A run of this tab is over, or was given up; `problems` is what could not be heard, a sentence each.
    pub fn end_local(&self, run: i64, problems: Vec<String>) {
        self.local.update_value(|all| {
            let Some(local) = all.iter_mut().find(|local| local.run.id == run) else { return };
            local.run.problems = problems;
            local.progress.is_over = true;
            local.progress.time_left_s = None;
        });
        self.tell_local();
    }

    /// Something else is open: the runs of this tab over what was wait for that, and those over what is now
    /// are taken up.
    pub fn change_shelves(&self, open: Option<Arc<OpenSet>>) {
        let runs = self.local.try_update_value(std::mem::take).unwrap_or_default();
        let before = self.of.get_value();
        self.of.set_value(open.clone());
        let again = self.shelf.try_update_value(|shelf| {
            if let Some(before) = before {
                shelf.put(before, runs);
            }
            open.map_or_else(Vec::new, |open| shelf.take(&open))
        });
        self.local.set_value(again.unwrap_or_default());
        self.local_progress.set(Vec::new());
    }

    /// Shows what is known of the runs of this tab.
    pub fn tell_local(&self) {
        let local = self
            .local
            .with_value(|all| all.iter().rev().map(|local| local.run.clone()).collect::<Vec<_>>());
        let progress = self.local.with_value(|all| {
            all.iter().map(|local| (local.run.id, local.progress)).collect::<Vec<_>>()
        });
        self.local_progress.set(progress);
        self.runs.update(|runs| {
            runs.retain(|run| run.id > 0);
            runs.splice(0..0, local);
        });
    }
}

impl Source {
    /// A page of candidates.
    pub async fn page(&self, query: &CallQuery) -> Result<CallPage, ServerError> {
        match self {
            Source::Server(place) => place.page(query).await,
            Source::Tab(..) => self.here(|local| local.page(query)),
        }
    }

    /// How many candidates begin in each bin.
    pub async fn density(&self, query: &CallQuery, bin_s: f64) -> Result<CallDensity, ServerError> {
        match self {
            Source::Server(place) => place.density(query, bin_s).await,
            Source::Tab(..) => self.here(|local| local.density(query, bin_s))?.map_err(too_fine),
        }
    }

    /// How many candidates pass, to the last one, and what is said of them.
    pub async fn counts(&self, query: &CallQuery) -> Result<CallCounts, ServerError> {
        match self {
            Source::Server(place) => place.counts(query).await,
            Source::Tab(..) => self.here(|local| local.passing(query)),
        }
    }

    /// How scores are spread, and what is said of the candidates.
    pub async fn histograms(&self, query: &CallQuery) -> Result<ScoreHistograms, ServerError> {
        match self {
            Source::Server(place) => place.histograms(query).await,
            Source::Tab(..) => self.here(|local| local.histograms(query)),
        }
    }

    /// What is known of the calls that were missed: in a tab nothing.
    pub async fn recall(&self) -> Result<RecallReport, ServerError> {
        match self {
            Source::Server(place) => place.recall().await,
            Source::Tab(..) => Ok(RecallReport::default()),
        }
    }

    /// Windows that were drawn at random: a run of this tab has none.
    pub async fn windows(&self) -> Result<Vec<DrawnWindow>, ServerError> {
        match self {
            Source::Server(place) => place.windows().await,
            Source::Tab(..) => Ok(Vec::new()),
        }
    }

    /// Draws more of them; gives all.
    pub async fn draw(&self, asked: &DrawRequest) -> Result<Vec<DrawnWindow>, ServerError> {
        match self {
            Source::Server(place) => place.draw(asked).await,
            Source::Tab(..) => Err(gone()),
        }
    }

    /// Says something of one of them.
    pub async fn review_window(
        &self,
        window: &DrawnWindow,
        said: &WindowReview,
    ) -> Result<DrawnWindow, ServerError> {
        match self {
            Source::Server(place) => place.review_window(window, said).await,
            Source::Tab(..) => Err(gone()),
        }
    }

    /// The best score in each bin.
    pub async fn scores(&self, query: &CallQuery, bin_s: f64) -> Result<ScoreCurves, ServerError> {
        match self {
            Source::Server(place) => place.scores(query, bin_s).await,
            Source::Tab(..) => self.here(|local| local.scores(query, bin_s))?.map_err(too_fine),
        }
    }

    /// One candidate, as it is now.
    pub async fn call(&self, id: i64) -> Result<DetectedCall, ServerError> {
        match self {
            Source::Server(place) => place.call(id).await,
            Source::Tab(..) => {
                let all = self.here(|local| local.all(&CallQuery::default()))?;
                all.into_iter().find(|call| call.id == id).ok_or_else(gone)
            }
        }
    }

    /// Says something of a candidate.
    ///
    /// # Errors
    /// When it was reviewed elsewhere (409), or the server refuses.
    pub async fn review(
        &self,
        call: &DetectedCall,
        change: &ReviewChange,
    ) -> Result<DetectedCall, ServerError> {
        match self {
            Source::Server(place) => place.review(call.id, call.review.version, change).await,
            Source::Tab(all, run) => {
                let now = Timestamp((js_sys::Date::now() * 1e6) as i64);
                let said = all.try_update_value(|all| {
                    let local = all.iter_mut().find(|local| local.run.id == *run)?;
                    Some(local.review(call.id, call.review.version, change, now))
                });
                said.flatten().ok_or_else(gone)?.map_err(|refused| match refused {
                    ReviewRefused::Gone => gone(),
                    ReviewRefused::OtherVersion => {
                        ServerError { status: 409, message: words::REVIEWED_MEANWHILE.to_owned() }
                    }
                })
            }
        }
    }

    /// Keeps what is said of a candidate beyond this visit; false where this browser keeps nothing. A
    /// server has kept it already.
    pub fn keep(&self, open: &OpenSet, call: &DetectedCall) -> bool {
        let kept = self
            .here(|local| KeptReviews::of(open, &local.run).keep(call, &local.history(call.id)));
        kept.unwrap_or(true)
    }

    /// Everything that was ever said of a candidate.
    pub async fn history(&self, id: i64) -> Result<Vec<Review>, ServerError> {
        match self {
            Source::Server(place) => place.history(id).await,
            Source::Tab(..) => self.here(|local| local.history(id)),
        }
    }

    /// All candidates that are asked for, of a run of this tab.
    pub fn all_here(&self, query: &CallQuery) -> Vec<DetectedCall> {
        self.here(|local| local.all(query)).unwrap_or_default()
    }

    fn here<T>(&self, answer: impl FnOnce(&LocalRun) -> T) -> Result<T, ServerError> {
        let Source::Tab(all, run) = self else { return Err(gone()) };
        all.with_value(|all| all.iter().find(|local| local.run.id == *run).map(answer))
            .ok_or_else(gone)
    }
}

/// As the server says it.
fn too_fine(error: BinError) -> ServerError {
    ServerError { status: 400, message: error.to_string() }
}

fn gone() -> ServerError {
    ServerError { status: 404, message: words::NOT_IN_TAB.to_owned() }
}
