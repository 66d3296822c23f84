//! Stories: who may make, see and change them, what a crawler reads, and those that lie with the recordings.

use serde_json::{Value, json};
use spyhop_tests::{Server, sounds};
use ureq::http::StatusCode;

use super::{agent, get, header, place, serve};

const VIEW: &str = "v=1&src=set:night&t=2024-06-01T12:00:00.5Z&span=1&f=500-2000";
const HOSTILE: &str = "</title><script>alert(1)</script><img src=x onerror=alert(1)>";

fn post(server: &Server, path: &str, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
    let mut answer = agent().post(&server.at(path)).send_json(body)?;
    Ok((answer.status(), answer.body_mut().read_json().unwrap_or_default()))
}

fn made(server: &Server, body: &Value) -> anyhow::Result<(String, String)> {
    let (status, made) = post(server, "api/v1/stories", body)?;
    anyhow::ensure!(status == StatusCode::CREATED, "{status}: {made}");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    Ok((text(&made["story"]["id"]), text(&made["edit_key"])))
}

fn story(title: &str) -> Value {
    json!({
        "title": title,
        "author": "Ada",
        "note": "",
        "steps": [
            {"view": VIEW, "title": "First", "text": "A *tone*, see [this](javascript:alert(1))."},
            {"view": "v=1&src=set:bare&span=0.5", "sound": "plays",
             "says": [{"at_s": 0.1, "lasts_s": 0.2, "text": "a tone"}],
             "question": {"text": "What is it?", "answers": ["a tone", "a whale"], "right": 0,
                          "why": "It is *steady*."}},
        ],
    })
}

fn text(url: &str) -> anyhow::Result<String> {
    Ok(get(url, &[])?.body_mut().read_to_string()?)
}

#[test]
fn a_story_is_read_without_a_script_and_shows_its_first_picture_where_its_link_is_pasted()
-> anyhow::Result<()> {
    let place = place()?;
    let server = Server::start(
        ["--public-url", "https://whales.example/app", "--data"]
            .map(std::ffi::OsStr::new)
            .into_iter()
            .chain([place.path().as_os_str()]),
    )?;
    let mut told = story(HOSTILE);
    told["note"] = json!(HOSTILE);
    told["steps"][0]["text"] = json!(format!("{HOSTILE}\n\nA *tone*."));
    told["steps"][1]["question"]["why"] = json!(HOSTILE);
    let (id, _) = made(&server, &told)?;
    let page = text(&server.at(&format!("t/{id}")))?;
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    assert!(page.contains("<p>A <em>tone</em>.</p>"), "{page}");
    assert!(page.contains("<li>a whale</li>") && page.contains("<h2>First</h2>"), "{page}");
    for kind in ["og:image", "twitter:image"] {
        let said = format!("\"{kind}\" content=\"https://whales.example/app/t/{id}/preview.png\"");
        assert!(page.contains(&said), "{kind}: {page}");
    }
    assert!(page.contains("content=\"summary_large_image\""));
    for picture in ["preview.png", "1.png", "2.png"] {
        let mut answer = get(&server.at(&format!("t/{id}/{picture}")), &[])?;
        assert_eq!(header(&answer, "content-type"), "image/png", "{picture}");
        let png = answer.body_mut().read_to_vec()?;
        assert_eq!(png[16..24], [0, 0, 4, 176, 0, 0, 2, 118], "1200 by 630");
    }
    for none in ["0.png", "3.png", "x.png", "-1.png", "1.jpg", "..%2f1.png"] {
        let answer = get(&server.at(&format!("t/{id}/{none}")), &[])?;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{none}");
    }
    let missing = text(&server.at("t/nothing"))?;
    assert!(missing.contains("Nothing is under this link"), "{missing}");
    Ok(())
}

#[test]
fn a_story_comes_with_html_that_is_safe_and_with_captions() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let (id, _) = made(&server, &story("Tones"))?;
    let mut answer = get(&server.at(&format!("api/v1/stories/{id}")), &[])?;
    assert_eq!(header(&answer, "etag"), "\"v1\"");
    let told: Value = answer.body_mut().read_json()?;
    assert_eq!(told["steps"][0]["text_html"], "<p>A <em>tone</em>, see this.</p>\n");
    assert_eq!(told["steps"][0]["data"], "same");
    assert_eq!(told["steps"][1]["question"]["why_html"], "<p>It is <em>steady</em>.</p>\n");
    assert_eq!((&told["language"], &told["listed"]), (&json!("en"), &json!(false)));
    assert_eq!(told["path"], format!("t/{id}"));
    let answer = get(&server.at(&format!("api/v1/stories/{id}/captions.vtt")), &[])?;
    assert!(header(&answer, "content-type").starts_with("text/vtt"));
    let vtt = answer.into_body().read_to_string()?;
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> "), "{vtt}");
    assert!(vtt.contains("\n[a tone]\n") && vtt.contains("a tone · a whale"), "{vtt}");

    // A draft says the same and is kept nowhere.
    let (status, draft) = post(&server, "api/v1/stories/draft", &story("Tones"))?;
    assert_eq!((status, &draft["steps"]), (StatusCode::OK, &told["steps"]));
    assert_eq!((&draft["id"], &draft["version"]), (&json!(""), &json!(0)));
    Ok(())
}

#[test]
fn two_people_who_change_a_story_at_once_lose_nothing() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let (id, key) = made(&server, &story("Tones"))?;
    let address = server.at(&format!("api/v1/stories/{id}"));
    let put = |tag: Option<&str>, key: &str, body: &Value| -> anyhow::Result<(StatusCode, Value)> {
        let mut request = agent().put(&address).header("spyhop-edit-key", key);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        let mut answer = request.send_json(body)?;
        Ok((answer.status(), answer.body_mut().read_json()?))
    };
    let mut adas = story("Ada's tones");
    adas["changed_by"] = json!("Ada");
    let mut bobs = story("Bob's tones");
    bobs["changed_by"] = json!("Bob");
    bobs["steps"].as_array_mut().expect("steps").remove(0);
    assert_eq!(put(None, &key, &adas)?.0, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(put(Some("\"v1\""), "wrong", &adas)?.0, StatusCode::UNAUTHORIZED);
    let (status, told) = put(Some("\"v1\""), &key, &adas)?;
    assert_eq!((status, &told["version"]), (StatusCode::OK, &json!(2)), "{told}");
    let (status, conflict) = put(Some("\"v1\""), &key, &bobs)?;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    let detail = conflict["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("changed elsewhere, by Ada, at 20"), "{detail}");
    assert_eq!(conflict["story"]["title"], "Ada's tones", "what is there comes with the refusal");
    assert_eq!(conflict["story"]["steps"].as_array().map(Vec::len), Some(2));
    // Bob has put what he wants into it, as a change of what he saw now.
    let (status, told) = put(Some("\"v2\""), &key, &bobs)?;
    assert_eq!((status, &told["title"]), (StatusCode::OK, &json!("Bob's tones")));
    assert_eq!((&told["version"], &told["changed_by"]), (&json!(3), &json!("Bob")));
    assert!(text(&server.at(&format!("t/{id}")))?.contains("Bob&#39;s tones"));
    assert_eq!(get(&server.at(&format!("t/{id}/2.png")), &[])?.status(), StatusCode::NOT_FOUND);
    let remove = |tag: &str| {
        agent().delete(&address).header("spyhop-edit-key", &*key).header("if-match", tag).call()
    };
    assert_eq!(remove("\"v2\"")?.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(remove("\"v3\"")?.status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&address, &[])?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused_with_its_step_and_other_sites_make_none() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let with = |at: &str, value: Value| {
        let mut told = story("Tones");
        *told.pointer_mut(at).expect(at) = value;
        told
    };
    for (body, why) in [
        (with("/steps/1/view", json!("v=1")), "step 2: its view shows nothing"),
        (with("/steps/0/view", json!("v=1&src=set:none")), "step 1: there is nothing"),
        (
            with("/steps/0/view", json!("v=1&src=url:javascript:alert(1)")),
            "step 1: only recordings",
        ),
        (with("/steps/0/view", json!("v=1&src=set:night&db=5..5")), "step 1: the link's db=5..5"),
        (with("/steps/1/question/right", json!(7)), "step 2: no answer 7"),
        (with("/steps/1/question/answers", json!(["a"])), "step 2: a question has 2 to 6"),
        (with("/steps", json!([])), "a story has 1 to 40 steps"),
        (with("/title", json!(" ")), "a story has a title"),
        (with("/steps/0/text", json!("x".repeat(5000))), "step 1: the text is 5000 bytes long"),
    ] {
        let (status, said) = post(&server, "api/v1/stories", &body)?;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let detail = said["detail"].as_str().unwrap_or_default();
        assert!(detail.starts_with(why), "{detail}");
    }
    for path in ["api/v1/stories", "api/v1/stories/draft"] {
        let other = agent()
            .post(&server.at(path))
            .header("origin", "https://evil.example")
            .send_json(story("Tones"))?;
        assert_eq!(other.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let long = with("/note", json!("x".repeat(2 << 20)));
    // A server that has heard enough may hang up before all of it was said.
    match agent().post(&server.at("api/v1/stories")).send_json(&long) {
        Ok(answer) => assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE),
        Err(ureq::Error::Io(_)) => {}
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

#[test]
fn a_private_deployment_is_not_seen_through_a_story() -> anyhow::Result<()> {
    let place = place()?;
    let folder = place.path().join("stories");
    let file = format!("title = 'Shelved'\n[[steps]]\nview = '{VIEW}'\ntitle = 'Secret'\n");
    sounds::write(&folder, "shelved.toml", file.as_bytes())?;
    let server = serve(place.path())?;
    let mut told = story("Tones");
    told["steps"][0]["title"] = json!("Secret");
    let (id, key) = made(&server, &told)?;
    let toml = place.path().join("night/deployment.toml");
    std::fs::write(&toml, "name = 'Night watch'\nvisibility = 'private'\n")?;
    super::json(&server.at("api/v1/deployments"))?;
    let is_kept_from_everybody = || -> anyhow::Result<()> {
        let told = super::json(&server.at(&format!("api/v1/stories/{id}")))?;
        assert_eq!(
            (&told["steps"][0]["view"], &told["steps"][0]["text"]),
            (&json!(""), &json!(""))
        );
        assert_eq!(
            told["steps"].as_array().map(Vec::len),
            Some(2),
            "the others keep their numbers"
        );
        assert_eq!(told["steps"][1]["view"], "v=1&src=set:bare&span=0.5");
        let page = text(&server.at(&format!("t/{id}")))?;
        assert!(!page.contains("Secret") && !page.contains(&format!("{id}/1.png")), "{page}");
        let vtt = text(&server.at(&format!("api/v1/stories/{id}/captions.vtt")))?;
        assert!(!vtt.contains("Secret") && !vtt.contains("tone, see"), "{vtt}");
        assert_eq!(get(&server.at(&format!("t/{id}/1.png")), &[])?.status(), StatusCode::NOT_FOUND);
        // Its picture is that of the first step that is shown.
        assert_eq!(get(&server.at(&format!("t/{id}/preview.png")), &[])?.status(), StatusCode::OK);
        // Of this one nothing is left.
        let list = super::json(&server.at("api/v1/stories"))?;
        assert_eq!(list["stories"], json!([]));
        for path in ["api/v1/stories/shelved", "t/shelved", "t/shelved/1.png"] {
            assert_eq!(get(&server.at(path), &[])?.status(), StatusCode::NOT_FOUND, "{path}");
        }
        Ok(())
    };
    is_kept_from_everybody()?;
    let (status, _) = post(&server, "api/v1/stories", &told)?;
    assert_eq!(status, StatusCode::BAD_REQUEST, "nobody tells of what they may not see");
    let empty = super::json(&server.at(&format!("api/v1/stories/{id}")))?;
    let put_back = json!({"title": "Tones", "steps": empty["steps"]});
    let answer = agent()
        .put(&server.at(&format!("api/v1/stories/{id}")))
        .header("spyhop-edit-key", &*key)
        .header("if-match", "\"v1\"")
        .send_json(&put_back)?;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "a hidden step is not written over");
    // What is gone was private: it is not shown because nobody can be asked any more.
    std::fs::rename(place.path().join("night"), place.path().join(".hidden"))?;
    agent().post(&server.at("api/v1/rescan")).send_empty()?;
    super::json(&server.at("api/v1/deployments"))?;
    let told = super::json(&server.at(&format!("api/v1/stories/{id}")))?;
    assert_eq!(told["steps"][0]["view"], "");
    Ok(())
}

#[test]
fn a_story_whose_recordings_changed_or_went_says_so_and_keeps_its_pictures() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let (id, _) = made(&server, &story("Tones"))?;
    let data = || -> anyhow::Result<Value> {
        super::json(&server.at("api/v1/deployments/night"))?;
        Ok(super::json(&server.at(&format!("api/v1/stories/{id}")))?["steps"][0]["data"].clone())
    };
    assert_eq!(data()?, "same");
    let night = place.path().join("night");
    let other = sounds::sine(500.0, 0.5, 2.0, 8000);
    sounds::write_wav(&night, "buoy_20240601_120000.wav", &other, 8000)?;
    assert_eq!(data()?, "changed");
    std::fs::rename(&night, place.path().join(".hidden"))?;
    agent().post(&server.at("api/v1/rescan")).send_empty()?;
    assert_eq!(data()?, "gone");
    assert_eq!(get(&server.at(&format!("t/{id}/1.png")), &[])?.status(), StatusCode::OK);
    let page = text(&server.at(&format!("t/{id}")))?;
    assert!(page.contains("not on this server any more"), "{page}");
    Ok(())
}

#[test]
fn stories_that_lie_with_the_recordings_are_listed_and_changed_where_they_lie() -> anyhow::Result<()>
{
    let place = place()?;
    let folder = place.path().join("stories");
    let file = format!("title = 'Tones'\nauthor = 'Ada'\n[[steps]]\nview = '{VIEW}'\n");
    sounds::write(&folder, "tones.toml", file.as_bytes())?;
    sounds::write(&folder, "broken.toml", b"title = 'Broken'\n\nstep = []\n")?;
    let server = serve(place.path())?;
    let list = super::json(&server.at("api/v1/stories"))?;
    assert_eq!(list["stories"][0]["id"], "tones");
    assert_eq!(
        (&list["stories"][0]["steps"], &list["stories"][0]["path"]),
        (&json!(1), &json!("t/tones"))
    );
    assert_eq!(
        list["failures"],
        json!([{"name": "broken.toml",
                "reason": "line 3: the key 'step' is unknown, did you mean 'steps'?"}])
    );
    let told = super::json(&server.at("api/v1/stories/tones"))?;
    assert_eq!((&told["listed"], &told["version"]), (&json!(true), &json!(0)));
    assert_eq!(get(&server.at("t/tones/preview.png"), &[])?.status(), StatusCode::OK);
    assert!(text(&server.at("t/tones"))?.contains("Told by Ada"));
    assert_eq!(get(&server.at("api/v1/stories/broken"), &[])?.status(), StatusCode::NOT_FOUND);
    let answer = agent()
        .put(&server.at("api/v1/stories/tones"))
        .header("spyhop-edit-key", "x")
        .header("if-match", "\"v0\"")
        .send_json(story("Mine"))?;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // What is changed in the file is there at once.
    sounds::write(&folder, "tones.toml", file.replace("Tones", "Steady").as_bytes())?;
    assert_eq!(super::json(&server.at("api/v1/stories"))?["stories"][0]["title"], "Steady");
    Ok(())
}
