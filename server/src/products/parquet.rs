//! Tables as Parquet.

use std::fs::File;
use std::io::BufWriter;

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::table::{Take, schema};
use super::{Heading, Product};

/// Levels of a row group: what is in memory while one is written.
const GROUP_LEVELS: usize = 8 << 20;

/// Writes the batches that `give` gives.
///
/// # Errors
/// When the disk says no, or `give` fails.
pub fn write(
    file: BufWriter<File>,
    product: &Product,
    heading: &Heading,
    give: impl FnOnce(&mut Take<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let schema = schema(product, heading);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_size((GROUP_LEVELS / schema.fields().len().max(1)).max(1))
        // Levels hardly repeat: a dictionary only costs.
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties))?;
    give(&mut |batch| Ok(writer.write(&batch)?))?;
    writer.close()?;
    Ok(())
}
