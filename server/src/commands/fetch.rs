//! `spyhop fetch`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::fetching::{self, DCLDE2013, DCLDE2013_ADDRESS};
use crate::place::Place;

/// Copy recordings from a bucket or a web folder to a disk.
///
/// What is there already is left alone, and an interrupted copy goes on where it was. Files are
/// checked where the store tells a checksum, and get their names only when they are whole.
#[derive(clap::Args)]
#[command(after_help = "\
A PLACE is s3://bucket/prefix, gs://bucket/prefix, https://host/folder/ or a folder; see spyhop index \
--help. dclde2013 is the set of right-whale upcalls of the DCLDE workshop of 2013, in NOAA's public \
archive: gs://noaa-passive-bioacoustic/dclde/2013/nefsc_sbnms_200903_nopp6_ch10, with source-audio/ \
(seven days of 2 kHz) and detections/. Other sets of the archive are fetched by their address.

Exit codes:
  0  everything is there
  1  something is missing; start it again to go on
  2  the command was not understood

Examples:
  spyhop fetch dclde2013 --days 1 ~/whales     the first day
  spyhop fetch https://host/hydrophone/ ~/whales")]
pub struct Args {
    /// dclde2013, or where the recordings are
    #[arg(value_name = "PLACE")]
    place: String,
    /// Folder to put them into, with the folders of the place
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Only the first days, by the dates in the files' names; files without a date come too
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
    /// Say how much it is and stop
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let address = if args.place == DCLDE2013 { DCLDE2013_ADDRESS } else { &args.place };
    let place = Place::at(address)?;
    let plan = fetching::plan(&place, &args.dir, args.days.map(|days| days as usize))?;
    anyhow::ensure!(
        !plan.files.is_empty(),
        "there are no files in this place: {}",
        place.address()
    );
    let bytes: u64 = plan.files.iter().map(|file| file.bytes).sum();
    println!(
        "{} files, {}; {} of them are there already, {} to come: {}",
        plan.files.len(),
        megabytes(bytes),
        plan.there,
        megabytes(plan.bytes),
        place.address()
    );
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let bar = ProgressBar::new(plan.bytes);
    let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(template)?);
    bar.enable_steady_tick(Duration::from_millis(500));
    let came = |count: i64| {
        if count >= 0 {
            bar.inc(count.unsigned_abs());
        } else {
            bar.dec(count.unsigned_abs());
        }
    };
    let failures = fetching::run(&place, plan, &args.dir, &came);
    bar.finish_and_clear();
    for failure in &failures {
        eprintln!("spyhop: {failure}");
    }
    if failures.is_empty() {
        println!("Done. Look at it: spyhop serve --data {}", args.dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::bail!("{} files are missing; start it again to go on", failures.len())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
