//! How wide a text is, without a font engine: advance widths of the page's font (Spyhop Sans,
//! made from Inter by `scripts/subset_fonts.py`).

use crate::scene::Weight;

/// Height of a capital letter or a digit as a part of the font size, for centring text on a line.
pub const CAP_HEIGHT: f64 = 0.727;

/// Width of a digit: they are all alike (tabular figures), so that running numbers stand still.
const DIGIT: u16 = 648;

/// Width of whatever the table does not know.
const OTHER: u16 = 700;

/// Advance widths of U+0020 to U+007E in thousandths of the font size, regular weight.
#[rustfmt::skip]
const ASCII: [u16; 95] = [
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357,
    DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT,
    276, 280, 659, 659, 659, 507, 936,
    676, 651, 727, 719, 598, 587, 743, 740, 264, 543, 652, 562, 889,
    753, 761, 635, 761, 639, 638, 642, 741, 676, 949, 642, 665, 625,
    362, 357, 362, 469, 452, 497,
    564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544, 237, 869,
    585, 597, 609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541,
    362, 327, 362, 659,
];

/// Semi-bold letters are wider by about this much.
const SEMI_BOLD: f64 = 1.045;

/// Width of a line of text in CSS pixels at a font size.
pub fn text_width(text: &str, size: f64, weight: Weight) -> f64 {
    let thousandths: u32 = text.chars().map(|c| u32::from(advance(c))).sum();
    let wider = if weight == Weight::SemiBold { SEMI_BOLD } else { 1.0 };
    f64::from(thousandths) * size / 1000.0 * wider
}

fn advance(c: char) -> u16 {
    match c {
        ' '..='~' => ASCII[c as usize - 0x20],
        'µ' => 622,
        '²' => 420,
        '–' => 500,
        '·' => 276,
        '°' => 455,
        '−' | '×' | '÷' | '≥' | '≤' => 659,
        '…' => 821,
        '’' => 281,
        _ => OTHER,
    }
}
