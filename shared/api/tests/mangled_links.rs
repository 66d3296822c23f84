//! Links are pasted, wrapped, cut and counted on their way: whatever comes of one that was written once, a
//! page opens it, and what it writes of it is a sound link.

use proptest::prelude::*;
use spyhop_api::View;

/// Links as released versions wrote them, the old and the new form of each.
fn stored() -> Vec<&'static str> {
    let lines = include_str!("../src/view/released_links.txt").lines();
    lines.filter(|line| !line.starts_with('#')).flat_map(|line| line.split('\t')).collect()
}

/// What happens to a few letters.
#[derive(Clone, Debug)]
enum Change {
    Cut,
    Repeat,
    Put(String),
    Turn,
    Encode,
    Decode,
    End,
}

/// Changes, each with where it begins (as a part of the text) and how many letters it takes.
fn changes() -> impl Strategy<Value = Vec<(f64, usize, Change)>> {
    let put = prop_oneof![
        "[-+.0-9eEsZ_:,&=%]{1,12}",
        "[^\u{0}]{1,6}",
        proptest::sample::select(vec![
            "&amp;",
            "%25",
            "%",
            "\r\n ",
            "1e309",
            "NaN",
            "-9223372036854775808",
            "\u{202e}",
            "<script>",
            "src=set:a&",
            "&t=&span=&f=",
        ])
        .prop_map(str::to_owned),
    ];
    let change = prop_oneof![
        Just(Change::Cut),
        Just(Change::Repeat),
        put.prop_map(Change::Put),
        Just(Change::Turn),
        Just(Change::Encode),
        Just(Change::Decode),
        Just(Change::End),
    ];
    proptest::collection::vec((0.0..1.0f64, 0usize..40, change), 1..6)
}

fn mangled(link: &str, changes: &[(f64, usize, Change)]) -> String {
    let mut text: Vec<char> = link.chars().collect();
    for (at, length, change) in changes {
        let from = (at * text.len() as f64) as usize;
        let to = (from + length).min(text.len());
        let part: String = text[from..to].iter().collect();
        let instead = match change {
            Change::Cut => String::new(),
            Change::Repeat => part.repeat(2),
            Change::Put(what) => format!("{what}{part}"),
            Change::Turn => part.chars().rev().collect(),
            Change::Encode => part.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            Change::Decode => part.replace("%20", " ").replace("%25", "%"),
            Change::End => {
                text.truncate(from);
                continue;
            }
        };
        text.splice(from..to, instead.chars());
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn of_a_stored_link_that_was_mangled_comes_a_sound_view(
        link in proptest::sample::select(stored()),
        changes in changes(),
    ) {
        let (view, errors) = View::from_query(&mangled(link, &changes));
        prop_assert!(errors.iter().all(|error| !error.to_string().is_empty()));
        let written = view.to_query();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~:/,%&=".contains(c);
        prop_assert!(written.chars().all(plain), "{}", written);
        let (again, errors) = View::from_query(&written);
        prop_assert_eq!(errors, vec![], "{}", written);
        prop_assert_eq!(again, view);
    }
}

#[test]
fn what_chats_and_mail_add_to_a_link_changes_nothing() {
    for link in stored() {
        let (view, _) = View::from_query(link);
        for added in [
            format!("?{link}"),
            format!("{link}&fbclid=IwAR0abc_DEF-123"),
            format!("utm_source=news&utm_medium=email&{link}"),
            format!("{link}&"),
            format!("{link}&share=abc&embed=1"),
        ] {
            let (found, errors) = View::from_query(&added);
            assert_eq!((found, errors), (view.clone(), vec![]), "{added}");
        }
    }
}

#[test]
fn a_link_keeps_its_view_whatever_of_it_is_percent_encoded() {
    // What is encoded already stays; everything else is encoded, too.
    let encoded = |c: char| match c.is_ascii_alphanumeric() || c == '%' {
        true => c.to_string(),
        false => format!("%{:02X}", u32::from(c)),
    };
    for link in stored() {
        let (view, _) = View::from_query(link);
        let pairs = link.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<String> = pairs
            .map(|(key, value)| format!("{key}={}", value.chars().map(encoded).collect::<String>()))
            .collect();
        let (found, errors) = View::from_query(&pairs.join("&"));
        assert_eq!((found, errors), (view, vec![]), "{}", pairs.join("&"));
    }
}
