//! The top of a unit: its next coarser level, not rounded, from which the next tier is made.
//!
//! Little-endian: `SPP2`, u32 columns, u32 bands, i64 first column, then the frames (u32) of all columns, of
//! each column the count (u64), the smallest and the largest sample and their mean square (f32), and mean
//! and maximum (f32) of those that have frames.

use spyhop_api::ColumnSamples;
use spyhop_signal::pyramid::{BANDS, LevelColumns};

/// Its file in the unit's folder.
pub const NAME: &str = "top";
const MAGIC: &[u8; 4] = b"SPP2";
const HEADER_BYTES: usize = 20;
/// What the samples of a column take.
const SAMPLES_BYTES: usize = 20;

/// The file's bytes.
pub fn encode(columns: &LevelColumns) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(columns.frames.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(columns.bands as u32).to_le_bytes());
    bytes.extend_from_slice(&columns.first_column.to_le_bytes());
    bytes.extend(columns.frames.iter().flat_map(|v| v.to_le_bytes()));
    for samples in &columns.samples {
        bytes.extend_from_slice(&samples.count.to_le_bytes());
        let wave = [samples.min, samples.max, samples.mean_square];
        bytes.extend(wave.iter().flat_map(|v| v.to_le_bytes()));
    }
    for power in [&columns.mean, &columns.max] {
        let rows = power.chunks_exact(columns.bands.max(1)).zip(&columns.frames);
        let recorded = rows.filter(|(_, frames)| **frames > 0).flat_map(|(row, _)| row);
        bytes.extend(recorded.flat_map(|v| v.to_le_bytes()));
    }
    bytes
}

/// Reads them; `None` where they are not such a file, or not all of one.
pub fn decode(bytes: &[u8]) -> Option<LevelColumns> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
    let header = header.strip_prefix(MAGIC)?;
    let (columns, header) = header.split_first_chunk()?;
    let (bands, header) = header.split_first_chunk()?;
    let columns = u32::from_le_bytes(*columns) as usize;
    let bands = u32::from_le_bytes(*bands) as usize;
    let first_column = i64::from_le_bytes(header.try_into().ok()?);
    let (frames, rest) = rest.split_at_checked(columns.checked_mul(4)?)?;
    let (samples, power) = rest.split_at_checked(columns.checked_mul(SAMPLES_BYTES)?)?;
    let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let frames: Vec<u32> = frames.chunks_exact(4).map(word).collect();
    let recorded = frames.iter().filter(|&&frames| frames > 0).count();
    let half = recorded.checked_mul(bands)?.checked_mul(4)?;
    // What a unit makes, and nothing that a damaged file claims.
    if power.len() != 2 * half || bands != BANDS {
        return None;
    }
    let mut out = LevelColumns::gap(first_column, columns, bands);
    let (mean, max) = power.split_at(half);
    for (out, bytes) in [(&mut out.mean, mean), (&mut out.max, max)] {
        let mut values = bytes.chunks_exact(4).map(|b| f32::from_bits(word(b)));
        let rows = out.chunks_exact_mut(bands).zip(&frames).filter(|(_, frames)| **frames > 0);
        for cell in rows.flat_map(|(row, _)| row) {
            *cell = values.next()?;
        }
    }
    for (out, bytes) in out.samples.iter_mut().zip(samples.chunks_exact(SAMPLES_BYTES)) {
        let (count, wave) = bytes.split_first_chunk()?;
        let mut wave = wave.chunks_exact(4).map(|b| f32::from_bits(word(b)));
        *out = ColumnSamples {
            count: u64::from_le_bytes(*count),
            min: wave.next()?,
            max: wave.next()?,
            mean_square: wave.next()?,
        };
    }
    out.frames = frames;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_top_survives_its_file_and_a_cut_one_is_refused() {
        let mut columns = LevelColumns::gap(-7, 3, BANDS);
        for (column, frames) in [(0, 4), (2, 9)] {
            columns.frames[column] = frames;
            columns.samples[column] =
                ColumnSamples { count: 1 << 40, min: -0.5, max: 0.25, mean_square: 0.125 };
            for band in 0..BANDS {
                columns.mean[column * BANDS + band] = 1.0 / (1 + band + column) as f32;
                columns.max[column * BANDS + band] = 2.0 + band as f32;
            }
        }
        let bytes = encode(&columns);
        assert_eq!(bytes.len(), HEADER_BYTES + 3 * (4 + 20) + 2 * 2 * BANDS * 4);
        assert_eq!(decode(&bytes), Some(columns));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None);
        }
    }
}
