//! Gestures beside the picture: overview bar, axes, colour bar.

use leptos::prelude::*;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{Element, Event, PointerEvent, WheelEvent};

use super::axes::MARGIN_PX;
use super::gestures::{wheel_factor, wheel_pixels};
use super::overview::{self, Hold};
use crate::contrast;
use crate::session::Session;

/// A drag shorter than this is a click, CSS pixels.
const SLOP_PX: f64 = 4.0;
/// The narrowest range of colours, dB.
const MIN_RANGE_DB: f64 = 3.0;

/// What is dragged beside the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Drag {
    Brush {
        hold: Hold,
        first: f64,
        last: f64,
    },
    Time {
        last: f64,
    },
    /// A stretch of the frequency axis, as fractions of its height.
    Band {
        from: f64,
        to: f64,
    },
    BandPan {
        last: f64,
    },
    Colours {
        ceiling: bool,
        last: f64,
    },
}

/// Gestures on everything around the picture; a copy is a handle.
#[derive(Clone, Copy)]
pub struct SideGestures {
    session: Session,
    drag: StoredValue<Option<Drag>>,
    /// The stretch of the frequency axis that is being drawn, fractions from the top.
    pub drawn_band: RwSignal<Option<(f64, f64)>>,
    commit: Callback<()>,
}

impl SideGestures {
    /// `commit` makes the view an entry of the history.
    pub fn new(session: Session, commit: Callback<()>) -> SideGestures {
        SideGestures {
            session,
            drag: StoredValue::new(None),
            drawn_band: RwSignal::new(None),
            commit,
        }
    }

    /// A press on the overview bar.
    pub fn overview_down(&self, ev: &PointerEvent) {
        let Some((x, _, w, _)) = place(ev) else { return };
        let Some(frame) = self.session.frame_now() else { return };
        let hold = overview::hold(&frame, w, x);
        self.begin(ev, Drag::Brush { hold, first: x / w, last: x / w });
    }

    /// A press on the time axis.
    pub fn time_down(&self, ev: &PointerEvent) {
        if let Some((x, _, w, _)) = place(ev) {
            self.begin(ev, Drag::Time { last: x / w });
        }
    }

    /// A press on the frequency axis.
    pub fn band_down(&self, ev: &PointerEvent) {
        let Some((_, y, _, h)) = upright_place(ev) else { return };
        let drag = if ev.shift_key() {
            Drag::BandPan { last: y / h }
        } else {
            Drag::Band { from: y / h, to: y / h }
        };
        self.begin(ev, drag);
    }

    /// A press on the colour bar: its upper half moves the ceiling, its lower half the floor.
    pub fn colours_down(&self, ev: &PointerEvent) {
        if let Some((_, y, _, h)) = upright_place(ev) {
            self.begin(ev, Drag::Colours { ceiling: y < h / 2.0, last: y / h });
        }
    }

    /// The pointer moved over any of them.
    pub fn moved(&self, ev: &PointerEvent) {
        let Some((x, _, w, _)) = place(ev) else { return };
        let Some((_, y, _, h)) = upright_place(ev) else { return };
        let (x, y) = (x / w, y / h);
        let session = self.session;
        let next = match self.drag.get_value() {
            None => return,
            Some(Drag::Brush { hold, first, last }) => {
                self.drag_brush(hold, first, last, x, w);
                Drag::Brush { hold, first, last: x }
            }
            Some(Drag::Time { last }) => {
                session.change_frame(|f| f.pan(last - x, 0.0));
                Drag::Time { last: x }
            }
            Some(Drag::Band { from, .. }) => {
                self.drawn_band.set(Some((from, y.clamp(0.0, 1.0))));
                Drag::Band { from, to: y.clamp(0.0, 1.0) }
            }
            Some(Drag::BandPan { last }) => {
                session.change_frame(|f| f.pan(0.0, y - last));
                Drag::BandPan { last: y }
            }
            Some(Drag::Colours { ceiling, last }) => {
                self.drag_colours(ceiling, y - last);
                Drag::Colours { ceiling, last: y }
            }
        };
        self.drag.set_value(Some(next));
    }

    /// The pointer went up.
    pub fn up(&self, ev: &PointerEvent) {
        let Some(drag) = self.drag.get_value() else { return };
        self.drag.set_value(None);
        self.drawn_band.set(None);
        let Some((_, _, w, h)) = place(ev) else { return };
        match drag {
            Drag::Brush { hold: Hold::Outside, first, last }
                if (last - first).abs() * w < SLOP_PX =>
            {
                // A click brings the place to the middle.
                self.session.change_frame(|f| {
                    f.pan((first * f.end - f.place_at(0.5)) / f.span(), 0.0);
                });
            }
            Drag::Band { from, to } if (to - from).abs() * h >= SLOP_PX => {
                self.session.change_frame(|f| {
                    let (low, high) = (f.hz_at(from.max(to)), f.hz_at(from.min(to)));
                    f.band_hz = (low, high);
                });
            }
            _ => {}
        }
        self.commit.run(());
    }

    /// The wheel over the overview bar or the time axis.
    pub fn wheel_time(&self, ev: &WheelEvent) {
        ev.prevent_default();
        let Some((x, _, w, _)) = place(ev) else { return };
        let on_overview = target_id(ev) == "overview-marks";
        self.session.change_frame(|f| {
            let over = (x / w * f.end - f.places.start) / f.span();
            let at = if on_overview { over.clamp(0.0, 1.0) } else { x / w };
            f.zoom_time(at, wheel_factor(ev));
        });
    }

    /// The wheel over the frequency axis.
    pub fn wheel_band(&self, ev: &WheelEvent) {
        ev.prevent_default();
        if let Some((_, y, _, h)) = upright_place(ev) {
            self.session.change_frame(|f| f.zoom_band(y / h, wheel_factor(ev)));
        }
    }

    /// The wheel over the colour bar: both limits move.
    pub fn wheel_colours(&self, ev: &WheelEvent) {
        ev.prevent_default();
        let by = (wheel_pixels(ev).1 / 50.0).clamp(-4.0, 4.0);
        self.change_range(|(floor, ceiling)| (floor + by, ceiling + by));
    }

    /// A double click on the frequency axis shows the whole band, on the time axis all of time.
    pub fn whole(&self, band: bool) {
        self.session.change_frame(|f| {
            if band {
                f.band_hz = (0.0, f.nyquist_hz);
            } else {
                f.places = 0.0..f.end;
            }
        });
        self.commit.run(());
    }

    fn begin(&self, ev: &PointerEvent, drag: Drag) {
        capture(ev);
        self.drag.set_value(Some(drag));
    }

    fn drag_brush(&self, hold: Hold, first: f64, last: f64, x: f64, width: f64) {
        self.session.change_frame(|f| {
            let (end, by) = (f.end, (x - last) * f.end);
            match hold {
                Hold::Inside => f.pan(by / f.span(), 0.0),
                Hold::Left => f.places.start = (f.places.start + by).clamp(0.0, f.places.end - 8.0),
                Hold::Right => f.places.end = (f.places.end + by).clamp(f.places.start + 8.0, end),
                Hold::Outside if (x - first).abs() * width >= SLOP_PX => {
                    let (a, b) = (first.min(x).max(0.0) * end, first.max(x).min(1.0) * end);
                    f.places = a..b.max(a + 8.0);
                }
                Hold::Outside => {}
            }
        });
    }

    /// Dragging up makes the limit's own colour stand for louder sound.
    fn drag_colours(&self, ceiling: bool, dy: f64) {
        self.change_range(|(floor, top)| {
            let by = -dy * (top - floor).max(20.0);
            if ceiling { (floor, top + by) } else { (floor + by, top) }
        });
    }

    fn change_range(&self, change: impl Fn((f64, f64)) -> (f64, f64)) {
        let Some(open) = self.session.open.get_untracked() else { return };
        let (floor, ceiling) = change(contrast::shown_range(self.session, &open));
        if ceiling - floor >= MIN_RANGE_DB && floor > -250.0 && ceiling < 300.0 {
            let tenth = |v: f64| (v * 10.0).round() / 10.0;
            self.session.view.update(|v| v.colour.range_db = Some((tenth(floor), tenth(ceiling))));
        }
    }
}

/// Keeps the pointer's events on what was pressed, also outside of it.
pub fn capture(ev: &PointerEvent) {
    if let Some(element) = ev.current_target().and_then(|t| t.dyn_into::<Element>().ok()) {
        // Fails only for a pointer that is already up.
        let _ = element.set_pointer_capture(ev.pointer_id());
    }
}

fn target_id(ev: &Event) -> String {
    let element = ev.current_target().and_then(|t| t.dyn_into::<Element>().ok());
    element.map(|e| e.id()).unwrap_or_default()
}

/// The same on an upright axis, which reaches beyond the picture at both ends.
fn upright_place(ev: &web_sys::MouseEvent) -> Option<(f64, f64, f64, f64)> {
    let (x, y, w, h) = place(ev)?;
    Some((x, y - MARGIN_PX, w, (h - 2.0 * MARGIN_PX).max(1.0)))
}

/// Place in the element that listens, and its size, CSS pixels.
fn place(ev: &web_sys::MouseEvent) -> Option<(f64, f64, f64, f64)> {
    let rect = ev.current_target()?.dyn_into::<Element>().ok()?.get_bounding_client_rect();
    let (x, y) = (f64::from(ev.client_x()) - rect.left(), f64::from(ev.client_y()) - rect.top());
    (rect.width() >= 1.0 && rect.height() >= 1.0).then_some((x, y, rect.width(), rect.height()))
}
