//! Opening and looking.

use std::path::{Path, PathBuf};

use serde_json::json;
use spyhop_tests::{Page, sounds};

use crate::{Stage, row_of, tone_in_noise, two_tones};

#[test]
fn a_dropped_tone_lights_the_row_of_its_frequency() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    assert_eq!(page.data("backend")?, "cpu", "a software adapter must not be used");
    let picture = page.picture("#spectrogram")?;
    let expected = row_of(1000.0, (0.0, 4000.0), picture.height);
    let row = picture.brightest_row(0.1..0.9);
    assert!((row as f64 - expected).abs() <= 3.0, "row {row}, expected {expected}");
    // Next to nothing elsewhere: the tone stands at least a third of the scale above the noise.
    let noise = picture.row(row_of(3000.0, (0.0, 4000.0), picture.height) as usize, 0.1..0.9);
    assert!(picture.row(row, 0.1..0.9) > noise + 60.0, "noise {noise}");
    assert!(page.picture("#waveform")?.contrast() > 5.0, "the waveform is drawn");
    page.wait_for("a description for screen readers", |p| {
        Ok(p.text("#description")?.contains("tone.wav"))
    })
}

/// Steps of a tone from one end of a long recording to the other, in hertz.
const STEPS_HZ: [f64; 8] = [10e3, 20e3, 30e3, 40e3, 50e3, 60e3, 70e3, 80e3];

/// A recording so long that each worker reads on and on in it, a tone that goes up or down.
fn staircase(stage: &Stage, name: &str, steps_hz: &[f64]) -> anyhow::Result<PathBuf> {
    let (seconds, rate_hz) = (200.0, 192_000);
    let step_s = seconds / steps_hz.len() as f64;
    let tone = sounds::tone(seconds, rate_hz, |t| {
        let hz = steps_hz.get((t / step_s) as usize).copied().unwrap_or(0.0);
        0.25 * (std::f64::consts::TAU * hz * t).sin()
    });
    stage.wav(name, &tone, rate_hz)
}

/// Whether each step is where it belongs, and nothing else.
fn assert_steps(page: &mut Page<'_>, steps_hz: &[f64]) -> anyhow::Result<()> {
    let picture = page.picture("#spectrogram")?;
    for (i, hz) in steps_hz.iter().enumerate() {
        let columns = (i as f64 + 0.05) / 8.0..(i as f64 + 0.95) / 8.0;
        let expected = row_of(*hz, (0.0, 96e3), picture.height);
        let row = picture.brightest_row(columns);
        assert!((row as f64 - expected).abs() <= 3.0, "step {i}: row {row}, expected {expected}");
    }
    Ok(())
}

#[test]
fn a_long_file_dropped_while_another_is_read_shows_only_itself() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let down: Vec<f64> = STEPS_HZ.into_iter().rev().collect();
    let first = staircase(&stage, "up.wav", &STEPS_HZ)?;
    let second = staircase(&stage, "down.wav", &down)?;
    let mut page = stage.page("")?;
    page.wait_for_stage("first")?;
    page.choose(&[&first])?;
    page.wait_for_stage("viewing")?;
    page.choose(&[&second])?;
    page.wait_for("the second file", |p| Ok(p.text("#title")?.contains("down.wav")))?;
    page.wait_until_ready()?;
    assert_steps(&mut page, &down)?;
    page.choose(&[&first])?;
    page.wait_for("the first file", |p| Ok(p.text("#title")?.contains("up.wav")))?;
    page.wait_until_ready()?;
    assert_steps(&mut page, &STEPS_HZ)
}

/// Drags a file or a folder from the desk onto the first page, as a hand does.
fn drag_in(page: &mut Page<'_>, path: &Path) -> anyhow::Result<()> {
    let (x, y) = page.place("#drop")?.at(0.5, 0.5);
    for kind in ["dragEnter", "dragOver", "drop"] {
        let data = json!({ "items": [], "files": [path], "dragOperationsMask": 1 });
        let params = json!({ "type": kind, "x": x, "y": y, "data": data });
        page.session.devtools("Input.dispatchDragEvent", params)?;
    }
    Ok(())
}

#[test]
fn a_real_drop_opens_files_by_path() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("dropped.wav", &tone_in_noise(500.0, 2.0, 4000), 4000)?;
    let mut page = stage.page("")?;
    page.wait_for_stage("first")?;
    drag_in(&mut page, &file)?;
    page.wait_until_ready()?;
    assert!(page.text("#title")?.contains("dropped.wav"));
    Ok(())
}

#[test]
fn a_dropped_folder_is_one_line() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let folder = stage.path().join("buoy");
    let tone = tone_in_noise(500.0, 5.0, 4000);
    sounds::write_wav(&folder.join("a"), "buoy_20240601_120000.wav", &tone, 4000)?;
    sounds::write_wav(&folder.join("b"), "buoy_20240601_120005.wav", &tone, 4000)?;
    let mut page = stage.page("")?;
    page.wait_for_stage("first")?;
    drag_in(&mut page, &folder)?;
    page.wait_until_ready()?;
    let title = page.text("#title")?;
    assert!(title.contains("and 1 more"), "{title}");
    page.press("#panel [data-tab=info]")?;
    page.wait_for("its length", |p| Ok(p.text("#info")?.contains("10 s recorded in 10 s")))
}

#[test]
fn the_wheel_zooms_at_the_pointer_down_to_single_samples() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("two.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    let overlay = page.place("#overlay")?;
    let spectrogram = page.place("#spectrogram")?;
    let point = (overlay.at(0.75, 0.5).0, spectrogram.at(0.5, 0.5).1);
    let before = page.picture("#spectrogram")?;
    let low_row = row_of(500.0, (0.0, 4000.0), before.height) as usize;
    assert!(before.row(low_row, 0.05..0.45) > before.row(low_row, 0.55..0.95) + 40.0);

    zoom(&mut page, point, &[-500.0])?;
    let after = page.picture("#spectrogram")?;
    let high_row = row_of(3000.0, (0.0, 4000.0), after.height) as usize;
    assert!(
        after.row(high_row, 0.05..0.95) > after.row(low_row, 0.05..0.95) + 40.0,
        "only the second tone is left around the pointer"
    );
    let span: f64 = page.view("span")?.unwrap_or_default().parse()?;
    assert!(span < 4.0, "{span} s");

    // On and on: the picture ends at a few samples and still is one.
    zoom(&mut page, point, &[-1200.0; 5])?;
    let span: f64 = page.view("span")?.unwrap_or_default().parse()?;
    assert!(span * 8000.0 < 64.0, "{span} s are {} samples", span * 8000.0);
    assert!(page.picture("#waveform")?.contrast() > 1.0, "single samples are drawn");
    Ok(())
}

/// Turns the wheel with Ctrl held.
fn zoom(page: &mut Page<'_>, point: (f64, f64), turns: &[f64]) -> anyhow::Result<()> {
    let before = page.data("view")?;
    for turn in turns {
        page.session.chord_wheel(point, *turn)?;
    }
    page.wait_for("the view to change", |page| Ok(page.data("view")? != before))?;
    page.wait_until_ready()
}

#[test]
fn keys_zoom_pan_and_fit() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("two.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    let whole = page.data("view")?;
    page.session.keys("www")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    let first = page.view("t")?;
    page.session.keys("d")?;
    page.wait_for("a step to the right", |p| Ok(p.view("t")? != first))?;
    page.session.keys("f")?;
    page.wait_for("everything", |p| Ok(p.data("view")? == whole))?;
    page.wait_until_ready()
}

#[test]
fn files_of_one_instrument_are_one_line_with_a_gap() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let tone = tone_in_noise(1000.0, 10.0, 8000);
    let a = stage.wav("buoy_20240601_120000.wav", &tone, 8000)?;
    let b = stage.wav("buoy_20240601_120020.wav", &tone, 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&b, &a])?;
    let picture = page.picture("#spectrogram")?;
    let row = row_of(1000.0, (0.0, 4000.0), picture.height) as usize;
    let (left, gap, right) =
        (picture.row(row, 0.05..0.30), picture.row(row, 0.38..0.62), picture.row(row, 0.70..0.95));
    assert!(left > gap + 40.0 && right > gap + 40.0, "{left} {gap} {right}");
    Ok(())
}

#[test]
fn an_ears_file_opens_with_its_clock() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let click = sounds::tone(2.0, 192_000, |t| if (t % 0.25) < 1e-4 { 0.5 } else { 0.0 });
    let quiet = sounds::mixed(&click, &sounds::noise(0.002, 2.0, 192_000));
    let file =
        sounds::write_ears(stage.path(), "71621DC7.190", &quiet, "2017-06-12T06:38:38.348218750Z")?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.press("#panel [data-tab=info]")?;
    page.wait_for("its clock", |p| Ok(p.text("#info")?.contains("2017-06-12")))?;
    // The clicks are there, eight of them, as bright columns.
    let picture = page.picture("#spectrogram")?;
    let bright: Vec<f64> = (0..picture.width).map(|c| picture.column(c)).collect();
    let mean = bright.iter().sum::<f64>() / bright.len() as f64;
    let high: Vec<bool> = bright.iter().map(|b| *b > mean + 15.0).collect();
    let clicks = high.windows(2).filter(|w| !w[0] && w[1]).count() + usize::from(high[0]);
    assert!((7..=9).contains(&clicks), "{clicks} clicks");
    Ok(())
}

#[test]
fn a_click_of_a_millisecond_stays_visible_in_an_hour() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let rate = 4000;
    let mut sea = sounds::noise(0.01, 3600.0, rate);
    let at = sea.len() / 2;
    for (i, sample) in sea[at..at + 4].iter_mut().enumerate() {
        *sample = if i % 2 == 0 { 30_000 } else { -30_000 };
    }
    let file = stage.wav("hour.wav", &sea, rate)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    let picture = page.picture("#spectrogram")?;
    let middle = picture.width / 2;
    let clicked = (middle - 3..=middle + 3).map(|c| picture.column(c)).fold(0.0, f64::max);
    let sea = picture.column(picture.width / 4);
    assert!(clicked > sea + 20.0, "click {clicked}, sea {sea}");
    page.set("#peaks", "mean")?;
    page.wait_for("a picture without peaks", |p| Ok(p.view("peak")?.as_deref() == Some("mean")))?;
    page.wait_until_ready()?;
    let without = page.picture("#spectrogram")?.column(middle);
    assert!(without < clicked - 10.0, "the mean hides it: {without}");
    Ok(())
}
