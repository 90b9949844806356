"""Some of a predictor's columns, under other names."""

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.models.adapters import as_predictor, load_predictor
from tagifai.models.adapters.columns import ChosenColumns
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import CheckedPredictor
from tagifai.models.predictor_spec import AllowedPredictors, parse_predictor


class Three:
    tags = ("a", "b", "c")
    batch_size = 7
    head = "weights of three columns"

    def predict_proba(self, texts):
        return [[0.125, 0.25, 0.5] for _ in texts]

    def embed(self, texts):
        return np.ones((len(texts), 2))


def test_columns_are_chosen_and_named():
    chosen = ChosenColumns(Three(), ["x", None, "c"])
    assert chosen.tags == ("x", "c")
    assert CheckedPredictor(chosen).predict_proba(["t"]).tolist() == [[0.125, 0.5]]
    assert chosen.batch_size == 7
    assert chosen.embed(["t"]).shape == (1, 2)
    with pytest.raises(AttributeError):
        chosen.head  # noqa: B018 - of other columns


def test_a_map_names_columns_and_leaves_others_out():
    found = as_predictor(Three(), context=LoadContext(tag_map={"a": "x", "b": None}))
    assert tuple(found.tags) == ("x", "c")
    assert np.asarray(found.predict_proba(["t"])).tolist() == [[0.125, 0.5]]


def test_names_from_a_file_are_mapped_too(tmp_path, monkeypatch):
    (tmp_path / "tagging_here.py").write_text(
        "def tag(texts):\n    return [[0.125, 0.25, 0.5] for _ in texts]\n"
    )
    monkeypatch.chdir(tmp_path)
    spec = parse_predictor("python:tagging_here:tag")
    context = LoadContext(
        allowed=AllowedPredictors.of([str(spec)]), tags=("a", "b", "c"), tag_map={"c": None}
    )
    found = load_predictor(spec, context)
    assert tuple(found.tags) == ("a", "b")
    assert np.asarray(found.predict_proba(["t"])).tolist() == [[0.125, 0.25]]


@pytest.mark.parametrize(
    ("tag_map", "message"),
    [
        ({"d": None}, "unknown name of the model 'd'"),
        ({"a": "b"}, "'b' comes twice"),
        ({"a": None, "b": None, "c": None}, "every column is left out"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tag_map, message):
    with pytest.raises(TagifaiError, match=message):
        as_predictor(Three(), context=LoadContext(tag_map=tag_map))
