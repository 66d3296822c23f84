//! Matrix products of parts of slices, checked before they are handed to `gemm`.
#![expect(unsafe_code, reason = "gemm's one function takes pointers; all reach is checked here")]

use candle_core::Result;

/// A matrix in a slice. Element (i, j) stands at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

/// A matrix that is written to, row after row: element (i, j) stands at `i * row_stride + j`.
pub(super) struct MatrixMut<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
}

/// What becomes of what stands in the target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// It is written over.
    Replace,
    /// The product is added to it.
    Add,
}

/// How many threads share a product.
#[derive(Clone, Copy)]
pub(super) enum Threads {
    /// The caller's own: it is one of several that work side by side.
    One,
    /// All that there are.
    All,
}

/// target = \[target +\] scale · left · right.
///
/// # Errors
/// When shapes do not fit each other, or a matrix reaches beyond its slice.
pub(super) fn multiply(
    target: MatrixMut<'_>,
    what: Target,
    left: Matrix<'_>,
    right: Matrix<'_>,
    scale: f32,
    threads: Threads,
) -> Result<()> {
    let (m, n, k) = (target.rows, target.columns, left.columns);
    let fits = left.rows == m
        && right.rows == k
        && right.columns == n
        && reach(m, n, target.row_stride, 1).is_some_and(|end| end <= target.values.len())
        && target.row_stride >= n
        && left.is_within()
        && right.is_within();
    if !fits {
        candle_core::bail!(
            "a product of {}×{} and {}×{} into {m}×{n} that does not fit its memory",
            left.rows,
            left.columns,
            right.rows,
            right.columns
        );
    }
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All if cfg!(target_arch = "wasm32") => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: every element of the three matrices lies within its slice, as checked above; the target's
    // elements are distinct, because a row ends before the next one begins, and it is borrowed alone.
    // Strides fit isize, because a slice's length does.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.values.as_mut_ptr(),
            1,
            target.row_stride as isize,
            what == Target::Add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
    Ok(())
}

impl Matrix<'_> {
    fn is_within(&self) -> bool {
        reach(self.rows, self.columns, self.row_stride, self.column_stride)
            .is_some_and(|end| end <= self.values.len())
    }
}

/// Where a matrix ends, counted from its first element.
fn reach(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Option<usize> {
    let (Some(last_row), Some(last_column)) = (rows.checked_sub(1), columns.checked_sub(1)) else {
        return Some(0);
    };
    let last =
        last_row.checked_mul(row_stride)?.checked_add(last_column.checked_mul(column_stride)?)?;
    last.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_added_to_what_is_there_or_replaces_it() {
        let left = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let right = [1.0, 0.0, 2.0, 0.0, 1.0, 1.0];
        let left = Matrix { values: &left, rows: 2, columns: 3, row_stride: 3, column_stride: 1 };
        // Stored by columns.
        let right = Matrix { values: &right, rows: 3, columns: 2, row_stride: 1, column_stride: 3 };
        let mut values = [100.0; 6];
        for (what, expected) in [
            (Target::Replace, [14.0, 10.0, 100.0, 32.0, 22.0, 100.0]),
            (Target::Add, [28.0, 20.0, 100.0, 64.0, 44.0, 100.0]),
        ] {
            let target = MatrixMut { values: &mut values, rows: 2, columns: 2, row_stride: 3 };
            multiply(target, what, left, right, 2.0, Threads::One).expect("it fits");
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn a_matrix_that_reaches_beyond_its_slice_is_refused() {
        let values = [0.0; 6];
        let fits = Matrix { values: &values, rows: 2, columns: 3, row_stride: 3, column_stride: 1 };
        let beyond = Matrix { row_stride: 4, ..fits };
        let mut out = [0.0; 4];
        for (left, right, rows) in [(beyond, fits, 2), (fits, beyond, 2), (fits, fits, 3)] {
            let right = Matrix { rows: 3, columns: 2, ..right };
            let target = MatrixMut { values: &mut out, rows, columns: 2, row_stride: 2 };
            assert!(multiply(target, Target::Replace, left, right, 1.0, Threads::One).is_err());
        }
    }
}
