//! Windows drawn at random, to learn how many calls are missed: a person goes through them one by one.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::detection::DetectionRun;
use spyhop_api::recall::{DrawRequest, DrawnWindow, MissedCalls, WindowReview};
use spyhop_api::view::Selection;
use spyhop_words::calls::missed as words;
use web_sys::HtmlInputElement;

use super::thumbnail::begin_words;
use crate::session::{NoticeKind, Session, use_session};
use crate::{administrator, label_actions, wording};

/// The windows. Those of a run on a server only: a run of the tab is gone with it.
#[component]
pub fn Missed() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let windows = RwSignal::new(Vec::<DrawnWindow>::new());
    let at = RwSignal::new(0usize);
    let run = Memo::new(move |_| calls.run.with(|run| run.as_ref().map(|run| run.id)));
    Effect::new(move |_| {
        calls.revision.track();
        let Some(run) = run.get().filter(|run| *run > 0) else { return windows.set(Vec::new()) };
        spawn_local(async move {
            let Some(source) = calls.source() else { return };
            // Where they can't be had, the button that draws them says why.
            let found = source.windows().await.unwrap_or_default();
            if calls.run.with_untracked(|now| now.as_ref().map(|now| now.id)) == Some(run) {
                windows.set(found);
            }
        });
    });
    let gone_through =
        move || windows.with(|all| all.iter().filter(|window| window.review.is_done).count());
    view! {
        <Show when=move || run.get().is_some_and(|run| run > 0)>
            <details id="missed">
                <summary>{move || match windows.with(Vec::len) {
                    0 => words::ESTIMATE.to_owned(),
                    all => words::gone_through(gone_through(), all),
                }}</summary>
                <Show when=move || windows.with(Vec::is_empty)>
                    <p class="dim">{words::ABOUT}</p>
                </Show>
                <Show when=move || !windows.with(Vec::is_empty)><AtHand windows at/></Show>
                <Draw windows at/>
            </details>
        </Show>
    }
}

/// The window that is gone through.
#[component]
fn AtHand(windows: RwSignal<Vec<DrawnWindow>>, at: RwSignal<usize>) -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let window = Memo::new(move |_| windows.with(|all| all.get(at.get()).cloned()));
    let go = move |to: usize| {
        at.set(to);
        if let Some(window) = windows.with_untracked(|all| all.get(to).cloned()) {
            look_at(session, &window);
        }
    };
    let next = move || {
        let open = |all: &Vec<DrawnWindow>| {
            let after = (at.get_untracked() + 1..all.len()).chain(0..all.len());
            after.into_iter().find(|i| !all[*i].review.is_done)
        };
        match windows.with_untracked(open) {
            Some(to) => go(to),
            None => session.tell(NoticeKind::Done, words::ALL_GONE_THROUGH),
        }
    };
    let classes = move || {
        let run = calls.run.get();
        run.map(|run: DetectionRun| {
            run.classes.into_iter().map(|class| class.name).collect::<Vec<_>>()
        })
        .unwrap_or_default()
    };
    let missed = move |class: &str| {
        window.with(|window| {
            let missed = window.iter().flat_map(|window| &window.review.missed);
            missed.filter(|missed| missed.class == class).map(|missed| missed.calls).sum::<u32>()
        })
    };
    let say = move |change: WindowReview, is_last: bool| {
        let Some(window) = window.get_untracked() else { return };
        spawn_local(async move {
            let Some(source) = calls.source() else { return };
            match source.review_window(&window, &change).await {
                Ok(said) => {
                    windows.update(|all| {
                        if let Some(held) = all.iter_mut().find(|held| held.id == said.id) {
                            *held = said;
                        }
                    });
                    calls.revision.update(|n| *n += 1);
                    if is_last {
                        next();
                    }
                }
                Err(error) => administrator::refused(session, &error),
            }
        });
    };
    let changed = move || {
        let review = window.get_untracked().map(|window| window.review).unwrap_or_default();
        WindowReview { author: session.prefs.author.get_untracked(), ..review }
    };
    view! {
        <p id="window-told">{move || window.get().map(|window| told(session, at.get(), &window))}</p>
        <div class="buttons">
            <button id="window-show" on:click=move |_| go(at.get_untracked())>{words::SHOW}</button>
            <button id="window-next" on:click=move |_| next()>{words::NEXT}</button>
        </div>
        <Show when=move || window.with(|w| w.as_ref().is_some_and(|w| w.unreviewed > 0))>
            <button id="window-all" on:click=move |_| show_all(session)>{words::SHOW_ALL}</button>
        </Show>
        {move || classes().into_iter().map(|class| {
            let (label, name, of) = (words::missed(&class), class.clone(), class);
            let count = move || missed(&of).to_string();
            view! {
                <label class="row"><span>{label}</span>
                    <input type="number" class="number window-missed" min="0" step="1" prop:value=count
                        on:change=move |ev| {
                            let mut change = changed();
                            change.missed.retain(|missed| missed.class != name);
                            let calls = event_target_value(&ev).trim().parse().unwrap_or(0);
                            change.missed.push(MissedCalls { class: name.clone(), calls });
                            say(change, false);
                        }/>
                </label>
            }
        }).collect_view()}
        <label class="check">
            <input type="checkbox" id="window-done"
                prop:checked=move || window.with(|w| w.as_ref().is_some_and(|w| w.review.is_done))
                on:change=move |ev| {
                    let is_done = event_target_checked(&ev);
                    // What the server does not take is not shown as taken.
                    event_target::<HtmlInputElement>(&ev).set_checked(!is_done);
                    say(WindowReview { is_done, ..changed() }, is_done);
                }/>
            {words::DONE}
        </label>
    }
}

/// Draws some, or more.
#[component]
fn Draw(windows: RwSignal<Vec<DrawnWindow>>, at: RwSignal<usize>) -> impl IntoView {
    let session = use_session();
    let usual = DrawRequest::default();
    let (count, length_s) = (RwSignal::new(usual.windows), RwSignal::new(usual.window_s));
    // All are of one length, or they would not have the same chances.
    Effect::new(move |_| {
        if let Some(span_ns) = windows.with(|all| all.first().map(|window| window.span_ns)) {
            length_s.set(span_ns as f64 / 1e9);
        }
    });
    let draw = move || {
        let asked = DrawRequest {
            windows: count.get_untracked(),
            window_s: length_s.get_untracked(),
            // A person who draws anew wants others than somebody else drew.
            seed: js_sys::Date::now() as u64,
        };
        spawn_local(async move {
            let Some(source) = session.calls.source() else { return };
            let before = windows.with_untracked(Vec::len);
            match source.draw(&asked).await {
                Ok(drawn) => {
                    windows.set(drawn);
                    at.set(before);
                    if let Some(window) = windows.with_untracked(|all| all.get(before).cloned()) {
                        look_at(session, &window);
                    }
                }
                Err(error) => administrator::refused(session, &error),
            }
        });
    };
    view! {
        <div class="row">
            <input type="number" class="number" id="draw-count" min="1" step="1" aria-label=words::COUNT
                prop:value=move || count.get().to_string()
                on:change=move |ev| count.set(event_target_value(&ev).trim().parse().unwrap_or(usual.windows))/>
            <span>{words::OF}</span>
            <input type="number" class="number" id="draw-length" min="0.1" step="any"
                aria-label=words::LENGTH prop:value=move || length_s.get().to_string()
                disabled=move || !windows.with(Vec::is_empty)
                on:change=move |ev| length_s.set(event_target_value(&ev).trim().parse().unwrap_or(usual.window_s))/>
            <span>{words::SECONDS}</span>
            <button id="draw" on:click=move |_| draw()>{move || {
                if windows.with(Vec::is_empty) { words::DRAW } else { words::DRAW_MORE }
            }}</button>
        </div>
    }
}

/// `Window 3, 12:15:30, 30 s: 4 candidates, 2 not reviewed yet.`
fn told(session: Session, index: usize, window: &DrawnWindow) -> String {
    let length = wording::duration(window.span_ns as f64 / 1e9);
    let begin = begin_words(session, window.start);
    let (number, candidates) = (index + 1, window.candidates as usize);
    match window.unreviewed {
        0 => words::window_reviewed(candidates, number, begin, length),
        open => words::window_open(candidates, number, begin, length, open),
    }
}

/// Brings a window into the picture.
fn look_at(session: Session, window: &DrawnWindow) {
    let Some(open) = session.open.get_untracked() else { return };
    let band_hz = (0.0, open.line.sample_rate_hz / 2.0);
    session.select(Some(Selection { start: window.start, span_ns: window.span_ns, band_hz }));
    label_actions::fill_with_selection(session);
    session.calls.filter.update(|filter| filter.in_view = true);
}

/// Lowers the thresholds to where candidates begin: whoever goes through a window says something of each.
fn show_all(session: Session) {
    let calls = session.calls;
    let lowest: Vec<f64> = calls.run.with_untracked(|run| {
        let classes = run.as_ref().map(|run| run.classes.as_slice()).unwrap_or_default();
        classes.iter().map(|class| class.keep_from).collect()
    });
    for (class, keep_from) in lowest.into_iter().enumerate() {
        calls.set_threshold(class, keep_from);
    }
    calls.filter.update(|filter| filter.in_view = true);
}
