//! Where the waveform and the picture lie under the pointer.

use web_sys::HtmlCanvasElement;

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
