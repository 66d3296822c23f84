//! Opening a recording by its path, with what lies beside it.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use spyhop_api::{RecordingInfo, Timestamp};
use spyhop_signal::Recording;
use spyhop_signal::formats::{self, EarsConvention, OpenOptions, Sidecar};
use spyhop_signal::source::FileSource;

use crate::catalogue::{self, DeploymentFile};

/// Code for "done, but the recording had less in it than it promised".
pub const PARTLY: u8 = 3;

/// What help says of the codes of commands that read one recording.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the file can't be opened, read or written
  2  the command was not understood
  3  written, but parts of the recording were damaged and became silence (a file that was cut
     short is only warned of)";

/// Warnings about one recording that are printed.
const MOST_WARNINGS: usize = 10;

/// A recording and what is said of the folder that it lies in.
pub struct Opened {
    pub recording: Recording,
    pub deployment: DeploymentFile,
}

/// What a person can say about how to read files.
#[derive(Args, Clone, Debug, Default)]
pub struct ReadingArgs {
    /// How EARS records count time: unophysics (unless deployment.toml says otherwise), readEARS or
    /// legacy
    #[arg(long, value_name = "WORD", value_parser = parse_convention)]
    pub ears_convention: Option<EarsConvention>,
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

/// Opens the recording at `path`. A `.log.xml` of the same name beside it is read too, and so is the
/// folder's `deployment.toml`; what stands on the command line goes before it.
///
/// # Errors
/// When there is no such file, or it is no recording; the message names the file.
pub fn open(path: &Path, reading: &ReadingArgs) -> anyhow::Result<Opened> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let source = FileSource::open(path)
        .map_err(|error| anyhow::anyhow!("can't open {}: {error}", path.display()))?;
    let deployment = described(path);
    let said = deployment.open_options();
    let options = OpenOptions {
        ears_convention: reading.ears_convention.unwrap_or(said.ears_convention),
        sidecars: sidecars(path),
        name_pattern: reading.name_pattern.clone().or(said.name_pattern),
        zone_offset_s: reading.zone.or(said.zone_offset_s),
        start: reading.start,
        fingerprint: None,
    };
    let mut recording = formats::open(&name, Box::new(source), &options)?;
    if deployment.synthesised {
        // EARS files can't say so themselves.
        let said = "synthesised, as the deployment.toml beside it says".to_owned();
        recording.info.metadata.insert("deployment".to_owned(), said);
    }
    Ok(Opened { recording, deployment })
}

/// Says on standard error what is amiss with a recording that can be read all the same.
pub fn warn(name: &str, warnings: &[String]) {
    for warning in warnings.iter().take(MOST_WARNINGS) {
        eprintln!("spyhop: {name}: {warning}");
    }
    if let Some(more) = warnings.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
        eprintln!("spyhop: {name}: … and {more} more like these (--json lists all)");
    }
}

/// # Errors
/// When a recording has no channel of that number.
pub fn check_channel(info: &RecordingInfo, channel: u32) -> anyhow::Result<()> {
    match info.channels {
        channels if channel < channels => Ok(()),
        1 => bail!("{} has one channel, which is channel 0: there is no {channel}", info.name),
        channels => bail!(
            "{} has {channels} channels, 0 to {}: there is no {channel}",
            info.name,
            channels.saturating_sub(1)
        ),
    }
}

/// The `deployment.toml` of a recording's folder. One that can't be understood is told of and
/// stops nothing.
fn described(path: &Path) -> DeploymentFile {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DeploymentFile::read(folder).unwrap_or_else(|error| {
        eprintln!("spyhop: {}: {error}", folder.join(catalogue::FILE_NAME).display());
        DeploymentFile::default()
    })
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
    let number = |part: &str| part.parse::<u8>().ok();
    let (Some(hours), Some(minutes)) = (number(hours), number(minutes)) else {
        bail!("give hours from UTC, as +02:00 or -5");
    };
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
