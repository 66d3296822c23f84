//! AudioMoth's comment: `Recorded at 10:25:00 04/04/2020 (UTC-5) by AudioMoth 24…`.

use jiff::civil::DateTime;
use spyhop_api::StartSource;

use crate::formats::start::{Start, instant, offset_text};

/// The start that the comment tells, if it is one of AudioMoth's.
pub(crate) fn start(comment: &str) -> Option<Start> {
    let rest = comment.strip_prefix("Recorded at ")?;
    let (clock, rest) = rest.split_once(" (UTC")?;
    let (offset, _) = rest.split_once(')')?;
    let (time, date) = clock.trim().split_once(' ')?;
    // Firmware with GPS writes thousandths of a second.
    let (time, nanos) = match time.split_once('.') {
        Some((time, fraction)) if fraction.len() <= 9 => {
            let digits = u32::try_from(fraction.len()).ok()?;
            (time, fraction.parse::<i32>().ok()? * 10i32.pow(9 - digits))
        }
        _ => (time, 0),
    };
    let [hour, minute, second] = three(time, ':')?;
    let [day, month, year] = three(date, '/')?;
    let small = |n: i16| i8::try_from(n).ok();
    let clock = DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanos,
    )
    .ok()?;
    let offset_s = offset_seconds(offset)?;
    Some(Start {
        at: instant(clock, offset_s)?,
        source: StartSource::AudioMoth,
        zone: if offset_s == 0 { "Z".to_owned() } else { offset_text(offset_s) },
        uncertainty_s: Some(1.0),
    })
}

fn three(text: &str, separator: char) -> Option<[i16; 3]> {
    let mut parts = text.split(separator).map(|p| p.parse().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// `` (UTC itself), `-5`, `+5:30`.
fn offset_seconds(text: &str) -> Option<i32> {
    if text.is_empty() {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    Some(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::start;

    #[test]
    fn comments_of_all_firmwares_are_read() {
        for (comment, at, zone) in [
            (
                "Recorded at 10:25:00 04/04/2020 (UTC) by AudioMoth",
                "2020-04-04T10:25:00.000000000Z",
                "Z",
            ),
            (
                "Recorded at 10:25:00 04/04/2020 (UTC-5) by",
                "2020-04-04T15:25:00.000000000Z",
                "-05:00",
            ),
            (
                "Recorded at 10:25:00.250 04/04/2020 (UTC+5:30) by",
                "2020-04-04T04:55:00.250000000Z",
                "+05:30",
            ),
        ] {
            let start = start(comment).expect(comment);
            assert_eq!((start.at.to_iso().as_str(), start.zone.as_str()), (at, zone));
        }
        for comment in [
            "",
            "Recorded at noon",
            "Recorded at 1:2:3 99/99/2020 (UTC)",
            "Recorded at 1:2:3 1/1/2020 (UTC+999)",
        ] {
            assert!(start(comment).is_none(), "{comment}");
        }
    }
}
