//! A tile that is asked of the server.

use gloo::timers::future::TimeoutFuture;
use spyhop_api::tile::Tile;
use spyhop_words::page::tiles as words;
use web_sys::{AbortController, AbortSignal};

use crate::server::token::get;

/// Aborts a request when it is dropped: nobody waits for it any more.
pub struct Abort(Option<AbortController>);

impl Abort {
    /// With what a request listens to.
    pub fn new() -> (Abort, Option<AbortSignal>) {
        let controller = AbortController::new().ok();
        let signal = controller.as_ref().map(AbortController::signal);
        (Abort(controller), signal)
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Why a tile did not come.
pub enum NotCome {
    /// Nobody wants it any more.
    Aborted,
    /// For a person: it may come when it is asked for again.
    Lost(String),
    /// For a person: the server has no such tile, or what it sends is none.
    Refused(String),
}

/// Asks for a tile.
pub async fn tile(url: &str, signal: Option<&AbortSignal>) -> Result<Tile, NotCome> {
    let said =
        |kind: fn(String) -> NotCome, why: &str| match signal.is_some_and(AbortSignal::aborted) {
            true => NotCome::Aborted,
            false => kind(words::did_not_come(why, url)),
        };
    let lost = |why: &str| said(NotCome::Lost, why);
    let refused = |why: &str| said(NotCome::Refused, why);
    let request = get(url).abort_signal(signal);
    let answer = request.send().await.map_err(|_| lost(words::NO_ANSWER))?;
    match answer.status() {
        200 => {}
        status @ (400 | 404 | 405) => return Err(refused(&words::answered(status))),
        status => return Err(lost(&words::answered(status))),
    }
    let bytes = answer.binary().await.map_err(|_| lost(words::BROKE))?;
    // A task of its own: several that come at once do not hold up the page.
    TimeoutFuture::new(0).await;
    Tile::decode(&bytes).map_err(|error| refused(&error.to_string()))
}
