//! Making one unit.

use std::path::PathBuf;

use spyhop_signal::pyramid::{BANDS, LevelColumns};
use zarrs::array::ArrayError;

use super::arrays::{self, Number, Quantity, level_name};
use super::folder::Folder;
use super::plan::{Plan, UNIT_COLUMNS, UNIT_LEVELS, Unit, unit_columns};
use super::recordings::Unreadable;
use super::top;
use crate::catalogue::Recordings;

/// Why a unit was not made.
#[derive(Debug, thiserror::Error)]
pub enum UnitFailure {
    /// Someone said so.
    #[error("it was stopped")]
    Cancelled,
    /// A recording could not be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A unit that it is made from is not there.
    #[error("the pyramid's unit {0} is gone or damaged: build it again")]
    PartMissing(String),
    /// The files could not be written.
    #[error("the pyramid can't be written ({error}): {path}")]
    Disk {
        /// The folder of the product.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The numbers could not be put into chunks.
    #[error("the pyramid's numbers can't be stored: {0}")]
    Encode(#[from] ArrayError),
}

/// Makes the files of a unit of `plan` in `folder`: a pure function of what the unit's key is a hash of.
/// `recordings` are those that the plan was made for.
///
/// # Errors
/// When it was cancelled, or something could not be read or written; then nothing is left behind.
pub fn make_unit(
    plan: &Plan,
    unit: &Unit,
    recordings: &Recordings,
    folder: &Folder,
    cancelled: &mut dyn FnMut() -> bool,
) -> Result<(), UnitFailure> {
    let base = match unit.tier {
        1 => from_samples(plan, unit, recordings, cancelled)?,
        _ => from_parts(unit, folder)?,
    };
    let mut files = Vec::new();
    let mut columns = base;
    for level in unit.base_level()..unit.base_level() + UNIT_LEVELS {
        if cancelled() {
            return Err(UnitFailure::Cancelled);
        }
        let length = unit_columns(level) as u64;
        let group = level_name(level);
        for quantity in Quantity::BOTH {
            let array = arrays::power_array(level, quantity, length);
            let bytes = arrays::encode(&array, &[0, 0], arrays::steps(&columns, quantity))?;
            files.push((format!("{group}/{}/c/0/0", quantity.name()), bytes));
        }
        for number in Number::ALL {
            let bytes = number.encode(level, &columns)?;
            files.push((format!("{group}/{}/c/0", number.name()), bytes));
        }
        columns = columns.reduce();
    }
    files.push((top::NAME.to_owned(), top::encode(&columns)));
    let written = folder.put_unit(&unit.key, files);
    written.map_err(|error| UnitFailure::Disk { path: folder.path().to_owned(), error })
}

fn from_samples(
    plan: &Plan,
    unit: &Unit,
    recordings: &Recordings,
    cancelled: &mut dyn FnMut() -> bool,
) -> Result<LevelColumns, UnitFailure> {
    let columns = unit.columns(0);
    let near = plan.recorded.within(&plan.grid.span_ns(0, columns.clone()));
    let made = recordings.columns(&plan.grid, 0, columns, &near, plan.channel, cancelled)?;
    made.ok_or(UnitFailure::Cancelled)
}

/// The finest level of a coarser unit from the tops of its parts.
fn from_parts(unit: &Unit, folder: &Folder) -> Result<LevelColumns, UnitFailure> {
    let first_column = unit.columns(unit.base_level()).start;
    let mut base = LevelColumns::gap(first_column, UNIT_COLUMNS as usize, BANDS);
    for (_, key) in &unit.parts {
        let part = read_top(folder, key).filter(|part| place(&mut base, part));
        part.ok_or_else(|| UnitFailure::PartMissing(key.clone()))?;
    }
    Ok(base)
}

/// The top of a unit; `None` where it is not there or damaged.
pub fn read_top(folder: &Folder, key: &str) -> Option<LevelColumns> {
    std::fs::read(folder.unit(key).join(top::NAME)).ok().and_then(|bytes| top::decode(&bytes))
}

/// Copies columns to their place among others; whether they have one there.
pub fn place(whole: &mut LevelColumns, part: &LevelColumns) -> bool {
    let Some(at) = usize::try_from(part.first_column - whole.first_column).ok() else {
        return false;
    };
    let columns = at..at + part.frames.len();
    let cells = columns.start * whole.bands..columns.end * whole.bands;
    let to = (
        whole.frames.get_mut(columns.clone()),
        whole.samples.get_mut(columns),
        whole.mean.get_mut(cells.clone()),
        whole.max.get_mut(cells),
    );
    match to {
        (Some(frames), Some(samples), Some(mean), Some(max)) if mean.len() == part.mean.len() => {
            frames.copy_from_slice(&part.frames);
            samples.copy_from_slice(&part.samples);
            mean.copy_from_slice(&part.mean);
            max.copy_from_slice(&part.max);
            true
        }
        _ => false,
    }
}
