//! What browser tests hold on to. These names stay; everything else may change.
//!
//! | selector | what |
//! |---|---|
//! | `#page[data-stage]` | `first`, `opening`, `asking` (a link wants a local file), `viewing` |
//! | `#page[data-state]` | `ready` once every tile on the screen is exact, else `loading` |
//! | `#page[data-progress]` | `exact/shown/tiles` |
//! | `#page[data-backend]` | `cpu` or `gpu: <adapter>` |
//! | `#page[data-bytes]` | bytes read from recordings |
//! | `#page[data-view]` | the view's query, without `?` |
//! | `#page[data-labels]` | how many labels there are |
//! | `#drop`, `#pick-files`, `#pick-folder`, `#url`, `#url-open`, `#noaa` | the first page's ways to open |
//! | `.card[data-deployment]`, `.card .open`, `.card .play` | the demo's cards |
//! | `#asked` | the sentence that asks for a local file |
//! | `#overview`, `#overview-marks` | the overview's raster, and its brush (which takes the pointer) |
//! | `#waveform`, `#spectrogram` | canvases to read pixels from; `#spectrogram` has one pixel a CSS pixel |
//! | `#overlay` | lies over both and takes pointer and wheel |
//! | `#frequency-axis`, `#time-axis`, `#colour-bar` | take drags, wheel and double click |
//! | `#readout`, `#description`, `#refining` | crosshair, text for screen readers, progress |
//! | `#play`, `#play-selection`, `#loop`, `#speed`, `[data-lens]`, `#band`, `#gain`, `#small-speaker`, `#press-to-hear`, `#speed-badge`, `#clock` | sound; `#play[aria-pressed]` tells whether it plays |
//! | `#panel`, `#panel [data-tab]`, `#panel [data-tab-page]` | the panel |
//! | `#fft`, `#overlap`, `#window`, `#scaling`, `#axis`, `#floor`, `#ceiling`, `#auto`, `#map`, `#flatten`, `#peaks`, `#clock-choice`, `#channel`, `[data-preset]` | settings |
//! | `#labels tr[data-label]`, `#export-raven`, `#export-audacity`, `#import` | labels |
//! | `#measures`, `#slice`, `#cursors` | measures |
//! | `#info` | everything known of the recordings |
//! | `#copy-link`, `#link-text` | the link, and the field that shows it where there is no clipboard |
//! | `#palette`, `#palette input`, `#help` | dialogs |
//! | `#notices .notice[data-kind]` | `error`, `warning`, `done` |
