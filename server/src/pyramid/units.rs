//! The units of a pyramid as the engine runs them: for a hosted deployment, or while a person looks on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use spyhop_api::Deployment;

use super::folder::Folder;
use super::plan::Plan;
use super::product_name;
use super::publish::{Description, PublishError, publish, store_name};
use super::recordings::Unreadable;
use super::unit::{UnitFailure, make_unit};
use crate::catalogue::Recordings;
use crate::upkeep::outdated;
use crate::work::{Job, Priority, Unit, UnitContext, UnitError, key_of};

/// The kind of a unit of a [`Plan`], in the ledger.
pub const UNIT: &str = "pyramid.unit";
/// The kind of the unit that publishes them.
pub const STORE: &str = "pyramid.store";
/// What a unit has in memory at most: 8192 columns of mean and maximum, twice, and its samples.
pub const UNIT_BYTES: u64 = 96 << 20;

/// What a unit's function is given.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub deployment: String,
    /// The unit's key in its plan; or the name of the store.
    pub name: String,
}

/// What it gives.
#[derive(Serialize, Deserialize)]
pub struct Made {
    pub path: PathBuf,
}

/// The name of a unit in the ledger. Two deployments of the same recordings have units of the same keys,
/// each in its own folder.
///
/// # Errors
/// When the name has no JSON.
pub fn ledger_key(deployment: &str, name: &str) -> Result<String, serde_json::Error> {
    key_of(UNIT, &(deployment, name))
}

/// What a deployment's pyramid of one channel is called in the ledger.
pub fn job_key(deployment: &str, channel: u32) -> String {
    format!("pyramid/{deployment}/{}", product_name(channel))
}

/// Everything that a plan takes, up to the store of that name.
///
/// # Errors
/// When something of it has no JSON.
pub fn job(deployment: &Deployment, plan: &Plan, store: &str) -> anyhow::Result<Job> {
    let id = &deployment.id;
    let unit = |kind: &str, key: String, name: &str, after: &[&str]| {
        let order = Order { deployment: id.clone(), name: name.to_owned() };
        let after: Result<Vec<String>, serde_json::Error> =
            after.iter().map(|name| ledger_key(id, name)).collect();
        let order = serde_json::to_value(order)?;
        Ok::<Unit, serde_json::Error>(Unit { after: after?, ..Unit::new(key, kind, order) })
    };
    let mut units = Vec::with_capacity(plan.units.len() + 1);
    for planned in &plan.units {
        let parts: Vec<&str> = planned.parts.iter().map(|part| part.1.as_str()).collect();
        let unit = unit(UNIT, ledger_key(id, &planned.key)?, &planned.key, &parts)?;
        units.push(Unit { memory_bytes: UNIT_BYTES, ..unit });
    }
    // The coarsest tier is made of all the others.
    let coarsest = plan.units.iter().map(|u| u.tier).max();
    let of_it = plan.units.iter().filter(|u| Some(u.tier) == coarsest).map(|u| u.key.as_str());
    let of_it: Vec<&str> = of_it.collect();
    units.push(unit(STORE, key_of(STORE, &(id, store))?, store, &of_it)?);
    Ok(Job {
        key: job_key(id, plan.channel),
        kind: "pyramid".into(),
        title: format!("Spectrum pyramid of {}", deployment.name),
        deployment: Some(id.clone()),
        priority: Priority::BACKGROUND,
        units,
    })
}

/// Makes the unit of a plan that has this key, unless it is there; tells whether it was made now.
///
/// # Errors
/// When the plan has no such unit, it was stopped, or something can't be read or written; `unreadable` says
/// what comes of a recording that can't be read.
pub fn make(
    plan: &Plan,
    recordings: &Recordings,
    folder: &Folder,
    key: &str,
    context: &UnitContext,
    unreadable: impl FnOnce(Unreadable) -> UnitError,
) -> Result<bool, UnitError> {
    let unit = plan.units.iter().find(|unit| unit.key == key).ok_or_else(outdated)?;
    if folder.has_whole_unit(key) {
        return Ok(false);
    }
    let cancelled = &mut || context.cancelled();
    let made = make_unit(plan, unit, recordings, folder, cancelled);
    made.map(|()| true).map_err(|failure| error_of(failure, unreadable))
}

fn error_of(failure: UnitFailure, unreadable: impl FnOnce(Unreadable) -> UnitError) -> UnitError {
    match failure {
        UnitFailure::Cancelled => UnitError::stopped(),
        UnitFailure::Disk { path, error } => UnitError::of_file(&error, &path),
        UnitFailure::Unreadable(error) => unreadable(error),
        UnitFailure::PartMissing(_) => UnitError::passing(failure.to_string()),
        UnitFailure::Encode(_) => UnitError::lasting(failure.to_string()),
    }
}

/// Publishes a plan, as the store of this name.
///
/// # Errors
/// When the plan's is another one, or it can't be written.
pub fn make_store(
    plan: &Plan,
    folder: &Folder,
    description: &Description,
    name: &str,
) -> Result<Made, UnitError> {
    if store_name(plan, description) != name {
        return Err(outdated());
    }
    let path = publish(plan, folder, description).map_err(|error| match error {
        PublishError::Disk { path, error } if error.kind() != std::io::ErrorKind::NotFound => {
            UnitError::of_file(&error, &path)
        }
        // A unit's file that is gone is made again.
        other => UnitError::passing(other.to_string()),
    })?;
    Ok(Made { path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Remedy;

    #[test]
    fn a_full_disk_lets_a_unit_wait_and_is_no_fault_of_it() {
        let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let failure = UnitFailure::Disk { path: "/disk/pyramids/bay/spectrum".into(), error };
        let told = error_of(failure, |_| UnitError::stopped());
        assert_eq!(told.remedy, Remedy::Space);
        assert!(told.message.contains("the disk is full") && told.message.contains("/disk"));
    }
}
