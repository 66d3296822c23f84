//! `pyramid` and `tiles`: what is zoomed out.

use std::io::Read;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spyhop_api::pyramid::PyramidList;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::data::names_tag;
use super::error::ApiError;
use super::web_app::takes;
use super::{blocking, no_deployment};
use crate::catalogue::access::Reader;
use crate::pyramid::{EncodedTile, TileCache, TileFailure, Tiles, product_name};

/// Where tiles come from: whoever knows the deployments.
pub trait PyramidSource: Send + Sync {
    /// The pyramids of a deployment, one for each channel that has one; `None` where there is no such
    /// deployment for a reader.
    ///
    /// # Errors
    /// When it can't be told.
    fn pyramids(
        &self,
        deployment: &str,
        reader: Reader,
    ) -> Result<Option<Vec<Arc<Tiles>>>, ApiError>;

    /// Somebody looks at a tile that is still to be built.
    fn looked_at(&self, deployment: &str, tiles: &Tiles, level: i32, tile: i64);
}

/// What the routes answer from.
#[derive(Clone)]
pub struct Pyramids {
    source: Arc<dyn PyramidSource>,
    cache: TileCache,
}

impl Pyramids {
    /// Keeps up to `cache_bytes` of compressed tiles.
    pub fn new(source: Arc<dyn PyramidSource>, cache_bytes: u64) -> Pyramids {
        Pyramids { source, cache: TileCache::new(cache_bytes) }
    }
}

/// The routes below `api/v1`.
pub fn routes() -> OpenApiRouter<Pyramids> {
    OpenApiRouter::new().routes(routes!(pyramid)).routes(routes!(tile))
}

/// The pyramids of a deployment
///
/// What has to be known to ask for tiles: levels, columns, version, and how much is built.
#[utoipa::path(get, path = "/deployments/{id}/pyramid", tag = "pyramid",
    params(("id" = String, Path, description = "The deployment")),
    responses((status = 200, content_type = "application/json"),
        (status = 404, description = "There is no such deployment")))]
async fn pyramid(
    State(pyramids): State<Pyramids>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let wanted = id.clone();
    let found = blocking(move || pyramids.source.pyramids(&wanted, reader));
    let tiles = found.await??.ok_or_else(|| no_deployment(&id))?;
    let list = PyramidList { pyramids: tiles.iter().map(|tiles| tiles.info()).collect() };
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(list)).into_response())
}

/// How a tile is told.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Form {
    /// Levels to a decibel and maxima to two, where they are more than chance: about a third of the bytes
    coarse: bool,
}

/// A tile of a pyramid
///
/// 256 columns of one level: column k of level L covers the nanoseconds k · column_ns · 2^L to
/// (k + 1) · column_ns · 2^L since 1970, and tile t begins with column 256 · t. The bytes are those of
/// spyhop_api::tile. A tile never changes, and may be kept for ever, unless it is sent with
/// `Cache-Control: no-store` because some of it is still to be built.
#[utoipa::path(get, path = "/deployments/{id}/tiles/{product}/{version}/{level}/{tile}", tag = "pyramid",
    params(
        ("id" = String, Path, description = "The deployment"),
        ("product" = String, Path, description = "`spectrum` is the first channel, `spectrum.ch1` the second"),
        ("version" = String, Path, description = "As `pyramid` says"),
        ("level" = i32, Path, description = "0 is the finest that is stored; below it, down to -10, tiles are made when asked for"),
        ("tile" = i64, Path, description = "Its first column is 256 times this"),
        Form,
    ),
    responses((status = 200, content_type = "application/octet-stream"),
        (status = 404, description = "There is no such deployment, product, version or level")))]
async fn tile(
    State(pyramids): State<Pyramids>,
    reader: Reader,
    Path((id, product, version, level, tile)): Path<(String, String, String, i32, i64)>,
    Query(Form { coarse }): Query<Form>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = blocking(move || -> Result<Arc<EncodedTile>, ApiError> {
        let tiles = pyramids.source.pyramids(&id, reader)?.ok_or_else(|| no_deployment(&id))?;
        let of_product = |tiles: &&Arc<Tiles>| product_name(tiles.plan().channel) == product;
        let tiles = tiles
            .iter()
            .find(of_product)
            .ok_or_else(|| ApiError::not_found(format!("'{id}' has no product '{product}'")))?;
        let current = &tiles.plan().version;
        if *current != version {
            return Err(ApiError::not_found(format!(
                "the recordings have changed: version {current} stands where {version} was; ask for \
                 api/v1/deployments/{id}/pyramid again"
            )));
        }
        let found =
            pyramids.cache.get(tiles, level, tile, coarse).map_err(|failure| match failure {
                TileFailure::NoLevel { .. } | TileFailure::NoTile(_) => {
                    ApiError::not_found(failure.to_string())
                }
                // It names the recording and what to do.
                TileFailure::Unreadable(_) => ApiError::not_found(failure.to_string()),
                TileFailure::Compress(_) => ApiError::internal(&failure),
            })?;
        if found.unfinished {
            pyramids.source.looked_at(&id, tiles, level, tile);
        }
        Ok(found)
    });
    let tile = found.await??;
    answer(&tile, &headers)
}

/// A tile, compressed where it may be, or that it is known already.
pub(super) fn answer(tile: &EncodedTile, headers: &HeaderMap) -> Result<Response, ApiError> {
    let packed = takes(headers, "gzip");
    let tag = format!("\"{}{}\"", tile.hash, if packed { "-gzip" } else { "" });
    let keep = if tile.unfinished { "no-store" } else { "private, max-age=31536000, immutable" };
    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    answer.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    if names_tag(headers, header::IF_NONE_MATCH, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    if packed {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return Ok((answer, tile.gzip.clone()).into_response());
    }
    let mut plain = Vec::with_capacity(tile.plain_bytes);
    let unpacked = flate2::read::GzDecoder::new(&tile.gzip[..]).read_to_end(&mut plain);
    unpacked.map_err(|error| ApiError::internal(&error))?;
    Ok((answer, Bytes::from(plain)).into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use spyhop_api::Tile;

    use super::*;
    use crate::pyramid::tests::{NAMES, Scratch, recordings, tiles};

    struct One(Arc<Tiles>);

    impl PyramidSource for One {
        fn pyramids(
            &self,
            deployment: &str,
            _: Reader,
        ) -> Result<Option<Vec<Arc<Tiles>>>, ApiError> {
            Ok((deployment == "x").then(|| vec![self.0.clone()]))
        }

        fn looked_at(&self, _: &str, _: &Tiles, _: i32, _: i64) {}
    }

    async fn body(response: Response) -> Bytes {
        to_bytes(response.into_body(), usize::MAX).await.expect("a body")
    }

    #[tokio::test]
    async fn a_tile_is_kept_for_ever_and_known_by_its_tag() {
        let scratch = Scratch::new();
        let one = Arc::new(tiles(&recordings(&NAMES, ""), scratch.folder()));
        let version = one.plan().version.clone();
        let first = one.plan().levels[0].columns.start.div_euclid(256);
        let pyramids = Pyramids::new(Arc::new(One(one.clone())), 1 << 20);
        let ask = |id: &str, version: &str, level: i32, headers: &HeaderMap| {
            let path = (id.into(), "spectrum".into(), version.into(), level, first);
            let form = Query(Form::default());
            tile(State(pyramids.clone()), Reader::Public, Path(path), form, headers.clone())
        };
        let plain = ask("x", &version, 0, &HeaderMap::new()).await.expect("a tile");
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "private, max-age=31536000, immutable");
        let bytes = body(plain).await;
        let tile = Tile::decode(&bytes).expect("a tile");
        assert!(tile.frames.iter().any(|frames| *frames > 0));

        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        let packed = ask("x", &version, 0, &headers).await.expect("a tile");
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let tag = packed.headers()[header::ETAG].clone();
        let mut unpacked = Vec::new();
        let packed = body(packed).await;
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, bytes);

        headers.insert(header::IF_NONE_MATCH, tag);
        let known = ask("x", &version, 0, &headers).await.expect("an answer");
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);

        for (id, version, level) in
            [("y", &version, 0), ("x", &"old".into(), 0), ("x", &version, 40)]
        {
            let refused = ask(id, version, level, &headers).await.expect_err("refused");
            assert_eq!(refused.into_response().status(), StatusCode::NOT_FOUND);
        }
        // What is still to be built must not be kept by anyone.
        let coarsest = one.plan().coarsest_level();
        let first = one.plan().levels[coarsest as usize].columns.start.div_euclid(256);
        let path = ("x".into(), "spectrum".into(), version, coarsest, first);
        let coarse = Query(Form { coarse: true });
        let unfinished =
            super::tile(State(pyramids), Reader::Public, Path(path), coarse, HeaderMap::new())
                .await;
        assert_eq!(unfinished.expect("a tile").headers()[header::CACHE_CONTROL], "no-store");
    }

    #[tokio::test]
    async fn what_tiles_there_are_is_told() {
        let scratch = Scratch::new();
        let one = Arc::new(tiles(&recordings(&NAMES, ""), scratch.folder()));
        let pyramids = Pyramids::new(Arc::new(One(one.clone())), 1 << 20);
        let answer = pyramid(State(pyramids.clone()), Reader::Public, Path("x".into()))
            .await
            .expect("a list");
        let list: PyramidList = serde_json::from_slice(&body(answer).await).expect("a list");
        assert_eq!(list.pyramids, [one.info()]);
        assert_eq!((list.pyramids[0].built, list.pyramids[0].column_ns), (0.0, 2_048_000_000));
        assert!(pyramid(State(pyramids), Reader::Public, Path("y".into())).await.is_err());
        let (_, document) = routes().split_for_parts();
        assert_eq!(document.paths.paths.len(), 2);
    }

    #[test]
    fn a_coding_that_is_refused_is_not_sent() {
        for (value, expected) in
            [("gzip", true), ("br;q=1, GZIP;q=0.5", true), ("gzip;q=0", false), ("br", false)]
        {
            let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static(value))];
            assert_eq!(takes(&HeaderMap::from_iter(headers), "gzip"), expected, "{value}");
        }
    }
}
