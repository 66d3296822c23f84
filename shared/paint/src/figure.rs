//! A whole figure: a spectrogram with title, axes, units, clock time and colour bar.

use std::ops::Range;
use std::sync::Arc;

use spyhop_api::Calibration;
use spyhop_api::view::{ColourMap, Statistic};
use spyhop_signal::Fold;
use spyhop_signal::spectrum::scale::FrequencyScale;

use crate::column::ColumnSource;
use crate::folded::Folded;
use crate::parts::{
    AxisStyle, BAR_PX, CandidateLook, Plot, Side, annotation_box, axis_breaks, candidate_box,
    class_colour, colour_bar, colour_bar_width_px, seam_lines, tag, time_axis, value_axis,
    value_axis_width_px,
};
use crate::raster::{Flatten, RasterSpec, raster};
use crate::scene::{Anchor, Area, Item, Pixels, Scene, Stroke, Weight};
use crate::text::text_width;
use crate::theme::Theme;
use crate::ticks::{Ticks, TimeAxis, TimeLabels, folded_time_ticks, frequency_ticks};

/// Beyond a plot's edges nothing is drawn from here on, CSS pixels.
const FAR_PX: f64 = 1e3;
/// Smaller boxes are drawn as large as this, CSS pixels.
const LEAST_PX: f64 = 2.0;

/// What a figure shows.
#[derive(Clone, Debug)]
pub struct FigureSpec<'a> {
    /// Width of the whole figure, CSS pixels.
    pub width: f64,
    /// Height of the whole figure.
    pub height: f64,
    /// Pixels of the spectrogram for each CSS pixel.
    pub pixel_ratio: f64,
    /// Font size of the axes, CSS pixels; the title is larger.
    pub font_px: f64,
    /// What it is: the recording's name, the place.
    pub title: &'a str,
    /// How it was made: transform, resolution.
    pub subtitle: &'a str,
    /// Whether the sounds were made by a program: stated on the figure.
    pub synthesised: bool,
    /// Places from the left edge to the right, samples: positions on the line, less what is folded away.
    pub places: Range<f64>,
    /// Which gaps are folded away.
    pub fold: &'a Fold,
    /// Samples a second.
    pub sample_rate_hz: f64,
    /// What the time axis counts.
    pub labels: TimeLabels,
    /// Frequency from the lower edge to the upper.
    pub scale: FrequencyScale,
    /// Colours.
    pub map: ColourMap,
    /// Floor and ceiling, dB in `level_unit`.
    pub range_db: (f64, f64),
    /// What makes pressure of full scale.
    pub calibration: Option<&'a Calibration>,
    /// Unit of the levels (see [`crate::parts::level_unit`]).
    pub level_unit: &'a str,
    /// What is subtracted.
    pub flatten: Option<Flatten<'a>>,
    /// What of the power under a pixel is drawn.
    pub statistic: Statistic,
    /// Boxes over the spectrogram.
    pub boxes: &'a [FigureBox],
    /// Colours of everything else.
    pub theme: Theme,
}

/// A labelled box on a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureBox {
    /// Positions on the line, samples.
    pub positions: Range<f64>,
    /// Lower and upper edge, hertz.
    pub band_hz: (f64, f64),
    /// What it is.
    pub label: String,
    /// Who says so.
    pub kind: BoxKind,
}

/// Whose box it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxKind {
    /// The selection.
    Selection,
    /// A person's label.
    Label,
    /// A candidate of a detector or a network.
    Candidate {
        /// Index of its class in its run: it has the class's colour.
        class: usize,
        /// What is said of it.
        look: CandidateLook,
    },
}

/// Paints a figure. `source` knows columns by their positions on the line.
pub fn figure(spec: &FigureSpec<'_>, source: impl ColumnSource) -> Scene {
    let style = AxisStyle { theme: spec.theme, font_px: spec.font_px, grid: false };
    let layout = Layout::new(spec);
    let area = layout.plot;
    let mut scene = Scene::new(spec.width, spec.height);
    scene.title = spec.title.to_owned();
    scene
        .items
        .push(Item::fill(Area::new(0.0, 0.0, spec.width, spec.height), spec.theme.background));
    scene.extend(heading(spec, &layout));

    let pixels = spectrogram(spec, area, &Folded { source, fold: spec.fold });
    scene.items.push(Item::Image { area, pixels: Arc::new(pixels), smooth: false });
    scene.extend(seam_lines(spec.fold, &spec.places, area, &spec.theme));
    scene.extend(spec.boxes.iter().filter_map(|b| box_item(spec, area, b)));
    let edge = Area::new(area.x - 0.5, area.y - 0.5, area.w + 1.0, area.h + 1.0);
    scene.items.push(Item::outline(edge, Stroke::solid(spec.theme.axis, 1.0)));

    scene.extend(value_axis(&layout.frequency, area, Side::Left, &style));
    scene.items.push(Item::Text {
        x: spec.font_px * 1.5,
        y: area.y + area.h / 2.0,
        text: format!("Frequency ({})", layout.frequency.unit),
        size: spec.font_px,
        weight: Weight::Regular,
        anchor: Anchor::Middle,
        colour: spec.theme.text,
        upwards: true,
    });
    scene.extend(time_scale(spec, &layout, &style));

    let bar = Area::new(area.right() + spec.font_px * 1.2, area.y, BAR_PX, area.h);
    scene.extend(colour_bar(bar, spec.map, spec.range_db, spec.level_unit, &style));
    scene
}

/// Where things stand.
struct Layout {
    plot: Area,
    frequency: Ticks,
    overhang_px: f64,
}

impl Layout {
    fn new(spec: &FigureSpec<'_>) -> Layout {
        let font = spec.font_px;
        let top = font * if spec.subtitle.is_empty() { 2.6 } else { 4.1 };
        let bottom = font * 3.9 + 8.0;
        let height = (spec.height - top - bottom).max(16.0).floor();
        let frequency = frequency_ticks(&spec.scale, height, font);
        let left = value_axis_width_px(&frequency, font) + font * 2.4;
        let right = font * 1.2 + colour_bar_width_px(spec.range_db, height, font) + font * 0.5;
        let width = (spec.width - left - right).max(16.0).floor();
        let plot = Area::new(left.ceil(), top.ceil(), width, height);
        Layout { plot, frequency, overhang_px: font * 3.0 }
    }
}

fn heading(spec: &FigureSpec<'_>, layout: &Layout) -> Vec<Item> {
    let (font, theme) = (spec.font_px, &spec.theme);
    let (x, right) = (layout.plot.x, layout.plot.right());
    let title_px = font * 1.3;
    let mut items = Vec::new();
    let mut room = spec.width - x - font;
    if spec.synthesised {
        let corner = (right, font * 0.75);
        let (tag, frame) = tag("synthesised sound", corner, font, theme.annotation, None);
        items.extend(frame);
        room = tag.x - x - font;
    }
    items.push(Item::Text {
        x,
        y: font * 1.9,
        text: fitted(spec.title, title_px, Weight::SemiBold, room),
        size: title_px,
        weight: Weight::SemiBold,
        anchor: Anchor::Start,
        colour: theme.text,
        upwards: false,
    });
    if !spec.subtitle.is_empty() {
        let text = fitted(spec.subtitle, font, Weight::Regular, spec.width - x - font);
        items.push(Item::text((x, font * 3.4), text, font, Anchor::Start, theme.text_dim));
    }
    items
}

/// A box over the plot, where some of it lies there.
fn box_item(spec: &FigureSpec<'_>, area: Area, of: &FigureBox) -> Option<Item> {
    let plot = Plot { area, positions: spec.places.clone(), scale: spec.scale };
    let places = spec.fold.place_of(of.positions.start)..spec.fold.place_of(of.positions.end);
    let place = plot.area_of(places, of.band_hz);
    if place.right() < area.x || place.x > area.right() {
        return None;
    }
    // What is far beyond the edges is not seen, and what is hardly there is.
    let (left, top) = (place.x.max(area.x - FAR_PX), place.y.max(area.y - FAR_PX));
    let place = Area {
        x: left,
        y: top,
        w: (place.right().min(area.right() + FAR_PX) - left).max(LEAST_PX),
        h: (place.bottom().min(area.bottom() + FAR_PX) - top).max(LEAST_PX),
    };
    let (theme, font_px) = (&spec.theme, spec.font_px * 0.95);
    // Words on boxes of a few pixels would hide what they name.
    let words = |least_px: f64| if place.w > least_px { of.label.as_str() } else { "" };
    Some(match of.kind {
        BoxKind::Selection => {
            annotation_box(place, area, &of.label, theme.selection, font_px, theme)
        }
        BoxKind::Label => {
            annotation_box(place, area, words(font_px), theme.annotation, font_px, theme)
        }
        BoxKind::Candidate { class, look } => {
            let said = (words(font_px * 2.0), look);
            candidate_box(place, area, said, class_colour(class, theme), font_px, theme)
        }
    })
}

/// The time axis with its title in the middle, below the labels.
fn time_scale(spec: &FigureSpec<'_>, layout: &Layout, style: &AxisStyle) -> Vec<Item> {
    let axis = TimeAxis {
        positions: spec.places.clone(),
        sample_rate_hz: spec.sample_rate_hz,
        labels: spec.labels.clone(),
    };
    let ticks =
        folded_time_ticks(&axis, spec.fold, layout.plot.w, spec.font_px, layout.overhang_px);
    let title = format!("Time ({})", ticks.unit);
    let ticks = Ticks { unit: String::new(), ..ticks };
    let mut items = time_axis(&ticks, layout.plot, layout.overhang_px, style);
    items.extend(axis_breaks(spec.fold, &spec.places, layout.plot, &spec.theme));
    let at = (layout.plot.x + layout.plot.w / 2.0, spec.height - spec.font_px * 0.9);
    items.push(Item::text(at, title, spec.font_px, Anchor::Middle, spec.theme.text));
    items
}

fn spectrogram(spec: &FigureSpec<'_>, area: Area, source: &dyn ColumnSource) -> Pixels {
    let pixels = |length: f64| (length * spec.pixel_ratio).round().max(1.0) as usize;
    let (width, height) = (pixels(area.w), pixels(area.h));
    let mut rgba = vec![0; width * height * 4];
    let picture = RasterSpec {
        width,
        height,
        positions: spec.places.clone(),
        scale: spec.scale,
        floor_db: spec.range_db.0 as f32,
        ceiling_db: spec.range_db.1 as f32,
        calibration: spec.calibration,
        map: spec.map,
        flatten: spec.flatten,
        statistic: spec.statistic,
        theme: spec.theme,
    };
    raster(&picture, source, &mut rgba);
    Pixels { width: width as u32, height: height as u32, rgba }
}

/// A text that is cut with an ellipsis where there is no room for all of it.
fn fitted(text: &str, size: f64, weight: Weight, room_px: f64) -> String {
    if text_width(text, size, weight) <= room_px {
        return text.to_owned();
    }
    let mut cut = text.to_owned();
    while cut.pop().is_some() {
        let shorter = format!("{}…", cut.trim_end());
        if text_width(&shorter, size, weight) <= room_px {
            return shorter;
        }
    }
    String::new()
}
