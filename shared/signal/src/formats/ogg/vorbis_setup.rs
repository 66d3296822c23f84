//! What the headers of a Vorbis stream promise, checked before the decoder takes them at their word.
//!
//! Names and order are those of section 4.2 of the Vorbis I specification. Beside what it forbids,
//! refused is what costs memory without measure (a book of a few bytes can ask for gigabytes) and
//! what symphonia 0.6.1 stops at or gets wrong: see [`Book::lookup1_values`], [`floor0`], [`floor1`],
//! [`Residue::spills`] and [`mapping`].

use super::vorbis_bits::Bits;

/// Channels that have an order in Vorbis.
const MAX_CHANNELS: u8 = 8;
/// Numbers in all vectors of all codebooks: 64 MiB. Encoders stay below 200 000.
const MAX_VECTOR_VALUES: u64 = 1 << 24;
/// Places in the tables that all codebooks are looked up in: 64 MiB.
const MAX_TABLE_PLACES: u64 = 1 << 23;
/// Bits of a code word that a table looks up at once, at most.
const TABLE_BITS: u32 = 8;

type Checked<T> = Result<T, &'static str>;

const CUT: &str = "a header ends too early";
/// Nothing is wrong with such a file: it is told apart by these words.
pub(super) const NOT_READ: &str = "its channels are put together in a way that is not read here";

/// Checks an identification header and a setup header.
///
/// # Errors
/// With what is wrong, for the end of a sentence.
pub(super) fn check(identification: &[u8], setup: &[u8]) -> Checked<()> {
    let (channels, blocks) = check_identification(identification)?;
    let Some(setup) = setup.strip_prefix(b"\x05vorbis") else {
        return Err("its third header is no setup");
    };
    let bits = &mut Bits::new(setup);
    let books = bits.take(8).ok_or(CUT)? + 1;
    let mut size = Size::default();
    let dimensions =
        (0..books).map(|_| codebook(bits, &mut size)).collect::<Checked<Vec<u32>>>()?;
    for _ in 0..bits.take(6).ok_or(CUT)? + 1 {
        if bits.take(16).ok_or(CUT)? != 0 {
            return Err("it asks for a transform that does not exist");
        }
    }
    let floors = bits.take(6).ok_or(CUT)? + 1;
    for _ in 0..floors {
        match bits.take(16).ok_or(CUT)? {
            0 => floor0(bits, books)?,
            1 => floor1(bits, books)?,
            _ => return Err("a floor has no known type"),
        }
    }
    let residues = (0..bits.take(6).ok_or(CUT)? + 1)
        .map(|_| residue(bits, &dimensions))
        .collect::<Checked<Vec<Residue>>>()?;
    let mappings = (0..bits.take(6).ok_or(CUT)? + 1)
        .map(|_| mapping(bits, u32::from(channels), floors, &residues, blocks))
        .collect::<Checked<Vec<[bool; 2]>>>()?;
    for _ in 0..bits.take(6).ok_or(CUT)? + 1 {
        let is_long = bits.take(1).ok_or(CUT)? == 1;
        let (window, transform) = (bits.take(16).ok_or(CUT)?, bits.take(16).ok_or(CUT)?);
        let spills = mappings.get(bits.take(8).ok_or(CUT)? as usize);
        match spills.filter(|_| window == 0 && transform == 0) {
            None => return Err("a mode is impossible"),
            Some(spills) if spills[usize::from(is_long)] => return Err(NOT_READ),
            Some(_) => {}
        }
    }
    if bits.take(1).ok_or(CUT)? != 1 {
        return Err("its setup does not end where it should");
    }
    Ok(())
}

/// Gives the number of channels, and the samples in a short block and in a long one.
fn check_identification(header: &[u8]) -> Checked<(u8, [u32; 2])> {
    let header = header.first_chunk::<30>().ok_or(CUT)?;
    if header[7..11] != [0; 4] {
        return Err("its version of Vorbis is not known");
    }
    if !(1..=MAX_CHANNELS).contains(&header[11]) {
        return Err("it says that it has no channel, or more than 8");
    }
    if header[12..16] == [0; 4] {
        return Err("its sample rate is 0");
    }
    let (short, long) = (header[28] & 15, header[28] >> 4);
    if short < 6 || long > 13 || short > long || header[29] & 1 == 0 {
        return Err("its lengths of blocks are impossible");
    }
    Ok((header[11], [1 << short, 1 << long]))
}

/// What all codebooks together take.
#[derive(Default)]
struct Size {
    vector_values: u64,
    table_places: u64,
}

/// Position of the highest bit that is set, from 1; 0 of 0.
fn ilog(x: u32) -> u32 {
    32 - x.leading_zeros()
}

struct Book {
    dimensions: u32,
    entries: u32,
}

/// Gives the book's dimensions.
fn codebook(bits: &mut Bits<'_>, size: &mut Size) -> Checked<u32> {
    if bits.take(24).ok_or(CUT)? != 0x56_4342 {
        return Err("a codebook does not begin where it should");
    }
    let book = Book { dimensions: bits.take(16).ok_or(CUT)?, entries: bits.take(24).ok_or(CUT)? };
    if book.dimensions == 0 || book.entries == 0 {
        return Err("a codebook is empty");
    }
    // As libvorbis has it: no vectors of more than 2²⁴ numbers.
    if ilog(book.dimensions) + ilog(book.entries) > 24 {
        return Err("a codebook is too large");
    }
    book.check_lengths(bits, size)?;
    book.check_lookup(bits, size)?;
    Ok(book.dimensions)
}

impl Book {
    /// The code words must fill the tree of all words, and no more. One word alone is let be: it
    /// stands for itself and for its sibling.
    fn check_lengths(&self, bits: &mut Bits<'_>, size: &mut Size) -> Checked<()> {
        let mut words = [0u64; 33];
        if bits.take(1).ok_or(CUT)? == 1 {
            let (mut entry, mut length) = (0, bits.take(5).ok_or(CUT)? as usize + 1);
            while entry < self.entries {
                let count = bits.take(ilog(self.entries - entry)).ok_or(CUT)?;
                if count > self.entries - entry {
                    return Err("a codebook has more words than entries");
                }
                *words.get_mut(length).ok_or("a code word is too long")? += u64::from(count);
                (entry, length) = (entry + count, length + 1);
            }
        } else {
            let sparse = bits.take(1).ok_or(CUT)? == 1;
            for _ in 0..self.entries {
                if !sparse || bits.take(1).ok_or(CUT)? == 1 {
                    words[bits.take(5).ok_or(CUT)? as usize + 1] += 1;
                }
            }
        }
        let share: u64 = (1..=32).map(|length| words[length] << (32 - length)).sum();
        if share != 1 << 32 && !(words[1] == 1 && words[2..].iter().all(|&count| count == 0)) {
            return Err("the code words of a codebook fit into no tree");
        }
        size.table_places += table_places(&words);
        if size.table_places > MAX_TABLE_PLACES {
            return Err("its codebooks are too large");
        }
        Ok(())
    }

    /// The vectors that the entries stand for.
    fn check_lookup(&self, bits: &mut Bits<'_>, size: &mut Size) -> Checked<()> {
        let lookup = bits.take(4).ok_or(CUT)?;
        if lookup == 0 {
            return Ok(());
        }
        bits.skip(64).ok_or(CUT)?;
        let value_bits = bits.take(4).ok_or(CUT)? + 1;
        bits.skip(1).ok_or(CUT)?;
        let values = match lookup {
            1 => self.lookup1_values()?,
            2 => self.entries * self.dimensions,
            _ => return Err("a codebook has no known type"),
        };
        bits.skip(u64::from(values) * u64::from(value_bits)).ok_or(CUT)?;
        size.vector_values += u64::from(self.entries) * u64::from(self.dimensions);
        if size.vector_values > MAX_VECTOR_VALUES {
            return Err("its codebooks are too large");
        }
        Ok(())
    }

    /// The greatest number whose power by the dimensions is not above the entries (section 9.2.3).
    /// symphonia takes a root in `f32` and stops the program where that rounds up.
    fn lookup1_values(&self) -> Checked<u32> {
        let fits = |side: u32| {
            side.checked_pow(self.dimensions).is_some_and(|entries| entries <= self.entries)
        };
        let root = (self.entries as f32).powf(1.0 / self.dimensions as f32).floor() as u32;
        if fits(root) && !fits(root + 1) { Ok(root) } else { Err("a codebook can't be unpacked") }
    }
}

/// Places of a book's table, at most: one block for each node of the tree at every eighth bit under
/// which words go on, and under each of these there are two words.
fn table_places(words: &[u64; 33]) -> u64 {
    let longest = (1..=32).rev().find(|&length| words[length] > 0).unwrap_or(1);
    let step = longest.clamp(4, TABLE_BITS as usize);
    let blocks = (step..longest).step_by(step).map(|depth| {
        let longer: u64 = words[depth + 1..].iter().sum();
        longer.div_ceil(2).min(1 << depth)
    });
    (1 + blocks.sum::<u64>()) << step
}

/// A floor of type 0. Of 16 books, symphonia reads the number of the book in 5 bits and stops the
/// program where that is more than 15.
fn floor0(bits: &mut Bits<'_>, books: u32) -> Checked<()> {
    bits.skip(8 + 16 + 16 + 6 + 8).ok_or(CUT)?;
    let count = bits.take(4).ok_or(CUT)? + 1;
    for _ in 0..count {
        if bits.take(8).ok_or(CUT)? >= books {
            return Err("a floor names a codebook that does not exist");
        }
    }
    if count > 15 { Err("a floor has too many codebooks") } else { Ok(()) }
}

/// A floor of type 1. All its points must differ, the two ends included: symphonia divides by their
/// distance and looks at the inner ones only.
fn floor1(bits: &mut Bits<'_>, books: u32) -> Checked<()> {
    const NO_BOOK: &str = "a floor names a codebook that does not exist";
    let partitions = bits.take(5).ok_or(CUT)?;
    let classes =
        (0..partitions).map(|_| bits.take(4).ok_or(CUT)).collect::<Checked<Vec<u32>>>()?;
    let mut dimensions = Vec::new();
    for _ in 0..classes.iter().max().map_or(0, |most| most + 1) {
        dimensions.push(bits.take(3).ok_or(CUT)? + 1);
        let subclasses = bits.take(2).ok_or(CUT)?;
        if subclasses > 0 && bits.take(8).ok_or(CUT)? >= books {
            return Err(NO_BOOK);
        }
        for _ in 0..1 << subclasses {
            // 0 is no book, and 1 the first.
            if bits.take(8).ok_or(CUT)? > books {
                return Err(NO_BOOK);
            }
        }
    }
    bits.skip(2).ok_or(CUT)?;
    let range_bits = bits.take(4).ok_or(CUT)?;
    let mut points = vec![0, 1 << range_bits];
    for class in classes {
        for _ in 0..dimensions.get(class as usize).copied().unwrap_or(0) {
            points.push(bits.take(range_bits).ok_or(CUT)?);
        }
    }
    let count = points.len();
    points.sort_unstable();
    points.dedup();
    if count > 65 || points.len() < count {
        return Err("the points of a floor are too many or fall together");
    }
    Ok(())
}

struct Residue {
    kind: u32,
    begin: u32,
    end: u32,
    partition: u32,
    /// Partitions whose classes one code word gives.
    word: u32,
    passes: u32,
}

impl Residue {
    /// Whether the last code word of a channel says more than the channel has partitions, in blocks
    /// of so many samples. symphonia then writes the rest over the next channel's first classes, and
    /// later passes go by these: what it decodes is not what was encoded.
    fn spills(&self, block: u32) -> bool {
        let inside = |place: u32| place.min(block / 2);
        let partitions = (inside(self.end) - inside(self.begin)) / self.partition;
        self.kind < 2 && self.passes > 1 && !partitions.is_multiple_of(self.word)
    }
}

fn residue(bits: &mut Bits<'_>, dimensions: &[u32]) -> Checked<Residue> {
    let kind = bits.take(16).ok_or(CUT)?;
    let (begin, end) = (bits.take(24).ok_or(CUT)?, bits.take(24).ok_or(CUT)?);
    let partition = bits.take(24).ok_or(CUT)? + 1;
    let classes = bits.take(6).ok_or(CUT)? + 1;
    let word = dimensions.get(bits.take(8).ok_or(CUT)? as usize).copied();
    let Some(word) = word.filter(|_| kind <= 2 && begin <= end) else {
        return Err("a residue is impossible");
    };
    let (mut count, mut passes) = (0, 0);
    for _ in 0..classes {
        let mut used = bits.take(3).ok_or(CUT)?;
        if bits.take(1).ok_or(CUT)? == 1 {
            used |= bits.take(5).ok_or(CUT)? << 3;
        }
        (count, passes) = (count + used.count_ones(), passes.max(ilog(used)));
    }
    for _ in 0..count {
        if bits.take(8).ok_or(CUT)? as usize >= dimensions.len() {
            return Err("a residue names a codebook that does not exist");
        }
    }
    Ok(Residue { kind, begin, end, partition, word, passes })
}

/// A mapping; gives whether a residue of several channels spills in short blocks and in long ones.
///
/// No channel may be coupled twice: the steps are undone from the last to the first, which symphonia
/// does from the first to the last.
/// Two channels alone in a residue of type 2 must be the first two: symphonia counts the second from
/// the first one on, which is another one or none.
fn mapping(
    bits: &mut Bits<'_>,
    channels: u32,
    floors: u32,
    residues: &[Residue],
    blocks: [u32; 2],
) -> Checked<[bool; 2]> {
    const IMPOSSIBLE: &str = "a mapping of channels is impossible";
    if bits.take(16).ok_or(CUT)? != 0 {
        return Err(IMPOSSIBLE);
    }
    let submaps = if bits.take(1).ok_or(CUT)? == 1 { bits.take(4).ok_or(CUT)? + 1 } else { 1 };
    let mut coupled = vec![0; channels as usize];
    if bits.take(1).ok_or(CUT)? == 1 {
        for _ in 0..bits.take(8).ok_or(CUT)? + 1 {
            let magnitude = bits.take(ilog(channels - 1)).ok_or(CUT)?;
            let angle = bits.take(ilog(channels - 1)).ok_or(CUT)?;
            if magnitude == angle || magnitude >= channels || angle >= channels {
                return Err(IMPOSSIBLE);
            }
            coupled[magnitude as usize] += 1;
            coupled[angle as usize] += 1;
        }
    }
    if coupled.iter().any(|&steps| steps > 1) {
        return Err(NOT_READ);
    }
    if bits.take(2).ok_or(CUT)? != 0 {
        return Err(IMPOSSIBLE);
    }
    let mut submap_of = vec![0; channels as usize];
    if submaps > 1 {
        for submap in &mut submap_of {
            *submap = bits.take(4).ok_or(CUT)?;
            if *submap >= submaps {
                return Err(IMPOSSIBLE);
            }
        }
    }
    let mut spills = [false; 2];
    for submap in 0..submaps {
        bits.skip(8).ok_or(CUT)?;
        let (floor, residue) = (bits.take(8).ok_or(CUT)?, bits.take(8).ok_or(CUT)?);
        let Some(residue) = residues.get(residue as usize).filter(|_| floor < floors) else {
            return Err(IMPOSSIBLE);
        };
        let count = submap_of.iter().filter(|&&of| of == submap).count();
        if residue.kind == 2 && count == 2 && submap_of.first() != Some(&submap) {
            return Err(NOT_READ);
        }
        for (spills, block) in spills.iter_mut().zip(blocks) {
            *spills |= count > 1 && residue.spills(block);
        }
    }
    Ok(spills)
}

#[cfg(test)]
mod tests;
