//! Which units a product of a deployment is made of.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{Calibration, RecordingInfo};
use spyhop_signal::levels::AverageSpec;
use spyhop_signal::line::LineError;
use spyhop_signal::pyramid::{ClockRun, Recorded};

use super::product::{Measure, Product, ProductError};
use crate::work::key_of;

/// Changes when the same samples give other numbers: older files then are of no use.
const REVISION: u32 = 1;
/// A unit spans a day, or less where its levels would take more memory than so many.
const MOST_LEVELS: i64 = 8 << 20;
/// A day of the clock.
pub const DAY_NS: i64 = 86_400 * NANOS_PER_S;

/// A product of one channel of a deployment, planned.
#[derive(Clone, Debug)]
pub struct Plan {
    pub product: Product,
    pub spectra: AverageSpec,
    pub measure: Measure,
    pub calibration: Option<Calibration>,
    pub channel: u32,
    /// Where samples lie on the clock.
    pub recorded: Recorded,
    /// Recordings that are left out, by index, with the reason.
    pub left_out: Vec<(usize, String)>,
    /// In clock order.
    pub units: Vec<PlannedUnit>,
}

/// Rows of one span of the clock.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedUnit {
    /// A hash of all that its rows are made from.
    pub key: String,
    /// The span.
    pub span_ns: Range<i64>,
    /// What was recorded in it: runs cut to it.
    pub runs: Vec<ClockRun>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The product can't be made.
    #[error(transparent)]
    Product(#[from] ProductError),
    /// Nothing was recorded.
    #[error(transparent)]
    Nothing(#[from] LineError),
    /// A description that has no JSON.
    #[error("the product can't be planned: {0}")]
    Key(#[from] serde_json::Error),
}

/// What a key is a hash of, for all units of a plan.
#[derive(Serialize)]
struct MadeFrom<'a> {
    revision: u32,
    measure: &'a Measure,
    edition: Option<String>,
    columns: usize,
    window_samples: usize,
    hop_samples: usize,
    period_ns: i64,
    sample_rate_hz: f64,
    calibration: Option<&'a Calibration>,
    channel: u32,
}

impl Plan {
    /// Plans a product of `infos`, without those in `unreadable`.
    ///
    /// # Errors
    /// When the product can't be made of these recordings.
    pub fn new(
        infos: &[RecordingInfo],
        product: Product,
        calibration: Option<Calibration>,
        channel: u32,
        unreadable: &BTreeMap<usize, String>,
    ) -> Result<Plan, PlanError> {
        let mut known = infos.to_vec();
        for index in unreadable.keys() {
            if let Some(info) = known.get_mut(*index) {
                // A recording without samples lies nowhere on the clock.
                (info.frames, info.segments) = (0, Vec::new());
            }
        }
        let (recorded, mut left_out) = Recorded::new(&known)?;
        for (index, reason) in &mut left_out {
            if let Some(message) = unreadable.get(index) {
                reason.clone_from(message);
            }
        }
        let rate_hz = recorded.sample_rate_hz;
        let spectra = product.spectra(rate_hz)?;
        let table_hz = calibration.as_ref().and_then(Calibration::band_hz);
        let measure = product.measure(&spectra, table_hz);
        let mut plan = Plan {
            product,
            spectra,
            measure,
            calibration,
            channel,
            recorded,
            left_out,
            units: Vec::new(),
        };
        plan.units = plan.units(infos)?;
        Ok(plan)
    }

    /// Levels of a row.
    pub fn columns(&self) -> usize {
        match &self.measure {
            Measure::Bins => self.spectra.spectrum.bins(),
            Measure::Densities(bands) | Measure::Bands(bands) => bands.len(),
            Measure::Waveform => 3,
        }
    }

    /// Where a unit's rows lie.
    pub fn file(&self, folder: &Path, unit: &PlannedUnit) -> PathBuf {
        folder.join(format!("{}.rows", unit.key))
    }

    /// Periods of a unit: those of a day, where they fit into one.
    fn unit_periods(&self) -> i64 {
        let columns = i64::try_from(self.columns()).unwrap_or(MOST_LEVELS).max(1);
        let of_a_day = DAY_NS / self.spectra.period_ns.max(1);
        of_a_day.min(MOST_LEVELS / columns).max(1)
    }

    fn units(&self, infos: &[RecordingInfo]) -> Result<Vec<PlannedUnit>, serde_json::Error> {
        let rate_hz = self.recorded.sample_rate_hz;
        let unit_ns = self.unit_periods().saturating_mul(self.spectra.period_ns.max(1));
        let mut spans: BTreeMap<i64, Vec<ClockRun>> = BTreeMap::new();
        for run in &self.recorded.runs {
            let span = self.recorded.run_span_ns(run);
            let mut at = span.start.div_euclid(unit_ns);
            while at.saturating_mul(unit_ns) < span.end {
                let unit = at.saturating_mul(unit_ns)..(at + 1).saturating_mul(unit_ns);
                if let Some(part) = cut(run, &unit, rate_hz) {
                    spans.entry(at).or_default().push(part);
                }
                at += 1;
            }
        }
        let base = key_of("levels", &self.made_from())?;
        let unit = |(at, runs): (i64, Vec<ClockRun>)| {
            let prints: Vec<&str> = runs
                .iter()
                .filter_map(|run| Some(infos.get(run.recording)?.fingerprint.as_str()))
                .collect();
            let places: Vec<(u64, u64, i64, bool)> =
                runs.iter().map(|r| (r.first_frame, r.frames, r.start_ns, r.follows)).collect();
            let key = key_of("levels", &(&base, at, prints, places))?;
            let start_ns = at.saturating_mul(unit_ns);
            Ok(PlannedUnit { key, span_ns: start_ns..start_ns.saturating_add(unit_ns), runs })
        };
        spans.into_iter().map(unit).collect()
    }

    fn made_from(&self) -> MadeFrom<'_> {
        MadeFrom {
            revision: REVISION,
            measure: &self.measure,
            edition: self.product.edition().map(|edition| format!("{edition:?}")),
            columns: self.columns(),
            window_samples: self.spectra.spectrum.window_samples,
            hop_samples: self.spectra.spectrum.hop_samples,
            period_ns: self.spectra.period_ns,
            sample_rate_hz: self.recorded.sample_rate_hz,
            calibration: self.calibration.as_ref(),
            channel: self.channel,
        }
    }
}

/// The part of a run whose samples are nearest to a span.
fn cut(run: &ClockRun, span_ns: &Range<i64>, rate_hz: f64) -> Option<ClockRun> {
    let frames = run.frames_within(span_ns, rate_hz);
    (!frames.is_empty()).then(|| ClockRun {
        first_frame: run.first_frame + frames.start,
        frames: frames.end - frames.start,
        start_ns: run.start_ns.saturating_add(spyhop_api::time::frames_to_nanos(
            i64::try_from(frames.start).unwrap_or(i64::MAX),
            rate_hz,
        )),
        follows: run.follows && frames.start == 0,
        ..*run
    })
}
