//! The way from one view to another of the same recordings.
//!
//! Time is travelled as van Wijk and Nuij (2003) describe it: out, across and in again, so that what
//! passes by passes at one speed as an eye sees it.

use std::cell::Cell;

use leptos::prelude::*;
use spyhop_api::View;
use spyhop_paint::FrequencyScale;

use crate::clock::now_ms;
use crate::frame::Frame;
use crate::link::Link;
use crate::session::Session;

/// How far out the way goes for its length: the ρ of the paper, who found √2 to be liked best.
const OUT: f64 = std::f64::consts::SQRT_2;

thread_local! {
    /// Counts travels: one that was overtaken ends.
    static TURN: Cell<u64> = const { Cell::new(0) };
}

/// Goes to a view of what is open in so many milliseconds.
pub fn to(session: Session, link: Link, view: View, travel_ms: u32) {
    let turn = stop();
    if session.view.with_untracked(|now| *now == view) {
        return;
    }
    let (Some(open), Some(from)) = (session.open.get_untracked(), session.frame_now()) else {
        return;
    };
    let fold = open.fold(&view);
    let goal = Frame::of(&view, &open.line, fold.clone());
    let is_still = goal.places == from.places && goal.band_hz == from.band_hz;
    if travel_ms == 0 || is_still || from.fold != fold || wants_less_motion() {
        return arrive(session, link, view);
    }
    let way = Way::new(&from, &goal);
    let begun_ms = now_ms();
    // All but time and band is as it will be from the first frame on.
    let mut now = view.clone();
    from.write_to(&mut now, &open.line);
    session.view.set(now.clone());
    link.follow();
    step(Travel { session, link, turn, view, now, way, open, begun_ms, ms: f64::from(travel_ms) });
}

/// Ends a travel that goes on.
pub fn stop() -> u64 {
    TURN.set(TURN.get() + 1);
    TURN.get()
}

struct Travel {
    session: Session,
    link: Link,
    turn: u64,
    view: View,
    /// What was shown last.
    now: View,
    way: Way,
    open: std::sync::Arc<crate::session::OpenSet>,
    begun_ms: f64,
    ms: f64,
}

fn step(mut travel: Travel) {
    request_animation_frame(move || {
        let Some(shown) = travel.session.view.try_get_untracked() else { return };
        // A hand on the picture stops it; what else is done to the view meanwhile does not.
        let place = |v: &View| (v.start, v.span_ns, v.band_hz);
        if TURN.get() != travel.turn || place(&shown) != place(&travel.now) {
            return;
        }
        if travel.view.colour.range_db.is_none() {
            // Contrast that was chosen from the picture on the way.
            travel.now.colour.range_db = shown.colour.range_db;
        }
        let part = (now_ms() - travel.begun_ms) / travel.ms;
        if part >= 1.0 {
            return arrive(travel.session, travel.link, travel.view);
        }
        travel.way.at(eased(part.max(0.0))).write_to(&mut travel.now, &travel.open.line);
        travel.session.view.set(travel.now.clone());
        travel.link.follow();
        step(travel);
    });
}

fn arrive(session: Session, link: Link, view: View) {
    session.view.set(view);
    link.amend();
}

/// Slow at both ends.
fn eased(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

/// Frames between two.
struct Way {
    from: Frame,
    goal: Frame,
    /// Length of the way in time, and the paper's r at its beginning; none where it only zooms.
    across: Option<(f64, f64)>,
}

impl Way {
    fn new(from: &Frame, goal: &Frame) -> Way {
        let (w0, w1) = (from.span(), goal.span());
        let far = goal.place_at(0.5) - from.place_at(0.5);
        let across = (far.abs() > 1e-6 * w0.max(w1)).then(|| {
            let rho2 = OUT * OUT;
            let r = |w: f64, sign: f64| {
                let b = (w1 * w1 - w0 * w0 + sign * rho2 * rho2 * far * far)
                    / (2.0 * w * rho2 * far.abs());
                // The same as ln(√(b²+1) − b), which loses its digits where b is large.
                -b.asinh()
            };
            let (r0, r1) = (r(w0, 1.0), r(w1, -1.0));
            ((r1 - r0) / OUT, r0)
        });
        Way { from: from.clone(), goal: goal.clone(), across }
    }

    /// The frame at a part of the way, from 0 to 1.
    fn at(&self, part: f64) -> Frame {
        let (w0, w1) = (self.from.span(), self.goal.span());
        let (c0, c1) = (self.from.place_at(0.5), self.goal.place_at(0.5));
        let (centre, span) = match self.across {
            Some((length, r0)) => {
                let r = OUT * part * length + r0;
                let gone = w0 / (OUT * OUT) * (r0.cosh() * r.tanh() - r0.sinh());
                (c0 + gone * (c1 - c0).signum(), w0 * r0.cosh() / r.cosh())
            }
            None => (c0 + part * (c1 - c0), w0 * (w1 / w0).powf(part)),
        };
        let mut frame = self.goal.clone();
        let whole = FrequencyScale::new(frame.axis, 0.0, frame.nyquist_hz);
        let between = |a: f64, b: f64| {
            let (a, b) = (whole.to_unit(a).clamp(0.0, 1.0), whole.to_unit(b).clamp(0.0, 1.0));
            whole.to_hz(a + part * (b - a))
        };
        frame.band_hz = (
            between(self.from.band_hz.0, self.goal.band_hz.0),
            between(self.from.band_hz.1, self.goal.band_hz.1),
        );
        frame.show(centre - span / 2.0..centre + span / 2.0);
        frame
    }
}

fn wants_less_motion() -> bool {
    let asked = window().match_media("(prefers-reduced-motion: reduce)");
    asked.ok().flatten().is_some_and(|query| query.matches())
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    fn frame(places: std::ops::Range<f64>, band_hz: (f64, f64)) -> Frame {
        let run = Run { position: 0, frames: 1_000_000, recording: 0, first_frame: 0 };
        let line = Line { sample_rate_hz: 2000.0, origin: None, runs: vec![run] };
        let mut frame = Frame::of(&View::default(), &line, std::sync::Arc::default());
        frame.band_hz = band_hz;
        frame.show(places);
        frame
    }

    #[test]
    fn a_way_begins_where_it_began_and_ends_at_its_goal() {
        let near = frame(1000.0..3000.0, (0.0, 1000.0));
        for goal in [
            frame(500_000.0..501_000.0, (50.0, 400.0)),
            frame(1500.0..2500.0, (50.0, 400.0)),
            frame(0.0..1_000_000.0, (0.0, 1000.0)),
        ] {
            let way = Way::new(&near, &goal);
            for (part, end) in [(0.0, &near), (1.0, &goal)] {
                let at = way.at(part);
                let close = |a: f64, b: f64| (a - b).abs() < 1e-6 * end.span().max(1.0);
                assert!(close(at.places.start, end.places.start), "{at:?} for {end:?}");
                assert!(close(at.places.end, end.places.end), "{at:?} for {end:?}");
                assert!((at.band_hz.1 - end.band_hz.1).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn what_is_far_away_is_reached_by_way_of_a_wider_view() {
        let (near, goal) =
            (frame(1000.0..3000.0, (0.0, 1000.0)), frame(9e5..9.02e5, (0.0, 1000.0)));
        let middle = Way::new(&near, &goal).at(0.5);
        assert!(middle.span() > 10.0 * near.span(), "{middle:?}");
        assert!(middle.places.start > near.places.start && middle.places.end < 9.5e5);
    }
}
