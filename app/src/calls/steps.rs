//! What was said of candidates from this page, to be taken back and said again. Each step names its run:
//! candidates of two runs may have one number.

use spyhop_api::detection::{DetectedCall, Review};

/// How many steps are kept, those that were taken back among them.
const MOST_STEPS: usize = 200;

/// Something that was said of a candidate from this page.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub run: i64,
    pub call: DetectedCall,
    /// What was said of it before.
    pub before: Review,
    /// What was said of it then.
    pub after: Review,
}

/// All of them, the last last.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    undo: Vec<Step>,
    redo: Vec<Step>,
}

impl Step {
    /// What it goes from and what to; `back` takes it back.
    pub fn way(&self, back: bool) -> (&Review, &Review) {
        if back { (&self.after, &self.before) } else { (&self.before, &self.after) }
    }

    /// What stands of its candidate is another's word, which a person has been shown: the step goes from
    /// there.
    pub fn goes_from(&mut self, now: Review, back: bool) {
        *(if back { &mut self.after } else { &mut self.before }) = now;
    }
}

impl Steps {
    /// Something new was said: what was taken back in its run is not said again.
    pub fn said(&mut self, step: Step) {
        self.redo.retain(|other| other.run != step.run);
        self.undo.push(step);
        if self.undo.len() > MOST_STEPS {
            self.undo.remove(0);
        }
    }

    /// Whether there is a step of a run.
    pub fn has(&self, run: i64, back: bool) -> bool {
        let steps = if back { &self.undo } else { &self.redo };
        steps.iter().any(|step| step.run == run)
    }

    /// Takes the last step of a run away, to go it.
    pub fn take(&mut self, run: i64, back: bool) -> Option<Step> {
        let steps = self.of(back);
        let at = steps.iter().rposition(|step| step.run == run)?;
        Some(steps.remove(at))
    }

    /// A step could not be gone: it is the next one again.
    pub fn put_back(&mut self, step: Step, back: bool) {
        self.of(back).push(step);
    }

    /// A step was gone; `said` is its candidate as it now is.
    pub fn gone(&mut self, step: Step, said: DetectedCall, back: bool) {
        let (was, restored) = {
            let (from, to) = step.way(back);
            (from.clone(), to.version)
        };
        let now = said.review.clone();
        // Other steps of this candidate went from or to what now stands under a new version.
        for other in self.undo.iter_mut().chain(&mut self.redo) {
            if (other.run, other.call.id) != (step.run, said.id) {
                continue;
            }
            for review in [&mut other.before, &mut other.after] {
                if review.version == restored {
                    review.version = now.version;
                }
            }
        }
        let (before, after) = if back { (now, was) } else { (was, now) };
        self.of(!back).push(Step { run: step.run, call: said, before, after });
    }

    fn of(&mut self, back: bool) -> &mut Vec<Step> {
        if back { &mut self.undo } else { &mut self.redo }
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::Timestamp;
    use spyhop_api::detection::{CallQuery, ReviewChange, Verdict};

    use super::super::local::LocalRun;
    use super::super::local::tests::{call, run};
    use super::*;

    /// Two runs of a tab, of one candidate each: both have the number 1.
    fn two_runs() -> [LocalRun; 2] {
        [-1, -2].map(|id| {
            let mut local = LocalRun::new(run(), true);
            local.run.id = id;
            local.extend(vec![call("upcall", 10, 0.9)], &Default::default(), |_| Vec::new());
            local
        })
    }

    fn review(
        runs: &mut [LocalRun],
        run: i64,
        seen: &DetectedCall,
        verdict: Verdict,
    ) -> DetectedCall {
        let change = ReviewChange { verdict, ..ReviewChange::default() };
        let local = runs.iter_mut().find(|local| local.run.id == run).expect("such a run");
        local.review(seen.id, seen.review.version, &change, Timestamp(0)).expect("the version seen")
    }

    fn say(runs: &mut [LocalRun], steps: &mut Steps, run: i64, verdict: Verdict) {
        let seen = only(runs, run);
        let said = review(runs, run, &seen, verdict);
        let (before, after) = (seen.review, said.review.clone());
        steps.said(Step { run, call: said, before, after });
    }

    fn go(runs: &mut [LocalRun], steps: &mut Steps, run: i64, back: bool) {
        let step = steps.take(run, back).expect("a step");
        let (from, to) = step.way(back);
        let seen = DetectedCall { review: from.clone(), ..step.call.clone() };
        let said = review(runs, step.run, &seen, to.verdict);
        steps.gone(step, said, back);
    }

    fn only(runs: &[LocalRun], run: i64) -> DetectedCall {
        let local = runs.iter().find(|local| local.run.id == run).expect("such a run");
        local.page(&CallQuery::default()).calls[0].clone()
    }

    fn verdicts(runs: &[LocalRun]) -> [Verdict; 2] {
        [-1, -2].map(|run| only(runs, run).review.verdict)
    }

    #[test]
    fn what_is_taken_back_is_of_the_run_that_it_was_said_in() {
        let (mut runs, mut steps) = (two_runs(), Steps::default());
        say(&mut runs, &mut steps, -2, Verdict::Accepted);
        say(&mut runs, &mut steps, -1, Verdict::Rejected);
        // The second run is shown again: its own last word is taken back, and the other's stays.
        go(&mut runs, &mut steps, -2, true);
        assert_eq!(verdicts(&runs), [Verdict::Rejected, Verdict::Unreviewed]);
        assert!(!steps.has(-2, true) && steps.has(-1, true));
        // A new word in the first run leaves what the second can say again.
        say(&mut runs, &mut steps, -1, Verdict::Accepted);
        assert!(!steps.has(-1, false));
        go(&mut runs, &mut steps, -2, false);
        assert_eq!(verdicts(&runs), [Verdict::Accepted, Verdict::Accepted]);
    }

    #[test]
    fn steps_of_one_candidate_are_gone_back_and_forth_under_new_versions() {
        let (mut runs, mut steps) = (two_runs(), Steps::default());
        for verdict in [Verdict::Accepted, Verdict::Rejected, Verdict::Accepted] {
            say(&mut runs, &mut steps, -1, verdict);
        }
        let mut seen = Vec::new();
        for back in [true, true, true, false, false, false, true] {
            go(&mut runs, &mut steps, -1, back);
            seen.push(verdicts(&runs)[0]);
        }
        let (yes, no) = (Verdict::Accepted, Verdict::Rejected);
        assert_eq!(seen, [no, yes, Verdict::Unreviewed, yes, no, yes, no]);
    }

    #[test]
    fn a_step_that_could_not_be_gone_is_the_next_one_again() {
        let (mut runs, mut steps) = (two_runs(), Steps::default());
        say(&mut runs, &mut steps, -1, Verdict::Accepted);
        say(&mut runs, &mut steps, -1, Verdict::Rejected);
        let mut step = steps.take(-1, true).expect("a step");
        // Somebody else spoke meanwhile; whoever has seen that may take it back.
        let seen = only(&runs, -1);
        let theirs = review(&mut runs, -1, &seen, Verdict::Relabelled);
        step.goes_from(theirs.review, true);
        steps.put_back(step, true);
        go(&mut runs, &mut steps, -1, true);
        assert_eq!(verdicts(&runs)[0], Verdict::Accepted, "not an earlier one");
    }
}
