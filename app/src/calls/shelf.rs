//! Runs of this tab over what was open before: who comes back to it, by a step back or led by a class, finds
//! them again.

use std::collections::VecDeque;
use std::sync::Arc;

use spyhop_words::page::listener as words;

use super::local::LocalRun;
use crate::session::OpenSet;

/// So many sets of recordings keep theirs, the ones that were open last.
const MOST_SETS: usize = 3;

/// What they are of, and the runs.
#[derive(Default)]
pub struct Shelf(VecDeque<(Arc<OpenSet>, Vec<LocalRun>)>);

impl Shelf {
    /// Something else is opened: the runs over `open` wait for it.
    pub fn put(&mut self, open: Arc<OpenSet>, mut runs: Vec<LocalRun>) {
        if runs.is_empty() {
            return;
        }
        for local in runs.iter_mut().filter(|local| !local.progress.is_over) {
            local.progress.is_over = true;
            local.progress.time_left_s = None;
            local.run.problems.push(words::STOPPED.to_owned());
        }
        self.0.push_front((open, runs));
        self.0.truncate(MOST_SETS);
    }

    /// The runs over the same recordings on the same line.
    pub fn take(&mut self, open: &OpenSet) -> Vec<LocalRun> {
        let at = self.0.iter().position(|(held, _)| is_same(held, open));
        at.and_then(|at| self.0.remove(at)).map_or_else(Vec::new, |(_, runs)| runs)
    }
}

/// By the recordings' content and where they lie: what is said of their clocks may have changed.
fn is_same(a: &OpenSet, b: &OpenSet) -> bool {
    let prints =
        |open: &OpenSet| open.infos.iter().map(|info| info.fingerprint.clone()).collect::<Vec<_>>();
    let is_known = a.infos.iter().all(|info| !info.fingerprint.is_empty());
    is_known && a.line == b.line && prints(a) == prints(b)
}

#[cfg(test)]
mod tests {
    use spyhop_api::RecordingInfo;
    use spyhop_api::detection::{CallQuery, ScoreCurves};
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    use super::super::local::tests::{call, run};
    use super::*;

    fn open(fingerprint: &str, frames: u64) -> Arc<OpenSet> {
        let info = serde_json::json!({
            "name": "a.wav", "fingerprint": fingerprint, "bytes": 0, "format": "", "codec": "",
            "sample_rate_hz": 1000.0, "channels": 1, "bits_per_sample": 16, "frames": frames,
            "duration_s": 1.0, "start": null, "start_source": "none", "start_zone": "",
            "start_uncertainty_s": null, "segments": [], "metadata": {}, "warnings": [],
        });
        let info: RecordingInfo = serde_json::from_value(info).expect("a recording");
        let run = Run { position: 0, frames, recording: 0, first_frame: 0 };
        let line = Line { sample_rate_hz: 1000.0, origin: None, runs: vec![run] };
        Arc::new(OpenSet::new(vec![info], line, Vec::new(), None, None))
    }

    fn found() -> LocalRun {
        let mut local = LocalRun::new(run(), true);
        local.extend(vec![call("upcall", 1, 0.9)], &ScoreCurves::default(), |_| Vec::new());
        local
    }

    #[test]
    fn runs_of_the_tab_are_there_again_when_the_same_is_open_again() {
        let mut shelf = Shelf::default();
        shelf.put(open("a", 10), vec![found()]);
        assert!(shelf.take(&open("b", 10)).is_empty(), "another recording");
        assert!(shelf.take(&open("a", 20)).is_empty(), "it lies otherwise");
        let back = shelf.take(&open("a", 10));
        assert_eq!(back[0].page(&CallQuery::default()).total, 1);
        // What went on has ended, and says so; what was over says nothing new.
        assert!(back[0].progress.is_over);
        assert_eq!(back[0].run.problems, [words::STOPPED]);
        shelf.put(open("a", 10), back);
        assert_eq!(shelf.take(&open("a", 10))[0].run.problems.len(), 1);
        assert!(shelf.take(&open("a", 10)).is_empty(), "they are where they were taken");
    }

    #[test]
    fn recordings_that_nobody_knows_by_their_content_and_old_ones_keep_none() {
        let mut shelf = Shelf::default();
        shelf.put(open("", 10), vec![found()]);
        assert!(shelf.take(&open("", 10)).is_empty());
        for name in ["a", "b", "c", "d"] {
            shelf.put(open(name, 10), vec![found()]);
        }
        assert!(shelf.take(&open("a", 10)).is_empty());
        assert_eq!(shelf.take(&open("b", 10)).len(), 1);
    }
}
