//! `deployments`: what there is, and when it was recorded.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use spyhop_api::{
    Coverage, Deployment, DeploymentList, Finding, Problem, RecordingPage, RecordingQuery, Timeline,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, asked, no_deployment, quality};
use crate::catalogue::access::Reader;

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(deployment))
        .routes(routes!(timeline))
        .routes(routes!(coverage))
        .routes(routes!(recordings))
        .routes(routes!(rescan))
}

/// What is asked of the list.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Search {
    /// Words that are all to stand in a deployment, or in the name of a recording
    search: String,
}

/// All deployments, by name, without their recordings
#[utoipa::path(get, path = "/deployments", tag = "deployments", params(Search),
    responses((status = 200, body = DeploymentList)))]
async fn list(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Query(Search { search }): Query<Search>,
) -> Result<Json<DeploymentList>, ApiError> {
    let deployments = asked(&served, move |c| c.list(reader, &search)).await?;
    Ok(Json(DeploymentList { deployments }))
}

/// How much is told of a deployment, or of its quality.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Extent {
    /// Whether each of its recordings (and failures) is told of
    pub recordings: bool,
}

impl Default for Extent {
    fn default() -> Self {
        Extent { recordings: true }
    }
}

/// One deployment with all its recordings
///
/// For thousands of recordings the timeline is far shorter.
#[utoipa::path(get, path = "/deployments/{id}", tag = "deployments",
    params(("id" = String, Path, description = "The deployment"), Extent),
    responses((status = 200, body = Deployment), (status = 404, body = Problem)))]
async fn deployment(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Query(Extent { recordings }): Query<Extent>,
) -> Result<Json<Deployment>, ApiError> {
    let wanted = id.clone();
    let found = asked(&served, move |c| match recordings {
        true => c.deployment(&wanted, reader),
        false => c.description(&wanted, reader),
    });
    let found = found.await?;
    found.map(Json).ok_or_else(|| no_deployment(&id))
}

/// The recordings of a deployment on the clock, in a compact form
#[utoipa::path(get, path = "/deployments/{id}/timeline", tag = "deployments",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, body = Timeline), (status = 404, body = Problem)))]
async fn timeline(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Timeline>, ApiError> {
    let wanted = id.clone();
    let found = asked(&served, move |c| c.timeline(&wanted, reader)).await?;
    found.map(Json).ok_or_else(|| no_deployment(&id))
}

/// The recorded share of every hour of every day
#[utoipa::path(get, path = "/deployments/{id}/coverage", tag = "deployments",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, body = Coverage), (status = 404, body = Problem)))]
async fn coverage(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Coverage>, ApiError> {
    let wanted = id.clone();
    let found = asked(&served, move |c| c.coverage(&wanted, reader)).await?;
    found.map(Json).ok_or_else(|| no_deployment(&id))
}

/// A page of the table of recordings, sorted and filtered
#[utoipa::path(get, path = "/deployments/{id}/recordings", tag = "deployments",
    params(("id" = String, Path, description = "The deployment"), RecordingQuery),
    responses((status = 200, body = RecordingPage), (status = 404, body = Problem)))]
async fn recordings(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<RecordingQuery>,
) -> Result<Json<RecordingPage>, ApiError> {
    let quality = quality::known(&served, &id, reader).await?.ok_or_else(|| no_deployment(&id))?;
    let wanted = id.clone();
    let found = asked(&served, move |c| {
        let by_recording = quality.by_recording();
        let names = quality.recordings.iter().map(|r| r.name.as_str());
        let found_of: HashMap<&str, _> =
            names.zip(quality.recordings.iter().zip(by_recording)).collect();
        let gravest = |findings: &Vec<&Finding>| findings.iter().map(|f| f.kind.severity()).max();
        let graded = found_of.iter().filter_map(|(name, (_, all))| Some((*name, gravest(all)?)));
        let Some(mut page) = c.page(&wanted, reader, &query, &graded.collect())? else {
            return Ok(None);
        };
        for row in &mut page.rows {
            if let Some((measured, findings)) = found_of.get(row.name.as_str()) {
                row.measured = measured.quality.is_some();
                // Which others share it is nothing to a row.
                let alone = |f: &&Finding| Finding { recordings: Vec::new(), ..(*f).clone() };
                row.findings = findings.iter().map(alone).collect();
            }
        }
        Ok(Some(page))
    });
    found.await?.map(Json).ok_or_else(|| no_deployment(&id))
}

/// Looks through every place now, and not only when its time comes
#[utoipa::path(post, path = "/rescan", tag = "deployments",
    responses((status = 202), (status = 401, body = Problem)))]
async fn rescan(State(served): State<Arc<Served>>) -> StatusCode {
    served.catalogue.rescan();
    StatusCode::ACCEPTED
}
