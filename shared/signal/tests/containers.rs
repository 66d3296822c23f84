//! Files as recorders, converters and accidents leave them, built byte by byte.

mod common;

use common::{all, fixtures};
use spyhop_api::{RecordingInfo, StartSource, Timestamp};
use spyhop_signal::formats::{self, EarsConvention, OpenOptions, ears, wav_writer};
use spyhop_signal::{OpenError, Recording};

fn open_as(name: &str, bytes: Vec<u8>) -> Result<Recording, OpenError> {
    formats::open(name, Box::new(bytes), &OpenOptions::default())
}

fn info(name: &str, bytes: Vec<u8>) -> RecordingInfo {
    open_as(name, bytes).expect("a recording").info
}

fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = [&id[..], &(content.len() as u32).to_le_bytes(), content].concat();
    bytes.extend(vec![0; content.len() & 1]);
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = [b"WAVE".to_vec(), chunks.concat()].concat();
    [b"RIFF".to_vec(), (content.len() as u32).to_le_bytes().to_vec(), content].concat()
}

fn fmt_chunk(channels: u16, rate: u32) -> Vec<u8> {
    let mut f = vec![1, 0];
    f.extend(channels.to_le_bytes());
    f.extend(rate.to_le_bytes());
    f.extend((rate * 2 * u32::from(channels)).to_le_bytes());
    f.extend((2 * channels).to_le_bytes());
    f.extend([16, 0]);
    chunk(b"fmt ", &f)
}

fn data_chunk(samples: &[i16]) -> Vec<u8> {
    chunk(b"data", &samples.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>())
}

fn iso(info: &RecordingInfo) -> String {
    info.start.map(|t| t.to_iso()).unwrap_or_default()
}

#[test]
fn chunks_before_and_after_the_samples_are_read_even_behind_odd_lengths() {
    let comment = chunk(b"ICMT", b"quiet");
    let list = chunk(b"LIST", &[b"INFO".to_vec(), comment].concat());
    let guano = chunk(
        b"guan",
        b"GUANO|Version: 1.0\nTimestamp: 2020-01-02T03:04:05.5+02:00\nTE: 1\nLoc Position: 1 2",
    );
    let mut odd = chunk(b"data", &[128, 129, 130]);
    let mut u8_format = fmt_chunk(1, 100);
    u8_format[20] = 1;
    u8_format[22] = 8;
    for padded in [true, false] {
        if !padded {
            odd.pop();
        }
        let parts =
            [chunk(b"conf", b"abc"), u8_format.clone(), odd.clone(), list.clone(), guano.clone()];
        let info = info("x.wav", riff(&parts));
        assert_eq!((info.frames, info.codec.as_str()), (3, "pcm_u8"));
        assert_eq!(info.metadata["ICMT"], "quiet");
        assert_eq!(info.metadata["Loc Position"], "1 2");
        assert_eq!(iso(&info), "2020-01-02T01:04:05.500000000Z");
        assert_eq!((info.start_source, info.start_zone.as_str()), (StartSource::Guano, "+02:00"));
    }
}

#[test]
fn a_time_expanded_recording_has_the_rate_and_the_time_of_what_was_recorded() {
    let opened = |lines: &str| {
        let guano = chunk(b"guan", format!("GUANO|Version: 1.0\n{lines}").as_bytes());
        info("x.wav", riff(&[fmt_chunk(1, 38_400), data_chunk(&[1; 3840]), guano]))
    };
    for lines in ["TE: 10", "Samplerate: 384000\nTE: 10"] {
        let info = opened(lines);
        assert_eq!((info.sample_rate_hz, info.duration_s), (384_000.0, 0.01));
        assert!(info.warnings[0].contains("time-expanded 10 times"), "{:?}", info.warnings);
    }
    // Nobody knows which of the two is meant: the one that changes nothing is believed.
    let doubtful = opened("TE: 10\nSamplerate: 38400");
    assert_eq!((doubtful.sample_rate_hz, doubtful.warnings.len()), (38_400.0, 1));
    for lines in ["TE: 1", "TE: none", "TE: 0", "TE: -3", "TE: inf", "Samplerate: 38400"] {
        let info = opened(lines);
        assert_eq!((info.sample_rate_hz, info.warnings.len()), (38_400.0, 0), "{lines}");
    }
}

#[test]
fn streamed_sizes_mean_all_that_is_there() {
    for size in [0u32, u32::MAX] {
        let mut bytes = riff(&[fmt_chunk(1, 100), data_chunk(&[1, 2, 3, 4])]);
        let at = bytes.len() - 12;
        bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
        let info = info("x.wav", bytes);
        assert_eq!((info.frames, info.warnings.len()), (4, 0), "{size}");
    }
    let empty = riff(&[fmt_chunk(1, 100), data_chunk(&[]), chunk(b"LIST", b"INFO")]);
    assert_eq!(info("x.wav", empty).frames, 0);
}

#[test]
fn the_sizes_of_an_rf64_come_from_its_ds64_chunk() {
    let ds64 = [0u64, 8, 4].map(u64::to_le_bytes).concat();
    let ds64 = chunk(b"ds64", &[ds64, vec![0; 4]].concat());
    let mut data = data_chunk(&[1, 2, 3, 4]);
    data[4..8].copy_from_slice(&[0xFF; 4]);
    for (mark, format) in [(b"RF64", "rf64"), (b"BW64", "bw64")] {
        let comment = chunk(b"LIST", &[b"INFO".to_vec(), chunk(b"ICMT", b"hi")].concat());
        let mut bytes = riff(&[ds64.clone(), fmt_chunk(1, 100), data.clone(), comment]);
        bytes[..4].copy_from_slice(mark);
        bytes[4..8].copy_from_slice(&[0xFF; 4]);
        let info = info("x.wav", bytes);
        assert_eq!((info.format.as_str(), info.frames), (format, 4));
        assert_eq!(info.metadata["ICMT"], "hi");
    }
}

#[test]
fn a_file_that_was_cut_short_gives_what_is_there_and_says_so() {
    let mut bytes = wav_writer::wav_pcm16(&[5; 1000], 2, 1000);
    bytes.truncate(bytes.len() - 1001);
    let mut recording = open_as("x.wav", bytes).expect("opens");
    assert_eq!(recording.info.frames, 249);
    assert!(recording.info.warnings[0].contains("cut short"), "{:?}", recording.info.warnings);
    assert_eq!(all(&mut recording).len(), 498);
}

#[test]
fn messages_say_what_happened_to_which_file_and_what_to_do() {
    let wav = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = riff(&[fmt_chunk(1, 100), data_chunk(&[1])]);
        change(&mut bytes);
        bytes
    };
    for (bytes, parts) in [
        (Vec::new(), ["x.wav is empty", "copy it again"]),
        (vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 16], ["a JPEG picture", "Known are WAV"]),
        (b"PK\x03\x04zip".to_vec(), ["ZIP archive", "unpack"]),
        (vec![0; 4096], ["zeros only", "Known are"]),
        (wav(&|b| b[22] = 0), ["no channels", "x.wav"]),
        (wav(&|b| b[24] = 0), ["claims 0 samples a second", "x.wav"]),
        (wav(&|b| b[20] = 2), ["ADPCM", "convert it"]),
        (wav(&|b| b[12] = b'X'), ["no 'fmt ' chunk", "copy it again"]),
        (wav(&|b| b.truncate(36)), ["no 'data' chunk", "copy it again"]),
        (b"fLaC".to_vec(), ["no stream header", "copy it again"]),
        (b"OggS".to_vec(), ["Ogg", "copy it again"]),
        (b"FORM\0\0\0\0AIFF".to_vec(), ["AIFF", "copy it again"]),
        (b"ID3\x04\0\0\0\0\0\0nothing".to_vec(), ["no MPEG layer III", "x.wav"]),
    ] {
        let message = match open_as("x.wav", bytes) {
            Ok(_) => panic!("{parts:?} opens"),
            Err(error) => error.to_string(),
        };
        for part in parts {
            assert!(message.contains(part), "'{message}' does not say '{part}'");
        }
        assert!(message.contains("x.wav"), "{message}");
    }
}

/// Entries of raw files: (seconds after 03:04:05, first byte).
fn harp(entries: &[(u8, u32)], rate: u32) -> Vec<u8> {
    let mut bytes = vec![0; 56];
    bytes[1..4].copy_from_slice(b"V2.");
    bytes[36..38].copy_from_slice(&(entries.len() as u16).to_le_bytes());
    for &(seconds, at) in entries {
        bytes.extend([20, 1, 2, 3, 4, 5 + seconds, 250, 0]);
        bytes.extend(at.to_le_bytes());
        bytes.extend(2000u32.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(rate.to_le_bytes());
        bytes.extend([0; 8]);
    }
    bytes
}

fn check_duty_cycle(info: &RecordingInfo) {
    assert_eq!(info.sample_rate_hz, 1000.0);
    assert!(info.warnings.iter().any(|w| w.contains("entries are believed")));
    let runs: Vec<_> = info
        .segments
        .iter()
        .map(|s| (s.first_frame, s.frames, s.start.expect("dated").to_iso()))
        .collect();
    assert_eq!(
        runs,
        [
            // Two raw files that follow each other are one run; then the recorder slept.
            (0, 2000, "2020-01-02T03:04:05.250000000Z".to_owned()),
            (2000, info.frames - 2000, "2020-01-02T03:04:35.250000000Z".to_owned()),
        ]
    );
    assert_eq!(info.start_source, StartSource::Records);
}

#[test]
fn a_duty_cycle_in_an_x_wav_shows_as_gaps_and_the_entries_rate_is_believed() {
    let head = 12 + 24 + (8 + 56 + 3 * 32) + 8;
    let entries = [(0, head), (1, head + 2000), (30, head + 4000)];
    let bytes = riff(&[
        fmt_chunk(1, 999),
        chunk(b"harp", &harp(&entries, 1000)),
        data_chunk(&(0..3000).collect::<Vec<i16>>()),
    ]);
    let info = info("x.x.wav", bytes);
    assert_eq!((info.format.as_str(), info.frames), ("xwav", 3000));
    check_duty_cycle(&info);
}

#[test]
fn a_duty_cycle_is_kept_in_flacs_foreign_metadata() {
    let head = 12 + 24 + (8 + 56 + 3 * 32) + 8;
    let entries = [(0, head), (1, head + 2000), (30, head + 4000)];
    let foreign = [
        b"RIFF\0\0\0\0WAVE".to_vec(),
        fmt_chunk(1, 8000),
        chunk(b"harp", &harp(&entries, 1000)),
        b"data\0\0\0\0".to_vec(),
    ];
    let flac = std::fs::read(fixtures().join("s8.flac")).expect("a fixture");
    let mut bytes = flac[..42].to_vec();
    for block in foreign {
        let content = [b"riff".to_vec(), block].concat();
        bytes.push(2);
        bytes.extend(&(content.len() as u32).to_be_bytes()[1..]);
        bytes.extend(content);
    }
    bytes.extend(&flac[42..]);
    check_duty_cycle(&info("x.x.flac", bytes));
}

#[test]
fn wamd_and_bext_tell_the_start() {
    let field = |id: u16, text: &str| {
        [&id.to_le_bytes()[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    };
    let wamd = [field(1, "SM4"), field(5, "2021-02-03 04:05:06.5-05:00"), field(0xFFFF, "")];
    let parts = [fmt_chunk(1, 100), data_chunk(&[1]), chunk(b"wamd", &wamd.concat())];
    let told = info("x.wav", riff(&parts));
    assert_eq!(iso(&told), "2021-02-03T09:05:06.500000000Z");
    assert_eq!((told.start_source, told.start_uncertainty_s), (StartSource::Wamd, Some(0.1)));
    assert_eq!(told.metadata["wamd Model"], "SM4");

    let mut bext = vec![0; 602];
    bext[..4].copy_from_slice(b"buoy");
    bext[320..338].copy_from_slice(b"2021-02-0304:05:06");
    let parts = [fmt_chunk(1, 100), chunk(b"bext", &bext), data_chunk(&[1])];
    let told = info("x.wav", riff(&parts));
    assert_eq!(iso(&told), "2021-02-03T04:05:06.000000000Z");
    assert_eq!((told.start_source, told.start_zone.as_str()), (StartSource::Bext, "assumed UTC"));
}

#[test]
fn a_person_can_set_the_pattern_the_zone_and_the_start() {
    let bytes = wav_writer::wav_pcm16(&[1], 1, 100);
    let open = |options: OpenOptions| {
        let name = "NOPP6_EST_20090329_121500.wav";
        formats::open(name, Box::new(bytes.clone()), &options).expect("opens").info
    };
    let zoned = open(OpenOptions { zone_offset_s: Some(-5 * 3600), ..OpenOptions::default() });
    assert_eq!(iso(&zoned), "2009-03-29T17:15:00.000000000Z");
    assert_eq!(zoned.start_zone, "set to -05:00");
    let pattern = Some("_%Y%m%d_%H%M".to_owned());
    assert_eq!(
        open(OpenOptions { name_pattern: pattern, ..OpenOptions::default() }).start_source,
        StartSource::FileName
    );
    let start = Some(Timestamp(5_000_000_000));
    let set = open(OpenOptions { start, ..OpenOptions::default() });
    assert_eq!((set.start, set.start_source), (start, StartSource::Override));
}

const EARS_START: &str = "2017-06-12T06:38:38.348218750Z";

/// 100 records, then a gap of 2.5 s, then 100 more.
fn ears_with_gap(convention: EarsConvention, name: &str) -> (Vec<i16>, Vec<u8>) {
    let start = Timestamp::from_iso("2017-05-12T06:38:38.348218750Z").expect("valid");
    let samples: Vec<i16> = (0..50_000).map(|i| (i * 31 % 60_000 - 30_000) as i16).collect();
    let elapsed = 100 * 250 * 1_000_000_000 / 192_000;
    let later = Timestamp(start.0 + elapsed + 2_500_000_000);
    let bytes = ears::encode(&samples, &[(0, start), (100, later)], convention, name);
    (samples, bytes)
}

#[test]
fn an_ears_file_with_a_gap_shows_the_gap() {
    for (convention, name) in [
        (EarsConvention::Unophysics, "71621DC7.190"),
        (EarsConvention::Unophysics, "5176009D.010"),
        (EarsConvention::ReadEars, "71621DC7.190"),
    ] {
        let (samples, bytes) = ears_with_gap(convention, name);
        let options = OpenOptions { ears_convention: convention, ..OpenOptions::default() };
        let mut recording = formats::open(name, Box::new(bytes), &options).expect("opens");
        let info = recording.info.clone();
        assert_eq!((info.format.as_str(), info.codec.as_str()), ("ears", "pcm_s16be"));
        assert_eq!((info.frames, info.sample_rate_hz, info.channels), (50_000, 192_000.0, 1));
        assert_eq!(info.start_uncertainty_s, Some(86_400.0));
        assert_eq!(iso(&info), "2017-05-12T06:38:38.348218750Z");
        let [a, b] = info.segments.as_slice() else { panic!("{:?}", info.segments) };
        assert_eq!((a.frames, b.first_frame, b.frames), (25_000, 25_000, 25_000));
        let apart = b.start.expect("dated").0 - a.start.expect("dated").0;
        // To the tick of 31.25 µs.
        assert!((apart - 2_630_208_333).abs() <= 31_250, "{apart}");
        let expected: Vec<f32> = samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
        assert_eq!(all(&mut recording), expected);
    }
}

#[test]
fn an_ears_file_is_known_by_its_records_and_its_tail_is_reported() {
    let (_, mut bytes) = ears_with_gap(EarsConvention::Unophysics, "x");
    assert_eq!(info("renamed.bin", bytes.clone()).format, "ears");
    bytes.extend([1, 2, 3]);
    let cut = info("71621DC7.190", bytes.clone());
    assert_eq!(cut.frames, 50_000);
    assert!(cut.warnings.iter().any(|w| w.starts_with("3 bytes after")), "{:?}", cut.warnings);
    assert!(open_as("renamed.bin", bytes).is_err());
}

#[test]
fn a_legacy_ears_file_is_known_by_the_steps_of_its_clock() {
    let start = Timestamp::from_iso("2003-05-12T06:38:38Z").expect("valid");
    let bytes = ears::encode(&[7; 5000], &[(0, start)], EarsConvention::Legacy, "31321DC7.190");
    let info = info("31321DC7.190", bytes);
    assert_eq!(info.sample_rate_hz, 11_718.75);
    assert_eq!(info.start, Some(start));
    assert_eq!(info.segments.len(), 1);
}

#[test]
fn the_streaming_ears_writer_makes_the_same_file_as_the_encoder() {
    let start = Timestamp::from_iso(EARS_START).expect("valid");
    let samples: Vec<i16> = (0..2222).collect();
    let (convention, name) = (EarsConvention::Unophysics, "71621DC7.190");
    let mut writer = ears::EarsWriter::new(Vec::new(), start, convention, name);
    for part in samples.chunks(333) {
        writer.write(part).expect("memory");
    }
    let bytes = writer.finish().expect("memory");
    assert_eq!(bytes, ears::encode(&samples, &[(0, start)], convention, name));
    assert_eq!(iso(&info(name, bytes)), EARS_START);
}

#[test]
fn a_damaged_flac_frame_becomes_silence_and_is_told() {
    let path = fixtures().join("s16.flac");
    let bytes = std::fs::read(path).expect("a fixture");
    let whole = all(&mut open_as("x.flac", bytes.clone()).expect("opens"));
    let mut damaged = bytes.clone();
    let middle = bytes.len() / 2;
    damaged[middle] ^= 0xFF;
    let mut recording = open_as("x.flac", damaged).expect("opens");
    let samples = all(&mut recording);
    assert_eq!(samples.len(), whole.len());
    let differing: Vec<usize> = (0..whole.len()).filter(|&i| samples[i] != whole[i]).collect();
    assert!(!differing.is_empty() && differing.len() <= 2 * 4096);
    assert!(differing.iter().all(|&i| samples[i] == 0.0));
    assert!(recording.problems()[0].contains("damaged"), "{:?}", recording.problems());
}

#[test]
fn a_flac_that_was_cut_short_or_does_not_know_its_length_is_measured() {
    let bytes = std::fs::read(fixtures().join("s16.flac")).expect("a fixture");
    let mut cut = bytes.clone();
    cut.truncate(bytes.len() * 2 / 3);
    let cut = info("x.flac", cut);
    assert!(cut.frames > 8000 && cut.frames < 16_000, "{}", cut.frames);
    assert!(cut.warnings[0].contains("cut short"), "{:?}", cut.warnings);
    let mut untold = bytes;
    // The last 36 bits of the eight bytes at 18 are the number of samples.
    untold[21] &= 0xF0;
    untold[22..26].fill(0);
    let untold = info("x.flac", untold);
    assert_eq!((untold.frames, untold.warnings.len()), (20_000, 0));
}

#[test]
fn a_flac_that_promises_more_than_there_is_gives_what_there_is() {
    let mut bytes = std::fs::read(fixtures().join("s16.flac")).expect("a fixture");
    bytes[21] |= 0x0F;
    bytes[22..26].fill(0xFF);
    let mut recording = open_as("x.flac", bytes).expect("opens");
    assert_eq!(recording.info.frames, 20_000);
    assert!(recording.info.warnings[0].contains("promises"), "{:?}", recording.info.warnings);
    assert_eq!(all(&mut recording).len(), 40_000);
}

#[test]
fn a_written_wav_is_read_back_with_its_chunks() {
    use wav_writer::{WavCoding, WavWriter};
    let guano = b"GUANO|Version: 1.0\nTimestamp: 2020-01-02T03:04:05Z\n";
    for (coding, tolerance) in [(WavCoding::Float32, 0.0), (WavCoding::Pcm16, 0.5 / 32_768.0)] {
        let to = std::io::Cursor::new(Vec::new());
        let chunks: [([u8; 4], &[u8]); 1] = [(*b"guan", guano)];
        let mut writer = WavWriter::new(to, coding, 2, 384_000, &chunks).expect("memory");
        let samples: Vec<f32> = (0..2000).map(|i| (i as f32 * 0.01).sin() * 0.9).collect();
        for part in samples.chunks(100) {
            writer.write(part).expect("memory");
        }
        let bytes = writer.finish().expect("memory").into_inner();
        let mut recording = open_as("x.wav", bytes).expect("opens");
        assert_eq!((recording.info.frames, recording.info.sample_rate_hz), (1000, 384_000.0));
        assert_eq!(iso(&recording.info), "2020-01-02T03:04:05.000000000Z");
        assert!(recording.info.warnings.is_empty(), "{:?}", recording.info.warnings);
        let read = all(&mut recording);
        assert!(read.iter().zip(&samples).all(|(a, b)| (a - b).abs() <= tolerance));
    }
}

#[test]
fn a_fingerprint_is_the_contents_and_not_the_names() {
    let bytes = wav_writer::wav_pcm16(&vec![3; 300_000], 1, 1000);
    let first = info("a.wav", bytes.clone()).fingerprint;
    assert_eq!(first, info("b.wav", bytes.clone()).fingerprint);
    assert!(first.starts_with(&format!("{}-", bytes.len())));
    assert_eq!(first.len(), bytes.len().to_string().len() + 17);
    for at in [100, bytes.len() / 2, bytes.len() - 1] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert_ne!(first, info("a.wav", other).fingerprint, "{at}");
    }
}
