//! A stretch of a line as a file that other programs read: WAV, FLAC or NumPy.

mod flac;

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;

use spyhop_api::share::MOST_EXCERPT_SAMPLES;
use spyhop_api::{RecordingInfo, Timestamp};
use spyhop_signal::Line;
use spyhop_signal::formats::wav_writer::{WavCoding, WavWriter};
use spyhop_signal::line_reader::LineReader;

use crate::npy::NpyWriter;

/// What it is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 16-bit where the recordings have no more, else 32-bit floats; gaps are silence.
    Wav,
    /// 16 or 24 bits; gaps are silence.
    Flac,
    /// float32, shape (frames, channels), full scale 1; gaps are NaN.
    Npy,
}

impl Form {
    /// By the ending of its files.
    pub fn from_name(name: &str) -> Option<Form> {
        match name {
            "wav" => Some(Form::Wav),
            "flac" => Some(Form::Flac),
            "npy" => Some(Form::Npy),
            _ => None,
        }
    }

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Form::Wav => "wav",
            Form::Flac => "flac",
            Form::Npy => "npy",
        }
    }

    /// The media type.
    pub fn mime_type(self) -> &'static str {
        match self {
            Form::Wav => "audio/wav",
            Form::Flac => "audio/flac",
            Form::Npy => "application/octet-stream",
        }
    }
}

/// Why there is no excerpt.
#[derive(Debug, thiserror::Error)]
pub enum ExcerptError {
    /// More than is given out at once.
    #[error(
        "that is {samples} samples; at most {most} are given out at once as {form:?}: ask for less"
    )]
    TooLong {
        /// In all channels.
        samples: u64,
        /// The limit.
        most: u64,
        /// What was asked for.
        form: Form,
    },
    /// Nothing of it was recorded.
    #[error("nothing was recorded there")]
    Empty,
    /// A rate or a number of channels that the form can't hold.
    #[error("{0}")]
    Unfit(String),
    /// A recording can't be read.
    #[error("{0}")]
    Unreadable(String),
    /// No room for it.
    #[error("it can't be written ({0}): is the disk full?")]
    Io(#[from] std::io::Error),
}

/// Samples of all channels: 2 GiB of floats.
const MOST_SAMPLES: u64 = 1 << 29;
/// Positions read at once.
const PIECE: i64 = 1 << 18;
/// The fastest rate that a FLAC stream can name, Hz.
const FLAC_MOST_HZ: f64 = 655_350.0;

/// A stretch of a line, and the channels wanted of it.
pub struct Excerpt<'a> {
    /// Reads the line.
    pub reader: &'a mut LineReader,
    /// The recordings of the line.
    pub infos: &'a [RecordingInfo],
    /// Positions, inside the line.
    pub positions: Range<i64>,
    /// Channels, counted from 0.
    pub channels: Vec<u32>,
}

impl Excerpt<'_> {
    /// Clock time of its first sample, where the line is dated.
    pub fn start(&self) -> Option<Timestamp> {
        let line = self.reader.line();
        let after = line.nanos_at(self.positions.start);
        line.origin.map(|origin| Timestamp(origin.0.saturating_add(after)))
    }

    /// Writes it, and puts the file back to its beginning.
    ///
    /// # Errors
    /// When it is too long or empty, does not fit the form, or can't be read or written.
    pub fn write(&mut self, form: Form, to: File) -> Result<File, ExcerptError> {
        self.check(form)?;
        let mut file = match form {
            Form::Wav => self.wav(to)?,
            Form::Npy => self.npy(to)?,
            Form::Flac => self.flac(to)?,
        };
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    fn check(&self, form: Form) -> Result<(), ExcerptError> {
        let line = self.reader.line();
        let length = u64::try_from(self.positions.end - self.positions.start).unwrap_or(0);
        let samples = length.saturating_mul(self.channels.len() as u64);
        let most = if form == Form::Flac { MOST_EXCERPT_SAMPLES } else { MOST_SAMPLES };
        if samples > most {
            return Err(ExcerptError::TooLong { samples, most, form });
        }
        if line.parts(self.positions.clone()).next().is_none() {
            return Err(ExcerptError::Empty);
        }
        let rate = line.sample_rate_hz;
        if form == Form::Flac && (rate > FLAC_MOST_HZ || rate.fract() != 0.0) {
            return Err(ExcerptError::Unfit(format!(
                "FLAC holds whole rates up to {FLAC_MOST_HZ} Hz, not {rate} Hz: ask for wav or npy"
            )));
        }
        Ok(())
    }

    fn wav(&mut self, to: File) -> Result<File, ExcerptError> {
        let line = self.reader.line().clone();
        let guano = self.guano();
        let chunks = [(*b"guan", guano.as_bytes())];
        let coding = if self.bits() <= 16 { WavCoding::Pcm16 } else { WavCoding::Float32 };
        let channels = u16::try_from(self.channels.len())
            .map_err(|_| ExcerptError::Unfit("WAV holds 65 535 channels at most".into()))?;
        let rate = line.sample_rate_hz.round() as u32;
        let mut wav = WavWriter::new(BufWriter::new(to), coding, channels, rate, &chunks)?;
        self.each_piece(|samples, _| wav.write(samples))?;
        into_file(wav.finish()?)
    }

    fn npy(&mut self, to: File) -> Result<File, ExcerptError> {
        let channels = self.channels.len();
        let line = self.reader.line().clone();
        let mut npy = NpyWriter::new(BufWriter::new(to), channels)?;
        self.each_piece(|samples, first| {
            blank_gaps(&line, first, channels, samples);
            npy.write(samples)
        })?;
        into_file(npy.finish()?)
    }

    fn flac(&mut self, mut to: File) -> Result<File, ExcerptError> {
        let bits = if self.bits() <= 16 { 16 } else { 24 };
        let scale = 2f32.powi(bits - 1);
        let (channels, rate) = (self.channels.len(), self.reader.line().sample_rate_hz as usize);
        let mut integers = Vec::new();
        self.each_piece(|samples, _| {
            let held = |s: &f32| (s * scale).round().clamp(-scale, scale - 1.0) as i32;
            integers.extend(samples.iter().map(held));
            Ok(())
        })?;
        let bytes = flac::stream(&integers, channels, bits as usize, rate)
            .map_err(|e| ExcerptError::Unfit(format!("FLAC can't hold it ({e})")))?;
        to.write_all(&bytes)?;
        Ok(to)
    }

    /// Gives interleaved samples piece by piece, with the position of the first.
    fn each_piece(
        &mut self,
        mut give: impl FnMut(&mut [f32], i64) -> std::io::Result<()>,
    ) -> Result<(), ExcerptError> {
        let channels = self.channels.len();
        let (mut one, mut all) = (Vec::new(), Vec::new());
        let mut at = self.positions.start;
        while at < self.positions.end {
            let piece = at..self.positions.end.min(at + PIECE);
            all.resize((piece.end - piece.start) as usize * channels, 0.0);
            for (i, channel) in self.channels.iter().enumerate() {
                self.reader
                    .read(piece.clone(), *channel, &mut one)
                    .map_err(|e| ExcerptError::Unreadable(e.to_string()))?;
                for (frame, sample) in all.chunks_mut(channels).zip(&one) {
                    frame[i] = *sample;
                }
            }
            give(&mut all, at)?;
            at = piece.end;
        }
        Ok(())
    }

    /// Bits that hold every sample of the recordings it is of; 32 where they are floats.
    fn bits(&self) -> u32 {
        let parts = self.reader.line().parts(self.positions.clone());
        let infos = parts.filter_map(|run| self.infos.get(run.recording));
        infos
            .map(|info| {
                let is_whole = info.codec.starts_with("pcm_s") || info.codec == "flac";
                if is_whole { info.bits_per_sample } else { 32 }
            })
            .max()
            .unwrap_or(32)
    }

    /// What is said of it inside a WAV: a program that reads GUANO knows its clock time.
    fn guano(&self) -> String {
        let mut text = "GUANO|Version: 1.0\nMake: Spyhop\n".to_owned();
        if let Some(start) = self.start() {
            text += &format!("Timestamp: {}\n", start.to_iso());
        }
        text += "Note: an excerpt; gaps of the recording are silence\n";
        text
    }
}

fn blank_gaps(line: &Line, first: i64, channels: usize, samples: &mut [f32]) {
    let frames = (samples.len() / channels.max(1)) as i64;
    let mut blank = |gap: Range<i64>| {
        let (from, to) = ((gap.start - first) as usize, (gap.end - first) as usize);
        samples[from * channels..to * channels].fill(f32::NAN);
    };
    let mut at = first;
    for run in line.parts(first..first + frames) {
        blank(at..run.position);
        at = run.end();
    }
    blank(at..first + frames);
}

fn into_file(to: BufWriter<File>) -> Result<File, ExcerptError> {
    Ok(to.into_inner().map_err(std::io::IntoInnerError::into_error)?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};

    use super::*;

    /// Two files of 1000 samples at 1 kHz, counting up, with a second between them.
    fn excerpt_of(form: Form, positions: Range<i64>) -> Result<Vec<u8>, ExcerptError> {
        let open = |i: usize| {
            let samples: Vec<i16> = (0..1000).map(|n| n + 1 + 1000 * i as i16).collect();
            let name = format!("x_20200101_00000{}.wav", 2 * i);
            formats::open(&name, Box::new(wav_pcm16(&samples, 1, 1000)), &OpenOptions::default())
        };
        let infos: Vec<_> = (0..2).map(|i| open(i).expect("a WAV").info).collect();
        let (line, _) = Line::new(&infos).expect("a line");
        let mut reader = LineReader::new(line, Box::new(open));
        let mut excerpt =
            Excerpt { reader: &mut reader, infos: &infos, positions, channels: vec![0] };
        let mut bytes = Vec::new();
        excerpt.write(form, tempfile::tempfile()?)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn decoded(name: &str, bytes: Vec<u8>) -> (Vec<f32>, RecordingInfo) {
        let mut recording =
            formats::open(name, Box::new(bytes), &OpenOptions::default()).expect("a recording");
        let mut samples = Vec::new();
        recording.read(0, 100_000, &mut samples).expect("reads");
        (samples.iter().map(|s| s * 32_768.0).collect(), recording.info)
    }

    #[test]
    fn flac_of_many_blocks_is_read_back_to_its_end() {
        let samples: Vec<i16> = (0..10_000).map(|n| (n * 3) as i16).collect();
        let open = |_: usize| {
            let name = "x_20200101_000000.wav";
            formats::open(name, Box::new(wav_pcm16(&samples, 1, 1000)), &OpenOptions::default())
        };
        let infos = vec![open(0).expect("a WAV").info];
        let (line, _) = Line::new(&infos).expect("a line");
        let again = samples.clone();
        let reopen = move |_: usize| {
            let name = "x_20200101_000000.wav";
            formats::open(name, Box::new(wav_pcm16(&again, 1, 1000)), &OpenOptions::default())
        };
        let mut reader = LineReader::new(line, Box::new(reopen));
        let (positions, channels) = (0..10_000, vec![0]);
        let mut excerpt = Excerpt { reader: &mut reader, infos: &infos, positions, channels };
        let mut bytes = Vec::new();
        let file = excerpt.write(Form::Flac, tempfile::tempfile().expect("a file"));
        file.expect("written").read_to_end(&mut bytes).expect("read");
        let expected: Vec<f32> = samples.iter().map(|s| f32::from(*s)).collect();
        for shortest in [None, Some(10_000u16 % 4096)] {
            // Other writers, and this one once, count the last block as the shortest.
            let mut bytes = bytes.clone();
            if let Some(shortest) = shortest {
                bytes[8..10].copy_from_slice(&shortest.to_be_bytes());
            }
            let (read, info) = decoded("a.flac", bytes);
            assert_eq!((info.frames, info.warnings.len()), (10_000, 0), "{:?}", info.warnings);
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn flac_of_fast_recorders_holds_their_rate_and_every_sample() {
        let samples: Vec<i16> = (0..10_000).map(|n| (n * 7 % 501) as i16).collect();
        for rate_hz in [96_000, 192_000, 250_000, 312_500, 384_000, 500_000] {
            let open = {
                let samples = samples.clone();
                move |_: usize| {
                    let bytes = Box::new(wav_pcm16(&samples, 1, rate_hz));
                    formats::open("x.wav", bytes, &OpenOptions::default())
                }
            };
            let infos = vec![open(0).expect("a WAV").info];
            let (line, _) = Line::new(&infos).expect("a line");
            let mut reader = LineReader::new(line, Box::new(open));
            let (positions, channels) = (0..10_000, vec![0]);
            let mut excerpt = Excerpt { reader: &mut reader, infos: &infos, positions, channels };
            let file = excerpt.write(Form::Flac, tempfile::tempfile().expect("a file"));
            let mut bytes = Vec::new();
            file.expect("written").read_to_end(&mut bytes).expect("read");
            let (read, info) = decoded("a.flac", bytes);
            assert_eq!((info.frames, info.warnings.len()), (10_000, 0), "{:?}", info.warnings);
            assert_eq!(info.sample_rate_hz, f64::from(rate_hz));
            assert!(read.iter().zip(&samples).all(|(a, b)| *a == f32::from(*b)), "{rate_hz} Hz");
        }
    }

    #[test]
    fn wav_and_flac_hold_every_bit_and_silence_in_gaps() {
        for (form, name) in [(Form::Wav, "a.wav"), (Form::Flac, "a.flac")] {
            let (samples, info) = decoded(name, excerpt_of(form, 990..2010).expect("written"));
            assert_eq!((samples.len(), info.sample_rate_hz), (1020, 1000.0), "{name}");
            assert_eq!(&samples[8..12], [999.0, 1000.0, 0.0, 0.0], "{name}");
            assert_eq!(&samples[1008..1012], [0.0, 0.0, 1001.0, 1002.0], "{name}");
        }
        let (_, info) = decoded("a.wav", excerpt_of(Form::Wav, 990..2010).expect("written"));
        let start = info.start.map(Timestamp::to_iso);
        assert_eq!(start.as_deref(), Some("2020-01-01T00:00:00.990000000Z"));
    }

    #[test]
    fn npy_has_no_number_where_nothing_was_recorded() {
        let bytes = excerpt_of(Form::Npy, 999..2001).expect("written");
        let number = |i: usize| {
            f32::from_le_bytes(bytes[128 + 4 * i..132 + 4 * i].try_into().expect("four"))
        };
        assert_eq!(number(0) * 32_768.0, 1000.0);
        assert!(number(1).is_nan() && number(1000).is_nan());
        assert_eq!(number(1001) * 32_768.0, 1001.0);
    }

    #[test]
    fn what_was_not_recorded_and_what_is_too_long_is_refused_with_a_reason() {
        assert!(matches!(excerpt_of(Form::Wav, 1000..2000), Err(ExcerptError::Empty)));
        let long = excerpt_of(Form::Flac, 0..1 << 30);
        assert!(long.is_err_and(|e| e.to_string().contains("ask for less")));
    }
}
