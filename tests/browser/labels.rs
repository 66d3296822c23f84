//! A box, what it measures, and labels.

use spyhop_tests::Page;

use crate::{Stage, tone_in_noise};

/// Draws a box over the middle of the picture, from a quarter to three quarters of the width.
fn draw_box(page: &mut Page<'_>) -> anyhow::Result<()> {
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(0.25, 0.6), place.at(0.5, 0.8), place.at(0.75, 0.9)])?;
    page.wait_for("a selection", |p| Ok(p.view("sel")?.is_some()))
}

#[test]
fn a_box_measures_the_tone_in_it() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    draw_box(&mut page)?;
    page.press("#panel [data-tab=measure]")?;
    page.wait_for("measures", |p| Ok(p.text("#measures")?.contains("Hz")))?;
    let text = page.text("#measures")?;
    // A sine of amplitude 0.25 has an RMS of −15.05 dB re full scale, its bin stands at 1000 Hz.
    assert!(
        text.contains("1000")
            || text.contains("1 kHz")
            || text.contains("996")
            || text.contains("1004"),
        "{text}"
    );
    assert!(text.contains("−15.") || text.contains("-15."), "{text}");
    Ok(())
}

#[test]
fn a_label_is_made_by_one_key_undone_kept_and_given_out() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    draw_box(&mut page)?;
    page.session.keys("1")?;
    page.wait_for("a label", |p| Ok(p.data("labels")? == "1"))?;
    page.session.chord(&['\u{e009}', 'z'])?;
    page.wait_for("no label", |p| Ok(p.data("labels")? == "0"))?;
    page.session.chord(&['\u{e009}', '\u{e008}', 'z'])?;
    page.wait_for("the label again", |p| Ok(p.data("labels")? == "1"))?;

    page.press("#panel [data-tab=labels]")?;
    page.wait_for("its row", |p| p.is_shown("#labels tr[data-label]"))?;
    let table = exported(&mut page, "#export-raven")?;
    let mut lines = table.lines();
    let head = lines.next().unwrap_or_default();
    for column in ["Selection", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"]
    {
        assert!(head.contains(column), "{head}");
    }
    assert_eq!(lines.filter(|l| !l.is_empty()).count(), 1, "{table}");

    // Kept by the file's fingerprint: a new page that opens the same file has it.
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.wait_for("the kept label", |p| Ok(p.data("labels")? == "1"))
}

/// What a button gives a person to keep: the text of the file, caught on its way.
pub fn exported(page: &mut Page<'_>, css: &str) -> anyhow::Result<String> {
    let catch = "window.caught = null; const make = URL.createObjectURL; \
        URL.createObjectURL = blob => { blob.text().then(t => { window.caught = t; }); return make.call(URL, blob); };";
    page.session.execute(catch, serde_json::json!([]))?;
    page.press(css)?;
    page.wait_for("the file", |p| {
        Ok(p.session.execute("return window.caught;", serde_json::json!([]))?.is_string())
    })?;
    let text = page.session.execute("return window.caught;", serde_json::json!([]))?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}
