//! Gestures on the picture and the waveform: mouse, pen, touch and wheel.
//!
//! | | mouse | touch |
//! |---|---|---|
//! | box | drag | *Box* button or long press, then drag |
//! | pan | Shift+drag, middle button, wheel | one finger |
//! | zoom time, frequency | Ctrl+wheel, Alt+wheel | pinch, each axis by its own spread |
//! | zoom in | double click | double tap |
//! | back | | two-finger tap |
//! | cursor A (B) | click (Ctrl+click) | tap |

use std::ops::Range;

use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use web_sys::{PointerEvent, WheelEvent};

use super::boxes::{PixelBox, Sides, dragged};
use super::call_marks::call_at;
use super::layout::Layout;
use crate::calls;
use crate::frame::{Frame, selection_of, selection_positions};
use crate::session::{Point, Session};

/// A drag shorter than this is a click, CSS pixels.
const SLOP_PX: f64 = 4.0;
/// Reach of a handle: half of 16 px for a mouse, of 32 px for a finger.
const REACH_MOUSE_PX: f64 = 8.0;
const REACH_TOUCH_PX: f64 = 16.0;
/// How long a finger rests until it draws, ms.
const LONG_PRESS_MS: u32 = 450;
/// Longest tap, and longest time between the taps of a double tap, ms.
const TAP_MS: f64 = 300.0;
/// Fingers nearer than this on an axis do not zoom it: the hand's tremble would.
const PINCH_MIN_PX: f64 = 24.0;
/// Zoom of one wheel pixel: a notch of 100 px is a factor of 1.2.
const WHEEL_ZOOM: f64 = 0.0018;

#[derive(Clone, Debug)]
enum Drag {
    /// Pressed, and not yet known what it becomes.
    Pressed,
    Box,
    Sides {
        sides: Sides,
        positions: Range<f64>,
        band_hz: (f64, f64),
    },
    Pan,
    Pinch,
}

/// One pointer that is down.
#[derive(Clone, Copy, Debug)]
struct Finger {
    id: i32,
    first: (f64, f64),
    last: (f64, f64),
}

/// What the hands are doing; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Gestures {
    session: Session,
    hands: StoredValue<Hands, LocalStorage>,
    commit: Callback<()>,
    back: Callback<()>,
}

#[derive(Default)]
struct Hands {
    fingers: Vec<Finger>,
    drag: Option<Drag>,
    since_ms: f64,
    long_press: Option<Timeout>,
    last_tap: Option<(f64, (f64, f64))>,
    /// Two fingers were down at some time of this touch, and did not move.
    two_finger_tap: bool,
    /// How often Esc had been pressed when the drag began.
    escapes: u32,
}

impl Gestures {
    /// `commit` makes the view an entry of the history, `back` goes one back.
    pub fn new(session: Session, commit: Callback<()>, back: Callback<()>) -> Gestures {
        Gestures { session, hands: StoredValue::new_local(Hands::default()), commit, back }
    }

    /// A pointer went down.
    pub fn down(&self, ev: &PointerEvent, layout: &Layout) {
        let at = layout.local(ev.client_x(), ev.client_y());
        let touch = ev.pointer_type() == "touch";
        let session = self.session;
        let Some(frame) = session.frame_now() else { return };
        let mut next = None;
        self.hands.update_value(|h| {
            h.fingers.retain(|f| f.id != ev.pointer_id());
            h.fingers.push(Finger { id: ev.pointer_id(), first: at, last: at });
            h.long_press = None;
            match h.fingers.len() {
                1 => {
                    h.since_ms = ev.time_stamp();
                    h.two_finger_tap = false;
                    h.escapes = session.escapes.get_value();
                    let reach = if touch { REACH_TOUCH_PX } else { REACH_MOUSE_PX };
                    h.drag = Some(if ev.button() == 1 || ev.shift_key() && !touch {
                        Drag::Pan
                    } else if let Some(grabbed) = grab(session, &frame, layout, at, reach) {
                        grabbed
                    } else {
                        Drag::Pressed
                    });
                    next = (touch && matches!(h.drag, Some(Drag::Pressed))).then_some(());
                }
                2 => {
                    h.drag = Some(Drag::Pinch);
                    h.two_finger_tap = true;
                }
                _ => h.two_finger_tap = false,
            }
        });
        if next.is_some() {
            let gestures = *self;
            let timer = Timeout::new(LONG_PRESS_MS, move || {
                gestures.hands.update_value(|h| {
                    if matches!(h.drag, Some(Drag::Pressed)) {
                        h.drag = Some(Drag::Box);
                    }
                });
            });
            self.hands.update_value(|h| h.long_press = Some(timer));
        }
    }

    /// A pointer moved, pressed or not.
    pub fn moved(&self, ev: &PointerEvent, layout: &Layout) {
        let at = layout.local(ev.client_x(), ev.client_y());
        let Some(frame) = self.session.frame_now() else { return };
        if ev.pointer_type() != "touch" || self.hands.with_value(|h| h.fingers.len() == 1) {
            self.session.pointer.set(Some(point(&frame, layout, at)));
        }
        let touch = ev.pointer_type() == "touch";
        let session = self.session;
        let mut work: Option<Work> = None;
        self.hands.update_value(|h| {
            let Some(i) = h.fingers.iter().position(|f| f.id == ev.pointer_id()) else { return };
            let before = h.fingers.clone();
            h.fingers[i].last = at;
            if h.escapes != session.escapes.get_value() {
                h.drag = None;
                return;
            }
            let finger = h.fingers[i];
            let far = distance(finger.first, at) > if touch { 2.0 * SLOP_PX } else { SLOP_PX };
            if far {
                h.two_finger_tap = false;
                if matches!(h.drag, Some(Drag::Pressed)) {
                    h.long_press = None;
                    let draw = !touch || session.box_tool.get_untracked();
                    h.drag = Some(if draw { Drag::Box } else { Drag::Pan });
                }
            }
            work = match &h.drag {
                Some(Drag::Box) => Some(Work::Box(finger.first, at)),
                Some(Drag::Sides { sides, positions, band_hz }) => {
                    Some(Work::Sides(*sides, positions.clone(), *band_hz, finger.first, at))
                }
                Some(Drag::Pan) => Some(Work::Pan(before[i].last, at)),
                Some(Drag::Pinch) if h.fingers.len() == 2 => Some(Work::Pinch(
                    [before[0].last, before[1].last],
                    [h.fingers[0].last, h.fingers[1].last],
                )),
                _ => None,
            };
        });
        if let Some(work) = work {
            self.work(work, layout, &frame);
        }
    }

    /// A pointer went up.
    pub fn up(&self, ev: &PointerEvent, layout: &Layout) {
        let at = layout.local(ev.client_x(), ev.client_y());
        let mut ended = None;
        self.hands.update_value(|h| {
            h.fingers.retain(|f| f.id != ev.pointer_id());
            h.long_press = None;
            if h.fingers.is_empty() {
                ended = h.drag.take().map(|d| (d, ev.time_stamp() - h.since_ms, h.two_finger_tap));
            } else if matches!(h.drag, Some(Drag::Pinch)) {
                // The finger that stays pans on from where it is.
                h.drag = Some(if h.two_finger_tap { Drag::Pinch } else { Drag::Pan });
            }
        });
        let Some((drag, lasted_ms, two_finger_tap)) = ended else { return };
        match drag {
            Drag::Pressed => self.click(ev, layout, at),
            Drag::Pinch if two_finger_tap && lasted_ms < TAP_MS => self.back.run(()),
            Drag::Box => {
                self.session.box_tool.set(false);
                self.commit.run(());
            }
            Drag::Sides { .. } => {
                self.follow_selection();
                self.commit.run(());
            }
            _ => self.commit.run(()),
        }
    }

    /// The browser took the pointer away.
    pub fn cancel(&self) {
        self.hands.update_value(|h| *h = Hands::default());
    }

    /// Whether a box is being drawn, moved or resized.
    pub fn is_dragging(&self) -> bool {
        self.hands.with_value(|h| matches!(h.drag, Some(Drag::Box | Drag::Sides { .. })))
    }

    /// The wheel was turned over the picture or the waveform.
    pub fn wheel(&self, ev: &WheelEvent, layout: &Layout) {
        ev.prevent_default();
        let (x, y) = layout.local(ev.client_x(), ev.client_y());
        let (dx, dy) = wheel_pixels(ev);
        let fx = x / layout.width;
        let fy = layout.picture_fraction(y).unwrap_or(0.5);
        self.session.change_frame(|f| {
            if ev.ctrl_key() || ev.meta_key() {
                f.zoom_time(fx, (dy * WHEEL_ZOOM).exp());
            } else if ev.alt_key() {
                f.zoom_band(fy, (dy * WHEEL_ZOOM).exp());
            } else {
                f.pan((dx + dy) / layout.width, 0.0);
            }
        });
        self.session.pointer.set(None);
    }

    /// What a mouse would do at a place, as a CSS cursor.
    pub fn css_cursor(&self, layout: &Layout, at: (f64, f64), shift: bool) -> &'static str {
        let Some(frame) = self.session.frame_now() else { return "default" };
        match grab(self.session, &frame, layout, at, REACH_MOUSE_PX) {
            Some(Drag::Sides { sides, .. }) => sides.css_cursor(),
            _ if shift => "grab",
            _ => "crosshair",
        }
    }

    fn work(&self, work: Work, layout: &Layout, frame: &Frame) {
        let session = self.session;
        let Some(open) = session.open.get_untracked() else { return };
        match work {
            Work::Box(from, to) => {
                let (a, b) = (point(frame, layout, from), point(frame, layout, to));
                let band = match (
                    layout.picture_fraction(from.1),
                    layout.picture_fraction_clamped(to.1),
                ) {
                    (Some(y0), y1) => (frame.hz_at(y0), frame.hz_at(y1)),
                    // Drawn on the waveform: all that is heard.
                    (None, _) => frame.band_hz,
                };
                session.labels.chosen.set(None);
                session.calls.choose_none();
                session.select(Some(selection_of(a.position..b.position, band, &open.line)));
            }
            Work::Sides(sides, positions, band_hz, from, to) => {
                let by = (to.0 - from.0) / layout.width * frame.span();
                let hz = |y: f64| frame.hz_at(layout.picture_fraction_clamped(y));
                let up = hz(to.1) - hz(from.1);
                let end = open.line.end() as f64;
                let (positions, band) =
                    dragged(&positions, band_hz, sides, by, up, end, frame.nyquist_hz);
                session.select(Some(selection_of(positions, band, &open.line)));
            }
            Work::Pan(from, to) => session.change_frame(|f| {
                let dy = (to.1 - from.1) / layout.picture_height;
                f.pan((from.0 - to.0) / layout.width, dy);
            }),
            Work::Pinch(from, to) => session.change_frame(|f| pinch(f, layout, from, to)),
        }
    }

    fn click(&self, ev: &PointerEvent, layout: &Layout, at: (f64, f64)) {
        let Some(frame) = self.session.frame_now() else { return };
        let now = ev.time_stamp();
        let mut double = false;
        self.hands.update_value(|h| {
            double = h.last_tap.is_some_and(|(t, p)| now - t < TAP_MS && distance(p, at) < 30.0);
            h.last_tap = (!double).then_some((now, at));
        });
        if double {
            let y = layout.picture_fraction(at.1);
            self.session.change_frame(|f| {
                f.zoom_time(at.0 / layout.width, 0.5);
                if let Some(y) = y.filter(|_| ev.pointer_type() == "touch") {
                    f.zoom_band(y, 0.5);
                }
            });
            self.commit.run(());
            return;
        }
        let point = point(&frame, layout, at);
        if let Some(id) = self.label_at(&point, &frame) {
            choose_label(self.session, id);
            return;
        }
        let open = self.session.open.get_untracked();
        if let Some((run, call)) = open.and_then(|open| call_at(self.session, &point, &open)) {
            calls::choose(self.session, run, call, false);
            return;
        }
        self.session.labels.chosen.set(None);
        self.session.calls.choose_none();
        let which = usize::from(ev.ctrl_key() || ev.meta_key());
        self.session.cursors.update(|c| c[which] = Some(point));
    }

    /// The smallest label under a point.
    fn label_at(&self, point: &Point, frame: &Frame) -> Option<u64> {
        let open = self.session.open.get_untracked()?;
        let hz = point.hz?;
        let ns = open.line.nanos_at(point.position as i64);
        self.session.labels.all.with_untracked(|all| {
            all.iter()
                .filter(|a| (a.start_ns..=a.end_ns).contains(&ns))
                .filter(|a| {
                    let low = a.low_hz.unwrap_or(0.0);
                    let high = a.high_hz.unwrap_or(frame.nyquist_hz);
                    (low..=high).contains(&hz)
                })
                .min_by_key(|a| a.end_ns - a.start_ns)
                .map(|a| a.id)
        })
    }

    /// A chosen label follows the box that was moved or resized.
    fn follow_selection(&self) {
        let Some(id) = self.session.labels.chosen.get_untracked() else { return };
        crate::label_actions::fit_to_selection(self.session, id);
    }
}

enum Work {
    Box((f64, f64), (f64, f64)),
    Sides(Sides, Range<f64>, (f64, f64), (f64, f64), (f64, f64)),
    Pan((f64, f64), (f64, f64)),
    Pinch([(f64, f64); 2], [(f64, f64); 2]),
}

/// Chooses a label and selects its box, so that its handles can be dragged.
pub fn choose_label(session: Session, id: u64) {
    session.calls.choose_none();
    session.labels.chosen.set(Some(id));
    crate::label_actions::select_box_of(session, id);
}

/// Pixels of a wheel event, whatever unit the mouse counts in.
pub fn wheel_pixels(ev: &WheelEvent) -> (f64, f64) {
    let unit = match ev.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => 16.0,
        WheelEvent::DOM_DELTA_PAGE => 400.0,
        _ => 1.0,
    };
    (ev.delta_x() * unit, ev.delta_y() * unit)
}

/// The zoom that a wheel event asks for; below 1 zooms in.
pub fn wheel_factor(ev: &WheelEvent) -> f64 {
    (wheel_pixels(ev).1 * WHEEL_ZOOM).exp()
}

/// The selection's rectangle on the picture.
pub fn selection_box(session: Session, frame: &Frame, layout: &Layout) -> Option<PixelBox> {
    let selection = session.view.with_untracked(|v| v.selection)?;
    let open = session.open.get_untracked()?;
    let positions = selection_positions(&selection, &open.line);
    let y = |hz: f64| frame.y_of(hz) * layout.picture_height;
    Some(PixelBox {
        left: frame.x_of(positions.start) * layout.width,
        right: frame.x_of(positions.end) * layout.width,
        top: y(selection.band_hz.1),
        bottom: y(selection.band_hz.0).min(layout.picture_height * 2.0),
    })
}

fn grab(
    session: Session,
    frame: &Frame,
    layout: &Layout,
    at: (f64, f64),
    reach: f64,
) -> Option<Drag> {
    let in_picture = (at.0, at.1 - layout.picture_top);
    if in_picture.1 < -reach {
        return None;
    }
    let sides = selection_box(session, frame, layout)?.handle_at(in_picture, reach)?;
    let selection = session.view.with_untracked(|v| v.selection)?;
    let open = session.open.get_untracked()?;
    let positions = selection_positions(&selection, &open.line);
    Some(Drag::Sides { sides, positions, band_hz: selection.band_hz })
}

fn point(frame: &Frame, layout: &Layout, at: (f64, f64)) -> Point {
    Point {
        position: frame.position_at((at.0 / layout.width).clamp(0.0, 1.0)),
        hz: layout.picture_fraction(at.1).map(|y| frame.hz_at(y)),
    }
}

/// What was under the fingers stays under them, each axis for itself.
fn pinch(frame: &mut Frame, layout: &Layout, from: [(f64, f64); 2], to: [(f64, f64); 2]) {
    let middle = |p: [(f64, f64); 2]| ((p[0].0 + p[1].0) / 2.0, (p[0].1 + p[1].1) / 2.0);
    let spread = |p: [(f64, f64); 2]| ((p[0].0 - p[1].0).abs(), (p[0].1 - p[1].1).abs());
    let factor = |a: f64, b: f64| if a.min(b) < PINCH_MIN_PX { 1.0 } else { a / b };
    let ((fx, fy), (tx, ty)) = (middle(from), middle(to));
    let ((sx, sy), (nx, ny)) = (spread(from), spread(to));
    frame.pan((fx - tx) / layout.width, (ty - fy) / layout.picture_height);
    frame.zoom_time(tx / layout.width, factor(sx, nx));
    frame.zoom_band(layout.picture_fraction_clamped(ty), factor(sy, ny));
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}
