//! `runs`: what was trained on this machine, and what is being trained.
//!
//! Settings name folders of this machine, so that nobody else is shown them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use spyhop_api::Problem;
use spyhop_api::run::{RunDetail, RunList};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, blocking};

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(run))
}

/// All runs of training, the latest first, with the settings in which they differ
///
/// Failed and poor runs stay in the list. Whoever reaches this server from another machine needs the
/// administrator's token.
#[utoipa::path(get, path = "/runs", tag = "runs", responses((status = 200, body = RunList),
    (status = 401, body = Problem, description = "It takes the administrator's token")))]
async fn list(State(served): State<Arc<Served>>, headers: HeaderMap) -> Result<Response, ApiError> {
    served.guard.check_own(&headers)?;
    let list = blocking(move || served.runs.list()).await?.map_err(|e| ApiError::internal(&*e))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(list)).into_response())
}

/// One run with all its settings and its curves, which grow while it is trained
#[utoipa::path(get, path = "/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, body = RunDetail), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
async fn run(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    served.guard.check_own(&headers)?;
    let wanted = id.clone();
    let found = blocking(move || served.runs.detail(&wanted)).await?;
    let found = found.map_err(|e| ApiError::internal(&*e))?;
    let detail = found.ok_or_else(|| {
        ApiError::not_found(format!("there is no run '{id}' here: api/v1/runs lists them"))
    })?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(detail)).into_response())
}
