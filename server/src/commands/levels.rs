//! `spyhop levels`.

use std::process::ExitCode;

use clap::ValueEnum;
use clap::error::ErrorKind;
use spyhop_signal::levels::MillidecadeEdition;

use super::product::{self, ABOUT, ProductArgs, parse_positive};
use crate::products::Product;

/// Averaging time of levels that have one, where none is given.
const AVERAGE_S: f64 = 60.0;

/// Make long-term levels of a place's recordings: one-minute spectra, percentiles, decidecades, SPL.
#[derive(clap::Args)]
#[command(after_help = format!("{ABOUT}\n\n{EXAMPLES}"))]
pub struct Args {
    #[command(flatten)]
    common: ProductArgs,
    /// Which levels
    #[arg(long, value_name = "WHICH")]
    product: Which,
    /// Averaging time in seconds, of decidecade and spl (60 unless it is given)
    #[arg(long, value_name = "S", value_parser = parse_positive)]
    average: Option<f64>,
    /// Table of millidecades, of hmd, percentiles and spd (published unless it is given)
    #[arg(long, value_name = "WHICH")]
    edition: Option<Edition>,
}

/// Which levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// One-minute spectra in hybrid millidecades, as MANTA makes them
    Hmd,
    /// Percentiles of one-minute spectra, of each day and of the whole
    Percentiles,
    /// How probable which level is at each frequency, of each day and of the whole
    Spd,
    /// Levels in decidecades (third octaves), 63 and 125 Hz always among them
    Decidecade,
    /// Broadband level, zero-to-peak level and exposure
    Spl,
}

/// Which table of millidecades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Edition {
    /// 1 Hz bands to 455 Hz, as published and as MANTA has it
    Published,
    /// 1 Hz bands to 434 Hz, with the erratum of 2021, as PyPAM, PBP and Triton have it
    Corrected,
}

const EXAMPLES: &str = "\
Examples:
  spyhop levels recorder --product hmd --out psd.zarr
  spyhop levels recorder --product percentiles --edition corrected --out percentiles.csv
  spyhop levels recorder --product decidecade --average 1 --out third-octaves.parquet
  spyhop levels recorder --product spl --out spl.csv --json | jq -r .unit";

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let product = args.chosen().unwrap_or_else(|error| error.exit());
    product::make(&args.common, product)
}

impl Args {
    fn chosen(&self) -> Result<Product, clap::Error> {
        let is_averaged = matches!(self.product, Which::Decidecade | Which::Spl);
        let refuse = |what: &str| Err(clap::Error::raw(ErrorKind::ArgumentConflict, what));
        if self.average.is_some() && !is_averaged {
            return refuse(
                "--average is for --product decidecade and spl: hmd, percentiles and spd are of minutes (for another time: spyhop ltsa)\n",
            );
        }
        if self.edition.is_some() && is_averaged {
            return refuse("--edition is for --product hmd, percentiles and spd\n");
        }
        let average_s = self.average.unwrap_or(AVERAGE_S);
        let edition = match self.edition {
            Some(Edition::Corrected) => MillidecadeEdition::Corrected,
            Some(Edition::Published) | None => MillidecadeEdition::Published,
        };
        Ok(match self.product {
            Which::Hmd => Product::Millidecades(edition),
            Which::Percentiles => Product::Percentiles(edition),
            Which::Spd => Product::Probability(edition),
            Which::Decidecade => Product::Decidecades { average_s },
            Which::Spl => Product::Broadband { average_s },
        })
    }
}
