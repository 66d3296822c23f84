//! Settings act at once, on what is seen.

use crate::{Stage, row_of, tone_in_noise};

#[test]
fn settings_act_at_once_and_stand_in_the_link() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;

    // A longer transform: a thinner line.
    let thickness = |page: &mut spyhop_tests::Page<'_>| -> anyhow::Result<usize> {
        let picture = page.picture("#spectrogram")?;
        let peak = picture.row(picture.brightest_row(0.1..0.9), 0.1..0.9);
        Ok((0..picture.height).filter(|r| picture.row(*r, 0.1..0.9) > peak * 0.7).count())
    };
    page.set("#fft", "256")?;
    page.wait_for("the short transform", |p| {
        Ok(p.view("fft")?.is_some_and(|v| v.starts_with("256.")))
    })?;
    page.wait_until_ready()?;
    let thick = thickness(&mut page)?;
    page.set("#fft", "4096")?;
    page.wait_for("the long transform", |p| {
        Ok(p.view("fft")?.is_some_and(|v| v.starts_with("4096.")))
    })?;
    page.wait_until_ready()?;
    let thin = thickness(&mut page)?;
    assert!(thin < thick, "{thin} and {thick} rows");

    // A higher floor: a darker sea.
    let before = page.picture("#spectrogram")?.mean();
    page.set("#floor", "-40")?;
    page.wait_for("the floor", |p| Ok(p.view("db")?.is_some_and(|v| v.starts_with("-40.."))))?;
    page.wait_until_ready()?;
    let after = page.picture("#spectrogram")?.mean();
    assert!(after < before - 5.0, "{after} and {before}");

    // A logarithmic axis: the tone moves up.
    page.set("#axis", "log")?;
    page.wait_for("the axis", |p| Ok(p.view("axis")?.as_deref() == Some("log")))?;
    page.wait_until_ready()?;
    let picture = page.picture("#spectrogram")?;
    let linear = row_of(1000.0, (0.0, 4000.0), picture.height);
    assert!((picture.brightest_row(0.1..0.9) as f64) < linear - 50.0, "the row moves up");
    Ok(())
}

#[test]
fn the_readout_names_time_frequency_and_level() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(0.5, 0.75)])?;
    page.wait_for("a readout", |p| {
        let text = p.text("#readout")?;
        // The middle of four seconds, a quarter of the way up to 4 kHz.
        let time = text.starts_with("0:02.0") || text.starts_with("0:01.99");
        let frequency = text.contains("· 1.0") || text.contains("· 99");
        Ok(time && frequency && text.contains("Hz") && text.contains("dB re FS²/Hz"))
    })
}
