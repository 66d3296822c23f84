//! What a browser may do with a page of the server, and a server whose reading is closed.

use spyhop_tests::Server;
use tempfile::TempDir;
use ureq::http::StatusCode;

use super::{get, header, place, serve};

#[test]
fn each_answer_says_what_it_is_and_pages_run_no_script_but_their_own() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    for path in
        ["", "api/v1/deployments", "data/night/buoy_20240601_120000.wav", "s/none", "api/none"]
    {
        let answer = get(&server.at(path), &[])?;
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "same-origin", "{path}");
    }
    for path in ["", "?v=1&src=set:night", "?embed=1", "s/none"] {
        let answer = get(&server.at(path), &[])?;
        let policy = header(&answer, "content-security-policy");
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src"));
        let scripts = scripts.unwrap_or_default();
        assert!(scripts.contains("'self' 'wasm-unsafe-eval' 'sha256-"), "{path}: {policy}");
        assert!(
            !scripts.contains("'unsafe-inline'") && !scripts.contains("'unsafe-eval'"),
            "{path}"
        );
        assert!(policy.contains("object-src 'none'; base-uri 'self'"), "{path}: {policy}");
    }
    Ok(())
}

#[test]
fn a_closed_server_shows_nothing_without_its_token_and_asks_a_person_once() -> anyhow::Result<()> {
    let place = place()?;
    let state = TempDir::new()?;
    let server = Server::start([
        "--read-token".as_ref(),
        "--data".as_ref(),
        place.path().as_os_str(),
        "--state".as_ref(),
        state.path().as_os_str(),
    ])?;
    let token = std::fs::read_to_string(state.path().join("read-token"))?.trim().to_owned();
    let recording = "data/night/buoy_20240601_120000.wav";
    let all = [
        "",
        "api/v1/deployments",
        "api/v1/openapi.json",
        "api/v1/access",
        recording,
        "s/none",
        "api/v1/view/preview.png?v=1&src=set:night",
        "worker.js",
    ];
    for path in all {
        let answer = get(&server.at(path), &[])?;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let wrong =
            get(&server.at(path), &[("spyhop-read-token", "0"), ("cookie", "spyhop_read=0")])?;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let with = [("spyhop-read-token", &*token)];
    for path in ["api/v1/deployments", recording] {
        assert_eq!(get(&server.at(path), &with)?.status(), StatusCode::OK, "{path}");
    }
    // A person: the form, a slip, the token, and on to what was asked for.
    let link = server.at("s/abc?embed=1");
    let mut form = get(&link, &[("accept", "text/html")])?;
    assert_eq!(form.status(), StatusCode::UNAUTHORIZED);
    let page = form.body_mut().read_to_string()?;
    assert!(page.contains("<form method=\"post\">") && !page.contains("<script"), "{page}");
    let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
    let agent = ureq::Agent::from(agent);
    let send = |given: &str, origin: Option<&str>| {
        let request =
            origin.iter().fold(agent.post(&link), |r, origin| r.header("origin", *origin));
        request.send_form([("spyhop_read", given)])
    };
    assert_eq!(send("slip", None)?.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&token, Some("https://evil.example"))?.status(), StatusCode::FORBIDDEN);
    let opened = send(&token, None)?;
    assert_eq!(
        (opened.status(), header(&opened, "location")),
        (StatusCode::SEE_OTHER, "./abc?embed=1")
    );
    let cookie = header(&opened, "set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    let kept = cookie.split(';').next().unwrap_or_default();
    let list = get(&server.at("api/v1/deployments"), &[("cookie", kept)])?;
    assert_eq!(list.status(), StatusCode::OK);
    // Tokens can't be tried one after the other.
    let mut last = send("guess", None)?;
    for _ in 0..70 {
        last = send("guess", None)?;
    }
    assert!(text_of(last)?.contains("Too many tries"));
    // Nor by header: from here not even the right one is told of, and whoever is in stays in.
    let refused = get(&server.at("api/v1/deployments"), &with)?;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(text_of(refused)?.contains("try again in"));
    let list = get(&server.at("api/v1/deployments"), &[("cookie", kept)])?;
    assert_eq!(list.status(), StatusCode::OK);
    // The administrator sees everything.
    let administrator = std::fs::read_to_string(state.path().join("administrator-token"))?;
    let bearer = format!("Bearer {}", administrator.trim());
    let list = get(&server.at("api/v1/deployments"), &[("authorization", &bearer)])?;
    assert_eq!(list.status(), StatusCode::OK);
    Ok(())
}

fn text_of(mut answer: super::Answer) -> anyhow::Result<String> {
    Ok(answer.body_mut().read_to_string()?)
}
