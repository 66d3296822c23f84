//! A product written for other programs.

use std::path::Path;

use anyhow::bail;

use super::run::Made;
use super::{Heading, csv, parquet, table, zarr};
use crate::whole_file;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A Zarr v3 store, a folder.
    Zarr,
    /// Apache Parquet.
    Parquet,
    /// Text.
    Csv,
}

impl Format {
    /// By the ending of a name; `None` where it is none of these.
    pub fn of(out: &Path) -> Option<Format> {
        match out.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "zarr" => Some(Format::Zarr),
            "parquet" => Some(Format::Parquet),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    /// Makes sure, before work begins, that something of this format can be written there.
    ///
    /// # Errors
    /// Says what stands in the way.
    pub fn check(self, out: &Path) -> anyhow::Result<()> {
        let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            bail!("can't write {}: there is no such folder", out.display());
        }
        match self {
            Format::Zarr if out.is_file() => {
                bail!("can't write {}: it is a file; a Zarr store is a folder", out.display())
            }
            Format::Zarr if out.is_dir() && !out.join("zarr.json").is_file() => bail!(
                "{} is a folder that holds something else than a Zarr store: give --out another name",
                out.display()
            ),
            Format::Parquet | Format::Csv if out.is_dir() => {
                bail!("can't write {}: it is a folder; add a file's name", out.display())
            }
            _ => Ok(()),
        }
    }
}

/// A product is made of many recordings: none of them has this name.
const NO_RECORDING: &str = "";

/// Writes a product: under another name until it is whole.
///
/// # Errors
/// When the disk says no, or rows are gone; what was there stays.
pub fn export(made: &Made, heading: &Heading, format: Format, out: &Path) -> anyhow::Result<()> {
    let product = &made.plan.product;
    let schema = table::schema(product, heading);
    let give =
        |take: &mut table::Take<'_>| table::batches(product, heading, &schema, &made.files, take);
    match format {
        Format::Zarr => zarr::write(out, made, heading),
        Format::Parquet => whole_file::write(out, NO_RECORDING.as_ref(), |file| {
            parquet::write(file, product, heading, give)
        }),
        Format::Csv => whole_file::write(out, NO_RECORDING.as_ref(), |file| {
            csv::write(file, product, heading, give)
        }),
    }
}
