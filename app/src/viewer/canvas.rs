//! Canvases: their size on a screen of any density, and how a scene's items are drawn on one.

use leptos::prelude::*;
use spyhop_paint::scene::Area;
use spyhop_paint::text::text_width;
use spyhop_paint::{Anchor, Item, Pixels, Stroke, Weight};
use web_sys::wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// Families tried for text, as the page's own style sheet names them.
const FAMILY: &str = "Inter, system-ui, sans-serif";

/// A canvas that is ready to be drawn on, in CSS pixels.
pub struct Surface {
    pub context: CanvasRenderingContext2d,
    /// CSS pixels.
    pub width: f64,
    /// CSS pixels.
    pub height: f64,
    density: f64,
}

impl Surface {
    /// Brings the canvas to the size it has on the page and clears it. `None` while it has none.
    pub fn of(canvas: &HtmlCanvasElement) -> Option<Surface> {
        Surface::enlarged(canvas, 1.0)
    }

    /// The same where everything is drawn so many times as large: it counts as smaller by as much.
    pub fn enlarged(canvas: &HtmlCanvasElement, by: f64) -> Option<Surface> {
        let density = window().device_pixel_ratio().clamp(1.0, 3.0);
        let surface = Surface::with_density(canvas, density)?;
        let (width, height) = (surface.width / by, surface.height / by);
        let density = density * by;
        surface.context.set_transform(density, 0.0, 0.0, density, 0.0, 0.0).ok()?;
        surface.context.clear_rect(0.0, 0.0, width, height);
        Some(Surface { width, height, density, ..surface })
    }

    /// For rasters, with so many canvas pixels a CSS pixel: nothing is cleared, pixels are put.
    pub fn of_pixels(canvas: &HtmlCanvasElement, density: f64) -> Option<Surface> {
        Surface::with_density(canvas, density)
    }

    /// A canvas of so many pixels of its own, which the style sheet stretches to its place.
    pub fn stretched(canvas: &HtmlCanvasElement, width: u32, height: u32) -> Option<Surface> {
        canvas.set_width(width);
        canvas.set_height(height);
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Surface { context, width: f64::from(width), height: f64::from(height), density: 1.0 })
    }

    /// A canvas that is not on the page, so large in CSS pixels, with so many of its own along one.
    pub fn off_page(width: f64, height: f64, density: f64) -> Option<(HtmlCanvasElement, Surface)> {
        let canvas: HtmlCanvasElement =
            document().create_element("canvas").ok()?.dyn_into().ok()?;
        canvas.set_width((width * density).round() as u32);
        canvas.set_height((height * density).round() as u32);
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.set_transform(density, 0.0, 0.0, density, 0.0, 0.0).ok()?;
        Some((canvas, Surface { context, width, height, density }))
    }

    /// Width and height in canvas pixels.
    pub fn pixels(&self) -> (u32, u32) {
        let pixels = |css: f64| (css * self.density).round() as u32;
        (pixels(self.width), pixels(self.height))
    }

    fn with_density(canvas: &HtmlCanvasElement, density: f64) -> Option<Surface> {
        let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let (w, h) = ((width * density).round() as u32, (height * density).round() as u32);
        // Setting a size clears the canvas and frees its memory: only where it changed.
        if canvas.width() != w {
            canvas.set_width(w);
        }
        if canvas.height() != h {
            canvas.set_height(h);
        }
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Surface { context, width, height, density })
    }

    /// Puts pixels at the top left corner, as they are.
    pub fn put(&self, rgba: &[u8], width: u32, height: u32) {
        if let Ok(image) = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), width, height)
        {
            // Fails only for sizes that do not fit, which the line above has ruled out.
            let _ = self.context.put_image_data(&image, 0.0, 0.0);
        }
    }

    /// Draws items in order.
    pub fn items(&self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&self, item: &Item) {
        let c = &self.context;
        match item {
            Item::Rect { area, radius, fill, stroke } => {
                c.begin_path();
                if *radius > 0.0 {
                    // Older browsers have no rounded rectangles: theirs have corners.
                    if c.round_rect_with_f64(area.x, area.y, area.w, area.h, *radius).is_err() {
                        c.rect(area.x, area.y, area.w, area.h);
                    }
                } else {
                    c.rect(area.x, area.y, area.w, area.h);
                }
                if let Some(fill) = fill {
                    c.set_fill_style_str(&fill.css());
                    c.fill();
                }
                if let Some(stroke) = stroke {
                    self.stroke(stroke);
                }
            }
            Item::Line { from, to, stroke } => {
                c.begin_path();
                c.move_to(from.0, from.1);
                c.line_to(to.0, to.1);
                self.stroke(stroke);
            }
            Item::Polyline { points, stroke } => {
                self.path(points);
                self.stroke(stroke);
            }
            Item::Polygon { points, fill } => {
                self.path(points);
                c.close_path();
                c.set_fill_style_str(&fill.css());
                c.fill();
            }
            Item::Dots { points, radius, fill } => {
                c.set_fill_style_str(&fill.css());
                for (x, y) in points {
                    c.begin_path();
                    // Fails only for a negative radius.
                    let _ = c.arc(*x, *y, *radius, 0.0, std::f64::consts::TAU);
                    c.fill();
                }
            }
            Item::Text { x, y, text, size, weight, anchor, colour, upwards } => {
                let heaviness = match weight {
                    Weight::Regular => 400,
                    Weight::SemiBold => 600,
                };
                c.set_font(&format!("{heaviness} {size}px {FAMILY}"));
                c.set_text_align(match anchor {
                    Anchor::Start => "left",
                    Anchor::Middle => "center",
                    Anchor::End => "right",
                });
                c.set_fill_style_str(&colour.css());
                // What is laid out is as wide as the project's own font: a wider one is squeezed.
                let most = text_width(text, *size, *weight);
                let drawn = if *upwards {
                    c.save();
                    let turned = c
                        .translate(*x, *y)
                        .and_then(|()| c.rotate(-std::f64::consts::FRAC_PI_2))
                        .and_then(|()| c.fill_text_with_max_width(text, 0.0, 0.0, most));
                    c.restore();
                    turned
                } else {
                    c.fill_text_with_max_width(text, *x, *y, most)
                };
                // Fails only for coordinates that are no numbers: nothing to show then.
                let _ = drawn;
            }
            Item::Image { area, pixels, smooth } => {
                let _ = self.image(area, pixels, *smooth);
            }
            Item::Clip { area, items } => {
                c.save();
                c.begin_path();
                c.rect(area.x, area.y, area.w, area.h);
                c.clip();
                self.items(items);
                c.restore();
            }
        }
    }

    fn path(&self, points: &[(f64, f64)]) {
        self.context.begin_path();
        for (i, (x, y)) in points.iter().enumerate() {
            if i == 0 {
                self.context.move_to(*x, *y);
            } else {
                self.context.line_to(*x, *y);
            }
        }
    }

    fn stroke(&self, stroke: &Stroke) {
        let c = &self.context;
        let dash = js_sys::Array::new();
        if let Some((on, off)) = stroke.dash {
            dash.push(&JsValue::from_f64(on));
            dash.push(&JsValue::from_f64(off));
        }
        // Fails only for values that are no list of numbers.
        let _ = c.set_line_dash(&dash);
        c.set_stroke_style_str(&stroke.colour.css());
        c.set_line_width(stroke.width);
        c.stroke();
    }

    /// Pixels scaled into an area, by way of a canvas of their own.
    fn image(&self, area: &Area, pixels: &Pixels, smooth: bool) -> Result<(), JsValue> {
        let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
        canvas.set_width(pixels.width);
        canvas.set_height(pixels.height);
        let context: CanvasRenderingContext2d = match canvas.get_context("2d")? {
            Some(context) => context.unchecked_into(),
            None => return Ok(()),
        };
        let data = ImageData::new_with_u8_clamped_array_and_sh(
            Clamped(&pixels.rgba),
            pixels.width,
            pixels.height,
        )?;
        context.put_image_data(&data, 0.0, 0.0)?;
        self.context.set_image_smoothing_enabled(smooth);
        self.context.draw_image_with_html_canvas_element_and_dw_and_dh(
            &canvas, area.x, area.y, area.w, area.h,
        )
    }

    /// Half a device pixel on: lines of one pixel are sharp there.
    pub fn crisp(&self, v: f64) -> f64 {
        (v * self.density).floor() / self.density + 0.5 / self.density
    }
}
