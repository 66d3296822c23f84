//! "Listening for right whales": the upcall, what is easily taken for it, and why anybody listens.

use spyhop_api::{MarkKind, Step, StoryRequest};

use super::moments::{Moments, overlap};
use super::{AUTHOR, question, said_hz};
use crate::demo::scene::{Look, Scene, hann};
use crate::demo::truth::Truth;

const CALLS: Look = Look {
    band_hz: (10.0, 450.0),
    spectrum: hann(1024, 512, 64),
    range_db: (72.0, 108.0),
    speed: 4.0,
};

/// The story, where the Bank is there.
pub fn story(scenes: &[Scene]) -> Option<StoryRequest> {
    let bank = Moments::of(scenes, "bank-in-march")?;
    let steps = [
        the_bank(&bank),
        the_upcall(&bank),
        answers(&bank),
        taken_for_one(&bank),
        which_is_it(&bank),
        fin_whales(&bank),
        ships(&bank),
        four_hours(&bank),
    ];
    Some(StoryRequest {
        title: "Listening for right whales".into(),
        note: "North Atlantic right whales are among the rarest whales. On a bank off Boston you listen \
               for their call, tell it from others that are much like it, and hear what is in its way. \
               The sounds are synthesised, after real ones."
            .into(),
        author: AUTHOR.into(),
        language: "en".into(),
        steps: steps.into_iter().flatten().collect(),
        ..StoryRequest::default()
    })
}

/// Whether nothing else shares a sound's time and band.
fn is_alone(call: &Truth, inside: &[&Truth]) -> bool {
    inside.iter().all(|t| *t == call || !overlap(t, call))
}

fn the_bank(bank: &Moments<'_>) -> Option<Step> {
    let moment = bank.best(40.0, 0.05, |call, inside| {
        let calls =
            inside.iter().filter(|t| t.label == "upcall").map(|t| t.snr_db.clamp(0.0, 12.0));
        let noise =
            inside.iter().filter(|t| matches!(t.label, "vessel" | "gunshot")).count() as f64;
        (call.label == "upcall").then(|| calls.sum::<f64>() - 10.0 * noise)
    })?;
    Some(Step {
        title: "Off Boston, in March".into(),
        text: "Stellwagen Bank, a hill under the sea off Boston. At the end of winter **North Atlantic \
               right whales** come here to eat: crustaceans smaller than a grain of rice, by the ton. \
               The whales grow longer than a bus, and fewer than 400 of them are left in the world.\n\n\
               They are hard to see in fog, at night and under water. But they call. Listen, *four \
               times faster* than it was."
            .into(),
        ..bank.heard(&moment, CALLS)
    })
}

fn the_upcall(bank: &Moments<'_>) -> Option<Step> {
    let moment = bank.best(8.0, 0.4, |call, inside| {
        (call.label == "upcall" && is_alone(call, inside)).then_some(call.snr_db)
    })?;
    let call = &moment.call;
    let whole = call.start_s - 0.7..call.end_s + 0.7;
    Some(Step {
        title: "The upcall".into(),
        text: format!(
            "This is the call to know: the **upcall**. It takes about a second, {:.1} here, and rises, \
             slowly at first and then ever faster, from about {} to about {}.\n\n\
             It means something like *here I am, where are you?* Mothers, young ones and males all make \
             it. So whoever hears an upcall knows that a right whale is there.",
            call.end_s - call.start_s,
            said_hz(call.low_hz),
            said_hz(call.high_hz),
        ),
        marks: vec![bank.mark(call, "upcall", MarkKind::Answer)],
        ..bank.heard_within(&moment, whole, CALLS)
    })
}

fn answers(bank: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 30.0;
    fn clear<'t>(inside: &[&'t Truth], end_s: f64) -> Vec<&'t Truth> {
        let calls = inside.iter().copied();
        calls.filter(|t| t.label == "upcall" && t.snr_db > 3.0 && t.end_s <= end_s).collect()
    }
    let moment = bank.best(SPAN_S, 0.05, |call, inside| {
        let calls = clear(inside, call.start_s + 0.95 * SPAN_S);
        let is_answered = calls.iter().any(|t| {
            t.individual != call.individual && (0.0..10.0).contains(&(t.start_s - call.start_s))
        });
        (call.label == "upcall" && call.snr_db > 3.0 && is_answered).then_some(calls.len() as f64)
    })?;
    let inside: Vec<&Truth> = moment.inside.iter().collect();
    let calls = clear(&inside, moment.window.end);
    let marks = calls.iter().map(|t| {
        let who = match t.individual.rsplit(' ').next() {
            Some("1") => "one whale",
            Some("2") => "a second",
            _ => "a third",
        };
        bank.mark(t, who, MarkKind::Answer)
    });
    Some(Step {
        title: "One calls, another answers".into(),
        text: "Half a minute in which more than one whale calls. Within some seconds after a call \
               another whale answers; the boxes say who is who.\n\n\
               The whales may be kilometres apart, far beyond what they can see: sound holds them \
               together."
            .into(),
        marks: marks.collect(),
        ..bank.heard(&moment, CALLS)
    })
}

fn taken_for_one(bank: &Moments<'_>) -> Option<Step> {
    let moment = bank.best(8.0, 0.4, |call, inside| {
        (call.label == "humpback upsweep" && is_alone(call, inside)).then_some(call.snr_db)
    })?;
    let call = &moment.call;
    let whole = call.start_s - 0.7..call.end_s + 0.7;
    Some(Step {
        title: "Not one of them".into(),
        text: format!(
            "This one rises too, and many a program has been fooled by it, and many a person. It is a \
             **humpback whale**.\n\n\
             Look closely: it takes only {:.1} seconds and climbs to about {}. It is *shorter, steeper \
             and higher* than an upcall. Humpbacks also tend to make several different sounds in a row; \
             right whales mostly make one upcall, wait, and make another.",
            call.end_s - call.start_s,
            said_hz(call.high_hz),
        ),
        marks: vec![bank.mark(call, "humpback", MarkKind::Answer)],
        ..bank.heard_within(&moment, whole, CALLS)
    })
}

/// A clear upcall and a clear upsweep side by side, and nothing else that could be meant.
fn which_is_it(bank: &Moments<'_>) -> Option<Step> {
    const SPAN_S: f64 = 14.0;
    const BOTH: [&str; 2] = ["upcall", "humpback upsweep"];
    let moment = bank.best(SPAN_S, 0.15, |call, inside| {
        let two: Vec<&&Truth> = inside.iter().filter(|t| BOTH.contains(&t.label)).collect();
        let [first, second] = two.as_slice() else { return None };
        let is_clear = **first == call
            && first.label != second.label
            && second.end_s < call.start_s + 0.8 * SPAN_S
            && !overlap(first, second);
        // A gap, so that two boxes do not lie on each other.
        let is_apart = second.start_s - first.end_s > 0.5;
        (is_clear && is_apart).then_some(first.snr_db.min(second.snr_db))
    })?;
    let two: Vec<&Truth> = moment.inside.iter().filter(|t| BOTH.contains(&t.label)).collect();
    let [first, second] = two.as_slice() else { return None };
    let right = if first.label == "upcall" { 0 } else { 1 };
    let (call, other) = if right == 0 { (first, second) } else { (second, first) };
    let told = |t: &Truth| if t.label == "upcall" { "right whale" } else { "humpback" };
    Some(Step {
        title: "Which is the right whale?".into(),
        text: "Two calls that rise. One of them is a right whale's, the other a humpback's. Look at how \
               long they take, how steep they are and how high they go."
            .into(),
        marks: vec![
            bank.mark(first, "A", MarkKind::Question),
            bank.mark(second, "B", MarkKind::Question),
            bank.mark(first, told(first), MarkKind::Truth),
            bank.mark(second, told(second), MarkKind::Truth),
        ],
        question: question(
            "Which of them is the right whale?",
            &["A", "B"],
            right,
            &format!(
                "The right whale's call lasts {:.1} seconds, the humpback's only {:.1}, in which it \
                 climbs to about {}. Short and steep: humpback. Long and gently curved: right whale.",
                call.end_s - call.start_s,
                other.end_s - other.start_s,
                said_hz(other.high_hz),
            ),
        ),
        ..bank.heard(&moment, CALLS)
    })
}

fn fin_whales(bank: &Moments<'_>) -> Option<Step> {
    let moment = bank.best(60.0, 0.02, |call, inside| {
        let pulses = inside.iter().filter(|t| t.label == "20 Hz pulse").count() as f64;
        let others = inside.iter().filter(|t| t.label == "vessel").count() as f64;
        (call.label == "20 Hz pulse").then_some(call.snr_db + pulses - 20.0 * others)
    })?;
    let look = Look {
        band_hz: (5.0, 60.0),
        spectrum: hann(2048, 1024, 128),
        range_db: (80.0, 118.0),
        speed: 16.0,
    };
    Some(Step {
        title: "The deepest voice".into(),
        text: "Near the bottom of the picture, every ten seconds or so, for hours: a **fin whale** sings. \
               Its note lies near 20 hertz, where human hearing ends. So you hear it *sixteen times \
               faster*, four octaves up.\n\n\
               It is nearly the largest animal that ever lived, and its note can be heard over hundreds \
               of kilometres of open sea."
            .into(),
        ..bank.heard(&moment, look)
    })
}

fn ships(bank: &Moments<'_>) -> Option<Step> {
    let moment = bank.best_within(300.0, |call, inside| {
        let calls = inside.iter().filter(|t| t.label == "upcall").count() as f64;
        (call.label == "vessel").then_some(call.received_db + calls / 100.0)
    })?;
    let look = Look {
        band_hz: (10.0, 600.0),
        spectrum: hann(2048, 2048, 512),
        range_db: (66.0, 112.0),
        speed: 4.0,
    };
    let calls = moment.inside.iter().filter(|t| t.label == "upcall");
    let marks: Vec<_> = calls.map(|t| bank.mark(t, "upcall", MarkKind::Truth)).collect();
    Some(Step {
        title: "In the way".into(),
        text: "Five minutes with a **ship** that passes. Its noise lies where the upcalls lie: right \
               whales call louder and higher in noisy waters than their grandparents did, and still \
               hear each other less far.\n\n\
               Ships also run over them, and they get caught in fishing lines. That is why people \
               listen here day and night: where a buoy hears an upcall, ships are asked to slow down, \
               and a whale has time to get out of the way."
            .into(),
        question: question(
            "Why does it help to know that a right whale is near a shipping lane?",
            &[
                "The whale can be shown to tourists",
                "Ships can slow down or go around it",
                "The whale can be driven away by sound",
            ],
            1,
            "A ship that goes at 10 knots or less hits fewer whales, and those it hits more often live. \
             For that somebody has to know that they are there, and listening tells it in fog and at \
             night, too. The boxes are upcalls in these five minutes.",
        ),
        marks,
        ..bank.step(&moment.window, look)
    })
}

fn four_hours(bank: &Moments<'_>) -> Option<Step> {
    Some(Step {
        title: "Four hours at a glance".into(),
        text: "All that the hydrophone heard, four hours, in one picture. A call is narrower than a hair \
               here. Nobody looks through months like this: programs search for upcalls, and people \
               check what they found.\n\n\
               Try it: zoom in until you find an upcall; or press *Detect*, and go through what it found \
               with the keys `,` and `.`."
            .into(),
        calls_shown: true,
        ..bank.whole(Look { speed: 4.0, ..CALLS })
    })
}
