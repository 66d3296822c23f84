//! A class: one leads, the others follow on screens of their own.

mod address;
mod bar;
mod channel;
mod code;
mod counts;
mod door;
mod follow;
mod following;
mod in_step;
mod lead;
mod ledger;
mod marks;
mod pace;
mod patience;
mod questions;
mod requests;
mod room;
mod student;
mod task;
mod telling;
mod words;

use gloo::timers::callback::Interval;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use spyhop_api::room::{JoinRequest, Joined};
use spyhop_api::{Errand, Wish};

use crate::viewer::{Viewer, use_viewer};
use address::Address;
use following::Following;
use room::{Connection, Room};

/// The style sheet of classes, which nobody else fetches.
const STYLE: &str = "class.css";
/// How often the address is looked at: it loses the class where a person goes to the library, ms.
const ADDRESS_EVERY_MS: u32 = 1000;

/// What is on the screen of a class.
#[derive(Clone, Debug, PartialEq)]
enum Scene {
    /// No class.
    None,
    /// Whoever joins is asked how; the code, where it is known.
    Door(Option<String>),
    /// A class is begun, or its leader comes back to it.
    Entering,
    /// In the room.
    In { joined: Joined, leader_key: String, sounds: bool },
    /// The class is over.
    Over,
    /// It can't be led, and why.
    Trouble(String),
}

/// What is on the screen of a class, where there is one.
#[component]
pub fn Class() -> impl IntoView {
    let viewer = use_viewer();
    let scene = RwSignal::new(Scene::None);
    Effect::new(move |_| {
        let asked = viewer.address.with(|address| read(address));
        if let Some(asked) = asked.filter(|_| scene.get_untracked() == Scene::None) {
            go_in(viewer, scene, asked);
        }
    });
    Effect::new(move |_| {
        let errand = viewer.errand.get().map(|(_, errand)| errand);
        let is_free =
            matches!(scene.get_untracked(), Scene::None | Scene::Over | Scene::Trouble(_));
        if errand == Some(Errand::LeadClass) && is_free {
            go_in(viewer, scene, Address::Leads { code: None, key: None });
        }
    });
    Effect::new(move |is_worn: Option<bool>| {
        let is_needed = scene.with(|scene| *scene != Scene::None);
        if is_needed && is_worn != Some(true) {
            crate::wear_style(STYLE);
        }
        is_needed || is_worn == Some(true)
    });
    Effect::new(move |_| {
        let part = scene.with(|scene| match scene {
            Scene::None => "",
            Scene::In { joined: Joined { is_leader: true, .. }, .. } => "leader",
            Scene::In { .. } => "student",
            Scene::Door(_) | Scene::Entering | Scene::Over | Scene::Trouble(_) => "door",
        });
        let Some(root) = document().document_element() else { return };
        // A root element always takes an attribute, and gives it back.
        let _ = match part {
            "" => root.remove_attribute("data-class"),
            part => root.set_attribute("data-class", part),
        };
    });
    move || match scene.get() {
        Scene::None => ().into_any(),
        Scene::Door(code) => {
            view! { <door::Door viewer code enter=entering(scene) leave=leaving(viewer, scene)/> }
                .into_any()
        }
        Scene::Entering => view! { <door::Entering/> }.into_any(),
        Scene::In { joined, leader_key, sounds } => {
            view! { <InRoom viewer joined leader_key sounds scene/> }.into_any()
        }
        Scene::Over => view! { <door::Over leave=leaving(viewer, scene)/> }.into_any(),
        Scene::Trouble(why) => {
            let again = Callback::new(move |()| {
                go_in(viewer, scene, Address::Leads { code: None, key: None });
            });
            view! { <door::Trouble why again leave=leaving(viewer, scene)/> }.into_any()
        }
    }
}

/// Everything of a room that this member is in.
#[component]
fn InRoom(
    viewer: Viewer,
    joined: Joined,
    leader_key: String,
    sounds: bool,
    scene: RwSignal<Scene>,
) -> impl IntoView {
    let is_leader = joined.is_leader;
    room::keep(&joined);
    keep_in_address(&joined);
    let room = Room::enter(joined.clone(), leader_key);
    let following = Following::start(viewer, room, sounds);
    telling::start(viewer, room, following);
    Effect::new(move |_| {
        if room.connection.get() == Connection::Over {
            following.leave();
            drop_from_address();
            scene.set(Scene::Over);
        }
    });
    Effect::new(move |_| {
        if viewer.errand.get().is_some_and(|(_, errand)| errand == Errand::Leave) {
            // The page shows something else than a picture: that is to look around alone. Who leads stays.
            if untrack(|| following.is_led.get()) && !is_leader {
                following.break_away();
            }
        }
    });
    let kept = joined;
    let watch = SendWrapper::new(Interval::new(ADDRESS_EVERY_MS, move || keep_in_address(&kept)));
    on_cleanup(move || drop(watch));
    if is_leader {
        begin_where_the_class_is(viewer, room);
        view! { <lead::Lead viewer room following/> }.into_any()
    } else {
        let asks = RwSignal::new(false);
        view! {
            <bar::Bar viewer room following asks leave=leaving(viewer, scene)/>
            <student::Cards viewer room following asks/>
        }
        .into_any()
    }
}

/// A leader who comes back without a view of their own goes on where the class is.
fn begin_where_the_class_is(viewer: Viewer, room: Room) {
    let is_done = StoredValue::new(false);
    Effect::new(move |_| {
        let (is_live, shown) = (room.is_live(), room.state.with(|state| state.shown.view.clone()));
        if !is_live || is_done.get_value() {
            return;
        }
        is_done.set_value(true);
        if viewer.shown.with_untracked(|now| follow::is_empty(&now.view)) {
            viewer.ask(&Wish::Show { view: shown, travel_ms: 0 });
        }
    });
}

fn go_in(viewer: Viewer, scene: RwSignal<Scene>, asked: Address) {
    let (code, key) = match asked {
        Address::Asks => return scene.set(Scene::Door(None)),
        Address::Joins { code } => return scene.set(Scene::Door(Some(code))),
        Address::Leads { code, key } => (code, key),
    };
    scene.set(Scene::Entering);
    spawn_local(async move {
        let entered = match code {
            Some(code) => {
                let key = key.unwrap_or_else(|| room::kept_leader_key(&code));
                come_back(&code, key).await
            }
            None => begin(&viewer.shown.with_untracked(|shown| shown.view.clone())).await,
        };
        scene.set(match entered {
            Ok((joined, leader_key)) => Scene::In { joined, leader_key, sounds: false },
            Err(why) => {
                drop_from_address();
                Scene::Trouble(why)
            }
        });
    });
}

/// Begins a class of what is shown.
async fn begin(view: &str) -> Result<(Joined, String), String> {
    let made = requests::make(view).await.map_err(|error| error.message)?;
    come_back(&made.code, made.leader_key).await
}

/// Joins a class as the one who leads.
async fn come_back(code: &str, leader_key: String) -> Result<(Joined, String), String> {
    if leader_key.is_empty() {
        return Err(words::NO_KEY.to_owned());
    }
    let member = room::kept(code);
    let asked = JoinRequest { member, leader_key: leader_key.clone(), ..JoinRequest::default() };
    let joined = requests::join(code, &asked).await.map_err(|error| match error.status {
        404 | 410 => words::NO_ROOM.to_owned(),
        _ => error.message,
    })?;
    if !joined.is_leader {
        return Err(words::NO_KEY.to_owned());
    }
    room::keep_leader_key(&joined.code, &leader_key);
    Ok((joined, leader_key))
}

fn entering(scene: RwSignal<Scene>) -> Callback<(Joined, bool)> {
    Callback::new(move |(joined, sounds)| {
        scene.set(Scene::In { joined, leader_key: String::new(), sounds });
    })
}

/// Leaves the class, and goes on with the page: the first one, where nothing is shown.
fn leaving(viewer: Viewer, scene: RwSignal<Scene>) -> Callback<()> {
    Callback::new(move |()| {
        drop_from_address();
        scene.set(Scene::None);
        if viewer.shown.with_untracked(|shown| follow::is_empty(&shown.view)) {
            viewer.ask(&Wish::Show { view: String::new(), travel_ms: 0 });
        }
    })
}

fn read(address: &str) -> Option<Address> {
    let (rest, fragment) = address.split_once('#').unwrap_or((address, ""));
    let (_, query) = rest.split_once('?')?;
    Address::read(query, fragment)
}

/// Writes the class into the page's address where it is not, and takes the key out of it: so it is not in
/// what is copied or shown on a wall.
fn keep_in_address(joined: &Joined) {
    let location = window().location();
    let (search, hash) =
        (location.search().unwrap_or_default(), location.hash().unwrap_or_default());
    let kept = address::with_class(&search, &joined.code, joined.is_leader);
    if kept != search || hash.contains("key=") {
        replace_query(&kept);
    }
}

fn drop_from_address() {
    let search = window().location().search().unwrap_or_default();
    replace_query(&address::without_class(&search));
}

fn replace_query(query: &str) {
    let path = window().location().pathname().unwrap_or_default();
    if let Ok(history) = window().history() {
        // A browser that has enough of it keeps the address as it was.
        let _ = history.replace_state_with_url(
            &wasm_bindgen::JsValue::NULL,
            "",
            Some(&format!("{path}{query}")),
        );
    }
}
