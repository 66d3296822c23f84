//! What the samples of a pyramid's column are like, beside its spectrum.

/// The wave form of the samples that were taken within a column.
///
/// A sample belongs to the column that its own time lies in, and a frame of the transform to that of its
/// centre: so the last samples before a gap, which fill no frame, are here though they are in no spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ColumnSamples {
    /// How many there are; with none of them the other numbers mean nothing, and are 0.
    pub count: u64,
    /// The smallest, in full scale.
    pub min: f32,
    /// The largest.
    pub max: f32,
    /// Mean of their squares, FS².
    pub mean_square: f32,
}

impl ColumnSamples {
    /// Those of two columns together.
    pub fn with(self, other: ColumnSamples) -> ColumnSamples {
        match (self.count, other.count) {
            (_, 0) => self,
            (0, _) => other,
            (a, b) => {
                let count = a.saturating_add(b);
                let squares = f64::from(self.mean_square) * a as f64
                    + f64::from(other.mean_square) * b as f64;
                ColumnSamples {
                    count,
                    min: self.min.min(other.min),
                    max: self.max.max(other.max),
                    mean_square: (squares / count as f64) as f32,
                }
            }
        }
    }
}
