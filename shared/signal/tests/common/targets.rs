//! What is fuzzed: each target takes any bytes and must neither panic, hang nor give what was not
//! asked for. The tests run them over a corpus with seeded mutations; `fuzz/` wraps the same
//! functions for cargo-fuzz.

use spyhop_signal::formats::{self, EarsConvention, NameTime, OpenOptions, Sidecar};
use spyhop_signal::{Line, Recording};

/// A target's name and body.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 6] = [
    ("any", any),
    ("ears", ears),
    ("sidecar", sidecar),
    ("file_name", file_name),
    ("random_access", random_access),
    ("line", line),
];

/// Opens bytes as whatever they look like, under a name without a meaning.
pub fn any(bytes: &[u8]) {
    if let Ok(mut recording) = open("x.wav", bytes, &OpenOptions::default()) {
        let mut out = Vec::new();
        let _ = recording.read(0, 3000, &mut out);
        check(&recording, &out, 3000, recording.info.channels);
    }
}

/// Opens bytes under an EARS name, by each convention.
pub fn ears(bytes: &[u8]) {
    for ears_convention in
        [EarsConvention::Unophysics, EarsConvention::ReadEars, EarsConvention::Legacy]
    {
        let options = OpenOptions { ears_convention, ..OpenOptions::default() };
        if let Ok(mut recording) = open("71621DC7.190", bytes, &options) {
            let mut out = Vec::new();
            let _ = recording.read(249, 502, &mut out);
            check(&recording, &out, 502, recording.info.channels);
        }
    }
}

/// Takes bytes as a sidecar of a small recording.
pub fn sidecar(bytes: &[u8]) {
    let name = "1.210610033655.log.xml".to_owned();
    let sidecars = vec![Sidecar { name, bytes: bytes.to_vec() }];
    let options = OpenOptions { sidecars, ..OpenOptions::default() };
    let wav = formats::wav_writer::wav_pcm16(&[0; 8], 1, 8000);
    let recording = open("1.210610033655.wav", &wav, &options).expect("the recording is whole");
    assert!(recording.info.start.is_some(), "the name's time is left");
}

/// Takes the first half of bytes as a file's name and the second as a pattern.
pub fn file_name(bytes: &[u8]) {
    let (name, pattern) = bytes.split_at(bytes.len() / 2);
    let (name, pattern) = (String::from_utf8_lossy(name), String::from_utf8_lossy(pattern));
    let _ = NameTime::find(&name, None);
    let _ = NameTime::find(&name, Some(&pattern));
}

/// Reads here and there; the first bytes say where.
pub fn random_access(bytes: &[u8]) {
    let Some((places, bytes)) = bytes.split_at_checked(8) else { return };
    let Ok(mut recording) = open("x.wav", bytes, &OpenOptions::default()) else { return };
    let frames = recording.info.frames;
    let channel = u32::from(places[0]);
    let mut out = Vec::new();
    for &place in places {
        let from = (u128::from(frames) * u128::from(place) / 250) as u64;
        let _ = recording.read_channel(from, 700, channel, &mut out);
        check(&recording, &out, 700, 1);
    }
}

/// Lays what opens on a line.
pub fn line(bytes: &[u8]) {
    let infos: Vec<_> = ["a_20200101_000000.wav", "a_20200101_000001.wav", "71621DC7.190"]
        .into_iter()
        .filter_map(|name| open(name, bytes, &OpenOptions::default()).ok())
        .map(|recording| recording.info)
        .collect();
    if let Ok((line, left_out)) = Line::new(&infos) {
        assert!(left_out.len() < infos.len());
        assert!(line.runs.windows(2).all(|w| w[0].end() <= w[1].position));
    }
}

fn open(name: &str, bytes: &[u8], options: &OpenOptions) -> Result<Recording, String> {
    formats::open(name, Box::new(bytes.to_vec()), options).map_err(|error| {
        let text = error.to_string();
        assert!(text.contains(name), "the message names the file: {text}");
        text
    })
}

/// What holds for every recording that opens.
fn check(recording: &Recording, out: &[f32], asked: usize, channels: u32) {
    let info = &recording.info;
    assert!(out.len() <= asked * channels as usize);
    assert!(info.sample_rate_hz >= 1.0 && info.sample_rate_hz <= 10e6);
    assert!(info.channels > 0);
    let mut at = 0;
    for segment in &info.segments {
        assert_eq!(segment.first_frame, at, "segments follow each other");
        at += segment.frames;
    }
    assert_eq!(at, info.frames, "segments hold all frames");
}
