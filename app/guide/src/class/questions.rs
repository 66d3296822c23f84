//! What members ask, most wanted first: others vote for it, the leader is done with it.

use leptos::prelude::*;
use spyhop_api::room::{Area, FromMember};
use spyhop_api::{View, Wish};

use super::following::Following;
use super::room::Room;
use super::words;
use crate::viewer::use_viewer;

/// The questions of the class.
#[component]
pub fn Asked(room: Room, following: Following) -> impl IntoView {
    let viewer = use_viewer();
    let rows = Memo::new(move |_| {
        let mut asked = room.state.with(|state| state.asked.clone());
        asked.sort_by_key(|asked| std::cmp::Reverse(asked.votes));
        asked
    });
    let votes = move |id: u32| {
        let count =
            rows.with(|rows| rows.iter().find(|row| row.id == id).map_or(0, |row| row.votes));
        format!("▲ {count}")
    };
    let is_leader = room.is_leader();
    let me = room.id();
    let show = move |area: Area| {
        following.looked_at.set(Some(area));
        if is_leader {
            // Whoever leads goes there, and all with them.
            let view = viewer.shown.with_untracked(|shown| around(&shown.view, &area));
            viewer.ask(&Wish::Show { view, travel_ms: 300 });
        }
    };
    view! {
        <ul id="class-asked" class="class-list">
            <For each=move || rows.get() key=|asked| asked.id let:asked>
                <li data-asked=asked.id.to_string()>
                    <p>{asked.text.clone()}
                        <span class="dim">" "{words::member(asked.member, &asked.name)}</span>
                    </p>
                    <div class="class-row">
                        {(!is_leader && asked.member != me).then(|| {
                            let voted = move || room.mine.with(|mine| mine.votes.contains(&asked.id));
                            view! {
                                <button data-vote=asked.id.to_string() aria-pressed=move || voted().to_string()
                                    aria-label=words::WANT_TO_KNOW title=words::WANT_TO_KNOW
                                    on:click=move |_| room.say(FromMember::Vote {
                                        asked: asked.id,
                                        on: !untrack(voted),
                                    })
                                >{move || votes(asked.id)}</button>
                            }
                        })}
                        {(is_leader || asked.member == me).then(|| view! {
                            <span class="class-votes">{move || votes(asked.id)}</span>
                        })}
                        {asked.area.filter(|_| is_leader).map(|area| view! {
                            <button on:click=move |_| show(area)>{words::SHOW_WHERE}</button>
                        })}
                        {is_leader.then(|| view! {
                            <button data-done=asked.id.to_string() on:click=move |_| {
                                following.looked_at.set(None);
                                room.say(FromMember::Dismiss { asked: asked.id });
                            }>{words::DONE_WITH}</button>
                        })}
                    </div>
                </li>
            </For>
        </ul>
    }
}

/// The box that is selected in a view.
pub fn area_of_selection(query: &str) -> Option<Area> {
    let selection = super::follow::selected(query)?;
    Some(Area { start: selection.start, span_ns: selection.span_ns, band_hz: selection.band_hz })
}

/// The part of a recording that a view shows; none where it shows all of it.
pub fn area_of_view(query: &str) -> Option<Area> {
    let view = View::from_query(query).0;
    let (start, span_ns) = view.start.zip(view.span_ns)?;
    // The whole band has no upper edge of its own.
    Some(Area { start, span_ns, band_hz: view.band_hz.unwrap_or((0.0, WHOLE_BAND_HZ)) })
}

/// Higher than anything that is recorded, Hz.
const WHOLE_BAND_HZ: f64 = 1e6;

/// A view like another, moved to where an area is in its middle if it shows a part.
fn around(query: &str, area: &Area) -> String {
    let mut view = View::from_query(query).0;
    if let Some(span_ns) = view.span_ns {
        let shown_ns = span_ns.max(area.span_ns.saturating_mul(2));
        let before_ns = (shown_ns - area.span_ns) / 2;
        view.span_ns = Some(shown_ns);
        view.start = Some(super::follow::moved(area.start, -before_ns));
    }
    view.to_query()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Moment;
    use spyhop_api::view::Source;

    #[test]
    fn a_question_is_shown_in_the_middle_of_the_picture() {
        let view = View {
            source: Source::Deployment { id: "bay".into(), recording: None },
            start: Some(Moment::Elapsed(0)),
            span_ns: Some(10_000_000_000),
            ..View::default()
        };
        let area = Area {
            start: Moment::Elapsed(60_000_000_000),
            span_ns: 2_000_000_000,
            band_hz: (0.0, 1.0),
        };
        let there = View::from_query(&around(&view.to_query(), &area)).0;
        assert_eq!(there.start, Some(Moment::Elapsed(56_000_000_000)));
        assert_eq!(there.span_ns, view.span_ns);
    }

    #[test]
    fn a_view_of_everything_is_no_part() {
        assert_eq!(area_of_view("v=1&src=set:bay"), None);
        let part = area_of_view("v=1&src=set:bay&t=2024-06-01T12:00:05Z&span=4");
        assert_eq!(part.map(|area| area.span_ns), Some(4_000_000_000));
    }
}
