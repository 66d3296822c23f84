//! Ticks at every zoom, on every axis.

use proptest::prelude::*;
use spyhop_api::Timestamp;
use spyhop_api::view::FrequencyAxis;
use spyhop_paint::text::text_width;
use spyhop_paint::{
    FrequencyScale, Ticks, TimeAxis, TimeLabels, Weight, frequency_ticks, label_centre_px,
    level_ticks, time_ticks,
};

const FONT_PX: f64 = 12.0;

fn utc(origin: &str) -> TimeLabels {
    let origin = Timestamp::from_iso(origin).expect("a time");
    TimeLabels::Clock { origin, offset_s: 0, zone: "UTC".into() }
}

fn time(start_s: f64, span_s: f64, rate: f64, labels: TimeLabels) -> Ticks {
    let positions = start_s * rate..(start_s + span_s) * rate;
    time_ticks(&TimeAxis { positions, sample_rate_hz: rate, labels }, 1100.0, FONT_PX, 30.0)
}

fn labels(ticks: &Ticks) -> Vec<&str> {
    ticks.labelled().map(|t| t.label.as_str()).collect()
}

/// What every axis of text must hold: in order, in range, at least two labels.
fn assert_in_order(ticks: &Ticks) {
    assert!(ticks.labelled().count() >= 2, "{ticks:?}");
    assert!(ticks.ticks.iter().all(|t| (0.0..=1.0).contains(&t.at)), "{ticks:?}");
    assert!(ticks.ticks.windows(2).all(|p| p[0].at < p[1].at), "{ticks:?}");
    assert!(!ticks.unit.is_empty());
}

fn assert_labels_apart(ticks: &Ticks, length_px: f64, overhang_px: f64) {
    let labels: Vec<(f64, f64)> = ticks
        .labelled()
        .map(|t| {
            let width = text_width(&t.label, FONT_PX, Weight::SemiBold);
            (label_centre_px(t.at * length_px, width, length_px, overhang_px), width)
        })
        .collect();
    for pair in labels.windows(2) {
        let free = pair[1].0 - pair[0].0 - (pair[0].1 + pair[1].1) / 2.0;
        assert!(free >= FONT_PX * 0.5, "{free} px apart: {ticks:?}");
    }
    let ends = labels.iter().all(|(c, w)| {
        c - w / 2.0 >= -overhang_px - 1e-6 && c + w / 2.0 <= length_px + overhang_px + 1e-6
    });
    assert!(ends, "beyond the ends: {ticks:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn time_labels_never_overlap_and_there_are_always_two(
        rate in prop::sample::select(vec![1.0, 2000.0, 11_718.75, 48_000.0, 500_000.0, 1e7]),
        span_exp in 0.5f64..12.0,
        start_s in 0f64..4e7,
        width in 480f64..3000.0,
        clock in 0u8..3,
        overhang in 0f64..40.0,
    ) {
        // From three samples to some years.
        let span = 10f64.powf(span_exp).min(rate * 3e8);
        let labels = match clock {
            0 => TimeLabels::Elapsed,
            1 => utc("2009-03-29T12:15:00Z"),
            _ => TimeLabels::Clock {
                origin: Timestamp::from_iso("1969-12-30T23:59:59.5Z").expect("a time"),
                offset_s: -5 * 3600 - 1800,
                zone: "UTC−05:30".into(),
            },
        };
        let start = start_s * rate;
        let axis = TimeAxis { positions: start..start + span, sample_rate_hz: rate, labels };
        let ticks = time_ticks(&axis, width, FONT_PX, overhang);
        assert_in_order(&ticks);
        assert_labels_apart(&ticks, width, overhang);
        let texts: Vec<&str> = ticks.labelled().map(|t| t.label.as_str()).collect();
        prop_assert!(texts.windows(2).all(|p| p[0] != p[1]), "the same twice: {ticks:?}");
    }

    #[test]
    fn frequency_labels_never_overlap_and_there_are_always_two(
        low in 0f64..200_000.0,
        span_exp in -0.5f64..5.5,
        height in 80f64..1500.0,
        axis in prop::sample::select(vec![FrequencyAxis::Linear, FrequencyAxis::Log, FrequencyAxis::Mel]),
        from_zero in any::<bool>(),
    ) {
        let low = if from_zero { 0.0 } else { low };
        let scale = FrequencyScale::new(axis, low, low + 10f64.powf(span_exp));
        let ticks = frequency_ticks(&scale, height, FONT_PX);
        assert_in_order(&ticks);
        let at: Vec<f64> = ticks.labelled().map(|t| t.at * height).collect();
        prop_assert!(at.windows(2).all(|p| p[1] - p[0] >= FONT_PX * 1.2), "{ticks:?}");
        for tick in ticks.labelled() {
            let unit = if ticks.unit == "kHz" { 1000.0 } else { 1.0 };
            let hz = tick.label.parse::<f64>().expect("a number") * unit;
            prop_assert!((scale.to_unit(hz) - tick.at).abs() * height < 0.5, "{ticks:?}");
        }
    }

    #[test]
    fn level_labels_never_overlap_and_there_are_always_two(
        floor in -200f64..200.0, range in 0.5f64..200.0, height in 80f64..1500.0,
    ) {
        let ticks = level_ticks(floor, floor + range, height, FONT_PX);
        assert_in_order(&ticks);
        let at: Vec<f64> = ticks.labelled().map(|t| t.at * height).collect();
        prop_assert!(at.windows(2).all(|p| p[1] - p[0] >= FONT_PX * 1.2), "{ticks:?}");
    }
}

#[test]
fn a_quarter_of_an_hour_is_marked_in_minutes_with_its_date() {
    let ticks = time(0.0, 900.0, 2000.0, utc("2009-03-29T12:15:00Z"));
    assert_eq!(labels(&ticks)[..3], ["12:15", "12:16", "12:17"]);
    assert_eq!((ticks.unit.as_str(), ticks.context.as_str()), ("UTC", "2009-03-29"));
}

#[test]
fn midnight_says_which_day_begins() {
    let ticks = time(0.0, 7200.0, 2000.0, utc("2009-03-29T23:00:00Z"));
    let midnight = ticks.ticks.iter().find(|t| t.strong).expect("a midnight");
    assert_eq!(midnight.label, "30 Mar");
    assert_eq!(ticks.context, "2009-03-29");
}

#[test]
fn months_are_marked_by_name_and_januaries_by_year() {
    let ticks = time(0.0, 500.0 * 86_400.0, 2000.0, utc("2009-03-29T23:00:00Z"));
    let texts = labels(&ticks);
    assert!(texts.contains(&"2010") && texts.contains(&"Jul"), "{texts:?}");
    assert_eq!(ticks.context, "2009");
}

#[test]
fn a_click_of_a_few_samples_is_marked_in_microseconds() {
    let ticks = time(0.0, 193.0 / 500_000.0, 500_000.0, TimeLabels::Elapsed);
    assert_eq!(ticks.unit, "µs");
    assert_eq!(labels(&ticks)[..3], ["0", "20", "40"]);
}

#[test]
fn deep_inside_a_day_microseconds_count_from_a_millisecond_that_is_named() {
    let ticks = time(3.4125, 40e-6, 500_000.0, utc("2009-03-29T12:15:00Z"));
    assert_eq!(ticks.context, "2009-03-29 12:15:03.412 UTC");
    assert_eq!(ticks.unit, "µs");
    assert!(labels(&ticks).contains(&"+510"), "{:?}", labels(&ticks));
}

#[test]
fn elapsed_time_is_seconds_then_minutes_then_hours() {
    let cases = [(11.2, "s", "2.0"), (900.0, "min:s", "2:00"), (7000.0, "h:min:s", "0:10:00")];
    for (span, unit, label) in cases {
        let ticks = time(0.0, span, 2000.0, TimeLabels::Elapsed);
        assert_eq!(ticks.unit, unit);
        assert!(labels(&ticks).contains(&label), "{:?}", labels(&ticks));
    }
}

#[test]
fn another_zone_shifts_the_clock_and_its_date() {
    let labels_of = TimeLabels::Clock {
        origin: Timestamp::from_iso("2009-03-30T02:00:00Z").expect("a time"),
        offset_s: -4 * 3600,
        zone: "UTC−04:00".into(),
    };
    let ticks = time(0.0, 600.0, 2000.0, labels_of.clone());
    assert_eq!(ticks.context, "2009-03-29");
    assert_eq!(labels(&ticks)[0], "22:00");
    assert_eq!(labels_of.text(1_500_000_000, 3), "2009-03-29 22:00:01.500");
}

#[test]
fn frequencies_are_hertz_for_baleen_whales_and_kilohertz_for_dolphins() {
    let low = FrequencyScale::new(FrequencyAxis::Linear, 0.0, 1000.0);
    let ticks = frequency_ticks(&low, 500.0, FONT_PX);
    assert_eq!((ticks.unit.as_str(), labels(&ticks)[1]), ("Hz", "50"));
    let high = FrequencyScale::new(FrequencyAxis::Linear, 0.0, 96_000.0);
    let ticks = frequency_ticks(&high, 500.0, FONT_PX);
    assert_eq!((ticks.unit.as_str(), labels(&ticks)[1]), ("kHz", "5"));
}

#[test]
fn a_logarithmic_axis_is_marked_at_one_two_and_five() {
    let scale = FrequencyScale::new(FrequencyAxis::Log, 10.0, 24_000.0);
    let ticks = frequency_ticks(&scale, 600.0, FONT_PX);
    assert_eq!(
        labels(&ticks),
        ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]
    );
}
