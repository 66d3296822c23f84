//! What is said of candidates that were found in this tab, kept in this browser beside the file's labels.
//!
//! A candidate is known again by its run's source and settings, its class, and where in its file it
//! begins: what finds the same gets the same verdict.

use std::collections::BTreeMap;

use gloo::storage::{LocalStorage, Storage};
use spyhop_api::detection::{DetectedCall, DetectionRun, Review};

use crate::frame::line_ns;
use crate::labels::home_of;
use crate::session::OpenSet;

/// By candidate: everything that was ever said of it, the first first.
type Kept = BTreeMap<String, Vec<Review>>;

/// What a run's candidates are known by.
pub fn source_key(run: &DetectionRun) -> String {
    let source = &run.source;
    format!("{}|{}|{}|{}", source.name, source.fingerprint, source.config_hash, run.channel)
}

/// What was ever said of a candidate.
pub fn said(open: &OpenSet, source: &str, call: &DetectedCall) -> Vec<Review> {
    let Some((home, key)) = place_of(open, source, call) else { return Vec::new() };
    let mut kept: Kept = LocalStorage::get(home).unwrap_or_default();
    kept.remove(&key).unwrap_or_default()
}

/// Keeps it. A full or forbidden store leaves it on the page, where it can still be exported.
pub fn keep(open: &OpenSet, source: &str, call: &DetectedCall, steps: &[Review]) {
    let Some((home, key)) = place_of(open, source, call) else { return };
    let mut kept: Kept = LocalStorage::get(&home).unwrap_or_default();
    kept.insert(key, steps.to_vec());
    let _ = LocalStorage::set(home, kept);
}

/// The key of its file's candidates, and its own among them: milliseconds since the file's first sample.
fn place_of(open: &OpenSet, source: &str, call: &DetectedCall) -> Option<(String, String)> {
    let start_ns = line_ns(call.start, open.line.origin);
    let home = home_of(open, start_ns)?;
    let in_file_ms = (start_ns - home.start_ns).div_euclid(1_000_000);
    Some((home.key.replace("labels", "calls"), format!("{source}|{}|{in_file_ms}", call.class)))
}
