//! What a chat, a slide or a search engine reads of a page: Open Graph and Twitter's card, put into the
//! head of the web app's own page. No script is needed to see it.

use axum::http::{HeaderName, HeaderValue, header};

/// What is said of a page.
#[derive(Clone, Debug, Default)]
pub struct Unfurled {
    /// Its title.
    pub title: String,
    /// A sentence or two.
    pub description: String,
    /// Address of the page, absolute where the server's is known.
    pub url: String,
    /// Address of its picture of 1200 × 630 pixels.
    pub image: String,
    /// The picture in words.
    pub image_alt: String,
}

/// How a page stands below the address of the app.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placed<'a> {
    /// The app's own address from there, as `../`.
    pub base: Option<&'a str>,
    /// The query that the app opens, in place of the page's own. As `View::to_query` writes it: it holds
    /// nothing that ends a string.
    pub query: Option<&'a str>,
    /// What stands in the page for whoever has no script; HTML.
    pub without_script: &'a str,
}

/// Puts what is said of a page into the app's page.
pub fn unfurled(index: &str, said: &Unfurled, placed: Placed<'_>) -> String {
    let mut page = without_own_words(index);
    let mut head = String::new();
    if let Some(base) = placed.base {
        page = page.replacen("<base href=\"./\">", "", 1);
        head += &format!("<base href=\"{}\">\n", escaped(base));
    }
    if let Some(query) = placed.query {
        // The app reads its address: this one becomes the app's, before anything else is fetched.
        // How it is shown goes along: alone within another page, from a step of a story on, to an audience.
        head += &format!(
            "<script>history.replaceState(null, \"\", new URL(\"?{}\" + \
             (location.search.match(/\\b(embed=1|present=1|kiosk=1|step=\\d+)\\b/g) || [])\
             .map(function (key) {{ return \"&\" + key; }}).join(\"\"), document.baseURI));</script>\n",
            escaped(query).replace("&amp;", "&")
        );
    }
    head += &in_head(said);
    let page = page.replacen("<head>", &format!("<head>\n{head}"), 1);
    page.replacen("<body>", &format!("<body>\n{}", placed.without_script), 1)
}

/// What is said of a page, for its head.
pub fn in_head(said: &Unfurled) -> String {
    let title = escaped(&said.title);
    let mut head = format!("<title>{title} · Spyhop</title>\n");
    let mut meta = |kind: &str, name: &str, value: &str| {
        if !value.is_empty() {
            head += &format!("<meta {kind}=\"{name}\" content=\"{}\">\n", escaped(value));
        }
    };
    meta("name", "description", &said.description);
    meta("property", "og:title", &said.title);
    meta("property", "og:description", &said.description);
    meta("property", "og:type", "website");
    meta("property", "og:site_name", "Spyhop");
    meta("property", "og:url", &said.url);
    meta("property", "og:image", &said.image);
    meta("property", "og:image:type", "image/png");
    meta("property", "og:image:width", "1200");
    meta("property", "og:image:height", "630");
    meta("property", "og:image:alt", &said.image_alt);
    meta("name", "twitter:card", "summary_large_image");
    meta("name", "twitter:title", &said.title);
    meta("name", "twitter:description", &said.description);
    meta("name", "twitter:image", &said.image);
    meta("name", "twitter:image:alt", &said.image_alt);
    head
}

/// The page without its title, and without what it says of itself.
fn without_own_words(index: &str) -> String {
    let mut page = index.to_owned();
    if let (Some(from), Some(to)) = (page.find("<title>"), page.find("</title>"))
        && from < to
    {
        page.replace_range(from..to + "</title>".len(), "");
    }
    for mark in ["<meta property=\"og:", "<meta name=\"twitter:", "<meta name=\"description\""] {
        while let Some(from) = page.find(mark) {
            let Some(length) = page[from..].find('>') else { break };
            page.replace_range(from..=from + length, "");
        }
    }
    page
}

/// Whether another site's page may show this one within itself: only where its address asks for the picture
/// alone (`embed=1`), which has nothing that a hidden click could change. Of several the app heeds the first,
/// and a page of the server's own (`page=`) has buttons.
pub fn framing(query: &str) -> (HeaderName, HeaderValue) {
    let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
    let is_embedded = pairs().find(|(key, _)| *key == "embed") == Some(("embed", "1"));
    let policy = if is_embedded && !pairs().any(|(key, _)| key == "page") {
        "object-src 'none'; base-uri 'self'"
    } else {
        "object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
    };
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))
}

/// Text as it may stand in HTML, also between quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = include_str!("../../../app/index.html");

    #[test]
    fn the_apps_page_says_of_itself_what_a_share_says() {
        let said = Unfurled {
            title: "Fin whales".into(),
            description: "A night".into(),
            url: "https://whales.example/s/abc".into(),
            image: "https://whales.example/s/abc/preview.png".into(),
            image_alt: "A spectrogram".into(),
        };
        let query = "v=1&src=set:bay&share=abc";
        let placed = Placed { base: Some("../"), query: Some(query), without_script: "<p>picture" };
        let page = unfurled(INDEX, &said, placed);
        let count = |what: &str| page.matches(what).count();
        assert_eq!((count("<title>"), count("og:title"), count("<base ")), (1, 1, 1));
        assert_eq!((count("twitter:card"), count("name=\"description\"")), (1, 1));
        assert!(page.contains("content=\"summary_large_image\""));
        assert!(page.contains("content=\"https://whales.example/s/abc/preview.png\""));
        assert!(page.contains("<body>\n<p>picture"));
        // The address is the app's before its base is taken for anything.
        let at = |what: &str| page.find(what).expect("there");
        assert!(at("<base href=\"../\">") < at("history.replaceState"));
        assert!(at("history.replaceState") < at("<link"));
        assert!(page.contains(&format!("?{query}\"")), "{}", &page[..900]);
    }

    #[test]
    fn only_the_picture_alone_is_shown_within_another_sites_page() {
        for (query, may) in [
            ("v=1&src=set:bay&embed=1", true),
            ("embed=1", true),
            ("v=1&src=set:bay", false),
            ("embed=0&embed=1", false),
            ("embed=1&embed=0", true),
            ("embed=&embed=1", false),
            ("page=jobs&embed=1", false),
            ("embed=1&page=jobs", false),
        ] {
            let (_, policy) = framing(query);
            let policy = policy.to_str().expect("text");
            assert_eq!(!policy.contains("frame-ancestors 'self'"), may, "{query}");
        }
    }

    #[test]
    fn text_that_is_script_stays_text() {
        let hostile = "</title><script>alert('1')</script>\"><img src=x onerror=alert(1)>";
        let said =
            Unfurled { title: hostile.into(), description: hostile.into(), ..Unfurled::default() };
        let page = unfurled(INDEX, &said, Placed::default());
        assert!(
            !page.contains("<script>alert") && !page.contains("<img src=x"),
            "{}",
            &page[..900]
        );
        let script = Placed { query: Some("\"</script><script>x"), ..Placed::default() };
        assert!(!unfurled(INDEX, &said, script).contains("</script><script>x"));
    }
}
