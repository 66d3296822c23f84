//! `spyhop jobs`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar};
use spyhop_api::job::{JobDetail, JobProgress, JobState, JobsSnapshot};

use crate::work::{Ledger, Wish, now_ms};
use crate::{data_folder, progress, state};

/// See what long work is on its way, give it up, or try again what failed.
///
/// It works while a server runs, and without one: what is wished is noted down and obeyed within a
/// second, or when the next server starts.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes:
  0  it was done
  1  it was not; or, of list and show, some work has failed
  2  the command was not understood

Examples:
  spyhop jobs                     all jobs
  spyhop jobs --watch             with bars that move, until all is done
  spyhop jobs show 3              one job, and what failed of it
  spyhop jobs retry 3             try again what failed, or go on with what was given up
  spyhop jobs list --json | jq '.jobs[] | select(.state == \"failed\").title'")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Folder in which the server keeps what it makes
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// Print JSON, as the server's API gives it
    #[arg(long, global = true)]
    json: bool,
    /// Show bars that move until nothing more happens by itself
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

#[derive(Clone, Copy, clap::Subcommand)]
enum Action {
    /// All jobs (what happens without a word)
    List,
    /// One job, and what failed of it
    Show(Which),
    /// Give a job up; what is done is kept
    Cancel(Which),
    /// Let a job rest
    Pause(Which),
    /// Try again what failed, and go on with what was paused or given up
    Retry(Which),
}

#[derive(Clone, Copy, clap::Args)]
struct Which {
    /// Its number, as list shows it
    id: i64,
}

/// Failures that are shown.
const FAILURES: usize = 100;
/// Between two looks of --watch.
const LOOK: Duration = Duration::from_millis(250);

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = args.state.clone().or_else(data_folder::state_folder);
    let folder = folder.context("where is the state folder? Say it with --state DIR")?;
    let mut ledger = Ledger::look(&folder)?;
    let (job, wish) = match args.action.unwrap_or(Action::List) {
        Action::List if args.watch => return watch(&ledger),
        Action::List => return list(&ledger, &folder, args.json),
        Action::Show(which) => return show(&ledger, which.id, args.json),
        Action::Cancel(which) => (which.id, Wish::Cancel),
        Action::Pause(which) => (which.id, Wish::Pause),
        Action::Retry(which) => (which.id, Wish::GoOn),
    };
    ledger.wish(job, wish, now_ms())?;
    let job = ledger.job(job, now_ms())?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&job)?);
    } else {
        println!("{}", line(&job));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(ledger: &Ledger, folder: &std::path::Path, json: bool) -> anyhow::Result<ExitCode> {
    let now = now_ms();
    let jobs = ledger.jobs(now)?;
    let who = state::who_works_in(folder);
    let has_failed = jobs.iter().any(|job| job.state == JobState::Failed);
    if json {
        let running = if who.is_some() { ledger.running()? } else { Vec::new() };
        let units_per_s = jobs.iter().map(|job| job.units_per_s).sum();
        let snapshot =
            JobsSnapshot { at_ms: now, jobs, units_per_s, running, ..JobsSnapshot::default() };
        println!("{}", serde_json::to_string_pretty(&snapshot)?);
    } else {
        if jobs.is_empty() {
            println!("no jobs");
        }
        for job in &jobs {
            println!("{}", line(job));
        }
        if who.is_none() && jobs.iter().any(|job| !job.is_over()) {
            println!("nobody works on them now: start the server with this state folder");
        }
    }
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(ledger: &Ledger, id: i64, json: bool) -> anyhow::Result<ExitCode> {
    let job = ledger.job(id, now_ms())?;
    let detail = JobDetail { failures: ledger.failures(id, FAILURES)?, job };
    if json {
        println!("{}", serde_json::to_string_pretty(&detail)?);
    } else {
        println!("{}", line(&detail.job));
        for failure in &detail.failures {
            let times = if failure.attempts > 1 {
                format!(", tried {} times", failure.attempts)
            } else {
                String::new()
            };
            println!("      {} ({} {}{times})", failure.message, failure.kind, failure.unit);
        }
        let more = detail.job.failed.saturating_sub(detail.failures.len() as u64);
        if more > 0 {
            println!("      … and {more} more");
        }
    }
    let has_failed = detail.job.state == JobState::Failed;
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Bars until every job is over, or rests.
fn watch(ledger: &Ledger) -> anyhow::Result<ExitCode> {
    let bars = MultiProgress::new();
    let mut shown: HashMap<i64, ProgressBar> = HashMap::new();
    loop {
        let jobs = ledger.jobs(now_ms())?;
        for job in jobs.iter().rev() {
            let rests = job.is_over() || job.state == JobState::Paused;
            if rests && !shown.contains_key(&job.id) {
                continue;
            }
            let bar = shown.entry(job.id).or_insert_with(|| bars.add(progress::job_bar()));
            progress::show_job(bar, job, progress::job_in_words(job));
            if rests && !bar.is_finished() {
                bar.abandon_with_message(format!(
                    "{} ({})",
                    progress::job_in_words(job),
                    state_in_words(job.state)
                ));
            }
        }
        if jobs.iter().all(|job| job.is_over() || job.state == JobState::Paused) {
            let has_failed = jobs.iter().any(|job| job.state == JobState::Failed);
            return Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        std::thread::sleep(LOOK);
    }
}

fn line(job: &JobProgress) -> String {
    format!(
        "{:>4}  {:<9} {:>3.0} %  {}  ({})",
        job.id,
        state_in_words(job.state),
        (100.0 * job.fraction).floor(),
        job.title,
        progress::job_in_words(job)
    )
}

fn state_in_words(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Cancelled => "cancelled",
        JobState::Done => "done",
        JobState::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateFolder;
    use crate::work::{Job, Priority, Unit};
    use serde_json::json;

    #[test]
    fn a_job_is_cancelled_from_the_command_line_though_no_server_runs() {
        let folder = std::env::temp_dir().join(format!("spyhop-cli-jobs-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let run_with = |action, json| {
            let state = Some(folder.clone());
            run(Args { action: Some(action), state, json, watch: false })
        };
        let missing = run_with(Action::List, false).expect_err("no folder yet").to_string();
        assert!(missing.contains("spyhop serve"), "{missing}");
        let state = StateFolder::open(&folder).expect("state");
        let mut ledger = Ledger::open(&state).expect("ledger");
        let job = Job {
            key: "j".into(),
            kind: "test".into(),
            title: "A test".into(),
            deployment: None,
            priority: Priority::BACKGROUND,
            units: vec![Unit::new("a", "test", json!(1))],
        };
        let id = ledger.submit(&job, now_ms()).expect("submit").job;
        for (action, stands) in [
            (Action::Cancel(Which { id }), JobState::Cancelled),
            (Action::Retry(Which { id }), JobState::Waiting),
            (Action::Pause(Which { id }), JobState::Paused),
            (Action::Show(Which { id }), JobState::Paused),
            (Action::List, JobState::Paused),
        ] {
            for json in [false, true] {
                assert_eq!(run_with(action, json).expect("runs"), ExitCode::SUCCESS);
                assert_eq!(ledger.job(id, now_ms()).expect("job").state, stands);
            }
        }
        let unknown = run_with(Action::Cancel(Which { id: 99 }), false).expect_err("unknown");
        assert!(unknown.to_string().contains("no job 99"));
        std::fs::remove_dir_all(folder).expect("remove");
    }
}
