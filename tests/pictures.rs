//! Takes the README's pictures: the demo's whistles, click trains and upcalls, as the page shows them.
//!
//! `make pictures` runs it; its arguments are the demo's folder and the folder of the pictures.

use std::path::{Path, PathBuf};

use anyhow::Context;
use spyhop_api::Annotation;
use spyhop_signal::tables::{Sequence, read_table};
use spyhop_tests::chromium::Chromium;
use spyhop_tests::{Page, Server};

/// A picture of the clearest sound of a kind.
struct Picture {
    name: &'static str,
    deployment: &'static str,
    label: &'static str,
    span_s: f64,
    /// What the link says further: band, transform.
    view: &'static str,
}

const PICTURES: &[Picture] = &[
    Picture {
        name: "whistles",
        deployment: "gulf-night",
        label: "whistle",
        span_s: 4.0,
        view: "f=1000-30000&fft=2048.2048.512.density.hann",
    },
    Picture {
        name: "clicks",
        deployment: "gulf-night",
        label: "click train",
        span_s: 1.2,
        view: "f=5000-96000&fft=256.256.64.density.hann",
    },
    Picture {
        name: "upcalls",
        deployment: "bank-in-march",
        label: "upcall",
        span_s: 20.0,
        view: "f=20-500&fft=512.512.64.density.hann",
    },
];

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let demo = args.next().context("usage: pictures DEMO OUT")?;
    let out = args.next().context("usage: pictures DEMO OUT")?;
    std::fs::create_dir_all(&out)?;
    let server = Server::start(["--data".as_ref(), demo.as_os_str()])?;
    let mut chromium = Chromium::start(&[])?;
    for picture in PICTURES {
        let (recording, sound) = clearest(&demo.join(picture.deployment), picture.label)?;
        let middle_s = (sound.start_ns + sound.end_ns) as f64 / 2e9;
        let start_s = (middle_s - picture.span_s / 2.0).max(0.0);
        let link = format!(
            "{}?v=1&src=set:{}/{recording}&t={start_s:.3}s&span={}&{}",
            server.url, picture.deployment, picture.span_s, picture.view
        );
        chromium.session.goto(&link)?;
        let mut page = Page { session: &mut chromium.session };
        page.wait_until_ready()?;
        page.press("#auto")?;
        page.wait_until_ready()?;
        let file = out.join(format!("{}.png", picture.name));
        std::fs::write(&file, page.session.screenshot()?)?;
        println!("{}: {recording} at {start_s:.2} s", file.display());
    }
    Ok(())
}

/// The recording that holds the sound of a kind with the best signal-to-noise ratio, and that sound
/// with its times since the recording's beginning.
fn clearest(folder: &Path, label: &str) -> anyhow::Result<(String, Annotation)> {
    let mut best: Option<(f64, String, Annotation)> = None;
    let names: Vec<String> = folder
        .read_dir()
        .with_context(|| format!("the demo is not there (make demo): {}", folder.display()))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    for table in names.iter().filter(|name| name.ends_with(".selections.txt")) {
        let stem = table.split(".Table.").next().unwrap_or_default();
        let belongs = |name: &&String| name.starts_with(stem) && !name.ends_with(".txt");
        let Some(recording) = names.iter().find(belongs) else { continue };
        let text = std::fs::read_to_string(folder.join(table))?;
        let rows = read_table(&text, &Sequence::default(), 1)?.annotations;
        for sound in rows.into_iter().filter(|row| row.label == label) {
            let snr = sound.extra.iter().find(|(key, _)| key == "SNR (dB)");
            let snr_db: f64 = snr.and_then(|(_, value)| value.parse().ok()).unwrap_or(0.0);
            if best.as_ref().is_none_or(|(db, ..)| snr_db > *db) {
                best = Some((snr_db, recording.clone(), sound));
            }
        }
    }
    let (_, recording, sound) =
        best.with_context(|| format!("no '{label}' in the tables of {}", folder.display()))?;
    Ok((recording, sound))
}
