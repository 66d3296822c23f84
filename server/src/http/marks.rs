//! The labels and candidates that the page draws over a view, for pictures of it.

use spyhop_api::View;
use spyhop_api::detection::CallSort;
use spyhop_api::view::Source;

use super::Served;
use crate::catalogue::access::Reader;
use crate::detection::{Asked, Paging, StoreError};
use crate::viewed::{Marks, Viewed, ViewedError};

/// More candidates than this the page tells as counts, beside the picture.
const MOST_CALLS: u64 = 300;
/// More labels than this hide what they name.
const MOST_LABELS: u32 = 300;

/// Whether labels and candidates are drawn over a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// As the page shows them.
    Shown,
    /// Not at all, so that a question does not give itself away.
    Hidden,
}

/// What a view shows, as [`super::viewing::look_at`], with what the page draws over it. It waits for the
/// disk.
///
/// # Errors
/// When its recordings are not on this server, or not for this reader.
pub fn look_at(
    served: &Served,
    view: View,
    reader: Reader,
    drawn: Drawn,
) -> Result<Viewed, ViewedError> {
    let viewed = super::viewing::look_at(served, view, reader)?;
    if drawn == Drawn::Hidden {
        return Ok(viewed);
    }
    let found = marks(served, &viewed);
    Ok(viewed.with_marks(found))
}

/// Labels and candidates within what is shown. A picture without them is worth more than none.
fn marks(served: &Served, viewed: &Viewed) -> Marks {
    let Source::Deployment { id, recording } = &viewed.view.source else {
        return Marks::default();
    };
    if viewed.line.origin.is_none() && recording.is_some() {
        // Without a clock, times in one recording say nothing of where it lies among the others.
        return Marks::default();
    }
    let samples = viewed.samples();
    let at = |position: i64| viewed.moment_of(position as f64, 0).nanos();
    let (from_ns, until_ns) = (at(samples.start), at(samples.end));
    // One more tells that there are too many.
    let labels = match served.annotations.list_some(id, from_ns, until_ns, MOST_LABELS + 1) {
        Ok(labels) if labels.len() <= MOST_LABELS as usize => labels,
        Ok(_) => Vec::new(),
        Err(error) => {
            tracing::warn!("a picture goes without labels: {error}");
            Vec::new()
        }
    };
    let mut marks = Marks { labels, ..Marks::default() };
    match calls(served, viewed, id, (from_ns, until_ns)) {
        Ok(found) => (marks.classes, marks.calls) = found,
        // The link is of a run that was removed since.
        Err(StoreError::NoRun { .. }) => {}
        Err(error) => tracing::warn!("a picture goes without candidates: {error}"),
    }
    marks
}

/// Classes of the run that is shown, and its candidates that pass, where they are few enough to be drawn.
fn calls(
    served: &Served,
    viewed: &Viewed,
    deployment: &str,
    (from_ns, until_ns): (i64, i64),
) -> Result<(Vec<String>, Vec<spyhop_api::detection::DetectedCall>), StoreError> {
    let Some(shown) = &viewed.view.calls else { return Ok(Default::default()) };
    let store = served.detections.store();
    let run = store.run(deployment, shown.run)?;
    let asked = Asked {
        from_ns: Some(from_ns),
        until_ns: Some(until_ns),
        thresholds: run.thresholds_of(shown),
        ..Asked::default()
    };
    let paging = Paging { sort: CallSort::Start, descending: false, offset: 0, limit: MOST_CALLS };
    let page = store.page(&run, &asked, &paging)?;
    // As on the page: one that is not found any more may lie where its sound is not.
    let found = page.calls.into_iter().filter(|call| !call.is_lost);
    let calls = if page.total > MOST_CALLS { Vec::new() } else { found.collect() };
    Ok((run.classes.iter().map(|class| class.name.clone()).collect(), calls))
}
