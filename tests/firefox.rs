//! The page in Firefox ESR: it opens a file and draws it.

use spyhop_tests::firefox::Firefox;
use spyhop_tests::{Page, Server, sounds};
use tempfile::TempDir;

#[test]
fn firefox_opens_a_file_and_lights_the_row_of_its_tone() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let empty = folder.path().join("no-recordings");
    std::fs::create_dir(&empty)?;
    let server = Server::start(["--data".as_ref(), empty.as_os_str()])?;
    let tone = sounds::sine(1000.0, 0.25, 4.0, 8000);
    let samples = sounds::mixed(&tone, &sounds::noise(0.003, 4.0, 8000));
    let file = sounds::write_wav(folder.path(), "tone.wav", &samples, 8000)?;

    let mut firefox = Firefox::start()?;
    firefox.session.goto(&server.url)?;
    let mut page = Page { session: &mut firefox.session };
    page.open(&[&file])?;
    let picture = page.picture("#spectrogram")?;
    let row = picture.brightest_row(0.1..0.9) as f64;
    let expected = 0.75 * picture.height as f64 - 0.5;
    assert!((row - expected).abs() <= 3.0, "row {row}, expected {expected}");

    page.session.keys("ww")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    page.wait_until_ready()?;
    // No sound here: a headless Firefox without a sound device keeps its audio clock still.
    Ok(())
}
