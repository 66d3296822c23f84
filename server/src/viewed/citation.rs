//! *Cite this view*: what is shown in words that can be printed, what was measured of it, and a Python
//! script that makes both again without this program.

use serde::{Deserialize, Serialize};
use serde_json::json;
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::view::{ColourMap, FrequencyAxis, Scaling};
use spyhop_paint::parts::level_unit;
use spyhop_signal::measure::{BoxMeasures, CONTEXT_S};

use super::power::transform_words;
use super::{MOST_PREVIEW_FRAMES, ViewPower, Viewed, ViewedError, measure};
use crate::figure::hertz;

/// The script, without its parameters.
const SCRIPT: &str = include_str!("reproduce.py");
const PLACE: &str = "#PARAMETERS#";

/// Where a citation points.
pub struct Citation<'a> {
    /// The link, absolute where the server's address is known.
    pub link: &'a str,
    /// The server's address with a slash at its end.
    pub base: &'a str,
    /// Address of the whole samples below `base`, where they were published with a share.
    pub samples: Option<&'a str>,
}

/// A view, cited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cited {
    /// A sentence or two with everything that somebody needs to see the same.
    pub text: String,
    /// The Python script.
    pub python: String,
    /// What the recordings under it are.
    pub fingerprint: String,
    /// What is measured of the selection, or of all that is shown; nothing where that is too much.
    #[schema(value_type = Option<Object>)]
    pub measures: Option<BoxMeasures>,
}

/// Cites a view.
///
/// # Errors
/// When its recordings can't be read.
pub fn cite(viewed: &Viewed, at: &Citation<'_>) -> Result<Cited, ViewedError> {
    let measures = measure(viewed)?;
    let fingerprint = viewed.fingerprint();
    let python = script(viewed, at)?;
    Ok(Cited {
        text: text(viewed, at, &fingerprint, measures.as_ref()),
        python,
        fingerprint,
        measures,
    })
}

fn text(
    viewed: &Viewed,
    at: &Citation<'_>,
    fingerprint: &str,
    measures: Option<&BoxMeasures>,
) -> String {
    let (deployment, rate) = (&viewed.deployment, viewed.line.sample_rate_hz);
    let samples = viewed.samples();
    let span = (samples.end - samples.start) as f64 / rate;
    let mut said = String::new();
    if !deployment.credit.is_empty() {
        said += &format!("{}. ", deployment.credit.trim_end_matches('.'));
    }
    said += &format!("{}, {} s from {}", viewed.name(), three(span), start(viewed));
    let (low, high) = viewed.band_hz();
    said += &format!(", {} to {}", hertz(low), hertz(high));
    said += &format!(" (channel {} from 0, sampled at {}). ", viewed.view.channel, hertz(rate));
    said += &format!(
        "Spectrogram: {}, {}. ",
        transform_words(&viewed.view, rate),
        match viewed.view.spectrum.scaling {
            Scaling::Density => "power spectral density",
            Scaling::Spectrum => "power spectrum",
        }
    );
    if let Some(m) = measures {
        let unit = if deployment.calibration.is_some() { "1 µPa" } else { "full scale" };
        let (low, high) = m.band_hz;
        let mut parts = Vec::new();
        parts.extend(m.rms_db.map(|db| format!("RMS {db:.1} dB re {unit}")));
        parts.extend(m.peak_hz.map(|hz| format!("peak at {}", hertz(hz))));
        parts.extend(m.duration_90_s.map(|s| format!("90 % of the energy within {} s", three(s))));
        if !parts.is_empty() {
            said += &format!("{} to {}: {}. ", hertz(low), hertz(high), parts.join(", "));
        }
    }
    if !deployment.licence.is_empty() {
        said += &format!("Recordings: {}. ", deployment.licence);
    }
    if deployment.synthesised {
        said += "The sounds are synthesised. ";
    }
    let version = env!("CARGO_PKG_VERSION");
    said + &format!("Data {fingerprint}; Spyhop {version}. {}", at.link)
}

/// Clock time of the left edge, or seconds.
fn start(viewed: &Viewed) -> String {
    let first = viewed.samples().start;
    match viewed.time_of(first) {
        Some(time) => time.to_iso(),
        None => format!("{} s after the first sample", seconds(viewed, first)),
    }
}

fn seconds(viewed: &Viewed, position: i64) -> f64 {
    viewed.line.nanos_at(position) as f64 / NANOS_PER_S as f64
}

fn three(value: f64) -> String {
    format!("{}", (value * 1e3).round() / 1e3)
}

fn script(viewed: &Viewed, at: &Citation<'_>) -> Result<String, ViewedError> {
    let (view, line) = (&viewed.view, &viewed.line);
    let rate = line.sample_rate_hz;
    let (selected, band_hz) = viewed.selected();
    let shown = viewed.samples();
    // The context of a selection decides the transform that it is cut out by.
    let around = (CONTEXT_S * rate).round() as i64;
    let context = (selected.start - around).max(0)..(selected.end + around).min(line.end());
    let (first, last) = (context.start.min(shown.start), context.end.max(shown.end));
    let range_db = match view.colour.range_db {
        Some(range) => range,
        None => ViewPower::of(viewed, (600.0, 300.0), MOST_PREVIEW_FRAMES)?.range_db,
    };
    let moment = |position: i64| match viewed.time_of(position) {
        Some(time) => time.to_iso(),
        None => format!("{:.9}", seconds(viewed, position)),
    };
    let url = match at.samples {
        Some(path) => format!("{}{path}", at.base),
        None => format!(
            "{}api/v1/deployments/{}/samples?start={}&end={}&format=npy&channel={}",
            at.base,
            viewed.deployment.id,
            moment(first),
            moment(last),
            view.channel
        ),
    };
    let calibration = viewed.deployment.calibration.as_ref().map(|c| match c.offset_db() {
        Some(db) => json!(db),
        None => json!(c.rows_db()),
    });
    let first_frame = line
        .parts(first..last)
        .next()
        .map_or(0, |run| run.first_frame as i64 - (run.position - first));
    // Python reads these as it reads JSON, but for its own words for null and false.
    let python = |value: serde_json::Value| match value {
        serde_json::Value::Null => "None".to_owned(),
        serde_json::Value::Bool(is) => if is { "True" } else { "False" }.to_owned(),
        other => other.to_string(),
    };
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
        ("SAMPLES_URL", json!(url)),
        ("IS_NUMPY", json!(at.samples.is_none())),
        ("START", json!(start(viewed))),
        ("RATE_HZ", json!(rate)),
        ("CHANNEL", json!(view.channel)),
        ("FIRST", json!(first)),
        ("LAST", json!(last)),
        ("FIRST_FRAME", json!(first_frame)),
        ("CONTEXT", json!([context.start, context.end])),
        ("SHOWN", json!([shown.start, shown.end])),
        ("SHOWN_HZ", json!(viewed.band_hz())),
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
        ("AXIS", json!(if view.frequency_axis == FrequencyAxis::Log { "log" } else { "linear" })),
        ("UNIT", json!(level_unit(s.scaling, calibrated, flattened))),
        ("FLATTENED", json!(flattened)),
    ]
    .into_iter()
    .map(|(name, value)| format!("{name} = {}", python(value)))
    .collect();
    Ok(SCRIPT.replace(PLACE, &parameters.join("\n")))
}
