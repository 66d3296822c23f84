//! The Python that makes a view's picture and its numbers again, without this program.

use std::ops::Range;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use spyhop_api::view::{ColourMap, FrequencyAxis, Scaling, Source};
use spyhop_paint::FrequencyScale;
use spyhop_paint::parts::level_unit;
use spyhop_signal::measure::CONTEXT_S;
use spyhop_signal::spectrum::{ColumnsSpec, SpectrumSpec};

use super::citation::{Citation, exact_seconds, start};
use super::picture::FIGURE_PX;
use super::power::{FRAMES_PER_COLUMN, bin_medians, median_columns};
use super::{MOST_PREVIEW_FRAMES, ViewPower, Viewed, ViewedError};
use crate::figure::columns_spec;

/// The script, without its parameters.
const SCRIPT: &str = include_str!("reproduce.py");
const PLACE: &str = "#PARAMETERS#";
/// What flattening takes away is told in numbers where it takes more samples to compute it.
const MOST_FETCHED: i64 = 1 << 25;

/// The script of a view.
///
/// # Errors
/// When its recordings can't be read.
pub fn script(viewed: &Viewed, at: &Citation<'_>) -> Result<String, ViewedError> {
    let (view, line) = (&viewed.view, &viewed.line);
    let rate = line.sample_rate_hz;
    // Of a folded view one stretch alone: the gaps between are no part of what it shows.
    let shown = viewed.one_stretch();
    let (selected, band_hz) = match viewed.selected() {
        (_, band_hz) if view.selection.is_none() => (shown.clone(), band_hz),
        selected => selected,
    };
    let (low_hz, high_hz) = viewed.band_hz();
    let scale = FrequencyScale::new(view.frequency_axis, low_hz, high_hz);
    let spectrum = SpectrumSpec::from((&view.spectrum, rate));
    let drawn = match viewed.is_folded() {
        true => shown.start as f64..shown.end as f64,
        false => viewed.positions.clone(),
    };
    let of_figure = columns_spec(spectrum, &drawn, &scale, FIGURE_PX)
        .map_err(|e| ViewedError::Failed(e.to_string()))?;
    let medians = Medians::of(viewed, &of_figure)?;
    // The context of a selection decides the transform that it is cut out by; a frame reaches half a window
    // to both sides of its centre.
    let around = (CONTEXT_S * rate).round() as i64;
    let window = i64::from(view.spectrum.window_samples);
    let context = (selected.start - around).max(0)..(selected.end + around).min(line.end());
    let (from, to) = medians.positions().unwrap_or((shown.start, shown.end));
    let first = context.start.min(shown.start - window).min(from - window).max(0);
    let last = context.end.max(shown.end + window).max(to + window).min(line.end());
    let range_db = match view.colour.range_db {
        Some(range) => range,
        None => ViewPower::of(viewed, (600.0, 300.0), MOST_PREVIEW_FRAMES)?.range_db,
    };
    let calibration = viewed.deployment.calibration.as_ref().map(|c| match c.offset_db() {
        Some(db) => json!(db),
        None => json!(c.rows_db()),
    });
    let first_frame = line
        .parts(first..last)
        .next()
        .map_or(0, |run| run.first_frame as i64 - (run.position - first));
    let colours = match view.colour.map {
        ColourMap::Grey => "gray",
        ColourMap::GreyInverted => "gray_r",
        map => map.name(),
    };
    let s = &view.spectrum;
    let (calibrated, flattened) = (calibration.is_some(), view.flatten_s.is_some());
    let parameters: Vec<String> = [
        ("TITLE", json!(viewed.title())),
        ("LINK", json!(at.link)),
        ("SAMPLES_URL", json!(address(viewed, at, first, last))),
        ("IS_NUMPY", json!(at.samples.is_none())),
        ("START", json!(start(viewed, shown.start))),
        ("RATE_HZ", json!(rate)),
        ("CHANNEL", json!(view.channel)),
        ("FIRST", json!(first)),
        ("LAST", json!(last)),
        ("FIRST_FRAME", json!(first_frame)),
        ("CONTEXT", json!([context.start, context.end])),
        ("SHOWN", json!([shown.start, shown.end])),
        ("SHOWN_HZ", json!((scale.low_hz(), scale.high_hz()))),
        ("CENTRES", json!(centres(&of_figure, shown.start))),
        ("SELECTED", json!([selected.start, selected.end])),
        ("BAND_HZ", json!(band_hz)),
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
    .map(|(name, value)| format!("{name} = {}", python(value)))
    .collect();
    Ok(head(viewed, &shown) + &SCRIPT.replace(PLACE, &parameters.join("\n")))
}

/// What a script of a folded view says first: that there is more in the view than it takes.
fn head(viewed: &Viewed, taken: &Range<i64>) -> String {
    if !viewed.is_folded() {
        return String::new();
    }
    let span = exact_seconds(viewed.nanos_of((taken.end - taken.start) as f64));
    format!(
        "# The view has gaps folded away and shows {} stretches. This is of one of them alone:\n\
         # {span} s from {}.\n",
        viewed.fold.stretches(&viewed.places).len(),
        start(viewed, taken.start)
    )
}

/// Where the samples from a position to another come from.
fn address(viewed: &Viewed, at: &Citation<'_>, first: i64, last: i64) -> String {
    if let Some(path) = at.samples {
        return format!("{}{path}", at.base);
    }
    let moment = |position: i64| match viewed.time_of(position) {
        Some(time) => time.to_iso(),
        None => exact_seconds(viewed.line.nanos_at(position)),
    };
    let one = match &viewed.view.source {
        Source::Deployment { recording: Some(name), .. } => {
            format!("&recording={}", utf8_percent_encode(name, NON_ALPHANUMERIC))
        }
        _ => String::new(),
    };
    format!(
        "{}api/v1/deployments/{}/samples?start={}&end={}&format=npy&channel={}{one}",
        at.base,
        viewed.deployment.id,
        moment(first),
        moment(last),
        viewed.view.channel
    )
}

/// Where the first frame of the picture is centred, and how far the next one is: each hop's, or where a
/// pixel is shorter than that, each pixel's.
fn centres(of: &ColumnsSpec, shown: i64) -> (i64, i64) {
    let (hop, column) = (of.spectrum.hop_samples as i64, of.column_samples as i64);
    match column <= hop {
        true => (of.first_column * column + column / 2, column),
        false => ((shown + hop - 1).div_euclid(hop) * hop, hop),
    }
}

/// What flattening takes away, as the script knows it.
enum Medians {
    /// Nothing.
    None,
    /// The median over these columns.
    Over(ColumnsSpec),
    /// These powers, one a bin.
    Known(Vec<f32>),
}

impl Medians {
    fn of(viewed: &Viewed, of_figure: &ColumnsSpec) -> Result<Medians, ViewedError> {
        let Some(seconds) = viewed.view.flatten_s else { return Ok(Medians::None) };
        let over = median_columns(viewed, seconds, of_figure);
        let samples = over.columns as i64 * over.column_samples as i64;
        // Around the middle of a folded view there may be another stretch, or a gap.
        if samples <= MOST_FETCHED && !viewed.is_folded() {
            return Ok(Medians::Over(over));
        }
        Ok(Medians::Known(bin_medians(viewed, &over)?))
    }

    fn positions(&self) -> Option<(i64, i64)> {
        let Medians::Over(over) = self else { return None };
        let end = over.first_column + over.columns as i64;
        Some((over.positions(over.first_column).start, over.positions(end).start))
    }

    fn parameter(&self) -> Value {
        match self {
            Medians::None => Value::Null,
            Medians::Over(over) => json!({
                "first": over.first_column,
                "columns": over.columns,
                "samples": over.column_samples,
                "frames": FRAMES_PER_COLUMN,
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
fn python(value: Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(is) => if is { "True" } else { "False" }.to_owned(),
        other => other.to_string(),
    }
}
