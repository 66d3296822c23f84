//! A picture's frames cut into batches that fit a device's buffers.

use std::ops::Range;

use spyhop_signal::Line;
use spyhop_signal::spectrum::{
    ColumnsSpec, FrameRun, ReadSamples, Wave, plan_column, read_positions,
};

/// Frames that one workgroup transforms one after the other and pools.
const FRAMES_A_SLOT: u64 = 16;
/// Samples of wave form that are looked at in one piece.
const WAVE_SAMPLES: i64 = 1 << 16;
/// Samples in a batch: 16 MiB, enough to keep a device busy while the next are read.
const BATCH_SAMPLES: i64 = 1 << 22;

/// Something that needs samples: frames of a slot, or wave form where `frames` is 0.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Index into the picture's columns.
    column: usize,
    positions: Range<i64>,
    frames: u32,
}

/// All that a picture needs, in order of position.
pub(crate) struct Plan {
    pub items: Vec<Item>,
    /// Frames of each column.
    pub frames: Vec<u32>,
    /// Whether these are all frames and samples.
    pub exact: bool,
}

/// What goes to the device at once.
#[derive(Default)]
pub(crate) struct Batch {
    pub samples: Vec<f32>,
    /// First sample and number of frames of each slot.
    pub slots: Vec<[u32; 2]>,
    /// Column, first slot and number of slots.
    pub parts: Vec<[u32; 3]>,
}

impl Plan {
    /// Plans all columns as the CPU does.
    pub fn new(spec: &ColumnsSpec, line: &Line) -> Plan {
        let mut plan = Plan { items: Vec::new(), frames: Vec::new(), exact: true };
        for column in 0..spec.columns {
            let of_column = plan_column(spec, line, spec.first_column + column as i64);
            plan.exact &= of_column.exact;
            let frames: u64 = of_column.runs.iter().map(|run| run.frames).sum();
            plan.frames.push(u32::try_from(frames).unwrap_or(u32::MAX));
            for mut run in of_column.runs {
                while run.frames > 0 {
                    let slot = FrameRun { frames: run.frames.min(FRAMES_A_SLOT), ..run };
                    let positions = slot.positions(spec);
                    plan.items.push(Item { column, positions, frames: slot.frames as u32 });
                    run.start += slot.frames as i64 * spec.spectrum.hop_samples as i64;
                    run.frames -= slot.frames;
                }
            }
            for mut part in of_column.wave {
                while !part.is_empty() {
                    let end = part.end.min(part.start + WAVE_SAMPLES);
                    plan.items.push(Item { column, positions: part.start..end, frames: 0 });
                    part.start = end;
                }
            }
        }
        plan.items.sort_by_key(|item| item.positions.start);
        plan
    }

    /// How many items from `first` make the next batch, of at most `most_slots` slots.
    pub fn batch_after(&self, first: usize, most_slots: usize) -> Range<usize> {
        let (mut slots, mut samples, mut end) = (0, 0, i64::MIN);
        let mut last = first;
        for item in &self.items[first..] {
            slots += usize::from(item.frames > 0);
            samples += (item.positions.end - item.positions.start.max(end)).max(0);
            end = end.max(item.positions.end);
            if last > first && (slots > most_slots || samples > BATCH_SAMPLES) {
                break;
            }
            last += 1;
        }
        first..last
    }
}

impl Batch {
    /// Reads the samples of some items; their wave form goes into `waves`.
    ///
    /// # Errors
    /// With the message of `read`.
    pub fn read(
        items: &[Item],
        spec: &ColumnsSpec,
        line: &Line,
        read: &mut ReadSamples<'_>,
        waves: &mut [Wave],
    ) -> Result<Batch, String> {
        let mut batch = Batch::default();
        let mut piece = Vec::new();
        let mut rest = items;
        while let Some(first) = rest.first() {
            // Items that overlap or touch share what is read.
            let mut range = first.positions.clone();
            let mut count = 0;
            for item in rest {
                if item.positions.start > range.end {
                    break;
                }
                range.end = range.end.max(item.positions.end);
                count += 1;
            }
            piece.clear();
            read_positions(range.clone(), line.end(), read, &mut piece)?;
            for item in &rest[..count] {
                let at = (item.positions.start - range.start) as usize;
                if item.frames == 0 {
                    let length = (item.positions.end - item.positions.start) as usize;
                    waves[item.column].add(&piece[at..at + length]);
                } else {
                    batch.add_slot(
                        item.column as u32,
                        (batch.samples.len() + at) as u32,
                        item.frames,
                    );
                }
            }
            batch.samples.extend_from_slice(&piece);
            rest = &rest[count..];
        }
        // A window that is shorter than the FFT has zeros there; the kernel reads under them too.
        batch.samples.resize(batch.samples.len() + spec.spectrum.fft_size, 0.0);
        Ok(batch)
    }

    fn add_slot(&mut self, column: u32, first_sample: u32, frames: u32) {
        match self.parts.last_mut() {
            Some([of, _, slots]) if *of == column => *slots += 1,
            _ => self.parts.push([column, self.slots.len() as u32, 1]),
        }
        self.slots.push([first_sample, frames]);
    }
}
