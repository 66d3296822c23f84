//! The web app, carried inside the binary.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use spyhop_api::View;

use super::compressible::is_compressible;
use super::data::names_tag;
use super::unfurl::{Placed, Unfurled, framing, unfurled};
use super::viewing::look_at;
use super::{Served, blocking};
use crate::catalogue::access::Reader;

/// What trunk built; empty where it had not run when the binary was built.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Dist;

/// The same, packed by Brotli when the binary was built: name and bytes.
const PACKED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/packed.rs"));

/// Shown at `/` where the binary was built without the web app.
const WITHOUT_APP: &str = include_str!("without_app.html");

/// The longest link that is looked at, bytes.
const MOST_LINK: usize = 8_000;

/// Codings of a transfer, the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Coding {
    Brotli,
    Gzip,
}

/// The web app's page; `None` where the binary was built without it.
pub fn index() -> Option<String> {
    String::from_utf8(Dist::get("index.html")?.data.into_owned()).ok()
}

/// The names of the web app's files, and their bytes.
pub fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    Dist::iter().filter_map(|name| Some((name.to_string(), Dist::get(&name)?.data.into_owned())))
}

/// Answers with a file of the web app; `/` is its page, which says what a link of it shows.
pub async fn asset(
    State(served): State<Arc<Served>>,
    reader: Reader,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    if path == "index.html"
        && let Some(page) = linked(&served, reader, uri.query().unwrap_or_default(), &headers).await
    {
        let keep = [(header::CACHE_CONTROL, "no-cache"), (header::VARY, "host")];
        let framing = [framing(uri.query().unwrap_or_default())];
        return (keep, framing, axum::response::Html(page)).into_response();
    }
    let Some(file) = Dist::get(path) else {
        return match path {
            "index.html" => {
                let framing = [framing(uri.query().unwrap_or_default())];
                let keep = [(header::CACHE_CONTROL, "no-cache")];
                (keep, framing, axum::response::Html(WITHOUT_APP)).into_response()
            }
            _ => (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response(),
        };
    };
    let compressible = is_compressible(path);
    let small = packed(path);
    let coding = if compressible { accepted(&headers, small.is_some()) } else { None };
    let tag = entity_tag(&file.metadata.sha256_hash(), coding);

    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime_type(path)));
    let keep =
        if is_named_by_content(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if path == "index.html" {
        answer.extend([framing(uri.query().unwrap_or_default())]);
    }
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
    answer.insert(header::CONTENT_ENCODING, name);
    if let (Coding::Brotli, Some(small)) = (coding, small) {
        return (answer, Bytes::from_static(small)).into_response();
    }
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || zipped(&path, &plain)).await {
        Ok(body) => (answer, body).into_response(),
        Err(error) => super::ApiError::internal(&error).into_response(),
    }
}

/// The page with what a chat reads of a link of it, where the link shows something of this server.
async fn linked(
    served: &Arc<Served>,
    reader: Reader,
    query: &str,
    headers: &HeaderMap,
) -> Option<String> {
    if !query.contains("src=") || query.len() > MOST_LINK {
        return None;
    }
    let index = index().unwrap_or_else(|| WITHOUT_APP.to_owned());
    let (view, _) = View::from_query(query);
    let (asked, looking) = (view.clone(), served.clone());
    let viewed = blocking(move || look_at(&looking, asked, reader)).await.ok()?.ok()?;
    let base = served.address.base(headers, &served.guard);
    // As this program writes it: nothing of what was sent goes into the page.
    let link = view.to_query();
    let title = viewed.title();
    let deployment = &viewed.deployment;
    let said = Unfurled {
        description: match deployment.description.as_str() {
            "" => {
                format!("{} See and hear it in the browser.", deployment.credit).trim().to_owned()
            }
            description => description.to_owned(),
        },
        url: format!("{base}?{link}"),
        image: format!("{base}api/v1/view/preview.png?{link}"),
        image_alt: format!("Spectrogram: {title}"),
        title,
    };
    Some(unfurled(&index, &said, Placed::default()))
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }
}

/// The best coding that a browser takes and there is.
fn accepted(headers: &HeaderMap, is_packed: bool) -> Option<Coding> {
    let there = [is_packed.then_some(Coding::Brotli), Some(Coding::Gzip)];
    there.into_iter().flatten().find(|coding| takes(headers, coding.name()))
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

/// A file of the web app, compressed by gzip; made once and kept.
fn zipped(path: &str, plain: &[u8]) -> Bytes {
    static MADE: LazyLock<Mutex<HashMap<String, Bytes>>> = LazyLock::new(Mutex::default);
    let lock = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bytes) = lock().get(path) {
        return bytes.clone();
    }
    let bytes = Bytes::from(zip(plain));
    lock().entry(path.to_owned()).or_insert(bytes).clone()
}

fn zip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(plain.len() / 3),
        flate2::Compression::new(8),
    );
    // Writing into memory does not fail.
    let written = encoder.write_all(plain);
    debug_assert!(written.is_ok());
    encoder.finish().unwrap_or_default()
}

/// A file of the web app as the build packed it by Brotli.
fn packed(path: &str) -> Option<&'static [u8]> {
    PACKED.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
}

/// Trunk puts a hash of 16 hex digits into the names of what it builds.
fn is_named_by_content(path: &str) -> bool {
    path.split(['-', '_', '.'])
        .any(|part| (15..=16).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()))
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
        assert_eq!(accepted(&headers("gzip, deflate, br"), true), Some(Coding::Brotli));
        assert_eq!(accepted(&headers("gzip, deflate, br"), false), Some(Coding::Gzip));
        assert_eq!(accepted(&headers("gzip, br;q=0"), true), Some(Coding::Gzip));
        assert_eq!(accepted(&headers("identity"), true), None);
        assert_eq!(accepted(&HeaderMap::new(), true), None);
    }

    #[test]
    fn what_is_compressed_unpacks_to_itself() {
        use std::io::Read;
        let text: Vec<u8> = (0..50_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        let mut gzip = Vec::new();
        flate2::read::GzDecoder::new(&zip(&text)[..]).read_to_end(&mut gzip).expect("gzip");
        assert!(gzip == text);
        for path in Dist::iter().filter(|path| is_compressible(path)) {
            let packed = packed(&path).expect("the build packs them all");
            let mut plain = Vec::new();
            brotli::BrotliDecompress(&mut &*packed, &mut plain).expect("brotli");
            assert!(plain == *Dist::get(&path).expect("there").data, "{path}");
        }
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
