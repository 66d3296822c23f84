//! The engine: workers that read, decode and transform, and what they gave.
//!
//! The page asks by saying what it shows ([`Engine::want`]); work that the view has left is dropped
//! from the queue, what comes back is kept in a bounded cache and announced by [`Engine::on_news`].

mod cache;
mod distant;
mod input;
mod picture;
mod plan;
mod player;
mod pool;
mod queue;
pub mod remote;
mod spare;
mod state;
mod target;
mod tile;
mod tile_request;
pub mod wire;

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use spyhop_api::pyramid::PyramidInfo;
use spyhop_api::view::{Listening, Reading, Scaling, Source, SpectrumSettings};
use spyhop_api::{Calibration, RecordingInfo};
use spyhop_paint::ColumnSource;
use spyhop_signal::Line;
use spyhop_signal::measure::{BoxMeasures, Slice};
use spyhop_signal::spectrum::SpectrumSpec;
use spyhop_words::page::engine as words;

use picture::{Mixed, Power};
pub use state::OpenSources;
use state::State;
use target::Target;
use wire::{Answer, Order};

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    state: Rc<RefCell<State>>,
}

/// Whether WebGPU is used: `?gpu=off|force`; `Auto` takes a real adapter and never a software one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuChoice {
    Auto,
    Off,
    Force,
}

/// Something to open.
pub enum Input {
    /// A file on the person's disk; nothing of it leaves the machine. Sidecars (`.log.xml`) go along.
    File(web_sys::File),
    /// A file at an address, read by ranges.
    Url { url: String, name: String },
}

/// What opening gave. Failures do not stop the rest.
pub struct Opened {
    pub infos: Vec<RecordingInfo>,
    /// Name and message of what could not be opened.
    pub failures: Vec<(String, String)>,
    /// All of `infos` that fit, on one time axis.
    pub line: Option<Line>,
    /// Index into `infos` and the reason.
    pub left_out: Vec<(usize, String)>,
}

/// A picture that the page shows now.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub positions: Range<f64>,
    pub width_px: u32,
    pub height_px: u32,
    pub band_hz: (f64, f64),
    pub spectrum: SpectrumSettings,
    pub channel: u32,
}

/// How far the wanted pictures are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub tiles: usize,
    /// At least sampled.
    pub shown: usize,
    /// True mean and maximum.
    pub exact: usize,
    /// Sampled, and no more than that: reading all of it would take too long.
    pub sampled: usize,
    /// Some of these are of the first of the pictures.
    pub view_is_sampled: bool,
}

impl Progress {
    /// Those that are as exact as they will be.
    pub fn done(&self) -> usize {
        self.exact + self.sampled
    }

    /// Whether something is there for all of it.
    pub fn is_whole(&self) -> bool {
        self.tiles > 0 && self.shown == self.tiles
    }

    /// Whether nothing more comes by itself.
    pub fn is_done(&self) -> bool {
        self.tiles > 0 && self.done() == self.tiles
    }
}

/// The server's tiles that a picture is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Far {
    /// Their transform.
    pub spectrum: SpectrumSettings,
    /// Share of them that is built.
    pub built: f64,
}

/// What a picture's power is divided by to be a density: 1, or the width of the window's equivalent
/// rectangle where it is power in a bin. `drawn` is the transform that it was drawn by.
pub fn per_bin_hz(asked: &SpectrumSettings, drawn: &SpectrumSettings, rate_hz: f64) -> f64 {
    match asked.scaling {
        Scaling::Density => 1.0,
        Scaling::Spectrum => distant::equivalent_width_hz(drawn, rate_hz),
    }
}

/// Wave columns under one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WaveFound {
    Data { min: f32, max: f32, rms: f32 },
    Gap,
    Pending,
}

/// What is to be heard.
pub struct PlayRequest {
    pub positions: Range<i64>,
    /// Where in them it begins; at their beginning where it is none.
    pub from: Option<i64>,
    pub channel: u32,
    pub listening: Listening,
    pub view_band_hz: (f64, f64),
}

/// What is heard now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Playing {
    pub on: bool,
    /// Position on the line that is heard at this moment.
    pub position: f64,
    pub auto_gain_db: f64,
    /// The browser lets nothing be heard before a tap or a key.
    pub needs_tap: bool,
}

impl Engine {
    /// Starts the workers.
    pub fn start(gpu: GpuChoice) -> Engine {
        Engine { state: State::start(gpu) }
    }

    /// Opens recordings in place of what is open. `known` spares opening what the server described.
    pub async fn open(
        &self,
        inputs: Vec<Input>,
        known: Vec<RecordingInfo>,
        reading: Reading,
    ) -> Opened {
        input::open(&self.state, inputs, known, reading).await
    }

    /// Where what is open is; `None` while nothing is.
    pub fn sources(&self) -> Option<OpenSources> {
        self.state.borrow().sources.clone()
    }

    /// Says what the page shows, the most urgent first; anything else that waits is dropped.
    pub fn want(&self, wanted: &[Wanted]) {
        self.state.borrow_mut().want(wanted);
    }

    /// Called (at most once a frame) when there is something new to draw.
    pub fn on_news(&self, news: impl Fn() + 'static) {
        self.state.borrow_mut().on_news = Some(Rc::new(news));
    }

    /// Says which pyramids the server has of what is open, and at which address their tiles are. `whole`
    /// tells whether all of the deployment is open, from its beginning.
    pub fn set_pyramids(&self, address: String, pyramids: &[PyramidInfo], whole: bool) {
        let mut state = self.state.borrow_mut();
        let Some(line) = state.line.clone() else { return };
        if state.distant.set(address, pyramids, &line, whole) {
            state.replan();
            state.tell_news();
        }
    }

    /// Says what is open where the server can compute columns of it: see [`Engine::spare`].
    pub fn set_computed(&self, source: Option<Source>) {
        self.state.borrow_mut().set_computed(source);
    }

    /// Spares the net, or no longer: pictures of more than a few samples are made of columns that the server
    /// computes, fewer and with coarser levels than the page's own.
    pub fn spare(&self, is_on: bool) {
        self.state.borrow_mut().set_sparing(is_on);
    }

    /// Whether a picture is made of the server's tiles, and of which.
    pub fn far(&self, wanted: &Wanted) -> Option<Far> {
        let state = self.state.borrow();
        let far = Far {
            spectrum: state.distant.spectrum(wanted.channel)?,
            built: state.distant.built(wanted.channel)?,
        };
        state.is_far(wanted).then_some(far)
    }

    /// What is at hand for a picture: the best tiles of any level, exact before sampled.
    pub fn power(&self, wanted: &Wanted) -> impl ColumnSource + use<> {
        let state = self.state.borrow();
        let Some(line) = &state.line else { return Mixed::of(Power::nothing(), None, false) };
        let target = state.target(wanted, line);
        let spec = SpectrumSpec::from((&wanted.spectrum, line.sample_rate_hz));
        let near = Power::new(line.clone(), &state.cache, &target, spec.bin_hz());
        let far = state.distant.tiles(&state.spare.narrowed(wanted), line);
        Mixed::of(near, far, state.is_far(wanted))
    }

    /// The wave form of a picture, pixel by pixel.
    pub fn wave(&self, wanted: &Wanted) -> impl Fn(Range<f64>) -> WaveFound + use<> {
        let (state, wanted) = (self.state.clone(), wanted.clone());
        let (far, tiles) = {
            let now = state.borrow();
            let narrowed = now.spare.narrowed(&wanted);
            let tiles = now.line.as_ref().and_then(|line| now.distant.tiles(&narrowed, line));
            (now.is_far(&wanted), tiles)
        };
        let level = Target::pixel_level(&wanted);
        move |positions: Range<f64>| {
            let near = || {
                let now = state.borrow();
                let Some(line) = &now.line else { return WaveFound::Pending };
                picture::wave(line, &now.cache, wanted.channel, level, positions.clone())
            };
            let of_tiles =
                || tiles.as_ref().map_or(WaveFound::Pending, |tiles| tiles.wave(&positions));
            let first = if far { of_tiles() } else { near() };
            match (first, far) {
                (WaveFound::Pending, true) => near(),
                (WaveFound::Pending, false) => of_tiles(),
                (found, _) => found,
            }
        }
    }

    /// How far the wanted pictures are.
    pub fn progress(&self) -> Progress {
        self.state.borrow().progress()
    }

    /// What went wrong last in reading what is open, for a person; cleared by opening.
    pub fn problem(&self) -> Option<String> {
        self.state.borrow().problem.clone()
    }

    /// Samples of a range (at most 4 million), NaN where nothing was recorded.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn samples(&self, positions: Range<i64>, channel: u32) -> Result<Vec<f32>, String> {
        let (start, end) = (positions.start, positions.end);
        let asked = state::ask(&self.state, |job| Order::Samples { job, start, end, channel });
        let (_, message) = asked.await?;
        Ok(message.floats(0))
    }

    /// Measures a box, in pressure where there is a calibration.
    ///
    /// # Errors
    /// When its samples can't be read, or are too many.
    pub async fn measure(
        &self,
        positions: Range<i64>,
        band_hz: (f64, f64),
        channel: u32,
        spectrum: SpectrumSettings,
        calibration: Option<Calibration>,
    ) -> Result<BoxMeasures, String> {
        let (start, end) = (positions.start, positions.end);
        let order =
            |job| Order::Measure { job, start, end, channel, band_hz, spectrum, calibration };
        match state::ask(&self.state, order).await?.0 {
            Answer::Measures { measures, .. } => Ok(*measures),
            _ => Err(words::MEASURED_ELSE.to_owned()),
        }
    }

    /// The spectrum of a stretch.
    ///
    /// # Errors
    /// When its samples can't be read.
    pub async fn slice(
        &self,
        positions: Range<i64>,
        channel: u32,
        spectrum: SpectrumSettings,
    ) -> Result<Slice, String> {
        let (start, end) = (positions.start, positions.end);
        let order = |job| Order::Slice { job, start, end, channel, spectrum };
        match state::ask(&self.state, order).await? {
            (Answer::Slice { bin_hz, frames, .. }, message) => {
                Ok(Slice { bin_hz, mean: message.floats(0), max: message.floats(1), frames })
            }
            _ => Err(words::GAVE_ELSE.to_owned()),
        }
    }

    /// Samples a second that all workers together transform exactly when they have not to read them:
    /// what `make bench` measures reading against.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub async fn speed_in_memory(
        &self,
        spectrum: SpectrumSettings,
        duration_ms: f64,
    ) -> Result<f64, String> {
        let answers =
            state::ask_all(&self.state, |job| Order::Speed { job, spectrum, duration_ms }).await?;
        let speed = |a: &Answer| match a {
            Answer::Speed { samples_per_s, .. } => *samples_per_s,
            _ => 0.0,
        };
        Ok(answers.iter().map(speed).sum())
    }

    /// Transforms noise until something is opened, for a moment at most: browsers compile what runs
    /// often once more and better, and the plan learns how fast this machine is.
    pub async fn warm_up(&self) {
        const TURNS: usize = 8;
        const TURN_MS: f64 = 50.0;
        let settings = SpectrumSettings::default();
        for _ in 0..TURNS {
            if self.state.borrow().line.is_some() {
                return;
            }
            let Ok(speed) = self.speed_in_memory(settings, TURN_MS).await else { return };
            let mut state = self.state.borrow_mut();
            let of_one = speed / state.workers as f64;
            state.speed.learn_in_memory(&settings, of_one);
        }
    }

    /// What computed the last columns: `cpu`, or `gpu: <adapter>`.
    pub fn backend(&self) -> String {
        match &self.state.borrow().drawn_on {
            Some(adapter) => format!("gpu: {adapter}"),
            None => "cpu".to_owned(),
        }
    }

    /// Bytes read from disk and net since the page was loaded.
    pub fn bytes_read(&self) -> u64 {
        self.state.borrow().bytes_read
    }

    /// Plays a range. Must be called from a click or a key.
    pub fn play(&self, request: PlayRequest) {
        player::play(&self.state, request);
    }

    /// Stops.
    pub fn stop(&self) {
        player::stop(&self.state);
    }

    /// Sounds no louder than this share of full scale, from 0 to 1.
    pub fn set_volume(&self, at_most: f64) {
        self.state.borrow_mut().player.set_volume(at_most);
    }

    /// What is heard now.
    pub fn playing(&self) -> Playing {
        player::playing(&self.state)
    }
}
