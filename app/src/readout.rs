//! Words for what is on the screen: under the crosshair, and for a screen reader.

use leptos::prelude::*;
use spyhop_paint::{Column, ColumnSource};

use crate::caveats;
use crate::clock::Telling;
use crate::contrast::row_at;
use crate::engine::Far;
use crate::session::{OpenSet, Point, Session};
use crate::wording;

/// Mean and maximum level in dB (calibrated where that is known) under a point; `None` where there is
/// none yet, or a calibration says nothing of its frequency.
fn level_at(session: Session, open: &OpenSet, point: &Point) -> Option<(f64, Option<f64>)> {
    let hz = point.hz?;
    let wanted = session.wanted.get_value()?;
    let pixel = (wanted.positions.end - wanted.positions.start) / f64::from(wanted.width_px.max(1));
    let offset = open.offset_db_at(hz)?;
    let db = |p: f32| 10.0 * f64::from(p).log10() + offset;
    let (mut mean, mut weight, mut max) = (0.0f32, 0.0f32, None::<f32>);
    let engine = session.engine();
    engine.power(&wanted).columns(
        point.position..point.position + pixel,
        &mut |w, c: Column<'_>| {
            let Some(row) = row_at(&c, hz) else { return };
            mean += w * c.mean.get(row).copied().unwrap_or(0.0);
            weight += w;
            if let Some(m) = c.max.get(row) {
                max = Some(max.unwrap_or(0.0).max(*m));
            }
        },
    );
    (weight > 0.0 && mean > 0.0).then(|| (db(mean / weight), max.map(db)))
}

/// How long the gap is that is folded away under a point, samples.
fn fold_under(session: Session, point: &Point) -> Option<f64> {
    let frame = session.frame()?;
    crate::viewer::fold_at(&frame, frame.x_of(point.position))
}

/// What the crosshair says.
pub fn words(session: Session) -> Option<String> {
    let open = session.open.get()?;
    let point = session.pointer.get()?;
    session.news.track();
    let telling = session.view.with(|v| Telling::of(v.clock, &open));
    let mut words = telling.tell(point.position);
    if let Some(gap) = fold_under(session, &point) {
        words +=
            &format!(" · {} of no recording folded away", wording::duration(gap / telling.rate_hz));
    }
    if let Some(light) = crate::viewer::light_words(&open, point.position) {
        words += &format!(" ({light})");
    }
    if let Some(hz) = point.hz {
        words += &format!(" · {}", wording::hertz(hz));
        let unit = session.view.with(|v| open.unit(v.spectrum.scaling));
        match level_at(session, &open, &point) {
            Some((mean, Some(max))) if max - mean > 0.1 => {
                let (mean, max) = (wording::level(mean), wording::level(max));
                words += &format!(" · {mean} (peak {max}) {unit}");
            }
            Some((mean, _)) => words += &format!(" · {} {unit}", wording::level(mean)),
            None if open.offset_db_at(hz).is_none() => words += " · no calibration here",
            None => {}
        }
        let caveats = caveats::at(session, &open, point.position, hz);
        if !caveats.is_empty() {
            words += &format!(" ({})", caveats.join(", "));
        }
    }
    Some(words)
}

/// What is said of a picture of the server's tiles; nothing where it is what the view asks for.
pub fn tiles(far: &Far, differs: bool) -> Option<String> {
    let mut words = Vec::new();
    if differs {
        let s = &far.spectrum;
        let name = s.window.to_string();
        let window = wording::window(&name);
        words.push(format!("zoomed out: {window} {}, step {}", s.window_samples, s.hop_samples));
    }
    if far.built < 1.0 {
        words.push(format!("the server has built {:.0} % of it", (far.built * 100.0).floor()));
    }
    (!words.is_empty()).then(|| words.join(" · "))
}

/// The picture in a sentence or two, for those who do not see it.
pub fn description(session: Session) -> String {
    let Some(open) = session.open.get() else { return String::new() };
    let Some(frame) = session.frame() else { return String::new() };
    let telling = session.view.with(|v| Telling::of(v.clock, &open));
    let rate = telling.rate_hz;
    let mut text = format!(
        "{}: {} of {}, from {} ({}), {}.",
        open.title(),
        wording::duration(frame.span() / rate),
        wording::duration(frame.end / rate),
        telling.tell(frame.positions().start),
        telling.zone(),
        wording::band(frame.band_hz),
    );
    let positions = frame.positions();
    let gaps = open.line.gaps(positions.start as i64..positions.end as i64);
    match gaps.len() {
        0 => {}
        1 => text += " One gap without recording.",
        n => text += &format!(" {n} gaps without recording."),
    }
    if let Some(words) = crate::viewer::calls_described(session) {
        text += &format!(" {words}");
    }
    if let Some(s) = session.view.with(|v| v.selection) {
        let span = wording::duration(s.span_ns as f64 * 1e-9);
        text += &format!(" Selected: {span}, {}.", wording::band(s.band_hz));
    }
    let (start, end) = (positions.start / rate * 1e9, positions.end / rate * 1e9);
    let labels: Vec<String> = session.labels.all.with(|all| {
        let shown = all.iter().filter(|a| (a.end_ns as f64) > start && (a.start_ns as f64) < end);
        shown.map(|a| a.label.clone()).collect()
    });
    match labels.len() {
        0 => {}
        n @ 1..=5 => text += &format!(" {n} labels: {}.", labels.join(", ")),
        n => text += &format!(" {n} labels."),
    }
    text
}
