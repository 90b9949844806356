"""One-vs-rest linear models, and how each folds into one matrix."""

import warnings
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

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
        q = self.smoothing + np.asarray(X[~positive].sum(axis=0), np.float64).ravel()
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
        common = {"C": c, "class_weight": params.class_weight, "random_state": params.seed}
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
    member: OneVsRestClassifier, X: sparse.csr_matrix, y_true: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a one-vs-rest model; return its matrix (n_features, n_tags) and intercepts (n_tags,).

    The scores X @ matrix + intercepts are those of its `decision_function`. A tag that all or
    none of the projects carry has zeros, and the constant score 1 or -1.
    """
    # LabelBinarizer numbers the columns in the dtype of the labels: in 8 bits, the 257th tag
    # would be the first one again.
    y_true = np.asarray(y_true).astype(np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Label .* is present in all training examples")
        member.fit(X, y_true)
    matrix = np.zeros((X.shape[1], y_true.shape[1]))
    intercepts = np.zeros(y_true.shape[1])
    for t, estimator in enumerate(member.estimators_):
        scale: np.ndarray | float = 1.0
        if isinstance(estimator, Pipeline):
            scale, estimator = estimator[0].scale_, estimator[-1]
        if hasattr(estimator, "coef_"):
            matrix[:, t] = estimator.coef_[0] * scale
            intercepts[t] = estimator.intercept_[0]
        else:
            intercepts[t] = 1.0 if y_true[0, t] else -1.0
    return matrix, intercepts
