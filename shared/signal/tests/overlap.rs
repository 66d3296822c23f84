//! Overlaps as they are counted on a raster, and pairs as `scipy.optimize.linear_sum_assignment` makes them
//! (`fixtures/scipy_assignment.py`).

use serde_json::Value;
use spyhop_signal::detect::overlap::{TimeBox, best_pairs, overlap};

const MS: i64 = 1_000_000;

fn boxes(list: &Value) -> Vec<TimeBox> {
    let edge = |edges: &Value, at: usize| edges[at].as_i64().expect("an edge");
    let one = |edges: &Value| TimeBox {
        span_ns: edge(edges, 0) * MS..edge(edges, 1) * MS,
        band_hz: Some((edge(edges, 2) as f64, edge(edges, 3) as f64)),
    };
    list.as_array().expect("a list").iter().map(one).collect()
}

/// The sums are compared and not the pairs: several pairings can be as good.
#[test]
fn boxes_and_calls_are_paired_as_scipy_pairs_them() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("fixtures/scipy_assignment.json")).expect("a fixture");
    let (mut paired, mut alone) = (0, 0);
    for case in &cases {
        let (drawn, calls) = (boxes(&case["boxes"]), boxes(&case["calls"]));
        for (i, one) in drawn.iter().enumerate() {
            for (j, call) in calls.iter().enumerate() {
                let counted = case["overlaps"][i][j].as_f64().expect("a share");
                let ours = overlap(one, call);
                // Both are a quotient of the same whole numbers, but for the last bits.
                assert!((ours - counted).abs() < 1e-9, "{one:?} {call:?}: {ours}, {counted}");
            }
        }
        let least = case["least"].as_f64().expect("a share");
        let pairs = best_pairs(&drawn, &calls, least);
        let mut taken: Vec<usize> = pairs.iter().copied().flatten().collect();
        let count = taken.len();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), count, "a call is one box's");
        let share = |(one, call): (&TimeBox, &Option<usize>)| Some(overlap(one, &calls[(*call)?]));
        let shares: Vec<f64> = drawn.iter().zip(&pairs).filter_map(share).collect();
        assert!(shares.iter().all(|share| *share >= least));
        let best = case["best_sum"].as_f64().expect("a sum");
        let sum: f64 = shares.iter().sum();
        assert!((sum - best).abs() < 1e-9, "{sum} and not {best}: {case}");
        paired += count;
        alone += drawn.len() - count;
    }
    assert!(paired > 150 && alone > 100, "{paired} {alone}");
}
