//! Who is here, and whose screen is shown to all.

use leptos::prelude::*;
use spyhop_api::Wish;
use spyhop_api::room::{FromMember, MemberRow, Standing};

use super::super::room::Room;
use super::super::words;
use crate::viewer::Viewer;

/// The members, those who look on their own first.
#[component]
pub fn People(room: Room) -> impl IntoView {
    let rows = Memo::new(move |_| {
        let mut rows = room.class.with(|class| class.members.clone());
        let rank = |row: &MemberRow| match row.standing {
            Standing::Away => 0,
            Standing::Following => 1,
            Standing::Gone => 2,
        };
        rows.sort_by_key(|row| (rank(row), row.id));
        rows
    });
    let spotlit = Memo::new(move |_| room.state.with(|s| s.spotlight.as_ref().map(|s| s.member)));
    view! {
        <section class="class-section">
            <Show when=move || rows.with(Vec::is_empty)><p class="dim">{words::NOBODY}</p></Show>
            <ul id="class-people" class="class-list">
                <For each=move || rows.get() key=|row| format!("{row:?}") let:row>
                    <li class="class-person" data-member=row.id.to_string()
                        data-standing=format!("{:?}", row.standing).to_lowercase()
                    >
                        <span class="class-person-name">{words::member(row.id, &row.name)}</span>
                        <span class="dim">{words::standing(&row)}</span>
                        {(row.standing != Standing::Gone).then(|| {
                            let id = row.id;
                            view! {
                                <button data-spotlight=id.to_string()
                                    aria-pressed=move || (spotlit.get() == Some(id)).to_string()
                                    on:click=move |_| {
                                        let member = (spotlit.get_untracked() != Some(id)).then_some(id);
                                        room.say(FromMember::Spotlight { member });
                                    }
                                >{words::SPOTLIGHT}</button>
                            }
                        })}
                    </li>
                </For>
            </ul>
        </section>
    }
}

/// Everybody follows the leader again, from where they were.
pub fn take_back(viewer: Viewer, room: Room) {
    let view = room.state.with_untracked(|state| state.shown.view.clone());
    room.say(FromMember::Spotlight { member: None });
    if !view.is_empty() {
        viewer.ask(&Wish::Show { view, travel_ms: 300 });
    }
}
