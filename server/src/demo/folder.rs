//! A deployment's folder: its recordings, tables and description, and the stamp that says whether
//! they are all there.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use spyhop_signal::formats::ears::{self, EarsConvention};
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};

use super::VERSION;
use super::gulf_night::RECORD_FRAMES;
use super::scene::{Container, Plan, Scene};
use super::truth::raven_table;
use crate::catalogue::{DeploymentFile, FILE_NAME};

/// Name of the stamp.
const STAMP: &str = ".spyhop-demo";
/// Last line of a stamp: everything is there.
const COMPLETE: &str = "complete";
/// What a file is called while it is written.
const UNFINISHED: &str = ".part";

/// Why a demo can't be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Somebody else's files are there.
    #[error(
        "this folder is not empty and was not made by spyhop demo, so it is left alone: name \
         another DIR, or move it away: {}",
        folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk said no.
    #[error("{what} can't be written ({error}); check space and permissions: {}", path.display())]
    Io {
        /// What was to be written.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The description can't be put into TOML.
    #[error("the description of {id} can't be written: {error}")]
    Description {
        /// The deployment.
        id: String,
        /// Why not.
        error: toml::ser::Error,
    },
}

/// A scene and the folder that it goes into.
pub struct Folder<'a> {
    scene: &'a Scene,
    path: PathBuf,
    stamp: String,
}

impl<'a> Folder<'a> {
    /// Prepares the folder of a scene under `dir`: what an earlier run of the same seed and version
    /// left is kept, what another one made is removed.
    ///
    /// # Errors
    /// When the folder holds files that are not the demo's, or can't be written.
    pub fn prepare(scene: &'a Scene, dir: &Path, seed: u64) -> Result<Folder<'a>, DemoError> {
        let path = dir.join(&scene.deployment.id);
        let mut stamp =
            format!("spyhop demo {VERSION}, seed {seed}, {} recordings\n", scene.recordings.len());
        for plan in &scene.recordings {
            // Writing to a String cannot fail.
            let _ = writeln!(stamp, "{}", plan.name);
        }
        let folder = Folder { scene, path, stamp };
        let write = |error| folder.failed("the folder", &folder.path, error);
        std::fs::create_dir_all(&folder.path).map_err(write)?;
        match std::fs::read_to_string(folder.path.join(STAMP)) {
            Ok(found) if found.starts_with(&folder.stamp) => {}
            Ok(found) => {
                folder.remove_listed(&found);
                folder.put("the stamp", STAMP, folder.stamp.as_bytes())?;
            }
            Err(_) if std::fs::read_dir(&folder.path).map_err(write)?.next().is_some() => {
                return Err(DemoError::NotOurs { folder: folder.path });
            }
            Err(_) => folder.put("the stamp", STAMP, folder.stamp.as_bytes())?,
        }
        Ok(folder)
    }

    /// Removes what the stamp of another seed or version lists.
    fn remove_listed(&self, stamp: &str) {
        for name in stamp.lines().skip(1).filter(|n| *n != COMPLETE && !n.contains(['/', '\\'])) {
            // What is gone already need not be removed; what can't be is written over.
            let _ = std::fs::remove_file(self.path.join(name));
            let _ = std::fs::remove_file(self.path.join(table_name(name)));
        }
    }

    /// Indices of the recordings that are still to be made.
    pub fn missing(&self) -> Vec<usize> {
        let stamp = std::fs::read_to_string(self.path.join(STAMP)).unwrap_or_default();
        let complete = stamp.lines().last() == Some(COMPLETE);
        let is_there = |plan: &Plan| {
            let bytes = std::fs::metadata(self.path.join(&plan.name)).map(|m| m.len());
            let table = self.path.join(table_name(&plan.name));
            bytes.is_ok_and(|b| b >= 2 * plan.frames() as u64) && (complete || table.exists())
        };
        let recordings = self.scene.recordings.iter().enumerate();
        recordings.filter(|(_, plan)| !is_there(plan)).map(|(index, _)| index).collect()
    }

    /// Bytes of a recording, without its header.
    pub fn bytes(&self, index: usize) -> u64 {
        self.scene.recordings.get(index).map_or(0, |plan| 2 * plan.frames() as u64)
    }

    /// Makes one recording and its table.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn make(&self, index: usize) -> Result<(), DemoError> {
        let Some(plan) = self.scene.recordings.get(index) else { return Ok(()) };
        let made = self.scene.make(index);
        let bytes = self.encode(plan, &made.samples);
        let bytes =
            bytes.map_err(|e| self.failed("a recording", &self.path.join(&plan.name), e))?;
        let table = raven_table(&made.truths, plan, self.scene.rate_hz);
        self.put("a table", &table_name(&plan.name), table.as_bytes())?;
        self.put("a recording", &plan.name, &bytes)
    }

    /// Writes the description and stamps the folder as complete.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn finish(&self) -> Result<(), DemoError> {
        let d = &self.scene.deployment;
        let description = DeploymentFile {
            name: d.name.clone(),
            description: d.description.clone(),
            credit: d.credit.clone(),
            licence: d.licence.clone(),
            position: d.position.clone(),
            latitude: d.latitude,
            longitude: d.longitude,
            depth_m: d.depth_m,
            time_zone: d.time_zone.clone(),
            zone_offset_s: self.scene.zone_offset_s,
            synthesised: d.synthesised,
            all_calls_are_in_tables: true,
            best_view: d.best_view.clone(),
            calibration: d.calibration.clone(),
            ..DeploymentFile::default()
        };
        let text = toml::to_string(&description)
            .map_err(|error| DemoError::Description { id: d.id.clone(), error })?;
        self.put("the description", FILE_NAME, text.as_bytes())?;
        if !self.scene.conditions.is_empty() {
            self.put("the conditions", "conditions.csv", self.scene.conditions.as_bytes())?;
        }
        self.put("the stamp", STAMP, format!("{}{COMPLETE}\n", self.stamp).as_bytes())
    }

    fn encode(&self, plan: &Plan, samples: &[i16]) -> std::io::Result<Vec<u8>> {
        let start = self.scene.clock(plan.runs.first().map_or(0, |r| r.0));
        let about = format!("synthesised by spyhop demo: {}", self.scene.deployment.description);
        let chunk: ([u8; 4], Vec<u8>) = match self.scene.container {
            Container::Ears => {
                let mut record = 0;
                let mut starts = Vec::new();
                for &(first, frames) in &plan.runs {
                    starts.push((record, self.scene.clock(first)));
                    record += (frames / RECORD_FRAMES) as u64;
                }
                let convention = EarsConvention::Unophysics;
                return Ok(ears::encode(samples, &starts, convention, &plan.name));
            }
            Container::Wav => (*b"LIST", list_info(&about)),
            Container::WavGuano => {
                let time = start.to_iso();
                let time = time.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
                let guano = format!(
                    "GUANO|Version: 1.0\nTimestamp: {time}Z\nMake: Spyhop\nModel: demo\n\
                     Original Filename: {}\nNote: {about}\n",
                    plan.name
                );
                (*b"guan", guano.into_bytes())
            }
        };
        let rate_hz = self.scene.rate_hz.round() as u32;
        let chunks = [(chunk.0, chunk.1.as_slice())];
        let to = Cursor::new(Vec::with_capacity(2 * samples.len() + 4096));
        let mut writer = WavWriter::new(to, WavCoding::Pcm16, 1, rate_hz, &chunks)?;
        writer.write_i16(samples)?;
        Ok(writer.finish()?.into_inner())
    }

    /// Writes a file beside its place and moves it there, so that it is whole or not there.
    fn put(&self, what: &'static str, name: &str, bytes: &[u8]) -> Result<(), DemoError> {
        let path = self.path.join(name);
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        std::fs::write(&unfinished, bytes)
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .map_err(|error| self.failed(what, &path, error))
    }

    fn failed(&self, what: &'static str, path: &Path, error: std::io::Error) -> DemoError {
        DemoError::Io { what, path: path.to_owned(), error }
    }
}

/// `<stem>.Table.1.selections.txt`, as Raven calls it.
fn table_name(recording: &str) -> String {
    let stem = recording.rsplit_once('.').map_or(recording, |(stem, _)| stem);
    format!("{stem}.Table.1.selections.txt")
}

/// Content of a LIST chunk that says what a file is.
fn list_info(comment: &str) -> Vec<u8> {
    let mut content = b"INFO".to_vec();
    for (id, text) in [(b"ICMT", comment), (b"ISFT", "spyhop demo"), (b"ICOP", "CC0-1.0")] {
        let bytes = text.as_bytes();
        content.extend(id);
        content.extend((bytes.len() as u32 + 1).to_le_bytes());
        content.extend(bytes);
        content.push(0);
        content.extend(std::iter::repeat_n(0, (bytes.len() + 1) & 1));
    }
    content
}
