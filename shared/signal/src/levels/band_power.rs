//! Power in bands, from a spectrum: bins that two bands share are split in proportion.

use spyhop_api::Band;

/// Less of a bin than this is none: edges that should meet do so to rounding.
const NEGLIGIBLE_BINS: f64 = 1e-9;

/// Sums power spectral density over bands. Bin k covers (k ± ½)·`bin_hz`; a bin that a band covers in
/// part counts by that part (Martin et al. 2021, as MANTA and PyPAM).
#[derive(Clone, Debug, PartialEq)]
pub struct BandPower {
    bands: Vec<Band>,
    parts: Vec<Option<Part>>,
    bin_hz: f64,
}

/// The bins of a band. Shares are of one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    first: usize,
    first_share: f64,
    last: usize,
    /// 0 where first and last are one bin.
    last_share: f64,
}

impl BandPower {
    /// Prepares the sums over `bands` of spectra of `bins` bins from 0 Hz on.
    pub fn new(bands: &[Band], bin_hz: f64, bins: usize) -> BandPower {
        let parts = bands.iter().map(|band| Part::of(band, bin_hz, bins)).collect();
        BandPower { bands: bands.to_vec(), parts, bin_hz }
    }

    /// The bands.
    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// Power in each band: density summed over its width. NaN where the spectrum does not reach over
    /// the whole band, or a bin of it holds no data.
    pub fn powers(&self, density: &[f64]) -> Vec<f64> {
        let power = |part: &Option<Part>| part.and_then(|p| p.sum(density)).unwrap_or(f64::NAN);
        self.parts.iter().map(|part| self.bin_hz * power(part)).collect()
    }

    /// Mean density in each band: its power by its width.
    pub fn mean_densities(&self, density: &[f64]) -> Vec<f64> {
        let mut powers = self.powers(density);
        powers.iter_mut().zip(&self.bands).for_each(|(p, band)| *p /= band.width_hz());
        powers
    }
}

impl Part {
    fn of(band: &Band, bin_hz: f64, bins: usize) -> Option<Part> {
        // Edges counted in bins from the lower edge of bin 0. The last bin is Nyquist's, of which only
        // the lower half is a frequency that there is.
        let low = (band.low_hz / bin_hz + 0.5).max(0.0);
        let high = band.high_hz / bin_hz + 0.5;
        if !(band.high_hz > band.low_hz && high > low && high <= bins as f64 + NEGLIGIBLE_BINS) {
            return None;
        }
        let first = (low + NEGLIGIBLE_BINS).floor();
        let last = ((high - NEGLIGIBLE_BINS).ceil() - 1.0).max(first);
        let (first_share, last_share) =
            if last == first { (high - low, 0.0) } else { (first + 1.0 - low, high - last) };
        Some(Part { first: first as usize, first_share, last: last as usize, last_share })
    }

    fn sum(&self, density: &[f64]) -> Option<f64> {
        let inner = density.get(self.first + 1..self.last.max(self.first + 1))?;
        let mut sum = self.first_share * density.get(self.first)? + inner.iter().sum::<f64>();
        if self.last > self.first {
            sum += self.last_share * density.get(self.last)?;
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(low_hz: f64, high_hz: f64) -> Band {
        Band { low_hz, centre_hz: (low_hz + high_hz) / 2.0, high_hz }
    }

    fn powers(bands: &[Band], density: &[f64]) -> Vec<f64> {
        BandPower::new(bands, 2.0, density.len()).powers(density)
    }

    #[test]
    fn a_bin_that_two_bands_share_is_split_in_proportion() {
        // Bins of 2 Hz at 0, 2, 4, 6 Hz: bin 2 covers 3 to 5 Hz.
        let density = [1.0, 10.0, 100.0, 1000.0];
        let bands = [band(1.0, 3.5), band(3.5, 4.0), band(4.0, 7.0)];
        assert_eq!(powers(&bands, &density), [20.0 + 50.0, 50.0, 100.0 + 2000.0]);
        // The parts make the whole.
        assert_eq!(powers(&[band(1.0, 7.0)], &density), [2220.0]);
        let means = BandPower::new(&bands, 2.0, 4).mean_densities(&density);
        assert_eq!(means, [28.0, 100.0, 700.0]);
    }

    #[test]
    fn a_band_that_meets_a_bins_edge_takes_nothing_of_the_next_bin() {
        let density = [1.0, f64::NAN, 3.0, f64::NAN];
        let powers = powers(&[band(-1.0, 1.0), band(3.0, 5.0 + 1e-12), band(2.9, 5.0)], &density);
        assert_eq!(powers[0], 2.0);
        assert!((powers[1] - 6.0).abs() < 1e-9, "{powers:?}");
        assert!(powers[2].is_nan(), "a part of a bin without data is no data");
    }

    #[test]
    fn a_band_that_the_spectrum_does_not_cover_has_no_power() {
        let bands = [band(0.0, 100.0), band(5.0, 4.0), band(f64::NAN, 2.0)];
        assert!(powers(&bands, &[1.0; 4]).iter().all(|p| p.is_nan()));
        let short = BandPower::new(&[band(1.0, 5.0)], 2.0, 4).powers(&[1.0]);
        assert!(short[0].is_nan());
    }
}
