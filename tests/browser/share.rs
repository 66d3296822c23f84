//! Sharing a view: short links, pages within other pages, and samples of somebody's own disk.

use serde_json::json;
use spyhop_tests::static_host::{Manners, StaticHost};
use spyhop_tests::{Page, program, sounds};
use tempfile::TempDir;

use crate::{Stage, row_of, tone_in_noise};

/// A server of one deployment with a tone of 1 kHz; its state folder is the stage's `state`.
fn stage(args: &[&str]) -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let bay = folder.path().join("place/bay");
    sounds::write_wav(&bay, "a_20240601_120000.wav", &tone_in_noise(1000.0, 20.0, 8000), 8000)?;
    let (place, state) = (folder.path().join("place"), folder.path().join("state"));
    let state = state.to_string_lossy().into_owned();
    let args: Vec<&str> = args.iter().copied().chain(["--state", state.as_str()]).collect();
    Stage::serving_with(&args, &place, folder, &[])
}

/// Opens the dialog and makes a short link; gives its path, as `s/abc`.
fn share(page: &mut Page<'_>, title: &str) -> anyhow::Result<String> {
    page.press("#share-button")?;
    page.wait_for("the form", |p| p.is_shown("#share-form"))?;
    page.set("#share-title", title)?;
    page.set("#share-note", "Listen to the tone.")?;
    page.set("#share-author", "Ada")?;
    page.press("#share-make")?;
    page.wait_for("a short link", |p| {
        let problem = p.text("#share-problem")?;
        anyhow::ensure!(problem.is_empty(), "{problem}");
        p.is_shown("#share-short")
    })?;
    let link = page.text("#share-short")?;
    let at = link.find("/s/").ok_or_else(|| anyhow::anyhow!("{link}"))?;
    Ok(link[at + 1..].to_owned())
}

fn row_is(page: &mut Page<'_>, hz: f64) -> anyhow::Result<()> {
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    let expected = row_of(hz, (0.0, 4000.0), picture.height);
    anyhow::ensure!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");
    Ok(())
}

#[test]
fn a_short_link_opens_the_view_with_its_words() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = stage.page("?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4&cm=viridis")?;
    page.wait_until_ready()?;
    let view = page.data("view")?;
    let path = share(&mut page, "One <b>tone</b>")?;
    assert!(page.is_shown("#share-here-only")?, "there is no public address");
    assert_eq!(page.text("#share-key")?.len(), 32);
    assert!(page.text("#share-embed")?.contains(&format!("{path}?embed=1")));
    page.wait_for("the code", |p| {
        let body = "return document.querySelector('#share-qr img').naturalWidth";
        Ok(p.session.execute(body, json!([]))?.as_u64() > Some(100))
    })?;
    page.press("#share-cite")?;
    page.wait_for("the citation", |p| Ok(p.text("#share-cited")?.contains("Spyhop")))?;

    let mut page = stage.page(&path)?;
    page.wait_until_ready()?;
    assert_eq!(page.data("view")?, view);
    page.wait_for("its words", |p| Ok(p.text("#caption")?.contains("One <b>tone</b> · Ada")))?;
    assert!(page.text("#caption")?.contains("Listen to the tone."));
    let address = page.session.execute("return location.pathname + location.search;", json!([]))?;
    let address = address.as_str().unwrap_or_default().to_owned();
    assert!(address.starts_with("/?v=1") && address.contains("share="), "{address}");
    row_is(&mut page, 1000.0)?;
    // It is an address like any other: loaded anew it shows the same.
    page.session.reload()?;
    page.wait_until_ready()?;
    page.wait_for("its words", |p| p.is_shown("#caption"))?;
    assert_eq!(page.data("view")?, view);
    Ok(())
}

#[test]
fn a_page_within_another_page_shows_the_picture_and_no_more() -> anyhow::Result<()> {
    let mut stage = stage(&["--public-url", "https://whales.example"])?;
    let mut page = stage.page("?v=1&src=set:bay&embed=1")?;
    page.wait_until_ready()?;
    for hidden in [".top", "#panel"] {
        assert!(!page.is_shown(hidden)?, "{hidden}");
    }
    assert!(page.is_shown("#spectrogram")? && page.is_shown("#play")?);
    let out = page
        .session
        .execute("return document.querySelector('#open-in-spyhop').href;", json!([]))?;
    assert!(
        out.as_str().is_some_and(|href| href.contains("src=set:bay") && !href.contains("embed"))
    );
    row_is(&mut page, 1000.0)
}

#[test]
fn with_a_public_address_links_are_of_that() -> anyhow::Result<()> {
    let mut stage = stage(&["--public-url", "https://whales.example/app"])?;
    let mut page = stage.page("?v=1&src=set:bay")?;
    page.wait_until_ready()?;
    page.press("#share-button")?;
    page.wait_for("the public address", |p| {
        Ok(p.text("#share-link")?.starts_with("https://whales.example/app/?v=1"))
    })?;
    assert!(!page.is_shown("#share-here-only")?);
    let path = {
        page.session.keys("\u{e00c}")?;
        share(&mut page, "A tone")?
    };
    assert!(path.starts_with("s/"));
    Ok(())
}

#[test]
fn samples_of_a_persons_own_disk_open_for_others_once_they_are_published() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let file = stage.wav("mine_20240601_130000.wav", &tone_in_noise(2000.0, 20.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.session.keys("wwww")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    page.wait_until_ready()?;
    let (start, span) = (page.view("t")?, page.view("span")?);
    page.press("#share-button")?;
    page.wait_for("the form", |p| p.is_shown("#share-form"))?;
    assert!(page.text("#share-leaves")?.starts_with("Nothing leaves this machine"));
    page.set("#share-samples", "true")?;
    page.wait_for("what leaves", |p| {
        let said = p.text("#share-leaves")?;
        Ok(said.contains("mine_20240601_130000.wav") && said.contains("8 kHz"))
    })?;
    page.session.keys("\u{e00c}")?;
    page.press("#share-button")?;
    page.wait_for("the form", |p| p.is_shown("#share-form"))?;
    page.set("#share-samples", "true")?;
    page.set("#share-title", "From my disk")?;
    page.press("#share-make")?;
    page.wait_for("a short link", |p| {
        let problem = p.text("#share-problem")?;
        anyhow::ensure!(problem.is_empty(), "{problem}");
        p.is_shown("#share-short")
    })?;
    let link = page.text("#share-short")?;
    let path = link[link.find("/s/").unwrap_or(0) + 1..].to_owned();

    let mut page = stage.page(&path)?;
    page.wait_until_ready()?;
    assert_eq!((page.view("t")?, page.view("span")?), (start, span), "on the same clock");
    row_is(&mut page, 2000.0)?;
    page.wait_for("its words", |p| Ok(p.text("#caption")?.contains("From my disk")))
}

#[test]
fn a_published_share_opens_from_a_static_host() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = stage.page("?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4")?;
    page.wait_until_ready()?;
    let path = share(&mut page, "A tone to go")?;
    let (site, place) = (stage.path().join("site"), stage.path().join("place"));
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let args = [
        "publish".to_owned(),
        path.clone(),
        "--out".into(),
        text(&site),
        "--data".into(),
        text(&place),
        "--state".into(),
        text(&stage.path().join("state")),
        "--public-url".into(),
        "https://talk.example/whales".into(),
    ];
    let done = program::run(args)?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let index = std::fs::read_to_string(site.join(&path).join("index.html"))?;
    let picture = format!("https://talk.example/whales/{path}/preview.png");
    assert!(index.contains(&format!("property=\"og:image\" content=\"{picture}\"")), "{index}");
    let host = StaticHost::start(&site, Manners { prefix: "/whales/", ranges: true, cors: false })?;
    stage.chromium.session.goto(&format!("{}{path}/index.html", host.url))?;
    let mut page = Page { session: &mut stage.chromium.session };
    page.wait_until_ready()?;
    row_is(&mut page, 1000.0)?;
    assert_eq!(page.view("t")?.as_deref(), Some("2024-06-01T12:00:05Z"));
    page.wait_for("its words", |p| Ok(p.text("#caption")?.contains("A tone to go")))
}

#[test]
fn the_words_of_a_link_are_changed_and_it_is_taken_back_where_it_was_made() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = stage.page("?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4")?;
    page.wait_until_ready()?;
    let path = share(&mut page, "One tone")?;
    let key = page.text("#share-key")?;
    page.wait_for("the list", |p| Ok(p.text("#share-mine")?.contains("One tone")))?;
    page.press("#share-mine .share-edit")?;
    page.wait_for("its words", |p| {
        Ok((p.text("#share-change-title")?, p.text("#share-change-note")?)
            == ("One tone".into(), "Listen to the tone.".into()))
    })?;
    // Somebody else is faster: nothing is written over.
    let elsewhere = "return (async () => {
        const [id, key] = arguments;
        const address = 'api/v1/shares/' + id;
        const tag = (await fetch(address)).headers.get('etag');
        const headers = {'if-match': tag, 'spyhop-edit-key': key, 'content-type': 'application/json'};
        const body = JSON.stringify({note: 'Somebody was faster.'});
        return (await fetch(address, {method: 'PATCH', headers, body})).status;
    })()";
    let id = path.trim_start_matches("s/").to_owned();
    assert_eq!(page.session.execute(elsewhere, json!([id, key]))?, json!(200));
    page.set("#share-change-title", "Two <i>tones</i>")?;
    page.press("#share-change-save")?;
    page.wait_for("what is there now", |p| {
        Ok(p.text("#share-change-problem")?.contains("changed elsewhere")
            && p.text("#share-change-note")? == "Somebody was faster.")
    })?;
    page.set("#share-change-title", "Two <i>tones</i>")?;
    page.press("#share-change-save")?;
    page.wait_for("the list", |p| Ok(p.text("#share-mine")?.contains("Two <i>tones</i>")))?;
    let mut page = stage.page(&path)?;
    page.wait_until_ready()?;
    page.wait_for("the new words", |p| {
        let words = p.text("#caption")?;
        Ok(words.contains("Two <i>tones</i> · Ada") && words.contains("Somebody was faster."))
    })?;

    // Another browser asks for the key.
    page.session.execute("localStorage.clear()", json!([]))?;
    page.press("#share-button")?;
    page.wait_for("the link that is open", |p| p.is_shown("#share-mine .share-remove"))?;
    page.press("#share-mine .share-remove")?;
    page.wait_for("the question", |p| p.is_shown("#share-change-key"))?;
    page.set("#share-change-key", "wrong")?;
    page.press("#share-remove-really")?;
    page.wait_for("a refusal", |p| {
        Ok(p.text("#share-remove-problem")?.contains("not the edit key"))
    })?;
    page.set("#share-change-key", &key)?;
    page.press("#share-remove-really")?;
    page.wait_for("an empty list", |p| Ok(!p.is_shown("#share-mine")?))?;
    let page = stage.page(&path)?;
    let body = page.session.execute("return document.body.innerText", json!([]))?;
    assert!(body.as_str().is_some_and(|b| b.contains("Nothing is under this link")), "{body}");
    Ok(())
}

#[test]
fn what_the_server_can_not_make_of_a_view_is_said_and_not_saved() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = stage.page("?v=1&src=set:bay&rate=0.01")?;
    page.wait_until_ready()?;
    page.press("#share-button")?;
    page.wait_for("the files", |p| p.is_shown("#share [data-file='heard/heard.wav']"))?;
    // A file is saved by a link that is clicked: those are told.
    let watch = "window.saved = [];
        const click = HTMLElement.prototype.click;
        HTMLElement.prototype.click = function () {
            if (this.download) window.saved.push(this.download);
            return click.call(this);
        };";
    page.session.execute(watch, json!([]))?;
    let saved = "return window.saved";
    page.press("#share [data-file='heard/heard.wav']")?;
    page.wait_for("why not", |p| {
        let said = p.text("#share-file-problem")?;
        Ok(said.contains("lasts 33 minutes") && said.contains("select less"))
    })?;
    assert_eq!(page.session.execute(saved, json!([]))?, json!([]), "nothing was made");
    page.press("#share [data-file='figure.svg']")?;
    page.wait_for("the figure", |p| {
        let button = p.text("#share [data-file='figure.svg']")?;
        let figure = json!(["spyhop-figure.svg"]);
        Ok(p.text("#share-file-problem")?.is_empty()
            && button == "Figure SVG"
            && p.session.execute(saved, json!([]))? == figure)
    })
}
