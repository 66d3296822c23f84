//! One binary: the server and the command line.
#![forbid(unsafe_code)]

mod admin_token;
mod annotations;
mod answer;
mod catalogue;
mod commands;
mod data_folder;
mod demo;
mod detection;
mod evaluation;
mod excerpt;
mod fetching;
mod figure;
mod http;
mod keeping;
mod models;
mod npy;
mod place;
mod preview;
mod products;
mod progress;
mod pyramid;
mod quality;
mod reach;
mod recording_file;
mod rooms;
mod runs;
mod shares;
mod state;
mod stories;
mod training;
mod tuning;
mod upkeep;
mod viewed;
mod whole_file;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Look at, listen to and share recordings of whales and dolphins.
#[derive(Parser)]
#[command(
    name = "spyhop",
    version,
    about,
    after_help = "\
Begin with:
  spyhop demo ~/whales                           make recordings of dolphins and whales to look at
  spyhop serve --data ~/whales                   look at them, and listen, in a browser
  spyhop class --data ~/whales                   show them to a class, each on their own screen
  spyhop fetch dclde2013 --days 1 ~/whales       copy right whales from NOAA's public archive
  spyhop index s3://bucket/hydrophones           look through a bucket before it is served
  spyhop info recorder/*.wav                     what is in these files, and when did they begin?
  spyhop spectrogram night.flac --out night.png  a picture with axes, clock time and levels
  spyhop decode night.flac --out night.npy       samples for NumPy
  spyhop pyramid recorder --state ~/spyhop       spectra of months, as a Zarr store
  spyhop ltsa recorder --out ltsa.zarr           a long-term spectral average, as Triton's
  spyhop levels recorder --product hmd --out hmd.parquet
                                                 one-minute levels, percentiles, third octaves
  spyhop publish SHARE --out site                a shared view as pages for any static host
  spyhop story export a-night-with-dolphins --out museum
                                                 a story as one page that needs no network
  spyhop models ~/models                         are these models sound, and what do they hear?
  spyhop detect recorder --detector whistle --out whistles.csv
                                                 dolphins' whistles; --list says what else fits
  spyhop score night.flac --model upcalls --out logits.npy
                                                 a network's bare numbers, window by window
  spyhop transcribe night.wav --out night.vtt    what was heard when, as lines of text
  spyhop dataset tables labelled --out windows.parquet
                                                 cut recordings and labels into windows
  spyhop train --config upcalls.yaml             teach a network to find calls
  spyhop runs                                    what was trained, compared
  spyhop tune --config upcalls.yaml              search for settings that work better
  spyhop evaluate --model upcalls --data labelled --out report
                                                 how well does it find them?

Each command tells more: spyhop spectrogram --help"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// What a command is for stands with its arguments.
#[derive(Subcommand)]
enum Command {
    Serve(commands::serve::Args),
    Class(commands::class::Args),
    Index(commands::index::Args),
    Fetch(commands::fetch::Args),
    Demo(commands::demo::Args),
    Info(commands::info::Args),
    Jobs(commands::jobs::Args),
    Decode(commands::decode::Args),
    Spectrogram(commands::spectrogram::Args),
    Publish(commands::publish::Args),
    Story(commands::story::Args),
    Pyramid(commands::pyramid::Args),
    Ltsa(commands::ltsa::Args),
    Levels(commands::levels::Args),
    Models(commands::models::Args),
    Detect(commands::detect::Args),
    Score(commands::score::Args),
    Dataset(commands::dataset::Args),
    Train(commands::train::Args),
    Transcribe(commands::transcribe::Args),
    Runs(commands::runs::Args),
    Tune(commands::tune::Args),
    Evaluate(commands::evaluate::Args),
}

fn main() -> ExitCode {
    // While there is one thread.
    spyhop_model::keep_candle_to_its_caller();
    let result = match Cli::parse().command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Class(args) => commands::class::run(args),
        Command::Index(args) => commands::index::run(args),
        Command::Fetch(args) => commands::fetch::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Info(args) => commands::info::run(args),
        Command::Jobs(args) => commands::jobs::run(args),
        Command::Decode(args) => commands::decode::run(args),
        Command::Spectrogram(args) => commands::spectrogram::run(args),
        Command::Publish(args) => commands::publish::run(args),
        Command::Story(args) => commands::story::run(args),
        Command::Pyramid(args) => commands::pyramid::run(args),
        Command::Ltsa(args) => commands::ltsa::run(args),
        Command::Levels(args) => commands::levels::run(args),
        Command::Models(args) => commands::models::run(args),
        Command::Detect(args) => commands::detect::run(args),
        Command::Score(args) => commands::score::run(args),
        Command::Dataset(args) => commands::dataset::run(args),
        Command::Train(args) => commands::train::run(args),
        Command::Transcribe(args) => commands::transcribe::run(args),
        Command::Runs(args) => commands::runs::run(args),
        Command::Tune(args) => commands::tune::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
    };
    match result {
        Ok(code) => code,
        Err(error) if answer::has_had_enough(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spyhop: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes. Some say in their own words what their cause says: that is not said again.
fn told(error: &anyhow::Error) -> String {
    error.chain().skip(1).map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}
