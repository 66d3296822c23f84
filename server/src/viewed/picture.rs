//! A view as a picture with axes: what a chat shows of a link, and a figure for print.

use spyhop_api::View;
use spyhop_api::view::Clock;
use spyhop_paint::export::{ExportError, to_png, to_small_png, to_svg};
use spyhop_paint::parts::level_unit;
use spyhop_paint::{BoxKind, FigureBox, FigureSpec, Scene, Theme, TimeLabels};

use super::power::transform_words;
use super::{MOST_PREVIEW_FRAMES, ViewPower, Viewed, ViewedError};
use crate::figure::labels;

/// Width and height that chats and slides show whole.
pub const PREVIEW_PX: (f64, f64) = (1200.0, 630.0);
const PREVIEW_FONT_PX: f64 = 17.0;
/// A figure is 12 by 6.5 inches at 100 CSS pixels an inch, and 300 pixels of a PNG.
pub const FIGURE_PX: (f64, f64) = (1200.0, 650.0);
const FIGURE_SCALE: f64 = 3.0;
const FIGURE_FONT_PX: f64 = 13.0;
/// A figure may take a few seconds.
const MOST_FIGURE_FRAMES: f64 = 400_000.0;

/// What a figure is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureForm {
    /// PNG of 3600 × 1950 pixels.
    Png,
    /// SVG with its own font.
    Svg,
}

/// The picture of a link, PNG of 1200 × 630 pixels.
///
/// # Errors
/// When the recordings can't be read.
pub fn preview(viewed: &Viewed, title: &str) -> Result<Vec<u8>, ViewedError> {
    let scene =
        scene(viewed, title, PREVIEW_PX, 1.0, PREVIEW_FONT_PX, Theme::dark(), MOST_PREVIEW_FRAMES)?;
    to_small_png(&scene, 1.0).map_err(exported)
}

/// A figure for print, as the bytes of a file.
///
/// # Errors
/// When the recordings can't be read.
pub fn figure(viewed: &Viewed, form: FigureForm, theme: Theme) -> Result<Vec<u8>, ViewedError> {
    let title = viewed.title();
    let scene =
        scene(viewed, &title, FIGURE_PX, FIGURE_SCALE, FIGURE_FONT_PX, theme, MOST_FIGURE_FRAMES)?;
    match form {
        FigureForm::Png => to_png(&scene, FIGURE_SCALE).map_err(exported),
        FigureForm::Svg => Ok(to_svg(&scene).map_err(exported)?.into_bytes()),
    }
}

fn exported(error: ExportError) -> ViewedError {
    ViewedError::Failed(error.to_string())
}

fn scene(
    viewed: &Viewed,
    title: &str,
    (width, height): (f64, f64),
    pixel_ratio: f64,
    font_px: f64,
    theme: Theme,
    most_frames: f64,
) -> Result<Scene, ViewedError> {
    let view = &viewed.view;
    let power = ViewPower::of(viewed, (width * pixel_ratio, height * pixel_ratio), most_frames)?;
    let calibration = viewed.deployment.calibration.as_ref();
    let selection = view.selection.map(|_| {
        let (samples, band_hz) = viewed.selected();
        let positions = samples.start as f64..samples.end as f64;
        FigureBox { positions, band_hz, label: String::new(), kind: BoxKind::Selection }
    });
    let boxes: Vec<FigureBox> = viewed.boxes.iter().cloned().chain(selection).collect();
    let spec = FigureSpec {
        width,
        height,
        pixel_ratio,
        font_px,
        title,
        subtitle: &subtitle(viewed, &power),
        synthesised: viewed.deployment.synthesised,
        places: viewed.places.clone(),
        fold: &viewed.fold,
        sample_rate_hz: viewed.line.sample_rate_hz,
        labels: time_labels(viewed, view),
        scale: power.scale,
        map: view.colour.map,
        range_db: power.range_db,
        calibration,
        level_unit: level_unit(
            view.spectrum.scaling,
            calibration.is_some(),
            view.flatten_s.is_some(),
        ),
        flatten: power.flatten(),
        statistic: view.statistic,
        boxes: &boxes,
        theme,
    };
    Ok(spyhop_paint::figure(&spec, power.source()))
}

/// Whom to thank, and how it was made.
fn subtitle(viewed: &Viewed, power: &ViewPower) -> String {
    let deployment = &viewed.deployment;
    let mut parts: Vec<String> = [&deployment.credit, &deployment.licence]
        .into_iter()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect();
    parts.push(transform_words(&viewed.view, viewed.line.sample_rate_hz));
    if !power.is_exact() {
        parts.push("sampled".into());
    }
    parts.join(" · ")
}

fn time_labels(viewed: &Viewed, view: &View) -> TimeLabels {
    match viewed.infos().next() {
        Some(info) if view.clock != Clock::Elapsed => labels(&viewed.line, info),
        _ => TimeLabels::Elapsed,
    }
}
