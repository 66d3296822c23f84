//! A story: views in an order, each with words, sound and perhaps a question.
//!
//! The server keeps what people made in the browser, under an edit key, and tells of those that lie in the
//! `stories` folder of a place, which nobody changes through it.
//!
//! | request | gives |
//! |---|---|
//! | `GET api/v1/stories` | [`StoryList`] |
//! | `POST api/v1/stories` with [`StoryRequest`] | 201 and [`MadeStory`] |
//! | `POST api/v1/stories/draft` with [`StoryRequest`] | [`Story`], as it would be kept; 400 says what is wrong and in which step |
//! | `GET api/v1/stories/{id}` | [`Story`]; its entity tag is `"v<version>"` |
//! | `PUT api/v1/stories/{id}` with [`StoryRequest`], `if-match` and the edit key | [`Story`]; 412 and [`StoryConflict`]; 428 without a tag |
//! | `DELETE api/v1/stories/{id}` with the same headers | 204 |
//! | `GET api/v1/stories/{id}/captions.vtt` | what its steps say, on the time line of [`Step::stays_s`] |

use serde::{Deserialize, Serialize};

use crate::deployment::FileFailure;
use crate::problem::Problem;
use crate::share::SharedData;
use crate::shown::Mark;
use crate::time::{NANOS_PER_S, Timestamp};
use crate::view::View;

/// The most steps of a story.
pub const MOST_STEPS: usize = 40;
/// The longest title of a story or of a step, and the longest name of a person, bytes.
pub const MOST_TITLE_BYTES: usize = 200;
/// The longest note of a story, bytes.
pub const MOST_NOTE_BYTES: usize = 2_000;
/// The longest text of a step, and of what a question says in the end, bytes of Markdown.
pub const MOST_TEXT_BYTES: usize = 4_000;
/// The longest question, answer or caption, bytes.
pub const MOST_LINE_BYTES: usize = 300;
/// The most answers of a question; there are two at least.
pub const MOST_ANSWERS: usize = 6;
/// The most captions of a step.
pub const MOST_SAYS: usize = 40;
/// The most boxes of a step.
pub const MOST_MARKS: usize = 40;
/// The longest query of a step's view, bytes.
pub const MOST_VIEW_BYTES: usize = 8_000;
/// The longest that a step stays by the timer, seconds.
pub const MOST_STEP_S: f64 = 600.0;

/// What `POST api/v1/stories` and `PUT api/v1/stories/{id}` take: the whole story as it is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct StoryRequest {
    /// A line that names it; never empty.
    pub title: String,
    /// A few sentences of what it is about: plain text, shown where the story's link is pasted.
    pub note: String,
    /// Whose story it is, if they want to say so.
    pub author: String,
    /// Who makes this change, if they want to say so: it is told to whoever changes the story at the same
    /// time. Whoever is not named is nobody.
    pub changed_by: String,
    /// The language of its words, as in `<html lang>`; `en` where it is empty.
    pub language: String,
    /// Its steps, from 1 to [`MOST_STEPS`].
    pub steps: Vec<Step>,
    /// Days from now until it goes; left out, a new one stays (a year where who asks is not the
    /// administrator), and one that is changed goes when it would have gone.
    pub expires_days: Option<u32>,
}

/// One step: what is seen, what is heard, what is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// The query of the view, as [`View::to_query`] writes it: what is open, the part that is seen, the
    /// selection (which sounds, where there is one), how fast it is heard, the colours.
    /// Empty where the reader may not see it, or sees it no more (`data` says which); never empty in what
    /// is sent.
    pub view: String,
    /// A line that names the step; may be empty.
    pub title: String,
    /// What stands beside the picture: Markdown (CommonMark), without HTML.
    pub text: String,
    /// `text` as HTML that is safe to put into a page: paragraphs, emphasis, lists, quotes, code and links to
    /// `http:`, `https:` and `mailto:`, headings from `<h3>` on; no other element, no attribute but `href`
    /// and `rel`. The server says it; what is sent is passed over.
    pub text_html: String,
    /// Seconds until the next step where a timer plays the story; left out, [`Step::stays_s`] says how long.
    pub seconds: Option<f64>,
    /// Whether it sounds by itself when it comes.
    pub sound: StepSound,
    /// Whether labels and the candidates of the view's `calls=` are drawn. Where not, they are hidden, so that
    /// a question does not give itself away.
    pub calls_shown: bool,
    /// Boxes that the story lays over the picture, at most [`MOST_MARKS`]. Those of the kind `truth`, `right`
    /// and `wrong` appear once the step's question is answered, or at once where the step asks nothing.
    pub marks: Vec<Mark>,
    /// What is asked, after the text.
    pub question: Option<Question>,
    /// Captions that name what is heard, by time, at most [`MOST_SAYS`].
    pub says: Vec<Said>,
    /// What became of the recordings under its view since the story was written. The server says it; what is
    /// sent is passed over. `gone`: show the picture that was kept, `t/<id>/<n>.png` (n counts from 1).
    pub data: SharedData,
}

/// What a step does to the ears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepSound {
    /// Nothing, until somebody plays it.
    #[default]
    Silent,
    /// It sounds once when the step comes: the selection where the view has one, else what is seen; again and
    /// again where the view says `loop=1`.
    Plays,
}

/// A question with answers to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// What is asked: plain text.
    pub text: String,
    /// What may be answered: plain text, from 2 to [`MOST_ANSWERS`].
    pub answers: Vec<String>,
    /// Which answer is right, counted from 0.
    pub right: u32,
    /// What is told after an answer, right or wrong: Markdown.
    pub why: String,
    /// `why` as HTML, as [`Step::text_html`] is of the text.
    pub why_html: String,
}

/// A caption: what is heard, for whoever does not hear it or does not know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Said {
    /// Where it begins, in seconds of the recording after the view's left edge, whatever the speed: the
    /// caption goes with the play head.
    pub at_s: f64,
    /// How many seconds of the recording it lasts.
    pub lasts_s: f64,
    /// What is heard, in a few words: `dolphin whistle`.
    pub text: String,
}

/// A story, as whoever has its link gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Story {
    /// Letters and digits that nobody guesses; for one that lies with the recordings, the name of its file.
    /// Empty for a draft, which is kept nowhere.
    pub id: String,
    /// Counts its changes; the entity tag is `"v<version>"`. 0 for one that lies with the recordings and for
    /// a draft.
    pub version: u32,
    /// As in [`StoryRequest`].
    pub title: String,
    /// As in [`StoryRequest`].
    pub note: String,
    /// As in [`StoryRequest`].
    pub author: String,
    /// Who made the last change, if they said so.
    pub changed_by: String,
    /// As in [`StoryRequest`]; never empty.
    pub language: String,
    /// Its steps. One that this reader may not see is there and empty, so that the others keep their numbers.
    pub steps: Vec<Step>,
    /// When it was made; when its file was written, for one that lies with the recordings.
    pub created: Timestamp,
    /// When it was changed last.
    pub changed: Timestamp,
    /// When it goes, if it does.
    pub expires: Option<Timestamp>,
    /// Its page, relative to the server: `t/<id>`. `t/<id>/preview.png` is its picture, `t/<id>/<n>.png` that
    /// of a step, counted from 1.
    pub path: String,
    /// Whether it lies with the recordings and stands in `GET api/v1/stories`: nobody changes it through the
    /// server, but anybody may make their own of it.
    pub listed: bool,
}

/// What making a story gives, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MadeStory {
    /// The story.
    pub story: Story,
    /// Lets whoever has it change or remove the story (header `spyhop-edit-key`); the server keeps no more
    /// than its hash. Two people may have it.
    pub edit_key: String,
}

/// A line of the list of stories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorySummary {
    /// As in [`Story`].
    pub id: String,
    /// As in [`Story`].
    pub title: String,
    /// As in [`Story`].
    pub note: String,
    /// As in [`Story`].
    pub author: String,
    /// As in [`Story`].
    pub language: String,
    /// How many steps it has.
    pub steps: usize,
    /// As in [`Story`].
    pub path: String,
}

/// What `GET api/v1/stories` answers: the stories that lie with the recordings, by title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StoryList {
    /// Those that can be played.
    pub stories: Vec<StorySummary>,
    /// Those that can't, with what is wrong and in which line; told to the administrator alone.
    pub failures: Vec<FileFailure>,
}

/// The answer (412) to a change of a story that was changed elsewhere in the meantime: a problem document with
/// the story as it is now, so that nobody's words are lost. Its detail tells who changed it and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StoryConflict {
    /// What happened.
    #[serde(flatten)]
    pub problem: Problem,
    /// The story as it is now; to write over it, name its version.
    pub story: Story,
}

/// Characters that somebody reads in a second, at ease: a picture is looked at beside them.
const READ_A_SECOND: f64 = 14.0;
/// A step stays for this long at least.
const LEAST_STEP_S: f64 = 6.0;
/// The longest that a step waits for its sound.
const MOST_SOUND_S: f64 = 60.0;
/// Time to think about a question.
const THINKING_S: f64 = 8.0;

impl Step {
    /// How long the step stays where a timer plays the story, seconds: what it says, else as long as its words
    /// take to be read and its sound to be heard. Page and captions share this time line.
    pub fn stays_s(&self) -> f64 {
        if let Some(seconds) = self.seconds.filter(|s| s.is_finite()) {
            return seconds.clamp(1.0, MOST_STEP_S);
        }
        let mut letters = self.title.chars().count() + self.text.chars().count();
        let mut thinking_s = 0.0;
        if let Some(question) = &self.question {
            letters += question.text.chars().count();
            letters += question.answers.iter().map(|a| a.chars().count()).sum::<usize>();
            thinking_s = THINKING_S;
        }
        let read_s = letters as f64 / READ_A_SECOND + thinking_s;
        let heard_s = match self.sound {
            StepSound::Plays => self.sounds_for_s().unwrap_or(0.0).min(MOST_SOUND_S) + 1.0,
            StepSound::Silent => 0.0,
        };
        read_s.max(heard_s).max(LEAST_STEP_S)
    }

    /// How long its sound takes at the view's speed, seconds; `None` where it is all that is open.
    pub fn sounds_for_s(&self) -> Option<f64> {
        let (view, _) = View::from_query(&self.view);
        let span_ns = view.selection.map(|s| s.span_ns).or(view.span_ns)?;
        Some(span_ns as f64 / NANOS_PER_S as f64 / view.listening.rate)
    }

    /// When a caption is to be seen, in seconds from the beginning of the sound at the view's speed: begin and
    /// end. `None` where it lies before what sounds.
    pub fn heard_at_s(&self, said: &Said) -> Option<(f64, f64)> {
        let (view, _) = View::from_query(&self.view);
        // The sound begins at the selection's left edge, where there is one.
        let begins_s = match (view.selection, view.start) {
            (Some(selection), Some(left)) => {
                (selection.start.nanos().saturating_sub(left.nanos())) as f64 / NANOS_PER_S as f64
            }
            _ => 0.0,
        };
        let at = |s: f64| (s - begins_s) / view.listening.rate;
        let (start_s, end_s) = (at(said.at_s), at(said.at_s + said.lasts_s));
        (end_s > 0.0 && start_s.is_finite() && end_s.is_finite())
            .then_some((start_s.max(0.0), end_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_stays_until_its_words_are_read_and_its_sound_is_heard() {
        let step = |text: &str, view: &str, sound| Step {
            text: text.into(),
            view: view.into(),
            sound,
            ..Step::default()
        };
        assert_eq!(step("", "v=1", StepSound::Silent).stays_s(), 6.0);
        assert_eq!(step(&"x".repeat(140), "v=1", StepSound::Silent).stays_s(), 10.0);
        let slow = step("", "v=1&src=set:a&t=3s&span=2&rate=0.1", StepSound::Plays);
        assert!((slow.stays_s() - 21.0).abs() < 1e-9, "{}", slow.stays_s());
        let said = Step { seconds: Some(4.0), ..slow };
        assert_eq!(said.stays_s(), 4.0);
        assert_eq!(Step { seconds: Some(f64::NAN), ..said }.stays_s(), 21.0);
        let asks = Step { question: Some(Question::default()), ..Step::default() };
        assert_eq!(asks.stays_s(), 8.0);
    }

    #[test]
    fn captions_go_with_what_sounds_at_its_speed() {
        let step = Step {
            view: "v=1&src=set:a&t=10s&span=8&sel=12s_2_100-200&rate=0.5".into(),
            ..Step::default()
        };
        let said = |at_s, lasts_s| Said { at_s, lasts_s, text: "click".into() };
        assert_eq!(step.heard_at_s(&said(2.5, 1.0)), Some((1.0, 3.0)));
        assert_eq!(step.heard_at_s(&said(1.5, 1.0)), Some((0.0, 1.0)));
        assert_eq!(step.heard_at_s(&said(0.0, 1.0)), None);
    }
}
