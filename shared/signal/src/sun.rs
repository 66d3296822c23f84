//! Day, twilight and night at a place, for the shading of a time axis.
//!
//! The sun's position is NOAA's Solar Calculator's, after Meeus, *Astronomical Algorithms* (1998),
//! chapter 25: good to a minute between 1900 and 2100 and ±72° of latitude, to some minutes nearer to
//! the poles, where the sun crosses the horizon flatly.

use std::ops::Range;

use spyhop_api::time::NANOS_PER_S;

/// The sun's centre at sunrise and sunset: its upper limb stands on the horizon under 34′ of refraction.
const HORIZON_DEG: f64 = -0.833;
/// The sun's centre where civil twilight ends.
const CIVIL_DEG: f64 = -6.0;
/// Light is looked at this often: no twilight is shorter than 20 minutes, and a day that is shorter
/// above the polar circle is not seen.
const STEP_NS: i64 = 5 * 60 * NANOS_PER_S;
/// A change is found to this.
const RESOLUTION_NS: i64 = NANOS_PER_S / 10;
/// Over longer spans days can't be seen, and nothing is computed.
const LONGEST_NS: i64 = 5 * 366 * 86_400 * NANOS_PER_S;
/// 2000-01-01T12:00:00Z.
const J2000_NS: i64 = 946_728_000 * NANOS_PER_S;

/// How light it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// Some of the sun is above the horizon.
    Day,
    /// Civil twilight: the sun is less than 6° below.
    Twilight,
    /// Darker than that.
    Night,
}

/// A stretch of one light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LightInterval {
    /// Its beginning, nanoseconds since 1970.
    pub start_ns: i64,
    /// One past its end.
    pub end_ns: i64,
    /// The light.
    pub light: Light,
}

/// The light over a span of clock time (nanoseconds since 1970) at a place, in order, without gaps.
/// Nothing for a span that is empty or longer than five years, or a place that is none.
pub fn light(latitude_deg: f64, longitude_deg: f64, span_ns: Range<i64>) -> Vec<LightInterval> {
    let is_place = latitude_deg.abs() <= 90.0 && longitude_deg.is_finite();
    let length_ns = span_ns.end.saturating_sub(span_ns.start);
    if !is_place || !(1..=LONGEST_NS).contains(&length_ns) {
        return Vec::new();
    }
    let at = |ns: i64| light_of(altitude_deg(latitude_deg, longitude_deg, ns));
    let mut intervals = Vec::new();
    let mut begun = (span_ns.start, at(span_ns.start));
    let mut now = span_ns.start;
    while now < span_ns.end {
        let next = now.saturating_add(STEP_NS).min(span_ns.end);
        if at(next) == begun.1 {
            now = next;
            continue;
        }
        let (mut same, mut other) = (now, next);
        while other - same > RESOLUTION_NS {
            let middle = same + (other - same) / 2;
            *(if at(middle) == begun.1 { &mut same } else { &mut other }) = middle;
        }
        intervals.push(LightInterval { start_ns: begun.0, end_ns: other, light: begun.1 });
        begun = (other, at(other));
        now = other;
    }
    if begun.0 < span_ns.end {
        intervals.push(LightInterval { start_ns: begun.0, end_ns: span_ns.end, light: begun.1 });
    }
    intervals
}

/// How high the sun's centre stands over the horizon of a place (latitude north, longitude east), in
/// degrees, without refraction.
pub fn altitude_deg(latitude_deg: f64, longitude_deg: f64, at_ns: i64) -> f64 {
    let days = (at_ns as f64 - J2000_NS as f64) / (86_400.0 * NANOS_PER_S as f64);
    let t = days / 36_525.0;
    let mean_longitude = (280.46646 + t * (36000.76983 + t * 0.0003032)).to_radians();
    let anomaly = (357.52911 + t * (35999.05029 - t * 0.0001537)).to_radians();
    let eccentricity = 0.016708634 - t * (0.000042037 + t * 0.0000001267);
    let centre = anomaly.sin() * (1.914602 - t * (0.004817 + t * 0.000014))
        + (2.0 * anomaly).sin() * (0.019993 - t * 0.000101)
        + (3.0 * anomaly).sin() * 0.000289;
    let node = (125.04 - 1934.136 * t).to_radians();
    let longitude = mean_longitude + (centre - 0.00569 - 0.00478 * node.sin()).to_radians();
    let mean_obliquity =
        23.0 + (26.0 + (21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))) / 60.0) / 60.0;
    let obliquity = (mean_obliquity + 0.00256 * node.cos()).to_radians();
    let declination = (obliquity.sin() * longitude.sin()).asin();
    let y = (obliquity / 2.0).tan().powi(2);
    let equation_of_time = y * (2.0 * mean_longitude).sin() - 2.0 * eccentricity * anomaly.sin()
        + 4.0 * eccentricity * y * anomaly.sin() * (2.0 * mean_longitude).cos()
        - 0.5 * y * y * (4.0 * mean_longitude).sin()
        - 1.25 * eccentricity * eccentricity * (2.0 * anomaly).sin();
    // J2000 is a noon: at Greenwich the mean sun stands in the south when a day is over.
    let hour_angle = (days.fract() * 360.0 + longitude_deg).to_radians() + equation_of_time;
    let latitude = latitude_deg.to_radians();
    let sine =
        latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos();
    sine.clamp(-1.0, 1.0).asin().to_degrees()
}

fn light_of(altitude_deg: f64) -> Light {
    match altitude_deg {
        a if a >= HORIZON_DEG => Light::Day,
        a if a >= CIVIL_DEG => Light::Twilight,
        _ => Light::Night,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_covers_the_span_without_gaps() {
        let day_ns = 86_400 * NANOS_PER_S;
        let intervals = light(36.7, -122.2, 0..30 * day_ns);
        assert_eq!(intervals[0].start_ns, 0);
        assert_eq!(intervals[intervals.len() - 1].end_ns, 30 * day_ns);
        for pair in intervals.windows(2) {
            assert_eq!(pair[0].end_ns, pair[1].start_ns);
            assert_ne!(pair[0].light, pair[1].light);
        }
        let days = intervals.iter().filter(|i| i.light == Light::Day).count();
        assert!((30..=31).contains(&days), "{days}");
    }

    #[test]
    fn short_spans_long_spans_and_nowhere() {
        assert_eq!(light(0.0, 0.0, 5..6).len(), 1);
        assert!(light(0.0, 0.0, 6..6).is_empty());
        assert!(light(0.0, 0.0, i64::MIN..i64::MAX).is_empty());
        assert!(light(91.0, 0.0, 0..10).is_empty() && light(0.0, f64::NAN, 0..10).is_empty());
        let end = light(0.0, 0.0, i64::MAX - 10..i64::MAX);
        assert_eq!(end.len(), 1);
    }
}
