//! `/api/v1/shares`: views that the server keeps under short links.
//!
//! Anybody may make one from a page of this server, within limits: reading is open, and a share shows
//! no more than its maker may see. Whoever made it changes it with its edit key. The samples of a
//! person's own recording are data, which a server that others reach takes from its administrator alone.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use serde::Deserialize;
use spyhop_api::share::EDIT_KEY_HEADER;
use spyhop_api::view::Source;
use spyhop_api::{
    MadeShare, Problem, Share, ShareChange, ShareRequest, SharedData, SharedExcerpt, View,
};
use spyhop_signal::Line;
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::source::FileSource;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::viewing::look_at;
use super::{Caller, Served, blocking, blocking_within};
use crate::catalogue::access::Reader;
use crate::catalogue::now;
use crate::excerpt::{Excerpt, Form};
use crate::shares::{Frozen, Kept, ShareError, Shares, line};
use crate::viewed::{Viewed, ViewedError, card, preview};

/// Samples as they come, before they are packed: about 30 minutes at 16 kHz and 16 bits.
const MOST_SENT_BYTES: usize = 64 << 20;
/// What is said of a share as JSON: its link and its words have room in it.
const MOST_WORDS_BYTES: usize = 64 << 10;
/// Pictures that are painted for new shares at the same time.
static ROOM: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// The routes.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, remove))
        .routes(routes!(attach))
        .layer(DefaultBodyLimit::max(MOST_WORDS_BYTES))
}

/// Shares a view
///
/// The answer holds the edit key: it is shown once, and the server keeps no more than its hash.
#[utoipa::path(post, path = "/shares", tag = "shares", request_body = ShareRequest,
    responses((status = 201, body = MadeShare), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem),
        (status = 507, body = Problem)))]
async fn create(
    State(served): State<Arc<Served>>,
    reader: Reader,
    from: Option<Extension<Caller>>,
    headers: HeaderMap,
    Json(asked): Json<ShareRequest>,
) -> Result<Response, ApiError> {
    served.guard.check_source(&headers)?;
    if asked.with_excerpt {
        served.guard.check_change(&headers)?;
    }
    let is_administrator = reader == Reader::Administrator;
    if let (false, Some(Extension(Caller(address)))) = (is_administrator, from) {
        served.rates.take(address, Instant::now()).map_err(|wait| {
            let seconds = wait.as_secs_f64().ceil();
            ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("too many shares were made from there: try again in {seconds} s"),
            )
        })?;
    }
    let made = blocking_within(&ROOM, move || make(&served, &asked, reader)).await??;
    let address = format!("/api/v1/shares/{}", made.share.id);
    let headers = [(header::LOCATION, address), (header::ETAG, tag(&made.share))];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// All shares, for the administrator
#[utoipa::path(get, path = "/shares", tag = "shares",
    responses((status = 200, body = Vec<Share>), (status = 401, body = Problem)))]
async fn list(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
) -> Result<Json<Vec<Share>>, ApiError> {
    served.guard.check_change(&headers)?;
    let shares = blocking(move || {
        let kept = served.shares.list(now()).map_err(refusal)?;
        Ok::<_, ApiError>(kept.into_iter().map(|kept| told(&served, kept)).collect())
    });
    Ok(Json(shares.await??))
}

/// A share
#[utoipa::path(get, path = "/shares/{id}", tag = "shares",
    params(("id" = String, Path, description = "The share")),
    responses((status = 200, body = Share), (status = 404, body = Problem)))]
async fn get(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(find(&served, id, reader).await?))
}

/// Changes the words of a share, or how long it stays
///
/// The header `spyhop-edit-key` holds its edit key, `if-match` the entity tag that was seen: a change of
/// something that was changed elsewhere in the meantime is refused.
#[utoipa::path(patch, path = "/shares/{id}", tag = "shares", request_body = ShareChange,
    params(("id" = String, Path, description = "The share")),
    responses((status = 200, body = Share), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
async fn change(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<ShareChange>,
) -> Result<Response, ApiError> {
    let (seen, key) = (seen(&headers)?, key(&served, reader, &headers)?);
    let share = blocking(move || {
        let kept = served.shares.change(&id, seen, key.as_deref(), &asked, now());
        kept.map_err(refusal).map(|kept| told(&served, kept))
    });
    Ok(answer(share.await??))
}

/// Takes a share back
///
/// With the headers of a change.
#[utoipa::path(delete, path = "/shares/{id}", tag = "shares",
    params(("id" = String, Path, description = "The share")),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
async fn remove(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (seen, key) = (seen(&headers)?, key(&served, reader, &headers)?);
    blocking(move || served.shares.remove(&id, seen, key.as_deref(), now()).map_err(refusal))
        .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// What is said of samples that are sent.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct About {
    /// A SharedExcerpt as JSON, without `file` and `bytes`
    about: String,
}

/// Gives a new share the samples that it shows, from somebody's own recording
///
/// The body is a WAV or any other recording of 64 MB at most; it is kept as FLAC of 20 MB at most. A
/// server that others reach asks for the administrator's token too.
#[utoipa::path(put, path = "/shares/{id}/excerpt", tag = "shares",
    params(("id" = String, Path, description = "The share"), About),
    responses((status = 200, body = Share), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 507, body = Problem)))]
async fn attach(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Query(about): Query<About>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    served.guard.check_change(&headers)?;
    let key = key(&served, reader, &headers)?;
    let excerpt = described(&about.about)?;
    let io = |e: std::io::Error| ApiError::internal(&e);
    let sent = tempfile::NamedTempFile::new().map_err(io)?;
    let mut to = sent.reopen().map_err(io)?;
    let (mut stream, mut length) = (body.into_data_stream(), 0usize);
    while let Some(piece) = stream.next().await {
        let piece =
            piece.map_err(|e| ApiError::bad_request(format!("the samples broke off: {e}")))?;
        length += piece.len();
        if length > MOST_SENT_BYTES {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("{} MB at most are taken: show less", MOST_SENT_BYTES >> 20),
            ));
        }
        to.write_all(&piece).map_err(io)?;
    }
    let share = blocking_within(&ROOM, move || {
        let kept = keep_samples(&served, &id, key.as_deref(), excerpt, sent.path());
        kept.map(|kept| told(&served, kept))
    });
    Ok(answer(share.await??))
}

/// A share, with what became of its recordings, for whoever may see it.
///
/// # Errors
/// When there is none for this reader.
pub async fn find(served: &Arc<Served>, id: String, reader: Reader) -> Result<Share, ApiError> {
    let served = served.clone();
    blocking(move || {
        let kept = served.shares.get(&id, now()).map_err(refusal)?;
        if !is_shown(&served, &kept, reader)? {
            return Err(refusal(ShareError::Missing(id)));
        }
        Ok(told(&served, kept))
    })
    .await?
}

/// A share with what became of its recordings.
fn told(served: &Served, kept: Kept) -> Share {
    Share { data: became(served, &kept.share), ..kept.share }
}

/// Whether a share may be shown: not where its recordings are kept from this reader by now, or were when
/// they were last here.
fn is_shown(served: &Served, kept: &Kept, reader: Reader) -> Result<bool, ApiError> {
    let (view, _) = View::from_query(&kept.share.view);
    let Source::Deployment { id, .. } = &view.source else { return Ok(true) };
    let is_there = |reader| {
        let found = served.catalogue.description(id, reader);
        found.map(|found| found.is_some()).map_err(|e| ApiError::internal(&e))
    };
    if is_there(Reader::Public)? {
        return Ok(true);
    }
    let is_hidden = is_there(Reader::Administrator)?;
    if is_hidden && kept.was_public {
        // Once they are gone, nothing else says that they were private.
        served.shares.hide(&kept.share.id).map_err(refusal)?;
    }
    Ok(reader == Reader::Administrator || kept.was_public && !is_hidden)
}

/// What became of the recordings under a share.
fn became(served: &Served, share: &Share) -> SharedData {
    let (view, _) = View::from_query(&share.view);
    match look_at(served, view, Reader::Administrator) {
        Ok(_) if share.excerpt.is_some() => SharedData::Same,
        Ok(viewed) if viewed.fingerprint() == share.fingerprint => SharedData::Same,
        Ok(_) | Err(ViewedError::Failed(_)) => SharedData::Changed,
        Err(ViewedError::Gone(_)) => SharedData::Gone,
        Err(ViewedError::Elsewhere) => SharedData::Elsewhere,
    }
}

fn make(served: &Served, asked: &ShareRequest, reader: Reader) -> Result<MadeShare, ApiError> {
    let is_administrator = reader == Reader::Administrator;
    let mut view = Shares::check(asked, is_administrator).map_err(refusal)?;
    let given = line(&asked.title);
    let titled = |title: String| if given.is_empty() { title } else { given.clone() };
    if asked.with_excerpt {
        view.source = Source::None;
    }
    let painted = |title: &str, what: &str| card(title, what).map_err(|e| ApiError::internal(&e));
    let frozen = match look_at(served, view.clone(), reader) {
        Ok(viewed) => {
            let title = titled(viewed.title());
            let public = look_at(served, view.clone(), Reader::Public);
            Frozen {
                preview: match preview(&viewed, &title) {
                    Ok(png) => png,
                    Err(error) => {
                        tracing::warn!("a share keeps no picture: {error}");
                        painted(&title, viewed.name())?
                    }
                },
                view: view.to_query(),
                fingerprint: viewed.fingerprint(),
                was_public: public.is_ok(),
                title,
            }
        }
        Err(ViewedError::Elsewhere) => {
            let (name, fingerprint) = named(&view);
            let title = titled(name.clone());
            let preview = painted(&title, &name)?;
            Frozen { preview, view: view.to_query(), fingerprint, was_public: true, title }
        }
        Err(error) => return Err(ApiError::not_found(error.to_string())),
    };
    let made = served.shares.create(asked, &frozen, is_administrator, now());
    let (kept, edit_key) = made.map_err(refusal)?;
    Ok(MadeShare { share: told(served, kept), edit_key })
}

/// Name and fingerprint of what is not on this server, as the link itself says.
fn named(view: &View) -> (String, String) {
    match &view.source {
        Source::Local(files) => {
            let name = files.first().map(|f| line(&f.name)).unwrap_or_default();
            let prints: Vec<&str> = files.iter().map(|f| f.fingerprint.as_str()).collect();
            (name, prints.join(" "))
        }
        Source::Urls(urls) => {
            let last =
                urls.first().and_then(|url| url.split(['?', '#']).next()).unwrap_or_default();
            (line(last.rsplit('/').next().unwrap_or(last)), String::new())
        }
        _ => ("A recording".to_owned(), String::new()),
    }
}

/// Packs samples that were sent, and gives them to their share.
fn keep_samples(
    served: &Served,
    id: &str,
    key: Option<&str>,
    excerpt: SharedExcerpt,
    sent: &std::path::Path,
) -> Result<Kept, ApiError> {
    let held = served.shares.get(id, now()).map_err(refusal)?.share;
    let io = |e: std::io::Error| ApiError::internal(&e);
    let unreadable = |error: String| {
        ApiError::bad_request(format!("what was sent can't be read as a recording: {error}"))
    };
    let source = FileSource::open(sent).map_err(|e| unreadable(e.to_string()))?;
    // With its clock: what the file itself says of it is no more than this.
    let options = OpenOptions { start: excerpt.start, ..OpenOptions::default() };
    let recording = formats::open("excerpt.wav", Box::new(source), &options)
        .map_err(|e| unreadable(e.to_string()))?;
    let infos = [recording.info.clone()];
    let (line, _) = Line::new(&infos).map_err(|e| unreadable(e.to_string()))?;
    let positions = 0..line.end();
    let channels = (0..recording.info.channels).collect();
    let mut reader = LineReader::of_recording(recording).map_err(|e| unreadable(e.to_string()))?;
    let mut cut = Excerpt { reader: &mut reader, infos: &infos, positions, channels };
    let flac = tempfile::NamedTempFile::new().map_err(io)?;
    let file = cut
        .write(Form::Flac, flac.reopen().map_err(io)?)
        .map_err(|e| ApiError::bad_request(e.to_string()))?;
    let bytes = file.metadata().map_err(io)?.len();
    let excerpt = SharedExcerpt { file: file_name(&excerpt), bytes, ..excerpt };
    let shown = Share { excerpt: Some(excerpt.clone()), ..held };
    let (view, _) = View::from_query(&shown.view);
    let picture = Viewed::of_excerpt(view, &shown, flac.path())
        .and_then(|viewed| preview(&viewed, &shown.title))
        .map_err(|e| unreadable(e.to_string()))?;
    served.shares.attach(id, key, &excerpt, file, &picture, now()).map_err(refusal)
}

/// The name of the file that samples are kept in: programs read the clock from it.
fn file_name(excerpt: &SharedExcerpt) -> String {
    let stamp: Option<String> = excerpt.start.map(|start| {
        let digits: String = start.to_iso().chars().filter(char::is_ascii_digit).take(14).collect();
        format!("_{}_{}", digits.get(..8).unwrap_or(""), digits.get(8..).unwrap_or(""))
    });
    format!("excerpt{}.flac", stamp.unwrap_or_default())
}

/// What is said of samples, checked.
fn described(about: &str) -> Result<SharedExcerpt, ApiError> {
    let said: SharedExcerpt = serde_json::from_str(about)
        .map_err(|e| ApiError::bad_request(format!("about={about}: {e}")))?;
    if let Some(calibration) = &said.calibration {
        calibration.check().map_err(|e| ApiError::bad_request(e.to_string()))?;
    }
    let cut = |text: &str, most: usize| line(text).chars().take(most).collect::<String>();
    Ok(SharedExcerpt {
        file: String::new(),
        source_name: cut(&said.source_name, 200),
        source_fingerprint: cut(&said.source_fingerprint, 80),
        bytes: 0,
        ..said
    })
}

fn answer(share: Share) -> Response {
    let headers = [(header::ETAG, tag(&share)), (header::CACHE_CONTROL, "no-cache".to_owned())];
    (headers, Json(share)).into_response()
}

fn tag(share: &Share) -> String {
    format!("\"v{}\"", share.version)
}

/// The version that a change was made on, from `If-Match`.
fn seen(headers: &HeaderMap) -> Result<u32, ApiError> {
    let given = headers.get(header::IF_MATCH).and_then(|v: &HeaderValue| v.to_str().ok());
    let version =
        given.and_then(|tag| tag.trim().strip_prefix("\"v")?.strip_suffix('"')?.parse().ok());
    version.ok_or_else(|| {
        ApiError::new(
            StatusCode::PRECONDITION_REQUIRED,
            "say which version you changed: send the share's entity tag as the header 'If-Match'",
        )
    })
}

/// The edit key of a request; `None` for the administrator without one.
fn key(served: &Served, reader: Reader, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    served.guard.check_source(headers)?;
    let given = headers.get(EDIT_KEY_HEADER).and_then(|v| v.to_str().ok());
    match (given, reader) {
        (Some(key), _) => Ok(Some(key.to_owned())),
        (None, Reader::Administrator) => Ok(None),
        (None, Reader::Public) => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            format!(
                "a share is changed with its edit key: send it as the header '{EDIT_KEY_HEADER}'"
            ),
        )),
    }
}

fn refusal(error: ShareError) -> ApiError {
    let status = match &error {
        ShareError::Missing(_) => StatusCode::NOT_FOUND,
        ShareError::Invalid(_) => StatusCode::BAD_REQUEST,
        ShareError::WrongKey => StatusCode::UNAUTHORIZED,
        ShareError::ChangedElsewhere { .. } => StatusCode::PRECONDITION_FAILED,
        ShareError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        ShareError::Samples { .. } | ShareError::Chance(_) | ShareError::Database { .. } => {
            return ApiError::internal(&error);
        }
    };
    ApiError::new(status, error.to_string())
}
