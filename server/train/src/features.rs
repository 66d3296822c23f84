//! What the network sees of recordings: log energies of all their frames, made once and kept by hash.
//!
//! Frames lie on the recording's own grid, so that a window is a stretch of them, wherever it begins (to half
//! a hop), and moving it, or adding another sound to it, needs no transform.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use spyhop_api::FrontEnd;
use spyhop_signal::fbank::Fbank;
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::{RateChange, Recording};

use crate::dataset::WindowTable;
use crate::{TrainError, WindowedRecording, whole};

/// Changes whenever the same samples would give other energies.
const VERSION: u32 = 1;
const WHAT: &str = "what a network sees of a recording";
/// Samples that are read at a time.
const PIECE_SAMPLES: i64 = 1 << 18;
/// Log energies that a mean and a deviation are measured from, at most.
const MOST_MEASURED: usize = 20_000_000;
/// Files that are open at a time: recordings come by the thousand, and some systems allow 256 to a process.
const MAX_OPEN: usize = 16;

/// Log energies of recordings, in files.
pub struct Features {
    front_end: FrontEnd,
    rate_hz: f64,
    recordings: Vec<Frames>,
    /// Files with the index of their recording; the one that was read last stands last.
    open: Mutex<Vec<(usize, Arc<Mutex<File>>)>>,
}

struct Frames {
    path: PathBuf,
    frames: usize,
}

impl Features {
    /// Finds what is there in `folder`, and makes what is missing; others may do so at the same time. What killed
    /// ones left half made is removed. `progress` is told how many of the table's recordings are ready.
    ///
    /// # Errors
    /// When a recording can't be read, is another than when the table was made, or the disk is full.
    pub fn prepare(
        table: &WindowTable,
        front_end: &FrontEnd,
        time_compression: f64,
        channel: u32,
        folder: &Path,
        open: &(dyn Fn(&Path) -> Result<Recording, String> + Sync),
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Features, TrainError> {
        let fbank = Fbank::new(front_end)
            .map_err(|error| TrainError::Data(format!("model.front_end: {error}")))?;
        let rate_hz = front_end.rate_hz / time_compression;
        let path_of = |recording: &WindowedRecording| {
            let key = key(&recording.fingerprint, front_end, time_compression, channel);
            folder.join(format!("{key}.mel"))
        };
        let opened = |recording: &WindowedRecording| {
            let opened =
                open(&table.folder.join(&recording.name)).map_err(TrainError::Recording)?;
            match opened.info.fingerprint == recording.fingerprint {
                true => Ok(opened),
                false => Err(TrainError::Recording(format!(
                    "{} is another recording than when the windows were cut: make the table again with spyhop dataset",
                    recording.name
                ))),
            }
        };
        whole::sweep(folder);
        // What can't be listened to is told before hours go into the others.
        table.recordings.par_iter().try_for_each(|recording| {
            match kept(&path_of(recording), recording, front_end, rate_hz)? {
                Some(_) => Ok(()),
                None => opened(recording).map(drop),
            }
        })?;
        let ready = AtomicUsize::new(0);
        let one = |recording: &WindowedRecording| -> Result<Frames, TrainError> {
            let path = path_of(recording);
            let frames = match kept(&path, recording, front_end, rate_hz)? {
                Some(frames) => frames,
                None => {
                    let heard = energies(opened(recording)?, &fbank, rate_hz, channel)?;
                    let bytes: Vec<u8> = heard.iter().flat_map(|x| x.to_le_bytes()).collect();
                    whole::put_with(WHAT, &path, |file| file.write_all(&bytes))?;
                    heard.len() / front_end.mels as usize
                }
            };
            progress(ready.fetch_add(1, Ordering::Relaxed) + 1, table.recordings.len());
            Ok(Frames { path, frames })
        };
        let recordings = table.recordings.par_iter().map(one).collect::<Result<_, _>>()?;
        let open = Mutex::new(Vec::with_capacity(MAX_OPEN));
        Ok(Features { front_end: *front_end, rate_hz, recordings, open })
    }

    /// The frame that a window begins with.
    pub fn first_frame(&self, start_s: f64) -> i64 {
        (start_s * self.rate_hz / f64::from(self.front_end.hop_samples)).round() as i64
    }

    /// Frames in so many seconds.
    pub fn frames_in(&self, seconds: f64) -> i64 {
        self.first_frame(seconds)
    }

    /// Log energies of as many frames as the front end's picture has, from a frame on; what would begin
    /// before the recording or end after it is moved into it. Frames that a short recording lacks are 0, as
    /// the front end fills them.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read(&self, recording: usize, first_frame: i64) -> Result<Vec<f32>, TrainError> {
        let (frames, mels) = (self.front_end.frames as usize, self.front_end.mels as usize);
        let mut values = vec![0.0; frames * mels];
        let Some(held) = self.recordings.get(recording) else { return Ok(values) };
        let latest = held.frames.saturating_sub(frames);
        let first = usize::try_from(first_frame).unwrap_or(0).min(latest);
        let heard = frames.min(held.frames);
        let mut bytes = vec![0; heard * mels * size_of::<f32>()];
        let read = self.file(recording, &held.path).and_then(|file| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (first * mels * size_of::<f32>()) as u64;
            file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes))
        });
        read.map_err(|error| TrainError::reading(WHAT, &held.path, &error))?;
        for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(values)
    }

    /// The file of a recording; the one that was not read for longest is closed where too many are open.
    fn file(&self, recording: usize, path: &Path) -> std::io::Result<Arc<Mutex<File>>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open.iter().position(|(held, _)| *held == recording) {
            Some(place) => open.remove(place).1,
            None => {
                if open.len() >= MAX_OPEN {
                    open.remove(0);
                }
                Arc::new(Mutex::new(File::open(path)?))
            }
        };
        open.push((recording, file.clone()));
        Ok(file)
    }

    /// Mean and standard deviation of the log energies of windows, given by recording and first frame; of
    /// every n-th one where they are many.
    ///
    /// # Errors
    /// When a file can't be read, and when nothing but silence is in them.
    pub fn measure(&self, windows: &[(usize, i64)]) -> Result<(f64, f64), TrainError> {
        let picture = (self.front_end.frames * self.front_end.mels) as usize;
        let every = (windows.len() * picture).div_ceil(MOST_MEASURED).max(1);
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (recording, first_frame) in windows.iter().step_by(every) {
            for value in self.read(*recording, *first_frame)? {
                let value = f64::from(value);
                count += 1.0;
                sum += value;
                squares += value * value;
            }
        }
        let mean = sum / f64::max(count, 1.0);
        let deviation = (squares / f64::max(count, 1.0) - mean * mean).max(0.0).sqrt();
        match deviation > 0.0 && deviation.is_finite() {
            true => Ok((mean, deviation)),
            false => Err(TrainError::Data(
                "the training windows hold nothing but silence: is preprocess.channel the right one?".into(),
            )),
        }
    }
}

/// All that decides the energies of a recording.
fn key(fingerprint: &str, front_end: &FrontEnd, time_compression: f64, channel: u32) -> String {
    let FrontEnd { rate_hz, low_hz, high_hz, mels, frame_samples, hop_samples, fft_size, .. } =
        front_end;
    let decides = format!(
        "{VERSION} {fingerprint} {rate_hz} {low_hz} {high_hz} {mels} {frame_samples} {hop_samples} {fft_size} {time_compression} {channel}"
    );
    blake3::hash(decides.as_bytes()).to_hex().as_str().chars().take(32).collect()
}

/// Frames of a recording that are kept in a file; `None` where there is none, or where it ends before the
/// recording does.
fn kept(
    path: &Path,
    recording: &WindowedRecording,
    front_end: &FrontEnd,
    rate_hz: f64,
) -> Result<Option<usize>, TrainError> {
    let bytes = match std::fs::metadata(path) {
        Ok(about) => about.len() as usize,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TrainError::reading(WHAT, path, &error)),
    };
    let frame = front_end.mels as usize * size_of::<f32>();
    let frames = bytes / frame.max(1);
    let expected = front_end.frames_in((recording.duration_s * rate_hz) as usize);
    // A filter may give a frame less at the end, and lengths in seconds are rounded.
    let is_whole = bytes == frames * frame && frames + 2 + expected / 1000 >= expected;
    Ok(is_whole.then_some(frames))
}

/// Log energies of all frames of a recording, gaps as silence.
fn energies(
    recording: Recording,
    fbank: &Fbank,
    rate_hz: f64,
    channel: u32,
) -> Result<Vec<f32>, TrainError> {
    let name = recording.info.name.clone();
    if channel >= recording.info.channels {
        return Err(TrainError::Recording(format!(
            "{name} has no channel {channel}: it has {}, counted from 0",
            recording.info.channels
        )));
    }
    let unfit = |reason: String| TrainError::Recording(format!("{name}: {reason}"));
    let mut change = RateChange::to(recording.info.sample_rate_hz, rate_hz)
        .map_err(|error| unfit(error.to_string()))?;
    let mut reader =
        LineReader::of_recording(recording).map_err(|error| unfit(error.to_string()))?;
    let end = reader.line().end();
    let mut frames = FrameStream::new(fbank);
    let mut samples = Vec::new();
    let mut at = 0;
    while at < end {
        let piece = at..end.min(at + PIECE_SAMPLES);
        reader.read(piece.clone(), channel, &mut samples).map_err(|e| unfit(e.to_string()))?;
        change.push(at, &samples, &mut |position, samples| frames.push(position, samples));
        at = piece.end;
    }
    change.finish(&mut |position, samples| frames.push(position, samples));
    Ok(frames.finish())
}

/// Samples that come by and by, and the energies of the frames that they fill.
struct FrameStream<'a> {
    fbank: &'a Fbank,
    pending: Vec<f32>,
    /// Position after the last pending sample.
    next: i64,
    energies: Vec<f32>,
}

impl<'a> FrameStream<'a> {
    fn new(fbank: &'a Fbank) -> FrameStream<'a> {
        FrameStream { fbank, pending: Vec::new(), next: 0, energies: Vec::new() }
    }

    fn push(&mut self, position: i64, samples: &[f32]) {
        // A filter may give something from before the first sample, and nothing where nothing was.
        let skipped = usize::try_from(self.next - position).unwrap_or(0).min(samples.len());
        let silent = usize::try_from(position - self.next).unwrap_or(0);
        self.pending.resize(self.pending.len() + silent, 0.0);
        self.pending.extend_from_slice(&samples[skipped..]);
        self.next += (silent + samples.len() - skipped) as i64;
        if self.pending.len() as i64 >= PIECE_SAMPLES {
            self.look();
        }
    }

    fn look(&mut self) {
        let front_end = self.fbank.front_end();
        let frames = front_end.frames_in(self.pending.len());
        self.energies.extend(self.fbank.log_energies(&self.pending));
        self.pending.drain(..(frames * front_end.hop_samples as usize).min(self.pending.len()));
    }

    fn finish(mut self) -> Vec<f32> {
        self.look();
        self.energies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_stream_are_those_of_the_whole() {
        let front_end = FrontEnd {
            rate_hz: 2000.0,
            low_hz: 30.0,
            high_hz: 400.0,
            mels: 16,
            frame_samples: 256,
            hop_samples: 100,
            fft_size: 512,
            frames: 10,
            mean: 0.0,
            std: 0.5,
        };
        let fbank = Fbank::new(&front_end).expect("a front end");
        let samples: Vec<f32> = (0..600_000).map(|i| (i as f32 * 0.31).sin() * 0.1).collect();
        let mut stream = FrameStream::new(&fbank);
        for (i, piece) in samples.chunks(77_777).enumerate() {
            stream.push(i as i64 * 77_777, piece);
        }
        assert_eq!(stream.finish(), fbank.log_energies(&samples));
        let mut late = FrameStream::new(&fbank);
        late.push(-3, &[9.0; 3]);
        late.push(500, &samples[500..]);
        let mut silent = samples;
        silent[..500].fill(0.0);
        assert_eq!(late.finish(), fbank.log_energies(&silent));
    }
}
