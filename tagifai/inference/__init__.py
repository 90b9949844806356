"""Predict the tags of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError
from tagifai.predictions import NEAR_MISS, decide, threshold_array

if TYPE_CHECKING:
    from tagifai.models.classifier import TagClassifier
    from tagifai.models.predictor import Cancelled, CheckedPredictor, Progress

_PAIRS_AT_ONCE = 1_000_000
Reason: TypeAlias = Literal["empty", "no known word"]


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """What a version predicts for one text.

    Attributes
    ----------
    tags
        The predicted tags, likeliest first.
    probabilities
        The probability of every tag, likeliest first.
    preprocessed
        What the classifier reads of the text.
    reason
        Why no tag could be predicted: "empty" (nothing is left after preprocessing), "no known
        word" (the model knows none of the words, and their letters alone lead to no tag), or None.
    thresholds
        The probability from which each tag is predicted, in the order of `probabilities`.
    decisions_only
        Whether "probabilities" are decisions of 0 and 1, for want of better.
    """

    tags: tuple[str, ...]
    probabilities: Mapping[str, float]
    preprocessed: str
    reason: Reason | None
    thresholds: Mapping[str, float]
    decisions_only: bool = False

    @property
    def near_misses(self) -> dict[str, float]:
        """The probabilities of tags that reach half of their threshold, likeliest first.

        A text that cannot be read has none.
        """
        if self.reason:
            return {}
        return {
            tag: p
            for tag, p in self.probabilities.items()
            if tag not in self.tags and decide(p, NEAR_MISS * self.thresholds[tag])
        }

    def explained_tag(self, tag: str | None) -> str:
        """Return the tag to explain: the given one if the version knows it, else the likeliest."""
        return tag if tag and tag in self.probabilities else next(iter(self.probabilities), "")

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction, ready for JSON."""
        return {
            "tags": list(self.tags),
            "probabilities": dict(self.probabilities),
            "preprocessed": self.preprocessed,
            "reason": self.reason,
            "thresholds": dict(self.thresholds),
            **({"decisions_only": True} if self.decisions_only else {}),
        }


def predict_proba(model: "TagClassifier", texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the probability of each tag for each text, float32 (n_texts, n_tags)."""
    return model.predict_proba(texts)


def predict_tags(
    model: "TagClassifier",
    tags: Sequence[str],
    thresholds: Mapping[str, float],
    texts: Sequence[str],
) -> list[TextPrediction]:
    """Predict the tags of each text; a tag is predicted from its threshold on.

    A text without a known word gets no tag that a text of nothing would get too, however common
    the tag is.

    Parameters
    ----------
    model
        A fitted model.
    tags
        The names of its tags, in its order.
    thresholds
        A threshold in [0, 1] for each tag.
    texts
        Texts as typed.

    Raises
    ------
    TagifaiError
        The model has other tags, or a tag has no threshold.
    """
    if len(tags) != len(model.intercept_):
        raise TagifaiError(f"{len(tags)} tags given to a model of {len(model.intercept_)}")
    cuts = threshold_array(tags, thresholds)
    if not len(texts):
        return []
    texts = [replace_surrogates(text) for text in texts]
    prob, decided, known = _decide_texts(model, cuts, texts)
    cleaned = model.features_.named_steps["preprocess"].transform(texts)
    predictions = []
    for row, above, preprocessed, knows in zip(prob, decided, cleaned, known, strict=True):
        order = np.argsort(-row, kind="stable")
        unreadable: Reason = "no known word" if preprocessed else "empty"
        predictions.append(
            TextPrediction(
                tags=tuple(tags[t] for t in order if above[t]),
                probabilities={tags[t]: float(row[t]) for t in order},
                preprocessed=preprocessed,
                reason=None if knows or above.any() else unreadable,
                thresholds={tags[t]: thresholds[tags[t]] for t in order},
            )
        )
    return predictions


def decide_tags(
    model: "TagClassifier",
    tags: Sequence[str],
    thresholds: Mapping[str, float],
    texts: Sequence[str],
) -> list[tuple[str, ...]]:
    """Return the tags that `predict_tags` predicts for each text, likeliest first, and no more.

    Texts are taken some at a time: memory does not grow with their number.
    """
    cuts = threshold_array(tags, thresholds)
    texts = [replace_surrogates(text) for text in texts]
    step = max(1, _PAIRS_AT_ONCE // max(1, len(tags)))
    found = []
    for start in range(0, len(texts), step):
        prob, decided, _ = _decide_texts(model, cuts, texts[start : start + step])
        for row, above in zip(prob, decided, strict=True):
            columns = np.flatnonzero(above)
            order = columns[np.argsort(-row[columns], kind="stable")]
            found.append(tuple(tags[column] for column in order.tolist()))
    return found


def _decide_texts(
    model: "TagClassifier", cuts: npt.NDArray[np.float64], texts: Sequence[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return probabilities and decisions (n_texts, n_tags), and which texts have a known word."""
    features = model.transform(texts)
    prob = model.probabilities(model.margins(features))
    known = model.knows(features)
    # What a text of nothing gets says nothing of a text whose words are unknown.
    nothing = decide(model.probabilities(model.intercept_), cuts)
    return prob, decide(prob, cuts) & (known[:, None] | ~nothing), known


def predict_with(
    predictor: "CheckedPredictor",
    thresholds: Mapping[str, float],
    texts: Sequence[str],
    progress: "Progress | None" = None,
    cancelled: "Cancelled | None" = None,
) -> list[TextPrediction]:
    """Predict the tags of each text with any predictor; a tag is predicted from its threshold on.

    A text without any character but blanks is not sent, and gets no tag.

    Parameters
    ----------
    predictor
        What is called.
    thresholds
        A threshold in [0, 1] for each of its tags.
    texts
        Texts as typed.
    progress, cancelled
        As `CheckedPredictor.predict_proba` takes them.

    Raises
    ------
    PredictionCancelled
        ``cancelled`` returned true.
    TagifaiError
        The predictor fails, or a tag has no threshold.
    """
    texts = [replace_surrogates(text) for text in texts]
    readable = [row for row, text in enumerate(texts) if text.strip()]
    prob = np.zeros((len(texts), len(predictor.tags)), np.float32)
    sent = [texts[row] for row in readable]
    prob[readable] = predictor.predict_proba(sent, progress, cancelled)
    return describe_predictions(predictor, thresholds, texts, prob)


def describe_predictions(
    predictor: "CheckedPredictor",
    thresholds: Mapping[str, float],
    texts: Sequence[str],
    prob: npt.NDArray[np.floating],
) -> list[TextPrediction]:
    """Decide by probabilities (n_texts, n_tags) that a predictor returned.

    A text without any character but blanks gets no tag.

    Raises
    ------
    TagifaiError
        The predictor cannot say how it reads a text, or a tag has no threshold.
    """
    tags = predictor.tags
    decided = decide(prob, threshold_array(tags, thresholds))
    predictions = []
    for text, row, above in zip(texts, prob, decided, strict=True):
        order = np.argsort(-row, kind="stable")
        empty = not text.strip()
        predictions.append(
            TextPrediction(
                tags=() if empty else tuple(tags[t] for t in order if above[t]),
                probabilities={tags[t]: float(row[t]) for t in order},
                preprocessed=predictor.preprocess(text) or "",
                reason="empty" if empty else None,
                thresholds={tags[t]: thresholds[tags[t]] for t in order},
                decisions_only=predictor.decisions_only,
            )
        )
    return predictions
