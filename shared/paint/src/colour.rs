//! Colours, and the maps that give a level its colour.

use spyhop_api::view::ColourMap;

/// An sRGB colour with opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
    /// Opacity, 255 is opaque.
    pub a: u8,
}

impl Colour {
    /// An opaque colour from `0xRRGGBB`.
    pub const fn hex(rgb: u32) -> Colour {
        Colour { r: (rgb >> 16) as u8, g: (rgb >> 8) as u8, b: rgb as u8, a: 255 }
    }

    /// The same colour with another opacity.
    pub const fn with_alpha(self, a: u8) -> Colour {
        Colour { a, ..self }
    }

    /// As CSS and SVG write it: `#rrggbb`, or `rgba(r,g,b,o)` where it is not opaque.
    pub fn css(self) -> String {
        if self.a == 255 {
            format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
        } else {
            format!("rgba({},{},{},{:.3})", self.r, self.g, self.b, self.opacity())
        }
    }

    /// Opacity from 0 to 1.
    pub fn opacity(self) -> f64 {
        f64::from(self.a) / 255.0
    }

    /// Red, green, blue, opacity.
    pub const fn rgba(self) -> [u8; 4] {
        [self.r, self.g, self.b, self.a]
    }

    /// WCAG 2 contrast ratio between two opaque colours, from 1 to 21.
    pub fn contrast(self, other: Colour) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.r) + 0.7152 * linear(self.g) + 0.0722 * linear(self.b)
    }
}

/// A colour map as 256 colours, from the floor of the level range to its ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lut([[u8; 4]; 256]);

impl Lut {
    /// The table of a map.
    pub fn new(map: ColourMap) -> Lut {
        let mut table = [[0; 4]; 256];
        for (i, entry) in table.iter_mut().enumerate() {
            let [r, g, b] = match map {
                ColourMap::Viridis => gradient(colorous::VIRIDIS, i),
                ColourMap::Cividis => cividis(i),
                ColourMap::Magma => gradient(colorous::MAGMA, i),
                ColourMap::Inferno => gradient(colorous::INFERNO, i),
                ColourMap::Grey => [i as u8; 3],
                ColourMap::GreyInverted => [255 - i as u8; 3],
            };
            *entry = [r, g, b, 255];
        }
        Lut(table)
    }

    /// The colour at `unit` of the range, 0 at the floor; clamped outside it.
    pub fn at(&self, unit: f64) -> Colour {
        let [r, g, b, a] = self.0[(unit * 255.0).round() as u8 as usize];
        Colour { r, g, b, a }
    }

    /// All entries, red, green, blue, opacity.
    pub fn entries(&self) -> &[[u8; 4]; 256] {
        &self.0
    }
}

fn gradient(gradient: colorous::Gradient, i: usize) -> [u8; 3] {
    let colour = gradient.eval_continuous(i as f64 / 255.0);
    [colour.r, colour.g, colour.b]
}

/// Entries of cividis between which it is as good as straight. (colorous has it as a polynomial that
/// is off by up to 19 of 255 steps.)
const CIVIDIS: [(usize, u32); 17] = [
    (0, 0x00224e),
    (20, 0x003070),
    (23, 0x013271),
    (28, 0x123570),
    (33, 0x1c396f),
    (44, 0x2d416d),
    (53, 0x38476c),
    (86, 0x585e6d),
    (134, 0x828079),
    (151, 0x928d78),
    (171, 0xa69c74),
    (191, 0xbbad6d),
    (219, 0xd9c55c),
    (233, 0xe8d24f),
    (244, 0xf5dc41),
    (251, 0xfde334),
    (255, 0xfee838),
];

fn cividis(i: usize) -> [u8; 3] {
    let above = CIVIDIS.partition_point(|(at, _)| *at <= i).clamp(1, CIVIDIS.len() - 1);
    let ((from, low), (to, high)) = (CIVIDIS[above - 1], CIVIDIS[above]);
    let part = (i - from) as f64 / (to - from) as f64;
    let (low, high) = (Colour::hex(low), Colour::hex(high));
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    [mix(low.r, high.r), mix(low.g, high.g), mix(low.b, high.b)]
}
