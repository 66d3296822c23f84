//! What is known of a deployment, in a few words each.

use spyhop_api::{Deployment, PositionPublic, Timestamp, Visibility};
use spyhop_words::pages::facts as words;

use crate::wording;

/// Periods shorter than this are told with their times, s.
const WITH_TIMES_S: f64 = 2.0 * 86_400.0;

/// Key, name and words of what is known; what is not known is left out.
pub fn facts(d: &Deployment) -> Vec<(&'static str, &'static str, String)> {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let rows = [
        ("recorded", words::RECORDED, Some(period(d))),
        ("position", words::POSITION, position(d)),
        ("depth", words::DEPTH, d.depth_m.map(|m| words::metres(wording::trimmed(m, 1)))),
        ("instrument", words::INSTRUMENT, known(&d.instrument)),
        ("rate", words::RATE, rates(&d.rates_hz)),
        ("levels", words::LEVELS, Some(levels(d).to_owned())),
        ("holds", words::HOLDS, Some(holds(d))),
        ("credit", words::CREDIT, known(&d.credit)),
        ("licence", words::LICENCE, known(&d.licence)),
    ];
    rows.into_iter().filter_map(|(key, name, told)| Some((key, name, told?))).collect()
}

/// What a person should know before opening it, each in a word or two.
pub fn marks(d: &Deployment) -> Vec<String> {
    let seen_by = match d.visibility {
        Visibility::Public => None,
        Visibility::Unlisted => Some(words::UNLISTED.to_owned()),
        Visibility::Private => Some(words::PRIVATE.to_owned()),
    };
    let embargo = d.embargo_until.map(|until| words::embargo(date(until)));
    let made = d.synthesised.then(|| words::SYNTHESISED.to_owned());
    [made, seen_by, embargo].into_iter().flatten().collect()
}

/// `2024-06-01 – 2024-06-30, 2.5 days of sound in 30 days (8 %)`, in UTC.
pub fn period(d: &Deployment) -> String {
    let sound = wording::duration(d.recorded_s);
    let (Some(start), Some(end)) = (d.start, d.end) else {
        return if d.recorded_s > 0.0 {
            words::no_date(sound)
        } else {
            words::NOT_KNOWN.to_owned()
        };
    };
    let span_s = (end.0.saturating_sub(start.0)) as f64 / 1e9;
    // What ends at midnight begins no day.
    let last = Timestamp(end.0.saturating_sub(1).max(start.0));
    let days = match (date(start), date(last)) {
        (first, last) if span_s >= WITH_TIMES_S => words::days(first, last),
        (first, last) if first == last => words::within_day(first, time(start), time(end)),
        (first, last) => words::over_days(first, time(start), last, time(end)),
    };
    let percent = 100.0 * d.recorded_s / span_s;
    if span_s <= 0.0 || percent >= 99.95 {
        return words::with_sound(days, sound);
    }
    let share = match percent < 1.0 {
        true => words::UNDER_ONE_PERCENT.to_owned(),
        false => words::percent(wording::trimmed(percent, 0)),
    };
    words::with_share(days, sound, wording::duration(span_s), share)
}

/// The position as it is published; `None` where none was ever given.
pub fn position(d: &Deployment) -> Option<String> {
    if d.position_public == PositionPublic::Hidden {
        return Some(words::NOT_PUBLISHED.to_owned());
    }
    let rounded = d.position_public == PositionPublic::Rounded;
    let decimals = if rounded { 1 } else { 4 };
    let degrees = |value: f64| wording::trimmed(value.abs(), decimals);
    let numbers = d.latitude.zip(d.longitude).map(|(latitude, longitude)| {
        let latitude = match latitude < 0.0 {
            true => words::south(degrees(latitude)),
            false => words::north(degrees(latitude)),
        };
        let longitude = match longitude < 0.0 {
            true => words::west(degrees(longitude)),
            false => words::east(degrees(longitude)),
        };
        words::coordinates(latitude, longitude)
    });
    let told = match (d.position.as_str(), numbers) {
        ("", None) => return None,
        ("", Some(numbers)) => numbers,
        (text, None) => text.to_owned(),
        (text, Some(numbers)) => words::place_with_coordinates(text, numbers),
    };
    Some(if rounded { words::rounded(told) } else { told })
}

/// The day, UTC.
pub fn date(at: Timestamp) -> String {
    at.to_iso().split('T').next().unwrap_or_default().to_owned()
}

/// Hours and minutes, UTC.
fn time(at: Timestamp) -> String {
    at.to_iso().split('T').nth(1).map(|t| t.chars().take(5).collect()).unwrap_or_default()
}

fn rates(rates_hz: &[f64]) -> Option<String> {
    let told: Vec<String> = rates_hz.iter().map(|hz| wording::hertz(*hz)).collect();
    match told.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [first, rest @ ..] => Some(words::mostly(first, rest.join(", "))),
    }
}

fn levels(d: &Deployment) -> &'static str {
    match d.calibration {
        Some(_) => words::CALIBRATED,
        None => words::UNCALIBRATED,
    }
}

fn holds(d: &Deployment) -> String {
    let count = wording::recordings(d.recording_count);
    let holds = words::recordings_and_bytes(count, wording::bytes(d.bytes));
    if d.unread_count > 0 { words::still_unread(holds, d.unread_count) } else { holds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(start: &str, end: &str, recorded_s: f64) -> Deployment {
        let at = |text: &str| Some(Timestamp::from_iso(text).expect("a time"));
        Deployment { start: at(start), end: at(end), recorded_s, ..Default::default() }
    }

    #[test]
    fn a_duty_cycled_month_says_its_share() {
        let d = deployment("2024-06-01T00:00:00Z", "2024-07-01T00:00:00Z", 216_000.0);
        assert_eq!(period(&d), "2024-06-01 – 2024-06-30, 2.5 days of sound in 30 days (8 %)");
    }

    #[test]
    fn minutes_are_told_with_their_times() {
        let d = deployment("2009-03-29T12:15:00Z", "2009-03-29T12:30:00Z", 900.0);
        assert_eq!(period(&d), "2009-03-29 12:15 – 12:30 UTC, 15 min of sound");
        let d = deployment("2024-06-01T23:59:00Z", "2024-06-02T00:01:00Z", 60.0);
        assert_eq!(
            period(&d),
            "2024-06-01 23:59 – 2024-06-02 00:01 UTC, 1 min of sound in 2 min (50 %)"
        );
        let undated = Deployment { recorded_s: 3.0, ..Default::default() };
        assert_eq!(period(&undated), "no date known; 3 s of sound");
    }

    #[test]
    fn a_position_is_told_as_it_is_published() {
        let mut d = Deployment {
            position: "Stellwagen Bank".into(),
            latitude: Some(42.251_23),
            longitude: Some(-70.33),
            ..Default::default()
        };
        assert_eq!(position(&d).as_deref(), Some("Stellwagen Bank (42.2512° N, 70.33° W)"));
        d.position_public = PositionPublic::Rounded;
        (d.position, d.latitude, d.longitude) = (String::new(), Some(42.3), Some(-70.3));
        assert_eq!(position(&d).as_deref(), Some("42.3° N, 70.3° W, rounded"));
        d.position_public = PositionPublic::Hidden;
        assert_eq!(position(&d).as_deref(), Some("not published"));
        assert_eq!(position(&Deployment::default()), None);
    }

    #[test]
    fn a_changed_rate_is_told() {
        assert_eq!(rates(&[192_000.0, 96_000.0]).as_deref(), Some("mostly 192 kHz, also 96 kHz"));
        assert_eq!((rates(&[2000.0]).as_deref(), rates(&[])), (Some("2 kHz"), None));
    }
}
