//! What a person prefers, kept in this browser only.

use gloo::storage::{LocalStorage, Storage};
use leptos::prelude::*;
use spyhop_words::page::label_names as names;

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brightness {
    Dark,
    Light,
}

impl Brightness {
    fn name(self) -> &'static str {
        match self {
            Brightness::Dark => "dark",
            Brightness::Light => "light",
        }
    }
}

/// Preferences as signals; each change is stored at once.
#[derive(Clone, Copy)]
pub struct Prefs {
    pub brightness: RwSignal<Brightness>,
    /// Whether the page is shown to a room, by a projector; not stored.
    pub projector: RwSignal<bool>,
    pub letter_keys: RwSignal<bool>,
    pub panel: RwSignal<bool>,
    /// Names of the labels behind the keys 1 to 9.
    pub label_names: RwSignal<Vec<String>>,
    /// Whose labels these are, on a server.
    pub author: RwSignal<String>,
}

const THEME: &str = "spyhop.theme";
const LETTER_KEYS: &str = "spyhop.letterKeys";
const PANEL: &str = "spyhop.panel";
const AUTHOR: &str = "spyhop.author";
const LABEL_NAMES: &str = "spyhop.labelNames";
/// What a new person finds behind the keys 1 to 9.
const FIRST_NAMES: [&str; 9] = [
    names::WHISTLE,
    names::CLICKS,
    names::BUZZ,
    names::BURST_PULSE,
    names::UPCALL,
    names::SONG,
    names::SHIP,
    names::OTHER,
    names::UNSURE,
];

impl Prefs {
    /// Reads what is stored and keeps it up to date.
    pub fn load() -> Prefs {
        let dark = LocalStorage::get::<String>(THEME).map_or(true, |t| t != "light");
        let label_names: Vec<String> = LocalStorage::get(LABEL_NAMES)
            .ok()
            .filter(|n: &Vec<String>| n.len() == FIRST_NAMES.len())
            .unwrap_or_else(|| FIRST_NAMES.map(str::to_owned).to_vec());
        let wide = window_width() > 900.0;
        let prefs = Prefs {
            brightness: RwSignal::new(if dark { Brightness::Dark } else { Brightness::Light }),
            projector: RwSignal::new(false),
            letter_keys: RwSignal::new(LocalStorage::get(LETTER_KEYS).unwrap_or(true)),
            panel: RwSignal::new(wide && LocalStorage::get(PANEL).unwrap_or(true)),
            label_names: RwSignal::new(label_names),
            author: RwSignal::new(LocalStorage::get(AUTHOR).unwrap_or_default()),
        };
        Effect::new(move |_| {
            if let Some(root) = document().document_element() {
                // A root element always takes an attribute.
                let _ = root.set_attribute("data-theme", prefs.shown().name());
                let projector = prefs.projector.get().to_string();
                let _ = root.set_attribute("data-projector", &projector);
            }
        });
        Effect::new(move |_| store(THEME, &prefs.brightness.get().name()));
        Effect::new(move |_| store(LETTER_KEYS, &prefs.letter_keys.get()));
        Effect::new(move |_| store(PANEL, &prefs.panel.get()));
        Effect::new(move |_| store(LABEL_NAMES, &prefs.label_names.get()));
        Effect::new(move |_| store(AUTHOR, &prefs.author.get()));
        prefs
    }

    /// What the page looks like: on a wall nothing but light is read. Tracks.
    pub fn shown(&self) -> Brightness {
        if self.projector.get() { Brightness::Light } else { self.brightness.get() }
    }

    /// The other of light and dark.
    pub fn toggle_brightness(&self) {
        self.brightness.update(|b| {
            *b = match b {
                Brightness::Dark => Brightness::Light,
                Brightness::Light => Brightness::Dark,
            }
        });
    }
}

/// Width of the window, CSS pixels.
pub fn window_width() -> f64 {
    window().inner_width().ok().and_then(|w| w.as_f64()).unwrap_or(1024.0)
}

/// Where a browser refuses storage (private windows) preferences last as long as the page.
fn store<T: serde::Serialize>(key: &str, value: &T) {
    let _ = LocalStorage::set(key, value);
}
