//! A view as it is heard: the selection, or all that is shown, through the same filters, speed and gain
//! as the page plays it.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom};
use std::ops::Range;

use spyhop_api::view::Listening;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_signal::listen::{ListenSpec, Renderer, survey};

use super::{Viewed, ViewedError};

/// The rate that every player plays, Hz.
const PLAYED_HZ: f64 = 48_000.0;
/// The longest clip, in frames of [`PLAYED_HZ`]: ten minutes.
const MOST_FRAMES: u64 = 600 * 48_000;
/// Samples that are read for one at most: played fast, ten minutes take in weeks.
const MOST_SAMPLES: i64 = 1 << 28;
/// Frames that are rendered at once.
const BLOCK: usize = 1 << 15;

/// A clip as it was heard.
pub struct Clip {
    /// WAV of 16 bits at 48 kHz.
    pub file: File,
    /// What its level was raised by, dB.
    pub gain_db: f64,
}

/// Renders what is heard of a view.
///
/// # Errors
/// When it is longer than ten minutes, is made of too many samples, or can't be read, rendered or written.
pub fn heard(viewed: &Viewed) -> Result<Clip, ViewedError> {
    let failed = |error: String| ViewedError::Failed(error);
    let (range, _) = viewed.selected();
    let listening = Listening { looped: false, ..viewed.view.listening };
    let mut spec = ListenSpec {
        source_rate_hz: viewed.line.sample_rate_hz,
        device_rate_hz: PLAYED_HZ,
        listening,
        recorded: viewed.line.runs.iter().map(|run| run.position..run.end()).collect(),
        range,
        dc: 0.0,
        auto_gain_db: 0.0,
    };
    let frames = ((spec.range.end - spec.range.start) as f64 / spec.step()).ceil();
    if frames > MOST_FRAMES as f64 {
        return Err(failed(format!(
            "as it is heard it lasts {:.0} minutes; ten at most: select less",
            frames / PLAYED_HZ / 60.0
        )));
    }
    let samples = spec.range.end - spec.range.start;
    if samples > MOST_SAMPLES {
        return Err(failed(format!(
            "it would be made of {:.0} million samples; {:.0} million at most: select less",
            samples as f64 / 1e6,
            MOST_SAMPLES as f64 / 1e6
        )));
    }
    let (mut reader, channel) = (viewed.reader(), viewed.view.channel);
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, channel, out).map(drop).map_err(|e| e.to_string())
    };
    let found = survey(&spec, &mut read).map_err(failed)?;
    spec.dc = found.dc;
    spec.auto_gain_db = found.auto_gain_db;
    let mut renderer = Renderer::new(&spec).map_err(|e| failed(e.to_string()))?;
    let written = |error: std::io::Error| failed(format!("it can't be written ({error})"));
    let to = BufWriter::new(tempfile::tempfile().map_err(written)?);
    let mut wav =
        WavWriter::new(to, WavCoding::Pcm16, 1, PLAYED_HZ as u32, &[]).map_err(written)?;
    let mut out = Vec::new();
    loop {
        out.clear();
        let block = renderer.next(&mut read, &mut out, BLOCK).map_err(failed)?;
        wav.write(&out).map_err(written)?;
        if block.ended || block.frames == 0 {
            break;
        }
    }
    let mut file = wav
        .finish()
        .and_then(|to| to.into_inner().map_err(std::io::IntoInnerError::into_error))
        .map_err(written)?;
    file.seek(SeekFrom::Start(0)).map_err(written)?;
    Ok(Clip { file, gain_db: found.auto_gain_db + spec.listening.gain_db })
}
