import re
from dataclasses import replace

import pytest

from tagifai.charts.verdict import mark, name_figure, show_verdict
from tagifai.comparison.results import Comparison, DiffRow, Flips, LeftOut

RESULT = Comparison.from_dict(
    {
        "a": "v1", "b": "v2", "basis": "paired", "shared": 240, "primary": "weighted f1",
        "left_out": {}, "note": None, "level": 0.95, "resamples": 2000, "seed": 0,
        "overall": [], "slices": [], "behavioral": [], "params": [], "behavioral_flips": {},
        "tags": [
            {"name": name, "metric": "f1", "verdict": verdict}
            for name, verdict in zip(
                "abcdef",
                ["better", "better", "worse", "can't tell", "too few", "unchanged"],
                strict=True,
            )
        ],
        "flips": None,
    }
)  # fmt: skip


def told(primary="weighted f1", **changes):
    values = {"diff": 0.031, "low": 0.012, "high": 0.05, "verdict": "better", **changes}
    name, metric = primary.split()
    row = DiffRow(name, metric, 240, 0.6, 0.631, **values)
    shown = show_verdict(replace(RESULT, primary=primary, overall=(row,)))
    kind = re.match(r'<div class="notice (\w+)">', shown)[1]
    return kind, re.sub("<[^>]*>", "", shown)


def test_the_primary_figure_leads_and_verdicts_are_counted():
    kind, text = told()
    assert kind == "good"
    assert text == (
        "v2 is better than v1: F1 +3.1 points, 95 % interval +1.2 to +5.0, on 240 shared test "
        "projects. By tag: 2 better, 1 worse, 1 can't tell, 1 too few, 1 unchanged."
    )


@pytest.mark.parametrize(
    ("changes", "kind", "start"),
    [
        ({"verdict": "worse", "diff": -0.02}, "error", "v2 is worse than v1: F1 -2.0 points"),
        ({"verdict": "can't tell"}, "warning", "Can't tell v2 from v1: F1 +3.1 points, 95 %"),
        (
            {"verdict": "too few", "low": None, "high": None},
            "warning",
            "Too few to tell v2 from v1: F1 +3.1 points, on 240 shared test projects.",
        ),
        (
            {"verdict": "unchanged", "diff": 0.0, "low": None, "high": None},
            "warning",
            "Unchanged: v2 decides as v1 does, on 240 shared test projects.",
        ),
        ({"verdict": None}, "warning", "F1 +3.1 points (no verdict: see below)."),
        ({"diff": None, "verdict": None}, "warning", "No overall F1 that both versions have."),
    ],
)
def test_each_verdict_has_its_words(changes, kind, start):
    found, text = told(**changes)
    assert found == kind
    assert text.startswith(start)


def test_another_primary_figure_is_named():
    assert told("macro recall")[1].startswith("v2 is better than v1: macro recall +3.1 points")
    assert [name_figure(name) for name in ("weighted precision", "micro f1")] == [
        "precision", "micro F1",
    ]  # fmt: skip


def test_behavior_flips_and_what_is_left_out_are_told():
    result = replace(
        RESULT,
        behavioral=(DiffRow("all", "score", 90, 0.7, 0.5, -0.2, -0.3, -0.1, 0.001, "worse"),),
        flips=Flips(broke=3, fixed=1_200, both_wrong=5, pairs=4_000, negative_flip_rate=0.00075,
                    by_tag=()),
        left_out=LeftOut(7, ("1",), "7: <v1> was trained on it"),
        note="A note & more.",
    )  # fmt: skip
    shown = show_verdict(result)
    for part in (
        "On behavioral tests it is worse (-20.0 points).",
        "It fixed 1,200 decisions and broke 3 (negative-flip rate 0.07 %).",
        "7 test projects are left out (7: &lt;v1&gt; was trained on it).",
        "A note &amp; more.",
    ):
        assert part in shown


@pytest.mark.parametrize(
    ("verdict", "diff", "expected"),
    [
        ("better", 0.1, "▲"), ("worse", -0.1, "▼"), ("can't tell", 0.1, "↗"),
        ("too few", -0.1, "↘"), ("unchanged", 0.0, "="), (None, None, "="),
    ],
)  # fmt: skip
def test_a_direction_is_no_verdict(verdict, diff, expected):
    assert mark(verdict, diff) == expected
