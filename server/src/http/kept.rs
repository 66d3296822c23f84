//! What shares and stories have in common on the wire: the entity tag, the edit key, how often somebody may
//! make one, and whether what a view shows may still be shown.

use std::time::Instant;

use axum::Extension;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use spyhop_api::share::EDIT_KEY_HEADER;
use spyhop_api::view::Source;
use spyhop_api::{SharedData, View};
use tokio::sync::Semaphore;

use super::error::ApiError;
use super::marks::{self, Drawn};
use super::viewing::look_at;
use super::{Caller, Served};
use crate::catalogue::access::Reader;
use crate::keeping::{Frozen, KeepError, Kind, line};
use crate::viewed::{ViewedError, card, preview};

/// Pictures that are painted for new shares and stories at the same time.
pub static ROOM: Semaphore = Semaphore::const_new(2);

/// Where a request comes from, where that is known.
pub type From = Option<Extension<Caller>>;

/// The entity tag of a version.
pub fn tag(version: u32) -> String {
    format!("\"v{version}\"")
}

/// The version that a change was made on, from `If-Match`.
///
/// # Errors
/// When it is not said.
pub fn seen(headers: &HeaderMap, kind: Kind) -> Result<u32, ApiError> {
    let given = headers.get(header::IF_MATCH).and_then(|v: &HeaderValue| v.to_str().ok());
    let version =
        given.and_then(|tag| tag.trim().strip_prefix("\"v")?.strip_suffix('"')?.parse().ok());
    version.ok_or_else(|| {
        ApiError::new(
            StatusCode::PRECONDITION_REQUIRED,
            format!(
                "say which version you changed: send the {kind}'s entity tag as the header 'If-Match'"
            ),
        )
    })
}

/// The edit key of a request; `None` for the administrator without one.
///
/// # Errors
/// When there is none, or the request comes from another site's page.
pub fn edit_key(
    served: &Served,
    reader: Reader,
    headers: &HeaderMap,
    kind: Kind,
) -> Result<Option<String>, ApiError> {
    served.guard.check_source(headers)?;
    let given = headers.get(EDIT_KEY_HEADER).and_then(|v| v.to_str().ok());
    match (given, reader) {
        (Some(key), _) => Ok(Some(key.to_owned())),
        (None, Reader::Administrator) => Ok(None),
        (None, Reader::Public) => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            format!(
                "a {kind} is changed with its edit key: send it as the header '{EDIT_KEY_HEADER}'"
            ),
        )),
    }
}

/// Takes one out of the bucket of whoever asks; the administrator's has no bottom.
///
/// # Errors
/// When it is empty; the message says how long to wait.
pub fn within_rate(
    served: &Served,
    reader: Reader,
    from: &From,
    kind: Kind,
) -> Result<(), ApiError> {
    let (Reader::Public, Some(Extension(Caller(address)))) = (reader, from) else {
        return Ok(());
    };
    let what = match kind {
        Kind::Share => "shares were made",
        Kind::Story => "stories were made",
    };
    served.rates.take(*address, Instant::now()).map_err(|wait| ApiError::too_many(what, wait))
}

/// Whether what a kept view shows may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// To this reader, yes.
    Shown,
    /// Not to this reader.
    Hidden,
}

/// Whether a kept view may be shown to a reader: not where its recordings are kept from them by now, or were
/// when they were last here (`was_public`). `hide` notes that they are not for everybody: once they are gone,
/// nothing else says that they were private.
///
/// # Errors
/// When the catalogue can't be read, or `hide` fails.
pub fn standing(
    served: &Served,
    view: &View,
    was_public: bool,
    reader: Reader,
    hide: impl FnOnce() -> Result<(), KeepError>,
) -> Result<Standing, ApiError> {
    let Source::Deployment { id, .. } = &view.source else { return Ok(Standing::Shown) };
    let is_there = |reader| {
        let found = served.catalogue.description(id, reader);
        found.map(|found| found.is_some()).map_err(|e| ApiError::internal(&e))
    };
    if is_there(Reader::Public)? {
        return Ok(Standing::Shown);
    }
    let is_hidden = is_there(Reader::Administrator)?;
    if is_hidden && was_public {
        hide().map_err(refusal)?;
    }
    let is_shown = reader == Reader::Administrator || was_public && !is_hidden;
    Ok(if is_shown { Standing::Shown } else { Standing::Hidden })
}

/// What became of the recordings under a kept view, as a reader sees them, by what they were; without that, they are the same as long
/// as they are there.
pub fn became(
    served: &Served,
    view: View,
    fingerprint: Option<&str>,
    reader: Reader,
) -> SharedData {
    match look_at(served, view, reader) {
        Ok(viewed) if fingerprint.is_none_or(|was| viewed.fingerprint() == was) => SharedData::Same,
        Ok(_) | Err(ViewedError::Failed(_)) => SharedData::Changed,
        Err(ViewedError::Gone(_)) => SharedData::Gone,
        Err(ViewedError::Elsewhere) => SharedData::Elsewhere,
    }
}

/// What is to be kept of a view that a reader gives away, with its picture. It waits for the disk and keeps a
/// core busy: within [`ROOM`].
///
/// # Errors
/// When its recordings are not there for this reader, or no picture can be written.
pub fn frozen(
    served: &Served,
    view: &View,
    title: &str,
    reader: Reader,
    drawn: Drawn,
) -> Result<Frozen, ApiError> {
    let given = line(title);
    let titled = |title: String| if given.is_empty() { title } else { given.clone() };
    let painted = |title: &str, what: &str| card(title, what).map_err(|e| ApiError::internal(&e));
    match marks::look_at(served, view.clone(), reader, drawn) {
        Ok(viewed) => {
            let title = titled(viewed.title());
            let public = look_at(served, view.clone(), Reader::Public);
            Ok(Frozen {
                preview: match preview(&viewed, &title) {
                    Ok(png) => png,
                    Err(error) => {
                        tracing::warn!("a kept view has no picture: {error}");
                        painted(&title, viewed.name())?
                    }
                },
                view: view.to_query(),
                fingerprint: viewed.fingerprint(),
                was_public: public.is_ok(),
                title,
            })
        }
        Err(ViewedError::Elsewhere) => {
            let (name, fingerprint) = named(view);
            let title = titled(name.clone());
            let preview = painted(&title, &name)?;
            Ok(Frozen { preview, view: view.to_query(), fingerprint, was_public: true, title })
        }
        Err(error) => Err(ApiError::not_found(error.to_string())),
    }
}

/// Name and fingerprint of what is not on this server, as the link itself says.
fn named(view: &View) -> (String, String) {
    match &view.source {
        Source::Local(files) => {
            let name = files.first().map(|f| line(&f.name)).unwrap_or_default();
            let prints: Vec<&str> = files.iter().map(|f| f.fingerprint.as_str()).collect();
            (name, prints.join(" "))
        }
        Source::Urls(urls) => {
            let last =
                urls.first().and_then(|url| url.split(['?', '#']).next()).unwrap_or_default();
            (line(last.rsplit('/').next().unwrap_or(last)), String::new())
        }
        _ => ("A recording".to_owned(), String::new()),
    }
}

/// What a person is told of why something was not kept, given or changed.
pub fn refusal(error: KeepError) -> ApiError {
    let status = match &error {
        KeepError::Missing { .. } => StatusCode::NOT_FOUND,
        KeepError::Invalid(_) => StatusCode::BAD_REQUEST,
        KeepError::WrongKey(_) => StatusCode::UNAUTHORIZED,
        KeepError::ChangedElsewhere { .. } => StatusCode::PRECONDITION_FAILED,
        KeepError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        KeepError::Samples { .. } | KeepError::Chance(_) | KeepError::Database { .. } => {
            return ApiError::internal(&error);
        }
    };
    ApiError::new(status, error.to_string())
}
