"""Audio-hours an hour of `spyhop detect` over the demo, from opening the files to the written table.

Usage: python3 bench_detect.py DEMO   (SPYHOP names the program)
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from conftest import SPYHOP

RUNS = 2


def detected(place, detector):
    """What the program tells of a run that begins with nothing made before."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [SPYHOP, "detect", str(place), "--detector", detector, "--json",
                   "--state", f"{scratch}/state", "--out", f"{scratch}/calls.parquet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            sys.exit(done.stderr)
        return json.loads(done.stdout)


def main(demo):
    print(f"`spyhop detect` over the demo, all cores; best of {RUNS}\n")
    print("| deployment | detector | heard, h | candidates | s | audio-hours an hour |")
    print("|---|---|--:|--:|--:|--:|")
    for place in sorted(path for path in pathlib.Path(demo).iterdir() if path.is_dir()):
        listing = subprocess.run([SPYHOP, "detect", str(place), "--list", "--json"],
                                 check=True, capture_output=True, text=True)
        for fit in json.loads(listing.stdout)["detectors"]:
            if fit["chance"] == "none":
                continue
            best = min((detected(place, fit["id"]) for _ in range(RUNS)), key=lambda run: run["seconds"])
            rate = best["hours"] / best["seconds"] * 3600
            print(f"| {place.name} | {fit['id']} | {best['hours']:.2f} | {best['candidates']} "
                  f"| {best['seconds']:.2f} | {rate:.0f} |")


if __name__ == "__main__":
    main(sys.argv[1])
