import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.reviews.queues import STATES, first_below, in_state, name_places, place_of
from tagifai.reviews.verdicts import reach_verdicts
from tagifai.store.review_events import Review

PREDICTIONS = Predictions.of(
    ["7", "8", "9"], ["train", "val", "test"], ["cv", "nlp"], np.zeros((3, 2)), np.full((3, 2), 0.5)
)


def review(number, reviewer, project, tag, decision):
    at = f"2026-01-31T12:00:00.00000{number}Z"
    return Review(str(number), at, reviewer, project, tag, decision)


VERDICTS = reach_verdicts(
    [
        review(1, "ann", "7", "cv", "add"),
        review(2, "ben", "7", "cv", "right"),
        review(3, "ann", "8", "cv", "skip"),
        review(4, "ben", "9", "nlp", "add"),
        review(5, "ben", "gone", "cv", "add"),
        review(6, "ben", "7", "unknown", "add"),
    ]
)


@pytest.mark.parametrize(
    ("state", "reader", "shown"),
    [
        ("undecided", "ann", [[0, 1], [0, 1], [1, 0]]),
        ("undecided", "ben", [[0, 1], [1, 1], [1, 0]]),
        ("not by me", "ann", [[0, 1], [0, 1], [1, 1]]),
        ("not by me", "ben", [[0, 1], [1, 1], [1, 0]]),
        ("not by me", "", [[1, 1], [1, 1], [1, 1]]),
        ("conflicts", "ann", [[1, 0], [0, 0], [0, 0]]),
        ("decided", "ann", [[0, 0], [0, 0], [0, 1]]),
        ("all", "ann", [[1, 1], [1, 1], [1, 1]]),
    ],
)
def test_a_state_shows_these_pairs_to_a_reader(state, reader, shown):
    assert in_state(PREDICTIONS, VERDICTS, state, reader).astype(int).tolist() == shown


def test_an_unknown_state_is_named():
    with pytest.raises(TagifaiError, match=f"unknown state of reviews 'open': .*{STATES[0]}"):
        in_state(PREDICTIONS, {}, "open")


def test_the_next_pair_is_the_one_ranked_below():
    everything = np.array([[2, 1], [0, 0], [1, 0], [0, 1]])
    queue = everything[[0, 3]]
    assert place_of(PREDICTIONS, everything, ("8", "cv")) == 2
    assert place_of(PREDICTIONS, queue, ("8", "cv")) is None
    assert place_of(PREDICTIONS, queue, ("gone", "cv")) is None
    assert place_of(PREDICTIONS, queue, ("8", "rl")) is None
    assert first_below(PREDICTIONS, queue, everything, ("7", "cv")) == 1
    assert first_below(PREDICTIONS, queue, everything, ("9", "nlp")) == 1
    # Past the last one the first comes again.
    assert first_below(PREDICTIONS, queue, everything, ("7", "nlp")) == 0
    assert first_below(PREDICTIONS, queue, everything, ("gone", "cv")) == 0


@pytest.mark.parametrize(
    ("text", "name", "places"),
    [
        ("A CNN, two cnns: cnn", "cnn", ["CNN", "cnn"]),
        ("Graph of neural Networks", "graph neural networks", ["Graph of neural Networks"]),
        ("İstanbul graph", "graph", ["graph"]),
        ("graphs", "graph", []),
        ("", "graph", []),
    ],
)
def test_a_name_is_found_where_it_was_typed(text, name, places):
    assert [text[start:stop] for start, stop in name_places(text, name)] == places
