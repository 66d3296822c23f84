//! What the server has to detect with.

use spyhop_api::{HostedAdapter, HostedModel, ModelFile, ModelList};
use spyhop_workers::listening::{NetworkFile, NetworkFiles};

use super::{encoded, token};

/// Where it is told of, relative to the page's base.
const MODELS: &str = "api/v1/models";

/// Networks, adapters and detectors.
///
/// # Errors
/// What to tell a person.
pub async fn list() -> Result<ModelList, String> {
    super::fetched(MODELS).await.map_err(|error| error.message)
}

/// The files of a network, and of an adapter over it, as the listener fetches them.
pub fn files_of(model: &HostedModel, adapter: Option<&HostedAdapter>) -> NetworkFiles {
    let adapter = adapter.map(|adapter| Box::new(addressed(&adapter.name, &adapter.files)));
    NetworkFiles { adapter, ..addressed(&model.name, &model.files) }
}

/// A folder of the server's.
fn addressed(name: &str, files: &[ModelFile]) -> NetworkFiles {
    let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
    let absolute = |address: String| {
        web_sys::Url::new_with_base(&address, &base).map_or(address, |url| url.href())
    };
    let file = |file: &ModelFile| NetworkFile {
        name: file.name.clone(),
        bytes: file.bytes,
        url: Some(absolute(format!("{MODELS}/{}/{}", encoded(name), encoded(&file.name)))),
    };
    NetworkFiles {
        name: name.to_owned(),
        files: files.iter().map(file).collect(),
        authorisation: token::authorisation(&absolute(MODELS.to_owned())),
        adapter: None,
    }
}
