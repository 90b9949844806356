"""Verdicts over all that is asked, on data that is dependent within a project."""

import numpy as np
import pytest

from benchmarks.statistics.simulation import as_predictions, population, version
from tagifai.comparison import compare
from tagifai.comparison.paired import _correlate_tags

CALLED = ("better", "worse")


def drawn(seed, pop, n):
    y_true, a, b = pop.draw(np.random.default_rng(seed), n)
    return y_true, as_predictions(y_true, a), as_predictions(y_true, b)


def test_the_primary_figure_has_four_of_five_percent_and_the_others_share_the_rest():
    rng = np.random.default_rng(0)
    n, t = 300, 6
    y_true = rng.random((n, t)) < 0.3
    a = np.where(y_true, rng.random((n, t)) < 0.6, rng.random((n, t)) < 0.05)
    # B finds more, and is wrong more often: recall rises, precision falls, F1 hardly moves.
    b = a | (rng.random((n, t)) < 0.1)
    pa, pb = as_predictions(y_true, a), as_predictions(y_true, b)
    by_f1 = compare(version("a"), version("b"), pa, pb)
    by_recall = compare(version("a"), version("b"), pa, pb, primary="macro recall")

    assert (by_f1.primary, by_f1.primary_row.name) == ("weighted f1", "weighted")
    verdicts = {(row.name, row.metric): row.verdict for row in by_f1.overall}
    assert verdicts["macro", "recall"] == "better"
    assert verdicts["macro", "precision"] == "worse"
    assert by_recall.primary_row.verdict == "better"
    # The p-values are the same, whichever is primary.
    assert {(r.name, r.metric, r.p_value) for r in by_f1.overall} == {
        (r.name, r.metric, r.p_value) for r in by_recall.overall
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_others_follow_holm_with_what_the_primary_figure_leaves(seed):
    pop = population(20, 300, 10, 60, changed=0.04, seed=seed)
    _, a, b = drawn(seed, pop, 300)
    diff = compare(version("a"), version("b"), a, b)
    primary = diff.primary_row
    others = sorted(
        (row for row in diff.overall if row is not primary), key=lambda row: row.p_value
    )
    assert (primary.verdict in CALLED) == (primary.p_value <= 0.04)
    level = 0.05 if primary.verdict in CALLED else 0.01
    still = True
    for place, row in enumerate(others):
        still = still and row.p_value <= level / (8 - place)
        assert (row.verdict in CALLED) == still


def test_versions_that_differ_by_chance_are_hardly_ever_told_apart():
    pop = population(40, 300, 6, 60)
    runs, tags, overall = 40, 0, 0
    for seed in range(runs):
        _, a, b = drawn(seed, pop, 300)
        diff = compare(version("a"), version("b"), a, b, resamples=400, seed=seed)
        tags += any(row.verdict in CALLED for row in diff.rows("tags", "f1"))
        overall += any(row.verdict in CALLED for row in diff.overall)

    # Under 5 % each; six of forty would come in 1.4 % of such tests.
    assert tags < 6
    assert overall < 6


def test_tags_without_support_do_not_count_among_what_was_asked():
    n = 60
    y_true, a = np.zeros((n, 41), bool), np.zeros((n, 41), bool)
    y_true[:20, 0] = True
    a[7:20, 0] = True
    b = a.copy()
    b[:7, 0] = True  # seven decisions, all for the better: p = 2⁻⁶
    # Forty tags without a positive, on which decisions differ.
    b[:30, 1:] = True
    diff = compare(version("a"), version("b"), as_predictions(y_true, a), as_predictions(y_true, b))

    verdicts = {row.name: row.verdict for row in diff.rows("tags", "recall")}
    assert verdicts.pop("tag-0") == "better"
    assert set(verdicts.values()) == {"too few"}


def test_counts_by_kind_of_project_are_those_of_a_loop():
    from tagifai.comparison.flips import share
    from tagifai.comparison.paired import _count_cells

    pop = population(8, 50, 5, 20)
    y_true, a, b = pop.draw(np.random.default_rng(0), 50)
    shared = share(as_predictions(y_true, a), {}, as_predictions(y_true, b), {})
    expected = np.zeros((8, 8), int)
    for tag in range(8):
        for row in range(50):
            expected[4 * y_true[row, tag] + 2 * a[row, tag] + b[row, tag], tag] += 1
    assert _count_cells(shared).tolist() == expected.tolist()


def test_tags_of_so_few_flips_that_none_could_decide_do_not_count_either():
    n = 60
    y_true, a = np.zeros((n, 41), bool), np.zeros((n, 41), bool)
    y_true[:20] = True
    a[7:20, 0] = True
    a[5:20, 1:] = True
    b = a.copy()
    b[:7, 0] = True  # seven decisions, all for the better
    b[:5, 1:] = True  # five: p = 2⁻⁴ at the very least
    diff = compare(version("a"), version("b"), as_predictions(y_true, a), as_predictions(y_true, b))

    verdicts = {row.name: row.verdict for row in diff.rows("tags", "recall")}
    assert verdicts.pop("tag-0") == "better"
    assert set(verdicts.values()) == {"can't tell"}


@pytest.mark.parametrize("seed", [1, 11, 30])
def test_without_a_verdict_on_the_primary_figure_the_others_share_one_percent(seed):
    rng = np.random.default_rng(seed)
    n, t = 200, 6
    y_true = rng.random((n, t)) < 0.3
    a = np.where(y_true, rng.random((n, t)) < 0.6, rng.random((n, t)) < 0.05)
    b = a | (rng.random((n, t)) < 0.012)
    diff = compare(version("a"), version("b"), as_predictions(y_true, a), as_predictions(y_true, b))
    least = min(row.p_value for row in diff.overall if row is not diff.primary_row)

    # Holm at 5 % would call it, at 1 % it does not.
    assert 0.01 / 8 < least <= 0.05 / 8
    assert {row.verdict for row in diff.overall} == {"can't tell"}


def test_the_errors_of_two_versions_correlate_by_metric():
    # Of 40 positives A and B find 20 each, independently; of what they predict wrongly, the same.
    cells = np.array([[30], [0], [0], [10], [10], [10], [10], [10]])
    found = {metric: float(value[0]) for metric, value in _correlate_tags(cells).items()}
    assert found["recall"] == pytest.approx(0)
    # Hits less 2/3 of what is predicted: both right 1/3, both wrong −2/3, one alone 0.
    both = 10 * (1 / 9) + 10 * (4 / 9)
    alone = 20 * (1 / 9) + 10 * (4 / 9)
    # With 40 positives the correlation counts for a fortieth more.
    assert found["precision"] == pytest.approx(both / alone * 41 / 40)
