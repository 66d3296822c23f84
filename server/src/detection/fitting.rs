//! Which detectors fit recordings.

use spyhop_api::DeploymentQuality;
use spyhop_api::detection::DetectorFit;
use spyhop_signal::detect::call_types;
use spyhop_signal::detect::fit::fit;

/// All detectors beside recordings of a rate, the most likely first. Where the recordings' content is known
/// to end below half their rate, `content_end_hz` says where.
pub fn fitting(rate_hz: f64, content_end_hz: Option<f64>) -> Vec<DetectorFit> {
    let types = call_types();
    let told = |fit: spyhop_signal::detect::fit::Fit| {
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

/// Up to which frequency any of a deployment's recordings has content; `None` where one has it up to its
/// end, or nothing is measured yet.
pub fn content_end_hz(quality: &DeploymentQuality) -> Option<f64> {
    let measured = quality.recordings.iter().filter_map(|recording| recording.quality.as_ref());
    let ends: Option<Vec<f64>> = measured.map(|quality| quality.content_end_hz).collect();
    ends?.into_iter().max_by(f64::total_cmp)
}
