//! *Share excerpt*: the samples that a view shows, from a person's own disk to the server, with a little
//! on either side, and what is said of them before they leave.

use std::collections::HashSet;
use std::io::Cursor;
use std::ops::Range;

use leptos::prelude::*;
use spyhop_api::share::{MOST_EXCERPT_BYTES, MOST_EXCERPT_SAMPLES, MOST_SENT_BYTES};
use spyhop_api::view::{Reading, Source};
use spyhop_api::{MadeShare, Moment, RecordingInfo, SharedExcerpt, Timestamp, View};
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_words::share::excerpt as words;

use crate::frame::{moment_of, nanos};
use crate::server::{ServerError, shares};
use crate::session::{OpenSet, Session};
use crate::wording;

/// Part of what is shown that goes along on either side.
const MARGIN: f64 = 0.1;
/// Samples that are asked of the engine at once.
const PIECE: i64 = 1 << 21;
/// What a WAV has before its samples takes no more.
const HEAD_BYTES: u64 = 4096;
/// Fingerprints that go along.
const MOST_PRINTS: usize = 60;
/// Names that are told one by one before they leave.
const MOST_NAMES: usize = 6;
/// Bytes of FLAC that samples of 16 bits and of 24 take: those of the sea are mostly noise.
const PACKED_BYTES: (f64, f64) = (1.1, 2.2);

/// What would leave the machine.
#[derive(Clone)]
pub struct Cut {
    /// The view of these samples alone.
    pub view: View,
    positions: Range<i64>,
    channels: u32,
    rate_hz: f64,
    coding: WavCoding,
    about: SharedExcerpt,
    /// The recordings that some of it comes from.
    names: Vec<String>,
}

impl Cut {
    /// Of what is shown now; `None` while nothing is.
    pub fn of(session: Session, view: &View) -> Option<Cut> {
        let (open, frame) = (session.open.get_untracked()?, session.frame_now()?);
        let shown = frame.positions();
        let margin = frame.span() * MARGIN;
        let start = ((shown.start - margin).floor() as i64).max(0);
        let end = ((shown.end + margin).ceil() as i64).clamp(start + 1, open.line.end());
        let under = recordings(&open, start..end);
        let first = *under.first()?;
        let after_ns = open.line.nanos_at(start);
        let clock = open.line.origin.map(|origin| Timestamp(origin.0.saturating_add(after_ns)));
        let shifted = |moment: Moment| match moment {
            Moment::Elapsed(ns) => Moment::Elapsed(ns.saturating_sub(after_ns)),
            clock => clock,
        };
        let mut alone = View { source: Source::None, reading: Reading::default(), ..view.clone() };
        frame.write_to(&mut alone, &open.line);
        // In a file of its own a gap is silence, and nothing is folded away.
        alone.gaps_collapsed = false;
        alone.start = Some(shifted(moment_of(shown.start, &open.line)));
        alone.span_ns = Some(nanos(shown.end - shown.start, &open.line).max(1));
        if let Some(selection) = &mut alone.selection {
            selection.start = shifted(selection.start);
        }
        alone.calls = None;
        let whole = under.iter().all(|info| (1..=16).contains(&info.bits_per_sample));
        let fingerprints: Vec<&str> =
            under.iter().take(MOST_PRINTS).map(|i| i.fingerprint.as_str()).collect();
        let more = under.len() - 1;
        Some(Cut {
            view: alone,
            positions: start..end,
            channels: open.channels(),
            rate_hz: open.line.sample_rate_hz,
            coding: if whole { WavCoding::Pcm16 } else { WavCoding::Float32 },
            about: SharedExcerpt {
                source_name: match more {
                    0 => first.name.clone(),
                    more => words::and_more(&first.name, more),
                },
                source_fingerprint: fingerprints.join(" "),
                start: clock,
                calibration: open.calibration().cloned(),
                ..SharedExcerpt::default()
            },
            names: under.iter().map(|info| info.name.clone()).collect(),
        })
    }

    /// Why it can't leave, and what to do; said before anything is made of it.
    pub fn refusal(&self) -> Option<String> {
        let (samples, seconds) = (self.samples(), self.seconds());
        let most = (MOST_SENT_BYTES - HEAD_BYTES) / self.bytes_a_sample();
        let most = most.min(MOST_EXCERPT_SAMPLES);
        (samples > most).then(|| {
            words::too_long(
                wording::duration(seconds),
                wording::hertz(self.rate_hz),
                words::channels(self.channels as usize),
                wording::duration(seconds * most as f64 / samples as f64),
            )
        })
    }

    /// What leaves the machine, in words.
    pub fn words(&self) -> String {
        let seconds = self.seconds();
        let each = if self.coding == WavCoding::Pcm16 { PACKED_BYTES.0 } else { PACKED_BYTES.1 };
        let packed = (self.samples() as f64 * each) as u64;
        let is_calibrated = self.about.calibration.is_some();
        let told = match (self.names.as_slice(), is_calibrated) {
            ([one], false) => words::of_one(one),
            ([one], true) => words::of_one_calibrated(one),
            (several, false) => words::of_several(listed(several)),
            (several, true) => words::of_several_calibrated(listed(several)),
        };
        let length = wording::duration(seconds);
        let rate = wording::hertz(self.rate_hz);
        let channels = words::channels(self.channels as usize);
        let size = wording::bytes(packed);
        let mut said = match self.about.start {
            Some(begin) => words::leaves_from(length, rate, channels, size, begin, told),
            None => words::leaves(length, rate, channels, size, told),
        };
        if packed > MOST_EXCERPT_BYTES {
            said += " ";
            said += &words::perhaps_too_much(wording::bytes(MOST_EXCERPT_BYTES));
        }
        said
    }

    fn seconds(&self) -> f64 {
        (self.positions.end - self.positions.start) as f64 / self.rate_hz
    }

    /// In all channels.
    fn samples(&self) -> u64 {
        (self.positions.end - self.positions.start) as u64 * u64::from(self.channels)
    }

    /// Bytes of a sample that go over the net.
    fn bytes_a_sample(&self) -> u64 {
        if self.coding == WavCoding::Pcm16 { 2 } else { 4 }
    }
}

/// The recordings that lie under a stretch of the line, in its order.
fn recordings(open: &OpenSet, positions: Range<i64>) -> Vec<&RecordingInfo> {
    let mut indices: Vec<usize> = open.line.parts(positions).map(|run| run.recording).collect();
    indices.dedup();
    let mut seen = HashSet::new();
    let new = indices.into_iter().filter(|index| seen.insert(*index));
    new.filter_map(|index| open.infos.get(index)).collect()
}

/// `a, b and c`; of many the first, and how many more.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        _ if names.len() > MOST_NAMES => {
            let told = names[..MOST_NAMES - 1].join(", ");
            words::and_more(told, names.len() - MOST_NAMES + 1)
        }
        [first @ .., last] => words::and_last(first.join(", "), last),
    }
}

/// Sends the samples to their share.
pub async fn publish(
    session: Session,
    cut: &Cut,
    made: MadeShare,
) -> Result<MadeShare, ServerError> {
    let sent = match wav(session, cut).await {
        Ok(wav) => shares::attach(&made, &cut.about, &wav).await,
        Err(message) => Err(ServerError { status: 0, message }),
    };
    match sent {
        Ok(share) => Ok(MadeShare { share, ..made }),
        Err(error) => {
            // A link without its samples is of use to nobody; where it stays, its time runs out.
            let _ = shares::remove(&made.share.id, made.share.version, &made.edit_key).await;
            Err(error)
        }
    }
}

async fn wav(session: Session, cut: &Cut) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| error.to_string();
    let channels = cut.channels.clamp(1, 1 << 15) as u16;
    let mut wav = WavWriter::new(
        Cursor::new(Vec::new()),
        cut.coding,
        channels,
        cut.rate_hz.round() as u32,
        &[],
    )
    .map_err(failed)?;
    let engine = session.engine();
    let mut at = cut.positions.start;
    while at < cut.positions.end {
        let piece = at..(at + PIECE).min(cut.positions.end);
        let length = (piece.end - piece.start) as usize;
        let mut all = vec![0.0f32; length * usize::from(channels)];
        for channel in 0..channels {
            let one = engine.samples(piece.clone(), u32::from(channel)).await?;
            let into = all.chunks_mut(usize::from(channels)).zip(one);
            // What was not recorded is silence in a file.
            into.for_each(|(frame, x)| {
                frame[usize::from(channel)] = if x.is_finite() { x } else { 0.0 };
            });
        }
        wav.write(&all).map_err(failed)?;
        at = piece.end;
    }
    wav.finish().map(Cursor::into_inner).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(seconds: i64, rate_hz: f64, coding: WavCoding, names: &[&str]) -> Cut {
        Cut {
            view: View::default(),
            positions: 0..seconds * rate_hz as i64,
            channels: 1,
            rate_hz,
            coding,
            about: SharedExcerpt::default(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn too_much_is_refused_before_anything_leaves_and_what_is_taken_is_said() {
        let of = |seconds, coding| cut(seconds, 16_000.0, coding, &["a.wav"]).refusal();
        assert_eq!(of(1040, WavCoding::Pcm16), None);
        let refusal = of(1200, WavCoding::Pcm16).expect("too much");
        assert!(
            refusal.contains("20 min of sound") && refusal.contains("17 min 28.6 s"),
            "{refusal}"
        );
        // The head of the WAV counts, too.
        let refusal = of(1049, WavCoding::Float32);
        assert!(refusal.is_some(), "{refusal:?}");
    }

    #[test]
    fn all_files_that_some_of_it_comes_from_are_named_before_they_leave() {
        let words = |names: &[&str]| cut(10, 16_000.0, WavCoding::Pcm16, names).words();
        assert!(words(&["a.wav"]).contains("; the name a.wav and the file's fingerprint."));
        let several = words(&["a.wav", "b.wav", "c.wav"]);
        assert!(several.contains("; the names a.wav, b.wav and c.wav and the files'"), "{several}");
        let many = words(&["1", "2", "3", "4", "5", "6", "7", "8"]);
        assert!(many.contains("the names 1, 2, 3, 4, 5 and 3 more and"), "{many}");
        let long = cut(1040, 16_000.0, WavCoding::Float32, &["a.wav"]).words();
        assert!(long.contains("may be more than the 20 MB"), "{long}");
    }
}
