//! A class in several browsers at once: one leads, the others follow.

use serde_json::{Value, json};
use spyhop_tests::chromium::Chromium;
use spyhop_tests::meter::Meter;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, tone_in_noise};

/// What the leader shows at first.
const VIEW: &str = "?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4";
/// The key that ends a dialog.
const ESCAPE: &str = "\u{e00c}";
/// Keeps what the page's guide asks of its viewer, and the sockets that the page opens.
const WATCH: &str = "window.wishes = []; \
    document.addEventListener('spyhop-wish', e => { \
        const w = JSON.parse(e.detail); (window.wishes[w.wish] ??= []).push(w); }); \
    const Socket = window.WebSocket; window.sockets = []; \
    window.WebSocket = class extends Socket { \
        constructor(...a) { super(...a); window.sockets.push(this); } };";

/// What a page may cost until it shows a picture.
const MOST_JOINING_BYTES: u64 = 1_500_000;

/// A server, the leader's browser, and the class that it leads.
struct Lesson {
    stage: Stage,
    code: String,
}

impl Lesson {
    /// Twenty seconds of a tone with two labelled calls, and a class of them.
    fn begin() -> anyhow::Result<Lesson> {
        Lesson::of(&tone_in_noise(1000.0, 20.0, 8000), 8000, VIEW)
    }

    /// A class of some sound with two labelled calls, and what its leader shows at first.
    fn of(sound: &[i16], rate_hz: u32, view: &str) -> anyhow::Result<Lesson> {
        let folder = TempDir::new()?;
        let bay = folder.path().join("place/bay");
        sounds::write_wav(&bay, "a_20240601_120000.wav", sound, rate_hz)?;
        let table = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tLabel\n\
            1\tSpectrogram 1\t1\t5.5\t6.5\t600\t1400\tupcall\n\
            2\tSpectrogram 1\t1\t7.5\t8.5\t2000\t3000\tmoan\n";
        let name = "a_20240601_120000.Table.1.selections.txt";
        sounds::write(&bay, name, table.as_bytes())?;
        let place = folder.path().join("place");
        let mut stage = Stage::serving(&place, folder, &[])?;
        let mut page = stage.page(view)?;
        page.wait_until_ready()?;
        page.press("#class-button")?;
        page.wait_for("the class", |p| p.is_shown("#class-lead[data-connection=live]"))?;
        let code = attribute(&mut page, "#class-lead", "data-code")?;
        page.wait_until_ready()?;
        Ok(Lesson { stage, code })
    }

    fn leader(&mut self) -> Page<'_> {
        Page { session: &mut self.stage.chromium.session }
    }

    /// Another browser, before the door of the class.
    fn visit(&self) -> anyhow::Result<Chromium> {
        self.visit_with(WATCH)
    }

    fn visit_with(&self, script: &str) -> anyhow::Result<Chromium> {
        let mut chromium = Chromium::start(&[])?;
        let source = json!({ "source": script });
        chromium.session.devtools("Page.addScriptToEvaluateOnNewDocument", source)?;
        chromium.session.goto(&format!("{}?class={}", self.stage.server.url, self.code))?;
        Ok(chromium)
    }

    /// Another browser that has joined and shows what the leader does.
    fn join(&self) -> anyhow::Result<Chromium> {
        let mut chromium = self.visit()?;
        join(&mut page(&mut chromium), "")?;
        Ok(chromium)
    }
}

fn page(chromium: &mut Chromium) -> Page<'_> {
    Page { session: &mut chromium.session }
}

fn join(page: &mut Page<'_>, name: &str) -> anyhow::Result<()> {
    page.wait_for("the door", |p| p.is_shown("#class-join"))?;
    page.set("#class-name", name)?;
    page.press("#class-join")?;
    page.wait_for("the class", |p| p.is_shown("#class-bar[data-connection=live]"))?;
    page.wait_until_ready()
}

fn attribute(page: &mut Page<'_>, css: &str, name: &str) -> anyhow::Result<String> {
    let body = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? '';";
    let value = page.session.execute(body, json!([css, name]))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

fn standing(page: &mut Page<'_>) -> anyhow::Result<String> {
    attribute(page, "#class-bar", "data-standing")
}

/// What a page looks at: time, width, band and box, as the view says them.
fn sight(page: &mut Page<'_>) -> anyhow::Result<[Option<String>; 4]> {
    let mut part = |key| page.view(key);
    Ok([part("t")?, part("span")?, part("f")?, part("sel")?])
}

fn shows(page: &mut Page<'_>, wanted: &[Option<String>; 4]) -> anyhow::Result<()> {
    page.wait_for(&format!("{wanted:?}"), |p| Ok(sight(p)? == *wanted))
}

/// Draws a box between two points of the picture, told as fractions.
fn draw(page: &mut Page<'_>, from: (f64, f64), to: (f64, f64)) -> anyhow::Result<()> {
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(from.0, from.1), place.at(to.0, to.1)])
}

#[test]
fn followers_see_the_leaders_view_box_and_pointer() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut students = [lesson.join()?, lesson.join()?];
    let told = |p: &mut Page<'_>| attribute(p, "#class-lead", "data-following");
    lesson.leader().wait_for("both", |p| Ok(told(p)? == "2"))?;
    let first = sight(&mut lesson.leader())?;
    assert!(first[0].is_some());
    for student in &mut students {
        shows(&mut page(student), &first)?;
    }
    lesson.leader().session.keys("wwd")?;
    draw(&mut lesson.leader(), (0.3, 0.4), (0.6, 0.7))?;
    let mut leader = lesson.leader();
    leader.wait_for("a box", |p| Ok(p.view("sel")?.is_some()))?;
    let there = sight(&mut leader)?;
    assert_ne!((&there[0], &there[1]), (&first[0], &first[1]));
    let place = leader.place("#spectrogram")?;
    leader.session.point_at(place.at(0.5, 0.25))?;
    for student in &mut students {
        let mut student = page(student);
        shows(&mut student, &there)?;
        let body = "return window.wishes.follow?.at(-1)?.pointer?.hz ?? null;";
        student.wait_for("the pointer", |p| {
            // A quarter below the top of 0 to 4000 Hz.
            let hz = p.session.execute(body, json!([]))?.as_f64();
            Ok(hz.is_some_and(|hz| (hz - 3000.0).abs() < 60.0))
        })?;
        assert_eq!(standing(&mut student)?, "following");
        assert_eq!(student.notices("error")?, Vec::<String>::new());
    }
    Ok(())
}

#[test]
fn who_moves_the_picture_looks_alone_until_one_key_brings_them_back() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut student = lesson.join()?;
    let mut student = page(&mut student);
    let place = student.place("#spectrogram")?;
    // A box is no move: whoever asks about something stays with the others.
    draw(&mut student, (0.2, 0.2), (0.4, 0.5))?;
    student.wait_for("a box", |p| Ok(p.view("sel")?.is_some()))?;
    assert_eq!(standing(&mut student)?, "following");
    student.session.chord_wheel(place.at(0.5, 0.5), -300.0)?;
    student.wait_for("to be alone", |p| Ok(standing(p)? == "away"))?;
    let mut leader = lesson.leader();
    leader.wait_for("one away", |p| Ok(attribute(p, "#class-lead", "data-away")? == "1"))?;
    let alone = sight(&mut student)?;
    leader.session.keys("d")?;
    leader.wait_for("a step", |p| Ok(p.view("t")?.is_some_and(|t| !t.contains("12:00:05Z"))))?;
    let there = sight(&mut leader)?;
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(sight(&mut student)?, alone, "nobody is torn away");
    student.session.keys("r")?;
    shows(&mut student, &there)?;
    assert_eq!(standing(&mut student)?, "following");
    leader.wait_for("none away", |p| Ok(attribute(p, "#class-lead", "data-away")? == "0"))
}

#[test]
fn a_screen_that_is_shown_to_all_is_followed_by_the_leader_too() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let (mut ada, mut bo) = (lesson.visit()?, lesson.join()?);
    let (mut ada, mut bo) = (page(&mut ada), page(&mut bo));
    join(&mut ada, "Ada")?;
    ada.press("#class-away")?;
    let place = ada.place("#spectrogram")?;
    ada.session.chord_wheel(place.at(0.2, 0.5), -300.0)?;
    ada.wait_for("to be alone", |p| Ok(standing(p)? == "away"))?;
    let before = sight(&mut lesson.leader())?;
    let mut leader = lesson.leader();
    let row = "return [...document.querySelectorAll('.class-person')]\
        .find(e => e.innerText.includes('Ada'))?.dataset.standing ?? '';";
    leader.wait_for("Ada", |p| Ok(p.session.execute(row, json!([]))? == json!("away")))?;
    let spotlight = "[...document.querySelectorAll('.class-person')]\
        .find(e => e.innerText.includes('Ada')).querySelector('button').click();";
    leader.session.execute(spotlight, json!([]))?;
    ada.wait_for("to be seen", |p| Ok(standing(p)? == "seen"))?;
    let hers = sight(&mut ada)?;
    shows(&mut bo, &hers)?;
    assert!(bo.text("#class-state")?.contains("Ada"));
    shows(&mut lesson.leader(), &hers)?;
    ada.session.keys("d")?;
    let hers = {
        ada.wait_for("a step", |p| Ok(sight(p)? != hers))?;
        std::thread::sleep(std::time::Duration::from_millis(300));
        sight(&mut ada)?
    };
    shows(&mut bo, &hers)?;
    let mut leader = lesson.leader();
    shows(&mut leader, &hers)?;
    leader.press("#class-take-back")?;
    shows(&mut leader, &before)?;
    shows(&mut bo, &before)
}

#[test]
fn a_connection_that_was_cut_comes_back_to_what_is_shown_then() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut student = lesson.join()?;
    let mut student = page(&mut student);
    assert_eq!(attribute(&mut student, "#class-bar", "data-way")?, "socket");
    let offline = |on: bool| json!({ "offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    student.session.devtools("Network.enable", json!({}))?;
    student.session.devtools("Network.emulateNetworkConditions", offline(true))?;
    student.session.execute("window.sockets.at(-1).close();", json!([]))?;
    student
        .wait_for("the loss", |p| Ok(attribute(p, "#class-bar", "data-connection")? == "lost"))?;
    assert!(student.text("#class-state")?.contains("trying again"));
    let mut leader = lesson.leader();
    leader.session.keys("dd")?;
    leader.wait_for("a step", |p| Ok(p.view("t")?.is_some_and(|t| !t.contains("12:00:05Z"))))?;
    std::thread::sleep(std::time::Duration::from_millis(700));
    let there = sight(&mut leader)?;
    assert_ne!(sight(&mut student)?, there);
    student.session.devtools("Network.emulateNetworkConditions", offline(false))?;
    student.wait_for("the class again", |p| p.is_shown("#class-bar[data-connection=live]"))?;
    shows(&mut student, &there)?;
    // The same member, not another one.
    let mut leader = lesson.leader();
    leader.wait_for("one member", |p| {
        let members = "return document.querySelectorAll('.class-person').length;";
        Ok(p.session.execute(members, json!([]))? == json!(1))
    })
}

#[test]
fn without_websockets_a_class_goes_by_events_and_without_those_by_asking() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let none = "window.WebSocket = class { constructor() { throw new Error('blocked'); } };";
    let neither = format!("{none} window.EventSource = window.WebSocket;");
    for (script, way) in [(none, "events"), (neither.as_str(), "polling")] {
        let mut student = lesson.visit_with(script)?;
        let mut student = page(&mut student);
        join(&mut student, "")?;
        assert_eq!(attribute(&mut student, "#class-bar", "data-way")?, way);
        lesson.leader().session.keys("d")?;
        std::thread::sleep(std::time::Duration::from_millis(700));
        let there = sight(&mut lesson.leader())?;
        shows(&mut student, &there)?;
        student.press("#class-away")?;
        let mut leader = lesson.leader();
        leader.wait_for("one away", |p| Ok(attribute(p, "#class-lead", "data-away")? == "1"))?;
        student.press("#class-rejoin")?;
        let mut leader = lesson.leader();
        leader.wait_for("none away", |p| Ok(attribute(p, "#class-lead", "data-away")? == "0"))?;
    }
    Ok(())
}

#[test]
fn a_question_is_answered_counted_and_shown_to_all() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut students = [lesson.join()?, lesson.join()?];
    draw(&mut lesson.leader(), (0.3, 0.4), (0.6, 0.7))?;
    let mut leader = lesson.leader();
    leader.wait_for("a box", |p| Ok(p.view("sel")?.is_some()))?;
    leader.press("#class-tab-question")?;
    leader.wait_for("the form", |p| p.is_shown("#class-pose"))?;
    leader.set("#class-pose-choices", "a whale\n a ship \n\n<b>ice</b>")?;
    leader.press("#class-pose")?;
    for (student, choice) in students.iter_mut().zip(["0", "2"]) {
        let mut student = page(student);
        student.wait_for("the question", |p| p.is_shown("#class-question"))?;
        assert_eq!(student.text("#class-question h2")?, "What is this?");
        assert_eq!(student.text("[data-choice='1']")?, "a ship");
        assert_eq!(student.text("[data-choice='2']")?, "<b>ice</b>", "text is text");
        student.press(&format!("[data-choice='{choice}']"))?;
        let chosen = format!("[data-choice='{choice}'][aria-pressed='true']");
        student.wait_for("what I said", |p| p.is_shown(&chosen))?;
        assert!(!student.is_shown(".class-counts")?, "others' answers are not told yet");
        let marked = "return (window.wishes.mark?.at(-1)?.marks ?? []).map(m => m.kind);";
        assert_eq!(student.session.execute(marked, json!([]))?, json!(["question"]));
    }
    let counts =
        "return [...document.querySelectorAll('.class-counts li')].map(e => e.dataset.count);";
    let mut leader = lesson.leader();
    leader.wait_for("both answers", |p| {
        Ok(p.session.execute(counts, json!([]))? == json!(["1", "0", "1"]))
    })?;
    leader.press("#class-show-answers")?;
    for student in &mut students {
        page(student).wait_for("the answers", |p| {
            Ok(p.session.execute(counts, json!([]))? == json!(["1", "0", "1"]))
        })?;
    }
    let mut leader = lesson.leader();
    leader.press("#class-reveal")?;
    let truth =
        "return (window.wishes.mark?.at(-1)?.marks ?? []).filter(m => m.kind === 'truth').length;";
    for student in &mut students {
        page(student)
            .wait_for("the labels", |p| Ok(p.session.execute(truth, json!([]))? == json!(2)))?;
    }
    let mut leader = lesson.leader();
    leader.press("#class-new-question")?;
    page(&mut students[0]).wait_for("no question", |p| Ok(!p.is_shown("#class-question")?))
}

#[test]
fn a_question_of_the_class_is_voted_up() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let (mut ada, mut bo) = (lesson.visit()?, lesson.join()?);
    let (mut ada, mut bo) = (page(&mut ada), page(&mut bo));
    join(&mut ada, "Ada")?;
    draw(&mut ada, (0.3, 0.4), (0.6, 0.7))?;
    ada.wait_for("a box", |p| Ok(p.view("sel")?.is_some()))?;
    ada.press("#class-ask")?;
    ada.wait_for("the form", |p| p.is_shown("#class-ask-about"))?;
    ada.set("#class-ask-text", "Why does it hum?")?;
    ada.press("#class-ask-send")?;
    bo.wait_for("her question", |p| Ok(p.text("#class-asked")?.contains("Why does it hum?")))?;
    assert!(bo.text("#class-asked")?.contains("Ada"));
    bo.press("[data-vote]")?;
    bo.wait_for("the vote", |p| p.is_shown("[data-vote][aria-pressed=true]"))?;
    ada.wait_for("the vote", |p| Ok(p.text(".class-votes")?.contains('1')))?;
    let mut leader = lesson.leader();
    leader.press("#class-tab-asked")?;
    leader.wait_for("the vote", |p| Ok(p.text(".class-votes")?.contains('1')))?;
    leader.press("[data-done]")?;
    bo.wait_for("an end", |p| Ok(!p.is_shown("#class-asked li")?))
}

#[test]
fn a_task_is_scored_at_once_and_tried_until_it_is_mastered() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut student = lesson.join()?;
    let mut student = page(&mut student);
    let mut leader = lesson.leader();
    leader.press("#class-tab-task")?;
    leader.wait_for("the form", |p| p.is_shown("#class-set-task:enabled"))?;
    leader.press("#class-set-task")?;
    student.wait_for("the task", |p| p.is_shown("#class-task"))?;
    assert!(student.text("#class-task")?.contains("2 calls"));
    student.wait_until_ready()?;
    // The view is 4 s from 5 s on and 0 to 4000 Hz: one box round a call, one round nothing.
    draw(&mut student, (0.125, 0.65), (0.375, 0.85))?;
    student.wait_for("a box", |p| p.is_shown("#class-add-box:enabled"))?;
    student.press("#class-add-box")?;
    let drawn = |p: &mut Page<'_>| attribute(p, "#class-task", "data-drawn");
    student.wait_for("one box", |p| Ok(drawn(p)? == "1"))?;
    draw(&mut student, (0.45, 0.05), (0.55, 0.15))?;
    student.wait_for("a box", |p| p.is_shown("#class-add-box:enabled"))?;
    student.session.keys("\u{e007}")?;
    student.wait_for("two boxes", |p| Ok(drawn(p)? == "2"))?;
    student.press("#class-send-boxes")?;
    student.wait_for("the result", |p| p.is_shown("#class-result"))?;
    assert_eq!(student.text("#class-result")?, "Try 1: 1 right, 1 wrong, 1 missed.");
    assert!(!student.text(".class-verdicts [data-right=false]")?.is_empty(), "it says why");
    let kinds = "return (window.wishes.mark?.at(-1)?.marks ?? []).map(m => m.kind).sort();";
    let marked = student.session.execute(kinds, json!([]))?;
    assert_eq!(marked, json!(["question", "right", "truth", "wrong"]), "with what was missed");
    assert_eq!(standing(&mut student)?, "following");
    student.press("#class-try-again")?;
    student.wait_for("what was right", |p| Ok(drawn(p)? == "1"))?;
    draw(&mut student, (0.625, 0.25), (0.875, 0.5))?;
    student.wait_for("a box", |p| p.is_shown("#class-add-box:enabled"))?;
    student.press("#class-send-boxes")?;
    student.wait_for("mastery", |p| p.is_shown("#class-task[data-mastered=true]"))?;
    let mut leader = lesson.leader();
    leader
        .wait_for("how the class stands", |p| p.is_shown("#class-results [data-mastered=true]"))?;
    assert!(leader.text("#class-task-told")?.starts_with("1 of 1 have tried, 1 have found all."));
    leader.press("#class-drop-task")?;
    student.wait_for("no task", |p| Ok(!p.is_shown("#class-task")?))
}

#[test]
fn who_comes_late_sees_what_is_so_and_a_class_that_ends_ends_for_all() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut leader = lesson.leader();
    leader.session.keys("ww")?;
    leader.press("#class-tab-question")?;
    leader.wait_for("the form", |p| p.is_shown("#class-pose"))?;
    leader.press("#class-pose")?;
    leader.wait_for("the question", |p| p.is_shown("#class-answers-told"))?;
    std::thread::sleep(std::time::Duration::from_millis(600));
    let there = sight(&mut leader)?;
    let mut late = lesson.join()?;
    let mut late = page(&mut late);
    shows(&mut late, &there)?;
    late.wait_for("the question", |p| p.is_shown("#class-answer"))?;
    // A page that is loaded anew is the same member, and asks for no more than a tap.
    late.session.reload()?;
    join(&mut late, "")?;
    shows(&mut late, &there)?;
    let mut leader = lesson.leader();
    let key = "return location.href;";
    let address = leader.session.execute(key, json!([]))?.as_str().unwrap_or_default().to_owned();
    assert!(address.contains("&leader=1") && !address.contains("key="), "{address}");
    leader.session.reload()?;
    leader.wait_for("the class again", |p| p.is_shown("#class-lead[data-connection=live]"))?;
    leader.wait_for("one", |p| Ok(attribute(p, "#class-lead", "data-following")? == "1"))?;
    leader.press("#class-end")?;
    leader.press("#class-end-yes")?;
    leader.wait_for("the end", |p| p.is_shown("#class-over"))?;
    late.wait_for("the end", |p| p.is_shown("#class-over"))?;
    late.press("#class-go-on")?;
    late.wait_for("the page", |p| Ok(!p.is_shown("#class-over")?))?;
    assert!(late.is_shown("#spectrogram")?, "what was open stays");
    let mut after = lesson.visit()?;
    let mut after = page(&mut after);
    after.wait_for("a word", |p| Ok(p.text("#class-problem")?.contains("no class")))?;
    assert!(after.is_shown("#class-code-input")?);
    after.session.keys(ESCAPE)
}

#[test]
fn a_task_is_about_the_labels_that_are_there() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut student = lesson.join()?;
    let mut leader = lesson.leader();
    leader.press("#class-tab-task")?;
    let choices = "return [...document.querySelectorAll('#class-task-label option')].map(o => o.textContent);";
    leader.wait_for("the labels", |p| {
        let told = p.session.execute(choices, json!([]))?;
        Ok(told == json!(["Every label (2)", "moan (1)", "upcall (1)"]))
    })?;
    leader.set("#class-task-label", "moan")?;
    leader.press("#class-set-task")?;
    let mut student = page(&mut student);
    student.wait_for("the task", |p| p.is_shown("#class-task"))?;
    let told = student.text("#class-task")?;
    assert!(told.contains("one call labelled “moan”"), "{told}");
    let mut leader = lesson.leader();
    leader.press("#class-drop-task")?;
    leader.wait_for("the form", |p| p.is_shown("#class-set-task"))?;
    // Where nothing is labelled there is nothing to be found.
    leader.session.keys(&"a".repeat(30))?;
    leader.wait_for("why not", |p| {
        Ok(p.is_shown("#class-set-task:disabled")? && p.is_shown(".class-form .warned")?)
    })
}

#[test]
fn devices_that_joined_with_sound_play_along_once_the_teacher_lets_them() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let mut loud = lesson.visit()?;
    let mut loud = page(&mut loud);
    loud.wait_for("the door", |p| p.is_shown("#class-join-sound"))?;
    loud.press("#class-join-sound")?;
    loud.wait_for("to follow", |p| p.is_shown("#class-bar[data-standing=following]"))?;
    loud.wait_until_ready()?;
    let mut quiet = lesson.join()?;
    let plays = |p: &mut Page<'_>| p.is_shown("#play[aria-pressed=true]");
    let mut leader = lesson.leader();
    leader.session.keys("f")?;
    leader.press("#play")?;
    leader.wait_for("sound", plays)?;
    loud.wait_for("the teacher's play head", |p| {
        let head = "return window.wishes.follow?.at(-1)?.head ?? null;";
        Ok(p.session.execute(head, json!([]))? != Value::Null)
    })?;
    assert!(!plays(&mut loud)?, "only the teacher's device sounds");
    lesson.leader().press("#class-sounds")?;
    loud.wait_for("sound", plays)?;
    assert!(!plays(&mut page(&mut quiet))?, "who joined without sound stays silent");
    // Somewhere else in the recording, as after a lost connection: it comes back to the teacher.
    let jump = "document.dispatchEvent(new CustomEvent('spyhop-wish', { detail: JSON.stringify( \
        { wish: 'play', from: { clock: '2024-06-01T12:00:18Z' } }) })); \
        window.jumped = window.wishes.play.length;";
    loud.session.execute(
        "document.dispatchEvent(new CustomEvent('spyhop-wish', \
        { detail: JSON.stringify({ wish: 'stop' }) }));",
        json!([]),
    )?;
    loud.session.execute(jump, json!([]))?;
    loud.wait_for("to be in step again", |p| {
        let body = "return window.wishes.play.length > window.jumped;";
        Ok(p.session.execute(body, json!([]))? == json!(true))
    })?;
    lesson.leader().press("#class-sounds")?;
    loud.wait_for("silence", |p| Ok(!plays(p)?))
}

/// Half a minute of a tone in noise as a buoy for dolphins records it.
fn ultrasound() -> Vec<i16> {
    tone_in_noise(20_000.0, 30.0, 192_000)
}

#[test]
fn a_view_of_ultrasound_costs_a_follower_little_and_who_looks_alone_sees_all_of_it()
-> anyhow::Result<()> {
    let view =
        "?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4&f=0-48000&fft=2048.2048.1024.density.hann";
    let mut lesson = Lesson::of(&ultrasound(), 192_000, view)?;
    let meter = Meter::before(&lesson.stage.server.url)?;
    let mut student = Chromium::start(&[])?;
    student.session.goto(&format!("{}?class={}", meter.url, lesson.code))?;
    let mut student = page(&mut student);
    join(&mut student, "")?;
    student.wait_until_ready()?;
    let (joined, mut most) = (meter.bytes(), 0);
    let mut before = joined;
    let keys = ["d", "d", "w", "w", "w", "w", "a", "s", "s", "s", "s", "s", "f", "w", "d"];
    for key in keys {
        lesson.leader().session.keys(key)?;
        lesson.leader().wait_until_ready()?;
        std::thread::sleep(std::time::Duration::from_millis(700));
        let there = sight(&mut lesson.leader())?;
        shows(&mut student, &there)?;
        student.wait_until_ready()?;
        let picture = student.picture("#spectrogram")?;
        let row = picture.brightest_row(0.1..0.9) as f64;
        let expected = crate::row_of(20_000.0, (0.0, 48_000.0), picture.height);
        if student.view("f")?.is_some() {
            assert!((row - expected).abs() <= 4.0, "row {row}, expected {expected} after {key}");
        }
        let now = meter.bytes();
        println!("{key}: {} bytes, {:?} s", now - before, there[1]);
        most = most.max(now - before);
        before = now;
    }
    assert!(most < 150_000, "{most} bytes for a view");
    println!("{} bytes a view", (before - joined) / keys.len() as u64);
    // Alone, the page has the samples: more than all that was seen together.
    student.press("#class-away")?;
    student.wait_for("to be alone", |p| Ok(standing(p)? == "away"))?;
    student.wait_for("the samples", |_| Ok(meter.bytes() - before > 400_000))?;
    student.wait_until_ready()?;
    assert_eq!(student.notices("error")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn nothing_of_a_class_keeps_people_out_dark_or_light() -> anyhow::Result<()> {
    let Some(axe) = crate::accessibility::axe() else {
        eprintln!("skipped: axe-core is not installed (.ci/tools axe)");
        return Ok(());
    };
    let mut found = Vec::new();
    let mut look = |p: &mut Page<'_>, what: &str| -> anyhow::Result<()> {
        for brightness in ["dark", "light"] {
            p.session.execute(
                "document.documentElement.dataset.theme = arguments[0];",
                json!([brightness]),
            )?;
            p.session.execute(&axe, json!([]))?;
            let told = crate::accessibility::look(p)?;
            found.extend(told.into_iter().map(|told| format!("{what}, {brightness}: {told}")));
        }
        Ok(())
    };
    let mut lesson = Lesson::begin()?;
    look(&mut lesson.leader(), "the way in")?;
    let mut student = lesson.visit()?;
    let mut student = page(&mut student);
    student.wait_for("the door", |p| p.is_shown("#class-join"))?;
    look(&mut student, "the door")?;
    join(&mut student, "Ada")?;
    look(&mut student, "following")?;
    let mut leader = lesson.leader();
    leader.wait_for("Ada", |p| Ok(p.text("#class-people")?.contains("Ada")))?;
    look(&mut leader, "people")?;
    leader.press("#class-tab-question")?;
    look(&mut leader, "a question's form")?;
    leader.set("#class-pose-choices", "a whale\na ship")?;
    leader.press("#class-pose")?;
    student.wait_for("the question", |p| p.is_shown("#class-question"))?;
    look(&mut student, "a question")?;
    student.press("[data-choice='0']")?;
    let mut leader = lesson.leader();
    leader.wait_for("the answer", |p| p.is_shown(".class-counts li[data-count='1']"))?;
    look(&mut leader, "answers")?;
    student.press("#class-ask")?;
    student.wait_for("the form", |p| p.is_shown("#class-ask-text"))?;
    look(&mut student, "asking")?;
    student.set("#class-ask-text", "Why?")?;
    student.press("#class-ask-send")?;
    let mut leader = lesson.leader();
    leader.press("#class-tab-asked")?;
    leader.wait_for("the question", |p| p.is_shown("#class-asked li"))?;
    look(&mut leader, "questions of the class")?;
    leader.press("#class-tab-task")?;
    leader.wait_for("the form", |p| p.is_shown("#class-set-task:enabled"))?;
    look(&mut leader, "a task's form")?;
    leader.press("#class-set-task")?;
    student.wait_for("the task", |p| p.is_shown("#class-task"))?;
    look(&mut student, "a task")?;
    let mut leader = lesson.leader();
    leader.wait_for("how the class stands", |p| p.is_shown("#class-task-told"))?;
    look(&mut leader, "how the class stands")?;
    student.press("#class-away")?;
    student.wait_for("to be alone", |p| Ok(standing(p)? == "away"))?;
    look(&mut student, "alone")?;
    let mut leader = lesson.leader();
    leader.press("#class-end")?;
    look(&mut leader, "whether to end it")?;
    leader.press("#class-end-yes")?;
    student.wait_for("the end", |p| p.is_shown("#class-over"))?;
    look(&mut student, "the end")?;
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

#[test]
fn joining_and_following_cost_a_slow_network_little() -> anyhow::Result<()> {
    let mut lesson = Lesson::begin()?;
    let meter = Meter::before(&lesson.stage.server.url)?;
    let mut student = Chromium::start(&[])?;
    student.session.goto(&format!("{}?class={}", meter.url, lesson.code))?;
    let mut student = page(&mut student);
    student.wait_for("the door", |p| p.is_shown("#class-join"))?;
    student.watch_for_picture()?;
    student.press("#class-join")?;
    student.wait_until_ready()?;
    let first = meter.bytes_until(student.first_picture_ms()?);
    let joined = meter.bytes();
    println!("{first} bytes up to the first picture, {joined} up to the exact one");
    assert!(first < MOST_JOINING_BYTES, "{first} bytes up to the first picture");
    let views = 10;
    for n in 0..views {
        lesson.leader().session.keys(if n % 2 == 0 { "w" } else { "d" })?;
        lesson.leader().wait_until_ready()?;
        std::thread::sleep(std::time::Duration::from_millis(600));
        let there = sight(&mut lesson.leader())?;
        shows(&mut student, &there)?;
        student.wait_until_ready()?;
    }
    let each = (meter.bytes() - joined) / views;
    assert!(each < 150_000, "{each} bytes a view");
    println!("{each} bytes a view");
    let none: Value = json!([]);
    assert_eq!(json!(student.notices("error")?), none);
    Ok(())
}
