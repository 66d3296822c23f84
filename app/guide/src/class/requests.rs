//! What a class asks of the server by single requests.

use gloo::net::http::Request;
use spyhop_api::room::{
    FromMember, JoinRequest, Joined, LabelCount, MadeRoom, News, Reach, RoomCard, RoomRequest,
};

use crate::server::{self, ServerError};

pub use crate::server::{base, encoded};

/// Where rooms are, relative to the page's base.
const ROOMS: &str = "api/v1/rooms";

/// Begins a class.
///
/// # Errors
/// When the server refuses, or does not answer.
pub async fn make(view: &str) -> Result<MadeRoom, ServerError> {
    let asked = RoomRequest { view: view.to_owned() };
    server::send(Request::post(ROOMS), &[], &asked).await
}

/// What is told of a room before one joins it.
///
/// # Errors
/// 404 where there is none.
pub async fn card(code: &str) -> Result<RoomCard, ServerError> {
    server::get(&of_room(code, "")).await
}

/// Joins a room, or comes back to it.
///
/// # Errors
/// When there is no such room, or it is full.
pub async fn join(code: &str, asked: &JoinRequest) -> Result<Joined, ServerError> {
    server::send(Request::post(&of_room(code, "/join")), &[], asked).await
}

/// How other devices reach the server.
///
/// # Errors
/// When the server does not answer, or the member does not lead.
pub async fn reach(code: &str, member: &str) -> Result<Reach, ServerError> {
    server::get(&format!("{}?member={member}", of_room(code, "/reach"))).await
}

/// What is labelled in what the leader shows, the commonest first.
///
/// # Errors
/// When the server does not answer, knows too many, or the member does not lead.
pub async fn labels(code: &str, member: &str) -> Result<Vec<LabelCount>, ServerError> {
    server::get(&format!("{}?member={member}", of_room(code, "/labels"))).await
}

/// What there is to be told after a cursor; waited for up to `wait_s`.
///
/// # Errors
/// When the server does not answer.
pub async fn news(code: &str, member: &str, after: &str, wait_s: u32) -> Result<News, ServerError> {
    let after = if after.is_empty() { String::new() } else { format!("&after={after}") };
    let address = format!("{}?member={member}&wait_s={wait_s}{after}", of_room(code, "/log"));
    server::get(&address).await
}

/// Says something.
///
/// # Errors
/// When it was not done, with the reason.
pub async fn say(code: &str, member: &str, said: &FromMember) -> Result<(), ServerError> {
    let address = format!("{}?member={member}", of_room(code, "/say"));
    server::tell(Request::post(&address), said).await
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

fn of_room(code: &str, what: &str) -> String {
    format!("{ROOMS}/{code}{what}")
}
