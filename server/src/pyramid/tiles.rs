//! Tiles: 256 columns of a level, read from the units or made when they are asked for.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use spyhop_api::ColumnSamples;
use spyhop_api::pyramid::PyramidInfo;
use spyhop_api::tile::{TILE_COLUMNS, Tile};
use spyhop_api::view::SpectrumSettings;
use spyhop_signal::pyramid::{BANDS, FINEST_LEVEL, GAP, STEP_DB};
use spyhop_signal::spectrum::peak_threshold_db;
use zarrs::array::ArrayError;

use super::arrays::{self, Number, Quantity, level_name};
use super::folder::Folder;
use super::plan::{Plan, Unit, unit_columns};
use super::product_name;
use super::recordings::Unreadable;
use crate::catalogue::Recordings;

/// Of gzip's nine: the next ones take three times as long for a fiftieth.
const GZIP_LEVEL: u32 = 4;

/// The tiles of one plan.
pub struct Tiles {
    pub(super) plan: Arc<Plan>,
    pub(super) folder: Folder,
    pub(super) recordings: Recordings,
    /// Whether all units were there when one last looked: then they stay.
    built: AtomicBool,
}

/// A tile as it is kept and sent.
#[derive(Debug)]
pub struct EncodedTile {
    /// [`Tile::encode`], compressed by gzip.
    pub gzip: Bytes,
    /// Length before compression.
    pub plain_bytes: usize,
    /// Hash of the content: 16 hexadecimal digits.
    pub hash: String,
    /// Whether it will change, because some of it is still to be built.
    pub unfinished: bool,
}

/// Why there is no tile.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TileFailure {
    /// The pyramid has no such level.
    #[error("there is no level {level}: this pyramid has levels {FINEST_LEVEL} to {coarsest}")]
    NoLevel {
        /// What was asked for.
        level: i32,
        /// The coarsest there is.
        coarsest: i32,
    },
    /// Beyond any clock.
    #[error("tile {0} lies beyond the years 1677 to 2262")]
    NoTile(i64),
    /// Samples could not be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Compression failed.
    #[error("the tile can't be compressed: {0}")]
    Compress(String),
}

impl Tiles {
    /// The tiles of a plan whose units are, or will be, in `folder`; `recordings` are those that it was
    /// made for.
    pub fn new(plan: Arc<Plan>, folder: Folder, recordings: Recordings) -> Tiles {
        Tiles { plan, folder, recordings, built: AtomicBool::new(false) }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Samples a second of what it is made of.
    pub fn rate_hz(&self) -> f64 {
        self.plan.grid.sample_rate_hz()
    }

    /// What a page has to know to ask for tiles.
    pub fn info(&self) -> PyramidInfo {
        let spectrum = self.plan.grid.spectrum();
        PyramidInfo {
            product: product_name(self.plan.channel),
            channel: self.plan.channel,
            version: self.plan.version.clone(),
            spectrum: SpectrumSettings {
                fft_size: spectrum.fft_size as u32,
                window_samples: spectrum.window_samples as u32,
                hop_samples: spectrum.hop_samples as u32,
                window: spectrum.window,
                scaling: spectrum.scaling,
            },
            sample_rate_hz: self.plan.grid.sample_rate_hz(),
            column_ns: self.plan.grid.column_ns(0),
            finest_level: FINEST_LEVEL,
            coarsest_level: self.plan.coarsest_level(),
            dated: self.plan.recorded.dated,
            built: self.built(),
        }
    }

    /// Keys of the units that a tile is read from.
    pub fn units_of(&self, level: i32, tile: i64) -> Vec<String> {
        let Some(columns) = tile_columns(tile).filter(|_| level >= 0) else { return Vec::new() };
        let size = unit_columns(level);
        let indices = columns.start.div_euclid(size)..=(columns.end - 1).div_euclid(size);
        let units = indices.filter_map(|index| self.plan.unit_at(level, index * size));
        units.map(|unit| unit.key.clone()).collect()
    }

    /// How much of it is built, 0 to 1.
    fn built(&self) -> f64 {
        if self.built.load(Ordering::Relaxed) {
            return 1.0;
        }
        let all = self.plan.units.len();
        let there = self.plan.units.iter().filter(|unit| self.folder.has_unit(&unit.key)).count();
        self.built.store(there == all, Ordering::Relaxed);
        there as f64 / all.max(1) as f64
    }

    /// A tile.
    ///
    /// # Errors
    /// When there is no such level, or samples could not be read.
    pub fn tile(&self, level: i32, tile: i64) -> Result<Tile, TileFailure> {
        let coarsest = self.plan.coarsest_level();
        if !(FINEST_LEVEL..=coarsest).contains(&level) {
            return Err(TileFailure::NoLevel { level, coarsest });
        }
        let columns = tile_columns(tile).ok_or(TileFailure::NoTile(tile))?;
        let column_ns = self.plan.grid.column_ns(level);
        if columns.start.checked_mul(column_ns).and(columns.end.checked_mul(column_ns)).is_none() {
            return Err(TileFailure::NoTile(tile));
        }
        let bin_hz = self.plan.grid.spectrum().bin_hz();
        let mut out = Tile::gap(level, tile, BANDS, column_ns, bin_hz);
        // No further than a unit at a time; finer levels than the stored are no unit's.
        let step = if level < 0 { TILE_COLUMNS as i64 } else { unit_columns(level) };
        let mut from = columns.start;
        while from < columns.end {
            let to = columns.end.min((from.div_euclid(step) + 1) * step);
            self.fill(&mut out, level, from..to, columns.start)?;
            from = to;
        }
        Ok(out)
    }

    fn fill(
        &self,
        tile: &mut Tile,
        level: i32,
        columns: Range<i64>,
        first: i64,
    ) -> Result<(), TileFailure> {
        let at = (columns.start - first) as usize;
        if level >= 0 {
            let Some(unit) = self.plan.unit_at(level, columns.start) else { return Ok(()) };
            if self.folder.has_unit(&unit.key) {
                match self.read(unit, level, &columns) {
                    Ok(stored) => {
                        put(tile, at, &stored);
                        return Ok(());
                    }
                    Err(error) => {
                        let unit = self.folder.unit(&unit.key);
                        tracing::warn!(
                            "a unit of a pyramid is damaged ({error}): {}",
                            unit.display()
                        );
                    }
                }
            }
        }
        let (made, finished) = self.on_demand(level, columns)?;
        let [mean, max] = Quantity::BOTH.map(|quantity| arrays::steps(&made, quantity));
        put(tile, at, &Stored { frames: made.frames, mean, max, samples: made.samples });
        tile.unfinished |= !finished;
        Ok(())
    }

    /// A unit's columns.
    fn read(&self, unit: &Unit, level: i32, columns: &Range<i64>) -> Result<Stored, ArrayError> {
        let first = unit.columns(level).start;
        let range = (columns.start - first) as u64..(columns.end - first) as u64;
        let (path, length) = (self.folder.unit(&unit.key), unit_columns(level) as u64);
        let group = level_name(level);
        let power = |quantity: Quantity| {
            let array = arrays::power_array(level, quantity, length);
            let name = format!("/{group}/{}", quantity.name());
            arrays::read::<i16>(&array, &path, &name, range.clone())
        };
        let of_number =
            |number: Number| (number.array(level, length), format!("/{group}/{}", number.name()));
        let wave = |number: Number| {
            let (array, name) = of_number(number);
            arrays::read::<f32>(&array, &path, &name, range.clone())
        };
        let (array, name) = of_number(Number::Frames);
        let frames = arrays::read(&array, &path, &name, range.clone())?;
        let (array, name) = of_number(Number::Samples);
        let counts: Vec<u64> = arrays::read(&array, &path, &name, range.clone())?;
        let wave = wave(Number::WaveMin)?
            .into_iter()
            .zip(wave(Number::WaveMax)?)
            .zip(wave(Number::MeanSquare)?);
        let samples = counts
            .into_iter()
            .zip(wave)
            .map(|(count, ((min, max), mean_square))| match count {
                0 => ColumnSamples::default(),
                _ => ColumnSamples { count, min, max, mean_square },
            })
            .collect();
        let (mean, max) = (power(Quantity::Mean)?, power(Quantity::Max)?);
        Ok(Stored { frames, mean, max, samples })
    }
}

/// The columns of a tile.
fn tile_columns(tile: i64) -> Option<Range<i64>> {
    let first = tile.checked_mul(TILE_COLUMNS as i64)?;
    Some(first..first.checked_add(TILE_COLUMNS as i64)?)
}

/// Some columns as they are stored.
struct Stored {
    frames: Vec<u32>,
    mean: Vec<i16>,
    max: Vec<i16>,
    samples: Vec<ColumnSamples>,
}

/// Puts stored levels into a tile from column `at` on.
fn put(tile: &mut Tile, at: usize, stored: &Stored) {
    let db = |steps: &i16| if *steps == GAP { f32::NAN } else { *steps as f32 * STEP_DB as f32 };
    for (out, frames) in tile.frames.iter_mut().skip(at).zip(&stored.frames) {
        *out = *frames;
    }
    for (out, samples) in tile.samples.iter_mut().skip(at).zip(&stored.samples) {
        *out = *samples;
    }
    let cell = at * tile.bands;
    for (out, steps) in tile.mean_db.iter_mut().skip(cell).zip(&stored.mean) {
        *out = db(steps);
    }
    for (out, steps) in tile.max_db.iter_mut().skip(cell).zip(&stored.max) {
        *out = db(steps);
    }
}

/// Tiles that were asked for last, compressed, up to a number of bytes.
#[derive(Clone)]
pub struct TileCache(moka::sync::Cache<TileKey, Arc<EncodedTile>>);

/// Version, level, tile, and whether its levels are coarse.
type TileKey = (String, i32, i64, bool);

/// What is not kept: tiles that will change, and failures.
enum NotKept {
    Unfinished(Arc<EncodedTile>),
    Failure(TileFailure),
}

impl TileCache {
    /// Keeps at most `most_bytes`.
    pub fn new(most_bytes: u64) -> TileCache {
        /// What an entry takes beside its bytes.
        const ENTRY_BYTES: usize = 256;
        let weight = |_: &TileKey, tile: &Arc<EncodedTile>| {
            u32::try_from(tile.gzip.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
        };
        TileCache(moka::sync::Cache::builder().max_capacity(most_bytes).weigher(weight).build())
    }

    /// A tile, made once though many ask for it at the same time; with coarse levels for those who spare
    /// the net.
    ///
    /// # Errors
    /// As [`Tiles::tile`].
    pub fn get(
        &self,
        tiles: &Tiles,
        level: i32,
        tile: i64,
        is_coarse: bool,
    ) -> Result<Arc<EncodedTile>, TileFailure> {
        let key = (tiles.plan.version.clone(), level, tile, is_coarse);
        let made = self.0.try_get_with(key, || {
            let encoded = tiles.tile(level, tile).and_then(|tile| match is_coarse {
                true => EncodedTile::coarse(tile, 1),
                false => EncodedTile::of(&tile, tile.encode()),
            });
            let encoded = Arc::new(encoded.map_err(NotKept::Failure)?);
            if encoded.unfinished { Err(NotKept::Unfinished(encoded)) } else { Ok(encoded) }
        });
        made.or_else(|not_kept| match &*not_kept {
            NotKept::Unfinished(tile) => Ok(tile.clone()),
            NotKept::Failure(failure) => Err(failure.clone()),
        })
    }
}

impl EncodedTile {
    /// With coarse levels, and without the maxima that are no more than chance gives to so many frames:
    /// nobody draws them, and they would be most of what is sent. A band pools so many bins.
    ///
    /// # Errors
    /// When compression fails.
    pub fn coarse(mut tile: Tile, bins_per_band: usize) -> Result<EncodedTile, TileFailure> {
        let bands = tile.bands.max(1);
        let columns = tile.mean_db.chunks(bands).zip(tile.max_db.chunks_mut(bands));
        for ((mean, max), frames) in columns.zip(&tile.frames) {
            let draws = f64::from(*frames) * bins_per_band as f64;
            let least_db = peak_threshold_db(draws) as f32;
            for (mean, max) in mean.iter().zip(max) {
                if *max - mean < least_db {
                    *max = *mean;
                }
            }
        }
        EncodedTile::of(&tile, tile.encode_coarse())
    }

    /// Compresses what a tile was encoded to.
    fn of(tile: &Tile, plain: Vec<u8>) -> Result<EncodedTile, TileFailure> {
        let packed = Vec::with_capacity(plain.len() / 2);
        let mut encoder =
            flate2::write::GzEncoder::new(packed, flate2::Compression::new(GZIP_LEVEL));
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish());
        let gzip = gzip.map_err(|error| TileFailure::Compress(error.to_string()))?;
        let hash = blake3::hash(&plain).to_hex().as_str()[..16].to_owned();
        Ok(EncodedTile {
            gzip: gzip.into(),
            plain_bytes: plain.len(),
            hash,
            unfinished: tile.unfinished,
        })
    }
}
