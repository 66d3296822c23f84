//! What part of time and frequency the picture shows, and how gestures change it.
//!
//! A [`View`] keeps moments and hertz; a picture needs positions on the line and a band with both
//! ends. A [`Frame`] is that: made from a view, changed by gestures, written back to the view.

use std::ops::Range;
use std::sync::Arc;

use spyhop_api::view::{FrequencyAxis, Selection, View};
use spyhop_api::{Moment, Timestamp};
use spyhop_paint::FrequencyScale;
use spyhop_signal::{Fold, Line};

/// Fewest samples that a picture is wide.
const MIN_SPAN_SAMPLES: f64 = 8.0;
/// Smallest part of the whole band that a picture is high.
const MIN_BAND_PART: f64 = 1.0 / 400.0;

/// What a picture shows of a line, and its band.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Places from the left edge to the right, in samples: positions on the line, less the gaps that
    /// are folded away.
    pub places: Range<f64>,
    /// Lower and upper edge, Hz.
    pub band_hz: (f64, f64),
    /// How frequency maps to height.
    pub axis: FrequencyAxis,
    /// One past the last place.
    pub end: f64,
    /// Half of the sampling rate, Hz.
    pub nyquist_hz: f64,
    /// Which gaps are folded away.
    pub fold: Arc<Fold>,
}

impl Frame {
    /// The frame of a view on a line with folds.
    pub fn of(view: &View, line: &Line, fold: Arc<Fold>) -> Frame {
        let end = fold.place_of(line.end() as f64).max(1.0);
        let nyquist_hz = line.sample_rate_hz / 2.0;
        let start = view.start.map_or(0.0, |m| fold.place_of(position_of(m, line)));
        let span = view.span_ns.map_or(end, |ns| ns as f64 * 1e-9 * line.sample_rate_hz);
        let mut frame = Frame {
            places: start..start + span.max(MIN_SPAN_SAMPLES),
            // A band of which the recording holds nothing is that of another one.
            band_hz: view.band_hz.filter(|b| b.0 < nyquist_hz).unwrap_or((0.0, nyquist_hz)),
            axis: view.frequency_axis,
            end,
            nyquist_hz,
            fold,
        };
        frame.keep_inside();
        frame
    }

    /// Writes the frame into a view; what is all of it stays unsaid.
    pub fn write_to(&self, view: &mut View, line: &Line) {
        let whole_time = self.places.start <= 0.0 && self.places.end >= self.end;
        view.start = (!whole_time).then(|| moment_of(self.positions().start, line));
        view.span_ns = (!whole_time).then(|| nanos(self.span(), line).max(1));
        // What was zoomed in by rounded edges and out again ends a hair beside the whole band.
        let hair = self.nyquist_hz * 2e-5;
        let whole_band = self.band_hz.0 <= hair && self.band_hz.1 >= self.nyquist_hz - hair;
        view.band_hz = (!whole_band).then(|| (tidy_hz(self.band_hz.0), tidy_hz(self.band_hz.1)));
    }

    /// Width in samples, without what is folded away.
    pub fn span(&self) -> f64 {
        self.places.end - self.places.start
    }

    /// Positions on the line from the left edge to the right.
    pub fn positions(&self) -> Range<f64> {
        self.fold.position_at(self.places.start)..self.fold.end_at(self.places.end)
    }

    /// Moves so that a position is in the middle.
    pub fn go_to(&mut self, position: f64) {
        let by = self.fold.place_of(position) - self.place_at(0.5);
        self.pan(by / self.span(), 0.0);
    }

    /// The frequency scale from the lower edge (0) to the upper (1).
    pub fn scale(&self) -> FrequencyScale {
        FrequencyScale::new(self.axis, self.band_hz.0, self.band_hz.1)
    }

    /// Place at a fraction of the width.
    pub fn place_at(&self, x: f64) -> f64 {
        self.places.start + x * self.span()
    }

    /// Position on the line at a fraction of the width.
    pub fn position_at(&self, x: f64) -> f64 {
        self.fold.position_at(self.place_at(x))
    }

    /// Fraction of the width at a position.
    pub fn x_of(&self, position: f64) -> f64 {
        (self.fold.place_of(position) - self.places.start) / self.span()
    }

    /// Fraction of everything at a position.
    pub fn whole_x_of(&self, position: f64) -> f64 {
        self.fold.place_of(position) / self.end
    }

    /// Frequency at a fraction of the height, from the top.
    pub fn hz_at(&self, y: f64) -> f64 {
        self.scale().to_hz(1.0 - y)
    }

    /// Fraction of the height, from the top, of a frequency.
    pub fn y_of(&self, hz: f64) -> f64 {
        1.0 - self.scale().to_unit(hz)
    }

    /// Moves by fractions of width and height (positive: later, higher).
    pub fn pan(&mut self, dx: f64, dy: f64) {
        let by = (dx * self.span()).clamp(-self.places.start, self.end - self.places.end);
        self.places = self.places.start + by..self.places.end + by;
        if dy != 0.0 {
            let (whole, low, high) = self.band_on_whole();
            let by = (dy * (high - low)).clamp(-low, 1.0 - high);
            self.set_band(&whole, low + by, high + by);
        }
        self.keep_inside();
    }

    /// Moves so that a position is at the left edge.
    pub fn begin_at(&mut self, position: f64) {
        let by = self.fold.place_of(position) - self.places.start;
        self.pan(by / self.span(), 0.0);
    }

    /// Zooms time so that the place at fraction `x` stays where it is; `factor` below 1 zooms in.
    pub fn zoom_time(&mut self, x: f64, factor: f64) {
        let span = (self.span() * factor).clamp(MIN_SPAN_SAMPLES.min(self.end), self.end);
        let start = self.place_at(x) - x * span;
        let start = start.clamp(0.0, (self.end - span).max(0.0));
        self.places = start..start + span;
        self.keep_inside();
    }

    /// Zooms frequency so that what is at fraction `y` from the top stays where it is.
    pub fn zoom_band(&mut self, y: f64, factor: f64) {
        let (whole, low, high) = self.band_on_whole();
        let height = ((high - low) * factor).clamp(MIN_BAND_PART, 1.0);
        let up = 1.0 - y;
        let new_low = (low + up * (high - low) - up * height).clamp(0.0, 1.0 - height);
        self.set_band(&whole, new_low, new_low + height);
        self.keep_inside();
    }

    /// All of time and frequency.
    pub fn fit_all(&mut self) {
        self.places = 0.0..self.end;
        self.band_hz = (0.0, self.nyquist_hz);
    }

    /// Shows a stretch of places, as much of it as there is.
    pub fn show(&mut self, places: Range<f64>) {
        self.places = places;
        self.keep_inside();
    }

    /// A box on the line with a margin around it.
    pub fn fit(&mut self, positions: &Range<f64>, band_hz: (f64, f64)) {
        let (start, end) = (self.fold.place_of(positions.start), self.fold.place_of(positions.end));
        let margin = (end - start).max(MIN_SPAN_SAMPLES) * 0.1;
        self.places = start - margin..end + margin;
        let margin = (band_hz.1 - band_hz.0) * 0.1;
        self.band_hz = ((band_hz.0 - margin).max(0.0), band_hz.1 + margin);
        self.keep_inside();
    }

    /// The scale of the whole band and where on it the shown band lies.
    fn band_on_whole(&self) -> (FrequencyScale, f64, f64) {
        let whole = FrequencyScale::new(self.axis, 0.0, self.nyquist_hz);
        // A logarithmic axis has no place for 0 Hz: what is below it counts as its end.
        let low = whole.to_unit(self.band_hz.0).clamp(0.0, 1.0);
        let high = whole.to_unit(self.band_hz.1).clamp(low, 1.0);
        (whole, low, high)
    }

    fn set_band(&mut self, whole: &FrequencyScale, low: f64, high: f64) {
        let low_hz = if low <= 1e-9 { 0.0 } else { whole.to_hz(low) };
        let high_hz = if high >= 1.0 - 1e-9 { self.nyquist_hz } else { whole.to_hz(high) };
        self.band_hz = (low_hz, high_hz);
    }

    /// Moves (and where it must, narrows) the frame into what there is.
    fn keep_inside(&mut self) {
        let span = self.span().clamp(MIN_SPAN_SAMPLES.min(self.end), self.end);
        let start = self.places.start.clamp(0.0, self.end - span);
        let start = if start.is_finite() { start } else { 0.0 };
        self.places = start..start + span;
        let (low, high) = self.band_hz;
        let high = high.clamp(self.nyquist_hz * MIN_BAND_PART, self.nyquist_hz);
        let low = low.clamp(0.0, high - self.nyquist_hz * MIN_BAND_PART * 0.1);
        self.band_hz = (low.max(0.0), high);
    }
}

/// Pixels that a stretch of the line would be wide if its folds were open, each as large as it is where
/// `places` are `width_px` wide: by them the engine knows how fine its columns should be.
pub fn folded_width(width_px: f64, frame: &Frame, places: &Range<f64>) -> u32 {
    let positions = frame.fold.end_at(places.end) - frame.fold.position_at(places.start);
    (width_px * (positions / (places.end - places.start)).max(1.0)) as u32
}

/// Position on the line of a moment, in samples.
pub fn position_of(moment: Moment, line: &Line) -> f64 {
    line_ns(moment, line.origin) as f64 * 1e-9 * line.sample_rate_hz
}

/// Nanoseconds from the first sample of a line, which was taken at `origin`, to a moment.
pub fn line_ns(moment: Moment, origin: Option<Timestamp>) -> i64 {
    match (moment, origin) {
        (Moment::Clock(t), Some(origin)) => t.0.saturating_sub(origin.0),
        (Moment::Clock(_), None) => 0,
        (Moment::Elapsed(ns), _) => ns,
    }
}

/// The moment at a position: on the clock where the line is dated.
pub fn moment_of(position: f64, line: &Line) -> Moment {
    let nanos = nanos(position, line);
    match line.origin {
        Some(origin) => Moment::Clock(Timestamp(origin.0.saturating_add(nanos))),
        None => Moment::Elapsed(nanos),
    }
}

/// Nanoseconds of a number of samples.
pub fn nanos(samples: f64, line: &Line) -> i64 {
    (samples / line.sample_rate_hz * 1e9).round() as i64
}

/// A selection's positions on the line.
pub fn selection_positions(selection: &Selection, line: &Line) -> Range<f64> {
    let start = position_of(selection.start, line);
    start..start + selection.span_ns as f64 * 1e-9 * line.sample_rate_hz
}

/// The selection of a box, its edges put on whole samples and inside what there is.
pub fn selection_of(positions: Range<f64>, band_hz: (f64, f64), line: &Line) -> Selection {
    let end = line.end() as f64;
    let (a, b) = (positions.start.min(positions.end), positions.start.max(positions.end));
    let start = a.round().clamp(0.0, end - 1.0);
    let stop = b.round().clamp(start + 1.0, end);
    let nyquist = line.sample_rate_hz / 2.0;
    let low = band_hz.0.min(band_hz.1).clamp(0.0, nyquist);
    let high = band_hz.0.max(band_hz.1).clamp(low + nyquist * 1e-4, nyquist * 1.0001);
    let moment = match line.origin {
        Some(origin) => {
            Moment::Clock(Timestamp(origin.0.saturating_add(line.nanos_at(start as i64))))
        }
        None => Moment::Elapsed(line.nanos_at(start as i64)),
    };
    Selection {
        start: moment,
        span_ns: line.nanos_at(stop as i64) - line.nanos_at(start as i64),
        band_hz: (tidy_hz(low), tidy_hz(high.min(nyquist))),
    }
}

/// Hertz to a thousandth of themselves, so that links stay short.
fn tidy_hz(hz: f64) -> f64 {
    if hz <= 0.0 {
        return 0.0;
    }
    let unit = 10f64.powf((hz.log10() - 5.0).floor());
    let rounded = (hz / unit).round() * unit;
    // Dividing by a whole number gives the shortest decimal where multiplying by 0.01 would not.
    if unit < 1.0 { (rounded / unit).round() / (1.0 / unit).round() } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::line::Run;

    fn line() -> Line {
        let run = Run { position: 0, frames: 192_000, recording: 0, first_frame: 0 };
        Line { sample_rate_hz: 192_000.0, origin: Some(Timestamp(1_000)), runs: vec![run] }
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let line = line();
        let mut frame = Frame::of(&View::default(), &line, Arc::default());
        let (at, hz) = (frame.position_at(0.3), frame.hz_at(0.25));
        frame.zoom_time(0.3, 0.1);
        frame.zoom_band(0.25, 0.5);
        assert!((frame.position_at(0.3) - at).abs() < 1e-6);
        assert!((frame.hz_at(0.25) - hz).abs() < 1e-6);
    }

    #[test]
    fn a_frame_comes_back_from_its_view() {
        let line = line();
        let mut frame = Frame::of(&View::default(), &line, Arc::default());
        frame.zoom_time(0.5, 0.001);
        frame.zoom_band(0.5, 0.25);
        let mut view = View::default();
        frame.write_to(&mut view, &line);
        let back = Frame::of(&view, &line, Arc::default());
        assert!((back.places.start - frame.places.start).abs() < 1e-3);
        assert!((back.span() - frame.span()).abs() < 1e-3);
        assert!((back.band_hz.0 - frame.band_hz.0).abs() < 1.0);
    }

    #[test]
    fn the_whole_recording_leaves_time_and_band_unsaid() {
        let line = line();
        let mut view = View { span_ns: Some(5), band_hz: Some((1.0, 2.0)), ..View::default() };
        let mut frame = Frame::of(&view, &line, Arc::default());
        frame.fit_all();
        frame.write_to(&mut view, &line);
        assert_eq!((view.start, view.span_ns, view.band_hz), (None, None, None));
    }

    #[test]
    fn a_band_beyond_what_was_recorded_is_passed_over() {
        let view = View { band_hz: Some((100_000.0, 180_000.0)), ..View::default() };
        let frame = Frame::of(&view, &line(), Arc::default());
        assert_eq!(frame.band_hz, (0.0, 96_000.0));
    }

    #[test]
    fn panning_stops_at_both_ends() {
        let mut frame = Frame::of(&View::default(), &line(), Arc::default());
        frame.zoom_time(0.5, 0.5);
        frame.pan(100.0, 0.0);
        assert_eq!(frame.places, 96_000.0..192_000.0);
        frame.pan(-100.0, 0.0);
        assert_eq!(frame.places, 0.0..96_000.0);
    }

    #[test]
    fn with_gaps_folded_away_the_clock_stays_right() {
        let run = |position| Run { position, frames: 192_000, recording: 0, first_frame: 0 };
        let hour = 3600 * 192_000;
        let line = Line {
            sample_rate_hz: 192_000.0,
            origin: Some(Timestamp(0)),
            runs: vec![run(0), run(hour)],
        };
        let mut frame = Frame::of(&View::default(), &line, Arc::new(Fold::of(&line)));
        assert_eq!((frame.end, frame.positions()), (384_000.0, 0.0..(hour + 192_000) as f64));
        frame.zoom_time(1.0, 0.25);
        assert_eq!(frame.positions().start, (hour + 96_000) as f64);
        let mut view = View::default();
        frame.write_to(&mut view, &line);
        assert_eq!(view.start, Some(Moment::Clock(Timestamp(3_600_500_000_000))));
        assert_eq!(view.span_ns, Some(500_000_000));
        assert_eq!(Frame::of(&view, &line, frame.fold.clone()), frame);
        frame.go_to(0.0);
        assert_eq!(frame.places.start, 0.0);
    }

    #[test]
    fn a_selection_stands_on_whole_samples() {
        let line = line();
        let selection = selection_of(200.4..100.2, (9000.0, 3000.0), &line);
        assert_eq!(selection_positions(&selection, &line).start.round(), 100.0);
        assert_eq!(selection.band_hz, (3000.0, 9000.0));
    }
}
