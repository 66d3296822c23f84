//! Who asks, as the server sees it.

use serde::{Deserialize, Serialize};

/// What `GET api/v1/access` answers: what whoever asks may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Access {
    /// The request came with the administrator's token: what is not public is shown.
    pub administrator: bool,
    /// Whatever changes something needs that token, because other machines reach the server.
    pub changes_need_token: bool,
}
