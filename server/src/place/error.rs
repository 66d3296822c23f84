//! What goes wrong with places, in words for a person.

use std::path::PathBuf;

/// Why a place, or a file of one, can't be listed or read.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is not there, or may not be read.
    #[error("the place of the recordings can't be read ({error}): {}", path.display())]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file and not a folder.
    #[error("this is a file; give the folder that it lies in: {}", path.display())]
    NotAFolder {
        /// As it was given.
        path: PathBuf,
    },
    /// No address of a place.
    #[error("{reason}: {address}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// The place sends files whole only.
    #[error(
        "it sends files only whole, not by ranges, so that looking at one would fetch it all: copy \
         the recordings with  spyhop fetch {address} DIR  and serve that folder"
    )]
    NoRanges {
        /// The place.
        address: String,
    },
    /// The place can't be listed.
    #[error("{address} can't be listed: {reason}")]
    Listing {
        /// The place.
        address: String,
        /// What was tried and what came of it.
        reason: String,
    },
    /// Nobody knows whether what was in a folder is gone.
    #[error("{reason}: {}", folder.display())]
    Unsure {
        /// The folder.
        folder: PathBuf,
        /// What is the matter with it, what was there, and what to do.
        reason: String,
    },
    /// A file can't be read.
    #[error("{path} can't be read: {reason}")]
    File {
        /// Below the place.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// This machine's disk said no while a file was copied to it.
    #[error("{0}")]
    Disk(std::io::Error),
    /// The program itself can't go on.
    #[error("the network can't be used: {0}")]
    Runtime(String),
}

/// What a store's client says, shorter and for a person: its own texts hold addresses, counts of
/// tries and whole pages of HTML.
pub fn plain(error: &object_store::Error) -> String {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => "there is nothing there any more (404)".into(),
        Error::Precondition { .. } => "it has changed since it was listed: index again".into(),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "the store gives it to nobody without the right account (401 or 403)".into()
        }
        Error::NotSupported { .. } => "its server sends files only whole, not by ranges".into(),
        other => {
            let mut texts = Vec::new();
            let mut next: Option<&dyn std::error::Error> = Some(other);
            while let Some(error) = next {
                texts.push(error.to_string());
                next = error.source();
            }
            plain_text(&texts)
        }
    }
}

/// The same of a request of our own.
pub fn plain_request(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return TIMED_OUT.into();
    }
    if error.is_connect() {
        return format!("there is no connection to it ({})", innermost(error));
    }
    innermost(error)
}

const TIMED_OUT: &str = "it did not answer in time, several tries long: try again later";

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn plain_text(texts: &[String]) -> String {
    let all = texts.join("\n");
    let lower = all.to_ascii_lowercase();
    if let Some((_, rest)) = all.split_once("non-2xx status code: ") {
        let status: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return match status.as_str() {
            "429" => "the store asks for fewer requests (429), several tries long: try again later"
                .into(),
            s if s.starts_with('5') => {
                format!("the store failed ({s}), several tries long: try again later")
            }
            s => format!("the store answered {s}: check the address"),
        };
    }
    if lower.contains("timed out") || lower.contains("timeout") {
        return TIMED_OUT.into();
    }
    if lower.contains("without location") {
        return "the bucket lies in another region: set AWS_REGION".into();
    }
    let last = texts.last().map_or("the store failed", String::as_str);
    if lower.contains("connect") {
        return format!("there is no connection to it ({last})");
    }
    last.lines().next().unwrap_or("the store failed").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_worth_of_error_becomes_a_sentence() {
        let of = |text: &str| plain_text(&[text.to_owned()]);
        let failed = of("Error performing GET http://x in 3s, after 5 retries - Server returned \
             non-2xx status code: 503 Service Unavailable: <html>…");
        assert!(failed.starts_with("the store failed (503)"), "{failed}");
        assert!(of("non-2xx status code: 429 Too Many").contains("fewer requests"));
        assert_eq!(of("operation timed out"), TIMED_OUT);
    }
}
