//! Pixels with few colours: a picture of sound has those of its map, and some for its letters.
//!
//! A palette is written instead of the colours themselves, and noise, which nothing predicts, then takes
//! six bits a pixel instead of eighteen.

use std::collections::HashMap;

/// The most colours that a PNG's palette holds.
const MOST_COLOURS: usize = 256;

/// Steps of red, green and blue within which colours become one, the finest first. The last leaves 125.
const STEPS: [usize; 7] = [1, 3, 4, 5, 6, 8, 52];

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
    is_opaque.then(|| indexed(rgba, 1)).flatten()
}

/// The same where there are more: colours that lie near to each other become one, in the finest steps that
/// leave few enough, each as its pixels are on the mean. What is not opaque is taken as if it were.
pub fn nearly(rgba: &[u8]) -> Indexed {
    let found = STEPS.iter().find_map(|step| indexed(rgba, *step));
    // The coarsest step always leaves few enough.
    found.unwrap_or_else(|| Indexed { palette: vec![0; 3], indices: vec![0; rgba.len() / 4] })
}

/// What is known of the colours within one step.
#[derive(Clone, Copy, Default)]
struct Cell {
    sum: [u64; 3],
    pixels: u64,
}

fn indexed(rgba: &[u8], step: usize) -> Option<Indexed> {
    let side = 255 / step + 1;
    let place = |pixel: &[u8; 4]| {
        let [r, g, b, _] = pixel.map(|v| usize::from(v) / step);
        ((r * side + g) * side + b) as u32
    };
    // Neighbours are often alike: most pixels are counted without a look at the table.
    let mut number_of: HashMap<u32, u8> = HashMap::with_capacity(MOST_COLOURS);
    let mut cells: Vec<Cell> = Vec::new();
    let mut indices = Vec::with_capacity(rgba.len() / 4);
    let (mut last, mut number) = (u32::MAX, 0u8);
    let pixels = rgba.as_chunks::<4>().0;
    for pixel in pixels {
        let here = place(pixel);
        if here != last {
            number = match number_of.get(&here) {
                Some(known) => *known,
                None if cells.len() == MOST_COLOURS => return None,
                None => {
                    let new = cells.len() as u8;
                    number_of.insert(here, new);
                    cells.push(Cell::default());
                    new
                }
            };
            last = here;
        }
        let cell = &mut cells[usize::from(number)];
        for (sum, value) in cell.sum.iter_mut().zip(pixel) {
            *sum += u64::from(*value);
        }
        cell.pixels += 1;
        indices.push(number);
    }
    Some(sorted(&cells, indices))
}

/// With the darkest colour first: what lies beside each other in the map does so in the palette.
fn sorted(cells: &[Cell], mut indices: Vec<u8>) -> Indexed {
    let colours: Vec<[u8; 3]> = cells
        .iter()
        .map(|cell| cell.sum.map(|sum| ((sum + cell.pixels / 2) / cell.pixels.max(1)) as u8))
        .collect();
    let mut order: Vec<usize> = (0..colours.len()).collect();
    // Rec. 709's weights of brightness, in ten-thousandths.
    let brightness =
        |[r, g, b]: [u8; 3]| 2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b);
    order.sort_by_key(|i| brightness(colours[*i]));
    let mut place = [0u8; MOST_COLOURS];
    for (new, old) in order.iter().enumerate() {
        place[*old] = new as u8;
    }
    indices.iter_mut().for_each(|index| *index = place[usize::from(*index)]);
    Indexed { palette: order.iter().flat_map(|i| colours[*i]).collect(), indices }
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
