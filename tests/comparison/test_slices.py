import itertools

import numpy as np
import pytest
from scipy import sparse

from tagifai.comparison.proportions import clustered
from tagifai.comparison.slices import (
    average_slices,
    has_enough,
    members,
    score_slices,
    slice_proportions,
    sum_projects,
)


def decisions(seed=0, n=60, t=4):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, t)) < 0.3).astype(int)
    a, b = (y_true ^ (rng.random((n, t)) < wrong) for wrong in (0.3, 0.1))
    return [sparse.csc_matrix(one) for one in (y_true, a, b)]


def test_pairs_are_summed_by_project():
    y_true, a, b = (
        sparse.csc_matrix(one) for one in ([[1, 1], [0, 1]], [[1, 0], [1, 1]], [[0, 0], [0, 1]])
    )

    assert sum_projects(y_true, a, b).tolist() == [[2, 1, 1, 0, 0], [1, 2, 1, 1, 1]]


def test_a_slice_pools_its_pairs_clustered_by_project():
    sums = np.array([[2.0, 1, 1], [1, 2, 1], [3, 3, 3]])
    found = slice_proportions(sums)

    assert found["recall"].figure[0] == pytest.approx(5 / 6)
    assert found["precision"].figure[0] == pytest.approx(5 / 6)
    assert found["f1"].figure[0] == pytest.approx(10 / 12)
    expected = clustered(sums[:, 2:], sums[:, :1]).effective
    assert found["recall"].effective == expected


@pytest.mark.parametrize(
    ("projects", "positives", "enough"), [(10, 1, True), (9, 5, False), (30, 0.3, False)]
)
def test_ten_projects_and_ten_positives_are_enough(projects, positives, enough):
    assert has_enough(np.full((projects, 3), positives)) is enough


def test_slices_hold_the_projects_that_are_there():
    found = members({"s": {"b", "z"}, "empty": set()}, ["a", "b", "c", "z"])

    assert {name: rows.tolist() for name, rows in found.items()} == {"s": [1, 3], "empty": []}


def judged(seed=0):
    sums = sum_projects(*decisions(seed))
    rows = {"half": np.arange(30), "few": np.arange(9), "overall": np.arange(20, 60)}
    return {(row.name, row.metric): row for row in score_slices(sums, rows, 400)}, sums


def test_slices_have_figures_intervals_and_verdicts():
    found, sums = judged()
    half = found["half", "f1"]
    hits, size = 2 * sums[:30, [2, 4]].sum(0), sums[:30, :1].sum() + sums[:30, [1, 3]].sum(0)
    assert (half.a, half.b) == pytest.approx(tuple(hits / size))
    assert half.low < half.diff < half.high
    assert half.support == 30
    assert half.verdict == "better"
    assert found["few", "f1"].verdict == "too few"
    assert found["few", "f1"].low is None


def test_a_slice_that_is_called_overall_stands_beside_the_average():
    found, _ = judged()
    slices = [found[name, "recall"] for name in ("half", "few", "overall (slice)")]
    weights = [row.support for row in slices]

    average = found["overall", "recall"]
    assert average.support == sum(weights) == 79
    assert average.a == pytest.approx(np.average([row.a for row in slices], weights=weights))
    assert average.low < average.diff < average.high


def test_a_slice_s_p_value_counts_every_swap_of_its_projects():
    sums = sum_projects(*decisions(3, n=12))
    sums[7:, 3:] = sums[7:, 1:3]
    (row,) = [r for r in score_slices(sums, {"s": np.arange(12)}, 2_000) if r.name == "s"][2:]
    assert row.metric == "f1"

    def difference(first, second):
        before, after = (
            2 * part[:, 1].sum() / (sums[:, 0].sum() + part[:, 0].sum()) for part in (first, second)
        )
        return after - before

    a, b = sums[:, 1:3], sums[:, 3:5]
    reached = 0
    for signs in itertools.product((False, True), repeat=12):
        swap = np.array(signs)[:, None]
        first, second = np.where(swap, b, a), np.where(swap, a, b)
        reached += abs(difference(first, second)) >= abs(difference(a, b)) - 1e-12
    assert row.p_value >= reached / 2**12 - 1e-12


def test_the_same_decisions_in_a_slice_are_unchanged():
    y_true, a, b = decisions()
    mixed = sparse.vstack([a[:30], b[30:]]).tocsc()
    sums = sum_projects(y_true, a, mixed)
    found = score_slices(sums, {"same": np.arange(30), "other": np.arange(30, 60)}, 200)

    verdicts = {row.name: row.verdict for row in found if row.metric == "f1"}
    assert verdicts == {"same": "unchanged", "other": "better", "overall": "better"}


def test_no_slice_has_no_row():
    assert score_slices(sum_projects(*decisions()), {}) == []


def test_the_average_without_a_project_is_that_of_the_others():
    sums = sum_projects(*decisions(n=20))[:, :3]
    rows = {"a": np.arange(12), "b": np.arange(5, 20)}
    (found,) = average_slices(sums, rows, 10)

    def average(left_out):
        values, sizes = [], []
        for own in rows.values():
            kept = sums[[row for row in own if row != left_out]]
            values.append(kept[:, 2].sum() / kept[:, 0].sum())
            sizes.append(len(kept))
        return np.average(values, weights=sizes)

    assert found["recall"].observed == pytest.approx(average(None))
    assert found["recall"].without == pytest.approx([average(row) for row in range(20)])


def test_as_many_predictions_of_other_tags_are_a_change():
    y_true = np.tile([1, 0], (20, 1))
    right, wrong = np.tile([1, 0], (20, 1)), np.tile([0, 1], (20, 1))
    sums = sum_projects(*(sparse.csc_matrix(one) for one in (y_true, wrong, right)))
    found = {row.metric: row for row in score_slices(sums, {"s": np.arange(20)}) if row.name == "s"}

    assert (found["f1"].a, found["f1"].b, found["f1"].verdict) == (0.0, 1.0, "better")
