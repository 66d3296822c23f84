//! Web folders as places: every way of listing them, and every fault of a server.

use std::time::{Duration, Instant};

use super::remote::{Patience, Remote};
use super::test_server::{Faults, Lists, TestServer};
use super::*;

const QUICK: Patience = Patience {
    timeout: Duration::from_millis(400),
    retries: 2,
    first_wait: Duration::from_millis(20),
};

/// A place that doesn't wait as long as one at sea.
pub fn at(server: &TestServer, below: &str) -> Place {
    let address = Address::parse(&format!("{}{below}", server.url)).expect("an address");
    let remote = Remote::new(&address, QUICK).expect("a place");
    Place { address, kind: Kind::Remote(remote) }
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |n: u32| (0..n).map(|i| (i * 7) as u8).collect::<Vec<u8>>();
    vec![
        ("whales/a b.wav", bytes(1000)),
        ("whales/deep/er/c#1.wav", bytes(300)),
        ("whales/.hidden.wav", bytes(3)),
        ("whales/notes.txt", bytes(9)),
        ("elsewhere.wav", bytes(5)),
    ]
}

fn wavs(name: &str) -> bool {
    name.ends_with(".wav")
}

fn listed(place: &Place) -> Vec<(String, u64)> {
    let mut files = place.list(wavs).expect("a list");
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.into_iter().map(|f| (f.path, f.bytes)).collect()
}

#[test]
fn webdav_and_pages_of_servers_give_the_same_list_and_the_same_bytes() {
    for lists in [Lists::WebDav, Lists::Nginx, Lists::Python] {
        let server = TestServer::start(lists, Faults::default(), &files());
        let place = at(&server, "whales");
        let expected = [("a b.wav".to_owned(), 1000), ("deep/er/c#1.wav".to_owned(), 300)];
        assert_eq!(listed(&place), expected);
        for file in place.list(wavs).expect("a list") {
            place.check_ranges(&file).expect("ranges");
            let mut source = place.open(&file).expect("opened");
            let mut part = vec![0; 100];
            source.read_at(50, &mut part).expect("read");
            let path = format!("whales/{}", file.path);
            let stored = server.files.lock().expect("whole")[&path].clone();
            assert_eq!(part, stored[50..150]);
            assert!(source.read_at(file.bytes - 1, &mut [0; 2]).is_err());
        }
    }
}

#[test]
fn a_server_without_lists_has_a_list_of_its_own_or_says_what_is_missing() {
    let server = TestServer::start(Lists::Nothing, Faults::default(), &files());
    let said = at(&server, "whales").list(wavs).expect_err("no list").to_string();
    assert!(said.contains("WebDAV") && said.contains("spyhop-files.json"), "{said}");
    let list = br#"[{"path": "a b.wav", "bytes": 1000}, {"path": "../elsewhere.wav", "bytes": 5},
        {"path": "notes.txt", "bytes": 9}]"#;
    server.files.lock().expect("whole").insert("whales/spyhop-files.json".into(), list.to_vec());
    let files = at(&server, "whales").list(wavs).expect("a list");
    assert_eq!(files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["a b.wav"]);
}

#[test]
fn a_server_that_sends_files_only_whole_is_refused_with_the_reason() {
    let faults = Faults { no_ranges: true, ..Faults::default() };
    let server = TestServer::start(Lists::Nginx, faults, &files());
    let place = at(&server, "whales");
    let file = place.list(wavs).expect("a list").remove(0);
    let said = place.check_ranges(&file).expect_err("no ranges").to_string();
    assert!(said.contains("only whole") && said.contains("spyhop fetch"), "{said}");
}

#[test]
fn a_server_that_fails_or_is_silent_for_a_while_is_asked_again() {
    for faults in [
        Faults { first: Some((2, 500)), ..Faults::default() },
        Faults { first: Some((2, 429)), ..Faults::default() },
        Faults { silent: 1, ..Faults::default() },
    ] {
        let server = TestServer::start(Lists::Nginx, faults, &files());
        let place = at(&server, "whales");
        let file = place.list(wavs).expect("a list").remove(0);
        let mut bytes = [0; 10];
        place.open(&file).expect("opened").read_at(0, &mut bytes).expect("read after a while");
        assert_eq!(bytes[..3], [0, 7, 14]);
    }
}

#[test]
fn a_server_that_fails_for_good_is_told_of_plainly_and_soon() {
    for (faults, reason) in [
        (Faults { first: Some((99, 503)), ..Faults::default() }, "failed (503)"),
        (Faults { first: Some((99, 429)), ..Faults::default() }, "fewer requests"),
        (Faults { first: Some((99, 403)), ..Faults::default() }, "account"),
        (Faults { silent: 99, ..Faults::default() }, "did not answer in time"),
    ] {
        let server = TestServer::start(Lists::Nginx, faults, &files());
        let place = at(&server, "whales");
        let file = place.list(wavs).expect("a list").remove(0);
        let before = (server.requests(), Instant::now());
        let said =
            place.open(&file).expect("opened").read_at(0, &mut [0; 10]).expect_err("no bytes");
        assert!(said.to_string().contains(reason), "{said}");
        assert!(server.requests() - before.0 <= 3, "the first try and two more");
        assert!(before.1.elapsed() < Duration::from_secs(20));
    }
    let nobody = TestServer::start(Lists::Nginx, Faults::default(), &[]);
    let place = at(&nobody, "gone");
    assert!(place.list(wavs).expect_err("nothing").to_string().contains("can't be listed"));
}

#[test]
fn a_file_that_changes_after_it_was_listed_is_not_mixed_with_itself() {
    let server = TestServer::start(Lists::Python, Faults::default(), &files());
    let place = at(&server, "whales");
    let file = place
        .list(wavs)
        .expect("a list")
        .into_iter()
        .find(|f| f.path == "a b.wav")
        .expect("listed");
    assert!(file.entity_tag().is_some(), "asked for with the length");
    server.files.lock().expect("whole").insert("whales/a b.wav".into(), vec![1; 10]);
    let said = place.open(&file).expect("opened").read_at(500, &mut [0; 10]).expect_err("shorter");
    assert!(!said.to_string().is_empty());
}
