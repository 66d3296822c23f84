//! Labels and candidates that lie over a view: the page draws boxes of them, and so do its pictures.

use spyhop_api::annotation::SharedAnnotation;
use spyhop_api::detection::DetectedCall;
use spyhop_paint::{BoxKind, FigureBox};

use super::{Viewed, position_of};

/// What is said of what a view shows.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// People's labels.
    pub labels: Vec<SharedAnnotation>,
    /// Names of the classes of the run that is shown, in its order.
    pub classes: Vec<String>,
    /// Its candidates that pass.
    pub calls: Vec<DetectedCall>,
}

impl Viewed {
    /// Lays labels and candidates over the view, the candidates on top.
    #[must_use]
    pub fn with_marks(mut self, marks: Marks) -> Viewed {
        let nyquist_hz = self.line.sample_rate_hz / 2.0;
        let positions = |start, span_ns: i64| {
            let start = position_of(start, &self.line);
            start..start + span_ns as f64 * 1e-9 * self.line.sample_rate_hz
        };
        let labels = marks.labels.into_iter().map(|label| FigureBox {
            positions: positions(label.content.start, label.content.span_ns),
            band_hz: (
                label.content.low_hz.unwrap_or(0.0),
                label.content.high_hz.unwrap_or(nyquist_hz),
            ),
            label: label.content.label,
            kind: BoxKind::Label,
        });
        let calls = marks.calls.into_iter().map(|call| FigureBox {
            positions: positions(call.start, call.span_ns),
            band_hz: (call.low_hz, call.high_hz),
            // What else is said of it the box shows.
            label: call.words(if call.review.label.is_empty() { "" } else { "→" }),
            kind: BoxKind::Candidate {
                class: marks.classes.iter().position(|name| *name == call.class).unwrap_or(0),
                look: call.review.verdict.into(),
            },
        });
        self.boxes = labels.chain(calls).collect();
        self
    }

    /// What changes where other labels or candidates come to lie over the view.
    pub fn marks_fingerprint(&self) -> String {
        if self.boxes.is_empty() {
            return String::new();
        }
        blake3::hash(format!("{:?}", self.boxes).as_bytes()).to_hex()[..16].to_owned()
    }
}
