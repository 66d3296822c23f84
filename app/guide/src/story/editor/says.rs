//! Captions of a step: when something is heard, for how long, and what it is.

use leptos::prelude::*;
use spyhop_api::story::{MOST_LINE_BYTES, MOST_SAYS};
use spyhop_api::{Moment, Said, View};
use spyhop_words::story::says as words;
use web_sys::{Event, HtmlInputElement};

use super::{Desk, focus};

/// A caption lasts so long at first, s, where nothing is selected.
const LASTS_S: f64 = 1.0;

/// The captions of a step.
#[component]
pub fn Says(desk: Desk, step: usize) -> impl IntoView {
    let says = desk.step_now(step).map(|s| s.says).unwrap_or_default();
    let count = says.len();
    let add = move |_| {
        let mut number = 0;
        desk.change_step(step, |s| {
            let view = desk.play.viewer.shown.with_untracked(|shown| shown.view.clone());
            let said = selected(&s.view, &view)
                .unwrap_or_else(|| Said { lasts_s: LASTS_S, ..Said::default() });
            number = put(&mut s.says, said) + 1;
        });
        desk.renew();
        focus::on(&format!("[data-caption='{number}'] .said-text"), ".story-say");
    };
    let change = move |at: usize, change: &dyn Fn(&mut Said)| {
        desk.change_step(step, |s| {
            if let Some(said) = s.says.get_mut(at) {
                change(said);
            }
        });
    };
    // A number that is not taken gives way to the one that is held.
    let put_back = move |ev: &Event, at: usize, number: fn(&Said) -> f64| {
        if let Some(said) = desk.step_now(step).as_ref().and_then(|s| s.says.get(at)) {
            event_target::<HtmlInputElement>(ev).set_value(&told(number(said)));
        }
    };
    let rows = says.into_iter().enumerate().map(|(at, said)| {
        let number = at + 1;
        view! {
            <div class="story-row story-said-row" data-caption=number.to_string()>
                <input class="said-at number" type="number" min="0" step="any" aria-label=words::begins(number)
                    title=words::begins(number) prop:value=told(said.at_s)
                    on:change=move |ev| match seconds(&event_target_value(&ev), 0.0) {
                        Some(s) => change(at, &|said| said.at_s = s),
                        None => put_back(&ev, at, |said| said.at_s),
                    }/>
                <input class="said-lasts number" type="number" min="0" step="any" aria-label=words::lasts(number)
                    title=words::lasts(number) prop:value=told(said.lasts_s)
                    on:change=move |ev| match seconds(&event_target_value(&ev), f64::MIN_POSITIVE) {
                        Some(s) => change(at, &|said| said.lasts_s = s),
                        None => put_back(&ev, at, |said| said.lasts_s),
                    }/>
                <input class="said-text" type="text" maxlength=MOST_LINE_BYTES.to_string()
                    aria-label=words::text(number) placeholder=words::WHAT prop:value=said.text.clone()
                    on:input=move |ev| {
                        let text = event_target_value(&ev);
                        change(at, &|said| said.text.clone_from(&text));
                    }/>
                <button class="icon" aria-label=words::remove(number) on:click=move |_| {
                    desk.change_step(step, |s| if at < s.says.len() { s.says.remove(at); });
                    desk.renew();
                    focus::on(".story-say", ".said-text");
                }>"×"</button>
            </div>
        }
    });
    let rows = rows.collect_view();
    view! {
        <fieldset class="story-says-form">
            <legend>{words::TITLE}</legend>
            <p class="dim">{words::HELP}</p>
            {rows}
            <button class="story-say" disabled={count >= MOST_SAYS} title=words::ADD_HELP on:click=add>
                {words::ADD}
            </button>
        </fieldset>
    }
}

/// Puts a caption where it is heard among the others; gives its place.
fn put(says: &mut Vec<Said>, said: Said) -> usize {
    let place = says.partition_point(|other| other.at_s <= said.at_s);
    says.insert(place, said);
    place
}

/// A caption of what is selected on the screen, as the step's view counts; `None` where nothing is, or the
/// selection lies before the view.
fn selected(step: &str, shown: &str) -> Option<Said> {
    let (of_step, now) = (View::from_query(step).0, View::from_query(shown).0);
    let selection = now.selection.filter(|_| now.source == of_step.source)?;
    let left = of_step.start.unwrap_or(Moment::Elapsed(0));
    let is_alike = matches!(left, Moment::Clock(_)) == matches!(selection.start, Moment::Clock(_));
    let after_ns = selection.start.nanos().checked_sub(left.nanos())?;
    let rounded = |ns: i64| (ns as f64 / 1e6).round() / 1e3;
    (is_alike && after_ns >= 0 && selection.span_ns > 0).then(|| Said {
        at_s: rounded(after_ns),
        lasts_s: rounded(selection.span_ns).max(1e-3),
        text: String::new(),
    })
}

/// Seconds as a person wrote them, from `least` on.
fn seconds(text: &str, least: f64) -> Option<f64> {
    let s = text.trim().replace(',', ".").parse::<f64>().ok()?;
    (s.is_finite() && s >= least).then_some(s)
}

fn told(s: f64) -> String {
    // To the millisecond: what is finer is nobody's.
    format!("{}", (s * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_of_what_is_selected_counted_from_the_steps_left_edge() {
        let step = "v=1&src=set:a&t=2024-01-01T00:00:10Z&span=5";
        let shown =
            "v=1&src=set:a&t=2024-01-01T00:00:00Z&span=60&sel=2024-01-01T00:00:12.5Z_0.25_100-900";
        let said = selected(step, shown).expect("a caption");
        assert_eq!((said.at_s, said.lasts_s), (2.5, 0.25));
        let before = "v=1&src=set:a&sel=2024-01-01T00:00:09Z_0.25_100-900";
        assert_eq!(selected(step, before), None, "not heard in this step");
        assert_eq!(selected(step, "v=1&src=set:b&sel=2024-01-01T00:00:12Z_1_1-9"), None);
        assert_eq!(selected(step, step), None, "nothing is selected");
    }

    #[test]
    fn seconds_are_taken_as_people_write_them() {
        assert_eq!(seconds(" 2,5 ", 0.0), Some(2.5));
        assert_eq!(seconds("0", f64::MIN_POSITIVE), None);
        for text in ["", "x", "-1", "inf", "NaN"] {
            assert_eq!(seconds(text, 0.0), None, "{text}");
        }
        assert_eq!(told(0.1 + 0.2), "0.3");
    }

    #[test]
    fn a_caption_comes_to_stand_where_it_is_heard() {
        let said = |at_s: f64| Said { at_s, lasts_s: 1.0, text: at_s.to_string() };
        let mut says = Vec::new();
        let places: Vec<usize> = [3.0, 1.0, 2.0, 3.0].map(|s| put(&mut says, said(s))).to_vec();
        assert_eq!(places, [0, 0, 1, 3]);
        assert_eq!(says.iter().map(|s| s.at_s).collect::<Vec<_>>(), [1.0, 2.0, 3.0, 3.0]);
    }
}
