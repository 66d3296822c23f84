//! What the detectors hear in the demo, held against its truth: recall and precision at the presets'
//! thresholds.
//!
//! The thresholds were set on the demo of seed 2; what is asked for here is asked of seed 1. The floors lie
//! a few per cent below what was measured when they were written.

use std::ops::Range;

use rayon::prelude::*;
use spyhop_api::time::NANOS_PER_S;
use spyhop_signal::detect::{Candidate, Heard, Listener, call_types};

use super::chance::Seed;
use super::scene::{Made, Scene};
use super::truth::Truth;
use super::{bank_in_march, gulf_night, winter_song};

const SEED: u64 = 1;

/// A stretch that was heard in one go: what was found in it, and what is in it.
struct Session {
    found: Vec<Candidate>,
    truths: Vec<Truth>,
    scene_start_ns: i64,
}

/// Makes recordings and listens to them, one after the other, for each type of call.
fn listened(scene: &Scene, recordings: Range<usize>, ids: &[&str]) -> Vec<Session> {
    let made: Vec<Made> = recordings.clone().into_par_iter().map(|i| scene.make(i)).collect();
    let types = call_types();
    let listened = |id: &&str| {
        let call = types.iter().find(|call| call.id == *id).expect("known");
        let mut listener = Listener::new(call, scene.rate_hz).expect("it fits");
        let mut heard = Heard::default();
        for (made, plan) in made.iter().zip(&scene.recordings[recordings.clone()]) {
            let mut rest = made.samples.as_slice();
            for &(first, frames) in &plan.runs {
                listener.begin(scene.clock(first), 0, &mut heard);
                let (run, after) = rest.split_at(frames);
                let samples: Vec<f32> = run.iter().map(|x| f32::from(*x) / 32_768.0).collect();
                samples.chunks(1 << 16).for_each(|part| listener.push(part, &mut heard));
                rest = after;
            }
        }
        listener.finish(&mut heard);
        let threshold = call.method.thresholds().1;
        let found = heard.candidates.into_iter().filter(|c| f64::from(c.score) >= threshold);
        let mut truths: Vec<Truth> = Vec::new();
        for truth in made.iter().flat_map(|made| &made.truths) {
            // A sound that spans two files stands in both.
            if !truths.contains(truth) {
                truths.push(truth.clone());
            }
        }
        Session { found: found.collect(), truths, scene_start_ns: scene.origin.0 }
    };
    ids.par_iter().map(listened).collect()
}

impl Session {
    fn span_s(&self, candidate: &Candidate) -> Range<f64> {
        let s = |ns: i64| (ns - self.scene_start_ns) as f64 / NANOS_PER_S as f64;
        s(candidate.start_ns)..s(candidate.end_ns)
    }

    fn of<'a>(&'a self, labels: &'a [&str]) -> impl Iterator<Item = &'a Truth> {
        self.truths.iter().filter(|t| labels.contains(&t.label))
    }
}

/// How much two spans share.
fn shared(a: &Range<f64>, b: &Range<f64>) -> f64 {
    (a.end.min(b.end) - a.start.max(b.start)).max(0.0)
}

/// How much of a span others cover together.
fn covered(span: &Range<f64>, others: impl Iterator<Item = Range<f64>>) -> f64 {
    let mut inside: Vec<Range<f64>> = others
        .map(|o| o.start.max(span.start)..o.end.min(span.end))
        .filter(|o| o.end > o.start)
        .collect();
    inside.sort_by(|a, b| a.start.total_cmp(&b.start));
    let (mut sum, mut end) = (0.0, span.start);
    for part in inside {
        sum += (part.end - part.start.max(end)).max(0.0);
        end = end.max(part.end);
    }
    sum
}

/// Counts of what was found and what was right.
#[derive(Debug, Default)]
struct Score {
    truths: usize,
    found: usize,
    candidates: usize,
    right: usize,
}

impl Score {
    fn recall(&self) -> f64 {
        self.found as f64 / self.truths.max(1) as f64
    }

    fn precision(&self) -> f64 {
        self.right as f64 / self.candidates.max(1) as f64
    }

    fn add(&mut self, other: &Score) {
        self.truths += other.truths;
        self.found += other.found;
        self.candidates += other.candidates;
        self.right += other.right;
    }
}

/// Of single calls: a candidate is right where it shares a third of the shorter's time, and some of its
/// band, with a call; such a call is found.
fn calls(session: &Session, labels: &[&str], counts: impl Fn(&Truth) -> bool) -> Score {
    let truths: Vec<&Truth> = session.of(labels).collect();
    let agrees = |candidate: &Candidate, truth: &Truth| {
        let (span, call) = (session.span_s(candidate), truth.start_s..truth.end_s);
        let least = (span.end - span.start).min(call.end - call.start) / 3.0;
        shared(&span, &call) > least
            && candidate.low_hz < truth.high_hz
            && candidate.high_hz > truth.low_hz
    };
    let found = |truth: &&&Truth| session.found.iter().any(|c| agrees(c, truth));
    let counted: Vec<&Truth> = truths.iter().copied().filter(|t| counts(t)).collect();
    Score {
        truths: counted.len(),
        found: counted.iter().filter(found).count(),
        candidates: session.found.len(),
        right: session.found.iter().filter(|c| truths.iter().any(|t| agrees(c, t))).count(),
    }
}

/// Of trains: one is found where candidates cover half of its time, a candidate is right where trains cover
/// half of its.
fn trains(session: &Session, labels: &[&str]) -> Score {
    let spans = || session.found.iter().map(|c| session.span_s(c));
    let truths: Vec<Range<f64>> = session.of(labels).map(|t| t.start_s..t.end_s).collect();
    let half = |span: &Range<f64>| 0.5 * (span.end - span.start);
    Score {
        truths: truths.len(),
        found: truths.iter().filter(|t| covered(t, spans()) >= half(t)).count(),
        candidates: session.found.len(),
        right: spans().filter(|s| covered(s, truths.iter().cloned()) >= half(s)).count(),
    }
}

#[test]
fn right_whales_are_heard_on_the_bank_among_what_is_easily_taken_for_them() {
    let scene = bank_in_march::plan(Seed(SEED));
    let all = listened(&scene, 0..scene.recordings.len(), &["upcall", "fin-20hz"]);
    let every = calls(&all[0], &["upcall"], |_| true);
    let clear = calls(&all[0], &["upcall"], |t| t.snr_db > 6.0);
    println!(
        "upcalls: {every:?}, recall {:.3}, precision {:.3}",
        every.recall(),
        every.precision()
    );
    println!("clear upcalls: recall {:.3}", clear.recall());
    assert!(every.truths > 300 && every.recall() > 0.62 && every.precision() > 0.9, "{every:?}");
    assert!(clear.recall() > 0.88, "{clear:?}");
    let fins = calls(&all[1], &["20 Hz pulse"], |_| true);
    println!("fins: {fins:?}, recall {:.3}, precision {:.3}", fins.recall(), fins.precision());
    assert!(fins.recall() > 0.8 && fins.precision() > 0.87, "{fins:?}");
}

#[test]
fn dolphins_and_sperm_whales_are_heard_in_the_gulf() {
    let scene = gulf_night::plan(Seed(SEED));
    let ids = ["whistle", "click", "sperm-click"];
    let clicks = ["click train", "click train with buzz", "burst pulse"];
    let sperm = ["usual clicks", "creak", "coda"];
    let (mut whistle, mut click, mut deep) = (Score::default(), Score::default(), Score::default());
    // Dolphins, sperm whales, both of them hunting, and a boat.
    for recordings in [0..4, 4..6, 18..21, 12..14] {
        let all = listened(&scene, recordings, &ids);
        whistle.add(&calls(&all[0], &["whistle"], |_| true));
        click.add(&trains(&all[1], &clicks));
        deep.add(&trains(&all[2], &sperm));
    }
    for (name, score) in [("whistles", &whistle), ("clicks", &click), ("sperm whales", &deep)] {
        println!(
            "{name}: {score:?}, recall {:.3}, precision {:.3}",
            score.recall(),
            score.precision()
        );
    }
    assert!(
        whistle.truths > 40 && whistle.recall() > 0.7 && whistle.precision() > 0.9,
        "{whistle:?}"
    );
    assert!(click.truths > 20 && click.recall() > 0.85 && click.precision() > 0.9, "{click:?}");
    assert!(deep.truths > 5 && deep.recall() > 0.8 && deep.precision() > 0.8, "{deep:?}");
}

#[test]
fn humpbacks_are_heard_through_the_shrimps() {
    let scene = winter_song::plan(Seed(SEED));
    let all = listened(&scene, 0..4, &["humpback"]);
    let labels: Vec<&str> = {
        let mut labels: Vec<&str> = all[0].truths.iter().map(|t| t.label).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    };
    let near = calls(&all[0], &labels, |t| t.individual == "near singer");
    println!("humpbacks: {near:?}, recall {:.3}, precision {:.3}", near.recall(), near.precision());
    assert!(near.truths > 60 && near.recall() > 0.6 && near.precision() > 0.8, "{near:?}");
}
