//! `stories/NAME.toml`: a story as a person writes it, beside the recordings that it is about.
//!
//! ```toml
//! title = "A night with dolphins"
//! note = "Plain text: what it is about."
//! author = "Ada"
//! language = "en"                        # as in <html lang>
//!
//! [[steps]]                              # 1 to 40 of them
//! title = "A whistle"
//! text = """Markdown: *words* beside the picture."""
//! view = { src = "set:gulf-night", t = 2017-06-12T02:00:03.5Z, span = 5, f = "1000-30000", rate = 0.125 }
//! sound = "plays"                        # or "silent", the default
//! seconds = 20                           # how long it stays where a timer plays the story
//! calls_shown = true                     # labels are drawn; left out, they are not
//!
//! [[steps.says]]                         # captions: seconds of the recording after the view's left edge
//! at_s = 0.4
//! lasts_s = 0.8
//! text = "dolphin whistle"
//!
//! [[steps.marks]]                        # boxes over the picture
//! at = "2017-06-12T02:00:03.9Z"          # or "12.5s", seconds since the first sample
//! lasts_s = 0.8
//! low_hz = 6000
//! high_hz = 16000
//! text = "Here"
//! kind = "question"                      # or answer, truth, right, wrong; shown as the API says
//!
//! [steps.question]
//! text = "What was it?"
//! answers = ["a dolphin", "a ship"]
//! right = "a dolphin"                    # one of the answers
//! why = "Markdown: told after an answer."
//! ```
//!
//! A view's keys are those of a link (`spyhop_api::view`); a link's query as one text does as well. A key
//! that is not known is refused by the name of the nearest one.

use serde::{Deserialize, Serialize};
use spyhop_api::did_you_mean::{nearest, question};
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::view::KEYS as VIEW_KEYS;
use spyhop_api::{Mark, MarkKind, Moment, Question, Said, Step, StepSound, StoryRequest, View};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Wrong, cleaned};

const STORY_KEYS: &[&str] = &["title", "note", "author", "language", "steps"];
const STEP_KEYS: &[&str] =
    &["title", "text", "view", "sound", "seconds", "calls_shown", "says", "marks", "question"];
const SAID_KEYS: &[&str] = &["at_s", "lasts_s", "text"];
const MARK_KEYS: &[&str] = &["at", "lasts_s", "low_hz", "high_hz", "text", "kind"];
const QUESTION_KEYS: &[&str] = &["text", "answers", "right", "why"];

/// Why a file is no story.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct StoryFileError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub why: String,
}

/// A story as its file holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoryFile {
    title: String,
    note: String,
    author: String,
    language: String,
    steps: Vec<StepFile>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StepFile {
    title: String,
    text: String,
    sound: StepSound,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    calls_shown: bool,
    view: ViewFile,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    says: Vec<Said>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<MarkFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<QuestionFile>,
}

/// A view as a link's query, or its keys one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum ViewFile {
    Query(String),
    Keys(toml::Table),
}

impl Default for ViewFile {
    fn default() -> ViewFile {
        ViewFile::Query(String::new())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MarkFile {
    at: toml::Value,
    lasts_s: f64,
    low_hz: f64,
    high_hz: f64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    kind: MarkKind,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct QuestionFile {
    text: String,
    answers: Vec<String>,
    right: String,
    why: String,
}

impl StoryFile {
    /// Reads the text of one; what it gives is checked.
    ///
    /// # Errors
    /// When it is not TOML, holds a key that is not known, or tells no story that may be.
    pub fn parse(text: &str) -> Result<StoryRequest, StoryFileError> {
        let of_toml = |error: toml::de::Error| StoryFileError {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            why: error.message().to_owned(),
        };
        let table = DeTable::parse(text).map_err(of_toml)?;
        let keys = Keys { text };
        keys.of_story(table.get_ref())?;
        let steps_at = step_places(table.get_ref());
        let place = |step: Option<usize>| match step.and_then(|n| steps_at.get(n)) {
            Some(at) => line_of(text, *at),
            None => 1,
        };
        let wrong = |Wrong { step, why }: Wrong| {
            let named = Wrong { step, why };
            StoryFileError { line: place(step), why: named.to_string() }
        };
        // From the text again, so that a wrong value is told with its line.
        let file: StoryFile = toml::from_str(text).map_err(of_toml)?;
        cleaned(&file.into_request().map_err(wrong)?).map_err(wrong)
    }

    /// The text of a story's file.
    ///
    /// # Errors
    /// When it can't be put into TOML.
    pub fn write(story: &StoryRequest) -> Result<String, toml::ser::Error> {
        let file = StoryFile {
            title: story.title.clone(),
            note: story.note.clone(),
            author: story.author.clone(),
            language: story.language.clone(),
            steps: story.steps.iter().map(StepFile::of).collect(),
        };
        toml::to_string_pretty(&file)
    }

    fn into_request(self) -> Result<StoryRequest, Wrong> {
        let steps = self.steps.into_iter().enumerate();
        let steps =
            steps.map(|(n, step)| step.into_step().map_err(|why| Wrong { step: Some(n), why }));
        Ok(StoryRequest {
            title: self.title,
            note: self.note,
            author: self.author,
            language: self.language,
            steps: steps.collect::<Result<_, _>>()?,
            ..StoryRequest::default()
        })
    }
}

impl StepFile {
    fn of(step: &Step) -> StepFile {
        let question = step.question.as_ref().map(|q| QuestionFile {
            text: q.text.clone(),
            right: q.answers.get(q.right as usize).cloned().unwrap_or_default(),
            answers: q.answers.clone(),
            why: q.why.clone(),
        });
        StepFile {
            title: step.title.clone(),
            text: step.text.clone(),
            sound: step.sound,
            seconds: step.seconds,
            calls_shown: step.calls_shown,
            view: ViewFile::of(&step.view),
            says: step.says.clone(),
            marks: step.marks.iter().map(MarkFile::of).collect(),
            question,
        }
    }

    fn into_step(self) -> Result<Step, String> {
        let marks = self.marks.into_iter().map(MarkFile::into_mark);
        Ok(Step {
            view: self.view.into_query()?,
            title: self.title,
            text: self.text,
            seconds: self.seconds,
            sound: self.sound,
            calls_shown: self.calls_shown,
            marks: marks.collect::<Result<_, _>>()?,
            question: self.question.map(QuestionFile::into_question).transpose()?,
            says: self.says,
            ..Step::default()
        })
    }
}

impl ViewFile {
    /// The keys of a query; where one stands several times, a list.
    fn of(query: &str) -> ViewFile {
        let mut keys = toml::Table::new();
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let plain = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            let value = match plain.parse::<f64>() {
                Ok(number) if number.is_finite() => toml::Value::Float(number),
                _ => toml::Value::String(plain.into_owned()),
            };
            match keys.get_mut(key) {
                None if key == "v" => {}
                None => drop(keys.insert(key.to_owned(), value)),
                Some(toml::Value::Array(several)) => several.push(value),
                Some(one) => *one = toml::Value::Array(vec![one.clone(), value]),
            }
        }
        ViewFile::Keys(keys)
    }

    fn into_query(self) -> Result<String, String> {
        let keys = match self {
            ViewFile::Query(query) => return Ok(query),
            ViewFile::Keys(keys) => keys,
        };
        let mut pairs = Vec::new();
        for (key, value) in keys {
            let several = match value {
                toml::Value::Array(several) => several,
                one => vec![one],
            };
            for value in several {
                let text = plain(&value).ok_or_else(|| {
                    format!("the view's {key} is a number, a time or a text, not {value}")
                })?;
                let text = percent_encoding::utf8_percent_encode(
                    &text,
                    percent_encoding::NON_ALPHANUMERIC,
                );
                pairs.push(format!("{key}={text}"));
            }
        }
        Ok(pairs.join("&"))
    }
}

impl MarkFile {
    fn of(mark: &Mark) -> MarkFile {
        let at = match mark.start {
            Moment::Clock(time) => time.to_iso(),
            Moment::Elapsed(ns) => format!("{}s", ns as f64 / NANOS_PER_S as f64),
        };
        MarkFile {
            at: toml::Value::String(at),
            lasts_s: mark.span_ns as f64 / NANOS_PER_S as f64,
            low_hz: mark.band_hz.0,
            high_hz: mark.band_hz.1,
            text: mark.text.clone(),
            kind: mark.kind,
        }
    }

    fn into_mark(self) -> Result<Mark, String> {
        let at = plain(&self.at).unwrap_or_default();
        // As a link's selection: one way to read a moment.
        let (view, errors) = View::from_query(&format!("t={at}"));
        match (view.start, errors.first()) {
            (Some(start), None) => Ok(Mark {
                start,
                span_ns: (self.lasts_s * NANOS_PER_S as f64).round() as i64,
                band_hz: (self.low_hz, self.high_hz),
                text: self.text,
                kind: self.kind,
            }),
            _ => Err(format!(
                "a box is at a time, as \"2017-06-12T02:00:03Z\" or \"12.5s\", not {}",
                self.at
            )),
        }
    }
}

impl QuestionFile {
    fn into_question(self) -> Result<Question, String> {
        let right = self.answers.iter().position(|answer| *answer == self.right);
        let right = right.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| {
            let known = self.answers.iter().map(String::as_str);
            format!(
                "the right answer, '{}', is none of the answers{}",
                self.right,
                question(nearest(&self.right, known))
            )
        })?;
        Ok(Question {
            text: self.text,
            answers: self.answers,
            right,
            why: self.why,
            ..Question::default()
        })
    }
}

/// A value as a link has it.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Datetime(time) => Some(time.to_string().replacen(' ', "T", 1)),
        _ => None,
    }
}

/// Looks for keys that mean nothing, table by table.
struct Keys<'a> {
    text: &'a str,
}

impl Keys<'_> {
    fn of_story(&self, story: &DeTable<'_>) -> Result<(), StoryFileError> {
        self.known(story, STORY_KEYS)?;
        for step in tables(story.get("steps")) {
            self.known(step, STEP_KEYS)?;
            for (key, known) in [("view", VIEW_KEYS), ("question", QUESTION_KEYS)] {
                if let Some(table) = step.get(key).and_then(|value| value.get_ref().as_table()) {
                    self.known(table, known)?;
                }
            }
            for (key, known) in [("says", SAID_KEYS), ("marks", MARK_KEYS)] {
                for table in tables(step.get(key)) {
                    self.known(table, known)?;
                }
            }
        }
        Ok(())
    }

    fn known(&self, table: &DeTable<'_>, known: &[&str]) -> Result<(), StoryFileError> {
        let strange = table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
        strange.map_or(Ok(()), |key| {
            let name = key.get_ref();
            let nearest = nearest(name, known.iter().copied());
            let known = match nearest {
                Some(_) => question(nearest),
                None => format!("; there are {}", known.join(", ")),
            };
            Err(StoryFileError {
                line: line_of(self.text, key.span().start),
                why: format!("the key '{name}' is unknown{known}"),
            })
        })
    }
}

/// The tables of a list of them.
fn tables<'a, 'i>(
    value: Option<&'a Spanned<DeValue<'i>>>,
) -> impl Iterator<Item = &'a DeTable<'i>> {
    let list = value.and_then(|value| value.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter()).filter_map(|one| one.get_ref().as_table())
}

/// Where each step begins, bytes into the text.
fn step_places(story: &DeTable<'_>) -> Vec<usize> {
    let list = story.get("steps").and_then(|value| value.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter()).map(|step| step.span().start).collect()
}

/// The line of a place in a text, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHT: &str = r#"title = "A night"
author = "Ada"

[[steps]]
title = "A whistle"
text = """
Hear *it*:

- once
- twice
"""
view = { src = "set:gulf-night", t = 2017-06-12T02:00:03.5Z, span = 5, f = "1000-30000", rate = 0.125 }
sound = "plays"
seconds = 20

[[steps.says]]
at_s = 0.5
lasts_s = 1
text = "whistle"

[[steps.marks]]
at = "2017-06-12T02:00:04Z"
lasts_s = 0.8
low_hz = 6000
high_hz = 16000
kind = "truth"

[[steps]]
view = "v=1&src=set:gulf-night"

[steps.question]
text = "Who was it?"
answers = ["a ship", "a dolphin"]
right = "a dolphin"
"#;

    fn refused(text: &str) -> String {
        StoryFile::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn a_story_that_a_person_wrote_is_read() {
        let story = StoryFile::parse(NIGHT).expect("a story");
        assert_eq!((story.title.as_str(), story.language.as_str()), ("A night", "en"));
        let [first, second] = story.steps.as_slice() else { panic!("{story:?}") };
        assert_eq!(
            first.view,
            "v=1&src=set:gulf-night&t=2017-06-12T02:00:03.5Z&span=5&f=1000-30000&rate=0.125"
        );
        assert_eq!(first.text, "Hear *it*:\n\n- once\n- twice");
        assert_eq!((first.sound, first.seconds), (StepSound::Plays, Some(20.0)));
        assert_eq!(first.says, [Said { at_s: 0.5, lasts_s: 1.0, text: "whistle".into() }]);
        let mark = &first.marks[0];
        assert_eq!((mark.span_ns, mark.band_hz), (800_000_000, (6000.0, 16_000.0)));
        assert_eq!(mark.kind, MarkKind::Truth);
        assert_eq!(second.question.as_ref().expect("asks").right, 1);
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let mut story = StoryFile::parse(NIGHT).expect("a story");
        story.steps[1].view =
            "v=1&src=url:https://a.example/a%20b.wav&src=url:https://a.example/c.wav\
                               &t=1.5s&sel=1.5s_0.25_1000-8000&peak=max"
                .into();
        story.steps[1].question.as_mut().expect("asks").why = "Because \"it\" \\ did.".into();
        story.steps[0].marks[0].start = Moment::Elapsed(1_250_000_000);
        let text = StoryFile::write(&story).expect("TOML");
        assert_eq!(StoryFile::parse(&text).expect(&text), story, "{text}");
    }

    #[test]
    fn a_slip_is_told_with_its_line_and_the_nearest_word() {
        let with = |from: &str, to: &str| NIGHT.replacen(from, to, 1);
        assert_eq!(
            refused(&with("author", "auther")),
            "line 2: the key 'auther' is unknown, did you mean 'author'?"
        );
        assert_eq!(
            refused(&with("span = 5", "spam = 5")),
            "line 12: the key 'spam' is unknown, did you mean 'span'?"
        );
        assert_eq!(
            refused(&with("low_hz", "low_htz")),
            "line 24: the key 'low_htz' is unknown, did you mean 'low_hz'?"
        );
        let said = refused(&with("sound = \"plays\"", "sound = \"play\""));
        assert!(said.starts_with("line 13: ") && said.contains("`plays`"), "{said}");
        assert!(refused(&with("seconds = 20", "seconds = ")).starts_with("line 14: "));
        assert_eq!(
            refused(&with("right = \"a dolphin\"", "right = \"a dolfin\"")),
            "line 28: step 2: the right answer, 'a dolfin', is none of the answers, did you mean \
             'a dolphin'?"
        );
        let said = refused(&with("f = \"1000-30000\"", "f = \"30000-1000\""));
        assert!(said.starts_with("line 4: step 1: the link's f=30000-1000"), "{said}");
        let said = refused(&with("at = \"2017-06-12T02:00:04Z\"", "at = \"soon\""));
        assert!(said.starts_with("line 4: step 1: a box is at a time"), "{said}");
        assert!(refused("title = \"Nothing\"").contains("1 to 40 steps"), "no steps");
        assert!(refused("").contains("a story has a title"));
        for hostile in ["steps = 3", "steps = [1]", "title = [", "\u{0}", "[[steps]]\nview = [[1]]"]
        {
            refused(hostile);
        }
    }
}
