"""What the Python tests share: the program, and the real recordings where they are at hand."""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

# The folder of real recordings may lie elsewhere: SPYHOP_RECORDINGS names it.
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("SPYHOP_RECORDINGS", ROOT.parent / "shared" / "data"))
SPYHOP = pathlib.Path(os.environ.get("SPYHOP", ROOT / "target/debug/spyhop")).resolve()


def spyhop(*args):
    """Runs the program; what it says on an error becomes the test's message."""
    done = subprocess.run([SPYHOP, *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def decode(file, folder, *args):
    """Samples of a file, shape (frames, channels)."""
    out = folder / "samples.npy"
    spyhop("decode", file, "--out", out, *args)
    return np.load(out)


def info(file):
    """The object that `info --json` prints for one file."""
    return json.loads(spyhop("info", file, "--json"))


def recordings():
    """All real recordings; none (and one loud skip) where the folder is absent."""
    endings = {".wav", ".flac"}
    found = sorted(p for p in DATA.rglob("*") if p.suffix in endings)
    if found:
        return [pytest.param(p, id=p.name) for p in found]
    skip = pytest.mark.skip(reason=f"the real recordings are not at {DATA}")
    return [pytest.param(None, marks=skip, id="no-real-recordings")]
