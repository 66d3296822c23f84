//! How well calls are found: what a detector or a network told, beside what is true.
//!
//! Everything here is arithmetic on [`Session`]s: who listened, and where truth comes from, is not its
//! business. *Call level* counts calls, matched one to one with candidates that miss them by a buffer at most;
//! *window level* counts windows of one length, so that curves and calibration can be told. Figures of several
//! classes are pooled: each call, window and candidate counts once.

mod bootstrap;
mod calibration;
mod calls;
mod curve;
mod session;
mod snr;
mod tally;
mod windows;

use std::collections::BTreeMap;

use serde::Serialize;

pub use bootstrap::{Bootstrap, Interval, intervals, quantile};
pub use calibration::{Reliability, ReliabilityBin, reliability};
pub use calls::{CallOutcome, CandidateOutcome, MatchedCalls};
pub use curve::{
    PrecisionRecallPoint, Ranked, RocPoint, Step, average_precision, best_threshold,
    precision_recall, recall_weighted, roc, roc_auc, thinned,
};
pub use session::{HeardRecording, Piece, Session, ToldCall, TrueCall};
pub use snr::{FromHereOn, SnrBin, at_0_db, by_snr};
pub use tally::Tally;
pub use windows::{Confusion, ScoredWindow, confusion, ranked, tallies, windows};

/// How far a candidate may miss its call: what is told first, and what stands beside it.
pub const BUFFER_S: f64 = 1.5;
/// See [`BUFFER_S`].
pub const WIDE_BUFFER_S: f64 = 3.0;
/// Bins of a reliability diagram.
const RELIABILITY_BINS: usize = 10;
/// Points of a curve that are told: more can't be seen.
const CURVE_POINTS: usize = 400;
const NANOS: f64 = 1e9;

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The classes, each with the threshold from which on its candidates count.
    pub classes: Vec<(String, f64)>,
    /// Whether scores are probabilities, so that it can be told whether they are true.
    pub are_probabilities: bool,
    /// Length of a window.
    pub window_s: f64,
    /// How intervals are found.
    pub bootstrap: Bootstrap,
}

/// How well it went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Of windows.
    pub window_level: Level,
    /// Of calls, with a buffer of 1.5 s.
    pub call_level: Level,
    /// Of calls, with a buffer of 3 s.
    pub call_level_3s: Level,
    /// By class.
    pub by_class: BTreeMap<String, ClassDetails>,
    /// Windows by what they hold and what was told.
    pub confusion: Confusion,
    /// By recording, in order.
    pub recordings: Vec<RecordingRow>,
    /// Hours that were listened to.
    pub hours: f64,
}

/// Figures of a level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    /// Of all classes.
    #[serde(flatten)]
    pub overall: Figures,
    /// Of each.
    pub by_class: BTreeMap<String, Figures>,
    /// How far a candidate may miss its call; of windows, how near to a call one is neither with nor without it.
    pub buffer_s: f64,
    /// Length of a window, where windows are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_s: Option<f64>,
}

/// Figures at the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Share of what was told that is right; 0 where nothing was told.
    pub precision: f64,
    /// Share of what is there that was told; 0 where nothing is there.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// What was told wrongly, an hour of sound.
    pub fp_per_hour: f64,
    /// The same of pieces, an hour at most, that no call touches: of a class none of its own, of all classes none
    /// of any. Of windows it is not told.
    pub fp_per_call_free_hour: Option<f64>,
    /// Hours of such pieces.
    pub call_free_hours: Option<f64>,
    /// Told, and there.
    pub true_positives: u64,
    /// Told, and not there.
    pub false_positives: u64,
    /// There, and not told.
    pub false_negatives: u64,
    /// Average precision; the mean of the classes' for all of them.
    pub ap: Option<f64>,
    /// Area under the ROC curve, likewise; of calls there is none, as nobody can count what is no call.
    pub auc: Option<f64>,
    /// The threshold; of all classes there is none.
    pub threshold: Option<f64>,
    /// The threshold that would have given the best F1 here: to be told, not to be chosen by.
    pub best_threshold: Option<f64>,
    /// That F1.
    pub best_f1: Option<f64>,
    /// 95 % intervals by the bootstrap over recordings; absent with fewer than two of them.
    pub interval: Intervals,
}

/// Intervals of figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "named as the figures")]
pub struct Intervals {
    pub precision: Option<Interval>,
    pub recall: Option<Interval>,
    pub f1: Option<Interval>,
    pub fp_per_hour: Option<Interval>,
    pub ap: Option<Interval>,
    pub auc: Option<Interval>,
}

/// Curves of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassDetails {
    /// Calls that are there.
    pub calls: usize,
    /// Windows that hold one.
    pub positive_windows: usize,
    /// Windows that hold none.
    pub negative_windows: usize,
    /// Of windows.
    pub roc: Vec<RocPoint>,
    /// Of windows.
    pub precision_recall: Vec<PrecisionRecallPoint>,
    /// Of calls, with a buffer of 1.5 s.
    pub call_precision_recall: Vec<PrecisionRecallPoint>,
    /// Whether scores of windows are true, where they are probabilities.
    pub calibration: Option<Reliability>,
    /// By signal-to-noise ratio, where truth knows it.
    pub by_snr: Option<Vec<SnrBin>>,
    /// Of calls of 0 dB or more: fainter ones that were missed are not counted.
    pub at_0_db_or_more: Option<FromHereOn>,
}

/// A recording's own figures, of calls with a buffer of 1.5 s.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordingRow {
    /// Its name.
    pub recording: String,
    /// How long it is.
    pub hours: f64,
    /// Calls of all classes.
    pub calls: u64,
    /// Found.
    pub true_positives: u64,
    /// Told, and not there.
    pub false_positives: u64,
    /// Missed.
    pub false_negatives: u64,
    /// See [`Figures::precision`].
    pub precision: f64,
    /// See [`Figures::recall`].
    pub recall: f64,
    /// See [`Figures::f1`].
    pub f1: f64,
    /// See [`Figures::fp_per_hour`].
    pub fp_per_hour: f64,
}

/// Compares what was told with what is true. Sessions have clocks of their own.
pub fn evaluate(sessions: &[Session], asked: &Question) -> Evaluation {
    let classes = asked.classes.len();
    let ns = |seconds: f64| (seconds * NANOS).round() as i64;
    let mut names: Vec<String> = Vec::new();
    let mut hours: Vec<f64> = Vec::new();
    let mut scored: Vec<ScoredWindow> = Vec::new();
    let mut narrow = vec![MatchedCalls::default(); classes];
    let mut wide = vec![MatchedCalls::default(); classes];
    for session in sessions {
        let before = names.len();
        names.extend(session.recordings.iter().map(|recording| recording.name.clone()));
        hours.extend(session.recordings.iter().map(HeardRecording::hours));
        let cut = windows(session, classes, ns(asked.window_s).max(1), ns(BUFFER_S));
        scored
            .extend(cut.into_iter().map(|w| ScoredWindow { recording: w.recording + before, ..w }));
        for (class, (narrow, wide)) in narrow.iter_mut().zip(&mut wide).enumerate() {
            narrow.extend(MatchedCalls::of(session, class, ns(BUFFER_S)), before);
            wide.extend(MatchedCalls::of(session, class, ns(WIDE_BUFFER_S)), before);
        }
    }
    let call_level = call_level(&narrow, asked, &hours, BUFFER_S);
    let class_names: Vec<String> = asked.classes.iter().map(|(name, _)| name.clone()).collect();
    let thresholds: Vec<f64> = asked.classes.iter().map(|(_, threshold)| *threshold).collect();
    let details = class_names.iter().enumerate().zip(&narrow).map(|((class, name), matched)| {
        (name.clone(), details(&scored, class, matched, thresholds[class], asked))
    });
    Evaluation {
        by_class: details.collect(),
        window_level: window_level(&scored, asked, &hours),
        call_level_3s: self::call_level(&wide, asked, &hours, WIDE_BUFFER_S),
        confusion: confusion(&scored, &class_names, &thresholds),
        recordings: rows(&names, &narrow, &thresholds, &hours),
        hours: hours.iter().sum(),
        call_level,
    }
}

/// A class's tallies by recording, its ranking where areas under curves can be told, and what is there.
struct OfClass {
    tallies: Vec<Tally>,
    /// What was told in pieces that are free of its calls.
    free: Option<Tally>,
    /// In pieces that are free of the calls of all classes: the hours are the same for each.
    all_free: Option<Tally>,
    ranked: Ranked,
    /// By recording: how many positives nothing has scored.
    unscored: Vec<f64>,
    has_auc: bool,
}

impl OfClass {
    fn areas(&self, weight: impl Fn(usize) -> f64) -> (Option<f64>, Option<f64>, Vec<Step>) {
        let unscored: f64 = self.unscored.iter().enumerate().map(|(i, n)| n * weight(i)).sum();
        let steps = self.ranked.steps(weight);
        let positives = steps.last().map_or(0.0, |step| step.right) + unscored;
        let ap = (positives > 0.0).then(|| recall_weighted(&steps, positives));
        let auc = if self.has_auc { roc_auc(&steps) } else { None };
        (ap, auc, steps)
    }

    fn positives(&self) -> f64 {
        let sum = Tally::sum(self.tallies.iter().copied());
        sum.right + sum.missed
    }
}

fn call_level(matched: &[MatchedCalls], asked: &Question, hours: &[f64], buffer_s: f64) -> Level {
    let of = |(matched, (_, threshold)): (&MatchedCalls, &(String, f64))| {
        let mut unscored = vec![0.0; hours.len()];
        for call in matched.calls.iter().filter(|call| call.found_by.is_none()) {
            if let Some(count) = unscored.get_mut(call.recording) {
                *count += 1.0;
            }
        }
        let rows = matched.candidates.iter().map(|c| (c.score, c.call.is_some(), c.recording));
        OfClass {
            tallies: matched.tallies(*threshold, hours),
            free: Some(Tally::sum(matched.free_tallies(*threshold))),
            all_free: Some(Tally::sum(matched.all_free_tallies(*threshold))),
            ranked: Ranked::new(rows),
            unscored,
            has_auc: false,
        }
    };
    let all: Vec<OfClass> = matched.iter().zip(&asked.classes).map(of).collect();
    level(&all, asked, hours, buffer_s, None)
}

fn window_level(scored: &[ScoredWindow], asked: &Question, hours: &[f64]) -> Level {
    let of = |(class, (_, threshold)): (usize, &(String, f64))| OfClass {
        tallies: tallies(scored, class, *threshold, hours),
        free: None,
        all_free: None,
        ranked: ranked(scored, class),
        unscored: vec![0.0; hours.len()],
        has_auc: true,
    };
    let all: Vec<OfClass> = asked.classes.iter().enumerate().map(of).collect();
    level(&all, asked, hours, BUFFER_S, Some(asked.window_s))
}

fn level(
    all: &[OfClass],
    asked: &Question,
    hours: &[f64],
    buffer_s: f64,
    window_s: Option<f64>,
) -> Level {
    let overall = figures(&all.iter().collect::<Vec<_>>(), None, asked.bootstrap, hours);
    let by_class = all.iter().zip(&asked.classes).map(|(of, (name, threshold))| {
        (name.clone(), figures(&[of], Some(*threshold), asked.bootstrap, hours))
    });
    Level { overall, by_class: by_class.collect(), buffer_s, window_s }
}

/// Figures of one class, or of several together.
fn figures(
    all: &[&OfClass],
    threshold: Option<f64>,
    bootstrap: Bootstrap,
    hours: &[f64],
) -> Figures {
    // Time passes once, however many classes are listened for.
    let pooled = |of: &dyn Fn(&OfClass) -> Vec<Tally>| -> Vec<Tally> {
        let mut sums = vec![Tally::default(); hours.len()];
        for class in all {
            for (sum, tally) in sums.iter_mut().zip(of(class)) {
                *sum += Tally { hours: 0.0, ..tally };
            }
        }
        sums.iter_mut().zip(hours).for_each(|(sum, hours)| sum.hours = *hours);
        sums
    };
    let by_recording = pooled(&|class| class.tallies.clone());
    let sum = Tally::sum(by_recording.iter().copied());
    let with_calls: Vec<&&OfClass> = all.iter().filter(|class| class.positives() > 0.0).collect();
    let mean = |values: Vec<Option<f64>>| {
        let known: Option<Vec<f64>> = values.into_iter().collect();
        known.filter(|v| !v.is_empty()).map(|v| v.iter().sum::<f64>() / v.len() as f64)
    };
    let areas = |weight: &dyn Fn(usize) -> f64| {
        let (aps, aucs) = with_calls
            .iter()
            .map(|class| {
                let (ap, auc, _) = class.areas(weight);
                (ap, auc)
            })
            .unzip();
        (mean(aps), mean(aucs))
    };
    let (ap, auc) = areas(&|_| 1.0);
    let best = match (all, threshold) {
        ([class], Some(_)) => best_threshold(&class.areas(|_| 1.0).2, class.positives()),
        _ => None,
    };
    let free = match all {
        [class] => class.free,
        // Time passes once here, too.
        several => several
            .iter()
            .map(|class| class.all_free)
            .reduce(|sum, one| {
                let (sum, one) = (sum?, one?);
                Some(Tally { wrong: sum.wrong + one.wrong, ..sum })
            })
            .flatten(),
    };
    let drawn = intervals(hours.len(), bootstrap, |weights| {
        let weighted = by_recording.iter().zip(weights).map(|(tally, weight)| *tally * *weight);
        let tally = Tally::sum(weighted);
        let weight = |recording: usize| weights.get(recording).copied().unwrap_or(0.0);
        let (ap, auc) = areas(&weight);
        let (told, there) = (tally.right + tally.wrong, tally.right + tally.missed);
        [
            (told > 0.0).then(|| tally.precision()),
            (there > 0.0).then(|| tally.recall()),
            (there > 0.0).then(|| tally.f1()),
            (tally.hours > 0.0).then(|| tally.fp_per_hour()),
            ap,
            auc,
        ]
    });
    let [precision, recall, f1, fp_per_hour, of_ap, of_auc] = drawn;
    Figures {
        precision: sum.precision(),
        recall: sum.recall(),
        f1: sum.f1(),
        fp_per_hour: sum.fp_per_hour(),
        fp_per_call_free_hour: free.filter(|f| f.hours > 0.0).map(|f| f.fp_per_hour()),
        call_free_hours: free.map(|free| free.hours),
        true_positives: sum.right as u64,
        false_positives: sum.wrong as u64,
        false_negatives: sum.missed as u64,
        ap,
        auc,
        threshold,
        best_threshold: best.map(|(threshold, _)| threshold),
        best_f1: best.map(|(_, f1)| f1),
        interval: Intervals { precision, recall, f1, fp_per_hour, ap: of_ap, auc: of_auc },
    }
}

fn details(
    scored: &[ScoredWindow],
    class: usize,
    matched: &MatchedCalls,
    threshold: f64,
    asked: &Question,
) -> ClassDetails {
    let steps = ranked(scored, class).steps(|_| 1.0);
    let last = steps.last().map_or((0.0, 0.0), |step| (step.right, step.found - step.right));
    let pairs = scored.iter().filter_map(|window| {
        Some((*window.scores.get(class)?, window.holds.get(class).copied().flatten()?))
    });
    let calibration =
        asked.are_probabilities.then(|| reliability(&pairs.collect::<Vec<_>>(), RELIABILITY_BINS));
    let calls = matched.calls.len() as f64;
    ClassDetails {
        calls: matched.calls.len(),
        positive_windows: last.0 as usize,
        negative_windows: last.1 as usize,
        roc: thinned(&roc(&steps), CURVE_POINTS),
        precision_recall: thinned(&precision_recall(&steps, last.0), CURVE_POINTS),
        call_precision_recall: thinned(&precision_recall(&matched.steps(), calls), CURVE_POINTS),
        calibration,
        by_snr: by_snr(matched, threshold),
        at_0_db_or_more: at_0_db(matched, threshold),
    }
}

fn rows(
    names: &[String],
    matched: &[MatchedCalls],
    thresholds: &[f64],
    hours: &[f64],
) -> Vec<RecordingRow> {
    let mut sums = vec![Tally::default(); names.len()];
    for (matched, threshold) in matched.iter().zip(thresholds) {
        for (sum, tally) in sums.iter_mut().zip(matched.tallies(*threshold, hours)) {
            *sum += Tally { hours: 0.0, ..tally };
        }
    }
    let row = |((name, sum), hours): ((&String, &Tally), &f64)| {
        let tally = Tally { hours: *hours, ..*sum };
        RecordingRow {
            recording: name.clone(),
            hours: *hours,
            calls: (tally.right + tally.missed) as u64,
            true_positives: tally.right as u64,
            false_positives: tally.wrong as u64,
            false_negatives: tally.missed as u64,
            precision: tally.precision(),
            recall: tally.recall(),
            f1: tally.f1(),
            fp_per_hour: tally.fp_per_hour(),
        }
    };
    names.iter().zip(&sums).zip(hours).map(row).collect()
}
