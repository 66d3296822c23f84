//! From recordings and labels on the disk to windows.

use std::path::{Path, PathBuf};

use spyhop_api::{SegmentInfo, Timestamp};
use spyhop_config::{Config, Preprocess};
use spyhop_signal::Recording;
use spyhop_signal::formats::wav_writer::wav_pcm16;
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::source::FileSource;
use spyhop_train::WindowTable;
use spyhop_train::dataset::{Band, Levels, Sources, cut, of_log, of_tables};
use tempfile::TempDir;

const RATE: u32 = 100;

/// A minute of nothing.
fn minute(folder: &Path, name: &str) {
    std::fs::write(folder.join(name), wav_pcm16(&[1; 60 * RATE as usize], 1, RATE)).expect(name);
}

fn open(path: &Path, options: &OpenOptions) -> Result<Recording, String> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let source = FileSource::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    formats::open(&name, Box::new(source), options).map_err(|e| e.to_string())
}

/// All files of a folder, and those of them that are called recordings.
fn files(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let is_recording = |path: &&PathBuf| path.extension().is_some_and(|e| e == "wav");
    (files.iter().filter(is_recording).cloned().collect(), files)
}

fn said(settings: &[&str]) -> Preprocess {
    Config::read_with("", settings).expect("sound").training.preprocess
}

/// Windows by the tables of a folder; and what is told.
fn by_tables(folder: &Path, settings: &[&str]) -> Result<(WindowTable, Vec<String>), String> {
    let (recordings, files) = files(folder);
    let open = |path: &Path| open(path, &OpenOptions::default());
    let (labelled, mut told) =
        of_tables(folder, &recordings, &files, &open).map_err(|error| error.to_string())?;
    let (table, more) =
        cut(folder, &labelled, &said(settings)).map_err(|error| error.to_string())?;
    told.extend(more);
    Ok((table, told))
}

/// Windows by the log of a folder; and what is told.
fn by_log(
    folder: &Path,
    options: &OpenOptions,
    settings: &[&str],
) -> Result<(WindowTable, Vec<String>), String> {
    let (recordings, files) = files(folder);
    let mut said = said(&[&["preprocess.labels=dclde2013"], settings].concat());
    let options = options.clone();
    let open = move |path: &Path| open(path, &options);
    let (labelled, mut told) =
        of_log(folder, &recordings, &files, &open, &mut said).map_err(|error| error.to_string())?;
    let (table, more) = cut(folder, &labelled, &said).map_err(|error| error.to_string())?;
    told.extend(more);
    Ok((table, told))
}

/// Windows with a call, as recording, beginning and class.
fn positive(table: &WindowTable) -> Vec<(&str, f64, &str)> {
    let of = |w: &spyhop_train::Window| {
        let class = table.classes[w.class].as_str();
        (table.recordings[w.recording].name.as_str(), w.start_s, class)
    };
    table.windows.iter().map(of).filter(|(.., class)| *class != table.negative_class).collect()
}

/// Whether a window without a call begins there.
fn is_negative(table: &WindowTable, name: &str, start_s: f64) -> bool {
    table.windows.iter().any(|w| {
        table.recordings[w.recording].name == name
            && w.start_s == start_s
            && table.classes[w.class] == table.negative_class
    })
}

const FIRST: &str = "NOPP6_EST_20090328_000000_CH10.wav";
const SECOND: &str = "NOPP6_EST_20090328_000100_CH10.wav";
const LOG: &str = "SEA_upcall-detection-log.csv";

/// Two minutes of the published form, and a log of four calls in them and one of the next day.
fn logged() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    [FIRST, SECOND].iter().for_each(|name| minute(folder.path(), name));
    let mut text =
        "Selection,Start_DateTime_ISO8601,End_DateTime_ISO8601,Species,Detection_Confidence\n"
            .to_owned();
    for (day_time, length_s, species, confidence) in [
        ("28T00:00:07.2", 1, "RIWH", "Detected"),
        // As waveform, and as spectrogram.
        ("28T00:00:07.2", 1, "RIWH", "Detected"),
        ("28T00:00:31.5", 1, "RIWH", "Possibly_Detected"),
        ("28T00:00:40.5", 1, "HUWH", "Detected"),
        ("28T00:01:10.1", 4, "RIWH", "Detected"),
        ("29T00:00:10.0", 1, "RIWH", "Detected"),
    ] {
        let (before, seconds) = day_time.rsplit_once(':').expect("a time");
        let end_s = seconds.parse::<f64>().expect("seconds") + f64::from(length_s);
        text += &format!(
            "1,2009-03-{day_time}-05:00,2009-03-{before}:{end_s:04.1}-05:00,{species},{confidence}\n"
        );
    }
    std::fs::write(folder.path().join(LOG), text).expect("a log");
    folder
}

#[test]
fn the_log_gives_the_same_windows_whatever_zone_a_folder_says() {
    let folder = logged();
    let folder = folder.path();
    let (table, told) = by_log(folder, &OpenOptions::default(), &[]).expect("windows");
    assert_eq!(table.classes, ["Detected", "Possibly_Detected", "Not_Detected"]);
    // The published rule: int(start) + max(floor(duration / 2) − 1, 0).
    let expected =
        [(FIRST, 7.0, "Detected"), (FIRST, 31.0, "Possibly_Detected"), (SECOND, 11.0, "Detected")];
    assert_eq!(positive(&table), expected);
    // 40 windows of the grid but 6 and 9 (a call at 7.2 to 8.2 touches one: 6), 30, and 9 and 12.
    let touched = |name, starts: &[f64]| starts.iter().all(|s| !is_negative(&table, name, *s));
    assert!(touched(FIRST, &[6.0, 30.0]) && touched(SECOND, &[9.0, 12.0]));
    assert_eq!(table.counts(), [2, 1, 40 - 4]);
    assert!(is_negative(&table, FIRST, 39.0), "another species is no call");
    assert_eq!(table.recordings[0].day, "2009-03-28");
    let is_told = |part: &str| told.iter().any(|sentence| sentence.contains(part));
    assert!(is_told("1 rows of the log stood twice") && told.len() == 2, "{told:?}");
    assert!(is_told("1 detections lie in none of the recordings"), "{told:?}");

    let pattern = Some("EST_%Y%m%d_%H%M%S".to_owned());
    for zone_offset_s in [Some(-18_000), Some(3600)] {
        for name_pattern in [None, pattern.clone()] {
            let options = OpenOptions { zone_offset_s, name_pattern, ..OpenOptions::default() };
            assert_eq!(by_log(folder, &options, &[]), Ok((table.clone(), told.clone())));
        }
    }
}

#[test]
fn a_confidence_that_is_not_mapped_is_neither_a_call_nor_without_one() {
    let folder = logged();
    let mapping = "preprocess.label_mapping={Detected: upcall}";
    let (table, told) =
        by_log(folder.path(), &OpenOptions::default(), &[mapping]).expect("windows");
    assert_eq!(table.classes, ["upcall", "Not_Detected"]);
    assert_eq!(table.counts(), [2, 40 - 4]);
    assert!(!is_negative(&table, FIRST, 30.0));
    let sentence = "1 detections are left out as 'Possibly_Detected', which preprocess.label_mapping does not name";
    assert!(told.iter().any(|one| one.contains(sentence)), "{told:?}");
}

#[test]
fn a_part_of_the_set_has_the_classes_that_were_heard_in_it() {
    let folder = logged();
    let folder = folder.path();
    std::fs::remove_file(folder.join(FIRST)).expect("it was there");
    let usual = OpenOptions::default();
    let (table, _) = by_log(folder, &usual, &[]).expect("windows");
    assert_eq!(table.classes, ["Detected", "Not_Detected"]);
    let refused = |settings: &[&str]| by_log(folder, &usual, settings).expect_err("refused");
    let text = refused(&["preprocess.species=[RIWH, EG]"]);
    assert!(
        text.contains("names 'EG', which no detection is of: the log has HUWH, RIWH"),
        "{text}"
    );
    assert!(refused(&["preprocess.species=[]"]).contains("names no code: the log has HUWH, RIWH"));
    std::fs::rename(folder.join(SECOND), folder.join("NOPP6_EST_20100328_000100_CH10.wav"))
        .expect("renamed");
    let text = refused(&[]);
    assert!(
        text.contains("no detection of RIWH in the log lies in one of the 1 recordings"),
        "{text}"
    );
}

#[test]
fn a_call_lies_in_every_recording_that_was_made_at_its_time() {
    let folder = logged();
    let folder = folder.path();
    let copy = "copy_20090328_000000.wav";
    std::fs::copy(folder.join(FIRST), folder.join(copy)).expect("a copy");
    let (table, _) = by_log(folder, &OpenOptions::default(), &[]).expect("windows");
    assert_eq!(table.counts(), [3, 2, 60 - 6]);
    assert!(!is_negative(&table, FIRST, 6.0) && !is_negative(&table, copy, 6.0));
}

#[test]
fn what_can_t_be_read_is_left_out_and_told() {
    let folder = logged();
    let folder = folder.path();
    std::fs::write(folder.join("damaged.wav"), "RIFF").expect("written");
    std::fs::write(folder.join("empty.wav"), wav_pcm16(&[], 1, RATE)).expect("written");
    let (table, told) = by_log(folder, &OpenOptions::default(), &[]).expect("windows");
    assert_eq!(table.recordings.len(), 2);
    let left_out: Vec<&String> =
        told.iter().filter(|s| s.contains("a recording is left out")).collect();
    assert_eq!(left_out.len(), 2, "{told:?}");
    assert!(left_out[0].contains("damaged.wav"), "{told:?}");
    assert!(
        left_out[1].contains("holds no samples") && left_out[1].contains("empty.wav"),
        "{told:?}"
    );
    [FIRST, SECOND].iter().for_each(|name| std::fs::remove_file(folder.join(name)).expect("there"));
    let text = by_log(folder, &OpenOptions::default(), &[]).expect_err("none");
    assert!(
        text.contains("none of 2 recordings can be read") && text.contains("damaged.wav"),
        "{text}"
    );
}

const RAVEN: &str = "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation\n";

#[test]
fn a_recording_without_a_table_is_left_out_and_an_empty_table_says_that_it_holds_no_call() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    ["a.wav", "b.wav", "c.wav"].iter().for_each(|name| minute(folder, name));
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect(name);
    write("a.Table.1.selections.txt", &format!("{RAVEN}1\t10\t11\tupcall\n"));
    write("b.txt", RAVEN);
    let (table, told) = by_tables(folder, &[]).expect("windows");
    let names: Vec<&str> = table.recordings.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["a.wav", "b.wav"]);
    assert_eq!(table.counts(), [1, 19 + 20]);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("1 of 3 recordings have no table of calls and are left out (c.wav)"),
        "{told:?}"
    );

    // A table of them all is of each; that some have no call in it is told.
    write("night.txt", RAVEN);
    let (table, told) = by_tables(folder, &[]).expect("windows");
    assert_eq!(table.recordings.len(), 3);
    assert!(told[0].contains("night.txt is taken as the table of all 3 recordings of its folder, and has no call in 3"), "{told:?}");
}

#[test]
fn a_table_is_the_recording_s_whose_name_it_has_whole() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    ["night.wav", "night.2.wav"].iter().for_each(|name| minute(folder, name));
    for (name, begin_s) in [("night.txt", 10), ("night.2.txt", 20)] {
        let text = format!("{RAVEN}1\t{begin_s}\t{}\tupcall\n", begin_s + 1);
        std::fs::write(folder.join(name), text).expect(name);
    }
    let (table, told) = by_tables(folder, &[]).expect("windows");
    assert_eq!(told, [""; 0]);
    assert_eq!(positive(&table), [("night.2.wav", 19.0, "upcall"), ("night.wav", 9.0, "upcall")]);
}

#[test]
fn labels_of_audacity_and_the_project_s_own_csv_become_windows() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    [FIRST, SECOND].iter().for_each(|name| minute(folder, name));
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect(name);
    // The second style has a line with the band below each label.
    write(
        "NOPP6_EST_20090328_000000_CH10.txt",
        "10.000000\t11.000000\tupcall\n\\\t80.0\t200.0\n30.5\t31.5\tgrunt\n",
    );
    write(
        "calls.csv",
        "start,end,file,offset_s,duration_s,low_hz,high_hz,label,score,model,channel,note\n\
         2009-03-28T00:01:20Z,2009-03-28T00:01:21Z,NOPP6_EST_20090328_000100_CH10.wav,20,1,80,200,upcall,,,1,\n",
    );
    let mapping = "preprocess.label_mapping={upcall: upcall, grunt: other}";
    let (table, told) = by_tables(folder, &[mapping]).expect("windows");
    assert_eq!(table.classes, ["other", "upcall", "none"]);
    assert_eq!(
        positive(&table),
        [(FIRST, 9.0, "upcall"), (FIRST, 29.5, "other"), (SECOND, 19.0, "upcall")]
    );
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("calls.csv is taken as the table of all 2 recordings"), "{told:?}");
}

#[test]
fn sounds_without_a_label_are_no_class_until_somebody_says_which() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    minute(folder, "a.wav");
    let text = "Begin Time (s)\tEnd Time (s)\n10\t11\n30\t31\n";
    std::fs::write(folder.join("a.txt"), text).expect("a table");
    let refused = by_tables(folder, &[]).expect_err("no label");
    assert!(refused.contains("2 sounds in"), "{refused}");
    assert!(refused.contains("\"preprocess.label_mapping={'': upcall}\""), "{refused}");
    // What it says to type is understood.
    let (table, _) =
        by_tables(folder, &["preprocess.label_mapping={'': upcall}"]).expect("windows");
    assert_eq!(
        (table.classes.as_slice(), table.counts()),
        (&["upcall".into(), "none".into()][..], vec![2, 18])
    );
    let (table, _) = by_tables(folder, &["preprocess.label_mapping={'': none}"]).expect("windows");
    assert_eq!(table.counts(), [20]);
}

#[test]
fn a_label_of_no_class_is_left_out() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    minute(folder, "a.wav");
    let text = format!("{RAVEN}1\t10\t11\tupcall\n2\t30.5\t31\tupcall?\n3\t45.5\t46\tgrunt\n");
    std::fs::write(folder.join("a.txt"), text).expect("a table");
    let mapping = "preprocess.label_mapping={upcall: upcall, 'upcall?': ''}";
    let (table, _) = by_tables(folder, &[mapping]).expect("windows");
    assert_eq!(table.classes, ["upcall", "none"]);
    assert_eq!(table.counts(), [1, 18]);
    assert!(!is_negative(&table, "a.wav", 30.0) && is_negative(&table, "a.wav", 45.0));
}

#[test]
fn no_window_lies_in_a_gap_of_a_recording_and_its_hours_are_those_that_were_recorded() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    minute(folder, FIRST);
    // Raven sees no gap: 35 s of the file are 75 s on the clock.
    let text = format!("{RAVEN}1\t10\t11\tupcall\n2\t35\t36\tupcall\n");
    std::fs::write(folder.join("NOPP6_EST_20090328_000000_CH10.txt"), text).expect("a table");
    let (recordings, files) = files(folder);
    // Half a minute, 40 s of nothing, and half a minute.
    let with_gap = |path: &Path| {
        let mut recording = open(path, &OpenOptions::default())?;
        let [whole] = recording.info.segments[..] else { return Err("it has a gap".into()) };
        let half = whole.frames / 2;
        let after = Timestamp(whole.start.ok_or("no time")?.0 + 70_000_000_000);
        recording.info.segments = vec![
            SegmentInfo { frames: half, ..whole },
            SegmentInfo { start: Some(after), first_frame: half, frames: half },
        ];
        Ok(recording)
    };
    let (labelled, _) = of_tables(folder, &recordings, &files, &with_gap).expect("a table");
    let (table, told) = cut(folder, &labelled, &said(&[])).expect("windows");
    assert_eq!(told, [""; 0]);
    assert_eq!((table.recordings[0].duration_s, table.recordings[0].recorded_s), (100.0, 60.0));
    assert_eq!(positive(&table), [(FIRST, 9.0, "upcall"), (FIRST, 74.0, "upcall")]);
    let in_gap = |w: &&spyhop_train::Window| w.start_s > 27.0 && w.start_s < 70.0;
    assert_eq!(table.windows.iter().filter(in_gap).count(), 0);
    assert_eq!(table.counts(), [2, 20 - 2]);
}

#[test]
fn labels_that_were_changed_since_are_named_and_other_tables_change_nothing() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    ["a.wav", "b.wav"].iter().for_each(|name| minute(folder, name));
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect(name);
    let sources = || {
        let (recordings, files) = files(folder);
        Sources::of_tables(folder, &recordings, &files).expect("readable")
    };
    write("a.txt", &format!("{RAVEN}1\t10\t11\tupcall\n"));
    write("b.txt", "10.0\t11.0\tupcall\n");
    write("weather.csv", "wind,waves\n3,1\n");
    std::fs::create_dir(folder.join("runs")).expect("made");
    let before = sources();
    assert_eq!(before.tables.keys().collect::<Vec<_>>(), ["a.txt", "b.txt"]);
    // Of the weather, and where no recording lies.
    write("weather.csv", "wind,waves\n3,1\n4,2\n");
    write("notes.txt", "a quiet night\n");
    write("runs/found.csv", "1.0\t2.0\tupcall\n");
    assert_eq!(before.changes(&sources()), None);
    write("a.txt", &format!("{RAVEN}1\t12\t13\tupcall\n"));
    assert_eq!(before.changes(&sources()).as_deref(), Some("changed: a.txt"));
    std::fs::rename(folder.join("b.txt"), folder.join("c.txt")).expect("renamed");
    let told = "changed: a.txt; new: c.txt; gone: b.txt";
    assert_eq!(before.changes(&sources()).as_deref(), Some(told));
    write("a.txt", &format!("{RAVEN}1\t10\t11\tupcall\n"));
    std::fs::rename(folder.join("c.txt"), folder.join("b.txt")).expect("renamed");
    assert_eq!(before.changes(&sources()), None);
}

#[test]
fn a_log_with_a_row_more_and_a_candidate_that_is_judged_otherwise_are_seen() {
    let folder = logged();
    let whole = folder.path().canonicalize().expect("a folder");
    let log = whole.join(LOG);
    let before = Sources::of_log(&whole, &log).expect("a log");
    assert_eq!(before.log.as_ref().map(|log| log.path.as_path()), Some(Path::new(LOG)));
    let text = std::fs::read_to_string(&log).expect("a log");
    // The same log at another place is the same.
    let elsewhere = TempDir::new().expect("a folder");
    let copy = elsewhere.path().join("copy.csv");
    std::fs::write(&copy, &text).expect("a copy");
    assert_eq!(before.changes(&Sources::of_log(&whole, &copy).expect("a log")), None);
    let row = text.lines().nth(1).expect("a row");
    std::fs::write(&log, format!("{text}{row}\n")).expect("written");
    let now = Sources::of_log(&whole, &log).expect("a log");
    assert_eq!(before.changes(&now), Some(format!("changed: {LOG}")));

    let said = |label: &str| {
        let sounds = [(1_000, 2_000, "upcall".to_owned()), (3_000, 4_000, label.to_owned())];
        Sources::of_reviews(Path::new("state"), "gulf-night", &sounds)
    };
    assert_eq!(said("upcall").changes(&said("upcall")), None);
    let told = said("upcall").changes(&said("none"));
    let expected = "changed: what people said of candidates of gulf-night";
    assert_eq!(told.as_deref(), Some(expected));
}

#[test]
fn levels_are_those_of_each_class_in_the_band_alone() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    // A hum of 40 Hz all the time, and a call of 20 Hz from 12 to 15 s, of an amplitude of a tenth of full scale.
    let sample = |i: usize| {
        let t = i as f64 / f64::from(RATE);
        let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
        let call = if (12.0..15.0).contains(&t) { 0.1 * tone(20.0) } else { 0.001 * tone(20.0) };
        ((0.5 * tone(40.0) + call) * 32768.0).round() as i16
    };
    let samples: Vec<i16> = (0..60 * RATE as usize).map(sample).collect();
    std::fs::write(folder.join("a.wav"), wav_pcm16(&samples, 1, RATE)).expect("written");
    std::fs::write(folder.join("a.txt"), format!("{RAVEN}1\t12\t15\tupcall\n")).expect("written");
    let (table, _) = by_tables(folder, &[]).expect("windows");
    let measured = |low_hz, high_hz| {
        let band = Band { low_hz, high_hz, channel: 0 };
        let open = |path: &Path| open(path, &OpenOptions::default());
        Levels::measure(&table, band, &open, &|_, _| ()).expect("levels").rms_db_re_fs
    };
    // The faint tone is of 33 steps of 16 bits.
    let is_near = |levels: [f64; 3], expected_db: f64| {
        levels.iter().all(|level_db| (level_db - expected_db).abs() < 0.2)
    };
    // A sine's RMS is its amplitude over the root of two.
    let rms_db = |amplitude: f64| 20.0 * (amplitude / std::f64::consts::SQRT_2).log10();
    let own = measured(10.0, Some(30.0));
    assert!(is_near(own["upcall"], rms_db(0.1)) && is_near(own["none"], rms_db(0.001)), "{own:?}");
    let all = measured(0.0, None);
    assert!(is_near(all["none"], rms_db(0.5)), "{all:?}");
}
