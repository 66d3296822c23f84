//! One binary: the server and the command line.
#![forbid(unsafe_code)]

mod catalogue;
mod commands;
mod data_folder;
mod demo;
mod http;
mod npy;
mod recording_file;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Look at, listen to and share recordings of whales and dolphins.
#[derive(Parser)]
#[command(name = "spyhop", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web page and the recordings of a place.
    Serve(commands::serve::Args),
    /// Synthesise the demo deployments.
    Demo(commands::demo::Args),
    /// Tell what recordings are, without reading their samples.
    Info(commands::info::Args),
    /// Decode a recording to float32 samples.
    Decode(commands::decode::Args),
    /// Transform a recording to power, as numbers or as a picture.
    Spectrogram(commands::spectrogram::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Info(args) => commands::info::run(args),
        Command::Decode(args) => commands::decode::run(args),
        Command::Spectrogram(args) => commands::spectrogram::run(args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("spyhop: {error:#}");
            ExitCode::FAILURE
        }
    }
}
