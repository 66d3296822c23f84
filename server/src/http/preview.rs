//! `…/preview.png`: painted once for each version of a deployment.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use spyhop_api::{Deployment, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::data::names_tag;
use super::error::ApiError;
use super::{Served, asked, blocking, no_deployment};
use crate::catalogue::Recordings;
use crate::catalogue::access::Reader;
use crate::preview;

/// Pictures by the id of their deployment, each with its version.
#[derive(Default)]
pub struct Previews(Mutex<HashMap<String, (u64, Bytes)>>);

/// The route.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(png))
}

/// A deployment's best view as a picture
#[utoipa::path(get, path = "/deployments/{id}/preview.png", tag = "deployments",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, content_type = "image/png"), (status = 404, body = Problem)))]
async fn png(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = id.clone();
    let found = asked(&served, move |catalogue| {
        let deployment = catalogue.description(&wanted, reader)?;
        Ok(deployment.zip(catalogue.recordings(&wanted, reader)?))
    });
    let (deployment, recordings) = found.await?.ok_or_else(|| no_deployment(&id))?;
    let version = version(&deployment, &recordings);
    let tag = format!("\"{version:x}\"");
    let answer = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "no-cache".into()),
        (header::CONTENT_TYPE, "image/png".into()),
    ];
    if names_tag(&headers, header::IF_NONE_MATCH, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    let painting = move || served.previews.painted(&deployment, &recordings, version);
    match blocking(painting).await? {
        Ok(bytes) => Ok((answer, bytes).into_response()),
        Err(error) => Err(ApiError::not_found(error.to_string())),
    }
}

impl Previews {
    fn painted(
        &self,
        deployment: &Deployment,
        recordings: &Recordings,
        version: u64,
    ) -> Result<Bytes, preview::PreviewError> {
        // One at a time: three cards at once would take all the cores from the first one's.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bytes)) = kept.get(&deployment.id)
            && *known == version
        {
            return Ok(bytes.clone());
        }
        let bytes = Bytes::from(preview::paint(deployment, recordings)?);
        kept.insert(deployment.id.clone(), (version, bytes.clone()));
        Ok(bytes)
    }
}

/// Changes with what the picture shows.
fn version(deployment: &Deployment, recordings: &Recordings) -> u64 {
    let mut hasher = DefaultHasher::new();
    deployment.best_view.hash(&mut hasher);
    for recording in recordings.infos.iter() {
        recording.fingerprint.hash(&mut hasher);
    }
    hasher.finish()
}
