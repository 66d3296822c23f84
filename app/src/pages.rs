//! What is shown while no recording is: the first page, opening, asking for a local file, and the
//! server's own pages.

mod asking;
mod first;
mod jobs;
mod library;
mod models;
mod preview;
mod runs;
mod server_page;

pub use asking::{Asking, Opening};
pub use first::FirstPage;
pub use jobs::{JobsPage, in_words};
pub use library::{DeploymentPage, LibraryPage};
pub use models::ModelsPage;
pub use runs::RunsPage;
pub use server_page::ServerPage;
