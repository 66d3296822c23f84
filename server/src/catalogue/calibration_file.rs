//! A calibration's table in a file of its own, beside the recordings: `db = 'calibration.csv'`.

use serde::Deserialize;
use spyhop_signal::tables::{CalibrationTableError, read_calibration};
use toml::Spanned;

/// A longer file is no table by frequency.
pub const MOST_BYTES: u64 = 1 << 20;
/// Endings of such tables, in lower case: what makers of instruments send.
const ENDINGS: &[&str] = &["csv", "tsv", "txt", "tf"];

/// Why a file is no calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationFileError {
    /// Not a name of a file that is looked at.
    #[error(
        "'{0}' is no name of a table: give a file in the same folder that ends in .csv, .tsv, .txt or .tf"
    )]
    Name(String),
    /// The file is not there.
    #[error("there is no '{0}' in the same folder: put the table there, or write a number")]
    Missing(String),
    /// It is there, and is none.
    #[error("{name}: {error}")]
    Table {
        /// The file.
        name: String,
        /// What is wrong with it.
        error: CalibrationTableError,
    },
}

/// Whether a file of this name may be one.
pub fn may_be(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let is_plain = !name.starts_with('.') && !name.contains(['/', '\\']);
    is_plain && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// The file that the text of a `deployment.toml` names.
pub fn named(text: &str) -> Option<String> {
    written(text).map(|name| name.into_inner())
}

/// The same text with the rows of the table in place of its name, on one line so that the others keep their
/// numbers; `table` is the content of the file. A text that names none comes back as it is.
///
/// # Errors
/// When it names a file that is not there, or is none.
pub fn with_table(text: &str, table: Option<&str>) -> Result<String, CalibrationFileError> {
    let Some(written) = written(text) else { return Ok(text.to_owned()) };
    let (span, name) = (written.span(), written.into_inner());
    if !may_be(&name) {
        return Err(CalibrationFileError::Name(name));
    }
    let table = match table {
        None => return Err(CalibrationFileError::Missing(name)),
        Some(table) => {
            read_calibration(table).map_err(|error| CalibrationFileError::Table { name, error })?
        }
    };
    let row = |(hz, db): &(f64, f64)| format!("[{hz:?}, {db:?}]");
    let rows: Vec<String> = table.rows().iter().map(row).collect();
    let mut whole = text.to_owned();
    if whole.is_char_boundary(span.start) && whole.is_char_boundary(span.end) {
        whole.replace_range(span, &format!("[{}]", rows.join(", ")));
    }
    Ok(whole)
}

/// The one value of a calibration that may be a table, where a name stands in its place.
fn written(text: &str) -> Option<Spanned<String>> {
    #[derive(Deserialize)]
    struct File {
        calibration: Option<Values>,
    }
    #[derive(Deserialize)]
    struct Values {
        db: Option<Spanned<toml::Value>>,
        sensitivity_db: Option<Spanned<toml::Value>>,
    }
    // What is no TOML is told of by whoever reads all of it.
    let values = toml::from_str::<File>(text).ok()?.calibration?;
    let value = values.db.or(values.sensitivity_db)?;
    let span = value.span();
    match value.into_inner() {
        toml::Value::String(name) => Some(Spanned::new(span, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[calibration]\nkind = 'v_per_upa'\nsensitivity_db = 'hydrophone.csv'\n\
        gain_db = 0\nadc_peak_v = 1";

    #[test]
    fn the_rows_of_the_file_stand_where_its_name_stood() {
        assert_eq!(named(TEXT).as_deref(), Some("hydrophone.csv"));
        let whole = with_table(TEXT, Some("Hz,dB\n10,-180.5\n1e3,-160\n")).expect("a table");
        assert_eq!(whole, TEXT.replace("'hydrophone.csv'", "[[10.0, -180.5], [1000.0, -160.0]]"));
        for other in ["", "name = 'x'", "[calibration]\nkind = 'upa_per_fullscale'\ndb = 176", "=="]
        {
            assert_eq!((named(other), with_table(other, None).ok()), (None, Some(other.into())));
        }
    }

    #[test]
    fn what_is_wrong_with_the_file_is_told_with_its_name() {
        let error = |text: &str, table| with_table(text, table).expect_err("none").to_string();
        assert!(error(TEXT, None).contains("no 'hydrophone.csv' in the same folder"));
        let bad = error(TEXT, Some("10,-180\n20;x"));
        assert!(bad.contains("hydrophone.csv: line 2: '20;x'"), "{bad}");
        for name in ["../secret.csv", "calibration.xlsx", ".hidden.csv", "table"] {
            let text = TEXT.replace("hydrophone.csv", name);
            assert!(error(&text, Some("1,2\n3,4")).contains("no name of a table"), "{name}");
        }
    }
}
