//! *Share excerpt*: the samples that a view shows, from a person's own disk to the server, with a little
//! on either side, and what is said of them before they leave.

use std::io::Cursor;
use std::ops::Range;

use leptos::prelude::*;
use spyhop_api::view::{Reading, Source};
use spyhop_api::{MadeShare, Moment, SharedExcerpt, Timestamp, View};
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};

use crate::server::{ServerError, shares};
use crate::session::Session;
use crate::wording;

/// Part of what is shown that goes along on either side.
const MARGIN: f64 = 0.1;
/// Samples that are asked of the engine at once.
const PIECE: i64 = 1 << 21;
/// The server takes no more bytes than this.
const MOST_BYTES: u64 = 64 << 20;

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
}

impl Cut {
    /// Of what is shown now; `None` while nothing is.
    pub fn of(session: Session, view: &View) -> Option<Cut> {
        let (open, frame) = (session.open.get_untracked()?, session.frame_now()?);
        let shown = frame.positions();
        let margin = (shown.end - shown.start) * MARGIN;
        let start = ((shown.start - margin).floor() as i64).max(0);
        let end = ((shown.end + margin).ceil() as i64).clamp(start + 1, open.line.end());
        let first = *open.shown().first()?;
        let after_ns = open.line.nanos_at(start);
        let clock = open.line.origin.map(|origin| Timestamp(origin.0.saturating_add(after_ns)));
        let shifted = |moment: Moment| match moment {
            Moment::Elapsed(ns) => Moment::Elapsed(ns.saturating_sub(after_ns)),
            clock => clock,
        };
        let mut alone = View { source: Source::None, reading: Reading::default(), ..view.clone() };
        frame.write_to(&mut alone, &open.line);
        alone.start = Some(shifted(alone.start.unwrap_or_else(|| match open.line.origin {
            Some(origin) => Moment::Clock(origin),
            None => Moment::Elapsed(0),
        })));
        if let Some(selection) = &mut alone.selection {
            selection.start = shifted(selection.start);
        }
        alone.calls = None;
        let whole = first.bits_per_sample <= 16 && first.bits_per_sample > 0;
        Some(Cut {
            view: alone,
            positions: start..end,
            channels: open.channels(),
            rate_hz: open.line.sample_rate_hz,
            coding: if whole { WavCoding::Pcm16 } else { WavCoding::Float32 },
            about: SharedExcerpt {
                source_name: open.title(),
                source_fingerprint: first.fingerprint.clone(),
                start: clock,
                calibration: open.calibration().cloned(),
                ..SharedExcerpt::default()
            },
        })
    }

    /// What leaves the machine, in words.
    pub fn words(&self) -> String {
        let seconds = (self.positions.end - self.positions.start) as f64 / self.rate_hz;
        let begun = self.about.start.map(|t| format!(", from {t}")).unwrap_or_default();
        let calibrated = if self.about.calibration.is_some() { ", its calibration" } else { "" };
        format!(
            "This leaves the machine, and everybody with the link may hear and keep it: {} of sound at {} \
             ({} channel{}, about {} as FLAC){begun}; the name {} and the file's fingerprint{calibrated}. \
             Nothing else of the recording does.",
            wording::duration(seconds),
            wording::hertz(self.rate_hz),
            self.channels,
            if self.channels == 1 { "" } else { "s" },
            wording::bytes(self.sent_bytes() / 2),
            self.about.source_name,
        )
    }

    /// Bytes that go over the net.
    fn sent_bytes(&self) -> u64 {
        let each = if self.coding == WavCoding::Pcm16 { 2 } else { 4 };
        (self.positions.end - self.positions.start) as u64 * u64::from(self.channels) * each
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
            let _ = shares::remove(&made).await;
            Err(error)
        }
    }
}

async fn wav(session: Session, cut: &Cut) -> Result<Vec<u8>, String> {
    if cut.sent_bytes() > MOST_BYTES {
        return Err(format!(
            "That is {} of samples; {} at most are taken. Show less, then share again.",
            wording::bytes(cut.sent_bytes()),
            wording::bytes(MOST_BYTES)
        ));
    }
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
