//! Views that the server keeps under short links, and what it makes of a view.

use gloo::net::http::Request;
use serde::Deserialize;
use spyhop_api::share::EDIT_KEY_HEADER;
use spyhop_api::{MadeShare, Share, ShareRequest, SharedExcerpt};

use super::token::authorised;
use super::{ServerError, encoded, fetched, read, send};

const SHARES: &str = "api/v1/shares";

/// A view in words, and the Python that makes it again.
#[derive(Clone, Debug, Deserialize)]
pub struct Cited {
    pub text: String,
    pub python: String,
}

/// Shares a view.
///
/// # Errors
/// When the server refuses, or does not answer.
pub async fn create(asked: &ShareRequest) -> Result<MadeShare, ServerError> {
    read(send(authorised(Request::post(SHARES)).json(asked)).await?).await
}

/// Gives a new share its samples, a WAV.
///
/// # Errors
/// As [`create`].
pub async fn attach(
    made: &MadeShare,
    about: &SharedExcerpt,
    wav: &[u8],
) -> Result<Share, ServerError> {
    let about = serde_json::to_string(about).unwrap_or_default();
    let address = format!("{SHARES}/{}/excerpt?about={}", made.share.id, encoded(&about));
    let request = authorised(Request::put(&address)).header(EDIT_KEY_HEADER, &made.edit_key);
    let body = js_sys::Uint8Array::from(wav);
    read(send(request.header("Content-Type", "audio/wav").body(body)).await?).await
}

/// Takes a share back.
///
/// # Errors
/// As [`create`].
pub async fn remove(made: &MadeShare) -> Result<(), ServerError> {
    let request = authorised(Request::delete(&format!("{SHARES}/{}", made.share.id)))
        .header(EDIT_KEY_HEADER, &made.edit_key)
        .header("If-Match", &format!("\"v{}\"", made.share.version));
    send(request.build()).await.map(drop)
}

/// What is told of a share, by a server or a static host.
///
/// # Errors
/// When there is no such share.
pub async fn told(id: &str) -> Result<Share, ServerError> {
    fetched(&format!("s/{}/share.json", encoded(id))).await
}

/// Cites a view by its query.
///
/// # Errors
/// When the server has not what it shows.
pub async fn cite(query: &str) -> Result<Cited, ServerError> {
    fetched(&format!("api/v1/view/cite/cite.json?{query}")).await
}
