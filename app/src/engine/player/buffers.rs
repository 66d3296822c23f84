//! Sound without a worklet: buffers that are scheduled ahead, one after the other.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use gloo::timers::callback::Interval;
use wasm_bindgen::prelude::*;
use web_sys::{
    AudioBufferSourceNode, AudioContext, AudioNode, GainNode, MessageEvent, MessagePort,
};

use super::Event;

/// Sound scheduled ahead: a busy page must not be heard.
const AHEAD_S: f64 = 1.0;
/// Sound asked for at once.
const CHUNK_S: f64 = 0.25;
/// From the first chunk's arrival to its sound.
const LEAD_S: f64 = 0.05;
/// Time constant of the fade when it is stopped: silent after 5 ms.
const FADE_S: f64 = 0.001;
/// How often it is looked whether more is needed.
const LOOK_MS: u32 = 100;

/// Buffers that play what a worker renders.
pub struct Buffers {
    shared: Rc<RefCell<Shared>>,
    _look: Interval,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

struct Shared {
    context: AudioContext,
    gain: Option<GainNode>,
    port: MessagePort,
    /// When what is scheduled ends.
    until_s: f64,
    asked: u32,
    ended: bool,
    /// When chunks are over, and what they were.
    playing: VecDeque<(f64, AudioBufferSourceNode, Vec<f32>)>,
}

impl Buffers {
    /// Starts to ask the worker behind `port`.
    pub fn start(
        context: &AudioContext,
        exit: &AudioNode,
        port: &MessagePort,
        hears: Rc<dyn Fn(Event)>,
    ) -> Buffers {
        let gain = context.create_gain().ok();
        if let Some(gain) = &gain {
            // It fails only between nodes of different contexts.
            let _ = gain.connect_with_audio_node(exit);
        }
        let shared = Rc::new(RefCell::new(Shared {
            context: context.clone(),
            gain,
            port: port.clone(),
            until_s: 0.0,
            asked: 0,
            ended: false,
            playing: VecDeque::new(),
        }));
        let on_message = {
            let (shared, hears) = (shared.clone(), hears.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let told = shared.borrow_mut().receive(&event.data());
                if let Some(event) = told {
                    hears(event);
                }
            })
        };
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        shared.borrow_mut().ask();
        let look = {
            let shared = shared.clone();
            Interval::new(LOOK_MS, move || {
                let told = shared.borrow_mut().look();
                told.into_iter().for_each(|event| hears(event));
            })
        };
        Buffers { shared, _look: look, _on_message: on_message }
    }

    /// Fades out and ends.
    pub fn stop(&self) {
        let shared = self.shared.borrow();
        shared.port.set_onmessage(None);
        shared.port.close();
        let now = shared.context.current_time();
        if let Some(gain) = &shared.gain {
            let _ = gain.gain().set_target_at_time(0.0, now, FADE_S);
        }
        for (_, node, _) in &shared.playing {
            #[expect(deprecated, reason = "the bindings put `stop` on a parent of this node")]
            let _ = node.stop_with_when(now + 10.0 * FADE_S);
        }
    }
}

impl Shared {
    fn ask(&mut self) {
        let rate = f64::from(self.context.sample_rate());
        let ahead = (self.until_s - self.context.current_time()).max(0.0);
        while !self.ended && ahead + f64::from(self.asked) * CHUNK_S < AHEAD_S {
            self.asked += 1;
            let _ = self.port.post_message(&(CHUNK_S * rate).round().into());
        }
    }

    fn receive(&mut self, data: &JsValue) -> Option<Event> {
        let said = data.dyn_ref::<js_sys::Array>()?;
        match said.get(0).as_string()?.as_str() {
            "gain" => return said.get(1).as_f64().map(Event::Gain),
            "failed" => return said.get(1).as_string().map(Event::Failed),
            _ => {}
        }
        let samples = js_sys::Float32Array::new(&said.get(1)).to_vec();
        let stretches = js_sys::Float64Array::new(&said.get(3)).to_vec();
        self.asked = self.asked.saturating_sub(1);
        self.ended = said.get(2).is_truthy();
        if samples.is_empty() {
            return None;
        }
        let (rate, frames) = (self.context.sample_rate(), samples.len());
        let buffer = self.context.create_buffer(1, frames as u32, rate).ok()?;
        buffer.copy_to_channel(&samples, 0).ok()?;
        let node = self.context.create_buffer_source().ok()?;
        node.set_buffer(Some(&buffer));
        node.connect_with_audio_node(self.gain.as_ref()?).ok()?;
        let time_s = self.until_s.max(self.context.current_time() + LEAD_S);
        node.start_with_when(time_s).ok()?;
        self.until_s = time_s + frames as f64 / f64::from(rate);
        self.playing.push_back((self.until_s, node, samples));
        self.ask();
        Some(Event::At { time_s, stretches })
    }

    /// What was heard since the last look.
    fn look(&mut self) -> Vec<Event> {
        self.ask();
        let now = self.context.current_time();
        let mut events = Vec::new();
        while self.playing.front().is_some_and(|(end, ..)| *end <= now) {
            if let Some((_, _, samples)) = self.playing.pop_front() {
                events.push(Event::Heard(samples));
            }
        }
        if self.ended && self.playing.is_empty() {
            events.push(Event::Ended);
        }
        events
    }
}
