//! How the program says no: what happened, to which file, what to do; and a code for each kind.

use spyhop_signal::formats::wav_writer::wav_pcm16;
use spyhop_tests::{program, sounds};
use tempfile::TempDir;

use crate::{out_to, run, said};

/// A WAV header with a field overwritten: bytes from `at` in the content of its `fmt ` chunk.
fn lying(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut wav = wav_pcm16(&[1; 500], 1, 2000);
    let fmt = wav.windows(4).position(|w| w == b"fmt ").expect("a fmt chunk") + 8;
    wav[fmt + at..fmt + at + bytes.len()].copy_from_slice(bytes);
    wav
}

#[test]
fn what_is_no_recording_is_refused_by_name_and_reason() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let out = folder.path().join("x.npy");
    let picture = folder.path().join("x.png");
    let files: [(&str, Vec<u8>, &str); 9] = [
        ("empty.wav", Vec::new(), "empty (0 bytes)"),
        ("holiday.wav", b"\xff\xd8\xff\xe0 and so on".to_vec(), "JPEG"),
        ("zeros.wav", vec![0; 4096], "zeros only"),
        ("words.flac", b"these are words ".repeat(50), "plain text"),
        ("begun.wav", wav_pcm16(&[1; 9], 1, 8000)[..20].to_vec(), "copy it again"),
        ("rate.wav", lying(4, &[0; 4]), "0 samples a second"),
        ("fast.wav", lying(4, &[0xFF; 4]), "4294967295 samples a second"),
        ("mute.wav", lying(2, &[0; 2]), "no channels"),
        ("wide.wav", lying(14, &999u16.to_le_bytes()), "999-bit"),
    ];
    for (name, bytes, reason) in files {
        let file = sounds::write(folder.path(), name, &bytes)?;
        for output in [
            run("info", &file, "")?,
            out_to("decode", &file, "", &out)?,
            out_to("spectrogram", &file, "", &out)?,
            out_to("spectrogram", &file, "", &picture)?,
        ] {
            let said = said(&output);
            assert_eq!(output.status.code(), Some(1), "{name}: {said}");
            assert!(said.contains(name) && said.contains(reason), "{said}");
            assert_eq!(said.lines().count(), 1, "one message: {said}");
        }
        assert!(!out.exists() && !picture.exists(), "{name}");
    }
    Ok(())
}

#[test]
fn headers_that_lie_cost_neither_memory_nor_what_is_there() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let out = folder.path().join("x.npy");
    let mut cut = wav_pcm16(&[1; 500], 1, 2000);
    let promised = cut.len() - 1004;
    cut[promised..promised + 4].copy_from_slice(&0x7FFF_0000u32.to_le_bytes());
    for (name, bytes, frames, warned) in [
        ("cut.wav", cut, 500, "it was cut short"),
        ("crowd.wav", lying(2, &[0xFF; 2]), 0, "less than one frame"),
    ] {
        let file = sounds::write(folder.path(), name, &bytes)?;
        let output = out_to("decode", &file, "", &out)?;
        assert!(output.status.success() && said(&output).contains(warned), "{}", said(&output));
        assert_eq!(sounds::read_npy(&out)?.0, frames, "{name}");
    }
    Ok(())
}

#[test]
fn what_can_not_be_opened_is_told_with_what_to_do() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let nowhere = folder.path().join("nowhere.wav");
    for (file, reason, of_info) in [
        (nowhere.as_path(), "no such file", "no such file"),
        // Of a folder info tells the deployments; other commands want one recording.
        (folder.path(), "it is a folder", "no recordings lie in it"),
    ] {
        let outputs = [run("info", file, "")?, out_to("decode", file, "", "x.npy".as_ref())?];
        for (output, reason) in outputs.into_iter().zip([of_info, reason]) {
            assert_eq!(output.status.code(), Some(1));
            let path = file.to_string_lossy();
            assert!(
                said(&output).contains(reason) && said(&output).contains(&*path),
                "{}",
                said(&output)
            );
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let device = run("info", "/dev/zero".as_ref(), "")?;
        assert!(said(&device).contains("device"), "{}", said(&device));
        let secret = sounds::write_wav(folder.path(), "secret.wav", &[0; 10], 8000)?;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000))?;
        // The administrator may read everything.
        if std::fs::read(&secret).is_err() {
            let output = run("info", &secret, "")?;
            assert!(said(&output).contains("this account may not read it"), "{}", said(&output));
        }
    }
    Ok(())
}

#[test]
fn what_was_not_understood_is_code_2_and_offers_the_nearest() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "a.wav", &[1; 9000], 8000)?;
    let out = folder.path().join("x.png");
    for (rest, offered) in [
        ("--nftt 512", "'--nfft'"),
        ("--window han", "did you mean 'hann'?"),
        ("--window blackman-haris", "did you mean 'blackmanharris'?"),
        ("--map infreno", "'inferno'"),
        ("--scaling densty", "'density'"),
        ("--axis logg", "'log'"),
        ("--nfft 1", "2..="),
        ("--nfft 99999999999", "2..="),
        ("--hop 0", "1..="),
        ("--hop 18446744073709551615", "1..="),
        ("--hop -1", "--hop"),
        ("--zone EST", "+02:00"),
        ("--start yesterday", "2009-03-29T12:15:00"),
    ] {
        let output = out_to("spectrogram", &file, rest, &out)?;
        assert_eq!(output.status.code(), Some(2), "{rest}: {}", said(&output));
        assert!(said(&output).contains(offered), "{rest}: {}", said(&output));
    }
    let output = out_to("spectrogram", &file, "", "x.txt".as_ref())?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains(".npy, .png or .svg"), "{}", said(&output));
    let output = program::run(["spectogram"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("'spectrogram'"), "{}", said(&output));
    Ok(())
}

#[test]
fn what_does_not_fit_the_recording_or_a_picture_is_code_1() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = sounds::write_wav(folder.path(), "a.wav", &[1; 9000], 8000)?;
    let out = folder.path().join("x.png");
    for (rest, reason) in [
        ("--channel 1", "one channel, which is channel 0"),
        ("--nfft 16777216", "9000 samples"),
        ("--window-samples 2000 --nfft 1024", "a window of 2000 samples"),
        ("--from 3", "1.125 s"),
        ("--from 1 --to 0.5", "1.125 s"),
        ("--from nan", "1.125 s"),
        ("--band 500 100", "4000 Hz"),
        ("--band nan 100", "4000 Hz"),
        ("--db -60 -90", "below the ceiling"),
        ("--db nan inf", "two levels"),
        ("--size 0 0", "pixels"),
        ("--size 20000 20000 --ratio 10", "million pixels"),
        ("--ratio nan", "--ratio"),
        ("--ratio -1", "--ratio"),
    ] {
        let output = out_to("spectrogram", &file, rest, &out)?;
        assert_eq!(output.status.code(), Some(1), "{rest}: {}", said(&output));
        assert!(said(&output).contains(reason), "{rest}: {}", said(&output));
        assert!(!out.exists(), "{rest}");
    }
    Ok(())
}
