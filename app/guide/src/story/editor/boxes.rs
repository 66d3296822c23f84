//! Boxes that a step lays over the picture: each is drawn as a selection, and then named.

use leptos::prelude::*;
use spyhop_api::story::{MOST_LINE_BYTES, MOST_MARKS};
use spyhop_api::{Mark, MarkKind, View};

use super::Desk;

/// What a box may be, with words for whoever chooses.
const KINDS: [(&str, MarkKind, &str); 3] = [
    ("question", MarkKind::Question, "points something out"),
    ("answer", MarkKind::Answer, "is said"),
    ("truth", MarkKind::Truth, "is shown after the answer"),
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
                    aria-label=format!("What stands at box {}", at + 1) placeholder="What stands at it"
                    prop:value=mark.text.clone()
                    on:input=move |ev| {
                        let text = event_target_value(&ev);
                        change(at, &|mark| mark.text.clone_from(&text));
                    }/>
                <select class="mark-kind" aria-label=format!("What box {} does", at + 1)
                    on:change=move |ev| {
                        let name = event_target_value(&ev);
                        if let Some((_, kind, _)) = KINDS.iter().find(|(own, ..)| *own == name) {
                            change(at, &|mark| mark.kind = *kind);
                        }
                    }>
                    {KINDS.map(|(name, kind, words)| view! {
                        <option value=name prop:selected={mark.kind == kind}>{words}</option>
                    })}
                </select>
                <button class="icon" aria-label=format!("Remove box {}", at + 1) on:click=move |_| {
                    desk.change_step(step, |s| if at < s.marks.len() { s.marks.remove(at); });
                    desk.renew();
                }>"×"</button>
            </div>
        }
    });
    let rows = rows.collect_view();
    view! {
        {rows}
        <button class="story-box" disabled=cannot
            title="Draw a box on the picture first" on:click=add
        >"Add the selected box"</button>
    }
}
