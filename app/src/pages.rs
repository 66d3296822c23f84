//! What is shown while no recording is: the first page, opening, and asking for a local file.

mod asking;
mod first;

pub use asking::{Asking, Opening};
pub use first::FirstPage;
