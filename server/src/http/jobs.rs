//! `jobs`: long work, its progress by server-sent events, and what a person wants of it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use spyhop_api::job::{JobDetail, JobProgress, JobsSnapshot};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blocking;
use super::error::ApiError;
use crate::work::{Engine, WorkError};

/// The routes below `api/v1`. Those that change something are `POST`: whoever mounts them guards
/// them.
pub fn routes() -> OpenApiRouter<Arc<Engine>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(events))
        .routes(routes!(job))
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(retry))
        .routes(routes!(retry_unit))
}

/// All jobs, what the workers do, and what they did last
#[utoipa::path(get, path = "/jobs", tag = "jobs", responses((status = 200, body = JobsSnapshot)))]
async fn list(State(engine): State<Arc<Engine>>) -> Result<Json<JobsSnapshot>, ApiError> {
    Ok(Json(answer(move || engine.snapshot()).await?))
}

/// The same whenever it changes, at most ten times a second, as server-sent events
///
/// The first event has the latest runs of units, each later one those that have ended since.
#[utoipa::path(get, path = "/jobs/events", tag = "jobs", responses(
    (status = 200, content_type = "text/event-stream", body = JobsSnapshot)
))]
async fn events(
    State(engine): State<Arc<Engine>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // Subscribed before the first look: nothing falls between them.
    let changes = engine.changes();
    let first = answer(move || engine.snapshot()).await?;
    let begin = Watching { changes, next: Some(Arc::new(first)), last_run: 0 };
    let stream = futures_util::stream::unfold(begin, |mut watching| async move {
        let snapshot = match watching.next.take() {
            Some(first) => first,
            // An error says that the engine is gone: the stream ends.
            None => {
                watching.changes.changed().await.ok()?;
                watching.changes.borrow_and_update().clone()
            }
        };
        let news = JobsSnapshot {
            runs: snapshot.runs.iter().filter(|r| r.number > watching.last_run).cloned().collect(),
            ..(*snapshot).clone()
        };
        watching.last_run = snapshot.runs.last().map_or(watching.last_run, |run| run.number);
        // It is made of numbers and text only.
        let event = Event::default().json_data(&news).unwrap_or_default();
        Some((Ok(event), watching))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// One listener of the events.
struct Watching {
    changes: tokio::sync::watch::Receiver<Arc<JobsSnapshot>>,
    next: Option<Arc<JobsSnapshot>>,
    last_run: u64,
}

/// One job, with its latest failures
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = i64, Path, description = "Its number")), responses(
    (status = 200, body = JobDetail), (status = 404, description = "There is no such job")
))]
async fn job(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<i64>,
) -> Result<Json<JobDetail>, ApiError> {
    Ok(Json(answer(move || engine.job(id)).await?))
}

/// Give a job up; what is done is kept
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = i64, Path, description = "Its number")), responses(
    (status = 200, body = JobProgress), (status = 404, description = "There is no such job")
))]
async fn cancel(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<i64>,
) -> Result<Json<JobProgress>, ApiError> {
    wish(engine, id, Engine::cancel).await
}

/// Let a job rest; `retry` makes it go on
#[utoipa::path(post, path = "/jobs/{id}/pause", tag = "jobs", params(("id" = i64, Path, description = "Its number")), responses(
    (status = 200, body = JobProgress), (status = 404, description = "There is no such job")
))]
async fn pause(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<i64>,
) -> Result<Json<JobProgress>, ApiError> {
    wish(engine, id, Engine::pause).await
}

/// Try again what failed, and go on with what was paused or given up
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs", params(("id" = i64, Path, description = "Its number")), responses(
    (status = 200, body = JobProgress), (status = 404, description = "There is no such job")
))]
async fn retry(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<i64>,
) -> Result<Json<JobProgress>, ApiError> {
    wish(engine, id, Engine::retry).await
}

/// Try one failed unit again
#[utoipa::path(post, path = "/jobs/{id}/units/{unit}/retry", tag = "jobs",
    params(
        ("id" = i64, Path, description = "The job's number"),
        ("unit" = String, Path, description = "The unit's key"),
    ),
    responses(
        (status = 200, body = JobProgress), (status = 404, description = "There is no such unit")
    )
)]
async fn retry_unit(
    State(engine): State<Arc<Engine>>,
    Path((id, unit)): Path<(i64, String)>,
) -> Result<Json<JobProgress>, ApiError> {
    wish(engine, id, move |engine, _| engine.retry_unit(&unit)).await
}

async fn wish(
    engine: Arc<Engine>,
    id: i64,
    wish: impl FnOnce(&Engine, i64) -> Result<(), WorkError> + Send + 'static,
) -> Result<Json<JobProgress>, ApiError> {
    let wished = move || {
        wish(&engine, id)?;
        engine.job(id)
    };
    Ok(Json(answer(wished).await?.job))
}

/// The ledger waits for the disk.
async fn answer<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, WorkError> + Send + 'static,
) -> Result<T, ApiError> {
    blocking(ask).await?.map_err(|error| match error {
        WorkError::NoJob(_) | WorkError::NoUnit(_) => ApiError::not_found(error.to_string()),
        error => ApiError::internal(&error),
    })
}
