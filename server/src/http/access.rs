//! Who asks: whether what is not public may be shown to them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::Served;
use crate::catalogue::access::Reader;

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
