//! Stories: played by keys, to a room and in a kiosk, and made in the page.

use anyhow::Context;
use serde_json::{Value, json};
use spyhop_tests::{Page, Server, sounds};
use tempfile::TempDir;

use crate::{Stage, tone_in_noise};

const ESCAPE: &str = "\u{e00c}";
const RIGHT: &str = "\u{e014}";
const LEFT: &str = "\u{e012}";
const PAGE_UP: &str = "\u{e00e}";
const PAGE_DOWN: &str = "\u{e00f}";
const END: &str = "\u{e010}";
const HOME: &str = "\u{e011}";

/// A server of two deployments, a minute of 1 kHz and a minute of 2 kHz.
fn stage(browser_args: &[&str]) -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    for (name, hz) in [("bay", 1000.0), ("cove", 2000.0)] {
        let sound = tone_in_noise(hz, 60.0, 8000);
        sounds::write_wav(&place.join(name), "a_20240601_120000.wav", &sound, 8000)?;
    }
    Stage::serving(&place, folder, browser_args)
}

/// Three steps: two moments of the bay, the second with a question, and one of the cove.
fn three_steps() -> Value {
    let view = |set: &str, at: u32| {
        format!("v=1&src=set:{set}&t=2024-06-01T12:00:{at:02}Z&span=8&cm=viridis")
    };
    json!({
        "title": "Two tones", "note": "What a tone looks like.", "author": "Ada",
        "steps": [
            { "view": view("bay", 2), "title": "A tone", "calls_shown": true,
              "text": "It is a **line**; [more](https://example.org/)." },
            { "view": view("bay", 40), "title": "Later", "question": {
                "text": "How high is it?", "answers": ["10 Hz", "1 kHz"], "right": 1,
                "why": "The line stands at *1 kHz*." } },
            { "view": view("cove", 10), "title": "Another tone", "text": "Twice as high.",
              "sound": "plays", "says": [{ "at_s": 0.0, "lasts_s": 8.0, "text": "a high tone" }] },
        ],
    })
}

/// Keeps a story on the server; gives its id and its edit key.
fn keep(server: &Server, story: &Value) -> anyhow::Result<(String, String)> {
    let made: Value =
        ureq::post(&server.at("api/v1/stories")).send_json(story)?.body_mut().read_json()?;
    let id = made["story"]["id"].as_str().context("an id")?.to_owned();
    Ok((id, made["edit_key"].as_str().context("a key")?.to_owned()))
}

fn told(server: &Server, id: &str) -> anyhow::Result<Value> {
    let address = server.at(&format!("api/v1/stories/{id}"));
    Ok(ureq::get(&address).call()?.body_mut().read_json()?)
}

/// Waits until a step is on the screen.
fn wait_for_step(page: &mut Page<'_>, step: u32) -> anyhow::Result<()> {
    page.wait_for(&format!("step {step}"), |p| {
        let body =
            "const s = document.querySelector('#story')?.dataset; return s && [s.step, s.arrival];";
        Ok(p.session.execute(body, json!([]))? == json!([step.to_string(), "shown"]))
    })
}

/// Waits until the picture begins at a second of the minute, as the view says.
fn wait_for_second(page: &mut Page<'_>, second: u32) -> anyhow::Result<()> {
    let wanted = format!("2024-06-01T12:00:{second:02}Z");
    page.wait_for(&wanted, |p| Ok(p.view("t")?.as_deref() == Some(wanted.as_str())))
}

fn address(page: &mut Page<'_>) -> anyhow::Result<String> {
    let search = page.session.execute("return location.search;", json!([]))?;
    Ok(search.as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_story_is_played_by_keys_and_asks_its_question() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let (id, _) = keep(&stage.server, &three_steps())?;
    let mut page = stage.page(&format!("?story={id}"))?;
    wait_for_step(&mut page, 1)?;
    wait_for_second(&mut page, 2)?;
    page.wait_until_ready()?;
    let html = "return document.querySelector('#story .story-text').innerHTML;";
    let html = page.session.execute(html, json!([]))?;
    assert!(html.as_str().is_some_and(|html| html.contains("<strong>line</strong>")), "{html}");
    assert!(page.text(".story-name")?.contains("Two tones"));

    // Keys of a remote and of a keyboard; the picture goes along, and the address.
    page.session.keys(PAGE_DOWN)?;
    wait_for_step(&mut page, 2)?;
    wait_for_second(&mut page, 40)?;
    page.session.keys(RIGHT)?;
    wait_for_step(&mut page, 3)?;
    wait_for_second(&mut page, 10)?;
    assert!(page.data("view")?.contains("set:cove"));
    assert!(address(&mut page)?.contains("step=3"), "{}", address(&mut page)?);
    page.session.keys(HOME)?;
    wait_for_step(&mut page, 1)?;
    page.session.keys(END)?;
    wait_for_step(&mut page, 3)?;
    page.session.keys(PAGE_UP)?;
    wait_for_step(&mut page, 2)?;

    // A wrong answer says so, and may be corrected.
    page.press(".story-answer[data-answer='0']")?;
    page.wait_for("a verdict", |p| p.is_shown(".story-answer[data-said=wrong]"))?;
    page.press(".story-answer[data-answer='1']")?;
    page.wait_for("another", |p| p.is_shown(".story-answer[data-said=right]"))?;
    assert!(page.text("#story-verdict")?.contains("1 kHz"), "{}", page.text("#story-verdict")?);

    // Loaded anew it is at the same step; a blank screen comes and goes; Esc leaves.
    page.session.reload()?;
    wait_for_step(&mut page, 2)?;
    page.session.keys("b")?;
    page.wait_for("a blank screen", |p| p.is_shown("#story-blank"))?;
    page.session.keys(".")?;
    page.wait_for("the picture", |p| Ok(!p.is_shown("#story-blank")?))?;
    page.session.keys(LEFT)?;
    wait_for_step(&mut page, 1)?;
    page.session.keys(ESCAPE)?;
    page.wait_for("the story to be left", |p| Ok(!p.is_shown("#story")?))?;
    let left = address(&mut page)?;
    assert!(left.contains("src=set:bay") && !left.contains("story="), "{left}");
    Ok(())
}

#[test]
fn whoever_moves_the_picture_finds_back_to_the_step() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let (id, _) = keep(&stage.server, &three_steps())?;
    let mut page = stage.page(&format!("?story={id}&step=2"))?;
    wait_for_step(&mut page, 2)?;
    wait_for_second(&mut page, 40)?;
    page.wait_until_ready()?;
    page.session.keys("w")?;
    page.wait_for("the way back", |p| p.is_shown("#story-return"))?;
    page.press("#story-return")?;
    page.wait_for("the step's view", |p| Ok(p.view("span")?.as_deref() == Some("8")))?;
    wait_for_second(&mut page, 40)?;
    page.wait_for("no way back", |p| Ok(!p.is_shown("#story-return")?))
}

#[test]
fn a_presentation_goes_on_when_the_network_is_gone() -> anyhow::Result<()> {
    let stage = stage(&["--autoplay-policy=no-user-gesture-required"])?;
    let (id, _) = keep(&stage.server, &three_steps())?;
    let Stage { server, mut chromium, folder } = stage;
    chromium.session.goto(&server.at(&format!("?story={id}&present=1")))?;
    let mut page = Page { session: &mut chromium.session };
    page.wait_for("everything to be held", |p| {
        let body = "return document.querySelector('#story-cover')?.dataset.held ?? '';";
        Ok(p.session.execute(body, json!([]))? == json!("over"))
    })?;
    assert!(
        page.text("#story-held")?.contains("without the network"),
        "{}",
        page.text("#story-held")?
    );
    drop(server);

    page.session.keys(PAGE_DOWN)?;
    wait_for_step(&mut page, 1)?;
    let theme = "const r = document.documentElement.dataset; return [r.theme, r.projector];";
    assert_eq!(page.session.execute(theme, json!([]))?, json!(["light", "true"]));
    for hidden in [".top", "#panel", ".playbar"] {
        assert!(!page.is_shown(hidden)?, "{hidden}");
    }
    for (step, second) in [(1, 2), (2, 40), (3, 10)] {
        wait_for_step(&mut page, step)?;
        wait_for_second(&mut page, second)?;
        page.wait_until_ready()?;
        let picture = page.picture("#spectrogram")?;
        assert!(picture.contrast() > 1.0, "step {step}: {}", picture.contrast());
        if step < 3 {
            page.session.keys(PAGE_DOWN)?;
        }
    }
    // The last one sounds, and its caption names the sound.
    page.wait_for("a caption", |p| Ok(p.text("#story-said")?.contains("a high tone")))?;
    assert!(page.notices("error")?.is_empty(), "{:?}", page.notices("error")?);

    page.session.keys(".")?;
    page.wait_for("a blank screen", |p| p.is_shown("#story-blank"))?;
    page.session.keys(PAGE_UP)?;
    wait_for_step(&mut page, 2)?;
    assert!(!page.is_shown("#story-blank")?, "who goes on wants to see it");
    // Even loaded anew it is there.
    page.session.reload()?;
    page.wait_for("the cover", |p| p.is_shown("#story-cover"))?;
    page.press("#story-start")?;
    wait_for_step(&mut page, 2)?;
    page.wait_until_ready()?;
    page.session.execute("document.exitFullscreen?.().catch(() => {});", json!([]))?;
    page.session.keys(ESCAPE)?;
    page.wait_for("the reading mode", |p| p.is_shown(".top"))?;
    assert!(page.is_shown("#story")?, "the story is still there");
    drop(folder);
    Ok(())
}

#[test]
fn a_kiosk_begins_anew_when_nobody_is_there() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let (id, _) = keep(&stage.server, &three_steps())?;
    let mut page = stage.page(&format!("?story={id}&kiosk=1&idle=2"))?;
    page.wait_for("the cover", |p| p.is_shown("#story-start"))?;
    // A page that holds what it fetches is loaded once more.
    page.wait_for("everything to be held", |p| {
        let body = "return document.querySelector('#story-cover')?.dataset.held ?? '';";
        Ok(p.session.execute(body, json!([]))? == json!("over"))
    })?;
    page.press("#story-start")?;
    wait_for_step(&mut page, 1)?;
    assert!(!page.is_shown("#story-leave")? && !page.is_shown(".top")?);
    let link = "const a = document.querySelector('#story .story-text a'); a.click(); \
                return getComputedStyle(a).pointerEvents;";
    assert_eq!(page.session.execute(link, json!([]))?, json!("none"));
    assert!(address(&mut page)?.contains("kiosk=1"), "no link leads out");
    page.press("#story-next")?;
    page.session.keys(ESCAPE)?;
    assert!(page.is_shown("#story")?, "no key leads out");
    page.wait_for("the beginning", |p| {
        let body = "return [!!document.querySelector('#story-cover'), document.querySelector('#story').dataset.step];";
        Ok(p.session.execute(body, json!([]))? == json!([true, "1"]))
    })
}

/// Types into a field of the sheet.
fn write(page: &mut Page<'_>, css: &str, text: &str) -> anyhow::Result<()> {
    page.wait_for(css, |p| p.is_shown(css))?;
    page.set(css, text)
}

/// A new story of one step: a view with a selection, and what both are called.
fn begun<'a>(
    stage: &'a mut Stage,
    selected: &str,
    title: &str,
    step: &str,
) -> anyhow::Result<Page<'a>> {
    let mut page =
        stage.page(&format!("?v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4&{selected}"))?;
    page.wait_until_ready()?;
    page.session.chord(&['\u{e008}', 'a'])?;
    write(&mut page, "#story-title", title)?;
    write(&mut page, ".step-title", step)?;
    Ok(page)
}

#[test]
fn a_story_is_made_in_the_page_kept_and_saved() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = begun(&mut stage, "sel=2024-06-01T12:00:06Z_1_900-1100", "My tone", "Near")?;
    write(&mut page, ".step-text", "A *line* <script>alert(1)</script>")?;
    page.wait_for("its words as they will be read", |p| {
        let body = "return document.querySelector('.story-preview')?.innerHTML ?? '';";
        let html = p.session.execute(body, json!([]))?;
        let html = html.as_str().unwrap_or_default();
        Ok(html.contains("<em>line</em>") && !html.contains("<script"))
    })?;
    page.press(".story-box")?;
    write(&mut page, ".mark-text", "a tone")?;
    page.set(".mark-kind", "truth")?;
    page.session.execute("document.activeElement?.blur();", json!([]))?;
    page.session.keys("f")?;
    page.wait_for("all of it", |p| Ok(p.view("span")?.is_none()))?;
    page.press("#story-add")?;
    page.wait_for("two steps", |p| p.is_shown("#story-list [data-step='2']"))?;
    write(&mut page, ".step-title", "All of it")?;
    page.press(".step-asks")?;
    write(&mut page, ".step-question", "What is it?")?;
    page.session.execute(
        "const a = document.querySelectorAll('.step-answer'); ['A ship', 'A tone'].forEach((t, i) => { \
            a[i].value = t; a[i].dispatchEvent(new Event('input', {bubbles: true})); }); \
         document.querySelectorAll('[name=right-answer]')[1].click();",
        json!([]),
    )?;
    page.press("#story-list [data-step='2'] [data-move=up]")?;
    page.wait_for("another order", |p| {
        Ok(p.text("#story-list [data-step='1'] .story-step-name")?.contains("All of it"))
    })?;

    // Nothing was saved yet: the draft is there in a page loaded anew.
    page.session.reload()?;
    page.wait_until_ready()?;
    page.session.chord(&['\u{e008}', 'a'])?;
    page.wait_for("the draft", |p| p.is_shown(".story-drafts [data-draft] button"))?;
    page.press(".story-drafts [data-draft] button")?;
    page.wait_for("its title", |p| Ok(p.text("#story-title")? == "My tone"))?;
    page.press("#story-save")?;
    page.wait_for("it to be saved", |p| {
        let fault = p.text("#story-fault")?;
        anyhow::ensure!(fault.is_empty(), "{fault}");
        p.is_shown(".story-saving[data-state=saved]")
    })?;
    let (link, key) = (page.text("#story-link")?, page.text("#story-key")?);
    let id = link.rsplit('/').next().unwrap_or_default().to_owned();
    assert!(link.contains("/t/") && key.len() > 20, "{link} {key}");
    let story = told(&stage.server, &id)?;
    assert_eq!(story["steps"][0]["question"]["answers"], json!(["A ship", "A tone"]), "{story}");
    assert_eq!(story["steps"][0]["question"]["right"], json!(1));
    assert!(story["steps"][1]["view"].as_str().is_some_and(|view| view.contains("span=4")));
    let mark = &story["steps"][1]["marks"][0];
    assert_eq!((&mark["text"], &mark["kind"]), (&json!("a tone"), &json!("truth")), "{story}");
    assert_eq!(mark["band_hz"], json!([900.0, 1100.0]));

    // Played from the sheet, and back to it.
    let mut page = Page { session: &mut stage.chromium.session };
    page.press("#story-try")?;
    wait_for_step(&mut page, 1)?;
    assert_eq!(page.text("#story .story-step h2")?, "All of it");
    page.session.keys(ESCAPE)?;
    page.wait_for("the sheet", |p| p.is_shown("#story-editor"))?;

    // Somebody else is faster: both versions are there, and mine is kept as the next one.
    let mut theirs = story.clone();
    let request = |story: &Value| json!({ "title": story["title"], "steps": story["steps"] });
    theirs["title"] = json!("Their tone");
    let change = |server: &Server, story: &Value, version: u64| {
        ureq::put(&server.at(&format!("api/v1/stories/{id}")))
            .header("spyhop-edit-key", &key)
            .header("if-match", &format!("\"v{version}\""))
            .send_json(request(story))
            .map(drop)
    };
    change(&stage.server, &theirs, 1)?;
    write(&mut page, "#story-title", "My tone, better")?;
    page.press("#story-save")?;
    page.wait_for("the conflict", |p| p.is_shown("#story-conflict"))?;
    let words = page
        .session
        .execute("return document.querySelector('#story-conflict').textContent;", json!([]))?;
    assert!(words.as_str().is_some_and(|words| words.contains("Their tone")), "{words}");
    page.press("#conflict-mine")?;
    page.wait_for("mine to be saved", |p| p.is_shown(".story-saving[data-state=saved]"))?;
    assert_eq!(told(&stage.server, &id)?["title"], json!("My tone, better"));

    // Once more, and theirs is taken: mine stays as a draft.
    change(&stage.server, &theirs, 3)?;
    write(&mut page, "#story-title", "My last word")?;
    page.press("#story-save")?;
    page.wait_for("the conflict", |p| p.is_shown("#story-conflict"))?;
    page.press("#conflict-theirs")?;
    page.wait_for("theirs", |p| Ok(p.text("#story-title")? == "Their tone"))?;
    page.press("#story-all")?;
    page.wait_for("mine beside it", |p| {
        Ok(p.text(".story-drafts")?.contains("My last word (mine)"))
    })
}

#[test]
fn captions_are_written_in_the_sheet_and_the_keyboard_keeps_its_place() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = begun(&mut stage, "sel=2024-06-01T12:00:06.5Z_0.25_900-1100", "Heard", "First")?;
    // Of the selected box; what is typed goes into it at once.
    page.press(".story-say")?;
    let focused = |css: &str| format!("return document.activeElement?.matches({css:?}) ?? false;");
    let has_focus = |p: &mut Page<'_>, css: &str| -> anyhow::Result<bool> {
        Ok(p.session.execute(&focused(css), json!([]))? == json!(true))
    };
    page.wait_for("its words", |p| has_focus(p, "[data-caption='1'] .said-text"))?;
    page.session.keys("a tone")?;
    page.press(".story-say")?;
    page.wait_for("the second", |p| has_focus(p, "[data-caption='2'] .said-text"))?;
    page.session.keys("another")?;
    page.set("[data-caption='2'] .said-at", "3")?;
    page.set("[data-caption='2'] .said-lasts", "0.5")?;
    page.press(".story-say")?;
    page.wait_for("the third", |p| p.is_shown("[data-caption='3']"))?;
    // The third is of the same box as the first: it stands behind it.
    page.press("[data-caption='2'] button")?;
    page.wait_for("two", |p| Ok(!p.is_shown("[data-caption='3']")?))?;
    page.wait_for("the button", |p| has_focus(p, ".story-say"))?;

    // A step that is moved by keys or by its buttons keeps the keyboard.
    page.press("#story-add")?;
    page.wait_for("two steps", |p| p.is_shown("#story-list [data-step='2']"))?;
    write(&mut page, ".step-title", "Second")?;
    let name = "#story-list [data-step='2'] .story-step-name";
    page.session.execute(&format!("document.querySelector({name:?}).focus();"), json!([]))?;
    page.session.chord(&['\u{e00a}', '\u{e013}'])?;
    page.wait_for("to be first", |p| {
        Ok(p.text("#story-list [data-step='1'] .story-step-name")?.contains("Second"))
    })?;
    page.wait_for("the name", |p| has_focus(p, "#story-list [data-step='1'] .story-step-name"))?;
    page.session.chord(&['\u{e00a}', '\u{e015}'])?;
    page.wait_for("the name", |p| has_focus(p, name))?;

    page.press("#story-save")?;
    page.wait_for("it to be saved", |p| {
        let fault = p.text("#story-fault")?;
        anyhow::ensure!(fault.is_empty(), "{fault}");
        p.is_shown(".story-saving[data-state=saved]")
    })?;
    let link = page.text("#story-link")?;
    let story = told(&stage.server, link.rsplit('/').next().unwrap_or_default())?;
    let says = json!([
        { "at_s": 1.5, "lasts_s": 0.25, "text": "a tone" },
        { "at_s": 3.0, "lasts_s": 0.5, "text": "another" }
    ]);
    assert_eq!(story["steps"][0]["says"], says, "{story}");
    Ok(())
}

#[test]
fn a_story_that_is_not_there_says_so_and_shows_a_way_out() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut page = stage.page("?story=nowhere&step=7")?;
    page.wait_for("what is wrong", |p| p.is_shown("#story-problem"))?;
    let problem = page.text("#story-problem")?;
    assert!(problem.contains("nowhere") && problem.contains("expired"), "{problem}");
    page.press("#story-home")?;
    page.wait_for_stage("first")?;
    assert!(!page.is_shown("#story-problem")?);
    assert!(!address(&mut page)?.contains("story="), "{}", address(&mut page)?);
    Ok(())
}

#[test]
fn stories_that_lie_with_the_recordings_stand_on_the_first_page() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    let sound = tone_in_noise(1000.0, 20.0, 8000);
    sounds::write_wav(&place.join("bay"), "a_20240601_120000.wav", &sound, 8000)?;
    let story = "title = \"Shipped\"\nnote = \"One tone.\"\n[[steps]]\ntitle = \"A tone\"\n\
        view = \"v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4\"\n\
        [[steps]]\ntitle = \"A recording that is not here\"\ntext = \"Its words stay.\"\n\
        view = \"v=1&src=set:elsewhere\"\n";
    std::fs::create_dir_all(place.join("stories"))?;
    std::fs::write(place.join("stories/shipped.toml"), story)?;
    let mut stage = Stage::serving(&place, folder, &[])?;
    let mut page = stage.page("")?;
    page.wait_for("its card", |p| p.is_shown(".story-card[data-story=shipped]"))?;
    page.session.click(".story-card[data-story=shipped]")?;
    wait_for_step(&mut page, 1)?;
    wait_for_second(&mut page, 5)?;
    // A step that can't be shown says so, and lets one go on.
    page.session.keys(PAGE_DOWN)?;
    page.wait_for("what is wrong", |p| p.is_shown("#story-kept figcaption"))?;
    assert!(page.text("#story .story-text")?.contains("Its words stay"));
    page.session.keys(PAGE_UP)?;
    wait_for_step(&mut page, 1)?;
    wait_for_second(&mut page, 5)?;
    page.wait_until_ready()
}

#[test]
fn what_gives_the_answer_away_is_drawn_once_it_is_given() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut story = three_steps();
    story["steps"][1]["marks"] = json!([{
        "start": { "clock": "2024-06-01T12:00:42Z" }, "span_ns": 2_000_000_000u64,
        "band_hz": [500.0, 1500.0], "text": "here", "kind": "truth",
    }]);
    let (id, _) = keep(&stage.server, &story)?;
    let mut page = stage.page(&format!("?story={id}&step=2"))?;
    wait_for_step(&mut page, 2)?;
    wait_for_second(&mut page, 40)?;
    page.wait_until_ready()?;
    let before = page.picture("#overlay")?.contrast();
    page.press(".story-answer[data-answer='1']")?;
    page.wait_for("the box", |p| Ok(p.picture("#overlay")?.contrast() > before + 1.0))?;
    page.session.keys(LEFT)?;
    wait_for_step(&mut page, 1)?;
    wait_for_second(&mut page, 2)?;
    page.wait_for("no box", |p| Ok(p.picture("#overlay")?.contrast() < before + 1.0))
}

#[test]
fn steps_follow_by_themselves_as_long_as_each_stays() -> anyhow::Result<()> {
    let mut stage = stage(&[])?;
    let mut story = three_steps();
    for step in 0..3 {
        story["steps"][step]["seconds"] = json!(1);
    }
    let (id, _) = keep(&stage.server, &story)?;
    let mut page = stage.page(&format!("?story={id}"))?;
    wait_for_step(&mut page, 1)?;
    page.press("#story-timer")?;
    wait_for_step(&mut page, 3)?;
    page.wait_for("the timer to stop at the end", |p| {
        let body = "return document.querySelector('#story-timer').getAttribute('aria-pressed');";
        Ok(p.session.execute(body, json!([]))? == json!("false"))
    })
}
