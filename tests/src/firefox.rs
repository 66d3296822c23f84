//! Debian's Firefox ESR, driven by Marionette: `length:[type, id, name, params]` over a socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::webdriver::{self, Session, Transport};

/// A headless Firefox; ended when dropped.
pub struct Firefox {
    /// Its window.
    pub session: Session,
    child: Child,
    _profile: TempDir,
}

/// Keeps it quiet, and lets it choose a free port.
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.region.update.enabled", false);
user_pref("browser.search.update", false);
user_pref("extensions.update.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,none");
user_pref("app.normandy.enabled", false);
"#;

/// How long it may take to start on a loaded machine.
const START_WITHIN: Duration = Duration::from_secs(90);

impl Firefox {
    /// Starts one.
    ///
    /// # Errors
    /// When Firefox is missing or does not answer.
    pub fn start() -> anyhow::Result<Firefox> {
        let profile = TempDir::new()?;
        std::fs::write(profile.path().join("user.js"), PREFERENCES)?;
        let start = |program: &str| {
            Command::new(program)
                .args(["--headless", "--marionette", "--no-remote", "--profile"])
                .arg(profile.path())
                .args(["--width", "1440", "--height", "900"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        let child = start("firefox-esr")
            .or_else(|_| start("firefox"))
            .context("Firefox is missing: apt-get install firefox-esr")?;
        let mut firefox = Started { child: Some(child) };
        let port = port(profile.path())?;
        let mut socket = Marionette { stream: TcpStream::connect(("127.0.0.1", port))?, last: 0 };
        socket.stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        socket.receive().context("its greeting")?;
        let new = webdriver::Command { method: "", path: "", marionette: "WebDriver:NewSession" };
        socket.call(new, &json!({ "capabilities": { "alwaysMatch": {} } }))?;
        let child = firefox.child.take().context("Firefox")?;
        Ok(Firefox { session: Session::new(Box::new(socket)), child, _profile: profile })
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends it where starting fails half-way.
struct Started {
    child: Option<Child>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Firefox writes the port that it chose into its profile.
fn port(profile: &Path) -> anyhow::Result<u16> {
    let start = Instant::now();
    while start.elapsed() < START_WITHIN {
        if let Ok(text) = std::fs::read_to_string(profile.join("MarionetteActivePort"))
            && let Ok(port) = text.trim().parse()
        {
            return Ok(port);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("Firefox said no port within {START_WITHIN:?}")
}

struct Marionette {
    stream: TcpStream,
    last: u64,
}

impl Marionette {
    fn receive(&mut self) -> anyhow::Result<Value> {
        let mut length = 0usize;
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            match byte[0] {
                b':' => break,
                digit @ b'0'..=b'9' => length = 10 * length + usize::from(digit - b'0'),
                other => bail!("a length was expected, not {other}"),
            }
        }
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

impl Transport for Marionette {
    fn call(&mut self, command: webdriver::Command<'_>, params: &Value) -> anyhow::Result<Value> {
        self.last += 1;
        let text = json!([0, self.last, command.marionette, params]).to_string();
        write!(self.stream, "{}:{text}", text.len())?;
        let answer = self.receive()?;
        if !answer[2].is_null() {
            bail!("{}: {}", answer[2]["error"], answer[2]["message"]);
        }
        let result = answer[3].clone();
        // `{"value": …}`, as over HTTP.
        Ok(result.get("value").cloned().unwrap_or(result))
    }
}
