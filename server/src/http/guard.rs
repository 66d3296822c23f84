//! Who may change something here, and who sees what is not public.
//!
//! Any web page can make a browser send requests to a server on 127.0.0.1, in its own name or, by
//! giving its own host name that address (DNS rebinding), in the server's. So whatever changes state
//! must be addressed to a host that is this server's, and come from a page of this server or from no
//! page at all. Once other machines reach the server that is not enough: then the administrator's
//! token is asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Served;
use super::error::ApiError;

/// What is checked.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Only programs of this machine reach the server.
    is_loopback: bool,
    /// Host names that are this server's, beside addresses and `localhost`; lower case.
    hosts: Vec<String>,
    token: Option<String>,
}

impl Guard {
    /// For a server that listens on an address. `hosts` are names by which people reach it (that of
    /// `--public-url`); `token` is the administrator's.
    pub fn new(listen: SocketAddr, hosts: Vec<String>, token: Option<String>) -> Guard {
        let hosts: Vec<String> = hosts.into_iter().map(|h| h.to_ascii_lowercase()).collect();
        // A name that people reach it by means that a web server stands in front of it.
        Guard { is_loopback: listen.ip().is_loopback() && hosts.is_empty(), hosts, token }
    }

    /// Whether a request may see what is not public: it has the token. That it comes from this machine
    /// says nothing, because a web server in front of this one sends everybody's requests from here.
    pub fn is_administrator(&self, headers: &HeaderMap) -> bool {
        self.has_token(headers)
    }

    /// Whether whatever changes something needs the administrator's token.
    pub fn asks_for_token(&self) -> bool {
        !self.is_loopback
    }

    /// # Errors
    /// When a request that changes something must be refused; the message says what to do.
    pub fn check_change(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        self.check_source(headers)?;
        if self.is_loopback || self.has_token(headers) {
            return Ok(());
        }
        let said = headers.contains_key(header::AUTHORIZATION);
        let what = if said { "this is not its token" } else { "it asks for its token" };
        Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            format!(
                "other machines reach this server, so whoever changes something must be its \
                 administrator, and {what}: send the header 'Authorization: Bearer TOKEN'; the \
                 token stands where the server's output says"
            ),
        ))
    }

    /// # Errors
    /// When a request must not see what tells of this machine: it is of a page of another site, or of
    /// another machine and without the token.
    pub fn check_own(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        self.check_source(headers)?;
        if self.is_loopback || self.has_token(headers) {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "what was trained here, and with which files, is shown to the administrator: it takes the \
             server's token; the token stands where the server's output says",
        ))
    }

    /// Host and origin of a request: it is addressed to this server, and comes from a page of this server or
    /// from no page. That is all that is asked of what anybody may make here.
    ///
    /// # Errors
    /// When it must be refused; the message says what to do.
    pub fn check_source(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let refused = |message: String| Err(ApiError::new(StatusCode::FORBIDDEN, message));
        let text = |name| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
        let Some(host) = text(header::HOST) else {
            return refused("the request names no host".into());
        };
        if !self.is_own(host_name(host)) {
            return refused(format!(
                "this server does not go by the name '{}': use its address, or start it with \
                 --public-url",
                host_name(host)
            ));
        }
        match text(header::ORIGIN) {
            Some(origin) if authority(origin) != Some(host) => {
                refused(format!("a page of another site may not ask this of this server: {origin}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a host, with or without a port, is a name of this server.
    pub fn is_own_host(&self, host: &str) -> bool {
        self.is_own(host_name(host))
    }

    fn is_own(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        // An address can't be rebound, and names under .local are given out on the local network.
        name.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || name.ends_with(".local")
            || self.hosts.contains(&name)
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let given = given.and_then(|v| v.strip_prefix("Bearer "));
        match (given, &self.token) {
            (Some(given), Some(token)) => is_same(given.trim().as_bytes(), token.as_bytes()),
            _ => false,
        }
    }
}

/// Lets requests pass that change nothing, and others where [`Guard::check_change`] does.
pub async fn changes(
    State(served): State<Arc<Served>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        served.guard.check_change(request.headers())?;
    }
    Ok(next.run(request).await)
}

/// The name in `name:port`, without the brackets of an IPv6 address.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.split(':').next().unwrap_or(host)
}

/// `name:port` of an origin.
fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, rest)| rest.trim_end_matches('/'))
}

/// Compares in a time that tells nothing of where they differ.
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.clone(), v.parse().expect("a value"))).collect()
    }

    fn guard(listen: &str, hosts: &[&str]) -> Guard {
        let hosts = hosts.iter().map(|h| (*h).to_owned()).collect();
        Guard::new(listen.parse().expect("an address"), hosts, Some("secret".into()))
    }

    #[test]
    fn a_page_of_another_site_changes_nothing_on_this_machine() {
        let guard = guard("127.0.0.1:8080", &[]);
        for (host, origin, passes) in [
            ("127.0.0.1:8080", None, true),
            ("localhost:8080", Some("http://localhost:8080"), true),
            ("[::1]:8080", Some("http://[::1]:8080"), true),
            ("whales.local:8080", Some("http://whales.local:8080"), true),
            ("127.0.0.1:8080", Some("https://evil.example"), false),
            ("127.0.0.1:8080", Some("http://127.0.0.1:9999"), false),
            ("127.0.0.1:8080", Some("null"), false),
            ("evil.example:8080", Some("http://evil.example:8080"), false),
            ("evil.example:8080", None, false),
        ] {
            let mut sent = vec![(header::HOST, host)];
            sent.extend(origin.map(|o| (header::ORIGIN, o)));
            let sent = headers(&sent);
            assert_eq!(guard.check_change(&sent).is_ok(), passes, "{host} {origin:?}");
            assert!(!guard.is_administrator(&sent), "{host} {origin:?}");
        }
        assert!(guard.check_change(&headers(&[])).is_err(), "no host");
    }

    #[test]
    fn where_other_machines_come_in_the_token_is_asked_for() {
        for (guard, host) in [
            (guard("0.0.0.0:8080", &[]), "192.0.2.7:8080"),
            (guard("127.0.0.1:8080", &["Whales.Example"]), "whales.example"),
        ] {
            asks_for_the_token(&guard, (header::HOST, host));
        }
    }

    fn asks_for_the_token(guard: &Guard, host: (header::HeaderName, &str)) {
        let with = |token| headers(&[host.clone(), (header::AUTHORIZATION, token)]);
        assert!(guard.check_change(&headers(std::slice::from_ref(&host))).is_err());
        assert!(guard.check_change(&with("Bearer wrong!")).is_err());
        assert!(guard.check_change(&with("Basic secret")).is_err());
        assert!(guard.check_change(&with("Bearer secret")).is_ok());
        assert!(guard.is_administrator(&with("Bearer secret")));
        assert!(!guard.is_administrator(&headers(&[host])));
    }
}
