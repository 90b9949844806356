import json

import pytest

from tagifai.errors import TagifaiError
from tagifai.models.params import Params, parse_value


def test_params_survive_json():
    params = Params(seed=7, class_weight="balanced", char_ngrams=0)
    assert Params.from_dict(json.loads(json.dumps(params.to_dict()))) == params


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    with pytest.raises(TagifaiError, match="'estimater': did you mean 'estimator'"):
        Params.from_dict({"estimater": "svc"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"C": "1"}, "C: a number is needed, got '1'"),
        ({"C": float("nan")}, "C: a number from 1e-06 to 1e[+]06 is needed, got nan"),
        ({"seed": True}, "seed: a whole number is needed, got True"),
        ({"seed": -1}, "seed: a number from 0"),
        ({"aliases": "some"}, "aliases: one of 'none', 'exact', 'fuzzy' is needed, got 'some'"),
        ({"class_weight": "none"}, "class_weight: one of None, 'balanced' is needed"),
        ({"char_ngrams": 1}, "char_ngrams must be 0 or 2 and more"),
        ({"train_size": 0.9, "val_size": 0.1}, "leave less than 0.03 for test"),
        ({"word_ngrams": 0, "char_ngrams": 0, "aliases": "none"}, "leave no feature"),
    ],
)
def test_a_bad_value_is_named(values, message):
    with pytest.raises(TagifaiError, match=message):
        Params.from_dict(values)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("seed", "3", 3), ("C", "3", 3.0), ("lower", "False", False), ("filters", "[!]", "[!]")],
)
def test_values_are_read_from_text(name, text, value):
    assert parse_value(name, text) == value


def test_text_that_is_no_number_is_refused():
    with pytest.raises(TagifaiError, match="seed: a whole number is needed, got 'x'"):
        parse_value("seed", "x")
