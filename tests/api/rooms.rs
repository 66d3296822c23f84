//! A class over the network: WebSockets, server-sent events and polling side by side.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};
use spyhop_api::room::{Area, FromMember, JoinRequest, MadeRoom, Reach, Reason, RoomCard};
use spyhop_api::{Moment, Pointed, Shown, Timestamp};
use spyhop_tests::class::{Member, Way, make, socket};
use spyhop_tests::{Server, program, sounds};
use tempfile::TempDir;
use tungstenite::Message;
use ureq::http::StatusCode;

use super::{agent, get, header, place, serve};

const VIEW: &str = "v=1&src=set:night&t=2024-06-01T12:00:00.5Z&span=1&f=500-2000";

fn lead(server: &Server, made: &MadeRoom, way: Way) -> anyhow::Result<Member> {
    let asked = JoinRequest { leader_key: made.leader_key.clone(), ..JoinRequest::default() };
    Member::join(&server.url, &made.code, way, &asked)
}

fn join(server: &Server, made: &MadeRoom, way: Way, name: &str) -> anyhow::Result<Member> {
    let asked = JoinRequest { name: name.into(), ..JoinRequest::default() };
    Member::join(&server.url, &made.code, way, &asked)
}

/// A link of the n-th step, and what stands in it as this program writes it.
fn step(n: i64) -> (FromMember, String) {
    let t = format!("2024-06-01T12:00:0{}.5Z", n % 8);
    let view = format!("v=1&src=set:night&t={t}&span=1&f={}-2000", 100 + n);
    let (read, _) = spyhop_api::View::from_query(&view);
    (FromMember::Show { shown: Shown { view, ..Shown::default() } }, read.to_query())
}

#[test]
fn followers_by_all_three_ways_stay_in_step_and_come_back_where_they_were() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let made = make(&server.url, VIEW)?;
    let mut leader = lead(&server, &made, Way::Socket)?;
    let mut followers: Vec<Member> =
        Way::ALL.iter().map(|way| join(&server, &made, *way, "")).collect::<Result<_, _>>()?;
    for follower in &mut followers {
        follower.wait("the state", |m| m.copy.state.is_led && m.mine.id > 0)?;
        assert!(follower.copy.state.shown.view.contains("src=set:night"));
    }
    for n in 1..=20 {
        let (say, view) = step(n);
        leader.say(&say)?;
        for follower in &mut followers {
            follower.wait("the view", |m| m.copy.state.shown.view == view)?;
        }
    }
    let pointer = Some(Pointed { at: Moment::Elapsed(5), hz: Some(900.0) });
    let (_, view) = step(20);
    let shown = Shown {
        view,
        pointer,
        head: Some(Moment::Elapsed(9)),
        is_playing: true,
        ..Shown::default()
    };
    leader.say(&FromMember::Show { shown })?;
    for follower in &mut followers {
        follower.wait("the pointer", |m| {
            m.following.pointer == pointer && m.copy.state.shown.is_playing
        })?;
    }
    leader.wait("the class", |m| m.class.following == 3)?;
    // Two go on by another way, having missed some steps; the third has missed more than is kept.
    for (follower, way) in followers.iter_mut().zip([Way::Polling, Way::Socket]) {
        for n in 21..=25 {
            leader.say(&step(n).0)?;
        }
        let steps = follower.steps;
        follower.come_back(&server.url, way)?;
        let view = step(25).1;
        follower.wait("what was missed", |m| m.copy.state.shown.view == view)?;
        assert!(follower.steps > steps);
        leader.say(&step(1).0)?;
    }
    let gone = &mut followers[2];
    for n in 0..100 {
        leader.say(&step(n).0)?;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    gone.come_back(&server.url, Way::Events)?;
    let view = step(99).1;
    gone.wait("the state anew", |m| m.copy.state.shown.view == view)?;
    leader.say(&FromMember::End)?;
    for follower in &mut followers {
        follower.wait("the end", |m| m.copy.state.has_ended)?;
    }
    assert!(followers[0].wait("nothing", |_| false).is_err(), "nothing comes after the end");
    Ok(())
}

#[test]
fn a_task_is_held_against_labels_tables_and_what_the_leader_sends() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    let night = place.path().join("night");
    let tone = sounds::sine(1000.0, 0.5, 8.0, 8000);
    sounds::write_wav(&night, "buoy_20240601_120000.wav", &tone, 8000)?;
    let table = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tLabel\n\
        1\tSpectrogram 1\t1\t1.0\t2.0\t100\t200\tupcall\n\
        2\tSpectrogram 1\t1\t3.0\t4.0\t100\t200\tship\n";
    sounds::write(&night, "buoy_20240601_120000.Table.1.selections.txt", table.as_bytes())?;
    let server = serve(place.path())?;
    let begin = Timestamp::from_iso("2024-06-01T12:00:00Z")?.0;
    let area = |start_s: f64, end_s: f64, band_hz| Area {
        start: Moment::Clock(Timestamp(begin + (start_s * 1e9) as i64)),
        span_ns: ((end_s - start_s) * 1e9) as i64,
        band_hz,
    };
    let label = json!({"start": area(5.0, 6.0, (100.0, 200.0)).start, "span_ns": 1_000_000_000i64,
        "low_hz": 100.0, "high_hz": 200.0, "label": "Upcall", "author": "Ada"});
    let labelled =
        agent().post(&server.at("api/v1/deployments/night/annotations")).send_json(&label)?;
    assert_eq!(labelled.status(), StatusCode::CREATED);
    let made = make(&server.url, "v=1&src=set:night")?;
    let mut leader = lead(&server, &made, Way::Socket)?;
    let mut ada = join(&server, &made, Way::Events, "Ada")?;
    let labels = format!("api/v1/rooms/{}/labels?member={}", made.code, leader.joined.member);
    let expected = json!([{"label": "upcall", "count": 2}, {"label": "ship", "count": 1}]);
    assert_eq!(super::json(&server.at(&labels))?, expected);
    let set = |label: &str, calls| FromMember::SetTask {
        text: "Find the upcalls".into(),
        label: label.into(),
        area: area(0.0, 8.0, (0.0, 500.0)),
        least_overlap: None,
        shows_missed: true,
        calls,
    };
    leader.say(&set("upcall", vec![]))?;
    ada.wait("the task", |m| m.copy.state.task.is_some())?;
    let task = ada.copy.state.task.clone().expect("it is there");
    assert_eq!((task.calls, task.least_overlap), (2, 0.3), "one of a table, one of a person");
    let boxes = vec![area(0.7, 1.7, (100.0, 200.0)), area(6.5, 7.0, (300.0, 400.0))];
    ada.say(&FromMember::Boxes { task: task.id, boxes })?;
    ada.wait("the result", |m| m.mine.result.is_some())?;
    let result = ada.mine.result.clone().expect("it is there");
    assert_eq!((result.right, result.missed, result.is_mastered), (1, 1, false));
    assert_eq!(result.boxes[0].reasons, [Reason::Early { by_s: 0.3 }]);
    assert_eq!(result.boxes[1].reasons, [Reason::NothingHere]);
    assert_eq!(result.missed_at, [area(5.0, 6.0, (100.0, 200.0))]);
    leader.wait("how she stands", |m| m.class.results.first().is_some_and(|row| row.tries == 1))?;
    leader.say(&FromMember::RevealLabels { on: true, marks: vec![] })?;
    ada.wait("the labels", |m| m.copy.state.revealed.len() == 3)?;
    let said: Vec<&str> = ada.copy.state.revealed.iter().map(|mark| &*mark.text).collect();
    assert_eq!(said, ["upcall", "ship", "Upcall"]);
    leader.say(&set("moan", vec![]))?;
    leader.wait("a refusal", |m| m.refused.iter().any(|why| why.contains("no moan is known")))?;
    let own = ada.copy.state.revealed.iter().map(|mark| {
        let text = "moan".to_owned();
        spyhop_api::Mark { text, ..mark.clone() }
    });
    leader.say(&set("moan", own.collect()))?;
    ada.wait("another task", |m| m.copy.state.task.as_ref().is_some_and(|task| task.calls == 3))?;
    let mut csv = get(
        &server
            .at(&format!("api/v1/rooms/{}/answers.csv?member={}", made.code, leader.joined.member)),
        &[],
    )?;
    assert!(header(&csv, "content-type").starts_with("text/csv"));
    let text = csv.body_mut().read_to_string()?;
    assert!(text.contains("\"Find the upcalls\"") && !text.contains("Ada"), "{text}");
    Ok(())
}

fn status(url: &str, body: &Value) -> anyhow::Result<StatusCode> {
    Ok(agent().post(url).send_json(body)?.status())
}

#[test]
fn what_is_hostile_is_refused_and_harms_nobody_else() -> anyhow::Result<()> {
    let place = place()?;
    let server = serve(place.path())?;
    let made = make(&server.url, VIEW)?;
    let room = server.at(&format!("api/v1/rooms/{}", made.code));
    let mut leader = lead(&server, &made, Way::Socket)?;
    let mut ada = join(&server, &made, Way::Socket, "Ada <script>\u{202e}")?;
    ada.wait("herself", |m| m.mine.name == "Ada <script>")?;
    let card: RoomCard = get(&room, &[])?.body_mut().read_json()?;
    assert_eq!((card.here, card.is_led, card.is_full), (1, true, false));

    // Of another site's page, without a token, with a wrong one.
    let foreign = agent().post(format!("{room}/join")).header("origin", "https://evil.example");
    assert_eq!(foreign.send_json(json!({}))?.status(), StatusCode::FORBIDDEN);
    let foreign = agent().post(server.at("api/v1/rooms")).header("origin", "https://evil.example");
    assert_eq!(foreign.send_json(json!({}))?.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        status(&format!("{room}/join"), &json!({"leader_key": "no"}))?,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(&format!("{room}/say?member=no"), &json!({"say": "end"}))?,
        StatusCode::UNAUTHORIZED
    );
    for path in ["log", "events", "answers.csv", "reach", "labels", "log?member=%00&after=%ff"] {
        assert_eq!(
            get(&format!("{room}/{path}"), &[])?.status(),
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    let with = format!("member={}", ada.joined.member);
    for path in ["answers.csv", "reach", "labels"] {
        assert_eq!(
            get(&format!("{room}/{path}?{with}"), &[])?.status(),
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let reach: Reach = get(&format!("{room}/reach?member={}", leader.joined.member), &[])?
        .body_mut()
        .read_json()?;
    assert!(!reach.was_reached && reach.addresses.is_empty(), "{reach:?}");
    assert_eq!(reach.obstacles.len(), 1, "it listens on this machine alone");

    // No message, no room, too long.
    assert_eq!(
        status(&format!("{room}/say?{with}"), &json!({"say": "jump"}))?,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        status(&format!("{room}/say?{with}"), &json!({"say": "end"}))?,
        StatusCode::FORBIDDEN
    );
    let long = json!({"say": "ask", "text": "x".repeat(300_000)});
    assert_eq!(status(&format!("{room}/say?{with}"), &long)?, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(get(&server.at("api/v1/rooms/ZZZZZZ"), &[])?.status(), StatusCode::NOT_FOUND);
    ada.say(&FromMember::End)?;
    ada.wait("a refusal", |m| m.refused.len() == 1)?;
    let mut rude = socket(&server.url, &ada.joined, "no-cursor")?;
    for nonsense in ["", "{}", "[[[[[[", "{\"say\":\"show\",\"shown\":7}", "\u{0}"] {
        rude.send(Message::text(nonsense))?;
    }
    rude.send(Message::binary(vec![0xff; 64]))?;
    let mut refused = 0;
    while refused < 6 {
        if rude.read()?.to_text()?.contains("\"refused\"") {
            refused += 1;
        }
    }
    // A message longer than any ends the connection, and no other's.
    rude.send(Message::text("x".repeat(400_000)))?;
    let ended = (0..50).any(|_| rude.read().is_err());
    assert!(ended);
    let (say, view) = step(3);
    leader.say(&say)?;
    ada.wait("the view", |m| m.copy.state.shown.view == view)?;

    // Codes can't be tried one after the other.
    let tried: Vec<StatusCode> = (0..80)
        .map(|n| Ok(get(&server.at(&format!("api/v1/rooms/BCDF{n}")), &[])?.status()))
        .collect::<anyhow::Result<_>>()?;
    assert_eq!(tried.first(), Some(&StatusCode::NOT_FOUND));
    assert_eq!(tried.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
    let right = get(&room, &[])?.status();
    assert_eq!(right, StatusCode::TOO_MANY_REQUESTS, "it is not told from wrong ones");
    let (say, view) = step(4);
    leader.say(&say)?;
    ada.wait("the next view", |m| m.copy.state.shown.view == view)?;
    Ok(())
}

#[test]
fn on_a_server_that_others_reach_the_administrator_begins_a_class() -> anyhow::Result<()> {
    let place = place()?;
    let state = TempDir::new()?;
    let path = |path: &Path| path.display().to_string();
    let server = Server::start([
        "--public-url",
        "https://whales.example",
        "--data",
        &path(place.path()),
        "--state",
        &path(state.path()),
    ])?;
    let url = server.at("api/v1/rooms");
    assert_eq!(status(&url, &json!({}))?, StatusCode::UNAUTHORIZED);
    let token = std::fs::read_to_string(state.path().join("administrator-token"))?;
    let made = agent().post(&url).header("authorization", format!("Bearer {}", token.trim()));
    let mut made = made.send_json(json!({"view": VIEW}))?;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: MadeRoom = made.body_mut().read_json()?;
    // Whoever has the code joins without any token.
    let mut ada = join(&server, &made, Way::Socket, "")?;
    ada.wait("the state", |m| m.copy.seq.is_some())?;
    Ok(())
}

#[test]
fn a_web_server_in_front_says_who_comes_and_the_leader_sees_that_somebody_did() -> anyhow::Result<()>
{
    let place = place()?;
    let server =
        Server::start(["--behind-proxy".as_ref(), "--data".as_ref(), place.path().as_os_str()])?;
    let made = make(&server.url, VIEW)?;
    let leader = lead(&server, &made, Way::Polling)?;
    let asked = format!("api/v1/rooms/{}/reach?member={}", made.code, leader.joined.member);
    let reach =
        || -> anyhow::Result<Reach> { Ok(get(&server.at(&asked), &[])?.body_mut().read_json()?) };
    assert!(!reach()?.was_reached);
    get(&server.url, &[("x-forwarded-for", "192.0.2.7")])?;
    let reached = reach()?;
    assert_eq!((reached.was_reached, reached.devices, reached.obstacles.len()), (true, 1, 0));
    Ok(())
}

#[test]
fn a_class_begins_with_its_code_and_key_and_ends_with_the_program() -> anyhow::Result<()> {
    let place = place()?;
    let state = TempDir::new()?;
    let mut child = Command::new(program::path()?)
        .args([
            "class",
            "--listen",
            "127.0.0.1:0",
            "--view",
            "https://whales.example/?v=1&src=set:night",
        ])
        .arg("--data")
        .arg(place.path())
        .arg("--state")
        .arg(state.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let told = (|| -> anyhow::Result<()> {
        let output = BufReader::new(child.stdout.take().context("its output")?);
        let mut link = None;
        for line in output.lines() {
            let line = line?;
            if let Some(rest) = line.strip_prefix("Lead the class:") {
                link = Some(rest.trim().to_owned());
            }
            if line.starts_with("No other device can come") {
                assert!(line.contains("listens on this machine alone"), "{line}");
                break;
            }
        }
        let link = link.context("a link for the leader")?;
        let (server, rest) = link.split_once("?class=").context("a code")?;
        let (code, key) = rest.split_once("&leader=1#key=").context("a key")?;
        let asked = JoinRequest { leader_key: key.into(), ..JoinRequest::default() };
        let mut leader = Member::join(server, code, Way::Socket, &asked)?;
        leader
            .wait("what it begins with", |m| m.copy.state.shown.view.contains("src=set:night"))?;
        assert!(leader.joined.is_leader);
        let mut ada = Member::join(server, code, Way::Events, &JoinRequest::default())?;
        ada.wait("the state", |m| m.copy.seq.is_some())?;
        // Whoever is in the network may begin another class here.
        make(server, "")?;
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        ada.wait("the end", |m| m.copy.state.has_ended)
    })();
    // It may have ended already.
    let _ = child.kill();
    child.wait()?;
    told
}
