//! What was trained on the server's machine: runs are compared, their curves read, and training is watched.

use std::f64::consts::TAU;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use spyhop_tests::{Page, program, sounds};
use tempfile::TempDir;

use crate::Stage;

const RATE_HZ: u32 = 2000;
const FILE_S: f64 = 60.0;
/// A network of two layers that learns upsweeps within seconds.
const CONFIG: &str = "
preprocess: {window_s: 1.5, hop_s: 1.5, label_mapping: {upcall: upcall}}
data_loader: {train_ratio: 0.6, val_ratio: 0.2, test_ratio: 0.2, batch_size: 16}
model:
  AST_kwargs: {hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48, frequency_stride: 12, time_stride: 14}
  front_end: {rate_hz: 2000, low_hz: 30, high_hz: 400, mels: 40, frame_samples: 256, hop_samples: 64, fft_size: 512}
model_trainer: {num_epochs: 3, lr: 0.003}
";

/// Recordings with upsweeps and a table beside each.
fn sea(folder: &Path) -> anyhow::Result<()> {
    for file in 0..8 {
        let begins: Vec<f64> =
            (0..8).map(|i| 3.0 + 7.0 * f64::from(i) + 0.1 * f64::from(file)).collect();
        let calls = sounds::tone(FILE_S, RATE_HZ, |t| {
            let call = begins.iter().map(|begin| t - begin).find(|t| (0.0..1.0).contains(t));
            call.map_or(0.0, |t| {
                0.2 * (t.min(1.0 - t) * 12.0).min(1.0) * (TAU * (80.0 * t + 50.0 * t * t)).sin()
            })
        });
        let mut table = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n".to_owned();
        for (i, begin) in begins.iter().enumerate() {
            let end = begin + 1.0;
            table +=
                &format!("{}\tSpectrogram 1\t1\t{begin:.3}\t{end:.3}\t80\t180\tupcall\n", i + 1);
        }
        let name = format!("sea_20090329_{file:02}0000");
        let samples = sounds::mixed(&calls, &sounds::noise(0.05, FILE_S, RATE_HZ));
        sounds::write_wav(folder, &format!("{name}.wav"), &samples, RATE_HZ)?;
        sounds::write(folder, &format!("{name}.Table.1.selections.txt"), table.as_bytes())?;
    }
    Ok(())
}

/// A server whose state folder knows what is trained in `folder`.
fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let empty = folder.path().join("no-recordings");
    std::fs::create_dir(&empty)?;
    sea(&folder.path().join("sea"))?;
    std::fs::write(folder.path().join("train.yaml"), CONFIG)?;
    let state = folder.path().join("state").display().to_string();
    Stage::serving_with(&["--state", &state], &empty, folder, &[])
}

fn train(folder: &Path, settings: &[&str]) -> anyhow::Result<Child> {
    let mut command = Command::new(program::path()?);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["train", "--config", "train.yaml", "--state", "state"]);
    for setting in ["preprocess.wav_dir=sea"].iter().chain(settings) {
        command.args(["--set", setting]);
    }
    Ok(command.spawn()?)
}

/// The name and the state of each row.
fn rows(page: &mut Page<'_>) -> anyhow::Result<Vec<(String, String)>> {
    let body = "return [...document.querySelectorAll('#runs-table [data-run]')]
        .map(r => [r.querySelector('th span').textContent, r.dataset.runState]);";
    Ok(serde_json::from_value(page.session.execute(body, json!([]))?)?)
}

fn count(page: &mut Page<'_>, css: &str) -> anyhow::Result<u64> {
    let body = "return document.querySelectorAll(arguments[0]).length;";
    Ok(page.session.execute(body, json!([css]))?.as_u64().unwrap_or_default())
}

#[test]
fn runs_are_compared_and_those_that_failed_stay() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let mut page = stage.page("?page=runs")?;
    page.wait_for("an honest word where there is none", |p| p.is_shown("#runs-none"))?;
    assert_eq!(page.data("stage")?, "runs");
    let folder = stage.path().to_owned();
    for settings in [
        &["general.run_name=first"][..],
        &["general.run_name=second", "model_trainer.lr=0.001"],
        &[
            "general.run_name=broken",
            "model_trainer.lr=1e38",
            "model_trainer.optimizer=SGD",
            "model_trainer.use_scheduler=false",
        ],
    ] {
        train(&folder, settings)?.wait()?;
    }
    // The page sees them by itself.
    let mut page = Page { session: &mut stage.chromium.session };
    page.wait_for("the runs", |p| Ok(rows(p)?.len() == 3))?;
    let expected = [("broken", "failed"), ("second", "done"), ("first", "done")];
    assert_eq!(rows(&mut page)?, expected.map(|(name, state)| (name.to_owned(), state.to_owned())));
    assert!(page.text("#runs-table .remark")?.contains("no finite number in epoch 1"));
    let setting = "#runs-table tbody tr:nth-child(2) [data-setting='model_trainer.lr']";
    assert_eq!(page.text(setting)?, "0.001");
    assert_eq!(
        count(&mut page, "[data-setting='model_trainer.num_epochs']")?,
        0,
        "they have it in common"
    );
    assert!(
        page.text("#runs-table tbody tr:nth-child(2) [data-fact='trained']")?.starts_with("100 %")
    );

    // The best first.
    page.press("[data-sort='Best'] button")?;
    page.wait_for("the run without a figure last", |p| Ok(rows(p)?[2].0 == "broken"))?;

    // Curves lie over each other, and are read by keys.
    page.press("#runs-table tbody tr:nth-child(1) input")?;
    page.wait_for("all curves", |p| Ok(count(p, "[data-figure='ap/val'] path.curve")? > 0))?;
    for row in 1..=3 {
        let tick = format!("#runs-table tbody tr:nth-child({row}) input");
        let body = "return document.querySelector(arguments[0]).checked;";
        if page.session.execute(body, json!([tick]))? != json!(true) {
            page.press(&tick)?;
        }
    }
    page.wait_for("two curves", |p| Ok(count(p, "[data-figure='loss/val'] path.curve")? == 2))?;
    let walk = "const svg = document.querySelector(\"[data-figure='loss/val'] svg[role=img]\"); svg.focus();
        for (const key of ['ArrowLeft', 'ArrowLeft'])
            svg.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        return document.activeElement === svg;";
    assert_eq!(page.session.execute(walk, json!([]))?, json!(true));
    page.wait_for("the values there", |p| {
        let said = p.text("[data-figure='loss/val'] .readout")?;
        Ok(said.starts_with("step ") && said.contains("first 0.") && said.contains("second 0."))
    })?;
    Ok(())
}

#[test]
fn training_is_watched_on_the_page_of_jobs_and_a_kill_is_told() -> anyhow::Result<()> {
    let mut stage = stage()?;
    let folder = stage.path().to_owned();
    let settings = [
        "general.run_name=long",
        "model_trainer.num_epochs=2000",
        "model_trainer.early_stopping.patience_epochs=0",
    ];
    let mut child = train(&folder, &settings)?;
    let mut page = stage.page("?page=jobs")?;
    let watched = page.wait_for("its loss, rate and time left, and a curve", |p| {
        if count(p, "[data-training] [data-figure='loss/batch'] path.curve")? == 0 {
            return Ok(false);
        }
        let said = p.text("[data-training] [data-fact='goes']")?;
        Ok(["of 2000", "loss 0.", "rate ", "windows/s", "left at most"]
            .iter()
            .all(|word| said.contains(word)))
    });
    let said = page.text("[data-training] [data-fact='goes']");
    child.kill()?;
    child.wait()?;
    watched?;
    let said = said?;
    page.wait_for("it to be gone", |p| Ok(count(p, "[data-training]")? == 0))?;
    page.press("#to-runs")?;
    page.wait_for("what became of it", |p| {
        Ok(rows(p)? == [("long".to_owned(), "interrupted".to_owned())])
    })?;
    assert!(said.contains("epoch"), "{said}");
    Ok(())
}
