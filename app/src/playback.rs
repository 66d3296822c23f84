//! Sound: what is played, and the bar below the picture.

use std::ops::Range;

use leptos::prelude::*;
use spyhop_api::view::{Lens, Listening};
use spyhop_signal::listen::small_speaker_speed;
use spyhop_words::page::playback as words;
use spyhop_words::wording::units::KILOHERTZ_ALONE;

use crate::clock::Telling;
use crate::commands::Action;
use crate::engine::{PlayRequest, Playing};
use crate::frame::selection_positions;
use crate::session::{Session, use_session};
use crate::wording;

/// Speeds that are offered; a link may hold any other.
const SPEEDS: [f64; 18] = [
    0.01, 0.02, 0.05, 0.1, 0.125, 0.2, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 60.0, 200.0,
    600.0, 1800.0,
];
/// Where a slowed band is heard best, Hz: the geometric middle of speech.
const HEARD_BEST_HZ: f64 = 2000.0;

/// What is played; a copy is a handle.
#[derive(Clone, Copy)]
pub struct Sound {
    pub now: RwSignal<Playing>,
    /// What was asked for: the whole of it, and where a pause stopped.
    range: StoredValue<Option<Range<i64>>>,
    paused_at: StoredValue<Option<i64>>,
    following: StoredValue<bool>,
    /// Where the sound goes on that was in a folded gap.
    skipped_to: StoredValue<Option<i64>>,
}

impl Sound {
    /// Silence.
    pub fn new() -> Sound {
        Sound {
            now: RwSignal::new(Playing {
                on: false,
                position: 0.0,
                auto_gain_db: 0.0,
                needs_tap: false,
            }),
            range: StoredValue::new(None),
            paused_at: StoredValue::new(None),
            following: StoredValue::new(false),
            skipped_to: StoredValue::new(None),
        }
    }
}

/// Plays or pauses the view.
pub fn toggle(session: Session) {
    if session.sound.now.with_untracked(|p| p.on && !p.needs_tap) {
        pause(session);
    } else {
        play_view(session);
    }
}

/// Plays what the picture shows, from where a pause stopped if that is still in it.
pub fn play_view(session: Session) {
    let Some(range) = range_of_view(session) else { return };
    let paused = session.sound.paused_at.get_value().filter(|p| range.contains(p));
    start(session, range, paused);
}

/// Plays a stretch of the line.
pub fn play(session: Session, range: Range<i64>) {
    start(session, range, None);
}

/// Plays a stretch of the line from a position in it; where a loop is asked for, it goes round in all of it.
pub fn play_from(session: Session, range: Range<i64>, at: i64) {
    start(session, range, Some(at));
}

/// Plays the selection, or the view where nothing is selected.
pub fn play_selection(session: Session) {
    if session.view.with_untracked(|v| v.selection.is_none()) {
        return play_view(session);
    }
    if let Some(range) = range_of_selection(session) {
        start(session, range, None);
    }
}

/// Positions of the selection, or of the view where nothing is selected.
pub fn range_of_selection(session: Session) -> Option<Range<i64>> {
    let selection = session.view.with_untracked(|v| v.selection);
    Some(match (selection, session.open.get_untracked()?) {
        (Some(selection), open) => {
            let positions = selection_positions(&selection, &open.line);
            positions.start.round() as i64..positions.end.round() as i64
        }
        (None, _) => range_of_view(session)?,
    })
}

/// Positions of the view.
pub fn range_of_view(session: Session) -> Option<Range<i64>> {
    let positions = session.frame_now()?.positions();
    Some(positions.start.floor() as i64..positions.end.ceil() as i64)
}

/// Stops; the next play goes on from here.
pub fn pause(session: Session) {
    let at = session.engine().playing().position;
    session.sound.paused_at.set_value(Some(at as i64));
    stop(session);
}

/// Stops and forgets where it was.
pub fn stop(session: Session) {
    session.engine().stop();
    session.sound.range.set_value(None);
}

fn start(session: Session, range: Range<i64>, from: Option<i64>) {
    let listening = session.view.with_untracked(|v| v.listening);
    let (positions, from) = sounding(&range, from, listening.looped);
    let Some(frame) = session.frame_now() else { return };
    session.sound.range.set_value(Some(range));
    session.sound.paused_at.set_value(None);
    session.engine().play(PlayRequest {
        positions,
        from,
        channel: session.view.with_untracked(|v| v.channel),
        listening,
        view_band_hz: frame.band_hz,
    });
    follow(session);
}

/// What of a range sounds that is begun at a position in it, and where it begins: a loop goes round in all of it.
fn sounding(range: &Range<i64>, from: Option<i64>, looped: bool) -> (Range<i64>, Option<i64>) {
    match looped {
        true => (range.clone(), from),
        false => (from.unwrap_or(range.start)..range.end, None),
    }
}

/// Looks once a frame at what is heard, as long as it is.
fn follow(session: Session) {
    if session.sound.following.get_value() {
        return;
    }
    session.sound.following.set_value(true);
    fn step(session: Session) {
        let now = session.engine().playing();
        if session.sound.now.with_untracked(|p| *p != now) {
            session.sound.now.set(now);
        }
        skip_folded_gap(session, &now);
        let shown = now.on.then_some(now.position);
        if session.play_head.with_untracked(|h| *h != shown) {
            session.play_head.set(shown);
        }
        if now.on || now.needs_tap {
            request_animation_frame(move || step(session));
        } else {
            session.sound.following.set_value(false);
        }
    }
    // The first frame comes a little later: the worker needs a moment to begin.
    gloo::timers::callback::Timeout::new(150, move || step(session)).forget();
}

/// What is folded away on the screen is not waited for.
fn skip_folded_gap(session: Session, now: &Playing) {
    let Some(range) = session.sound.range.get_value().filter(|_| now.on) else { return };
    let looped = session.view.with_untracked(|v| v.listening.looped);
    let after = session.frame_now().and_then(|f| f.fold.after_gap(now.position));
    // A loop goes round in the worker that plays it, gaps and all.
    let after = after.filter(|to| !looped && range.contains(to));
    // What was asked for is heard a moment later: once is enough.
    if session.sound.skipped_to.get_value() != after {
        session.sound.skipped_to.set_value(after);
        if after.is_some() {
            start(session, range, after);
        }
    }
}

/// Changes what is heard; what is being played goes on with it.
pub fn change(session: Session, change: impl FnOnce(&mut Listening)) {
    let before = session.view.with_untracked(|v| v.listening);
    let mut after = before;
    change(&mut after);
    if after == before {
        return;
    }
    session.view.update(|v| v.listening = after);
    let range = session.sound.range.get_value();
    if let Some(range) = range.filter(|_| session.sound.now.with_untracked(|p| p.on)) {
        let at = session.engine().playing().position as i64;
        start(session, range.clone(), Some(at).filter(|p| range.contains(p)));
    }
}

/// Band-passes to the selection, or lets everything through again.
pub fn toggle_band(session: Session) {
    let selected = session.view.with_untracked(|v| v.selection.map(|s| s.band_hz));
    let shown = session.frame_now().map(|f| f.band_hz);
    change(session, |l| {
        l.band_hz = match l.band_hz {
            Some(_) => None,
            None => selected.or(shown),
        };
    });
}

/// The bar below the picture.
#[component]
pub fn PlayBar(act: Callback<Action>) -> impl IntoView {
    let session = use_session();
    let listening = Memo::new(move |_| session.view.with(|v| v.listening));
    let on = Memo::new(move |_| session.sound.now.with(|p| p.on));
    let needs_tap = Memo::new(move |_| session.sound.now.with(|p| p.needs_tap));
    let selected = Memo::new(move |_| session.view.with(|v| v.selection.is_some()));
    view! {
        <footer class="playbar" aria-label=words::TITLE>
            <button
                id="play" class="primary round" aria-pressed=move || on.get().to_string()
                aria-label=move || if on.get() { words::PAUSE } else { words::PLAY }
                title=words::PLAY_KEY
                on:click=move |_| act.run(Action::Play)
            >{move || if on.get() && !needs_tap.get() { "❚❚" } else { "▶" }}</button>
            <button
                id="play-selection" disabled=move || !selected.get()
                title=words::SELECTION_KEY
                on:click=move |_| act.run(Action::PlaySelection)
            >{words::SELECTION}</button>
            <button
                id="loop" aria-pressed=move || listening.get().looped.to_string()
                title=words::LOOP_KEY on:click=move |_| act.run(Action::Loop)
            >{words::LOOP}</button>
            <Show when=move || needs_tap.get()>
                <button id="press-to-hear" class="primary" on:click=move |_| play_view(session)>
                    {words::PRESS_TO_HEAR}
                </button>
            </Show>
            <SpeedChoice listening/>
            <LensChoice listening/>
            <button
                id="band" aria-pressed=move || listening.get().band_hz.is_some().to_string()
                title=words::ABOUT_BAND
                on:click=move |_| toggle_band(session)
            >{move || match listening.get().band_hz {
                Some(band) => words::band_of(wording::band(band)),
                None => words::BAND.to_owned(),
            }}</button>
            <label class="gain">
                {words::GAIN}" "
                <input
                    id="gain" type="range" min="-20" max="40" step="1"
                    prop:value=move || listening.get().gain_db.to_string()
                    on:change=move |ev| {
                        if let Ok(gain_db) = event_target_value(&ev).parse() {
                            change(session, |l| l.gain_db = gain_db);
                        }
                    }
                />
                <output>{move || gain_words(session)}</output>
            </label>
            <Badge listening/>
            <SmallSpeaker listening/>
            <output id="clock" class="clock" aria-label=words::TIME>{move || clock_words(session)}</output>
        </footer>
    }
}

#[component]
fn SpeedChoice(listening: Memo<Listening>) -> impl IntoView {
    let session = use_session();
    let speeds = Memo::new(move |_| {
        let mut speeds = SPEEDS.to_vec();
        let rate = listening.get().rate;
        if !speeds.contains(&rate) {
            speeds.push(rate);
            speeds.sort_by(f64::total_cmp);
        }
        speeds
    });
    view! {
        <label>
            {words::SPEED}" "
            <select
                id="speed" prop:value=move || listening.get().rate.to_string()
                on:change=move |ev| {
                    if let Ok(rate) = event_target_value(&ev).parse() {
                        change(session, |l| l.rate = rate);
                    }
                }
            >
                {move || speeds.get().into_iter().map(|rate| view! {
                    <option value=rate.to_string() selected=move || listening.get().rate == rate>
                        {wording::speed(rate)}
                    </option>
                }).collect_view()}
            </select>
        </label>
    }
}

/// A way to make a band audible, as it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    AsIs,
    Slowed,
    Heterodyne,
    Envelope,
}

impl Offered {
    const ALL: [Offered; 4] =
        [Offered::AsIs, Offered::Slowed, Offered::Heterodyne, Offered::Envelope];

    /// What selectors call it.
    fn key(self) -> &'static str {
        match self {
            Offered::AsIs => "as-is",
            Offered::Slowed => "slowed",
            Offered::Heterodyne => "heterodyne",
            Offered::Envelope => "envelope",
        }
    }

    /// What a person reads.
    fn name(self) -> &'static str {
        match self {
            Offered::AsIs => words::AS_IS,
            Offered::Slowed => words::SLOWED,
            Offered::Heterodyne => words::HETERODYNE,
            Offered::Envelope => words::ENVELOPE,
        }
    }
}

#[component]
fn LensChoice(listening: Memo<Listening>) -> impl IntoView {
    let session = use_session();
    let middle = move || {
        session.frame_now().map_or(40_000.0, |f| {
            let (low, high) = f.band_hz;
            ((low.max(high * 0.05) * high).sqrt() / 100.0).round() * 100.0
        })
    };
    let chosen = Memo::new(move |_| match listening.get() {
        Listening { lens: Lens::Heterodyne(_), .. } => Offered::Heterodyne,
        Listening { lens: Lens::Envelope, .. } => Offered::Envelope,
        Listening { rate, .. } if rate < 1.0 => Offered::Slowed,
        _ => Offered::AsIs,
    });
    let choose = move |offered: Offered| {
        let middle_hz = middle();
        change(session, |l| match offered {
            Offered::AsIs => (l.lens, l.rate) = (Lens::AsIs, 1.0),
            Offered::Slowed => {
                let by = (middle_hz / HEARD_BEST_HZ).clamp(2.0, 100.0);
                let near = |s: &&f64| (*s * by).ln().abs();
                let slow = SPEEDS.iter().filter(|s| **s < 1.0);
                let rate = slow.min_by(|a, b| near(a).total_cmp(&near(b))).copied();
                (l.lens, l.rate) = (Lens::AsIs, rate.unwrap_or(0.1));
            }
            Offered::Heterodyne => (l.lens, l.rate) = (Lens::Heterodyne(middle_hz), 1.0),
            Offered::Envelope => (l.lens, l.rate) = (Lens::Envelope, 1.0),
        });
    };
    view! {
        <span class="segments" role="group" aria-label=words::LENS>
            {Offered::ALL.map(|offered| view! {
                <button
                    data-lens=offered.key() aria-pressed=move || (chosen.get() == offered).to_string()
                    on:click=move |_| choose(offered)
                >{offered.name()}</button>
            }).collect_view()}
        </span>
        {move || match listening.get().lens {
            Lens::Heterodyne(hz) => Some(view! {
                <label>
                    <input
                        id="heterodyne" class="number" type="number" min="0" step="500"
                        aria-label=words::HETERODYNE_KHZ
                        prop:value=wording::trimmed(hz / 1000.0, 3)
                        on:change=move |ev| {
                            if let Ok(khz) = event_target_value(&ev).parse::<f64>() {
                                change(session, |l| l.lens = Lens::Heterodyne(khz.max(0.0) * 1000.0));
                            }
                        }
                    />
                    " "{KILOHERTZ_ALONE}
                </label>
            }),
            _ => None,
        }}
    }
}

/// Says what is heard of what is seen, as long as that is not the same.
#[component]
fn Badge(listening: Memo<Listening>) -> impl IntoView {
    let session = use_session();
    let told = Memo::new(move |_| {
        let l = listening.get();
        let band = session.frame().map(|f| f.band_hz)?;
        match l.lens {
            Lens::Heterodyne(hz) => Some(words::heard_as_0_hz(wording::hertz(hz))),
            Lens::Envelope => Some(words::RHYTHM_IS_HEARD.to_owned()),
            Lens::AsIs if l.rate != 1.0 => Some(words::heard_at(
                wording::speed(l.rate),
                wording::hertz(band.1),
                wording::hertz(band.1 * l.rate),
            )),
            Lens::AsIs => None,
        }
    });
    view! {
        {move || told.get().map(|told| view! { <span class="badge" id="speed-badge">{told}</span> })}
    }
}

/// Offers a speed where a tablet's speaker would play silence.
#[component]
fn SmallSpeaker(listening: Memo<Listening>) -> impl IntoView {
    let session = use_session();
    let offer = Memo::new(move |_| {
        let l = listening.get();
        let band = l.band_hz.or_else(|| session.frame().map(|f| f.band_hz))?;
        match l.lens {
            Lens::AsIs => small_speaker_speed(band, l.rate),
            _ => None,
        }
    });
    view! {
        {move || offer.get().map(|rate| view! {
            <button
                id="small-speaker" class="offer"
                title=words::ABOUT_SMALL_SPEAKER
                on:click=move |_| change(session, |l| l.rate = rate)
            >{words::small_speaker(wording::speed(rate))}</button>
        })}
    }
}

fn gain_words(session: Session) -> String {
    let own = session.view.with(|v| v.listening.gain_db);
    let playing = session.sound.now.get();
    let told = |db: f64| format!("{db:+.0}");
    if playing.on {
        let automatic = playing.auto_gain_db;
        words::gain_with_automatic(told(own + automatic), told(automatic))
    } else {
        words::gain_db(told(own))
    }
}

fn clock_words(session: Session) -> String {
    let Some(open) = session.open.get() else { return String::new() };
    let telling = session.view.with(|v| Telling::of(v.clock, &open));
    let start = session.frame().map_or(0.0, |f| f.positions().start);
    telling.tell_short(session.play_head.get().unwrap_or(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_is_begun_in_its_middle_goes_round_in_all_of_it() {
        assert_eq!(sounding(&(10..20), Some(15), true), (10..20, Some(15)));
        assert_eq!(sounding(&(10..20), None, true), (10..20, None));
        assert_eq!(sounding(&(10..20), Some(15), false), (15..20, None));
        assert_eq!(sounding(&(10..20), None, false), (10..20, None));
    }
}
