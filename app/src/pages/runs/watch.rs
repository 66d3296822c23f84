//! Runs as the server tells of them, again and again while one is trained.

use std::collections::{BTreeMap, BTreeSet};

use gloo::timers::callback::Interval;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::run::{RunDetail, RunList, RunSummary};

use crate::server::{ServerError, runs};

/// How often the server is asked, ms.
const EVERY_MS: u32 = 2000;

/// What is known of the runs; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Watched {
    /// The runs; `None` before the first answer.
    pub list: RwSignal<Option<RunList>>,
    /// Those whose curves were asked for, by id.
    pub details: RwSignal<BTreeMap<String, RunDetail>>,
    /// Why there is no answer.
    pub failure: RwSignal<Option<ServerError>>,
    shows: fn(&RunSummary) -> bool,
}

impl Watched {
    /// Asks now, and every two seconds as long as the page is shown; of those that `shows` says no of nothing
    /// is kept.
    pub fn start(shows: fn(&RunSummary) -> bool) -> Watched {
        let watched = Watched {
            list: RwSignal::new(None),
            details: RwSignal::new(BTreeMap::new()),
            failure: RwSignal::new(None),
            shows,
        };
        watched.ask();
        let timer = StoredValue::new_local(Some(Interval::new(EVERY_MS, move || watched.ask())));
        on_cleanup(move || timer.set_value(None));
        watched
    }

    /// Asks for the curves of the runs that are named: once of those that have ended.
    pub fn follow(self, wanted: impl Fn() -> BTreeSet<String> + 'static) {
        Effect::new(move |_| {
            self.list.track();
            for id in wanted() {
                let known = self.details.with_untracked(|d| d.get(&id).map(|d| d.run.at_ms));
                let now = self.run(&id);
                let is_old = match (&now, known) {
                    (Some(now), Some(known)) => now.at_ms != known,
                    (now, _) => now.is_some(),
                };
                if is_old {
                    self.ask_for(id);
                }
            }
        });
    }

    /// One run of the list.
    pub fn run(self, id: &str) -> Option<RunSummary> {
        self.list.with(|list| list.as_ref()?.runs.iter().find(|run| run.id == id).cloned())
    }

    fn ask(self) {
        spawn_local(async move {
            let answer = runs::list().await;
            // Of signals whose page has gone nothing is heard.
            match answer {
                Ok(mut list) => {
                    list.runs.retain(self.shows);
                    self.failure.try_set(None);
                    let is_known =
                        self.list.try_with_untracked(|known| known.as_ref() == Some(&list));
                    if is_known == Some(false) {
                        self.list.try_set(Some(list));
                    }
                }
                Err(error) => {
                    self.failure.try_set(Some(error));
                }
            }
        });
    }

    fn ask_for(self, id: String) {
        spawn_local(async move {
            match runs::detail(&id).await {
                Ok(detail) => {
                    self.details.try_update(|details| details.insert(id, detail));
                }
                Err(error) => {
                    self.failure.try_set(Some(error));
                }
            }
        });
    }
}
