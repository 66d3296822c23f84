//! `spyhop pyramid`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use serde_json::json;

use super::StateArgs;
use super::index::looked_through;
use crate::answer;
use crate::catalogue::access::Reader;
use crate::place::Place;
use crate::pyramid::{self, Built};
use crate::recording_file::{self, PARTLY};

/// Build the pyramid of a place's recordings: mean and maximum spectra from a tenth of a second to months.
#[derive(clap::Args)]
#[command(after_help = "\
It is a Zarr store that xarray opens, with a group for each level:
  xarray.open_zarr(\"…/stores/….zarr\", group=\"level_03\")

What was built before is kept; what changed since is built anew. Stopping it loses nothing. A server that \
works in the same state folder builds along.

Exit codes:
  0  built
  1  a place or the disk can't be read or written
  2  the command was not understood
  3  built, but some recordings could not be read and are left out

Examples:
  spyhop pyramid recordings
  spyhop pyramid recordings --state /data/spyhop --json | jq -r '.[].store'")]
pub struct Args {
    /// Folder, bucket or web folder with recordings in it or in folders below
    #[arg(value_name = "PLACE")]
    place: String,
    #[command(flatten)]
    state: StateArgs,
    /// Channel, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u32,
    /// Threads that build, each with up to 100 MB; as many as the machine has
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// Print JSON: an array with one object for each deployment
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let place = Place::at(&args.place)?;
    let workplace = args.state.workplace()?;
    let catalogue = looked_through(place, &workplace)?;
    let mut objects = Vec::new();
    let mut partly = false;
    let reader = Reader::Administrator;
    for id in catalogue.list(reader, "")?.into_iter().map(|deployment| deployment.id) {
        let deployment = catalogue.deployment(&id, reader)?.context("the folder is gone")?;
        let recordings = catalogue.recordings(&id, reader)?.context("the folder is gone")?;
        for failure in &deployment.failures {
            eprintln!("spyhop: {}", failure.reason);
            partly = true;
        }
        for info in &deployment.recordings {
            recording_file::check_channel(info, args.channel)?;
        }
        let begun = Instant::now();
        let built = pyramid::run(
            workplace.path(),
            &deployment,
            &recordings,
            args.channel,
            args.threads,
            workplace.is_beside(),
        );
        let built = built.with_context(|| format!("the pyramid of '{id}'"))?;
        for (index, reason) in &built.plan.left_out {
            let name = recordings.infos.get(*index).map_or("", |info| &info.name);
            eprintln!("spyhop: {name} is left out: {reason}");
            partly = true;
        }
        if args.json {
            objects.push(as_json(&id, &built, begun));
        } else {
            print(&id, &built);
        }
    }
    if args.json {
        answer::say(serde_json::to_string_pretty(&objects)?)?;
    }
    Ok(if partly { ExitCode::from(PARTLY) } else { ExitCode::SUCCESS })
}

fn as_json(id: &str, built: &Built, begun: Instant) -> serde_json::Value {
    json!({
        "deployment": id,
        "store": built.store,
        "version": built.plan.version,
        "levels": built.plan.levels.len(),
        "units": built.plan.units.len(),
        "made": built.made,
        "swept": built.swept,
        "pcm16_bytes": built.pcm16_bytes,
        "stored_bytes": built.stored_bytes,
        "seconds": begun.elapsed().as_secs_f64(),
    })
}

/// For a person.
fn print(id: &str, built: &Built) {
    let share = 100.0 * built.stored_bytes as f64 / built.pcm16_bytes.max(1) as f64;
    println!("{id}");
    println!("  store  {}", built.store.display());
    println!("  units  {}, {} of them made now", built.plan.units.len(), built.made);
    println!(
        "  levels {} (level_00 to level_{:02})",
        built.plan.levels.len(),
        built.plan.coarsest_level()
    );
    println!("  size   {share:.2} % of the recordings at 16 bits");
}
