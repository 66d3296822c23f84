//! A deployment of many recordings: tiles where it is zoomed out, samples where it is near, folded gaps,
//! and a time that is typed.

use serde_json::json;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, row_of};

const RATE_HZ: u32 = 48_000;
/// 44 s at 48 kHz and 16 bits are just more than 4 MB, 40 s are less.
const FAR_S: f64 = 44.0;
const NEAR_S: f64 = 40.0;
/// The pyramid's own transform.
const OWN: &str = "fft=512.512.256.density.hann&db=-120..-40";

/// Two minutes of noise with a tone, a gap of ten minutes, and two minutes again.
fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let bay = folder.path().join("place/bay");
    let tone = sounds::sine(6000.0, 0.02, 120.0, RATE_HZ);
    let sound = sounds::mixed(&tone, &sounds::noise(0.02, 120.0, RATE_HZ));
    sounds::write_wav(&bay, "buoy_20240601_120000.wav", &sound, RATE_HZ)?;
    sounds::write_wav(&bay, "buoy_20240601_121200.wav", &sound, RATE_HZ)?;
    let place = folder.path().join("place");
    Stage::serving(&place, folder, &[])
}

/// The page with a view of the deployment, once the server has built its pyramid.
fn built<'s>(stage: &'s mut Stage, view: &str) -> anyhow::Result<Page<'s>> {
    let mut page = stage.page("")?;
    page.wait_for("the pyramid", |p| {
        let body = "const r = new XMLHttpRequest(); \
            r.open('GET', 'api/v1/deployments/bay/pyramid', false); r.send(); \
            if (r.status !== 200) return false; \
            const all = JSON.parse(r.responseText).pyramids; \
            return all.length > 0 && all.every(p => p.built >= 1);";
        Ok(p.session.execute(body, json!([]))? == json!(true))
    })?;
    let mut page = stage.page(&format!("?v=1&src=set:bay&{view}"))?;
    page.wait_until_ready()?;
    Ok(page)
}

#[test]
fn the_step_from_tiles_to_samples_cannot_be_seen() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let (mut pictures, mut waves) = (Vec::new(), Vec::new());
    for span in [FAR_S, NEAR_S] {
        let view = format!("{OWN}&t=2024-06-01T12:00:30Z&span={span}");
        let mut page = built(&mut stage, &view)?;
        assert!(!page.is_shown("#tiled")?, "these are the pyramid's own settings");
        pictures.push((page.picture("#spectrogram")?, page.data("bytes")?));
        waves.push(page.picture("#waveform")?);
    }
    let (far, near) = (&pictures[0].0, &pictures[1].0);
    assert_eq!(pictures[0].1, "0", "no samples are fetched while zoomed out");
    assert_ne!(pictures[1].1, "0", "near, the page transforms samples itself");
    // 80 dB are 255 steps of colour; a tenth of a decibel is a third of one, as much as it may be.
    assert!((far.mean() - near.mean()).abs() < 1.0, "{} and {}", far.mean(), near.mean());
    let expected = row_of(6000.0, (0.0, 24_000.0), far.height);
    for picture in [far, near] {
        let row = picture.brightest_row(0.1..0.9) as f64;
        assert!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");
    }
    // The sea's own grain is the same: as many frames lie under a pixel.
    let (a, b) = (far.contrast(), near.contrast());
    assert!((a / b - 1.0).abs() < 0.25, "{a} and {b}");
    // The extremes of the samples and their RMS: as much is drawn of each at every height.
    let (far, near) = (&waves[0], &waves[1]);
    assert_eq!((far.width, far.height), (near.width, near.height));
    let paper = near.row(0, 0.0..1.0);
    for row in 0..near.height {
        let (far, near) = (far.row(row, 0.0..1.0), near.row(row, 0.0..1.0));
        assert!((far - near).abs() <= 12.0, "{far} and {near} in row {row} on {paper}");
    }
    Ok(())
}

#[test]
fn with_other_settings_the_page_says_what_the_tiles_were_made_with() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = built(&mut stage, "")?;
    assert!(page.text("#tiled")?.contains("512"), "{}", page.text("#tiled")?);
    page.set("#scaling", "density")?;
    let mut page = built(&mut stage, "t=2024-06-01T12:00:30Z&span=2")?;
    assert!(!page.is_shown("#tiled")?);
    Ok(())
}

#[test]
fn a_gap_is_drawn_as_one_until_it_is_folded_away() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = built(&mut stage, OWN)?;
    let open = page.picture("#spectrogram")?;
    // Two minutes, ten without anything, two minutes.
    let (sound, gap) = (open.column(open.width / 14), open.column(open.width / 2));
    assert!((sound - gap).abs() > 5.0, "{sound} and {gap}");
    page.session.keys("g")?;
    page.wait_for("folded gaps", |p| Ok(p.view("gaps")?.as_deref() == Some("collapsed")))?;
    page.wait_until_ready()?;
    let folded = page.picture("#spectrogram")?;
    let tone = row_of(6000.0, (0.0, 24_000.0), folded.height) as usize;
    for share in [0.1, 0.3, 0.45, 0.55, 0.7, 0.9] {
        let here = folded.row(tone, share..share + 0.02);
        let all = folded.row(tone, 0.0..1.0);
        assert!((here / all - 1.0).abs() < 0.2, "the tone goes on at {share}: {here} of {all}");
    }
    // Right of the fold the clock has gone on.
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(0.75, 0.5)])?;
    // Within a pixel, a fifth of a second.
    page.wait_for("the crosshair's time", |p| {
        let told = p.text("#readout")?;
        Ok(told.contains("12:13:00") || told.contains("12:12:59.8"))
    })?;
    Ok(())
}

#[test]
fn a_time_that_is_typed_comes_into_the_middle_of_the_picture() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = built(&mut stage, "t=2024-06-01T12:00:00Z&span=4")?;
    page.session.keys("j")?;
    page.wait_for("the dialog", |p| p.is_shown("#jump"))?;
    page.set("#jump-text", "12:13:00")?;
    page.press("#jump-go")?;
    page.wait_for("the time", |p| {
        Ok(p.view("t")?.is_some_and(|t| t.starts_with("2024-06-01T12:12:58")))
    })?;
    page.session.keys("j")?;
    page.wait_for("the dialog", |p| p.is_shown("#jump"))?;
    page.set("#jump-text", "2031-01-01")?;
    page.press("#jump-go")?;
    page.wait_for("why not", |p| Ok(p.text("#jump-problem")?.contains("outside")))?;
    Ok(())
}
