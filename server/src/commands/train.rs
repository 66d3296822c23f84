//! `spyhop train`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use spyhop_config::Training;
use spyhop_model::ModelFiles;
use spyhop_train::mlflow::Mlflow;
use spyhop_train::{JsonLines, Outcome, PartScores, Setup, Told, Tracker, train};

use super::StateArgs;
use crate::models::Model;
use crate::progress::{rounded, time_left};
use crate::training::WindowsFor;
use crate::{answer, training};

/// Train a network to find calls, or adapt one.
#[derive(clap::Args)]
#[command(after_help = "\
The configuration says everything; --print-config prints it with every key explained, and a file need \
hold no more than what is to be otherwise. Each run has a folder: what was said, the split, metrics by \
step, and a model that spyhop detect --model opens (with LoRA an adapter as well). The same command \
goes on with a run that was stopped (Ctrl-C) or killed, to the same bits as if it had not been. \
Where labels were changed since windows were cut, training cuts again what it cut by itself, and else \
says so and ends; --windows-as-cut trains on windows as they are. \
Runs are listed by spyhop runs and on a server's page of runs; an MLflow server that \
general.mlflow_server_uri names is told of them, at once or once it can be reached.

Exit codes:
  0  trained
  1  the data can't be read or trained on, or the disk can't be written
  2  the command was not understood

Examples:
  spyhop train --print-config > upcalls.yaml
  spyhop train --config upcalls.yaml
  spyhop train --config upcalls.yaml --set model_trainer.lr=0.001 --set general.run_name=faster
  spyhop train --config upcalls.yaml --set model.base=~/models/ast --set model_trainer.train=lora")]
pub struct Args {
    /// The configuration, as YAML
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    config: Option<PathBuf>,
    /// One setting that is to be otherwise, as model_trainer.lr=0.001
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Take windows as they were cut, though labels were changed since
    #[arg(long)]
    windows_as_cut: bool,
    /// Print the configuration with every key explained, and no more
    #[arg(long)]
    print_config: bool,
    /// Print what came of it as JSON
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
    let mut said = training::config(Some(path), &args.set)?;
    // A name that can't be is told before anything is cut.
    training::run_folder(&said)?;
    let base = match said.model.base.as_str() {
        "" => None,
        base => Some(Model::named(Path::new(base))?),
    };
    let wanted = WindowsFor { as_cut: args.windows_as_cut, is_run: true };
    let table = training::windows(&mut said, &training::text(path)?, &args.set, wanted)?;
    let folder = training::run_folder(&said)?;
    std::fs::create_dir_all(folder.path())
        .with_context(|| format!("{} can't be made", folder.path().display()))?;
    eprintln!("Training in {}", folder.path().display());
    let bars = Bars::new(&said);
    let watch = |told: Told| bars.show(told);
    if let Err(error) = args.state.folder().and_then(|state| training::note(&state, &said, &folder))
    {
        eprintln!("spyhop: the run will be missing in spyhop runs: {error:#}");
    }
    let mut mlflow = training::mlflow(&said, &folder, None)?;
    let mut lines = JsonLines::new(folder.metrics());
    let mut tracker: Vec<Box<dyn Tracker + '_>> = vec![Box::new(&mut lines)];
    tracker.extend(mlflow.as_mut().map(|mlflow| Box::new(mlflow) as Box<dyn Tracker + '_>));
    let stop = stop_on_ctrl_c()?;
    let trained = train(Setup {
        said: &said,
        table,
        base: base.as_ref().map(|base| base as &dyn ModelFiles),
        folder: &folder,
        features: &Path::new(&said.general.output_dir).join("features"),
        open: &training::open,
        tracker: &mut tracker,
        stop: &stop,
        watch: &watch,
    });
    drop(tracker);
    bars.bar.finish_and_clear();
    if let Some(kept) = mlflow.and_then(Mlflow::finish) {
        eprintln!("spyhop: {kept}");
    }
    let outcome = trained?;
    for class in outcome.test.iter().flat_map(PartScores::without_windows) {
        eprintln!(
            "spyhop: the test part has no window of '{class}', and so no figures of it: change data_loader.random_seed or the ratios, or label more"
        );
    }
    match args.json {
        true => answer::say(serde_json::to_string_pretty(&outcome)?)?,
        false => answer::say(in_words(&outcome))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Set by Ctrl-C: training then ends after the batch, and keeps where it is.
fn stop_on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("Ctrl-C can't be waited for")?;
    std::thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            told.store(true, Ordering::Relaxed);
        }
    });
    Ok(stop)
}

/// A bar that says how it goes.
struct Bars {
    bar: ProgressBar,
    epochs: usize,
}

impl Bars {
    fn new(said: &Training) -> Bars {
        let bar = ProgressBar::new(1);
        let style = ProgressStyle::with_template("{prefix} {bar:30} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bars { bar, epochs: said.model_trainer.num_epochs }
    }

    fn show(&self, told: Told) {
        match told {
            Told::Features(done, of) => {
                self.bar.set_prefix("listening");
                self.bar.set_length(of as u64);
                self.bar.set_position(done as u64);
            }
            Told::Leak(sentence) => self.bar.suspend(|| eprintln!("spyhop: {sentence}")),
            Told::Share(share) => self.bar.suspend(|| {
                let percent = 100.0 * share.trained as f64 / share.all.max(1) as f64;
                eprintln!("{} of {} parameters are trained, {percent:.1} %", share.trained, share.all);
            }),
            Told::Placed(words) => self.bar.suspend(|| eprintln!("computed {words}")),
            Told::Batch { epoch, batch, batches, loss, rate, windows_per_s, left_s } => {
                self.bar.set_prefix(format!("epoch {epoch} of {}", self.epochs));
                self.bar.set_length(batches as u64);
                self.bar.set_position(batch as u64);
                self.bar.set_message(format!(
                    "loss {loss:.4}, rate {rate:.1e}, {} windows/s, {} left at most",
                    rounded(windows_per_s),
                    time_left(left_s)
                ));
            }
            Told::Epoch(report) => self.bar.suspend(|| {
                let PartScores { loss, ap, f1, accuracy, .. } = report.val;
                eprintln!(
                    "epoch {:>3}  loss {:.4}  validation: loss {loss:.4}, ap {ap:.4}, f1 {f1:.4}, accuracy {accuracy:.4}{}",
                    report.epoch,
                    report.loss_train,
                    if report.is_best { "  the best so far" } else { "" }
                );
            }),
        }
    }
}

/// For a person.
fn in_words(outcome: &Outcome) -> String {
    let mut text = format!(
        "{} epochs, the best was {}\n  {:<18} {:>8} {:>8} {:>8} {:>8} {:>9}\n",
        outcome.epochs, outcome.best_epoch, "", "ap", "f1", "recall", "precision", "threshold"
    );
    for (part, scores) in [("val", Some(&outcome.val)), ("test", outcome.test.as_ref())] {
        for class in scores.iter().flat_map(|scores| &scores.classes) {
            let told = |value: Option<f64>, digits: usize| {
                value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
            };
            text += &format!(
                "  {:<18} {:>8} {:>8} {:>8} {:>8} {:>9}\n",
                format!("{part} {}", class.class),
                told(class.ap, 4),
                told(class.f1, 4),
                told(class.recall, 4),
                told(class.precision, 4),
                told(class.threshold, 3)
            );
        }
    }
    text + &format!("  model             {}", outcome.model.display())
}
