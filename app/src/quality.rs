//! What is known of the quality of what is open: found by the server for what it hosts, and told by the
//! files' own headers for everything else.

mod stretches;
mod words;

use std::sync::Arc;

use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::DeploymentQuality;
use spyhop_signal::quality::survey_files;

use crate::server::catalogue;
use crate::session::{OpenSet, Session};

pub use stretches::{Group, Stretch, groups, stretches};
pub use words::{counts_in_words, kinds_in_words, name_of, tell};

/// Of more recordings than this only hours are asked for: everything would be tens of megabytes.
const MOST_RECORDINGS: usize = 3000;
/// How long the first picture has before the quality is asked for, ms.
const FIRST_MS: u32 = 600;
/// How long it rests until it is asked for again while the server still measures, ms: at least this, and
/// so many times as long as the answer took.
const AGAIN_MS: f64 = 8000.0;
const AGAIN_TIMES: f64 = 20.0;

/// What is known of the quality of what is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetQuality {
    /// What the server last said; empty for what is not hosted.
    pub known: DeploymentQuality,
    /// The line, stretch by stretch.
    pub stretches: Vec<Stretch>,
    /// Stretches with findings, those that follow one another and have the same as one.
    pub groups: Vec<Group>,
}

impl SetQuality {
    /// Of what is open, by what is known of it.
    fn of(open: &OpenSet, known: DeploymentQuality) -> SetQuality {
        let stretches = stretches(&open.line, &open.infos, &known);
        let groups = groups(&stretches);
        SetQuality { known, stretches, groups }
    }
}

/// Finds out about what was just opened: what its files tell, or what the server does of what it hosts, now
/// and again while it measures. `is_current` tells whether it is still open.
pub fn follow(session: Session, is_current: impl Fn() -> bool + Copy + 'static) {
    let Some(open) = session.open.get_untracked() else { return };
    let Some(id) = open.deployment.as_ref().map(|d| d.id.clone()) else {
        let findings = survey_files(&open.infos);
        let told = DeploymentQuality { findings, ..DeploymentQuality::default() };
        return session.quality.set(Arc::new(SetQuality::of(&open, told)));
    };
    session.quality.set(Arc::default());
    let by_recording = open.infos.len() <= MOST_RECORDINGS;
    spawn_local(async move {
        TimeoutFuture::new(FIRST_MS).await;
        loop {
            let begun_ms = js_sys::Date::now();
            let answer = catalogue::quality(&id, by_recording).await;
            if !is_current() {
                return;
            }
            let is_whole = match answer {
                Ok(known) => {
                    let is_whole = known.measured == known.recording_count;
                    if session.quality.with_untracked(|q| q.known != known) {
                        session.quality.set(Arc::new(SetQuality::of(&open, known)));
                    }
                    is_whole
                }
                // An older server, or none: the files have said what they can.
                Err(_) => true,
            };
            if is_whole {
                return;
            }
            let took_ms = js_sys::Date::now() - begun_ms;
            TimeoutFuture::new(AGAIN_MS.max(took_ms * AGAIN_TIMES) as u32).await;
        }
    });
}
