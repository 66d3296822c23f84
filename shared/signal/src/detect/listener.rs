//! A detector at work on recordings as they lie on the clock.

use spyhop_api::Timestamp;
use spyhop_api::time::frames_to_nanos;

use super::clicks::ClickDetector;
use super::contour::ContourDetector;
use super::correlation::CorrelationDetector;
use super::energy::EnergyDetector;
use super::fit::{Unfit, held_hz};
use super::runs::Runs;
use super::{CallType, Candidate, Detector, Found, Heard, Method, Score, SettingsError};
use crate::rate_change::RateChange;
use crate::spectrum::SpecError;

/// Listens for one type of call.
///
/// Samples come as runs: [`Listener::begin`] says when one was taken, and a run that begins where the last
/// one ended, within a sample, goes on with it. What is no number was not recorded.
pub struct Listener {
    runs: Runs,
    detector: Box<dyn Detector>,
    found: Found,
}

/// Why nothing can be listened for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ListenerError {
    /// The recording does not hold these calls.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A setting that can't be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The transform can't be made.
    #[error(transparent)]
    Spectrum(#[from] SpecError),
}

impl Listener {
    /// For recordings at a rate.
    ///
    /// # Errors
    /// When they don't hold such calls, or the settings make no sense.
    pub fn new(call: &CallType, rate_hz: f64) -> Result<Listener, ListenerError> {
        call.method.check()?;
        call.check_fit(rate_hz)?;
        let high_hz = call.method.band_hz().1.min(held_hz(rate_hz));
        // No more samples than the band needs.
        let factor = (held_hz(rate_hz) / high_hz).floor().clamp(1.0, 1e6) as u32;
        let runs = Runs::new(rate_hz, RateChange::down(factor));
        let heard_hz = runs.given_hz();
        let detector: Box<dyn Detector> = match &call.method {
            Method::Energy(settings) => Box::new(EnergyDetector::new(settings, heard_hz)?),
            Method::Correlation(settings) => {
                Box::new(CorrelationDetector::new(settings, heard_hz)?)
            }
            Method::Contours(settings) => Box::new(ContourDetector::new(settings, heard_hz)?),
            Method::Clicks(settings) => Box::new(ClickDetector::new(settings, heard_hz)?),
        };
        Ok(Listener { runs, detector, found: Found::default() })
    }

    /// How far before and after a candidate what was recorded matters to it, nanoseconds.
    pub fn reach_ns(&self) -> i64 {
        let detected = frames_to_nanos(self.detector.reach_samples(), self.runs.given_hz());
        self.runs.reach_ns() + detected
    }

    /// How long the pieces of the clock are that scores are of.
    pub fn score_s(&self) -> f64 {
        self.detector.cell_samples() as f64 / self.runs.given_hz()
    }

    /// A run begins whose first sample was taken at `start`; of these the first `skipped` are not given.
    /// Runs come in the order of the clock.
    pub fn begin(&mut self, start: Timestamp, skipped: u64, heard: &mut Heard) {
        let Listener { runs, detector, found } = self;
        runs.begin(start, skipped, &mut |at, samples| detector.push(at, samples, found));
        self.tell(heard);
    }

    /// The next samples of the run.
    pub fn push(&mut self, samples: &[f32], heard: &mut Heard) {
        let Listener { runs, detector, found } = self;
        runs.push(samples, &mut |at, samples| detector.push(at, samples, found));
        self.tell(heard);
    }

    /// Tells what is left. The listener may then begin anew.
    pub fn finish(&mut self, heard: &mut Heard) {
        let Listener { runs, detector, found } = self;
        runs.finish(&mut |at, samples| detector.push(at, samples, found));
        detector.finish(found);
        self.tell(heard);
    }

    fn tell(&mut self, heard: &mut Heard) {
        let Listener { runs, detector, found } = self;
        let nanos = |position: i64| runs.nanos(position);
        heard.candidates.extend(found.calls.drain(..).map(|call| Candidate {
            start_ns: nanos(call.span.start),
            end_ns: nanos(call.span.end),
            low_hz: call.band_hz.0,
            high_hz: call.band_hz.1,
            score: call.score,
            train: call.train,
        }));
        let cell = detector.cell_samples();
        let scores = found.scores.drain(..);
        heard
            .scores
            .extend(scores.map(|(number, score)| Score { start_ns: nanos(number * cell), score }));
    }
}
