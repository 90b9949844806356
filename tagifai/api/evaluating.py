"""Figures of arrays, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from tagifai.api.inputs import read_probabilities, read_tags, read_truth, refuse_unnamed
from tagifai.arrays import Array
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.predictions import DEFAULT_THRESHOLD, Predictions

if TYPE_CHECKING:
    import pandas as pd

AVERAGES = ("weighted", "macro", "micro", "samples")
GROUPS = {"overall": "overall", "class": "tags"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes
    ----------
    group : {"overall", "tags"}
        Whether `name` is an average or a tag.
    name, metric : str
        As in ``("macro", "f1")`` or ``("nlp", "average_precision")``.
    value : float or None
        In [0, 1]; None where undefined.
    low, high : float or None
        Ends of the 95 % interval; None with under ten positives, and for the figures of
        probabilities.
    support : int or None
        Positives of a tag; texts of an average.
    """

    group: str
    name: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    support: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """Figures of one model on one set of texts; renders itself in a notebook.

    Attributes
    ----------
    figures : tuple of Figure
        Averages first, then each tag's.
    num_texts, num_tags : int
        What they are of.
    """

    figures: tuple[Figure, ...]
    num_texts: int
    num_tags: int

    def figure(self, name: str, metric: str) -> Figure:
        """Return one figure, of an average or a tag; averages come first.

        Raises
        ------
        TagifaiError
            There is none of this name and metric.
        """
        found = [one for one in self.figures if (one.name, one.metric) == (name, metric)]
        if not found:
            known = {f"{one.name} {one.metric}" for one in self.figures}
            raise one_of("figure", f"{name} {metric}", sorted(known))
        return found[0]

    def to_frame(self) -> "pd.DataFrame":
        """Return every figure as a row of a table."""
        import pandas as pd

        return pd.DataFrame(
            [asdict(one) for one in self.figures], columns=list(Figure.__dataclass_fields__)
        )

    def __repr__(self) -> str:
        value = self.figure("weighted", "f1").value
        shown = "–" if value is None else f"{value:.3f}"
        return (
            f"<Evaluation of {counted(self.num_texts, 'text')} and "
            f"{counted(self.num_tags, 'tag')}: weighted f1 {shown}>"
        )

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format="%.3f", na_rep="–"))


def evaluate(
    y_true: object,
    y_prob: object = None,
    *,
    y_pred: object = None,
    tags: object = None,
    thresholds: float | Mapping[str, float] = DEFAULT_THRESHOLD,
    seed: int = 0,
) -> Evaluation:
    """Score probabilities or decisions, each figure with its 95 % interval.

    Parameters
    ----------
    y_true : array (n_texts, n_tags) or list of lists
        0 and 1, or each text's tags.
    y_prob : array (n_texts, n_tags), optional
        Probabilities in [0, 1].
    y_pred : array (n_texts, n_tags) or list of lists, optional
        Decisions instead, 0 and 1 or each text's predicted tags.
    tags : list of str, optional
        The names of the columns.
    thresholds : float or mapping
        The probability from which a tag is predicted, one for all or by tag.
    seed : int
        Of the bootstrap behind the intervals of averages.

    Returns
    -------
    Evaluation

    Raises
    ------
    TagifaiError
        Something does not fit: the message names the argument and both shapes.

    Examples
    --------
    >>> result = evaluate([["cv"], ["cv", "nlp"]], y_pred=[["cv"], ["cv"]], tags=["cv", "nlp"])
    >>> result.figure("cv", "precision").value, result.figure("nlp", "recall").value
    (1.0, 0.0)
    """
    if (y_prob is None) == (y_pred is None):
        raise TagifaiError("evaluate: y_prob or y_pred is needed, and not both")
    names = None if tags is None else read_tags(tags)
    columns, truth, ordered = read_truth(y_true, None, names)
    if y_prob is None:
        prob, thresholds = _read_decisions(y_pred, len(truth), columns, ordered), DEFAULT_THRESHOLD
    else:
        prob = read_probabilities(y_prob, "y_prob", len(truth), columns, ordered=ordered)
    predictions = as_predictions(truth, prob, columns)
    return score(predictions, read_thresholds(thresholds, columns), y_prob is not None, seed)


def score(
    predictions: Predictions, thresholds: Mapping[str, float], ranked: bool, seed: int = 0
) -> Evaluation:
    """Score predictions of which all are test; `ranked` ones have figures of probabilities."""
    from tagifai.comparison.intervals import measure_figures
    from tagifai.metrics import performance
    from tagifai.store.history import list_figures

    decided = predictions.decide(thresholds)
    tags, prob = predictions.tags, predictions.y_prob if ranked else None
    found = performance(predictions.y_true, decided, tags, y_prob=prob)
    measured = measure_figures(predictions, thresholds, seed=seed)
    support = dict(zip(tags, predictions.y_true.sum(axis=0).tolist(), strict=True))
    figures = []
    for (group, name, metric), value in list_figures(found).items():
        if group in GROUPS:
            interval = measured.get((group, name, metric))
            number = support[name] if group == "class" else len(predictions.ids)
            low, high = (interval.low, interval.high) if interval else (None, None)
            figures.append(Figure(GROUPS[group], name, metric, value, low, high, number))
    return Evaluation(tuple(figures), len(predictions.ids), len(tags))


def as_predictions(y_true: Array, y_prob: Array, tags: Sequence[str]) -> Predictions:
    """Return arrays as predictions of which all are test; ids are the rows' numbers."""
    return Predictions.of(range(len(y_true)), ["test"] * len(y_true), tags, y_true, y_prob)


def read_thresholds(
    thresholds: float | Mapping[str, float], tags: Sequence[str]
) -> dict[str, float]:
    """Return the threshold of each tag.

    Raises
    ------
    TagifaiError
        An unknown tag, or a threshold outside [0, 1].
    """
    given = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(tags, thresholds)
    for tag, value in given.items():
        if tag not in tags:
            raise TagifaiError(f"thresholds: {one_of('tag', tag, tags)}")
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not (number and 0 <= value <= 1):
            raise TagifaiError(
                f"thresholds: {tag!r}: a number from 0 to 1 is needed, got {shorten(repr(value))}"
            )
    return {tag: float(given.get(tag, DEFAULT_THRESHOLD)) for tag in tags}


def _read_decisions(y_pred: object, num_texts: int, tags: Sequence[str], ordered: bool) -> Array:
    try:
        if not ordered:
            # Names are looked up among the tags; a matrix without names could be of any order.
            refuse_unnamed(y_pred, "y_true", num_texts, tags)
        _, decided, _ = read_truth(y_pred, num_texts, tags)
    except TagifaiError as error:
        raise TagifaiError(str(error).replace("y_true", "y_pred", 1)) from None
    return decided.astype(np.float32)
