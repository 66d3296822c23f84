//! The heat strip of what was recorded: days are columns, hours of the day (UTC) rows.

use std::fmt::Write;

use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{Coverage, Timestamp};
use spyhop_words::pages::strip as words;

use super::facts::date;

/// Rows.
pub const HOURS: usize = 24;
/// Shades, from little of an hour recorded to all of it.
pub const SHADES: usize = STEPS.len();
/// Per cent from which each shade is used. Duty cycles of a minute an hour to ten are told apart.
const STEPS: [u8; 7] = [1, 5, 10, 25, 50, 75, 100];
/// Columns of a strip; of more days several share one.
const MOST_COLUMNS: usize = 732;
/// Dates that stand below a strip.
const DATES: usize = 6;
/// Days over which a date needs at least to be read.
const DATE_DAYS: usize = 3;
/// Nanoseconds in an hour.
pub const HOUR_NS: i64 = 3600 * NANOS_PER_S;
const DAY_NS: i64 = 24 * HOUR_NS;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// Midnight that begins the first day.
    first_day: Timestamp,
    /// Days altogether.
    pub days: usize,
    /// Days in one column.
    days_per_column: usize,
    /// Per cent recorded, 24 to a column.
    percent: Vec<u8>,
    /// Hours that hold something, of all.
    hours_with_sound: usize,
    /// Days that hold nothing.
    empty_days: usize,
    cut_short: bool,
}

/// One hour of a strip.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
    /// What it is, for a person.
    pub said: String,
    /// Where it begins.
    pub start: Timestamp,
    /// How long what it shows is: an hour, or the days that share its column.
    pub span_ns: i64,
    /// Whether anything was recorded then.
    pub has_sound: bool,
}

impl Strip {
    /// The strip of a deployment; `None` where nothing is dated.
    pub fn of(coverage: &Coverage) -> Option<Strip> {
        let days = coverage.days();
        let first_day = coverage.first_day.filter(|_| days > 0)?;
        let days_per_column = days.div_ceil(MOST_COLUMNS);
        let columns = coverage.percent.chunks(HOURS * days_per_column);
        let percent = columns.flat_map(|column| {
            (0..HOURS).map(move |hour| {
                let shares = column.iter().skip(hour).step_by(HOURS);
                let (sum, count) =
                    shares.fold((0u32, 0u32), |(s, n), p| (s + u32::from(*p), n + 1));
                match (sum + count / 2) / count.max(1) {
                    0 if sum > 0 => 1,
                    mean => mean.min(100) as u8,
                }
            })
        });
        let is_empty = |day: &&[u8]| day.iter().all(|p| *p == 0);
        Some(Strip {
            first_day,
            days,
            days_per_column,
            percent: percent.collect(),
            hours_with_sound: coverage.percent.iter().filter(|p| **p > 0).count(),
            empty_days: coverage.percent.chunks(HOURS).filter(is_empty).count(),
            cut_short: coverage.cut_short,
        })
    }

    /// How many columns it has.
    pub fn columns(&self) -> usize {
        self.percent.len() / HOURS
    }

    /// The outlines of each shade, as SVG paths in which a column and an hour are one unit.
    pub fn paths(&self) -> [String; SHADES] {
        let mut paths: [String; SHADES] = Default::default();
        for (x, column) in self.percent.chunks(HOURS).enumerate() {
            let mut y = 0;
            for run in column.chunk_by(|a, b| shade(*a) == shade(*b)) {
                let path = run.first().and_then(|p| shade(*p)).and_then(|s| paths.get_mut(s));
                if let Some(path) = path {
                    // Writing into a String does not fail.
                    let _ = write!(path, "M{x} {y}h1v{}h-1z", run.len());
                }
                y += run.len();
            }
        }
        paths
    }

    /// The hour in a column and row; what lies outside is the nearest.
    pub fn hour(&self, column: usize, row: usize) -> Hour {
        let column = column.min(self.columns().saturating_sub(1));
        let row = row.min(HOURS - 1);
        let day = column * self.days_per_column;
        let last = (day + self.days_per_column).min(self.days) - 1;
        let percent = self.percent.get(column * HOURS + row).copied().unwrap_or_default();
        let share = match percent {
            0 => words::NOTHING_RECORDED.to_owned(),
            100 => words::ALL_RECORDED.to_owned(),
            n => words::percent_recorded(n),
        };
        let days = match last > day {
            true => words::days(self.date(day), self.date(last)),
            false => self.date(day),
        };
        let start = self.day(day).0.saturating_add(row as i64 * HOUR_NS);
        let span_ns = if last > day { (last + 1 - day) as i64 * DAY_NS } else { HOUR_NS };
        let (from, to) = (format!("{row:02}"), format!("{:02}", row + 1));
        Hour {
            said: words::hour(days, from, to, share),
            start: Timestamp(start),
            span_ns,
            has_sound: percent > 0,
        }
    }

    /// Dates to stand below it, each with the part of the width at which its day begins.
    pub fn dates(&self) -> Vec<(f64, String)> {
        let step = self.days.div_ceil(DATES).max(DATE_DAYS);
        let mut year = String::new();
        // One at the very end would run out of the page.
        let days = (0..self.days).step_by(step).filter(|d| *d == 0 || self.days - d >= step);
        days.map(|day| {
            let date = self.date(day);
            let (this_year, rest) = date.split_once('-').unwrap_or_default();
            let told = if this_year == year { rest.to_owned() } else { date.clone() };
            year = this_year.to_owned();
            (day as f64 / self.days as f64, told)
        })
        .collect()
    }

    /// All of it in words.
    pub fn summary(&self) -> String {
        let (hours, all) = (self.hours_with_sound, self.days * HOURS);
        let mut told = match self.days {
            1 => words::hours_of_day(self.date(0), hours, all),
            n => words::hours_of_days(n, self.date(0), self.date(n - 1), hours, all),
        };
        if self.empty_days > 0 {
            told = words::empty_days(self.empty_days, told);
        }
        if self.cut_short { words::cut_short(told) } else { told }
    }

    fn day(&self, day: usize) -> Timestamp {
        Timestamp(self.first_day.0.saturating_add((day as i64).saturating_mul(DAY_NS)))
    }

    fn date(&self, day: usize) -> String {
        date(self.day(day))
    }
}

/// The shade of a share; `None` where nothing was recorded.
fn shade(percent: u8) -> Option<usize> {
    STEPS.partition_point(|step| *step <= percent).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(days: usize, at: impl Fn(usize, usize) -> u8) -> Coverage {
        let first_day = Timestamp::from_iso("2023-12-30T00:00:00Z").ok();
        let percent = (0..days).flat_map(|d| (0..24).map(move |h| (d, h)));
        let percent = percent.map(|(d, h)| at(d, h)).collect();
        Coverage { first_day, percent, cut_short: false }
    }

    #[test]
    fn hours_alike_are_one_outline() {
        let strip = Strip::of(&coverage(2, |day, hour| match (day, hour) {
            (0, _) => 100,
            (_, 3..5) => 17,
            _ => 0,
        }));
        let strip = strip.expect("dated");
        let [_, _, faint, .., full] = strip.paths();
        assert_eq!((full.as_str(), faint.as_str()), ("M0 0h1v24h-1z", "M1 3h1v2h-1z"));
        let shades = [0, 1, 4, 5, 17, 25, 99, 100].map(shade);
        assert_eq!(shades, [None, Some(0), Some(0), Some(1), Some(2), Some(3), Some(5), Some(6)]);
        assert_eq!(
            strip.summary(),
            "2 days from 2023-12-30 to 2023-12-31 (UTC): 26 of 48 hours hold recordings"
        );
    }

    #[test]
    fn an_hour_tells_when_it_is_and_how_much_of_it_there_is() {
        let strip = Strip::of(&coverage(3, |day, hour| u8::from(day == 2 && hour == 13) * 17));
        let strip = strip.expect("dated");
        let hour = strip.hour(2, 13);
        assert_eq!(hour.said, "2024-01-01, 13–14 h UTC: 17 % recorded");
        assert_eq!(Some(hour.start), Timestamp::from_iso("2024-01-01T13:00:00Z").ok());
        assert!(hour.has_sound && !strip.hour(0, 0).has_sound);
        assert_eq!(strip.hour(99, 99), strip.hour(2, 23));
        assert!(strip.summary().ends_with("1 of 72 hours hold recordings; 2 days hold none"));
        assert_eq!(strip.dates(), [(0.0, "2023-12-30".to_owned())]);
        let weeks = Strip::of(&coverage(10, |_, _| 100)).expect("dated");
        let dates: Vec<_> = weeks.dates().into_iter().map(|(_, date)| date).collect();
        assert_eq!(dates, ["2023-12-30", "2024-01-02", "01-05"]);
    }

    #[test]
    fn decades_share_columns_and_one_hour_in_them_is_still_seen() {
        let strip = Strip::of(&coverage(40_000, |day, hour| u8::from(day == 39_999 && hour == 5)));
        let strip = strip.expect("dated");
        assert!(strip.columns() <= MOST_COLUMNS, "{}", strip.columns());
        let hour = strip.hour(strip.columns() - 1, 5);
        assert!(hour.has_sound && hour.said.contains(" to "), "{}", hour.said);
        assert!(strip.dates().len() <= DATES);
        assert_eq!(Strip::of(&Coverage::default()), None);
    }
}
