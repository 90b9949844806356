"""Which training projects pushed a prediction up, and which down.

Two answers, for linear models. *Shares* decompose the margin exactly: it is a sum of one
term a training project (the representer theorem), which TracIn (Pruthi et al. 2020) at the
last checkpoint comes down to for such a model. *Pushes* estimate what leaving the project out
and training again would change: one Newton step with the project's leverage taken out. The
shares make a bar chart that sums up; the pushes rank as refits do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from tagifai.errors import TagifaiError, one_of
from tagifai.inspection.dual import DualFit, fit_dual
from tagifai.models.classifier import TagClassifier
from tagifai.models.linear import LogCountRatioScaler
from tagifai.models.params import Params
from tagifai.selection import Array

MAX_PROJECTS = 6_000
MAX_UNEXPLAINED = 0.02


@dataclass(frozen=True, eq=False)
class LinearInfluence:
    """One fitted linear classifier and its training projects.

    `X` (n, n_features) as the classifier saw it, `fit` its solution.
    """

    X: sparse.csr_matrix
    fit: DualFit

    def margins(self, rows: sparse.csr_matrix) -> Array:
        """Compute the margins of texts' features, (n_texts,)."""
        return self._products(rows) @ self.fit.alpha

    def shares(self, row: sparse.csr_matrix) -> Array:
        """Decompose the margin of one text: (n,), summing to it exactly."""
        return self.fit.alpha * self._products(row)[0]

    def pushes(self, row: sparse.csr_matrix) -> Array:
        """Estimate how far each training project pushes the margin of one text, (n,).

        Positive: without it the margin would be lower by that much.
        """
        products = self._products(row)[0]
        reach = products - self.fit.gram @ self.fit.inner(products)
        return -self.fit.gradient * reach / (1 - self.fit.curvature * self._leverage)

    def push_of(self, left_out: Sequence[int], row: sparse.csr_matrix) -> float:
        """Train again without these projects; return how far they pushed the margin."""
        rest = np.setdiff1d(np.arange(len(self.fit.sign)), left_out)
        refit = fit_dual(
            self.fit.gram[np.ix_(rest, rest)],
            self.fit.sign[rest],
            self.fit.cost[rest],
            self.fit.loss,
        )
        products = self._products(row)[0]
        return float(self.fit.alpha @ products - refit.alpha @ products[rest])

    @cached_property
    def weights(self) -> Array:
        """Return the weights of the features, (n_features,), and the bias last."""
        return np.append(self.X.T @ self.fit.alpha, self.fit.alpha.sum())

    @cached_property
    def _leverage(self) -> Array:
        gram = self.fit.gram
        return np.diag(gram) - np.einsum("ij,ji->i", gram, self.fit.inner(gram))

    def _products(self, rows: sparse.csr_matrix) -> Array:
        # Text by text as dense vectors: far quicker than a product of two sparse matrices.
        return np.stack([self.X @ row.toarray().ravel() for row in rows]) + 1


def linear_influence(
    X: sparse.csr_matrix,
    carried: Array,
    *,
    cost: float,
    loss: str = "squared_hinge",
    balanced: bool = False,
) -> LinearInfluence:
    """Fit a linear classifier as scikit-learn's liblinear does.

    `carried` (n,) marks the projects with the tag; `cost` is C.

    Raises
    ------
    TagifaiError
        Too many projects, or all alike.
    """
    carried = np.asarray(carried).astype(bool)
    n = len(carried)
    if n > MAX_PROJECTS:
        raise _too_many(n)
    if carried.all() or not carried.any():
        raise TagifaiError("all training projects are alike in this tag: nothing was learnt")
    X = sparse.csr_matrix(X, dtype=float)
    costs = np.full(n, float(cost))
    if balanced:
        costs *= np.where(carried, n / (2 * carried.sum()), n / (2 * (~carried).sum()))
    gram = np.asarray((X @ X.T).toarray()) + 1
    return LinearInfluence(X, fit_dual(gram, np.where(carried, 1.0, -1.0), costs, loss))


@dataclass(frozen=True, eq=False)
class ModelInfluence:
    """A version's classifier for one tag: its linear members, each with its part.

    The margin of the model is the sum of its members' margins times `parts`, plus `offset`.
    `unexplained` is the share of the model's own weights that this does not reproduce: what
    is told holds as far as it is near 0. All of it is about the margin: calibration makes a
    probability of it, and keeps its order.
    """

    model: TagClassifier
    members: tuple[tuple[LinearInfluence, Array | None], ...]
    parts: Array
    offset: float
    unexplained: float

    def shares(self, text: str) -> tuple[Array, float]:
        """Decompose the margin of a text: training projects (n,), and what none of them gave."""
        return self._sum("shares", text), self.offset

    def pushes(self, text: str) -> Array:
        """Estimate how far each training project pushes the margin of a text, (n,)."""
        return self._sum("pushes", text)

    def push_of(self, left_out: Iterable[int], text: str) -> float:
        """Train the members again without these; return how far they pushed the margin.

        Features, their scales, calibration and thresholds stay as they are.
        """
        rows = list(left_out)
        X = sparse.csr_matrix(self.model.transform([text]), dtype=float)
        return float(
            sum(
                part * member.push_of(rows, _scaled(X, scale))
                for part, (member, scale) in zip(self.parts, self.members, strict=True)
            )
        )

    def _sum(self, what: str, text: str) -> Array:
        X = sparse.csr_matrix(self.model.transform([text]), dtype=float)
        return np.sum(
            [
                part * getattr(member, what)(_scaled(X, scale))
                for part, (member, scale) in zip(self.parts, self.members, strict=True)
            ],
            axis=0,
        )


def model_influence(
    model: TagClassifier, params: Params, tag: str, texts: Sequence[str], carried: Array
) -> ModelInfluence:
    """Take a version's classifier for one tag apart, given what it was trained on.

    `texts` and `carried` (n,) are those of train and val, in the version's order. It is done
    once a tag and takes seconds; each question then takes milliseconds. Pushes take the
    features' scales as given, so that for a twin on log-count ratios they leave out how the
    ratios themselves would change.

    Raises:
        TagifaiError: it isn't valid here: the model can't be reproduced from these texts and
            parameters (the data was changed since), or there are too many projects.
    """
    if tag not in model.tags:
        raise one_of("tag", tag, model.tags)
    if len(texts) > MAX_PROJECTS:
        raise _too_many(len(texts))
    column = list(model.tags).index(tag)
    X = sparse.csr_matrix(model.transform(texts), dtype=float)
    loss = "squared_hinge" if params.estimator == "svc" else "logistic"
    balanced = params.class_weight == "balanced"
    first = linear_influence(X, carried, cost=params.C, loss=loss, balanced=balanced)
    members: list[tuple[LinearInfluence, Array | None]] = [(first, None)]
    if params.log_count_ratio:
        scale = LogCountRatioScaler(params.ratio_smoothing).fit(X, np.asarray(carried)).scale_
        twin = linear_influence(
            _scaled(X, scale), carried, cost=params.ratio_c, loss=loss, balanced=balanced
        )
        members.append((twin, scale))
    weights = np.stack(
        [member.weights[:-1] * (1.0 if scale is None else scale) for member, scale in members],
        axis=1,
    )
    # The model keeps only the sum of its members: their parts in it are found again.
    own = model.tag_weights(column)
    parts = np.linalg.lstsq(weights, own, rcond=None)[0]
    total = np.linalg.norm(own)
    unexplained = float(np.linalg.norm(own - weights @ parts) / total) if total else 1.0
    if unexplained > MAX_UNEXPLAINED:
        raise TagifaiError(
            f"influence cannot be told for {tag!r}: the model does not follow from this data "
            f"and these parameters ({unexplained:.0%} of its weights are left over); were "
            f"texts or tags changed since it was trained?"
        )
    biases = np.array([member.weights[-1] for member, _ in members])
    offset = float(model.intercept_[column] - parts @ biases)
    return ModelInfluence(model, tuple(members), parts, offset, unexplained)


def _too_many(n: int) -> TagifaiError:
    return TagifaiError(
        f"influence is told for up to {MAX_PROJECTS:,} training projects, not for {n:,}: "
        f"it compares each with each"
    )


def _scaled(X: sparse.csr_matrix, scale: Array | None) -> sparse.csr_matrix:
    return X if scale is None else sparse.csr_matrix(X.multiply(scale[None, :]))
