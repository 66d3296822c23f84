//! `quality`: how well deployments were recorded.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use spyhop_api::{DeploymentQuality, Problem, QualityList};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::deployments::Extent;
use super::error::ApiError;
use super::{Served, blocking, no_deployment};
use crate::catalogue::access::Reader;

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(quality))
}

/// The quality of all deployments, in a few numbers each
///
/// How many recordings there are, how many are measured, and how many have findings of which kind.
#[utoipa::path(get, path = "/quality", tag = "deployments",
    responses((status = 200, body = QualityList)))]
async fn list(State(served): State<Arc<Served>>, reader: Reader) -> Result<Response, ApiError> {
    let found = blocking(move || served.quality.list(reader)).await?;
    let found = found.map_err(|e| ApiError::internal(&e))?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(found)).into_response())
}

/// The quality of a deployment's recordings, by recording and by hour
///
/// Clipping, DC, dropouts, stuck values, mains lines, an empty upper band and unused bits, of the first
/// channel; and what the files tell together. Recordings are measured in the background: `measured` says
/// how many are.
#[utoipa::path(get, path = "/deployments/{id}/quality", tag = "deployments",
    params(("id" = String, Path, description = "The deployment"), Extent),
    responses((status = 200, body = DeploymentQuality), (status = 404, body = Problem)))]
async fn quality(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Query(Extent { recordings }): Query<Extent>,
) -> Result<Response, ApiError> {
    let found = known(&served, &id, reader).await?.ok_or_else(|| no_deployment(&id))?;
    let no_cache = [(header::CACHE_CONTROL, "no-cache")];
    if recordings {
        return Ok((no_cache, Json(&*found)).into_response());
    }
    let without = DeploymentQuality {
        measured: found.measured,
        recording_count: found.recording_count,
        counts: found.counts.clone(),
        recordings: Vec::new(),
        hours: found.hours.clone(),
        findings: found.findings.clone(),
    };
    Ok((no_cache, Json(without)).into_response())
}

/// What is known of the quality of a deployment by now; `None` where there is none for a reader.
///
/// # Errors
/// When the catalogue can't be asked.
pub async fn known(
    served: &Arc<Served>,
    id: &str,
    reader: Reader,
) -> Result<Option<Arc<DeploymentQuality>>, ApiError> {
    let (served, wanted) = (served.clone(), id.to_owned());
    let found = blocking(move || served.quality.quality(&wanted, reader)).await?;
    found.map_err(|e| ApiError::internal(&e))
}
