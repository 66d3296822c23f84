//! `spyhop evaluate`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::builder::RangedU64ValueParser;
use serde_json::{Value, json};
use spyhop_train::evaluation::Bootstrap;

use super::StateArgs;
use super::product::{every_deployment, one_recording, parse_positive};
use crate::evaluation::{
    self, Asked, Data, LeftOut, Outcome, Seen, Truth, page, seen_in_words, write_tables,
};
use crate::place::Place;
use crate::recording_file::PARTLY;
use crate::{answer, evaluation::in_words};

/// Say how well a detector or a network finds calls that are known.
#[derive(clap::Args)]
#[command(after_help = "\
The calls come from tables beside the recordings, as Raven names them and spyhop demo writes them, or \
from --truth: a folder of tables that are named as recordings, or one table. A label counts where it is \
the name of a class; --label says what other labels mean.

Call level: candidates from the threshold on and calls are matched one to one, within 1.5 s and within \
3 s. Window level: windows of 3 s (--window), end to end. A window holds the call whose middle lies in it; \
one that a call comes nearer to than 1.5 s otherwise counts neither way. Intervals are 95 %, by drawing \
whole recordings. Recordings that the model can't hear, that were made for far higher calls, or that \
nobody labelled are left out, and listed.

A network that spyhop train made knows which recordings it learned from. Where some of them are among \
these, its figures are better than they would be elsewhere: that is told, and --unseen leaves them out.

Several --model give one table and one report. Where several networks learned from different shares of \
the data (data_loader.train_share), the report shows their learning curve. What was heard is kept below \
--state in detections/, so that the same command goes on.

Exit codes:
  0  evaluated
  1  nothing could be evaluated: no calls are known, the model or the place can't be opened
  2  the command was not understood
  3  evaluated, but some of the models failed (they are listed)

Examples:
  spyhop evaluate --model upcall --data ~/whales
  spyhop evaluate --model ~/models/upcalls --data ~/whales --json
  spyhop evaluate --model runs/upcalls/model --data ~/whales --unseen
  spyhop evaluate --model upcall-energy --model upcall --model runs/upcalls/model --data ~/sea --out report
  spyhop evaluate --model upcall --data ~/bank --truth ~/tables --label 'NARW up=upcall'")]
pub struct Args {
    /// Folder of a network, its name in the user's models folder, or a detector (spyhop detect --list);
    /// may be given several times
    #[arg(long, value_name = "DIR-OR-NAME", required = true)]
    model: Vec<PathBuf>,
    /// Folder of a LoRA adapter, to be laid over the network
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Folder, bucket or web folder with recordings in it or in folders below; or one recording
    #[arg(long, value_name = "PLACE")]
    data: String,
    /// A folder of tables that say where calls are, or one table (else those beside the recordings)
    #[arg(long, value_name = "TABLES")]
    truth: Option<PathBuf>,
    /// A label of the tables that means a class, as 'NARW up=upcall'; may be given several times
    #[arg(long, value_name = "LABEL=CLASS", value_parser = parse_label)]
    label: Vec<(String, String)>,
    /// Folder for report.html, evaluation.json and tables as CSV
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Length of a window, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = parse_positive)]
    window: f64,
    /// How many times recordings are drawn for intervals
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().draws,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    draws: usize,
    /// Decides which are drawn
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u64,
    /// Take in recordings that were made for far higher calls
    #[arg(long)]
    any_rate: bool,
    /// Leave out recordings that one of the networks learned from or was chosen by
    #[arg(long)]
    unseen: bool,
    /// Settings that are to be otherwise than usual, as YAML (see spyhop detect --print-config)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this deployment of the place
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Channel, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u32,
    #[command(flatten)]
    state: StateArgs,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let truth = Truth::named(args.truth.as_deref())?;
    let config = match &args.config {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| anyhow::anyhow!("can't read {}: {error}", path.display()))?,
    };
    let asked = Asked {
        models: args.model.clone(),
        adapter: args.adapter.clone(),
        config,
        labels: args.label.iter().cloned().collect::<BTreeMap<_, _>>(),
        window_s: args.window,
        bootstrap: Bootstrap { draws: args.draws, seed: args.seed },
        any_rate: args.any_rate,
        channel: args.channel,
    };
    let networks = args.model.iter().filter(|model| !evaluation::is_detector(model)).count();
    if args.adapter.is_some() && networks > 1 {
        bail!(
            "--adapter is laid over one network, and --model names {networks}: evaluate each by itself"
        );
    }
    if let Some(out) = &args.out {
        // Before anything is listened to.
        std::fs::create_dir_all(out)
            .with_context(|| format!("the folder {} can't be made", out.display()))?;
    }
    let workplace = args.state.workplace()?;
    let path = Path::new(&args.data);
    let all = match path.is_file() {
        true => vec![one_recording(path)?],
        false => every_deployment(Place::at(&args.data)?, &workplace, args.deployment.as_deref())?,
    };
    let (state, is_beside) = (workplace.path().to_owned(), workplace.is_beside());
    // What is listed is in memory: a server may have the state folder meanwhile.
    drop(workplace);
    let (mut left_out, mut told) = (Vec::new(), Vec::new());
    let seen = match args.unseen {
        true => {
            let infos = all.iter().flat_map(|(_, recordings)| recordings.infos.iter());
            let recordings: Vec<&str> = infos.map(|info| info.fingerprint.as_str()).collect();
            Seen::by_any(&asked, &recordings, &mut told)
        }
        false => Seen::default(),
    };
    let data = Data::of_all(all, &truth, &seen, &mut left_out, &mut told)?;
    for sentence in &told {
        eprintln!("spyhop: {sentence}");
    }
    if data.is_empty() && seen.left_out(&left_out) {
        bail!(
            "the networks learned from every labelled recording in {}, or were chosen by it: without --unseen \
             they are taken in",
            args.data
        );
    }
    if data.is_empty() {
        bail!(
            "nothing says which calls are in {}: there is no table of calls ({}). Put tables as Raven writes \
             them beside the recordings (x.Table.1.selections.txt beside x.wav), or name them with --truth",
            args.data,
            truth.in_words()
        );
    }
    let outcomes = evaluation::evaluate(&data, &asked, &state, is_beside);
    let failed: Vec<&Outcome> =
        outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed { .. })).collect();
    if let ([Outcome::Failed { error, .. }], 1) = (failed.as_slice(), outcomes.len()) {
        bail!("{error}");
    }
    let object = object(&args, &truth, &outcomes, &left_out, &told)?;
    if let Some(out) = &args.out {
        let text = serde_json::to_string_pretty(&object)?;
        evaluation::put(out, "evaluation.json", &(text + "\n"))?;
        evaluation::put(out, "report.html", &page(&outcomes, &args.data, &left_out))?;
        write_tables(out, &outcomes)?;
    }
    if args.json {
        answer::say(serde_json::to_string_pretty(&object)?)?;
    } else {
        answer::say(in_words(&outcomes))?;
        say_left_out(&outcomes, &left_out);
        if let Some(out) = &args.out {
            answer::say(format!("written to {}", out.join("report.html").display()))?;
        }
    }
    say_seen(&outcomes);
    Ok(match failed.len() {
        0 => ExitCode::SUCCESS,
        n if n == outcomes.len() => ExitCode::FAILURE,
        _ => ExitCode::from(PARTLY),
    })
}

/// Everything, as one object: of one model its own, of several a list.
fn object(
    args: &Args,
    truth: &Truth,
    outcomes: &[Outcome],
    left_out: &[LeftOut],
    told: &[String],
) -> anyhow::Result<Value> {
    let mut object = match outcomes {
        [Outcome::Done(done)] => serde_json::to_value(done)?,
        several => json!({ "models": several }),
    };
    if let Value::Object(keys) = &mut object {
        keys.insert("data".into(), json!(args.data));
        keys.insert("truth".into(), json!(truth.in_words()));
        let mut all: Vec<Value> = left_out.iter().map(|one| json!(one)).collect();
        all.extend(keys.get("left_out").and_then(Value::as_array).into_iter().flatten().cloned());
        keys.insert("left_out".into(), json!(all));
        keys.insert("told".into(), json!(told));
    }
    Ok(object)
}

fn say_left_out(outcomes: &[Outcome], left_out: &[LeftOut]) {
    /// What is listed at a terminal; the report lists all.
    const MOST: usize = 10;
    let say = |model: &str, one: &LeftOut| {
        let what = one.recording.as_ref().map_or_else(String::new, |name| format!("/{name}"));
        eprintln!("spyhop: {model}{}{what} is left out: {}", one.deployment, one.reason);
    };
    left_out.iter().take(MOST).for_each(|one| say("", one));
    if left_out.len() > MOST {
        eprintln!("spyhop: {} more recordings are left out", left_out.len() - MOST);
    }
    for outcome in outcomes {
        let Outcome::Done(done) = outcome else { continue };
        done.left_out.iter().take(MOST).for_each(|one| say(&format!("{}: ", done.model), one));
        for problem in &done.problems {
            eprintln!("spyhop: {problem}");
        }
    }
}

/// Figures that a person would be misled by are no figures: in JSON, too, they don't stand alone.
fn say_seen(outcomes: &[Outcome]) {
    for outcome in outcomes {
        let Outcome::Done(done) = outcome else { continue };
        if let Some(sentence) = seen_in_words(done) {
            eprintln!("spyhop: {sentence}");
        }
    }
}

fn parse_label(text: &str) -> Result<(String, String), String> {
    let parts =
        text.split_once('=').filter(|(label, class)| !label.is_empty() && !class.is_empty());
    let (label, class) = parts.ok_or("give LABEL=CLASS, as 'NARW up=upcall'")?;
    Ok((label.trim().to_owned(), class.trim().to_owned()))
}
