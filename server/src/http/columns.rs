//! `/api/v1/view/columns?LINK&columns=…`: a view's spectrum, computed here for whoever spares the net.
//!
//! A class that follows sees what its leader does by this: the samples of a second at 192 kHz are 400 kB,
//! its columns, as many as a screen shows, 40. They are computed once for all who follow.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use spyhop_api::columns::{self, ColumnsAsked, ColumnsError};
use spyhop_api::tile::{TILE_COLUMNS, Tile};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{ColumnSamples, Problem};
use spyhop_signal::spectrum::{Columns, ColumnsSpec, Effort, SpectrumSpec};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::viewing::{looked_at, refusal};
use super::{Served, blocking_within, pyramid};
use crate::catalogue::access::Reader;
use crate::pyramid::EncodedTile;
use crate::viewed::{Viewed, ViewedError};

/// Answers that are made at the same time.
const AT_ONCE: usize = 2;
/// Memory for answers, bytes.
const KEPT_BYTES: u64 = 32 << 20;
/// Samples times the overlap of frames times the octaves of the transform: what takes a core some 50 ms is
/// transformed frame by frame, more from some frames of each column.
const MOST_POINTS: f64 = 8e6;
/// Frames of a column of a longer stretch, at most.
const FRAMES_PER_COLUMN: usize = 6;

static ROOM: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(AT_ONCE);

/// What the route answers from.
#[derive(Clone)]
pub struct Computed {
    served: Arc<Served>,
    kept: moka::sync::Cache<String, Arc<EncodedTile>>,
}

impl Computed {
    /// Of what is served.
    pub fn new(served: Arc<Served>) -> Computed {
        let weight = |key: &String, tile: &Arc<EncodedTile>| {
            u32::try_from(key.len() + tile.gzip.len()).unwrap_or(u32::MAX)
        };
        let kept = moka::sync::Cache::builder().max_capacity(KEPT_BYTES).weigher(weight).build();
        Computed { served, kept }
    }
}

/// The route.
pub fn routes() -> OpenApiRouter<Computed> {
    OpenApiRouter::new().routes(routes!(view_columns))
}

/// Columns of a view's spectrum
///
/// The query is the link's own, of which the recordings, the channel and the transform count, and
/// `columns=level.first.count.first_row.rows.bins_per_row.line_end`: `count` columns of 2^level samples from
/// column `first` on. The bytes are a tile's, as spyhop_api::tile writes them with coarse levels; its first
/// column is the first that was asked for.
#[utoipa::path(get, path = "/view/columns", tag = "views",
    responses((status = 200, content_type = "application/octet-stream"),
        (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn view_columns(
    State(Computed { served, kept }): State<Computed>,
    reader: Reader,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = asked(query.as_deref().unwrap_or_default())
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let viewed = looked_at(&served, reader, query).await?;
    if viewed.line.end() != asked.line_end {
        return Err(ApiError::not_found(
            "the recordings have changed, or are read by another clock: open the view again",
        ));
    }
    let key = format!("{} {} {asked}", viewed.recordings.version, viewed.view.to_query());
    let tile = match kept.get(&key) {
        Some(tile) => tile,
        None => {
            let make = move || {
                kept.try_get_with(key, || made(&viewed, &asked).map(Arc::new))
                    .map_err(|error| ViewedError::Failed(error.to_string()))
            };
            blocking_within(&ROOM, make).await?.map_err(refusal)?
        }
    };
    let mut answer = pyramid::answer(&tile, &headers)?;
    // The address tells nothing of the recordings' version: the tag does.
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

fn asked(query: &str) -> Result<ColumnsAsked, ColumnsError> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = values.find(|(key, _)| *key == columns::KEY).map(|(_, value)| value);
    value.unwrap_or_default().parse()
}

fn made(viewed: &Viewed, asked: &ColumnsAsked) -> Result<EncodedTile, ViewedError> {
    let spectrum = SpectrumSpec::from((&viewed.view.spectrum, viewed.line.sample_rate_hz));
    let spec = ColumnsSpec {
        spectrum,
        column_samples: 1 << asked.level,
        first_column: asked.first,
        columns: asked.count,
        first_row: asked.first_row,
        rows: asked.rows,
        bins_per_row: asked.bins_per_row,
        effort: effort(&spectrum, asked),
    };
    let columns = viewed.columns(&spec)?;
    let tile = tile(&columns, asked, &spectrum);
    EncodedTile::coarse(tile, asked.bins_per_row)
        .map_err(|error| ViewedError::Failed(error.to_string()))
}

/// How many frames of a column are looked at.
fn effort(spectrum: &SpectrumSpec, asked: &ColumnsAsked) -> Effort {
    let columns = asked.count as f64;
    let frames_per_column = (1u64 << asked.level) as f64 / spectrum.hop_samples.max(1) as f64;
    let points = spectrum.fft_size as f64;
    if frames_per_column.max(1.0) * columns * points <= MOST_POINTS {
        return Effort::Exact;
    }
    let affordable = (MOST_POINTS / (columns * points)) as usize;
    Effort::Sampled { frames_per_column: affordable.clamp(1, FRAMES_PER_COLUMN) }
}

/// Columns as a tile that holds them from its first column on.
fn tile(columns: &Columns, asked: &ColumnsAsked, spectrum: &SpectrumSpec) -> Tile {
    let column_samples = 1u64 << asked.level;
    let column_ns = column_samples as f64 * NANOS_PER_S as f64 / spectrum.sample_rate_hz;
    let bin_hz = spectrum.bin_hz() * asked.bins_per_row as f64;
    let index = asked.first.div_euclid(TILE_COLUMNS as i64);
    // A level is 40 at most.
    let mut tile = Tile::gap(asked.level as i32, index, asked.rows, column_ns as i64, bin_hz);
    let db = |power: &f32| 10.0 * power.log10();
    let max = if columns.max.is_empty() { &columns.mean } else { &columns.max };
    tile.mean_db.iter_mut().zip(&columns.mean).for_each(|(db_of, power)| *db_of = db(power));
    tile.max_db.iter_mut().zip(max).for_each(|(db_of, power)| *db_of = db(power));
    tile.frames.iter_mut().zip(&columns.frames).for_each(|(to, frames)| *to = *frames);
    for (to, wave) in tile.samples.iter_mut().zip(&columns.wave) {
        if wave.mean_square.is_finite() {
            let (min, max, mean_square) = (wave.min, wave.max, wave.mean_square);
            *to = ColumnSamples { count: column_samples, min, max, mean_square };
        }
    }
    tile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_tells_which_columns() {
        let query = "v=1&src=set:bay&columns=9.-2.128.0.129.4.100000&fft=2048";
        let found = asked(query).expect("columns");
        assert_eq!((found.level, found.first, found.count), (9, -2, 128));
        assert_eq!((found.rows, found.bins_per_row, found.line_end), (129, 4, 100_000));
        assert!(asked("v=1&src=set:bay").is_err());
    }

    #[test]
    fn what_would_keep_a_core_busy_is_made_of_some_frames() {
        let spectrum = SpectrumSpec::from((&spyhop_api::view::SpectrumSettings::default(), 192e3));
        let of = |level| ColumnsAsked {
            level,
            first: 0,
            count: 128,
            first_row: 0,
            rows: 129,
            bins_per_row: 4,
            line_end: 0,
        };
        assert_eq!(effort(&spectrum, &of(11)), Effort::Exact);
        assert_eq!(effort(&spectrum, &of(30)), Effort::Sampled { frames_per_column: 6 });
    }
}
