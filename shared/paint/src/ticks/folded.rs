//! Ticks of a time axis on which gaps are folded away.

use std::ops::Range;

use spyhop_signal::Fold;

use super::{Tick, Ticks, TimeAxis, TimeLabels, label_centre_px, time_ticks};
use crate::scene::Weight;
use crate::text::text_width;

/// Least space between two labels, in font sizes.
const LABEL_GAP: f64 = 14.0 / 12.0;
/// Stretches between folds that are wide enough for ticks of their own, in font sizes.
const WIDE: f64 = 7.5;

/// Ticks of an axis whose `positions` are places (see [`Fold`]); the rest as [`time_ticks`]. Each stretch
/// between folds tells where it begins, and what is wide enough has ticks of its own. The date stands on the
/// axis itself wherever it changes, and not in the context.
pub fn folded_time_ticks(
    axis: &TimeAxis,
    fold: &Fold,
    length_px: f64,
    font_px: f64,
    overhang_px: f64,
) -> Ticks {
    let places = &axis.positions;
    let of = |positions| TimeAxis { positions, ..axis.clone() };
    let all = fold.position_at(places.start)..fold.end_at(places.end);
    let whole = time_ticks(&of(all), length_px, font_px, overhang_px);
    if fold.seams(places).is_empty() {
        return whole;
    }
    let span = places.end - places.start;
    let mut labels =
        Labels { length_px, font_px, overhang_px, ends_px: f64::NEG_INFINITY, date: String::new() };
    let mut ticks = Vec::new();
    for (stretch, positions) in fold.stretches(places) {
        let x = (stretch.start - places.start) / span * length_px;
        let wide = (stretch.end - stretch.start) / span * length_px;
        let begins = axis.labels.text(nanos(positions.start, axis.sample_rate_hz), 0);
        ticks.extend(labels.of_start(&begins, &axis.labels, x));
        if wide >= WIDE * font_px {
            let inner = time_ticks(&of(positions), wide, font_px, 0.0);
            for tick in inner.ticks {
                ticks.push(labels.of_tick(tick, &(x..x + wide)));
            }
        }
    }
    Ticks { ticks, unit: whole.unit, context: String::new() }
}

fn nanos(position: f64, rate_hz: f64) -> i64 {
    (position / rate_hz * 1e9).round() as i64
}

/// Labels that are set one after the other.
struct Labels {
    length_px: f64,
    font_px: f64,
    overhang_px: f64,
    /// Where the last one ends, CSS pixels.
    ends_px: f64,
    /// The date that was told last.
    date: String,
}

impl Labels {
    /// A stretch begins: its date where that is another, else its time.
    fn of_start(&mut self, text: &str, labels: &TimeLabels, x: f64) -> Option<Tick> {
        let (date, time) = match (labels, text.split_once(' ')) {
            // Hours and minutes: stretches begin minutes apart, and seconds have no room.
            (TimeLabels::Clock { .. }, Some((date, time))) => (date, time.get(..5).unwrap_or(time)),
            _ => ("", text),
        };
        let strong = date != self.date;
        let label = if strong { date } else { time };
        let tick = Tick { at: x / self.length_px, label: label.to_owned(), strong };
        let placed = self.place(&tick, x)?;
        date.clone_into(&mut self.date);
        Some(placed)
    }

    /// A tick of a stretch that takes some of the axis; without its label where that has no room.
    fn of_tick(&mut self, tick: Tick, stretch_px: &Range<f64>) -> Tick {
        let px = stretch_px.start + tick.at * (stretch_px.end - stretch_px.start);
        let moved = Tick { at: px / self.length_px, ..tick };
        // At the end of a stretch there is the fold, where the next one's beginning is told.
        let before_fold = stretch_px.end < self.length_px - 1.0;
        let reaches = px + self.width(&moved.label) / 2.0 + LABEL_GAP * self.font_px;
        let bare = Tick { label: String::new(), ..moved.clone() };
        if moved.label.is_empty() || before_fold && reaches > stretch_px.end {
            return bare;
        }
        self.place(&moved, px).unwrap_or(bare)
    }

    /// The tick, where its label has room after the last.
    fn place(&mut self, tick: &Tick, px: f64) -> Option<Tick> {
        let wide = self.width(&tick.label);
        let centre = label_centre_px(px, wide, self.length_px, self.overhang_px);
        if centre - wide / 2.0 < self.ends_px + LABEL_GAP * self.font_px {
            return None;
        }
        self.ends_px = centre + wide / 2.0;
        Some(tick.clone())
    }

    fn width(&self, label: &str) -> f64 {
        text_width(label, self.font_px, Weight::SemiBold)
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::Timestamp;
    use spyhop_signal::Line;
    use spyhop_signal::line::Run;

    use super::*;

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
        let origin = Timestamp(1_238_364_000_000_000_000);
        let line =
            Line { sample_rate_hz: 1000.0, origin: Some(origin), runs: (0..48).map(run).collect() };
        let fold = Fold::of(&line);
        let axis = TimeAxis {
            positions: 0.0..fold.place_of(line.end() as f64),
            sample_rate_hz: 1000.0,
            labels: TimeLabels::Clock { origin, offset_s: 0, zone: "UTC".into() },
        };
        let ticks = folded_time_ticks(&axis, &fold, 1100.0, 12.0, 0.0);
        let told: Vec<&Tick> = ticks.labelled().collect();
        let dates: Vec<&str> = told.iter().filter(|t| t.strong).map(|t| t.label.as_str()).collect();
        assert_eq!(dates, ["2009-03-29", "2009-03-30", "2009-03-31"]);
        assert!(told.len() > 8, "{told:?}");
        assert_eq!(folded_time_ticks(&axis, &Fold::default(), 1100.0, 12.0, 0.0), {
            time_ticks(&axis, 1100.0, 12.0, 0.0)
        });
        // Without a clock a stretch tells the time since the first sample, with its seconds.
        let elapsed = TimeAxis { labels: TimeLabels::Elapsed, ..axis };
        let ticks = folded_time_ticks(&elapsed, &fold, 1100.0, 12.0, 0.0);
        let told: Vec<&str> = ticks.labelled().map(|tick| tick.label.as_str()).collect();
        assert!(told.iter().all(|label| !label.ends_with(':')), "{told:?}");
        let near = TimeAxis { positions: 0.0..30.0 * minutes as f64, ..elapsed };
        let ticks = folded_time_ticks(&near, &fold, 1100.0, 12.0, 0.0);
        assert!(ticks.labelled().any(|tick| tick.label == "1:00:00"), "{ticks:?}");
    }
}
