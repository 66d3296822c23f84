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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use spyhop_api::job::JobState;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::state::StateFolder;
    use crate::work::{Job, Priority, Registry, Settings, Unit, UnitContext, UnitError};

    async fn ask(address: std::net::SocketAddr, line: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(address).await.expect("connect");
        let head = format!("{line} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("ask");
        BufReader::new(stream)
    }

    async fn answer_to(address: std::net::SocketAddr, line: &str) -> (String, serde_json::Value) {
        let mut text = String::new();
        ask(address, line).await.read_to_string(&mut text).await.expect("answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("head");
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        (status, serde_json::from_str(body).expect("JSON"))
    }

    async fn next_event(events: &mut BufReader<TcpStream>) -> JobsSnapshot {
        loop {
            let mut line = String::new();
            assert!(events.read_line(&mut line).await.expect("line") > 0, "the events ended");
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data.trim()).expect("snapshot");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_is_seen_by_events_cancelled_and_taken_up_again() {
        let path = std::env::temp_dir().join(format!("spyhop-http-jobs-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let mut registry = Registry::default();
        registry.add("test", |name: String, context: &UnitContext| {
            match name.as_str() {
                "broken" => return Err(UnitError::lasting("broken.wav is damaged")),
                "long" => loop {
                    context.go_on()?;
                    std::thread::sleep(Duration::from_millis(2));
                },
                _ => {}
            }
            Ok(name)
        });
        let state = Arc::new(StateFolder::open(&path).expect("state"));
        let settings = Settings { workers: 2, ..Settings::default() };
        let engine = Arc::new(Engine::start(state, registry, settings).expect("engine"));
        let (router, document) = routes().split_for_parts();
        assert!(document.paths.paths.contains_key("/jobs/{id}/units/{unit}/retry"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let at = listener.local_addr().expect("address");
        let app = router.with_state(engine.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });

        let mut events = ask(at, "GET /jobs/events").await;
        assert!(next_event(&mut events).await.jobs.is_empty());
        let units = ["short", "broken", "long"]
            .map(|name| Unit::new(format!("test/{name}"), "test", json!(name)));
        let job = Job {
            key: "j".into(),
            kind: "test".into(),
            title: "A test".into(),
            deployment: Some("gulf".into()),
            priority: Priority::ASKED_FOR,
            units: units.to_vec(),
        };
        engine.submit(&job).expect("submit");
        let mut runs = Vec::new();
        let seen = loop {
            let event = next_event(&mut events).await;
            runs.extend(event.runs.iter().map(|run| run.number));
            if event.jobs.first().is_some_and(|j| (j.done, j.failed, j.running) == (1, 1, 1)) {
                break event;
            }
        };
        assert_eq!(runs, [1, 2], "each run is told once");
        assert_eq!((seen.jobs[0].state, seen.workers), (JobState::Running, 2));

        let (status, detail) = answer_to(at, "GET /jobs/1").await;
        assert_eq!((status.as_str(), &detail["job"]["deployment"]), ("200", &json!("gulf")));
        assert_eq!(detail["failures"][0]["message"], "broken.wav is damaged");
        let (status, job) = answer_to(at, "POST /jobs/1/cancel").await;
        assert_eq!((status.as_str(), &job["state"]), ("200", &json!("cancelled")));
        while next_event(&mut events).await.jobs[0].running > 0 {}
        assert_eq!(answer_to(at, "POST /jobs/1/units/test%2Fbroken/retry").await.0, "200");
        assert_eq!(answer_to(at, "POST /jobs/1/units/none/retry").await.0, "404");
        assert_eq!(answer_to(at, "POST /jobs/2/retry").await.0, "404");
        let (_, job) = answer_to(at, "POST /jobs/1/retry").await;
        assert!(["running", "waiting"].contains(&job["state"].as_str().expect("state")));
        let (_, all) = answer_to(at, "GET /jobs").await;
        assert_eq!(all["jobs"][0]["total"], 3);
        serving.abort();
        engine.stop();
        std::fs::remove_dir_all(path).expect("remove");
    }
}
