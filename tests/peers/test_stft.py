"""Power as PyTorch's stft gives it: the same numbers by another road."""

import importlib.util
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import soundfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPYHOP = pathlib.Path(os.environ.get("SPYHOP", ROOT / "target/debug/spyhop")).resolve()
SPEC = importlib.util.spec_from_file_location(
    "torch_stft", ROOT / "shared/signal/tests/fixtures/torch_stft.py")
torch_stft = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(torch_stft)


@pytest.mark.parametrize(("nfft", "hop", "window"),
                         [(1024, 512, "hann"), (2048, 512, "hann"), (400, 160, "hann"),
                          (512, 128, "hamming"), (333, 100, "blackman"), (1000, 250, "kaiser8.6")])
def test_power_is_that_of_torch(tmp_path, nfft, hop, window):
    rate = 48_000
    noise = np.random.default_rng(11).standard_normal(3 * rate).astype(np.float32) * 0.1
    file, out = tmp_path / "noise.wav", tmp_path / "power.npy"
    soundfile.write(file, noise, rate, subtype="FLOAT")
    subprocess.run([SPYHOP, "spectrogram", file, "--nfft", str(nfft), "--hop", str(hop), "--window", window,
                    "--scaling", "spectrum", "--out", out], check=True, capture_output=True)
    ours = np.load(out)
    theirs = torch_stft.power(torch_stft.torch.from_numpy(noise), nfft, hop, window).T.numpy()
    assert ours.shape == theirs.shape
    assert (np.abs(ours - theirs) <= 1e-4 * theirs + 1e-6 * theirs.max()).all()


def test_the_committed_numbers_are_still_torchs():
    committed, now = json.loads(torch_stft.FILE.read_text()), torch_stft.fixture()
    np.testing.assert_array_equal(committed["x"], now["x"])
    for kept, made in zip(committed["cases"], now["cases"], strict=True):
        theirs = np.array(made.pop("power"))
        np.testing.assert_allclose(kept.pop("power"), theirs, rtol=1e-6, atol=1e-12 * theirs.max())
        assert kept == made
