//! What the labels of a time axis say.

use super::step::{DAY, HOUR, MINUTE, SECOND, Step, civil};
use super::{Stretch, TimeLabels};
use crate::ticks::{decimals, number};

const MILLISECOND: i64 = 1_000_000;
const MICROSECOND: i64 = 1000;

/// Seconds up to which elapsed time is a plain number; then it is minutes and seconds.
const PLAIN_SECONDS: i64 = 120;

/// A plain number of elapsed time has at most this many digits.
const PLAIN_DIGITS: i64 = 100_000;

/// How the labels of an axis are written.
pub(super) struct Style {
    form: Form,
    /// Unit of the labels.
    pub unit: String,
    /// What they leave out.
    pub context: String,
}

enum Form {
    /// A number of a unit since a time (the origin, or what the context says).
    Number { base: i64, unit: i64, decimals: usize, plus: bool },
    /// Minutes and seconds, or hours, since the origin; `widest` says which.
    Elapsed { widest: i64, decimals: usize },
    /// Days since the origin.
    ElapsedDays,
    /// Hours and minutes.
    Minutes,
    /// Hours, minutes and seconds.
    Seconds { decimals: usize },
    /// Day and month.
    Day,
    /// Month.
    Month,
    /// Year.
    Year,
}

impl Style {
    pub fn of(labels: &TimeLabels, stretch: &Stretch, step: Step) -> Style {
        let nanos = step.nanos();
        match labels {
            TimeLabels::Elapsed => Style::of_elapsed(stretch, nanos),
            TimeLabels::Clock { zone, .. } => Style::of_clock(stretch, step, zone),
        }
    }

    fn of_elapsed(stretch: &Stretch, step: i64) -> Style {
        let widest = stretch.start.saturating_abs().max(stretch.end().saturating_abs());
        let (unit, name) = match widest {
            w if w < 2 * MILLISECOND => (MICROSECOND, "µs"),
            w if w < 2 * SECOND => (MILLISECOND, "ms"),
            _ => (SECOND, "s"),
        };
        if widest < PLAIN_SECONDS * SECOND && widest / step <= PLAIN_DIGITS {
            let form = Form::Number {
                base: 0,
                unit,
                decimals: decimals(step as f64 / unit as f64),
                plus: false,
            };
            return Style { form, unit: name.into(), context: String::new() };
        }
        if step < MILLISECOND {
            return Style::since_base(stretch, step, |base, places| elapsed(base, places, widest));
        }
        if step >= DAY {
            return Style { form: Form::ElapsedDays, unit: "days".into(), context: String::new() };
        }
        let unit = if widest < HOUR { "min:s" } else { "h:min:s" };
        let form = Form::Elapsed { widest, decimals: decimals(step as f64 / SECOND as f64) };
        Style { form, unit: unit.into(), context: String::new() }
    }

    fn of_clock(stretch: &Stretch, step: Step, zone: &str) -> Style {
        // What the left edge shows, not the sample before it.
        let edge = stretch.start.saturating_add(stretch.rest as i64);
        let nanos = step.nanos();
        if nanos < MILLISECOND {
            let mut style = Style::since_base(stretch, nanos, |base, places| {
                format!("{} {}", date(base), clock(base, places))
            });
            style.context.push_str(&format!(" {zone}"));
            return style;
        }
        let (form, context) = match step {
            Step::Months(12.., _) => (Form::Year, String::new()),
            Step::Months(..) => (Form::Month, civil(edge).strftime("%Y").to_string()),
            Step::Nanos(DAY.., _) => (Form::Day, civil(edge).strftime("%Y").to_string()),
            Step::Nanos(MINUTE.., _) => (Form::Minutes, date(edge)),
            Step::Nanos(..) => {
                (Form::Seconds { decimals: decimals(nanos as f64 / SECOND as f64) }, date(edge))
            }
        };
        Style { form, unit: zone.to_owned(), context }
    }

    /// Milli- or microseconds since a round time that the context says.
    fn since_base(stretch: &Stretch, step: i64, text: impl Fn(i64, usize) -> String) -> Style {
        let (round, unit, name, places) = if stretch.span < 2.0 * MILLISECOND as f64 {
            (MILLISECOND, MICROSECOND, "µs", 3)
        } else {
            (SECOND, MILLISECOND, "ms", 0)
        };
        let base = stretch.start.div_euclid(round) * round;
        let decimals = decimals(step as f64 / unit as f64);
        Style {
            form: Form::Number { base, unit, decimals, plus: true },
            unit: name.into(),
            context: text(base, places),
        }
    }

    /// The label at a time, and whether it begins a day, or a year among months.
    pub fn label(&self, nanos: i64) -> (String, bool) {
        let midnight = nanos.rem_euclid(DAY) == 0;
        let day = || civil(nanos);
        match self.form {
            Form::Number { base, unit, decimals, plus } => {
                let value = nanos.saturating_sub(base) as f64 / unit as f64;
                let sign = if plus && value >= 0.0 { "+" } else { "" };
                (format!("{sign}{}", number(value, decimals)), false)
            }
            Form::Elapsed { widest, decimals } => (elapsed(nanos, decimals, widest), false),
            Form::ElapsedDays => (number(nanos as f64 / DAY as f64, 0), false),
            Form::Minutes | Form::Seconds { .. } if midnight => {
                (day().strftime("%-d %b").to_string(), true)
            }
            Form::Minutes => (clock(nanos, 0).chars().take(5).collect(), false),
            Form::Seconds { decimals } => (clock(nanos, decimals), false),
            Form::Day if day().day_of_year() == 1 => (day().strftime("%Y").to_string(), true),
            Form::Day => (day().strftime("%-d %b").to_string(), false),
            Form::Month if day().month() == 1 => (day().strftime("%Y").to_string(), true),
            Form::Month => (day().strftime("%b").to_string(), false),
            Form::Year => (day().strftime("%Y").to_string(), false),
        }
    }
}

/// `12:15:03.412` on a clock's face.
pub(super) fn clock(nanos: i64, decimals: usize) -> String {
    let (within, fraction) = split(nanos.rem_euclid(DAY), decimals);
    format!("{:02}:{:02}:{:02}{fraction}", within / 3600, within / 60 % 60, within % 60)
}

/// `2009-03-29` on a clock's face.
pub(super) fn date(nanos: i64) -> String {
    civil(nanos).strftime("%Y-%m-%d").to_string()
}

/// `3:07.25` or `1:03:07.25`, by what the widest of the labels needs.
pub(super) fn elapsed(nanos: i64, decimals: usize, widest: i64) -> String {
    let (s, fraction) = split(nanos.saturating_abs(), decimals);
    let sign = if nanos < 0 { "−" } else { "" };
    if widest.saturating_abs() < HOUR {
        format!("{sign}{}:{:02}{fraction}", s / 60, s % 60)
    } else {
        format!("{sign}{}:{:02}:{:02}{fraction}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// Whole seconds, and the rest as `.25` (cut, so that a readout never shows the next second early).
fn split(nanos: i64, decimals: usize) -> (i64, String) {
    let digits = format!("{:09}", nanos % SECOND);
    let fraction = match digits.get(..decimals.min(9)) {
        Some(d) if !d.is_empty() => format!(".{d}"),
        _ => String::new(),
    };
    (nanos / SECOND, fraction)
}
