//! What comes from outside, made plain and bounded.

use spyhop_api::room::{Area, MOST_NAME, MOST_TEXT};
use spyhop_api::{Mark, MarkKind, Shown, View};

use super::RoomError;
use crate::keeping::line;

/// The longest link, bytes.
const MOST_VIEW: usize = 8_000;
/// No frequency is higher.
const MOST_HZ: f64 = 1e8;

/// A text of one line.
pub fn text(said: &str) -> String {
    cut(said, MOST_TEXT)
}

/// A name.
pub fn name(said: &str) -> String {
    cut(said, MOST_NAME)
}

fn cut(said: &str, most: usize) -> String {
    // Before it is looked at: what nobody keeps need not be gone through.
    let near: String = said.chars().take(4 * most).collect();
    line(&near).chars().take(most).collect::<String>().trim_end().to_owned()
}

/// The view of a link, as this program writes it: nothing else that stood in it goes on to others.
///
/// # Errors
/// When it is too long.
pub fn view(query: &str) -> Result<View, RoomError> {
    if query.len() > MOST_VIEW {
        return Err(RoomError::Invalid(format!("a link has {MOST_VIEW} bytes at most")));
    }
    Ok(View::from_query(query).0)
}

/// What somebody shows, with what is opened there.
///
/// # Errors
/// When its link is too long.
pub fn shown(said: Shown) -> Result<(Shown, View), RoomError> {
    let view = view(&said.view)?;
    let pointer = said.pointer.map(|mut pointer| {
        pointer.hz = pointer.hz.filter(|hz| is_frequency(*hz));
        pointer
    });
    Ok((Shown { view: view.to_query(), title: text(&said.title), pointer, ..said }, view))
}

/// A box that is one.
///
/// # Errors
/// When it is none.
pub fn area(said: Area) -> Result<Area, RoomError> {
    let (low, high) = said.band_hz;
    if said.span_ns < 0 || !is_frequency(low) || !is_frequency(high) || low > high {
        return Err(RoomError::Invalid(
            "a box begins before it ends, and its lower edge is below its upper one".into(),
        ));
    }
    Ok(said)
}

/// Boxes with words that the leader's page has itself; those that are none are left out.
pub fn marks(said: &[Mark]) -> Vec<Mark> {
    let one = |mark: &Mark| {
        let at = Area { start: mark.start, span_ns: mark.span_ns, band_hz: mark.band_hz };
        area(at).ok()?;
        Some(Mark { text: text(&mark.text), kind: MarkKind::Truth, ..mark.clone() })
    };
    said.iter().filter_map(one).collect()
}

fn is_frequency(hz: f64) -> bool {
    (0.0..=MOST_HZ).contains(&hz)
}
