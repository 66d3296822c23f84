//! Where the waveform and the picture lie under the pointer.

use std::ops::Range;

use spyhop_paint::scene::Area;
use web_sys::HtmlCanvasElement;

use crate::frame::Frame;

/// Sizes in CSS pixels; the origin is the top left corner of the overlay, which covers both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    pub width: f64,
    pub height: f64,
    pub wave_height: f64,
    pub picture_top: f64,
    pub picture_height: f64,
    left: f64,
    top: f64,
}

impl Layout {
    /// Measures what is on the page; `None` while it has no size.
    pub fn of(
        overlay: &HtmlCanvasElement,
        waveform: &HtmlCanvasElement,
        spectrogram: &HtmlCanvasElement,
    ) -> Option<Layout> {
        let all = overlay.get_bounding_client_rect();
        let wave = waveform.get_bounding_client_rect();
        let picture = spectrogram.get_bounding_client_rect();
        let layout = Layout {
            width: all.width(),
            height: all.height(),
            wave_height: wave.height(),
            picture_top: picture.top() - all.top(),
            picture_height: picture.height(),
            left: all.left(),
            top: all.top(),
        };
        (layout.width >= 1.0 && layout.picture_height >= 1.0).then_some(layout)
    }

    /// The same on a surface where everything is drawn so many times as large.
    pub fn enlarged(self, by: f64) -> Layout {
        Layout {
            width: self.width / by,
            height: self.height / by,
            wave_height: self.wave_height / by,
            picture_top: self.picture_top / by,
            picture_height: self.picture_height / by,
            ..self
        }
    }

    /// All of the overlay.
    pub fn all(&self) -> Area {
        Area::new(0.0, 0.0, self.width, self.height)
    }

    /// The picture on the overlay.
    pub fn picture(&self) -> Area {
        Area::new(0.0, self.picture_top, self.width, self.picture_height)
    }

    /// Where a box of positions on the line and of a band, from its lower edge to the upper, lies on the
    /// overlay, no smaller than so many pixels; `None` beside the picture.
    pub fn box_area(
        &self,
        frame: &Frame,
        positions: &Range<f64>,
        (low_hz, high_hz): (f64, f64),
        least_px: f64,
    ) -> Option<Area> {
        let x = |position| frame.x_of(position) * self.width;
        let (left, right) = (x(positions.start), x(positions.end));
        if right < 0.0 || left > self.width {
            return None;
        }
        let y = |hz: f64| self.picture_top + frame.y_of(hz).clamp(-1.0, 2.0) * self.picture_height;
        let (top, bottom) = (y(high_hz), y(low_hz));
        // Far beyond the edges a canvas loses its precision.
        let (left, right) = (left.max(-1e4), right.min(self.width + 1e4));
        Some(Area::new(left, top, (right - left).max(least_px), (bottom - top).max(least_px)))
    }

    /// A place on the overlay.
    pub fn local(&self, client_x: i32, client_y: i32) -> (f64, f64) {
        (f64::from(client_x) - self.left, f64::from(client_y) - self.top)
    }

    /// How far down the picture a place is, 0 to 1; `None` above it, on the waveform.
    pub fn picture_fraction(&self, y: f64) -> Option<f64> {
        (y >= self.picture_top).then(|| self.picture_fraction_clamped(y))
    }

    /// The same, with what is above or below the picture put on its edge.
    pub fn picture_fraction_clamped(&self, y: f64) -> f64 {
        ((y - self.picture_top) / self.picture_height).clamp(0.0, 1.0)
    }
}
