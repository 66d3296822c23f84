//! Clock time: nanoseconds UTC in an `i64`, as text in ISO 8601.

use serde::{Deserialize, Serialize};

/// Nanoseconds in one second.
pub const NANOS_PER_S: i64 = 1_000_000_000;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z (1677 to 2262).
///
/// In JSON it is ISO 8601 UTC with nine decimals, as `2009-03-29T12:15:00.000000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a time such as 2009-03-29T12:15:00.25Z: {reason}")]
pub struct ParseTimeError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Timestamp {
    /// The instant of a frame, `start + round(frame · 10⁹ / rate)`.
    pub fn of_frame(start: Timestamp, frame: i64, sample_rate_hz: f64) -> Timestamp {
        Timestamp(start.0.saturating_add(frames_to_nanos(frame, sample_rate_hz)))
    }

    /// ISO 8601 in UTC with nine decimals.
    pub fn to_iso(self) -> String {
        let t = jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default();
        format!("{t:.9}")
    }

    /// Reads ISO 8601; without an offset it is taken as UTC.
    ///
    /// # Errors
    /// When the text is no date and time, or lies outside 1677 to 2262.
    pub fn from_iso(text: &str) -> Result<Timestamp, ParseTimeError> {
        let fail = |reason: String| ParseTimeError { text: text.to_owned(), reason };
        let nanos = match text.parse::<jiff::Timestamp>() {
            Ok(t) => t.as_nanosecond(),
            Err(zoned) => match text.parse::<jiff::civil::DateTime>() {
                Ok(civil) => civil
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .map_err(|e| fail(e.to_string()))?
                    .timestamp()
                    .as_nanosecond(),
                Err(_) => return Err(fail(zoned.to_string())),
            },
        };
        i64::try_from(nanos)
            .map(Timestamp)
            .map_err(|_| fail("outside the years 1677 to 2262".into()))
    }
}

/// How many nanoseconds a number of frames lasts, rounded to the nearest (computed in `i128`).
///
/// Rates are floats in this field (legacy EARS: 11 718.75 Hz); they are taken to the micro-hertz.
pub fn frames_to_nanos(frames: i64, sample_rate_hz: f64) -> i64 {
    let rate_uhz = (sample_rate_hz * 1e6).round() as i128;
    if rate_uhz <= 0 {
        return 0;
    }
    let scaled = i128::from(frames) * i128::from(NANOS_PER_S) * 1_000_000;
    saturate(div_round(scaled, rate_uhz))
}

/// The frame nearest to a number of nanoseconds; the inverse of [`frames_to_nanos`] for rates up to
/// 10 MHz.
pub fn nanos_to_frames(nanos: i64, sample_rate_hz: f64) -> i64 {
    let rate_uhz = (sample_rate_hz * 1e6).round() as i128;
    saturate(div_round(i128::from(nanos) * rate_uhz, i128::from(NANOS_PER_S) * 1_000_000))
}

fn div_round(a: i128, b: i128) -> i128 {
    (a + b / 2).div_euclid(b)
}

fn saturate(v: i128) -> i64 {
    i64::try_from(v).unwrap_or(if v < 0 { i64::MIN } else { i64::MAX })
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_iso())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_iso())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Timestamp::from_iso(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Timestamp {}

/// A place on a time axis: on the clock where the recording is dated, else counted from the
/// beginning of the first recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Clock time.
    Clock(Timestamp),
    /// Nanoseconds since the first sample.
    Elapsed(i64),
}

impl Moment {
    /// Nanoseconds, since 1970 or since the first sample.
    pub fn nanos(self) -> i64 {
        match self {
            Moment::Clock(Timestamp(ns)) | Moment::Elapsed(ns) => ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_way_to_nanoseconds_and_back() {
        for rate in [1.0, 2000.0, 11_718.75, 44_100.0, 192_000.0, 10_000_000.0] {
            for frame in [0, 1, 7, 4_095_999, 5_000_000_011] {
                let nanos = frames_to_nanos(frame, rate);
                if nanos < i64::MAX {
                    assert_eq!(nanos_to_frames(nanos, rate), frame, "{frame} at {rate}");
                }
            }
        }
    }

    #[test]
    fn times_are_written_with_nine_decimals_and_read_back() {
        let t = Timestamp::from_iso("2017-06-12T06:38:38.34821875Z").expect("valid");
        assert_eq!(t.to_iso(), "2017-06-12T06:38:38.348218750Z");
        assert_eq!(Timestamp::from_iso(&t.to_iso()), Ok(t));
        assert_eq!(Timestamp::from_iso("1970-01-01T00:00:01"), Ok(Timestamp(NANOS_PER_S)));
        assert!(Timestamp::from_iso("yesterday").is_err());
    }
}
