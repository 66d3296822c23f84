//! `?page=jobs`: the long work of the server, as it goes on.

mod failures;
mod stream;

use futures::StreamExt;
use gloo::net::eventsource::futures::EventSource;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::job::{JobProgress, JobState, JobsSnapshot, PaceUnit, SoundPace};
use spyhop_words::pages::jobs as words;

use super::runs::Trainings;
use crate::administrator;
use crate::commands::Action;
use crate::server::{self, Wish};
use crate::session::{Session, use_session};
use crate::wording;
use failures::Failures;
use stream::TaskStream;

/// Runs that the task stream keeps.
const RUNS: usize = 400;
/// Whether the connection still stands is looked at this often, ms.
const LOOK_MS: u32 = 1000;

/// Whether events come.
#[derive(Clone, Copy, PartialEq)]
enum Connection {
    Opening,
    Open,
    /// It was lost; the browser tries again by itself.
    Lost,
    /// There is no such server.
    None,
}

/// The page.
#[component]
pub fn JobsPage(act: Callback<Action>) -> impl IntoView {
    let now = RwSignal::new(JobsSnapshot::default());
    let connection = RwSignal::new(Connection::Opening);
    listen(now, connection);
    let ids = Memo::new(move |_| now.with(|n| n.jobs.iter().map(|j| j.id).collect::<Vec<_>>()));
    view! {
        <div class="jobs" id="jobs">
            <h1>{words::TITLE}</h1>
            {move || said_of(connection.get()).map(|said| view! { <p role="status">{said}</p> })}
            <Show when=move || now.with(|n| n.trouble.is_some())>
                <p class="trouble" id="jobs-trouble" role="alert">
                    {move || now.with(|n| n.trouble.as_ref().map(words::rests))}
                </p>
            </Show>
            <Show when=move || connection.get() != Connection::None>
                <section class="machine" aria-label=words::SERVER>
                    <p id="jobs-machine">{move || now.with(machine)}</p>
                    <TaskStream now/>
                </section>
                <Trainings act/>
                <ul class="job-list">
                    <For each=move || ids.get() key=|id| *id let:id>
                        <Job id now/>
                    </For>
                </ul>
                <Show when=move || connection.get() == Connection::Open && ids.with(Vec::is_empty)>
                    <p class="dim">{words::NONE_ASKED}</p>
                </Show>
            </Show>
        </div>
    }
}

#[component]
fn Job(id: i64, now: RwSignal<JobsSnapshot>) -> impl IntoView {
    let session = use_session();
    let job = Memo::new(move |_| now.with(|n| n.jobs.iter().find(|j| j.id == id).cloned()));
    let of = move |tell: fn(&JobProgress) -> String| job.with(|j| j.as_ref().map(tell));
    let state = Memo::new(move |_| job.with(|j| j.as_ref().map(|j| j.state)));
    let failed = Memo::new(move |_| job.with(|j| j.as_ref().map_or(0, |j| j.failed)));
    let wish = move |wish: Wish| send(session, id, wish);
    let goes_on = move || matches!(state.get(), Some(JobState::Running | JobState::Waiting));
    let can_go_on = move || failed.get() > 0 || rests(state.get());
    let title = move || of(|j| j.title.clone()).unwrap_or_default();
    view! {
        <li data-job=id.to_string() data-job-state=move || of(|j| key(j.state).into())>
            <div class="job-head">
                <h2>{title}</h2>
                <span class="job-state">{move || of(|j| state_in_words(j.state).into())}</span>
                <span class="space"></span>
                <Show when=goes_on>
                    <button data-wish="pause" aria-label=move || words::pause_it(title())
                        on:click=move |_| wish(Wish::Pause)>{words::PAUSE}</button>
                </Show>
                <Show when=can_go_on>
                    <button data-wish="retry"
                        aria-label=move || match rests(state.get()) {
                            true => words::go_on_with(title()),
                            false => words::try_it_again(title()),
                        }
                        on:click=move |_| wish(Wish::Retry)
                    >{move || if rests(state.get()) { words::GO_ON } else { words::TRY_AGAIN }}</button>
                </Show>
                <Show when=move || goes_on() || state.get() == Some(JobState::Paused)>
                    <button data-wish="cancel" aria-label=move || words::cancel_it(title())
                        on:click=move |_| wish(Wish::Cancel)>{words::CANCEL}</button>
                </Show>
            </div>
            <progress max="1" aria-label=move || words::progress_of(title())
                prop:value=move || job.with(|j| j.as_ref().map_or(0.0, |j| j.fraction))></progress>
            <p class="dim">{move || of(in_words)}</p>
            <Show when=move || failed.get().gt(&0)>
                <Failures id failed/>
            </Show>
        </li>
    }
}

/// Hears the server's events as long as the page is shown.
fn listen(now: RwSignal<JobsSnapshot>, connection: RwSignal<Connection>) {
    let Ok(mut source) = EventSource::new(server::JOB_EVENTS) else {
        return connection.set(Connection::None);
    };
    let Ok(mut events) = source.subscribe("message") else {
        return connection.set(Connection::None);
    };
    let (hearing, stop) = futures::future::abortable(async move {
        while let Some(event) = events.next().await {
            let text = event.ok().and_then(|(_, event)| event.data().as_string());
            let Some(text) = text else { break };
            if let Ok(news) = serde_json::from_str::<JobsSnapshot>(&text) {
                connection.set(Connection::Open);
                now.update(|now| take_in(now, news));
            }
        }
        // The server refuses: a static host, or another program.
        connection.set(Connection::None);
    });
    spawn_local(async move {
        // Aborted when the page goes.
        let _ = hearing.await;
    });
    let looked_at = source.clone();
    let look = gloo::timers::callback::Interval::new(LOOK_MS, move || {
        use gloo::net::eventsource::State;
        let is_lost = looked_at.state() == State::Connecting;
        match connection.get_untracked() {
            Connection::Open if is_lost => connection.set(Connection::Lost),
            Connection::Lost if looked_at.state() == State::Open => {
                connection.set(Connection::Open)
            }
            _ => {}
        }
    });
    let held = send_wrapper::SendWrapper::new((source, look));
    on_cleanup(move || {
        stop.abort();
        drop(held);
    });
}

/// An event brings the runs that the one before did not; the first after a restart brings all.
fn take_in(now: &mut JobsSnapshot, news: JobsSnapshot) {
    let mut runs = std::mem::take(&mut now.runs);
    let follows = match (runs.last(), news.runs.first()) {
        (Some(last), Some(first)) => first.number == last.number + 1,
        _ => true,
    };
    if !follows {
        runs.clear();
    }
    *now = news;
    runs.append(&mut now.runs);
    let surplus = runs.len().saturating_sub(RUNS);
    runs.drain(..surplus);
    now.runs = runs;
}

fn send(session: Session, id: i64, wish: Wish) {
    spawn_local(async move {
        if let Err(error) = server::wish(id, &wish).await {
            administrator::refused(session, &error);
        }
    });
}

fn said_of(connection: Connection) -> Option<&'static str> {
    match connection {
        Connection::Opening => Some(words::ASKING),
        Connection::Open => None,
        Connection::Lost => Some(words::NO_ANSWER),
        Connection::None => Some(words::NO_SERVER),
    }
}

/// `12 units/s · 2 of 2 workers · 312 MB of memory, 128 of 256 MB for units`.
fn machine(now: &JobsSnapshot) -> String {
    let decimals = if now.units_per_s < 10.0 { 1 } else { 0 };
    let mut told = vec![
        words::units_per_s(wording::trimmed(now.units_per_s, decimals)),
        words::workers_busy(now.running.len(), now.workers),
    ];
    told.extend(now.process_bytes.map(|bytes| words::memory(wording::bytes(bytes))));
    told.push(words::units_hold(
        wording::bytes(now.reserved_bytes),
        wording::bytes(now.limit_bytes),
    ));
    told.join(" · ")
}

/// `1240 of 2000 units · 12 units/s · 1 min 3 s left · 2 failed`; of what listens to sound `3.2 of 48 h of
/// sound · 2.9 audio-hours a minute · 16 min left · 2 units failed`.
pub fn in_words(job: &JobProgress) -> String {
    let hours = |h: f64| wording::trimmed(h, if h < 10.0 { 2 } else { 0 });
    let sound = job.sound_done_h();
    let mut told = match sound {
        Some((done, all)) => vec![words::sound_heard(hours(done), hours(all))],
        None => vec![words::units_done(job.done, job.total)],
    };
    if let Some(SoundPace { hours: h, every }) = job.sound_pace() {
        told.push(match every {
            PaceUnit::Second => words::sound_per_s(hours(h)),
            PaceUnit::Minute => words::sound_per_min(hours(h)),
            PaceUnit::Hour => words::sound_per_h(hours(h)),
        });
    } else if sound.is_none() && job.units_per_s > 0.0 {
        let decimals = if job.units_per_s < 10.0 { 2 } else { 0 };
        told.push(words::units_per_s(wording::trimmed(job.units_per_s, decimals)));
    }
    told.extend(job.time_left_s.map(|left| words::time_left(wording::duration(left.ceil()))));
    if job.failed > 0 {
        told.push(match sound {
            Some(_) => words::sound_units_failed(job.failed as usize),
            None => words::units_failed(job.failed),
        });
    }
    told.join(" · ")
}

/// Whether a person stopped it.
fn rests(state: Option<JobState>) -> bool {
    matches!(state, Some(JobState::Paused | JobState::Cancelled))
}

fn state_in_words(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => words::WAITING,
        JobState::Running => words::RUNNING,
        JobState::Paused => words::PAUSED,
        JobState::Cancelled => words::CANCELLED,
        JobState::Done => words::DONE,
        JobState::Failed => words::FAILED,
    }
}

/// What the style sheet calls a state.
fn key(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Cancelled => "cancelled",
        JobState::Done => "done",
        JobState::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::Timestamp;

    use super::*;

    fn job(sound_h: Option<f64>) -> JobProgress {
        JobProgress {
            id: 1,
            key: String::new(),
            kind: "detect".into(),
            title: String::new(),
            deployment: None,
            priority: 0,
            state: JobState::Running,
            created: Timestamp(0),
            changed: Timestamp(0),
            total: 48,
            waiting: 40,
            running: 0,
            done: 6,
            failed: 2,
            fraction: 0.125,
            units_per_s: 0.05,
            time_left_s: Some(840.0),
            sound_h,
        }
    }

    #[test]
    fn what_listens_to_sound_is_told_by_hours_of_it() {
        assert_eq!(
            in_words(&job(Some(24.0))),
            "3 of 24 h of sound · 1.5 audio-hours a minute · 14 min left · 2 units failed"
        );
        assert_eq!(in_words(&job(None)), "6 of 48 units · 0.05 units/s · 14 min left · 2 failed");
        let slow = JobProgress { units_per_s: 0.0, time_left_s: None, ..job(Some(24.0)) };
        assert_eq!(in_words(&slow), "3 of 24 h of sound · 2 units failed");
    }
}
