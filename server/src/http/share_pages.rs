//! `/s/ID`: the page behind a short link, its picture, and the samples that came with it.

use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use spyhop_api::{Share, SharedData};

use super::error::ApiError;
use super::shares::find;
use super::unfurl::{Placed, Unfurled, escaped, framing, in_head, unfurled};
use super::{Served, blocking, data, web_app};
use crate::catalogue::access::Reader;
use crate::catalogue::now;

/// The routes.
pub fn routes() -> Router<Arc<Served>> {
    Router::new()
        .route("/s/{id}", get(page))
        .route("/s/{id}/preview.png", get(picture))
        .route("/s/{id}/share.json", get(told))
        .route("/s/{id}/{file}", get(samples))
}

/// A share as static pages have it.
pub struct StaticShare<'a> {
    /// The share.
    pub share: &'a Share,
    /// Where the pages will stand, with a slash at the end; empty where that is not known.
    pub base: &'a str,
    /// The app's address from the page.
    pub to_app: &'a str,
}

/// The page of a share: the app's, which opens it, with what a chat reads of it. `index` is the app's page.
pub fn static_page(index: &str, of: &StaticShare<'_>) -> String {
    let share = of.share;
    let query = format!("{}&share={}", share.view, share.id);
    let picture = format!("{}{}/preview.png", of.to_app, share.path);
    let said = Unfurled {
        url: format!("{}{}", of.base, share.path),
        image: match of.base {
            "" => picture.clone(),
            base => format!("{base}{}/preview.png", share.path),
        },
        ..said_of(share)
    };
    let without_script = format!("<noscript>{}</noscript>", words(share, &picture));
    let placed =
        Placed { base: Some(of.to_app), query: Some(&query), without_script: &without_script };
    unfurled(index, &said, placed)
}

async fn page(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let share = match find(&served, id, reader).await {
        Ok(share) => share,
        Err(error) => return missing(&error),
    };
    let base = served.address.base(&headers, &served.guard);
    let of = StaticShare { share: &share, base: &base, to_app: "../" };
    let page = match (share.data, web_app::index()) {
        // There is nothing to open: the page is what was kept.
        (SharedData::Gone, _) | (_, None) => kept_page(&of),
        (_, Some(index)) => static_page(&index, &of),
    };
    let framing = [framing(query.as_deref().unwrap_or_default())];
    ([(header::CACHE_CONTROL, "no-cache")], framing, Html(page)).into_response()
}

async fn picture(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    find(&served, id.clone(), reader).await?;
    let found = blocking(move || served.shares.preview(&id, now())).await?;
    let png = found.map_err(|e| ApiError::not_found(e.to_string()))?;
    let headers =
        [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=300")];
    Ok((headers, png).into_response())
}

async fn told(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let share = find(&served, id, reader).await?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], axum::Json(share)).into_response())
}

/// The FLAC that came with a share, whole or by ranges.
async fn samples(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, file)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let share = find(&served, id, reader).await?;
    let path = served.shares.samples_path(&share);
    let nothing = || ApiError::not_found(format!("this share has no file '{file}'"));
    let path = path.filter(|p| p.file_name().is_some_and(|n| *n == *file)).ok_or_else(nothing)?;
    let mut opened = tokio::fs::File::open(path).await.map_err(|_| nothing())?.into_std().await;
    let length = opened.seek(SeekFrom::End(0)).map_err(|e| ApiError::internal(&e))?;
    let tag = format!("\"{}-{length:x}\"", share.id);
    data::ranges(&method, &headers, &file, &tag, length, opened).await
}

/// The page of a share whose recordings are gone: its words and the picture that it kept.
fn kept_page(of: &StaticShare<'_>) -> String {
    let share = of.share;
    let why = match share.data {
        SharedData::Gone => {
            "The recordings under this link are not on this server any more. This is the picture \
             that was kept when it was made."
        }
        _ => "This server was built without its page. This is the picture that the link keeps.",
    };
    let picture = format!("{}/preview.png", share.id);
    let said = Unfurled {
        url: format!("{}{}", of.base, share.path),
        image: format!("{}{}/preview.png", of.base, share.path),
        ..said_of(share)
    };
    let why = format!("<p class=\"why\" id=\"share-gone\">{}</p>\n", escaped(why));
    bare_page(&in_head(&said), &format!("{why}{}", words(share, &picture)))
}

/// Title, description and what the picture is, in words.
fn said_of(share: &Share) -> Unfurled {
    Unfurled {
        title: share.title.clone(),
        description: description(share),
        image_alt: format!("Spectrogram: {}", share.title),
        ..Unfurled::default()
    }
}

/// The page of a link under which there is nothing.
pub fn missing(error: &ApiError) -> Response {
    let problem = error.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::NOT_FOUND);
    let mut sentence = problem.detail.clone();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let body = format!(
        "<h1>Nothing is under this link</h1>\n<p class=\"why\" id=\"share-gone\">{}.</p>",
        escaped(&sentence)
    );
    let title = "Nothing is under this link".to_owned();
    let said = Unfurled { title, description: sentence, ..Unfurled::default() };
    (status, [framing("")], Html(bare_page(&in_head(&said), &body))).into_response()
}

/// Title, note, author and picture, as HTML.
fn words(share: &Share, picture: &str) -> String {
    let mut html = format!("<h1>{}</h1>\n", escaped(&share.title));
    for paragraph in share.note.split("\n\n").filter(|text| !text.is_empty()) {
        html += &format!("<p>{}</p>\n", escaped(paragraph).replace('\n', "<br>"));
    }
    if !share.author.is_empty() {
        html += &format!("<p>Shared by {}</p>\n", escaped(&share.author));
    }
    let alt = escaped(&format!("Spectrogram: {}", share.title));
    html + &format!(
        "<p><img src=\"{}\" alt=\"{alt}\" width=\"1200\" height=\"630\"></p>\n",
        escaped(picture)
    )
}

fn description(share: &Share) -> String {
    let note: String = share.note.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut said: String = note.chars().take(280).collect();
    if said.len() < note.len() {
        said.push('…');
    }
    if !share.author.is_empty() {
        said = format!("{said} – {}", share.author).trim_start_matches(" – ").to_owned();
    }
    match said.is_empty() {
        true => "See and hear it in the browser.".to_owned(),
        false => said,
    }
}

/// A page that needs nothing else. `head` is HTML, as [`in_head`] makes it.
pub fn bare_page(head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{head}\
         <style>:root{{color-scheme:dark light}}body{{font:16px/1.5 system-ui,sans-serif;max-width:1200px;\
         margin:0 auto;padding:24px}}img{{max-width:100%;height:auto}}h1{{font-size:24px}}\
         .why{{border-left:4px solid #b26a00;padding-left:12px}}</style>\n</head>\n<body>\n<main>\n{body}\n\
         <p><a href=\"../\">Spyhop: recordings of whales and dolphins</a></p>\n</main>\n</body>\n</html>\n"
    )
}
