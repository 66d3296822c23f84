//! Opening: what is dropped or named becomes one line.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures::future::join_all;
use spyhop_api::RecordingInfo;
use spyhop_api::view::Reading;
use spyhop_signal::Line;
use spyhop_words::page::engine as words;
use spyhop_workers::{Message, SourceWire, Sources};
use wasm_bindgen::prelude::*;
use web_sys::Blob;

use super::remote::{self, Remote};
use super::state::{OpenSources, State, ask};
use super::wire::{Answer, LineWire, Order};
use super::{Input, Opened, player};
use crate::server::token;

/// See [`super::Engine::open`].
pub async fn open(
    state: &Rc<RefCell<State>>,
    inputs: Vec<Input>,
    known: Vec<RecordingInfo>,
    reading: Reading,
) -> Opened {
    player::stop(state);
    state.borrow_mut().clear();
    let turn = state.borrow().turn;
    let mut opened =
        Opened { infos: Vec::new(), failures: Vec::new(), line: None, left_out: Vec::new() };

    let known: HashMap<&str, &RecordingInfo> =
        known.iter().map(|info| (info.name.as_str(), info)).collect();
    let (sidecars, recordings): (Vec<Input>, Vec<Input>) = inputs.into_iter().partition(is_sidecar);
    let located = join_all(recordings.into_iter().map(|i| locate(i, &known))).await;
    let mut sources = Vec::new();
    let mut objects: Vec<JsValue> = Vec::new();
    for located in located {
        match located {
            Ok((source, blob)) => {
                sources.push(source);
                objects.extend(blob.map(JsValue::from));
            }
            Err(failure) => opened.failures.push(failure),
        }
    }
    let mut sidecar_names = Vec::new();
    for sidecar in sidecars {
        if let Input::File(file) = sidecar {
            sidecar_names.push(file.name());
            objects.push(file.into());
        }
    }
    if state.borrow().turn != turn {
        return opened;
    }
    let open = Sources { sources: sources.clone(), sidecars: sidecar_names, reading };
    let order = Order::Sources(open.clone());
    state.borrow().pool.tell_all(&Message::with(&order, objects.clone()), true);

    let described = join_all(sources.iter().enumerate().map(|(source, wire)| {
        let known = known.get(wire.name.as_str()).filter(|_| wire.url.is_some()).copied();
        async move {
            if let Some(known) = known {
                return Ok(known.clone());
            }
            match ask(state, |job| Order::Open { job, source }).await? {
                (Answer::Info { info, .. }, _) => Ok(*info),
                _ => Err(words::OPENED_ELSE.to_owned()),
            }
        }
    }))
    .await;
    // Which source each of `infos` is.
    let mut source_of = Vec::new();
    for (source, described) in described.into_iter().enumerate() {
        match described {
            Ok(info) => {
                source_of.push(source);
                opened.infos.push(info);
            }
            Err(message) => opened.failures.push((sources[source].name.clone(), message)),
        }
    }
    let mut now = state.borrow_mut();
    if now.turn != turn {
        return opened;
    }
    match Line::new(&opened.infos) {
        Ok((line, left_out)) => {
            let mut wire = LineWire::from(&line);
            wire.number_recordings(&source_of);
            now.pool.tell_all(&Message::new(&Order::Line(wire)), false);
            now.remote_frame_bytes = opened
                .infos
                .iter()
                .zip(&source_of)
                .find(|(_, source)| sources[**source].url.is_some())
                .map(|(info, _)| info.bytes as f64 / info.frames.max(1) as f64);
            now.line = Some(Rc::new(line.clone()));
            now.sources = Some(OpenSources { sources: open, objects, numbers: source_of });
            opened.line = Some(line);
            opened.left_out = left_out;
            now.replan();
        }
        Err(error) => {
            let names = opened.infos.iter().map(|i| (i.name.clone(), error.to_string()));
            opened.failures.extend(names);
        }
    }
    opened
}

fn is_sidecar(input: &Input) -> bool {
    matches!(input, Input::File(file) if file.name().to_lowercase().ends_with(".xml"))
}

/// Where the bytes of an input are; else its name and why they can't be had.
async fn locate(
    input: Input,
    known: &HashMap<&str, &RecordingInfo>,
) -> Result<(SourceWire, Option<Blob>), (String, String)> {
    match input {
        Input::File(file) => {
            let bytes = file.size() as u64;
            let source = SourceWire { name: file.name(), bytes, url: None, authorisation: None };
            Ok((source, Some(file.into())))
        }
        Input::Url { url, name } => {
            let url = absolute(&url);
            let shown = token::authorisation(&url);
            let source =
                |name, bytes, url| SourceWire { name, bytes, url, authorisation: shown.clone() };
            if let Some(info) = known.get(name.as_str()) {
                return Ok((source(name, info.bytes, Some(url)), None));
            }
            match remote::probe(&url, shown.as_deref()).await {
                Ok(Remote::Ranges(bytes)) => Ok((source(name, bytes, Some(url)), None)),
                Ok(Remote::Whole(blob)) => {
                    let bytes = blob.size() as u64;
                    Ok((source(name, bytes, None), Some(blob)))
                }
                Err(problem) => {
                    let message = words::cannot_be_opened(&name, problem);
                    Err((name, message))
                }
            }
        }
    }
}

/// Against the page's base: a worker's own base is its script.
fn absolute(url: &str) -> String {
    let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
    web_sys::Url::new_with_base(url, &base).map_or_else(|_| url.to_owned(), |u| u.href())
}
