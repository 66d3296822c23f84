"""Power as PyTorch's stft gives it: the same numbers by another road."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import soundfile
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPYHOP = pathlib.Path(os.environ.get("SPYHOP", ROOT / "target/debug/spyhop")).resolve()


@pytest.mark.parametrize(("nfft", "hop"), [(1024, 512), (2048, 512), (400, 160)])
def test_power_is_that_of_torch(tmp_path, nfft, hop):
    rate = 48_000
    noise = np.random.default_rng(11).standard_normal(3 * rate).astype(np.float32) * 0.1
    file, out = tmp_path / "noise.wav", tmp_path / "power.npy"
    soundfile.write(file, noise, rate, subtype="FLOAT")
    subprocess.run([SPYHOP, "spectrogram", file, "--nfft", str(nfft), "--hop", str(hop),
                    "--scaling", "spectrum", "--out", out], check=True, capture_output=True)
    ours = np.load(out)
    window = torch.hann_window(nfft, dtype=torch.float64)
    bins = torch.stft(torch.from_numpy(noise).double(), nfft, hop, window=window, center=False,
                      return_complex=True).abs().square() / window.sum() ** 2
    # One-sided: all but zero and Nyquist count twice.
    bins[1 : -1 if nfft % 2 == 0 else None] *= 2
    theirs = bins.numpy()
    assert ours.shape == theirs.shape
    assert (np.abs(ours - theirs) <= 1e-4 * theirs + 1e-6 * theirs.max()).all()
