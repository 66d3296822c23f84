//! What the page asks the server, if there is one: a static host has none, and that is no error.

use gloo::net::http::Request;
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

/// Address of what the server tells of a deployment, relative to the page's base.
pub fn deployment_address(id: &str) -> String {
    format!("api/deployments/{}", encoded(id))
}

/// Address of a recording of a deployment, relative to the page's base.
pub fn recording_address(id: &str, name: &str) -> String {
    let path: Vec<String> = name.split('/').map(encoded).collect();
    format!("data/{}/{}", encoded(id), path.join("/"))
}

fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
