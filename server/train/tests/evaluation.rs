//! Figures of scored windows are those of scikit-learn.
//!
//! `fixtures/sklearn_scores.py` made the numbers. Both sides add up at most 300 doubles, in another order:
//! 1e-12 is a hundred times what that can change.

use std::ops::Range;

use serde::Deserialize;
use spyhop_train::evaluation::{
    Bootstrap, Evaluation, Figures, HeardRecording, Piece, Question, Ranked, Session, ToldCall,
    TrueCall, average_precision, evaluate, precision_recall, reliability, roc, roc_auc,
};

const TOLERANCE: f64 = 1e-12;
const S: i64 = 1_000_000_000;

#[derive(Deserialize)]
struct Case {
    name: String,
    scores: Vec<f32>,
    positive: Vec<bool>,
    threshold: f64,
    roc_auc: f64,
    average_precision: f64,
    curve: Curve,
    roc: Roc,
    confusion: [[u64; 2]; 2],
    precision: f64,
    recall: f64,
    f1: f64,
    calibration: Calibration,
    expected_calibration_error: f64,
}

#[derive(Deserialize)]
struct Curve {
    precision: Vec<f64>,
    recall: Vec<f64>,
    thresholds: Vec<f64>,
}

#[derive(Deserialize)]
struct Roc {
    false_positive_rate: Vec<f64>,
    true_positive_rate: Vec<f64>,
}

#[derive(Deserialize)]
struct Calibration {
    share: Vec<f64>,
    mean_score: Vec<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/sklearn_scores.json")).expect("the fixture")
}

fn near(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() < TOLERANCE, "{what}: {ours}, and scikit-learn says {theirs}");
}

fn all_near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    ours.iter().zip(theirs).for_each(|(ours, theirs)| near(*ours, *theirs, what));
}

/// The same windows as recordings: windows of 3 s, each with a score, and a call in those that hold one.
fn session(case: &Case) -> Session {
    // Windows of ten seconds apart, so that no call's buffer touches a neighbour.
    let begin = |i: usize| i as i64 * 10 * S;
    let span = |i: usize| -> Range<i64> { begin(i)..begin(i) + 3 * S };
    let recording =
        |(i, _): (usize, &f32)| HeardRecording { name: format!("{i}"), spans_ns: vec![span(i)] };
    let call = |(i, positive): (usize, &bool)| {
        let span_ns = begin(i) + S..begin(i) + 2 * S;
        positive.then_some(TrueCall { recording: i, class: 0, span_ns, snr_db: None })
    };
    let piece = |(i, score): (usize, &f32)| Piece { start_ns: begin(i), scores: vec![*score] };
    Session {
        recordings: case.scores.iter().enumerate().map(recording).collect(),
        calls: case.positive.iter().enumerate().filter_map(call).collect(),
        candidates: Vec::new(),
        pieces: case.scores.iter().enumerate().map(piece).collect(),
        piece_ns: 3 * S,
    }
}

fn evaluated(case: &Case) -> Evaluation {
    let asked = Question {
        classes: vec![("upcall".into(), case.threshold)],
        are_probabilities: true,
        window_s: 3.0,
        bootstrap: Bootstrap { draws: 20, seed: 1 },
    };
    evaluate(&[session(case)], &asked)
}

#[test]
fn curves_and_areas_are_those_of_scikit_learn() {
    for case in cases() {
        let name = &case.name;
        let rows = case.scores.iter().zip(&case.positive);
        let ranked = Ranked::new(rows.map(|(score, positive)| (*score, *positive, 0)));
        let steps = ranked.steps(|_| 1.0);
        near(average_precision(&steps), case.average_precision, name);
        near(roc_auc(&steps).expect("both classes"), case.roc_auc, name);

        let points = roc(&steps);
        let rate = |of: fn(&spyhop_train::evaluation::RocPoint) -> f64| -> Vec<f64> {
            points.iter().map(of).collect()
        };
        all_near(&rate(|p| p.false_positive_rate), &case.roc.false_positive_rate, name);
        all_near(&rate(|p| p.true_positive_rate), &case.roc.true_positive_rate, name);

        // scikit-learn's curve goes up in thresholds, and ends with a point that has none.
        let positives = case.positive.iter().filter(|positive| **positive).count() as f64;
        let mut points = precision_recall(&steps, positives);
        points.reverse();
        let n = case.curve.thresholds.len();
        let of = |of: fn(&spyhop_train::evaluation::PrecisionRecallPoint) -> f64| -> Vec<f64> {
            points.iter().map(of).collect()
        };
        all_near(&of(|p| p.precision), &case.curve.precision[..n], name);
        all_near(&of(|p| p.recall), &case.curve.recall[..n], name);
        all_near(&of(|p| f64::from(p.threshold)), &case.curve.thresholds, name);
    }
}

#[test]
fn what_is_told_of_windows_is_what_scikit_learn_tells() {
    for case in cases() {
        let name = &case.name;
        let found = evaluated(&case);
        let figures = &found.window_level.by_class["upcall"];
        near(figures.precision, case.precision, name);
        near(figures.recall, case.recall, name);
        near(figures.f1, case.f1, name);
        near(figures.ap.expect("calls"), case.average_precision, name);
        near(figures.auc.expect("both"), case.roc_auc, name);
        // scikit-learn has the negative class first.
        let [[tn, fp], [fn_, tp]] = case.confusion;
        assert_eq!(found.confusion.counts, [[tp, fn_], [fp, tn]], "{name}");
        let told = [figures.true_positives, figures.false_positives, figures.false_negatives];
        assert_eq!(told, [tp, fp, fn_], "{name}");
        near(found.window_level.overall.f1, figures.f1, name);
    }
}

#[test]
fn reliability_is_that_of_scikit_learn() {
    for case in cases() {
        let pairs: Vec<(f32, bool)> =
            case.scores.iter().copied().zip(case.positive.iter().copied()).collect();
        let found = reliability(&pairs, 10);
        let of = |of: fn(&spyhop_train::evaluation::ReliabilityBin) -> f64| -> Vec<f64> {
            found.bins.iter().map(of).collect()
        };
        all_near(&of(|bin| bin.share), &case.calibration.share, &case.name);
        all_near(&of(|bin| bin.mean_score), &case.calibration.mean_score, &case.name);
        near(found.expected_calibration_error, case.expected_calibration_error, &case.name);
    }
}

/// Three hours, with a call of one class in the first and of the other in the second.
#[test]
fn an_hour_is_free_of_all_classes_only_where_none_of_them_calls() {
    let span = |from_s: i64| from_s * S..(from_s + 1) * S;
    let call =
        |class, from_s| TrueCall { recording: 0, class, span_ns: span(from_s), snr_db: None };
    let told = |class, from_s| ToldCall { recording: 0, class, span_ns: span(from_s), score: 0.9 };
    let session = Session {
        recordings: vec![HeardRecording { name: "a".into(), spans_ns: vec![0..3 * 3600 * S] }],
        calls: vec![call(0, 100), call(1, 3700)],
        candidates: vec![told(0, 5000), told(0, 8000), told(1, 200), told(1, 8000), told(1, 9000)],
        ..Session::default()
    };
    let asked = Question {
        classes: vec![("upcall".into(), 0.5), ("gunshot".into(), 0.5)],
        are_probabilities: false,
        window_s: 3.0,
        bootstrap: Bootstrap { draws: 1, seed: 1 },
    };
    let level = evaluate(&[session], &asked).call_level;
    let free = |figures: &Figures| (figures.call_free_hours, figures.fp_per_call_free_hour);
    assert_eq!(free(&level.overall), (Some(1.0), Some(3.0)));
    assert_eq!(free(&level.by_class["upcall"]), (Some(2.0), Some(1.0)));
    assert_eq!(free(&level.by_class["gunshot"]), (Some(2.0), Some(1.5)));
}
