//! The first page: a drop zone, the server's recordings as pictures, an address.

use leptos::prelude::*;
use spyhop_api::{Deployment, StorySummary};
use spyhop_words::pages::{asking, entry, facts, first as words};

use crate::commands::Action;
use crate::pages::preview::Preview;
use crate::sentence::{PIECES, with_pieces};
use crate::session::use_session;
use crate::{open, server, wording};

/// A whole file of NOAA's public recordings of Stellwagen Bank, with many right-whale upcalls.
const NOAA_URL: &str = "https://storage.googleapis.com/storage/v1/b/noaa-passive-bioacoustic/o/\
    dclde%2F2013%2Fnefsc_sbnms_200903_nopp6_ch10%2Fsource-audio%2F\
    NOPP6_EST_20090329_121500_CH10.wav?alt=media";

/// Deployments that stand here as cards; the library has all of them.
const MOST_CARDS: usize = 6;

/// What a newcomer sees.
#[component]
pub fn FirstPage(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let deployments = LocalResource::new(server::deployments);
    let stories = LocalResource::new(server::stories);
    let address = RwSignal::new(String::new());
    let go = move || open::address(session, &address.get_untracked());
    view! {
        <div class="first">
            <h1 class="lead">{words::LEAD}</h1>
            <section id="drop" class="drop" aria-label=words::OPEN_YOUR_OWN>
                <p class="big">{words::DROP_HERE}</p>
                <p class="dim">{words::FORMATS}</p>
                <p class="buttons">
                    <button id="pick-files" class="primary" on:click=move |_| act.run(Action::OpenFiles)>
                        {words::CHOOSE_FILES}
                    </button>
                    <button id="pick-folder" on:click=move |_| act.run(Action::OpenFolder)>
                        {asking::CHOOSE_FOLDER}
                    </button>
                </p>
                <form class="address" on:submit=move |ev| { ev.prevent_default(); go() }>
                    <label for="url">{words::OR_AN_ADDRESS}</label>
                    <input id="url" type="url" inputmode="url" placeholder=words::EXAMPLE_ADDRESS
                        prop:value=move || address.get()
                        on:input=move |ev| address.set(event_target_value(&ev))/>
                    <button id="url-open" type="submit">{entry::OPEN}</button>
                </form>
            </section>
            <Suspense>
                {move || deployments.get().map(|all| view! { <Cards all act/> })}
            </Suspense>
            <Suspense>
                {move || stories.get().map(|all| view! { <Stories all/> })}
            </Suspense>
            <p class="noaa">
                <button id="noaa" on:click=move |_| open::address(session, NOAA_URL)>
                    {words::OPEN_NOAA}
                </button>
                <span>" "{words::ABOUT_NOAA}</span>
            </p>
        </div>
    }
}

/// Stories that lie with the recordings.
#[component]
fn Stories(all: Vec<StorySummary>) -> impl IntoView {
    (!all.is_empty()).then(|| {
        let card = |story: StorySummary| {
            let steps = words::steps(story.steps);
            view! {
                <a class="story-card" data-story=story.id.clone() href=format!("?story={}", story.id)>
                    <img src=format!("{}/preview.png", story.path) alt="" loading="lazy"/>
                    <span><strong>{story.title}</strong><span>{story.note}</span><span class="dim">{steps}</span></span>
                </a>
            }
        };
        view! {
            <section aria-label=words::STORIES>
                <h2>{words::STORIES}</h2>
                <div class="story-cards">{all.into_iter().map(card).collect_view()}</div>
            </section>
        }
    })
}

#[component]
fn Cards(all: Vec<Deployment>, act: Callback<Action>) -> impl IntoView {
    let count = all.len();
    let made = all.iter().take(MOST_CARDS).any(|d| d.synthesised);
    (!all.is_empty()).then(|| {
        let cards = all.into_iter().take(MOST_CARDS).map(|d| view! { <Card deployment=d/> }).collect_view();
        view! {
            <section aria-label=words::RECORDINGS_OF_SERVER>
                <div class="cards">{cards}</div>
                {made.then(|| {
                    let mark = view! { <em>{facts::SYNTHESISED}</em> }.into_any();
                    let told = words::about_synthesised(PIECES[0]);
                    view! { <p class="dim">{with_pieces(&told, vec![mark])}</p> }
                })}
                <p>
                    <button id="library-link" class="link" on:click=move |_| act.run(Action::Library)>
                        {if count > MOST_CARDS {
                            words::all_in_library(count)
                        } else {
                            words::ABOUT_LIBRARY.to_owned()
                        }}
                    </button>
                </p>
            </section>
        }
    })
}

#[component]
fn Card(deployment: Deployment) -> impl IntoView {
    let session = use_session();
    let id = deployment.id.clone();
    let count = wording::recordings(deployment.recording_count);
    let size = facts::recordings_and_bytes(count, wording::bytes(deployment.bytes));
    let name = deployment.name.clone();
    let (opened, played) = (deployment.clone(), deployment.clone());
    view! {
        <article class="card" data-deployment=deployment.id.clone()>
            <button class="open" aria-label=entry::open_it(&name)
                on:click=move |_| open::deployment(session, &opened, false)
            >
                <Preview id/>
            </button>
            <div class="words">
                <button class="play primary round" aria-label=entry::open_and_play_it(&name)
                    on:click=move |_| open::deployment(session, &played, true)
                >"▶"</button>
                <div>
                    <h2>{deployment.name.clone()}</h2>
                    <p>{deployment.description.clone()}</p>
                    <p class="dim">{size}</p>
                </div>
            </div>
        </article>
    }
}
