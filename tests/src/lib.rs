//! What the tests of the whole program share: the program itself, sounds made by our own encoders,
//! and browsers to look at the page with.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod chromium;
pub mod class;
pub mod firefox;
pub mod listener;
pub mod meter;
pub mod models;
pub mod page;
pub mod program;
pub mod sounds;
pub mod static_host;
pub mod webdriver;

pub use page::Page;
pub use program::Server;
