//! What the listener does when it is told to.

use std::ops::Range;

use spyhop_api::{ModelCard, RecordingInfo};
use spyhop_signal::OpenError;
use spyhop_signal::detect::RunWindows;
use spyhop_signal::detect::fit::fitting;
use spyhop_signal::detect::listen::{Found, Listen, Part, hear};
use spyhop_signal::fbank::Fbank;
use spyhop_signal::pyramid::Recorded;
use spyhop_words::listener::jobs as words;
use spyhop_workers::listening::{
    Answer, By, MOST_SEEN_WINDOWS, NetworkFiles, Order, Recordings, SeenWindow,
};
use spyhop_workers::{Message, float_buffer, now_ms, post};

use crate::files;
use crate::seen::Looker;
use crate::source::Source;
use crate::telling::Telling;

/// The listener's state.
#[derive(Default)]
pub struct Jobs {
    open: spyhop_workers::Recordings,
}

impl Jobs {
    /// Does what it is told, and answers.
    pub fn carry_out(&mut self, order: Order, message: &Message) {
        let (job, outcome) = match order {
            Order::Sources(sources) => {
                self.open.replace(sources, message);
                return;
            }
            Order::Fit { job, rate_hz } => {
                let detectors = fitting(rate_hz, None);
                (job, Ok(Message::new(&Answer::Fits { job, detectors })))
            }
            Order::Listen { job, by, recordings } => {
                (job, self.listen(job, &by, &recordings, message))
            }
            Order::Describe { job, network } => (job, describe(job, &network, message)),
            Order::See { job, card, recordings, from_ns, until_ns } => {
                (job, self.see(job, &card, &recordings, from_ns..until_ns))
            }
            Order::Logits { job, network } => (job, logits(job, &network, message)),
        };
        post(&outcome.unwrap_or_else(|message| Message::new(&Answer::Failed { job, message })));
    }

    fn listen(
        &mut self,
        job: u32,
        by: &By,
        recordings: &Recordings,
        message: &Message,
    ) -> Result<Message, String> {
        let (recorded, left_out) = on_the_clock(recordings)?;
        let source = Source::open(by, message)?;
        let rate_hz = recorded.sample_rate_hz;
        let mut listener = source.listener(rate_hz)?;
        let score_s = listener.score_s();
        let run = source.run(recordings.channel, score_s)?;
        let mut telling = Telling::new(job, run.classes.clone(), recorded.dated, score_s);
        let frames: u64 = recorded.runs.iter().map(|run| run.frames).sum();
        let recorded_s = frames as f64 / rate_hz;
        let (run, card) = (Box::new(run), source.card().map(Box::new));
        post(&Message::new(&Answer::Begun { job, run, card, recorded_s, left_out }));
        let parts = parts(&recorded, &(i64::MIN..i64::MAX));
        let mut found = Found::default();
        let problems = hear(
            &parts,
            recordings.channel,
            listener.as_mut(),
            &mut |index| self.opened(recordings, index),
            &mut found,
            &mut |fraction, found| {
                telling.now_and_then(fraction, found);
                true
            },
        )
        .map_err(|error| error.to_string())?;
        telling.tell(1.0, &mut found);
        Ok(Message::new(&Answer::Done { job, problems }))
    }

    fn see(
        &mut self,
        job: u32,
        card: &ModelCard,
        recordings: &Recordings,
        span_ns: Range<i64>,
    ) -> Result<Message, String> {
        let (recorded, _) = on_the_clock(recordings)?;
        let rate_hz = recorded.sample_rate_hz;
        let fbank = Fbank::new(&card.front_end).map_err(|error| error.to_string())?;
        let windows = RunWindows::new(rate_hz, &card.window()).map_err(|e| e.to_string())?;
        let mut looker = Looker::new(windows, span_ns.clone());
        let reach_ns = looker.reach_ns();
        let heard_ns = span_ns.start.saturating_sub(reach_ns)..span_ns.end.saturating_add(reach_ns);
        hear(
            &parts(&recorded, &heard_ns),
            recordings.channel,
            &mut looker,
            &mut |index| self.opened(recordings, index),
            &mut Found::default(),
            &mut |_, _| true,
        )
        .map_err(|error| error.to_string())?;
        let plan = card.window();
        let (mut windows, mut pictures) = (Vec::new(), Vec::new());
        for window in looker.kept.iter().take(MOST_SEEN_WINDOWS) {
            let picture = fbank.picture(&window.samples);
            let nanos = |position| spyhop_api::time::frames_to_nanos(position, plan.rate_hz);
            let end = window.position + window.samples.len() as i64;
            windows.push(SeenWindow {
                span_ns: (nanos(window.position), nanos(end)),
                speaks_for_ns: (nanos(window.speaks_for.start), nanos(window.speaks_for.end)),
                frames: picture.frames,
                mels: picture.mels,
                heard_frames: picture.heard_frames,
            });
            pictures.push(float_buffer(&picture.values));
        }
        Ok(Message::with(&Answer::Seen { job, windows }, pictures))
    }

    fn opened(
        &self,
        recordings: &Recordings,
        index: usize,
    ) -> Result<spyhop_signal::Recording, OpenError> {
        let source = recordings.infos.get(index).map_or(usize::MAX, |(source, _)| *source);
        self.open.open(source)
    }
}

/// Where recordings lie on the clock, and sentences about those that do not.
fn on_the_clock(recordings: &Recordings) -> Result<(Recorded, Vec<String>), String> {
    let infos: Vec<RecordingInfo> = recordings.infos.iter().map(|(_, info)| info.clone()).collect();
    let (recorded, left_out) = Recorded::new(&infos).map_err(|error| error.to_string())?;
    let told = left_out.into_iter().filter_map(|(index, reason)| {
        infos.get(index).map(|info| words::left_out(&info.name, reason))
    });
    Ok((recorded, told.collect()))
}

/// The parts of runs in a span of the clock.
fn parts(recorded: &Recorded, span_ns: &Range<i64>) -> Vec<Part> {
    let within = |run: &spyhop_signal::pyramid::ClockRun| {
        let run_ns = recorded.run_span_ns(run);
        run_ns.start < span_ns.end && span_ns.start < run_ns.end
    };
    let runs = recorded.runs.iter().filter(|run| within(run));
    let part = |run: &spyhop_signal::pyramid::ClockRun| Part {
        run: *run,
        frames: run.frames_within(span_ns, recorded.sample_rate_hz),
    };
    runs.map(part).filter(|part| !part.frames.is_empty()).collect()
}

fn describe(job: u32, network: &NetworkFiles, message: &Message) -> Result<Message, String> {
    let classifier = files::open(network, message)?;
    let (card, parameters) = (Box::new(classifier.card().clone()), classifier.parameters());
    Ok(Message::new(&Answer::Card { job, card, parameters }))
}

fn logits(job: u32, network: &NetworkFiles, message: &Message) -> Result<Message, String> {
    let classifier = files::open(network, message)?;
    let samples = message.floats(message.objects.len().saturating_sub(1));
    let windows: Vec<&[f32]> = samples.chunks(classifier.window().window_samples.max(1)).collect();
    let start = now_ms();
    let mut all = Vec::new();
    for batch in windows.chunks(classifier.batch_windows()) {
        let logits = classifier.logits(batch).map_err(|error| error.to_string())?;
        all.extend(logits.into_iter().flatten());
    }
    let elapsed_ms = now_ms() - start;
    let classes = classifier.card().classes.len();
    let answer = Answer::Logits { job, classes, elapsed_ms };
    Ok(Message::with(&answer, vec![float_buffer(&all)]))
}
