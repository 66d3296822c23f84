//! `/api/v1/shares`: views that the server keeps under short links.
//!
//! Anybody may make one from a page of this server, within limits: reading is open, and a share shows
//! no more than its maker may see. Whoever made it changes it with its edit key. The samples of a
//! person's own recording are data, which a server that others reach takes from its administrator alone.

use std::io::Write;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use spyhop_api::share::MOST_SENT_BYTES;
use spyhop_api::view::Source;
use spyhop_api::{MadeShare, Problem, Share, ShareChange, ShareRequest, SharedExcerpt, View};
use spyhop_signal::Line;
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::source::FileSource;
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
use crate::excerpt::{Excerpt, Form};
use crate::keeping::{KeepError, Kind, line};
use crate::shares::{Kept, Shares};
use crate::viewed::{Viewed, preview};

/// Letters of the name of a recording that samples come from, and of the fingerprints of several.
const MOST_NAME: usize = 200;
/// See [`MOST_NAME`].
const MOST_FINGERPRINTS: usize = 2_000;
/// What is said of a share as JSON: its link and its words have room in it.
const MOST_WORDS_BYTES: usize = 64 << 10;

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
    from: From,
    headers: HeaderMap,
    Json(asked): Json<ShareRequest>,
) -> Result<Response, ApiError> {
    served.guard.check_source(&headers)?;
    if asked.with_excerpt {
        served.guard.check_change(&headers)?;
    }
    within_rate(&served, reader, &from, Kind::Share)?;
    let made = blocking_within(&ROOM, move || make(&served, &asked, reader)).await??;
    let address = format!("/api/v1/shares/{}", made.share.id);
    let headers = [(header::LOCATION, address), (header::ETAG, tag(made.share.version))];
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
    let seen = seen(&headers, Kind::Share)?;
    let key = edit_key(&served, reader, &headers, Kind::Share)?;
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
    let seen = seen(&headers, Kind::Share)?;
    let key = edit_key(&served, reader, &headers, Kind::Share)?;
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
    let key = edit_key(&served, reader, &headers, Kind::Share)?;
    let excerpt = described(&about.about)?;
    let io = |e: std::io::Error| ApiError::internal(&e);
    let sent = tempfile::NamedTempFile::new().map_err(io)?;
    let mut to = sent.reopen().map_err(io)?;
    let too_much = || {
        let most = MOST_SENT_BYTES >> 20;
        let why = format!("{most} MB at most are taken: show less");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    let said = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if said.is_some_and(|length: u64| length > MOST_SENT_BYTES) {
        return Err(too_much());
    }
    let (mut stream, mut length) = (body.into_data_stream(), 0);
    while let Some(piece) = stream.next().await {
        let piece =
            piece.map_err(|e| ApiError::bad_request(format!("the samples broke off: {e}")))?;
        length += piece.len() as u64;
        if length > MOST_SENT_BYTES {
            return Err(too_much());
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
            return Err(refusal(KeepError::Missing { kind: Kind::Share, id }));
        }
        Ok(told(&served, kept))
    })
    .await?
}

/// A share with what became of its recordings.
fn told(served: &Served, kept: Kept) -> Share {
    let (view, _) = View::from_query(&kept.share.view);
    // Samples that came along are what they were.
    let fingerprint = kept.share.excerpt.is_none().then_some(kept.share.fingerprint.as_str());
    let data = became(served, view, fingerprint, Reader::Administrator);
    Share { data, ..kept.share }
}

/// Whether a share may be shown: not where its recordings are kept from this reader by now, or were when
/// they were last here.
fn is_shown(served: &Served, kept: &Kept, reader: Reader) -> Result<bool, ApiError> {
    let (view, _) = View::from_query(&kept.share.view);
    let hide = || served.shares.hide(&kept.share.id);
    Ok(standing(served, &view, kept.was_public, reader, hide)? == Standing::Shown)
}

fn make(served: &Served, asked: &ShareRequest, reader: Reader) -> Result<MadeShare, ApiError> {
    let is_administrator = reader == Reader::Administrator;
    let mut view = Shares::check(asked, is_administrator).map_err(refusal)?;
    if asked.with_excerpt {
        view.source = Source::None;
    }
    let frozen = frozen(served, &view, &asked.title, reader, Drawn::Shown)?;
    let made = served.shares.create(asked, &frozen, is_administrator, now());
    let (kept, edit_key) = made.map_err(refusal)?;
    Ok(MadeShare { share: told(served, kept), edit_key })
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
        source_name: cut(&said.source_name, MOST_NAME),
        source_fingerprint: cut(&said.source_fingerprint, MOST_FINGERPRINTS),
        bytes: 0,
        ..said
    })
}

fn answer(share: Share) -> Response {
    let headers =
        [(header::ETAG, tag(share.version)), (header::CACHE_CONTROL, "no-cache".to_owned())];
    (headers, Json(share)).into_response()
}
