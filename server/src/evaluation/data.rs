//! Recordings whose calls are known.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use spyhop_api::{Deployment, RecordingInfo};
use spyhop_signal::pyramid::Recorded;

use super::hearing::LeftOut;
use super::seen::Seen;
use super::truth::{Tables, Truth};
use crate::catalogue::{ReadTable, Recordings};
use crate::detection::{Truths, table_of};

/// The labelled recordings of a deployment.
pub struct Data {
    /// The deployment.
    pub deployment: Deployment,
    /// Those of its recordings that are labelled.
    pub recordings: Recordings,
    /// Where their samples lie on the clock.
    pub recorded: Recorded,
    /// Their calls.
    pub truths: Truths,
}

impl Data {
    /// The labelled recordings of those deployments that have some; recordings that are not labelled, or can't
    /// be read, or that were seen go into `left_out`, and what a person should know into `told`.
    ///
    /// # Errors
    /// When the tables can't be had, or one of several recordings is no table of calls.
    pub fn of_all(
        all: Vec<(Deployment, Recordings)>,
        truth: &Truth,
        seen: &Seen,
        left_out: &mut Vec<LeftOut>,
        told: &mut Vec<String>,
    ) -> anyhow::Result<Vec<Data>> {
        let tables = truth.tables(&all)?;
        let mut labelled = Vec::new();
        for ((deployment, recordings), tables) in all.into_iter().zip(&tables) {
            let is_doubtful = *truth == Truth::Beside && recordings.tables.is_none();
            let data = Data::of(deployment, &recordings, tables, seen, left_out, told)?;
            let Some(data) = data else {
                continue;
            };
            if is_doubtful {
                told.push(format!(
                    "nobody says that the tables of {} hold every call: what they lack counts as told wrongly \
                     (all_calls_are_in_tables = true in its deployment.toml says so)",
                    data.deployment.name
                ));
            }
            labelled.push(data);
        }
        Ok(labelled)
    }

    /// `None` where no recording is labelled.
    fn of(
        deployment: Deployment,
        recordings: &Recordings,
        tables: &Tables,
        seen: &Seen,
        left_out: &mut Vec<LeftOut>,
        told: &mut Vec<String>,
    ) -> anyhow::Result<Option<Data>> {
        let infos = &recordings.infos;
        for failure in &deployment.failures {
            let name = failure.name.clone();
            left_out.push(LeftOut::recording(&deployment.id, &name, failure.reason.clone()));
        }
        let mut leave_out = |index: usize, reason: &str| {
            let name = infos.get(index).map_or("", |info| info.name.as_str());
            left_out.push(LeftOut::recording(&deployment.id, name, reason.to_owned()));
        };
        let mut labelled = Vec::new();
        for (index, info) in infos.iter().enumerate() {
            let table = match tables {
                _ if info.frames == 0 => {
                    leave_out(index, "it holds no samples");
                    continue;
                }
                Tables::All { .. } => Some(Ok(())),
                Tables::Each(tables) => table_of(tables, index, info).map(|table| table.map(drop)),
            };
            match table {
                Some(Ok(())) => match seen.reason(&info.fingerprint) {
                    Some(reason) => leave_out(index, reason),
                    None => labelled.push(index),
                },
                Some(Err(problem)) => {
                    told.push(problem);
                    leave_out(index, "its table can't be read");
                }
                None => leave_out(index, "no table says which calls are in it"),
            }
        }
        // The others must not move the clock: undated recordings lie on it one after another.
        let Ok((recorded, unlike)) = Recorded::new(&chosen(recordings, &labelled).infos) else {
            return Ok(None);
        };
        let unlike: Vec<(usize, String)> = unlike
            .into_iter()
            .filter_map(|(at, reason)| Some((*labelled.get(at)?, reason)))
            .collect();
        unlike.iter().for_each(|(index, reason)| leave_out(*index, reason));
        let lies: BTreeSet<usize> =
            recorded.runs.iter().filter_map(|run| labelled.get(run.recording).copied()).collect();
        let is_unlike = |index: &usize| unlike.iter().any(|(other, _)| other == index);
        for index in
            labelled.iter().copied().filter(|index| !lies.contains(index) && !is_unlike(index))
        {
            leave_out(index, "other recordings hold all of its time");
        }
        let indices: Vec<usize> = lies.into_iter().collect();
        let recordings = chosen(recordings, &indices);
        let (recorded, _) = Recorded::new(&recordings.infos)?;
        let mut truths = match tables {
            Tables::Each(tables) => {
                let tables = tables.clone();
                let of_chosen: ReadTable = Arc::new(move |at| tables(*indices.get(at)?));
                Truths::of_each(&of_chosen, &recordings.infos, &recorded)
            }
            Tables::All { path, text } => Truths::of_all(text, &recordings.infos, &recorded)
                .with_context(|| path.display().to_string())?,
        };
        told.append(&mut truths.problems);
        Ok(Some(Data { deployment, recordings, recorded, truths }))
    }
}

/// Some of the recordings, by index.
fn chosen(recordings: &Recordings, indices: &[usize]) -> Recordings {
    let infos: Vec<RecordingInfo> =
        indices.iter().filter_map(|index| recordings.infos.get(*index)).cloned().collect();
    let (open, indices) = (recordings.open.clone(), indices.to_vec());
    Recordings {
        infos: infos.into(),
        open: Arc::new(move |index| open(indices.get(index).copied().unwrap_or(index))),
        tables: None,
        beside: None,
        version: recordings.version.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};
    use std::fs;
    use std::path::Path;
    use tempfile::TempDir;

    const S: i64 = 1_000_000_000;

    /// A deployment of recordings of a minute.
    pub fn deployment(id: &str, names: &[&str], rate_hz: u32) -> (Deployment, Recordings) {
        let bytes = move || Box::new(wav_pcm16(&vec![1; rate_hz as usize * 60], 1, rate_hz));
        let open = move |name: &str| formats::open(name, bytes(), &OpenOptions::default());
        let infos: Vec<RecordingInfo> =
            names.iter().map(|name| open(name).expect("a WAV").info).collect();
        let name = names[0].to_owned();
        let recordings = Recordings {
            infos: infos.into(),
            open: Arc::new(move |_| open(&name)),
            tables: None,
            beside: None,
            version: String::new(),
        };
        let (id, name) = (id.to_owned(), id.to_owned());
        (Deployment { id, name, ..Deployment::default() }, recordings)
    }

    pub fn write_table(path: &Path, begin_s: f64) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let row = format!("{begin_s}\t{}\tupcall\n", begin_s + 1.0);
        fs::write(path, format!("Begin Time (s)\tEnd Time (s)\tLabel\n{row}")).expect("a table");
    }

    /// What is labelled, as deployment, recording and when its calls begin; and what is left out.
    type Found = (Vec<(String, String, Vec<i64>)>, Vec<String>);

    fn labelled(all: Vec<(Deployment, Recordings)>, truth: &Truth) -> anyhow::Result<Found> {
        let (mut left_out, mut told) = (Vec::new(), Vec::new());
        let seen = Seen::default();
        let data = Data::of_all(all, truth, &seen, &mut left_out, &mut told)?;
        assert_eq!(told, [""; 0]);
        let mut found = Vec::new();
        for data in &data {
            for (index, info) in data.recordings.infos.iter().enumerate() {
                let calls = data.truths.calls.iter().filter(|call| call.recording == index);
                let begins_s = calls.map(|call| call.span_ns.start / S).collect();
                found.push((data.deployment.id.clone(), info.name.clone(), begins_s));
            }
        }
        Ok((found, left_out.into_iter().filter_map(|one| one.recording).collect()))
    }

    fn row(deployment: &str, recording: &str, begins_s: &[i64]) -> (String, String, Vec<i64>) {
        (deployment.to_owned(), recording.to_owned(), begins_s.to_vec())
    }

    #[test]
    fn recordings_without_a_table_move_no_call() -> anyhow::Result<()> {
        let folder = TempDir::new()?;
        write_table(&folder.path().join("b.txt"), 10.0);
        write_table(&folder.path().join("d.txt"), 20.0);
        let all = vec![deployment("sea", &["a.wav", "b.wav", "c.wav", "d.wav"], 100)];
        let (found, left_out) = labelled(all, &Truth::Folder(folder.path().to_owned()))?;
        // Undated, the labelled ones follow one another from 0 on.
        assert_eq!(found, [row("sea", "b.wav", &[10]), row("sea", "d.wav", &[80])]);
        assert_eq!(left_out, ["a.wav", "c.wav"]);
        Ok(())
    }

    #[test]
    fn a_table_that_is_named_as_a_recording_labels_no_other() -> anyhow::Result<()> {
        let folder = TempDir::new()?;
        let table = folder.path().join("x.txt");
        write_table(&table, 10.0);
        let all =
            vec![deployment("site-a", &["x.wav"], 100), deployment("site-b", &["y.wav"], 100)];
        let (found, left_out) = labelled(all, &Truth::File(table))?;
        assert_eq!(found, [row("site-a", "x.wav", &[10])]);
        assert_eq!(left_out, ["y.wav"]);
        Ok(())
    }

    #[test]
    fn one_table_of_all_recordings_is_of_one_deployment() -> anyhow::Result<()> {
        let folder = TempDir::new()?;
        let table = folder.path().join("all.txt");
        write_table(&table, 70.0);
        let truth = Truth::File(table);
        let (found, _) = labelled(vec![deployment("site-a", &["x.wav", "y.wav"], 100)], &truth)?;
        assert_eq!(found, [row("site-a", "x.wav", &[]), row("site-a", "y.wav", &[70])]);
        let two =
            vec![deployment("site-a", &["x.wav"], 100), deployment("site-b", &["y.wav"], 100)];
        let error = labelled(two, &truth).expect_err("two deployments").to_string();
        assert!(error.contains("choose it with --deployment"), "{error}");
        Ok(())
    }

    #[test]
    fn tables_in_a_folder_that_is_named_as_a_deployment_are_its_alone() -> anyhow::Result<()> {
        let folder = TempDir::new()?;
        for (path, begin_s) in [("2021/a/x.txt", 10.0), ("b/more/x.txt", 20.0), ("x.txt", 30.0)] {
            write_table(&folder.path().join(path), begin_s);
        }
        let all = || Vec::from(["2021~a", "2022~a", "b"].map(|id| deployment(id, &["x.wav"], 100)));
        let (found, _) = labelled(all(), &Truth::Folder(folder.path().to_owned()))?;
        let expected = [
            row("2021~a", "x.wav", &[10]),
            row("2022~a", "x.wav", &[30]),
            row("b", "x.wav", &[20]),
        ];
        assert_eq!(found, expected);
        fs::remove_file(folder.path().join("x.txt"))?;
        let (found, left_out) = labelled(all(), &Truth::Folder(folder.path().to_owned()))?;
        assert_eq!(found, [expected[0].clone(), expected[2].clone()]);
        assert_eq!(left_out, ["x.wav"]);
        let (found, _) = labelled(all(), &Truth::File(folder.path().join("2021/a/x.txt")))?;
        assert_eq!(found, [expected[0].clone()]);
        Ok(())
    }
}
