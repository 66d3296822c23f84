//! How well it went, for a person at a terminal.

use spyhop_train::evaluation::{Figures, Interval, Level};

use super::hearing::{Evaluated, Outcome};

/// A table of all sources, and what is known beside it of a single one.
pub fn in_words(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<24} {:>7} {:>9} {:>7} {:>15} {:>6} {:>9} {:>7} {:>7}\n",
        "calls, 1.5 s",
        "recall",
        "precision",
        "f1",
        "(95 %)",
        "fp/h",
        "f1 at 3 s",
        "w. ap",
        "w. auc"
    );
    for outcome in outcomes {
        match outcome {
            Outcome::Done(done) => text += &rows(done),
            Outcome::Failed { model, error } => text += &format!("{model:<24} failed: {error}\n"),
        }
    }
    if let [Outcome::Done(done)] = outcomes {
        text += &more(done);
    }
    text.trim_end().to_owned()
}

/// What of the recordings a network has heard before, which flatters it; nothing where that is none.
pub fn seen_in_words(done: &Evaluated) -> Option<String> {
    let Evaluated { model, figures, learned_from, .. } = done;
    let Some(seen) = learned_from else {
        return Some(format!(
            "{model} doesn't say which recordings it learned from: of those its figures would flatter it"
        ));
    };
    let learned = seen.iter().filter(|one| one.part == "train").count();
    (!seen.is_empty()).then(|| {
        format!(
            "{model} has heard {} of these {} recordings before ({learned} to learn from, {} to be chosen by): its \
             figures are better than they would be of others. --unseen leaves those recordings out",
            seen.len(),
            figures.recordings.len(),
            seen.len() - learned
        )
    })
}

fn rows(done: &Evaluated) -> String {
    let figures = &done.figures;
    let line = |name: &str, call: &Figures, wide: &Figures, window: &Figures| {
        format!(
            "{name:<24} {:>7.3} {:>9.3} {:>7.3} {:>15} {:>6.1} {:>9.3} {:>7} {:>7}\n",
            call.recall,
            call.precision,
            call.f1,
            interval(call.interval.f1),
            call.fp_per_hour,
            wide.f1,
            number(window.ap),
            number(window.auc)
        )
    };
    let [call, wide, window] = [&figures.call_level, &figures.call_level_3s, &figures.window_level];
    let mut text = line(&done.model, &call.overall, &wide.overall, &window.overall);
    if call.by_class.len() > 1 {
        for (name, of_call) in &call.by_class {
            let of = |level: &Level| level.by_class.get(name).cloned();
            if let (Some(wide), Some(window)) = (of(wide), of(window)) {
                text += &line(&format!("  {name}"), of_call, &wide, &window);
            }
        }
    }
    text
}

/// What stands below the table where one source was asked about alone.
fn more(done: &Evaluated) -> String {
    let figures = &done.figures;
    let call = &figures.call_level.overall;
    let mut text = format!(
        "\n{} in {:.2} h of {} recordings, {} calls\n",
        done.title,
        figures.hours,
        figures.recordings.len(),
        call.true_positives + call.false_negatives
    );
    for class in &done.classes {
        let Some(of) = figures.call_level.by_class.get(&class.name) else { continue };
        text += &format!(
            "  {:<22} at {:.3}; the best F1 here, {}, is at {}\n",
            class.name,
            class.threshold,
            number(of.best_f1),
            number(of.best_threshold)
        );
        let details = figures.by_class.get(&class.name);
        if let Some(at) = details.and_then(|details| details.at_0_db_or_more.as_ref()) {
            text += &format!(
                "  calls of 0 dB or more  F1 {:.3}, recall {:.3}, precision {:.3} ({} calls)\n",
                at.f1, at.recall, at.precision, at.calls
            );
        }
        if let Some(bins) = details.and_then(|details| details.by_snr.as_ref()) {
            let bins = bins.iter().filter(|bin| bin.calls > 0);
            let bins = bins.map(|bin| format!("{:+.0}: {:.2}", bin.from_db, bin.recall));
            text += &format!("  recall by dB           {}\n", bins.collect::<Vec<_>>().join("  "));
        }
        let calibration = details.and_then(|details| details.calibration.as_ref());
        if let Some(calibration) = calibration {
            let error = calibration.expected_calibration_error;
            text += &format!("  calibration error      {error:.3}\n");
        }
    }
    text += &match (call.fp_per_call_free_hour, call.call_free_hours) {
        (Some(per_hour), Some(hours)) => {
            format!("  without calls          {per_hour:.1} fp/h in {hours:.2} h\n")
        }
        // Whoever looks for the figure is told why there is none.
        _ => "  without calls          not told: each recorded hour holds some\n".to_owned(),
    };
    if !done.other_labels.is_empty() {
        let labels = done.other_labels.iter().map(|(label, count)| format!("{label} {count}"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        text += &format!("  not its calls          {labels}\n");
    }
    text
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(|| "-".to_owned(), |i| format!("{:.3} to {:.3}", i.low, i.high))
}
