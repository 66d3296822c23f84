//! The candidate that is looked at: what it is, what is said of it, and why it was found.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{DetectedCall, Review, Verdict};
use spyhop_words::calls::{chosen as words, verdicts};

use super::thumbnail::begin_words;
use super::why::Why;
use crate::calls::{self, score_words, verdict_words, with_label};
use crate::commands::Action;
use crate::session::use_session;
use crate::wording;

/// The key that takes back what was said.
const TAKE_BACK_KEY: &str = "U";

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
            <button id=id title=words::button_title(words, key) aria-pressed=pressed
                disabled=disabled
                on:click=move |_| act.run(action)>{words}<kbd>{key}</kbd></button>
        }
    };
    view! {
        <fieldset id="candidate">
            <legend>{words::CANDIDATE}</legend>
            <div class="buttons">
                {button(Action::PreviousCall, "call-previous", words::PREVIOUS, ",")}
                {button(Action::NextCall, "call-next", words::NEXT, ".")}
                {button(Action::AcceptCall, "call-accept", words::ACCEPT, "E")}
                {button(Action::RejectCall, "call-reject", words::REJECT, "Q")}
            </div>
            {move || calls.chosen.get().map(|call| view! { <Told call act/> })}
            <Show when=move || calls.chosen.with(Option::is_none)>
                <p class="dim">{words::NONE_CHOSEN}</p>
            </Show>
            <label class="row"><span>{words::REVIEWER}</span>
                <input id="reviewer" type="text" placeholder=words::REVIEWER_NOBODY autocomplete="name"
                    aria-label=words::REVIEWER_FIELD
                    prop:value=move || session.prefs.author.get()
                    on:change=move |ev| session.prefs.author.set(event_target_value(&ev).trim().to_owned())/>
            </label>
            <label class="check">
                <input type="checkbox" id="goes-on" prop:checked=move || calls.goes_on.get()
                    on:change=move |ev| calls.goes_on.set(event_target_checked(&ev))/>
                {words::GOES_ON}
            </label>
        </fieldset>
    }
}

#[component]
fn Told(call: DetectedCall, act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let run = session.calls.run.get_untracked();
    let (mark, verdict) = verdict_words(call.review.verdict);
    let verdict = with_label(verdict, &call.review.label);
    let mut rows = vec![
        (words::BEGINS, begin_words(session, call.start)),
        (words::LENGTH, wording::duration(call.span_ns as f64 * 1e-9)),
        (words::BAND, wording::band((call.low_hz, call.high_hz))),
        (words::SCORE, score_words(f64::from(call.score))),
    ];
    if let Some(clicks) = call.clicks {
        let told = match call.interval_s {
            Some(s) => words::clicks_every(clicks, wording::duration(f64::from(s))),
            None => clicks.to_string(),
        };
        rows.push((words::CLICKS, told));
    }
    let said = (call.review.version > 0).then(|| said_words(&call.review));
    let is_reviewed = call.review.verdict != Verdict::Unreviewed;
    let label = call.review.label.clone();
    let names = session.prefs.label_names.get_untracked();
    let why = call.clone();
    view! {
        <p class="verdict" data-verdict=call.review.verdict.name() data-call=call.id.to_string()>
            <strong>{call.class.clone()}</strong>" "{mark}" "{verdict}
        </p>
        <dl>{rows.into_iter().map(|(k, v)| view! { <div><dt>{k}</dt><dd>{v}</dd></div> }).collect_view()}</dl>
        {said.map(|words| view! { <p class="dim">{words}</p> })}
        <div class="buttons">
            <button title=words::PLAY_TITLE on:click=move |_| act.run(Action::PlaySelection)>{words::PLAY}</button>
            <Show when=move || is_reviewed>
                <button id="call-take-back" title=words::TAKE_BACK_TITLE
                    on:click=move |_| act.run(Action::TakeBackCall)>{words::TAKE_BACK}<kbd>{TAKE_BACK_KEY}</kbd></button>
            </Show>
            <History id=call.id/>
        </div>
        <label class="row"><span>{words::IT_IS}</span>
            <input id="relabel" type="text" list="relabel-names" placeholder=words::IT_IS_ELSE
                aria-label=words::IT_IS_FIELD prop:value=label
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
                Ok(steps) if steps.is_empty() => vec![verdicts::NOTHING_SAID.to_owned()],
                Ok(steps) => steps.iter().map(said_words).collect(),
                Err(error) => vec![error.to_string()],
            };
            // Another candidate may be looked at by now.
            let _ = lines.try_set(Some(told));
        });
    };
    view! {
        <button class="history" aria-expanded=move || lines.with(Option::is_some).to_string()
            on:click=move |_| toggle()>{words::HISTORY}</button>
        {move || lines.get().map(|lines| view! {
            <ol class="history">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ol>
        })}
    }
}

/// `✗ rejected by Ada, 2026-03-29 12:15`.
fn said_words(review: &Review) -> String {
    let (mark, verdict) = match review.verdict {
        Verdict::Unreviewed => ("", verdicts::TAKEN_BACK),
        verdict => verdict_words(verdict),
    };
    let verdict = with_label(verdict, &review.label);
    let who = if review.author.is_empty() { verdicts::NO_NAME } else { &review.author };
    let at = review.at.map(|at| at.to_iso().get(..16).unwrap_or_default().replace('T', " "));
    verdicts::said(mark, verdict, who, at.unwrap_or_default())
}
