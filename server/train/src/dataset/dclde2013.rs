//! The log of the DCLDE workshop of 2013: right whales' upcalls, and in its later form all baleen calls.
//!
//! Names of recordings and times of the log are of the same clock, whose offset from UTC sources tell
//! differently: wall clock is matched to wall clock. An offset that stands behind a time is passed over, and
//! so is one that a folder's description gives for its names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use spyhop_api::{RecordingInfo, StartSource, Timestamp};
use spyhop_config::Preprocess;
use spyhop_signal::formats::NameTime;

use super::events::{self, LabelledRecording};
use crate::{Open, TrainError};

const START: &str = "Start_DateTime_ISO8601";
const END: &str = "End_DateTime_ISO8601";
const SPECIES: &str = "Species";
const CONFIDENCE: &str = "Detection_Confidence";
/// How the log's name ends.
const NAME_END: &str = "upcall-detection-log.csv";

/// The rows of a log, each detection once.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectionLog {
    /// Wall clock as if it were UTC, in order of time.
    pub rows: Vec<LoggedCall>,
    /// Rows that said again what another one had said: a detection stands as waveform and as spectrogram.
    pub repeated: usize,
}

/// A detection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggedCall {
    /// Nanoseconds since 1970, by the wall clock.
    pub start_ns: i64,
    /// Its end.
    pub end_ns: i64,
    /// Its code, as `RIWH`.
    pub species: String,
    /// How sure somebody was: `Detected`, `Possibly_Detected`, `low`, `medium`, `high`.
    pub confidence: String,
}

/// Reads a log.
///
/// # Errors
/// When a column is missing or a time can't be read; the line is named.
pub fn read_log(text: &str, path: &Path) -> Result<DetectionLog, TrainError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map(|(_, line)| cells(line)).unwrap_or_default();
    let column = |name: &str| {
        header.iter().position(|cell| cell == name).ok_or_else(|| {
            TrainError::file(path, format!("this is no detection log: it has no column '{name}'"))
        })
    };
    let (start, end) = (column(START)?, column(END)?);
    let (species, confidence) = (column(SPECIES)?, column(CONFIDENCE)?);
    let mut rows = BTreeSet::new();
    let mut repeated = 0;
    for (number, line) in lines {
        let cells = cells(line);
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let time = |at: usize| {
            wall_clock(cell(at)).ok_or_else(|| {
                let (line, found) = (number + 1, cell(at));
                TrainError::file(path, format!("line {line}: '{found}' is no time"))
            })
        };
        let row = LoggedCall {
            start_ns: time(start)?,
            end_ns: time(end)?,
            species: cell(species).to_owned(),
            confidence: cell(confidence).to_owned(),
        };
        if row.end_ns < row.start_ns {
            return Err(TrainError::file(
                path,
                format!("line {}: a detection ends before it begins", number + 1),
            ));
        }
        if !rows.insert(row) {
            repeated += 1;
        }
    }
    Ok(DetectionLog { rows: rows.into_iter().collect(), repeated })
}

impl DetectionLog {
    /// Puts detections into the recordings that they lie in, by the wall clock. A call gets its confidence
    /// as label; another species its code. Gives how many lie in none of the recordings.
    pub fn label(&self, species: &[String], recordings: &mut [LabelledRecording]) -> usize {
        let label = |row: &LoggedCall| match species.contains(&row.species) {
            true => row.confidence.clone(),
            false => format!("{OTHER}{}", row.species),
        };
        let sounds = self.rows.iter().map(|row| (row.start_ns, row.end_ns, label(row)));
        events::place_by_clock(recordings, sounds)
    }

    /// Whether there is a row of each of these codes.
    fn check_species(&self, species: &[String], path: &Path) -> Result<(), TrainError> {
        let codes: BTreeSet<&str> = self.rows.iter().map(|row| row.species.as_str()).collect();
        let reason = match species.iter().find(|code| !codes.contains(code.as_str())) {
            Some(code) => format!("preprocess.species names '{code}', which no detection is of"),
            None if species.is_empty() => "preprocess.species names no code".to_owned(),
            None => return Ok(()),
        };
        let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
        Err(TrainError::file(path, format!("{reason}: the log has {codes}")))
    }
}

/// What sounds of other species are labelled begins so, and no confidence does.
const OTHER: &str = "species ";

/// Where the log is: named by a person, else the one among the files of a folder.
///
/// # Errors
/// When there is none.
pub fn log_path(folder: &Path, files: &[PathBuf], named: &str) -> Result<PathBuf, TrainError> {
    if !named.is_empty() {
        return Ok(PathBuf::from(named));
    }
    let is_log = |path: &&PathBuf| path.to_string_lossy().ends_with(NAME_END);
    files.iter().find(is_log).cloned().ok_or_else(|| {
        TrainError::file(
            folder,
            format!("there is no log here whose name ends in {NAME_END}: give it as preprocess.detection_log_path"),
        )
    })
}

/// Recordings below a folder, labelled by its log; and what a person should know. Without a mapping each
/// confidence of a call is a class; with one a confidence that it does not name is left out: it may be a call.
///
/// # Errors
/// When there is no log, or it or every recording can't be read, or no call of a species is in it or in the
/// recordings.
pub fn of_log(
    folder: &Path,
    paths: &[PathBuf],
    files: &[PathBuf],
    open: &Open,
    said: &mut Preprocess,
) -> Result<(Vec<LabelledRecording>, Vec<String>), TrainError> {
    let path = log_path(folder, files, &said.detection_log_path)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| TrainError::reading("the log", &path, &error))?;
    let log = read_log(&text, &path)?;
    log.check_species(&said.species, &path)?;
    let (mut recordings, mut told) = events::opened(folder, paths, open)?;
    for recording in &mut recordings {
        let start = own_clock(&recording.info);
        recording.recording.start_ns = start.map(|start| start.0);
        recording.recording.day = start.map(events::day).unwrap_or_default();
    }
    let outside = log.label(&said.species, &mut recordings);
    if log.repeated > 0 {
        told.push(format!("{} rows of the log stood twice and count once", log.repeated));
    }
    if outside > 0 {
        told.push(format!("{outside} detections lie in none of the recordings"));
    }
    let undated = recordings.iter().filter(|r| r.recording.start_ns.is_none()).count();
    if undated > 0 {
        told.push(format!(
            "{undated} recordings have no start time, so that no detection lies in them"
        ));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for sound in recordings.iter().flat_map(|recording| &recording.sounds) {
        if !sound.label.starts_with(OTHER) {
            *counts.entry(sound.label.clone()).or_default() += 1;
        }
    }
    if counts.is_empty() {
        let species = said.species.join(", ");
        let reason = format!(
            "no detection of {species} in the log lies in one of the {} recordings of {}, which may be of other days",
            recordings.len(),
            folder.display()
        );
        return Err(TrainError::file(&path, reason));
    }
    let is_mapped = !said.label_mapping.is_empty();
    for (confidence, count) in counts {
        if said.label_mapping.contains_key(&confidence) {
            continue;
        }
        let is_left_out = is_mapped || confidence.is_empty();
        if is_left_out {
            let why = match is_mapped {
                true => "which preprocess.label_mapping does not name",
                false => "which says nothing of how sure somebody was",
            };
            told.push(format!(
                "{count} detections are left out as '{confidence}', {why}: they give no window, and none without a call lies on them"
            ));
        }
        let class = if is_left_out { String::new() } else { confidence.clone() };
        said.label_mapping.insert(confidence, class);
    }
    Ok((recordings, told))
}

/// When a recording began by the clock that its name counts by, as if that were UTC; where no time is in its
/// name, as it is told elsewhere.
fn own_clock(info: &RecordingInfo) -> Option<Timestamp> {
    let of_name = || NameTime::find(&info.name, None).map(|time| time.clock);
    match (info.start_source, info.start) {
        // By a pattern of the folder's own, perhaps, and with the zone that the folder says.
        (StartSource::FileName, Some(start)) => {
            Some(Timestamp(start.0.saturating_add(zone_ns(&info.start_zone))))
        }
        (_, start) => of_name().or(start),
    }
}

/// The offset that was taken off a time without one, nanoseconds: `set to -05:00`.
fn zone_ns(zone: &str) -> i64 {
    let offset = || {
        let offset = zone.strip_prefix("set to ")?;
        let (hours, minutes) = offset.trim_start_matches(['+', '-']).split_once(':')?;
        let minutes = 60 * hours.parse::<i64>().ok()? + minutes.parse::<i64>().ok()?;
        Some(if offset.starts_with('-') { -minutes } else { minutes })
    };
    offset().unwrap_or(0) * 60 * 1_000_000_000
}

/// Date and time, without what stands behind them.
fn wall_clock(text: &str) -> Option<i64> {
    let text = text.trim().replace(' ', "T");
    let (date, rest) = text.split_at_checked(11)?;
    let time: String =
        rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, ':' | '.')).collect();
    Timestamp::from_iso(&format!("{date}{time}Z")).ok().map(|t| t.0)
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.trim_end().chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            _ => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use spyhop_api::{RecordingInfo, StartSource};
    use spyhop_config::PositiveStart;

    use super::super::{WindowedRecording, cut};
    use super::*;

    const HEADER: &str = "Selection,Channel,Start_DateTime_ISO8601,End_DateTime_ISO8601,Low.Freq..Hz.,High.Freq..Hz.,Species,Detection_Confidence\n";
    const FILE_NS: i64 = 900_000_000_000;
    /// 2009-03-28T00:00:00 by the wall clock.
    const FIRST_NS: i64 = 1_238_198_400_000_000_000;

    fn info(name: &str) -> RecordingInfo {
        RecordingInfo {
            name: name.into(),
            fingerprint: String::new(),
            bytes: 0,
            format: "wav".into(),
            codec: "pcm_s16le".into(),
            sample_rate_hz: 2000.0,
            channels: 1,
            bits_per_sample: 16,
            frames: 1_800_000,
            duration_s: 900.0,
            start: None,
            start_source: StartSource::FileName,
            start_zone: String::new(),
            start_uncertainty_s: None,
            segments: Vec::new(),
            metadata: Default::default(),
            warnings: Vec::new(),
        }
    }

    /// A week of 96 recordings a day.
    fn week() -> Vec<LabelledRecording> {
        (0..7 * 96)
            .map(|i| {
                let start_ns = FIRST_NS + i * FILE_NS;
                let recording = WindowedRecording {
                    name: format!("{i}.wav"),
                    fingerprint: String::new(),
                    day: Timestamp(start_ns).to_iso()[..10].to_owned(),
                    start_ns: Some(start_ns),
                    duration_s: 900.0,
                    recorded_s: 900.0,
                };
                LabelledRecording {
                    info: info(&recording.name),
                    recorded_s: vec![0.0..900.0],
                    sounds: Vec::new(),
                    recording,
                }
            })
            .collect()
    }

    /// A log of the published form with the published counts: every call lies in one window of the grid or,
    /// so many of them, in two.
    fn log() -> String {
        let mut text = HEADER.to_owned();
        let mut selection = 0;
        let mut row =
            |file: i64, at_s: f64, length_s: f64, species: &str, confidence: &str, twice: bool| {
                selection += 1;
                let iso = |s: f64| {
                    let iso = Timestamp(FIRST_NS + file * FILE_NS + (s * 1e9) as i64).to_iso();
                    format!("{}-05:00", &iso[..23])
                };
                for _ in 0..if twice { 2 } else { 1 } {
                    let _ = writeln!(
                        text,
                        "{selection},1,{},{},60.5,210,\"{species}\",{confidence}",
                        iso(at_s),
                        iso(at_s + length_s)
                    );
                }
            };
        // 201 600 windows of the grid less 188 588 without a call; 8256 calls in 13 012 of them.
        let straddling = 201_600 - 188_588 - (5905 + 2351);
        let mut window = 0i64;
        for call in 0..5905 + 2351 {
            let confidence = if call < 5905 { "Detected" } else { "Possibly_Detected" };
            let (file, slot) = (window / 300, window % 300);
            let crosses = call < straddling;
            let slot = if crosses && slot == 299 {
                window += 1;
                0
            } else {
                slot
            };
            let file = if crosses && slot == 0 { window / 300 } else { file };
            let at_s = slot as f64 * 3.0 + if crosses { 2.5 } else { 1.0 };
            row(file, at_s, 1.1, "RIWH", confidence, call % 10 == 0);
            if call % 50 == 0 {
                // Another whale where nobody else calls.
                row(file, at_s + 0.1, 0.9, "HUWH", "Detected", false);
            }
            window += if crosses { 2 } else { 1 };
        }
        text
    }

    #[test]
    fn the_published_counts_follow_from_a_log_of_the_published_form() {
        let log = read_log(&log(), Path::new("log.csv")).expect("a log");
        assert_eq!(log.repeated, 826);
        let mut recordings = week();
        assert_eq!(log.label(&["RIWH".to_owned()], &mut recordings), 0);
        let mut said = Preprocess {
            negative_class: "Not_Detected".into(),
            positive_start: PositiveStart::WholeSecond,
            ..Preprocess::default()
        };
        for class in ["Detected", "Possibly_Detected"] {
            said.label_mapping.insert(class.into(), class.into());
        }
        let (table, told) = cut(Path::new("sea"), &recordings, &said).expect("windows");
        assert_eq!(told, [""; 0]);
        assert_eq!(table.classes, ["Detected", "Possibly_Detected", "Not_Detected"]);
        assert_eq!(table.counts(), [5905, 2351, 188_588]);
        assert_eq!(table.windows.len(), 196_844);
        let without = table.of_classes(&["Not_Detected".into(), "Detected".into()]);
        assert_eq!(without.expect("both").windows.len(), 194_493);
    }

    #[test]
    fn times_are_read_by_the_wall_clock() {
        for text in
            ["2009-03-28T00:00:01.500-05:00", "2009-03-28 00:00:01.5", "2009-03-28T00:00:01.500Z"]
        {
            assert_eq!(wall_clock(text), Some(FIRST_NS + 1_500_000_000), "{text}");
        }
        for text in ["", "yesterday", "2009-03-28", "2009-03-28T25:00:00Z"] {
            assert_eq!(wall_clock(text), None, "{text}");
        }
    }

    #[test]
    fn a_log_that_can_t_be_read_names_column_and_line() {
        let error = |text: &str| read_log(text, Path::new("x.csv")).expect_err(text).to_string();
        assert!(error("Selection,Species\n").contains("no column 'Start_DateTime_ISO8601'"));
        let text = format!("{HEADER}1,1,noon,2009-03-28T00:00:01Z,1,2,RIWH,Detected\n");
        assert!(error(&text).contains("line 2: 'noon' is no time"));
    }
}
