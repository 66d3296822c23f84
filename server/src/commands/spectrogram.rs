//! `spyhop spectrogram`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Result, bail};
use clap::ValueEnum;
use clap::builder::RangedU64ValueParser;
use serde_json::json;
use spyhop_api::did_you_mean::{nearest, question};
use spyhop_api::view::{Scaling, Window};
use spyhop_api::{Calibration, RecordingInfo};
use spyhop_signal::Recording;
use spyhop_signal::spectrum::{MAX_FFT_SIZE, SpectrumSpec, Stft};

use crate::catalogue::DeploymentFile;
use crate::figure::{self, FigureArgs};
use crate::npy::NpyWriter;
use crate::recording_file::{self, EXIT_CODES, Opened, PARTLY, ReadingArgs};
use crate::{answer, progress, whole_file};

/// Samples decoded, and powers made, at a time: 1 and 16 MiB.
const PIECE_SAMPLES: usize = 1 << 18;
const PIECE_POWERS: usize = 1 << 22;

/// Points of the FFT where nothing is said, and how often it must fit into a shorter recording (a
/// click of 193 samples is transformed by 32).
const NFFT: usize = 1024;
const NFFT_FITS: usize = 4;

/// What help adds to the options.
const ABOUT: &str = "\
A .npy file holds one-sided power as float32 of shape (bins, frames), the numbers of \
scipy.signal.spectrogram(x, rate, detrend=False); x is what `spyhop decode` gives, without the gaps \
between its segments. A .png or .svg file is a figure with axes, units, clock time and a colour bar. \
Its levels are in dB re 1 µPa where the folder has a deployment.toml with a [calibration], else in \
dB re full scale; the numbers of a .npy file always are of full scale (--json tells what to add).

Windows: hann, hann-sym, hamming, blackman, blackmanharris, boxcar, kaiserBETA (as kaiser8.6).";
/// See [`ABOUT`].
const EXAMPLES: &str = "\
Examples:
  spyhop spectrogram 71621DC7.190 --out dolphins.png
  spyhop spectrogram night.wav --nfft 4096 --hop 1024 --window blackmanharris --out night.npy
  spyhop spectrogram calls.flac --band 50 500 --axis log --flatten --out calls.svg";

/// Transform a recording to power, as numbers or as a picture.
#[derive(clap::Args)]
#[command(after_help = format!("{ABOUT}\n\n{EXIT_CODES}\n\n{EXAMPLES}"))]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// Where to write: a name that ends in .npy, .png or .svg
    #[arg(long, short, value_name = "FILE")]
    out: Out,
    /// Points of the FFT, any length from 2 up; by default 1024, fewer for a short recording
    #[arg(long, value_name = "N", value_parser = points(2), allow_negative_numbers = true)]
    nfft: Option<usize>,
    /// Samples from one frame to the next; by default half the window
    #[arg(long, value_name = "N", value_parser = points(1), allow_negative_numbers = true)]
    hop: Option<usize>,
    /// Samples under the window, zeros up to the FFT's length; by default all of it
    #[arg(long, value_name = "N", value_parser = points(1), allow_negative_numbers = true)]
    window_samples: Option<usize>,
    /// The window
    #[arg(long, value_name = "W", default_value = "hann", value_parser = parse_window)]
    window: Window,
    /// How power is normalised
    #[arg(long, value_enum, default_value = "density")]
    scaling: ScalingName,
    /// Channel, counted from 0
    #[arg(long, value_name = "C", default_value_t = 0, allow_negative_numbers = true)]
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

/// A name for numbers or for a picture.
#[derive(Clone, Debug)]
enum Out {
    Npy(PathBuf),
    Png(PathBuf),
    Svg(PathBuf),
}

impl FromStr for Out {
    type Err = String;

    fn from_str(name: &str) -> Result<Out, String> {
        match name.to_ascii_lowercase().rsplit_once('.') {
            Some((_, "npy")) => Ok(Out::Npy(name.into())),
            Some((_, "png")) => Ok(Out::Png(name.into())),
            Some((_, "svg")) => Ok(Out::Svg(name.into())),
            _ => Err("the name must end in .npy, .png or .svg".into()),
        }
    }
}

/// A number of samples, as far as an FFT can be long.
fn points(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=MAX_FFT_SIZE as u64)
}

fn parse_window(name: &str) -> Result<Window, String> {
    let known = Window::all().iter().map(|(known, _)| *known);
    name.parse().map_err(|error| format!("{error}{}", question(nearest(name, known))))
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode> {
    let Opened { mut recording, deployment } = recording_file::open(&args.file, &args.reading)?;
    let info = recording.info.clone();
    recording_file::warn(&info.name, &info.warnings);
    recording_file::check_channel(&info, args.channel)?;
    let spec = spectrum(&args, &info)?;
    let (Out::Npy(path) | Out::Png(path) | Out::Svg(path)) = &args.out;
    let (frames, problems) = match &args.out {
        Out::Npy(_) => {
            let frames = whole_file::write(path, &args.file, |file| {
                let npy = NpyWriter::transposed(file, spec.bins())?;
                transform(&mut recording, args.channel, &spec, npy)
            })?;
            (Some(frames), recording.problems().to_vec())
        }
        _ => (None, write_figure(recording, &deployment, &args, spec)?),
    };
    recording_file::warn(&info.name, &problems);
    if args.json {
        let summary = json!({
            "out": path.to_string_lossy(),
            "shape": frames.map(|frames| [spec.bins() as u64, frames]),
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
            // Added to 10 lg(power) it gives dB re 1 µPa²(/Hz); by bin where it is a table.
            "calibration_db": deployment.calibration.as_ref().map(|c| calibration_db(c, &spec)),
            "problems": problems,
        });
        answer::say(serde_json::to_string_pretty(&summary)?)?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

fn calibration_db(calibration: &Calibration, spec: &SpectrumSpec) -> serde_json::Value {
    let of_bin = |bin: usize| calibration.offset_db_at(bin as f64 * spec.bin_hz());
    match calibration.offset_db() {
        Some(db) => db.into(),
        None => (0..spec.bins()).map(of_bin).collect(),
    }
}

fn spectrum(args: &Args, info: &RecordingInfo) -> Result<SpectrumSpec> {
    let fft_size = args.nfft.unwrap_or_else(|| default_nfft(info.frames, args.window_samples));
    let window_samples = args.window_samples.unwrap_or(fft_size);
    let spec = SpectrumSpec {
        fft_size,
        window_samples,
        hop_samples: args.hop.unwrap_or((window_samples / 2).max(1)),
        window: args.window,
        scaling: match args.scaling {
            ScalingName::Density => Scaling::Density,
            ScalingName::Spectrum => Scaling::Spectrum,
        },
        sample_rate_hz: info.sample_rate_hz,
    };
    spec.check()?;
    if info.frames < spec.window_samples as u64 {
        bail!(
            "{} has {} samples, fewer than the window's {}: take a shorter one with --nfft or \
             --window-samples",
            info.name,
            info.frames,
            spec.window_samples
        );
    }
    Ok(spec)
}

/// A power of two that holds the window; see [`NFFT`].
fn default_nfft(frames: u64, window_samples: Option<usize>) -> usize {
    match (window_samples, usize::try_from(frames).unwrap_or(usize::MAX) / NFFT_FITS) {
        (Some(window), _) => window.next_power_of_two().clamp(NFFT, MAX_FFT_SIZE),
        (None, most) => (1 << most.max(2).ilog2().min(63)).min(NFFT),
    }
}

/// Returns what reading has met.
fn write_figure(
    recording: Recording,
    deployment: &DeploymentFile,
    args: &Args,
    spec: SpectrumSpec,
) -> Result<Vec<String>> {
    let (Out::Npy(path) | Out::Png(path) | Out::Svg(path)) = &args.out;
    let painted = figure::paint(recording, args.channel, spec, deployment, &args.figure)?;
    let bytes = match &args.out {
        Out::Svg(_) => spyhop_paint::export::to_svg(&painted.scene)?.into_bytes(),
        _ => spyhop_paint::export::to_png(&painted.scene, args.figure.ratio)?,
    };
    whole_file::write(path, &args.file, |mut file| {
        file.write_all(&bytes)?;
        Ok(file.flush()?)
    })?;
    Ok(painted.problems)
}

/// Transforms piece by piece, so that a recording of any length fits. Returns the frames written.
fn transform(
    recording: &mut Recording,
    channel: u32,
    spec: &SpectrumSpec,
    mut npy: NpyWriter<BufWriter<File>>,
) -> Result<u64> {
    let mut stft = Stft::new(spec)?;
    let progress = progress::bar(recording.info.frames, "transforming");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_recording_has_a_short_transform() {
        for (frames, nfft) in
            [(193, 32), (1, 2), (0, 2), (4095, 512), (4096, 1024), (u64::MAX, 1024)]
        {
            assert_eq!(default_nfft(frames, None), nfft, "{frames} frames");
        }
        assert_eq!(default_nfft(193, Some(100)), 1024, "zeros around a window that is given");
        assert_eq!(default_nfft(9000, Some(5000)), 8192);
    }
}
