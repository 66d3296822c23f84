//! An answer that says what went wrong.

use serde::{Deserialize, Serialize};

/// Media type of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// A problem document (RFC 9457): what every route under `/api/v1` answers instead of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What kind of problem it is; `about:blank`, because the status says all of that.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The status in words.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What happened, to what, and what to do, for a person.
    #[serde(default)]
    pub detail: String,
}
