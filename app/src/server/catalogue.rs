//! What the library asks the server: descriptions, what was recorded when, tables of recordings.

use gloo::net::http::{Request, Response};
use serde::de::DeserializeOwned;
use spyhop_api::{Coverage, Deployment, DeploymentList, Problem, RecordingPage, RecordingQuery};

use super::{DEPLOYMENTS, deployment_address, encoded};

/// Said where the answer is no answer of ours.
const NO_SERVER: &str = "No server answers here: this page is served as files, and has no library. \
    `spyhop serve` runs one.";

/// The deployments in which all words are found, without their recordings.
///
/// # Errors
/// What to tell a person.
pub async fn deployments(search: &str) -> Result<Vec<Deployment>, String> {
    let address = match search.trim() {
        "" => DEPLOYMENTS.to_owned(),
        words => format!("{DEPLOYMENTS}?search={}", encoded(words)),
    };
    fetched::<DeploymentList>(&address).await.map(|list| list.deployments)
}

/// A deployment without its recordings.
///
/// # Errors
/// What to tell a person.
pub async fn description(id: &str) -> Result<Deployment, String> {
    fetched(&format!("{}?recordings=false", deployment_address(id))).await
}

/// The recorded share of every hour of a deployment.
///
/// # Errors
/// What to tell a person.
pub async fn coverage(id: &str) -> Result<Coverage, String> {
    fetched(&format!("{}/coverage", deployment_address(id))).await
}

/// A page of the table of a deployment's recordings.
///
/// # Errors
/// What to tell a person.
pub async fn recordings(id: &str, query: &RecordingQuery) -> Result<RecordingPage, String> {
    fetched(&format!("{}/recordings?{}", deployment_address(id), query.to_query())).await
}

async fn fetched<T: DeserializeOwned>(address: &str) -> Result<T, String> {
    let asked = Request::get(address).send().await;
    let answer = asked.map_err(|_| "The server does not answer. Is it running?".to_owned())?;
    if !answer.ok() {
        return Err(told(answer).await);
    }
    // A static host may answer any path with its own page.
    answer.json().await.map_err(|_| NO_SERVER.to_owned())
}

/// What an answer says that is no result.
async fn told(answer: Response) -> String {
    let status = answer.status();
    match answer.json::<Problem>().await {
        Ok(problem) if !problem.detail.is_empty() => sentence(&problem.detail),
        _ if status == 404 => NO_SERVER.to_owned(),
        _ => format!("The server answered {status}."),
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.trim().ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
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
