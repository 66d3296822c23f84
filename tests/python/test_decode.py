"""Samples as libsndfile gives them: bit for bit where nothing is lost."""

import numpy as np
import pytest
import soundfile
from conftest import decode, info, recordings, spyhop

RATE = 48_000
FRAMES = 20_011

LOSSLESS = [
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"),
    ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("WAV", "ALAW"), ("WAV", "ULAW"),
    ("WAVEX", "PCM_16"), ("WAVEX", "PCM_24"), ("WAVEX", "FLOAT"),
    ("RF64", "PCM_16"), ("RF64", "PCM_24"), ("RF64", "FLOAT"),
    ("W64", "PCM_16"), ("W64", "PCM_24"), ("W64", "FLOAT"), ("W64", "DOUBLE"),
    ("AIFF", "PCM_S8"), ("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("AIFF", "PCM_32"), ("AIFF", "FLOAT"), ("AIFF", "DOUBLE"), ("AIFF", "ALAW"), ("AIFF", "ULAW"),
    ("FLAC", "PCM_S8"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"),
]
LOSSY = [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")]
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


def same_bits(ours, theirs):
    """As bits: two NaN are the same, 0 and -0 are not."""
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype == np.float32
    np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize(("container", "subtype"), LOSSLESS, ids=lambda v: v)
def test_a_lossless_file_decodes_bit_for_bit(tmp_path, container, subtype, channels):
    file, expected = made(tmp_path, container, subtype, channels)
    same_bits(decode(file, tmp_path), expected)
    told = info(file)
    # Not FRAMES: libsndfile counts the byte that fills up an odd AIFF chunk as a frame.
    assert (told["frames"], told["channels"], told["sample_rate_hz"]) == (len(expected), channels, RATE)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("W64", "FLOAT"),
                                                    ("RF64", "FLOAT"), ("AIFF", "FLOAT")])
def test_floats_stay_as_they_are(tmp_path, container, subtype):
    values = np.array([[0.0], [-0.0], [7.5], [-1e30], [1e-42], [np.inf], [-np.inf], [np.nan]])
    file = tmp_path / "floats"
    soundfile.write(file, values, RATE, format=container, subtype=subtype)
    same_bits(decode(file, tmp_path), soundfile.read(file, dtype="float32", always_2d=True)[0])


@pytest.mark.parametrize("rate", [1, 2000, 192_000, 384_000, 655_350])
@pytest.mark.parametrize("container", ["WAV", "FLAC", "AIFF", "W64"])
def test_any_rate_is_kept(tmp_path, container, rate):
    file = tmp_path / "rate"
    noise = np.random.default_rng(rate).standard_normal(5000) * 0.2
    soundfile.write(file, noise, rate, format=container, subtype="PCM_16")
    same_bits(decode(file, tmp_path), soundfile.read(file, dtype="float32", always_2d=True)[0])
    assert info(file)["sample_rate_hz"] == rate


@pytest.mark.parametrize(("container", "subtype"),
                         [("WAV", "PCM_24"), ("WAV", "ALAW"), ("FLAC", "PCM_16"), ("AIFF", "FLOAT")])
def test_a_range_and_a_channel_are_that_part_of_the_whole(tmp_path, container, subtype):
    file, expected = made(tmp_path, container, subtype)
    part = decode(file, tmp_path, "--from", 12_345, "--frames", 678, "--channel", 1)
    same_bits(part, expected[12_345 : 12_345 + 678, 1:].copy())


@pytest.mark.parametrize("out", ["samples.npy", "samples.wav"])
def test_what_is_written_is_read_by_others(tmp_path, out):
    file, expected = made(tmp_path, "WAV", "PCM_24")
    spyhop("decode", file, "--out", tmp_path / out)
    if out.endswith("npy"):
        same_bits(np.load(tmp_path / out), expected)
    else:
        samples, rate = soundfile.read(tmp_path / out, dtype="float32", always_2d=True)
        assert rate == RATE and soundfile.info(tmp_path / out).subtype == "FLOAT"
        same_bits(samples, expected)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_a_lossy_file_has_libsndfiles_frame_count(tmp_path, container, subtype, rate, channels):
    file = tmp_path / f"made.{container.lower()}"
    t = np.arange(FRAMES)[:, None] / rate
    sound = 0.5 * np.sin(2 * np.pi * (500 + 300 * np.arange(channels)) * t)
    soundfile.write(file, sound, rate, format=container, subtype=subtype)
    expected = soundfile.read(file, dtype="float32", always_2d=True)[0]
    samples = decode(file, tmp_path)
    assert samples.shape == expected.shape
    # Two decoders of one lossy stream: equal to a few steps of 16 bits.
    assert np.sqrt(np.mean((samples - expected) ** 2)) < 1e-3
    assert any("lossy" in warning.lower() for warning in info(file)["warnings"])


@pytest.mark.parametrize("file", recordings())
def test_a_real_recording_decodes_bit_for_bit(tmp_path, file):
    expected, rate = soundfile.read(file, dtype="float32", always_2d=True)
    same_bits(decode(file, tmp_path), expected)
    told = info(file)
    assert (told["sample_rate_hz"], told["frames"], told["channels"]) == (rate, *expected.shape)
    start, count = len(expected) // 3, min(1000, len(expected) // 3)
    channel = expected.shape[1] - 1
    part = decode(file, tmp_path, "--from", start, "--frames", count, "--channel", channel)
    same_bits(part, expected[start : start + count, channel:].copy())


# When each began, by its maker's documents: the name, the sidecar, or the comment in the file.
STARTS = {
    "metadata.wav": "2020-04-04T10:25:00", "NOPP6_EST_20090329_121500.wav": "2009-03-29T12:15:00",
    "live000.wav": None, "sample_220925_223450.wav": "2022-09-25T22:34:50",
    "sample_220925_223600.wav": "2022-09-25T22:36:00",
    "MARS-20150910T000000Z-2kHz.wav": "2015-09-10T00:00:00", "Blue_whale.wav": None,
    "DUB_20200623_000152_885.wav": "2020-06-23T00:01:52.885", "Minke_whale.wav": None,
    "clickwave_1.wav": None, "southern_right_whale_clip1.wav": None,
    # The name says :55; the sidecar of the chain that wrote the file knows better.
    "67416073.210610033655.flac": "2021-06-10T03:36:54",
    "STClip.180320152506.wav": "2018-03-20T15:25:06", "STClip.180320152511.wav": "2018-03-20T15:25:11",
    "xwav_headers_only.x.flac": "2010-02-28T02:21:15", "xwav_headers_only.x.wav": "2010-02-28T02:21:15",
}


@pytest.mark.parametrize("file", recordings())
def test_a_real_recording_begins_when_its_maker_says(file):
    told, expected = info(file)["start"], STARTS[file.name]
    assert (told and np.datetime64(told.rstrip("Z"))) == (expected and np.datetime64(expected))
