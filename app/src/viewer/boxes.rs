//! A box on the picture: where its handles are, and what dragging them does.

use std::ops::Range;

/// Least width and height of a box with handles between its corners, CSS pixels.
const ROOM_PX: f64 = 30.0;

/// Sides of a box that a drag moves; all four for the box as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    pub left: bool,
    pub right: bool,
    pub top: bool,
    pub bottom: bool,
}

/// A rectangle on the picture, CSS pixels from the picture's top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelBox {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Sides {
    /// The box as a whole.
    pub const ALL: Sides = Sides { left: true, right: true, top: true, bottom: true };

    /// The cursor that says what a drag will do.
    pub fn css_cursor(self) -> &'static str {
        match (self.left || self.right, self.top || self.bottom) {
            _ if self == Sides::ALL => "move",
            (true, false) => "ew-resize",
            (false, true) => "ns-resize",
            _ if self.left == self.top => "nwse-resize",
            _ => "nesw-resize",
        }
    }
}

impl PixelBox {
    /// The eight handles and the one in the middle, with what each moves.
    pub fn handles(&self) -> [((f64, f64), Sides); 9] {
        let middle = ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0);
        let side = |left, right, top, bottom| Sides { left, right, top, bottom };
        [
            ((self.left, self.top), side(true, false, true, false)),
            ((self.right, self.top), side(false, true, true, false)),
            ((self.left, self.bottom), side(true, false, false, true)),
            ((self.right, self.bottom), side(false, true, false, true)),
            ((self.left, middle.1), side(true, false, false, false)),
            ((self.right, middle.1), side(false, true, false, false)),
            ((middle.0, self.top), side(false, false, true, false)),
            ((middle.0, self.bottom), side(false, false, false, true)),
            (middle, Sides::ALL),
        ]
    }

    /// Whether there is room for the handle in the middle.
    pub fn has_middle(&self) -> bool {
        self.right - self.left >= ROOM_PX && self.bottom - self.top >= ROOM_PX
    }

    /// The handle within `reach` of a point. Small boxes keep their corners only.
    pub fn handle_at(&self, (x, y): (f64, f64), reach: f64) -> Option<Sides> {
        let small = !self.has_middle();
        let near = |(hx, hy): (f64, f64)| (hx - x).abs().max((hy - y).abs()) <= reach;
        let handles = self.handles();
        let offered = if small { &handles[..4] } else { &handles[..] };
        offered.iter().find(|(at, _)| near(*at)).map(|(_, sides)| *sides)
    }
}

/// A box after its sides were dragged by a number of samples and from one frequency to another.
pub fn dragged(
    positions: &Range<f64>,
    band_hz: (f64, f64),
    sides: Sides,
    by_samples: f64,
    by_hz: f64,
    end: f64,
    nyquist_hz: f64,
) -> (Range<f64>, (f64, f64)) {
    let (mut by, mut up) = (by_samples, by_hz);
    if sides == Sides::ALL {
        by = by.clamp(-positions.start, (end - positions.end).max(-positions.start));
        up = up.clamp(-band_hz.0, (nyquist_hz - band_hz.1).max(-band_hz.0));
    }
    let moved = |on: bool, v: f64, by: f64| if on { v + by } else { v };
    let (a, b) = (moved(sides.left, positions.start, by), moved(sides.right, positions.end, by));
    let (low, high) = (moved(sides.bottom, band_hz.0, up), moved(sides.top, band_hz.1, up));
    (a.min(b)..a.max(b), (low.min(high), low.max(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_moved_as_a_whole_keeps_its_size_at_the_edge() {
        let (positions, band) =
            dragged(&(10.0..20.0), (100.0, 200.0), Sides::ALL, -50.0, 1e6, 100.0, 1000.0);
        assert_eq!(positions, 0.0..10.0);
        assert_eq!(band, (900.0, 1000.0));
    }

    #[test]
    fn a_side_dragged_over_the_other_turns_the_box() {
        let left = Sides { left: true, right: false, top: false, bottom: false };
        let (positions, _) = dragged(&(10.0..20.0), (1.0, 2.0), left, 15.0, 0.0, 100.0, 10.0);
        assert_eq!(positions, 20.0..25.0);
    }

    #[test]
    fn the_corner_is_found_before_the_middle() {
        let b = PixelBox { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };
        let sides = b.handle_at((1.0, 1.0), 8.0).expect("a handle");
        assert!(sides.left && sides.top && !sides.right);
    }
}
