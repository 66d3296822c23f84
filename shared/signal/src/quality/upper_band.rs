//! An empty upper band: sampled at 48 kHz, but the content ends at 16 kHz, because it was resampled or
//! went through a lossy coding.

/// The spectrum is looked at in bands of a 24th of an octave.
const BANDS_PER_OCTAVE: f64 = 24.0;
/// Content that ends below this share of Nyquist is not there; above, filters of converters end it.
const FILTERS_FROM_SHARE: f64 = 0.85;
/// Content is looked for from this share of Nyquist on.
const LOWEST_SHARE: f64 = 0.02;
/// A fall by this within [`FALL_BANDS`] to what lies above, all of it, is an end. The sea's own noise
/// falls by 0.4 dB in three bands, water flowing past a hydrophone by 2.
const FALL_DB: f64 = 20.0;
/// Bands (an eighth of an octave) in which content falls to its end.
const FALL_BANDS: usize = 3;
/// Bands (a third of an octave) whose mean level is that of the content below its end.
const CONTENT_BANDS: usize = 8;
/// Bins of a band, at least: the median of fewer tells nothing.
const BAND_BINS: usize = 3;
/// Level of digital silence.
const SILENCE_DB: f64 = -400.0;

/// Where the content of a spectrum (power of bins from 0 Hz to Nyquist) ends below Nyquist, if it does:
/// the highest frequency at which the level is half way down, in dB, to what lies above.
pub(super) fn content_end_hz(density: &[f64], bin_hz: f64) -> Option<f64> {
    let nyquist = density.len().checked_sub(1)?;
    let bands = bands(density, nyquist);
    let mut best: Option<(f64, usize, f64)> = None;
    // What lies above a band, from the top down. The bins at Nyquist fold and are left out.
    let mut above = f64::NEG_INFINITY;
    for i in (CONTENT_BANDS..bands.len().saturating_sub(FALL_BANDS)).rev() {
        above = above.max(bands[i + FALL_BANDS - 1].1);
        let content = &bands[i - CONTENT_BANDS..i];
        let below = content.iter().map(|b| b.1).sum::<f64>() / content.len() as f64;
        let fall = below - above;
        if fall >= best.map_or(FALL_DB, |b| b.0) {
            best = Some((fall, i, (below + above) / 2.0));
        }
    }
    let (_, i, middle_db) = best?;
    let (from, to) = (bands[i - 2].0, bands[i + FALL_BANDS - 1].0);
    let last = (from..to).rev().find(|&bin| level_db(density[bin]) > middle_db)?;
    (last as f64 <= FILTERS_FROM_SHARE * nyquist as f64).then_some(last as f64 * bin_hz)
}

/// First bin and median level of each band, low ones first.
fn bands(density: &[f64], nyquist: usize) -> Vec<(usize, f64)> {
    let ratio = 2f64.powf(BANDS_PER_OCTAVE.recip());
    let mut bands = Vec::new();
    let mut first = ((LOWEST_SHARE * nyquist as f64) as usize).max(1);
    while first + BAND_BINS < nyquist {
        let end = ((first as f64 * ratio) as usize).max(first + BAND_BINS).min(nyquist);
        let mut bins = density[first..end].to_vec();
        bins.sort_unstable_by(f64::total_cmp);
        bands.push((first, level_db(bins[bins.len() / 2])));
        first = end;
    }
    bands
}

fn level_db(power: f64) -> f64 {
    (10.0 * power.log10()).max(SILENCE_DB)
}
