//! What a view shows, on the server: its recordings, their line, and what is made of them for somebody
//! who is not looking at the page: a picture, a clip, a citation.

mod card;
mod citation;
mod clip;
mod marked;
mod measured;
mod picture;
mod power;
mod script;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use spyhop_api::time::{Moment, NANOS_PER_S, nanos_to_frames};
use spyhop_api::view::Source;
use spyhop_api::{Deployment, RecordingInfo, Share, Timestamp, View};
use spyhop_paint::FigureBox;
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::source::FileSource;
use spyhop_signal::{Fold, Line};

use crate::catalogue::Recordings;
use crate::figure::hertz;

pub use card::card;
pub use citation::{Citation, Cited, cite};
pub use clip::heard;
pub use marked::Marks;
pub use measured::measure;
pub use picture::{FigureForm, figure, preview};
pub use power::{MOST_PREVIEW_FRAMES, ViewPower, effort};

/// The recordings of a view, on their line.
pub struct Viewed {
    /// The view.
    pub view: View,
    /// What is known of where they come from; only a name for samples that somebody published.
    pub deployment: Deployment,
    /// The recordings.
    pub recordings: Recordings,
    /// Their line.
    pub line: Line,
    /// Which gaps are folded away.
    pub fold: Fold,
    /// The stretch that is shown, in places (see [`Fold`]).
    pub places: Range<f64>,
    /// The same on the line.
    pub positions: Range<f64>,
    /// Labels and candidates that lie over it.
    pub boxes: Vec<FigureBox>,
}

/// A stretch of the line that a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Where it lies in the picture.
    pub places: Range<f64>,
    /// What it shows.
    pub positions: Range<f64>,
    /// The same in whole samples.
    pub samples: Range<i64>,
}

/// Why nothing can be made of a view here.
#[derive(Debug, thiserror::Error)]
pub enum ViewedError {
    /// Its recordings are not on this server.
    #[error("the recordings of this link are not on this server")]
    Elsewhere,
    /// They were, or were said to be.
    #[error("there is nothing under this link any more: {0}")]
    Gone(String),
    /// They can't be read, or the view makes no sense of them.
    #[error("the view can't be made: {0}")]
    Failed(String),
}

impl Viewed {
    /// A view of a deployment's recordings.
    ///
    /// # Errors
    /// When the view is of one that is not there, or nothing of it can be shown.
    pub fn of_deployment(
        view: View,
        deployment: Deployment,
        recordings: Recordings,
    ) -> Result<Viewed, ViewedError> {
        let recordings = match &view.source {
            Source::Deployment { recording: Some(name), .. } => only(&recordings, name)
                .ok_or_else(|| {
                    ViewedError::Gone(format!("'{}' has no recording '{name}'", deployment.name))
                })?,
            _ => recordings,
        };
        Viewed::of(view, deployment, recordings)
    }

    /// A view of the samples that were published with a share.
    ///
    /// # Errors
    /// When they can't be opened.
    pub fn of_excerpt(view: View, share: &Share, path: &Path) -> Result<Viewed, ViewedError> {
        let excerpt = share.excerpt.clone().unwrap_or_default();
        let path = path.to_owned();
        let options = OpenOptions { start: excerpt.start, ..OpenOptions::default() };
        let file = excerpt.file.clone();
        let open = move |_: usize| {
            let source = FileSource::open(&path)
                .map_err(|error| spyhop_signal::OpenError::Source { name: file.clone(), error })?;
            formats::open(&file, Box::new(source), &options)
        };
        let info = open(0).map_err(|error| ViewedError::Gone(error.to_string()))?.info;
        let deployment = Deployment {
            name: excerpt.source_name.clone(),
            credit: share.author.clone(),
            calibration: excerpt.calibration.clone(),
            ..Deployment::default()
        };
        let recordings = Recordings {
            version: info.fingerprint.clone(),
            infos: Arc::new(vec![info]),
            open: Arc::new(open),
            tables: None,
            beside: None,
        };
        Viewed::of(view, deployment, recordings)
    }

    fn of(
        mut view: View,
        deployment: Deployment,
        recordings: Recordings,
    ) -> Result<Viewed, ViewedError> {
        let (line, _) = Line::new(&recordings.infos)
            .map_err(|_| ViewedError::Gone(format!("'{}' holds no samples", deployment.name)))?;
        let fold = if view.gaps_collapsed { Fold::of(&line) } else { Fold::default() };
        let places = places(&view, &line, &fold);
        let positions = fold.position_at(places.start)..fold.end_at(places.end);
        let channels = line.runs.first().and_then(|run| recordings.infos.get(run.recording));
        if view.channel >= channels.map_or(1, |info| info.channels) {
            view.channel = 0;
        }
        let boxes = Vec::new();
        Ok(Viewed { view, deployment, recordings, line, fold, places, positions, boxes })
    }

    /// A way to read the line.
    pub fn reader(&self) -> LineReader {
        let open = self.recordings.open.clone();
        LineReader::new(self.line.clone(), Box::new(move |index| open(index)))
    }

    /// The recordings under the stretch that is shown.
    pub fn infos(&self) -> impl Iterator<Item = &RecordingInfo> {
        let mut indices: Vec<usize> =
            self.line.parts(self.samples()).map(|run| run.recording).collect();
        indices.dedup();
        indices.into_iter().filter_map(|index| self.recordings.infos.get(index))
    }

    /// What changes where other recordings come to lie under the view, or these change.
    pub fn fingerprint(&self) -> String {
        let mut all: Vec<&str> = self.infos().map(|info| info.fingerprint.as_str()).collect();
        all.sort_unstable();
        match all.as_slice() {
            [one] => (*one).to_owned(),
            _ => blake3::hash(all.join("\n").as_bytes()).to_hex()[..16].to_owned(),
        }
    }

    /// The stretch in whole samples.
    pub fn samples(&self) -> Range<i64> {
        self.whole(&self.positions)
    }

    /// Whether gaps are folded away within what is shown: its positions count them, its places do not.
    pub fn is_folded(&self) -> bool {
        !self.fold.seams(&self.places).is_empty()
    }

    /// The stretches of the line that are shown side by side: one where nothing is folded away.
    pub fn stretches(&self) -> Vec<Stretch> {
        let all = self.fold.stretches(&self.places).into_iter();
        all.map(|(places, positions)| {
            let samples = self.whole(&positions);
            Stretch { places, positions, samples }
        })
        .collect()
    }

    /// What is measured, in whole samples and hertz: the selection, else all that is shown, unless gaps are
    /// folded away in it, which is no one stretch of sound.
    pub fn measured(&self) -> Option<(Range<i64>, (f64, f64))> {
        (self.view.selection.is_some() || !self.is_folded()).then(|| self.selected())
    }

    /// Positions as whole samples inside what there is, one at least.
    fn whole(&self, positions: &Range<f64>) -> Range<i64> {
        let end = self.line.end();
        let start = (positions.start.round() as i64).clamp(0, (end - 1).max(0));
        start..(positions.end.round() as i64).clamp(start + 1, end.max(start + 1))
    }

    /// The selection in whole samples and hertz; all that is shown where there is none.
    pub fn selected(&self) -> (Range<i64>, (f64, f64)) {
        let nyquist_hz = self.line.sample_rate_hz / 2.0;
        let Some(selection) = &self.view.selection else { return (self.samples(), self.band_hz()) };
        let start = position_of(selection.start, &self.line).round() as i64;
        let span = nanos_to_frames(selection.span_ns, self.line.sample_rate_hz).max(1);
        let end = self.line.end();
        let start = start.clamp(0, (end - 1).max(0));
        let (low, high) = selection.band_hz;
        let stop = start.saturating_add(span).clamp(start + 1, end.max(start + 1));
        (start..stop, (low.min(nyquist_hz), high.min(nyquist_hz)))
    }

    /// The band that is shown.
    pub fn band_hz(&self) -> (f64, f64) {
        let nyquist_hz = self.line.sample_rate_hz / 2.0;
        // A band of which the recording holds nothing is that of another one.
        let (low, high) =
            self.view.band_hz.filter(|band| band.0 < nyquist_hz).unwrap_or((0.0, nyquist_hz));
        (low.max(0.0), high.min(nyquist_hz))
    }

    /// Clock time of a position, where the line is dated.
    pub fn time_of(&self, position: i64) -> Option<Timestamp> {
        let after = self.line.nanos_at(position);
        self.line.origin.map(|origin| Timestamp(origin.0.saturating_add(after)))
    }

    /// The moment at a position, on the clock, or since `first`, where an excerpt begins.
    pub fn moment_of(&self, position: f64, first: i64) -> Moment {
        match self.line.origin {
            Some(origin) => {
                Moment::Clock(Timestamp(origin.0.saturating_add(self.nanos_of(position))))
            }
            None => Moment::Elapsed(self.nanos_of(position - first as f64)),
        }
    }

    /// Nanoseconds of a number of samples.
    pub fn nanos_of(&self, samples: f64) -> i64 {
        (samples / self.line.sample_rate_hz * NANOS_PER_S as f64).round() as i64
    }

    /// A line that names what is shown.
    pub fn title(&self) -> String {
        let samples = self.samples();
        let when = match self.time_of(samples.start) {
            Some(time) => {
                format!("{} UTC", time.to_iso().get(..19).unwrap_or("").replace('T', " "))
            }
            None => {
                let seconds = self.line.nanos_at(samples.start) as f64 / NANOS_PER_S as f64;
                format!("from {seconds:.1} s")
            }
        };
        let (low, high) = self.band_hz();
        format!("{} · {when} · {} to {}", self.name(), hertz(low), hertz(high))
    }

    /// What it is called: the recording where one is open alone, else the deployment.
    pub fn name(&self) -> &str {
        match &self.view.source {
            Source::Deployment { recording: Some(name), .. } => name,
            _ => &self.deployment.name,
        }
    }
}

/// One recording of several; `None` where there is none of that name.
pub fn only(recordings: &Recordings, name: &str) -> Option<Recordings> {
    let index = recordings.infos.iter().position(|info| info.name == name)?;
    let open = recordings.open.clone();
    Some(Recordings {
        infos: Arc::new(vec![recordings.infos.get(index)?.clone()]),
        open: Arc::new(move |_| open(index)),
        tables: None,
        beside: None,
        version: recordings.version.clone(),
    })
}

/// The stretch of the line that a view shows, in places.
fn places(view: &View, line: &Line, fold: &Fold) -> Range<f64> {
    let from = view.start.map_or(0.0, |moment| fold.place_of(position_of(moment, line)));
    let end = fold.place_of(line.end() as f64).max(1.0);
    let span = view
        .span_ns
        .map_or(end, |ns| nanos_to_frames(ns, line.sample_rate_hz) as f64)
        .clamp(1.0, end);
    let from = from.clamp(0.0, end - span);
    from..from + span
}

/// Position on the line of a moment; a clock time says nothing of an undated line.
fn position_of(moment: Moment, line: &Line) -> f64 {
    let nanos = match (moment, line.origin) {
        (Moment::Clock(t), Some(origin)) => t.0.saturating_sub(origin.0),
        (Moment::Clock(_), None) => 0,
        (Moment::Elapsed(nanos), _) => nanos,
    };
    nanos_to_frames(nanos, line.sample_rate_hz) as f64
}

#[cfg(test)]
mod tests;
