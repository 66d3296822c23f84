//! Columns of a view's spectrum that a server computes for whoever spares the net: which ones.
//!
//! They are asked for with a view's own query, which tells the recordings, the channel and the transform,
//! and one key more. The answer is a [`crate::Tile`] with coarse levels whose first column is the first
//! that was asked for.

use std::fmt;
use std::str::FromStr;

use crate::tile::TILE_COLUMNS;

/// The key.
pub const KEY: &str = "columns";
/// More rows than a picture has.
const MOST_ROWS: usize = 1024;
/// The coarsest level: columns of 2^40 samples.
const COARSEST: u32 = 40;

/// Columns of `2^level` samples of a line, and the rows of each.
///
/// ```
/// # use spyhop_api::columns::ColumnsAsked;
/// let asked = ColumnsAsked { level: 9, first: -3, count: 128, first_row: 4, rows: 129, bins_per_row: 2, line_end: 1 << 20 };
/// assert_eq!(asked.to_string(), "9.-3.128.4.129.2.1048576");
/// assert_eq!(asked.to_string().parse(), Ok(asked));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnsAsked {
    /// A column has `2^level` samples.
    pub level: u32,
    /// Column `first` begins at position `first · 2^level` of the line.
    pub first: i64,
    /// How many, at most [`TILE_COLUMNS`].
    pub count: usize,
    /// The first row.
    pub first_row: usize,
    /// How many.
    pub rows: usize,
    /// Bins that a row pools.
    pub bins_per_row: usize,
    /// Where the line of the recordings ends, for who asks: else it is another line.
    pub line_end: i64,
}

/// Why a text names no columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'columns' is 'level.first.count.first_row.rows.bins_per_row.line_end' in whole numbers, with up to \
     256 columns and 1024 rows"
)]
pub struct ColumnsError;

impl fmt::Display for ColumnsAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ColumnsAsked { level, first, count, first_row, rows, bins_per_row, line_end } = self;
        write!(f, "{level}.{first}.{count}.{first_row}.{rows}.{bins_per_row}.{line_end}")
    }
}

impl FromStr for ColumnsAsked {
    type Err = ColumnsError;

    fn from_str(text: &str) -> Result<ColumnsAsked, ColumnsError> {
        let numbers: Result<Vec<i64>, _> = text.split('.').map(str::parse).collect();
        let numbers = numbers.map_err(|_| ColumnsError)?;
        let [level, first, count, first_row, rows, bins_per_row, line_end] = numbers[..] else {
            return Err(ColumnsError);
        };
        let size = |number: i64| usize::try_from(number).map_err(|_| ColumnsError);
        let asked = ColumnsAsked {
            level: u32::try_from(level).map_err(|_| ColumnsError)?,
            first,
            count: size(count)?,
            first_row: size(first_row)?,
            rows: size(rows)?,
            bins_per_row: size(bins_per_row)?,
            line_end,
        };
        let is_sane = asked.level <= COARSEST
            && (1..=TILE_COLUMNS).contains(&asked.count)
            && (1..=MOST_ROWS).contains(&asked.rows)
            && asked.bins_per_row > 0;
        if is_sane { Ok(asked) } else { Err(ColumnsError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_columns_is_refused() {
        for text in [
            "",
            "1.2.3",
            "9.0.0.0.1.1.1",
            "9.0.257.0.1.1.1",
            "9.0.1.0.1025.1.1",
            "41.0.1.0.1.1.1",
            "9.0.1.0.1.0.1",
            "9.0.1.-1.1.1.1",
            "9.0.1.0.1.1.x",
            "9.0.1.0.1.1.1.1",
        ] {
            assert_eq!(text.parse::<ColumnsAsked>(), Err(ColumnsError), "{text}");
        }
    }
}
