//! Drawing: everything that the view changes, in one animation frame.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use leptos::html;
use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::view::{ColourMap, FrequencyAxis, Statistic};
use spyhop_paint::{
    Column, ColumnSource, Folded, Found, FrequencyScale, RasterSpec, Theme, raster,
};
use web_sys::HtmlCanvasElement;

use super::canvas::Surface;
use super::{axes, overlay, overview, time_axis, waveform};
use crate::clock::now_ms;
use crate::contrast::{self, Medians, flatten_wanted, median_columns};
use crate::engine::Wanted;
use crate::frame::{Frame, folded_width};
use crate::prefs::Brightness;
use crate::session::{OpenSet, Session};

/// The most pixels of a raster along a CSS pixel.
const DENSEST: f64 = 2.0;
/// How long a view rests until it is drawn with all of them, ms.
const SHARP_AFTER_MS: u32 = 150;

/// How many times as large words and lines are drawn for a room.
const PROJECTED: f64 = 1.5;
/// What is drawn of a picture until a frame has taken this; the rest is drawn in the next one, ms.
const FRAME_MS: f64 = 20.0;

/// The canvases of the viewer.
#[derive(Clone, Copy)]
pub struct Canvases {
    pub overview: NodeRef<html::Canvas>,
    pub overview_marks: NodeRef<html::Canvas>,
    pub wave_axis: NodeRef<html::Canvas>,
    pub waveform: NodeRef<html::Canvas>,
    pub frequency_axis: NodeRef<html::Canvas>,
    pub spectrogram: NodeRef<html::Canvas>,
    pub overlay: NodeRef<html::Canvas>,
    pub time_axis: NodeRef<html::Canvas>,
    pub colour_bar: NodeRef<html::Canvas>,
}

impl Canvases {
    /// None on the page yet.
    pub fn new() -> Canvases {
        Canvases {
            overview: NodeRef::new(),
            overview_marks: NodeRef::new(),
            wave_axis: NodeRef::new(),
            waveform: NodeRef::new(),
            frequency_axis: NodeRef::new(),
            spectrogram: NodeRef::new(),
            overlay: NodeRef::new(),
            time_axis: NodeRef::new(),
            colour_bar: NodeRef::new(),
        }
    }
}

/// What is out of date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dirty {
    /// The picture and everything around it.
    pub picture: bool,
    /// What lies over the picture: crosshair, boxes, cursors, play head.
    pub overlay: bool,
}

/// What a picture is drawn of, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Spectrogram,
    Overview,
    Waveform,
    Axes,
}

const PARTS: [Part; 4] = [Part::Spectrogram, Part::Overview, Part::Waveform, Part::Axes];

/// What all parts of a picture are drawn from.
struct Look {
    view: View,
    wanted: Wanted,
    whole: Wanted,
    flat: Option<Wanted>,
    medians: Option<Medians>,
    range_db: (f64, f64),
    /// Something is there for every place of the picture and the overview.
    is_whole: bool,
}

/// Draws what is out of date at the next animation frame; clones share it.
#[derive(Clone)]
pub struct Painter {
    session: Session,
    canvases: Canvases,
    dirty: Rc<Cell<Dirty>>,
    waiting: Rc<Cell<bool>>,
    /// Parts of the picture that are out of date, those that have waited longest first.
    parts: Rc<RefCell<VecDeque<Part>>>,
    /// How often this looked or drew a part.
    steps: Rc<Cell<usize>>,
    /// The spectrogram was drawn last with something at every place.
    drew_whole: Rc<Cell<bool>>,
    /// Becomes true once everything was drawn so.
    is_seen: RwSignal<bool>,
    /// The view has not moved for a moment: the picture may take the time for every pixel of the screen.
    rests: Rc<Cell<bool>>,
    resting: Rc<RefCell<Option<Timeout>>>,
    /// What was drawn with every pixel last, if it was the last.
    sharp: Rc<RefCell<Option<Wanted>>>,
    pixels: Rc<RefCell<Vec<u8>>>,
    overview_drawn: Rc<RefCell<Option<overview::Drawn>>>,
    /// Samples fetched for pictures that are finer than the engine's columns.
    samples: waveform::Fetched,
}

impl Painter {
    /// Draws on `canvases` what `session` says.
    pub fn new(session: Session, canvases: Canvases) -> Painter {
        Painter {
            session,
            canvases,
            dirty: Rc::default(),
            waiting: Rc::default(),
            parts: Rc::default(),
            steps: Rc::default(),
            drew_whole: Rc::default(),
            is_seen: RwSignal::new(false),
            rests: Rc::default(),
            resting: Rc::default(),
            sharp: Rc::default(),
            pixels: Rc::default(),
            overview_drawn: Rc::default(),
            samples: waveform::Fetched::default(),
        }
    }

    /// Whether a first picture of everything on the screen was drawn: its pixels are on the screen after
    /// the frame in which this becomes true.
    pub fn is_seen(&self) -> ReadSignal<bool> {
        self.is_seen.read_only()
    }

    /// Marks something as out of date.
    pub fn mark(&self, dirty: Dirty) {
        let d = self.dirty.get();
        self.dirty.set(Dirty {
            picture: d.picture || dirty.picture,
            overlay: d.overlay || dirty.overlay,
        });
        if self.waiting.replace(true) {
            return;
        }
        let painter = self.clone();
        request_animation_frame(move || {
            painter.waiting.set(false);
            let dirty = painter.dirty.take();
            // Nothing is drawn while the canvases have no size: the observer of sizes asks again.
            let _ = painter.draw(dirty);
        });
    }

    /// Pixels of the picture along a CSS pixel: all that the screen has for what rests.
    fn density(&self, wanted: &Wanted, screen: f64) -> f64 {
        let rests = self.rests.replace(false) || self.sharp.borrow().as_ref() == Some(wanted);
        self.sharp.replace(rests.then(|| wanted.clone()));
        if rests {
            return screen;
        }
        if screen > 1.0 {
            self.sharpen_soon();
        }
        1.0
    }

    /// Draws the picture again with every pixel of a dense screen once nothing moves any more.
    fn sharpen_soon(&self) {
        let painter = self.clone();
        let timer = Timeout::new(SHARP_AFTER_MS, move || {
            painter.rests.set(true);
            painter.mark(Dirty { picture: true, overlay: true });
        });
        // The one before is forgotten, and with it its drawing.
        self.resting.replace(Some(timer));
    }

    fn draw(&self, dirty: Dirty) -> Option<()> {
        // The viewer may have left the page since this frame was asked for.
        self.canvases.overlay.try_get_untracked().flatten()?;
        let open = self.session.open.get_untracked()?;
        let frame = self.session.frame_now()?;
        let theme = theme(self.session);
        if dirty.picture {
            let mut parts = self.parts.borrow_mut();
            let fresh = PARTS.into_iter().filter(|part| !parts.contains(part));
            let fresh: Vec<Part> = fresh.collect();
            parts.extend(fresh);
        }
        self.picture(&open, &frame, &theme)?;
        let marks = Surface::of(&self.canvases.overview_marks.get_untracked()?)?;
        overview::marks(self.session, &open, &frame, &theme, &marks);
        let by = self.enlarged_by();
        let overlay = Surface::enlarged(&self.canvases.overlay.get_untracked()?, by)?;
        let layout = self.layout()?.enlarged(by);
        overlay::draw(self.session, &open, &frame, &theme, &overlay, &layout);
        Some(())
    }

    /// Draws the parts that are out of date, as many as a frame has time for.
    fn picture(&self, open: &OpenSet, frame: &Frame, theme: &Theme) -> Option<()> {
        if self.parts.borrow().is_empty() {
            return Some(());
        }
        let begun_ms = now_ms();
        let look = self.look(open, frame)?;
        if self.steps.get() == 0 {
            // The workers know what to do now; what is drawn of nothing can wait a frame.
            self.steps.set(1);
            self.mark(Dirty::default());
            return Some(());
        }
        loop {
            let Some(part) = self.parts.borrow().front().copied() else { return Some(()) };
            match part {
                Part::Spectrogram => {
                    self.spectrogram(&look, open, frame, theme)?;
                    self.drew_whole.set(look.is_whole);
                }
                Part::Overview => self.overview(&look, open, frame, theme)?,
                Part::Waveform => self.waveform(&look, frame, theme)?,
                Part::Axes => self.axes(&look, open, frame, theme)?,
            }
            self.parts.borrow_mut().pop_front();
            self.steps.set(self.steps.get().saturating_add(1));
            if self.parts.borrow().is_empty()
                && self.drew_whole.get()
                && !self.is_seen.get_untracked()
            {
                self.is_seen.set(true);
            }
            // What is drawn for the first time gets its memory: a frame for each.
            let first = self.steps.get() <= PARTS.len();
            if first || now_ms() - begun_ms > FRAME_MS {
                if !self.parts.borrow().is_empty() {
                    self.mark(Dirty::default());
                }
                return Some(());
            }
        }
    }

    /// How many times as large words and lines are drawn.
    fn enlarged_by(&self) -> f64 {
        if self.session.prefs.projector.get_untracked() { PROJECTED } else { 1.0 }
    }

    /// Where things lie under the pointer.
    pub fn layout(&self) -> Option<super::layout::Layout> {
        super::layout::Layout::of(
            &self.canvases.overlay.get_untracked()?,
            &self.canvases.waveform.get_untracked()?,
            &self.canvases.spectrogram.get_untracked()?,
        )
    }

    /// Says what is shown, to the engine too.
    fn look(&self, open: &OpenSet, frame: &Frame) -> Option<Look> {
        let session = self.session;
        let screen = screen_density();
        let canvas = self.canvases.spectrogram.get_untracked()?;
        let view = session.view.get_untracked();
        let wanted = Wanted {
            positions: frame.positions(),
            width_px: folded_width(f64::from(canvas.client_width()) * screen, frame, &frame.places),
            height_px: (f64::from(canvas.client_height()) * screen) as u32,
            band_hz: frame.band_hz,
            spectrum: view.spectrum,
            channel: view.channel,
        };
        let overview = Surface::of_pixels(&self.canvases.overview.get_untracked()?, 1.0)?;
        let whole = overview::wanted(&overview, frame, &view);
        let over = view.flatten_s.map(|s| median_columns(frame, s, open, &view.spectrum));
        let nyquist_hz = frame.nyquist_hz;
        let flat = over.as_ref().map(|over| flatten_wanted(over, nyquist_hz, &view));
        let mut wants = vec![wanted.clone(), whole.clone()];
        wants.extend(flat.clone());
        let engine = session.engine();
        session.wanted.set_value(Some(wanted.clone()));
        engine.want(&wants);
        let far = engine.far(&wanted);
        if session.far.with_untracked(|held| *held != far) {
            session.far.set(far);
        }
        let progress = engine.progress();
        session.progress.set(progress);
        if view.colour.range_db.is_none() && progress.is_whole() {
            contrast::set_from_picture(session);
        }
        let range_db = contrast::shown_range(session, open);
        let medians =
            flat.as_ref().zip(over).and_then(|(w, over)| Medians::of(&engine.power(w), &over));
        let is_whole = progress.is_whole();
        Some(Look { view, wanted, whole, flat, medians, range_db, is_whole })
    }

    fn spectrogram(&self, look: &Look, open: &OpenSet, frame: &Frame, theme: &Theme) -> Option<()> {
        let canvas = self.canvases.spectrogram.get_untracked()?;
        let density = self.density(&look.wanted, screen_density());
        let surface = Surface::of_pixels(&canvas, density)?;
        let (width, height) = surface.pixels();
        let spec = RasterSpec {
            width: width as usize,
            height: height as usize,
            ..look.raster(open, frame, theme)
        };
        let source = self.session.engine().power(&look.wanted);
        self.raster(&spec, &Folded { source, fold: &frame.fold }, &surface);
        Some(())
    }

    fn waveform(&self, look: &Look, frame: &Frame, theme: &Theme) -> Option<()> {
        let wave = Surface::of(&self.canvases.waveform.get_untracked()?)?;
        let axis = self.canvases.wave_axis.get_untracked()?;
        let wave_axis = Surface::enlarged(&axis, self.enlarged_by())?;
        waveform::draw(&waveform::Job {
            session: self.session,
            engine: &self.session.engine(),
            wanted: &look.wanted,
            frame,
            theme,
            surface: &wave,
            axis: &wave_axis,
            fetched: &self.samples,
        });
        Some(())
    }

    fn axes(&self, look: &Look, open: &OpenSet, frame: &Frame, theme: &Theme) -> Option<()> {
        let by = self.enlarged_by();
        let surface = Surface::enlarged(&self.canvases.frequency_axis.get_untracked()?, by)?;
        axes::frequency(frame, theme, &surface);
        let surface = Surface::enlarged(&self.canvases.time_axis.get_untracked()?, by)?;
        time_axis::draw(&look.view, open, frame, theme, &surface);
        let surface = Surface::enlarged(&self.canvases.colour_bar.get_untracked()?, by)?;
        axes::colours(&look.view, open, look.range_db, theme, &surface);
        Some(())
    }

    fn raster(&self, spec: &RasterSpec<'_>, source: &dyn ColumnSource, surface: &Surface) {
        let mut pixels = self.pixels.borrow_mut();
        pixels.resize(spec.width * spec.height * 4, 0);
        raster(spec, source, &mut pixels);
        surface.put(&pixels, spec.width as u32, spec.height as u32);
    }

    /// The overview changes only with news, colours and size, not with every pan.
    fn overview(&self, look: &Look, open: &OpenSet, frame: &Frame, theme: &Theme) -> Option<()> {
        let surface = Surface::of_pixels(&self.canvases.overview.get_untracked()?, 1.0)?;
        let Look { view, whole, flat, .. } = look;
        let picture = look.raster(open, frame, theme);
        let drawn = overview::Drawn {
            wanted: whole.clone(),
            colours: (picture.floor_db, picture.ceiling_db, view.colour.map),
            axis: frame.axis,
            theme: *theme,
            flat: flat.clone(),
            news: self.session.news.get_untracked(),
        };
        if self.overview_drawn.borrow().as_ref() == Some(&drawn) {
            return Some(());
        }
        let spec = RasterSpec {
            width: surface.pixels().0 as usize,
            height: whole.height_px as usize,
            positions: 0.0..frame.end,
            scale: overview::scale(whole, frame.axis),
            // At a glance nothing brief is lost.
            statistic: Statistic::Max,
            ..picture
        };
        let source = self.session.engine().power(whole);
        self.raster(&spec, &Folded { source, fold: &frame.fold }, &surface);
        *self.overview_drawn.borrow_mut() = Some(drawn);
        Some(())
    }
}

impl Look {
    /// How the picture is painted, without its size.
    fn raster<'a>(&'a self, open: &'a OpenSet, frame: &Frame, theme: &Theme) -> RasterSpec<'a> {
        RasterSpec {
            width: 0,
            height: 0,
            positions: frame.places.clone(),
            scale: frame.scale(),
            floor_db: self.range_db.0 as f32,
            ceiling_db: self.range_db.1 as f32,
            calibration: open.calibration(),
            map: self.view.colour.map,
            flatten: self.medians.as_ref().map(Medians::flatten),
            statistic: self.view.statistic,
            theme: *theme,
        }
    }
}

/// Pixels of the screen along a CSS pixel, as far as they are painted.
fn screen_density() -> f64 {
    window().device_pixel_ratio().clamp(1.0, DENSEST)
}

/// Colours by the page's brightness.
pub fn theme(session: Session) -> Theme {
    match untrack(|| session.prefs.shown()) {
        Brightness::Dark => Theme::dark(),
        Brightness::Light => Theme::light(),
    }
}

/// The canvas of a reference.
pub fn element(canvas: NodeRef<html::Canvas>) -> Option<HtmlCanvasElement> {
    canvas.get_untracked()
}

/// Noise at every position, to paint before there is anything.
struct Noise(Vec<f32>);

impl ColumnSource for Noise {
    fn columns(&self, _positions: Range<f64>, each: &mut dyn FnMut(f32, Column<'_>)) -> Found {
        let (mean, max) = (&self.0, &self.0);
        let bin_hz = 24_000.0 / self.0.len() as f64;
        each(1.0, Column { mean, max, frames: 64.0, first_bin: 0.0, bins_per_row: 1.0, bin_hz });
        Found::Data
    }
}

/// Paints noise into memory, a little at a time: browsers compile what runs often once more and
/// better, and the first real picture then does not hold up the page.
pub async fn warm_up() {
    const TURNS: usize = 12;
    let (width, height) = (256, 400);
    let spec = RasterSpec {
        width,
        height,
        positions: 0.0..1.0,
        scale: FrequencyScale::new(FrequencyAxis::Linear, 0.0, 24_000.0),
        floor_db: -80.0,
        ceiling_db: -20.0,
        calibration: None,
        map: ColourMap::Inferno,
        flatten: None,
        statistic: Statistic::Both,
        theme: Theme::dark(),
    };
    let noise = Noise((1..=513).map(|i| 1e-5 * (i % 7 + 1) as f32).collect());
    let mut pixels = vec![0; width * height * 4];
    for _ in 0..TURNS {
        raster(&spec, &noise, &mut pixels);
        gloo::timers::future::TimeoutFuture::new(10).await;
    }
}
