//! What is followed, shown in this page's viewer: the view, the sound, somebody else's play head and
//! pointer, and the boxes of the room.

use gloo::events::{EventListener, EventListenerOptions, EventListenerPhase};
use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use spyhop_api::room::{Area, FromMember};
use spyhop_api::view::Selection;
use spyhop_api::{Moment, View, Wish};
use wasm_bindgen::JsCast;

use super::follow::{self, HOLD_MS, Reins};
use super::in_step::InStep;
use super::marks;
use super::room::{Connection, Room};
use crate::viewer::Viewer;

/// How long the way to a view takes that is not part of a movement, ms.
const TRAVEL_MS: u32 = 300;
/// The same while whoever is followed moves: the next view comes before the way is over.
const FLOWING_MS: u32 = 90;
/// Views nearer to one another than this are one movement, ms.
const MOVEMENT_MS: f64 = 250.0;
/// So long what is being opened is not asked for again, ms: to begin anew would make it later.
const OPENING_MS: f64 = 6000.0;
/// How often it is looked at meanwhile, ms.
const OPENED_EVERY_MS: f64 = 150.0;
/// What rounding leaves over when the picture is looked at again, ms.
const A_LITTLE_MS: f64 = 30.0;

/// Who follows whom; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Following {
    viewer: Viewer,
    room: Room,
    /// Whether this member looks around alone.
    pub is_away: RwSignal<bool>,
    /// Whether this device sounds when whoever is followed plays and the leader lets others sound.
    pub sounds: RwSignal<bool>,
    /// Boxes that are drawn for the task and not yet checked.
    pub drawn: RwSignal<Vec<Area>>,
    /// What somebody asks about and this member looks at.
    pub looked_at: RwSignal<Option<Area>>,
    /// Whether this page goes where somebody else does.
    pub is_led: Memo<bool>,
    reins: StoredValue<Reins>,
    shown_ms: StoredValue<f64>,
    /// The box that was followed last: a member's own goes when another comes.
    followed_box: StoredValue<Option<Selection>>,
    has_own_box: StoredValue<bool>,
    later: StoredValue<Option<Timeout>, LocalStorage>,
    in_step: StoredValue<InStep>,
}

impl Following {
    /// Begins to follow, with sound or without.
    pub fn start(viewer: Viewer, room: Room, sounds: bool) -> Following {
        let is_away = RwSignal::new(false);
        let is_led = Memo::new(move |_| {
            let spotlit = room.state.with(|state| state.spotlight.as_ref().map(|s| s.member));
            let (is_leader, id) = (room.is_leader(), room.id());
            let is_over = room.connection.get() == Connection::Over;
            match spotlit {
                Some(member) => !is_over && !is_away.get() && (is_leader || member != id),
                None => !is_over && !is_away.get() && !is_leader,
            }
        });
        let following = Following {
            viewer,
            room,
            is_away,
            sounds: RwSignal::new(sounds),
            drawn: RwSignal::new(Vec::new()),
            looked_at: RwSignal::new(None),
            is_led,
            reins: StoredValue::new(Reins::default()),
            shown_ms: StoredValue::new(f64::NEG_INFINITY),
            followed_box: StoredValue::new(None),
            has_own_box: StoredValue::new(false),
            later: StoredValue::new_local(None),
            in_step: StoredValue::new(InStep::default()),
        };
        following.tell_whether_away();
        following.spare_the_net();
        following.follow_views();
        following.follow_sound();
        following.follow_pointer();
        following.show_marks();
        following.watch_hands();
        following
    }

    /// Looks around alone.
    pub fn break_away(&self) {
        if self.room.is_leader() {
            // Whoever leads and moves takes the lead back.
            return self.room.say(FromMember::Spotlight { member: None });
        }
        if !self.is_away.get_untracked() {
            self.is_away.set(true);
            self.reins.update_value(Reins::forget);
        }
    }

    /// Follows again.
    pub fn rejoin(&self) {
        if self.is_away.get_untracked() {
            self.reins.update_value(Reins::forget);
            // A box of the time alone goes with it: it is not taken for one that was drawn since.
            let shown = self.viewer.shown.with_untracked(|shown| follow::selected(&shown.view));
            self.followed_box.set_value(shown);
            self.has_own_box.set_value(false);
            self.is_away.set(false);
        }
    }

    /// Takes everything off the picture that is the room's.
    pub fn leave(&self) {
        self.viewer.ask(&Wish::Mark { marks: Vec::new() });
        self.viewer.ask(&Wish::Follow { head: None, pointer: None });
        self.viewer.ask(&Wish::Spare { on: false });
    }

    /// As long as many show the same, none of them fetches more than a screen needs of it.
    fn spare_the_net(self) {
        Effect::new(move |_| {
            let on = self.is_led.get() && !self.room.is_leader();
            self.viewer.ask(&Wish::Spare { on });
        });
    }

    /// Says so until the room knows it, also after it was lost or came back to.
    fn tell_whether_away(self) {
        let known = Memo::new(move |_| self.room.mine.with(|mine| mine.is_away));
        Effect::new(move |_| {
            let on = self.is_away.get();
            if self.room.is_live() && !self.room.is_leader() && known.get() != on {
                self.room.say(FromMember::Away { on });
            }
        });
    }

    fn follow_views(self) {
        let followed = Memo::new(move |_| self.room.state.with(|s| s.followed().view.clone()));
        Effect::new(move |_| {
            followed.track();
            if self.is_led.get() {
                self.show();
            }
        });
        let view = Memo::new(move |_| self.viewer.shown.with(|shown| shown.view.clone()));
        Effect::new(move |_| {
            view.track();
            if self.is_led.get() {
                self.look();
            }
        });
    }

    /// Asks the viewer for what is followed, once no hand is at it.
    fn show(self) {
        if !self.is_led.get_untracked() {
            return;
        }
        let now_ms = now_ms();
        let wait_ms = self.reins.with_value(|reins| reins.wait_ms(now_ms));
        if wait_ms > 0.0 {
            return self.look_again(wait_ms);
        }
        let query = self.room.state.with_untracked(|state| state.followed().view.clone());
        if follow::is_empty(&query) || follow::is_of_own_disk(&query) {
            return;
        }
        let selection = follow::selected(&query);
        if self.followed_box.get_value() != selection {
            self.followed_box.set_value(selection);
            self.has_own_box.set_value(false);
        }
        let has_task = self.room.state.with_untracked(|state| state.task.is_some());
        let shown = self.viewer.shown.get_untracked();
        let own = View::from_query(&shown.view).0;
        let keeps_box = has_task || self.has_own_box.get_value();
        let view = follow::followers_view(&query, &own, keeps_box);
        let since_ms = now_ms - self.shown_ms.get_value();
        let opens = !shown.is_open && self.reins.with_value(|reins| reins.has_opened(&view));
        if opens && since_ms < OPENING_MS {
            return self.look_again(OPENED_EVERY_MS);
        }
        let flows = since_ms < MOVEMENT_MS;
        let travel_ms = if flows { FLOWING_MS } else { TRAVEL_MS };
        self.shown_ms.set_value(now_ms);
        self.reins.update_value(|reins| reins.asked(&query, view.clone(), travel_ms, now_ms));
        if view != own || !shown.is_open {
            self.viewer.ask(&Wish::Show { view: view.to_query(), travel_ms });
        }
        self.look_again(f64::from(travel_ms) + HOLD_MS);
    }

    /// Looks whether a hand has taken the picture somewhere else; if none is at it, it goes on following.
    fn look(self) {
        let shown = self.viewer.shown.get_untracked();
        let view = View::from_query(&shown.view).0;
        let now_ms = now_ms();
        let mut is_gone = false;
        self.reins.update_value(|reins| is_gone = reins.sees(&view, now_ms));
        if is_gone {
            return self.break_away();
        }
        if view.selection != self.followed_box.get_value() && view.selection.is_some() {
            self.has_own_box.set_value(true);
        }
    }

    fn look_again(self, after_ms: f64) {
        let wait_ms = (after_ms + A_LITTLE_MS) as u32;
        self.later.set_value(Some(Timeout::new(wait_ms, move || {
            // What shows the room may be gone.
            if self.is_led.try_get_untracked() != Some(true) {
                return;
            }
            self.look();
            let wanted = self.room.state.with_untracked(|state| state.followed().view.clone());
            if self.reins.with_value(|reins| !reins.has_asked_for(&wanted)) {
                self.show();
            }
        })));
    }

    fn follow_sound(self) {
        let wanted = Memo::new(move |_| {
            let is_playing =
                self.room.state.with(|state| state.sounds && state.followed().is_playing);
            let can_sound = self.sounds.get() && self.viewer.shown.with(|shown| shown.is_open);
            is_playing && can_sound && self.is_led.get()
        });
        Effect::new(move |before: Option<bool>| {
            let plays = wanted.get();
            if plays {
                let from = self.head_now();
                self.in_step.update_value(|step| step.begin(now_ms()));
                self.viewer.ask(&Wish::Play { from });
            } else if before == Some(true) {
                self.viewer.ask(&Wish::Stop);
            }
            plays
        });
        let led = Memo::new(move |_| self.room.ledger.with(|ledger| ledger.following.head));
        Effect::new(move |_| {
            let head = led.get();
            if wanted.get_untracked() {
                self.stay_in_step(head);
            }
        });
    }

    /// Sounds from where whoever is followed is heard, where this device is somewhere else: it was late, the
    /// connection was lost for a while, or they jumped. Only what was just heard of them tells.
    fn stay_in_step(self, led: Option<Moment>) {
        let (own, view) = self.viewer.shown.with_untracked(|shown| {
            (shown.head.filter(|_| shown.is_playing), View::from_query(&shown.view).0)
        });
        let all_ns = view.selection.map(|selected| selected.span_ns).or(view.span_ns);
        let (rate, loop_ns) = (view.listening.rate, all_ns.filter(|_| view.listening.looped));
        let Some((own, led)) = own.zip(led) else { return };
        let drifted = |step: &mut InStep| step.has_drifted(own, led, rate, loop_ns, now_ms());
        if self.in_step.try_update_value(drifted) == Some(true) {
            // What plays already would go on from where it is.
            self.viewer.ask(&Wish::Stop);
            self.viewer.ask(&Wish::Play { from: Some(led) });
        }
    }

    /// Where whoever is followed is heard now.
    fn head_now(self) -> Option<Moment> {
        let moving = self.room.ledger.with_untracked(|ledger| ledger.following.head);
        moving.or_else(|| self.room.state.with_untracked(|state| state.followed().head))
    }

    fn follow_pointer(self) {
        let elsewhere = Memo::new(move |_| self.room.ledger.with(|l| l.following.clone()));
        Effect::new(move |_| {
            let following = elsewhere.get();
            let wish = match self.is_led.get() {
                true => {
                    // What sounds here has a head of its own.
                    let is_own = self.viewer.shown.with_untracked(|shown| shown.is_playing);
                    let head = following.head.filter(|_| !is_own);
                    Wish::Follow { head, pointer: following.pointer }
                }
                false => Wish::Follow { head: None, pointer: None },
            };
            self.viewer.ask(&wish);
        });
    }

    fn show_marks(self) {
        let marks = Memo::new(move |_| {
            let looked_at = self.looked_at.get();
            self.drawn.with(|drawn| {
                self.room.state.with(|state| {
                    self.room
                        .mine
                        .with(|mine| marks::of_room(state, mine, drawn, looked_at.as_ref()))
                })
            })
        });
        Effect::new(move |_| self.viewer.ask(&Wish::Mark { marks: marks.get() }));
    }

    /// Hands at the picture and at keys, as far as they are not at what is the class's own.
    fn watch_hands(self) {
        let options = EventListenerOptions { phase: EventListenerPhase::Capture, passive: true };
        let on = move |name: &'static str, act: fn(&mut Reins, f64)| {
            EventListener::new_with_options(&window(), name, options, move |event| {
                if !is_of_guide(event) && self.is_led.try_get_untracked() == Some(true) {
                    self.reins.update_value(|reins| act(reins, now_ms()));
                    self.look_again(HOLD_MS);
                }
            })
        };
        // A hand is off wherever it is lifted; lists and menus of the browser's own don't even tell.
        let off = move |name: &'static str| {
            EventListener::new_with_options(&window(), name, options, move |event| {
                let pressed = event.dyn_ref::<web_sys::MouseEvent>().map_or(0, |ev| ev.buttons());
                let is_held = self.reins.try_with_value(Reins::is_held).unwrap_or(false);
                if is_held && (name != "pointermove" || pressed == 0) {
                    self.reins.update_value(|reins| reins.hold(false, now_ms()));
                    self.look_again(HOLD_MS);
                }
            })
        };
        let listeners = SendWrapper::new([
            on("pointerdown", |reins, now_ms| reins.hold(true, now_ms)),
            off("pointerup"),
            off("pointercancel"),
            off("pointermove"),
            on("wheel", Reins::touch),
            on("keydown", Reins::touch),
            on("popstate", Reins::touch),
        ]);
        on_cleanup(move || drop(listeners));
    }
}

/// Whether something happens in what the guide itself shows.
fn is_of_guide(event: &web_sys::Event) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|element| element.closest("#guide").ok().flatten().is_some())
}

/// Milliseconds on the page's clock.
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}
