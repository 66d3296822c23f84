//! Long-term products: levels over months as tables that other programs read.
//!
//! A [`Product`] says which numbers; a [`Plan`] says which units of work they are made of, one for each
//! day or fixed span of the clock. A unit is a pure function of its recordings, the product and the
//! calibration; its rows lie in a file named by the hash of these, so that what is done is not done again
//! for another day, another format, or percentiles of the same spectra.
//!
//! ```text
//! <state>/products/<deployment>/<key>.rows     rows of one unit
//! ```
//!
//! Rows that nobody has used for 90 days are removed, and those used longest ago where all together take
//! more than 32 GB ([`sweep`]).
//!
//! What was not recorded is never a number: it has no row in Parquet and CSV, and is NaN in Zarr.

mod csv;
mod distribution;
mod export;
mod heading;
mod measure;
mod parquet;
mod plan;
mod product;
mod rows;
mod run;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod zarr;
mod zarr_arrays;

pub use export::{Format, export};
pub use heading::Heading;
pub use product::Product;
pub use run::{Made, run};
