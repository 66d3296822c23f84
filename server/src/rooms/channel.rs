//! A member's connection, whatever carries it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::watch;

use super::{Cursor, Room, RoomError};

/// What happens within this time of the last message goes out together.
const TOGETHER: Duration = Duration::from_millis(20);

/// A place in the log of a room. As long as it lives, the member is here.
pub struct Channel {
    room: Arc<Room>,
    id: u32,
    cursor: Cursor,
    public: watch::Receiver<()>,
    own: watch::Receiver<()>,
    told: Option<tokio::time::Instant>,
}

impl Channel {
    /// Opens one for the member of a token, from where they are.
    ///
    /// # Errors
    /// When the room does not know the token, or has enough connections of this member.
    pub fn open(room: Arc<Room>, token: &str, cursor: Cursor) -> Result<Channel, RoomError> {
        let (id, public, own) = room.connect(token, Instant::now())?;
        Ok(Channel { room, id, cursor, public, own, told: None })
    }

    /// The member.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The room.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// What has been told.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The next messages, as soon as there are any; none once the room is over and has said so. Whoever
    /// stops waiting loses nothing.
    pub async fn news(&mut self) -> Vec<Bytes> {
        loop {
            if let Some(told) = self.told {
                tokio::time::sleep_until(told + TOGETHER).await;
            }
            self.public.mark_unchanged();
            self.own.mark_unchanged();
            let (news, is_over) = self.room.news(self.id, &mut self.cursor);
            if !news.is_empty() || is_over {
                self.told = Some(tokio::time::Instant::now());
                return news;
            }
            self.told = None;
            // The room is held: neither can have been dropped.
            let (public, own) = (&mut self.public, &mut self.own);
            tokio::select! {
                _ = public.changed() => {}
                changed = own.changed() => if changed.is_err() { return Vec::new() },
            }
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.room.disconnect(self.id, Instant::now());
    }
}
