//! NumPy's `.npy` files of float32, written as numbers come.

use std::io::{self, Seek, SeekFrom, Write};

/// Bytes in front of the numbers: room for any shape, so that it can be filled in at the end.
const HEADER_BYTES: usize = 128;

/// An array of float32 being written row after row. How many rows there are need not be known before
/// the end.
pub struct NpyWriter<W: Write + Seek> {
    to: W,
    columns: usize,
    is_transposed: bool,
    numbers: u64,
    bytes: Vec<u8>,
}

impl<W: Write + Seek> NpyWriter<W> {
    /// Begins an array of shape (rows, `columns`).
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(to: W, columns: usize) -> io::Result<NpyWriter<W>> {
        NpyWriter::begin(to, columns, false)
    }

    /// Begins an array that is read as its transpose, of shape (`columns`, rows): what came first
    /// varies fastest (Fortran order).
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn transposed(to: W, columns: usize) -> io::Result<NpyWriter<W>> {
        NpyWriter::begin(to, columns, true)
    }

    fn begin(mut to: W, columns: usize, is_transposed: bool) -> io::Result<NpyWriter<W>> {
        to.write_all(&header(0, columns, is_transposed))?;
        Ok(NpyWriter { to, columns, is_transposed, numbers: 0, bytes: Vec::new() })
    }

    /// Adds numbers, row after row.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn write(&mut self, numbers: &[f32]) -> io::Result<()> {
        self.bytes.clear();
        self.bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        self.numbers += numbers.len() as u64;
        self.to.write_all(&self.bytes)
    }

    /// Writes the shape and gives back what was written to.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.seek(SeekFrom::Start(0))?;
        let rows = self.numbers / self.columns.max(1) as u64;
        self.to.write_all(&header(rows, self.columns, self.is_transposed))?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Version 1.0 of the format: a Python dictionary, padded with spaces and a line's end.
fn header(rows: u64, columns: usize, is_transposed: bool) -> Vec<u8> {
    let text = if is_transposed {
        format!("{{'descr': '<f4', 'fortran_order': True, 'shape': ({columns}, {rows}), }}")
    } else {
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}")
    };
    let mut bytes = Vec::from(*b"\x93NUMPY\x01\x00");
    bytes.extend(((HEADER_BYTES - 10) as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.resize(HEADER_BYTES - 1, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_begins_with_its_shape() {
        let mut npy = NpyWriter::new(io::Cursor::new(Vec::new()), 2).expect("memory");
        npy.write(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("memory");
        let bytes = npy.finish().expect("memory").into_inner();
        assert_eq!(bytes.len(), HEADER_BYTES + 24);
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert!(String::from_utf8_lossy(&bytes[..HEADER_BYTES]).contains("'shape': (3, 2)"));
        assert_eq!(bytes[HEADER_BYTES..HEADER_BYTES + 4], 1f32.to_le_bytes());
    }

    #[test]
    fn a_transposed_array_is_read_column_by_column() {
        let mut npy = NpyWriter::transposed(io::Cursor::new(Vec::new()), 2).expect("memory");
        npy.write(&[1.0; 6]).expect("memory");
        let bytes = npy.finish().expect("memory").into_inner();
        let header = String::from_utf8_lossy(&bytes[..HEADER_BYTES]).into_owned();
        assert!(header.contains("'fortran_order': True, 'shape': (2, 3)"), "{header}");
    }
}
