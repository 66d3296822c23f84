//! Tells a server what stands in a run's outbox, from where it was told before.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};

use super::api::Server;
use super::outbox::{self, Message, Sent};
use crate::{End, RunFolder, TrainError};

/// By which a run is found again.
const KEY_TAG: &str = "spyhop.run";
/// What makes a run a part of another in MLflow.
const PARENT_TAG: &str = "mlflow.parentRunId";
/// A batch of MLflow's takes 1000 things, of which 100 parameters and 100 tags, of so many characters.
const MOST_METRICS: usize = 800;
const MOST_WORDS: usize = 100;
const MOST_KEY: usize = 250;
const MOST_VALUE: usize = 6000;
/// A run that is a part of a part of a part …
const MOST_DEEP: usize = 8;
/// MLflow's words for what is not there, is there already, and is asked for where it has no such place.
const MISSING: &str = "RESOURCE_DOES_NOT_EXIST";
const THERE: &str = "RESOURCE_ALREADY_EXISTS";
const NO_SUCH_PLACE: &str = "ENDPOINT_NOT_FOUND";
/// Of a run that a person deleted it says this word, and then these.
const WRONG: &str = "INVALID_PARAMETER_VALUE";
const DELETED: &str = "must be in the 'active' state";

/// Why a server was not told everything. What it was not told stays.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It does not answer, or not as it should.
    #[error("{server} can't be reached: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// It wants to know who asks.
    #[error(
        "{server} does not let this account in: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    )]
    Forbidden {
        /// Its address.
        server: String,
    },
    /// It understood, and will not.
    #[error("{server} refuses: {message} ({code})")]
    Refused {
        /// Its address.
        server: String,
        /// Its word for it.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// The notes can't be read or written.
    #[error(transparent)]
    Notes(#[from] TrainError),
}

impl Trouble {
    /// Whether the server has no such run any more.
    fn is_missing(&self) -> bool {
        match self {
            Trouble::Refused { code, message, .. } => {
                code == MISSING || (code == WRONG && message.contains(DELETED))
            }
            _ => false,
        }
    }

    /// Why a server will never take what it was told, which must not be in the way of all that follows.
    fn lasting(&self) -> Option<String> {
        match self {
            Trouble::Refused { code, message, .. }
                if !self.is_missing() && code != NO_SUCH_PLACE =>
            {
                Some(format!("{message} ({code})"))
            }
            _ => None,
        }
    }
}

/// What came of telling a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that it was told.
    pub told: usize,
    /// Of these the ones that it would not take: they lie beside the notes, with its reasons.
    pub refused: usize,
}

/// Messages of a run that its server was not told yet.
///
/// # Errors
/// When the notes can't be read.
pub fn waiting(folder: &RunFolder) -> Result<usize, TrainError> {
    let path = outbox::path_of(folder);
    let sent = Sent::read(folder)?;
    let (messages, _) = outbox::read(&path, sent.bytes)?;
    match last_begin(&messages) {
        Some((server, _)) if *server != sent.server => Ok(outbox::read(&path, 0)?.0.len()),
        _ => Ok(messages.len()),
    }
}

/// The server that a run is told of to; `None` for a run that none is.
///
/// # Errors
/// When the notes can't be read.
pub fn server_of(folder: &RunFolder) -> Result<Option<String>, TrainError> {
    let (messages, _) = outbox::read(&outbox::path_of(folder), 0)?;
    Ok(last_begin(&messages).map(|(server, _)| server.clone()))
}

/// Tells a run's server what it was not told yet; how many messages that were, and how many it refused.
///
/// # Errors
/// When it can't be told all of it.
pub fn send(folder: &RunFolder) -> Result<Delivered, Trouble> {
    if !outbox::path_of(folder).exists() {
        return Ok(Delivered::default());
    }
    let _lock = outbox::lock(folder)?;
    let before = outbox::refused(folder)?;
    let told = match tell(folder) {
        // It knew the run once, and lost it: all is told again, to a run of the same name.
        Err(trouble) if trouble.is_missing() => {
            Sent::default().keep(folder)?;
            tell(folder)
        }
        told => told,
    }?;
    Ok(Delivered { told, refused: outbox::refused(folder)?.saturating_sub(before) })
}

fn tell(folder: &RunFolder) -> Result<usize, Trouble> {
    let path = outbox::path_of(folder);
    let mut sent = Sent::read(folder)?;
    let (mut messages, _) = outbox::read(&path, sent.bytes)?;
    let elsewhere = last_begin(&messages).is_some_and(|(server, _)| *server != sent.server);
    if sent.run_id.is_empty() || elsewhere {
        sent = Sent::default();
        messages = outbox::read(&path, 0)?.0;
    }
    let Some((_, last)) = messages.last() else { return Ok(0) };
    let last = *last;
    if sent.run_id.is_empty() {
        let Some((server, _)) = last_begin(&messages) else { return Ok(0) };
        sent = known(&Server::new(server), server, &messages, 0)?;
        sent.keep(folder)?;
    }
    let server = Server::new(&sent.server);
    let mut batch = Batch::default();
    let mut count = 0;
    for (message, end) in messages {
        count += 1;
        let is_word = matches!(
            &message,
            Message::Metric { .. } | Message::Parameters { .. } | Message::Tags { .. }
        );
        if !is_word || !batch.has_room(&message) {
            batch.tell(folder, &server, &mut sent)?;
        }
        match &message {
            Message::Begin { .. } => {
                let status = json!({"run_id": sent.run_id, "status": "RUNNING"});
                or_refuse(server.post("runs/update", &status), folder, &message)?;
            }
            Message::End { how, at_ms } => {
                let status = match how {
                    End::Done => "FINISHED",
                    End::Failed => "FAILED",
                    End::Stopped => "KILLED",
                };
                let body = json!({"run_id": sent.run_id, "status": status, "end_time": at_ms});
                or_refuse(server.post("runs/update", &body), folder, &message)?;
            }
            Message::Artifact { path } => give(folder, &server, &sent, path, &message)?,
            Message::Damaged { .. } => {
                outbox::refuse(folder, &message, "it can't be understood")?;
            }
            _ => {
                batch.messages.push((message, end));
                continue;
            }
        }
        sent.bytes = end;
        sent.keep(folder)?;
    }
    batch.tell(folder, &server, &mut sent)?;
    debug_assert_eq!(sent.bytes, last);
    Ok(count)
}

/// Keeps by itself what a server will never take.
fn or_refuse(
    told: Result<Value, Trouble>,
    folder: &RunFolder,
    message: &Message,
) -> Result<(), Trouble> {
    match told {
        Ok(_) => Ok(()),
        Err(trouble) => match trouble.lasting() {
            Some(reason) => Ok(outbox::refuse(folder, message, &reason)?),
            None => Err(trouble),
        },
    }
}

/// The server that was meant last, and the message that says so.
fn last_begin(messages: &[(Message, u64)]) -> Option<(&String, &Message)> {
    messages.iter().rev().find_map(|(message, _)| match message {
        Message::Begin { server, .. } => Some((server, message)),
        _ => None,
    })
}

/// Finds the run on the server, or makes it there.
fn known(
    server: &Server,
    address: &str,
    messages: &[(Message, u64)],
    deep: usize,
) -> Result<Sent, Trouble> {
    let first = messages.iter().find(|(m, _)| matches!(m, Message::Begin { .. }));
    let Some((Message::Begin { key, experiment, name, parent, at_ms, .. }, _)) = first else {
        return Err(TrainError::Data("the notes for MLflow begin with no run".into()).into());
    };
    let experiment = experiment_id(server, experiment)?;
    let filter = format!("tags.`{KEY_TAG}` = '{key}'");
    let found = server.post(
        "runs/search",
        &json!({"experiment_ids": [experiment], "filter": filter, "max_results": 1}),
    )?;
    let run = match found.pointer("/runs/0") {
        Some(run) => run.clone(),
        None => {
            let mut tags = vec![
                json!({"key": KEY_TAG, "value": key}),
                json!({"key": "mlflow.source.name", "value": "spyhop"}),
                json!({"key": "spyhop.version", "value": env!("CARGO_PKG_VERSION")}),
            ];
            if let Some(parent) = parent {
                let parent = parent_id(server, address, parent, deep)?;
                tags.push(json!({"key": PARENT_TAG, "value": parent}));
            }
            let body = json!({
                "experiment_id": experiment, "run_name": name, "start_time": at_ms, "tags": tags,
            });
            server.post("runs/create", &body)?["run"].clone()
        }
    };
    let word = |at: &str| run.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Sent {
        server: address.to_owned(),
        run_id: word("/info/run_id"),
        artifact_uri: word("/info/artifact_uri"),
        bytes: 0,
    })
}

/// What the server calls the run that another is a part of; it is made there where it is not known yet.
fn parent_id(
    server: &Server,
    address: &str,
    parent: &Path,
    deep: usize,
) -> Result<String, Trouble> {
    let folder = RunFolder(parent.to_owned());
    let (messages, _) = outbox::read(&outbox::path_of(&folder), 0)?;
    if messages.is_empty() || deep >= MOST_DEEP {
        return Err(TrainError::file(
            parent,
            "the run that this one is a part of has no notes for MLflow",
        )
        .into());
    }
    let _lock = outbox::lock(&folder)?;
    let sent = Sent::read(&folder)?;
    if sent.server == address && !sent.run_id.is_empty() {
        return Ok(sent.run_id);
    }
    let sent = known(server, address, &messages, deep + 1)?;
    sent.keep(&folder)?;
    Ok(sent.run_id)
}

fn experiment_id(server: &Server, name: &str) -> Result<String, Trouble> {
    let by_name = || server.get("experiments/get-by-name", &[("experiment_name", name)]);
    let of = |answer: &Value, at: &str| {
        answer.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    match by_name() {
        Ok(found) => return Ok(of(&found, "/experiment/experiment_id")),
        Err(Trouble::Refused { code, .. }) if code == MISSING => {}
        Err(trouble) => return Err(trouble),
    }
    match server.post("experiments/create", &json!({"name": name})) {
        Ok(made) => Ok(of(&made, "/experiment_id")),
        // Another run made it meanwhile.
        Err(Trouble::Refused { code, .. }) if code == THERE => {
            Ok(of(&by_name()?, "/experiment/experiment_id"))
        }
        Err(trouble) => Err(trouble),
    }
}

/// Gives a file to the server's store.
fn give(
    folder: &RunFolder,
    server: &Server,
    sent: &Sent,
    below: &str,
    message: &Message,
) -> Result<(), Trouble> {
    // `mlflow-artifacts:/1/<run>/artifacts`, with or without a host: what the server itself keeps.
    let kept = sent.artifact_uri.strip_prefix("mlflow-artifacts:").map(|rest| {
        let rest = rest
            .strip_prefix("//")
            .map_or(rest, |rest| rest.split_once('/').map_or("", |(_, path)| path));
        rest.trim_matches('/')
    });
    let Some(root) = kept else {
        let reason = format!(
            "the server keeps files in {} and not itself: start it with --serve-artifacts to be given them",
            sent.artifact_uri
        );
        return Ok(outbox::refuse(folder, message, &reason)?);
    };
    let path = folder.path().join(below);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(outbox::refuse(folder, message, "the file is not there any more")?);
        }
        Err(error) => return Err(TrainError::reading("a file for MLflow", &path, &error).into()),
    };
    or_refuse(server.put(&format!("{root}/{below}"), &file), folder, message)
}

/// Words and numbers that are told together.
#[derive(Default)]
struct Batch {
    messages: Vec<(Message, u64)>,
}

impl Batch {
    fn has_room(&self, next: &Message) -> bool {
        let words = |message: &Message| match message {
            Message::Parameters { values } | Message::Tags { values } => values.len(),
            _ => 0,
        };
        let held: usize = self.messages.iter().map(|(message, _)| words(message)).sum();
        self.messages.len() < MOST_METRICS && (held == 0 || held + words(next) <= MOST_WORDS)
    }

    /// Tells them; where the server finds one of them wrong, each by itself, so that the others are kept.
    fn tell(
        &mut self,
        folder: &RunFolder,
        server: &Server,
        sent: &mut Sent,
    ) -> Result<(), Trouble> {
        let messages = std::mem::take(&mut self.messages);
        let Some((_, end)) = messages.last() else { return Ok(()) };
        let bodies = parts(&messages, &sent.run_id);
        let tell = |bodies: &[Value]| {
            bodies.iter().try_fold(Value::Null, |_, body| server.post("runs/log-batch", body))
        };
        match tell(&bodies) {
            Err(trouble) if trouble.lasting().is_some() => {
                for (message, _) in messages.iter().flat_map(one_by_one) {
                    let alone = parts(&[(message.clone(), 0)], &sent.run_id);
                    or_refuse(tell(&alone), folder, &message)?;
                }
            }
            told => drop(told?),
        }
        sent.bytes = *end;
        sent.keep(folder)?;
        Ok(())
    }
}

/// A message of several words as messages of one.
fn one_by_one((message, end): &(Message, u64)) -> Vec<(Message, u64)> {
    let each = |values: &BTreeMap<String, String>, of: fn(BTreeMap<String, String>) -> Message| {
        let one = |(key, value): (&String, &String)| {
            (of(BTreeMap::from([(key.clone(), value.clone())])), *end)
        };
        values.iter().map(one).collect()
    };
    match message {
        Message::Parameters { values } => each(values, |values| Message::Parameters { values }),
        Message::Tags { values } => each(values, |values| Message::Tags { values }),
        other => vec![(other.clone(), *end)],
    }
}

/// Bodies of `runs/log-batch`: one, but for more words than one takes.
fn parts(messages: &[(Message, u64)], run_id: &str) -> Vec<Value> {
    let (mut metrics, mut parameters, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    let word = |(key, value): (&String, &String)| {
        let value: String = value.chars().take(MOST_VALUE).collect();
        json!({"key": named(key), "value": value})
    };
    for (message, _) in messages {
        match message {
            Message::Metric { name, step, value, at_ms } => {
                // A number that is none is a word in protobuf's JSON.
                let value = value.map_or(json!("NaN"), Value::from);
                metrics.push(
                    json!({"key": named(name), "value": value, "timestamp": at_ms, "step": step}),
                );
            }
            Message::Parameters { values } => parameters.extend(values.iter().map(word)),
            Message::Tags { values } => tags.extend(values.iter().map(word)),
            _ => {}
        }
    }
    let count = parameters.len().div_ceil(MOST_WORDS).max(tags.len().div_ceil(MOST_WORDS)).max(1);
    let chunk = |of: &[Value], i: usize| -> Vec<Value> {
        of.chunks(MOST_WORDS).nth(i).map(<[Value]>::to_vec).unwrap_or_default()
    };
    let body = |i: usize| {
        let metrics = if i == 0 { metrics.clone() } else { Vec::new() };
        json!({
            "run_id": run_id,
            "metrics": metrics,
            "params": chunk(&parameters, i),
            "tags": chunk(&tags, i),
        })
    };
    (0..count).map(body).collect()
}

/// A name as MLflow takes it.
fn named(name: &str) -> String {
    let letter = |c: char| {
        let is_plain = c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/');
        if is_plain { c } else { '_' }
    };
    name.chars().take(MOST_KEY).map(letter).collect()
}
