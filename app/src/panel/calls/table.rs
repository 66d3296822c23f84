//! The table of candidates that pass thresholds and filter, a page at a time.

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::{CallPage, CallQuery, CallSort, DetectedCall};
use spyhop_words::calls::{table as words, verdicts};

use super::thumbnail::{Thumbnail, begin_words};
use crate::calls::{self, TableFormat, score_words, shown_span, verdict_words, with_label};
use crate::session::use_session;
use crate::wording;

/// Rows of a page.
const ROWS: u64 = 25;
/// How long a threshold rests until the table is asked for, ms.
const REST_MS: u32 = 150;
/// What people say of candidates: values of a query with words.
const REVIEWS: [(&str, &str); 6] = [
    ("", words::REVIEW_ALL),
    ("unreviewed", words::NOT_REVIEWED),
    ("reviewed", words::REVIEWED),
    ("accepted", words::ACCEPTED),
    ("rejected", words::REJECTED),
    ("relabelled", words::RELABELLED),
];
const ORDERS: [(&str, CallSort, bool); 4] = [
    (words::EARLIEST_FIRST, CallSort::Start, false),
    (words::LATEST_FIRST, CallSort::Start, true),
    (words::BEST_FIRST, CallSort::Score, true),
    (words::LOWEST_FIRST, CallSort::Score, false),
];

/// The table with its filters.
#[component]
pub fn Table() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let offset = RwSignal::new(0u64);
    let page = RwSignal::new(None::<(i64, CallPage)>);
    let query = Memo::new(move |_| {
        let is_in_view = calls.filter.with(|filter| filter.in_view);
        let shown = is_in_view.then(|| {
            let frame = session.frame()?;
            session.open.with(|open| open.as_ref().map(|open| shown_span(&frame, open)))
        });
        calls.filtered(shown.flatten())
    });
    let run = Memo::new(move |_| calls.run.with(|run| run.as_ref().map(|run| run.id)));
    Effect::new(move |before: Option<(CallQuery, Option<i64>)>| {
        let now = (query.get(), run.get());
        if before.is_some_and(|before| before != now) {
            offset.set(0);
        }
        now
    });
    let turn = StoredValue::new(0u64);
    Effect::new(move |_| {
        run.track();
        calls.revision.track();
        let wanted = CallQuery { offset: offset.get(), limit: ROWS, ..query.get() };
        turn.update_value(|turn| *turn += 1);
        let asked = turn.get_value();
        spawn_local(async move {
            TimeoutFuture::new(REST_MS).await;
            // The table may have left the page by now.
            let is_current = || turn.try_get_value() == Some(asked);
            let (true, Some(of), Some(source)) = (is_current(), calls.shown_run(), calls.source())
            else {
                return;
            };
            let answer = source.page(&wanted).await;
            if let (true, Ok(found)) = (is_current(), answer) {
                page.set(Some((of, found)));
            }
        });
    });
    // Until the answer is there, none of another run's.
    let shown = Memo::new(move |_| page.get().filter(|(of, _)| run.get() == Some(*of)));
    let total = Memo::new(move |_| shown.with(|s| s.as_ref().map_or(0, |(_, page)| page.total)));
    let rows = Memo::new(move |_| {
        shown.with(|shown| {
            let calls = |(run, page): &(i64, CallPage)| {
                page.calls.iter().map(|call| (*run, call.clone())).collect::<Vec<_>>()
            };
            shown.as_ref().map(calls).unwrap_or_default()
        })
    });
    let last = move || total.get().saturating_sub(1) / ROWS * ROWS;
    let place = move || match total.get() {
        0 => words::NONE_PASSES.to_owned(),
        n => words::page(offset.get() + 1, (offset.get() + ROWS).min(n), n),
    };
    let go = move |sign: &'static str,
                   id: &'static str,
                   words: &'static str,
                   to: fn(u64, u64) -> u64| {
        let target = move || to(offset.get(), last()).min(last());
        view! {
            <button class="icon" id=id aria-label=words title=words
                disabled=move || target() == offset.get()
                on:click=move |_| offset.set(target())>{sign}</button>
        }
    };
    view! {
        <fieldset class="grows">
            <legend>{words::CANDIDATES}</legend>
            <Filters/>
            <div class="row pages">
                {go("«", "calls-first", words::FIRST_PAGE, |_, _| 0)}
                {go("‹", "calls-back", words::PREVIOUS_PAGE, |at, _| at.saturating_sub(ROWS))}
                <span id="calls-place" role="status" data-total=move || total.get().to_string()>{place}</span>
                {go("›", "calls-on", words::NEXT_PAGE, |at, _| at + ROWS)}
                {go("»", "calls-last", words::LAST_PAGE, |_, last| last)}
            </div>
            <ul id="candidates">
                <For each=move || rows.get()
                    key=|(run, call)| (*run, call.id, call.review.version, call.is_lost)
                    let((run, call))><Row run call/></For>
            </ul>
            <Exports query/>
        </fieldset>
    }
}

#[component]
fn Row(run: i64, call: DetectedCall) -> impl IntoView {
    let session = use_session();
    let id = call.id;
    let (mark, verdict) = verdict_words(call.review.verdict);
    let verdict = with_label(verdict, &call.review.label);
    let pressed = call.clone();
    let press = Callback::new(move |()| calls::choose(session, run, pressed.clone(), true));
    let is_chosen =
        Memo::new(move |_| session.calls.chosen.with(|c| c.as_ref().is_some_and(|c| c.id == id)));
    let current = move || is_chosen.get().then_some("true");
    view! {
        <li data-call=id.to_string() data-verdict=call.review.verdict.name() class:chosen=move || is_chosen.get()
            aria-current=current>
            <Thumbnail run call=call.clone() on_press=press/>
            <div>
                <button class="link" title=words::LOOK on:click=move |_| press.run(())>
                    {begin_words(session, call.start)}</button>
                <div><strong>{score_words(f64::from(call.score))}</strong>" "{call.class.clone()}</div>
                <div class="dim">{mark}" "{verdict}
                    ", "{wording::duration(call.span_ns as f64 * 1e-9)}</div>
                {call.is_lost.then(|| view! { <div class="dim">{verdicts::LOST}</div> })}
            </div>
        </li>
    }
}

#[component]
fn Filters() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let classes = calls.class_names();
    let order = move || {
        calls.filter.with(|f| {
            ORDERS
                .iter()
                .position(|(_, sort, descending)| (*sort, *descending) == (f.sort, f.descending))
        })
    };
    view! {
        <Show when=move || classes.with(|c| c.len() > 1)>
            <label class="row"><span>{words::CLASS}</span>
                <select id="calls-class" on:change=move |ev| {
                    calls.filter.update(|f| f.class = event_target_value(&ev));
                }>
                    <option value="">{words::ALL_CLASSES}</option>
                    {move || classes.get().into_iter().map(|name| {
                        let value = name.clone();
                        view! { <option value=value.clone()
                            prop:selected=move || calls.filter.with(|f| f.class == value)>{name}</option> }
                    }).collect_view()}
                </select>
            </label>
        </Show>
        <label class="row"><span>{words::REVIEW}</span>
            <select id="calls-review" on:change=move |ev| {
                calls.filter.update(|f| f.review = event_target_value(&ev));
            }>
                {REVIEWS.map(|(value, words)| view! {
                    <option value=value prop:selected=move || calls.filter.with(|f| f.review == value)>{words}</option>
                })}
            </select>
        </label>
        <label class="row"><span>{words::ORDER}</span>
            <select id="calls-order" on:change=move |ev| {
                let chosen = event_target_value(&ev).parse().ok().and_then(|i: usize| ORDERS.get(i));
                if let Some((_, sort, descending)) = chosen {
                    calls.filter.update(|f| (f.sort, f.descending) = (*sort, *descending));
                }
            }>
                {ORDERS.iter().enumerate().map(|(i, (words, ..))| view! {
                    <option value=i.to_string() prop:selected=move || order() == Some(i)>{*words}</option>
                }).collect_view()}
            </select>
        </label>
        <label class="row"><span>{words::UP_TO}</span>
            <input type="number" step="any" class="number" id="calls-most" placeholder=words::UP_TO_ANY
                prop:value=move || calls.filter.with(|f| f.most_score.map(|s| s.to_string()).unwrap_or_default())
                on:change=move |ev| {
                    calls.filter.update(|f| f.most_score = event_target_value(&ev).trim().parse().ok());
                }/>
        </label>
        <label class="check">
            <input type="checkbox" id="calls-in-view" prop:checked=move || calls.filter.with(|f| f.in_view)
                on:change=move |ev| calls.filter.update(|f| f.in_view = event_target_checked(&ev))/>
            {words::IN_VIEW}
        </label>
    }
}

#[component]
fn Exports(query: Memo<CallQuery>) -> impl IntoView {
    let session = use_session();
    let of_server =
        Memo::new(move |_| session.calls.run.with(|run| run.as_ref().is_some_and(|r| r.id > 0)));
    let button = move |format: TableFormat,
                       id: &'static str,
                       words: &'static str,
                       title: &'static str| {
        view! {
            <button id=id title=title
                on:click=move |_| calls::export(session, query.get_untracked(), format)>{words}</button>
        }
    };
    view! {
        <div class="buttons" aria-label=words::SAVE role="group">
            <span class="dim">{words::SAVE_AS}</span>
            <Show when=move || of_server.get()>
                {button(TableFormat::Parquet, "calls-parquet", words::PARQUET, words::PARQUET_TITLE)}
            </Show>
            {button(TableFormat::Csv, "calls-csv", words::CSV, words::CSV_TITLE)}
            {button(TableFormat::Raven, "calls-raven", words::RAVEN, words::RAVEN_TITLE)}
        </div>
    }
}
