//! Below which frequency a share of a band's energy lies.

/// Energy of a bin, or of the part of one that lies in a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BinEnergy {
    pub from_hz: f64,
    pub to_hz: f64,
    pub energy: f64,
}

impl BinEnergy {
    /// The part of the bin around `bin · bin_hz` that lies in a band; `None` where none does.
    pub fn in_band(bin: usize, bin_hz: f64, energy: f64, band_hz: (f64, f64)) -> Option<BinEnergy> {
        let from_hz = ((bin as f64 - 0.5) * bin_hz).max(band_hz.0);
        let to_hz = ((bin as f64 + 0.5) * bin_hz).min(band_hz.1);
        let energy = energy * (to_hz - from_hz) / bin_hz;
        (to_hz > from_hz && energy.is_finite()).then_some(BinEnergy { from_hz, to_hz, energy })
    }
}

/// The frequency below which a share of the energy of neighbouring bins lies; within a bin it is spread
/// evenly. `None` without bins.
pub(crate) fn energy_share_hz(bins: &[BinEnergy], share: f64) -> Option<f64> {
    let mut left = share * bins.iter().map(|bin| bin.energy).sum::<f64>();
    for bin in bins {
        if left <= bin.energy {
            let part = if bin.energy > 0.0 { left / bin.energy } else { 0.0 };
            return Some(bin.from_hz + (bin.to_hz - bin.from_hz) * part);
        }
        left -= bin.energy;
    }
    bins.last().map(|bin| bin.to_hz)
}
