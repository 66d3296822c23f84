//! The noise of the sea: wind, distant shipping and what the instrument adds.
//!
//! Two models: one of wind and shipping after the curves of Wenz (1962) and Knudsen (1948), and one
//! that follows levels measured on Stellwagen Bank in March 2009.

use std::ops::Range;

use super::chance::{Seed, Wander, interpolate};
use super::level::power_db;
use super::noise::{Noise, Spectrum};
use super::stretch::{Source, Stretch};

/// Wind and shipping over a flat instrument floor.
pub struct OpenSea {
    /// Distant shipping, from 0 to 1.
    pub shipping: f64,
    /// Least and greatest wind, m/s.
    pub wind_m_s: (f64, f64),
    /// What the wind does between them.
    pub weather: Wander,
    /// Density of the instrument's own noise, dB re 1 µPa²/Hz.
    pub floor_db: f64,
}

/// Below this the instrument's high-pass filter (second order) takes the sea away.
const OPEN_SEA_HIGH_PASS_HZ: f64 = 3.0;

impl OpenSea {
    /// Wind at a time, m/s.
    pub fn wind_at(&self, time_s: f64) -> f64 {
        let (low, high) = self.wind_m_s;
        // Two standard deviations of the weather reach the least and the greatest wind.
        (low + (high - low) * (0.5 + self.weather.at(time_s) / 4.0)).clamp(low, high)
    }

    /// The density in dB re 1 µPa²/Hz that this wind and shipping give: turbulence, shipping, wind
    /// and thermal noise, powers added.
    #[cfg(test)]
    pub fn model_db(hz: f64, shipping: f64, wind_m_s: f64) -> f64 {
        let [turbulence, ships, wind, thermal] = components(hz);
        power_db(
            turbulence
                + ships * ten(20.0 * (shipping - 0.5))
                + wind * ten(7.5 * wind_m_s.sqrt())
                + thermal,
        )
    }
}

fn ten(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// The four terms at shipping 0.5 and no wind, µPa²/Hz.
fn components(hz: f64) -> [f64; 4] {
    let f = hz / 1000.0;
    let lg = f.log10();
    [
        ten(17.0 - 30.0 * lg),
        ten(40.0 + 26.0 * lg - 60.0 * (f + 0.03).log10()),
        ten(50.0 + 20.0 * lg - 40.0 * (f + 0.4).log10()),
        ten(-15.0 + 20.0 * lg),
    ]
}

/// Terms of the model at the bins of one transform, so that a block costs four multiplications a bin.
struct OpenSeaSpectrum {
    sea: OpenSea,
    steady: Vec<f64>,
    wind: Vec<f64>,
}

impl OpenSeaSpectrum {
    fn new(sea: OpenSea, bin_hz: f64, bins: usize) -> OpenSeaSpectrum {
        let mut steady = vec![0.0; bins];
        let mut wind = vec![0.0; bins];
        for k in 1..bins {
            let hz = k as f64 * bin_hz;
            let [turbulence, ships, blown, thermal] = components(hz);
            let kept = 1.0 / (1.0 + (OPEN_SEA_HIGH_PASS_HZ / hz).powi(4));
            let ships = ships * ten(20.0 * (sea.shipping - 0.5));
            steady[k] = kept * (turbulence + ships + thermal) + ten(sea.floor_db);
            wind[k] = kept * blown;
        }
        OpenSeaSpectrum { sea, steady, wind }
    }
}

impl Spectrum for OpenSeaSpectrum {
    fn fill(&self, time_s: f64, _bin_hz: f64, density: &mut [f64]) {
        let force = ten(7.5 * self.sea.wind_at(time_s).sqrt());
        for ((density, steady), wind) in density.iter_mut().zip(&self.steady).zip(&self.wind) {
            *density = steady + wind * force;
        }
    }
}

/// Median density on Stellwagen Bank, `(lg Hz, dB re FS²/Hz)`, measured with a 1 s Hann window on a
/// file of the DCLDE 2013 data set; below 5 Hz and above 990 Hz by the instrument's own filters.
const BANK_MEDIAN_DB: [(f64, f64); 14] = [
    (0.0, -66.0),
    (0.301, -59.0),
    (0.699, -61.0),
    (1.0, -70.0),
    (1.176, -77.0),
    (1.699, -77.0),
    (2.0, -74.0),
    (2.176, -82.0),
    (2.301, -78.0),
    (2.477, -83.0),
    (2.699, -84.0),
    (2.845, -85.0),
    (2.929, -83.0),
    (3.0, -83.0),
];

/// A periodogram of Gaussian noise is exponentially distributed: its median lies 10·lg(ln 2) =
/// −1.59 dB under its mean.
const MEDIAN_UNDER_MEAN_DB: f64 = 1.592;

/// Standard deviation of the Bank's level in each of its bands: with it the 5th and 95th percentiles
/// of a periodogram lie 19 dB apart, as measured; a steady sea would give 17.7.
const BANK_WANDER_DB: f64 = 2.0;

/// The Bank's levels wander by themselves about these frequencies (lg Hz).
const BANK_BANDS: [f64; 4] = [1.0, 1.7, 2.3, 2.9];

/// The sea over Stellwagen Bank.
pub struct Bank {
    full_scale_db: f64,
    wanders: [(Wander, Wander); 4],
    storm: Wander,
    storm_db: f64,
}

impl Bank {
    /// A sea for a full scale in dB re 1 µPa; `storm_db` is the standard deviation of the weather
    /// over days.
    pub fn new(seed: Seed, full_scale_db: f64, storm_db: f64) -> Bank {
        let wanders = [0, 1, 2, 3].map(|i| {
            (Wander::new(seed.of("swell", i), 7.0), Wander::new(seed.of("weather", i), 90.0))
        });
        Bank { full_scale_db, wanders, storm: Wander::new(seed.of("storm", 0), 86_400.0), storm_db }
    }

    /// Median density as measured, dB re FS²/Hz.
    #[cfg(test)]
    pub fn median_db(hz: f64) -> f64 {
        interpolate(&BANK_MEDIAN_DB, hz.max(1e-3).log10())
    }

    /// Where the bands' levels stand at a time, `(lg Hz, dB)`.
    fn wander_db(&self, time_s: f64) -> [(f64, f64); 4] {
        let storm = self.storm_db * self.storm.at(time_s);
        std::array::from_fn(|i| {
            let (swell, weather) = self.wanders[i];
            let wander = (swell.at(time_s) + weather.at(time_s)) / 2f64.sqrt();
            (BANK_BANDS[i], BANK_WANDER_DB * wander + storm)
        })
    }
}

impl Spectrum for Bank {
    fn fill(&self, time_s: f64, bin_hz: f64, density: &mut [f64]) {
        let wander = self.wander_db(time_s);
        let steady_db = self.full_scale_db + MEDIAN_UNDER_MEAN_DB;
        for (k, density) in density.iter_mut().enumerate() {
            let lg = (k.max(1) as f64 * bin_hz).log10();
            let db = interpolate(&BANK_MEDIAN_DB, lg) + interpolate(&wander, lg);
            *density = ten(steady_db + db);
        }
    }
}

/// A sea that can be heard and asked for its level.
pub struct Sea {
    noise: Noise<Box<dyn Spectrum>>,
}

impl Spectrum for Box<dyn Spectrum> {
    fn fill(&self, time_s: f64, bin_hz: f64, density: &mut [f64]) {
        (**self).fill(time_s, bin_hz, density);
    }
}

impl Sea {
    /// The open sea at a sample rate; `block` samples are about a third of a second.
    pub fn open(seed: Seed, rate_hz: f64, block: usize, sea: OpenSea) -> Sea {
        let spectrum = OpenSeaSpectrum::new(sea, rate_hz / (2 * block) as f64, block + 1);
        Sea { noise: Noise::new(seed, rate_hz, block, Box::new(spectrum)) }
    }

    /// The Bank at 2 kHz.
    pub fn bank(seed: Seed, rate_hz: f64, bank: Bank) -> Sea {
        Sea { noise: Noise::new(seed, rate_hz, 2048, Box::new(bank)) }
    }

    /// Level in a band around a time, dB re 1 µPa.
    pub fn band_db(&self, time_s: f64, band_hz: Range<f64>) -> f64 {
        let bins = self.noise.bins();
        let bin_hz = self.noise.bin_hz();
        let mut density = vec![0.0; bins];
        self.noise.spectrum.fill(time_s, bin_hz, &mut density);
        let from = (band_hz.start / bin_hz).round().max(1.0) as usize;
        let to = ((band_hz.end / bin_hz).round() as usize).clamp(from + 1, bins);
        power_db(density[from.min(bins - 1)..to].iter().sum::<f64>() * bin_hz)
    }
}

impl Source for Sea {
    fn heard_s(&self) -> Range<f64> {
        f64::NEG_INFINITY..f64::INFINITY
    }

    fn add_to(&self, stretch: &mut Stretch) {
        let noise = self.noise.at(stretch.first, stretch.samples.len());
        stretch.add(stretch.first, &noise);
    }
}
