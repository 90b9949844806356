import re

import numpy as np
import pytest

from tagifai.inspection import BestThreshold, tag_table, threshold_metrics
from tagifai.metrics.calibration_check import check_calibration, miscalibrated_tags
from tagifai.predictions import Predictions
from tagifai.services.inspection import SliceRow
from tagifai.ui.views.inspection import (
    render_best,
    render_calibration,
    render_figures,
    render_miscalibrated,
    render_reliability,
    render_slices,
    render_tags,
)

HOSTILE = "<img src=x onerror='alert(1)'>"


def checked(prob, tag="a"):
    half = np.arange(200)[:, None] % 2
    return Predictions.of(range(200), ["test"] * 200, [tag], half, np.full((200, 1), prob))


@pytest.mark.parametrize(
    ("prob", "kind", "grade"),
    [(0.5, "good", "fine"), (0.54, "good", "fine"), (0.6, "warning", "off")],
)
def test_the_calibration_note_has_its_grade_and_its_reference_once(prob, kind, grade):
    shown = render_calibration(check_calibration(checked(prob)))
    assert f'class="notice {kind}" data-grade="{grade}"' in shown
    assert f"These probabilities are {grade}:" in shown
    assert shown.count("Guo et al.") == shown.count("https://arxiv.org/abs/1706.04599") == 1


def test_tags_that_are_off_are_named_and_listed():
    predictions = checked(0.9, HOSTILE)
    off = miscalibrated_tags(predictions)
    note = render_calibration(check_calibration(predictions), off)
    assert "Tags off: &lt;img src=x" in note
    table = render_miscalibrated(off)
    assert "0.400" in table
    assert "too high" in table
    assert "<img" not in note + table
    assert "No tag" in render_miscalibrated([])


def test_a_reliability_diagram_has_its_gap_and_for_a_tag_its_grade():
    predictions = checked(0.9)
    pooled = render_reliability(check_calibration(predictions), "all tags, pooled")
    assert "top-1 ECE, equal-mass bins; by chance 0.0" in pooled
    assert "0.400" in pooled
    assert "These probabilities are off" not in pooled
    of_tag = render_reliability(check_calibration(predictions, "a"), "a")
    assert "These probabilities are off" in of_tag
    assert "top-1" not in of_tag


def test_what_was_never_predicted_has_a_diagram_without_a_point():
    shown = render_reliability(check_calibration(checked(0.01), split="train"), "a")
    assert "No probability is above 0.05." in shown


def test_undefined_figures_are_dashes():
    p = Predictions.of("ab", ["test"] * 2, ["none", "some"], [[0, 1], [0, 0]], [[0.1, 0.9]] * 2)
    tile = render_figures(threshold_metrics(p, "none", 0.5))
    for name in ("precision", "recall", "F1"):
        assert f"<b>–</b>{name}" in tile
    assert "No project carries this tag here: figures shown as – are undefined." in tile
    assert "Fewer than ten" not in tile
    assert "Fewer than ten" in render_figures(threshold_metrics(p, "some", 0.5))
    rows = tag_table(p, {"none": 0.5, "some": 0.5})
    table = render_tags(rows)
    assert table.index("some") < table.index("none")
    row = re.search(r"<tr[^>]*>(?:(?!</tr>).)*none.*?</tr>", table, re.DOTALL)
    assert row is not None
    assert row[0].count("–") == 4
    assert "0.000" not in row[0]
    found = BestThreshold(0.5, "f1", "train+val", chosen=rows[0], test=rows[1])
    assert "precision –, recall –, F1 –" in render_best(found, "none")


def test_slices_show_intervals_and_grey_those_of_few_projects():
    figures = {"description": "", "f1": 0.5, "precision": 0.25, "recall": None}
    shown = render_slices(
        [
            SliceRow(slice="many", **figures, num_samples=12, intervals={"f1": (0.375, 0.625)}),
            SliceRow(slice="few", **figures, num_samples=9, intervals={}),
        ]
    )
    assert '0.500 <span class="minor">0.375 to 0.625</span>' in shown
    many, few = shown.split("<tr")[-2:]
    assert 'class="few"' not in many
    assert 'class="few"' in few
    assert "to" not in few.split("</tr>")[0]
    assert "–" in many
