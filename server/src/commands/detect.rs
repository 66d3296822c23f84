//! `spyhop detect`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde_json::json;
use spyhop_api::detection::Chance;
use spyhop_api::{Deployment, RecordingInfo};
use spyhop_signal::detect::fit::fitting;

use super::StateArgs;
use super::product::{NO_RECORDING, one_deployment, one_recording};
use crate::catalogue::Recordings;
use crate::detection::{self, Detected, Format, Row, Source, Table, Wanted};
use crate::models::{self, Model};
use crate::place::Place;
use crate::recording_file::{self, PARTLY};
use crate::state::Workplace;
use crate::{answer, whole_file};

/// Find calls in a place's recordings: by a detector that needs no training, or by a network.
///
/// What is found are candidates: until somebody has looked at one it is no more than that.
#[derive(clap::Args)]
#[command(after_help = "\
Detectors find one type of call each, networks what they were trained for: a network is a folder as \
spyhop models knows it. --list says which of both fit a place's recordings, and why others do not.

Times are of the clock in UTC. A call at the border of two files is found once. What was heard is kept \
below --state in detections/, so that stopping loses nothing, and the same command goes on. A score \
means what its detector says: decibels over the noise, a correlation, or a network's probability; all \
candidates from its threshold on are written, with --all also those below it that were kept.

Exit codes:
  0  written
  1  the place can't be read, its recordings can't hold these calls, or the disk can't be written
  2  the command was not understood
  3  written, but some recordings are left out (they are listed)

Examples:
  spyhop detect recorder --list
  spyhop detect recorder --detector whistle --out whistles.txt
  spyhop detect night.flac --detector upcall --out upcalls.csv --all
  spyhop detect recorder --model ~/models/upcalls --adapter ~/models/gulf --out calls.parquet
  spyhop detect --print-config > spyhop.yaml")]
pub struct Args {
    /// Folder, bucket or web folder with recordings in it or in folders below; or one recording
    #[arg(value_name = "PLACE", required_unless_present = "print_config")]
    place: Option<String>,
    /// Which detector
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    #[arg(required_unless_present_any = ["model", "list", "print_config"])]
    detector: Option<String>,
    /// Folder of a network, its name in the user's models folder, or the name of one that comes with the
    /// program
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Folder of a LoRA adapter, to be laid over the network
    #[arg(long, value_name = "DIR", requires = "model")]
    adapter: Option<PathBuf>,
    /// Settings that are to be otherwise than usual, as YAML (see --print-config)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to write: a name that ends in .parquet, .csv or .txt (a Raven selection table)
    #[arg(long, value_name = "FILE", value_parser = parse_out)]
    #[arg(required_unless_present_any = ["list", "print_config"])]
    out: Option<(PathBuf, Format)>,
    /// Write the candidates below the threshold, too
    #[arg(long)]
    all: bool,
    /// Which deployment, where the place holds several
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Channel, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u32,
    /// Say which detectors and networks fit the recordings, and why others do not
    #[arg(long, conflicts_with_all = ["detector", "model", "out"])]
    list: bool,
    /// Print the configuration with every key explained, and no more
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    state: StateArgs,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// What is listened to.
pub(super) struct Heard {
    pub deployment: Deployment,
    pub recordings: Recordings,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.print_config {
        answer::say(spyhop_config::DEFAULTS.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    super::log_to_stderr();
    let place = args.place.as_deref().context("name a place")?;
    let config = match &args.config {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| anyhow::anyhow!("can't read {}: {error}", path.display()))?,
    };
    // Before anything is looked through: a slip of the hand is told at once.
    let wanted = Wanted {
        detector: args.detector.clone(),
        model: args.model.clone(),
        adapter: args.adapter.clone(),
        config,
    };
    let of_file = |error: detection::SourceError| match (&error, &args.config) {
        (detection::SourceError::Config(_) | detection::SourceError::Class { .. }, Some(path)) => {
            anyhow::anyhow!("{}: {error}", path.display())
        }
        _ => error.into(),
    };
    let source =
        if args.list { None } else { Some(Arc::new(Source::open(&wanted).map_err(of_file)?)) };
    let workplace = args.state.workplace()?;
    let heard = heard(place, &args, &workplace)?;
    let Some(source) = source else { return list(&heard, args.json) };
    let (out, format) = args.out.as_ref().context("say where to write: --out FILE")?;
    for info in heard.recordings.infos.iter() {
        recording_file::check_channel(info, args.channel)?;
    }
    let about = source.described()?;
    let classes = source.classes();
    let (state, is_beside) = (workplace.path().to_owned(), workplace.is_beside());
    // What is listed is in memory: a server may have the state folder while it is listened to.
    drop(workplace);
    let Heard { deployment, recordings } = &heard;
    let title = source.title();
    let detected =
        detection::run(&state, deployment, recordings, &source, args.channel, is_beside)?;
    let threshold = |row: &Row| {
        classes.iter().find(|class| class.name == row.class).map_or(0.0, |class| class.threshold)
    };
    let is_found = |row: &&Row| args.all || f64::from(row.score) >= threshold(row);
    let rows: Vec<Row> = detected.rows.iter().filter(is_found).cloned().collect();
    let table =
        Table { rows: &rows, source: &about, channel: args.channel, infos: &recordings.infos };
    whole_file::write(out, place.as_ref(), |file| table.write(*format, file))?;
    let left_out = left_out(&detected, deployment, recordings);
    for reason in &left_out {
        eprintln!("spyhop: {reason}");
    }
    let hours = detected.plan.recorded_h();
    let per_s = hours / detected.took.as_secs_f64().max(1e-9);
    if args.json {
        let object = json!({
            "deployment": deployment.id,
            "title": title,
            "source": about,
            "classes": classes,
            "out": out,
            "candidates": detected.rows.len(),
            "written": rows.len(),
            "hours": hours,
            "seconds": detected.took.as_secs_f64(),
            "audio_hours_per_s": per_s,
            "left_out": left_out,
        });
        answer::say(serde_json::to_string_pretty(&object)?)?;
    } else {
        answer::say(format!("{title} in {}", deployment.name))?;
        answer::say(format!("  candidates  {} of {}", rows.len(), detected.rows.len()))?;
        answer::say(format!(
            "  heard       {hours:.2} h in {:.1} s, {per_s:.3} audio-hours/s",
            detected.took.as_secs_f64()
        ))?;
        answer::say(format!("  written     {}", out.display()))?;
    }
    Ok(if left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// The recordings of a place, or of a file.
fn heard(place: &str, args: &Args, workplace: &Workplace) -> anyhow::Result<Heard> {
    let path = Path::new(place);
    let (deployment, recordings) = match path.is_file() {
        true => one_recording(path)?,
        false => one_deployment(Place::at(place)?, workplace, args.deployment.as_deref())?,
    };
    Ok(Heard { deployment, recordings })
}

/// What could not be heard.
fn left_out(detected: &Detected, deployment: &Deployment, recordings: &Recordings) -> Vec<String> {
    let failures = deployment.failures.iter().map(|failure| failure.reason.clone());
    let of_plan = detected.plan.left_out(&recordings.infos);
    failures.chain(of_plan).chain(detected.problems.iter().cloned()).collect()
}

/// Says what fits.
fn list(heard: &Heard, json: bool) -> anyhow::Result<ExitCode> {
    let rate_hz = rate_of(&heard.recordings.infos).context(NO_RECORDING)?;
    let fits = fitting(rate_hz, None);
    let card = |(name, model): (String, Model)| (name, model.card().map_err(|e| e.to_string()));
    let cards = models::all().into_iter().map(card).collect();
    let networks = detection::fitting_networks(cards, rate_hz, None);
    if json {
        let object = json!({ "sample_rate_hz": rate_hz, "detectors": fits, "networks": networks });
        answer::say(serde_json::to_string_pretty(&object)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    answer::say(format!("{}, {} kHz", heard.deployment.name, rate_hz / 1000.0))?;
    let word = |chance: Chance| match chance {
        Chance::Likely => "likely",
        Chance::Possible => "possible",
        Chance::None => "no",
    };
    for fit in &fits {
        answer::say(format!("  {:<15} {:<9} {}", fit.id, word(fit.chance), fit.sentence))?;
    }
    answer::say("networks, for --model")?;
    for fit in &networks {
        answer::say(format!("  {:<15} {:<9} {}", fit.name, word(fit.chance), fit.sentence))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The rate that would be listened to.
fn rate_of(infos: &[RecordingInfo]) -> Option<f64> {
    spyhop_signal::Line::new(infos).ok().map(|(line, _)| line.sample_rate_hz)
}

fn parse_out(text: &str) -> Result<(PathBuf, Format), String> {
    let path = PathBuf::from(text);
    let format = Format::of(&path);
    let format = format.ok_or("give a name that ends in .parquet, .csv or .txt")?;
    Ok((path, format))
}
