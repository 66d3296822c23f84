//! A slowly tracking noise floor: what lies over it is not the sea.
//!
//! The floor of a row (a band, a bin) is a percentile of its levels in the seconds around. A percentile
//! does not follow a call as a mean would, and it needs what is near only, however long a recording is.
//! Raven's band-limited energy detector estimates its noise the same way (H. Figueroa, *XBAT*, 2006).

use std::collections::VecDeque;

/// How the floor is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FloorSpec {
    /// Levels of a frame.
    pub rows: usize,
    /// Frames that share one floor.
    pub block: i64,
    /// Blocks on either side that it is a percentile of, beside the frames' own.
    pub side: i64,
    /// Which one, 0 to 1.
    pub share: f32,
    /// Every so many-th frame is looked at: neighbours overlap and say the same.
    pub stride: i64,
}

/// Levels of frames with the floor under them.
pub(super) struct Floor {
    spec: FloorSpec,
    /// Frames of which a block may still need to know, by number.
    frames: VecDeque<(i64, Vec<f32>)>,
    /// Levels of frames that are needed no more, to be used again.
    spare: Vec<Vec<f32>>,
    /// Frames before this one were given.
    given: i64,
    floor: Vec<f32>,
    sorted: Vec<f32>,
}

/// Takes a frame's number, its levels and the floor under each.
pub(super) type TakeLevels<'a> = dyn FnMut(i64, &[f32], &[f32]) + 'a;

impl FloorSpec {
    /// How many frames around one matter to its floor.
    pub fn reach(&self) -> i64 {
        (self.side + 1) * self.block
    }
}

impl Floor {
    pub fn new(spec: FloorSpec) -> Floor {
        Floor {
            spec,
            frames: VecDeque::new(),
            spare: Vec::new(),
            given: i64::MIN,
            floor: vec![0.0; spec.rows],
            sorted: Vec::new(),
        }
    }

    /// Memory for the levels of the next frame.
    pub fn row(&mut self) -> Vec<f32> {
        self.spare.pop().unwrap_or_else(|| vec![0.0; self.spec.rows])
    }

    /// Takes the levels of a frame; frames come in order and may be missing.
    pub fn push(&mut self, frame: i64, levels: Vec<f32>, take: &mut TakeLevels<'_>) {
        self.give_before(frame, take);
        self.frames.push_back((frame, levels));
    }

    /// Gives all that is left.
    pub fn finish(&mut self, take: &mut TakeLevels<'_>) {
        self.give_before(i64::MAX, take);
        self.frames.clear();
        self.given = i64::MIN;
    }

    /// Gives the blocks whose floors no frame from `next` on has a say in.
    fn give_before(&mut self, next: i64, take: &mut TakeLevels<'_>) {
        let spec = self.spec;
        loop {
            let waiting = self.frames.partition_point(|(frame, _)| *frame < self.given);
            let Some((frame, _)) = self.frames.get(waiting) else { break };
            let block = frame.div_euclid(spec.block);
            let end = (block + 1) * spec.block;
            if end.saturating_add(spec.side * spec.block) > next {
                break;
            }
            self.find_floor(block);
            for (frame, levels) in self.frames.range(waiting..) {
                if *frame >= end {
                    break;
                }
                take(*frame, levels, &self.floor);
            }
            self.given = end;
            let needed = end - spec.side * spec.block;
            while self.frames.front().is_some_and(|(frame, _)| *frame < needed) {
                self.spare.extend(self.frames.pop_front().map(|(_, levels)| levels));
            }
        }
    }

    fn find_floor(&mut self, block: i64) {
        let spec = self.spec;
        let from = (block - spec.side) * spec.block;
        let to = (block + spec.side + 1) * spec.block;
        let first = self.frames.partition_point(|(frame, _)| *frame < from);
        let end = self.frames.partition_point(|(frame, _)| *frame < to);
        let is_looked_at = |frame: i64| frame.rem_euclid(spec.stride) == 0;
        let any = self.frames.range(first..end).any(|(frame, _)| is_looked_at(*frame));
        for row in 0..spec.rows {
            let around = self.frames.range(first..end);
            let looked_at = around.filter(|(frame, _)| !any || is_looked_at(*frame));
            self.sorted.clear();
            self.sorted.extend(looked_at.map(|(_, levels)| levels[row]));
            self.floor[row] = quantile(&mut self.sorted, spec.share);
        }
    }
}

/// The value that a share of the values do not exceed, interpolated straight between the two nearest
/// (`numpy.quantile(…, method="linear")`); reorders them. NaN where there is none.
pub(super) fn quantile(values: &mut [f32], share: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return f32::NAN };
    let place = f64::from(share.clamp(0.0, 1.0)) * last as f64;
    let (lower, rest) = (place.floor() as usize, place.fract() as f32);
    let (_, &mut value, above) = values.select_nth_unstable_by(lower, f32::total_cmp);
    match above.iter().copied().min_by(f32::total_cmp) {
        // Nothing is between a level and itself, be it −∞.
        Some(next) if rest > 0.0 && next > value => value + rest * (next - value),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: FloorSpec = FloorSpec { rows: 1, block: 4, side: 2, share: 0.5, stride: 1 };

    /// Numbers, levels and floors of frames that come with these numbers.
    fn floors(spec: FloorSpec, frames: impl Iterator<Item = i64>) -> Vec<(i64, f32, f32)> {
        let mut floor = Floor::new(spec);
        let mut all = Vec::new();
        let mut take =
            |frame: i64, levels: &[f32], floor: &[f32]| all.push((frame, levels[0], floor[0]));
        for frame in frames {
            let mut levels = floor.row();
            levels[0] = level(frame);
            floor.push(frame, levels, &mut take);
        }
        floor.finish(&mut take);
        all
    }

    fn level(frame: i64) -> f32 {
        (frame.rem_euclid(7) * 3 + frame / 10) as f32
    }

    #[test]
    fn a_floor_is_the_median_of_the_blocks_around() {
        let all = floors(SPEC, 0..100);
        assert_eq!(all.len(), 100);
        for (frame, its_level, floor) in all {
            let block = frame / 4;
            let around = ((block - 2) * 4).max(0)..((block + 3) * 4).min(100);
            let mut values: Vec<f32> = around.map(level).collect();
            values.sort_by(f32::total_cmp);
            let n = values.len();
            assert_eq!(floor, 0.5 * (values[(n - 1) / 2] + values[n / 2]), "{frame}");
            assert_eq!(its_level, level(frame));
        }
    }

    #[test]
    fn a_floor_depends_on_what_is_near_only() {
        let whole = floors(SPEC, -50..200);
        let late = floors(SPEC, 20..200);
        let from = 20 + SPEC.reach();
        let tail =
            |all: Vec<(i64, f32, f32)>| all.into_iter().filter(|f| f.0 >= from).collect::<Vec<_>>();
        assert_eq!(tail(late), tail(whole));
    }

    #[test]
    fn missing_frames_shift_nothing() {
        let holes = |frame: &i64| frame % 9 != 4 && !(40..60).contains(frame);
        let all = floors(SPEC, (0..100).filter(holes));
        let expected: Vec<i64> = (0..100).filter(holes).collect();
        assert_eq!(all.iter().map(|f| f.0).collect::<Vec<_>>(), expected);
        let at = |frame: i64| all.iter().find(|f| f.0 == frame).expect("there").2;
        let mut values: Vec<f32> = (28..40).filter(holes).map(level).collect();
        values.sort_by(f32::total_cmp);
        let middle = 0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2]);
        assert_eq!(at(36), middle, "after it there is nothing for twenty frames");
    }

    #[test]
    fn quantiles_are_interpolated_as_numpys_are() {
        let of = |share| quantile(&mut [4.0, 1.0, 3.0, 2.0, 5.0], share);
        assert_eq!([of(0.0), of(0.5), of(0.9), of(1.0)], [1.0, 3.0, 4.6, 5.0]);
        assert!(quantile(&mut [], 0.5).is_nan());
        assert_eq!(quantile(&mut [f32::NEG_INFINITY; 3], 0.25), f32::NEG_INFINITY);
    }
}
