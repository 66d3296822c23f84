//! What the library asks the server: descriptions, what was recorded when, tables of recordings.

use serde::de::DeserializeOwned;
use spyhop_api::{Coverage, Deployment, DeploymentList, RecordingPage, RecordingQuery};

use super::{DEPLOYMENTS, deployment_address, encoded};

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
    super::fetched(address).await.map_err(|error| error.message)
}
