//! Headers that are written by hand: good ones, and each with one lie.

use super::check;

/// Writes numbers of bits, the lowest first.
#[derive(Default)]
struct Header {
    bytes: Vec<u8>,
    bits: usize,
}

impl Header {
    fn put(&mut self, count: usize, value: u32) -> &mut Header {
        for i in 0..count {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = (u64::from(value) >> i) as u8 & 1;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (self.bits % 8);
            }
            self.bits += 1;
        }
        self
    }
}

/// What a small setup is made of.
#[derive(Clone)]
struct Setup {
    channels: u8,
    books: u32,
    dimensions: u32,
    lengths: Vec<u32>,
    /// Floor 1's points between its two ends.
    points: Vec<u32>,
    /// Books of a floor 0, which then takes the place of the other.
    floor0_books: u32,
    class_book: u32,
    residue_type: u32,
    /// Samples in a partition of the residue, of which there are 64 to part, in two passes.
    partition: u32,
    /// Couplings of channels 0 and 1.
    couplings: u32,
    /// Submap of each channel.
    submaps: Vec<u32>,
    mode_mapping: u32,
}

fn good() -> Setup {
    Setup {
        channels: 1,
        books: 2,
        dimensions: 1,
        lengths: vec![1, 2, 2],
        points: vec![32, 16, 48],
        floor0_books: 0,
        class_book: 0,
        residue_type: 2,
        partition: 8,
        couplings: 0,
        submaps: vec![0],
        mode_mapping: 0,
    }
}

impl Setup {
    fn check(&self) -> Result<(), &'static str> {
        check(&self.identification(), &self.header())
    }

    fn identification(&self) -> Vec<u8> {
        let mut bytes = b"\x01vorbis\0\0\0\0".to_vec();
        bytes.push(self.channels);
        bytes.extend(48_000u32.to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend([0x87, 1]);
        bytes
    }

    fn header(&self) -> Vec<u8> {
        let mut h = Header::default();
        h.put(8, self.books - 1);
        for _ in 0..self.books {
            h.put(24, 0x56_4342).put(16, self.dimensions).put(24, self.lengths.len() as u32);
            h.put(2, 0);
            for length in &self.lengths {
                h.put(5, length - 1);
            }
            // A lookup of type 2: as many values as there are.
            h.put(4, 2).put(32, 0).put(32, 0).put(4, 0).put(1, 0);
            for _ in 0..self.lengths.len() as u32 * self.dimensions {
                h.put(1, 0);
            }
        }
        h.put(6, 0).put(16, 0).put(6, 0);
        if self.floor0_books > 0 {
            h.put(16, 0).put(8, 4).put(16, 48_000).put(16, 64).put(6, 4).put(8, 4);
            h.put(4, self.floor0_books - 1);
            for _ in 0..self.floor0_books {
                h.put(8, 0);
            }
        } else {
            // One partition of class 0, without subclasses.
            h.put(16, 1).put(5, 1).put(4, 0);
            h.put(3, self.points.len() as u32 - 1).put(2, 0).put(8, 1);
            h.put(2, 0).put(4, 6);
            for &point in &self.points {
                h.put(6, point);
            }
        }
        h.put(6, 0).put(16, self.residue_type).put(24, 0).put(24, 64).put(24, self.partition - 1);
        h.put(6, 0).put(8, self.class_book).put(3, 3).put(1, 0).put(16, 0x0101);
        h.put(6, 0).put(16, 0);
        let most = self.submaps.iter().max().copied().unwrap_or(0);
        if most > 0 {
            h.put(1, 1).put(4, most);
        } else {
            h.put(1, 0);
        }
        h.put(1, self.couplings.min(1));
        if self.couplings > 0 {
            h.put(8, self.couplings - 1);
            for _ in 0..self.couplings {
                h.put(1, 0).put(1, 1);
            }
        }
        h.put(2, 0);
        if most > 0 {
            for &submap in &self.submaps {
                h.put(4, submap);
            }
        }
        for _ in 0..=most {
            h.put(8, 0).put(8, 0).put(8, 0);
        }
        h.put(6, 0).put(1, 0).put(16, 0).put(16, 0).put(8, self.mode_mapping).put(1, 1);
        [b"\x05vorbis", h.bytes.as_slice()].concat()
    }
}

#[test]
fn a_good_setup_passes_and_every_shorter_one_does_not() {
    let good = good();
    assert_eq!(good.check(), Ok(()));
    let header = good.header();
    for length in 0..header.len() {
        assert!(check(&good.identification(), &header[..length]).is_err(), "{length} bytes");
    }
    for length in 0..30 {
        assert!(check(&good.identification()[..length], &header).is_err(), "{length} bytes");
    }
}

#[test]
fn what_would_stop_the_decoder_is_refused() {
    let lies = [
        Setup { channels: 0, ..good() },
        Setup { channels: 9, submaps: vec![0; 9], ..good() },
        Setup { dimensions: 0, ..good() },
        Setup { lengths: vec![1, 1, 1], ..good() },
        Setup { lengths: vec![1, 1, 32], ..good() },
        Setup { lengths: vec![2, 2, 2], ..good() },
        Setup { lengths: vec![3], ..good() },
        // A point on an end, and two in one place.
        Setup { points: vec![32, 0, 48], ..good() },
        Setup { points: vec![32, 16, 16], ..good() },
        Setup { floor0_books: 16, ..good() },
        Setup { class_book: 2, ..good() },
        Setup { residue_type: 3, ..good() },
        Setup { mode_mapping: 1, ..good() },
    ];
    for (number, lie) in lies.iter().enumerate() {
        assert!(lie.check().is_err(), "lie {number}");
    }
    assert_eq!(Setup { lengths: vec![1], ..good() }.check(), Ok(()));
    assert_eq!(Setup { floor0_books: 15, ..good() }.check(), Ok(()));
    assert_eq!(Setup { channels: 3, submaps: vec![0, 0, 1], ..good() }.check(), Ok(()));
}

#[test]
fn what_would_be_decoded_wrong_is_refused() {
    let apart = Setup { channels: 3, submaps: vec![0, 1, 1], ..good() };
    assert_eq!(apart.check(), Err(super::NOT_READ));
    let two = Setup { channels: 2, submaps: vec![0, 0], dimensions: 3, ..good() };
    // Eight partitions in code words for three: the last word has a class too many.
    let spilling = Setup { residue_type: 1, ..two.clone() };
    assert_eq!(spilling.check(), Err(super::NOT_READ));
    assert_eq!(Setup { partition: 10, ..spilling.clone() }.check(), Ok(()), "six partitions");
    assert_eq!(Setup { channels: 1, submaps: vec![0], ..spilling }.check(), Ok(()));
    assert_eq!(two.check(), Ok(()), "all channels in one");
    assert_eq!(Setup { couplings: 1, ..two.clone() }.check(), Ok(()));
    assert_eq!(Setup { couplings: 2, ..two }.check(), Err(super::NOT_READ));
}

#[test]
fn a_few_bytes_can_not_ask_for_gigabytes() {
    let identification = good().identification();
    // 256 books of 2¹⁷ ordered words of 17 bits; each would make vectors of 32 numbers out of one.
    let mut h = Header::default();
    h.put(8, 255);
    for _ in 0..256 {
        h.put(24, 0x56_4342).put(16, 32).put(24, 1 << 17);
        h.put(1, 1).put(5, 16).put(18, 1 << 17);
        h.put(4, 1).put(32, 0).put(32, 0).put(4, 0).put(1, 0).put(1, 0);
    }
    let header = [b"\x05vorbis", h.bytes.as_slice()].concat();
    assert!(check(&identification, &header).is_err_and(|why| why.contains("too large")));
    let mut h = Header::default();
    h.put(8, 0).put(24, 0x56_4342).put(16, u32::from(u16::MAX)).put(24, (1 << 24) - 1);
    let header = [b"\x05vorbis", h.bytes.as_slice()].concat();
    assert!(check(&identification, &header).is_err_and(|why| why.contains("too large")));
}
