//! Which calls a recording can hold, and which are likely in it.
//!
//! A detector for low voices hears a recording of any higher rate: only what the recording can't hold is
//! refused. What is likely is another matter: who records at 192 kHz waits for dolphins.

use std::cmp::Ordering;

use spyhop_api::detection::{Chance, DetectorFit};
use spyhop_api::{DeploymentQuality, ModelCard};

use super::{CallType, call_types};

/// The share of the rate up to which a recording is good: above, recorders and resamplers filter.
const HELD_SHARE: f64 = 0.45;
/// Calls whose band ends no more octaves below the recording's are likely what it was made for.
const LIKELY_OCTAVES: f64 = 5.0;

/// A network's band may end by half a per cent beyond what a recording holds: one that ends at
/// [`HELD_SHARE`] of the rate is written in round numbers.
const NETWORK_TOLERANCE: f64 = 1.005;

/// Up to which frequency a recording holds sounds.
pub fn held_hz(rate_hz: f64) -> f64 {
    HELD_SHARE * rate_hz
}

/// Whether calls whose band ends here are likely what recordings were made for that hold sounds up to there.
pub fn is_likely(high_hz: f64, end_hz: f64) -> bool {
    (end_hz / high_hz).log2() <= LIKELY_OCTAVES
}

/// Why a recording can't hold a type of call.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{name} reach from {} to {}: they need a sampling rate of {} or more, and this recording has {}, which holds nothing above {}",
    hertz(.band_hz.0), hertz(.band_hz.1), hertz(.needs_rate_hz), hertz(*.rate_hz), hertz(.rate_hz / 2.0)
)]
pub struct Unfit {
    /// What the calls are called.
    pub name: &'static str,
    /// Their band.
    pub band_hz: (f64, f64),
    /// The least rate.
    pub needs_rate_hz: f64,
    /// The recording's.
    pub rate_hz: f64,
}

/// Why recordings do not hold what a network listens to, for a person.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct UnfitNetwork(pub String);

/// `name` is what the message calls the network; `content_end_hz` says where the recordings' content ends,
/// where that is known to be below half their rate.
///
/// # Errors
/// When recordings of a rate do not hold what a network listens to.
pub fn check_network(
    name: &str,
    card: &ModelCard,
    rate_hz: f64,
    content_end_hz: Option<f64>,
) -> Result<(), UnfitNetwork> {
    let (low_hz, high_hz) = card.band_hz;
    let needs_hz = high_hz.min(held_hz(card.rate_hz()));
    let holds = |end_hz: f64| end_hz * NETWORK_TOLERANCE >= needs_hz;
    if !holds(held_hz(rate_hz)) {
        return Err(UnfitNetwork(format!(
            "the network {name} listens from {low_hz} to {high_hz} Hz: it needs a sampling rate of {} Hz or \
             more, and this recording has {rate_hz} Hz, which holds nothing above {} Hz",
            (high_hz / HELD_SHARE).round().min(card.rate_hz()),
            rate_hz / 2.0,
        )));
    }
    match content_end_hz.filter(|end_hz| !holds(*end_hz)) {
        None => Ok(()),
        Some(end_hz) => Err(UnfitNetwork(format!(
            "the network {name} listens from {low_hz} to {high_hz} Hz: this recording is sampled at {}, but \
             its content ends at {}",
            hertz(rate_hz),
            hertz(end_hz),
        ))),
    }
}

/// Up to which frequency any of a deployment's recordings has content; `None` where one has it up to its
/// end, or nothing is measured yet.
pub fn content_end_hz(quality: &DeploymentQuality) -> Option<f64> {
    let measured = quality.recordings.iter().filter_map(|recording| recording.quality.as_ref());
    let ends: Option<Vec<f64>> = measured.map(|quality| quality.content_end_hz).collect();
    ends?.into_iter().max_by(f64::total_cmp)
}

/// A type of call beside a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The type's word.
    pub id: &'static str,
    /// What its calls are called.
    pub name: &'static str,
    /// Their band, as far as the recording holds it.
    pub band_hz: (f64, f64),
    /// How likely they are.
    pub chance: Chance,
    /// The same as a sentence.
    pub sentence: String,
}

impl CallType {
    /// # Errors
    /// When a recording of this rate holds no such calls.
    pub fn check_fit(&self, rate_hz: f64) -> Result<(), Unfit> {
        if held_hz(rate_hz) >= self.needs_hz {
            return Ok(());
        }
        let needs_rate_hz = round_up(self.needs_hz / HELD_SHARE);
        Err(Unfit { name: self.name, band_hz: self.method.band_hz(), needs_rate_hz, rate_hz })
    }
}

/// How all types fit a recording of a rate, the most likely first. Where its content is known to end below
/// half its rate (it was resampled, say) `content_end_hz` says where.
pub fn fit(types: &[CallType], rate_hz: f64, content_end_hz: Option<f64>) -> Vec<Fit> {
    let end_hz = content_end_hz.unwrap_or(f64::INFINITY).min(held_hz(rate_hz));
    let mut all: Vec<(f64, Fit)> =
        types.iter().map(|call| of(call, rate_hz, end_hz, content_end_hz)).collect();
    all.sort_by(|(a, fit_a), (b, fit_b)| {
        fit_a.chance.cmp(&fit_b.chance).then(a.partial_cmp(b).unwrap_or(Ordering::Equal))
    });
    all.into_iter().map(|(_, fit)| fit).collect()
}

/// All detectors beside recordings of a rate, the most likely first, as a person chooses among them.
pub fn fitting(rate_hz: f64, content_end_hz: Option<f64>) -> Vec<DetectorFit> {
    let types = call_types();
    let told = |fit: Fit| {
        let call = types.iter().find(|call| call.id == fit.id)?;
        let (keep_from, threshold) = call.method.thresholds();
        Some(DetectorFit {
            id: fit.id.to_owned(),
            name: fit.name.to_owned(),
            band_hz: fit.band_hz,
            chance: fit.chance,
            sentence: fit.sentence,
            score_unit: call.method.score_unit().to_owned(),
            keep_from,
            threshold,
        })
    };
    fit(&types, rate_hz, content_end_hz).into_iter().filter_map(told).collect()
}

/// How one type fits, and by how many octaves its band ends away from the recording's.
fn of(call: &CallType, rate_hz: f64, end_hz: f64, content_end_hz: Option<f64>) -> (f64, Fit) {
    let (low_hz, high_hz) = call.method.band_hz();
    let octaves = (end_hz / high_hz).log2();
    let band_hz = (low_hz, high_hz.min(end_hz));
    let rate = hertz(rate_hz);
    let (chance, sentence) = match call.check_fit(rate_hz) {
        Err(unfit) => (Chance::None, unfit.to_string()),
        Ok(()) if end_hz < call.needs_hz => (
            Chance::None,
            format!(
                "{} need sounds up to {}: this recording is sampled at {rate}, but its content ends at {}",
                call.name,
                hertz(call.needs_hz),
                hertz(content_end_hz.unwrap_or(end_hz))
            ),
        ),
        Ok(()) if high_hz > end_hz => (
            Chance::Likely,
            format!(
                "hears {} from {} to {}: this recording holds their band up to there, not to {}",
                call.name,
                hertz(low_hz),
                hertz(end_hz),
                hertz(high_hz)
            ),
        ),
        Ok(()) if is_likely(high_hz, end_hz) => (
            Chance::Likely,
            format!("hears {} from {} to {}", call.name, hertz(low_hz), hertz(high_hz)),
        ),
        Ok(()) => (
            Chance::Possible,
            format!(
                "hears {} from {} to {}: a recording of {rate} holds them, but is mostly made for higher calls",
                call.name,
                hertz(low_hz),
                hertz(high_hz)
            ),
        ),
    };
    let fit = Fit { id: call.id, name: call.name, band_hz, chance, sentence };
    (octaves.abs(), fit)
}

/// A frequency for a sentence: `2 kHz`, `312.5 Hz`.
pub fn hertz(hz: impl std::borrow::Borrow<f64>) -> String {
    let hz = *hz.borrow();
    let rounded = |value: f64| (value * 100.0).round() / 100.0;
    if hz >= 1000.0 {
        format!("{} kHz", rounded(hz / 1000.0))
    } else {
        format!("{} Hz", rounded(hz))
    }
}

/// To two digits.
fn round_up(hz: f64) -> f64 {
    let step = 10f64.powf((hz.log10()).floor() - 1.0);
    (hz / step - 1e-9).ceil() * step
}

#[cfg(test)]
mod tests {
    use spyhop_api::FrontEnd;

    use super::*;

    fn likely(rate_hz: f64) -> Vec<&'static str> {
        let all = fit(&call_types(), rate_hz, None);
        all.iter().filter(|f| f.chance == Chance::Likely).map(|f| f.id).collect()
    }

    #[test]
    fn what_a_recording_was_made_for_comes_first() {
        assert_eq!(likely(2000.0), ["upcall", "upcall-energy", "humpback", "fin-20hz"]);
        assert_eq!(likely(192_000.0), ["click", "whistle", "sperm-click", "humpback"]);
        assert_eq!(likely(48_000.0)[..2], ["sperm-click", "whistle"]);
        assert_eq!(likely(500_000.0)[0], "porpoise-click");
        assert_eq!(likely(250.0), ["fin-20hz"]);
    }

    #[test]
    fn only_what_the_band_can_t_hold_is_refused_and_the_reason_is_told() {
        let all = fit(&call_types(), 192_000.0, None);
        let of = |id: &str| all.iter().find(|f| f.id == id).expect("known");
        assert_eq!(of("upcall").chance, Chance::Possible);
        assert!(of("upcall").sentence.contains("made for higher calls"), "{:?}", of("upcall"));
        let porpoise = of("porpoise-click");
        assert_eq!(porpoise.chance, Chance::None);
        assert_eq!(all.last().map(|f| f.id), Some("porpoise-click"));
        for part in ["105 kHz to 155 kHz", "330 kHz or more", "has 192 kHz", "nothing above 96 kHz"]
        {
            assert!(porpoise.sentence.contains(part), "{}", porpoise.sentence);
        }
        let slow = fit(&call_types(), 50.0, None);
        assert!(slow.iter().all(|f| f.chance == Chance::None));
        assert!(fit(&call_types(), f64::NAN, None).iter().all(|f| f.chance == Chance::None));
    }

    /// The card of a network that hears up to 8 kHz at 16 kHz.
    fn card() -> ModelCard {
        ModelCard::new("tiny", FrontEnd::of_rate(16_000.0))
    }

    #[test]
    fn a_network_fits_what_holds_its_band_as_far_as_its_own_rate_does() {
        let fits = |rate_hz, content| check_network("tiny", &card(), rate_hz, content);
        assert_eq!(fits(16_000.0, None), Ok(()), "a band up to half its own rate");
        assert_eq!(fits(96_000.0, None), Ok(()));
        let low = fits(2000.0, None).expect_err("too low").0;
        assert!(
            low.contains("sampling rate of 16000 Hz") && low.contains("above 1000 Hz"),
            "{low}"
        );
        assert!(fits(f64::NAN, None).is_err());
        // Resampled from 8 kHz: the rate says one thing, the content another.
        let empty = fits(48_000.0, Some(3800.0)).expect_err("nothing to hear").0;
        assert!(empty.contains("sampled at 48 kHz, but its content ends at 3.8 kHz"), "{empty}");
        assert_eq!(fits(48_000.0, Some(7600.0)), Ok(()));
        let slow = ModelCard { band_hz: (20.0, 400.0), time_compression: 8.0, ..card() };
        assert_eq!(
            check_network("slow", &slow, 2000.0, None),
            Ok(()),
            "handed over faster than real"
        );
    }

    #[test]
    fn what_was_resampled_holds_no_more_than_before() {
        let all = fit(&call_types(), 192_000.0, Some(20_000.0));
        let click = all.iter().find(|f| f.id == "click").expect("known");
        assert_eq!(click.chance, Chance::None);
        assert!(click.sentence.contains("its content ends at 20 kHz"), "{}", click.sentence);
        let whistle = all.iter().find(|f| f.id == "whistle").expect("known");
        assert_eq!((whistle.chance, whistle.band_hz), (Chance::Likely, (3000.0, 20_000.0)));
    }
}
