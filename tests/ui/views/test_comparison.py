import re
from dataclasses import replace
from html import unescape

import pytest

from tagifai.comparison.results import Comparison, DiffRow
from tagifai.ui.views.comparison import (
    render_changes,
    render_overall,
    render_tags,
    render_version_notes,
)


def row(name, diff, low=None, high=None, verdict="can't tell", support=20, metric="f1"):
    return DiffRow(name, metric, support, 0.5, 0.5 + diff, diff, low, high, 0.5, verdict)


TAGS = (
    row("sure", 0.1, 0.05, 0.15, "better"),
    row("noisy", 0.44, 0.0, 0.8),
    row("few", 0.6, verdict="too few", support=3),
    row("steady", 0.02, -0.01, 0.05),
    row("down", -0.2, -0.3, -0.1, "worse"),
    row("same", 0.0, verdict="unchanged"),
)
RESULT = Comparison.from_dict(
    {
        "a": "v1", "b": "v2", "basis": "paired", "shared": 240, "primary": "weighted f1",
        "left_out": {}, "note": None, "level": 0.95, "resamples": 2000, "seed": 0,
        "overall": [], "slices": [], "behavioral": [], "params": [], "behavioral_flips": {},
        "tags": [], "flips": None,
    }
)  # fmt: skip


def cells(markup):
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", markup, re.S)
    return [
        [
            " ".join(unescape(re.sub("<[^>]*>", "", cell)).split())
            for cell in re.findall(r"<td.*?</td>", one)
        ]
        for one in rows
    ]


def test_only_verdicts_are_counted_as_improvements_and_regressions():
    result = replace(RESULT, tags=TAGS)
    heading = re.compile("<h4>(.*?)</h4>")

    assert heading.search(render_changes(result, "f1", 1))[1] == (
        "▲ Improvements in f1: 1 (3 more higher without a verdict)"
    )
    assert heading.search(render_changes(result, "f1", -1))[1] == "▼ Regressions in f1: 1"
    assert "Nothing is higher." in render_changes(RESULT, "f1", 1)


def test_the_surest_change_comes_first_and_the_noisiest_last():
    listed = [line for line in cells(render_changes(replace(RESULT, tags=TAGS), "f1", 1)) if line]

    assert [line[1] for line in listed] == ["sure", "noisy", "steady", "few"]
    assert listed[0][2:] == ["▲ +10.0 (+5.0 to +15.0)", "0.500 → 0.600", "▲ better", "20"]
    assert listed[1][2] == "↗ +44.0 (+0.0 to +80.0)"
    assert listed[3][2:] == ["↗ +60.0", "0.500 → 1.100", "too few", "3"]


def test_every_tag_has_its_verdict_in_words():
    table = render_tags(replace(RESULT, tags=TAGS).rows("tags", "f1"), RESULT.a, RESULT.b)
    shown = cells(table)

    verdicts = {line[0]: line[5] for line in shown if line}
    assert verdicts == {
        "sure": "▲ better", "noisy": "can't tell", "few": "too few", "steady": "can't tell",
        "down": "▼ worse", "same": "unchanged",
    }  # fmt: skip
    assert "by the end of the interval that is nearer to zero" in table


@pytest.mark.parametrize(("metric", "names"), [("f1", ["cv"]), ("recall", ["nlp"])])
def test_what_is_shown_is_of_the_chosen_metric(metric, names):
    tags = (row("cv", 0.1), row("nlp", 0.1, metric="recall"))
    table = render_tags(replace(RESULT, tags=tags).rows("tags", metric), RESULT.a, RESULT.b)

    assert [line[0] for line in cells(table) if line] == names


def test_behavior_is_drawn_with_the_overall_figures_and_its_interval():
    behavioral = row("all", -0.1, -0.2, -0.02, "worse", 90, "score")
    matcher = row("all", 0.0, verdict=None, support=90, metric="name_matcher")
    drawn = render_overall(replace(RESULT, behavioral=(behavioral, matcher)), "f1")

    assert drawn.count("<title>behavioral score: ") == 1
    assert "95 % interval -20.0 to -2.0" in drawn


def test_notes_of_versions_are_shown_once_each():
    notes = {"v1": "9 left out.", "v2": "9 left out.", "v3": "8 <b>left</b> out."}
    assert render_version_notes(notes) == (
        '<p class="minor">v1, v2: 9 left out. v3: 8 &lt;b&gt;left&lt;/b&gt; out.</p>'
    )
    assert render_version_notes({}) == ""


def test_of_many_versions_the_latest_are_named():
    shown = render_version_notes({f"v{number}": "9 left out." for number in range(13)})
    assert shown == (
        '<p class="minor">3 earlier versions, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12: '
        "9 left out.</p>"
    )
