//! Which level and which rows a picture is made of.

use std::ops::Range;

use spyhop_api::view::SpectrumSettings;
use spyhop_signal::Line;
use spyhop_signal::spectrum::SpectrumSpec;

use super::Wanted;
use super::tile::{Layer, Place, Strip, TILE_COLUMNS};

/// Rows up to which a tile holds the whole band, so that zooming in frequency computes nothing.
const WHOLE_BAND_ROWS: usize = 2049;
/// Columns closer than a window over this differ by nothing that can be seen.
const COLUMNS_PER_WINDOW: u32 = 64;
/// No picture is coarser: 2^40 samples are a month at 384 kHz.
const COARSEST_LEVEL: u32 = 40;

/// What a wanted picture is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub layer: Layer,
    /// Columns of `2^level` samples, more than half a pixel and at most one, unless the window is
    /// far longer than that.
    pub level: u32,
    /// The same for the wave form, down to single samples.
    pub wave_level: u32,
    /// Positions inside the line.
    pub positions: Range<i64>,
}

impl Target {
    /// The target of a picture on a line that ends at `end`; `rows_wanted` rows at least, where the
    /// FFT has them.
    pub fn of(wanted: &Wanted, sample_rate_hz: f64, end: i64, rows_wanted: usize) -> Target {
        let spec = SpectrumSpec::from((&wanted.spectrum, sample_rate_hz));
        let pixel_level = Target::pixel_level(wanted);
        let finest = (wanted.spectrum.window_samples / COLUMNS_PER_WINDOW).max(1).ilog2();
        let start = wanted.positions.start.floor().clamp(0.0, end as f64) as i64;
        let stop = wanted.positions.end.ceil().clamp(0.0, end as f64) as i64;
        Target {
            layer: Layer {
                spectrum: (&wanted.spectrum).into(),
                channel: wanted.channel,
                strip: strip(&spec, wanted.band_hz, rows_wanted),
            },
            level: pixel_level.clamp(finest, COARSEST_LEVEL),
            wave_level: pixel_level,
            positions: start..stop.max(start),
        }
    }

    /// The same with no more rows than the band that is shown has.
    pub fn cropped(
        mut self,
        band_hz: (f64, f64),
        sample_rate_hz: f64,
        spectrum: &SpectrumSettings,
        rows_wanted: usize,
    ) -> Target {
        let spec = SpectrumSpec::from((spectrum, sample_rate_hz));
        let (bins_per_row, shown) = rows_of_band(&spec, band_hz, rows_wanted);
        let rows = spec.rows(bins_per_row);
        let first_row = shown.start.min(rows.saturating_sub(1));
        let end_row = shown.end.clamp(first_row + 1, rows);
        self.layer.strip = Strip { first_row, rows: end_row - first_row, bins_per_row };
        self
    }

    /// The level whose columns are more than half a pixel and at most one, or single samples.
    pub fn pixel_level(wanted: &Wanted) -> u32 {
        let per_pixel =
            (wanted.positions.end - wanted.positions.start) / f64::from(wanted.width_px.max(1));
        (per_pixel.max(1.0).log2().floor() as u32).min(COARSEST_LEVEL)
    }

    /// Columns at a level that the picture touches.
    pub fn columns(&self, level: u32) -> Range<i64> {
        if self.positions.is_empty() {
            return 0..0;
        }
        self.positions.start >> level..((self.positions.end - 1) >> level) + 1
    }

    /// Tiles at a level that the picture touches and in which something was recorded, with the columns of
    /// each: between two recordings whose gap is folded away there may be millions of others.
    pub fn tiles<'a>(
        &self,
        level: u32,
        line: &'a Line,
    ) -> impl Iterator<Item = (Place, Range<usize>)> + use<'a> {
        let (columns, positions) = (self.columns(level), self.positions.clone());
        let size = TILE_COLUMNS as i64;
        let mut from = positions.start;
        std::iter::from_fn(move || {
            let recorded = line.parts(from..positions.end).next()?.position;
            let index = (recorded >> level).div_euclid(size);
            let first = index * size;
            from = (first + size) << level;
            let within = |column: i64| (column - first).clamp(0, size) as usize;
            Some((Place { level, index }, within(columns.start)..within(columns.end)))
        })
    }
}

/// As many bins pooled in a row as leave `rows_wanted` rows in a band, and the rows in which that lies.
fn rows_of_band(
    spec: &SpectrumSpec,
    band_hz: (f64, f64),
    rows_wanted: usize,
) -> (usize, Range<usize>) {
    let bin = |hz: f64| (hz / spec.bin_hz()).clamp(0.0, spec.bins() as f64);
    let (low, high) = (bin(band_hz.0.min(band_hz.1)), bin(band_hz.0.max(band_hz.1)));
    let bins_per_row = match ((high - low) / rows_wanted.max(1) as f64) as usize {
        0 => 1,
        n => 1 << n.ilog2(),
    };
    let row = |bin: f64| bin / bins_per_row as f64;
    (bins_per_row, row(low).floor() as usize..row(high).ceil() as usize + 1)
}

/// Rows for a picture: a tile holds the whole band where that is not too much, else more than is shown.
fn strip(spec: &SpectrumSpec, band_hz: (f64, f64), rows_wanted: usize) -> Strip {
    let (bins_per_row, shown) = rows_of_band(spec, band_hz, rows_wanted);
    let rows = spec.rows(bins_per_row);
    if rows <= WHOLE_BAND_ROWS {
        return Strip { first_row: 0, rows, bins_per_row };
    }
    let (low, high) = (shown.start, shown.end);
    let mut size = high.saturating_sub(low).next_power_of_two().max(1024);
    loop {
        let first_row = low / (size / 2) * (size / 2);
        if high <= first_row + size + 1 || size > rows {
            // One row more than a power of two: Nyquist stands alone in the last.
            return Strip {
                first_row: first_row.min(rows - 1),
                rows: (size + 1).min(rows - first_row.min(rows - 1)),
                bins_per_row,
            };
        }
        size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::view::SpectrumSettings;
    use spyhop_signal::line::Run;

    fn wanted(positions: Range<f64>, fft_size: u32, band_hz: (f64, f64)) -> Wanted {
        Wanted {
            positions,
            width_px: 1000,
            height_px: 650,
            band_hz,
            spectrum: SpectrumSettings {
                fft_size,
                window_samples: fft_size,
                hop_samples: fft_size / 2,
                ..SpectrumSettings::default()
            },
            channel: 0,
        }
    }

    #[test]
    fn a_column_is_at_most_a_pixel_and_more_than_half_of_one() {
        for samples in [70_000.0, 1e6, 1_048_576_000.0, 3.3e9] {
            let t = Target::of(&wanted(0.0..samples, 1024, (0.0, 24e3)), 48e3, 4_000_000_000, 1024);
            let column = (1u64 << t.level) as f64;
            assert!(column <= samples / 1000.0 && column > samples / 2000.0, "{samples}: {t:?}");
            let columns = t.columns(t.level);
            let run = Run { position: 0, frames: 4_000_000_000, recording: 0, first_frame: 0 };
            let line = Line { sample_rate_hz: 48e3, origin: None, runs: vec![run] };
            let held: usize = t.tiles(t.level, &line).map(|(_, c)| c.len()).sum();
            assert_eq!(held as i64, columns.end - columns.start);
        }
    }

    #[test]
    fn between_recordings_a_year_apart_there_are_no_tiles() {
        let year = 365 * 86_400 * 192_000_i64;
        let run = |position| Run { position, frames: 192_000, recording: 0, first_frame: 0 };
        let line = Line { sample_rate_hz: 192e3, origin: None, runs: vec![run(0), run(year)] };
        let mut folded = wanted(96e3..year as f64 + 96e3, 1024, (0.0, 96e3));
        // As many pixels as keep the columns of a second.
        folded.width_px = u32::MAX;
        let t = Target::of(&folded, 192e3, line.end(), 1024);
        let places: Vec<i64> = t.tiles(7, &line).map(|(place, _)| place.index).collect();
        let of = |position: i64| position / (TILE_COLUMNS as i64 * 128);
        let all = (of(96_000)..=of(191_999)).chain(of(year)..=of(year + 95_999));
        assert_eq!(places, all.collect::<Vec<_>>());
        assert_eq!(t.tiles(40, &line).count(), 1);
    }

    #[test]
    fn zoomed_to_single_samples_the_wave_has_them_and_the_window_bounds_the_columns() {
        let t = Target::of(&wanted(1000.0..1100.0, 1024, (0.0, 24e3)), 48e3, 48_000, 1024);
        assert_eq!((t.level, t.wave_level), (4, 0));
    }

    #[test]
    fn every_band_lies_in_its_strip_with_a_row_for_each_pixel() {
        for fft_size in [64, 1024, 4096, 16_384, 65_536] {
            for (low, high) in [(0.0, 24e3), (0.0, 100.0), (11_990.0, 12_020.0), (9e3, 24e3)] {
                let t = Target::of(&wanted(0.0..1e6, fft_size, (low, high)), 48e3, 1 << 20, 1024);
                let bins = t.layer.strip.bins();
                let bin_hz = 48e3 / f64::from(fft_size);
                assert!(bins.start as f64 * bin_hz <= low, "{fft_size} {low} {t:?}");
                assert!(bins.end as f64 * bin_hz >= high, "{fft_size} {high} {t:?}");
                let rows = (high - low) / bin_hz / t.layer.strip.bins_per_row as f64;
                assert!(rows >= 1023.0 || t.layer.strip.bins_per_row == 1);
                assert!(t.layer.strip.rows <= 4097, "{t:?}");
            }
        }
    }
}
