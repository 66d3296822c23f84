//! What each command of the table does.

use leptos::prelude::*;
use spyhop_api::Errand;
use spyhop_api::detection::Verdict;
use spyhop_api::view::{Clock, ColourMap, FrequencyAxis, Statistic};
use spyhop_words::page::actions as words;

use crate::commands::Action;
use crate::frame::selection_positions;
use crate::link::{Link, is_embedded};
use crate::pages::ServerPage;
use crate::session::{Dialog, NoticeKind, Session, Stage, Tab};
use crate::{calls, contrast, files, guide, jump, label_actions, open, playback};

/// Part of the width that a step moves.
const STEP: f64 = 0.15;
/// Zoom of a step.
const ZOOM: f64 = 0.7;
/// Seconds of flattening that the key switches on.
const FLATTEN_S: f64 = 60.0;

/// Does it. While no recording is open, only what needs none is done.
pub fn perform(session: Session, link: Link, action: Action) {
    if is_embedded() && is_of_the_whole_page(action) {
        return;
    }
    match action {
        Action::Palette => return toggle(session, Dialog::Palette),
        Action::Help => return toggle(session, Dialog::Help),
        Action::Token => return toggle(session, Dialog::Token),
        Action::ToggleTheme => return session.prefs.toggle_brightness(),
        Action::ToggleLetterKeys => return session.prefs.letter_keys.update(|on| *on = !*on),
        Action::OpenFiles => return files::pick(false, "", move |f| open::files(session, f)),
        Action::OpenFolder => return files::pick(true, "", move |f| open::files(session, f)),
        Action::Home => {
            open::home(session);
            return link.commit();
        }
        Action::Jobs => return go_to(session, link, ServerPage::Jobs),
        Action::Models => return go_to(session, link, ServerPage::Models),
        Action::Runs => return go_to(session, link, ServerPage::Runs),
        Action::Library => return go_to(session, link, ServerPage::library()),
        _ => {}
    }
    if session.stage.with_untracked(|s| *s != Stage::Viewing) {
        return;
    }
    // Time is zoomed at the pointer where it is over the picture, else in the middle.
    let frame = session.frame_now();
    let pointer = session.pointer.get_untracked();
    let x = frame.as_ref().zip(pointer).map_or(0.5, |(f, p)| f.x_of(p.position));
    let x = if (0.0..=1.0).contains(&x) { x } else { 0.5 };
    let y = frame.as_ref().zip(pointer.and_then(|p| p.hz)).map_or(0.5, |(f, hz)| f.y_of(hz));
    let change = |c: &dyn Fn(&mut crate::frame::Frame)| session.change_frame(|f| c(f));
    match action {
        Action::Play => playback::toggle(session),
        Action::PlaySelection => playback::play_selection(session),
        Action::Loop => playback::change(session, |l| l.looped = !l.looped),
        Action::ZoomIn => change(&|f| f.zoom_time(x, ZOOM)),
        Action::ZoomOut => change(&|f| f.zoom_time(x, 1.0 / ZOOM)),
        Action::ZoomBandIn => change(&|f| f.zoom_band(y, ZOOM)),
        Action::ZoomBandOut => change(&|f| f.zoom_band(y, 1.0 / ZOOM)),
        Action::Left => change(&|f| f.pan(-STEP, 0.0)),
        Action::Right => change(&|f| f.pan(STEP, 0.0)),
        Action::PageLeft => change(&|f| f.pan(-0.95, 0.0)),
        Action::PageRight => change(&|f| f.pan(0.95, 0.0)),
        Action::BandUp => change(&|f| f.pan(0.0, STEP)),
        Action::BandDown => change(&|f| f.pan(0.0, -STEP)),
        Action::Fit => change(&|f| f.fit_all()),
        Action::FitSelection => fit_selection(session),
        Action::Jump => toggle(session, Dialog::Jump),
        Action::NextRecording => jump::to_recording(session, true),
        Action::PreviousRecording => jump::to_recording(session, false),
        Action::CollapseGaps => collapse_gaps(session),
        Action::Back => go(link, -1),
        Action::Forward => go(link, 1),
        Action::FftDown => resize_fft(session, |n| n / 2),
        Action::FftUp => resize_fft(session, |n| n * 2),
        Action::NextColours => session.view.update(|v| v.colour.map = next_map(v.colour.map)),
        Action::AutoContrast => contrast::set_from_picture(session),
        Action::NextStatistic => {
            let now = session.view.with_untracked(|v| v.statistic);
            set_statistic(session, next_of(Statistic::all(), now));
        }
        Action::Flatten => {
            let on = session.view.with_untracked(|v| v.flatten_s.is_none());
            contrast::set_flatten(session, on.then_some(FLATTEN_S));
        }
        Action::NextAxis => {
            let now = session.view.with_untracked(|v| v.frequency_axis);
            set_axis(session, next_of(FrequencyAxis::all(), now));
        }
        Action::NextClock => session.view.update(|v| v.clock = next_of(Clock::all(), v.clock)),
        Action::NextChannel => {
            let channels = session.open.with_untracked(|o| o.as_ref().map_or(1, |o| o.channels()));
            let now = session.view.with_untracked(|v| v.channel);
            set_channel(session, (now + 1) % channels);
        }
        Action::BoxTool => session.box_tool.update(|on| *on = !*on),
        Action::CursorA => set_cursor(session, 0),
        Action::CursorB => set_cursor(session, 1),
        Action::Clear => clear(session),
        Action::Label(key) => label_actions::label_selection(session, key),
        Action::DeleteLabel => {
            if let Some(id) = session.labels.chosen.get_untracked() {
                session.labels.remove(id);
                session.select(None);
            }
        }
        Action::Detect => toggle(session, Dialog::Detect),
        Action::NextCall => calls::step(session, true),
        Action::PreviousCall => calls::step(session, false),
        Action::AcceptCall => calls::say(session, Verdict::Accepted),
        Action::RejectCall => calls::say(session, Verdict::Rejected),
        Action::TakeBackCall => calls::say(session, Verdict::Unreviewed),
        Action::Undo => {
            if !(is_reviewing(session) && calls::undo(session)) {
                session.labels.undo();
            }
        }
        Action::Redo => {
            if !(is_reviewing(session) && calls::redo(session)) {
                session.labels.redo();
            }
        }
        Action::CopyLink => {
            link.commit();
            crate::dialogs::copy_link(session, &link.address());
        }
        Action::Share => toggle(session, Dialog::Share),
        Action::AddToStory => guide::ask(session, Errand::AddToStory),
        Action::LeadClass => guide::ask(session, Errand::LeadClass),
        Action::TogglePanel => session.prefs.panel.update(|on| *on = !*on),
        Action::Palette
        | Action::Help
        | Action::ToggleTheme
        | Action::ToggleLetterKeys
        | Action::OpenFiles
        | Action::OpenFolder
        | Action::Home
        | Action::Jobs
        | Action::Models
        | Action::Runs
        | Action::Library
        | Action::Token => {}
    }
}

/// Whether a command changes something that stays, or leads to where that is done.
fn is_of_the_whole_page(action: Action) -> bool {
    matches!(
        action,
        Action::Label(_)
            | Action::DeleteLabel
            | Action::Detect
            | Action::AcceptCall
            | Action::RejectCall
            | Action::TakeBackCall
            | Action::Undo
            | Action::Redo
            | Action::Share
            | Action::Jobs
            | Action::Models
            | Action::Runs
            | Action::Library
            | Action::Token
    )
}

/// Whether undoing means what was said of candidates.
fn is_reviewing(session: Session) -> bool {
    session.tab.get_untracked() == Tab::Calls
        || session.calls.chosen.with_untracked(Option::is_some)
}

/// Goes to a page of the server's own.
pub fn go_to(session: Session, link: Link, page: ServerPage) {
    open::page(session, page.clone());
    link.commit_page(&page);
}

/// Sets the FFT's size; window and hop keep their share of it.
pub fn resize_fft(session: Session, size: impl Fn(u32) -> u32) {
    session.change_spectrum(|s| {
        let new = size(s.fft_size).clamp(64, 65_536);
        let part = |v: u32| (f64::from(v) * f64::from(new) / f64::from(s.fft_size)).round() as u32;
        (s.window_samples, s.hop_samples) =
            (part(s.window_samples).max(2), part(s.hop_samples).max(1));
        s.fft_size = new;
    });
}

/// Sets how frequency runs.
pub fn set_axis(session: Session, axis: FrequencyAxis) {
    session.view.update(|v| v.frequency_axis = axis);
    contrast::renew(session);
}

/// Sets what of a pixel's power is drawn.
pub fn set_statistic(session: Session, statistic: Statistic) {
    session.view.update(|v| v.statistic = statistic);
    contrast::renew(session);
}

/// Sets the channel that is shown and heard.
pub fn set_channel(session: Session, channel: u32) {
    session.view.update(|v| v.channel = channel);
    contrast::renew(session);
}

fn toggle(session: Session, dialog: Dialog) {
    session.dialog.update(|d| *d = if *d == dialog { Dialog::None } else { dialog });
}

/// Folds gaps away or shows them; what is in the middle stays there.
pub fn collapse_gaps(session: Session) {
    let Some(open) = session.open.get_untracked() else { return };
    if !open.has_gaps() {
        return session.tell(NoticeKind::Done, words::NO_GAP);
    }
    let Some(before) = session.frame_now() else { return };
    let whole = before.span() >= before.end * 0.999;
    session.view.update(|v| v.gaps_collapsed = !v.gaps_collapsed);
    session.change_frame(|f| {
        if whole {
            return f.fit_all();
        }
        f.places = f.places.start..f.places.start + before.span().min(f.end);
        f.go_to(before.position_at(0.5));
    });
}

fn fit_selection(session: Session) {
    let Some(open) = session.open.get_untracked() else { return };
    let Some(selection) = session.view.with_untracked(|v| v.selection) else { return };
    let positions = selection_positions(&selection, &open.line);
    session.change_frame(|f| f.fit(&positions, selection.band_hz));
}

fn go(link: Link, by: i32) {
    link.commit();
    if let Ok(history) = window().history() {
        // Fails only in a page that is going away.
        let _ = history.go_with_delta(by);
    }
}

fn set_cursor(session: Session, which: usize) {
    let middle = || {
        let f = session.frame_now()?;
        Some(crate::session::Point { position: f.position_at(0.5), hz: Some(f.hz_at(0.5)) })
    };
    if let Some(point) = session.pointer.get_untracked().or_else(middle) {
        session.cursors.update(|c| c[which] = Some(point));
    }
}

fn clear(session: Session) {
    session.escapes.update_value(|n| *n = n.wrapping_add(1));
    session.box_tool.set(false);
    session.labels.chosen.set(None);
    session.calls.choose_none();
    session.select(None);
    session.cursors.set([None, None]);
}

fn next_map(map: ColourMap) -> ColourMap {
    next_of(ColourMap::all(), map)
}

fn next_of<T: Copy + PartialEq>(all: &[(&'static str, T)], now: T) -> T {
    let at = all.iter().position(|(_, v)| *v == now).unwrap_or(0);
    all.get((at + 1) % all.len().max(1)).map_or(now, |(_, v)| *v)
}
