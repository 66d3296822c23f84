//! "How to read a spectrogram": time, pitch, loudness, and the shapes that sounds have.

use spyhop_api::{MarkKind, Step, StoryRequest};

use super::moments::{Moments, overlap};
use super::{AUTHOR, question, said_hz};
use crate::demo::scene::{Look, Scene, hann};

/// The story, where all three deployments are there.
pub fn story(scenes: &[Scene]) -> Option<StoryRequest> {
    let song = Moments::of(scenes, "winter-song")?;
    let bank = Moments::of(scenes, "bank-in-march")?;
    let gulf = Moments::of(scenes, "gulf-night")?;
    let mut steps = Vec::new();
    steps.extend(a_picture_of_sound(&song));
    steps.extend(high_and_low(&song));
    steps.extend(harmonics(&song));
    steps.extend(a_rising_line(&bank));
    steps.extend(clicks(&gulf).into_iter().flatten());
    steps.extend(a_ship(&bank));
    steps.extend(what_is_it(&gulf));
    Some(StoryRequest {
        title: "How to read a spectrogram".into(),
        note:
            "Eight pictures, and you can read them all: where a sound is high, where it is loud, \
               and what its shape tells of whoever made it. The sounds are synthesised, after real \
               ones."
                .into(),
        author: AUTHOR.into(),
        language: "en".into(),
        steps,
        ..StoryRequest::default()
    })
}

const SONG: Look =
    Look { band_hz: (30.0, 4000.0), spectrum: HANN_4096, range_db: (56.0, 112.0), speed: 1.0 };
const HANN_4096: spyhop_api::view::SpectrumSettings = hann(4096, 4096, 512);

fn a_picture_of_sound(song: &Moments<'_>) -> Option<Step> {
    let moment = song.best(20.0, 0.02, |call, inside| {
        let near = inside.iter().filter(|t| t.individual == call.individual);
        let mut kinds: Vec<&str> = near.map(|t| t.label).collect();
        kinds.sort_unstable();
        kinds.dedup();
        (call.individual == "near singer").then_some(kinds.len() as f64)
    })?;
    Some(Step {
        title: "A picture of sound".into(),
        text: "You see twenty seconds of a **humpback whale's song**, and you can hear them.\n\n\
               - *From left to right* runs the time, as in written music.\n\
               - *From bottom to top* runs the pitch: deep sounds low, high sounds high.\n\
               - *Bright* is loud, dark is quiet.\n\n\
               Follow the line while it plays: what you see is what you hear. Such a picture is \
               called a **spectrogram**."
            .into(),
        ..song.heard(&moment, SONG)
    })
}

fn high_and_low(song: &Moments<'_>) -> Option<Step> {
    const DEEP: [&str; 3] = ["moan", "groan", "whup"];
    const HIGH: [&str; 3] = ["shriek", "chirp", "cry"];
    let near = |kinds: &'static [&'static str]| {
        move |t: &&&crate::demo::truth::Truth| {
            t.individual == "near singer" && kinds.contains(&t.label)
        }
    };
    let moment = song.best(12.0, 0.05, |call, inside| {
        let whole = |t: &&&crate::demo::truth::Truth| t.end_s <= call.start_s + 0.95 * 12.0;
        let high = inside.iter().filter(near(&HIGH)).filter(whole).map(|t| t.low_hz);
        let high_hz = high.fold(0.0, f64::max);
        let is_deep = call.individual == "near singer" && DEEP.contains(&call.label);
        (is_deep && high_hz > 0.0).then(|| (high_hz / call.low_hz).ln())
    })?;
    let inside: Vec<&_> = moment.inside.iter().collect();
    let high =
        inside.iter().filter(near(&HIGH)).max_by(|a, b| a.low_hz.total_cmp(&b.low_hz)).copied()?;
    let (low, mark) = (&moment.call, MarkKind::Answer);
    Some(Step {
        title: "High and low".into(),
        text: format!(
            "How high a sound is, is counted in **hertz**: how often the water swings to and fro in \
             a second. The A that an orchestra tunes to is 440 Hz.\n\n\
             The box *deep* begins at about {}, the box *high* at about {}. The numbers stand on \
             the left.\n\n\
             People hear from about 20 Hz to 20 000 Hz, a little less when they get older. Whales \
             and dolphins sing and click far below and far above that.",
            said_hz(low.low_hz),
            said_hz(high.low_hz),
        ),
        marks: vec![song.mark(low, "deep", mark), song.mark(high, "high", mark)],
        ..song.heard(&moment, SONG)
    })
}

fn harmonics(song: &Moments<'_>) -> Option<Step> {
    let moment = song.best(5.0, 0.2, |call, inside| {
        let alone = inside.iter().filter(|t| t.individual == call.individual).count() as f64;
        let is_moan = call.individual == "near singer" && call.label == "moan";
        is_moan.then_some(call.received_db - 6.0 * alone)
    })?;
    let look = Look { band_hz: (30.0, 2000.0), spectrum: hann(8192, 8192, 512), ..SONG };
    let whole = moment.call.start_s - 0.2..moment.call.end_s + 0.5;
    Some(Step {
        title: "One voice, many lines".into(),
        text: "A single moan, closer. It is *one* sound, yet there are many lines, evenly spaced, \
               like the rungs of a ladder.\n\n\
               The lowest is the note that you hear. Those above it are its **harmonics**: twice, \
               three times, four times as high. They give a voice its colour, and are why a violin \
               and a flute sound different on the same note."
            .into(),
        marks: vec![song.mark(&moment.call, "moan", MarkKind::Answer)],
        ..song.heard_within(&moment, whole, look)
    })
}

fn a_rising_line(bank: &Moments<'_>) -> Option<Step> {
    let moment = bank.best(8.0, 0.4, |call, inside| {
        let is_alone = inside.iter().all(|t| *t == call || !overlap(t, call));
        (call.label == "upcall" && is_alone).then_some(call.snr_db)
    })?;
    let call = &moment.call;
    let look = Look {
        band_hz: (20.0, 500.0),
        spectrum: hann(1024, 512, 64),
        range_db: (72.0, 108.0),
        speed: 4.0,
    };
    let whole = call.start_s - 0.7..call.end_s + 0.7;
    Some(Step {
        title: "A line that rises".into(),
        text: format!(
            "Another sea, another whale: a **North Atlantic right whale**. Its call rises, slowly \
             at first and then ever faster, from about {} to about {} in {:.1} seconds. The line \
             rises with it.\n\n\
             Small loudspeakers can hardly make such deep sounds. So you hear it **four times \
             faster**, and two octaves higher, than it is.",
            said_hz(call.low_hz),
            said_hz(call.high_hz),
            call.end_s - call.start_s,
        ),
        marks: vec![bank.mark(call, "rising", MarkKind::Answer)],
        ..bank.heard_within(&moment, whole, look)
    })
}

/// The same clicks through a short window and through a long one.
fn clicks(gulf: &Moments<'_>) -> [Option<Step>; 2] {
    const SPAN_S: f64 = 1.5;
    let moment = gulf.best_within(SPAN_S, |call, inside| {
        let is_alone = inside.iter().all(|t| *t == call || !overlap(t, call));
        let is_long = call.end_s - call.start_s > SPAN_S;
        (call.label == "click train" && is_alone && is_long).then_some(call.snr_db)
    });
    let Some(moment) = moment else { return [None, None] };
    let short = Look {
        band_hz: (1000.0, 95_000.0),
        spectrum: hann(256, 256, 64),
        range_db: (40.0, 84.0),
        speed: 0.1,
    };
    let long = Look { spectrum: hann(16_384, 16_384, 1024), ..short };
    let first = Step {
        title: "A line that stands".into(),
        text:
            "Dolphins make **clicks**. A click is over before a thousandth of a second has passed, \
               and it is deep and high all at once: so it stands upright in the picture, like a \
               fence post.\n\n\
               A dolphin listens for the echoes of its clicks and knows by them what swims ahead. \
               Here all is **ten times slower**; most of a click lies far above what people can \
               hear."
                .into(),
        ..gulf.heard(&moment, short)
    };
    let second = Step {
        title: "A quick look and a long look".into(),
        text: "The *same* clicks. Only the way of looking has changed: the picture is made of pieces \
               of the recording, and now each piece is 64 times longer.\n\n\
               A **short piece** tells exactly *when* something was, a **long one** tells exactly *how \
               high* it was. No picture tells both: what is sharp one way is blurred the other way. \
               Whoever looks at spectrograms chooses, for clicks one way and for deep moans the \
               other."
            .into(),
        question: question(
            "Which pieces would you choose, to measure how much time lies between two clicks?",
            &["Short ones", "Long ones", "It makes no difference"],
            0,
            "With short pieces each click is a thin line, and the time between two lines can be \
             read. With long ones the clicks run into each other.",
        ),
        ..gulf.step(&moment.window, Look { speed: 1.0, ..long })
    };
    [Some(first), Some(second)]
}

fn a_ship(bank: &Moments<'_>) -> Option<Step> {
    let moment =
        bank.best_within(240.0, |call, _| (call.label == "vessel").then_some(call.received_db))?;
    let look = Look {
        band_hz: (10.0, 1000.0),
        spectrum: hann(2048, 2048, 512),
        range_db: (66.0, 112.0),
        speed: 4.0,
    };
    Some(Step {
        title: "Lines that stay".into(),
        text: "Animals begin and end; machines go on. Here a **ship** passes for four minutes. \
               Straight lines that stay at one pitch are its engine and its propeller; the bright haze \
               is water that boils at the propeller's blades.\n\n\
               Whatever calls behind this haze is hard to hear, for us and for other whales."
            .into(),
        ..bank.step(&moment.window, look)
    })
}

fn what_is_it(gulf: &Moments<'_>) -> Option<Step> {
    let moment = gulf.best(2.5, 0.3, |call, inside| {
        let others = inside.iter().filter(|t| **t != call && overlap(t, call)).count() as f64;
        let is_whistle = call.label == "whistle" && call.end_s - call.start_s > 0.5;
        is_whistle.then_some(call.snr_db - 10.0 * others)
    })?;
    let look = Look {
        band_hz: (1000.0, 30_000.0),
        spectrum: hann(2048, 2048, 512),
        range_db: (38.0, 82.0),
        speed: 0.25,
    };
    let whole = moment.call.start_s - 0.2..moment.call.end_s + 0.2;
    Some(Step {
        title: "Now you".into(),
        text: "You know enough to read this one. Look at the shape in the box, and listen: it is four \
               times slower than it was."
            .into(),
        marks: vec![gulf.mark(&moment.call, "?", MarkKind::Question)],
        question: question(
            "What is in the box?",
            &[
                "A click: everything at once, for an instant",
                "A whistle: one note that moves up and down",
                "A ship: lines that stay at one pitch",
            ],
            1,
            "It is *one* line, so it is one note; and the line moves, so the note does. A bottlenose \
             dolphin whistled it. The fainter copies above it are its harmonics.",
        ),
        ..gulf.heard_within(&moment, whole, look)
    })
}
