//! The candidate that is looked at: what it is, what is said of it, and why it was found.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{DetectedCall, Review, Verdict};

use super::thumbnail::begin_words;
use super::why::Why;
use crate::calls::{self, score_words, verdict_words};
use crate::commands::Action;
use crate::session::use_session;
use crate::wording;

/// The candidate.
#[component]
pub fn Chosen(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let button = move |action: Action, id: &'static str, words: &'static str, key: &'static str| {
        let of = match action {
            Action::AcceptCall => Some(Verdict::Accepted),
            Action::RejectCall => Some(Verdict::Rejected),
            _ => None,
        };
        let pressed = move || {
            let is = |chosen: &Option<DetectedCall>| {
                chosen.as_ref().map(|call| call.review.verdict) == of && of.is_some()
            };
            of.map(|_| calls.chosen.with(is).to_string())
        };
        let disabled = move || of.is_some() && calls.chosen.with(Option::is_none);
        view! {
            <button id=id title=format!("{words} ({key})") aria-pressed=pressed
                disabled=disabled
                on:click=move |_| act.run(action)>{words}<kbd>{key}</kbd></button>
        }
    };
    view! {
        <fieldset id="candidate">
            <legend>"Candidate"</legend>
            <div class="buttons">
                {button(Action::PreviousCall, "call-previous", "Previous", ",")}
                {button(Action::NextCall, "call-next", "Next", ".")}
                {button(Action::AcceptCall, "call-accept", "Accept", "E")}
                {button(Action::RejectCall, "call-reject", "Reject", "Q")}
            </div>
            {move || calls.chosen.get().map(|call| view! { <Told call act/> })}
            <Show when=move || calls.chosen.with(Option::is_none)>
                <p class="dim">"Press . for the first, or a box on the picture."</p>
            </Show>
            <label class="row"><span>"Name"</span>
                <input id="reviewer" type="text" placeholder="who reviews" autocomplete="name"
                    aria-label="Your name, kept with what you say"
                    prop:value=move || session.prefs.author.get()
                    on:change=move |ev| session.prefs.author.set(event_target_value(&ev).trim().to_owned())/>
            </label>
            <label class="check">
                <input type="checkbox" id="goes-on" prop:checked=move || calls.goes_on.get()
                    on:change=move |ev| calls.goes_on.set(event_target_checked(&ev))/>
                "Go to the next after each verdict"
            </label>
        </fieldset>
    }
}

#[component]
fn Told(call: DetectedCall, act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let run = session.calls.run.get_untracked();
    let (mark, word) = verdict_words(call.review.verdict);
    let mut rows = vec![
        ("begins", begin_words(session, call.start)),
        ("length", wording::duration(call.span_ns as f64 * 1e-9)),
        ("band", wording::band((call.low_hz, call.high_hz))),
        ("score", score_words(f64::from(call.score))),
    ];
    if let Some(clicks) = call.clicks {
        let each =
            call.interval_s.map(|s| format!(", one every {}", wording::duration(f64::from(s))));
        rows.push(("clicks", format!("{clicks}{}", each.unwrap_or_default())));
    }
    let said = (call.review.version > 0).then(|| said_words(&call.review));
    let is_reviewed = call.review.verdict != Verdict::Unreviewed;
    let label = call.review.label.clone();
    let names = session.prefs.label_names.get_untracked();
    let why = call.clone();
    view! {
        <p class="verdict" data-verdict=call.review.verdict.name() data-call=call.id.to_string()>
            <strong>{call.class.clone()}</strong>" "{mark}" "{word}
            {(!label.is_empty()).then(|| format!(" as {label}"))}
        </p>
        <dl>{rows.into_iter().map(|(k, v)| view! { <div><dt>{k}</dt><dd>{v}</dd></div> }).collect_view()}</dl>
        {said.map(|words| view! { <p class="dim">{words}</p> })}
        <div class="buttons">
            <button title="Play it (Shift+Space)" on:click=move |_| act.run(Action::PlaySelection)>"Play"</button>
            <Show when=move || is_reviewed>
                <button id="call-take-back" title="Take back what was said of it (U)"
                    on:click=move |_| act.run(Action::TakeBackCall)>"Take back"<kbd>"U"</kbd></button>
            </Show>
            <History id=call.id/>
        </div>
        <label class="row"><span>"It is"</span>
            <input id="relabel" type="text" list="relabel-names" placeholder="something else, or a key 1–9"
                aria-label="What it is instead" prop:value=label
                on:change=move |ev| calls::relabel(session, &event_target_value(&ev))/>
            <datalist id="relabel-names">
                {names.into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
            </datalist>
        </label>
        {run.map(|run| view! { <Why call=why run/> })}
    }
}

/// Everything that was ever said of a candidate, once it is asked for.
#[component]
fn History(id: i64) -> impl IntoView {
    let session = use_session();
    let lines: RwSignal<Option<Vec<String>>> = RwSignal::new(None);
    let toggle = move || {
        if lines.with_untracked(Option::is_some) {
            return lines.set(None);
        }
        let Some(source) = session.calls.source() else { return };
        spawn_local(async move {
            let told = match source.history(id).await {
                Ok(steps) if steps.is_empty() => vec!["Nobody has said anything yet.".to_owned()],
                Ok(steps) => steps.iter().map(said_words).collect(),
                Err(error) => vec![error.to_string()],
            };
            // Another candidate may be looked at by now.
            let _ = lines.try_set(Some(told));
        });
    };
    view! {
        <button class="history" aria-expanded=move || lines.with(Option::is_some).to_string()
            on:click=move |_| toggle()>"History"</button>
        {move || lines.get().map(|lines| view! {
            <ol class="history">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ol>
        })}
    }
}

/// `✗ rejected by Ada, 2026-03-29 12:15`.
fn said_words(review: &Review) -> String {
    let (mark, word) = match review.verdict {
        Verdict::Unreviewed => ("", "taken back"),
        verdict => verdict_words(verdict),
    };
    let label = match review.label.as_str() {
        "" => String::new(),
        label => format!(" as {label}"),
    };
    let who = if review.author.is_empty() { "no name" } else { &review.author };
    let at = review.at.map(|at| at.to_iso().get(..16).unwrap_or_default().replace('T', " "));
    format!("{mark} {word}{label} by {who}, {} UTC", at.unwrap_or_default())
}
