//! Labels from and to the tables of other programs.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_signal::tables::{
    AudacityStyle, Sequence, read_table, write_audacity, write_csv, write_raven,
};
use spyhop_words::labels::files as words;
use wasm_bindgen_futures::JsFuture;

use crate::parts;
use crate::session::{NoticeKind, Session, Tab};

/// Tables larger than this are not read: no table of labels is.
const MOST_BYTES: f64 = 64e6;

/// What labels can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    Raven,
    Audacity,
    Csv,
}

/// Whether a file is a table by its name.
pub fn is_table(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".txt") || name.ends_with(".csv")
}

/// Asks for tables and adds what is in them.
pub fn pick(session: Session) {
    crate::files::pick(false, ".txt,.csv", move |files| import(session, files, false));
}

/// Adds the labels of tables to what is open. Of files that only came along with recordings (a
/// calibration, a note) it is enough to say that they were left out.
pub fn import(session: Session, files: Vec<web_sys::File>, came_along: bool) {
    if files.is_empty() {
        return;
    }
    if session.open.with_untracked(Option::is_none) {
        session.tell(NoticeKind::Warning, words::NO_RECORDING);
        return;
    }
    spawn_local(async move {
        for file in files {
            let name = file.name();
            if file.size() > MOST_BYTES {
                session.tell(NoticeKind::Error, words::too_large(name));
                continue;
            }
            let text = JsFuture::from(file.text()).await.ok().and_then(|t| t.as_string());
            let Some(text) = text else {
                session.tell(NoticeKind::Error, words::unreadable(name));
                continue;
            };
            parts::add_table(session, name, text, came_along).await;
        }
    });
}

/// Adds the labels of a table that the server has beside the recordings.
pub fn fetch(session: Session, id: String, name: String) {
    spawn_local(async move {
        match crate::server::table(&id, &name).await {
            Ok(text) => parts::add_table(session, name, text, false).await,
            Err(why) => session.tell(NoticeKind::Error, why),
        }
    });
}

/// Adds the labels of a table that was read to what is open.
pub fn add(session: Session, name: &str, text: &str, came_along: bool) {
    let Some(open) = session.open.get_untracked() else { return };
    let sequence = Sequence::new(&open.line, &open.infos);
    match read_table(text, &sequence, session.labels.next_id()) {
        Ok(table) => {
            let count = table.annotations.len();
            session.labels.layout.set_value(table.layout);
            session.labels.add(table.annotations);
            session.labels.chosen.set(None);
            session.tab.set(Tab::Labels);
            for warning in table.warnings {
                session.tell(NoticeKind::Warning, format!("{name}: {warning}"));
            }
            session.tell(NoticeKind::Done, words::came_in(count, name));
        }
        Err(error) if came_along => {
            session.tell(NoticeKind::Warning, words::left_out(name, error));
        }
        Err(error) => session.tell(NoticeKind::Error, format!("{name}: {error}")),
    }
}

/// Gives the labels to a person as a file.
pub fn export(session: Session, kind: TableKind) {
    let Some(open) = session.open.get_untracked() else { return };
    let labels = session.labels.all.get_untracked();
    let title = open.infos.first().map(|i| i.name.clone()).unwrap_or_default();
    let stem = title.rsplit_once('.').map_or(title.as_str(), |(stem, _)| stem);
    let sequence = Sequence::new(&open.line, &open.infos);
    match kind {
        TableKind::Raven => {
            let layout = session.labels.layout.get_value();
            let table = write_raven(&labels, &sequence, &layout);
            let name = format!("{stem}.Table.1.selections.txt");
            crate::files::save(&name, "text/tab-separated-values", table.as_bytes());
        }
        TableKind::Audacity => {
            let table = write_audacity(&labels, &sequence, AudacityStyle::Extended);
            crate::files::save(&format!("{stem}.labels.txt"), "text/plain", table.as_bytes());
        }
        TableKind::Csv => {
            let table = write_csv(&labels, &sequence);
            crate::files::save(&format!("{stem}.labels.csv"), "text/csv", table.as_bytes());
        }
    }
}
