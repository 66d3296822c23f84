//! Samples of a line, across its recordings and gaps.

use std::ops::Range;

use crate::line::{Line, LineError};
use crate::recording::{OpenError, Recording};
use crate::source::SourceError;

/// Recordings kept open at a time; the one read longest ago is closed first.
const MAX_OPEN: usize = 16;

/// Opens the recording with an index into what the [`Line`] was made of.
pub type OpenRecording = Box<dyn FnMut(usize) -> Result<Recording, OpenError> + Send>;

/// Index of a recording, and bytes of its file.
pub type BytesOf = (usize, Range<u64>);

/// Reads positions of a [`Line`] as one channel of samples, with zeros where nothing was recorded.
pub struct LineReader {
    line: Line,
    open_recording: OpenRecording,
    /// Most recently read last.
    open: Vec<(usize, Recording)>,
    part: Vec<f32>,
}

impl LineReader {
    /// A reader of `line`; `open_recording` is called when a recording is first needed, and again
    /// when it is needed after it was closed.
    pub fn new(line: Line, open_recording: OpenRecording) -> LineReader {
        LineReader { line, open_recording, open: Vec::new(), part: Vec::new() }
    }

    /// A reader of one recording that is open already, with its gaps.
    ///
    /// # Errors
    /// When it holds no samples.
    pub fn of_recording(recording: Recording) -> Result<LineReader, LineError> {
        let (line, _) = Line::new(std::slice::from_ref(&recording.info))?;
        let name = recording.info.name.clone();
        let no_other = move |_| {
            let error = SourceError::Io("there is only one recording on its line".to_owned());
            Err(OpenError::Source { name: name.clone(), error })
        };
        let reader = LineReader::new(line, Box::new(no_other));
        Ok(LineReader { open: vec![(0, recording)], ..reader })
    }

    /// What reading has met in the recordings that are open, as [`Recording::problems`].
    pub fn problems(&self) -> Vec<String> {
        self.open.iter().flat_map(|(_, recording)| recording.problems().to_vec()).collect()
    }

    /// The line that is read.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Fills `out` with one sample for each position of `range`, of one channel counted from 0.
    /// Returns how many of them were recorded; all others, gaps and positions off the line, are
    /// zeros.
    ///
    /// # Errors
    /// When a recording can't be opened or read.
    pub fn read(
        &mut self,
        range: Range<i64>,
        channel: u32,
        out: &mut Vec<f32>,
    ) -> Result<u64, OpenError> {
        out.clear();
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
        let mut recorded = 0;
        for run in self.line.parts(range.clone()).collect::<Vec<_>>() {
            if run.position == range.start && run.end() == range.end {
                // No gap: the usual case, without a copy.
                let recording = self.recording(run.recording)?;
                recording.read_channel(run.first_frame, length, channel, out)?;
                recorded = out.len() as u64;
                break;
            }
            let at = usize::try_from(run.position - range.start).unwrap_or(0);
            out.resize(at, 0.0);
            let mut part = std::mem::take(&mut self.part);
            let frames = usize::try_from(run.frames).unwrap_or(usize::MAX);
            let recording = self.recording(run.recording)?;
            recording.read_channel(run.first_frame, frames, channel, &mut part)?;
            recorded += part.len() as u64;
            out.extend_from_slice(&part);
            self.part = part;
        }
        out.resize(length, 0.0);
        Ok(recorded)
    }

    /// The bytes that reading a range needs, with the recording that each lie in; `None` where that
    /// is not known without reading. Opens the recordings.
    ///
    /// # Errors
    /// When one can't be opened.
    pub fn byte_ranges(&mut self, range: Range<i64>) -> Result<Option<Vec<BytesOf>>, OpenError> {
        let mut ranges = Vec::new();
        for run in self.line.parts(range).collect::<Vec<_>>() {
            let frames = run.first_frame..run.first_frame.saturating_add(run.frames);
            match self.recording(run.recording)?.byte_range(frames) {
                Some(bytes) => ranges.push((run.recording, bytes)),
                None => return Ok(None),
            }
        }
        Ok(Some(ranges))
    }

    fn recording(&mut self, index: usize) -> Result<&mut Recording, OpenError> {
        match self.open.iter().position(|(i, _)| *i == index) {
            Some(at) => self.open[at..].rotate_left(1),
            None => {
                let recording = (self.open_recording)(index)?;
                if self.open.len() == MAX_OPEN {
                    self.open.remove(0);
                }
                self.open.push((index, recording));
            }
        }
        let last = self.open.len() - 1;
        Ok(&mut self.open[last].1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::formats::{self, OpenOptions, wav_writer::wav_pcm16};

    /// File `i` is a WAV of 1000 samples of value `i + 1`, 1 kHz, one every 2 s.
    fn open(i: usize) -> Result<Recording, OpenError> {
        let name = format!("x_20200101_0000{:02}.wav", 2 * i);
        let bytes = wav_pcm16(&[i as i16 + 1; 1000], 1, 1000);
        formats::open(&name, Box::new(bytes), &OpenOptions::default())
    }

    fn reader(files: usize) -> (LineReader, Arc<AtomicUsize>) {
        let infos: Vec<_> = (0..files).map(|i| open(i).expect("a WAV").info).collect();
        let (line, left_out) = Line::new(&infos).expect("dated recordings");
        assert!(left_out.is_empty());
        let opened = Arc::new(AtomicUsize::new(0));
        let counter = opened.clone();
        let reader = LineReader::new(
            line,
            Box::new(move |i| {
                counter.fetch_add(1, Ordering::Relaxed);
                open(i)
            }),
        );
        (reader, opened)
    }

    #[test]
    fn gaps_and_places_off_the_line_read_as_zeros() {
        let (mut reader, _) = reader(3);
        let mut out = Vec::new();
        let recorded = reader.read(-10..6000, 0, &mut out).expect("reads");
        assert_eq!((recorded, out.len()), (3000, 6010));
        let value = |position: i64| out[(position + 10) as usize] * 32_768.0;
        for (position, expected) in
            [(-1, 0.0), (0, 1.0), (999, 1.0), (1000, 0.0), (2000, 2.0), (4999, 3.0), (5000, 0.0)]
        {
            assert_eq!(value(position), expected, "{position}");
        }
        assert_eq!(reader.read(1500..1600, 0, &mut out).expect("reads"), 0);
        assert_eq!(out, vec![0.0; 100]);
        assert_eq!(reader.read(5..5, 0, &mut out).expect("reads"), 0);
        assert!(out.is_empty());
    }

    #[test]
    fn one_open_recording_reads_as_its_line_does() {
        let mut reader = LineReader::of_recording(open(3).expect("a WAV")).expect("has samples");
        let mut out = Vec::new();
        assert_eq!(reader.read(-2..3, 0, &mut out).expect("reads"), 3);
        assert_eq!(out, [0.0, 0.0, 4.0, 4.0, 4.0].map(|v| v / 32_768.0));
        assert!(reader.problems().is_empty());
    }

    #[test]
    fn at_most_sixteen_recordings_stay_open_and_each_opens_only_when_needed() {
        let (mut reader, opened) = reader(20);
        let mut out = Vec::new();
        reader.read(0..100, 0, &mut out).expect("reads");
        reader.read(100..200, 0, &mut out).expect("reads");
        assert_eq!(opened.load(Ordering::Relaxed), 1);
        reader.read(0..40_000, 0, &mut out).expect("reads");
        assert_eq!((opened.load(Ordering::Relaxed), reader.open.len()), (20, MAX_OPEN));
        reader.read(38_000..38_010, 0, &mut out).expect("reads");
        assert_eq!(opened.load(Ordering::Relaxed), 20);
        reader.read(0..10, 0, &mut out).expect("reads");
        assert_eq!(opened.load(Ordering::Relaxed), 21);
    }
}
