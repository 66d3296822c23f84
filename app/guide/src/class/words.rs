//! What a class reads on its screens, as far as it depends on how things stand. The texts themselves are in
//! the table of all texts.

use spyhop_api::room::{
    BoxVerdict, ClassState, LabelCount, MemberRow, Obstacle, Reach, Reason, Standing, TaskResult,
};
use spyhop_words::class::{door, task};

pub use spyhop_words::class::asking::*;
pub use spyhop_words::class::door::{
    CODE, CODE_HELP, ENDED, ENDED_MORE, FIND, FULL, JOIN, JOIN_TITLE, JOIN_WITH_SOUND, JOINING,
    LOOK_ALONE, NAME_STAYS, NO_KEY, NO_ROOM, YOUR_NAME,
};
pub use spyhop_words::class::following::*;
pub use spyhop_words::class::leading::*;
pub use spyhop_words::class::reach as reaching;
pub use spyhop_words::class::task::{
    ADD_BOX, ADD_BOX_HELP, MISSED, REMOVE, SEND_BOXES, SOLVED, TRY_AGAIN,
};

/// The parts of the leader's panel.
pub const TABS: [(&str, &str); 4] =
    [("people", PEOPLE), ("question", QUESTION), ("asked", ASKED), ("task", TASK_TAB)];
/// What stands above the results of a task.
pub const RESULT_COLUMNS: [&str; 5] = ["", COLUMN_TRIES, COLUMN_RIGHT, COLUMN_WRONG, COLUMN_MISSED];

/// Whose screen is followed instead of the teacher's.
pub fn led_by(name: &str) -> String {
    if name.is_empty() { LED_BY_SOMEBODY.to_owned() } else { led_by_one(name) }
}

/// How a member is called.
pub fn member(id: u32, name: &str) -> String {
    if name.is_empty() { device(id) } else { name.to_owned() }
}

/// What a member does.
pub fn standing(row: &MemberRow) -> &'static str {
    match row.standing {
        Standing::Following => FOLLOWS,
        Standing::Away => LOOKS_ALONE,
        Standing::Gone => GONE,
    }
}

/// How many follow, in a line.
pub fn class_counts(class: &ClassState) -> String {
    let mut parts = vec![following_count(class.following as usize)];
    if class.away > 0 {
        parts.push(away_count(class.away as usize));
    }
    if class.gone > 0 {
        parts.push(gone_count(class.gone));
    }
    parts.join(" · ")
}

/// What a person who joins is told of the room.
pub fn room_card(here: u32, is_led: bool) -> String {
    let here = if here == 0 { door::NOBODY_ELSE.to_owned() } else { door::here(here as usize) };
    if is_led { door::led(here) } else { door::not_led(here) }
}

/// Whether other devices reach the server, as a sentence; and whether that is good news.
pub fn reach(reach: &Reach) -> (String, bool) {
    if reach.was_reached {
        return (reaching::reached(reach.devices.max(1) as usize), true);
    }
    let why = reach.obstacles.iter().map(|obstacle| obstacle_words(*obstacle));
    let why: Vec<&str> = why.collect();
    if why.is_empty() {
        return (reaching::NOT_YET.to_owned(), true);
    }
    (reaching::not_reached(why.join(" ")), false)
}

fn obstacle_words(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::ListensHereOnly => reaching::LISTENS_HERE_ONLY,
        Obstacle::NoNetwork => reaching::NO_NETWORK,
        Obstacle::Firewall => reaching::FIREWALL,
        Obstacle::ClientIsolation => reaching::CLIENT_ISOLATION,
        Obstacle::OtherNetwork => reaching::OTHER_NETWORK,
    }
}

/// Why a box is wrong or could be better.
fn of_reason(reason: &Reason) -> String {
    match *reason {
        Reason::NothingHere => task::NOTHING_HERE.to_owned(),
        Reason::FoundAlready => task::FOUND_ALREADY.to_owned(),
        Reason::OutsideTask => task::OUTSIDE_TASK.to_owned(),
        Reason::Early { by_s } => task::early(rounded(by_s, "s")),
        Reason::Late { by_s } => task::late(rounded(by_s, "s")),
        Reason::Low { by_hz } => task::low(rounded(by_hz, "Hz")),
        Reason::High { by_hz } => task::high(rounded(by_hz, "Hz")),
        Reason::Long { by_s } => task::long(rounded(by_s, "s")),
        Reason::Short { by_s } => task::short(rounded(by_s, "s")),
        Reason::Wide { by_hz } => task::wide(rounded(by_hz, "Hz")),
        Reason::Narrow { by_hz } => task::narrow(rounded(by_hz, "Hz")),
    }
}

/// A number with two digits that count, and its unit.
fn rounded(value: f64, unit: &str) -> String {
    let (value, unit) = match unit {
        "Hz" if value >= 1000.0 => (value / 1000.0, "kHz"),
        "s" if value < 0.1 => (value * 1000.0, "ms"),
        _ => (value, unit),
    };
    if value <= 0.0 || !value.is_finite() {
        return format!("0 {unit}");
    }
    let digits = value.log10().floor() as i32;
    let step = 10f64.powi(digits - 1);
    let decimals = usize::try_from(1 - digits).unwrap_or(0);
    let text = format!("{:.decimals$}", (value / step).round() * step);
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// What stands at a box that was checked.
pub fn of_verdict(verdict: &BoxVerdict) -> String {
    match (verdict.is_right, verdict.reasons.first()) {
        (true, None) => task::RIGHT.to_owned(),
        (true, Some(reason)) => task::right_but(of_reason(reason)),
        (false, Some(reason)) => of_reason(reason),
        (false, None) => task::NOT_A_CALL.to_owned(),
    }
}

/// Why a box is wrong or how it could be better, all of it.
pub fn all_of_verdict(verdict: &BoxVerdict) -> String {
    let reasons: Vec<String> = verdict.reasons.iter().map(of_reason).collect();
    match (verdict.is_right, reasons.is_empty()) {
        (true, true) => task::RIGHT.to_owned(),
        (true, false) => task::right_though(reasons.join(", ")),
        (false, true) => task::NOT_A_CALL.to_owned(),
        (false, false) => reasons.join(", "),
    }
}

/// What a try at a task came to.
pub fn result(result: &TaskResult) -> String {
    if result.is_mastered {
        return task::MASTERED.to_owned();
    }
    let wrong = result.boxes.len() as u32 - result.right.min(result.boxes.len() as u32);
    let mut parts = vec![task::count_right(result.right)];
    if wrong > 0 {
        parts.push(task::count_wrong(wrong));
    }
    if result.missed > 0 {
        parts.push(task::count_missed(result.missed));
    }
    task::try_was(result.try_number, parts.join(", "))
}

/// What is to be found.
pub fn to_find(calls: u32, label: &str) -> String {
    match label {
        "" => task::calls_to_find(calls as usize),
        label => task::labelled_to_find(calls as usize, label),
    }
}

/// How many boxes wait to be checked.
pub fn drawn(count: usize) -> String {
    if count == 0 { task::DRAWN_NONE.to_owned() } else { task::drawn_some(count) }
}

/// All labels of what is shown, as a choice.
pub fn every_label(count: u32) -> String {
    if count == 0 { EVERY_LABEL.to_owned() } else { every_label_count(count) }
}

/// One of them, as a choice.
pub fn label_count(one: &LabelCount) -> String {
    label_with_count(&one.label, one.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_two_digits_and_the_unit_that_fits() {
        for (reason, told) in [
            (Reason::Early { by_s: 0.304 }, "too early by 0.3 s"),
            (Reason::Late { by_s: 0.0371 }, "too late by 37 ms"),
            (Reason::Low { by_hz: 41.7 }, "42 Hz too low"),
            (Reason::High { by_hz: 12_640.0 }, "13 kHz too high"),
            (Reason::Wide { by_hz: 996.0 }, "its band is 1000 Hz too wide"),
            (Reason::Short { by_s: 127.0 }, "130 s too short"),
            (Reason::Long { by_s: f64::NAN }, "0 s too long"),
        ] {
            assert_eq!(of_reason(&reason), told);
        }
    }

    #[test]
    fn a_class_is_counted_in_plain_words() {
        let mut class = ClassState { following: 1, ..ClassState::default() };
        assert_eq!(class_counts(&class), "1 follows");
        (class.following, class.away, class.gone) = (28, 1, 2);
        assert_eq!(class_counts(&class), "28 follow · 1 looks on their own · 2 not connected");
    }

    #[test]
    fn a_try_says_what_was_right_wrong_and_missed() {
        let verdict = BoxVerdict {
            area: spyhop_api::room::Area {
                start: spyhop_api::Moment::Elapsed(0),
                span_ns: 1,
                band_hz: (0.0, 1.0),
            },
            is_right: false,
            overlap: 0.1,
            reasons: vec![Reason::Early { by_s: 0.5 }, Reason::High { by_hz: 40.0 }],
        };
        assert_eq!(of_verdict(&verdict), "too early by 0.5 s");
        assert_eq!(all_of_verdict(&verdict), "too early by 0.5 s, 40 Hz too high");
        let boxes =
            vec![verdict.clone(), BoxVerdict { is_right: true, reasons: vec![], ..verdict }];
        let mut tried =
            TaskResult { try_number: 2, boxes, right: 1, missed: 3, ..TaskResult::default() };
        assert_eq!(result(&tried), "Try 2: 1 right, 1 wrong, 3 missed.");
        tried.is_mastered = true;
        assert_eq!(result(&tried), task::MASTERED);
    }

    #[test]
    fn who_was_not_reached_is_told_why_once_that_can_be_said() {
        let mut told = Reach::default();
        assert_eq!(reach(&told), ("No other device has reached this one yet.".into(), true));
        told.obstacles = vec![Obstacle::NoNetwork];
        let (words, is_well) = reach(&told);
        assert!(words.ends_with("This machine is on no network.") && !is_well);
        told.was_reached = true;
        assert!(reach(&told).1);
    }
}
