//! What the whole page shares: the view, what is open, the engine, and what a person is told.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use leptos::prelude::*;
use spyhop_api::view::{Scaling, Selection, SpectrumSettings};
use spyhop_api::{Calibration, Deployment, RecordingInfo, View};
use spyhop_signal::sun::LightInterval;
use spyhop_signal::{Fold, Line};
use spyhop_words::page::kept;
use spyhop_words::page::open::and_more;
use spyhop_words::wording::levels;

use crate::calls::Calls;
use crate::commands::Action;
use crate::engine::{Engine, Far, Progress, Wanted};
use crate::frame::Frame;
use crate::guide::Guided;
use crate::labels::Labels;
use crate::pages::ServerPage;
use crate::prefs::Prefs;
use crate::quality::SetQuality;
use crate::server::token;

/// What the page is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// The first page.
    First,
    /// Something is being opened; its name.
    Opening(String),
    /// A link asks for files that are on somebody's disk.
    Asking,
    /// A recording is on the screen.
    Viewing,
    /// A page of the server's own.
    Server(ServerPage),
}

/// What is open.
pub struct OpenSet {
    pub infos: Vec<RecordingInfo>,
    pub line: Line,
    /// Name and reason of what was dropped together with it but is not shown.
    pub left_out: Vec<(String, String)>,
    pub deployment: Option<Deployment>,
    /// What turns full scale into pressure in samples that somebody published with a share.
    published: Option<Calibration>,
    /// Its gaps, folded away.
    folded: Arc<Fold>,
    flat: Arc<Fold>,
    light: OnceLock<Arc<Vec<LightInterval>>>,
}

impl OpenSet {
    /// What was opened.
    pub fn new(
        infos: Vec<RecordingInfo>,
        line: Line,
        left_out: Vec<(String, String)>,
        deployment: Option<Deployment>,
        published: Option<Calibration>,
    ) -> OpenSet {
        let folded = Arc::new(Fold::of(&line));
        let (flat, light) = (Arc::default(), OnceLock::new());
        OpenSet { infos, line, left_out, deployment, published, folded, flat, light }
    }

    /// The gaps that a view folds away.
    pub fn fold(&self, view: &View) -> Arc<Fold> {
        if view.gaps_collapsed { self.folded.clone() } else { self.flat.clone() }
    }

    /// Day and night over all of it, computed once.
    pub fn light(&self, compute: impl FnOnce() -> Vec<LightInterval>) -> Arc<Vec<LightInterval>> {
        self.light.get_or_init(|| Arc::new(compute())).clone()
    }

    /// The gaps that can be folded away, whether a view does so or not.
    pub fn recorded(&self) -> &Fold {
        &self.folded
    }

    /// Whether there is a gap to be folded away.
    pub fn has_gaps(&self) -> bool {
        !self.folded.is_flat()
    }

    /// What a person calls it.
    pub fn title(&self) -> String {
        let shown = self.shown();
        match (&self.deployment, shown.as_slice()) {
            (Some(d), _) => d.name.clone(),
            (None, [one]) => one.name.clone(),
            (None, [first, rest @ ..]) => and_more(&first.name, rest.len()),
            (None, []) => String::new(),
        }
    }

    /// The recordings that are on the line, in its order.
    pub fn shown(&self) -> Vec<&RecordingInfo> {
        on_line(&self.line, &self.infos)
    }

    /// Channels of every recording on the line.
    pub fn channels(&self) -> u32 {
        let first = self.line.runs.first().and_then(|r| self.infos.get(r.recording));
        first.map_or(1, |i| i.channels.max(1))
    }

    /// What makes pressure of full scale, where that is known.
    pub fn calibration(&self) -> Option<&Calibration> {
        let hosted = self.deployment.as_ref().and_then(|d| d.calibration.as_ref());
        hosted.or(self.published.as_ref())
    }

    /// What is added to dB re full scale at a frequency to give a level in the picture's unit; `None` where
    /// a calibration says nothing of it.
    pub fn offset_db_at(&self, hz: f64) -> Option<f64> {
        self.calibration().map_or(Some(0.0), |c| c.offset_db_at(hz))
    }

    /// The same for drawing: beyond a calibration's table that of the nearer of its ends.
    pub fn offset_db_near(&self, hz: f64) -> f64 {
        self.calibration().map_or(0.0, |c| c.offset_db_near(hz))
    }

    /// Whether its levels can be told in pressure, at some frequencies at least.
    pub fn is_calibrated(&self) -> bool {
        self.calibration().is_some()
    }

    /// The unit of a picture's levels.
    pub fn unit(&self, scaling: Scaling) -> &'static str {
        match (self.is_calibrated(), scaling) {
            (true, Scaling::Density) => levels::PRESSURE_DENSITY,
            (true, Scaling::Spectrum) => levels::PRESSURE_PER_BIN,
            (false, Scaling::Density) => levels::FULL_SCALE_DENSITY,
            (false, Scaling::Spectrum) => levels::FULL_SCALE_PER_BIN,
        }
    }
}

/// The recordings of `infos` that are on a line, in its order.
pub fn on_line<'a>(line: &Line, infos: &'a [RecordingInfo]) -> Vec<&'a RecordingInfo> {
    let mut seen = HashSet::new();
    let new = line.runs.iter().filter(|run| seen.insert(run.recording));
    new.filter_map(|run| infos.get(run.recording)).collect()
}

/// What a person is told outside of the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub kind: NoticeKind,
    pub text: String,
    /// What would help.
    pub offer: Option<Action>,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    Error,
    Warning,
    Done,
}

/// Where the pointer is, in the picture's own units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Position on the line, samples.
    pub position: f64,
    /// Frequency, Hz; `None` over the waveform.
    pub hz: Option<f64>,
}

/// What lies over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    None,
    Palette,
    Help,
    Link,
    Jump,
    Token,
    Detect,
    Share,
}

/// The tabs of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    View,
    Labels,
    Calls,
    Transcript,
    Measure,
    Levels,
    Info,
}

/// Everything shared; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Session {
    pub stage: RwSignal<Stage>,
    pub view: RwSignal<View>,
    pub open: RwSignal<Option<Arc<OpenSet>>>,
    pub labels: Labels,
    pub calls: Calls,
    pub prefs: Prefs,
    pub dialog: RwSignal<Dialog>,
    /// The link that is shown where there is no clipboard.
    pub link_text: RwSignal<String>,
    pub tab: RwSignal<Tab>,
    pub notices: RwSignal<Vec<Notice>>,
    /// Counts what the engine had to say; whoever draws reads it.
    pub news: RwSignal<u64>,
    pub progress: RwSignal<Progress>,
    pub pointer: RwSignal<Option<Point>>,
    /// Cursors A and B.
    pub cursors: RwSignal<[Option<Point>; 2]>,
    /// The next drag draws a box even on a touch screen.
    pub box_tool: RwSignal<bool>,
    pub sound: crate::playback::Sound,
    /// The play head, position on the line.
    pub play_head: RwSignal<Option<f64>>,
    /// The range of colours that the page chose last: as long as the view has it, nobody else did.
    pub automatic_range_db: StoredValue<Option<(f64, f64)>>,
    /// Counts Esc: a drag that began before the last one is forgotten.
    pub escapes: StoredValue<u32>,
    /// The picture that is drawn now.
    pub wanted: StoredValue<Option<Wanted>>,
    /// The server's tiles that it is made of, where the page does not transform it itself.
    pub far: RwSignal<Option<Far>>,
    /// Whether the administrator's token is held.
    pub is_administrator: RwSignal<bool>,
    /// How well what is open was recorded.
    pub quality: RwSignal<Arc<SetQuality>>,
    /// What a story or a class lays over the picture.
    pub guided: Guided,
    /// How much of the page is still to come; see [`Session::coming`].
    pub coming: RwSignal<u32>,
    engine: StoredValue<Engine, LocalStorage>,
}

impl Session {
    /// Starts with an empty view.
    pub fn new(engine: Engine) -> Session {
        let news = RwSignal::new(0);
        let progress = RwSignal::new(Progress::default());
        let told = engine.clone();
        engine.on_news(move || {
            progress.set(told.progress());
            news.update(|n| *n += 1);
        });
        let view = RwSignal::new(View::default());
        let session = Session {
            stage: RwSignal::new(Stage::First),
            view,
            open: RwSignal::new(None),
            labels: Labels::new(),
            calls: Calls::new(view),
            prefs: Prefs::load(),
            dialog: RwSignal::new(Dialog::None),
            link_text: RwSignal::new(String::new()),
            tab: RwSignal::new(Tab::View),
            notices: RwSignal::new(Vec::new()),
            news,
            progress,
            pointer: RwSignal::new(None),
            cursors: RwSignal::new([None, None]),
            box_tool: RwSignal::new(false),
            sound: crate::playback::Sound::new(),
            play_head: RwSignal::new(None),
            automatic_range_db: StoredValue::new(None),
            escapes: StoredValue::new(0),
            wanted: StoredValue::new(None),
            far: RwSignal::new(None),
            is_administrator: RwSignal::new(token::is_held()),
            quality: RwSignal::new(Arc::default()),
            guided: Guided::new(),
            coming: RwSignal::new(0),
            engine: StoredValue::new_local(engine),
        };
        crate::calls::start(session);
        Effect::new(move |_| {
            session.labels.all.track();
            session.labels.shared.keeper.track();
            crate::shared_labels::tell(session);
        });
        Effect::new(move |before: Option<Option<String>>| {
            session.news.track();
            let problem = session.engine().problem();
            if let Some(text) = problem.clone().filter(|_| before.flatten() != problem) {
                session.tell(NoticeKind::Error, text);
            }
            problem
        });
        session
    }

    /// Something of the page is still to come, for as long as what this gives is held: the page says that
    /// it is loading.
    pub fn coming(&self) -> Coming {
        self.coming.update(|n| *n += 1);
        Coming(self.coming)
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.engine.get_value()
    }

    /// The frame of what is on the screen; `None` while nothing is open. Tracks.
    pub fn frame(&self) -> Option<Frame> {
        self.open.with(|o| o.as_ref().map(|o| self.view.with(|v| Frame::of(v, &o.line, o.fold(v)))))
    }

    /// The frame without tracking.
    pub fn frame_now(&self) -> Option<Frame> {
        untrack(|| self.frame())
    }

    /// Changes the frame.
    pub fn change_frame(&self, change: impl FnOnce(&mut Frame)) {
        let Some(open) = self.open.get_untracked() else { return };
        let mut frame = self.view.with_untracked(|v| Frame::of(v, &open.line, open.fold(v)));
        change(&mut frame);
        self.view.update(|v| frame.write_to(v, &open.line));
    }

    /// Changes the transform.
    pub fn change_spectrum(&self, change: impl FnOnce(&mut SpectrumSettings)) {
        self.view.update(|v| change(&mut v.spectrum));
    }

    /// Sets or clears the selection.
    pub fn select(&self, selection: Option<Selection>) {
        if self.view.with_untracked(|v| v.selection != selection) {
            self.view.update(|v| v.selection = selection);
        }
    }

    /// Asks for everything to be drawn again.
    pub fn redraw(&self) {
        self.news.update(|n| *n += 1);
    }

    /// Tells a person something.
    pub fn tell(&self, kind: NoticeKind, text: impl Into<String>) {
        self.tell_and_offer(kind, text, None);
    }

    /// Tells a person under which keys of the browser lies what was kept there and can't be read.
    pub fn tell_laid_aside(&self, what: &str, keys: &[String]) {
        if !keys.is_empty() {
            let text = kept::unreadable(what, keys.join(", "));
            self.tell(NoticeKind::Warning, text);
        }
    }

    /// Tells a person something, with what they may do about it.
    pub fn tell_and_offer(&self, kind: NoticeKind, text: impl Into<String>, offer: Option<Action>) {
        let text = text.into();
        let id = self.notices.with_untracked(|n| n.last().map_or(1, |n| n.id + 1));
        self.notices.update(|n| {
            n.retain(|old| old.text != text);
            n.push(Notice { id, kind, text, offer });
            if n.len() > 4 {
                n.remove(0);
            }
        });
        if kind == NoticeKind::Done {
            let notices = self.notices;
            gloo::timers::callback::Timeout::new(4000, move || {
                notices.update(|n| n.retain(|n| n.id != id));
            })
            .forget();
        }
    }
}

/// Counts something that is still to come, until it is dropped.
pub struct Coming(RwSignal<u32>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.update(|n| *n = n.saturating_sub(1));
    }
}

/// The page's session.
pub fn use_session() -> Session {
    expect_context::<Session>()
}
