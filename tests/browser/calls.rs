//! Detection from the page: a detector is run, its candidates appear as boxes, a threshold is moved, some are
//! reviewed, and what was said is still there after a reload.

use std::ops::Range;

use serde_json::json;
use spyhop_tests::page::Picture;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::Stage;
use crate::labels::exported;

const RATE_HZ: u32 = 48_000;
/// Brightness of a box's line, of 255, and of what lies beside all boxes.
const LIT: f64 = 60.0;
const UNLIT: f64 = 1.0;
pub const CONTROL: char = '\u{e009}';
const SHIFT: char = '\u{e008}';

/// Six whistles from 6 to 14 kHz, one every ten seconds, each twice as loud as the one before.
pub fn whistles() -> Vec<i16> {
    let sound = sounds::tone(60.0, RATE_HZ, |t| {
        let loud = 0.012 * 1.5f64.powf((t / 10.0).floor());
        let t = (t + 5.0) % 10.0;
        let edge = (t.min(0.6 - t) * 12.0).clamp(0.0, 1.0);
        loud * edge * (std::f64::consts::TAU * (6000.0 * t + 8000.0 / 1.2 * t * t)).sin()
    });
    sounds::mixed(&sound, &sounds::noise(0.006, 60.0, RATE_HZ))
}

fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    sounds::write_wav(&place.join("site"), "x_20210601_003000.wav", &whistles(), RATE_HZ)?;
    Stage::serving(&place, folder, &[])
}

/// Runs the whistle detector from the page, to its end.
pub fn detect(page: &mut Page<'_>) -> anyhow::Result<()> {
    page.wait_until_ready()?;
    page.press("#detect-top")?;
    page.wait_for("detectors", |p| p.is_shown("#detectors input[value=whistle]"))?;
    let why = page.text("#misfits")?;
    assert!(why.contains("89 kHz"), "why clicks are not offered: {why}");
    page.press("#detectors input[value=whistle]")?;
    page.press("#detect-start")?;
    page.wait_for("six candidates", |p| Ok(p.data("candidates")? == "6"))?;
    page.wait_for("the end of the run", |p| Ok(!p.is_shown("#run-progress")?))
}

/// How bright the brightest pixel of the overlay is in a band, kHz, and a stretch of time, seconds; 0 to 255.
fn brightest((overlay, scale): (&Picture, &Scale), khz: Range<f64>, seconds: Range<f64>) -> f64 {
    let rows = scale.row(khz.end)..scale.row(khz.start);
    let columns = scale.column(seconds.start)..scale.column(seconds.end);
    let pixels = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
    let all = overlay.pixels();
    pixels.map(|(row, column)| all[row * overlay.width + column]).fold(0.0, f64::max)
}

/// Where the picture lies on the overlay, which covers the waveform too; all of a minute up to 24 kHz.
struct Scale {
    width: f64,
    top: f64,
    height: f64,
}

impl Scale {
    fn row(&self, khz: f64) -> usize {
        (self.top + (1.0 - khz / 24.0) * self.height) as usize
    }

    fn column(&self, seconds: f64) -> usize {
        (seconds / 60.0 * self.width) as usize
    }
}

/// Whistles rise from 6 to 14 kHz, from 5, 15, … 55 s on, for 0.6 s.
fn boxes_lie_over_whistles(page: &mut Page<'_>) -> anyhow::Result<bool> {
    let (all, picture) = (page.place("#overlay")?, page.place("#spectrogram")?);
    let overlay = page.picture("#overlay")?;
    let enlarged = overlay.height as f64 / all.height;
    let scale = Scale {
        width: overlay.width as f64,
        top: (picture.y - all.y) * enlarged,
        height: picture.height * enlarged,
    };
    let at = (&overlay, &scale);
    let mut is_right = true;
    for begin_s in [5.0, 15.0, 25.0, 35.0, 45.0, 55.0] {
        // Its sides, and nothing until the next.
        is_right &= brightest(at, 8.0..12.0, begin_s - 0.5..begin_s + 1.1) > LIT;
        is_right &= brightest(at, 0.5..23.5, begin_s + 1.6..(begin_s + 9.0).min(59.9)) < UNLIT;
    }
    // Upper and lower edges, and nothing beyond them.
    is_right &= brightest(at, 12.5..15.5, 0.1..59.9) > LIT;
    is_right &= brightest(at, 4.5..7.5, 0.1..59.9) > LIT;
    is_right &= brightest(at, 0.5..4.0, 0.1..59.9) < UNLIT;
    is_right &= brightest(at, 16.0..23.5, 0.1..59.9) < UNLIT;
    Ok(is_right)
}

fn total(page: &mut Page<'_>) -> anyhow::Result<String> {
    let body = "return document.querySelector('#calls-place')?.dataset.total ?? '';";
    Ok(page.session.execute(body, json!([]))?.as_str().unwrap_or_default().to_owned())
}

pub fn verdict(page: &mut Page<'_>) -> anyhow::Result<String> {
    let body = "return document.querySelector('#candidate .verdict')?.dataset.verdict ?? '';";
    Ok(page.session.execute(body, json!([]))?.as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_detection_is_run_tuned_and_reviewed_and_what_was_said_stays() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = stage.page("?v=1&src=set:site")?;
    detect(&mut page)?;
    assert!(page.view("calls")?.is_some(), "the run is in the link");
    assert!(page.text("#run-told")?.contains("6 candidates"), "{}", page.text("#run-told")?);
    let words = page.text("#precision")?;
    assert!(words.contains("not known"), "{words}");

    page.wait_for("a box over each whistle, and nowhere else", boxes_lie_over_whistles)?;

    // A threshold in the middle of the scores leaves some.
    let scores =
        "return [...document.querySelectorAll('#candidates strong')].map(e => +e.innerText);";
    page.wait_for("the table", |p| Ok(total(p)? == "6"))?;
    let scores: Vec<f64> = serde_json::from_value(page.session.execute(scores, json!([]))?)?;
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(most > least, "{scores:?}");
    let middle = (most + least) / 2.0;
    page.set("#threshold", &middle.to_string())?;
    let left = scores.iter().filter(|score| **score >= middle).count().to_string();
    page.wait_for("a shorter table", |p| Ok(total(p)? == left))?;
    page.wait_for("fewer boxes", |p| Ok(p.data("candidates")? == left))?;
    assert!(page.text("#calls-count")?.starts_with(&left), "{}", page.text("#calls-count")?);
    let link = page.view("calls")?.unwrap_or_default();
    assert!(link.contains(':'), "the threshold is in the link: {link}");

    // One is rejected; its row says so, and so does the precision.
    page.session.keys(".")?;
    page.wait_for("a candidate", |p| Ok(verdict(p)? == "unreviewed"))?;
    assert!(page.view("sel")?.is_some() && page.view("t")?.is_some(), "it is selected and shown");
    page.set("#reviewer", "Ada")?;
    page.press("#call-reject")?;
    page.wait_for("the verdict", |p| Ok(verdict(p)? == "rejected"))?;
    page.wait_for("its row", |p| p.is_shown("#candidates [data-verdict=rejected]"))?;
    page.wait_for("a precision", |p| Ok(p.text("#precision")?.contains("0 of 1")))?;
    let table = exported(&mut page, "#calls-csv")?;
    assert!(table.contains("rejected") && table.contains("Ada"), "{table}");

    page.session.reload()?;
    page.wait_until_ready()?;
    page.press("#panel [data-tab=calls]")?;
    page.wait_for("the same threshold", |p| Ok(total(p)? == left))?;
    page.wait_for("what was said", |p| p.is_shown("#candidates [data-verdict=rejected]"))?;
    page.set("#calls-review", "unreviewed")?;
    let fewer = (left.parse::<usize>()? - 1).to_string();
    page.wait_for("the rest", |p| Ok(total(p)? == fewer))?;

    // Somebody else says something meanwhile: that is shown, and not overwritten.
    page.set("#calls-review", "")?;
    page.press("#candidates [data-verdict=unreviewed] .link")?;
    page.wait_for("a candidate", |p| Ok(verdict(p)? == "unreviewed"))?;
    let elsewhere = "const id = document.querySelector('#candidate .verdict').dataset.call; \
        const run = new URLSearchParams(location.search).get('calls').split(':')[0]; \
        const r = new XMLHttpRequest(); \
        r.open('PUT', `api/v1/deployments/site/detections/${run}/calls/${id}/review?version=${arguments[0]}`, false); \
        r.setRequestHeader('content-type', 'application/json'); \
        r.send(JSON.stringify({verdict: arguments[1], author: 'Grace'})); \
        if (arguments[2]) document.querySelector(arguments[2]).click(); return r.status;";
    let said = page.session.execute(elsewhere, json!([0, "accepted", "#call-reject"]))?;
    assert_eq!(said, 200);
    page.wait_for("the other's word", |p| Ok(verdict(p)? == "accepted"))?;
    assert!(page.notices("warning")?.iter().any(|n| n.contains("Grace was faster")));
    // No count tells of a verdict that became another: it is seen all the same.
    assert_eq!(page.session.execute(elsewhere, json!([1, "rejected", null]))?, 200);
    page.wait_for("the other's second thought", |p| Ok(verdict(p)? == "rejected"))
}

#[test]
fn a_second_verdict_follows_the_first_before_that_is_answered() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = stage.page("?v=1&src=set:site")?;
    detect(&mut page)?;
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.keys(".")?;
    page.wait_for("a candidate", |p| Ok(verdict(p)? == "unreviewed"))?;
    let both = "for (const key of ['e', 'q']) document.body.dispatchEvent(\
        new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));";
    page.session.execute(both, json!([]))?;
    page.wait_for("the second", |p| Ok(verdict(p)? == "rejected"))?;
    assert!(page.notices("warning")?.is_empty(), "{:?}", page.notices("warning")?);
    page.session.chord(&[CONTROL, 'z'])?;
    page.wait_for("the first", |p| Ok(verdict(p)? == "accepted"))
}

#[test]
fn a_detection_is_run_and_reviewed_by_keyboard_alone() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = stage.page("?v=1&src=set:site")?;
    page.wait_until_ready()?;
    page.session.chord(&[SHIFT, 'd'])?;
    page.wait_for("detectors", |p| p.is_shown("#detectors input[value=whistle]"))?;
    // The most likely is chosen already and has the focus; arrows choose another, Enter starts it.
    let focused = "return document.activeElement.type === 'radio' && document.activeElement.value;";
    page.wait_for("the focus", |p| Ok(p.session.execute(focused, json!([]))?.is_string()))?;
    for _ in 0..5 {
        if page.session.execute(focused, json!([]))? != "whistle" {
            page.session.keys("\u{e015}")?;
        }
    }
    assert_eq!(page.session.execute(focused, json!([]))?, "whistle");
    page.session.keys("\u{e007}")?;
    page.wait_for("six candidates", |p| Ok(p.data("candidates")? == "6"))?;
    page.session.execute("document.activeElement.blur();", json!([]))?;

    page.session.keys(".")?;
    page.wait_for("the first", |p| Ok(verdict(p)? == "unreviewed"))?;
    let first = page.view("sel")?;
    page.session.keys("e")?;
    page.wait_for("accepted", |p| Ok(verdict(p)? == "accepted"))?;
    page.session.keys(".")?;
    page.wait_for("the second", |p| Ok(verdict(p)? == "unreviewed"))?;
    assert_ne!(page.view("sel")?, first);
    page.session.keys("q")?;
    page.wait_for("rejected", |p| Ok(verdict(p)? == "rejected"))?;
    page.session.chord(&[CONTROL, 'z'])?;
    page.wait_for("undone", |p| Ok(verdict(p)? == "unreviewed"))?;
    page.session.chord(&[CONTROL, SHIFT, 'z'])?;
    page.wait_for("redone", |p| Ok(verdict(p)? == "rejected"))?;
    page.session.keys("2")?;
    page.wait_for("relabelled", |p| Ok(verdict(p)? == "relabelled"))?;
    assert!(page.text("#candidate .verdict")?.contains("clicks"), "the second name");
    assert_eq!(page.data("labels")?, "0", "no label of a person's was made");
    page.session.keys("u")?;
    page.wait_for("taken back", |p| Ok(verdict(p)? == "unreviewed"))?;
    page.session.keys(",")?;
    page.wait_for("the first again", |p| Ok(verdict(p)? == "accepted"))?;
    assert_eq!(page.view("sel")?, first);

    // The threshold by its slider below the picture.
    let before = page.view("calls")?;
    page.session.execute("document.querySelector('#call-strip').focus();", json!([]))?;
    page.session.keys("\u{e013}")?;
    page.wait_for("another threshold", |p| Ok(p.view("calls")? != before))
}

#[test]
fn what_is_missed_is_told_by_windows_that_were_gone_through() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = stage.page("?v=1&src=set:site")?;
    detect(&mut page)?;
    assert!(page.text("#recall")?.contains("not known"), "{}", page.text("#recall")?);
    page.press("#missed summary")?;
    page.set("#draw-count", "3")?;
    page.set("#draw-length", "60")?;
    page.press("#draw")?;
    page.wait_for("the one window there is", |p| {
        Ok(p.is_shown("#window-told")? && p.text("#window-told")?.contains("6 not reviewed yet"))
    })?;
    let ticked = "return document.querySelector('#window-done').checked;";
    page.press("#window-done")?;
    page.wait_for("the refusal", |p| {
        Ok(p.notices("error")?.iter().any(|n| n.contains("not reviewed yet")))
    })?;
    assert_eq!(page.session.execute(ticked, json!([]))?, false, "it is not shown as taken");

    page.press("#window-all")?;
    for _ in 0..6 {
        page.session.execute("document.activeElement.blur();", json!([]))?;
        page.session.keys(".")?;
        page.wait_for("the next", |p| Ok(verdict(p)? == "unreviewed"))?;
        page.session.keys("e")?;
        page.wait_for("accepted", |p| Ok(verdict(p)? == "accepted"))?;
    }
    page.wait_for("all reviewed", |p| Ok(p.text("#window-told")?.contains("all reviewed")))?;
    page.set(".window-missed", "2")?;
    page.press("#window-done")?;
    page.wait_for("recall", |p| {
        Ok(p.text("#recall")?.contains("75 %")
            && p.text("#recall")?.contains("8 calls in 1 window"))
    })?;
    Ok(())
}
