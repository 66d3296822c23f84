//! With a GPU in software, and without what only secure pages have.

use serde_json::json;
use spyhop_tests::chromium::SOFTWARE_GPU;
use spyhop_tests::sounds;

use crate::{Stage, row_of, tone_in_noise};

#[test]
fn the_gpu_draws_what_the_cpu_draws() -> anyhow::Result<()> {
    let mut stage = Stage::set(SOFTWARE_GPU)?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?;
    let mut page = stage.page("?gpu=off")?;
    page.open(&[&file])?;
    assert_eq!(page.data("backend")?, "cpu");
    let cpu = page.picture("#spectrogram")?;

    let mut page = stage.page("?gpu=force")?;
    page.open(&[&file])?;
    let backend = page.data("backend")?;
    assert!(backend.starts_with("gpu"), "{backend}");
    let gpu = page.picture("#spectrogram")?;
    assert_eq!((cpu.width, cpu.height), (gpu.width, gpu.height));
    let row = row_of(1000.0, (0.0, 4000.0), gpu.height);
    assert!((gpu.brightest_row(0.1..0.9) as f64 - row).abs() <= 3.0);
    // 0.1 dB of a range of some 60 is under half a step of 255.
    let worst = (0..cpu.height)
        .map(|r| (cpu.row(r, 0.0..1.0) - gpu.row(r, 0.0..1.0)).abs())
        .fold(0.0, f64::max);
    assert!(worst < 2.0, "rows differ by {worst} of 255");
    Ok(())
}

#[test]
fn without_being_asked_a_software_gpu_is_not_used() -> anyhow::Result<()> {
    let mut stage = Stage::set(SOFTWARE_GPU)?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 2.0, 8000), 8000)?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    assert_eq!(page.data("backend")?, "cpu");
    Ok(())
}

#[test]
fn over_plain_http_from_another_machine_everything_works_by_its_fallback() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[
        "--host-resolver-rules=MAP laptop.lan 127.0.0.1",
        "--autoplay-policy=no-user-gesture-required",
    ])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 10.0, 8000), 8000)?;
    let url = stage.server.url.replace("127.0.0.1", "laptop.lan");
    stage.chromium.session.goto(&url)?;
    let mut page = spyhop_tests::Page { session: &mut stage.chromium.session };
    assert_eq!(page.session.execute("return window.isSecureContext;", json!([]))?, false);
    page.open(&[&file])?;
    assert!(page.picture("#spectrogram")?.contrast() > 5.0);

    page.session.click("#play")?;
    let clock = page.text("#clock")?;
    page.wait_for("the play head to move", |p| Ok(p.text("#clock")? != clock))?;

    page.session.click("#copy-link")?;
    page.wait_for("the link as text", |p| p.is_shown("#link-text"))?;
    let link = page.text("#link-text")?;
    assert!(link.starts_with(&url) && link.contains("src=file:"), "{link}");
    Ok(())
}

#[test]
fn the_page_gives_the_numbers_that_the_command_line_gives() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let rate = 8000;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 2.0, rate), rate)?;
    let folder = stage.path().to_owned();
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    // Where no time is pooled, the slice at cursor A is one frame of the transform.
    let place = page.place("#spectrogram")?;
    page.session.drag(&[place.at(0.5, 0.75)])?;
    page.press("#panel [data-tab=measure]")?;
    page.wait_for("a spectrum", |p| Ok(p.text("#slice")?.contains("dB")))?;
    let text = page.text("#slice")?;

    let out = folder.join("power.npy");
    let args = [
        "spectrogram".as_ref(),
        file.as_os_str(),
        "--nfft".as_ref(),
        "1024".as_ref(),
        "--hop".as_ref(),
        "512".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    let output = spyhop_tests::program::run(args)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (bins, frames, power) = sounds::read_npy(&out)?;
    let middle: Vec<f32> = (0..bins).map(|b| power[b * frames + frames / 2]).collect();
    let peak_db = 10.0 * middle.iter().copied().fold(0.0f32, f32::max).log10();
    // The sine is steady: any frame has the same peak, here to a tenth of a decibel.
    let shown = format!("{:.1}", peak_db).replace('-', "−");
    assert!(
        text.contains(&shown) || text.contains(&shown.replace('−', "-")),
        "{shown} dB in: {text}"
    );
    Ok(())
}
