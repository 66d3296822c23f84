//! `quality`: how well a deployment was recorded.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use spyhop_api::{DeploymentQuality, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, blocking, no_deployment};
use crate::catalogue::access::Reader;

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(quality))
}

/// The quality of a deployment's recordings, by recording and by hour
///
/// Clipping, DC, dropouts, stuck values, mains lines, an empty upper band and unused bits, of the first
/// channel; and what the files tell together. Recordings are measured in the background: `measured` says
/// how many are.
#[utoipa::path(get, path = "/deployments/{id}/quality", tag = "deployments",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, body = DeploymentQuality), (status = 404, body = Problem)))]
async fn quality(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let wanted = id.clone();
    let found = blocking(move || served.quality.quality(&wanted, reader)).await?;
    let found = found.map_err(|e| ApiError::internal(&e))?.ok_or_else(|| no_deployment(&id))?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(&*found)).into_response())
}
