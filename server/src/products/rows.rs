//! Rows of levels, and the file of a unit's rows.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Begins the file.
const MAGIC: &[u8; 8] = b"SPHROWS1";
/// Length of what stands before the rows: the magic, the number of rows and that of columns.
const HEAD_BYTES: usize = 24;
/// Length of what stands before a row's levels: start, recorded time, flag.
const ROW_HEAD_BYTES: usize = 13;

/// Levels of periods of the clock, in clock order. A period without data has no row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Levels of a row.
    pub columns: usize,
    /// Where each period begins: nanoseconds since 1970, or since the first sample where recordings
    /// are not dated.
    pub start_ns: Vec<i64>,
    /// How much of each period was recorded.
    pub recorded_s: Vec<f32>,
    /// Whether that was less than half of it.
    pub short: Vec<bool>,
    /// `columns` levels a row, in dB; NaN where there is no data, −∞ for digital silence.
    pub levels_db: Vec<f32>,
}

impl Rows {
    /// No row yet.
    pub fn new(columns: usize) -> Rows {
        Rows { columns, ..Rows::default() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.start_ns.len()
    }

    /// The levels of a row.
    pub fn row(&self, index: usize) -> &[f32] {
        self.levels_db.get(index * self.columns..(index + 1) * self.columns).unwrap_or(&[])
    }

    /// Adds a row of `columns` levels.
    pub fn push(
        &mut self,
        start_ns: i64,
        recorded_s: f64,
        short: bool,
        levels_db: impl IntoIterator<Item = f64>,
    ) {
        self.start_ns.push(start_ns);
        self.recorded_s.push(recorded_s as f32);
        self.short.push(short);
        self.levels_db.extend(levels_db.into_iter().map(|level| level as f32));
    }

    /// Writes them to a file: under another name until it is whole.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut bytes = Vec::with_capacity(
            HEAD_BYTES + self.len() * (ROW_HEAD_BYTES + self.columns * size_of::<f32>()),
        );
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(self.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&(self.columns as u64).to_le_bytes());
        for index in 0..self.len() {
            bytes.extend_from_slice(&self.start_ns[index].to_le_bytes());
            bytes.extend_from_slice(&self.recorded_s[index].to_le_bytes());
            bytes.push(u8::from(self.short[index]));
            bytes.extend(self.row(index).iter().flat_map(|level| level.to_le_bytes()));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Two programs may make the same unit at once.
        let unfinished = path.with_extension(format!("unfinished-{}", std::process::id()));
        let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            // What is left of it is of no use; that it may not be there is no second error.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Reads the file of a unit.
    ///
    /// # Errors
    /// When it is not there, or not whole.
    pub fn read(path: &Path) -> Result<Rows> {
        let bytes = fs::read(path)?;
        let damaged = || {
            let message = "it is damaged: delete it and run the command again";
            Error::new(ErrorKind::InvalidData, message)
        };
        Rows::decode(&bytes).ok_or_else(damaged)
    }

    /// Whether a unit's file is there in its whole length.
    pub fn are_there(path: &Path) -> bool {
        let head = || -> Result<(u64, [u8; HEAD_BYTES])> {
            use std::io::Read;
            let mut file = fs::File::open(path)?;
            let mut head = [0; HEAD_BYTES];
            file.read_exact(&mut head)?;
            Ok((file.metadata()?.len(), head))
        };
        head().is_ok_and(|(bytes, head)| whole_bytes(&head) == Some(bytes))
    }

    fn decode(bytes: &[u8]) -> Option<Rows> {
        if whole_bytes(bytes) != Some(bytes.len() as u64) {
            return None;
        }
        let columns = usize::try_from(u64::from_le_bytes(*bytes.get(16..)?.first_chunk()?)).ok()?;
        let mut rows = Rows::new(columns);
        let row_bytes = ROW_HEAD_BYTES + columns * size_of::<f32>();
        for row in bytes.get(HEAD_BYTES..)?.chunks_exact(row_bytes) {
            rows.start_ns.push(i64::from_le_bytes(*row.first_chunk()?));
            rows.recorded_s.push(f32::from_le_bytes(*row.get(8..)?.first_chunk()?));
            rows.short.push(*row.get(12)? != 0);
            let levels = row.get(ROW_HEAD_BYTES..)?.as_chunks().0.iter();
            rows.levels_db.extend(levels.map(|level| f32::from_le_bytes(*level)));
        }
        Some(rows)
    }
}

/// How long a file with this beginning is; `None` where it is none of these.
fn whole_bytes(head: &[u8]) -> Option<u64> {
    if head.first_chunk() != Some(MAGIC) {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let row_bytes = number(16)?.checked_mul(4)?.checked_add(ROW_HEAD_BYTES as u64)?;
    number(8)?.checked_mul(row_bytes)?.checked_add(HEAD_BYTES as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_written_and_a_torn_file_is_none() {
        let folder = std::env::temp_dir().join(format!("spyhop-rows-{}", std::process::id()));
        let path = folder.join("a.rows");
        let mut rows = Rows::new(2);
        rows.push(-5, 60.0, false, [1.5, f64::NEG_INFINITY]);
        rows.push(i64::MAX, 12.25, true, [0.0, -300.0]);
        rows.write(&path).expect("written");
        assert!(Rows::are_there(&path));
        assert_eq!(Rows::read(&path).expect("read"), rows);
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
        assert!(!Rows::are_there(&path));
        assert!(Rows::read(&path).is_err_and(|e| e.to_string().contains("delete it")));
        fs::write(&path, [MAGIC.as_slice(), &[0xff; 16]].concat()).expect("written");
        assert!(Rows::read(&path).is_err(), "more rows than there can be");
        fs::remove_dir_all(folder).expect("removed");
    }
}
