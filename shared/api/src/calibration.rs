//! What a full-scale sample means: kinds of calibration, flat or by frequency.

use serde::{Deserialize, Serialize};

mod by_frequency;

pub use by_frequency::{ByFrequency, FrequencyTable, FrequencyTableError};

/// Full scale louder than this belongs to no hydrophone: a peak of 250 dB re 1 µPa is what an
/// explosive charge makes a few metres away. A value above it was entered under the wrong kind.
const LOUDEST_FULL_SCALE_DB: f64 = 250.0;
/// End-to-end values of recorders lie above this (+170 to +190 is usual), values a count below it
/// (20 to 90 at 24 and 16 bits).
const END_TO_END_FROM_DB: f64 = 130.0;
/// Below this a value a count is none: 32-bit counts, the finest there are, reach −40 dB.
const LOWEST_PER_COUNT_DB: f64 = -40.0;

/// What a full-scale sample means, by kind; a kind is never guessed. The constant C is added to dB re
/// full scale (RMS of samples in [−1, 1), so that a full-scale sine stands at −3.01 dB). One value of
/// each kind may be a table by frequency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Calibration {
    /// Hydrophone sensitivity, gain and converter: C = 20·lg(`adc_peak_v`) − S − G.
    VPerUpa {
        /// Sensitivity S, dB re 1 V/µPa (negative).
        #[cfg_attr(feature = "schema", schema(value_type = Object))]
        sensitivity_db: ByFrequency,
        /// Gain G, dB.
        gain_db: f64,
        /// Volts zero to peak at digital full scale.
        adc_peak_v: f64,
    },
    /// End to end, dB re 1 µPa for a full-scale RMS of 1 (+170 to +190): C is the value.
    UpaPerFullscale {
        /// The value.
        #[cfg_attr(feature = "schema", schema(value_type = Object))]
        db: ByFrequency,
    },
    /// Micropascal a count, dB: C = value + 20·lg(2^(`bits` − 1)).
    UpaPerCount {
        /// The value.
        #[cfg_attr(feature = "schema", schema(value_type = Object))]
        db: ByFrequency,
        /// Bits of a sample.
        bits: u32,
    },
}

/// Why a calibration can't be meant as it stands.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The sign or size of a value belongs to another kind.
    #[error(
        "{value_db} dB does not fit the calibration kind '{kind}', which is {expected}: the kind of such a value is most likely '{likely}'. Write kind = '{likely}', or correct the value"
    )]
    Kind {
        /// The value that does not fit.
        value_db: f64,
        /// The kind it was given under.
        kind: &'static str,
        /// What values of that kind are.
        expected: &'static str,
        /// The kind that the value is most likely of.
        likely: &'static str,
    },
    /// A number that can't be calculated with.
    #[error("the calibration's {name} is {value}: give {expected}")]
    Value {
        /// The key.
        name: &'static str,
        /// What stands there.
        value: f64,
        /// What would do.
        expected: &'static str,
    },
}

impl Calibration {
    /// C, where it is the same at all frequencies: the number that is added to dB re full scale to
    /// give dB re 1 µPa. `None` for a table, which is applied frequency by frequency with
    /// [`Calibration::offset_db_at`].
    pub fn offset_db(&self) -> Option<f64> {
        let (sign, constant_db) = self.form();
        self.value().flat().map(|v| sign * v + constant_db)
    }

    /// C at a frequency. A table is interpolated in dB against lg f; outside of it there is no data,
    /// `None`.
    pub fn offset_db_at(&self, hz: f64) -> Option<f64> {
        let (sign, constant_db) = self.form();
        self.value().at(hz).map(|v| sign * v + constant_db)
    }

    /// C at a frequency; outside of a table that of the nearer of its ends. By this a picture is drawn,
    /// so that what lies there is seen; a level that is told is told by
    /// [`Calibration::offset_db_at`].
    pub fn offset_db_near(&self, hz: f64) -> f64 {
        let hz =
            self.band_hz().map_or(hz, |(low, high)| if hz >= low { hz.min(high) } else { low });
        self.offset_db_at(hz).unwrap_or_default()
    }

    /// The frequencies that a table covers; `None` where the calibration is flat.
    pub fn band_hz(&self) -> Option<(f64, f64)> {
        self.value().table().map(FrequencyTable::band_hz)
    }

    /// C at each frequency of a table; `None` where the calibration is flat.
    pub fn rows_db(&self) -> Option<Vec<(f64, f64)>> {
        let (sign, constant_db) = self.form();
        let rows = self.value().table()?.rows();
        Some(rows.iter().map(|(hz, db)| (*hz, sign * db + constant_db)).collect())
    }

    /// The kind, as it is written in `deployment.toml`.
    pub fn kind(&self) -> &'static str {
        match self {
            Calibration::VPerUpa { .. } => "v_per_upa",
            Calibration::UpaPerFullscale { .. } => "upa_per_fullscale",
            Calibration::UpaPerCount { .. } => "upa_per_count",
        }
    }

    /// Checks that the values are numbers and that their sign and size fit the kind.
    ///
    /// # Errors
    /// Names the value, and for one of another kind the likely kind.
    pub fn check(&self) -> Result<(), CalibrationError> {
        match *self {
            Calibration::VPerUpa { gain_db, adc_peak_v, .. } => {
                finite("gain_db", gain_db)?;
                if !(adc_peak_v > 0.0 && adc_peak_v.is_finite()) {
                    let expected = "the volts zero to peak at full scale, more than 0";
                    return Err(CalibrationError::Value {
                        name: "adc_peak_v",
                        value: adc_peak_v,
                        expected,
                    });
                }
            }
            Calibration::UpaPerCount { bits, .. } if !(2..=32).contains(&bits) => {
                let expected = "the bits of a stored sample, 2 to 32";
                return Err(CalibrationError::Value {
                    name: "bits",
                    value: f64::from(bits),
                    expected,
                });
            }
            _ => {}
        }
        self.value().values().try_for_each(|v| self.check_value(v))
    }

    fn check_value(&self, value_db: f64) -> Result<(), CalibrationError> {
        let (name, expected) = match self {
            Calibration::VPerUpa { .. } => {
                ("sensitivity_db", "a sensitivity in dB re 1 V/µPa and negative (about −165)")
            }
            Calibration::UpaPerFullscale { .. } => {
                ("db", "dB re 1 µPa at full scale, end to end, and positive (about 175)")
            }
            Calibration::UpaPerCount { .. } => ("db", "dB re 1 µPa a count (about 70 at 16 bits)"),
        };
        finite(name, value_db)?;
        let (_, constant_db) = self.form();
        let fits = match self {
            Calibration::VPerUpa { .. } => value_db < 0.0,
            Calibration::UpaPerFullscale { .. } => value_db > 0.0,
            Calibration::UpaPerCount { .. } => {
                value_db > LOWEST_PER_COUNT_DB && value_db + constant_db < LOUDEST_FULL_SCALE_DB
            }
        };
        if fits {
            return Ok(());
        }
        let likely = match value_db {
            v if v <= 0.0 => "v_per_upa",
            v if v < END_TO_END_FROM_DB => "upa_per_count",
            _ => "upa_per_fullscale",
        };
        Err(CalibrationError::Kind { value_db, kind: self.kind(), expected, likely })
    }

    /// The value that may depend on frequency.
    fn value(&self) -> &ByFrequency {
        match self {
            Calibration::VPerUpa { sensitivity_db, .. } => sensitivity_db,
            Calibration::UpaPerFullscale { db } | Calibration::UpaPerCount { db, .. } => db,
        }
    }

    /// C = sign · value + constant.
    fn form(&self) -> (f64, f64) {
        match *self {
            Calibration::VPerUpa { gain_db, adc_peak_v, .. } => {
                (-1.0, 20.0 * adc_peak_v.log10() - gain_db)
            }
            Calibration::UpaPerFullscale { .. } => (1.0, 0.0),
            Calibration::UpaPerCount { bits, .. } => {
                (1.0, 20.0 * 2f64.log10() * (f64::from(bits) - 1.0))
            }
        }
    }
}

impl std::fmt::Display for Calibration {
    /// Where a calibrated level comes from, for a person: `end to end, 176 dB re 1 µPa at full scale`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.value();
        match self {
            Calibration::VPerUpa { gain_db, adc_peak_v, .. } => {
                write!(
                    f,
                    "sensitivity {value} dB re 1 V/µPa, gain {gain_db} dB, {adc_peak_v} V at full scale"
                )
            }
            Calibration::UpaPerFullscale { .. } => {
                write!(f, "end to end, {value} dB re 1 µPa at full scale")
            }
            Calibration::UpaPerCount { bits, .. } => {
                write!(f, "{value} dB re 1 µPa a count of {bits} bits")
            }
        }
    }
}

fn finite(name: &'static str, value: f64) -> Result<(), CalibrationError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(CalibrationError::Value { name, value, expected: "a number of decibels" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volts(sensitivity_db: f64) -> Calibration {
        Calibration::VPerUpa {
            sensitivity_db: sensitivity_db.into(),
            gain_db: 20.0,
            adc_peak_v: 1.0,
        }
    }

    fn end_to_end(db: impl Into<ByFrequency>) -> Calibration {
        Calibration::UpaPerFullscale { db: db.into() }
    }

    fn count(db: f64, bits: u32) -> Calibration {
        Calibration::UpaPerCount { db: db.into(), bits }
    }

    #[test]
    fn calibrations_give_the_levels_of_the_test_vectors() {
        // A sine of amplitude 0.1 has an RMS of 0.1/√2, −23.01 dB re full scale.
        let sine = 20.0 * (0.1 / 2f64.sqrt()).log10();
        for (c, level) in
            [(volts(-170.0), 126.99), (end_to_end(176.0), 152.99), (count(68.5, 16), 135.80)]
        {
            assert_eq!(c.check(), Ok(()));
            let offset = c.offset_db().expect("flat");
            // The vectors are given with two decimals.
            assert!((sine + offset - level).abs() < 0.005, "{c}");
            assert_eq!(c.offset_db_at(12_345.0), Some(offset));
        }
    }

    #[test]
    fn a_value_that_does_not_fit_its_kind_is_an_error_that_names_the_likely_one() {
        let cases = [
            (volts(176.0), "'upa_per_fullscale'"),
            (volts(68.5), "'upa_per_count'"),
            (end_to_end(-170.0), "'v_per_upa'"),
            (count(-170.0, 16), "'v_per_upa'"),
            (count(176.0, 16), "'upa_per_fullscale'"),
        ];
        for (calibration, likely) in cases {
            let error = calibration.check().expect_err("a wrong sign").to_string();
            assert!(error.contains(&format!("most likely {likely}")), "{error}");
        }
        let table = FrequencyTable::new(vec![(10.0, 172.0), (100.0, -172.0)]).expect("a table");
        assert!(end_to_end(table).check().is_err(), "one wrong sign in a table is one");
        // A 32-bit recorder of 172 dB end to end: −14.6 dB a count is right.
        assert_eq!(count(-14.6, 32).check(), Ok(()));
    }

    #[test]
    fn numbers_that_mean_nothing_are_refused_by_name() {
        let no_volts =
            Calibration::VPerUpa { sensitivity_db: (-170.0).into(), gain_db: 0.0, adc_peak_v: 0.0 };
        let cases =
            [(no_volts, "adc_peak_v"), (count(68.5, 0), "bits"), (end_to_end(f64::NAN), "db")];
        for (calibration, name) in cases {
            let error = calibration.check().expect_err("no number").to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_table_has_no_flat_value_and_no_data_outside_of_it() {
        let table = FrequencyTable::new(vec![(10.0, -180.0), (1000.0, -160.0)]).expect("a table");
        let c =
            Calibration::VPerUpa { sensitivity_db: table.into(), gain_db: 6.0, adc_peak_v: 1.0 };
        assert_eq!((c.offset_db(), c.band_hz()), (None, Some((10.0, 1000.0))));
        // Half way in lg f is 100 Hz: −170 dB.
        assert!((c.offset_db_at(100.0).expect("inside") - 164.0).abs() < 1e-9);
        assert_eq!((c.offset_db_at(9.9), c.offset_db_at(1001.0)), (None, None));
        assert_eq!(c.offset_db_at(0.0), None);
        // A picture goes on with the values at the ends: 180 − 6 and 160 − 6 dB.
        let near = [0.0, 9.9, 1001.0, f64::NAN].map(|hz| c.offset_db_near(hz));
        assert_eq!(near, [174.0, 174.0, 154.0, 174.0]);
        assert_eq!(volts(-170.0).offset_db_near(5.0), 150.0);
    }

    #[test]
    fn a_value_is_written_as_a_number_or_as_a_table_and_read_back() {
        let table = FrequencyTable::new(vec![(10.0, 113.2), (20.0, 72.5)]).expect("a table");
        for (c, text) in [
            (end_to_end(176.0), r#"{"kind":"upa_per_fullscale","db":176.0}"#),
            (end_to_end(table), r#"{"kind":"upa_per_fullscale","db":[[10.0,113.2],[20.0,72.5]]}"#),
        ] {
            assert_eq!(serde_json::to_string(&c).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Calibration>(text).expect("its own text"), c);
        }
        let whole = r#"{"kind":"upa_per_fullscale","db":176}"#;
        let read: Calibration = serde_json::from_str(whole).expect("a whole number");
        assert_eq!(read.offset_db(), Some(176.0));
        let wrong = r#"{"kind":"upa_per_fullscale","db":[[20,1],[10,1]]}"#;
        let error = serde_json::from_str::<Calibration>(wrong).expect_err("not ascending");
        assert!(error.to_string().contains("ascend"), "{error}");
    }

    #[test]
    fn a_calibration_says_where_a_level_comes_from() {
        assert_eq!(
            volts(-170.0).to_string(),
            "sensitivity −170 dB re 1 V/µPa, gain 20 dB, 1 V at full scale"
        );
        let table = FrequencyTable::new(vec![(10.0, 172.0), (96e3, 174.5)]).expect("a table");
        assert_eq!(
            end_to_end(table).to_string(),
            "end to end, 172 to 174.5 (table from 10 to 96000 Hz) dB re 1 µPa at full scale"
        );
    }
}
