//! Curves of several runs in one picture: each with a colour and a dash of its own, read by the pointer or by
//! the arrow keys.

use std::collections::BTreeSet;

use leptos::prelude::*;
use spyhop_words::pages::chart as words;
use web_sys::wasm_bindgen::JsCast;

use crate::wording;

/// The picture, in its own units, and what its axes take of it.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
/// An axis has about so many ticks.
const TICKS: f64 = 4.0;
/// Colours and dashes: neighbours differ in both, so that no colour is told apart by itself alone.
const HUES: [u32; 6] = [200, 30, 150, 330, 270, 90];
const DASHES: [&str; 4] = ["", "6 3", "2 3", "9 3 2 3"];

/// How a run's curves are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line(usize);

/// A curve to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Whose it is.
    pub name: String,
    /// How.
    pub line: Line,
    /// Steps of the optimiser.
    pub steps: Vec<u64>,
    /// A value each; where there is none the curve is interrupted.
    pub values: Vec<Option<f64>>,
}

impl Line {
    /// That of the run at a place of the choice.
    pub fn of(place: usize) -> Line {
        Line(place)
    }

    fn style(self) -> String {
        let Line(place) = self;
        format!(
            "--hue: {}; stroke-dasharray: {}",
            HUES[place % HUES.len()],
            match DASHES[place % DASHES.len()] {
                "" => "none",
                dash => dash,
            }
        )
    }

    /// A piece of it, beside a name.
    pub fn swatch(self) -> impl IntoView + use<> {
        view! {
            <svg class="swatch" viewBox="0 0 34 8" aria-hidden="true">
                <path class="curve" style=self.style() d="M1 4H33"/>
            </svg>
        }
    }
}

/// The picture of one figure by step.
#[component]
pub fn Chart(title: String, curves: Memo<Vec<Drawn>>) -> impl IntoView {
    let cursor = RwSignal::new(None::<u64>);
    let told = move || curves.with(|curves| in_words(curves, cursor.get()));
    let point = move |ev: web_sys::PointerEvent| {
        let Some(plot) = curves.with_untracked(|curves| Plot::of(curves)) else { return };
        let Some(picture) = ev.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok())
        else {
            return;
        };
        let edges = picture.get_bounding_client_rect();
        let x = (f64::from(ev.client_x()) - edges.left()) / edges.width().max(1.0) * WIDTH;
        cursor.set(curves.with_untracked(|curves| nearest(curves, plot.step_at(x))));
    };
    let walk = move |ev: web_sys::KeyboardEvent| {
        let onward = match ev.key().as_str() {
            "ArrowRight" => true,
            "ArrowLeft" => false,
            "Escape" => return cursor.set(None),
            _ => return,
        };
        ev.prevent_default();
        ev.stop_propagation();
        cursor.update(|at| *at = curves.with_untracked(|curves| beside(curves, *at, onward)));
    };
    let label = words::by_step(&title);
    let figure = title.clone();
    view! {
        <figure class="chart" data-figure=figure>
            <figcaption>{title}</figcaption>
            <svg role="img" tabindex="0" aria-label=label viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                on:pointermove=point on:pointerleave=move |_| cursor.set(None) on:keydown=walk>
                {move || curves.with(|curves| Plot::of(curves)).map(|plot| view! {
                    {plot.value_ticks().into_iter().map(|(y, told)| view! {
                        <line class="grid" x1=LEFT x2=WIDTH - RIGHT y1=y y2=y/>
                        <text x=LEFT - 6.0 y=y + 4.0 text-anchor="end">{told}</text>
                    }).collect_view()}
                    {plot.step_ticks().into_iter().map(|(x, told)| view! {
                        <line class="grid" x1=x x2=x y1=HEIGHT - BOTTOM y2=HEIGHT - BOTTOM + 4.0/>
                        <text x=x y=HEIGHT - 6.0 text-anchor="middle">{told}</text>
                    }).collect_view()}
                    {curves.get().iter().map(|curve| view! {
                        <path class="curve" style=curve.line.style() d=plot.path(curve)/>
                    }).collect_view()}
                    {cursor.get().map(|step| {
                        let x = plot.x(step as f64);
                        view! { <line class="cursor" x1=x x2=x y1=TOP y2=HEIGHT - BOTTOM/> }
                    })}
                })}
            </svg>
            <p class="dim readout" aria-live="polite">{told}</p>
        </figure>
    }
}

/// Where values stand in the picture.
#[derive(Clone, Debug, PartialEq)]
struct Plot {
    /// First and last step.
    steps: (f64, f64),
    /// Least and greatest value.
    values: (f64, f64),
}

impl Plot {
    /// For all points of all curves; `None` where there are none.
    fn of(curves: &[Drawn]) -> Option<Plot> {
        let steps = curves.iter().flat_map(|c| c.steps.iter().map(|s| *s as f64));
        let values = curves.iter().flat_map(|c| c.values.iter().flatten().copied());
        let range = |numbers: &mut dyn Iterator<Item = f64>| {
            numbers.fold(None, |range: Option<(f64, f64)>, x| {
                Some(range.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
            })
        };
        let steps = range(&mut { steps })?;
        let (low, high) = range(&mut { values })?;
        // A flat curve lies in the middle.
        let room = if high > low { 0.04 * (high - low) } else { high.abs().max(1e-9) * 0.1 };
        let last = if steps.1 > 0.0 { steps.1 } else { 1.0 };
        Some(Plot { steps: (0.0, last), values: (low - room, high + room) })
    }

    fn x(&self, step: f64) -> f64 {
        let (first, last) = self.steps;
        LEFT + (step - first) / (last - first) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)
    }

    fn step_at(&self, x: f64) -> f64 {
        let (first, last) = self.steps;
        first + (x - LEFT) / (WIDTH - LEFT - RIGHT) * (last - first)
    }

    fn value_ticks(&self) -> Vec<(f64, String)> {
        let (low, high) = self.values;
        ticks(low, high).into_iter().map(|(value, words)| (self.y(value), words)).collect()
    }

    fn step_ticks(&self) -> Vec<(f64, String)> {
        let (first, last) = self.steps;
        let whole = |(step, _): &(f64, String)| step.fract() == 0.0;
        let ticks = ticks(first, last).into_iter().filter(whole);
        ticks.map(|(step, words)| (self.x(step), words)).collect()
    }

    /// A path through a curve's points; one point alone is a dot.
    fn path(&self, curve: &Drawn) -> String {
        let mut path = String::new();
        let mut is_on = false;
        let count = curve.values.iter().flatten().count();
        for (step, value) in curve.steps.iter().zip(&curve.values) {
            let Some(value) = value else {
                is_on = false;
                continue;
            };
            let letter = if is_on { 'L' } else { 'M' };
            path += &format!("{letter}{:.1} {:.1}", self.x(*step as f64), self.y(*value));
            is_on = true;
        }
        if count == 1 { path + "h0.1" } else { path }
    }
}

/// Round numbers within a range, with their words.
fn ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let rough = (high - low) / TICKS;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10f64.powf(rough.log10().floor());
    let apart = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough);
    let apart = apart.unwrap_or(rough);
    let first = (low / apart).ceil() as i64;
    let last = (high / apart).floor() as i64;
    let word = |value: f64| number(value, apart);
    (first..=last).map(|i| i as f64 * apart).map(|value| (value, word(value))).collect()
}

/// A number with as many digits as tell it from its neighbours.
fn number(value: f64, apart: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if apart < 1e-4 {
        return format!("{value:.1e}");
    }
    let decimals = (-apart.log10().floor()).clamp(0.0, 6.0) as usize;
    wording::trimmed(value, decimals)
}

/// The step with a point that is nearest.
fn nearest(curves: &[Drawn], step: f64) -> Option<u64> {
    let steps = curves.iter().flat_map(|c| c.steps.iter().copied());
    steps.min_by(|a, b| (*a as f64 - step).abs().total_cmp(&(*b as f64 - step).abs()))
}

/// The next step with a point; from nowhere the last one.
fn beside(curves: &[Drawn], at: Option<u64>, onward: bool) -> Option<u64> {
    let steps: BTreeSet<u64> = curves.iter().flat_map(|c| c.steps.iter().copied()).collect();
    let Some(at) = at else { return steps.last().copied() };
    let next = match onward {
        true => steps.range(at + 1..).next(),
        false => steps.range(..at).next_back(),
    };
    next.copied().or(Some(at))
}

/// `step 120: first 0.1234 · second 0.2345`; what stands there or was last before.
fn in_words(curves: &[Drawn], at: Option<u64>) -> String {
    let value = |curve: &Drawn| {
        let points = curve.steps.iter().zip(&curve.values);
        let mut before = points.filter(|(step, _)| at.is_none_or(|at| **step <= at));
        let told = match before.next_back() {
            Some((_, Some(value))) if value.abs() < 1e-3 && *value != 0.0 => format!("{value:.2e}"),
            Some((_, Some(value))) => wording::trimmed(*value, 4),
            Some((_, None)) => words::NO_NUMBER.to_owned(),
            None => "–".to_owned(),
        };
        words::value(&curve.name, told)
    };
    let values = curves.iter().map(value).collect::<Vec<_>>().join(" · ");
    match at {
        Some(step) => words::at_step(step, values),
        None => words::at_last(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: &[Option<f64>]) -> Drawn {
        let steps = (1..=values.len() as u64).map(|i| 10 * i).collect();
        Drawn { name: "first".into(), line: Line::of(0), steps, values: values.to_vec() }
    }

    #[test]
    fn a_curve_is_interrupted_where_there_is_no_number() {
        let curve = curve(&[Some(1.0), Some(2.0), None, Some(0.5)]);
        let plot = Plot::of(std::slice::from_ref(&curve)).expect("points");
        let path = plot.path(&curve);
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        assert_eq!(in_words(std::slice::from_ref(&curve), Some(30)), "step 30: first no number");
        assert_eq!(in_words(&[curve], None), "at last: first 0.5");
        assert_eq!(Plot::of(&[]), None);
    }

    #[test]
    fn ticks_are_round_and_within_the_range() {
        let words: Vec<String> = ticks(0.13, 0.71).into_iter().map(|(_, words)| words).collect();
        assert_eq!(words, ["0.2", "0.4", "0.6"]);
        let words: Vec<String> = ticks(0.0, 700.0).into_iter().map(|(_, words)| words).collect();
        assert_eq!(words, ["0", "200", "400", "600"]);
        assert!(ticks(1.0, 1.0).is_empty());
    }

    #[test]
    fn arrow_keys_walk_over_all_points() {
        let curves = [curve(&[Some(1.0), Some(2.0)])];
        assert_eq!(beside(&curves, None, false), Some(20));
        assert_eq!(beside(&curves, Some(20), false), Some(10));
        assert_eq!(beside(&curves, Some(20), true), Some(20));
        assert_eq!(nearest(&curves, 13.0), Some(10));
    }
}
