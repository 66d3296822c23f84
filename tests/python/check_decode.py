"""Compares `spyhop decode` with libsndfile, bit for bit, on every lossless recording of some folders.

    python check_decode.py SPYHOP FOLDER…

Needs numpy and soundfile. Ends with 1 where anything differs, and says what.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import soundfile as sf

LOSSLESS = {".wav", ".rf64", ".w64", ".aiff", ".aifc", ".flac"}


def decode(spyhop, path, out, *options):
    subprocess.run([spyhop, "decode", path, "--out", out, *options], check=True, capture_output=True)
    return np.load(out)


def compare(spyhop, path, out):
    expected, rate = sf.read(path, dtype="float32", always_2d=True)
    answer = subprocess.run([spyhop, "info", "--json", path], check=True, capture_output=True)
    info = json.loads(answer.stdout)
    told = (info["sample_rate_hz"], info["channels"], info["frames"])
    if told != (rate, expected.shape[1], expected.shape[0]):
        return f"info says {told}"
    # As bytes: two NaN are the same, 0 and −0 are not.
    if decode(spyhop, path, out).tobytes() != expected.tobytes():
        return "samples differ"
    start, count = len(expected) // 3, min(1000, len(expected) // 3)
    channel = expected.shape[1] - 1
    part = decode(
        spyhop, path, out, "--from", str(start), "--frames", str(count), "--channel", str(channel)
    )
    if part.tobytes() != expected[start : start + count, channel].tobytes():
        return f"frames {start} to {start + count} of channel {channel} differ"
    return None


def main():
    spyhop, *folders = sys.argv[1:]
    files = [
        path
        for folder in folders
        for path in sorted(pathlib.Path(folder).rglob("*"))
        if path.suffix in LOSSLESS
    ]
    differing = 0
    with tempfile.TemporaryDirectory() as scratch:
        for path in files:
            problem = compare(spyhop, path, pathlib.Path(scratch) / "x.npy")
            if problem:
                differing += 1
                print(f"{path}: {problem}")
    print(f"{len(files) - differing} of {len(files)} recordings decode to libsndfile's numbers")
    sys.exit(1 if differing or not files else 0)


main()
