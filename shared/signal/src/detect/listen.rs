//! What listens to runs of samples, be it a detector or a network, and how recordings are given to it.
//!
//! The same on a server, which hears hours of the clock, and in a tab, which hears a file whole.

use std::ops::Range;

use spyhop_api::Timestamp;

use super::{Candidate, Heard, Listener};
use crate::pyramid::ClockRun;
use crate::recording::{OpenError, Recording};
use crate::source::SourceError;

/// Samples that are read at a time: as many as make a few scores, so that who waits hears of them, but
/// neither so few that reading costs more than listening nor so many that they fill the memory.
const PIECE_SCORES: f64 = 8.0;
const LEAST_SAMPLES: f64 = 16_384.0;
const MOST_SAMPLES: f64 = 262_144.0;

/// What was found, by class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Candidates, each with the index of its class.
    pub candidates: Vec<(usize, Candidate)>,
    /// Scores of all classes, in order of time.
    pub scores: Vec<ScoreRow>,
}

/// The scores of a piece of time, or of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// Where it begins, nanoseconds.
    pub start_ns: i64,
    /// One for each class.
    pub scores: Vec<f32>,
}

/// Why listening came to an end.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ListenError(pub String);

/// Why recordings were not heard to their end.
#[derive(Debug, thiserror::Error)]
pub enum HearError {
    /// Someone said so.
    #[error("it was stopped")]
    Stopped,
    /// A recording could not be had; it may be there later.
    #[error("{0}")]
    Unreachable(String),
    /// A recording is not the one any more that was listed.
    #[error("{0}")]
    Changed(String),
    /// The listener failed.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Listens to runs of samples that come in the order of the clock.
pub trait Listen: Send {
    /// How far before and after a candidate what was recorded matters to it, nanoseconds.
    fn reach_ns(&self) -> i64;

    /// How long the pieces are that scores are of, seconds.
    fn score_s(&self) -> f64;

    /// A run begins whose first sample was taken at `start`; of these the first `skipped` are not given.
    ///
    /// # Errors
    /// When what waited can't be listened to.
    fn begin(
        &mut self,
        start: Timestamp,
        skipped: u64,
        found: &mut Found,
    ) -> Result<(), ListenError>;

    /// The next samples of the run.
    ///
    /// # Errors
    /// When they can't be listened to.
    fn push(&mut self, samples: &[f32], found: &mut Found) -> Result<(), ListenError>;

    /// Tells what is left.
    ///
    /// # Errors
    /// When it can't be listened to.
    fn finish(&mut self, found: &mut Found) -> Result<(), ListenError>;
}

/// A part of a run of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The whole run.
    pub run: ClockRun,
    /// Which of its frames, counted from its first.
    pub frames: Range<u64>,
}

/// Gives a channel of some parts to a listener, a piece of samples at a time. A recording that is damaged
/// counts as not recorded from there on: the sentences that come back tell of it. `go_on` is told how much
/// is done, 0 to 1, and what was found so far, which it may take away; it says whether to go on.
///
/// # Errors
/// When a recording can't be had, the listener fails, or it was stopped.
pub fn hear(
    parts: &[Part],
    channel: u32,
    listener: &mut dyn Listen,
    open: &mut dyn FnMut(usize) -> Result<Recording, OpenError>,
    found: &mut Found,
    go_on: &mut dyn FnMut(f64, &mut Found) -> bool,
) -> Result<Vec<String>, HearError> {
    let all: u64 = parts.iter().map(|part| part.frames.end - part.frames.start).sum();
    let mut problems = Vec::new();
    let mut done = 0;
    let mut opened: Option<(usize, Recording)> = None;
    let mut samples = Vec::new();
    for part in parts {
        let run = &part.run;
        if opened.as_ref().is_none_or(|(index, _)| *index != run.recording) {
            opened = match open(run.recording) {
                Ok(recording) => Some((run.recording, recording)),
                Err(error) => {
                    note(error, &mut problems)?;
                    None
                }
            };
        }
        let Some((_, recording)) = &mut opened else { continue };
        let piece = PIECE_SCORES * listener.score_s() * recording.info.sample_rate_hz;
        let piece = piece.clamp(LEAST_SAMPLES, MOST_SAMPLES) as u64;
        listener.begin(Timestamp(run.start_ns), part.frames.start, found)?;
        let mut at = part.frames.start;
        while at < part.frames.end {
            if !go_on(done as f64 / all.max(1) as f64, found) {
                return Err(HearError::Stopped);
            }
            let count = piece.min(part.frames.end - at);
            let first = run.first_frame + at;
            let read = recording.read_channel(first, count as usize, channel, &mut samples);
            if let Err(error) = read {
                note(error, &mut problems)?;
                break;
            }
            listener.push(&samples, found)?;
            if (samples.len() as u64) < count {
                let name = &recording.info.name;
                problems.push(format!("{name} ends before the length that its header tells"));
                break;
            }
            at += count;
            done += count;
        }
    }
    listener.finish(found)?;
    problems.sort();
    problems.dedup();
    Ok(problems)
}

/// A damaged recording is told of; one that can't be had now ends it all.
fn note(error: OpenError, problems: &mut Vec<String>) -> Result<(), HearError> {
    match error {
        OpenError::Source { error: SourceError::Changed(_), .. } => {
            Err(HearError::Changed(error.to_string()))
        }
        OpenError::Source { .. } => Err(HearError::Unreachable(error.to_string())),
        error => {
            problems.push(error.to_string());
            Ok(())
        }
    }
}

impl Listen for Listener {
    fn reach_ns(&self) -> i64 {
        Listener::reach_ns(self)
    }

    fn score_s(&self) -> f64 {
        Listener::score_s(self)
    }

    fn begin(
        &mut self,
        start: Timestamp,
        skipped: u64,
        found: &mut Found,
    ) -> Result<(), ListenError> {
        told(found, |heard| Listener::begin(self, start, skipped, heard));
        Ok(())
    }

    fn push(&mut self, samples: &[f32], found: &mut Found) -> Result<(), ListenError> {
        told(found, |heard| Listener::push(self, samples, heard));
        Ok(())
    }

    fn finish(&mut self, found: &mut Found) -> Result<(), ListenError> {
        told(found, |heard| Listener::finish(self, heard));
        Ok(())
    }
}

/// A detector knows one class.
fn told(found: &mut Found, listen: impl FnOnce(&mut Heard)) {
    let mut heard = Heard::default();
    listen(&mut heard);
    found.candidates.extend(heard.candidates.into_iter().map(|candidate| (0, candidate)));
    let scores = heard.scores.into_iter();
    found.scores.extend(scores.map(|s| ScoreRow { start_ns: s.start_ns, scores: vec![s.score] }));
}

#[cfg(test)]
mod tests {
    use super::super::call_types;
    use super::*;
    use crate::formats::{self, OpenOptions, wav_writer::wav_pcm16};
    use crate::pyramid::Recorded;

    const RATE_HZ: u32 = 2000;

    fn open(name: &str) -> Result<Recording, OpenError> {
        let bytes = wav_pcm16(&vec![100; 30 * RATE_HZ as usize], 1, RATE_HZ);
        formats::open(name, Box::new(bytes), &OpenOptions::default())
    }

    /// Hears two files of which the second is opened by `second`; what is told, and shares of the work.
    fn heard(
        second: impl FnOnce() -> Result<Recording, OpenError>,
        go_on: impl Fn(f64) -> bool,
    ) -> (Result<Vec<String>, HearError>, Vec<f64>) {
        let names = ["a_20240601_000000.wav", "b_20240601_000100.wav"];
        let infos: Vec<_> = names.iter().map(|name| open(name).expect("a WAV").info).collect();
        let (recorded, _) = Recorded::new(&infos).expect("samples");
        let whole = |run: &ClockRun| Part { run: *run, frames: 0..run.frames };
        let parts: Vec<Part> = recorded.runs.iter().map(whole).collect();
        let upcall = call_types().into_iter().find(|call| call.id == "upcall").expect("known");
        let mut listener = Listener::new(&upcall, f64::from(RATE_HZ)).expect("it fits");
        let mut shares = Vec::new();
        let mut second = Some(second);
        let told = hear(
            &parts,
            0,
            &mut listener,
            &mut |index| match second.take_if(|_| index > 0) {
                Some(second) => second(),
                None => open(names[0]),
            },
            &mut Found::default(),
            &mut |fraction, _| {
                shares.push(fraction);
                go_on(fraction)
            },
        );
        (told, shares)
    }

    #[test]
    fn a_damaged_recording_is_told_of_and_one_that_is_away_ends_it() {
        let broken = || {
            let bytes = b"RIFF no sound".to_vec();
            formats::open("b.wav", Box::new(bytes), &OpenOptions::default())
        };
        let (told, shares) = heard(broken, |_| true);
        let problems = told.expect("the first is heard");
        assert!(matches!(&problems[..], [one] if one.contains("b.wav")), "{problems:?}");
        assert_eq!(shares[0], 0.0);
        let away = |error| move || Err(OpenError::Source { name: "b.wav".to_owned(), error });
        let told = heard(away(SourceError::Io("gone".to_owned())), |_| true).0;
        assert!(matches!(told, Err(HearError::Unreachable(_))));
        let told = heard(away(SourceError::Changed("other".to_owned())), |_| true).0;
        assert!(matches!(told, Err(HearError::Changed(_))));
    }

    #[test]
    fn it_stops_when_it_is_told_to_and_says_how_much_is_done() {
        let (told, shares) = heard(|| open("b.wav"), |fraction| fraction < 0.5);
        assert!(matches!(told, Err(HearError::Stopped)));
        assert!(shares.windows(2).all(|pair| pair[0] < pair[1]), "{shares:?}");
        assert!(shares.last().is_some_and(|last| *last >= 0.5), "{shares:?}");
    }
}
