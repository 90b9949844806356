import json
import random
from pathlib import Path

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.store.fast_reader import FigureReader
from tagifai.store.history import flatten_performance
from tagifai.store.versions import parse_performance

REAL = sorted((Path(__file__).parents[2] / "model").glob("*/performance.json"))
ROW = {"precision": 0.75, "recall": 0.5, "f1": 0.6, "num_samples": 9}
SCORED = {"score": 0.25, "num_samples": 4}
SMALL = {
    "overall": {
        **ROW,
        "num_tags": {"precision": 2, "f1": 1},
        "macro": {**ROW, "f1": 1, "num_tags": {"f1": 2}},
        "samples": {**ROW, "num_projects": {"f1": 9}},
        "brier": 1e-5,
        "ece": 0.1,
    },
    "class": {"cv": {**ROW, "num_predicted": 3, "average_precision": 0.5}, "nlp": ROW},
    "slices": {
        "overall": {**ROW, "num_slices": {"f1": 2}},
        "class": {"short": ROW, "overall": ROW},
    },
    "behavioral": {
        **SCORED,
        "skipped": 1,
        "by_part": {"name recognition": {**SCORED, "name_matcher": 0.99}},
        "by_type": {"INV": SCORED},
        "by_group": {"typos": SCORED},
        "results": {"passed": [{"type": "INV"}], "failed": []},
    },
}
TEXT = json.dumps(SMALL)
PLACES = {
    "a weighted figure": ("overall", "f1"),
    "one that is not a fraction": ("overall", "ece"),
    "an average": ("overall", "macro"),
    "an average's figure": ("overall", "macro", "recall"),
    "a note": ("overall", "note"),
    "a tag": ("class", "cv"),
    "a tag's figure": ("class", "cv", "precision"),
    "a tag's count": ("class", "nlp", "num_samples"),
    "a tag's note": ("class", "cv", "note"),
    "the tags": ("class",),
    "a tag's predictions": ("class", "cv", "num_predicted"),
    "how many tags are averaged": ("overall", "num_tags"),
    "how many are averaged alike": ("overall", "macro", "num_tags"),
    "how many projects": ("overall", "samples", "num_projects", "f1"),
    "how many slices": ("slices", "overall", "num_slices"),
    "the samples of all": ("overall", "num_samples"),
    "a slice's samples": ("slices", "class", "short", "num_samples"),
    "the slices": ("slices",),
    "the slices' average": ("slices", "overall"),
    "slices by name": ("slices", "class"),
    "a slice's figure": ("slices", "class", "short", "f1"),
    "a second slice of that name": ("slices", "class", "overall (slice)"),
    "the score": ("behavioral", "score"),
    "a count of tests": ("behavioral", "num_samples"),
    "scores by type": ("behavioral", "by_type"),
    "the name matcher's score": ("behavioral", "by_part", "name recognition", "name_matcher"),
    "scores by part": ("behavioral", "by_part"),
    "the score of a type": ("behavioral", "by_type", "INV", "score"),
    "a group called as a type": ("behavioral", "by_group", "INV"),
    "a group called as all": ("behavioral", "by_group", "all"),
    "the results": ("behavioral", "results"),
    "what passed": ("behavioral", "results", "passed"),
    "old results": ("behavioral_report",),
    "behavioral results": ("behavioral",),
    "all": ("overall",),
}
VALUES = (
    *(None, True, False, 0, 1, -1, 7, 0.5, -0.0, 1.5, -0.5, 5e-324, 1e308, 2**53 + 1, 2**63 + 1025),
    *(2**64 - 1, 2**64, 10**30, -(10**30), float("nan"), float("inf"), "0.5", "", [], [0.5], {}),
    *(ROW, {"f1": None}, {"score": 3}, {"f1": {"f1": 0.5}}, {"cv": ROW}, {"passed": 1}),
)


def exactly(content, where):
    return flatten_performance(parse_performance(content, where))


def answer(read, content):
    try:
        return read(content, "v1/performance.json")
    except TagifaiError as error:
        return str(error)


def assert_same(reader, content):
    found = answer(lambda *asked: reader.read(*asked).as_dict(), content)
    assert found == answer(exactly, content), content


def changed(path, value):
    performance = json.loads(TEXT)
    inner = performance
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return json.dumps(performance).encode()


def without(path):
    performance = json.loads(TEXT)
    inner = performance
    for name in path[:-1]:
        inner = inner[name]
    inner.pop(path[-1], None)
    return json.dumps(performance).encode()


def refuse(content, where):
    raise AssertionError(f"{where} is not read as usual")


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.parent.name)
def test_versions_of_ours_are_read_as_usual_with_the_same_figures_in_their_order(path):
    content = path.read_bytes()
    found = FigureReader(refuse).read(content, str(path)).as_dict()

    assert list(found.items()) == list(exactly(content, "").items())
    assert len(found) > 200


def test_versions_that_differ_in_figures_share_one_index():
    reader = FigureReader(refuse)
    first, second = (
        reader.read(changed(("class", "cv", "f1"), value), "v1") for value in (0.125, None)
    )
    f1, nowhere = ("class", "cv", "f1"), ("class", "none", "f1")

    assert first.places is second.places
    assert (first.choose([f1, nowhere]), second.choose([f1, nowhere])) == (
        [0.125, None],
        [None] * 2,
    )
    assert f1 not in second.as_dict()
    assert np.isfinite(first.values[first.places["overall", "macro", "f1"]])


def test_zeros_that_stand_for_nothing_to_count_are_undefined_in_both_readings():
    reader, undefined = FigureReader(exactly), 0
    chosen = random.Random(3)
    for _ in range(500):
        zeros = {name: chosen.choice([0, 0.0, 0.5, None]) for name in ROW}
        zeros["num_samples"] = chosen.choice([0, 0.0, 3, None])
        tag = {**zeros, "num_predicted": chosen.choice([0, 2, None])}
        score = {"score": chosen.choice([0, 0.5]), "num_samples": chosen.choice([0, 2])}
        content = json.dumps(
            {
                "overall": {**zeros, "macro": zeros},
                "class": {"cv": tag, "nlp": zeros},
                "slices": {"overall": zeros, "class": {"short": zeros}},
                "behavioral": {**score, "by_type": {"INV": score}},
            }
        ).encode()
        assert_same(reader, content)
        undefined += ("class", "nlp", "f1") not in exactly(content, "")
    assert undefined > 100


@pytest.mark.parametrize("place", PLACES)
def test_whatever_stands_at_a_place_is_read_or_refused_as_field_by_field(place):
    reader = FigureReader(exactly)
    for value in VALUES:
        assert_same(reader, changed(PLACES[place], value))
    assert_same(reader, without(PLACES[place]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.encode() + b" x",
        b" \n" + TEXT.encode() + b"\n",
        json.dumps(SMALL, indent=2).encode(),
        TEXT.replace('"f1": 0.6', '"f1": 0.6, "f1": 0.7').encode(),
        TEXT.replace('"f1": 0.6', '"f1": 7, "f1": 0.7').encode(),
        TEXT.replace('"nlp"', '"cv"').encode(),
        TEXT.replace('"brier": 1e-05', '"brier": 1e999').encode(),
        TEXT.replace("0.6", "0.6000000000000000055511151231257827").encode(),
        TEXT.replace("0.6", "-0").encode(),
        TEXT.replace("0.6", "06").encode(),
        TEXT.replace("0.6", "NaN").encode(),
        TEXT.replace('"nlp"', '"\\ud800"').encode(),
        TEXT.replace('"nlp"', '"\\u00e9\\ud83d\\ude00"').encode(),
        TEXT.replace('"nlp"', '"é😀"').encode(),
        TEXT.replace('"nlp"', '"\xff"').encode("latin-1"),
        TEXT.replace('"INV"}', '"\xff"}').encode("latin-1"),
        TEXT.replace('"INV"}', '"\\ud800"}').encode(),
        TEXT.replace('"INV"}', "1e999}").encode(),
        TEXT.replace('"INV"}', f"{10**30}}}").encode(),
        TEXT.replace('"INV"}', "[" * 5000 + "]" * 5000 + "}").encode(),
    ],
)
def test_odd_files_are_read_or_refused_as_field_by_field(content):
    assert_same(FigureReader(exactly), content)


def test_damaged_files_are_read_or_refused_as_field_by_field():
    chosen, reader = random.Random(7), FigureReader(exactly)
    for _ in range(2000):
        damaged = bytearray(TEXT.encode())
        for _ in range(chosen.randint(1, 3)):
            place = chosen.randrange(len(damaged))
            damaged[place : place + chosen.randint(0, 2)] = bytes(
                chosen.choices(
                    b'0123456789.-+eE"{}[]:,\\ tn\x00\x1f\x80\xff', k=chosen.randint(0, 2)
                )
            )
        assert_same(reader, bytes(damaged))
