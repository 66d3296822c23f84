//! A task for the class: boxes round the calls of a part of the recording, and how everybody stands at it.

use leptos::prelude::*;
use spyhop_api::room::{FromMember, LabelCount, MOST_TEXT, TaskRow};

use super::super::questions::{area_of_selection, area_of_view};
use super::super::room::Room;
use super::super::words;
use super::known_labels::known_labels;
use crate::viewer::Viewer;

/// The task that is set, or the form of one.
#[component]
pub fn TaskOfClass(viewer: Viewer, room: Room) -> impl IntoView {
    let has_task = Memo::new(move |_| room.state.with(|state| state.task.is_some()));
    move || match has_task.get() {
        true => view! { <Standing room/> }.into_any(),
        false => view! { <SetTask viewer room/> }.into_any(),
    }
}

#[component]
fn SetTask(viewer: Viewer, room: Room) -> impl IntoView {
    let text = RwSignal::new(words::TASK_TEXT_FIRST.to_owned());
    let label = RwSignal::new(String::new());
    let shows_missed = RwSignal::new(true);
    let area = Memo::new(move |_| {
        viewer
            .shown
            .with(|shown| area_of_selection(&shown.view).or_else(|| area_of_view(&shown.view)))
    });
    let known = known_labels(room, area);
    let is_unlabelled = Memo::new(move |_| known.with(|k| k.as_ref().is_some_and(Vec::is_empty)));
    Effect::new(move |_| {
        known.track();
        // What is no longer in the picture is not asked for unseen.
        let is_there = |held: &String| known.with(|k| has_label(k.as_deref(), held));
        if label.with_untracked(|held| !held.is_empty() && !is_there(held)) {
            label.set(String::new());
        }
    });
    view! {
        <section class="class-section">
            <form class="class-form" on:submit=move |ev| {
                ev.prevent_default();
                let Some(area) = area.get_untracked() else { return };
                room.say(FromMember::SetTask {
                    text: text.get_untracked(),
                    label: label.get_untracked().trim().to_owned(),
                    area,
                    least_overlap: None,
                    shows_missed: shows_missed.get_untracked(),
                    calls: Vec::new(),
                });
            }>
                <h2>{words::TASK_TITLE}</h2>
                <p class="dim">{words::TASK_HELP}</p>
                <label class="class-field"><span>{words::TASK_TEXT}</span>
                    <input id="class-task-text" type="text" maxlength=MOST_TEXT.to_string() autocomplete="off"
                        prop:value=move || text.get() on:input=move |ev| text.set(event_target_value(&ev))/>
                </label>
                <label class="class-field"><span>{words::TASK_LABEL}</span>
                    <select id="class-task-label" on:change=move |ev| label.set(event_target_value(&ev))>
                        {move || {
                            let known = known.get().unwrap_or_default();
                            let all = known.iter().map(|one| one.count).sum();
                            let every = view! {
                                <option value="" prop:selected=move || label.with(String::is_empty)>
                                    {words::every_label(all)}
                                </option>
                            };
                            // Those without a name are found among all of them alone.
                            let named = known.into_iter().filter(|one| !one.label.is_empty());
                            let each = named.map(|one| {
                                let (text, value) = (words::label_count(&one), one.label);
                                let this = value.clone();
                                let is_chosen = move || label.with(|held| *held == this);
                                view! { <option value=value prop:selected=is_chosen>{text}</option> }
                            });
                            (every, each.collect_view())
                        }}
                    </select>
                </label>
                <label class="class-check">
                    <input id="class-task-missed" type="checkbox" prop:checked=move || shows_missed.get()
                        on:change=move |ev| shows_missed.set(event_target_checked(&ev))/>
                    {words::TASK_SHOWS_MISSED}
                </label>
                <Show when=move || area.with(Option::is_none)><p class="warned">{words::TASK_NEEDS_PART}</p></Show>
                <Show when=move || is_unlabelled.get()><p class="warned">{words::TASK_NEEDS_LABELS}</p></Show>
                <button id="class-set-task" class="primary" type="submit"
                    disabled=move || !room.is_live() || is_unlabelled.get() || area.with(Option::is_none)
                >{words::SET_TASK}</button>
            </form>
        </section>
    }
}

/// Whether a label is among those that are known.
fn has_label(known: Option<&[LabelCount]>, label: &str) -> bool {
    known.is_some_and(|known| known.iter().any(|one| one.label == label))
}

#[component]
fn Standing(room: Room) -> impl IntoView {
    let task = Memo::new(move |_| room.state.with(|state| state.task.clone()));
    let rows = Memo::new(move |_| {
        let (results, members) = room.class.with(|c| (c.results.clone(), c.members.clone()));
        let name = |id: u32| {
            let member = members.iter().find(|member| member.id == id);
            words::member(id, member.map(|member| member.name.as_str()).unwrap_or_default())
        };
        results.into_iter().map(|row| (name(row.member), row)).collect::<Vec<_>>()
    });
    let members = move || room.class.with(|class| (class.following + class.away) as usize);
    let mastered = move || rows.with(|rows| rows.iter().filter(|(_, row)| row.is_mastered).count());
    let is_solved =
        Memo::new(move |_| task.with(|t| t.as_ref().is_some_and(|t| !t.solution.is_empty())));
    view! {
        <section class="class-section">
            {move || task.get().map(|task| view! {
                <h2>{task.text}</h2>
                <p class="dim">{words::to_find(task.calls, &task.label)}</p>
            })}
            <p id="class-task-told" role="status">
                {move || words::task_counts(rows.with(Vec::len), members(), mastered())}
            </p>
            <Show when=move || rows.with(|rows| !rows.is_empty())>
                <table id="class-results" class="class-results">
                    <thead><tr>{words::RESULT_COLUMNS.map(|title| view! { <th scope="col">{title}</th> })}</tr></thead>
                    <tbody>
                        <For each=move || rows.get() key=|row| format!("{row:?}") let:row>
                            <Row name=row.0 row=row.1/>
                        </For>
                    </tbody>
                </table>
            </Show>
            <div class="class-choices">
                <button id="class-solve" disabled=move || is_solved.get()
                    on:click=move |_| room.say(FromMember::Solve)>{words::SOLVE}</button>
                <button id="class-drop-task" on:click=move |_| room.say(FromMember::DropTask)>{words::DROP_TASK}</button>
            </div>
        </section>
    }
}

#[component]
fn Row(name: String, row: TaskRow) -> impl IntoView {
    view! {
        <tr data-member=row.member.to_string() data-mastered=row.is_mastered.to_string()>
            <th scope="row">{name}{row.is_mastered.then_some(" ✓")}</th>
            <td>{row.tries}</td><td>{row.right}</td><td>{row.wrong}</td><td>{row.missed}</td>
        </tr>
    }
}
