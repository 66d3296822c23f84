//! What browser tests hold on to. These names stay; everything else may change.
//!
//! | selector | what |
//! |---|---|
//! | `#page[data-stage]` | `first`, `opening`, `asking` (a link wants a local file), `viewing`, `jobs`, `library`, `models`, `runs` |
//! | `#page[data-state]` | `ready` once every tile on the screen is exact (or stays sampled), else `loading` |
//! | `#page[data-progress]` | `exact/shown/tiles` |
//! | `#page[data-backend]` | `cpu` or `gpu: <adapter>` |
//! | `#page[data-bytes]` | bytes read from recordings |
//! | `#page[data-view]` | the view's query, without `?` |
//! | `#page[data-labels]` | how many labels there are |
//! | `#drop`, `#pick-files`, `#pick-folder`, `#url`, `#url-open`, `#noaa` | the first page's ways to open |
//! | `.card[data-deployment]`, `.card .open`, `.card .play` | the demo's cards |
//! | `#asked` | the sentence that asks for a local file |
//! | `#overview`, `#overview-marks` | the overview's raster, and its brush (which takes the pointer) |
//! | `#quality-strip[data-groups]`, `#quality-told` | the quality of a hosted deployment below the overview, how many findings it has, and what it tells of what is pointed at or reached by keys |
//! | `.finding[data-severity]`, `.reason-box` | a short mark (`note`, `doubt`, `fault`), and its reason while it is pointed at or focused |
//! | `.doubts`, `#measures .caveats`, `#levels .caveats` | marks of levels that can't be compared: of the picture, the selection, the level panel |
//! | `#waveform`, `#spectrogram` | canvases to read pixels from; `#spectrogram` has one pixel a CSS pixel |
//! | `#overlay` | lies over both and takes pointer and wheel |
//! | `#frequency-axis`, `#time-axis`, `#colour-bar` | take drags, wheel and double click |
//! | `#readout`, `#description`, `#refining` | crosshair, text for screen readers, progress |
//! | `#tiled` | shown while the picture is made of the server's tiles and they differ from the settings, or are still being built |
//! | `#jump`, `#jump-text`, `#jump-pick`, `#jump-go`, `#jump-problem` | the dialog that goes to a time |
//! | `#play`, `#play-selection`, `#loop`, `#speed`, `[data-lens]`, `#band`, `#gain`, `#small-speaker`, `#press-to-hear`, `#speed-badge`, `#clock` | sound; `#play[aria-pressed]` tells whether it plays |
//! | `#panel`, `#panel [data-tab]`, `#panel [data-tab-page]` | the panel |
//! | `#fft`, `#overlap`, `#window`, `#scaling`, `#axis`, `#floor`, `#ceiling`, `#auto`, `#map`, `#flatten`, `#peaks`, `#gaps`, `#clock-choice`, `#channel`, `[data-preset]` | settings |
//! | `#labels tr[data-label]`, `#export-raven`, `#export-audacity`, `#import` | labels |
//! | `#labels-kept[data-keeper]`, `#author`, `.history` | `browser`, `server`, `refused`; whose labels; what one ever said |
//! | `#left-here`, `#share-left-here`, `#forget-left-here` | labels of a hosted deployment that only this browser has |
//! | `#detect-top`, `#detect`, `#detectors input`, `#detect .adapter`, `#detect-start`, `#detect-problem` | the dialog that runs a detector or a network |
//! | `#on-this-tab`, `#misfits`, `#pick-model` | the same for recordings of the person's own disk: it runs in the tab |
//! | `#seen[data-windows]`, `#seen-canvas`, `#seen-which`, `#seen-earlier`, `#seen-later` | what a network saw of a candidate |
//! | `#run`, `#run-told`, `#run-progress`, `#run-cancel` | which detection is shown, and how far it is |
//! | `#threshold`, `#threshold-number`, `#tuned`, `#calls-count`, `#precision`, `#recall` | the threshold of a class |
//! | `#missed`, `#draw`, `#draw-count`, `#draw-length`, `#window-told`, `#window-show`, `#window-next`, `#window-all`, `.window-missed`, `#window-done` | windows drawn at random, to learn what is missed |
//! | `#candidate .verdict[data-verdict]`, `#call-previous`, `#call-next`, `#call-accept`, `#call-reject`, `#call-take-back`, `#relabel`, `#reviewer`, `#why` | the candidate that is looked at |
//! | `#candidates [data-call][data-verdict]`, `#calls-place[data-total]`, `#calls-review`, `#calls-order`, `#calls-class`, `#calls-most`, `#calls-in-view`, `#calls-parquet`, `#calls-csv`, `#calls-raven` | the table of candidates |
//! | `#call-strip[data-boxes][data-density]`, `#page[data-candidates]` | score and counts below the picture; candidates that are drawn as boxes |
//! | `#transcript-lines[data-lines]`, `.transcript-line[data-sounding]`, `#transcript-of`, `[data-transcript]`, `#transcript-mark` | what was heard when, line by line; the line under the play head; as `vtt`, `srt`, `md` |
//! | `#measures`, `#slice`, `#cursors` | measures |
//! | `#levels`, `[data-levels]`, `#levels-png`, `#levels-svg`, `#levels-csv` | levels: `spectrum`, `decidecades`, `over-time` |
//! | `#info` | everything known of the recordings |
//! | `#copy-link`, `#link-text` | the link, and the field that shows it where there is no clipboard |
//! | `#share-button`, `#share`, `#share-link`, `#share-here-only`, `#share-closed`, `#share-title`, `#share-note`, `#share-author`, `#share-days`, `#share-make`, `#share-problem`, `#share-short`, `#share-key`, `#share-embed`, `#share-qr`, `#share [data-file]`, `#share-file-problem`, `#share-cite`, `#share-cited`, `#share-python` | the dialog that shares a view |
//! | `#share-mine [data-share]` with `.share-copy`, `.share-edit`, `.share-remove`; `#share-change-title`, `#share-change-note`, `#share-change-author`, `#share-change-days`, `#share-change-key`, `#share-change-save`, `#share-change-problem`, `#share-remove-really`, `#share-remove-problem` | the short links of this browser: their words, and taking one back |
//! | `#share-samples`, `#share-leaves` | the samples that go along from somebody's disk, and what is said of them |
//! | `#caption[data-data]`, `#open-in-spyhop` | the words of a share that was opened (`same`, `changed`, `elsewhere`), and the way out of a page that is embedded |
//! | `#guide`, `#class-button` | where stories and classes are drawn, by a module that is fetched when one is opened; the way to lead one |
//! | `html[data-class]` | a class is on the page: `door`, `student`, `leader` |
//! | `#class-door`, `#class-door-code`, `#class-code-input`, `#class-find`, `#class-name`, `#class-join`, `#class-join-sound`, `#class-problem`, `#class-over`, `#class-trouble`, `#class-go-on`, `#class-again` | before a class and behind it |
//! | `#class-bar[data-standing][data-connection][data-way]`, `#class-state`, `#class-away`, `#class-rejoin`, `#class-sound`, `#class-ask`, `#class-leave` | the bar of who follows: `following`, `away`, `seen`, `lost`; `connecting`, `live`, `lost`; `socket`, `events`, `polling` |
//! | `#class-cards`, `#class-question[data-question]`, `[data-choice]`, `#class-answer`, `#class-answer-send`, `#class-answered`, `.class-counts [data-count]`, `#class-ask-text`, `#class-ask-about`, `#class-ask-send`, `#class-asked [data-asked]`, `[data-vote]`, `[data-done]`, `#class-refused` | questions on both sides |
//! | `#class-task[data-drawn][data-try][data-mastered]`, `#class-add-box`, `#class-send-boxes`, `#class-try-again`, `#class-result`, `.class-verdicts [data-right]` | a task on the screen of who follows |
//! | `#class-lead[data-code][data-connection][data-following][data-away]`, `#class-code`, `#class-large`, `#class-address`, `#class-reach`, `#class-counts`, `#class-tab-…`, `#class-people [data-member][data-standing]`, `[data-spotlight]`, `#class-take-back`, `#class-pose-text`, `#class-pose-choices`, `#class-pose-area`, `#class-pose`, `#class-answers`, `#class-answers-told`, `#class-show-answers`, `#class-stop-answers`, `#class-new-question`, `#class-reveal`, `#class-task-text`, `#class-task-label`, `#class-task-missed`, `#class-set-task`, `#class-task-told`, `#class-results [data-member][data-mastered]`, `#class-solve`, `#class-drop-task`, `#class-csv`, `#class-end`, `#class-end-yes` | the panel of who leads |
//! | `#jobs`, `#jobs [data-job]`, `[data-job-state]`, `[data-wish]`, `.failures li`, `#task-stream rect[data-end]`, `#jobs-trouble` | the server's long work, at `?page=jobs` |
//! | `#library`, `#library-search`, `#library-count`, `#library [data-deployment]` with `.open`, `.play`, `[data-fact]`, `.strip svg` | the server's deployments, at `?page=library`; `aria-busy` while it is asked |
//! | `#deployment[data-deployment]`, `#recordings`, `#recordings [data-recording]`, `[data-column] button`, `#recordings-search`, `#only-bad`, `#quality-filter`, `#recordings-count`, `#page-first`, `#page-previous`, `#page-next`, `#page-last` | one of them, at `?page=library&deployment=ID` |
//! | `#models`, `#models [data-model]`, `[data-adapter]`, `[data-detector]` with `[data-fact]`, `.detect-with` | what the server detects with, at `?page=models` |
//! | `#runs`, `#runs-none`, `#runs-table [data-run][data-run-state]` with `[data-fact]`, `[data-setting]`, `[data-sort] button`, `#curves [data-figure]`, `#models-runs` | what was trained on the server's machine, at `?page=runs` |
//! | `#trainings [data-training]`, `#to-runs` | training that goes on now, on the page of jobs |
//! | `#library-link`, `#to-library`, `#library-jobs`, `#library-models`, `#recording-name` | the ways there and back, and the recording that is open alone |
//! | `#story-button` | adds the view to a story |
//! | `.story-card[data-story]` | stories on the first page |
//! | `#story[data-step][data-mode][data-arrival]`, `#story .story-text`, `#story-place`, `#story-back`, `#story-next`, `.story-dot`, `#story-hear`, `#story-timer`, `#story-return`, `#story-leave`, `#story-present`, `#story-edit` | a story that is played: its step from 1, `reading`, `presenting`, `kiosk`, and `waiting`, `shown`, `failed` |
//! | `.story-answer[data-answer][data-said]`, `#story-verdict[data-right]`, `#story-said`, `#story-kept` | its question, what is heard in words, the picture that was kept |
//! | `#story-cover[data-held]`, `#story-start`, `#story-held`, `#story-blank`, `#story-problem`, `#story-home` | before the show (`fetching`, `over`, `withheld`), the blank screen, and why there is no story |
//! | `#story-editor`, `#story-new`, `#story-all`, `.story-drafts [data-draft]`, `#story-title`, `#story-note`, `#story-list [data-step]`, `[data-move]`, `[data-remove]`, `.story-retake`, `.step-title`, `.step-text`, `.step-sound`, `.step-calls`, `.step-seconds`, `.step-asks`, `.step-question`, `.step-answer`, `.step-why`, `.story-box`, `.mark-text`, `.mark-kind`, `#story-put-back`, `.story-preview`, `#story-add`, `#story-save`, `#story-try`, `#story-delete`, `.story-saving[data-state]`, `#story-fault`, `#story-done`, `#story-link`, `#story-key`, `#story-own-key`, `#story-conflict`, `#conflict-mine`, `#conflict-theirs`, `#conflict-both` | the sheet in which a story is made |
//! | `#palette`, `#palette input`, `#help` | dialogs |
//! | `#token`, `#token-text`, `#token-keep`, `#token-use`, `#token-forget`, `#token-problem` | the dialog of the administrator's token |
//! | `#administrator`, `#library-token`, `.offer` | ways to it: shown while one is held, in the library, and where something was refused |
//! | `#not-in-link` | which files a link does not name |
//! | `.unfetched button`, `#unfetched`, `#fetching` | in place of what could not be fetched, a way to try again; the dialog that says so, and the one that waits |
//! | `#notices .notice[data-kind]` | `error`, `warning`, `done` |
//!
//! `make bench` calls what the module exports besides: `(await import('./spyhop-app.js')).…`.

use std::cell::RefCell;

use spyhop_api::view::SpectrumSettings;
use wasm_bindgen::prelude::*;

use crate::engine::Engine;

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Lends the page's engine to what is exported here.
pub fn lend(engine: &Engine) {
    ENGINE.set(Some(engine.clone()));
}

/// Samples a second that the workers together transform exactly without reading them, by the
/// settings that a new page has; NaN where they can't.
#[wasm_bindgen]
pub async fn speed_in_memory(duration_ms: f64) -> f64 {
    let Some(engine) = ENGINE.with_borrow(Clone::clone) else { return f64::NAN };
    let speed = engine.speed_in_memory(SpectrumSettings::default(), duration_ms).await;
    speed.unwrap_or(f64::NAN)
}
