//! What a guide asks this page's own server.

use gloo::net::http::{Request, RequestBuilder, Response};
use gloo::storage::{LocalStorage, SessionStorage, Storage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spyhop_api::problem::Problem;
use spyhop_words::guide::server as words;

/// Where the page keeps the administrator's token.
const TOKEN: &str = "spyhop.administratorToken";

/// What went wrong, for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// What the server answered; 0 where it did not.
    pub status: u16,
    /// What happened, and what to do.
    pub message: String,
    /// The answer as it came.
    pub body: String,
}

/// Fetches something.
///
/// # Errors
/// When it is not there, or the server refuses or does not answer.
pub async fn get<T: DeserializeOwned>(address: &str) -> Result<T, ServerError> {
    let request = authorised(Request::get(address)).build();
    read(
        answered(request.map_err(|_| unanswered())?.send().await.map_err(|_| unanswered())?)
            .await?,
    )
    .await
}

/// Sends something by a method, with further headers, and reads the answer.
///
/// # Errors
/// As [`get`].
pub async fn send<T: DeserializeOwned>(
    method: RequestBuilder,
    headers: &[(&str, &str)],
    body: &impl Serialize,
) -> Result<T, ServerError> {
    let request = with_headers(method, headers).json(body).map_err(|_| unanswered())?;
    read(answered(request.send().await.map_err(|_| unanswered())?).await?).await
}

/// Sends something by a method, where nothing but its arrival matters.
///
/// # Errors
/// As [`get`].
pub async fn tell(method: RequestBuilder, body: &impl Serialize) -> Result<(), ServerError> {
    let request = authorised(method).json(body).map_err(|_| unanswered())?;
    answered(request.send().await.map_err(|_| unanswered())?).await.map(drop)
}

/// Removes something.
///
/// # Errors
/// As [`get`].
pub async fn remove(address: &str, headers: &[(&str, &str)]) -> Result<(), ServerError> {
    let request = with_headers(Request::delete(address), headers).build();
    let request = request.map_err(|_| unanswered())?;
    answered(request.send().await.map_err(|_| unanswered())?).await.map(drop)
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

fn with_headers(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(authorised(request), |r, (name, value)| r.header(name, value))
}

/// A request that shows the token, where one is kept: every address here is of this page's own server.
fn authorised(request: RequestBuilder) -> RequestBuilder {
    let token = SessionStorage::get::<String>(TOKEN).or_else(|_| LocalStorage::get(TOKEN)).ok();
    match token {
        Some(token) => request.header("Authorization", &format!("Bearer {token}")),
        None => request,
    }
}

async fn answered(answer: Response) -> Result<Response, ServerError> {
    if answer.ok() {
        return Ok(answer);
    }
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default();
    let told = serde_json::from_str::<Problem>(&body).ok().map(|problem| problem.detail);
    let message = told.filter(|detail| !detail.is_empty()).unwrap_or_else(|| match status {
        404 | 405 => words::NO_SERVER.to_owned(),
        _ => words::answered(status),
    });
    Err(ServerError { status, message: sentence(&message), body })
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, ServerError> {
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default();
    serde_json::from_str(&body).map_err(|error| {
        // A static host may answer any path with its own page.
        let is_page = body.trim_start().starts_with('<');
        let message = match is_page {
            true => words::NO_SERVER.to_owned(),
            false => words::unreadable(error),
        };
        ServerError { status, message, body }
    })
}

fn unanswered() -> ServerError {
    ServerError { message: words::NO_ANSWER.to_owned(), ..ServerError::default() }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.trim().ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
