//! The files of a network: on the person's disk, or at addresses. Each is read when it is asked for, and
//! held no longer.

use js_sys::Uint8Array;
use spyhop_model::{Classifier, ModelError, ModelFiles, OpenOptions};
use spyhop_words::listener::files as words;
use spyhop_workers::listening::{MOST_WEIGHT_BYTES, NetworkFiles};
use spyhop_workers::{Message, NO_ANSWER, status_message};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, FileReaderSync, XmlHttpRequest, XmlHttpRequestResponseType};

/// A network's folder.
pub struct Files<'a> {
    network: &'a NetworkFiles,
    /// Of each file that has no address.
    blobs: Vec<Blob>,
}

/// Opens a network whose files ride along with a message, or lie at addresses.
///
/// # Errors
/// When it is too large for a tab, or can't be opened, for a person.
pub fn open(network: &NetworkFiles, message: &Message) -> Result<Classifier, String> {
    let adapter = network.adapter.as_deref();
    let files = network.files.iter().chain(adapter.iter().flat_map(|adapter| &adapter.files));
    let bytes: u64 = files.map(|file| file.bytes).sum();
    if bytes > MOST_WEIGHT_BYTES {
        let megabytes = |bytes: u64| format!("{:.0}", bytes as f64 / 1e6);
        let (has, most) = (megabytes(bytes), megabytes(MOST_WEIGHT_BYTES));
        return Err(words::too_large(&network.name, has, most));
    }
    let objects = message.objects.iter().cloned();
    let blobs = objects.filter_map(|object| object.dyn_into::<Blob>().ok()).collect();
    let adapter = adapter.map(|network| Files { network, blobs: Vec::new() });
    let options = OpenOptions {
        adapter: adapter.as_ref().map(|files| files as &dyn ModelFiles),
        ..OpenOptions::default()
    };
    Classifier::open_with(&Files { network, blobs }, &options).map_err(|error| error.to_string())
}

impl ModelFiles for Files<'_> {
    fn place(&self) -> String {
        self.network.name.clone()
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ModelError> {
        let Some(at) = self.network.files.iter().position(|file| file.name == name) else {
            return Ok(None);
        };
        let before = self.network.files.iter().take(at);
        let read = match &self.network.files[at].url {
            Some(url) => fetched(url, self.network.authorisation.as_deref()),
            None => match self.blobs.get(before.filter(|file| file.url.is_none()).count()) {
                Some(blob) => of_disk(blob),
                None => Err(words::NOT_ALONG.to_owned()),
            },
        };
        let failed = |reason| ModelError::Read { file: self.path(name), reason };
        read.map(Some).map_err(failed)
    }
}

fn of_disk(blob: &Blob) -> Result<Vec<u8>, String> {
    let buffer = FileReaderSync::new().and_then(|reader| reader.read_as_array_buffer(blob));
    let buffer = buffer.map_err(|_| words::MOVED)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn fetched(url: &str, authorisation: Option<&str>) -> Result<Vec<u8>, String> {
    let asked = (|| {
        let request = XmlHttpRequest::new()?;
        request.open_with_async("GET", url, false)?;
        request.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
        if let Some(value) = authorisation {
            request.set_request_header("Authorization", value)?;
        }
        request.send()?;
        Ok((request.status()?, request.response()?))
    })();
    match asked.map_err(|_: JsValue| NO_ANSWER)? {
        (200, buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        (status, _) => Err(status_message(status)),
    }
}
