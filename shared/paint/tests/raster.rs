//! Pixels against a straightforward computation in double precision, and what a person must see.

use std::ops::Range;

use spyhop_api::view::{ColourMap, FrequencyAxis, Statistic};
use spyhop_api::{Calibration, FrequencyTable};
use spyhop_paint::{
    Column, ColumnSource, Flatten, Found, FrequencyScale, Lut, RasterSpec, Theme, raster,
};

/// Columns of equal length from position 0 on, one row a bin, some of them missing.
struct Grid {
    per_column: f64,
    bin_hz: f64,
    rows: usize,
    mean: Vec<f32>,
    max: Vec<f32>,
    frames: f32,
    gap: Range<usize>,
    pending: Range<usize>,
}

impl Grid {
    fn new(columns: usize, rows: usize, power: impl Fn(usize, usize) -> f32) -> Grid {
        let mean = (0..columns * rows).map(|i| power(i / rows, i % rows)).collect();
        let (gap, pending) = (0..0, 0..0);
        Grid { per_column: 64.0, bin_hz: 10.0, rows, mean, max: vec![], frames: 1.0, gap, pending }
    }

    fn end(&self) -> f64 {
        (self.mean.len() / self.rows) as f64 * self.per_column
    }

    fn top_hz(&self) -> f64 {
        (self.rows - 1) as f64 * self.bin_hz
    }
}

impl ColumnSource for Grid {
    fn columns(&self, positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let mut found = Found::Gap;
        let first = (positions.start / self.per_column).floor().max(0.0) as usize;
        for c in first..self.mean.len() / self.rows {
            let from = c as f64 * self.per_column;
            let overlap = positions.end.min(from + self.per_column) - positions.start.max(from);
            if overlap <= 0.0 {
                break;
            }
            if self.pending.contains(&c) {
                return Found::Pending;
            }
            if !self.gap.contains(&c) {
                found = Found::Data;
                let rows = c * self.rows..(c + 1) * self.rows;
                each(
                    overlap as f32,
                    Column {
                        mean: &self.mean[rows.clone()],
                        max: self.max.get(rows).unwrap_or(&[]),
                        frames: self.frames,
                        first_bin: 0.0,
                        bins_per_row: 1.0,
                        bin_hz: self.bin_hz,
                    },
                );
            }
        }
        found
    }
}

fn spec(grid: &Grid, width: usize, height: usize, axis: FrequencyAxis) -> RasterSpec<'static> {
    RasterSpec {
        width,
        height,
        positions: 0.0..grid.end(),
        scale: FrequencyScale::new(axis, 0.0, grid.top_hz()),
        floor_db: -120.0,
        ceiling_db: -20.0,
        calibration: None,
        map: ColourMap::Grey,
        flatten: None,
        statistic: Statistic::Mean,
        theme: Theme::dark(),
    }
}

fn paint(spec: &RasterSpec<'_>, source: &dyn ColumnSource) -> Vec<u8> {
    let mut rgba = vec![7; spec.width * spec.height * 4];
    raster(spec, source, &mut rgba);
    rgba
}

/// Red of the grey map is the level: 255 steps from floor to ceiling.
fn grey(rgba: &[u8], width: usize, x: usize, y: usize) -> f64 {
    f64::from(rgba[(y * width + x) * 4])
}

/// Noise: exponentially distributed power about `mean`, the same on every machine.
fn noise(column: usize, row: usize, mean: f32) -> f32 {
    let mut state = (column as u64) << 32 | row as u64;
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let unit = ((state ^ (state >> 31)) >> 40) as f32 / (1u64 << 24) as f32;
    -mean * (1.0 - unit).max(1e-7).ln()
}

/// Level of a pixel computed the slow way: mean power over the columns it covers, then over the bins
/// (in power), or between two bins' levels where it is smaller than one.
fn reference(grid: &Grid, spec: &RasterSpec<'_>, x: usize, y: usize) -> f64 {
    let per_pixel = grid.end() / spec.width as f64;
    let (from, to) = (x as f64 * per_pixel, (x + 1) as f64 * per_pixel);
    let overlap = |c: usize| {
        let start = c as f64 * grid.per_column;
        (to.min(start + grid.per_column) - from.max(start)).max(0.0)
    };
    let bin_power = |bin: usize| {
        let columns = grid.mean.len() / grid.rows;
        let sum: f64 =
            (0..columns).map(|c| overlap(c) * f64::from(grid.mean[c * grid.rows + bin])).sum();
        sum / (0..columns).map(overlap).sum::<f64>()
    };
    let hz = |edge: usize| spec.scale.to_hz(1.0 - edge as f64 / spec.height as f64);
    // Bin k reaches from k − 1/2 to k + 1/2.
    let (low, high) = (hz(y + 1) / grid.bin_hz + 0.5, hz(y) / grid.bin_hz + 0.5);
    if high - low > 1.0 {
        let part = |bin: usize| (high.min(bin as f64 + 1.0) - low.max(bin as f64)).max(0.0);
        let sum: f64 = (0..grid.rows).map(|bin| part(bin) * bin_power(bin)).sum();
        10.0 * (sum / (0..grid.rows).map(part).sum::<f64>()).log10()
    } else {
        let centre = ((low + high) / 2.0 - 0.5).max(0.0);
        let (bin, part) = (centre.floor() as usize, centre.fract());
        let level = |bin: usize| 10.0 * bin_power(bin.min(grid.rows - 1)).log10();
        level(bin) * (1.0 - part) + level(bin + 1) * part
    }
}

#[test]
fn every_pixel_has_the_level_that_a_slow_computation_gives() {
    let grid = Grid::new(37, 129, |c, r| noise(c, r, 1e-7 * (1.0 + r as f32)));
    for axis in [FrequencyAxis::Linear, FrequencyAxis::Log, FrequencyAxis::Mel] {
        for (width, height) in [(20, 400), (90, 61), (37, 129), (50, 200)] {
            let mut spec = spec(&grid, width, height, axis);
            spec.scale = FrequencyScale::new(axis, 15.0, grid.top_hz());
            let rgba = paint(&spec, &grid);
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                let exact = (reference(&grid, &spec, x, y) + 120.0) / 100.0 * 255.0;
                let seen = grey(&rgba, width, x, y);
                // Half a step of rounding and a fiftieth for the arithmetic in single precision.
                let exact = exact.clamp(0.0, 255.0);
                assert!((seen - exact).abs() < 0.52, "{axis:?} {x} {y}: {seen} for {exact}");
            }
        }
    }
}

#[test]
fn flat_power_is_one_colour_at_every_size_and_on_every_axis() {
    let grid = Grid::new(64, 257, |_, _| 1e-7);
    for axis in [FrequencyAxis::Linear, FrequencyAxis::Log, FrequencyAxis::Mel] {
        for (width, height) in [(7, 5), (64, 257), (300, 1000), (63, 256)] {
            let rgba = paint(&spec(&grid, width, height, axis), &grid);
            // −70 dB is the middle of −120 to −20: 127.5, rounded either way.
            assert!(rgba.chunks(4).all(|p| matches!(p[0], 127 | 128) && p[3] == 255), "{axis:?}");
        }
    }
}

#[test]
fn noise_shows_no_stripes_between_bins() {
    // Eight pixels a bin: the mean level on the bins and half way between them must agree.
    let grid = Grid::new(400, 65, |c, r| noise(c, r, 1e-7));
    let rgba = paint(&spec(&grid, 400, 8 * 64, FrequencyAxis::Linear), &grid);
    let row = |y: usize| (0..400).map(|x| grey(&rgba, 400, x, y)).sum::<f64>() / 400.0;
    let at = |offset: usize| (1..63).map(|b| row(8 * b + offset)).sum::<f64>() / 62.0;
    let db = 100.0 / 255.0;
    assert!((at(0) - at(4)).abs() * db < 0.1, "{} and {}", at(0), at(4));
}

#[test]
fn the_noise_floor_keeps_its_level_from_one_column_a_pixel_to_all_of_them() {
    let grid = Grid::new(1024, 129, |c, r| noise(c, r, 1e-7));
    let level = |width: usize| {
        // Two bins a pixel: averaged in power in both directions.
        let rgba = paint(&spec(&grid, width, 64, FrequencyAxis::Linear), &grid);
        let power = rgba.chunks(4).map(|p| 10f64.powf(f64::from(p[0]) / 255.0 * 10.0 - 12.0));
        10.0 * (power.sum::<f64>() / (width * 64) as f64).log10()
    };
    for width in [1, 10, 100, 512, 700, 1024] {
        // Half a colour step is 0.2 dB.
        assert!((level(width) + 70.0).abs() < 0.3, "{width}: {}", level(width));
    }
}

#[test]
fn a_click_that_the_mean_hides_is_drawn_and_noise_is_not() {
    // Ten columns under a pixel with a hundred frames each; one frame in one of them is 45 dB up.
    let mut grid = Grid::new(400, 65, |_, _| 1e-8);
    grid.frames = 100.0;
    grid.max = (0..400 * 65).map(|i| 1e-8 * (100f32.ln() + noise(i / 65, i % 65, 1.0))).collect();
    for row in 20..40 {
        grid.max[157 * 65 + row] = 10f32.powf(-3.5);
    }
    let mut spec = spec(&grid, 40, 64, FrequencyAxis::Linear);
    let without = paint(&spec, &grid);
    spec.statistic = Statistic::Both;
    let with = paint(&spec, &grid);
    assert_eq!(grey(&without, 40, 15, 34), ((40.0 / 100.0) * 255.0f64).round());
    assert_eq!(grey(&with, 40, 15, 34), ((85.0 / 100.0) * 255.0f64).round());
    let changed = (0..40 * 64).filter(|i| i % 40 != 15 && with[i * 4] != without[i * 4]).count();
    assert!(changed <= 12, "{changed} of 2496 pixels of noise were lit");
    spec.statistic = Statistic::Max;
    let max = paint(&spec, &grid);
    assert_eq!(grey(&max, 40, 15, 34), grey(&with, 40, 15, 34));
    // The greatest of 10 × 100 frames lies about ln 1000 above the mean: 8 dB.
    let lit = grey(&max, 40, 3, 34) - grey(&without, 40, 3, 34);
    assert!((6.0..12.0).contains(&(lit / 255.0 * 100.0)), "{lit}");
}

#[test]
fn calibration_moves_levels_and_flattening_takes_the_sea_away() {
    let slope = |r: usize| 1e-6 * 10f32.powf(-(r as f32) / 32.0);
    let grid = Grid::new(16, 129, |c, r| slope(r) * if c == 8 { 100.0 } else { 1.0 });
    let mut spec = spec(&grid, 16, 257, FrequencyAxis::Linear);
    let plain = paint(&spec, &grid);
    let calibration = Calibration::UpaPerFullscale { db: 170.0.into() };
    (spec.calibration, spec.floor_db, spec.ceiling_db) = (Some(&calibration), 50.0, 150.0);
    assert_eq!(paint(&spec, &grid), plain);

    let median: Vec<f32> = (0..129).map(slope).collect();
    spec.flatten =
        Some(Flatten { median: &median, first_bin: 0.0, bins_per_row: 1.0, bin_hz: 10.0 });
    (spec.floor_db, spec.ceiling_db) = (-10.0, 30.0);
    let flat = paint(&spec, &grid);
    for y in 0..257 {
        assert!((grey(&flat, 16, 3, y) - 63.75).abs() < 1.0, "the sea is 0 dB everywhere");
        assert!((grey(&flat, 16, 8, y) - 191.25).abs() < 1.0, "the call is 20 dB above it");
    }
}

#[test]
fn a_table_moves_each_row_by_its_own_value_and_pales_where_it_says_nothing() {
    // Bins of 10 Hz to 1280 Hz; 170 dB at 100 Hz, 190 dB at 1000 Hz, straight over lg f.
    let table = FrequencyTable::new(vec![(100.0, 170.0), (1000.0, 190.0)]).expect("a table");
    let calibration = Calibration::UpaPerFullscale { db: table.into() };
    let offset_db = |hz: f64| 170.0 + 20.0 * (hz.clamp(100.0, 1000.0) / 100.0).log10();
    let noisy = |c: usize, r: usize| noise(c, r, 1e-7);
    let mut grid = Grid::new(20, 129, noisy);
    grid.max = grid.mean.iter().map(|m| m * 30.0).collect();
    let mut by_hand = Grid::new(20, 129, |c, r| {
        noisy(c, r) * 10f64.powf((offset_db(10.0 * r as f64) - 170.0) / 10.0) as f32
    });
    by_hand.max = by_hand.mean.iter().map(|m| m * 30.0).collect();
    for statistic in [Statistic::Mean, Statistic::Both, Statistic::Max] {
        // A pixel smaller than a row, about as large, and far larger.
        for height in [1000, 129, 40] {
            let mut plain = spec(&by_hand, 20, height, FrequencyAxis::Linear);
            plain.statistic = statistic;
            let mut calibrated = plain.clone();
            calibrated.calibration = Some(&calibration);
            (calibrated.floor_db, calibrated.ceiling_db) = (50.0, 150.0);
            let (expected, seen) = (paint(&plain, &by_hand), paint(&calibrated, &grid));
            for y in 0..height {
                let hz = plain.scale.to_hz(1.0 - (y as f64 + 0.5) / height as f64);
                let is_covered = (100.0..=1000.0).contains(&hz);
                for x in 0..20 {
                    let (a, b) = (grey(&expected, 20, x, y), grey(&seen, 20, x, y));
                    let pale = a + 0.55 * (f64::from(plain.theme.gap.r) - a);
                    let told = if is_covered { a } else { pale };
                    // A step is 0.4 dB: powers of ten are rounded to single precision.
                    assert!((b - told).abs() <= 1.0, "{statistic:?} {hz} Hz: {b} for {told}");
                }
            }
        }
    }
    // On the bin of 500 Hz: −70 dB and 183.98 dB are 113.98 dB re 1 µPa²/Hz.
    let flat = Grid::new(4, 129, |_, _| 1e-7);
    let mut picture = spec(&flat, 4, 129, FrequencyAxis::Linear);
    picture.scale = FrequencyScale::new(FrequencyAxis::Linear, -5.0, 1285.0);
    picture.calibration = Some(&calibration);
    (picture.floor_db, picture.ceiling_db) = (100.0, 125.5);
    let rgba = paint(&picture, &flat);
    assert!((grey(&rgba, 4, 1, 128 - 50) / 10.0 + 100.0 - 113.98).abs() < 0.06);
}

#[test]
fn gaps_are_striped_and_what_is_not_computed_yet_is_calm() {
    let mut grid = Grid::new(60, 33, |_, _| 1e-7);
    (grid.gap, grid.pending) = (20..40, 40..60);
    let spec = spec(&grid, 60, 40, FrequencyAxis::Linear);
    let rgba = paint(&spec, &grid);
    let colours = |columns: Range<usize>| {
        let mut seen: Vec<[u8; 4]> = Vec::new();
        for (x, y) in columns.flat_map(|x| (0..40).map(move |y| (x, y))) {
            let at = (y * 60 + x) * 4;
            let pixel = [rgba[at], rgba[at + 1], rgba[at + 2], rgba[at + 3]];
            if !seen.contains(&pixel) {
                seen.push(pixel);
            }
        }
        seen
    };
    let theme = spec.theme;
    let gap = colours(20..40);
    assert!(gap.contains(&theme.gap.rgba()) && gap.contains(&theme.gap_hatch.rgba()));
    assert_eq!(gap.len(), 2);
    assert_eq!(colours(40..60), [theme.pending.rgba()]);
    assert_eq!(colours(0..20).len(), 1);
}

#[test]
fn bands_of_different_tiles_meet_without_a_seam() {
    /// The same powers as one column, or as two that are stored apart.
    struct Parted<'a>(&'a [f32], bool);
    impl ColumnSource for Parted<'_> {
        fn columns(&self, _: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
            let mut give = |mean, first_bin| {
                let (frames, bins_per_row, bin_hz) = (1.0, 1.0, 10.0);
                each(1.0, Column { mean, max: &[], frames, first_bin, bins_per_row, bin_hz });
            };
            if self.1 {
                give(&self.0[64..], 64.0);
                give(&self.0[..64], 0.0);
            } else {
                give(self.0, 0.0);
            }
            Found::Data
        }
    }
    let power: Vec<f32> = (0..129).map(|r| noise(1, r, 1e-7)).collect();
    let grid = Grid::new(1, 129, |_, _| 0.0);
    for height in [40, 129, 1000] {
        let spec = spec(&grid, 3, height, FrequencyAxis::Linear);
        assert_eq!(paint(&spec, &Parted(&power, false)), paint(&spec, &Parted(&power, true)));
    }
}

#[test]
fn nothing_is_drawn_above_the_nyquist_frequency() {
    let grid = Grid::new(4, 33, |_, _| 1e-7);
    let mut spec = spec(&grid, 4, 64, FrequencyAxis::Linear);
    spec.scale = FrequencyScale::new(FrequencyAxis::Linear, 0.0, 2.0 * grid.top_hz());
    let rgba = paint(&spec, &grid);
    assert_eq!(rgba[..4], spec.theme.pending.rgba());
    assert_eq!(grey(&rgba, 4, 0, 63), 128.0);
}

#[test]
fn colour_maps_are_those_of_matplotlib() {
    // matplotlib 3.10: `(matplotlib.colormaps[name](i)[:3] * 255).round()` for i = 0, 64, 128, 192, 255.
    let maps = [
        (
            ColourMap::Viridis,
            [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]],
        ),
        (
            ColourMap::Magma,
            [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]],
        ),
        (
            ColourMap::Inferno,
            [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]],
        ),
        (
            ColourMap::Cividis,
            [[0, 34, 78], [67, 78, 108], [125, 124, 120], [188, 174, 108], [254, 232, 56]],
        ),
    ];
    for (map, expected) in maps {
        let lut = Lut::new(map);
        for (i, rgb) in [0usize, 64, 128, 192, 255].into_iter().zip(expected) {
            let seen = lut.entries()[i];
            let near = (0..3).all(|c| (i32::from(seen[c]) - rgb[c]).abs() <= 1);
            assert!(near, "{map:?} {i}: {seen:?}, matplotlib has {rgb:?}");
        }
    }
}
