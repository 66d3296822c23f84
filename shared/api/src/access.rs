//! Who asks, as the server sees it.

use serde::{Deserialize, Serialize};

/// What `GET api/v1/access` answers: what whoever asks may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Access {
    /// The request came with the administrator's token: what is not public is shown.
    pub administrator: bool,
    /// Whatever changes something needs that token, because other machines reach the server.
    pub changes_need_token: bool,
    /// Reading needs a token, too, which no link carries.
    pub reading_needs_token: bool,
    /// The address that reaches this server from everywhere, without a slash at its end; empty where none
    /// was given, so that a link works on this network alone.
    pub public_url: String,
}
