//! What lies over the picture: labels, the selection, cursors, crosshair and play head.

use leptos::prelude::*;
use spyhop_api::Annotation;
use spyhop_api::view::Lens;
use spyhop_paint::parts::{
    annotation_box, crosshair, cursor, heard_axis, playhead, seam_lines, selection_box,
};
use spyhop_paint::scene::Area;
use spyhop_paint::{Item, Stroke, Theme};
use spyhop_words::viewer::viewer::{CURSOR_A, CURSOR_B};

use super::boxes::PixelBox;
use super::call_marks;
use super::canvas::Surface;
use super::gestures;
use super::layout::Layout;
use crate::frame::Frame;
use crate::guide;
use crate::session::{OpenSet, Session};

const FONT_PX: f64 = 12.0;
/// Radius of the dot in the middle of the selection, which moves it; what can be grabbed is larger.
const MIDDLE_PX: f64 = 4.5;

/// Draws everything that lies over the picture and the waveform.
pub fn draw(
    session: Session,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    surface: &Surface,
    layout: &Layout,
) {
    let (all, picture) = (layout.all(), layout.picture());
    let mut items = seam_lines(&frame.fold, &frame.places, all, theme);
    items.extend(heard(session, frame, picture, theme));
    if session.guided.boxes.get_untracked() {
        let chosen = session.labels.chosen.get_untracked();
        session.labels.all.with_untracked(|labels| {
            for label in labels {
                let chosen = Some(label.id) == chosen;
                label_items(label, chosen, open, frame, theme, layout, &mut items);
            }
        });
        items.extend(call_marks::boxes(session, open, frame, theme, layout));
    }
    items.extend(guide::mark_items(session, open, frame, theme, layout, FONT_PX));
    if let Some(b) = gestures::selection_box(session, frame, layout) {
        selection_items(&b, picture, theme, layout, &mut items);
    }
    let cursors = session.cursors.get_untracked();
    for ((point, colour), name) in cursors.into_iter().zip(theme.cursors).zip([CURSOR_A, CURSOR_B])
    {
        let Some(point) = point else { continue };
        let x = frame.x_of(point.position) * layout.width;
        items.extend(cursor(x, all, name, colour, theme));
        let y = point.hz.map(|hz| picture.y + frame.y_of(hz) * picture.h);
        if let Some(y) = y.filter(|y| (picture.y..=picture.bottom()).contains(y)) {
            let stroke = Stroke::dashed(colour, 1.0, 5.0, 4.0);
            items.push(Item::Line { from: (0.0, y), to: (layout.width, y), stroke });
        }
    }
    if let Some(point) = session.pointer.get_untracked() {
        let x = surface.crisp(frame.x_of(point.position) * layout.width);
        let y = point.hz.map(|hz| surface.crisp(picture.y + frame.y_of(hz) * picture.h));
        items.extend(crosshair(x, y, all, theme));
    }
    if let Some(at) = session.play_head.get_untracked() {
        items.extend(playhead(frame.x_of(at) * layout.width, all, theme));
    }
    surface.items(&items);
}

/// What the ears get of what the eyes see, while that is not the same: at another speed a second
/// frequency axis, with a heterodyne the frequency that becomes 0 Hz.
fn heard(session: Session, frame: &Frame, picture: Area, theme: &Theme) -> Vec<Item> {
    let listening = session.view.with_untracked(|v| v.listening);
    match listening.lens {
        Lens::AsIs => heard_axis(&frame.scale(), listening.rate, picture, FONT_PX, theme),
        Lens::Heterodyne(hz) => {
            let y = picture.y + frame.y_of(hz) * picture.h;
            let inside = (picture.y..=picture.bottom()).contains(&y);
            let stroke = Stroke::dashed(theme.selection, 1.25, 8.0, 4.0);
            let line = Item::Line { from: (picture.x, y), to: (picture.right(), y), stroke };
            inside.then_some(line).into_iter().collect()
        }
        Lens::Envelope => Vec::new(),
    }
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
    let position = |ns: i64| ns as f64 * 1e-9 * rate;
    let positions = position(label.start_ns)..position(label.end_ns);
    let band_hz = (label.low_hz.unwrap_or(0.0), label.high_hz.unwrap_or(frame.nyquist_hz));
    let Some(area) = layout.box_area(frame, &positions, band_hz, 1.0) else { return };
    // Words on boxes of a few pixels would hide what they name.
    let words = if chosen || area.w > 12.0 { label.label.as_str() } else { "" };
    let colour = if chosen { theme.selection } else { theme.annotation };
    items.push(annotation_box(area, layout.picture(), words, colour, FONT_PX, theme));
    // On the waveform the label's time stands as a bar along its foot.
    let foot = Area::new(area.x, layout.wave_height - 3.0, area.w, 3.0);
    items.push(Item::fill(foot, theme.annotation));
}

fn selection_items(
    b: &PixelBox,
    picture: Area,
    theme: &Theme,
    layout: &Layout,
    items: &mut Vec<Item>,
) {
    let (left, right) = (b.left.max(-1e4), b.right.min(layout.width + 1e4));
    let area =
        Area::new(left, picture.y + b.top, (right - left).max(1.0), (b.bottom - b.top).max(1.0));
    items.push(selection_box(area, picture, theme));
    let middle = (area.x + area.w / 2.0, area.y + area.h / 2.0);
    if b.has_middle() {
        items.push(Item::Dots { points: vec![middle], radius: MIDDLE_PX, fill: theme.selection });
    }
    items.push(Item::Rect {
        area: Area::new(left, 0.0, right - left, layout.wave_height),
        radius: 0.0,
        fill: Some(theme.selection.with_alpha(30)),
        stroke: Some(Stroke::solid(theme.selection.with_alpha(160), 1.0)),
    });
}
