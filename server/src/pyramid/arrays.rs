//! The arrays of a pyramid, in Zarr's words: the same for a unit's files and for a published store, so
//! that the one's files are the other's chunks.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use spyhop_signal::pyramid::{BANDS, GAP, Grid, LevelColumns, STEP_DB, extend_steps};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::codec::api::ArrayToBytesCodecTraits;
use zarrs::array::{
    Array, ArrayBuilder, ArrayCreateError, ArrayError, ArraySubset, CodecOptions, IntoArrayBytes,
    data_type,
};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::store::MemoryStore;

use super::plan::unit_columns;

/// Columns of an inner chunk: those of a tile.
pub const CHUNK_COLUMNS: i64 = spyhop_api::tile::TILE_COLUMNS as i64;
/// zstd's own middle: the next levels take twice as long for a hundredth.
const ZSTD_LEVEL: i32 = 3;
/// Columns of one chunk of the time coordinate: it is written anew for each store, in few files.
pub const TIME_CHUNK_COLUMNS: u64 = 1 << 17;

/// Which power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    Mean,
    Max,
}

impl Quantity {
    pub const BOTH: [Quantity; 2] = [Quantity::Mean, Quantity::Max];

    /// The array's name.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Mean => "mean",
            Quantity::Max => "max",
        }
    }

    /// Its numbers.
    pub fn of(self, columns: &LevelColumns) -> &[f32] {
        match self {
            Quantity::Mean => &columns.mean,
            Quantity::Max => &columns.max,
        }
    }
}

/// The group of a level.
pub fn level_name(level: i32) -> String {
    format!("level_{level:02}")
}

/// An array of levels, `columns` long, in chunks of a unit.
pub fn power_array(level: i32, quantity: Quantity, columns: u64) -> ArrayBuilder {
    let shard = unit_columns(level) as u64;
    let mut builder = ArrayBuilder::new(
        vec![columns, BANDS as u64],
        [shard, BANDS as u64],
        data_type::int16(),
        GAP,
    );
    let (long_name, cell_methods) = match quantity {
        Quantity::Mean => ("mean power spectral density level", "time: mean (of power)"),
        Quantity::Max => ("greatest power spectral density level of any frame", "time: maximum"),
    };
    builder
        .subchunk_shape(vec![shard.min(CHUNK_COLUMNS as u64), BANDS as u64])
        .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(ZSTD_LEVEL, true))])
        .dimension_names(Some(["time", "frequency"]))
        .attributes(object(json!({
            "long_name": long_name,
            "units": "dB re FS^2/Hz",
            "scale_factor": STEP_DB,
            "add_offset": 0.0,
            "_FillValue": GAP,
            "cell_methods": cell_methods,
        })));
    builder
}

/// How many frames of the transform a column holds.
pub fn frames_array(level: i32, columns: u64) -> ArrayBuilder {
    let chunk = [unit_columns(level) as u64];
    let mut builder = ArrayBuilder::new(vec![columns], chunk, data_type::uint32(), 0u32);
    builder
        .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(ZSTD_LEVEL, true))])
        .dimension_names(Some(["time"]))
        .attributes(object(json!({
            "long_name": "frames of the transform in the column; 0 is a gap, and the weight of a mean",
            "units": "1",
        })));
    builder
}

/// When the columns begin.
pub fn time_array(grid: &Grid, level: i32, columns: u64, dated: bool) -> ArrayBuilder {
    let mut builder = ArrayBuilder::new(
        vec![columns],
        [columns.clamp(1, TIME_CHUNK_COLUMNS)],
        data_type::int64(),
        i64::MIN,
    );
    let mut attributes = json!({
        "long_name": "beginning of the column",
        "column_ns": grid.column_ns(level),
    });
    if dated {
        attributes["standard_name"] = "time".into();
        attributes["units"] = "nanoseconds since 1970-01-01".into();
        attributes["calendar"] = "proleptic_gregorian".into();
    } else {
        attributes["long_name"] = "from the first sample to the beginning of the column".into();
        attributes["units"] = "nanoseconds".into();
        // What xarray writes for differences of time, and reads them by.
        attributes["dtype"] = "timedelta64[ns]".into();
    }
    builder
        .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(1, true))])
        .dimension_names(Some(["time"]))
        .attributes(object(attributes));
    builder
}

/// A number for each band.
pub fn band_array(attributes: Value) -> ArrayBuilder {
    let mut builder =
        ArrayBuilder::new(vec![BANDS as u64], [BANDS as u64], data_type::float64(), f64::NAN);
    builder.dimension_names(Some(["frequency"])).attributes(object(attributes));
    builder
}

/// Levels of power as they are stored.
pub fn steps(columns: &LevelColumns, quantity: Quantity) -> Vec<i16> {
    let mut steps = Vec::with_capacity(columns.frames.len() * columns.bands);
    let rows = quantity.of(columns).chunks_exact(columns.bands.max(1));
    for (row, frames) in rows.zip(&columns.frames) {
        match frames {
            0 => steps.resize(steps.len() + row.len(), GAP),
            _ => extend_steps(&mut steps, row),
        }
    }
    steps
}

/// The bytes of an array's chunk, as they stand in its file.
///
/// # Errors
/// When `values` are not as many as the chunk's.
pub fn encode<'a>(
    builder: &ArrayBuilder,
    chunk: &[u64],
    values: impl IntoArrayBytes<'a>,
) -> Result<Vec<u8>, ArrayError> {
    let other = |error: ArrayCreateError| ArrayError::Other(error.to_string());
    let array = builder.build(Arc::new(MemoryStore::new()), "/").map_err(other)?;
    let bytes = values.into_array_bytes(array.data_type())?;
    let shape = array.chunk_shape(chunk)?;
    // Units are made side by side already.
    let options = CodecOptions::default().with_concurrent_target(1);
    let encoded =
        array.codecs().encode(bytes, &shape, array.data_type(), array.fill_value(), &options)?;
    Ok(encoded.into_owned())
}

/// Reads some of one unit's columns: levels, or (for an array of one dimension) counts.
///
/// # Errors
/// When the file is damaged, or not there.
pub fn read<T: zarrs::array::ElementOwned>(
    builder: &ArrayBuilder,
    unit: &std::path::Path,
    path: &str,
    columns: std::ops::Range<u64>,
) -> Result<Vec<T>, ArrayError> {
    let other = |error: String| ArrayError::Other(error);
    let store = FilesystemStore::new(unit).map_err(|e| other(e.to_string()))?;
    let array: Array<FilesystemStore> =
        builder.build(Arc::new(store), path).map_err(|e| other(e.to_string()))?;
    let mut ranges = vec![columns];
    ranges.extend(array.shape().iter().skip(1).map(|bands| 0..*bands));
    let options = CodecOptions::default().with_concurrent_target(1);
    array.retrieve_array_subset_opt(&ArraySubset::new_with_ranges(&ranges), &options)
}

/// The members of a JSON object.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
