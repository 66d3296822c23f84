//! What is shown while no recording is: the first page, opening, asking for a local file, and the
//! server's jobs.

mod asking;
mod first;
mod jobs;

pub use asking::{Asking, Opening};
pub use first::FirstPage;
pub use jobs::{JobsPage, NAME as JOBS};
