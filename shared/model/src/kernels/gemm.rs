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

impl<'a> Matrix<'a> {
    /// Rows that follow one another without holes.
    pub(super) fn whole(values: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        Matrix { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same values, rows taken for columns.
    pub(super) fn transposed(self) -> Matrix<'a> {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix that is written to, row after row: element (i, j) stands at `i * row_stride + j`.
pub(super) struct MatrixMut<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
}

/// left · right, by all threads.
///
/// # Errors
/// When shapes do not fit each other, or a matrix reaches beyond its slice.
pub(super) fn product(left: Matrix<'_>, right: Matrix<'_>) -> Result<Vec<f32>> {
    let (m, n) = (left.rows, right.columns);
    check(left, right)?;
    let Some(values) = m.checked_mul(n) else {
        candle_core::bail!("a product of {m}×{n} values");
    };
    let mut product = Vec::with_capacity(values);
    let parallelism = match cfg!(target_arch = "wasm32") {
        true => gemm::Parallelism::None,
        false => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: `left` and `right` were checked; the target has room for m rows of n values, of which
    // `gemm` writes every one (it reads none, and of no columns it makes zeros) before they count as
    // there.
    unsafe {
        call(product.as_mut_ptr(), n, left, right, 1.0, parallelism);
        product.set_len(values);
    }
    Ok(product)
}

/// target = scale · left · right, by the caller's own thread: it is one of several that work side by
/// side.
///
/// # Errors
/// When shapes do not fit each other, or a matrix reaches beyond its slice.
pub(super) fn multiply(
    target: MatrixMut<'_>,
    left: Matrix<'_>,
    right: Matrix<'_>,
    scale: f32,
) -> Result<()> {
    check(left, right)?;
    let MatrixMut { rows, columns, row_stride, .. } = target;
    let fits = (rows, columns) == (left.rows, right.columns)
        && row_stride >= columns
        && reach(rows, columns, row_stride, 1).is_some_and(|end| end <= target.values.len());
    if !fits {
        candle_core::bail!("a product into {rows}×{columns} values that does not fit there");
    }
    // SAFETY: all three matrices lie within their slices; the target's elements are distinct, because a
    // row ends before the next one begins, and it is borrowed alone.
    unsafe {
        let target = target.values.as_mut_ptr();
        call(target, row_stride, left, right, scale, gemm::Parallelism::None);
    }
    Ok(())
}

/// # Safety
/// `left` and `right` must have passed [`check`], and `target` must be alone in reaching room for
/// `left.rows` rows of `right.columns` values that are `row_stride` apart.
unsafe fn call(
    target: *mut f32,
    row_stride: usize,
    left: Matrix<'_>,
    right: Matrix<'_>,
    scale: f32,
    parallelism: gemm::Parallelism,
) {
    // SAFETY: the caller's. Strides fit isize, because they lie within slices.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            target,
            1,
            row_stride as isize,
            false,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            0.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

fn check(left: Matrix<'_>, right: Matrix<'_>) -> Result<()> {
    if left.columns == right.rows && left.is_within() && right.is_within() {
        return Ok(());
    }
    candle_core::bail!(
        "a product of {}×{} and {}×{} that does not fit its memory",
        left.rows,
        left.columns,
        right.rows,
        right.columns
    )
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

    /// (2, 3), and (3, 2) stored by columns.
    const LEFT: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    const RIGHT: [f32; 6] = [1.0, 0.0, 2.0, 0.0, 1.0, 1.0];

    fn left() -> Matrix<'static> {
        Matrix { values: &LEFT, rows: 2, columns: 3, row_stride: 3, column_stride: 1 }
    }

    fn right() -> Matrix<'static> {
        Matrix { values: &RIGHT, rows: 3, columns: 2, row_stride: 1, column_stride: 3 }
    }

    #[test]
    fn a_product_goes_where_it_is_wanted() {
        assert_eq!(product(left(), right()).expect("it fits"), [7.0, 5.0, 16.0, 11.0]);
        let mut values = [100.0; 6];
        let target = MatrixMut { values: &mut values, rows: 2, columns: 2, row_stride: 3 };
        multiply(target, left(), right(), 2.0).expect("it fits");
        assert_eq!(values, [14.0, 10.0, 100.0, 32.0, 22.0, 100.0]);
        let of_nothing = |m: Matrix<'static>, rows, columns| Matrix { rows, columns, ..m };
        let zeros = product(of_nothing(left(), 2, 0), of_nothing(right(), 0, 2));
        assert_eq!(zeros.expect("it fits"), [0.0; 4]);
    }

    #[test]
    fn a_matrix_that_reaches_beyond_its_slice_is_refused() {
        let beyond = Matrix { row_stride: 4, ..left() };
        assert!(product(beyond, right()).is_err());
        assert!(product(left(), Matrix { column_stride: 4, ..right() }).is_err());
        assert!(product(left(), Matrix { rows: 2, ..right() }).is_err());
        let mut values = [0.0; 4];
        for (rows, columns, row_stride) in [(3, 2, 2), (2, 2, 1), (2, 2, 3)] {
            let target = MatrixMut { values: &mut values, rows, columns, row_stride };
            assert!(multiply(target, left(), right(), 1.0).is_err());
        }
    }
}
