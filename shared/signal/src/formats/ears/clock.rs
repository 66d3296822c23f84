//! The clock in EARS record headers, by each of the conventions in use.
//!
//! Readers disagree about byte 6 of the header (the high end of the tick counter) and about the
//! epoch; each way is a [`EarsConvention`] that a data set can choose.

use spyhop_api::Timestamp;

use super::{LEGACY_SAMPLE_RATE_HZ, RECORD_SAMPLES, SAMPLE_RATE_HZ, STEP_TICKS};

/// Nanoseconds of a tick of 1/32000 s.
const TICK_NS: i64 = 31_250;
/// 2000-01-01T00:00Z in nanoseconds of Unix time.
const EPOCH_2000_NS: i64 = 946_684_800 * 1_000_000_000;
/// 2015-10-27T00:00Z.
const EPOCH_2015_NS: i64 = 1_445_904_000 * 1_000_000_000;
/// 1990-01-01T00:00Z.
const EPOCH_1990_NS: i64 = 631_152_000 * 1_000_000_000;
/// Byte 6 of a header when the counter's upper part is zero, as the first convention reads it.
const BYTE_6_ZERO: i64 = 14;

/// How the time in a record header is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EarsConvention {
    /// As the Python package unophysics does: seconds = ((b6 − 14)/16 · 2⁴⁰ + u40)/32000, from
    /// 2015-10-27 where the file's name begins with `7`, else from 2000-01-01.
    #[default]
    Unophysics,
    /// As MATLAB's `readEARS` does: ticks = ((b6 & 15) << 40) + u40, from 2000-01-01.
    ReadEars,
    /// The buoys of 2003: 8 ms and 40 µs counters, from 1990-01-01, 11 718.75 Hz. Recognised by
    /// itself in a file's records.
    Legacy,
}

impl EarsConvention {
    /// The word that stands for it in settings and in metadata.
    pub fn name(self) -> &'static str {
        match self {
            EarsConvention::Unophysics => "unophysics",
            EarsConvention::ReadEars => "readEARS",
            EarsConvention::Legacy => "legacy",
        }
    }

    /// The convention that a word stands for.
    pub fn from_name(name: &str) -> Option<EarsConvention> {
        [EarsConvention::Unophysics, EarsConvention::ReadEars, EarsConvention::Legacy]
            .into_iter()
            .find(|c| c.name().eq_ignore_ascii_case(name))
    }
}

/// A convention with its epoch, which depends on the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    convention: EarsConvention,
    epoch_ns: i64,
}

impl Clock {
    /// The clock of a file with this name.
    pub fn new(convention: EarsConvention, file_name: &str) -> Clock {
        let epoch_ns = match convention {
            EarsConvention::Unophysics if file_name.starts_with('7') => EPOCH_2015_NS,
            EarsConvention::Unophysics | EarsConvention::ReadEars => EPOCH_2000_NS,
            EarsConvention::Legacy => EPOCH_1990_NS,
        };
        Clock { convention, epoch_ns }
    }

    /// Which convention it is.
    pub fn convention(self) -> EarsConvention {
        self.convention
    }

    /// Samples a second of the buoys with this clock.
    pub fn sample_rate_hz(self) -> f64 {
        match self.convention {
            EarsConvention::Legacy => LEGACY_SAMPLE_RATE_HZ,
            _ => SAMPLE_RATE_HZ,
        }
    }

    /// Nanoseconds that a record lasts.
    pub fn record_nanos(self) -> f64 {
        RECORD_SAMPLES as f64 / self.sample_rate_hz() * 1e9
    }

    /// Nanoseconds since the epoch that a record header says.
    pub fn nanos(self, header: &[u8; 12]) -> i64 {
        let [.., b6, b7, b8, b9, b10, b11] = *header;
        let low = i64::from_be_bytes([0, 0, 0, b7, b8, b9, b10, b11]);
        match self.convention {
            EarsConvention::Unophysics => {
                // A sixteenth of 2⁴⁰ is a whole number of ticks.
                ((i64::from(b6) - BYTE_6_ZERO) * (1 << 36) + low).saturating_mul(TICK_NS)
            }
            EarsConvention::ReadEars => {
                ((i64::from(b6 & 0x0F) << 40) + low).saturating_mul(TICK_NS)
            }
            EarsConvention::Legacy => {
                let high = i64::from(b6 & 0x0F) << 32;
                let eights = high + i64::from(u32::from_be_bytes([b7, b8, b9, b10]));
                eights.saturating_mul(8_000_000).saturating_add(i64::from(b11) * 40_000)
            }
        }
    }

    /// The instant of a number of nanoseconds since the epoch.
    pub fn timestamp(self, nanos: i64) -> Timestamp {
        Timestamp(self.epoch_ns.saturating_add(nanos))
    }

    /// The header that says a time, the unknown bytes zero; to the tick below. Times that the
    /// convention cannot say become the nearest that it can.
    pub fn header(self, at: Timestamp) -> [u8; 12] {
        let nanos = at.0.saturating_sub(self.epoch_ns).max(0);
        let mut header = [0; 12];
        if self.convention == EarsConvention::Legacy {
            let eights = nanos / 8_000_000;
            header[6] = ((eights >> 32) & 0x0F) as u8;
            header[7..11].copy_from_slice(&(eights as u32).to_be_bytes());
            header[11] = (nanos % 8_000_000 / 40_000) as u8;
            return header;
        }
        let ticks = nanos / TICK_NS;
        let high = ticks >> 40;
        header[6] = match self.convention {
            EarsConvention::Unophysics => (BYTE_6_ZERO + 16 * high.min(15)) as u8,
            _ => 0xE0 | (high & 0x0F) as u8,
        };
        header[7..].copy_from_slice(&ticks.to_be_bytes()[3..]);
        header
    }

    /// Whether a difference of two times is that of neighbouring records.
    pub(super) fn is_a_step(self, nanos: i64) -> bool {
        match self.convention {
            // 21⅓ ms, to the 40 µs counter.
            EarsConvention::Legacy => (nanos - 21_333_333).abs() <= 40_000,
            _ => nanos % TICK_NS == 0 && STEP_TICKS.contains(&(nanos / TICK_NS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (i, b) in bytes.iter_mut().enumerate() {
            *b = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal");
        }
        bytes
    }

    const VECTORS: [(&str, &str, &str); 3] = [
        (
            "0000000000001e7e8dcde187",
            "2017-06-12T06:38:38.348218750Z",
            "2015-10-13T03:28:37.132218750Z",
        ),
        (
            "0000000000001e7ff58986b0",
            "2017-06-14T11:02:02.037500000Z",
            "2015-10-15T07:52:00.821500000Z",
        ),
        (
            "0000000000001ea43dde878a",
            "2017-08-09T19:44:43.068312500Z",
            "2015-12-10T16:34:41.852312500Z",
        ),
    ];

    #[test]
    fn the_test_vectors_of_both_conventions_are_met_to_the_tick() {
        for (hex, unophysics, read_ears) in VECTORS {
            for (convention, expected) in
                [(EarsConvention::Unophysics, unophysics), (EarsConvention::ReadEars, read_ears)]
            {
                let clock = Clock::new(convention, "71621DC7.190");
                assert_eq!(clock.timestamp(clock.nanos(&bytes(hex))).to_iso(), expected);
            }
        }
    }

    #[test]
    fn both_conventions_agree_where_byte_6_is_ee() {
        for convention in [EarsConvention::Unophysics, EarsConvention::ReadEars] {
            let clock = Clock::new(convention, "5176009D.010");
            let at = clock.timestamp(clock.nanos(&bytes("000000000000ee37f8e2c000")));
            assert_eq!(at.to_iso(), "2015-06-25T12:00:00.000000000Z");
        }
    }

    #[test]
    fn what_is_encoded_is_read_back_to_the_tick() {
        // Counters are full after some years: the first convention's from 2000 in June 2017, the
        // legacy buoys' in 2007.
        for (convention, name, at, resolution_ns) in [
            (EarsConvention::Unophysics, "71621DC7.190", "2017-06-12T06:38:38.3", TICK_NS),
            (EarsConvention::Unophysics, "5176009D.010", "2015-06-12T06:38:38.3", TICK_NS),
            (EarsConvention::ReadEars, "71621DC7.190", "2017-06-02T06:38:38.3", TICK_NS),
            (EarsConvention::Legacy, "31621DC7.190", "2003-06-12T06:38:38.3", 40_000),
        ] {
            let clock = Clock::new(convention, name);
            let at = Timestamp::from_iso(at).expect("valid");
            let read = clock.timestamp(clock.nanos(&clock.header(at)));
            assert!((0..resolution_ns).contains(&(at.0 - read.0)), "{convention:?} {name}");
        }
        let clock = Clock::new(EarsConvention::Unophysics, "71621DC7.190");
        for (hex, _, _) in VECTORS {
            assert_eq!(clock.header(clock.timestamp(clock.nanos(&bytes(hex)))), bytes(hex));
        }
    }
}
