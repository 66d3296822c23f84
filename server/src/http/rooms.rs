//! `/api/v1/rooms`: classes that follow. What is said and told is `spyhop_api::room`.
//!
//! A room's own keys guard it: its code lets in, a member's token speaks for that member, the leader key
//! leads. Whoever makes one must be allowed to change something here, unless the server was started for it.

mod known;
mod socket;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::Stream;
use serde::Deserialize;
use spyhop_api::Problem;
use spyhop_api::room::{
    FromMember, JoinRequest, Joined, LabelCount, MadeRoom, News, Reach, RoomCard, RoomRequest,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Caller, Served};
use crate::keeping::Rates;
use crate::rooms::{Channel, Cursor, Room, RoomError};

/// The longest message: a leader's, with all the labels of a view.
const MOST_BYTES: usize = 256 << 10;
/// The longest that a question waits for an answer.
const MOST_WAIT_S: f64 = 25.0;
/// A sign of life for whatever closes connections that are silent.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Everything but the socket, which must stay as it is.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(make))
        .routes(routes!(card))
        .routes(routes!(join))
        .routes(routes!(log))
        .routes(routes!(say))
        .routes(routes!(answers))
        .routes(routes!(labels))
        .routes(routes!(reach))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// What flows.
pub fn channel_routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(follow))
}

/// Who asks, and what they have seen.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Asking {
    /// The member's token
    member: String,
    /// The cursor that was told with the last message, or the number of the last event
    after: String,
    /// How long to wait for something new, seconds, 25 at most (only `log`)
    wait_s: f64,
}

type Sender = Option<Extension<Caller>>;

/// Makes a room for a class
///
/// On a server that others reach the administrator makes them, unless it was started as `spyhop class`.
#[utoipa::path(post, path = "/rooms", tag = "rooms", request_body = RoomRequest,
    responses((status = 201, body = MadeRoom), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn make(
    State(served): State<Arc<Served>>,
    from: Sender,
    headers: HeaderMap,
    Json(asked): Json<RoomRequest>,
) -> Result<Response, ApiError> {
    if served.rooms_are_free {
        served.guard.check_source(&headers)?;
    } else {
        served.guard.check_change(&headers)?;
    }
    take(&served.rooms.makes, from, "rooms were made")?;
    let made = served.rooms.make(&asked, Instant::now()).map_err(refusal)?;
    let kept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, kept, Json(made)).into_response())
}

/// What whoever has the code is told of a room
#[utoipa::path(get, path = "/rooms/{code}", tag = "rooms",
    params(("code" = String, Path, description = "The room's code")),
    responses((status = 200, body = RoomCard), (status = 404, body = Problem)))]
async fn card(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    may_try(&served, &from)?;
    let room = find(&served, from, &code)?;
    if room.has_ended() {
        // Its last words are still told to those who were in it; nobody comes in any more.
        return Err(refusal(RoomError::NoRoom(code)));
    }
    Ok(fresh(Json(room.card(Instant::now()))))
}

/// Joins a room, or comes back to it
#[utoipa::path(post, path = "/rooms/{code}/join", tag = "rooms", request_body = JoinRequest,
    params(("code" = String, Path, description = "The room's code")),
    responses((status = 200, body = Joined), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem),
        (status = 507, body = Problem)))]
async fn join(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<JoinRequest>,
) -> Result<Response, ApiError> {
    served.guard.check_source(&headers)?;
    // Whoever was in it comes back, whatever others of their network try.
    let is_known = served.rooms.find(&code).is_ok_and(|room| room.member(&asked.member).is_ok());
    if !is_known {
        may_try(&served, &from)?;
    }
    let room = find(&served, from, &code)?;
    take(&served.rooms.joins, from, "members joined")?;
    let joined = room.join(&asked, Instant::now());
    if joined == Err(RoomError::WrongKey) {
        take(&served.rooms.misses, from, "keys were tried")?;
    }
    Ok(fresh(Json(joined.map_err(refusal)?)))
}

/// What happens in a room, over a WebSocket
///
/// Text messages: a `ToMember` each to the member, a `FromMember` each from it.
#[utoipa::path(get, path = "/rooms/{code}/socket", tag = "rooms",
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 101, description = "The WebSocket"), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
async fn follow(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    // Browsers let any site's page open one: it is looked at as what changes something.
    served.guard.check_source(&headers)?;
    let channel = open(&served, from, &code, &asking, None)?;
    let upgrade = upgrade.max_message_size(MOST_BYTES).max_frame_size(MOST_BYTES);
    Ok(upgrade.on_upgrade(move |socket| socket::carry(served, channel, socket)))
}

/// What happens in a room, by server-sent events
///
/// Each holds a `ToMember`; its id is a cursor.
#[utoipa::path(get, path = "/rooms/{code}/events", tag = "rooms",
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 200, content_type = "text/event-stream"), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
async fn events(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let channel = open(&served, from, &code, &asking, last)?;
    let stream = Sse::new(told(channel)).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE));
    // Web servers in front hold answers back until they are long, unless they are told not to.
    let kept = [(header::CACHE_CONTROL.as_str(), "no-store"), ("x-accel-buffering", "no")];
    Ok((kept, stream).into_response())
}

/// The messages of a channel, until the room is over.
fn told(channel: Channel) -> impl Stream<Item = Result<Event, Infallible>> {
    let begin = (channel, Vec::new().into_iter());
    futures_util::stream::unfold(begin, |(mut channel, mut batch)| async move {
        let mut next: Option<Bytes> = batch.next();
        if next.is_none() {
            batch = channel.news().await.into_iter();
            next = batch.next();
        }
        let event = Event::default().data(text(&next?));
        // What a cursor stands for has been told with the last message before it.
        let is_last = batch.as_slice().is_empty();
        let event = if is_last { event.id(channel.cursor().to_string()) } else { event };
        Some((Ok(event), (channel, batch)))
    })
}

/// What has happened in a room since, by asking again and again
#[utoipa::path(get, path = "/rooms/{code}/log", tag = "rooms",
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 200, body = News), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
async fn log(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
) -> Result<Response, ApiError> {
    let mut channel = open(&served, from, &code, &asking, None)?;
    let wait_s =
        if asking.wait_s.is_finite() { asking.wait_s.clamp(0.0, MOST_WAIT_S) } else { 0.0 };
    let waited = tokio::time::timeout(Duration::from_secs_f64(wait_s), channel.news()).await;
    let news: Vec<Bytes> = waited.unwrap_or_default();
    // They are JSON already.
    let messages: Vec<&str> = news.iter().map(text).collect();
    let body =
        format!("{{\"messages\":[{}],\"cursor\":\"{}\"}}", messages.join(","), channel.cursor());
    Ok(fresh(([(header::CONTENT_TYPE, "application/json")], body)))
}

/// Says something in a room, for those without a WebSocket
#[utoipa::path(post, path = "/rooms/{code}/say", tag = "rooms", request_body = FromMember,
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 429, body = Problem)))]
async fn say(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
    headers: HeaderMap,
    Json(said): Json<FromMember>,
) -> Result<StatusCode, ApiError> {
    served.guard.check_source(&headers)?;
    let room = find(&served, from, &code)?;
    let id = known_in(&served, &from, room.member(&asking.member))?;
    known::say(&served, &room, id, said).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The answers and results of a class as CSV, members by number
#[utoipa::path(get, path = "/rooms/{code}/answers.csv", tag = "rooms",
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 200, content_type = "text/csv"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn answers(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
) -> Result<Response, ApiError> {
    let room = find(&served, from, &code)?;
    let table = known_in(&served, &from, room.answers(&asking.member))?;
    let kept = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"answers.csv\""),
    ];
    Ok(fresh((kept, table)))
}

/// The labels that are known in what the leader shows, for a leader
#[utoipa::path(get, path = "/rooms/{code}/labels", tag = "rooms",
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 200, body = Vec<LabelCount>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn labels(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
) -> Result<Response, ApiError> {
    let room = find(&served, from, &code)?;
    let looking = known_in(&served, &from, room.looks_at(&asking.member))?;
    Ok(fresh(Json(known::counted(&served, looking).await.map_err(refusal)?)))
}

/// How other devices reach this server, and whether one has, for a leader
#[utoipa::path(get, path = "/rooms/{code}/reach", tag = "rooms",
    params(("code" = String, Path, description = "The room's code"), Asking),
    responses((status = 200, body = Reach), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn reach(
    State(served): State<Arc<Served>>,
    from: Sender,
    Path(code): Path<String>,
    Query(asking): Query<Asking>,
) -> Result<Response, ApiError> {
    let room = find(&served, from, &code)?;
    let id = known_in(&served, &from, room.member(&asking.member))?;
    if !room.is_leader(id) {
        return Err(refusal(RoomError::NotLeading));
    }
    let mut told = served.reach.told();
    if let Some(url) = served.address.public_url() {
        told.addresses.insert(0, format!("{url}/"));
    }
    Ok(fresh(Json(told)))
}

/// The room of a code. Who tries codes waits longer and longer.
fn find(served: &Served, from: Sender, code: &str) -> Result<Arc<Room>, ApiError> {
    let found = served.rooms.find(code);
    if found.is_err() {
        take(&served.rooms.misses, from, "codes were tried")?;
    }
    found.map_err(refusal)
}

/// Whether an address may try a code: not while it has to wait after wrong ones, or right ones would be told
/// from wrong ones all the same.
fn may_try(served: &Served, from: &Sender) -> Result<(), ApiError> {
    let Some(Extension(Caller(ip))) = from else { return Ok(()) };
    match served.rooms.misses.wait(*ip, Instant::now()) {
        Some(wait) => Err(ApiError::too_many("codes were tried", wait)),
        None => Ok(()),
    }
}

/// What a member's token gives; a wrong one is a try of a code, too.
fn known_in<T>(served: &Served, from: &Sender, given: Result<T, RoomError>) -> Result<T, ApiError> {
    if matches!(given, Err(RoomError::NoMember)) {
        take(&served.rooms.misses, *from, "codes were tried")?;
    }
    given.map_err(refusal)
}

/// Opens a channel from where a member is.
fn open(
    served: &Served,
    from: Sender,
    code: &str,
    asking: &Asking,
    last: Option<&str>,
) -> Result<Channel, ApiError> {
    let room = find(served, from, code)?;
    let cursor = Cursor::from_text(last.unwrap_or(&asking.after));
    known_in(served, &from, Channel::open(room, &asking.member, cursor))
}

/// Takes one out of the bucket of an address.
fn take(rates: &Rates, from: Sender, what: &str) -> Result<(), ApiError> {
    let Some(Extension(Caller(ip))) = from else { return Ok(()) };
    rates.take(ip, Instant::now()).map_err(|wait| ApiError::too_many(what, wait))
}

/// An answer that nobody keeps.
fn fresh(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}

/// A message as text; it is JSON, and so it is UTF-8.
fn text(message: &Bytes) -> &str {
    std::str::from_utf8(message).unwrap_or_default()
}

fn refusal(error: RoomError) -> ApiError {
    let status = match &error {
        RoomError::NoRoom(_) => StatusCode::NOT_FOUND,
        RoomError::NoMember | RoomError::WrongKey => StatusCode::UNAUTHORIZED,
        RoomError::NotLeading => StatusCode::FORBIDDEN,
        RoomError::Invalid(_) => StatusCode::BAD_REQUEST,
        RoomError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        RoomError::TooFast => StatusCode::TOO_MANY_REQUESTS,
        RoomError::Chance(_) => return ApiError::internal(&error),
    };
    ApiError::new(status, error.to_string())
}
