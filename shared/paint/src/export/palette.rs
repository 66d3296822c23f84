//! Pixels with few colours: a picture of sound has those of its map, and some for its letters.
//!
//! A palette is written instead of the colours themselves, and noise, which nothing predicts, then takes
//! six bits a pixel instead of eighteen.

/// The most colours that a PNG's palette holds.
const MOST_COLOURS: usize = 256;

/// Steps of red, green and blue within which colours become one, the finest first.
const STEPS: [usize; 5] = [1, 3, 4, 5, 6];

/// Pixels as places in a palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Red, green and blue of each colour, the darkest first.
    pub palette: Vec<u8>,
    /// One a pixel, rows from the top.
    pub indices: Vec<u8>,
}

/// The colours of pixels (red, green, blue, opacity each), where all are opaque and there are no more
/// colours than a palette holds.
pub fn exactly(rgba: &[u8]) -> Option<Indexed> {
    let is_opaque = rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX);
    is_opaque.then(|| Counted::of(rgba, 1, MOST_COLOURS)).flatten().map(Counted::sorted)
}

/// The same where there are more: colours that lie near to each other become one, in the finest steps that
/// leave few enough, each as its pixels are on the mean. Where none do, the commonest stay, and the others
/// (the edges of letters on a picture) take the nearest of them. What is not opaque is taken as if it were.
pub fn nearly(rgba: &[u8]) -> Indexed {
    let few = STEPS.iter().find_map(|step| Counted::of(rgba, *step, MOST_COLOURS));
    let coarsest = STEPS[STEPS.len() - 1];
    let counted = few.or_else(|| Counted::of(rgba, coarsest, usize::MAX).map(Counted::commonest));
    counted.unwrap_or_default().sorted()
}

/// What is known of the colours within one step.
#[derive(Clone, Copy, Default)]
struct Cell {
    sum: [u64; 3],
    pixels: u64,
}

impl Cell {
    /// The colour of its pixels on the mean.
    fn colour(&self) -> [u8; 3] {
        self.sum.map(|sum| ((sum + self.pixels / 2) / self.pixels.max(1)) as u8)
    }
}

/// Numbers of cells by their places, in the order in which these were first asked for. A table with linear
/// probing: a picture asks for each of its pixels, mostly for the same few hundred.
struct Numbers {
    /// A place and its number, or `None`; always a power of two of them.
    slots: Vec<Option<(u32, u32)>>,
    known: usize,
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers { slots: vec![None; 4 * MOST_COLOURS], known: 0 }
    }
}

impl Numbers {
    fn of(&mut self, place: u32) -> usize {
        if 2 * self.known >= self.slots.len() {
            let grown = vec![None; 2 * self.slots.len()];
            for (place, number) in std::mem::replace(&mut self.slots, grown).into_iter().flatten() {
                let slot = self.slot(place);
                self.slots[slot] = Some((place, number));
            }
        }
        let slot = self.slot(place);
        match self.slots[slot] {
            Some((_, number)) => number as usize,
            None => {
                self.slots[slot] = Some((place, self.known as u32));
                self.known += 1;
                self.known - 1
            }
        }
    }

    /// Where a place stands, or is to stand.
    fn slot(&self, place: u32) -> usize {
        // Knuth's multiplicative hash: the upper bits are the mixed ones.
        let bits = self.slots.len().trailing_zeros();
        let mut slot = (place.wrapping_mul(2_654_435_761) >> (32 - bits)) as usize;
        while self.slots[slot].is_some_and(|(other, _)| other != place) {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }
}

/// Pixels as numbers of cells.
#[derive(Default)]
struct Counted {
    cells: Vec<Cell>,
    numbers: Vec<usize>,
}

impl Counted {
    /// `None` where there are more than `most` cells.
    fn of(rgba: &[u8], step: usize, most: usize) -> Option<Counted> {
        let steps: [u32; 256] = std::array::from_fn(|value| (value / step) as u32);
        let place = |pixel: &[u8; 4]| {
            let [r, g, b, _] = pixel.map(|value| steps[usize::from(value)]);
            (r << 16) | (g << 8) | b
        };
        let mut numbers = Numbers::default();
        let mut counted = Counted::default();
        counted.numbers.reserve(rgba.len() / 4);
        // Neighbours are often alike: they are counted without a look at the table.
        let (mut last, mut number) = (u32::MAX, 0);
        for pixel in rgba.as_chunks::<4>().0 {
            let here = place(pixel);
            if here != last {
                number = numbers.of(here);
                if number == most {
                    return None;
                }
                if number == counted.cells.len() {
                    counted.cells.push(Cell::default());
                }
                last = here;
            }
            let cell = &mut counted.cells[number];
            for (sum, value) in cell.sum.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
            cell.pixels += 1;
            counted.numbers.push(number);
        }
        Some(counted)
    }

    /// As many cells as a palette holds, those of most pixels.
    fn commonest(self) -> Counted {
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(self.cells[*i].pixels));
        let kept: Vec<Cell> = order.iter().take(MOST_COLOURS).map(|i| self.cells[*i]).collect();
        let colours: Vec<[u8; 3]> = kept.iter().map(Cell::colour).collect();
        let nearest = |cell: &Cell| {
            let own = cell.colour();
            let apart = |other: &[u8; 3]| {
                own.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum::<u32>()
            };
            (0..colours.len()).min_by_key(|i| apart(&colours[*i])).unwrap_or_default()
        };
        let new: Vec<usize> = self.cells.iter().map(nearest).collect();
        let numbers = self.numbers.into_iter().map(|number| new[number]).collect();
        Counted { cells: kept, numbers }
    }

    /// With the darkest colour first: what lies beside each other in the map does so in the palette.
    fn sorted(self) -> Indexed {
        let colours: Vec<[u8; 3]> = self.cells.iter().map(Cell::colour).collect();
        let mut order: Vec<usize> = (0..colours.len()).collect();
        // Rec. 709's weights of brightness, in ten-thousandths.
        let brightness =
            |[r, g, b]: [u8; 3]| 2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b);
        order.sort_by_key(|i| brightness(colours[*i]));
        let mut place = vec![0u8; colours.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new as u8;
        }
        Indexed {
            palette: order.iter().flat_map(|i| colours[*i]).collect(),
            indices: self.numbers.into_iter().map(|number| place[number]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(colours: impl Iterator<Item = [u8; 3]>) -> Vec<u8> {
        colours.flat_map(|[r, g, b]| [r, g, b, 255]).collect()
    }

    fn colour(of: &Indexed, pixel: usize) -> [u8; 3] {
        let at = 3 * usize::from(of.indices[pixel]);
        [of.palette[at], of.palette[at + 1], of.palette[at + 2]]
    }

    #[test]
    fn few_colours_stay_what_they_are_the_darkest_first() {
        let rgba = pixels([[9, 9, 9], [0, 0, 1], [255, 250, 240], [9, 9, 9]].into_iter());
        let found = exactly(&rgba).expect("few");
        assert_eq!(found.palette, [0, 0, 1, 9, 9, 9, 255, 250, 240]);
        assert_eq!(found.indices, [1, 0, 2, 1]);
        assert_eq!(nearly(&rgba), found);
    }

    #[test]
    fn of_many_colours_those_near_to_each_other_become_one() {
        let all =
            || (0..4096u32).map(|n| [(n % 16 * 17) as u8, (n / 16 % 16) as u8, (n / 256) as u8]);
        let rgba = pixels(all());
        assert_eq!(exactly(&rgba), None);
        let found = nearly(&rgba);
        assert!(found.palette.len() <= 3 * MOST_COLOURS, "{}", found.palette.len());
        for (pixel, was) in all().enumerate() {
            let apart = colour(&found, pixel).iter().zip(was).map(|(a, b)| a.abs_diff(b)).max();
            assert!(apart.is_some_and(|apart| apart <= 8), "{was:?} {apart:?}");
        }
    }

    #[test]
    fn any_colours_at_all_fit() {
        let rgba =
            pixels((0..1u32 << 15).map(|n| [n % 32, n / 32 % 32, n / 1024].map(|v| (v * 8) as u8)));
        let found = nearly(&rgba);
        assert!(found.palette.len() <= 3 * MOST_COLOURS);
        assert_eq!(found.indices.len(), 1 << 15);
        assert_eq!(nearly(&[]), Indexed { palette: Vec::new(), indices: Vec::new() });
    }
}
