//! What the boxes of a task are held against.

use std::ops::Range;

use spyhop_api::room::{Area, MOST_BOXES, MOST_MARKS, Task, TaskResult};
use spyhop_api::{Mark, Moment};
use spyhop_signal::detect::overlap::{TimeBox, overlap};
use spyhop_signal::detect::scoring::score;

use super::{RoomError, wording};

/// A task with its calls.
pub struct Truth {
    task: u32,
    area: Area,
    least_overlap: f64,
    shows_missed: bool,
    calls: Vec<Area>,
}

impl Truth {
    /// A task, and the calls of `marks` that it asks for: those of its label whose middle lies in its area.
    ///
    /// # Errors
    /// When there are none, or too many.
    pub fn new(mut task: Task, marks: &[Mark]) -> Result<(Task, Truth), RoomError> {
        let label = task.label.to_lowercase();
        let is_asked_for =
            |mark: &&Mark| label.is_empty() || wording::text(&mark.text).to_lowercase() == label;
        let whole = time_box(&task.area);
        let is_inside = |call: &Area| {
            let span = time_box(call).span_ns;
            let middle = span.start.midpoint(span.end);
            same_clock(call, &task.area)
                && whole.span_ns.contains(&middle)
                && call.band_hz.0 < task.area.band_hz.1
                && call.band_hz.1 > task.area.band_hz.0
        };
        let calls: Vec<Area> =
            marks.iter().filter(is_asked_for).map(area_of).filter(is_inside).collect();
        let what = if task.label.is_empty() { "labelled call" } else { &task.label };
        if calls.is_empty() {
            return Err(RoomError::Invalid(format!(
                "no {what} is known in this part: label some there first, or show another part"
            )));
        }
        if calls.len() > MOST_MARKS {
            return Err(RoomError::Invalid(format!(
                "{} are known in this part; a task has {MOST_MARKS} at most: take a smaller part",
                calls.len()
            )));
        }
        task.calls = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        let truth = Truth {
            task: task.id,
            area: task.area,
            least_overlap: task.least_overlap,
            shows_missed: task.shows_missed,
            calls,
        };
        Ok((task, truth))
    }

    /// The calls.
    pub fn calls(&self) -> &[Area] {
        &self.calls
    }

    /// Holds boxes against the calls. Which try it was is not known here.
    ///
    /// # Errors
    /// When there are too many, or one is none.
    pub fn score(&self, boxes: &[Area]) -> Result<TaskResult, RoomError> {
        if boxes.len() > MOST_BOXES {
            return Err(RoomError::Invalid(format!("a try has {MOST_BOXES} boxes at most")));
        }
        let boxes = boxes.iter().map(|one| wording::area(*one)).collect::<Result<Vec<_>, _>>()?;
        let on_clock = |one: &Area| {
            // One of another clock is nowhere here.
            if same_clock(one, &self.area) { time_box(one) } else { NOWHERE }
        };
        let drawn: Vec<TimeBox> = boxes.iter().map(on_clock).collect();
        let calls: Vec<TimeBox> = self.calls.iter().map(|call| self.call_box(call)).collect();
        let scored = score(&drawn, &calls, &time_box(&self.area), self.least_overlap);
        let missed = || scored.missed.iter().filter_map(|&call| self.calls.get(call).copied());
        let right = scored.boxes.iter().filter(|verdict| verdict.call.is_some()).count();
        Ok(TaskResult {
            task: self.task,
            try_number: 0,
            right: u32::try_from(right).unwrap_or(u32::MAX),
            missed: u32::try_from(scored.missed.len()).unwrap_or(u32::MAX),
            missed_at: if self.shows_missed { missed().collect() } else { Vec::new() },
            is_mastered: scored.missed.is_empty() && right == boxes.len(),
            boxes: boxes.into_iter().zip(scored.boxes).map(|(at, said)| said.told(at)).collect(),
        })
    }
}

impl Truth {
    /// A call that fills the band of the task has none that anybody noted, or none that matters.
    fn call_box(&self, call: &Area) -> TimeBox {
        let fills = call.band_hz.0 <= self.area.band_hz.0 && call.band_hz.1 >= self.area.band_hz.1;
        TimeBox { band_hz: (!fills).then_some(call.band_hz), ..time_box(call) }
    }
}

const NOWHERE: TimeBox = TimeBox { span_ns: 0..0, band_hz: None };

/// Leaves out of what several sources know those that say the same as one before: boxes that overlap by half.
pub fn told_once(marks: Vec<Mark>) -> Vec<Mark> {
    let mut kept: Vec<(Mark, TimeBox)> = Vec::new();
    for mark in marks {
        let place = time_box(&area_of(&mark));
        let is_known = kept.iter().any(|(held, at)| {
            same_clock(&area_of(held), &area_of(&mark)) && overlap(at, &place) >= 0.5
        });
        if !is_known {
            kept.push((mark, place));
        }
    }
    kept.into_iter().map(|(mark, _)| mark).collect()
}

fn area_of(mark: &Mark) -> Area {
    Area { start: mark.start, span_ns: mark.span_ns, band_hz: mark.band_hz }
}

fn same_clock(a: &Area, b: &Area) -> bool {
    matches!(a.start, Moment::Clock(_)) == matches!(b.start, Moment::Clock(_))
}

/// Nanoseconds of a box.
pub fn span_ns(area: &Area) -> Range<i64> {
    let start = area.start.nanos();
    start..start.saturating_add(area.span_ns)
}

fn time_box(area: &Area) -> TimeBox {
    TimeBox { span_ns: span_ns(area), band_hz: Some(area.band_hz) }
}
