//! `spyhop decode`.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde_json::json;
use spyhop_api::RecordingInfo;
use spyhop_signal::Recording;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};

use crate::npy::NpyWriter;
use crate::recording_file::{self, EXIT_CODES, PARTLY, ReadingArgs};
use crate::{answer, progress, whole_file};

/// Samples decoded at a time: 4 MiB.
const PIECE_SAMPLES: usize = 1 << 20;

/// What help adds to the options.
const ABOUT: &str = "\
Integers are divided by 2^(bits of their container - 1), floats stay as they are. A .npy file has \
the shape (frames, channels); a .wav file holds 32-bit floats.";
/// See [`ABOUT`].
const EXAMPLES: &str = "\
Examples:
  spyhop decode 71621DC7.190 --out dolphins.npy
  spyhop decode night.flac --from 19200000 --frames 192000 --channel 0 --out click.wav";

/// Decode a recording to float32 samples, for NumPy or as WAV.
#[derive(clap::Args)]
#[command(after_help = format!("{ABOUT}\n\n{EXIT_CODES}\n\n{EXAMPLES}"))]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// Where to write: a name that ends in .npy or .wav
    #[arg(long, short, value_name = "FILE")]
    out: Out,
    /// First frame, counted from 0
    #[arg(long, value_name = "FRAME", default_value_t = 0, allow_negative_numbers = true)]
    from: u64,
    /// How many frames (all that follow, unless given)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    frames: Option<u64>,
    /// Only this channel, counted from 0
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    channel: Option<u32>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Reading")]
    reading: ReadingArgs,
}

/// A name for samples.
#[derive(Clone, Debug)]
enum Out {
    Npy(PathBuf),
    Wav(PathBuf),
}

impl FromStr for Out {
    type Err = String;

    fn from_str(name: &str) -> Result<Out, String> {
        match name.to_ascii_lowercase().rsplit_once('.') {
            Some((_, "npy")) => Ok(Out::Npy(name.into())),
            Some((_, "wav")) => Ok(Out::Wav(name.into())),
            _ => Err("the name must end in .npy or .wav".into()),
        }
    }
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut recording = recording_file::open(&args.file, &args.reading)?.recording;
    let info = recording.info.clone();
    recording_file::warn(&info.name, &info.warnings);
    if let Some(channel) = args.channel {
        recording_file::check_channel(&info, channel)?;
    }
    if args.from > info.frames {
        bail!("{} has {} frames: there is none {}", info.name, info.frames, args.from);
    }
    let wanted = args.frames.unwrap_or(u64::MAX).min(info.frames - args.from);
    let channels = if args.channel.is_some() { 1 } else { info.channels };
    let (Out::Npy(path) | Out::Wav(path)) = &args.out;
    let written = whole_file::write(path, &args.file, |file| {
        let sink = Sink::new(&args.out, file, channels, &info)?;
        copy(&mut recording, sink, &args, wanted)
    })?;
    recording_file::warn(&info.name, recording.problems());
    if written < wanted {
        eprintln!("spyhop: {}: {written} of {wanted} frames could be read", info.name);
    }
    if args.json {
        let summary = json!({
            "out": path.to_string_lossy(),
            "sample_rate_hz": info.sample_rate_hz,
            "shape": [written, channels],
            "problems": recording.problems(),
        });
        answer::say(serde_json::to_string_pretty(&summary)?)?;
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
    let progress = progress::bar(wanted, "decoding");
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

/// The file being written.
enum Sink {
    Npy(NpyWriter<BufWriter<File>>),
    Wav(WavWriter<BufWriter<File>>),
}

impl Sink {
    fn new(
        out: &Out,
        to: BufWriter<File>,
        channels: u32,
        info: &RecordingInfo,
    ) -> anyhow::Result<Sink> {
        if matches!(out, Out::Npy(_)) {
            return Ok(Sink::Npy(NpyWriter::new(to, channels as usize)?));
        }
        let rate = info.sample_rate_hz.round();
        if rate != info.sample_rate_hz {
            eprintln!(
                "spyhop: WAV files hold whole rates only: {} Hz is written as {rate} Hz",
                info.sample_rate_hz
            );
        }
        let channels = u16::try_from(channels).context("too many channels for WAV")?;
        Ok(Sink::Wav(WavWriter::new(to, WavCoding::Float32, channels, rate as u32, &[])?))
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
