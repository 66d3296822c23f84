//! `models`: what there is to detect with, and the files of networks for pages that detect by themselves.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use spyhop_api::{ModelList, Problem};
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::data::names_tag;
use super::error::ApiError;
use super::{Served, blocking};
use crate::models::FilePlace;

/// No file that is longer is given: a page could not hold it, and whoever wants it for a server copies the
/// folder.
const MOST_FILE_BYTES: u64 = 512 << 20;

/// The list.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The files.
pub fn file_routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(file))
}

/// Networks with their cards, adapters, and the detectors that need no training
///
/// Each network is loaded whole, once and when its files have changed: what is wrong with one that can't
/// be used stands in `problem`.
#[utoipa::path(get, path = "/models", tag = "detections",
    responses((status = 200, body = ModelList)))]
async fn list(State(served): State<Arc<Served>>) -> Result<Response, ApiError> {
    let list = blocking(move || served.models.list()).await?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(list)).into_response())
}

/// A file of a network's or an adapter's folder, one of those that the list names
#[utoipa::path(get, path = "/models/{model}/{file}", tag = "detections",
    params(("model" = String, Path, description = "The network, or the adapter"),
        ("file" = String, Path, description = "The file")),
    responses((status = 200, content_type = "application/octet-stream"),
        (status = 304, description = "It is what the header `if-none-match` names"),
        (status = 404, body = Problem),
        (status = 413, body = Problem, description = "It is too long to be given")))]
async fn file(
    State(served): State<Arc<Served>>,
    Path((model, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = (model.clone(), name.clone());
    let found = blocking(move || served.models.file(&wanted.0, &wanted.1)).await?;
    let (place, file) = found.ok_or_else(|| {
        let detail =
            format!("there is no file '{name}' of a model '{model}': api/v1/models lists them");
        ApiError::not_found(detail)
    })?;
    if file.bytes > MOST_FILE_BYTES {
        let detail = format!(
            "'{name}' of '{model}' has {:.0} MB, and files of up to {:.0} MB are given: let this server \
             detect, or copy the folder",
            file.bytes as f64 / 1e6,
            MOST_FILE_BYTES as f64 / 1e6
        );
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let tag = format!("\"{}\"", file.fingerprint);
    let mut answer = HeaderMap::new();
    let octets = HeaderValue::from_static("application/octet-stream");
    answer.insert(header::CONTENT_TYPE, octets);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    if names_tag(&headers, header::IF_NONE_MATCH, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes));
    let body = match place {
        FilePlace::Memory(bytes) => Body::from(bytes),
        FilePlace::Disk(path) => {
            let opened = tokio::fs::File::open(path).await;
            Body::from_stream(ReaderStream::new(opened.map_err(|e| ApiError::internal(&e))?))
        }
    };
    Ok((answer, body).into_response())
}
