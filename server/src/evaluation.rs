//! `spyhop evaluate`: what a detector or a network finds in recordings whose calls are known.
//!
//! [`Data`] is what is listened to: the recordings of a place with the tables that say where calls are. Each
//! source hears what is in its scope, and [`Evaluated`] is how well it did; the arithmetic is
//! [`spyhop_train::evaluation`]'s.

mod data;
mod hearing;
mod page;
mod plot;
mod seen;
mod tables;
mod truth;
mod words;

pub use data::Data;
pub use hearing::{Asked, LeftOut, Outcome, evaluate, is_detector};
pub use page::{document, figure, page};
pub use plot::{Chart, Mark, Series, escaped};
pub use seen::Seen;
pub use tables::{put, quoted, write_tables};
pub use truth::Truth;
pub use words::{in_words, seen_in_words};
