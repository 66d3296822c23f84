"""Throughput of the pyramid beside scipy + numpy + zarr on two processes, in one run, at 2 kHz and 192 kHz.

Both read the same WAV files and write levels 0 to 6, mean and maximum, as sharded Zarr in hundredths of a
dB; ours makes the coarser levels too. Prints a table, and one JSON object with --json.

Usage: python3 bench_pyramid.py [--json] [--hours-192k H] [--hours-2k H]   (SPYHOP names the program)
"""

import argparse
import datetime
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.signal
import soundfile
import zarr
from conftest import SPYHOP

WINDOW, HOP, BANDS, UNIT, LEVELS = 512, 256, 257, 8192, 7
BLOCK_FRAMES = 1 << 14
GAP = -32768
PROCESSES = 2


def column_ns(rate):
    return round((16 if rate < 10_000 else 80) * HOP / rate * 1e9 / 1024) * 1024


def make(folder, rate, hours, file_s):
    """Files of noise that touch; the same minute again and again, which no one can profit from."""
    rng = np.random.default_rng(rate)
    minute = (3000 * rng.standard_normal(60 * rate)).astype(np.int16)
    begin = datetime.datetime(2021, 6, 1, tzinfo=datetime.timezone.utc)
    files = []
    for i in range(max(1, round(hours * 3600 / file_s))):
        at = begin + datetime.timedelta(seconds=i * file_s)
        path = folder / f"x_{at:%Y%m%d_%H%M%S}.wav"
        with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as out:
            for _ in range(round(file_s / 60)):
                out.write(minute)
        files.append((str(path), int(at.timestamp()) * 10**9, file_s * rate))
    return files


def db(power):
    return np.clip(np.rint(1000 * np.log10(np.maximum(power, 1e-38))), -32767, 32767).astype(np.int16)


def unit(job):
    """One unit by scipy and numpy: level 0 from samples, the others by reduction, written as shards."""
    files, rate, index, first, store = job
    step = column_ns(rate)
    total = np.zeros((UNIT, BANDS))
    largest = np.zeros((UNIT, BANDS), np.float32)
    frames = np.zeros(UNIT, np.int64)
    for path, start, count in files:
        j = np.arange((count - WINDOW) // HOP + 1)
        column = (start + np.rint((j * HOP + WINDOW / 2) * 1e9 / rate).astype(np.int64)) // step
        j = j[(column >= index * UNIT) & (column < (index + 1) * UNIT)]
        for block in np.array_split(j, max(1, -(-j.size // BLOCK_FRAMES))) if j.size else []:
            samples, _ = soundfile.read(path, start=block[0] * HOP, dtype="float32",
                                        frames=(block.size - 1) * HOP + WINDOW)
            _, _, power = scipy.signal.spectrogram(
                samples, rate, window="hann", nperseg=WINDOW, noverlap=WINDOW - HOP, detrend=False)
            power = power.T
            at = column[block] - index * UNIT
            edges = np.flatnonzero(np.diff(at, prepend=-1))
            total[at[edges]] += np.add.reduceat(power, edges, dtype=np.float64)
            largest[at[edges]] = np.maximum(largest[at[edges]], np.maximum.reduceat(power, edges))
            frames[at[edges]] += np.diff(np.append(edges, at.size))
    for level in range(LEVELS):
        gaps = (frames == 0)[:, None]
        mean = db(total / np.maximum(frames, 1)[:, None])
        rows = slice((index - first) * UNIT >> level, (index - first + 1) * UNIT >> level)
        group = zarr.open_group(store, path=f"level_{level:02}", mode="r+")
        group["mean"][rows] = np.where(gaps, GAP, mean)
        group["max"][rows] = np.where(gaps, GAP, db(largest))
        group["frames"][rows] = frames
        total = total[0::2] + total[1::2]
        largest = np.maximum(largest[0::2], largest[1::2])
        frames = frames[0::2] + frames[1::2]


def theirs(files, rate, store):
    step = column_ns(rate)
    first = files[0][1] // step // UNIT
    last = (files[-1][1] + int(files[-1][2] / rate * 1e9)) // step // UNIT
    root = zarr.open_group(store, mode="w")
    for level in range(LEVELS):
        group = root.create_group(f"level_{level:02}")
        columns, shard = (last - first + 1) * UNIT >> level, UNIT >> level
        codec = zarr.codecs.ZstdCodec(level=3)
        for name in ("mean", "max"):
            group.create_array(name, shape=(columns, BANDS), chunks=(min(256, shard), BANDS),
                               shards=(shard, BANDS), dtype="int16", fill_value=GAP, compressors=codec)
        group.create_array("frames", shape=(columns,), chunks=(shard,), dtype="uint32", compressors=codec)
    with multiprocessing.Pool(PROCESSES) as pool:
        pool.map(unit, [(files, rate, index, first, store) for index in range(first, last + 1)], chunksize=1)


def measured(command):
    """Seconds by the clock and on the cores, the largest memory in MB, what it printed."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        out = running.stdout.read()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, command
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true")
    options.add_argument("--hours-192k", type=float, default=0.5)
    options.add_argument("--hours-2k", type=float, default=36)
    # What a measured process of the other side is told: the files, the rate and the store.
    options.add_argument("--theirs", nargs=3)
    args = options.parse_args()
    if args.theirs:
        files, rate, store = args.theirs
        theirs([tuple(f) for f in json.loads(pathlib.Path(files).read_text())], int(rate), store)
        return
    results = {}
    for rate, hours, file_s in ((2000, args.hours_2k, 3600), (192_000, args.hours_192k, 300)):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            (scratch / "place").mkdir()
            files = make(scratch / "place", rate, hours, file_s)
            (scratch / "files.json").write_text(json.dumps(files))
            audio_h = sum(count for _, _, count in files) / rate / 3600
            command = [SPYHOP, "pyramid", scratch / "place", "--state", scratch / "state", "--json"]
            ours_s, ours_core_s, ours_mb, out = measured([*command, "--threads", str(PROCESSES)])
            built = json.loads(out)[0]
            command = [sys.executable, __file__, "--theirs", scratch / "files.json", str(rate)]
            theirs_s, theirs_core_s, theirs_mb, _ = measured([*command, str(scratch / "theirs.zarr")])
            results[rate] = {
                "audio_hours": audio_h,
                "share_of_pcm16": built["stored_bytes"] / built["pcm16_bytes"],
                "ours_hours_per_core_hour": audio_h / ours_core_s * 3600,
                "theirs_hours_per_core_hour": audio_h / theirs_core_s * 3600,
                "ours_s": ours_s, "theirs_s": theirs_s, "ours_mb": ours_mb, "theirs_mb_a_process": theirs_mb,
            }
    if args.json:
        print(json.dumps(results))
        return
    for rate, r in results.items():
        times = r["ours_hours_per_core_hour"] / r["theirs_hours_per_core_hour"]
        print(f"{rate} Hz, {r['audio_hours']:.1f} h of audio")
        print(f"  ours                  {r['ours_hours_per_core_hour']:8.0f} audio-hours a core-hour,"
              f" {r['ours_s']:.1f} s, {r['ours_mb']:.0f} MB at most (goal 500)")
        print(f"  scipy + numpy + zarr  {r['theirs_hours_per_core_hour']:8.0f} audio-hours a core-hour,"
              f" {r['theirs_s']:.1f} s, {r['theirs_mb_a_process']:.0f} MB a process")
        print(f"  ratio {times:.1f} (goal 4); all levels take {100 * r['share_of_pcm16']:.2f} % of PCM16"
              f" (goal {25 if rate < 10_000 else 5} %)")


if __name__ == "__main__":
    main()
