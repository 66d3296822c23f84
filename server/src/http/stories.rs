//! `/api/v1/stories`: views in an order, with words, sound and questions.
//!
//! Anybody may make one from a page of this server, within the limits of shares; whoever has its edit key
//! changes it. Each answer asks anew who may see what its steps show. Those that lie with the recordings are
//! listed, and changed where they lie.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use spyhop_api::problem::PROBLEM_TYPE;
use spyhop_api::{
    MadeStory, Problem, Step, Story, StoryConflict, StoryList, StoryRequest, StorySummary, View,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::kept::{
    From, ROOM, Standing, became, edit_key, frozen, refusal, seen, standing, tag, within_rate,
};
use super::marks::Drawn;
use super::{Served, blocking, blocking_within};
use crate::catalogue::access::Reader;
use crate::catalogue::now;
use crate::keeping::{Frozen, KeepError, Kind, check_days};
use crate::stories::{captions, cleaned, unkept, with_html};

/// A story as JSON: all its steps with the longest texts have room in it.
const MOST_STORY_BYTES: usize = 1 << 20;

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(draft))
        .routes(routes!(get, change, remove))
        .routes(routes!(captions_vtt))
        .layer(DefaultBodyLimit::max(MOST_STORY_BYTES))
}

/// The stories that lie with the recordings, by title
///
/// Those that people made are found by their links alone.
#[utoipa::path(get, path = "/stories", tag = "stories", responses((status = 200, body = StoryList)))]
async fn list(
    State(served): State<Arc<Served>>,
    reader: Reader,
    headers: HeaderMap,
) -> Result<Json<StoryList>, ApiError> {
    let is_told_of_failures = served.guard.check_own(&headers).is_ok();
    let listed = blocking(move || {
        let (all, failures) = served.shelf.all();
        let mut list = StoryList::default();
        for story in all {
            // One of recordings that this reader may not see is none.
            let Some(story) = told(&served, Found::on_shelf(story), reader)? else { continue };
            list.stories.push(StorySummary {
                id: story.id,
                title: story.title,
                note: story.note,
                author: story.author,
                language: story.language,
                steps: story.steps.len(),
                path: story.path,
            });
        }
        if is_told_of_failures {
            list.failures = failures;
        }
        Ok::<_, ApiError>(list)
    });
    Ok(Json(listed.await??))
}

/// Keeps a story
///
/// The answer holds the edit key: it is shown once, and the server keeps no more than its hash.
#[utoipa::path(post, path = "/stories", tag = "stories", request_body = StoryRequest,
    responses((status = 201, body = MadeStory), (status = 400, body = Problem),
        (status = 429, body = Problem), (status = 507, body = Problem)))]
async fn create(
    State(served): State<Arc<Served>>,
    reader: Reader,
    from: From,
    headers: HeaderMap,
    Json(asked): Json<StoryRequest>,
) -> Result<Response, ApiError> {
    served.guard.check_source(&headers)?;
    within_rate(&served, reader, &from, Kind::Story)?;
    let is_administrator = reader == Reader::Administrator;
    let made = blocking_within(&ROOM, move || {
        let asked = cleaned(&asked).map_err(|wrong| refusal(wrong.into()))?;
        check_days(Kind::Story, asked.expires_days, is_administrator).map_err(refusal)?;
        let steps = frozen_steps(&served, &asked, &HashMap::new(), reader)?;
        let made = served.stories.create(&asked, &steps, is_administrator, now());
        let (kept, edit_key) = made.map_err(refusal)?;
        let story = shown(&served, Found::kept(kept), reader)?;
        Ok::<_, ApiError>(MadeStory { story, edit_key })
    });
    let made = made.await??;
    let address = format!("/api/v1/stories/{}", made.story.id);
    let headers = [(header::LOCATION, address), (header::ETAG, tag(made.story.version))];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// A story as it would be kept, without keeping it
///
/// Its words are made plain and its texts HTML; what is wrong is said as where it is kept.
#[utoipa::path(post, path = "/stories/draft", tag = "stories", request_body = StoryRequest,
    responses((status = 200, body = Story), (status = 400, body = Problem)))]
async fn draft(
    State(served): State<Arc<Served>>,
    reader: Reader,
    headers: HeaderMap,
    Json(asked): Json<StoryRequest>,
) -> Result<Json<Story>, ApiError> {
    served.guard.check_source(&headers)?;
    let story = blocking(move || {
        let asked = cleaned(&asked).map_err(|wrong| refusal(wrong.into()))?;
        // The sender's own words hide nothing from them; what they may not see is as if it were not there.
        let mut story = unkept(asked, "", now());
        for step in &mut story.steps {
            let (view, _) = View::from_query(&step.view);
            step.data = became(&served, view, None, reader);
        }
        Ok::<_, ApiError>(with_html(story))
    });
    Ok(Json(story.await??))
}

/// A story
///
/// Steps that this reader may not see are empty.
#[utoipa::path(get, path = "/stories/{id}", tag = "stories",
    params(("id" = String, Path, description = "The story")),
    responses((status = 200, body = Story), (status = 404, body = Problem)))]
async fn get(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(find(&served, id, reader).await?))
}

/// Puts another telling in a story's place
///
/// The header `spyhop-edit-key` holds its edit key, `if-match` the entity tag that was seen: a change of
/// something that was changed elsewhere in the meantime is refused, with the story as it is now.
#[utoipa::path(put, path = "/stories/{id}", tag = "stories", request_body = StoryRequest,
    params(("id" = String, Path, description = "The story")),
    responses((status = 200, body = Story), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = StoryConflict), (status = 428, body = Problem)))]
async fn change(
    State(served): State<Arc<Served>>,
    reader: Reader,
    from: From,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<StoryRequest>,
) -> Result<Response, ApiError> {
    check_kept(&served, &id)?;
    let seen = seen(&headers, Kind::Story)?;
    let key = edit_key(&served, reader, &headers, Kind::Story)?;
    // Each change may paint pictures.
    within_rate(&served, reader, &from, Kind::Story)?;
    let changed = blocking_within(&ROOM, move || {
        let asked = cleaned(&asked).map_err(|wrong| refusal(wrong.into()))?;
        let now = now();
        let held = served.stories.get(&id, now).map_err(refusal)?;
        if held.story.version != seen {
            // Before anything is painted; the store asks again.
            return conflict(&served, Found::kept(held), seen, reader);
        }
        let stood = served.stories.frozen(&id, now).map_err(refusal)?;
        let steps = frozen_steps(&served, &asked, &stood, reader)?;
        match served.stories.change(&id, seen, key.as_deref(), &asked, &steps, now) {
            Ok(kept) => Ok(answer(shown(&served, Found::kept(kept), reader)?)),
            Err(KeepError::ChangedElsewhere { .. }) => {
                let held = served.stories.get(&id, now).map_err(refusal)?;
                conflict(&served, Found::kept(held), seen, reader)
            }
            Err(error) => Err(refusal(error)),
        }
    });
    changed.await?
}

/// Takes a story back
///
/// With the headers of a change.
#[utoipa::path(delete, path = "/stories/{id}", tag = "stories",
    params(("id" = String, Path, description = "The story")),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
async fn remove(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    check_kept(&served, &id)?;
    let seen = seen(&headers, Kind::Story)?;
    let key = edit_key(&served, reader, &headers, Kind::Story)?;
    blocking(move || served.stories.remove(&id, seen, key.as_deref(), now()).map_err(refusal))
        .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// The captions of a story as WebVTT
///
/// On the time line of a story that a timer plays: what its steps say, and in brackets what is heard.
#[utoipa::path(get, path = "/stories/{id}/captions.vtt", tag = "stories",
    params(("id" = String, Path, description = "The story")),
    responses((status = 200, content_type = "text/vtt"), (status = 404, body = Problem)))]
async fn captions_vtt(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let story = find(&served, id, reader).await?;
    let headers =
        [(header::CONTENT_TYPE, "text/vtt; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, captions(&story)).into_response())
}

/// A story, wherever it lies, with what is known of its steps.
pub struct Found {
    /// The story.
    story: Story,
    /// Fingerprint, and whether anybody might see it, of each step; empty where nobody noted that.
    steps: Vec<crate::stories::KeptStep>,
}

impl Found {
    fn kept(kept: crate::stories::KeptStory) -> Found {
        Found { story: kept.story, steps: kept.steps }
    }

    fn on_shelf(story: Story) -> Found {
        Found { story, steps: Vec::new() }
    }
}

/// A story for whoever may see it, of those that lie with the recordings and of those that are kept.
///
/// # Errors
/// When there is none for this reader.
pub async fn find(served: &Arc<Served>, id: String, reader: Reader) -> Result<Story, ApiError> {
    let served = served.clone();
    blocking(move || {
        let found = match served.shelf.story(&id) {
            Some(story) => Found::on_shelf(story),
            None => Found::kept(served.stories.get(&id, now()).map_err(refusal)?),
        };
        shown(&served, found, reader)
    })
    .await?
}

/// A story as a reader may see it.
///
/// # Errors
/// When they may see nothing of it.
fn shown(served: &Served, found: Found, reader: Reader) -> Result<Story, ApiError> {
    let id = found.story.id.clone();
    told(served, found, reader)?
        .ok_or_else(|| refusal(KeepError::Missing { kind: Kind::Story, id }))
}

/// The same; `None` where there is nothing that they may see.
fn told(served: &Served, found: Found, reader: Reader) -> Result<Option<Story>, ApiError> {
    let Found { mut story, steps } = found;
    let mut is_any_shown = false;
    for (number, step) in story.steps.iter_mut().enumerate() {
        let (view, _) = View::from_query(&step.view);
        let kept = steps.get(number);
        let hide = || match kept {
            Some(_) => served.stories.hide(&story.id, number),
            None => Ok(()),
        };
        let was_public = kept.is_none_or(|kept| kept.was_public);
        if standing(served, &view, was_public, reader, hide)? == Standing::Hidden {
            *step = Step::default();
            continue;
        }
        is_any_shown = true;
        let fingerprint = kept.map(|kept| kept.fingerprint.as_str());
        step.data = became(served, view, fingerprint, Reader::Administrator);
    }
    Ok(is_any_shown.then(|| with_html(story)))
}

/// What is to be kept of each step; one whose view stays as it was stays what it was.
fn frozen_steps(
    served: &Served,
    asked: &StoryRequest,
    stood: &HashMap<String, Frozen>,
    reader: Reader,
) -> Result<Vec<Frozen>, ApiError> {
    let freeze = |(number, step): (usize, &Step)| {
        if let Some(stood) = stood.get(&step.view) {
            return Ok(stood.clone());
        }
        let (view, _) = View::from_query(&step.view);
        frozen(served, &view, &step.title, reader, Drawn::Hidden).map_err(|error| {
            let problem = error.problem();
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            // A view of nothing is a slip of whoever sent it, not of the address.
            let status = match status {
                StatusCode::NOT_FOUND => StatusCode::BAD_REQUEST,
                other => other,
            };
            ApiError::new(status, format!("step {}: {}", number + 1, problem.detail))
        })
    };
    asked.steps.iter().enumerate().map(freeze).collect()
}

/// The answer to a change of what was changed elsewhere: who did, when, and what it is now.
fn conflict(
    served: &Served,
    found: Found,
    seen: u32,
    reader: Reader,
) -> Result<Response, ApiError> {
    let story = shown(served, found, reader)?;
    let who = match story.changed_by.as_str() {
        "" => "elsewhere".to_owned(),
        name => format!("elsewhere, by {name}"),
    };
    let iso = story.changed.to_iso();
    let when = iso.get(..19).unwrap_or(&iso).replace('T', " ");
    let error = ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        format!(
            "this story was changed {who}, at {when} UTC: it is at version {}, and this change is of \
             version {seen}. The answer holds it as it is now: put yours into it, or send yours again \
             as a change of version {}",
            story.version, story.version
        ),
    );
    let headers = [
        (header::CONTENT_TYPE, PROBLEM_TYPE.to_owned()),
        (header::ETAG, tag(story.version)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = serde_json::to_vec(&StoryConflict { problem: error.problem(), story })
        .map_err(|e| ApiError::internal(&e))?;
    Ok((StatusCode::PRECONDITION_FAILED, headers, body).into_response())
}

/// # Errors
/// When the story lies with the recordings, where nobody changes it through the server.
fn check_kept(served: &Served, id: &str) -> Result<(), ApiError> {
    match served.shelf.story(id) {
        None => Ok(()),
        Some(_) => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            format!(
                "story '{id}' lies with the recordings and is changed in its file: make one of your \
                 own of it with a POST"
            ),
        )),
    }
}

fn answer(story: Story) -> Response {
    let headers = [(header::ETAG, tag(story.version)), (header::CACHE_CONTROL, "no-cache".into())];
    (headers, Json(story)).into_response()
}
