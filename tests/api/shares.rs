//! Views under short links: who may make, see and change them, and what a crawler reads.

use std::time::Instant;

use serde_json::{Value, json};
use spyhop_tests::{Server, sounds};
use ureq::http::StatusCode;

use super::{agent, get, header, place, serve};

const VIEW: &str = "v=1&src=set:night&t=2024-06-01T12:00:00.5Z&span=1&f=500-2000";

fn share(server: &Server, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
    let mut answer = agent().post(&server.at("api/v1/shares")).send_json(body)?;
    Ok((answer.status(), answer.body_mut().read_json().unwrap_or_default()))
}

fn made(server: &Server, body: &Value) -> anyhow::Result<(String, String)> {
    let (status, made) = share(server, body)?;
    anyhow::ensure!(status == StatusCode::CREATED, "{status}: {made}");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    Ok((text(&made["share"]["id"]), text(&made["edit_key"])))
}

/// The content of a meta element of a page.
fn meta<'a>(page: &'a str, name: &str) -> &'a str {
    let mark = format!("=\"{name}\" content=\"");
    let rest = page.split_once(&mark).map(|(_, rest)| rest).unwrap_or("\"");
    rest.split('"').next().unwrap_or("")
}

#[test]
fn a_crawler_sees_the_picture_and_the_words_of_a_link_without_a_script() -> anyhow::Result<()> {
    let place = place()?;
    let server = Server::start(
        ["--public-url", "https://whales.example/app", "--data"]
            .map(std::ffi::OsStr::new)
            .into_iter()
            .chain([place.path().as_os_str()]),
    )?;
    let hostile = "</title><script>alert(1)</script>";
    let body =
        json!({"view": VIEW, "title": hostile, "note": "Listen <b>twice</b>", "author": "Ada"});
    let (id, _) = made(&server, &body)?;
    let page = get(&server.at(&format!("s/{id}")), &[])?.body_mut().read_to_string()?;
    assert!(!page.contains("<script>alert") && !page.contains("<b>twice"), "{page}");
    assert_eq!(meta(&page, "og:title"), "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    assert_eq!(meta(&page, "og:description"), "Listen &lt;b&gt;twice&lt;/b&gt; – Ada");
    let image = format!("https://whales.example/app/s/{id}/preview.png");
    assert_eq!((meta(&page, "og:image"), meta(&page, "twitter:image")), (&*image, &*image));
    assert_eq!(meta(&page, "twitter:card"), "summary_large_image");
    assert_eq!(meta(&page, "og:url"), format!("https://whales.example/app/s/{id}"));
    let mut picture = get(&server.at(&format!("s/{id}/preview.png")), &[])?;
    assert_eq!(header(&picture, "content-type"), "image/png");
    let png = picture.body_mut().read_to_vec()?;
    assert_eq!(png[16..24], [0, 0, 4, 176, 0, 0, 2, 118], "1200 by 630");

    // The link that carries everything unfurls too.
    let page = get(&server.at(&format!("?{VIEW}")), &[])?.body_mut().read_to_string()?;
    assert!(meta(&page, "og:title").starts_with("Night watch · 2024-06-01 12:00:00 UTC"), "{page}");
    let image = meta(&page, "og:image");
    let path = image.strip_prefix("https://whales.example/app/").unwrap_or(image);
    let begun = Instant::now();
    let picture = get(&server.at(&path.replace("&amp;", "&")), &[])?;
    assert_eq!((picture.status(), header(&picture, "content-type")), (StatusCode::OK, "image/png"));
    eprintln!("a preview took {:?}", begun.elapsed());
    Ok(())
}

#[test]
fn a_share_is_changed_by_its_edit_key_and_by_the_version_that_was_seen() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let (id, key) = made(&server, &json!({"view": VIEW}))?;
    let address = server.at(&format!("api/v1/shares/{id}"));
    let patch = |tag: Option<&str>, key: &str, title: &str| -> anyhow::Result<StatusCode> {
        let mut request = agent().patch(&address).header("spyhop-edit-key", key);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        Ok(request.send_json(json!({"title": title}))?.status())
    };
    let first = get(&address, &[])?;
    assert_eq!(header(&first, "etag"), "\"v1\"");
    assert_eq!(patch(None, &key, "One")?, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(patch(Some("\"v1\""), "wrong", "One")?, StatusCode::UNAUTHORIZED);
    assert_eq!(patch(Some("\"v1\""), &key, "One")?, StatusCode::OK);
    assert_eq!(patch(Some("\"v1\""), &key, "Two")?, StatusCode::PRECONDITION_FAILED);
    let told: Value = get(&address, &[])?.body_mut().read_json()?;
    assert_eq!(
        (&told["title"], &told["version"], &told["data"]),
        (&json!("One"), &json!(2), &json!("same"))
    );
    let all = super::json(&server.at("api/v1/shares"))?;
    assert_eq!(all, json!([told]), "the list says the same");
    let gone = agent()
        .delete(&address)
        .header("spyhop-edit-key", &*key)
        .header("if-match", "\"v2\"")
        .call()?;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let mut page = get(&server.at(&format!("s/{id}")), &[])?;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.body_mut().read_to_string()?.contains("Nothing is under this link"));
    Ok(())
}

#[test]
fn a_share_whose_recordings_changed_or_went_says_so_and_keeps_its_picture() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let (id, _) = made(&server, &json!({"view": VIEW, "title": "Fin whales"}))?;
    let data = || -> anyhow::Result<Value> {
        // Asking for it looks the folder through again.
        super::json(&server.at("api/v1/deployments/night"))?;
        Ok(super::json(&server.at(&format!("s/{id}/share.json")))?["data"].clone())
    };
    assert_eq!(data()?, "same");
    let night = place.path().join("night");
    sounds::write_wav(
        &night,
        "buoy_20240601_120000.wav",
        &sounds::sine(500.0, 0.5, 2.0, 8000),
        8000,
    )?;
    assert_eq!(data()?, "changed");
    std::fs::rename(&night, place.path().join(".hidden"))?;
    agent().post(&server.at("api/v1/rescan")).send_empty()?;
    super::json(&server.at("api/v1/deployments"))?;
    let page = get(&server.at(&format!("s/{id}")), &[])?.body_mut().read_to_string()?;
    assert!(page.contains("not on this server any more") && page.contains("Fin whales"), "{page}");
    assert_eq!(get(&server.at(&format!("s/{id}/preview.png")), &[])?.status(), StatusCode::OK);
    Ok(())
}

#[test]
fn pages_of_other_sites_make_no_shares_and_nobody_makes_too_many() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let body = json!({"view": "v=1&src=url:https://whales.example/a.wav"});
    let other = agent()
        .post(&server.at("api/v1/shares"))
        .header("origin", "https://evil.example")
        .send_json(&body)?;
    assert_eq!(other.status(), StatusCode::FORBIDDEN);
    for bad in [
        json!({"view": "v=1"}),
        json!({"view": "v=1&src=url:javascript:alert(1)"}),
        json!({"view": "v=1&src=set:night&db=5..5"}),
        json!({"view": VIEW, "expires_days": 0}),
        json!({"view": VIEW, "note": "x".repeat(3000)}),
    ] {
        assert_eq!(share(&server, &bad)?.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(share(&server, &json!({"view": "v=1&src=set:none"}))?.0, StatusCode::NOT_FOUND);
    let refused = (0..60).find_map(|_| {
        let (status, said) = share(&server, &body).ok()?;
        (status == StatusCode::TOO_MANY_REQUESTS).then_some(said)
    });
    let said = refused.expect("a limit");
    assert!(said["detail"].as_str().is_some_and(|d| d.contains("try again in")), "{said}");
    Ok(())
}

#[test]
fn a_private_deployment_is_not_seen_through_a_share() -> anyhow::Result<()> {
    let place = place()?;
    let toml = place.path().join("night/deployment.toml");
    let server = serve(place.path())?;
    let (id, _) = made(&server, &json!({"view": VIEW, "title": "Secret"}))?;
    std::fs::write(&toml, "name = 'Night watch'\nvisibility = 'private'\n")?;
    super::json(&server.at("api/v1/deployments"))?;
    let is_kept_from_everybody = || -> anyhow::Result<()> {
        for path in ["", "/preview.png", "/share.json"] {
            let mut answer = get(&server.at(&format!("s/{id}{path}")), &[])?;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
            assert!(!answer.body_mut().read_to_string()?.contains("Secret"), "{path}");
        }
        for file in [
            "preview.png",
            "figure.png",
            "figure.svg",
            "clip/clip.wav",
            "clip/clip.flac",
            "heard/heard.wav",
            "cite/cite.json",
        ] {
            let answer = get(&server.at(&format!("api/v1/view/{file}?{VIEW}")), &[])?;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{file}");
        }
        let page = get(&server.at(&format!("?{VIEW}")), &[])?.body_mut().read_to_string()?;
        assert!(!page.contains("Night watch"), "{page}");
        Ok(())
    };
    is_kept_from_everybody()?;
    let (status, _) = share(&server, &json!({"view": VIEW}))?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // What is gone was private: it is not shown because nobody can be asked any more.
    std::fs::rename(place.path().join("night"), place.path().join(".hidden"))?;
    agent().post(&server.at("api/v1/rescan")).send_empty()?;
    super::json(&server.at("api/v1/deployments"))?;
    is_kept_from_everybody()
}

#[test]
fn samples_of_somebodys_disk_come_with_a_share_and_are_read_by_ranges() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let body = json!({"view": "v=1&t=2024-06-01T12:00:00.5Z&span=1", "title": "Mine", "with_excerpt": true});
    let (id, key) = made(&server, &body)?;
    let tone = sounds::sine(1000.0, 0.25, 1.5, 8000);
    let wav = sounds::write_wav(place.path(), "mine.tmp", &tone, 8000)?;
    let about = json!({"source_name": "mine.wav", "source_fingerprint": "24044-0011223344556677",
        "start": "2024-06-01T12:00:00.25Z", "calibration": {"kind": "upa_per_fullscale", "db": 175.0}});
    let about: String = about.to_string().bytes().map(|b| format!("%{b:02X}")).collect();
    let address = server.at(&format!("api/v1/shares/{id}/excerpt?about={about}"));
    let bytes = std::fs::read(wav)?;
    let put = |key: &str| agent().put(&address).header("spyhop-edit-key", key).send(&bytes[..]);
    assert_eq!(put("wrong")?.status(), StatusCode::UNAUTHORIZED);
    let mut kept = put(&key)?;
    let told: Value = kept.body_mut().read_json()?;
    assert_eq!((kept.status(), &told["data"]), (StatusCode::OK, &json!("same")), "{told}");
    let file = told["excerpt"]["file"].as_str().unwrap_or_default().to_owned();
    assert_eq!(file, "excerpt_20240601_120000.flac");
    let view = told["view"].as_str().unwrap_or_default().to_owned();
    assert!(view.contains(&format!("src=url:s/{id}/{file}")), "{view}");
    assert!(view.contains("began=2024-06-01T12:00:00.250000000Z"), "{view}");
    let mut part = get(&server.at(&format!("s/{id}/{file}")), &[("range", "bytes=0-3")])?;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.body_mut().read_to_vec()?, b"fLaC");
    for outside in ["..%2f..%2fshares.sqlite", "..%2f..%2fshares%2f", "%2e%2e", "other.flac"] {
        let answer = get(&server.at(&format!("s/{id}/{outside}")), &[])?;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{outside}");
    }
    let cited = super::json(&server.at(&format!("api/v1/view/cite/cite.json?{view}")))?;
    let rms = cited["measures"]["rms_db"].as_f64().unwrap_or_default();
    // A sine of 0.25, calibrated: 175 − 12.04 − 3.01.
    assert!((rms - 159.95).abs() < 0.1, "{cited}");
    assert_eq!(cited["fingerprint"].as_str().map(str::is_empty), Some(false));
    assert_eq!(get(&server.at(&format!("api/v1/view/heard/heard.wav?{view}")), &[])?.status(), 200);
    // Whoever listens to them shares what they found there, and nothing that is not there.
    let (second, _) = made(&server, &json!({"view": view.replace("span=1", "span=0.5")}))?;
    let second = super::json(&server.at(&format!("s/{second}/share.json")))?;
    assert_eq!((&second["data"], &second["excerpt"]), (&json!("same"), &json!(null)), "{second}");
    let other = view.replace(&file, "other.flac");
    assert_eq!(share(&server, &json!({"view": other}))?.0, StatusCode::NOT_FOUND);
    let again = put(&key)?;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST, "once");
    Ok(())
}

#[test]
fn figures_clips_and_codes_are_made_of_a_link() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    for (file, kind, begins) in [
        ("figure.png", "image/png", &b"\x89PNG"[..]),
        ("figure.svg", "image/svg+xml", b"<svg"),
        ("clip/clip.wav", "audio/wav", b"RIFF"),
        ("clip/clip.flac", "audio/flac", b"fLaC"),
        ("heard/heard.wav", "audio/wav", b"RIFF"),
    ] {
        let address = server.at(&format!("api/v1/view/{file}?{VIEW}"));
        let is_sound = kind.starts_with("audio/");
        let packed: &[_] = if is_sound { &[("accept-encoding", "gzip")] } else { &[] };
        let mut answer = get(&address, packed)?;
        assert_eq!(
            (answer.status(), header(&answer, "content-type")),
            (StatusCode::OK, kind),
            "{file}"
        );
        assert!(!is_sound || !header(&answer, "content-length").is_empty(), "{file}");
        assert!(answer.body_mut().read_to_vec()?.starts_with(begins), "{file}");
    }
    let mut code =
        get(&server.at("api/v1/qr.svg?text=https%3A%2F%2Fwhales.example%2Fs%2Fabc"), &[])?;
    assert!(code.body_mut().read_to_string()?.contains("<svg"));
    let long = format!("api/v1/qr.svg?text={}", "x".repeat(4000));
    assert_eq!(get(&server.at(&long), &[])?.status(), StatusCode::BAD_REQUEST);
    let page = |query: &str| get(&server.at(query), &[]);
    let framing = |answer: &super::Answer| header(answer, "content-security-policy").to_owned();
    assert!(framing(&page(&format!("?{VIEW}"))?).contains("frame-ancestors 'self'"));
    assert!(!framing(&page(&format!("?{VIEW}&embed=1"))?).contains("frame-ancestors"));
    let elsewhere = "api/v1/view/preview.png?v=1&src=url:http://169.254.169.254/latest";
    assert_eq!(
        get(&server.at(elsewhere), &[])?.status(),
        StatusCode::NOT_FOUND,
        "nothing is fetched"
    );
    Ok(())
}
