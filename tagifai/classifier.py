"""The classifier: texts in, calibrated probabilities and tags out."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from tagifai.linear import fit_matrix
from tagifai.platt import fit_platt, to_probability
from tagifai.thresholds import choose_thresholds

Progress = Callable[[int, int, str], None]


class TagClassifier(ClassifierMixin, BaseEstimator):
    """Average one-vs-rest linear models over a text's features, calibrated out of fold.

    The scores of each of `members` are standardised by their out-of-fold mean and deviation
    per tag, averaged, and turned into probabilities by a line per tag (Platt). All of it is
    linear up to the last step, so it is kept as one matrix: with `X` the features of texts,
    the log-odds are exactly `X @ coef_ + intercept_`.

    Fitted attributes: `features_`; `coef_` (n_features, n_tags) float16; `intercept_`,
    `thresholds_` (n_tags,); `oof_prob_` (n_texts, n_tags), the out-of-fold probabilities of
    the texts it was fitted to, not saved with the model.
    """

    def __init__(
        self,
        features: Pipeline,
        members: Sequence[OneVsRestClassifier],
        *,
        tags: Sequence[str] = (),
        folds: int = 5,
        calibration: str = "platt",
        thresholds: str = "per-tag",
        threshold: float = 0.5,
        threshold_shrinkage: float = 30.0,
        seed: int = 0,
        jobs: int = 1,
    ) -> None:
        self.features = features
        self.members = members
        self.tags = tags
        self.folds = folds
        self.calibration = calibration
        self.thresholds = thresholds
        self.threshold = threshold
        self.threshold_shrinkage = threshold_shrinkage
        self.seed = seed
        self.jobs = jobs

    def fit(self, texts: Sequence[str], y: np.ndarray, progress: Progress | None = None) -> Self:
        """Fit to texts and their tags, `y` of shape (n_texts, n_tags), 0/1.

        `progress(done, total, what)` is called after each part.
        """
        texts = list(texts)
        parts = self._parts(y)
        everything = np.arange(len(texts))
        fits = [everything, *(np.setdiff1d(everything, part) for part in parts)]
        results: list[_Fitted] = []
        lazily = Parallel(n_jobs=self.jobs, return_as="generator")(
            delayed(_fit_part)(self.features, self.members, texts, y, rows) for rows in fits
        )
        for result in lazily:
            results.append(result)
            if progress:
                what = "all projects" if len(results) == 1 else f"fold {len(results) - 1}"
                progress(len(results), len(fits), what)
        final = results[0]
        scores = np.empty((len(self.members), *y.shape))
        for part, (_, layers, held_out) in zip(parts, results[1:], strict=True):
            for m in range(len(layers)):
                scores[m][part] = held_out[m]
        mean = scores.mean(axis=1)
        deviation = np.maximum(scores.std(axis=1), 1e-9)
        if len(self.members) == 1:
            # Nothing to average: the score keeps its own scale.
            mean, deviation = np.zeros_like(mean), np.ones_like(deviation)
        averaged = ((scores - mean[:, None]) / deviation[:, None]).mean(axis=0)
        slopes, offsets = np.ones(y.shape[1]), np.zeros(y.shape[1])
        if self.calibration == "platt":
            slopes, offsets = fit_platt(averaged, y)
        self.oof_prob_ = to_probability(slopes * averaged + offsets)
        coef = np.zeros_like(final[1][0][0])
        intercept = offsets.copy()
        for m, (matrix, intercepts) in enumerate(final[1]):
            coef += matrix * (slopes / deviation[m] / len(self.members))
            intercept += (intercepts - mean[m]) / deviation[m] * slopes / len(self.members)
        self.features_ = final[0]
        self.coef_ = np.clip(coef, -60_000, 60_000).astype(np.float16)
        self.intercept_ = intercept.astype(np.float32)
        self.thresholds_ = choose_thresholds(
            y, self.oof_prob_, self.thresholds, self.threshold, self.threshold_shrinkage
        )
        return self

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Give the log-odds, float32 (n_texts, n_tags)."""
        check_is_fitted(self, "coef_")
        if not len(texts):
            return np.zeros((0, len(self.intercept_)), np.float32)
        return self.log_odds(self.transform(texts))

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Give the probabilities, float32 (n_texts, n_tags)."""
        return to_probability(self.decision_function(texts))

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Give 0/1, uint8 (n_texts, n_tags), by the model's own thresholds."""
        return (self.predict_proba(texts) >= self.thresholds_).astype(np.uint8)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Give the features, float32 (n_texts, n_features)."""
        check_is_fitted(self, "coef_")
        return sparse.csr_matrix(self.features_.transform(list(texts)))

    def log_odds(self, X: sparse.csr_matrix) -> np.ndarray:
        """Give the log-odds of features, float32 (n_texts, n_tags)."""
        return X @ self._weights() + self.intercept_

    def knows(self, X: sparse.csr_matrix) -> np.ndarray:
        """Tell, (n_texts,) bool, whether features hold a word or a tag's name seen before.

        Characters alone say too little, unless the model reads nothing else.
        """
        spans = self.feature_spans()
        told = [spans[name] for name in ("words", "aliases") if name in spans]
        columns = np.zeros(X.shape[1], bool)
        for span in told or [slice(None)]:
            columns[span] = True
        return np.asarray(X[:, columns].astype(bool).sum(axis=1)).ravel() > 0

    def feature_spans(self) -> dict[str, slice]:
        """Give the columns of each kind of feature: "words", "characters", "aliases"."""
        spans, start = {}, 0
        for name, part in self.features_.named_steps["features"].transformer_list:
            stop = start + part.width
            spans[name], start = slice(start, stop), stop
        return spans

    def _weights(self) -> np.ndarray:
        # Stored in 16 bits, multiplied in 32; made once a process.
        weights = self.__dict__.get("_weights32")
        if weights is None:
            weights = self.__dict__["_weights32"] = self.coef_.astype(np.float32)
        return weights

    def _parts(self, y: np.ndarray) -> list[np.ndarray]:
        folds = MultilabelStratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        return [held_out for _, held_out in folds.split(np.zeros(len(y)), y)]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_weights32", None)
        return state


_Layers = list[tuple[np.ndarray, np.ndarray]]
_Fitted = tuple[Pipeline, _Layers, list[np.ndarray]]


def _fit_part(
    features: Pipeline,
    members: Sequence[OneVsRestClassifier],
    texts: Sequence[str],
    y: np.ndarray,
    rows: np.ndarray,
) -> _Fitted:
    """Fit features and members to `rows`; score the other rows by each member."""
    features = clone(features)
    X = features.fit_transform([texts[i] for i in rows]).astype(np.float64)
    X.sort_indices()
    layers = [fit_matrix(clone(member), X, y[rows]) for member in members]
    others = np.setdiff1d(np.arange(len(texts)), rows)
    if not len(others):
        return features, layers, []
    held_out = features.transform([texts[i] for i in others])
    return features, layers, [held_out @ matrix + bias for matrix, bias in layers]
