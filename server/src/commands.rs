//! The subcommands: each is thin; the work is in the libraries.

pub mod decode;
pub mod demo;
pub mod info;
pub mod pyramid;
pub mod serve;
pub mod spectrogram;
