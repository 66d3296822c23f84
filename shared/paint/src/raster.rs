//! Columns of power to pixels.
//!
//! Levels are averaged in power, in time and (where a pixel covers more than a row of bins) in
//! frequency, so that the picture keeps its level at every zoom. Where a pixel is smaller than a row
//! its level is interpolated between the rows' **decibels**: interpolated power would be smoother
//! between two rows than on them, and noise would show as stripes.

mod accumulate;
mod log2;
mod rows;

use std::ops::Range;

use spyhop_api::Calibration;
use spyhop_api::view::{ColourMap, Statistic};
use spyhop_signal::spectrum::scale::FrequencyScale;

use crate::colour::Lut;
use crate::column::{ColumnSource, Found};
use crate::theme::Theme;
use accumulate::{Accumulator, LANES, Lanes};

/// What a picture shows and how.
#[derive(Clone, Debug)]
pub struct RasterSpec<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Positions on the line from the left edge to the right, samples.
    pub positions: Range<f64>,
    /// Frequency from the lower edge to the upper.
    pub scale: FrequencyScale,
    /// Level of the map's first colour, dB in the unit of the colour bar (after the calibration).
    pub floor_db: f32,
    /// Level of the map's last colour.
    pub ceiling_db: f32,
    /// Applied to the power of each row before rows are averaged. Rows outside of a table are drawn
    /// with its nearest value in paler colours, because no level is known there. Of no consequence to a
    /// flattened picture, which is relative in each band.
    pub calibration: Option<&'a Calibration>,
    /// Colours.
    pub map: ColourMap,
    /// What is subtracted; the picture then shows dB above it.
    pub flatten: Option<Flatten<'a>>,
    /// What of the power under a pixel is drawn. Of both, the maximum is where it exceeds the mean by
    /// more than 10·lg(ln N + 0.577) + 3 dB, N the frames and bins in the pixel.
    pub statistic: Statistic,
    /// Colours of gaps and of what is still to be computed.
    pub theme: Theme,
}

/// Each band's median power over a stated span.
#[derive(Clone, Copy, Debug)]
pub struct Flatten<'a> {
    /// Median of each row's mean power, linear.
    pub median: &'a [f32],
    /// First bin of row 0.
    pub first_bin: f64,
    /// Bins in a row.
    pub bins_per_row: f64,
    /// Width of a bin, hertz.
    pub bin_hz: f64,
}

/// Period and width of the stripes on a gap, pixels.
const HATCH: (i64, i64) = (9, 2);

/// Paints `width × height` pixels, rows from the top, red, green, blue and opacity of each, into
/// `out_rgba` (rows that do not fit into it are left out).
pub fn raster(spec: &RasterSpec<'_>, source: &dyn ColumnSource, out_rgba: &mut [u8]) {
    let (width, height) = (spec.width, spec.height);
    if width == 0 || height == 0 {
        return;
    }
    let painter = Painter::new(spec);
    let mut accumulator = Accumulator::new(spec);
    let mut levels = vec![[0f32; LANES]; height];
    let mut block = vec![[[0u8; 4]; LANES]; height];
    let per_pixel = (spec.positions.end - spec.positions.start) / width as f64;
    // Stripes belong to the recording: they move with it.
    let stripes = (spec.positions.start / per_pixel).rem_euclid(HATCH.0 as f64) as i64;
    for first in (0..width).step_by(LANES) {
        let columns = LANES.min(width - first);
        let mut found = [Found::Pending; LANES];
        accumulator.begin();
        for (lane, found) in found.iter_mut().enumerate().take(columns) {
            let from = spec.positions.start + (first + lane) as f64 * per_pixel;
            *found = source.columns(from..from + per_pixel, &mut |weight, power| {
                accumulator.add(weight, &power);
            });
            accumulator.keep(lane);
        }
        if found.contains(&Found::Data) {
            accumulator.levels(&mut levels);
            painter.levels(&levels, &mut block);
        }
        for (lane, found) in found.iter().enumerate() {
            let pixels = block.iter_mut().map(|row| &mut row[lane]);
            match found {
                Found::Data => {}
                Found::Gap => painter.gap((first + lane) as i64 + stripes, pixels),
                Found::Pending => pixels.for_each(|p| *p = painter.pending),
            }
        }
        for (row, pixels) in out_rgba.chunks_exact_mut(width * 4).zip(&block) {
            match row[first * 4..].first_chunk_mut::<{ LANES * 4 }>() {
                // A length that is known beforehand is copied without a call.
                Some(whole) => whole.copy_from_slice(pixels.as_flattened()),
                None => row[first * 4..].copy_from_slice(pixels[..columns].as_flattened()),
            }
        }
    }
}

/// Part of the ground in the colours of rows of which no level is known.
const PALE: f32 = 0.55;

/// Levels to colours.
struct Painter {
    lut: Lut,
    /// The same, for rows that a calibration does not cover.
    pale: [[u8; 4]; 256],
    /// Which rows these are: those before and from the other on.
    covered: Range<usize>,
    /// Steps of the map a dB.
    gain: f32,
    /// dB that are added before, row by row.
    bias_db: Vec<f32>,
    pending: [u8; 4],
    gap: [u8; 4],
    gap_hatch: [u8; 4],
}

impl Painter {
    fn new(spec: &RasterSpec<'_>) -> Painter {
        let range = (spec.ceiling_db - spec.floor_db).max(1e-3);
        let bias_db = match &spec.flatten {
            None => {
                let flat_db = spec.calibration.and_then(Calibration::offset_db).unwrap_or(0.0);
                vec![flat_db as f32 - spec.floor_db; spec.height]
            }
            Some(flatten) => {
                let median = accumulate::flatten_levels(spec, flatten);
                median.iter().map(|m| -m - spec.floor_db).collect()
            }
        };
        let lut = Lut::new(spec.map);
        Painter {
            pale: paler(&lut, spec.theme.gap.rgba()),
            lut,
            covered: covered(spec),
            gain: 255.0 / range,
            bias_db,
            pending: spec.theme.pending.rgba(),
            gap: spec.theme.gap.rgba(),
            gap_hatch: spec.theme.gap_hatch.rgba(),
        }
    }

    fn levels(&self, levels: &[Lanes], pixels: &mut [[[u8; 4]; LANES]]) {
        let rows = pixels.iter_mut().zip(levels).zip(&self.bias_db).enumerate();
        for (y, ((pixels, levels), bias)) in rows {
            let table = if self.covered.contains(&y) { self.lut.entries() } else { &self.pale };
            for (pixel, level) in pixels.iter_mut().zip(levels) {
                let step = (level + bias) * self.gain + 0.5;
                // A float becomes the nearest byte: what lies outside the range takes its end's colour.
                *pixel = if step.is_nan() { self.pending } else { table[step as u8 as usize] };
            }
        }
    }

    fn gap<'p>(&self, x: i64, pixels: impl Iterator<Item = &'p mut [u8; 4]>) {
        for (y, pixel) in pixels.enumerate() {
            let striped = (x + y as i64).rem_euclid(HATCH.0) < HATCH.1;
            *pixel = if striped { self.gap_hatch } else { self.gap };
        }
    }
}

/// The rows from the top of which a level is known: all but those beyond a table's ends.
fn covered(spec: &RasterSpec<'_>) -> Range<usize> {
    let table = spec.calibration.filter(|_| spec.flatten.is_none()).and_then(Calibration::band_hz);
    let Some((low_hz, high_hz)) = table else { return 0..spec.height };
    let height = spec.height as f64;
    let row = |hz: f64| ((1.0 - spec.scale.to_unit(hz)) * height).clamp(0.0, height);
    // A row belongs to where its middle lies.
    (row(high_hz) - 0.5).ceil().max(0.0) as usize..(row(low_hz) - 0.5).ceil().max(0.0) as usize
}

/// A map's colours, mixed with the ground.
fn paler(lut: &Lut, ground: [u8; 4]) -> [[u8; 4]; 256] {
    let mix = |colour: u8, ground: u8| {
        (f32::from(colour) + PALE * (f32::from(ground) - f32::from(colour))).round() as u8
    };
    lut.entries().map(|c| std::array::from_fn(|i| mix(c[i], ground[i])))
}
