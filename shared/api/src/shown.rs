//! What a viewer shows and plays at this moment, and what it can be asked to show: the words between a
//! picture and whoever leads it (a story's steps, a teacher's screen).

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// What a page tells whoever guides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// The answer to [`Wish::Begin`].
    Begun {
        /// The address that the page was opened with, fragment and all.
        address: String,
    },
    /// What it shows now, whenever that has changed, at most once a frame.
    Shown {
        /// All of it.
        shown: Shown,
    },
    /// A person asked for something of the guide's own.
    Asked {
        /// What.
        errand: Errand,
    },
}

/// What a person asks a guide for from the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// To add the present view to a story, or to begin one with it.
    AddToStory,
    /// To lead a class.
    LeadClass,
    /// To end: the person left for something else.
    Leave,
}

/// What a viewer shows and plays now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Shown {
    /// Whether a picture is on the screen.
    pub is_open: bool,
    /// Whether something is being opened.
    pub is_opening: bool,
    /// Whether the picture is as exact as it will be, and whatever was to be fetched has come.
    pub is_ready: bool,
    /// What a person calls what is open.
    pub title: String,
    /// The query of its view, as [`crate::View::to_query`] writes it: what is open, the part that is seen,
    /// the selection, thresholds, colours, how it is heard.
    pub view: String,
    /// Whether it sounds.
    pub is_playing: bool,
    /// Where the play head stands, if there is one.
    pub head: Option<Moment>,
    /// Where the person points.
    pub pointer: Option<Pointed>,
}

/// A point of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Pointed {
    /// When.
    pub at: Moment,
    /// Frequency in hertz; none over the waveform.
    pub hz: Option<f64>,
}

/// A box that is laid over a picture and belongs to nobody's labels: an answer, a solution, a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Mark {
    /// Its left edge.
    pub start: Moment,
    /// Its width in nanoseconds.
    pub span_ns: i64,
    /// Its lower and upper edge in hertz.
    pub band_hz: (f64, f64),
    /// What stands at it.
    pub text: String,
    /// What it is.
    pub kind: MarkKind,
}

/// What a [`Mark`] is: each has a colour and a line of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// What is asked about.
    #[default]
    Question,
    /// What somebody said.
    Answer,
    /// What is so.
    Truth,
    /// A box that fits the truth.
    Right,
    /// One that does not.
    Wrong,
}

/// What a viewer is asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    /// To be told everything from now on.
    Begin,
    /// To show a view: what is open stays open where it is the same, and the picture travels there in
    /// so many milliseconds (at once where the person wants less motion, or where something else is opened).
    Show {
        /// The query of the view.
        view: String,
        /// How long the way takes; 0 is a jump.
        travel_ms: u32,
    },
    /// To sound: from a moment, else the selection where there is one, else from the left edge.
    Play {
        /// Where to begin.
        from: Option<Moment>,
    },
    /// To be silent.
    Stop,
    /// To show where somebody else's play head and pointer are; no sound comes of it.
    Follow {
        /// Their play head.
        head: Option<Moment>,
        /// Their pointer.
        pointer: Option<Pointed>,
    },
    /// To lay these boxes over the picture, and no others.
    Mark {
        /// The boxes.
        marks: Vec<Mark>,
    },
    /// To draw labels and candidates over the picture, or to hide them.
    Boxes {
        /// Whether they are drawn.
        shown: bool,
    },
    /// To fetch what [`Wish::Play`] would sound, so that it is there when it is wanted.
    Fetch,
    /// To spare the net: pictures are made of what the server computes, coarser than the page's own.
    Spare {
        /// Whether to.
        on: bool,
    },
    /// To leave the picture and the sound alone on the screen.
    Bare {
        /// Whether to.
        on: bool,
    },
    /// To be read from the back row: light, high contrast, large text, thick boxes, a large pointer.
    Projector {
        /// Whether to.
        on: bool,
    },
    /// To sound no louder than this share of full scale, from 0 to 1.
    Volume {
        /// The ceiling.
        at_most: f64,
    },
}
