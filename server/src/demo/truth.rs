//! What was put where: tables in the form that Raven reads.

use std::fmt::Write as _;

use super::scene::Plan;

/// A box around one sound, as somebody who knows would draw it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Seconds since the deployment's origin.
    pub start_s: f64,
    /// Seconds since the deployment's origin.
    pub end_s: f64,
    /// Lower edge, Hz.
    pub low_hz: f64,
    /// Upper edge, Hz.
    pub high_hz: f64,
    /// What it is: `whistle`, `click train`, `upcall`, …
    pub label: &'static str,
    /// Who made it, in Latin, or `-`.
    pub species: &'static str,
    /// Which animal or thing among its kind.
    pub individual: String,
    /// Mean-square pressure over the middle 90 % of its energy against the sea's in its band, dB;
    /// for clicks the strongest one's peak to peak against the sea's RMS.
    pub snr_db: f64,
    /// RMS over the middle 90 % of its energy, dB re 1 µPa; for clicks the strongest one's peak to
    /// peak.
    pub received_db: f64,
    /// What it was made with: intervals, rates, frequencies.
    pub note: String,
}

const HEADER: &str = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\t\
High Freq (Hz)\tLabel\tSpecies\tIndividual\tSNR (dB)\tReceived Level (dB re 1 uPa)\tNotes\n";

/// A Raven selection table of a recording. Times are seconds into the file: what was not recorded
/// takes no time there, and what happened in it is left out.
pub fn raven_table(truths: &[Truth], plan: &Plan, rate_hz: f64) -> String {
    let mut table = HEADER.to_owned();
    let mut rows: Vec<(f64, f64, &Truth)> = truths
        .iter()
        .map(|t| (plan.offset_s(t.start_s, rate_hz), plan.offset_s(t.end_s, rate_hz), t))
        .filter(|(begin, end, _)| end > begin)
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (i, (begin, end, t)) in rows.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{}\tSpectrogram 1\t1\t{begin:.9}\t{end:.9}\t{:.1}\t{:.1}\t{}\t{}\t{}\t{:.1}\t{:.1}\t{}",
            i + 1,
            t.low_hz,
            t.high_hz,
            t.label,
            t.species,
            t.individual,
            t.snr_db,
            t.received_db,
            t.note,
        );
    }
    table
}
