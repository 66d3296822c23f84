//! An answer that says what went wrong.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A refusal: a status and a sentence for a person, sent as `{"error": "…"}`.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    /// 404.
    pub fn not_found(message: String) -> ApiError {
        ApiError { status: StatusCode::NOT_FOUND, message }
    }

    /// 502: the store that the recordings lie in does not give them.
    pub fn bad_gateway(message: String) -> ApiError {
        tracing::warn!("{message}");
        ApiError { status: StatusCode::BAD_GATEWAY, message }
    }

    /// 500: what happened inside goes to the log and not to the person.
    pub fn internal(error: &dyn std::error::Error) -> ApiError {
        tracing::error!("an answer failed: {error}");
        ApiError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: "the server could not answer; its own output says why".into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self.message }))).into_response()
    }
}
