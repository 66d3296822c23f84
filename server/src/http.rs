//! What the server answers: the page, the list of deployments, and ranges of their files.

mod data;
mod error;
mod guard;
mod preview;
#[cfg_attr(not(test), expect(dead_code, reason = "tiles are served once a catalogue mounts them"))]
pub mod pyramid;
mod tls;
mod web_app;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::routing::get;
use axum::{Json, Router};
use spyhop_api::{Deployment, DeploymentList};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError};
use error::ApiError;

pub use tls::{TlsFiles, from_files as tls_from_files, self_signed as tls_self_signed};
pub use web_app::warm_up;

/// What the answers are made from.
pub struct Served {
    /// The recordings.
    pub catalogue: Catalogue,
    previews: preview::Previews,
    pub guard: guard::Guard,
}

impl Served {
    /// A catalogue, nothing of it painted yet.
    pub fn new(catalogue: Catalogue) -> Served {
        Served {
            catalogue,
            previews: preview::Previews::default(),
            guard: guard::Guard::new(std::net::SocketAddr::from(([127, 0, 0, 1], 0)), vec![], None),
        }
    }
}

/// Everything that is served.
pub fn app(served: Arc<Served>) -> Router {
    let api = Router::new()
        .route("/deployments", get(deployments))
        .route("/deployments/{id}", get(deployment))
        .route("/deployments/{id}/preview.png", get(preview::png))
        .fallback(nothing_there)
        .layer(CompressionLayer::new());
    let data = Router::new().route("/{id}/{file}", get(data::file)).fallback(nothing_there);
    // A page on any host may read what is served here: a link made on a static host opens it.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([axum::http::Method::GET, axum::http::Method::HEAD])
        .allow_headers([header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ETAG,
        ]);
    Router::new()
        .nest("/api", api)
        .nest("/data", data)
        .layer(cors)
        .fallback(web_app::asset)
        .with_state(served)
}

/// What is asked of the list of deployments.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Search {
    /// Words that are all to stand in a deployment.
    search: String,
}

async fn deployments(
    State(served): State<Arc<Served>>,
    Query(Search { search }): Query<Search>,
) -> Result<Json<DeploymentList>, ApiError> {
    let deployments = asked(&served, move |c| c.list(Reader::Public, &search)).await?;
    Ok(Json(DeploymentList { deployments }))
}

async fn deployment(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
) -> Result<Json<Deployment>, ApiError> {
    let wanted = id.clone();
    let found = asked(&served, move |c| c.deployment(&wanted, Reader::Public)).await?;
    found.map(Json).ok_or_else(|| no_deployment(&id))
}

/// Asks the catalogue, away from the threads that answer.
async fn asked<T: Send + 'static>(
    served: &Arc<Served>,
    question: impl FnOnce(&Catalogue) -> Result<T, CatalogueError> + Send + 'static,
) -> Result<T, ApiError> {
    let served = served.clone();
    blocking(move || question(&served.catalogue)).await?.map_err(|e| ApiError::internal(&e))
}

fn no_deployment(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "there is no deployment '{id}' here: api/deployments lists what there is"
    ))
}

async fn nothing_there() -> ApiError {
    ApiError::not_found("there is nothing at this address")
}

/// Runs what waits for the disk away from the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ApiError::internal(&e))
}
