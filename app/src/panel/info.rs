//! Everything known of what is open: the recordings, their warnings, and what was left out.

use leptos::prelude::*;
use spyhop_api::RecordingInfo;
use spyhop_words::panel::info as words;

use crate::clock::source_words;
use crate::session::{Session, use_session};
use crate::wording;

/// Recordings described in full; a longer line lists the rest by name.
const MOST_IN_FULL: usize = 30;

/// Where pictures are computed.
fn computed_on(session: Session) -> String {
    session.news.track();
    match session.engine().backend().strip_prefix("gpu: ") {
        Some(adapter) => words::on_gpu(adapter),
        None => words::ON_CPU.to_owned(),
    }
}

/// The tab.
#[component]
pub fn Info() -> impl IntoView {
    let session = use_session();
    move || {
        let open = session.open.get()?;
        let about = open.deployment.as_ref().map(|d| {
            let rows = [
                (words::ABOUT, d.description.clone()),
                (words::POSITION, d.position.clone()),
                (words::CREDIT, d.credit.clone()),
                (words::LICENCE, d.licence.clone()),
                (words::CALIBRATION, open.calibration().map_or_else(
                    || words::NO_CALIBRATION.to_owned(),
                    ToString::to_string,
                )),
            ];
            view! { <fieldset><legend>{d.name.clone()}</legend>{pairs(rows.map(|(k, v)| (k.to_owned(), v)).to_vec())}</fieldset> }
        });
        let left_out = (!open.left_out.is_empty()).then(|| {
            view! {
                <fieldset id="left-out">
                    <legend>{words::left_out(open.left_out.len())}</legend>
                    <ul>{open.left_out.iter().map(|(name, why)| view! {
                        <li><strong>{name.clone()}</strong>": "{why.clone()}</li>
                    }).collect_view()}</ul>
                </fieldset>
            }
        });
        let uncalibrated = (!open.is_calibrated()).then(|| {
            view! {
                <p class="dim">{words::UNCALIBRATED}</p>
            }
        });
        let line = {
            let recorded: u64 = open.line.runs.iter().map(|r| r.frames).sum();
            let rate = open.line.sample_rate_hz;
            let gaps = open.line.gaps(0..open.line.end()).len();
            (open.infos.len() > 1 || gaps > 0).then(|| {
                let recorded = wording::duration(recorded as f64 / rate);
                let span = wording::duration(open.line.end() as f64 / rate);
                view! {
                    <p>{match gaps {
                        0 => words::recorded(recorded, span),
                        n => words::recorded_with_gaps(n, recorded, span),
                    }}</p>
                }
            })
        };
        let not_in_link = crate::open::left_out_of_link(session)
            .map(|but| view! { <p id="not-in-link" class="dim">{but}</p> });
        // What the server describes is described there, for everybody.
        let local = open.deployment.is_none();
        let full = open.infos.iter().take(MOST_IN_FULL).map(recording).collect_view();
        let rest = open.infos.len().saturating_sub(MOST_IN_FULL);
        Some(view! {
            <div data-tab-page="info" class="tab-page" id="info">
                {about}
                {uncalibrated}
                {line}
                {left_out}
                {not_in_link}
                {local.then(|| view! { <super::reading::Reading/> })}
                {full}
                {(rest > 0).then(|| view! { <p class="dim">{words::more(rest)}</p> })}
                <p class="dim">{move || computed_on(session)}</p>
            </div>
        })
    }
}

fn recording(info: &RecordingInfo) -> impl IntoView + use<> {
    let known = |b: bool, v: String| b.then_some(v);
    let rows: Vec<(&str, Option<String>)> = vec![
        (words::FORMAT, Some(format!("{}, {}", info.format, info.codec))),
        (words::RATE, Some(format!("{} Hz", wording::trimmed(info.sample_rate_hz, 4)))),
        (words::CHANNELS, Some(info.channels.to_string())),
        (words::BITS, known(info.bits_per_sample > 0, info.bits_per_sample.to_string())),
        (words::FRAMES, Some(info.frames.to_string())),
        (words::DURATION, Some(wording::duration(info.duration_s))),
        (words::SEGMENTS, known(info.segments.len() > 1, info.segments.len().to_string())),
        (words::SIZE, Some(wording::bytes(info.bytes))),
        (words::START, Some(info.start.map_or(words::START_NOT_KNOWN.to_owned(), start_words))),
        (words::START_SOURCE, Some(source_words(info.start_source).to_owned())),
        (words::ZONE, known(!info.start_zone.is_empty(), info.start_zone.clone())),
        (
            words::START_SURE_TO,
            info.start_uncertainty_s.map(|s| format!("±{}", wording::duration(s))),
        ),
        (words::FINGERPRINT, Some(info.fingerprint.clone())),
    ];
    let rows = rows.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect();
    let own = info.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    let warnings = info.warnings.iter().map(|w| view! { <li>{w.clone()}</li> }).collect_view();
    let warned = !info.warnings.is_empty();
    view! {
        <fieldset data-recording=info.name.clone()>
            <legend>{info.name.clone()}</legend>
            <Show when=move || warned><p class="warned">{words::TO_CHECK}</p></Show>
            <ul class="warnings">{warnings}</ul>
            {pairs(rows)}
            {pairs(own)}
        </fieldset>
    }
}

/// `2009-03-29 12:15:00 UTC`, with as many decimals as there are.
fn start_words(at: spyhop_api::Timestamp) -> String {
    let iso = at.to_iso().replace('T', " ");
    let short = iso.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{short} UTC")
}

fn pairs(rows: Vec<(String, String)>) -> impl IntoView {
    let rows = rows.into_iter().filter(|(_, v)| !v.is_empty());
    view! {
        <dl>{rows.map(|(k, v)| view! { <div><dt>{k}</dt><dd>{v}</dd></div> }).collect_view()}</dl>
    }
}
