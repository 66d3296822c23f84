//! Bytes in a worker: slices of a file, ranges of an address, behind a cache of small blocks.
//!
//! A request costs about a millisecond however little it brings, one after the other; many at once
//! cost a quarter of that each, and one of 16 MB is three times as fast as many of 512 kB. So what a
//! job will need is fetched together beforehand, where that is known.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

use js_sys::Uint8Array;
use send_wrapper::SendWrapper;
use spyhop_signal::{ByteSource, SourceError};
use spyhop_words::page::reading as words;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, FileReaderSync, XmlHttpRequest, XmlHttpRequestResponseType};

use crate::refusal::{NO_ANSWER, status_message};
use crate::scope::now_ms;
use crate::stretch::Stretch;

/// Bytes of a block.
const BLOCK: u64 = 16 << 10;
/// Reads of at least this go past the cache, into the caller's buffer.
const DIRECT: usize = 128 << 10;
/// Blocks read ahead where reading goes straight on.
const AHEAD: u64 = 32;
/// Blocks kept by one source, 8 MiB; a job may need more for itself.
const KEPT: usize = 512;
/// Ranges of a file so long are read on from one to the next.
const STREAMED: Range<u64> = 1 << 20..32 << 20;
/// Requests under way at a time.
const AT_ONCE: usize = 32;
/// An address that does not answer for so long has failed.
const TIMEOUT_MS: u32 = 30_000;

/// Where bytes come from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file on the person's disk, or what was fetched whole.
    Blob(Blob),
    /// An address that answers ranges, and what it is shown.
    Url { url: String, authorisation: Option<String> },
}

/// A source with its cache; clones share it.
#[derive(Clone)]
pub struct Bytes {
    shared: SendWrapper<Rc<RefCell<Shared>>>,
    len: u64,
}

struct Shared {
    origin: Origin,
    len: u64,
    blocks: HashMap<u64, (Vec<u8>, u64)>,
    clock: u64,
    /// The block after the last one that was read.
    next: u64,
    /// What was fetched in one piece for the present job: offset and bytes.
    spans: Vec<(u64, Uint8Array)>,
    /// What the last long job read, and reads on from.
    stretch: Option<Stretch>,
    read: u64,
    read_ms: f64,
}

impl Bytes {
    /// A source of `len` bytes.
    pub fn new(origin: Origin, len: u64) -> Bytes {
        let shared = Shared {
            origin,
            len,
            blocks: HashMap::new(),
            clock: 0,
            next: 0,
            spans: Vec::new(),
            stretch: None,
            read: 0,
            read_ms: 0.0,
        };
        Bytes { shared: SendWrapper::new(Rc::new(RefCell::new(shared))), len }
    }

    /// The same bytes behind a cache of their own, which goes with what reads them.
    pub fn apart(&self) -> Bytes {
        Bytes::new(self.shared.borrow().origin.clone(), self.len)
    }

    /// Bytes read since the last time this was asked, and milliseconds spent in waiting for them.
    pub fn take_read(&self) -> (u64, f64) {
        let mut shared = self.shared.borrow_mut();
        (std::mem::take(&mut shared.read), std::mem::take(&mut shared.read_ms))
    }

    /// Fetches what is not at hand of some ranges: short ones by blocks that are kept, long ones for
    /// the present job alone.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn fetch(&self, needed: &[Range<u64>]) -> Result<(), SourceError> {
        let begun = now_ms();
        let mut ranges = self.shared.borrow_mut().missing(needed);
        if let [(range, false)] = &ranges[..]
            && self.read_on(range.clone()).await?
        {
            ranges.clear();
        }
        for together in ranges.chunks(AT_ONCE) {
            let requests: js_sys::Array = {
                let shared = self.shared.borrow();
                together.iter().map(|(r, _)| JsValue::from(shared.request(r.clone()))).collect()
            };
            let answers = JsFuture::from(js_sys::Promise::all(&requests)).await;
            let mut shared = self.shared.borrow_mut();
            let answers: js_sys::Array = answers.map_err(|e| shared.failed(&e))?.unchecked_into();
            for ((range, blocks), answer) in together.iter().zip(answers.iter()) {
                let bytes = Uint8Array::new(&answer);
                shared.read += u64::from(bytes.length());
                if u64::from(bytes.length()) != range.end - range.start {
                    return Err(shared.short(u64::from(bytes.length())));
                }
                if *blocks {
                    shared.keep(range.start / BLOCK, &bytes.to_vec());
                } else {
                    shared.spans.push((range.start, bytes));
                }
            }
        }
        self.shared.borrow_mut().read_ms += now_ms() - begun;
        Ok(())
    }

    /// Reads a long range of a file on from the one before, if that is how it lies. `false` where
    /// this can't be done: not a file, too short, or the browser can't.
    async fn read_on(&self, range: Range<u64>) -> Result<bool, SourceError> {
        let (blob, held) = {
            let mut shared = self.shared.borrow_mut();
            let Origin::Blob(blob) = &shared.origin else { return Ok(false) };
            if !STREAMED.contains(&(range.end - range.start)) {
                return Ok(false);
            }
            (blob.clone(), shared.stretch.take())
        };
        let held = held.filter(|held| held.reaches(&range));
        let Some(mut stretch) = held.or_else(|| Stretch::open(&blob, range.start)) else {
            return Ok(false);
        };
        let moved = stretch.move_to(range.clone()).await;
        let mut shared = self.shared.borrow_mut();
        shared.read += moved.map_err(|e| shared.failed(&e))?;
        let short = stretch.end() < range.end;
        if short {
            return Err(shared.short(stretch.end().saturating_sub(range.start)));
        }
        shared.stretch = Some(stretch);
        Ok(true)
    }
}

impl ByteSource for Bytes {
    fn len(&self) -> u64 {
        self.len
    }

    fn keeps_blocks(&self) -> bool {
        true
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let end = offset.saturating_add(buf.len() as u64);
        if end > self.len {
            return Err(SourceError::PastEnd { offset, end, len: self.len });
        }
        self.shared.borrow_mut().read_at(offset, buf)
    }
}

impl Shared {
    /// What of some ranges is not at hand; `true` for whole blocks.
    fn missing(&mut self, needed: &[Range<u64>]) -> Vec<(Range<u64>, bool)> {
        self.trim();
        self.spans.clear();
        let mut blocks = BTreeSet::new();
        let mut ranges: Vec<(Range<u64>, bool)> = Vec::new();
        for range in needed.iter().map(|r| r.start..r.end.min(self.len)).filter(|r| !r.is_empty()) {
            if range.end - range.start >= DIRECT as u64 {
                ranges.push((range, false));
                continue;
            }
            for block in range.start / BLOCK..range.end.div_ceil(BLOCK) {
                self.clock += 1;
                match self.blocks.get_mut(&block) {
                    Some((_, used)) => *used = self.clock,
                    None => drop(blocks.insert(block)),
                }
            }
        }
        let long = ranges.len();
        for block in blocks {
            match ranges[long..].last_mut() {
                Some((range, _)) if range.end == block * BLOCK => range.end += BLOCK,
                _ => ranges.push((block * BLOCK..(block + 1) * BLOCK, true)),
            }
        }
        for (range, _) in &mut ranges {
            range.end = range.end.min(self.len);
        }
        ranges
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let fetched = self.spans.iter().find_map(|(start, bytes)| {
            let from = u32::try_from(offset.checked_sub(*start)?).ok()?;
            let to = from.checked_add(u32::try_from(buf.len()).ok()?)?;
            (to <= bytes.length()).then(|| bytes.subarray(from, to))
        });
        if let Some(bytes) = fetched {
            bytes.copy_to(buf);
            return Ok(());
        }
        if self.stretch.as_ref().is_some_and(|stretch| stretch.copy(offset, buf)) {
            return Ok(());
        }
        if buf.len() >= DIRECT {
            return self.read_now(offset, buf);
        }
        let (first, last) = (offset / BLOCK, (offset + buf.len().max(1) as u64 - 1) / BLOCK);
        for block in first..=last {
            self.clock += 1;
            if let Some((_, used)) = self.blocks.get_mut(&block) {
                *used = self.clock;
            } else {
                self.read_blocks(block, last + 1)?;
            }
            let start = offset.max(block * BLOCK);
            let end = (offset + buf.len() as u64).min((block + 1) * BLOCK);
            let to = &mut buf[(start - offset) as usize..(end - offset) as usize];
            let from = (start - block * BLOCK) as usize;
            match self.blocks.get(&block).and_then(|(b, _)| b.get(from..from + to.len())) {
                Some(bytes) => to.copy_from_slice(bytes),
                None => to.fill(0),
            }
        }
        Ok(())
    }

    /// Reads blocks from `first` to before `end`, and more if it seems that they will be wanted.
    fn read_blocks(&mut self, first: u64, end: u64) -> Result<(), SourceError> {
        let ahead = if first == self.next && first > 0 { AHEAD } else { 0 };
        let end = (end + ahead).min(self.len.div_ceil(BLOCK)).max(first + 1);
        let (offset, len) = self.span(first, end);
        let mut bytes = vec![0; len as usize];
        self.read_now(offset, &mut bytes)?;
        self.trim();
        self.keep(first, &bytes);
        self.next = end;
        Ok(())
    }

    fn keep(&mut self, first: u64, bytes: &[u8]) {
        for (i, block) in bytes.chunks(BLOCK as usize).enumerate() {
            self.clock += 1;
            self.blocks.insert(first + i as u64, (block.to_vec(), self.clock));
        }
    }

    /// Drops the blocks that were not used for longest. Not while a job needs what was fetched for it.
    fn trim(&mut self) {
        if self.blocks.len() > KEPT {
            let mut ages: Vec<u64> = self.blocks.values().map(|b| b.1).collect();
            ages.sort_unstable();
            let oldest = ages[ages.len() - KEPT / 2];
            self.blocks.retain(|_, b| b.1 >= oldest);
        }
    }

    /// Offset and length of some blocks.
    fn span(&self, first: u64, end: u64) -> (u64, u64) {
        let start = first * BLOCK;
        (start, (end * BLOCK).min(self.len).saturating_sub(start))
    }

    /// Reads and waits.
    fn read_now(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let begun = now_ms();
        let end = offset + buf.len() as u64;
        let buffer: JsValue = match &self.origin {
            Origin::Blob(blob) => blob
                .slice_with_f64_and_f64(offset as f64, end as f64)
                .and_then(|part| FileReaderSync::new()?.read_as_array_buffer(&part))
                .map_err(|e| self.failed(&e))?
                .into(),
            Origin::Url { url, authorisation } => {
                let request = XmlHttpRequest::new().map_err(|e| self.failed(&e))?;
                request.open_with_async("GET", url, false).map_err(|e| self.failed(&e))?;
                request.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
                request.set_timeout(TIMEOUT_MS);
                let range = format!("bytes={offset}-{}", end - 1);
                let shown = [("Range", Some(&range)), ("Authorization", authorisation.as_ref())];
                for (name, value) in shown {
                    if let Some(value) = value {
                        request.set_request_header(name, value).map_err(|e| self.failed(&e))?;
                    }
                }
                request.send().map_err(|e| self.failed(&e))?;
                self.check_status(request.status().unwrap_or(0))?;
                request.response().map_err(|e| self.failed(&e))?
            }
        };
        let bytes = Uint8Array::new(&buffer);
        self.read += u64::from(bytes.length());
        self.read_ms += now_ms() - begun;
        if bytes.length() as usize != buf.len() {
            return Err(self.short(u64::from(bytes.length())));
        }
        bytes.copy_to(buf);
        Ok(())
    }

    /// Asks for bytes; the promise gives an `ArrayBuffer`.
    fn request(&self, range: Range<u64>) -> js_sys::Promise {
        let (offset, len) = (range.start, range.end - range.start);
        match &self.origin {
            Origin::Blob(blob) => {
                match blob.slice_with_f64_and_f64(offset as f64, (offset + len) as f64) {
                    Ok(part) => part.array_buffer(),
                    Err(e) => js_sys::Promise::reject(&e),
                }
            }
            Origin::Url { url, authorisation } => {
                let (url, authorisation) = (url.clone(), authorisation.clone());
                wasm_bindgen_futures::future_to_promise(async move {
                    fetch_range(&url, authorisation.as_deref(), offset, len).await.map_err(|e| {
                        match e {
                            Fetched::Status(status) => status_message(status).into(),
                            Fetched::Failed(e) => e,
                        }
                    })
                })
            }
        }
    }

    fn check_status(&self, status: u16) -> Result<(), SourceError> {
        match status {
            206 => Ok(()),
            status => Err(SourceError::Io(status_message(status))),
        }
    }

    fn failed(&self, error: &JsValue) -> SourceError {
        if let Some(message) = error.as_string() {
            return SourceError::Io(message);
        }
        SourceError::Io(match &self.origin {
            Origin::Blob(_) => words::FILE_GONE.to_owned(),
            Origin::Url { .. } => NO_ANSWER.to_owned(),
        })
    }

    fn short(&self, got: u64) -> SourceError {
        SourceError::Io(words::short_read(got))
    }
}

enum Fetched {
    Status(u16),
    Failed(JsValue),
}

async fn fetch_range(
    url: &str,
    authorisation: Option<&str>,
    offset: u64,
    len: u64,
) -> Result<JsValue, Fetched> {
    let headers = web_sys::Headers::new().map_err(Fetched::Failed)?;
    let range = format!("bytes={offset}-{}", offset + len.max(1) - 1);
    headers.append("Range", &range).map_err(Fetched::Failed)?;
    if let Some(value) = authorisation {
        headers.append("Authorization", value).map_err(Fetched::Failed)?;
    }
    let init = web_sys::RequestInit::new();
    init.set_headers(&headers);
    let request = web_sys::Request::new_with_str_and_init(url, &init).map_err(Fetched::Failed)?;
    let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    let response: web_sys::Response = JsFuture::from(scope.fetch_with_request(&request))
        .await
        .map_err(Fetched::Failed)?
        .unchecked_into();
    if response.status() != 206 {
        return Err(Fetched::Status(response.status()));
    }
    let body = response.array_buffer().map_err(Fetched::Failed)?;
    JsFuture::from(body).await.map_err(Fetched::Failed)
}
