"""Predict the tags of texts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError
from tagifai.predictions import decide, threshold_array

if TYPE_CHECKING:
    from tagifai.models.classifier import TagClassifier


def predict_proba(model: "TagClassifier", texts: Sequence[str]) -> np.ndarray:
    """Give the probability of each tag for each text, float32 (n_texts, n_tags)."""
    return model.predict_proba(texts)


def predict_tags(
    model: "TagClassifier",
    tags: Sequence[str],
    thresholds: Mapping[str, float],
    texts: Sequence[str],
) -> list[dict[str, Any]]:
    """Predict the tags of each text; a tag is predicted from its threshold on.

    Each answer: "tags" (predicted, likeliest first), "probabilities" {tag: float, likeliest
    first}, "preprocessed", and "reason", why no tag could be predicted: "empty" (nothing is
    left after preprocessing), "no known word" (the model knows none of the words, and their
    letters alone lead to no tag), or None. A text without a known word gets no tag that a text
    of nothing would get too, however common the tag is.

    Raises:
        TagifaiError: the model has other tags, or a tag has no threshold.
    """
    if len(tags) != len(model.intercept_):
        raise TagifaiError(f"{len(tags)} tags given to a model of {len(model.intercept_)}")
    cuts = threshold_array(tags, thresholds)
    if not len(texts):
        return []
    texts = [replace_surrogates(text) for text in texts]
    features = model.transform(texts)
    prob = model.probabilities(model.margins(features))
    decided = decide(prob, cuts)
    cleaned = model.features_.named_steps["preprocess"].transform(texts)
    answers = []
    known = model.knows(features)
    # What a text of nothing gets says nothing of a text whose words are unknown.
    decided &= known[:, None] | ~decide(model.probabilities(model.intercept_), cuts)
    rows = zip(prob, decided, cleaned, known, strict=True)
    for row, above, preprocessed, knows in rows:
        order = np.argsort(-row, kind="stable")
        told = "no known word" if preprocessed else "empty"
        reason = None if knows or above.any() else told
        answers.append(
            {
                "tags": [tags[t] for t in order if above[t]],
                "probabilities": {tags[t]: float(row[t]) for t in order},
                "preprocessed": preprocessed,
                "reason": reason,
            }
        )
    return answers
