//! Files at addresses: whether they can be read by ranges, and what is said when they can't.

use spyhop_words::page::remote as words;
use spyhop_workers::{NO_ANSWER, status_message};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Headers, Request, RequestInit, Response};

/// A file without ranges is read whole, up to this.
const MOST_WHOLE_BYTES: f64 = 64.0 * 1024.0 * 1024.0;
/// How much is asked for to see whether ranges work.
const PROBE_BYTES: u32 = 1024;

/// How a file at an address can be read.
pub enum Remote {
    /// By ranges; its length.
    Ranges(u64),
    /// It was read whole.
    Whole(Blob),
}

/// Finds out how a file can be read; `authorisation` is shown to its server.
///
/// # Errors
/// With what happened and what to do, for a person.
pub async fn probe(url: &str, authorisation: Option<&str>) -> Result<Remote, String> {
    let abort = web_sys::AbortController::new().map_err(|_| NO_ANSWER)?;
    let range = format!("bytes=0-{}", PROBE_BYTES - 1);
    let asked = Asked { url, authorisation };
    let response = request("GET", &asked, Some(&range), Some(&abort)).await?;
    match response.status() {
        206 => {
            let total = total_length(&response);
            abort.abort();
            match total {
                Some(total) => Ok(Remote::Ranges(total)),
                // A server may keep `Content-Range` from other sites; `Content-Length` it can't.
                None => {
                    let head = request("HEAD", &asked, None, None).await?;
                    let length = content_length(&head).ok_or(words::LENGTH_NOT_SAID)?;
                    Ok(Remote::Ranges(length as u64))
                }
            }
        }
        200 => match content_length(&response) {
            Some(length) if length > MOST_WHOLE_BYTES => {
                abort.abort();
                Err(too_long(Some(length)))
            }
            _ => whole(&response, &abort).await.map(Remote::Whole),
        },
        status => {
            abort.abort();
            Err(status_message(status))
        }
    }
}

fn too_long(length: Option<f64>) -> String {
    let megabytes = |bytes: f64| format!("{:.0}", bytes / 1e6);
    match length {
        Some(bytes) => words::too_long(megabytes(bytes)),
        None => words::longer_than(megabytes(MOST_WHOLE_BYTES)),
    }
}

/// An address, and what is shown to its server.
struct Asked<'a> {
    url: &'a str,
    authorisation: Option<&'a str>,
}

async fn request(
    method: &str,
    &Asked { url, authorisation }: &Asked<'_>,
    range: Option<&str>,
    abort: Option<&web_sys::AbortController>,
) -> Result<Response, String> {
    let asked = (|| {
        let init = RequestInit::new();
        init.set_method(method);
        let headers = Headers::new()?;
        for (name, value) in [("Range", range), ("Authorization", authorisation)] {
            if let Some(value) = value {
                headers.append(name, value)?;
            }
        }
        init.set_headers(&headers);
        init.set_signal(abort.map(|a| a.signal()).as_ref());
        Request::new_with_str_and_init(url, &init)
    })();
    let asked = asked.map_err(|_| words::no_address(url))?;
    let window = web_sys::window().ok_or(NO_ANSWER)?;
    let answer = JsFuture::from(window.fetch_with_request(&asked)).await;
    Ok(answer.map_err(|_| NO_ANSWER)?.unchecked_into())
}

/// The length of the whole, from `bytes 0-1023/123456`.
fn total_length(response: &Response) -> Option<u64> {
    let range = response.headers().get("Content-Range").ok()??;
    range.rsplit('/').next()?.trim().parse().ok()
}

fn content_length(response: &Response) -> Option<f64> {
    response.headers().get("Content-Length").ok()??.trim().parse().ok()
}

/// Reads a body, up to what is allowed.
async fn whole(response: &Response, abort: &web_sys::AbortController) -> Result<Blob, String> {
    let broke = |_: JsValue| words::BROKE.to_owned();
    let body = response.body().ok_or(words::NOTHING_SENT)?;
    let reader: web_sys::ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let parts = js_sys::Array::new();
    let mut length = 0.0;
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(broke)?;
        let value = js_sys::Reflect::get(&part, &"value".into()).map_err(broke)?;
        let Some(value) = value.dyn_ref::<js_sys::Uint8Array>() else { break };
        length += f64::from(value.length());
        if length > MOST_WHOLE_BYTES {
            abort.abort();
            return Err(too_long(None));
        }
        parts.push(value);
    }
    Blob::new_with_u8_array_sequence(&parts).map_err(broke)
}
