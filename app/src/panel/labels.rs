//! The table of labels, and the names behind the number keys.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::annotation::AnnotationStep;
use spyhop_api::{Annotation, Timestamp};
use spyhop_words::labels::{kept, tab as words};

use crate::commands::Action;
use crate::label_files::{self, TableKind};
use crate::session::{Session, use_session};
use crate::shared_labels::Keeper;
use crate::{label_actions, server, shared_labels, wording};

/// Rows that are put on the page at once; a longer table says how many more there are.
const MOST_ROWS: usize = 500;

/// The tab.
#[component]
pub fn LabelTable(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let rows = Memo::new(move |_| session.labels.all.get());
    let selected = Memo::new(move |_| session.view.with(|v| v.selection.is_some()));
    view! {
        <div data-tab-page="labels" class="tab-page">
            <fieldset>
                <legend>{words::NAMES}</legend>
                <p class="dim">{move || if selected.get() {
                    words::PRESS_NUMBER
                } else {
                    words::DRAW_FIRST
                }}</p>
                <ol class="label-names">
                    {(0..9u8).map(|i| view! { <NameOfKey i act/> }).collect_view()}
                </ol>
            </fieldset>
            <Kept act/>
            <LeftHere/>
            <fieldset class="grows">
                <legend>{move || words::labels(rows.with(Vec::len))}</legend>
                <div class="buttons">
                    <button on:click=move |_| act.run(Action::Undo) title=words::UNDO_TITLE>{words::UNDO}</button>
                    <button on:click=move |_| act.run(Action::Redo) title=words::REDO_TITLE>{words::REDO}</button>
                    <button id="import" title=words::IMPORT_TITLE
                        on:click=move |_| label_files::pick(session)>{words::IMPORT}</button>
                    <button id="export-raven" on:click=move |_| label_files::export(session, TableKind::Raven)
                        title=words::RAVEN_TITLE>{words::RAVEN}</button>
                    <button id="export-audacity" on:click=move |_| label_files::export(session, TableKind::Audacity)
                        title=words::AUDACITY_TITLE>{words::AUDACITY}</button>
                    <button id="export-csv" on:click=move |_| label_files::export(session, TableKind::Csv)
                        title=words::CSV_TITLE>{words::CSV}</button>
                </div>
                {move || tables(session)}
                <div class="table">
                    <table id="labels">
                        <thead><tr><th>{words::PLACE}</th><th>{words::LABEL}</th><td></td></tr></thead>
                        <tbody>
                            <For each=move || rows.get().into_iter().take(MOST_ROWS)
                                key=|a| (a.id, a.start_ns, a.end_ns, a.label.clone())
                                let:a><Row a/></For>
                        </tbody>
                    </table>
                    {move || rows.with(|r| (r.len() > MOST_ROWS).then(|| view! {
                        <p class="dim">{words::more(r.len() - MOST_ROWS)}</p>
                    }))}
                </div>
            </fieldset>
        </div>
    }
}

/// Where labels are kept, and whose they are.
#[component]
fn Kept(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let keeper = Memo::new(move |_| session.labels.shared.keeper.get());
    let told = move || match keeper.get() {
        Keeper::Browser => kept::BROWSER.to_owned(),
        Keeper::Server => kept::SERVER.to_owned(),
        Keeper::Refused(error) => kept::browser_only(error),
    };
    let id = move || match keeper.get() {
        Keeper::Browser => "browser",
        Keeper::Server => "server",
        Keeper::Refused(_) => "refused",
    };
    view! {
        <p id="labels-kept" class="dim" data-keeper=id>{told}</p>
        <Show when=move || asks_for_token(keeper.get())>
            <p><button class="offer" on:click=move |_| act.run(Action::Token)>
                {kept::ENTER_TOKEN}
            </button></p>
        </Show>
        {move || (keeper.get() == Keeper::Server).then(|| view! {
            <label class="row">
                <span>{kept::AUTHOR}</span>
                <input id="author" type="text" placeholder=kept::AUTHOR_NOBODY autocomplete="name"
                    aria-label=kept::AUTHOR_FIELD
                    prop:value=move || session.prefs.author.get()
                    on:change=move |ev| session.prefs.author.set(event_target_value(&ev).trim().to_owned())/>
            </label>
        })}
    }
}

/// Labels of a hosted deployment that this browser kept when the server did not: they can be shared now.
#[component]
fn LeftHere() -> impl IntoView {
    let session = use_session();
    let count = Memo::new(move |_| session.labels.shared.left_here.with(Vec::len));
    view! {
        <Show when=move || count.get().gt(&0)>
            <div id="left-here" class="left-here">
                <p>{move || kept::left_here(count.get())}</p>
                <div class="buttons">
                    <button id="share-left-here" on:click=move |_| shared_labels::share_what_is_here(session)>
                        {kept::SHARE}
                    </button>
                    <button id="forget-left-here" on:click=move |_| shared_labels::forget_what_is_here(session)>
                        {kept::FORGET}
                    </button>
                </div>
            </div>
        </Show>
    }
}

/// Whether the server would keep labels for its administrator.
fn asks_for_token(keeper: Keeper) -> bool {
    matches!(keeper, Keeper::Refused(error) if error.status == 401)
}

/// Who said a label last, and a button for everything that it ever said.
#[component]
fn Author(id: u64) -> impl IntoView {
    let session = use_session();
    let known = Memo::new(move |_| session.labels.shared.known.with(|k| k.get(&id).cloned()));
    let history: RwSignal<Option<Vec<String>>> = RwSignal::new(None);
    let fetch = move |number: u64| {
        if history.with_untracked(Option::is_some) {
            return history.set(None);
        }
        let deployment =
            session.open.with_untracked(|o| o.as_ref()?.deployment.as_ref().map(|d| d.id.clone()));
        let Some(deployment) = deployment else { return };
        spawn_local(async move {
            let lines = match server::history(&deployment, number).await {
                Ok(steps) => steps.iter().map(step_words).collect(),
                Err(error) => vec![error.to_string()],
            };
            // The row may be gone by now.
            let _ = history.try_set(Some(lines));
        });
    };
    view! {
        {move || known.get().map(|k| {
            let who = if k.author.is_empty() { words::NO_NAME.to_owned() } else { k.author };
            view! {
                <button class="link dim history" title=words::HISTORY_TITLE
                    on:click=move |_| fetch(k.number)
                >{words::author_and_time(who, day_and_time(k.changed))}</button>
            }
        })}
        {move || history.get().map(|lines| view! {
            <ol class="history">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ol>
        })}
    }
}

fn step_words(step: &AnnotationStep) -> String {
    let who = if step.author.is_empty() { words::NO_NAME } else { &step.author };
    match &step.content {
        Some(content) => words::said(day_and_time(step.at), who, &content.label),
        None => words::removed(day_and_time(step.at), who),
    }
}

/// `2026-03-29 12:15` UTC.
fn day_and_time(at: Timestamp) -> String {
    at.to_iso().get(..16).unwrap_or_default().replace('T', " ")
}

/// The tables that the server has beside the recordings: one press shows what is known to be there.
fn tables(session: Session) -> Option<impl IntoView + use<>> {
    let open = session.open.get()?;
    let deployment = open.deployment.as_ref()?;
    let id = deployment.id.clone();
    let names = deployment.tables.clone();
    let count = names.len();
    let all = (id.clone(), names.clone());
    let buttons = names.into_iter().map(move |name| {
        let (id, shown) = (id.clone(), name.clone());
        view! {
            <button data-table=name.clone() title=words::table_title(&name)
                on:click=move |_| label_files::fetch(session, id.clone(), name.clone())
            >{shown}</button>
        }
    });
    let buttons = buttons.collect_view();
    (count > 0).then(|| view! {
        <details class="tables">
            <summary>{words::tables(count)}</summary>
            <button id="all-tables" on:click=move |_| {
                let (id, names) = all.clone();
                names.into_iter().for_each(|name| label_files::fetch(session, id.clone(), name));
            }>{words::ALL_TABLES}</button>
            {buttons}
        </details>
    })
}

#[component]
fn NameOfKey(i: u8, act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let names = session.prefs.label_names;
    let at = usize::from(i);
    view! {
        <li>
            <button class="key" title=words::KEY_TITLE
                on:click=move |_| act.run(Action::Label(i + 1))>{i + 1}</button>
            <input type="text" aria-label=words::key_name(i + 1)
                prop:value=move || names.with(|n| n.get(at).cloned().unwrap_or_default())
                on:change=move |ev| names.update(|n| if let Some(name) = n.get_mut(at) {
                    *name = event_target_value(&ev).trim().to_owned();
                })/>
        </li>
    }
}

#[component]
fn Row(a: Annotation) -> impl IntoView {
    let session = use_session();
    let id = a.id;
    let length = wording::duration((a.end_ns - a.start_ns) as f64 * 1e-9);
    let band = match (a.low_hz, a.high_hz) {
        (Some(low), Some(high)) => wording::band((low, high)),
        _ => words::ALL_BANDS.to_owned(),
    };
    let begin = begin_words(session, &a);
    view! {
        <tr data-label=id.to_string() class:chosen=move || session.labels.chosen.get() == Some(id)>
            <td>
                <button class="link" title=words::GO_THERE
                    on:click=move |_| label_actions::go_to(session, id)>{begin}</button>
                <div class="dim">{length}", "{band}</div>
                <Author id/>
            </td>
            <td>
                <input type="text" aria-label=words::LABEL_FIELD prop:value=a.label.clone()
                    on:change=move |ev| {
                        let label = event_target_value(&ev).trim().to_owned();
                        session.labels.edit(id, |a| a.label = label);
                    }/>
            </td>
            <td><button class="icon" aria-label=words::REMOVE on:click=move |_| session.labels.remove(id)>"×"</button></td>
        </tr>
    }
}

fn begin_words(session: Session, a: &Annotation) -> String {
    let Some(open) = session.open.get_untracked() else { return String::new() };
    let telling = session.view.with_untracked(|v| crate::clock::Telling::of(v.clock, &open));
    telling.tell_short(a.start_ns as f64 * 1e-9 * telling.rate_hz)
}
