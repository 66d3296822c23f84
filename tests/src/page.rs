//! The page, by the names that it keeps for tests (`app/src/hooks.rs`).

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::webdriver::Session;

/// The page in a browser's window.
pub struct Page<'a> {
    /// The window.
    pub session: &'a mut Session,
}

/// How long a picture may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A rectangle of the window in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Place {
    /// The point at a fraction of the width and of the height, from the upper left corner.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x + x * self.width, self.y + y * self.height)
    }
}

/// Brightness of a canvas: the mean of red, green and blue, 0–255, row by row.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    luma: Vec<f64>,
}

impl Picture {
    /// Brightness of every pixel, row by row.
    pub fn pixels(&self) -> &[f64] {
        &self.luma
    }

    /// Mean brightness of part of a row; columns are fractions of the width.
    pub fn row(&self, row: usize, columns: std::ops::Range<f64>) -> f64 {
        let from = (columns.start * self.width as f64) as usize;
        let end = ((columns.end * self.width as f64) as usize).clamp(from + 1, self.width);
        let part = &self.luma[row * self.width + from..row * self.width + end];
        part.iter().sum::<f64>() / part.len() as f64
    }

    /// Mean brightness of a column.
    pub fn column(&self, column: usize) -> f64 {
        let sum: f64 = (0..self.height).map(|row| self.luma[row * self.width + column]).sum();
        sum / self.height as f64
    }

    /// The brightest row in part of the picture.
    pub fn brightest_row(&self, columns: std::ops::Range<f64>) -> usize {
        (0..self.height)
            .max_by(|a, b| self.row(*a, columns.clone()).total_cmp(&self.row(*b, columns.clone())))
            .unwrap_or(0)
    }

    /// Mean brightness of everything.
    pub fn mean(&self) -> f64 {
        self.luma.iter().sum::<f64>() / self.luma.len() as f64
    }

    /// Standard deviation of the brightness: 0 for an empty canvas.
    pub fn contrast(&self) -> f64 {
        let mean = self.mean();
        let square = self.luma.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        (square / self.luma.len() as f64).sqrt()
    }
}

impl Page<'_> {
    /// Drops files on the page by path: the browser reads them itself, nothing is made in script.
    ///
    /// # Errors
    /// When the page is not there.
    pub fn choose(&mut self, files: &[&Path]) -> anyhow::Result<()> {
        let make = "document.querySelector('#test-files')?.remove(); \
            const i = document.createElement('input'); \
            i.type = 'file'; i.multiple = true; i.id = 'test-files'; document.body.append(i);";
        self.session.execute(make, json!([]))?;
        let paths: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        self.session.send_keys("#test-files", &paths.join("\n"))?;
        let drop = "const i = document.querySelector('#test-files'); const t = new DataTransfer(); \
            for (const f of i.files) t.items.add(f); i.remove(); \
            const options = {dataTransfer: t, bubbles: true, cancelable: true}; \
            document.querySelector('#page').dispatchEvent(new DragEvent('drop', options));";
        self.session.execute(drop, json!([])).map(|_| ())
    }

    /// Opens files and waits for an exact picture.
    ///
    /// # Errors
    /// When that takes too long; the error holds the page's state and notices.
    pub fn open(&mut self, files: &[&Path]) -> anyhow::Result<()> {
        self.wait_for_stage("first")?;
        self.choose(files)?;
        self.wait_until_ready()
    }

    /// A `data-` attribute of the page; empty where it is not there.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn data(&mut self, name: &str) -> anyhow::Result<String> {
        let body = "const p = document.querySelector('#page'); \
                    return p ? p.getAttribute('data-' + arguments[0]) || '' : '';";
        Ok(self.session.execute(body, json!([name]))?.as_str().unwrap_or_default().to_owned())
    }

    /// The value of a key of the view's query, decoded.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn view(&mut self, key: &str) -> anyhow::Result<Option<String>> {
        let body = "return new URLSearchParams(document.querySelector('#page').dataset.view)\
                    .get(arguments[0]);";
        Ok(self.session.execute(body, json!([key]))?.as_str().map(str::to_owned))
    }

    /// Waits for a stage (`first`, `opening`, `asking`, `viewing`).
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait_for_stage(&mut self, stage: &str) -> anyhow::Result<()> {
        self.wait_for(&format!("stage {stage}"), |page| Ok(page.data("stage")? == stage))
    }

    /// Waits until everything on the screen is exact.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        self.wait_for("an exact picture", |page| {
            Ok(page.data("stage")? == "viewing" && page.data("state")? == "ready")
        })?;
        // A few more frames, so that what is ready is also painted: a slow machine takes one a part.
        self.session
            .execute(
                "return new Promise(done => { let frames = 6; \
                 const next = () => frames-- ? requestAnimationFrame(next) : done(); next(); });",
                json!([]),
            )
            .map(drop)
    }

    /// Waits until a question about the page is answered with yes.
    ///
    /// # Errors
    /// When that takes too long; the error holds the page's state and notices.
    pub fn wait_for(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&mut Page<'_>) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        self.session.wait_until(what, PATIENCE, |session| {
            let mut page = Page { session };
            if holds(&mut page)? {
                return Ok(Ok(()));
            }
            let body = "const p = document.querySelector('#page'); \
                const n = [...document.querySelectorAll('#notices .notice')].map(e => e.innerText); \
                return JSON.stringify([p && {...p.dataset}, n]);";
            let state = page.session.execute(body, json!([]))?;
            Ok(Err(state.as_str().unwrap_or_default().to_owned()))
        })
    }

    /// Texts of the notices of a kind (`error`, `warning`, `done`).
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn notices(&mut self, kind: &str) -> anyhow::Result<Vec<String>> {
        let body = "return [...document.querySelectorAll(\
                    `#notices .notice[data-kind=\"${arguments[0]}\"]`)].map(e => e.innerText);";
        Ok(serde_json::from_value(self.session.execute(body, json!([kind]))?)?)
    }

    /// Text of the first element that fits; empty where there is none.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn text(&mut self, css: &str) -> anyhow::Result<String> {
        let body = "const e = document.querySelector(arguments[0]); \
                    return e ? (e.value ?? '') || e.innerText || e.textContent || '' : '';";
        Ok(self.session.execute(body, json!([css]))?.as_str().unwrap_or_default().to_owned())
    }

    /// Where an element lies in the window.
    ///
    /// # Errors
    /// When there is none.
    pub fn place(&mut self, css: &str) -> anyhow::Result<Place> {
        let body = "const r = document.querySelector(arguments[0]).getBoundingClientRect(); \
                    return [r.x, r.y, r.width, r.height];";
        let [x, y, width, height] =
            serde_json::from_value(self.session.execute(body, json!([css]))?)?;
        Ok(Place { x, y, width, height })
    }

    /// Reads a canvas back.
    ///
    /// # Errors
    /// When there is none.
    pub fn picture(&mut self, css: &str) -> anyhow::Result<Picture> {
        // As a string of one character a pixel: a JSON list of a million numbers takes seconds.
        let body = "const c = document.querySelector(arguments[0]); \
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; \
            const out = new Uint16Array(d.length / 4); \
            for (let i = 0; i < out.length; i++) out[i] = 32 + d[4*i] + d[4*i+1] + d[4*i+2]; \
            let text = ''; \
            for (let i = 0; i < out.length; i += 8192) \
                text += String.fromCharCode.apply(null, out.subarray(i, i + 8192)); \
            return [c.width, c.height, text];";
        let answer = self.session.execute(body, json!([css]))?;
        let (width, height, text): (usize, usize, String) = serde_json::from_value(answer)?;
        let luma: Vec<f64> = text.chars().map(|c| f64::from(c as u32 - 32) / 3.0).collect();
        anyhow::ensure!(
            luma.len() == width * height,
            "{} pixels of {width} × {height}",
            luma.len()
        );
        Ok(Picture { width, height, luma })
    }

    /// Sets a form field and tells the page so, as typing or choosing does.
    ///
    /// # Errors
    /// When there is none.
    pub fn set(&mut self, css: &str, value: &str) -> anyhow::Result<()> {
        self.wait_for_element(css)?;
        let body = "const e = document.querySelector(arguments[0]); \
            if (e.type === 'checkbox') { if (e.checked !== (arguments[1] === 'true')) e.click(); return; } \
            e.value = arguments[1]; \
            e.dispatchEvent(new Event('input', {bubbles: true})); \
            e.dispatchEvent(new Event('change', {bubbles: true}));";
        self.session
            .execute(body, json!([css, value]))
            .map(drop)
            .with_context(|| format!("setting {css}"))
    }

    /// Clicks without a mouse, where something may lie over the element.
    ///
    /// # Errors
    /// When there is none.
    pub fn press(&mut self, css: &str) -> anyhow::Result<()> {
        self.wait_for_element(css)?;
        self.session
            .execute("document.querySelector(arguments[0]).click();", json!([css]))
            .map(drop)
            .with_context(|| format!("pressing {css}"))
    }

    /// Waits for an element: parts of the page are fetched when they are first wanted.
    fn wait_for_element(&mut self, css: &str) -> anyhow::Result<()> {
        self.wait_for(css, |page| {
            let body = "return !!document.querySelector(arguments[0]);";
            Ok(page.session.execute(body, json!([css]))? == Value::Bool(true))
        })
    }

    /// Whether an element is there and shown.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn is_shown(&mut self, css: &str) -> anyhow::Result<bool> {
        let body = "const e = document.querySelector(arguments[0]); \
                    return !!e && e.getClientRects().length > 0;";
        Ok(self.session.execute(body, json!([css]))? == Value::Bool(true))
    }
}
