//! A small sea: recordings of noise with upsweeps in them, and a small network that can learn them.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};
use spyhop_api::RecordingInfo;
use spyhop_config::{Config, Preprocess, Training};
use spyhop_model::ModelFiles;
use spyhop_signal::Recording;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::source::FileSource;
use spyhop_train::dataset::{self, of_tables};
use spyhop_train::{JsonLines, Outcome, RunFolder, Setup, Told, TrainError, WindowTable, train};

const RATE: u32 = 2000;
const FILE_S: usize = 60;

/// Training of a network of two layers on windows of 1.5 s: 40 filters of 30 to 400 Hz.
pub const TINY: &str = "
preprocess: {window_s: 1.5, hop_s: 1.5, label_mapping: {upcall: upcall}}
data_loader:
  train_ratio: 0.6
  val_ratio: 0.2
  test_ratio: 0.2
  batch_size: 16
  augment: {time_mask_frames: 3, frequency_mask_mels: 3}
model:
  name: tiny
  AST_kwargs: {hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48, patch_size: 16, frequency_stride: 12, time_stride: 14}
  front_end: {rate_hz: 2000, low_hz: 30, high_hz: 400, mels: 40, frame_samples: 256, hop_samples: 64, fft_size: 512}
model_trainer: {num_epochs: 4, lr: 0.003, checkpoint_batches: 3}
";

/// Recordings of a minute each with a table beside each of them.
pub fn sea(folder: &Path, files: usize) -> std::io::Result<()> {
    let mut state = 12_345u64;
    let mut noise = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    for file in 0..files {
        let mut samples = vec![0i16; FILE_S * RATE as usize];
        let mut table = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n".to_owned();
        let begins: Vec<f64> = (0..8).map(|i| 3.0 + 7.0 * f64::from(i) + noise()).collect();
        for (i, sample) in samples.iter_mut().enumerate() {
            let t = i as f64 / f64::from(RATE);
            let call = begins.iter().map(|b| t - b).find(|t| (0.0..1.0).contains(t));
            let call = call.map_or(0.0, |t| {
                let edge = (t.min(1.0 - t) * 12.0).min(1.0);
                0.1 * edge * (TAU * (80.0 * t + 50.0 * t * t)).sin()
            });
            *sample = ((call + 0.1 * noise()) * 20_000.0) as i16;
        }
        for (i, begin) in begins.iter().enumerate() {
            table += &format!(
                "{}\tSpectrogram 1\t1\t{begin:.3}\t{:.3}\t80\t180\tupcall\n",
                i + 1,
                begin + 1.0
            );
        }
        let name = format!("sea_20090329_{:02}{:02}00", file / 60, file % 60);
        let to = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(to, WavCoding::Pcm16, 1, RATE, &[])?;
        writer.write_i16(&samples)?;
        std::fs::write(folder.join(format!("{name}.wav")), writer.finish()?.into_inner())?;
        std::fs::write(folder.join(format!("{name}.Table.1.selections.txt")), table)?;
    }
    Ok(())
}

/// A folder that goes with its value, and one in it with a sea.
pub fn folder_with_sea(files: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let sea_folder = folder.path().join("sea");
    std::fs::create_dir(&sea_folder).expect("a folder");
    sea(&sea_folder, files).expect("a sea");
    (folder, sea_folder)
}

pub fn open(path: &Path) -> Result<Recording, String> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let source = FileSource::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    formats::open(&name, Box::new(source), &OpenOptions::default()).map_err(|e| e.to_string())
}

pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == ending));
    paths.sort();
    paths
}

/// The windows of the small sea.
pub fn windows(folder: &Path, said: &Preprocess) -> WindowTable {
    let (wav, tables) = (files(folder, "wav"), files(folder, "txt"));
    let (labelled, told) = of_tables(folder, &wav, &tables, &open).expect("tables");
    assert_eq!(told, [""; 0]);
    let infos: Vec<&RecordingInfo> = labelled.iter().map(|l| &l.info).collect();
    assert_eq!(infos.len(), wav.len());
    let (table, told) = dataset::cut(folder, &labelled, said).expect("windows");
    assert_eq!(told, [""; 0]);
    table
}

pub fn said(more: &[&str]) -> Training {
    Config::read_with(TINY, more).expect("sound").training
}

/// What came of a run, and all that was told on the way.
pub struct Ran {
    pub outcome: Result<Outcome, TrainError>,
    pub told: Vec<Told>,
}

/// Trains; stops after so many batches, where a number is given.
pub fn run(
    sea: &Path,
    folder: &Path,
    said: &Training,
    base: Option<&dyn ModelFiles>,
    stop_after: Option<usize>,
) -> Ran {
    run_on(windows(sea, &said.preprocess), sea, folder, said, base, stop_after)
}

/// The same with windows that were cut before.
pub fn run_on(
    table: WindowTable,
    sea: &Path,
    folder: &Path,
    said: &Training,
    base: Option<&dyn ModelFiles>,
    stop_after: Option<usize>,
) -> Ran {
    let folder = RunFolder(folder.to_owned());
    let mut tracker = JsonLines::new(folder.metrics());
    let stop = AtomicBool::new(false);
    let told = Mutex::new(Vec::new());
    let watch = |event: Told| {
        let mut told = told.lock().expect("one thread");
        told.push(event);
        let batches = told.iter().filter(|t| matches!(t, Told::Batch { .. })).count();
        if stop_after.is_some_and(|after| batches >= after) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let outcome = train(Setup {
        said,
        table,
        base,
        folder: &folder,
        features: &sea.join("features"),
        open: &open,
        tracker: &mut tracker,
        stop: &stop,
        watch: &watch,
    });
    Ran { outcome, told: told.into_inner().expect("one thread") }
}

pub fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
}

pub fn weights(folder: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder, &Device::Cpu).expect("weights")
}

pub fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
