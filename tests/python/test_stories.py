"""The demo's stories: what their boxes say is so in the samples, and their captions are WebVTT."""

import datetime
import re
import tomllib

import numpy as np
import pytest
from conftest import decode, spyhop
from scipy.signal import spectrogram

STORY = "listening-for-right-whales"
FILE_S = 900
# A cue's times as in the recommendation: hours of two digits or more, minutes and seconds below 60.
TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"


@pytest.fixture(scope="module", params=[1, 5])
def demo(request, tmp_path_factory):
    """A demo of the Bank alone, and its story."""
    folder = tmp_path_factory.mktemp("demo")
    spyhop("demo", folder, "--seed", request.param, "--only", "bank-in-march")
    assert [p.name for p in (folder / "stories").iterdir()] == [f"{STORY}.toml"]
    return folder, tomllib.loads((folder / "stories" / f"{STORY}.toml").read_text())


def boxes(story, text):
    """The boxes of a text: begin, length, lower and upper edge."""
    for step in story["steps"]:
        for mark in step.get("marks", []):
            if mark["text"] == text:
                begin = datetime.datetime.fromisoformat(mark["at"][:26] + "+00:00")
                yield begin, mark["lasts_s"], mark["low_hz"], mark["high_hz"]


def samples(folder, begin, length_s, scratch):
    """Samples of the Bank from a clock time on."""
    names = sorted((folder / "bank-in-march").glob("*.wav"))
    # The files' names are in EST.
    def starts(name):
        stamp = "".join(name.name.split("_")[2:4])
        return datetime.datetime.strptime(stamp + "+0000", "%Y%m%d%H%M%S%z") + datetime.timedelta(hours=5)
    name = [n for n in names if starts(n) <= begin][-1]
    first = round((begin - starts(name)).total_seconds() * 2000)
    return decode(name, scratch)[first:first + round(length_s * 2000), 0]


def test_a_box_that_says_upcall_holds_a_sound_that_rises(demo, tmp_path):
    folder, story = demo
    begin, length_s, low, high = next(boxes(story, "upcall"))
    assert 0.4 < length_s < 1.6 and 40 < low < high < 350
    around = samples(folder, begin - datetime.timedelta(seconds=0.5), length_s + 1.0, tmp_path)
    hz, s, power = spectrogram(around, 2000, "hann", 256, 224, 1024)
    within = (hz >= low - 10) & (hz <= high + 10)
    during = (s > 0.5 + 0.1 * length_s) & (s < 0.5 + 0.9 * length_s)
    ridge = hz[within][np.argmax(power[within][:, during], axis=0)]
    third = len(ridge) // 3
    # A tenth of the band is more than a bin (2 Hz) and what smears it.
    assert np.median(ridge[-third:]) - np.median(ridge[:third]) > 0.3 * (high - low)
    before = power[within][:, s < 0.4].mean()
    assert power[within][:, during].mean() > 2 * before, "it stands out of what was there before"


def test_a_box_that_says_humpback_is_shorter_and_steeper(demo):
    _, story = demo
    _, upcall_s, low, high = next(boxes(story, "upcall"))
    _, humpback_s, from_hz, to_hz = next(boxes(story, "humpback"))
    assert humpback_s < upcall_s
    assert (to_hz - from_hz) / humpback_s > (high - low) / upcall_s


def cues(text):
    """Reads WebVTT by its grammar, strictly: the begin, the end and the text of each cue."""
    blocks = text.rstrip("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    for block in blocks[1:]:
        timing, *lines = block.split("\n")
        found = re.fullmatch(f"{TIME} --> {TIME}", timing)
        assert found, timing
        h, m, s, ms, *end = map(int, found.groups())
        begin = 3600 * h + 60 * m + s + ms / 1000
        end = 3600 * end[0] + 60 * end[1] + end[2] + end[3] / 1000
        assert begin < end and lines, block
        for line in lines:
            assert line and "-->" not in line and "<" not in line
            assert not re.search(r"&(?!amp;|lt;|gt;)", line), line
        yield begin, end, " ".join(lines)


def test_captions_are_web_vtt_and_tell_the_whole_story(demo, tmp_path):
    folder, story = demo
    vtt = spyhop("story", "captions", STORY, "--data", folder, "--state", tmp_path / "state")
    found = list(cues(vtt))
    begins = [begin for begin, _, _ in found]
    assert begins == sorted(begins) and begins[0] == 0
    told = " ".join(text for _, _, text in found if not text.startswith("["))
    for step in story["steps"]:
        plain = re.sub(r"[*`]", "", step["text"]).split()
        # The words of a step stand in the captions in their order.
        assert " ".join(plain[:8]).replace("&", "&amp;") in told, plain
    assert any(text == "[right whale upcall]" for _, _, text in found)
    assert max(len(text) for _, _, text in found if not text.startswith("[")) < 300


def test_the_demos_stories_pass_their_own_check(demo, tmp_path):
    folder, story = demo
    said = spyhop("story", "check", folder / "stories" / f"{STORY}.toml", "--data", folder,
                  "--state", tmp_path / "state")
    assert f"{len(story['steps'])} steps" in said
