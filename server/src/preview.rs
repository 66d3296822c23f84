//! A deployment's picture for the first page: its best view, painted by the code that paints the page.

use spyhop_api::{Deployment, View};
use spyhop_paint::export::{ExportError, to_small_png};
use spyhop_paint::parts::tag;
use spyhop_paint::{Area, Folded, Item, Pixels, RasterSpec, Scene, Theme, raster};

use crate::catalogue::Recordings;
use crate::viewed::{MOST_PREVIEW_FRAMES, ViewPower, Viewed, ViewedError};

/// Width of the picture in pixels; the page shows it at half of that or less.
const WIDTH: usize = 640;
/// See [`WIDTH`].
const HEIGHT: usize = 360;
/// Distance of the tag from the picture's edges; its letters follow it.
const TAG_PX: f64 = 14.0;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// No such deployment, or none of its recordings can be read.
    #[error("there is nothing to show of '{0}'")]
    Nothing(String),
    /// A recording could not be read, or its view makes no sense.
    #[error("'{id}' can't be painted: {reason}")]
    Unreadable {
        /// The deployment.
        id: String,
        /// Why.
        reason: String,
    },
    /// Writing the picture failed.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Paints the best view of a deployment as PNG, without axes.
///
/// # Errors
/// When it has no recording that can be read.
pub fn paint(deployment: &Deployment, recordings: &Recordings) -> Result<Vec<u8>, PreviewError> {
    let id = deployment.id.clone();
    let refused = |error: ViewedError| match error {
        ViewedError::Failed(reason) => PreviewError::Unreadable { id: id.clone(), reason },
        _ => PreviewError::Nothing(id.clone()),
    };
    let (view, _) = View::from_query(&deployment.best_view);
    let viewed =
        Viewed::of_deployment(view, deployment.clone(), recordings.clone()).map_err(refused)?;
    let size = (WIDTH as f64, HEIGHT as f64);
    let power = ViewPower::of(&viewed, size, MOST_PREVIEW_FRAMES).map_err(refused)?;
    let raster_spec = RasterSpec {
        width: WIDTH,
        height: HEIGHT,
        positions: viewed.places.clone(),
        scale: power.scale,
        floor_db: power.range_db.0 as f32,
        ceiling_db: power.range_db.1 as f32,
        calibration: deployment.calibration.as_ref(),
        map: viewed.view.colour.map,
        flatten: power.flatten(),
        statistic: viewed.view.statistic,
        theme: Theme::dark(),
    };
    let mut rgba = vec![0; 4 * WIDTH * HEIGHT];
    raster(&raster_spec, &Folded { source: power.source(), fold: &viewed.fold }, &mut rgba);
    let (width, height) = (WIDTH as f64, HEIGHT as f64);
    let mut scene = Scene::new(width, height);
    let pixels = Pixels { width: WIDTH as u32, height: HEIGHT as u32, rgba };
    let area = Area::new(0.0, 0.0, width, height);
    scene.items.push(Item::Image { area, pixels: pixels.into(), smooth: false });
    if deployment.synthesised {
        let (theme, corner) = (Theme::dark(), (width - TAG_PX, TAG_PX));
        let ground = Some(theme.background);
        scene.items.extend(tag("synthesised", corner, TAG_PX * 1.4, theme.annotation, ground).1);
    }
    Ok(to_small_png(&scene, 1.0)?)
}
