//! Bits of a Vorbis header, the lowest of each byte first.

/// Takes numbers of bits from bytes.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    /// The next `count` bits (32 at most) as a number, or `None` where there are not so many.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        let from = self.at;
        self.skip(u64::from(count))?;
        let first = usize::try_from(from / 8).ok()?;
        let mut window = 0u64;
        for (i, &byte) in self.bytes.iter().skip(first).take(5).enumerate() {
            window |= u64::from(byte) << (8 * i);
        }
        let kept = (window >> (from % 8)) & ((1 << count.min(32)) - 1);
        u32::try_from(kept).ok()
    }

    /// Goes on by `count` bits, or gives `None` where there are not so many.
    pub(super) fn skip(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(count)?;
        if end > 8 * self.bytes.len() as u64 {
            return None;
        }
        self.at = end;
        Some(())
    }
}
