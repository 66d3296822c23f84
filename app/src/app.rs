//! The page: what stands at its top, what is below, and everything that lies over it.

use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::view::Source;
use spyhop_words::page::app as words;

use crate::actions::perform;
use crate::commands::Action;
use crate::dialogs::Dialogs;
use crate::engine::{Engine, GpuChoice};
use crate::keys::{self, DoubleKey};
use crate::link::Link;
use crate::pages::{Asking, FirstPage, Opening, ServerPage};
use crate::server::token;
use crate::session::{Dialog, NoticeKind, Session, Stage, use_session};
use crate::share::Caption;
use crate::viewer::Viewer;
use crate::{files, guide, hooks, link, listener, open, parts, viewer};

/// The page is painted before the workers warm up, ms.
const WARM_UP_AFTER_MS: u32 = 300;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    token::recall();
    let engine = Engine::start(gpu_choice());
    hooks::lend(&engine);
    let session = Session::new(engine);
    provide_context(session);
    let address = Link::start(session);
    provide_context(address);
    let act = Callback::new(move |action| perform(session, address, action));
    let commit = Callback::new(move |()| address.commit());
    listen_to_keys(session, act);
    title_of_page(session);
    language_of_page();
    listener::offer_cancel(session);
    guide::start(session, address);
    open::from_link(session);
    gloo::timers::callback::Timeout::new(WARM_UP_AFTER_MS, move || {
        leptos::task::spawn_local(async move { session.engine().warm_up().await });
        leptos::task::spawn_local(viewer::warm_up());
    })
    .forget();
    let over = RwSignal::new(0i32);
    let embedded = link::is_embedded();
    view! {
        <div
            class="page" id="page"
            data-stage=move || stage_name(&session.stage.get())
            data-state=move || if is_ready(session) { "ready" } else { "loading" }
            data-progress=move || {
                let p = session.progress.get();
                format!("{}/{}/{}", p.exact, p.shown, p.tiles)
            }
            data-backend=move || { session.news.track(); session.engine().backend() }
            data-bytes=move || { session.news.track(); session.engine().bytes_read().to_string() }
            data-view=move || session.view.with(View::to_query)
            data-candidates=move || session.calls.in_view.with(|v| v.calls.len()).to_string()
            data-labels=move || session.labels.all.with(Vec::len).to_string()
            class:embed=embedded
            class:bare=move || session.guided.bare.get()
            class:dropping=move || over.get().gt(&0)
            on:dragenter=move |ev| { ev.prevent_default(); over.update(|n| *n += 1) }
            on:dragover=move |ev| ev.prevent_default()
            on:dragleave=move |_| over.update(|n| *n = (*n - 1).max(0))
            on:drop=move |ev| {
                ev.prevent_default();
                over.set(0);
                if let Some(transfer) = ev.data_transfer() {
                    let dropped = files::dropped(&transfer);
                    leptos::task::spawn_local(async move { open::files(session, dropped.await) });
                }
            }
        >
            <TopBar act/>
            <Caption/>
            <main inert=move || has_dialog(session)>
                {move || match session.stage.get() {
                    Stage::First => view! { <FirstPage act/> }.into_any(),
                    Stage::Opening(name) => view! { <Opening name/> }.into_any(),
                    Stage::Asking => view! { <Asking act/> }.into_any(),
                    Stage::Viewing => view! { <Viewer act commit/> }.into_any(),
                    Stage::Server(page) => parts::server_page(page, act),
                }}
            </main>
            <section id="guide" class="guide" inert=move || has_dialog(session)></section>
            <Notices act/>
            <Dialogs act/>
        </div>
    }
}

#[component]
fn TopBar(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let viewing = Memo::new(move |_| session.stage.get() == Stage::Viewing);
    let title = Memo::new(move |_| session.open.with(|o| o.as_ref().map(|o| o.title())));
    let several =
        Memo::new(move |_| session.open.with(|o| o.as_ref().is_some_and(|o| o.infos.len() > 1)));
    let of_library = Memo::new(move |_| match session.stage.get() {
        Stage::Viewing => session.open.with(|o| o.as_ref().is_some_and(|o| o.deployment.is_some())),
        Stage::Server(page) => page != ServerPage::Jobs,
        _ => false,
    });
    let recording = Memo::new(move |_| match session.view.with(|v| v.source.clone()) {
        Source::Deployment { recording, .. } => recording,
        _ => None,
    });
    view! {
        <header class="top" inert=move || has_dialog(session)>
            <button class="name" title=words::FIRST_PAGE on:click=move |_| act.run(Action::Home)>
                {words::NAME}
            </button>
            <Show when=move || of_library.get()>
                <span class="crumb">"▸"</span>
                <button id="to-library" class="crumb-link" title=words::ABOUT_LIBRARY
                    on:click=move |_| act.run(Action::Library)
                >{words::LIBRARY}</button>
            </Show>
            <Show when=move || viewing.get()>
                <span class="crumb">"▸"</span>
                <h1 id="title">{move || title.get()}</h1>
                {move || recording.get().map(|name| view! {
                    <span class="crumb">"▸"</span>
                    <span id="recording-name" class="crumb-name">{name}</span>
                })}
            </Show>
            <span class="space"></span>
            <Show when=move || viewing.get()>
                <Show when=move || several.get()>
                    <button id="previous-recording" class="icon wide-only" aria-label=words::PREVIOUS_RECORDING
                        title=words::PREVIOUS_RECORDING_KEY
                        on:click=move |_| act.run(Action::PreviousRecording)
                    >"‹"</button>
                    <button id="next-recording" class="icon wide-only" aria-label=words::NEXT_RECORDING
                        title=words::NEXT_RECORDING_KEY on:click=move |_| act.run(Action::NextRecording)
                    >"›"</button>
                </Show>
                <button id="jump-button" title=words::GO_TO_KEY
                    on:click=move |_| act.run(Action::Jump)
                >{words::GO_TO}</button>
                <button id="detect-top" class="wide-only" title=words::DETECT_KEY
                    on:click=move |_| act.run(Action::Detect)
                >{words::DETECT}</button>
                <button id="toggle-panel" aria-pressed=move || session.prefs.panel.get().to_string()
                    title=words::PANEL_KEY on:click=move |_| act.run(Action::TogglePanel)
                >{words::PANEL}</button>
                <button id="copy-link" class="wide-only" title=words::COPY_LINK_KEY
                    on:click=move |_| act.run(Action::CopyLink)
                >{words::COPY_LINK}</button>
                <button id="story-button" class="wide-only" title=words::STORY_KEY
                    on:click=move |_| act.run(Action::AddToStory)
                >{words::STORY}</button>
                <button id="class-button" class="wide-only" title=words::ABOUT_CLASS
                    on:click=move |_| act.run(Action::LeadClass)
                >{words::CLASS}</button>
                <button id="share-button" title=words::SHARE_KEY
                    on:click=move |_| act.run(Action::Share)
                >{words::SHARE}</button>
            </Show>
            <button id="open-files" title=words::OPEN_KEY
                on:click=move |_| act.run(Action::OpenFiles)
            >{words::OPEN}</button>
            <Show when=move || session.is_administrator.get()>
                <button id="administrator" title=words::ABOUT_ADMINISTRATOR
                    on:click=move |_| act.run(Action::Token)
                >{words::ADMINISTRATOR}</button>
            </Show>
            <button id="palette-button" class="wide-only" title=words::COMMANDS_KEY
                on:click=move |_| act.run(Action::Palette)
            >{words::COMMANDS}</button>
            <button class="icon" title=words::LIGHT_OR_DARK aria-label=words::LIGHT_OR_DARK
                on:click=move |_| act.run(Action::ToggleTheme)
            >"◐"</button>
            <button id="help-button" class="icon" title=words::HELP_KEY
                aria-label=words::HELP on:click=move |_| act.run(Action::Help)
            >"?"</button>
        </header>
    }
}

#[component]
fn Notices(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    view! {
        <div class="notices" id="notices" aria-live="assertive">
            <For each=move || session.notices.get() key=|n| n.id let:notice>
                <div class="notice" role="alert" data-kind=match notice.kind {
                    NoticeKind::Error => "error",
                    NoticeKind::Warning => "warning",
                    NoticeKind::Done => "done",
                }>
                    <p>{notice.text.clone()}</p>
                    {notice.offer.and_then(offer_words).map(|offered| view! {
                        <button class="offer" on:click=move |_| {
                            session.notices.update(|n| n.retain(|n| n.id != notice.id));
                            if let Some(action) = notice.offer { act.run(action) }
                        }>{offered}</button>
                    })}
                    <button class="icon" aria-label=words::DISMISS on:click=move |_| {
                        session.notices.update(|n| n.retain(|n| n.id != notice.id));
                    }>"×"</button>
                </div>
            </For>
        </div>
    }
}

fn listen_to_keys(session: Session, act: Callback<Action>) {
    let double = StoredValue::new(DoubleKey::default());
    let listener = window_event_listener(leptos::ev::keydown, move |ev| {
        let name = keys::name(&ev);
        if name == "Escape" && session.dialog.get_untracked() != Dialog::None {
            session.dialog.set(Dialog::None);
            return;
        }
        let with_ctrl = name.starts_with("Ctrl+");
        if keys::is_typing(&ev)
            && !(with_ctrl && matches!(name.as_str(), "Ctrl+K" | "Ctrl+Shift+L"))
        {
            return;
        }
        if keys::is_for_control(&ev) {
            return;
        }
        if keys::is_single_character(&name) && !session.prefs.letter_keys.get_untracked() {
            return;
        }
        if session.dialog.get_untracked() != Dialog::None && !with_ctrl && name != "?" {
            return;
        }
        let action = double.try_update_value(|d| d.action(&name, ev.time_stamp())).flatten();
        if let Some(action) = action {
            ev.prevent_default();
            act.run(action);
        }
    });
    on_cleanup(move || listener.remove());
}

fn title_of_page(session: Session) {
    Effect::new(move |_| {
        let page = session.stage.with(|s| match s {
            Stage::Server(page) => Some(page.title()),
            _ => None,
        });
        let title = page.or_else(|| session.open.with(|o| o.as_ref().map(|o| o.title())));
        document().set_title(&title.map_or(words::NAME.to_owned(), words::title_of));
    });
}

/// Screen readers speak the language that the page says it is in.
fn language_of_page() {
    if let Some(root) = document().document_element() {
        // A root element always takes an attribute.
        let _ = root.set_attribute("lang", spyhop_words::LANGUAGE);
    }
}

/// What a notice's button says.
fn offer_words(offer: Action) -> Option<&'static str> {
    match offer {
        Action::Token => Some(words::ENTER_TOKEN),
        _ => None,
    }
}

fn has_dialog(session: Session) -> bool {
    session.dialog.get() != Dialog::None
}

fn is_ready(session: Session) -> bool {
    if session.coming.get() > 0 {
        return false;
    }
    match session.stage.get() {
        Stage::Viewing => session.progress.get().is_done(),
        Stage::First | Stage::Asking | Stage::Server(_) => true,
        Stage::Opening(_) => false,
    }
}

fn stage_name(stage: &Stage) -> &'static str {
    match stage {
        Stage::First => "first",
        Stage::Opening(_) => "opening",
        Stage::Asking => "asking",
        Stage::Viewing => "viewing",
        Stage::Server(ServerPage::Jobs) => "jobs",
        Stage::Server(ServerPage::Models) => "models",
        Stage::Server(ServerPage::Runs) => "runs",
        Stage::Server(_) => "library",
    }
}

/// `?gpu=off|force`, for tests and for those whose driver misbehaves.
fn gpu_choice() -> GpuChoice {
    let query = window().location().search().unwrap_or_default();
    let chosen = query.trim_start_matches('?').split('&').find_map(|p| p.strip_prefix("gpu="));
    match chosen {
        Some("off") => GpuChoice::Off,
        Some("force") => GpuChoice::Force,
        _ => GpuChoice::Auto,
    }
}
