"""The classifier: from texts to calibrated probabilities and tags."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from tagifai.metrics.thresholds import choose_thresholds
from tagifai.models.combination import Layer, fit_combination
from tagifai.models.linear import fit_matrix
from tagifai.models.platt import bend, to_probability
from tagifai.models.splits import stratify_folds
from tagifai.predictions import decide

Progress = Callable[[int, int, str], None]
MAX_FLOAT16 = 60_000


class TagClassifier(ClassifierMixin, BaseEstimator):
    """Average one-vs-rest linear models over a text's features, calibrated out of fold.

    The scores of each member are standardised by their out-of-fold mean and deviation per tag,
    averaged, and put on a common scale by a line per tag (Platt): the margin. All of this is
    linear, so it is stored as one matrix: with `X` the features of texts, margins are exactly
    `X @ coef_ + intercept_`. One rising curve for all tags leads from margins to probabilities.

    Parameters
    ----------
    features
        The unfitted features.
    members
        The unfitted linear models whose scores are averaged.
    tags
        The names of the tags, in the order of the columns of `y`.
    folds, calibration, thresholds, threshold, threshold_shrinkage, threshold_smoothing, seed
        As in `Params`.
    jobs
        The number of processes that fit the folds.

    Attributes
    ----------
    features_
        The fitted features.
    coef_ : float16 array of shape (n_features, n_tags)
        The weights of the features.
    intercept_, thresholds_ : arrays of shape (n_tags,)
        The margin of a text without features, and the thresholds in [0, 1].
    curve_ : array of shape (3,)
        The curve from margins to log-odds.
    oof_prob_ : array of shape (n_texts, n_tags)
        The out-of-fold probabilities of the texts it was fitted to; not saved with the model.
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
        threshold_shrinkage: float | None = None,
        threshold_smoothing: float = 0.75,
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
        self.threshold_smoothing = threshold_smoothing
        self.seed = seed
        self.jobs = jobs

    def fit(
        self,
        texts: Sequence[str],
        y: np.ndarray,
        progress: Progress | None = None,
        groups: Sequence[str] | None = None,
    ) -> Self:
        """Fit to texts and their tags.

        Parameters
        ----------
        texts
            Texts as typed.
        y : array of shape (n_texts, n_tags)
            1 where a text has a tag, else 0.
        progress
            Called after each fit with the number done, the number in all, and "fits".
        groups
            Texts of one group stay in one fold.
        """
        parts = stratify_folds(y, self.folds, self.seed, groups)
        final, *folds = self._fit_parts(texts, y, [np.empty(0, int), *parts], progress)
        scores = _in_order(parts, folds)
        combination = fit_combination(scores, y, self.calibration)
        self.oof_prob_ = to_probability(bend(combination.margins(scores), combination.curve))
        coef, intercept = combination.fold(final.layers)
        self.features_ = final.features
        self.coef_ = np.clip(coef, -MAX_FLOAT16, MAX_FLOAT16).astype(np.float16)
        self.intercept_ = intercept.astype(np.float32)
        self.curve_ = combination.curve
        self.thresholds_ = self.choose_thresholds(y, self.oof_prob_)
        return self

    def score_out_of_fold(
        self, texts: Sequence[str], y: np.ndarray, groups: Sequence[str] | None = None
    ) -> np.ndarray:
        """Return the out-of-fold probabilities, float32 (n_texts, n_tags), and fit nothing else."""
        parts = stratify_folds(y, self.folds, self.seed, groups)
        scores = _in_order(parts, self._fit_parts(texts, y, parts, None))
        combination = fit_combination(scores, y, self.calibration)
        return to_probability(bend(combination.margins(scores), combination.curve))

    def choose_thresholds(self, y: np.ndarray, y_prob: np.ndarray) -> np.ndarray:
        """Return thresholds, (n_tags,), for out-of-fold probabilities, by the parameters."""
        # Only a calibrated probability can stand in for a label.
        smoothing = 0.0 if self.calibration == "none" else self.threshold_smoothing
        return choose_thresholds(
            y, y_prob, self.thresholds, self.threshold, self.threshold_shrinkage, smoothing
        )

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Return the margins, float32 (n_texts, n_tags)."""
        check_is_fitted(self, "coef_")
        if not len(texts):
            return np.zeros((0, len(self.intercept_)), np.float32)
        return self.margins(self.transform(texts))

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Return the probabilities, float32 (n_texts, n_tags)."""
        return self.probabilities(self.decision_function(texts))

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Return 0/1, uint8 (n_texts, n_tags), by the model's own thresholds."""
        return decide(self.predict_proba(texts), self.thresholds_).astype(np.uint8)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return the features, float32 (n_texts, n_features)."""
        check_is_fitted(self, "coef_")
        *steps, (_, union) = self.features_.steps
        prepared = list(texts)
        # The pipeline's own transform takes twice as long for one text, with checks and joblib.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for _, step in steps:
                prepared = step.transform(prepared)
            parts = [part.transform(prepared) for _, part in union.transformer_list]
        return sparse.csr_matrix(sparse.hstack(parts, format="csr"))

    def margins(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return the margins of features, float32 (n_texts, n_tags): exactly linear."""
        return X @ self._weights() + self.intercept_

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Return the probabilities of margins, float32 of the same shape, in the same order."""
        return to_probability(bend(margins, self.curve_))

    def knows(self, X: sparse.csr_matrix) -> np.ndarray:
        """Return whether each text has a word or a tag's name that training saw, (n_texts,) bool.

        Known runs of characters do not suffice, unless the model reads nothing else.
        """
        spans = self.feature_spans()
        telling = [spans[name] for name in ("words", "aliases") if name in spans]
        columns = np.zeros(X.shape[1], bool)
        for span in telling or [slice(None)]:
            columns[span] = True
        return np.asarray(X[:, columns].astype(bool).sum(axis=1)).ravel() > 0

    def feature_spans(self) -> dict[str, slice]:
        """Return the columns of each kind of feature: "words", "characters", "aliases"."""
        spans, start = {}, 0
        for name, part in self.features_.named_steps["features"].transformer_list:
            stop = start + part.width
            spans[name], start = slice(start, stop), stop
        return spans

    def _fit_parts(
        self,
        texts: Sequence[str],
        y: np.ndarray,
        held_out: Sequence[np.ndarray],
        progress: Progress | None,
    ) -> list["_FittedPart"]:
        """Fit once for each array of rows to hold out, in that order."""
        fitted = Parallel(n_jobs=self.jobs, return_as="generator")(
            delayed(_fit_part)(self.features, self.members, list(texts), y, rows)
            for rows in held_out
        )
        results = []
        for result in fitted:
            results.append(result)
            if progress:
                progress(len(results), len(held_out), "fits")
        return results

    def _weights(self) -> np.ndarray:
        # Stored in 16 bits, multiplied in 32; converted once a process.
        weights = self.__dict__.get("_weights32")
        if weights is None:
            weights = self.__dict__["_weights32"] = self.coef_.astype(np.float32)
        return weights

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]  # scikit-learn's own type
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.target_tags.multi_output, tags.target_tags.single_output = True, False
        tags.classifier_tags.multi_label = True
        return tags

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = dict(super().__getstate__())
        # What inference does not need stays out of files.
        for name in ("_weights32", "oof_prob_"):
            state.pop(name, None)
        return state


@dataclass(frozen=True, eq=False)
class _FittedPart:
    features: Pipeline
    layers: list[Layer]
    scores: np.ndarray
    """Of the rows held out, (n_members, n_rows, n_tags)."""


def _fit_part(
    features: Pipeline,
    members: Sequence[OneVsRestClassifier],
    texts: list[str],
    y: np.ndarray,
    held_out: np.ndarray,
) -> _FittedPart:
    """Fit features and members to all rows but those to hold out, and score the latter."""
    used = np.setdiff1d(np.arange(len(texts)), held_out)
    features = clone(features)
    X = features.fit_transform([texts[i] for i in used]).astype(np.float64)
    X.sort_indices()
    layers = [fit_matrix(clone(member), X, y[used]) for member in members]
    if not len(held_out):
        return _FittedPart(features, layers, np.empty((len(members), 0, y.shape[1])))
    X = features.transform([texts[i] for i in held_out])
    return _FittedPart(features, layers, np.stack([X @ matrix + bias for matrix, bias in layers]))


def _in_order(parts: Sequence[np.ndarray], fitted: Sequence[_FittedPart]) -> np.ndarray:
    """Return the folds' scores in the order of the texts."""
    order = np.argsort(np.concatenate(parts), kind="stable")
    return np.concatenate([part.scores for part in fitted], axis=1)[:, order]
