//! What is at hand while a file is being opened, and what a reader gives back.

use std::collections::BTreeMap;

use spyhop_api::SegmentInfo;

use super::start::Start;
use super::{OpenOptions, bytes};
use crate::recording::{Decoder, OpenError};
use crate::source::{SharedSource, SourceError};

/// A file being opened: readers leave metadata, start times and warnings here.
pub(crate) struct Opening<'a> {
    pub(crate) name: &'a str,
    pub(crate) source: SharedSource,
    pub(crate) options: &'a OpenOptions,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) warnings: Vec<String>,
    /// Start times that parts of the file state.
    pub(crate) starts: Vec<Start>,
    /// How many times slower than it was recorded the file plays, by its metadata; 1 if unsaid.
    pub(crate) time_expansion: f64,
    /// Rate of the recording, by its metadata, Hz.
    pub(crate) stated_rate_hz: Option<f64>,
}

/// What a reader found a file to be.
pub(crate) struct Found {
    pub(crate) format: &'static str,
    pub(crate) codec: &'static str,
    pub(crate) sample_rate_hz: f64,
    pub(crate) channels: u32,
    pub(crate) bits_per_sample: u32,
    pub(crate) frames: u64,
    /// Runs with their own start times; empty where the file is one run.
    pub(crate) segments: Vec<SegmentInfo>,
    pub(crate) decoder: Box<dyn Decoder>,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(name: &'a str, source: SharedSource, options: &'a OpenOptions) -> Self {
        Opening {
            name,
            source,
            options,
            metadata: BTreeMap::new(),
            warnings: Vec::new(),
            starts: Vec::new(),
            time_expansion: 1.0,
            stated_rate_hz: None,
        }
    }

    /// At most `count` bytes from `offset`: fewer where the file ends.
    pub(crate) fn bytes_up_to(&mut self, offset: u64, count: usize) -> Result<Vec<u8>, OpenError> {
        bytes::read_up_to(&mut self.source, offset, count).map_err(|e| self.source_error(e))
    }

    /// Adds a warning for a person.
    pub(crate) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Notes what the file says of itself, unless it says nothing.
    pub(crate) fn note(&mut self, key: impl Into<String>, value: impl AsRef<str>) {
        let value = value.as_ref().trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if !value.is_empty() {
            self.metadata.insert(key.into(), value.to_owned());
        }
    }

    pub(crate) fn broken(&self, problem: String) -> OpenError {
        OpenError::Broken { name: self.name.to_owned(), problem }
    }

    pub(crate) fn unknown(&self, found: String) -> OpenError {
        OpenError::Unknown { name: self.name.to_owned(), found }
    }

    pub(crate) fn source_error(&self, error: SourceError) -> OpenError {
        OpenError::of_source(self.name, error)
    }
}
