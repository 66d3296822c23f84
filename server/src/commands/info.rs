//! `spyhop info`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use spyhop_api::{RecordingInfo, StartSource};

use crate::answer;
use crate::catalogue::folder_report::{self, FolderReport};
use crate::place::Place;
use crate::recording_file::{self, ReadingArgs};

/// Gaps of a line that are printed.
const MOST_GAPS: usize = 20;

/// Tell what recordings are: format, rate, length, start time and how sure it is.
///
/// Of a folder, or another place, it tells each deployment: its recordings on their clock, and the gaps
/// between them.
#[derive(clap::Args)]
#[command(after_help = "\
Only headers and a few short ranges are read, whatever the file's size. Of a folder (or s3://…, gs://…, \
https://…/) each folder with recordings below it is told as a deployment.

Exit codes:
  0  all files were opened
  1  at least one was not
  2  the command was not understood

Examples:
  spyhop info 71621DC7.190
  spyhop info --json *.wav | jq '.[].start'
  spyhop info --json recorder/ | jq '.lines[].gaps'
  spyhop info --zone=-05:00 NOPP6_EST_20090329_121500.wav")]
pub struct Args {
    /// Recordings, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON: one object, or an array for several files or deployments (a file that can't be
    /// opened is an object with `name` and `error`)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    let mut objects: Vec<Value> = Vec::new();
    for (index, path) in args.files.iter().enumerate() {
        if path.is_dir() || path.to_str().is_some_and(|text| text.contains("://")) {
            match deployments(&path.to_string_lossy()) {
                Ok(reports) if args.json => {
                    for report in &reports {
                        objects.push(serde_json::to_value(report)?);
                    }
                }
                Ok(reports) => {
                    for report in &reports {
                        answer::say(deployment_in_words(report))?;
                    }
                }
                Err(error) => {
                    failed = true;
                    eprintln!("spyhop: {error:#}");
                    objects.push(
                        json!({ "name": path.to_string_lossy(), "error": format!("{error:#}") }),
                    );
                }
            }
            continue;
        }
        match recording_file::open(path, &args.reading) {
            Ok(opened) if args.json => {
                objects.push(serde_json::to_value(&opened.recording.info)?);
            }
            Ok(opened) => {
                if index > 0 {
                    answer::say("")?;
                }
                answer::say(in_words(path, &opened.recording.info).trim_end())?;
            }
            Err(error) => {
                failed = true;
                eprintln!("spyhop: {error:#}");
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                objects.push(json!({ "name": name, "error": format!("{error:#}") }));
            }
        }
    }
    if args.json {
        let value = match objects.as_mut_slice() {
            [one] if args.files.len() == 1 => one.take(),
            _ => Value::Array(objects),
        };
        answer::say(serde_json::to_string_pretty(&value)?)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The deployments of a place.
fn deployments(address: &str) -> anyhow::Result<Vec<FolderReport>> {
    let place = Place::at(address)?;
    let reports = folder_report::of_place(&place)?;
    anyhow::ensure!(!reports.is_empty(), "no recordings lie in it or below it: {address}");
    Ok(reports)
}

/// For a person.
fn deployment_in_words(report: &FolderReport) -> String {
    let mut text = format!("{}\n", report.name);
    let mut row = |label: &str, value: String| text += &format!("  {label:<12}{value}\n");
    row("id", report.id.clone());
    row("recordings", format!("{}, {} MB", report.recordings, report.bytes.div_ceil(1_000_000)));
    for line in &report.lines {
        row("line", format!("{} Hz, {} channels", line.sample_rate_hz, line.channels));
        match (line.start, line.end) {
            (Some(start), Some(end)) => row("", format!("{} to {}", start.to_iso(), end.to_iso())),
            _ => row("", "not dated: one recording after the other".to_owned()),
        }
        let recorded = duration(line.recorded_s);
        row("", format!("{recorded} recorded of {}", duration(line.duration_s)));
        for gap in line.gaps.iter().take(MOST_GAPS) {
            let at = gap.start.map(|t| format!("{}, ", t.to_iso())).unwrap_or_default();
            row("gap", format!("{at}{} after {}", duration(gap.duration_s), gap.after));
        }
        if line.gaps.len() > MOST_GAPS {
            row("", format!("… and {} more", line.gaps.len() - MOST_GAPS));
        }
    }
    for left_out in &report.left_out {
        row("left out", format!("{}: {}", left_out.name, left_out.reason));
    }
    for failure in &report.failures {
        row("failure", format!("{}: {}", failure.name, failure.reason));
    }
    text
}

/// For a person.
fn in_words(path: &Path, info: &RecordingInfo) -> String {
    let mut text = format!("{}\n", path.display());
    let mut row = |label: &str, value: String| text += &format!("  {label:<12}{value}\n");
    let bits = match info.bits_per_sample {
        0 => String::new(),
        bits => format!(", {bits} bits"),
    };
    row("format", format!("{}, {}{bits}", info.format, info.codec));
    row("rate", format!("{} Hz", info.sample_rate_hz));
    row("channels", info.channels.to_string());
    row("length", format!("{} ({} frames)", duration(info.duration_s), info.frames));
    match info.start {
        Some(start) => {
            let sure = info.start_uncertainty_s.map(|s| format!(", ±{s} s")).unwrap_or_default();
            row("start", start.to_iso());
            row("", format!("from {}, {}{sure}", source(info.start_source), info.start_zone));
        }
        None => row("start", "not known".to_owned()),
    }
    if info.segments.len() > 1 {
        row("segments", format!("{} with gaps between them", info.segments.len()));
        for segment in info.segments.iter().take(10) {
            let start = segment.start.map(|t| t.to_iso()).unwrap_or_default();
            row("", format!("{start}  {} frames from {}", segment.frames, segment.first_frame));
        }
        if info.segments.len() > 10 {
            row("", format!("… and {} more", info.segments.len() - 10));
        }
    }
    for (key, value) in &info.metadata {
        row("metadata", format!("{key}: {value}"));
    }
    for warning in &info.warnings {
        row("warning", warning.clone());
    }
    text
}

fn source(source: StartSource) -> &'static str {
    match source {
        StartSource::None => "nothing",
        StartSource::Records => "the file's own records",
        StartSource::Guano => "its GUANO chunk",
        StartSource::Wamd => "its WAMD chunk",
        StartSource::AudioMoth => "AudioMoth's comment",
        StartSource::Bext => "its broadcast-wave chunk",
        StartSource::Sidecar => "its sidecar",
        StartSource::FileName => "its name",
        StartSource::Override => "the command line",
    }
}

/// `1 h 2 min 3.5 s`, without what is zero in front.
fn duration(seconds: f64) -> String {
    let whole_minutes = (seconds / 60.0).floor();
    let rest = format!("{:.6}", seconds - 60.0 * whole_minutes);
    let rest = rest.trim_end_matches('0').trim_end_matches('.');
    let (hours, minutes) = ((whole_minutes / 60.0).floor(), whole_minutes % 60.0);
    match (hours > 0.0, minutes > 0.0) {
        (true, _) => format!("{hours} h {minutes} min {rest} s"),
        (false, true) => format!("{minutes} min {rest} s"),
        (false, false) => format!("{rest} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(duration(0.000386), "0.000386 s");
        assert_eq!(duration(900.0), "15 min 0 s");
        assert_eq!(duration(3_661.5), "1 h 1 min 1.5 s");
    }
}
