//! Marks of gaps that are folded away.

use std::ops::Range;

use spyhop_signal::Fold;

use crate::scene::{Area, Item, Stroke};
use crate::theme::Theme;

/// Lines nearer to each other than this would be all that is seen, CSS pixels.
const LINE_GAP_PX: f64 = 6.0;
/// The same for the marks on the axis, which are wider.
const BREAK_GAP_PX: f64 = 24.0;
/// Height of the mark on the axis, CSS pixels.
const BREAK_PX: f64 = 9.0;

/// Lines over an area that shows some places, where gaps are folded away; none where they would be all that
/// is seen.
pub fn seam_lines(fold: &Fold, places: &Range<f64>, area: Area, theme: &Theme) -> Vec<Item> {
    let line = |x: f64| Item::Line {
        from: (x, area.y),
        to: (x, area.bottom()),
        stroke: Stroke::dashed(theme.text_dim.with_alpha(170), 1.0, 2.0, 3.0),
    };
    let at = seams_px(fold, places, area.w, LINE_GAP_PX);
    at.into_iter().map(|x| line((area.x + x).floor() + 0.5)).collect()
}

/// Two slanted strokes on the axis below an area wherever a gap is folded away: it is broken there.
pub fn axis_breaks(fold: &Fold, places: &Range<f64>, area: Area, theme: &Theme) -> Vec<Item> {
    let stroke = |x: f64| Item::Line {
        from: (area.x + x - 2.0, area.bottom() + BREAK_PX),
        to: (area.x + x + 2.0, area.bottom()),
        stroke: Stroke::solid(theme.text, 1.5),
    };
    let at = seams_px(fold, places, area.w, BREAK_GAP_PX);
    at.into_iter().flat_map(|x| [stroke(x - 2.0), stroke(x + 2.0)]).collect()
}

/// Where folds lie, CSS pixels from the left edge; none where they would stand closer than `least_px`.
fn seams_px(fold: &Fold, places: &Range<f64>, width: f64, least_px: f64) -> Vec<f64> {
    let seams = fold.seams(places);
    if seams.len() as f64 * least_px > width {
        return Vec::new();
    }
    let span = places.end - places.start;
    seams.iter().map(|s| (s.place as f64 - places.start) / span * width).collect()
}

#[cfg(test)]
mod tests {
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    use super::*;

    #[test]
    fn folds_are_marked_where_there_is_room_for_their_marks() {
        let run = |n: i64| Run { position: n * 1000, frames: 100, recording: 0, first_frame: 0 };
        let runs = (0..48).map(run).collect();
        let fold = Fold::of(&Line { sample_rate_hz: 1.0, origin: None, runs });
        let count = |width: f64| {
            let (area, theme) = (Area::new(10.0, 0.0, width, 50.0), Theme::dark());
            let lines = seam_lines(&fold, &(0.0..4800.0), area, &theme).len();
            (lines, axis_breaks(&fold, &(0.0..4800.0), area, &theme).len())
        };
        assert_eq!([2000.0, 1100.0, 200.0].map(count), [(47, 94), (47, 0), (0, 0)]);
        let theme = Theme::dark();
        let lines = seam_lines(&fold, &(50.0..150.0), Area::new(10.0, 5.0, 200.0, 50.0), &theme);
        let [Item::Line { from, to, .. }] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((*from, *to), ((110.5, 5.0), (110.5, 55.0)));
    }
}
