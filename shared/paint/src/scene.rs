//! A scene: what to draw, in order, in CSS pixels from the top left corner.

use std::sync::Arc;

use crate::colour::Colour;

/// A picture as a list of things to draw, the last on top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Width, CSS pixels.
    pub width: f64,
    /// Height, CSS pixels.
    pub height: f64,
    /// What it shows, for files and for people who don't see it; may be empty.
    pub title: String,
    /// What to draw.
    pub items: Vec<Item>,
}

/// One thing to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A rectangle, filled, outlined or both.
    Rect {
        /// Where.
        area: Area,
        /// Corner radius.
        radius: f64,
        /// Inside.
        fill: Option<Colour>,
        /// Outline, centred on the edge.
        stroke: Option<Stroke>,
    },
    /// A straight line.
    Line {
        /// One end.
        from: (f64, f64),
        /// The other.
        to: (f64, f64),
        /// How.
        stroke: Stroke,
    },
    /// Lines from point to point.
    Polyline {
        /// The points.
        points: Vec<(f64, f64)>,
        /// How.
        stroke: Stroke,
    },
    /// A filled area; the last point joins the first.
    Polygon {
        /// The corners.
        points: Vec<(f64, f64)>,
        /// Inside.
        fill: Colour,
    },
    /// Points as filled circles.
    Dots {
        /// Their centres.
        points: Vec<(f64, f64)>,
        /// Their radius.
        radius: f64,
        /// Inside.
        fill: Colour,
    },
    /// A line of text in the page's font.
    Text {
        /// Where the anchor lies.
        x: f64,
        /// Where the letters stand (the alphabetic baseline).
        y: f64,
        /// What it says.
        text: String,
        /// Font size.
        size: f64,
        /// How heavy.
        weight: Weight,
        /// Which end of the text lies at `x`.
        anchor: Anchor,
        /// Colour.
        colour: Colour,
        /// Whether it runs upwards (turned a quarter to the left about the anchor).
        upwards: bool,
    },
    /// Pixels, stretched over an area.
    Image {
        /// Where.
        area: Area,
        /// The pixels.
        pixels: Arc<Pixels>,
        /// Whether pixels run into each other when stretched.
        smooth: bool,
    },
    /// Things of which only what lies inside an area shows.
    Clip {
        /// The area.
        area: Area,
        /// The things.
        items: Vec<Item>,
    },
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Area {
    /// From its upper left corner and its size.
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Area {
        Area { x, y, w, h }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }
}

/// RGBA pixels, rows from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue, opacity of each (not premultiplied).
    pub rgba: Vec<u8>,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub colour: Colour,
    /// Width, CSS pixels.
    pub width: f64,
    /// Lengths of dash and space, or solid.
    pub dash: Option<(f64, f64)>,
}

impl Stroke {
    /// A solid line.
    pub const fn solid(colour: Colour, width: f64) -> Stroke {
        Stroke { colour, width, dash: None }
    }

    /// A dashed line.
    pub const fn dashed(colour: Colour, width: f64, dash: f64, space: f64) -> Stroke {
        Stroke { colour, width, dash: Some((dash, space)) }
    }
}

/// Which end of a text lies at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The beginning.
    Start,
    /// The middle.
    Middle,
    /// The end.
    End,
}

/// How heavy letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// 400.
    Regular,
    /// 600.
    SemiBold,
}

impl Weight {
    /// The number that CSS and SVG use.
    pub const fn number(self) -> u32 {
        match self {
            Weight::Regular => 400,
            Weight::SemiBold => 600,
        }
    }
}

impl Scene {
    /// An empty scene.
    pub fn new(width: f64, height: f64) -> Scene {
        Scene { width, height, ..Scene::default() }
    }

    /// Adds items on top.
    pub fn extend(&mut self, items: impl IntoIterator<Item = Item>) {
        self.items.extend(items);
    }
}

impl Item {
    /// A filled rectangle.
    pub const fn fill(area: Area, colour: Colour) -> Item {
        Item::Rect { area, radius: 0.0, fill: Some(colour), stroke: None }
    }

    /// An outlined rectangle.
    pub const fn outline(area: Area, stroke: Stroke) -> Item {
        Item::Rect { area, radius: 0.0, fill: None, stroke: Some(stroke) }
    }

    /// A line of text of regular weight that runs to the right.
    pub fn text(
        (x, y): (f64, f64),
        text: impl Into<String>,
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) -> Item {
        let (text, weight, upwards) = (text.into(), Weight::Regular, false);
        Item::Text { x, y, text, size, weight, anchor, colour, upwards }
    }
}
