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
                ColourMap::Cividis => gradient(colorous::CIVIDIS, i),
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
