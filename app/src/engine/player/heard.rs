//! What is heard when: from the audio clock to positions on the line, and what tests may look at.

use std::collections::VecDeque;

use wasm_bindgen::prelude::*;

/// Stretches of sound with their times on the audio clock.
pub struct Timeline {
    stretches: VecDeque<Stretch>,
    start: f64,
}

#[derive(Clone, Copy)]
struct Stretch {
    time_s: f64,
    position: f64,
    positions_per_s: f64,
    length_s: f64,
}

/// Stretches that are remembered: several seconds, more than any device's latency.
const REMEMBERED: usize = 32;

impl Timeline {
    /// Before anything is heard the play head stands at `start`.
    pub fn new(start: f64) -> Timeline {
        Timeline { stretches: VecDeque::new(), start }
    }

    /// Adds a stretch that begins to be heard at `time_s`.
    pub fn add(&mut self, time_s: f64, position: f64, positions_per_s: f64, length_s: f64) {
        if self.stretches.len() == REMEMBERED {
            self.stretches.pop_front();
        }
        self.stretches.push_back(Stretch { time_s, position, positions_per_s, length_s });
    }

    /// The position that is heard at a time.
    pub fn position(&self, time_s: f64) -> f64 {
        match self.stretches.iter().rev().find(|s| s.time_s <= time_s) {
            Some(s) => s.position + (time_s - s.time_s).min(s.length_s) * s.positions_per_s,
            None => self.start,
        }
    }
}

/// Leaves what was just heard in `window.__spyhop.audio`, where tests look at it.
pub fn show(path: &str, rate_hz: f64, samples: &[f32]) {
    let Some(window) = web_sys::window() else { return };
    let get = |from: &JsValue, key: &str| {
        let held = js_sys::Reflect::get(from, &key.into()).ok().filter(JsValue::is_object);
        held.unwrap_or_else(|| {
            let made = js_sys::Object::new();
            // A plain object takes every key.
            let _ = js_sys::Reflect::set(from, &key.into(), &made);
            made.into()
        })
    };
    let audio = get(&get(&window, "__spyhop"), "audio");
    let count = js_sys::Reflect::get(&audio, &"chunks".into()).ok().and_then(|v| v.as_f64());
    let squares: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
    let rms = (squares / samples.len().max(1) as f64).sqrt();
    let samples = js_sys::Float32Array::from(samples);
    let fields: [(&str, JsValue); 5] = [
        ("path", path.into()),
        ("rate", rate_hz.into()),
        ("rms", rms.into()),
        ("samples", samples.into()),
        ("chunks", (count.unwrap_or(0.0) + 1.0).into()),
    ];
    for (key, value) in fields {
        let _ = js_sys::Reflect::set(&audio, &key.into(), &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_play_head_follows_the_audio_clock_and_jumps_where_a_loop_does() {
        let mut timeline = Timeline::new(7.0);
        assert_eq!(timeline.position(0.0), 7.0);
        timeline.add(1.0, 100.0, 1000.0, 0.25);
        timeline.add(1.25, 0.0, 1000.0, 0.25);
        assert_eq!(timeline.position(1.1).round(), 200.0);
        assert_eq!(timeline.position(1.3).round(), 50.0);
        assert_eq!(timeline.position(9.0), 250.0, "it waits where the sound waits");
    }
}
