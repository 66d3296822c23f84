//! What a transcript is made of: labels, and candidates that pass the thresholds.

use leptos::prelude::*;
use spyhop_api::detection::{CallQuery, DetectedCall, Verdict};
use spyhop_signal::transcript::Sound;
use spyhop_words::panel::transcript as words;

use crate::calls::shown_span;
use crate::frame::line_ns;
use crate::server::ServerError;
use crate::session::Session;

/// Candidates of one answer: no server gives more.
const PAGE: u64 = 1000;
const NANOS: f64 = 1e9;

/// What of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Everything,
    Labels,
    Candidates,
}

impl Told {
    /// All of them, with a name and words.
    pub const ALL: [(Told, &'static str, &'static str); 3] = [
        (Told::Everything, "everything", words::EVERYTHING),
        (Told::Labels, "labels", words::LABELS),
        (Told::Candidates, "candidates", words::CANDIDATES),
    ];

    /// The one of a name.
    pub fn named(name: &str) -> Told {
        let found = Told::ALL.iter().find(|(_, own, _)| *own == name);
        found.map_or(Told::Everything, |(told, ..)| *told)
    }
}

/// Candidates as sounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// By time, in seconds since the line's first sample.
    pub sounds: Vec<Sound>,
    /// How many pass the thresholds: more than there are sounds where there are too many.
    pub total: u64,
}

/// The labels of what is open. Tracks.
pub fn of_labels(session: Session) -> Vec<Sound> {
    session.labels.all.with(|all| {
        let sound = |a: &spyhop_api::Annotation| Sound {
            start_s: a.start_ns as f64 / NANOS,
            end_s: a.end_ns as f64 / NANOS,
            label: a.label.clone(),
        };
        all.iter().map(sound).collect()
    })
}

/// When the picture begins, as queries say it. Tracks.
pub fn left_edge(session: Session) -> Option<String> {
    let frame = session.frame()?;
    session.open.with(|open| open.as_ref().map(|open| shown_span(&frame, open).0))
}

/// The first candidates of a query, at most `most` of them; what a person rejected is not told.
///
/// # Errors
/// When the server does not answer, or the run is gone.
pub async fn candidates(
    session: Session,
    query: CallQuery,
    most: u64,
) -> Result<Candidates, ServerError> {
    let (Some(source), Some(open)) = (session.calls.source(), session.open.get_untracked()) else {
        return Ok(Candidates::default());
    };
    let mut found = Candidates::default();
    let mut offset = 0;
    loop {
        let page = source.page(&CallQuery { offset, limit: PAGE, ..query.clone() }).await?;
        let given = page.calls.len() as u64;
        let sound = |call: DetectedCall| {
            let start_ns = line_ns(call.start, open.line.origin);
            let named = call.review.label;
            Sound {
                start_s: start_ns as f64 / NANOS,
                end_s: start_ns.saturating_add(call.span_ns) as f64 / NANOS,
                label: if named.is_empty() { call.class } else { named },
            }
        };
        let kept = page.calls.into_iter().filter(|c| c.review.verdict != Verdict::Rejected);
        found.sounds.extend(kept.map(sound));
        found.total = page.total;
        offset += given;
        if given == 0 || offset >= page.total.min(most) {
            return Ok(found);
        }
    }
}
