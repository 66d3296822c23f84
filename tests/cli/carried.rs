//! The network that comes with the program.

use std::process::Command;

use serde_json::Value;
use spyhop_tests::program;
use tempfile::TempDir;

use crate::said;

#[test]
fn it_finds_the_calls_of_a_sea_that_it_never_heard() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let run = |args: &[&str]| -> anyhow::Result<Vec<u8>> {
        let output = Command::new(program::path()?).args(args).current_dir(&folder).output()?;
        anyhow::ensure!(output.status.success(), "{}", said(&output));
        Ok(output.stdout)
    };
    run(&["demo", "sea", "--seed", "7", "--only", "bank-in-march"])?;
    // An hour of its four is enough to tell.
    let mut files: Vec<_> = std::fs::read_dir(folder.path().join("sea/bank-in-march"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "wav"));
    files.sort();
    anyhow::ensure!(files.len() == 16, "{files:?}");
    files[4..].iter().try_for_each(std::fs::remove_file)?;

    let told = run(&[
        "evaluate",
        "--model",
        "upcall-small",
        "--data",
        "sea",
        "--state",
        "state",
        "--draws",
        "10",
        "--json",
    ])?;
    let told: Value = serde_json::from_slice(&told)?;
    let f1 = |figures: &Value| figures["f1"].as_f64().unwrap_or(0.0);
    // 0.940 and 0.892 when this was written; 0.90 is what is asked of it over four hours of each of two seas.
    let loud = &told["by_class"]["upcall"]["at_0_db_or_more"];
    assert!(f1(loud) >= 0.90, "{loud}");
    assert!(f1(&told["call_level"]) > 0.85, "{}", told["call_level"]);
    // It says what it learned from, and this sea is none of that.
    assert_eq!(told["learned_from"], serde_json::json!([]), "{}", told["learned_from"]);
    Ok(())
}

#[test]
fn its_weights_take_at_most_two_megabytes() -> anyhow::Result<()> {
    let weights =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../server/models/upcall-small/model.safetensors");
    assert!(std::fs::metadata(weights)?.len() <= 2_000_000);
    Ok(())
}
