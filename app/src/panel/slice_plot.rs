//! A slice of the spectrum as a curve, with its peak and the widths of the peak.

use leptos::html;
use leptos::prelude::*;
use spyhop_paint::parts::{AxisStyle, SlicePlot, slice_plot};
use spyhop_paint::scene::Area;
use spyhop_paint::{FrequencyScale, Theme};
use spyhop_signal::measure::{Peak, Slice};
use spyhop_words::panel::slice as words;

use crate::prefs::Brightness;
use crate::session::use_session;
use crate::viewer::Surface;
use crate::wording;

const FONT_PX: f64 = 11.0;
/// Room for the axes, CSS pixels: left, bottom.
const ROOM_PX: (f64, f64) = (36.0, 36.0);
/// Least and greatest range of levels that is drawn, dB.
const NARROWEST_DB: f64 = 30.0;
const WIDEST_DB: f64 = 100.0;

/// The curve and its figures.
#[component]
pub fn SliceCurve(slice: Slice, band_hz: (f64, f64)) -> impl IntoView {
    let session = use_session();
    let canvas = NodeRef::<html::Canvas>::new();
    let mut slice = slice;
    session.open.with_untracked(|open| {
        if let Some(calibration) = open.as_ref().and_then(|o| o.calibration()) {
            slice.calibrate(calibration);
        }
    });
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
            let unit = unit.unwrap_or_default();
            draw(&slice, peak.as_ref(), scale, unit, theme, &surface);
        }
    });
    view! {
        <canvas class="slice-plot" node_ref=canvas role="img" aria-label=words::SPECTRUM></canvas>
        {figures(peak, unit.unwrap_or_default(), frames)}
    }
}

fn figures(peak: Option<Peak>, unit: &'static str, frames: usize) -> impl IntoView {
    let Some(peak) = peak else {
        let why = match frames {
            0 => words::NOTHING_RECORDED,
            _ => words::NOT_CALIBRATED,
        };
        return view! { <p class="dim">{why}</p> }.into_any();
    };
    let width = |w: Option<(f64, f64)>| match w {
        Some((low, high)) => {
            format!("{} ({})", wording::hertz(high - low), wording::band((low, high)))
        }
        None => words::WIDER.to_owned(),
    };
    let rows = [
        ("peak", words::PEAK, wording::hertz(peak.hz)),
        ("level", words::LEVEL, format!("{} {unit}", wording::level(peak.level_db))),
        ("width-3db", words::WIDTH_3DB, width(peak.width_3db_hz)),
        ("width-10db", words::WIDTH_10DB, width(peak.width_10db_hz)),
        ("averaged-over", words::AVERAGED_OVER, words::frames(frames)),
    ];
    let rows = rows.map(|(id, name, value)| {
        view! { <div><dt>{name}</dt><dd data-reading=id>{value}</dd></div> }
    });
    view! { <dl>{rows}</dl> }.into_any()
}

fn draw(
    slice: &Slice,
    peak: Option<&Peak>,
    scale: FrequencyScale,
    unit: &str,
    theme: Theme,
    surface: &Surface,
) {
    let levels_db: Vec<f32> = slice.mean.iter().map(|p| 10.0 * p.log10()).collect();
    let inside = |bin: usize| (0.0..=1.0).contains(&scale.to_unit(bin as f64 * slice.bin_hz));
    // DC says nothing about what is heard: it must not set the range.
    let shown = levels_db.iter().enumerate().skip(2).filter(|(b, _)| inside(*b)).map(|(_, l)| *l);
    let shown = shown.filter(|level| level.is_finite());
    let (low, high) = shown.fold((f32::MAX, f32::MIN), |(a, b), l| (a.min(l), b.max(l)));
    if low > high {
        return;
    }
    let ceiling = (f64::from(high) / 5.0).ceil() * 5.0;
    let floor = (f64::from(low) / 5.0).floor() * 5.0;
    let floor = floor.clamp(ceiling - WIDEST_DB, ceiling - NARROWEST_DB);
    let bands: Vec<(f64, f64)> =
        peak.iter().flat_map(|p| [p.width_10db_hz, p.width_3db_hz]).flatten().collect();
    let plot = SlicePlot {
        levels_db: &levels_db,
        bin_hz: slice.bin_hz,
        scale,
        range_db: (floor, ceiling),
        unit,
        peak_hz: peak.map(|p| p.hz),
        bands_hz: &bands,
    };
    let (left, below) = ROOM_PX;
    let area = Area::new(left, 6.0, surface.width - left - 8.0, surface.height - below - 6.0);
    let style = AxisStyle { theme, font_px: FONT_PX, grid: true };
    surface.items(&slice_plot(&plot, area, &style));
}
