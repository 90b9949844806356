"""A few runs of the simulation of calibration, and that it draws what it says."""

import re

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.statistics import calibration
from benchmarks.statistics.calibration import Fault, draw, judge, true_gap
from benchmarks.statistics.rows import Settings


def test_a_few_runs_keep_their_targets_as_far_as_chance_allows():
    rows = calibration.measure(Settings(scale=0.02, jobs=1))
    assert len({row.claim for row in rows}) == 15
    for row in rows:
        rate, runs = re.fullmatch(r"([\d.]+) % of ([\d,]+)", row.figure).groups()
        count, runs = round(float(rate) / 100 * int(runs)), int(runs)
        if row.target.startswith("≤"):
            assert count <= binom.ppf(0.9999, runs, 0.05), row
        elif row.claim.startswith("close calls"):
            assert row.passed, row
        elif row.claim.startswith("interval"):
            assert count >= binom.ppf(1e-4, runs, 0.93), row
        elif row.claim.endswith("one tag of 30"):
            assert count >= binom.ppf(1e-4, runs, 0.8), row


def test_probabilities_are_the_chances_and_tags_of_a_project_depend_on_each_other():
    made = draw(np.random.default_rng(0), 20_000, 20)
    residual = made.y_true - made.y_prob
    assert np.abs(residual.mean(axis=0)).max() < 0.012
    for least in (0.05, 0.2, 0.5):
        chosen = (made.y_prob > least) & (made.y_prob < 2 * least)
        assert made.y_true[chosen].mean() == pytest.approx(made.y_prob[chosen].mean(), abs=0.012)
    alone = (residual**2).sum(axis=1).mean()
    assert (residual.sum(axis=1) ** 2).mean() > 1.5 * alone


def test_a_fault_is_the_first_tags_alone():
    made = draw(np.random.default_rng(1), 20_000, 4, Fault(shift=1), faulty=1)
    residual = (made.y_true - made.y_prob).mean(axis=0)
    assert residual[0] > 0.05
    assert np.abs(residual[1:]).max() < 0.012
    assert [tag for tag, _ in judge(made)[1]] == ["tag-0"]
    centred = draw(np.random.default_rng(2), 20_000, 4, Fault(slope=0.5, centred=True))
    assert judge(centred)[0] == "off"


def test_the_gap_of_perfect_probabilities_is_none():
    assert true_gap(Fault()) < 1e-12
    assert true_gap(Fault(shift=0.5)) == pytest.approx(0.08, abs=0.01)
