//! Having a product's units made while a person looks on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::json;
use spyhop_api::Deployment;

use super::measure::{MeasureError, measure};
use super::plan::{Plan, PlanError};
use super::product::Product;
use super::rows::Rows;
use super::sweep;
use crate::catalogue::Recordings;
use crate::pyramid::folder_name;
use crate::work::{
    Job, Priority, Registry, Settings, Unit, UnitContext, UnitError, key_of, run_in_foreground,
};

/// The kind of a unit.
const KIND: &str = "levels";
/// What a unit has in memory beside its levels: samples, frames and sums.
const UNIT_BYTES: u64 = 16 << 20;

/// A product whose rows are all there.
pub struct Made {
    pub plan: Plan,
    /// Files of rows, in clock order.
    pub files: Vec<PathBuf>,
}

/// How much there is of a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Periods with data.
    pub rows: u64,
    /// Periods that are flagged as short.
    pub short: u64,
    /// Where the first and the last of them begin.
    pub first_ns: Option<i64>,
    pub last_ns: Option<i64>,
}

impl Made {
    /// Counts the rows.
    ///
    /// # Errors
    /// When a file of them can't be read.
    pub fn sums(&self) -> anyhow::Result<Sums> {
        let mut sums = Sums::default();
        for file in &self.files {
            let rows = super::table::read(file)?;
            sums.rows += rows.len() as u64;
            sums.short += rows.short.iter().filter(|short| **short).count() as u64;
            sums.first_ns = sums.first_ns.or(rows.start_ns.first().copied());
            sums.last_ns = rows.start_ns.last().copied().or(sums.last_ns);
        }
        Ok(sums)
    }
}

/// What a unit gives.
#[derive(Serialize, Deserialize)]
struct Written {
    path: PathBuf,
}

/// Makes the rows of a product of one channel of a deployment; those that are there already stay. A
/// recording that can't be read is left out, with the reason in [`Plan::left_out`].
///
/// # Errors
/// When the product can't be made of these recordings, the disk says no, or Ctrl-C was pressed.
pub fn run(
    state: &Path,
    deployment: &Deployment,
    recordings: &Recordings,
    product: Product,
    channel: u32,
) -> anyhow::Result<Made> {
    let products = state.join("products");
    let folder = products.join(folder_name(&deployment.id));
    let mut unreadable = BTreeMap::new();
    loop {
        let calibration = deployment.calibration.clone();
        let plan = match Plan::new(&recordings.infos, product, calibration, channel, &unreadable) {
            // The reason for the first says more than that there is none.
            Err(PlanError::Nothing(nothing)) => match unreadable.pop_first() {
                Some((_, message)) => anyhow::bail!("{message}"),
                None => return Err(nothing.into()),
            },
            planned => Arc::new(planned?),
        };
        let found = Arc::new(Mutex::new(BTreeMap::new()));
        let registry = registry(&plan, recordings, &folder, &found);
        let job = job(&plan, deployment)?;
        let outcome = run_in_foreground(state, registry, &job, Settings::default())?;
        let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(failure) = outcome.failures.first() {
            let known = unreadable.len();
            unreadable.extend(found);
            if unreadable.len() == known {
                anyhow::bail!("{}", failure.message);
            }
            continue;
        }
        let written = outcome.outputs.into_iter().map(|(_, value)| Written::deserialize(value));
        let files: Vec<PathBuf> =
            written.map(|written| Ok(written?.path)).collect::<anyhow::Result<_>>()?;
        files.iter().for_each(|rows| sweep::note_use(rows));
        if let Err(error) = sweep::sweep(&products, SystemTime::now(), sweep::MOST_BYTES) {
            tracing::warn!(
                "what earlier products left can't be removed ({error}): {}",
                products.display()
            );
        }
        let plan = Arc::try_unwrap(plan).unwrap_or_else(|shared| (*shared).clone());
        return Ok(Made { plan, files });
    }
}

type Found = Arc<Mutex<BTreeMap<usize, String>>>;

fn registry(plan: &Arc<Plan>, recordings: &Recordings, folder: &Path, found: &Found) -> Registry {
    let mut registry = Registry::default();
    let (plan, recordings) = (plan.clone(), recordings.clone());
    let (folder, found) = (folder.to_owned(), found.clone());
    registry.add(KIND, move |index: usize, context: &UnitContext| {
        let Some(unit) = plan.units.get(index) else {
            return Err(UnitError::lasting("there is no such unit in the plan"));
        };
        let path = plan.file(&folder, unit);
        if Rows::are_there(&path) {
            sweep::note_use(&path);
            return Ok(Written { path });
        }
        let go_on = &mut |fraction: f64| {
            context.progress(fraction);
            !context.cancelled()
        };
        let rows = measure(&plan, unit, &recordings, go_on).map_err(|error| match error {
            MeasureError::Stopped => UnitError::stopped(),
            MeasureError::Unreadable { recording, ref message } => {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.insert(recording, message.clone());
                UnitError::lasting(message.clone())
            }
            MeasureError::Spectra(_) => UnitError::lasting(error.to_string()),
        })?;
        rows.write(&path).map_err(|error| UnitError::of_file(&error, &path))?;
        Ok(Written { path })
    });
    registry.check(KIND, |written: Written| Rows::are_there(&written.path));
    registry
}

fn job(plan: &Plan, deployment: &Deployment) -> anyhow::Result<Job> {
    let level_bytes = plan.columns() as u64 * size_of::<f32>() as u64;
    let unit = |(index, planned): (usize, &super::plan::PlannedUnit)| {
        let span_ns = planned.span_ns.end - planned.span_ns.start;
        let rows = (span_ns / plan.spectra.period_ns.max(1)).unsigned_abs();
        // Once as rows, once as the bytes of their file.
        let memory_bytes = UNIT_BYTES + 2 * rows * level_bytes;
        let key = planned.key.clone();
        Unit { memory_bytes, ..Unit::new(key, KIND, json!(index)) }
    };
    let name = plan.product.name();
    // Other settings make another job: the ledger of a stopped one is found again by its key.
    let keys: Vec<&str> = plan.units.iter().map(|unit| unit.key.as_str()).collect();
    let all = key_of(KIND, &keys).context("the product can't be planned")?;
    Ok(Job {
        key: format!("levels/{}/{name}/{all}", deployment.id),
        kind: name.to_owned(),
        title: format!("{} of {}", plan.product.title(), deployment.name),
        deployment: Some(deployment.id.clone()),
        priority: Priority::ASKED_FOR,
        units: plan.units.iter().enumerate().map(unit).collect(),
    })
}
