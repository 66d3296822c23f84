//! The waveform: minimum to maximum and RMS of each pixel, or the samples themselves.

use std::ops::Range;

use super::gap::{gap, pending};
use crate::scene::{Area, Item, Stroke};
use crate::theme::Theme;

/// From this distance between two samples on they are drawn as points, CSS pixels.
const DOTS_FROM_PX: f64 = 5.0;

/// The waveform under one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WavePixel {
    /// Least and greatest sample, and the root of their mean square.
    Data {
        /// Least sample, full scale is −1.
        min: f32,
        /// Greatest sample.
        max: f32,
        /// Root mean square.
        rms: f32,
    },
    /// Nothing was recorded.
    Gap,
    /// Not computed yet.
    Pending,
}

/// The waveform of `pixels`, which share the width of `area`; `amplitude` (of full scale) reaches its
/// upper and lower edge.
pub fn wave_columns(pixels: &[WavePixel], area: Area, amplitude: f64, theme: &Theme) -> Vec<Item> {
    let step = area.w / pixels.len().max(1) as f64;
    let y = |value: f64| y_of(value, area, amplitude);
    let mut items = Vec::new();
    let mut start = 0;
    for run in pixels.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
        let x = area.x + start as f64 * step;
        let across = Area::new(x, area.y, run.len() as f64 * step, area.h);
        start += run.len();
        match run.first() {
            Some(WavePixel::Gap) => items.push(gap(across, theme)),
            Some(WavePixel::Pending) => items.push(pending(across, theme)),
            _ => {
                let values = |of: fn(f32, f32, f32) -> (f32, f32)| {
                    let edges: Vec<(f64, f64, f64)> = run
                        .iter()
                        .enumerate()
                        .filter_map(|(i, pixel)| match *pixel {
                            WavePixel::Data { min, max, rms } => {
                                let (low, high) = of(min, max, rms);
                                let (top, bottom) = (y(f64::from(high)), y(f64::from(low)));
                                // A silent stretch is a line, not nothing.
                                let middle = (top + bottom) / 2.0;
                                let half = ((bottom - top) / 2.0).max(0.5);
                                Some((x + i as f64 * step, middle - half, middle + half))
                            }
                            _ => None,
                        })
                        .collect();
                    let above = edges.iter().flat_map(|e| [(e.0, e.1), (e.0 + step, e.1)]);
                    let below = edges.iter().rev().flat_map(|e| [(e.0 + step, e.2), (e.0, e.2)]);
                    above.chain(below).collect::<Vec<_>>()
                };
                items.push(Item::Polygon {
                    points: values(|min, max, _| (min, max)),
                    fill: theme.wave,
                });
                items.push(Item::Polygon {
                    points: values(|min, max, rms| ((-rms).max(min), rms.min(max))),
                    fill: theme.wave_rms,
                });
            }
        }
    }
    vec![Item::Clip { area, items }]
}

/// The samples themselves as a line, with points where they stand far enough apart. The first of
/// `samples` stands at position `first`; NaN is where nothing was recorded.
pub fn wave_samples(
    samples: &[f32],
    first: i64,
    positions: Range<f64>,
    area: Area,
    amplitude: f64,
    theme: &Theme,
) -> Vec<Item> {
    let per_sample = area.w / (positions.end - positions.start);
    let x = |i: usize| area.x + ((first as f64 - positions.start) + i as f64) * per_sample;
    let mut items = Vec::new();
    let mut start = 0;
    for run in samples.chunk_by(|a, b| a.is_nan() == b.is_nan()) {
        if run[0].is_nan() {
            let across = Area::new(x(start), area.y, run.len() as f64 * per_sample, area.h);
            items.push(gap(across, theme));
        } else {
            let points: Vec<(f64, f64)> = run
                .iter()
                .enumerate()
                .map(|(i, v)| (x(start + i), y_of(f64::from(*v), area, amplitude)))
                .collect();
            items.push(Item::Polyline {
                points: points.clone(),
                stroke: Stroke::solid(theme.wave, 1.25),
            });
            if per_sample >= DOTS_FROM_PX {
                let radius = (per_sample / 5.0).clamp(1.5, 3.5);
                items.push(Item::Dots { points, radius, fill: theme.wave_rms });
            }
        }
        start += run.len();
    }
    vec![Item::Clip { area, items }]
}

fn y_of(value: f64, area: Area, amplitude: f64) -> f64 {
    area.y + area.h / 2.0 * (1.0 - value / amplitude.max(1e-12))
}
