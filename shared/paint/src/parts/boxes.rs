//! Boxes of time and frequency: the selection with its handles, and annotations with their labels.

use spyhop_api::detection::Verdict;

use crate::colour::Colour;
use crate::scene::{Anchor, Area, Item, Stroke, Weight};
use crate::text::{CAP_HEIGHT, text_width};
use crate::theme::Theme;

/// Side of a handle's square, CSS pixels (what can be grabbed is larger).
const HANDLE_PX: f64 = 7.0;

/// Longest label of an annotation, in characters.
const LABEL_CHARACTERS: usize = 24;

/// Classes of candidates differ by colour (on both themes 4.5:1 against the ground) and are named wherever
/// there is room.
const ON_DARK: [Colour; 5] = [
    Colour::hex(0xd0b3ff),
    Colour::hex(0xff9fd0),
    Colour::hex(0x6ee7a8),
    Colour::hex(0xffb27a),
    Colour::hex(0x9ad1f5),
];
/// See [`ON_DARK`].
const ON_LIGHT: [Colour; 5] = [
    Colour::hex(0x6a2fd0),
    Colour::hex(0xc2185b),
    Colour::hex(0x0a7a42),
    Colour::hex(0xa84e00),
    Colour::hex(0x0f4f80),
];

/// A part of a box that can be dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// The inside: moves the box.
    Inside,
    /// An edge or corner: −1 is left or top, 1 is right or bottom, 0 leaves that axis alone.
    Edge {
        /// Across.
        x: i8,
        /// Down.
        y: i8,
    },
}

const EDGES: [(i8, i8); 8] = [(-1, -1), (1, -1), (-1, 1), (1, 1), (0, -1), (0, 1), (-1, 0), (1, 0)];

/// The handles of a box and where they are.
pub fn handles(area: Area) -> impl Iterator<Item = (Handle, (f64, f64))> {
    EDGES.into_iter().map(move |(x, y)| {
        let along =
            |side: i8, start: f64, length: f64| start + length * (f64::from(side) + 1.0) / 2.0;
        (Handle::Edge { x, y }, (along(x, area.x, area.w), along(y, area.y, area.h)))
    })
}

/// What a pointer takes hold of: the nearest handle whose target (a square of `target_px`) it lies
/// in, or the inside, or nothing.
pub fn handle_at(area: Area, (x, y): (f64, f64), target_px: f64) -> Option<Handle> {
    let distance = |at: (f64, f64)| (at.0 - x).abs().max((at.1 - y).abs());
    let nearest = handles(area)
        .map(|(handle, at)| (handle, distance(at)))
        .filter(|(_, d)| *d <= target_px / 2.0)
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let inside = x >= area.x && x <= area.right() && y >= area.y && y <= area.bottom();
    nearest.map(|(handle, _)| handle).or(inside.then_some(Handle::Inside))
}

/// The selection: a tinted box with eight handles, drawn inside `plot`.
pub fn selection_box(area: Area, plot: Area, theme: &Theme) -> Item {
    let mut items = vec![
        Item::Rect {
            area,
            radius: 0.0,
            fill: Some(theme.selection.with_alpha(26)),
            stroke: Some(Stroke::solid(theme.background.with_alpha(150), 3.5)),
        },
        Item::outline(area, Stroke::solid(theme.selection, 1.5)),
    ];
    items.extend(handles(area).map(|(_, (x, y))| Item::Rect {
        area: Area::new(x - HANDLE_PX / 2.0, y - HANDLE_PX / 2.0, HANDLE_PX, HANDLE_PX),
        radius: 1.5,
        fill: Some(theme.selection),
        stroke: Some(Stroke::solid(theme.background, 1.0)),
    }));
    Item::Clip { area: plot, items }
}

/// A labelled annotation, drawn inside `plot`; `colour` tells label classes apart.
pub fn annotation_box(
    area: Area,
    plot: Area,
    label: &str,
    colour: Colour,
    font_px: f64,
    theme: &Theme,
) -> Item {
    let mut items = vec![
        Item::outline(area, Stroke::solid(theme.background.with_alpha(140), 3.0)),
        Item::outline(area, Stroke::solid(colour, 1.5)),
    ];
    items.extend(tab(area, plot, label, colour, font_px, theme));
    Item::Clip { area: plot, items }
}

/// How a candidate's box differs from a label's, and from that of another verdict, without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateLook {
    /// Dashes: nobody has said anything.
    Open,
    /// Dashes with a bar along the foot: it is a call.
    Call,
    /// Dots, struck out: it is none.
    NoCall,
}

impl From<Verdict> for CandidateLook {
    fn from(verdict: Verdict) -> CandidateLook {
        match verdict {
            Verdict::Unreviewed => CandidateLook::Open,
            Verdict::Accepted | Verdict::Relabelled => CandidateLook::Call,
            Verdict::Rejected => CandidateLook::NoCall,
        }
    }
}

/// The colour of a class, by its index in its run.
pub fn class_colour(class: usize, theme: &Theme) -> Colour {
    let colours = if *theme == Theme::light() { ON_LIGHT } else { ON_DARK };
    colours[class % colours.len()]
}

/// The box of a candidate, dashed, with its words above it.
pub fn candidate_box(
    area: Area,
    plot: Area,
    (label, look): (&str, CandidateLook),
    colour: Colour,
    font_px: f64,
    theme: &Theme,
) -> Item {
    let (on, off) = if look == CandidateLook::NoCall { (2.0, 3.0) } else { (7.0, 4.0) };
    let stroke = Stroke::dashed(colour, 1.75, on, off);
    let halo = Stroke::solid(theme.background.with_alpha(120), 3.0);
    let mut items = vec![Item::outline(area, halo), Item::outline(area, stroke)];
    match look {
        CandidateLook::Open => {}
        CandidateLook::Call => {
            items.push(Item::fill(Area::new(area.x, area.bottom() - 3.0, area.w, 3.0), colour));
        }
        CandidateLook::NoCall => {
            let (from, to) = ((area.x, area.bottom()), (area.right(), area.y));
            items.push(Item::Line { from, to, stroke });
        }
    }
    items.extend(tab(area, plot, label, colour, font_px, theme));
    Item::Clip { area: plot, items }
}

/// The words of a box, above it or inside it where the plot ends.
fn tab(
    area: Area,
    plot: Area,
    label: &str,
    colour: Colour,
    font_px: f64,
    theme: &Theme,
) -> Vec<Item> {
    let mut items = Vec::new();
    if !label.is_empty() {
        let text = shortened(label);
        let (pad, height) = (font_px * 0.35, font_px * 1.35);
        let width = text_width(&text, font_px, Weight::SemiBold) + 2.0 * pad;
        let above = area.y - height;
        let y = if above >= plot.y { above } else { area.y.max(plot.y) };
        let x = area.x.min(plot.right() - width).max(plot.x);
        let tab = Area::new(x, y, width, height);
        items.push(Item::Rect {
            area: tab,
            radius: 2.0,
            fill: Some(theme.label_backdrop),
            stroke: None,
        });
        items.push(Item::Text {
            x: x + pad,
            y: y + (height + font_px * CAP_HEIGHT) / 2.0,
            text,
            size: font_px,
            weight: Weight::SemiBold,
            anchor: Anchor::Start,
            colour,
            upwards: false,
        });
    }
    items
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_CHARACTERS {
        return label.to_owned();
    }
    label.chars().take(LABEL_CHARACTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_can_be_seen_on_both_themes() {
        for (theme, colours) in [(Theme::dark(), ON_DARK), (Theme::light(), ON_LIGHT)] {
            for colour in colours {
                assert!(colour.contrast(theme.background) >= 4.5, "{colour:?}");
                assert!(colour.contrast(theme.panel) >= 4.5, "{colour:?}");
            }
        }
    }
}
