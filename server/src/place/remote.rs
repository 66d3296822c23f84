//! A bucket or a web folder, by the Arrow project's client of object stores.

use std::env;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, resolve_bucket_region};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, RetryConfig,
};
use reqwest::Url;
use spyhop_signal::source::{ByteSource, SourceError};

use super::address::is_loopback;
use super::error::{plain, plain_request};
use super::waiting::{Pieces, wait};
use super::{Address, Digest, Listed, PlaceError, Wanted, collected, google_digests, web_listing};

/// How long a store is waited for, and how often it is asked again.
#[derive(Clone, Debug)]
pub struct Patience {
    /// For one answer to be complete.
    pub timeout: Duration,
    /// Tries after the first; each waits about twice as long as the one before it.
    pub retries: usize,
    /// Before the second try.
    pub first_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            timeout: Duration::from_secs(30),
            retries: 5,
            first_wait: Duration::from_millis(200),
        }
    }
}

/// A place behind the network.
pub struct Remote {
    address: Address,
    patience: Patience,
    store: Arc<dyn ObjectStore>,
    /// What the paths of all its files begin with, in the store's own form; empty or with a slash at
    /// its end.
    prefix: String,
    client: reqwest::Client,
}

impl Remote {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// When the environment's settings for the store make no sense.
    pub fn new(address: &Address, patience: Patience) -> Result<Remote, PlaceError> {
        let wrong = |reason: String| PlaceError::Address { address: address.to_string(), reason };
        let client = reqwest::Client::builder()
            .user_agent(concat!("spyhop/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(patience.timeout)
            .build()
            .map_err(|e| wrong(plain_request(&e)))?;
        let (store, prefix) = store(address, &patience).map_err(|e| wrong(plain(&e)))?;
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        Ok(Remote { address: address.clone(), patience, store, prefix, client })
    }

    /// All wanted files.
    ///
    /// # Errors
    /// When the store can't be listed.
    pub fn list(&self, wanted: Wanted) -> Result<Vec<Listed>, PlaceError> {
        let address = self.address.to_string();
        if let Address::Web(url) = &self.address {
            let web = web_listing::WebFolder {
                url: url.clone(),
                store: self.store.clone(),
                client: self.client.clone(),
                patience: self.patience.clone(),
            };
            return wait(async move { web.list(wanted).await })?
                .map_err(|reason| PlaceError::Listing { address, reason });
        }
        let (store, prefix) = (self.store.clone(), self.prefix.clone());
        let is_s3 = matches!(self.address, Address::S3(_));
        let found = wait(async move {
            let mut files = Vec::new();
            let below = Path::parse(prefix.trim_end_matches('/')).ok();
            let mut objects = store.list(below.as_ref());
            while let Some(object) = objects.try_next().await? {
                let Some(path) = object.location.as_ref().strip_prefix(prefix.as_str()) else {
                    continue;
                };
                if is_wanted(path, wanted) {
                    files.push(listed(path.to_owned(), &object, is_s3));
                }
            }
            Ok(files)
        })?;
        found.map_err(|e: object_store::Error| PlaceError::Listing { address, reason: plain(&e) })
    }

    /// A file, by ranges.
    pub fn source(&self, file: &Listed) -> RemoteSource {
        RemoteSource {
            store: self.store.clone(),
            path: self.path_of(file),
            len: file.bytes,
            entity_tag: file.entity_tag().map(str::to_owned),
        }
    }

    /// A part of a file as it arrives.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn stream(
        &self,
        file: &Listed,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, PlaceError>>, PlaceError> {
        let path = self.path_of(file);
        let options = options(Some(range), file.entity_tag());
        stream(self.store.clone(), path, file.path.clone(), options).await
    }

    /// A file from `from` to its end, piece by piece. A whole file is asked for without a range, so
    /// that places without ranges can be copied too.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn pieces(
        &self,
        file: &Listed,
        from: u64,
    ) -> Result<Pieces<Result<Bytes, PlaceError>>, PlaceError> {
        let (store, path, name) = (self.store.clone(), self.path_of(file), file.path.clone());
        let range = (from > 0).then_some(from..file.bytes);
        let options = options(range, file.entity_tag());
        Pieces::of(move |sender| async move {
            match stream(store, path, name, options).await {
                Ok(mut pieces) => {
                    while let Some(piece) = pieces.next().await {
                        if sender.send(piece).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    // The receiver may have gone.
                    let _ = sender.send(Err(error)).await;
                }
            }
        })
    }

    /// See [`super::Place::check_ranges`].
    ///
    /// # Errors
    /// As there.
    pub fn check_ranges(&self, file: &Listed) -> Result<(), PlaceError> {
        if file.bytes == 0 {
            return Ok(());
        }
        let (store, path) = (self.store.clone(), self.path_of(file));
        let options = options(Some(0..1), None);
        let answer = wait(async move { store.get_opts(&path, options).await.map(|_| ()) })?;
        answer.map_err(|error| match error {
            object_store::Error::NotSupported { .. } => {
                PlaceError::NoRanges { address: self.address.to_string() }
            }
            error => PlaceError::File { path: file.path.clone(), reason: plain(&error) },
        })
    }

    /// See [`super::Place::with_digests`]. Checksums that can't be had are not waited for: they are a
    /// comfort, and the files come without them.
    pub fn with_digests(&self, files: Vec<Listed>) -> Vec<Listed> {
        let (client, given) = (self.client.clone(), files.clone());
        let asked = match self.address.clone() {
            Address::Google(bucket) => {
                wait(async move { google_digests::of_bucket(&client, &bucket, given).await })
            }
            Address::Web(url) => {
                wait(async move { google_digests::of_headers(&client, &url, given).await })
            }
            _ => return files,
        };
        asked.unwrap_or(files)
    }

    fn path_of(&self, file: &Listed) -> Path {
        // What was listed is in the store's own form.
        Path::parse(format!("{}{}", self.prefix, file.path))
            .unwrap_or_else(|_| Path::from(file.path.as_str()))
    }
}

/// A file behind the network. Each read is one request, tried again where that helps; a block cache
/// belongs in front of it.
pub struct RemoteSource {
    store: Arc<dyn ObjectStore>,
    path: Path,
    len: u64,
    entity_tag: Option<String>,
}

impl ByteSource for RemoteSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let end = offset.saturating_add(buf.len() as u64);
        if end > self.len {
            return Err(SourceError::PastEnd { offset, end, len: self.len });
        }
        if buf.is_empty() {
            return Ok(());
        }
        let options = options(Some(offset..end), self.entity_tag.as_deref());
        let (store, path) = (self.store.clone(), self.path.clone());
        let name = path.to_string();
        let capacity = buf.len();
        let answer = wait(async move {
            let mut bytes = Vec::with_capacity(capacity);
            let pieces = stream(store, path, name, options).await?;
            collected(pieces, &mut bytes).await.map(|()| bytes)
        });
        let bytes = answer.and_then(|bytes| bytes).map_err(|error| {
            SourceError::Io(match error {
                PlaceError::File { reason, .. } => reason,
                other => other.to_string(),
            })
        })?;
        if bytes.len() != buf.len() {
            return Err(SourceError::Io(format!(
                "the store sent {} bytes where {} were asked for",
                bytes.len(),
                buf.len()
            )));
        }
        buf.copy_from_slice(&bytes);
        Ok(())
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether none of the folders is hidden, and the name is wanted.
pub fn is_wanted(path: &str, wanted: Wanted) -> bool {
    let mut parts = path.rsplit('/');
    let named = parts.next().is_some_and(|name| !name.is_empty() && wanted(name));
    named && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// What the store's own listing says of a file.
pub fn listed(path: String, object: &ObjectMeta, is_s3: bool) -> Listed {
    let modified = || object.last_modified.timestamp_nanos_opt().unwrap_or_default();
    let tag = object.e_tag.clone().filter(|tag| !tag.is_empty());
    // Of an object that was put in one piece the tag is its MD5.
    let md5 = tag.as_deref().filter(|_| is_s3).and_then(|tag| md5_of_hex(tag.trim_matches('"')));
    Listed {
        path,
        bytes: object.size,
        version: tag.unwrap_or_else(|| format!("{:x}", modified())),
        digest: md5.map(Digest::Md5),
    }
}

fn md5_of_hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn options(range: Option<Range<u64>>, entity_tag: Option<&str>) -> GetOptions {
    GetOptions {
        range: range.map(GetRange::Bounded),
        if_match: entity_tag.map(str::to_owned),
        ..GetOptions::default()
    }
}

async fn stream(
    store: Arc<dyn ObjectStore>,
    path: Path,
    name: String,
    options: GetOptions,
) -> Result<BoxStream<'static, Result<Bytes, PlaceError>>, PlaceError> {
    let failed = move |error: &object_store::Error| PlaceError::File {
        path: name.clone(),
        reason: plain(error),
    };
    let answer = store.get_opts(&path, options).await.map_err(|e| failed(&e))?;
    Ok(answer.into_stream().map_err(move |e| failed(&e)).boxed())
}

/// The client of a store, and the prefix of the place in it.
fn store(
    address: &Address,
    patience: &Patience,
) -> Result<(Arc<dyn ObjectStore>, String), object_store::Error> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: patience.first_wait,
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        },
        max_retries: patience.retries,
        retry_timeout: Duration::from_secs(120),
    };
    let client =
        ClientOptions::new().with_timeout(patience.timeout).with_connect_timeout(CONNECT_TIMEOUT);
    match address {
        Address::S3(bucket) => {
            let mut builder = AmazonS3Builder::from_env()
                .with_bucket_name(&bucket.name)
                .with_retry(retry)
                .with_skip_signature(!has_aws_account());
            let endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
            let http = endpoint.as_deref().is_some_and(is_http_on_loopback);
            let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            } else if region.is_none() {
                let (name, options) = (bucket.name.clone(), client.clone());
                let found = wait(async move { resolve_bucket_region(&name, &options).await });
                if let Ok(Ok(region)) = found {
                    builder = builder.with_region(region);
                }
            }
            let builder = builder.with_client_options(client.with_allow_http(http));
            Ok((Arc::new(builder.build()?), bucket.prefix.clone()))
        }
        Address::Google(bucket) => {
            let base = google_endpoint();
            let http = is_http_on_loopback(&base);
            let builder = GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(&bucket.name)
                .with_base_url(&base)
                .with_retry(retry)
                .with_skip_signature(!has_google_account())
                .with_client_options(client.with_allow_http(http));
            Ok((Arc::new(builder.build()?), bucket.prefix.clone()))
        }
        Address::Web(url) => {
            // Below the host and not below the folder: what WebDAV lists are paths of the host.
            let mut host = url.clone();
            host.set_path("");
            let store = HttpBuilder::new()
                .with_url(host)
                .with_retry(retry)
                .with_client_options(client.with_allow_http(is_loopback(url)))
                .build()?;
            Ok((Arc::new(store), web_listing::decoded(url.path())))
        }
        Address::Folder(_) => Err(object_store::Error::NotImplemented {
            operation: "a folder as a bucket".into(),
            implementer: "a place".into(),
        }),
    }
}

/// Where Google's stores answer, or what stands in for them (`STORAGE_EMULATOR_HOST`, as Google's own
/// clients read it).
pub fn google_endpoint() -> String {
    match variable("STORAGE_EMULATOR_HOST") {
        Some(host) if host.contains("://") => host.trim_end_matches('/').to_owned(),
        Some(host) => format!("http://{host}"),
        None => "https://storage.googleapis.com".to_owned(),
    }
}

fn is_http_on_loopback(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url))
}

/// Public buckets are read without an account; one that is given is used.
fn has_aws_account() -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
        .iter()
        .any(|name| variable(name).is_some())
}

fn has_google_account() -> bool {
    [
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ]
    .iter()
    .any(|name| variable(name).is_some())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
