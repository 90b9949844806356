import numpy as np
import pytest

from benchmarks.statistics.simulation import as_predictions, behavioral_results, population, version
from tagifai.comparison.behavior import read_outcomes


@pytest.fixture(scope="module")
def drawn():
    pop = population(12, 400, 20, 100, changed=0.1, seed=3)
    return pop, pop.draw(np.random.default_rng(0), 60_000)


def test_rates_are_those_asked_for(drawn):
    pop, (y_true, *preds) = drawn
    assert y_true.mean(axis=0) == pytest.approx(pop.rate, rel=0.1)
    for place, y_pred in enumerate(preds):
        hits, wrong = (y_true & y_pred).sum(axis=0), (~y_true & y_pred).sum(axis=0)
        assert hits / y_true.sum(axis=0) == pytest.approx(pop.recall[place], abs=0.04)
        assert wrong / (~y_true).sum(axis=0) == pytest.approx(pop.false_rate[place], rel=0.2)


def test_true_figures_are_those_of_many_projects(drawn):
    pop, (y_true, *preds) = drawn
    for counts, y_pred in zip(pop.figures, preds, strict=True):
        hits = (y_true & y_pred).sum(axis=0)
        f1 = 2 * hits / (y_true.sum(axis=0) + y_pred.sum(axis=0))
        assert counts.figures()["f1"] == pytest.approx(f1, abs=0.04)


def test_tags_depend_on_each_other_and_versions_on_what_is_hard(drawn):
    _, (y_true, a, b) = drawn
    missed = [(y_true & ~y_pred).sum(axis=1) > 0 for y_pred in (a, b)]
    assert np.corrcoef(*missed)[0, 1] > 0.2
    together = np.corrcoef(y_true.T) - np.eye(12)
    assert np.abs(together).max() > 0.05


def test_without_a_change_versions_are_exchangeable():
    pop = population(10, 300, 10, 60)
    assert np.array_equal(*pop.recall)
    assert np.array_equal(*pop.false_rate)
    _, a, b = pop.draw(np.random.default_rng(1), 20_000)
    only_a, only_b = (a & ~b).sum(), (b & ~a).sum()
    assert abs(only_a - only_b) < 5 * np.sqrt(only_a + only_b)


def test_decisions_and_tests_are_kept_as_a_version_keeps_them():
    y_true = np.array([[True, False], [False, True]])
    predictions = as_predictions(y_true, ~y_true)
    assert predictions.decide({}).tolist() == [[0, 1], [1, 0]]
    made = version("v", behavioral_results(np.array([[True, False]])))
    outcomes = read_outcomes(made.performance["behavioral"]).values()
    assert [(one.tag, one.passed) for one in outcomes] == [
        ("tag tag 0", True),
        ("tag tag 0", False),
    ]
