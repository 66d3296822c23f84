//! The engine's state: what is open, what is wanted, and which worker does what.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::rc::Rc;

use futures::channel::oneshot;
use gloo::timers::callback::Timeout;
use spyhop_signal::Line;
use spyhop_words::page::engine as words;
use spyhop_workers::{Message, Sources};
use wasm_bindgen::prelude::*;

use super::cache::Cache;
use super::distant::{self, Distant};
use super::plan::{self, Kind, Piece, Planned, SAMPLED_FRAMES, Shown, Situation, Speed};
use super::player::Player;
use super::pool::Pool;
use super::queue::Queue;
use super::spare::{self, Spare};
use super::target::Target;
use super::tile::Quality;
use super::wire::{Answer, ColumnsWire, Cost, Order};
use super::{GpuChoice, Progress, Wanted};

/// Workers that transform: more would only wait for memory and for each other's files.
const MOST_WORKERS: usize = 4;
/// Jobs that a worker has at a time: it begins the second without waiting for the page.
const JOBS_AT_ONCE: usize = 2;

/// Reads from which is learnt how fast bytes come.
const LONG_READ_BYTES: u64 = 500_000;
/// How far apart what was missing is shown, and what gets better.
const SHOWN_MS: u32 = 50;
const REFINED_MS: u32 = 600;

/// Everything that clones of an engine share.
pub struct State {
    pub pool: Pool,
    pub workers: usize,
    pub line: Option<Rc<Line>>,
    /// Where the recordings of the line are.
    pub sources: Option<OpenSources>,
    /// Bytes of one frame of samples if what is open comes through the net.
    pub remote_frame_bytes: Option<f64>,
    pub cache: Cache,
    /// Pictures of more than the page transforms.
    pub distant: Distant,
    /// Pictures that the server computes, for whoever spares the net.
    pub spare: Spare,
    pub on_news: Option<Rc<dyn Fn()>>,
    pub problem: Option<String>,
    pub bytes_read: u64,
    /// The GPU that computed the last columns.
    pub drawn_on: Option<String>,
    /// What the workers' GPUs are called.
    gpu: Option<String>,
    /// Counts what was opened.
    pub turn: u32,
    pub player: Player,
    pub speed: Speed,
    wanted: Vec<Wanted>,
    /// Those of them that the page transforms.
    near: Vec<Wanted>,
    queue: Queue,
    pieces: Vec<Shown>,
    jobs: HashMap<u32, Job>,
    /// What is being worked on, or failed.
    taken: HashSet<Piece>,
    /// What failed, and whether it is worth another try.
    failed: HashMap<Piece, bool>,
    last_job: u32,
    /// Questions that wait for a worker.
    questions: VecDeque<(u32, Order)>,
    /// What may be read was learnt: the plan is to be made anew.
    replan_due: bool,
    news_due: bool,
    /// When there was news last.
    news_ms: f64,
    /// How far apart news was to be when its timer was set, and the timer.
    news_timer: Option<(u32, Timeout)>,
    this: std::rc::Weak<RefCell<State>>,
}

/// Where what is open is: for workers that are started later.
#[derive(Clone)]
pub struct OpenSources {
    pub sources: Sources,
    /// What rides along.
    pub objects: Vec<JsValue>,
    /// The source of each recording.
    pub numbers: Vec<usize>,
}

/// Who waits for a job.
struct Job {
    worker: usize,
    work: Work,
}

enum Work {
    Piece(Planned),
    Question(oneshot::Sender<Replied>),
    /// What was opened before: its answer is thrown away.
    Stale,
}

type Replied = Result<(Answer, Message), String>;

impl State {
    /// Starts the workers.
    pub fn start(gpu: GpuChoice) -> Rc<RefCell<State>> {
        let cores = web_sys::window().map_or(2.0, |w| w.navigator().hardware_concurrency());
        let workers = (cores as usize).clamp(2, MOST_WORKERS);
        Rc::new_cyclic(|this: &std::rc::Weak<RefCell<State>>| {
            let weak = this.clone();
            let mut pool = Pool::new(Rc::new(move |worker, answer, message| {
                if let Some(state) = weak.upgrade() {
                    answered(&state, worker, answer, message);
                }
            }));
            for _ in 0..workers {
                // A worker that breaks down and is started again is not told: the GPU may be why.
                let worker = pool.start();
                if gpu != GpuChoice::Off {
                    let force = gpu == GpuChoice::Force;
                    pool.tell(worker, Message::new(&Order::Gpu { force }));
                }
            }
            RefCell::new(State {
                pool,
                workers,
                line: None,
                sources: None,
                remote_frame_bytes: None,
                cache: Cache::default(),
                distant: Distant::default(),
                spare: Spare::default(),
                on_news: None,
                problem: None,
                bytes_read: 0,
                drawn_on: None,
                gpu: None,
                turn: 0,
                player: Player::default(),
                speed: Speed::default(),
                wanted: Vec::new(),
                near: Vec::new(),
                queue: Queue::default(),
                pieces: Vec::new(),
                jobs: HashMap::new(),
                taken: HashSet::new(),
                failed: HashMap::new(),
                last_job: 0,
                questions: VecDeque::new(),
                replan_due: false,
                news_due: false,
                news_ms: 0.0,
                news_timer: None,
                this: this.clone(),
            })
        })
    }

    /// Forgets what is open.
    pub fn clear(&mut self) {
        self.turn += 1;
        self.line = None;
        self.sources = None;
        self.remote_frame_bytes = None;
        self.cache.clear();
        self.distant = Distant::default();
        self.spare.clear();
        self.distant.set_sparing(self.spare.is_on());
        self.wanted.clear();
        self.near.clear();
        self.queue.clear();
        self.pieces.clear();
        self.taken.clear();
        self.failed.clear();
        self.problem = None;
        self.speed = self.speed.of_machine();
        for job in self.jobs.values_mut() {
            if let Work::Piece(_) = job.work {
                job.work = Work::Stale;
            }
        }
        for worker in 0..self.workers {
            self.pool.tell(worker, Message::new(&Order::Drop { job: self.last_job }));
        }
    }

    /// See [`super::Engine::want`].
    pub fn want(&mut self, wanted: &[Wanted]) {
        if self.wanted != wanted {
            self.wanted = wanted.to_vec();
            // The net may be back, the disk plugged in again.
            let taken = &mut self.taken;
            self.failed.retain(|piece, again| !(*again && taken.remove(piece)));
            self.distant.retry();
            self.move_spared();
            self.replan();
        }
    }

    /// The target of a picture, by the same rules as when it was wanted.
    pub fn target(&self, wanted: &Wanted, line: &Line) -> Target {
        if self.is_spared(wanted, line) {
            return self.spare.target(wanted, line);
        }
        let at = self.near.iter().position(|w| w == wanted);
        let found = at.and_then(|at| plan::targets(&self.near, line).into_iter().nth(at));
        found.unwrap_or_else(|| {
            let alone = plan::targets(std::slice::from_ref(wanted), line).into_iter().next();
            alone.unwrap_or_else(|| Target::of(wanted, line.sample_rate_hz, line.end(), 1024))
        })
    }

    /// Plans anew what is to be done for the wanted pictures.
    pub fn replan(&mut self) {
        let Some(line) = self.line.clone() else { return };
        let (far, near): (Vec<&Wanted>, Vec<&Wanted>) =
            self.wanted.iter().partition(|w| self.is_far(w));
        let (spared, near): (Vec<&Wanted>, Vec<&Wanted>) =
            near.into_iter().partition(|w| self.is_spared(w, &line));
        self.near = near.into_iter().cloned().collect();
        let far: Vec<Wanted> = far.into_iter().map(|w| self.spare.narrowed(w)).collect();
        self.distant.want(&far.iter().collect::<Vec<_>>(), &line);
        distant::dispatch_soon(self.this.clone());
        self.spare.want(&spared, &line);
        spare::dispatch_soon(self.this.clone());
        let limit = self.remote_frame_bytes.map(|frame| (frame, self.remote_bytes()));
        let recorded = line.clone();
        let affordable = move |range: Range<i64>| {
            let frames = || recorded.parts(range).map(|run| run.frames as f64).sum::<f64>();
            limit.is_none_or(|(frame, most)| frames() * frame <= most)
        };
        let mut situation = Situation {
            line: &line,
            cache: &mut self.cache,
            speed: &mut self.speed,
            workers: self.workers,
            taken: &self.taken,
            affordable: &affordable,
        };
        let plan = plan::plan(&self.near, &mut situation);
        self.queue.replace(plan.queue);
        self.pieces = plan.pieces;
        self.dispatch();
    }

    /// Whether a picture is made of the server's tiles.
    pub fn is_far(&self, wanted: &Wanted) -> bool {
        let Some((line, frame_bytes)) = self.line.as_ref().zip(self.remote_frame_bytes) else {
            return false;
        };
        let is_computed = self.spare.takes(wanted, line, Some(frame_bytes));
        self.distant.takes(wanted, line, frame_bytes, saves_data() && !is_computed)
    }

    /// Whether the server computes a picture that is not made of its tiles.
    fn is_spared(&self, wanted: &Wanted, line: &Line) -> bool {
        self.spare.takes(wanted, line, self.remote_frame_bytes) && !self.is_far(wanted)
    }

    /// Itself, for what comes later.
    pub fn weak(&self) -> std::rc::Weak<RefCell<State>> {
        self.this.clone()
    }

    /// Bytes that a picture of something remote may read for its exact form: what comes in 20 s.
    fn remote_bytes(&self) -> f64 {
        const LEAST: f64 = 8e6;
        const MOST: f64 = 1e9;
        match self.speed.bytes_per_ms {
            _ if saves_data() => 1e6,
            // Not known yet: the first pieces will tell.
            None => MOST,
            Some(speed) => (speed * 20e3 * self.workers as f64).clamp(LEAST, MOST),
        }
    }

    /// See [`super::Engine::progress`].
    pub fn progress(&self) -> Progress {
        let mut progress = Progress { tiles: self.pieces.len(), ..Progress::default() };
        // What a person looks at comes first; the overview is sampled more often than not.
        let view = self.near.iter().position(|near| self.wanted.first() == Some(near));
        for Shown { layer, place, columns, stays_sampled, picture } in &self.pieces {
            match self.cache.power(layer, *place).map(|t| t.worst(columns.clone())) {
                Some(Quality::Exact) => {
                    progress.exact += 1;
                    progress.shown += 1;
                }
                Some(Quality::Sampled) => {
                    progress.shown += 1;
                    progress.sampled += usize::from(*stays_sampled);
                    progress.view_is_sampled |= *stays_sampled && Some(*picture) == view;
                }
                _ => {
                    let (kind, place, columns) = (Kind::Exact(*layer), *place, columns.clone());
                    // Nothing more is to be waited for.
                    progress.tiles -=
                        usize::from(self.failed.contains_key(&Piece { kind, place, columns }));
                }
            }
        }
        self.distant.progress(&mut progress);
        self.spare.progress(&self.cache, &mut progress);
        progress
    }

    /// Gives work to workers that have room for it.
    fn dispatch(&mut self) {
        loop {
            let mut load = vec![0; self.workers];
            for job in self.jobs.values() {
                if let Some(load) = load.get_mut(job.worker) {
                    *load += 1;
                }
            }
            let Some((worker, load)) = load.into_iter().enumerate().min_by_key(|(_, l)| *l) else {
                return;
            };
            if load >= JOBS_AT_ONCE {
                return;
            }
            if let Some((job, order)) = self.questions.pop_front() {
                if let Some(waiting) = self.jobs.get_mut(&job) {
                    waiting.worker = worker;
                }
                self.pool.tell(worker, Message::new(&order));
                continue;
            }
            let Some(planned) = self.queue.next_for(worker) else { return };
            if !self.taken.insert(planned.piece.clone()) {
                continue;
            }
            self.last_job += 1;
            let order = order(self.last_job, &planned);
            self.pool.tell(worker, Message::new(&order));
            self.jobs.insert(self.last_job, Job { worker, work: Work::Piece(planned) });
        }
    }

    fn store(&mut self, planned: &Planned, answer: &Answer, message: &Message) {
        let Piece { kind, place, columns } = &planned.piece;
        let quality = |exact| if exact { Quality::Exact } else { Quality::Sampled };
        let cost = match (answer, kind) {
            (
                Answer::Columns { frames, exact, on_gpu, cost, .. },
                Kind::Exact(l) | Kind::Sampled(l),
            ) => {
                let quality = quality(*exact);
                self.drawn_on = self.gpu.clone().filter(|_| *on_gpu);
                let (mean, max, wave) = (message.floats(0), message.floats(1), message.floats(2));
                self.cache.change_power(*l, *place, |tile| {
                    tile.put(columns.start, &mean, &max, frames, quality);
                });
                self.cache.change_wave(l.channel, *place, |tile| {
                    tile.put(columns.start, &wave, quality);
                });
                if let Kind::Exact(_) = kind {
                    self.speed.learn_exact(&planned.spectrum, &planned.piece, cost.elapsed_ms);
                } else {
                    self.speed.learn_sampled(&planned.piece, cost.elapsed_ms);
                }
                cost
            }
            (Answer::Wave { cost, .. }, Kind::Wave(channel)) => {
                let wave = message.floats(0);
                self.cache.change_wave(*channel, *place, |tile| {
                    tile.put(columns.start, &wave, Quality::Exact);
                });
                cost
            }
            _ => return,
        };
        self.learn_bytes(cost);
        if self.is_idle() {
            self.tell_news();
        } else {
            self.tell_news_soon(if planned.order.refines() { REFINED_MS } else { SHOWN_MS });
        }
    }

    /// Whether nothing of any picture is left to be done.
    fn is_idle(&self) -> bool {
        let works = self.jobs.values().any(|job| matches!(job.work, Work::Piece(_)));
        self.queue.is_empty() && !works
    }

    /// Learns from long reads how fast bytes come.
    fn learn_bytes(&mut self, cost: &Cost) {
        self.bytes_read += cost.bytes_read;
        if cost.bytes_read < LONG_READ_BYTES || cost.read_ms <= 0.0 {
            return;
        }
        let now = cost.bytes_read as f64 / cost.read_ms;
        let held = self.speed.bytes_per_ms.replace(now);
        match held {
            Some(held) => self.speed.bytes_per_ms = Some(0.8 * held + 0.2 * now),
            None if self.remote_frame_bytes.is_some() => self.replan_due = true,
            None => {}
        }
    }

    /// Announces that there is more to draw, so long after it was announced last: painting more often
    /// takes time from those who compute.
    fn tell_news_soon(&mut self, apart_ms: u32) {
        if self.news_due || self.news_timer.as_ref().is_some_and(|(apart, _)| *apart <= apart_ms) {
            return;
        }
        let since_ms = js_sys::Date::now() - self.news_ms;
        let wait_ms = (f64::from(apart_ms) - since_ms).clamp(0.0, f64::from(apart_ms)) as u32;
        if wait_ms == 0 {
            return self.tell_news();
        }
        let state = self.this.clone();
        let timer = Timeout::new(wait_ms, move || {
            if let Some(state) = state.upgrade() {
                state.borrow_mut().tell_news();
            }
        });
        self.news_timer = Some((apart_ms, timer));
    }

    /// Announces that there is something to draw, once before the next frame.
    pub fn tell_news(&mut self) {
        self.news_timer = None;
        if self.news_due {
            return;
        }
        self.news_due = true;
        self.news_ms = js_sys::Date::now();
        let state = self.this.clone();
        let frame = Closure::once_into_js(move || {
            let Some(state) = state.upgrade() else { return };
            state.borrow_mut().news_due = false;
            let news = state.borrow().on_news.clone();
            if let Some(news) = news {
                news();
            }
        });
        if let Some(window) = web_sys::window()
            && window.request_animation_frame(frame.unchecked_ref()).is_err()
        {
            self.news_due = false;
        }
    }
}

/// Whether the browser was told to spare the net.
fn saves_data() -> bool {
    let connection = web_sys::window()
        .and_then(|w| js_sys::Reflect::get(&w.navigator(), &"connection".into()).ok());
    connection
        .filter(|c| c.is_object())
        .and_then(|c| js_sys::Reflect::get(&c, &"saveData".into()).ok())
        .is_some_and(|v| v.is_truthy())
}

fn order(job: u32, planned: &Planned) -> Order {
    let Piece { kind, place, columns } = &planned.piece;
    let first_column = place.positions(columns.clone()).start >> place.level;
    let column_samples = 1u64 << place.level;
    match kind {
        Kind::Wave(channel) => Order::Wave {
            job,
            channel: *channel,
            column_samples,
            first_column,
            columns: columns.len(),
        },
        Kind::Exact(layer) | Kind::Sampled(layer) => Order::Columns {
            job,
            columns: ColumnsWire {
                spectrum: planned.spectrum,
                channel: layer.channel,
                column_samples,
                first_column,
                columns: columns.len(),
                first_row: layer.strip.first_row,
                rows: layer.strip.rows,
                bins_per_row: layer.strip.bins_per_row,
                sampled: matches!(kind, Kind::Sampled(_)).then_some(SAMPLED_FRAMES),
            },
        },
    }
}

/// What came back from a worker.
fn answered(state: &Rc<RefCell<State>>, worker: usize, answer: Answer, message: Message) {
    let mut now = state.borrow_mut();
    let job = match &answer {
        Answer::Ready => return,
        Answer::Gpu { adapter } => {
            now.gpu = adapter.clone();
            return;
        }
        Answer::Panicked { message } => {
            gloo::console::error!(words::WORKER_BROKE_DOWN, message.as_str());
            now.lose(worker, message);
            return;
        }
        Answer::Info { job, .. }
        | Answer::Columns { job, .. }
        | Answer::Wave { job, .. }
        | Answer::Samples { job }
        | Answer::Measures { job, .. }
        | Answer::Slice { job, .. }
        | Answer::Speed { job, .. }
        | Answer::Failed { job, .. }
        | Answer::Dropped { job } => *job,
    };
    let Some(job) = now.jobs.remove(&job) else { return };
    match (job.work, answer) {
        (Work::Piece(planned), Answer::Failed { message, .. }) => {
            // The piece stays taken, so that it is not tried until the view changes.
            now.failed.insert(planned.piece, true);
            now.problem = Some(message);
            now.tell_news();
        }
        (Work::Piece(planned), answer) => {
            now.taken.remove(&planned.piece);
            now.store(&planned, &answer, &message);
        }
        (Work::Question(reply), Answer::Failed { message, .. }) => {
            let _ = reply.send(Err(message));
        }
        (Work::Question(reply), Answer::Dropped { .. }) => {
            let _ = reply.send(Err(words::ELSE_WAS_OPENED.to_owned()));
        }
        (Work::Question(reply), answer) => {
            let _ = reply.send(Ok((answer, message)));
        }
        (Work::Stale, _) => {}
    }
    if std::mem::take(&mut now.replan_due) {
        now.replan();
    }
    now.dispatch();
}

impl State {
    /// What is lost with a worker that broke down: its jobs are not tried again.
    fn lose(&mut self, worker: usize, message: &str) {
        let lost: Vec<u32> =
            self.jobs.iter().filter(|(_, j)| j.worker == worker).map(|(id, _)| *id).collect();
        let message = words::worker_lost(message);
        for job in lost.into_iter().filter_map(|id| self.jobs.remove(&id)) {
            match job.work {
                // Nobody waits any more if this fails.
                Work::Question(reply) => drop(reply.send(Err(message.clone()))),
                Work::Piece(planned) => drop(self.failed.insert(planned.piece, false)),
                Work::Stale => {}
            }
        }
        self.problem = Some(message);
        self.pool.replace(worker);
        self.tell_news();
        self.dispatch();
    }

    fn question_to(
        &mut self,
        worker: usize,
        order: &impl Fn(u32) -> Order,
    ) -> oneshot::Receiver<Replied> {
        let (reply, answer) = oneshot::channel();
        self.last_job += 1;
        self.jobs.insert(self.last_job, Job { worker, work: Work::Question(reply) });
        self.pool.tell(worker, Message::new(&order(self.last_job)));
        answer
    }

    fn question(&mut self, order: impl FnOnce(u32) -> Order) -> oneshot::Receiver<Replied> {
        let (reply, answer) = oneshot::channel();
        self.last_job += 1;
        let job = self.last_job;
        self.jobs.insert(job, Job { worker: usize::MAX, work: Work::Question(reply) });
        self.questions.push_back((job, order(job)));
        self.dispatch();
        answer
    }
}

/// Asks all workers that transform at once.
///
/// # Errors
/// With the message of the first that could not do it.
pub async fn ask_all(
    state: &Rc<RefCell<State>>,
    order: impl Fn(u32) -> Order,
) -> Result<Vec<Answer>, String> {
    let answers: Vec<_> = {
        let mut now = state.borrow_mut();
        (0..now.workers).map(|worker| now.question_to(worker, &order)).collect()
    };
    let mut all = Vec::new();
    for answer in answers {
        let answer = answer.await.unwrap_or_else(|_| Err(words::NOT_ANSWERED.to_owned()))?;
        all.push(answer.0);
    }
    Ok(all)
}

/// Asks whichever worker is free first.
///
/// # Errors
/// With the message of the worker.
pub async fn ask(
    state: &Rc<RefCell<State>>,
    order: impl FnOnce(u32) -> Order,
) -> Result<(Answer, Message), String> {
    let answer = state.borrow_mut().question(order);
    answer.await.unwrap_or_else(|_| Err(words::NOT_ANSWERED.to_owned()))
}
