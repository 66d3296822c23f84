//! `spyhop ltsa`.

use std::process::ExitCode;

use super::product::{self, ABOUT, ProductArgs, parse_positive};
use crate::products::Product;

/// Make a long-term spectral average (LTSA) of a place's recordings: months in one picture.
///
/// As Triton makes it: spectra under Hann windows without overlap, whose length gives the frequency step,
/// averaged in power over a time.
#[derive(clap::Args)]
#[command(after_help = format!("{ABOUT}\n\n{EXAMPLES}"))]
pub struct Args {
    #[command(flatten)]
    common: ProductArgs,
    /// Averaging time in seconds
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = parse_positive)]
    average: f64,
    /// Frequency step in Hz; a 2000th of the sampling rate unless it is given (100 Hz at 200 kHz)
    #[arg(long, value_name = "HZ", value_parser = parse_positive)]
    step: Option<f64>,
}

const EXAMPLES: &str = "\
Examples:
  spyhop ltsa recorder --out ltsa.zarr
  spyhop ltsa recorder --average 60 --step 1 --out lowest.zarr
  spyhop ltsa s3://bucket/site --deployment site-a --out ltsa.parquet --json | jq .periods";

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    product::make(&args.common, Product::Ltsa { average_s: args.average, step_hz: args.step })
}
