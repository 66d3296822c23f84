//! What an address says of a class: `?class=CODE` joins one, `?class=CODE&leader=1#key=…` leads it, and
//! `?class=` asks for the code.

use spyhop_api::room::{CODE_LENGTH, CODE_LETTERS};

/// Whether and as what a page takes part in a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A code is to be typed.
    Asks,
    /// To join a class.
    Joins {
        /// Its code.
        code: String,
    },
    /// To lead one.
    Leads {
        /// Its code; none: a class is to be begun.
        code: Option<String>,
        /// The key, where the fragment holds it.
        key: Option<String>,
    },
}

impl Address {
    /// Reads a query and a fragment, with or without their signs; none where they are of no class.
    pub fn read(query: &str, fragment: &str) -> Option<Address> {
        let code = value_of(query, "class")?;
        let code = tidy_code(&code);
        if value_of(query, "leader").as_deref() != Some("1") {
            return Some(match code.is_empty() {
                true => Address::Asks,
                false => Address::Joins { code },
            });
        }
        let key = value_of(fragment.trim_start_matches('#'), "key").filter(|key| !key.is_empty());
        Some(Address::Leads { code: Some(code).filter(|code| !code.is_empty()), key })
    }
}

/// A code as it is written: capitals, without what people type between or around them. Letters that look
/// like one of a code stay: the server says that there is no such class.
pub fn tidy_code(typed: &str) -> String {
    let letters = typed.chars().filter(|c| c.is_ascii_alphanumeric());
    letters.map(|c| c.to_ascii_uppercase()).take(2 * CODE_LENGTH).collect()
}

/// Whether this can be a code.
pub fn is_code(code: &str) -> bool {
    code.len() == CODE_LENGTH && code.chars().all(|c| CODE_LETTERS.contains(c))
}

/// A query, with its sign, in which the class stands.
pub fn with_class(query: &str, code: &str, is_leader: bool) -> String {
    let leads = value_of(query, "leader").as_deref() == Some("1");
    if value_of(query, "class").as_deref() == Some(code) && leads == is_leader {
        return query.to_owned();
    }
    let rest = without_class(query);
    let joint = if rest.is_empty() { "?" } else { "&" };
    let leads = if is_leader { "&leader=1" } else { "" };
    format!("{rest}{joint}class={code}{leads}")
}

/// A query, with its sign, without the class; empty where nothing is left.
pub fn without_class(query: &str) -> String {
    let pairs = query.trim_start_matches('?').split('&').filter(|pair| {
        let key = pair.split('=').next().unwrap_or_default();
        !key.is_empty() && !matches!(key, "class" | "leader")
    });
    let rest = pairs.collect::<Vec<_>>().join("&");
    if rest.is_empty() { rest } else { format!("?{rest}") }
}

fn value_of(query: &str, key: &str) -> Option<String> {
    let mut pairs = query.trim_start_matches('?').split('&');
    let value = pairs.find_map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name == key).then_some(value),
        None => (pair == key).then_some(""),
    })?;
    // What is no code and no key has nothing to decode.
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_joins_leads_or_asks_for_the_code() {
        let read = |query: &str, fragment: &str| Address::read(query, fragment);
        assert_eq!(read("?v=1&src=set:bay", ""), None);
        assert_eq!(read("?class=", ""), Some(Address::Asks));
        assert_eq!(read("?class", ""), Some(Address::Asks));
        assert_eq!(read("?class=bcd-fg", ""), Some(Address::Joins { code: "BCDFG".into() }));
        let leads = read("?class=BCDFG&leader=1&v=1", "#key=secret");
        let code = Some("BCDFG".to_owned());
        assert_eq!(leads, Some(Address::Leads { code: code.clone(), key: Some("secret".into()) }));
        let again = read("?class=BCDFG&leader=1", "");
        assert_eq!(again, Some(Address::Leads { code, key: None }));
        assert_eq!(
            read("?class=&leader=1", ""),
            Some(Address::Leads { code: None, key: None }),
            "a new class"
        );
    }

    #[test]
    fn the_class_stays_in_the_address_until_it_is_left() {
        assert_eq!(with_class("", "BCDFG", false), "?class=BCDFG");
        assert_eq!(
            with_class("?v=1&src=set:bay", "BCDFG", true),
            "?v=1&src=set:bay&class=BCDFG&leader=1"
        );
        let led = "?class=BCDFG&leader=1&v=1";
        assert_eq!(with_class(led, "BCDFG", true), led);
        assert_eq!(with_class("?class=&v=1", "BCDFG", false), "?v=1&class=BCDFG");
        assert_eq!(without_class(led), "?v=1");
        assert_eq!(without_class("?class=BCDFG"), "");
    }

    #[test]
    fn a_code_may_be_typed_as_people_type() {
        assert_eq!(tidy_code(" bcd fg\n"), "BCDFG");
        assert!(is_code("BCDFG"));
        assert!(!is_code("BCDF") && !is_code("BCDFA") && !is_code("bcdfg"));
        assert_eq!(tidy_code("<script>alert(1)</script>").len(), 2 * CODE_LENGTH);
    }
}
