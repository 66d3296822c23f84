//! What people said follows a corrected clock, whatever is listened to meanwhile.

use spyhop_api::RecordingInfo;
use spyhop_api::detection::{DetectedCall, DetectionClass, DetectionSource};
use spyhop_signal::detect::Candidate;
use spyhop_signal::pyramid::{ClockRun, Recorded};

use super::super::moment::Moments;
use super::super::moment::tests::info;
use super::super::store::{StoredRun, StoredUnit};
use super::*;

const S: i64 = 1_000_000_000;
const HOUR_S: i64 = 3600;

/// A store with a run, whose units come from wherever a test says.
struct Kept {
    _folder: tempfile::TempDir,
    store: DetectionStore,
    run: StoredRun,
}

/// A recording of two hours that begins at this second.
fn laid(start_s: f64) -> Recorded {
    let run = ClockRun {
        recording: 0,
        first_frame: 0,
        frames: 7_200_000,
        start_ns: (start_s * S as f64) as i64,
        follows: false,
    };
    Recorded { sample_rate_hz: 1000.0, dated: true, runs: vec![run] }
}

impl Kept {
    fn new() -> Kept {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(folder.path()).expect("a state folder");
        let store = DetectionStore::open(&state).expect("a store");
        let source = DetectionSource {
            name: "hearing".into(),
            is_model: false,
            adapter: None,
            fingerprint: String::new(),
            config_hash: String::new(),
            software: String::new(),
        };
        let class = DetectionClass {
            name: "fin".into(),
            band_hz: (0.0, 100.0),
            keep_from: 0.0,
            threshold: 1.0,
        };
        let run = StoredRun {
            id: 0,
            deployment: "bay".into(),
            title: "Hearing".into(),
            source,
            wanted: Wanted::default(),
            config: String::new(),
            channel: 0,
            classes: vec![class],
            score_unit: String::new(),
            score_s: 1.0,
            created: Timestamp(0),
            dated: true,
        };
        let id = store.enter(&run, "key").expect("entered");
        let run = store.run("bay", id).expect("there");
        Kept { _folder: folder, store, run }
    }

    /// Puts the unit of an hour in, with candidates of 0.6 s that begin at these seconds.
    fn listen(&self, key: &str, hour: i64, starts_s: &[f64], moments: Moments<'_>) {
        let unit = StoredUnit {
            key: key.into(),
            start_ns: hour * HOUR_S * S,
            end_ns: (hour + 1) * HOUR_S * S,
            curve: Vec::new(),
            software: String::new(),
            problems: Vec::new(),
        };
        let candidate = |start_s: &f64| {
            let start_ns = (start_s * 1e3).round() as i64 * (S / 1000);
            let end_ns = start_ns + 600_000_000;
            (
                0,
                Candidate {
                    start_ns,
                    end_ns,
                    low_hz: 10.0,
                    high_hz: 20.0,
                    score: 2.0,
                    train: None,
                },
            )
        };
        let found: Vec<_> = starts_s.iter().map(candidate).collect();
        self.store.put_unit(self.run.id, &unit, &found, moments).expect("put in");
    }

    fn calls(&self) -> Vec<DetectedCall> {
        let paging = Paging { sort: CallSort::Start, descending: false, offset: 0, limit: 100 };
        self.store.page(&self.run, &Asked::default(), &paging).expect("a page").calls
    }

    fn accept(&self, call: i64) {
        let yes = ReviewChange { verdict: Verdict::Accepted, ..ReviewChange::default() };
        self.store.review(&self.run, call, 0, &yes, Timestamp(7)).expect("said");
    }

    /// Where each begins, milliseconds, whether it is accepted, and whether it is lost.
    fn told(&self) -> Vec<(i64, bool, bool)> {
        let told = |call: &DetectedCall| {
            let is_accepted = call.review.verdict == Verdict::Accepted;
            (call.start.nanos() / (S / 1000), is_accepted, call.is_lost)
        };
        self.calls().iter().map(told).collect()
    }
}

#[test]
fn what_is_found_again_across_the_border_of_a_unit_is_the_same() {
    let (kept, infos) = (Kept::new(), [info("a")]);
    let (before, after) = (laid(0.0), laid(-0.18));
    let (before, after) = (Moments::new(&before, &infos), Moments::new(&after, &infos));
    kept.listen("before", 1, &[3600.2], before);
    kept.accept(kept.calls()[0].id);
    kept.store.follow_clock(kept.run.id, after).expect("moved");
    assert_eq!(kept.told(), [(3_600_020, true, true)]);
    // The grid of a detector puts it into the hour before.
    kept.listen("after", 0, &[3599.98], after);
    assert_eq!(kept.told(), [(3_599_980, true, false)]);
}

#[test]
fn what_is_said_of_a_unit_of_before_while_it_is_listened_to_anew_goes_with_the_sound() {
    let infos = [info("a")];
    let (before, after) = (laid(0.0), laid(4000.0));
    let (before, after) = (Moments::new(&before, &infos), Moments::new(&after, &infos));
    enum Then {
        /// The old place is listened to after the new one.
        Old,
        /// Before it.
        New,
        /// The list of recordings changes once more.
        Follow,
    }
    for then in [Then::Old, Then::New, Then::Follow] {
        let kept = Kept::new();
        kept.listen("before", 1, &[5000.0], before);
        kept.store.follow_clock(kept.run.id, after).expect("nothing is said yet");
        let new = || kept.listen("new", 2, &[9000.1], after);
        // What is found at the time of before is another call.
        let old = || kept.listen("old", 1, &[5000.0], after);
        let id = kept.calls()[0].id;
        match then {
            Then::Old => {
                new();
                kept.accept(id);
                old();
            }
            Then::New => {
                kept.accept(id);
                old();
                new();
            }
            Then::Follow => {
                new();
                kept.accept(id);
                kept.store.follow_clock(kept.run.id, after).expect("moved");
                assert_eq!(kept.told(), [(9_000_100, true, false)]);
                old();
            }
        }
        assert_eq!(kept.told(), [(5_000_000, false, false), (9_000_100, true, false)]);
        assert_eq!(kept.calls()[1].id, id);
    }
}

#[test]
fn what_was_said_is_of_its_recording_and_not_of_another_one_at_its_time() {
    let (kept, laid) = (Kept::new(), laid(0.0));
    let a: [RecordingInfo; 1] = [info("a")];
    kept.listen("a", 0, &[100.0], Moments::new(&laid, &a));
    kept.accept(kept.calls()[0].id);
    let b: [RecordingInfo; 1] = [info("b")];
    kept.listen("b", 0, &[100.0], Moments::new(&laid, &b));
    let mut told = kept.told();
    told.sort_unstable();
    assert_eq!(told, [(100_000, false, false), (100_000, true, true)]);
    // It comes back with its recording.
    kept.listen("a again", 0, &[100.0], Moments::new(&laid, &a));
    assert_eq!(kept.told(), [(100_000, true, false)]);
}

#[test]
fn a_window_counts_for_recall_when_it_is_listened_to_where_it_lies_now() {
    let (kept, infos) = (Kept::new(), [info("a")]);
    let (before, after) = (laid(0.0), laid(4000.0));
    let (before, after) = (Moments::new(&before, &infos), Moments::new(&after, &infos));
    kept.listen("before", 0, &[100.0], before);
    kept.store.draw(kept.run.id, &[90 * S..110 * S], 20 * S, before).expect("drawn");
    kept.accept(kept.calls()[0].id);
    let done = WindowReview { is_done: true, ..WindowReview::default() };
    let window = kept.store.drawn(&kept.run).expect("windows")[0].id;
    kept.store.review_drawn(&kept.run, window, 0, &done, Timestamp(8)).expect("done");
    let reviewed = || kept.store.sampled(&kept.run).expect("asked").map(|sample| sample.reviewed);
    assert_eq!(reviewed(), Some(1));
    kept.store.follow_clock(kept.run.id, after).expect("moved");
    assert_eq!(reviewed(), None);
    kept.listen("after", 1, &[4100.0], after);
    assert_eq!(reviewed(), Some(1));
}

/// Says that the clock of a place was so many seconds slow.
pub fn correct(recorder: &Path, by_s: i64) {
    let text = format!("name = 'Test'\nzone_offset_s = {}\n", -by_s);
    std::fs::write(recorder.join("deployment.toml"), text).expect("written");
}

fn comes_true(is_so: impl Fn() -> bool) -> bool {
    (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        is_so()
    })
}

/// Whether the candidate comes to lie so many seconds after its time of before.
pub fn is_moved(server: &Hosted, run: &StoredRun, before: &DetectedCall, by_s: i64) -> bool {
    comes_true(|| {
        let call = server.keeper.store().call(run, before.id).expect("kept");
        let off_ns = call.start.nanos() - before.start.nanos() - by_s * S;
        off_ns.abs() < 50_000_000
    })
}

#[test]
fn what_is_said_in_a_store_of_before_moments_were_noted_follows_the_clock() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let server = hosted(&state, &recorder);
    let run = server.start(whistles("")).expect("started").id;
    let calls = server.calls(run, 6);
    server.stop();
    let database = rusqlite::Connection::open(state.join("detections.sqlite")).expect("opened");
    database.execute_batch("UPDATE call SET recording = NULL").expect("forgotten");
    let server = hosted(&state, &recorder);
    assert!(comes_true(|| server.keeper.has_followed(run)));
    let kept = server.keeper.store().run("recorder", run).expect("there");
    let yes = ReviewChange { verdict: Verdict::Accepted, ..ReviewChange::default() };
    server.keeper.store().review(&kept, calls[0].id, 0, &yes, Timestamp(7)).expect("said");
    correct(&recorder, 97);
    assert!(is_moved(&server, &kept, &calls[0], 97));
    server.stop();
}

#[test]
fn a_run_that_could_not_follow_the_clock_is_tried_again() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let server = hosted(&state, &recorder);
    let run = server.start(whistles("")).expect("started").id;
    let calls = server.calls(run, 6);
    let kept = server.keeper.store().run("recorder", run).expect("there");
    let yes = ReviewChange { verdict: Verdict::Accepted, ..ReviewChange::default() };
    server.keeper.store().review(&kept, calls[0].id, 0, &yes, Timestamp(7)).expect("said");
    let database = rusqlite::Connection::open(state.join("detections.sqlite")).expect("opened");
    let full = "CREATE TRIGGER full BEFORE UPDATE OF start_ns ON call BEGIN
                    SELECT RAISE(ABORT, 'the disk is full'); END";
    database.execute_batch(full).expect("full");
    correct(&recorder, 97);
    assert!(comes_true(|| !server.keeper.has_followed(run)));
    std::thread::sleep(Duration::from_secs(3));
    database.execute_batch("DROP TRIGGER full").expect("emptied");
    assert!(is_moved(&server, &kept, &calls[0], 97));
    server.stop();
}
