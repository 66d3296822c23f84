//! What is heard: tones of known level go in at every rate and speed, and their level, pitch and
//! aliases come out as they must. A tone is its own reference: what leaves the renderer is compared
//! with the sine that the mathematics gives.

use std::f64::consts::TAU;
use std::ops::Range;
use std::path::Path;

use spyhop_api::view::{Lens, Listening};
use spyhop_signal::formats::{self, OpenOptions};
use spyhop_signal::listen::{Block, ListenSpec, PRESETS, Renderer, survey};
use spyhop_signal::source::FileSource;

const DEVICE: f64 = 48_000.0;

/// Rate of the recording and speed: from the slowest to the fastest that is offered.
const SPEEDS: [(f64, f64); 16] = [
    (2000.0, 1.0),
    (2000.0, 4.0),
    (2000.0, 20.0),
    (2000.0, 1800.0),
    (11_718.75, 16.0),
    (44_100.0, 1.0),
    (48_000.0, 1.0),
    (48_000.0, 1800.0),
    (192_000.0, 0.01),
    (192_000.0, 0.125),
    (192_000.0, 1.0),
    (192_000.0, 30.0),
    (500_000.0, 0.05),
    (500_000.0, 1.0),
    (10_000_000.0, 0.01),
    (10_000_000.0, 1.0),
];

fn spec(rate: f64, listening: Listening, range: Range<i64>) -> ListenSpec {
    ListenSpec {
        source_rate_hz: rate,
        device_rate_hz: DEVICE,
        listening,
        range,
        recorded: Vec::new(),
        dc: 0.0,
        auto_gain_db: 0.0,
    }
}

fn at_speed(rate: f64) -> Listening {
    Listening { rate, ..Listening::default() }
}

/// Renders frames of a signal that is given by position.
fn render(spec: &ListenSpec, frames: usize, signal: impl Fn(f64) -> f64) -> (Vec<f32>, Vec<Block>) {
    let mut renderer = Renderer::new(spec).expect("a playable spec");
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        out.extend(range.map(|p| signal(p as f64) as f32));
        Ok(())
    };
    let (mut out, mut blocks) = (Vec::new(), Vec::new());
    while out.len() < frames {
        let left = frames - out.len();
        let block = renderer.next(&mut read, &mut out, left.min(4096)).expect("reads");
        blocks.push(block);
        if block.ended {
            break;
        }
    }
    (out, blocks)
}

/// Amplitude of the sine of `hz` that fits best, and the RMS of what is left of the frames without it.
fn fit(frames: &[f32], hz: f64) -> (f64, f64) {
    let w = TAU * hz / DEVICE;
    let (mut cc, mut cs, mut ss, mut xc, mut xs, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (n, x) in frames.iter().enumerate() {
        let ((s, c), x) = ((w * n as f64).sin_cos(), f64::from(*x));
        (cc, cs, ss) = (cc + c * c, cs + c * s, ss + s * s);
        (xc, xs, xx) = (xc + x * c, xs + x * s, xx + x * x);
    }
    let det = cc * ss - cs * cs;
    let (a, b) = ((xc * ss - xs * cs) / det, (xs * cc - xc * cs) / det);
    let left = (xx - a * xc - b * xs).max(0.0) / frames.len() as f64;
    (a.hypot(b), left.sqrt())
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

/// A range in whose middle a second or so can be listened to without its edges.
fn range(rate: f64, speed: f64, frames: usize) -> Range<i64> {
    let step = rate * speed / DEVICE;
    1000..1000 + ((frames + 2000) as f64 * step).ceil() as i64 + 10
}

#[test]
fn a_tone_keeps_its_level_and_gains_no_aliases_at_any_rate_and_speed() {
    for (rate, speed) in SPEEDS {
        // Long enough for the fades, short enough for 10 MHz.
        let frames = 6000;
        let top = (rate / 2.0).min(DEVICE / 2.0 / speed);
        for share in [0.05, 0.31, 0.8] {
            let hz = share * top;
            if hz * speed < 60.0 {
                continue;
            }
            let amplitude = 0.5;
            let spec = spec(rate, at_speed(speed), range(rate, speed, frames));
            let (out, _) = render(&spec, frames, |p| amplitude * (TAU * hz * p / rate).sin());
            let (level, left) = fit(&out[1000..], hz * speed);
            let (level, left) = (db(level / amplitude), db(left / amplitude));
            assert!(level.abs() < 0.1, "{hz} Hz of {rate} Hz at ×{speed}: {level:.3} dB");
            assert!(left < -63.0, "{hz} Hz of {rate} Hz at ×{speed}: {left:.1} dB is not the tone");
        }
    }
}

#[test]
fn what_the_ear_cannot_get_at_this_speed_is_not_folded_into_what_it_can() {
    for (rate, speed) in SPEEDS {
        let heard_top = DEVICE / 2.0 / speed;
        for ratio in [1.02, 1.3, 1.9, 2.1, 4.1, 7.9, 15.9, 47.9, 96.3] {
            let hz = heard_top * ratio;
            if hz > 0.499 * rate {
                continue;
            }
            let frames = 3000;
            let spec = spec(rate, at_speed(speed), range(rate, speed, frames));
            let (out, _) = render(&spec, frames, |p| 0.5 * (TAU * hz * p / rate).sin());
            let rms = out.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / out.len() as f64;
            let alias = db(rms.sqrt() / (0.5 / 2f64.sqrt()));
            assert!(alias < -60.0, "{hz} Hz of {rate} Hz at ×{speed}: {alias:.1} dB come through");
        }
    }
}

#[test]
fn frames_stand_for_the_positions_that_they_say() {
    // A click at a known position is loudest in the frame that stands for it.
    for (rate, speed) in [(48_000.0, 1.0), (192_000.0, 0.1), (2000.0, 20.0), (192_000.0, 4.0)] {
        for band in [None, Some((rate * 0.02, rate * 0.2))] {
            let click = 30_000.0;
            let step = rate * speed / DEVICE;
            let start = (click - 4000.0 * step).round() as i64;
            let listening = Listening { band_hz: band, ..at_speed(speed) };
            let spec = spec(rate, listening, start..start + (8000.0 * step) as i64);
            let width = 2.0 * step.max(1.0);
            let (out, blocks) =
                render(&spec, 8000, |p| (-((p - click) / width).powi(2)).exp() * 0.5);
            let loudest = (0..out.len()).max_by(|a, b| out[*a].abs().total_cmp(&out[*b].abs()));
            let at = blocks[0].position_of(loudest.expect("frames"));
            assert!((at - click).abs() <= 1.5 * step, "{rate} ×{speed} {band:?}: heard at {at}");
            assert_eq!(out.len(), 8000);
            assert!(blocks.last().expect("blocks").ended);
        }
    }
}

#[test]
fn the_band_passes_whole_and_what_lies_outside_is_60_db_down() {
    let (rate, speed, frames) = (192_000.0, 0.125, 8000);
    let listening = Listening { band_hz: Some((20_000.0, 60_000.0)), ..at_speed(speed) };
    let level = |hz: f64| {
        let spec = spec(rate, listening, range(rate, speed, frames));
        let (out, _) = render(&spec, frames, |p| 0.5 * (TAU * hz * p / rate).sin());
        db(fit(&out[1000..7000], hz * speed).0 / 0.5)
    };
    for hz in [20_000.0, 20_500.0, 40_000.0, 59_500.0, 60_000.0] {
        assert!(level(hz).abs() < 0.1, "{hz} Hz: {:.2} dB", level(hz));
    }
    // The transition is a tenth of the band's width.
    for hz in [1000.0, 10_000.0, 16_000.0, 64_000.0, 80_000.0, 95_000.0] {
        assert!(level(hz) < -60.0, "{hz} Hz: {:.1} dB", level(hz));
    }
}

#[test]
fn heterodyne_moves_a_tone_down_by_the_mixer_and_rejects_the_image() {
    let (rate, frames) = (192_000.0, 12_000);
    for lens in [40_000.0, 33_333.0] {
        let listening = Listening { lens: Lens::Heterodyne(lens), ..Listening::default() };
        let heard = |hz: f64| {
            let spec = spec(rate, listening, range(rate, 1.0, frames));
            let (out, _) = render(&spec, frames, |p| 0.5 * (TAU * hz * p / rate).sin());
            out[2000..10_000].to_vec()
        };
        for above in [2000.0, 5000.0, 17_000.0] {
            let (level, left) = fit(&heard(lens + above), above);
            assert!(db(level / 0.5).abs() < 0.1, "+{above} Hz: {:.2} dB", db(level / 0.5));
            assert!(db(left / 0.5) < -60.0, "+{above} Hz: {:.1} dB besides", db(left / 0.5));
        }
        for below in [3000.0, 10_000.0] {
            let (level, _) = fit(&heard(lens - below), below);
            assert!(db(level / 0.5) < -60.0, "the image of −{below} Hz: {:.1} dB", db(level / 0.5));
        }
    }
}

#[test]
fn the_envelope_of_a_beating_carrier_is_its_beat() {
    // 40 kHz modulated by 900 Hz to a depth of 0.4: the envelope is 0.5 + 0.2·cos, without its DC.
    let (rate, frames) = (192_000.0, 12_000);
    let listening = Listening {
        lens: Lens::Envelope,
        band_hz: Some((30_000.0, 50_000.0)),
        ..Listening::default()
    };
    let spec = spec(rate, listening, range(rate, 1.0, frames));
    let (out, _) = render(&spec, frames, |p| {
        let t = p / rate;
        0.5 * (1.0 + 0.4 * (TAU * 900.0 * t).cos()) * (TAU * 40_000.0 * t).sin()
    });
    let (level, left) = fit(&out[2000..10_000], 900.0);
    assert!(db(level / 0.2).abs() < 0.1, "{:.2} dB", db(level / 0.2));
    assert!(db(left / 0.2) < -55.0, "{:.1} dB besides the beat", db(left / 0.2));
}

/// Noise that is the same everywhere it is asked for: a hash of the position.
fn noise(p: i64) -> f64 {
    let mut h = (p as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    h ^= h >> 31;
    h = h.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    h ^= h >> 29;
    (h >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

#[test]
fn any_range_is_brought_to_minus_20_dbfs_over_a_dc_40_db_above_it() {
    // Noise 50 dB below full scale, its DC 40 dB above it.
    for (rate, speed, band) in
        [(2000.0, 4.0, None), (48_000.0, 1.0, None), (192_000.0, 0.125, Some((10_000.0, 60_000.0)))]
    {
        let amplitude = 3f64.sqrt() * 10f64.powf(-50.0 / 20.0);
        let dc = 10f64.powf(-10.0 / 20.0);
        let listening = Listening { band_hz: band, ..at_speed(speed) };
        let step = rate * speed / DEVICE;
        let mut spec = spec(rate, listening, 0..(60_000.0 * step) as i64);
        let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
            out.extend(range.map(|p| (dc + amplitude * noise(p)) as f32));
            Ok(())
        };
        let found = survey(&spec, &mut read).expect("reads");
        assert!((found.dc - dc).abs() < 1e-4, "DC {} of {dc}", found.dc);
        (spec.dc, spec.auto_gain_db) = (found.dc, found.auto_gain_db);
        let mut out = Vec::new();
        let mut renderer = Renderer::new(&spec).expect("playable");
        renderer.next(&mut read, &mut out, 100_000).expect("reads");
        let rms = out.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / out.len() as f64;
        let level = 10.0 * rms.log10();
        assert!((level + 20.0).abs() < 0.2, "{rate} ×{speed} {band:?}: {level:.2} dBFS");
    }
}

#[test]
fn faint_recordings_gain_70_db_and_no_more_and_silence_none() {
    let faint = spec(48_000.0, Listening::default(), 0..48_000);
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        out.extend(range.map(|p| (1e-6 * noise(p)) as f32));
        Ok(())
    };
    assert_eq!(survey(&faint, &mut read).expect("reads").auto_gain_db, 70.0);
    let mut silence = |range: Range<i64>, out: &mut Vec<f32>| {
        out.resize(range.count(), 0.0);
        Ok(())
    };
    let found = survey(&faint, &mut silence).expect("reads");
    assert_eq!((found.rms_dbfs, found.auto_gain_db), (None, 0.0));
}

#[test]
fn edges_fade_over_5_ms_and_gaps_are_silent_without_clicks() {
    let mut spec = spec(48_000.0, Listening::default(), 0..48_000);
    spec.recorded = vec![0..20_000, 30_000..48_000];
    spec.dc = 0.3;
    let tone =
        |p: f64| if (20_000.0..30_000.0).contains(&p) { 0.0 } else { 0.3 + 0.4 * (p * 0.2).sin() };
    let (out, _) = render(&spec, 48_000, tone);
    assert_eq!(out.len(), 48_000);
    let largest = |r: Range<usize>| out[r].iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!(largest(20_000..30_000) == 0.0, "a gap is silence, not its missing DC");
    for (quiet, loud) in
        [(0..3, 240..400), (19_997..20_000, 19_600..19_760), (47_997..48_000, 47_600..47_760)]
    {
        assert!(largest(quiet.clone()) < 0.001, "{quiet:?} is not faded");
        assert!(largest(loud.clone()) > 0.38, "{loud:?} is faded too long");
    }
    // A tone of 0.4 at 0.2 rad a frame moves by at most 0.08 a frame; nothing here moves faster.
    let step = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(step < 0.082, "a click of {step}");
}

#[test]
fn a_loop_goes_round_without_a_click_and_says_where_it_is() {
    // Half a second is kept and crossfaded; 20 s are rendered anew and dip.
    for (length, passes) in [(24_000i64, 3), (960_000, 2)] {
        let listening = Listening { looped: true, ..Listening::default() };
        let spec = spec(48_000.0, listening, 500..500 + length);
        let frames = length as usize * passes;
        let (out, blocks) = render(&spec, frames, |p| 0.4 * (p * 0.2).sin());
        assert_eq!(out.len(), frames, "a loop never ends");
        let step = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        // The tone itself moves by 0.08 a frame; where two of them crossfade, by √2 times that.
        assert!(step < 0.115, "a click of {step} in a loop of {length}");
        for block in &blocks {
            for frame in 0..block.frames {
                let position = block.position_of(frame);
                assert!((500.0..500.0 + length as f64).contains(&position), "{position}");
            }
        }
        // Where it says it is, the tone is what it is there (away from the fades; the slow high pass
        // turns a tone of 1.5 kHz by a degree).
        let mut frame = 0;
        for block in &blocks {
            for i in 0..block.frames {
                let p = block.position_of(i);
                if p > 800.0 && p < 500.0 + length as f64 - 300.0 && frame > 300 {
                    let wanted = 0.4 * (p * 0.2).sin();
                    assert!((f64::from(out[frame]) - wanted).abs() < 0.009, "{p}");
                }
                frame += 1;
            }
        }
    }
}

#[test]
fn seeking_gives_what_playing_to_there_gives() {
    let listening = Listening { band_hz: Some((300.0, 9000.0)), ..Listening::default() };
    let spec = spec(48_000.0, listening, 0..200_000);
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        out.extend(range.map(|p| 0.1 * noise(p) as f32));
        Ok(())
    };
    let mut played = Vec::new();
    Renderer::new(&spec).expect("playable").next(&mut read, &mut played, 120_000).expect("reads");
    let mut renderer = Renderer::new(&spec).expect("playable");
    renderer.seek(100_000.0);
    let mut sought = Vec::new();
    let block = renderer.next(&mut read, &mut sought, 20_000).expect("reads");
    assert_eq!(block.position, 100_000.0);
    // Past its fade; the slow high pass has settled to 70 dB of what it was.
    for (a, b) in sought[300..].iter().zip(&played[100_300..]) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn loud_sounds_leave_at_minus_1_db_at_most() {
    let mut spec = spec(48_000.0, Listening { gain_db: 30.0, ..Listening::default() }, 0..96_000);
    spec.auto_gain_db = 20.0;
    let (out, _) = render(&spec, 96_000, |p| 0.1 * noise(p as i64));
    let largest = out.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!(largest <= 0.8913 && largest > 0.7, "{largest}");
}

#[test]
fn what_cannot_be_played_says_why() {
    let fine = spec(48_000.0, Listening::default(), 0..100);
    for (wrong, word) in [
        (ListenSpec { source_rate_hz: 0.5, ..fine.clone() }, "1 Hz"),
        (ListenSpec { source_rate_hz: f64::NAN, ..fine.clone() }, "1 Hz"),
        (ListenSpec { listening: at_speed(0.0), ..fine.clone() }, "speed"),
        (ListenSpec { range: 5..5, ..fine.clone() }, "empty"),
        (
            ListenSpec {
                listening: Listening { lens: Lens::Heterodyne(40_000.0), ..Listening::default() },
                ..fine.clone()
            },
            "lower frequency",
        ),
    ] {
        let error = Renderer::new(&wrong).err().expect("an error").to_string();
        assert!(error.contains(word), "{error}");
    }
    let mut failing = |_: Range<i64>, _: &mut Vec<f32>| Err("the disk is gone".to_owned());
    let mut renderer = Renderer::new(&fine).expect("playable");
    assert_eq!(renderer.next(&mut failing, &mut Vec::new(), 10), Err("the disk is gone".into()));
}

#[test]
fn a_few_samples_can_be_heard_slowed_down_and_looped() {
    // The real click of 193 samples at 500 kHz.
    for looped in [false, true] {
        let listening = Listening { looped, ..at_speed(0.05) };
        let spec = spec(500_000.0, listening, 0..193);
        let (out, blocks) = render(&spec, 2000, |p| if p >= 0.0 { (p * 0.5).sin() } else { 0.0 });
        assert_eq!(out.len(), if looped { 2000 } else { 371 });
        assert!(blocks[0].step > 0.0 && out.iter().any(|x| x.abs() > 0.3));
    }
}

#[test]
fn real_recordings_are_heard_at_minus_20_dbfs_without_their_dc() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !folder.is_dir() {
        eprintln!("SKIPPED: the folder of real recordings is not there: {}", folder.display());
        return;
    }
    for (file, preset) in [
        ("dclde2013/NOPP6_EST_20090329_121500.wav", "right-bowhead"),
        ("mars/MARS-20150910T000000Z-2kHz.wav", "blue-fin"),
        ("pamguard/Blue_whale.wav", "blue-fin"),
        ("pamguard/Minke_whale.wav", "humpback-minke"),
        ("pamguard/southern_right_whale_clip1.wav", "right-bowhead"),
        ("pamguard/clickwave_1.wav", "clicks"),
        ("pamguard/DUB_20200623_000152_885.wav", "clicks"),
        ("soundtrap/67416073.210610033655.flac", "humpback-minke"),
        ("hydrophone/sample_220925_223450.wav", "humpback-minke"),
    ] {
        let source = FileSource::open(&folder.join(file)).expect("readable");
        let mut recording =
            formats::open(file, Box::new(source), &OpenOptions::default()).expect("a recording");
        let (rate, frames) = (recording.info.sample_rate_hz, recording.info.frames as i64);
        let preset = PRESETS.iter().find(|p| p.id == preset).expect("in the table");
        let settings = preset.at(rate).expect("available");
        let listening = Listening {
            rate: settings.speed,
            lens: settings.lens,
            band_hz: Some(settings.band_hz),
            ..Listening::default()
        };
        let mut spec = spec(rate, listening, 0..frames);
        spec.recorded = vec![0..frames];
        let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
            let (from, to) = (range.start.clamp(0, frames), range.end.clamp(0, frames));
            let mut part = Vec::new();
            let read = recording.read_channel(from as u64, (to - from) as usize, 0, &mut part);
            read.map_err(|e| e.to_string())?;
            out.resize((from - range.start).max(0) as usize, 0.0);
            out.append(&mut part);
            out.resize((range.end - range.start) as usize, 0.0);
            Ok(())
        };
        let found = survey(&spec, &mut read).expect("reads");
        (spec.dc, spec.auto_gain_db) = (found.dc, found.auto_gain_db);
        let mut out = Vec::new();
        let mut renderer = Renderer::new(&spec).expect("playable");
        renderer.next(&mut read, &mut out, 1 << 21).expect("reads");
        let rms = out.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / out.len() as f64;
        let level = 10.0 * rms.log10();
        eprintln!(
            "{file}: DC {:.5}, gain {:.1} dB, heard at {level:.1} dBFS",
            found.dc, found.auto_gain_db
        );
        assert!(out.iter().all(|x| x.abs() <= 0.8913), "{file}: above −1 dBFS");
        // Stretches stand for a long range, whose level wanders, and the limiter takes from clicks.
        assert!((-32.0..=-12.0).contains(&level), "{file}: {level:.1} dBFS");
        let mean = out.iter().map(|x| f64::from(*x)).sum::<f64>() / out.len() as f64;
        assert!(mean.abs() < 0.01, "{file}: a DC of {mean} is left");
    }
}
