//! A calibration by frequency, as instrument makers give it: rows of hertz and dB, as CSV or as the
//! columns of a transfer function (`.tf`).

use spyhop_api::FrequencyTable;
use spyhop_api::calibration::FrequencyTableError;

/// Why a text is no calibration table. The caller names the file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CalibrationTableError {
    /// Nothing in it.
    #[error("the calibration table is empty: give rows of frequency in Hz and value in dB")]
    Empty,
    /// A row that is not two numbers.
    #[error("line {line}: '{found}' is no row of frequency in Hz and value in dB")]
    Row {
        /// Line of the text, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// Rows that are no table.
    #[error(transparent)]
    Table(#[from] FrequencyTableError),
}

/// Reads a table of frequency in Hz (first column) and dB (second column), separated by commas,
/// semicolons, tabs or spaces; the first row may be a header, further columns are passed over, and so
/// are lines that begin with `#`. The file does not say what kind of value it holds: the calibration it
/// is put into does.
///
/// # Errors
/// When a row is not two numbers, or the frequencies do not ascend.
pub fn read_calibration(text: &str) -> Result<FrequencyTable, CalibrationTableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let (mut rows, mut first) = (Vec::new(), true);
    for (line, content) in lines.filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
        match row(content) {
            Some(row) => rows.push(row),
            // Only the first may be a header.
            None if first => {}
            None => {
                let found = content.chars().take(40).collect();
                return Err(CalibrationTableError::Row { line, found });
            }
        }
        first = false;
    }
    if rows.is_empty() {
        return Err(CalibrationTableError::Empty);
    }
    Ok(FrequencyTable::new(rows)?)
}

/// The first two numbers of a row. A comma separates; it is never a decimal comma, as a number with
/// one would shift the columns unnoticed.
fn row(line: &str) -> Option<(f64, f64)> {
    let separators: &[char] = &[',', ';', '\t', ' '];
    let mut cells = line.split(separators).map(|c| c.trim_matches('"')).filter(|c| !c.is_empty());
    let mut number = || cells.next()?.parse::<f64>().ok().filter(|v| v.is_finite());
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_instrument_makers_are_read_whatever_separates_their_columns() {
        let expected = FrequencyTable::new(vec![(1.0, 113.2), (5.0, 89.8)]).expect("a table");
        for text in [
            "\"Freq\",\"Sensitivity\"\r\n1,113.2\r\n5,89.8\r\n",
            "\u{feff}1;113.2\n5;89.8",
            "# HARP transfer function\n1  113.2\n\n5\t89.8 0.5\n",
        ] {
            assert_eq!(read_calibration(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn a_row_that_is_not_two_numbers_is_named_by_its_line() {
        let error = read_calibration("Freq,dB\n1,2\nn/a,3").expect_err("no number").to_string();
        assert!(error.contains("line 3: 'n/a,3'"), "{error}");
        assert_eq!(read_calibration("Freq,dB\n"), Err(CalibrationTableError::Empty));
        assert!(read_calibration("10,1\n5,1").is_err_and(|e| e.to_string().contains("ascend")));
    }
}
