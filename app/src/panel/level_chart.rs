//! The charts of the level panel, as a scene: for the panel itself, and as a file.

use spyhop_api::levels::Quantity;
use spyhop_api::view::FrequencyAxis;
use spyhop_paint::parts::{AxisStyle, Bar, Curve, LevelChart, Ribbon, level_chart};
use spyhop_paint::{
    Area, FrequencyScale, Item, Scene, Stroke, Theme, Ticks, TimeAxis, frequency_ticks, time_ticks,
};
use spyhop_signal::Fold;
use spyhop_words::panel::levels as words;

use crate::clock::Telling;
use crate::levels::{Levels, PERCENTS};

const FONT_PX: f64 = 11.0;
/// Room around the curves, CSS pixels: left, above, right, below.
const ROOM_PX: (f64, f64, f64, f64) = (38.0, 20.0, 10.0, 38.0);
/// Least and greatest range of levels that is drawn, dB.
const NARROWEST_DB: f64 = 20.0;
const WIDEST_DB: f64 = 100.0;
/// Levels of rows below this share of the shown band stand for DC: they must not set the range.
const DC_SHARE: f64 = 0.004;

/// Which chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Spectrum,
    Decidecades,
    OverTime,
}

/// What a chart is drawn of.
pub struct Chart<'a> {
    pub levels: &'a Levels,
    pub kind: Kind,
    pub calibrated: bool,
    /// The picture's frequency axis.
    pub scale: FrequencyScale,
    /// The places that the levels are of.
    pub places: std::ops::Range<f64>,
    pub fold: &'a Fold,
    pub telling: &'a Telling,
    pub theme: Theme,
}

impl Kind {
    /// All of them, with the words for a person and for a file's name.
    pub const ALL: [(Kind, &'static str, &'static str); 3] = [
        (Kind::Spectrum, words::SPECTRUM, "spectrum"),
        (Kind::Decidecades, words::THIRD_OCTAVES, "decidecades"),
        (Kind::OverTime, words::OVER_TIME, "over-time"),
    ];

    /// What its levels are of.
    pub fn quantity(self) -> Quantity {
        match self {
            Kind::Spectrum => Quantity::SpectralDensity,
            Kind::Decidecades => Quantity::DecidecadeBand,
            Kind::OverTime => Quantity::BandSoundPressure,
        }
    }
}

impl Chart<'_> {
    /// The chart on a ground of its own.
    pub fn scene(&self, width: f64, height: f64) -> Scene {
        let mut scene = Scene::new(width, height);
        let whole = Area::new(0.0, 0.0, width, height);
        scene.items.push(Item::fill(whole, self.theme.background));
        scene.items.extend(self.items(width, height));
        scene.title = self.kind.quantity().label(self.calibrated);
        scene
    }

    /// The chart.
    pub fn items(&self, width: f64, height: f64) -> Vec<Item> {
        let (left, above, right, below) = ROOM_PX;
        let plot = Area::new(left, above, width - left - right, height - above - below);
        let style = AxisStyle { theme: self.theme, font_px: FONT_PX, grid: true };
        let label = self.kind.quantity().unit(self.calibrated);
        let chart = match self.kind {
            Kind::Spectrum => self.spectrum(&plot, label),
            Kind::Decidecades => self.decidecades(&plot, label),
            Kind::OverTime => self.over_time(&plot, label),
        };
        level_chart(&chart.as_chart(), plot, &style)
    }

    fn spectrum(&self, plot: &Area, label: &'static str) -> Parts {
        let levels = self.levels;
        let at = |hz: f64| self.scale.to_unit(hz);
        let curve =
            |db: &[f64]| levels.hz.iter().map(|hz| at(*hz)).zip(db.iter().copied()).collect();
        let ribbon = |low: usize, high: usize, opacity: u8| Ribbon {
            points: (0..levels.hz.len())
                .map(|i| {
                    let of = |percent: usize| levels.percentiles_db[percent][i];
                    (at(levels.hz[i]), of(low), of(high))
                })
                .collect(),
            fill: self.theme.selection.with_alpha(opacity),
        };
        let shown = |i: usize| {
            let above_dc = levels.hz[i] > self.scale.high_hz() * DC_SHARE;
            above_dc && (0.0..=1.0).contains(&at(levels.hz[i]))
        };
        let inside = (0..levels.hz.len()).filter(|i| shown(*i));
        let ends = inside.flat_map(|i| {
            [
                levels.percentiles_db[0][i],
                levels.percentiles_db[PERCENTS.len() - 1][i],
                levels.mean_db[i],
            ]
        });
        Parts {
            range_db: range(ends),
            across: across(frequency_ticks(&self.scale, plot.w, FONT_PX * 2.0)),
            label,
            ribbons: vec![ribbon(0, 4, 46), ribbon(1, 3, 70)],
            bars: Vec::new(),
            curves: vec![
                Curve {
                    points: curve(&levels.percentiles_db[2]),
                    stroke: Stroke::solid(self.theme.selection, 1.2),
                },
                Curve {
                    points: curve(&levels.mean_db),
                    stroke: Stroke::solid(self.theme.wave_rms, 1.6),
                },
            ],
        }
    }

    fn decidecades(&self, plot: &Area, label: &'static str) -> Parts {
        let bands = &self.levels.bands;
        let (low, high) = match (bands.first(), bands.last()) {
            (Some((first, _)), Some((last, _))) => (first.low_hz, last.high_hz),
            _ => (10.0, 100.0),
        };
        let scale = FrequencyScale::new(FrequencyAxis::Log, low, high);
        let bar = |(band, level_db): &(spyhop_api::levels::Band, f64)| Bar {
            places: (scale.to_unit(band.low_hz), scale.to_unit(band.high_hz)),
            level_db: *level_db,
            fill: self.theme.wave_rms,
        };
        Parts {
            range_db: range(bands.iter().map(|(_, level)| *level)),
            across: across(frequency_ticks(&scale, plot.w, FONT_PX * 2.0)),
            label,
            ribbons: Vec::new(),
            bars: bands.iter().map(bar).collect(),
            curves: Vec::new(),
        }
    }

    fn over_time(&self, plot: &Area, label: &'static str) -> Parts {
        let wide = self.places.end - self.places.start;
        let points: Vec<(f64, f64)> = self
            .levels
            .over_time
            .iter()
            .map(|(place, level)| ((place - self.places.start) / wide, *level))
            .collect();
        let axis = TimeAxis {
            positions: self.fold.position_at(self.places.start)..self.fold.end_at(self.places.end),
            sample_rate_hz: self.telling.rate_hz,
            labels: self.telling.labels.clone(),
        };
        let folded = !self.fold.seams(&self.places).is_empty();
        let ticks = time_ticks(&axis, plot.w, FONT_PX, FONT_PX);
        Parts {
            range_db: range(points.iter().map(|(_, level)| *level)),
            // Folded time has no even ticks: the picture's own axis tells it.
            across: if folded { Ticks::default() } else { ticks },
            label,
            ribbons: Vec::new(),
            bars: Vec::new(),
            curves: vec![Curve { points, stroke: Stroke::solid(self.theme.wave_rms, 1.5) }],
        }
    }
}

/// What a chart consists of.
struct Parts {
    range_db: (f64, f64),
    across: Ticks,
    label: &'static str,
    ribbons: Vec<Ribbon>,
    bars: Vec<Bar>,
    curves: Vec<Curve>,
}

impl Parts {
    fn as_chart(&self) -> LevelChart<'_> {
        LevelChart {
            across: self.across.clone(),
            range_db: self.range_db,
            label: self.label,
            ribbons: &self.ribbons,
            bars: &self.bars,
            curves: &self.curves,
        }
    }
}

fn across(ticks: Ticks) -> Ticks {
    Ticks { context: String::new(), ..ticks }
}

/// A range that shows all levels, in steps of 5 dB.
fn range(levels: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = levels
        .filter(|l| l.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), l| (a.min(l), b.max(l)));
    if low > high {
        return (-NARROWEST_DB, 0.0);
    }
    let ceiling = (high / 5.0).ceil() * 5.0 + 5.0;
    let floor = ((low / 5.0).floor() * 5.0).clamp(ceiling - WIDEST_DB, ceiling - NARROWEST_DB);
    (floor, ceiling)
}
