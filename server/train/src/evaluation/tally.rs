//! Counts of right, wrong and missed, and the figures that they make.

use std::ops::{AddAssign, Mul};

/// What was told at a threshold, beside what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Told, and there.
    pub right: f64,
    /// Told, and not there.
    pub wrong: f64,
    /// There, and not told.
    pub missed: f64,
    /// How long was listened to.
    pub hours: f64,
}

impl Tally {
    /// Share of what was told that is right. As scikit-learn has it, 0 where nothing was told.
    pub fn precision(&self) -> f64 {
        share(self.right, self.right + self.wrong)
    }

    /// Share of what is there that was told; 0 where nothing is there.
    pub fn recall(&self) -> f64 {
        share(self.right, self.right + self.missed)
    }

    /// Their harmonic mean; 0 where nothing is there or told.
    pub fn f1(&self) -> f64 {
        share(2.0 * self.right, 2.0 * self.right + self.wrong + self.missed)
    }

    /// What was told wrongly in an hour; 0 where nothing was listened to.
    pub fn fp_per_hour(&self) -> f64 {
        share(self.wrong, self.hours)
    }

    /// The sum of tallies.
    pub fn sum(all: impl IntoIterator<Item = Tally>) -> Tally {
        all.into_iter().fold(Tally::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.missed += other.missed;
        self.hours += other.hours;
    }
}

impl Mul<f64> for Tally {
    type Output = Tally;

    fn mul(self, factor: f64) -> Tally {
        Tally {
            right: self.right * factor,
            wrong: self.wrong * factor,
            missed: self.missed * factor,
            hours: self.hours * factor,
        }
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
