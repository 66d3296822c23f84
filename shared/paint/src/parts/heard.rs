//! What is heard of what is seen: a second frequency axis inside the plot.

use spyhop_signal::spectrum::scale::FrequencyScale;

use crate::scene::{Anchor, Area, Item, Stroke, Weight};
use crate::text::{CAP_HEIGHT, text_width};
use crate::theme::Theme;
use crate::ticks::frequency_ticks;

/// Font sizes between two labels, at least: they stand on the picture and are not to hide it.
const APART: f64 = 2.2;
/// Length of a tick, CSS pixels.
const TICK_PX: f64 = 5.0;
/// Space around a label, CSS pixels.
const PAD_PX: f64 = 3.0;

/// Ticks along a plot's left edge that say at which frequency a loudspeaker plays what stands there:
/// `speed` times its own. Nothing at the speed 1.
pub fn heard_axis(
    scale: &FrequencyScale,
    speed: f64,
    plot: Area,
    font_px: f64,
    theme: &Theme,
) -> Vec<Item> {
    if speed == 1.0 {
        return Vec::new();
    }
    // The same heights in other hertz: mel alone is not the same curve when it is stretched.
    let heard = FrequencyScale::new(scale.axis(), scale.low_hz() * speed, scale.high_hz() * speed);
    let ticks = frequency_ticks(&heard, plot.h, font_px * APART);
    let mut items = Vec::new();
    for tick in ticks.labelled() {
        let heard_hz = heard.to_hz(tick.at);
        let y = plot.y + (1.0 - scale.to_unit(heard_hz / speed)) * plot.h;
        let text = words(heard_hz);
        let width = text_width(&text, font_px, Weight::Regular) + 2.0 * PAD_PX;
        let height = font_px * 1.35;
        let top = (y - height / 2.0).clamp(plot.y, (plot.bottom() - height).max(plot.y));
        let area = Area::new(plot.x + TICK_PX, top, width, height);
        let stroke = Stroke::solid(theme.selection, 2.0);
        items.push(Item::Line { from: (plot.x, y), to: (plot.x + TICK_PX, y), stroke });
        items.push(Item::Rect {
            area,
            radius: 3.0,
            fill: Some(theme.label_backdrop),
            stroke: None,
        });
        let at = (area.x + PAD_PX, area.y + (height + font_px * CAP_HEIGHT) / 2.0);
        items.push(Item::text(at, &text, font_px, Anchor::Start, theme.selection));
    }
    items
}

/// `♪ 500 Hz`, `♪ 2 kHz`.
fn words(hz: f64) -> String {
    let (value, unit) = if hz < 999.5 { (hz, "Hz") } else { (hz / 1000.0, "kHz") };
    let text = format!("{value:.3}");
    format!("♪ {} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use spyhop_api::view::FrequencyAxis;

    use super::*;

    fn labels(speed: f64, axis: FrequencyAxis) -> Vec<(String, f64)> {
        let scale = FrequencyScale::new(axis, 0.0, 40_000.0);
        let plot = Area::new(0.0, 0.0, 800.0, 400.0);
        let items = heard_axis(&scale, speed, plot, 12.0, &Theme::dark());
        let lines = items.iter().filter_map(|i| match i {
            Item::Line { from, .. } => Some(from.1),
            _ => None,
        });
        let texts = items.iter().filter_map(|i| match i {
            Item::Text { text, .. } => Some(text.clone()),
            _ => None,
        });
        texts.zip(lines).collect()
    }

    #[test]
    fn ten_times_slower_the_middle_of_40_khz_is_heard_at_2_khz() {
        let labels = labels(0.1, FrequencyAxis::Linear);
        let two = labels.iter().find(|(text, _)| text.starts_with("♪ 2")).expect("a label");
        assert_eq!(two.0, "♪ 2 kHz");
        assert!((two.1 - 200.0).abs() < 1e-6, "{two:?}");
    }

    #[test]
    fn on_a_mel_axis_what_is_heard_stands_where_it_is_seen() {
        let scale = FrequencyScale::new(FrequencyAxis::Mel, 0.0, 40_000.0);
        let labels = labels(0.1, FrequencyAxis::Mel);
        assert!(labels.len() > 2);
        for (text, y) in labels {
            let value: f64 = text.split(' ').nth(1).and_then(|v| v.parse().ok()).expect("a number");
            let hz = if text.ends_with("kHz") { value * 1000.0 } else { value };
            let expected = (1.0 - scale.to_unit(hz / 0.1)) * 400.0;
            assert!((y - expected).abs() < 1e-6, "{text} at {y}, expected {expected}");
        }
    }

    #[test]
    fn at_its_own_speed_the_plot_has_one_axis() {
        assert!(labels(1.0, FrequencyAxis::Linear).is_empty());
    }
}
