//! `spyhop decode`.

use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use spyhop_api::RecordingInfo;
use spyhop_signal::Recording;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};

use crate::npy::NpyWriter;
use crate::recording_file::{self, ReadingArgs};

/// Samples decoded at a time: 4 MiB.
const PIECE_SAMPLES: usize = 1 << 20;

/// Code for "done, but the recording had less in it than it promised".
const PARTLY: u8 = 3;

/// Options of `spyhop decode`.
#[derive(clap::Args)]
#[command(after_help = "\
Integers are divided by 2^(bits of their container - 1), floats stay as they are. A .npy file has the
shape (frames, channels); a .wav file holds 32-bit floats.

Exit codes: 0 done, 1 the file can't be opened, read or written, 2 the command was not understood,
3 written, but part of the recording was damaged or missing (what is there was written).

Examples:
  spyhop decode 71621DC7.190 --out dolphins.npy
  spyhop decode night.flac --from 19200000 --frames 192000 --channel 0 --out click.wav")]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// Where to write: a name that ends in .npy or .wav
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// First frame, counted from 0
    #[arg(long, value_name = "FRAME", default_value_t = 0)]
    from: u64,
    /// How many frames (all that follow, unless given)
    #[arg(long, value_name = "N")]
    frames: Option<u64>,
    /// Only this channel, counted from 0
    #[arg(long, value_name = "C")]
    channel: Option<u32>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut recording = recording_file::open(&args.file, &args.reading)?;
    let info = recording.info.clone();
    for warning in &info.warnings {
        eprintln!("spyhop: {}: {warning}", info.name);
    }
    if let Some(channel) = args.channel
        && channel >= info.channels
    {
        bail!(
            "{} has {} channels, counted from 0: there is no {channel}",
            info.name,
            info.channels
        );
    }
    if args.from > info.frames {
        bail!("{} has {} frames: there is none {}", info.name, info.frames, args.from);
    }
    let wanted = args.frames.unwrap_or(u64::MAX).min(info.frames - args.from);
    let channels = if args.channel.is_some() { 1 } else { info.channels };
    // Under another name until it is whole, so that nothing half-written carries the right one.
    let unfinished = args.out.with_added_extension("unfinished");
    let written = Sink::create(&args.out, &unfinished, channels, &info)
        .and_then(|sink| copy(&mut recording, sink, &args, wanted))
        .and_then(|frames| {
            std::fs::rename(&unfinished, &args.out)?;
            Ok(frames)
        });
    let written = match written {
        Ok(frames) => frames,
        Err(error) => {
            // What is left of it is of no use; that it may not be there is no second error.
            let _ = std::fs::remove_file(&unfinished);
            return Err(error.context(format!("can't write {}", args.out.display())));
        }
    };
    for problem in recording.problems() {
        eprintln!("spyhop: {}: {problem}", info.name);
    }
    if written < wanted {
        eprintln!("spyhop: {}: {written} of {wanted} frames could be read", info.name);
    }
    if args.json {
        let summary = json!({
            "out": args.out.to_string_lossy(),
            "sample_rate_hz": info.sample_rate_hz,
            "shape": [written, channels],
            "problems": recording.problems(),
        });
        println!("{}", serde_json::to_string_pretty(&summary)?);
    }
    let whole = written == wanted && recording.problems().is_empty();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// Decodes piece by piece; returns how many frames were written.
fn copy(
    recording: &mut Recording,
    mut sink: Sink,
    args: &Args,
    wanted: u64,
) -> anyhow::Result<u64> {
    let progress = progress_bar(wanted);
    let piece_frames = (PIECE_SAMPLES / recording.info.channels.max(1) as usize).max(1) as u64;
    let per_frame = if args.channel.is_some() { 1 } else { recording.info.channels.max(1) };
    let mut samples = Vec::new();
    let mut written = 0;
    while written < wanted {
        let count = piece_frames.min(wanted - written) as usize;
        match args.channel {
            Some(c) => recording.read_channel(args.from + written, count, c, &mut samples)?,
            None => recording.read(args.from + written, count, &mut samples)?,
        }
        let frames = samples.len() as u64 / u64::from(per_frame);
        if frames == 0 {
            break;
        }
        sink.write(&samples)?;
        written += frames;
        progress.set_position(written);
    }
    progress.finish_and_clear();
    sink.finish()?;
    Ok(written)
}

/// Shown where a person looks on and there is something to wait for.
fn progress_bar(frames: u64) -> ProgressBar {
    if frames < 50_000_000 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(frames);
    if let Ok(style) = ProgressStyle::with_template("decoding {wide_bar} {percent} % {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// The file being written.
enum Sink {
    Npy(NpyWriter<BufWriter<File>>),
    Wav(WavWriter<BufWriter<File>>),
}

impl Sink {
    fn create(out: &Path, at: &Path, channels: u32, info: &RecordingInfo) -> anyhow::Result<Sink> {
        let kind = out.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let create =
            || -> anyhow::Result<BufWriter<File>> { Ok(BufWriter::new(File::create(at)?)) };
        Ok(match kind.as_deref() {
            Some("npy") => Sink::Npy(NpyWriter::new(create()?, channels as usize)?),
            Some("wav") => {
                let rate = info.sample_rate_hz.round();
                if rate != info.sample_rate_hz {
                    eprintln!(
                        "spyhop: WAV files hold whole rates only: {} Hz is written as {rate} Hz",
                        info.sample_rate_hz
                    );
                }
                let channels = u16::try_from(channels).context("too many channels for WAV")?;
                Sink::Wav(WavWriter::new(
                    create()?,
                    WavCoding::Float32,
                    channels,
                    rate as u32,
                    &[],
                )?)
            }
            _ => bail!("the name must end in .npy or .wav"),
        })
    }

    fn write(&mut self, samples: &[f32]) -> std::io::Result<()> {
        match self {
            Sink::Npy(npy) => npy.write(samples),
            Sink::Wav(wav) => wav.write(samples),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Sink::Npy(npy) => npy.finish().map(drop),
            Sink::Wav(wav) => wav.finish().map(drop),
        }
    }
}
