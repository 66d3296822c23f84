//! `spyhop score`.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use serde_json::Value;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_tests::models::{ast_tiny, reference};
use spyhop_tests::sounds;
use tempfile::TempDir;

use crate::{out_to, said, written};

const RATE: u32 = 16_000;
/// From the start of one of the network's windows to the next.
const HOP: usize = 40_960;

fn float_wav(folder: &Path, name: &str, samples: &[f32], rate: u32) -> anyhow::Result<PathBuf> {
    let mut wav = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut wav, WavCoding::Float32, 1, rate, &[])?;
    writer.write(samples)?;
    writer.finish()?;
    sounds::write(folder, name, &wav.into_inner())
}

fn model() -> String {
    format!("--model {}", ast_tiny().display())
}

#[test]
fn scores_are_the_logits_of_the_reference_implementation() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let out = folder.path().join("x.npy");
    for wave in ["upcall", "whistle", "noise", "short"] {
        let file = float_wav(folder.path(), "x.wav", &reference(&format!("{wave}.wave"))?, RATE)?;
        written("score", &file, &model(), &out)?;
        let (rows, columns, values) = sounds::read_npy(&out)?;
        assert_eq!((rows, columns, values[0]), (1, 6, 0.0), "{wave}");
        for (ours, theirs) in values[1..].iter().zip(reference(&format!("{wave}.logits"))?) {
            // What its own float32 arithmetic is good to.
            assert!((ours - theirs).abs() < 1e-4, "{wave}: {values:?}");
        }
    }
    Ok(())
}

#[test]
fn each_window_is_scored_as_if_it_were_alone_and_all_forms_agree() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let wave = |name: &str| reference(&format!("{name}.wave"));
    let all = [wave("upcall")?, wave("noise")?, wave("whistle")?].concat();
    let file = float_wav(folder.path(), "all.wav", &all, RATE)?;
    let out = |name: &str| folder.path().join(name);
    let told = written("score", &file, &format!("{} --json", model()), &out("x.npy"))?;
    let told: Value = serde_json::from_slice(&told.stdout)?;
    let (rows, columns, values) = sounds::read_npy(&out("x.npy"))?;
    assert_eq!(told["shape"], serde_json::json!([rows, columns]), "{told}");
    // Three windows, and what is left after them.
    assert_eq!((rows, columns), (4, 6));
    for (row, values) in values.chunks(columns).enumerate() {
        assert_eq!(values[0], (row * HOP) as f32 / RATE as f32);
        let alone = &all[row * HOP..all.len().min(row * HOP + HOP + 240)];
        let alone = float_wav(folder.path(), "alone.wav", alone, RATE)?;
        written("score", &alone, &model(), &out("alone.npy"))?;
        let (_, _, alone) = sounds::read_npy(&out("alone.npy"))?;
        let worst = values[1..].iter().zip(&alone[1..]).map(|(a, b)| (a - b).abs());
        // In a batch the sums are made in another order.
        assert!(worst.fold(0.0, f32::max) < 2e-6, "{row}: {values:?} {alone:?}");
    }
    written("score", &file, &model(), &out("x.csv"))?;
    let csv = fs::read_to_string(out("x.csv"))?;
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("start_s,upcall,whistle,click train,ship,none"));
    let numbers: Vec<f32> =
        lines.flat_map(|line| line.split(',')).filter_map(|cell| cell.parse().ok()).collect();
    assert_eq!(numbers, values);
    written("score", &file, &model(), &out("x.json"))?;
    let json: Value = serde_json::from_slice(&fs::read(out("x.json"))?)?;
    let numbers = json["rows"].as_array().into_iter().flatten();
    let numbers = numbers.flat_map(|row| row.as_array().cloned().unwrap_or_default());
    let numbers: Vec<f32> = numbers.filter_map(|v| v.as_f64()).map(|v| v as f32).collect();
    assert_eq!((numbers, &json["columns"][1]), (values, &"upcall".into()));
    Ok(())
}

#[test]
fn an_adapter_changes_the_scores_and_what_does_not_fit_is_refused() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let out = folder.path().join("x.npy");
    let file = float_wav(folder.path(), "x.wav", &reference("upcall.wave")?, RATE)?;
    let lora = ast_tiny().join("lora");
    written("score", &file, &format!("{} --adapter {}", model(), lora.display()), &out)?;
    let adapted = sounds::read_npy(&out)?.2;
    // By PEFT, of the same wave.
    let theirs = [0.22861041, 0.2721535, 0.28553948, 0.47740528, -0.81425];
    for (ours, theirs) in adapted[1..].iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-4, "{adapted:?}");
    }
    fs::remove_file(&out)?;
    let slow = float_wav(folder.path(), "slow.wav", &[0.0; 8000], 4000)?;
    let refused = out_to("score", &slow, &model(), &out)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("holds nothing above 2000 Hz"), "{}", said(&refused));
    let nowhere = out_to("score", &file, "--model /nowhere", &out)?;
    assert_eq!(nowhere.status.code(), Some(1), "{}", said(&nowhere));
    let form = out_to("score", &file, &model(), &folder.path().join("x.xml"))?;
    assert_eq!(form.status.code(), Some(2), "{}", said(&form));
    assert!(!out.exists());
    Ok(())
}
