//! The administrator's token: kept in this browser, sent to this page's own server with every request,
//! and to nobody else. It never stands in an address.

use std::cell::RefCell;

use gloo::net::http::{Request, RequestBuilder};
use gloo::storage::{LocalStorage, SessionStorage, Storage};
use spyhop_api::access::Access;

use super::ServerError;

const KEY: &str = "spyhop.administratorToken";
/// Where the server says who asks.
const ACCESS: &str = "api/v1/access";

thread_local! {
    static HELD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// How long a token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until the tab is closed.
    Tab,
    /// In this browser, until it is forgotten.
    Browser,
}

/// Takes up what an earlier page has kept.
pub fn recall() {
    let of_tab = SessionStorage::get::<String>(KEY).ok();
    HELD.set(of_tab.or_else(|| LocalStorage::get::<String>(KEY).ok()));
}

/// Whether there is one.
pub fn is_held() -> bool {
    HELD.with_borrow(Option::is_some)
}

/// Keeps a token. Where the browser refuses storage it lasts as long as the page.
pub fn hold(token: &str, keep: Keep) {
    forget();
    let _ = match keep {
        Keep::Tab => SessionStorage::set(KEY, token),
        Keep::Browser => LocalStorage::set(KEY, token),
    };
    HELD.set(Some(token.to_owned()));
}

/// Forgets it everywhere.
pub fn forget() {
    SessionStorage::delete(KEY);
    LocalStorage::delete(KEY);
    HELD.set(None);
}

/// What a request for an absolute address is authorised by: the token for what this page's own server
/// has, nothing for any other.
pub fn authorisation(url: &str) -> Option<String> {
    let base = gloo::utils::document().base_uri().ok().flatten()?;
    let is_own = is_below(url, &base);
    HELD.with_borrow(|held| held.as_deref().filter(|_| is_own).map(bearer))
}

/// What the server says of who asks: with another token than the one that is held, if one is given.
///
/// # Errors
/// When it does not answer, or does not know the question.
pub async fn access(token: Option<&str>) -> Result<Access, ServerError> {
    let request = match token {
        Some(token) => Request::get(ACCESS).header("Authorization", &bearer(token)),
        None => get(ACCESS),
    };
    super::read(super::send(request.build()).await?).await
}

/// A request of the page to its own server.
pub fn get(address: &str) -> RequestBuilder {
    authorised(Request::get(address))
}

/// The same with what is held of the administrator's token.
pub fn authorised(request: RequestBuilder) -> RequestBuilder {
    match HELD.with_borrow(|held| held.as_deref().map(bearer)) {
        Some(value) => request.header("Authorization", &value),
        None => request,
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Whether an address lies below a page's base.
fn is_below(url: &str, base: &str) -> bool {
    let folder = base.rsplit_once('/').map_or(base, |(folder, _)| folder);
    url.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_server_is_not_told_the_token() {
        let base = "https://whales.example/app/";
        for (url, is_own) in [
            ("https://whales.example/app/data/night/a.wav", true),
            ("https://whales.example/app/api/v1/access", true),
            ("https://whales.example/other/a.wav", false),
            ("https://whales.example.evil.example/app/a.wav", false),
            ("https://whales.example/apparent/a.wav", false),
            ("http://whales.example/app/a.wav", false),
            ("https://evil.example/?https://whales.example/app/", false),
        ] {
            assert_eq!(is_below(url, base), is_own, "{url}");
            assert_eq!(is_below(url, &format!("{base}index.html")), is_own, "{url}");
        }
        assert!(is_below("http://127.0.0.1:8080/data/x", "http://127.0.0.1:8080/"));
        assert!(!is_below("http://127.0.0.1:80801/data/x", "http://127.0.0.1:8080/"));
    }
}
