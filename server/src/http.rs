//! What the server answers: the page, the API, and ranges of files.

mod access;
mod address;
mod annotations;
mod caller;
mod closed;
mod columns;
mod compressible;
mod data;
mod deployments;
mod detections;
mod error;
mod guard;
mod jobs;
mod kept;
mod marks;
mod models;
mod policy;
mod preview;
mod pyramid;
mod quality;
mod rooms;
mod runs;
mod samples;
mod share_pages;
mod shares;
mod stories;
mod story_pages;
mod tls;
mod unfurl;
mod v1;
mod viewing;
mod web_app;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::sync::Semaphore;
use tower_http::cors::{Any, CorsLayer};

use crate::annotations::Annotations;
use crate::catalogue::access::Reader;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::detection::DetectionKeeper;
use crate::keeping::Rates;
use crate::models::Shelf;
use crate::pyramid::{Keeper, Tiles};
use crate::quality::QualityKeeper;
use crate::reach::Reachability;
use crate::rooms::Rooms;
use crate::runs::Runs;
use crate::shares::Shares;
use crate::stories::Stories;
use crate::work::Engine;
use error::ApiError;
use pyramid::PyramidSource;

pub use address::Address;
use caller::Caller;
pub use closed::Closed;
pub use guard::Guard;
pub use preview::Previews;
pub use share_pages::{StaticShare, static_page};
pub use story_pages::offline_story;
pub use tls::{TlsFiles, from_files as tls_from_files, self_signed as tls_self_signed};
pub use unfurl::escaped;
pub use viewing::Pictures;
pub use web_app::{files as app_files, index as app_index};

/// Memory for tiles that were asked for last, bytes.
const TILE_BYTES: u64 = 64 << 20;

/// What the answers are made from.
pub struct Served {
    /// The recordings.
    pub catalogue: Arc<Catalogue>,
    /// Long work.
    pub engine: Arc<Engine>,
    /// What is zoomed out.
    pub keeper: Arc<Keeper>,
    /// How well it was recorded.
    pub quality: Arc<QualityKeeper>,
    /// What people said of the recordings.
    pub annotations: Annotations,
    /// What was found in them.
    pub detections: Arc<DetectionKeeper>,
    /// The networks that it was given.
    pub models: Shelf,
    /// Where training is noted.
    pub runs: Runs,
    /// Who may do what.
    pub guard: Guard,
    /// Deployments' pictures.
    pub previews: Previews,
    /// Views under short links.
    pub shares: Shares,
    /// What reading needs, where it is closed.
    pub closed: Option<Closed>,
    /// Classes that follow.
    pub rooms: Rooms,
    /// Anybody in the network may begin a class.
    pub rooms_are_free: bool,
    /// How other devices come here.
    pub reach: Reachability,
    /// A web server stands in front of this one and says who asks.
    pub is_behind_proxy: bool,
    /// Stories that people made.
    pub stories: Stories,
    /// Stories that lie with the recordings.
    pub shelf: crate::stories::Shelf,
    /// How often one address may make something without the administrator's token.
    pub rates: Rates,
    /// Where people reach the server.
    pub address: Address,
    /// Pictures of links that were asked for last.
    pub pictures: Pictures,
}

impl PyramidSource for Served {
    fn pyramids(
        &self,
        deployment: &str,
        reader: Reader,
    ) -> Result<Option<Vec<Arc<Tiles>>>, ApiError> {
        self.keeper.pyramids(deployment, reader).map_err(|e| ApiError::internal(&e))
    }

    fn looked_at(&self, deployment: &str, tiles: &Tiles, level: i32, tile: i64) {
        self.keeper.look_at(&self.engine, deployment, tiles, level, tile);
    }
}

/// Everything that is served.
pub fn app(served: Arc<Served>) -> Router {
    let data = Router::new().route("/{id}/{file}", get(data::file)).fallback(nothing_there);
    // A page on any host may read what is served here: a link made on a static host opens it.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([axum::http::Method::GET, axum::http::Method::HEAD])
        .allow_headers([header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ETAG,
        ]);
    v1::routes(&served)
        .nest("/data", data)
        .merge(share_pages::routes())
        .merge(story_pages::routes())
        .fallback(web_app::asset)
        .layer(from_fn_with_state(served.clone(), closed::let_in))
        .layer(from_fn_with_state(served.clone(), access::recognise))
        .layer(cors)
        .layer(from_fn(policy::plain))
        .with_state(served)
}

/// Asks the catalogue, away from the threads that answer.
async fn asked<T: Send + 'static>(
    served: &Arc<Served>,
    question: impl FnOnce(&Catalogue) -> Result<T, CatalogueError> + Send + 'static,
) -> Result<T, ApiError> {
    let served = served.clone();
    blocking(move || question(&served.catalogue)).await?.map_err(|e| ApiError::internal(&e))
}

fn no_deployment(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "there is no deployment '{id}' here: api/v1/deployments lists what there is"
    ))
}

async fn nothing_there() -> ApiError {
    ApiError::not_found("there is nothing at this address")
}

/// # Errors
/// When there is no such deployment for a reader.
async fn check_deployment(served: &Arc<Served>, id: &str, reader: Reader) -> Result<(), ApiError> {
    let wanted = id.to_owned();
    let found = asked(served, move |c| c.description(&wanted, reader)).await?;
    found.map(drop).ok_or_else(|| no_deployment(id))
}

/// Runs what waits for the disk away from the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ApiError::internal(&e))
}

/// The same for work of which a room holds no more than so much. Its place is taken until the work has
/// ended, not until whoever asked for it hangs up: the work goes on without them.
async fn blocking_within<T: Send + 'static>(
    room: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let place = room.acquire().await.map_err(|e| ApiError::internal(&e))?;
    blocking(move || {
        let done = work();
        drop(place);
        done
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn whoever_hangs_up_leaves_no_place_for_another_while_their_work_goes_on() {
        static ROOM: Semaphore = Semaphore::const_new(1);
        let (begun, has_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let asked = tokio::spawn(blocking_within(&ROOM, move || {
            begun.send(()).expect("it is waited for");
            ends.recv().expect("an end");
        }));
        let wait = move || has_begun.recv_timeout(Duration::from_secs(30));
        blocking(wait).await.expect("a thread").expect("work that began");
        asked.abort();
        assert!(asked.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(ROOM.available_permits(), 0);
        end.send(()).expect("it still works");
        drop(ROOM.acquire().await.expect("a place once it has ended"));
    }
}
