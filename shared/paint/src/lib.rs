//! What a picture of sound looks like: power to colours, axes and ticks, boxes, whole figures.
//!
//! Two things come out of this crate. [`raster`] turns columns of power into pixels, and everything
//! around them is a [`Scene`]: a list of rectangles, lines and texts that the page draws on a canvas
//! and the feature `export` writes as SVG and PNG. A picture made by the server looks like the
//! screen because the same code painted it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod colour;
pub mod column;
#[cfg(feature = "export")]
pub mod export;
pub mod figure;
pub mod folded;
pub mod grid;
pub mod parts;
pub mod raster;
pub mod scene;
pub mod svg;
pub mod text;
pub mod theme;
pub mod ticks;

pub use colour::{Colour, Lut};
pub use column::{Column, ColumnSource, Found};
pub use figure::{BoxKind, FigureBox, FigureSpec, figure};
pub use folded::Folded;
pub use grid::{GridSource, Grids};
pub use parts::Plot;
pub use raster::{Flatten, RasterSpec, raster};
pub use scene::{Anchor, Area, Item, Pixels, Scene, Stroke, Weight};
pub use spyhop_signal::spectrum::scale::FrequencyScale;
pub use theme::Theme;
pub use ticks::{
    Tick, Ticks, TimeAxis, TimeLabels, folded_time_ticks, frequency_ticks, label_centre_px,
    level_ticks, time_ticks,
};
