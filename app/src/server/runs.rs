//! What was trained on the server's machine.

use spyhop_api::run::{RunDetail, RunList};

use super::{ServerError, encoded};

/// Where it is told of, relative to the page's base.
const RUNS: &str = "api/v1/runs";

/// All runs, the latest first.
///
/// # Errors
/// When the server does not show them, or does not answer.
pub async fn list() -> Result<RunList, ServerError> {
    super::fetched(RUNS).await
}

/// One run with its curves.
///
/// # Errors
/// As [`list`].
pub async fn detail(id: &str) -> Result<RunDetail, ServerError> {
    super::fetched(&format!("{RUNS}/{}", encoded(id))).await
}
