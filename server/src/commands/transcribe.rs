//! `spyhop transcribe`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::json;
use spyhop_api::{Deployment, RecordingInfo};
use spyhop_signal::transcript::{Sound, TranscriptLine, markdown, srt, transcript, vtt};
use spyhop_train::dataset::{Labelled, of_its_tables};

use super::StateArgs;
use super::product::{one_recording, parse_positive};
use crate::catalogue::Recordings;
use crate::detection::{self, Source, Wanted};
use crate::recording_file::{self, PARTLY};
use crate::{answer, training, whole_file};

const NANOS: f64 = 1e9;

/// Tell what was heard when in a recording, as lines of text.
#[derive(clap::Args)]
#[command(after_help = "\
The sounds are those of a table of labels: the one that lies beside the recording (night.Table.1.\
selections.txt beside night.wav), or that of --labels; Raven selection tables, Audacity labels and the \
project's CSV are read. With --detector or --model they are what is found, from its threshold on.

Times in WebVTT and SRT count from the recording's first sample, as a player counts them; those in \
Markdown are of the clock in UTC where the recording says when it began.

Exit codes:
  0  written
  1  the recording or the table can't be read, or the disk can't be written
  2  the command was not understood
  3  written, but parts of the recording or the table are left out (they are listed)

Examples:
  spyhop transcribe night.wav --out night.vtt
  spyhop transcribe night.wav --detector whistle --out night.srt
  spyhop transcribe night.wav --labels marks.txt --mark-every-min 10 --out night.md")]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// What to write: a name that ends in .vtt (WebVTT), .srt or .md (Markdown)
    #[arg(long, value_name = "FILE", value_parser = parse_out)]
    out: (PathBuf, Form),
    /// The table of labels, where it does not lie beside the recording
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["detector", "model"])]
    labels: Option<PathBuf>,
    /// Tell what a detector finds
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    detector: Option<String>,
    /// Tell what a network finds: its folder, or its name in the user's models folder
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Folder of a LoRA adapter, to be laid over the network
    #[arg(long, value_name = "DIR", requires = "model")]
    adapter: Option<PathBuf>,
    /// Sounds of one name that follow within so many seconds are one line
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = parse_seconds)]
    join_s: f64,
    /// A heading in Markdown for each so many minutes in which something was heard
    #[arg(long, value_name = "MIN", default_value_t = 1.0, value_parser = parse_positive)]
    mark_every_min: f64,
    /// Channel, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u32,
    #[command(flatten)]
    state: StateArgs,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    WebVtt,
    SubRip,
    Markdown,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let (deployment, recordings) = one_recording(&args.file)?;
    let info = recordings.infos.first().cloned().context("there is no recording")?;
    let (sounds, told) = match (&args.detector, &args.model) {
        (None, None) => labelled(&args)?,
        _ => found(&args, &deployment, &recordings, &info)?,
    };
    recording_file::warn(&info.name, &told);
    let lines = transcript(sounds, args.join_s);
    let (out, form) = &args.out;
    let text = match form {
        Form::WebVtt => vtt(&lines),
        Form::SubRip => srt(&lines),
        Form::Markdown => markdown(&info.name, &lines, info.start, args.mark_every_min * 60.0),
    };
    whole_file::write(out, &args.file, |mut file| {
        file.write_all(text.as_bytes())?;
        Ok(file.flush()?)
    })?;
    let sounds: usize = lines.iter().map(|line| line.count).sum();
    if args.json {
        let line = |line: &TranscriptLine| {
            let TranscriptLine { start_s, end_s, label, count } = line;
            json!({ "start_s": start_s, "end_s": end_s, "label": label, "count": count })
        };
        let lines: Vec<_> = lines.iter().map(line).collect();
        let object = json!({ "out": out, "sounds": sounds, "lines": lines, "left_out": told });
        answer::say(serde_json::to_string_pretty(&object)?)?;
    } else {
        answer::say(format!("{sounds} sounds in {} lines: {}", lines.len(), out.display()))?;
    }
    Ok(if told.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// What somebody labelled, and what of it could not be taken.
fn labelled(args: &Args) -> anyhow::Result<(Vec<Sound>, Vec<String>)> {
    let beside = match args.file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let tables = match &args.labels {
        Some(table) => vec![table.clone()],
        None => own_tables(beside, &args.file)?,
    };
    if tables.is_empty() {
        bail!(
            "there is no table of labels beside {}: name one with --labels, or a detector with --detector",
            args.file.display()
        );
    }
    let (sounds, told) = of_its_tables(&args.file, &tables, &training::open)?;
    let sound =
        |sound: Labelled| Sound { start_s: sound.start_s, end_s: sound.end_s, label: sound.label };
    Ok((sounds.into_iter().map(sound).collect(), told))
}

/// The tables that are named as the recording is.
fn own_tables(folder: &Path, recording: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let stem = recording.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut tables = Vec::new();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} can't be listed", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let rest = name.strip_prefix(&stem).filter(|rest| rest.starts_with('.'));
        if rest.is_some_and(|rest| [".txt", ".csv", ".tsv"].iter().any(|end| rest.ends_with(end))) {
            tables.push(path);
        }
    }
    tables.sort();
    Ok(tables)
}

/// What a detector or a network finds, and what it could not listen to.
fn found(
    args: &Args,
    deployment: &Deployment,
    recordings: &Recordings,
    info: &RecordingInfo,
) -> anyhow::Result<(Vec<Sound>, Vec<String>)> {
    recording_file::check_channel(info, args.channel)?;
    let source = Arc::new(Source::open(&Wanted {
        detector: args.detector.clone(),
        model: args.model.clone(),
        adapter: args.adapter.clone(),
        config: String::new(),
    })?);
    let classes = source.classes();
    let workplace = args.state.workplace()?;
    let (state, is_beside) = (workplace.path().to_owned(), workplace.is_beside());
    drop(workplace);
    let detected =
        detection::run(&state, deployment, recordings, &source, args.channel, is_beside)?;
    let begin_ns = info.start.map_or(0, |start| start.0);
    let seconds = |ns: i64| ns.saturating_sub(begin_ns) as f64 / NANOS;
    let threshold =
        |name: &str| classes.iter().find(|c| c.name == name).map_or(0.0, |class| class.threshold);
    let rows = detected.rows.iter().filter(|row| f64::from(row.score) >= threshold(&row.class));
    let sounds = rows.map(|row| Sound {
        start_s: seconds(row.start_ns),
        end_s: seconds(row.end_ns),
        label: row.class.clone(),
    });
    Ok((sounds.collect(), detected.problems.clone()))
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite());
    number.ok_or_else(|| "give a number of seconds, 0 or more".to_owned())
}

fn parse_out(text: &str) -> Result<(PathBuf, Form), String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let form = match ending.as_deref() {
        Some("vtt") => Form::WebVtt,
        Some("srt") => Form::SubRip,
        Some("md") => Form::Markdown,
        _ => return Err("give a name that ends in .vtt, .srt or .md".into()),
    };
    Ok((path, form))
}
