"""Which training texts moved a decision, for predictors with embeddings and a linear last layer.

The layer is a logistic regression on embeddings, one for each tag. Leaving a text out and fitting
the layer again moves a margin by nearly what one Newton step says (Koh and Liang 2017, arXiv
1703.04730; with the text's leverage taken out, Pregibon 1981). The plain product of gradients,
which TracIn (Pruthi et al. 2020, arXiv 2002.08484) sums over checkpoints, ranks texts much less
like refits do; it is here to stand beside the better one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from tagifai.arrays import Array, Booleans, Floats
from tagifai.errors import TagifaiError
from tagifai.models.linear_layer import MAX_DIMENSIONS

LEAST_PENALTY = 1e-6
COARSE = 0.1
LARGEST_MISFIT = 0.01
# Multiplications that refits may take, some five Newton steps each: about a second.
REFIT_WORK = 4e9
_STEPS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class LayerInfluence:
    """One tag's logistic regression on embeddings, and the texts it was fitted to.

    Attributes
    ----------
    X : array (n, n_dimensions + 1)
        Embeddings of the training texts, and a column of ones for the intercept.
    y : array (n,)
        0 or 1: whether the text has the tag.
    weights : array (n_dimensions + 1,)
        The layer's coefficients, the intercept last.
    penalty : float
        λ of the penalty λ/2 · |coefficients|², which leaves the intercept alone; scikit-learn's
        1/C.
    """

    X: Floats
    y: Floats
    weights: Floats
    penalty: float

    @property
    def misfit(self) -> float:
        """How far the layer is from where its own loss is least, as a share of the data's pull."""
        gradient = self.X.T @ self._residual + self._penalties * self.weights
        pull = np.abs(self.X * self._residual[:, None]).sum(axis=0)
        return float(np.linalg.norm(gradient) / max(float(np.linalg.norm(pull)), 1e-300))

    @property
    def is_optimum(self) -> bool:
        """Whether the layer is where its own loss is least, up to a hundredth of the data's pull.

        Where it is not (stopped early, fitted to other texts or with another loss), estimates
        tell what these weights imply, not what training did.
        """
        return self.misfit <= LARGEST_MISFIT

    def margin(self, embedding: Array) -> float:
        """Return the layer's log-odds for an embedding (n_dimensions,)."""
        return float(_with_one(embedding) @ self.weights)

    def pushes(self, embedding: Array) -> Floats:
        """Estimate how far each training text pushes the margin of an embedding, (n,).

        Positive: without the text the margin would be lower by that much. One Newton step; of
        texts that hold the layer in place (leverage above a tenth), for which one step is too
        coarse, the layer is fitted again, as many as take about a second.
        """
        query = _with_one(embedding)
        pull = self._prob * (1 - self._prob) * self._leverage
        pushes = np.asarray(-self._residual * (self._solve(query) @ self.X.T) / (1 - pull))
        coarse = np.flatnonzero(pull > COARSE)
        affordable = int(REFIT_WORK / self.X.size / self.X.shape[1])
        for row in coarse[np.argsort(-np.abs(pushes[coarse]))][:affordable]:
            pushes[row] = query @ self._moved(int(row))
        return pushes

    def gradient_products(self, embedding: Array) -> Floats:
        """Return TracIn's product of gradients for the margin of an embedding, (n,)."""
        return np.asarray(-self._residual * (self.X @ _with_one(embedding)))

    def push_of(self, left_out: Sequence[int], embedding: Array) -> float:
        """Fit the layer with and without some texts; return how far they push the margin.

        The exact effect of retraining this layer; the embeddings stay as they are.

        Raises
        ------
        TagifaiError
            Without them no text has the tag, or all have it.
        """
        kept = np.ones(len(self.y), bool)
        kept[list(left_out)] = False
        rest = self.y[kept]
        if rest.min(initial=1) == rest.max(initial=0):
            raise TagifaiError(
                "without these texts all others agree on the tag, and nothing is left to learn"
            )
        without = _fit(self.X[kept], rest, self._penalties, self._refitted)
        return float(_with_one(embedding) @ (self._refitted - without))

    def _moved(self, row: int) -> Floats:
        """Return how far the weights move with one text, remembered for the next question."""
        if row not in self._moves:
            kept = np.arange(len(self.y)) != row
            rest = self.y[kept]
            without = _fit(self.X[kept], rest, self._penalties, self._refitted)
            self._moves[row] = self._refitted - without
        return self._moves[row]

    @cached_property
    def _moves(self) -> dict[int, Floats]:
        return {}

    @cached_property
    def _prob(self) -> Floats:
        return _expit(self.X @ self.weights)

    @cached_property
    def _residual(self) -> Floats:
        return np.asarray(self._prob - self.y)

    @cached_property
    def _penalties(self) -> Floats:
        penalties = np.full(len(self.weights), self.penalty)
        penalties[-1] = 0
        return penalties

    @cached_property
    def _factor(self) -> tuple[Array, bool]:
        return _factorize(self.X, self._prob, self._penalties)

    @cached_property
    def _leverage(self) -> Floats:
        return np.einsum("ij,ji->i", self.X, self._solve(self.X.T))

    @cached_property
    def _refitted(self) -> Floats:
        return _fit(self.X, self.y, self._penalties, self.weights)

    def _solve(self, right: Floats) -> Floats:
        return np.asarray(linalg.cho_solve(self._factor, right))


def layer_influence(
    embeddings: Array,
    y_true: Array | Booleans,
    coef: Array,
    intercept: float,
    penalty: float | None = None,
) -> LayerInfluence:
    """Prepare a tag's last layer to be asked.

    Parameters
    ----------
    embeddings : array (n, n_dimensions)
        Of the texts that the layer was fitted to.
    y_true : array (n,)
        Whether each has the tag.
    coef, intercept : array (n_dimensions,), float
        Of the layer.
    penalty : float, optional
        λ, scikit-learn's 1/C; by default the one at which these weights fit these texts best.

    Raises
    ------
    TagifaiError
        Shapes that do not fit, a value that is not finite, too many dimensions, or texts that
        all agree on the tag.
    """
    X, y = np.asarray(embeddings, np.float64), np.asarray(y_true, np.float64).ravel()
    weights = np.append(np.asarray(coef, np.float64).ravel(), float(intercept))
    if X.ndim != 2 or X.shape != (len(y), len(weights) - 1):
        raise TagifaiError(
            f"embeddings of shape {X.shape}, {len(y):,} labels and {len(weights) - 1:,} "
            f"coefficients do not fit: (n, d), n and d are needed"
        )
    if X.shape[1] > MAX_DIMENSIONS:
        raise TagifaiError(
            f"embeddings have {X.shape[1]:,} dimensions; influence is computed for at most "
            f"{MAX_DIMENSIONS:,}"
        )
    if not (np.isfinite(X).all() and np.isfinite(weights).all()):
        raise TagifaiError("embeddings and coefficients must be finite numbers")
    if y.min(initial=1) == y.max(initial=0):
        raise TagifaiError("all training texts agree on the tag: nothing was learned about it")
    X = np.column_stack([X, np.ones(len(X))])
    if penalty is None:
        penalty = _find_penalty(X, y, weights)
    return LayerInfluence(X, y, weights, max(float(penalty), LEAST_PENALTY))


def _find_penalty(X: Floats, y: Floats, weights: Floats) -> float:
    # At the optimum the gradient of the loss is −λ times the coefficients.
    gradient = (X.T @ (_expit(X @ weights) - y))[:-1]
    coef = weights[:-1]
    return float(-(coef @ gradient)) / max(float(coef @ coef), 1e-12)


def _fit(X: Floats, y: Floats, penalties: Floats, start: Floats) -> Floats:
    """Minimise the penalised loss by Newton steps that are halved until they descend."""
    weights, loss = start, _loss(X, y, penalties, start)
    for _ in range(_STEPS):
        prob = _expit(X @ weights)
        gradient = X.T @ (prob - y) + penalties * weights
        step = linalg.cho_solve(_factorize(X, prob, penalties), gradient)
        decrease = float(gradient @ step)
        if decrease <= _TOLERANCE:
            break
        size = 1.0
        while size > 1e-8:
            after = _loss(X, y, penalties, weights - size * step)
            if after <= loss - 1e-4 * size * decrease:
                weights, loss = weights - size * step, after
                break
            size /= 2
        else:
            break
    return weights


def _loss(X: Floats, y: Floats, penalties: Floats, weights: Floats) -> float:
    margin = X @ weights
    return float(np.logaddexp(0, margin).sum() - y @ margin + penalties @ weights**2 / 2)


def _factorize(X: Floats, prob: Floats, penalties: Floats) -> tuple[Array, bool]:
    hessian = (X * (prob * (1 - prob))[:, None]).T @ X
    # A tiny ridge, since the intercept has no penalty and certain texts no curvature.
    ridge = 1e-10 * (np.trace(hessian) + 1)
    factor: tuple[Array, bool] = linalg.cho_factor(hessian + np.diag(penalties + ridge))
    return factor


def _with_one(embedding: Array) -> Floats:
    return np.append(np.asarray(embedding, np.float64).ravel(), 1.0)


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -500, 500))))
