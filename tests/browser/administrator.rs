//! The administrator's token in the page: what is not public appears once it is entered, and goes when it is
//! forgotten; changes that the server refused are then taken.

use serde_json::json;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, row_of, tone_in_noise};

/// A server that other machines reach by a name, with a public and a private deployment; and its token.
fn stage() -> anyhow::Result<(Stage, String)> {
    let folder = TempDir::new()?;
    let (open, hidden) = (folder.path().join("place/open"), folder.path().join("place/hidden"));
    let tone = tone_in_noise(1000.0, 8.0, 8000);
    sounds::write_wav(&open, "a_20240601_120000.wav", &tone, 8000)?;
    sounds::write_wav(&hidden, "b_20240601_120000.wav", &tone, 8000)?;
    sounds::write(&hidden, "deployment.toml", b"name = 'Secret bay'\nvisibility = 'private'\n")?;
    let place = folder.path().join("place");
    let state = folder.path().join("state");
    let state_path = state.to_string_lossy().into_owned();
    let args = ["--public-url", "https://whales.example/", "--state", &state_path];
    let stage = Stage::serving_with(&args, &place, folder, &[])?;
    let token = std::fs::read_to_string(state.join("administrator-token"))?.trim().to_owned();
    Ok((stage, token))
}

fn listed(page: &mut Page<'_>) -> anyhow::Result<Vec<String>> {
    let body = "return [...document.querySelectorAll('#library [data-deployment]')]\
                .map(e => e.dataset.deployment);";
    Ok(serde_json::from_value(page.session.execute(body, json!([]))?)?)
}

/// Enters the token in the dialog that is open.
fn enter(page: &mut Page<'_>, token: &str) -> anyhow::Result<()> {
    page.wait_for("the dialog", |p| p.is_shown("#token"))?;
    page.session.send_keys("#token-text", token)?;
    page.press("#token-use")
}

#[test]
fn a_private_deployment_appears_with_the_token_and_goes_with_it() -> anyhow::Result<()> {
    let (mut stage, token) = stage()?;
    let mut page = stage.page("?page=library")?;
    page.wait_for("what is public", |p| Ok(listed(p)? == ["open"]))?;
    page.press("#library-token")?;
    enter(&mut page, "not-the-token")?;
    page.wait_for("why not", |p| Ok(p.text("#token-problem")?.contains("not the token")))?;
    page.session.execute("document.querySelector('#token-text').value = '';", json!([]))?;
    enter(&mut page, &token)?;
    page.wait_for("both", |p| Ok(listed(p)? == ["hidden", "open"]))?;
    let address = page.session.execute("return location.href;", json!([]))?;
    assert!(!address.as_str().unwrap_or_default().contains(&token), "{address}");

    // Its picture, its recording and its samples come with the token too.
    page.wait_for("its picture", |p| {
        let body = "const i = document.querySelector('[data-deployment=hidden] img'); \
                    return i ? i.naturalWidth : 0;";
        Ok(p.session.execute(body, json!([]))?.as_u64() > Some(300))
    })?;
    page.press("#library [data-deployment=hidden] .open")?;
    page.wait_until_ready()?;
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    let expected = row_of(1000.0, (0.0, 4000.0), picture.height);
    assert!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");

    // Kept as long as the tab is; forgotten at a press.
    page.session.reload()?;
    page.wait_until_ready()?;
    page.press("#administrator")?;
    page.wait_for("the dialog", |p| p.is_shown("#token-forget"))?;
    page.press("#token-forget")?;
    page.wait_for("no token", |p| Ok(!p.is_shown("#administrator")?))?;
    let mut page = stage.page("?v=1&src=set:hidden")?;
    page.wait_for("no such deployment", |p| {
        Ok(p.notices("error")?.iter().any(|n| n.contains("no deployment")))
    })?;
    page.press("#notices .offer")?;
    enter(&mut page, &token)?;
    page.wait_until_ready()
}

#[test]
fn labels_that_were_refused_are_shared_once_the_token_is_there() -> anyhow::Result<()> {
    let (mut stage, token) = stage()?;
    let mut page = stage.page("?v=1&src=set:open")?;
    page.wait_until_ready()?;
    page.press("#panel [data-tab=labels]")?;
    page.wait_for("the server's labels", |p| p.is_shown("#labels-kept[data-keeper=server]"))?;
    let draw = |page: &mut Page<'_>| -> anyhow::Result<()> {
        let place = page.place("#spectrogram")?;
        page.session.drag(&[place.at(0.25, 0.6), place.at(0.5, 0.8), place.at(0.75, 0.9)])?;
        page.wait_for("a selection", |p| Ok(p.view("sel")?.is_some()))?;
        page.session.keys("1")
    };
    draw(&mut page)?;
    page.wait_for("the refusal", |p| p.is_shown("#labels-kept[data-keeper=refused]"))?;

    // Another visit: the server has none, this browser keeps one and offers it.
    let mut page = stage.page("?v=1&src=set:open")?;
    page.wait_until_ready()?;
    page.press("#panel [data-tab=labels]")?;
    page.wait_for("the offer", |p| p.is_shown("#left-here"))?;
    assert_eq!(page.data("labels")?, "0");
    page.press("#share-left-here")?;
    page.wait_for("the refusal", |p| p.is_shown("#labels-kept[data-keeper=refused]"))?;
    page.press("#notices .offer")?;
    enter(&mut page, &token)?;
    page.wait_for("it is shared", |p| {
        let body = "const r = new XMLHttpRequest(); \
            r.open('GET', 'api/v1/deployments/open/annotations', false); r.send(); \
            return JSON.parse(r.responseText).annotations.length;";
        Ok(p.session.execute(body, json!([]))? == 1)
    })?;
    let mut page = stage.page("?v=1&src=set:open")?;
    page.wait_until_ready()?;
    page.wait_for("the server's label", |p| Ok(p.data("labels")? == "1"))?;
    page.press("#panel [data-tab=labels]")?;
    assert!(!page.is_shown("#left-here")?, "what the server has is not offered again");
    Ok(())
}
