//! `spyhop demo`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::demo::{self, Folder};

/// Synthesise the demo: dolphins, right whales and a humpback's song.
#[derive(clap::Args)]
#[command(after_help = "\
Makes DIR/gulf-night (dolphins at 192 kHz, EARS), DIR/bank-in-march (right whales at 2 kHz) and \
DIR/winter-song (humpbacks at 48 kHz): recordings, a deployment.toml and Raven tables of what is in \
them; and DIR/stories, which tell of them in the browser. The same seed gives the same bytes on every machine. A complete demo is left alone, an \
interrupted one is completed.

  spyhop demo ~/whales            make it (370 MB)
  spyhop serve --data ~/whales    and look at it
  spyhop demo ~/whales --seed 2   other animals, other weather
  spyhop demo ~/sea --seed 7 --only bank-in-march
                                  four hours of right whales alone, to train a network on")]
pub struct Args {
    /// Folder to put the deployments into.
    dir: PathBuf,
    /// Changes contours, callers, timing, weather and ships.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Make a deployment of so many days of hourly recordings as well (up to 2.7 GB).
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
    /// Make this deployment alone, as bank-in-march
    #[arg(long, value_name = "ID")]
    only: Option<String>,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut scenes = demo::plan(args.seed, args.days.map(|d| d as usize));
    if let Some(only) = &args.only {
        let ids = scenes.iter().map(|scene| scene.deployment.id.clone()).collect::<Vec<_>>();
        scenes.retain(|scene| scene.deployment.id == *only);
        if scenes.is_empty() {
            bail!("the demo has no deployment '{only}': there are {}", ids.join(", "));
        }
    }
    let mut folders = Vec::new();
    for scene in &scenes {
        folders.push(Folder::prepare(scene, &args.dir, args.seed)?);
    }
    // The largest recordings first, so that no core waits for the last one.
    let mut work: Vec<(&Folder<'_>, usize)> =
        folders.iter().flat_map(|f| f.missing().into_iter().map(move |i| (f, i))).collect();
    work.sort_by_key(|(folder, index)| std::cmp::Reverse(folder.bytes(*index)));
    let bytes: u64 = work.iter().map(|(folder, index)| folder.bytes(*index)).sum();
    if work.is_empty() {
        for folder in &folders {
            folder.finish()?;
        }
        demo::put_stories(&scenes, &args.dir, args.seed)?;
        eprintln!("The demo of seed {} is complete: {}", args.seed, args.dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "Synthesising {} recordings, {} MB: {}",
        work.len(),
        bytes.div_ceil(1_000_000),
        args.dir.display()
    );
    let bar = ProgressBar::new(bytes);
    let style = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).context("the progress bar's template")?);
    bar.enable_steady_tick(Duration::from_millis(500));
    work.par_iter().try_for_each(|(folder, index)| {
        folder.make(*index)?;
        bar.inc(folder.bytes(*index));
        Ok::<(), demo::DemoError>(())
    })?;
    for folder in &folders {
        folder.finish()?;
    }
    demo::put_stories(&scenes, &args.dir, args.seed)?;
    bar.finish_and_clear();
    eprintln!("Done. Look at it: spyhop serve --data {}", args.dir.display());
    Ok(ExitCode::SUCCESS)
}
