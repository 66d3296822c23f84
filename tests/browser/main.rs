//! The page in Chromium: what a person does, and what the pixels then show.

mod accessibility;
mod administrator;
mod bad_input;
mod calibration;
mod calls;
mod class;
mod deployments;
mod fallbacks;
mod hands;
mod hosted;
mod in_tab;
mod labels;
mod library;
mod links;
mod preview;
mod quality;
mod runs;
mod settings;
mod share;
mod sound;
mod stories;
mod story_export;
mod tables;
mod transcript;
mod view;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use spyhop_tests::chromium::Chromium;
use spyhop_tests::{Page, Server, sounds};
use tempfile::TempDir;

/// A server without recordings, a browser, and a folder for what is dropped on the page.
struct Stage {
    server: Server,
    chromium: Chromium,
    folder: TempDir,
}

impl Stage {
    /// Sets it with further arguments for the browser.
    fn set(browser_args: &[&str]) -> anyhow::Result<Stage> {
        let folder = TempDir::new()?;
        let empty = folder.path().join("no-recordings");
        std::fs::create_dir(&empty)?;
        Stage::serving(&empty, folder, browser_args)
    }

    /// Sets it with a server of the recordings in a place.
    fn serving(place: &Path, folder: TempDir, browser_args: &[&str]) -> anyhow::Result<Stage> {
        Stage::serving_with(&[], place, folder, browser_args)
    }

    /// The same with further arguments for the server.
    fn serving_with(
        server_args: &[&str],
        place: &Path,
        folder: TempDir,
        browser_args: &[&str],
    ) -> anyhow::Result<Stage> {
        let args = server_args.iter().map(OsStr::new);
        let server = Server::start(args.chain(["--data".as_ref(), place.as_os_str()]))?;
        Stage::beside(server, folder, browser_args)
    }

    /// Sets it beside a server that runs already.
    fn beside(server: Server, folder: TempDir, browser_args: &[&str]) -> anyhow::Result<Stage> {
        Ok(Stage { server, chromium: Chromium::start(browser_args)?, folder })
    }

    /// The page with a query, loaded anew.
    fn page(&mut self, query: &str) -> anyhow::Result<Page<'_>> {
        let url = format!("{}{query}", self.server.url);
        self.chromium.session.goto(&url)?;
        Ok(Page { session: &mut self.chromium.session })
    }

    fn wav(&self, name: &str, samples: &[i16], rate_hz: u32) -> anyhow::Result<PathBuf> {
        sounds::write_wav(self.folder.path(), name, samples, rate_hz)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A sine in faint noise: a picture with one bright row.
fn tone_in_noise(frequency_hz: f64, seconds: f64, rate_hz: u32) -> Vec<i16> {
    let tone = sounds::sine(frequency_hz, 0.25, seconds, rate_hz);
    sounds::mixed(&tone, &sounds::noise(0.003, seconds, rate_hz))
}

/// Two tones, the second from the middle on.
fn two_tones(first_hz: f64, second_hz: f64, seconds: f64, rate_hz: u32) -> Vec<i16> {
    let tone = sounds::tone(seconds, rate_hz, |t| {
        let hz = if t < seconds / 2.0 { first_hz } else { second_hz };
        0.25 * (std::f64::consts::TAU * hz * t).sin()
    });
    sounds::mixed(&tone, &sounds::noise(0.003, seconds, rate_hz))
}

/// The row in which a frequency stands on a linear axis from `low_hz` to `high_hz`.
fn row_of(hz: f64, (low_hz, high_hz): (f64, f64), rows: usize) -> f64 {
    (high_hz - hz) / (high_hz - low_hz) * rows as f64 - 0.5
}
