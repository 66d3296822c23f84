//! Who asks: whether what is not public may be shown to them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use spyhop_api::Access;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Served;
use crate::catalogue::access::Reader;

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(access))
}

/// Who asks, as the server sees it: whether a token is the administrator's, and what needs one
#[utoipa::path(get, path = "/access", tag = "access", responses((status = 200, body = Access)))]
async fn access(State(served): State<Arc<Served>>, reader: Reader) -> Response {
    let access = Access {
        administrator: reader == Reader::Administrator,
        changes_need_token: served.guard.asks_for_token(),
        public_url: served.address.public_url().unwrap_or_default().to_owned(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(access)).into_response()
}

/// Notes with each request who asks.
pub async fn recognise(
    State(served): State<Arc<Served>>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_administrator = served.guard.is_administrator(request.headers());
    let reader = if is_administrator { Reader::Administrator } else { Reader::Public };
    request.extensions_mut().insert(reader);
    next.run(request).await
}

/// Taken from each request by the routes that show something of a deployment.
impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Reader, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Reader::Public))
    }
}
