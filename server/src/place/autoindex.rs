//! A web server's own page of a folder (nginx, Apache, lighttpd, Python's `http.server`): its links,
//! and what stands behind each.

use reqwest::Url;

/// A link of such a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name, decoded, with a slash at its end where it is a folder.
    pub name: String,
    /// Date and size as the page writes them; empty where it writes none.
    pub told: String,
    /// Length in bytes, where the page gives all digits of it.
    pub bytes: Option<u64>,
}

/// The links of a page to what lies directly in the folder that it shows.
pub fn links(page: &str, folder: &Url) -> Vec<Link> {
    // Tags may be written in capitals; what is not ASCII keeps its place.
    let lower = page.to_ascii_lowercase();
    let mut starts: Vec<usize> = lower.match_indices("<a ").map(|(at, _)| at).collect();
    starts.push(page.len());
    let mut links: Vec<Link> = Vec::new();
    for pair in starts.windows(2) {
        let (piece, lower) = (&page[pair[0]..pair[1]], &lower[pair[0]..pair[1]]);
        let Some(name) = href(piece, lower).and_then(|href| name_in(&href, folder)) else {
            continue;
        };
        let after = lower.find("</a>").map_or("", |end| &piece[end + "</a>".len()..]);
        let told = text_of(after);
        let bytes =
            told.rsplit(' ').next().filter(|_| told.contains(' ')).and_then(|t| t.parse().ok());
        if !links.iter().rev().take(2).any(|known| known.name == name) {
            links.push(Link { name, told, bytes });
        }
    }
    links
}

fn href(piece: &str, lower: &str) -> Option<String> {
    let at = lower.find("href")? + "href".len();
    let rest = piece[at..].trim_start().strip_prefix('=')?.trim_start();
    let value = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest.split(|c: char| c.is_whitespace() || c == '>').next()?,
    };
    Some(value.replace("&amp;", "&").replace("&#39;", "'").replace("&quot;", "\""))
}

/// The name of what a link leads to, if that lies directly in the folder.
fn name_in(href: &str, folder: &Url) -> Option<String> {
    let target = folder.join(href).ok()?;
    if target.origin() != folder.origin() || target.query().is_some() {
        return None;
    }
    let below = target.path().strip_prefix(folder.path())?;
    let name = below.strip_suffix('/').unwrap_or(below);
    (!name.is_empty() && !name.contains('/')).then(|| super::web_listing::decoded_name(below))?
}

/// Text without tags, each run of white space one space.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.replace("&nbsp;", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(page: &str) -> Vec<(String, String, Option<u64>)> {
        let folder = Url::parse("https://host/whales/").expect("an address");
        links(page, &folder).into_iter().map(|l| (l.name, l.told, l.bytes)).collect()
    }

    fn row(name: &str, told: &str, bytes: Option<u64>) -> (String, String, Option<u64>) {
        (name.into(), told.into(), bytes)
    }

    #[test]
    fn nginx_gives_dates_and_all_digits_of_the_size() {
        let page = "<html><head><title>Index of /whales/</title></head><body>\n<h1>Index</h1><hr>\
            <pre><a href=\"../\">../</a>\n\
            <a href=\"night/\">night/</a>          01-Jun-2024 12:00       -\n\
            <a href=\"a%20b.wav\">a b.wav</a>      01-Jun-2024 12:05   16044\n</pre></body></html>";
        let expected = [
            row("night/", "01-Jun-2024 12:00 -", None),
            row("a b.wav", "01-Jun-2024 12:05 16044", Some(16_044)),
        ];
        assert_eq!(of(page), expected);
    }

    #[test]
    fn apache_rounds_sizes_and_links_to_its_own_sorting() {
        let page = "<table><tr><th><a href=\"?C=N;O=D\">Name</a></th></tr>\
            <tr><td><a href=\"/\">Parent Directory</a></td><td>&nbsp;</td></tr>\
            <tr><td><a href=\"71621DC7.190\">71621DC7.190</a></td><td align=\"right\">2017-06-12 \
            06:38  </td><td align=\"right\">8.0M</td><td>&nbsp;</td></tr></table>";
        assert_eq!(of(page), [row("71621DC7.190", "2017-06-12 06:38 8.0M", None)]);
    }

    #[test]
    fn pythons_page_gives_names_alone() {
        let page = "<ul>\n<li><a href=\"a.wav\">a.wav</a></li>\n<li><A HREF='b%23c.wav'>b#c</A></li>\
            <li><a href=\"https://elsewhere/x.wav\">x</a></li><li><a href=\"s/t.wav\">t</a></li></ul>";
        assert_eq!(of(page), [row("a.wav", "", None), row("b#c.wav", "", None)]);
    }

    #[test]
    fn any_text_is_looked_through_without_harm() {
        for page in
            ["", "<a ", "<a href", "<a href=", "<a href=\"", "<a href=x", "é<a href='é'", "<"]
        {
            of(page);
        }
    }
}
