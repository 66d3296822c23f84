//! A deployment's picture for the first page: its best view, painted by the code that paints the page.

use std::ops::Range;

use spyhop_api::time::{Moment, nanos_to_frames};
use spyhop_api::{Calibration, Deployment, View};
use spyhop_paint::export::{ExportError, to_png};
use spyhop_paint::parts::tag;
use spyhop_paint::{
    Area, FrequencyScale, GridSource, Item, Pixels, RasterSpec, Scene, Theme, raster,
};
use spyhop_signal::Line;
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::measure::contrast;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, Effort, SpectrumSpec, Stft, columns};

use crate::catalogue::Recordings;
use crate::figure::quiet_db;

/// Width of the picture in pixels; the page shows it at half of that or less.
const WIDTH: usize = 640;
/// See [`WIDTH`].
const HEIGHT: usize = 360;
/// Distance of the tag from the picture's edges; its letters follow it.
const TAG_PX: f64 = 14.0;
/// Longer stretches than this are sampled: a card needs no true maximum.
const EXACT_S: f64 = 120.0;
/// Frames of a sampled column.
const FRAMES_PER_COLUMN: usize = 6;
/// Bins of a picture whose columns are summed to less memory than this.
const MAX_CELLS: usize = 4 << 20;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// No such deployment, or none of its recordings can be read.
    #[error("there is nothing to show of '{0}'")]
    Nothing(String),
    /// A recording could not be read, or its view makes no sense.
    #[error("'{id}' can't be painted: {reason}")]
    Unreadable {
        /// The deployment.
        id: String,
        /// Why.
        reason: String,
    },
    /// Writing the picture failed.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Paints the best view of a deployment as PNG, without axes.
///
/// # Errors
/// When it has no recording that can be read.
pub fn paint(deployment: &Deployment, recordings: &Recordings) -> Result<Vec<u8>, PreviewError> {
    let nothing = || PreviewError::Nothing(deployment.id.clone());
    let (line, _) = Line::new(&recordings.infos).map_err(|_| nothing())?;
    let (view, _) = View::from_query(&deployment.best_view);
    let positions = positions(&view, &line);
    let nyquist_hz = line.sample_rate_hz / 2.0;
    let (low_hz, high_hz) = view.band_hz.unwrap_or((0.0, nyquist_hz));
    let band_hz = (low_hz.max(0.0), high_hz.min(nyquist_hz));
    let spec = columns_spec(&view, &line, &positions, band_hz);
    let power = read(recordings, &deployment.id, &line, &spec, view.channel)?;
    let scale = FrequencyScale::new(view.frequency_axis, band_hz.0, band_hz.1);
    let calibration = deployment.calibration.as_ref();
    // The view's levels are calibrated where the deployment is.
    let range_db = view.colour.range_db.filter(|_| view.flatten_s.is_none()).unwrap_or_else(|| {
        let calibrated = calibrated(&power.mean, &spec, calibration);
        contrast(&calibrated, spec.rows, 2).unwrap_or_else(|| quiet_db(calibration, &scale))
    });
    let raster_spec = RasterSpec {
        width: WIDTH,
        height: HEIGHT,
        positions,
        scale,
        floor_db: range_db.0 as f32,
        ceiling_db: range_db.1 as f32,
        calibration,
        map: view.colour.map,
        flatten: None,
        statistic: view.statistic,
        theme: Theme::dark(),
    };
    let mut rgba = vec![0; 4 * WIDTH * HEIGHT];
    raster(&raster_spec, &GridSource::new(&spec, &power), &mut rgba);
    let (width, height) = (WIDTH as f64, HEIGHT as f64);
    let mut scene = Scene::new(width, height);
    let pixels = Pixels { width: WIDTH as u32, height: HEIGHT as u32, rgba };
    let area = Area::new(0.0, 0.0, width, height);
    scene.items.push(Item::Image { area, pixels: pixels.into(), smooth: false });
    if deployment.synthesised {
        let (theme, corner) = (Theme::dark(), (width - TAG_PX, TAG_PX));
        let ground = Some(theme.background);
        scene.items.extend(tag("synthesised", corner, TAG_PX * 1.4, theme.annotation, ground).1);
    }
    Ok(to_png(&scene, 1.0)?)
}

/// Power of columns in the unit of a calibration.
fn calibrated(mean: &[f32], spec: &ColumnsSpec, calibration: Option<&Calibration>) -> Vec<f32> {
    let gain = |row: usize| {
        let bin = (spec.first_row + row) as f64 + 0.5;
        let hz = (bin * spec.bins_per_row as f64 - 0.5) * spec.spectrum.bin_hz();
        10f64.powf(calibration.map_or(0.0, |c| c.offset_db_near(hz)) / 10.0) as f32
    };
    let gains: Vec<f32> = (0..spec.rows).map(gain).collect();
    mean.iter().zip(gains.iter().cycle()).map(|(power, gain)| power * gain).collect()
}

/// The stretch of the line that a view shows.
fn positions(view: &View, line: &Line) -> Range<f64> {
    let rate = line.sample_rate_hz;
    let from = match (view.start, line.origin) {
        (Some(Moment::Clock(t)), Some(origin)) => {
            nanos_to_frames(t.0.saturating_sub(origin.0), rate) as f64
        }
        (Some(Moment::Elapsed(nanos)), _) => nanos_to_frames(nanos, rate) as f64,
        _ => 0.0,
    };
    let end = line.end() as f64;
    let span =
        view.span_ns.map_or(end, |ns| nanos_to_frames(ns, rate) as f64).clamp(1.0, end.max(1.0));
    let from = from.clamp(0.0, end - span);
    from..from + span
}

fn columns_spec(
    view: &View,
    line: &Line,
    positions: &Range<f64>,
    band_hz: (f64, f64),
) -> ColumnsSpec {
    let spectrum = SpectrumSpec::from((&view.spectrum, line.sample_rate_hz));
    let span = positions.end - positions.start;
    let column_samples = (span / WIDTH as f64).floor().max(1.0);
    let first_column = (positions.start / column_samples).floor();
    let columns = (positions.end / column_samples).ceil() - first_column;
    // No more rows than the picture can show twice over.
    let bins = (band_hz.1 - band_hz.0) / spectrum.bin_hz();
    let columns = columns as usize;
    let most_rows = (2 * HEIGHT).min(MAX_CELLS / columns.max(1)).max(1) as f64;
    let bins_per_row = (bins / most_rows).max(1.0).log2().floor().exp2() as usize;
    let first_row = (band_hz.0 / spectrum.bin_hz()) as usize / bins_per_row;
    let all_rows = spectrum.rows(bins_per_row);
    let end_row = ((band_hz.1 / spectrum.bin_hz()) as usize / bins_per_row + 2).min(all_rows);
    let effort = if span / line.sample_rate_hz <= EXACT_S {
        Effort::Exact
    } else {
        Effort::Sampled { frames_per_column: FRAMES_PER_COLUMN }
    };
    ColumnsSpec {
        spectrum,
        column_samples: column_samples as u64,
        first_column: first_column as i64,
        columns,
        first_row: first_row.min(end_row.saturating_sub(1)),
        rows: end_row - first_row.min(end_row.saturating_sub(1)),
        bins_per_row,
        effort,
    }
}

fn read(
    recordings: &Recordings,
    id: &str,
    line: &Line,
    spec: &ColumnsSpec,
    channel: u32,
) -> Result<Columns, PreviewError> {
    let unreadable = |reason: String| PreviewError::Unreadable { id: id.to_owned(), reason };
    let mut stft = Stft::new(&spec.spectrum).map_err(|e| unreadable(e.to_string()))?;
    let open = recordings.open.clone();
    let mut reader = LineReader::new(line.clone(), Box::new(move |index| open(index)));
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, channel, out).map(|_| ()).map_err(|e| e.to_string())
    };
    columns(spec, &mut stft, line, &mut read, &mut || false)
        .map_err(unreadable)?
        .ok_or_else(|| PreviewError::Nothing(id.to_owned()))
}
