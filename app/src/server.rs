//! What the page asks the server, if there is one: a static host has none, and that is no error.

pub mod catalogue;
pub mod detections;
pub mod models;
pub mod runs;
pub mod shares;
pub mod token;

use gloo::net::http::{Request, Response};
use serde::de::DeserializeOwned;
use spyhop_api::annotation::{AnnotationChange, AnnotationList, AnnotationStep, SharedAnnotation};
use spyhop_api::job::JobDetail;
use spyhop_api::problem::Problem;
use spyhop_api::pyramid::{PyramidInfo, PyramidList};
use spyhop_api::{Deployment, DeploymentList, StoryList, StorySummary, Timeline};
use spyhop_words::page::server as words;

use token::{authorised, get};

/// Up to this many recordings are told of with everything that is known of them.
const MOST_WHOLE: usize = 300;

/// Where the deployments are, relative to the page's base.
const DEPLOYMENTS: &str = "api/v1/deployments";

/// The deployments that the server offers; none where there is no server.
pub async fn deployments() -> Vec<Deployment> {
    let Ok(answer) = get(DEPLOYMENTS).send().await else { return Vec::new() };
    if !answer.ok() {
        return Vec::new();
    }
    // A static host may answer any path with its own page: that is no list.
    answer.json::<DeploymentList>().await.map(|l| l.deployments).unwrap_or_default()
}

/// The stories that lie with the recordings; none where there is no server.
pub async fn stories() -> Vec<StorySummary> {
    fetched::<StoryList>("api/v1/stories").await.map(|list| list.stories).unwrap_or_default()
}

/// One deployment with its recordings, or what to tell a person. Of thousands of recordings only their
/// place on the clock comes, in a compact form.
pub async fn deployment(id: &str) -> Result<Deployment, String> {
    match large_deployment(id).await {
        Some(found) => Ok(found),
        None => whole_deployment(id).await,
    }
}

/// A deployment of many recordings; `None` where it is small, or not there, or the server has no
/// timeline of it.
async fn large_deployment(id: &str) -> Option<Deployment> {
    let found = catalogue::description(id).await.ok()?;
    if found.recording_count <= MOST_WHOLE {
        return None;
    }
    let timeline: Timeline = fetched(&format!("{}/timeline", deployment_address(id))).await.ok()?;
    Some(Deployment { recordings: timeline.infos(), ..found })
}

async fn whole_deployment(id: &str) -> Result<Deployment, String> {
    let answer = get(&deployment_address(id))
        .send()
        .await
        .map_err(|_| words::no_answer_for_deployment(id))?;
    match answer.status() {
        200 => answer.json().await.map_err(|e| words::unreadable_deployment(e, id)),
        404 => Err(may_be_private(words::no_deployment(id))),
        status => Err(words::answered_for_deployment(status, id)),
    }
}

/// What is said of what is not there; whoever has not shown the administrator's token may need it.
pub fn may_be_private(said: String) -> String {
    if token::is_held() { said } else { words::may_be_private(said) }
}

/// The pyramids that the server has of a deployment; none where it has none.
pub async fn pyramids(id: &str) -> Vec<PyramidInfo> {
    let address = format!("{}/pyramid", deployment_address(id));
    let Ok(answer) = get(&address).send().await else { return Vec::new() };
    if !answer.ok() {
        return Vec::new();
    }
    answer.json::<PyramidList>().await.map(|l| l.pyramids).unwrap_or_default()
}

/// What went wrong between the page and the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServerError {
    /// What the server answered; 0 where it did not.
    pub status: u16,
    /// For a person.
    pub message: String,
}

/// The annotations of a deployment.
///
/// # Errors
/// When the server keeps none, or does not answer.
pub async fn annotations(id: &str) -> Result<Vec<SharedAnnotation>, ServerError> {
    fetched::<AnnotationList>(&annotations_address(id)).await.map(|list| list.annotations)
}

/// Adds an annotation.
///
/// # Errors
/// When the server refuses.
pub async fn create_annotation(
    id: &str,
    asked: &AnnotationChange,
) -> Result<SharedAnnotation, ServerError> {
    read(send(authorised(Request::post(&annotations_address(id))).json(asked)).await?).await
}

/// Changes the annotation of a number, if it is still of the version that was seen.
///
/// # Errors
/// When it was changed elsewhere (409), or the server refuses.
pub async fn change_annotation(
    id: &str,
    number: u64,
    version: u32,
    asked: &AnnotationChange,
) -> Result<SharedAnnotation, ServerError> {
    let address = format!("{}/{number}?version={version}", annotations_address(id));
    read(send(authorised(Request::put(&address)).json(asked)).await?).await
}

/// Removes an annotation.
///
/// # Errors
/// As [`change_annotation`].
pub async fn remove_annotation(
    id: &str,
    number: u64,
    version: u32,
    author: &str,
) -> Result<(), ServerError> {
    let author = encoded(author);
    let address = format!("{}/{number}?version={version}&author={author}", annotations_address(id));
    send(authorised(Request::delete(&address)).build()).await.map(drop)
}

/// Everything that an annotation ever said.
///
/// # Errors
/// When the server does not answer.
pub async fn history(id: &str, number: u64) -> Result<Vec<AnnotationStep>, ServerError> {
    let address = format!("{}/{number}/history", annotations_address(id));
    fetched(&address).await
}

fn annotations_address(id: &str) -> String {
    format!("{}/annotations", deployment_address(id))
}

/// Asks for something, and reads what comes.
async fn fetched<T: DeserializeOwned>(address: &str) -> Result<T, ServerError> {
    read(send(get(address).build()).await?).await
}

async fn send(request: Result<Request, gloo::net::Error>) -> Result<Response, ServerError> {
    asked(request).await.map_err(ServerError::from)
}

/// What came in the place of what was asked for.
struct Refusal {
    /// What the server answered; 0 where it did not.
    status: u16,
    /// What it said of that; empty where the answer is no answer of ours.
    said: String,
}

impl From<Refusal> for ServerError {
    fn from(Refusal { status, said }: Refusal) -> ServerError {
        let message = match (said.is_empty(), status) {
            (_, 401) => words::NEEDS_TOKEN.to_owned(),
            (false, _) => sentence(&said),
            (true, 0) => words::NO_ANSWER.to_owned(),
            (true, 404) => words::NO_SERVER.to_owned(),
            (true, _) => words::answered(status),
        };
        ServerError { status, message }
    }
}

async fn asked(request: Result<Request, gloo::net::Error>) -> Result<Response, Refusal> {
    let no_answer = |_| Refusal { status: 0, said: String::new() };
    let answer = request.map_err(no_answer)?.send().await.map_err(no_answer)?;
    if answer.ok() {
        return Ok(answer);
    }
    let status = answer.status();
    let said = answer.json::<Problem>().await.map(|p| p.detail).unwrap_or_default();
    Err(Refusal { status, said })
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, ServerError> {
    let status = answer.status();
    // A static host may answer any path with its own page.
    answer.json().await.map_err(|_| ServerError { status, message: words::NO_SERVER.to_owned() })
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.trim().ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// Address of the tiles of a deployment, without product and version.
pub fn tiles_address(id: &str) -> String {
    format!("{}/tiles", deployment_address(id))
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
    let answer = get(&recording_address(id, name))
        .send()
        .await
        .map_err(|_| words::no_answer_for_table(name))?;
    match answer.status() {
        200 => answer.text().await.map_err(|e| words::unreadable_table(name, e)),
        status => Err(words::answered_for_table(status, name)),
    }
}

/// Where the server tells of its long work by events, relative to the page's base.
pub const JOB_EVENTS: &str = "api/v1/jobs/events";

/// A job with what failed of it, or what to tell a person.
pub async fn job(id: i64) -> Result<JobDetail, String> {
    let asked = get(&format!("api/v1/jobs/{id}")).send().await;
    let answer = asked.map_err(|_| words::NO_ANSWER.to_owned())?;
    match answer.status() {
        200 => answer.json().await.map_err(words::unreadable),
        status => Err(words::answered_for_job(status, id)),
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

/// Tells the server.
///
/// # Errors
/// When it refuses, or does not answer.
pub async fn wish(id: i64, wish: &Wish) -> Result<(), ServerError> {
    let what = match wish {
        Wish::Cancel => "cancel".to_owned(),
        Wish::Pause => "pause".to_owned(),
        Wish::Retry => "retry".to_owned(),
        Wish::RetryUnit(unit) => format!("units/{}/retry", encoded(unit)),
    };
    let request = authorised(Request::post(&format!("api/v1/jobs/{id}/{what}")));
    send(request.build()).await.map(drop).map_err(|error| match error.status {
        404 => ServerError { message: words::JOB_GONE.to_owned(), ..error },
        _ => error,
    })
}

fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_problem_says_stands_as_a_sentence() {
        assert_eq!(sentence("there is no deployment 'x' here"), "There is no deployment 'x' here.");
        assert_eq!(sentence("Done."), "Done.");
    }
}
