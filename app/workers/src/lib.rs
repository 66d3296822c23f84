//! What the page and all of its workers have in common: the form of their messages, recordings that are
//! read by ranges where waiting blocks nobody, and what is said to the worker that detects.
//!
//! There are two WebAssembly modules: the page's own, which its workers run too, and the listener's, which
//! holds the network and is loaded when somebody detects.

mod bytes;
pub mod listening;
mod message;
mod recordings;
mod refusal;
mod scope;
mod stretch;

pub use bytes::{Bytes, Origin};
pub use message::{Message, float_buffer};
pub use recordings::{Recordings, SourceWire, Sources};
pub use refusal::{NO_ANSWER, status_message};
pub use scope::{now_ms, post};
