//! A stretch of a file that moves on: the browser reads what comes next while the worker transforms,
//! and the bytes come into memory that was used before. Both together halve what reading a long file
//! takes of the processor, against asking for one fresh buffer after the other.

use std::ops::Range;

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamByobReader};

/// Bytes of a file from one offset to another, and what reads on from there.
pub struct Stretch {
    reader: ReadableStreamByobReader,
    buffer: ArrayBuffer,
    /// What of the file is in the buffer, from its beginning.
    held: Range<u64>,
}

impl Stretch {
    /// An empty stretch from an offset on. `None` where this browser's files do not fill buffers.
    pub fn open(blob: &Blob, offset: u64) -> Option<Stretch> {
        let rest = blob.slice_with_f64_and_f64(offset as f64, blob.size()).ok()?;
        let reader = ReadableStreamByobReader::new(&rest.stream()).ok()?;
        Some(Stretch { reader, buffer: ArrayBuffer::new(0), held: offset..offset })
    }

    /// Whether a range is reached by reading on: it begins in what is held and ends no sooner.
    pub fn reaches(&self, range: &Range<u64>) -> bool {
        (self.held.start..=self.held.end).contains(&range.start) && range.end >= self.held.end
    }

    /// Moves on to a range that is [reached](Stretch::reaches). It may end early where the file does.
    /// Gives how many bytes were read.
    ///
    /// # Errors
    /// With what the browser said; nothing can be read from here any more.
    pub async fn move_to(&mut self, range: Range<u64>) -> Result<u64, JsValue> {
        let (kept_from, kept_to) =
            ((range.start - self.held.start) as u32, (self.held.end - self.held.start) as u32);
        let length = (range.end - range.start) as u32;
        let held = Uint8Array::new(&self.buffer);
        if length > held.length() {
            let longer = Uint8Array::new_with_length(length);
            longer.set(&held.subarray(kept_from, kept_to), 0);
            self.buffer = longer.buffer();
        } else {
            held.copy_within(0, kept_from as i32, kept_to as i32);
        }
        self.held.start = range.start;
        let before = self.held.end;
        while self.held.end < range.end {
            let (at, wanted) =
                ((self.held.end - range.start) as u32, (range.end - self.held.end) as u32);
            // The buffer changes hands and comes back with the answer.
            let view = Uint8Array::new_with_byte_offset_and_length(&self.buffer, at, wanted);
            let read = JsFuture::from(self.reader.read_with_array_buffer_view(&view)).await?;
            let bytes = js_sys::Reflect::get(&read, &"value".into())?;
            let Some(bytes) = bytes.dyn_ref::<Uint8Array>() else { break };
            self.buffer = bytes.buffer();
            if bytes.length() == 0 {
                break;
            }
            self.held.end += u64::from(bytes.length());
        }
        Ok(self.held.end - before)
    }

    /// Where what is held ends.
    pub fn end(&self) -> u64 {
        self.held.end
    }

    /// Copies what is held at an offset; `false` if not all of it is.
    pub fn copy(&self, offset: u64, to: &mut [u8]) -> bool {
        let end = offset.saturating_add(to.len() as u64);
        if offset < self.held.start || end > self.held.end {
            return false;
        }
        let at = (offset - self.held.start) as u32;
        let bytes = Uint8Array::new_with_byte_offset_and_length(&self.buffer, at, to.len() as u32);
        bytes.copy_to(to);
        true
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        let cancelled = JsFuture::from(self.reader.cancel());
        // A reader that has failed can't be cancelled, and needs not be.
        wasm_bindgen_futures::spawn_local(async move { drop(cancelled.await) });
    }
}
