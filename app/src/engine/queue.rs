//! Pieces that wait for a worker, and which of them is for whom.

use std::collections::VecDeque;

use super::plan::{Planned, Sooner};

/// Pieces that wait, the most urgent first.
#[derive(Default)]
pub struct Queue {
    waiting: VecDeque<Planned>,
    /// What each worker was given last.
    last: Vec<Option<Sooner>>,
}

impl Queue {
    /// Replaces what waits. Workers go on with their runs.
    pub fn replace(&mut self, planned: Vec<Planned>) {
        self.waiting = planned.into();
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Nothing waits, and nobody is in the midst of a run.
    pub fn clear(&mut self) {
        *self = Queue::default();
    }

    /// The next piece for a worker: of the most urgent pass what continues its run, else the first
    /// run that no other is in, else the end of somebody's.
    pub fn next_for(&mut self, worker: usize) -> Option<Planned> {
        let pass = self.waiting.front()?.order.clone();
        let of_pass = self.waiting.partition_point(|p| p.order.is_of_pass(&pass));
        let mine = self.last.get(worker).and_then(Option::as_ref);
        let anyones = |order: &Sooner| self.last.iter().flatten().any(|last| last.is_of_run(order));
        let places = 0..of_pass;
        let at = places
            .clone()
            .find(|&i| mine.is_some_and(|mine| mine.is_of_run(&self.waiting[i].order)))
            .or_else(|| places.clone().find(|&i| !anyones(&self.waiting[i].order)))
            .unwrap_or(of_pass.saturating_sub(1));
        let planned = self.waiting.remove(at)?;
        if self.last.len() <= worker {
            self.last.resize(worker + 1, None);
        }
        self.last[worker] = Some(planned.order.clone());
        Some(planned)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use spyhop_api::view::SpectrumSettings;

    use super::super::plan::{Kind, Piece};
    use super::super::tile::{Layer, Place, Strip};
    use super::*;

    /// Exact pieces of one column each: their index, and the first of their run.
    fn queue(pieces: &[(i64, i64)]) -> Queue {
        let spectrum = SpectrumSettings::default();
        let strip = Strip { first_row: 0, rows: 513, bins_per_row: 1 };
        let layer = Layer { spectrum: (&spectrum).into(), channel: 0, strip };
        let planned = pieces.iter().map(|&(index, run)| Planned {
            piece: Piece {
                kind: Kind::Exact(layer),
                place: Place { level: 20, index },
                columns: 0..1,
            },
            spectrum,
            order: Sooner::new(0, run, run, index),
        });
        let mut queue = Queue::default();
        queue.replace(planned.collect());
        queue
    }

    fn run(indices: Range<i64>) -> Vec<(i64, i64)> {
        indices.clone().map(|i| (i, indices.start)).collect()
    }

    fn next(queue: &mut Queue, worker: usize) -> Option<i64> {
        queue.next_for(worker).map(|planned| planned.piece.place.index)
    }

    #[test]
    fn each_worker_goes_on_in_a_run_of_its_own() {
        let mut queue = queue(&[run(0..3), run(3..6)].concat());
        let given: Vec<_> = [0, 1, 1, 0, 0, 1].iter().map(|w| next(&mut queue, *w)).collect();
        assert_eq!(given, [0, 3, 4, 1, 2, 5].map(Some));
        assert_eq!(next(&mut queue, 0), None);
    }

    #[test]
    fn a_worker_that_has_nothing_left_takes_the_end_of_anothers_run() {
        let mut queue = queue(&run(0..4));
        let given: Vec<_> = [0, 1, 0, 0].iter().map(|w| next(&mut queue, *w)).collect();
        assert_eq!(given, [0, 3, 1, 2].map(Some));
    }

    #[test]
    fn pieces_that_are_alone_come_in_their_order() {
        let mut queue = queue(&[(5, 5), (4, 4), (6, 6)]);
        let given: Vec<_> = [0, 0, 1].iter().map(|w| next(&mut queue, *w)).collect();
        assert_eq!(given, [5, 4, 6].map(Some));
    }
}
