//! A share: a view that the server keeps under a short link, with its words and its picture.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::time::Timestamp;

/// The most bytes of samples that are sent with a share, packed or not: about half an hour at 16 kHz.
pub const MOST_SENT_BYTES: u64 = 64 << 20;
/// The most samples of one share, in all channels: whoever packs them as FLAC keeps all in memory.
pub const MOST_EXCERPT_SAMPLES: u64 = 1 << 24;
/// The most bytes of a share's samples once they are packed.
pub const MOST_EXCERPT_BYTES: u64 = 20_000_000;

/// What `POST api/v1/shares` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ShareRequest {
    /// The query of a link, as [`crate::View::to_query`] writes it.
    pub view: String,
    /// A line that names it; one is made of what is shown where this is empty.
    pub title: String,
    /// A few sentences.
    pub note: String,
    /// Who shares it, if they want to say so.
    pub author: String,
    /// Days until it goes; left out, it stays (a year where who asks is not the administrator).
    pub expires_days: Option<u32>,
    /// The person's own samples follow: the view is to be of these. Its times count from the first of
    /// them where they are not of the clock.
    pub with_excerpt: bool,
}

/// What `PATCH api/v1/shares/{id}` takes: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ShareChange {
    /// As in [`ShareRequest`].
    pub title: Option<String>,
    /// As in [`ShareRequest`].
    pub note: Option<String>,
    /// As in [`ShareRequest`].
    pub author: Option<String>,
    /// Days from now until it goes.
    pub expires_days: Option<u32>,
}

/// What became of the recordings under a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SharedData {
    /// They are what they were.
    Same,
    /// Other recordings lie under the view now.
    Changed,
    /// The server has none of them any more.
    Gone,
    /// They never lay on this server: at an address, or on somebody's disk.
    #[default]
    Elsewhere,
}

/// The samples that a person published with a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SharedExcerpt {
    /// Its file below the share's own address; the server says it.
    pub file: String,
    /// The file that it was cut from; of several the first, and how many more.
    pub source_name: String,
    /// That file's fingerprint; of several all, with blanks between.
    pub source_fingerprint: String,
    /// Clock time of the first sample, where it is known.
    pub start: Option<Timestamp>,
    /// Turns full scale into pressure.
    pub calibration: Option<Calibration>,
    /// Length of the file; the server says it.
    pub bytes: u64,
}

/// A share, as whoever has its link gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Share {
    /// Letters and digits that nobody guesses.
    pub id: String,
    /// Counts changes of its words; the entity tag is `"v<version>"`.
    pub version: u32,
    /// As in [`ShareRequest`]; never empty.
    pub title: String,
    /// As in [`ShareRequest`].
    pub note: String,
    /// As in [`ShareRequest`].
    pub author: String,
    /// The query that opens it.
    pub view: String,
    /// What the recordings under it were when it was made.
    pub fingerprint: String,
    /// What became of them.
    pub data: SharedData,
    /// When it was made.
    pub created: Timestamp,
    /// When it goes, if it does.
    pub expires: Option<Timestamp>,
    /// The samples that came with it.
    pub excerpt: Option<SharedExcerpt>,
    /// Its page, relative to the server: `s/<id>`.
    pub path: String,
}

/// What making a share gives, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MadeShare {
    /// The share.
    pub share: Share,
    /// Lets whoever has it change or remove the share; the server keeps no more than its hash.
    pub edit_key: String,
}

/// The header that carries an edit key.
pub const EDIT_KEY_HEADER: &str = "spyhop-edit-key";
