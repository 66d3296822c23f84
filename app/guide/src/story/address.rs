//! A story's keys in the page's address: which one, which step, and how it is shown.

use leptos::prelude::window;
use web_sys::wasm_bindgen::JsValue;

/// How a story is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Beside the picture, for one who reads.
    #[default]
    Reading,
    /// To a room.
    Presenting,
    /// On a screen that stands somewhere, for whoever comes by.
    Kiosk,
}

impl Mode {
    /// As it stands on the page.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Reading => "reading",
            Mode::Presenting => "presenting",
            Mode::Kiosk => "kiosk",
        }
    }
}

/// What an address says of a story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The story's id.
    pub story: String,
    /// Its step, counted from 0.
    pub step: usize,
    /// How it is shown.
    pub mode: Mode,
    /// After how many seconds without a touch a kiosk begins anew.
    pub idle_s: f64,
    /// Whether it is shown within another page.
    pub is_embedded: bool,
}

/// A kiosk begins anew after this long, s.
const IDLE_S: f64 = 60.0;

/// What an address asks for; `None` where it names no story.
pub fn read(address: &str) -> Option<Asked> {
    let story = value(address, "story").filter(|id| !id.is_empty())?;
    let is = |key: &str| value(address, key).as_deref() == Some("1");
    let number = |key: &str| value(address, key).and_then(|text| text.parse::<f64>().ok());
    Some(Asked {
        story,
        step: number("step").map_or(0, |n| (n.max(1.0) as usize) - 1),
        mode: match (is("kiosk"), is("present")) {
            (true, _) => Mode::Kiosk,
            (_, true) => Mode::Presenting,
            _ => Mode::Reading,
        },
        idle_s: number("idle").filter(|s| *s > 0.0 && s.is_finite()).unwrap_or(IDLE_S),
        is_embedded: is("embed"),
    })
}

/// The address as it is now.
pub fn now() -> String {
    window().location().href().unwrap_or_default()
}

/// Writes keys over those of the current entry of the history, or removes them; all else stays.
pub fn write(keys: &[(&str, Option<String>)]) {
    let url = with(&now(), keys);
    if let Ok(history) = window().history() {
        // Browsers refuse more than about a hundred changes in half a minute: the story goes on without.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url));
    }
}

/// An address with other keys; its fragment is left away.
pub fn with(address: &str, keys: &[(&str, Option<String>)]) -> String {
    let address = address.split('#').next().unwrap_or_default();
    let (page, query) = address.split_once('?').unwrap_or((address, ""));
    let named = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let kept = query.split('&').filter(|pair| !pair.is_empty());
    let kept = kept.filter(|pair| keys.iter().all(|(key, _)| named(pair) != *key));
    let new = keys.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
    let all: Vec<String> = kept.map(str::to_owned).chain(new).collect();
    if all.is_empty() { page.to_owned() } else { format!("{page}?{}", all.join("&")) }
}

fn value(address: &str, key: &str) -> Option<String> {
    let query = address.split('#').next()?.split_once('?')?.1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_step_is_shown_and_how() {
        let asked = read("http://x/?v=1&story=abc&step=3&present=1#k").unwrap_or_default();
        assert_eq!((asked.story.as_str(), asked.step, asked.mode), ("abc", 2, Mode::Presenting));
        assert_eq!(asked.idle_s, 60.0);
        let kiosk = read("http://x/?story=abc&step=-9&kiosk=1&idle=2").unwrap_or_default();
        assert_eq!((kiosk.step, kiosk.mode, kiosk.idle_s), (0, Mode::Kiosk, 2.0));
        assert_eq!(read("http://x/?v=1"), None);
        assert_eq!(read("http://x/?story="), None);
    }

    #[test]
    fn its_keys_change_and_the_views_stay() {
        let address = "http://x/app/?v=1&src=set:a&story=abc&step=3#k";
        let other = with(address, &[("step", Some("4".into())), ("present", Some("1".into()))]);
        assert_eq!(other, "http://x/app/?v=1&src=set:a&story=abc&step=4&present=1");
        let left = with(&other, &[("story", None), ("step", None), ("present", None)]);
        assert_eq!(left, "http://x/app/?v=1&src=set:a");
        assert_eq!(with("http://x/?step=1", &[("step", None)]), "http://x/");
    }
}
