//! Who asks: whether what is not public may be shown to them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Served;
use crate::catalogue::access::Reader;

impl FromRequestParts<Arc<Served>> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        served: &Arc<Served>,
    ) -> Result<Reader, Infallible> {
        let is_administrator = served.guard.is_administrator(&parts.headers);
        Ok(if is_administrator { Reader::Administrator } else { Reader::Public })
    }
}
