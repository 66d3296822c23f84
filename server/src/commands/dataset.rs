//! `spyhop dataset`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use spyhop_config::Labels;
use spyhop_train::dataset::report;
use spyhop_train::{Part, Split};

use super::StateArgs;
use crate::training::{CutNow, Reviews};
use crate::{answer, training};

/// Cut recordings and labels into windows to train on.
#[derive(clap::Args)]
#[command(after_help = "\
Labels are tables beside the recordings (Raven selection tables, Audacity labels, Spyhop's own CSV), or \
the log of the DCLDE workshop of 2013, or what people said of candidates on a server (reviews: what was \
accepted or named otherwise is a call, what was rejected is none, and nothing else is taken). Tables and the \
log must tell every call: what they do not name is taken to be without one. A recording that no table is of is \
left out; a table with a header and no row says that there is no call in it. Windows without a call lie on a \
grid, never in a gap of a recording, and touch none, nor anything that may be one: a label that is mapped to \
no class ({upcall: upcall, 'upcall?': ''}), and confidences of the log that the mapping does not name. Sounds \
that are no calls stay in as such. The log is matched to the clock in the recordings' names, whatever zone \
deployment.toml says of it. How long windows are, and which labels are which class, stands under preprocess \
in the configuration (spyhop train --print-config). What is left out is told, and how loud the windows of each \
class are in the band that model.front_end says (else in all of it): RMS in dB re FS, full scale, of at most \
300 of them.

Exit codes:
  0  written
  1  recordings or labels can't be read, or the table can't be written
  2  the command was not understood

Examples:
  spyhop dataset tables ~/whales/bank-in-march --set 'preprocess.label_mapping={upcall: upcall}' \\
      --out windows.parquet
  spyhop dataset dclde2013 ~/dclde2013 --out windows.parquet
  spyhop dataset reviews ~/whales/gulf-night --deployment gulf-night --out windows.parquet")]
pub struct Args {
    /// What says where calls are: tables, dclde2013 or reviews
    #[arg(value_name = "LABELS", value_parser = parse_labels)]
    labels: Labels,
    /// Folder with recordings in it or in folders below
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The table of windows to write
    #[arg(long, value_name = "FILE.parquet")]
    out: PathBuf,
    /// Settings that are to be otherwise than usual, as YAML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting that is to be otherwise, as preprocess.window_s=2
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The deployment whose reviewed candidates are meant, for reviews
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    #[command(flatten)]
    state: StateArgs,
    /// Print what was cut as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let labels = format!("preprocess.labels={}", training::word(args.labels));
    let set: Vec<String> = args.set.iter().cloned().chain([labels]).collect();
    let said = training::config(args.config.as_deref(), &set)?;
    let reviews = match &args.deployment {
        Some(deployment) => {
            Some(Reviews { state: args.state.folder()?, deployment: deployment.clone() })
        }
        None => None,
    };
    let CutNow { table, sources, told } = training::cut(&args.dir, &said, reviews.as_ref())?;
    table.write(&args.out, &said.preprocess, &sources)?;
    for sentence in &told {
        eprintln!("spyhop: {sentence}");
    }
    // How training would split it: what is too little for that is better known now.
    let split = table
        .clone()
        .of_classes(&said.data_loader.include_classes)
        .and_then(|table| Ok((Split::new(&table, &said.data_loader)?, table)));
    let (report, problem) = match split {
        Ok((split, table)) => (Some(report(&table, &split)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    if args.json {
        let counts: serde_json::Map<_, _> = table
            .classes
            .iter()
            .cloned()
            .zip(table.counts().into_iter().map(|n| json!(n)))
            .collect();
        let object = json!({
            "out": args.out,
            "window_s": table.window_s,
            "windows": counts,
            "levels": table.levels,
            "recordings": table.recordings.len(),
            "report": report,
            "problem": problem,
            "told": told,
        });
        answer::say(serde_json::to_string_pretty(&object)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    answer::say(format!("{} windows of {} s", table.windows.len(), table.window_s))?;
    for (class, count) in table.classes.iter().zip(table.counts()) {
        answer::say(format!("  {class:<20} {count}"))?;
    }
    if let Some(levels) = &table.levels {
        let band = levels.band.in_words();
        answer::say(format!("  {:<20} 10 %, median and 90 % of windows, {band}", "RMS, dB re FS"))?;
        for (class, [low, middle, high]) in &levels.rms_db_re_fs {
            answer::say(format!("    {class:<18} {low:.1}, {middle:.1}, {high:.1}"))?;
        }
    }
    if let Some(report) = &report {
        answer::say(format!(
            "  {:<20} {}, {} of them with calls, {:.1} h, {} days",
            "recordings",
            report.recordings,
            report.recordings_with_calls,
            report.hours,
            report.days
        ))?;
        answer::say(format!("  {:<20} 1 to {:.0}", "rarest to commonest", report.imbalance))?;
        for part in Part::ALL {
            let Some(of_part) = report.parts.get(part.name()) else { continue };
            let counts: Vec<String> =
                of_part.windows.iter().map(|(class, n)| format!("{class} {n}")).collect();
            let counts = counts.join(", ");
            answer::say(format!(
                "  {:<20} {} recordings: {counts}",
                part.name(),
                of_part.recordings
            ))?;
        }
        for leak in &report.leaks {
            eprintln!("spyhop: {leak}");
        }
    }
    if let Some(problem) = problem {
        eprintln!("spyhop: it can't be split for training: {problem}");
    }
    answer::say(format!("  {:<20} {}", "written", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn parse_labels(word: &str) -> Result<Labels, String> {
    let known = [Labels::Tables, Labels::Dclde2013, Labels::Reviews];
    let labels = known.into_iter().find(|labels| training::word(*labels) == word);
    labels.ok_or_else(|| "give tables, dclde2013 or reviews".into())
}
