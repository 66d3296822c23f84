//! A scene as a file: SVG text, or PNG.

mod svg;

use std::sync::{Arc, OnceLock};

use resvg::{tiny_skia, usvg};

use crate::scene::Scene;

/// The family that the texts of a scene are set in.
pub const FONT_FAMILY: &str = "Spyhop Sans";

const REGULAR: &[u8] = include_bytes!("../../../public/fonts/SpyhopSans-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../../../public/fonts/SpyhopSans-SemiBold.otf");

/// Most pixels of a PNG: half a gigabyte of memory while it is made.
const MOST_PIXELS: f64 = 100e6;

/// Why a scene did not become a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No pixels, or too many.
    #[error("a picture of {width} × {height} pixels can't be made: choose 1 to 100 million pixels")]
    Size {
        /// Width in pixels.
        width: f64,
        /// Height in pixels.
        height: f64,
    },
    /// Our own SVG was not understood.
    #[error("the picture could not be laid out: {0}")]
    Layout(#[from] usvg::Error),
    /// The PNG could not be written.
    #[error("the picture could not be written as PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// The scene as an SVG document that carries its own font.
///
/// # Errors
/// When a picture inside the scene can't be written as PNG.
pub fn to_svg(scene: &Scene) -> Result<String, ExportError> {
    svg::document(scene, true)
}

/// The scene as a PNG with `scale` pixels for each CSS pixel, its title as `Title` text.
///
/// # Errors
/// When the picture would have no pixels or more than 100 million.
pub fn to_png(scene: &Scene, scale: f64) -> Result<Vec<u8>, ExportError> {
    let (width, height) = ((scene.width * scale).round(), (scene.height * scale).round());
    let fail = || ExportError::Size { width, height };
    if width.is_nan() || height.is_nan() || width * height > MOST_PIXELS {
        return Err(fail());
    }
    let mut pixmap = tiny_skia::Pixmap::new(width as u32, height as u32).ok_or_else(fail)?;
    let options = usvg::Options {
        font_family: FONT_FAMILY.to_owned(),
        fontdb: fonts(),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(&svg::document(scene, false)?, &options)?;
    let transform = tiny_skia::Transform::from_scale(
        width as f32 / tree.size().width(),
        height as f32 / tree.size().height(),
    );
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    encode(width as u32, height as u32, &pixmap.take_demultiplied(), &scene.title)
}

/// Pixels as a PNG.
fn encode(width: u32, height: u32, rgba: &[u8], title: &str) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    if !title.is_empty() {
        encoder.add_itxt_chunk("Title".into(), title.to_owned())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgba)?;
    writer.finish()?;
    Ok(out)
}

fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(SEMI_BOLD.to_vec());
        fonts.set_sans_serif_family(FONT_FAMILY);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}
