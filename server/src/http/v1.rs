//! `/api/v1`: every route that programs use, with the document that describes them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::columns::{self, Computed};
use super::error::ApiError;
use super::pyramid::{self, Pyramids};
use super::{
    Served, TILE_BYTES, access, annotations, data, deployments, detections, guard, jobs, models,
    preview, quality, rooms, runs, samples, shares, stories, viewing,
};

/// Where the document stands.
const DOCUMENT: &str = "/api/v1/openapi.json";
/// Where it can be read and tried out.
const TRY_IT: &str = "/api/v1/docs";

#[derive(OpenApi)]
#[openapi(info(
    title = "Spyhop",
    description = "Recordings of whales and dolphins: deployments, their samples, spectra and \
                   annotations. What went wrong is told by a problem document (RFC 9457). Reading is \
                   open, and anybody may share a view or tell a story within limits; whatever else changes something comes from this machine, or with the \
                   administrator's token as 'Authorization: Bearer TOKEN'."
))]
struct Document;

/// The routes, and the page that shows them.
pub fn routes(served: &Arc<Served>) -> Router<Arc<Served>> {
    let described = OpenApiRouter::new()
        .merge(access::routes())
        .merge(deployments::routes())
        .merge(preview::routes())
        .merge(quality::routes())
        .merge(annotations::routes())
        .merge(detections::routes())
        .merge(models::routes())
        .merge(runs::routes())
        .merge(jobs::routes().with_state(served.engine.clone()))
        .layer(CompressionLayer::new())
        // Tiles are compressed already; sound hardly is, and a part of a file must stay what it is.
        .merge(pyramid::routes().with_state(Pyramids::new(served.clone(), TILE_BYTES)))
        .merge(columns::routes().with_state(Computed::new(served.clone())))
        .merge(data::routes())
        .merge(models::file_routes())
        .merge(samples::routes());
    // Anybody may make a share or a story, a room has its own keys: these routes ask by themselves what
    // they need.
    let open = OpenApiRouter::new()
        .merge(viewing::routes())
        .merge(shares::routes())
        .merge(stories::routes())
        .merge(rooms::routes())
        .layer(CompressionLayer::new())
        .merge(viewing::sound_routes())
        .merge(rooms::channel_routes());
    let described = described.layer(from_fn_with_state(served.clone(), guard::changes)).merge(open);
    let all = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", described);
    let (routes, document) = all.split_for_parts();
    routes
        .merge(SwaggerUi::new(TRY_IT).url(DOCUMENT, document))
        .route("/api/{*rest}", axum::routing::any(nothing_there))
}

async fn nothing_there() -> ApiError {
    ApiError::not_found("there is nothing at this address: /api/v1/docs shows what there is")
}
