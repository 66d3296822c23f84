//! `…/detections`: what detectors and networks find in a deployment, and what people say of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spyhop_api::detection::{
    CallCounts, CallDensity, CallPage, CallQuery, DetectedCall, DetectionList, DetectionRequest,
    DetectionRun, DetectorList, ReviewChange, ReviewHistory, ScoreCurves, ScoreHistograms, Verdict,
};
use spyhop_api::did_you_mean::{nearest, question};
use spyhop_api::recall::{DrawRequest, DrawnWindow, DrawnWindows, RecallReport, WindowReview};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{Problem, Timestamp};
use spyhop_signal::Line;
use spyhop_signal::detect::fit::{content_end_hz, fitting};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, asked, blocking, check_deployment, no_deployment};
use crate::catalogue::access::Reader;
use crate::detection::{
    self, Asked, Format, Paging, Row, StartError, StoreError, StoredRun, Table, Wanted,
};
use crate::models;

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(detectors))
        .routes(routes!(list, start))
        .routes(routes!(run, remove))
        .routes(routes!(calls))
        .routes(routes!(density))
        .routes(routes!(histograms))
        .routes(routes!(counts))
        .routes(routes!(scores))
        .routes(routes!(table))
        .routes(routes!(call))
        .routes(routes!(review))
        .routes(routes!(history))
        .routes(routes!(recall))
        .routes(routes!(windows, draw))
        .routes(routes!(review_window))
}

/// Which candidates count, and how wide a bin is.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Binned {
    /// Width of a bin in seconds
    bin_s: f64,
}

/// The form of a table.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// `parquet`, `csv`, or `txt` for a Raven selection table
    format: String,
}

/// The version that a review was made on.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Version {
    /// The version of the review that the person looked at; 0 where there was none
    version: u32,
}

/// Detectors and networks beside a deployment's recordings, the most likely first, and why others do not fit
#[utoipa::path(get, path = "/deployments/{id}/detectors", tag = "detections",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, body = DetectorList), (status = 404, body = Problem)))]
async fn detectors(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<DetectorList>, ApiError> {
    let wanted = id.clone();
    let recordings = asked(&served, move |c| c.recordings(&wanted, reader)).await?;
    let recordings = recordings.ok_or_else(|| no_deployment(&id))?;
    let list = blocking(move || {
        let rate_hz = Line::new(&recordings.infos).ok().map(|(line, _)| line.sample_rate_hz);
        let quality = served.quality.quality(&id, reader).ok().flatten();
        let content_end_hz = quality.and_then(|quality| content_end_hz(&quality));
        let detectors = rate_hz.map_or_else(Vec::new, |rate_hz| fitting(rate_hz, content_end_hz));
        let cards = served.models.cards();
        let models = cards.iter().map(|(name, _)| name.clone()).collect();
        let networks = rate_hz.map_or_else(Vec::new, |rate_hz| {
            detection::fitting_networks(cards, rate_hz, content_end_hz)
        });
        DetectorList { sample_rate_hz: rate_hz, detectors, models, networks }
    })
    .await?;
    Ok(Json(list))
}

/// Everything that was run over a deployment, the latest first
#[utoipa::path(get, path = "/deployments/{id}/detections", tag = "detections",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, body = DetectionList), (status = 404, body = Problem)))]
async fn list(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<DetectionList>, ApiError> {
    check_deployment(&served, &id, reader).await?;
    let runs = blocking(move || {
        let runs = served.detections.store().runs(&id)?;
        // The ledger is asked once, however many runs there are.
        let jobs = served.engine.snapshot()?;
        let told = |run: &StoredRun| served.detections.told(&jobs, run);
        runs.iter().map(told).collect::<Result<Vec<_>, StartError>>()
    });
    Ok(Json(DetectionList { runs: runs.await?.map_err(refusal)? }))
}

/// Runs a detector or a network over a deployment
///
/// The answer's `job` is watched, paused and cancelled by its number under `jobs`. What is asked for again
/// goes on where it was, and what comes to the deployment later is heard, too.
#[utoipa::path(post, path = "/deployments/{id}/detections", tag = "detections",
    params(("id" = String, Path, description = "The deployment")),
    request_body = DetectionRequest,
    responses((status = 202, body = DetectionRun), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn start(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Json(request): Json<DetectionRequest>,
) -> Result<(StatusCode, Json<DetectionRun>), ApiError> {
    // Names only: nobody opens the files of this machine over the network.
    known("network", request.model.as_deref(), models::names)?;
    known("adapter", request.adapter.as_deref(), models::adapter_names)?;
    let wanted = Wanted {
        detector: request.detector,
        model: request.model.map(Into::into),
        adapter: request.adapter.map(Into::into),
        config: request.config,
    };
    let started = blocking(move || {
        served.detections.start(&served.engine, &id, reader, wanted, request.channel)
    });
    Ok((StatusCode::ACCEPTED, Json(started.await?.map_err(refusal)?)))
}

/// One run
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run")),
    responses((status = 200, body = DetectionRun), (status = 404, body = Problem)))]
async fn run(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
) -> Result<Json<DetectionRun>, ApiError> {
    of_run(served, reader, id, number, |served, run| {
        let jobs = served.engine.snapshot().map_err(StartError::from).map_err(refusal)?;
        served.detections.told(&jobs, run).map_err(refusal)
    })
    .await
    .map(Json)
}

/// Forgets a run with all its candidates and reviews
#[utoipa::path(delete, path = "/deployments/{id}/detections/{run}", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run")),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn remove(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
) -> Result<StatusCode, ApiError> {
    of_run(served, reader, id, number, |served, run| {
        served.detections.remove(&served.engine, run).map_err(refusal)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of a run's candidates
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/calls", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"), CallQuery),
    responses((status = 200, body = CallPage), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn calls(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Query(query): Query<CallQuery>,
) -> Result<Json<CallPage>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        let paging = Paging {
            sort: query.sort,
            descending: query.descending,
            offset: query.offset,
            limit: query.limit,
        };
        served.detections.store().page(run, &which(run, &query)?, &paging).map_err(of_store)
    })
    .await
    .map(Json)
}

/// How many candidates begin in each bin of time, by class
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/density", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"), CallQuery, Binned),
    responses((status = 200, body = CallDensity), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn density(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Query(query): Query<CallQuery>,
    Query(binned): Query<Binned>,
) -> Result<Json<CallDensity>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        let asked = which(run, &query)?;
        let density = served.detections.store().density(run, &asked, nanos(binned.bin_s)?);
        density.map_err(of_store)
    })
    .await
    .map(Json)
}

/// How the scores of candidates are spread, with what people say of them
///
/// In bins, to be drawn: how many candidates lie above a threshold `counts` tells to the last one.
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/histograms", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"), CallQuery),
    responses((status = 200, body = ScoreHistograms), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn histograms(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Query(query): Query<CallQuery>,
) -> Result<Json<ScoreHistograms>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        served.detections.store().histograms(run, &which(run, &query)?).map_err(of_store)
    })
    .await
    .map(Json)
}

/// How many candidates pass, by class, with what people say of them: to the last one
///
/// With `thresholds`, what a person who moves one is told: the histograms are for the bars alone.
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/counts", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"), CallQuery),
    responses((status = 200, body = CallCounts), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn counts(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Query(query): Query<CallQuery>,
) -> Result<Json<CallCounts>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        served.detections.store().passing(run, &which(run, &query)?).map_err(of_store)
    })
    .await
    .map(Json)
}

/// The best score in each bin of time, by class: a curve
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/scores", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"), CallQuery, Binned),
    responses((status = 200, body = ScoreCurves), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn scores(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Query(query): Query<CallQuery>,
    Query(binned): Query<Binned>,
) -> Result<Json<ScoreCurves>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        let asked = which(run, &query)?;
        let (from_ns, until_ns) =
            (asked.from_ns.unwrap_or(i64::MIN), asked.until_ns.unwrap_or(i64::MAX));
        let curves = served.detections.scores(run, from_ns, until_ns, nanos(binned.bin_s)?);
        let mut curves = curves.map_err(of_store)?;
        if let Some(class) = asked.class {
            curves.classes = curves.classes.into_iter().skip(class).take(1).collect();
        }
        Ok(curves)
    })
    .await
    .map(Json)
}

/// The candidates that are asked for as a table for other programs, with what people say of them
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/table", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"), CallQuery, Form),
    responses((status = 200, content_type = "text/csv"), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
async fn table(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Query(query): Query<CallQuery>,
    Query(form): Query<Form>,
) -> Result<Response, ApiError> {
    let format = Format::from_name(&form.format).ok_or_else(|| {
        let name = &form.format;
        ApiError::bad_request(format!("the format '{name}' is unknown: parquet, csv or txt"))
    })?;
    let wanted = id.clone();
    let recordings = asked(&served, move |c| c.recordings(&wanted, reader)).await?;
    let recordings = recordings.ok_or_else(|| no_deployment(&id))?;
    let ending = form.format.clone();
    let bytes = of_run(served, reader, id, number, move |served, run| {
        let store = served.detections.store();
        let found = store.all(run, &which(run, &query)?).map_err(of_store)?;
        let rows: Vec<Row> =
            found.into_iter().map(|(call, software)| Row::of(call, &software)).collect();
        let table = Table {
            rows: &rows,
            source: &run.source,
            channel: run.channel,
            infos: &recordings.infos,
        };
        let mut bytes = Vec::new();
        let written = table.write(format, &mut bytes);
        written.map_err(|error| ApiError::bad_request(error.to_string()))?;
        Ok(bytes)
    })
    .await?;
    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.mime_type()));
    let name = format!("attachment; filename=\"detections-{number}.{ending}\"");
    answer.extend(HeaderValue::from_str(&name).ok().map(|v| (header::CONTENT_DISPOSITION, v)));
    Ok((answer, bytes).into_response())
}

/// One candidate
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/calls/{call}", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"),
        ("call" = i64, Path, description = "The candidate")),
    responses((status = 200, body = DetectedCall), (status = 404, body = Problem)))]
async fn call(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number, call)): Path<(String, i64, i64)>,
) -> Result<Json<DetectedCall>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        served.detections.store().call(run, call).map_err(of_store)
    })
    .await
    .map(Json)
}

/// Says something of a candidate: that it is a call, that it is none, or what else it is
///
/// Whoever does names the version of the review that they looked at: what was reviewed elsewhere in the
/// meantime is refused. To undo, say what was said before.
#[utoipa::path(put, path = "/deployments/{id}/detections/{run}/calls/{call}/review",
    tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"),
        ("call" = i64, Path, description = "The candidate"), Version),
    request_body = ReviewChange,
    responses((status = 200, body = DetectedCall), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It was reviewed elsewhere")))]
async fn review(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number, call)): Path<(String, i64, i64)>,
    Query(at): Query<Version>,
    Json(change): Json<ReviewChange>,
) -> Result<Json<DetectedCall>, ApiError> {
    let now = crate::catalogue::now();
    of_run(served, reader, id, number, move |served, run| {
        served.detections.store().review(run, call, at.version, &change, now).map_err(of_store)
    })
    .await
    .map(Json)
}

/// Everything that was ever said of a candidate, and who said it
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/calls/{call}/history",
    tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"),
        ("call" = i64, Path, description = "The candidate")),
    responses((status = 200, body = ReviewHistory), (status = 404, body = Problem)))]
async fn history(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number, call)): Path<(String, i64, i64)>,
) -> Result<Json<ReviewHistory>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        let steps = served.detections.store().history(run, call).map_err(of_store)?;
        Ok(ReviewHistory { steps })
    })
    .await
    .map(Json)
}

/// How many of the calls that are there were found
///
/// By tables that hold every call, where the deployment has them, and by windows drawn at random that
/// somebody went through. Neither is there at first: what was reviewed says nothing of what was missed.
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/recall", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run")),
    responses((status = 200, body = RecallReport), (status = 404, body = Problem)))]
async fn recall(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
) -> Result<Json<RecallReport>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        served.detections.recall(run, reader).map_err(refusal)
    })
    .await
    .map(Json)
}

/// The windows that were drawn at random, with what people say of them
#[utoipa::path(get, path = "/deployments/{id}/detections/{run}/windows", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run")),
    responses((status = 200, body = DrawnWindows), (status = 404, body = Problem)))]
async fn windows(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
) -> Result<Json<DrawnWindows>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        let windows = served.detections.store().drawn(run).map_err(of_store)?;
        Ok(DrawnWindows { windows })
    })
    .await
    .map(Json)
}

/// Draws windows at random from what the run has listened to
#[utoipa::path(post, path = "/deployments/{id}/detections/{run}/windows", tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run")),
    request_body = DrawRequest,
    responses((status = 200, body = DrawnWindows), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn draw(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    Json(request): Json<DrawRequest>,
) -> Result<Json<DrawnWindows>, ApiError> {
    of_run(served, reader, id, number, move |served, run| {
        let windows = served.detections.draw(run, reader, &request).map_err(refusal)?;
        Ok(DrawnWindows { windows })
    })
    .await
    .map(Json)
}

/// Says of a window that it was gone through, and what was missed in it
#[utoipa::path(put, path = "/deployments/{id}/detections/{run}/windows/{window}",
    tag = "detections",
    params(("id" = String, Path, description = "The deployment"),
        ("run" = i64, Path, description = "The run"),
        ("window" = i64, Path, description = "The window"), Version),
    request_body = WindowReview,
    responses((status = 200, body = DrawnWindow),
        (status = 400, body = Problem, description = "Candidates in it are not reviewed yet"),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It was reviewed elsewhere")))]
async fn review_window(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number, window)): Path<(String, i64, i64)>,
    Query(at): Query<Version>,
    Json(said): Json<WindowReview>,
) -> Result<Json<DrawnWindow>, ApiError> {
    let now = crate::catalogue::now();
    of_run(served, reader, id, number, move |served, run| {
        let store = served.detections.store();
        store.review_drawn(run, window, at.version, &said, now).map_err(of_store)
    })
    .await
    .map(Json)
}

/// Refuses a name that is none of those that there are.
fn known(what: &str, name: Option<&str>, all: fn() -> Vec<String>) -> Result<(), ApiError> {
    let Some(name) = name else { return Ok(()) };
    let all = all();
    if all.iter().any(|known| known == name) {
        return Ok(());
    }
    let nearest = question(nearest(name, all.iter().map(String::as_str)));
    Err(ApiError::bad_request(format!("there is no {what} '{name}' on this server{nearest}")))
}

/// Answers a question about a run of a deployment that the reader may see.
async fn of_run<T: Send + 'static>(
    served: Arc<Served>,
    reader: Reader,
    deployment: String,
    number: i64,
    answer: impl FnOnce(&Served, &StoredRun) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    check_deployment(&served, &deployment, reader).await?;
    blocking(move || {
        let run = served.detections.store().run(&deployment, number).map_err(of_store)?;
        answer(&served, &run)
    })
    .await?
}

/// What is asked, on the run's clock.
fn which(run: &StoredRun, query: &CallQuery) -> Result<Asked, ApiError> {
    let class = match query.class.as_str() {
        "" => None,
        name => Some(run.classes.iter().position(|class| class.name == name).ok_or_else(|| {
            let known = run.classes.iter().map(|class| class.name.as_str());
            let nearest = question(nearest(name, known));
            ApiError::bad_request(format!("this run knows no class '{name}'{nearest}"))
        })?),
    };
    let verdicts = match query.review.as_str() {
        "" => Vec::new(),
        "reviewed" => vec![Verdict::Accepted, Verdict::Rejected, Verdict::Relabelled],
        name => vec![Verdict::from_name(name).ok_or_else(|| {
            let known = Verdict::ALL.map(Verdict::name).into_iter().chain(["reviewed"]);
            let nearest = question(nearest(name, known));
            ApiError::bad_request(format!("'{name}' is nothing that is said of a call{nearest}"))
        })?],
    };
    Ok(Asked {
        from_ns: time(&query.from)?,
        until_ns: time(&query.until)?,
        class,
        least_score: query.least_score,
        most_score: query.most_score,
        thresholds: query.class_thresholds().map_err(ApiError::bad_request)?,
        verdicts,
    })
}

/// ISO 8601, or seconds since the first sample.
fn time(text: &str) -> Result<Option<i64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(seconds) => nanos(seconds).map(Some),
        Err(_) => match Timestamp::from_iso(text) {
            Ok(time) => Ok(Some(time.0)),
            Err(error) => Err(ApiError::bad_request(error.to_string())),
        },
    }
}

fn nanos(seconds: f64) -> Result<i64, ApiError> {
    let ns = seconds * NANOS_PER_S as f64;
    match ns.is_finite() && ns.abs() < i64::MAX as f64 {
        true => Ok(ns.round() as i64),
        false => Err(ApiError::bad_request(format!("{seconds} s is no time"))),
    }
}

fn of_store(error: StoreError) -> ApiError {
    let status = match &error {
        StoreError::NoRun { .. } | StoreError::NoCall(_) | StoreError::NoWindow(_) => {
            StatusCode::NOT_FOUND
        }
        StoreError::ReviewedElsewhere { .. } | StoreError::WindowReviewedElsewhere { .. } => {
            StatusCode::CONFLICT
        }
        StoreError::Invalid(_) => StatusCode::BAD_REQUEST,
        StoreError::Database { .. } => return ApiError::internal(&error),
    };
    ApiError::new(status, error.to_string())
}

fn refusal(error: StartError) -> ApiError {
    match error {
        StartError::NoDeployment(id) => no_deployment(&id),
        StartError::Refused(message) => ApiError::bad_request(message),
        StartError::Store(error) => of_store(error),
        StartError::Work(error) => ApiError::internal(&error),
        StartError::Catalogue(error) => ApiError::internal(&error),
    }
}
