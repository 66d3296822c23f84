//! The readers of lossy codings. Their decoders are large and seldom wanted: a program that is sent over the
//! net fetches them when it meets the first such file.

use std::sync::OnceLock;

use super::opening::{Found, Opening};
use super::{mp3, ogg};
use crate::recording::OpenError;

/// The readers of MP3 and Ogg Vorbis.
#[derive(Clone, Copy)]
pub struct Lossy {
    pub(super) mp3: fn(&mut Opening<'_>, u64) -> Result<Found, OpenError>,
    pub(super) ogg: fn(&mut Opening<'_>) -> Result<Found, OpenError>,
}

impl Lossy {
    /// Those of this program: whatever calls this carries them.
    pub fn here() -> Lossy {
        Lossy { mp3: mp3::open, ogg: ogg::open }
    }
}

/// Gives the readers, or says in words for a person why it can't.
type Fetch = fn() -> Result<Lossy, String>;

static FETCH: OnceLock<Fetch> = OnceLock::new();

/// Says how the readers are had: asked for each file that wants one. On a machine they are in the program,
/// and nobody need say so; in WebAssembly somebody must. What was said first stays.
pub fn fetch_lossy_by(fetch: fn() -> Result<Lossy, String>) {
    // A second one says the same.
    let _ = FETCH.set(fetch);
}

pub(super) fn readers(opening: &Opening<'_>) -> Result<Lossy, OpenError> {
    let readers = match FETCH.get() {
        Some(fetch) => fetch(),
        None => carried(),
    };
    readers.map_err(|why| opening.broken(why))
}

#[cfg(not(target_arch = "wasm32"))]
fn carried() -> Result<Lossy, String> {
    Ok(Lossy::here())
}

#[cfg(target_arch = "wasm32")]
fn carried() -> Result<Lossy, String> {
    Err("this program opens no lossy codings; convert it to WAV or FLAC".to_owned())
}
