//! Labels and the selection: making one of the other, and keeping them in step.

use leptos::prelude::*;
use spyhop_api::view::Selection;
use spyhop_api::{Annotation, Moment, Timestamp};
use spyhop_words::labels::actions as words;

use crate::frame::line_ns;
use crate::session::{NoticeKind, OpenSet, Session};

/// Labels the selection with the name behind a key (1 to 9).
pub fn label_selection(session: Session, key: u8) {
    let name = session
        .prefs
        .label_names
        .with_untracked(|names| names.get(usize::from(key).wrapping_sub(1)).cloned());
    if let Some(name) = name {
        label_as(session, &name);
    }
}

/// Labels the selection; a label or a candidate that is chosen and selected is renamed instead.
pub fn label_as(session: Session, name: &str) {
    if session.calls.chosen.with_untracked(Option::is_some) {
        return crate::calls::relabel(session, name);
    }
    let Some(open) = session.open.get_untracked() else { return };
    let Some(selection) = session.view.with_untracked(|v| v.selection) else {
        session.tell(NoticeKind::Warning, words::NO_SELECTION);
        return;
    };
    if let Some(id) = session.labels.chosen.get_untracked() {
        session.labels.edit(id, |a| name.clone_into(&mut a.label));
        return;
    }
    let (start_ns, end_ns) = span_of(&selection, &open);
    session.labels.add(vec![Annotation {
        id: 0,
        start_ns,
        end_ns,
        low_hz: Some(selection.band_hz.0),
        high_hz: Some(selection.band_hz.1),
        channel: session.view.with_untracked(|v| v.channel),
        label: name.to_owned(),
        note: String::new(),
        extra: Vec::new(),
    }]);
}

/// Gives a label the box that is selected.
pub fn fit_to_selection(session: Session, id: u64) {
    let Some(open) = session.open.get_untracked() else { return };
    let Some(selection) = session.view.with_untracked(|v| v.selection) else { return };
    let (start_ns, end_ns) = span_of(&selection, &open);
    session.labels.edit(id, |a| {
        (a.start_ns, a.end_ns) = (start_ns, end_ns);
        (a.low_hz, a.high_hz) = (Some(selection.band_hz.0), Some(selection.band_hz.1));
    });
}

/// Selects the box of a label.
pub fn select_box_of(session: Session, id: u64) {
    let Some(open) = session.open.get_untracked() else { return };
    let found = session.labels.all.with_untracked(|all| all.iter().find(|a| a.id == id).cloned());
    let Some(a) = found else { return };
    let start = match open.line.origin {
        Some(origin) => Moment::Clock(Timestamp(origin.0.saturating_add(a.start_ns))),
        None => Moment::Elapsed(a.start_ns),
    };
    let nyquist = open.line.sample_rate_hz / 2.0;
    let low = a.low_hz.unwrap_or(0.0).max(0.0);
    let high = a.high_hz.unwrap_or(nyquist).max(low + 1e-3);
    // A point has no width: it is selected as one sample.
    let sample_ns = (1e9 / open.line.sample_rate_hz).ceil() as i64;
    let span_ns = (a.end_ns - a.start_ns).max(sample_ns);
    session.select(Some(Selection { start, span_ns, band_hz: (low, high) }));
}

/// Brings a label into the picture, with room around it.
pub fn go_to(session: Session, id: u64) {
    crate::viewer::choose_label(session, id);
    show_selection(session, 200.0);
}

/// Brings the selection into the picture, with room around it; where the picture is more than `most` times
/// as wide, it is zoomed.
pub fn show_selection(session: Session, most: f64) {
    let Some(open) = session.open.get_untracked() else { return };
    let Some(selection) = session.view.with_untracked(|v| v.selection) else { return };
    let positions = crate::frame::selection_positions(&selection, &open.line);
    session.change_frame(|frame| {
        let middle = (positions.start + positions.end) / 2.0;
        let wide = positions.end - positions.start;
        if wide * 1.2 > frame.span() || wide * most < frame.span() {
            frame.zoom_time(0.5, wide.max(8.0) * 6.0 / frame.span());
        }
        frame.go_to(middle);
    });
}

/// Fills the picture with the selection, with a little on both sides.
pub fn fill_with_selection(session: Session) {
    let Some(open) = session.open.get_untracked() else { return };
    let Some(selection) = session.view.with_untracked(|v| v.selection) else { return };
    let positions = crate::frame::selection_positions(&selection, &open.line);
    session.change_frame(|frame| {
        frame.zoom_time(0.5, (positions.end - positions.start).max(8.0) * 1.1 / frame.span());
        frame.go_to((positions.start + positions.end) / 2.0);
    });
}

/// Nanoseconds from the line's first sample to a selection's edges.
fn span_of(selection: &Selection, open: &OpenSet) -> (i64, i64) {
    let start = line_ns(selection.start, open.line.origin);
    (start, start.saturating_add(selection.span_ns))
}
