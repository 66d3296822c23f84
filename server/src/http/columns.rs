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
use spyhop_signal::Line;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, Effort, SpectrumSpec};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::marks::Drawn;
use super::viewing::{looked_at, refusal};
use super::{Served, blocking_within, pyramid};
use crate::catalogue::access::Reader;
use crate::pyramid::EncodedTile;
use crate::viewed::{Viewed, ViewedError, effort};

/// Answers that are made at the same time.
const AT_ONCE: usize = 2;
/// Memory for answers, bytes.
const KEPT_BYTES: u64 = 32 << 20;
/// Frames times the points of the transform: what takes a core some 50 ms is transformed frame by frame,
/// more from some frames of each column.
const MOST_POINTS: f64 = 8e6;

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
    let viewed = looked_at(&served, reader, query, Drawn::Hidden).await?;
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
    let spec = spec(spectrum, asked);
    let columns = viewed.columns(&spec)?;
    let tile = tile(&columns, asked, &spec, &viewed.line);
    EncodedTile::coarse(tile, asked.bins_per_row)
        .map_err(|error| ViewedError::Failed(error.to_string()))
}

/// The columns that are asked for.
fn spec(spectrum: SpectrumSpec, asked: &ColumnsAsked) -> ColumnsSpec {
    let spec = ColumnsSpec {
        spectrum,
        column_samples: 1 << asked.level,
        first_column: asked.first,
        columns: asked.count,
        first_row: asked.first_row,
        rows: asked.rows,
        bins_per_row: asked.bins_per_row,
        effort: Effort::Exact,
    };
    let frames_per_column = spec.column_samples as f64 / spectrum.hop_samples.max(1) as f64;
    let frames = frames_per_column.max(1.0) * spec.columns as f64;
    ColumnsSpec { effort: effort(&spec, frames, MOST_POINTS), ..spec }
}

/// Columns as a tile that holds them from its first column on.
fn tile(columns: &Columns, asked: &ColumnsAsked, spec: &ColumnsSpec, line: &Line) -> Tile {
    let column_ns = spec.column_samples as f64 * NANOS_PER_S as f64 / spec.spectrum.sample_rate_hz;
    let bin_hz = spec.spectrum.bin_hz() * asked.bins_per_row as f64;
    let index = asked.first.div_euclid(TILE_COLUMNS as i64);
    // A level is 40 at most.
    let mut tile = Tile::gap(asked.level as i32, index, asked.rows, column_ns as i64, bin_hz);
    let db = |power: &f32| 10.0 * power.log10();
    let max = if columns.max.is_empty() { &columns.mean } else { &columns.max };
    tile.mean_db.iter_mut().zip(&columns.mean).for_each(|(db_of, power)| *db_of = db(power));
    tile.max_db.iter_mut().zip(max).for_each(|(db_of, power)| *db_of = db(power));
    tile.frames.iter_mut().zip(&columns.frames).for_each(|(to, frames)| *to = *frames);
    for ((to, wave), column) in tile.samples.iter_mut().zip(&columns.wave).zip(asked.first..) {
        // Some of a column may lie in a gap, or behind the end.
        let count: u64 = line.parts(spec.positions(column)).map(|run| run.frames).sum();
        if count > 0 && wave.mean_square.is_finite() {
            let (min, max, mean_square) = (wave.min, wave.max, wave.mean_square);
            *to = ColumnSamples { count, min, max, mean_square };
        }
    }
    tile
}

#[cfg(test)]
mod tests {
    use spyhop_signal::line::Run;
    use spyhop_signal::spectrum::WaveColumn;

    use super::*;

    #[test]
    fn a_link_tells_which_columns() {
        let query = "v=1&src=set:bay&columns=9.-2.128.0.129.4.100000&fft=2048";
        let found = asked(query).expect("columns");
        assert_eq!((found.level, found.first, found.count), (9, -2, 128));
        assert_eq!((found.rows, found.bins_per_row, found.line_end), (129, 4, 100_000));
        assert!(asked("v=1&src=set:bay").is_err());
    }

    fn usual() -> SpectrumSpec {
        SpectrumSpec::from((&spyhop_api::view::SpectrumSettings::default(), 192e3))
    }

    fn columns_asked(level: u32, count: usize) -> ColumnsAsked {
        let (first, first_row, line_end) = (0, 0, 0);
        ColumnsAsked { level, first, count, first_row, rows: 129, bins_per_row: 4, line_end }
    }

    #[test]
    fn what_would_keep_a_core_busy_is_made_of_some_frames() {
        let effort = |level| spec(usual(), &columns_asked(level, 128)).effort;
        assert_eq!(effort(11), Effort::Exact);
        assert_eq!(effort(30), Effort::Sampled { frames_per_column: 6 });
    }

    #[test]
    fn a_column_counts_the_samples_that_were_recorded_of_it() {
        let run = |position, frames| Run { position, frames, recording: 0, first_frame: 0 };
        // Columns of 1024: whole, to a gap, in it, from it on to the end, and behind it.
        let runs = vec![run(0, 1500), run(3100, 200)];
        let line = Line { sample_rate_hz: 192e3, origin: None, runs };
        let asked = columns_asked(10, 5);
        let spec = spec(usual(), &asked);
        let cells = spec.columns * spec.rows;
        let columns = Columns {
            mean: vec![1.0; cells],
            max: Vec::new(),
            frames: vec![1; spec.columns],
            wave: vec![WaveColumn { min: -0.5, max: 0.5, mean_square: 0.1 }; spec.columns],
            exact: true,
        };
        let tile = tile(&columns, &asked, &spec, &line);
        let counts: Vec<u64> = tile.samples.iter().take(5).map(|column| column.count).collect();
        assert_eq!(counts, [1024, 476, 0, 200, 0]);
    }
}
