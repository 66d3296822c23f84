//! Recordings that a network has heard before: it learned from them, or was chosen by them.

use std::collections::BTreeMap;

use serde::Serialize;
use spyhop_train::{LearnedFrom, Part};

use super::data::Data;
use super::hearing::{Asked, LeftOut, is_detector, learned_from};

/// Why recordings are left out, by their fingerprints.
#[derive(Clone, Debug, Default)]
pub struct Seen(BTreeMap<String, String>);

/// A recording that a network has heard before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenRecording {
    /// Its deployment.
    pub deployment: String,
    /// The recording.
    pub recording: String,
    /// `train` where the network learned from it, `val` where it was chosen by it.
    pub part: &'static str,
}

impl Seen {
    /// What the networks that were asked for have heard before; of those that don't say it, `told` is told.
    pub fn by_any(asked: &Asked, recordings: &[&str], told: &mut Vec<String>) -> Seen {
        let mut seen = Seen::default();
        for model in &asked.models {
            let name = model.display();
            // One that can't be opened has its own line.
            match learned_from(model, asked) {
                Ok(Some(learned)) => {
                    for fingerprint in recordings {
                        if let Some(part) = learned.part(fingerprint) {
                            let reason = format!("{name} {}", in_words(part));
                            seen.0.entry((*fingerprint).to_owned()).or_insert(reason);
                        }
                    }
                }
                Ok(None) if !is_detector(model) => told.push(format!(
                    "{name} doesn't say which recordings it learned from: none is left out for it"
                )),
                Ok(None) | Err(_) => {}
            }
        }
        seen
    }

    /// Whether a recording was left out because a network has heard it.
    pub fn left_out(&self, left_out: &[LeftOut]) -> bool {
        left_out.iter().any(|one| self.0.values().any(|reason| *reason == one.reason))
    }

    /// Why a recording is left out; `None` where no network has heard it.
    pub fn reason(&self, fingerprint: &str) -> Option<&str> {
        self.0.get(fingerprint).map(String::as_str)
    }
}

/// Those recordings that a network has heard before.
pub fn among(data: &Data, learned: &LearnedFrom) -> Vec<SeenRecording> {
    let seen = data.recordings.infos.iter().filter_map(|info| {
        let part = learned.part(&info.fingerprint)?.name();
        let deployment = data.deployment.id.clone();
        Some(SeenRecording { deployment, recording: info.name.clone(), part })
    });
    seen.collect()
}

fn in_words(part: Part) -> &'static str {
    match part {
        Part::Val => "was chosen by it",
        _ => "learned from it",
    }
}
