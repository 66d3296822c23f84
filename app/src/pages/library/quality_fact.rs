//! How well a deployment was recorded, in a line among what is known of it.

use std::collections::HashMap;

use leptos::prelude::*;
use spyhop_api::{DeploymentQuality, Finding, FindingKind, QualitySummary};
use spyhop_words::pages::quality_fact as words;

use super::answers::{ask_again_while, ask_for};
use crate::mark::Mark;
use crate::quality::counts_in_words;
use crate::server::catalogue;
use crate::wording;

/// The quality of all deployments of a list, by their ids; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Qualities(Memo<HashMap<String, QualitySummary>>);

impl Qualities {
    /// Asks for them, again and again while the server measures.
    pub fn ask() -> Qualities {
        let asked = ask_for(|| (), |()| catalogue::qualities());
        ask_again_while(asked, |all: &Vec<QualitySummary>| {
            all.iter().any(|q| q.measured < q.recording_count)
        });
        Qualities(Memo::new(move |_| {
            let all = asked.answer.get().unwrap_or_default();
            all.into_iter().map(|q| (q.deployment.clone(), q)).collect()
        }))
    }
}

/// What was found of one deployment and how often, for a list that asked for all; nothing where the server
/// measures none.
#[component]
pub fn QualityOfListed(id: String, all: Qualities) -> impl IntoView {
    let known = Memo::new(move |_| all.0.with(|all| all.get(&id).cloned()));
    move || known.get().map(|summary| view! { <Told summary findings=Vec::new()/> })
}

/// The same of a deployment that is shown alone, asked for by itself.
#[component]
pub fn QualityOfOne(id: String) -> impl IntoView {
    let asked = ask_for(
        || (),
        move |()| {
            let id = id.clone();
            async move { catalogue::quality(&id, false).await }
        },
    );
    ask_again_while(asked, |q: &DeploymentQuality| q.measured < q.recording_count);
    let known = Memo::new(move |_| asked.answer.get());
    move || {
        known.get().map(|quality| {
            let summary = QualitySummary {
                deployment: String::new(),
                recording_count: quality.recording_count,
                measured: quality.measured,
                counts: quality.counts,
            };
            view! { <Told summary findings=quality.findings/> }
        })
    }
}

#[component]
fn Told(summary: QualitySummary, findings: Vec<Finding>) -> impl IntoView {
    let state = state(&summary);
    let marks = counts_in_words(&summary.counts).into_iter().map(|(kind, words)| {
        view! { <Mark words why=why(kind, &findings) severity=kind.severity()/> }
    });
    (summary.recording_count > 0).then(|| {
        view! {
            <div data-fact="quality">
                <dt>{words::QUALITY}</dt>
                <dd class="findings">
                    {marks.collect_view()}
                    {state.map(|words| view! { <span>{words}</span> })}
                </dd>
            </div>
        }
    })
}

/// What a kind means for a deployment: the sentences of what its files tell together, else where to look.
fn why(kind: FindingKind, findings: &[Finding]) -> String {
    let told: Vec<&str> =
        findings.iter().filter(|f| f.kind == kind).map(|f| f.sentence.as_str()).collect();
    match told.as_slice() {
        [] => words::TABLE_TELLS.to_owned(),
        [one] => words::sentence(one),
        [first, rest @ ..] => words::sentence_and_more(first, rest.len()),
    }
}

/// What is said besides the marks: that nothing was found, how far measuring is.
fn state(summary: &QualitySummary) -> Option<String> {
    match (summary.measured, summary.recording_count) {
        (0, _) => Some(words::NOT_MEASURED.to_owned()),
        (measured, all) if measured < all => Some(words::measured_by_now(measured, all)),
        (_, all) if summary.counts.is_empty() => {
            Some(words::nothing_found_in(wording::recordings(all)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_says_where_to_look_and_nothing_found_says_so() {
        let of = |measured| QualitySummary { recording_count: 12, measured, ..Default::default() };
        let said = [0, 3, 12].map(|measured| state(&of(measured)));
        let words =
            ["not measured yet", "3 of 12 measured by now", "nothing found in 12 recordings"];
        assert_eq!(said, words.map(|w| Some(w.to_owned())));
        let step = Finding {
            kind: FindingKind::ClockStep,
            sentence: "The clock was set".into(),
            recordings: vec![3],
        };
        assert_eq!(why(FindingKind::ClockStep, std::slice::from_ref(&step)), "The clock was set.");
        assert!(why(FindingKind::Clipping, &[step]).contains("table of recordings"));
    }
}
