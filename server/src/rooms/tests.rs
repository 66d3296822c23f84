//! Rooms, without a network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use proptest::prelude::*;
use spyhop_api::room::{
    Area, ClassState, Following, FromMember, JoinRequest, Joined, MOST_BOXES, Mine, Reason,
    RoomCopy, RoomEvent, RoomState, Standing, ToMember,
};
use spyhop_api::{Mark, MarkKind, Moment, Pointed, Shown, Timestamp};

use super::*;

const VIEW: &str = "v=1&src=set:night&t=2024-06-01T12:00:00.5Z&span=1&f=500-2000";

fn told(bytes: &Bytes) -> ToMember {
    serde_json::from_slice(bytes).expect("a message")
}

/// A room with its leader.
struct Lesson {
    rooms: Rooms,
    room: Arc<Room>,
    leader: Joined,
    begun: Instant,
}

impl Lesson {
    fn begin() -> Lesson {
        let (rooms, begun) = (Rooms::default(), Instant::now());
        let made = rooms.make(&RoomRequest { view: VIEW.into() }, begun).expect("a room");
        let room = rooms.find(&made.code).expect("the room");
        let asked = JoinRequest { leader_key: made.leader_key, ..JoinRequest::default() };
        let leader = room.join(&asked, begun).expect("the leader");
        assert!(leader.is_leader);
        Lesson { rooms, room, leader, begun }
    }

    fn join(&self, name: &str) -> Joined {
        let asked = JoinRequest { name: name.into(), ..JoinRequest::default() };
        self.room.join(&asked, self.begun).expect("a member")
    }

    /// Each a second after the last: nobody is too fast.
    fn say(&self, who: &Joined, said: FromMember) -> Result<(), RoomError> {
        self.say_knowing(who, said, &[])
    }

    fn say_knowing(&self, who: &Joined, said: FromMember, known: &[Mark]) -> Result<(), RoomError> {
        self.room.say(who.id, said, known, Instant::now())
    }

    fn news(&self, who: &Joined, cursor: &mut Cursor) -> Vec<ToMember> {
        let (news, _) = self.room.news(who.id, cursor);
        news.iter().map(told).collect()
    }

    fn mine(&self, who: &Joined) -> Mine {
        let news = self.news(who, &mut Cursor::default());
        let mine = news.into_iter().find_map(|told| match told {
            ToMember::Mine { mine } => Some(mine),
            _ => None,
        });
        mine.expect("everybody is told how they stand")
    }

    fn class(&self, now: Instant) -> ClassState {
        self.room.upkeep(now);
        let news = self.news(&self.leader, &mut Cursor::default());
        let class = news.into_iter().find_map(|told| match told {
            ToMember::Class { class } => Some(class),
            _ => None,
        });
        class.expect("the leader is told of the class")
    }
}

fn shown(view: &str) -> Shown {
    Shown { view: view.into(), ..Shown::default() }
}

fn area(start_ms: i64, end_ms: i64, low_hz: f64, high_hz: f64) -> Area {
    let start = Moment::Clock(Timestamp(start_ms * 1_000_000));
    Area { start, span_ns: (end_ms - start_ms) * 1_000_000, band_hz: (low_hz, high_hz) }
}

fn mark(at: Area, text: &str) -> Mark {
    let Area { start, span_ns, band_hz } = at;
    Mark { start, span_ns, band_hz, text: text.into(), kind: MarkKind::Truth }
}

#[test]
fn a_code_is_found_however_it_is_typed_and_only_its_key_leads() {
    let lesson = Lesson::begin();
    let code = lesson.room.code();
    assert!(code.len() == CODE_LENGTH && code.chars().all(|c| CODE_LETTERS.contains(c)), "{code}");
    let typed = format!(" {} ", code.to_lowercase());
    assert!(Arc::ptr_eq(&lesson.rooms.find(&typed).expect("the room"), &lesson.room));
    for other in ["", "ZZZZ", "BBBBBB", "../etc", &format!("{code}X")] {
        assert!(matches!(lesson.rooms.find(other), Err(RoomError::NoRoom(_))), "{other}");
    }
    let asked = JoinRequest { leader_key: "guess".into(), ..JoinRequest::default() };
    assert_eq!(lesson.room.join(&asked, lesson.begun), Err(RoomError::WrongKey));
    let ada = lesson.join("Ada");
    for leading in
        [FromMember::End, FromMember::Spotlight { member: Some(ada.id) }, FromMember::Solve]
    {
        assert_eq!(lesson.say(&ada, leading), Err(RoomError::NotLeading));
    }
    assert_eq!(lesson.room.answers(&ada.member), Err(RoomError::NotLeading));
}

#[test]
fn only_the_leaders_device_sounds_until_the_leader_lets_others() {
    let lesson = Lesson::begin();
    let ada = lesson.join("");
    let mut cursor = Cursor::default();
    lesson.news(&ada, &mut cursor);
    assert!(!lesson.room.state().sounds);
    assert_eq!(lesson.say(&ada, FromMember::Sounds { on: true }), Err(RoomError::NotLeading));
    for _ in 0..2 {
        lesson.say(&lesson.leader, FromMember::Sounds { on: true }).expect("said");
    }
    let news = lesson.news(&ada, &mut cursor);
    let [ToMember::Event { event, .. }] = news.as_slice() else { panic!("once: {news:?}") };
    assert_eq!(*event, RoomEvent::Sounds { on: true });
    assert!(lesson.room.state().sounds);
}

#[test]
fn views_are_steps_and_the_pointer_is_only_followed() {
    let lesson = Lesson::begin();
    let ada = lesson.join("");
    let mut cursor = Cursor::default();
    let first = lesson.news(&ada, &mut cursor);
    let [ToMember::State { state, seq }, ToMember::Mine { mine }] = first.as_slice() else {
        panic!("{first:?}");
    };
    assert!((state.shown.view.contains("src=set:night"), *seq, mine.id) == (true, 1, ada.id));
    let pointer = Some(Pointed { at: Moment::Elapsed(5), hz: Some(900.0) });
    let head = Some(Moment::Elapsed(7));
    let said = Shown { pointer, head, is_playing: true, ..shown(VIEW) };
    lesson.say(&lesson.leader, FromMember::Show { shown: said.clone() }).expect("said");
    let news = lesson.news(&ada, &mut cursor);
    let [
        ToMember::Event { seq: 2, event: RoomEvent::Shown { shown } },
        ToMember::Follow { following },
    ] = news.as_slice()
    else {
        panic!("{news:?}");
    };
    assert_eq!((shown.pointer, shown.head, shown.is_playing), (None, head, true));
    assert_eq!(*following, Following { head, pointer });
    // Nothing but the head moves: no step.
    let head = Some(Moment::Elapsed(8));
    lesson.say(&lesson.leader, FromMember::Show { shown: Shown { head, ..said } }).expect("said");
    let news = lesson.news(&ada, &mut cursor);
    assert_eq!(news, [ToMember::Follow { following: Following { head, pointer } }]);
    // Who looks around alone is told steps, and no pointer.
    lesson.say(&ada, FromMember::Away { on: true }).expect("said");
    lesson
        .say(&lesson.leader, FromMember::Point { following: Following::default() })
        .expect("said");
    let news = lesson.news(&ada, &mut cursor);
    assert!(matches!(news.as_slice(), [ToMember::Mine { mine }] if mine.is_away), "{news:?}");
    assert!(lesson.news(&ada, &mut cursor).is_empty(), "told once");
    let own = Shown { view: "v=1&src=set:other".into(), ..Shown::default() };
    lesson.say(&ada, FromMember::Show { shown: own }).expect("said");
    assert!(lesson.room.state().shown.view.contains("night"), "nobody else's view is followed");
}

#[test]
fn a_member_in_the_spotlight_is_followed_and_opens_nothing_else_for_everybody() {
    let lesson = Lesson::begin();
    let (ada, ben) = (lesson.join("Ada"), lesson.join("Ben"));
    let near = VIEW.replace("span=1", "span=2");
    lesson.say(&ada, FromMember::Show { shown: shown(&near) }).expect("said");
    lesson.say(&lesson.leader, FromMember::Spotlight { member: Some(ada.id) }).expect("said");
    let spotlight = lesson.room.state().spotlight.expect("a spotlight");
    assert_eq!((spotlight.member, &*spotlight.name), (ada.id, "Ada"));
    assert_eq!(
        lesson.room.state().followed().view,
        wording::view(&near).expect("a view").to_query()
    );
    let far = VIEW.replace("span=1", "span=9");
    lesson.say(&ada, FromMember::Show { shown: shown(&far) }).expect("said");
    assert!(lesson.room.state().followed().view.contains("span=9"));
    for other in ["v=1&src=url:https://evil.example/x.wav", "v=1&src=set:private"] {
        let refused = lesson.say(&ada, FromMember::Show { shown: shown(other) });
        assert!(matches!(refused, Err(RoomError::Invalid(_))), "{other}");
    }
    lesson.say(&ben, FromMember::Show { shown: shown("v=1&src=set:other") }).expect("his own");
    lesson.say(&lesson.leader, FromMember::Spotlight { member: Some(ben.id) }).expect("said");
    let followed = lesson.room.state();
    assert_eq!(followed.followed().view, followed.shown.view, "he has something else open");
    assert!(lesson.say(&lesson.leader, FromMember::Spotlight { member: Some(99) }).is_err());
    // Once he is gone for good the leader is followed again.
    lesson.room.upkeep(lesson.begun + Duration::from_secs(60));
    assert_eq!(lesson.room.state().spotlight, None);
}

#[test]
fn answers_come_to_the_leader_and_to_all_once_they_are_revealed() {
    let lesson = Lesson::begin();
    let members: Vec<Joined> = ["Ada", "Ben", "Cy"].map(|name| lesson.join(name)).to_vec();
    let choices = ["fin whale".to_owned(), " ".into(), "=ship()".into()];
    let text = "What <b>is</b> this?\u{202e}".to_owned();
    let pose = FromMember::Pose { text, area: None, choices: choices.to_vec() };
    lesson.say(&lesson.leader, pose).expect("asked");
    let question = lesson.room.state().question.expect("a question");
    assert_eq!(question.choices, ["fin whale", "=ship()"]);
    assert_eq!(question.text, "What <b>is</b> this?", "text is text, and turns nothing around");
    let answer = |choice| FromMember::Answer { question: question.id, choice, text: String::new() };
    for (member, choice) in members.iter().zip([0, 1, 1]) {
        lesson.say(member, answer(Some(choice))).expect("answered");
    }
    assert!(lesson.say(&members[0], answer(Some(2))).is_err(), "there is no third");
    assert!(lesson.say(&members[0], answer(None)).is_err(), "it is for choosing");
    assert_eq!(lesson.room.state().question.and_then(|q| q.tally), None);
    let class = lesson.class(lesson.begun);
    let chosen: Vec<_> = class.answers.iter().map(|a| (a.member, a.choice)).collect();
    let ids: Vec<u32> = members.iter().map(|m| m.id).collect();
    assert_eq!(chosen, [(ids[0], Some(0)), (ids[1], Some(1)), (ids[2], Some(1))]);
    lesson.say(&lesson.leader, FromMember::RevealAnswers { on: true }).expect("revealed");
    let tally = |state: RoomState| state.question.and_then(|q| q.tally).expect("revealed");
    assert_eq!(tally(lesson.room.state()).by_choice, [1, 2]);
    lesson.say(&members[0], answer(Some(1))).expect("thought again");
    lesson.room.upkeep(lesson.begun);
    assert_eq!(tally(lesson.room.state()).by_choice, [0, 3]);
    lesson.say(&lesson.leader, FromMember::OpenQuestion { on: false }).expect("closed");
    assert!(lesson.say(&members[0], answer(Some(0))).is_err());
    let pose = FromMember::Pose { text: "And this?".into(), area: None, choices: vec![] };
    lesson.say(&lesson.leader, pose).expect("asked");
    let second = lesson.room.state().question.expect("a question").id;
    for (member, said) in members.iter().zip(["Seal", "seal", "a \"boat\""]) {
        let text = said.to_owned();
        lesson
            .say(member, FromMember::Answer { question: second, choice: None, text })
            .expect("said");
    }
    lesson.say(&lesson.leader, FromMember::RevealAnswers { on: true }).expect("revealed");
    let said = tally(lesson.room.state()).by_text;
    assert_eq!(said, [("Seal".to_owned(), 2), ("a \"boat\"".to_owned(), 1)]);
    assert_eq!(lesson.mine(&members[0]).answer.map(|a| a.text), Some("Seal".into()));
    let table = lesson.room.answers(&lesson.leader.member).expect("a table");
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(
        rows[1],
        format!("question,1,\"What <b>is</b> this?\",{},\"'=ship()\",,,,,", ids[0])
    );
    assert_eq!(rows[6], format!("question,2,\"And this?\",{},\"a \"\"boat\"\"\",,,,,", ids[2]));
    assert!(!table.contains("Ada") && rows.len() == 7, "{table}");
}

#[test]
fn members_ask_and_vote_and_nobody_votes_for_themselves() {
    let lesson = Lesson::begin();
    let (ada, ben, cy) = (lesson.join("Ada"), lesson.join(""), lesson.join(""));
    let ask = |text: &str| FromMember::Ask { text: text.into(), area: None };
    lesson.say(&ada, ask("Why so low?")).expect("asked");
    assert!(lesson.say(&ada, ask(" \u{200b} ")).is_err(), "nothing is asked");
    let asked = lesson.room.state().asked[0].clone();
    assert_eq!((&*asked.name, asked.votes), ("Ada", 0));
    let vote = |on| FromMember::Vote { asked: asked.id, on };
    assert!(lesson.say(&ada, vote(true)).is_err());
    for (member, on) in [(&ben, true), (&ben, true), (&cy, true), (&cy, false)] {
        lesson.say(member, vote(on)).expect("voted");
    }
    lesson.room.upkeep(lesson.begun);
    assert_eq!(lesson.room.state().asked[0].votes, 1);
    assert_eq!(lesson.mine(&ben).votes, [asked.id]);
    for _ in 0..4 {
        lesson.say(&ada, ask("Another one")).expect("asked");
    }
    assert!(lesson.say(&ada, ask("One too many")).is_err());
    lesson.say(&lesson.leader, FromMember::Dismiss { asked: asked.id }).expect("done");
    assert!(lesson.room.state().asked.iter().all(|held| held.id != asked.id));
    assert!(lesson.mine(&ben).votes.is_empty());
}

#[test]
fn a_task_is_scored_at_once_and_tried_until_it_is_mastered() {
    let lesson = Lesson::begin();
    let ada = lesson.join("Ada");
    let whole = area(0, 10_000, 0.0, 500.0);
    let calls = [area(1000, 2000, 100.0, 200.0), area(4000, 5000, 100.0, 200.0)];
    let mut known = calls.map(|call| mark(call, "Upcall")).to_vec();
    known.push(mark(area(3000, 3100, 100.0, 200.0), "ship"));
    known.push(mark(area(11_000, 12_000, 100.0, 200.0), "upcall"));
    let set = |label: &str| FromMember::SetTask {
        text: "Find them".into(),
        label: label.into(),
        area: whole,
        least_overlap: None,
        shows_missed: false,
        calls: vec![],
    };
    let looking = lesson.room.looks_for(lesson.leader.id, &set("upcall")).expect("labels");
    assert_eq!(looking.area, Some(whole));
    assert_eq!(lesson.room.looks_for(ada.id, &set("upcall")), None, "it is refused anyway");
    assert!(lesson.say_knowing(&lesson.leader, set("moan"), &known).is_err(), "none is known");
    lesson.say_knowing(&lesson.leader, set("upcall"), &known).expect("set");
    let task = lesson.room.state().task.expect("a task");
    assert_eq!((task.calls, task.solution.len()), (2, 0), "only those inside, and of that label");
    let attempt = |boxes: &[Area]| {
        lesson
            .say(&ada, FromMember::Boxes { task: task.id, boxes: boxes.to_vec() })
            .expect("tried");
        lesson.mine(&ada).result.expect("scored at once")
    };
    let first =
        attempt(&[calls[0], area(3600, 4500, 100.0, 200.0), area(7000, 8000, 300.0, 400.0)]);
    assert_eq!((first.try_number, first.right, first.missed, first.is_mastered), (1, 2, 0, false));
    assert_eq!(first.boxes[2].reasons, [Reason::NothingHere]);
    assert_eq!(first.boxes[1].reasons, [Reason::Early { by_s: 0.45 }]);
    let second = attempt(&[calls[0]]);
    assert_eq!((second.missed, second.missed_at.len()), (1, 0), "where is not told");
    assert!(attempt(&calls).is_mastered);
    assert!(!attempt(&[]).is_mastered);
    let row = lesson.class(lesson.begun).results[0].clone();
    assert_eq!((row.tries, row.missed, row.is_mastered), (4, 2, true));
    let many = vec![calls[0]; MOST_BOXES + 1];
    for (odd, boxes) in [
        ("too many", many),
        ("backwards", vec![Area { span_ns: -1, ..calls[0] }]),
        ("upside down", vec![Area { band_hz: (5.0, 1.0), ..calls[0] }]),
    ] {
        let refused = lesson.say(&ada, FromMember::Boxes { task: task.id, boxes });
        assert!(matches!(refused, Err(RoomError::Invalid(_))), "{odd}");
    }
    lesson.say(&lesson.leader, FromMember::Solve).expect("solved");
    assert_eq!(lesson.room.state().task.expect("a task").solution, calls);
    assert!(lesson.say(&ada, FromMember::Boxes { task: task.id, boxes: calls.to_vec() }).is_err());
    lesson.say(&lesson.leader, FromMember::DropTask).expect("closed");
    let table = lesson.room.answers(&lesson.leader.member).expect("a table");
    assert!(
        table.ends_with(&format!("task,1,\"Find them\",{},,4,0,0,2,true\n", ada.id)),
        "{table}"
    );
}

#[test]
fn a_room_that_is_over_says_so_and_keeps_nothing() {
    let lesson = Lesson::begin();
    let ada = lesson.join("Ada");
    let pose = FromMember::Pose { text: "What?".into(), area: None, choices: vec![] };
    lesson.say(&lesson.leader, pose).expect("asked");
    let answer = FromMember::Answer { question: 1, choice: None, text: "A whale".into() };
    lesson.say(&ada, answer).expect("answered");
    let mut cursor = Cursor::default();
    lesson.news(&ada, &mut cursor);
    lesson.say(&lesson.leader, FromMember::End).expect("ended");
    let (news, is_over) = lesson.room.news(ada.id, &mut cursor);
    assert!(is_over && matches!(told(&news[0]), ToMember::Event { event: RoomEvent::Ended, .. }));
    let table = lesson.room.answers(&lesson.leader.member).expect("a table");
    assert!(!table.contains("A whale"), "{table}");
    assert!(lesson.say(&ada, FromMember::Away { on: true }).is_err());
    assert!(lesson.room.join(&JoinRequest::default(), Instant::now()).is_err());
    lesson.rooms.upkeep(Instant::now());
    assert!(lesson.rooms.find(lesson.room.code()).is_ok(), "those who poll can still read it");
    lesson.rooms.upkeep(Instant::now() + Duration::from_secs(40));
    assert!(lesson.rooms.find(lesson.room.code()).is_err());
    let idle = Lesson::begin();
    idle.rooms.upkeep(idle.begun + Duration::from_secs(2 * 3600));
    assert!(!idle.room.state().has_ended);
    idle.rooms.upkeep(idle.begun + Duration::from_secs(4 * 3600));
    assert!(idle.room.state().has_ended);
}

#[test]
fn who_comes_with_their_token_is_the_same_member_and_who_is_gone_gives_their_place() {
    let lesson = Lesson::begin();
    let ada = lesson.join("Ada");
    let again = JoinRequest { member: ada.member.clone(), ..JoinRequest::default() };
    assert_eq!(lesson.room.join(&again, lesson.begun), Ok(ada.clone()));
    assert_eq!(lesson.mine(&ada).name, "Ada");
    let unknown = JoinRequest { member: "x".repeat(32), ..JoinRequest::default() };
    assert_ne!(lesson.room.join(&unknown, lesson.begun).expect("a new one").id, ada.id);
    let mut last = lesson.room.join(&JoinRequest::default(), lesson.begun);
    while last.is_ok() {
        last = lesson.room.join(&JoinRequest::default(), lesson.begun);
    }
    assert!(matches!(last, Err(RoomError::Full(_))));
    assert!(lesson.room.card(lesson.begun).is_full);
    let later = lesson.begun + Duration::from_secs(400);
    let class = lesson.class(later);
    assert!((class.gone, class.following) == (399, 0), "{} {}", class.gone, class.following);
    assert!(class.members.iter().all(|member| member.standing == Standing::Gone));
    lesson.room.join(&JoinRequest::default(), later).expect("a place");
}

#[test]
fn who_says_too_much_at_once_is_told_to_wait() {
    let lesson = Lesson::begin();
    let ada = lesson.join("");
    let point = || FromMember::Point { following: Following::default() };
    let now = Instant::now();
    let said = (0..1000).filter(|_| lesson.room.say(ada.id, point(), &[], now).is_ok()).count();
    assert_eq!(said, 120);
    assert_eq!(lesson.room.say(ada.id, point(), &[], now), Err(RoomError::TooFast));
    assert!(lesson.room.say(ada.id, point(), &[], now + Duration::from_secs(1)).is_ok());
}

/// What happens to a member's connection.
#[derive(Clone, Debug)]
enum Fate {
    /// The leader shows something else, or asks something, or takes it back.
    Step(u8),
    /// All news arrives.
    Arrives,
    /// Some arrives, and then the connection is lost: it is opened anew with the last event that was seen.
    Breaks(usize),
    /// What arrived last arrives once more, late: an old connection was not quite dead.
    Late(usize),
    /// The page is loaded anew, and has seen nothing.
    Reloads,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => any::<u8>().prop_map(Fate::Step),
        2 => Just(Fate::Arrives),
        2 => (0usize..40).prop_map(Fate::Breaks),
        1 => (0usize..40).prop_map(Fate::Late),
        1 => Just(Fate::Reloads),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_connection_its_member_ends_with_the_state_of_the_room(
        fates in prop::collection::vec(fate(), 1..300),
        burst in 1usize..4,
    ) {
        let lesson = Lesson::begin();
        let ada = lesson.join("");
        let (mut cursor, mut copy) = (Cursor::default(), RoomCopy::default());
        let mut seen: Vec<ToMember> = Vec::new();
        // Time goes on, so that nobody is too fast.
        let mut now = lesson.begun;
        let take = |copy: &mut RoomCopy, cursor: &mut Cursor, news: &[ToMember]| {
            for told in news {
                if !copy.take(told) {
                    *cursor = Cursor::from_text(&copy.seq.map(|seq| seq.to_string()).unwrap_or_default());
                }
            }
        };
        for fate in fates {
            match fate {
                Fate::Step(kind) => for turn in 0..burst * 8 {
                    now += Duration::from_secs(1);
                    let said = match kind % 4 {
                        0 => FromMember::Show { shown: shown(&format!("v=1&src=set:night&span={}", turn + 2)) },
                        1 => FromMember::Pose { text: format!("{turn}"), area: None, choices: vec![] },
                        2 => FromMember::DropQuestion,
                        _ => FromMember::OpenQuestion { on: turn % 2 == 0 },
                    };
                    // To close a question where none is there is refused, and changes nothing.
                    let _ = lesson.room.say(lesson.leader.id, said, &[], now);
                },
                Fate::Arrives => {
                    seen = lesson.news(&ada, &mut cursor);
                    take(&mut copy, &mut cursor, &seen);
                }
                Fate::Breaks(arrived) => {
                    seen = lesson.news(&ada, &mut cursor);
                    seen.truncate(arrived);
                    take(&mut copy, &mut cursor, &seen);
                    let last = copy.seq.map(|seq| seq.to_string());
                    cursor = Cursor::from_text(&last.unwrap_or_default());
                }
                Fate::Late(from) => {
                    let late = seen.get(from..).unwrap_or_default().to_vec();
                    // Only steps: a state is the first message of a connection, and is not sent again.
                    let steps: Vec<ToMember> = late
                        .into_iter()
                        .filter(|told| matches!(told, ToMember::Event { .. }))
                        .collect();
                    take(&mut copy, &mut cursor, &steps);
                }
                Fate::Reloads => (cursor, copy) = (Cursor::default(), RoomCopy::default()),
            }
        }
        for _ in 0..2 {
            let news = lesson.news(&ada, &mut cursor);
            take(&mut copy, &mut cursor, &news);
        }
        prop_assert_eq!(&copy.state, &lesson.room.state());
    }

    #[test]
    fn no_message_breaks_a_room(text in "\\PC{0,200}", number in any::<f64>(), ns in any::<i64>()) {
        let lesson = Lesson::begin();
        let odd = Area { start: Moment::Elapsed(ns), span_ns: ns, band_hz: (number, number * 2.0) };
        let pointer = Some(Pointed { at: Moment::Elapsed(ns), hz: Some(number) });
        let following = Following { head: Some(Moment::Elapsed(ns)), pointer };
        let set = FromMember::SetTask {
            text: text.clone(), label: text.clone(), area: odd, least_overlap: Some(number),
            shows_missed: true, calls: vec![mark(odd, &text)],
        };
        for said in [
            FromMember::Show { shown: Shown { pointer, ..shown(&text) } },
            FromMember::Point { following },
            FromMember::Name { name: text.clone() },
            FromMember::Pose { text: text.clone(), area: Some(odd), choices: vec![text.clone(); 20] },
            FromMember::Ask { text: text.clone(), area: Some(odd) },
            FromMember::RevealLabels { on: true, marks: vec![mark(odd, &text)] },
            set,
            FromMember::Boxes { task: 1, boxes: vec![odd; 5] },
            FromMember::Solve,
        ] {
            let _ = lesson.say(&lesson.leader, said);
        }
        // Everything that is told can be read.
        lesson.news(&lesson.leader, &mut Cursor::default());
        prop_assert!(lesson.room.answers(&lesson.leader.member).is_ok());
    }
}
