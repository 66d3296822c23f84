//! Every text that the pages show, in one table: `en/*.toml`, a file for each part of the page.
//!
//! A key without open names is a constant, `panel::labels::TITLE`; one with names is a function,
//! `panel::labels::renamed(from, to)`, of the names in the order in which English first has them; one that counts,
//! `{ one = "1 label", other = "{count} labels" }`, takes the number first. Numbers, times and units come
//! as the page writes them. What the server and the readers of files report is theirs, not this table's; and
//! `app/index.html` holds what is read before the program is there: a translation of the page translates it too.
//!
//! Another language is a folder beside `en` with the same files, whole or in part, its `plural.toml` (the
//! numbers that it has other words for, by the rules that CLDR publishes), and
//! `SPYHOP_LANGUAGE=de make app`.

include!(concat!(env!("OUT_DIR"), "/words.rs"));
