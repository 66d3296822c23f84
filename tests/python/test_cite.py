"""*Cite this view*: the Python that goes along gives the program's numbers, and a picture."""

import contextlib
import io
import json
import runpy
import subprocess
import sys
import urllib.request

import matplotlib.image
import numpy as np
import pytest
import soundfile
from conftest import SPYHOP

RATE = 16000
# Measures are taken in float32 there and in float64 here: of what lies within 60 dB of full scale.
LEVEL_DB = 2e-3
# A sample of the band's energy, and a thousandth of a bin.
TOLERANCES = {"rms_db": LEVEL_DB, "peak_db": LEVEL_DB, "exposure_db": LEVEL_DB,
              "peak_density_db": LEVEL_DB, "peak_hz": 0.02, "duration_90_s": 1 / RATE}
SELECTED = "sel=2024-06-01T12:00:02.5Z_1.25_800-3000"
VIEWS = {
    "a selection": f"t=2024-06-01T12:00:01Z&span=4&{SELECTED}",
    "all that is shown": "t=2024-06-01T12:00:02Z&span=2&f=500-4000",
    "another window": f"{SELECTED}&fft=2048.1000.300.spectrum.kaiser8.6&axis=log&cm=viridis",
    "a symmetric window": f"{SELECTED}&fft=512.512.128.density.hann-sym&flat=4&db=-10..30",
    "across a gap": "t=2024-06-01T12:00:06Z&span=8&f=100-5000",
    "a selection behind a fold": "gaps=collapsed&t=2024-06-01T12:00:06Z&span=8&"
                                 "sel=2024-06-01T12:00:14.5Z_1.25_800-3000&flat=4",
    "one recording of several": "src=set:bay/x_20240601_120012.wav&t=2024-06-01T12:00:13Z&span=1",
    "a mel axis, flattened": f"{SELECTED}&t=2024-06-01T12:00:01Z&span=3&axis=mel&flat=6",
}
CALIBRATIONS = {
    "full scale": "",
    "one number": "[calibration]\nkind = 'upa_per_fullscale'\ndb = 176.0\n",
    "a table": "[calibration]\nkind = 'v_per_upa'\nsensitivity_db = [[200, -170], [1000, -165.5], [6000, -180]]\n"
               "gain_db = 20.0\nadc_peak_v = 1.0\n",
}


@contextlib.contextmanager
def served(folder, state):
    """A server of a folder; its address."""
    command = [SPYHOP, "serve", "--listen", "127.0.0.1:0", "--data", folder, "--state", state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            lines = iter(server.stdout.readline, "")
            yield next(line.split()[1] for line in lines if line.startswith("Open "))
        finally:
            server.terminate()


@pytest.fixture(scope="module", params=CALIBRATIONS)
def place(request, tmp_path_factory):
    """A server of eight seconds with a glide in noise, a gap, and eight more."""
    folder = tmp_path_factory.mktemp("place")
    bay = folder / "bay"
    bay.mkdir()
    rng = np.random.default_rng(11)
    t = np.arange(8 * RATE) / RATE
    glide = 0.2 * np.sin(2 * np.pi * (900 * t + 120 * t ** 2)) * ((t > 2.7) & (t < 3.4))
    for minute, second in ((0, 0), (0, 12)):
        sound = glide + 0.004 * rng.standard_normal(len(t)) + 0.03
        name = bay / f"x_20240601_12{minute:02}{second:02}.wav"
        soundfile.write(name, sound, RATE, subtype="FLOAT")
    (bay / "deployment.toml").write_text(f"name = 'Bay'\n{CALIBRATIONS[request.param]}")
    with served(folder, folder / "state") as address:
        yield address


def fetched(address):
    """What lies at an address."""
    with urllib.request.urlopen(address) as answer:
        return answer.read()


def cite(place, query):
    """A view, cited."""
    return json.loads(fetched(f"{place}api/v1/view/cite/cite.json?{query}"))


def ran(cited, folder):
    """The numbers that the script of a citation prints when it is run in a folder."""
    script = folder / "view.py"
    script.write_text(cited["python"])
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("view", VIEWS)
def test_the_script_of_a_citation_gives_the_programs_numbers(place, view, tmp_path):
    named = VIEWS[view] if VIEWS[view].startswith("src=") else f"src=set:bay&{VIEWS[view]}"
    cited = cite(place, f"v=1&{named}")
    assert cited["fingerprint"] in cited["text"]
    assert ("x_20240601_120012.wav" if "/" in named else "Bay") in cited["text"]
    numbers = ran(cited, tmp_path)
    assert set(numbers) == set(TOLERANCES)
    for name, tolerance in TOLERANCES.items():
        expected = cited["measures"][name]
        assert abs(numbers[name] - expected) <= tolerance, (name, numbers[name], expected)
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_a_folded_view_is_cited_with_what_is_left_out(place, tmp_path):
    cited = cite(place, "v=1&src=set:bay&t=2024-06-01T12:00:06Z&f=100-5000&span=8&gaps=collapsed")
    assert cited["measures"] is None
    assert ("8 s in 2 stretches from 2024-06-01T12:00:06Z to 2024-06-01T12:00:18Z (left out between them: "
            "2024-06-01T12:00:08Z to 2024-06-01T12:00:12Z), 100 Hz to 5 kHz") in cited["text"]
    assert ran(cited, tmp_path) == {}
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_the_script_of_a_folded_view_takes_recordings_of_these_names(place, tmp_path, monkeypatch):
    cited = cite(place, "v=1&src=set:bay&t=2024-06-01T12:00:06Z&span=8&gaps=collapsed&flat=6")
    script = tmp_path / "view.py"
    script.write_text(cited["python"])
    names = ["x_20240601_120000.wav", "x_20240601_120012.wav"]
    for name in names:
        (tmp_path / name).write_bytes(fetched(f"{place}data/bay/{name}"))
    pictures = []
    for given in ([], [str(tmp_path / name) for name in names]):
        monkeypatch.setattr(sys, "argv", ["view.py", *given])
        made = runpy.run_path(str(script))
        pictures.append(made["picture"](made["samples"]()))
    for by_net, by_file in zip(*pictures):
        np.testing.assert_array_equal(by_net, by_file)


# Frames of each hop, frames of each pixel, and what flattening takes away, on the three axes.
PICTURES = {
    "each hop": "t=2024-06-01T12:00:01Z&span=6.5&f=200-4000&fft=256.256.32.density.hann",
    "each pixel": "t=2024-06-01T12:00:02.650000012Z&span=0.3&f=400-3000&axis=log",
    "flattened over columns of one frame": "t=2024-06-01T12:00:01Z&span=5&axis=mel&flat=2",
    "folded": "t=2024-06-01T12:00:05.2Z&span=6.5&f=200-4000&fft=256.256.32.density.hann&gaps=collapsed",
    "folded, flattened from both sides": "t=2024-06-01T12:00:07Z&span=2&gaps=collapsed&flat=8",
    "in a gap, flattened from both sides": "t=2024-06-01T12:00:06.5Z&span=6&flat=5",
    "flattened over columns of some frames": "t=2024-06-01T12:00:01Z&span=5&fft=256.256.32.density.hann&flat=7",
}


def plot_of(png):
    """What lies within the axes of a preview, by the colour of its axes; grey from 0 to 1."""
    pixels = np.round(matplotlib.image.imread(io.BytesIO(png))[..., :3] * 255).astype(int)
    is_axis = np.all(np.abs(pixels - (0x66, 0x75, 0x8A)) < 4, axis=2)

    def between(lines):
        """The lines on both sides of the widest gap between the long ones."""
        long = np.flatnonzero(lines > 0.8 * lines.max())
        widest = np.argmax(np.diff(long))
        return slice(long[widest] + 1, long[widest + 1])

    rows = between(is_axis.sum(axis=1))
    columns = between(is_axis[:, :int(0.93 * is_axis.shape[1])].sum(axis=0))
    return pixels[rows, columns, 0] / 255


@pytest.mark.parametrize("view", PICTURES)
def test_the_script_of_a_citation_gives_the_programs_picture(place, view, tmp_path, monkeypatch):
    low, high = (0, 30) if "flat" in view else (-110, -30)
    query = f"v=1&src=set:bay&{PICTURES[view]}&cm=grey&peak=mean"
    if "flat" not in view:
        # What is folded is not measured.
        peak = round(cite(place, query.replace("gaps=collapsed", ""))["measures"]["peak_density_db"])
        low, high = peak - 70, peak
    query += f"&db={low}..{high}"
    script = tmp_path / "view.py"
    script.write_text(cite(place, query)["python"])
    # It takes the samples from a file that it is given: here it is given none.
    monkeypatch.setattr(sys, "argv", ["view.py"])
    made = runpy.run_path(str(script))
    hz, seconds, level = made["picture"](made["samples"]())
    plot = plot_of(fetched(f"{place}api/v1/view/preview.png?{query}"))
    warp = {"linear": (lambda f: f, lambda u: u), "log": (np.log, np.exp),
            "mel": (lambda f: np.log1p(f / 700), lambda u: 700 * np.expm1(u))}[made["AXIS"]]
    ends = warp[0](np.array(made["SHOWN_HZ"]))
    places = 1 - (np.arange(plot.shape[0]) + 0.5) / plot.shape[0]
    rows_hz = warp[1](ends[0] + places * (ends[1] - ends[0]))
    span = made["SHOWN_S"]
    columns_s = (np.arange(plot.shape[1]) + 0.5) / plot.shape[1] * span
    # A pixel shows the mean power of the frames in it, one that is narrower the nearest of them.
    half = span / plot.shape[1] / 2
    away = np.abs(seconds[None, :] - columns_s[:, None])
    inside = (away < half) | (away == away.min(axis=1, keepdims=True))
    pooled = [10 * np.log10(np.mean(10 ** (level[:, some] / 10), axis=1)) for some in inside]
    levels = np.array([np.interp(rows_hz, hz, column) for column in pooled]).T
    expected = np.clip((levels - low) / (high - low), 0, 1)
    known = np.isfinite(expected) & (rows_hz > 300)[:, None]
    apart_db = np.abs(plot - expected)[known] * (high - low)
    # Pixels lie between frames and between bins: the picture's are as near as a step of either allows.
    assert np.median(apart_db) < 2.0, np.percentile(apart_db, [50, 90, 99])
    assert abs(np.mean((plot - expected)[known])) * (high - low) < 0.5
