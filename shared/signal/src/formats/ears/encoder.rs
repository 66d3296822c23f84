//! Writing EARS files: fixtures, and the demo's dolphins.

use std::io::{self, Write};

use spyhop_api::Timestamp;
use spyhop_api::time::frames_to_nanos;

use super::RECORD_SAMPLES;
use super::clock::{Clock, EarsConvention};

/// Encodes samples as one EARS file. `starts` gives runs: the first record of each and its time,
/// beginning with record 0; between two runs the clock jumps. A last record that is not full is
/// filled with zeros. `file_name` decides the epoch, as for the reader.
pub fn encode(
    samples: &[i16],
    starts: &[(u64, Timestamp)],
    convention: EarsConvention,
    file_name: &str,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(samples.len().div_ceil(RECORD_SAMPLES) * 512);
    let mut run = (0, Timestamp(0));
    let clock = Clock::new(convention, file_name);
    for (record, samples) in samples.chunks(RECORD_SAMPLES).enumerate() {
        if let Some(start) = starts.iter().find(|s| s.0 == record as u64) {
            run = *start;
        }
        put_record(&mut bytes, clock, run.1, record as u64 - run.0, samples);
    }
    bytes
}

/// Appends the `index`-th record of a run that began at `start`.
fn put_record(bytes: &mut Vec<u8>, clock: Clock, start: Timestamp, index: u64, samples: &[i16]) {
    let frame = i64::try_from(index * RECORD_SAMPLES as u64).unwrap_or(i64::MAX);
    let nanos = frames_to_nanos(frame, clock.sample_rate_hz());
    bytes.extend(clock.header(Timestamp(start.0.saturating_add(nanos))));
    bytes.extend(samples.iter().flat_map(|s| s.to_be_bytes()));
    bytes.extend(std::iter::repeat_n(0, 2 * (RECORD_SAMPLES - samples.len())));
}

/// Writes an EARS file without a gap, as samples come.
pub struct EarsWriter<W: Write> {
    to: W,
    clock: Clock,
    start: Timestamp,
    records: u64,
    pending: Vec<i16>,
}

impl<W: Write> EarsWriter<W> {
    /// Begins a file whose first sample was recorded at `start`; `file_name` decides the epoch.
    pub fn new(to: W, start: Timestamp, convention: EarsConvention, file_name: &str) -> Self {
        let clock = Clock::new(convention, file_name);
        EarsWriter { to, clock, start, records: 0, pending: Vec::new() }
    }

    /// Adds samples.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&mut self, samples: &[i16]) -> io::Result<()> {
        self.pending.extend_from_slice(samples);
        let whole = self.pending.len() / RECORD_SAMPLES * RECORD_SAMPLES;
        self.write_records(whole)
    }

    /// Fills the last record with zeros and gives back what was written to.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_records(self.pending.len())?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn write_records(&mut self, samples: usize) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(samples.div_ceil(RECORD_SAMPLES) * 512);
        for record in self.pending[..samples].chunks(RECORD_SAMPLES) {
            put_record(&mut bytes, self.clock, self.start, self.records, record);
            self.records += 1;
        }
        self.pending.drain(..samples);
        self.to.write_all(&bytes)
    }
}
