//! The Python that makes a view's picture and its numbers again, without this program.

use std::ops::Range;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use spyhop_api::view::{ColourMap, FrequencyAxis, Scaling, Source};
use spyhop_paint::FrequencyScale;
use spyhop_paint::parts::level_unit;
use spyhop_signal::measure::CONTEXT_S;
use spyhop_signal::spectrum::{ColumnsSpec, MedianColumns, SpectrumSpec};

use super::citation::{Citation, exact_seconds, start};
use super::picture::FIGURE_PX;
use super::power::{FRAMES_PER_MEDIAN, bin_medians, median_columns};
use super::{MOST_PREVIEW_FRAMES, Stretch, ViewPower, Viewed, ViewedError};
use crate::figure::columns_spec;

/// The script, without its parameters.
const SCRIPT: &str = include_str!("reproduce.py");
const PLACE: &str = "#PARAMETERS#";
/// What flattening takes away is told in numbers where it takes more samples to compute it, or more pieces.
const MOST_FETCHED: u64 = 1 << 25;
/// See [`MOST_FETCHED`].
const MOST_RUNS: usize = 64;
/// Stretches of a folded view that a script takes: each is fetched by itself.
const MOST_STRETCHES: usize = 500;

/// The script of a view.
///
/// # Errors
/// When its recordings can't be read.
pub fn script(viewed: &Viewed, at: &Citation<'_>) -> Result<String, ViewedError> {
    let (view, line) = (&viewed.view, &viewed.line);
    let rate = line.sample_rate_hz;
    let all = viewed.stretches();
    let stretches = all.get(..MOST_STRETCHES).unwrap_or(&all);
    let (low_hz, high_hz) = viewed.band_hz();
    let scale = FrequencyScale::new(view.frequency_axis, low_hz, high_hz);
    let spectrum = SpectrumSpec::from((&view.spectrum, rate));
    let of_figure = columns_spec(spectrum, &viewed.places, &scale, FIGURE_PX)
        .map_err(|e| ViewedError::Failed(e.to_string()))?;
    let medians = Medians::of(viewed)?;
    let measured = viewed.measured();
    let shown = stretches.last().map_or(0.0, |last| last.places.end) - viewed.places.start;
    // A frame reaches half a window to both sides of its centre.
    let window = i64::from(view.spectrum.window_samples);
    let framed = |range: &Range<i64>| (range.start - window).max(0)..range.end + window;
    let of_stretch = |stretch: &Stretch| {
        let start = stretch.samples.start.min(centres(&of_figure, stretch).0);
        framed(&(start..stretch.samples.end))
    };
    let context = measured.as_ref().map(|(selected, _)| context(selected, rate, line.end()));
    let needed: Vec<Range<i64>> = stretches
        .iter()
        .map(of_stretch)
        .chain(medians.positions().iter().map(framed))
        .chain(context.clone())
        .map(|range| range.start..range.end.min(line.end()))
        .collect();
    let pieces = joined(needed);
    let range_db = match view.colour.range_db {
        Some(range) => range,
        None => ViewPower::of(viewed, (600.0, 300.0), MOST_PREVIEW_FRAMES)?.range_db,
    };
    let calibration = viewed.deployment.calibration.as_ref().map(|c| match c.offset_db() {
        Some(db) => json!(db),
        None => json!(c.rows_db()),
    });
    let colours = match view.colour.map {
        ColourMap::Grey => "gray",
        ColourMap::GreyInverted => "gray_r",
        map => map.name(),
    };
    let ends = |range: &Range<i64>| json!([range.start, range.end]);
    let s = &view.spectrum;
    let (calibrated, flattened) = (calibration.is_some(), view.flatten_s.is_some());
    let told: Vec<Value> =
        stretches.iter().map(|stretch| stretch_parameter(viewed, stretch, &of_figure)).collect();
    let parameters: Vec<String> = [
        ("TITLE", json!(viewed.title())),
        ("LINK", json!(at.link)),
        ("SAMPLES_URL", json!(address(viewed, at))),
        ("IS_NUMPY", json!(at.samples.is_none())),
        ("START", json!(start(viewed, viewed.samples().start))),
        ("RATE_HZ", json!(rate)),
        ("CHANNEL", json!(view.channel)),
        (
            "PIECES",
            json!(pieces.iter().map(|piece| piece_parameter(viewed, piece)).collect::<Vec<_>>()),
        ),
        ("RECORDED", json!(recorded(viewed, &pieces))),
        ("STRETCHES", json!(told)),
        ("SHOWN_S", json!(shown / rate)),
        ("SHOWN_HZ", json!((scale.low_hz(), scale.high_hz()))),
        ("CONTEXT", json!(context.as_ref().map(ends))),
        ("SELECTED", json!(measured.as_ref().map(|(selected, _)| ends(selected)))),
        ("BAND_HZ", json!(measured.as_ref().map(|(_, band_hz)| band_hz))),
        ("FFT_SIZE", json!(s.fft_size)),
        ("WINDOW_SAMPLES", json!(s.window_samples)),
        ("HOP_SAMPLES", json!(s.hop_samples)),
        ("WINDOW", json!(s.window.to_string())),
        ("SCALING", json!(if s.scaling == Scaling::Density { "density" } else { "spectrum" })),
        ("CALIBRATION_DB", json!(calibration)),
        ("RANGE_DB", json!(range_db)),
        ("COLOURS", json!(colours)),
        (
            "AXIS",
            json!(match view.frequency_axis {
                FrequencyAxis::Linear => "linear",
                FrequencyAxis::Log => "log",
                FrequencyAxis::Mel => "mel",
            }),
        ),
        ("UNIT", json!(level_unit(s.scaling, calibrated, flattened))),
        ("FLATTENED", medians.parameter()),
    ]
    .into_iter()
    .map(|(name, value)| format!("{name} = {}", python(&value)))
    .collect();
    Ok(head(all.len()) + &SCRIPT.replace(PLACE, &parameters.join("\n")))
}

/// What a script says first that does not take all of its view.
fn head(stretches: usize) -> String {
    match stretches <= MOST_STRETCHES {
        true => String::new(),
        false => format!(
            "# The view shows {stretches} stretches with gaps folded away between them. This is of the \
             first {MOST_STRETCHES}.\n"
        ),
    }
}

/// The samples that decide the transform by which a selection is cut out.
fn context(selected: &Range<i64>, rate_hz: f64, end: i64) -> Range<i64> {
    let around = (CONTEXT_S * rate_hz).round() as i64;
    (selected.start - around).max(0)..(selected.end + around).min(end)
}

/// Ranges in order, those that touch as one.
fn joined(mut ranges: Vec<Range<i64>>) -> Vec<Range<i64>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut all: Vec<Range<i64>> = Vec::new();
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// A stretch: where it lies from the picture's left edge, what of the line it shows, when that was, and
/// where its frames are centred.
fn stretch_parameter(viewed: &Viewed, stretch: &Stretch, of_figure: &ColumnsSpec) -> Value {
    let Stretch { places, samples, .. } = stretch;
    json!([
        (places.start - viewed.places.start) / viewed.line.sample_rate_hz,
        [samples.start, samples.end],
        start(viewed, samples.start),
        centres(of_figure, stretch),
    ])
}

/// A piece of the line whose samples are needed: its positions, and what its ends are called.
fn piece_parameter(viewed: &Viewed, piece: &Range<i64>) -> Value {
    json!([piece.start, piece.end, moment(viewed, piece.start), moment(viewed, piece.end)])
}

/// Which file holds which positions: its name, the first position, the frame that lies there, and how many.
fn recorded(viewed: &Viewed, pieces: &[Range<i64>]) -> Vec<Value> {
    let name = |index: usize| viewed.recordings.infos.get(index).map_or("", |info| &info.name);
    let parts = pieces.iter().flat_map(|piece| viewed.line.parts(piece.clone()));
    parts
        .map(|run| json!([name(run.recording), run.position, run.first_frame, run.frames]))
        .collect()
}

/// Where samples come from, with `{start}` and `{end}` in the place of moments.
fn address(viewed: &Viewed, at: &Citation<'_>) -> String {
    if let Some(path) = at.samples {
        return format!("{}{path}", at.base);
    }
    let one = match &viewed.view.source {
        Source::Deployment { recording: Some(name), .. } => {
            format!("&recording={}", utf8_percent_encode(name, NON_ALPHANUMERIC))
        }
        _ => String::new(),
    };
    format!(
        "{}api/v1/deployments/{}/samples?start={{start}}&end={{end}}&format=npy&channel={}{one}",
        at.base, viewed.deployment.id, viewed.view.channel
    )
}

/// A position as the address of samples names it.
fn moment(viewed: &Viewed, position: i64) -> String {
    match viewed.time_of(position) {
        Some(time) => time.to_iso(),
        None => exact_seconds(viewed.line.nanos_at(position)),
    }
}

/// Where the first frame of a stretch is centred, and how far the next one is: each hop's, or where a pixel
/// is shorter than that, each pixel's.
fn centres(of: &ColumnsSpec, stretch: &Stretch) -> (i64, i64) {
    let (hop, column) = (of.spectrum.hop_samples as i64, of.column_samples as i64);
    match column <= hop {
        true => {
            let first = (stretch.positions.start / column as f64).floor() as i64;
            (first * column + column / 2, column)
        }
        false => ((stretch.samples.start + hop - 1).div_euclid(hop) * hop, hop),
    }
}

/// What flattening takes away, as the script knows it.
enum Medians {
    /// Nothing.
    None,
    /// The median over these columns.
    Over(MedianColumns),
    /// These powers, one a bin.
    Known(Vec<f32>),
}

impl Medians {
    fn of(viewed: &Viewed) -> Result<Medians, ViewedError> {
        let Some(seconds) = viewed.view.flatten_s else { return Ok(Medians::None) };
        let over = median_columns(viewed, seconds);
        let samples = over.columns().count() as u64 * over.column_samples;
        match samples <= MOST_FETCHED && over.runs.len() <= MOST_RUNS {
            true => Ok(Medians::Over(over)),
            false => Ok(Medians::Known(bin_medians(viewed, &over)?)),
        }
    }

    fn positions(&self) -> Vec<Range<i64>> {
        let Medians::Over(over) = self else { return Vec::new() };
        let samples = over.column_samples as i64;
        over.runs.iter().map(|run| run.start * samples..run.end * samples).collect()
    }

    fn parameter(&self) -> Value {
        match self {
            Medians::None => Value::Null,
            Medians::Over(over) => json!({
                "runs": over.runs.iter().map(|run| [run.start, run.end]).collect::<Vec<_>>(),
                "samples": over.column_samples,
                "frames": FRAMES_PER_MEDIAN,
            }),
            // Nothing recorded has no median, and nothing to be divided by it.
            Medians::Known(power) => {
                let known = power.iter().map(|p| if p.is_finite() { *p } else { 0.0 });
                json!({ "power": known.collect::<Vec<f32>>() })
            }
        }
    }
}

/// Python reads these as it reads JSON, but for its own words for null, true and false.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(is) => if *is { "True" } else { "False" }.to_owned(),
        other => other.to_string(),
    }
}
