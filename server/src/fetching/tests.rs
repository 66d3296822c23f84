//! Copying from web servers with faults.

use std::sync::atomic::AtomicI64;

use tempfile::TempDir;

use super::*;
use crate::place::test_server::{Faults, Lists, TestServer};

fn bytes(seed: u32) -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761 + seed) >> 24) as u8).collect()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("w/audio/x_20200101_000000.wav", bytes(1)),
        ("w/audio/x_20200102_000000.wav", bytes(2)),
        ("w/audio/x_20200103_000000.wav", bytes(3)),
        ("w/log.csv", b"a,b\n".to_vec()),
        ("w/empty.txt", Vec::new()),
    ]
}

fn fetch_all(server: &TestServer, folder: &Path, days: Option<usize>) -> (Vec<FetchError>, i64) {
    let place = Place::at(&format!("{}w", server.url)).expect("a place");
    let plan = plan(&place, folder, days).expect("a plan");
    let came = AtomicI64::new(0);
    let count = |n: i64| {
        came.fetch_add(n, Ordering::Relaxed);
    };
    let failures = run(&place, plan, folder, &count);
    (failures, came.load(Ordering::Relaxed))
}

fn check(folder: &Path, files: &[(&str, Vec<u8>)]) {
    for (path, bytes) in files {
        let path = path.strip_prefix("w/").expect("below");
        assert_eq!(&std::fs::read(folder.join(path)).expect(path), bytes, "{path}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.join("audio")).expect("a folder").flatten().collect();
    assert!(left.iter().all(|e| !e.path().to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn everything_comes_with_its_folders_and_nothing_comes_twice() {
    for no_ranges in [false, true] {
        let faults = Faults { no_ranges, ..Faults::default() };
        let server = TestServer::start(Lists::Nginx, faults, &files());
        let folder = TempDir::new().expect("a folder");
        let (failures, came) = fetch_all(&server, folder.path(), None);
        assert!(failures.is_empty(), "{failures:?}");
        assert_eq!(came, 900_004);
        check(folder.path(), &files());
        let (failures, came) = fetch_all(&server, folder.path(), None);
        assert!(failures.is_empty() && came == 0);
    }
}

#[test]
fn the_first_days_are_those_of_the_names() {
    let server = TestServer::start(Lists::Nginx, Faults::default(), &files());
    let folder = TempDir::new().expect("a folder");
    let (failures, came) = fetch_all(&server, folder.path(), Some(2));
    assert!(failures.is_empty() && came == 600_004, "{came} {failures:?}");
    assert!(!folder.path().join("audio/x_20200103_000000.wav").exists());
    assert!(folder.path().join("log.csv").exists(), "what has no date comes too");
}

#[test]
fn an_interrupted_copy_goes_on_where_it_was_and_another_version_is_begun_anew() {
    let server = TestServer::start(Lists::Nginx, Faults::default(), &files());
    let folder = TempDir::new().expect("a folder");
    let place = Place::at(&format!("{}w", server.url)).expect("a place");
    let listed = place.list(|name| name.ends_with(".wav")).expect("a list");
    std::fs::create_dir(folder.path().join("audio")).expect("made");
    let of =
        |day: usize| listed.iter().find(|f| f.path.contains(&format!("0{day}_"))).expect("listed");
    let part = part_path(folder.path(), of(1));
    std::fs::write(&part, &bytes(1)[..200_000]).expect("written");
    let mut other = of(2).clone();
    other.version = "another".into();
    let stale = part_path(folder.path(), &other);
    std::fs::write(&stale, [9; 1000]).expect("written");
    let (failures, came) = fetch_all(&server, folder.path(), None);
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(came, 700_004, "200 000 bytes were there");
    std::fs::remove_file(stale).expect("left alone");
    check(folder.path(), &files());
}

#[test]
fn a_part_is_no_use_to_a_server_without_ranges_and_is_thrown_away() {
    let faults = Faults { no_ranges: true, ..Faults::default() };
    let server = TestServer::start(Lists::Nginx, faults, &files());
    let folder = TempDir::new().expect("a folder");
    let place = Place::at(&format!("{}w", server.url)).expect("a place");
    let listed = place.list(|name| name.ends_with(".wav")).expect("a list");
    std::fs::create_dir(folder.path().join("audio")).expect("made");
    for file in &listed {
        std::fs::write(part_path(folder.path(), file), [0; 1000]).expect("written");
    }
    let (failures, _) = fetch_all(&server, folder.path(), None);
    assert!(failures.is_empty(), "{failures:?}");
    check(folder.path(), &files());
}

#[test]
fn a_connection_that_breaks_is_taken_up_again() {
    let faults = Faults { breaks: Some((4, 100_000)), ..Faults::default() };
    let server = TestServer::start(Lists::Nginx, faults, &files());
    let folder = TempDir::new().expect("a folder");
    let (failures, _) = fetch_all(&server, folder.path(), None);
    assert!(failures.is_empty(), "{failures:?}");
    check(folder.path(), &files());
}

#[cfg(unix)]
#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let server = TestServer::start(Lists::Nginx, Faults::default(), &files());
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("audio"), b"a file where a folder should be")
        .expect("written");
    let (failures, _) = fetch_all(&server, folder.path(), None);
    assert_eq!(failures.len(), 3);
    assert!(failures.iter().all(|f| f.to_string().contains("audio")), "{failures:?}");
}
