//! A browser driven by the commands of W3C WebDriver, which chromedriver speaks over HTTP and Firefox
//! (as Marionette) over a socket of its own: Debian ships no geckodriver.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One command: its HTTP form (method and path below the session) and its Marionette name.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'a str,
    /// Path below `/session/<id>`.
    pub path: &'a str,
    /// `WebDriver:…`.
    pub marionette: &'a str,
}

/// How commands reach a browser.
pub trait Transport: Send {
    /// Sends a command and gives its value.
    ///
    /// # Errors
    /// When the browser refuses or is gone.
    fn call(&mut self, command: Command<'_>, params: &Value) -> anyhow::Result<Value>;
}

/// A browser window.
pub struct Session {
    transport: Box<dyn Transport>,
}

/// The key under which WebDriver sends an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Session {
    /// A window at the other end of a transport.
    pub fn new(transport: Box<dyn Transport>) -> Session {
        Session { transport }
    }

    fn post(&mut self, path: &str, marionette: &str, params: Value) -> anyhow::Result<Value> {
        self.transport.call(Command { method: "POST", path, marionette }, &params)
    }

    /// Opens an address and waits until it has loaded.
    ///
    /// # Errors
    /// As [`Transport::call`]; so for all commands.
    pub fn goto(&mut self, url: &str) -> anyhow::Result<()> {
        self.post("/url", "WebDriver:Navigate", json!({ "url": url })).map(drop)
    }

    /// The button of that name.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn back(&mut self) -> anyhow::Result<()> {
        self.post("/back", "WebDriver:Back", json!({})).map(drop)
    }

    /// The button of that name.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn forward(&mut self) -> anyhow::Result<()> {
        self.post("/forward", "WebDriver:Forward", json!({})).map(drop)
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn reload(&mut self) -> anyhow::Result<()> {
        self.post("/refresh", "WebDriver:Refresh", json!({})).map(drop)
    }

    /// Runs the body of a function in the page; a promise is waited for.
    ///
    /// # Errors
    /// When it throws.
    pub fn execute(&mut self, body: &str, args: Value) -> anyhow::Result<Value> {
        let params = json!({ "script": body, "args": args });
        self.post("/execute/sync", "WebDriver:ExecuteScript", params)
            .with_context(|| format!("in the page: {body}"))
    }

    fn find(&mut self, css: &str) -> anyhow::Result<String> {
        let params = json!({ "using": "css selector", "value": css });
        let found = self
            .post("/element", "WebDriver:FindElement", params)
            .with_context(|| format!("looking for {css}"))?;
        Ok(found[ELEMENT].as_str().context("an element's id")?.to_owned())
    }

    /// Clicks on the first element that fits.
    ///
    /// # Errors
    /// When there is none or it can't be clicked.
    pub fn click(&mut self, css: &str) -> anyhow::Result<()> {
        let id = self.find(css)?;
        self.post(&format!("/element/{id}/click"), "WebDriver:ElementClick", json!({ "id": id }))
            .with_context(|| format!("clicking {css}"))
            .map(drop)
    }

    /// Types into an element; a file input takes paths, separated by line feeds.
    ///
    /// # Errors
    /// When there is no such element or it takes no text.
    pub fn send_keys(&mut self, css: &str, text: &str) -> anyhow::Result<()> {
        let id = self.find(css)?;
        let params = json!({ "id": id, "text": text });
        self.post(&format!("/element/{id}/value"), "WebDriver:ElementSendKeys", params)
            .with_context(|| format!("typing into {css}"))
            .map(drop)
    }

    /// Presses and lets go one key after another, wherever the focus is.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn keys(&mut self, keys: &str) -> anyhow::Result<()> {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|k| {
                ["keyDown", "keyUp"].map(|t| json!({ "type": t, "value": k.to_string() }))
            })
            .collect();
        self.actions(json!([{ "type": "key", "id": "keyboard", "actions": strokes }]))
    }

    /// Presses keys together, the last one between the others.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn chord(&mut self, keys: &[char]) -> anyhow::Result<()> {
        let stroke = |t: &str, k: &char| json!({ "type": t, "value": k.to_string() });
        let down = keys.iter().map(|k| stroke("keyDown", k));
        let up = keys.iter().rev().map(|k| stroke("keyUp", k));
        let strokes: Vec<Value> = down.chain(up).collect();
        self.actions(json!([{ "type": "key", "id": "keyboard", "actions": strokes }]))
    }

    /// Moves the wheel over a point of the window.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn wheel(&mut self, (x, y): (f64, f64), delta_y: f64) -> anyhow::Result<()> {
        let scroll = json!({
            "type": "scroll", "x": x as i64, "y": y as i64,
            "deltaX": 0, "deltaY": delta_y as i64, "duration": 0, "origin": "viewport",
        });
        self.actions(json!([{ "type": "wheel", "id": "wheel", "actions": [scroll] }]))
    }

    /// Moves the wheel with Ctrl held: zooms.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn chord_wheel(&mut self, (x, y): (f64, f64), delta_y: f64) -> anyhow::Result<()> {
        let scroll = json!({
            "type": "scroll", "x": x as i64, "y": y as i64,
            "deltaX": 0, "deltaY": delta_y as i64, "duration": 0, "origin": "viewport",
        });
        let ctrl = |t: &str| json!({ "type": t, "value": "\u{e009}" });
        let pause = json!({ "type": "pause", "duration": 0 });
        self.actions(json!([
            { "type": "key", "id": "keyboard", "actions": [ctrl("keyDown"), pause, ctrl("keyUp")] },
            { "type": "wheel", "id": "wheel", "actions": [pause, scroll, pause] },
        ]))
    }

    /// Presses the mouse at the first point, moves it over the others, and lets go.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn drag(&mut self, points: &[(f64, f64)]) -> anyhow::Result<()> {
        let moved = |(x, y): (f64, f64), ms: u64| json!({ "type": "pointerMove", "x": x as i64, "y": y as i64, "duration": ms });
        let [first, rest @ ..] = points else { bail!("a drag needs points") };
        let mut actions = vec![moved(*first, 0), json!({ "type": "pointerDown", "button": 0 })];
        actions.extend(rest.iter().map(|point| moved(*point, 60)));
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        self.actions(json!([{
            "type": "pointer", "id": "mouse",
            "parameters": { "pointerType": "mouse" }, "actions": actions,
        }]))
    }

    /// Moves the mouse to a point of the window.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn point_at(&mut self, (x, y): (f64, f64)) -> anyhow::Result<()> {
        let moved = json!({ "type": "pointerMove", "x": x as i64, "y": y as i64, "duration": 0 });
        self.actions(json!([{
            "type": "pointer", "id": "mouse",
            "parameters": { "pointerType": "mouse" }, "actions": [moved],
        }]))
    }

    fn actions(&mut self, actions: Value) -> anyhow::Result<()> {
        self.post("/actions", "WebDriver:PerformActions", json!({ "actions": actions })).map(drop)
    }

    /// A picture of the window, as PNG.
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub fn screenshot(&mut self) -> anyhow::Result<Vec<u8>> {
        let command =
            Command { method: "GET", path: "/screenshot", marionette: "WebDriver:TakeScreenshot" };
        let taken = self.transport.call(command, &json!({ "full": false }))?;
        Ok(STANDARD.decode(taken.as_str().context("a screenshot")?)?)
    }

    /// A command of Chromium's own protocol.
    ///
    /// # Errors
    /// When the browser is not Chromium, or refuses.
    pub fn devtools(&mut self, command: &str, params: Value) -> anyhow::Result<Value> {
        self.post("/goog/cdp/execute", "", json!({ "cmd": command, "params": params }))
    }

    /// Asks again and again until the page's answer is taken.
    ///
    /// # Errors
    /// When that does not happen in time; the error holds the last answer.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut ask: impl FnMut(&mut Session) -> anyhow::Result<Result<T, String>>,
    ) -> anyhow::Result<T> {
        let start = Instant::now();
        loop {
            match ask(self)? {
                Ok(value) => return Ok(value),
                Err(last) if start.elapsed() > within => {
                    bail!("waited {within:?} for {what}; the page says: {last}")
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}
