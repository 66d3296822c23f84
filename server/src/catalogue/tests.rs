//! The catalogue over places on a disk.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{RecordingQuery, RecordingSort};
use spyhop_signal::formats::wav_writer::wav_pcm16;
use tempfile::TempDir;

use super::access::Reader::{Administrator, Public};
use super::index_pass::{self, Piece, Watch};
use super::*;
use crate::place::test_server::{Faults, Lists, TestServer};

/// A recording of `frames` samples of one value.
fn write_wav(folder: &Path, name: &str, value: i16, frames: usize, rate_hz: u32) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(name), wav_pcm16(&vec![value; frames], 1, rate_hz))
        .expect("written");
}

struct Here {
    place: TempDir,
    _state_folder: TempDir,
    state: StateFolder,
}

impl Here {
    fn new() -> Here {
        let state_folder = TempDir::new().expect("a folder");
        let state = StateFolder::open(state_folder.path()).expect("nobody else's");
        Here { place: TempDir::new().expect("a folder"), _state_folder: state_folder, state }
    }

    fn folder(&self, below: &str) -> PathBuf {
        self.place.path().join(below)
    }

    fn place(&self) -> Place {
        Place::at(&self.place.path().display().to_string()).expect("a place")
    }

    fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.state, vec![self.place()]).expect("a catalogue")
    }
}

fn names(deployment: &Deployment) -> Vec<&str> {
    deployment.recordings.iter().map(|r| r.name.as_str()).collect()
}

/// Counts what a pass does, and stops it after some pieces.
struct Counting {
    read: AtomicUsize,
    pieces_left: AtomicUsize,
}

impl Counting {
    fn new(pieces: usize) -> Counting {
        Counting { read: AtomicUsize::new(0), pieces_left: AtomicUsize::new(pieces) }
    }

    fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }
}

impl Watch for Counting {
    fn listed(&self, _: Difference, _: usize, _: Duration) {}

    fn read(&self, piece: Piece) {
        self.read.fetch_add(piece.read + piece.bad, Ordering::Relaxed);
        self.pieces_left.fetch_sub(1, Ordering::Relaxed);
    }

    fn first(&self) -> Option<i64> {
        None
    }

    fn stop(&self) -> bool {
        self.pieces_left.load(Ordering::Relaxed) == 0
    }
}

#[test]
fn each_folder_with_recordings_however_deep_is_a_deployment() {
    let here = Here::new();
    write_wav(&here.folder(""), "loose.wav", 1, 10, 1000);
    write_wav(&here.folder("2013/sbnms ch10"), "x_20200101_000010.wav", 1, 5000, 1000);
    write_wav(&here.folder("2013/sbnms ch10"), "x_20200101_000000.wav", 1, 5000, 1000);
    write_wav(&here.folder("2013/sbnms ch10"), "x_20200101_000020.wav", 1, 1000, 500);
    std::fs::write(here.folder("2013/sbnms ch10/calls.selections.txt"), b"Selection\n")
        .expect("written");
    std::fs::create_dir(here.folder("empty")).expect("made");
    let catalogue = here.catalogue();
    let list = catalogue.list(Public, "").expect("a list");
    let own = here.place().own_name();
    let mut found: Vec<&str> = list.iter().map(|d| d.name.as_str()).collect();
    found.sort_unstable();
    let mut expected = vec![own.as_str(), "sbnms ch10"];
    expected.sort_unstable();
    assert_eq!(found, expected);
    let deep = list.iter().find(|d| d.name == "sbnms ch10").expect("listed");
    assert!(deep.id.starts_with("2013~sbnms-ch10~"), "{}", deep.id);
    assert_eq!((deep.recording_count, deep.unread_count, deep.bad_count), (3, 0, 0));
    assert_eq!(deep.rates_hz, [1000.0, 500.0], "a rate that changes in mid-deployment is told");
    assert_eq!(deep.tables, ["calls.selections.txt"]);
    let at = |text: &str| Some(Timestamp::from_iso(text).expect("a time"));
    assert_eq!((deep.start, deep.end), (at("2020-01-01T00:00:00"), at("2020-01-01T00:00:22")));
    assert_eq!(deep.recorded_s, 12.0);
    let whole = catalogue.deployment(&deep.id, Public).expect("read").expect("there");
    let order = ["x_20200101_000000.wav", "x_20200101_000010.wav", "x_20200101_000020.wav"];
    assert_eq!(names(&whole), order);
    let coverage = catalogue.coverage(&deep.id, Public).expect("read").expect("there");
    assert_eq!((coverage.days(), coverage.percent[0], coverage.percent[1]), (1, 1, 0));
    let timeline = catalogue.timeline(&deep.id, Public).expect("read").expect("there");
    let starts =
        |infos: &[spyhop_api::RecordingInfo]| infos.iter().map(|i| i.start).collect::<Vec<_>>();
    assert_eq!(starts(&timeline.infos()), starts(&whole.recordings));
}

#[test]
fn what_is_added_changed_and_removed_is_noticed_and_nothing_else_is_read_again() {
    let here = Here::new();
    for i in 0..3 {
        write_wav(&here.folder("a"), &format!("{i}.wav"), 1, 100, 1000);
    }
    let catalogue = here.catalogue();
    let version = |c: &Catalogue| c.timeline("a", Public).expect("read").expect("there").version;
    let first = version(&catalogue);
    assert_eq!(version(&catalogue), first, "nothing has changed");
    write_wav(&here.folder("a"), "new.wav", 1, 100, 1000);
    write_wav(&here.folder("a"), "1.wav", 2, 200, 1000);
    std::fs::remove_file(here.folder("a/2.wav")).expect("removed");
    let now = catalogue.deployment("a", Public).expect("read").expect("there");
    assert_eq!(names(&now), ["0.wav", "1.wav", "new.wav"]);
    assert_eq!(now.recordings[1].frames, 200);
    write_wav(&here.folder("b"), "x.wav", 1, 100, 1000);
    std::fs::remove_dir_all(here.folder("a")).expect("removed");
    let left = catalogue.list(Public, "").expect("a list");
    assert_eq!(left.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_disk_that_is_not_mounted_is_told_of_and_nothing_of_it_is_forgotten() {
    let here = Here::new();
    for folder in ["disk/a", "here/b"] {
        write_wav(&here.folder(folder), "0.wav", 1, 100, 1000);
    }
    let catalogue = here.catalogue();
    let known = || {
        let list = catalogue.list(Public, "").expect("a list");
        list.iter().map(|d| d.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(known(), ["disk~a", "here~b"]);
    // Without the disk its mount point is an empty folder; another disk goes on as ever.
    let away = here.state.path().join("away");
    std::fs::rename(here.folder("disk/a"), &away).expect("moved");
    write_wav(&here.folder("here/b"), "1.wav", 1, 100, 1000);
    assert_eq!(known(), ["disk~a", "here~b"]);
    let there = catalogue.deployment("here~b", Public).expect("read").expect("there");
    assert_eq!(names(&there), ["0.wav", "1.wav"]);
    let problem = catalogue.places()[0].problem.clone().unwrap_or_default();
    assert!(problem.contains("is its disk mounted? 1 file that"), "{problem}");
    std::fs::rename(&away, here.folder("disk/a")).expect("moved back");
    assert_eq!(known(), ["disk~a", "here~b"]);
    assert_eq!(catalogue.places()[0].problem, None);
    std::fs::remove_dir_all(here.folder("disk")).expect("removed");
    assert_eq!(known(), ["here~b"], "now it is gone for good");
}

#[test]
fn a_pass_that_is_cut_off_goes_on_where_it_was() {
    let here = Here::new();
    for i in 0..700 {
        write_wav(&here.folder("many"), &format!("{i:04}.wav"), 1, 10, 1000);
    }
    let place = here.place();
    let pass = |pieces: usize| {
        let mut database = here.state.database(DATABASE, &MIGRATIONS).expect("a database");
        let row = difference::place_row(&database, &place.address()).expect("a row");
        let counting = Counting::new(pieces);
        index_pass::run(&mut database, row, &place, &counting).expect("a pass");
        (counting.read(), index_pass::unread(&database, row).expect("a number"))
    };
    assert_eq!(pass(1), (512, 188));
    assert_eq!(pass(9), (188, 0), "nothing is read twice, nothing is lost");
    assert_eq!(pass(9), (0, 0));
}

#[test]
fn a_bad_file_is_listed_with_its_reason_and_stops_nothing() {
    let here = Here::new();
    write_wav(&here.folder("a"), "good.wav", 1, 100, 1000);
    std::fs::write(here.folder("a/photo.wav"), b"\xff\xd8\xff\xe0 a JPEG").expect("written");
    std::fs::write(here.folder("a/empty.wav"), b"").expect("written");
    let whole = wav_pcm16(&[1; 1000], 1, 1000);
    std::fs::write(here.folder("a/cut.wav"), &whole[..1000]).expect("written");
    let catalogue = here.catalogue();
    let a = catalogue.deployment("a", Public).expect("read").expect("there");
    assert_eq!(names(&a), ["cut.wav", "good.wav"]);
    assert!(!a.recordings[0].warnings.is_empty(), "a file that was cut short is told of");
    let failures: Vec<&str> = a.failures.iter().map(|f| f.name.as_str()).collect();
    assert_eq!((failures, a.bad_count), (vec!["empty.wav", "photo.wav"], 2));
    assert!(a.failures[1].reason.contains("JPEG"), "{}", a.failures[1].reason);
}

#[test]
fn nothing_of_a_private_or_embargoed_deployment_reaches_the_public() {
    let here = Here::new();
    write_wav(&here.folder("whales"), "x.wav", 1, 100, 1000);
    let toml = here.folder("whales/deployment.toml");
    let catalogue = here.catalogue();
    let says = |text: &str| {
        std::fs::write(&toml, text).expect("written");
        catalogue.rescan();
        // Notices.
        catalogue.list(Administrator, "").expect("a list");
    };
    for text in [
        "visibility = 'private'",
        "embargo_until = 2999-01-01",
        "visibilty = 'private'",
        "visibility = 'secret'",
    ] {
        says(text);
        assert_eq!(catalogue.list(Public, "").expect("a list"), [], "{text}");
        assert_eq!(catalogue.deployment("whales", Public).expect("read"), None);
        assert_eq!(catalogue.description("whales", Public).expect("read"), None);
        assert!(catalogue.recordings("whales", Public).expect("read").is_none());
        assert!(catalogue.timeline("whales", Public).expect("read").is_none());
        assert!(catalogue.coverage("whales", Public).expect("read").is_none());
        assert!(catalogue.file("whales", "x.wav", Public).expect("read").is_none());
        let query = RecordingQuery::default();
        assert!(catalogue.page("whales", Public, &query, &HashMap::new()).expect("read").is_none());
        assert_eq!(catalogue.list(Administrator, "").expect("a list").len(), 1, "{text}");
        assert!(catalogue.deployment("whales", Administrator).expect("read").is_some());
    }
    says(
        "visibility = 'unlisted'\nlatitude = 42.25\nlongitude = -70.33\nposition_public = 'hidden'",
    );
    assert_eq!(catalogue.list(Public, "").expect("a list"), []);
    let shown = catalogue.description("whales", Public).expect("read").expect("there by its name");
    assert_eq!((shown.latitude, shown.longitude), (None, None));
    let all = catalogue.description("whales", Administrator).expect("read").expect("there");
    assert_eq!((all.latitude, all.longitude), (Some(42.25), Some(-70.33)));
}

#[test]
fn recordings_open_with_what_the_description_says_of_their_clock() {
    let here = Here::new();
    write_wav(&here.folder("a"), "site-2020-060-101112.wav", 7, 100, 1000);
    let catalogue = here.catalogue();
    // Its recordings are those of the last look; this one waits for the first.
    assert!(catalogue.deployment("a", Public).expect("read").is_some());
    let start =
        |c: &Catalogue| c.recordings("a", Public).expect("read").expect("there").infos[0].start;
    assert_eq!(start(&catalogue), None);
    let toml = "name_pattern = '-%Y-%j-%H%M%S'\nzone_offset_s = 3600\nname = 'Night'";
    std::fs::write(here.folder("a/deployment.toml"), toml).expect("written");
    let whole = catalogue.deployment("a", Public).expect("read").expect("there");
    assert_eq!(whole.name, "Night");
    let recordings = catalogue.recordings("a", Public).expect("read").expect("there");
    let told = recordings.infos[0].start.map(|t| t.to_iso());
    assert_eq!(told.as_deref(), Some("2020-02-29T09:11:12.000000000Z"));
    let mut recording = (recordings.open)(0).expect("opened");
    assert_eq!(recording.info, recordings.infos[0]);
    let mut samples = Vec::new();
    recording.read(0, 3, &mut samples).expect("samples");
    assert_eq!(samples, [7.0 / 32_768.0; 3]);
    assert!((recordings.open)(1).is_err());
    write_wav(&here.folder("a"), "site-2020-060-101112.wav", 7, 50, 1000);
    let changed = (recordings.open)(0).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(changed.contains("when it was listed"), "{changed}");
    std::fs::remove_file(here.folder("a/site-2020-060-101112.wav")).expect("removed");
    let gone = (recordings.open)(0).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(gone.contains("it was removed since it was listed"), "{gone}");
}

#[test]
fn recordings_are_sorted_filtered_and_paged_and_deployments_found_by_any_word() {
    let here = Here::new();
    for i in 0..25 {
        write_wav(&here.folder("a"), &format!("x_20200101_0000{i:02}.wav"), 1, 10 + i, 1000);
    }
    std::fs::write(here.folder("a/bad.wav"), b"no recording at all").expect("written");
    let toml = "name = 'Georges Bank'\ncredit = 'NEFSC'\nnotes = 'moored'";
    std::fs::write(here.folder("a/deployment.toml"), toml).expect("written");
    write_wav(&here.folder("b"), "y.wav", 1, 10, 1000);
    let catalogue = here.catalogue();
    let found = |words: &str| {
        let list = catalogue.list(Public, words).expect("a list");
        list.into_iter().map(|d| d.id).collect::<Vec<_>>()
    };
    assert_eq!(found("georges nefsc"), ["a"]);
    assert_eq!(found("moored 000007"), ["a"], "a word of a recording's name counts too");
    assert_eq!(found("Y.WAV"), ["b"]);
    assert!(found("nothing").is_empty());
    let graded = HashMap::from([
        ("x_20200101_000003.wav", Severity::Doubt),
        ("x_20200101_000007.wav", Severity::Fault),
    ]);
    let page = |query: RecordingQuery| {
        catalogue.page("a", Public, &query, &graded).expect("read").expect("there")
    };
    let query = RecordingQuery {
        sort: RecordingSort::Duration,
        descending: true,
        failed: Some(false),
        offset: 5,
        limit: 3,
        ..RecordingQuery::default()
    };
    let rows = page(query);
    let shown: Vec<_> = rows.rows.iter().map(|r| r.name.as_str()).collect();
    let expected = ["x_20200101_000019.wav", "x_20200101_000018.wav", "x_20200101_000017.wav"];
    assert_eq!((rows.total, shown), (25, expected.to_vec()));
    let failed = page(RecordingQuery { failed: Some(true), ..RecordingQuery::default() });
    assert_eq!((failed.total, failed.rows[0].name.as_str()), (1, "bad.wav"));
    assert!(failed.rows[0].failure.as_deref().is_some_and(|r| r.contains("bad.wav")));
    let midnight = Timestamp::from_iso("2020-01-01T00:00:00").expect("a time");
    let at = |s: i64| Some(Timestamp(midnight.0 + s * NANOS_PER_S));
    let stretch = RecordingQuery { from: at(3), until: at(5), ..RecordingQuery::default() };
    assert_eq!(page(stretch).total, 2);
    let worst = RecordingQuery {
        sort: RecordingSort::Quality,
        descending: true,
        limit: 3,
        ..RecordingQuery::default()
    };
    let worst = page(worst);
    let shown: Vec<_> = worst.rows.iter().map(|r| r.name.as_str()).collect();
    // Those of which nothing was found follow by name, the last first.
    let expected = ["x_20200101_000007.wav", "x_20200101_000003.wav", "x_20200101_000024.wav"];
    assert_eq!((worst.total, shown), (26, expected.to_vec()));
    let graver = |least| RecordingQuery { quality: Some(least), ..RecordingQuery::default() };
    let totals = [Severity::Note, Severity::Doubt, Severity::Fault].map(|s| page(graver(s)).total);
    assert_eq!(totals, [2, 2, 1]);
    let quoted = RecordingQuery { search: "' OR 1=1 --".into(), ..RecordingQuery::default() };
    assert_eq!(page(quoted).total, 0);
}

#[test]
fn two_places_with_folders_of_one_name_have_two_deployments() {
    let (here, other) = (Here::new(), Here::new());
    write_wav(&here.folder("night"), "x.wav", 1, 10, 1000);
    write_wav(&other.folder("night"), "y.wav", 1, 20, 1000);
    let catalogue =
        Catalogue::open(&here.state, vec![here.place(), other.place()]).expect("a catalogue");
    let ids: Vec<String> =
        catalogue.list(Public, "").expect("a list").into_iter().map(|d| d.id).collect();
    assert_eq!((ids.len(), ids[0].as_str()), (2, "night"));
    assert!(ids[1].starts_with("night~"), "{ids:?}");
    let second = catalogue.deployment(&ids[1], Public).expect("read").expect("there");
    assert_eq!(names(&second), ["y.wav"]);
}

#[test]
fn a_full_disk_is_told_and_what_was_read_before_stays() {
    let here = Here::new();
    for i in 0..600 {
        write_wav(&here.folder("many"), &format!("{i:04}.wav"), 1, 10, 1000);
    }
    let place = here.place();
    let mut database = here.state.database(DATABASE, &MIGRATIONS).expect("a database");
    let row = difference::place_row(&database, &place.address()).expect("a row");
    let unlisted = Counting::new(0);
    index_pass::run(&mut database, row, &place, &unlisted).expect("listed");
    let pages: i64 = database.query_row("PRAGMA page_count", [], |r| r.get(0)).expect("a number");
    let most = |database: &Connection, pages: i64| {
        database
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .expect("set");
    };
    most(&database, pages + 2);
    let full =
        index_pass::run(&mut database, row, &place, &Counting::new(9)).expect_err("it is full");
    assert!(full.to_string().contains("the disk is full"), "{full}");
    assert_eq!(index_pass::unread(&database, row).expect("a number"), 600, "all or nothing");
    most(&database, 1 << 20);
    index_pass::run(&mut database, row, &place, &Counting::new(9)).expect("room again");
    assert_eq!(index_pass::unread(&database, row).expect("a number"), 0);
}

#[test]
fn a_store_that_fails_while_it_is_looked_through_is_told_of_and_gone_on_with_later() {
    let wav = || wav_pcm16(&[1; 100], 1, 1000);
    let files = [("w/a.wav", wav()), ("w/b.wav", wav()), ("w/c.wav", wav())];
    // Three tries of the first question, and of one for each file.
    let faults = Faults { first: Some((12, 500)), ..Faults::default() };
    let server = TestServer::start(Lists::Nginx, faults, &files);
    let place = crate::place::tests::at(&server, "w");
    let here = Here::new();
    let mut database = here.state.database(DATABASE, &MIGRATIONS).expect("a database");
    let row = difference::place_row(&database, &place.address()).expect("a row");
    let counting = Counting::new(9);
    let failed = index_pass::run(&mut database, row, &place, &counting).expect_err("it is down");
    assert!(failed.to_string().contains("could not be read"), "{failed}");
    let deployment = 1;
    let failures = queries::failures(&database, deployment).expect("read");
    assert_eq!(failures.len(), 3);
    assert!(failures.iter().all(|f| f.reason.contains("failed (500)")), "{failures:?}");
    index_pass::run(&mut database, row, &place, &counting).expect("it is back");
    assert_eq!(
        (counting.read(), queries::failures(&database, deployment).expect("read").len()),
        (3, 0)
    );
}

const CALIBRATED: &str = "name = 'Bay'\n[calibration]\nkind = 'v_per_upa'\n\
    sensitivity_db = 'hydrophone.csv'\ngain_db = 20\nadc_peak_v = 1";

#[test]
fn the_table_of_a_calibration_may_lie_in_a_file_beside_the_recordings() {
    let here = Here::new();
    write_wav(&here.folder("bay"), "x.wav", 1, 100, 1000);
    std::fs::write(here.folder("bay/deployment.toml"), CALIBRATED).expect("written");
    let table = here.folder("bay/hydrophone.csv");
    let catalogue = here.catalogue();
    let told = || {
        let bay = catalogue.deployment("bay", Public).expect("read").expect("there");
        assert_eq!(bay.name, "Bay", "whatever the table is, the rest stands");
        let offset_db = bay.calibration.and_then(|c| c.offset_db_at(100.0));
        (offset_db, bay.failures.into_iter().map(|f| f.reason).collect::<Vec<_>>())
    };
    let (offset_db, failures) = told();
    assert!(offset_db.is_none() && failures[0].contains("no 'hydrophone.csv'"), "{failures:?}");
    std::fs::write(&table, "Hz,dB\n10,-180\n1000,-160\n").expect("written");
    let (offset_db, failures) = told();
    // Half way in lg f lie −170 dB, less 20 dB of gain.
    assert!((offset_db.expect("calibrated") - 150.0).abs() < 1e-9 && failures.is_empty());
    std::fs::write(&table, "Hz,dB\n10,-180\n1000;n/a\n").expect("written");
    let (offset_db, failures) = told();
    assert!(offset_db.is_none() && failures[0].contains("hydrophone.csv: line 3"), "{failures:?}");
    std::fs::write(&table, "10,-190\n1000,-190\n20000,-180\n").expect("written");
    assert_eq!(told(), (Some(170.0), Vec::new()));
    std::fs::remove_file(&table).expect("removed");
    assert!(told().0.is_none());
}

#[test]
fn the_table_of_a_calibration_is_read_from_a_web_folder_too() {
    let wav = wav_pcm16(&[1; 100], 1, 1000);
    let (toml, table) = (CALIBRATED.as_bytes().to_vec(), b"10 -190\n1000 -190\n".to_vec());
    let files = [("w/a.wav", wav), ("w/deployment.toml", toml), ("w/hydrophone.csv", table)];
    for lists in [Lists::WebDav, Lists::Nginx] {
        let server = TestServer::start(lists, Faults::default(), &files);
        let here = Here::new();
        let place = crate::place::tests::at(&server, "w");
        let mut database = here.state.database(DATABASE, &MIGRATIONS).expect("a database");
        let row = difference::place_row(&database, &place.address()).expect("a row");
        index_pass::run(&mut database, row, &place, &Counting::new(9)).expect("listed");
        let catalogue = Catalogue::open(&here.state, vec![place]).expect("a catalogue");
        let list = catalogue.list(Public, "").expect("a list");
        let [bay] = &list[..] else { panic!("{list:?}") };
        let calibration = bay.calibration.as_ref().expect("calibrated");
        assert_eq!((calibration.offset_db_at(50.0), bay.bad_count), (Some(170.0), 0));
    }
}
