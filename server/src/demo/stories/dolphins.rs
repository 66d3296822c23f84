//! "A night with dolphins": whistles, clicks, a buzz and a burst pulse, slowed down until one hears them.

use spyhop_api::{MarkKind, Step, StoryRequest};

use super::moments::{Moments, overlap};
use super::{AUTHOR, question, said_hz};
use crate::demo::scene::{Look, Scene, hann};
use crate::demo::truth::Truth;

const WHISTLES: Look = Look {
    band_hz: (1000.0, 30_000.0),
    spectrum: hann(2048, 2048, 512),
    range_db: (38.0, 82.0),
    speed: 1.0,
};
const CLICKS: Look = Look {
    band_hz: (2000.0, 95_000.0),
    spectrum: hann(256, 256, 64),
    range_db: (40.0, 84.0),
    speed: 0.1,
};

/// The story, where the Gulf's night is there.
pub fn story(scenes: &[Scene]) -> Option<StoryRequest> {
    let gulf = Moments::of(scenes, "gulf-night")?;
    let steps = [
        as_it_is(&gulf),
        slowed(&gulf),
        names(&gulf),
        clicks(&gulf),
        buzz(&gulf),
        burst(&gulf),
        what_does_it_do(&gulf),
        deeper(&gulf),
    ];
    Some(StoryRequest {
        title: "A night with dolphins".into(),
        note: "Bottlenose dolphins in the Gulf of Mexico call each other by name, look around by echo \
               and close in on fish in the dark. Most of it is too high or too quick for us: slowed \
               down, you can hear it. The sounds are synthesised, after real ones."
            .into(),
        author: AUTHOR.into(),
        language: "en".into(),
        steps: steps.into_iter().flatten().collect(),
        ..StoryRequest::default()
    })
}

fn as_it_is(gulf: &Moments<'_>) -> Option<Step> {
    let moment = gulf.best(6.0, 0.05, |call, inside| {
        let loud = inside.iter().filter(|t| t.label == "whistle" && t.snr_db > 20.0);
        (call.label == "whistle").then(|| loud.count() as f64 + call.snr_db / 100.0)
    })?;
    Some(Step {
        title: "It is dark down there".into(),
        text: "Night in the Gulf of Mexico. A **hydrophone**, a microphone for water, hangs 260 metres \
               below the waves. Light does not come down here, but sound goes far: in water it runs \
               1500 metres in a second, more than four times as fast as in air.\n\n\
               Listen. What you hear is as it was: thin, high whistles. Dolphins are near."
            .into(),
        ..gulf.heard(&moment, WHISTLES)
    })
}

fn slowed(gulf: &Moments<'_>) -> Option<Step> {
    let moment = gulf.best(2.0, 0.3, |call, inside| {
        let others = inside.iter().filter(|t| **t != call && overlap(t, call)).count() as f64;
        (call.label == "whistle").then_some(call.snr_db - 10.0 * others)
    })?;
    let call = &moment.call;
    let whole = call.start_s - 0.15..call.end_s + 0.15;
    Some(Step {
        title: "Eight times slower".into(),
        text: format!(
            "One whistle, **eight times slower** and so three octaves lower. In truth it lasted {:.1} \
             seconds and ran between {} and {}.\n\n\
             Now you hear how it bends and turns. Dolphins have no vocal cords as we do: they whistle \
             with lips of tissue high up in the nose, below the blowhole, and let no air out.",
            call.end_s - call.start_s,
            said_hz(call.low_hz),
            said_hz(call.high_hz),
        ),
        marks: vec![gulf.mark(call, "whistle", MarkKind::Answer)],
        ..gulf.heard_within(&moment, whole, Look { speed: 0.125, ..WHISTLES })
    })
}

/// The whistles of one animal that follow a first one in a window.
fn again<'t>(call: &Truth, inside: &[&'t Truth], end_s: f64) -> Vec<&'t Truth> {
    let same = inside.iter().filter(|t| {
        t.label == "whistle"
            && t.individual == call.individual
            && t.start_s >= call.start_s
            && t.end_s <= end_s
    });
    same.copied().collect()
}

fn names(gulf: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 12.0;
    let moment = gulf.best(SPAN_S, 0.04, |call, inside| {
        let same = again(call, inside, call.start_s + 0.96 * SPAN_S);
        let quietest_db = same.iter().map(|t| t.snr_db).fold(f64::INFINITY, f64::min);
        let is_bout = call.label == "whistle" && same.len() >= 2;
        is_bout.then(|| 10.0 * same.len().min(4) as f64 + quietest_db)
    })?;
    let inside: Vec<&Truth> = moment.inside.iter().collect();
    let same = again(&moment.call, &inside, moment.window.end);
    let marks = same.iter().map(|t| gulf.mark(t, "the same dolphin", MarkKind::Answer));
    Some(Step {
        title: "A name of its own".into(),
        text: format!(
            "The boxes hold whistles of *one* dolphin, {} of them in {SPAN_S:.0} seconds. Compare their \
             shapes: they are nearly alike.\n\n\
             Each bottlenose dolphin makes up a whistle of its own in its first year and keeps it for \
             many years: its **signature whistle**. It tells the others: here I am. And when another \
             dolphin copies it, the owner answers. That is much like calling somebody by their name.",
            same.len(),
        ),
        marks: marks.collect(),
        ..gulf.heard(&moment, Look { speed: 0.5, ..WHISTLES })
    })
}

fn clicks(gulf: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 1.6;
    let moment = gulf.best_within(SPAN_S, |call, inside| {
        let others = inside.iter().filter(|t| **t != call && overlap(t, call)).count() as f64;
        let is_long = call.label == "click train" && call.end_s - call.start_s > SPAN_S;
        is_long.then_some(call.snr_db - 10.0 * others)
    })?;
    Some(Step {
        title: "To see by hearing".into(),
        text: "Upright lines: **clicks**, now *ten times slower*. From its forehead the dolphin throws \
               them forward in a narrow beam, like the light of a torch. What they meet sends an echo \
               back, and the dolphin hears in it how far away a fish is, how large, and where it \
               swims.\n\n\
               Usually it waits for the echo before it clicks again. Some lines are brighter: then \
               the beam pointed at our hydrophone. A dolphin's clicks are strongest at 110 000 to \
               130 000 hertz; this recorder ends at 96 000, so you see their lower part."
            .into(),
        ..gulf.heard(&moment, CLICKS)
    })
}

fn buzz(gulf: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 2.0;
    // The buzz is the end of its train.
    let moment = gulf.best_ending(SPAN_S, 0.9, |call, inside| {
        let others = inside.iter().filter(|t| **t != call && overlap(t, call)).count() as f64;
        (call.label == "click train with buzz").then_some(call.snr_db - 10.0 * others)
    })?;
    Some(Step {
        title: "The buzz".into(),
        text: "Watch the lines: on the right they move closer and closer together, until the clicks \
               come hundreds of times in a second. Even ten times slower they run together into a \
               **buzz**.\n\n\
               The fish is just ahead now. Its echo comes back at once, so the dolphin can click \
               faster, and it needs to: a fish turns quickly. When the buzz ends, it has the fish, or \
               has lost it."
            .into(),
        question: question(
            "Why can the dolphin click faster when the fish is near?",
            &[
                "Because it is excited",
                "Because the echo has a shorter way and comes back sooner",
                "Because its clicks are louder then",
            ],
            1,
            "It waits for the echo of one click before it sends the next. From a fish at 75 metres an \
             echo takes a tenth of a second; from one at 75 centimetres, a thousandth. In a buzz the \
             clicks are even *quieter* than before.",
        ),
        ..gulf.heard(&moment, CLICKS)
    })
}

fn burst(gulf: &Moments<'_>) -> Option<Step> {
    let moment = gulf.best(0.8, 0.25, |call, inside| {
        let others = inside.iter().filter(|t| **t != call && overlap(t, call)).count() as f64;
        (call.label == "burst pulse").then_some(call.snr_db - 10.0 * others)
    })?;
    let call = &moment.call;
    let whole = call.start_s - 0.05..call.end_s + 0.08;
    Some(Step {
        title: "Talking in bursts".into(),
        text: format!(
            "So close that we no longer tell them apart: a **burst pulse**, hundreds of clicks in {:.2} \
             seconds. To our ears it is a squawk or a creaking door. Here it is *twenty times slower*, \
             and out of the squawk come single clicks.\n\n\
             Dolphins do not look around with these. They are for each other: when they quarrel, court \
             or play.",
            call.end_s - call.start_s,
        ),
        marks: vec![gulf.mark(call, "burst pulse", MarkKind::Answer)],
        ..gulf.heard_within(&moment, whole, Look { speed: 0.05, ..CLICKS })
    })
}

fn what_does_it_do(gulf: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 3.0;
    // Another train than the one that was told of: the quietest that is still clear.
    let moment = gulf.best_within(SPAN_S, |call, inside| {
        let is_alone = inside.iter().all(|t| *t == call || !overlap(t, call));
        let is_clear = call.snr_db > 30.0 && call.end_s - call.start_s > SPAN_S;
        (call.label == "click train" && is_alone && is_clear).then_some(-call.snr_db)
    })?;
    Some(Step {
        title: "What is it doing?".into(),
        text: "Another dolphin, another moment, *ten times slower*. Look at the lines and at the \
               distance between them."
            .into(),
        question: question(
            "What is this dolphin doing?",
            &[
                "It calls its own name",
                "It looks around by echo",
                "It is just about to catch a fish",
            ],
            1,
            "Upright lines are clicks, so it is no whistle and no name. The lines stay well apart and \
             nearly evenly spaced: no buzz, so there is no fish just ahead. It looks around.",
        ),
        ..gulf.heard(&moment, CLICKS)
    })
}

fn deeper(gulf: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 10.0;
    let moment = gulf.best_within(SPAN_S, |call, _| {
        let is_long = call.label == "usual clicks" && call.end_s - call.start_s > SPAN_S;
        is_long.then_some(call.snr_db)
    })?;
    let look = Look {
        band_hz: (1000.0, 24_000.0),
        spectrum: hann(1024, 1024, 256),
        range_db: (40.0, 84.0),
        speed: 1.0,
    };
    Some(Step {
        title: "Somebody larger".into(),
        text: "Dolphins are not alone here. These slow, strong knocks, one or two in a second, are \
               **sperm whales**: the largest animals with teeth. They are looking for squid, often a \
               kilometre down, and their echoes come from far away, so they click slowly.\n\n\
               You hear this one as it is. Now go and listen for yourself: open the night, and look for \
               a name, a buzz, a knock."
            .into(),
        ..gulf.heard(&moment, look)
    })
}
