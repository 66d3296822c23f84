//! A guide's boxes, and where somebody else's play head and pointer are, drawn over the picture.

use leptos::prelude::*;
use spyhop_api::{Mark, MarkKind};
use spyhop_paint::parts::{annotation_box, playhead};
use spyhop_paint::{Colour, Item, Theme};

use crate::frame::{Frame, position_of};
use crate::session::{OpenSet, Session};
use crate::viewer::Layout;

/// Radii of the pointer's dot and of the ring around it.
const DOT_PX: f64 = 4.0;
const RING_PX: f64 = 12.0;

/// Everything of the guide's over a picture.
pub fn items(
    session: Session,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
    font_px: f64,
) -> Vec<Item> {
    let (all, picture) = (layout.all(), layout.picture());
    let x_of = |at| frame.x_of(position_of(at, &open.line)) * all.w;
    let y_of = |hz: f64| picture.y + frame.y_of(hz) * picture.h;
    let mut items: Vec<Item> = session.guided.marks.with_untracked(|marks| {
        let boxed = |mark: &Mark| mark_box(mark, open, frame, theme, layout, font_px);
        marks.iter().filter_map(boxed).collect()
    });
    if let Some(at) = session.guided.head.get_untracked() {
        items.extend(playhead(x_of(at), all, theme));
    }
    if let Some(pointer) = session.guided.pointer.get_untracked() {
        let x = x_of(pointer.at);
        let y = pointer.hz.map_or(picture.y / 2.0, y_of);
        if (0.0..=all.w).contains(&x) && (0.0..=all.h).contains(&y) {
            let halo = theme.background.with_alpha(150);
            let colour = theme.cursors[1];
            for (radius, fill) in
                [(RING_PX + 2.0, halo), (RING_PX, colour.with_alpha(90)), (DOT_PX, colour)]
            {
                items.push(Item::Dots { points: vec![(x, y)], radius, fill });
            }
        }
    }
    items
}

fn mark_box(
    mark: &Mark,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
    font_px: f64,
) -> Option<Item> {
    let start = position_of(mark.start, &open.line);
    let end = start + mark.span_ns as f64 * 1e-9 * open.line.sample_rate_hz;
    let area = layout.box_area(frame, &(start..end), mark.band_hz, 1.0)?;
    let colour = colour_of(mark.kind, theme);
    Some(annotation_box(area, layout.picture(), &mark.text, colour, font_px, theme))
}

fn colour_of(kind: MarkKind, theme: &Theme) -> Colour {
    match kind {
        MarkKind::Question => theme.selection,
        MarkKind::Answer | MarkKind::Truth => theme.annotation,
        MarkKind::Right => theme.cursors[0],
        MarkKind::Wrong => theme.fault,
    }
}
