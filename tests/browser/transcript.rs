//! What was heard when, line by line, and followed while it plays.

use serde_json::json;
use spyhop_tests::Page;

use crate::labels::exported;
use crate::{Stage, tone_in_noise};

const ENTER: &str = "\u{e007}";
const DOWN: &str = "\u{e015}";

/// A recording of a minute with labels, as Audacity writes them: two whistles that belong together, and a
/// click each ten seconds.
fn open<'s>(stage: &'s mut Stage, labels: &str) -> anyhow::Result<Page<'s>> {
    let file = stage.wav("night.wav", &tone_in_noise(1000.0, 60.0, 8000), 8000)?;
    let table = stage.path().join("night.txt");
    std::fs::write(&table, labels)?;
    let mut page = stage.page("")?;
    page.open(&[&file, &table])?;
    let count = labels.lines().count().to_string();
    page.wait_for("the labels", |p| Ok(p.data("labels")? == count))?;
    page.press("#panel [data-tab=transcript]")?;
    page.wait_for("lines", |p| p.is_shown(".transcript-line"))?;
    Ok(page)
}

/// Text of the line under the play head.
fn sounding(page: &mut Page<'_>) -> anyhow::Result<String> {
    page.text(".transcript-line[data-sounding] span")
}

#[test]
fn the_transcript_follows_the_play_head_and_leads_it() -> anyhow::Result<()> {
    let mut stage = Stage::set(&["--autoplay-policy=no-user-gesture-required"])?;
    let labels = "5\t6\twhistle\n6.5\t7\twhistle\n20\t23\tmoan\n23.5\t50\tsong\n";
    let mut page = open(&mut stage, labels)?;
    let lines = page.session.execute(
        "return [...document.querySelectorAll('.transcript-line span')].map(e => e.innerText);",
        json!([]),
    )?;
    assert_eq!(lines, json!(["whistle × 2", "moan", "song"]));
    assert_eq!(sounding(&mut page)?, "", "nothing plays");

    // The second line by keys: arrow keys walk in the list and leave the picture where it is.
    let before = page.data("view")?;
    page.session.execute("document.querySelector('#transcript-lines').focus();", json!([]))?;
    page.session.keys(DOWN)?;
    page.session.keys(ENTER)?;
    page.wait_for("the moan to sound", |p| Ok(sounding(p)? == "moan"))?;
    assert_eq!(page.data("view")?, before, "it was in the picture");
    page.wait_for("the song after it", |p| Ok(sounding(p)? == "song"))?;
    page.session.click(".transcript-line")?;
    page.wait_for("the first line", |p| Ok(sounding(p)? == "whistle × 2"))?;
    page.press("#play")?;

    let text = exported(&mut page, "[data-transcript=vtt]")?;
    assert!(text.starts_with("WEBVTT\n\n00:00:05.000 --> 00:00:07.000\nwhistle × 2\n"), "{text}");
    page.set("#transcript-mark", "0.25")?;
    let text = exported(&mut page, "[data-transcript=md]")?;
    assert!(text.contains("## 00:00:15\n\n- 00:00:20 moan (3.0 s)\n"), "{text}");
    let text = exported(&mut page, "[data-transcript=srt]")?;
    assert!(text.starts_with("1\n00:00:05,000 --> 00:00:07,000\n"), "{text}");
    Ok(())
}

#[test]
fn a_night_of_thousands_of_lines_puts_no_more_on_the_page_than_is_seen() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    // Names change from line to line, so that none is joined to the one before.
    let labels: String = (0..3000)
        .map(|i| {
            let at = f64::from(i) * 0.019;
            format!("{at:.3}\t{:.3}\tsound {}\n", at + 0.01, i % 400)
        })
        .collect();
    let mut page = open(&mut stage, &labels)?;
    let count = "return document.querySelector('#transcript-lines').dataset.lines;";
    assert_eq!(page.session.execute(count, json!([]))?, json!("3000"));
    let on_page = "return document.querySelectorAll('.transcript-line').length;";
    let shown = page.session.execute(on_page, json!([]))?.as_u64().unwrap_or(0);
    assert!((5..120).contains(&shown), "{shown}");
    page.session.execute("document.querySelector('#transcript-lines').focus();", json!([]))?;
    // The last line, by the End key.
    page.session.keys("\u{e010}")?;
    page.wait_for("the last line", |p| {
        let last = "return document.querySelector('#heard-2999')?.innerText ?? '';";
        let text = p.session.execute(last, json!([]))?;
        Ok(text.as_str().is_some_and(|text| text.contains("sound 199")))
    })?;
    let shown = page.session.execute(on_page, json!([]))?.as_u64().unwrap_or(0);
    assert!((5..120).contains(&shown), "{shown}");
    Ok(())
}
