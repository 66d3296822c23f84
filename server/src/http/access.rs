//! Who asks: whether what is not public may be shown to them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Served;

/// Taken from each request by the routes that show something of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// It comes from the administrator.
    pub by_administrator: bool,
}

impl FromRequestParts<Arc<Served>> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        served: &Arc<Served>,
    ) -> Result<Seen, Infallible> {
        Ok(Seen { by_administrator: served.guard.is_administrator(&parts.headers) })
    }
}
