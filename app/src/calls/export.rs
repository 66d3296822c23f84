//! Candidates as tables for other programs: written by the server for its runs, here for those of the tab.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::CallQuery;
use spyhop_signal::tables::{
    CSV_CALL_COLUMNS, CallColumns, CallRow, Layout, RAVEN_CALL_COLUMNS, Sequence, write_csv,
    write_raven,
};

use super::source::Source;
use crate::session::Session;
use crate::{administrator, files};

/// What candidates can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// By the server alone.
    Parquet,
    Csv,
    Raven,
}

impl TableFormat {
    fn name(self) -> &'static str {
        match self {
            TableFormat::Parquet => "parquet",
            TableFormat::Csv => "csv",
            TableFormat::Raven => "txt",
        }
    }
}

/// Gives everything that passes thresholds and filter to a person as a file.
pub fn export(session: Session, query: CallQuery, format: TableFormat) {
    let calls = session.calls;
    let Some(source) = calls.source() else { return };
    let Some(open) = session.open.get_untracked() else { return };
    let number = calls.run.with_untracked(|run| run.as_ref().map_or(0, |run| run.id)).abs();
    let ending = format.name();
    let name = format!("detections-{number}.{ending}");
    match source {
        Source::Server(place) => spawn_local(async move {
            match place.table(&query, ending).await {
                Ok(bytes) => files::save(&name, "application/octet-stream", &bytes),
                Err(error) => administrator::refused(session, &error),
            }
        }),
        Source::Tab(..) => {
            let Some(run) = calls.run.get_untracked() else { return };
            let found = source.all_here(&query);
            let origin_ns = open.line.origin.map_or(0, |origin| origin.0);
            let rows = |columns: CallColumns| {
                let about = &run.source;
                let rows = found.iter().map(|call| CallRow::of(call, &about.software));
                rows.map(|row| row.annotation(about, run.channel, origin_ns, columns))
                    .collect::<Vec<_>>()
            };
            let sequence = Sequence::new(&open.line, &open.infos);
            let text = match format {
                TableFormat::Raven => {
                    write_raven(&rows(RAVEN_CALL_COLUMNS), &sequence, &Layout::default())
                }
                TableFormat::Csv | TableFormat::Parquet => {
                    write_csv(&rows(CSV_CALL_COLUMNS), &sequence)
                }
            };
            files::save(&name, "text/plain", text.as_bytes());
        }
    }
}
