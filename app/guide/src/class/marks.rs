//! What a room lays over the picture: what is asked about, what is so, and how boxes that somebody drew
//! fit it.

use spyhop_api::room::{Area, BoxVerdict, Mine, RoomState};
use spyhop_api::{Mark, MarkKind};

use super::words;

/// Everything that lies over the picture of a member who has drawn these boxes and not yet sent them.
/// `looked_at` is what somebody asks about and this member looks at.
pub fn of_room(
    state: &RoomState,
    mine: &Mine,
    drawn: &[Area],
    looked_at: Option<&Area>,
) -> Vec<Mark> {
    let mut marks = state.revealed.clone();
    if let Some(area) = state.question.as_ref().and_then(|question| question.area.as_ref()) {
        marks.push(mark(area, words::ASKED_HERE, MarkKind::Question));
    }
    if let Some(area) = looked_at {
        marks.push(mark(area, words::ASKED_HERE, MarkKind::Question));
    }
    let Some(task) = &state.task else { return marks };
    marks.push(mark(&task.area, "", MarkKind::Question));
    let result = mine.result.as_ref().filter(|result| result.task == task.id);
    // A try is shown until the next one is begun.
    match result.filter(|_| drawn.is_empty()) {
        Some(result) => {
            marks.extend(result.boxes.iter().map(judged));
            let is_solved = !task.solution.is_empty();
            let missed = result.missed_at.iter().filter(|_| !is_solved);
            marks.extend(missed.map(|area| mark(area, words::MISSED, MarkKind::Truth)));
        }
        None => marks.extend(
            drawn
                .iter()
                .enumerate()
                .map(|(at, area)| mark(area, &(at + 1).to_string(), MarkKind::Answer)),
        ),
    }
    marks.extend(task.solution.iter().map(|area| mark(area, "", MarkKind::Truth)));
    marks
}

/// What stands at a box: right, or the weightiest reason why not.
pub fn judged(verdict: &BoxVerdict) -> Mark {
    let kind = if verdict.is_right { MarkKind::Right } else { MarkKind::Wrong };
    mark(&verdict.area, &words::of_verdict(verdict), kind)
}

fn mark(area: &Area, text: &str, kind: MarkKind) -> Mark {
    Mark {
        start: area.start,
        span_ns: area.span_ns,
        band_hz: area.band_hz,
        text: text.to_owned(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Moment;
    use spyhop_api::room::{Reason, Task, TaskResult};

    fn area(start_ns: i64) -> Area {
        Area { start: Moment::Elapsed(start_ns), span_ns: 10, band_hz: (100.0, 200.0) }
    }

    fn with_task() -> RoomState {
        let task = Task {
            id: 3,
            text: String::new(),
            label: "upcall".into(),
            area: area(0),
            calls: 2,
            least_overlap: 0.3,
            shows_missed: true,
            solution: Vec::new(),
        };
        RoomState { task: Some(task), ..RoomState::default() }
    }

    fn kinds(marks: &[Mark]) -> Vec<MarkKind> {
        marks.iter().map(|mark| mark.kind).collect()
    }

    fn result(task: u32) -> Mine {
        let verdict =
            |is_right, reasons| BoxVerdict { area: area(1), is_right, overlap: 0.4, reasons };
        let boxes =
            vec![verdict(true, Vec::new()), verdict(false, vec![Reason::Late { by_s: 0.3 }])];
        let result =
            TaskResult { task, boxes, right: 1, missed_at: vec![area(7)], ..Default::default() };
        Mine { result: Some(result), ..Mine::default() }
    }

    #[test]
    fn a_try_shows_what_was_right_wrong_and_missed_until_the_next_is_begun() {
        let state = with_task();
        let tried = of_room(&state, &result(3), &[], None);
        use MarkKind::{Answer, Question, Right, Truth, Wrong};
        assert_eq!(kinds(&tried), [Question, Right, Wrong, Truth]);
        assert_eq!(tried[2].text, "too late by 0.3 s");
        let begun = of_room(&state, &result(3), &[area(5)], None);
        assert_eq!(kinds(&begun), [Question, Answer]);
        let of_an_earlier_task = of_room(&state, &result(2), &[], None);
        assert_eq!(kinds(&of_an_earlier_task), [Question]);
    }

    #[test]
    fn a_solution_takes_the_place_of_what_was_missed() {
        let mut state = with_task();
        if let Some(task) = &mut state.task {
            task.solution = vec![area(7), area(9)];
        }
        let marks = of_room(&state, &result(3), &[], None);
        assert_eq!(marks.iter().filter(|mark| mark.kind == MarkKind::Truth).count(), 2);
    }

    #[test]
    fn without_a_task_boxes_are_nobodys_business() {
        assert!(of_room(&RoomState::default(), &result(3), &[area(5)], None).is_empty());
        let looked_at = of_room(&RoomState::default(), &Mine::default(), &[], Some(&area(5)));
        assert_eq!(kinds(&looked_at), [MarkKind::Question]);
    }
}
