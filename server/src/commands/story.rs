//! `spyhop story`.

mod export;
mod labels;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use spyhop_api::view::Source;
use spyhop_api::{Step, Story, View};

use super::StateArgs;
use super::index::looked_through;
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, now};
use crate::data_folder::demo_folder;
use crate::place::Place;
use crate::state::Workplace;
use crate::stories::{self, Shelf, Stories, captions};
use crate::viewed::Viewed;
use crate::{answer, whole_file};

/// Check, caption and export stories: views in an order, with words, sound and questions.
///
/// A story is one that somebody made in the browser, by the name in its link (…/t/NAME); one that lies in the
/// folder stories/ of the place that is served, by the name of its file; or a file.
#[derive(clap::Args)]
#[command(after_help = "\
A story's file is TOML, stories/NAME.toml beside the folders of the recordings:

  title = \"A night with dolphins\"
  note = \"What it is about: shown where its link is pasted.\"
  author = \"Ada\"
  language = \"en\"

  [[steps]]
  title = \"A whistle\"
  text = \"\"\"Markdown: *words* beside the picture.\"\"\"
  view = { src = \"set:gulf-night\", t = 2017-06-12T02:00:03.5Z, span = 5, f = \"1000-30000\", rate = 0.125 }
  sound = \"plays\"        # or silent
  seconds = 20           # where a timer plays the story
  calls_shown = true     # draw labels

  [[steps.says]]         # captions, in seconds of the recording after the view's left edge
  at_s = 0.4
  lasts_s = 0.8
  text = \"dolphin whistle\"

  [[steps.marks]]        # boxes; kinds are question, answer, truth, right, wrong
  at = \"2017-06-12T02:00:03.9Z\"
  lasts_s = 0.8
  low_hz = 6000
  high_hz = 16000
  text = \"Here\"
  kind = \"answer\"

  [steps.question]
  text = \"What was it?\"
  answers = [\"a dolphin\", \"a ship\"]
  right = \"a dolphin\"
  why = \"Markdown: told after an answer.\"

A view's keys are those of a link; the query of a link in quotes does as well.

Examples:
  spyhop story check ~/whales/stories/*.toml --data ~/whales
  spyhop story captions a-night-with-dolphins --data ~/whales --out night.vtt
  spyhop story export a-night-with-dolphins --data ~/whales --out museum --kiosk")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Check(CheckArgs),
    Captions(CaptionsArgs),
    Export(export::Args),
}

/// Where stories and their recordings are looked for.
#[derive(clap::Args)]
pub struct Where {
    /// The place with the recordings, as it is served; by default the demo
    #[arg(long, value_name = "PLACE")]
    data: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

/// Check stories: is each file sound, and does each view open?
#[derive(clap::Args)]
pub struct CheckArgs {
    /// Stories' files, or names of stories
    #[arg(value_name = "STORY", required = true)]
    stories: Vec<String>,
    #[command(flatten)]
    at: Where,
}

/// Write a story's captions: what its steps say and what is heard, on the story's own time line.
#[derive(clap::Args)]
pub struct CaptionsArgs {
    /// A story's file, or the name of a story
    #[arg(value_name = "STORY")]
    story: String,
    /// WebVTT file to write; standard output where it is left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    at: Where,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    match args.command {
        Command::Check(args) => check(&args),
        Command::Captions(args) => write_captions(&args),
        Command::Export(args) => export::run(&args),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut looked = None;
    let mut code = ExitCode::SUCCESS;
    for given in &args.stories {
        let mut wrong = Vec::new();
        match args.at.story(given) {
            Err(error) => wrong.push(format!("{error:#}")),
            Ok(story) => {
                let catalogue = match &looked {
                    Some((_, catalogue)) => catalogue,
                    None => &looked.insert(args.at.looked_into()?).1,
                };
                for (number, step) in story.steps.iter().enumerate() {
                    if let Err(error) = opened(catalogue, step, Reader::Administrator) {
                        wrong.push(format!("{given}: step {}: {error:#}", number + 1));
                    }
                }
                if wrong.is_empty() {
                    let minutes = story.steps.iter().map(Step::stays_s).sum::<f64>() / 60.0;
                    answer::say(format!(
                        "{given}: {} steps, {minutes:.1} min  {}",
                        story.steps.len(),
                        story.title
                    ))?;
                }
            }
        }
        for why in wrong {
            eprintln!("spyhop: {why}");
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn write_captions(args: &CaptionsArgs) -> anyhow::Result<ExitCode> {
    let text = captions(&args.at.story(&args.story)?);
    match &args.out {
        Some(out) => whole_file::write(out, Path::new(&args.story), |mut to| {
            Ok(std::io::Write::write_all(&mut to, text.as_bytes())?)
        })?,
        None => answer::say(text.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether what a step shows can be opened here: its recordings are there, and something of them is shown.
fn opened(catalogue: &Catalogue, step: &Step, reader: Reader) -> anyhow::Result<Option<Viewed>> {
    let (view, errors) = View::from_query(&step.view);
    if let Some(error) = errors.first() {
        bail!("{error}");
    }
    let Source::Deployment { id, .. } = &view.source else { return Ok(None) };
    let id = id.clone();
    let described = catalogue.description(&id, reader)?;
    let found = described.zip(catalogue.recordings(&id, reader)?);
    let Some((described, recordings)) = found else {
        let public = if reader == Reader::Public { "public " } else { "" };
        bail!("there is no {public}deployment '{id}' in this place (see --data)");
    };
    let viewed = Viewed::of_deployment(view, described, recordings)?;
    let shown = viewed.samples();
    if viewed.line.parts(shown).next().is_none() {
        bail!("nothing was recorded in '{id}' where it looks");
    }
    Ok(Some(viewed))
}

impl Where {
    /// A story by its file, or by its name: of those that lie in the place, else of those that the server
    /// keeps.
    fn story(&self, given: &str) -> anyhow::Result<Story> {
        let path = Path::new(given);
        if path.extension().is_some_and(|ending| ending == "toml") {
            return stories::read(path).map_err(|why| anyhow::anyhow!("{given}: {why}"));
        }
        let id = given.trim_end_matches('/').rsplit('/').next().unwrap_or(given);
        let shelf = Shelf::of(&[self.place()?]);
        if let Some(story) = shelf.story(id) {
            return Ok(story);
        }
        if let Some(failure) = shelf.all().1.iter().find(|f| f.name == format!("{id}.toml")) {
            bail!("{}: {}", failure.name, failure.reason);
        }
        let kept = Stories::look(&self.state.folder()?).map_err(anyhow::Error::from);
        let kept = kept.and_then(|kept| Ok(kept.get(id, now())?.story));
        kept.with_context(|| {
            format!(
                "there is no story '{id}' in stories/ of {}",
                self.address().unwrap_or_default()
            )
        })
    }

    fn address(&self) -> anyhow::Result<String> {
        let demo = demo_folder().map(|folder| folder.display().to_string());
        self.data.clone().or(demo).context("say where the recordings are: --data PLACE")
    }

    fn place(&self) -> anyhow::Result<Place> {
        Ok(Place::at(&self.address()?)?)
    }

    /// The catalogue of the place, and where this process may have one: that goes when it is dropped.
    fn looked_into(&self) -> anyhow::Result<(Workplace, Catalogue)> {
        let workplace = self.state.workplace()?;
        let catalogue = looked_through(self.place()?, &workplace)?;
        Ok((workplace, catalogue))
    }
}
