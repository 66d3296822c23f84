//! What is open in a worker: sources, recordings and the line.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use send_wrapper::SendWrapper;
use serde::{Deserialize, Serialize};
use spyhop_api::RecordingInfo;
use spyhop_api::view::Reading;
use spyhop_signal::formats::{self, EarsConvention, OpenOptions, Sidecar};
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::{Line, OpenError, Recording};
use spyhop_words::page::reading as words;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, FileReaderSync};

use crate::Message;
use crate::bytes::{Bytes, Origin};

/// A sidecar that is longer than this is no sidecar.
const SIDECAR_BYTES: f64 = 1_048_576.0;

/// What is to be open. Beside it ride the file or blob of each source that has one, in order, then the
/// sidecars.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sources {
    /// Where the recordings are.
    pub sources: Vec<SourceWire>,
    /// Names of the sidecars.
    pub sidecars: Vec<String>,
    /// What a person said of the files.
    pub reading: Reading,
}

/// Where a recording's bytes are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceWire {
    /// Name without a path.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// Address, or `None` for a file that rides along.
    pub url: Option<String>,
    /// What requests for the address are authorised by.
    pub authorisation: Option<String>,
}

/// Sources, and the line that is laid of them.
#[derive(Default)]
pub struct Recordings {
    sources: Rc<Vec<Source>>,
    options: Rc<OpenOptions>,
    reader: Option<LineReader>,
}

struct Source {
    name: String,
    bytes: Bytes,
    /// A recording that was opened to describe it and is still fresh.
    fresh: RefCell<Option<Recording>>,
}

impl Recordings {
    /// Replaces what is open by what a message brings.
    pub fn replace(&mut self, open: Sources, message: &Message) {
        let Sources { sources, sidecars, reading } = open;
        let mut blobs = message.objects.iter().cloned().filter_map(|o| o.dyn_into::<Blob>().ok());
        let opened = sources.into_iter().filter_map(|source| {
            let origin = match source.url {
                Some(url) => Origin::Url { url, authorisation: source.authorisation },
                None => Origin::Blob(blobs.next()?),
            };
            let bytes = Bytes::new(origin, source.bytes);
            Some(Source { name: source.name, bytes, fresh: RefCell::default() })
        });
        let sources: Vec<Source> = opened.collect();
        let sidecars = sidecars.into_iter().zip(blobs).filter_map(|(name, blob)| {
            let bytes = FileReaderSync::new().ok()?;
            let bytes =
                bytes.read_as_array_buffer(&blob.slice_with_f64_and_f64(0.0, SIDECAR_BYTES).ok()?);
            Some(Sidecar { name, bytes: js_sys::Uint8Array::new(&bytes.ok()?.into()).to_vec() })
        });
        self.options = Rc::new(OpenOptions {
            ears_convention: EarsConvention::from_name(&reading.ears_convention)
                .unwrap_or_default(),
            sidecars: sidecars.collect(),
            name_pattern: reading.name_pattern.clone(),
            zone_offset_s: reading.zone_offset_s,
            start: reading.start,
            fingerprint: None,
        });
        self.sources = Rc::new(sources);
        self.reader = None;
    }

    /// Lays the line.
    pub fn set_line(&mut self, line: Line) {
        let (sources, options) = (self.sources.clone(), self.options.clone());
        let shared = SendWrapper::new((sources, options));
        let open = move |index: usize| {
            let (sources, options) = &*shared;
            match sources.get(index) {
                Some(source) => source.open(options),
                None => Err(no_source(index)),
            }
        };
        self.reader = Some(LineReader::new(line, Box::new(open)));
    }

    /// Opens a source to be read once from one end to the other: nothing of it is kept afterwards.
    ///
    /// # Errors
    /// When it can't be read, or is no recording.
    pub fn open(&self, index: usize) -> Result<Recording, OpenError> {
        let source = self.sources.get(index).ok_or_else(|| no_source(index))?;
        formats::open(&source.name, Box::new(source.bytes.apart()), &self.options)
    }

    /// Opens a source and describes it.
    ///
    /// # Errors
    /// As [`Recordings::open`].
    pub fn describe(&mut self, index: usize) -> Result<RecordingInfo, OpenError> {
        let source = self.sources.get(index).ok_or_else(|| no_source(index))?;
        let recording = source.open(&self.options)?;
        let info = recording.info.clone();
        source.fresh.replace(Some(recording));
        Ok(info)
    }

    /// Samples of a range, zeros where nothing was recorded.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn read(
        &mut self,
        range: Range<i64>,
        channel: u32,
        out: &mut Vec<f32>,
    ) -> Result<(), String> {
        let reader = self.reader.as_mut().ok_or(words::NOTHING_OPEN)?;
        reader.read(range, channel, out).map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Fetches what reading some ranges will need, all at once, where that is known beforehand.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn fetch(&mut self, ranges: &[Range<i64>]) -> Result<(), String> {
        let reader = self.reader.as_mut().ok_or(words::NOTHING_OPEN)?;
        let mut needed: Vec<(usize, Vec<Range<u64>>)> = Vec::new();
        for range in ranges {
            let bytes = reader.byte_ranges(range.clone()).map_err(|e| e.to_string())?;
            for (recording, bytes) in bytes.into_iter().flatten() {
                match needed.last_mut().filter(|(of, _)| *of == recording) {
                    Some((_, all)) => all.push(bytes),
                    None => needed.push((recording, vec![bytes])),
                }
            }
        }
        for (recording, bytes) in needed {
            let source = self.sources.get(recording).ok_or(words::NOT_OPEN_ANY_MORE)?;
            source.bytes.fetch(&bytes).await.map_err(|e| words::of_file(&source.name, e))?;
        }
        Ok(())
    }

    /// Bytes read since the last time this was asked, and milliseconds spent in waiting for them.
    pub fn take_read(&self) -> (u64, f64) {
        let all = self.sources.iter().map(|s| s.bytes.take_read());
        all.fold((0, 0.0), |sum, read| (sum.0 + read.0, sum.1 + read.1))
    }
}

impl Source {
    fn open(&self, options: &OpenOptions) -> Result<Recording, OpenError> {
        match self.fresh.take() {
            Some(recording) => Ok(recording),
            None => formats::open(&self.name, Box::new(self.bytes.clone()), options),
        }
    }
}

fn no_source(index: usize) -> OpenError {
    OpenError::Broken {
        name: words::recording(index),
        problem: words::NOT_OPEN_ANY_MORE.to_owned(),
    }
}
