//! Steps of a time axis: decimal below a second, then the clock's, then the calendar's.

use jiff::civil::{Date, date};

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// Distance from one tick to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nanoseconds, and the number of fine steps in them.
    Nanos(i64, i64),
    /// Months of the calendar, and the number of fine steps in them.
    Months(i64, i64),
}

impl Step {
    /// Its length; of months about.
    pub fn nanos(self) -> i64 {
        match self {
            Step::Nanos(nanos, _) => nanos,
            Step::Months(months, _) => months * (30 * DAY + 10 * HOUR),
        }
    }

    /// The step of the fine ticks.
    pub fn fine(self) -> Option<Step> {
        match self {
            Step::Nanos(_, 1) | Step::Months(_, 1) => None,
            Step::Nanos(nanos, fine) => Some(Step::Nanos(nanos / fine, 1)),
            Step::Months(months, fine) => Some(Step::Months(months / fine, 1)),
        }
    }

    /// Its multiples in order, the first of them at or before `nanos`.
    pub fn from(self, nanos: i64) -> Box<dyn Iterator<Item = i64>> {
        match self {
            Step::Nanos(step, _) => {
                let first = nanos.div_euclid(step);
                Box::new((0..).map_while(move |i| first.checked_add(i)?.checked_mul(step)))
            }
            Step::Months(step, _) => {
                let day = civil(nanos);
                let month = i64::from(day.year()) * 12 + i64::from(day.month()) - 1;
                let first = month.div_euclid(step) * step;
                Box::new((0..).map_while(move |i| month_start(first + i * step)))
            }
        }
    }
}

/// All steps, from one nanosecond up. Elapsed time knows no months.
pub(super) fn ladder(clock: bool) -> impl Iterator<Item = Step> {
    let decimal = (0..9).flat_map(|e| {
        let decade = 10i64.pow(e);
        [(1, 5), (2, 4), (5, 5)].map(|(m, fine)| {
            let fine = if m * decade % fine == 0 { fine } else { 1 };
            Step::Nanos(m * decade, fine)
        })
    });
    const CLOCK: [(i64, i64); 21] = [
        (SECOND, 5),
        (2 * SECOND, 4),
        (5 * SECOND, 5),
        (10 * SECOND, 5),
        (15 * SECOND, 3),
        (30 * SECOND, 6),
        (MINUTE, 6),
        (2 * MINUTE, 4),
        (5 * MINUTE, 5),
        (10 * MINUTE, 5),
        (15 * MINUTE, 3),
        (30 * MINUTE, 6),
        (HOUR, 6),
        (2 * HOUR, 4),
        (3 * HOUR, 3),
        (6 * HOUR, 6),
        (12 * HOUR, 4),
        (DAY, 4),
        (2 * DAY, 2),
        (5 * DAY, 5),
        (10 * DAY, 5),
    ];
    const CALENDAR: [(i64, i64); 10] =
        [(1, 1), (2, 2), (3, 3), (6, 6), (12, 4), (24, 2), (60, 5), (120, 5), (240, 4), (600, 5)];
    // Multiples of days since 1970 would wander through the months: the calendar has no 5 and 10 days.
    let days = if clock { CLOCK.len() - 2 } else { CLOCK.len() };
    let weeks = clock.then_some(Step::Nanos(7 * DAY, 7));
    let months = if clock { CALENDAR.len() } else { 0 };
    let elapsed_days = if clock { 0 } else { 8 };
    decimal
        .chain(CLOCK.into_iter().take(days).map(|(n, fine)| Step::Nanos(n, fine)))
        .chain(weeks)
        .chain(CALENDAR.into_iter().take(months).map(|(n, fine)| Step::Months(n, fine)))
        .chain(
            [20, 50, 100, 200, 500, 1000, 2000, 5000]
                .into_iter()
                .take(elapsed_days)
                .map(|d| Step::Nanos(d * DAY, 5)),
        )
}

/// The date of a clock's face, nanoseconds since 1970.
pub(super) fn civil(nanos: i64) -> Date {
    let days = i32::try_from(nanos.div_euclid(DAY)).unwrap_or(0);
    let epoch = date(1970, 1, 1);
    epoch.checked_add(jiff::Span::new().days(days)).unwrap_or(epoch)
}

fn month_start(month: i64) -> Option<i64> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let first = Date::new(year, (month.rem_euclid(12) + 1) as i8, 1).ok()?;
    let days = first.since(date(1970, 1, 1)).ok()?.get_days();
    i64::from(days).checked_mul(DAY)
}
