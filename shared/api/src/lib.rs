//! What crosses the wire or stands in a link.
//!
//! The browser, the server and the command line speak to each other in these types only: a
//! [`View`] (everything that is on the screen and in the ears), a [`RecordingInfo`] (what opening a
//! file told), a [`Deployment`] (files of one instrument on one clock-time line) and an
//! [`Annotation`] (a labelled box).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod access;
pub mod annotation;
pub mod binned;
pub mod calibration;
mod column_samples;
pub mod columns;
pub mod coverage;
pub mod deployment;
pub mod detection;
pub mod did_you_mean;
pub mod job;
pub mod kept_texts;
pub mod levels;
pub mod model;
pub mod model_list;
pub mod problem;
pub mod pyramid;
pub mod quality;
pub mod recall;
pub mod recording;
pub mod recording_page;
pub mod room;
pub mod run;
pub mod share;
pub mod shown;
pub mod story;
pub mod tile;
pub mod time;
pub mod timeline;
pub mod view;

pub use access::Access;
pub use annotation::Annotation;
pub use calibration::{ByFrequency, Calibration, CalibrationError, FrequencyTable};
pub use column_samples::ColumnSamples;
pub use coverage::Coverage;
pub use deployment::{Deployment, DeploymentList, FileFailure, PositionPublic, Visibility};
pub use levels::{Band, Level, Quantity};
pub use model::{FrontEnd, Metric, ModelCard, ModelClass, Scores, WindowPlan};
pub use model_list::{DetectorCard, HostedAdapter, HostedModel, ModelFile, ModelList};
pub use problem::Problem;
pub use quality::{
    DeploymentQuality, Finding, FindingCount, FindingKind, HourQuality, Quality, QualityList,
    QualitySummary, RecordingQuality, Severity,
};
pub use recording::{RecordingInfo, SegmentInfo, StartSource};
pub use recording_page::{RecordingPage, RecordingQuery, RecordingRow, RecordingSort};
pub use share::{MadeShare, Share, ShareChange, ShareRequest, SharedData, SharedExcerpt};
pub use shown::{Errand, Mark, MarkKind, Pointed, Shown, Told, Wish};
pub use story::{
    MadeStory, Question, Said, Step, StepSound, Story, StoryConflict, StoryList, StoryRequest,
    StorySummary,
};
pub use tile::Tile;
pub use time::{Moment, Timestamp};
pub use timeline::Timeline;
pub use view::View;
