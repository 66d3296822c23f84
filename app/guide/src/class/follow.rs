//! Following somebody's view, and breaking away from it: what is asked of the viewer, and what a person's
//! own hands did to it meanwhile.
//!
//! Nobody is torn away from what they just took hold of: while hands are at the picture, and a moment
//! after, nothing is asked of it. If it then looks somewhere else than where it was led, its person has
//! broken away.

use spyhop_api::view::{Selection, Source};
use spyhop_api::{Moment, Timestamp, View};

/// How long after the last touch the picture still belongs to the hands, ms.
pub const HOLD_MS: f64 = 400.0;
/// What the viewer needs after its way until it tells where it is, ms.
const SETTLE_MS: f64 = 150.0;
/// Edges that differ by less than this part of the picture are the same: views are rounded on their way.
const SAME_PART: f64 = 0.005;

/// Who moves the picture: whoever is followed, or the hands in front of it.
#[derive(Clone, Debug, Default)]
pub struct Reins {
    /// What was followed then, as its query.
    followed: String,
    /// Where the viewer was last asked to go.
    wished: Option<View>,
    /// Where it rested when no hand was at it.
    rested: Option<View>,
    /// When its way there ends.
    travel_end_ms: f64,
    /// When a hand last was at it.
    touched_ms: Option<f64>,
    /// Whether one is at it now.
    is_held: bool,
}

impl Reins {
    /// A hand came to the picture, or to a key.
    pub fn touch(&mut self, now_ms: f64) {
        self.touched_ms = Some(now_ms);
    }

    /// Whether a hand is at the picture.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// A finger or a button goes down, or up.
    pub fn hold(&mut self, is_held: bool, now_ms: f64) {
        self.is_held = is_held;
        self.touched_ms = Some(now_ms);
    }

    /// How long the viewer must be left alone yet, ms; 0 where it may be asked to go on.
    pub fn wait_ms(&self, now_ms: f64) -> f64 {
        if self.is_held {
            return HOLD_MS;
        }
        self.touched_ms.map_or(0.0, |touched_ms| (touched_ms + HOLD_MS - now_ms).max(0.0))
    }

    /// The viewer was asked to go somewhere, because of what is followed.
    pub fn asked(&mut self, followed: &str, view: View, travel_ms: u32, now_ms: f64) {
        self.followed = followed.to_owned();
        self.wished = Some(view);
        self.rested = None;
        self.travel_end_ms = now_ms + f64::from(travel_ms) + SETTLE_MS;
        self.touched_ms = None;
    }

    /// Whether what is followed, as a query, is what the viewer was last asked for.
    pub fn has_asked_for(&self, followed: &str) -> bool {
        self.followed == followed
    }

    /// Whether what a view is of was asked for last.
    pub fn has_opened(&self, view: &View) -> bool {
        self.wished.as_ref().is_some_and(|wished| {
            (&wished.source, &wished.reading) == (&view.source, &view.reading)
        })
    }

    /// The viewer shows this: whether its person has taken it somewhere else.
    pub fn sees(&mut self, view: &View, now_ms: f64) -> bool {
        let Some(wished) = &self.wished else { return false };
        let is_touched = self.is_held || self.touched_ms.is_some();
        if now_ms < self.travel_end_ms {
            // On its way, where only something else that is opened can't be part of the way.
            return false;
        }
        let is_there = is_same_sight(view, self.rested.as_ref().unwrap_or(wished));
        if is_there {
            // What was touched and not moved is let go.
            if !self.is_held && self.wait_ms(now_ms) <= 0.0 {
                self.touched_ms = None;
            }
            return false;
        }
        if is_touched || view.source != wished.source {
            return true;
        }
        // Nobody touched it: the viewer itself chose what it can show of what was wished.
        self.rested = Some(view.clone());
        false
    }

    /// What is followed begins anew.
    pub fn forget(&mut self) {
        *self = Reins::default();
    }
}

/// The view that a follower is asked to show: what is followed, heard as loud as they want it, and with
/// their own box where they keep one.
pub fn followers_view(followed: &str, own: &View, keeps_box: bool) -> View {
    let mut view = View::from_query(followed).0;
    view.listening.gain_db = own.listening.gain_db;
    if keeps_box {
        view.selection = own.selection;
    }
    view
}

/// The box that is selected in a view.
pub fn selected(query: &str) -> Option<Selection> {
    View::from_query(query).0.selection
}

/// Whether a view is of a file on somebody's own disk, which nobody else has.
pub fn is_of_own_disk(query: &str) -> bool {
    matches!(View::from_query(query).0.source, Source::Local(_))
}

/// Whether a view shows nothing that was opened.
pub fn is_empty(query: &str) -> bool {
    View::from_query(query).0.source == Source::None
}

/// A moment, so many nanoseconds later.
pub fn moved(moment: Moment, by_ns: i64) -> Moment {
    match moment {
        Moment::Clock(Timestamp(ns)) => Moment::Clock(Timestamp(ns.saturating_add(by_ns))),
        Moment::Elapsed(ns) => Moment::Elapsed(ns.saturating_add(by_ns)),
    }
}

/// Whether two views look at the same part of the same recording. How it is coloured, transformed and
/// heard is everybody's own.
fn is_same_sight(a: &View, b: &View) -> bool {
    a.source == b.source
        && a.channel == b.channel
        && a.frequency_axis == b.frequency_axis
        && a.gaps_collapsed == b.gaps_collapsed
        && is_same_time(a, b)
        && is_same_band(a.band_hz, b.band_hz)
}

fn is_same_time(a: &View, b: &View) -> bool {
    let (Some(a_ns), Some(b_ns)) = (a.span_ns, b.span_ns) else {
        return a.span_ns == b.span_ns;
    };
    let near_ns = a_ns.max(b_ns) as f64 * SAME_PART;
    let is_near = |a: i64, b: i64| (i128::from(a) - i128::from(b)).abs() as f64 <= near_ns;
    let is_same_start = match (a.start, b.start) {
        (Some(Moment::Clock(a)), Some(Moment::Clock(b))) => is_near(a.0, b.0),
        (Some(Moment::Elapsed(a)), Some(Moment::Elapsed(b))) => is_near(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    is_same_start && is_near(a_ns, b_ns)
}

fn is_same_band(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    let near_hz = (a.1 - a.0).max(b.1 - b.0) * SAME_PART;
    (a.0 - b.0).abs() <= near_hz && (a.1 - b.1).abs() <= near_hz
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(start_s: i64, span_s: i64) -> View {
        View {
            source: Source::Deployment { id: "bay".into(), recording: None },
            start: Some(Moment::Clock(Timestamp(start_s * 1_000_000_000))),
            span_ns: Some(span_s * 1_000_000_000),
            ..View::default()
        }
    }

    #[test]
    fn who_touches_nothing_goes_along() {
        let mut reins = Reins::default();
        reins.asked("v=1", view(0, 10), 100, 0.0);
        assert!(!reins.sees(&view(3, 10), 50.0), "on its way");
        assert!(!reins.sees(&view(0, 10), 400.0));
        assert_eq!(reins.wait_ms(400.0), 0.0);
    }

    #[test]
    fn who_moves_the_picture_breaks_away() {
        let mut reins = Reins::default();
        reins.asked("v=1", view(0, 10), 0, 0.0);
        reins.touch(1000.0);
        assert!(reins.wait_ms(1010.0) > 0.0, "nothing is asked of it meanwhile");
        assert!(reins.sees(&view(2, 10), 1010.0));
    }

    #[test]
    fn who_only_touches_it_stays() {
        let mut reins = Reins::default();
        reins.asked("v=1", view(0, 10), 0, 0.0);
        reins.hold(true, 1000.0);
        assert_eq!(reins.wait_ms(9000.0), HOLD_MS);
        assert!(!reins.sees(&view(0, 10), 9000.0));
        reins.hold(false, 9000.0);
        assert_eq!(reins.wait_ms(9500.0), 0.0);
        assert!(!reins.sees(&view(0, 10), 9500.0));
        assert!(!reins.sees(&view(5, 10), 9600.0), "moved by no hand: let go before");
    }

    #[test]
    fn what_the_viewer_makes_of_a_wish_is_not_breaking_away() {
        let mut reins = Reins::default();
        reins.asked("v=1", view(0, 10), 0, 0.0);
        // It shows a little more than was wished.
        assert!(!reins.sees(&view(0, 12), 500.0));
        reins.touch(600.0);
        assert!(!reins.sees(&view(0, 12), 610.0), "a key that moved nothing");
        assert!(reins.sees(&view(0, 6), 620.0));
    }

    #[test]
    fn to_open_something_else_is_to_break_away() {
        let mut reins = Reins::default();
        reins.asked("v=1", view(0, 10), 0, 0.0);
        let other = Source::Deployment { id: "cove".into(), recording: None };
        assert!(reins.sees(&View { source: other, ..view(0, 10) }, 60_000.0));
    }

    #[test]
    fn a_follower_keeps_their_own_loudness_and_box() {
        let own = View {
            selection: Some(Selection {
                start: Moment::Elapsed(5),
                span_ns: 7,
                band_hz: (100.0, 200.0),
            }),
            ..View::default()
        };
        let mut own = own;
        own.listening.gain_db = -6.0;
        let followed = view(0, 10).to_query();
        let kept = followers_view(&followed, &own, true);
        assert_eq!((kept.selection, kept.listening.gain_db), (own.selection, -6.0));
        assert_eq!(kept.span_ns, Some(10_000_000_000));
        assert_eq!(followers_view(&followed, &own, false).selection, None);
    }

    #[test]
    fn how_a_view_is_rounded_on_its_way_does_not_matter() {
        let (mut a, mut b) = (view(0, 10), view(0, 10));
        b.start = Some(Moment::Clock(Timestamp(3_000_000)));
        b.span_ns = Some(9_990_000_000);
        (a.band_hz, b.band_hz) = (Some((0.0, 1000.0)), Some((1.0, 999.0)));
        assert!(is_same_sight(&a, &b));
        b.band_hz = Some((0.0, 2000.0));
        assert!(!is_same_sight(&a, &b));
    }
}
