//! `…/annotations`: what people said of a deployment, shared by all who look at it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use spyhop_api::annotation::{AnnotationChange, AnnotationList, AnnotationStep, SharedAnnotation};
use spyhop_api::{Problem, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, blocking, check_deployment};
use crate::annotations::AnnotationError;
use crate::catalogue::access::Reader;

/// The routes of a deployment's annotations.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change, remove))
        .routes(routes!(history))
}

/// What of them is wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Span {
    /// Earliest time, ISO 8601
    from: Option<String>,
    /// Latest time, ISO 8601
    to: Option<String>,
}

/// The version that a change was made on.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Version {
    /// The version that the person looked at
    version: u32,
    /// Who asks
    #[serde(default)]
    author: String,
}

/// Annotations of a deployment, in the order of time
#[utoipa::path(get, path = "/deployments/{id}/annotations", tag = "annotations",
    params(("id" = String, Path, description = "The deployment"), Span),
    responses((status = 200, body = AnnotationList), (status = 404, body = Problem)))]
async fn list(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Query(span): Query<Span>,
) -> Result<Json<AnnotationList>, ApiError> {
    check_deployment(&served, &id, reader).await?;
    let bound = |text: Option<String>, open: i64| match text {
        Some(text) => Timestamp::from_iso(&text)
            .map(|t| t.0)
            .map_err(|e| ApiError::bad_request(e.to_string())),
        None => Ok(open),
    };
    let (from, to) = (bound(span.from, i64::MIN)?, bound(span.to, i64::MAX)?);
    let found = blocking(move || served.annotations.list(&id, from, to).map_err(refusal)).await??;
    Ok(Json(AnnotationList { annotations: found }))
}

/// Adds an annotation
#[utoipa::path(post, path = "/deployments/{id}/annotations", tag = "annotations",
    params(("id" = String, Path, description = "The deployment")),
    request_body = AnnotationChange,
    responses((status = 201, body = SharedAnnotation), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn create(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Json(asked): Json<AnnotationChange>,
) -> Result<(StatusCode, Json<SharedAnnotation>), ApiError> {
    check_deployment(&served, &id, reader).await?;
    let made =
        blocking(move || served.annotations.create(&id, &asked, now()).map_err(refusal)).await??;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Changes an annotation
///
/// Whoever changes it names the version that they looked at: a change of something that was changed
/// elsewhere in the meantime is refused.
#[utoipa::path(put, path = "/deployments/{id}/annotations/{number}", tag = "annotations",
    params(("id" = String, Path, description = "The deployment"),
        ("number" = u64, Path, description = "The annotation"), Version),
    request_body = AnnotationChange,
    responses((status = 200, body = SharedAnnotation), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It was changed elsewhere")))]
async fn change(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, u64)>,
    Query(at): Query<Version>,
    Json(asked): Json<AnnotationChange>,
) -> Result<Json<SharedAnnotation>, ApiError> {
    check_deployment(&served, &id, reader).await?;
    let changed = blocking(move || {
        let store = &served.annotations;
        let author = asked.author.clone();
        store.change(&id, number, at.version, Some(&asked), &author, now()).map_err(refusal)
    })
    .await??;
    changed.map(Json).ok_or_else(|| ApiError::not_found("it was removed"))
}

/// Removes an annotation; its history stays
#[utoipa::path(delete, path = "/deployments/{id}/annotations/{number}", tag = "annotations",
    params(("id" = String, Path, description = "The deployment"),
        ("number" = u64, Path, description = "The annotation"), Version),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It was changed elsewhere")))]
async fn remove(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, u64)>,
    Query(at): Query<Version>,
) -> Result<StatusCode, ApiError> {
    check_deployment(&served, &id, reader).await?;
    blocking(move || {
        let store = &served.annotations;
        store.change(&id, number, at.version, None, &at.author, now()).map_err(refusal)
    })
    .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that an annotation ever said, and who said it
#[utoipa::path(get, path = "/deployments/{id}/annotations/{number}/history", tag = "annotations",
    params(("id" = String, Path, description = "The deployment"),
        ("number" = u64, Path, description = "The annotation")),
    responses((status = 200, body = Vec<AnnotationStep>), (status = 404, body = Problem)))]
async fn history(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, number)): Path<(String, u64)>,
) -> Result<Json<Vec<AnnotationStep>>, ApiError> {
    check_deployment(&served, &id, reader).await?;
    let steps =
        blocking(move || served.annotations.history(&id, number).map_err(refusal)).await??;
    Ok(Json(steps))
}

fn now() -> Timestamp {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    Timestamp(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn refusal(error: AnnotationError) -> ApiError {
    let status = match &error {
        AnnotationError::Missing { .. } => StatusCode::NOT_FOUND,
        AnnotationError::ChangedElsewhere { .. } => StatusCode::CONFLICT,
        AnnotationError::Invalid(_) => StatusCode::BAD_REQUEST,
        AnnotationError::Database { .. } => return ApiError::internal(&error),
    };
    ApiError::new(status, error.to_string())
}
