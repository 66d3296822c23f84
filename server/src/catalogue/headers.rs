//! Opening a recording on disk: its headers only.

use std::path::Path;

use spyhop_api::RecordingInfo;

use super::EarsTime;
use crate::file_source::FileSource;

/// Reads what a file says of itself. The error is for a person and names the file.
pub fn read_headers(
    name: &str,
    path: &Path,
    sidecars: &[(String, &Path)],
    ears: EarsTime,
) -> Result<RecordingInfo, String> {
    let source = FileSource::open(path).map_err(|e| format!("{name} can't be read: {e}"))?;
    let _ = (source, sidecars, ears);
    Err(format!("{name}: no reader"))
}
