//! Clocks: UTC, the recorder's own, the person's, and time since the beginning.

use spyhop_api::StartSource;
use spyhop_api::view::Clock;
use spyhop_paint::TimeLabels;
use spyhop_words::page::clock as words;

use crate::session::OpenSet;

/// Milliseconds on the page's own clock, which nobody sets.
pub fn now_ms() -> f64 {
    leptos::prelude::window().performance().map_or(0.0, |p| p.now())
}

/// How positions on a line are told as times.
#[derive(Clone, Debug, PartialEq)]
pub struct Telling {
    /// Which clock, and where the line begins on it.
    pub labels: TimeLabels,
    /// Samples a second.
    pub rate_hz: f64,
}

impl Telling {
    /// How a clock tells the times of what is open. Undated recordings have elapsed time only.
    pub fn of(clock: Clock, open: &OpenSet) -> Telling {
        let rate_hz = open.line.sample_rate_hz;
        let Some(origin) = open.line.origin.filter(|_| clock != Clock::Elapsed) else {
            return Telling { labels: TimeLabels::Elapsed, rate_hz };
        };
        let first = open.line.runs.first().and_then(|r| open.infos.get(r.recording));
        let said = first.map(|i| i.start_zone.clone()).unwrap_or_default();
        let (minutes, zone) = match clock {
            Clock::Elapsed | Clock::Utc => {
                let sure = said.is_empty() || said == "Z" || offset_minutes(&said).is_some();
                (0, if sure { words::UTC.to_owned() } else { words::utc_as_said(&said) })
            }
            Clock::Recorder => {
                let zone = if said.is_empty() || said == "Z" { words::UTC } else { &said };
                (offset_minutes(&said).unwrap_or(0), words::recorder(zone))
            }
            Clock::Local => {
                // The zone's offset on that day, not today's.
                let date = js_sys::Date::new(&(origin.0 as f64 / 1e6).into());
                let minutes = -date.get_timezone_offset() as i64;
                let (sign, m) = (if minutes < 0 { '−' } else { '+' }, minutes.abs());
                let offset = format!("{sign}{:02}:{:02}", m / 60, m % 60);
                (minutes, words::local(offset))
            }
        };
        let labels = TimeLabels::Clock { origin, offset_s: minutes as i32 * 60, zone };
        Telling { labels, rate_hz }
    }

    /// What the clock is called.
    pub fn zone(&self) -> &str {
        match &self.labels {
            TimeLabels::Elapsed => words::SINCE_BEGINNING,
            TimeLabels::Clock { zone, .. } => zone,
        }
    }

    /// A position's time to the microsecond, with the date where there is one.
    pub fn tell(&self, position: f64) -> String {
        self.labels.text(self.nanos(position), 6)
    }

    /// The same to the second.
    pub fn tell_seconds(&self, position: f64) -> String {
        self.labels.text(self.nanos(position), 0)
    }

    /// The same without the date and with milliseconds only, for the play bar.
    pub fn tell_short(&self, position: f64) -> String {
        let text = self.labels.text(self.nanos(position), 3);
        match (&self.labels, text.split_once(' ')) {
            (TimeLabels::Clock { .. }, Some((_, time))) => time.to_owned(),
            _ => text,
        }
    }

    fn nanos(&self, position: f64) -> i64 {
        (position / self.rate_hz * 1e9).round() as i64
    }
}

/// How a start time came to be known, for a person.
pub fn source_words(source: StartSource) -> &'static str {
    match source {
        StartSource::None => words::START_NOT_KNOWN,
        StartSource::Records => words::START_FROM_RECORDS,
        StartSource::Guano => words::START_FROM_GUANO,
        StartSource::Wamd => words::START_FROM_WAMD,
        StartSource::AudioMoth => words::START_FROM_AUDIOMOTH,
        StartSource::Bext => words::START_FROM_BEXT,
        StartSource::Sidecar => words::START_FROM_SIDECAR,
        StartSource::FileName => words::START_FROM_NAME,
        StartSource::Override => words::START_SET,
    }
}

/// Minutes of an offset such as `+02:00` or `UTC-5` at the beginning of a zone's words.
fn offset_minutes(zone: &str) -> Option<i64> {
    let text = zone.strip_prefix("UTC").unwrap_or(zone);
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ':').collect();
    let (hours, minutes) = match digits.split_once(':') {
        Some((h, m)) => (h.parse::<i64>().ok()?, m.parse::<i64>().ok()?),
        None if digits.len() == 4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        None => (digits.parse::<i64>().ok()?, 0),
    };
    Some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_in_the_forms_that_recorders_write() {
        let zones = ["+02:00", "-0330", "UTC-5", "Z", "token EST, not applied", "assumed UTC"];
        let minutes = [Some(120), Some(-210), Some(-300), None, None, None];
        assert_eq!(zones.map(offset_minutes), minutes);
    }
}
