"""The same figures from dense and from CSR matrices: nothing is lost by leaving zeros out."""

from dataclasses import asdict, astuple, replace

import numpy as np
import pytest
from scipy import sparse

from tagifai.comparison.flips import decide_sparse, select_flips
from tagifai.comparison.intervals import measure_figures
from tagifai.data import Dataset, Project
from tagifai.inference.examples import choose_examples
from tagifai.inspection import (
    average_precisions,
    describe_rows,
    outcome_rows,
    precision_recall_points,
    tag_table,
)
from tagifai.inspection.confusion import KINDS, confused_ids, confused_with, confusion_matrix
from tagifai.matrices import (
    as_matrix,
    column_of,
    fits_dense,
    join_pairs,
    memory_bytes,
    row_of,
    values_at,
)
from tagifai.metrics import overall_metrics, per_tag_metrics, performance, slice_metrics
from tagifai.metrics.calibration import (
    bin_edges,
    brier_score,
    expected_calibration_error,
    reliability,
    select_top_k,
    top_k_calibration_error,
)
from tagifai.metrics.calibration_check import (
    calibration_tests,
    check_calibration,
    miscalibrated_tags,
)
from tagifai.metrics.figures import count_outcomes
from tagifai.metrics.ranking import ranking_figures
from tagifai.metrics.rates import compare_with_rates
from tagifai.metrics.recalibration import tag_p_values
from tagifai.metrics.thresholds import best_thresholds, choose_thresholds, common_threshold
from tagifai.models.calibrated import fit_calibration
from tagifai.predictions import Predictions, decide
from tagifai.reviews.verdicts import preview_changes
from tagifai.slices.builder import measure_slice
from tagifai.training.adding import version_of

CLOSE = {"rel": 0, "abs": 1e-9, "nan_ok": True}


def drawn(seed, n=240, t=14):
    """Draw predictions: most are 0, few values (so that many are equal), empty rows and columns."""
    rng = np.random.default_rng(seed)
    y_true = rng.random((n, t)) < rng.choice([0.02, 0.1, 0.3], t)
    y_prob = np.where(
        y_true | (rng.random((n, t)) < 0.15), rng.choice([0.1, 0.25, 0.5, 0.7, 1.0], (n, t)), 0
    )
    y_prob[rng.random((n, t)) < 0.05] = 0
    y_true[:, 0] = y_prob[:, 1] = 0
    y_true[:, 2], y_prob[:, 3] = True, rng.random(n)
    y_true[:5], y_prob[5:10] = False, 0
    split = rng.choice(["train", "val", "test"], n)
    return Predictions.of(range(n), split, [f"t{k}" for k in range(t)], y_true, y_prob)


def stored(p):
    """Return the same predictions as CSR."""
    return replace(
        p,
        y_true=sparse.csr_array(np.array(p.y_true)),
        y_prob=sparse.csr_array(np.array(p.y_prob)),
    )


def thresholds_of(p, seed=0):
    """Draw thresholds, many of which some probability just reaches; 0 is one of them."""
    chosen = np.random.default_rng(seed).choice([0.0, 0.1, 0.25, 0.5, 0.7, 1.0], len(p.tags))
    return dict(zip(p.tags, map(float, chosen), strict=True))


def same(one, other):
    """Check that two results, of whatever structure, are equal to 1e-9."""
    if hasattr(one, "__dataclass_fields__"):
        one, other = asdict(one), asdict(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, float):
        assert other == pytest.approx(one, **CLOSE)
    else:
        assert one == other


SEEDS = pytest.mark.parametrize("seed", range(4))


@SEEDS
def test_decisions_are_the_same_also_at_a_threshold_of_0(seed):
    p, cuts = drawn(seed), thresholds_of(drawn(seed), seed)
    csr = stored(p)
    found = csr.decide(cuts)
    assert sparse.issparse(found)
    assert found.toarray().tolist() == p.decide(cuts).tolist()
    assert csr.is_sparse
    everywhere = decide(csr.y_prob, 0.0)
    assert everywhere.nnz == np.prod(p.y_prob.shape)
    assert decide(csr.y_prob, 0.25).toarray().tolist() == decide(p.y_prob, 0.25).tolist()


@SEEDS
def test_figures_of_decisions_are_the_same(seed):
    p, cuts = drawn(seed), thresholds_of(drawn(seed), seed)
    csr = stored(p)
    decided, decided_csr = p.decide(cuts), csr.decide(cuts)
    for axis in (0, 1, None):
        same(
            [np.asarray(part).tolist() for part in count_outcomes(p.y_true, decided, axis)],
            [np.asarray(part).tolist() for part in count_outcomes(csr.y_true, decided_csr, axis)],
        )
    slices = {"all": np.ones(len(p.ids), bool), "some": np.arange(len(p.ids)) % 3 == 0}
    same(slice_metrics(p.y_true, decided, slices), slice_metrics(csr.y_true, decided_csr, slices))
    same(
        per_tag_metrics(p.y_true, decided, p.tags, p.y_prob),
        per_tag_metrics(csr.y_true, decided_csr, p.tags, csr.y_prob),
    )
    same(
        overall_metrics(p.y_true, decided, p.y_prob),
        overall_metrics(csr.y_true, decided_csr, csr.y_prob),
    )
    same(
        performance(p.y_true, decided, p.tags, y_prob=p.y_prob, slices=slices),
        performance(csr.y_true, decided_csr, p.tags, y_prob=csr.y_prob, slices=slices),
    )
    # One of both may be dense.
    same(
        overall_metrics(p.y_true, decided, p.y_prob),
        overall_metrics(p.y_true, decided_csr, csr.y_prob),
    )


@SEEDS
def test_thresholds_are_the_same(seed):
    p = drawn(seed)
    csr = stored(p)
    same(
        best_thresholds(p.y_true, p.y_prob).tolist(),
        best_thresholds(csr.y_true, csr.y_prob).tolist(),
    )
    same(common_threshold(p.y_true, p.y_prob), common_threshold(csr.y_true, csr.y_prob))
    for kind in ("fixed", "common", "per-tag"):
        for smoothing in (0.0, 0.3):
            for shrinkage in (None, 10.0):
                one, two = (
                    choose_thresholds(q.y_true, q.y_prob, kind, 0.4, shrinkage, smoothing)
                    for q in (p, csr)
                )
                same(one.tolist(), two.tolist())


@SEEDS
def test_calibration_is_the_same(seed):
    p = drawn(seed)
    csr = stored(p)
    same(brier_score(p.y_true, p.y_prob), brier_score(csr.y_true, csr.y_prob))
    for strategy in ("uniform", "quantile"):
        for above in (None, 0.05, 0.25):
            same(*(
                reliability(one.y_true, one.y_prob, 7, above=above, strategy=strategy)
                for one in (p, csr)
            ))  # fmt: skip
            same(*(
                expected_calibration_error(one.y_true, one.y_prob, above=above, strategy=strategy)
                for one in (p, csr)
            ))  # fmt: skip
    assert select_top_k(p.y_prob, 3).tolist() == select_top_k(csr.y_prob, 3).tolist()
    assert select_top_k(p.y_prob, 99).tolist() == select_top_k(csr.y_prob, 99).tolist()
    for k in (1, 4):
        same(
            top_k_calibration_error(p.y_true, p.y_prob, k),
            top_k_calibration_error(csr.y_true, csr.y_prob, k),
        )
    same(tag_p_values(p.y_true, p.y_prob).tolist(), tag_p_values(csr.y_true, csr.y_prob).tolist())
    same(
        {tag: tuple(one) for tag, one in calibration_tests(p).items()},
        {tag: tuple(one) for tag, one in calibration_tests(csr).items()},
    )
    same(miscalibrated_tags(p, "all"), miscalibrated_tags(csr, "all"))
    for tag in (None, *p.tags):
        same(check_calibration(p, tag, "all"), check_calibration(csr, tag, "all"))


def test_quantiles_of_few_stored_pairs_are_those_of_all():
    full = np.concatenate([np.zeros(90), np.linspace(0.01, 1, 10)]).astype(np.float32)
    kept = full[full > 0]
    for bins in (2, 5, 15, 40):
        assert bin_edges(kept, bins, "quantile", rest=90).tolist() == pytest.approx(
            bin_edges(full, bins, "quantile").tolist(), abs=1e-7
        )


@SEEDS
def test_ranking_is_the_same(seed):
    p, cuts = drawn(seed), thresholds_of(drawn(seed), seed)
    csr = stored(p)
    same(
        ranking_figures(p.y_true, p.y_prob, p.decide(cuts), at=(1, 3, 5, 10)),
        ranking_figures(csr.y_true, csr.y_prob, csr.decide(cuts), at=(1, 3, 5, 10)),
    )


@SEEDS
def test_intervals_flips_and_tables_are_the_same(seed):
    p, cuts = drawn(seed), thresholds_of(drawn(seed), seed)
    csr, other = stored(p), drawn(seed + 100)
    slices = {"some": {str(number) for number in range(0, 240, 2)}}
    found = [
        {key: tuple(one) for key, one in measure_figures(q, cuts, 50, slices=slices).items()}
        for q in (p, csr)
    ]
    same(*found)
    for q in (p, csr):
        truth, decided = decide_sparse(q, cuts, range(7, 90), p.tags[::-1])
        assert truth.toarray().tolist() == p.y_true[7:90, ::-1].tolist()
        assert decided.toarray().tolist() == p.decide(cuts)[7:90, ::-1].tolist()
    same(
        [astuple(one) for one in select_flips(p, cuts, other, cuts)],
        [astuple(one) for one in select_flips(csr, cuts, stored(other), cuts)],
    )
    for split in ("test", "train+val", "all"):
        same(average_precisions(p, split), average_precisions(csr, split))
        same(tag_table(p, cuts, split), tag_table(csr, cuts, split))
        for tag in p.tags[:4]:
            same(precision_recall_points(p, tag, split), precision_recall_points(csr, tag, split))
            for outcome in ("tp", "fp", "fn", "tn"):
                one, two = (outcome_rows(q, cuts, tag, outcome, split=split) for q in (p, csr))
                assert one.tolist() == two.tolist()
    same(compare_with_rates(p, p.decide(cuts)), compare_with_rates(csr, csr.decide(cuts)))


@SEEDS
def test_confusion_and_the_projects_behind_it_are_the_same(seed):
    p, cuts = drawn(seed), thresholds_of(drawn(seed), seed)
    csr = stored(p)
    for kind in KINDS:
        one, two = (confusion_matrix(q, cuts, "all", kind) for q in (p, csr))
        assert one.tolist() == two.tolist()
        assert confused_ids(p, cuts, "t2", "t5", kind) == confused_ids(csr, cuts, "t2", "t5", kind)
    for tag in ("t0", "t2", "t5"):
        same(confused_with(p, cuts, tag, "all"), confused_with(csr, cuts, tag, "all"))
        same(describe_rows(p, cuts, tag, [3, 77], {}), describe_rows(csr, cuts, tag, [3, 77], {}))
    same(measure_slice(p, cuts, [3, 9, 40, 41]), measure_slice(csr, cuts, [3, 9, 40, 41]))
    changes = {"17": {"add": ["t4", "t0"], "remove": ["t2"]}, "18": {"add": ["t1"]}}
    same(preview_changes(p, cuts, changes, "all"), preview_changes(csr, cuts, changes, "all"))
    texts = {one: f"text {one}" for one in p.ids}
    same(choose_examples(p, cuts, texts), choose_examples(csr, cuts, texts))
    assert [p.tags_of(row) for row in range(9)] == [csr.tags_of(row) for row in range(9)]


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_calibration_is_fitted_the_same_and_leaves_0_alone(kind):
    p = drawn(3)
    csr = stored(p)
    one, two = (fit_calibration(kind, q.y_true, q.y_prob) for q in (p, csr))
    same(one, two)
    given = p.y_prob > 0
    applied = two.apply(csr.y_prob).toarray()
    assert applied[given].tolist() == pytest.approx(one.apply(p.y_prob)[given].tolist(), abs=1e-7)
    assert not applied[~given].any()


@pytest.mark.parametrize("thresholds", ["tuned", 0.3, 0.0])
def test_a_version_of_csr_predictions_has_the_same_figures(thresholds):
    p = drawn(5)
    dataset = Dataset(
        tuple(Project(one, f"title {one}", "", p.tags_of(row)) for row, one in enumerate(p.ids)),
        {}, "",
    )  # fmt: skip
    one, two = (version_of(q, dataset, thresholds) for q in (p, stored(p)))
    same(one.performance, two.performance)
    assert one.thresholds == two.thresholds
    assert one.predictions == two.predictions
    same([asdict(w) for w in one.info.warnings], [asdict(w) for w in two.info.warnings])


def test_parts_of_predictions_stay_csr():
    p = drawn(0)
    csr = stored(p)
    for one, other in ((p.select("test"), csr.select("test")), (p.take([3, 1]), csr.take([3, 1]))):
        assert other.is_sparse
        assert other.ids == one.ids
        assert other.y_true.toarray().tolist() == one.y_true.tolist()
        assert other.to_dense().y_prob.tolist() == one.y_prob.tolist()
    with pytest.raises(ValueError, match="read-only"):
        csr.y_prob.data[0] = 1
    assert csr.to_bytes() == p.to_bytes()


def test_single_values_rows_and_columns_are_read_from_both():
    p = drawn(1)
    csr = stored(p)
    rows, columns = np.array([0, 6, 200, 11]), np.array([3, 3, 0, 13])
    for one, other in ((p.y_true, csr.y_true), (p.y_prob, csr.y_prob)):
        assert values_at(other, rows, columns).tolist() == one[rows, columns].tolist()
        assert row_of(other, 7).tolist() == one[7].tolist()
        for column in (0, 3, 13):
            assert column_of(other, column).tolist() == one[:, column].tolist()
            assert column_of(other, column, rows).tolist() == one[rows, column].tolist()
            assert column_of(other.tocsc(), column).tolist() == one[:, column].tolist()
    nothing = sparse.csr_array((2, 3))
    assert values_at(nothing, [0, 1], [0, 2]).tolist() == [0, 0]


def test_pairs_that_come_twice_or_out_of_order_are_brought_into_order():
    messy = sparse.coo_array(([1, 2, 4], ([0, 0, 0], [2, 1, 2])), shape=(1, 3))
    assert as_matrix(messy).toarray().tolist() == [[0, 2, 5]]
    made = Predictions.of(
        ["1"], ["test"], ["a", "b"], [[1, 0]],
        sparse.csr_matrix(([0.25, 0.5], [1, 0], [0, 2]), shape=(1, 2)),
    )  # fmt: skip
    assert made.is_sparse
    assert made.y_prob.toarray().tolist() == [[0.5, 0.25]]


def test_a_wrong_probability_of_a_csr_matrix_is_named():
    from tagifai.errors import TagifaiError

    bad = sparse.csr_array([[0, 0], [0, 1.5]])
    with pytest.raises(TagifaiError, match=r"project '8', tag 'b': .* got 1\.5"):
        Predictions.of(["7", "8"], ["test"] * 2, ["a", "b"], np.zeros((2, 2)), bad)
    with pytest.raises(TagifaiError, match="only 0 and 1"):
        Predictions.of(["7", "8"], ["test"] * 2, ["a", "b"], bad, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="two matrices"):
        join_pairs(sparse.csr_array((2, 3)), np.zeros((2, 2)))


def test_small_and_full_matrices_are_dense_and_large_ones_with_gaps_csr():
    assert fits_dense(30_000, 300, 9_000_000, 120_000)
    assert fits_dense(200_000, 600, 120_000_000, 800_000)
    assert not fits_dense(200_000, 600, 10_000_000, 800_000)
    assert memory_bytes(1_000_000, 5_000, 50_000_000, 4_000_000) == 436_000_000
