//! Runs of training as a person compares them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on now.
    Running,
    /// It came to its end.
    Done,
    /// A person stopped it; the same command goes on.
    Stopped,
    /// It ended without a word, as by a kill; the same command goes on.
    Interrupted,
    /// Something was wrong.
    Failed,
    /// Its folder is not there any more, or can't be read.
    Gone,
}

impl RunState {
    /// For a person.
    pub fn in_words(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Stopped => "stopped",
            RunState::Interrupted => "interrupted",
            RunState::Failed => "failed",
            RunState::Gone => "gone",
        }
    }
}

/// A run and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunSummary {
    /// What it is asked for by.
    pub id: String,
    /// What it is called: the name of its folder.
    pub name: String,
    /// Runs of one experiment are compared with each other.
    pub experiment: String,
    /// Where its files are.
    pub folder: String,
    /// How it stands.
    pub state: RunState,
    /// What went wrong.
    pub problem: Option<String>,
    /// When it first began, milliseconds since 1970.
    pub began_ms: i64,
    /// When it was last heard of, likewise.
    pub at_ms: i64,
    /// Seconds that were trained, all goes together.
    pub spent_s: f64,
    /// The current or last epoch, counted from 1; 0 before the first.
    pub epoch: u64,
    /// All that it may take.
    pub epochs: u64,
    /// Batches of the epoch that are done.
    pub batch: u64,
    /// All of them.
    pub batches: u64,
    /// Mean loss of the epoch so far.
    pub loss: Option<f64>,
    /// Learning rate.
    pub rate: Option<f64>,
    /// Windows a second.
    pub windows_per_s: Option<f64>,
    /// Seconds to the last epoch at this speed; training may end before it.
    pub left_s: Option<f64>,
    /// Numbers of the network that are trained.
    pub trained: u64,
    /// All of them.
    pub parameters: u64,
    /// The figure of the validation part that says what is the best: `ap`, `f1`, `accuracy` or `loss`.
    pub metric: String,
    /// The epoch of the best, counted from 1; 0 before there is one.
    pub best_epoch: u64,
    /// Figures of the validation part there, by name.
    pub best: BTreeMap<String, f64>,
    /// Settings in which the runs of the list differ, by key.
    pub settings: BTreeMap<String, String>,
}

/// What `GET /api/v1/runs` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunList {
    /// The runs, the latest first; failed and poor ones too.
    pub runs: Vec<RunSummary>,
}

/// A run with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunDetail {
    /// The run; of its settings none is left out.
    pub run: RunSummary,
    /// Loss and other figures by step.
    pub curves: Vec<RunCurve>,
    /// Messages that its MLflow server was not told yet.
    pub untold: u64,
}

/// A figure by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunCurve {
    /// `loss/train`, `ap/val`.
    pub name: String,
    /// Steps of the optimiser.
    pub steps: Vec<u64>,
    /// A value each; none for what is no finite number.
    pub values: Vec<Option<f64>>,
}

impl RunSummary {
    /// The figure that says which epoch is the best, there.
    pub fn best_value(&self) -> Option<f64> {
        self.best.get(&self.metric).copied()
    }

    /// Share of its numbers that is trained; `None` while nobody knows.
    pub fn trained_share(&self) -> Option<f64> {
        (self.parameters > 0).then(|| self.trained as f64 / self.parameters as f64)
    }

    /// How much of all its epochs is done, 0 to 1.
    pub fn fraction(&self) -> f64 {
        if self.state == RunState::Done {
            return 1.0;
        }
        let epochs = self.epoch.saturating_sub(1) as f64;
        let part = self.batch as f64 / self.batches.max(1) as f64;
        ((epochs + part) / self.epochs.max(1) as f64).clamp(0.0, 1.0)
    }
}

/// Keys in which settings differ; what a name says of a run, and where it is kept, is no difference.
pub fn differing<'a>(
    settings: impl Iterator<Item = &'a BTreeMap<String, String>> + Clone,
) -> Vec<String> {
    let keys: std::collections::BTreeSet<&String> =
        settings.clone().flat_map(|s| s.keys()).collect();
    let differs = |key: &&String| {
        let mut values = settings.clone().map(|s| s.get(*key));
        let first = values.next();
        !key.starts_with("general.") && values.any(|value| Some(value) != first)
    };
    keys.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_differ_where_one_is_other_or_missing() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let all = [
            of(&[("a", "1"), ("b", "1"), ("general.run_name", "x")]),
            of(&[("a", "1"), ("b", "2"), ("c", "3"), ("general.run_name", "y")]),
        ];
        assert_eq!(differing(all.iter()), ["b", "c"]);
        assert_eq!(differing(all[..1].iter()), [""; 0]);
    }
}
