//! Opening: files from disk, addresses, the server's deployments, and what a link names.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use futures::future::join;
use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use spyhop_api::pyramid::PyramidInfo;
use spyhop_api::view::{LocalFile, Reading, Source};
use spyhop_api::{Calibration, Deployment, Errand, RecordingInfo, View};
use spyhop_words::page::kept as kept_words;
use spyhop_words::page::open as words;

use crate::commands::Action;
use crate::engine::{Input, Opened};
use crate::pages::ServerPage;
use crate::server::token;
use crate::session::{NoticeKind, OpenSet, Session, Stage, on_line};
use crate::{calls, guide, label_files, link, quality, server, shared_labels};

/// How long the names of files in a link may be together, in bytes of an address; of a longer line it names
/// the first. Longer addresses are cut by chats and refused by servers.
const MOST_NAMES_BYTES: usize = 6000;
/// How often the server is asked how far its pyramid is while it builds it, and for a new one later, ms.
const ASK_AGAIN_MS: (u32, u32) = (4000, 60_000);
/// Where public buckets serve objects to pages of other sites.
const GOOGLE_HOST: &str = "https://storage.googleapis.com/";

thread_local! {
    /// Counts openings, so that one that was overtaken is not shown.
    static TURN: Cell<u64> = const { Cell::new(0) };
    /// The local files that were opened last: going forward to them must not ask for them again.
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Local files and what a link calls them.
struct Kept {
    named: Vec<LocalFile>,
    files: Vec<web_sys::File>,
}

/// Opens files that a person gave. Tables of labels among them go to the labels.
pub fn files(session: Session, files: Vec<web_sys::File>) {
    if files.is_empty() {
        return;
    }
    let (tables, recordings): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|f| label_files::is_table(&f.name()));
    let recordings: Vec<_> =
        recordings.into_iter().filter(|f| !f.name().starts_with('.')).collect();
    if recordings.is_empty() {
        label_files::import(session, tables, false);
        return;
    }
    let asked = session.stage.with_untracked(|s| *s == Stage::Asking);
    local(session, recordings, tables, asked);
}

fn local(
    session: Session,
    recordings: Vec<web_sys::File>,
    tables: Vec<web_sys::File>,
    asked: bool,
) {
    forget_notices(session);
    let turn = begin(session, title_of(&recordings));
    let reading = session.view.with_untracked(|v| v.reading.clone());
    let reading = if asked { reading } else { Reading::default() };
    spawn_local(async move {
        let inputs = recordings.iter().cloned().map(Input::File).collect();
        let opened = session.engine().open(inputs, Vec::new(), reading).await;
        if !is_current(turn) {
            return;
        }
        if asked && let Err(why) = is_what_was_asked(session, &opened.infos) {
            session.tell(NoticeKind::Error, why);
            session.stage.set(Stage::Asking);
            return;
        }
        let linked = asked.then(|| session.view.get_untracked());
        if show(session, opened, None, Source::None, linked, None)
            && let Source::Local(named) = session.view.with_untracked(|v| v.source.clone())
        {
            KEPT.set(Some(Kept { named, files: recordings }));
        }
        label_files::import(session, tables, true);
    });
}

/// Opens a file at an address.
pub fn address(session: Session, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    forget_notices(session);
    let url = open_form(text);
    let fresh = View { source: Source::Urls(vec![url]), ..View::default() };
    by_source(session, fresh, false);
}

/// Opens a deployment of the server in its best view; `play` starts the sound.
pub fn deployment(session: Session, deployment: &Deployment, play: bool) {
    forget_notices(session);
    by_source(session, best_view(deployment), play);
}

/// A deployment as it is shown first.
pub fn best_view(deployment: &Deployment) -> View {
    let (mut view, _) = View::from_query(&deployment.best_view);
    view.source = Source::Deployment { id: deployment.id.clone(), recording: None };
    view
}

/// Opens a view of a deployment or of one of its recordings.
pub fn view(session: Session, view: View) {
    forget_notices(session);
    by_source(session, view, false);
}

/// Opens what the view of the link names; what was said of the link stays.
pub fn from_link(session: Session) {
    let view = session.view.get_untracked();
    match &view.source {
        Source::None => {
            session.open.set(None);
            session.stage.set(match link::page() {
                Some(page) => Stage::Server(page),
                // Its guide says what is shown.
                None if guide::is_awaited(session) => Stage::Opening(String::new()),
                None => Stage::First,
            });
        }
        Source::Local(named) => match kept(named) {
            Some(files) => local(session, files, Vec::new(), true),
            None => session.stage.set(Stage::Asking),
        },
        _ => by_source(session, view, false),
    }
}

/// Opens what is open again, because files are now read in another way.
pub fn again(session: Session) {
    let places = session.frame_now().map(|f| f.places);
    // Clock times may have moved: the picture stays on the same samples instead.
    session.view.update(|v| (v.start, v.span_ns, v.selection) = (None, None, None));
    from_link(session);
    let opened = Effect::new(move |_| {
        if session.stage.get() == Stage::Viewing
            && let Some(places) = places.clone()
        {
            session.change_frame(|f| f.places = places);
        }
    });
    gloo::timers::callback::Timeout::new(10_000, move || opened.stop()).forget();
}

fn kept(named: &[LocalFile]) -> Option<Vec<web_sys::File>> {
    KEPT.with_borrow(|k| k.as_ref().filter(|k| k.named == named).map(|k| k.files.clone()))
}

/// Back to the first page.
pub fn home(session: Session) {
    guide::ask(session, Errand::Leave);
    close(session);
    session.stage.set(Stage::First);
}

/// To a page of the server's own.
pub fn page(session: Session, page: ServerPage) {
    guide::ask(session, Errand::Leave);
    close(session);
    session.stage.set(Stage::Server(page));
}

fn close(session: Session) {
    forget_notices(session);
    session.engine().stop();
    begin(session, String::new());
    session.view.set(View::default());
    session.open.set(None);
}

fn by_source(session: Session, view: View, play: bool) {
    let name = match &view.source {
        Source::Deployment { id, recording } => recording.clone().unwrap_or_else(|| id.clone()),
        Source::Urls(urls) => urls.first().map(|u| name_of(u)).unwrap_or_default(),
        _ => return,
    };
    let turn = begin(session, name);
    spawn_local(async move {
        let (found, pyramids) = join(find(&view.source), pyramids_of(&view.source)).await;
        let published = published(&view.source).await;
        if !is_current(turn) {
            return;
        }
        let (inputs, known, deployment) = match found {
            Ok(found) => found,
            Err(why) => {
                let is_hosted = matches!(view.source, Source::Deployment { .. });
                let offer = (is_hosted && !token::is_held()).then_some(Action::Token);
                return fail(session, why, offer);
            }
        };
        let opened = session.engine().open(inputs, known, view.reading.clone()).await;
        if !is_current(turn) {
            return;
        }
        let source = view.source.clone();
        if let Source::Deployment { id, recording } = &source {
            // What a person says of the files' clocks, the server knows nothing of.
            let is_as_server_reads = view.reading == Reading::default();
            session.engine().set_computed(is_as_server_reads.then(|| source.clone()));
            follow_pyramids(session, id.clone(), recording.is_none(), pyramids, turn);
        }
        if show(session, opened, deployment, source, Some(view), published) && play {
            crate::playback::play_view(session);
        }
    });
}

/// What turns full scale into pressure in samples that somebody published with a share.
async fn published(source: &Source) -> Option<Calibration> {
    let Source::Urls(urls) = source else { return None };
    let [url] = urls.as_slice() else { return None };
    let (id, _) = url.strip_prefix("s/")?.split_once('/')?;
    // Without it levels are those of full scale, as everything then says.
    server::shares::told(id).await.ok()?.excerpt?.calibration
}

async fn pyramids_of(source: &Source) -> Vec<PyramidInfo> {
    match source {
        Source::Deployment { id, .. } => server::pyramids(id).await,
        _ => Vec::new(),
    }
}

/// Hands the engine what the server has built, and asks again while that grows.
fn follow_pyramids(
    session: Session,
    id: String,
    whole: bool,
    pyramids: Vec<PyramidInfo>,
    turn: u64,
) {
    session.engine().set_pyramids(server::tiles_address(&id), &pyramids, whole);
    if pyramids.is_empty() {
        return;
    }
    let built = pyramids.iter().all(|p| p.built >= 1.0);
    spawn_local(async move {
        TimeoutFuture::new(if built { ASK_AGAIN_MS.1 } else { ASK_AGAIN_MS.0 }).await;
        if !is_current(turn) {
            return;
        }
        let pyramids = server::pyramids(&id).await;
        if is_current(turn) {
            follow_pyramids(session, id, whole, pyramids, turn);
        }
    });
}

type Found = (Vec<Input>, Vec<RecordingInfo>, Option<Deployment>);

async fn find(source: &Source) -> Result<Found, String> {
    match source {
        Source::Urls(urls) => {
            let input = |url: &String| Input::Url { url: url.clone(), name: name_of(url) };
            Ok((urls.iter().map(input).collect(), Vec::new(), None))
        }
        Source::Deployment { id, recording } => {
            let mut deployment = server::deployment(id).await?;
            let mut known = std::mem::take(&mut deployment.recordings);
            if let Some(name) = recording {
                known.retain(|r| r.name == *name);
            }
            if known.is_empty() {
                return Err(match recording {
                    Some(recording) => words::no_recording(deployment.name, recording),
                    None => words::no_recordings(deployment.name),
                });
            }
            let input = |r: &RecordingInfo| Input::Url {
                url: server::recording_address(id, &r.name),
                name: r.name.clone(),
            };
            Ok((known.iter().map(input).collect(), known, Some(deployment)))
        }
        Source::None | Source::Local(_) => Ok((Vec::new(), Vec::new(), None)),
    }
}

/// Puts what was opened on the screen; false where there is nothing to show.
fn show(
    session: Session,
    opened: Opened,
    deployment: Option<Deployment>,
    source: Source,
    view: Option<View>,
    published: Option<Calibration>,
) -> bool {
    let Opened { infos, failures, line, left_out } = opened;
    let Some(line) = line else {
        let why = match failures.as_slice() {
            [] => words::NOTHING_TO_SHOW.to_owned(),
            [(_, only)] => only.clone(),
            [(_, first), rest @ ..] => words::more_not_opened(first, rest.len()),
        };
        // The engine let go of what was open before, and takes it up again if the view is still of it.
        let was_open = session.open.with_untracked(Option::is_some);
        session.open.set(None);
        if was_open && view.is_none_or(|v| session.view.with_untracked(|now| *now != v)) {
            from_link(session);
            session.tell(NoticeKind::Error, why);
        } else {
            fail(session, why, None);
        }
        return false;
    };
    let mut out = failures;
    // What else a deployment holds is nothing to one recording of it.
    let is_whole = matches!(source, Source::Deployment { recording: None, .. });
    if let Some(d) = deployment.as_ref().filter(|_| is_whole) {
        out.extend(d.failures.iter().map(|f| (f.name.clone(), f.reason.clone())));
    }
    let name = |i: usize| infos.get(i).map(|r| r.name.clone()).unwrap_or_default();
    out.extend(left_out.into_iter().map(|(i, why)| (name(i), why)));
    let on_line = on_line(&line, &infos);
    let source = match source {
        Source::None => Source::Local(named(&on_line)),
        source => source,
    };
    let fresh = view.is_none();
    let mut view = view.unwrap_or_default();
    view.source = source;
    if fresh {
        suit(&mut view, line.end());
    }
    let channels = on_line.first().map_or(1, |r| r.channels.max(1));
    if view.channel >= channels {
        let (asked, there) = (view.channel.saturating_add(1), channels);
        session.tell(NoticeKind::Warning, words::no_such_channel(asked, there));
        view.channel = 0;
    }
    let doubtful = on_line.iter().filter(|r| !r.warnings.is_empty()).count();
    let first_warning = on_line.iter().find_map(|r| Some((r.name.clone(), r.warnings.first()?)));
    match (&first_warning, doubtful) {
        (Some((name, warning)), 1) => {
            session.tell(NoticeKind::Warning, words::warning(warning, name));
        }
        (Some((name, warning)), n) => {
            session.tell(NoticeKind::Warning, words::warnings(n, warning, name));
        }
        _ => {}
    }
    if !out.is_empty() {
        let text = match out.as_slice() {
            [(name, why)] => words::left_out(name, why),
            all => words::several_left_out(all.len()),
        };
        session.tell(NoticeKind::Warning, text);
    }
    let open = OpenSet::new(infos, line, out, deployment, published);
    let unread_labels = session.labels.load(&open);
    session.tell_laid_aside(kept_words::LABELS, &unread_labels);
    session.cursors.set([None, None]);
    session.play_head.set(None);
    session.view.set(view);
    session.open.set(Some(Arc::new(open)));
    session.stage.set(Stage::Viewing);
    let hosted = session
        .open
        .with_untracked(|o| o.as_ref().and_then(|o| o.deployment.as_ref()).map(|d| d.id.clone()));
    calls::opened(session, hosted.clone());
    shared_labels::opened(session, hosted);
    let turn = TURN.with(Cell::get);
    quality::follow(session, move || is_current(turn));
    true
}

/// The files that a link names, as many as it holds.
fn named(on_line: &[&RecordingInfo]) -> Vec<LocalFile> {
    // Everything but letters and digits takes three bytes in an address.
    let length = |text: &str| {
        text.bytes().map(|b| if b.is_ascii_alphanumeric() { 1 } else { 3 }).sum::<usize>()
    };
    let mut bytes = 0;
    let fits = |r: &&&RecordingInfo| {
        bytes += length(&r.name) + length(&r.fingerprint);
        bytes <= MOST_NAMES_BYTES
    };
    let file =
        |r: &&RecordingInfo| LocalFile { name: r.name.clone(), fingerprint: r.fingerprint.clone() };
    let mut named: Vec<LocalFile> = on_line.iter().take_while(fits).map(file).collect();
    if named.is_empty() {
        named.extend(on_line.first().map(file));
    }
    named
}

/// What is said of a link that does not name all files that are open.
pub fn left_out_of_link(session: Session) -> Option<String> {
    let named = session.view.with(|v| match &v.source {
        Source::Local(named) => Some(named.len()),
        _ => None,
    })?;
    let all = session.open.with(|o| o.as_ref().map_or(0, |o| o.shown().len()));
    (named < all).then(|| words::link_names_first(named, all))
}

/// A transform that suits a recording nobody has chosen one for: short ones need a short window.
fn suit(view: &mut View, samples: i64) {
    let fits = (samples / 4).clamp(64, 1024) as u32;
    let size = if fits.is_power_of_two() { fits } else { fits.next_power_of_two() / 2 };
    view.spectrum.fft_size = size;
    view.spectrum.window_samples = size;
    view.spectrum.hop_samples = size / 2;
}

/// Whether the files that a link asks for are among those that were opened.
fn is_what_was_asked(session: Session, infos: &[RecordingInfo]) -> Result<(), String> {
    let Source::Local(asked) = session.view.with_untracked(|v| v.source.clone()) else {
        return Ok(());
    };
    let missing = |f: &&LocalFile| !infos.iter().any(|i| i.fingerprint == f.fingerprint);
    let Some(file) = asked.iter().find(missing) else { return Ok(()) };
    let same_name = infos.iter().any(|i| i.name == file.name);
    Err(match (same_name, infos.first()) {
        (true, _) => words::other_content(&file.name),
        (false, Some(got)) => words::other_file(&file.name, &got.name),
        (false, None) => words::no_file(&file.name),
    })
}

fn begin(session: Session, name: String) -> u64 {
    session.engine().stop();
    session.stage.set(Stage::Opening(name));
    TURN.with(|t| {
        t.set(t.get() + 1);
        t.get()
    })
}

/// What was said before was of something else.
fn forget_notices(session: Session) {
    session.notices.set(Vec::new());
}

fn is_current(turn: u64) -> bool {
    TURN.with(|t| t.get() == turn)
}

fn fail(session: Session, why: String, offer: Option<Action>) {
    session.tell_and_offer(NoticeKind::Error, why, offer);
    let open = session.open.with_untracked(Option::is_some);
    // What was asked for from a page leaves one on that page.
    let before = || link::page().map_or(Stage::First, Stage::Server);
    session.stage.set(if open { Stage::Viewing } else { before() });
}

fn title_of(files: &[web_sys::File]) -> String {
    match files {
        [one] => one.name(),
        [first, rest @ ..] => words::and_more(first.name(), rest.len()),
        [] => String::new(),
    }
}

/// The file's name in an address.
fn name_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let decoded: String =
        js_sys::decode_uri_component(path).map(Into::into).unwrap_or_else(|_| path.to_owned());
    decoded.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(url).to_owned()
}

/// The form of an address that pages of other sites may read: Google's public buckets allow it
/// only through their JSON interface.
pub fn open_form(url: &str) -> String {
    let Some(path) = url.strip_prefix(GOOGLE_HOST).filter(|p| !p.starts_with("storage/v1/")) else {
        return url.to_owned();
    };
    match path.split_once('/') {
        Some((bucket, object)) if !object.is_empty() => {
            let object = object.split('?').next().unwrap_or(object).replace('/', "%2F");
            format!("{GOOGLE_HOST}storage/v1/b/{bucket}/o/{object}?alt=media")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_bucket_is_read_where_it_lets_other_sites_read() {
        assert_eq!(
            open_form("https://storage.googleapis.com/bucket/a/b.wav"),
            "https://storage.googleapis.com/storage/v1/b/bucket/o/a%2Fb.wav?alt=media"
        );
        let other = "https://example.org/a.wav";
        assert_eq!(open_form(other), other);
    }

    #[test]
    fn a_link_names_as_many_files_as_an_address_holds_and_one_at_least() {
        let info = |name: String| RecordingInfo {
            name,
            fingerprint: "123456789-0123456789abcdef".into(),
            bytes: 0,
            format: String::new(),
            codec: String::new(),
            sample_rate_hz: 1.0,
            channels: 1,
            bits_per_sample: 16,
            frames: 1,
            duration_s: 1.0,
            start: None,
            start_source: spyhop_api::StartSource::None,
            start_zone: String::new(),
            start_uncertainty_s: None,
            segments: Vec::new(),
            metadata: Default::default(),
            warnings: Vec::new(),
        };
        let night: Vec<_> = (0..200).map(|i| info(format!("buoy_20240601_{i:06}.wav"))).collect();
        let all: Vec<&RecordingInfo> = night.iter().collect();
        let count = named(&all).len();
        assert!((80..150).contains(&count), "{count}");
        let mut view = View { source: Source::Local(named(&all)), ..View::default() };
        assert!(view.to_query().len() < MOST_NAMES_BYTES + 1000, "{}", view.to_query().len());
        let long = info("x".repeat(9000));
        view.source = Source::Local(named(&[&long]));
        assert_eq!(
            view.source,
            Source::Local(vec![LocalFile {
                name: long.name.clone(),
                fingerprint: long.fingerprint.clone()
            }])
        );
    }

    #[test]
    fn a_recording_of_193_samples_gets_a_window_that_fits() {
        let mut view = View::default();
        suit(&mut view, 193);
        assert_eq!(view.spectrum.fft_size, 64);
        suit(&mut view, 1_000_000);
        assert_eq!(view.spectrum.fft_size, 1024);
    }
}
