//! How long a frame of the spectrogram takes: 1100 × 650 pixels, 512 + 1 bins, 1 to 2 columns a pixel
//! (the goal is 6 ms natively on one thread).

use std::hint::black_box;
use std::ops::Range;

use criterion::{Criterion, criterion_group, criterion_main};
use spyhop_api::view::{ColourMap, FrequencyAxis, Statistic};
use spyhop_paint::{Column, ColumnSource, Found, FrequencyScale, RasterSpec, Theme, raster};

struct Noise {
    rows: usize,
    mean: Vec<f32>,
    max: Vec<f32>,
}

impl ColumnSource for Noise {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let last = self.mean.len() / self.rows - 1;
        for c in positions.start as usize..=(positions.end as usize).min(last) {
            let rows = c * self.rows..(c + 1) * self.rows;
            each(
                0.5,
                Column {
                    mean: &self.mean[rows.clone()],
                    max: &self.max[rows],
                    frames: 16.0,
                    first_bin: 0.0,
                    bins_per_row: 1.0,
                    bin_hz: 93.75,
                },
            );
        }
        Found::Data
    }
}

fn frame(c: &mut Criterion) {
    for rows in [513usize, 2049] {
        let columns = 1700;
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1e-9 * (0.01 + (state >> 8) as f32 / (1 << 24) as f32)
        };
        let mean: Vec<f32> = (0..columns * rows).map(|_| next()).collect();
        let max = mean.iter().map(|m| m * 4.0).collect();
        let source = Noise { rows, mean, max };
        for axis in [FrequencyAxis::Linear, FrequencyAxis::Log] {
            let top = (rows - 1) as f64 * 93.75;
            let spec = RasterSpec {
                width: 1100,
                height: 650,
                positions: 0.0..columns as f64,
                scale: FrequencyScale::new(axis, 0.0, top),
                floor_db: -110.0,
                ceiling_db: -70.0,
                calibration: None,
                map: ColourMap::Inferno,
                flatten: None,
                statistic: Statistic::Both,
                theme: Theme::dark(),
            };
            let mut rgba = vec![0; 1100 * 650 * 4];
            c.bench_function(&format!("raster 1100x650, {rows} rows, {axis:?}"), |b| {
                b.iter(|| raster(black_box(&spec), &source, black_box(&mut rgba)));
            });
        }
    }
}

criterion_group!(benches, frame);
criterion_main!(benches);
