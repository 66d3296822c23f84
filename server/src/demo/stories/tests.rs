use spyhop_api::view::Source;
use spyhop_api::{MarkKind, Moment, Step, View};

use super::*;
use crate::demo;
use crate::demo::truth::Truth;
use crate::stories::cleaned;

/// The scene that a step is of, and the seconds since its origin that it shows, where it shows a part.
fn shown<'a>(scenes: &'a [Scene], step: &Step) -> (&'a Scene, Option<std::ops::Range<f64>>) {
    let (view, errors) = View::from_query(&step.view);
    assert_eq!(errors, vec![]);
    let Source::Deployment { id, recording: None } = &view.source else { panic!("{view:?}") };
    let scene = scenes.iter().find(|scene| scene.deployment.id == *id).expect("of the demo");
    let window = view.start.zip(view.span_ns).map(|(start, span_ns)| {
        let start_s = (start.nanos() - scene.origin.0) as f64 / 1e9;
        start_s..start_s + span_ns as f64 / 1e9
    });
    (scene, window)
}

/// The truth that a box was drawn around.
fn boxed(scene: &Scene, mark: &spyhop_api::Mark) -> Truth {
    let Moment::Clock(at) = mark.start else { panic!("{mark:?}") };
    let start_s = (at.0 - scene.origin.0) as f64 / 1e9;
    // Boxes begin at a sample.
    let near = |a: f64, b: f64| (a - b).abs() < 1.0 / scene.rate_hz;
    let found = scene.truths().into_iter().find(|t| {
        near(t.start_s, start_s)
            && near(t.end_s - t.start_s, mark.span_ns as f64 / 1e9)
            && (t.low_hz, t.high_hz) == mark.band_hz
    });
    found.unwrap_or_else(|| panic!("nothing is true about {mark:?}"))
}

#[test]
fn for_whatever_seed_the_stories_tell_of_what_is_there() {
    for seed in [1, 2, 7] {
        let scenes = demo::plan(seed, None);
        let stories = stories(&scenes);
        assert_eq!(stories.len(), 3, "seed {seed}");
        for (name, story) in &stories {
            assert_eq!(cleaned(story).as_ref(), Ok(story), "{name}: as it would be kept");
            assert!((6..=9).contains(&story.steps.len()), "{name}: {}", story.steps.len());
            assert!(story.steps.iter().any(|step| step.question.is_some()), "{name} asks");
            assert!(story.steps.iter().any(|step| !step.says.is_empty()), "{name} has captions");
            let text = StoryFile::write(story).expect("TOML");
            assert_eq!(StoryFile::parse(&text).as_ref(), Ok(story), "{text}");
            for step in &story.steps {
                let (scene, window) = shown(&scenes, step);
                let Some(window) = window else { continue };
                assert!(scene.is_recorded(&window), "{name}, {}: {window:?}", step.title);
                for mark in &step.marks {
                    let truth = boxed(scene, mark);
                    assert!(truth.start_s >= window.start && truth.end_s <= window.end);
                    let is_so = match mark.text.as_str() {
                        "upcall" | "right whale" | "rising" | "one whale" | "a second"
                        | "a third" => truth.label == "upcall",
                        "humpback" => truth.label == "humpback upsweep",
                        "whistle" | "the same dolphin" | "?" => truth.label == "whistle",
                        "burst pulse" | "moan" => truth.label == mark.text,
                        "A" | "B" => mark.kind == MarkKind::Question,
                        "deep" => ["moan", "groan", "whup"].contains(&truth.label),
                        "high" => ["shriek", "chirp", "cry"].contains(&truth.label),
                        other => panic!("what is {other}?"),
                    };
                    assert!(is_so, "{name}, {}: {} is {}", step.title, mark.text, truth.label);
                }
                for said in &step.says {
                    let at_s = window.start + said.at_s;
                    // Captions are told to a tenth of a second.
                    let is_there = scene
                        .truths()
                        .iter()
                        .any(|t| (t.start_s - at_s).abs() < 0.051 && moments::name(t) == said.text);
                    assert!(is_there, "{name}, {}: {said:?}", step.title);
                }
            }
        }
    }
}

#[test]
fn what_is_said_to_be_one_dolphin_or_two_whales_is_so() {
    for seed in [1, 2, 7] {
        let scenes = demo::plan(seed, None);
        for (_, story) in stories(&scenes) {
            for step in &story.steps {
                let (scene, _) = shown(&scenes, step);
                let of = |text: &str| -> Vec<String> {
                    let marks = step.marks.iter().filter(|mark| mark.text == text);
                    marks.map(|mark| boxed(scene, mark).individual).collect()
                };
                let same = of("the same dolphin");
                assert!(same.windows(2).all(|two| two[0] == two[1]), "{same:?}");
                let (first, second) = (of("one whale"), of("a second"));
                assert!(first.iter().all(|who| !second.contains(who)), "{first:?} {second:?}");
                let Some(question) = &step.question else { continue };
                if question.answers == ["A", "B"] {
                    let right = ["A", "B"][question.right as usize];
                    let is_asked = |mark: &&spyhop_api::Mark| {
                        mark.text == right && mark.kind == MarkKind::Question
                    };
                    let mark = step.marks.iter().find(is_asked).expect("a box");
                    assert_eq!(boxed(scene, mark).label, "upcall", "seed {seed}");
                }
            }
        }
    }
}

#[test]
fn only_stories_whose_recordings_are_there_are_written_and_nobodys_own_is_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scenes = demo::plan(3, None);
    scenes.retain(|scene| scene.deployment.id == "bank-in-march");
    put(&scenes, folder.path(), 3).expect("written");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path().join(FOLDER)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("one").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["listening-for-right-whales.toml"]);
    let path = folder.path().join(FOLDER).join("listening-for-right-whales.toml");
    let first = std::fs::read_to_string(&path).expect("there");
    assert!(first.starts_with("# Written by spyhop demo, seed 3"), "{first}");
    StoryFile::parse(&first).expect("a story");
    std::fs::write(&path, "title = 'Mine'").expect("written");
    put(&scenes, folder.path(), 3).expect("written");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "title = 'Mine'");
    std::fs::write(&path, format!("{MARK}, of another seed")).expect("written");
    put(&scenes, folder.path(), 3).expect("written");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), first);
}
