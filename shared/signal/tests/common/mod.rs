//! What the tests of formats share.
// Every test is a program of its own that uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use spyhop_signal::Recording;
use spyhop_signal::formats::{self, OpenOptions, Sidecar};
use spyhop_signal::source::FileSource;

/// What libsndfile (through python-soundfile) reads from a file.
#[derive(Debug, Deserialize)]
pub struct Expected {
    pub rate: f64,
    pub channels: u32,
    pub frames: u64,
    pub crc32: u32,
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats")
}

/// Reads a table that `make.py` wrote.
pub fn table(name: &str) -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(fixtures().join(name)).expect("a committed table");
    serde_json::from_str(&text).expect("JSON of the table's shape")
}

/// Opens a file with the SoundTrap sidecar beside it.
pub fn open(path: &Path) -> Recording {
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let beside = path.with_extension("log.xml");
    let mut options = OpenOptions::default();
    if let Ok(bytes) = std::fs::read(&beside) {
        let name = beside.file_name().expect("a file").to_string_lossy().into_owned();
        options.sidecars.push(Sidecar { name, bytes });
    }
    let source = FileSource::open(path).expect("readable");
    formats::open(&name, Box::new(source), &options).expect("a recording")
}

/// All frames, interleaved.
pub fn all(recording: &mut Recording) -> Vec<f32> {
    let mut samples = Vec::new();
    recording.read(0, recording.info.frames as usize, &mut samples).expect("decodes");
    samples
}

/// CRC-32 as zlib has it.
pub fn crc32(samples: &[f32]) -> u32 {
    let table: Vec<u32> = (0..256u32)
        .map(|i| (0..8).fold(i, |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 }))
        .collect();
    let bytes = samples.iter().flat_map(|s| s.to_le_bytes());
    !bytes.fold(!0u32, |crc, b| table[((crc ^ u32::from(b)) & 0xFF) as usize] ^ (crc >> 8))
}
