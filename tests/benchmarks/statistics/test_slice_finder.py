"""A few runs of the simulation of the slice finder, and that it plants what it says."""

from functools import partial

import numpy as np
import pytest

from benchmarks.statistics import slice_finder as simulation
from benchmarks.statistics.rows import Settings
from tagifai.slices.finder import Condition


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(simulation, "POPULATION", simulation.CHUNK)


def test_a_few_runs_find_what_is_planted_and_nothing_else(small):
    rows = simulation.measure(Settings(scale=0.02, jobs=1))
    for row in rows:
        if row.claim.startswith("any slice"):
            # Of six runs with 5 % each, three come once in five hundred times.
            assert float(row.figure.partition(" ")[0]) < 50, row
        elif "one condition, 1,500" in row.claim:
            assert row.passed, row
        elif row.claim.startswith("gap"):
            assert abs(float(row.figure.partition(" ")[0].replace("−", "-"))) < 0.15, row
    assert len(rows) >= 8


@pytest.mark.parametrize("planted", [None, *sum(simulation.plantings(), ())])
def test_what_is_planted_is_worse_by_a_third_and_the_rest_is_not(small, planted):
    other = (Condition("column", "source", "5"),)
    slices = {(other, "recall"), (other, "precision")}
    if planted:
        slices.add((planted.conditions, planted.metric))
    gaps = simulation.true_gaps({planted: slices})
    for metric in ("recall", "precision"):
        assert gaps[planted, (other, metric)] == pytest.approx(0, abs=0.03)
    if planted:
        whole = {"recall": simulation.RECALL, "precision": simulation.PRECISION}[planted.metric]
        gap = gaps[planted, (planted.conditions, planted.metric)]
        assert gap == pytest.approx(whole / 3, abs=0.04)


def test_data_holds_what_was_drawn():
    rng = np.random.default_rng(0)
    drawn = simulation.draw(rng, 400)
    (planted, *_) = simulation.plantings()[0]
    predictions, projects = simulation.as_data(rng, drawn, planted)
    assert predictions.y_true.sum() == drawn.tags.sum()
    member = drawn.meets_all(planted.conditions)
    assert [p.extra["source"] == 3 for p in projects.values()] == member.tolist()
    hits = (predictions.y_true == 1) & (predictions.y_prob > 0.5)
    assert (hits[~member] == drawn.found[~member]).all()
    assert hits[member].sum() < drawn.found[member].sum()
    assert [len(p.title.split()) for p in projects.values()] == drawn.lengths.tolist()


def test_the_same_seed_finds_the_same():
    search = partial(simulation.find, simulation.plantings()[0], 600)
    assert search(3) == search(3)
