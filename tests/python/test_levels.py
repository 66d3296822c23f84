"""Long-term products against numpy and scipy on the samples: spectra of periods of the clock, bands, statistics."""

import datetime
import json
import subprocess

import numpy as np
import pytest
import scipy.signal
import soundfile
import xarray
from conftest import SPYHOP, spyhop

RATE = 4000
UTC = datetime.timezone.utc
# Transforms in float32 against float64, stored as float32: of levels around −100 dB.
LEVEL_DB = 2e-3
# Half a step of 0.01 dB more.
STEPPED_DB = 0.005 + LEVEL_DB
# Percentiles of the whole come from counts in steps of 0.1 dB.
COUNTED_DB = 0.05 + LEVEL_DB
PERCENTILES = [1, 5, 10, 25, 50, 75, 90, 95, 99]
OFFSET_DB = 176.0


def nanos(moment):
    return int(moment.timestamp()) * 10**9


class Place:
    """A folder with one deployment: noise whose level and colour change, on two days, with gaps."""

    # The last is 20 s of a minute: short. The second follows the first without a gap.
    STARTS = [
        (datetime.datetime(2021, 6, 1, 23, 57, 30, tzinfo=UTC), 60.0),
        (datetime.datetime(2021, 6, 1, 23, 58, 30, tzinfo=UTC), 135.0),
        (datetime.datetime(2021, 6, 2, 0, 5, 0, tzinfo=UTC), 180.0),
        (datetime.datetime(2021, 6, 2, 1, 0, 0, tzinfo=UTC), 20.0),
    ]

    def __init__(self, folder, calibration=""):
        folder.mkdir()
        self.folder = folder
        self.runs = []
        rng = np.random.default_rng(7)
        for moment, seconds in self.STARTS:
            count = int(seconds * RATE)
            t = np.arange(count) / RATE
            swell = 0.02 * (1.2 + np.sin(2 * np.pi * t / 47))
            sound = swell * rng.standard_normal(count) + 0.1 * np.sin(2 * np.pi * 63 * t) + 0.01
            soundfile.write(folder / f"x_{moment:%Y%m%d_%H%M%S}.wav", sound, RATE, subtype="FLOAT")
            sound = np.float32(sound).astype(float)
            start = nanos(moment)
            if self.runs and self.runs[-1][0] + len(self.runs[-1][1]) * 10**9 // RATE == start:
                self.runs[-1] = (self.runs[-1][0], np.concatenate([self.runs[-1][1], sound]))
            else:
                self.runs.append((start, sound))
        if calibration:
            (folder / "deployment.toml").write_text(f'name = "Test"\n{calibration}\n')

    def pieces(self, period_s):
        """Start in ns and samples of what was recorded of each period of the clock."""
        period_ns = round(period_s * 1e9)
        for start, sound in self.runs:
            at = 0
            while at < len(sound):
                now = start + round(at * 1e9 / RATE)
                period = now // period_ns
                end = min(len(sound), round(((period + 1) * period_ns - start) * RATE / 1e9))
                yield period * period_ns, sound[at:end]
                at = end

    def spectra(self, period_s, width, hop):
        """Mean power density of the frames of each period: starts, (periods, bins), seconds recorded."""
        window = scipy.signal.get_window("hann", width)
        rows = {}
        for start, piece in self.pieces(period_s):
            frames = np.lib.stride_tricks.sliding_window_view(piece, width)[::hop] if len(piece) >= width else []
            power = [np.abs(np.fft.rfft(frame * window)) ** 2 for frame in frames]
            sums, count, samples = rows.get(start, (0, 0, 0))
            rows[start] = (sums + np.sum(power, axis=0), count + len(power), samples + len(piece))
        scale = np.full(width // 2 + 1, 2.0)
        scale[[0, -1]] = 1
        scale /= RATE * np.sum(window**2)
        kept = sorted(s for s in rows if rows[s][1])
        means = np.array([rows[s][0] / rows[s][1] * scale for s in kept])
        return np.array(kept), means, np.array([rows[s][2] / RATE for s in kept])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("plain") / "site")


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    return Place(
        tmp_path_factory.mktemp("calibrated") / "site",
        f'[calibration]\nkind = "upa_per_fullscale"\ndb = {OFFSET_DB}',
    )


def make(place, out, *args):
    command = "levels" if "--product" in args else "ltsa"
    state = out.parent / "state"
    return json.loads(spyhop(command, place.folder, "--out", out, "--state", state, "--json", *args))


def db(power):
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power)


def bands(density, edges, bin_hz):
    """Power in bands (low, high) of a density whose bin k covers (k ± ½)·bin_hz; parts of bins count by part."""
    nyquist = (density.shape[-1] - 1) * bin_hz
    low = (np.arange(density.shape[-1]) - 0.5) * bin_hz
    high = np.minimum(low + bin_hz, nyquist)
    out = []
    for band_low, band_high in edges:
        share = np.clip(np.minimum(high, band_high) - np.maximum(low, band_low), 0, None)
        out.append(density @ share)
    return np.stack(out, axis=-1)


def recorded(ds):
    """The periods with data."""
    return ds.isel(time=ds.recorded_s.values > 0)


def test_an_ltsa_is_what_numpy_makes_of_the_samples_and_gaps_are_nan(plain, tmp_path):
    out = tmp_path / "ltsa.zarr"
    told = make(plain, out, "--average", 5, "--step", 10)
    starts, means, seconds = plain.spectra(5, RATE // 10, RATE // 10)
    assert told["periods"] == len(starts) and told["calibrated"] is False
    with xarray.open_zarr(out) as ds:
        assert ds.psd.dims == ("time", "frequency")
        assert {"frequency", "frequency_low", "frequency_high", "time"} == set(ds.coords)
        assert ds.psd.attrs["units"] == "dB re FS²/Hz" and ds.psd.encoding["dtype"] == np.int16
        assert "full scale" in ds.attrs["calibration"]
        np.testing.assert_allclose(ds.frequency.values, np.arange(201) * 10)
        times = ds.time.values.astype("int64")
        assert np.all(np.diff(times) == 5 * 10**9)
        there = recorded(ds)
        np.testing.assert_array_equal(there.time.values.astype("int64"), starts)
        np.testing.assert_allclose(there.psd.values, db(means), rtol=0, atol=STEPPED_DB)
        np.testing.assert_allclose(there.recorded_s.values, seconds)
        gaps = ds.isel(time=ds.recorded_s.values == 0)
        assert gaps.time.size > 0 and np.all(np.isnan(gaps.psd.values))


@pytest.mark.parametrize("edition", ["published", "corrected"])
def test_minutes_in_hybrid_millidecades_are_what_numpy_makes_of_the_samples(calibrated, tmp_path, edition):
    out = tmp_path / "hmd.zarr"
    told = make(calibrated, out, "--product", "hmd", "--edition", edition)
    starts, means, seconds = calibrated.spectra(60, RATE, RATE // 2)
    assert told["unit"] == "dB re 1 µPa²/Hz" and told["short"] == np.sum(seconds < 30)
    with xarray.open_zarr(out) as ds:
        assert ds.psd.attrs["long_name"] == "mean-square sound pressure spectral density level"
        assert edition in ds.attrs["millidecades"] and "176" in ds.attrs["calibration"]
        last = 455 if edition == "published" else 434
        np.testing.assert_allclose(ds.frequency.values[: last + 1], np.arange(last + 1))
        low, high = ds.frequency_low.values, ds.frequency_high.values
        np.testing.assert_allclose(low[1:], high[:-1])
        assert high[-1] == RATE / 2
        millidecade = np.log10(high[last + 1 : -1] / low[last + 1 : -1])
        np.testing.assert_allclose(millidecade, 1e-3, rtol=1e-6)
        there = recorded(ds)
        np.testing.assert_array_equal(there.time.values.astype("int64"), starts)
        np.testing.assert_array_equal(there.short.values, seconds < 30)
        expected = db(bands(means, zip(low, high), 1) / (high - low)) + OFFSET_DB
        np.testing.assert_allclose(there.psd.values, expected, rtol=0, atol=LEVEL_DB)


def test_decidecades_are_sums_over_the_spectrum_and_hold_63_and_125_hz(calibrated, tmp_path):
    out = tmp_path / "decidecades.zarr"
    make(calibrated, out, "--product", "decidecade", "--average", 10)
    starts, means, _ = calibrated.spectra(10, RATE, RATE // 2)
    with xarray.open_zarr(out) as ds:
        n = np.round(10 * np.log10(ds.frequency.values / 1000))
        np.testing.assert_allclose(ds.frequency.values, 1000 * 10 ** (n / 10))
        assert {-12, -9} <= set(n) and n[0] == -20 and np.all(np.diff(n) == 1)
        assert ds.band_level.attrs["long_name"] == "decidecade band sound pressure level"
        assert ds.band_level.attrs["units"] == "dB re 1 µPa"
        there = recorded(ds)
        np.testing.assert_array_equal(there.time.values.astype("int64"), starts)
        edges = [(1000 * 10 ** ((k - 0.5) / 10), 1000 * 10 ** ((k + 0.5) / 10)) for k in n]
        expected = db(bands(means, edges, 1)) + OFFSET_DB
        np.testing.assert_allclose(there.band_level.values, expected, rtol=0, atol=LEVEL_DB)


def test_broadband_levels_are_those_of_the_waveform(calibrated, plain, tmp_path):
    out = tmp_path / "spl.zarr"
    make(calibrated, out, "--product", "spl", "--average", 30)
    periods = {}
    for start, piece in calibrated.pieces(30):
        periods.setdefault(start, []).append(piece)
    whole = [np.concatenate(periods[s]) for s in sorted(periods)]
    rms = [x.std() for x in whole]
    peak = [np.abs(x - x.mean()).max() for x in whole]
    seconds = [len(x) / RATE for x in whole]
    with xarray.open_zarr(out) as ds:
        there = recorded(ds)
        np.testing.assert_array_equal(there.time.values.astype("int64"), sorted(periods))
        spl = 2 * db(rms) + OFFSET_DB
        np.testing.assert_allclose(there.spl.values, spl, rtol=0, atol=LEVEL_DB)
        np.testing.assert_allclose(
            there.zero_to_peak_level.values, 2 * db(peak) + OFFSET_DB, rtol=0, atol=LEVEL_DB)
        np.testing.assert_allclose(
            there.sound_exposure_level.values, spl + db(seconds), rtol=0, atol=LEVEL_DB)
        assert there.spl.attrs["units"] == "dB re 1 µPa" and ds.attrs["averaging_time_s"] == 30
    make(plain, tmp_path / "rms.zarr", "--product", "spl", "--average", 30)
    with xarray.open_zarr(tmp_path / "rms.zarr") as ds:
        assert "spl" not in ds and ds.rms_level.attrs["units"] == "dB re FS"
        np.testing.assert_allclose(recorded(ds).rms_level.values, spl - OFFSET_DB, rtol=0, atol=LEVEL_DB)


def test_a_calibration_by_frequency_counts_where_its_table_reaches(tmp_path):
    table = [[20, 170.0], [200, 180.0], [1000, 175.0]]
    place = Place(
        tmp_path / "site",
        f'[calibration]\nkind = "upa_per_fullscale"\ndb = {json.dumps(table)}')
    _, means, _ = place.spectra(60, RATE, RATE // 2)
    hz = np.arange(means.shape[1])
    table = np.array(table)
    with np.errstate(divide="ignore"):
        gain = np.interp(np.log(hz), np.log(table[:, 0]), table[:, 1], left=np.nan, right=np.nan)
    out = tmp_path / "spl.zarr"
    make(place, out, "--product", "spl")
    inside = (hz >= 20) & (hz <= 1000)
    expected = db(np.sum((means * 10 ** (gain / 10))[:, inside], axis=1))
    with xarray.open_zarr(out) as ds:
        assert ds.attrs["bands"].startswith("19.5 to 1000.5 Hz") and "zero_to_peak_level" not in ds
        np.testing.assert_allclose(recorded(ds).spl.values, expected, rtol=0, atol=LEVEL_DB)
    out = tmp_path / "ltsa.zarr"
    make(place, out, "--average", 60, "--step", 1)
    _, means, _ = place.spectra(60, RATE, RATE)
    with xarray.open_zarr(out) as ds:
        np.testing.assert_allclose(recorded(ds).psd.values, db(means) + gain, rtol=0, atol=STEPPED_DB)


def test_percentiles_and_probabilities_are_those_of_full_minutes(calibrated, tmp_path):
    starts, means, seconds = calibrated.spectra(60, RATE, RATE // 2)
    for_percentiles, for_spd = tmp_path / "percentiles.zarr", tmp_path / "spd.zarr"
    make(calibrated, for_percentiles, "--product", "percentiles")
    make(calibrated, for_spd, "--product", "spd")
    full = seconds >= 30
    with xarray.open_zarr(for_percentiles) as ds, xarray.open_zarr(for_spd) as spd:
        low, high = ds.frequency_low.values, ds.frequency_high.values
        levels = db(bands(means, zip(low, high), 1) / (high - low)) + OFFSET_DB
        day = starts // (86_400 * 10**9) * 86_400 * 10**9
        days = np.unique(day[full])
        assert len(days) == 2
        np.testing.assert_array_equal(ds.day.values.astype("int64"), days)
        np.testing.assert_array_equal(spd.day.values.astype("int64"), days)
        np.testing.assert_array_equal(ds.percentile.values, PERCENTILES)
        for i, one in enumerate(days):
            of_day = levels[full & (day == one)]
            assert ds.minutes.values[i] == len(of_day)
            np.testing.assert_allclose(
                ds.psd.values[i], np.percentile(of_day, PERCENTILES, axis=0), rtol=0, atol=LEVEL_DB)
        np.testing.assert_allclose(
            ds.psd_whole.values, np.percentile(levels[full], PERCENTILES, axis=0), rtol=0, atol=COUNTED_DB)
        edges = np.append(spd.level.values - 0.5, spd.level.values[-1] + 0.5)
        of_whole = spd.spd_whole.values
        np.testing.assert_allclose(of_whole.sum(axis=1), 1, rtol=1e-5)
        for band in range(0, len(low), 50):
            expected, _ = np.histogram(levels[full][:, band], edges, density=True)
            # A level within the tolerance of an edge may fall on either side of it.
            off = np.abs(of_whole[band] - expected).sum()
            near = np.sum(np.abs(levels[full][:, band][:, None] - edges).min(axis=1) < LEVEL_DB)
            assert off <= 2 * near / np.sum(full) + 1e-5
        weighted = (spd.spd.values * ds.minutes.values[:, None, None]).sum(axis=0) / np.sum(full)
        np.testing.assert_allclose(weighted, of_whole, rtol=0, atol=1e-5)


def test_a_store_becomes_netcdf_as_soundcoop_has_it(calibrated, tmp_path):
    make(calibrated, tmp_path / "psd.zarr", "--product", "hmd")
    with xarray.open_zarr(tmp_path / "psd.zarr") as ds:
        ds.to_netcdf(tmp_path / "psd.nc", engine="h5netcdf")
    with xarray.open_zarr(tmp_path / "psd.zarr") as zarr, xarray.open_dataset(tmp_path / "psd.nc") as netcdf:
        xarray.testing.assert_identical(zarr.load(), netcdf.load())
        assert netcdf.psd.dims == ("time", "frequency") and netcdf.attrs["title"].endswith("Test")


def test_csv_has_a_row_for_each_period_with_data_and_units_in_its_header(calibrated, tmp_path):
    out = tmp_path / "spl.csv"
    make(calibrated, out, "--product", "spl")
    header, *rows = out.read_text().splitlines()
    assert header == (
        "time,recorded_s,short,sound pressure level (dB re 1 µPa),"
        "zero-to-peak level (dB re 1 µPa),sound exposure level (dB re 1 µPa²·s)")
    first = rows[0].split(",")
    assert first[:3] == ["2021-06-01T23:57:00.000000000Z", "30", "false"]
    assert rows[-1].split(",")[1:3] == ["20", "true"]
    make(calibrated, tmp_path / "bands.csv", "--product", "decidecade")
    assert ",63 Hz (dB re 1 µPa)," in (tmp_path / "bands.csv").read_text()


def test_what_can_not_be_meant_is_refused_before_work_begins(plain, tmp_path):
    def refused(*args):
        done = subprocess.run(
            [SPYHOP, *map(str, args), "--state", tmp_path / "state"], capture_output=True, text=True, check=False)
        assert not (tmp_path / "state" / "products").exists()
        return done.returncode, done.stderr

    levels = ["levels", plain.folder, "--product"]
    for args in (
        [*levels, "hmd", "--average", 5, "--out", tmp_path / "a.csv"],
        [*levels, "spl", "--edition", "corrected", "--out", tmp_path / "a.csv"],
        [*levels, "hmd", "--out", tmp_path / "a.txt"],
        ["ltsa", plain.folder, "--average", 0, "--out", tmp_path / "a.csv"],
    ):
        assert refused(*args)[0] == 2
    code, said = refused("ltsa", plain.folder, "--step", 0.01, "--out", tmp_path / "a.csv")
    assert code == 1 and "average over more" in said
    code, said = refused("ltsa", plain.folder.parent / "nowhere", "--out", tmp_path / "a.csv")
    assert code == 1
    second = tmp_path / "two"
    second.mkdir()
    for name in "a", "b":
        Place(second / name)
    code, said = refused("ltsa", second, "--out", tmp_path / "a.csv")
    assert code == 1 and "--deployment ID, one of a, b" in said
    spyhop("ltsa", second, "--deployment", "b", "--out", tmp_path / "b.csv", "--state", tmp_path / "other")


def test_a_recording_that_is_cut_off_is_left_out_and_told_of(tmp_path):
    place = Place(tmp_path / "site")
    (place.folder / "x_20210603_000000.wav").write_bytes(b"RIFF")
    done = subprocess.run(
        [SPYHOP, "ltsa", place.folder, "--out", tmp_path / "a.csv", "--state", tmp_path / "state", "--json"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    left = json.loads(done.stdout)["left_out"]
    assert [one["name"] for one in left] == ["x_20210603_000000.wav"]
