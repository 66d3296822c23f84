"""Power as scipy gives it, within |a - b| <= 1e-4 |b| + 1e-6 max."""

import numpy as np
import pytest
import scipy.signal
import soundfile
from conftest import recordings, spyhop

# Names here and there.
WINDOWS = [("hann", "hann"), ("hamming", "hamming"), ("blackman", "blackman"),
           ("blackmanharris", "blackmanharris"), ("kaiser8.6", ("kaiser", 8.6)), ("boxcar", "boxcar")]


def agree(ours, theirs):
    assert ours.shape == theirs.shape and ours.dtype == np.float32
    error = np.abs(ours - theirs)
    allowed = 1e-4 * np.abs(theirs) + 1e-6 * theirs.max()
    worst = np.argmax(error - allowed)
    assert (error <= allowed).all(), (ours.flat[worst], theirs.flat[worst])


def power(file, folder, nfft, hop, window, scaling, *more):
    out = folder / "power.npy"
    spyhop("spectrogram", file, "--nfft", nfft, "--hop", hop, "--window", window,
           "--scaling", scaling, "--out", out, *more)
    return np.load(out)


def reference(samples, rate, nfft, hop, window, scaling, window_samples=None):
    nperseg = window_samples or nfft
    return scipy.signal.spectrogram(
        samples.astype(np.float64), rate, window=window, nperseg=nperseg, noverlap=nperseg - hop,
        nfft=nfft, detrend=False, scaling=scaling, mode="psd")[2]


def noise(folder, rate):
    """A file of noise, and its samples."""
    file = folder / "noise.wav"
    soundfile.write(file, np.random.default_rng(5).standard_normal(12_345) * 0.1, rate, subtype="FLOAT")
    return file, soundfile.read(file, dtype="float32")[0]


@pytest.mark.parametrize("scaling", ["density", "spectrum"])
@pytest.mark.parametrize(("ours", "theirs"), WINDOWS, ids=lambda v: str(v))
def test_each_window_and_scaling_gives_scipys_power(tmp_path, ours, theirs, scaling):
    rate, rng = 8000, np.random.default_rng(3)
    t = np.arange(3 * rate) / rate
    samples = 0.4 * np.sin(2 * np.pi * (300 * t + 500 * t**2)) + 0.01 * rng.standard_normal(t.size)
    file = tmp_path / "sweep.wav"
    soundfile.write(file, samples, rate, subtype="FLOAT")
    samples = soundfile.read(file, dtype="float32")[0]
    agree(power(file, tmp_path, 512, 128, ours, scaling),
          reference(samples, rate, 512, 128, theirs, scaling))


@pytest.mark.parametrize(("nfft", "hop"), [(2, 1), (100, 33), (1000, 250), (2000, 2000), (4096, 512)])
def test_any_length_and_hop_gives_scipys_power(tmp_path, nfft, hop):
    file, samples = noise(tmp_path, 2000)
    agree(power(file, tmp_path, nfft, hop, "hann", "density"),
          reference(samples, 2000, nfft, hop, "hann", "density"))


@pytest.mark.parametrize("scaling", ["density", "spectrum"])
@pytest.mark.parametrize(("ours", "theirs"), [*WINDOWS, ("kaiser14", ("kaiser", 14)), ("kaiser0", ("kaiser", 0))],
                         ids=lambda v: str(v))
@pytest.mark.parametrize(("window_samples", "nfft", "hop"), [(100, 256, 50), (333, 1000, 40), (1000, 1024, 999)])
def test_zeros_around_any_window_give_scipys_power(tmp_path, window_samples, nfft, hop, ours, theirs, scaling):
    file, samples = noise(tmp_path, 48_000)
    agree(power(file, tmp_path, nfft, hop, ours, scaling, "--window-samples", window_samples),
          reference(samples, 48_000, nfft, hop, theirs, scaling, window_samples))


def test_the_symmetric_hann_is_scipys(tmp_path):
    file, samples = noise(tmp_path, 8000)
    window = scipy.signal.get_window("hann", 500, fftbins=False)
    agree(power(file, tmp_path, 500, 250, "hann-sym", "density"),
          reference(samples, 8000, 500, 250, window, "density"))


@pytest.mark.parametrize("file", recordings())
def test_a_real_recording_gives_scipys_power(tmp_path, file):
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    nfft = next(n for n in (1024, 64, 4) if len(samples) >= n)
    agree(power(file, tmp_path, nfft, nfft // 2, "hann", "density"),
          reference(samples[:, 0], rate, nfft, nfft // 2, "hann", "density"))
