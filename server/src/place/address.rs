//! The address of a place, as a person gives it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;

use super::PlaceError;

/// Where a place is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A folder of this machine.
    Folder(PathBuf),
    /// `s3://bucket/prefix`.
    S3(Bucket),
    /// `gs://bucket/prefix`.
    Google(Bucket),
    /// `https://host/folder/`, or `http://` on this machine.
    Web(Url),
}

/// A bucket, and what all names in it begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Without slashes at its ends; empty for all of the bucket.
    pub prefix: String,
}

impl Address {
    /// Reads an address. What has no scheme is a folder.
    ///
    /// # Errors
    /// When the scheme is unknown, the bucket is missing, or the connection would not be secure.
    pub fn parse(text: &str) -> Result<Address, PlaceError> {
        let wrong =
            |reason: &str| PlaceError::Address { address: text.into(), reason: reason.into() };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Address::Folder(PathBuf::from(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "s3" => Bucket::parse(rest).map(Address::S3).ok_or_else(|| wrong(NO_BUCKET)),
            "gs" => Bucket::parse(rest).map(Address::Google).ok_or_else(|| wrong(NO_BUCKET)),
            "http" | "https" => {
                let mut url = Url::parse(text).map_err(|e| wrong(&format!("no address ({e})")))?;
                if url.scheme() == "http" && !is_loopback(&url) {
                    return Err(wrong("what comes by http can be changed on its way: use https"));
                }
                url.set_query(None);
                url.set_fragment(None);
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                Ok(Address::Web(url))
            }
            "file" => {
                let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
                path.map(Address::Folder).ok_or_else(|| wrong("no path of this machine"))
            }
            _ => Err(wrong("a place is a folder, s3://, gs:// or https://")),
        }
    }
}

const NO_BUCKET: &str = "name the bucket after the two slashes";

impl Bucket {
    fn parse(rest: &str) -> Option<Bucket> {
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/').to_owned();
        (!name.is_empty()).then(|| Bucket { name: name.into(), prefix })
    }
}

/// Whether an address can only be one of this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bucket = |f: &mut fmt::Formatter<'_>, scheme: &str, bucket: &Bucket| {
            let slash = if bucket.prefix.is_empty() { "" } else { "/" };
            write!(f, "{scheme}://{}{slash}{}", bucket.name, bucket.prefix)
        };
        match self {
            Address::Folder(path) => write!(f, "{}", path.display()),
            Address::S3(b) => bucket(f, "s3", b),
            Address::Google(b) => bucket(f, "gs", b),
            // Whoever reads it needs no password.
            Address::Web(url) => {
                let mut shown = url.clone();
                let _ = shown.set_username("");
                let _ = shown.set_password(None);
                write!(f, "{shown}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let shown =
            |text: &str| Address::parse(text).map(|a| a.to_string()).map_err(|e| e.to_string());
        for (text, expected) in [
            ("/mnt/recorder", "/mnt/recorder"),
            ("s3://bucket/a/b/", "s3://bucket/a/b"),
            ("gs://bucket", "gs://bucket"),
            ("https://host/whales", "https://host/whales/"),
            ("https://me:secret@host/whales/?C=N", "https://host/whales/"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("http://[::1]:8000/x", "http://[::1]:8000/x/"),
            ("file:///mnt/recorder", "/mnt/recorder"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, reason) in [
            ("s3://", "name the bucket"),
            ("ftp://host/x", "a place is"),
            ("http://example.org/x", "use https"),
            ("https://", "no address"),
        ] {
            assert!(shown(text).is_err_and(|e| e.contains(reason)), "{text}");
        }
    }
}
