//! Opening a recording by its path, with what lies beside it.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use spyhop_api::Timestamp;
use spyhop_signal::Recording;
use spyhop_signal::formats::{self, EarsConvention, OpenOptions, Sidecar};
use spyhop_signal::source::FileSource;

use crate::catalogue::DeploymentFile;

/// What a person can say about how to read files.
#[derive(Args, Clone, Debug, Default)]
pub struct ReadingArgs {
    /// How EARS records count time: unophysics, readEARS or legacy
    #[arg(long, value_name = "WORD", default_value = "unophysics", value_parser = parse_convention)]
    pub ears_convention: EarsConvention,
    /// Where the time stands in file names, in strftime's letters: _%Y%m%d_%H%M%S
    #[arg(long, value_name = "PATTERN")]
    pub name_pattern: Option<String>,
    /// Zone of times that name none, as +02:00 or -5 (otherwise they are taken as UTC)
    #[arg(long, value_name = "OFFSET", value_parser = parse_zone, allow_hyphen_values = true)]
    pub zone: Option<i32>,
    /// When the recording began, in ISO 8601, against everything that the file says
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub start: Option<Timestamp>,
}

/// Opens the recording at `path`. A `.log.xml` of the same name beside it is read too.
///
/// # Errors
/// When there is no such file, or it is no recording; the message names the file.
pub fn open(path: &Path, reading: &ReadingArgs) -> anyhow::Result<Recording> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let source = FileSource::open(path)
        .map_err(|error| anyhow::anyhow!("can't open {}: {error}", path.display()))?;
    let options = OpenOptions {
        ears_convention: reading.ears_convention,
        sidecars: sidecars(path),
        name_pattern: reading.name_pattern.clone(),
        zone_offset_s: reading.zone,
        start: reading.start,
    };
    let mut recording = formats::open(&name, Box::new(source), &options)?;
    if is_synthesised(path) {
        let said = "synthesised, as the deployment.toml beside it says".to_owned();
        recording.info.metadata.insert("deployment".to_owned(), said);
    }
    Ok(recording)
}

/// Whether what lies beside a recording says that nobody recorded it: EARS files can't say so.
fn is_synthesised(path: &Path) -> bool {
    // A file that is named without a folder lies in the present one.
    let folder = path.parent().map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
    folder.and_then(|folder| DeploymentFile::read(folder).ok()).is_some_and(|d| d.synthesised)
}

/// The files beside a recording that tell of it.
fn sidecars(path: &Path) -> Vec<Sidecar> {
    let beside = path.with_extension("log.xml");
    match (beside.file_name(), std::fs::read(&beside)) {
        (Some(name), Ok(bytes)) => {
            vec![Sidecar { name: name.to_string_lossy().into_owned(), bytes }]
        }
        _ => Vec::new(),
    }
}

fn parse_convention(word: &str) -> anyhow::Result<EarsConvention> {
    EarsConvention::from_name(word).context("it is unophysics, readEARS or legacy")
}

fn parse_time(text: &str) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_iso(text)?)
}

/// `+02:00`, `-5`, `Z` to seconds east of UTC.
fn parse_zone(text: &str) -> anyhow::Result<i32> {
    if matches!(text, "Z" | "UTC") {
        return Ok(0);
    }
    let west = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hours, minutes): (u8, u8) = (hours.parse()?, minutes.parse()?);
    anyhow::ensure!(hours <= 15 && minutes < 60, "a zone is at most 15 hours from UTC");
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    Ok(if west { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::parse_zone;

    #[test]
    fn zones_are_read_as_people_write_them() {
        for (text, seconds) in [("+02:00", 7200), ("-5", -18_000), ("5:30", 19_800), ("Z", 0)] {
            assert_eq!(parse_zone(text).ok(), Some(seconds), "{text}");
        }
        for text in ["", "EST", "+99", "1:99"] {
            assert!(parse_zone(text).is_err(), "{text}");
        }
    }
}
