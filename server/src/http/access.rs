//! Who asks: whether what is not public may be shown to them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use spyhop_api::Access;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Caller, Served};
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
        reading_needs_token: served.closed.is_some(),
        public_url: served.address.public_url().unwrap_or_default().to_owned(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(access)).into_response()
}

/// Notes with each request who asks, from where, and which host.
pub async fn recognise(
    State(served): State<Arc<Served>>,
    mut request: Request,
    next: Next,
) -> Response {
    name_host(&mut request);
    let is_administrator = served.guard.is_administrator(request.headers());
    let reader = if is_administrator { Reader::Administrator } else { Reader::Public };
    request.extensions_mut().insert(reader);
    if let Some(caller) = Caller::of(&request, served.is_behind_proxy) {
        served.reach.note(caller.0);
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// HTTP/2 says in its address whom it asks, where HTTP/1 has a header: from here on there is the header.
fn name_host(request: &mut Request) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let host = request.uri().authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok());
    request.headers_mut().extend(host.map(|host| (header::HOST, host)));
}

/// Taken from each request by the routes that show something of a deployment.
impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Reader, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Reader::Public))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_request_of_http_2_has_the_host_that_it_names() {
        let host = |uri: &str, given: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(host) = given {
                request = request.header(header::HOST, host);
            }
            let mut request = request.body(Body::empty()).expect("a request");
            name_host(&mut request);
            let headers = request.headers().get_all(header::HOST).iter();
            headers.map(|host| host.to_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(host("https://127.0.0.1:8443/api", None), ["127.0.0.1:8443"]);
        assert_eq!(host("/api", Some("localhost:8080")), ["localhost:8080"]);
        assert_eq!(host("https://a.example/api", Some("b.example")), ["b.example"]);
        assert!(host("/api", None).is_empty());
    }
}
