//! Ticks of a frequency axis, linear, logarithmic or mel.

use spyhop_api::view::FrequencyAxis;
use spyhop_signal::spectrum::scale::FrequencyScale;

use super::{Tick, Ticks, decimal_step, decimals, number, range_step};

/// From this upper end on an axis is marked in kilohertz.
const KILOHERTZ_FROM_HZ: f64 = 5000.0;

/// Least distance between two labels, in font sizes.
const LABEL_DISTANCE: f64 = 2.0;

/// Least distance between two fine ticks, CSS pixels.
const FINE_DISTANCE_PX: f64 = 4.0;

/// Ticks of a frequency axis that is `length_px` long, for labels of `font_px` beside it.
pub fn frequency_ticks(scale: &FrequencyScale, length_px: f64, font_px: f64) -> Ticks {
    let kilo = scale.high_hz() >= KILOHERTZ_FROM_HZ;
    let axis = Axis { scale, length_px, apart: font_px * LABEL_DISTANCE, kilo };
    let mut values = axis.even();
    if scale.axis() != FrequencyAxis::Linear {
        // What leaves the least of the axis unmarked.
        for other in [axis.decades(&[1.0, 2.0, 5.0]), axis.decades(&[1.0])] {
            if axis.bare(&other) < axis.bare(&values) - 1e-6 {
                values = other;
            }
        }
    }
    Ticks {
        ticks: axis.with_fine(values),
        unit: if kilo { "kHz".into() } else { "Hz".into() },
        context: String::new(),
    }
}

struct Axis<'a> {
    scale: &'a FrequencyScale,
    length_px: f64,
    /// Least distance between labels, CSS pixels.
    apart: f64,
    kilo: bool,
}

impl Axis<'_> {
    fn px(&self, hz: f64) -> f64 {
        self.scale.to_unit(hz) * self.length_px
    }

    fn inside(&self, hz: f64) -> bool {
        (-1e-9..=1.0 + 1e-9).contains(&self.scale.to_unit(hz))
    }

    /// Multiples of the finest decimal step whose labels stand apart everywhere, and the step.
    fn even(&self) -> Marks {
        let (low, high) = (self.scale.low_hz(), self.scale.high_hz());
        let range = high - low;
        let (mut step, mut fine) = range_step(range, range * self.apart / self.length_px);
        let mut closer: Option<Marks> = None;
        loop {
            let hz: Vec<f64> = ((low / step).ceil() as i64..=(high / step).floor() as i64)
                .take(10_000)
                .map(|i| i as f64 * step)
                .filter(|hz| self.inside(*hz))
                .collect();
            let marks = Marks { hz, fine: Fine::Even(step / fine as f64), step };
            if marks.hz.len() < 2 {
                // Two that may stand close say more than one.
                return closer.map_or(marks, Marks::ends);
            }
            let (next, next_fine) = decimal_step(step * 1.01);
            let linear = self.scale.axis() == FrequencyAxis::Linear;
            if self.stand_apart(&marks.hz) || (linear && next > range / 2.0) {
                return marks;
            }
            closer = Some(marks);
            (step, fine) = (next, next_fine);
        }
    }

    fn stand_apart(&self, hz: &[f64]) -> bool {
        hz.windows(2).all(|p| self.px(p[1]) - self.px(p[0]) >= self.apart)
    }

    /// The given multiples of powers of ten; none where their labels would collide.
    fn decades(&self, multiples: &[f64]) -> Marks {
        let first = self.scale.low_hz().max(1e-3).log10().floor() as i32;
        let last = self.scale.high_hz().max(1e-3).log10().ceil() as i32;
        let hz: Vec<f64> = (first..=last)
            .flat_map(|e| multiples.iter().map(move |m| m * 10f64.powi(e)))
            .filter(|hz| self.inside(*hz))
            .collect();
        let hz = if self.stand_apart(&hz) { hz } else { Vec::new() };
        Marks { hz, fine: Fine::Decades, step: 0.0 }
    }

    /// The longest stretch without a label, CSS pixels; all of it with fewer than two.
    fn bare(&self, marks: &Marks) -> f64 {
        if marks.hz.len() < 2 {
            return f64::INFINITY;
        }
        let mut edges = vec![0.0];
        edges.extend(marks.hz.iter().map(|hz| self.px(*hz)));
        edges.push(self.length_px);
        edges.windows(2).map(|p| p[1] - p[0]).fold(0.0, f64::max)
    }

    fn with_fine(&self, marks: Marks) -> Vec<Tick> {
        let (low, high) = (self.scale.low_hz(), self.scale.high_hz());
        let fine: Vec<f64> = match marks.fine {
            Fine::Even(step) => ((low / step).ceil() as i64..=(high / step).floor() as i64)
                .take(20_000)
                .map(|i| i as f64 * step)
                .collect(),
            Fine::Decades => {
                let first = low.max(1e-3).log10().floor() as i32;
                let last = high.max(1e-3).log10().ceil() as i32;
                (first..=last)
                    .flat_map(|e| (1..10).map(move |m| f64::from(m) * 10f64.powi(e)))
                    .collect()
            }
        };
        let mut ticks: Vec<(f64, Tick)> =
            marks.hz.iter().map(|hz| (*hz, self.tick(*hz, self.label(*hz, marks.step)))).collect();
        let taken: Vec<f64> = marks.hz.iter().map(|hz| self.px(*hz)).collect();
        let mut before = f64::NEG_INFINITY;
        for hz in fine.into_iter().filter(|hz| self.inside(*hz)) {
            let px = self.px(hz);
            let free = taken.iter().all(|t| (t - px).abs() >= FINE_DISTANCE_PX * 0.75);
            if free && px - before >= FINE_DISTANCE_PX {
                ticks.push((hz, self.tick(hz, String::new())));
                before = px;
            }
        }
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        ticks.into_iter().map(|(_, tick)| tick).collect()
    }

    fn tick(&self, hz: f64, label: String) -> Tick {
        Tick::new(self.scale.to_unit(hz).clamp(0.0, 1.0), label)
    }

    fn label(&self, hz: f64, step: f64) -> String {
        let unit = if self.kilo { 1000.0 } else { 1.0 };
        if step > 0.0 {
            number(hz / unit, decimals(step / unit))
        } else {
            // Multiples of powers of ten: as many decimals as the value itself needs.
            number(hz / unit, if hz < unit { decimals(hz / unit) } else { 0 })
        }
    }
}

struct Marks {
    hz: Vec<f64>,
    fine: Fine,
    /// Step in hertz, 0 where there is none.
    step: f64,
}

impl Marks {
    /// Only the first and the last of them.
    fn ends(mut self) -> Marks {
        self.hz.drain(1..self.hz.len() - 1);
        self
    }
}

enum Fine {
    /// Every so many hertz.
    Even(f64),
    /// 1 to 9 times powers of ten.
    Decades,
}
