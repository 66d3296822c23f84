use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use serde_json::json;
use spyhop_api::job::JobState;

use super::*;
use crate::work::unit::{Job, Priority, Unit};

/// A ledger in a folder that goes when the test ends.
struct Kept {
    ledger: Ledger,
    state: StateFolder,
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.state.path());
    }
}

fn ledger() -> Kept {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("spyhop-ledger-{}-{number}", std::process::id());
    let state = StateFolder::open(&std::env::temp_dir().join(name)).expect("state");
    Kept { ledger: Ledger::open(&state).expect("ledger"), state }
}

fn unit(key: &str, after: &[&str]) -> Unit {
    let after = after.iter().map(|k| (*k).to_owned()).collect();
    Unit { after, ..Unit::new(key, "test", json!({ "of": key })) }
}

fn job(key: &str, units: Vec<Unit>) -> Job {
    Job {
        key: key.into(),
        kind: "test".into(),
        title: key.into(),
        deployment: None,
        priority: Priority::BACKGROUND,
        units,
    }
}

/// Keys in the order in which they are taken up; each is finished at once.
fn run_all(ledger: &mut Ledger) -> Vec<String> {
    let mut order = Vec::new();
    while let Claim::Unit(unit) = ledger.claim(0, 0, true, i64::MAX - 1).expect("claim") {
        ledger.finish(unit.id, &json!(unit.key), 1).expect("finish");
        order.push(unit.key);
    }
    order
}

fn take(ledger: &mut Ledger) -> Claimed {
    match ledger.claim(0, 0, true, 0).expect("claim") {
        Claim::Unit(unit) => unit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_added_makes_only_what_it_touches() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let before = vec![unit("a", &[]), unit("b", &[]), unit("top 1", &["a", "b"])];
    let first = ledger.submit(&job("j", before), 1).expect("submit");
    assert_eq!((first.added, first.known, first.dropped), (3, 0, 0));
    assert_eq!(run_all(ledger), ["a", "b", "top 1"]);
    assert_eq!(ledger.job(first.job, 0).expect("job").state, JobState::Done);

    let after = vec![unit("a", &[]), unit("b2", &[]), unit("top 2", &["a", "b2"])];
    let second = ledger.submit(&job("j", after), 2).expect("submit");
    assert_eq!(second, Submitted { job: first.job, added: 2, known: 1, dropped: 2 });
    assert_eq!(run_all(ledger), ["b2", "top 2"]);
    assert_eq!(ledger.output_of("a").expect("read"), Some(json!("a")));
    assert_eq!(ledger.output_of("b").expect("read"), None);
}

#[test]
fn a_unit_that_two_jobs_want_runs_once_and_is_given_up_with_the_last_of_them() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let one = ledger.submit(&job("1", vec![unit("a", &[]), unit("b", &[])]), 1).expect("1").job;
    let two = ledger.submit(&job("2", vec![unit("b", &[]), unit("c", &[])]), 1).expect("2").job;
    ledger.wish(one, Wish::Cancel, 2).expect("cancel");
    assert_eq!(run_all(ledger), ["b", "c"]);
    assert_eq!(ledger.job(two, 0).expect("job").state, JobState::Done);
    let first = ledger.job(one, 0).expect("job");
    assert_eq!((first.state, first.done, first.waiting), (JobState::Cancelled, 1, 1));
    ledger.wish(one, Wish::GoOn, 3).expect("go on");
    assert_eq!(run_all(ledger), ["a"]);
}

#[test]
fn what_is_looked_at_comes_first_with_all_that_it_needs() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let units = vec![
        unit("a", &[]),
        unit("b", &[]),
        unit("c", &[]),
        unit("ab", &["a", "b"]),
        unit("c top", &["c"]),
    ];
    ledger.submit(&job("j", units), 1).expect("submit");
    ledger.submit(&Job { priority: Priority(5), ..job("k", vec![unit("z", &[])]) }, 1).expect("k");
    ledger.raise(&["c top".into(), "nothing".into()], 1000).expect("raise");
    assert_eq!(run_all(ledger), ["c", "c top", "z", "a", "b", "ab"]);
}

#[test]
fn a_plan_that_can_never_end_is_refused_and_changes_nothing() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    for (units, word) in [
        (vec![unit("a", &["b"]), unit("b", &["a"])], "circle"),
        (vec![unit("a", &["x"])], "no unit"),
        (vec![unit("a", &[]), unit("a", &[])], "two"),
    ] {
        let error = ledger.submit(&job("j", units), 1).expect_err("refused").to_string();
        assert!(error.contains(word), "{error}");
    }
    assert!(ledger.jobs(0).expect("jobs").is_empty());
}

#[test]
fn a_failed_unit_keeps_its_followers_back_until_it_is_tried_again() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let id =
        ledger.submit(&job("j", vec![unit("a", &[]), unit("top", &["a"])]), 1).expect("submit").job;
    let a = take(ledger);
    let again = Failed { message: "no answer", again_at_ms: Some(50) };
    ledger.fail(a.id, again, 10).expect("fail");
    assert_eq!(ledger.claim(0, 0, true, 20).expect("claim"), Claim::Nothing { next_ms: Some(50) });
    let Claim::Unit(a) = ledger.claim(0, 0, true, 50).expect("claim") else { panic!("nothing") };
    assert_eq!(a.attempts, 1);
    ledger.fail(a.id, Failed { message: "no such file", again_at_ms: None }, 60).expect("fail");
    let stands = ledger.job(id, 0).expect("job");
    assert_eq!((stands.state, stands.failed, stands.waiting), (JobState::Failed, 1, 1));
    let failures = ledger.failures(id, 10).expect("failures");
    assert_eq!((failures[0].message.as_str(), failures[0].attempts), ("no such file", 2));
    ledger.wish(id, Wish::GoOn, 70).expect("retry");
    assert_eq!(run_all(ledger), ["a", "top"]);
    assert_eq!(ledger.job(id, 0).expect("job").state, JobState::Done);
}

#[test]
fn what_ends_the_program_again_and_again_is_given_up() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let id = ledger.submit(&job("j", vec![unit("a", &[])]), 1).expect("submit").job;
    let mut starts = 0;
    while let Claim::Unit(_) = ledger.claim(0, 0, true, 1).expect("claim") {
        starts += 1;
        assert!(starts < 100, "given up at some time");
        assert_eq!(ledger.recover(2).expect("recover"), 1);
    }
    let failures = ledger.failures(id, 1).expect("failures");
    assert!(failures[0].message.contains("10 times"), "{failures:?}");
}

#[test]
fn a_unit_that_does_not_fit_is_waited_for_and_not_overtaken() {
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let large = Unit { memory_bytes: 100, ..unit("large", &[]) };
    ledger.submit(&job("j", vec![large, unit("small", &[])]), 1).expect("submit");
    assert_eq!(ledger.claim(0, 99, false, 1).expect("claim"), Claim::NoRoom);
    let Claim::Unit(first) = ledger.claim(0, 99, true, 1).expect("claim") else { panic!("none") };
    assert_eq!(first.key, "large", "alone it runs whatever it takes");
}

/// What may happen to a ledger.
#[derive(Clone, Debug)]
enum Step {
    Submit(usize, u16),
    Remove(usize),
    Claim,
    Finish(usize),
    Fail(usize, bool),
    PutBack(usize),
    Recover,
    Wish(usize, Wish),
    Raise(usize),
    Redo(usize),
}

/// Units of the random jobs, with what they come after.
const PLAN: [(&str, &[&str]); 9] = [
    ("a", &[]),
    ("b", &[]),
    ("c", &[]),
    ("d", &[]),
    ("ab", &["a", "b"]),
    ("cd", &["c", "d"]),
    ("bc", &["b", "c"]),
    ("top", &["ab", "cd"]),
    ("end", &["top", "bc"]),
];

/// The units of a mask, with all that they need.
fn planned(mask: u16) -> Vec<Unit> {
    let mut wanted: Vec<&str> = Vec::new();
    for (index, (key, after)) in PLAN.iter().enumerate().rev() {
        if mask & (1 << index) != 0 || wanted.contains(key) {
            wanted.push(key);
            wanted.extend(*after);
        }
    }
    let chosen = PLAN.iter().filter(|(key, _)| wanted.contains(key));
    chosen.map(|(key, after)| unit(key, after)).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let wish = prop_oneof![Just(Wish::GoOn), Just(Wish::Pause), Just(Wish::Cancel)];
    prop_oneof![
        3 => (0..3usize, 0..512u16).prop_map(|(job, mask)| Step::Submit(job, mask)),
        1 => (0..3usize).prop_map(Step::Remove),
        8 => Just(Step::Claim),
        6 => (0..4usize).prop_map(Step::Finish),
        2 => (0..4usize, any::<bool>()).prop_map(|(which, again)| Step::Fail(which, again)),
        1 => (0..4usize).prop_map(Step::PutBack),
        1 => Just(Step::Recover),
        3 => (0..3usize, wish).prop_map(|(job, wish)| Step::Wish(job, wish)),
        1 => (0..9usize).prop_map(Step::Raise),
        1 => (0..9usize).prop_map(Step::Redo),
    ]
}

fn count(ledger: &Ledger, sql: &str) -> i64 {
    ledger.database.query_row(sql, [], |row| row.get(0)).expect(sql)
}

/// What holds after every step, whatever happened.
fn check(ledger: &Ledger) {
    const ACTIVE: &str = "EXISTS (SELECT 1 FROM wanted JOIN job ON job.id = wanted.job
        WHERE wanted.unit = unit.id AND job.wish = 0)";
    const OPEN: &str = "(SELECT count(*) FROM dependency JOIN unit AS before
        ON before.id = predecessor WHERE dependency.unit = unit.id AND before.state <> 3)";
    for (what, wrong) in [
        ("counts", "SELECT count(*) FROM tally WHERE units <> (SELECT count(*) FROM wanted
            JOIN unit ON unit.id = wanted.unit WHERE wanted.job = tally.job AND unit.state = tally.state)".to_owned()),
        ("waiting", format!("SELECT count(*) FROM unit WHERE state = 0 AND (waits_for <> 0 OR NOT {ACTIVE})")),
        ("blocked", format!("SELECT count(*) FROM unit WHERE state = 1 AND (waits_for = 0 OR NOT {ACTIVE})")),
        ("held", format!("SELECT count(*) FROM unit WHERE state = 5 AND {ACTIVE}")),
        ("predecessors", format!("SELECT count(*) FROM unit WHERE waits_for <> {OPEN}")),
        ("outputs", "SELECT count(*) FROM unit WHERE (state = 3) <> (outputs IS NOT NULL)".into()),
        ("nobody's", "SELECT count(*) FROM unit WHERE state <> 2
            AND NOT EXISTS (SELECT 1 FROM wanted WHERE unit = unit.id)".into()),
    ] {
        assert_eq!(count(ledger, &wrong), 0, "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_wanted_unit_is_done_in_the_end(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut kept = ledger();
        let ledger = &mut kept.ledger;
        let mut running: Vec<Claimed> = Vec::new();
        for (now, step) in (1i64..).zip(steps) {
            let jobs: HashMap<String, i64> =
                ledger.jobs(0).expect("jobs").into_iter().map(|j| (j.key, j.id)).collect();
            let take = |which: usize, running: &mut Vec<Claimed>| {
                (!running.is_empty()).then(|| running.remove(which % running.len()))
            };
            match step {
                Step::Submit(number, mask) => {
                    let plan = job(&number.to_string(), planned(mask));
                    ledger.submit(&plan, now).expect("submit");
                }
                Step::Remove(number) => ledger.remove(&number.to_string()).expect("remove"),
                Step::Claim => {
                    if let Claim::Unit(unit) = ledger.claim(0, 0, true, now).expect("claim") {
                        running.push(unit);
                    }
                }
                Step::Finish(which) => if let Some(unit) = take(which, &mut running) {
                    ledger.finish(unit.id, &json!(1), now).expect("finish");
                },
                Step::Fail(which, again) => if let Some(unit) = take(which, &mut running) {
                    let again_at_ms = again.then_some(now + 3);
                    ledger.fail(unit.id, Failed { message: "x", again_at_ms }, now).expect("fail");
                },
                Step::PutBack(which) => if let Some(unit) = take(which, &mut running) {
                    ledger.put_back(unit.id).expect("put back");
                },
                Step::Recover => {
                    running.clear();
                    ledger.recover(now).expect("recover");
                }
                Step::Wish(number, wish) => if let Some(id) = jobs.get(&number.to_string()) {
                    ledger.wish(*id, wish, now).expect("wish");
                },
                Step::Raise(which) => {
                    ledger.raise(&[PLAN[which].0.to_owned()], now).expect("raise");
                }
                Step::Redo(which) => {
                    let sql = "SELECT coalesce(max(id), 0) FROM unit WHERE key = ";
                    let id = count(ledger, &format!("{sql}'{}'", PLAN[which].0));
                    ledger.redo(&[id]).expect("redo");
                }
            }
            check(ledger);
        }
        ledger.recover(1000).expect("recover");
        for job in ledger.jobs(0).expect("jobs") {
            ledger.wish(job.id, Wish::GoOn, 1000).expect("go on");
        }
        run_all(ledger);
        check(ledger);
        for job in ledger.jobs(0).expect("jobs") {
            prop_assert_eq!(job.state, JobState::Done, "{:?}", job);
        }
    }
}

#[test]
fn a_hundred_thousand_units_are_planned_taken_up_and_given_up() {
    const UNITS: usize = 100_000;
    let mut kept = ledger();
    let ledger = &mut kept.ledger;
    let plan = |changed: usize| {
        let version = |is_changed: bool| if is_changed { "new" } else { "old" };
        let mut units: Vec<Unit> = (0..UNITS)
            .map(|n| unit(&format!("shard {n} {}", version(n == changed)), &[]))
            .collect();
        for (n, part) in units.clone().chunks(128).enumerate() {
            let after = part.iter().map(|u| u.key.clone()).collect();
            units.push(Unit {
                after,
                ..unit(&format!("top {n} {}", version(n == changed / 128)), &[])
            });
        }
        job("j", units)
    };
    let all = UNITS + UNITS.div_ceil(128);
    let first = ledger.submit(&plan(usize::MAX), 1).expect("submit");
    assert_eq!((first.added, first.known), (all, 0));
    for _ in 0..500 {
        let unit = take(ledger);
        ledger.finish(unit.id, &json!(1), 1).expect("finish");
    }
    let second = ledger.submit(&plan(70_000), 2).expect("submit");
    assert_eq!((second.added, second.known, second.dropped), (2, all - 2, 2));
    ledger.wish(first.job, Wish::Cancel, 3).expect("cancel");
    assert_eq!(ledger.claim(0, 0, true, 3).expect("claim"), Claim::Nothing { next_ms: None });
    ledger.wish(first.job, Wish::GoOn, 4).expect("go on");
    let stands = ledger.job(first.job, 4).expect("job");
    assert_eq!((stands.total, stands.done), (all as u64, 500));
    ledger.raise(&["top 600 old".into()], 9).expect("raise");
    assert_eq!(take(ledger).key, "shard 76800 old");
}
