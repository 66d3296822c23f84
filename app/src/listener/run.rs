//! A detection in this tab, from its beginning to its end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use spyhop_api::Timestamp;
use spyhop_words::page::kept as kept_words;
use spyhop_words::page::listener as words;
use spyhop_words::page::open::NOTHING_OPEN;
use spyhop_workers::Message;
use spyhop_workers::listening::{Answer, By, Order, Recordings};
use wasm_bindgen::prelude::*;

use super::{Listener, seen, told_sources};
use crate::calls::LocalProgress;
use crate::session::{Dialog, NoticeKind, OpenSet, Session, Tab};

/// The only job that this listener has.
const JOB: u32 = 1;

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// What runs. To forget it is to end it.
struct Running {
    _listener: Listener,
    /// The run's number, once it has begun.
    run: Option<i64>,
    open: Arc<OpenSet>,
    begun_ms: f64,
    recorded_s: f64,
}

/// Takes up that the panel stops runs of this tab, and that they stop when something else is opened.
pub fn offer_cancel(session: Session) {
    session.calls.cancel_local.set_value(Some(Callback::new(move |run| {
        let is_it = RUNNING.with_borrow(|now| now.as_ref().is_some_and(|now| now.run == Some(run)));
        if is_it {
            RUNNING.set(None);
            session.calls.end_local(run, vec![words::STOPPED.to_owned()]);
        }
    })));
    Effect::new(move |_| {
        session.open.with(|open| {
            let is_other = RUNNING.with_borrow(|now| {
                now.as_ref().is_some_and(|now| {
                    open.as_ref().is_none_or(|open| !Arc::ptr_eq(open, &now.open))
                })
            });
            if is_other {
                RUNNING.set(None);
            }
        });
    });
}

/// Whether one goes on.
pub fn goes_on() -> bool {
    RUNNING.with_borrow(Option::is_some)
}

/// Begins to listen to what is open; `objects` are the files of a network. `refused` is told why nothing
/// has begun.
pub fn begin(
    session: Session,
    by: By,
    objects: Vec<JsValue>,
    refused: impl Fn(String) + 'static,
) -> Result<(), String> {
    let open = session.open.get_untracked().ok_or(NOTHING_OPEN)?;
    let sources = session.engine().sources().ok_or(NOTHING_OPEN)?;
    let channel = session.view.with_untracked(|view| view.channel);
    let recordings = of_open(&open, &sources.numbers, channel);
    let refused = Rc::new(refused);
    let listener = Listener::start(move |answer, _| heard(session, answer, &*refused))?;
    listener.tell(told_sources(sources));
    listener.tell(Message::with(&Order::Listen { job: JOB, by, recordings }, objects));
    let running = Running {
        _listener: listener,
        run: None,
        open,
        begun_ms: js_sys::Date::now(),
        recorded_s: 0.0,
    };
    RUNNING.set(Some(running));
    Ok(())
}

/// What is open, with the number of each recording's source.
pub fn of_open(open: &OpenSet, numbers: &[usize], channel: u32) -> Recordings {
    let infos = open
        .infos
        .iter()
        .enumerate()
        .map(|(index, info)| (numbers.get(index).copied().unwrap_or(index), info.clone()));
    Recordings { infos: infos.collect(), channel }
}

fn heard(session: Session, answer: Answer, refused: &dyn Fn(String)) {
    let Some((run, open)) =
        RUNNING.with_borrow(|now| now.as_ref().map(|now| (now.run, now.open.clone())))
    else {
        return;
    };
    match (answer, run) {
        (Answer::Begun { run, card, recorded_s, left_out, .. }, _) => {
            let mut run = *run;
            if let Some(card) = card {
                seen::remember(&run.source.fingerprint, *card);
            }
            run.title = words::run_in_this_tab(&run.title);
            run.created = Timestamp((js_sys::Date::now() * 1e6) as i64);
            let number = session.calls.begin_local_run(run, &open);
            RUNNING.with_borrow_mut(|now| {
                if let Some(now) = now {
                    (now.run, now.recorded_s) = (Some(number), recorded_s);
                    now.begun_ms = js_sys::Date::now();
                }
            });
            for why in left_out {
                session.tell(NoticeKind::Warning, why);
            }
            session.prefs.panel.set(true);
            session.tab.set(Tab::Calls);
            session.dialog.set(Dialog::None);
        }
        (Answer::Found { fraction, calls, scores, .. }, Some(run)) => {
            let progress = progress(fraction);
            let laid_aside = session.calls.extend_local(run, calls, &scores, progress, &open);
            session.tell_laid_aside(kept_words::VERDICTS, &laid_aside);
        }
        (Answer::Done { problems, .. }, Some(run)) => {
            RUNNING.set(None);
            session.calls.end_local(run, problems);
        }
        (Answer::Failed { message, .. } | Answer::Panicked { message }, run) => {
            RUNNING.set(None);
            match run {
                Some(run) => {
                    session.calls.end_local(run, vec![message.clone()]);
                    session.tell(NoticeKind::Error, message);
                }
                None => refused(message),
            }
        }
        _ => {}
    }
}

fn progress(fraction: f64) -> LocalProgress {
    RUNNING.with_borrow(|now| {
        let Some(now) = now else { return LocalProgress::default() };
        let elapsed_s = (js_sys::Date::now() - now.begun_ms) / 1e3;
        let speed = fraction * now.recorded_s / elapsed_s.max(1e-3);
        let left_s = (1.0 - fraction) * now.recorded_s / speed.max(1e-9);
        LocalProgress {
            fraction,
            speed,
            time_left_s: (fraction > 0.0).then_some(left_s),
            is_over: false,
        }
    })
}
