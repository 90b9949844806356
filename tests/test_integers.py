"""Labels may come in 8 bits: more than 255 tags or projects are counted all the same."""

import warnings
from dataclasses import asdict, is_dataclass

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_fscore_support
from sklearn.multiclass import OneVsRestClassifier

from tagifai.comparison.bootstrap import resample_counts
from tagifai.comparison.flips import count_flips, share
from tagifai.inspection import (
    average_precisions,
    best_threshold,
    precision_recall_points,
    tag_table,
    threshold_metrics,
)
from tagifai.inspection.confusion import confused_with, confusion_matrix
from tagifai.label_errors.evidence import gather_evidence
from tagifai.metrics import count_outcomes, overall_metrics, per_tag_metrics, slice_metrics
from tagifai.metrics.calibration import brier_score, reliability
from tagifai.metrics.thresholds import best_thresholds, choose_thresholds, common_threshold
from tagifai.models.combination import fit_combination
from tagifai.models.linear import LogCountRatioScaler, build_members, fit_matrix
from tagifai.models.params import Params
from tagifai.models.platt import fit_curve, fit_platt
from tagifai.models.splits import split_projects, stratify_folds
from tagifai.predictions import Predictions
from tagifai.slices.builder import measure_slice

NARROW = (np.uint8, np.int8, bool, np.float32)
# Around what 8 bits number, signed and not.
WIDTHS = (1, 2, 128, 129, 255, 256, 257, 300)
# More projects than 16 bits count.
MANY = 70_000
BOTH = ["a", "b"]


def draw(n, num_tags, seed=0, rate=0.3):
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, num_tags)) < rate).astype(np.int64)
    y_prob = np.clip(0.5 * y_true + rng.random((n, num_tags)) * 0.5, 0, 1).astype(np.float32)
    return y_true, y_prob


def plain(value):
    """Turn whatever a function returns into lists, so that equal values are equal."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if is_dataclass(value):
        return plain(asdict(value))
    if hasattr(value, "__dict__"):
        return plain(vars(value))
    return np.asarray(value).tolist()


OF_LABELS = {
    "count_outcomes": lambda y, prob: count_outcomes(y, prob > 0.5),
    "overall_metrics": lambda y, prob: overall_metrics(y, prob > 0.5, prob).to_json(),
    "per_tag_metrics": lambda y, prob: per_tag_metrics(y, prob > 0.5, range(y.shape[1]), prob),
    "slice_metrics": lambda y, prob: slice_metrics(y, prob > 0.5, {"all": np.full(len(y), True)}),
    "brier_score": brier_score,
    "reliability": reliability,
    "best_thresholds": best_thresholds,
    "common_threshold": common_threshold,
    "choose_thresholds": lambda y, p: choose_thresholds(y, p, "per-tag", 0.5, 30.0, 0.75),
    "fit_platt": lambda y, prob: fit_platt(4 * prob.astype(float) - 2, y),
    "fit_curve": lambda y, prob: fit_curve(4 * prob.astype(float) - 2, y),
    "fit_combination": lambda y, prob: fit_combination(prob[None].astype(float), y, "platt"),
    "resample_counts": lambda y, prob: resample_counts(y, (prob > 0.5,), 5),
}


@pytest.mark.parametrize("num_tags", [256, 257, 300])
@pytest.mark.parametrize("name", OF_LABELS)
def test_labels_in_few_bits_mean_the_same_as_in_64(name, num_tags):
    y_true, y_prob = draw(60, num_tags)
    expected = plain(OF_LABELS[name](y_true, y_prob))
    for dtype in NARROW:
        assert plain(OF_LABELS[name](y_true.astype(dtype), y_prob)) == expected, dtype


@pytest.mark.parametrize("name", OF_LABELS)
def test_more_projects_than_16_bits_count_are_counted(name):
    y_true, y_prob = draw(MANY, 2, rate=0.97)
    assert y_true.sum(axis=0).min() > 65_536
    expected = plain(OF_LABELS[name](y_true, y_prob))
    for dtype in NARROW:
        assert plain(OF_LABELS[name](y_true.astype(dtype), y_prob)) == expected, dtype


@pytest.mark.parametrize("num_tags", WIDTHS)
def test_each_tag_has_the_model_of_its_own_column(num_tags):
    rng = np.random.default_rng(1)
    y_true = (rng.random((60, num_tags)) < 0.4).astype(np.int64)
    y_true[0], y_true[1] = 0, 1
    X = sparse.csr_matrix(np.hstack([y_true, rng.random((60, 3))]))
    (member,) = build_members(Params(estimator="logistic", log_count_ratio=False))
    fitted = [fit_matrix(member, X, y_true.astype(dtype)) for dtype in NARROW]
    for tag in range(num_tags):
        alone = LogisticRegression(C=Params().C, solver="liblinear", max_iter=500, random_state=0)
        alone.fit(X, y_true[:, tag])
        for matrix, intercepts in fitted:
            np.testing.assert_array_equal(matrix[:, tag], alone.coef_[0])
            assert intercepts[tag] == alone.intercept_[0]


def test_scikit_learn_itself_numbers_columns_in_the_labels_dtype():
    # Once this fails, fit_matrix need not convert labels any more.
    y_true, _ = draw(60, 300)
    X = sparse.csr_matrix(y_true, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
        wrong = model.fit(X, y_true.astype(np.uint8)).decision_function(X)
        right = model.fit(X, y_true).decision_function(X)
    assert not np.array_equal(wrong, right)


@pytest.mark.parametrize("num_tags", [1, 2, 256, 257])
def test_splits_and_folds_are_the_same_in_any_width(num_tags):
    y_true, _ = draw(60, num_tags)
    expected = split_projects(y_true, 0.7, 0.15, 3).tolist(), plain(stratify_folds(y_true, 3, 3))
    for dtype in NARROW:
        y = y_true.astype(dtype)
        assert split_projects(y, 0.7, 0.15, 3).tolist() == expected[0], dtype
        assert plain(stratify_folds(y, 3, 3)) == expected[1], dtype


@pytest.mark.parametrize("dtype", [*NARROW, np.int64])
def test_log_count_ratios_follow_more_than_255_positives(dtype):
    y = np.repeat([1, 0], [70_000, 300]).astype(dtype)
    X = sparse.csr_matrix(np.repeat([[1.0, 0.0], [1.0, 1.0]], [70_000, 300], axis=0))
    scale = LogCountRatioScaler(smoothing=0.0 + 1e-9).fit(X, y).scale_
    # Among positives the second feature never stands, among negatives half of the counts.
    np.testing.assert_allclose(scale[0], np.log(1 / (300 / 600)), rtol=1e-6)


@pytest.fixture(scope="module")
def many():
    """Predictions of more projects than 16 bits count, with what is counted of them in Python."""
    y_true, y_prob = draw(MANY + 1_000, 2, rate=0.97)
    split = ["test"] * MANY + ["val"] * 1_000
    return Predictions.of(range(MANY + 1_000), split, BOTH, y_true, y_prob)


def test_inspection_counts_more_projects_than_16_bits_do(many):
    thresholds = dict.fromkeys(BOTH, 0.6)
    test = many.select("test")
    assert test.y_true.dtype == np.uint8
    truth, chosen = test.y_true.astype(int), (test.y_prob >= np.float32(0.6)).astype(int)
    expected = {
        tag: {
            "tp": int((truth[:, t] * chosen[:, t]).sum()),
            "fp": int(((1 - truth[:, t]) * chosen[:, t]).sum()),
            "fn": int((truth[:, t] * (1 - chosen[:, t])).sum()),
            "tn": int(((1 - truth[:, t]) * (1 - chosen[:, t])).sum()),
        }
        for t, tag in enumerate(BOTH)
    }
    precision, recall, f1, support = precision_recall_fscore_support(truth, chosen)
    assert support.min() > 65_536
    for t, tag in enumerate(BOTH):
        for row in (
            next(row for row in tag_table(many, thresholds) if row.tag == tag),
            threshold_metrics(many, tag, 0.6),
        ):
            assert {name: getattr(row, name) for name in ("tp", "fp", "fn", "tn")} == expected[tag]
            assert row.num_samples == support[t]
            figures = [getattr(row, name) for name in ("precision", "recall", "f1")]
            assert figures == pytest.approx([precision[t], recall[t], f1[t]], abs=1e-12)
        # The curve ends where all is predicted.
        last = precision_recall_points(many, tag)[-1]
        assert (last.recall, last.precision) == (1.0, pytest.approx(support[t] / MANY))
        assert best_threshold(many, tag, cost_fp=1, cost_fn=1).test.num_samples == support[t]
    assert min(average_precisions(many).values()) > 0.97


def test_errors_that_fall_together_are_counted_beyond_16_bits():
    n = 70_000
    p = Predictions.of(
        range(n), ["test"] * n, BOTH, np.tile([1, 0], (n, 1)), np.tile([0.2, 0.9], (n, 1))
    )
    thresholds = dict.fromkeys(BOTH, 0.5)
    assert confusion_matrix(p, thresholds).tolist() == [[0, n], [0, 0]]
    assert confused_with(p, thresholds, "a")[0].counts["instead"] == n
    flipped = Predictions.of(
        range(n), ["test"] * n, BOTH, np.tile([1, 0], (n, 1)), np.tile([0.9, 0.9], (n, 1))
    )
    flips = count_flips(share(p, thresholds, flipped, thresholds))
    assert (flips.fixed, flips.both_wrong, flips.broke) == (n, n, 0)
    found = measure_slice(flipped, thresholds, range(n))
    assert [found.precision.value, found.recall.value] == [0.5, 1.0]


@pytest.mark.parametrize("dtype", NARROW[:3])
def test_pairs_are_counted_whole(dtype):
    y = np.ones((70_000, 2), dtype)
    (drawn,) = resample_counts(y, (y,), 2)
    for counted in (drawn.true, drawn.predicted, drawn.hits):
        assert counted.tolist() == [[70_000.0, 70_000.0]] * 2


def test_evidence_of_300_projects_counts_each_that_carries_the_tags():
    from tagifai.data import Project

    n = 300
    projects = {str(i): Project(str(i), f"same words {i}", "", ("a", "b")) for i in range(n)}
    p = Predictions.of(range(n), ["test"] * n, BOTH, np.ones((n, 2)), np.full((n, 2), 0.5))
    found = gather_evidence(p, projects, {})
    np.testing.assert_allclose(found.share, 1.0, rtol=1e-6)
    # Both tags are always there: neither makes the other likelier than usual.
    np.testing.assert_allclose(found.along, 0.0, atol=1e-12)
