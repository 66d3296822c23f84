//! `spyhop runs`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use spyhop_api::run::{RunDetail, RunSummary, differing};
use spyhop_train::mlflow::{self, Delivered};

use super::StateArgs;
use crate::answer;
use crate::progress::{rounded, time_left};
use crate::runs::Runs;

/// See what was trained, compare runs, or tell MLflow what it was not told yet.
///
/// Every training is noted, and stays listed when it fails or its network is poor.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes:
  0  it was done
  1  it was not; or, of send, something could not be told
  2  the command was not understood

Examples:
  spyhop runs                          all runs, the latest first
  spyhop runs show upcalls-3           one run with all its settings
  spyhop runs compare first second     settings that differ, and what came of them
  spyhop runs send                     tell MLflow what is kept for it
  spyhop runs list --json | jq '.runs[] | select(.state == \"failed\").problem'")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Folder in which it is noted what was trained
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// Print JSON, as the server's API gives it
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, clap::Subcommand)]
enum Action {
    /// All runs, the latest first (what happens without a word)
    List,
    /// One run with all its settings
    Show(Which),
    /// Runs beside each other: settings that differ, and figures
    Compare {
        /// Their names, ids or folders
        #[arg(required = true, num_args = 2.., value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Tell MLflow servers what they were not told yet
    Send,
}

#[derive(Clone, clap::Args)]
struct Which {
    /// Its name, id or folder
    #[arg(value_name = "RUN")]
    run: String,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runs = Runs::of_state(&StateArgs { state: args.state }.folder()?);
    match args.action.unwrap_or(Action::List) {
        Action::List => list(&runs, args.json)?,
        Action::Show(which) => show(&detail(&runs, &which.run)?, args.json)?,
        Action::Compare { runs: words } => {
            let found = words.iter().map(|word| detail(&runs, word));
            compare(&found.collect::<anyhow::Result<Vec<_>>>()?, args.json)?;
        }
        Action::Send => return send(&runs, args.json),
    }
    Ok(ExitCode::SUCCESS)
}

fn detail(runs: &Runs, word: &str) -> anyhow::Result<RunDetail> {
    let id = runs.named(word)?;
    runs.detail(&id)?.ok_or_else(|| anyhow::anyhow!("there is no run '{word}' any more"))
}

fn list(runs: &Runs, json: bool) -> anyhow::Result<()> {
    let list = runs.list()?;
    if json {
        return answer::say(serde_json::to_string_pretty(&list)?);
    }
    if list.runs.is_empty() {
        return answer::say("no runs yet: spyhop train --config FILE makes one");
    }
    let mut text = format!(
        "{:<12}  {:<24} {:<11} {:>9} {:>10} {:>9} {:>9}",
        "id", "name", "state", "best", "epochs", "trained", "took"
    );
    for run in &list.runs {
        text += &format!(
            "\n{:<12}  {:<24} {:<11} {:>9} {:>10} {:>9} {:>9}",
            run.id,
            run.name,
            run.state.in_words(),
            best(run),
            format!("{} of {}", run.epoch, run.epochs),
            run.trained_share().map_or("–".into(), |share| format!("{:.1} %", 100.0 * share)),
            time_left(run.spent_s)
        );
        for (key, value) in &run.settings {
            text += &format!("\n{:14}{key} = {value}", "");
        }
        if let Some(left) = run.left_s {
            let loss = run.loss.map_or(String::new(), |loss| format!("loss {loss:.4}, "));
            let speed = rounded(run.windows_per_s.unwrap_or_default());
            text +=
                &format!("\n{:14}{loss}{speed} windows/s, {} left at most", "", time_left(left));
        }
        if let Some(problem) = &run.problem {
            text += &format!("\n{:14}{problem}", "");
        }
    }
    answer::say(text)
}

fn show(detail: &RunDetail, json: bool) -> anyhow::Result<()> {
    if json {
        return answer::say(serde_json::to_string_pretty(detail)?);
    }
    let RunDetail { run, curves, untold } = detail;
    let mut text = format!("{} {} ({})\n", run.id, run.name, run.state.in_words());
    let mut row = |name: &str, words: String| text += &format!("  {name:<36} {words}\n");
    row("folder", run.folder.clone());
    row("experiment", run.experiment.clone());
    row("epochs", format!("{} of {}", run.epoch, run.epochs));
    row("trained", format!("{} of {} parameters", run.trained, run.parameters));
    row("took", time_left(run.spent_s));
    if run.best_epoch > 0 {
        row("best epoch", run.best_epoch.to_string());
    }
    for (name, value) in &run.best {
        row(&format!("{name}/val there"), format!("{value:.4}"));
    }
    for curve in curves {
        if let Some(Some(last)) = curve.values.last() {
            row(&format!("{} at last", curve.name), number(*last));
        }
    }
    for (key, value) in &run.settings {
        row(key, value.clone());
    }
    if let Some(problem) = &run.problem {
        row("problem", problem.clone());
    }
    if *untold > 0 {
        row("not told to MLflow yet", format!("{untold} messages (spyhop runs send)"));
    }
    answer::say(text.trim_end())
}

fn compare(found: &[RunDetail], json: bool) -> anyhow::Result<()> {
    let keys = differing(found.iter().map(|detail| &detail.run.settings));
    if json {
        let runs: Vec<RunSummary> = found
            .iter()
            .map(|RunDetail { run, .. }| {
                let mut run = run.clone();
                run.settings.retain(|key, _| keys.contains(key));
                run
            })
            .collect();
        return answer::say(serde_json::to_string_pretty(&spyhop_api::run::RunList { runs })?);
    }
    let runs: Vec<&RunSummary> = found.iter().map(|detail| &detail.run).collect();
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let mut row = |name: &str, of: &dyn Fn(&RunSummary) -> String| {
        rows.push((name.to_owned(), runs.iter().map(|run| of(run)).collect()));
    };
    row("", &|run| run.name.clone());
    row("state", &|run| run.state.in_words().to_owned());
    row("best", &best);
    for name in ["ap", "f1", "accuracy", "loss"] {
        row(&format!("{name}/val there"), &|run| figure(&run.best, name));
    }
    row("best epoch", &|run| run.best_epoch.to_string());
    row("trained", &|run| format!("{} of {}", run.trained, run.parameters));
    row("took", &|run| time_left(run.spent_s));
    for key in &keys {
        row(key, &|run| run.settings.get(key).cloned().unwrap_or_else(|| "–".into()));
    }
    let lines = rows.iter().map(|(name, words)| {
        let words: Vec<String> = words.iter().map(|word| format!("{word:>20}")).collect();
        format!("{name:<36} {}", words.join(" ")).trim_end().to_owned()
    });
    answer::say(lines.collect::<Vec<_>>().join("\n"))
}

fn send(runs: &Runs, json: bool) -> anyhow::Result<ExitCode> {
    let mut told = BTreeMap::new();
    let mut refused = BTreeMap::new();
    let mut troubles = BTreeMap::new();
    let (folders, problems) = runs.folders()?;
    for problem in &problems {
        eprintln!("spyhop: {problem}");
    }
    for folder in folders {
        let name = folder.path().display().to_string();
        match mlflow::send(&folder) {
            Ok(Delivered { told: 0, .. }) => {}
            Ok(delivered) => {
                if delivered.refused > 0 {
                    let path = mlflow::refused_path(&folder).display().to_string();
                    refused.insert(path, delivered.refused);
                }
                told.insert(name, delivered.told);
            }
            Err(trouble) => drop(troubles.insert(name, trouble.to_string())),
        }
    }
    if json {
        let said = serde_json::json!({ "told": told, "refused": refused, "troubles": troubles });
        answer::say(serde_json::to_string_pretty(&said)?)?;
    } else {
        for (name, count) in &told {
            answer::say(format!("{count} messages were told of {name}"))?;
        }
        for (path, count) in &refused {
            eprintln!(
                "spyhop: MLflow would not take {count} of them; they are kept with its reasons in {path}"
            );
        }
        for (name, why) in &troubles {
            eprintln!("spyhop: {why}; what is to be told stays in {name}");
        }
        if told.is_empty() && troubles.is_empty() {
            answer::say("there is nothing that MLflow was not told")?;
        }
    }
    let is_all = refused.is_empty() && troubles.is_empty() && problems.is_empty();
    Ok(if is_all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `ap 0.9312`.
fn best(run: &RunSummary) -> String {
    run.best_value().map_or("–".into(), |value| format!("{} {value:.4}", run.metric))
}

fn figure(of: &BTreeMap<String, f64>, name: &str) -> String {
    of.get(name).map_or("–".into(), |value| format!("{value:.4}"))
}

/// Four digits, however small or large.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        x if (1e-3..1e5).contains(&x) => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}
