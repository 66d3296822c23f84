//! `spyhop story`: stories in files, checked and captioned.

use std::path::Path;

use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use super::said;

const STORY: &str = "title = 'Tones'

[[steps]]
title = 'A tone'
text = 'It is *steady*.'
view = { src = 'set:night', t = 2024-06-01T12:00:00.5Z, span = 1, rate = 0.5 }
sound = 'plays'
seconds = 5

[[steps.says]]
at_s = 0.5
lasts_s = 0.25
text = 'a tone'

[[steps]]
view = 'v=1&src=set:night'
seconds = 4
";

/// A place with two seconds of a recording and a story of it.
fn place(story: &str) -> anyhow::Result<TempDir> {
    let place = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.5, 2.0, 8000);
    sounds::write_wav(&place.path().join("night"), "buoy_20240601_120000.wav", &tone, 8000)?;
    sounds::write(&place.path().join("stories"), "tones.toml", story.as_bytes())?;
    Ok(place)
}

fn story(args: &[&str], place: &Path) -> anyhow::Result<std::process::Output> {
    let (place, state) = (place.display().to_string(), place.join("state").display().to_string());
    let all = ["story"].iter().chain(args).copied();
    program::run(all.chain(["--data", &place, "--state", &state]))
}

#[test]
fn a_sound_story_is_said_to_be_one_and_a_broken_one_is_told_with_its_line() -> anyhow::Result<()> {
    let place_of = place(STORY)?;
    let file = place_of.path().join("stories/tones.toml").display().to_string();
    let good = story(&["check", &file], place_of.path())?;
    assert!(good.status.success(), "{}", said(&good));
    let told = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(told.contains("2 steps, 0.1 min  Tones"), "{told}");

    for (slip, why) in [
        (STORY.replace("at_s", "at"), "line 11: the key 'at' is unknown, did you mean 'at_s'?"),
        (STORY.replace("'plays'", "'loud'"), "line 7: "),
        (
            STORY.replace("set:night'\nseconds", "set:day'\nseconds"),
            "step 2: there is no deployment 'day'",
        ),
        (STORY.replace("span = 1", "span = -1"), "line 3: step 1: the link's span=-1"),
    ] {
        let broken = place(&slip)?;
        let file = broken.path().join("stories/tones.toml").display().to_string();
        let output = story(&["check", &file], broken.path())?;
        assert_eq!(output.status.code(), Some(1), "{slip}");
        assert!(said(&output).contains(&format!("tones.toml: {why}")), "{}", said(&output));
    }
    Ok(())
}

#[test]
fn captions_are_written_of_a_story_by_its_name() -> anyhow::Result<()> {
    let place = place(STORY)?;
    let output = story(&["captions", "tones"], place.path())?;
    assert!(output.status.success(), "{}", said(&output));
    // Half a second into what sounds, at half the speed.
    let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nA tone. It is steady.\n\n\
                    00:00:01.000 --> 00:00:02.000\n[a tone]\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let out = place.path().join("tones.vtt");
    let to_file = story(&["captions", "tones", "--out", &out.display().to_string()], place.path())?;
    assert!(to_file.status.success(), "{}", said(&to_file));
    assert_eq!(std::fs::read_to_string(&out)?, expected);
    let none = story(&["captions", "nothing"], place.path())?;
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("there is no story 'nothing'"), "{}", said(&none));
    Ok(())
}
