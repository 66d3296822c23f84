"""Samples as libsndfile gives them: bit for bit where nothing is lost."""

import numpy as np
import pytest
import soundfile
from conftest import decode, info, recordings

RATE = 48_000
FRAMES = 20_011

LOSSLESS = [
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"),
    ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("WAV", "ALAW"), ("WAV", "ULAW"),
    ("WAVEX", "PCM_16"), ("WAVEX", "PCM_24"), ("WAVEX", "FLOAT"),
    ("RF64", "PCM_16"), ("RF64", "PCM_24"), ("RF64", "FLOAT"),
    ("W64", "PCM_16"), ("W64", "PCM_24"), ("W64", "FLOAT"), ("W64", "DOUBLE"),
    ("AIFF", "PCM_S8"), ("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("AIFF", "PCM_32"), ("AIFF", "FLOAT"),
    ("FLAC", "PCM_S8"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"),
]
ENDINGS = {"WAVEX": "wav", "RF64": "rf64", "AIFF": "aiff"}


def made(folder, container, subtype, channels=2):
    """A file of noise and a sine with a click, and what libsndfile reads back from it."""
    rng = np.random.default_rng(7)
    t = np.arange(FRAMES)[:, None] / RATE
    sound = 0.5 * np.sin(2 * np.pi * (1000 + 700 * np.arange(channels)) * t)
    sound = sound + 0.1 * rng.standard_normal((FRAMES, channels))
    sound[FRAMES // 3] = 0.99
    file = folder / f"made.{ENDINGS.get(container, container.lower())}"
    soundfile.write(file, np.clip(sound, -0.999, 0.999), RATE, format=container, subtype=subtype)
    return file, soundfile.read(file, dtype="float32", always_2d=True)[0]


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS, ids=lambda v: v)
def test_a_lossless_file_decodes_bit_for_bit(tmp_path, container, subtype):
    file, expected = made(tmp_path, container, subtype)
    np.testing.assert_array_equal(decode(file, tmp_path), expected)
    told = info(file)
    assert (told["frames"], told["channels"], told["sample_rate_hz"]) == (FRAMES, 2, RATE)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("AIFF", "FLOAT")])
def test_a_range_and_a_channel_are_that_part_of_the_whole(tmp_path, container, subtype):
    file, expected = made(tmp_path, container, subtype)
    part = decode(file, tmp_path, "--from", 12_345, "--frames", 678, "--channel", 1)
    np.testing.assert_array_equal(part[:, 0], expected[12_345 : 12_345 + 678, 1])


@pytest.mark.parametrize(("container", "subtype"), [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")])
def test_a_lossy_file_has_libsndfiles_frame_count(tmp_path, container, subtype):
    file, expected = made(tmp_path, container, subtype)
    samples = decode(file, tmp_path)
    assert samples.shape == expected.shape
    # Two decoders of one lossy stream: equal to a few steps of 16 bits.
    assert np.sqrt(np.mean((samples - expected) ** 2)) < 1e-3
    assert any("lossy" in warning.lower() for warning in info(file)["warnings"])


@pytest.mark.parametrize("file", recordings())
def test_a_real_recording_decodes_bit_for_bit(tmp_path, file):
    expected, rate = soundfile.read(file, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(decode(file, tmp_path), expected)
    assert info(file)["sample_rate_hz"] == rate
