//! A built pyramid as one Zarr store for other programs.
//!
//! A group for each level, with the levels `mean` and `max` by band, the wave form `wave_min`, `wave_max`
//! and `mean_square`, the counts `frames` and `samples`, and the coordinates `time` and `frequency`. The
//! chunks are hard links to the units' files (copies where a disk has no links), so that a store costs
//! next to nothing, and stays whole when a unit is swept away.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use spyhop_api::{Calibration, Deployment};
use spyhop_signal::pyramid::{BANDS, HOP_SAMPLES, WINDOW_SAMPLES};
use zarrs::array::{ArrayBuilder, ArrayMetadataOptions, IntoArrayBytes};
use zarrs::group::GroupBuilder;
use zarrs::metadata::{ArrayMetadata, GroupMetadata, NodeMetadata};
use zarrs::metadata_ext::group::consolidated_metadata::ConsolidatedMetadata;
use zarrs::storage::store::MemoryStore;

use super::arrays::{self, Number, Quantity, level_name};
use super::folder::Folder;
use super::plan::{LevelExtent, Plan, tier_of, unit_columns};

/// What stands beside the numbers in a store.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// What a person calls the deployment.
    pub title: String,
    /// More attributes of the store: credit, licence, what the calibration is.
    pub attributes: Map<String, Value>,
    /// What is to be added to a band's level to give dB re 1 µPa²/Hz, for each of the bands. It stands
    /// beside the levels, so that another calibration rebuilds nothing.
    pub calibration_db: Option<Vec<f64>>,
}

impl Description {
    /// What a deployment says of itself, for recordings of this rate.
    pub fn of(deployment: &Deployment, sample_rate_hz: f64) -> Description {
        let mut attributes = Map::new();
        for (name, text) in [
            ("institution", &deployment.credit),
            ("license", &deployment.licence),
            ("comment", &deployment.description),
        ] {
            if !text.is_empty() {
                attributes.insert(name.to_owned(), text.clone().into());
            }
        }
        let calibration = deployment.calibration.as_ref();
        if let Some(calibration) = calibration {
            attributes.insert("calibration".to_owned(), calibration.to_string().into());
        }
        Description {
            title: deployment.name.clone(),
            attributes,
            calibration_db: calibration.map(|c| calibration_db(c, sample_rate_hz)),
        }
    }
}

/// What is added to the level of each band to give dB re 1 µPa²/Hz; NaN where nothing is known.
fn calibration_db(calibration: &Calibration, sample_rate_hz: f64) -> Vec<f64> {
    let bin_hz = sample_rate_hz / (2.0 * (BANDS as f64 - 1.0));
    let band = |k: usize| calibration.offset_db_at(k as f64 * bin_hz).unwrap_or(f64::NAN);
    (0..BANDS).map(band).collect()
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file could not be written or linked.
    #[error("the Zarr store can't be written ({error}): {path}")]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// An array could not be described.
    #[error("the Zarr store can't be written: {0}")]
    Zarr(String),
}

/// Publishes a plan whose units are all built; returns the store's folder. A store that is there already
/// stays. It is named by a hash of what is in it.
///
/// # Errors
/// When a unit is missing or the disk says no; nothing is left behind then.
pub fn publish(
    plan: &Plan,
    folder: &Folder,
    description: &Description,
) -> Result<PathBuf, PublishError> {
    let store = folder.stores().join(store_name(plan, description));
    if store.exists() {
        return Ok(store);
    }
    let disk = |path: &Path, error| PublishError::Disk { path: path.to_owned(), error };
    let unfinished = folder.unfinished().map_err(|e| disk(folder.path(), e))?;
    let written = write(plan, folder, description, &unfinished).and_then(|()| {
        fs::create_dir_all(folder.stores()).map_err(|e| disk(&folder.stores(), e))?;
        fs::rename(&unfinished, &store).map_err(|e| disk(&store, e))
    });
    if let Err(error) = written {
        // It is swept up later too.
        let _ = fs::remove_dir_all(&unfinished);
        // Two that publish the same at once both win.
        return if store.exists() { Ok(store) } else { Err(error) };
    }
    Ok(store)
}

/// The folder's name: changes with the numbers and with what stands beside them.
pub fn store_name(plan: &Plan, description: &Description) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(plan.version.as_bytes());
    let beside = json!([description.title, description.attributes, description.calibration_db]);
    hasher.update(beside.to_string().as_bytes());
    format!("{}.zarr", &hasher.finalize().to_hex().as_str()[..32])
}

fn write(
    plan: &Plan,
    folder: &Folder,
    description: &Description,
    root: &Path,
) -> Result<(), PublishError> {
    let mut all = Vec::new();
    for extent in &plan.levels {
        let name = level_name(extent.level);
        let writer = Writer { root: root.join(&name) };
        let nodes = write_level(plan, folder, description, extent, &writer)?;
        let attributes = level_attributes(plan, extent);
        let group = writer.group(attributes, &nodes)?;
        all.push((name.clone(), NodeMetadata::Group(group)));
        all.extend(nodes.into_iter().map(|(node, metadata)| (format!("{name}/{node}"), metadata)));
    }
    let mut attributes = description.attributes.clone();
    attributes.insert("title".into(), description.title.clone().into());
    attributes.insert("version".into(), plan.version.clone().into());
    attributes.insert("dated".into(), plan.recorded.dated.into());
    attributes.insert("channel".into(), plan.channel.into());
    attributes.insert("sample_rate_hz".into(), plan.grid.sample_rate_hz().into());
    attributes.insert(
        "window".into(),
        format!("Hann (periodic), {WINDOW_SAMPLES} samples, hop {HOP_SAMPLES}").into(),
    );
    Writer { root: root.to_owned() }.group(attributes, &all).map(|_| ())
}

fn level_attributes(plan: &Plan, extent: &LevelExtent) -> Map<String, Value> {
    let mut attributes = Map::new();
    attributes.insert("level".into(), extent.level.into());
    attributes.insert("column_ns".into(), plan.grid.column_ns(extent.level).into());
    attributes.insert("first_column".into(), extent.first_stored.into());
    attributes
}

/// What a group holds, by name.
pub type Nodes = Vec<(String, NodeMetadata)>;

fn write_level(
    plan: &Plan,
    folder: &Folder,
    description: &Description,
    extent: &LevelExtent,
    writer: &Writer,
) -> Result<Nodes, PublishError> {
    let level = extent.level;
    let length = u64::try_from(extent.columns.end - extent.first_stored).unwrap_or(0);
    let mut nodes = Vec::new();
    for quantity in Quantity::BOTH {
        let mut array = arrays::power_array(level, quantity, length);
        if description.calibration_db.is_some() {
            array.attributes_mut().insert("coordinates".into(), "calibration_db".into());
        }
        nodes.push(writer.array(quantity.name(), &array)?);
    }
    for number in Number::ALL {
        nodes.push(writer.array(number.name(), &number.array(level, length))?);
    }
    for unit in plan.units.iter().filter(|unit| unit.tier == tier_of(level)) {
        let first = unit.columns(level).start;
        let chunk = (first - extent.first_stored).div_euclid(unit_columns(level));
        let from = folder.unit(&unit.key).join(level_name(level));
        for quantity in Quantity::BOTH {
            let name = quantity.name();
            writer.link(&from.join(name).join("c/0/0"), &format!("{name}/c/{chunk}/0"))?;
        }
        for name in Number::ALL.map(Number::name) {
            writer.link(&from.join(name).join("c/0"), &format!("{name}/c/{chunk}"))?;
        }
    }
    let time = arrays::time_array(&plan.grid, level, length, plan.recorded.dated);
    nodes.push(writer.array("time", &time)?);
    let chunk_columns = length.clamp(1, arrays::TIME_CHUNK_COLUMNS);
    for chunk in 0..length.div_ceil(chunk_columns) {
        let from = extent.first_stored + (chunk * chunk_columns) as i64;
        let starts: Vec<i64> = (from..from + chunk_columns as i64)
            .map(|column| column.saturating_mul(plan.grid.column_ns(level)))
            .collect();
        writer.chunk("time", &time, &[chunk], starts)?;
    }
    let frequency = arrays::band_array(json!({ "long_name": "middle of the band", "units": "Hz" }));
    nodes.push(writer.array("frequency", &frequency)?);
    let bin_hz = plan.grid.spectrum().bin_hz();
    let middles: Vec<f64> = (0..BANDS).map(|band| band as f64 * bin_hz).collect();
    writer.chunk("frequency", &frequency, &[0], middles)?;
    if let Some(calibration_db) = &description.calibration_db {
        let calibration = arrays::band_array(json!({
            "long_name": "to be added to mean and max for dB re 1 uPa^2/Hz",
            "units": "dB",
        }));
        nodes.push(writer.array("calibration_db", &calibration)?);
        writer.chunk("calibration_db", &calibration, &[0], calibration_db.clone())?;
    }
    Ok(nodes)
}

/// Writes below one group: what stands around the chunks of a store.
pub struct Writer {
    /// The group's folder.
    pub root: PathBuf,
}

impl Writer {
    /// Describes an array.
    ///
    /// # Errors
    /// When it can't be described, or the disk says no.
    pub fn array(
        &self,
        name: &str,
        array: &ArrayBuilder,
    ) -> Result<(String, NodeMetadata), PublishError> {
        let zarr = |error: zarrs::array::ArrayCreateError| PublishError::Zarr(error.to_string());
        let built = array.build(Arc::new(MemoryStore::new()), "/").map_err(zarr)?;
        let options = ArrayMetadataOptions::default().with_include_zarrs_metadata(false);
        let metadata: ArrayMetadata = built.metadata_opt(&options);
        self.file(&format!("{name}/zarr.json"), &json_bytes(&metadata)?)?;
        Ok((name.to_owned(), NodeMetadata::Array(metadata)))
    }

    /// Describes the group, and in it all that is below: a reader asks once.
    ///
    /// # Errors
    /// When it can't be described, or the disk says no.
    pub fn group(
        &self,
        attributes: Map<String, Value>,
        below: &[(String, NodeMetadata)],
    ) -> Result<GroupMetadata, PublishError> {
        let store = Arc::new(MemoryStore::new());
        let group = GroupBuilder::new().attributes(attributes).build(store, "/");
        let mut group = group.map_err(|error| PublishError::Zarr(error.to_string()))?;
        let plain = group.metadata().clone();
        let metadata = below.iter().cloned().collect();
        group.set_consolidated_metadata(Some(ConsolidatedMetadata {
            metadata,
            ..ConsolidatedMetadata::default()
        }));
        let whole = serde_json::to_value(group.metadata());
        let mut whole = whole.map_err(|error| PublishError::Zarr(error.to_string()))?;
        if let Some(Value::Object(nodes)) = whole.pointer_mut("/consolidated_metadata/metadata") {
            // zarr-python loses what is listed before the group that it lies in.
            let sorted: BTreeMap<String, Value> = std::mem::take(nodes).into_iter().collect();
            *nodes = sorted.into_iter().collect();
        }
        self.file("zarr.json", &json_bytes(&whole)?)?;
        Ok(plain)
    }

    /// Writes a chunk of an array, given by its place in each dimension.
    ///
    /// # Errors
    /// When `values` are not as many as the chunk's, or the disk says no.
    pub fn chunk<'a>(
        &self,
        name: &str,
        array: &ArrayBuilder,
        chunk: &[u64],
        values: impl IntoArrayBytes<'a>,
    ) -> Result<(), PublishError> {
        let bytes = arrays::encode(array, chunk, values);
        let bytes = bytes.map_err(|error| PublishError::Zarr(error.to_string()))?;
        let place: Vec<String> = chunk.iter().map(u64::to_string).collect();
        self.file(&format!("{name}/c/{}", place.join("/")), &bytes)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), PublishError> {
        self.at(name, |path| fs::write(path, bytes))
    }

    /// A second name for a file, or a copy of it.
    fn link(&self, from: &Path, name: &str) -> Result<(), PublishError> {
        self.at(name, |path| {
            fs::hard_link(from, path).or_else(|_| fs::copy(from, path).map(|_| ()))
        })
    }

    fn at(
        &self,
        name: &str,
        write: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<(), PublishError> {
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        let written = fs::create_dir_all(folder).and_then(|()| write(&path));
        written.map_err(|error| PublishError::Disk { path, error })
    }
}

fn json_bytes(value: &impl serde::Serialize) -> Result<Vec<u8>, PublishError> {
    serde_json::to_vec_pretty(value).map_err(|error| PublishError::Zarr(error.to_string()))
}
