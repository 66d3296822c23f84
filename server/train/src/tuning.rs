//! A search for better settings: which combinations are tried, and which of them did best.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spyhop_config::{Metric, Range, Search, Searched, Tune};

use crate::chance::chance;
use crate::{PartScores, TrainError};

/// More combinations than this are a slip of the hand.
const MOST_TRIALS: usize = 10_000;

/// A combination of settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Counted from 1, in the order in which they were thought of.
    pub number: usize,
    /// Values by key.
    pub settings: BTreeMap<String, Value>,
}

/// What one fold of a trial gave: figures of its validation part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldScores {
    /// Average precision.
    pub ap: f64,
    /// The best F1.
    pub f1: f64,
    /// Share of windows whose likeliest class is theirs.
    pub accuracy: f64,
    /// Mean loss.
    pub loss: f64,
    /// The epoch whose network was kept.
    pub best_epoch: usize,
    /// Numbers that were trained.
    pub trained: usize,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialResult {
    /// The combination.
    #[serde(flatten)]
    pub trial: Trial,
    /// By fold; one that failed is missing.
    pub folds: BTreeMap<usize, FoldScores>,
    /// By fold: why it failed.
    pub failures: BTreeMap<usize, String>,
    /// The mean of the metric over the folds, where none failed.
    pub mean: Option<f64>,
    /// The lowest and the highest of them.
    pub range: Option<(f64, f64)>,
}

impl Trial {
    /// The settings in the form of a command line's.
    pub fn to_settings(&self) -> Vec<String> {
        // JSON is YAML.
        self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    /// The same for a person.
    pub fn in_words(&self) -> String {
        let word = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => {
                number.as_f64().map_or_else(|| number.to_string(), |n| format!("{n}"))
            }
            other => other.to_string(),
        };
        let all = self.settings.iter().map(|(key, value)| format!("{key}={}", word(value)));
        all.collect::<Vec<_>>().join(" ")
    }
}

impl FoldScores {
    /// Of a validation part.
    pub fn of(scores: &PartScores, best_epoch: usize, trained: usize) -> FoldScores {
        let PartScores { ap, f1, accuracy, loss, .. } = *scores;
        FoldScores { ap, f1, accuracy, loss, best_epoch, trained }
    }

    /// One of the figures.
    pub fn metric(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Ap => self.ap,
            Metric::F1 => self.f1,
            Metric::Accuracy => self.accuracy,
            Metric::Loss => self.loss,
        }
    }
}

impl TrialResult {
    /// Of its folds.
    pub fn new(
        trial: Trial,
        folds: BTreeMap<usize, FoldScores>,
        failures: BTreeMap<usize, String>,
        metric: Metric,
    ) -> TrialResult {
        let values: Vec<f64> = folds.values().map(|scores| scores.metric(metric)).collect();
        let is_whole = failures.is_empty() && !values.is_empty();
        let mean = is_whole.then(|| values.iter().sum::<f64>() / values.len() as f64);
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = is_whole.then_some((low, high));
        TrialResult { trial, folds, failures, mean, range }
    }
}

/// The combinations that a search tries. The same seed draws the same ones, and a longer search begins with
/// those of a shorter one.
///
/// # Errors
/// When nothing is searched, or there are too many.
pub fn trials(said: &Tune) -> Result<Vec<Trial>, TrainError> {
    if said.keys.is_empty() {
        return Err(TrainError::Data(
            "tune.keys names nothing to search: give values by key, as {model_trainer.lr: [0.0003, 0.001]}"
                .into(),
        ));
    }
    let all = match said.search {
        Search::Grid => grid(said)?,
        Search::Random => (0..said.trials).map(|i| drawn(said, i)).collect::<Result<_, _>>()?,
    };
    let mut trials: Vec<Trial> = Vec::with_capacity(all.len());
    for settings in all {
        // Of few values random search draws some combinations again.
        if !trials.iter().any(|trial| trial.settings == settings) {
            trials.push(Trial { number: trials.len() + 1, settings });
        }
    }
    Ok(trials)
}

/// Sorts trials, the best first; those that failed come last, in their order.
pub fn rank(results: &mut [TrialResult], metric: Metric) {
    let worth = |result: &TrialResult| match (result.mean, metric) {
        (Some(mean), Metric::Loss) => -mean,
        (Some(mean), _) => mean,
        (None, _) => f64::NEG_INFINITY,
    };
    results.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.trial.number.cmp(&b.trial.number)));
}

fn grid(said: &Tune) -> Result<Vec<BTreeMap<String, Value>>, TrainError> {
    let mut all = vec![BTreeMap::new()];
    for (key, searched) in &said.keys {
        let values = match searched {
            Searched::Values(values) => values.iter().map(json).collect::<Result<Vec<_>, _>>()?,
            Searched::Range(_) => Vec::new(),
        };
        if all.len().saturating_mul(values.len()) > MOST_TRIALS {
            return Err(TrainError::Data(format!(
                "this grid has more than {MOST_TRIALS} combinations: name fewer values, or draw some of \
                 them with tune.search: random"
            )));
        }
        let with = |settings: &BTreeMap<String, Value>| -> Vec<BTreeMap<String, Value>> {
            let one = |value: &Value| {
                let mut settings = settings.clone();
                settings.insert(key.clone(), value.clone());
                settings
            };
            values.iter().map(one).collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all)
}

fn drawn(said: &Tune, trial: usize) -> Result<BTreeMap<String, Value>, TrainError> {
    let mut settings = BTreeMap::new();
    for (index, (key, searched)) in said.keys.iter().enumerate() {
        let mut stream = chance(said.random_seed, "tune", &[trial as u64, index as u64]);
        let value = match searched {
            Searched::Values(values) => match values.choose(&mut stream) {
                Some(value) => json(value)?,
                None => continue,
            },
            Searched::Range(range) => within(range, stream.random()),
        };
        settings.insert(key.clone(), value);
    }
    Ok(settings)
}

/// The number of a range that has so large a share of it below.
fn within(range: &Range, share: f64) -> Value {
    let (from, to) = range.ends();
    // Each whole number stands for what is rounded to it, the first and the last one too.
    let margin = if range.is_whole() { 0.5 } else { 0.0 };
    let (low, high) = (from - margin, to + margin);
    let value = match range.log {
        true => (low.ln() + share * (high.ln() - low.ln())).exp(),
        false => low + share * (high - low),
    };
    if range.is_whole() {
        return Value::from(value.round().clamp(from, to) as i64);
    }
    // Four digits are as good as sixteen, and can be read.
    format!("{value:.3e}").parse::<f64>().map_or(Value::Null, |v| Value::from(v.clamp(from, to)))
}

/// The same value in JSON.
fn json(value: &impl Serialize) -> Result<Value, TrainError> {
    serde_json::to_value(value)
        .map_err(|error| TrainError::Data(format!("a value in tune.keys can't be meant: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use spyhop_config::Config;

    fn tune(text: &str) -> Tune {
        Config::read(text).expect("sound").tune
    }

    #[test]
    fn a_grid_is_every_combination() {
        let said = tune(
            "tune: {keys: {model_trainer.lr: [0.1, 0.01], data_loader.balance: [none, replacement], model_trainer.betas: [[0.9, 0.99]]}}",
        );
        let all = trials(&said).expect("trials");
        assert_eq!(all.len(), 4);
        assert_eq!(
            all[1].to_settings(),
            [
                "data_loader.balance=\"none\"",
                "model_trainer.betas=[0.9,0.99]",
                "model_trainer.lr=0.01"
            ]
        );
        assert!(
            trials(&Tune::default()).is_err_and(|e| e.to_string().contains("nothing to search"))
        );
        let wide = tune("tune: {keys: {a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}}");
        let keys = (0..5).map(|i| (format!("k{i}"), wide.keys["a"].clone())).collect();
        let error = trials(&Tune { keys, ..wide }).expect_err("11 to the fifth");
        assert!(error.to_string().contains("more than 10000 combinations"), "{error}");
    }

    #[test]
    fn random_search_draws_within_its_ranges_and_a_longer_one_goes_on() {
        let text = |trials: usize| {
            format!(
                "tune: {{search: random, trials: {trials}, keys: {{lr: {{from: 0.0001, to: 0.1, log: true}}, n: {{from: 1, to: 3}}}}}}"
            )
        };
        let all = trials(&tune(&text(400))).expect("trials");
        assert_eq!(trials(&tune(&text(20))).expect("trials"), all[..20]);
        let values = |key: &str| -> Vec<f64> {
            all.iter().filter_map(|trial| trial.settings[key].as_f64()).collect()
        };
        assert!(values("lr").iter().all(|v| (0.0001..=0.1).contains(v)));
        assert!(values("n").iter().all(|v| (1.0..=3.0).contains(v)));
        // In the logarithm half of them lie below the middle, √(0.0001 · 0.1): 200 give or take 10 a deviation.
        let low = values("lr").iter().filter(|v| **v < 0.003_162).count();
        assert!((160..=240).contains(&low), "{low}");
    }

    #[test]
    fn a_range_between_whole_numbers_gives_each_of_them_and_no_other() {
        let rank = "model_trainer.LoRA_kwargs.r";
        let text = format!(
            "tune: {{search: random, trials: 300, keys: {{{rank}: {{from: 4, to: 8}}, data_loader.random_seed: {{from: 1, to: 9, log: true}}}}}}"
        );
        let all = trials(&tune(&text)).expect("trials");
        let ranks: BTreeSet<u64> = all
            .iter()
            .map(|trial| {
                let said = Config::read_with(&text, &trial.to_settings()).expect("sound").training;
                assert!((1..=9).contains(&said.data_loader.random_seed));
                said.model_trainer.lora.r as u64
            })
            .collect();
        assert_eq!(ranks, BTreeSet::from([4, 5, 6, 7, 8]));
        // A range is the same after it was written down, and drawn numbers stay in it when they are rounded.
        let said = Config::read(&text).expect("sound").to_yaml().expect("YAML");
        assert_eq!(trials(&tune(&said)).expect("trials"), all);
        let (from, to) = (0.123_44, 0.123_46);
        let text = format!("tune: {{search: random, keys: {{a: {{from: {from}, to: {to}}}}}}}");
        for trial in trials(&tune(&text)).expect("trials") {
            assert!(trial.settings["a"].as_f64().is_some_and(|v| (from..=to).contains(&v)));
        }
    }

    #[test]
    fn the_best_come_first_and_what_failed_stays() {
        let scores =
            |ap, loss| FoldScores { ap, f1: 0.0, accuracy: 0.0, loss, best_epoch: 1, trained: 1 };
        let result = |number, folds: &[(f64, f64)], failed: bool, metric| {
            let trial = Trial { number, settings: BTreeMap::new() };
            let folds = folds.iter().map(|(ap, loss)| scores(*ap, *loss)).enumerate().collect();
            let failures =
                if failed { BTreeMap::from([(1, "NaN".to_owned())]) } else { BTreeMap::new() };
            TrialResult::new(trial, folds, failures, metric)
        };
        for (metric, expected) in [(Metric::Ap, [3, 1, 2]), (Metric::Loss, [1, 3, 2])] {
            let mut all = [
                result(1, &[(0.5, 0.1), (0.7, 0.1)], false, metric),
                result(2, &[(0.9, 0.0)], true, metric),
                result(3, &[(0.8, 0.2), (0.6, 0.3)], false, metric),
            ];
            rank(&mut all, metric);
            assert_eq!(all.each_ref().map(|r| r.trial.number), expected);
            assert_eq!(all[2].mean, None);
        }
        let one = result(1, &[(0.5, 0.1), (0.7, 0.1)], false, Metric::Ap);
        assert_eq!((one.mean, one.range), (Some(0.6), Some((0.5, 0.7))));
    }
}
