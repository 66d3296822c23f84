//! A server whose reading is closed: whoever has its token gets in, and nobody else sees anything.
//!
//! Programs send the token with each request; a browser asks for it once, by a form that needs no script,
//! and keeps it in a cookie that no script can read. It is in no link: links are passed on.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::error::ApiError;
use super::guard::is_same;
use super::unfurl::framing;
use super::{Caller, Served};
use crate::catalogue::access::Reader;
use crate::keeping::{Rate, Rates};

/// The header that programs send.
const HEADER: &str = "spyhop-read-token";
/// The browser's cookie, and the field of the form.
const COOKIE: &str = "spyhop_read";
/// How long a browser keeps it.
const KEPT_S: u32 = 30 * 86_400;
/// The longest form.
const MOST_BYTES: usize = 1024;
/// Tries of one address; a class behind one address comes at once.
const TRIES: Rate = Rate { at_once: 60.0, one_every: Duration::from_secs(5) };

/// Wrong tokens that are remembered, and for how long: a program that goes on sending the same one tries no
/// other, and is not to lock out everybody behind its address.
const MOST_WRONG: u64 = 10_000;
/// See [`MOST_WRONG`].
const WRONG_FOR: Duration = Duration::from_secs(3600);

/// What reading needs.
pub struct Closed {
    token: String,
    /// What a browser keeps: not the token itself, which may hold what no cookie does. Nobody makes it of a
    /// token that they guess, so that cookies are not tries.
    cookie: String,
    tries: Rates,
    wrong: moka::sync::Cache<(IpAddr, blake3::Hash), ()>,
}

/// What the headers of a request say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// A browser that was let in.
    Cookie,
    /// A program shows a token.
    Token(String),
    /// Nothing.
    Nothing,
}

impl Closed {
    /// Closed to everybody without the token. `secret` is known to this server alone, and stays the same.
    pub fn new(token: String, secret: &str) -> Closed {
        let mut hasher = blake3::Hasher::new_derive_key("spyhop: the cookie of a closed server");
        hasher.update(secret.as_bytes()).update(b"\n").update(token.as_bytes());
        let cookie = hasher.finalize().to_hex().to_string();
        let wrong = moka::sync::Cache::builder();
        let wrong = wrong.max_capacity(MOST_WRONG).time_to_live(WRONG_FOR).build();
        Closed { token, cookie, tries: Rates::new(TRIES), wrong }
    }

    fn shown(&self, headers: &HeaderMap) -> Shown {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().trim().to_owned();
        let cookies = headers.get_all(header::COOKIE).iter().map(text);
        let cookies: Vec<String> = cookies.collect();
        let of_cookie = |cookies: &String| {
            let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.any(|(name, value)| {
                name == COOKIE && is_same(value.as_bytes(), self.cookie.as_bytes())
            })
        };
        if cookies.iter().any(of_cookie) {
            return Shown::Cookie;
        }
        headers.get(HEADER).map_or(Shown::Nothing, |value| Shown::Token(text(value)))
    }

    /// Whether a token that a program shows is the right one. Whoever has tried too many is told of none, not
    /// even of the right one.
    ///
    /// # Errors
    /// How long to wait.
    fn is_right(&self, given: &str, from: Option<IpAddr>, now: Instant) -> Result<bool, Duration> {
        let is_right = self.is_token(given);
        let Some(from) = from else { return Ok(is_right) };
        if is_right {
            return self.tries.wait(from, now).map_or(Ok(true), Err);
        }
        let known = (from, blake3::hash(given.as_bytes()));
        if !self.wrong.contains_key(&known) {
            self.tries.take(from, now)?;
            self.wrong.insert(known, ());
        }
        Ok(false)
    }

    fn is_token(&self, given: &str) -> bool {
        is_same(given.as_bytes(), self.token.as_bytes())
    }
}

/// Lets those pass who may read.
pub async fn let_in(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let Some(closed) = &served.closed else { return next.run(request).await };
    let is_administrator = request.extensions().get::<Reader>() == Some(&Reader::Administrator);
    if is_administrator {
        return next.run(request).await;
    }
    match closed.shown(request.headers()) {
        Shown::Cookie => return next.run(request).await,
        Shown::Token(given) => {
            let from = request.extensions().get::<Caller>().map(|caller| caller.0);
            match closed.is_right(&given, from, Instant::now()) {
                Ok(true) => return next.run(request).await,
                Ok(false) => {}
                Err(wait) => {
                    return ApiError::too_many("tokens were tried", wait).into_response();
                }
            }
        }
        Shown::Nothing => {}
    }
    let is_form = request.method() == Method::POST
        && request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if is_form {
        return answer_form(&served, closed, request).await;
    }
    let takes = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if request.method() == Method::GET && takes.is_some_and(|takes| takes.contains("text/html")) {
        return asking("");
    }
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        format!("this server shows its recordings to whoever has its token: send it as '{HEADER}'"),
    )
    .into_response()
}

/// The token comes by the form: where it is right, the browser is sent where it wanted to go.
async fn answer_form(served: &Served, closed: &Closed, request: Request) -> Response {
    if let Err(refused) = served.guard.check_source(request.headers()) {
        return refused.into_response();
    }
    if let Some(Caller(from)) = request.extensions().get::<Caller>()
        && let Err(wait) = closed.tries.take(*from, Instant::now())
    {
        let seconds = wait.as_secs_f64().ceil();
        return asking(&format!("Too many tries from here: wait {seconds} seconds."));
    }
    let (uri, is_secure) = (request.uri().clone(), served.address.is_secure());
    let body = to_bytes(request.into_body(), MOST_BYTES).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let given = body.split('&').filter_map(|pair| pair.split_once('='));
    let given = given.filter(|(name, _)| *name == COOKIE).map(|(_, value)| {
        let spaced = value.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().trim().to_owned()
    });
    if !given.into_iter().any(|given| closed.is_token(&given)) {
        return asking("This is not the token.");
    }
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax{secure}",
        closed.cookie
    );
    let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, here(&uri))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The same address as seen from itself: what stands before it is not known here where a web server stands
/// in front, and it can lead nowhere else.
fn here(uri: &Uri) -> String {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("./{last}{query}")
}

/// The page that asks for the token.
fn asking(why: &str) -> Response {
    let said = match why {
        "" => String::new(),
        why => format!("<p role=\"alert\" class=\"why\">{why}</p>\n"),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Spyhop: this server asks for its token</title>\n\
         <style>:root{{color-scheme:dark light}}body{{font:16px/1.5 system-ui,sans-serif;max-width:30em;\
         margin:10vh auto;padding:24px}}h1{{font-size:24px}}input,button{{font:inherit;padding:8px;\
         min-height:44px}}.why{{border-left:4px solid #b26a00;padding-left:12px}}</style>\n</head>\n<body>\n\
         <main>\n<h1>These recordings are not for everybody</h1>\n{said}\
         <form method=\"post\">\n<p><label for=\"token\">The token for reading, from whoever runs this \
         server</label></p>\n<p><input id=\"token\" name=\"{COOKIE}\" type=\"password\" required autofocus \
         autocomplete=\"current-password\"> <button>Open</button></p>\n</form>\n</main>\n</body>\n</html>\n"
    );
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), framing("")];
    (StatusCode::UNAUTHORIZED, headers, Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_opens_as_header_and_as_cookie_and_nothing_else_does() {
        let closed = Closed::new("3f9c".into(), "secret");
        let opens = |name: header::HeaderName, value: &str| {
            let headers = HeaderMap::from_iter([(name, value.parse().expect("a value"))]);
            match closed.shown(&headers) {
                Shown::Token(given) => closed.is_right(&given, None, Instant::now()) == Ok(true),
                shown => shown == Shown::Cookie,
            }
        };
        let own = header::HeaderName::from_static(HEADER);
        assert!(opens(own.clone(), "3f9c"));
        assert!(opens(header::COOKIE, &format!("a=b; spyhop_read={}", closed.cookie)));
        assert!(!opens(own.clone(), "3f9") && !opens(own, ""));
        let other = format!("spyhop_read={}", Closed::new("3f9c".into(), "another").cookie);
        for wrong in [&*other, "", "spyhop_read=", "spyhop_read=3f9c", "xspyhop_read=3f9c", "3f9c"]
        {
            assert!(!opens(header::COOKIE, wrong), "{wrong}");
        }
    }

    #[test]
    fn whoever_tries_tokens_by_header_is_not_told_of_the_right_one() {
        let closed = Closed::new("3f9c".into(), "secret");
        let now = Instant::now();
        let one: IpAddr = "192.0.2.1".parse().expect("an address");
        let shows = |given: &str, now| closed.is_right(given, Some(one), now);
        // The same wrong one again and again is no try.
        for _ in 0..500 {
            assert_eq!(shows("old", now), Ok(false));
        }
        assert_eq!(shows("3f9c", now), Ok(true));
        let refused = (0..100).find(|n| shows(&n.to_string(), now).is_err());
        assert_eq!(refused, Some(TRIES.at_once as i32 - 1));
        assert!(shows("3f9c", now).is_err(), "nor of the right one");
        let other = "192.0.2.2".parse().expect("an address");
        assert_eq!(closed.is_right("3f9c", Some(other), now), Ok(true));
        assert_eq!(shows("3f9c", now + TRIES.one_every), Ok(true), "later");
    }

    #[test]
    fn the_way_back_leads_nowhere_else() {
        let way = |uri: &str| here(&uri.parse().expect("an address"));
        assert_eq!(way("/?v=1&src=set:a"), "./?v=1&src=set:a");
        assert_eq!(way("/s/abc?embed=1"), "./abc?embed=1");
        assert_eq!(way("/evil.example:80"), "./evil.example:80");
        assert_eq!(way("//evil.example/"), "./");
    }
}
