//! `/api/v1/view/…?LINK`: what is made of a link for whoever is not looking at the page.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use spyhop_api::view::Source;
use spyhop_api::{Problem, View};
use spyhop_paint::Theme;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::marks::{self, Drawn};
use super::{Served, blocking, blocking_within};
use crate::catalogue;
use crate::catalogue::access::Reader;
use crate::excerpt::{Excerpt, Form};
use crate::keeping::samples_named;
use crate::viewed::{
    Citation, Cited, FigureForm, Viewed, ViewedError, cite, figure, heard, preview,
};

/// Pictures and clips that are made at the same time: each keeps a core and much memory busy.
const AT_ONCE: usize = 2;
/// Memory for pictures of links, bytes.
const PICTURE_BYTES: u64 = 32 << 20;
/// The longest link that is read, bytes.
const MOST_QUERY: usize = 8_000;
/// The longest text of a QR code: more squares than this are not seen from the back row.
const MOST_QR: usize = 1_200;

static ROOM: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(AT_ONCE);

/// Pictures of links, by the link and the version of what lies under it.
pub struct Pictures(moka::sync::Cache<String, Bytes>);

impl Default for Pictures {
    fn default() -> Pictures {
        let weight = |_: &String, bytes: &Bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Pictures(moka::sync::Cache::builder().max_capacity(PICTURE_BYTES).weigher(weight).build())
    }
}

/// The routes whose answers get smaller by compression.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(preview_png))
        .routes(routes!(figure_file))
        .routes(routes!(cite_view))
        .routes(routes!(qr))
}

/// The routes of sound, which hardly does, and whose length is told.
pub fn sound_routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(clip)).routes(routes!(heard_wav))
}

/// What a view shows, as far as a reader may see it. It waits for the disk.
///
/// # Errors
/// When its recordings are not on this server, or not for this reader.
pub fn look_at(served: &Served, view: View, reader: Reader) -> Result<Viewed, ViewedError> {
    let refused = |error: &dyn std::error::Error| {
        tracing::error!("a view can't be looked at: {error}");
        ViewedError::Failed("the server's own output says why".into())
    };
    match &view.source {
        Source::Deployment { id, .. } => {
            let gone = || ViewedError::Gone(format!("this server has no deployment '{id}'"));
            let said = served.catalogue.description(id, reader).map_err(|e| refused(&e))?;
            let deployment = said.ok_or_else(gone)?;
            let found = served.catalogue.recordings(id, reader).map_err(|e| refused(&e))?;
            let recordings = found.ok_or_else(gone)?;
            Viewed::of_deployment(view, deployment, recordings)
        }
        Source::Urls(urls) => {
            let [url] = urls.as_slice() else { return Err(ViewedError::Elsewhere) };
            let Some((id, file)) = samples_named(url) else { return Err(ViewedError::Elsewhere) };
            let kept = served.shares.get(id, catalogue::now());
            let share = kept.map_err(|e| ViewedError::Gone(e.to_string()))?.share;
            let path = served.shares.samples_path(&share);
            match path.filter(|path| path.file_name().is_some_and(|name| name == file)) {
                Some(path) => Viewed::of_excerpt(view, &share, &path),
                None => Err(ViewedError::Gone(format!("share '{id}' has no file '{file}'"))),
            }
        }
        Source::None | Source::Local(_) => Err(ViewedError::Elsewhere),
    }
}

/// The view of a query.
fn view_of(query: Option<String>) -> Result<View, ApiError> {
    let query = query.unwrap_or_default();
    if query.len() > MOST_QUERY {
        return Err(ApiError::bad_request(format!("a link has {MOST_QUERY} bytes at most")));
    }
    Ok(View::from_query(&query).0)
}

/// One thing that is made of a view, away from the threads that answer.
async fn made<T: Send + 'static>(
    served: &Arc<Served>,
    reader: Reader,
    query: Option<String>,
    drawn: Drawn,
    make: impl FnOnce(&Viewed) -> Result<T, ViewedError> + Send + 'static,
) -> Result<T, ApiError> {
    let viewed = looked_at(served, reader, query, drawn).await?;
    blocking_within(&ROOM, move || make(&viewed)).await?.map_err(refusal)
}

/// What the view of a query shows, with what the page draws over it where that is drawn, too.
///
/// # Errors
/// As [`look_at`].
pub async fn looked_at(
    served: &Arc<Served>,
    reader: Reader,
    query: Option<String>,
    drawn: Drawn,
) -> Result<Viewed, ApiError> {
    let view = view_of(query)?;
    let served = served.clone();
    blocking(move || marks::look_at(&served, view, reader, drawn)).await?.map_err(refusal)
}

/// The picture of a link, 1200 × 630 pixels, as chats and slides show it
///
/// The query is the link's own.
#[utoipa::path(get, path = "/view/preview.png", tag = "views",
    responses((status = 200, content_type = "image/png"), (status = 404, body = Problem)))]
async fn preview_png(
    State(served): State<Arc<Served>>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let bytes = picture(&served, reader, view_of(query)?, "", Drawn::Shown).await?;
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-cache")], bytes)
        .into_response())
}

/// The picture of a view, 1200 × 630 pixels, under a title, or under the view's own where that is empty.
///
/// # Errors
/// When its recordings are not on this server, or not for this reader.
pub async fn picture(
    served: &Arc<Served>,
    reader: Reader,
    view: View,
    title: &str,
    drawn: Drawn,
) -> Result<Bytes, ApiError> {
    let looking = served.clone();
    let viewed = blocking(move || marks::look_at(&looking, view, reader, drawn)).await?;
    let viewed = viewed.map_err(refusal)?;
    let (version, over) = (&viewed.recordings.version, viewed.marks_fingerprint());
    let key = format!("{version} {over} {} {title}", viewed.view.to_query());
    // A picture that is there waits for none that is being made.
    if let Some(bytes) = served.pictures.0.get(&key) {
        return Ok(bytes);
    }
    let title = if title.is_empty() { viewed.title() } else { title.to_owned() };
    let paint = move || preview(&viewed, &title);
    let bytes = Bytes::from(blocking_within(&ROOM, paint).await?.map_err(refusal)?);
    served.pictures.0.insert(key, bytes.clone());
    Ok(bytes)
}

/// A view as a figure for print: `figure.png` (3600 × 1950 pixels) or `figure.svg`
///
/// The query is the link's own; `theme=dark` keeps the screen's colours.
#[utoipa::path(get, path = "/view/{figure}", tag = "views",
    params(("figure" = String, Path, description = "`figure.png` or `figure.svg`")),
    responses((status = 200, content_type = "image/png"), (status = 404, body = Problem)))]
async fn figure_file(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (form, kind) = match name.as_str() {
        "figure.png" => (FigureForm::Png, "image/png"),
        "figure.svg" => (FigureForm::Svg, "image/svg+xml"),
        _ => return Err(ApiError::not_found("a figure is figure.png or figure.svg")),
    };
    let is_dark = query.as_deref().is_some_and(|q| q.split('&').any(|pair| pair == "theme=dark"));
    let theme = if is_dark { Theme::dark() } else { Theme::light() };
    let paint = move |viewed: &Viewed| figure(viewed, form, theme);
    let bytes = made(&served, reader, query, Drawn::Shown, paint).await?;
    Ok((file_headers(kind, &name), bytes).into_response())
}

/// The samples of a view's selection as they are: `clip.wav` or `clip.flac`
///
/// All that is shown where nothing is selected. The query is the link's own.
#[utoipa::path(get, path = "/view/clip/{file}", tag = "views",
    params(("file" = String, Path, description = "`clip.wav` or `clip.flac`")),
    responses((status = 200, content_type = "audio/wav"), (status = 404, body = Problem)))]
async fn clip(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let form = match name.as_str() {
        "clip.wav" => Form::Wav,
        "clip.flac" => Form::Flac,
        _ => return Err(ApiError::not_found("a clip is clip.wav or clip.flac")),
    };
    let file = made(&served, reader, query, Drawn::Hidden, move |viewed| {
        let failed = |error: &dyn std::fmt::Display| ViewedError::Failed(error.to_string());
        let (positions, _) = viewed.selected();
        let mut reader = viewed.reader();
        let mut excerpt = Excerpt {
            reader: &mut reader,
            infos: &viewed.recordings.infos,
            positions,
            channels: vec![viewed.view.channel],
        };
        let to = tempfile::tempfile().map_err(|e| failed(&e))?;
        excerpt.write(form, to).map_err(|e| failed(&e))
    })
    .await?;
    streamed(file, form.mime_type(), &name)
}

/// The selection as it is heard: slowed, filtered and raised, WAV at 48 kHz
///
/// All that is shown where nothing is selected. The query is the link's own.
#[utoipa::path(get, path = "/view/heard/heard.wav", tag = "views",
    responses((status = 200, content_type = "audio/wav"), (status = 404, body = Problem)))]
async fn heard_wav(
    State(served): State<Arc<Served>>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let clip = made(&served, reader, query, Drawn::Hidden, heard).await?;
    let mut answer = streamed(clip.file, "audio/wav", "heard.wav")?;
    let gain = HeaderValue::from_str(&format!("{:.1}", clip.gain_db));
    answer
        .headers_mut()
        .extend(gain.ok().map(|v| (header::HeaderName::from_static("spyhop-gain-db"), v)));
    Ok(answer)
}

/// A view in words, and the Python that makes its picture and its numbers again
///
/// The query is the link's own.
#[utoipa::path(get, path = "/view/cite/cite.json", tag = "views",
    responses((status = 200, body = Cited), (status = 404, body = Problem)))]
async fn cite_view(
    State(served): State<Arc<Served>>,
    reader: Reader,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Cited>, ApiError> {
    let base = served.address.base(&headers, &served.guard);
    let cited = made(&served, reader, query, Drawn::Hidden, move |viewed| {
        let link = format!("{base}?{}", viewed.view.to_query());
        let samples = match &viewed.view.source {
            Source::Urls(urls) => urls.first().map(String::as_str),
            _ => None,
        };
        cite(viewed, &Citation { link: &link, base: &base, samples })
    })
    .await?;
    Ok(Json(cited))
}

/// A QR code as SVG, black on white; `text` is what it says
#[utoipa::path(get, path = "/qr.svg", tag = "views",
    responses((status = 200, content_type = "image/svg+xml"), (status = 400, body = Problem)))]
async fn qr(RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = query.unwrap_or_default();
    let raw = query.split('&').find_map(|pair| pair.strip_prefix("text=")).unwrap_or_default();
    let text = percent_encoding::percent_decode_str(raw).decode_utf8_lossy();
    if text.is_empty() || text.len() > MOST_QR {
        return Err(ApiError::bad_request(format!(
            "a QR code says 1 to {MOST_QR} bytes, as ?text=https://whales.example: make a short link \
             of a long one"
        )));
    }
    let code = QrCode::new(text.as_bytes()).map_err(|e| ApiError::bad_request(e.to_string()))?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(480, 480).build();
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")], drawn)
        .into_response())
}

/// Why nothing could be made of a view, on the wire.
pub fn refusal(error: ViewedError) -> ApiError {
    match error {
        ViewedError::Elsewhere | ViewedError::Gone(_) => ApiError::not_found(error.to_string()),
        ViewedError::Failed(_) => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        }
    }
}

fn file_headers(kind: &'static str, name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let attached = HeaderValue::from_str(&format!("attachment; filename=\"spyhop-{name}\""));
    headers.extend(attached.ok().map(|v| (header::CONTENT_DISPOSITION, v)));
    headers
}

fn streamed(file: std::fs::File, kind: &'static str, name: &str) -> Result<Response, ApiError> {
    let mut headers = file_headers(kind, name);
    let length = file.metadata().map_err(|e| ApiError::internal(&e))?.len();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let body = ReaderStream::new(tokio::fs::File::from_std(file));
    Ok((headers, Body::from_stream(body)).into_response())
}
