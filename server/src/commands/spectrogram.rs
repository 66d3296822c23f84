//! `spyhop spectrogram`.

use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use spyhop_api::view::{Scaling, Window};
use spyhop_signal::Recording;
use spyhop_signal::spectrum::{SpectrumSpec, Stft};

use crate::figure::{self, FigureArgs};
use crate::npy::NpyWriter;
use crate::recording_file::{self, ReadingArgs};

/// Samples decoded, and powers made, at a time: 1 and 16 MiB.
const PIECE_SAMPLES: usize = 1 << 18;
const PIECE_POWERS: usize = 1 << 22;

/// Code for "done, but the recording had less in it than it promised".
const PARTLY: u8 = 3;

/// Options of `spyhop spectrogram`.
#[derive(clap::Args)]
#[command(after_help = "\
A .npy file holds one-sided power as float32 of shape (bins, frames), the numbers of
scipy.signal.spectrogram(x, rate, detrend=False); x is what `spyhop decode` gives, without the gaps
between its segments. A .png or .svg file is a figure with axes, units, clock time and a colour bar.

Windows: hann, hann-sym, hamming, blackman, blackmanharris, boxcar, kaiserBETA (as kaiser8.6).

Exit codes: 0 done, 1 the file can't be opened, read or written, 2 the command was not understood,
3 written, but part of the recording was damaged or missing (what is there was written).

Examples:
  spyhop spectrogram 71621DC7.190 --out dolphins.png
  spyhop spectrogram night.wav --nfft 4096 --hop 1024 --window blackmanharris --out night.npy
  spyhop spectrogram calls.flac --band 50 500 --axis log --flatten --out calls.svg")]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// Where to write: a name that ends in .npy, .png or .svg
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Points of the FFT, 2 or more; any length
    #[arg(long, value_name = "N", default_value_t = 1024)]
    nfft: usize,
    /// Samples from one frame to the next; by default half the window
    #[arg(long, value_name = "N")]
    hop: Option<usize>,
    /// Samples under the window, zeros up to the FFT's length; by default all of it
    #[arg(long, value_name = "N")]
    window_samples: Option<usize>,
    /// The window
    #[arg(long, value_name = "W", default_value = "hann", value_parser = parse_window)]
    window: Window,
    /// How power is normalised
    #[arg(long, value_enum, default_value = "density")]
    scaling: ScalingName,
    /// Channel, counted from 0
    #[arg(long, value_name = "C", default_value_t = 0)]
    channel: u32,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Figures (.png, .svg)")]
    figure: FigureArgs,
    #[command(flatten, next_help_heading = "Reading")]
    reading: ReadingArgs,
}

/// Scalings by scipy's names.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum ScalingName {
    /// Power per hertz: noise keeps its level when the window changes
    Density,
    /// Power per bin: a sine keeps its level
    Spectrum,
}

fn parse_window(name: &str) -> Result<Window, String> {
    name.parse()
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode> {
    let kind = Kind::of(&args.out)?;
    let mut recording = recording_file::open(&args.file, &args.reading)?;
    let info = recording.info.clone();
    for warning in &info.warnings {
        eprintln!("spyhop: {}: {warning}", info.name);
    }
    if args.channel >= info.channels {
        bail!(
            "{} has {} channels, counted from 0: there is no {}",
            info.name,
            info.channels,
            args.channel
        );
    }
    let spec = spectrum(&args, info.sample_rate_hz)?;
    let shape = match kind {
        Kind::Npy => Some(write_npy(&mut recording, &args, &spec)?),
        Kind::Png | Kind::Svg => {
            write_figure(&mut recording, &args, spec, kind)?;
            None
        }
    };
    for problem in recording.problems() {
        eprintln!("spyhop: {}: {problem}", info.name);
    }
    if args.json {
        let summary = json!({
            "out": args.out.to_string_lossy(),
            "shape": shape.map(|frames| [spec.bins() as u64, frames]),
            "sample_rate_hz": spec.sample_rate_hz,
            "nfft": spec.fft_size,
            "window": spec.window.to_string(),
            "window_samples": spec.window_samples,
            "hop_samples": spec.hop_samples,
            "bin_hz": spec.bin_hz(),
            "unit": match spec.scaling {
                Scaling::Density => "FS^2/Hz",
                Scaling::Spectrum => "FS^2",
            },
            "problems": recording.problems(),
        });
        println!("{}", serde_json::to_string_pretty(&summary)?);
    }
    let whole = recording.problems().is_empty();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

#[derive(Clone, Copy)]
enum Kind {
    Npy,
    Png,
    Svg,
}

impl Kind {
    fn of(out: &Path) -> Result<Kind> {
        let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("npy") => Ok(Kind::Npy),
            Some("png") => Ok(Kind::Png),
            Some("svg") => Ok(Kind::Svg),
            _ => bail!("--out takes a name that ends in .npy, .png or .svg, not {}", out.display()),
        }
    }
}

fn spectrum(args: &Args, sample_rate_hz: f64) -> Result<SpectrumSpec> {
    let window_samples = args.window_samples.unwrap_or(args.nfft);
    let spec = SpectrumSpec {
        fft_size: args.nfft,
        window_samples,
        hop_samples: args.hop.unwrap_or((window_samples / 2).max(1)),
        window: args.window,
        scaling: match args.scaling {
            ScalingName::Density => Scaling::Density,
            ScalingName::Spectrum => Scaling::Spectrum,
        },
        sample_rate_hz,
    };
    spec.check()?;
    Ok(spec)
}

fn write_figure(
    recording: &mut Recording,
    args: &Args,
    spec: SpectrumSpec,
    kind: Kind,
) -> Result<()> {
    let scene = figure::paint(recording, args.channel, spec, &args.figure)?;
    let bytes = match kind {
        Kind::Svg => spyhop_paint::export::to_svg(&scene)?.into_bytes(),
        _ => spyhop_paint::export::to_png(&scene, args.figure.ratio)?,
    };
    std::fs::write(&args.out, bytes).with_context(|| format!("can't write {}", args.out.display()))
}

/// Returns how many frames were written.
fn write_npy(recording: &mut Recording, args: &Args, spec: &SpectrumSpec) -> Result<u64> {
    let info = &recording.info;
    if info.frames < spec.window_samples as u64 {
        bail!(
            "{} has {} samples, the window {}: take a shorter one with --window-samples or --nfft",
            info.name,
            info.frames,
            spec.window_samples
        );
    }
    // Under another name until it is whole, so that nothing half-written carries the right one.
    let unfinished = args.out.with_added_extension("unfinished");
    let written = File::create(&unfinished)
        .map_err(anyhow::Error::from)
        .and_then(|file| {
            NpyWriter::transposed(BufWriter::new(file), spec.bins()).map_err(Into::into)
        })
        .and_then(|npy| transform(recording, args.channel, spec, npy))
        .and_then(|frames| {
            std::fs::rename(&unfinished, &args.out)?;
            Ok(frames)
        });
    written.map_err(|error| {
        // What is left of it is of no use; that it may not be there is no second error.
        let _ = std::fs::remove_file(&unfinished);
        error.context(format!("can't write {}", args.out.display()))
    })
}

/// Transforms piece by piece, so that a recording of any length fits.
fn transform(
    recording: &mut Recording,
    channel: u32,
    spec: &SpectrumSpec,
    mut npy: NpyWriter<BufWriter<File>>,
) -> Result<u64> {
    let mut stft = Stft::new(spec)?;
    let progress = progress_bar(recording.info.frames);
    let (mut piece, mut power) = (Vec::new(), Vec::new());
    // An even number of frames a piece; the pair that shares an FFT is then the same everywhere.
    let most = (PIECE_SAMPLES / spec.hop_samples).min(PIECE_POWERS / spec.bins());
    let frames_a_piece = 2 * (most / 2).max(1);
    let wanted = (frames_a_piece - 1) * spec.hop_samples + spec.window_samples;
    let (mut position, mut frames) = (0, 0);
    loop {
        recording.read_channel(position, wanted, channel, &mut piece)?;
        let found = stft.spectrogram_into(&piece, &mut power);
        npy.write(&power)?;
        frames += found as u64;
        position += (found * spec.hop_samples) as u64;
        if found < frames_a_piece || position >= recording.info.frames {
            break;
        }
        progress.set_position(position);
    }
    progress.finish_and_clear();
    npy.finish()?;
    Ok(frames)
}

/// Shown where a person looks on and there is something to wait for.
fn progress_bar(frames: u64) -> ProgressBar {
    if frames < 50_000_000 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("transforming {bar:30} {percent} %  {eta} left");
    ProgressBar::new(frames).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
