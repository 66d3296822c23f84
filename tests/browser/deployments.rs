//! What a server has opens from the first page: as a picture, with sound, in its calibration.

use serde_json::json;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, row_of, tone_in_noise};

/// A deployment of two files with a gap of ten seconds between them, and a table of what is in it.
const DESCRIBED: &str = "
name = 'Night watch'
description = 'A tone that waits for whales.'
licence = 'CC0-1.0'
best_view = 'v=1&t=2024-06-01T12:00:02Z&span=4&f=0-2000'
calibration = { kind = 'upa_per_fullscale', db = 170.0 }
";

const TABLE: &str = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n\
    1\tSpectrogram 1\t1\t2.0\t3.0\t900\t1100\ttone\n";

fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let night = folder.path().join("place/night");
    let tone = tone_in_noise(1000.0, 10.0, 8000);
    sounds::write_wav(&night, "buoy_20240601_120000.wav", &tone, 8000)?;
    sounds::write_wav(&night, "buoy_20240601_120020.wav", &tone, 8000)?;
    sounds::write(&night, "deployment.toml", DESCRIBED.as_bytes())?;
    sounds::write(&night, "buoy_20240601_120000.Table.1.selections.txt", TABLE.as_bytes())?;
    let place = folder.path().join("place");
    Stage::serving(&place, folder, &["--autoplay-policy=no-user-gesture-required"])
}

fn first_page(stage: &mut Stage) -> anyhow::Result<Page<'_>> {
    let mut page = stage.page("")?;
    page.wait_for("the card", |p| p.is_shown(".card[data-deployment=night]"))?;
    Ok(page)
}

#[test]
fn a_card_shows_a_picture_of_its_best_view_and_opens_it() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = first_page(&mut stage)?;
    page.wait_for("its picture", |p| {
        let body = "const i = document.querySelector('.card img'); return i && i.naturalWidth;";
        Ok(p.session.execute(body, json!([]))?.as_u64() > Some(300))
    })?;
    page.press(".card[data-deployment=night] .open")?;
    page.wait_until_ready()?;
    assert!(page.text("#title")?.contains("Night watch"));
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    let expected = row_of(1000.0, (0.0, 2000.0), picture.height);
    assert!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");
    // The tone of amplitude 0.25 is 155 dB re 1 µPa; its bin holds it all.
    page.set("#scaling", "spectrum")?;
    page.wait_until_ready()?;
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(0.5, 0.5)])?;
    page.wait_for("a calibrated level", |p| {
        let text = p.text("#readout")?;
        Ok(text.contains("dB re 1 µPa²") && (text.contains("154.") || text.contains("155.")))
    })
}

#[test]
fn a_card_plays_with_one_press() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = first_page(&mut stage)?;
    page.press(".card[data-deployment=night] .play")?;
    page.wait_until_ready()?;
    let clock = page.text("#clock")?;
    page.wait_for("the play head to move", |p| {
        Ok(p.text("#clock")? != clock
            && p.session.execute(
                "return document.querySelector('#play').getAttribute('aria-pressed');",
                json!([]),
            )? == "true")
    })
}

#[test]
fn a_table_beside_the_recordings_comes_in_as_labels() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = first_page(&mut stage)?;
    page.press(".card[data-deployment=night] .open")?;
    page.wait_until_ready()?;
    page.press("#panel [data-tab=labels]")?;
    page.wait_for("the button", |p| {
        Ok(p.session.execute("return !!document.querySelector('#all-tables');", json!([]))? == true)
    })?;
    page.press("#all-tables")?;
    page.wait_for("its label", |p| Ok(p.data("labels")? == "1"))?;
    assert!(page.text("#labels tr[data-label]")?.contains("12:00:02"));
    Ok(())
}

#[test]
fn the_link_of_a_deployment_just_opens() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = first_page(&mut stage)?;
    page.press(".card[data-deployment=night] .open")?;
    page.wait_until_ready()?;
    page.session.keys("ww")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some_and(|s| s != "4")))?;
    page.wait_until_ready()?;
    let (view, picture) = (page.data("view")?, page.picture("#spectrogram")?);
    let mut page = stage.page(&format!("?{view}"))?;
    page.wait_until_ready()?;
    assert_eq!(page.data("view")?, view);
    assert!((page.picture("#spectrogram")?.mean() - picture.mean()).abs() < 0.5);
    Ok(())
}
