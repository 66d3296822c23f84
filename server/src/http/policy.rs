//! What a browser may do with what it gets here (Content Security Policy, level 3).

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::unfurl::OPENS_VIEW;
use super::web_app;

/// The policies of pages.
pub struct Policies {
    /// Of a page that no other site's page may show.
    pub alone: HeaderValue,
    /// Of one that others may show.
    pub framed: HeaderValue,
}

/// Those of the app's page: made once, of the page that the program carries.
pub static POLICIES: LazyLock<Policies> = LazyLock::new(|| {
    let index = web_app::index().unwrap_or_default();
    let framed = policy(&index);
    let value = |text: String| {
        // It is made of letters, digits and marks only.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("default-src 'self'"))
    };
    Policies { alone: value(format!("{framed}; frame-ancestors 'self'")), framed: value(framed) }
});

/// Scripts are this server's files, those that stand in the app's page as it was built, and the one that
/// opens a view; what else comes to stand in a page does not run. Data may come from anywhere, because a
/// person may open any address; and what draws sets styles.
fn policy(index: &str) -> String {
    let scripts: String =
        scripts(index).chain([OPENS_VIEW]).map(|script| format!(" '{}'", hash(script))).collect();
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{scripts}; worker-src 'self'; \
         connect-src * data: blob:; img-src 'self' data: blob:; media-src 'self' data: blob:; \
         font-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; \
         form-action 'self'"
    )
}

/// What stands between a page's script tags.
fn scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!script.is_empty()).then_some(script)
    })
}

/// A script as a policy names it.
fn hash(script: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(script.as_bytes())))
}

/// Says with each answer that it is what it says it is, and that no other site is told who asked.
pub async fn plain(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_the_scripts_of_the_page_and_no_others() {
        let page = "<head><script src=\"a.js\"></script></head><script type=\"module\">\nlet a;\n</script>";
        let found: Vec<&str> = scripts(page).collect();
        assert_eq!(found, ["\nlet a;\n"]);
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert_eq!(hash("alert(1)"), "sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=");
        let said = policy(page);
        assert!(said.contains(&hash("\nlet a;\n")) && said.contains(&hash(OPENS_VIEW)), "{said}");
        assert!(!said.contains(&hash("alert(1)")) && !said.contains("'unsafe-eval'"));
    }
}
