//! The address bar: every change of the view is written there, and back and forward read it.
//!
//! While a gesture lasts the current entry is rewritten at most four times a second; when it rests,
//! that entry gets its old view back and the new view becomes one new entry.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::view::Source;
use web_sys::wasm_bindgen::JsValue;

use crate::guide;
use crate::pages::ServerPage;
use crate::session::{NoticeKind, Session, Stage};

/// Least time between two rewrites during a gesture, ms.
const REWRITE_MS: u32 = 250;
/// How long the view must rest until it becomes an entry of its own, ms.
const REST_MS: u32 = 450;

/// Keys of the query that belong to the page, not to the view: `gpu=off|force`, `embed=1` within another
/// page, `share=ID` after a short link was opened, as long as the same is shown.
const PAGE_KEYS: [&str; 3] = ["gpu", "embed", "share"];

/// Keeps the address and the view in step; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Link {
    session: Session,
    /// The query of the current history entry.
    entry: StoredValue<String>,
    rewrite: StoredValue<Option<Timeout>, LocalStorage>,
    rest: StoredValue<Option<Timeout>, LocalStorage>,
}

impl Link {
    /// Reads the address into the view and begins to write the view into the address.
    pub fn start(session: Session) -> Link {
        let link = Link {
            session,
            entry: StoredValue::new(String::new()),
            rewrite: StoredValue::new_local(None),
            rest: StoredValue::new_local(None),
        };
        link.read();
        link.entry.set_value(session.view.with_untracked(View::to_query));
        Effect::new(move |_| {
            session.view.track();
            link.changed();
        });
        let back = window_event_listener(leptos::ev::popstate, move |_| link.went());
        on_cleanup(move || back.remove());
        link
    }

    /// Makes what is shown an entry of the history now.
    pub fn commit(&self) {
        self.rewrite.set_value(None);
        self.rest.set_value(None);
        let query = self.session.view.with_untracked(View::to_query);
        let entry = self.entry.get_value();
        let is_page = page().is_some();
        if query == entry && !is_page {
            return;
        }
        if !is_page {
            write(&entry, false);
        }
        write(&query, true);
        self.entry.set_value(query);
    }

    /// Takes what a guide shows for the entry that the history has: a story is one step to go back over.
    pub fn amend(&self) {
        self.follow();
        write(&self.entry.get_value(), false);
    }

    /// The same while the picture moves, and without a word in the address: browsers count those.
    pub fn follow(&self) {
        self.rewrite.set_value(None);
        self.rest.set_value(None);
        self.entry.set_value(self.session.view.with_untracked(View::to_query));
    }

    /// Makes a page an entry of the history, once the view is empty.
    pub fn commit_page(&self, shown: &ServerPage) {
        self.rewrite.set_value(None);
        self.rest.set_value(None);
        if page().is_none() {
            write(&self.entry.get_value(), false);
        }
        write(&shown.to_query(), true);
        self.entry.set_value(self.session.view.with_untracked(View::to_query));
    }

    /// The whole link of what is shown.
    pub fn address(&self) -> String {
        let base = window().location().href().unwrap_or_default();
        let base = base.split(['?', '#']).next().unwrap_or_default().to_owned();
        format!("{base}?{}", self.session.view.with_untracked(View::to_query))
    }

    fn changed(&self) {
        let query = self.session.view.with_untracked(View::to_query);
        if query == self.entry.get_value() {
            return;
        }
        if page().is_some() {
            // Something was opened from a page: that page stays the entry before.
            return self.commit();
        }
        if self.is_amendment() {
            write(&query, false);
            self.entry.set_value(query);
            return;
        }
        let link = *self;
        if self.rewrite.with_value(Option::is_none) {
            let rewrite = Timeout::new(REWRITE_MS, move || {
                link.rewrite.set_value(None);
                write(&link.session.view.with_untracked(View::to_query), false);
            });
            self.rewrite.set_value(Some(rewrite));
        }
        self.rest.set_value(Some(Timeout::new(REST_MS, move || link.commit())));
    }

    /// Whether the page only set the contrast that the entry left open: no step to go back by.
    fn is_amendment(&self) -> bool {
        let (mut entry, _) = View::from_query(&self.entry.get_value());
        let now = self.session.view.get_untracked();
        if entry.colour.range_db.is_some() || entry.source == Source::None {
            return false;
        }
        entry.colour.range_db = now.colour.range_db;
        keep_run_of_tab(&mut entry, &now);
        entry == now
    }

    /// Back or forward was pressed.
    fn went(&self) {
        self.rewrite.set_value(None);
        self.rest.set_value(None);
        self.session.notices.set(Vec::new());
        let before = self.session.view.with_untracked(|v| (v.source.clone(), v.reading.clone()));
        self.read();
        self.entry.set_value(self.session.view.with_untracked(View::to_query));
        let is_other =
            self.session.view.with_untracked(|v| (&v.source, &v.reading) != (&before.0, &before.1));
        let was_page = self.session.stage.with_untracked(|s| matches!(s, Stage::Server(_)));
        if is_other || page().is_some() || was_page {
            crate::open::from_link(self.session);
        }
    }

    fn read(&self) {
        let query = window().location().search().unwrap_or_default();
        let (mut view, errors) = View::from_query(&query);
        let now = self.session.view.get_untracked();
        keep_run_of_tab(&mut view, &now);
        for error in errors {
            self.session.tell(NoticeKind::Warning, error.to_string());
        }
        self.session.view.set(view);
    }
}

/// The run of this tab stays shown while the view becomes another of the same recordings, whoever asks for
/// that: no address names what was found in a browser. A run of the server's is shown where it is asked for.
pub fn keep_run_of_tab(next: &mut View, now: &View) {
    let is_same = (&now.source, &now.reading) == (&next.source, &next.reading);
    if is_same && next.calls.is_none() {
        next.calls = now.calls.clone().filter(|shown| shown.run < 0);
    }
}

/// The page that the address names; none within another page, which shows a picture alone.
pub fn page() -> Option<ServerPage> {
    let search = window().location().search().unwrap_or_default();
    (!is_embedded()).then(|| ServerPage::from_query(&search)).flatten()
}

/// Whether this is shown within another page, which may lay something over it to be clicked in its place:
/// nothing is changed from here.
pub fn is_embedded() -> bool {
    page_key("embed").as_deref() == Some("1")
}

/// Writes what a page now shows over the entry of that page, which is the current one.
pub fn amend_page(shown: &ServerPage) {
    if page().is_some() {
        write(&shown.to_query(), false);
    }
}

/// The page's link.
pub fn use_link() -> Link {
    expect_context::<Link>()
}

/// Writes a query into the address, as a new entry or over the current one.
fn write(query: &str, new_entry: bool) {
    let Ok(history) = window().history() else { return };
    let kept = kept_keys(&window().location().search().unwrap_or_default(), query);
    let query = if query == View::default().to_query() { "" } else { query };
    let joined = [query, &kept].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("&");
    let path = window().location().pathname().unwrap_or_default();
    let url = if joined.is_empty() { path } else { format!("{path}?{joined}") };
    let null = JsValue::NULL;
    // Browsers refuse more than about a hundred entries in half a minute: the view goes on without.
    let _ = if new_entry {
        history.push_state_with_url(&null, "", Some(&url))
    } else {
        history.replace_state_with_url(&null, "", Some(&url))
    };
}

/// One of the page's own keys in its address.
pub fn page_key(key: &str) -> Option<String> {
    let search = window().location().search().unwrap_or_default();
    let mut pairs = search.trim_start_matches('?').split('&').filter_map(|p| p.split_once('='));
    pairs.find(|(k, _)| *k == key).map(|(_, value)| value.to_owned())
}

/// The page's own keys of a query, joined, as far as they go with a new one.
fn kept_keys(search: &str, query: &str) -> String {
    let pairs = || search.trim_start_matches('?').split('&');
    let source = |pair: &str| pair.starts_with("src=");
    let is_same = pairs().filter(|p| source(p)).eq(query.split('&').filter(|p| source(p)));
    // Who goes to the first page or to one of the server's has left the story.
    let is_left = pairs().any(source) && !query.split('&').any(source);
    let own = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        match key {
            "share" => is_same,
            _ => PAGE_KEYS.contains(&key) || (guide::KEYS.contains(&key) && !is_left),
        }
    };
    pairs().filter(own).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use spyhop_api::view::ShownCalls;

    use super::*;

    #[test]
    fn another_view_of_the_same_files_keeps_the_run_of_the_tab() {
        let (file, _) = View::from_query("v=1&src=url:https://example.org/a.wav&t=1s&span=2");
        let shown = |run: i64, view: &View| {
            let calls = Some(ShownCalls { run, thresholds: vec![0.7] });
            View { calls, ..view.clone() }
        };
        let mut whole = View { start: None, span_ns: None, ..file.clone() };
        assert_ne!(whole.source, Source::None);
        let kept = |now: &View, next: &View| {
            let mut next = next.clone();
            keep_run_of_tab(&mut next, now);
            next.calls.map(|kept| (kept.run, kept.thresholds))
        };
        assert_eq!(kept(&shown(-1, &file), &whole), Some((-1, vec![0.7])));
        assert_eq!(kept(&shown(3, &file), &whole), None, "a server's stands in the address");
        let asked = shown(3, &whole);
        assert_eq!(kept(&shown(-1, &file), &asked), Some((3, vec![0.7])), "it is asked for");
        whole.source = Source::None;
        assert_eq!(kept(&shown(-1, &file), &whole), None, "of what is no longer open");
    }

    #[test]
    fn the_pages_own_keys_stay_in_the_address() {
        assert_eq!(kept_keys("?v=1&gpu=force&t=1s", "v=1"), "gpu=force");
        assert_eq!(kept_keys("?gpux=1", "v=1"), "");
        let shared = "?v=1&src=set:bay&t=1s&share=abc&embed=1";
        assert_eq!(kept_keys(shared, "v=1&src=set:bay&t=2s"), "share=abc&embed=1");
        assert_eq!(kept_keys(shared, "v=1&src=set:cove"), "embed=1", "something else is shown");
        let story = "?story=abc&step=2";
        assert_eq!(kept_keys(story, "v=1&src=set:cove"), "story=abc&step=2");
        let later = "?v=1&src=set:cove&story=abc&step=2";
        assert_eq!(kept_keys(later, "v=1&src=set:bay"), "story=abc&step=2", "its next step");
        assert_eq!(kept_keys(later, "v=1"), "", "the first page");
    }
}
