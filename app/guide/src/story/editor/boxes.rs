//! Boxes that a step lays over the picture: each is drawn as a selection, and then named.

use leptos::prelude::*;
use spyhop_api::story::{MOST_LINE_BYTES, MOST_MARKS};
use spyhop_api::{Mark, MarkKind, View};
use spyhop_words::story::boxes as words;

use super::{Desk, focus};

/// What a box may be, with words for whoever chooses.
const KINDS: [(&str, MarkKind, &str); 3] = [
    ("question", MarkKind::Question, words::POINTS_OUT),
    ("answer", MarkKind::Answer, words::IS_SAID),
    ("truth", MarkKind::Truth, words::AFTER_ANSWER),
];

/// The boxes of a step.
#[component]
pub fn Boxes(desk: Desk, step: usize) -> impl IntoView {
    let marks = desk.step_now(step).map(|s| s.marks).unwrap_or_default();
    let count = marks.len();
    let selection = Memo::new(move |_| {
        desk.play.viewer.shown.with(|shown| View::from_query(&shown.view).0.selection)
    });
    let cannot = move || selection.get().is_none() || count >= MOST_MARKS;
    let add = move |_| {
        let Some(selection) = selection.get_untracked() else { return };
        let mark = Mark {
            start: selection.start,
            span_ns: selection.span_ns,
            band_hz: selection.band_hz,
            text: String::new(),
            kind: MarkKind::Question,
        };
        desk.change_step(step, |s| s.marks.push(mark));
        desk.renew();
        focus::on(".mark-text", ".story-box");
    };
    let change = move |at: usize, change: &dyn Fn(&mut Mark)| {
        desk.change_step(step, |s| {
            if let Some(mark) = s.marks.get_mut(at) {
                change(mark);
            }
        });
    };
    let rows = marks.into_iter().enumerate().map(|(at, mark)| {
        view! {
            <div class="story-row">
                <input class="mark-text" type="text" maxlength=MOST_LINE_BYTES.to_string()
                    aria-label=words::text_of(at + 1) placeholder=words::TEXT
                    prop:value=mark.text.clone()
                    on:input=move |ev| {
                        let text = event_target_value(&ev);
                        change(at, &|mark| mark.text.clone_from(&text));
                    }/>
                <select class="mark-kind" aria-label=words::kind_of(at + 1)
                    on:change=move |ev| {
                        let name = event_target_value(&ev);
                        if let Some((_, kind, _)) = KINDS.iter().find(|(own, ..)| *own == name) {
                            change(at, &|mark| mark.kind = *kind);
                        }
                    }>
                    {KINDS.map(|(name, kind, told)| view! {
                        <option value=name prop:selected={mark.kind == kind}>{told}</option>
                    })}
                </select>
                <button class="icon" aria-label=words::remove(at + 1) on:click=move |_| {
                    desk.change_step(step, |s| if at < s.marks.len() { s.marks.remove(at); });
                    desk.renew();
                    focus::on(".story-box:enabled", ".mark-text");
                }>"×"</button>
            </div>
        }
    });
    let rows = rows.collect_view();
    view! {
        {rows}
        <button class="story-box" disabled=cannot
            title=words::ADD_HELP on:click=add
        >{words::ADD}</button>
    }
}
