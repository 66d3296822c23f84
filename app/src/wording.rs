//! Numbers as a person reads them: frequencies, durations, speeds, bytes.

use spyhop_words::wording::{units, windows};

/// A frequency with its unit: `312.5 Hz`, `12.5 kHz`.
pub fn hertz(hz: f64) -> String {
    let (value, unit) = in_unit(hz);
    unit.of(&value)
}

/// What frequencies are told in.
#[derive(Clone, Copy, PartialEq)]
enum HertzUnit {
    One,
    Kilo,
}

impl HertzUnit {
    fn of(self, value: &str) -> String {
        match self {
            HertzUnit::One => units::hertz(value),
            HertzUnit::Kilo => units::kilohertz(value),
        }
    }
}

fn in_unit(hz: f64) -> (String, HertzUnit) {
    match hz.abs() {
        size if size >= 1000.0 => (trimmed(hz / 1000.0, 3), HertzUnit::Kilo),
        size => (trimmed(hz, if size < 10.0 { 3 } else { 1 }), HertzUnit::One),
    }
}

/// A band: `1–8 kHz`, `900 Hz–2 kHz`.
pub fn band((low, high): (f64, f64)) -> String {
    let ((low, unit), (high, unit_of_high)) = (in_unit(low), in_unit(high));
    let low = if unit == unit_of_high { low } else { unit.of(&low) };
    units::band(low, unit_of_high.of(&high))
}

/// A duration with three to four digits: `41.7 µs`, `12.5 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    // Rounded first to what is shown: 59.96 s of a minute are the next one.
    let s = match seconds.abs() {
        s if s < 59.9995 => s,
        s if s < 3599.95 => (s * 10.0).round() / 10.0,
        s if s < 86_400.0 => (s / 60.0).round() * 60.0,
        s => s,
    };
    let text = if s < 1e-3 {
        units::microseconds(trimmed(s * 1e6, 2))
    } else if s < 1.0 {
        units::milliseconds(trimmed(s * 1e3, 2))
    } else if s < 60.0 {
        units::seconds(trimmed(s, 3))
    } else if s < 3600.0 {
        // Of what is left over nothing is said where there is nothing.
        match ((s / 60.0).floor(), trimmed(s % 60.0, 1)) {
            (minutes, rest) if rest == "0" => units::minutes(minutes),
            (minutes, rest) => units::minutes_seconds(minutes, rest),
        }
    } else if s < 86_400.0 {
        match ((s / 3600.0).floor(), trimmed(s % 3600.0 / 60.0, 0)) {
            (hours, rest) if rest == "0" => units::hours(hours),
            (hours, rest) => units::hours_minutes(hours, rest),
        }
    } else {
        match trimmed(s / 86_400.0, 2) {
            days if days == "1" => units::ONE_DAY.to_owned(),
            days => units::days(days),
        }
    };
    if seconds < 0.0 { units::negative(text) } else { text }
}

/// A speed: `÷8`, `×1`, `×16`.
pub fn speed(rate: f64) -> String {
    if rate < 0.999_999 {
        units::divided_speed(trimmed(1.0 / rate, 2))
    } else {
        units::times_speed(trimmed(rate, 2))
    }
}

/// A level: `−63.2`.
pub fn level(db: f64) -> String {
    let text = format!("{:.1}", db.abs());
    if db < 0.0 && text != "0.0" { units::negative(text) } else { text }
}

/// Bytes: `8.4 MB`.
pub fn bytes(n: u64) -> String {
    let v = n as f64;
    if v < 1e3 {
        units::bytes(n)
    } else if v < 1e6 {
        units::kilobytes(trimmed(v / 1e3, 1))
    } else if v < 1e9 {
        units::megabytes(trimmed(v / 1e6, 1))
    } else if v < 1e12 {
        units::gigabytes(trimmed(v / 1e9, 2))
    } else {
        units::terabytes(trimmed(v / 1e12, 2))
    }
}

/// How many recordings: `1 recording`, `720 recordings`.
pub fn recordings(count: usize) -> String {
    units::recordings(count)
}

/// A number with at most so many decimals and no zeros at its end.
pub fn trimmed(v: f64, decimals: usize) -> String {
    let text = format!("{v:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What a person calls a window that links know by its name.
pub fn window(name: &str) -> &str {
    match name {
        "hann" => windows::HANN,
        "hann-sym" => windows::HANN_SYMMETRIC,
        "hamming" => windows::HAMMING,
        "blackman" => windows::BLACKMAN,
        "blackmanharris" => windows::BLACKMAN_HARRIS,
        "boxcar" => windows::BOXCAR,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_says_its_unit_once() {
        assert_eq!(band((1000.0, 8000.0)), "1–8 kHz");
        assert_eq!(band((900.0, 2000.0)), "900 Hz–2 kHz");
    }

    #[test]
    fn speeds_below_one_are_divisions() {
        assert_eq!([speed(0.125), speed(1.0), speed(1800.0)], ["÷8", "×1", "×1800"]);
    }

    #[test]
    fn durations_keep_their_digits_from_microseconds_to_days() {
        let seconds = [4.17e-5, 0.0125, 3.2, 250.0, 7500.0, 172_800.0];
        let texts = ["41.7 µs", "12.5 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "2 days"];
        assert_eq!(seconds.map(duration), texts);
        let seconds = [900.0, 59.9999, 119.97, 3599.97, 7200.0, 7190.0, 86_399.0];
        let texts = ["15 min", "1 min", "2 min", "1 h", "2 h", "2 h", "1 day"];
        assert_eq!(seconds.map(duration), texts);
    }
}
