//! The checksum of a file while it arrives.

use md5::{Digest as _, Md5};

use crate::place::Digest;

/// Reckons the kind of checksum that the store tells, if it tells one.
pub enum Checksum {
    None,
    Md5(Box<Md5>),
    Crc32c(u32),
}

impl Checksum {
    /// Of nothing yet, of the kind of `told`.
    pub fn of(told: Option<Digest>) -> Checksum {
        match told {
            None => Checksum::None,
            Some(Digest::Md5(_)) => Checksum::Md5(Box::default()),
            Some(Digest::Crc32c(_)) => Checksum::Crc32c(0),
        }
    }

    /// Takes in the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        match self {
            Checksum::None => {}
            Checksum::Md5(md5) => md5.update(bytes),
            Checksum::Crc32c(crc) => *crc = crc32c::crc32c_append(*crc, bytes),
        }
    }

    /// Whether all bytes together give what the store tells.
    pub fn fits(self, told: Option<Digest>) -> bool {
        match (self, told) {
            (Checksum::Md5(md5), Some(Digest::Md5(told))) => md5.finalize()[..] == told,
            (Checksum::Crc32c(crc), Some(Digest::Crc32c(told))) => crc == told,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_published_ones_however_the_bytes_come() {
        // RFC 1321, and the check value of CRC-32C, of "message digest" and "123456789".
        let md5 = [
            0xf9, 0x6b, 0x69, 0x7d, 0x7c, 0xb7, 0x93, 0x8d, 0x52, 0x5a, 0x2f, 0x31, 0xaa, 0xf1,
            0x61, 0xd0,
        ];
        for (text, told) in
            [("message digest", Digest::Md5(md5)), ("123456789", Digest::Crc32c(0xe306_9283))]
        {
            let of = |pieces: &[&str]| {
                let mut checksum = Checksum::of(Some(told));
                pieces.iter().for_each(|piece| checksum.take(piece.as_bytes()));
                checksum.fits(Some(told))
            };
            assert!(of(&[text]) && of(&[&text[..3], &text[3..]]));
            assert!(!of(&[&text[1..]]));
        }
    }
}
