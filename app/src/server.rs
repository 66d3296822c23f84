//! What the page asks the server, if there is one: a static host has none, and that is no error.

pub mod catalogue;

use gloo::net::http::Request;
use spyhop_api::job::JobDetail;
use spyhop_api::{Deployment, DeploymentList};

/// Where the deployments are, relative to the page's base.
const DEPLOYMENTS: &str = "api/v1/deployments";

/// The deployments that the server offers; none where there is no server.
pub async fn deployments() -> Vec<Deployment> {
    let Ok(answer) = Request::get(DEPLOYMENTS).send().await else { return Vec::new() };
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
    format!("{DEPLOYMENTS}/{}", encoded(id))
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

/// Where the server tells of its long work by events, relative to the page's base.
pub const JOB_EVENTS: &str = "api/v1/jobs/events";

/// A job with what failed of it, or what to tell a person.
pub async fn job(id: i64) -> Result<JobDetail, String> {
    let asked = Request::get(&format!("api/v1/jobs/{id}")).send().await;
    let answer = asked.map_err(|_| "The server does not answer. Is it running?".to_owned())?;
    match answer.status() {
        200 => answer.json().await.map_err(|e| format!("The server's answer can't be read ({e}).")),
        status => Err(format!("The server answered {status} for job {id}.")),
    }
}

/// What a person wants of a job.
#[derive(Clone, Debug)]
pub enum Wish {
    Cancel,
    Pause,
    /// Try again what failed, go on with what rests.
    Retry,
    /// Try the unit of this key again.
    RetryUnit(String),
}

/// Tells the server, or gives what to tell a person.
pub async fn wish(id: i64, wish: &Wish) -> Result<(), String> {
    let what = match wish {
        Wish::Cancel => "cancel".to_owned(),
        Wish::Pause => "pause".to_owned(),
        Wish::Retry => "retry".to_owned(),
        Wish::RetryUnit(unit) => format!("units/{}/retry", encoded(unit)),
    };
    let asked = Request::post(&format!("api/v1/jobs/{id}/{what}")).send().await;
    let answer = asked.map_err(|_| "The server does not answer. Is it running?".to_owned())?;
    match answer.status() {
        200 => Ok(()),
        401 | 403 => Err("Only who runs this server may do that.".into()),
        404 => Err("That is no longer among the server's jobs.".into()),
        status => Err(format!("The server answered {status}.")),
    }
}

fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
