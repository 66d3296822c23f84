//! The spectrum slice: level over frequency at the cursor or of the selection.

use spyhop_signal::spectrum::scale::FrequencyScale;

use super::axis::{AxisStyle, Side, time_axis, value_axis};
use crate::scene::{Anchor, Area, Item, Stroke};
use crate::ticks::{Ticks, frequency_ticks, level_ticks};

/// What a slice plot shows.
#[derive(Clone, Copy, Debug)]
pub struct SlicePlot<'a> {
    /// Level of each bin, dB in the unit below.
    pub levels_db: &'a [f32],
    /// Width of a bin, hertz; bin k lies at k times this.
    pub bin_hz: f64,
    /// Frequency axis, low ones at the left.
    pub scale: FrequencyScale,
    /// Floor and ceiling of the level axis, dB.
    pub range_db: (f64, f64),
    /// Unit of the level.
    pub unit: &'a str,
    /// Peak frequency in hertz, if it is to be marked.
    pub peak_hz: Option<f64>,
    /// Bands to be shaded: −3 dB and −10 dB widths.
    pub bands_hz: &'a [(f64, f64)],
}

/// The curve with its two axes. `plot` is the curve's area: levels stand at its left, frequencies
/// below it.
pub fn slice_plot(slice: &SlicePlot<'_>, plot: Area, style: &AxisStyle) -> Vec<Item> {
    let theme = &style.theme;
    let (floor, ceiling) = slice.range_db;
    let x = |hz: f64| plot.x + slice.scale.to_unit(hz) * plot.w;
    let y = |db: f64| plot.bottom() - (db - floor) / (ceiling - floor).max(1e-9) * plot.h;
    let mut curve = Vec::new();
    for (low, high) in slice.bands_hz {
        let band = Area::new(x(*low), plot.y, x(*high) - x(*low), plot.h);
        curve.push(Item::fill(band, theme.selection.with_alpha(34)));
    }
    if let Some(peak) = slice.peak_hz {
        let stroke = Stroke::dashed(theme.annotation, 1.0, 3.0, 3.0);
        curve.push(Item::Line { from: (x(peak), plot.y), to: (x(peak), plot.bottom()), stroke });
    }
    curve.push(Item::Polyline {
        points: outline(slice, x, y),
        stroke: Stroke::solid(theme.wave_rms, 1.5),
    });

    let mut items = vec![Item::fill(plot, theme.panel), Item::Clip { area: plot, items: curve }];
    let levels = level_ticks(floor, ceiling, plot.h, style.font_px);
    items.extend(value_axis(&levels, plot, Side::Left, style));
    let at = (plot.x + 6.0, plot.y + style.font_px * 1.3);
    items.push(Item::text(at, slice.unit, style.font_px, Anchor::Start, theme.text_dim));
    // Lying labels need more room than standing ones: as if the font were larger.
    let frequencies = frequency_ticks(&slice.scale, plot.w, style.font_px * 2.0);
    let across = Ticks { context: String::new(), ..frequencies };
    items.extend(time_axis(&across, plot, style.font_px, style));
    items
}

/// The curve's points: where many bins share a pixel only the lowest and the highest of them.
fn outline(
    slice: &SlicePlot<'_>,
    x: impl Fn(f64) -> f64,
    y: impl Fn(f64) -> f64,
) -> Vec<(f64, f64)> {
    let (low, high) = (slice.scale.low_hz() - slice.bin_hz, slice.scale.high_hz() + slice.bin_hz);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut pixel: Option<(i64, f64, f64, f64)> = None;
    let mut finish = |pixel: Option<(i64, f64, f64, f64)>| {
        if let Some((_, at, top, bottom)) = pixel {
            points.push((at, bottom));
            if bottom - top > 0.25 {
                points.push((at, top));
            }
        }
    };
    for (bin, db) in slice.levels_db.iter().enumerate() {
        let hz = bin as f64 * slice.bin_hz;
        if hz < low || hz > high || !db.is_finite() {
            continue;
        }
        let (at, level) = (x(hz), y(f64::from(*db)));
        let column = at.round() as i64;
        match &mut pixel {
            Some((same, _, top, bottom)) if *same == column => {
                *top = top.min(level);
                *bottom = bottom.max(level);
            }
            _ => finish(pixel.replace((column, at, level, level))),
        }
    }
    finish(pixel);
    points
}
