//! Two people changed one story: what they wrote is shown, and nobody's words are lost.

use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::{Step, Story, StoryRequest};
use spyhop_words::story::{conflict as words, sheet};

use super::draft::{self, Draft};
use super::{Desk, saving};

/// What was changed elsewhere, with what can be done; nothing where nobody was faster.
#[component]
pub fn Conflict(desk: Desk) -> impl IntoView {
    // Whoever was typing further down sees it.
    let told_at = NodeRef::<leptos::html::Section>::new();
    Effect::new(move |_| {
        if let Some(section) = told_at.get() {
            section.scroll_into_view();
        }
    });
    let over_theirs = move |story: &Story| {
        let version = story.version;
        desk.draft.update(|d| {
            if let Some(d) = d {
                d.version = version
            }
        });
        desk.theirs.set(None);
        spawn_local(saving::save(desk));
    };
    let take_theirs = move |story: &Story| {
        let Some(mine) = desk.draft.get_untracked() else { return };
        let copy = Draft {
            edit_key: String::new(),
            id: String::new(),
            version: 0,
            path: String::new(),
            ..mine.clone()
        };
        let copy = Draft {
            local: Draft::new(StoryRequest::default()).local,
            story: StoryRequest { title: words::mine(copy.name()), ..copy.story },
            ..copy
        };
        if !draft::keep(&copy) {
            return desk.problem.set(words::NOT_KEPT.into());
        }
        let mut theirs = mine;
        theirs.take(story);
        desk.put(theirs);
        desk.keep();
        desk.done.set(words::THEIRS_IS_HERE.to_owned());
    };
    let as_another = move |_| {
        desk.theirs.set(None);
        desk.draft.update(|d| {
            if let Some(d) = d {
                *d = Draft {
                    local: Draft::new(StoryRequest::default()).local,
                    story: d.story.clone(),
                    ..Draft::default()
                };
            }
        });
        spawn_local(saving::create(desk));
    };
    view! {
        {move || desk.theirs.get().map(|(story, told)| {
            let mine = desk.story_now();
            let differences = differences(&mine, &story).into_iter().map(|(name, theirs)| view! {
                <details open><summary>{name}</summary><p class="story-theirs">{theirs}</p></details>
            }).collect_view();
            let (over, take) = (story.clone(), story.clone());
            view! {
                <section id="story-conflict" class="story-conflict" role="alert" node_ref=told_at>
                    <h3>{words::TITLE}</h3>
                    <p>{told}</p>
                    <p class="dim">{words::DIFFERENCES}</p>
                    {differences}
                    <p class="buttons">
                        <button id="conflict-mine" class="primary" on:click=move |_| over_theirs(&over)>{words::KEEP_MINE}</button>
                        <button id="conflict-theirs" on:click=move |_| take_theirs(&take)>{words::TAKE_THEIRS}</button>
                        <button id="conflict-both" on:click=as_another>{words::SAVE_BOTH}</button>
                    </p>
                </section>
            }
        })}
    }
}

/// Where two versions differ: what it is called, and what stands there in theirs.
fn differences(mine: &StoryRequest, theirs: &Story) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if mine.title != theirs.title {
        found.push((sheet::TITLE.to_owned(), theirs.title.clone()));
    }
    if mine.note != theirs.note {
        found.push((sheet::NOTE.to_owned(), theirs.note.clone()));
    }
    let count = mine.steps.len().max(theirs.steps.len());
    for at in 0..count {
        let name = sheet::step_number(at + 1);
        match (mine.steps.get(at), theirs.steps.get(at)) {
            (Some(mine), Some(theirs)) if is_same(mine, theirs) => {}
            (_, Some(theirs)) => found.push((name, words_of(theirs))),
            (_, None) => found.push((name, words::NO_SUCH_STEP.to_owned())),
        }
    }
    found
}

/// Whether two steps say and show the same, whatever the server made of their words.
fn is_same(a: &Step, b: &Step) -> bool {
    let plain = |step: &Step| {
        let mut plain = Step { text_html: String::new(), data: Default::default(), ..step.clone() };
        if let Some(question) = &mut plain.question {
            question.why_html.clear();
        }
        plain
    };
    plain(a) == plain(b)
}

fn words_of(step: &Step) -> String {
    let mut said = vec![step.title.clone(), step.text.clone()];
    if let Some(question) = &step.question {
        said.push(question.text.clone());
        said.extend(question.answers.iter().cloned());
    }
    said.retain(|line| !line.trim().is_empty());
    if said.is_empty() { words::ANOTHER_VIEW.to_owned() } else { said.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::Timestamp;

    #[test]
    fn where_two_versions_differ_is_told_with_their_words() {
        let step = |text: &str, html: &str| Step {
            view: "v=1".into(),
            text: text.into(),
            text_html: html.into(),
            ..Step::default()
        };
        let mine = StoryRequest {
            title: "A".into(),
            steps: vec![step("one", ""), step("two", ""), step("three", "")],
            ..StoryRequest::default()
        };
        let theirs = Story {
            id: "x".into(),
            version: 2,
            title: "B".into(),
            note: String::new(),
            author: String::new(),
            changed_by: String::new(),
            language: "en".into(),
            steps: vec![step("one", "<p>one</p>"), step("zwei", "")],
            created: Timestamp(0),
            changed: Timestamp(0),
            expires: None,
            path: "t/x".into(),
            listed: false,
        };
        let found = differences(&mine, &theirs);
        let expected =
            [("Title", "B"), ("Step 2", "zwei"), ("Step 3", "They do not have this step.")];
        assert_eq!(found, expected.map(|(name, words)| (name.to_owned(), words.to_owned())));
    }
}
