//! Presets by animal: window, band, speed and contrast in one press.

use leptos::prelude::*;
use spyhop_signal::listen::{PRESETS, Preset, TooSlow};
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
        Err(reason) => {
            let told = too_slow(name_of(preset), &reason);
            (told.clone(), Some(told))
        }
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
        >{name_of(preset)}</button>
    }
}

/// What a person reads on a preset's button.
fn name_of(preset: &Preset) -> &'static str {
    match preset.id {
        "blue-fin" => words::BLUE_FIN,
        "right-bowhead" => words::RIGHT_BOWHEAD,
        "humpback-minke" => words::HUMPBACK_MINKE,
        "sperm" => words::SPERM,
        "whistles" => words::WHISTLES,
        "clicks" => words::CLICKS,
        "clicks-envelope" => words::CLICKS_ENVELOPE,
        "porpoise" => words::PORPOISE,
        other => other,
    }
}

/// Why a recording can't hold these sounds.
fn too_slow(animals: &str, reason: &TooSlow) -> String {
    let [needed, rate, highest] =
        [reason.needs_rate_hz, reason.sample_rate_hz, reason.sample_rate_hz / 2.0]
            .map(wording::hertz);
    words::too_slow(animals, needed, rate, highest)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_a_name_and_says_why_a_recording_can_t_hold_it() {
        for preset in &PRESETS {
            assert_ne!(name_of(preset), preset.id);
        }
        let porpoise = PRESETS.iter().find(|p| p.id == "porpoise").expect("in the table");
        let reason = porpoise.at(192_000.0).expect_err("nothing of a porpoise is in 192 kHz");
        assert_eq!(
            too_slow(name_of(porpoise), &reason),
            "Porpoise needs a sampling rate of 300 kHz or more; this recording has 192 kHz, which holds nothing \
             above 96 kHz"
        );
    }
}
