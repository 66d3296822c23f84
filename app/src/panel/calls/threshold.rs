//! The threshold of a class: a slider before the histogram of its scores, with how many candidates lie
//! above it and how many of those that were reviewed are right.

use leptos::prelude::*;
use spyhop_api::detection::ScoreHistogram;
use spyhop_api::recall::{CallsKnown, ClassRecall, RecallReport};
use spyhop_signal::detect::recall::{Share, share_found};
use spyhop_words::calls::threshold as words;

use crate::calls::score_words;
use crate::session::use_session;

/// Height of the histogram in its own units.
const HEIGHT: f64 = 40.0;

/// The threshold.
#[component]
pub fn Threshold() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let classes = calls.class_names();
    let unit = move || calls.run.with(|run| run.as_ref().map(|run| run.score_unit.clone()));
    let histogram =
        Memo::new(move |_| calls.histograms.with(|h| h.classes.get(calls.tuned.get()).cloned()));
    let threshold = Memo::new(move |_| {
        calls.thresholds.with(|all| all.get(calls.tuned.get()).copied()).unwrap_or_default()
    });
    let set = move |text: String| {
        if let Some(value) = text.trim().parse::<f64>().ok().filter(|value| value.is_finite()) {
            calls.set_threshold(calls.tuned.get_untracked(), value);
        }
    };
    let range = Memo::new(move |_| {
        histogram.with(|h| {
            h.as_ref().map_or((0.0, 1.0, 0.01), |h| {
                (h.first, h.first + h.step * h.candidates.len() as f64, h.step)
            })
        })
    });
    let above = Memo::new(move |_| {
        let thresholds = calls.above_thresholds().thresholds;
        let exact = calls.passing.with(|(of, counts)| {
            let of_class = counts.classes.get(calls.tuned.get()).filter(|_| *of == thresholds)?;
            Some((of_class.candidates, of_class.accepted, of_class.rejected))
        });
        // To a bin, until the exact count is there: the slider waits for nobody.
        let to_a_bin = |h: &Option<ScoreHistogram>| {
            h.as_ref().map(|h| h.from_threshold(threshold.get())).unwrap_or_default()
        };
        exact.unwrap_or_else(|| histogram.with(to_a_bin))
    });
    view! {
        <fieldset id="threshold-set">
            <legend>{words::THRESHOLD}</legend>
            <Show when=move || classes.with(|c| c.len() > 1)>
                <label class="row"><span>{words::CLASS}</span>
                    <select id="tuned" on:change=move |ev| {
                        calls.tuned.set(event_target_value(&ev).parse().unwrap_or_default());
                    }>
                        {move || classes.get().into_iter().enumerate().map(|(i, name)| view! {
                            <option value=i.to_string() prop:selected=move || calls.tuned.get() == i>{name}</option>
                        }).collect_view()}
                    </select>
                </label>
            </Show>
            <div class="tuner">
                <svg class="score-histogram" preserveAspectRatio="none" aria-hidden="true"
                    viewBox=move || format!("0 0 {} {HEIGHT}", bins(&histogram.get()))>
                    {move || histogram.get().map(|h| bars(&h))}
                </svg>
                <input type="range" id="threshold" aria-label=words::THRESHOLD aria-describedby="calls-count"
                    min=move || range.get().0 max=move || range.get().1 step=move || range.get().2
                    prop:value=move || { range.track(); threshold.get().to_string() }
                    aria-valuetext=move || score_words(threshold.get())
                    on:input=move |ev| set(tidy(&event_target_value(&ev), range.get_untracked().2))/>
            </div>
            <label class="row"><span>{words::FROM}</span>
                <input type="number" id="threshold-number" class="number" step="any"
                    prop:value=move || tidy(&threshold.get().to_string(), range.get().2)
                    on:change=move |ev| set(event_target_value(&ev))/>
                <span class="reading">{unit}</span>
            </label>
            <p id="calls-count" aria-live="polite"><strong>{move || above.get().0.to_string()}</strong>
                " "{move || words::above(above.get().0 as usize)}</p>
            <p id="precision" class="reading">{move || precision(above.get())}</p>
            <p id="recall" class="reading">{move || {
                let class = classes.with(|all| all.get(calls.tuned.get()).cloned()).unwrap_or_default();
                calls.recall.with(|report| recall(report, &class, threshold.get()))
            }}</p>
        </fieldset>
    }
}

fn bins(histogram: &Option<ScoreHistogram>) -> usize {
    histogram.as_ref().map_or(1, |h| h.candidates.len().max(1))
}

/// Candidates, and over them those that are reviewed; by the square root, so that the rare best are seen.
fn bars(histogram: &ScoreHistogram) -> impl IntoView + use<> {
    let most = histogram.candidates.iter().copied().max().unwrap_or(0).max(1);
    let path = |counts: Vec<u32>| {
        counts.iter().enumerate().filter(|(_, count)| **count > 0).fold(
            String::new(),
            |path, (bin, count)| {
                let height = HEIGHT * f64::from(*count).sqrt() / f64::from(most).sqrt();
                path + &format!("M{bin} {HEIGHT}v-{height:.1}h1v{height:.1}z")
            },
        )
    };
    let both = histogram.accepted.iter().zip(&histogram.rejected);
    let reviewed: Vec<u32> = both.clone().map(|(a, r)| a + r).collect();
    view! {
        <path class="all" d=path(histogram.candidates.clone())/>
        <path class="reviewed" d=path(reviewed)/>
        <path class="right" d=path(histogram.accepted.clone())/>
    }
}

/// A value as a slider of this step gives it, without the digits that its arithmetic adds.
fn tidy(text: &str, step: f64) -> String {
    let decimals = (1.0 - step.log10().floor()).clamp(0.0, 9.0) as usize;
    text.parse::<f64>().map_or_else(
        |_| text.to_owned(),
        |value| crate::wording::trimmed(value, decimals).replace('−', "-"),
    )
}

/// What share of the candidates above the threshold are right, by those that are reviewed.
fn precision((_, right, wrong): (u64, u64, u64)) -> String {
    // Each is a group of its own: they are taken as independent.
    let of = |count: u64, found: &[f32]| {
        (0..count).map(|_| CallsKnown { calls: 1, found: found.to_vec() }).collect::<Vec<_>>()
    };
    let reviewed = [of(right, &[0.0]), of(wrong, &[])].concat();
    match share_found(&reviewed, 0.0) {
        None => words::NO_PRECISION.to_owned(),
        Some(share) => words::precision(share_words(&share), right, share.calls),
    }
}

/// What share of the calls of a class are found, where something tells of those that were missed.
fn recall(report: &RecallReport, name: &str, threshold: f64) -> String {
    let of_class = |classes: &[ClassRecall]| {
        classes.iter().find(|c| c.class == name).and_then(|c| share_found(&c.groups, threshold))
    };
    let truth = report.truth.as_ref().and_then(|truth| {
        let share = of_class(&truth.classes)?;
        Some(words::recall_of_tables(share_words(&share), share.calls))
    });
    let sample = report.sample.as_ref().and_then(|sample| {
        let share = of_class(&sample.classes)?;
        let windows = sample.reviewed as usize;
        Some(words::recall_of_windows(windows, share_words(&share), share.calls))
    });
    let known: Vec<String> = truth.into_iter().chain(sample).collect();
    match known.is_empty() {
        true => words::NO_RECALL.to_owned(),
        false => known.join(" "),
    }
}

/// `83 % (44 to 97 %)`.
fn share_words(share: &Share) -> String {
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    words::share(percent(share.share), percent(share.low), percent(share.high))
}

#[cfg(test)]
mod tests {
    use spyhop_api::recall::TruthRecall;

    use super::*;

    #[test]
    fn no_figure_is_given_where_nothing_is_known() {
        assert!(precision((9, 0, 0)).contains("not known"));
        // scipy.stats.binomtest(5, 6).proportion_ci(method="wilson") is 44 to 97 %; that six say no more
        // than six widens it.
        let told = precision((9, 5, 1));
        assert!(told.starts_with("Precision 83 % (") && told.contains("5 of 6"), "{told}");
        assert!(recall(&RecallReport::default(), "upcall", 0.5).contains("not known"));
        let groups = vec![CallsKnown { calls: 4, found: vec![0.9, 0.6, 0.4] }];
        let classes = vec![ClassRecall { class: "upcall".into(), groups }];
        let truth = TruthRecall { classes, ..TruthRecall::default() };
        let report = RecallReport { truth: Some(truth), sample: None };
        let told = recall(&report, "upcall", 0.5);
        assert!(told.starts_with("Recall 50 % (0 to 100 %) of 4 calls"), "{told}");
        assert!(recall(&report, "song", 0.5).contains("not known"));
    }

    #[test]
    fn a_slider_adds_no_digits() {
        assert_eq!(tidy("0.30000000000000004", 0.01), "0.3");
        assert_eq!(tidy("-12.3456", 0.1), "-12.35");
        assert_eq!(tidy("12", 0.5), "12");
    }
}
