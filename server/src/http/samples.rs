//! `…/samples`: a stretch of a deployment as a file that other programs read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::{Problem, Timestamp};
use spyhop_signal::Line;
use spyhop_signal::line_reader::LineReader;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::{Served, asked, blocking_within, no_deployment};
use crate::catalogue::Recordings;
use crate::catalogue::access::Reader;
use crate::excerpt::{Excerpt, ExcerptError, Form};
use crate::viewed::only;

/// Excerpts that are made at the same time: each keeps a disk and a core busy.
const AT_ONCE: usize = 2;
/// Read from the file and sent at once.
const BLOCK_BYTES: usize = 256 * 1024;

static ROOM: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(AT_ONCE);

/// The route.
pub fn routes() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new().routes(routes!(samples))
}

/// What is wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Beginning: ISO 8601, or seconds since the first sample
    start: String,
    /// End, not included: ISO 8601, or seconds since the first sample
    end: String,
    /// `wav` (the default), `flac` or `npy` (float32, shape (frames, channels))
    #[serde(default)]
    format: Option<String>,
    /// One channel, counted from 0; all of them where it is left out
    #[serde(default)]
    channel: Option<u32>,
    /// Of this recording alone: start and end may then be seconds since its own first sample
    #[serde(default)]
    recording: Option<String>,
}

/// Samples of a stretch of time
///
/// Gaps are silence in WAV and FLAC, and NaN in NumPy's form. The header `spyhop-start` tells the
/// clock time of the first sample.
#[utoipa::path(get, path = "/deployments/{id}/samples", tag = "recordings",
    params(("id" = String, Path, description = "The deployment"), Asked),
    responses((status = 200, content_type = "audio/wav"), (status = 400, body = Problem),
        (status = 404, body = Problem),
        (status = 413, body = Problem, description = "More than is given out at once")))]
async fn samples(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    Query(wanted): Query<Asked>,
) -> Result<Response, ApiError> {
    let name = wanted.format.as_deref().unwrap_or("wav");
    let form = Form::from_name(name).ok_or_else(|| {
        ApiError::bad_request(format!("the format '{name}' is unknown: wav, flac or npy"))
    })?;
    let deployment = id.clone();
    let recordings = asked(&served, move |c| c.recordings(&deployment, reader)).await?;
    let mut recordings = recordings.ok_or_else(|| no_deployment(&id))?;
    if let Some(name) = &wanted.recording {
        recordings = only(&recordings, name)
            .ok_or_else(|| ApiError::not_found(format!("'{id}' has no recording '{name}'")))?;
    }
    let (file, start) = blocking_within(&ROOM, move || write(&recordings, &wanted, form)).await??;

    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.mime_type()));
    let length = file.metadata().map_err(|e| ApiError::internal(&e))?.len();
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let stamp = start.map(|t| t.to_iso().replace(':', "")).unwrap_or_default();
    let file_name = format!("attachment; filename=\"{}_{stamp}.{}\"", plain(&id), form.ending());
    answer.extend(HeaderValue::from_str(&file_name).ok().map(|v| (header::CONTENT_DISPOSITION, v)));
    if let Some(value) = start.and_then(|t| HeaderValue::from_str(&t.to_iso()).ok()) {
        answer.insert("spyhop-start", value);
    }
    let body = ReaderStream::with_capacity(tokio::fs::File::from_std(file), BLOCK_BYTES);
    Ok((answer, Body::from_stream(body)).into_response())
}

/// Writes the stretch to a file without a name; gives the clock time of its first sample too.
fn write(
    recordings: &Recordings,
    asked: &Asked,
    form: Form,
) -> Result<(std::fs::File, Option<Timestamp>), ApiError> {
    let (line, _) = Line::new(&recordings.infos).map_err(|e| ApiError::not_found(e.to_string()))?;
    let positions =
        position(&asked.start, &line)?.max(0)..position(&asked.end, &line)?.min(line.end());
    if positions.is_empty() {
        return Err(ApiError::bad_request(format!(
            "from {} to {} there is nothing: the recordings are {} s long{}",
            asked.start,
            asked.end,
            line.nanos_at(line.end()) / NANOS_PER_S,
            line.origin.map(|t| format!(" from {t}")).unwrap_or_default()
        )));
    }
    let all = line
        .parts(positions.clone())
        .filter_map(|run| recordings.infos.get(run.recording))
        .map(|info| info.channels)
        .max()
        .unwrap_or(1);
    let channels = match asked.channel {
        Some(channel) if channel < all => vec![channel],
        Some(channel) => {
            return Err(ApiError::bad_request(format!(
                "there are {all} channels, counted from 0: there is no {channel}"
            )));
        }
        None => (0..all).collect(),
    };
    let open = recordings.open.clone();
    let mut reader = LineReader::new(line, Box::new(move |index| open(index)));
    let mut excerpt =
        Excerpt { reader: &mut reader, infos: &recordings.infos, positions, channels };
    let start = excerpt.start();
    let to = tempfile::tempfile().map_err(|e| ApiError::internal(&e))?;
    Ok((excerpt.write(form, to).map_err(refusal)?, start))
}

/// The position of a clock time or of seconds since the first sample.
fn position(text: &str, line: &Line) -> Result<i64, ApiError> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok((seconds * line.sample_rate_hz).round() as i64);
    }
    let time = Timestamp::from_iso(text).map_err(|e| ApiError::bad_request(e.to_string()))?;
    let origin = line.origin.ok_or_else(|| {
        ApiError::bad_request(
            "these recordings have no clock: give start and end in seconds since the first sample",
        )
    })?;
    Ok(line.position_at(time.0.saturating_sub(origin.0)))
}

fn refusal(error: ExcerptError) -> ApiError {
    let status = match &error {
        ExcerptError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ExcerptError::Empty => StatusCode::NOT_FOUND,
        ExcerptError::Unfit(_) => StatusCode::BAD_REQUEST,
        ExcerptError::Unreadable(_) | ExcerptError::Io(_) => return ApiError::internal(&error),
    };
    ApiError::new(status, error.to_string())
}

/// An id without what a file's name can't have.
fn plain(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
