//! Levels of a stretch of the picture, from the columns that it is drawn of: the mean spectrum with
//! percentiles over time, decidecades, and the broadband level over time.

use std::ops::Range;

use spyhop_api::levels::Band;
use spyhop_paint::{Column, ColumnSource, Found};
use spyhop_signal::levels::{BandPower, decidecades, level_db, percentiles};

/// Percentiles that are shown: the level that so many percent of the slices do not exceed.
pub const PERCENTS: [f64; 5] = [5.0, 25.0, 50.0, 75.0, 95.0];
/// Slices of the stretch that percentiles are taken over.
const SLICES: usize = 256;
/// More rows than this are averaged together: no chart shows them.
const MOST_ROWS: usize = 1024;
/// Narrower bands, in bins, hold more of their neighbours than of themselves.
const BINS_IN_A_BAND: f64 = 2.0;
/// Below this spectra of a second resolve no decidecade.
const LOWEST_BAND_HZ: f64 = 10.0;

/// What the levels are of.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Places on the screen's axis.
    pub places: Range<f64>,
    /// Band of the broadband level.
    pub band_hz: (f64, f64),
    /// What the source's power is divided by to be a density: 1, or hertz of the window's equivalent
    /// rectangle where it is power in a bin.
    pub bin_width_hz: f64,
}

/// Levels, dB in the unit of the calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Middle of each row, hertz.
    pub hz: Vec<f64>,
    /// Level of each row's mean density.
    pub mean_db: Vec<f64>,
    /// For each of [`PERCENTS`], the level of each row.
    pub percentiles_db: Vec<Vec<f64>>,
    /// Decidecades that the spectrum resolves, and the level in each.
    pub bands: Vec<(Band, f64)>,
    /// Middle of each slice (a place) and the level in the band; NaN in gaps.
    pub over_time: Vec<(f64, f64)>,
    /// Level of the mean power in the band.
    pub broadband_db: f64,
    /// For each of [`PERCENTS`], of the levels in the band.
    pub broadband_percentiles_db: Vec<f64>,
    /// Slices in which something was recorded.
    pub slices: usize,
    /// Some of the stretch is still to be computed.
    pub partial: bool,
}

/// A slice's mean density, row by row.
struct Slice {
    place: f64,
    density: Option<Vec<f32>>,
}

/// Which bins rows stand for.
#[derive(Clone, Copy, PartialEq)]
struct Rows {
    bin_hz: f64,
    bins_per_row: f64,
    first_bin: f64,
}

impl Rows {
    fn width_hz(&self) -> f64 {
        self.bins_per_row * self.bin_hz
    }

    /// Edges of a row: bin k reaches half a bin to both sides of its frequency.
    fn edges_hz(&self, row: usize) -> (f64, f64) {
        let edge = |row: f64| (self.first_bin + row * self.bins_per_row - 0.5) * self.bin_hz;
        (edge(row as f64), edge(row as f64 + 1.0))
    }

    fn middle_hz(&self, row: usize) -> f64 {
        let (low, high) = self.edges_hz(row);
        (low + high) / 2.0
    }
}

/// Levels of a stretch; `None` where nothing of it is at hand. `offset_db` is what is added to dB re full
/// scale at a frequency, `None` where nothing is known of it.
pub fn levels(
    source: &impl ColumnSource,
    subject: &Subject,
    offset_db: impl Fn(f64) -> Option<f64>,
) -> Option<Levels> {
    let mut rows: Option<Rows> = None;
    let mut partial = false;
    let wide = (subject.places.end - subject.places.start) / SLICES as f64;
    let slices: Vec<Slice> = (0..SLICES)
        .map(|i| {
            let from = subject.places.start + i as f64 * wide;
            let (found, density) = slice(source, from..from + wide, subject, &mut rows);
            partial |= found == Found::Pending;
            Slice { place: from + wide / 2.0, density }
        })
        .collect();
    let rows = rows?;
    let recorded: Vec<&Vec<f32>> = slices.iter().filter_map(|s| s.density.as_ref()).collect();
    let count = recorded.iter().map(|d| d.len()).min()?;
    let mean: Vec<f64> = (0..count)
        .map(|row| recorded.iter().map(|d| f64::from(d[row])).sum::<f64>() / recorded.len() as f64)
        .collect();
    let gain = |hz: f64| offset_db(hz).map_or(f64::NAN, |db| 10f64.powf(db / 10.0));
    let gains: Vec<f64> = (0..count).map(|row| gain(rows.middle_hz(row).max(0.0))).collect();

    let pooled = count.div_ceil(MOST_ROWS);
    let groups: Vec<Range<usize>> =
        (0..count).step_by(pooled).map(|r| r..(r + pooled).min(count)).collect();
    let average = |values: &dyn Fn(usize) -> f64, group: &Range<usize>| {
        group.clone().map(values).sum::<f64>() / group.len() as f64
    };
    let mut percentiles_db = vec![Vec::with_capacity(groups.len()); PERCENTS.len()];
    for group in &groups {
        let mut values: Vec<f32> = recorded
            .iter()
            .map(|d| level_db(average(&|r| f64::from(d[r]) * gains[r], group)) as f32)
            .collect();
        let found = percentiles(&mut values, &PERCENTS);
        percentiles_db.iter_mut().zip(found).for_each(|(all, level)| all.push(level));
    }
    let in_band = |density: &dyn Fn(usize) -> f64| power_in_band(&rows, count, subject, density);
    let over_time: Vec<(f64, f64)> = slices
        .iter()
        .map(|s| {
            let level = s.density.as_ref().map(|d| in_band(&|r| f64::from(d[r]) * gains[r]));
            (s.place, level.map_or(f64::NAN, level_db))
        })
        .collect();
    let mut broadband: Vec<f32> = over_time.iter().map(|(_, db)| *db as f32).collect();
    Some(Levels {
        hz: groups.iter().map(|g| average(&|r| rows.middle_hz(r), g)).collect(),
        mean_db: groups.iter().map(|g| level_db(average(&|r| mean[r] * gains[r], g))).collect(),
        percentiles_db,
        bands: in_decidecades(&rows, &mean, &gains),
        over_time,
        broadband_db: level_db(in_band(&|r| mean[r] * gains[r])),
        broadband_percentiles_db: percentiles(&mut broadband, &PERCENTS),
        slices: recorded.len(),
        partial,
    })
}

fn slice(
    source: &impl ColumnSource,
    places: Range<f64>,
    subject: &Subject,
    rows: &mut Option<Rows>,
) -> (Found, Option<Vec<f32>>) {
    let (mut sum, mut weights) = (Vec::new(), 0.0f32);
    let found = source.columns(places, &mut |weight, column: Column<'_>| {
        let Column { bin_hz, bins_per_row, first_bin, .. } = column;
        let these = Rows { bin_hz, bins_per_row, first_bin };
        // Where tiles stand in for what is still computed the rows are others: they wait.
        if *rows.get_or_insert(these) != these {
            return;
        }
        sum.resize(column.mean.len(), 0.0f32);
        sum.iter_mut().zip(column.mean).for_each(|(sum, mean)| *sum += weight * mean);
        weights += weight;
    });
    if weights <= 0.0 {
        return (found, None);
    }
    let by = 1.0 / (weights * subject.bin_width_hz as f32);
    sum.iter_mut().for_each(|s| *s *= by);
    (found, Some(sum))
}

/// Power of the rows in the band, those at its edges in part. The lowest bin is left out: DC stands
/// there, which is no sound. What a calibration says nothing of counts for nothing; not a number where
/// that is all.
fn power_in_band(
    rows: &Rows,
    count: usize,
    subject: &Subject,
    density: &dyn Fn(usize) -> f64,
) -> f64 {
    let (low, high) = (subject.band_hz.0.max(rows.bin_hz / 2.0), subject.band_hz.1);
    let parts = (0..count).filter_map(|row| {
        let (from, to) = rows.edges_hz(row);
        let covered = (to.min(high) - from.max(low)).max(0.0);
        let power = if covered > 0.0 { covered * density(row) } else { 0.0 };
        (covered > 0.0 && !power.is_nan()).then_some(power)
    });
    parts.reduce(|a, b| a + b).unwrap_or(f64::NAN)
}

fn in_decidecades(rows: &Rows, mean: &[f64], gains: &[f64]) -> Vec<(Band, f64)> {
    // Rows of one bin each, from 0 Hz: what there is no row for is no number.
    let (width, first) = (rows.bins_per_row.max(1.0) as usize, rows.first_bin as usize);
    let mut bins = vec![f64::NAN; first + mean.len() * width];
    for (row, (mean, gain)) in mean.iter().zip(gains).enumerate() {
        bins[first + row * width..first + (row + 1) * width].fill(mean * gain);
    }
    let highest_hz = (bins.len() as f64 - 1.0) * rows.bin_hz;
    let resolved = |b: &Band| b.width_hz() >= BINS_IN_A_BAND * rows.width_hz();
    let bands: Vec<Band> =
        decidecades(LOWEST_BAND_HZ, highest_hz).into_iter().filter(resolved).collect();
    let powers = BandPower::new(&bands, rows.bin_hz, bins.len()).powers(&bins);
    let levels = bands.into_iter().zip(powers.into_iter().map(level_db));
    levels.filter(|(_, level)| level.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise of 1e-6 FS²/Hz, ten times as strong from the middle on, nothing in the last quarter.
    struct Source;

    impl ColumnSource for Source {
        fn columns(&self, places: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
            if places.start >= 75.0 {
                return Found::Gap;
            }
            let power = if places.start < 50.0 { 1e-6 } else { 1e-5 };
            let mean = [power; 513];
            let (first_bin, bins_per_row, bin_hz) = (0.0, 1.0, 46.875);
            each(
                1.0,
                Column { mean: &mean, max: &[], frames: 1.0, first_bin, bins_per_row, bin_hz },
            );
            Found::Data
        }
    }

    fn subject() -> Subject {
        Subject { places: 0.0..100.0, band_hz: (1000.0, 11_000.0), bin_width_hz: 1.0 }
    }

    #[test]
    fn white_noise_has_the_level_of_its_density_and_its_band() {
        let levels = levels(&Source, &subject(), |_| Some(0.0)).expect("levels");
        assert_eq!(levels.slices, 192);
        // Two thirds at 1e-6 and one third at 1e-5: 4e-6.
        let mean = level_db(4e-6);
        assert!(levels.mean_db.iter().all(|l| (l - mean).abs() < 1e-3));
        assert!((levels.broadband_db - (mean + 40.0)).abs() < 1e-3, "10 kHz are 40 dB");
        assert!((levels.percentiles_db[2][100] - -60.0).abs() < 1e-3, "the median");
        assert!((levels.percentiles_db[4][100] - -50.0).abs() < 1e-3, "the loudest");
        assert!((levels.broadband_percentiles_db[2] - -20.0).abs() < 1e-3);
        let (place, last) = levels.over_time[250];
        assert!(place > 97.0 && last.is_nan(), "a gap is no number");
        let (band, level) = levels.bands[levels.bands.len() - 3];
        assert!((level - (mean + level_db(band.width_hz()))).abs() < 0.01, "{band:?} {level}");
        assert!(levels.bands[0].0.width_hz() >= 2.0 * 46.875, "bands that are resolved only");
    }

    #[test]
    fn a_calibration_is_added_where_it_is_known() {
        let above = |hz: f64| (hz > 5000.0).then_some(170.0);
        let levels = levels(&Source, &subject(), above).expect("levels");
        assert!(levels.mean_db[10].is_nan());
        assert!((levels.mean_db[400] - (level_db(4e-6) + 170.0)).abs() < 1e-3);
        assert!(levels.bands.iter().all(|(band, _)| band.low_hz > 4900.0));
        // 6 of the 10 kHz are known of: within a row's width, 37.78 dB of bandwidth.
        let expected = level_db(4e-6) + 170.0 + level_db(6000.0);
        assert!((levels.broadband_db - expected).abs() < 0.02, "{}", levels.broadband_db);
    }

    #[test]
    fn power_in_bins_is_turned_to_density() {
        let subject = Subject { bin_width_hz: 10.0, ..subject() };
        let levels = levels(&Source, &subject, |_| Some(0.0)).expect("levels");
        assert!((levels.mean_db[5] - level_db(4e-7)).abs() < 1e-3);
    }
}
