"""The pyramid as xarray opens it, against scipy and numpy on the samples; and what rebuilding touches."""

import datetime
import json
import pathlib
import random
import signal
import subprocess
import time

import numpy as np
import pytest
import scipy.signal
import soundfile
import xarray
from conftest import SPYHOP, spyhop

WINDOW, HOP, BANDS = 512, 256, 257
# Half a step of 0.01 dB, and what a transform in float32 differs from one in float64 here.
FINEST_DB, COARSER_DB = 0.005 + 3e-4, 0.01
# Squares are summed in float32 by blocks of some thousand, and a mean is rounded to float32 at each level.
MEAN_SQUARE = 2e-6
UTC = datetime.timezone.utc


def nanos(moment):
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


class Place:
    """A folder of recordings, and what their last channel holds; the others are silent."""

    def __init__(self, folder, rate, channels=1):
        folder.mkdir()
        self.folder, self.rate, self.channels, self.files = folder, rate, channels, {}
        slow = rate < 10_000
        self.column_ns = round((16 if slow else 80) * HOP / rate * 1e9 / 1024) * 1024

    def add(self, moment, seconds, seed=0, dated=True):
        rng = np.random.default_rng([seed, int(moment.timestamp())])
        count = int(seconds * self.rate)
        t = np.arange(count) / self.rate
        sound = 0.02 * rng.standard_normal(count) + 0.2 * np.sin(2 * np.pi * 0.11 * self.rate * t)
        sound[count // 2 : count // 2 + 50] *= 4
        name = f"x_{moment:%Y%m%d_%H%M%S}.wav" if dated else "undated.wav"
        all_channels = np.zeros((count, self.channels))
        all_channels[:, -1] = np.clip(sound, -0.99, 0.99)
        soundfile.write(self.folder / name, all_channels, self.rate, subtype="PCM_16")
        self.files[name] = nanos(moment) if dated else 0
        return name

    def remove(self, name):
        (self.folder / name).unlink()
        del self.files[name]

    def frames(self):
        """Time of the centre in ns, and power, of the frames of each stretch of files."""
        files = sorted(self.files.items(), key=lambda item: item[1])
        sounds = [soundfile.read(self.folder / name, always_2d=True)[0][:, -1] for name, _ in files]
        for i, (_, start) in enumerate(files):
            sound = sounds[i]
            end = start + len(sound) * 1e9 / self.rate
            if i + 1 < len(files) and abs(files[i + 1][1] - end) <= 0.5e9 / self.rate:
                # The last frames reach into the file that follows without a gap.
                sound = np.concatenate([sound, sounds[i + 1][: WINDOW - 1]])
            if len(sound) < WINDOW:
                continue
            _, _, power = scipy.signal.spectrogram(
                sound, self.rate, window="hann", nperseg=WINDOW, noverlap=WINDOW - HOP, detrend=False,
                scaling="density", mode="psd")
            j = np.arange(power.shape[1])
            j = j[j * HOP < len(sounds[i])]
            centres = start + np.rint((j * HOP + WINDOW / 2) * 1e9 / self.rate).astype(np.int64)
            yield centres, power[:, j]

    def columns(self):
        """The finest columns from their definition: index, frames, mean and maximum power."""
        sums, maxima, counts = {}, {}, {}
        for centres, power in self.frames():
            of_frame = centres // self.column_ns
            for column in np.unique(of_frame):
                part = power[:, of_frame == column]
                counts[column] = counts.get(column, 0) + part.shape[1]
                sums[column] = sums.get(column, 0) + part.sum(axis=1)
                maxima[column] = np.maximum(maxima.get(column, 0), part.max(axis=1))
        k = np.array(sorted(sums))
        return k, np.array([counts[c] for c in k]), np.array([sums[c] for c in k]), np.array([maxima[c] for c in k])


    def samples(self):
        """The wave form of the finest columns: index, count, minimum, maximum, sum of squares."""
        found = {}
        for name, start in self.files.items():
            sound = soundfile.read(self.folder / name, always_2d=True)[0][:, -1]
            times = start + np.rint(np.arange(sound.size) * 1e9 / self.rate).astype(np.int64)
            columns, first = np.unique(times // self.column_ns, return_index=True)
            of_file = zip(np.diff(np.append(first, sound.size)), np.minimum.reduceat(sound, first),
                          np.maximum.reduceat(sound, first), np.add.reduceat(sound**2, first))
            for column, (count, least, most, squares) in zip(columns, of_file):
                c, lo, hi, sq = found.get(column, (0, np.inf, -np.inf, 0))
                found[column] = c + count, min(lo, least), max(hi, most), sq + squares
        k = np.array(sorted(found))
        return (k, *np.array([found[c] for c in k]).T)


def build(place, state, *args):
    """Builds, and gives what the program tells of it."""
    return json.loads(spyhop("pyramid", place.folder, "--state", state, "--json", *args))[0]


def db(power):
    return 10 * np.log10(power)


def assert_wave_is(ds, first, level, samples):
    """The wave form of a level, against the samples."""
    k, counts, least, most, squares = samples
    coarse, index = np.unique(k // 2**level, return_inverse=True)
    total = np.zeros(ds.time.size)
    np.add.at(total, k // 2**level - first, counts)
    np.testing.assert_array_equal(ds["samples"].values, total)
    recorded = ds.isel(time=coarse - first)
    for name, ufunc, values in [("wave_min", np.minimum, least), ("wave_max", np.maximum, most)]:
        expected = np.full(coarse.size, np.inf if name == "wave_min" else -np.inf)
        ufunc.at(expected, index, values)
        # 16 bits are exact in float32.
        np.testing.assert_array_equal(recorded[name].values, expected)
        assert ds[name].attrs["units"] == "FS" and ds[name].dtype == np.float32
    expected = np.zeros(coarse.size)
    np.add.at(expected, index, squares)
    expected /= total[coarse - first]
    np.testing.assert_allclose(recorded["mean_square"].values, expected, rtol=MEAN_SQUARE, atol=0)
    assert ds["mean_square"].attrs["units"] == "FS^2"
    for name in ("wave_min", "wave_max", "mean_square"):
        np.testing.assert_array_equal(np.isnan(ds[name].values), total == 0)


def assert_level_is(store, level, place, finest, samples):
    """One level as xarray opens it, against columns of samples."""
    k, counts, sums, maxima = finest
    with xarray.open_zarr(store, group=f"level_{level:02}") as ds:
        column_ns = place.column_ns * 2**level
        assert ds.attrs["column_ns"] == column_ns
        starts = ds.time.values.astype("int64")
        first = ds.attrs["first_column"]
        np.testing.assert_array_equal(starts, (first + np.arange(starts.size)) * column_ns)
        np.testing.assert_allclose(ds.frequency.values, np.arange(BANDS) * place.rate / WINDOW)
        assert ds["mean"].attrs["units"] == ds["max"].attrs["units"] == "dB re FS^2/Hz"
        assert ds["mean"].encoding["dtype"] == np.int16
        coarse, index = np.unique(k // 2**level, return_inverse=True)
        frames = np.zeros(starts.size, np.int64)
        np.add.at(frames, (k // 2**level - first), counts)
        np.testing.assert_array_equal(ds.frames.values, frames)
        total = np.zeros((coarse.size, BANDS))
        np.add.at(total, index, sums)
        largest = np.zeros((coarse.size, BANDS))
        np.maximum.at(largest, index, maxima)
        recorded = ds.isel(time=coarse - first)
        tolerance = FINEST_DB if level == 0 else COARSER_DB
        mean = total / frames[coarse - first][:, None]
        np.testing.assert_allclose(recorded["mean"].values, db(mean), rtol=0, atol=tolerance)
        np.testing.assert_allclose(recorded["max"].values, db(largest), rtol=0, atol=tolerance)
        assert_wave_is(ds, first, level, samples)
        gaps = np.flatnonzero(frames == 0)
        for quantity in ("mean", "max"):
            at = gaps if gaps.size < 300 else np.random.default_rng(1).choice(gaps, 300, replace=False)
            assert np.isnan(ds[quantity].isel(time=np.sort(at)).values).all()


def assert_is_the_pyramid_of(store, levels, place):
    finest, samples = place.columns(), place.samples()
    for level in range(levels):
        assert_level_is(store, level, place, finest, samples)
    return finest


@pytest.mark.parametrize("rate", [2000, 9000, 48_000, 192_000])
def test_files_that_touch_and_gaps_are_numpys_columns(tmp_path, rate):
    place = Place(tmp_path / "place", rate)
    noon = datetime.datetime(2021, 3, 4, 12, tzinfo=UTC)
    for second, seconds in [(0, 7), (7, 5), (20, 3.3), (24, 0.05), (26, 9)]:
        place.add(noon + datetime.timedelta(seconds=second), seconds)
    built = build(place, tmp_path / "state")
    assert_is_the_pyramid_of(built["store"], built["levels"], place)


def test_months_of_short_files_are_numpys_columns_at_every_level(tmp_path):
    place = Place(tmp_path / "place", 2000)
    begin = datetime.datetime(2020, 12, 31, 23, 59, 50, tzinfo=UTC)
    for day in range(60):
        place.add(begin + datetime.timedelta(days=day, minutes=7 * day), 31)
    built = build(place, tmp_path / "state")
    # Fifteen levels: units of all three tiers.
    assert built["levels"] == 15
    k, *_ = assert_is_the_pyramid_of(built["store"], built["levels"], place)
    assert k.size < 60 * 18


def test_another_channel_is_a_product_of_its_own(tmp_path):
    place = Place(tmp_path / "place", 8000, channels=2)
    place.add(datetime.datetime(2021, 3, 4, tzinfo=UTC), 20)
    built = build(place, tmp_path / "state", "--channel", 1)
    assert "spectrum.ch1" in built["store"]
    assert_is_the_pyramid_of(built["store"], built["levels"], place)


def test_an_undated_recording_counts_from_its_first_sample(tmp_path):
    place = Place(tmp_path / "place", 8000)
    place.add(datetime.datetime(1970, 1, 1, tzinfo=UTC), 20, dated=False)
    built = build(place, tmp_path / "state")
    assert_is_the_pyramid_of(built["store"], built["levels"], place)
    with xarray.open_zarr(built["store"], group="level_00") as ds:
        assert ds.time.dtype == "timedelta64[ns]"


def test_a_calibration_by_frequency_stands_beside_the_levels_at_the_rate_of_most_recordings(tmp_path):
    place = Place(tmp_path / "place", 8000)
    noon = datetime.datetime(2021, 3, 4, 12, tzinfo=UTC)
    for minute in (1, 2):
        place.add(noon + datetime.timedelta(minutes=minute), 20)
    # The first of all has another rate, and is left out.
    soundfile.write(place.folder / f"x_{noon:%Y%m%d_%H%M%S}.wav", np.full(2000, 0.1), 2000, subtype="PCM_16")
    (place.folder / "deployment.toml").write_text(
        "[calibration]\nkind = 'v_per_upa'\nsensitivity_db = 'hydrophone.csv'\ngain_db = 20\nadc_peak_v = 2\n")
    hz, sensitivity_db = [10, 500, 3000], [-190, -180, -185]
    rows = [f"{f},{v}\n" for f, v in zip(hz, sensitivity_db)]
    (place.folder / "hydrophone.csv").write_text("Hz,dB re 1 V/uPa\n" + "".join(rows))
    done = subprocess.run([SPYHOP, "pyramid", place.folder, "--state", tmp_path / "state", "--json"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "2000" in done.stderr, done.stderr
    built = json.loads(done.stdout)[0]
    assert_is_the_pyramid_of(built["store"], built["levels"], place)
    with xarray.open_zarr(built["store"], group="level_00") as ds:
        band_hz = np.arange(BANDS) * 8000 / WINDOW
        np.testing.assert_allclose(ds.frequency.values, band_hz)
        inside = (band_hz >= hz[0]) & (band_hz <= hz[-1])
        expected = 20 * np.log10(2) - 20 - np.interp(np.log10(band_hz[inside]), np.log10(hz), sensitivity_db)
        np.testing.assert_allclose(ds.calibration_db.values[inside], expected, atol=1e-9)
        assert np.isnan(ds.calibration_db.values[~inside]).all()


def test_silence_is_the_lowest_level_and_no_gap(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    soundfile.write(place / "x_20200101_000000.wav", np.zeros(40_000), 8000, subtype="PCM_16")
    built = json.loads(spyhop("pyramid", place, "--state", tmp_path / "state", "--json"))[0]
    with xarray.open_zarr(built["store"], group="level_00") as ds:
        recorded = ds.frames.values > 0
        np.testing.assert_allclose(ds["mean"].values[recorded], -327.67, atol=1e-4)
        for name in ("wave_min", "wave_max", "mean_square"):
            assert (ds[name].values[recorded] == 0).all()


def units(state):
    return {unit.name for unit in pathlib.Path(state).glob("pyramids/*/*/units/*")}


def test_a_changed_place_rebuilds_only_what_it_touches(tmp_path):
    place = Place(tmp_path / "place", 2000)
    begin = datetime.datetime(2021, 6, 1, tzinfo=UTC)
    # A unit covers 4.66 h: one file in each of twenty.
    names = [place.add(begin + datetime.timedelta(hours=5 * i), 30) for i in range(20)]
    state = tmp_path / "state"

    def rebuilt(expected):
        before, built = units(state), build(place, state)
        after = units(state)
        assert built["made"] == len(after - before) == expected, built
        assert built["units"] == len(after)
        assert_is_the_pyramid_of(built["store"], 1, place)
        return built

    # Twenty of tier 1 and one of tier 2 (the coarsest of ten levels needs it).
    first = rebuilt(21)
    again = rebuilt(0)
    assert again["store"] == first["store"]
    # Another file in a unit: that one and the one above it.
    added = place.add(begin + datetime.timedelta(hours=25, minutes=20), 30)
    rebuilt(2)
    # Before all others: what it touches is new, whatever the first sample is.
    earlier = place.add(begin - datetime.timedelta(hours=6), 30)
    assert rebuilt(2)["levels"] == first["levels"]
    place.add(begin, 30, seed=1)
    rebuilt(2)
    # Two go: one unit has the same files as before the first was added, the other holds nothing.
    place.remove(added)
    place.remove(earlier)
    rebuilt(2)
    # Its unit holds nothing else: it goes, and the one above is made anew.
    place.remove(names[7])
    rebuilt(1)
    assert len(list(pathlib.Path(state).glob("pyramids/*/*/stores/*"))) == 1


def tree(store):
    store = pathlib.Path(store)
    return {str(p.relative_to(store)): p.read_bytes() for p in store.rglob("*") if p.is_file()}


def test_a_build_that_is_killed_again_and_again_ends_as_one_that_was_not(tmp_path):
    place = Place(tmp_path / "place", 2000)
    begin = datetime.datetime(2021, 6, 1, tzinfo=UTC)
    for i in range(30):
        place.add(begin + datetime.timedelta(hours=5 * i), 60)
    undisturbed = build(place, tmp_path / "undisturbed")
    state, chance, kills = tmp_path / "killed", random.Random(3), 0
    # Killed at the latest when half of what is left would be done.
    longest_s = max(0.2, undisturbed["seconds"] / 4)
    for _ in range(40):
        running = subprocess.Popen(
            [SPYHOP, "pyramid", place.folder, "--state", state, "--json"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.02, longest_s))
        running.send_signal(signal.SIGKILL)
        out, _ = running.communicate()
        if running.returncode == 0 and out:
            break
        kills += 1
    built = build(place, state)
    assert kills >= 3
    assert built["version"] == undisturbed["version"]
    assert tree(built["store"]) == tree(undisturbed["store"])
    left = list(pathlib.Path(state).rglob(".unfinished*"))
    assert not left
