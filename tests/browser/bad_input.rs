//! What can't be read is said plainly, and stops nothing.

use spyhop_tests::sounds;
use spyhop_tests::static_host::{Manners, StaticHost};

use crate::{Stage, tone_in_noise};

#[test]
fn a_jpeg_named_wav_is_called_what_it_is() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let jpeg = [b"\xff\xd8\xff\xe0\x00\x10JFIF\x00".as_slice(), &[7; 4000]].concat();
    let file = sounds::write(stage.path(), "holiday.wav", &jpeg)?;
    let mut page = stage.page("")?;
    page.wait_for_stage("first")?;
    page.choose(&[&file])?;
    page.wait_for("a message", |p| Ok(!p.notices("error")?.is_empty()))?;
    let said = page.notices("error")?.join("\n");
    assert!(said.contains("holiday.wav") && said.contains("JPEG"), "{said}");
    Ok(())
}

#[test]
fn one_bad_file_among_good_ones_stops_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let good = stage.wav("good.wav", &tone_in_noise(1000.0, 2.0, 8000), 8000)?;
    let empty = sounds::write(stage.path(), "empty.wav", b"")?;
    let mut page = stage.page("")?;
    page.open(&[&good, &empty])?;
    let said = [page.notices("error")?, page.notices("warning")?].concat().join("\n");
    assert!(said.contains("empty.wav"), "{said}");
    assert!(page.picture("#spectrogram")?.contrast() > 5.0);
    Ok(())
}

#[test]
fn a_truncated_file_shows_what_there_is_with_a_warning() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let whole = std::fs::read(stage.wav("whole.wav", &tone_in_noise(1000.0, 4.0, 8000), 8000)?)?;
    let file = sounds::write(stage.path(), "cut.wav", &whole[..whole.len() / 2])?;
    let mut page = stage.page("")?;
    page.open(&[&file])?;
    assert!(page.picture("#spectrogram")?.contrast() > 5.0);
    page.press("#panel [data-tab=info]")?;
    let said = [page.notices("warning")?.join("\n"), page.text("#info")?].join("\n");
    assert!(
        said.contains("shorter") || said.contains("ends") || said.contains("truncated"),
        "{said}"
    );
    Ok(())
}

#[test]
fn an_address_that_fails_says_why() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    stage.wav("there.wav", &tone_in_noise(1000.0, 2.0, 8000), 8000)?;
    let closed =
        StaticHost::start(stage.path(), Manners { prefix: "/", ranges: true, cors: false })?;
    let open = StaticHost::start(stage.path(), Manners { prefix: "/", ranges: true, cors: true })?;
    for (url, word) in [
        (format!("{}missing.wav", open.url), "404"),
        (format!("{}there.wav", closed.url), "there.wav"),
    ] {
        let mut page = stage.page(&format!("?v=1&src=url:{url}"))?;
        page.wait_for("a message", |p| Ok(!p.notices("error")?.is_empty()))?;
        let said = page.notices("error")?.join("\n");
        assert!(said.contains(word), "{url}: {said}");
    }
    Ok(())
}

#[test]
fn a_host_without_ranges_is_read_whole_or_refused_plainly() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    stage.wav("there.wav", &tone_in_noise(1000.0, 2.0, 8000), 8000)?;
    let host = StaticHost::start(stage.path(), Manners { prefix: "/", ranges: false, cors: true })?;
    let mut page = stage.page(&format!("?v=1&src=url:{}there.wav", host.url))?;
    page.wait_for("a picture or a message", |p| {
        Ok(p.data("state")? == "ready" && p.data("stage")? == "viewing"
            || !p.notices("error")?.is_empty())
    })?;
    let said = page.notices("error")?.join("\n");
    assert!(said.is_empty() || said.contains("range"), "{said}");
    Ok(())
}

#[test]
fn a_bad_file_takes_nothing_away_from_what_is_open() -> anyhow::Result<()> {
    let mut stage = Stage::set(&[])?;
    let good = stage.wav("good.wav", &tone_in_noise(1000.0, 8.0, 8000), 8000)?;
    let bad = sounds::write(stage.path(), "bad.wav", b"RIFF\x04\0\0\0WAVE")?;
    let mut page = stage.page("")?;
    page.open(&[&good])?;
    page.session.keys("ww")?;
    page.wait_for("a zoom", |p| Ok(p.view("span")?.is_some()))?;
    page.wait_until_ready()?;
    let (view, picture) = (page.data("view")?, page.picture("#spectrogram")?);
    page.choose(&[&bad])?;
    page.wait_for("a message", |p| Ok(p.notices("error")?.join("\n").contains("bad.wav")))?;
    page.wait_until_ready()?;
    assert_eq!(page.data("view")?, view);
    assert!((page.picture("#spectrogram")?.mean() - picture.mean()).abs() < 1.0);
    Ok(())
}
