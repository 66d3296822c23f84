//! Presets by animal: window, band, speed and contrast in one press.

use leptos::prelude::*;
use spyhop_signal::listen::{PRESETS, Preset};
use spyhop_words::panel::presets as words;

use crate::playback;
use crate::session::{Session, use_session};
use crate::wording;

/// Buttons of the presets; what the recording can't hold is greyed with the reason.
#[component]
pub fn Presets() -> impl IntoView {
    let session = use_session();
    let rate = Memo::new(move |_| session.open.with(|o| o.as_ref().map(|o| o.line.sample_rate_hz)));
    view! {
        <fieldset>
            <legend>{words::ANIMALS}</legend>
            <div class="presets">
                {move || rate.get().map(|rate| PRESETS.iter().map(|p| button(session, p, rate)).collect_view())}
            </div>
        </fieldset>
    }
}

fn button(session: Session, preset: &'static Preset, rate_hz: f64) -> impl IntoView {
    let (title, reason) = match preset.at(rate_hz) {
        Ok(s) => {
            let window = f64::from(s.spectrum.window_samples) / rate_hz;
            let (band, speed) = (wording::band(s.band_hz), wording::speed(s.speed));
            (words::settings(band, wording::duration(window), speed), None)
        }
        Err(reason) => (reason.clone(), Some(reason)),
    };
    let off = reason.is_some();
    // Greyed, but still reached by keys and fingers: the reason must be readable everywhere.
    view! {
        <button
            data-preset=preset.id title=title class:off=off aria-disabled=off.to_string()
            on:click=move |_| match &reason {
                Some(why) => session.tell(crate::session::NoticeKind::Warning, why.clone()),
                None => apply(session, preset, rate_hz),
            }
        >{preset.name}</button>
    }
}

fn apply(session: Session, preset: &Preset, rate_hz: f64) {
    let Ok(settings) = preset.at(rate_hz) else { return };
    session.view.update(|v| {
        v.spectrum = settings.spectrum;
        // The new picture sets its own contrast once it is there.
        v.colour.range_db = None;
        v.flatten_s = None;
    });
    session.change_frame(|f| f.band_hz = settings.band_hz);
    playback::change(session, |l| (l.rate, l.lens) = (settings.speed, settings.lens));
}
