//! Things that come one after another, put together where little lies between them.

use std::ops::Range;

/// What can be put together with what comes after it.
pub(super) trait Part {
    /// Takes in what comes later.
    fn join(&mut self, later: Self);
}

/// Groups parts that lie no farther from each other than `gap`.
///
/// A group of up to `longest` stays whole. A longer one is cut where the clock passes a multiple of
/// `longest`: how a whale that clicks for an hour is told depends on no more than what is near. Memory:
/// three parts at most.
pub(super) struct Grouping<P> {
    gap: i64,
    longest: i64,
    /// From the first part of the group to the end of the last.
    span: Range<i64>,
    is_long: bool,
    /// One for each cell of the clock that is still open, the earliest first.
    open: Vec<(i64, P)>,
}

impl<P: Part> Grouping<P> {
    /// In positions. The longest is 1 at least.
    pub fn new(gap: i64, longest: i64) -> Grouping<P> {
        Grouping { gap, longest: longest.max(1), span: 0..0, is_long: false, open: Vec::new() }
    }

    /// How far around a part others matter to what becomes of it.
    pub fn reach(&self) -> i64 {
        2 * self.longest + self.gap
    }

    /// Takes the next part, which begins no earlier than the one before; gives groups that have ended.
    pub fn add(&mut self, at: Range<i64>, part: P, give: &mut dyn FnMut(P)) {
        if at.start.saturating_sub(self.span.end) > self.gap {
            self.finish(give);
        }
        if self.open.is_empty() {
            self.span = at.clone();
        }
        self.span.end = self.span.end.max(at.end);
        self.is_long |= self.span.end - self.span.start > self.longest;
        let cell = at.start.div_euclid(self.longest);
        match self.open.last_mut() {
            Some((last, open)) if *last == cell => open.join(part),
            _ => self.open.push((cell, part)),
        }
        if self.is_long {
            let ended = self.open.len() - 1;
            self.open.drain(..ended).for_each(|(_, part)| give(part));
        }
    }

    /// Whatever comes next is no part of this group.
    pub fn finish(&mut self, give: &mut dyn FnMut(P)) {
        let mut open = self.open.drain(..).map(|(_, part)| part);
        if self.is_long {
            open.for_each(give);
        } else if let Some(mut whole) = open.next() {
            open.for_each(|part| whole.join(part));
            give(whole);
        }
        self.is_long = false;
        self.span = i64::MIN..i64::MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Part for Vec<i64> {
        fn join(&mut self, later: Vec<i64>) {
            self.extend(later);
        }
    }

    fn groups(at: impl IntoIterator<Item = i64>) -> Vec<Vec<i64>> {
        let mut grouping = Grouping::new(5, 100);
        let mut all = Vec::new();
        for position in at {
            grouping.add(position..position + 1, vec![position], &mut |group| all.push(group));
        }
        grouping.finish(&mut |group| all.push(group));
        all
    }

    #[test]
    fn what_lies_near_is_one_group_even_across_a_border_of_the_clock() {
        assert_eq!(groups([90, 95, 101, 106, 113]), [vec![90, 95, 101, 106], vec![113]]);
        assert_eq!(groups([]), [[0i64; 0]; 0]);
    }

    #[test]
    fn a_long_group_is_cut_by_the_clock_and_not_by_where_one_begins_to_look() {
        let long = groups((40..460).step_by(5));
        let starts: Vec<i64> = long.iter().map(|group| group[0]).collect();
        assert_eq!(starts, [40, 100, 200, 300, 400]);
        let late = groups((195..460).step_by(5));
        assert_eq!(late[1..], long[2..]);
    }
}
