//! Tables that other programs read and write: annotations (Raven selection tables, Audacity labels,
//! and a CSV of our own) and calibrations by frequency.
//!
//! A table of annotations speaks of files and of seconds in them; an [`Annotation`](spyhop_api::Annotation) stands
//! on a line. A [`Sequence`] is the bridge.

mod audacity;
mod calibration;
mod calls;
mod csv;
mod measures;
mod raven;
mod sequence;

pub use audacity::{AudacityStyle, read_audacity, write_audacity};
pub use calibration::{CalibrationTableError, read_calibration};
pub use calls::{CSV_CALL_COLUMNS, CallColumns, CallRow, RAVEN_CALL_COLUMNS};
pub use csv::{read_csv, write_csv};
pub use measures::{raven_measures, short_name};
pub use raven::{read_raven, write_raven};
pub use sequence::Sequence;

use serde::{Deserialize, Serialize};
use spyhop_api::Annotation;

/// What a table held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// Its rows.
    pub annotations: Vec<Annotation>,
    /// How it was laid out, so that export gives it back the same.
    pub layout: Layout,
    /// What was left out or doubtful, for a person.
    pub warnings: Vec<String>,
}

/// The columns of a table beside those that every table has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// All of them, in their order.
    pub columns: Vec<String>,
    /// Which one holds the label; `None` is a column `Annotation` of our own.
    pub label_column: Option<String>,
    /// Which one holds the note.
    pub note_column: Option<String>,
}

/// Why a text is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Nothing in it.
    #[error("the table is empty: not even a header row is in it")]
    Empty,
    /// Of another kind.
    #[error(
        "this is no table of calls that is known here: {found}. Known are Raven selection tables, Audacity labels and Spyhop's own CSV"
    )]
    Unknown {
        /// What its first line looks like.
        found: String,
    },
    /// A column that must be there is not.
    #[error("this is no {kind}: its first row has no column '{column}'")]
    MissingColumn {
        /// What was expected.
        kind: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A cell that can't be read.
    #[error("line {line}: '{found}' is no {expected}")]
    Cell {
        /// Line of the text, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// Reads a table of any known kind; ids are given from `first_id` on.
///
/// # Errors
/// When it is of none, or a row can't be read.
pub fn read_table(text: &str, sequence: &Sequence, first_id: u64) -> Result<Imported, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let cells: Vec<&str> = first.split('\t').map(str::trim).collect();
    if text.trim().is_empty() {
        Err(TableError::Empty)
    } else if cells.contains(&raven::BEGIN_TIME) {
        read_raven(text, sequence, first_id)
    } else if cells.len() >= 2 && cells[..2].iter().all(|c| c.parse::<f64>().is_ok()) {
        read_audacity(text, sequence, first_id)
    } else if first.starts_with(csv::FIRST_COLUMNS) {
        read_csv(text, sequence, first_id)
    } else {
        let found = first.chars().take(60).collect::<String>();
        Err(TableError::Unknown { found: format!("it begins with '{found}'") })
    }
}
