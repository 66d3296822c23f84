//! *Flatten*: each row's median level, to be taken off.

/// Median power of each row over columns (each column a slice of `rows` powers). Columns of another
/// length are skipped; without columns all medians are NaN.
pub fn row_medians<'a>(columns: impl IntoIterator<Item = &'a [f32]>, rows: usize) -> Vec<f32> {
    let columns: Vec<&[f32]> = columns.into_iter().filter(|c| c.len() == rows).collect();
    let mut values = vec![0.0; columns.len()];
    (0..rows)
        .map(|row| {
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column[row];
            }
            median(&mut values)
        })
        .collect()
}

/// The middle value, or the mean of the two middle ones; reorders `values`.
fn median(values: &mut [f32]) -> f32 {
    let n = values.len();
    if n == 0 {
        return f32::NAN;
    }
    let (below, &mut middle, _) = values.select_nth_unstable_by(n / 2, f32::total_cmp);
    if n % 2 == 1 {
        return middle;
    }
    let lower = below.iter().copied().max_by(f32::total_cmp).unwrap_or(middle);
    (lower + middle) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loud_column_does_not_move_a_rows_median() {
        let columns: [&[f32]; 5] =
            [&[1.0, 2.0], &[1.0, 2.5], &[900.0, 2.0], &[1.2, 3.0], &[0.9, 9.0]];
        assert_eq!(row_medians(columns, 2), [1.0, 2.5]);
        assert_eq!(row_medians(columns[..4].iter().copied(), 2), [1.1, 2.25]);
    }

    #[test]
    fn nothing_has_no_median() {
        assert!(row_medians(std::iter::empty(), 1)[0].is_nan());
    }
}
