//! The web app, carried inside the binary.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::data::names_tag;

/// What trunk built; empty where it had not run when the binary was built.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Dist;

/// Shown at `/` where the binary was built without the web app.
const WITHOUT_APP: &str = include_str!("without_app.html");

/// Codings of a transfer, the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Coding {
    Brotli,
    Gzip,
}

/// Answers with a file of the web app; `/` is its page.
pub async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = Dist::get(path) else {
        return match path {
            "index.html" => {
                ([(header::CACHE_CONTROL, "no-cache")], axum::response::Html(WITHOUT_APP))
                    .into_response()
            }
            _ => (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response(),
        };
    };
    let compressible = is_compressible(path);
    let coding = if compressible { accepted(&headers) } else { None };
    let tag = entity_tag(&file.metadata.sha256_hash(), coding);

    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime_type(path)));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let keep =
        if is_named_by_content(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if compressible {
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Ok(value) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, value);
    }
    if names_tag(&headers, header::IF_NONE_MATCH, &tag) {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    let plain = Bytes::from(file.data.into_owned());
    let Some(coding) = coding else { return (answer, plain).into_response() };
    let name = HeaderValue::from_static(coding.name());
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || compressed(&path, coding, &plain)).await {
        Ok(body) => {
            answer.insert(header::CONTENT_ENCODING, name);
            (answer, body).into_response()
        }
        Err(error) => super::ApiError::internal(&error).into_response(),
    }
}

/// Compresses the web app before the first visitor asks for it.
pub fn warm_up() {
    for path in Dist::iter().filter(|path| is_compressible(path)) {
        if let Some(file) = Dist::get(&path) {
            for coding in [Coding::Brotli, Coding::Gzip] {
                compressed(&path, coding, &file.data);
            }
        }
    }
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }
}

/// The best coding that a browser takes.
fn accepted(headers: &HeaderMap) -> Option<Coding> {
    [Coding::Brotli, Coding::Gzip].into_iter().find(|coding| takes(headers, coding.name()))
}

/// Whether a browser takes a coding of a transfer, by its name.
pub fn takes(headers: &HeaderMap, coding: &str) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).any(|list| {
        list.split(',').any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = weight.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok());
            name.trim().eq_ignore_ascii_case(coding) && refused != Some(0.0f32)
        })
    })
}

/// A file of the web app in a coding; made once and kept.
fn compressed(path: &str, coding: Coding, plain: &[u8]) -> Bytes {
    static MADE: LazyLock<Mutex<HashMap<(String, Coding), Bytes>>> = LazyLock::new(Mutex::default);
    let lock = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (path.to_owned(), coding);
    if let Some(bytes) = lock().get(&key) {
        return bytes.clone();
    }
    let bytes = Bytes::from(compress(coding, plain));
    lock().entry(key).or_insert(bytes).clone()
}

fn compress(coding: Coding, plain: &[u8]) -> Vec<u8> {
    /// Quality 9 of 11: the last two take ten times as long for three per cent.
    const BROTLI_QUALITY: i32 = 9;
    /// 2^22 bytes hold the whole app.
    const BROTLI_WINDOW: i32 = 22;
    let mut packed = Vec::with_capacity(plain.len() / 3);
    // Writing into memory does not fail.
    let written = match coding {
        Coding::Brotli => {
            let params = brotli::enc::BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                lgwin: BROTLI_WINDOW,
                size_hint: plain.len(),
                ..Default::default()
            };
            brotli::BrotliCompress(&mut &plain[..], &mut packed, &params).map(|_| ())
        }
        Coding::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(&mut packed, flate2::Compression::new(8));
            encoder.write_all(plain).and_then(|()| encoder.finish().map(|_| ()))
        }
    };
    debug_assert!(written.is_ok());
    packed
}

/// Trunk puts a hash of 16 hex digits into the names of what it builds.
fn is_named_by_content(path: &str) -> bool {
    path.split(['-', '_', '.'])
        .any(|part| (15..=16).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_compressible(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(
        ending,
        "wasm"
            | "js"
            | "mjs"
            | "css"
            | "html"
            | "json"
            | "svg"
            | "txt"
            | "webmanifest"
            | "ttf"
            | "otf"
    )
}

fn mime_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("ttf") => "font/ttf",
        Some("otf") => "font/otf",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn entity_tag(hash: &[u8; 32], coding: Option<Coding>) -> String {
    let digits: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    match coding {
        None => format!("\"{digits}\""),
        Some(coding) => format!("\"{digits}-{}\"", coding.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_that_is_refused_is_not_sent() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
        };
        assert_eq!(accepted(&headers("gzip, deflate, br")), Some(Coding::Brotli));
        assert_eq!(accepted(&headers("gzip, br;q=0")), Some(Coding::Gzip));
        assert_eq!(accepted(&headers("identity")), None);
        assert_eq!(accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_compressed_unpacks_to_itself() {
        use std::io::Read;
        let text: Vec<u8> = (0..50_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        let (mut gzip, mut brotli) = (Vec::new(), Vec::new());
        flate2::read::GzDecoder::new(&compress(Coding::Gzip, &text)[..])
            .read_to_end(&mut gzip)
            .expect("gzip");
        brotli::BrotliDecompress(&mut &compress(Coding::Brotli, &text)[..], &mut brotli)
            .expect("brotli");
        assert!(gzip == text && brotli == text);
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_good() {
        assert!(is_named_by_content("spyhop-app-3f2a9c0d1e4b5a67_bg.wasm"));
        assert!(!is_named_by_content("index.html"));
        assert!(!is_named_by_content("sw.js"));
    }

    #[test]
    fn the_page_without_the_app_says_how_to_build_it_and_carries_its_preview() {
        assert!(WITHOUT_APP.contains("<title>Spyhop"));
        assert!(WITHOUT_APP.contains("og:title") && WITHOUT_APP.contains("og:description"));
        assert!(WITHOUT_APP.contains("make serve"));
    }
}
