//! Detection in the tab: the same numbers as the server's, and nothing is uploaded.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_tests::listener::tell;
use spyhop_tests::models::{ast_tiny, data_home, put_adapter, reference};
use spyhop_tests::{Page, Server, program, sounds};
use tempfile::TempDir;

use crate::Stage;
use crate::calls::{CONTROL, verdict, whistles};
use crate::labels::exported;

/// The rate that the network hears.
const RATE_HZ: u32 = 16_000;

/// A network's files as the listener is told of them, with some of them changed.
fn network(change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> anyhow::Result<(Value, Vec<Vec<u8>>)> {
    let (mut files, mut contents) = (Vec::new(), Vec::new());
    for name in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        let bytes = change(name, std::fs::read(ast_tiny().join(name))?);
        files.push(json!({ "name": name, "bytes": bytes.len(), "url": null }));
        contents.push(bytes);
    }
    Ok((json!({ "name": "ast_tiny", "files": files, "authorisation": null }), contents))
}

#[test]
fn the_tab_gives_the_logits_of_the_reference_implementation() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let (network, files) = network(|_, bytes| bytes)?;
    let order = json!({ "Logits": { "job": 1, "network": network } });
    let page = stage.page("")?;
    for wave in ["upcall", "whistle", "noise", "short"] {
        let samples = reference(&format!("{wave}.wave"))?;
        let (answer, floats) = tell(page.session, &order, &files, Some(&samples))?;
        let logits = floats.first().cloned().unwrap_or_default();
        assert_eq!(answer["Logits"]["classes"], 5, "{answer}");
        let expected = reference(&format!("{wave}.logits"))?;
        for (ours, theirs) in logits.iter().zip(&expected) {
            // The native program keeps the same distance: WebAssembly has no fused multiply-add, and
            // sums in four lanes, so that the last bits differ.
            assert!((ours - theirs).abs() < 1e-4, "{wave}: {logits:?} for {expected:?}");
        }
    }
    Ok(())
}

#[test]
fn a_network_that_is_none_is_refused_by_what_is_wrong_with_it() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let mut page = stage.page("")?;
    let said = |page: &mut Page<'_>, change: &dyn Fn(&str, Vec<u8>) -> Vec<u8>| {
        let (network, files) = network(change)?;
        let order = json!({ "Describe": { "job": 1, "network": network } });
        let (answer, _) = tell(page.session, &order, &files, None)?;
        anyhow::Ok(answer["Failed"]["message"].as_str().unwrap_or_default().to_owned())
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let other = said(&mut page, &|name, bytes| match name {
        "config.json" => text(bytes).replace("audio-spectrogram-transformer", "bert").into_bytes(),
        _ => bytes,
    })?;
    assert!(other.contains("describes the architecture 'bert'"), "{other}");
    let misshapen = said(&mut page, &|name, bytes| match name {
        "config.json" => text(bytes)
            .replace("\"intermediate_size\": 96", "\"intermediate_size\": 64")
            .into_bytes(),
        _ => bytes,
    })?;
    assert!(misshapen.contains("has the shape [96") && misshapen.contains("[64"), "{misshapen}");
    let not_a_number = said(&mut page, &|name, mut bytes| {
        if name == "model.safetensors" {
            let end = bytes.len();
            bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        }
        bytes
    })?;
    assert!(not_a_number.contains("no finite numbers"), "{not_a_number}");
    let damaged = said(&mut page, &|name, bytes| match name {
        "model.safetensors" => bytes[..1000].to_vec(),
        _ => bytes,
    })?;
    assert!(damaged.contains("can't be understood"), "{damaged}");
    Ok(())
}

#[test]
fn a_network_too_large_for_a_tab_is_left_to_a_server() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let page = stage.page("")?;
    let file = json!({ "name": "model.safetensors", "bytes": 1_300_000_000u64, "url": null });
    let network = json!({ "name": "large", "files": [file], "authorisation": null });
    let order = json!({ "Describe": { "job": 1, "network": network } });
    let (answer, _) = tell(page.session, &order, &[], None)?;
    let said = answer["Failed"]["message"].as_str().unwrap_or_default();
    assert!(said.contains("1300 MB") && said.contains("spyhop detect"), "{answer}");
    Ok(())
}

/// Columns of a Raven table that say where a candidate is and how sure, row by row.
fn table(text: &str) -> Vec<Vec<f64>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let columns = ["Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Score"];
    let at = columns.map(|name| header.iter().position(|column| *column == name));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |at: &Option<usize>| cells.get((*at)?)?.parse().ok();
        at.iter().map(|at| cell(at).unwrap_or(f64::NAN)).collect()
    };
    lines.map(row).collect()
}

/// The same of what `spyhop detect` finds in a file.
fn of_program(file: &Path, by: &[&str], home: &Path) -> anyhow::Result<Vec<Vec<f64>>> {
    let out = file.with_extension("found.txt");
    let state = TempDir::new()?;
    let output = std::process::Command::new(program::path()?)
        .arg("detect")
        .arg(file)
        .args(by)
        .args(["--out".as_ref(), out.as_os_str(), "--state".as_ref(), state.path().as_os_str()])
        .env("XDG_DATA_HOME", home)
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(table(&std::fs::read_to_string(out)?))
}

/// Starts what is chosen in the dialog and waits until so many candidates pass its threshold.
fn start(page: &mut Page<'_>, choice: &str, candidates: usize) -> anyhow::Result<()> {
    page.press("#detect-top")?;
    page.wait_for("the choice", |p| p.is_shown(choice))?;
    page.press(choice)?;
    page.press("#detect-start")?;
    page.wait_for("the candidates", |p| {
        anyhow::ensure!(!p.is_shown("#detect-problem")?, "{}", p.text("#detect-problem")?);
        Ok(p.data("candidates")? == candidates.to_string())
    })?;
    page.wait_for("the end of the run", |p| Ok(!p.is_shown("#run-progress")?))
}

fn assert_same(tab: &[Vec<f64>], program: &[Vec<f64>], tolerance: f64) {
    assert_eq!(tab.len(), program.len(), "{tab:?} for {program:?}");
    for (ours, theirs) in tab.iter().zip(program) {
        for (x, y) in ours.iter().zip(theirs) {
            assert!((x - y).abs() <= tolerance, "{ours:?} for {theirs:?}");
        }
    }
}

#[test]
fn a_file_of_the_disk_is_heard_in_the_tab_as_by_the_program() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("x_20210601_003000.wav", &whistles(), 48_000)?;
    let expected = of_program(&file, &["--detector", "whistle"], stage.path())?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    start(&mut page, "#on-this-tab #detectors input[value=whistle]", 6)?;
    let found = table(&exported(&mut page, "#calls-raven")?);
    assert_eq!(found.len(), 6);
    // The same arithmetic; tables are rounded.
    assert_same(&found, &expected, 2e-3);
    assert!(page.notices("error")?.is_empty());
    Ok(())
}

/// A recording of what the reference implementation was given.
fn waves(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut samples = Vec::new();
    for wave in ["upcall", "whistle", "noise"] {
        samples.extend(reference(&format!("{wave}.wave"))?);
    }
    let mut wav = std::io::Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut wav, WavCoding::Float32, 1, RATE_HZ, &[])?;
    writer.write(&samples)?;
    writer.finish()?;
    sounds::write(folder, "x_20240601_000000.wav", &wav.into_inner())
}

/// A server with a user's networks, and with no recordings: those are on the disk of whoever opens the page.
fn without_recordings(home: &Path, folder: &Path) -> anyhow::Result<Server> {
    let empty = folder.join("no-recordings");
    std::fs::create_dir(&empty)?;
    Server::start_of(home, ["--data".as_ref(), empty.as_os_str()])
}

/// Chooses an adapter in the dialog, below a network that is chosen.
fn choose_adapter(page: &mut Page<'_>, name: &str) -> anyhow::Result<()> {
    page.wait_for("the adapters", |p| p.is_shown("#detect .adapter"))?;
    let choose = "const all = document.querySelector('#detect .adapter'); \
                  all.value = arguments[0]; \
                  all.dispatchEvent(new Event('change', { bubbles: true })); return all.value;";
    let chosen = page.session.execute(choose, json!([name]))?;
    anyhow::ensure!(chosen == json!(name), "it is offered: {chosen}");
    Ok(())
}

#[test]
fn a_network_of_the_server_runs_in_the_tab_with_an_adapter() -> anyhow::Result<()> {
    let home = data_home(&["tiny"])?;
    put_adapter(home.path(), "gulf")?;
    let folder = TempDir::new()?;
    let server = without_recordings(home.path(), folder.path())?;
    let file = waves(folder.path())?;
    let plain = of_program(&file, &["--model", "tiny"], home.path())?;
    let expected = of_program(&file, &["--model", "tiny", "--adapter", "gulf"], home.path())?;
    assert!(!expected.is_empty() && expected != plain, "{expected:?}");
    let mut stage = Stage::beside(server, folder, &[])?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.press("#detect-top")?;
    page.wait_for("the network", |p| p.is_shown("#on-this-tab input[value=tiny]"))?;
    page.press("#on-this-tab input[value=tiny]")?;
    choose_adapter(&mut page, "gulf")?;
    page.press("#detect-start")?;
    page.wait_for("the candidates", |p| {
        anyhow::ensure!(!p.is_shown("#detect-problem")?, "{}", p.text("#detect-problem")?);
        Ok(p.data("candidates")? == expected.len().to_string())
    })?;
    page.wait_for("the end of the run", |p| Ok(!p.is_shown("#run-progress")?))?;
    assert_same(&table(&exported(&mut page, "#calls-raven")?), &expected, 2e-3);
    Ok(())
}

#[test]
fn a_network_of_the_server_runs_in_the_tab_and_shows_what_it_saw() -> anyhow::Result<()> {
    let home = data_home(&["tiny"])?;
    let folder = TempDir::new()?;
    let server = without_recordings(home.path(), folder.path())?;
    let file = waves(folder.path())?;
    let expected = of_program(&file, &["--model", "tiny"], home.path())?;
    assert!(!expected.is_empty(), "random weights find something");
    let mut stage = Stage::beside(server, folder, &[])?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    start(&mut page, "#on-this-tab input[value=tiny]", expected.len())?;
    let found = table(&exported(&mut page, "#calls-raven")?);
    assert_same(&found, &expected, 2e-3);

    // Why: the picture of the window, and its neighbours.
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.keys(".")?;
    page.wait_for("what the network saw", |p| p.is_shown("#seen-canvas"))?;
    assert!(page.text("#seen-which")?.contains("score 0."), "{}", page.text("#seen-which")?);
    let picture = page.picture("#seen-canvas")?;
    assert_eq!((picture.width, picture.height), (256, 128));
    assert!(picture.contrast() > 10.0, "{}", picture.contrast());
    Ok(())
}

#[test]
fn what_a_recording_cannot_hold_is_refused_with_a_sentence() -> anyhow::Result<()> {
    let home = data_home(&["tiny"])?;
    let folder = TempDir::new()?;
    let server = without_recordings(home.path(), folder.path())?;
    let file = sounds::write_wav(folder.path(), "low.wav", &sounds::noise(0.1, 30.0, 2000), 2000)?;
    let mut stage = Stage::beside(server, folder, &[])?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    page.press("#detect-top")?;
    page.wait_for("the network", |p| p.is_shown("#on-this-tab input[value=tiny]"))?;
    page.wait_for("the detectors", |p| p.is_shown("#misfits"))?;
    let misfits = page.text("#misfits")?;
    assert!(misfits.contains("which holds nothing above 1 kHz"), "{misfits}");
    assert!(is_refused(&mut page, "#on-this-tab")?.contains("needs a sampling rate of"));
    Ok(())
}

/// What the dialog says of a network that can't be chosen.
fn is_refused(page: &mut Page<'_>, form: &str) -> anyhow::Result<String> {
    let input = format!("{form} input[value=tiny]:disabled");
    page.wait_for("the reason", |p| p.is_shown(&input))?;
    let told = "return document.querySelector(arguments[0]).closest('label').innerText;";
    Ok(page.session.execute(told, json!([input]))?.as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_server_s_network_that_does_not_fit_is_offered_with_the_reason() -> anyhow::Result<()> {
    let home = data_home(&["tiny"])?;
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    let sound = sounds::noise(0.1, 20.0, 2000);
    sounds::write_wav(&place.join("site"), "x_20210601_003000.wav", &sound, 2000)?;
    let server = Server::start_of(home.path(), ["--data".as_ref(), place.as_os_str()])?;
    let mut stage = Stage::beside(server, folder, &[])?;
    let mut page = stage.page("?v=1&src=set:site")?;
    page.wait_until_ready()?;
    page.press("#detect-top")?;
    let why = is_refused(&mut page, "#detect")?;
    assert!(why.contains("needs a sampling rate of 16000 Hz"), "{why}");
    Ok(())
}

/// How many rows of the table have a verdict.
fn rows_with(page: &mut Page<'_>, verdict: &str) -> anyhow::Result<u64> {
    let body = "return document.querySelectorAll(\
        `#candidates [data-verdict=${arguments[0]}]`).length;";
    Ok(page.session.execute(body, json!([verdict]))?.as_u64().unwrap_or_default())
}

/// Looks at the next candidate and says something of it, by keys.
fn say_of_next(page: &mut Page<'_>, key: &str, said: &str) -> anyhow::Result<()> {
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.keys(".")?;
    page.wait_for("the next", |p| Ok(verdict(p)? == "unreviewed"))?;
    page.session.keys(key)?;
    page.wait_for("the verdict", |p| Ok(verdict(p)? == said))
}

const WHISTLE: &str = "#on-this-tab #detectors input[value=whistle]";

#[test]
fn what_is_said_in_a_tab_is_there_again_when_the_same_is_found_again() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("x_20210601_003000.wav", &whistles(), 48_000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    start(&mut page, WHISTLE, 6)?;
    page.set("#reviewer", "Ada")?;
    say_of_next(&mut page, "e", "accepted")?;
    say_of_next(&mut page, "q", "rejected")?;

    // The table has what the program's has, and who said what, and when.
    let table = exported(&mut page, "#calls-csv")?;
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let out = file.with_extension("found.csv");
    let state = TempDir::new()?;
    let output = std::process::Command::new(program::path()?)
        .arg("detect")
        .arg(&file)
        .args(["--detector", "whistle", "--out"])
        .arg(&out)
        .arg("--state")
        .arg(state.path())
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = std::fs::read_to_string(out)?;
    assert_eq!(columns, theirs.lines().next().unwrap_or_default().split(',').collect::<Vec<_>>());
    let first: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let cell = |name: &str| {
        let at = columns.iter().position(|column| *column == name);
        at.and_then(|at| first.get(at)).copied().unwrap_or_default()
    };
    assert_eq!((cell("verdict"), cell("reviewed_by")), ("accepted", "Ada"), "{table}");
    assert_eq!(cell("class"), cell("label"), "{table}");
    assert!(cell("reviewed_at").starts_with("20") && !cell("config_hash").is_empty(), "{table}");

    let mut page = stage.page("")?;
    page.open(&[&file])?;
    start(&mut page, WHISTLE, 6)?;
    page.wait_for("what was accepted", |p| Ok(rows_with(p, "accepted")? == 1))?;
    assert_eq!((rows_with(&mut page, "rejected")?, rows_with(&mut page, "unreviewed")?), (1, 4));

    // What another version wrote, or what is torn, is told of and not written over.
    let tear = "const key = Object.keys(localStorage).find(k => k.startsWith('spyhop.calls.')); \
        const text = localStorage.getItem(key).slice(0, -1); localStorage.setItem(key, text); \
        return [key + '.unreadable', text];";
    let torn = page.session.execute(tear, json!([]))?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    start(&mut page, WHISTLE, 6)?;
    let told = page.notices("warning")?;
    let aside = torn[0].as_str().unwrap_or_default();
    assert!(told.iter().any(|notice| notice.contains(aside)), "{told:?} of {torn}");
    say_of_next(&mut page, "e", "accepted")?;
    let kept = "return localStorage.getItem(arguments[0]);";
    assert_eq!(page.session.execute(kept, json!([aside]))?, torn[1]);

    // A browser that keeps nothing more says so, once.
    let full = "Storage.prototype.setItem = () => { throw new DOMException('full'); };";
    page.session.execute(full, json!([]))?;
    page.set("#calls-review", "unreviewed")?;
    say_of_next(&mut page, "e", "accepted")?;
    say_of_next(&mut page, "e", "accepted")?;
    let told = page.notices("warning")?;
    let unkept = told.iter().filter(|notice| notice.contains("keeps no more verdicts")).count();
    assert_eq!(unkept, 1, "{told:?}");
    Ok(())
}

#[test]
fn a_run_of_the_tab_stays_over_views_and_keeps_what_was_said_to_itself() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let file = stage.wav("x_20210601_003000.wav", &whistles(), 48_000)?;
    let other = stage.wav("y_20210601_013000.wav", &sounds::noise(0.1, 5.0, 48_000), 48_000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    start(&mut page, WHISTLE, 6)?;
    let whole = page.view("span")?;
    say_of_next(&mut page, "q", "rejected")?;
    page.wait_for("a closer look", |p| Ok(p.view("span")? != whole))?;
    page.session.keys("b")?;
    page.wait_for("the view before", |p| Ok(p.view("span")? == whole))?;
    let shown = "return document.querySelector('#run').value;";
    assert_eq!(page.session.execute(shown, json!([]))?, "-1");
    page.wait_for("its boxes", |p| Ok(p.data("candidates")? == "6"))?;

    // A story or a class asks for another view of the same, whose address names no run.
    let all =
        page.session.execute("return document.querySelector('#page').dataset.view;", json!([]))?;
    let ask = "const view = new URLSearchParams(arguments[0]); \
        if (arguments[1]) view.set('span', arguments[1]); \
        document.dispatchEvent(new CustomEvent('spyhop-wish', { detail: JSON.stringify( \
        { wish: 'show', view: String(view), travel_ms: arguments[2] }) }));";
    for (span, travel_ms) in [("1", 0), ("2", 300)] {
        page.session.execute(ask, json!([all, span, travel_ms]))?;
        page.wait_for("the guide's view", |p| Ok(p.view("span")?.as_deref() == Some(span)))?;
        assert_eq!(page.session.execute(shown, json!([]))?, "-1");
    }
    page.session.execute(ask, json!([all, null, 0]))?;
    page.wait_for("its boxes", |p| Ok(p.data("candidates")? == "6"))?;

    // The same once more is another run: what was said in the first is not taken back in it.
    start(&mut page, WHISTLE, 6)?;
    page.wait_for("the second run", |p| Ok(p.session.execute(shown, json!([]))? == "-2"))?;
    page.wait_for("what was said", |p| Ok(rows_with(p, "rejected")? == 1))?;
    assert_eq!(verdict(&mut page)?, "", "no candidate of the first is looked at");
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.chord(&[CONTROL, 'z'])?;
    page.set("#run", "-1")?;
    page.wait_for("the first run", |p| Ok(p.session.execute(shown, json!([]))? == "-1"))?;
    page.wait_for("what was said", |p| Ok(rows_with(p, "rejected")? == 1))?;
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.chord(&[CONTROL, 'z'])?;
    page.wait_for("nothing said", |p| Ok(rows_with(p, "rejected")? == 0))?;

    // Where no run is shown a verdict is not lost without a word.
    page.set("#run", "")?;
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.keys("e")?;
    page.wait_for("the reason", |p| {
        Ok(p.notices("warning")?.iter().any(|notice| notice.contains("No detection is shown")))
    })?;

    // Something else is opened meanwhile: who comes back finds the runs again.
    page.choose(&[&other])?;
    page.wait_for("the other", |p| Ok(p.view("src")?.is_some_and(|src| src.contains("y_2021"))))?;
    // The panel comes with the picture.
    let runs = "return [...document.querySelectorAll('#run option')].map(run => run.value).join();";
    page.wait_for("no run", |p| Ok(p.session.execute(runs, json!([]))? == ""))?;
    page.choose(&[&file])?;
    page.wait_for("the runs", |p| Ok(p.session.execute(runs, json!([]))? == ",-2,-1"))?;
    assert_eq!(page.session.execute(shown, json!([]))?, "-2");
    page.wait_for("its boxes", |p| Ok(p.data("candidates")? == "6"))
}

#[test]
fn models_are_shown_with_their_cards_and_lead_to_a_detection() -> anyhow::Result<()> {
    let home = data_home(&["broken", "tiny"])?;
    std::fs::write(home.path().join("spyhop/models/broken/model.safetensors"), b"no")?;
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    sounds::write_wav(&place.join("site"), "x_20210601_003000.wav", &whistles(), 48_000)?;
    let server = Server::start_of(home.path(), ["--data".as_ref(), place.as_os_str()])?;
    let mut stage = Stage::beside(server, folder, &[])?;
    let mut page = stage.page("?page=models")?;
    page.wait_for("the list", |p| p.is_shown("#models [data-model=tiny] [data-fact=listens]"))?;
    let tiny = page.text("#models [data-model=tiny]")?;
    for words in ["20 Hz–8 kHz", "84.2 thousand parameters", "is no call", "score of 0.5"] {
        assert!(tiny.contains(words), "{words} in {tiny}");
    }
    let broken = page.text("#models [data-model=broken]")?;
    assert!(broken.contains("can't be understood"), "{broken}");
    page.press("#models [data-detector=whistle] summary")?;
    page.wait_for("a deployment", |p| {
        p.is_shown("#models [data-detector=whistle] button[type=submit]:enabled")
    })?;
    page.press("#models [data-detector=whistle] button[type=submit]")?;
    page.wait_for("its candidates", |p| Ok(p.data("candidates")? == "6"))?;
    Ok(())
}

#[test]
fn a_network_of_the_server_is_run_with_an_adapter_from_the_dialog() -> anyhow::Result<()> {
    let home = data_home(&["tiny"])?;
    put_adapter(home.path(), "gulf")?;
    let folder = TempDir::new()?;
    let place = folder.path().join("place");
    std::fs::create_dir_all(place.join("site"))?;
    waves(&place.join("site"))?;
    let server = Server::start_of(home.path(), ["--data".as_ref(), place.as_os_str()])?;
    let mut stage = Stage::beside(server, folder, &[])?;
    let mut page = stage.page("?v=1&src=set:site")?;
    page.wait_until_ready()?;
    page.press("#detect-top")?;
    page.wait_for("the network", |p| p.is_shown("#detect input[value=tiny]"))?;
    assert!(!page.is_shown("#detect .adapter")?, "a detector has none");
    page.press("#detect input[value=tiny]")?;
    choose_adapter(&mut page, "gulf")?;
    page.press("#detect-start")?;
    let shown = "return document.querySelector('#run')?.textContent ?? '';";
    page.wait_for("the run", |p| {
        let shown = p.session.execute(shown, json!([]))?;
        Ok(shown.as_str().is_some_and(|title| title.contains("tiny with gulf")))
    })?;

    // The server tells no card of an adapter: nothing is shown that the network did not see.
    page.wait_for("candidates", |p| Ok(p.data("candidates")? != "0"))?;
    page.session.execute("document.activeElement.blur();", json!([]))?;
    page.session.keys(".")?;
    page.wait_for("why there is no picture", |p| {
        Ok(p.text("#seen")?.contains("listened with the adapter gulf"))
    })?;
    assert!(!page.is_shown("#seen-canvas")?);
    Ok(())
}
