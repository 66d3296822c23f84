//! What a story is asked to be, checked and made plain.

use spyhop_api::story::{
    MOST_ANSWERS, MOST_LINE_BYTES, MOST_MARKS, MOST_NOTE_BYTES, MOST_SAYS, MOST_STEP_S, MOST_STEPS,
    MOST_TEXT_BYTES, MOST_TITLE_BYTES,
};
use spyhop_api::view::Source;
use spyhop_api::{Mark, Question, Said, SharedData, Step, StoryRequest};

use crate::keeping::{KeepError, check_length, line, markdown, paragraphs, view_of};

/// The language of a story that does not say one.
const LANGUAGE: &str = "en";
/// The longest name of a language (BCP 47), bytes.
const MOST_LANGUAGE: usize = 35;
/// The longest that a caption lasts, seconds of the recording: a month.
const MOST_SAID_S: f64 = 31.0 * 86_400.0;

/// Why a story can't be as it is asked to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", step.map(|n| format!("step {}: ", n + 1)).unwrap_or_default())]
pub struct Wrong {
    /// The step that it is about, counted from 0.
    pub step: Option<usize>,
    /// What is wrong, and what to do.
    pub why: String,
}

impl From<Wrong> for KeepError {
    fn from(wrong: Wrong) -> KeepError {
        KeepError::Invalid(wrong.to_string())
    }
}

/// The story as it may be kept: words made plain, views as this program writes them, and nothing of what
/// only the server says.
///
/// # Errors
/// When it makes no sense or is longer than a story may be.
pub fn cleaned(asked: &StoryRequest) -> Result<StoryRequest, Wrong> {
    let wrong = |why: String| Wrong { step: None, why };
    let short = |what, text: &str, most| {
        check_length(what, text, most).map_err(|error| wrong(error.to_string()))
    };
    short("title", &asked.title, MOST_TITLE_BYTES)?;
    short("author", &asked.author, MOST_TITLE_BYTES)?;
    short("name of who changes it", &asked.changed_by, MOST_TITLE_BYTES)?;
    short("note", &asked.note, MOST_NOTE_BYTES)?;
    let title = line(&asked.title);
    if title.is_empty() {
        return Err(wrong("a story has a title".into()));
    }
    let language = match asked.language.trim() {
        "" => LANGUAGE.to_owned(),
        said => said.to_owned(),
    };
    if !is_language(&language) {
        return Err(wrong(format!("language '{language}' should look like en, pt-BR or zh-Hant")));
    }
    let count = asked.steps.len();
    if !(1..=MOST_STEPS).contains(&count) {
        return Err(wrong(format!("a story has 1 to {MOST_STEPS} steps, not {count}")));
    }
    let steps = asked.steps.iter().enumerate().map(|(number, step)| {
        cleaned_step(step).map_err(|error| Wrong { step: Some(number), why: error.to_string() })
    });
    Ok(StoryRequest {
        title,
        note: paragraphs(&asked.note),
        author: line(&asked.author),
        changed_by: line(&asked.changed_by),
        language,
        steps: steps.collect::<Result<_, _>>()?,
        expires_days: asked.expires_days,
    })
}

fn cleaned_step(step: &Step) -> Result<Step, KeepError> {
    let invalid = |why: String| Err(KeepError::Invalid(why));
    let view = view_of(&step.view)?;
    if view.source == Source::None {
        return invalid("its view shows nothing: src= says what is open".into());
    }
    if matches!(view.source, Source::Local(_)) {
        return invalid(
            "its view is of a file on somebody's disk, which nobody else can open: share the \
             excerpt first, then tell of that"
                .into(),
        );
    }
    check_length("title", &step.title, MOST_TITLE_BYTES)?;
    check_length("text", &step.text, MOST_TEXT_BYTES)?;
    if let Some(seconds) = step.seconds.filter(|s| !(1.0..=MOST_STEP_S).contains(s)) {
        return invalid(format!("it stays for 1 to {MOST_STEP_S} seconds, not {seconds}"));
    }
    if step.marks.len() > MOST_MARKS || step.says.len() > MOST_SAYS {
        return invalid(format!("it has {MOST_MARKS} boxes and {MOST_SAYS} captions at most"));
    }
    Ok(Step {
        view: view.to_query(),
        title: line(&step.title),
        text: markdown(&step.text),
        text_html: String::new(),
        seconds: step.seconds,
        sound: step.sound,
        calls_shown: step.calls_shown,
        marks: step.marks.iter().map(cleaned_mark).collect::<Result<_, _>>()?,
        question: step.question.as_ref().map(cleaned_question).transpose()?,
        says: step.says.iter().map(cleaned_said).collect::<Result<_, _>>()?,
        data: SharedData::default(),
    })
}

fn cleaned_mark(mark: &Mark) -> Result<Mark, KeepError> {
    check_length("text at a box", &mark.text, MOST_LINE_BYTES)?;
    let (low, high) = mark.band_hz;
    if !(low >= 0.0 && high > low && high.is_finite() && mark.span_ns > 0) {
        return Err(KeepError::Invalid(format!(
            "a box lasts longer than nothing, and its band_hz goes up, as 1000 to 8000: not {low} to \
             {high} for {} s",
            mark.span_ns as f64 / 1e9
        )));
    }
    Ok(Mark { text: line(&mark.text), ..mark.clone() })
}

fn cleaned_said(said: &Said) -> Result<Said, KeepError> {
    check_length("caption", &said.text, MOST_LINE_BYTES)?;
    let text = line(&said.text);
    let is_time = said.at_s >= 0.0 && said.lasts_s > 0.0;
    if text.is_empty() || !is_time || !(said.at_s + said.lasts_s < MOST_SAID_S) {
        return Err(KeepError::Invalid(format!(
            "a caption says something, at_s from the left edge on for lasts_s: not '{text}' at \
             {} s for {} s",
            said.at_s, said.lasts_s
        )));
    }
    Ok(Said { text, ..*said })
}

fn cleaned_question(question: &Question) -> Result<Question, KeepError> {
    let invalid = |why: String| Err(KeepError::Invalid(why));
    check_length("question", &question.text, MOST_LINE_BYTES)?;
    check_length("text after the answer", &question.why, MOST_TEXT_BYTES)?;
    for answer in &question.answers {
        check_length("answer", answer, MOST_LINE_BYTES)?;
    }
    let answers: Vec<String> = question.answers.iter().map(|answer| line(answer)).collect();
    let text = line(&question.text);
    if text.is_empty() || answers.iter().any(String::is_empty) {
        return invalid("a question and its answers say something".into());
    }
    if !(2..=MOST_ANSWERS).contains(&answers.len()) {
        let count = answers.len();
        return invalid(format!("a question has 2 to {MOST_ANSWERS} answers, not {count}"));
    }
    if question.right as usize >= answers.len() {
        return invalid(format!("no answer {} is there to be right", question.right));
    }
    Ok(Question {
        text,
        answers,
        right: question.right,
        why: markdown(&question.why),
        why_html: String::new(),
    })
}

/// Whether it has the form of a language's name (BCP 47): letters and digits in groups of one to eight.
fn is_language(name: &str) -> bool {
    let is_group = |group: &str| {
        (1..=8).contains(&group.len()) && group.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let is_first = |c: char| c.is_ascii_alphabetic();
    (2..=MOST_LANGUAGE).contains(&name.len())
        && name.starts_with(is_first)
        && name.split('-').all(is_group)
}
