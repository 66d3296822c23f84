//! NumPy's `.npy` files of float32, written as numbers come.

use std::io::{self, Seek, SeekFrom, Write};

/// Bytes in front of the numbers: room for any shape, so that it can be filled in at the end.
const HEADER_BYTES: usize = 128;

/// An array of float32 being written, rows first (C order). How many rows there are need not be
/// known before the end.
pub struct NpyWriter<W: Write + Seek> {
    to: W,
    columns: usize,
    numbers: u64,
    bytes: Vec<u8>,
}

impl<W: Write + Seek> NpyWriter<W> {
    /// Begins an array of rows of `columns` numbers.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(mut to: W, columns: usize) -> io::Result<NpyWriter<W>> {
        to.write_all(&header(0, columns))?;
        Ok(NpyWriter { to, columns, numbers: 0, bytes: Vec::new() })
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
        self.to.write_all(&header(self.numbers / self.columns.max(1) as u64, self.columns))?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Version 1.0 of the format: a Python dictionary, padded with spaces and a line's end.
fn header(rows: u64, columns: usize) -> Vec<u8> {
    let text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
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
}
