"""The classifier: from texts to calibrated probabilities and tags."""

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from tagifai.arrays import Array, Floats
from tagifai.metrics.thresholds import choose_thresholds
from tagifai.models.combination import Combination, fit_combination
from tagifai.models.fitting import Block, Fold, FoldInMemory, FoldSource, fit_block, tag_blocks
from tagifai.models.fold_features import TrainingFeatures
from tagifai.models.platt import PAIRS_AT_ONCE, bend, to_probability
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
    folds, calibration, thresholds, threshold, threshold_shrinkage, threshold_smoothing, prune, seed
        As in `Params`.
    jobs
        The number of processes that fit; -1: as many as joblib's backend has.
    scratch
        The folder in which processes find what they fit to; None: that of temporary files.

    Attributes
    ----------
    features_
        The fitted features.
    coef_ : float16 array, or float32 csr_matrix, of shape (n_features, n_tags)
        The weights of the features; sparse where small ones were pruned. See `tag_weights` and
        `feature_weights`.
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
        prune: float = 0.0,
        seed: int = 0,
        jobs: int = 1,
        scratch: Path | None = None,
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
        self.prune = prune
        self.seed = seed
        self.jobs = jobs
        self.scratch = scratch

    def fit(
        self,
        texts: Sequence[str],
        y: Array,
        progress: Progress | None = None,
        groups: Sequence[str] | None = None,
        check: Callable[[Pipeline, TrainingFeatures], None] | None = None,
    ) -> Self:
        """Fit to texts and their tags.

        Parameters
        ----------
        texts
            Texts as typed.
        y : array of shape (n_texts, n_tags)
            1 where a text has a tag, else 0.
        progress
            Called after each fit of some tags with the number done, the number in all, and "fits".
        groups
            Texts of one group stay in one fold.
        check
            Called with the fitted features, and those of all folds, before models are fitted to
            them; it may refuse.
        """
        parts = stratify_folds(y, self.folds, self.seed, groups)
        features = TrainingFeatures(self.features, texts, parts)
        self.features_ = features.fitted()
        if check is not None:
            check(self.features_, features)
        with closing(self._fit_blocks(features, parts, y, progress, with_all=True)) as results:
            scores = self._gather(results, parts, y.shape)
            combination = fit_combination(scores, y, self.calibration)
            self.oof_prob_ = _probabilities(combination.margins(scores), combination.curve)
            del scores
            self._fold_blocks(results, combination, y.shape[1])
        self.curve_ = combination.curve
        self.thresholds_ = self.choose_thresholds(y, self.oof_prob_)
        return self

    def score_out_of_fold(
        self, texts: Sequence[str], y: Array, groups: Sequence[str] | None = None
    ) -> Array:
        """Return the out-of-fold probabilities, float32 (n_texts, n_tags), and fit nothing else."""
        parts = stratify_folds(y, self.folds, self.seed, groups)
        features = TrainingFeatures(self.features, texts, parts)
        with closing(self._fit_blocks(features, parts, y, with_all=False)) as results:
            scores = self._gather(results, parts, y.shape)
        combination = fit_combination(scores, y, self.calibration)
        return _probabilities(combination.margins(scores), combination.curve)

    def choose_thresholds(self, y: Array, y_prob: Array) -> Array:
        """Return thresholds, (n_tags,), for out-of-fold probabilities, by the parameters."""
        # Only a calibrated probability can stand in for a label.
        smoothing = 0.0 if self.calibration == "none" else self.threshold_smoothing
        return choose_thresholds(
            y, y_prob, self.thresholds, self.threshold, self.threshold_shrinkage, smoothing
        )

    def decision_function(self, texts: Sequence[str]) -> Array:
        """Return the margins, float32 (n_texts, n_tags)."""
        check_is_fitted(self, "coef_")
        if not len(texts):
            return np.zeros((0, len(self.intercept_)), np.float32)
        return self.margins(self.transform(texts))

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return the probabilities, float32 (n_texts, n_tags)."""
        return self.probabilities(self.decision_function(texts))

    def predict(self, texts: Sequence[str]) -> Array:
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

    def margins(self, X: sparse.csr_matrix) -> Array:
        """Return the margins of features, float32 (n_texts, n_tags): exactly linear."""
        if sparse.issparse(self.coef_):
            return np.asarray((X @ self.coef_).toarray() + self.intercept_)
        return X @ self._weights() + self.intercept_

    def tag_weights(self, column: int, features: Array | slice = slice(None)) -> Floats:
        """Return the weights of one tag, float64 (n_features,), of all features or some."""
        if isinstance(self.coef_, np.ndarray):
            return self.coef_[features, column].astype(np.float64)
        return np.asarray(self.coef_[features][:, [column]].toarray().ravel(), np.float64)

    def feature_weights(self, features: Array) -> Floats:
        """Return the weights of some features, float64 (n_some, n_tags)."""
        rows = self.coef_[features]
        return np.asarray(rows if isinstance(rows, np.ndarray) else rows.toarray(), np.float64)

    def probabilities(self, margins: Array) -> Array:
        """Return the probabilities of margins, float32 of the same shape, in the same order."""
        return _probabilities(margins, self.curve_)

    def knows(self, X: sparse.csr_matrix) -> Array:
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

    def _fit_blocks(
        self,
        features: TrainingFeatures,
        parts: Sequence[Array],
        y: Array,
        progress: Progress | None = None,
        *,
        with_all: bool,
    ) -> Generator[Block, None, None]:
        """Fit to what each part leaves, block by block of tags; `with_all`, then to all texts.

        Folds are made when their turn comes, and forgotten afterwards.
        """
        blocks = tag_blocks(y.shape[1])
        num_folds = len(parts) + with_all
        with ExitStack() as stack:
            folder = None
            if self.jobs != 1:
                prefix = "tagifai-training-"
                made = tempfile.TemporaryDirectory(prefix=prefix, dir=self.scratch)
                folder = Path(stack.enter_context(made))
            tasks = (
                delayed(fit_block)(fold, self.members, start, stop, self.prune)
                for fold in _Folds(features, parts, y).sources(num_folds, folder)
                for start, stop in blocks
            )
            fitted = Parallel(n_jobs=self.jobs, return_as="generator")(tasks)
            for done, block in enumerate(fitted, start=1):
                if folder is not None and done % len(blocks) == 0:
                    # Nobody needs this fold any more.
                    shutil.rmtree(folder / str(done // len(blocks) - 1), ignore_errors=True)
                if progress:
                    progress(done, num_folds * len(blocks), "fits")
                yield block

    def _gather(
        self, results: Iterator[Block], parts: Sequence[Array], shape: tuple[int, int]
    ) -> Array:
        """Take the folds' scores from results: float32 (n_members, n_texts, n_tags)."""
        scores = np.empty((len(self.members), *shape), np.float32)
        for rows in parts:
            for (start, stop), block in zip(tag_blocks(shape[1]), results, strict=False):
                assert block.scores is not None
                scores[:, rows, start:stop] = block.scores
        return scores

    def _fold_blocks(
        self, results: Iterator[Block], combination: Combination, num_tags: int
    ) -> None:
        """Fold the members' layers, block by block, into one matrix and its intercepts."""
        coefs, intercepts = [], []
        for (start, stop), block in zip(tag_blocks(num_tags), results, strict=True):
            coef, intercept = combination.of_tags(slice(start, stop)).fold(block.layers)
            coef = sparse.csc_matrix(coef)
            coef.data = np.clip(coef.data, -MAX_FLOAT16, MAX_FLOAT16)
            # Stored in 16 bits, which sparse products do not know.
            coef.data = coef.data.astype(np.float16).astype(np.float32)
            coefs.append(coef if self.prune else coef.toarray().astype(np.float16))
            intercepts.append(intercept)
        self.coef_ = sparse.hstack(coefs, format="csr") if self.prune else np.hstack(coefs)
        self.intercept_ = np.concatenate(intercepts).astype(np.float32)
        # Those of an earlier fit.
        self.__dict__.pop("_weights32", None)

    def _weights(self) -> Array:
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
        coef = state.get("coef_")
        if sparse.issparse(coef):
            # As plain arrays, which skops trusts and which are checked when they are read.
            del state["coef_"]
            state["coef_arrays"] = _to_arrays(coef)
        return {**state, "jobs": 1, "scratch": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        arrays = state.pop("coef_arrays", None)
        if arrays is not None:
            state["coef_"] = _from_arrays(arrays)
        # Models made before weights were pruned have all of them.
        super().__setstate__({"prune": 0.0, "scratch": None, **state})


class _Folds:
    """What each fold learns from, made when its turn comes; all texts come last."""

    def __init__(self, features: TrainingFeatures, parts: Sequence[Array], y: Array) -> None:
        self._features = features
        self._parts = parts
        self._y = y
        self._made: tuple[int, Fold] | None = None

    def load(self, number: int) -> Fold:
        """Return a fold, and forget the one before."""
        if self._made is None or self._made[0] != number:
            self._made = None
            self._made = number, self.make(number)
        return self._made[1]

    def make(self, number: int) -> Fold:
        """Make a fold: of features in 64 bits and sorted, so that no fit copies them again."""
        if number == len(self._parts):
            return Fold(_for_liblinear(self._features.all_texts()), self._y, None)
        used, held_out = self._features.fold(number)
        rows = np.setdiff1d(np.arange(len(self._y)), self._parts[number])
        return Fold(_for_liblinear(used), self._y[rows], held_out)

    def sources(self, num_folds: int, folder: Path | None) -> Iterator[FoldSource]:
        """Yield where a task finds each fold: in memory, or in a folder of files."""
        for number in range(num_folds):
            if folder is None:
                yield FoldInMemory(partial(self.load, number))
            else:
                yield self.make(number).save(folder / str(number))


def _for_liblinear(X: sparse.csr_matrix) -> sparse.csr_matrix:
    X = X.astype(np.float64)
    X.sort_indices()
    return X


def _to_arrays(coef: sparse.csr_matrix) -> dict[str, Array]:
    """Return a sparse matrix as plain arrays, its values in 16 bits."""
    return {
        "data": coef.data.astype(np.float16),
        "indices": coef.indices.astype(np.int32),
        "indptr": coef.indptr.astype(np.int64),
        "shape": np.array(coef.shape, np.int64),
    }


def _from_arrays(found: object) -> sparse.csr_matrix:
    """Return the sparse matrix of plain arrays that anybody may have made.

    Raises
    ------
    ValueError
        They are no such matrix: a number that lies outside it would read other memory.
    """
    if not isinstance(found, dict):
        raise ValueError("the weights are no sparse matrix")
    data, indices, indptr, shape = (
        np.asarray(found.get(name)) for name in ("data", "indices", "indptr", "shape")
    )
    if data.dtype != np.float16 or shape.shape != (2,):
        raise ValueError("the weights are no sparse matrix of numbers in 16 bits")
    parts = data.astype(np.float32), indices.astype(np.int32), indptr.astype(np.int64)
    coef = sparse.csr_matrix(parts, shape=tuple(shape.tolist()))
    coef.check_format(full_check=True)
    return coef


def _probabilities(margins: Array, curve: Floats) -> Array:
    """Return the probabilities of margins, some rows at a time."""
    if margins.ndim < 2 or margins.size <= PAIRS_AT_ONCE:
        return to_probability(bend(margins, curve))
    probabilities = np.empty(margins.shape, np.float32)
    step = max(1, PAIRS_AT_ONCE // margins.shape[1])
    for start in range(0, len(margins), step):
        part = slice(start, start + step)
        probabilities[part] = to_probability(bend(margins[part], curve))
    return probabilities
