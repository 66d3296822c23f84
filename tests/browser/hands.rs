//! By keyboard alone, by touch, by words.

use serde_json::json;
use spyhop_tests::{Page, sounds};

use crate::{Stage, tone_in_noise, two_tones};

fn pressed(page: &mut Page<'_>, css: &str) -> anyhow::Result<bool> {
    let body =
        "return document.querySelector(arguments[0]).getAttribute('aria-pressed') === 'true';";
    Ok(page.session.execute(body, json!([css]))? == true)
}

#[test]
fn every_control_has_a_name_and_can_be_reached_by_tab() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    for tab in ["view", "labels", "measure", "info"] {
        page.press(&format!("#panel [data-tab={tab}]"))?;
        let body = "const named = e => (e.getAttribute('aria-label') || e.innerText || e.title || \
                [...(e.labels || [])].map(l => l.innerText).join('') || '').trim(); \
            return [...document.querySelectorAll('button, input, select, [tabindex]')] \
                .filter(e => e.getClientRects().length && (!named(e) || e.tabIndex < 0 && !e.matches('[role=tab]'))) \
                .map(e => e.outerHTML.slice(0, 120));";
        let nameless = page.session.execute(body, json!([]))?;
        assert_eq!(nameless, json!([]), "in the tab {tab}");
    }
    Ok(())
}

#[test]
fn the_palette_finds_a_command_by_its_words() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.session.chord(&['\u{e009}', 'k'])?;
    page.wait_for("the palette", |p| p.is_shown("#palette input"))?;
    page.session.keys("loop\u{e007}")?;
    page.wait_for("the loop", |p| pressed(p, "#loop"))?;
    page.session.keys("?")?;
    page.wait_for("the sheet of keys", |p| p.is_shown("#help"))?;
    page.session.keys("\u{e00c}")?;
    page.wait_for("it gone", |p| Ok(!p.is_shown("#help")?))
}

#[test]
fn light_and_dark_are_two_pictures_of_the_same_page() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let mut page = stage.page("")?;
    page.wait_for_stage("first")?;
    let ground = "const c = getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g); \
        return c.slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3;";
    let dark = page.session.execute(ground, json!([]))?.as_f64().unwrap_or(255.0);
    page.press("[aria-label='Light or dark']")?;
    page.wait_for("light", |p| Ok(p.session.execute(ground, json!([]))?.as_f64() > Some(200.0)))?;
    assert!(dark < 60.0, "{dark}");
    Ok(())
}

#[test]
fn a_second_channel_shows_its_own_sound() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let (low, high) = (sounds::sine(500.0, 0.25, 4.0, 8000), sounds::sine(3000.0, 0.25, 4.0, 8000));
    let both: Vec<i16> = low.iter().zip(&high).flat_map(|(a, b)| [*a, *b]).collect();
    // A mono header's channel count, block size and byte rate made those of stereo.
    let mono = std::fs::read(stage.wav("mono.wav", &both, 8000)?)?;
    let at = mono.windows(4).position(|w| w == b"fmt ").unwrap_or(12) + 8;
    let mut stereo = mono.clone();
    stereo[at + 2] = 2;
    stereo[at + 8..at + 12].copy_from_slice(&32_000u32.to_le_bytes());
    stereo[at + 12] = 4;
    let file = sounds::write(stage.path(), "stereo.wav", &stereo)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    let first = page.picture("#spectrogram")?.brightest_row(0.1..0.9);
    page.set("#channel", "1")?;
    page.wait_for("the second channel", |p| Ok(p.view("ch")?.is_some()))?;
    page.wait_until_ready()?;
    let second = page.picture("#spectrogram")?.brightest_row(0.1..0.9);
    assert!(second + 100 < first, "3 kHz stands above 500 Hz: rows {second} and {first}");
    Ok(())
}

#[test]
fn esc_forgets_a_box_that_is_being_drawn() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("two.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    // A hand that draws, and a key of the other hand.
    let point = "const o = document.querySelector('#overlay'); const r = o.getBoundingClientRect(); \
        o.dispatchEvent(new PointerEvent(arguments[0], {pointerId: 1, bubbles: true, \
            clientX: r.x + arguments[1] * r.width, clientY: r.y + 0.6 * r.height}));";
    for (what, x) in [("pointerdown", 0.2), ("pointermove", 0.3), ("pointermove", 0.4)] {
        page.session.execute(point, json!([what, x]))?;
    }
    page.wait_for("a box", |p| Ok(p.view("sel")?.is_some()))?;
    page.session.keys("\u{e00c}")?;
    for (what, x) in [("pointermove", 0.5), ("pointerup", 0.5)] {
        page.session.execute(point, json!([what, x]))?;
    }
    page.wait_for("no box", |p| Ok(p.view("sel")?.is_none()))
}

#[test]
fn one_finger_pans_and_two_pinch() -> anyhow::Result<()> {
    let mut stage = Stage::set(&["--touch-events=enabled"])?;
    let file = stage.wav("two.wav", &two_tones(500.0, 3000.0, 8.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    let place = page.place("#spectrogram")?;
    let touch = |page: &mut Page<'_>, kind: &str, points: &[(f64, f64)]| -> anyhow::Result<()> {
        let points: Vec<_> = points
            .iter()
            .enumerate()
            .map(|(id, (x, y))| json!({ "x": x, "y": y, "id": id }))
            .collect();
        let params = json!({ "type": kind, "touchPoints": points });
        page.session.devtools("Input.dispatchTouchEvent", params).map(drop)
    };
    let spread = |by: f64| [place.at(0.5 - by, 0.5), place.at(0.5 + by, 0.5)];
    touch(&mut page, "touchStart", &spread(0.1))?;
    for by in [0.15, 0.2, 0.3, 0.4] {
        touch(&mut page, "touchMove", &spread(by))?;
    }
    touch(&mut page, "touchEnd", &[])?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    let span: f64 = page.view("span")?.unwrap_or_default().parse()?;
    assert!((1.0..4.0).contains(&span), "a fourfold pinch of 8 s shows {span} s");

    let start = page.view("t")?;
    touch(&mut page, "touchStart", &[place.at(0.7, 0.5)])?;
    for x in [0.6, 0.5, 0.4] {
        touch(&mut page, "touchMove", &[place.at(x, 0.5)])?;
    }
    touch(&mut page, "touchEnd", &[])?;
    page.wait_for("a later view", |p| Ok(p.view("t")? != start))
}
