//! A member's WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use spyhop_api::room::{FromMember, ToMember};
use tokio::time::{Instant, timeout};

use super::known;
use crate::http::Served;
use crate::rooms::{Channel, RoomError};

/// How often it is asked whether somebody is still there, and after what silence nobody is.
const ASK_EVERY: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(60);
/// Who takes no message for so long is gone.
const SEND_WITHIN: Duration = Duration::from_secs(20);
/// Messages that were refused until it is no use to go on.
const MOST_REFUSED: u32 = 500;

/// Carries what is told and said until one side ends.
pub async fn carry(served: Arc<Served>, mut channel: Channel, mut socket: WebSocket) {
    let mut pulse = tokio::time::interval(ASK_EVERY);
    let mut heard = Instant::now();
    let mut refused = 0;
    loop {
        tokio::select! {
            news = channel.news() => {
                if news.is_empty() {
                    close(&mut socket, close_code::NORMAL, "the class is over").await;
                    return;
                }
                for message in news {
                    let Ok(text) = Utf8Bytes::try_from(message) else { continue };
                    if !send(&mut socket, Message::Text(text)).await {
                        return;
                    }
                }
            }
            said = socket.recv() => {
                heard = Instant::now();
                let why = match said {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return,
                    Some(Ok(Message::Text(text))) => hear(&served, &channel, &text).await.err(),
                    Some(Ok(Message::Binary(_))) => Some("messages are text".to_owned()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                };
                if let Some(why) = why {
                    refused += 1;
                    if refused > MOST_REFUSED {
                        close(&mut socket, close_code::POLICY, "too much that makes no sense").await;
                        return;
                    }
                    let told = ToMember::Refused { why };
                    let text = serde_json::to_string(&told).unwrap_or_default();
                    if !send(&mut socket, Message::Text(text.into())).await {
                        return;
                    }
                }
            }
            _ = pulse.tick() => {
                if heard.elapsed() > SILENCE || !send(&mut socket, Message::Ping(Vec::new().into())).await {
                    return;
                }
            }
        }
    }
}

/// Lets the member say something.
async fn hear(served: &Arc<Served>, channel: &Channel, text: &str) -> Result<(), String> {
    let said: FromMember =
        serde_json::from_str(text).map_err(|error| format!("this is no message: {error}"))?;
    let done = known::say(served, channel.room(), channel.id(), said).await;
    done.map_err(|error: RoomError| error.to_string())
}

/// Whether a message went out.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND_WITHIN, socket.send(message)).await, Ok(Ok(())))
}

async fn close(socket: &mut WebSocket, code: u16, why: &'static str) {
    let frame = CloseFrame { code, reason: why.into() };
    // It may be closed already.
    let _ = timeout(SEND_WITHIN, socket.send(Message::Close(Some(frame)))).await;
}
