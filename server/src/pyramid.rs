//! The pyramid of a deployment: planned as units, built, published as Zarr, handed out as tiles.
//!
//! A [`Plan`] says which units there are and what each is made from; a unit's key is a hash of that, and
//! its files lie in a folder of that name. So a unit has one result whoever makes it and whenever, running
//! it twice changes nothing, and a file that is added, changed or removed makes new keys for what it
//! touches and for nothing else. A tile is read from the units of a plan, or computed from samples where
//! these are not built yet: both give the same numbers, so that a tile's address (which carries the plan's
//! version) never means two things.
//!
//! ```text
//! <state>/pyramids/<deployment>/spectrum/      one product: one channel (spectrum.ch1 is the second)
//!     units/<key>/                             levels of one stretch of the clock, as Zarr shards
//!     stores/<version>.zarr                    all of it for other programs: hard links to the units' files
//! ```
//!
//! Tier 1 makes levels 0 to 6 of 8192 columns of the clock grid from samples, and keeps level 7 unrounded
//! in a file for tier 2, which makes levels 7 to 13 of 128 such units; tier 3 makes levels 14 to 20.

pub mod arrays;
pub mod folder;
mod keeper;
mod on_demand;
pub mod plan;
pub mod publish;
pub mod recordings;
mod run;
#[cfg(test)]
pub(crate) mod tests;
pub mod tiles;
mod top;
pub mod unit;
mod units;

pub use folder::folder_name;
pub use keeper::Keeper;
pub use publish::{Nodes, Writer};
pub use run::{Built, run};
pub use tiles::{EncodedTile, TileCache, TileFailure, Tiles};

/// The name of a channel's product: `spectrum`, `spectrum.ch1`, …
pub fn product_name(channel: u32) -> String {
    match channel {
        0 => "spectrum".to_owned(),
        other => format!("spectrum.ch{other}"),
    }
}
