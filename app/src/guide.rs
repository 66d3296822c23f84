//! Who guides this page: a story or a class, a module of its own that is fetched when somebody opens one.
//!
//! Page and guide know nothing of each other but the words of `spyhop_api::shown`. They go as events of
//! the document, JSON in their detail: `spyhop-wish` to the page, `spyhop-told` from it.

mod guided;
mod marks;
mod travel;

use std::cell::RefCell;

use gloo::events::EventListener;
use leptos::prelude::*;
use spyhop_api::view::Source;
use spyhop_api::{Errand, Pointed, Shown, Told, View, Wish};
use spyhop_words::page::guide as words;
use wasm_bindgen::JsCast;

use crate::frame::{moment_of, position_of};
use crate::link::{self, Link};
use crate::session::{NoticeKind, Session, Stage};
use crate::{open, parts, playback};

pub use guided::{Guided, Module};
pub use marks::items as mark_items;

/// Keys of the address that are a guide's: the story and its step, the class and whether it is led, and
/// how it is shown.
pub const KEYS: [&str; 7] = ["story", "step", "class", "leader", "present", "kiosk", "idle"];
/// Samples that are fetched to be heard later, at most and at once.
const MOST_FETCHED: i64 = 32 << 20;
const FETCHED_AT_ONCE: i64 = 1 << 20;
/// What is shown is told together with what else changes within so long, ms.
const TELL_AFTER_MS: u32 = 16;
/// The script that fetches the guide.
const SCRIPT: &str = "guide.js";

thread_local! {
    /// What it is to be asked once it listens.
    static ERRANDS: RefCell<Vec<Errand>> = const { RefCell::new(Vec::new()) };
}

/// Whether the address asks for a guide.
pub fn is_in_address() -> bool {
    ["story", "class"].iter().any(|key| link::page_key(key).is_some())
}

/// Whether the address asks for one that is still to come: it will say what is shown.
pub fn is_awaited(session: Session) -> bool {
    is_in_address() && session.guided.module.get_untracked() != Module::Listens
}

/// Takes up wishes, and fetches the guide where the address asks for one.
pub fn start(session: Session, link: Link) {
    let address = window().location().href().unwrap_or_default();
    let listener = EventListener::new(&document(), "spyhop-wish", move |event| {
        if let Some(wish) = detail(event).and_then(|text| serde_json::from_str(&text).ok()) {
            fulfil(session, link, &address, wish);
        }
    });
    listener.forget();
    // What is to be told; none once it was.
    let latest = StoredValue::new(None::<Shown>);
    Effect::new(move |_| {
        // As long as nobody listens nothing is followed.
        if session.guided.module.get() != Module::Listens {
            return;
        }
        let shown = shown(session);
        let before = latest.try_update_value(|latest| latest.replace(shown));
        if before.flatten().is_some() {
            return;
        }
        // Not by frames: a page in the background has none, and follows all the same.
        gloo::timers::callback::Timeout::new(TELL_AFTER_MS, move || {
            if let Some(shown) = latest.try_update_value(Option::take).flatten() {
                tell(&Told::Shown { shown });
            }
        })
        .forget();
    });
    if is_in_address() {
        fetch(session);
    }
}

/// Asks the guide for something, which is fetched first where it is not here yet.
pub fn ask(session: Session, errand: Errand) {
    match session.guided.module.get_untracked() {
        Module::Listens => tell(&Told::Asked { errand }),
        Module::Absent if errand == Errand::Leave => {}
        _ => {
            ERRANDS.with_borrow_mut(|errands| errands.push(errand));
            fetch(session);
        }
    }
}

fn fetch(session: Session) {
    let module = session.guided.module;
    if module.get_untracked() != Module::Absent {
        return;
    }
    module.set(Module::Fetched);
    let failed = move || {
        module.set(Module::Absent);
        ERRANDS.take();
        session.tell(NoticeKind::Error, words::NOT_LOADED);
        if session.stage.with_untracked(|s| matches!(s, Stage::Opening(_))) {
            open::home(session);
        }
    };
    let Some(script) = script() else { return failed() };
    EventListener::once(&script, "error", move |_| failed()).forget();
    if document().body().is_none_or(|body| body.append_child(&script).is_err()) {
        failed();
    }
}

fn script() -> Option<web_sys::Element> {
    let script = document().create_element("script").ok()?;
    script.set_attribute("type", "module").ok()?;
    script.set_attribute("src", SCRIPT).ok()?;
    Some(script)
}

fn fulfil(session: Session, link: Link, address: &str, wish: Wish) {
    match wish {
        Wish::Begin => {
            session.guided.module.set(Module::Listens);
            tell(&Told::Begun { address: address.to_owned() });
            tell(&Told::Shown { shown: untrack(|| shown(session)) });
            ERRANDS.take().into_iter().for_each(|errand| tell(&Told::Asked { errand }));
        }
        Wish::Show { view, travel_ms } => show(session, link, &view, travel_ms),
        Wish::Play { from } => play(session, from),
        Wish::Stop => playback::stop(session),
        Wish::Follow { head, pointer } => session.guided.follow(head, pointer),
        Wish::Mark { marks } => session.guided.mark(marks),
        Wish::Boxes { shown } => {
            session.guided.boxes.set(shown);
            session.redraw();
        }
        Wish::Fetch => {
            keep_parts(session);
            fetch_sound(session);
        }
        Wish::Spare { on } => session.engine().spare(on),
        Wish::Bare { on } => session.guided.bare.set(on),
        Wish::Projector { on } => session.prefs.projector.set(on),
        Wish::Volume { at_most } => session.engine().set_volume(at_most),
    }
}

fn show(session: Session, link: Link, query: &str, travel_ms: u32) {
    let (mut wanted, errors) = View::from_query(query);
    for error in errors {
        session.tell(NoticeKind::Warning, error.to_string());
    }
    if wanted.source == Source::None {
        return open::home(session);
    }
    let is_same = session
        .view
        .with_untracked(|now| now.source == wanted.source && now.reading == wanted.reading)
        && session.stage.with_untracked(|s| *s == Stage::Viewing);
    if is_same {
        session.view.with_untracked(|now| link::keep_run_of_tab(&mut wanted, now));
        return travel::to(session, link, wanted, travel_ms);
    }
    travel::stop();
    playback::stop(session);
    // What was open is not shown under another's name, also where that can't be opened.
    session.open.set(None);
    session.view.set(wanted);
    link.amend();
    open::from_link(session);
}

/// Fetches what of the page itself may be wanted later.
fn keep_parts(session: Session) {
    let fetching = session.guided.fetching;
    fetching.update(|n| *n += 1);
    leptos::task::spawn_local(async move {
        // Without them the show goes on, and who asks for one is told.
        let _ = parts::keep().await;
        fetching.update(|n| *n -= 1);
    });
}

/// Reads what would sound, a piece after the other: whoever keeps what is read has it then.
fn fetch_sound(session: Session) {
    let Some(range) = playback::range_of_selection(session) else { return };
    let channel = session.view.with_untracked(|v| v.channel);
    let fetching = session.guided.fetching;
    fetching.update(|n| *n += 1);
    leptos::task::spawn_local(async move {
        let end = range.end.min(range.start.saturating_add(MOST_FETCHED));
        let mut at = range.start;
        while at < end {
            let piece = at..(at + FETCHED_AT_ONCE).min(end);
            at = piece.end;
            // What can't be read is not heard either, and playing it says why.
            if session.engine().samples(piece, channel).await.is_err() {
                break;
            }
        }
        fetching.update(|n| *n -= 1);
    });
}

fn play(session: Session, from: Option<spyhop_api::Moment>) {
    let Some((from, open)) = from.zip(session.open.get_untracked()) else {
        return playback::play_selection(session);
    };
    let begin = position_of(from, &open.line);
    let at = begin.round() as i64;
    // A loop goes round in all of what is selected, or seen, wherever in it it is met.
    if session.view.with_untracked(|v| v.listening.looped) {
        let ranges = [playback::range_of_selection(session), playback::range_of_view(session)];
        if let Some(range) = ranges.into_iter().flatten().find(|range| range.contains(&at)) {
            return playback::play_from(session, range, at);
        }
    }
    let Some(frame) = session.frame_now() else { return };
    let end = frame.positions().end;
    let end = if end > begin { end } else { open.line.end() as f64 };
    playback::play(session, at..end.ceil() as i64);
}

/// What is shown. Tracks.
fn shown(session: Session) -> Shown {
    let is_open = session.stage.with(|s| *s == Stage::Viewing);
    let is_opening = session.stage.with(|s| matches!(s, Stage::Opening(_)));
    let is_exact = session.progress.with(|p| p.is_done()) && session.guided.fetching.get() == 0;
    session.open.with(|open| {
        let moment = |position| open.as_ref().map(|open| moment_of(position, &open.line));
        let pointer = session.pointer.get();
        Shown {
            is_open,
            is_opening,
            is_ready: is_open && is_exact,
            title: open.as_ref().map(|open| open.title()).unwrap_or_default(),
            view: session.view.with(View::to_query),
            is_playing: session.sound.now.with(|now| now.on),
            head: session.play_head.get().and_then(moment),
            pointer: pointer.and_then(|p| Some(Pointed { at: moment(p.position)?, hz: p.hz })),
        }
    })
}

fn tell(told: &Told) {
    // What is told has no keys but text and no numbers but finite ones.
    let Ok(text) = serde_json::to_string(told) else { return };
    let init = web_sys::CustomEventInit::new();
    init.set_detail(&text.into());
    if let Ok(event) = web_sys::CustomEvent::new_with_event_init_dict("spyhop-told", &init) {
        // Nobody can prevent it.
        let _ = document().dispatch_event(&event);
    }
}

fn detail(event: &web_sys::Event) -> Option<String> {
    event.dyn_ref::<web_sys::CustomEvent>()?.detail().as_string()
}
