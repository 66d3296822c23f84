//! Every real recording of the shared test data: rate, samples, start time.

mod common;

use std::path::{Path, PathBuf};

use common::{all, crc32, open, table};
use spyhop_api::StartSource;

/// `None`, with a message that can't be missed, where the folder is absent.
fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: the folder of real recordings is not there: {}", folder.display());
    None
}

const STARTS: [(&str, Option<&str>, StartSource, &str); 16] = [
    ("audiomoth/metadata.wav", Some("2020-04-04T10:25:00Z"), StartSource::AudioMoth, "Z"),
    (
        "dclde2013/NOPP6_EST_20090329_121500.wav",
        Some("2009-03-29T12:15:00Z"),
        StartSource::FileName,
        "token EST, not applied",
    ),
    ("hydrophone/live000.wav", None, StartSource::None, ""),
    (
        "hydrophone/sample_220925_223450.wav",
        Some("2022-09-25T22:34:50Z"),
        StartSource::FileName,
        "assumed UTC",
    ),
    (
        "hydrophone/sample_220925_223600.wav",
        Some("2022-09-25T22:36:00Z"),
        StartSource::FileName,
        "assumed UTC",
    ),
    (
        "mars/MARS-20150910T000000Z-2kHz.wav",
        Some("2015-09-10T00:00:00Z"),
        StartSource::FileName,
        "Z",
    ),
    ("pamguard/Blue_whale.wav", None, StartSource::None, ""),
    (
        "pamguard/DUB_20200623_000152_885.wav",
        Some("2020-06-23T00:01:52.885Z"),
        StartSource::FileName,
        "assumed UTC",
    ),
    ("pamguard/Minke_whale.wav", None, StartSource::None, ""),
    ("pamguard/clickwave_1.wav", None, StartSource::None, ""),
    ("pamguard/southern_right_whale_clip1.wav", None, StartSource::None, ""),
    // The name says :55; the sidecar of the chain that wrote the file knows better.
    (
        "soundtrap/67416073.210610033655.flac",
        Some("2021-06-10T03:36:54Z"),
        StartSource::Sidecar,
        "Z",
    ),
    (
        "soundtrap/STClip.180320152506.wav",
        Some("2018-03-20T15:25:06Z"),
        StartSource::FileName,
        "assumed UTC",
    ),
    (
        "soundtrap/STClip.180320152511.wav",
        Some("2018-03-20T15:25:11Z"),
        StartSource::FileName,
        "assumed UTC",
    ),
    ("xwav/xwav_headers_only.x.flac", Some("2010-02-28T02:21:15Z"), StartSource::Records, "Z"),
    ("xwav/xwav_headers_only.x.wav", Some("2010-02-28T02:21:15Z"), StartSource::Records, "Z"),
];

#[test]
fn every_recording_has_the_rate_and_the_samples_that_libsndfile_reads() {
    let Some(folder) = data() else { return };
    let expected = table("recordings.json");
    assert_eq!(expected.len(), STARTS.len());
    for (path, expected) in expected {
        let mut recording = open(&folder.join(&path));
        let info = recording.info.clone();
        assert_eq!(
            (info.sample_rate_hz, info.channels, info.frames),
            (expected.rate, expected.channels, expected.frames),
            "{path}"
        );
        assert_eq!(crc32(&all(&mut recording)), expected.crc32, "{path}");
    }
}

#[test]
fn every_recording_begins_when_its_makers_say() {
    let Some(folder) = data() else { return };
    for (path, start, source, zone) in STARTS {
        let info = open(&folder.join(path)).info;
        let start = start.map(|s| spyhop_api::Timestamp::from_iso(s).expect("valid"));
        assert_eq!(info.start, start, "{path}");
        assert_eq!((info.start_source, info.start_zone.as_str()), (source, zone), "{path}");
        assert_eq!(info.segments.first().and_then(|s| s.start), start, "{path}");
    }
}

#[test]
fn opening_reads_a_small_part_of_a_long_file() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use spyhop_signal::formats::{self, OpenOptions};
    use spyhop_signal::source::FileSource;
    use spyhop_signal::{ByteSource, SourceError};

    struct Counted(FileSource, Arc<AtomicU64>);
    impl ByteSource for Counted {
        fn len(&self) -> u64 {
            self.0.len()
        }
        fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
            self.1.fetch_add(buf.len() as u64, Ordering::Relaxed);
            self.0.read_at(offset, buf)
        }
    }

    let Some(folder) = data() else { return };
    for path in ["dclde2013/NOPP6_EST_20090329_121500.wav", "soundtrap/67416073.210610033655.flac"]
    {
        let read = Arc::new(AtomicU64::new(0));
        let source = Counted(FileSource::open(&folder.join(path)).expect("there"), read.clone());
        let len = source.len();
        formats::open(path, Box::new(source), &OpenOptions::default()).expect("opens");
        // A handful of cache blocks: the beginning, the middle and the end.
        assert!(read.load(Ordering::Relaxed) < 1_300_000, "{path}: {read:?} of {len}");
    }
}
