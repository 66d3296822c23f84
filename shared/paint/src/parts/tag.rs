//! A word in a frame at the corner of a picture.

use crate::colour::Colour;
use crate::scene::{Anchor, Area, Item, Stroke, Weight};
use crate::text::text_width;

/// A tag whose top right corner lies at `corner`, and the area that it takes.
pub fn tag(
    text: &str,
    corner: (f64, f64),
    font_px: f64,
    colour: Colour,
    ground: Option<Colour>,
) -> (Area, Vec<Item>) {
    let width = text_width(text, font_px, Weight::SemiBold) + font_px;
    let area = Area::new(corner.0 - width, corner.1, width, font_px * 1.6);
    let frame =
        Item::Rect { area, radius: 3.0, fill: ground, stroke: Some(Stroke::solid(colour, 1.0)) };
    let word = Item::Text {
        x: area.x + area.w / 2.0,
        y: area.y + area.h / 2.0 + font_px * 0.36,
        text: text.to_owned(),
        size: font_px,
        weight: Weight::SemiBold,
        anchor: Anchor::Middle,
        colour,
        upwards: false,
    };
    (area, vec![frame, word])
}
