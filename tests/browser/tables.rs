//! Labels go out to the tables of other programs and come in from them.

use serde_json::json;
use spyhop_tests::{Page, sounds};

use crate::{Stage, tone_in_noise};

/// Draws a box and names it by a key.
fn label(page: &mut Page<'_>, (left, right): (f64, f64), key: &str) -> anyhow::Result<()> {
    let place = page.place("#spectrogram")?;
    let before: usize = page.data("labels")?.parse()?;
    page.session.keys("\u{e00c}")?;
    page.session.drag(&[
        place.at(left, 0.6),
        place.at((left + right) / 2.0, 0.8),
        place.at(right, 0.9),
    ])?;
    page.session.keys(key)?;
    page.wait_for("a label", |p| Ok(p.data("labels")? == (before + 1).to_string()))
}

/// Every label's row: begin, length and band, and name.
fn rows(page: &mut Page<'_>) -> anyhow::Result<Vec<(String, String)>> {
    let body = "return [...document.querySelectorAll('#labels tr[data-label]')].map(r => \
        [r.querySelector('td').innerText, r.querySelector('input').value]);";
    Ok(serde_json::from_value(page.session.execute(body, json!([]))?)?)
}

/// Removes every label by its button.
fn remove_all(page: &mut Page<'_>) -> anyhow::Result<()> {
    let body = "for (let b; (b = document.querySelector('#labels tr[data-label] td:last-child button')); ) \
        { b.click(); await new Promise(done => setTimeout(done, 50)); }";
    page.session.execute(&format!("return (async () => {{ {body} }})();"), json!([]))?;
    page.wait_for("no labels", |p| Ok(p.data("labels")? == "0"))
}

#[test]
fn labels_survive_a_round_trip_through_raven_audacity_and_csv() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("buoy_20240601_120000.wav", &tone_in_noise(1000.0, 8.0, 8000), 8000)?;
    let folder = stage.path().to_owned();
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    label(&mut page, (0.1, 0.3), "5")?;
    label(&mut page, (0.5, 0.7), "2")?;
    page.press("#panel [data-tab=labels]")?;
    page.wait_for("rows", |p| Ok(rows(p)?.len() == 2))?;
    let made = rows(&mut page)?;
    assert_eq!((made[0].1.as_str(), made[1].1.as_str()), ("upcall", "clicks"));

    for (button, name) in [
        ("#export-raven", "buoy.Table.1.selections.txt"),
        ("#export-audacity", "buoy.txt"),
        ("#export-csv", "buoy.csv"),
    ] {
        let text = crate::labels::exported(&mut page, button)?;
        let table = sounds::write(&folder, name, text.as_bytes())?;
        remove_all(&mut page)?;
        page.choose(&[&table])?;
        page.wait_for("the labels again", |p| Ok(p.data("labels")? == "2"))?;
        assert_eq!(rows(&mut page)?, made, "through {name}:\n{text}");
        // The same table twice is the same labels once.
        page.choose(&[&table])?;
        page.wait_for("a word about it", |p| Ok(!p.notices("done")?.is_empty()))?;
        assert_eq!(page.data("labels")?, "2", "through {name}");
    }
    Ok(())
}
