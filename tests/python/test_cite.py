"""*Cite this view*: the Python that goes along gives the program's numbers, and a picture."""

import contextlib
import json
import subprocess
import sys
import urllib.request

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


@pytest.mark.parametrize("view", VIEWS)
def test_the_script_of_a_citation_gives_the_programs_numbers(place, view, tmp_path):
    query = f"v=1&src=set:bay&{VIEWS[view]}"
    with urllib.request.urlopen(f"{place}api/v1/view/cite/cite.json?{query}") as answer:
        cited = json.load(answer)
    assert "Bay" in cited["text"] and cited["fingerprint"] in cited["text"]
    script = tmp_path / "view.py"
    script.write_text(cited["python"])
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    assert set(numbers) == set(TOLERANCES)
    for name, tolerance in TOLERANCES.items():
        expected = cited["measures"][name]
        assert abs(numbers[name] - expected) <= tolerance, (name, numbers[name], expected)
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")
