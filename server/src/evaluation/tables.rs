//! Tables of an evaluation, as CSV.

use std::fmt::Write as _;
use std::path::Path;

use spyhop_train::evaluation::{Figures, Level};

use super::hearing::{Evaluated, Outcome};
use crate::whole_file;

/// Writes `by_class.csv`, `by_recording.csv` and, where truth knows signal-to-noise ratios, `by_snr.csv`.
///
/// # Errors
/// When the disk says no.
pub fn write_tables(folder: &Path, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let done = || {
        outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Done(done) => Some(&**done),
            Outcome::Failed { .. } => None,
        })
    };
    put(folder, "by_class.csv", &by_class(done()))?;
    put(folder, "by_recording.csv", &by_recording(done()))?;
    let by_snr = by_snr(done());
    if by_snr.lines().count() > 1 {
        put(folder, "by_snr.csv", &by_snr)?;
    }
    Ok(())
}

/// Writes a text, whole or not at all.
///
/// # Errors
/// When the disk says no.
pub fn put(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    whole_file::write(&folder.join(name), Path::new(""), |mut file| {
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        Ok(std::io::Write::flush(&mut file)?)
    })
}

fn by_class<'a>(done: impl Iterator<Item = &'a Evaluated>) -> String {
    let mut text =
        "model,level,buffer_s,class,threshold,precision,recall,f1,f1_low,f1_high,fp_per_hour,\
                    fp_per_call_free_hour,true_positives,false_positives,false_negatives,ap,auc\n"
            .to_owned();
    for evaluated in done {
        let figures = &evaluated.figures;
        for (name, level) in [
            ("window", &figures.window_level),
            ("call", &figures.call_level),
            ("call", &figures.call_level_3s),
        ] {
            text += &row(&evaluated.model, name, level, "all", &level.overall);
            for (class, of) in &level.by_class {
                text += &row(&evaluated.model, name, level, class, of);
            }
        }
    }
    text
}

fn row(model: &str, name: &str, level: &Level, class: &str, of: &Figures) -> String {
    let optional = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.6}"));
    let cells = [
        quoted(model),
        name.to_owned(),
        level.buffer_s.to_string(),
        quoted(class),
        optional(of.threshold),
        format!("{:.6}", of.precision),
        format!("{:.6}", of.recall),
        format!("{:.6}", of.f1),
        optional(of.interval.f1.map(|i| i.low)),
        optional(of.interval.f1.map(|i| i.high)),
        format!("{:.6}", of.fp_per_hour),
        optional(of.fp_per_call_free_hour),
        of.true_positives.to_string(),
        of.false_positives.to_string(),
        of.false_negatives.to_string(),
        optional(of.ap),
        optional(of.auc),
    ];
    cells.join(",") + "\n"
}

fn by_recording<'a>(done: impl Iterator<Item = &'a Evaluated>) -> String {
    let mut text =
        "model,recording,hours,calls,true_positives,false_positives,false_negatives,precision,\
                    recall,f1,fp_per_hour\n"
            .to_owned();
    for evaluated in done {
        for row in &evaluated.figures.recordings {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{},{},{:.6},{},{},{},{},{:.6},{:.6},{:.6},{:.6}",
                quoted(&evaluated.model),
                quoted(&row.recording),
                row.hours,
                row.calls,
                row.true_positives,
                row.false_positives,
                row.false_negatives,
                row.precision,
                row.recall,
                row.f1,
                row.fp_per_hour
            );
        }
    }
    text
}

fn by_snr<'a>(done: impl Iterator<Item = &'a Evaluated>) -> String {
    let mut text = "model,class,from_db,to_db,calls,found,recall,f1,f1_from_here_on\n".to_owned();
    for evaluated in done {
        for (class, details) in &evaluated.figures.by_class {
            for bin in details.by_snr.iter().flatten() {
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "{},{},{},{},{},{},{:.6},{:.6},{:.6}",
                    quoted(&evaluated.model),
                    quoted(class),
                    bin.from_db,
                    bin.to_db,
                    bin.calls,
                    bin.found,
                    bin.recall,
                    bin.f1,
                    bin.from_here_on.f1
                );
            }
        }
    }
    text
}

/// A cell of a CSV file.
pub fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
