//! The page in Firefox ESR: it opens a file and draws it.

use spyhop_api::Shown;
use spyhop_api::room::{FromMember, JoinRequest};
use spyhop_tests::firefox::Firefox;
use spyhop_tests::{Page, Server, class, sounds};
use tempfile::TempDir;

#[test]
fn firefox_opens_a_file_and_lights_the_row_of_its_tone() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let empty = folder.path().join("no-recordings");
    std::fs::create_dir(&empty)?;
    let server = Server::start(["--data".as_ref(), empty.as_os_str()])?;
    let tone = sounds::sine(1000.0, 0.25, 4.0, 8000);
    let samples = sounds::mixed(&tone, &sounds::noise(0.003, 4.0, 8000));
    let file = sounds::write_wav(folder.path(), "tone.wav", &samples, 8000)?;

    let mut firefox = Firefox::start()?;
    firefox.session.goto(&server.url)?;
    let mut page = Page { session: &mut firefox.session };
    page.open(&[&file])?;
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    let expected = 0.75 * picture.height as f64 - 0.5;
    assert!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");

    page.session.keys("ww")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    page.wait_until_ready()?;
    // No sound here: a headless Firefox without a sound device keeps its audio clock still.
    Ok(())
}

#[test]
fn firefox_detects_and_keeps_what_is_said_of_a_candidate() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let whistle = sounds::tone(10.0, 48_000, |t| {
        let t = t - 5.0;
        let edge = (t.min(0.6 - t) * 12.0).clamp(0.0, 1.0);
        0.05 * edge * (std::f64::consts::TAU * (6000.0 * t + 8000.0 / 1.2 * t * t)).sin()
    });
    let samples = sounds::mixed(&whistle, &sounds::noise(0.006, 10.0, 48_000));
    let site = folder.path().join("site");
    sounds::write_wav(&site, "x_20210601_003000.wav", &samples, 48_000)?;
    let server = Server::start(["--data".as_ref(), folder.path().as_os_str()])?;

    let mut firefox = Firefox::start()?;
    firefox.session.goto(&format!("{}?v=1&src=set:site", server.url))?;
    let mut page = Page { session: &mut firefox.session };
    page.wait_until_ready()?;
    page.press("#detect-top")?;
    page.wait_for("detectors", |p| p.is_shown("#detectors input[value=whistle]"))?;
    page.press("#detectors input[value=whistle]")?;
    page.press("#detect-start")?;
    page.wait_for("the candidate", |p| Ok(p.data("candidates")? == "1"))?;
    page.press("#call-next")?;
    page.wait_for("it is chosen", |p| p.is_shown("#candidate [data-verdict=unreviewed]"))?;
    page.press("#call-reject")?;
    page.wait_for("its row", |p| p.is_shown("#candidates [data-verdict=rejected]"))?;
    page.session.reload()?;
    page.wait_until_ready()?;
    page.press("#panel [data-tab=calls]")?;
    page.wait_for("what was said", |p| p.is_shown("#candidates [data-verdict=rejected]"))
}

#[test]
fn firefox_plays_a_story_and_follows_a_class() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.25, 20.0, 8000);
    let samples = sounds::mixed(&tone, &sounds::noise(0.003, 20.0, 8000));
    sounds::write_wav(&folder.path().join("bay"), "a_20240601_120000.wav", &samples, 8000)?;
    let story = b"title = 'Two moments'\n[[steps]]\ntitle = 'Here'\n\
        view = 'v=1&src=set:bay&t=2024-06-01T12:00:02Z&span=4'\n[[steps]]\ntitle = 'There'\n\
        view = 'v=1&src=set:bay&t=2024-06-01T12:00:12Z&span=4'\n";
    sounds::write(&folder.path().join("stories"), "two.toml", story)?;
    let server = Server::start(["--data".as_ref(), folder.path().as_os_str()])?;

    let mut firefox = Firefox::start()?;
    firefox.session.goto(&format!("{}?story=two", server.url))?;
    let mut page = Page { session: &mut firefox.session };
    let step = |n: u32| format!("#story[data-step='{n}'][data-arrival=shown]");
    page.wait_for("the first step", |p| p.is_shown(&step(1)))?;
    page.session.keys("\u{e00f}")?;
    page.wait_for("the second step", |p| p.is_shown(&step(2)))?;
    page.wait_for("its view", |p| Ok(p.view("t")?.as_deref() == Some("2024-06-01T12:00:12Z")))?;

    let view = "v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4";
    let made = class::make(&server.url, view)?;
    let asked = JoinRequest { leader_key: made.leader_key.clone(), ..JoinRequest::default() };
    let mut leader = class::Member::join(&server.url, &made.code, class::Way::Socket, &asked)?;
    page.session.goto(&format!("{}?class={}", server.url, made.code))?;
    page.wait_for("the door", |p| p.is_shown("#class-join:enabled"))?;
    page.press("#class-join")?;
    page.wait_for("to follow", |p| p.is_shown("#class-bar[data-standing=following]"))?;
    page.wait_until_ready()?;
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    let expected = 0.75 * picture.height as f64 - 0.5;
    assert!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");
    let view = view.replace("12:00:05", "12:00:09");
    leader.say(&FromMember::Show { shown: Shown { view, ..Shown::default() } })?;
    page.wait_for("what is shown now", |p| {
        Ok(p.view("t")?.as_deref() == Some("2024-06-01T12:00:09Z"))
    })?;
    page.press("#class-away")?;
    leader.wait("one away", |m| m.class.away == 1)
}
