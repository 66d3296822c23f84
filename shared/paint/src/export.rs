//! A scene as a file: SVG text, or PNG.

mod palette;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use resvg::{tiny_skia, usvg};

use crate::scene::{Area, Item, Pixels, Scene};
use crate::svg;

pub use crate::svg::FONT_FAMILY;

const REGULAR: &[u8] = include_bytes!("../../../public/fonts/SpyhopSans-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../../../public/fonts/SpyhopSans-SemiBold.otf");

const REGULAR_WOFF2: &[u8] = include_bytes!("../../../public/fonts/SpyhopSans-Regular.woff2");
const SEMI_BOLD_WOFF2: &[u8] = include_bytes!("../../../public/fonts/SpyhopSans-SemiBold.woff2");

/// How much the packing of indices tries: noise packs hardly better at higher levels.
const INDEXED_LEVEL: u8 = 4;

/// Most pixels of a PNG: half a gigabyte of memory while it is made.
pub const MOST_PIXELS: f64 = 100e6;

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
    let font = |(weight, font): (u32, &[u8])| {
        let data = STANDARD.encode(font);
        format!(
            r#"@font-face{{font-family:"{FONT_FAMILY}";font-weight:{weight};src:url(data:font/woff2;base64,{data})}}"#
        )
    };
    let fonts: String = [(400, REGULAR_WOFF2), (600, SEMI_BOLD_WOFF2)].map(font).concat();
    svg::document(scene, &fonts, picture)
}

/// The scene as a PNG with `scale` pixels for each CSS pixel, its title as `Title` text.
///
/// # Errors
/// When the picture would have no pixels or more than 100 million.
pub fn to_png(scene: &Scene, scale: f64) -> Result<Vec<u8>, ExportError> {
    let drawn = rasterised(scene, scale)?;
    encode(&drawn, palette::exactly(&drawn.rgba).as_ref(), &scene.title)
}

/// The same in 256 colours at most, for whoever is to have it at once: of more those that nobody tells apart
/// become one. It takes a third of the bytes, and of the time.
///
/// # Errors
/// As [`to_png`].
pub fn to_small_png(scene: &Scene, scale: f64) -> Result<Vec<u8>, ExportError> {
    let drawn = rasterised(scene, scale)?;
    encode(&drawn, Some(&palette::nearly(&drawn.rgba)), &scene.title)
}

/// The scene in pixels.
fn rasterised(scene: &Scene, scale: f64) -> Result<Pixels, ExportError> {
    let (width, height) = ((scene.width * scale).round(), (scene.height * scale).round());
    let fail = || ExportError::Size { width, height };
    if width.is_nan() || height.is_nan() || width * height > MOST_PIXELS {
        return Err(fail());
    }
    let mut pixmap = tiny_skia::Pixmap::new(width as u32, height as u32).ok_or_else(fail)?;
    let (width, height) = (pixmap.width(), pixmap.height());
    let ratio = (f64::from(width) / scene.width, f64::from(height) / scene.height);
    // Pictures are painted as they are: to be written as PNG first and read again took most of the time.
    let mut rest = scene.items.as_slice();
    while !rest.is_empty() {
        let drawn = rest.iter().position(|item| matches!(item, Item::Image { .. }));
        let (items, after) = rest.split_at(drawn.unwrap_or(rest.len()));
        draw(items, scene, &mut pixmap)?;
        rest = match after.split_first() {
            Some((Item::Image { area, pixels, smooth }, after)) => {
                paint(pixels, *area, *smooth, ratio, &mut pixmap);
                after
            }
            _ => after,
        };
    }
    Ok(Pixels { width, height, rgba: pixmap.take_demultiplied() })
}

/// Draws items of a scene that are no pictures, or have some within them.
fn draw(items: &[Item], scene: &Scene, pixmap: &mut tiny_skia::Pixmap) -> Result<(), ExportError> {
    if items.is_empty() {
        return Ok(());
    }
    let (width, height) = (scene.width, scene.height);
    let part = Scene { width, height, title: String::new(), items: items.to_vec() };
    let options = usvg::Options {
        font_family: FONT_FAMILY.to_owned(),
        fontdb: fonts(),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(&svg::document(&part, "", picture)?, &options)?;
    let transform = tiny_skia::Transform::from_scale(
        pixmap.width() as f32 / tree.size().width(),
        pixmap.height() as f32 / tree.size().height(),
    );
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    Ok(())
}

/// Paints pixels over an area.
fn paint(
    pixels: &Pixels,
    area: Area,
    smooth: bool,
    ratio: (f64, f64),
    pixmap: &mut tiny_skia::Pixmap,
) {
    if copied(pixels, area, ratio, pixmap) {
        return;
    }
    let size = tiny_skia::IntSize::from_wh(pixels.width, pixels.height);
    let opaque = premultiplied(&pixels.rgba);
    let Some(held) = size.and_then(|size| tiny_skia::Pixmap::from_vec(opaque, size)) else {
        return;
    };
    let (wide, high) = (f64::from(pixels.width), f64::from(pixels.height));
    let transform = tiny_skia::Transform::from_row(
        (area.w / wide * ratio.0) as f32,
        0.0,
        0.0,
        (area.h / high * ratio.1) as f32,
        (area.x * ratio.0) as f32,
        (area.y * ratio.1) as f32,
    );
    let quality = match smooth {
        true => tiny_skia::FilterQuality::Bilinear,
        false => tiny_skia::FilterQuality::Nearest,
    };
    let how = tiny_skia::PixmapPaint { quality, ..tiny_skia::PixmapPaint::default() };
    pixmap.draw_pixmap(0, 0, held.as_ref(), &how, transform, None);
}

/// Copies opaque pixels that fall on whole ones; false where they do not, and nothing is done.
fn copied(pixels: &Pixels, area: Area, ratio: (f64, f64), pixmap: &mut tiny_skia::Pixmap) -> bool {
    let (wide, high) = (f64::from(pixels.width), f64::from(pixels.height));
    let (left, top) = (area.x * ratio.0, area.y * ratio.1);
    let fits = area.w * ratio.0 == wide && area.h * ratio.1 == high;
    let is_whole = left.fract() == 0.0 && top.fract() == 0.0;
    let is_inside = left >= 0.0
        && top >= 0.0
        && left + wide <= f64::from(pixmap.width())
        && top + high <= f64::from(pixmap.height());
    let is_opaque = || pixels.rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX);
    if !(fits && is_whole && is_inside && is_opaque()) || pixels.width == 0 {
        return false;
    }
    let (row, stride) = (4 * pixels.width as usize, 4 * pixmap.width() as usize);
    let below = pixmap.data_mut().chunks_exact_mut(stride).skip(top as usize);
    for (from, to) in pixels.rgba.chunks_exact(row).zip(below) {
        to[4 * left as usize..][..row].copy_from_slice(from);
    }
    true
}

/// Colours less what their opacity takes away.
fn premultiplied(rgba: &[u8]) -> Vec<u8> {
    let mut out = rgba.to_vec();
    for pixel in out.as_chunks_mut::<4>().0.iter_mut().filter(|pixel| pixel[3] < 255) {
        let opacity = u32::from(pixel[3]);
        pixel[..3].iter_mut().for_each(|v| *v = ((u32::from(*v) * opacity + 127) / 255) as u8);
    }
    out
}

/// Pixels as a `data:` URL.
fn picture(pixels: &Pixels) -> Result<String, ExportError> {
    let png = encode(pixels, palette::exactly(&pixels.rgba).as_ref(), "")?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

/// Pixels as a PNG: by a palette, or as they are.
fn encode(
    pixels: &Pixels,
    palette: Option<&palette::Indexed>,
    title: &str,
) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width, pixels.height);
    encoder.set_depth(png::BitDepth::Eight);
    if !title.is_empty() {
        encoder.add_itxt_chunk("Title".into(), title.to_owned())?;
    }
    let data = match palette {
        Some(indexed) => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(indexed.palette.as_slice());
            // Places in a palette are no levels: their differences tell nothing.
            encoder.set_filter(png::Filter::NoFilter);
            encoder.set_deflate_compression(png::DeflateCompression::Level(INDEXED_LEVEL));
            Cow::Borrowed(indexed.indices.as_slice())
        }
        None => {
            encoder.set_compression(png::Compression::Balanced);
            let colours = pixels.rgba.as_chunks::<4>().0;
            match colours.iter().all(|pixel| pixel[3] == u8::MAX) {
                true => {
                    encoder.set_color(png::ColorType::Rgb);
                    Cow::Owned(colours.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect())
                }
                false => {
                    encoder.set_color(png::ColorType::Rgba);
                    Cow::Borrowed(pixels.rgba.as_slice())
                }
            }
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&data)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::Colour;
    use crate::scene::{Anchor, Area, Item, Pixels, Stroke, Weight};
    use crate::text::text_width;

    const GROUND: Colour = Colour::hex(0x102030);
    const INK: Colour = Colour::hex(0xf0e0d0);

    struct Decoded {
        width: usize,
        height: usize,
        rgba: Vec<u8>,
    }

    impl Decoded {
        fn of(scene: &Scene, scale: f64) -> Decoded {
            Decoded::read(&to_png(scene, scale).expect("a PNG"))
        }

        fn read(bytes: &[u8]) -> Decoded {
            let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
            decoder.set_transformations(png::Transformations::ALPHA);
            let mut reader = decoder.read_info().expect("a head");
            let mut rgba = vec![0; reader.output_buffer_size().expect("a size")];
            let info = reader.next_frame(&mut rgba).expect("pixels");
            Decoded { width: info.width as usize, height: info.height as usize, rgba }
        }

        fn at(&self, x: usize, y: usize) -> [u8; 4] {
            let at = (y * self.width + x) * 4;
            [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2], self.rgba[at + 3]]
        }

        /// Columns in which some pixel is lighter than the ground.
        fn inked_columns(&self) -> Vec<usize> {
            let lighter = |x: usize| (0..self.height).any(|y| self.at(x, y)[0] > 0x60);
            (0..self.width).filter(|x| lighter(*x)).collect()
        }
    }

    fn ground(width: f64, height: f64) -> Scene {
        let mut scene = Scene::new(width, height);
        scene.items.push(Item::fill(Area::new(0.0, 0.0, width, height), GROUND));
        scene
    }

    fn text(x: f64, y: f64, text: &str, anchor: Anchor, upwards: bool) -> Item {
        let (size, weight) = (20.0, Weight::Regular);
        Item::Text { x, y, text: text.into(), size, weight, anchor, colour: INK, upwards }
    }

    #[test]
    fn shapes_have_their_colours_at_their_places_at_every_scale() {
        let mut scene = ground(60.0, 40.0);
        let (red, green) = (Colour::hex(0xff0000), Colour::hex(0x00ff00));
        scene.items.push(Item::fill(Area::new(10.0, 10.0, 10.0, 10.0), red));
        let clipped = vec![Item::fill(Area::new(0.0, 0.0, 60.0, 40.0), green)];
        scene.items.push(Item::Clip { area: Area::new(30.0, 10.0, 10.0, 10.0), items: clipped });
        scene.items.push(Item::Line {
            from: (0.0, 30.0),
            to: (60.0, 30.0),
            stroke: Stroke::solid(INK, 2.0),
        });
        for scale in [1.0, 2.0, 3.0] {
            let png = Decoded::of(&scene, scale);
            let at = |x: f64, y: f64| png.at((x * scale) as usize, (y * scale) as usize);
            assert_eq!((png.width, png.height), ((60.0 * scale) as usize, (40.0 * scale) as usize));
            assert_eq!(at(5.0, 5.0), GROUND.rgba());
            assert_eq!(at(15.0, 15.0), red.rgba());
            assert_eq!(at(35.0, 15.0), green.rgba());
            assert_eq!(at(25.0, 15.0), GROUND.rgba());
            assert_eq!(at(45.0, 30.0), INK.rgba());
        }
    }

    #[test]
    fn pixels_of_an_image_stay_sharp() {
        let mut scene = ground(40.0, 40.0);
        let rgba = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [255; 4]].concat();
        let pixels = Arc::new(Pixels { width: 2, height: 2, rgba });
        let area = Area::new(10.0, 10.0, 20.0, 20.0);
        scene.items.push(Item::Image { area, pixels, smooth: false });
        let png = Decoded::of(&scene, 1.0);
        assert_eq!(png.at(18, 18), [255, 0, 0, 255]);
        assert_eq!(png.at(21, 18), [0, 255, 0, 255]);
        assert_eq!(png.at(18, 21), [0, 0, 255, 255]);
        assert_eq!(png.at(9, 9), GROUND.rgba());
    }

    #[test]
    fn pixels_that_fall_on_whole_ones_are_copied_and_others_are_laid_over_what_is_there() {
        let rgba: Vec<u8> = (0..12u8).flat_map(|n| [20 * n, 255 - n, n, 255]).collect();
        let drawn = |rgba: Vec<u8>, x: f64, scale: f64| {
            let mut scene = ground(10.0, 8.0);
            let pixels = Arc::new(Pixels { width: 4, height: 3, rgba });
            let area = Area::new(x, 2.0, 4.0 / scale, 3.0 / scale);
            scene.items.push(Item::Image { area, pixels, smooth: false });
            Decoded::of(&scene, scale)
        };
        let png = drawn(rgba.clone(), 3.0, 1.0);
        for (n, pixel) in rgba.chunks(4).enumerate() {
            assert_eq!(png.at(3 + n % 4, 2 + n / 4), pixel, "{n}");
        }
        assert_eq!(
            (png.at(2, 2), png.at(7, 2), png.at(3, 5)),
            (GROUND.rgba(), GROUND.rgba(), GROUND.rgba())
        );
        // At another ratio, over the edge, and where the ground shows through.
        assert_eq!(drawn(rgba.clone(), 3.0, 2.0).at(6 + 1, 4), rgba[4..8]);
        assert_eq!(drawn(rgba.clone(), 8.0, 1.0).at(9, 2), rgba[4..8]);
        let clear: Vec<u8> = rgba.chunks(4).flat_map(|p| [p[0], p[1], p[2], 0]).collect();
        assert_eq!(drawn(clear, 3.0, 1.0).at(4, 3), GROUND.rgba());
    }

    #[test]
    fn a_small_png_is_smaller_and_nobody_tells_its_colours_apart() {
        let mut scene = ground(220.0, 120.0);
        // A noise of the first map's colours, and letters over it.
        let lut = crate::Lut::new(spyhop_api::view::ColourMap::Inferno);
        let step = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as usize;
        let rgba = (0..200 * 100).flat_map(|n| lut.entries()[step(n)]).collect();
        let pixels = Arc::new(Pixels { width: 200, height: 100, rgba });
        let area = Area::new(10.0, 10.0, 200.0, 100.0);
        scene.items.push(Item::Image { area, pixels, smooth: false });
        scene.items.push(text(20.0, 60.0, "12:15:03 µPa²", Anchor::Start, false));
        let (whole, small) = (to_png(&scene, 1.0).expect("a PNG"), to_small_png(&scene, 1.0));
        let small = small.expect("a PNG");
        assert!(small.len() * 5 < whole.len() * 3, "{} of {}", small.len(), whole.len());
        let (whole, small) = (Decoded::read(&whole), Decoded::read(&small));
        assert_eq!((small.width, small.height), (220, 120));
        let mut apart: Vec<u8> =
            whole.rgba.iter().zip(&small.rgba).map(|(a, b)| a.abs_diff(*b)).collect();
        apart.sort_unstable();
        // The edges of letters on noise are of no common colour.
        assert!(apart[apart.len() * 99 / 100] <= 6, "{}", apart[apart.len() * 99 / 100]);
        assert!(apart[apart.len() - 1] <= 48, "{}", apart[apart.len() - 1]);
    }

    #[test]
    fn text_is_drawn_and_as_wide_as_it_was_measured() {
        let words = "12:15:03.412 µPa² −90 dB";
        let mut scene = ground(400.0, 40.0);
        scene.items.push(text(20.0, 28.0, words, Anchor::Start, false));
        let inked = Decoded::of(&scene, 1.0).inked_columns();
        let (first, last) = (inked[0] as f64, inked[inked.len() - 1] as f64);
        let width = text_width(words, 20.0, Weight::Regular);
        // Letters begin and end a little inside their advance width; kerning is not measured.
        assert!((20.0..24.0).contains(&first), "{first}");
        assert!((last - (20.0 + width)).abs() < 4.0, "{last} against {}", 20.0 + width);
    }

    #[test]
    fn anchors_and_upward_text_go_where_they_should() {
        let mut scene = ground(200.0, 200.0);
        scene.items.push(text(150.0, 30.0, "kHz", Anchor::End, false));
        scene.items.push(text(100.0, 100.0, "Frequency", Anchor::Middle, true));
        let png = Decoded::of(&scene, 1.0);
        let lit = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            xs.flat_map(|x| ys.clone().map(move |y| (x, y)))
                .filter(|(x, y)| png.at(*x, *y)[0] > 0x80)
                .count()
        };
        assert!(lit(110..151, 14..36) > 60);
        assert_eq!(lit(152..200, 0..40), 0);
        // Upwards about the anchor: left of the baseline, half above and half below the middle.
        assert!(lit(84..101, 50..100) > 60 && lit(84..101, 100..150) > 60);
        assert_eq!(lit(107..200, 60..200), 0);
    }

    #[test]
    fn svg_text_is_escaped_and_carries_its_font() {
        let mut scene = ground(100.0, 20.0);
        scene.title = "A & B <c>".into();
        scene.items.push(text(0.0, 15.0, "5 < 6 & 7 \u{7}\"", Anchor::Start, false));
        let svg = to_svg(&scene).expect("SVG");
        assert!(svg.contains("<title>A &amp; B &lt;c&gt;</title>"));
        assert!(svg.contains("5 &lt; 6 &amp; 7 \""));
        assert!(svg.contains("@font-face") && svg.contains("font/woff2"));
        assert!(usvg::Tree::from_str(&svg, &usvg::Options::default()).is_ok());
    }

    #[test]
    fn a_picture_without_pixels_or_with_too_many_is_refused() {
        for (side, scale) in [(0.0, 1.0), (100.0, 0.0), (1e6, 1.0), (f64::NAN, 1.0), (1e308, 10.0)]
        {
            let refused = to_png(&Scene::new(side, side), scale);
            assert!(matches!(refused, Err(ExportError::Size { .. })), "{side} at {scale}");
        }
    }
}
