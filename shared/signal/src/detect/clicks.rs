//! Clicks, grouped into trains.
//!
//! A click is a burst of energy much shorter than anything else. The Teager–Kaiser operator,
//! Ψ[n] = x[n]² − x[n−1]·x[n+1], follows the energy of whatever oscillates within three samples (Kaiser,
//! *On a simple algorithm to calculate the "energy" of a signal*, 1990; for sperm whales Kandia and
//! Stylianou, *Detection of sperm whale clicks based on the Teager–Kaiser energy operator*, Appl. Acoust.
//! 67, 2006). What stands far over its median, and far over its own neighbourhood (a whistle does not),
//! is a click; clicks that follow each other are a train.

mod band;
mod peaks;
mod teager_kaiser;

use std::collections::VecDeque;

use band::BandPass;
use peaks::{Peak, Peaks};
use teager_kaiser::TeagerKaiser;

use super::curve::Curve;
use super::energy_band::energy_band;
use super::floor::{Floor, FloorSpec, quantile};
use super::grouping::{Grouping, Part};
use super::settings::ClickSettings;
use super::{Detector, Found, FoundCall, Train};
use crate::spectrum::SpecError;

/// The median is taken of about so many values a second.
const LOOKS_PER_S: f64 = 4000.0;
/// A cell of the curve.
const CELL_S: f64 = 0.1;
/// What no energy is taken for, dB.
const SILENCE_DB: f32 = -200.0;

/// The detector.
pub(super) struct ClickDetector {
    band: BandPass,
    energy: TeagerKaiser,
    peaks: Peaks,
    rest: Rest,
}

/// What is done with energies and their peaks.
struct Rest {
    settings: ClickSettings,
    rate_hz: f64,
    /// Every so many-th position is looked at for the median.
    stride: i64,
    floor: Floor,
    /// Peaks whose floor is not known yet.
    waiting: VecDeque<Peak>,
    grouping: Grouping<Clicks>,
    curve: Curve,
    /// Bins of a click's spectrum that lie in the band, and their width.
    bin_hz: f64,
    reach: i64,
}

/// Clicks that follow each other.
struct Clicks {
    positions: Vec<i64>,
    levels_db: Vec<f32>,
    /// Their energy, by bin.
    energy: Vec<f64>,
}

impl Part for Clicks {
    fn join(&mut self, later: Clicks) {
        self.positions.extend(later.positions);
        self.levels_db.extend(later.levels_db);
        self.energy.iter_mut().zip(later.energy).for_each(|(a, b)| *a += b);
    }
}

impl ClickDetector {
    /// For samples at a rate that holds its band.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub fn new(settings: &ClickSettings, rate_hz: f64) -> Result<ClickDetector, SpecError> {
        let samples = |seconds: f64| (seconds * rate_hz).round().max(1.0) as i64;
        let band = BandPass::new(settings.low_hz, settings.high_hz, rate_hz);
        let energy = TeagerKaiser::new(samples(settings.click_s) as usize);
        let refractory = samples(settings.refractory_s);
        let peaks = Peaks::new(refractory, samples(2.0 * settings.click_s), rate_hz)?;
        let stride = (rate_hz / LOOKS_PER_S).floor().max(1.0) as i64;
        let looks = |seconds: f64| (samples(seconds) / stride).max(1);
        let blocks = settings.noise.window_s / settings.noise.update_s.max(1e-3);
        let floor = FloorSpec {
            rows: 1,
            block: looks(settings.noise.update_s),
            side: ((blocks - 1.0) / 2.0).round().clamp(1.0, 1e4) as i64,
            share: (settings.noise.percentile / 100.0) as f32,
            stride: 1,
        };
        let gap = samples(settings.longest_interval_s);
        let grouping = Grouping::new(gap, samples(settings.longest_s));
        let reach = floor.reach() * stride
            + grouping.reach()
            + 2 * (refractory + peaks.width() + band.reach() + energy.reach());
        Ok(ClickDetector {
            rest: Rest {
                settings: *settings,
                rate_hz,
                stride,
                floor: Floor::new(floor),
                waiting: VecDeque::new(),
                grouping,
                curve: Curve::new(samples(CELL_S)),
                bin_hz: peaks.bin_hz(),
                reach,
            },
            band,
            energy,
            peaks,
        })
    }
}

impl Detector for ClickDetector {
    fn push(&mut self, position: i64, samples: &[f32], found: &mut Found) {
        let ClickDetector { band, energy, peaks, rest } = self;
        band.push(position, samples, &mut |position, filtered| {
            peaks.hear(position, filtered, &mut |peak| rest.waiting.push_back(peak));
            energy.push(position, filtered, &mut |position, energies| {
                // A peak is known a refractory time later, its floor later still.
                peaks.push(position, energies, &mut |peak| rest.waiting.push_back(peak));
                rest.look(position, energies, found);
            });
        });
    }

    fn finish(&mut self, found: &mut Found) {
        let ClickDetector { peaks, rest, band, energy } = self;
        peaks.finish(&mut |peak| rest.waiting.push_back(peak));
        band.finish();
        energy.finish();
        let mut floors = Vec::new();
        rest.floor.finish(&mut |look, _, floor| floors.push((look, floor[0])));
        floors.into_iter().for_each(|(look, floor)| rest.judge(look, floor, found));
        let Rest { grouping, settings, rate_hz, bin_hz, .. } = rest;
        let (rate_hz, bin_hz) = (*rate_hz, *bin_hz);
        grouping.finish(&mut |clicks| {
            found.calls.extend(train(clicks, settings, rate_hz, bin_hz));
        });
        rest.curve.finish(&mut found.scores);
    }

    fn reach_samples(&self) -> i64 {
        self.rest.reach
    }

    fn cell_samples(&self) -> i64 {
        self.rest.curve.cell()
    }
}

impl Rest {
    /// Takes energies in for the median.
    fn look(&mut self, position: i64, energies: &[f32], found: &mut Found) {
        let first = (-position).rem_euclid(self.stride);
        let mut floors = Vec::new();
        for at in (first..energies.len() as i64).step_by(self.stride as usize) {
            let mut row = self.floor.row();
            row[0] = in_db(energies[at as usize]);
            let look = (position + at).div_euclid(self.stride);
            self.floor.push(look, row, &mut |look, _, floor| floors.push((look, floor[0])));
        }
        floors.into_iter().for_each(|(look, floor)| self.judge(look, floor, found));
    }

    /// Decides about the peaks up to a look, whose floor is now known.
    fn judge(&mut self, look: i64, floor_db: f32, found: &mut Found) {
        while self.waiting.front().is_some_and(|peak| peak.position < (look + 1) * self.stride) {
            let Some(peak) = self.waiting.pop_front() else { break };
            let level_db = in_db(peak.energy) - floor_db;
            self.curve.add(peak.position, level_db, &mut found.scores);
            let settings = &self.settings;
            let means_hz = settings.lowest_mean_hz..=settings.highest_mean_hz;
            let is_click = f64::from(level_db) >= settings.click_db
                && f64::from(peak.crest_db) >= settings.crest_db
                && means_hz.contains(&mean_hz(&peak.spectrum, self.bin_hz));
            if is_click {
                let at = peak.position..peak.position + 1;
                let click = Clicks {
                    positions: vec![peak.position],
                    levels_db: vec![level_db],
                    energy: peak.spectrum,
                };
                let Rest { grouping, settings, rate_hz, bin_hz, .. } = self;
                grouping.add(at, click, &mut |clicks| {
                    found.calls.extend(train(clicks, settings, *rate_hz, *bin_hz));
                });
            }
        }
    }
}

/// The train that clicks are, if they are one.
fn train(
    mut clicks: Clicks,
    settings: &ClickSettings,
    rate_hz: f64,
    bin_hz: f64,
) -> Option<FoundCall> {
    let count = clicks.positions.len();
    let (first, last) = (*clicks.positions.first()?, *clicks.positions.last()?);
    let mut intervals: Vec<f32> = clicks
        .positions
        .windows(2)
        .map(|pair| ((pair[1] - pair[0]) as f64 / rate_hz) as f32)
        .collect();
    let interval_s = if intervals.is_empty() { 0.0 } else { quantile(&mut intervals, 0.5) };
    let score = quantile(&mut clicks.levels_db, 0.5);
    let is_train =
        count >= settings.least_clicks as usize && f64::from(score) >= settings.keep_from;
    let click = (settings.click_s * rate_hz).round().max(1.0) as i64;
    is_train.then(|| FoundCall {
        span: first..last + click,
        band_hz: energy_band(
            &clicks.energy,
            0,
            bin_hz,
            (settings.low_hz, settings.high_hz.min(rate_hz / 2.0)),
        ),
        score,
        train: Some(Train { clicks: u32::try_from(count).unwrap_or(u32::MAX), interval_s }),
    })
}

/// The mean frequency of a spectrum; no number where it is empty.
fn mean_hz(spectrum: &[f64], bin_hz: f64) -> f64 {
    let total: f64 = spectrum.iter().sum();
    let weighted = spectrum.iter().enumerate().map(|(bin, power)| bin as f64 * power);
    weighted.sum::<f64>() / total * bin_hz
}

fn in_db(energy: f32) -> f32 {
    // The operator may be negative where nothing oscillates.
    if energy > 0.0 { (10.0 * energy.log10()).max(SILENCE_DB) } else { SILENCE_DB }
}
