"""Figures of scored windows, as the scikit-learn at hand tells them: still those that ours are tested against."""

import importlib.util
import json
import pathlib

import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "server/train/tests/fixtures"
SPEC = importlib.util.spec_from_file_location("sklearn_scores", FIXTURES / "sklearn_scores.py")
SCORES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCORES)
KEPT = json.loads((FIXTURES / "sklearn_scores.json").read_text())
# As in server/train/tests/evaluation.rs: at most 300 doubles are added, in any order.
TOLERANCE = 1e-12


def numbers(value, at=""):
    """Every number of nested JSON with where it stands; no number (inf of a first threshold) as it is."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from numbers(below, f"{at}.{key}")
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from numbers(below, f"{at}[{place}]")
    else:
        yield at, value


@pytest.mark.parametrize("place", range(len(KEPT)), ids=[case["name"] for case in KEPT])
def test_scikit_learn_tells_what_the_fixture_keeps(place):
    case = KEPT[place]
    now = SCORES.case(case["name"], case["scores"], case["positive"])
    # Once through JSON, as the fixture went.
    now, kept = dict(numbers(json.loads(json.dumps(now)))), dict(numbers(case))
    assert now.keys() == kept.keys()
    for at, value in kept.items():
        if isinstance(value, (bool, str)):
            assert now[at] == value, at
        else:
            assert now[at] == pytest.approx(value, rel=0, abs=TOLERANCE), at
