//! The subcommands: each is thin; the work is in the libraries.

pub mod dataset;
pub mod decode;
pub mod demo;
pub mod detect;
pub mod evaluate;
pub mod fetch;
pub mod index;
pub mod info;
pub mod jobs;
pub mod levels;
pub mod ltsa;
pub mod models;
pub mod product;
pub mod publish;
pub mod pyramid;
pub mod runs;
pub mod score;
pub mod serve;
pub mod spectrogram;
pub mod story;
pub mod train;
pub mod transcribe;
pub mod tune;

use std::path::PathBuf;

use anyhow::Context;

use crate::catalogue;
use crate::data_folder::state_folder;
use crate::state::{StateFolder, Workplace};

/// Where the catalogue and what is made of recordings is kept.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct StateArgs {
    /// Folder for the catalogue and what is made of the recordings (the user's data folder unless it
    /// is given); one Spyhop works in it at a time
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

impl StateArgs {
    /// Takes the folder for this process.
    ///
    /// # Errors
    /// When another process has it, or it can't be made.
    pub fn open(&self) -> anyhow::Result<StateFolder> {
        Ok(StateFolder::open(&self.folder()?)?)
    }

    /// Takes the folder to make something in, alone or beside the process that works there; beside it this
    /// process has a copy of the catalogue, so that it need not look into everything itself.
    ///
    /// # Errors
    /// When it can't be made or written.
    pub fn workplace(&self) -> anyhow::Result<Workplace> {
        let workplace = Workplace::open(&self.folder()?)?;
        if workplace.is_beside() {
            catalogue::copy(workplace.path(), workplace.catalogue())?;
        }
        Ok(workplace)
    }

    /// The folder, whoever works in it.
    ///
    /// # Errors
    /// When none is given and this account has no home.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        let folder = self.state.clone().or_else(state_folder);
        folder.context("this account has no home: give a folder with --state DIR")
    }
}

/// What the libraries tell of goes to standard error, where a person looks on.
pub fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .without_time()
        .init();
}
