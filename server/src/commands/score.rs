//! `spyhop score`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use spyhop_model::Batches;
use spyhop_signal::detect::windows::Windows;
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::{Line, RateChange, Recording};

use crate::detection::Network;
use crate::evaluation::quoted;
use crate::npy::NpyWriter;
use crate::recording_file::{self, PARTLY, ReadingArgs};
use crate::{answer, progress, whole_file};

/// Samples that are read at a time.
const PIECE_SAMPLES: i64 = 1 << 18;

/// Score a recording's windows by a network: the bare numbers.
#[derive(clap::Args)]
#[command(after_help = "\
One row for each window: its start in seconds from the recording's first sample, and the network's \
logit for each of its classes, those that are no calls included. The first window begins with the \
recording, and the others lie on the same grid: what no whole window holds at the end, before a gap or \
after one comes as a shorter one.

A .npy file holds float32 of the shape (windows, 1 + classes), column 0 the start in seconds; a .json \
file an object with the names of the classes; a .csv file has them in its first line.

Exit codes:
  0  written
  1  the recording or the network can't be opened, don't fit each other, or the disk can't be written
  2  the command was not understood
  3  written, but parts of the recording were damaged

Examples:
  spyhop score night.flac --model ~/models/upcalls --out logits.npy
  spyhop score night.flac --model base --adapter gulf --out logits.csv")]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// Folder of a network, its name in the user's models folder, or the name of one that comes with the
    /// program
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Folder of a LoRA adapter, to be laid over the network
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Where to write: a name that ends in .csv, .npy or .json
    #[arg(long, value_name = "FILE", value_parser = parse_out)]
    out: (PathBuf, Form),
    /// Channel, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u32,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Reading")]
    reading: ReadingArgs,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Npy,
    Json,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let recording = recording_file::open(&args.file, &args.reading)?.recording;
    let info = recording.info.clone();
    recording_file::warn(&info.name, &info.warnings);
    recording_file::check_channel(&info, args.channel)?;
    let network = Network::open(&args.model, args.adapter.as_deref(), &Default::default())?;
    network.check_fit(info.sample_rate_hz)?;
    let classes: Vec<String> =
        network.classifier().card().classes.iter().map(|class| class.name.clone()).collect();
    let (path, form) = &args.out;
    let (windows, problems) = whole_file::write(path, &args.file, |file| {
        let mut sink = Sink::new(*form, file, &classes)?;
        let scored = score(recording, &network, args.channel, &mut |start_s, logits| {
            sink.row(start_s, logits)
        })?;
        sink.finish(&network, &classes)?;
        Ok(scored)
    })?;
    recording_file::warn(&info.name, &problems);
    if args.json {
        let summary = json!({
            "out": path,
            "model": network.name,
            "adapter": network.adapter,
            "fingerprint": network.classifier().fingerprint(),
            "classes": classes,
            "window": network.classifier().window(),
            "shape": [windows, classes.len() + 1],
            "problems": problems,
        });
        answer::say(serde_json::to_string_pretty(&summary)?)?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// Scores all windows of a recording; gives how many there were, and what was met on the way.
fn score(
    recording: Recording,
    network: &Network,
    channel: u32,
    row: &mut dyn FnMut(f64, &[f32]) -> anyhow::Result<()>,
) -> anyhow::Result<(u64, Vec<String>)> {
    let plan = network.classifier().window();
    let info = recording.info.clone();
    let mut change = RateChange::to(info.sample_rate_hz, plan.rate_hz)?;
    let mut windows = Windows::new(plan.window_samples, plan.hop_samples, plan.least_samples);
    let (line, _) = Line::new(std::slice::from_ref(&info))?;
    let mut reader = LineReader::of_recording(recording)?;
    let bar = progress::bar(info.frames, "scoring");
    let mut cut: Batches<(i64, Vec<f32>)> = Batches::new(|(_, samples)| samples);
    let mut count = 0;
    let mut look = |cut: &mut Batches<_>, is_end: bool| -> anyhow::Result<()> {
        while let Some(batch) = cut.next(network.classifier(), is_end)? {
            for ((position, _), logits) in batch {
                row(position as f64 / plan.rate_hz, &logits)?;
                count += 1;
            }
        }
        Ok(())
    };
    let mut samples = Vec::new();
    for run in &line.runs {
        let mut at = run.position;
        while at < run.end() {
            let piece = at..run.end().min(at + PIECE_SAMPLES);
            reader.read(piece.clone(), channel, &mut samples)?;
            change.push(at, &samples, &mut |position, samples| {
                windows.push(position, samples, &mut |window| {
                    cut.waiting().push((window.position, window.samples.to_vec()));
                });
            });
            look(&mut cut, false)?;
            bar.inc((piece.end - piece.start).unsigned_abs());
            at = piece.end;
        }
    }
    change.finish(&mut |position, samples| {
        windows.push(position, samples, &mut |window| {
            cut.waiting().push((window.position, window.samples.to_vec()));
        });
    });
    windows.end(&mut |window| cut.waiting().push((window.position, window.samples.to_vec())));
    look(&mut cut, true)?;
    bar.finish_and_clear();
    Ok((count, reader.problems()))
}

/// The file being written.
enum Sink {
    Csv(BufWriter<File>),
    Npy(NpyWriter<BufWriter<File>>),
    Json(BufWriter<File>, Vec<Vec<f64>>),
}

impl Sink {
    fn new(form: Form, mut file: BufWriter<File>, classes: &[String]) -> anyhow::Result<Sink> {
        Ok(match form {
            Form::Npy => Sink::Npy(NpyWriter::new(file, classes.len() + 1)?),
            Form::Json => Sink::Json(file, Vec::new()),
            Form::Csv => {
                let names = classes.iter().map(|name| quoted(name));
                let header: Vec<String> =
                    std::iter::once("start_s".to_owned()).chain(names).collect();
                writeln!(file, "{}", header.join(","))?;
                Sink::Csv(file)
            }
        })
    }

    fn row(&mut self, start_s: f64, logits: &[f32]) -> anyhow::Result<()> {
        match self {
            Sink::Csv(file) => {
                write!(file, "{start_s}")?;
                for logit in logits {
                    write!(file, ",{logit}")?;
                }
                writeln!(file)?;
            }
            Sink::Npy(npy) => {
                npy.write(&[start_s as f32])?;
                npy.write(logits)?;
            }
            Sink::Json(_, rows) => {
                let logits = logits.iter().map(|logit| f64::from(*logit));
                rows.push(std::iter::once(start_s).chain(logits).collect());
            }
        }
        Ok(())
    }

    fn finish(self, network: &Network, classes: &[String]) -> anyhow::Result<()> {
        match self {
            Sink::Csv(mut file) => file.flush()?,
            Sink::Npy(npy) => {
                npy.finish()?;
            }
            Sink::Json(mut file, rows) => {
                let plan = network.classifier().window();
                let object = json!({
                    "model": network.name,
                    "adapter": network.adapter,
                    "fingerprint": network.classifier().fingerprint(),
                    "window_s": plan.window_samples as f64 / plan.rate_hz,
                    "hop_s": plan.hop_samples as f64 / plan.rate_hz,
                    "columns": std::iter::once("start_s").chain(classes.iter().map(String::as_str))
                        .collect::<Vec<_>>(),
                    "rows": rows,
                });
                serde_json::to_writer(&mut file, &object)?;
                file.flush().context("the file can't be written")?;
            }
        }
        Ok(())
    }
}

fn parse_out(text: &str) -> Result<(PathBuf, Form), String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let form = match ending.to_ascii_lowercase().as_str() {
        "csv" => Form::Csv,
        "npy" => Form::Npy,
        "json" => Form::Json,
        _ => return Err("give a name that ends in .csv, .npy or .json".to_owned()),
    };
    Ok((path, form))
}
