//! What stands beside the numbers: names, units, and where they come from.

use serde_json::{Map, Value};
use spyhop_api::Band;
use spyhop_api::Deployment;
use spyhop_api::levels::Quantity;
use spyhop_signal::levels::{MillidecadeEdition, PERCENTILES};

use super::plan::Plan;
use super::product::{Measure, Product, nominal_of};

/// Names and units of a product's numbers.
#[derive(Clone, Debug)]
pub struct Heading {
    /// Attributes of the whole: title, calibration, credit, how it was made.
    pub attributes: Map<String, Value>,
    /// Whether times are of the clock, and not since the first sample.
    pub dated: bool,
    /// Averaging time of a row.
    pub period_ns: i64,
    /// What the levels of a row are.
    pub levels: Levels,
}

/// What the levels of a row are.
#[derive(Clone, Debug)]
pub enum Levels {
    /// One variable, for each band.
    Bands(Variable, Vec<Band>),
    /// Several variables.
    Series(Vec<Variable>),
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As it is called in a data set.
    pub name: &'static str,
    /// As ISO 18405 calls it.
    pub long_name: &'static str,
    /// Its unit.
    pub unit: &'static str,
}

impl Heading {
    /// Of a product of a deployment.
    pub fn new(plan: &Plan, deployment: &Deployment) -> Heading {
        let calibrated = plan.calibration.is_some();
        let levels = levels(plan, calibrated);
        let mut attributes = Map::new();
        let mut say = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
        let spec = &plan.spectra;
        let rate_hz = plan.recorded.sample_rate_hz;
        say("title", format!("{}: {}", plan.product.title(), deployment.name).into());
        say("source", format!("Spyhop {}", env!("CARGO_PKG_VERSION")).into());
        say("product", plan.product.name().into());
        let quantity = plan.product.quantity();
        say("quantity", quantity.name(calibrated).into());
        say("units", quantity.unit(calibrated).into());
        let calibration = plan.calibration.as_ref().map_or_else(
            || "none: levels are relative to full scale".to_owned(),
            ToString::to_string,
        );
        say("calibration", calibration.into());
        say("sample_rate_hz", rate_hz.into());
        say("channel", plan.channel.into());
        say("averaging_time_s", spec.average_s().into());
        if plan.measure != Measure::Waveform {
            let (width, hop) = (spec.spectrum.window_samples, spec.spectrum.hop_samples);
            say("window", format!("Hann (periodic), {width} samples, hop {hop}").into());
        }
        let mean = "mean power of the frames that lie in the period; a period of the clock with less than half of it recorded is flagged as short";
        say("averaging", mean.into());
        if let Some(edition) = plan.product.edition() {
            say("millidecades", edition_text(edition).into());
        }
        match plan.product {
            Product::Percentiles(_) | Product::Probability(_) => say(
                "statistics",
                "of the levels of one-minute spectra, without minutes flagged as short; of each day (UTC) and of the whole, whose percentiles come from counts in steps of 0.1 dB (within 0.05 dB)".into(),
            ),
            Product::Decidecades { .. } => say(
                "bands",
                "decidecades (base 10, IEC 61260-1), centres 1000*10^(n/10) Hz; 63 and 125 Hz always".into(),
            ),
            Product::Broadband { .. } if plan.measure == Measure::Waveform => say(
                "bands",
                "all that was recorded; the mean of each period (DC) is taken off".into(),
            ),
            Product::Broadband { .. } => match &plan.measure {
                Measure::Bands(bands) => bands.first().and_then(|band| {
                    let text = format!("{} to {} Hz, which the calibration covers", band.low_hz, band.high_hz);
                    say("bands", text.into())
                }),
                _ => None,
            },
            _ => None,
        };
        for (name, text) in [
            ("institution", &deployment.credit),
            ("license", &deployment.licence),
            ("comment", &deployment.description),
            ("instrument", &deployment.instrument),
        ] {
            if !text.is_empty() {
                say(name, text.clone().into());
            }
        }
        if deployment.synthesised {
            say("synthesised", "made by a program, not recorded at sea".into());
        }
        let dated = plan.recorded.dated;
        Heading { attributes, dated, period_ns: spec.period_ns, levels }
    }

    /// The names of a row's levels in a table: `63 Hz (dB re 1 µPa)`.
    pub fn column_names(&self, product: &Product) -> Vec<String> {
        match &self.levels {
            Levels::Bands(variable, bands) => bands
                .iter()
                .map(|band| format!("{} Hz ({})", band_name(product, band), variable.unit))
                .collect(),
            Levels::Series(variables) => {
                variables.iter().map(|v| format!("{} ({})", v.long_name, v.unit)).collect()
            }
        }
    }

    /// The names of percentiles in a table: `P50 (dB re 1 µPa²/Hz)`.
    pub fn percentile_names(&self) -> Vec<String> {
        let unit = match &self.levels {
            Levels::Bands(variable, _) => variable.unit,
            Levels::Series(_) => "dB",
        };
        PERCENTILES.iter().map(|percent| format!("P{percent} ({unit})")).collect()
    }

    /// The bands of a row's levels.
    pub fn bands(&self) -> &[Band] {
        match &self.levels {
            Levels::Bands(_, bands) => bands,
            Levels::Series(_) => &[],
        }
    }
}

/// What a band is called: decidecades by their nominal frequency, others by their centre.
fn band_name(product: &Product, band: &Band) -> f64 {
    match product {
        Product::Decidecades { .. } => nominal_of(band),
        // Names must differ, and no more.
        _ => (band.centre_hz * 1e3).round() / 1e3,
    }
}

fn levels(plan: &Plan, calibrated: bool) -> Levels {
    let variable = |name, quantity: Quantity| Variable {
        name,
        long_name: quantity.name(calibrated),
        unit: quantity.unit(calibrated),
    };
    let quantity = plan.product.quantity();
    let density = variable("psd", quantity);
    match &plan.measure {
        Measure::Bins => {
            let bin_hz = plan.spectra.spectrum.bin_hz();
            let bin = |k: usize| {
                let centre_hz = k as f64 * bin_hz;
                Band {
                    low_hz: centre_hz - 0.5 * bin_hz,
                    centre_hz,
                    high_hz: centre_hz + 0.5 * bin_hz,
                }
            };
            Levels::Bands(density, (0..plan.spectra.spectrum.bins()).map(bin).collect())
        }
        Measure::Densities(bands) => Levels::Bands(density, bands.clone()),
        Measure::Bands(bands) => match plan.product {
            Product::Broadband { .. } => {
                Levels::Series(vec![variable("spl", Quantity::BandSoundPressure)])
            }
            _ => Levels::Bands(variable("band_level", quantity), bands.clone()),
        },
        Measure::Waveform => Levels::Series(vec![
            variable(if calibrated { "spl" } else { "rms_level" }, quantity),
            variable("zero_to_peak_level", Quantity::ZeroToPeak),
            variable(
                if calibrated { "sound_exposure_level" } else { "exposure_level" },
                Quantity::SoundExposure,
            ),
        ]),
    }
}

fn edition_text(edition: MillidecadeEdition) -> &'static str {
    match edition {
        MillidecadeEdition::Published => {
            "published: 1 Hz bands to 455 Hz, then millidecades centred on 10^(n/1000) Hz (Martin et al. 2021, doi:10.1121/10.0003324, as MANTA)"
        }
        MillidecadeEdition::Corrected => {
            "corrected: 1 Hz bands to 434 Hz, then millidecades centred on 10^((n+1/2)/1000) Hz (erratum of April 2021, doi:10.1121/10.0005818, as PyPAM, PBP and Triton)"
        }
    }
}
