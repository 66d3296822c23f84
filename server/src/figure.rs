//! A recording as a figure: what `spyhop spectrogram --out x.png` paints.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use spyhop_api::view::{ColourMap, FrequencyAxis, Statistic};
use spyhop_api::{Calibration, RecordingInfo};
use spyhop_paint::export::MOST_PIXELS;
use spyhop_paint::parts::level_unit;
use spyhop_paint::{
    FigureSpec, Flatten, FrequencyScale, GridSource, Scene, Theme, TimeLabels, figure,
};
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::measure::contrast;
use spyhop_signal::spectrum::{
    Columns, ColumnsSpec, Effort, ReadSamples, SpectrumSpec, Stft, columns, row_medians,
};
use spyhop_signal::{Fold, Line, Recording};

use crate::catalogue::DeploymentFile;
use crate::progress;

/// What a figure shows and how; for PNG and SVG only.
#[derive(clap::Args, Clone, Debug)]
pub struct FigureArgs {
    /// Left edge, seconds from the recording's beginning
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, allow_negative_numbers = true)]
    pub from: f64,
    /// Right edge; by default the recording's end
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub to: Option<f64>,
    /// Lowest and highest frequency; by default 0 to Nyquist
    #[arg(long, num_args = 2, value_names = ["LOW_HZ", "HIGH_HZ"], allow_negative_numbers = true)]
    pub band: Option<Vec<f64>>,
    /// How frequency runs
    #[arg(long, value_enum, default_value = "linear")]
    pub axis: Axis,
    /// Floor and ceiling of the colours, in the colour bar's dB; by default by contrast
    #[arg(long, num_args = 2, value_names = ["FLOOR", "CEILING"], allow_negative_numbers = true)]
    pub db: Option<Vec<f64>>,
    /// Colour map
    #[arg(long, value_enum, default_value = "inferno")]
    pub map: Map,
    /// Dark marks on white, for print
    #[arg(long)]
    pub light: bool,
    /// Show dB above each band's median: faint calls stand out from the sea
    #[arg(long)]
    pub flatten: bool,
    /// Width and height in pixels at the ratio 1
    #[arg(long, num_args = 2, value_names = ["WIDTH", "HEIGHT"], default_values_t = [1200, 560])]
    pub size: Vec<u32>,
    /// Pixels of the file for each pixel of the size: 2 is sharp in print
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    pub ratio: f64,
    /// Title; by default the file's name
    #[arg(long)]
    pub title: Option<String>,
}

/// Frequency axes by their names.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Axis {
    Linear,
    Log,
    Mel,
}

/// Colour maps by their names.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Map {
    Viridis,
    Cividis,
    Magma,
    Inferno,
    Grey,
    GreyInverted,
}

/// A painted recording.
pub struct Painted {
    /// The picture.
    pub scene: Scene,
    /// What reading has met, as [`Recording::problems`].
    pub problems: Vec<String>,
}

/// Columns that are computed between two steps of the progress bar.
const COLUMNS_A_STEP: usize = 16;

/// Bins from zero that DC leaks into; they have no say in the contrast (but for short transforms,
/// where they are much of the band).
const DC_BINS: usize = 3;
/// See [`DC_BINS`].
const DC_SHARE: usize = 16;

/// Places along the frequency axis that the contrast is taken from.
const CONTRAST_ROWS: usize = 256;

/// Colours where nothing stands out, dB re full scale.
const QUIET_DB: (f64, f64) = (-120.0, -60.0);

/// Colours of what is drawn above each band's median, dB; the page's are the same.
pub const FLATTENED_DB: (f64, f64) = (0.0, 30.0);

/// A start time that is less sure than this is said to be so, seconds.
const UNSURE_S: f64 = 60.0;

/// Rows a pixel that are kept, so that a picture of long transforms fits into memory.
const ROWS_A_PIXEL: f64 = 3.0;

/// Paints one channel of a recording; what cannot be painted is an error that says why.
pub fn paint(
    recording: Recording,
    channel: u32,
    spectrum: SpectrumSpec,
    deployment: &DeploymentFile,
    args: &FigureArgs,
) -> Result<Painted> {
    let info = recording.info.clone();
    let name = &info.name;
    let mut reader =
        LineReader::of_recording(recording).with_context(|| format!("{name} can't be shown"))?;
    let line = reader.line().clone();
    let positions = stretch(&line, args).with_context(|| format!("{name} can't be shown"))?;
    let scale = frequency_scale(line.sample_rate_hz, args)?;
    let (width, height) = size(args)?;

    let pixels = (width * args.ratio, height * args.ratio);
    let spec = columns_spec(spectrum, &positions, &scale, pixels)?;
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, channel, out).map(drop).map_err(|e| e.to_string())
    };
    let power = compute(&spec, &line, &mut read)?;
    let calibration = deployment.calibration.as_ref();
    let medians = args.flatten.then(|| {
        let recorded = power.mean.chunks(spec.rows).zip(&power.frames);
        row_medians(recorded.filter(|(_, frames)| **frames > 0).map(|(c, _)| c), spec.rows)
    });
    let flatten = medians.as_ref().map(|median| Flatten {
        median,
        first_bin: (spec.first_row * spec.bins_per_row) as f64,
        bins_per_row: spec.bins_per_row as f64,
        bin_hz: spectrum.bin_hz(),
    });
    let range_db = match (args.db.as_deref(), &medians) {
        (Some([floor, ceiling]), _) if floor.is_finite() && ceiling.is_finite() => {
            if floor >= ceiling {
                bail!("--db {floor} {ceiling}: the floor must lie below the ceiling");
            }
            (*floor, *ceiling)
        }
        (Some(_), _) => bail!("--db takes two levels, as --db -110 -60"),
        (None, Some(_)) => FLATTENED_DB,
        (None, None) => {
            let drawn = contrast_as_drawn(power.mean.chunks(spec.rows), &spec, &scale, calibration);
            let (floor, ceiling) = drawn.unwrap_or_else(|| quiet_db(calibration, &scale));
            (floor.round(), ceiling.round())
        }
    };
    let source = GridSource::new(&spec, &power);
    let synthesised =
        deployment.synthesised || info.metadata.values().any(|v| v.contains("synthesised"));
    let scene = figure(
        &FigureSpec {
            width,
            height,
            pixel_ratio: args.ratio,
            font_px: 13.0,
            title: args.title.as_deref().unwrap_or(name),
            subtitle: &subtitle(&info, channel, &spectrum, args),
            synthesised,
            places: positions,
            fold: &Fold::default(),
            sample_rate_hz: line.sample_rate_hz,
            labels: labels(&line, &info),
            scale,
            map: args.map.into(),
            range_db,
            calibration,
            level_unit: level_unit(spectrum.scaling, calibration.is_some(), args.flatten),
            flatten,
            statistic: Statistic::Both,
            boxes: &[],
            theme: if args.light { Theme::light() } else { Theme::dark() },
        },
        source,
    );
    Ok(Painted { scene, problems: reader.problems() })
}

/// Width and height in CSS pixels, checked before anything is computed.
fn size(args: &FigureArgs) -> Result<(f64, f64)> {
    let (width, height) = match args.size.as_slice() {
        [width, height] => (f64::from(*width), f64::from(*height)),
        _ => bail!("--size takes a width and a height"),
    };
    if !(200.0..=20_000.0).contains(&width) || !(150.0..=20_000.0).contains(&height) {
        bail!("--size {width} {height}: give 200 to 20000 by 150 to 20000 pixels");
    }
    if !(0.25..=16.0).contains(&args.ratio) {
        bail!("--ratio {}: give 0.25 to 16", args.ratio);
    }
    if width * height * args.ratio.powi(2) > MOST_PIXELS {
        bail!(
            "--size {width} {height} --ratio {}: a picture has at most {} million pixels",
            args.ratio,
            MOST_PIXELS / 1e6
        );
    }
    Ok((width, height))
}

/// Colours where nothing stands out, in the unit of the calibration in the middle of the axis.
pub fn quiet_db(calibration: Option<&Calibration>, scale: &FrequencyScale) -> (f64, f64) {
    let offset_db = calibration.map_or(0.0, |c| c.offset_db_near(scale.to_hz(0.5)));
    (QUIET_DB.0 + offset_db, QUIET_DB.1 + offset_db)
}

/// Floor and ceiling by the mean power of columns as the axis draws them, calibrated: on a logarithmic one the low
/// bands fill most of the picture, and are to keep their colours.
pub fn contrast_as_drawn<'a>(
    columns: impl IntoIterator<Item = &'a [f32]>,
    spec: &ColumnsSpec,
    scale: &FrequencyScale,
    calibration: Option<&Calibration>,
) -> Option<(f64, f64)> {
    let first_bin = DC_BINS.min(spec.spectrum.bins() / DC_SHARE);
    let gain = |hz: f64| {
        let offset_db = calibration.map_or(0.0, |c| c.offset_db_near(hz));
        10f64.powf(offset_db / 10.0) as f32
    };
    let rows: Vec<(usize, f32)> = (0..CONTRAST_ROWS)
        .map(|i| scale.to_hz((i as f64 + 0.5) / CONTRAST_ROWS as f64))
        .map(|hz| ((hz / spec.spectrum.bin_hz() + 0.5) as usize, gain(hz)))
        .filter(|(bin, _)| *bin >= first_bin)
        .map(|(bin, gain)| {
            let row = (bin / spec.bins_per_row).saturating_sub(spec.first_row);
            (row.min(spec.rows - 1), gain)
        })
        .collect();
    let drawn: Vec<f32> = columns
        .into_iter()
        .flat_map(|column| rows.iter().map(|(row, gain)| column[*row] * gain))
        .collect();
    contrast(&drawn, rows.len(), 0)
}

/// Positions from the left edge to the right.
fn stretch(line: &Line, args: &FigureArgs) -> Result<Range<f64>> {
    let (end, rate) = (line.end() as f64, line.sample_rate_hz);
    let from = args.from * rate;
    let to = args.to.map_or(end, |s| s * rate).min(end);
    if !(from >= 0.0 && from + 1.0 <= to) {
        bail!(
            "--from {} --to {}: the recording has {} s",
            args.from,
            args.to.unwrap_or(end / rate),
            end / rate
        );
    }
    Ok(from..to)
}

fn frequency_scale(sample_rate_hz: f64, args: &FigureArgs) -> Result<FrequencyScale> {
    let nyquist = sample_rate_hz / 2.0;
    let (low, high) = match args.band.as_deref() {
        Some([low, high]) => (*low, high.min(nyquist)),
        _ => (0.0, nyquist),
    };
    if !(low >= 0.0 && low < high) {
        bail!(
            "--band {low} {high}: give two frequencies between 0 and {nyquist} Hz, the lower first"
        );
    }
    Ok(FrequencyScale::new(args.axis.into(), low, high))
}

/// The columns that a picture of so many pixels needs, exactly.
pub fn columns_spec(
    spectrum: SpectrumSpec,
    positions: &Range<f64>,
    scale: &FrequencyScale,
    (width_px, height_px): (f64, f64),
) -> Result<ColumnsSpec> {
    spectrum.check()?;
    let span = positions.end - positions.start;
    let column_samples = (span / width_px).floor().max(1.0);
    let first_column = (positions.start / column_samples).floor();
    let last_column = (positions.end / column_samples).ceil();

    let bin = |hz: f64| (hz / spectrum.bin_hz()).max(0.0);
    // Rows as narrow as the picture can show at the axis's lower end, where they are drawn widest.
    let pixel_hz = scale.to_hz(1.0 / height_px) - scale.low_hz();
    let bins = (pixel_hz / ROWS_A_PIXEL / spectrum.bin_hz()).max(1.0);
    let bins_per_row = 1usize << (bins.log2().floor() as u32).min(16);
    let row = |hz: f64| bin(hz) / bins_per_row as f64;
    let first_row = (row(scale.low_hz()).floor() - 2.0).max(0.0) as usize;
    let end_row = (row(scale.high_hz()).ceil() as usize + 3).min(spectrum.rows(bins_per_row));
    Ok(ColumnsSpec {
        spectrum,
        column_samples: column_samples as u64,
        first_column: first_column as i64,
        columns: (last_column - first_column) as usize,
        first_row,
        rows: end_row.saturating_sub(first_row).max(1),
        bins_per_row,
        effort: Effort::Exact,
    })
}

/// Transforms everything, step by step behind a progress bar.
fn compute(spec: &ColumnsSpec, line: &Line, read: &mut ReadSamples<'_>) -> Result<Columns> {
    let mut stft = Stft::new(&spec.spectrum)?;
    let mut all = Columns {
        mean: Vec::new(),
        max: Vec::new(),
        frames: Vec::new(),
        wave: Vec::new(),
        exact: true,
    };
    let progress = progress::bar(spec.columns as u64, "transforming");
    for first in (0..spec.columns).step_by(COLUMNS_A_STEP) {
        let step = ColumnsSpec {
            first_column: spec.first_column + first as i64,
            columns: COLUMNS_A_STEP.min(spec.columns - first),
            ..*spec
        };
        let done =
            columns(&step, &mut stft, line, read, &mut || false).map_err(anyhow::Error::msg)?;
        if let Some(done) = done {
            // A step whose columns have a frame each has no maxima: they are the means.
            all.max.extend_from_slice(if done.max.is_empty() { &done.mean } else { &done.max });
            all.mean.extend_from_slice(&done.mean);
            all.frames.extend_from_slice(&done.frames);
        }
        progress.inc(step.columns as u64);
    }
    progress.finish_and_clear();
    Ok(all)
}

/// Clock time, with what is not sure of its zone.
pub fn labels(line: &Line, info: &RecordingInfo) -> TimeLabels {
    let Some(origin) = line.origin else { return TimeLabels::Elapsed };
    let zone = match info.start_zone.as_str() {
        "assumed UTC" => "UTC, assumed".into(),
        said if said.contains("not applied") => format!("UTC, {said}"),
        _ => "UTC".into(),
    };
    TimeLabels::Clock { origin, offset_s: 0, zone }
}

/// How the picture was made, so that another can make it again.
fn subtitle(
    info: &RecordingInfo,
    channel: u32,
    spectrum: &SpectrumSpec,
    args: &FigureArgs,
) -> String {
    let rate = spectrum.sample_rate_hz;
    let overlap = 1.0 - spectrum.hop_samples as f64 / spectrum.window_samples as f64;
    let mut text = format!(
        "sampled at {} · {} window of {} samples ({}) · FFT {} (Δf {}) · {} overlap",
        hertz(rate),
        spectrum.window,
        spectrum.window_samples,
        seconds(spectrum.window_samples as f64 / rate),
        spectrum.fft_size,
        hertz(rate / spectrum.fft_size as f64),
        if overlap >= 0.0 { format!("{} %", three(overlap * 100.0)) } else { "no".into() },
    );
    if info.channels > 1 {
        text.push_str(&format!(" · channel {channel} (from 0) of {}", info.channels));
    }
    if let Some(unsure_s) = info.start_uncertainty_s.filter(|s| *s >= UNSURE_S) {
        text.push_str(&format!(" · start ±{}", unsure(unsure_s)));
    }
    if args.flatten {
        text.push_str(" · flattened by the median of each band over the picture");
    }
    text
}

pub fn hertz(hz: f64) -> String {
    if hz >= 1000.0 { format!("{} kHz", three(hz / 1000.0)) } else { format!("{} Hz", three(hz)) }
}

pub fn seconds(s: f64) -> String {
    match s {
        s if s >= 1.0 => format!("{} s", three(s)),
        s if s >= 1e-3 => format!("{} ms", three(s * 1e3)),
        s => format!("{} µs", three(s * 1e6)),
    }
}

/// A long time in the unit that people say it in.
fn unsure(s: f64) -> String {
    match s {
        s if s >= 86_400.0 => format!("{} d", three(s / 86_400.0)),
        s if s >= 3600.0 => format!("{} h", three(s / 3600.0)),
        s => format!("{} min", three(s / 60.0)),
    }
}

/// A number with about three digits, without zeros at its end.
fn three(value: f64) -> String {
    let decimals = (2.0 - value.abs().max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

impl From<Axis> for FrequencyAxis {
    fn from(axis: Axis) -> FrequencyAxis {
        match axis {
            Axis::Linear => FrequencyAxis::Linear,
            Axis::Log => FrequencyAxis::Log,
            Axis::Mel => FrequencyAxis::Mel,
        }
    }
}

impl From<Map> for ColourMap {
    fn from(map: Map) -> ColourMap {
        match map {
            Map::Viridis => ColourMap::Viridis,
            Map::Cividis => ColourMap::Cividis,
            Map::Magma => ColourMap::Magma,
            Map::Inferno => ColourMap::Inferno,
            Map::Grey => ColourMap::Grey,
            Map::GreyInverted => ColourMap::GreyInverted,
        }
    }
}
