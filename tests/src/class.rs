//! A member of a class, by each of the three ways that a page may take.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use spyhop_api::room::{
    ClassState, Following, FromMember, JoinRequest, Joined, MadeRoom, Mine, News, RoomCopy,
    RoomRequest, ToMember,
};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// How long something may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a member is told what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A WebSocket.
    Socket,
    /// Server-sent events, and what is said by POST.
    Events,
    /// Asking again and again, and what is said by POST.
    Polling,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::Socket, Way::Events, Way::Polling];
}

/// A socket of a member.
pub type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

enum Carrier {
    Socket(Box<Socket>),
    Events(Receiver<ToMember>),
    Polling(String),
}

/// A member with what it was told.
pub struct Member {
    /// Who it is.
    pub joined: Joined,
    /// Its copy of the room.
    pub copy: RoomCopy,
    /// How it stands.
    pub mine: Mine,
    /// What it sees of the class, if it leads.
    pub class: ClassState,
    /// Where head and pointer are.
    pub following: Following,
    /// What was refused over its socket.
    pub refused: Vec<String>,
    /// Bytes of all messages.
    pub bytes: usize,
    /// How many steps and states came.
    pub steps: usize,
    base: String,
    carrier: Carrier,
}

/// Makes a room on a server whose address ends with a slash.
///
/// # Errors
/// When it is refused.
pub fn make(server: &str, view: &str) -> anyhow::Result<MadeRoom> {
    let asked = RoomRequest { view: view.to_owned() };
    let mut answer = ureq::post(format!("{server}api/v1/rooms")).send_json(&asked)?;
    Ok(answer.body_mut().read_json()?)
}

/// Joins a room.
///
/// # Errors
/// When it is refused.
pub fn join(server: &str, code: &str, asked: &JoinRequest) -> anyhow::Result<Joined> {
    let mut answer = ureq::post(format!("{server}api/v1/rooms/{code}/join")).send_json(asked)?;
    Ok(answer.body_mut().read_json()?)
}

/// Opens a member's WebSocket; `after` is a cursor, or empty.
///
/// # Errors
/// When it is refused.
pub fn socket(server: &str, joined: &Joined, after: &str) -> anyhow::Result<Socket> {
    let rest = server.strip_prefix("http://").context("an address of http")?;
    let (code, token) = (&joined.code, &joined.member);
    let url = format!("ws://{rest}api/v1/rooms/{code}/socket?member={token}&after={after}");
    let (socket, _) = tungstenite::connect(url)?;
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_nodelay(true)?;
    }
    Ok(socket)
}

impl Member {
    /// Joins a room, and takes a way.
    ///
    /// # Errors
    /// When it is refused.
    pub fn join(server: &str, code: &str, way: Way, asked: &JoinRequest) -> anyhow::Result<Member> {
        let joined = join(server, code, asked)?;
        let base = format!("{server}api/v1/rooms/{code}");
        let carrier = carrier(server, &base, &joined, way, "")?;
        Ok(Member {
            joined,
            copy: RoomCopy::default(),
            mine: Mine::default(),
            class: ClassState::default(),
            following: Following::default(),
            refused: Vec::new(),
            bytes: 0,
            steps: 0,
            base,
            carrier,
        })
    }

    /// Loses its connection, and comes back with the last event that it saw, perhaps by another way.
    ///
    /// # Errors
    /// When it is refused.
    pub fn come_back(&mut self, server: &str, way: Way) -> anyhow::Result<()> {
        let after = self.copy.seq.map(|seq| seq.to_string()).unwrap_or_default();
        self.carrier = carrier(server, &self.base, &self.joined, way, &after)?;
        Ok(())
    }

    /// Says something.
    ///
    /// # Errors
    /// When it can't be sent, or (where it is posted) is refused: then with the answer's status.
    pub fn say(&mut self, said: &FromMember) -> anyhow::Result<()> {
        if let Carrier::Socket(socket) = &mut self.carrier {
            socket.send(Message::text(serde_json::to_string(said)?))?;
            return Ok(());
        }
        let url = format!("{}/say?member={}", self.base, self.joined.member);
        ureq::post(url).send_json(said)?;
        Ok(())
    }

    /// Takes what comes until something holds.
    ///
    /// # Errors
    /// When it does not within some time, or the connection ends before.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&Member) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds(self) {
            ensure!(begun.elapsed() < PATIENCE, "{what} did not come: {:?}", self.copy);
            for told in self.next().with_context(|| format!("waiting for: {what}"))? {
                self.bytes += serde_json::to_string(&told)?.len();
                ensure!(self.copy.take(&told), "a step is missing before {told:?}");
                match told {
                    ToMember::State { .. } | ToMember::Event { .. } => self.steps += 1,
                    ToMember::Follow { following } => self.following = following,
                    ToMember::Mine { mine } => self.mine = mine,
                    ToMember::Class { class } => self.class = class,
                    ToMember::Refused { why } => self.refused.push(why),
                }
            }
        }
        Ok(())
    }

    fn next(&mut self) -> anyhow::Result<Vec<ToMember>> {
        match &mut self.carrier {
            Carrier::Socket(socket) => {
                if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
                    stream.set_read_timeout(Some(PATIENCE))?;
                }
                match socket.read()? {
                    Message::Text(text) => Ok(vec![serde_json::from_str(&text)?]),
                    Message::Close(frame) => bail!("closed: {frame:?}"),
                    _ => Ok(Vec::new()),
                }
            }
            Carrier::Events(events) => match events.recv_timeout(PATIENCE) {
                Ok(told) => Ok(vec![told]),
                Err(RecvTimeoutError::Timeout) => bail!("no event came"),
                Err(RecvTimeoutError::Disconnected) => bail!("the events ended"),
            },
            Carrier::Polling(cursor) => {
                let token = &self.joined.member;
                let url = format!("{}/log?member={token}&after={cursor}&wait_s=5", self.base);
                let news: News = ureq::get(url).call()?.body_mut().read_json()?;
                *cursor = news.cursor;
                Ok(news.messages)
            }
        }
    }
}

fn carrier(
    server: &str,
    base: &str,
    joined: &Joined,
    way: Way,
    after: &str,
) -> anyhow::Result<Carrier> {
    match way {
        Way::Socket => Ok(Carrier::Socket(Box::new(socket(server, joined, after)?))),
        Way::Polling => Ok(Carrier::Polling(after.to_owned())),
        Way::Events => {
            let url = format!("{base}/events?member={}&after={after}", joined.member);
            let answer = ureq::get(url).call()?;
            let (send, receive) = channel();
            // It ends with the connection, or when nobody listens.
            std::thread::spawn(move || {
                for line in BufReader::new(answer.into_body().into_reader()).lines() {
                    let Ok(line) = line else { return };
                    let Some(data) = line.strip_prefix("data:") else { continue };
                    let Ok(told) = serde_json::from_str(data.trim()) else { return };
                    if send.send(told).is_err() {
                        return;
                    }
                }
            });
            Ok(Carrier::Events(receive))
        }
    }
}
