"""Examples of a version's errors in a report, with the words that led to them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.inspection import Outcome, TagFigures
from tagifai.models.predictor import PredictionCancelled
from tagifai.services.inspection import InspectionService

# The page imports this before anybody asks for a report; words need scikit-learn.
if TYPE_CHECKING:
    from tagifai.services.words import Method, Words, WordService

MOST_TAGS = 3
MOST_WORDS = 4
SECONDS = 10.0
OUTCOMES = {"fp": "predicted, and not true", "fn": "true, and not predicted"}


@dataclass(frozen=True, slots=True)
class Reason:
    """A wrong decision, and the words that raise and lower its tag most.

    Attributes
    ----------
    outcome : {"fp", "fn"}
    raising, lowering : tuple of (str, float)
        Words with what each adds to the log-odds, the strongest first.
    method : {"exact", "leave-one-out"}
        How that was found.
    """

    tag: str
    outcome: str
    id: str
    title: str
    probability: float
    raising: tuple[tuple[str, float], ...]
    lowering: tuple[tuple[str, float], ...]
    method: "Method"


def find_reasons(
    inspection: InspectionService,
    words: "WordService",
    name: str,
    worst: Sequence[TagFigures],
    seconds: float = SECONDS,
) -> list[Reason]:
    """Explain the most confident errors of the worst tags: at most one of each kind for three tags.

    A predictor that is not linear is asked about at most 32 texts for each. One that is a server
    is not asked.

    Raises
    ------
    TagifaiError
        The version cannot predict, its predictor is a server, or it takes too long.
    """
    predictor = inspection.versions.predictor(name)
    if predictor.is_remote:
        raise TagifaiError(
            f"predictor {predictor.name}: each text is a request to a server, so a report asks none"
        )
    texts, until = inspection.versions.texts(), time.monotonic() + seconds
    found = []
    for row in [row for row in worst if row.fp or row.fn][:MOST_TAGS]:
        for outcome in OUTCOMES:
            items = inspection.outcomes(name, row.tag, outcome, size=1).items
            for item in [item for item in items if item.id in texts]:
                try:
                    (one,) = words.words_of_all(
                        name, row.tag, [item.id], cancelled=lambda: time.monotonic() > until
                    )
                except PredictionCancelled:
                    raise TagifaiError(
                        f"predictor {predictor.name}: more than {seconds:g} seconds are needed; "
                        "the Inspection tab marks words on request"
                    ) from None
                found.append(_reason(row.tag, outcome, item, texts[item.id], one))
    return found


def _reason(tag: str, outcome: str, item: Outcome, project: Project, words: "Words") -> Reason:
    ranked = sorted(words.shares, key=lambda word: -abs(word.value))
    pairs = [(project.text[word.start : word.stop], word.value) for word in ranked]
    return Reason(
        tag,
        outcome,
        item.id,
        project.name,
        item.probability,
        tuple((text, value) for text, value in pairs if value > 0)[:MOST_WORDS],
        tuple((text, value) for text, value in pairs if value < 0)[:MOST_WORDS],
        words.method,
    )
