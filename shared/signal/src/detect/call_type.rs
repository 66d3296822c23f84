//! Types of calls, with what finds them.
//!
//! Thresholds were set on the demo of seed 2 and on a file of the DCLDE 2013 data set, and are tested on
//! the demo of another seed.

use serde::{Deserialize, Serialize};
use spyhop_api::detection::DetectionClass;

use super::settings::{
    ClickSettings, ContourSettings, CorrelationSettings, EnergySettings, NoiseFloor, SettingsError,
    Sweeps,
};

/// A type of call and how it is found.
#[derive(Clone, Debug, PartialEq)]
pub struct CallType {
    /// Its word, as on the command line and in a configuration.
    pub id: &'static str,
    /// What a person calls the calls: `right-whale upcalls`.
    pub name: &'static str,
    /// What a call is labelled as.
    pub label: &'static str,
    /// A recording must hold sounds up to this, Hz.
    pub needs_hz: f64,
    /// How it is found.
    pub method: Method,
}

impl CallType {
    /// For a person, as a title: `Right-whale upcalls`.
    pub fn title(&self) -> String {
        let mut letters = self.name.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    }

    /// What it tells apart: one class.
    pub fn class(&self) -> DetectionClass {
        let (keep_from, threshold) = self.method.thresholds();
        let (name, band_hz) = (self.label.to_owned(), self.method.band_hz());
        DetectionClass { name, band_hz, keep_from, threshold }
    }
}

/// A way to find calls, with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Energy in a band.
    Energy(EnergySettings),
    /// Templates.
    Correlation(CorrelationSettings),
    /// Tonal contours.
    Contours(ContourSettings),
    /// Trains of clicks.
    Clicks(ClickSettings),
}

impl Method {
    /// The band that is listened to.
    pub fn band_hz(&self) -> (f64, f64) {
        match self {
            Method::Energy(s) => (s.low_hz, s.high_hz),
            Method::Correlation(s) => (s.low_hz, s.high_hz),
            Method::Contours(s) => (s.low_hz, s.high_hz),
            Method::Clicks(s) => (s.low_hz, s.high_hz),
        }
    }

    /// From which score on candidates are kept, and from which on they count as found.
    pub fn thresholds(&self) -> (f64, f64) {
        match self {
            Method::Energy(s) => (s.keep_from, s.threshold),
            Method::Correlation(s) => (s.keep_from, s.threshold),
            Method::Contours(s) => (s.keep_from, s.threshold),
            Method::Clicks(s) => (s.keep_from, s.threshold),
        }
    }

    /// What a score is, for a person.
    pub fn score_unit(&self) -> &'static str {
        match self {
            Method::Energy(_) => "dB over the noise in the band",
            Method::Correlation(_) => "correlation with the best template, 0 to 1",
            Method::Contours(_) => "dB of the ridge over noise and neighbourhood",
            Method::Clicks(_) => "dB of the median click over the noise",
        }
    }

    /// # Errors
    /// When a setting can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        match self {
            Method::Energy(s) => s.check(),
            Method::Correlation(s) => s.check(),
            Method::Contours(s) => s.check(),
            Method::Clicks(s) => s.check(),
        }
    }
}

const SLOW_NOISE: NoiseFloor = NoiseFloor { window_s: 30.0, update_s: 2.0, percentile: 50.0 };
const QUICK_NOISE: NoiseFloor = NoiseFloor { window_s: 9.0, update_s: 1.0, percentile: 50.0 };

/// All types that are known, from the lowest voices to the highest.
pub fn call_types() -> Vec<CallType> {
    vec![
        CallType {
            id: "fin-20hz",
            name: "fin-whale 20 Hz pulses",
            label: "20 Hz pulse",
            needs_hz: 40.0,
            method: Method::Correlation(CorrelationSettings {
                low_hz: 10.0,
                high_hz: 40.0,
                window_s: 0.5,
                noise: SLOW_NOISE,
                ceiling_db: 25.0,
                width_hz: 2.5,
                sweeps: Sweeps {
                    duration_s: vec![0.7, 1.0],
                    start_hz: vec![24.0, 28.0],
                    end_hz: vec![16.0, 18.0],
                    bend: 1.0,
                    least_sweep_hz: 4.0,
                },
                keep_from: 0.3,
                threshold: 0.58,
                apart_s: 1.5,
            }),
        },
        CallType {
            id: "upcall",
            name: "right-whale upcalls",
            label: "upcall",
            needs_hz: 350.0,
            method: Method::Correlation(CorrelationSettings {
                low_hz: 50.0,
                high_hz: 400.0,
                window_s: 0.128,
                noise: NoiseFloor { window_s: 15.0, update_s: 1.0, percentile: 50.0 },
                ceiling_db: 25.0,
                width_hz: 18.0,
                sweeps: Sweeps {
                    duration_s: vec![0.65, 0.9, 1.2],
                    start_hz: vec![70.0, 95.0, 120.0],
                    end_hz: vec![150.0, 185.0, 225.0, 280.0],
                    bend: 1.8,
                    least_sweep_hz: 30.0,
                },
                keep_from: 0.3,
                threshold: 0.38,
                apart_s: 0.6,
            }),
        },
        CallType {
            id: "upcall-energy",
            name: "right-whale upcalls by energy alone",
            label: "upcall",
            needs_hz: 350.0,
            method: Method::Energy(EnergySettings {
                low_hz: 60.0,
                high_hz: 300.0,
                window_s: 0.128,
                noise: NoiseFloor { window_s: 15.0, update_s: 1.0, percentile: 50.0 },
                edge_db: 2.0,
                keep_from: 3.0,
                threshold: 5.0,
                gap_s: 0.2,
                least_s: 0.4,
                longest_s: 3.0,
            }),
        },
        CallType {
            id: "humpback",
            name: "humpback song units",
            label: "humpback unit",
            needs_hz: 900.0,
            method: Method::Energy(EnergySettings {
                low_hz: 80.0,
                high_hz: 4000.0,
                window_s: 0.1,
                noise: NoiseFloor { window_s: 30.0, update_s: 2.0, percentile: 20.0 },
                edge_db: 5.0,
                keep_from: 7.0,
                threshold: 10.0,
                gap_s: 0.15,
                least_s: 0.2,
                longest_s: 8.0,
            }),
        },
        CallType {
            id: "sperm-click",
            name: "sperm-whale clicks",
            label: "sperm-whale clicks",
            needs_hz: 8000.0,
            method: Method::Clicks(ClickSettings {
                low_hz: 2000.0,
                high_hz: 20_000.0,
                click_s: 3e-4,
                noise: NoiseFloor { window_s: 4.5, update_s: 0.5, percentile: 50.0 },
                click_db: 15.0,
                crest_db: 6.0,
                lowest_mean_hz: 2000.0,
                highest_mean_hz: 10_500.0,
                refractory_s: 0.01,
                longest_interval_s: 2.0,
                least_clicks: 4,
                keep_from: 15.0,
                threshold: 17.0,
                longest_s: 30.0,
            }),
        },
        CallType {
            id: "whistle",
            name: "dolphin whistles",
            label: "whistle",
            needs_hz: 12_000.0,
            method: Method::Contours(ContourSettings {
                low_hz: 3000.0,
                high_hz: 24_000.0,
                window_s: 0.016,
                noise: QUICK_NOISE,
                flat_hz: 2500.0,
                edge_db: 6.0,
                keep_from: 8.0,
                threshold: 10.0,
                gap_s: 0.008,
                least_s: 0.08,
                longest_s: 3.0,
            }),
        },
        CallType {
            id: "click",
            name: "dolphin echolocation clicks",
            label: "click train",
            needs_hz: 40_000.0,
            method: Method::Clicks(ClickSettings {
                low_hz: 25_000.0,
                high_hz: 90_000.0,
                click_s: 4e-5,
                noise: NoiseFloor { window_s: 4.5, update_s: 0.5, percentile: 50.0 },
                click_db: 14.0,
                crest_db: 6.0,
                lowest_mean_hz: 25_000.0,
                highest_mean_hz: 90_000.0,
                refractory_s: 8e-4,
                longest_interval_s: 0.3,
                least_clicks: 6,
                keep_from: 14.0,
                threshold: 16.0,
                longest_s: 20.0,
            }),
        },
        CallType {
            id: "porpoise-click",
            name: "porpoise clicks",
            label: "porpoise clicks",
            needs_hz: 145_000.0,
            method: Method::Clicks(ClickSettings {
                low_hz: 105_000.0,
                high_hz: 155_000.0,
                click_s: 8e-5,
                noise: NoiseFloor { window_s: 4.5, update_s: 0.5, percentile: 50.0 },
                click_db: 14.0,
                crest_db: 6.0,
                lowest_mean_hz: 115_000.0,
                highest_mean_hz: 145_000.0,
                refractory_s: 8e-4,
                longest_interval_s: 0.3,
                least_clicks: 6,
                keep_from: 14.0,
                threshold: 16.0,
                longest_s: 20.0,
            }),
        },
    ]
}
