//! What of their band a deployment's recordings fill.

use spyhop_api::DeploymentQuality;

/// Up to which frequency any of a deployment's recordings has content; `None` where one has it up to its
/// end, or nothing is measured yet.
pub fn content_end_hz(quality: &DeploymentQuality) -> Option<f64> {
    let measured = quality.recordings.iter().filter_map(|recording| recording.quality.as_ref());
    let ends: Option<Vec<f64>> = measured.map(|quality| quality.content_end_hz).collect();
    ends?.into_iter().max_by(f64::total_cmp)
}
