//! The table of runs: a row each, with what came of it and the settings in which runs differ.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_api::Timestamp;
use spyhop_api::run::{RunSummary, differing};
use spyhop_words::pages::runs_table as words;

use super::chart::Line;
use super::state_in_words;
use super::watch::Watched;
use crate::wording;

/// What the rows are sorted by.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Name,
    State,
    Best,
    Trained,
    Took,
    Began,
}

/// The columns with the names that the page's selectors have for them, and with those that a person reads.
const COLUMNS: [(Column, &str, &str); 6] = [
    (Column::Name, "Name", words::NAME),
    (Column::State, "State", words::STATE),
    (Column::Best, "Best", words::BEST),
    (Column::Trained, "Trained", words::TRAINED),
    (Column::Took, "Took", words::TOOK),
    (Column::Began, "Began", words::BEGAN),
];

/// The table; a tick shows a run's curves.
#[component]
pub fn Table(watched: Watched, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let sort = RwSignal::new((Column::Began, true));
    let rows = Memo::new(move |_| {
        let mut runs =
            watched.list.with(|l| l.as_ref().map(|l| l.runs.clone()).unwrap_or_default());
        let (column, is_down) = sort.get();
        runs.sort_by(|a, b| compared(a, b, column, is_down));
        runs
    });
    let ids = Memo::new(move |_| rows.with(|r| r.iter().map(|r| r.id.clone()).collect::<Vec<_>>()));
    let settings = Memo::new(move |_| {
        rows.with(|rows| {
            differing(rows.iter().map(|run| &run.settings).filter(|settings| !settings.is_empty()))
        })
    });
    view! {
        <section class="recordings" aria-labelledby="runs-compared">
            <h2 id="runs-compared">{words::COMPARED}</h2>
            <div class="table" tabindex="0" role="region" aria-label=words::RUNS>
                <table id="runs-table">
                    <thead><tr>
                        <th><span class="visually-hidden">{words::CURVES}</span></th>
                        {COLUMNS.map(|(column, key, name)| view! { <Head column key name sort/> }).collect_view()}
                        {move || settings.get().into_iter().map(|key| view! {
                            <th class="setting" scope="col" title=key.clone()>
                                {key.rsplit('.').next().unwrap_or_default().to_owned()}
                            </th>
                        }).collect_view()}
                    </tr></thead>
                    <tbody>
                        <For each=move || ids.get() key=|id| id.clone() let:id>
                            <Row id watched chosen settings/>
                        </For>
                    </tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Head(
    column: Column,
    key: &'static str,
    name: &'static str,
    sort: RwSignal<(Column, bool)>,
) -> impl IntoView {
    let said = move || match sort.get() {
        (by, true) if by == column => "descending",
        (by, false) if by == column => "ascending",
        _ => "none",
    };
    let turn = move |_| {
        sort.update(|(by, is_down)| match *by == column {
            true => *is_down = !*is_down,
            // What is the best, the latest or the longest comes first.
            false => (*by, *is_down) = (column, !matches!(column, Column::Name | Column::State)),
        });
    };
    view! {
        <th scope="col" aria-sort=said data-sort=key>
            <button on:click=turn>
                {name}
                {move || match said() { "descending" => " ↓", "ascending" => " ↑", _ => "" }}
            </button>
        </th>
    }
}

#[component]
fn Row(
    id: String,
    watched: Watched,
    chosen: RwSignal<BTreeSet<String>>,
    settings: Memo<Vec<String>>,
) -> impl IntoView {
    let of = id.clone();
    let run = Memo::new(move |_| watched.run(&of));
    let told = move |tell: fn(&RunSummary) -> String| run.with(|r| r.as_ref().map(tell));
    let name = move || told(|run| run.name.clone()).unwrap_or_default();
    let is_chosen = {
        let id = id.clone();
        move || chosen.with(|c| c.contains(&id))
    };
    let line = {
        let id = id.clone();
        move || chosen.with(|c| c.iter().position(|c| *c == id)).map(Line::of)
    };
    let toggle = {
        let id = id.clone();
        move |_| {
            chosen.update(|c| {
                if !c.remove(&id) {
                    c.insert(id.clone());
                }
            });
        }
    };
    view! {
        <tr data-run=id data-run-state=move || told(|run| run.state.in_words().to_owned())>
            <td class="tick">
                <label>
                    <input type="checkbox" prop:checked=is_chosen on:change=toggle
                        aria-label=move || words::show_curves_of(name())/>
                    {move || line().map(|line| line.swatch())}
                </label>
            </td>
            <th scope="row">
                <span title=move || told(|run| run.folder.clone())>{name}</span>
                " "<span class="mark">{move || told(|run| run.experiment.clone())}</span>
                {move || run.with(|r| r.as_ref().and_then(|r| r.problem.clone())).map(|why| view! {
                    <p class="remark">{why}</p>
                })}
            </th>
            <td><span class="job-state">{move || told(|run| state_in_words(run.state).to_owned())}</span></td>
            <td class="number" data-fact="best">{move || told(best)}</td>
            <td class="number" data-fact="trained">{move || told(trained)}</td>
            <td class="number" data-fact="took">{move || told(|run| wording::duration(run.spent_s.ceil()))}</td>
            <td class="number" data-fact="began">{move || told(began)}</td>
            {move || settings.get().into_iter().map(|key| {
                let value = run.with(|r| r.as_ref().and_then(|r| r.settings.get(&key).cloned()));
                view! { <td class="setting" data-setting=key>{value.unwrap_or_else(|| "–".into())}</td> }
            }).collect_view()}
        </tr>
    }
}

/// `ap 0.9312, epoch 7 of 20`.
fn best(run: &RunSummary) -> String {
    match run.best_value() {
        Some(value) => {
            words::best_at(&run.metric, wording::trimmed(value, 4), run.best_epoch, run.epochs)
        }
        None => "–".to_owned(),
    }
}

/// `2.6 % of 1.2 million`.
fn trained(run: &RunSummary) -> String {
    let Some(share) = run.trained_share() else { return "–".to_owned() };
    let percent = wording::trimmed(100.0 * share, 1);
    match run.parameters as f64 {
        n if n < 1e3 => words::percent_of_parameters(percent, n),
        n if n < 1e6 => words::percent_of_thousands(percent, wording::trimmed(n / 1e3, 1)),
        n => words::percent_of_millions(percent, wording::trimmed(n / 1e6, 1)),
    }
}

/// `2024-03-01 12:15`.
fn began(run: &RunSummary) -> String {
    let text = Timestamp(run.began_ms.saturating_mul(1_000_000)).to_iso();
    text.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Runs without a figure come last, whichever way.
fn compared(a: &RunSummary, b: &RunSummary, column: Column, is_down: bool) -> Ordering {
    let turned = |order: Ordering| if is_down { order.reverse() } else { order };
    let order = match column {
        Column::Name => turned(a.name.cmp(&b.name)),
        Column::State => turned(state_in_words(a.state).cmp(state_in_words(b.state))),
        Column::Trained => {
            turned(a.trained_share().partial_cmp(&b.trained_share()).unwrap_or(Ordering::Equal))
        }
        Column::Took => turned(a.spent_s.total_cmp(&b.spent_s)),
        Column::Began => turned(a.began_ms.cmp(&b.began_ms)),
        Column::Best => match (goodness(a), goodness(b)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    };
    order.then_with(|| b.began_ms.cmp(&a.began_ms)).then_with(|| a.id.cmp(&b.id))
}

/// Of a loss less is better.
fn goodness(run: &RunSummary) -> Option<f64> {
    run.best_value().map(|value| if run.metric == "loss" { -value } else { value })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use spyhop_api::run::RunState;

    use super::*;

    fn run(id: &str, metric: &str, value: Option<f64>) -> RunSummary {
        RunSummary {
            id: id.into(),
            name: id.into(),
            experiment: String::new(),
            folder: String::new(),
            state: RunState::Done,
            problem: None,
            began_ms: 1_700_000_000_000,
            at_ms: 0,
            spent_s: 0.0,
            epoch: 2,
            epochs: 4,
            batch: 0,
            batches: 10,
            loss: None,
            rate: None,
            windows_per_s: None,
            left_s: None,
            trained: 26,
            parameters: 1000,
            metric: metric.into(),
            best_epoch: 2,
            best: value.map(|v| BTreeMap::from([(metric.to_owned(), v)])).unwrap_or_default(),
            settings: BTreeMap::new(),
        }
    }

    #[test]
    fn the_best_comes_first_and_a_run_without_a_figure_last() {
        let mut runs = [run("a", "ap", None), run("b", "ap", Some(0.5)), run("c", "ap", Some(0.9))];
        runs.sort_by(|a, b| compared(a, b, Column::Best, true));
        assert_eq!(runs.each_ref().map(|r| r.id.as_str()), ["c", "b", "a"]);
        runs.sort_by(|a, b| compared(a, b, Column::Best, false));
        assert_eq!(runs.each_ref().map(|r| r.id.as_str()), ["b", "c", "a"]);
        let mut losses = [run("a", "loss", Some(0.9)), run("b", "loss", Some(0.1))];
        losses.sort_by(|a, b| compared(a, b, Column::Best, true));
        assert_eq!(losses[0].id, "b");
    }

    #[test]
    fn a_row_says_in_words_what_came_of_a_run() {
        let run = run("a", "ap", Some(0.93125));
        assert_eq!(best(&run), "ap 0.9313, epoch 2 of 4");
        assert_eq!(trained(&run), "2.6 % of 1 thousand");
        assert_eq!(began(&run), "2023-11-14 22:13");
    }
}
