use spyhop_api::{Question, Said, SharedData, Step, StepSound};

use super::*;

/// A story with these steps.
pub fn story_of(steps: Vec<Step>) -> Story {
    unkept(
        StoryRequest { title: "Night".into(), steps, ..StoryRequest::default() },
        "",
        Timestamp(0),
    )
}

fn store() -> (tempfile::TempDir, Stories) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateFolder::open(folder.path()).expect("a state folder");
    let store = Stories::open(&state, Timestamp(0)).expect("a store");
    (folder, store)
}

fn step(view: &str) -> Step {
    Step {
        view: view.into(),
        title: "Listen".into(),
        text: "A *whistle*.".into(),
        ..Step::default()
    }
}

fn asked() -> StoryRequest {
    StoryRequest {
        title: "A night".into(),
        steps: vec![step("v=1&src=set:gulf"), step("v=1&src=set:gulf&t=3s")],
        ..StoryRequest::default()
    }
}

fn frozen(view: &str, preview: &[u8]) -> Frozen {
    Frozen {
        view: view.into(),
        fingerprint: "abc".into(),
        was_public: true,
        preview: preview.to_vec(),
        title: "gulf".into(),
    }
}

fn both() -> [Frozen; 2] {
    [frozen("v=1&src=set:gulf", b"one"), frozen("v=1&src=set:gulf&t=3s", b"two")]
}

#[test]
fn a_story_comes_back_with_its_steps_and_their_pictures() {
    let (folder, store) = store();
    let clean = cleaned(&asked()).expect("sound");
    let (kept, key) = store.create(&clean, &both(), false, Timestamp(5)).expect("kept");
    let id = kept.story.id.as_str();
    let held = store.get(id, Timestamp(6)).expect("there");
    assert_eq!(held, kept);
    assert_eq!((held.story.version, held.story.path.as_str()), (1, &*format!("t/{id}")));
    assert_eq!(held.story.steps[1].view, "v=1&src=set:gulf&t=3s");
    assert!(held.story.expires.is_some_and(|at| at.0 == 5 + 366 * 86_400 * 1_000_000_000));
    assert_eq!(held.steps[0], KeptStep { fingerprint: "abc".into(), was_public: true });
    assert_eq!(store.preview(id, 1, Timestamp(6)).expect("there"), b"two");
    assert!(store.preview(id, 2, Timestamp(6)).is_err());
    store.hide(id, 1).expect("hidden");
    assert!(!store.get(id, Timestamp(6)).expect("there").steps[1].was_public);
    let holds = |name: &str| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
        bytes.windows(key.len()).any(|w| w == key.as_bytes())
    };
    assert!(!holds(DATABASE) && !holds(&format!("{DATABASE}-wal")), "the key itself is not kept");
}

#[test]
fn of_two_who_change_a_story_the_second_is_told_and_writes_over_nothing() {
    let (_folder, store) = store();
    let clean = cleaned(&asked()).expect("sound");
    let (kept, key) = store.create(&clean, &both(), true, Timestamp(1)).expect("kept");
    let id = kept.story.id.as_str();
    let mut other = clean.clone();
    other.title = "A longer night".into();
    other.changed_by = "Ada".into();
    other.steps.remove(0);
    let now = Timestamp(9);
    let steps = [frozen("v=1&src=set:gulf&t=3s", b"two again")];
    let wrong = store.change(id, 1, Some("not it"), &other, &steps, now);
    assert!(matches!(wrong, Err(KeepError::WrongKey(Kind::Story))));
    let first = store.change(id, 1, Some(&key), &other, &steps, now).expect("changed");
    assert_eq!((first.story.version, first.story.changed, first.steps.len()), (2, now, 1));
    assert_eq!((first.story.changed_by.as_str(), first.story.created.0), ("Ada", 1));
    assert_eq!(store.preview(id, 0, now).expect("there"), b"two again");
    let second = store.change(id, 1, Some(&key), &clean, &both(), now);
    assert!(matches!(second, Err(KeepError::ChangedElsewhere { seen: 1, now: 2, .. })));
    assert_eq!(store.get(id, now).expect("there"), first);
    assert!(store.remove(id, 1, Some(&key), now).is_err());
    store.remove(id, 2, Some(&key), now).expect("removed");
    assert!(matches!(store.get(id, now), Err(KeepError::Missing { .. })));
}

#[test]
fn a_step_that_stays_as_it_was_keeps_what_was_kept_of_it() {
    let (_folder, store) = store();
    let clean = cleaned(&asked()).expect("sound");
    let (kept, _) = store.create(&clean, &both(), true, Timestamp(1)).expect("kept");
    let stood = store.frozen(&kept.story.id, Timestamp(2)).expect("there");
    assert_eq!(stood["v=1&src=set:gulf&t=3s"].preview, b"two");
    assert_eq!(stood.len(), 2);
}

#[test]
fn a_story_whose_time_is_over_is_gone_with_its_pictures() {
    let (_folder, store) = store();
    let short = StoryRequest { expires_days: Some(1), ..cleaned(&asked()).expect("sound") };
    let (kept, _) = store.create(&short, &both(), false, Timestamp(0)).expect("kept");
    let later = Timestamp(86_400 * 1_000_000_000);
    assert!(store.get(&kept.story.id, Timestamp(later.0 - 1)).is_ok());
    assert!(matches!(store.get(&kept.story.id, later), Err(KeepError::Missing { .. })));
    store.create(&short, &both(), false, later).expect("kept");
    let count: i64 = store
        .drawer
        .lock()
        .query_row("SELECT count(*) FROM story_step", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(count, 2);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_step_and_a_reason() {
    let with = |change: &dyn Fn(&mut Step)| {
        let mut asked = asked();
        change(&mut asked.steps[1]);
        cleaned(&asked).expect_err("refused").to_string()
    };
    assert!(with(&|s| s.view.clear()).starts_with("step 2: its view shows nothing"));
    assert!(with(&|s| s.view = "v=1&src=set:a&db=5..5".into()).contains("db=5..5"));
    assert!(with(&|s| s.view = "src=url:javascript:alert(1)".into()).contains("https://"));
    assert!(with(&|s| s.view = "src=file:44-00:a.wav".into()).contains("somebody's disk"));
    assert!(with(&|s| s.text = "x".repeat(5000)).contains("4000 at most"));
    assert!(with(&|s| s.seconds = Some(f64::NAN)).contains("1 to 600"));
    assert!(with(&|s| s.says = vec![Said::default()]).contains("says something"));
    let question = |answers: &[&str], right| Question {
        text: "Who?".into(),
        answers: answers.iter().map(|a| (*a).to_owned()).collect(),
        right,
        ..Question::default()
    };
    assert!(with(&|s| s.question = Some(question(&["a"], 0))).contains("2 to 6 answers"));
    assert!(with(&|s| s.question = Some(question(&["a", "b"], 2))).contains("no answer 2"));
    let mut long = asked();
    long.steps = vec![step("src=set:a"); 41];
    assert!(cleaned(&long).expect_err("refused").to_string().contains("1 to 40 steps"));
    let tongue = StoryRequest { language: "e\"n".into(), ..asked() };
    assert!(cleaned(&tongue).expect_err("refused").to_string().contains("pt-BR"));
}

#[test]
fn what_only_the_server_says_is_not_taken_from_anybody() {
    let mut hostile = asked();
    hostile.title = "Night\u{202e}\n <b>".into();
    hostile.steps[0] = Step {
        text_html: "<script>alert(1)</script>".into(),
        data: SharedData::Gone,
        sound: StepSound::Plays,
        question: Some(Question {
            text: "Who?".into(),
            answers: vec!["a\u{0}".into(), "b".into()],
            why: "<i>x</i> *so*".into(),
            why_html: "<script>".into(),
            ..Question::default()
        }),
        ..hostile.steps[0].clone()
    };
    let clean = cleaned(&hostile).expect("sound");
    assert_eq!((clean.title.as_str(), clean.language.as_str()), ("Night <b>", "en"));
    let story = with_html(unkept(clean, "x", Timestamp(0)));
    let first = &story.steps[0];
    assert_eq!(first.text_html, "<p>A <em>whistle</em>.</p>\n");
    assert_eq!(first.data, SharedData::default());
    let question = first.question.as_ref().expect("asks");
    assert_eq!((&*question.answers[0], &*question.why_html), ("a", "<p>x <em>so</em></p>\n"));
}
