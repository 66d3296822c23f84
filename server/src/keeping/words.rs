//! What people write, made plain: text, and nothing that steers whoever shows it.

/// One line: white space is one space, and what can't be seen is left out.
pub fn line(text: &str) -> String {
    let plain: String = text.chars().filter(|c| c.is_whitespace() || is_plain(*c)).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Several lines, no more than one of them empty in a row.
pub fn paragraphs(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for one in text.lines().map(line) {
        let is_second = one.is_empty() && lines.last().is_none_or(String::is_empty);
        if !is_second {
            lines.push(one);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// Markdown: lines and the blanks before them stay, because they mean something there.
pub fn markdown(text: &str) -> String {
    let plain: String =
        text.replace('\t', "    ").chars().filter(|c| *c == '\n' || is_plain(*c)).collect();
    plain.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

/// No control character, and none that turns the direction of what follows: by those a name can look
/// like another one.
fn is_plain(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_nothing = matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    !c.is_control() && !turns && !is_nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out_and_what_can_stays() {
        assert_eq!(line("  a\tfin\n whale\u{202e}gpj\u{0}\u{feff} "), "a fin whalegpj");
        assert_eq!(line("Bartenwal 鯨 🐋 <b>"), "Bartenwal 鯨 🐋 <b>");
        assert_eq!(paragraphs("\n\nfirst \r\n\n\n\nsecond\u{7}\n\n"), "first\n\nsecond");
        assert_eq!(paragraphs(""), "");
        assert_eq!(markdown("\n- a\r\n\t- b\u{202e} \u{0}\n\n\n1. c\n"), "- a\n    - b\n\n\n1. c");
    }
}
