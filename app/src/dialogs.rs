//! What lies over the page: the palette, the help sheet, and the link where there is no clipboard.

use std::cell::RefCell;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_words::page::{commands, dialogs as words, gestures};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;
use web_sys::wasm_bindgen::JsCast;

use crate::administrator::TokenForm;
use crate::commands::{Action, COMMANDS, Command, Group, shown_key};
use crate::detect::Detect;
use crate::jump::Jump;
use crate::session::{Dialog, NoticeKind, Session, use_session};
use crate::share::ShareDialog;
use crate::{open, parts};

/// Gestures, for the help sheet.
const GESTURES: [(&str, &str); 13] = [
    (gestures::DRAG, gestures::DRAG_DOES),
    (gestures::CLICK, gestures::CLICK_DOES),
    (gestures::DOUBLE_CLICK, gestures::DOUBLE_CLICK_DOES),
    (gestures::WHEEL, gestures::WHEEL_DOES),
    (gestures::CTRL_WHEEL, gestures::CTRL_WHEEL_DOES),
    (gestures::ALT_WHEEL, gestures::ALT_WHEEL_DOES),
    (gestures::SHIFT_DRAG, gestures::SHIFT_DRAG_DOES),
    (gestures::FREQUENCY_AXIS, gestures::FREQUENCY_AXIS_DOES),
    (gestures::TIME_AXIS, gestures::TIME_AXIS_DOES),
    (gestures::COLOUR_BAR, gestures::COLOUR_BAR_DOES),
    (gestures::ONE_FINGER, gestures::ONE_FINGER_DOES),
    (gestures::TWO_FINGERS, gestures::TWO_FINGERS_DOES),
    (gestures::TWO_FINGER_TAP, gestures::TWO_FINGER_TAP_DOES),
];

thread_local! {
    /// What had the focus before dialogs took it: one may follow another.
    static BEFORE: RefCell<Option<HtmlElement>> = const { RefCell::new(None) };
}

/// The dialog that is open, if any.
#[component]
pub fn Dialogs(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    move || match session.dialog.get() {
        Dialog::None => ().into_any(),
        dialog => parts::dialog(dialog, act),
    }
}

/// What a dialog shows.
pub fn content(dialog: Dialog, act: Callback<Action>) -> AnyView {
    match dialog {
        Dialog::None => ().into_any(),
        Dialog::Palette => view! { <Palette act/> }.into_any(),
        Dialog::Help => view! { <Help/> }.into_any(),
        Dialog::Link => view! { <LinkField/> }.into_any(),
        Dialog::Jump => view! { <Jump/> }.into_any(),
        Dialog::Token => view! { <TokenForm/> }.into_any(),
        Dialog::Detect => view! { <Detect/> }.into_any(),
        Dialog::Share => view! { <ShareDialog/> }.into_any(),
    }
}

/// Copies the link, or shows it to be copied by hand where the browser has no clipboard.
pub fn copy_link(session: Session, address: &str) {
    session.link_text.set(address.to_owned());
    let address = address.to_owned();
    spawn_local(async move {
        if clipboard(&address).await {
            match open::left_out_of_link(session) {
                Some(but) => session.tell(NoticeKind::Warning, words::link_copied_but(but)),
                None => session.tell(NoticeKind::Done, words::LINK_COPIED),
            }
        } else {
            session.dialog.set(Dialog::Link);
        }
    });
}

/// Puts a text on the clipboard; false where the browser gives a page none.
pub async fn clipboard(text: &str) -> bool {
    window().is_secure_context() && {
        let clipboard = window().navigator().clipboard();
        JsFuture::from(clipboard.write_text(text)).await.is_ok()
    }
}

/// What lies over the page, with a button to close it.
#[component]
pub fn Shade(label: &'static str, id: &'static str, children: Children) -> impl IntoView {
    let session = use_session();
    let close = move || session.dialog.set(Dialog::None);
    let dialog = NodeRef::<html::Div>::new();
    take_focus(dialog);
    view! {
        <div class="shade" on:click=move |_| close()>
            <div class="dialog" id=id role="dialog" aria-modal="true" aria-label=label
                tabindex="-1" node_ref=dialog
                on:click=|ev| ev.stop_propagation()
            >
                <button class="icon close" aria-label=words::CLOSE on:click=move |_| close()>"×"</button>
                {children()}
            </div>
        </div>
    }
}

#[component]
fn Palette(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let input = NodeRef::<html::Input>::new();
    let text = RwSignal::new(String::new());
    let at = RwSignal::new(0usize);
    focus_when_there(input);
    let found = Memo::new(move |_| {
        let typed: Vec<String> =
            text.get().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let fits = |c: &&Command| {
            let hay = format!("{} {}", c.group.title(), c.title).to_lowercase();
            typed.iter().all(|word| hay.contains(word))
        };
        COMMANDS.iter().filter(fits).map(|c| c.action).collect::<Vec<_>>()
    });
    let run = move |action: Action| {
        session.dialog.set(Dialog::None);
        act.run(action);
    };
    view! {
        <Shade label=words::COMMANDS id="palette">
            <input
                node_ref=input type="text" placeholder=words::WHAT_TO_DO aria-label=commands::FIND_COMMAND
                role="combobox" aria-expanded="true" aria-controls="palette-list"
                aria-activedescendant=move || format!("command-{}", at.get())
                on:input=move |ev| { text.set(event_target_value(&ev)); at.set(0) }
                on:keydown=move |ev| {
                    let last = found.with_untracked(Vec::len).saturating_sub(1);
                    match ev.key().as_str() {
                        "ArrowDown" => { ev.prevent_default(); at.update(|i| *i = (*i + 1).min(last)) }
                        "ArrowUp" => { ev.prevent_default(); at.update(|i| *i = i.saturating_sub(1)) }
                        "Enter" => if let Some(a) = found.with_untracked(|f| f.get(at.get_untracked()).copied()) {
                            ev.prevent_default();
                            run(a);
                        },
                        _ => {}
                    }
                }
            />
            <ul id="palette-list" role="listbox">
                {move || found.get().into_iter().enumerate().filter_map(|(i, action)| {
                    let c = COMMANDS.iter().find(|c| c.action == action)?;
                    Some(view! {
                        <li role="option" id=format!("command-{i}") aria-selected=move || (at.get() == i).to_string()
                            on:click=move |_| run(action)
                        >
                            <span class="dim">{c.group.title()}</span>" "{c.title}
                            {c.keys.first().map(|k| view! { <kbd>{shown_key(k)}</kbd> })}
                        </li>
                    })
                }).collect_view()}
            </ul>
        </Shade>
    }
}

#[component]
fn Help() -> impl IntoView {
    let mut groups: Vec<Group> = Vec::new();
    for c in COMMANDS {
        if !groups.contains(&c.group) {
            groups.push(c.group);
        }
    }
    let groups = groups.into_iter().map(|group| {
        // The nine keys of the labels are one row.
        let shown = |c: &&Command| {
            let repeated = matches!(c.action, Action::Label(2..));
            c.group == group && !c.keys.is_empty() && !repeated
        };
        let rows = COMMANDS.iter().filter(shown).map(|c| {
            if c.action == Action::Label(1) {
                let row = view! {
                    <div><dt><kbd>"1"</kbd>" … "<kbd>"9"</kbd></dt><dd>{words::LABEL_SELECTION}</dd></div>
                };
                return row.into_any();
            }
            let keys = c.keys.iter().map(|k| view! { <kbd>{shown_key(k)}</kbd>" " }).collect_view();
            view! { <div><dt>{keys}</dt><dd>{c.title}</dd></div> }.into_any()
        });
        view! { <section><h3>{group.title()}</h3><dl>{rows.collect_view()}</dl></section> }
    });
    let with_hands = GESTURES.map(|(how, what)| view! { <div><dt>{how}</dt><dd>{what}</dd></div> });
    view! {
        <Shade label=commands::HELP id="help">
            <h2>{commands::HELP}</h2>
            <div class="sheet">
                {groups.collect_view()}
                <section><h3>{words::MOUSE_AND_TOUCH}</h3><dl>{with_hands}</dl></section>
            </div>
        </Shade>
    }
}

#[component]
fn LinkField() -> impl IntoView {
    let session = use_session();
    let input = NodeRef::<html::Input>::new();
    focus_when_there(input);
    view! {
        <Shade label=words::LINK id="link">
            <h2>{words::LINK}</h2>
            <p>{words::NO_CLIPBOARD}</p>
            {move || open::left_out_of_link(session).map(|but| view! { <p class="warned">{but}</p> })}
            <input id="link-text" node_ref=input type="text" readonly prop:value=move || session.link_text.get()
                on:focus=move |_| if let Some(i) = input.get_untracked() { i.select() }/>
        </Shade>
    }
}

/// Gives the focus to a dialog, unless something in it takes it, and back to what had it before once no
/// dialog is left. (What is behind the dialog is inert, so that the focus stays in it.)
fn take_focus(dialog: NodeRef<html::Div>) {
    let before = document().active_element().and_then(|e| e.dyn_into::<HtmlElement>().ok());
    // Of nothing the body is named, and what is in the dialog before goes with it.
    let is_outside = |e: &HtmlElement| {
        Some(e) != document().body().as_ref() && matches!(e.closest(".shade"), Ok(None))
    };
    if let Some(before) = before.filter(is_outside) {
        BEFORE.set(Some(before));
    }
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            request_animation_frame(move || {
                let now = document().active_element();
                if !dialog.contains(now.as_ref().map(AsRef::as_ref)) {
                    // A dialog that is on the page takes the focus.
                    let _ = dialog.focus();
                }
            });
        }
    });
    on_cleanup(move || {
        request_animation_frame(move || {
            let is_last = matches!(document().query_selector(".shade"), Ok(None));
            if let Some(before) = is_last.then(|| BEFORE.take()).flatten() {
                // Gone, if the dialog has led to another page.
                let _ = before.focus();
            }
        });
    });
}

/// Puts the focus into an input and selects its text, once it is on the page.
pub fn focus_when_there(input: NodeRef<html::Input>) {
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            request_animation_frame(move || {
                // An input that is on the page takes the focus.
                let _ = input.focus();
                input.select();
            });
        }
    });
}
