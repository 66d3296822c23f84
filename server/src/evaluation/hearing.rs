//! A source at work on labelled recordings, and how well it did.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use spyhop_api::Metric;
use spyhop_api::detection::{DetectionClass, DetectionSource};
use spyhop_model::ModelFolder;
use spyhop_signal::detect::call_types;
use spyhop_signal::detect::fit::{held_hz, is_likely};
use spyhop_train::evaluation::{
    self, Bootstrap, Evaluation, HeardRecording, Piece, Question, Session, ToldCall, TrueCall,
};
use spyhop_train::{LearnedFrom, TRAIN_SHARE};

use super::data::Data;
use super::seen::{SeenRecording, among};
use crate::detection::{self, Detected, Source, Wanted, is_class};
use crate::models::{self, Model};
use crate::work::WorkError;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Detectors' words, networks' names or folders.
    pub models: Vec<PathBuf>,
    /// An adapter for the one network among them.
    pub adapter: Option<PathBuf>,
    /// Changes to settings, as YAML.
    pub config: String,
    /// Labels of tables that mean a class of another name.
    pub labels: BTreeMap<String, String>,
    /// Length of a window, seconds.
    pub window_s: f64,
    /// How intervals are found.
    pub bootstrap: Bootstrap,
    /// Whether recordings count that were made for far higher calls.
    pub any_rate: bool,
    /// Which channel is listened to.
    pub channel: u32,
}

/// What is not counted, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// The deployment.
    pub deployment: String,
    /// The recording; all of the deployment where none is named.
    pub recording: Option<String>,
    /// Why.
    pub reason: String,
}

/// What came of one source: its figures, or why there are none.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was heard.
    Done(Box<Evaluated>),
    /// It could not be.
    Failed {
        /// What was asked for.
        model: String,
        /// Why.
        error: String,
    },
}

/// How well a source does.
#[derive(Serialize)]
pub struct Evaluated {
    /// What was asked for.
    pub model: String,
    /// For a person.
    pub title: String,
    /// Enough to make its candidates again.
    pub source: DetectionSource,
    /// What its scores are.
    pub score_unit: &'static str,
    /// What it tells apart, with the thresholds that were used.
    pub classes: Vec<DetectionClass>,
    /// The share of the training data that it learned from, where its card says so.
    pub train_share: Option<f64>,
    /// Those of the recordings that it has heard before, which flatter it; `None` where it doesn't say what
    /// it learned from.
    pub learned_from: Option<Vec<SeenRecording>>,
    /// Figures.
    #[serde(flatten)]
    pub figures: Evaluation,
    /// Deployments that were heard.
    pub deployments: Vec<String>,
    /// What was not, and why.
    pub left_out: Vec<LeftOut>,
    /// Labels that none of its classes is called, with how many sounds have them: they count for nothing.
    pub other_labels: BTreeMap<String, usize>,
    /// What could not be read, a sentence each.
    pub problems: Vec<String>,
    /// How intervals were found.
    pub bootstrap: Bootstrap,
}

impl LeftOut {
    /// A recording.
    pub fn recording(deployment: &str, recording: &str, reason: String) -> LeftOut {
        let recording = Some(recording.to_owned());
        LeftOut { deployment: deployment.to_owned(), recording, reason }
    }
}

/// A source with all that was told by it.
struct Heard {
    source: Arc<Source>,
    learned_from: Option<Vec<SeenRecording>>,
    sessions: Vec<Session>,
    deployments: Vec<String>,
    left_out: Vec<LeftOut>,
    other_labels: BTreeMap<String, usize>,
    problems: Vec<String>,
    /// How long pieces are that have a score.
    score_s: f64,
}

/// Lets every source that was asked for hear the data, and compares what it tells with what is true; all are
/// asked about the same windows. One that fails stays in its place, with the reason. `state` is where
/// candidates are kept; `is_beside`, whether another process works there.
pub fn evaluate(data: &[Data], asked: &Asked, state: &Path, is_beside: bool) -> Vec<Outcome> {
    let heard: Vec<anyhow::Result<Heard>> =
        asked.models.iter().map(|model| hear(model, data, asked, state, is_beside)).collect();
    let longest_s = heard.iter().flatten().map(|heard| heard.score_s).fold(0.0, f64::max);
    // In a window that is shorter than a piece there would be no score.
    let window_s = asked.window_s.max(longest_s);
    let outcome = |(model, heard): (&PathBuf, anyhow::Result<Heard>)| {
        let model = model.display().to_string();
        match heard.and_then(|heard| evaluated(&model, heard, asked, window_s)) {
            Ok(evaluated) => Outcome::Done(Box::new(evaluated)),
            Err(error) => Outcome::Failed { model, error: format!("{error:#}") },
        }
    };
    asked.models.iter().zip(heard).map(outcome).collect()
}

/// Whether a person named a detector. A folder of its name counts before it.
pub fn is_detector(model: &Path) -> bool {
    let word = model.to_string_lossy();
    let is_folder = model.join(spyhop_model::config::FILE_NAME).is_file();
    !is_folder && call_types().iter().any(|call| call.id == word)
}

/// What a network learned from, with what its adapter did; `None` where it doesn't say that, or there is none.
///
/// # Errors
/// When there is no such network, or what it says can't be read.
pub fn learned_from(model: &Path, asked: &Asked) -> anyhow::Result<Option<LearnedFrom>> {
    if is_detector(model) {
        return Ok(None);
    }
    let learned = LearnedFrom::read(&Model::named(model)?)?;
    let Some(adapter) = &asked.adapter else { return Ok(learned) };
    let of_adapter = LearnedFrom::read(&ModelFolder(models::named(adapter)?))?;
    Ok(match (learned, of_adapter) {
        (Some(learned), Some(of_adapter)) => Some(learned.and(&of_adapter)),
        (None, of_adapter) => of_adapter,
        // Nobody knows what the adapter learned from.
        (Some(_), None) => None,
    })
}

/// Opens what a person named: a folder of a network, one of the user's, or a detector.
fn open(model: &Path, asked: &Asked) -> anyhow::Result<Source> {
    let word = model.to_string_lossy();
    let mut wanted = Wanted { config: asked.config.clone(), ..Wanted::default() };
    if is_detector(model) {
        wanted.detector = Some(word.into_owned());
    } else {
        if Model::named(model).is_err() {
            let detectors: Vec<&str> = call_types().iter().map(|call| call.id).collect();
            let known = models::names();
            bail!(
                "'{word}' is neither a folder, nor a model{}, nor a detector: those are {}",
                if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) },
                detectors.join(", ")
            );
        }
        wanted.model = Some(model.to_owned());
        wanted.adapter = asked.adapter.clone();
    }
    Ok(Source::open(&wanted)?)
}

fn hear(
    model: &Path,
    data: &[Data],
    asked: &Asked,
    state: &Path,
    is_beside: bool,
) -> anyhow::Result<Heard> {
    let source = Arc::new(open(model, asked)?);
    let classes = source.classes();
    let learned = match is_detector(model) {
        true => Some(LearnedFrom::default()),
        false => learned_from(model, asked)?,
    };
    let mut heard = Heard {
        source: source.clone(),
        learned_from: learned.as_ref().map(|_| Vec::new()),
        sessions: Vec::new(),
        deployments: Vec::new(),
        left_out: Vec::new(),
        other_labels: BTreeMap::new(),
        problems: Vec::new(),
        score_s: 0.0,
    };
    for data in data {
        if let Some(reason) = out_of_scope(&source, &classes, data, asked) {
            let deployment = data.deployment.id.clone();
            heard.left_out.push(LeftOut { deployment, recording: None, reason });
            continue;
        }
        let detected = detection::run(
            state,
            &data.deployment,
            &data.recordings,
            &source,
            asked.channel,
            is_beside,
        );
        let detected = match detected {
            Ok(detected) => detected,
            Err(error) if matches!(error.downcast_ref(), Some(WorkError::Stopped)) => {
                return Err(error);
            }
            // What the other deployments tell of it stands.
            Err(error) => {
                let (deployment, reason) = (data.deployment.id.clone(), format!("{error:#}"));
                heard.left_out.push(LeftOut { deployment, recording: None, reason });
                continue;
            }
        };
        let session = session(&detected, data, &classes, asked, &mut heard.other_labels)?;
        heard.score_s = heard.score_s.max(detected.plan.score_s);
        heard.problems.extend(detected.problems);
        heard.deployments.push(data.deployment.id.clone());
        if let (Some(seen), Some(learned)) = (&mut heard.learned_from, &learned) {
            seen.extend(among(data, learned));
        }
        heard.sessions.push(session);
    }
    if heard.sessions.is_empty() {
        let reasons: BTreeSet<&str> =
            heard.left_out.iter().map(|left_out| left_out.reason.as_str()).collect();
        let reasons = reasons.into_iter().collect::<Vec<_>>().join("; ");
        bail!("no labelled recording is in its scope and can be heard: {reasons}");
    }
    Ok(heard)
}

/// Why a deployment says nothing of a source.
fn out_of_scope(
    source: &Source,
    classes: &[DetectionClass],
    data: &Data,
    asked: &Asked,
) -> Option<String> {
    let rate_hz = data.recorded.sample_rate_hz;
    if let Err(error) = source.listener(rate_hz) {
        return Some(error.to_string());
    }
    let few = data.recordings.infos.iter().find(|info| info.channels <= asked.channel);
    if let Some(info) = few {
        return Some(format!("{} has no channel {}", info.name, asked.channel));
    }
    let high_hz = classes.iter().map(|class| class.band_hz.1).fold(0.0, f64::max);
    if asked.any_rate || is_likely(high_hz, held_hz(rate_hz)) {
        return None;
    }
    Some(format!(
        "sampled at {rate_hz} Hz, it was made for far higher calls than these, which end at {high_hz} Hz; \
         --any-rate takes it in"
    ))
}

/// What was told of a deployment beside what is true of it.
fn session(
    detected: &Detected,
    data: &Data,
    classes: &[DetectionClass],
    asked: &Asked,
    other_labels: &mut BTreeMap<String, usize>,
) -> anyhow::Result<Session> {
    let recorded = &data.recorded;
    let mut recordings: Vec<HeardRecording> = data
        .recordings
        .infos
        .iter()
        .map(|info| HeardRecording {
            name: format!("{}/{}", data.deployment.id, info.name),
            spans_ns: Vec::new(),
        })
        .collect();
    let mut runs: Vec<(Range<i64>, usize)> = Vec::new();
    for run in &recorded.runs {
        let span = recorded.run_span_ns(run);
        if let Some(recording) = recordings.get_mut(run.recording) {
            recording.spans_ns.push(span.clone());
            runs.push((span, run.recording));
        }
    }
    let recording_at = |ns: i64| {
        let run = runs.partition_point(|(span, _)| span.end <= ns);
        runs.get(run).or(runs.last()).map_or(0, |(_, recording)| *recording)
    };
    let mut calls = Vec::new();
    for call in &data.truths.calls {
        let label = call.label.trim();
        let meant = asked.labels.iter().find(|(from, _)| is_class(label, from));
        let label = meant.map_or(label, |(_, to)| to.as_str());
        match classes.iter().position(|class| is_class(label, &class.name)) {
            Some(class) => calls.push(TrueCall {
                recording: call.recording,
                class,
                span_ns: call.span_ns.clone(),
                snr_db: call.snr_db,
            }),
            None => *other_labels.entry(label.to_owned()).or_default() += 1,
        }
    }
    let candidates = detected.rows.iter().filter_map(|row| {
        Some(ToldCall {
            recording: recording_at(row.start_ns),
            class: classes.iter().position(|class| class.name == row.class)?,
            span_ns: row.start_ns..row.end_ns,
            score: row.score,
        })
    });
    let pieces = detected.scores()?.into_iter();
    Ok(Session {
        recordings,
        calls,
        candidates: candidates.collect(),
        pieces: pieces.map(|row| Piece { start_ns: row.start_ns, scores: row.scores }).collect(),
        piece_ns: (detected.plan.score_s * 1e9) as i64,
    })
}

fn evaluated(model: &str, heard: Heard, asked: &Asked, window_s: f64) -> anyhow::Result<Evaluated> {
    let Heard { source, sessions, .. } = heard;
    let classes = source.classes();
    if sessions.iter().all(|session| session.calls.is_empty()) {
        let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
        let labels: Vec<&str> = heard.other_labels.keys().map(String::as_str).collect();
        bail!(
            "no call in the tables is labelled as what it finds ({}): there are {}. \
             --label 'LABEL=CLASS' says which label means a class",
            names.join(", "),
            if labels.is_empty() { "no labels".to_owned() } else { labels.join(", ") }
        );
    }
    let question = Question {
        classes: classes.iter().map(|class| (class.name.clone(), class.threshold)).collect(),
        are_probabilities: matches!(*source, Source::Network(_)),
        window_s,
        bootstrap: asked.bootstrap,
    };
    let train_share = match &*source {
        Source::Network(network) => match network.classifier().card().metrics.get(TRAIN_SHARE) {
            Some(Metric::Number(share)) => Some(*share),
            _ => None,
        },
        Source::Detector(_) => None,
    };
    Ok(Evaluated {
        model: model.to_owned(),
        title: source.title(),
        source: source.described().context("its settings")?,
        score_unit: source.score_unit(),
        classes,
        train_share,
        learned_from: heard.learned_from,
        figures: evaluation::evaluate(&sessions, &question),
        deployments: heard.deployments,
        left_out: heard.left_out,
        other_labels: heard.other_labels,
        problems: heard.problems,
        bootstrap: asked.bootstrap,
    })
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::{deployment, write_table};
    use super::super::truth::Truth;
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// Of one deployment nothing can be written down, which stands for all that may go wrong with one.
    #[test]
    fn a_deployment_that_can_t_be_heard_takes_the_others_figures_from_nobody() -> anyhow::Result<()>
    {
        let folder = TempDir::new()?;
        let tables = folder.path().join("tables");
        write_table(&tables.join("x.txt"), 10.0);
        let all = ["good", "broken"].map(|id| deployment(id, &["x.wav"], 2000));
        let truth = Truth::Folder(tables);
        let seen = super::super::seen::Seen::default();
        let data = Data::of_all(all.into(), &truth, &seen, &mut Vec::new(), &mut Vec::new())?;
        let state = folder.path().join("state");
        fs::create_dir_all(state.join("detections"))?;
        fs::write(state.join("detections/broken"), "in the way")?;
        let asked = Asked {
            models: vec!["upcall".into()],
            adapter: None,
            config: String::new(),
            labels: BTreeMap::new(),
            window_s: 3.0,
            bootstrap: Bootstrap { draws: 10, seed: 1 },
            any_rate: false,
            channel: 0,
        };
        let outcomes = evaluate(&data, &asked, &state, false);
        let [Outcome::Done(done)] = outcomes.as_slice() else { panic!("it failed") };
        assert_eq!(done.deployments, ["good"]);
        let left_out: Vec<&str> = done.left_out.iter().map(|one| one.deployment.as_str()).collect();
        assert_eq!(left_out, ["broken"]);
        assert!(done.left_out[0].reason.contains("broken"), "{}", done.left_out[0].reason);
        // With nothing else to hear it is an error that says why.
        let outcomes = evaluate(&data[1..], &asked, &state, false);
        let [Outcome::Failed { error, .. }] = outcomes.as_slice() else { panic!("it did not") };
        assert!(error.contains(&done.left_out[0].reason), "{error}");
        Ok(())
    }
}
