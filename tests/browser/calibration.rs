//! A calibration by frequency in the picture and in everything that is read from it, on samples and on tiles.

use serde_json::json;
use spyhop_tests::page::Picture;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, row_of};

const RATE_HZ: u32 = 48_000;
/// 44 s at 48 kHz and 16 bits are just more than 4 MB: the server's tiles.
const FAR_S: f64 = 44.0;
const NEAR_S: f64 = 4.0;

/// The same noise with a tone of 6 kHz twice: with 170 dB at all frequencies, and with a table that is 170 dB
/// at 6 kHz, rises by 10 dB an octave, and ends at 1.5 kHz and 12 kHz.
fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(6000.0, 0.1, 60.0, RATE_HZ);
    let sound = sounds::mixed(&tone, &sounds::noise(0.02, 60.0, RATE_HZ));
    for (name, db) in [("flat", "170.0"), ("table", "[[1500, 150.0], [12000, 180.0]]")] {
        let place = folder.path().join("place").join(name);
        sounds::write_wav(&place, "buoy_20240601_120000.wav", &sound, RATE_HZ)?;
        let toml = format!("calibration = {{ kind = 'upa_per_fullscale', db = {db} }}\n");
        sounds::write(&place, "deployment.toml", toml.as_bytes())?;
    }
    let place = folder.path().join("place");
    Stage::serving(&place, folder, &[])
}

/// A picture in grey from 60 to 160 dB re 1 µPa²/Hz: 2.55 steps a decibel.
fn page<'s>(stage: &'s mut Stage, id: &str, span_s: f64) -> anyhow::Result<Page<'s>> {
    let mut page = stage.page("")?;
    page.wait_for("the pyramid", |p| {
        let body = "const r = new XMLHttpRequest(); \
            r.open('GET', `api/v1/deployments/${arguments[0]}/pyramid`, false); r.send(); \
            if (r.status !== 200) return false; \
            const all = JSON.parse(r.responseText).pyramids; \
            return all.length > 0 && all.every(p => p.built >= 1);";
        Ok(p.session.execute(body, json!([id]))? == json!(true))
    })?;
    let mut page = stage.page(&format!(
        "?v=1&src=set:{id}&fft=512.512.256.density.hann&db=60..160&cm=grey&peak=mean\
         &t=2024-06-01T12:00:05Z&span={span_s}"
    ))?;
    page.wait_until_ready()?;
    Ok(page)
}

fn level(picture: &Picture, hz: f64) -> f64 {
    let row = row_of(hz, (0.0, 24_000.0), picture.height) as usize;
    let rows = row - 4..row + 4;
    rows.clone().map(|row| picture.row(row, 0.1..0.9)).sum::<f64>() / rows.len() as f64
}

#[test]
fn a_table_moves_each_row_of_the_picture_by_its_value_near_and_far() -> anyhow::Result<()> {
    let mut stage = stage()?;
    for span_s in [FAR_S, NEAR_S] {
        let flat = page(&mut stage, "flat", span_s)?.picture("#spectrogram")?;
        let mut by_table = page(&mut stage, "table", span_s)?;
        let is_far = by_table.data("bytes")? == "0";
        assert_eq!(is_far, span_s == FAR_S, "zoomed out it is made of tiles");
        let table = by_table.picture("#spectrogram")?;
        for (hz, more_db) in [(3000.0, -10.0), (4000.0, -5.85), (9000.0, 5.85), (11_000.0, 8.74)] {
            let seen = (level(&table, hz) - level(&flat, hz)) / 2.55;
            assert!((seen - more_db).abs() < 0.4, "{span_s} s, {hz} Hz: {seen} dB for {more_db}");
        }
        // Beyond the table it goes on with the last value, in paler colours.
        let (pale, known) = (level(&table, 20_000.0), level(&table, 11_500.0));
        assert!(pale < 0.8 * known && pale > 0.2 * known, "{pale} beside {known}");
    }
    Ok(())
}

#[test]
fn what_is_read_is_calibrated_at_its_own_frequency() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = page(&mut stage, "table", NEAR_S)?;
    // The tone's RMS of −23.01 dB is 146.99 dB re 1 µPa at 6 kHz.
    page.set("#scaling", "spectrum")?;
    page.wait_until_ready()?;
    let place = page.place("#spectrogram")?;
    page.session.point_at(place.at(0.5, 0.75))?;
    page.wait_for("the level of the tone", |p| {
        let text = p.text("#readout")?;
        Ok(text.contains("dB re 1 µPa²") && (text.contains("146.") || text.contains("147.")))
    })?;
    page.session.point_at(place.at(0.5, 0.1))?;
    page.wait_for("no level", |p| Ok(p.text("#readout")?.contains("no calibration here")))?;
    assert!(page.text(".doubts")?.contains("1.5–12 kHz"), "{}", page.text(".doubts")?);

    page.session.drag(&[place.at(0.3, 0.7), place.at(0.5, 0.75), place.at(0.7, 0.8)])?;
    page.press("#panel [data-tab=measure]")?;
    page.wait_for("the box's level", |p| {
        let text = p.text("#measures")?;
        Ok(text.contains("band sound pressure level") && text.contains("147."))
    })?;
    page.wait_for("the slice's peak", |p| {
        let body = "const e = document.querySelector('#slice [data-reading=level]'); \
                    return e ? e.textContent : '';";
        let text = p.session.execute(body, json!([]))?;
        let text = text.as_str().unwrap_or_default().to_owned();
        Ok(text.contains("dB re 1 µPa²") && (text.contains("146.") || text.contains("147.")))
    })
}
