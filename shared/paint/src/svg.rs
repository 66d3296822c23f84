//! A scene as SVG text.

use std::fmt::Write;

use crate::scene::{Anchor, Area, Item, Pixels, Scene, Stroke};

/// The family that the texts of a scene are set in.
pub const FONT_FAMILY: &str = "Spyhop Sans";

/// The whole document. `style` is CSS that goes into it (its fonts); `picture` gives the address of a
/// picture inside the scene, as a `data:` URL.
///
/// # Errors
/// Those of `picture`.
pub fn document<E>(
    scene: &Scene,
    style: &str,
    picture: impl Fn(&Pixels) -> Result<String, E>,
) -> Result<String, E> {
    let mut out = Writer { text: String::new(), clips: 0, picture };
    let (w, h) = (scene.width, scene.height);
    out.add(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" font-family="{FONT_FAMILY}, Inter, sans-serif">"#
    ));
    if !scene.title.is_empty() {
        out.add(format_args!("<title>{}</title>", escaped(&scene.title)));
    }
    if !style.is_empty() {
        out.add(format_args!("<style>{style}</style>"));
    }
    out.items(&scene.items)?;
    out.text.push_str("</svg>\n");
    Ok(out.text)
}

struct Writer<P> {
    text: String,
    /// Clip areas so far: each has a name of its own.
    clips: usize,
    picture: P,
}

impl<E, P: Fn(&Pixels) -> Result<String, E>> Writer<P> {
    fn add(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing into a `String` never fails.
        let _ = self.text.write_fmt(arguments);
    }

    fn items(&mut self, items: &[Item]) -> Result<(), E> {
        items.iter().try_for_each(|item| self.item(item))
    }

    fn item(&mut self, item: &Item) -> Result<(), E> {
        match item {
            Item::Rect { area, radius, fill, stroke } => {
                let fill = fill.map_or("none".to_owned(), |c| c.css());
                let radius =
                    if *radius > 0.0 { format!(r#" rx="{}""#, n(*radius)) } else { String::new() };
                let stroke = stroke.as_ref().map(stroke_attributes).unwrap_or_default();
                self.add(format_args!(r#"<rect {}{radius} fill="{fill}"{stroke}/>"#, box_of(area)));
            }
            Item::Line { from, to, stroke } => {
                let (x1, y1, x2, y2) = (n(from.0), n(from.1), n(to.0), n(to.1));
                let stroke = stroke_attributes(stroke);
                self.add(format_args!(
                    r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"{stroke}/>"#
                ));
            }
            Item::Polyline { points, stroke } => {
                let (points, stroke) = (list(points), stroke_attributes(stroke));
                self.add(format_args!(
                    r#"<polyline points="{points}" fill="none" stroke-linejoin="round"{stroke}/>"#
                ));
            }
            Item::Polygon { points, fill } => {
                let (points, fill) = (list(points), fill.css());
                self.add(format_args!(r#"<polygon points="{points}" fill="{fill}"/>"#));
            }
            Item::Dots { points, radius, fill } => {
                self.add(format_args!(r#"<g fill="{}">"#, fill.css()));
                for (x, y) in points {
                    let (x, y, r) = (n(*x), n(*y), n(*radius));
                    self.add(format_args!(r#"<circle cx="{x}" cy="{y}" r="{r}"/>"#));
                }
                self.text.push_str("</g>");
            }
            Item::Text { x, y, text, size, weight, anchor, colour, upwards } => {
                let (x, y, size) = (n(*x), n(*y), n(*size));
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let turn = if *upwards {
                    format!(r#" transform="rotate(-90 {x} {y})""#)
                } else {
                    String::new()
                };
                self.add(format_args!(
                    r#"<text x="{x}" y="{y}" font-size="{size}" font-weight="{}" text-anchor="{anchor}" fill="{}"{turn}>{}</text>"#,
                    weight.number(),
                    colour.css(),
                    escaped(text),
                ));
            }
            Item::Image { area, pixels, smooth } => {
                let address = (self.picture)(pixels)?;
                let rendering = if *smooth { "auto" } else { "pixelated" };
                self.add(format_args!(
                    r#"<image {} preserveAspectRatio="none" style="image-rendering:{rendering}" href="{address}"/>"#,
                    box_of(area),
                ));
            }
            Item::Clip { area, items } => {
                self.clips += 1;
                let (name, area) = (self.clips, box_of(area));
                self.add(format_args!(
                    r#"<clipPath id="c{name}"><rect {area}/></clipPath><g clip-path="url(#c{name})">"#
                ));
                self.items(items)?;
                self.text.push_str("</g>");
            }
        }
        Ok(())
    }
}

fn box_of(area: &Area) -> String {
    let (w, h) = (n(area.w.max(0.0)), n(area.h.max(0.0)));
    format!(r#"x="{}" y="{}" width="{w}" height="{h}""#, n(area.x), n(area.y))
}

fn stroke_attributes(stroke: &Stroke) -> String {
    let dash = stroke
        .dash
        .map_or(String::new(), |(d, s)| format!(r#" stroke-dasharray="{} {}""#, n(d), n(s)));
    format!(r#" stroke="{}" stroke-width="{}"{dash}"#, stroke.colour.css(), n(stroke.width))
}

fn list(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect();
    points.join(" ")
}

/// A coordinate to the hundredth of a pixel, as short as can be.
fn n(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.is_finite() { format!("{rounded}") } else { "0".to_owned() }
}

/// Text between tags; characters that XML forbids are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
