//! Writing WAV files of any length, as samples come.

use std::io::{self, Seek, SeekFrom, Write};

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavCoding {
    /// 16-bit integers; floats are rounded to the nearest and held to full scale.
    Pcm16,
    /// 32-bit floats, as they are.
    Float32,
}

/// A WAV file being written. Beyond 4 GiB it becomes an RF64 file in place: room for that is kept
/// in front.
pub struct WavWriter<W: Write + Seek> {
    to: W,
    coding: WavCoding,
    channels: u16,
    data_offset: u64,
    data_bytes: u64,
    bytes: Vec<u8>,
}

/// Bytes of the content of a `ds64` chunk without a table.
const DS64_BYTES: u32 = 28;

impl<W: Write + Seek> WavWriter<W> {
    /// Begins a file of `channels` interleaved channels. `chunks` (`guan`, `LIST`, …) are put in
    /// front of the samples, each `(name, content)`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(
        mut to: W,
        coding: WavCoding,
        channels: u16,
        sample_rate_hz: u32,
        chunks: &[([u8; 4], &[u8])],
    ) -> io::Result<WavWriter<W>> {
        let (tag, bytes): (u16, u16) = match coding {
            WavCoding::Pcm16 => (1, 2),
            WavCoding::Float32 => (3, 4),
        };
        let block = channels.saturating_mul(bytes);
        let mut head = Vec::new();
        head.extend(b"RIFF\0\0\0\0WAVEJUNK");
        head.extend(DS64_BYTES.to_le_bytes());
        head.extend([0; DS64_BYTES as usize]);
        head.extend(b"fmt ");
        head.extend(16u32.to_le_bytes());
        head.extend(tag.to_le_bytes());
        head.extend(channels.to_le_bytes());
        head.extend(sample_rate_hz.to_le_bytes());
        head.extend(sample_rate_hz.saturating_mul(u32::from(block)).to_le_bytes());
        head.extend(block.to_le_bytes());
        head.extend((8 * bytes).to_le_bytes());
        for (name, content) in chunks {
            head.extend(name);
            head.extend((content.len() as u32).to_le_bytes());
            head.extend(*content);
            head.extend(std::iter::repeat_n(0, content.len() & 1));
        }
        head.extend(b"data\0\0\0\0");
        to.write_all(&head)?;
        let data_offset = head.len() as u64;
        Ok(WavWriter { to, coding, channels, data_offset, data_bytes: 0, bytes: Vec::new() })
    }

    /// Adds interleaved samples in [−1, 1).
    ///
    /// # Errors
    /// When they can't be written.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        self.bytes.clear();
        match self.coding {
            WavCoding::Pcm16 => self.bytes.extend(samples.iter().flat_map(|s| {
                // The cast holds what is beyond full scale and makes NaN zero.
                ((s * 32_768.0).round() as i16).to_le_bytes()
            })),
            WavCoding::Float32 => {
                self.bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
            }
        }
        self.put()
    }

    /// Adds interleaved 16-bit samples, bit for bit where the coding is [`WavCoding::Pcm16`].
    ///
    /// # Errors
    /// When they can't be written.
    pub fn write_i16(&mut self, samples: &[i16]) -> io::Result<()> {
        self.bytes.clear();
        match self.coding {
            WavCoding::Pcm16 => self.bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes())),
            WavCoding::Float32 => self
                .bytes
                .extend(samples.iter().flat_map(|&s| (f32::from(s) / 32_768.0).to_le_bytes())),
        }
        self.put()
    }

    fn put(&mut self) -> io::Result<()> {
        self.data_bytes += self.bytes.len() as u64;
        self.to.write_all(&self.bytes)
    }

    /// Writes the sizes into the header and gives back what was written to.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        if self.data_bytes & 1 == 1 {
            self.to.write_all(&[0])?;
        }
        let end = self.data_offset + self.data_bytes + (self.data_bytes & 1);
        let short = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
        if end - 8 > u64::from(u32::MAX) - 1 {
            let width = if self.coding == WavCoding::Pcm16 { 2 } else { 4 };
            let frames = self.data_bytes / (width * u64::from(self.channels.max(1)));
            let mut head = Vec::from(*b"RF64\xFF\xFF\xFF\xFFWAVEds64");
            head.extend(DS64_BYTES.to_le_bytes());
            for size in [end - 8, self.data_bytes, frames] {
                head.extend(size.to_le_bytes());
            }
            self.to.seek(SeekFrom::Start(0))?;
            self.to.write_all(&head)?;
            self.to.seek(SeekFrom::Start(self.data_offset - 4))?;
            self.to.write_all(&[0xFF; 4])?;
        } else {
            self.to.seek(SeekFrom::Start(4))?;
            self.to.write_all(&short(end - 8))?;
            self.to.seek(SeekFrom::Start(self.data_offset - 4))?;
            self.to.write_all(&short(self.data_bytes))?;
        }
        self.to.seek(SeekFrom::Start(end))?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// A whole 16-bit WAV in memory.
pub fn wav_pcm16(samples: &[i16], channels: u16, sample_rate_hz: u32) -> Vec<u8> {
    let to = io::Cursor::new(Vec::new());
    // Memory takes everything: there is nothing to report.
    WavWriter::new(to, WavCoding::Pcm16, channels, sample_rate_hz, &[])
        .and_then(|mut writer| {
            writer.write_i16(samples)?;
            writer.finish()
        })
        .map(io::Cursor::into_inner)
        .unwrap_or_default()
}
