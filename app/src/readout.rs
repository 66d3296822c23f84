//! Words for what is on the screen: under the crosshair, and for a screen reader.

use leptos::prelude::*;
use spyhop_paint::{Column, ColumnSource};
use spyhop_words::viewer::readout as said;

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
    let mut time = telling.tell(point.position);
    if let Some(gap) = fold_under(session, &point) {
        time = said::at_fold(time, wording::duration(gap / telling.rate_hz));
    }
    if let Some(light) = crate::viewer::light_words(&open, point.position) {
        time = said::with_note(time, light);
    }
    let mut words = time;
    if let Some(hz) = point.hz {
        let mut told = vec![words, wording::hertz(hz)];
        let unit = session.view.with(|v| open.unit(v.spectrum.scaling));
        match level_at(session, &open, &point) {
            Some((mean, Some(max))) if max - mean > 0.1 => {
                let (mean, max) = (wording::level(mean), wording::level(max));
                told.push(said::mean_and_peak(mean, max, unit));
            }
            Some((mean, _)) => told.push(said::level(wording::level(mean), unit)),
            None if open.offset_db_at(hz).is_none() => told.push(said::NO_CALIBRATION.to_owned()),
            None => {}
        }
        words = told.join(" · ");
        let caveats = caveats::at(session, &open, point.position, hz);
        if !caveats.is_empty() {
            words = said::with_note(words, caveats.join(", "));
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
        words.push(said::zoomed_out(window, s.window_samples, s.hop_samples));
    }
    if far.built < 1.0 {
        words.push(said::built(wording::trimmed((far.built * 100.0).floor(), 0)));
    }
    (!words.is_empty()).then(|| words.join(" · "))
}

/// The picture in a sentence or two, for those who do not see it.
pub fn description(session: Session) -> String {
    let Some(open) = session.open.get() else { return String::new() };
    let Some(frame) = session.frame() else { return String::new() };
    let telling = session.view.with(|v| Telling::of(v.clock, &open));
    let rate = telling.rate_hz;
    let mut sentences = vec![said::description(
        open.title(),
        wording::duration(frame.span() / rate),
        wording::duration(frame.end / rate),
        telling.tell(frame.positions().start),
        telling.zone(),
        wording::band(frame.band_hz),
    )];
    let positions = frame.positions();
    let gaps = open.line.gaps(positions.start as i64..positions.end as i64);
    if !gaps.is_empty() {
        sentences.push(said::gaps(gaps.len()));
    }
    sentences.extend(crate::viewer::calls_described(session));
    if let Some(s) = session.view.with(|v| v.selection) {
        let span = wording::duration(s.span_ns as f64 * 1e-9);
        sentences.push(said::selected(span, wording::band(s.band_hz)));
    }
    let (start, end) = (positions.start / rate * 1e9, positions.end / rate * 1e9);
    let labels: Vec<String> = session.labels.all.with(|all| {
        let shown = all.iter().filter(|a| (a.end_ns as f64) > start && (a.start_ns as f64) < end);
        shown.map(|a| a.label.clone()).collect()
    });
    match labels.len() {
        0 => {}
        n @ 1..=5 => sentences.push(said::labels_named(n, labels.join(", "))),
        n => sentences.push(said::labels(n)),
    }
    sentences.join(" ")
}
