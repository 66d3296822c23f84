//! No page keeps anybody out, as far as axe-core can tell: every page, dialog and tab, dark and light.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use super::Stage;

/// Pages by their query, and what is pressed there.
const PLACES: [(&str, &str); 27] = [
    ("", ""),
    ("?src=set:night", "#panel [data-tab=view]"),
    ("?src=set:night", "#panel [data-tab=labels]"),
    ("?src=set:night", "#panel [data-tab=calls]"),
    ("?src=set:night", "#panel [data-tab=transcript]"),
    ("?src=set:night", "#panel [data-tab=measure]"),
    ("?src=set:night", "#panel [data-tab=levels]"),
    ("?src=set:night", "#panel [data-tab=info]"),
    ("?src=set:night", "#share-button"),
    ("?src=set:night", "#help-button"),
    ("?src=set:night", "#palette-button"),
    ("?src=set:night", "#jump-button"),
    ("?src=set:night", "#detect-top"),
    ("?src=set:night&embed=1", ""),
    ("?src=file:b3-0:lost.wav", ""),
    ("?page=library", ""),
    ("?page=library&deployment=night", ""),
    ("?page=library&deployment=no-such", ""),
    ("?page=models", ""),
    ("?page=jobs", ""),
    ("?page=runs", ""),
    ("?v=1&t=nonsense", ""),
    ("?story=shipped", ".story-answer"),
    ("?story=shipped", "#story-edit"),
    ("?story=shipped&present=1", ""),
    ("?story=shipped&present=1", "#story-start"),
    ("?story=no-such", ""),
];

/// A story that lies with the recordings.
const STORY: &str = "title = \"Shipped\"\nnote = \"One tone.\"\n[[steps]]\ntitle = \"A tone\"\n\
    text = \"It is *one* line, [as here](https://example.org).\"\nview = \"v=1&src=set:night\"\n\
    [steps.question]\ntext = \"How high?\"\nanswers = [\"3 kHz\", \"3 Hz\"]\nright = \"3 kHz\"\n";

/// Looks for what keeps people out; gives rules with the elements that break them.
const LOOK: &str = "return axe.run(document, {resultTypes: ['violations']}).then(found =>
    found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
        .map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))";

#[test]
fn nothing_on_any_page_keeps_people_out_dark_or_light() -> anyhow::Result<()> {
    let Some(axe) = axe() else {
        eprintln!("skipped: axe-core is not installed (.ci/tools axe)");
        return Ok(());
    };
    let folder = TempDir::new()?;
    let night = folder.path().join("sea/night");
    let samples = super::tone_in_noise(3000.0, 20.0, 48_000);
    sounds::write_wav(&night, "20090329_121500.wav", &samples, 48_000)?;
    let sea = folder.path().join("sea");
    std::fs::create_dir_all(sea.join("stories"))?;
    std::fs::write(sea.join("stories/shipped.toml"), STORY)?;
    let mut stage = Stage::serving(&sea, folder, &[])?;
    let mut found = Vec::new();
    for brightness in ["dark", "light"] {
        let keep = format!("localStorage.setItem('spyhop.theme', '\"{brightness}\"')");
        stage.page("")?.session.execute(&keep, json!([]))?;
        for (query, press) in PLACES {
            let mut page = stage.page(query)?;
            page.wait_for("a page", |page| is_there(page, query))?;
            if !press.is_empty() {
                page.press(press)?;
            }
            page.session.execute(&axe, json!([]))?;
            let told = look(&mut page).with_context(|| format!("{query} {press}"))?;
            found.extend(
                told.into_iter().map(|what| format!("{brightness} {query} {press} {what}")),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

/// Whether a page is there with all that comes later.
fn is_there(page: &mut Page<'_>, query: &str) -> anyhow::Result<bool> {
    match query {
        "?story=no-such" => page.is_shown("#story-problem"),
        _ if query.contains("present=1") => page.is_shown("#story-cover[data-held=over]"),
        _ if query.contains("story=") => {
            Ok(page.data("state")? == "ready" && page.is_shown("#story[data-arrival=shown] h2")?)
        }
        _ => Ok(page.data("state")? == "ready"),
    }
}

/// What keeps people out of a page on which axe-core has been run.
pub fn look(page: &mut Page<'_>) -> anyhow::Result<Vec<String>> {
    let told = page.session.execute(LOOK, json!([]))?;
    let list = told.as_array().context("a list of findings")?;
    Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The program that looks, as text.
pub fn axe() -> Option<String> {
    let cache = std::env::var_os("SPYHOP_CACHE").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
        Some(home?.join("spyhop"))
    })?;
    std::fs::read_to_string(cache.join("axe/node_modules/axe-core/axe.min.js")).ok()
}
