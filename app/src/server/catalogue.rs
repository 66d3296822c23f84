//! What the library asks the server: descriptions, what was recorded when, tables of recordings.

use serde::de::DeserializeOwned;
use spyhop_api::{
    Coverage, Deployment, DeploymentList, DeploymentQuality, QualityList, QualitySummary,
    RecordingPage, RecordingQuery,
};

use super::token::get;
use super::{DEPLOYMENTS, ServerError, asked, deployment_address, encoded, may_be_private, read};

/// Where the quality of all deployments is told in a few numbers, relative to the page's base.
const QUALITY: &str = "api/v1/quality";

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
    let address = format!("{}?recordings=false", deployment_address(id));
    let answer = asked(get(&address).build()).await.map_err(|refusal| {
        let is_not_there = refusal.status == 404 && !refusal.said.is_empty();
        let ServerError { message, .. } = refusal.into();
        if is_not_there { may_be_private(message) } else { message }
    })?;
    read(answer).await.map_err(|error| error.message)
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

/// The quality of a deployment, as far as it is measured, with what is told by recording if that is asked
/// for.
///
/// # Errors
/// What to tell a person.
pub async fn quality(id: &str, recordings: bool) -> Result<DeploymentQuality, String> {
    fetched(&format!("{}/quality?recordings={recordings}", deployment_address(id))).await
}

/// The quality of all deployments, in a few numbers each.
///
/// # Errors
/// What to tell a person.
pub async fn qualities() -> Result<Vec<QualitySummary>, String> {
    fetched::<QualityList>(QUALITY).await.map(|list| list.deployments)
}

async fn fetched<T: DeserializeOwned>(address: &str) -> Result<T, String> {
    super::fetched(address).await.map_err(|error| error.message)
}
