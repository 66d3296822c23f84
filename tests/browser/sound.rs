//! Hearing.

use std::time::Duration;

use serde_json::json;
use spyhop_tests::Page;

use crate::{Stage, tone_in_noise};

/// Listens at the end of everything that the page plays: wraps each audio context's destination.
const LISTEN: &str = "
    window.heard = {peak: 0, contexts: 0};
    const Context = window.AudioContext;
    window.AudioContext = class extends Context {
        constructor(...args) {
            super(...args);
            window.heard.contexts += 1;
            const ear = this.createAnalyser();
            ear.fftSize = 2048;
            ear.connect(super.destination);
            Object.defineProperty(this, 'destination', {value: ear});
            const wave = new Float32Array(ear.fftSize);
            setInterval(() => {
                ear.getFloatTimeDomainData(wave);
                let peak = 0;
                for (const v of wave) peak = Math.max(peak, Math.abs(v));
                window.heard.peak = Math.max(window.heard.peak, peak);
                window.heard.now = peak;
                window.heard.wave = Array.from(wave);
                window.heard.rate = this.sampleRate;
            }, 20);
        }
    };";

/// The page, listened to from its first line on.
fn listening(stage: &mut Stage) -> anyhow::Result<Page<'_>> {
    let script = json!({ "source": LISTEN });
    stage.chromium.session.devtools("Page.addScriptToEvaluateOnNewDocument", script)?;
    stage.page("")
}

/// The frequency that is heard now: crossings of zero count it.
fn heard_hz(page: &mut Page<'_>) -> anyhow::Result<f64> {
    let body = "const w = heard.wave; let n = 0; \
        for (let i = 1; i < w.length; i++) if (w[i-1] < 0 && w[i] >= 0) n++; \
        return n * heard.rate / w.length;";
    Ok(page.session.execute(body, json!([]))?.as_f64().unwrap_or(0.0))
}

/// The largest sample so far.
fn heard_peak(page: &mut Page<'_>) -> anyhow::Result<f64> {
    Ok(page.session.execute("return heard.peak;", json!([]))?.as_f64().unwrap_or(0.0))
}

#[test]
fn play_is_heard_at_its_level_and_the_play_head_moves() -> anyhow::Result<()> {
    let mut stage = Stage::set(&["--autoplay-policy=no-user-gesture-required"])?;
    let file = stage.wav("tone.wav", &tone_in_noise(1000.0, 20.0, 8000), 8000)?;
    let mut page = listening(&mut stage)?;
    page.open(&[&file])?;
    page.session.click("#play")?;
    page.wait_for("sound", |p| Ok(heard_peak(p)? > 0.05))?;
    let clock = page.text("#clock")?;
    page.wait_for("the play head to move", |p| Ok(p.text("#clock")? != clock))?;
    std::thread::sleep(Duration::from_millis(400));
    // Brought to −20 dBFS RMS: a sine's peak is then −17 dBFS, 0.14.
    let peak = heard_peak(&mut page)?;
    assert!((0.10..0.20).contains(&peak), "{peak}");
    let hz = heard_hz(&mut page)?;
    assert!((hz - 1000.0).abs() < 40.0, "{hz} Hz");
    page.session.click("#play")?;
    page.wait_for("silence", |p| {
        Ok(p.session.execute("return heard.now;", json!([]))?.as_f64() < Some(1e-4))
    })
}

#[test]
fn slowed_to_a_tenth_an_ultrasound_is_heard_at_a_tenth_of_its_frequency() -> anyhow::Result<()> {
    let mut stage = Stage::set(&["--autoplay-policy=no-user-gesture-required"])?;
    let file = stage.wav("bat.wav", &tone_in_noise(40_000.0, 3.0, 192_000), 192_000)?;
    let mut page = listening(&mut stage)?;
    page.open(&[&file])?;
    page.set("#speed", "0.1")?;
    page.wait_for("the speed", |p| Ok(p.view("rate")?.as_deref() == Some("0.1")))?;
    assert!(page.is_shown("#speed-badge")?, "the factor stays on the screen");
    page.session.click("#play")?;
    page.wait_for("sound", |p| Ok(heard_peak(p)? > 0.05))?;
    std::thread::sleep(Duration::from_millis(300));
    let hz = heard_hz(&mut page)?;
    assert!((hz - 4000.0).abs() < 60.0, "{hz} Hz");
    Ok(())
}
