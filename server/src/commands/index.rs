//! `spyhop index`.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::StateArgs;
use crate::catalogue::{Catalogue, Difference, Piece, Watch, index_once};
use crate::place::Place;
use crate::state::Workplace;

/// Look through a place and put what it holds into the catalogue.
///
/// Only headers are read, and only what is new or changed since the last time; a file that can't be
/// opened is told of and stops nothing. `spyhop serve` does the same by itself, all the time.
#[derive(clap::Args)]
#[command(after_help = "\
A PLACE is a folder, s3://bucket/prefix, gs://bucket/prefix or https://host/folder/. Public buckets \
need no account; one in the environment (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS) is used. \
AWS_ENDPOINT_URL names a server of one's own that speaks S3. A web folder is listed by WebDAV, else \
by the server's own page of it, else by a spyhop-files.json in it: [{\"path\": \"a.wav\", \"bytes\": 1}]

Exit codes:
  0  the catalogue holds what the place holds
  1  the place can't be listed or read, or the catalogue can't be written
  2  the command was not understood
  3  done, but some files can't be opened (they are listed)

Examples:
  spyhop index /mnt/recorder
  spyhop index gs://noaa-passive-bioacoustic/dclde/2013/nefsc_sbnms_200903_nopp6_ch10")]
pub struct Args {
    /// Folder, bucket or web folder with recordings in it or in folders below
    #[arg(value_name = "PLACE")]
    place: String,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let place = Place::at(&args.place)?;
    let state = args.state.open()?;
    let began = Instant::now();
    let told = Told::new()?;
    let indexed = index_once(&state, &place, &told);
    told.bar.finish_and_clear();
    let found = indexed?;
    let seconds = began.elapsed().as_secs_f64();
    let (difference, read) = told.sums();
    let looked_into = read.read + read.bad + read.unreachable;
    if args.json {
        let failure = |(folder, failure): &(String, spyhop_api::FileFailure)| json!({ "folder": folder, "name": failure.name, "reason": failure.reason });
        let object = json!({
            "place": place.address(),
            "deployments": found.deployments,
            "recordings": found.recordings,
            "bytes": found.bytes,
            "added": difference.added,
            "changed": difference.changed,
            "removed": difference.removed,
            "read": looked_into,
            "seconds": seconds,
            "failures": found.failures.iter().map(failure).collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&object)?);
    } else {
        for (folder, failure) in &found.failures {
            let slash = if folder.is_empty() { "" } else { "/" };
            eprintln!("spyhop: {folder}{slash}{}: {}", failure.name, failure.reason);
        }
        println!(
            "{} deployments, {} recordings, {} MB: {}",
            found.deployments,
            found.recordings,
            found.bytes.div_ceil(1_000_000),
            place.address()
        );
        println!(
            "{} files new, {} changed, {} gone; {looked_into} looked into, in {seconds:.1} s",
            difference.added, difference.changed, difference.removed,
        );
    }
    Ok(if found.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// Looks through a place while a person looks on; gives the catalogue of it.
///
/// # Errors
/// When the place can't be listed, or the catalogue can't be written.
pub(super) fn looked_through(place: Place, workplace: &Workplace) -> anyhow::Result<Catalogue> {
    let told = Told::new()?;
    let indexed = index_once(workplace.catalogue(), &place, &told);
    told.bar.finish_and_clear();
    indexed?;
    Ok(Catalogue::open(workplace.catalogue(), vec![place])?)
}

/// What a person at the command line sees, and what is summed up for the end.
struct Told {
    bar: ProgressBar,
    sums: Mutex<(Difference, Piece)>,
}

impl Told {
    fn new() -> anyhow::Result<Told> {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} listing, {elapsed}")?);
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Told { bar, sums: Mutex::default() })
    }

    fn sums(&self) -> (Difference, Piece) {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Watch for Told {
    fn listed(&self, difference: Difference, unread: usize, _took: Duration) {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner).0 = difference;
        let template = "reading headers {bar:30} {pos} of {len}, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(unread as u64);
        self.bar.set_position(0);
    }

    fn read(&self, piece: Piece) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.1.read += piece.read;
        sums.1.bad += piece.bad;
        sums.1.unreachable += piece.unreachable;
        self.bar.inc((piece.read + piece.bad + piece.unreachable) as u64);
    }

    fn first(&self) -> Option<i64> {
        None
    }

    fn stop(&self) -> bool {
        false
    }
}
