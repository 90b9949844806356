"""One-vs-rest linear models, and how each folds into one matrix."""

from typing import Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from tagifai.arrays import Array, Floats
from tagifai.models.params import Params


class LogCountRatioScaler(TransformerMixin, BaseEstimator):
    """Scale each feature by the log ratio of its counts in positives and negatives.

    As in Wang and Manning (2012), with the features' values rather than their presence.

    Parameters
    ----------
    smoothing
        Added to each count.

    Attributes
    ----------
    scale_ : array of shape (n_features,)
        The ratios.
    """

    def __init__(self, smoothing: float = 0.1) -> None:
        self.smoothing = smoothing

    def fit(self, X: sparse.csr_matrix, y: np.ndarray) -> Self:
        """Compute the ratios; `y` holds two classes."""
        X, y = validate_data(self, X, y, accept_sparse="csr")
        check_non_negative(X, type(self).__name__)
        positive = y == np.max(y)
        p = self.smoothing + np.asarray(X[positive].sum(axis=0), np.float64).ravel()
        # The negatives are nearly all: a product instead of a copy of their rows.
        q = self.smoothing + np.asarray(X.T @ (~positive).astype(np.float64)).ravel()
        self.scale_ = np.log((p / p.sum()) / (q / q.sum()))
        return self

    def transform(self, X: sparse.csr_matrix) -> sparse.csr_matrix:
        """Multiply each column by its ratio."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        if not sparse.issparse(X):
            return X * self.scale_
        # Value by value instead of a product: the indices stay sorted and shared.
        scaled = (X.data * self.scale_[X.indices], X.indices, X.indptr)
        return sparse.csr_matrix(scaled, shape=X.shape)

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]  # scikit-learn's own type
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        return tags


def build_members(params: Params) -> list[OneVsRestClassifier]:
    """Compose the unfitted linear models whose standardised scores are averaged."""

    def base(c: float) -> BaseEstimator:
        common = {"C": c, "class_weight": params.class_weight, "tol": params.tolerance}
        common["random_state"] = params.seed
        if params.estimator == "svc":
            return LinearSVC(dual=True, max_iter=2000, **common)
        return LogisticRegression(solver="liblinear", max_iter=500, **common)

    members = [OneVsRestClassifier(base(params.C))]
    if params.log_count_ratio:
        scale = LogCountRatioScaler(params.ratio_smoothing)
        twin = Pipeline([("scale", scale), ("classify", base(params.ratio_c))])
        members.append(OneVsRestClassifier(twin))
    return members


def fit_matrix(
    member: OneVsRestClassifier, X: sparse.csr_matrix, y_true: Array, prune: float = 0.0
) -> tuple[Array, Floats]:
    """Fit a one-vs-rest model; return its matrix (n_features, n_tags) and intercepts (n_tags,).

    The scores X @ matrix + intercepts are those of its `decision_function`. A tag that all or
    none of the projects carry has zeros, and the constant score 1 or -1. Weights below `prune`
    are zero.
    """
    matrix = np.zeros((X.shape[1], y_true.shape[1]))
    intercepts = np.zeros(y_true.shape[1])
    for tag in range(y_true.shape[1]):
        matrix[:, tag], intercepts[tag] = fit_tag(member, X, y_true[:, tag], prune)
    return matrix, intercepts


def fit_tag(
    member: OneVsRestClassifier, X: sparse.csr_matrix, y_true: Array, prune: float = 0.0
) -> tuple[Floats, float]:
    """Fit the model of one tag, as a one-vs-rest model does; return weights and intercept.

    Parameters
    ----------
    member
        The unfitted one-vs-rest model.
    X : csr_matrix of shape (n_texts, n_features)
        Features.
    y_true : array of shape (n_texts,)
        1 where a text has the tag, else 0.
    prune
        Weights below it, whatever their sign, are zero.
    """
    classes = np.asarray(y_true).astype(np.int64)
    if np.ptp(classes) == 0:
        return np.zeros(X.shape[1]), 1.0 if classes[0] else -1.0
    estimator = clone(member.estimator).fit(X, classes)
    scale: Floats | float = 1.0
    if isinstance(estimator, Pipeline):
        scale, estimator = estimator[0].scale_, estimator[-1]
    weights: Floats = estimator.coef_[0] * scale
    if prune:
        weights[np.abs(weights) < prune] = 0.0
    return weights, float(estimator.intercept_[0])
