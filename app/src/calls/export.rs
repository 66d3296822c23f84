//! Candidates as tables for other programs: written by the server for its runs, here for those of the tab.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::Annotation;
use spyhop_api::detection::{CallQuery, DetectedCall};
use spyhop_signal::tables::{Layout, Sequence, write_csv, write_raven};

use super::source::Source;
use crate::frame::line_ns;
use crate::session::{OpenSet, Session};
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
            let channel = calls.run.with_untracked(|run| run.as_ref().map_or(0, |r| r.channel));
            let found = source.all_here(&query);
            let rows: Vec<Annotation> =
                found.iter().map(|call| annotation(call, channel, &open)).collect();
            let sequence = Sequence::new(&open.line, &open.infos);
            let text = match format {
                TableFormat::Raven => write_raven(&rows, &sequence, &Layout::default()),
                TableFormat::Csv | TableFormat::Parquet => write_csv(&rows, &sequence),
            };
            files::save(&name, "text/plain", text.as_bytes());
        }
    }
}

/// A candidate as a row of a table of labels.
fn annotation(call: &DetectedCall, channel: u32, open: &OpenSet) -> Annotation {
    let start_ns = line_ns(call.start, open.line.origin);
    let review = &call.review;
    let label = if review.label.is_empty() { &call.class } else { &review.label };
    let columns = [
        ("Score", call.score.to_string()),
        ("Review", review.verdict.name().to_owned()),
        ("Reviewer", review.author.clone()),
    ];
    Annotation {
        id: call.id as u64,
        start_ns,
        end_ns: start_ns.saturating_add(call.span_ns),
        low_hz: Some(call.low_hz),
        high_hz: Some(call.high_hz),
        channel,
        label: label.clone(),
        note: review.note.clone(),
        extra: columns.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    }
}
