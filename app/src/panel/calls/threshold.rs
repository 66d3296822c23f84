//! The threshold of a class: a slider before the histogram of its scores, with how many candidates lie
//! above it and how many of those that were reviewed are right.

use leptos::prelude::*;
use spyhop_api::detection::ScoreHistogram;

use crate::calls::score_words;
use crate::session::use_session;

/// Height of the histogram in its own units.
const HEIGHT: f64 = 40.0;
/// Quantile of the standard normal distribution for an interval of 95 %.
const Z: f64 = 1.96;

/// The threshold.
#[component]
pub fn Threshold() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let classes = Memo::new(move |_| {
        calls.run.with(|run| {
            let classes = run.as_ref().map(|run| run.classes.as_slice()).unwrap_or_default();
            classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>()
        })
    });
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
        histogram
            .with(|h| h.as_ref().map(|h| h.from_threshold(threshold.get())).unwrap_or_default())
    });
    view! {
        <fieldset id="threshold-set">
            <legend>"Threshold"</legend>
            <Show when=move || classes.with(|c| c.len() > 1)>
                <label class="row"><span>"Class"</span>
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
                <input type="range" id="threshold" aria-label="Threshold" aria-describedby="calls-count"
                    min=move || range.get().0 max=move || range.get().1 step=move || range.get().2
                    prop:value=move || { range.track(); threshold.get().to_string() }
                    aria-valuetext=move || score_words(threshold.get())
                    on:input=move |ev| set(tidy(&event_target_value(&ev), range.get_untracked().2))/>
            </div>
            <label class="row"><span>"from"</span>
                <input type="number" id="threshold-number" class="number" step="any"
                    prop:value=move || tidy(&threshold.get().to_string(), range.get().2)
                    on:change=move |ev| set(event_target_value(&ev))/>
                <span class="reading">{unit}</span>
            </label>
            <p id="calls-count" aria-live="polite"><strong>{move || above.get().0.to_string()}</strong>
                {move || if above.get().0 == 1 { " candidate above it" } else { " candidates above it" }}</p>
            <p id="precision" class="reading">{move || precision(above.get())}</p>
            <p id="recall" class="reading">"Recall is not known: that needs a table of all calls, or a \
                reviewed random sample."</p>
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
    let reviewed = right + wrong;
    if reviewed == 0 {
        return "Precision is not known: none of them is reviewed yet.".to_owned();
    }
    let (low, high) = wilson(right, reviewed);
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    format!(
        "Precision {} % ({} to {} %): {right} of {reviewed} reviewed are right. It holds for all if \
         those reviewed are like the rest.",
        percent(right as f64 / reviewed as f64),
        percent(low),
        percent(high),
    )
}

/// Wilson's interval of 95 % of a share (Wilson 1927).
fn wilson(right: u64, all: u64) -> (f64, f64) {
    let n = all as f64;
    let p = right as f64 / n;
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    ((middle - half) / scale, (middle + half) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_that_of_statsmodels() {
        // scipy.stats.binomtest(right, all).proportion_ci(method="wilson")
        for (right, all, low, high) in
            [(5, 6, 0.436497, 0.969947), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0)]
        {
            let (a, b) = wilson(right, all);
            // Its quantile has more digits.
            assert!((a - low).abs() < 1e-4 && (b - high).abs() < 1e-4, "{right}/{all}: {a} {b}");
        }
    }

    #[test]
    fn a_slider_adds_no_digits() {
        assert_eq!(tidy("0.30000000000000004", 0.01), "0.3");
        assert_eq!(tidy("-12.3456", 0.1), "-12.35");
        assert_eq!(tidy("12", 0.5), "12");
    }
}
