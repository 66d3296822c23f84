//! An answer that says what went wrong.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use spyhop_api::problem::{PROBLEM_TYPE, Problem};

/// A refusal: a status and a sentence for a person, sent as a problem document.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    /// A status of its own choice.
    pub fn new(status: StatusCode, message: impl Into<String>) -> ApiError {
        ApiError { status, message: message.into() }
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, message)
    }

    /// 400: the address or the body asks for what makes no sense.
    pub fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, message)
    }

    /// 429: what was done too often, as `codes were tried`, and how long to wait.
    pub fn too_many(what: &str, wait: Duration) -> ApiError {
        let seconds = wait.as_secs_f64().ceil();
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("too many {what} from there: try again in {seconds} s"),
        )
    }

    /// 502: the store that the recordings lie in does not give them.
    pub fn bad_gateway(message: String) -> ApiError {
        tracing::warn!("{message}");
        ApiError { status: StatusCode::BAD_GATEWAY, message }
    }

    /// 500: what happened inside goes to the log and not to the person.
    pub fn internal(error: &dyn std::error::Error) -> ApiError {
        tracing::error!("an answer failed: {error}");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server could not answer; its own output says why",
        )
    }

    /// The document that is sent.
    pub fn problem(&self) -> Problem {
        Problem {
            kind: "about:blank".into(),
            title: self.status.canonical_reason().unwrap_or_default().into(),
            status: self.status.as_u16(),
            detail: self.message.clone(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem()).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, PROBLEM_TYPE), (header::CACHE_CONTROL, "no-store")];
        (self.status, kind, body).into_response()
    }
}
