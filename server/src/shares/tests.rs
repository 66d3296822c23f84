use super::*;

fn store() -> (tempfile::TempDir, Shares) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = StateFolder::open(folder.path()).expect("a state folder");
    let store = Shares::open(&state, Timestamp(0)).expect("a store");
    (folder, store)
}

fn asked(view: &str) -> ShareRequest {
    ShareRequest { view: view.into(), title: "Fin whales".into(), ..ShareRequest::default() }
}

fn frozen() -> Frozen {
    Frozen {
        view: "v=1&src=set:bay".into(),
        fingerprint: "abc".into(),
        was_public: true,
        preview: b"a picture".to_vec(),
        title: "bay".into(),
    }
}

#[test]
fn a_share_comes_back_with_its_words_and_its_picture() {
    let (folder, store) = store();
    let asked = ShareRequest {
        title: "Fin\u{202e} whales\n at night".into(),
        note: "Listen.\n\n\n\nTwice.".into(),
        ..asked("v=1&src=set:bay")
    };
    let (kept, edit_key) = store.create(&asked, &frozen(), true, Timestamp(5)).expect("kept");
    let share = store.get(&kept.share.id, Timestamp(6)).expect("there").share;
    assert_eq!((share.title.as_str(), share.version), ("Fin whales at night", 1));
    assert_eq!((share.note.as_str(), share.expires), ("Listen.\n\nTwice.", None));
    assert_eq!(store.preview(&share.id, Timestamp(6)).expect("there"), b"a picture");
    let database = std::fs::read(folder.path().join(DATABASE)).expect("a file");
    let log = std::fs::read(folder.path().join(DATABASE).with_extension("sqlite-wal"))
        .unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(edit_key.len()).any(|w| w == edit_key.as_bytes());
    assert!(!holds(&database) && !holds(&log), "the key itself is not kept");
}

#[test]
fn only_the_edit_key_and_the_version_that_was_seen_change_a_share() {
    let (_folder, store) = store();
    let (kept, edit_key) =
        store.create(&asked("v=1&src=set:bay"), &frozen(), true, Timestamp(1)).expect("kept");
    let id = kept.share.id.as_str();
    let to = |title: &str| ShareChange { title: Some(title.into()), ..ShareChange::default() };
    let now = Timestamp(2);
    let wrong = store.change(id, 1, Some("not it"), &to("x"), now);
    assert!(matches!(wrong, Err(KeepError::WrongKey(_))));
    let first = store.change(id, 1, Some(&edit_key), &to("One"), now).expect("changed");
    assert_eq!((first.share.title.as_str(), first.share.version), ("One", 2));
    let second = store.change(id, 1, Some(&edit_key), &to("Two"), now);
    assert!(matches!(second, Err(KeepError::ChangedElsewhere { seen: 1, now: 2, .. })));
    let empty = store.change(id, 2, Some(&edit_key), &to(" \u{200b}"), now);
    assert!(matches!(empty, Err(KeepError::Invalid(_))));
    assert!(matches!(store.remove(id, 2, Some("no"), now), Err(KeepError::WrongKey(_))));
    store.remove(id, 2, None, now).expect("the administrator may");
    assert!(matches!(store.get(id, now), Err(KeepError::Missing { .. })));
}

#[test]
fn a_share_whose_time_is_over_is_gone_with_its_samples() {
    let (folder, store) = store();
    let short = ShareRequest { expires_days: Some(1), with_excerpt: true, ..asked("v=1&t=1s") };
    let (kept, key) = store.create(&short, &frozen(), false, Timestamp(0)).expect("kept");
    let excerpt = SharedExcerpt {
        file: "night.flac".into(),
        source_fingerprint: "44-0011".into(),
        start: Some(Timestamp(1_000)),
        bytes: 4,
        ..SharedExcerpt::default()
    };
    let flac = || {
        let path = folder.path().join("x");
        std::fs::write(&path, b"fLaC").expect("written");
        File::open(path).expect("there")
    };
    let now = Timestamp(9);
    let id = kept.share.id.clone();
    let attached =
        store.attach(&id, Some(&key), &excerpt, flac(), b"its picture", now).expect("attached");
    let view = &attached.share.view;
    assert!(view.contains(&format!("src=url:s/{id}/night.flac")), "{view}");
    assert!(view.contains("began=1970-01-01T00:00:00.000001000Z"), "{view}");
    assert_eq!(attached.share.fingerprint, "44-0011");
    assert_eq!(store.samples(&attached.share).expect("read").as_deref(), Some(&b"fLaC"[..]));
    let twice = store.attach(&id, Some(&key), &excerpt, flac(), b"", now);
    assert!(matches!(twice, Err(KeepError::Invalid(_))));
    let (path, later) =
        (store.samples_path(&attached.share).expect("a path"), 86_400 * 1_000_000_000);
    assert!(store.get(&id, Timestamp(later - 1)).is_ok());
    assert!(matches!(store.get(&id, Timestamp(later)), Err(KeepError::Missing { .. })));
    assert!(path.exists());
    store.create(&asked("v=1&src=set:bay"), &frozen(), true, Timestamp(later)).expect("kept");
    assert!(!path.exists() && store.list(Timestamp(later)).expect("listed").len() == 1);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let refused = |asked: &ShareRequest| match Shares::check(asked, false) {
        Err(KeepError::Invalid(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(&asked("v=1")).contains("shows nothing"));
    assert!(refused(&asked("v=1&src=set:bay&db=5..5")).contains("db=5..5"));
    assert!(refused(&asked(&"x".repeat(9000))).contains("8000 at most"));
    for url in ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example/"]
    {
        assert!(refused(&asked(&format!("v=1&src=url:{url}"))).contains("https://"), "{url}");
    }
    let long = ShareRequest { note: "x".repeat(3000), ..asked("v=1&src=set:bay") };
    assert!(refused(&long).contains("2000 at most"));
    let ever = ShareRequest { expires_days: Some(4000), ..asked("v=1&src=set:bay") };
    assert!(refused(&ever).contains("366"));
    assert!(Shares::check(&ever, true).is_ok());
    assert!(Shares::check(&asked("v=1&src=url:https://whales.example/a.wav"), false).is_ok());
}
