//! Runs of networks: by what they were made with, and nothing else; one loaded network for all.

use std::path::PathBuf;

use spyhop_api::detection::DetectedCall;

use super::super::network::Networks;
use super::moved::{correct, is_moved};
use super::*;

/// The small network of random weights in a folder of its own.
fn tiny(folder: &Path) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = fixtures.join("../shared/model/tests/fixtures/ast_tiny");
    std::fs::create_dir_all(folder).expect("made");
    for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        std::fs::copy(fixtures.join(file), folder.join(file)).expect("copied");
    }
    folder.to_owned()
}

/// Trains it on, in a manner of speaking: one weight is another.
fn change(folder: &Path) {
    let path = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&path).expect("weights");
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&0.125f32.to_le_bytes());
    std::fs::write(&path, bytes).expect("written");
}

fn by(model: &Path) -> Wanted {
    Wanted { model: Some(model.to_owned()), ..Wanted::default() }
}

impl Hosted {
    /// A run, once something is true of it.
    fn once(&self, run: i64, is_so: impl Fn(&DetectionRun) -> bool) -> DetectionRun {
        for _ in 0..600 {
            let told = self.told(run);
            if is_so(&told) {
                return told;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it never was: {:?}", self.told(run));
    }

    fn found(&self, run: i64) -> Vec<DetectedCall> {
        let store = self.keeper.store();
        let run = store.run("recorder", run).expect("there");
        let paging = Paging { sort: CallSort::Start, descending: false, offset: 0, limit: 1000 };
        store.page(&run, &Asked::default(), &paging).expect("a page").calls
    }
}

fn is_done(told: &DetectionRun) -> bool {
    told.job.as_ref().is_some_and(|job| job.state == JobState::Done)
}

#[test]
fn a_run_is_gone_on_with_by_the_network_that_it_was_made_with_and_by_no_other() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let mine = tiny(&scratch.path().join("mine"));
    let server = hosted(&state, &recorder);
    let run = server.start(by(&mine)).expect("started");
    let told = server.once(run.id, is_done);
    let (found, units) = (server.found(run.id), units_of(&server, run.id));
    assert!(!found.is_empty() && told.problems.is_empty(), "{told:?}");
    // What no work needs is let go.
    for _ in 0..200 {
        if server.keeper.open_networks() == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.keeper.open_networks(), 0);
    server.stop();

    // Another network lies under its name, and there is nothing to do.
    let weights = std::fs::read(mine.join("model.safetensors")).expect("weights");
    change(&mine);
    let server = hosted(&state, &recorder);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((server.found(run.id), server.keeper.open_networks()), (found.clone(), 0));
    assert_eq!(server.told(run.id).problems, [""; 0]);

    // There is: it is left, and said why.
    put(&recorder, "x_20210601_003200.wav", &sea(20.0, &[4.0], 9));
    let told = server.once(run.id, |told| !told.problems.is_empty());
    let problem = &told.problems[0];
    for part in
        ["the network mine is another one now", "what was found stays", "start the detection anew"]
    {
        assert!(problem.contains(part), "{problem}");
    }
    assert_eq!((server.found(run.id), units_of(&server, run.id)), (found.clone(), units.clone()));
    // The new one is another run.
    let other = server.start(by(&mine)).expect("started");
    assert_ne!(other.id, run.id);
    server.once(other.id, is_done);
    server.stop();

    // The network of before is back: the run goes on where it was.
    std::fs::write(mine.join("model.safetensors"), weights).expect("written");
    let server = hosted(&state, &recorder);
    let told = server.once(run.id, |told| is_done(told) && units_of(&server, run.id) != units);
    assert_eq!(told.problems, [""; 0]);
    assert!(server.found(run.id).len() > found.len(), "the new recording was heard");
    server.stop();
}

#[test]
fn what_was_said_of_a_run_whose_network_is_gone_follows_the_clock_and_is_lost() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let mine = tiny(&scratch.path().join("mine"));
    let server = hosted(&state, &recorder);
    let run = server.start(by(&mine)).expect("started").id;
    server.once(run, is_done);
    let found = server.found(run);
    let kept = server.keeper.store().run("recorder", run).expect("there");
    let yes = ReviewChange { verdict: Verdict::Accepted, ..ReviewChange::default() };
    server.keeper.store().review(&kept, found[0].id, 0, &yes, Timestamp(7)).expect("said");
    server.stop();

    change(&mine);
    let server = hosted(&state, &recorder);
    correct(&recorder, 97);
    assert!(is_moved(&server, &kept, &found[0], 97));
    let told = server.once(run, |told| told.problems.len() == 2);
    assert!(told.problems[0].contains("the network mine is another one now"), "{told:?}");
    assert!(told.problems[1].contains("1 reviewed candidate is not found any more"), "{told:?}");
    // Other sound lies at its time of before.
    assert_eq!(reviewed(&state, "recorder").expect("reviews").len(), 0);
    server.stop();
}

#[test]
fn the_network_of_a_job_that_was_given_up_is_not_opened_until_somebody_goes_on_with_it() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let mine = tiny(&scratch.path().join("mine"));
    let server = hosted(&state, &recorder);
    let run = server.start(by(&mine)).expect("started");
    let job = server.once(run.id, is_done).job.expect("a job").id;
    server.engine.cancel(job).expect("cancelled");
    put(&recorder, "x_20210601_003200.wav", &sea(20.0, &[4.0], 9));
    let is_given_up =
        |told: &DetectionRun| told.job.as_ref().is_some_and(|job| job.state == JobState::Cancelled);
    server.once(run.id, is_given_up);
    server.stop();

    // Whoever opened it would find another one.
    let weights = std::fs::read(mine.join("model.safetensors")).expect("weights");
    change(&mine);
    let server = hosted(&state, &recorder);
    std::thread::sleep(Duration::from_secs(3));
    let told = server.told(run.id);
    assert!(is_given_up(&told) && told.problems.is_empty(), "{told:?}");
    std::fs::write(mine.join("model.safetensors"), weights).expect("written");
    server.engine.retry(job).expect("gone on with");
    server.once(run.id, is_done);
    server.stop();
}

#[test]
fn torn_weights_are_told_by_the_card_s_side_without_being_opened() {
    let scratch = tempfile::tempdir().expect("a folder");
    let mine = tiny(&scratch.path().join("mine"));
    let card = || crate::models::Model::listed(&mine).expect("there").card();
    assert!(card().is_ok());
    let weights = mine.join("model.safetensors");
    let bytes = std::fs::read(&weights).expect("weights");
    std::fs::write(&weights, &bytes[..bytes.len() - 1000]).expect("cut off");
    let told = card().expect_err("torn").to_string();
    assert!(told.contains("model.safetensors") && told.contains("copy it once more"), "{told}");
}

/// The keys of a run's units.
fn units_of(server: &Hosted, run: i64) -> Vec<String> {
    let units = server.keeper.store().units(run, i64::MIN, i64::MAX).expect("units");
    units.into_iter().map(|unit| unit.key).collect()
}

#[test]
fn a_run_is_gone_on_with_by_the_settings_that_are_kept_with_it() {
    let strict = whistles("detection: {whistle: {keep_from: 40, threshold: 40}}");
    let source = Source::open(&strict).expect("known");
    let (config, made_by) = (source.config().expect("YAML"), source.described().expect("known"));
    let networks = Networks::default();
    // As if presets were others now: what the person said is not what counts.
    let again = Source::again(&whistles(""), &config, &made_by, &networks).expect("the same");
    assert_eq!(again.described().expect("known"), made_by);
    let by_presets = Source::open(&whistles("")).expect("known").config().expect("YAML");
    let refused = Source::again(&strict, &by_presets, &made_by, &networks).map(|_| ());
    let refused = refused.expect_err("other settings").to_string();
    assert!(refused.contains("whistle has other settings"), "{refused}");
    let unknown = "detection: {whistle: {loudness: 4}}";
    let refused = Source::again(&strict, unknown, &made_by, &networks).map(|_| ());
    assert!(refused.expect_err("unknown").to_string().contains("whistle has other settings"));
}

#[test]
fn all_who_use_a_network_share_it_and_it_is_let_go_with_the_last() {
    let scratch = tempfile::tempdir().expect("a folder");
    let mine = tiny(&scratch.path().join("mine"));
    let networks = Networks::default();
    let open = || Source::listed(&by(&mine), &networks).expect("sound");
    let (one, other) = (open(), open());
    assert_eq!(networks.count(), 1);
    let fingerprint = |source: &Source| source.described().expect("known").fingerprint;
    assert_eq!(fingerprint(&one), fingerprint(&other));
    // Other weights are another network, also while the one of before is in use.
    change(&mine);
    let file = std::fs::File::options().write(true).open(mine.join("model.safetensors"));
    let later = SystemTime::now() + Duration::from_secs(2);
    file.expect("opened").set_modified(later).expect("set");
    let changed = open();
    assert_eq!(networks.count(), 2);
    assert_ne!(fingerprint(&one), fingerprint(&changed));
    drop((one, other, changed));
    assert_eq!(networks.count(), 0);
}

/// A network whose answer is known: upcalls at the border of files and of an hour, in noise.
#[test]
fn a_network_s_call_at_the_border_of_files_and_units_is_found_once() {
    let scratch = tempfile::tempdir().expect("a folder");
    let state = scratch.path().join("state");
    const UPCALLS_S: [f64; 3] = [9.0, 19.5, 33.0];
    let all = upcalls(60.0, &UPCALLS_S);
    let put = |folder: &str, name: &str, samples: &[i16]| {
        let folder = scratch.path().join(folder);
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join(name), wav_pcm16(samples, 1, 2000)).expect("written");
        folder
    };
    let third = all.len() / 3;
    let mut parts = PathBuf::new();
    for (i, at) in ["005940", "010000", "010020"].iter().enumerate() {
        let samples = &all[i * third..(i + 1) * third];
        parts = put("parts", &format!("x_20210601_{at}.wav"), samples);
    }
    let whole = put("whole", "x_20210601_005940.wav", &all);
    let wanted = Wanted { model: Some("upcall-small".into()), ..Wanted::default() };
    let first = detected(&state, &parts, &wanted).expect("detected");
    assert_eq!(first.plan.units.len(), 2, "hours of the clock");
    let origin = Timestamp::from_iso("2021-06-01T00:59:40Z").expect("a time").0;
    let at_s = |ns: i64| (ns - origin) as f64 / 1e9;
    let sure: Vec<(f64, f64)> = first
        .rows
        .iter()
        .filter(|row| row.score > 0.9)
        .map(|row| (at_s(row.start_ns), at_s(row.end_ns)))
        .collect();
    assert_eq!(sure.len(), UPCALLS_S.len(), "{:#?}", first.rows);
    for ((start, end), put) in sure.iter().zip(UPCALLS_S) {
        // It sweeps for a second; a window says something of a quarter of one.
        assert!(*start < put + 0.75 && *end > put + 0.25, "{start} to {end} for {put}");
    }
    assert!(sure[1].0 < 20.0 && sure[1].1 > 20.0, "it lies across the border: {sure:?}");
    assert_eq!(detected(&state, &whole, &wanted).expect("detected").rows, first.rows);
}

/// Noise at 2 kHz with sweeps from 90 to 190 Hz that begin at these seconds.
fn upcalls(seconds: f64, calls_s: &[f64]) -> Vec<i16> {
    let rate = 2000.0;
    let mut state = 5u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    let mut samples: Vec<f64> =
        (0..(seconds * rate) as usize).map(|_| 100.0 * (next() + next() + next())).collect();
    for start in calls_s {
        let mut phase = 0.0;
        for n in 0..rate as usize {
            let u = n as f64 / rate;
            phase += TAU * (90.0 + 100.0 * u * u) / rate;
            if let Some(sample) = samples.get_mut((start * rate) as usize + n) {
                *sample += 500.0 * (u.min(1.0 - u) * 5.0).min(1.0) * phase.sin();
            }
        }
    }
    samples.iter().map(|x| x.round() as i16).collect()
}

#[test]
fn what_is_left_out_of_a_run_is_told_with_it() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (state, recorder) = (scratch.path().join("state"), scratch.path().join("recorder"));
    place(&recorder);
    let fast: Vec<i16> = sea(8.0, &[], 3);
    std::fs::write(recorder.join("fast_20210601_004000.wav"), wav_pcm16(&fast, 1, 96_000))
        .expect("written");
    std::fs::write(recorder.join("torn_20210601_005000.wav"), b"RIFF").expect("written");
    let server = hosted(&state, &recorder);
    let run = server.start(whistles("")).expect("started");
    let told = server.once(run.id, is_done);
    let of = |name: &str| told.problems.iter().find(|problem| problem.contains(name));
    let fast = of("fast_20210601_004000.wav").expect("told");
    assert!(fast.contains("is left out") && fast.contains("96"), "{fast}");
    assert!(of("torn_20210601_005000.wav").is_some(), "{:?}", told.problems);
    server.stop();
}

#[test]
fn a_folder_where_the_server_was_started_is_no_network_of_its_list() {
    let word = Path::new("src");
    assert!(crate::models::named(word).is_ok(), "tests run where there is one");
    let listed = crate::models::Model::listed(word).map(|_| ());
    assert!(listed.expect_err("not listed").to_string().contains("no network src"));
    assert!(crate::models::Model::listed(Path::new("upcall-small")).is_ok());
}
