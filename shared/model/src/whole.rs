//! Whether the weights of a folder are as long as they say themselves, without a look at them: what was torn
//! while it was copied is told where networks are listed, and not first when one is loaded.

use std::fs::File;
use std::io::{ErrorKind, Read};

use serde_json::Value;

use crate::json::JsonFile;
use crate::weights::{FILE_NAME, INDEX_NAME, shards};
use crate::{ModelError, ModelFiles, ModelFolder};

/// No header is longer, as safetensors has it.
const MOST_HEADER_BYTES: u64 = 100_000_000;

/// Looks at the headers of the files that hold a network's tensors.
///
/// # Errors
/// When one is missing, is no safetensors, or is not as long as its header says. What is in it may be wrong
/// all the same.
pub fn check_lengths(folder: &ModelFolder) -> Result<(), ModelError> {
    if check(folder, FILE_NAME)? {
        return Ok(());
    }
    // A folder without weights is told by whoever reads them.
    let Some(index) = JsonFile::read(folder, INDEX_NAME)? else { return Ok(()) };
    for shard in shards(&index)? {
        if !check(folder, &shard)? {
            return Err(ModelError::MissingFile {
                file: folder.path(&shard),
                hint: format!("{} names it", index.path),
            });
        }
    }
    Ok(())
}

/// False where there is no such file.
fn check(folder: &ModelFolder, name: &str) -> Result<bool, ModelError> {
    let unread = |error: std::io::Error| ModelError::Read {
        file: folder.path(name),
        reason: error.to_string(),
    };
    let mut file = match File::open(folder.0.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        file => file.map_err(unread)?,
    };
    let there = file.metadata().map_err(unread)?.len();
    let torn = what_is_torn(&mut file, there).map_err(unread)?;
    match torn {
        None => Ok(true),
        Some(reason) => Err(ModelError::Malformed { file: folder.path(name), reason }),
    }
}

/// What is wrong with a file of so many bytes, as far as its header tells.
fn what_is_torn(file: &mut impl Read, there: u64) -> std::io::Result<Option<String>> {
    Ok(match expected_bytes(file) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Some(format!("it has {there} bytes, which do not hold its header: copy it once more"))
        }
        expected => match expected? {
            None => Some("it does not begin as safetensors do: copy it once more".to_owned()),
            Some(expected) if expected != there => {
                Some(format!("it has {there} bytes and should have {expected}: copy it once more"))
            }
            Some(_) => None,
        },
    })
}

/// How long a file is by its header; none where that is none.
fn expected_bytes(file: &mut impl Read) -> std::io::Result<Option<u64>> {
    let mut length = [0; size_of::<u64>()];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER_BYTES {
        return Ok(None);
    }
    let mut header = Vec::new();
    if file.take(length).read_to_end(&mut header)? as u64 != length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let Ok(Value::Object(tensors)) = serde_json::from_slice(&header) else { return Ok(None) };
    let end = |tensor: &Value| tensor["data_offsets"][1].as_u64();
    let ends = tensors.iter().filter(|(name, _)| *name != "__metadata__").map(|(_, t)| end(t));
    let end = ends.collect::<Option<Vec<u64>>>().map(|ends| ends.into_iter().max().unwrap_or(0));
    Ok(end.and_then(|end| end.checked_add(size_of::<u64>() as u64 + length)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn weights_that_are_too_short_or_too_long_are_told_by_their_header() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ast_tiny");
        check_lengths(&ModelFolder(fixture.clone())).expect("sound");
        let bytes = std::fs::read(fixture.join(FILE_NAME)).expect("weights");
        let told = |mut bytes: &[u8]| {
            let there = bytes.len() as u64;
            what_is_torn(&mut bytes, there).expect("memory is read").unwrap_or_default()
        };
        assert_eq!(told(&bytes), "");
        let (whole, short) = (bytes.len(), bytes.len() - 1);
        let lengths = format!("it has {short} bytes and should have {whole}");
        assert!(told(&bytes[..short]).contains(&lengths), "{}", told(&bytes[..short]));
        let longer = [bytes.as_slice(), b"more"].concat();
        assert!(told(&longer).contains("and should have"));
        assert!(told(&bytes[..40]).contains("do not hold its header"));
        assert!(told(b"no").contains("do not hold its header"));
        let page = told(b"<!DOCTYPE html> as a page answers that has no such file");
        assert!(page.contains("does not begin as"), "{page}");
    }
}
