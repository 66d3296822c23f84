//! Everything that a class reads on its screens, in one place.

use spyhop_api::room::{BoxVerdict, ClassState, MemberRow, Obstacle, Reach, Standing, TaskResult};

pub const JOIN_TITLE: &str = "Join the class";
pub const JOIN: &str = "Join";
pub const JOIN_WITH_SOUND: &str = "Join with sound";
pub const JOINING: &str = "Joining…";
pub const YOUR_NAME: &str = "Your name, if you like";
pub const NAME_STAYS: &str = "It stays in this room and goes with it.";
pub const CODE: &str = "Code of the class";
pub const CODE_HELP: &str = "Five letters: your teacher shows them.";
pub const FIND: &str = "Go on";
pub const LOOK_ALONE: &str = "Look around without a class";
pub const ENDED: &str = "The class is over.";
pub const ENDED_MORE: &str = "You can look on by yourself, or close the page.";
pub const FULL: &str = "The class is full: no more devices are taken.";
pub const NO_ROOM: &str =
    "There is no class with this code now. It may be over, or a letter is different.";
pub const NO_KEY: &str = "This page has lost the key that leads the class. Open the leader's link again, or \
    begin a new class.";

pub const FOLLOWING: &str = "Following the teacher";
pub const ON_YOUR_OWN: &str = "You look on your own";
pub const REJOIN: &str = "Follow again";
pub const LOOK_AROUND: &str = "Look around";
pub const LOST: &str = "Connection lost: trying again…";
pub const CONNECTING: &str = "Connecting…";
pub const NO_TEACHER: &str = "The teacher is not connected";
pub const NOTHING_SHOWN: &str = "The teacher has not opened anything yet";
pub const OWN_DISK: &str =
    "The teacher shows a file of their own disk, which is only on their screen";
pub const YOU_ARE_SEEN: &str = "Everybody sees your screen";
pub const SOUND: &str = "Sound";
pub const SOUND_ON: &str = "This device plays what the teacher plays";
pub const SOUND_OFF: &str = "Only the teacher's device plays";
pub const ASK: &str = "Ask";
pub const LEAVE: &str = "Leave";

pub const ASK_TITLE: &str = "Ask something";
pub const YOUR_QUESTION: &str = "Your question";
pub const ABOUT_MY_BOX: &str = "About the box that I have drawn";
pub const SEND: &str = "Send";
pub const CLOSE: &str = "Close";
pub const ASKED_TITLE: &str = "Questions of the class";
pub const ASKED_NONE: &str = "Nobody has asked anything.";
pub const WANT_TO_KNOW: &str = "I want to know this too";
pub const SHOW_WHERE: &str = "Show where";
pub const DONE_WITH: &str = "Done";

pub const YOUR_ANSWER: &str = "Your answer";
pub const ANSWER: &str = "Answer";
pub const MAY_CHANGE: &str = "You may change it as long as answers are taken.";
pub const NO_MORE_ANSWERS: &str = "No more answers are taken.";
pub const ANSWERS: &str = "Answers of the class";
pub const ASKED_HERE: &str = "?";

pub const ADD_BOX: &str = "Add box";
pub const ADD_BOX_HELP: &str = "Draw a box round a call in the picture, then add it (Enter).";
pub const SEND_BOXES: &str = "Check my boxes";
pub const TRY_AGAIN: &str = "Try again";
pub const REMOVE: &str = "Remove";
pub const MISSED: &str = "missed";
pub const MASTERED: &str = "All found, and nothing wrong. Well done!";
pub const SOLVED: &str = "The solution is shown.";

pub const CLASS: &str = "Class";
pub const MAKING: &str = "Beginning a class…";
pub const PROJECT_CODE: &str = "Show the code large";
pub const TABS: [(&str, &str); 4] =
    [("people", "People"), ("question", "Question"), ("asked", "Asked"), ("task", "Task")];
pub const NOBODY: &str = "Nobody has joined yet.";
pub const SPOTLIGHT: &str = "Show to all";
pub const TAKE_BACK: &str = "Show my screen again";
pub const POSE_TITLE: &str = "Ask the class";
pub const WHAT_IS_THIS: &str = "What is this?";
pub const ON_SELECTION: &str = "About the box that is selected";
pub const CHOICES: &str = "Choices, one a line (none: they answer in words)";
pub const POSE: &str = "Ask";
pub const SHOW_ANSWERS: &str = "Show answers to all";
pub const HIDE_ANSWERS: &str = "Hide answers";
pub const STOP_ANSWERS: &str = "Take no more";
pub const TAKE_ANSWERS: &str = "Take answers again";
pub const NEW_QUESTION: &str = "New question";
pub const REVEAL_LABELS: &str = "Show the labels to all";
pub const HIDE_LABELS: &str = "Hide the labels";
pub const TASK_TITLE: &str = "Set a task";
pub const TASK_HELP: &str =
    "Everybody draws boxes round the calls in the selection, or in what you show now.";
pub const TASK_TEXT: &str = "What they are to find";
pub const TASK_TEXT_FIRST: &str = "Draw a box round every call.";
pub const TASK_LABEL: &str = "Only calls with this label (empty: all)";
pub const TASK_SHOWS_MISSED: &str = "A try shows what it missed";
pub const SET_TASK: &str = "Set the task";
pub const TASK_NEEDS_PART: &str =
    "Zoom in or draw a box first: a task is about a part of the recording.";
pub const RESULT_COLUMNS: [&str; 5] = ["", "tries", "right", "wrong", "missed"];
pub const SOLVE: &str = "Show the solution";
pub const DROP_TASK: &str = "End the task";
pub const ANSWERS_CSV: &str = "Answers (CSV)";
pub const END: &str = "End the class";
pub const END_SURE: &str = "Really end it? Everything that was said in it is forgotten.";
pub const END_YES: &str = "End it";
pub const GO_ON: &str = "Go on";
pub const NEW_CLASS: &str = "Begin a new class";

/// Whose screen is followed instead of the teacher's.
pub fn led_by(name: &str) -> String {
    match name {
        "" => "Following another student's screen".to_owned(),
        name => format!("Following {name}'s screen"),
    }
}

/// The same, said to the leader.
pub fn shown_to_all(name: &str) -> String {
    format!("Everybody sees the screen of {name}.")
}

/// How a member is called.
pub fn member(id: u32, name: &str) -> String {
    if name.is_empty() { format!("Device {id}") } else { name.to_owned() }
}

/// What a member does.
pub fn standing(row: &MemberRow) -> &'static str {
    match row.standing {
        Standing::Following => "follows",
        Standing::Away => "looks on their own",
        Standing::Gone => "not connected",
    }
}

/// How many follow, in a line.
pub fn class_counts(class: &ClassState) -> String {
    let mut parts = vec![match class.following {
        1 => "1 follows".to_owned(),
        n => format!("{n} follow"),
    }];
    match class.away {
        0 => {}
        1 => parts.push("1 looks on their own".to_owned()),
        n => parts.push(format!("{n} look on their own")),
    }
    if class.gone > 0 {
        parts.push(format!("{} not connected", class.gone));
    }
    parts.join(" · ")
}

/// What a person who joins is told of the room.
pub fn room_card(here: u32, is_led: bool) -> String {
    let here = match here {
        0 => "Nobody else is here yet".to_owned(),
        1 => "One other is here".to_owned(),
        n => format!("{n} are here"),
    };
    let teacher = if is_led { "the teacher is connected" } else { "the teacher is not connected" };
    format!("{here}, {teacher}.")
}

/// Whether other devices reach the server, as a sentence; and whether that is good news.
pub fn reach(reach: &Reach) -> (String, bool) {
    if reach.was_reached {
        let devices = match reach.devices {
            0 | 1 => "Another device has reached this one.".to_owned(),
            n => format!("{n} other devices have reached this one."),
        };
        return (devices, true);
    }
    let why = reach.obstacles.iter().map(|obstacle| obstacle_words(*obstacle));
    let why: Vec<&str> = why.collect();
    if why.is_empty() {
        return ("No other device has reached this one yet.".to_owned(), true);
    }
    (format!("No other device has reached this one. {}", why.join(" ")), false)
}

fn obstacle_words(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::ListensHereOnly => {
            "The server listens on this machine alone: start it by `spyhop class`."
        }
        Obstacle::NoNetwork => "This machine is on no network.",
        Obstacle::Firewall => "Its firewall probably lets nobody in: allow Spyhop there.",
        Obstacle::ClientIsolation => {
            "The wireless network probably keeps its devices apart, as guest networks do: use another \
             one, or a phone's hotspot."
        }
        Obstacle::OtherNetwork => "The other devices are probably in another network.",
    }
}

/// What stands at a box that was checked.
pub fn of_verdict(verdict: &BoxVerdict) -> String {
    match (verdict.is_right, verdict.reasons.first()) {
        (true, None) => "right".to_owned(),
        (true, Some(reason)) => format!("right; {reason}"),
        (false, Some(reason)) => reason.to_string(),
        (false, None) => "not a call".to_owned(),
    }
}

/// Why a box is wrong or how it could be better, all of it.
pub fn all_of_verdict(verdict: &BoxVerdict) -> String {
    let reasons: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
    match (verdict.is_right, reasons.is_empty()) {
        (true, true) => "right".to_owned(),
        (true, false) => format!("right, though {}", reasons.join(", ")),
        (false, true) => "not a call".to_owned(),
        (false, false) => reasons.join(", "),
    }
}

/// What a try at a task came to.
pub fn result(result: &TaskResult) -> String {
    if result.is_mastered {
        return MASTERED.to_owned();
    }
    let wrong = result.boxes.len() as u32 - result.right.min(result.boxes.len() as u32);
    let mut parts = vec![format!("{} right", result.right)];
    if wrong > 0 {
        parts.push(format!("{wrong} wrong"));
    }
    if result.missed > 0 {
        parts.push(format!("{} missed", result.missed));
    }
    format!("Try {}: {}.", result.try_number, parts.join(", "))
}

/// What is to be found.
pub fn to_find(calls: u32, label: &str) -> String {
    let what = match (label, calls) {
        ("", 1) => "one call".to_owned(),
        ("", n) => format!("{n} calls"),
        (label, 1) => format!("one call labelled “{label}”"),
        (label, n) => format!("{n} calls labelled “{label}”"),
    };
    format!("There {} {what} to find.", if calls == 1 { "is" } else { "are" })
}

/// How many boxes wait to be checked.
pub fn drawn(count: usize) -> String {
    match count {
        0 => "No box yet.".to_owned(),
        1 => "1 box.".to_owned(),
        n => format!("{n} boxes."),
    }
}

/// How the class stands at the task.
pub fn task_counts(tried: usize, mastered: usize, of: usize) -> String {
    format!("{tried} of {of} have tried, {mastered} have found all.")
}

/// How many have answered.
pub fn answered(count: usize, of: usize) -> String {
    format!("{count} of {of} have answered.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::room::Reason;

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
        assert_eq!(result(&tried), MASTERED);
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
