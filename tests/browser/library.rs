//! The server's library: deployments are listed and searched, their recordings sorted and opened.

use serde_json::json;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, tone_in_noise};

const NIGHT: &str = "
name = 'Night watch'
description = 'A tone that waits for whales.'
credit = 'The watch'
latitude = 42.25
longitude = -70.33
position_public = 'hidden'
";

const DAY: &str = "
name = 'Day watch'
latitude = -33.5
longitude = 151.25
synthesised = true
";

/// Two deployments; one of them spans two days and has a file that is none.
fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let (night, day) = (folder.path().join("place/night"), folder.path().join("place/day"));
    let tone = |seconds| tone_in_noise(1000.0, seconds, 8000);
    sounds::write_wav(&night, "buoy_20240601_120000.wav", &tone(4.0), 8000)?;
    sounds::write_wav(&night, "buoy_20240602_130000.wav", &tone(2.0), 8000)?;
    sounds::write_wav(&night, "buoy_20240602_140000.wav", &tone(6.0), 8000)?;
    sounds::write(&night, "buoy_20240602_150000.wav", b"RIFF")?;
    sounds::write(&night, "deployment.toml", NIGHT.as_bytes())?;
    sounds::write_wav(&day, "deck.wav", &tone(2.0), 8000)?;
    sounds::write(&day, "deployment.toml", DAY.as_bytes())?;
    let place = folder.path().join("place");
    Stage::serving(&place, folder, &[])
}

fn library(stage: &mut Stage) -> anyhow::Result<Page<'_>> {
    let mut page = stage.page("?page=library")?;
    page.wait_for("both deployments", |p| Ok(listed(p)? == ["day", "night"]))?;
    Ok(page)
}

fn table(stage: &mut Stage) -> anyhow::Result<Page<'_>> {
    let mut page = stage.page("?page=library&deployment=night")?;
    page.wait_for("the table", |p| Ok(names(p)?.len() == 4))?;
    Ok(page)
}

/// The ids in the list.
fn listed(page: &mut Page<'_>) -> anyhow::Result<Vec<String>> {
    texts(page, "#library [data-deployment]", "deployment")
}

/// The times in the names of the table's rows.
fn names(page: &mut Page<'_>) -> anyhow::Result<Vec<String>> {
    let names = texts(page, "#recordings [data-recording]", "recording")?;
    Ok(names.iter().map(|n| n.replace("buoy_202406", "").replace("0000.wav", "")).collect())
}

fn texts(page: &mut Page<'_>, css: &str, key: &str) -> anyhow::Result<Vec<String>> {
    let body =
        "return [...document.querySelectorAll(arguments[0])].map(e => e.dataset[arguments[1]]);";
    Ok(serde_json::from_value(page.session.execute(body, json!([css, key]))?)?)
}

#[test]
fn the_library_tells_of_deployments_and_keeps_hidden_places_hidden() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = library(&mut stage)?;
    let night = page.text("#library [data-deployment=night]")?;
    for words in ["Night watch", "The watch", "not published", "8 kHz", "4 recordings"] {
        assert!(night.contains(words), "{words} is not in {night}");
    }
    assert!(!night.contains("42.25") && !night.contains("70.33"), "{night}");
    let day = page.text("#library [data-deployment=day]")?;
    assert!(day.contains("synthesised") && day.contains("33.5° S, 151.25° E"), "{day}");
    page.wait_for("the strip", |p| p.is_shown("[data-deployment=night] .strip svg"))?;
    let body = "return document.querySelector('.strip svg').getAttribute('aria-label');";
    assert_eq!(
        page.session.execute(body, json!([]))?,
        "2 days from 2024-06-01 to 2024-06-02 (UTC): 3 of 48 hours hold recordings"
    );
    Ok(())
}

#[test]
fn a_search_narrows_the_library_and_stays_in_the_address() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = library(&mut stage)?;
    page.session.send_keys("#library-search", "waits whales")?;
    page.wait_for("one deployment", |p| Ok(listed(p)? == ["night"]))?;
    assert!(page.text("#library-count")?.starts_with("1 deployment with “waits whales”"));
    page.session.reload()?;
    page.wait_for("the same again", |p| Ok(listed(p)? == ["night"]))?;
    page.press("#library [data-deployment=night] h2 a")?;
    page.wait_for("its recordings", |p| Ok(names(p)?.len() == 4))?;
    page.session.back()?;
    page.wait_for("the search", |p| Ok(listed(p)? == ["night"]))
}

#[test]
fn the_table_sorts_by_its_columns_and_filters_what_cannot_be_opened() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = table(&mut stage)?;
    page.press("[data-column=duration] button")?;
    page.wait_for("the shortest first", |p| {
        Ok(names(p)?.ends_with(&texts_of(["02_13", "01_12", "02_14"])))
    })?;
    page.press("[data-column=duration] button")?;
    page.wait_for("the longest first", |p| {
        Ok(names(p)?.starts_with(&texts_of(["02_14", "01_12", "02_13"])))
    })?;
    page.press("#only-bad")?;
    page.wait_for("the bad one", |p| Ok(names(p)? == ["02_15"]))?;
    assert!(page.text("#recordings .reason")?.contains("buoy_20240602_150000.wav"));
    page.press("#only-bad")?;
    page.session.send_keys("#recordings-search", "20240602_13")?;
    page.wait_for("the named one", |p| Ok(names(p)? == ["02_13"]))?;
    assert_eq!(page.text("#recordings-count")?, "1 recording");
    Ok(())
}

fn texts_of<const N: usize>(texts: [&str; N]) -> [String; N] {
    texts.map(str::to_owned)
}

#[test]
fn a_row_opens_its_recording_alone_and_back_leads_to_the_table() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = table(&mut stage)?;
    page.press("[data-recording='buoy_20240602_130000.wav'] a")?;
    page.wait_until_ready()?;
    assert!(page.data("view")?.contains("20240602_130000"), "{}", page.data("view")?);
    assert_eq!(page.text("#recording-name")?, "buoy_20240602_130000.wav");
    page.session.back()?;
    page.wait_for("the table again", |p| Ok(names(p)?.len() == 4))?;
    page.press("#to-library")?;
    page.wait_for("the library", |p| Ok(listed(p)? == ["day", "night"]))
}

#[test]
fn a_deployment_that_is_not_there_is_told_in_words() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = stage.page("?page=library&deployment=elsewhere")?;
    page.wait_for("the reason", |p| p.is_shown("#deployment .trouble"))?;
    assert!(page.text("#deployment .trouble")?.contains("no deployment 'elsewhere'"));
    Ok(())
}
