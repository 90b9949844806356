"""Queues of suspicious pairs: which ones a reader sees, in which order, and their names."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array, Booleans, Integers
from tagifai.errors import one_of
from tagifai.label_errors.label_issues import KINDS, RANKS
from tagifai.predictions import Predictions
from tagifai.reviews.verdicts import Verdict
from tagifai.text.alignment import place_words
from tagifai.text.languages import DEFAULT_LANGUAGE

STATES = ("undecided", "not by me", "conflicts", "decided", "all")
Pair = tuple[str, str]
Verdicts = Mapping[Pair, Verdict]


@dataclass(frozen=True, slots=True)
class QueueChoice:
    """Which pairs of a version to look at, and in which order; see `issue_pairs`.

    `state` is "undecided" (by anybody, and not skipped by the reader), "not by me" (the reader
    has not reviewed it), "conflicts", "decided" (all agree) or "all".
    """

    version: str
    kind: str = KINDS[0]
    tag: str | None = None
    split: str = "all"
    rank: str = RANKS[0]
    state: str = STATES[0]


@dataclass(frozen=True, slots=True)
class QueuedPair:
    """One pair of a queue, as a list shows it.

    `named` is whether the text contains a name of the tag, `status` that of the pair's
    `Verdict`, "" without one. The other fields are those of `LabelIssue`.
    """

    id: str
    tag: str
    kind: str
    split: str
    probability: float
    score: float
    named: bool
    neighbour_share: float
    title: str
    status: str

    @property
    def pair(self) -> Pair:
        """The project and the tag."""
        return self.id, self.tag


def in_state(
    predictions: Predictions,
    verdicts: Verdicts,
    state: str,
    reader: str = "",
    pairs: Integers | None = None,
) -> Booleans:
    """Return which pairs a state of `STATES` shows to a reader.

    Parameters
    ----------
    predictions : Predictions
        Whose projects and tags are meant.
    verdicts : mapping
        The verdict of each reviewed pair.
    state : str
        One of `STATES`.
    reader : str
        Whose own reviews count.
    pairs : int array of shape (n_pairs, 2), optional
        Rows and columns; all pairs by default.

    Returns
    -------
    bool array of shape (n_pairs,)
        Or (n_projects, n_tags) of all pairs.

    Raises
    ------
    TagifaiError
        An unknown state.
    """
    if state not in STATES:
        raise one_of("state of reviews", state, STATES)
    column = {tag: index for index, tag in enumerate(predictions.tags)}
    marked = []
    for (project, tag), verdict in verdicts.items():
        if project in predictions.row_of and tag in column:
            own = any(review.reviewer == reader for review in verdict.reviews)
            if {
                "undecided": own or verdict.status != "skipped",
                "not by me": own,
                "conflicts": verdict.status == "conflict",
                "decided": verdict.status in ("add", "remove", "right"),
                "all": False,
            }[state]:
                marked.append((predictions.row_of[project], column[tag]))
    shape = predictions.y_true.shape
    if pairs is None:
        pairs = np.indices(shape).reshape(2, -1).T
        return in_state(predictions, verdicts, state, reader, pairs).reshape(shape)
    found = _is_among(pairs, np.array(marked, np.intp).reshape(-1, 2), shape[1])
    return found if state in ("conflicts", "decided") else ~found


def _is_among(pairs: Integers, others: Integers, num_tags: int) -> Booleans:
    """Return which pairs of rows and columns are among others, (n_pairs,)."""
    keys, known = (some[:, 0] * num_tags + some[:, 1] for some in (pairs, others))
    return np.isin(keys, known)


def place_of(predictions: Predictions, queue: Array, pair: Pair) -> int | None:
    """Find a pair's place, from 0, in a queue of rows and columns; None where it is not in it."""
    project, tag = pair
    if project not in predictions.row_of or tag not in predictions.tags:
        return None
    row, column = predictions.row_of[project], predictions.tags.index(tag)
    found = np.flatnonzero((queue[:, 0] == row) & (queue[:, 1] == column))
    return int(found[0]) if len(found) else None


def first_below(predictions: Predictions, queue: Array, everything: Array, pair: Pair) -> int:
    """Find the place in `queue` of the first pair ranked below `pair`, 0 where there is none.

    `everything` is the whole queue, of which `queue` may be a part: `pair` may have left `queue`.
    """
    place = place_of(predictions, everything, pair)
    if place is None:
        return 0
    below = np.flatnonzero(_is_among(queue, everything[place + 1 :], len(predictions.tags)))
    return int(below[0]) if len(below) else 0


def name_places(text: str, name: str, language: str = DEFAULT_LANGUAGE) -> list[tuple[int, int]]:
    """Find where a text, as it was typed, contains a name of a tag in preprocessed words.

    >>> name_places("Self-Attention, explained: self attention", "self attention")
    [(0, 14), (27, 41)]
    """
    words, wanted = place_words(text, language=language), name.split()
    return [
        (words[start].start, words[start + len(wanted) - 1].stop)
        for start in range(len(words) - len(wanted) + 1)
        if [word.token for word in words[start : start + len(wanted)]] == wanted
    ]
