//! A value in dB that is one number, or a table by frequency.

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value in dB: the same at all frequencies, or by frequency. In JSON and TOML it is a number or a
/// list of `[hertz, dB]`.
#[derive(Clone, Debug, PartialEq)]
pub enum ByFrequency {
    /// The same everywhere.
    Flat(f64),
    /// By frequency.
    Table(FrequencyTable),
}

/// Values in dB by ascending frequency; between them they are interpolated in dB against lg f, outside
/// of them there is no data.
#[derive(Clone, Debug, PartialEq)]
pub struct FrequencyTable {
    rows: Vec<(f64, f64)>,
}

/// Why rows are no table by frequency.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FrequencyTableError {
    /// Nothing to interpolate between.
    #[error("a table by frequency needs at least two rows of hertz and dB; it has {0}")]
    TooShort(usize),
    /// A frequency that has no logarithm, or a level that is no number.
    #[error(
        "row {row} of the table ({hz} Hz, {db} dB): give a frequency above 0 and a level in dB"
    )]
    Value {
        /// Which row, from 1.
        row: usize,
        /// Its frequency.
        hz: f64,
        /// Its level.
        db: f64,
    },
    /// Two rows out of order.
    #[error(
        "row {row} of the table has {hz} Hz after {before_hz} Hz: frequencies must ascend, each given once"
    )]
    Order {
        /// Which row, from 1.
        row: usize,
        /// Its frequency.
        hz: f64,
        /// The frequency of the row before.
        before_hz: f64,
    },
}

impl FrequencyTable {
    /// A table of rows `(hertz, dB)`.
    ///
    /// # Errors
    /// When there are fewer than two rows, a frequency is not positive or a value not finite, or the
    /// frequencies do not ascend.
    pub fn new(rows: Vec<(f64, f64)>) -> Result<FrequencyTable, FrequencyTableError> {
        if rows.len() < 2 {
            return Err(FrequencyTableError::TooShort(rows.len()));
        }
        let mut before_hz = 0.0;
        for (i, &(hz, db)) in rows.iter().enumerate() {
            let row = i + 1;
            if !(hz > 0.0 && hz.is_finite() && db.is_finite()) {
                return Err(FrequencyTableError::Value { row, hz, db });
            }
            if hz <= before_hz {
                return Err(FrequencyTableError::Order { row, hz, before_hz });
            }
            before_hz = hz;
        }
        Ok(FrequencyTable { rows })
    }

    /// Its rows, `(hertz, dB)`.
    pub fn rows(&self) -> &[(f64, f64)] {
        &self.rows
    }

    /// The first and the last frequency in hertz.
    pub fn band_hz(&self) -> (f64, f64) {
        let hz = |row: Option<&(f64, f64)>| row.map_or(0.0, |r| r.0);
        (hz(self.rows.first()), hz(self.rows.last()))
    }

    /// The value at a frequency, interpolated in dB against lg f; `None` outside of the table.
    pub fn at(&self, hz: f64) -> Option<f64> {
        let above = self.rows.partition_point(|r| r.0 < hz);
        let &(high_hz, high_db) = self.rows.get(above)?;
        if high_hz == hz {
            return Some(high_db);
        }
        let &(low_hz, low_db) = self.rows.get(above.checked_sub(1)?)?;
        let share = (hz / low_hz).log10() / (high_hz / low_hz).log10();
        Some(low_db + share * (high_db - low_db))
    }
}

impl ByFrequency {
    /// The value, where it is the same at all frequencies.
    pub fn flat(&self) -> Option<f64> {
        match self {
            ByFrequency::Flat(db) => Some(*db),
            ByFrequency::Table(_) => None,
        }
    }

    /// The table, where it is one.
    pub fn table(&self) -> Option<&FrequencyTable> {
        match self {
            ByFrequency::Flat(_) => None,
            ByFrequency::Table(table) => Some(table),
        }
    }

    /// The value at a frequency; `None` outside of a table.
    pub fn at(&self, hz: f64) -> Option<f64> {
        match self {
            ByFrequency::Flat(db) => Some(*db),
            ByFrequency::Table(table) => table.at(hz),
        }
    }

    /// All values that stand in it.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let rows = self.table().map_or(&[][..], FrequencyTable::rows);
        self.flat().into_iter().chain(rows.iter().map(|r| r.1))
    }
}

impl From<f64> for ByFrequency {
    fn from(db: f64) -> ByFrequency {
        ByFrequency::Flat(db)
    }
}

impl From<FrequencyTable> for ByFrequency {
    fn from(table: FrequencyTable) -> ByFrequency {
        ByFrequency::Table(table)
    }
}

impl std::fmt::Display for ByFrequency {
    /// `−170`, or `172 to 174.5 (table from 10 to 96000 Hz)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |v: f64| v.to_string().replace('-', "−");
        match self {
            ByFrequency::Flat(db) => f.write_str(&number(*db)),
            ByFrequency::Table(table) => {
                let (low_hz, high_hz) = table.band_hz();
                let lowest = self.values().fold(f64::INFINITY, f64::min);
                let highest = self.values().fold(f64::NEG_INFINITY, f64::max);
                let (lowest, highest) = (number(lowest), number(highest));
                write!(f, "{lowest} to {highest} (table from {low_hz} to {high_hz} Hz)")
            }
        }
    }
}

impl Serialize for ByFrequency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            ByFrequency::Flat(db) => to.serialize_f64(*db),
            ByFrequency::Table(table) => table.rows.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for ByFrequency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<ByFrequency, D::Error> {
        from.deserialize_any(NumberOrTable)
    }
}

/// Reads a number or a list of pairs.
struct NumberOrTable;

impl<'de> Visitor<'de> for NumberOrTable {
    type Value = ByFrequency;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of dB, or a list of [hertz, dB]")
    }

    fn visit_f64<E: de::Error>(self, db: f64) -> Result<ByFrequency, E> {
        Ok(ByFrequency::Flat(db))
    }

    fn visit_i64<E: de::Error>(self, db: i64) -> Result<ByFrequency, E> {
        Ok(ByFrequency::Flat(db as f64))
    }

    fn visit_u64<E: de::Error>(self, db: u64) -> Result<ByFrequency, E> {
        Ok(ByFrequency::Flat(db as f64))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ByFrequency, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element()? {
            rows.push(row);
        }
        FrequencyTable::new(rows).map(ByFrequency::Table).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_out_of_order_or_without_a_logarithm_are_no_table() {
        let error = |rows: &[(f64, f64)]| {
            FrequencyTable::new(rows.to_vec()).expect_err("no table").to_string()
        };
        assert!(error(&[(1.0, 2.0)]).contains("at least two rows"));
        assert!(error(&[(0.0, 2.0), (1.0, 2.0)]).contains("row 1"));
        assert!(error(&[(1.0, 2.0), (2.0, f64::NAN)]).contains("row 2"));
        assert!(error(&[(1.0, 2.0), (1.0, 2.0)]).contains("1 Hz after 1 Hz"));
    }

    #[test]
    fn between_rows_decibels_run_straight_over_the_logarithm_of_frequency() {
        let table = FrequencyTable::new(vec![(1.0, 0.0), (10.0, 20.0), (1000.0, 0.0)]);
        let table = table.expect("a table");
        for (hz, db) in [(1.0, 0.0), (2.0, 20.0 * 2f64.log10()), (10.0, 20.0), (100.0, 10.0)] {
            assert!((table.at(hz).expect("inside") - db).abs() < 1e-12, "{hz}");
        }
        assert_eq!((table.at(0.999), table.at(1000.1), table.at(f64::NAN)), (None, None, None));
    }
}
