//! The table of a deployment's recordings: sorted, filtered and paged by the server.

use leptos::prelude::*;
use spyhop_api::view::{Source, View};
use spyhop_api::{
    Deployment, RecordingPage, RecordingQuery, RecordingRow, RecordingSort, Severity, Timestamp,
};
use spyhop_words::pages::recordings as words;

use super::answers::{ask_again_while, ask_for, when_rested};
use super::entry::is_plain;
use crate::mark::Mark;
use crate::pages::ServerPage;
use crate::quality::{kinds_in_words, name_of};
use crate::server::catalogue;
use crate::session::use_session;
use crate::{link, open, wording};

/// The columns, and what the largest first is called of each.
const COLUMNS: [(RecordingSort, &str); 6] = [
    (RecordingSort::Name, words::NAME),
    (RecordingSort::Start, words::START),
    (RecordingSort::Duration, words::DURATION),
    (RecordingSort::Rate, words::RATE),
    (RecordingSort::Bytes, words::SIZE),
    (RecordingSort::Quality, words::QUALITY),
];

/// What the table can be narrowed to by quality, with the words for it.
const QUALITIES: [(Option<Severity>, &str); 4] = [
    (None, words::ANY_QUALITY),
    (Some(Severity::Note), words::ANYTHING_FOUND),
    (Some(Severity::Doubt), words::DOUBTS_AND_FAULTS),
    (Some(Severity::Fault), words::FAULTS_ONLY),
];

/// The table.
#[component]
pub fn Recordings(
    id: String,
    described: Memo<Option<Deployment>>,
    shown: RecordingQuery,
) -> impl IntoView {
    let search = shown.search.clone();
    let query = RwSignal::new(shown);
    let page = id.clone();
    Effect::new(move |_| {
        link::amend_page(&ServerPage::Deployment { id: page.clone(), shown: query.get() });
    });
    let asked = ask_for(
        // While the server looks into files, what it knows of them grows.
        move || (query.get(), described.with(|d| d.as_ref().map_or(0, |d| d.unread_count))),
        move |(query, _)| {
            let id = id.clone();
            async move { catalogue::recordings(&id, &query).await }
        },
    );
    let best =
        Memo::new(move |_| described.with(|d| d.as_ref().map(open::best_view).unwrap_or_default()));
    ask_again_while(asked, |page: &RecordingPage| page.rows.iter().any(is_to_be_measured));
    let shown_rows = Memo::new(move |_| {
        asked.answer.with(|p| p.as_ref().map(|p| p.rows.clone()).unwrap_or_default())
    });
    let rows = move || {
        let best = best.get();
        shown_rows
            .get()
            .into_iter()
            .map(|row| view! { <Row row best=best.clone()/> })
            .collect_view()
    };
    let typed = when_rested(move |text| {
        query.update(|q| (q.search, q.offset) = (text, 0));
    });
    let bad = Memo::new(move |_| described.with(|d| d.as_ref().map_or(0, |d| d.bad_count)));
    let only_bad = move || query.with(|q| q.failed == Some(true));
    let is_empty = move || asked.answer.with(|p| p.as_ref().is_some_and(|p| p.total == 0));
    view! {
        <section class="recordings" id="recordings" aria-label=words::TITLE
            aria-busy=move || asked.waiting.get().to_string()
        >
            <div class="recordings-head">
                <h2>{words::TITLE}</h2>
                <input id="recordings-search" type="search" prop:value=search
                    aria-label=words::FILTER_LABEL placeholder=words::FILTER_HINT
                    on:input=move |ev| typed(event_target_value(&ev))/>
                <Show when=move || bad.get().gt(&0) || only_bad()>
                    <label class="choice">
                        <input id="only-bad" type="checkbox" prop:checked=only_bad
                            on:change=move |ev| {
                                let only = event_target_checked(&ev);
                                query.update(|q| (q.failed, q.offset) = (only.then_some(true), 0));
                            }/>
                        {move || words::only_bad(bad.get())}
                    </label>
                </Show>
                <select id="quality-filter" aria-label=words::FILTER_BY_QUALITY
                    on:change=move |ev| {
                        let least = Severity::from_name(&event_target_value(&ev));
                        query.update(|q| (q.quality, q.offset) = (least, 0));
                    }
                >
                    {QUALITIES.map(|(least, told)| view! {
                        <option value=least.map_or("", Severity::name)
                            selected=move || query.with(|q| q.quality == least)>{told}</option>
                    }).collect_view()}
                </select>
                <span class="space"></span>
                <Pager query page=asked.answer/>
            </div>
            {move || asked.failure.get().map(|why| view! { <p class="trouble" role="alert">{why}</p> })}
            <div class="table">
                <table>
                    <thead><tr>
                        {COLUMNS.map(|(sort, name)| view! { <Column sort name query/> }).collect_view()}
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <Show when=is_empty>
                <p class="dim">{words::NONE_FITS}</p>
            </Show>
        </section>
    }
}

#[component]
fn Column(
    sort: RecordingSort,
    name: &'static str,
    query: RwSignal<RecordingQuery>,
) -> impl IntoView {
    let way = Memo::new(move |_| query.with(|q| (q.sort == sort).then_some(q.descending)));
    let order = move || match way.get() {
        Some(true) => "descending",
        Some(false) => "ascending",
        None => "none",
    };
    let arrow = move || match way.get() {
        Some(true) => " ▼",
        Some(false) => " ▲",
        None => "",
    };
    view! {
        <th scope="col" aria-sort=order data-column=sort.name() class:number=is_number(sort)>
            <button on:click=move |_| query.update(|q| sort_by(q, sort))>
                {name}<span aria-hidden="true">{arrow}</span>
            </button>
        </th>
    }
}

#[component]
fn Row(row: RecordingRow, best: View) -> impl IntoView {
    let session = use_session();
    if let Some(why) = row.failure {
        return view! {
            <tr data-recording=row.name.clone() class="bad">
                <th scope="row">{row.name.clone()}</th>
                <td colspan="3" class="reason">{why}</td>
                <td class="number">{wording::bytes(row.bytes)}</td>
                <td class="quality"></td>
            </tr>
        }
        .into_any();
    }
    if row.unread {
        return view! {
            <tr data-recording=row.name.clone()>
                <th scope="row">{row.name.clone()}</th>
                <td colspan="3" class="dim">{words::NOT_READ}</td>
                <td class="number">{wording::bytes(row.bytes)}</td>
                <td class="quality"></td>
            </tr>
        }
        .into_any();
    }
    let view = alone(&best, &row.name);
    let address = format!("?{}", view.to_query());
    let remarks = remarks(&row);
    let quality = found_of(&row);
    view! {
        <tr data-recording=row.name.clone() class="opens">
            <th scope="row">
                <a href=address on:click=move |ev| if is_plain(&ev) {
                    ev.prevent_default();
                    open::view(session, view.clone());
                }>{row.name.clone()}</a>
                {remarks.into_iter().map(|r| view! { <p class="remark">{r}</p> }).collect_view()}
            </th>
            <td>{row.start.map_or(words::START_NOT_KNOWN.to_owned(), moment)}</td>
            <td class="number">{wording::duration(row.duration_s)}</td>
            <td class="number">{wording::hertz(row.sample_rate_hz)}</td>
            <td class="number">{wording::bytes(row.bytes)}</td>
            <td class="quality">{quality}</td>
        </tr>
    }
    .into_any()
}

/// Whether more of it will be known in a while.
fn is_to_be_measured(row: &RecordingRow) -> bool {
    !row.measured && row.failure.is_none() && !row.unread
}

/// What was found of it, a mark for each kind.
fn found_of(row: &RecordingRow) -> impl IntoView + use<> {
    let kinds = kinds_in_words(&row.findings);
    let fine = match (kinds.is_empty(), row.measured) {
        (false, _) => None,
        (true, true) => Some(words::NOTHING_FOUND),
        (true, false) => Some(words::NOT_MEASURED),
    };
    let marks = kinds.into_iter().map(|(kind, why)| {
        view! { <Mark words=name_of(kind) why severity=kind.severity()/> }
    });
    (marks.collect_view(), fine.map(|told| view! { <span class="dim">{told}</span> }))
}

/// Goes through the pages; nothing where there is one.
#[component]
fn Pager(query: RwSignal<RecordingQuery>, page: RwSignal<Option<RecordingPage>>) -> impl IntoView {
    let total = Memo::new(move |_| page.with(|p| p.as_ref().map_or(0, |p| p.total)));
    let offset = move || query.with(|q| q.offset);
    let limit = move || query.with(|q| q.limit.max(1));
    let last = move || total.get().saturating_sub(1) / limit() * limit();
    let to = move |offset: u64| query.update(|q| q.offset = offset);
    let at_start = move || offset() == 0;
    let at_end = move || offset() >= last();
    let button = move |name: &'static str,
                       mark: &'static str,
                       id: &'static str,
                       off: Signal<bool>,
                       target: Signal<u64>| {
        view! {
            <button id=id class="icon" aria-label=name title=name disabled=off
                on:click=move |_| to(target.get_untracked())>{mark}</button>
        }
    };
    view! {
        <div class="pager">
            <span id="recordings-count" role="status">
                {move || page.with(|p| p.as_ref().map(|p| range(offset(), p)))}
            </span>
            <Show when=move || !(at_start() && at_end())>
                {button(words::FIRST_PAGE, "«", "page-first", Signal::derive(at_start), Signal::derive(|| 0))}
                {button(words::PREVIOUS_PAGE, "‹", "page-previous", Signal::derive(at_start),
                    Signal::derive(move || offset().saturating_sub(limit())))}
                {button(words::NEXT_PAGE, "›", "page-next", Signal::derive(at_end),
                    Signal::derive(move || (offset() + limit()).min(last())))}
                {button(words::LAST_PAGE, "»", "page-last", Signal::derive(at_end), Signal::derive(last))}
            </Show>
        </div>
    }
}

/// Pressing a column sorts by it; pressing it again turns the order round.
fn sort_by(query: &mut RecordingQuery, sort: RecordingSort) {
    query.descending = query.sort == sort && !query.descending;
    query.sort = sort;
    query.offset = 0;
}

fn is_number(sort: RecordingSort) -> bool {
    matches!(sort, RecordingSort::Bytes | RecordingSort::Duration | RecordingSort::Rate)
}

/// One recording of a deployment, with all of its time and band, as that deployment is seen best.
fn alone(best: &View, name: &str) -> View {
    let Source::Deployment { id, .. } = &best.source else { return View::default() };
    View {
        source: Source::Deployment { id: id.clone(), recording: Some(name.to_owned()) },
        spectrum: best.spectrum,
        frequency_axis: best.frequency_axis,
        colour: best.colour,
        ..View::default()
    }
}

/// What is doubtful about a recording.
fn remarks(row: &RecordingRow) -> Vec<String> {
    let gaps = match row.segments.saturating_sub(1) {
        0 => None,
        n => Some(words::gaps(n as usize)),
    };
    let warnings = row.warnings.iter().map(words::warning);
    warnings.chain(gaps).collect()
}

/// `2009-03-29 12:15:00`, with as many decimals as there are.
fn moment(at: Timestamp) -> String {
    let iso = at.to_iso().replace('T', " ");
    iso.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `101–200 of 720 recordings`.
fn range(offset: u64, page: &RecordingPage) -> String {
    let all = wording::recordings(usize::try_from(page.total).unwrap_or(usize::MAX));
    let shown = page.rows.len() as u64;
    if shown == page.total || shown == 0 {
        return all;
    }
    words::part_of(offset + 1, offset + shown, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_sorts_and_pressed_again_turns_round() {
        let mut query = RecordingQuery { offset: 300, ..Default::default() };
        sort_by(&mut query, RecordingSort::Bytes);
        assert_eq!((query.sort, query.descending, query.offset), (RecordingSort::Bytes, false, 0));
        sort_by(&mut query, RecordingSort::Bytes);
        assert!(query.descending);
        sort_by(&mut query, RecordingSort::Name);
        assert!(!query.descending);
    }

    #[test]
    fn a_page_of_the_table_says_which_part_it_is() {
        let page =
            |rows: usize, total| RecordingPage { total, rows: vec![RecordingRow::default(); rows] };
        assert_eq!(range(100, &page(100, 720)), "101–200 of 720 recordings");
        assert_eq!(range(0, &page(1, 1)), "1 recording");
        assert_eq!(range(0, &page(0, 0)), "0 recordings");
    }

    #[test]
    fn a_row_opens_its_recording_with_all_of_its_time() {
        let (mut best, _) = View::from_query("v=1&t=2024-06-01T12:00:02Z&span=4&f=0-2000&fft=512");
        best.source = Source::Deployment { id: "night".into(), recording: None };
        let view = alone(&best, "b.wav");
        assert_eq!((view.start, view.span_ns, view.band_hz), (None, None, None));
        assert_eq!(view.spectrum, best.spectrum);
        let recording = Some("b.wav".to_owned());
        assert_eq!(view.source, Source::Deployment { id: "night".into(), recording });
    }

    #[test]
    fn what_is_doubtful_stands_in_the_row() {
        let warnings = vec!["The clock was never set.".to_owned()];
        let row = RecordingRow { warnings, segments: 3, ..Default::default() };
        assert_eq!(remarks(&row), ["⚠ The clock was never set.", "2 gaps in it"]);
        assert!(remarks(&RecordingRow { segments: 1, ..Default::default() }).is_empty());
    }
}
