//! What the address calls the server's own pages: `?page=jobs`, `?page=models`, `?page=runs`, `?page=library&search=bowhead`.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use spyhop_api::RecordingQuery;
use spyhop_words::pages::{models, names, runs};

/// A page that is of the server, and of no recording.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerPage {
    /// Its long work.
    Jobs,
    /// What it has to detect with.
    Models,
    /// What was trained on its machine.
    Runs,
    /// Its deployments in which all words are found.
    Library {
        /// The words; empty for all.
        search: String,
    },
    /// One deployment with the table of its recordings.
    Deployment {
        /// The deployment's id.
        id: String,
        /// What the table shows.
        shown: RecordingQuery,
    },
}

/// Names the page.
const PAGE: &str = "page";
const JOBS: &str = "jobs";
const MODELS: &str = "models";
const RUNS: &str = "runs";
const LIBRARY: &str = "library";
/// Names the deployment within the library.
const DEPLOYMENT: &str = "deployment";
const SEARCH: &str = "search";

impl ServerPage {
    /// The whole library.
    pub fn library() -> ServerPage {
        ServerPage::Library { search: String::new() }
    }

    /// A deployment with its table as usual.
    pub fn deployment(id: &str) -> ServerPage {
        ServerPage::Deployment { id: id.to_owned(), shown: RecordingQuery::default() }
    }

    /// Reads the page from a query; `None` where it names none.
    pub fn from_query(query: &str) -> Option<ServerPage> {
        match value(query, PAGE)?.as_str() {
            JOBS => Some(ServerPage::Jobs),
            MODELS => Some(ServerPage::Models),
            RUNS => Some(ServerPage::Runs),
            LIBRARY => Some(match value(query, DEPLOYMENT) {
                Some(id) => ServerPage::Deployment { id, shown: RecordingQuery::from_query(query) },
                None => ServerPage::Library { search: value(query, SEARCH).unwrap_or_default() },
            }),
            _ => None,
        }
    }

    /// Its query, without `?`.
    pub fn to_query(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        match self {
            ServerPage::Jobs => format!("{PAGE}={JOBS}"),
            ServerPage::Models => format!("{PAGE}={MODELS}"),
            ServerPage::Runs => format!("{PAGE}={RUNS}"),
            ServerPage::Library { search } if search.is_empty() => format!("{PAGE}={LIBRARY}"),
            ServerPage::Library { search } => {
                format!("{PAGE}={LIBRARY}&{SEARCH}={}", encoded(search))
            }
            ServerPage::Deployment { id, shown } => {
                let query = format!("{PAGE}={LIBRARY}&{DEPLOYMENT}={}", encoded(id));
                match shown.to_query() {
                    shown if shown.is_empty() => query,
                    shown => format!("{query}&{shown}"),
                }
            }
        }
    }

    /// What the browser's tab is called.
    pub fn title(&self) -> String {
        match self {
            ServerPage::Jobs => names::JOBS.to_owned(),
            ServerPage::Models => models::TITLE.to_owned(),
            ServerPage::Runs => runs::TITLE.to_owned(),
            ServerPage::Library { .. } => names::LIBRARY.to_owned(),
            ServerPage::Deployment { id, .. } => id.clone(),
        }
    }
}

fn value(query: &str, key: &str) -> Option<String> {
    let pairs = query.trim_start_matches('?').split('&');
    let mut found = pairs.filter_map(|pair| pair.split_once('=')).filter(|(k, _)| *k == key);
    found.next().map(|(_, raw)| percent_decode_str(raw).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_survives_the_way_through_the_address() {
        let shown = RecordingQuery { search: "a&b".into(), offset: 100, ..Default::default() };
        let pages = [
            ServerPage::Jobs,
            ServerPage::Models,
            ServerPage::Runs,
            ServerPage::library(),
            ServerPage::Library { search: "right whale & co".into() },
            ServerPage::deployment("2024~night watch"),
            ServerPage::Deployment { id: "night".into(), shown },
        ];
        for page in pages {
            assert_eq!(
                ServerPage::from_query(&format!("?gpu=off&{}", page.to_query())),
                Some(page)
            );
        }
        assert_eq!(ServerPage::from_query("?v=1&src=set:night"), None);
        assert_eq!(ServerPage::from_query("?page=unheard-of"), None);
    }
}
