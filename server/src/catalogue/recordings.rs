//! The recordings of a deployment for whoever reads samples: what is known of each, and a way to open
//! it wherever it lies.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use spyhop_api::RecordingInfo;
use spyhop_signal::formats::OpenOptions;
use spyhop_signal::source::SourceError;
use spyhop_signal::{OpenError, Recording};

use super::queries::InfoRow;
use super::{DeploymentFile, below, headers};
use crate::place::{Listed, Place};

/// Opens the recording with an index into [`Recordings::infos`]. It waits for a disk or the network.
pub type OpenRecording = Arc<dyn Fn(usize) -> Result<Recording, OpenError> + Send + Sync>;

/// Reads the table of calls beside the recording with an index into [`Recordings::infos`]: its text, or why
/// it can't be read; `None` where there is none.
pub type ReadTable = Arc<dyn Fn(usize) -> Option<Result<String, String>> + Send + Sync>;

/// What is known of the tables beside recordings without reading them, in the order of
/// [`Recordings::infos`]: of each its length and when it was changed. Other stamps are other calls.
pub type StampTables = Arc<dyn Fn() -> Vec<Option<(u64, SystemTime)>> + Send + Sync>;

/// Tables that hold every call of their recordings.
#[derive(Clone)]
pub struct Tables {
    /// Reads them.
    pub read: ReadTable,
    /// Says whether one of them has changed.
    pub stamps: StampTables,
}

/// What a line is laid of; cheap to clone.
#[derive(Clone)]
pub struct Recordings {
    /// By start and name.
    pub infos: Arc<Vec<RecordingInfo>>,
    /// Opens one of them.
    pub open: OpenRecording,
    /// The tables beside them, where the deployment's description says that they hold every call and the
    /// recordings lie on this machine.
    pub tables: Option<Tables>,
    /// Reads the tables beside them, whatever the description says, where the recordings lie on this machine.
    pub beside: Option<ReadTable>,
    /// Changes when the list, or anything in it, does.
    pub version: String,
}

impl Recordings {
    /// Of the rows of a deployment.
    pub(super) fn new(
        place: Option<Arc<Place>>,
        folder: &str,
        rows: Vec<InfoRow>,
        said: &DeploymentFile,
        version: String,
    ) -> Recordings {
        let folder = folder.to_owned();
        let (infos, listed): (Vec<RecordingInfo>, Vec<(u64, String)>) =
            rows.into_iter().map(|row| (row.info, (row.bytes, row.version))).unzip();
        let infos = Arc::new(infos);
        let local = place.as_ref().filter(|place| place.is_local());
        let beside = local.map(|place| tables_beside(place.clone(), folder.clone(), infos.clone()));
        let tables = local.zip(beside.clone()).filter(|_| said.all_calls_are_in_tables);
        let tables = tables.map(|(place, read)| Tables {
            read,
            stamps: stamps_beside(place.clone(), folder.clone(), infos.clone()),
        });
        let known = infos.clone();
        let options: OpenOptions = said.open_options();
        let open = move |index: usize| {
            let (Some(info), Some((bytes, version)), Some(place)) =
                (known.get(index), listed.get(index), &place)
            else {
                let error = SourceError::Io("there is no such recording in the list".into());
                return Err(OpenError::Source { name: format!("recording {index}"), error });
            };
            let path = below(&folder, &info.name);
            let file = Listed { path, bytes: *bytes, version: version.clone(), digest: None };
            let fingerprint = Some(info.fingerprint.clone());
            let options = OpenOptions { fingerprint, ..options.clone() };
            let mut recording = headers::open(place, &file, &options)?;
            // With what its sidecars say, which are not read again.
            recording.info = info.clone();
            Ok(recording)
        };
        Recordings { infos, open: Arc::new(open), tables, beside, version }
    }
}

/// Reads tables as Raven names them beside recordings: `x.Table.1.selections.txt`, or without the number.
fn tables_beside(place: Arc<Place>, folder: String, infos: Arc<Vec<RecordingInfo>>) -> ReadTable {
    read_tables(infos, move |name| place.local_path(&below(&folder, name)))
}

/// Stamps of the tables that [`tables_beside`] reads.
fn stamps_beside(place: Arc<Place>, folder: String, infos: Arc<Vec<RecordingInfo>>) -> StampTables {
    Arc::new(move || {
        let path_of = |name: &str| place.local_path(&below(&folder, name));
        let stamp = |info: &RecordingInfo| {
            let about = table_path(info, path_of)?.metadata().ok()?;
            Some((about.len(), about.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
        };
        infos.iter().map(stamp).collect()
    })
}

/// The same where `path_of` says where a name is that would lie beside a recording.
pub fn read_tables(
    infos: Arc<Vec<RecordingInfo>>,
    path_of: impl Fn(&str) -> Option<PathBuf> + Send + Sync + 'static,
) -> ReadTable {
    Arc::new(move |index| {
        let path = table_path(infos.get(index)?, &path_of)?;
        let text = std::fs::read_to_string(&path);
        Some(text.map_err(|error| format!("{} can't be read: {error}", path.display())))
    })
}

/// Where the table of a recording lies.
fn table_path(info: &RecordingInfo, path_of: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    const ENDINGS: [&str; 2] = ["Table.1.selections.txt", "selections.txt"];
    let stem = info.name.rsplit_once('.').map_or(info.name.as_str(), |(stem, _)| stem);
    let names = ENDINGS.iter().map(|ending| format!("{stem}.{ending}"));
    names.filter_map(|name| path_of(&name)).find(|path| path.is_file())
}
