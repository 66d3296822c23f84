//! Detections of a place: each call once, whatever files and units do; what was said stays.

use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use spyhop_api::detection::{CallCounts, CallSort, DetectionRun, ReviewChange, Verdict};
use spyhop_api::job::JobState;
use spyhop_api::recall::{DrawRequest, SampleRecall, TruthRecall, WindowReview};
use spyhop_api::{Moment, Timestamp};
use spyhop_config::{Labels, Preprocess, Training};
use spyhop_signal::formats::wav_writer::wav_pcm16;

use super::export::{Format, Row, Table};
use super::keeper::{DetectionKeeper, StartError};
use super::source::{Source, Wanted};
use super::store::{Asked, DetectionStore, Paging, RunCounts, StoreError};
use super::{Detected, reviewed, run};
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, Piece, Watch, index_once};
use crate::place::Place;
use crate::state::StateFolder;
use crate::training::{self, CutNow, Reviews, WindowsFor};
use crate::upkeep::Upkeep;
use crate::work::{Engine, Registry, Settings};

mod moved;
mod networks;

const RATE: u32 = 48_000;

/// Nobody watches.
struct Silent;

impl Watch for Silent {
    fn listed(&self, _: crate::catalogue::Difference, _: usize, _: Duration) {}
    fn read(&self, _: Piece) {}
    fn first(&self) -> Option<i64> {
        None
    }
    fn stop(&self) -> bool {
        false
    }
}

/// Noise with whistles of 0.6 s that begin at these seconds.
fn sea(seconds: f64, whistles_s: &[f64], seed: u64) -> Vec<i16> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    let rate = f64::from(RATE);
    let count = (seconds * rate) as usize;
    let mut samples: Vec<f64> = (0..count).map(|_| 150.0 * (next() + next())).collect();
    for start in whistles_s {
        let mut phase = 0.0;
        for n in 0..(0.6 * rate) as usize {
            let u = n as f64 / (0.6 * rate);
            phase += TAU * (6000.0 + 8000.0 * u) / rate;
            if let Some(sample) = samples.get_mut((start * rate) as usize + n) {
                *sample += 700.0 * (u.min(1.0 - u) * 20.0).min(1.0) * phase.sin();
            }
        }
    }
    samples.iter().map(|x| x.round() as i16).collect()
}

/// Three files of 20 s from 00:29:40 on: the border of a unit lies at the border of the first two, and in a
/// whistle.
const WHISTLES_S: [f64; 6] = [3.0, 11.5, 19.7, 27.2, 39.8, 52.0];

fn put(folder: &Path, name: &str, samples: &[i16]) {
    std::fs::create_dir_all(folder).expect("made");
    std::fs::write(folder.join(name), wav_pcm16(samples, 1, RATE)).expect("written");
}

fn place(folder: &Path) {
    let all = sea(60.0, &WHISTLES_S, 1);
    let third = all.len() / 3;
    for (i, second) in ["002940", "003000", "003020"].iter().enumerate() {
        put(folder, &format!("x_20210601_{second}.wav"), &all[i * third..(i + 1) * third]);
    }
}

fn whistles(config: &str) -> Wanted {
    Wanted { detector: Some("whistle".into()), config: config.into(), ..Wanted::default() }
}

/// What the command does.
fn detected(state: &Path, place: &Path, wanted: &Wanted) -> anyhow::Result<Detected> {
    let (folder, place) = (StateFolder::open(state)?, Place::at(&place.display().to_string())?);
    index_once(&folder, &place, &Silent)?;
    let catalogue = Catalogue::open(&folder, vec![place])?;
    let id = catalogue.list(Reader::Administrator, "")?[0].id.clone();
    let deployment = catalogue.deployment(&id, Reader::Administrator)?.expect("there");
    let recordings = catalogue.recordings(&id, Reader::Administrator)?.expect("there");
    run(state, &deployment, &recordings, &Arc::new(Source::open(wanted)?), 0, false)
}

/// Seconds from the first sample to the beginnings of what was found.
fn starts_s(rows: &[Row]) -> Vec<f64> {
    let origin = Timestamp::from_iso("2021-06-01T00:29:40Z").expect("a time").0;
    rows.iter().map(|row| (row.start_ns - origin) as f64 / 1e9).collect()
}

#[test]
fn a_call_at_the_border_of_files_and_units_is_found_once() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let first = detected(&state, &recorder, &whistles("")).expect("detected");
    assert_eq!(first.plan.units.len(), 2, "half hours of the clock");
    let found = starts_s(&first.rows);
    assert_eq!(found.len(), WHISTLES_S.len(), "{found:?}");
    for (found, put) in found.iter().zip(WHISTLES_S) {
        assert!((found - put).abs() < 0.05, "{found} for {put}");
    }
    assert!(first.rows.iter().all(|row| row.software.starts_with("spyhop ")));
    assert!(first.problems.is_empty());

    // The same in one file.
    let whole = scratch.path().join("whole");
    put(&whole, "x_20210601_002940.wav", &sea(60.0, &WHISTLES_S, 1));
    let alone = detected(&state, &whole, &whistles("")).expect("detected");
    assert_eq!(alone.rows, first.rows);

    // Again: nothing is made anew.
    let folder = super::unit_files::folder_of(&state, "recorder");
    let times = || -> Vec<SystemTime> {
        let files = std::fs::read_dir(&folder).expect("listed");
        let mut times: Vec<SystemTime> = files
            .map(|f| f.expect("a file").metadata().expect("about").modified().expect("a time"))
            .collect();
        times.sort();
        times
    };
    let before = times();
    assert_eq!(detected(&state, &recorder, &whistles("")).expect("detected").rows, first.rows);
    assert_eq!((times().len(), times()), (4, before));

    // Other settings are other units.
    let strict = detected(
        &state,
        &recorder,
        &whistles("detection: {whistle: {keep_from: 40, threshold: 40}}"),
    );
    assert!(strict.expect("detected").rows.is_empty());
    assert_eq!(times().len(), 8);
}

#[test]
fn tables_of_candidates_are_those_of_other_programs() {
    let scratch = tempfile::tempdir().expect("a folder");
    let recorder = scratch.path().join("recorder");
    place(&recorder);
    let state = scratch.path().join("state");
    let wanted = whistles("");
    let detected = detected(&state, &recorder, &wanted).expect("detected");
    let source = Source::open(&wanted).expect("known").described().expect("described");
    let infos: Vec<_> = ["002940", "003000", "003020"]
        .iter()
        .map(|second| {
            let path = recorder.join(format!("x_20210601_{second}.wav"));
            let reading = crate::recording_file::ReadingArgs::default();
            crate::recording_file::open(&path, &reading).expect("a WAV").recording.info
        })
        .collect();
    let table = Table { rows: &detected.rows, source: &source, channel: 0, infos: &infos };
    let written = |format| {
        let mut bytes = Vec::new();
        table.write(format, &mut bytes).expect("written");
        bytes
    };
    let csv = String::from_utf8(written(Format::Csv)).expect("text");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with(
        "start,end,file,offset_s,duration_s,low_hz,high_hz,label,score,model,channel"
    ));
    assert!(lines[1].starts_with("2021-06-01T00:29:4") && lines[1].contains(",whistle,"), "{csv}");
    assert!(lines[4].contains("x_20210601_003000.wav,7."), "{csv}");
    let raven = String::from_utf8(written(Format::Raven)).expect("text");
    let (line, _) = spyhop_signal::Line::new(&infos).expect("a line");
    let sequence = spyhop_signal::tables::Sequence::new(&line, &infos);
    let read = spyhop_signal::tables::read_raven(&raven, &sequence, 1).expect("a table");
    assert_eq!(read.annotations.len(), 6);
    assert!(read.annotations.iter().all(|a| a.label == "whistle"));
    let bytes = axum::body::Bytes::from(written(Format::Parquet));
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes, 100);
    let batch = reader.expect("Parquet").next().expect("rows").expect("rows");
    assert_eq!(batch.num_rows(), 6);
    let zone = batch.schema().field(0).data_type().to_string();
    assert!(zone.contains("UTC"), "{zone}");
    for column in ["config_hash", "software", "adapter", "verdict", "file", "clicks"] {
        assert!(batch.column_by_name(column).is_some(), "{column}");
    }
}

#[test]
fn recordings_that_can_t_hold_the_calls_are_refused_and_damaged_ones_are_told_of() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let clicks = Wanted { detector: Some("click".into()), ..Wanted::default() };
    let refused = detected(&state, &recorder, &clicks).map(|_| ()).expect_err("too slow");
    assert!(refused.to_string().contains("nothing above 24 kHz"), "{refused}");
    let unknown = Wanted { detector: Some("wistle".into()), ..Wanted::default() };
    let error = Source::open(&unknown).map(|_| ()).expect_err("unknown").to_string();
    assert!(error.contains("did you mean 'whistle'?"), "{error}");
    let error = Source::open(&Wanted::default()).map(|_| ()).expect_err("neither").to_string();
    assert!(error.contains("upcall, upcall-energy, humpback"), "{error}");

    // The second file is cut short after it was listed.
    let folder = StateFolder::open(&state).expect("state");
    let there = Place::at(&recorder.display().to_string()).expect("there");
    index_once(&folder, &there, &Silent).expect("indexed");
    let catalogue = Catalogue::open(&folder, vec![there]).expect("a catalogue");
    let deployment =
        catalogue.deployment("recorder", Reader::Administrator).expect("asked").expect("there");
    let recordings =
        catalogue.recordings("recorder", Reader::Administrator).expect("asked").expect("there");
    let short = recorder.join("x_20210601_003000.wav");
    let bytes = std::fs::read(&short).expect("read");
    std::fs::write(&short, &bytes[..bytes.len() / 2]).expect("cut");
    let source = Source::open(&whistles("")).expect("known");
    let failed = run(&state, &deployment, &recordings, &Arc::new(source), 0, false).map(|_| ());
    let told = failed.expect_err("it has changed").to_string();
    assert!(
        told.contains("x_20210601_003000.wav") && told.contains("when it was listed"),
        "{told}"
    );
    assert!(told.contains("run the same command again"), "{told}");
}

/// A server without its pages.
struct Hosted {
    catalogue: Arc<Catalogue>,
    engine: Arc<Engine>,
    keeper: Arc<DetectionKeeper>,
    upkeep: Upkeep,
}

fn hosted(state: &Path, recorder: &Path) -> Hosted {
    let folder = Arc::new(StateFolder::open(state).expect("state"));
    let there = Place::at(&recorder.display().to_string()).expect("there");
    index_once(&folder, &there, &Silent).expect("indexed");
    let catalogue = Arc::new(Catalogue::open(&folder, vec![there]).expect("a catalogue"));
    let store = Arc::new(DetectionStore::open(&folder).expect("a store"));
    let keeper = DetectionKeeper::new(state, catalogue.clone(), store);
    let mut registry = Registry::default();
    keeper.register(&mut registry);
    let settings = Settings { workers: 2, ..Settings::default() };
    let engine = Arc::new(Engine::start(folder, registry, settings).expect("engine"));
    let kept: Vec<Arc<dyn crate::upkeep::Kept>> = vec![keeper.clone()];
    let upkeep = Upkeep::start(catalogue.clone(), engine.clone(), kept).expect("upkeep");
    Hosted { catalogue, engine, keeper, upkeep }
}

impl Hosted {
    fn start(&self, wanted: Wanted) -> Result<DetectionRun, StartError> {
        self.keeper.start(&self.engine, "recorder", Reader::Administrator, wanted, 0)
    }

    /// All candidates, once `count` are there.
    fn calls(&self, run: i64, count: u64) -> Vec<spyhop_api::detection::DetectedCall> {
        let store = self.keeper.store();
        let run = store.run("recorder", run).expect("there");
        for _ in 0..600 {
            let told =
                self.keeper.told(&self.engine.snapshot().expect("jobs"), &run).expect("told");
            let is_done = told.job.is_some_and(|job| job.state == JobState::Done);
            if is_done && told.candidates == count {
                let paging =
                    Paging { sort: CallSort::Start, descending: false, offset: 0, limit: 100 };
                return store.page(&run, &Asked::default(), &paging).expect("a page").calls;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let paging = Paging { sort: CallSort::Start, descending: false, offset: 0, limit: 100 };
        let found = store.page(&run, &Asked::default(), &paging).expect("a page").calls;
        let told = self.keeper.told(&self.engine.snapshot().expect("jobs"), &run).expect("told");
        panic!("not {count}: {found:#?} of {told:?}");
    }

    fn told(&self, run: i64) -> DetectionRun {
        let run = self.keeper.store().run("recorder", run).expect("there");
        self.keeper.told(&self.engine.snapshot().expect("jobs"), &run).expect("told")
    }

    fn infos(&self) -> Vec<spyhop_api::RecordingInfo> {
        let recordings = self.catalogue.recordings("recorder", Reader::Administrator);
        recordings.expect("asked").expect("there").infos.to_vec()
    }

    fn stop(self) {
        self.upkeep.stop();
        self.engine.stop();
    }
}

#[test]
fn a_hosted_detection_grows_with_its_deployment_and_what_was_said_stays() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let server = hosted(&state, &recorder);
    let run = server.start(whistles("")).expect("started");
    assert_eq!(server.start(whistles("")).expect("again").id, run.id, "it is the same run");
    let calls = server.calls(run.id, 6);
    let kept = server.keeper.store().run("recorder", run.id).expect("there");
    let store = server.keeper.store();
    let say = |call: i64, seen, verdict, label: &str| {
        let change = ReviewChange {
            verdict,
            label: label.into(),
            author: "Ada".into(),
            ..ReviewChange::default()
        };
        store.review(&kept, call, seen, &change, Timestamp(7))
    };
    say(calls[0].id, 0, Verdict::Accepted, "").expect("said");
    say(calls[1].id, 0, Verdict::Relabelled, "squeak").expect("said");
    let late = say(calls[1].id, 0, Verdict::Rejected, "");
    assert!(matches!(late, Err(StoreError::ReviewedElsewhere { seen: 0, now: 1, .. })));
    let undone = say(calls[1].id, 1, Verdict::Unreviewed, "").expect("undone");
    assert_eq!((undone.review.version, undone.review.verdict), (2, Verdict::Unreviewed));
    let history = store.history(&kept, calls[1].id).expect("kept");
    let said: Vec<&str> = history.iter().map(|step| step.verdict.name()).collect();
    assert_eq!(said, ["relabelled", "unreviewed"]);
    say(calls[5].id, 0, Verdict::Rejected, "").expect("said");
    let counts = |candidates, reviewed, lost| RunCounts { candidates, reviewed, lost };
    assert_eq!(store.counts(run.id).expect("counted"), counts(6, 2, 0));

    // What was said is what a network can be trained on, and nothing else is.
    let labels = |verdict, label: &str| {
        let seen = store.call(&kept, calls[2].id).expect("there").review.version;
        say(calls[2].id, seen, verdict, label).expect("said");
        let said_of = reviewed(&state, "recorder").expect("reviews");
        said_of.into_iter().map(|call| call.label).collect::<Vec<_>>()
    };
    let whistle = Some("whistle".to_owned());
    assert_eq!(
        labels(Verdict::Relabelled, "squeak"),
        [whistle.clone(), Some("squeak".into()), None]
    );
    assert_eq!(labels(Verdict::Unreviewed, ""), [whistle.clone(), None]);
    let preprocess = Preprocess { labels: Labels::Reviews, window_s: 1.0, ..Preprocess::default() };
    let said = Training { preprocess, ..Training::default() };
    let reviews = Reviews { state: state.clone(), deployment: "recorder".into() };
    let CutNow { table, told, sources } =
        training::cut(&recorder, &said, Some(&reviews)).expect("windows");
    assert_eq!((table.classes.join(" "), told), ("whistle none".to_owned(), Vec::new()));
    assert_eq!(table.windows.len(), 2);
    assert!((table.windows[0].start_s + 0.5 - 3.3).abs() < 0.3, "{:?}", table.windows);
    // Whoever trains on it later is told that somebody has changed their mind.
    let path = scratch.path().join("windows.parquet");
    table.write(&path, &said.preprocess, &sources).expect("written");
    let set = [format!("preprocess.windows_path={}", path.display())];
    let to_train_on = || {
        let mut said = training::read("", &set).expect("sound").training;
        let windows = training::windows(&mut said, "", &set, WindowsFor::default());
        windows.map(|table| table.windows.len()).map_err(|error| error.to_string())
    };
    assert_eq!(to_train_on(), Ok(2));
    labels(Verdict::Relabelled, "squeak");
    let changed = to_train_on().expect_err("changed");
    assert!(changed.contains("(changed: what people said of candidates of recorder)"), "{changed}");
    assert!(
        changed.contains("spyhop dataset reviews ") && changed.contains(" --deployment recorder")
    );
    labels(Verdict::Unreviewed, "");
    assert_eq!(to_train_on(), Ok(2));

    // A file more, after a gap; and the third one is gone, with the last two whistles in it.
    put(&recorder, "x_20210601_003200.wav", &sea(20.0, &[4.0, 12.0], 9));
    std::fs::remove_file(recorder.join("x_20210601_003020.wav")).expect("removed");
    // Four of before, the beginning of the fifth, two new; and the rejected one that nobody finds any more is
    // listed, and counts nowhere.
    let grown = server.calls(run.id, 7);
    assert_eq!(grown.len(), 8);
    let lost: Vec<i64> = grown.iter().filter(|call| call.is_lost).map(|call| call.id).collect();
    assert_eq!(lost, [calls[5].id]);
    let problems = server.told(run.id).problems;
    assert!(problems[0].contains("1 reviewed candidate is not found any more"), "{problems:?}");
    assert_eq!(store.history(&kept, calls[5].id).expect("kept").len(), 1);
    let to_train_on = reviewed(&state, "recorder").expect("reviews");
    assert_eq!(to_train_on.into_iter().map(|call| call.label).collect::<Vec<_>>(), [whistle]);
    assert_eq!(grown[0].id, calls[0].id, "it keeps its number");
    assert_eq!(grown[0].review.verdict, Verdict::Accepted);
    let rejected: Vec<i64> =
        grown.iter().filter(|c| c.review.verdict == Verdict::Rejected).map(|c| c.id).collect();
    assert_eq!(rejected, [calls[5].id]);
    assert_eq!(store.counts(run.id).expect("counted"), counts(7, 1, 1));

    // Another start of the program finds everything as it was, and makes nothing of it anew.
    server.stop();
    let server = hosted(&state, &recorder);
    assert_eq!(server.calls(run.id, 7), grown);
    let store = server.keeper.store();
    let kept = store.run("recorder", run.id).expect("there");

    let hour_ns = 3_600_000_000_000;
    let density = store.density(&kept, &Asked::default(), hour_ns / 2).expect("a density");
    let start = Timestamp::from_iso("2021-06-01T00:00:00Z").expect("a time");
    assert_eq!(density.start, Some(Moment::Clock(start)));
    assert_eq!(density.classes[0].counts.iter().sum::<u32>(), 7);
    assert_eq!(density.classes[0].counts.len(), 2);
    let since = Asked { from_ns: Some(start.0 + hour_ns / 2), ..Asked::default() };
    let after = store.density(&kept, &since, hour_ns).expect("a density");
    assert_eq!(
        after.classes[0].counts.iter().sum::<u32>(),
        density.classes[0].counts[1] + 1,
        "one touches it"
    );
    assert!(matches!(store.density(&kept, &Asked::default(), 0), Err(StoreError::Invalid(_))));

    let histograms = store.histograms(&kept, &Asked::default()).expect("histograms");
    assert_eq!(histograms.classes[0].from_threshold(0.0), (7, 1, 0));
    let spans = store.spans(&kept, &Asked::default()).expect("spans");
    assert_eq!(spans.len(), 7);
    // The counts are exact: those of the list, at any threshold.
    for threshold in grown.iter().map(|call| f64::from(call.score)).chain([0.0, 1e9]) {
        let asked = Asked { thresholds: vec![threshold], ..Asked::default() };
        let told = store.passing(&kept, &asked).expect("counted");
        assert_eq!(told, CallCounts::above(&kept.classes, &[threshold], &grown));
    }
    let all = store.passing(&kept, &Asked::default()).expect("counted");
    let all = &all.classes[0];
    assert_eq!((all.candidates, all.accepted, all.rejected), (7, 1, 0));
    // A table says of each whether it is found.
    let rows: Vec<Row> = grown.iter().map(|call| Row::of(call.clone(), "spyhop")).collect();
    let infos = server.infos();
    let table = Table { rows: &rows, source: &kept.source, channel: 0, infos: &infos };
    let mut csv = Vec::new();
    table.write(Format::Csv, &mut csv).expect("written");
    let csv = String::from_utf8(csv).expect("text");
    let ends = |end: &str| csv.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!((ends(",found"), ends(",yes"), ends(",not any more")), (1, 7, 1), "{csv}");

    let fine =
        server.keeper.scores(&kept, start.0, start.0 + hour_ns, 200_000_000).expect("scores");
    let there = fine.classes[0].scores.iter().flatten().count();
    // 60 s in all, five pieces a second.
    assert!((295..=305).contains(&there), "{there}");
    let coarse = server.keeper.scores(&kept, i64::MIN, i64::MAX, hour_ns).expect("scores");
    assert_eq!(coarse.classes[0].scores.len(), 1);
    let best = fine.classes[0].scores.iter().flatten().fold(0.0f32, |m, s| m.max(*s));
    assert_eq!(coarse.classes[0].scores[0], Some(best));

    server.keeper.remove(&server.engine, &kept).expect("removed");
    assert!(matches!(store.run("recorder", run.id), Err(StoreError::NoRun { .. })));
    assert_eq!(store.counts(run.id).expect("counted"), counts(0, 0, 0));
    server.stop();
}

#[test]
fn what_people_said_goes_with_the_sound_where_a_clock_is_corrected() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let mut server = hosted(&state, &recorder);
    let run = server.start(whistles("")).expect("started");
    let calls = server.calls(run.id, 6);
    let kept = server.keeper.store().run("recorder", run.id).expect("there");
    let words = [
        (0, Verdict::Accepted, ""),
        (2, Verdict::Relabelled, "squeak"),
        (5, Verdict::Rejected, ""),
    ];
    for (at, verdict, label) in words {
        let said = ReviewChange { verdict, label: label.into(), ..ReviewChange::default() };
        let store = server.keeper.store();
        store.review(&kept, calls[at].id, 0, &said, Timestamp(7)).expect("said");
    }
    let asked = DrawRequest { windows: 3, window_s: 10.0, ..DrawRequest::default() };
    let drawn = server.keeper.draw(&kept, Reader::Administrator, &asked).expect("drawn");

    #[derive(PartialEq)]
    enum Meanwhile {
        Runs,
        Stopped,
        /// It was an older program, which noted no moments down.
        Older,
    }
    // None is a whole number of the detector's steps.
    let moves = [
        (97, Meanwhile::Runs),
        (5 * 3600 + 1, Meanwhile::Stopped),
        (9 * 3600 + 11, Meanwhile::Older),
    ];
    for (by_s, meanwhile) in &moves {
        let by_s = *by_s;
        let correct = || {
            let text = format!("name = 'Test'\nzone_offset_s = {}\n", -by_s);
            std::fs::write(recorder.join("deployment.toml"), text).expect("written");
        };
        if *meanwhile == Meanwhile::Runs {
            correct();
        } else {
            server.stop();
            let database = rusqlite::Connection::open(state.join("detections.sqlite"));
            let database = database.expect("opened");
            if *meanwhile == Meanwhile::Older {
                let forgotten =
                    "UPDATE call SET recording = NULL; UPDATE drawn SET recording = NULL";
                database.execute_batch(forgotten).expect("forgotten");
            } else {
                correct();
            }
            server = hosted(&state, &recorder);
            let unnoted =
                "SELECT (SELECT count(*) FROM call WHERE recording IS NULL AND version > 0)
                + (SELECT count(*) FROM drawn WHERE recording IS NULL)";
            let are_noted = (0..600).any(|_| {
                std::thread::sleep(Duration::from_millis(50));
                database.query_row(unnoted, [], |row| row.get::<_, i64>(0)).is_ok_and(|n| n == 0)
            });
            assert!(are_noted);
            correct();
        }
        let by_ns = by_s * 1_000_000_000;
        let is_moved = |of: &spyhop_api::detection::DetectedCall| {
            of.start.nanos() - calls[0].start.nanos() >= by_ns - 50_000_000
        };
        let all = || server.calls(run.id, 6);
        let moved = (0..600).map(|_| all()).find(|all| {
            std::thread::sleep(Duration::from_millis(50));
            all.iter().all(is_moved)
        });
        let moved = moved.expect("listened to anew");
        assert_eq!(moved.len(), 6, "none is listed twice: {moved:#?}");
        for (before, now) in calls.iter().zip(&moved) {
            let off_ns = now.start.nanos() - before.start.nanos() - by_ns;
            assert!(off_ns.abs() < 50_000_000, "{off_ns} of {now:?}");
        }
        for (at, verdict, label) in words {
            let now = &moved[at];
            let said = (now.id, now.review.verdict, now.review.label.as_str(), now.is_lost);
            assert_eq!(said, (calls[at].id, verdict, label, false));
        }
        let told = server.told(run.id);
        assert_eq!((told.reviewed, told.problems), (3, Vec::new()));
        assert_eq!(reviewed(&state, "recorder").expect("reviews").len(), 3);
        // A window that was drawn is of the same sound, too.
        let windows = server.keeper.store().drawn(&kept).expect("windows");
        for (before, now) in drawn.iter().zip(&windows) {
            assert_eq!(now.start.nanos() - before.start.nanos(), by_ns);
            assert_eq!((now.span_ns, now.candidates), (before.span_ns, before.candidates));
        }
    }

    // A slip that is put right before anything was listened to anew.
    let by_s = moves[2].0;
    let job = server.told(run.id).job.expect("a job").id;
    server.engine.pause(job).expect("paused");
    for off_s in [60, 0] {
        let text = format!("name = 'Test'\nzone_offset_s = {}\n", -by_s - off_s);
        std::fs::write(recorder.join("deployment.toml"), text).expect("written");
        let is_there = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            let call = server.keeper.store().call(&kept, calls[0].id).expect("kept");
            let off_ns = call.start.nanos() - calls[0].start.nanos() - by_s * 1_000_000_000;
            (off_ns - off_s * 1_000_000_000).abs() < 50_000_000
        });
        assert!(is_there, "{off_s}");
    }
    server.engine.retry(job).expect("gone on with");
    let again = server.calls(run.id, 6);
    let said = |at: usize| (again[at].id, again[at].review.verdict, again[at].is_lost);
    for (at, verdict, _) in words {
        assert_eq!(said(at), (calls[at].id, verdict, false));
    }
    server.stop();
}

/// Truth beside the recordings: a table a file, of the whistles that begin in it.
fn tables(recorder: &Path) {
    let file = "name = 'Test'\nall_calls_are_in_tables = true\n";
    std::fs::write(recorder.join("deployment.toml"), file).expect("written");
    for (i, second) in ["002940", "003000", "003020"].iter().enumerate() {
        let first = i as f64 * 20.0;
        let of_file = WHISTLES_S.iter().filter(|s| (first..first + 20.0).contains(*s));
        let rows = of_file.map(|s| format!("{}\t{}\twhistle\n", s - first, s - first + 0.6));
        let rows: String = rows.collect();
        let text = format!("Begin Time (s)\tEnd Time (s)\tLabel\n{rows}");
        let path = recorder.join(format!("x_20210601_{second}.Table.1.selections.txt"));
        std::fs::write(path, text).expect("written");
    }
}

#[test]
fn recall_is_right_after_a_verdict_without_reading_the_tables_again() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    tables(&recorder);
    let server = hosted(&state, &recorder);
    let run = server.start(whistles("")).expect("started");
    let calls = server.calls(run.id, 6);
    let kept = server.keeper.store().run("recorder", run.id).expect("there");
    let recall = || server.keeper.recall(&kept, Reader::Administrator).expect("recall");
    let found = |truth: &Option<TruthRecall>| -> (u32, usize) {
        let classes = truth.iter().flat_map(|truth| &truth.classes);
        let groups = classes.flat_map(|class| &class.groups);
        groups.fold((0, 0), |(calls, found), g| (calls + g.calls, found + g.found.len()))
    };
    let before = recall();
    assert_eq!((found(&before.truth), before.sample), ((6, 6), None));

    let draw = |window_s| {
        let asked = DrawRequest { windows: 1, window_s, ..DrawRequest::default() };
        server.keeper.draw(&kept, Reader::Administrator, &asked)
    };

    // A window that somebody went through: what is said of its candidates counts at once.
    let drawn = draw(60.0).expect("drawn");
    let refused = draw(30.0).expect_err("of another length").to_string();
    assert!(refused.contains("windows of 60 s are drawn already"), "{refused}");
    let store = server.keeper.store();
    let yes = ReviewChange { verdict: Verdict::Accepted, ..ReviewChange::default() };
    for call in &calls {
        store.review(&kept, call.id, 0, &yes, Timestamp(7)).expect("said");
    }
    let done = WindowReview { is_done: true, ..WindowReview::default() };
    store.review_drawn(&kept, drawn[0].id, 0, &done, Timestamp(8)).expect("done");
    let after = recall();
    assert_eq!(after.truth, before.truth);
    let sample = after.sample.expect("a window was gone through");
    let of_sample = |sample: &SampleRecall| sample.classes[0].groups[0].clone();
    assert_eq!((sample.reviewed, of_sample(&sample).calls), (1, drawn[0].candidates));
    let no = ReviewChange { verdict: Verdict::Rejected, ..ReviewChange::default() };
    let inside = |call: &&spyhop_api::detection::DetectedCall| {
        let from = drawn[0].start.nanos();
        (from..from + drawn[0].span_ns).contains(&call.start.nanos())
    };
    let one = calls.iter().find(inside).expect("the window holds one");
    store.review(&kept, one.id, 1, &no, Timestamp(9)).expect("said");
    let fewer = recall().sample.expect("it is gone through still");
    assert_eq!(of_sample(&fewer).calls + 1, drawn[0].candidates);

    // A table of the same length and time is not read again; one that was changed is.
    let path = recorder.join("x_20210601_003000.Table.1.selections.txt");
    let (text, about) =
        (std::fs::read_to_string(&path).expect("read"), path.metadata().expect("about"));
    std::fs::write(&path, text.replace("whistle", "trumpet")).expect("written");
    let file = std::fs::File::options().write(true).open(&path).expect("opened");
    file.set_modified(about.modified().expect("a time")).expect("set back");
    assert_eq!(recall().truth, before.truth);
    file.set_modified(SystemTime::now()).expect("set");
    let changed = recall().truth;
    assert_eq!(found(&changed), (4, 4));
    assert_eq!(changed.expect("tables").other_labels, ["trumpet"]);
    server.stop();
}
