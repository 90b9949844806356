"""Which words of a text raise or lower a tag, for any predictor: by few texts, at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tagifai.arrays import Floats
from tagifai.inference.attribution import Attribution, TextPart, leave_one_out
from tagifai.inference.linear_pipelines import LinearPipeline, explain_linear
from tagifai.models.predictor import Cancelled, CheckedPredictor

MAX_MARKED = 30
"""The most parts of a text that are left out in turn; neighbouring words are joined."""
TEXTS_EACH = MAX_MARKED + 2
"""The most texts that a predictor is asked about for one text: itself, none, and each part out."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkedWords:
    """What each word of a text adds to the log-odds of tags.

    Attributes
    ----------
    parts : tuple of TextPart
        In the order of the text.
    contributions : array (n_parts, n_tags)
        In log-odds.
    method : {"exact", "leave-one-out"}
        Exact contributions sum to the log-odds; what is lost with each word alone need not.
    num_texts : int
        The texts that the predictor was asked about.
    """

    parts: tuple[TextPart, ...]
    contributions: Floats
    method: Literal["exact", "leave-one-out"]
    num_texts: int


def mark_words(
    predictor: CheckedPredictor,
    text: str,
    pipeline: LinearPipeline | None = None,
    cancelled: Cancelled | None = None,
) -> MarkedWords:
    """Return what each word adds: exactly where the pipeline is linear, else by leaving it out.

    Parameters
    ----------
    predictor : CheckedPredictor
        What is asked, about at most `TEXTS_EACH` texts.
    text : str
    pipeline : LinearPipeline, optional
        From `reasons.find_pipeline`.
    cancelled : callable, optional
        Once it returns true, nothing more is asked.

    Raises
    ------
    PredictionCancelled
        ``cancelled`` returned true.
    TagifaiError
        The predictor fails.
    """
    if pipeline is not None:
        exact = explain_linear(
            pipeline,
            lambda texts: predictor.predict_proba(texts, cancelled=cancelled, dtype=np.float64),
            text,
        )
        if exact is not None:
            return _marked(exact)
    return _marked(
        leave_one_out(
            lambda texts: predictor.predict_proba(texts, cancelled=cancelled), text, MAX_MARKED
        )
    )


def _marked(found: Attribution) -> MarkedWords:
    return MarkedWords(
        found.parts,
        found.contributions.astype(np.float32),
        "exact" if found.method == "exact" else "leave-one-out",
        found.num_texts,
    )
