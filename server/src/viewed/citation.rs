//! *Cite this view*: what is shown in words that can be printed, what was measured of it, and a Python
//! script that makes both again without this program.

use serde::{Deserialize, Serialize};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::view::Scaling;
use spyhop_signal::measure::BoxMeasures;

use super::power::transform_words;
use super::script::script;
use super::{Stretch, Viewed, ViewedError, measure};
use crate::figure::hertz;

/// Gaps between stretches that a citation names.
const MOST_GAPS: usize = 6;

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
    /// What is measured of the selection, or of all that is shown; nothing where that is too much,
    /// or gaps are folded away in it.
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
    let mut said = String::new();
    if !deployment.credit.is_empty() {
        said += &format!("{}. ", deployment.credit.trim_end_matches('.'));
    }
    said += &format!("{}, {}", viewed.name(), stretches(viewed));
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

/// How much is shown, from when on, and what is left out of it.
fn stretches(viewed: &Viewed) -> String {
    let all = viewed.stretches();
    let begin = viewed.samples().start;
    if all.len() == 1 {
        let samples = viewed.samples();
        let span = exact_seconds(viewed.nanos_of((samples.end - begin) as f64));
        return format!("{span} s from {}", start(viewed, begin));
    }
    let shown = exact_seconds(viewed.nanos_of(viewed.places.end - viewed.places.start));
    let gap = |pair: &[Stretch]| {
        let [before, after] = pair else { return String::new() };
        format!("{} to {}", start(viewed, before.samples.end), start(viewed, after.samples.start))
    };
    let gaps: Vec<String> = all.windows(2).take(MOST_GAPS).map(gap).collect();
    let more = match all.len() - 1 - gaps.len() {
        0 => String::new(),
        1 => " and one more gap".to_owned(),
        more => format!(" and {more} more gaps"),
    };
    format!(
        "{shown} s in {} stretches from {} to {} (left out between them: {}{more})",
        all.len(),
        start(viewed, begin),
        start(viewed, viewed.samples().end),
        gaps.join(", ")
    )
}

/// Clock time of a position, the left edge of a picture, or seconds: to the sample.
pub fn start(viewed: &Viewed, first: i64) -> String {
    match viewed.time_of(first) {
        Some(time) => shortened(&time.to_iso()),
        None => {
            format!("{} s after the first sample", exact_seconds(viewed.line.nanos_at(first)))
        }
    }
}

/// A time without zeros at its end: `2024-06-01T12:00:02.5Z`.
fn shortened(iso: &str) -> String {
    match iso.strip_suffix('Z') {
        Some(digits) if digits.contains('.') => {
            format!("{}Z", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => iso.to_owned(),
    }
}

/// Nanoseconds as seconds, none of them rounded away.
pub fn exact_seconds(nanos: i64) -> String {
    let (whole, rest) = (nanos / NANOS_PER_S, nanos % NANOS_PER_S);
    let decimals = format!("{rest:09}");
    match decimals.trim_end_matches('0') {
        "" => whole.to_string(),
        decimals => format!("{whole}.{decimals}"),
    }
}

fn three(value: f64) -> String {
    format!("{}", (value * 1e3).round() / 1e3)
}
