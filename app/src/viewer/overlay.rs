//! What lies over the picture: labels, the selection, cursors, crosshair and play head.

use leptos::prelude::*;
use spyhop_api::Annotation;
use spyhop_paint::scene::Area;
use spyhop_paint::text::text_width;
use spyhop_paint::{Anchor, Colour, Item, Stroke, Theme, Weight};

use super::boxes::PixelBox;
use super::canvas::Surface;
use super::gestures::selection_box;
use super::layout::Layout;
use crate::frame::Frame;
use crate::session::{OpenSet, Point, Session};

/// Half the side of a drawn handle, CSS pixels; what can be grabbed is larger.
const HANDLE_PX: f64 = 4.0;
const FONT_PX: f64 = 12.0;

/// Draws everything that lies over the picture and the waveform.
pub fn draw(
    session: Session,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    surface: &Surface,
    layout: &Layout,
) {
    let mut items = Vec::new();
    let chosen = session.labels.chosen.get_untracked();
    session.labels.all.with_untracked(|all| {
        for label in all.iter().filter(|a| Some(a.id) != chosen) {
            label_items(label, false, open, frame, theme, layout, &mut items);
        }
        for label in all.iter().filter(|a| Some(a.id) == chosen) {
            label_items(label, true, open, frame, theme, layout, &mut items);
        }
    });
    if let Some(b) = selection_box(session, frame, layout) {
        selection_items(&b, theme, layout, &mut items);
    }
    let cursors = session.cursors.get_untracked();
    for ((cursor, colour), name) in cursors.into_iter().zip(theme.cursors).zip(["A", "B"]) {
        if let Some(point) = cursor {
            cursor_items(&point, name, colour, frame, theme, layout, &mut items);
        }
    }
    if let Some(point) = session.pointer.get_untracked() {
        crosshair(&point, frame, theme, layout, surface, &mut items);
    }
    if let Some(at) = session.play_head.get_untracked() {
        let x = surface.crisp(frame.x_of(at) * layout.width);
        let stroke = Stroke::solid(theme.playhead, 1.5);
        items.push(Item::Line { from: (x, 0.0), to: (x, layout.height), stroke });
    }
    surface.items(&items);
}

fn label_items(
    label: &Annotation,
    chosen: bool,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
    items: &mut Vec<Item>,
) {
    let rate = open.line.sample_rate_hz;
    let x = |ns: i64| frame.x_of(ns as f64 * 1e-9 * rate) * layout.width;
    let (left, right) = (x(label.start_ns), x(label.end_ns));
    if right < 0.0 || left > layout.width {
        return;
    }
    let y = |hz: f64| layout.picture_top + frame.y_of(hz).clamp(-0.1, 1.1) * layout.picture_height;
    let top = y(label.high_hz.unwrap_or(frame.nyquist_hz));
    let bottom = y(label.low_hz.unwrap_or(0.0));
    let width = if chosen { 2.5 } else { 1.5 };
    let area = Area::new(left, top, (right - left).max(1.0), (bottom - top).max(1.0));
    let whole = Area::new(0.0, layout.picture_top, layout.width, layout.picture_height);
    let mut inside = vec![Item::outline(area, Stroke::solid(theme.annotation, width))];
    let tag_left = left.max(2.0);
    if right - tag_left > 12.0 || chosen {
        tag(&label.label, (tag_left, (top - 3.0).max(layout.picture_top + 15.0)), theme.annotation, theme, &mut inside);
    }
    items.push(Item::Clip { area: whole, items: inside });
    // On the waveform the label's time stands as a bar along its foot.
    let foot = Area::new(left, layout.wave_height - 3.0, (right - left).max(1.0), 3.0);
    items.push(Item::fill(foot, theme.annotation));
}

fn selection_items(b: &PixelBox, theme: &Theme, layout: &Layout, items: &mut Vec<Item>) {
    if b.right < -HANDLE_PX || b.left > layout.width + HANDLE_PX {
        return;
    }
    let top = layout.picture_top;
    let area = Area::new(b.left, top + b.top, (b.right - b.left).max(1.0), (b.bottom - b.top).max(1.0));
    let mut inside = vec![
        Item::Rect {
            area,
            radius: 0.0,
            fill: Some(theme.selection.with_alpha(26)),
            stroke: Some(Stroke::solid(theme.background, 3.0)),
        },
        Item::outline(area, Stroke::solid(theme.selection, 1.5)),
    ];
    for ((x, y), _) in b.handles() {
        let handle = Area::new(x - HANDLE_PX, top + y - HANDLE_PX, 2.0 * HANDLE_PX, 2.0 * HANDLE_PX);
        inside.push(Item::Rect {
            area: handle,
            radius: 1.5,
            fill: Some(theme.selection),
            stroke: Some(Stroke::solid(theme.background, 1.0)),
        });
    }
    let whole = Area::new(0.0, top - HANDLE_PX, layout.width, layout.picture_height + 2.0 * HANDLE_PX);
    items.push(Item::Clip { area: whole, items: inside });
    let wave = Area::new(b.left, 0.0, b.right - b.left, layout.wave_height);
    items.push(Item::Rect {
        area: wave,
        radius: 0.0,
        fill: Some(theme.selection.with_alpha(30)),
        stroke: Some(Stroke::solid(theme.selection.with_alpha(160), 1.0)),
    });
}

fn cursor_items(
    point: &Point,
    name: &str,
    colour: Colour,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
    items: &mut Vec<Item>,
) {
    let x = frame.x_of(point.position) * layout.width;
    if !(0.0..=layout.width).contains(&x) {
        return;
    }
    let stroke = Stroke::solid(colour, 1.5);
    items.push(Item::Line { from: (x, 0.0), to: (x, layout.height), stroke });
    if let Some(hz) = point.hz {
        let y = layout.picture_top + frame.y_of(hz) * layout.picture_height;
        if y >= layout.picture_top {
            let dashed = Stroke::dashed(colour, 1.0, 5.0, 4.0);
            items.push(Item::Line { from: (0.0, y), to: (layout.width, y), stroke: dashed });
        }
    }
    tag(name, (x + 3.0, 14.0), colour, theme, items);
}

fn crosshair(
    point: &Point,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
    surface: &Surface,
    items: &mut Vec<Item>,
) {
    let stroke = Stroke::solid(theme.crosshair, 1.0);
    let x = surface.crisp(frame.x_of(point.position) * layout.width);
    items.push(Item::Line { from: (x, 0.0), to: (x, layout.height), stroke });
    if let Some(hz) = point.hz {
        let y = surface.crisp(layout.picture_top + frame.y_of(hz) * layout.picture_height);
        items.push(Item::Line { from: (0.0, y), to: (layout.width, y), stroke });
    }
}

/// Words on a ground of their own, so that they can be read on any colours.
fn tag(text: &str, (x, y): (f64, f64), colour: Colour, theme: &Theme, items: &mut Vec<Item>) {
    if text.is_empty() {
        return;
    }
    let width = text_width(text, FONT_PX, Weight::SemiBold);
    let ground = Area::new(x - 3.0, y - 11.5, width + 6.0, 15.0);
    items.push(Item::Rect { area: ground, radius: 3.0, fill: Some(theme.label_backdrop), stroke: None });
    items.push(Item::Text {
        x,
        y,
        text: text.to_owned(),
        size: FONT_PX,
        weight: Weight::SemiBold,
        anchor: Anchor::Start,
        colour,
        upwards: false,
    });
}
