//! The curves of the runs that are chosen, one picture a figure.

use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_words::pages::curves as words;

use super::chart::{Chart, Drawn, Line};
use super::watch::Watched;

/// The figures in the order in which a person looks at them; others follow by name.
const FIRST: [&str; 7] =
    ["ap/val", "f1/val", "loss/val", "loss/train", "loss/batch", "accuracy/val", "rate"];

/// The pictures.
#[component]
pub fn Curves(
    watched: Watched,
    chosen: impl Fn() -> BTreeSet<String> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let figures = Memo::new(move |_| {
        let chosen = chosen();
        let mut names: Vec<String> = watched.details.with(|details| {
            let of = chosen.iter().filter_map(|id| details.get(id));
            let names: BTreeSet<String> =
                of.flat_map(|detail| detail.curves.iter().map(|c| c.name.clone())).collect();
            names.into_iter().collect()
        });
        let place = |name: &String| FIRST.iter().position(|n| n == name).unwrap_or(FIRST.len());
        names.sort_by_key(place);
        names
    });
    view! {
        <section class="curves" aria-labelledby="runs-curves" id="curves">
            <h2 id="runs-curves">{words::TITLE}</h2>
            <ul class="legend" aria-label=words::LINES>
                {move || chosen().into_iter().enumerate().filter_map(|(place, id)| {
                    let run = watched.run(&id)?;
                    Some(view! { <li>{Line::of(place).swatch()} " " {run.name}</li> })
                }).collect_view()}
            </ul>
            <Show when=move || figures.with(Vec::is_empty)>
                <p class="dim">{words::TICK_RUNS}</p>
            </Show>
            <div class="charts">
                <For each=move || figures.get() key=|name| name.clone() let:name>
                    <Figure name watched chosen/>
                </For>
            </div>
        </section>
    }
}

#[component]
fn Figure(
    name: String,
    watched: Watched,
    chosen: impl Fn() -> BTreeSet<String> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let title = name.clone();
    let curves = Memo::new(move |_| {
        let chosen = chosen();
        watched.details.with(|details| {
            let drawn = |(place, id): (usize, &String)| {
                let detail = details.get(id)?;
                let curve = detail.curves.iter().find(|curve| curve.name == name)?;
                Some(Drawn {
                    name: detail.run.name.clone(),
                    line: Line::of(place),
                    steps: curve.steps.clone(),
                    values: curve.values.clone(),
                })
            };
            chosen.iter().enumerate().filter_map(drawn).collect::<Vec<_>>()
        })
    });
    view! { <Chart title curves/> }
}
