//! How loud windows are, by class: a class that is louder than the others is told apart by that alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use spyhop_api::view::SpectrumSettings;
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::measure::{BoxSpec, measure_box};

use super::{Window, WindowTable};
use crate::{Open, TrainError};

/// Windows of a class that are listened to: more say no more about a percentile.
const MOST_WINDOWS: usize = 300;

/// How loud windows are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The band that is measured.
    pub band: Band,
    /// By class: the 10th, 50th and 90th percentile of its windows' RMS in the band, dB re FS (full scale). Of
    /// every n-th window where they are many.
    pub rms_db_re_fs: BTreeMap<String, [f64; 3]>,
}

/// What is measured of recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Lower edge.
    pub low_hz: f64,
    /// Upper edge; half of a recording's rate where nobody says one, and where it is higher.
    pub high_hz: Option<f64>,
    /// Counted from 0.
    pub channel: u32,
}

impl Levels {
    /// Listens to windows. `progress` is told how many of the recordings are done, and of how many.
    ///
    /// # Errors
    /// When a recording can't be read.
    pub fn measure(
        table: &WindowTable,
        band: Band,
        open: &Open,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Levels, TrainError> {
        let mut chosen: BTreeMap<usize, Vec<&Window>> = BTreeMap::new();
        for class in 0..table.classes.len() {
            let own: Vec<&Window> = table.windows.iter().filter(|w| w.class == class).collect();
            for window in own.iter().step_by(own.len().div_ceil(MOST_WINDOWS).max(1)) {
                chosen.entry(window.recording).or_default().push(window);
            }
        }
        let (done, all) = (AtomicUsize::new(0), chosen.len());
        let of_recordings = chosen.into_par_iter().map(|(recording, mut windows)| {
            // A compressed recording is read from its beginning on.
            windows.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
            let levels = of_recording(table, recording, &windows, band, open);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            levels
        });
        let mut by_class: Vec<Vec<f64>> = vec![Vec::new(); table.classes.len()];
        for (class, level_db) in of_recordings.collect::<Result<Vec<_>, _>>()?.into_iter().flatten()
        {
            if let Some(levels) = by_class.get_mut(class) {
                levels.push(level_db);
            }
        }
        let mut rms_db_re_fs = BTreeMap::new();
        for (class, mut levels) in table.classes.iter().zip(by_class) {
            levels.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let place = (share * levels.len().saturating_sub(1) as f64).round() as usize;
                levels.get(place).copied()
            };
            if let (Some(low), Some(middle), Some(high)) = (at(0.1), at(0.5), at(0.9)) {
                rms_db_re_fs.insert(class.clone(), [low, middle, high]);
            }
        }
        Ok(Levels { band, rms_db_re_fs })
    }
}

impl Band {
    /// `30 to 400 Hz`.
    pub fn in_words(&self) -> String {
        match self.high_hz {
            Some(high_hz) => format!("{} to {high_hz} Hz", self.low_hz),
            None => format!("from {} Hz on", self.low_hz),
        }
    }
}

/// The level of each window of a recording, with its class; none of one that is silent.
fn of_recording(
    table: &WindowTable,
    recording: usize,
    windows: &[&Window],
    band: Band,
    open: &Open,
) -> Result<Vec<(usize, f64)>, TrainError> {
    let Some(recording) = table.recordings.get(recording) else { return Ok(Vec::new()) };
    let unfit = |reason: String| TrainError::Recording(format!("{}: {reason}", recording.name));
    let opened = open(&table.folder.join(&recording.name)).map_err(TrainError::Recording)?;
    let mut reader = LineReader::of_recording(opened).map_err(|error| unfit(error.to_string()))?;
    let (rate_hz, end) = (reader.line().sample_rate_hz, reader.line().end());
    let half_hz = rate_hz / 2.0;
    let spec = BoxSpec {
        sample_rate_hz: rate_hz,
        band_hz: (band.low_hz, band.high_hz.unwrap_or(half_hz).min(half_hz)),
        spectrum: SpectrumSettings::default(),
        calibration: None,
    };
    let samples_of = |seconds: f64| (seconds * rate_hz).round() as i64;
    let (mut levels, mut samples) = (Vec::with_capacity(windows.len()), Vec::new());
    for window in windows {
        let start = samples_of(window.start_s);
        let range = start..(start + samples_of(table.window_s)).min(end);
        reader.read(range, band.channel, &mut samples).map_err(|error| unfit(error.to_string()))?;
        let measured = measure_box(&samples, 0..samples.len(), &spec);
        let measured = measured.map_err(|error| unfit(error.to_string()))?;
        levels.extend(measured.rms_db.map(|level_db| (window.class, level_db)));
    }
    Ok(levels)
}
