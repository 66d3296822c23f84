//! What the page asks of detections: what fits, runs, their candidates, and what people say of them.

use gloo::net::http::Request;
use spyhop_api::detection::{
    CallCounts, CallDensity, CallPage, CallQuery, DetectedCall, DetectionList, DetectionRequest,
    DetectionRun, DetectorList, Review, ReviewChange, ReviewHistory, ScoreCurves, ScoreHistograms,
};
use spyhop_api::recall::{DrawRequest, DrawnWindow, DrawnWindows, RecallReport, WindowReview};
use spyhop_words::page::server as words;

use super::token::{authorised, get};
use super::{ServerError, deployment_address, fetched, read, send};

/// One run of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The deployment's id.
    pub deployment: String,
    /// The run's number.
    pub run: i64,
}

impl Place {
    fn address(&self, what: &str) -> String {
        format!("{}/{}{what}", runs_address(&self.deployment), self.run)
    }

    /// A page of its candidates.
    pub async fn page(&self, query: &CallQuery) -> Result<CallPage, ServerError> {
        fetched(&self.address(&format!("/calls?{}", query.to_query()))).await
    }

    /// How many candidates begin in each bin.
    pub async fn density(&self, query: &CallQuery, bin_s: f64) -> Result<CallDensity, ServerError> {
        fetched(&self.address(&format!("/density?bin_s={bin_s}&{}", query.to_query()))).await
    }

    /// How many candidates pass, to the last one.
    pub async fn counts(&self, query: &CallQuery) -> Result<CallCounts, ServerError> {
        fetched(&self.address(&format!("/counts?{}", query.to_query()))).await
    }

    /// How scores are spread.
    pub async fn histograms(&self, query: &CallQuery) -> Result<ScoreHistograms, ServerError> {
        fetched(&self.address(&format!("/histograms?{}", query.to_query()))).await
    }

    /// What is known of the calls that were missed.
    pub async fn recall(&self) -> Result<RecallReport, ServerError> {
        fetched(&self.address("/recall")).await
    }

    /// The windows that were drawn at random, in the order in which they were.
    pub async fn windows(&self) -> Result<Vec<DrawnWindow>, ServerError> {
        fetched::<DrawnWindows>(&self.address("/windows")).await.map(|drawn| drawn.windows)
    }

    /// Draws more of them; gives all.
    pub async fn draw(&self, asked: &DrawRequest) -> Result<Vec<DrawnWindow>, ServerError> {
        let request = authorised(Request::post(&self.address("/windows"))).json(asked);
        read::<DrawnWindows>(send(request).await?).await.map(|drawn| drawn.windows)
    }

    /// Says something of a window, as it was seen.
    pub async fn review_window(
        &self,
        window: &DrawnWindow,
        said: &WindowReview,
    ) -> Result<DrawnWindow, ServerError> {
        let address = self.address(&format!("/windows/{}?version={}", window.id, window.version));
        read(send(authorised(Request::put(&address)).json(said)).await?).await
    }

    /// The best score in each bin.
    pub async fn scores(&self, query: &CallQuery, bin_s: f64) -> Result<ScoreCurves, ServerError> {
        fetched(&self.address(&format!("/scores?bin_s={bin_s}&{}", query.to_query()))).await
    }

    /// One candidate.
    pub async fn call(&self, id: i64) -> Result<DetectedCall, ServerError> {
        fetched(&self.address(&format!("/calls/{id}"))).await
    }

    /// Says something of a candidate, as it was seen in a version of what is said of it.
    pub async fn review(
        &self,
        id: i64,
        version: u32,
        change: &ReviewChange,
    ) -> Result<DetectedCall, ServerError> {
        let address = self.address(&format!("/calls/{id}/review?version={version}"));
        read(send(authorised(Request::put(&address)).json(change)).await?).await
    }

    /// Everything that was ever said of a candidate.
    pub async fn history(&self, id: i64) -> Result<Vec<Review>, ServerError> {
        let address = self.address(&format!("/calls/{id}/history"));
        fetched::<ReviewHistory>(&address).await.map(|history| history.steps)
    }

    /// The candidates as a file for other programs.
    pub async fn table(&self, query: &CallQuery, format: &str) -> Result<Vec<u8>, ServerError> {
        let address = self.address(&format!("/table?format={format}&{}", query.to_query()));
        let answer = send(get(&address).build()).await?;
        let broken = |_| ServerError { status: 0, message: words::TABLE_BROKE_OFF.to_owned() };
        answer.binary().await.map_err(broken)
    }
}

/// Detectors and networks beside a deployment's recordings.
pub async fn detectors(deployment: &str) -> Result<DetectorList, ServerError> {
    fetched(&format!("{}/detectors", deployment_address(deployment))).await
}

/// Everything that was run over a deployment.
pub async fn runs(deployment: &str) -> Result<Vec<DetectionRun>, ServerError> {
    fetched::<DetectionList>(&runs_address(deployment)).await.map(|list| list.runs)
}

/// Runs a detector or a network.
pub async fn start(
    deployment: &str,
    wanted: &DetectionRequest,
) -> Result<DetectionRun, ServerError> {
    let request = authorised(Request::post(&runs_address(deployment)));
    read(send(request.json(wanted)).await?).await
}

fn runs_address(deployment: &str) -> String {
    format!("{}/detections", deployment_address(deployment))
}
