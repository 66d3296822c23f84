//! The arrays of a pyramid, in Zarr's words: the same for a unit's files and for a published store, so
//! that the one's files are the other's chunks.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use spyhop_api::ColumnSamples;
use spyhop_signal::pyramid::{BANDS, GAP, Grid, LevelColumns, STEP_DB, extend_steps};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::codec::api::ArrayToBytesCodecTraits;
use zarrs::array::{
    Array, ArrayBuilder, ArrayCreateError, ArrayError, ArraySubset, CodecOptions, FillValue,
    IntoArrayBytes, data_type,
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

/// A number that stands once in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Frames,
    Samples,
    WaveMin,
    WaveMax,
    MeanSquare,
}

impl Number {
    pub const ALL: [Number; 5] =
        [Number::Frames, Number::Samples, Number::WaveMin, Number::WaveMax, Number::MeanSquare];

    /// The array's name.
    pub fn name(self) -> &'static str {
        match self {
            Number::Frames => "frames",
            Number::Samples => "samples",
            Number::WaveMin => "wave_min",
            Number::WaveMax => "wave_max",
            Number::MeanSquare => "mean_square",
        }
    }

    /// Its array, `columns` long, in chunks of a unit.
    pub fn array(self, level: i32, columns: u64) -> ArrayBuilder {
        let (data_type, fill, long_name, units, cell_methods) = match self {
            Number::Frames => (
                data_type::uint32(),
                FillValue::from(0u32),
                "frames of the transform in the column; 0 is a gap, and the weight of a mean",
                "1",
                "time: sum",
            ),
            Number::Samples => (
                data_type::uint64(),
                FillValue::from(0u64),
                "samples that were taken in the column: the weight of mean_square",
                "1",
                "time: sum",
            ),
            Number::WaveMin => (
                data_type::float32(),
                FillValue::from(f32::NAN),
                "smallest sample, full scale being -1 to 1",
                "FS",
                "time: minimum",
            ),
            Number::WaveMax => (
                data_type::float32(),
                FillValue::from(f32::NAN),
                "largest sample, full scale being -1 to 1",
                "FS",
                "time: maximum",
            ),
            Number::MeanSquare => (
                data_type::float32(),
                FillValue::from(f32::NAN),
                "mean of the squared samples",
                "FS^2",
                "time: mean",
            ),
        };
        let chunk = [unit_columns(level) as u64];
        let mut builder = ArrayBuilder::new(vec![columns], chunk, data_type, fill);
        builder
            .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(ZSTD_LEVEL, true))])
            .dimension_names(Some(["time"]))
            .attributes(object(json!({
                "long_name": long_name,
                "units": units,
                "cell_methods": cell_methods,
            })));
        builder
    }

    /// The bytes of the only chunk that a unit has of it.
    ///
    /// # Errors
    /// When there are not as many columns as a unit has at this level.
    pub fn encode(self, level: i32, columns: &LevelColumns) -> Result<Vec<u8>, ArrayError> {
        let array = self.array(level, unit_columns(level) as u64);
        let wave = |of: fn(&ColumnSamples) -> f32| -> Vec<f32> {
            let value = |s: &ColumnSamples| if s.count > 0 { of(s) } else { f32::NAN };
            columns.samples.iter().map(value).collect()
        };
        match self {
            Number::Frames => encode(&array, &[0], &columns.frames),
            Number::Samples => {
                let counts: Vec<u64> = columns.samples.iter().map(|s| s.count).collect();
                encode(&array, &[0], counts)
            }
            Number::WaveMin => encode(&array, &[0], wave(|s| s.min)),
            Number::WaveMax => encode(&array, &[0], wave(|s| s.max)),
            Number::MeanSquare => encode(&array, &[0], wave(|s| s.mean_square)),
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

/// Reads some of one unit's columns: levels, or (for an array of one dimension) a number of each.
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
