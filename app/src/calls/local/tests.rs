use spyhop_api::detection::{DetectionClass, DetectionSource, HISTOGRAM_BINS, ScoreCurve};

use super::*;

const S: i64 = 1_000_000_000;

/// A run of two classes on the clock, without candidates.
pub fn run() -> DetectionRun {
    let class = |name: &str| DetectionClass {
        name: name.into(),
        band_hz: (50.0, 400.0),
        keep_from: 0.2,
        threshold: 0.5,
    };
    DetectionRun {
        id: -1,
        title: "In this tab".into(),
        source: DetectionSource {
            name: "tiny".into(),
            is_model: true,
            adapter: None,
            fingerprint: String::new(),
            config_hash: String::new(),
            software: String::new(),
        },
        config: String::new(),
        channel: 0,
        classes: vec![class("upcall"), class("gunshot")],
        score_unit: String::new(),
        score_s: 1.0,
        created: Timestamp(0),
        candidates: 0,
        reviewed: 0,
        problems: Vec::new(),
        job: None,
    }
}

pub fn call(class: &str, start_s: i64, score: f32) -> DetectedCall {
    DetectedCall {
        id: 0,
        class: class.into(),
        start: Moment::Clock(Timestamp(start_s * S)),
        span_ns: S,
        low_hz: 60.0,
        high_hz: 200.0,
        score,
        clicks: None,
        interval_s: None,
        review: Review::default(),
        is_lost: false,
    }
}

fn filled() -> LocalRun {
    let mut local = LocalRun::new(run(), true);
    let found = vec![
        call("upcall", 10, 0.9),
        call("gunshot", 5, 0.4),
        call("upcall", 3, 0.3),
        call("upcall", 12, 0.9),
    ];
    local.extend(found, &ScoreCurves::default(), |_| Vec::new());
    local
}

fn ids(page: &CallPage) -> Vec<i64> {
    page.calls.iter().map(|call| call.id).collect()
}

#[test]
fn candidates_are_asked_by_time_class_score_threshold_and_review() {
    let mut local = filled();
    let page = |local: &LocalRun, query: CallQuery| ids(&local.page(&query));
    let usual = CallQuery::default;
    assert_eq!(page(&local, usual()), [3, 2, 1, 4]);
    let best = CallQuery { sort: CallSort::Score, descending: true, ..usual() };
    assert_eq!(page(&local, best.clone()), [1, 4, 2, 3], "the earlier of two alike first");
    assert_eq!(page(&local, CallQuery { offset: 1, limit: 2, ..best }), [4, 2]);
    let span = CallQuery { from: "3.5".into(), until: "1970-01-01T00:00:12Z".into(), ..usual() };
    assert_eq!(page(&local, span), [3, 2, 1], "what ends after, and begins before");
    assert_eq!(page(&local, CallQuery { class: "gunshot".into(), ..usual() }), [2]);
    assert_eq!(page(&local, CallQuery { thresholds: "0.5,0.4".into(), ..usual() }), [2, 1, 4]);
    assert_eq!(page(&local, CallQuery { most_score: Some(0.5), ..usual() }), [3, 2]);
    let no =
        ReviewChange { verdict: Verdict::Rejected, author: "Ada".into(), ..Default::default() };
    let said = local.review(2, 0, &no, Timestamp(7)).map(|call| call.review);
    assert_eq!(said.as_ref().map(|r| (r.version, r.verdict)), Ok((1, Verdict::Rejected)));
    assert_eq!(local.history(2), [said.unwrap_or_default()]);
    assert_eq!(page(&local, CallQuery { review: "reviewed".into(), ..usual() }), [2]);
    assert_eq!(page(&local, CallQuery { review: "unreviewed".into(), ..usual() }), [3, 1, 4]);
    assert_eq!((local.run.candidates, local.run.reviewed), (4, 1));
    assert_eq!(local.review(9, 0, &no, Timestamp(7)), Err(ReviewRefused::Gone));
}

#[test]
fn a_verdict_on_what_was_said_before_somebody_else_spoke_is_refused() {
    let mut local = filled();
    let said = |verdict| ReviewChange { verdict, ..ReviewChange::default() };
    assert!(local.review(2, 0, &said(Verdict::Accepted), Timestamp(1)).is_ok());
    let late = local.review(2, 0, &said(Verdict::Rejected), Timestamp(2));
    assert_eq!(late, Err(ReviewRefused::OtherVersion));
    assert_eq!(local.history(2).len(), 1, "nothing was said");
    assert!(local.review(2, 1, &said(Verdict::Rejected), Timestamp(3)).is_ok());
}

#[test]
fn a_candidate_counts_in_the_bin_in_which_it_begins() {
    let density = filled().density(&CallQuery::default(), 5.0).expect("few bins");
    assert_eq!(density.start, Some(Moment::Clock(Timestamp(0))));
    let counts: Vec<&[u32]> = density.classes.iter().map(|c| c.counts.as_slice()).collect();
    assert_eq!(counts, [&[1, 0, 2][..], &[0, 1, 0][..]]);
    let nothing = LocalRun::new(run(), true).density(&CallQuery::default(), 5.0);
    assert_eq!(nothing.map(|told| (told.start, told.classes.len())), Ok((None, 2)));
    assert_eq!(filled().density(&CallQuery::default(), 1e-6), Err(BinError::TooMany));
}

#[test]
fn what_passes_a_threshold_is_counted_to_the_last_candidate_and_not_to_a_bin() {
    let mut local = filled();
    let yes = ReviewChange { verdict: Verdict::Accepted, ..ReviewChange::default() };
    local.review(1, 0, &yes, Timestamp(0)).expect("there is such a candidate");
    let at = |threshold: f64| {
        let query = CallQuery { thresholds: format!("{threshold},0"), ..CallQuery::default() };
        let upcall = &local.passing(&query).classes[0];
        let listed = local.all(&query).iter().filter(|call| call.class == "upcall").count();
        assert_eq!(upcall.candidates, listed as u64);
        (upcall.candidates, upcall.accepted)
    };
    // Bins are 0.008 wide here: these lie within one.
    assert_eq!([at(0.3), at(0.301), at(0.899), at(0.901)], [(3, 1), (2, 1), (2, 1), (0, 0)]);
}

#[test]
fn a_histogram_holds_every_candidate_and_what_is_said_of_it() {
    let mut local = filled();
    let yes = ReviewChange { verdict: Verdict::Accepted, ..Default::default() };
    local.review(1, 0, &yes, Timestamp(0)).expect("there is such a candidate");
    let histograms = local.histograms(&CallQuery::default());
    let upcall = &histograms.classes[0];
    assert_eq!((upcall.first, upcall.candidates.len()), (0.2, HISTOGRAM_BINS));
    assert_eq!(upcall.from_threshold(0.0), (3, 1, 0));
    assert_eq!(upcall.from_threshold(0.6), (2, 1, 0));
    assert_eq!(upcall.candidates.last(), Some(&2), "the best lies in the last bin");
    assert_eq!(histograms.classes[1].from_threshold(0.0), (1, 0, 0));
}

#[test]
fn a_curve_keeps_the_best_score_of_a_bin_and_knows_where_there_is_none() {
    let mut local = LocalRun::new(run(), true);
    let piece = |start_s: i64, scores: Vec<Option<f32>>| ScoreCurves {
        start: Some(Moment::Clock(Timestamp(start_s * S))),
        bin_ns: S,
        classes: vec![ScoreCurve { class: "upcall".into(), scores }],
    };
    local.extend(Vec::new(), &piece(2, vec![Some(0.1), Some(0.7), None]), |_| Vec::new());
    local.extend(Vec::new(), &piece(8, vec![Some(0.4)]), |_| Vec::new());
    let curves = local.scores(&CallQuery::default(), 2.0).expect("few bins");
    assert_eq!(curves.start, Some(Moment::Clock(Timestamp(2 * S))));
    assert_eq!(curves.classes[0].scores, [Some(0.7), None, None, Some(0.4)]);
    assert_eq!(curves.classes[1].scores, [None; 4]);
    let late = CallQuery { from: "6".into(), until: "20".into(), ..CallQuery::default() };
    let late = local.scores(&late, 2.0).expect("one bin");
    assert_eq!(late.classes[0].scores, [Some(0.4)]);
}

#[test]
fn what_was_said_before_a_reload_is_said_of_what_is_found_again() {
    let mut local = LocalRun::new(run(), true);
    let no = Review { version: 3, verdict: Verdict::Rejected, ..Review::default() };
    let found = vec![call("upcall", 1, 0.9), call("upcall", 2, 0.9)];
    local.extend(found, &ScoreCurves::default(), |call| {
        if call.start.nanos() == S { vec![no.clone()] } else { Vec::new() }
    });
    assert_eq!(local.page(&CallQuery::default()).calls[0].review, no);
    assert_eq!((local.run.reviewed, local.history(1).len()), (1, 1));
}
