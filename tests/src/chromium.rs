//! Debian's Chromium, driven by its chromedriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::webdriver::{self, Session, Transport};

/// A headless Chromium; ended when dropped.
pub struct Chromium {
    /// Its window.
    pub session: Session,
    driver: Driver,
    _profile: TempDir,
}

/// Keeps it quiet (no network of its own) and the same on every machine.
const ARGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--lang=en-GB",
    "--window-size=1440,900",
];

/// The arguments with which WebGPU answers in software.
pub const SOFTWARE_GPU: &[&str] = &["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

impl Chromium {
    /// Starts one with further arguments.
    ///
    /// # Errors
    /// When chromium or chromedriver is missing.
    pub fn start(more: &[&str]) -> anyhow::Result<Chromium> {
        let driver = Driver::start()?;
        let profile = TempDir::new()?;
        let mut args: Vec<String> = ARGS.iter().chain(more).map(|a| (*a).to_owned()).collect();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
            "unhandledPromptBehavior": "accept",
        }}});
        let made = send("POST", &format!("{}/session", driver.url), &capabilities)?;
        let id = made["sessionId"].as_str().context("a session's id")?;
        let url = format!("{}/session/{id}", driver.url);
        let session = Session::new(Box::new(Http { url }));
        Ok(Chromium { session, driver, _profile: profile })
    }

    /// The process that started the browser.
    pub fn driver_id(&self) -> u32 {
        self.driver.child.id()
    }
}

/// A chromedriver on a free port.
struct Driver {
    child: Child,
    url: String,
}

impl Driver {
    fn start() -> anyhow::Result<Driver> {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver is missing: apt-get install chromium chromium-driver")?;
        let mut output = BufReader::new(child.stdout.take().context("its output")?);
        loop {
            let mut line = String::new();
            if output.read_line(&mut line)? == 0 {
                bail!("chromedriver stopped at once");
            }
            let port = line.trim().trim_end_matches('.').rsplit_once("successfully on port ");
            if let Some(port) = port.and_then(|(_, port)| port.parse::<u16>().ok()) {
                // Read on, or it blocks once the pipe is full.
                std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
                return Ok(Driver { child, url: format!("http://127.0.0.1:{port}") });
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session's address at chromedriver.
struct Http {
    url: String,
}

impl Transport for Http {
    fn call(&mut self, command: webdriver::Command<'_>, params: &Value) -> anyhow::Result<Value> {
        send(command.method, &format!("{}{}", self.url, command.path), params)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        // Ends the browser; it may be gone already.
        let _ = send("DELETE", &self.url, &Value::Null);
    }
}

fn send(method: &str, url: &str, params: &Value) -> anyhow::Result<Value> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(120)))
        .build()
        .into();
    let mut answer = match method {
        "GET" => agent.get(url).call()?,
        "DELETE" => agent.delete(url).call()?,
        _ => agent.post(url).send_json(params)?,
    };
    let status = answer.status();
    let body: Value = answer.body_mut().with_config().limit(64 << 20).read_json()?;
    let value = body["value"].clone();
    if !status.is_success() {
        let message = value["message"].as_str().unwrap_or_default();
        bail!("{}: {}", value["error"], message.lines().next().unwrap_or_default());
    }
    Ok(value)
}
