"""Linear classifiers solved in the dual: as many unknowns as training projects.

The loss is that of LinearSVC and LogisticRegression in scikit-learn's liblinear form,
½‖w‖² + Σ cᵢ·loss(yᵢ·wᵀxᵢ), where a constant column of 1 makes the bias a weight like others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from tagifai.errors import TagifaiError, one_of
from tagifai.selection import Array

LOSSES = ("squared_hinge", "logistic")
_MAX_STEPS = 100
_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class DualFit:
    """A fitted classifier: the margin of a text is `alpha` @ (its products with all others).

    `gram` (n, n) holds the products; `sign` (n,) −1 and 1; `cost` (n,); `gradient` and
    `curvature` (n,) are the loss's first and second derivative in the margin.
    """

    gram: Array
    sign: Array
    cost: Array
    loss: str
    alpha: Array
    gradient: Array
    curvature: Array

    @cached_property
    def inner(self) -> Callable[[Array], Array]:
        """Return the function right → (D⁻¹ + K)⁻¹ @ right, D the curvatures, K the products."""
        return _inner(self.gram, self.curvature)


def fit_dual(gram: Array, sign: Array, cost: Array, loss: str) -> DualFit:
    """Fit to full precision, by Newton's method with halved steps where one overshoots.

    Raises
    ------
    TagifaiError
        An unknown loss, or no convergence.
    """
    if loss not in LOSSES:
        raise one_of("loss", loss, LOSSES)
    alpha = np.zeros(len(sign))
    value = _objective(gram, sign, cost, loss, alpha)
    for _ in range(_MAX_STEPS):
        gradient, curvature = derivatives(gram @ alpha, sign, cost, loss)
        residual = alpha + gradient
        if np.abs(residual).max(initial=0) <= _TOLERANCE * max(1.0, np.abs(cost).max(initial=0)):
            return DualFit(gram, sign, cost, loss, alpha, gradient, curvature)
        step = residual - _inner(gram, curvature)(gram @ residual)
        size = 1.0
        while size > 1e-8:
            candidate = alpha - size * step
            reached = _objective(gram, sign, cost, loss, candidate)
            if reached <= value + 1e-12 * abs(value):
                break
            size /= 2
        alpha, value = candidate, reached
    raise TagifaiError("the classifier could not be solved again; influence cannot be told")


def derivatives(margin: Array, sign: Array, cost: Array, loss: str) -> tuple[Array, Array]:
    """Compute the loss's first and second derivative in each margin."""
    signed = sign * margin
    if loss == "squared_hinge":
        short = np.maximum(1 - signed, 0)
        return -2 * cost * sign * short, 2 * cost * (short > 0)
    wrong = expit(-signed)
    return -cost * sign * wrong, cost * wrong * (1 - wrong)


def _inner(gram: Array, curvature: Array) -> Callable[[Array], Array]:
    # Only projects with curvature take part: with D⁻¹ infinite the rest drop out.
    active = np.flatnonzero(curvature > 0)
    root = np.sqrt(curvature[active])
    matrix = root[:, None] * gram[np.ix_(active, active)] * root[None, :]
    matrix[np.diag_indices_from(matrix)] += 1
    factor = cho_factor(matrix, overwrite_a=True) if len(active) else None

    def solve(right: Array) -> Array:
        solved = np.zeros_like(right)
        if factor is not None:
            weights = root.reshape(-1, *[1] * (right.ndim - 1))
            solved[active] = weights * cho_solve(factor, weights * right[active])
        return solved

    return solve


def _objective(gram: Array, sign: Array, cost: Array, loss: str, alpha: Array) -> float:
    margin = gram @ alpha
    signed = sign * margin
    each = np.maximum(1 - signed, 0) ** 2 if loss == "squared_hinge" else np.logaddexp(0, -signed)
    return float(0.5 * alpha @ margin + cost @ each)
