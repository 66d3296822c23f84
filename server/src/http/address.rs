//! Where people reach the server: what is absolute in a page is made of this.

use axum::http::{HeaderMap, header};

use super::Guard;

/// The server's addresses.
#[derive(Clone, Debug, Default)]
pub struct Address {
    public_url: Option<String>,
    is_secure: bool,
}

impl Address {
    /// `public_url` has no slash at its end; `is_secure` says whether the server itself speaks https.
    pub fn new(public_url: Option<String>, is_secure: bool) -> Address {
        Address { public_url, is_secure }
    }

    /// The address that reaches the server from everywhere, if one was given.
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// Whether people speak https with it.
    pub fn is_secure(&self) -> bool {
        self.is_secure || self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The address of the page, with a slash at its end: the public one, else the one that this request
    /// was sent to, if that is a name of this server. Empty where neither is known.
    pub fn base(&self, headers: &HeaderMap, guard: &Guard) -> String {
        if let Some(url) = &self.public_url {
            return format!("{url}/");
        }
        let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
        let scheme = if self.is_secure { "https" } else { "http" };
        match host.filter(|host| guard.is_own_host(host)) {
            Some(host) => format!("{scheme}://{host}/"),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_not_ours_stands_in_no_page() {
        let guard = Guard::new("127.0.0.1:8080".parse().expect("an address"), vec![], None);
        let base = |address: &Address, host: &'static str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().expect("a value"))]);
            address.base(&headers, &guard)
        };
        let local = Address::new(None, false);
        assert_eq!(base(&local, "127.0.0.1:8080"), "http://127.0.0.1:8080/");
        assert_eq!(base(&local, "evil.example"), "");
        assert_eq!(base(&local, "evil.example/\"><script>"), "");
        assert_eq!(base(&Address::new(None, true), "[::1]:8443"), "https://[::1]:8443/");
        let public = Address::new(Some("https://whales.example/app".into()), false);
        assert_eq!(base(&public, "evil.example"), "https://whales.example/app/");
    }
}
