//! The band that holds the middle nine tenths of a call's energy.

use crate::measure::{BinEnergy, energy_share_hz};

/// From which frequency to which 5 % to 95 % of the energy of bins lie, between the edges of bins.
/// `energy[i]` belongs to the bin around `(first_bin + i) · bin_hz`; what lies outside `band_hz` does not
/// count. Without energy it is the whole band.
pub(super) fn energy_band(
    energy: &[f64],
    first_bin: usize,
    bin_hz: f64,
    band_hz: (f64, f64),
) -> (f64, f64) {
    let bins: Vec<BinEnergy> = energy
        .iter()
        .enumerate()
        .filter_map(|(i, e)| BinEnergy::in_band(first_bin + i, bin_hz, e.max(0.0), band_hz))
        .collect();
    let has_energy = bins.iter().any(|bin| bin.energy > 0.0);
    let at = |share: f64| energy_share_hz(&bins, share).filter(|_| has_energy);
    (at(0.05).unwrap_or(band_hz.0), at(0.95).unwrap_or(band_hz.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_an_even_spectrum_are_nine_tenths_of_its_band() {
        let (low, high) = energy_band(&[1.0; 101], 0, 10.0, (0.0, 1000.0));
        assert!((low - 50.0).abs() < 1e-9 && (high - 950.0).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn what_lies_outside_the_band_does_not_count() {
        let mut energy = vec![0.0; 50];
        energy[5] = 100.0;
        energy[20] = 1.0;
        // The bin around 200 Hz reaches from 195 to 205 Hz.
        let (low, high) = energy_band(&energy, 0, 10.0, (100.0, 400.0));
        assert!((low - 195.5).abs() < 1e-9 && (high - 204.5).abs() < 1e-9, "{low} {high}");
        assert_eq!(energy_band(&energy, 0, 10.0, (300.0, 400.0)), (300.0, 400.0));
    }
}
