//! Detection: what detectors and networks find in deployments, and what people say of it.
//!
//! A [`Source`] is a detector or a network with its settings; over one channel of a deployment it is a run,
//! which a [`Plan`] cuts into units of work. A unit is a span of the clock: it hears what was recorded there
//! and, before and after, as much as decides about a call, and keeps the candidates that begin in its
//! span. So a call is found once, wherever files and units meet, and a unit is a pure function of its
//! recordings and the settings.
//!
//! ```text
//! <state>/detections/<deployment>/<key>.calls.parquet     candidates of one unit, with where they come from
//! <state>/detections/<deployment>/<key>.scores.parquet    scores over time, for a curve
//! <state>/detections.sqlite                               runs, candidates and reviews, by index
//! ```

mod curves;
mod draw;
mod export;
mod fitting;
mod keeper;
mod known_recall;
mod moment;
mod network;
mod plan;
mod run;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod truth;
mod unit;
mod unit_files;

pub use export::{Format, Row, Table};
pub use fitting::fitting_networks;
pub use keeper::{DetectionKeeper, StartError};
pub use network::Network;
pub use run::{Detected, run};
pub use source::{Source, SourceError, Wanted};
pub use store::{Asked, DetectionStore, Paging, ReviewedCall, StoreError, StoredRun, reviewed};
pub use truth::{Truths, is_class, table_of};
#[cfg(test)]
pub use {moment::Moments, store::StoredUnit};

/// The program, as every row says it.
pub const SOFTWARE: &str = concat!("spyhop ", env!("CARGO_PKG_VERSION"));
