//! `spyhop demo`.

use std::process::ExitCode;

/// Options of `spyhop demo`.
#[derive(clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
