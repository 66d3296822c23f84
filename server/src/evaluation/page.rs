//! The report: one file of HTML with its plots inside, that opens without a net and without scripts.

use std::fmt::Write as _;

use spyhop_train::evaluation::{ClassDetails, Figures, Interval};

use super::hearing::{Evaluated, LeftOut, Outcome};
use super::plot::{Chart, Mark, Series, escaped};
use super::words::seen_in_words;
use crate::detection::SOFTWARE;

/// What every report looks like.
pub const STYLE: &str = include_str!("style.css");

/// The report of some sources over a place.
pub fn page(outcomes: &[Outcome], data: &str, left_out: &[LeftOut]) -> String {
    let done: Vec<&Evaluated> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Done(done) => Some(&**done),
            Outcome::Failed { .. } => None,
        })
        .collect();
    let mut body = format!(
        "<h1>How well calls are found</h1>\n<p class=\"about\">{} in {}</p>\n",
        done.iter().map(|d| escaped(&d.title)).collect::<Vec<_>>().join(", "),
        escaped(data)
    );
    body += &summary(outcomes);
    for class in classes(&done) {
        body += &of_class(&done, &class);
    }
    if let Some(curve) = learning_curve(&done) {
        body += &format!(
            "<h2>Learning curve</h2>\n<div class=\"plots\">{}</div>\n<p>Networks that learned from different \
             shares of the training recordings, on the same data. Where it is flat, more labels of this kind \
             bring little.</p>\n",
            figure(&curve)
        );
    }
    for evaluated in &done {
        body += &of_model(evaluated);
    }
    body += &all_left_out(&done, left_out);
    body += METHOD;
    document("How well calls are found", &body)
}

/// A whole document.
pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}<footer>{SOFTWARE}</footer>\n</main>\n\
         </body>\n</html>\n",
        escaped(title)
    )
}

/// A plot with its title.
pub fn figure(chart: &Chart) -> String {
    format!("<figure><figcaption>{}</figcaption>{}</figure>\n", escaped(&chart.title), chart.svg())
}

const METHOD: &str = "<h2>How it was counted</h2>\n<p>Call level: each candidate at its threshold or above finds \
one call at most, and each call is found by one candidate at most, the best first; a candidate may miss its call \
by 1.5 s (3 s where that is said). Window level: recordings are cut into windows end to end. A window holds the \
call whose middle lies in it; one that a call comes nearer to than 1.5 s otherwise counts neither way. \
A window's score is the highest of the pieces of it that were listened to: what scores mean is plotted for that \
one. Figures of several classes are pooled; areas under curves are their mean. Intervals are 95 %, by the bootstrap over \
recordings. Time without calls is pieces of recordings, an hour at most, that no call touches. F1 by \
signal-to-noise ratio shares false positives out by the number of calls; from a ratio on, fainter calls that \
were missed are not counted, and candidates that found a fainter one count neither way.</p>\n";

/// All classes that anybody tells, in order.
fn classes(done: &[&Evaluated]) -> Vec<String> {
    let mut names: Vec<String> =
        done.iter().flat_map(|d| d.classes.iter().map(|class| class.name.clone())).collect();
    names.sort();
    names.dedup();
    names
}

fn summary(outcomes: &[Outcome]) -> String {
    let mut text = "<div class=\"wide\"><table>\n<thead><tr><th>model</th><th>recall</th><th>precision</th>\
                    <th>F1</th><th>false positives<br>an hour</th><th>… without<br>calls</th><th>F1 at 3 s</th>\
                    <th>F1 from<br>0 dB on</th><th>windows:<br>F1</th><th>average<br>precision</th><th>area under<br>ROC</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for outcome in outcomes {
        // Writing to a String cannot fail, here and below.
        let _ = match outcome {
            Outcome::Failed { model, error } => writeln!(
                text,
                "<tr><th scope=\"row\">{}</th><td colspan=\"10\" class=\"failed\">failed: {}</td></tr>",
                escaped(model),
                escaped(error)
            ),
            Outcome::Done(done) => {
                let figures = &done.figures;
                let call = &figures.call_level.overall;
                let window = &figures.window_level.overall;
                let at_0 = match figures.by_class.values().collect::<Vec<_>>().as_slice() {
                    [only] => only.at_0_db_or_more.as_ref().map(|at| at.f1),
                    _ => None,
                };
                writeln!(
                    text,
                    "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
                     <td>{:.3}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                    escaped(&done.model),
                    with(call.recall, call.interval.recall, 3),
                    with(call.precision, call.interval.precision, 3),
                    with(call.f1, call.interval.f1, 3),
                    with(call.fp_per_hour, call.interval.fp_per_hour, 1),
                    optional(call.fp_per_call_free_hour, 1),
                    figures.call_level_3s.overall.f1,
                    optional(at_0, 3),
                    with(window.f1, window.interval.f1, 3),
                    optional_with(window.ap, window.interval.ap),
                    optional_with(window.auc, window.interval.auc),
                )
            }
        };
    }
    text + "</tbody>\n</table></div>\n" + &seen(outcomes) + &without_calls(outcomes)
}

/// What of the recordings networks have heard before.
fn seen(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let Outcome::Done(done) = outcome else { continue };
        let Some(sentence) = seen_in_words(done) else { continue };
        let mut names = String::new();
        for one in done.learned_from.iter().flatten() {
            let (of, recording) = (escaped(&one.deployment), escaped(&one.recording));
            names += &format!("<li>{of}/{recording} ({})</li>\n", one.part);
        }
        text += &format!("<p class=\"about\">{}</p>\n", escaped(&sentence));
        if !names.is_empty() {
            text += &format!(
                "<details><summary>Which they are</summary><ul>\n{names}</ul></details>\n"
            );
        }
    }
    text
}

/// What the column of false positives without calls is of.
fn without_calls(outcomes: &[Outcome]) -> String {
    let hours = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Done(done) => done.figures.call_level.overall.call_free_hours,
        Outcome::Failed { .. } => None,
    });
    match hours.reduce(f64::max) {
        None => String::new(),
        Some(hours) if hours > 0.0 => format!(
            "<p class=\"about\">“Without calls” counts false positives in {hours:.2} h: pieces of recordings, \
             an hour of the clock at most, that no call comes near to.</p>\n"
        ),
        Some(_) => "<p class=\"about\">“Without calls” can't be told: each recorded hour holds calls.</p>\n"
            .to_owned(),
    }
}

/// The plots of a class, all sources that tell it in each.
fn of_class(done: &[&Evaluated], class: &str) -> String {
    let known: Vec<(usize, &Evaluated, &ClassDetails)> = done
        .iter()
        .enumerate()
        .filter_map(|(i, d)| Some((i, *d, d.figures.by_class.get(class)?)))
        .collect();
    let series = |points: &dyn Fn(&ClassDetails) -> Vec<(f64, f64)>, mark: Mark| -> Vec<Series> {
        let one = |(colour, evaluated, details): &(usize, &Evaluated, &ClassDetails)| Series {
            name: evaluated.model.clone(),
            colour: *colour,
            points: points(details),
            mark,
            ..Series::default()
        };
        known.iter().map(one).collect()
    };
    let unit = |title: &str, x: &str, y: &str, series: Vec<Series>| Chart {
        title: title.into(),
        x_label: x.into(),
        y_label: y.into(),
        x: (0.0, 1.0),
        y: (0.0, 1.0),
        series,
        ..Chart::default()
    };
    let mut charts = vec![
        unit(
            "Calls: precision and recall",
            "recall",
            "precision",
            series(
                &|d| d.call_precision_recall.iter().map(|p| (p.recall, p.precision)).collect(),
                Mark::Line,
            ),
        ),
        unit(
            "Windows: precision and recall",
            "recall",
            "precision",
            series(
                &|d| d.precision_recall.iter().map(|p| (p.recall, p.precision)).collect(),
                Mark::Line,
            ),
        ),
        Chart {
            has_diagonal: true,
            ..unit(
                "Windows: ROC",
                "false positive rate",
                "true positive rate",
                series(
                    &|d| {
                        let at = |p: &spyhop_train::evaluation::RocPoint| {
                            (p.false_positive_rate, p.true_positive_rate)
                        };
                        d.roc.iter().map(at).collect()
                    },
                    Mark::Line,
                ),
            )
        },
    ];
    let bins = |d: &ClassDetails, of: &dyn Fn(&spyhop_train::evaluation::SnrBin) -> (f64, f64)| {
        d.by_snr.iter().flatten().filter(|bin| bin.calls > 0).map(of).collect::<Vec<_>>()
    };
    let middle = |bin: &spyhop_train::evaluation::SnrBin| (bin.from_db + bin.to_db) / 2.0;
    if known.iter().any(|(.., details)| details.by_snr.is_some()) {
        for (title, y, points) in [
            (
                "Calls found, by signal-to-noise ratio",
                "recall",
                series(&|d| bins(d, &|b| (middle(b), b.recall)), Mark::LineAndPoints),
            ),
            (
                "F1 of calls that stand at least so far over the noise",
                "F1",
                series(&|d| bins(d, &|b| (b.from_db, b.from_here_on.f1)), Mark::LineAndPoints),
            ),
        ] {
            charts.push(Chart {
                x: (-6.0, 18.0),
                ..unit(title, "in-band signal-to-noise ratio, dB", y, points)
            });
        }
    }
    if known.iter().any(|(.., details)| details.calibration.is_some()) {
        let points = |d: &ClassDetails| {
            let bins = d.calibration.iter().flat_map(|calibration| &calibration.bins);
            bins.map(|bin| (bin.mean_score, bin.share)).collect()
        };
        charts.push(Chart {
            has_diagonal: true,
            ..unit(
                "Windows: what scores mean",
                "mean score",
                "share that holds a call",
                series(&points, Mark::LineAndPoints),
            )
        });
    }
    let counts = known.first().map_or_else(String::new, |(.., details)| {
        format!(
            "<p>{} calls; {} windows hold one, {} hold none.</p>\n",
            details.calls, details.positive_windows, details.negative_windows
        )
    });
    let plots: String = charts.iter().map(figure).collect();
    format!("<h2>Calls: {}</h2>\n{counts}<div class=\"plots\">{plots}</div>\n", escaped(class))
}

/// Figures against the share of the training data; `None` where networks do not differ in it.
fn learning_curve(done: &[&Evaluated]) -> Option<Chart> {
    let mut known: Vec<(f64, &Figures)> =
        done.iter().filter_map(|d| Some((d.train_share?, &d.figures.call_level.overall))).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, last) = (known.first()?.0, known.last()?.0);
    if first == last {
        return None;
    }
    let interval = |(share, f): &(f64, &Figures)| f.interval.f1.map(|i| (*share, i.low, i.high));
    Some(Chart {
        title: "F1 of calls against what was learned from".into(),
        x_label: "share of the training recordings".into(),
        y_label: "F1".into(),
        x: (0.0, 1.0),
        y: (0.0, 1.0),
        series: vec![Series {
            name: "F1 of calls".into(),
            points: known.iter().map(|(share, figures)| (*share, figures.f1)).collect(),
            intervals: known.iter().filter_map(interval).collect(),
            mark: Mark::LineAndPoints,
            ..Series::default()
        }],
        ..Chart::default()
    })
}

fn of_model(done: &Evaluated) -> String {
    let mut text = format!(
        "<h2>Model: {}</h2>\n<p>{}; scores are {}. {:.2} h of {}.</p>\n",
        escaped(&done.model),
        escaped(&done.title),
        escaped(done.score_unit),
        done.figures.hours,
        escaped(&done.deployments.join(", "))
    );
    text += "<div class=\"wide\"><table><thead><tr><th>level</th><th>class</th><th>threshold</th><th>recall</th>\
             <th>precision</th><th>F1</th><th>false positives an hour</th><th>right</th><th>wrong</th><th>missed</th>\
             <th>best F1, at</th></tr></thead>\n<tbody>\n";
    let levels = [
        ("calls, 1.5 s", &done.figures.call_level),
        ("calls, 3 s", &done.figures.call_level_3s),
        ("windows", &done.figures.window_level),
    ];
    for (name, level) in levels {
        for (class, of) in &level.by_class {
            let best = match (of.best_f1, of.best_threshold) {
                (Some(f1), Some(at)) => format!("{f1:.3}, {at:.3}"),
                _ => "–".to_owned(),
            };
            let _ = writeln!(
                text,
                "<tr><td>{name}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
                 <td>{}</td><td>{}</td><td>{best}</td></tr>",
                escaped(class),
                optional(of.threshold, 3),
                with(of.recall, of.interval.recall, 3),
                with(of.precision, of.interval.precision, 3),
                with(of.f1, of.interval.f1, 3),
                with(of.fp_per_hour, of.interval.fp_per_hour, 1),
                of.true_positives,
                of.false_positives,
                of.false_negatives,
            );
        }
    }
    text += "</tbody></table></div>\n";
    text += &confusion(done);
    text += &recordings(done);
    if !done.other_labels.is_empty() {
        let labels = done.other_labels.iter().map(|(label, n)| format!("{} ({n})", escaped(label)));
        let labels = labels.collect::<Vec<_>>().join(", ");
        text += &format!("<p>Sounds that are none of its classes: {labels}.</p>\n");
    }
    for problem in &done.problems {
        text += &format!("<p class=\"failed\">{}</p>\n", escaped(problem));
    }
    text
}

fn confusion(done: &Evaluated) -> String {
    let confusion = &done.figures.confusion;
    let head: String =
        confusion.labels.iter().map(|label| format!("<th>{}</th>", escaped(label))).collect();
    let row = |(label, counts): (&String, &Vec<u64>)| {
        let cells: String = counts.iter().map(|count| format!("<td>{count}</td>")).collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escaped(label))
    };
    let rows: String = confusion.labels.iter().zip(&confusion.counts).map(row).collect();
    format!(
        "<h3>Windows: what they hold (rows) and what was told (columns)</h3>\n\
         <table><thead><tr><th></th>{head}</tr></thead>\n<tbody>{rows}</tbody></table>\n"
    )
}

fn recordings(done: &Evaluated) -> String {
    let row = |row: &spyhop_train::evaluation::RecordingRow| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{:.2}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{:.3}</td><td>{:.3}</td><td>{:.3}</td><td>{:.1}</td></tr>\n",
            escaped(&row.recording),
            row.hours,
            row.calls,
            row.true_positives,
            row.false_positives,
            row.false_negatives,
            row.recall,
            row.precision,
            row.f1,
            row.fp_per_hour
        )
    };
    let rows: String = done.figures.recordings.iter().map(row).collect();
    format!(
        "<details><summary>By recording ({})</summary><div class=\"wide\"><table><thead><tr><th>recording</th>\
         <th>hours</th><th>calls</th><th>found</th><th>wrong</th><th>missed</th><th>recall</th><th>precision</th>\
         <th>F1</th><th>false positives an hour</th></tr></thead>\n<tbody>{rows}</tbody></table></div></details>\n",
        done.figures.recordings.len()
    )
}

fn all_left_out(done: &[&Evaluated], left_out: &[LeftOut]) -> String {
    let item = |model: &str, one: &LeftOut| {
        let recording =
            one.recording.as_ref().map_or_else(String::new, |name| format!("/{}", escaped(name)));
        format!(
            "<li>{model}{}{recording}: {}</li>\n",
            escaped(&one.deployment),
            escaped(&one.reason)
        )
    };
    let mut items: String = left_out.iter().map(|one| item("", one)).collect();
    for evaluated in done {
        let model = format!("{}: ", escaped(&evaluated.model));
        items.extend(evaluated.left_out.iter().map(|one| item(&model, one)));
    }
    match items.is_empty() {
        true => String::new(),
        false => format!("<h2>Left out</h2>\n<ul>\n{items}</ul>\n"),
    }
}

fn with(value: f64, interval: Option<Interval>, digits: usize) -> String {
    let interval = interval.map_or_else(String::new, |i| {
        format!("<small>{:.digits$}–{:.digits$}</small>", i.low, i.high)
    });
    format!("{value:.digits$}{interval}")
}

fn optional_with(value: Option<f64>, interval: Option<Interval>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| with(value, interval, 3))
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}
