//! `spyhop story export`: a story as one page and its data, which run from a disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use spyhop_api::annotation::{AnnotationList, SharedAnnotation};
use spyhop_api::view::Source;
use spyhop_api::{Deployment, DeploymentList, RecordingInfo, Share, SharedData, Step, Story, View};
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::source::FileSource;

use super::labels::{Found, labels};
use super::{Where, opened};
use crate::catalogue::access::Reader;
use crate::catalogue::now;
use crate::excerpt::{Excerpt, ExcerptError, Form};
use crate::http::{app_files, app_index, offline_story};
use crate::keeping::samples_named;
use crate::shares::Shares;
use crate::stories::with_html;
use crate::viewed::Viewed;
use crate::{answer, whole_file};

/// Part of what a step shows that goes along on either side.
const MARGIN: f64 = 0.1;
/// Stretches are one where that takes no more than so many times their samples.
const JOINED: f64 = 2.0;
/// The most samples of a story in all channels: about 300 MB of data.
const MOST_SAMPLES: i64 = 150_000_000;
/// The most samples of a file: the encoder keeps them in memory, and so does the page.
const MOST_FILE_SAMPLES: i64 = 1 << 23;

/// Makes the page run from a disk.
const OFFLINE: &str = include_str!("offline.js");

/// Write a story as one HTML file and its data, which run from a double click, without a network.
///
/// DIR/NAME.html holds the whole page; the samples that its steps show, and 10 % on either side, lie in
/// DIR/NAME/*.js. Labels and candidates go along where a step shows them (calls_shown = true): those that a
/// step hides would answer its question. Only recordings that anybody may see are written. Any static host
/// serves the same files.
#[derive(clap::Args)]
pub struct Args {
    /// A story's file, or the name of a story
    #[arg(value_name = "STORY")]
    story: String,
    /// Folder to write into; what is in it already stays
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// For a museum: it begins again when nobody has touched it for a minute
    #[arg(long)]
    kiosk: bool,
    #[command(flatten)]
    at: Where,
}

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(index) = app_index() else {
        bail!("this program was built without its page: type  make app server  first");
    };
    let mut story = with_html(args.at.story(&args.story)?);
    let (_workplace, catalogue) = args.at.looked_into()?;
    let mut shown: BTreeMap<String, Shown> = BTreeMap::new();
    let mut files = Files { folder: args.out.join(&story.id), names: Vec::new(), bytes: 0 };
    let mut told = Told::default();
    for (number, step) in story.steps.iter_mut().enumerate() {
        let of_step = || format!("step {} ({})", number + 1, step.title);
        let viewed = opened(&catalogue, step, Reader::Public).with_context(of_step)?;
        step.data = if viewed.is_some() { SharedData::Same } else { SharedData::Elsewhere };
        match viewed {
            Some(viewed) => note(&mut shown, step, viewed),
            None if take_along(step, &args.at, &mut files, &mut told).with_context(of_step)? => {
                step.data = SharedData::Same;
            }
            None => eprintln!(
                "spyhop: {}: its recordings are at an address, and need the network",
                of_step()
            ),
        }
    }
    let samples: i64 = shown.values().map(Shown::samples).sum();
    if samples > MOST_SAMPLES {
        bail!(
            "the steps show {:.0} million samples, of which {:.0} go into an export: let them show less",
            samples as f64 / 1e6,
            MOST_SAMPLES as f64 / 1e6
        );
    }
    for (id, shown) in &shown {
        let deployment = shown.write(id, &mut files)?;
        let address = format!("api/v1/deployments/{id}");
        let annotations = shown.labels(&args.at.state.folder()?)?;
        told.put(&format!("{address}/annotations"), &AnnotationList { annotations })?;
        told.put(&address, &deployment)?;
        told.list.deployments.push(Deployment { recordings: Vec::new(), ..deployment });
    }
    told.put("api/v1/deployments", &told.list.clone())?;
    told.put(&format!("api/v1/stories/{}", story.id), &story)?;
    let page = page(&index, &story, &files.names, &told, args.kiosk)?;
    let out = args.out.join(format!("{}.html", story.id));
    put(&out, page.as_bytes())?;
    answer::say(format!(
        "{}  {:.1} MB, with {:.1} MB of data in {}",
        out.display(),
        page.len() as f64 / 1e6,
        files.bytes as f64 / 1e6,
        files.folder.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Takes the samples along that came with a share, where a step shows those; says whether it does.
fn take_along(step: &Step, at: &Where, files: &mut Files, told: &mut Told) -> anyhow::Result<bool> {
    let (view, _) = View::from_query(&step.view);
    let Source::Urls(urls) = &view.source else { return Ok(false) };
    let [url] = urls.as_slice() else { return Ok(false) };
    let Some((id, _)) = samples_named(url) else { return Ok(false) };
    let shares = Shares::look(&at.state.folder()?)?;
    let share = shares.get(id, now())?.share;
    let told_at = format!("{}/share.json", share.path);
    if !told.files.contains_key(&told_at) {
        let samples = shares.samples(&share)?.context("its samples are gone")?;
        files.put(url, Form::Flac.mime_type(), &samples)?;
        told.put(&told_at, &Share { data: SharedData::Same, ..share })?;
    }
    Ok(true)
}

/// What steps show of a deployment.
struct Shown {
    viewed: Viewed,
    /// Positions of its line, in order, none touching another.
    stretches: Vec<Range<i64>>,
    /// Where steps show labels: nanoseconds since 1970, or since the first sample.
    labelled_ns: Vec<Range<i64>>,
    /// Candidates that steps show.
    found: Vec<Found>,
}

/// Notes what a step shows. Its view is of the whole deployment from then on, of which there is a part.
fn note(shown: &mut BTreeMap<String, Shown>, step: &mut Step, viewed: Viewed) {
    let Source::Deployment { id, recording } = &viewed.view.source else { return };
    // A recording alone has a line of its own.
    let id = match recording {
        Some(name) => {
            format!("{id}.{}", blake3::hash(name.as_bytes()).to_hex().get(..8).unwrap_or(""))
        }
        None => id.clone(),
    };
    let (selected, _) = viewed.selected();
    let (seen, end) = (viewed.samples(), viewed.line.end());
    let (from, to) = (seen.start.min(selected.start), seen.end.max(selected.end));
    // Folded gaps are no part of what is shown.
    let places = viewed.places.end - viewed.places.start;
    let margin = (places.max((selected.end - selected.start) as f64) * MARGIN).ceil() as i64;
    let stretch = match viewed.line.origin {
        Some(_) => (from - margin).max(0)..(to + margin).min(end),
        // Times count from the first sample: it has to be there.
        None => 0..(to + margin).min(end),
    };
    let at_ns = |position: i64| viewed.moment_of(position as f64, 0).nanos();
    let within_ns = at_ns(from)..at_ns(to);
    let labelled_ns = step.calls_shown.then(|| within_ns.clone());
    let shown_calls = viewed.view.calls.clone().filter(|_| step.calls_shown);
    let found = shown_calls.map(|shown| Found { shown, within_ns });
    let mut alone = viewed.view.clone();
    alone.source = Source::Deployment { id: id.clone(), recording: None };
    // Candidates go along as labels: there is no server to ask for a run.
    alone.calls = None;
    step.view = alone.to_query();
    let known = shown.entry(id).or_insert_with(|| Shown {
        viewed,
        stretches: Vec::new(),
        labelled_ns: Vec::new(),
        found: Vec::new(),
    });
    known.stretches.push(stretch);
    known.labelled_ns.extend(labelled_ns);
    known.found.extend(found);
    known.join();
}

impl Shown {
    /// Makes stretches one that lie near each other.
    fn join(&mut self) {
        self.stretches.sort_by_key(|stretch| stretch.start);
        let mut joined: Vec<Range<i64>> = Vec::new();
        for next in std::mem::take(&mut self.stretches) {
            match joined.last_mut() {
                Some(last) if is_near(last, &next) => last.end = last.end.max(next.end),
                _ => joined.push(next),
            }
        }
        self.stretches = joined;
    }

    /// The labels and the candidates that steps show.
    fn labels(&self, state: &Path) -> anyhow::Result<Vec<SharedAnnotation>> {
        let Source::Deployment { id, recording } = &self.viewed.view.source else {
            return Ok(Vec::new());
        };
        if recording.is_some() && self.viewed.line.origin.is_none() {
            // Without a clock, labels lie on the line of all recordings.
            return Ok(Vec::new());
        }
        labels(state, id, &self.labelled_ns, &self.found)
    }

    fn samples(&self) -> i64 {
        let channels = i64::from(self.channels());
        let parts = self.stretches.iter().flat_map(|stretch| self.parts(stretch));
        parts.map(|part| (part.end - part.start) * channels).sum()
    }

    fn channels(&self) -> u32 {
        self.viewed.recordings.infos.first().map_or(1, |info| info.channels)
    }

    /// What was recorded of a stretch: between the parts are gaps.
    fn parts(&self, stretch: &Range<i64>) -> Vec<Range<i64>> {
        let mut parts: Vec<Range<i64>> = Vec::new();
        for run in self.viewed.line.parts(stretch.clone()) {
            let (start, end) = (run.position, run.end());
            match parts.last_mut() {
                // Files that follow each other.
                Some(last) if last.end == start => last.end = end,
                _ => parts.push(start..end),
            }
        }
        parts
    }

    /// Writes the samples; gives the deployment that is made of them.
    fn write(&self, id: &str, files: &mut Files) -> anyhow::Result<Deployment> {
        let mut recordings: Vec<RecordingInfo> = Vec::new();
        let most = (MOST_FILE_SAMPLES / i64::from(self.channels().max(1))).max(1);
        for part in self.stretches.iter().flat_map(|stretch| self.parts(stretch)) {
            let mut start = part.start;
            while start < part.end {
                let end = (start + most).min(part.end);
                recordings.push(self.write_piece(id, start..end, recordings.len(), files)?);
                start = end;
            }
        }
        let described = self.viewed.deployment.clone();
        Ok(Deployment {
            id: id.to_owned(),
            failures: Vec::new(),
            tables: Vec::new(),
            recording_count: recordings.len(),
            bytes: recordings.iter().map(|info| info.bytes).sum(),
            start: recordings.first().and_then(|info| info.start),
            recorded_s: recordings.iter().map(|info| info.duration_s).sum(),
            recordings,
            ..described
        })
    }

    fn write_piece(
        &self,
        id: &str,
        positions: Range<i64>,
        number: usize,
        files: &mut Files,
    ) -> anyhow::Result<RecordingInfo> {
        let start = self.viewed.time_of(positions.start);
        let mut reader = self.viewed.reader();
        let infos = &self.viewed.recordings.infos;
        let channels = (0..self.channels()).collect();
        let mut excerpt = Excerpt { reader: &mut reader, infos, positions, channels };
        let made = tempfile::NamedTempFile::new()?;
        let (form, written) = match excerpt.write(Form::Flac, made.reopen()?) {
            // FLAC, or who writes it, does not take every rate.
            Err(ExcerptError::Unfit(_)) => (Form::Wav, excerpt.write(Form::Wav, made.reopen()?)),
            written => (Form::Flac, written),
        };
        let mut file = written.with_context(|| format!("samples of {}", self.viewed.name()))?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let name = format!("{}.{}", number + 1, form.ending());
        let options = OpenOptions { start, ..OpenOptions::default() };
        let recording = formats::open(&name, Box::new(FileSource::open(made.path())?), &options)?;
        files.put(&format!("data/{id}/{name}"), form.mime_type(), &content)?;
        Ok(recording.info)
    }
}

fn is_near(a: &Range<i64>, b: &Range<i64>) -> bool {
    let both = (a.end - a.start) + (b.end - b.start);
    b.start <= a.end || (b.end - a.start) as f64 <= JOINED * both as f64
}

/// The files of samples, each of which puts itself among the page's files.
struct Files {
    folder: PathBuf,
    names: Vec<String>,
    bytes: u64,
}

impl Files {
    fn put(&mut self, name: &str, kind: &str, content: &[u8]) -> anyhow::Result<()> {
        let file = format!("{}.js", self.names.len() + 1);
        let text = format!(
            "(globalThis.spyhopFiles = globalThis.spyhopFiles || {{}})[{}] = {};\n",
            in_script(&json!(name)),
            in_script(&json!({ "type": kind, "base64": BASE64.encode(content) }))
        );
        put(&self.folder.join(&file), text.as_bytes())?;
        self.bytes += text.len() as u64;
        self.names.push(file);
        Ok(())
    }
}

/// What a server would tell.
#[derive(Default)]
struct Told {
    files: BTreeMap<String, serde_json::Value>,
    list: DeploymentList,
}

impl Told {
    fn put(&mut self, name: &str, what: &impl serde::Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(what)?;
        self.files.insert(name.to_owned(), json!({ "type": "application/json", "text": text }));
        Ok(())
    }
}

/// The page, with everything in it but the samples.
fn page(
    index: &str,
    story: &Story,
    data: &[String],
    told: &Told,
    kiosk: bool,
) -> anyhow::Result<String> {
    let mut files = told.files.clone();
    let mut styles: BTreeMap<String, String> = BTreeMap::new();
    for (name, bytes) in app_files() {
        match Path::new(&name).extension().and_then(|ending| ending.to_str()) {
            Some("js") => {
                let text = String::from_utf8(bytes).with_context(|| name.clone())?;
                files.insert(name, json!({ "type": "text/javascript", "text": text }));
            }
            Some("css") => {
                styles.insert(name.clone(), String::from_utf8(bytes).with_context(|| name)?);
            }
            Some("wasm") => {
                let base64 = BASE64.encode(bytes);
                files.insert(name, json!({ "type": "application/wasm", "base64": base64 }));
            }
            // The page's letters are the system's own.
            _ => {}
        }
    }
    let mut page = offline_story(index, story);
    for (name, style) in styles {
        let link = format!("<link rel=\"stylesheet\" href=\"./{name}\"/>");
        match page.contains(&link) {
            true => page = page.replacen(&link, &format!("<style>\n{style}</style>"), 1),
            // One that comes later, by a script.
            false => drop(files.insert(name, json!({ "type": "text/css", "text": style }))),
        }
    }
    let mut head = String::new();
    for name in data {
        head += &format!("<script src=\"{}/{name}\"></script>\n", story.id);
    }
    let query = format!("story={}{}", story.id, if kiosk { "&kiosk=1" } else { "" });
    head += &format!(
        "<script>\nObject.assign(globalThis.spyhopFiles = globalThis.spyhopFiles || {{}}, {});\n</script>\n\
         <script>\n{OFFLINE}</script>\n\
         <script>if (!location.search) \
         history.replaceState(null, \"\", location.href.split(/[?#]/)[0] + \"?{query}\");</script>\n",
        in_script(&json!(files)),
    );
    // After what names the page's letters, which stands within its first kilobyte.
    let mark = "<meta charset=\"utf-8\">";
    if !page.contains(mark) {
        bail!("the page that this program carries is not the one that it knows: build it anew");
    }
    Ok(page.replacen(mark, &format!("{mark}\n{head}"), 1))
}

/// JSON as it may stand in a script: nothing in it ends the script.
fn in_script(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("can't make {}", folder.display()))?;
    }
    whole_file::write(path, Path::new(""), |mut to: BufWriter<File>| {
        to.write_all(bytes)?;
        Ok(to.flush()?)
    })
}
