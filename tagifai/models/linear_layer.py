"""The linear last layer of a predictor: embeddings in, log-odds out."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array, Floats
from tagifai.errors import TagifaiError

LEAST_PROBABILITY = 1e-7
MAX_DIMENSIONS = 4_096
"""The most numbers of an embedding that influence is computed for."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearLayer:
    """One logistic regression for each tag, on what the predictor's ``embed`` returns.

    The log-odds of a text are ``embed([text]) @ coef.T + intercept``.

    Attributes
    ----------
    coef : array (n_tags, n_dimensions)
    intercept : array (n_tags,)
    """

    coef: Floats
    intercept: Floats

    def margins(self, embeddings: Array) -> Floats:
        """Return the log-odds of embeddings (n_texts, n_dimensions), as (n_texts, n_tags)."""
        return np.asarray(np.asarray(embeddings, np.float64) @ self.coef.T + self.intercept)


def read_linear_layer(predictor: object, num_tags: int, name: str) -> LinearLayer | None:
    """Read the layer that a predictor says it has; None where it has none or cannot embed.

    Raises
    ------
    TagifaiError
        It is no layer of finite numbers for these tags.
    """
    found = getattr(predictor, "linear_layer", None)
    if found is None or not callable(getattr(predictor, "embed", None)):
        return None
    try:
        coef = np.atleast_2d(np.asarray(found.coef, np.float64))
        intercept = np.ravel(np.asarray(found.intercept, np.float64))
    except (AttributeError, TypeError, ValueError) as error:
        raise TagifaiError(
            f"predictor {name}: linear_layer needs coef (n_tags, n_dimensions) and intercept "
            f"(n_tags,): {error}"
        ) from None
    if coef.ndim != 2 or len(coef) != num_tags or intercept.shape != (num_tags,):
        raise TagifaiError(
            f"predictor {name}: linear_layer has coef {coef.shape} and intercept "
            f"{intercept.shape}; ({num_tags}, n_dimensions) and ({num_tags},) are needed"
        )
    if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        raise TagifaiError(f"predictor {name}: linear_layer holds a value that is not finite")
    return LinearLayer(coef, intercept)


def find_linear(classifier: object, method: str) -> tuple[Floats, Floats] | None:
    """Return coefficients (n_features, n_tags) and intercepts of one linear model a tag.

    Parameters
    ----------
    classifier : object
        A fitted classifier of scikit-learn.
    method : str
        How its probabilities are made: by ``predict_proba``, or as the sigmoid of its
        ``decision_function``.

    Returns
    -------
    pair of arrays, or None
        None where the log-odds are not known to be linear.
    """
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.multioutput import MultiOutputClassifier

    if isinstance(classifier, OneVsRestClassifier):
        if method == "predict_proba" and not classifier.multilabel_:
            return None  # probabilities of rival classes are divided by their sum
        models: Sequence[object] = classifier.estimators_
    elif isinstance(classifier, MultiOutputClassifier):
        models = classifier.estimators_
    else:
        models = [classifier]
    columns = [_margin(model, method) for model in models]
    widths = {len(coef) for coef, _ in filter(None, columns) if len(coef)}
    if None in columns or len(widths) != 1:
        return None
    (width,) = widths
    coefs: dict[int, Floats] = defaultdict(lambda: np.zeros(width))
    intercepts = np.zeros(len(columns))
    for place, column in enumerate(columns):
        assert column is not None
        if len(column[0]):
            coefs[place] = column[0]
        intercepts[place] = column[1]
    return np.column_stack([coefs[place] for place in range(len(columns))]), intercepts


def is_logistic(classifier: object) -> bool:
    """Check whether each tag's model was fitted by the logistic loss; constant ones aside."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier

    models = getattr(classifier, "estimators_", [classifier])
    return all(
        isinstance(model, LogisticRegression | LogisticRegressionCV)
        or (isinstance(model, SGDClassifier) and model.loss == "log_loss")
        or _is_constant(model)
        for model in models
    )


def _margin(model: object, method: str) -> tuple[Floats, float] | None:
    """Return coefficients and intercept of a tag's log-odds; no coefficients: it is constant."""
    from sklearn.linear_model import (
        LogisticRegression,
        LogisticRegressionCV,
        Perceptron,
        RidgeClassifier,
        SGDClassifier,
    )
    from sklearn.svm import LinearSVC

    if _is_constant(model):
        certain = float(np.ravel(model.y_)[0])  # type: ignore[attr-defined]
        return np.zeros(0), _certain_log_odds(certain)
    classes = np.ravel(getattr(model, "classes_", ()))
    if len(classes) != 2:
        return None
    logistic = isinstance(model, LogisticRegression | LogisticRegressionCV) or (
        isinstance(model, SGDClassifier) and model.loss == "log_loss"
    )
    signed = isinstance(model, LinearSVC | RidgeClassifier | SGDClassifier | Perceptron)
    if not (logistic or (method == "decision_function" and signed)):
        return None
    coef: Floats = np.asarray(model.coef_, np.float64).ravel()  # type: ignore[attr-defined]
    return coef, float(np.ravel(model.intercept_)[0])  # type: ignore[attr-defined]


def _is_constant(model: object) -> bool:
    return type(model).__name__ == "_ConstantPredictor"


def _certain_log_odds(value: float) -> float:
    prob = min(max(value, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return float(np.log(prob) - np.log1p(-prob))
