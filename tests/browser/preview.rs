//! The picture that a chat shows of a link is the one that the page shows.

use serde_json::json;
use spyhop_tests::page::Picture;
use spyhop_tests::{Page, sounds};
use tempfile::TempDir;

use crate::{Stage, two_tones};

/// Draws the server's picture of a link into `#preview`, cut to what lies within its axes: the rows and
/// columns with most of the axes' own colour are the edges (a mark may break an edge where a gap is folded). Gives width and height.
const PREVIEW: &str = "return (async () => {
    const answer = await fetch('api/v1/view/preview.png?' + arguments[0]);
    if (!answer.ok) throw new Error(await answer.text());
    const image = await createImageBitmap(await answer.blob());
    const whole = new OffscreenCanvas(image.width, image.height).getContext('2d');
    whole.drawImage(image, 0, 0);
    const {data} = whole.getImageData(0, 0, image.width, image.height);
    const near = (i, v) => Math.abs(data[i] - v) < 4;
    const edge = (x, y) => {
        const i = 4 * (y * image.width + x);
        return near(i, 0x66) && near(i + 1, 0x75) && near(i + 2, 0x8a);
    };
    const edges = (lines, along, at) => {
        const inked = [];
        for (let line = 0; line < lines; line++) {
            let count = 0;
            for (let i = 0; i < along; i++) count += at(line, i);
            inked.push([count, line]);
        }
        // Axes stand beside edges: what is within begins after the last line before the widest gap.
        const most = Math.max(...inked.map(r => r[0]));
        const found = inked.filter(r => r[0] > 0.8 * most).map(r => r[1]);
        const gaps = found.slice(1).map((line, i) => [line - found[i], found[i], line]);
        return gaps.sort((a, b) => b[0] - a[0])[0].slice(1);
    };
    const [top, bottom] = edges(image.height, image.width, (y, x) => edge(x, y));
    const [left, right] = edges(image.width * 0.93 | 0, image.height, (x, y) => edge(x, y));
    const canvas = document.createElement('canvas');
    canvas.id = 'preview';
    canvas.width = right - left - 1;
    canvas.height = bottom - top - 1;
    canvas.getContext('2d').drawImage(image, -left - 1, -top - 1);
    document.body.append(canvas);
    canvas.style.display = 'none';
    return [canvas.width, canvas.height];
})()";

fn stage() -> anyhow::Result<Stage> {
    let folder = TempDir::new()?;
    let bay = folder.path().join("place/bay");
    let samples = two_tones(900.0, 2100.0, 20.0, 8000);
    sounds::write_wav(&bay, "a_20240601_120000.wav", &samples, 8000)?;
    let later = two_tones(2600.0, 400.0, 20.0, 8000);
    sounds::write_wav(&bay, "b_20240601_120100.wav", &later, 8000)?;
    let place = folder.path().join("place");
    Stage::serving(&place, folder, &["--force-device-scale-factor=1"])
}

/// Makes the picture on the page so many pixels large.
fn resize(page: &mut Page<'_>, (width, height): (usize, usize)) -> anyhow::Result<()> {
    for _ in 0..4 {
        let now = page.picture("#spectrogram")?;
        if (now.width, now.height) == (width, height) {
            break;
        }
        let window: [f64; 2] = serde_json::from_value(
            page.session.execute("return [innerWidth, innerHeight]", json!([]))?,
        )?;
        let size = json!({
            "width": window[0] + width as f64 - now.width as f64,
            "height": window[1] + height as f64 - now.height as f64,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        page.session.devtools("Emulation.setDeviceMetricsOverride", size)?;
        page.wait_until_ready()?;
    }
    Ok(())
}

#[test]
fn the_picture_of_a_link_is_the_pages_own_pixel_by_pixel() -> anyhow::Result<()> {
    let mut stage = stage()?;
    for link in [
        "v=1&src=set:bay&t=2024-06-01T12:00:08Z&span=4&f=0-4000&db=-110..-30&peak=mean",
        "v=1&src=set:bay&t=2024-06-01T12:00:09.5Z&span=1&f=200-3000&axis=log&db=-110..-30&cm=viridis",
        // As near as the others: further out, folded or not, noise differs more from one grid to the other.
        "v=1&src=set:bay&gaps=collapsed&t=2024-06-01T12:00:15Z&span=10&db=-110..-30&peak=mean",
        // Its medians are of what lies on both sides of the fold, most of it before.
        "v=1&src=set:bay&gaps=collapsed&t=2024-06-01T12:00:13Z&span=10&db=-20..60&peak=mean&flat=8",
    ] {
        let mut page = stage.page(&format!("?{link}"))?;
        page.wait_until_ready()?;
        let size = page.session.execute(PREVIEW, json!([link]))?;
        let (width, height): (usize, usize) = serde_json::from_value(size)?;
        assert!(width > 900 && height > 400, "{width} × {height} pixels within the axes");
        resize(&mut page, (width, height))?;
        let (screen, preview) = (page.picture("#spectrogram")?, page.picture("#preview")?);
        assert_eq!((screen.width, screen.height), (preview.width, preview.height), "{link}");
        let (mean, far) = difference(&screen, &preview);
        // Both lay columns on a grid of their own pixel; edges of tones fall beside each other by one.
        assert!(mean < 3.0, "{link}: {mean:.2} of 255 apart on the mean");
        assert!(far < 0.02, "{link}: {:.1} % of pixels are more than 32 apart", far * 100.0);
        // An empty canvas has none.
        assert!(screen.contrast() > 4.0, "{link}: there is something to compare");
    }
    Ok(())
}

/// Mean difference of brightness, and the share of pixels that differ by more than 32.
fn difference(a: &Picture, b: &Picture) -> (f64, f64) {
    let apart: Vec<f64> = a.pixels().iter().zip(b.pixels()).map(|(a, b)| (a - b).abs()).collect();
    let count = apart.len() as f64;
    let far = apart.iter().filter(|d| **d > 32.0).count() as f64;
    (apart.iter().sum::<f64>() / count, far / count)
}
