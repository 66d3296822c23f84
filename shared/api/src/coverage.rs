//! What was recorded when, as hours of days: the heat strip of a deployment.

use serde::{Deserialize, Serialize};

use crate::time::{NANOS_PER_S, Timestamp};

/// Nanoseconds in an hour.
const HOUR_NS: i64 = 3600 * NANOS_PER_S;
/// Nanoseconds in a day.
const DAY_NS: i64 = 24 * HOUR_NS;
/// Days in one strip; a clock that was never set must not make a million of them.
const MOST_DAYS: usize = 40_000;

/// Recorded share of each hour of the days (UTC) from the first to the last with recordings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// Midnight that begins the first day.
    pub first_day: Option<Timestamp>,
    /// Per cent of each hour that was recorded, rounded but never to 0 where something was; 24 to a
    /// day, day after day.
    pub percent: Vec<u8>,
    /// True where days at the end were left off: more than 40 000 lie between the ends.
    pub cut_short: bool,
}

impl Coverage {
    /// Of stretches of clock time `[start, end)` in nanoseconds since 1970, in any order. Where they
    /// overlap an hour is not counted twice.
    pub fn of_stretches(mut stretches: Vec<(i64, i64)>) -> Coverage {
        stretches.retain(|(start, end)| start < end);
        stretches.sort_unstable();
        let Some(&(first, _)) = stretches.first() else { return Coverage::default() };
        // A day that begins before 1677 has no number: it is left off.
        let first_day = first.div_euclid(DAY_NS).max(i64::MIN / DAY_NS).saturating_mul(DAY_NS);
        let last = stretches.iter().map(|s| s.1).max().unwrap_or(first);
        let whole_ns = i128::from(last) - i128::from(first_day);
        let days = usize::try_from((whole_ns + i128::from(DAY_NS) - 1) / i128::from(DAY_NS));
        let days = days.unwrap_or(usize::MAX);
        let cut_short = days > MOST_DAYS;
        let mut recorded_ns = vec![0i64; 24 * days.min(MOST_DAYS)];
        let mut after = first_day;
        for (start, end) in stretches {
            let mut at = start.max(after);
            after = after.max(end);
            while at < end {
                let hour = (i128::from(at) - i128::from(first_day)) / i128::from(HOUR_NS);
                let cell = usize::try_from(hour).ok().and_then(|hour| recorded_ns.get_mut(hour));
                let Some(cell) = cell else { break };
                let hour_end = first_day.saturating_add((hour as i64 + 1).saturating_mul(HOUR_NS));
                *cell += end.min(hour_end) - at;
                at = hour_end;
            }
        }
        let percent = |ns: i64| match (100 * (ns / 1000) + HOUR_NS / 2000) / (HOUR_NS / 1000) {
            0 if ns > 0 => 1,
            percent => percent.clamp(0, 100) as u8,
        };
        Coverage {
            first_day: Some(Timestamp(first_day)),
            percent: recorded_ns.into_iter().map(percent).collect(),
            cut_short,
        }
    }

    /// How many days it has.
    pub fn days(&self) -> usize {
        self.percent.len() / 24
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_holds_the_share_of_it_that_was_recorded() {
        let at = |text: &str| Timestamp::from_iso(text).expect("a time").0;
        let coverage = Coverage::of_stretches(vec![
            (at("2024-06-02T00:30:00"), at("2024-06-02T00:45:00")),
            (at("2024-06-01T22:45:00"), at("2024-06-02T00:15:00")),
            // Overlaps what is there, and adds nothing.
            (at("2024-06-01T23:00:00"), at("2024-06-01T23:30:00")),
            (at("2024-06-02T23:59:59"), at("2024-06-03T00:00:00")),
        ]);
        assert_eq!(coverage.first_day, Some(Timestamp(at("2024-06-01T00:00:00"))));
        assert_eq!(coverage.days(), 2, "what ends at midnight begins no day");
        let mut expected = vec![0; 48];
        (expected[22], expected[23], expected[24], expected[47]) = (25, 100, 50, 1);
        assert_eq!(coverage.percent, expected);
    }

    #[test]
    fn clocks_that_were_never_set_give_no_endless_strip() {
        let coverage =
            Coverage::of_stretches(vec![(i64::MIN, i64::MIN + 10), (i64::MAX - 9, i64::MAX)]);
        assert!(coverage.cut_short && coverage.days() == MOST_DAYS);
        assert_eq!(Coverage::of_stretches(vec![(5, 5)]), Coverage::default());
        let before_1970 = Coverage::of_stretches(vec![(-HOUR_NS, -HOUR_NS / 2)]);
        assert_eq!((before_1970.days(), before_1970.percent[23]), (1, 50));
    }
}
