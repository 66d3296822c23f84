//! Views that the server keeps under short links, and what it makes of a view.

use gloo::net::http::{Request, RequestBuilder};
use serde::Deserialize;
use spyhop_api::share::EDIT_KEY_HEADER;
use spyhop_api::{MadeShare, Share, ShareChange, ShareRequest, SharedExcerpt};
use wasm_bindgen_futures::JsFuture;
use web_sys::wasm_bindgen::JsCast;

use super::token::{authorised, get as asked};
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

/// A share as the server keeps it.
///
/// # Errors
/// When there is none, or the server does not answer.
pub async fn get(id: &str) -> Result<Share, ServerError> {
    fetched(&address(id)).await
}

/// Changes the words of a share, or how long it stays: of the version that was seen. Without a key it is the
/// administrator who asks.
///
/// # Errors
/// 412 where it was changed elsewhere, 401 where the key is another one's.
pub async fn change(
    id: &str,
    seen: u32,
    key: &str,
    change: &ShareChange,
) -> Result<Share, ServerError> {
    let request = guarded(Request::patch(&address(id)), seen, key);
    read(send(request.json(change)).await?).await
}

/// Takes a share back.
///
/// # Errors
/// As [`change`].
pub async fn remove(id: &str, seen: u32, key: &str) -> Result<(), ServerError> {
    send(guarded(Request::delete(&address(id)), seen, key).build()).await.map(drop)
}

fn address(id: &str) -> String {
    format!("{SHARES}/{}", encoded(id))
}

fn guarded(request: RequestBuilder, seen: u32, key: &str) -> RequestBuilder {
    let request = authorised(request).header("If-Match", &format!("\"v{seen}\""));
    if key.is_empty() { request } else { request.header(EDIT_KEY_HEADER, key) }
}

/// A file that the server makes of a view: its name as the address has it, and the view's query.
///
/// # Errors
/// When the server has not what it shows, or it is too much.
pub async fn file(name: &str, query: &str) -> Result<web_sys::Blob, ServerError> {
    let answer = send(asked(&format!("api/v1/view/{name}?{query}")).build()).await?;
    let status = answer.status();
    let raw = web_sys::Response::from(answer);
    let broken =
        || ServerError { status, message: "The file broke off on its way: try again.".to_owned() };
    let blob = JsFuture::from(raw.blob().map_err(|_| broken())?).await.map_err(|_| broken())?;
    blob.dyn_into().map_err(|_| broken())
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
