//! The tab that tells what was heard when, line by line: labels and candidates by the same rules as
//! `spyhop transcribe`.

mod lines;
mod sounds;

use std::sync::Arc;

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_signal::transcript::{TranscriptLine, markdown, srt, transcript, vtt};
use spyhop_words::panel::transcript as words;

use crate::session::{NoticeKind, Session, use_session};
use crate::{administrator, files};
use sounds::{Candidates, Told};

/// Sounds of one name with no more than this between them are one line, s.
const JOIN_S: f64 = 2.0;
/// Candidates that stand in the tab at once: further ones come as the picture moves.
const MOST_SHOWN: u64 = 5000;
/// Candidates of one file.
const MOST_SAVED: u64 = 50_000;
/// How long thresholds and the picture rest until candidates are asked for, ms.
const REST_MS: u32 = 200;
/// Minutes from one heading in Markdown to the next.
const MARK_EVERY_MIN: f64 = 1.0;

/// The tab.
#[component]
pub fn Transcript() -> impl IntoView {
    let session = use_session();
    let told = RwSignal::new(Told::Everything);
    let found = candidates_shown(session);
    let lines = Memo::new(move |_| {
        let mut all = match told.get() {
            Told::Candidates => Vec::new(),
            _ => sounds::of_labels(session),
        };
        if told.get() != Told::Labels {
            found.with(|found| all.extend_from_slice(&found.sounds));
        }
        Arc::new(transcript(all, JOIN_S))
    });
    let has_both = Memo::new(move |_| {
        session.labels.all.with(|all| !all.is_empty()) && found.with(|f| !f.sounds.is_empty())
    });
    let left_out = move || {
        found.with(|found| {
            (found.total > MOST_SHOWN).then(|| words::first_of(MOST_SHOWN, found.total))
        })
    };
    view! {
        <div data-tab-page="transcript" class="tab-page" id="transcript">
            <Show when=move || has_both.get()>
                <select id="transcript-of" aria-label=words::OF_WHAT
                    on:change=move |ev| told.set(Told::named(&event_target_value(&ev)))>
                    {Told::ALL.map(|(kind, name, words)| view! {
                        <option value=name prop:selected=move || told.get() == kind>{words}</option>
                    })}
                </select>
            </Show>
            {move || left_out().map(|words| view! { <p class="dim">{words}</p> })}
            <Show when=move || lines.with(|lines| !lines.is_empty()) fallback=|| view! {
                <p class="dim">{words::NOTHING}</p>
            }>
                <lines::Lines lines/>
                <Files lines told/>
            </Show>
        </div>
    }
}

/// Candidates that pass the thresholds, as they are found and said and as the picture moves.
fn candidates_shown(session: Session) -> RwSignal<Candidates> {
    let calls = session.calls;
    let found = RwSignal::new(Candidates::default());
    let is_long = Memo::new(move |_| found.with(|found| found.total > MOST_SHOWN));
    let from = Memo::new(move |_| is_long.get().then(|| sounds::left_edge(session)).flatten());
    let run = Memo::new(move |_| calls.run.with(|run| run.as_ref().map(|run| run.id)));
    let turn = StoredValue::new(0u64);
    Effect::new(move |_| {
        calls.revision.track();
        let mut query = calls.above_thresholds();
        if let Some(from) = from.get() {
            query.from = from;
        }
        turn.update_value(|turn| *turn += 1);
        let asked = turn.get_value();
        if run.get().is_none() {
            return found.set(Candidates::default());
        }
        spawn_local(async move {
            TimeoutFuture::new(REST_MS).await;
            // The tab may have left the page by now.
            if turn.try_get_value() != Some(asked) {
                return;
            }
            let answer = sounds::candidates(session, query, MOST_SHOWN).await;
            if turn.try_get_value() == Some(asked) {
                match answer {
                    // Of a long run the whole is told, not what is left of it from here.
                    Ok(new) if is_long.get_untracked() => found.update(|held| {
                        let total = held.total.max(new.total);
                        *held = Candidates { total, ..new };
                    }),
                    Ok(new) => found.set(new),
                    Err(error) => administrator::refused(session, &error),
                }
            }
        });
    });
    found
}

/// The lines as files for players and readers.
#[component]
fn Files(lines: Memo<Arc<Vec<TranscriptLine>>>, told: RwSignal<Told>) -> impl IntoView {
    let session = use_session();
    let mark_min = RwSignal::new(MARK_EVERY_MIN);
    let count = move || words::lines(lines.with(|lines| lines.len()));
    let set_mark = move |text: &str| {
        if let Some(min) = text.parse::<f64>().ok().filter(|min| min.is_finite() && *min > 0.0) {
            mark_min.set(min);
        }
    };
    let button = move |form: Form, words: &'static str, title: &'static str| {
        let save = move |_| save(session, told.get_untracked(), form, mark_min.get_untracked());
        view! { <button data-transcript=form.ending() title=title on:click=save>{words}</button> }
    };
    view! {
        <fieldset>
            <legend>{count}</legend>
            <div class="buttons">
                {button(Form::WebVtt, words::WEB_VTT, words::WEB_VTT_TITLE)}
                {button(Form::SubRip, words::SUB_RIP, words::SUB_RIP_TITLE)}
                {button(Form::Markdown, words::MARKDOWN, words::MARKDOWN_TITLE)}
            </div>
            <label class="row">{words::MARK_EVERY}" "
                <input id="transcript-mark" type="number" class="number" min="0.1" step="any"
                    prop:value=move || mark_min.get().to_string()
                    on:change=move |ev| set_mark(&event_target_value(&ev))/>
                " "{words::MARK_MINUTES}
            </label>
        </fieldset>
    }
}

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    WebVtt,
    SubRip,
    Markdown,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Form::WebVtt => "vtt",
            Form::SubRip => "srt",
            Form::Markdown => "md",
        }
    }
}

/// Gives a person everything that is told as a file.
fn save(session: Session, told: Told, form: Form, mark_min: f64) {
    let Some(open) = session.open.get_untracked() else { return };
    let query = untrack(|| session.calls.above_thresholds());
    spawn_local(async move {
        let mut all = Vec::new();
        if told != Told::Candidates {
            all = untrack(|| sounds::of_labels(session));
        }
        if told != Told::Labels {
            match sounds::candidates(session, query, MOST_SAVED).await {
                Ok(found) => {
                    if found.total > MOST_SAVED {
                        let total = found.total;
                        session
                            .tell(NoticeKind::Warning, words::file_holds_first(MOST_SAVED, total));
                    }
                    all.extend(found.sounds);
                }
                Err(error) => return administrator::refused(session, &error),
            }
        }
        let lines = transcript(all, JOIN_S);
        let title = open.title();
        let (text, kind) = match form {
            Form::WebVtt => (vtt(&lines), "text/vtt"),
            Form::SubRip => (srt(&lines), "text/plain"),
            Form::Markdown => {
                (markdown(&title, &lines, open.line.origin, mark_min * 60.0), "text/markdown")
            }
        };
        files::save(&format!("{title}.{}", form.ending()), kind, text.as_bytes());
    });
}
