//! A slice of the spectrum as a curve, with its peak and the widths of the peak.

use leptos::html;
use leptos::prelude::*;
use spyhop_paint::{
    Anchor, FrequencyScale, Item, Stroke, Theme, frequency_ticks, level_ticks,
};
use spyhop_signal::measure::{Peak, Slice};

use crate::prefs::Brightness;
use crate::session::use_session;
use crate::viewer::Surface;
use crate::wording;

const FONT_PX: f64 = 11.0;
/// Room for the axes, CSS pixels: left, bottom.
const ROOM_PX: (f64, f64) = (34.0, 18.0);
/// Range of levels below the peak that is drawn at least, dB.
const RANGE_DB: f64 = 50.0;

/// The curve and its figures.
#[component]
pub fn SlicePlot(slice: Slice, band_hz: (f64, f64)) -> impl IntoView {
    let session = use_session();
    let canvas = NodeRef::<html::Canvas>::new();
    let offset = session.open.with_untracked(|o| o.as_ref().and_then(|o| o.calibration_db()));
    let offset = offset.unwrap_or(0.0);
    let peak = slice.peak(band_hz.0, band_hz.1);
    let unit = session.open.with_untracked(|o| {
        o.as_ref().map(|o| o.unit(session.view.with_untracked(|v| v.spectrum.scaling)))
    });
    let frames = slice.frames;
    Effect::new(move |_| {
        let theme = match session.prefs.brightness.get() {
            Brightness::Dark => Theme::dark(),
            Brightness::Light => Theme::light(),
        };
        let shown = session.frame().map(|f| (f.scale(), f.band_hz));
        if let (Some(canvas), Some((scale, _))) = (canvas.get(), shown)
            && let Some(surface) = Surface::of(&canvas)
        {
            draw(&slice, peak.as_ref(), &scale, offset, &theme, &surface);
        }
    });
    view! {
        <canvas class="slice-plot" node_ref=canvas role="img" aria-label="Spectrum"></canvas>
        {figures(peak, offset, unit.unwrap_or_default(), frames)}
    }
}

fn figures(
    peak: Option<Peak>,
    offset_db: f64,
    unit: &'static str,
    frames: usize,
) -> impl IntoView {
    let Some(peak) = peak else {
        return view! { <p class="dim">"Nothing was recorded here."</p> }.into_any();
    };
    let width = |w: Option<(f64, f64)>| match w {
        Some((low, high)) => {
            format!("{} ({})", wording::hertz(high - low), wording::band((low, high)))
        }
        None => "not within the band".to_owned(),
    };
    let rows = [
        ("peak", wording::hertz(peak.hz)),
        ("level", format!("{} {unit}", wording::level(peak.level_db + offset_db))),
        ("−3 dB width", width(peak.width_3db_hz)),
        ("−10 dB width", width(peak.width_10db_hz)),
        ("averaged over", if frames == 1 { "1 frame".into() } else { format!("{frames} frames") }),
    ];
    let rows = rows.map(|(name, value)| {
        view! { <div><dt>{name}</dt><dd data-reading=name>{value}</dd></div> }
    });
    view! { <dl>{rows}</dl> }.into_any()
}

fn draw(
    slice: &Slice,
    peak: Option<&Peak>,
    scale: &FrequencyScale,
    offset_db: f64,
    theme: &Theme,
    surface: &Surface,
) {
    let (left, bottom) = (ROOM_PX.0, surface.height - ROOM_PX.1);
    let width = surface.width - left - 6.0;
    let db = |p: f32| 10.0 * f64::from(p.max(1e-30)).log10() + offset_db;
    let inside = |bin: usize| (-0.02..=1.02).contains(&scale.to_unit(bin as f64 * slice.bin_hz));
    let bins: Vec<usize> = (1..slice.mean.len()).filter(|b| inside(*b)).collect();
    let levels = || bins.iter().filter_map(|b| slice.mean.get(*b)).map(|p| db(*p));
    let top = levels().fold(f64::NEG_INFINITY, f64::max);
    if !top.is_finite() {
        return;
    }
    let ceiling = (top / 10.0).ceil() * 10.0 + 5.0;
    let lowest = levels().filter(|l| *l > top - 120.0).fold(top, f64::min);
    let floor = lowest.min(ceiling - RANGE_DB).max(ceiling - 110.0);
    let x = |hz: f64| left + scale.to_unit(hz).clamp(0.0, 1.0) * width;
    let y = |level: f64| bottom * (1.0 - ((level - floor) / (ceiling - floor)).clamp(0.0, 1.0));
    let mut items = Vec::new();
    for tick in level_ticks(floor, ceiling, bottom, FONT_PX).labelled() {
        let at = surface.crisp(bottom * (1.0 - tick.at));
        let grid = Stroke::solid(theme.grid, 1.0);
        items.push(Item::Line { from: (left, at), to: (left + width, at), stroke: grid });
        let words = (left - 4.0, (at + 4.0).max(FONT_PX));
        items.push(Item::text(words, tick.label.clone(), FONT_PX, Anchor::End, theme.text_dim));
    }
    let ticks = frequency_ticks(scale, width * 0.6, FONT_PX);
    for tick in ticks.labelled() {
        let at = surface.crisp(left + tick.at * width);
        let grid = Stroke::solid(theme.grid, 1.0);
        items.push(Item::Line { from: (at, 0.0), to: (at, bottom + 3.0), stroke: grid });
        let words = (at.min(surface.width - 12.0), surface.height - 4.0);
        items.push(Item::text(words, tick.label.clone(), FONT_PX, Anchor::Middle, theme.text_dim));
    }
    let unit = (2.0, surface.height - 4.0);
    items.push(Item::text(unit, ticks.unit.clone(), FONT_PX, Anchor::Start, theme.text_dim));
    if let Some(peak) = peak {
        for (width, below) in [(peak.width_10db_hz, 10.0), (peak.width_3db_hz, 3.0)] {
            if let Some((low, high)) = width {
                let at = y(peak.level_db + offset_db - below);
                let stroke = Stroke::solid(theme.cursors[0], 1.5);
                items.push(Item::Line { from: (x(low), at), to: (x(high), at), stroke });
            }
        }
    }
    let curve = |power: &[f32]| -> Vec<(f64, f64)> {
        let at = |b: &usize| Some((x(*b as f64 * slice.bin_hz), y(db(*power.get(*b)?))));
        bins.iter().filter_map(at).collect()
    };
    if slice.frames > 1 {
        let stroke = Stroke::solid(theme.wave.with_alpha(140), 1.0);
        items.push(Item::Polyline { points: curve(&slice.max), stroke });
    }
    let stroke = Stroke::solid(theme.wave_rms, 1.5);
    items.push(Item::Polyline { points: curve(&slice.mean), stroke });
    if let Some(peak) = peak {
        let at = (x(peak.hz), y(peak.level_db + offset_db));
        items.push(Item::Dots { points: vec![at], radius: 3.5, fill: theme.selection });
    }
    surface.items(&items);
}
