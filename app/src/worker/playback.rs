//! The playback worker: renders what is heard, a chunk at a time, for whoever asks through a port.

use std::ops::Range;
use std::rc::Rc;

use spyhop_signal::Line;
use spyhop_signal::listen::{Block, ListenSpec, Renderer, survey};
use spyhop_signal::spectrum::ReadSamples;
use spyhop_workers::{Message, Recordings, float_buffer};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort};

use crate::engine::wire::{Order, PlayWire};
use crate::parts;

/// Frames rendered for one request at most: half a minute at 48 kHz is a mistake of the asker.
const MOST_FRAMES: usize = 1 << 17;

/// Gives an order to this worker, behind those that wait.
pub type Submit = Rc<dyn Fn(Order)>;

/// What plays.
pub struct Player {
    submit: Submit,
    playing: Option<Playing>,
}

/// What renders: of a part of the program that is fetched when something is first played.
pub trait Sounding {
    /// Appends up to `frames` frames to `out`; an error is one of reading samples.
    fn next(
        &mut self,
        read: &mut ReadSamples<'_>,
        out: &mut Vec<f32>,
        frames: usize,
    ) -> Result<Block, String>;
}

/// A renderer, and how much louder it makes what it renders, dB.
pub type Prepared = (Box<dyn Sounding>, f64);

impl Sounding for Renderer {
    fn next(
        &mut self,
        read: &mut ReadSamples<'_>,
        out: &mut Vec<f32>,
        frames: usize,
    ) -> Result<Block, String> {
        Renderer::next(self, read, out, frames)
    }
}

struct Playing {
    renderer: Box<dyn Sounding>,
    channel: u32,
    port: MessagePort,
    _on_request: Closure<dyn FnMut(MessageEvent)>,
}

impl Player {
    /// A player whose ports ask through `submit`.
    pub fn new(submit: Submit) -> Player {
        Player { submit, playing: None }
    }

    /// Begins to play. Through the port go, as arrays: `["gain", dB]` once, then for each request
    /// `["chunk", samples, ended, [first frame, position, step, frames, …]]` (a stretch more wherever
    /// a loop goes back), or `["failed", message]`.
    pub fn play(
        &mut self,
        recordings: &mut Recordings,
        line: &Line,
        play: PlayWire,
        message: &Message,
    ) {
        self.stop();
        let port = message.objects.first().cloned().and_then(|o| o.dyn_into::<MessagePort>().ok());
        let Some(port) = port else { return };
        let renderer = match parts::sounding(recordings, line, &play) {
            Ok((renderer, gain_db)) => {
                say(&port, "gain", &[gain_db.into()]);
                renderer
            }
            Err(problem) => return say(&port, "failed", &[problem.into()]),
        };
        let submit = self.submit.clone();
        let on_request = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(frames) = event.data().as_f64() {
                submit(Order::Render { frames: (frames.max(0.0) as usize).min(MOST_FRAMES) });
            }
        });
        port.set_onmessage(Some(on_request.as_ref().unchecked_ref()));
        self.playing =
            Some(Playing { renderer, channel: play.channel, port, _on_request: on_request });
    }

    /// Renders the next frames and gives them to the port.
    pub fn render(&mut self, recordings: &mut Recordings, frames: usize) {
        let Some(playing) = &mut self.playing else { return };
        let channel = playing.channel;
        let mut out = Vec::with_capacity(frames);
        let mut read = |range: Range<i64>, out: &mut Vec<f32>| recordings.read(range, channel, out);
        match playing.renderer.next(&mut read, &mut out, frames) {
            Ok(block) => {
                let stretches = js_sys::Float64Array::from(&stretches(&block)[..]);
                let samples = float_buffer(&out);
                say_with(&playing.port, "chunk", &samples, &[block.ended.into(), stretches.into()]);
            }
            Err(problem) => say(&playing.port, "failed", &[problem.into()]),
        }
    }

    /// Stops.
    pub fn stop(&mut self) {
        if let Some(playing) = self.playing.take() {
            playing.port.set_onmessage(None);
            playing.port.close();
        }
    }
}

/// First frame, position, step and frames of each stretch of a block that runs on without a jump.
fn stretches(block: &Block) -> Vec<f64> {
    let mut stretches = Vec::new();
    let mut first = 0;
    for frame in 1..=block.frames {
        if frame == block.frames || block.position_of(frame) < block.position_of(frame - 1) {
            let (position, frames) = (block.position_of(first), frame - first);
            stretches.extend([first as f64, position, block.step, frames as f64]);
            first = frame;
        }
    }
    stretches
}

/// Prepares what is to be heard.
///
/// # Errors
/// When samples can't be read, or what is wanted can't be rendered.
pub fn prepare(
    recordings: &mut Recordings,
    line: &Line,
    play: &PlayWire,
) -> Result<Prepared, String> {
    let range = play.start.max(0)..play.end.min(line.end());
    let mut spec = ListenSpec {
        source_rate_hz: line.sample_rate_hz,
        device_rate_hz: play.device_rate_hz,
        listening: play.listening,
        // Not only those of the range: filters look beyond its edges.
        recorded: line.runs.iter().map(|r| r.position..r.end()).collect(),
        range,
        dc: 0.0,
        auto_gain_db: 0.0,
    };
    let mut read =
        |range: Range<i64>, out: &mut Vec<f32>| recordings.read(range, play.channel, out);
    let found = survey(&spec, &mut read)?;
    spec.dc = found.dc;
    spec.auto_gain_db = found.auto_gain_db;
    let mut renderer = Renderer::new(&spec).map_err(|e| e.to_string())?;
    renderer.seek(play.from as f64);
    Ok((Box::new(renderer), found.auto_gain_db))
}

fn say(port: &MessagePort, what: &str, rest: &[JsValue]) {
    let array = js_sys::Array::of1(&what.into());
    rest.iter().for_each(|v| {
        array.push(v);
    });
    // A port whose other end is gone swallows messages; nothing else can fail here.
    let _ = port.post_message(&array);
}

fn say_with(port: &MessagePort, what: &str, buffer: &JsValue, rest: &[JsValue]) {
    let array = js_sys::Array::of2(&what.into(), buffer);
    rest.iter().for_each(|v| {
        array.push(v);
    });
    let _ = port.post_message_with_transferable(&array, &js_sys::Array::of1(buffer));
}
