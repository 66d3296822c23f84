//! When a recording began, from its file's name: the patterns in use in the field.

use jiff::civil::DateTime;
use spyhop_api::{StartSource, Timestamp};

use super::opening::Opening;
use super::start::{ASSUMED_UTC, Start, instant, instant_without_zone};

/// The patterns tried, in this order, in strftime's letters. `%-m` takes one or two digits, `%3f`
/// three digits of a second, `%f` one to nine.
pub const PATTERNS: [&str; 14] = [
    "%Y%m%dT%H%M%S.%3f",
    "%Y%m%dT%H%M%S",
    "_%Y%m%d_%H%M%S_%3f",
    "_%Y%m%d_%H%M%S",
    "_%Y%m%d$%H%M%S",
    ".%Y%m%d%H%M%S.",
    ".%y%m%d%H%M%S.",
    "_%y%m%d%H%M%S.",
    "-%y%m%d-%H%M%S.",
    "_%y%m%d_%H%M%S",
    "%Y-%m-%d_%H-%M-%S",
    ".%Y-%-m-%-d-%-H-%-M-%-S.",
    "_%Y%m%d%H%M%S_%f.",
    "%Y%m%d_%H%M%S",
];

/// Words in names that tell a zone. They are shown and, but for UTC's own, not applied: logs of the
/// same data set use the same clock.
const ZONE_WORDS: [&str; 31] = [
    "UTC", "GMT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST",
    "AST", "ADT", "NST", "NDT", "WET", "WEST", "BST", "CET", "CEST", "EET", "EEST", "JST", "AEST",
    "AEDT", "AWST", "ACST", "NZST", "NZDT",
];

/// A time that stands in a name.
#[derive(Clone, Debug, PartialEq)]
pub struct NameTime {
    /// The clock's reading, as if it were UTC.
    pub clock: Timestamp,
    /// Whether a `Z` follows it.
    pub is_utc: bool,
    /// A zone word elsewhere in the name, as `EST`.
    pub zone_word: Option<String>,
    /// Seconds of its last digit.
    pub resolution_s: f64,
    /// The pattern that matched.
    pub pattern: String,
    civil: DateTime,
}

impl NameTime {
    /// Finds the time in a file's name, by `pattern` if it is given and fits, else by [`PATTERNS`].
    pub fn find(name: &str, pattern: Option<&str>) -> Option<NameTime> {
        pattern.into_iter().chain(PATTERNS).find_map(|p| find_pattern(name.as_bytes(), p)).map(
            |mut found| {
                found.zone_word = name
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .find(|word| ZONE_WORDS.contains(word))
                    .map(str::to_owned);
                found
            },
        )
    }
}

/// The start that the name of the file being opened tells.
pub(crate) fn start(opening: &mut Opening<'_>) -> Option<Start> {
    let found = NameTime::find(opening.name, opening.options.name_pattern.as_deref())?;
    let (at, zone) = if found.is_utc {
        (found.clock, "Z".to_owned())
    } else {
        match (&found.zone_word, opening.options.zone_offset_s) {
            (Some(word), None) if word == "UTC" || word == "GMT" => {
                (found.clock, format!("token {word}"))
            }
            (Some(word), None) => (found.clock, format!("token {word}, not applied")),
            (_, None) => (found.clock, ASSUMED_UTC.to_owned()),
            (_, offset_s) => instant_without_zone(found.civil, offset_s)?,
        }
    };
    let uncertainty_s = Some(found.resolution_s);
    Some(Start { at, source: StartSource::FileName, zone, uncertainty_s })
}

fn find_pattern(name: &[u8], pattern: &str) -> Option<NameTime> {
    (0..name.len()).find_map(|at| match_at(name, at, pattern))
}

/// Fields as they are read.
#[derive(Default)]
struct Fields {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    hour: Option<i8>,
    minute: Option<i8>,
    second: Option<i8>,
    nanos: i32,
    resolution_s: f64,
}

fn match_at(name: &[u8], start: usize, pattern: &str) -> Option<NameTime> {
    let mut at = start;
    let mut fields = Fields { resolution_s: 1.0, ..Fields::default() };
    let mut letters = pattern.bytes().peekable();
    let mut ends_in_digit = false;
    if pattern.starts_with('%') && start > 0 && name[start - 1].is_ascii_digit() {
        return None;
    }
    while let Some(letter) = letters.next() {
        if letter != b'%' {
            if name.get(at) != Some(&letter) {
                return None;
            }
            at += 1;
            ends_in_digit = false;
            continue;
        }
        let mut letter = letters.next()?;
        let mut digits = None;
        if letter == b'-' {
            letter = letters.next()?;
            digits = Some(1..=2);
        } else if letter.is_ascii_digit() {
            let count = usize::from(letter - b'0');
            letter = letters.next()?;
            digits = Some(count..=count);
        }
        let digits = digits.unwrap_or(match letter {
            b'Y' => 4..=4,
            b'j' => 3..=3,
            b'f' => 1..=9,
            _ => 2..=2,
        });
        let found = name.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        let count = found.min(*digits.end());
        if count < *digits.start() {
            return None;
        }
        let text = std::str::from_utf8(name.get(at..at + count)?).ok()?;
        fields.set(letter, text)?;
        at += count;
        ends_in_digit = true;
    }
    if ends_in_digit && name.get(at).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let civil = fields.civil()?;
    Some(NameTime {
        clock: instant(civil, 0)?,
        is_utc: name.get(at) == Some(&b'Z') || name.get(at.checked_sub(1)?) == Some(&b'Z'),
        zone_word: None,
        resolution_s: fields.resolution_s,
        pattern: pattern.to_owned(),
        civil,
    })
}

impl Fields {
    fn set(&mut self, letter: u8, text: &str) -> Option<()> {
        let number: i32 = text.parse().ok()?;
        let small = i8::try_from(number).ok();
        match letter {
            b'Y' => self.year = i16::try_from(number).ok(),
            // POSIX: 69 to 99 are of the last century.
            b'y' => self.year = i16::try_from(number + if number < 69 { 2000 } else { 1900 }).ok(),
            b'm' => self.month = small,
            b'd' => self.day = small,
            b'j' => self.day_of_year = i16::try_from(number).ok(),
            b'H' => self.hour = small,
            b'M' => self.minute = small,
            b'S' => self.second = small,
            b'f' => {
                let digits = i32::try_from(text.len()).ok()?;
                self.nanos = number * 10i32.pow(9 - u32::try_from(digits).ok()?);
                self.resolution_s = 10f64.powi(-digits);
            }
            _ => return None,
        }
        Some(())
    }

    fn civil(&self) -> Option<DateTime> {
        // A pattern of a data set's own may end with the minute.
        let second = self.second.unwrap_or(0);
        // Seconds of 60 occur in real names: the first of the next minute.
        let (held, carried) = if second == 60 { (59, 1) } else { (second, 0) };
        let (month, day) = match self.day_of_year {
            Some(_) => (1, 1),
            None => (self.month?, self.day?),
        };
        let days = self.day_of_year.map_or(0, |d| i64::from(d) - 1);
        DateTime::new(self.year?, month, day, self.hour?, self.minute?, held, self.nanos)
            .ok()?
            .checked_add(jiff::Span::new().try_days(days).ok()?.try_seconds(carried).ok()?)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(name: &str) -> Option<String> {
        NameTime::find(name, None).map(|t| {
            let zone = if t.is_utc { "Z" } else { "" };
            format!("{}{zone}", t.clock.to_iso().trim_end_matches('Z').trim_end_matches('0'))
        })
    }

    /// One name for each of the formats that OSmOSE's and others' tools list, and some real ones.
    #[test]
    fn every_pattern_of_the_field_is_read() {
        for (name, expected) in [
            ("AMAR668.2021-11-02-01-02-03.wav", "2021-11-02T01:02:03."),
            ("AMAR.2021-1-2-3-4-5.wav", "2021-01-02T03:04:05."),
            ("AMAR_20211102T010203.250Z.wav", "2021-11-02T01:02:03.25Z"),
            ("AMAR668.1.20211102T010203Z.wav", "2021-11-02T01:02:03.Z"),
            ("67416073.210610033655.flac", "2021-06-10T03:36:55."),
            ("ST_210610033655.wav", "2021-06-10T03:36:55."),
            ("NOPP6_EST_20090329_121500.wav", "2009-03-29T12:15:00."),
            ("NOPP6_EST_20090328_000000_CH10.wav", "2009-03-28T00:00:00."),
            ("DUB_20200623_000152_885.wav", "2020-06-23T00:01:52.885"),
            ("site_230102_030405_x.wav", "2023-01-02T03:04:05."),
            ("PMEL-230102-030405.wav", "2023-01-02T03:04:05."),
            ("SAMS_2023-01-02_03-04-05.wav", "2023-01-02T03:04:05."),
            ("PAM_20230102_030405Z.wav", "2023-01-02T03:04:05.Z"),
            ("5755.20230102030405.wav", "2023-01-02T03:04:05."),
            ("20230102T030405.wav", "2023-01-02T03:04:05."),
            ("20230102T030405_LoggerheadID.wav", "2023-01-02T03:04:05."),
            ("DMON_20230102030405_123456.wav", "2023-01-02T03:04:05.123456"),
            ("SM4_20230102$030405.wav", "2023-01-02T03:04:05."),
            ("MARS-20150910T000000Z-2kHz.wav", "2015-09-10T00:00:00.Z"),
            ("sample_220925_223450.wav", "2022-09-25T22:34:50."),
            ("20200404_102500.WAV", "2020-04-04T10:25:00."),
            ("odd_20230102_030460.wav", "2023-01-02T03:05:00."),
        ] {
            assert_eq!(clock(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn the_microseconds_of_a_dmon_name_are_read() {
        let t = NameTime::find("DMON_20230102030405_123456.wav", None).expect("known");
        assert_eq!(t.clock.to_iso(), "2023-01-02T03:04:05.123456000Z");
        assert_eq!(t.resolution_s, 1e-6);
    }

    #[test]
    fn names_without_a_time_have_none() {
        for name in ["Blue_whale.wav", "live000.wav", "x_20231301_000000.wav", "71621DC7.190", ""] {
            assert_eq!(clock(name), None, "{name}");
        }
    }

    #[test]
    fn a_data_sets_own_pattern_goes_first_and_nonsense_in_it_is_no_error() {
        let t = NameTime::find("a2023.123_01.02.03_20200101_000000.wav", Some("%Y.%j_%H.%M.%S"));
        assert_eq!(t.expect("fits").clock.to_iso(), "2023-05-03T01:02:03.000000000Z");
        for pattern in ["%", "%Q", "%-", "%9f", ""] {
            assert!(NameTime::find("x.wav", Some(pattern)).is_none());
        }
    }

    #[test]
    fn a_zone_word_is_kept() {
        let t = NameTime::find("NOPP6_EST_20090329_121500.wav", None).expect("fits");
        assert_eq!(t.zone_word.as_deref(), Some("EST"));
        assert!(!t.is_utc);
    }
}
