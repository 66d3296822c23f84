//! What `spyhop ltsa` and `spyhop levels` share.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::json;
use spyhop_api::{Deployment, Timestamp};
use spyhop_signal::OpenError;
use spyhop_signal::source::SourceError;

use super::StateArgs;
use super::index::looked_through;
use crate::answer;
use crate::catalogue::access::Reader;
use crate::catalogue::{Recordings, read_tables};
use crate::place::Place;
use crate::products::{self, Format, Heading, Made, Product};
use crate::recording_file::{self, PARTLY, ReadingArgs};
use crate::state::Workplace;

/// What is said of a place without a recording.
pub const NO_RECORDING: &str = "there is no recording in this place: name a folder, a bucket or a web folder that \
                                holds some (links that lead out of it are passed over)";

/// Deployments that an error lists.
const MOST_LISTED: usize = 20;

/// Exit codes and what else the help of both says.
pub const ABOUT: &str = "\
Times are of the clock in UTC: a period begins where the clock's does, whatever files begin and end. What \
was not recorded has no row in Parquet and CSV and is NaN in Zarr; a period with less than half of it \
recorded is flagged as 'short'. Levels are dB re 1 µPa (or its density) where the deployment.toml has a \
calibration, flat or by frequency; without one they are dB re full scale, and every name and unit says so.

What was computed is kept below --state in products/, so that stopping loses nothing and another format \
or another month takes only what is new. What nobody has used for 90 days is removed, and what was used \
longest ago where all takes more than 32 GB; it may be deleted at any time. A server may work in the same \
state folder meanwhile.

In Python a Zarr store becomes NetCDF by
  xarray.open_zarr(\"levels.zarr\").to_netcdf(\"levels.nc\")

Exit codes:
  0  written
  1  the place can't be read, the product can't be made of it, or the disk can't be written
  2  the command was not understood
  3  written, but some recordings are left out (they are listed)";

/// Arguments of both.
#[derive(clap::Args)]
pub struct ProductArgs {
    /// Folder, bucket or web folder with recordings in it or in folders below
    #[arg(value_name = "PLACE")]
    place: String,
    /// What to write: a name that ends in .zarr (xarray), .parquet or .csv
    #[arg(long, value_name = "FILE", value_parser = parse_out)]
    out: (PathBuf, Format),
    /// Which deployment, where the place holds several
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Channel, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u32,
    #[command(flatten)]
    state: StateArgs,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// A number of seconds or hertz.
///
/// # Errors
/// When it is no number above zero.
pub fn parse_positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "give a number above 0".to_owned())
}

/// Makes a product and writes it.
///
/// # Errors
/// When the place can't be read, the product can't be made of it, or the disk says no.
pub fn make(args: &ProductArgs, product: Product) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let (out, format) = &args.out;
    format.check(out)?;
    let place = Place::at(&args.place)?;
    let workplace = args.state.workplace()?;
    let (deployment, recordings) = one_deployment(place, &workplace, args.deployment.as_deref())?;
    for info in recordings.infos.iter() {
        recording_file::check_channel(info, args.channel)?;
    }
    // What is listed is in memory: a server may have the state folder while levels are computed.
    let state = workplace.path().to_owned();
    drop(workplace);
    let made = products::run(&state, &deployment, &recordings, product, args.channel)?;
    let sums = made.sums()?;
    if sums.rows == 0 {
        bail!(
            "nothing was recorded for as long as one spectrum takes ({} s): nothing is written",
            made.plan.spectra.spectrum.window_samples as f64 / made.plan.recorded.sample_rate_hz
        );
    }
    let heading = Heading::new(&made.plan, &deployment);
    products::export(&made, &heading, *format, out)?;
    let left_out = left_out(&made, &deployment, &recordings);
    for (name, reason) in &left_out {
        eprintln!("spyhop: {name} is left out: {reason}");
    }
    let quantity = product.quantity();
    let calibrated = made.plan.calibration.is_some();
    if args.json {
        let time = |ns: i64| made.plan.recorded.dated.then_some(Timestamp(ns));
        let object = json!({
            "deployment": deployment.id,
            "product": product.name(),
            "out": out,
            "quantity": quantity.name(calibrated),
            "unit": quantity.unit(calibrated),
            "calibrated": calibrated,
            "averaging_time_s": made.plan.spectra.average_s(),
            "periods": sums.rows,
            "short": sums.short,
            "bands": heading.bands().len(),
            "start": sums.first_ns.and_then(time),
            "end": sums.last_ns.and_then(|ns| time(ns + heading.period_ns)),
            "left_out": left_out.iter().map(|(name, reason)| json!({ "name": name, "reason": reason }))
                .collect::<Vec<_>>(),
        });
        answer::say(serde_json::to_string_pretty(&object)?)?;
    } else {
        answer::say(format!("{} of {}", product.title(), deployment.name))?;
        answer::say(format!("  levels   {}", quantity.label(calibrated)))?;
        answer::say(format!(
            "  periods  {} of {} s, {} of them short",
            sums.rows,
            made.plan.spectra.average_s(),
            sums.short
        ))?;
        answer::say(format!("  written  {}", out.display()))?;
    }
    Ok(if left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// Recordings that are not in the product, by name, with the reason.
fn left_out(
    made: &Made,
    deployment: &Deployment,
    recordings: &Recordings,
) -> Vec<(String, String)> {
    let failures = deployment.failures.iter().map(|f| (f.name.clone(), f.reason.clone()));
    let of_plan = made.plan.left_out.iter().map(|(index, reason)| {
        let name = recordings.infos.get(*index).map_or("", |info| &info.name);
        (name.to_owned(), reason.clone())
    });
    failures.chain(of_plan).collect()
}

/// Looks through a place; gives the one deployment of it that is meant.
///
/// # Errors
/// When the place can't be looked through, or it can't be told which deployment is meant.
pub(super) fn one_deployment(
    place: Place,
    workplace: &Workplace,
    asked: Option<&str>,
) -> anyhow::Result<(Deployment, Recordings)> {
    let catalogue = looked_through(place, workplace)?;
    let reader = Reader::Administrator;
    let id = chosen(catalogue.list(reader, "")?, asked)?;
    let deployment = catalogue.deployment(&id, reader)?.context("the folder is gone")?;
    let recordings = catalogue.recordings(&id, reader)?.context("the folder is gone")?;
    Ok((deployment, recordings))
}

/// A recording by itself, as a deployment of its own.
///
/// # Errors
/// When it can't be opened.
pub(super) fn one_recording(path: &Path) -> anyhow::Result<(Deployment, Recordings)> {
    let reading = ReadingArgs::default();
    let opened = recording_file::open(path, &reading)?;
    let info = opened.recording.info;
    recording_file::warn(&info.name, &info.warnings);
    let deployment = Deployment {
        id: info.name.clone(),
        name: info.name.clone(),
        ..opened.deployment.into_deployment(&info.name)
    };
    let (name, path) = (info.name.clone(), path.to_owned());
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let open = move |_| {
        let opened = recording_file::open(&path, &reading);
        opened.map(|opened| opened.recording).map_err(|error| {
            let error = match path.is_file() {
                true => SourceError::Io(error.to_string()),
                false => SourceError::Changed("it was removed meanwhile".into()),
            };
            OpenError::Source { name: name.clone(), error }
        })
    };
    let version = info.fingerprint.clone();
    let infos = Arc::new(vec![info]);
    let beside = Some(read_tables(infos.clone(), move |name| Some(folder.join(name))));
    let recordings = Recordings { infos, open: Arc::new(open), tables: None, beside, version };
    Ok((deployment, recordings))
}

/// Looks through a place; gives all of its deployments, or the one that is meant.
///
/// # Errors
/// When the place can't be looked through, it holds no recording, or there is no such deployment.
pub(super) fn every_deployment(
    place: Place,
    workplace: &Workplace,
    asked: Option<&str>,
) -> anyhow::Result<Vec<(Deployment, Recordings)>> {
    let catalogue = looked_through(place, workplace)?;
    let reader = Reader::Administrator;
    let mut ids: Vec<String> =
        catalogue.list(reader, "")?.into_iter().map(|deployment| deployment.id).collect();
    if asked.is_some() || ids.is_empty() {
        ids = vec![chosen(catalogue.list(reader, "")?, asked)?];
    }
    let of = |id: &String| {
        let deployment = catalogue.deployment(id, reader)?.context("the folder is gone")?;
        let recordings = catalogue.recordings(id, reader)?.context("the folder is gone")?;
        Ok((deployment, recordings))
    };
    ids.iter().map(of).collect()
}

/// The one deployment that is meant.
///
/// # Errors
/// When there is none of this id, or there are several and none is named.
fn chosen(all: Vec<Deployment>, asked: Option<&str>) -> anyhow::Result<String> {
    let ids: Vec<String> = all.into_iter().map(|deployment| deployment.id).collect();
    let mut listed = ids.iter().take(MOST_LISTED).cloned().collect::<Vec<_>>().join(", ");
    if ids.len() > MOST_LISTED {
        listed += &format!(" and {} more", ids.len() - MOST_LISTED);
    }
    match (asked, ids.as_slice()) {
        (_, []) => bail!(NO_RECORDING),
        (Some(asked), _) if ids.iter().any(|id| id == asked) => Ok(asked.to_owned()),
        (Some(asked), _) => bail!("there is no deployment '{asked}' here: there are {listed}"),
        (None, [only]) => Ok(only.clone()),
        (None, several) => bail!(
            "there are {} deployments here, and a product is of one: choose it with --deployment ID, one of {listed}",
            several.len()
        ),
    }
}

fn parse_out(text: &str) -> Result<(PathBuf, Format), String> {
    let path = PathBuf::from(text);
    let format = Format::of(&path);
    let format = format.ok_or("give a name that ends in .zarr, .parquet or .csv")?;
    Ok((path, format))
}
