//! `spyhop spectrogram`.

use std::process::ExitCode;

/// Options of `spyhop spectrogram`.
#[derive(clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
