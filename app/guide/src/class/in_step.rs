//! Whether what sounds here is in step with what is followed, and when it is to begin anew.

use spyhop_api::Moment;

/// Sounds that are further apart than this are heard as two, s.
const MOST_APART_S: f64 = 0.3;
/// So long what was begun is left alone, ms: it may have to be fetched first.
const PATIENCE_MS: f64 = 1500.0;
/// The longest of that, where it falls behind again and again, ms.
const MOST_PATIENCE_MS: f64 = 12_000.0;

/// What sounds here, held against what is followed.
#[derive(Clone, Copy, Debug)]
pub struct InStep {
    begun_ms: f64,
    patience_ms: f64,
}

impl Default for InStep {
    fn default() -> InStep {
        InStep { begun_ms: f64::NEG_INFINITY, patience_ms: PATIENCE_MS }
    }
}

impl InStep {
    /// It was begun anew, because what is followed was.
    pub fn begin(&mut self, now_ms: f64) {
        *self = InStep { begun_ms: now_ms, ..InStep::default() };
    }

    /// Whether to begin anew where what is followed is: `own` and `led` are the two play heads, `rate` is how
    /// fast both are heard, and `loop_ns` is the length of what both go round in, where they do. Where the net
    /// is too slow to catch up it is tried more and more seldom.
    pub fn has_drifted(
        &mut self,
        own: Moment,
        led: Moment,
        rate: f64,
        loop_ns: Option<i64>,
        now_ms: f64,
    ) -> bool {
        let apart_ns = match (own, led) {
            (Moment::Clock(own), Moment::Clock(led)) => i128::from(own.0) - i128::from(led.0),
            (Moment::Elapsed(own), Moment::Elapsed(led)) => i128::from(own) - i128::from(led),
            _ => return false,
        };
        let apart_ns = apart_ns.unsigned_abs();
        // Across the end of a loop is near, too.
        let round_ns = loop_ns.and_then(|all| u128::try_from(all).ok()?.checked_sub(apart_ns));
        let apart_ns = round_ns.map_or(apart_ns, |round_ns| round_ns.min(apart_ns));
        let apart_s = apart_ns as f64 * 1e-9 / rate.abs().max(1e-9);
        if now_ms - self.begun_ms < self.patience_ms {
            return false;
        }
        if apart_s <= MOST_APART_S {
            self.patience_ms = PATIENCE_MS;
            return false;
        }
        self.begun_ms = now_ms;
        self.patience_ms = (self.patience_ms * 2.0).min(MOST_PATIENCE_MS);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Moment {
        Moment::Elapsed((s * 1e9) as i64)
    }

    #[test]
    fn what_is_a_third_of_a_second_away_begins_anew() {
        let mut step = InStep::default();
        assert!(!step.has_drifted(at(10.0), at(10.2), 1.0, None, 0.0));
        assert!(step.has_drifted(at(10.0), at(10.4), 1.0, None, 0.0));
        let mut step = InStep::default();
        assert!(step.has_drifted(at(10.4), at(10.0), 1.0, None, 0.0), "ahead as well as behind");
        let mut step = InStep::default();
        assert!(step.has_drifted(at(10.0), at(10.1), 0.1, None, 0.0), "a second, as it is heard");
        let clock = Moment::Clock(spyhop_api::Timestamp(0));
        assert!(!InStep::default().has_drifted(at(10.0), clock, 1.0, None, 0.0), "no way to tell");
    }

    #[test]
    fn across_the_end_of_a_loop_is_near() {
        let drifted = |own: f64, led: f64, loop_ns: Option<i64>| {
            InStep::default().has_drifted(at(own), at(led), 1.0, loop_ns, 0.0)
        };
        assert!(drifted(11.9, 10.0, None));
        assert!(!drifted(11.9, 10.0, Some(2_000_000_000)));
        assert!(drifted(11.0, 10.0, Some(2_000_000_000)), "half a loop");
        assert!(drifted(19.9, 10.0, Some(2_000_000_000)), "it is not in the loop");
    }

    #[test]
    fn what_was_begun_is_left_alone_for_a_while_and_longer_each_time() {
        let mut step = InStep::default();
        step.begin(0.0);
        assert!(!step.has_drifted(at(0.0), at(1.0), 1.0, None, 1000.0), "it is being fetched");
        let mut begun = Vec::new();
        for tenth in 10..400 {
            let now_ms = f64::from(tenth) * 100.0;
            if step.has_drifted(at(0.0), at(1.0), 1.0, None, now_ms) {
                begun.push(tenth);
            }
        }
        assert_eq!(begun, [15, 45, 105, 225, 345]);
        assert!(!step.has_drifted(at(1.0), at(1.0), 1.0, None, 60_000.0));
        assert!(step.has_drifted(at(0.0), at(1.0), 1.0, None, 61_500.0), "in step meanwhile");
    }
}
