//! `spyhop tune`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use spyhop_config::{Config, hash_of};
use spyhop_train::RunFolder;

use super::StateArgs;
use crate::recording_file::PARTLY;
use crate::{answer, training, tuning};

/// Digits of a hash in the name of a search that has none.
const HASH_DIGITS: usize = 10;

/// Search for settings that work better, by cross-validation.
#[derive(clap::Args)]
#[command(after_help = "\
The section tune of the configuration says which keys are searched, and how; everything else is as for \
spyhop train. Each trial trains a network for each fold: all recordings (or days) but those of the test \
part are validated once. The same command goes on with a search that was stopped (Ctrl-C) or killed, and \
a wider search trains only what is new. What fails stays listed with its reason, and is tried again.

Below general.output_dir a folder (general.run_name with -search) gets trials.csv, trials.json, report.html \
and best.yaml, which spyhop train --config takes as a run of its own; each network is listed by spyhop runs. \
A learning curve is a search over data_loader.train_share. All trials learn from the same windows: keys of \
preprocess (but channel), and others that change nothing there, are refused. Where labels were changed since \
windows were cut it is as for spyhop train.

Exit codes:
  0  searched
  1  nothing could be trained: the data can't be read, a key is not known, or every trial failed
  2  the command was not understood
  3  searched, but some trials failed (they are listed)

Examples:
  spyhop tune --config upcalls.yaml --set 'tune.keys={model_trainer.lr: [0.0003, 0.001, 0.003]}'
  spyhop tune --config upcalls.yaml --set tune.search=random --set tune.trials=30 \\
      --set 'tune.keys={model_trainer.lr: {from: 0.0001, to: 0.01, log: true}}'
  spyhop tune --config upcalls.yaml --set 'tune.keys={data_loader.train_share: [0.1, 0.25, 0.5, 1]}'")]
pub struct Args {
    /// The configuration, as YAML
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    config: Option<PathBuf>,
    /// One setting that is to be otherwise, as tune.folds=5
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Take windows as they were cut, though labels were changed since
    #[arg(long)]
    windows_as_cut: bool,
    /// Print the configuration with every key explained, and no more
    #[arg(long)]
    print_config: bool,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.print_config {
        answer::say(spyhop_config::DEFAULTS.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    spyhop_model::keep_freed_memory();
    super::log_to_stderr();
    let path = args.config.as_deref().context("name a configuration")?;
    let text = training::text(path)?;
    let config = training::read(&text, &args.set);
    let mut config = config.with_context(|| format!("in {}", path.display()))?;
    let folder = folder(&config)?;
    let state = args.state.folder();
    if let Err(error) = &state {
        eprintln!("spyhop: the networks will be missing in spyhop runs: {error:#}");
    }
    let (state, whole) = (state.ok(), RunFolder(folder.clone()));
    let asked = tuning::Asked { text: &text, set: &args.set, windows_as_cut: args.windows_as_cut };
    let (results, folds) = tuning::search(&asked, &mut config, &whole, state.as_deref())?;
    let search = tuning::Search { config: &config, results: &results, folds: &folds };
    tuning::write(&search, &folder, &text, &args.set)?;
    if args.json {
        let mut object = search.to_json();
        if let Some(keys) = object.as_object_mut() {
            keys.insert("folder".into(), json!(folder));
        }
        answer::say(serde_json::to_string_pretty(&object)?)?;
    } else {
        answer::say(search.in_words())?;
        answer::say(format!("written to {}", folder.join("report.html").display()))?;
    }
    let failed = results.iter().filter(|result| result.mean.is_none()).count();
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        n if n == results.len() => ExitCode::FAILURE,
        _ => ExitCode::from(PARTLY),
    })
}

/// Where results go: named by a person, else by what decides them.
fn folder(config: &Config) -> anyhow::Result<PathBuf> {
    let general = &config.training.general;
    let name = match general.run_name.as_str() {
        "" => {
            let hash = hash_of(&config.to_yaml()?);
            format!("{}-tune-{}", general.experiment_name, &hash[..HASH_DIGITS.min(hash.len())])
        }
        // A training of the same configuration has the name itself for its folder.
        name => format!("{name}-search"),
    };
    training::check_name(&name)?;
    Ok(Path::new(&general.output_dir).join(name))
}
