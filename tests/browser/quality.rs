//! The quality of a hosted deployment: as a strip in the viewer, in the library, and as marks where levels are
//! read.

use serde_json::json;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::Stage;

const RATE_HZ: u32 = 8000;
const CLIPPED: &str = "x_20240601_010000.wav";

/// Three recordings of 20 s that follow one another: clipped, fine, and fine with another gain.
fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let bay = folder.path().join("place/bay");
    let loud = sounds::tone(20.0, RATE_HZ, |t| (3.0 * (2764.6 * t).sin()).clamp(-1.0, 1.0));
    let usual = ["Gain: 12 dB"];
    sounds::write_wav_with_guano(&bay, CLIPPED, &loud, RATE_HZ, &usual)?;
    let fine = |amplitude| sounds::noise(amplitude, 20.0, RATE_HZ);
    sounds::write_wav_with_guano(&bay, "x_20240601_010020.wav", &fine(0.2), RATE_HZ, &usual)?;
    let other = ["Gain: 24 dB"];
    sounds::write_wav_with_guano(&bay, "x_20240601_010040.wav", &fine(0.3), RATE_HZ, &other)?;
    let place = folder.path().join("place");
    Stage::serving(&place, folder, &[])
}

/// The page with a view, once all three are measured.
fn measured<'s>(stage: &'s mut Stage, query: &str) -> anyhow::Result<Page<'s>> {
    let mut page = stage.page("")?;
    page.wait_for("the measures", |p| {
        let body = "const r = new XMLHttpRequest(); \
            r.open('GET', 'api/v1/deployments/bay/quality', false); r.send(); \
            return r.status === 200 && JSON.parse(r.responseText).measured;";
        Ok(p.session.execute(body, json!([]))? == 3)
    })?;
    stage.page(query)
}

fn attribute(page: &mut Page<'_>, css: &str, name: &str) -> anyhow::Result<String> {
    let body = "const e = document.querySelector(arguments[0]); \
                return e ? e.getAttribute(arguments[1]) : '';";
    let value = page.session.execute(body, json!([css, name]))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_strip_shows_what_was_found_tells_it_and_goes_there() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = measured(&mut stage, "?v=1&src=set:bay")?;
    page.wait_until_ready()?;
    page.wait_for("the findings", |p| Ok(attribute(p, "#quality-strip", "data-groups")? == "2"))?;
    let told = attribute(&mut page, "#quality-strip", "aria-label")?;
    assert!(told.contains("clipped: 1") && told.contains("other gain: 1"), "{told}");
    // Clipping takes all of the strip's height, a change of gain a part of it, nothing a line.
    let strip = page.picture("#quality-strip")?;
    let [clipped, fine, gain] = [1, 3, 5].map(|sixth| strip.column(strip.width * sixth / 6));
    assert!(clipped > gain && gain > 2.0 * fine && fine > 5.0, "{clipped}, {fine}, {gain}");
    assert!(strip.row(0, 0.0..0.3) > 50.0 && strip.row(0, 0.4..1.0) < 5.0);

    let place = page.place("#quality-strip")?;
    page.session.point_at(place.at(0.17, 0.5))?;
    page.wait_for("what was found", |p| {
        let told = p.text("#quality-told")?;
        Ok(told.contains("stand at a rail") && told.contains(CLIPPED))
    })?;
    page.session.point_at(place.at(0.5, 0.5))?;
    page.wait_for("nothing", |p| Ok(p.text("#quality-told")?.contains("nothing found")))?;
    page.session.drag(&[place.at(0.9, 0.5)])?;
    page.wait_for("the last recording", |p| {
        Ok(p.view("t")?.is_some_and(|t| t.starts_with("2024-06-01T01:00:3")))
    })?;

    // By keyboard: the first finding, and there.
    page.session.execute("document.querySelector('#quality-strip').focus();", json!([]))?;
    page.session.keys("\u{e011}")?;
    page.wait_for("its words", |p| {
        Ok(attribute(p, "#quality-strip", "aria-valuetext")?.contains("rail"))
    })?;
    page.session.keys("\u{e007}")?;
    page.wait_for("the first recording", |p| {
        Ok(p.view("t")?.is_some_and(|t| t.starts_with("2024-06-01T01:00:00"))
            && p.view("span")?.is_some_and(|s| s.starts_with("23.2")))
    })
}

#[test]
fn levels_are_marked_where_they_can_not_be_compared() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let view = "?v=1&src=set:bay&t=2024-06-01T01:00:30Z&span=20";
    let mut page = measured(&mut stage, view)?;
    page.wait_until_ready()?;
    page.wait_for("the change of gain", |p| {
        let marks = p.text(".doubts")?;
        Ok(marks.contains("uncalibrated") && marks.contains("The gain changes within this view"))
    })?;
    page.press("#panel [data-tab=levels]")?;
    page.wait_for("the levels' marks", |p| {
        let marks = p.text("#levels .caveats")?;
        Ok(marks.contains("dB re full scale") && marks.contains("gain changes"))
    })?;
    let place = page.place("#levels .finding")?;
    page.session.point_at(place.at(0.5, 0.5))?;
    page.wait_for("the reason", |p| Ok(p.text(".reason-box")?.contains("other recorders")))?;
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(0.1, 0.5), place.at(0.2, 0.6), place.at(0.3, 0.7)])?;
    page.press("#panel [data-tab=measure]")?;
    page.wait_for("the box's marks", |p| {
        let marks = p.text("#measures .caveats")?;
        Ok(marks.contains("uncalibrated") && !marks.contains("gain"))
    })?;
    page.session.point_at(place.at(0.5, 0.5))?;
    page.wait_for("the crosshair's", |p| Ok(p.text("#readout")?.contains("(uncalibrated)")))
}

#[test]
fn the_library_tells_of_quality_and_sorts_and_filters_by_it() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = measured(&mut stage, "?page=library&deployment=bay")?;
    page.wait_for("the summary", |p| {
        let told = p.text("[data-fact=quality]")?;
        Ok(told.contains("clipped: 1") && told.contains("other gain: 1"))
    })?;
    let names = |page: &mut Page<'_>| -> anyhow::Result<Vec<String>> {
        let body = "return [...document.querySelectorAll('#recordings [data-recording]')]\
                    .map(e => e.dataset.recording);";
        Ok(serde_json::from_value(page.session.execute(body, json!([]))?)?)
    };
    page.wait_for("the table", |p| Ok(names(p)?.len() == 3))?;
    page.press("[data-column=quality] button")?;
    page.press("[data-column=quality] button")?;
    page.wait_for("the worst first", |p| {
        let names = names(p)?;
        Ok(names.first().is_some_and(|n| n == CLIPPED) && names[1].contains("010040"))
    })?;
    let place = page.place("#recordings tbody .finding")?;
    page.session.point_at(place.at(0.5, 0.5))?;
    page.wait_for("the reason", |p| Ok(p.text(".reason-box")?.contains("stand at a rail")))?;
    page.set("#quality-filter", "fault")?;
    page.wait_for("faults only", |p| Ok(names(p)? == [CLIPPED]))?;
    page.session.reload()?;
    page.wait_for("the same again", |p| Ok(names(p)? == [CLIPPED]))
}
