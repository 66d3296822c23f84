//! The sheet in which a story is made: steps are views as they are on the screen.

mod boxes;
mod conflict;
mod draft;
mod focus;
mod form;
mod saving;
mod says;

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::story::MOST_STEPS;
use spyhop_api::{Step, Story, StoryList, StoryRequest, Wish};
use spyhop_words::story::sheet as words;

use super::address::Mode;
use super::play::{Play, shown_view, source};
use crate::server;
use draft::Draft;

/// What is being made; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Desk {
    pub play: Play,
    pub is_open: RwSignal<bool>,
    /// The story on the desk.
    draft: RwSignal<Option<Draft>>,
    /// The step that is open, counted from 0.
    open: RwSignal<Option<usize>>,
    /// Counts changes that did not come from a field: the form is made anew.
    renewed: RwSignal<u64>,
    /// What went wrong last.
    problem: RwSignal<String>,
    /// What is said of the last thing that was done.
    done: RwSignal<String>,
    /// The story as somebody else changed it meanwhile.
    theirs: RwSignal<Option<(Story, String)>>,
    /// The step that was removed last, and where it stood.
    removed: RwSignal<Option<(usize, Step)>>,
}

impl Desk {
    /// An empty one.
    pub fn new(play: Play) -> Desk {
        Desk {
            play,
            is_open: RwSignal::new(false),
            draft: RwSignal::new(None),
            open: RwSignal::new(None),
            renewed: RwSignal::new(0),
            problem: RwSignal::new(String::new()),
            done: RwSignal::new(String::new()),
            theirs: RwSignal::new(None),
            removed: RwSignal::new(None),
        }
    }

    /// Adds what is on the screen as a step, to the story on the desk or to a new one.
    pub fn add_view(&self) {
        self.play.leave();
        let is_new = self.draft.with_untracked(Option::is_none);
        self.is_open.set(true);
        // Whoever has stories chooses which one.
        if is_new && !draft::all().is_empty() {
            return;
        }
        if is_new {
            self.put(Draft::new(StoryRequest::default()));
        }
        let count = self.draft.with_untracked(|d| d.as_ref().map_or(0, |d| d.story.steps.len()));
        if count >= MOST_STEPS {
            return self.problem.set(words::at_most_steps(MOST_STEPS));
        }
        let view = self.play.viewer.shown.with_untracked(|shown| shown.view.clone());
        let after = self.open.get_untracked().map_or(count, |open| (open + 1).min(count));
        self.change(|draft| {
            draft.story.steps.insert(after, Step { view, calls_shown: true, ..Step::default() });
        });
        self.open_step(Some(after));
    }

    /// Changes the story that is played, or makes one of it.
    pub fn edit_played(&self) {
        let Some(story) = self.play.story.get_untracked() else { return };
        let step = self.play.at.get_untracked();
        self.play.leave();
        self.is_open.set(true);
        if story.id.is_empty() {
            // It came from this desk.
            return self.open_step(Some(step));
        }
        let own = draft::all().into_iter().find(|held| held.id == story.id);
        match own {
            Some(mut own) => {
                if own.is_saved {
                    own.take(&story);
                }
                self.put(own);
            }
            None => {
                let mut copy = Draft::new(draft::request_of(&story));
                if !story.listed {
                    // With its key it is changed, without it a copy is made.
                    (copy.id, copy.version) = (story.id.clone(), story.version);
                    copy.path.clone_from(&story.path);
                }
                self.put(copy);
            }
        }
        self.open_step(Some(step));
    }

    /// Puts the sheet away; the draft is kept.
    pub fn close(&self) {
        self.is_open.set(false);
    }

    fn put(&self, draft: Draft) {
        self.problem.set(String::new());
        self.done.set(String::new());
        self.theirs.set(None);
        self.removed.set(None);
        self.open.set(None);
        self.draft.set(Some(draft));
        self.renew();
    }

    fn renew(&self) {
        self.renewed.update(|n| *n += 1);
    }

    fn open_step(&self, step: Option<usize>) {
        self.open.set(step);
        self.renew();
    }

    /// Changes the draft, and keeps it.
    fn change(&self, change: impl FnOnce(&mut Draft)) {
        if self.done.with_untracked(|done| !done.is_empty()) {
            self.done.set(String::new());
        }
        self.draft.update(|draft| {
            if let Some(draft) = draft {
                change(draft);
                draft.is_saved = false;
            }
        });
        self.keep();
    }

    /// Keeps the draft in this browser.
    fn keep(&self) {
        let is_kept = self.draft.with_untracked(|d| d.as_ref().is_none_or(draft::keep));
        if !is_kept {
            self.problem.set(words::KEEPS_NOTHING.to_owned());
        }
    }

    fn change_step(&self, step: usize, change: impl FnOnce(&mut Step)) {
        self.change(|draft| {
            if let Some(step) = draft.story.steps.get_mut(step) {
                change(step);
            }
        });
    }

    fn step_now(&self, step: usize) -> Option<Step> {
        self.draft.with_untracked(|d| d.as_ref()?.story.steps.get(step).cloned())
    }

    fn story_now(&self) -> StoryRequest {
        self.draft.with_untracked(|d| d.as_ref().map(|d| d.story.clone()).unwrap_or_default())
    }

    /// Moves a step by one place, forward or back; what moved it, `part` of its row, keeps the focus.
    fn move_step(&self, step: usize, by: i64, part: &str) {
        let to = step as i64 + by;
        let count = self.draft.with_untracked(|d| d.as_ref().map_or(0, |d| d.story.steps.len()));
        if to < 0 || to >= count as i64 {
            return;
        }
        self.change(|draft| draft.story.steps.swap(step, to as usize));
        self.open_step(Some(to as usize));
        let row = format!("#story-list > [data-step='{}']", to + 1);
        // At either end the button can do no more: then the step's name.
        focus::on(&format!("{row} {part}:enabled"), &format!("{row} .story-step-name"));
    }

    fn remove_step(&self, step: usize) {
        self.removed.set(self.step_now(step).map(|removed| (step, removed)));
        self.change(|draft| {
            if step < draft.story.steps.len() {
                draft.story.steps.remove(step);
            }
        });
        self.open_step(None);
        focus::on("#story-put-back", "#story-add");
    }

    /// Puts the step that was removed last back to where it stood.
    fn put_back(&self) {
        let Some((at, step)) = self.removed.get_untracked() else { return };
        self.removed.set(None);
        self.change(|draft| {
            let at = at.min(draft.story.steps.len());
            draft.story.steps.insert(at, step);
        });
        self.open_step(Some(at));
        focus::on(
            &format!("#story-list > [data-step='{}'] .story-step-name", at + 1),
            "#story-add",
        );
    }

    /// Shows a step as it will be seen, and opens its form.
    fn show_step(&self, step: usize) {
        self.open_step(Some(step));
        let Some(step) = self.step_now(step) else { return };
        let near = self
            .play
            .viewer
            .shown
            .with_untracked(|s| s.is_open && source(&s.view) == source(&step.view));
        let travel_ms = if near { 600 } else { 0 };
        self.play.viewer.ask(&Wish::Show { view: shown_view(&step), travel_ms });
    }

    /// Plays the draft as it is, from the step that is open.
    fn play_draft(&self) {
        let (desk, step) = (*self, self.open.get_untracked().unwrap_or(0));
        let story = self.story_now();
        spawn_local(async move {
            match drafted(&story).await {
                Ok(story) => {
                    desk.problem.set(String::new());
                    desk.play.begin(Arc::new(story), step, Mode::Reading);
                }
                Err(error) => desk.problem.set(error),
            }
        });
    }
}

/// A story as the server would keep it, its words as HTML; or what is wrong with it.
async fn drafted(story: &StoryRequest) -> Result<Story, String> {
    let request = gloo::net::http::Request::post("api/v1/stories/draft");
    server::send(request, &[], story).await.map_err(|error| error.message)
}

/// The sheet.
#[component]
pub fn Editor(desk: Desk) -> impl IntoView {
    let has_draft = Memo::new(move |_| desk.draft.with(Option::is_some));
    view! {
        <aside id="story-editor" class="story story-editor" aria-label=words::EDITOR>
            <header class="story-head">
                <p class="story-name">{move || if has_draft.get() { words::EDIT_A_STORY } else { words::STORIES }}</p>
                <Show when=move || has_draft.get()>
                    <button id="story-all" title=words::ALL_YOURS on:click=move |_| desk.draft.set(None)>{words::ALL}</button>
                </Show>
                <button id="story-close" class="icon" aria-label=words::PUT_AWAY
                    title=words::PUT_AWAY_HELP on:click=move |_| desk.close()>"×"</button>
            </header>
            <div class="story-words">
                <Show when=move || has_draft.get() fallback=move || view! { <Choice desk/> }>
                    <conflict::Conflict desk/>
                    {move || { desk.renewed.track(); view! { <Form desk/> } }}
                </Show>
            </div>
            <Show when=move || has_draft.get()><saving::Saving desk/></Show>
        </aside>
    }
}

/// Which story is edited: one of this browser's, or a new one.
#[component]
fn Choice(desk: Desk) -> impl IntoView {
    let kept = draft::all();
    let unread = draft::laid_aside().map(words::unreadable);
    let listed = LocalResource::new(|| async {
        let all = server::get::<StoryList>("api/v1/stories").await;
        // Without a server there are none, and saving says why.
        all.map(|list| list.stories).unwrap_or_default()
    });
    let rows = kept.into_iter().map(|held| {
        let (words, steps) = (held.name(), held.story.steps.len());
        let state = match (held.is_saved, held.id.is_empty()) {
            (true, _) => words::STATE_SAVED,
            (_, true) => words::STATE_HERE,
            _ => words::STATE_CHANGED,
        };
        let opened = held.clone();
        view! {
            <li data-draft=held.local.to_string()>
                <button class="link" on:click=move |_| desk.put(opened.clone())>{words}</button>
                <span class="dim">{words::steps_and_state(steps, state)}</span>
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        <button id="story-new" class="primary" on:click=move |_| {
            desk.put(Draft::new(StoryRequest::default()));
            desk.add_view();
        }>{words::NEW_STORY}</button>
        <h3>{words::IN_THIS_BROWSER}</h3>
        <ul class="story-drafts">{rows}</ul>
        {unread.map(|why| view! { <p class="warned" id="story-unread">{why}</p> })}
        {move || listed.get().filter(|all| !all.is_empty()).map(|all| view! {
            <h3>{words::OF_THIS_SERVER}</h3>
            <ul class="story-drafts">{all.into_iter().map(|story| view! {
                <li><a href=format!("?story={}", story.id)>{story.title}</a>
                    <span class="dim">{words::steps(story.steps)}</span></li>
            }).collect_view()}</ul>
        })}
    }
}

/// Title and note, the steps, and the form of the one that is open.
#[component]
fn Form(desk: Desk) -> impl IntoView {
    let story = desk.story_now();
    let steps = story.steps.iter().enumerate().map(|(i, _)| {
        // It is named anew while its title is typed.
        let words = move || desk.draft.with(|d| {
            let step = d.as_ref().and_then(|d| d.story.steps.get(i));
            step.map(|step| step.title.clone()).filter(|title| !title.is_empty())
                .unwrap_or_else(|| words::step_number(i + 1))
        });
        let is_open = desk.open.get_untracked() == Some(i);
        let last = story.steps.len() - 1;
        view! {
            <li data-step=(i + 1).to_string() class:open=is_open>
                <div class="story-row">
                    <button class="story-step-name link" aria-expanded=is_open.to_string()
                        on:click=move |_| if is_open { desk.open_step(None) } else { desk.show_step(i) }
                        on:keydown=move |ev| match (ev.alt_key(), ev.key().as_str()) {
                            (true, "ArrowUp") => { ev.prevent_default(); ev.stop_propagation(); desk.move_step(i, -1, ".story-step-name") }
                            (true, "ArrowDown") => { ev.prevent_default(); ev.stop_propagation(); desk.move_step(i, 1, ".story-step-name") }
                            _ => {}
                        }
                        title=words::STEP_HELP
                    >{format!("{}. ", i + 1)}{words}</button>
                    <button class="icon" aria-label=words::move_up(i + 1) data-move="up" disabled={i == 0}
                        on:click=move |_| desk.move_step(i, -1, "[data-move=up]")>"↑"</button>
                    <button class="icon" aria-label=words::move_down(i + 1) data-move="down" disabled={i == last}
                        on:click=move |_| desk.move_step(i, 1, "[data-move=down]")>"↓"</button>
                    <button class="icon" aria-label=words::remove_step(i + 1) data-remove="true"
                        on:click=move |_| desk.remove_step(i)>"×"</button>
                </div>
                {is_open.then(|| view! { <form::StepForm desk step=i/> })}
            </li>
        }
    });
    let steps = steps.collect_view();
    view! {
        <label class="story-field"><span>{words::TITLE}</span>
            <input id="story-title" type="text" maxlength="200" prop:value=story.title.clone()
                on:input=move |ev| { let text = event_target_value(&ev); desk.change(|d| d.story.title = text) }/>
        </label>
        <label class="story-field"><span>{words::NOTE}</span>
            <textarea id="story-note" rows="2" maxlength="2000" prop:value=story.note.clone()
                on:input=move |ev| { let text = event_target_value(&ev); desk.change(|d| d.story.note = text) }></textarea>
        </label>
        <label class="story-field"><span>{words::AUTHOR}</span>
            <input id="story-author" type="text" maxlength="200" prop:value=story.author.clone()
                on:input=move |ev| {
                    let text = event_target_value(&ev);
                    desk.change(|d| { d.story.changed_by.clone_from(&text); d.story.author = text; });
                }/>
        </label>
        <ol id="story-list" class="story-list">{steps}</ol>
        <p class="story-tools">
            <button id="story-add" on:click=move |_| desk.add_view()>{words::ADD_VIEW}</button>
            <Show when=move || desk.removed.with(Option::is_some)>
                <button id="story-put-back" on:click=move |_| desk.put_back()>{words::PUT_BACK}</button>
            </Show>
        </p>
    }
}
