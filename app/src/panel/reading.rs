//! How the files' clocks are read: what a person knows better than the files say.

use leptos::prelude::*;
use spyhop_api::view::Reading as Clocks;
use spyhop_api::{StartSource, Timestamp};
use spyhop_words::panel::reading as words;

use crate::session::{NoticeKind, Session, use_session};

/// The ways in which EARS clocks are read, with what a person calls them.
const EARS_CLOCKS: [(&str, &str); 3] = [
    ("unophysics", words::EARS_USUAL),
    ("readEARS", words::EARS_MATLAB),
    ("legacy", words::EARS_LEGACY),
];

/// Choices of the clock; each opens the files again.
#[component]
pub fn Reading() -> impl IntoView {
    let session = use_session();
    let settings = Memo::new(move |_| session.view.with(|v| v.reading.clone()));
    let ears = session
        .open
        .with_untracked(|o| o.as_ref().is_some_and(|o| o.infos.iter().any(|i| i.format == "ears")));
    // A zone helps where a name or a comment gave the time without one.
    let unsure = session.open.with_untracked(|o| {
        o.as_ref().is_some_and(|o| {
            o.infos.iter().any(|i| {
                i.start_source != StartSource::None
                    && !i.start_zone.is_empty()
                    && i.start_zone != "Z"
            })
        })
    });
    // One start for several files would lay them on top of each other.
    let one = session.open.with_untracked(|o| o.as_ref().is_some_and(|o| o.infos.len() == 1));
    let hours =
        move || settings.with(|s| s.zone_offset_s.map(|s| (f64::from(s) / 3600.0).to_string()));
    let start = move || settings.with(|s| s.start.map(|t| t.to_iso())).unwrap_or_default();
    view! {
        <fieldset id="reading">
            <legend>{words::CLOCK}</legend>
            {ears.then(|| view! {
                <label class="row">
                    <span>{words::EARS}</span>
                    <select id="ears-clock" on:change=move |ev| {
                        let name = event_target_value(&ev);
                        change(session, |s| s.ears_convention = name);
                    }>
                        {EARS_CLOCKS.map(|(id, words)| view! {
                            <option value=id selected=move || settings.with(|s| s.ears_convention == id)>{words}</option>
                        }).collect_view()}
                    </select>
                </label>
            })}
            {unsure.then(|| view! {
                <label class="row">
                    <span>{words::ZONE}</span>
                    <input id="zone-hours" class="number" type="number" step="0.25" min="-14" max="14"
                        placeholder=words::ZONE_USUAL prop:value=hours
                        on:change=move |ev| {
                            let hours = event_target_value(&ev).parse::<f64>().ok();
                            let seconds = hours.filter(|h| h.abs() <= 14.0).map(|h| (h * 3600.0) as i32);
                            change(session, |s| s.zone_offset_s = seconds);
                        }/>
                    {words::ZONE_HOURS}
                </label>
            })}
            {one.then(|| view! { <label class="row">
                <span>{words::START}</span>
                <input id="start-override" type="text" placeholder=words::START_FORM prop:value=start
                    on:change=move |ev| {
                        let text = event_target_value(&ev);
                        match (text.trim(), Timestamp::from_iso(text.trim())) {
                            ("", _) => change(session, |s| s.start = None),
                            (_, Ok(t)) => change(session, |s| s.start = Some(t)),
                            (_, Err(error)) => session.tell(NoticeKind::Error, error.to_string()),
                        }
                    }/>
            </label> })}
        </fieldset>
    }
}

fn change(session: Session, change: impl FnOnce(&mut Clocks)) {
    session.view.update(|v| change(&mut v.reading));
    crate::open::again(session);
}
