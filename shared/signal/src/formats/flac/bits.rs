//! Bits of a FLAC frame, most significant first.

/// A place in bytes, counted in bits. Every reader gives `None` past the end.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Next byte that is not wholly in the cache.
    at: usize,
    /// Bits not yet taken, from the top; below them stand bits that will be loaded again.
    cache: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0, cache: 0, count: 0 }
    }

    /// Loads at least 56 bits where there are so many.
    #[inline]
    fn refill(&mut self) {
        if let Some(next) = self.bytes.get(self.at..).and_then(|b| b.first_chunk::<8>()) {
            self.cache |= u64::from_be_bytes(*next) >> self.count;
            let loaded = (63 - self.count) >> 3;
            self.at += loaded as usize;
            self.count += loaded * 8;
        } else {
            while self.count <= 56
                && let Some(&byte) = self.bytes.get(self.at)
            {
                self.cache |= u64::from(byte) << (56 - self.count);
                self.at += 1;
                self.count += 8;
            }
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.cache <<= bits;
        self.count -= bits;
    }

    /// Takes up to 32 bits.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) -> Option<u32> {
        if self.count < bits {
            self.refill();
            if self.count < bits {
                return None;
            }
        }
        if bits == 0 {
            return Some(0);
        }
        let value = (self.cache >> (64 - bits)) as u32;
        self.skip(bits);
        Some(value)
    }

    /// Takes up to 32 bits as a two's complement number.
    #[inline]
    pub(super) fn take_signed(&mut self, bits: u32) -> Option<i32> {
        let value = self.take(bits)?;
        let unused = 32 - bits;
        Some(if bits == 0 { 0 } else { ((value << unused) as i32) >> unused })
    }

    /// Counts zeros up to the next one, and takes both.
    #[inline]
    pub(super) fn unary(&mut self) -> Option<u32> {
        let mut zeros = 0u32;
        loop {
            self.refill();
            if self.count == 0 {
                return None;
            }
            let leading = self.cache.leading_zeros();
            if leading < self.count {
                // At most 63 are cached: two steps, for a shift of 64 is none.
                self.skip(leading);
                self.skip(1);
                return Some(zeros + leading);
            }
            zeros = zeros.checked_add(self.count)?;
            let all = self.count;
            self.skip(all);
        }
    }

    /// Takes a Rice-coded number with `parameter` low bits.
    #[inline]
    pub(super) fn rice(&mut self, parameter: u32) -> Option<i32> {
        self.refill();
        let leading = self.cache.leading_zeros();
        let folded = if leading + 1 + parameter <= self.count {
            self.skip(leading);
            self.skip(1);
            let low = if parameter == 0 { 0 } else { (self.cache >> (64 - parameter)) as u32 };
            self.skip(parameter);
            (leading << parameter) | low
        } else {
            let high = self.unary()?;
            high.wrapping_shl(parameter) | self.take(parameter)?
        };
        Some((folded >> 1) as i32 ^ -((folded & 1) as i32))
    }

    /// Bytes begun so far.
    pub(super) fn bytes_begun(&self) -> usize {
        self.at - (self.count / 8) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn bits_come_in_order_and_end() {
        let mut bits = Bits::new(&[0b1010_0001, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x01]);
        assert_eq!(bits.take(3), Some(5));
        assert_eq!(bits.unary(), Some(4));
        assert_eq!(bits.take_signed(8), Some(-1));
        assert_eq!(bits.bytes_begun(), 2);
        assert_eq!(bits.unary(), Some(0));
        assert_eq!(bits.unary(), Some(78));
        assert_eq!((bits.take(1), bits.unary(), bits.rice(3)), (None, None, None));
    }

    #[test]
    fn rice_codes_unfold_to_signed_numbers() {
        // 1|01 = 1 → −1, 01|10 = 6 → 3, 001|00 = 8 → 4.
        let mut bits = Bits::new(&[0b1010_1100, 0b0100_0000]);
        assert_eq!([bits.rice(2), bits.rice(2), bits.rice(2)], [Some(-1), Some(3), Some(4)]);
    }
}
