//! `data/<deployment>/<file>` and `…/file/<file>`: bytes of a recording, by ranges (RFC 9110, sections 13 and 14).

use std::io::SeekFrom;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use spyhop_api::Problem;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, asked};
use crate::catalogue::access::Reader;
use crate::place::Listed;

/// Read from the disk and sent at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// The route below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(file))
}

/// A recording or table as it is, whole or by ranges
#[utoipa::path(get, path = "/deployments/{id}/file/{name}", tag = "recordings",
    params(("id" = String, Path, description = "The deployment"),
        ("name" = String, Path, description = "The file")),
    responses((status = 200, content_type = "application/octet-stream"),
        (status = 206, description = "The part that the header `range` asks for"),
        (status = 404, body = Problem), (status = 416)))]
pub async fn file(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = (id.clone(), name.clone());
    let placed = asked(&served, move |c| c.file(&wanted.0, &wanted.1, reader))
        .await?
        .ok_or_else(|| ApiError::not_found(format!("'{id}' lists no file '{name}'")))?;
    let gone = || ApiError::not_found(format!("'{name}' of '{id}' is not there any more"));
    let mut local = None;
    let (mut len, mut tag) = (placed.file.bytes, version_tag(&placed.file));
    if placed.place.is_local() {
        // As it is now: a recorder may still be writing into it.
        let path = placed.place.local_path(&placed.file.path).ok_or_else(gone)?;
        let file = tokio::fs::File::open(path).await.map_err(|_| gone())?;
        let metadata = file.metadata().await.map_err(|e| ApiError::internal(&e))?;
        len = metadata.len();
        tag = entity_tag(len, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        local = Some(file);
    }

    let sent = match Sent::of(&method, &headers, &name, &tag, len) {
        Ok(sent) => sent,
        Err(answer) => return Ok(*answer),
    };
    let Sent { status, headers: answer, part } = sent;
    let body = match local {
        Some(file) => part_of(file, &part).await?,
        None if part.is_empty() => Body::empty(),
        None => match placed.place.stream(&placed.file, part).await {
            Ok(pieces) => Body::from_stream(pieces),
            Err(error) => return Err(ApiError::bad_gateway(error.to_string())),
        },
    };
    Ok((status, answer, body).into_response())
}

/// A file of this machine, whole or by ranges; `tag` is its entity tag, `name` tells its kind.
///
/// # Errors
/// When it can't be read.
pub async fn ranges(
    method: &Method,
    headers: &HeaderMap,
    name: &str,
    tag: &str,
    len: u64,
    file: std::fs::File,
) -> Result<Response, ApiError> {
    match Sent::of(method, headers, name, tag, len) {
        Ok(Sent { status, headers, part }) => {
            let body = part_of(tokio::fs::File::from_std(file), &part).await?;
            Ok((status, headers, body).into_response())
        }
        Err(answer) => Ok(*answer),
    }
}

async fn part_of(mut file: tokio::fs::File, part: &Range<u64>) -> Result<Body, ApiError> {
    file.seek(SeekFrom::Start(part.start)).await.map_err(|e| ApiError::internal(&e))?;
    let bytes = file.take(part.end - part.start);
    Ok(Body::from_stream(ReaderStream::with_capacity(bytes, BLOCK_BYTES)))
}

/// What is sent of a file.
struct Sent {
    status: StatusCode,
    headers: HeaderMap,
    part: Range<u64>,
}

impl Sent {
    /// By what a request asks for; an answer where no byte of the file is to be sent.
    fn of(
        method: &Method,
        headers: &HeaderMap,
        name: &str,
        tag: &str,
        len: u64,
    ) -> Result<Sent, Box<Response>> {
        let mut answer = HeaderMap::new();
        answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime_type(name)));
        answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(value) = HeaderValue::from_str(tag) {
            answer.insert(header::ETAG, value);
        }
        if names_tag(headers, header::IF_NONE_MATCH, tag) {
            return Err(Box::new((StatusCode::NOT_MODIFIED, answer).into_response()));
        }

        // A part of a file that has changed since would not fit the parts that are already there.
        let unchanged =
            !headers.contains_key(header::IF_RANGE) || names_tag(headers, header::IF_RANGE, tag);
        let asked = headers.get(header::RANGE).filter(|_| unchanged).and_then(|v| v.to_str().ok());
        let (status, part) = match asked.map_or(Asked::Whole, |text| parse_range(text, len)) {
            Asked::Whole => (StatusCode::OK, 0..len),
            Asked::Part(part) => {
                let text = format!("bytes {}-{}/{len}", part.start, part.end - 1);
                answer
                    .extend(HeaderValue::from_str(&text).ok().map(|v| (header::CONTENT_RANGE, v)));
                (StatusCode::PARTIAL_CONTENT, part)
            }
            Asked::PastEnd => {
                let text = format!("bytes */{len}");
                answer
                    .extend(HeaderValue::from_str(&text).ok().map(|v| (header::CONTENT_RANGE, v)));
                return Err(Box::new((StatusCode::RANGE_NOT_SATISFIABLE, answer).into_response()));
            }
        };
        let part_len = part.end - part.start;
        answer.insert(header::CONTENT_LENGTH, HeaderValue::from(part_len));
        if *method == Method::HEAD {
            return Err(Box::new((status, answer).into_response()));
        }
        Ok(Sent { status, headers: answer, part })
    }
}

/// The entity tag of a remote file: the store's own, or what stands for it.
fn version_tag(file: &Listed) -> String {
    if file.version.ends_with('"') {
        return file.version.clone();
    }
    let told = format!("{} {}", file.bytes, file.version);
    format!("\"{}\"", &blake3::hash(told.as_bytes()).to_hex()[..16])
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Everything: no range, several, or one that can't be understood.
    Whole,
    /// These bytes; never empty.
    Part(Range<u64>),
    /// Nothing that the file has.
    PastEnd,
}

fn parse_range(text: &str, len: u64) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|r| r.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let part = match (first.is_empty(), last.is_empty(), number(first), number(last)) {
        (true, _, _, Some(count)) => len.saturating_sub(count)..len,
        (false, true, Some(first), _) => first..len,
        (false, false, Some(first), Some(last)) if first <= last => {
            first..len.min(last.saturating_add(1))
        }
        _ => return Asked::Whole,
    };
    if part.is_empty() { Asked::PastEnd } else { Asked::Part(part) }
}

/// Changes with the file's length or time of change.
fn entity_tag(len: u64, changed: SystemTime) -> String {
    let nanos = changed.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("\"{len:x}-{nanos:x}\"")
}

/// Whether a conditional header lists an entity tag.
pub fn names_tag(headers: &HeaderMap, name: header::HeaderName, tag: &str) -> bool {
    headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).any(|list| {
        list.split(',').map(|t| t.trim().trim_start_matches("W/")).any(|t| t == tag || t == "*")
    })
}

fn mime_type(name: &str) -> &'static str {
    let lower = name.to_ascii_lowercase();
    match lower.rsplit_once('.').map(|(_, ending)| ending) {
        Some("wav" | "wave" | "bwf" | "rf64" | "bw64") => "audio/wav",
        Some("flac") => "audio/flac",
        Some("mp3") => "audio/mpeg",
        Some("ogg" | "oga") => "audio/ogg",
        Some("aif" | "aiff" | "aifc") => "audio/aiff",
        Some("txt") => "text/plain; charset=utf-8",
        Some("xml") => "application/xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_the_file_has() {
        for (text, asked) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-5", Asked::Part(2..6)),
            ("bytes=2-500", Asked::Part(2..10)),
            ("bytes=9-", Asked::Part(9..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-300", Asked::Part(0..10)),
            ("bytes=10-", Asked::PastEnd),
            ("bytes=10-12", Asked::PastEnd),
            ("bytes=-0", Asked::PastEnd),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes=18446744073709551615-18446744073709551615", Asked::PastEnd),
        ] {
            assert_eq!(parse_range(text, 10), asked, "{text}");
        }
        assert_eq!(parse_range("bytes=0-0", 0), Asked::PastEnd, "an empty file");
    }
}
