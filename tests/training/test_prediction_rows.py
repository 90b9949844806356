from pathlib import Path

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.training.prediction_rows import Expected, PredictionRows

FILE = Path("p.jsonl")


def rows(**changed):
    given = {"known_tags": ["cv", "nlp"], "splits": {"1": None, "2": "test"}}
    return PredictionRows(FILE, Expected(**given | changed))


def test_rows_become_probabilities_in_the_order_of_tags():
    found = rows()
    found.add_project(1, 1, "train")
    found.add_values(1, ["nlp", "cv"], [0.25, 1])
    found.add_project(2, "2", None)
    found.add_values(2, ["cv", "nlp"], [0, 0.5])
    gathered = found.finish()
    assert (gathered.ids, gathered.split) == (["1", "2"], ["train", "test"])
    assert gathered.tags == ["cv", "nlp"]
    assert gathered.y_prob.tolist() == [[1, 0.25], [0, 0.5]]


def test_many_rows_at_once_come_to_the_same():
    found = rows()
    found.name_columns(["nlp", "cv"], "columns")
    found.add_project(1, "1", "train")
    found.add_project(2, "2", "test")
    found.add_block(1, np.array([[0.25, 1], [0.5, 0]]))
    assert found.finish().y_prob.tolist() == [[1, 0.25], [0, 0.5]]
    with pytest.raises(TagifaiError, match=r"row 1, probabilities\.cv: .* got 2\.0"):
        found.add_block(1, np.array([[0.25, 2]]))


@pytest.mark.parametrize("value", [10**400, None, "1", True, [1], -0.1, float("nan")])
@pytest.mark.parametrize("beside", [0.5, None])
def test_what_is_no_probability_is_named(value, beside):
    found = rows(missing="zero")
    found.add_project(1, 2, "test")
    if value is None:
        found.add_values(1, ["cv", "nlp"], [value, beside])
        assert found.finish().y_prob.tolist() == [[0, beside or 0]]
    else:
        with pytest.raises(TagifaiError, match=r"row 1, probabilities\.cv: a number from 0 to 1"):
            found.add_values(1, ["cv", "nlp"], [value, beside])
