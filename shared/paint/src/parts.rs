//! Parts of a picture as items of a scene: axes, waveform, gaps, boxes, marks, colour bar, slice.

mod axis;
mod bar;
mod boxes;
mod gap;
mod heard;
mod level_chart;
mod mark;
mod seam;
mod slice;
mod tag;
mod wave;

pub use axis::{AxisStyle, Side, frequency_axis, time_axis, value_axis, value_axis_width_px};
pub use bar::{BAR_PX, colour_bar, colour_bar_width_px, level_unit};
pub use boxes::{
    CandidateLook, Handle, annotation_box, candidate_box, class_colour, handle_at, handles,
    selection_box,
};
pub use gap::{gap, pending};
pub use heard::heard_axis;
pub use level_chart::{Bar, Curve, LevelChart, Ribbon, level_chart};
pub use mark::{brush, crosshair, cursor, playhead};
pub use seam::{axis_breaks, seam_lines};
pub use slice::{SlicePlot, slice_plot};
pub use tag::tag;
pub use wave::{WavePixel, wave_columns, wave_samples};

use std::ops::Range;

use spyhop_signal::spectrum::scale::FrequencyScale;

use crate::scene::Area;

/// A plot of time and frequency: where on the canvas a position and a frequency lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The canvas's part that it fills.
    pub area: Area,
    /// Positions on the line from the left edge to the right, samples.
    pub positions: Range<f64>,
    /// Frequency from the lower edge to the upper.
    pub scale: FrequencyScale,
}

impl Plot {
    /// Where a position lies, CSS pixels.
    pub fn x(&self, position: f64) -> f64 {
        let span = self.positions.end - self.positions.start;
        self.area.x + (position - self.positions.start) / span * self.area.w
    }

    /// Where a frequency in hertz lies, CSS pixels.
    pub fn y(&self, hz: f64) -> f64 {
        self.area.y + (1.0 - self.scale.to_unit(hz)) * self.area.h
    }

    /// The position at a place.
    pub fn position(&self, x: f64) -> f64 {
        let span = self.positions.end - self.positions.start;
        self.positions.start + (x - self.area.x) / self.area.w * span
    }

    /// The frequency in hertz at a place.
    pub fn hz(&self, y: f64) -> f64 {
        self.scale.to_hz(1.0 - (y - self.area.y) / self.area.h)
    }

    /// The area of a box of time and frequency, also beyond the plot's edges.
    pub fn area_of(&self, positions: Range<f64>, band_hz: (f64, f64)) -> Area {
        let (x, y) = (self.x(positions.start), self.y(band_hz.1));
        Area { x, y, w: self.x(positions.end) - x, h: self.y(band_hz.0) - y }
    }
}
