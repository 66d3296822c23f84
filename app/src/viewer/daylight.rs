//! Day, twilight and night where a deployment lay, as a strip along the overview and the time axis.

use std::sync::Arc;

use spyhop_paint::scene::Area;
use spyhop_paint::{Colour, Item};
use spyhop_signal::sun::{Light, LightInterval, light};
use spyhop_words::viewer::daylight as words;

use crate::frame::Frame;
use crate::session::OpenSet;

/// Height of the strip, CSS pixels.
pub const HEIGHT_PX: f64 = 3.0;
/// Days narrower than this run into each other: no strip is drawn then.
const NARROWEST_DAY_PX: f64 = 3.0;
const DAY_S: f64 = 86_400.0;

const DAY: Colour = Colour::hex(0xf2c14e);
const TWILIGHT: Colour = Colour::hex(0xb0685c);
const NIGHT: Colour = Colour::hex(0x28407a);

/// The light over all of what is open; empty where its position or its clock is not known.
pub fn of(open: &OpenSet) -> Arc<Vec<LightInterval>> {
    open.light(|| {
        let place = open.deployment.as_ref().and_then(|d| d.latitude.zip(d.longitude));
        let Some(((latitude, longitude), origin)) = place.zip(open.line.origin) else {
            return Vec::new();
        };
        let end = origin.0.saturating_add(open.line.nanos_at(open.line.end()));
        light(latitude, longitude, origin.0..end)
    })
}

/// The strip at the top of an area that shows everything (`whole`) or what the picture does.
pub fn strip(open: &OpenSet, frame: &Frame, whole: bool, area: Area) -> Vec<Item> {
    let rate = open.line.sample_rate_hz;
    let span = if whole { frame.end } else { frame.span() };
    let Some(origin) = open.line.origin else { return Vec::new() };
    if DAY_S * rate / span * area.w < NARROWEST_DAY_PX {
        return Vec::new();
    }
    let place = |ns: i64| {
        let position = (ns.saturating_sub(origin.0)) as f64 * 1e-9 * rate;
        let x = if whole { frame.whole_x_of(position) } else { frame.x_of(position) };
        area.x + x.clamp(0.0, 1.0) * area.w
    };
    of(open)
        .iter()
        .filter_map(|interval| {
            let (left, right) = (place(interval.start_ns), place(interval.end_ns));
            let fill = match interval.light {
                Light::Day => DAY,
                Light::Twilight => TWILIGHT,
                Light::Night => NIGHT,
            };
            let area = Area::new(left, area.y, right - left, HEIGHT_PX);
            (right - left > 0.05).then(|| Item::fill(area, fill))
        })
        .collect()
}

/// What the light is at a position, for the crosshair.
pub fn words(open: &OpenSet, position: f64) -> Option<&'static str> {
    let origin = open.line.origin?;
    let at = origin.0.saturating_add(open.line.nanos_at(position as i64));
    let light = of(open);
    let next = light.partition_point(|interval| interval.end_ns <= at);
    Some(match light.get(next)?.light {
        Light::Day => words::DAY,
        Light::Twilight => words::TWILIGHT,
        Light::Night => words::NIGHT,
    })
}
