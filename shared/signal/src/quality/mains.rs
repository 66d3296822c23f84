//! Lines of a mains supply: 50 or 60 Hz and their harmonics, over what lies beside them.

use spyhop_api::quality::Mains;

/// Supplies that there are.
const SUPPLIES_HZ: [f64; 2] = [50.0, 60.0];
/// Harmonics that are looked at.
const HARMONICS: u32 = 10;
/// A harmonic that stands this far over its neighbourhood is a line: noise in one frame does so once
/// in a thousand bins (e^−6.9), in the mean of several never.
const LINE_DB: f64 = 10.0;
/// One line alone may be a whale or a pump; several at multiples are a supply.
const LINES: u32 = 2;
/// Half of what a line is looked for in: the Hann window of one second spreads a line over ±2 Hz, and a
/// supply wanders by 0.2 Hz.
const LINE_HALF_HZ: f64 = 1.5;
/// Where its neighbourhood begins and ends on either side.
const BESIDE_HZ: (f64, f64) = (3.0, 9.0);

/// The supply whose harmonics stand out of a spectrum (power of bins from 0 Hz on), if one does.
pub(super) fn mains(density: &[f64], bin_hz: f64) -> Option<Mains> {
    let found = SUPPLIES_HZ.map(|hz| lines(density, bin_hz, hz));
    match found {
        // A comb that meets both is another machine's, with a line every 10 Hz or fewer.
        [Some(_), Some(_)] => None,
        [one, other] => one.or(other),
    }
}

fn lines(density: &[f64], bin_hz: f64, hz: f64) -> Option<Mains> {
    let others = SUPPLIES_HZ.iter().copied().filter(|o| *o != hz);
    let shared = |line_hz: f64| others.clone().any(|o| line_hz % o == 0.0);
    let excesses = (1..=HARMONICS)
        .map(|n| f64::from(n) * hz)
        .filter(|line_hz| !shared(*line_hz))
        .filter_map(|line_hz| excess_db(density, bin_hz, line_hz));
    let lines: Vec<f64> = excesses.filter(|e| *e >= LINE_DB).collect();
    let count = lines.len() as u32;
    let excess_db = lines.into_iter().fold(0.0, f64::max);
    (count >= LINES).then_some(Mains { hz, lines: count, excess_db })
}

/// How far the highest bin near a frequency stands over the median of what lies beside it.
fn excess_db(density: &[f64], bin_hz: f64, hz: f64) -> Option<f64> {
    let between = |low_hz: f64, high_hz: f64| {
        let (low, high) = ((low_hz / bin_hz).ceil() as usize, (high_hz / bin_hz).floor() as usize);
        density.get(low..=high.max(low))
    };
    let line = between(hz - LINE_HALF_HZ, hz + LINE_HALF_HZ)?;
    let below = between(hz - BESIDE_HZ.1, hz - BESIDE_HZ.0)?;
    let above = between(hz + BESIDE_HZ.0, hz + BESIDE_HZ.1)?;
    let mut beside = [below, above].concat();
    beside.sort_unstable_by(f64::total_cmp);
    let median = *beside.get(beside.len() / 2)?;
    let top = line.iter().copied().fold(0.0, f64::max);
    (median > 0.0).then(|| 10.0 * (top / median).log10())
}
