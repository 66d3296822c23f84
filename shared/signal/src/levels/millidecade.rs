//! Hybrid millidecades: bands of 1 Hz up to where a thousandth of a decade is as wide, millidecades
//! above (Martin et al. 2021, "Hybrid millidecade spectra", doi:10.1121/10.0003324).

use spyhop_api::Band;

/// Millidecades of a decade.
const PER_DECADE: f64 = 1000.0;

/// Which published table of bands. They differ by half a millidecade and in where the bands of 1 Hz
/// end; spectra of both are otherwise the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MillidecadeEdition {
    /// As published, and as MANTA describes it: bands of 1 Hz to 455 Hz, then millidecades centred on
    /// 10^(n/1000) Hz from 456.04 Hz on.
    #[default]
    Published,
    /// With the erratum of April 2021 (doi:10.1121/10.0005818), as PyPAM, PBP and Triton compute it:
    /// bands of 1 Hz to 434 Hz, then millidecades centred on 10^((n + ½)/1000) Hz from 435.01 Hz on.
    Corrected,
}

impl MillidecadeEdition {
    /// The last band of 1 Hz.
    fn last_linear_hz(self) -> u32 {
        match self {
            MillidecadeEdition::Published => 455,
            MillidecadeEdition::Corrected => 434,
        }
    }

    /// The first millidecade above it, in millidecades from 1 Hz. Both are where a millidecade's centre
    /// comes nearest to the whole hertz that would be next.
    fn first_millidecade(self) -> f64 {
        match self {
            MillidecadeEdition::Published => 2659.0,
            MillidecadeEdition::Corrected => 2638.5,
        }
    }
}

/// The bands from 0 Hz to half a sampling rate, meeting at their edges. The first is centred on 0 Hz;
/// the last ends at half the rate. As in the published code, the last one is the last centred below
/// half the rate (`Published`), or the last that begins below it, centred there at most (`Corrected`).
pub fn hybrid_millidecades(sample_rate_hz: f64, edition: MillidecadeEdition) -> Vec<Band> {
    let nyquist_hz = sample_rate_hz / 2.0;
    if !(nyquist_hz > 0.0 && nyquist_hz.is_finite()) {
        return Vec::new();
    }
    let centre = |m: f64| 10f64.powf(m / PER_DECADE);
    let linear = (0..=edition.last_linear_hz()).map(f64::from).map(|hz| Band {
        low_hz: hz - 0.5,
        centre_hz: hz,
        high_hz: hz + 0.5,
    });
    let first = edition.first_millidecade();
    let mut bands: Vec<Band> = linear.take_while(|b| b.centre_hz <= nyquist_hz).collect();
    let begins = |m: f64| match edition {
        MillidecadeEdition::Published => centre(m) < nyquist_hz,
        // A band of no width is none, whatever rounding says.
        MillidecadeEdition::Corrected => centre(m - 0.5) < nyquist_hz * (1.0 - 1e-9),
    };
    let millidecades =
        (0..).map(|i| first + f64::from(i)).take_while(|&m| begins(m)).map(|m| Band {
            low_hz: centre(m - 0.5),
            centre_hz: centre(m).min(nyquist_hz),
            high_hz: centre(m + 0.5),
        });
    let linear_count = bands.len();
    bands.extend(millidecades);
    // The last band of 1 Hz ends where the first millidecade begins, 0.01 Hz off.
    if let Some(first_low_hz) = bands.get(linear_count).map(|b| b.low_hz) {
        bands[linear_count - 1].high_hz = first_low_hz;
        if let Some(last) = bands.last_mut() {
            last.high_hz = nyquist_hz;
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_meet_and_cover_everything_up_to_half_the_rate() {
        for edition in [MillidecadeEdition::Published, MillidecadeEdition::Corrected] {
            for rate in [2000.0, 11_718.75, 48_000.0, 192_000.0, 500_000.0] {
                let bands = hybrid_millidecades(rate, edition);
                assert_eq!((bands[0].low_hz, bands[0].centre_hz), (-0.5, 0.0));
                assert_eq!(bands[bands.len() - 1].high_hz, rate / 2.0);
                for pair in bands.windows(2) {
                    let gap = pair[1].low_hz - pair[0].high_hz;
                    assert!(gap.abs() < 1e-9 * pair[0].high_hz.abs(), "{pair:?}");
                    assert!(pair[0].centre_hz < pair[1].centre_hz, "{pair:?}");
                }
            }
        }
    }

    #[test]
    fn a_rate_below_the_millidecades_has_bands_of_1_hz_alone() {
        let bands = hybrid_millidecades(200.0, MillidecadeEdition::Published);
        assert_eq!((bands.len(), bands[100].centre_hz), (101, 100.0));
        assert!(hybrid_millidecades(0.0, MillidecadeEdition::Published).is_empty());
    }
}
