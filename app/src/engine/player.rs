//! Playback on the page: an audio clock, and chunks from a worker of its own.
//!
//! Where there is an `AudioWorklet` (a secure context) it asks the worker by itself and the page only
//! learns what is heard; elsewhere the page schedules buffers ahead.

mod buffers;
mod heard;
mod worklet;

use std::cell::RefCell;
use std::rc::Rc;

use spyhop_words::page::engine as words;
use spyhop_workers::Message;
use web_sys::{AudioContext, AudioContextState, AudioNode, GainNode, MessageChannel};

use super::state::State;
use super::wire::{Order, PlayWire};
use super::{PlayRequest, Playing};
use buffers::Buffers;
use heard::Timeline;
use worklet::Worklet;

/// What is played, and what it takes.
#[derive(Default)]
pub struct Player {
    context: Option<AudioContext>,
    /// What everything goes through on its way out: it holds the volume down where a guide asks for it.
    exit: Option<GainNode>,
    /// No louder than this share of full scale; nothing was said where it is none.
    at_most: Option<f64>,
    /// Number of the worker, started with the first sound.
    worker: Option<usize>,
    session: Option<Session>,
    /// Counts sessions, so that news of an old one is not taken for a new one's.
    turn: u32,
}

struct Session {
    turn: u32,
    timeline: Timeline,
    auto_gain_db: f64,
    output: Option<Output>,
}

enum Output {
    Worklet(Worklet),
    Buffers(Buffers),
}

/// What an output tells.
enum Event {
    /// Frames begin to be heard at this time of the audio clock; first frame, position, positions a
    /// frame and frames of each stretch without a jump.
    At { time_s: f64, stretches: Vec<f64> },
    /// These were heard.
    Heard(Vec<f32>),
    /// The gain that the range needs.
    Gain(f64),
    /// The range is over.
    Ended,
    /// No more can be had.
    Failed(String),
}

impl Player {
    /// Sounds no louder than this share of full scale, from 0 to 1. Where it is asked for under a finger, the
    /// browser lets the page sound from then on: what sounds goes on being the same device.
    pub fn set_volume(&mut self, at_most: f64) {
        if self.context.is_none() {
            self.context = AudioContext::new().ok();
        }
        if let Some(context) = &self.context {
            // Refused without a finger, which takes nothing away.
            let _ = context.resume();
        }
        let at_most = at_most.clamp(0.0, 1.0);
        self.at_most = Some(at_most);
        if let Some(exit) = &self.exit {
            exit.gain().set_value(at_most as f32);
        }
    }

    fn exit(&mut self, context: &AudioContext) -> AudioNode {
        if self.exit.is_none() {
            self.exit = context.create_gain().ok();
            if let Some(exit) = &self.exit {
                // It fails only between nodes of different contexts.
                let _ = exit.connect_with_audio_node(&context.destination());
                exit.gain().set_value(self.at_most.unwrap_or(1.0) as f32);
            }
        }
        self.exit.clone().map_or_else(|| context.destination().into(), Into::into)
    }
}

/// Plays a range from where it is asked for; if something plays already, whose position lies in the range,
/// from there.
pub fn play(state: &Rc<RefCell<State>>, request: PlayRequest) {
    let from = Some(playing(state))
        .filter(|p| p.on && !p.needs_tap && request.positions.contains(&(p.position as i64)))
        .map_or(request.from.unwrap_or(request.positions.start), |p| p.position as i64);
    stop(state);
    let mut now = state.borrow_mut();
    let context = match &now.player.context {
        Some(context) => context.clone(),
        None => match AudioContext::new() {
            Ok(context) => now.player.context.insert(context).clone(),
            Err(_) => {
                now.problem = Some(words::NO_SOUND.to_owned());
                return now.tell_news();
            }
        },
    };
    let exit = now.player.exit(&context);
    // Refused without a tap; `playing` says so then.
    let _ = context.resume();
    let worker = match now.player.worker {
        Some(worker) => worker,
        None => {
            let worker = now.pool.start();
            *now.player.worker.insert(worker)
        }
    };
    let Ok(channel) = MessageChannel::new() else { return };
    let play = PlayWire {
        start: request.positions.start,
        end: request.positions.end,
        from,
        channel: request.channel,
        listening: request.listening,
        view_band_hz: request.view_band_hz,
        device_rate_hz: f64::from(context.sample_rate()),
    };
    let order = Message::with(&Order::Play(play), vec![channel.port1().into()]);
    now.pool.tell(worker, order);
    now.player.turn += 1;
    let turn = now.player.turn;
    now.player.session = Some(Session {
        turn,
        timeline: Timeline::new(from as f64),
        auto_gain_db: 0.0,
        output: None,
    });
    drop(now);

    let state = state.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let hears = {
            let state = Rc::downgrade(&state);
            Rc::new(move |event| {
                if let Some(state) = state.upgrade() {
                    heard(&state, turn, event);
                }
            })
        };
        let port = channel.port2();
        let output = match Worklet::start(&context, &exit, &port, hears.clone()).await {
            Some(worklet) => Output::Worklet(worklet),
            None => Output::Buffers(Buffers::start(&context, &exit, &port, hears)),
        };
        let mut now = state.borrow_mut();
        match now.player.session.as_mut().filter(|s| s.turn == turn) {
            Some(session) => session.output = Some(output),
            None => output.stop(),
        }
    });
}

/// Stops.
pub fn stop(state: &Rc<RefCell<State>>) {
    let session = state.borrow_mut().player.session.take();
    if let Some(output) = session.and_then(|s| s.output) {
        output.stop();
    }
}

/// What is heard now.
pub fn playing(state: &Rc<RefCell<State>>) -> Playing {
    let now = state.borrow();
    let (Some(context), Some(session)) = (&now.player.context, &now.player.session) else {
        return Playing::default();
    };
    // What leaves the loudspeaker now was given to the device so long ago.
    let latency_s = js_sys::Reflect::get(context, &"outputLatency".into())
        .ok()
        .and_then(|v| v.as_f64())
        .unwrap_or(0.0);
    Playing {
        on: true,
        position: session.timeline.position(context.current_time() - latency_s),
        auto_gain_db: session.auto_gain_db,
        needs_tap: context.state() != AudioContextState::Running,
    }
}

impl Output {
    fn stop(&self) {
        match self {
            Output::Worklet(worklet) => worklet.stop(),
            Output::Buffers(buffers) => buffers.stop(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Output::Worklet(_) => "worklet",
            Output::Buffers(_) => "buffers",
        }
    }
}

fn heard(state: &Rc<RefCell<State>>, turn: u32, event: Event) {
    let mut now = state.borrow_mut();
    let rate = now.player.context.as_ref().map_or(1.0, |c| f64::from(c.sample_rate()));
    let Some(session) = now.player.session.as_mut().filter(|s| s.turn == turn) else { return };
    match event {
        Event::At { time_s, stretches } => {
            for [first, position, step, frames] in stretches.as_chunks().0 {
                let time_s = time_s + first / rate;
                session.timeline.add(time_s, *position, step * rate, frames / rate);
            }
        }
        Event::Heard(samples) => {
            heard::show(session.output.as_ref().map_or("", Output::name), rate, &samples);
        }
        Event::Gain(gain_db) => session.auto_gain_db = gain_db,
        Event::Ended => {
            now.player.session = None;
        }
        Event::Failed(problem) => {
            now.player.session = None;
            now.problem = Some(problem);
        }
    }
    now.tell_news();
}
