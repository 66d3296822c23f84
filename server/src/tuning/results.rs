//! What a search found: a table, a plot, and the configuration of the best trial.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use spyhop_config::{Config, Metric};
use spyhop_train::TRAIN_SHARE;
use spyhop_train::tuning::TrialResult;

use super::{NamedFold, as_cut};
use crate::evaluation::{Chart, Mark, Series, document, escaped, figure, put, quoted};
use crate::training;

/// Results, with what was searched.
pub struct Search<'a> {
    /// What was searched, and what every trial has in common.
    pub config: &'a Config,
    /// The best first.
    pub results: &'a [TrialResult],
    /// What each trial's networks were validated on.
    pub folds: &'a [NamedFold],
}

/// Writes `trials.csv`, `trials.json`, `report.html` and, where a trial did not fail, `best.yaml`.
///
/// # Errors
/// When the disk says no.
pub fn write(search: &Search<'_>, folder: &Path, text: &str, set: &[String]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} can't be made", folder.display()))?;
    put(folder, "trials.csv", &search.to_csv())?;
    put(folder, "trials.json", &(serde_json::to_string_pretty(&search.to_json())? + "\n"))?;
    put(folder, "report.html", &search.to_html())?;
    if let Some(best) = search.results.first().filter(|best| best.mean.is_some()) {
        let mut settings = set.to_vec();
        settings.extend(best.trial.to_settings());
        // The test part is the one that no fold has seen.
        settings.push(format!("data_loader.folds={}", search.config.tune.folds));
        let mut training = training::read(text, &settings)?.training;
        training.preprocess = as_cut(&training, search.config);
        // A run of its own, and not the search's.
        training.general.run_name.clear();
        put(folder, "best.yaml", &training.to_yaml()?)?;
    }
    Ok(())
}

impl Search<'_> {
    /// Everything.
    pub fn to_json(&self) -> Value {
        json!({
            "metric": self.metric(),
            "folds": self.config.tune.folds,
            "validated_on": self.folds,
            "search": self.config.tune.search,
            "keys": self.config.tune.keys,
            "trials": self.results,
        })
    }

    /// For a person at a terminal.
    pub fn in_words(&self) -> String {
        let mut text = format!(
            "{:>5} {:>8} {:>17}  settings\n",
            "trial",
            self.metric(),
            format!("of {} folds", self.config.tune.folds)
        );
        for result in self.results {
            let settings = result.trial.in_words();
            text += &match (result.mean, result.range) {
                (Some(mean), Some((low, high))) => format!(
                    "{:>5} {mean:>8.4} {:>17}  {settings}\n",
                    result.trial.number,
                    format!("{low:.4} to {high:.4}")
                ),
                _ => {
                    let reason = result.failures.values().next().map_or("", String::as_str);
                    format!("{:>5} {:>26}  {settings}: {reason}\n", result.trial.number, "failed")
                }
            };
        }
        for fold in self.folds {
            let _ = writeln!(text, "  {}", fold.in_words());
        }
        text.trim_end().to_owned()
    }

    fn metric(&self) -> &'static str {
        match self.config.tune.metric {
            Metric::Ap => "ap",
            Metric::F1 => "f1",
            Metric::Accuracy => "accuracy",
            Metric::Loss => "loss",
        }
    }

    fn keys(&self) -> Vec<&String> {
        self.config.tune.keys.keys().collect()
    }

    fn to_csv(&self) -> String {
        let keys = self.keys();
        let head = keys.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(",");
        let folds =
            (1..=self.config.tune.folds).map(|fold| format!("fold_{fold}")).collect::<Vec<_>>();
        let metric = self.metric();
        let mut text = format!("rank,trial,{head},{metric},{},failure\n", folds.join(","));
        for (rank, result) in self.results.iter().enumerate() {
            let value = |key: &&String| match result.trial.settings.get(*key) {
                Some(Value::String(text)) => quoted(text),
                Some(value) => quoted(&value.to_string()),
                None => String::new(),
            };
            let number =
                |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
            let of_fold = |fold: usize| {
                number(result.folds.get(&fold).map(|scores| scores.metric(self.config.tune.metric)))
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{},{},{},{},{},{}",
                rank + 1,
                result.trial.number,
                keys.iter().map(value).collect::<Vec<_>>().join(","),
                number(result.mean),
                (0..self.config.tune.folds).map(of_fold).collect::<Vec<_>>().join(","),
                quoted(result.failures.values().next().map_or("", String::as_str))
            );
        }
        text
    }

    fn to_html(&self) -> String {
        let metric = self.metric();
        let charts: String =
            self.keys().into_iter().filter_map(|key| self.chart(key)).map(|c| figure(&c)).collect();
        let keys = self.keys();
        let head: String = keys.iter().map(|key| format!("<th>{}</th>", escaped(key))).collect();
        let row = |result: &TrialResult| {
            let values: String = keys
                .iter()
                .map(|key| match result.trial.settings.get(*key) {
                    Some(Value::String(text)) => format!("<td>{}</td>", escaped(text)),
                    Some(value) => format!("<td>{}</td>", escaped(&value.to_string())),
                    None => "<td></td>".to_owned(),
                })
                .collect();
            let scores = match (result.mean, result.range) {
                (Some(mean), Some((low, high))) => {
                    format!("<td>{mean:.4}<small>{low:.4}–{high:.4}</small></td>")
                }
                _ => {
                    let reason = result.failures.values().next().map_or("", String::as_str);
                    format!("<td class=\"failed\">failed: {}</td>", escaped(reason))
                }
            };
            format!("<tr><th scope=\"row\">{}</th>{values}{scores}</tr>\n", result.trial.number)
        };
        let rows: String = self.results.iter().map(row).collect();
        let of_fold = |fold: &NamedFold| {
            let all = fold.validated_on.iter().map(|word| escaped(word)).collect::<Vec<_>>();
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                escaped(&fold.name),
                all.join(", ")
            )
        };
        let folds: String = self.folds.iter().map(of_fold).collect();
        let body = format!(
            "<h1>A search for settings</h1>\n<p class=\"about\">{} trials, each trained on {} folds; ranked by the \
             mean {metric} of their validation parts, with the lowest and the highest. The best of many is \
             flattered by chance: look at it on the test part before it is believed.</p>\n\
             <div class=\"plots\">{charts}</div>\n<div class=\"wide\"><table><thead><tr><th>trial</th>{head}\
             <th>{metric}</th></tr></thead>\n<tbody>{rows}</tbody></table></div>\n\
             <h2>What the folds are validated on</h2>\n<div class=\"wide\"><table>\n<tbody>{folds}</tbody>\
             </table></div>\n",
            self.results.len(),
            self.config.tune.folds
        );
        document("A search for settings", &body)
    }

    /// The metric against a key whose values are numbers.
    fn chart(&self, key: &str) -> Option<Chart> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        let mut intervals: Vec<(f64, f64, f64)> = Vec::new();
        for result in self.results {
            let (Some(mean), Some((low, high))) = (result.mean, result.range) else { continue };
            let x = result.trial.settings.get(key)?.as_f64()?;
            points.push((x, mean));
            intervals.push((x, low, high));
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let least = points.first()?.0;
        let most = points.last()?.0;
        let low = intervals.iter().map(|i| i.1).fold(f64::INFINITY, f64::min);
        let high = intervals.iter().map(|i| i.2).fold(f64::NEG_INFINITY, f64::max);
        let room = ((high - low) * 0.1).max(1e-3);
        let is_log_x = least > 0.0 && most / least > 20.0;
        let is_learning = key == format!("data_loader.{TRAIN_SHARE}");
        let beside = (most - least) * 0.05;
        Some(Chart {
            title: match is_learning {
                true => format!("Learning curve: {} against what was learned from", self.metric()),
                false => format!("{} by {key}", self.metric()),
            },
            x_label: match is_learning {
                true => "share of the training recordings".to_owned(),
                false => key.to_owned(),
            },
            y_label: self.metric().to_owned(),
            x: match (is_learning, is_log_x) {
                (true, _) => (0.0, 1.0),
                (false, true) => (least / 1.2, most * 1.2),
                (false, false) => (least - beside, most + beside),
            },
            y: (low - room, high + room),
            is_log_x: is_log_x && !is_learning,
            // Other keys differ, too, where several are searched: a line would join what does not belong together.
            series: vec![Series {
                name: self.metric().to_owned(),
                mark: if self.config.tune.keys.len() == 1 {
                    Mark::LineAndPoints
                } else {
                    Mark::Points
                },
                points,
                intervals,
                ..Series::default()
            }],
            ..Chart::default()
        })
    }
}
