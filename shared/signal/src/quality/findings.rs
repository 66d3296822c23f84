//! What of a recording's quality a person is told, from where on.

use spyhop_api::quality::{Finding, FindingKind, Quality, RunCount};

/// Clipped samples from this share on are told: 6 ms of a minute. A single loud click clips a thousandth
/// of that and hurts no average.
const CLIPPED_SHARE: f64 = 1e-4;
/// A mean from this share of full scale on is told: at −40 dB it lies above what most recordings hold
/// at all, and leaks into the lowest bins of every spectrum.
const DC_SHARE: f64 = 0.01;
/// Still samples from this share on are told, or one run of [`STILL_RUN_S`].
const STILL_SHARE: f64 = 1e-4;
/// A run of still samples that is told however long the recording is: a card that did not keep up.
const STILL_RUN_S: f64 = 0.01;
/// Stored values that are multiples of this leave out two bits or more. A factor of two also comes of a
/// mean of two channels.
const STEP: u32 = 4;
/// Fewer bits than this in use make the noise of the converter heard: 6 bits are 36 dB.
const FEWEST_BITS: u32 = 6;

/// What a person should know of a recording's samples, the worst kinds first.
pub fn findings(quality: &Quality) -> Vec<Finding> {
    let q = quality;
    if q.samples == 0 {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut tell = |kind, sentence| {
        findings.push(Finding { kind, sentence, recordings: Vec::new() });
    };
    if q.clipped_share >= CLIPPED_SHARE {
        let rail_db = 20.0 * q.rail.unwrap_or(1.0).log10();
        let rail = if rail_db > -0.1 {
            "full scale".to_owned()
        } else {
            format!("{} dB re full scale", number(rail_db, 1))
        };
        let share = percent(q.clipped_share);
        tell(
            FindingKind::Clipping,
            format!(
                "{share} of the samples stand at a rail ({rail}): loud sounds are clipped, their levels are too low and their harmonics are not theirs"
            ),
        );
    }
    if still(&q.dropouts, q) {
        tell(
            FindingKind::Dropouts,
            format!(
                "{}: samples were lost there, times after them may be late",
                runs(&q.dropouts, q, "of zeros")
            ),
        );
    }
    if still(&q.stuck, q) {
        tell(
            FindingKind::StuckValues,
            format!(
                "{}: the recorder repeated itself there instead of sampling",
                runs(&q.stuck, q, "of one value")
            ),
        );
    }
    if let Some(end_hz) = q.content_end_hz {
        tell(
            FindingKind::EmptyUpperBand,
            format!(
                "Sampled at {}, content ends at {}: it was resampled or coded with loss, nothing above is the sea's",
                hertz(q.sample_rate_hz),
                // Found to a hundredth at best.
                hertz(if end_hz >= 1000.0 {
                    (end_hz / 100.0).round() * 100.0
                } else {
                    end_hz.round()
                })
            ),
        );
    }
    if let Some(bits) = &q.bits {
        if bits.step >= STEP {
            tell(
                FindingKind::UnusedBits,
                format!(
                    "Stored in {} bits, but every value is a multiple of {}: {} bits hold anything, the rest was added by a conversion or a digital gain",
                    bits.stored, bits.step, bits.used
                ),
            );
        } else if bits.used < FEWEST_BITS.min(bits.stored) {
            tell(
                FindingKind::UnusedBits,
                format!(
                    "The loudest sample takes {} of {} bits: the gain was low, quiet sounds lie below the steps of the converter",
                    bits.used, bits.stored
                ),
            );
        }
    }
    if q.dc_share.abs() >= DC_SHARE {
        tell(
            FindingKind::DcOffset,
            format!(
                "The samples are off zero by {} of full scale: pass over the lowest bins of spectra",
                percent(q.dc_share)
            ),
        );
    }
    if let Some(mains) = &q.mains {
        tell(
            FindingKind::MainsLines,
            format!(
                "{} harmonics of {} Hz stand out, by up to {} dB: a mains supply or a ship's generator",
                mains.lines,
                mains.hz,
                number(mains.excess_db, 0)
            ),
        );
    }
    findings
}

fn still(runs: &RunCount, q: &Quality) -> bool {
    let much = runs.samples as f64 >= STILL_SHARE * q.samples as f64;
    let long = runs.longest as f64 >= STILL_RUN_S * q.sample_rate_hz;
    runs.count > 0 && (much || long)
}

/// `3 runs of zeros, 0.2 % of the samples, the longest 0.5 s`.
fn runs(runs: &RunCount, q: &Quality, of_what: &str) -> String {
    let (count, s) = (runs.count, if runs.count == 1 { "run" } else { "runs" });
    let share = percent(runs.samples as f64 / q.samples as f64);
    let longest_s = runs.longest as f64 / q.sample_rate_hz;
    let longest = if longest_s >= 1.0 {
        format!("{} s", number(longest_s, 1))
    } else {
        format!("{} ms", number(longest_s * 1000.0, 0))
    };
    format!("{count} {s} {of_what}, {share} of the samples, the longest {longest}")
}

/// A share as a percentage with two digits that mean something.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        return "0 %".to_owned();
    }
    let decimals = (1.0 - percent.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{} %", number(percent, decimals))
}

/// `48 kHz`, `750 Hz`.
pub(super) fn hertz(hz: f64) -> String {
    if hz >= 1000.0 {
        format!("{} kHz", trimmed(hz / 1000.0, 3))
    } else {
        format!("{} Hz", trimmed(hz, 1))
    }
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// With a minus sign that is one.
pub(super) fn number(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "−")
}
