//! `spyhop-model.toml`: what a network's maker says of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spyhop_api::did_you_mean::nearest;
use spyhop_api::{FrontEnd, Metric, ModelCard, ModelClass, Scores};
use spyhop_signal::fbank::Fbank;

use crate::config::AstConfig;
use crate::{ModelError, ModelFiles, preprocessor};

/// Its name beside the weights.
pub const FILE_NAME: &str = "spyhop-model.toml";

/// A class counts as heard from this score on, where its card says nothing.
pub const DEFAULT_THRESHOLD: f64 = 0.5;
/// Names of classes that are no calls, where their card says nothing; in small letters.
const NO_CALLS: &[&str] = &["noise", "other", "nothing", "silence", "absent", "nocall", "nocalls"];
/// So do names begin of classes that are no calls: `No_Upcall`, `negative_gulf`.
const NO_CALL_WORDS: &[&str] = &["no", "not", "non", "none", "negative", "background"];
/// A recording is played between a thousandth and a thousand times its speed.
const MOST_COMPRESSION: f64 = 1000.0;

/// The keys of the file; every one may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct CardFile {
    name: String,
    description: String,
    version: String,
    licence: String,
    training_data: String,
    citation: String,
    time_compression: Option<f64>,
    low_hz: Option<f64>,
    high_hz: Option<f64>,
    hop_s: Option<f64>,
    scores: Option<Scores>,
    threshold: Option<f64>,
    front_end: FrontEndKeys,
    class: Vec<ClassKeys>,
    metrics: BTreeMap<String, Metric>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct FrontEndKeys {
    rate_hz: Option<f64>,
    low_hz: Option<f64>,
    high_hz: Option<f64>,
    mels: Option<u32>,
    frame_samples: Option<u32>,
    hop_samples: Option<u32>,
    fft_size: Option<u32>,
    frames: Option<u32>,
    mean: Option<f64>,
    std: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ClassKeys {
    name: String,
    low_hz: Option<f64>,
    high_hz: Option<f64>,
    threshold: Option<f64>,
    call: Option<bool>,
}

const KEYS: &[&str] = &[
    "name",
    "description",
    "version",
    "licence",
    "training_data",
    "citation",
    "time_compression",
    "low_hz",
    "high_hz",
    "hop_s",
    "scores",
    "threshold",
    "front_end",
    "class",
    "metrics",
];
const FRONT_END_KEYS: &[&str] = &[
    "rate_hz",
    "low_hz",
    "high_hz",
    "mels",
    "frame_samples",
    "hop_samples",
    "fft_size",
    "frames",
    "mean",
    "std",
];
const CLASS_KEYS: &[&str] = &["name", "low_hz", "high_hz", "threshold", "call"];

/// The card of a folder: `spyhop-model.toml` where there is one, and for what it leaves out
/// `preprocessor_config.json` and `config.json`. Folders are looked through in the order given, so
/// that an adapter's files go before its network's.
///
/// # Errors
/// When a file can't be read or understood, when a key is unknown, when a value can't be meant, and
/// when nothing says how samples become a picture.
pub fn read(folders: &[&dyn ModelFiles], config: &AstConfig) -> Result<ModelCard, ModelError> {
    let mut found = None;
    let mut extractor = None;
    for files in folders {
        if found.is_none() {
            found = files.read(FILE_NAME)?.map(|bytes| (files.path(FILE_NAME), bytes));
        }
        if extractor.is_none() {
            extractor = preprocessor::read(*files)?;
        }
    }
    let place = folders.first().map(|files| files.place()).unwrap_or_default();
    let (file, keys) = match found {
        Some((file, bytes)) => {
            let keys = parse(&file, &bytes)?;
            (file, keys)
        }
        None => (format!("{place}/{FILE_NAME}"), CardFile::default()),
    };
    let front_end =
        front_end(&keys.front_end, extractor, config).ok_or_else(|| ModelError::MissingFile {
            file: format!("{place}/{}", preprocessor::FILE_NAME),
            hint: format!(
                "it says how samples become a picture; a {FILE_NAME} with rate_hz, mean and std \
                 under [front_end] does so too"
            ),
        })?;
    let folder = place.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("model");
    resolve(&file, keys, front_end, config, folder)
}

/// Whether a class's name says that it is no call.
pub fn is_no_call(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    NO_CALLS.contains(&name.as_str()) || words.next().is_some_and(|w| NO_CALL_WORDS.contains(&w))
}

/// A card as a file that says all of it, so that it is read back as it was.
///
/// # Errors
/// When it can't be put into TOML.
pub fn text_of(card: &ModelCard) -> Result<String, ModelError> {
    let FrontEnd { rate_hz, low_hz, high_hz, mels, frame_samples, hop_samples, .. } =
        card.front_end;
    let class = |class: &ModelClass| ClassKeys {
        name: class.name.clone(),
        low_hz: Some(class.band_hz.0),
        high_hz: Some(class.band_hz.1),
        threshold: Some(class.threshold),
        call: Some(class.is_call),
    };
    let keys = CardFile {
        name: card.name.clone(),
        description: card.description.clone(),
        version: card.version.clone(),
        licence: card.licence.clone(),
        training_data: card.training_data.clone(),
        citation: card.citation.clone(),
        time_compression: Some(card.time_compression),
        low_hz: Some(card.band_hz.0),
        high_hz: Some(card.band_hz.1),
        hop_s: Some(f64::from(card.hop_samples) / card.rate_hz()),
        scores: Some(card.scores),
        threshold: None,
        front_end: FrontEndKeys {
            rate_hz: Some(rate_hz),
            low_hz: Some(low_hz),
            high_hz: Some(high_hz),
            mels: Some(mels),
            frame_samples: Some(frame_samples),
            hop_samples: Some(hop_samples),
            fft_size: Some(card.front_end.fft_size),
            frames: Some(card.front_end.frames),
            mean: Some(card.front_end.mean),
            std: Some(card.front_end.std),
        },
        class: card.classes.iter().map(class).collect(),
        metrics: card.metrics.clone(),
    };
    toml::to_string(&keys).map_err(|error| ModelError::Malformed {
        file: FILE_NAME.to_owned(),
        reason: error.to_string(),
    })
}

fn parse(file: &str, bytes: &[u8]) -> Result<CardFile, ModelError> {
    let malformed = |reason: String| ModelError::Malformed { file: file.to_owned(), reason };
    let text = std::str::from_utf8(bytes).map_err(|e| malformed(e.to_string()))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| malformed(e.to_string()))?;
    refuse_unknown(file, &table, KEYS)?;
    if let Some(toml::Value::Table(front_end)) = table.get("front_end") {
        refuse_unknown(file, front_end, FRONT_END_KEYS)?;
    }
    if let Some(toml::Value::Array(classes)) = table.get("class") {
        for class in classes.iter().filter_map(toml::Value::as_table) {
            refuse_unknown(file, class, CLASS_KEYS)?;
        }
    }
    // From the text again, so that a wrong value is reported with its line.
    toml::from_str(text).map_err(|e| malformed(e.to_string()))
}

fn refuse_unknown(
    file: &str,
    table: &toml::Table,
    known: &[&'static str],
) -> Result<(), ModelError> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(ModelError::UnknownKey {
            file: file.to_owned(),
            key: key.clone(),
            nearest: nearest(key, known.iter().copied()),
        }),
    }
}

/// The front end, where card and extractor together tell it.
fn front_end(
    keys: &FrontEndKeys,
    extractor: Option<FrontEnd>,
    config: &AstConfig,
) -> Option<FrontEnd> {
    let rate_hz = keys.rate_hz.or(extractor.map(|e| e.rate_hz))?;
    let base = match extractor {
        // Another rate than the extractor's changes everything that is counted in samples.
        Some(e) if e.rate_hz == rate_hz => e,
        other => FrontEnd {
            mean: other.map(|e| e.mean).or(keys.mean)?,
            std: other.map(|e| e.std).or(keys.std)?,
            mels: other.map_or(config.num_mel_bins as u32, |e| e.mels),
            frames: other.map_or(config.max_length as u32, |e| e.frames),
            ..FrontEnd::of_rate(rate_hz)
        },
    };
    let frame_samples = keys.frame_samples.unwrap_or(base.frame_samples);
    let fft_size = match keys.frame_samples {
        Some(samples) => samples.clamp(2, 1 << 30).next_power_of_two(),
        None => base.fft_size,
    };
    Some(FrontEnd {
        rate_hz,
        low_hz: keys.low_hz.unwrap_or(base.low_hz),
        high_hz: keys.high_hz.unwrap_or(base.high_hz),
        mels: keys.mels.unwrap_or(base.mels),
        frame_samples,
        hop_samples: keys.hop_samples.unwrap_or(base.hop_samples),
        fft_size: keys.fft_size.unwrap_or(fft_size),
        frames: keys.frames.unwrap_or(base.frames),
        mean: keys.mean.unwrap_or(base.mean),
        std: keys.std.unwrap_or(base.std),
    })
}

fn resolve(
    file: &str,
    keys: CardFile,
    front_end: FrontEnd,
    config: &AstConfig,
    folder: &str,
) -> Result<ModelCard, ModelError> {
    let refuse = |key: &str, value: String, expected: &str| ModelError::Value {
        file: file.to_owned(),
        key: key.to_owned(),
        value,
        expected: expected.to_owned(),
    };
    Fbank::new(&front_end)
        .map_err(|source| ModelError::FrontEnd { file: file.to_owned(), source })?;
    let compression = keys.time_compression.unwrap_or(1.0);
    if !(1.0 / MOST_COMPRESSION..=MOST_COMPRESSION).contains(&compression) {
        let expected = "give 0.001 to 1000: how many times faster than real it is listened to";
        return Err(refuse("time_compression", compression.to_string(), expected));
    }
    let band = |low: Option<f64>, high: Option<f64>, outer: (f64, f64)| {
        let (low, high) = (low.unwrap_or(outer.0), high.unwrap_or(outer.1));
        let nyquist_hz = front_end.rate_hz / compression / 2.0;
        let expected = format!(
            "a band within 0 to {nyquist_hz} Hz, half the rate that it listens at, is expected"
        );
        match low >= 0.0 && low < high && high <= nyquist_hz {
            true => Ok((low, high)),
            false => Err(refuse("low_hz, high_hz", format!("{low}, {high}"), &expected)),
        }
    };
    let heard = (front_end.low_hz / compression, front_end.high_hz / compression);
    let band_hz = band(keys.low_hz, keys.high_hz, heard)?;
    let rate_hz = front_end.rate_hz / compression;
    let hop_samples = match keys.hop_s {
        // Windows whose frames follow each other without a gap.
        None => front_end.frames.saturating_mul(front_end.hop_samples),
        Some(hop_s) => {
            let samples = (hop_s * rate_hz).round();
            if !(1.0..=front_end.window_samples() as f64).contains(&samples) {
                let window_s = front_end.window_samples() as f64 / rate_hz;
                let expected = format!("a sample to a window's {window_s:.3} s is expected");
                return Err(refuse("hop_s", hop_s.to_string(), &expected));
            }
            samples as u32
        }
    };
    let names: Vec<String> = match keys.class.as_slice() {
        [] => config.labels.clone(),
        classes => classes.iter().map(|class| class.name.clone()).collect(),
    };
    let mut classes = Vec::with_capacity(names.len());
    for (i, name) in names.into_iter().enumerate() {
        let class = keys.class.get(i).cloned().unwrap_or_default();
        if name.is_empty() || classes.iter().any(|c: &ModelClass| c.name == name) {
            let expected = "each class needs a name of its own";
            return Err(refuse("class.name", format!("'{name}'"), expected));
        }
        let threshold = class.threshold.or(keys.threshold).unwrap_or(DEFAULT_THRESHOLD);
        if !(0.0..=1.0).contains(&threshold) {
            return Err(refuse(
                "threshold",
                threshold.to_string(),
                "a score of 0 to 1 is expected",
            ));
        }
        classes.push(ModelClass {
            band_hz: band(class.low_hz, class.high_hz, band_hz)?,
            threshold,
            is_call: class.call.unwrap_or_else(|| !is_no_call(&name)),
            name,
        });
    }
    Ok(ModelCard {
        name: if keys.name.is_empty() { folder.to_owned() } else { keys.name },
        description: keys.description,
        version: keys.version,
        licence: keys.licence,
        training_data: keys.training_data,
        citation: keys.citation,
        time_compression: compression,
        band_hz,
        hop_samples,
        front_end,
        scores: keys.scores.unwrap_or(config.scores),
        classes,
        metrics: keys.metrics,
    })
}
