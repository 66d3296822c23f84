//! Parts of the program that the first picture does not need: each is fetched when something of it is
//! first wanted.
//!
//! `app/split` cuts the linked program along the functions that `wasm_split` marks here: what is reached
//! from nowhere else goes with them. On a machine, in tests, they are functions like others.

// The mark makes an import and an export of each function.
#![allow(unsafe_code)]

use std::future::Future;
use std::ops::Range;

use futures::FutureExt as _;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::view::SpectrumSettings;
use spyhop_signal::Line;
use spyhop_signal::formats::Lossy;
use spyhop_signal::measure::{BoxMeasures, BoxSpec, Slice, measure_box};
use spyhop_signal::spectrum::SpecError;
use spyhop_words::page::parts as words;
use spyhop_workers::Recordings;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use crate::commands::Action;
use crate::dialogs::{self, Shade};
use crate::engine::wire::PlayWire;
use crate::pages::{DeploymentPage, JobsPage, LibraryPage, ModelsPage, RunsPage, ServerPage};
use crate::session::{Dialog, NoticeKind, Session, Tab, use_session};
use crate::worker::graphics::{Card, Opening, card};
use crate::worker::playback::{self, Prepared};
use crate::{label_files, panel};

/// The parts that are shown.
#[derive(Clone, Copy)]
enum Part {
    /// The server's own pages.
    Pages,
    /// The panel, the dialogs, and tables of labels.
    Tools,
}

/// Something of the part `Tools`.
enum Tool {
    Tab(Tab),
    Dialog(Dialog),
}

type Made = Result<AnyView, SplitLoaderError>;

#[wasm_split(pages, fallible, preload(fetch_pages))]
fn pages(page: ServerPage, act: Callback<Action>) -> Made {
    Ok(match page {
        ServerPage::Jobs => view! { <JobsPage act/> }.into_any(),
        ServerPage::Models => view! { <ModelsPage act/> }.into_any(),
        ServerPage::Runs => view! { <RunsPage act/> }.into_any(),
        ServerPage::Library { search } => view! { <LibraryPage search act/> }.into_any(),
        ServerPage::Deployment { id, shown } => view! { <DeploymentPage id shown act/> }.into_any(),
    })
}

#[wasm_split(tools, fallible, preload(fetch_tools))]
fn tools(tool: Tool, act: Callback<Action>) -> Made {
    Ok(match tool {
        Tool::Tab(tab) => panel::page(tab, act),
        Tool::Dialog(dialog) => dialogs::content(dialog, act),
    })
}

#[wasm_split(tools, fallible)]
fn table_read(
    session: Session,
    name: String,
    text: String,
    came_along: bool,
) -> Result<(), SplitLoaderError> {
    label_files::add(session, &name, &text, came_along);
    Ok(())
}

#[wasm_split(decoders, fallible)]
fn decoders() -> Result<Lossy, SplitLoaderError> {
    Ok(Lossy::here())
}

#[wasm_split(hearing, fallible, preload(fetch_hearing))]
fn sound_prepared(
    recordings: &mut Recordings,
    line: &Line,
    play: &PlayWire,
) -> Result<Result<Prepared, String>, SplitLoaderError> {
    Ok(playback::prepare(recordings, line, play))
}

#[wasm_split(hearing, fallible)]
fn box_measured(
    samples: &[f32],
    inside: Range<usize>,
    spec: &BoxSpec,
) -> Result<Result<BoxMeasures, SpecError>, SplitLoaderError> {
    Ok(measure_box(samples, inside, spec))
}

#[wasm_split(hearing, fallible)]
fn slice_taken(
    samples: &[f32],
    rate_hz: f64,
    spectrum: &SpectrumSettings,
) -> Result<Result<Slice, SpecError>, SplitLoaderError> {
    Ok(Slice::of(samples, rate_hz, spectrum))
}

#[wasm_split(graphics, fallible)]
fn graphics(force: bool) -> Result<Opening, SplitLoaderError> {
    Ok(card::open(force))
}

/// Opens a worker's GPU; with `force` also one that computes on the CPU.
pub async fn card(force: bool) -> Option<Box<dyn Card>> {
    // Where what drives it does not come the CPU computes, as where there is none.
    graphics(force).await.ok()?.await
}

/// One of the server's own pages.
pub fn server_page(page: ServerPage, act: Callback<Action>) -> AnyView {
    later(Part::Pages, false, move || pages(page.clone(), act).now_or_never())
}

/// What a tab of the panel shows.
pub fn tab(tab: Tab, act: Callback<Action>) -> AnyView {
    later(Part::Tools, false, move || tools(Tool::Tab(tab), act).now_or_never())
}

/// What lies over the page.
pub fn dialog(dialog: Dialog, act: Callback<Action>) -> AnyView {
    later(Part::Tools, true, move || tools(Tool::Dialog(dialog), act).now_or_never())
}

/// Adds the labels of a table to what is open.
pub async fn add_table(session: Session, name: String, text: String, came_along: bool) {
    let _coming = session.coming();
    if table_read(session, name, text, came_along).await.is_err() {
        session.tell(NoticeKind::Error, words::MISSING);
    }
}

/// What decodes MP3 and Ogg Vorbis, for a worker, which waits until it is there.
///
/// # Errors
/// When it can't be fetched, with what to do.
pub fn lossy() -> Result<Lossy, String> {
    at_once(decoders())
}

/// What [`playback::prepare`] gives, for a worker.
///
/// # Errors
/// When its part can't be fetched, or samples can't be read.
pub fn sounding(
    recordings: &mut Recordings,
    line: &Line,
    play: &PlayWire,
) -> Result<Prepared, String> {
    at_once(sound_prepared(recordings, line, play))?
}

/// The measures of a box, for a worker.
///
/// # Errors
/// When their part can't be fetched, or nothing can be measured.
pub fn measured(
    samples: &[f32],
    inside: Range<usize>,
    spec: &BoxSpec,
) -> Result<BoxMeasures, String> {
    at_once(box_measured(samples, inside, spec))?.map_err(|error| error.to_string())
}

/// The spectrum of a stretch, for a worker.
///
/// # Errors
/// When its part can't be fetched, or the transform can't be made.
pub fn slice(samples: &[f32], rate_hz: f64, spectrum: &SpectrumSettings) -> Result<Slice, String> {
    at_once(slice_taken(samples, rate_hz, spectrum))?.map_err(|error| error.to_string())
}

/// What a worker waits for: there, fetching a part is done when it returns.
fn at_once<T>(wanted: impl Future<Output = Result<T, SplitLoaderError>>) -> Result<T, String> {
    let mut wanted = std::pin::pin!(wanted);
    // The first look fetches, the second sees that it is there.
    let first = wanted.as_mut().now_or_never();
    let came = first.or_else(|| wanted.as_mut().now_or_never());
    came.and_then(Result::ok).ok_or_else(|| words::MISSING.to_owned())
}

/// Has fetched what a person may want while the network is gone. What a worker wants of it is then found
/// where the browser keeps what it fetched.
///
/// # Errors
/// When something did not come.
pub async fn keep() -> Result<(), SplitLoaderError> {
    fetch_hearing().await?;
    Part::Tools.fetched().await
}

/// Fetches what is the next that most people want, once the picture is there.
pub fn look_ahead() {
    // What does not come is asked for again when it is wanted.
    spawn_local(async move { drop(fetch_hearing().await) });
}

impl Part {
    async fn fetched(self) -> Result<(), SplitLoaderError> {
        match self {
            Part::Pages => fetch_pages().await,
            Part::Tools => fetch_tools().await,
        }
    }
}

/// How far a part is.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Coming,
    Here,
    Missing,
}

/// What `made` gives once its part is here.
fn later(part: Part, is_over: bool, made: impl Fn() -> Option<Made> + Send + 'static) -> AnyView {
    let session = use_session();
    let is_here = part.fetched().now_or_never().is_some_and(|came| came.is_ok());
    let standing = RwSignal::new(if is_here { Standing::Here } else { Standing::Coming });
    let fetch = move || {
        standing.set(Standing::Coming);
        let coming = session.coming();
        spawn_local(async move {
            let came = part.fetched().await.is_ok();
            // Whoever wanted it may be gone.
            let _ = standing.try_set(if came { Standing::Here } else { Standing::Missing });
            drop(coming);
        });
    };
    if !is_here {
        fetch();
    }
    let missing = move || {
        view! {
            <div class="unfetched" role="alert">
                <p class="warned">{words::MISSING}</p>
                <button class="primary" on:click=move |_| fetch()>{words::TRY_AGAIN}</button>
            </div>
        }
    };
    let shown = move || match (standing.get(), is_over) {
        (Standing::Here, _) => made().and_then(Result::ok).unwrap_or_else(|| ().into_any()),
        (Standing::Coming, true) => view! {
            <Shade label=words::COMING id="fetching"><div class="busy" role="status"></div></Shade>
        }
        .into_any(),
        (Standing::Coming, false) => view! { <div class="busy" role="status"></div> }.into_any(),
        (Standing::Missing, true) => {
            view! { <Shade label=words::NOT_FETCHED id="unfetched">{missing()}</Shade> }.into_any()
        }
        (Standing::Missing, false) => missing().into_any(),
    };
    shown.into_any()
}
