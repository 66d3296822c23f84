//! What a class asks of the server by single requests.

use gloo::net::http::{Request, RequestBuilder, Response};
use gloo::storage::{LocalStorage, SessionStorage, Storage};
use serde::de::DeserializeOwned;
use spyhop_api::Problem;
use spyhop_api::room::{
    FromMember, JoinRequest, Joined, MadeRoom, News, Reach, RoomCard, RoomRequest,
};

/// Where rooms are, relative to the page's base.
const ROOMS: &str = "api/v1/rooms";
/// Where the main page keeps the administrator's token (`app/src/server/token.rs`).
const TOKEN: &str = "spyhop.administratorToken";
const NO_ANSWER: &str = "The server does not answer.";
const NO_SERVER: &str = "No server answers here that keeps a class: `spyhop class` runs one.";

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What the server answered; 0 where it did not.
    pub status: u16,
    /// For a person.
    pub message: String,
}

/// Begins a class.
///
/// # Errors
/// When the server refuses, or does not answer.
pub async fn make(view: &str) -> Result<MadeRoom, RequestError> {
    let asked = RoomRequest { view: view.to_owned() };
    read(send(authorised(Request::post(ROOMS)).json(&asked)).await?).await
}

/// What is told of a room before one joins it.
///
/// # Errors
/// 404 where there is none.
pub async fn card(code: &str) -> Result<RoomCard, RequestError> {
    read(send(Request::get(&of_room(code, "")).build()).await?).await
}

/// Joins a room, or comes back to it.
///
/// # Errors
/// When there is no such room, or it is full.
pub async fn join(code: &str, asked: &JoinRequest) -> Result<Joined, RequestError> {
    read(send(Request::post(&of_room(code, "/join")).json(asked)).await?).await
}

/// How other devices reach the server.
///
/// # Errors
/// When the server does not answer, or the member does not lead.
pub async fn reach(code: &str, member: &str) -> Result<Reach, RequestError> {
    let address = format!("{}?member={member}", of_room(code, "/reach"));
    read(send(Request::get(&address).build()).await?).await
}

/// What there is to be told after a cursor; waited for up to `wait_s`.
///
/// # Errors
/// When the server does not answer.
pub async fn news(
    code: &str,
    member: &str,
    after: &str,
    wait_s: u32,
) -> Result<News, RequestError> {
    let after = if after.is_empty() { String::new() } else { format!("&after={after}") };
    let address = format!("{}?member={member}&wait_s={wait_s}{after}", of_room(code, "/log"));
    read(send(Request::get(&address).build()).await?).await
}

/// Says something.
///
/// # Errors
/// When it was not done, with the reason.
pub async fn say(code: &str, member: &str, said: &FromMember) -> Result<(), RequestError> {
    let address = format!("{}?member={member}", of_room(code, "/say"));
    send(Request::post(&address).json(said)).await.map(drop)
}

/// Address of the answers as a table, for a leader.
pub fn answers_csv(code: &str, member: &str) -> String {
    format!("{}?member={member}", of_room(code, "/answers.csv"))
}

/// Address of a channel, absolute.
pub fn channel(code: &str, name: &str, member: &str, after: Option<&str>) -> String {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    format!("{}{}?member={member}{after}", base(), of_room(code, name))
}

/// The address of the page, with a slash at its end.
pub fn base() -> String {
    let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
    let base = base.split(['?', '#']).next().unwrap_or_default();
    base.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"))
}

/// A part of an address: nothing in it means anything there.
pub fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

fn of_room(code: &str, what: &str) -> String {
    format!("{ROOMS}/{code}{what}")
}

/// With the administrator's token, where a person has given one to this browser: a server that others
/// reach may let nobody else begin a class.
fn authorised(request: RequestBuilder) -> RequestBuilder {
    let of_tab = SessionStorage::get::<String>(TOKEN).ok();
    match of_tab.or_else(|| LocalStorage::get::<String>(TOKEN).ok()) {
        Some(token) => request.header("Authorization", &format!("Bearer {token}")),
        None => request,
    }
}

async fn send(request: Result<Request, gloo::net::Error>) -> Result<Response, RequestError> {
    let no_answer = |_| RequestError { status: 0, message: NO_ANSWER.to_owned() };
    let answer = request.map_err(no_answer)?.send().await.map_err(no_answer)?;
    if answer.ok() {
        return Ok(answer);
    }
    let status = answer.status();
    let said = answer.json::<Problem>().await.map(|problem| problem.detail).unwrap_or_default();
    let message = match (said.is_empty(), status) {
        (false, _) => said,
        (true, 404 | 405) => NO_SERVER.to_owned(),
        (true, _) => format!("The server answered {status}."),
    };
    Err(RequestError { status, message })
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, RequestError> {
    let status = answer.status();
    // A static host may answer any path with its own page.
    answer.json().await.map_err(|_| RequestError { status, message: NO_SERVER.to_owned() })
}
