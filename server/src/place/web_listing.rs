//! What a web folder holds. HTTP has no lists, so three ways are tried: WebDAV, the server's own page
//! of the folder, and a `spyhop-files.json` that somebody put there.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use reqwest::{Client, Method, Response, StatusCode, Url, header};
use serde::Deserialize;

use super::autoindex::{self, Link};
use super::error::{plain, plain_request};
use super::remote::{Patience, is_wanted, listed};
use super::{Listed, Wanted};

/// The list for servers that have none of their own.
const FILE_LIST: &str = "spyhop-files.json";
/// Folders below one another that are looked into.
const MAX_DEPTH: usize = 32;
/// A page of a folder, or a list, that is longer is not read.
const MOST_BYTES: usize = 64 << 20;
/// Questions for the length of a file under way at a time.
const AT_ONCE: usize = 16;

/// A folder of a web server.
pub struct WebFolder {
    pub url: Url,
    pub store: Arc<dyn ObjectStore>,
    pub client: Client,
    pub patience: Patience,
}

/// A line of `spyhop-files.json`, which holds an array of them.
#[derive(Debug, Deserialize)]
struct ListedInFile {
    /// Below the folder that the list lies in.
    path: String,
    bytes: u64,
    /// Anything that changes when the file does.
    #[serde(default)]
    modified: String,
}

impl WebFolder {
    /// All wanted files below it.
    ///
    /// # Errors
    /// With what was tried and what came of it.
    pub async fn list(&self, wanted: Wanted) -> Result<Vec<Listed>, String> {
        if self.speaks_webdav().await? {
            return self.by_webdav(wanted).await;
        }
        let page = match self.by_pages(wanted).await {
            Ok(files) if !files.is_empty() => return Ok(files),
            Ok(_) => "its page names no recordings".to_owned(),
            Err(reason) => reason,
        };
        match self.by_file_list(wanted).await {
            Ok(Some(files)) => Ok(files),
            Ok(None) => Err(format!(
                "it speaks no WebDAV, {page}, and there is no {FILE_LIST} in it ([{{\"path\": \
                 \"a.wav\", \"bytes\": 1000}}, …])"
            )),
            Err(reason) => Err(format!("it speaks no WebDAV, {page}, and {FILE_LIST}: {reason}")),
        }
    }

    async fn speaks_webdav(&self) -> Result<bool, String> {
        let Ok(method) = Method::from_bytes(b"PROPFIND") else { return Ok(false) };
        let request = || self.client.request(method.clone(), self.url.clone()).header("Depth", "0");
        // Servers that know no such method say so in many ways, failures of their own among them.
        match request().send().await {
            Ok(answer) => Ok(answer.status() == StatusCode::MULTI_STATUS),
            Err(error) if error.is_connect() || error.is_timeout() => {
                let answer = self.patiently(request).await?;
                Ok(answer.status() == StatusCode::MULTI_STATUS)
            }
            Err(_) => Ok(false),
        }
    }

    async fn by_webdav(&self, wanted: Wanted) -> Result<Vec<Listed>, String> {
        let own = decoded(self.url.path());
        let prefix = if own.is_empty() { String::new() } else { format!("{own}/") };
        let mut files = Vec::new();
        let mut folders = vec![(Path::parse(&own).map_err(|e| e.to_string())?, 0)];
        while let Some((folder, depth)) = folders.pop() {
            let inside = self.store.list_with_delimiter(Some(&folder)).await;
            let inside = inside.map_err(|e| plain(&e))?;
            for object in inside.objects {
                let path = object.location.as_ref().strip_prefix(prefix.as_str());
                if let Some(path) = path.filter(|path| is_wanted(path, wanted)) {
                    files.push(listed(path.to_owned(), &object, false));
                }
            }
            let below = inside.common_prefixes.into_iter();
            // A folder lists itself too.
            folders.extend(
                below.filter(|f| *f != folder && depth < MAX_DEPTH).map(|f| (f, depth + 1)),
            );
        }
        Ok(files)
    }

    async fn by_pages(&self, wanted: Wanted) -> Result<Vec<Listed>, String> {
        let mut found: Vec<(String, Link)> = Vec::new();
        let mut folders = vec![(self.url.clone(), String::new(), 0)];
        while let Some((url, below, depth)) = folders.pop() {
            let answer = self.patiently(|| self.client.get(url.clone())).await?;
            if !answer.status().is_success() {
                if depth > 0 {
                    continue;
                }
                return Err(format!("its page answers {}", answer.status().as_u16()));
            }
            let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
            if !kind.is_some_and(|kind| kind.contains("html")) {
                return Err("it has no page of its files".into());
            }
            // A server may have added a slash.
            let url = answer.url().clone();
            let page = text(answer).await?;
            for link in autoindex::links(&page, &url) {
                if link.name.starts_with('.') {
                    continue;
                }
                if let Some(name) = link.name.strip_suffix('/') {
                    if let Some(next) = child(&url, name).filter(|_| depth < MAX_DEPTH) {
                        folders.push((next, format!("{below}{name}/"), depth + 1));
                    }
                } else if wanted(&link.name) {
                    found.push((format!("{below}{}", link.name), link));
                }
            }
        }
        let listed = futures_util::stream::iter(found).map(|(path, link)| async move {
            match link.bytes {
                Some(bytes) => Ok(Some(Listed { path, bytes, version: link.told, digest: None })),
                None => self.asked(path, link.told).await,
            }
        });
        let listed: Vec<Option<Listed>> = listed.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(listed.into_iter().flatten().collect())
    }

    /// Length and version of a file whose page does not tell them; `None` for one that is gone or not
    /// to be had. That the server fails is an error of the whole list: the file is still there.
    async fn asked(&self, path: String, told: String) -> Result<Option<Listed>, String> {
        let url = path.split('/').try_fold(self.url.clone(), |url, part| child_of(&url, part));
        let Some(url) = url else { return Ok(None) };
        let answer = self.patiently(|| self.client.head(url.clone())).await?;
        let text =
            |name| answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let bytes = text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let Some(bytes) = bytes.filter(|_| answer.status().is_success()) else {
            let status = answer.status().as_u16();
            tracing::warn!("left out, its server does not tell its length ({status}): {url}");
            return Ok(None);
        };
        let version = text(header::ETAG).or_else(|| text(header::LAST_MODIFIED)).unwrap_or(told);
        Ok(Some(Listed { path, bytes, version, digest: None }))
    }

    async fn by_file_list(&self, wanted: Wanted) -> Result<Option<Vec<Listed>>, String> {
        let Ok(url) = self.url.join(FILE_LIST) else { return Ok(None) };
        let answer = self.patiently(|| self.client.get(url.clone())).await?;
        if !answer.status().is_success() {
            return Ok(None);
        }
        let lines: Vec<ListedInFile> =
            serde_json::from_str(&text(answer).await?).map_err(|e| e.to_string())?;
        let known = |line: ListedInFile| {
            let plain = Path::parse(&line.path).is_ok_and(|path| path.as_ref() == line.path);
            (plain && is_wanted(&line.path, wanted)).then_some(Listed {
                path: line.path,
                bytes: line.bytes,
                version: line.modified,
                digest: None,
            })
        };
        Ok(Some(lines.into_iter().filter_map(known).collect()))
    }

    /// Asks again, each time after a longer wait, while the server fails, wants fewer requests or
    /// does not answer in time.
    async fn patiently(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Response, String> {
        let mut pause = self.patience.first_wait;
        for left in (0..=self.patience.retries).rev() {
            let failure = match request().send().await {
                Ok(answer) => match answer.status().as_u16() {
                    status @ (429 | 500..=599) => {
                        format!("the server answers {status}, several tries long: try again later")
                    }
                    _ => return Ok(answer),
                },
                Err(error) => plain_request(&error),
            };
            if left == 0 {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err("no try is allowed".into())
    }
}

async fn text(answer: Response) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|e| plain_request(&e))?);
        if bytes.len() > MOST_BYTES {
            return Err(format!("its list is longer than {} MB", MOST_BYTES >> 20));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The folder `name` in a folder.
fn child(folder: &Url, name: &str) -> Option<Url> {
    let mut url = child_of(folder, name)?;
    url.path_segments_mut().ok()?.push("");
    Some(url)
}

/// What is called `name` in a folder.
pub fn child_of(folder: &Url, name: &str) -> Option<Url> {
    let mut url = folder.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(name);
    Some(url)
}

/// A path of an address as text, without slashes at its ends.
pub fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path.trim_matches('/')).decode_utf8_lossy().into_owned()
}

/// A name of an address as text; `None` where it is none or would be more than a name.
pub fn decoded_name(name: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
    let bare = text.strip_suffix('/').unwrap_or(&text);
    let plain = !bare.contains(['/', '\\']) && bare != "." && bare != ".." && !bare.is_empty();
    plain.then(|| text.into_owned())
}
