//! Units and tiles of small deployments, whole, in part, and not built at all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spyhop_api::tile::Tile;
use spyhop_api::{Deployment, RecordingInfo};
use spyhop_signal::formats::{self, OpenOptions, wav_writer::wav_pcm16};
use spyhop_signal::{OpenError, SourceError};

use super::folder::Folder;
use super::plan::Plan;
use super::unit::{UnitFailure, make_unit};
use super::*;
use crate::catalogue::Recordings;

/// 2 kHz: a column of the finest level lasts 2.048 s, and a unit 4.66 h.
const RATE: u32 = 2000;

/// An id that is no name of a folder.
const ID: &str = "a deployment/of one";

/// A folder that is removed again.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("spyhop-pyramid-{}-{number}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::new(&self.0, ID, &product_name(0))
    }

    /// Builds all of it.
    fn build(&self, recordings: &Recordings) -> anyhow::Result<Built> {
        let deployment = Deployment { id: ID.into(), ..Deployment::default() };
        run(&self.0, &deployment, recordings, 0, Some(1), false)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn wav(seed: i64, seconds: i64) -> Vec<u8> {
    let sample = |i: i64| {
        let mixed = ((i * i * 7919 + i * 104_729 + 31_337 * seed) >> 3).rem_euclid(65_536);
        ((mixed - 32_768) / 4) as i16
    };
    let samples: Vec<i16> = (0..seconds * i64::from(RATE)).map(sample).collect();
    wav_pcm16(&samples, 1, RATE)
}

/// Recordings of 40 s, one for each name; those named in `broken` list but do not open.
pub(crate) fn recordings(names: &[&str], broken: &'static str) -> Recordings {
    let files: Vec<(String, Vec<u8>)> =
        names.iter().zip(0..).map(|(name, seed)| ((*name).to_owned(), wav(seed, 40))).collect();
    let open = move |index: usize| {
        let (name, bytes) = &files[index];
        if name == broken {
            let error = SourceError::Io("the disk is scratched".into());
            return Err(OpenError::Source { name: name.clone(), error });
        }
        formats::open(name, Box::new(bytes.clone()), &OpenOptions::default())
    };
    let info = |(name, seed): (&&str, i64)| -> RecordingInfo {
        let options = OpenOptions::default();
        formats::open(name, Box::new(wav(seed, 40)), &options).expect("a WAV").info
    };
    let infos = names.iter().zip(0..).map(info).collect();
    Recordings {
        infos: Arc::new(infos),
        open: Arc::new(open),
        tables: None,
        beside: None,
        version: String::new(),
    }
}

/// One file in each of several units, and two that touch.
pub(crate) const NAMES: [&str; 5] = [
    "x_20210601_000000.wav",
    "x_20210601_000040.wav",
    "x_20210601_070000.wav",
    "x_20210605_000000.wav",
    "x_20210611_235959.wav",
];

pub(crate) fn tiles(recordings: &Recordings, folder: Folder) -> Tiles {
    let plan = Plan::new(&recordings.infos, 0, &Default::default()).expect("a plan");
    Tiles::new(Arc::new(plan), folder, recordings.clone())
}

/// All tiles of a level in which something was recorded.
fn level(tiles: &Tiles, level: i32) -> Vec<Tile> {
    let recorded = &tiles.plan().recorded;
    let tile = |ns: i64| tiles.plan().grid.column_at(level, ns).div_euclid(256);
    let spans = recorded.runs.iter().map(|run| recorded.run_span_ns(run));
    let numbers: BTreeSet<i64> =
        spans.flat_map(|span_ns| tile(span_ns.start)..=tile(span_ns.end)).collect();
    numbers.into_iter().map(|number| tiles.tile(level, number).expect("a tile")).collect()
}

/// NaN is the same as NaN here.
fn bytes(tiles: &[Tile]) -> Vec<Vec<u8>> {
    tiles.iter().map(Tile::encode).collect()
}

#[test]
fn what_is_not_built_is_made_on_demand_to_the_same_bits() {
    let (scratch, nothing) = (Scratch::new(), Scratch::new());
    let recordings = recordings(&NAMES, "");
    let made = scratch.build(&recordings).expect("a pyramid");
    assert_eq!(made.made, made.plan.units.len());
    let (built, unbuilt) =
        (tiles(&recordings, scratch.folder()), tiles(&recordings, nothing.folder()));
    assert!(built.info().built == 1.0 && unbuilt.info().built == 0.0);
    assert!(built.plan().coarsest_level() >= 10);
    for finest in [-9, -3, 0, 3] {
        let (a, b) = (level(&built, finest), level(&unbuilt, finest));
        assert!(a.iter().any(|tile| tile.frames.iter().any(|f| *f > 0)), "{finest}");
        assert!(bytes(&a) == bytes(&b), "{finest}");
    }
    // Tier 1 is built, tier 2 is not: its levels come from the tops of its parts.
    for unit in built.plan().units.iter().filter(|unit| unit.tier == 2) {
        std::fs::remove_dir_all(scratch.folder().unit(&unit.key)).expect("removed");
    }
    let half_built = tiles(&recordings, scratch.folder());
    let again = nothing.build(&recordings).expect("a pyramid");
    assert_eq!(again.plan.version, made.plan.version);
    let whole = tiles(&recordings, nothing.folder());
    for coarse in [7, 8, 10] {
        let (a, b) = (level(&half_built, coarse), level(&whole, coarse));
        assert!(a.iter().all(|tile| !tile.unfinished), "{coarse}");
        assert!(bytes(&a) == bytes(&b), "{coarse}");
    }
}

#[test]
fn coarse_tiles_say_what_of_them_is_still_to_be_built_and_are_not_kept() {
    let scratch = Scratch::new();
    let recordings = recordings(&NAMES, "");
    let tiles = tiles(&recordings, scratch.folder());
    let cache = TileCache::new(1 << 20);
    let top = tiles.plan().coarsest_level();
    let tile = tiles.plan().levels[top as usize].columns.start.div_euclid(256);
    assert!(cache.get(&tiles, top, tile, false).expect("a tile").unfinished);
    scratch.build(&recordings).expect("a pyramid");
    let finished = cache.get(&tiles, top, tile, false).expect("a tile");
    assert!(!finished.unfinished);
    let again = cache.get(&tiles, top, tile, false).expect("a tile");
    assert!(Arc::ptr_eq(&finished, &again), "it is kept");
    assert!(
        cache.get(&tiles, top + 1, 0, false).is_err() && cache.get(&tiles, -11, 0, false).is_err()
    );
    assert!(
        cache.get(&tiles, 0, i64::MAX, false).is_err()
            && cache.get(&tiles, 0, 1 << 54, false).is_err()
    );
    // Beside the recordings there is nothing, and that is small.
    assert!(cache.get(&tiles, 0, 0, false).expect("a gap").gzip.len() < 200);
}

#[test]
fn a_recording_that_can_not_be_read_is_left_out_with_the_reason() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let broken = recordings(&NAMES, NAMES[2]);
    let made = scratch.build(&broken).expect("a pyramid");
    let [(2, reason)] = &made.plan.left_out[..] else { panic!("{:?}", made.plan.left_out) };
    assert!(reason.contains(NAMES[2]) && reason.contains("scratched"), "{reason}");
    // The rest is as if that recording were not there.
    let without: Vec<&str> = NAMES.iter().copied().filter(|name| *name != NAMES[2]).collect();
    let mut rest = recordings(&NAMES, "");
    let infos: Vec<RecordingInfo> =
        rest.infos.iter().filter(|info| without.contains(&info.name.as_str())).cloned().collect();
    let open = rest.open.clone();
    rest.open = Arc::new(move |index| open(if index < 2 { index } else { index + 1 }));
    rest.infos = Arc::new(infos);
    let without = other.build(&rest).expect("a pyramid");
    assert_eq!(without.plan.version, made.plan.version);
    // All of it unreadable: the reason is the answer.
    let one = recordings(&NAMES[..1], NAMES[0]);
    let failed = Scratch::new().build(&one);
    assert!(failed.is_err_and(|error| error.to_string().contains("scratched")));
}

#[test]
fn a_recording_that_changed_since_it_was_listed_is_not_computed_under_its_old_name() {
    let mut changed = recordings(&NAMES[..1], "");
    let open = |_| formats::open(NAMES[0], Box::new(wav(99, 40)), &OpenOptions::default());
    changed.open = Arc::new(open);
    let failed = Scratch::new().build(&changed);
    assert!(failed.is_err_and(|error| error.to_string().contains("has changed since")));
}

#[test]
fn damaged_and_half_written_units_are_made_again() {
    let scratch = Scratch::new();
    let (recordings, folder) = (recordings(&NAMES, ""), scratch.folder());
    let first = scratch.build(&recordings).expect("a pyramid");
    let [a, b, ..] = &first.plan.units[..] else { panic!("units") };
    std::fs::write(folder.unit(&a.key).join("level_00/mean/c/0/0"), b"").expect("written");
    std::fs::remove_file(folder.unit(&b.key).join("unit.json")).expect("removed");
    std::fs::create_dir_all(folder.path().join(".unfinished-1-1")).expect("made");
    let again = scratch.build(&recordings).expect("a pyramid");
    assert_eq!((again.made, &again.store), (2, &first.store));
    assert!(!folder.path().join(".unfinished-1-1").exists());
    assert_eq!(scratch.build(&recordings).expect("a pyramid").made, 0);
}

#[test]
fn stopping_loses_nothing_that_was_made() {
    let scratch = Scratch::new();
    let (recordings, folder) = (recordings(&NAMES, ""), scratch.folder());
    let plan = Plan::new(&recordings.infos, 0, &Default::default()).expect("a plan");
    // Each column of samples and each level is a look: some 50 for the longest unit.
    let make = |unit, most: u32| {
        let mut looks = 0;
        let mut stop = || {
            looks += 1;
            looks > most
        };
        make_unit(&plan, unit, &recordings, &folder, &mut stop)
    };
    make(&plan.units[0], u32::MAX).expect("made");
    assert!(matches!(make(&plan.units[1], 5), Err(UnitFailure::Cancelled)));
    let rest = scratch.build(&recordings).expect("a pyramid");
    assert_eq!(rest.made, plan.units.len() - 1);
}

#[test]
fn a_disk_that_takes_nothing_is_told_of_and_gone_on_with_once_it_does() {
    let scratch = Scratch::new();
    let recordings = recordings(&NAMES, "");
    let made = scratch.build(&recordings).expect("a pyramid");
    // A file where units are to lie, which nothing can be written below.
    let units = scratch.folder().path().join("units");
    std::fs::remove_dir_all(&units).expect("removed");
    std::fs::write(&units, b"in the way").expect("written");
    let refused = scratch.build(&recordings).expect_err("no room").to_string();
    assert!(refused.contains(&scratch.folder().path().display().to_string()), "{refused}");
    let left = std::fs::read_dir(scratch.folder().path()).expect("listed");
    let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "the store of before and what is in the way: {left:?}");
    std::fs::remove_file(&units).expect("removed");
    let again = scratch.build(&recordings).expect("a pyramid");
    assert_eq!((again.made, again.store), (made.made, made.store));
}

#[test]
fn products_are_named_by_their_channel() {
    for (channel, name) in [(0, "spectrum"), (1, "spectrum.ch1"), (12, "spectrum.ch12")] {
        assert_eq!(product_name(channel), name);
    }
}
