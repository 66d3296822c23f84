//! `spyhop publish`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use spyhop_api::view::Source;
use spyhop_api::{Share, SharedData, SharedExcerpt, View};

use super::StateArgs;
use super::index::looked_through;
use super::serve::parse_public_url;
use crate::answer;
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, now};
use crate::data_folder::demo_folder;
use crate::excerpt::{Excerpt, Form};
use crate::http::{StaticShare, app_files, app_index, static_page};
use crate::place::Place;
use crate::shares::Shares;
use crate::state::Workplace;
use crate::viewed::Viewed;

/// Part of what is shown that goes along on either side.
const MARGIN: f64 = 0.1;

/// Write shares as static pages: each with its picture, the samples that it shows, and the app.
///
/// The folder opens from any static host, without a server: chats that are sent one of its links show its
/// picture, and whoever opens it sees and hears what the share shows. Shares are named as in their links
/// (…/s/NAME).
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  spyhop publish abc123def456g --out site --public-url https://whales.example.org/talk
  spyhop publish https://whales.example.org/s/abc123def456g --data /mnt/recorder --out site")]
pub struct Args {
    /// Shares, by their names or links
    #[arg(value_name = "SHARE", required = true)]
    shares: Vec<String>,
    /// Folder to write; what is in it already stays
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where the folder will stand, as https://whales.example.org/talk: many chats take no picture that
    /// is not named by its whole address
    #[arg(long, value_name = "URL", value_parser = parse_public_url)]
    public_url: Option<String>,
    /// The place that the server serves, for shares of its recordings; by default the demo
    #[arg(long, value_name = "PLACE")]
    data: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let Some(index) = app_index() else {
        bail!("this program was built without its page: type  make app server  first");
    };
    let state = args.state.folder()?;
    let shares = Shares::look(&state)?;
    let mut catalogue = None;
    let base = args.public_url.as_ref().map(|url| format!("{url}/")).unwrap_or_default();
    for (name, bytes) in app_files() {
        put(&args.out.join(name), &bytes)?;
    }
    let mut is_whole = true;
    for given in &args.shares {
        let id = given.trim_end_matches('/').rsplit('/').next().unwrap_or(given);
        let kept = shares.get(id, now())?;
        let share = match shares.samples(&kept.share)? {
            Some(flac) => {
                let file = kept.share.excerpt.as_ref().map(|e| e.file.clone()).unwrap_or_default();
                put(&args.out.join(&kept.share.path).join(file), &flac)?;
                Share { data: SharedData::Same, ..kept.share }
            }
            None => {
                let (view, _) = View::from_query(&kept.share.view);
                match &view.source {
                    Source::Deployment { id, .. } => {
                        let id = id.clone();
                        let found = match &mut catalogue {
                            Some(catalogue) => catalogue,
                            none => none.insert(looked_into(&args)?),
                        };
                        match with_excerpt(kept.share, view, &id, &found.1, &args.out) {
                            Ok(share) => share,
                            Err(error) => {
                                eprintln!("spyhop: {given} is left out: {error:#}");
                                is_whole = false;
                                continue;
                            }
                        }
                    }
                    _ => kept.share,
                }
            }
        };
        let folder = args.out.join(&share.path);
        put(&folder.join("preview.png"), &shares.preview(id, now())?)?;
        put(&folder.join("share.json"), &serde_json::to_vec_pretty(&share)?)?;
        let of = StaticShare { share: &share, base: &base, to_app: "../../" };
        put(&folder.join("index.html"), static_page(&index, &of).as_bytes())?;
        answer::say(format!("{}  {}{}/  {}", share.id, base, share.path, share.title))?;
    }
    if base.is_empty() {
        eprintln!(
            "spyhop: many chats show no picture of these pages: say where they will stand with --public-url"
        );
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The catalogue of what the server serves, and where this process may have one: that goes when it is
/// dropped.
fn looked_into(args: &Args) -> anyhow::Result<(Workplace, Catalogue)> {
    let demo = demo_folder().map(|folder| folder.display().to_string());
    let place = args.data.clone().or(demo).context("say what the server serves: --data PLACE")?;
    let workplace = args.state.workplace()?;
    let catalogue = looked_through(Place::at(&place)?, &workplace)?;
    Ok((workplace, catalogue))
}

/// Writes the samples that a share of a deployment shows, and gives the share of them.
fn with_excerpt(
    share: Share,
    view: View,
    deployment: &str,
    catalogue: &Catalogue,
    out: &Path,
) -> anyhow::Result<Share> {
    let found = catalogue.description(deployment, Reader::Public)?;
    let Some((described, recordings)) =
        found.zip(catalogue.recordings(deployment, Reader::Public)?)
    else {
        bail!(
            "share {}: there is no public deployment '{deployment}' in this place (see --data)",
            share.id
        );
    };
    let viewed = Viewed::of_deployment(view, described, recordings)?;
    let shown = viewed.positions.clone();
    let margin = (viewed.places.end - viewed.places.start) * MARGIN;
    let start = ((shown.start - margin).floor() as i64).max(0);
    let end =
        ((shown.end + margin).ceil() as i64).clamp(start + 1, viewed.line.end().max(start + 1));
    let first = viewed.infos().next().context("nothing was recorded there")?.clone();
    let (mut reader, infos) = (viewed.reader(), viewed.recordings.infos.clone());
    let channels = (0..first.channels).collect();
    let mut excerpt =
        Excerpt { reader: &mut reader, infos: &infos, positions: start..end, channels };
    let mut flac = excerpt
        .write(Form::Flac, tempfile::tempfile()?)
        .with_context(|| format!("share {} ({})", share.id, share.title))?;
    let file = "excerpt.flac".to_owned();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flac, &mut bytes)?;
    put(&out.join(&share.path).join(&file), &bytes)?;
    let mut alone = viewed.view.clone();
    alone.source = Source::Urls(vec![format!("{}/{file}", share.path)]);
    alone.calls = None;
    // In a file of its own a gap is silence.
    alone.gaps_collapsed = false;
    let clock = viewed.time_of(start);
    alone.reading = spyhop_api::view::Reading { start: clock, ..Default::default() };
    alone.start = Some(viewed.moment_of(shown.start, start));
    alone.span_ns = Some(viewed.nanos_of(shown.end - shown.start));
    if let Some(selection) = &mut alone.selection {
        let (samples, _) = viewed.selected();
        selection.start = viewed.moment_of(samples.start as f64, start);
    }
    let fingerprint = viewed.fingerprint();
    let is_same = fingerprint == share.fingerprint;
    if !is_same {
        eprintln!(
            "spyhop: the recordings under share {} ({}) have changed since it was made: its page shows \
             them as they are now, and says so",
            share.id, share.title
        );
    }
    Ok(Share {
        view: alone.to_query(),
        data: if is_same { SharedData::Same } else { SharedData::Changed },
        excerpt: Some(SharedExcerpt {
            file,
            source_name: viewed.name().to_owned(),
            source_fingerprint: fingerprint,
            start: clock,
            calibration: viewed.deployment.calibration.clone(),
            bytes: bytes.len() as u64,
        }),
        ..share
    })
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create(path)?;
        std::io::Write::write_all(&mut file, bytes)
    };
    write().with_context(|| format!("can't write {}", path.display()))
}
