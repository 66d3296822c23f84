//! Decidecades: bands a tenth of a decade wide (IEC 61260-1 base 10, ISO 18405 3.1.4.2), which stand in
//! for third octaves.

use spyhop_api::Band;

/// Nominal frequencies of the bands that every export holds: what EU monitoring (MSFD descriptor 11)
/// asks for.
pub const ALWAYS_EXPORTED_HZ: [f64; 2] = [63.0, 125.0];

/// What bands of one decade are called (IEC 61260-1, table E.1).
const NOMINAL: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];

/// The band n: centre 1000·10^(n/10) Hz, edges half a band to either side.
pub fn decidecade(n: i32) -> Band {
    let at = |tenths: f64| 1000.0 * 10f64.powf(tenths / 10.0);
    let n = f64::from(n);
    Band { low_hz: at(n - 0.5), centre_hz: at(n), high_hz: at(n + 0.5) }
}

/// All decidecades that lie wholly within `low_hz..high_hz`, low ones first. Below 10 Hz spectra of one
/// second do not resolve them: a band is then narrower than 2.3 bins.
pub fn decidecades(low_hz: f64, high_hz: f64) -> Vec<Band> {
    if !(low_hz.max(f64::MIN_POSITIVE) < high_hz && high_hz.is_finite()) {
        return Vec::new();
    }
    // From a milliherz to a gigahertz: nothing outside is sampled.
    let all = (-60..=60).map(decidecade);
    // An edge that is meant to be a band's own may differ from it by rounding.
    let nearly = 1e-9;
    all.filter(|b| b.low_hz >= low_hz * (1.0 - nearly) && b.high_hz <= high_hz * (1.0 + nearly))
        .collect()
}

/// What the band n is called: 63 for n = −12, whose centre is 63.096 Hz.
pub fn nominal_hz(n: i32) -> f64 {
    let mantissa = NOMINAL[n.rem_euclid(10) as usize];
    // Powers of ten in whole numbers: 6.3 · 10 is to be 63, whatever 10^1 is to rounding.
    let decade = n.div_euclid(10) + 3;
    let scaled = (mantissa * 100.0).round();
    if decade >= 2 { scaled * 10f64.powi(decade - 2) } else { scaled / 10f64.powi(2 - decade) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decidecades_are_centred_on_1000_hz_and_meet_at_their_edges() {
        let bands = decidecades(10.0, 24_000.0);
        assert_eq!(bands.len(), 33);
        assert!(bands.windows(2).all(|p| (p[0].high_hz / p[1].low_hz - 1.0).abs() < 1e-12));
        assert!(bands.iter().any(|b| b.centre_hz == 1000.0));
        // IEC 61260-1: the band called 63 Hz runs from 56.23 to 70.79 Hz.
        let b = decidecade(-12);
        let edges = [b.low_hz, b.centre_hz, b.high_hz];
        for (ours, theirs) in edges.iter().zip([56.234, 63.096, 70.795]) {
            assert!((ours - theirs).abs() < 5e-4, "{ours}");
        }
    }

    #[test]
    fn bands_are_called_by_their_nominal_frequency() {
        let names: Vec<f64> = [-20, -12, -9, -8, 0, 1, 5, 13].map(nominal_hz).to_vec();
        assert_eq!(names, [10.0, 63.0, 125.0, 160.0, 1000.0, 1250.0, 3150.0, 20_000.0]);
        for wanted in ALWAYS_EXPORTED_HZ {
            assert!((-60..=60).any(|n| nominal_hz(n) == wanted));
        }
    }

    #[test]
    fn no_bands_lie_in_no_band() {
        assert!(decidecades(0.0, 0.0).is_empty());
        assert!(decidecades(100.0, 50.0).is_empty());
        assert!(decidecades(f64::NAN, f64::INFINITY).is_empty());
    }
}
