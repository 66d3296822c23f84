//! The time axis below the picture, and the marks of gaps that are folded away.

use spyhop_api::View;
use spyhop_paint::parts::{AxisStyle, time_axis};
use spyhop_paint::scene::Area;
use spyhop_paint::text::text_width;
use spyhop_paint::{
    Anchor, Item, Stroke, Theme, Tick, Ticks, TimeAxis, TimeLabels, Weight, time_ticks,
};
use spyhop_words::viewer::time_axis as words;

use super::axes::FONT_PX;
use super::canvas::Surface;
use super::daylight;
use crate::clock::Telling;
use crate::frame::Frame;
use crate::session::OpenSet;
use crate::wording;

/// How far time labels may reach beyond the picture, CSS pixels.
const OVERHANG_PX: f64 = 0.0;
/// Least space between two labels, CSS pixels.
const LABEL_GAP_PX: f64 = 14.0;
/// From here on an axis has room for the picture's width between date and zone, CSS pixels.
const ROOMY_PX: f64 = 520.0;
/// Stretches between folds that are wide enough for ticks of their own, CSS pixels.
const WIDE_PX: f64 = 90.0;
/// Marks of folds nearer to each other than this would be all that is seen, CSS pixels.
const SEAM_GAP_PX: f64 = 6.0;
/// Part of the picture's width to both sides of a fold in which the crosshair tells of it.
const SEAM_REACH: f64 = 0.004;
/// The same for the marks on the axis, which are wider.
const BREAK_GAP_PX: f64 = 24.0;
/// Height of the mark of a fold on the axis, CSS pixels.
const SEAM_PX: f64 = 9.0;

/// Draws the axis.
pub fn draw(view: &View, open: &OpenSet, frame: &Frame, theme: &Theme, surface: &Surface) {
    let telling = Telling::of(view.clock, open);
    let ticks = ticks(&telling, frame, surface.width);
    let plot = Area::new(0.0, 0.0, surface.width, 0.0);
    let style = AxisStyle { theme: *theme, font_px: FONT_PX, grid: false };
    let mut items = daylight::strip(open, frame, false, Area::new(0.0, 1.0, surface.width, 0.0));
    items.extend(time_axis(&ticks, plot, OVERHANG_PX, &style));
    for x in seam_places(frame, surface.width, BREAK_GAP_PX) {
        items.extend(seam_on_axis(x, theme));
    }
    // On a phone the date and the zone take the whole line.
    if surface.width >= ROOMY_PX {
        let below = (surface.width / 2.0, surface.height - 5.0);
        let told = width_words(view, frame, &telling);
        items.push(Item::text(below, told, FONT_PX, Anchor::Middle, theme.text_dim));
    }
    surface.items(&items);
}

/// How wide the picture is, how long that is heard, and what is folded away.
fn width_words(view: &View, frame: &Frame, telling: &Telling) -> String {
    let span_s = frame.span() / telling.rate_hz;
    let mut told = vec![words::wide(wording::duration(span_s))];
    let speed = view.listening.rate;
    if speed != 1.0 {
        told.push(words::heard_in(wording::duration(span_s / speed), wording::speed(speed)));
    }
    match frame.fold.seams(&frame.places).len() {
        0 => {}
        n => told.push(words::gaps_folded(n)),
    }
    told.join(", ")
}

/// Lines over the picture where gaps are folded away.
pub fn seams(frame: &Frame, area: Area, theme: &Theme) -> Vec<Item> {
    let line = |x: f64| Item::Line {
        from: (x, area.y),
        to: (x, area.bottom()),
        stroke: Stroke::dashed(theme.text_dim.with_alpha(170), 1.0, 2.0, 3.0),
    };
    seam_places(frame, area.w, SEAM_GAP_PX).into_iter().map(|x| line(x.floor() + 0.5)).collect()
}

/// The fold near a place of the picture (fraction of its width): how long the gap is, samples.
pub fn fold_at(frame: &Frame, x: f64) -> Option<f64> {
    let reach = SEAM_REACH * frame.span();
    let place = frame.place_at(x);
    let seams = frame.fold.seams(&(place - reach..place + reach));
    seams.first().map(|s| (s.end - s.start) as f64)
}

/// Where marks of folds stand, CSS pixels; none where they would stand closer than `least_px`.
fn seam_places(frame: &Frame, width: f64, least_px: f64) -> Vec<f64> {
    let seams = frame.fold.seams(&frame.places);
    if seams.len() as f64 * least_px > width {
        return Vec::new();
    }
    seams.iter().map(|s| (s.place as f64 - frame.places.start) / frame.span() * width).collect()
}

/// Two slanted strokes: the axis is broken here.
fn seam_on_axis(x: f64, theme: &Theme) -> [Item; 2] {
    let stroke = |dx: f64| Item::Line {
        from: (x + dx - 2.0, SEAM_PX),
        to: (x + dx + 2.0, 0.0),
        stroke: Stroke::solid(theme.text, 1.5),
    };
    [stroke(-2.0), stroke(2.0)]
}

fn ticks(telling: &Telling, frame: &Frame, width: f64) -> Ticks {
    let axis = |positions| TimeAxis {
        positions,
        sample_rate_hz: telling.rate_hz,
        labels: telling.labels.clone(),
    };
    let whole = time_ticks(&axis(frame.positions()), width, FONT_PX, OVERHANG_PX);
    if frame.fold.seams(&frame.places).is_empty() {
        return whole;
    }
    let mut labels = Labels { width, ends_px: f64::NEG_INFINITY, date: String::new() };
    let mut all = Vec::new();
    for (places, positions) in frame.fold.stretches(&frame.places) {
        let x = (places.start - frame.places.start) / frame.span() * width;
        let wide = (places.end - places.start) / frame.span() * width;
        let begins = telling.labels.text(nanos(positions.start, telling), 0);
        all.extend(labels.of_start(&begins, &telling.labels, x));
        if wide >= WIDE_PX {
            let inner = time_ticks(&axis(positions), wide, FONT_PX, OVERHANG_PX);
            for tick in inner.ticks {
                all.extend(labels.of_tick(tick, x, wide));
            }
        }
    }
    // The date stands on the axis itself wherever it changes.
    Ticks { ticks: all, unit: whole.unit, context: String::new() }
}

fn nanos(position: f64, telling: &Telling) -> i64 {
    (position / telling.rate_hz * 1e9).round() as i64
}

/// Labels that are set one after the other.
struct Labels {
    width: f64,
    /// Where the last one ends, CSS pixels.
    ends_px: f64,
    /// The date that was told last.
    date: String,
}

impl Labels {
    /// A stretch begins: its date where that is another, else its time.
    fn of_start(&mut self, text: &str, labels: &TimeLabels, x: f64) -> Option<Tick> {
        let (date, time) = match (labels, text.split_once(' ')) {
            (TimeLabels::Clock { .. }, Some((date, time))) => (date, time),
            _ => ("", text),
        };
        let strong = date != self.date;
        let label = if strong { date } else { time.get(..5).unwrap_or(time) };
        let tick = Tick { at: x / self.width, label: label.to_owned(), strong };
        let placed = self.place(&tick, x)?;
        date.clone_into(&mut self.date);
        Some(placed)
    }

    fn of_tick(&mut self, tick: Tick, x: f64, wide: f64) -> Option<Tick> {
        let px = x + tick.at * wide;
        let moved = Tick { at: px / self.width, ..tick };
        // At the end of a stretch there is the fold, where the next one's beginning is told.
        let label_px = text_width(&moved.label, FONT_PX, Weight::SemiBold);
        let before_fold = x + wide < self.width - 1.0;
        if before_fold && px + label_px / 2.0 + LABEL_GAP_PX > x + wide {
            return Some(Tick { label: String::new(), ..moved });
        }
        if moved.label.is_empty() {
            return Some(moved);
        }
        Some(self.place(&moved, px).unwrap_or(Tick { label: String::new(), ..moved }))
    }

    /// The tick, where its label has room after the last.
    fn place(&mut self, tick: &Tick, px: f64) -> Option<Tick> {
        let wide = text_width(&tick.label, FONT_PX, Weight::SemiBold);
        let centre = spyhop_paint::label_centre_px(px, wide, self.width, OVERHANG_PX);
        if centre - wide / 2.0 < self.ends_px + LABEL_GAP_PX {
            return None;
        }
        self.ends_px = centre + wide / 2.0;
        Some(tick.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::Fold;
    use spyhop_api::Timestamp;
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;
    use std::sync::Arc;

    #[test]
    fn a_folded_axis_tells_each_date_once_and_no_labels_collide() {
        // Ten minutes an hour for two days, from 22:00.
        let minutes = 60 * 1000;
        let run = |hour: i64| Run {
            position: hour * 60 * minutes,
            frames: 10 * minutes as u64,
            recording: 0,
            first_frame: 0,
        };
        let line = Line {
            sample_rate_hz: 1000.0,
            origin: Some(Timestamp(1_238_364_000_000_000_000)),
            runs: (0..48).map(run).collect(),
        };
        let frame = Frame::of(&View::default(), &line, Arc::new(Fold::of(&line)));
        let labels = TimeLabels::Clock {
            origin: Timestamp(1_238_364_000_000_000_000),
            offset_s: 0,
            zone: "UTC".into(),
        };
        let telling = Telling { labels, rate_hz: 1000.0 };
        let ticks = ticks(&telling, &frame, 1100.0);
        let told: Vec<&Tick> = ticks.labelled().collect();
        let dates: Vec<&str> = told.iter().filter(|t| t.strong).map(|t| t.label.as_str()).collect();
        assert_eq!(dates, ["2009-03-29", "2009-03-30", "2009-03-31"]);
        assert!(told.len() > 8, "{told:?}");
        assert_eq!(seam_places(&frame, 1100.0, SEAM_GAP_PX).len(), 47);
        assert!(seam_places(&frame, 200.0, SEAM_GAP_PX).is_empty());
    }
}
