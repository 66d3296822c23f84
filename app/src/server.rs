//! What the page asks the server, if there is one: a static host has none, and that is no error.

use gloo::net::http::Request;
use spyhop_api::pyramid::{PyramidInfo, PyramidList};
use spyhop_api::{Deployment, DeploymentList};

/// The deployments that the server offers; none where there is no server.
pub async fn deployments() -> Vec<Deployment> {
    let Ok(answer) = Request::get("api/deployments").send().await else { return Vec::new() };
    if !answer.ok() {
        return Vec::new();
    }
    // A static host may answer any path with its own page: that is no list.
    answer.json::<DeploymentList>().await.map(|l| l.deployments).unwrap_or_default()
}

/// One deployment with its recordings, or what to tell a person.
pub async fn deployment(id: &str) -> Result<Deployment, String> {
    let answer = Request::get(&deployment_address(id))
        .send()
        .await
        .map_err(|_| format!("The server does not answer. Is it running? (deployment '{id}')"))?;
    match answer.status() {
        200 => answer
            .json()
            .await
            .map_err(|e| format!("The server's answer can't be read ({e}); deployment '{id}'")),
        404 => Err(format!(
            "This server has no deployment '{id}'. The link may be of another server, or the \
             recordings were moved."
        )),
        status => Err(format!("The server answered {status} for deployment '{id}'.")),
    }
}

/// The pyramids that the server has of a deployment; none where it has none.
pub async fn pyramids(id: &str) -> Vec<PyramidInfo> {
    let address = format!("{}/pyramid", api_address(id));
    let Ok(answer) = Request::get(&address).send().await else { return Vec::new() };
    if !answer.ok() {
        return Vec::new();
    }
    answer.json::<PyramidList>().await.map(|l| l.pyramids).unwrap_or_default()
}

/// Address of the tiles of a deployment, without product and version.
pub fn tiles_address(id: &str) -> String {
    format!("{}/tiles", api_address(id))
}

/// Address of what programs are told of a deployment, relative to the page's base.
fn api_address(id: &str) -> String {
    format!("api/v1/deployments/{}", encoded(id))
}

/// Address of what the server tells of a deployment, relative to the page's base.
pub fn deployment_address(id: &str) -> String {
    format!("api/deployments/{}", encoded(id))
}

/// Address of a recording of a deployment, relative to the page's base.
pub fn recording_address(id: &str, name: &str) -> String {
    let path: Vec<String> = name.split('/').map(encoded).collect();
    format!("data/{}/{}", encoded(id), path.join("/"))
}

/// A table of labels of a deployment, or what to tell a person.
pub async fn table(id: &str, name: &str) -> Result<String, String> {
    let answer = Request::get(&recording_address(id, name))
        .send()
        .await
        .map_err(|_| format!("The server does not answer. Is it running? (table {name})"))?;
    match answer.status() {
        200 => answer.text().await.map_err(|e| format!("{name} can't be read ({e})")),
        status => Err(format!("The server answered {status} for the table {name}.")),
    }
}

fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
