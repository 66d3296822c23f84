//! What the server answers.

mod closed;
mod columns;
mod detections;
mod models;
mod rooms;
mod runs;
mod shares;
mod stories;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use spyhop_tests::static_host::{Manners, StaticHost};
use spyhop_tests::{Server, sounds};
use tempfile::TempDir;
use ureq::http::{Response, StatusCode};

type Answer = Response<ureq::Body>;

fn agent() -> ureq::Agent {
    let tls = ureq::tls::TlsConfig::builder().disable_verification(true).build();
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .tls_config(tls)
        .build()
        .into()
}

fn get(url: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let request = headers.iter().fold(agent().get(url), |r, (k, v)| r.header(*k, *v));
    Ok(request.call()?)
}

fn json(url: &str) -> anyhow::Result<Value> {
    Ok(get(url, &[])?.body_mut().read_json()?)
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
}

/// A place with one described folder, one without a description, and files that are none of its own.
fn place() -> anyhow::Result<TempDir> {
    let place = TempDir::new()?;
    let night = place.path().join("night");
    let tone = sounds::sine(1000.0, 0.5, 2.0, 8000);
    sounds::write_wav(&night, "buoy_20240601_120010.wav", &tone, 8000)?;
    sounds::write_wav(&night, "buoy_20240601_120000.wav", &tone, 8000)?;
    sounds::write(&night, "photo.wav", b"\xff\xd8\xff\xe0 a JPEG")?;
    sounds::write(&night, "notes.txt", b"private")?;
    sounds::write(&night, "calls.selections.txt", b"Selection\tBegin Time (s)\n")?;
    sounds::write(&night, "deployment.toml", b"name = 'Night watch'\nlicence = 'CC0-1.0'\n")?;
    sounds::write_wav(&place.path().join("bare"), "a.wav", &tone, 8000)?;
    sounds::write(place.path(), "secret.wav.txt", b"private")?;
    std::fs::create_dir(place.path().join("empty"))?;
    Ok(place)
}

fn serve(place: &Path) -> anyhow::Result<Server> {
    Server::start(["--data".as_ref(), place.as_os_str()])
}

#[test]
fn each_folder_with_recordings_is_a_deployment() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let list = json(&server.at("api/v1/deployments"))?;
    let names: Vec<&str> = list["deployments"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|d| d["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["Night watch", "bare"],
        "a folder without a deployment.toml keeps its own name"
    );

    let night = json(&server.at("api/v1/deployments/night"))?;
    assert_eq!(night["licence"], "CC0-1.0");
    let starts: Vec<&str> = night["recordings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|r| r["start"].as_str())
        .collect();
    assert_eq!(starts, ["2024-06-01T12:00:00.000000000Z", "2024-06-01T12:00:10.000000000Z"]);
    assert_eq!(night["recordings"][0]["frames"], 16_000);
    assert_eq!(night["tables"][0], "calls.selections.txt");

    let failure = &night["failures"][0];
    assert_eq!(failure["name"], "photo.wav", "a bad file is listed and stops nothing");
    assert!(failure["reason"].as_str().is_some_and(|r| r.contains("JPEG")), "{failure}");

    let missing = get(&server.at("api/v1/deployments/nowhere"), &[])?;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[test]
fn a_file_that_arrives_while_the_server_runs_is_there_at_once() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    assert_eq!(
        json(&server.at("api/v1/deployments/bare"))?["recordings"].as_array().map(Vec::len),
        Some(1)
    );
    let louder = sounds::sine(500.0, 0.9, 1.0, 8000);
    sounds::write_wav(&place.path().join("bare"), "b.wav", &louder, 8000)?;
    sounds::write_wav(&place.path().join("bare"), "a.wav", &louder, 8000)?;
    let bare = json(&server.at("api/v1/deployments/bare"))?;
    let frames: Vec<u64> = bare["recordings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|r| r["frames"].as_u64())
        .collect();
    assert_eq!(frames, [8000, 8000], "a.wav was read anew, b.wav is listed");
    Ok(())
}

#[test]
fn recordings_in_folders_below_folders_are_served_by_one_id() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.5, 2.0, 8000);
    let file = sounds::write_wav(&place.path().join("2024/night"), "a.wav", &tone, 8000)?;
    let server = serve(place.path())?;
    let night = json(&server.at("api/v1/deployments/2024~night"))?;
    assert_eq!((&night["name"], &night["recording_count"]), (&"night".into(), &1.into()));
    let mut whole = get(&server.at("data/2024~night/a.wav"), &[])?;
    assert_eq!(whole.body_mut().read_to_vec()?, std::fs::read(file)?);
    assert_eq!(
        get(&server.at("api/v1/deployments/2024~night/preview.png"), &[])?.status(),
        StatusCode::OK
    );
    Ok(())
}

#[test]
fn nothing_of_a_deployment_that_is_kept_back_is_answered() -> anyhow::Result<()> {
    let place = place()?;
    let said = b"visibility = 'private'\nlatitude = 42.0\nlongitude = -70.0\n";
    sounds::write(&place.path().join("night"), "deployment.toml", said)?;
    let server = serve(place.path())?;
    let list = get(&server.at("api/v1/deployments"), &[])?.body_mut().read_to_string()?;
    assert!(!list.contains("night") && list.contains("bare"), "{list}");
    for path in [
        "api/v1/deployments/night",
        "api/v1/deployments/night/preview.png",
        "data/night/buoy_20240601_120000.wav",
        "data/night/calls.selections.txt",
    ] {
        assert_eq!(get(&server.at(path), &[])?.status(), StatusCode::NOT_FOUND, "{path}");
    }
    Ok(())
}

#[test]
fn two_servers_on_one_folder_have_states_of_their_own_or_are_told_so() -> anyhow::Result<()> {
    let (place, state) = (place()?, TempDir::new()?);
    let args =
        ["--data".as_ref(), place.path().as_os_str(), "--state".as_ref(), state.path().as_os_str()];
    let first = Server::start(args)?;
    let other = serve(place.path())?;
    for server in [&first, &other] {
        let night = json(&server.at("api/v1/deployments/night"))?;
        assert_eq!(night["recordings"].as_array().map(Vec::len), Some(2));
    }
    let refused = Server::start(args).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(refused.contains("another Spyhop") && refused.contains("--state"), "{refused}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_server_that_was_killed_while_it_looked_through_a_place_goes_on() -> anyhow::Result<()> {
    let (place, state) = (TempDir::new()?, TempDir::new()?);
    let folder = place.path().join("many");
    for i in 0..3000 {
        sounds::write_wav(&folder, &format!("x_{i:05}.wav"), &[i as i16; 20], 8000)?;
    }
    let args =
        ["--data".as_ref(), place.path().as_os_str(), "--state".as_ref(), state.path().as_os_str()];
    for _ in 0..4 {
        // Dropping it is kill -9, wherever it is by then.
        drop(Server::start(args)?);
    }
    let server = Server::start(args)?;
    let mut many = Value::Null;
    for _ in 0..100 {
        many = json(&server.at("api/v1/deployments/many"))?;
        if many["unread_count"] == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let recordings = many["recordings"].as_array().map_or(0, Vec::len);
    assert_eq!((recordings, &many["recording_count"]), (3000, &3000.into()));
    Ok(())
}

/// A recording of a web folder goes through the server by ranges.
#[test]
fn recordings_of_a_web_folder_are_served_on() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(1000.0, 0.5, 2.0, 8000);
    let file = sounds::write_wav(folder.path(), "a.wav", &tone, 8000)?;
    let bytes = std::fs::read(file)?;
    let list = format!("[{{\"path\": \"a.wav\", \"bytes\": {}}}]", bytes.len());
    sounds::write(folder.path(), "spyhop-files.json", list.as_bytes())?;
    let manners = Manners { prefix: "/whales/", ranges: true, cors: false };
    let host = StaticHost::start(folder.path(), manners)?;
    let server = Server::start(["--data", &host.url])?;
    let mut whales = Value::Null;
    for _ in 0..100 {
        whales = json(&server.at("api/v1/deployments/whales"))?;
        if whales["recordings"].as_array().is_some_and(|r| r.len() == 1) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(whales["recordings"][0]["frames"], 16_000, "{whales}");
    let url = server.at("data/whales/a.wav");
    let mut part = get(&url, &[("Range", "bytes=40-99")])?;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    let tag = header(&part, "etag").to_owned();
    assert_eq!(part.body_mut().read_to_vec()?, bytes[40..100]);
    assert_eq!(get(&url, &[("If-None-Match", &tag)])?.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(get(&url, &[])?.body_mut().read_to_vec()?, bytes);
    assert_eq!(
        get(&server.at("api/v1/deployments/whales/preview.png"), &[])?.status(),
        StatusCode::OK
    );
    Ok(())
}

#[test]
fn a_misspelt_key_is_named_and_stops_nothing() -> anyhow::Result<()> {
    let place = place()?;
    sounds::write(&place.path().join("bare"), "deployment.toml", b"licens = 'CC0'")?;
    let server = serve(place.path())?;
    let bare = json(&server.at("api/v1/deployments/bare"))?;
    assert_eq!(bare["recordings"].as_array().map(Vec::len), Some(1));
    let reason = bare["failures"][0]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("'licens' is unknown, did you mean 'licence'?"), "{reason}");
    Ok(())
}

#[test]
fn bytes_come_by_ranges_to_pages_of_any_host() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let file = std::fs::read(place.path().join("bare/a.wav"))?;
    let url = server.at("data/bare/a.wav");
    let from = ("Origin", "https://elsewhere.example");

    let mut part = get(&url, &[("Range", "bytes=40-99"), from])?;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&part, "content-range"), format!("bytes 40-99/{}", file.len()));
    assert_eq!(header(&part, "access-control-allow-origin"), "*");
    for name in ["content-range", "etag", "content-length"] {
        assert!(header(&part, "access-control-expose-headers").contains(name), "{name}");
    }
    assert_eq!(part.body_mut().read_to_vec()?, file[40..100]);

    let mut end = get(&url, &[("Range", "bytes=-7")])?;
    assert_eq!(end.body_mut().read_to_vec()?, file[file.len() - 7..]);

    let mut whole = get(&url, &[])?;
    let tag = header(&whole, "etag").to_owned();
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    assert_eq!(whole.body_mut().read_to_vec()?, file);

    assert_eq!(get(&url, &[("If-None-Match", &tag)])?.status(), StatusCode::NOT_MODIFIED);
    let stale = get(&url, &[("Range", "bytes=0-9"), ("If-Range", "\"old\"")])?;
    assert_eq!(stale.status(), StatusCode::OK, "a part of another version would not fit");
    let past = get(&url, &[("Range", "bytes=99999999-")])?;
    assert_eq!(past.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&past, "content-range"), format!("bytes */{}", file.len()));

    let mut head = agent().head(&url).call()?;
    assert_eq!(header(&head, "content-length"), file.len().to_string());
    assert!(head.body_mut().read_to_vec()?.is_empty());
    Ok(())
}

#[test]
fn a_page_of_another_host_may_ask_for_ranges() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let request = ureq::http::Request::builder()
        .method("OPTIONS")
        .uri(server.at("data/bare/a.wav"))
        .header("Origin", "https://elsewhere.example")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "range")
        .body(())?;
    let answer = agent().run(request)?;
    assert!(answer.status().is_success());
    assert!(header(&answer, "access-control-allow-headers").contains("range"));
    Ok(())
}

#[test]
fn nothing_but_what_is_listed_leaves_the_place() -> anyhow::Result<()> {
    let place = place()?;
    let outside = TempDir::new()?;
    let hidden = sounds::write_wav(outside.path(), "outside.wav", &[0; 100], 8000)?;
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&hidden, place.path().join("bare/link.wav"))?;
        std::os::unix::fs::symlink(outside.path(), place.path().join("linked"))?;
    }
    let server = serve(place.path())?;
    for path in [
        "data/night/notes.txt",
        "data/night/deployment.toml",
        "data/night/..%2Fsecret.wav.txt",
        "data/night/%2e%2e%2fbare%2fa.wav",
        "data/..%2f/bare%2fa.wav",
        "data/bare/link.wav",
        "data/linked/outside.wav",
        "data/bare/%2Fetc%2Fpasswd",
        "data/bare/a.wav%00",
        "data/bare",
        "data/",
        "api/",
        "etc/passwd",
        "..%2f..%2fetc/passwd",
    ] {
        let status = get(&server.at(path), &[])?.status();
        assert!(
            status == StatusCode::NOT_FOUND || status == StatusCode::BAD_REQUEST,
            "{path}: {status}"
        );
    }
    let bare = json(&server.at("api/v1/deployments/bare"))?;
    assert_eq!(bare["recordings"].as_array().map(Vec::len), Some(1), "the link is not listed");
    Ok(())
}

#[test]
fn the_first_page_carries_its_title_and_preview_with_and_without_the_app() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let mut answer = get(&server.url, &[])?;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    let page = answer.body_mut().read_to_string()?;
    assert!(page.contains("<title>Spyhop"), "{page}");
    for name in ["og:title", "og:description", "og:type"] {
        assert!(page.contains(name), "{name}");
    }
    let built = page.contains(".wasm") || page.contains("type=\"module\"");
    assert!(built || page.contains("trunk build --release"), "it says how to build the app");
    Ok(())
}

#[test]
fn a_self_signed_server_answers_in_tls() -> anyhow::Result<()> {
    let place = place()?;
    let server =
        Server::start(["--data".as_ref(), place.path().as_os_str(), "--tls-self-signed".as_ref()])?;
    assert!(server.url.starts_with("https://"));
    let mut part = get(&server.at("data/bare/a.wav"), &[("Range", "bytes=0-3")])?;
    assert_eq!(part.body_mut().read_to_vec()?, b"RIFF");
    Ok(())
}

#[test]
fn a_certificate_that_is_none_is_named() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write(folder.path(), "cert.pem", b"not PEM")?;
    let path = file.to_str().unwrap_or_default();
    let error = Server::start(["--tls-cert", path, "--tls-key", path]).err().map(|e| e.to_string());
    assert!(
        error.as_deref().is_some_and(|e| e.contains("must be PEM") && e.contains(path)),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn a_port_in_use_and_a_place_that_is_not_there_are_said_plainly() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let output = spyhop_tests::program::run(["serve", "--listen", &address])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("is in use") && said.contains("--listen"),
        "{said}"
    );

    let output = spyhop_tests::program::run(["serve", "--data", "/nowhere/at/all"])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("/nowhere/at/all"), "{said}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_stop_stops_cleanly() -> anyhow::Result<()> {
    let place = place()?;
    let mut server = serve(place.path())?;
    let id = server.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status()?.success());
    assert!(server.wait()?.success());
    Ok(())
}

/// Sends a body; gives the status and what was answered.
fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> anyhow::Result<(u16, Value)> {
    let request = ureq::http::Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |r, (k, v)| r.header(*k, *v));
    let request = request.header("content-type", "application/json").body(body.to_string())?;
    let mut answer = agent().run(request)?;
    let status = answer.status().as_u16();
    Ok((status, answer.body_mut().read_json().unwrap_or(Value::Null)))
}

#[test]
fn an_error_is_a_problem_document_that_names_what_is_wrong() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    for path in ["api/v1/deployments/nowhere", "api/v1/deployments/nowhere/timeline", "api/v1/x"] {
        let mut answer = get(&server.at(path), &[])?;
        assert_eq!(header(&answer, "content-type"), "application/problem+json", "{path}");
        let problem: Value = answer.body_mut().read_json()?;
        assert_eq!(
            (problem["status"].as_u64(), &problem["title"]),
            (Some(404), &"Not Found".into())
        );
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains("api/v1")), "{problem}");
    }
    Ok(())
}

#[test]
fn the_api_describes_every_route_and_can_be_tried() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let document = json(&server.at("api/v1/openapi.json"))?;
    for path in [
        "deployments",
        "deployments/{id}/samples",
        "deployments/{id}/annotations",
        "deployments/{id}/detectors",
        "deployments/{id}/detections",
        "deployments/{id}/detections/{run}/calls/{call}/review",
        "jobs",
        "runs",
    ] {
        assert!(document["paths"][format!("/api/v1/{path}")].is_object(), "{path}");
    }
    assert!(document["components"]["schemas"]["Deployment"].is_object());
    assert_eq!(get(&server.at("api/v1/docs/"), &[])?.status(), StatusCode::OK);
    Ok(())
}

#[test]
fn samples_of_a_stretch_come_as_other_programs_read_them() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let url = |query: &str| server.at(&format!("api/v1/deployments/night/samples?{query}"));
    // The second file begins 10 s after the first, which is 2 s long.
    let span = "start=2024-06-01T12:00:01Z&end=2024-06-01T12:00:11Z";
    let mut npy = get(&url(&format!("{span}&format=npy")), &[])?;
    assert_eq!(header(&npy, "spyhop-start"), "2024-06-01T12:00:01.000000000Z");
    let bytes = npy.body_mut().read_to_vec()?;
    let number = |i: usize| f32::from_le_bytes([0, 1, 2, 3].map(|k| bytes[128 + 4 * i + k]));
    assert_eq!(bytes.len(), 128 + 4 * 80_000);
    assert!(number(7999).is_finite() && number(8000).is_nan() && number(71_999).is_nan());
    assert!(number(72_000).is_finite());
    for (format, magic) in [("wav", &b"RIFF"[..]), ("flac", b"fLaC")] {
        let bytes = get(&url(&format!("start=0&end=1.5&format={format}")), &[])?
            .body_mut()
            .read_to_vec()?;
        assert!(bytes.starts_with(magic), "{format}");
    }
    for (query, status, part) in [
        ("start=3&end=5", 404, "nothing was recorded"),
        ("start=5&end=3", 400, "there is nothing"),
        ("start=yesterday&end=5", 400, "yesterday"),
        ("start=0&end=1&format=mp3", 400, "mp3"),
        ("start=0&end=1&channel=7", 400, "1 channels"),
    ] {
        let mut answer = get(&url(query), &[])?;
        assert_eq!(answer.status().as_u16(), status, "{query}");
        let problem: Value = answer.body_mut().read_json()?;
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(part)), "{problem}");
    }
    Ok(())
}

#[test]
fn annotations_are_shared_with_their_history_and_survive_a_restart() -> anyhow::Result<()> {
    let place = place()?;
    let state = TempDir::new()?;
    let args =
        ["--data".as_ref(), place.path().as_os_str(), "--state".as_ref(), state.path().as_os_str()];
    let server = Server::start(args)?;
    let all = server.at("api/v1/deployments/night/annotations");
    let content = serde_json::json!({
        "start": { "clock": "2024-06-01T12:00:00.500000000Z" }, "span_ns": 250_000_000,
        "low_hz": 900.0, "high_hz": 1100.0, "label": "tone", "author": "Ada",
    });
    let (status, made) = send("POST", &all, &[], &content)?;
    assert_eq!((status, &made["version"]), (201, &1.into()), "{made}");
    let one = format!("{all}/{}", made["id"]);
    let mut changed = content.clone();
    changed["label"] = "whistle".into();
    let (status, _) = send("PUT", &format!("{one}?version=1"), &[], &changed)?;
    assert_eq!(status, 200);
    let (status, problem) = send("PUT", &format!("{one}?version=1"), &[], &content)?;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("changed elsewhere")));
    let (status, _) =
        send("POST", &server.at("api/v1/deployments/nowhere/annotations"), &[], &content)?;
    assert_eq!(status, 404);
    drop(server);

    let server = Server::start(args)?;
    let all = server.at("api/v1/deployments/night/annotations");
    let list = json(&all)?;
    assert_eq!(list["annotations"][0]["label"], "whistle", "{list}");
    let history = json(&format!("{all}/{}/history", made["id"]))?;
    assert_eq!(history[0]["content"]["label"], "tone", "{history}");
    Ok(())
}

#[test]
fn a_page_of_another_site_changes_nothing() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let url = server.at("api/v1/rescan");
    let (status, problem) =
        send("POST", &url, &[("Origin", "https://evil.example")], &Value::Null)?;
    assert_eq!(status, 403);
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("https://evil.example")));
    let (status, _) = send("POST", &url, &[("Host", "evil.example")], &Value::Null)?;
    assert_eq!(status, 403, "a name that was pointed at this address");
    let (status, _) = send("POST", &url, &[], &Value::Null)?;
    assert_eq!(status, 202);
    Ok(())
}

#[test]
fn the_pyramid_of_a_served_deployment_is_built_and_its_tiles_are_kept() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let url = server.at("api/v1/deployments/night/pyramid");
    let begun = std::time::Instant::now();
    let info = loop {
        let list = json(&url)?;
        let info = list["pyramids"][0].clone();
        if info["built"] == 1.0 {
            break info;
        }
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "not built: {list}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let column_ns = info["column_ns"].as_i64().unwrap_or(1);
    let start = spyhop_api::Timestamp::from_iso("2024-06-01T12:00:00Z")?;
    let tile = start.0.div_euclid(256 * column_ns);
    let address = |version: &str| {
        server.at(&format!("api/v1/deployments/night/tiles/spectrum/{version}/0/{tile}"))
    };
    let version = info["version"].as_str().unwrap_or_default();
    let mut answer = get(&address(version), &[])?;
    assert!(header(&answer, "cache-control").contains("immutable"));
    let tag = header(&answer, "etag").to_owned();
    let tile = spyhop_api::Tile::decode(&answer.body_mut().read_to_vec()?)?;
    // Two files of 2 s, 10 s apart, in columns of 0.512 s: both are there, and so is the gap.
    let recorded: Vec<bool> = tile.frames.iter().map(|frames| *frames > 0).collect();
    let first = recorded.iter().position(|r| *r).unwrap_or_default();
    let last = recorded.iter().rposition(|r| *r).unwrap_or_default();
    assert!(recorded[first..last].iter().filter(|r| !**r).count() > 8, "{recorded:?}");
    let again = get(&address(version), &[("If-None-Match", &tag)])?;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(get(&address("old"), &[])?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

/// Measured in the background, and there again after a restart.
#[test]
fn the_quality_of_a_deployment_is_told_by_recording_and_by_hour() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    let state = TempDir::new()?;
    let site = place.path().join("site");
    let loud = sounds::tone(30.0, 8000, |t| (3.0 * (2764.6 * t).sin()).clamp(-1.0, 1.0));
    let quiet = sounds::noise(0.2, 30.0, 8000);
    sounds::write_wav(&site, "x_20240601_005945.wav", &loud, 8000)?;
    sounds::write_wav(&site, "x_20240601_020000.wav", &quiet, 8000)?;
    sounds::write_wav(&site, "x_20240601_030000.wav", &quiet, 8000)?;
    let args =
        ["--data".as_ref(), place.path().as_os_str(), "--state".as_ref(), state.path().as_os_str()];
    let measured = |server: &Server| -> anyhow::Result<Value> {
        let mut quality = Value::Null;
        for _ in 0..300 {
            quality = json(&server.at("api/v1/deployments/site/quality"))?;
            if quality["measured"] == 3 {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(quality)
    };
    let quality = {
        let server = Server::start(args)?;
        assert_eq!(
            get(&server.at("api/v1/deployments/nowhere/quality"), &[])?.status(),
            StatusCode::NOT_FOUND
        );
        measured(&server)?
    };
    let [clipped, sound, again] = [0, 1, 2].map(|i| &quality["recordings"][i]);
    assert_eq!(clipped["name"], "x_20240601_005945.wav", "{quality}");
    assert_eq!(clipped["findings"][0]["kind"], "clipping", "{clipped}");
    assert!(clipped["quality"]["clipped_share"].as_f64() > Some(0.5), "{clipped}");
    assert_eq!(sound["findings"], serde_json::json!([]), "{sound}");
    assert_eq!(sound["quality"], again["quality"], "the same samples");
    assert_eq!(quality["findings"][0]["kind"], "duplicate", "{quality}");
    assert_eq!(quality["findings"][0]["recordings"], serde_json::json!([1, 2]));
    let hour = |i: usize| {
        let hour = &quality["hours"][i];
        (hour["start"].as_str().unwrap_or(""), hour["recorded_s"].as_f64().unwrap_or(0.0))
    };
    let hours: Vec<_> = (0..4).map(hour).collect();
    assert_eq!(
        hours,
        [
            ("2024-06-01T00:00:00.000000000Z", 15.0),
            ("2024-06-01T01:00:00.000000000Z", 15.0),
            ("2024-06-01T02:00:00.000000000Z", 30.0),
            ("2024-06-01T03:00:00.000000000Z", 30.0),
        ]
    );
    assert_eq!(quality["hours"][0]["kinds"][0], "clipping", "{quality}");
    let server = Server::start(args)?;
    assert_eq!(measured(&server)?, quality);
    // A list asks for the numbers alone; a strip of hours for everything but the recordings.
    let counts = serde_json::json!([
        { "kind": "clipping", "recordings": 1 },
        // The harmonics of a clipped tone look like them.
        { "kind": "mains_lines", "recordings": 1 },
        { "kind": "duplicate", "recordings": 2 },
    ]);
    assert_eq!((&quality["counts"], &quality["recording_count"]), (&counts, &3.into()));
    let list = json(&server.at("api/v1/quality"))?;
    let summary = serde_json::json!(
        { "deployment": "site", "recording_count": 3, "measured": 3, "counts": counts }
    );
    assert_eq!(list["deployments"], serde_json::json!([summary]));
    let brief = json(&server.at("api/v1/deployments/site/quality?recordings=false"))?;
    assert_eq!(brief["recordings"], serde_json::json!([]));
    for same in ["measured", "recording_count", "counts", "hours", "findings"] {
        assert_eq!(brief[same], quality[same], "{same}");
    }
    let table =
        json(&server.at("api/v1/deployments/site/recordings?sort=quality&descending=true"))?;
    assert_eq!(table["rows"][0]["name"], "x_20240601_005945.wav", "{table}");
    assert_eq!(table["rows"][0]["findings"][0]["kind"], "clipping", "{table}");
    assert_eq!(table["rows"][1]["findings"][0]["kind"], "duplicate", "{table}");
    let faults = json(&server.at("api/v1/deployments/site/recordings?quality=fault"))?;
    assert_eq!(faults["total"], 1, "{faults}");
    Ok(())
}
