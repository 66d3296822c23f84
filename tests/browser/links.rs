//! The link is the whole view.

use anyhow::Context;
use spyhop_tests::meter::Meter;
use spyhop_tests::sounds;
use spyhop_tests::static_host::{Manners, StaticHost};

use crate::{Stage, two_tones};

#[test]
fn a_link_of_a_local_file_asks_for_it_and_shows_the_same_view() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("two.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.session.keys("ww")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    page.set("#map", "viridis")?;
    page.wait_for("another colour map", |p| Ok(p.view("cm")?.as_deref() == Some("viridis")))?;
    page.wait_until_ready()?;
    let (view, picture) = (page.data("view")?, page.picture("#spectrogram")?);
    assert!(view.contains("src=file:") && view.contains("two.wav"), "{view}");

    let renamed = sounds::write(stage.path(), "renamed.wav", &std::fs::read(&file)?)?;
    let other = stage.wav("other.wav", &two_tones(600.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page(&format!("?{view}"))?;
    page.wait_for_stage("asking")?;
    assert!(page.text("#asked")?.contains("two.wav"));
    page.choose(&[&other])?;
    page.wait_for("a word about the wrong file", |p| {
        Ok(!p.notices("error")?.is_empty() || !p.notices("warning")?.is_empty())
    })?;
    let mut page = stage.page(&format!("?{view}"))?;
    page.wait_for_stage("asking")?;
    page.choose(&[&renamed])?;
    page.wait_until_ready()?;
    for key in ["t", "span", "cm", "db"] {
        let before = value_of(&view, key);
        assert_eq!(page.view(key)?, before, "{key}");
    }
    let again = page.picture("#spectrogram")?;
    assert!((again.mean() - picture.mean()).abs() < 1.0, "{} {}", again.mean(), picture.mean());
    Ok(())
}

/// The value of a key of a query; what these tests read needs no decoding.
fn value_of(query: &str, key: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
}

#[test]
fn what_a_person_says_of_a_clock_goes_along_in_the_link() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("undated.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.press("#panel [data-tab=info]")?;
    page.wait_for("the clock's fields", |p| p.is_shown("#start-override"))?;
    page.set("#start-override", "2009-03-29T12:15:00Z")?;
    page.wait_for("the clock in the view", |p| Ok(p.view("began")?.is_some()))?;
    page.wait_until_ready()?;
    page.session.keys("ww")?;
    page.wait_for("a clock time", |p| {
        Ok(p.view("t")?.is_some_and(|t| t.starts_with("2009-03-29T12:15:0")))
    })?;
    let view = page.data("view")?;

    let mut page = stage.page(&format!("?{view}"))?;
    page.wait_for_stage("asking")?;
    page.choose(&[&file])?;
    page.wait_until_ready()?;
    assert_eq!(page.data("view")?, view);
    assert!(page.text("#clock")?.starts_with("12:15:0"), "{}", page.text("#clock")?);
    Ok(())
}

#[test]
fn back_and_forward_go_through_views() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("two.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    // An entry is made when the view rests.
    let rest = std::time::Duration::from_millis(900);
    std::thread::sleep(rest);
    let first = page.data("view")?;
    page.session.keys("ww")?;
    std::thread::sleep(rest);
    let second = page.data("view")?;
    assert_ne!(first, second);
    page.session.back()?;
    page.wait_for("the first view", |p| Ok(p.view("span")?.is_none()))?;
    page.session.forward()?;
    page.wait_for("the second view", |p| Ok(p.data("view")? == second))?;
    page.wait_until_ready()
}

#[test]
fn the_page_works_from_a_static_host_below_a_path_without_a_server() -> anyhow::Result<()> {
    let dist = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &two_tones(500.0, 3000.0, 4.0, 8000), 8000)?;
    let host = StaticHost::start(&dist, Manners { prefix: "/whales/", ranges: true, cors: false })?;
    stage.chromium.session.goto(&host.url)?;
    let mut page = spyhop_tests::Page { session: &mut stage.chromium.session };
    page.open(&[&file])?;
    assert!(page.picture("#spectrogram")?.contrast() > 5.0);
    let address = page.session.execute("return location.pathname;", serde_json::json!([]))?;
    assert_eq!(address, "/whales/");
    Ok(())
}

/// Notes when a picture is first seen, ms since 1970.
const NOTE_FIRST: &str = "const look = () => { \
    const c = document.querySelector('#spectrogram'); \
    const g = c && c.width ? c.getContext('2d') : null; \
    const d = g ? g.getImageData(Math.floor(c.width / 2), 0, 1, c.height).data : []; \
    if (d.some((v, i) => i % 4 !== 3 && v !== d[i % 4])) \
        window.firstAt = performance.timeOrigin + performance.now(); \
    else requestAnimationFrame(look); }; look();";

/// What may be transferred until then, workers included.
const MOST_FIRST_BYTES: u64 = 1_000_000;

#[test]
fn a_first_picture_costs_a_slow_network_little() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &two_tones(500.0, 3000.0, 20.0, 48_000), 48_000)?;
    let meter = Meter::before(&stage.server.url)?;
    stage.chromium.session.goto(&meter.url)?;
    let mut page = spyhop_tests::Page { session: &mut stage.chromium.session };
    page.wait_for_stage("first")?;
    let none = serde_json::json!([]);
    page.session.execute(NOTE_FIRST, none.clone())?;
    page.choose(&[&file])?;
    page.wait_until_ready()?;
    let at = page.session.execute("return window.firstAt;", none)?.as_f64();
    let first = meter.bytes_until(at.context("no picture was seen")?);
    println!("{first} bytes up to the first picture, {} up to the exact one", meter.bytes());
    assert!(first < MOST_FIRST_BYTES, "{first} bytes up to the first picture");
    Ok(())
}

#[test]
fn a_part_of_the_page_that_does_not_come_says_so_and_comes_when_it_is_asked_for_again()
-> anyhow::Result<()> {
    let dist = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &two_tones(500.0, 3000.0, 4.0, 8000), 8000)?;
    // The page as it was built, but its parts lie elsewhere.
    let (site, parts) = (stage.path().join("site"), stage.path().join("parts"));
    std::fs::create_dir_all(&site)?;
    std::fs::create_dir_all(&parts)?;
    for entry in std::fs::read_dir(&dist)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_part = name.to_string_lossy().contains("-split-");
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), if is_part { &parts } else { &site }.join(name))?;
        }
    }
    let host = StaticHost::start(&site, Manners { prefix: "/", ranges: true, cors: false })?;
    stage.chromium.session.goto(&host.url)?;
    let mut page = spyhop_tests::Page { session: &mut stage.chromium.session };
    page.open(&[&file])?;
    assert!(page.picture("#spectrogram")?.contrast() > 5.0);
    assert!(page.text("#panel .unfetched")?.contains("could not be fetched"));
    page.session.keys("?")?;
    page.wait_for("a word in place of the dialog", |p| p.is_shown("#unfetched"))?;

    for entry in std::fs::read_dir(&parts)? {
        let entry = entry?;
        std::fs::copy(entry.path(), site.join(entry.file_name()))?;
    }
    page.press("#unfetched button.primary")?;
    page.wait_for("the dialog", |p| p.is_shown("#help"))?;
    page.press("#help .close")?;
    page.press("#panel .unfetched button.primary")?;
    page.wait_for("the settings", |p| p.is_shown("#fft"))
}

#[test]
fn what_a_link_says_wrong_is_named_and_the_rest_of_it_opens() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    stage.wav("far.wav", &two_tones(500.0, 3000.0, 4.0, 8000), 8000)?;
    let host = StaticHost::start(stage.path(), Manners { prefix: "/", ranges: true, cors: true })?;
    let link = format!("?v=1&src=url:{}far.wav&t=1s&span=2&db=5..5&ch=7", host.url);
    let mut page = stage.page(&link)?;
    page.wait_until_ready()?;
    let warnings = page.notices("warning")?.join(" ");
    assert!(warnings.contains("db=5..5") && warnings.contains("channel 8"), "{warnings}");
    assert_eq!((page.view("span")?.as_deref(), page.view("ch")?), (Some("2"), None));
    assert!(page.picture("#spectrogram")?.contrast() > 5.0);
    Ok(())
}

#[test]
fn a_recording_at_an_address_of_another_host_opens_by_ranges() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    stage.wav("far.wav", &two_tones(500.0, 3000.0, 20.0, 48_000), 48_000)?;
    let host = StaticHost::start(stage.path(), Manners { prefix: "/", ranges: true, cors: true })?;
    let link = format!("?v=1&src=url:{}far.wav&t=17s&span=2", host.url);
    let mut page = stage.page(&link)?;
    page.wait_until_ready()?;
    let picture = page.picture("#spectrogram")?;
    let row = crate::row_of(3000.0, (0.0, 24_000.0), picture.height) as usize;
    let low = crate::row_of(500.0, (0.0, 24_000.0), picture.height) as usize;
    assert!(picture.row(row, 0.1..0.9) > picture.row(low, 0.1..0.9) + 40.0);
    assert!(host.whole_files_sent() == 0, "by ranges only");
    Ok(())
}
