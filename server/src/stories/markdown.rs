//! A story's text, as people write it, made HTML that does nothing but stand there.
//!
//! pulldown-cmark reads it: CommonMark's usual parser in Rust, kept by many and fuzzed, without a dependency
//! that this program has not. What it gives is let through by name: HTML in the text is dropped, a link goes to
//! the web or to a mailbox, a picture is its words, and no element has an attribute but `href` and `rel`.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::http::escaped;

/// The text as HTML.
pub fn to_html(text: &str) -> String {
    let mut made = String::with_capacity(text.len() * 2);
    html::push_html(&mut made, Safe { events: Parser::new_ext(text, OPTIONS), links: Vec::new() });
    made
}

/// The words of the text alone, a paragraph or an item a line.
pub fn to_plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for event in Parser::new_ext(text, OPTIONS) {
        match event {
            Event::Text(words) | Event::Code(words) => plain.push_str(&words),
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock,
            ) if !plain.ends_with('\n') => plain.push('\n'),
            _ => {}
        }
    }
    plain.trim_end().to_owned()
}

/// Nothing beyond CommonMark: no tables, footnotes or formulas, which would need more of a page.
const OPTIONS: Options = Options::empty();

/// The events of a text, without what may not stand in a page.
struct Safe<'a> {
    events: Parser<'a>,
    /// Whether each link that is open has an element.
    links: Vec<bool>,
}

impl<'a> Iterator for Safe<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            let event = self.events.next()?;
            return Some(match event {
                Event::Html(_) | Event::InlineHtml(_) => continue,
                Event::Start(Tag::HtmlBlock | Tag::Image { .. })
                | Event::End(TagEnd::HtmlBlock | TagEnd::Image) => continue,
                Event::Start(Tag::Link { dest_url, .. }) => {
                    let may = is_public(&dest_url);
                    self.links.push(may);
                    if !may {
                        continue;
                    }
                    let href = escaped(&dest_url);
                    Event::InlineHtml(
                        format!("<a href=\"{href}\" rel=\"noopener nofollow\">").into(),
                    )
                }
                Event::End(TagEnd::Link) => match self.links.pop() {
                    Some(true) => Event::InlineHtml("</a>".into()),
                    _ => continue,
                },
                Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
                    level: below(level),
                    id: None,
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }),
                Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
                Event::Start(Tag::CodeBlock(_)) => {
                    Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))
                }
                // A list that begins at another number would be an attribute.
                Event::Start(Tag::List(Some(_))) => Event::Start(Tag::List(Some(1))),
                other => other,
            });
        }
    }
}

/// A heading within a step: the page has those above it.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// Whether an address is of the web or of a mailbox; `javascript:`, `data:` and what is relative are not.
fn is_public(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_is_read_as_people_mean_it() {
        let text = "# Whistles\n\nA *dolphin* has a **name**, see [DOSITS](https://dosits.org/).\n\n1. hear\n2. see\n\n> loud\n\n`x<y`";
        assert_eq!(
            to_html(text),
            "<h3>Whistles</h3>\n<p>A <em>dolphin</em> has a <strong>name</strong>, see \
             <a href=\"https://dosits.org/\" rel=\"noopener nofollow\">DOSITS</a>.</p>\n\
             <ol>\n<li>hear</li>\n<li>see</li>\n</ol>\n<blockquote>\n<p>loud</p>\n</blockquote>\n\
             <p><code>x&lt;y</code></p>\n"
        );
        assert_eq!(
            to_plain(text),
            "Whistles\nA dolphin has a name, see DOSITS.\nhear\nsee\nloud\nx<y"
        );
    }

    #[test]
    fn text_that_is_script_stays_text_or_goes() {
        for hostile in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<svg/onload=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](&#106;avascript&colon;alert(1))",
            "[x](\u{1}javascript:alert(1))",
            "[x](  \tjavascript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:x) [y](//evil.example) [z](file:///etc/passwd)",
            "<javascript:alert(1)>",
            "![x](https://evil.example/pixel.png)",
            "![x\" onerror=\"alert(1)](x)",
            "[x](https://a.example/\"onmouseover=alert(1)//)",
            "[x](https://a.example 't\" onclick=\"alert(1)')",
            "```\" onclick=\"alert(1)\nx\n```",
            "[x]: javascript:alert(1)\n\n[x]",
            "<a href=\"https://a.example\" style=\"position:fixed\">x</a>",
            "# x {#id .class onclick=alert(1)}",
            "7. seven",
        ] {
            let made = to_html(hostile);
            assert!(is_harmless(&made), "{hostile}: {made}");
        }
        let fine = to_html("<https://a.example/?a=1&b=2> <mailto:ada@a.example>");
        assert!(fine.contains("href=\"https://a.example/?a=1&amp;b=2\""), "{fine}");
        assert!(fine.contains("href=\"mailto:ada@a.example\""), "{fine}");
    }

    proptest! {
        #[test]
        fn no_text_whatever_brings_another_element_or_attribute(
            text in r#"([<>"'&;:/=()\[\]!`*_#\n\t -]|javascript|script|https://|onload|img|svg|data|&#x6a;|a|1){0,60}"#
        ) {
            let made = to_html(&text);
            prop_assert!(is_harmless(&made), "{text:?}: {made}");
            to_plain(&text);
        }
    }

    /// Reads the HTML as strictly as nobody does: known elements, each closed, and no attribute but those of
    /// a link.
    fn is_harmless(html: &str) -> bool {
        const KNOWN: &[&str] = &[
            "p",
            "em",
            "strong",
            "code",
            "pre",
            "ul",
            "ol",
            "li",
            "blockquote",
            "hr",
            "br",
            "h3",
            "h4",
            "h5",
            "h6",
        ];
        let mut open: Vec<&str> = Vec::new();
        let mut rest = html;
        while let Some(at) = rest.find(['<', '>']) {
            let Some(tag) = rest[at..].strip_prefix('<') else { return false };
            let Some((tag, after)) = tag.split_once('>') else { return false };
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if tag == "hr /" || tag == "br /" {
            } else if let Some(attributes) = tag.strip_prefix("a href=\"") {
                let Some((href, end)) = attributes.split_once('"') else { return false };
                if end != " rel=\"noopener nofollow\"" || !is_public(href) {
                    return false;
                }
                open.push("a");
            } else if KNOWN.contains(&tag) {
                open.push(tag);
            } else {
                return false;
            }
        }
        open.is_empty()
    }
}
