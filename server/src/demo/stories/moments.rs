//! Moments of a scene that are worth telling of, found in the truth about it.

use std::ops::Range;

use spyhop_api::view::{Selection, Source};
use spyhop_api::{Mark, MarkKind, Said, Step, StepSound, View};

use crate::demo::scene::{Look, Scene};
use crate::demo::truth::Truth;

/// Captions of one step at most: more is not read.
const MOST_SAYS: usize = 12;

/// A scene and everything that is marked in it.
pub struct Moments<'a> {
    scene: &'a Scene,
    truths: Vec<Truth>,
}

/// A moment: a sound, and the window around it.
pub struct Moment {
    /// The sound.
    pub call: Truth,
    /// Seconds since the origin that are shown.
    pub window: Range<f64>,
    /// What lies wholly in the window, the sound among it, by time.
    pub inside: Vec<Truth>,
}

impl<'a> Moments<'a> {
    /// Those of a deployment, where it is among the scenes.
    pub fn of(scenes: &'a [Scene], id: &str) -> Option<Moments<'a>> {
        let scene = scenes.iter().find(|scene| scene.deployment.id == id)?;
        let mut truths = scene.truths();
        truths.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        Some(Moments { scene, truths })
    }

    /// The moment that `score` likes most. A window of `span_s` seconds is laid so that a sound begins at
    /// `at` of it (0 to 1); it is asked about where it was recorded without a gap and holds the sound whole.
    /// `score` is given the sound and everything that the window touches, and refuses by `None`.
    pub fn best(
        &self,
        span_s: f64,
        at: f64,
        score: impl Fn(&Truth, &[&Truth]) -> Option<f64>,
    ) -> Option<Moment> {
        self.best_from(span_s, |call| call.start_s - at * span_s, true, score)
    }

    /// The same for what lasts longer than a window: its middle stands in the window's middle.
    pub fn best_within(
        &self,
        span_s: f64,
        score: impl Fn(&Truth, &[&Truth]) -> Option<f64>,
    ) -> Option<Moment> {
        let start = |call: &Truth| (call.start_s + call.end_s - span_s) / 2.0;
        self.best_from(span_s, start, false, score)
    }

    /// The same for the end of what may last longer: it ends at `at` of the window.
    pub fn best_ending(
        &self,
        span_s: f64,
        at: f64,
        score: impl Fn(&Truth, &[&Truth]) -> Option<f64>,
    ) -> Option<Moment> {
        self.best_from(span_s, |call| call.end_s - at * span_s, false, score)
    }

    fn best_from(
        &self,
        span_s: f64,
        start: impl Fn(&Truth) -> f64,
        whole: bool,
        score: impl Fn(&Truth, &[&Truth]) -> Option<f64>,
    ) -> Option<Moment> {
        let mut best: Option<(f64, &Truth, Range<f64>)> = None;
        for call in &self.truths {
            // Tenths of a millisecond are exact enough to begin at, and keep links short.
            let start_s = (start(call) * 1e4).floor() / 1e4;
            let window = start_s..start_s + span_s;
            if whole && call.end_s > window.end || !self.scene.is_recorded(&window) {
                continue;
            }
            let touched: Vec<&Truth> = self.touched(&window).collect();
            let Some(points) = score(call, &touched) else { continue };
            if best.as_ref().is_none_or(|(most, ..)| points > *most) {
                best = Some((points, call, window));
            }
        }
        let (_, call, window) = best?;
        let inside = self.touched(&window).filter(|t| is_inside(t, &window)).cloned().collect();
        Some(Moment { call: call.clone(), window, inside })
    }

    fn touched(&self, window: &Range<f64>) -> impl Iterator<Item = &Truth> {
        let (start_s, end_s) = (window.start, window.end);
        // They come by time: what begins later touches nothing.
        self.truths.iter().take_while(move |t| t.start_s < end_s).filter(move |t| t.end_s > start_s)
    }

    /// A step that shows a window.
    pub fn step(&self, window: &Range<f64>, look: Look) -> Step {
        let view = self.of_this(self.scene.view(window.clone(), look));
        Step { view: view.to_query(), ..Step::default() }
    }

    /// A step that shows everything there is of the deployment.
    pub fn whole(&self, look: Look) -> Step {
        let mut view = self.of_this(self.scene.view(0.0..1.0, look));
        (view.start, view.span_ns) = (None, None);
        Step { view: view.to_query(), ..Step::default() }
    }

    /// A step that shows a moment and sounds: what is heard is named.
    pub fn heard(&self, moment: &Moment, look: Look) -> Step {
        // What lies outside the picture is not what the step is about.
        let (low_hz, high_hz) = look.band_hz;
        let seen = moment.inside.iter().filter(|t| t.low_hz < high_hz && t.high_hz > low_hz);
        let says = seen.take(MOST_SAYS).map(|t| Said {
            at_s: tenths(t.start_s - moment.window.start),
            lasts_s: tenths(t.end_s - t.start_s).max(0.1),
            text: name(t).to_owned(),
        });
        Step { sound: StepSound::Plays, says: says.collect(), ..self.step(&moment.window, look) }
    }

    /// The same, and sounds `window` alone, within the band that is shown.
    pub fn heard_within(&self, moment: &Moment, window: Range<f64>, look: Look) -> Step {
        let mut step = self.heard(moment, look);
        let (mut view, _) = View::from_query(&step.view);
        let start_s = window.start.max(moment.window.start);
        let end_s = window.end.min(moment.window.end);
        view.selection = Some(Selection {
            start: self.scene.moment(start_s),
            span_ns: ((end_s - start_s) * 1e9).round() as i64,
            band_hz: look.band_hz,
        });
        step.view = view.to_query();
        step
    }

    /// A box around a sound.
    pub fn mark(&self, sound: &Truth, text: impl Into<String>, kind: MarkKind) -> Mark {
        Mark {
            start: self.scene.moment(sound.start_s),
            span_ns: ((sound.end_s - sound.start_s) * 1e9).round() as i64,
            band_hz: (sound.low_hz, sound.high_hz),
            text: text.into(),
            kind,
        }
    }

    fn of_this(&self, view: View) -> View {
        let id = self.scene.deployment.id.clone();
        View { source: Source::Deployment { id, recording: None }, ..view }
    }
}

/// What a sound is called in a caption.
pub fn name(sound: &Truth) -> &'static str {
    match sound.label {
        "whistle" => "dolphin whistle",
        "click train" => "dolphin clicks",
        "click train with buzz" => "dolphin clicks, then a buzz",
        "burst pulse" => "dolphin burst pulse",
        "usual clicks" => "sperm whale clicks",
        "coda" => "sperm whale coda",
        "creak" => "sperm whale creak",
        "upcall" => "right whale upcall",
        "gunshot" => "right whale gunshot",
        "20 Hz pulse" => "fin whale pulse",
        "humpback upsweep" => "humpback upsweep",
        "downsweep" => "sei whale downsweep",
        "pulse train" => "minke whale pulse train",
        "grunt" if sound.species == "Gadus morhua" => "cod grunt",
        "knocks" => "haddock knocks",
        "airgun" => "airgun, far away",
        "vessel" => "ship",
        "moan" => "humpback: moan",
        "groan" => "humpback: groan",
        "whup" => "humpback: whup",
        "cry" => "humpback: cry",
        "chirp" => "humpback: chirp",
        "shriek" => "humpback: shriek",
        "grunt" => "humpback: grunt",
        "trill" => "humpback: trill",
        other => other,
    }
}

/// Whether a sound lies wholly in a window.
pub fn is_inside(sound: &Truth, window: &Range<f64>) -> bool {
    sound.start_s >= window.start && sound.end_s <= window.end
}

/// Whether two sounds share time and band.
pub fn overlap(a: &Truth, b: &Truth) -> bool {
    a.start_s < b.end_s && b.start_s < a.end_s && a.low_hz < b.high_hz && b.low_hz < a.high_hz
}

fn tenths(s: f64) -> f64 {
    (s * 10.0).round() / 10.0
}
