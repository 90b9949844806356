import sys

import pytest

from tagifai.errors import TagifaiError
from tagifai.models.adapters import as_predictor, load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import predict_checked
from tagifai.models.predictor_spec import AllowedPredictors, parse_predictor

MODULE = """
from pathlib import Path

Path("ran").touch()


class Tagger:
    tags = ("cv", "nlp")

    def predict_proba(self, texts):
        return [[float("vision" in text), 0.5] for text in texts]


class Nested:
    tagger = Tagger()


def make():
    return Tagger()


def score(texts):
    return [[0.25, 0.75] for _ in texts]


def named(texts):
    return score(texts)


named.tags = ["cv", "nlp"]
number = 3


def broken():
    raise RuntimeError("no weights")
"""
ALLOWED = AllowedPredictors.of(
    [f"python:my_tagger_module:{name}" for name in
     ("Tagger", "Nested.tagger", "make", "score", "named", "number", "broken", "gone")]
    + ["python:my_broken_module:x", "python:no_such_module:x"]
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "my_tagger_module.py").write_text(MODULE)
    (tmp_path / "my_broken_module.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("my_tagger_module", None)
    assert str(tmp_path) not in sys.path


def load(name, tags=(), allowed=ALLOWED):
    return load_predictor(
        parse_predictor(f"python:{name}"), LoadContext(allowed=allowed, tags=tags)
    )


@pytest.mark.parametrize("name", ["Tagger", "Nested.tagger", "make"])
def test_a_class_an_object_and_a_function_that_makes_one(name, folder):
    predictor = load(f"my_tagger_module:{name}")
    assert predict_checked(predictor, ["computer vision", ""]).tolist() == [[1, 0.5], [0, 0.5]]


def test_a_function_from_texts_to_probabilities(folder):
    assert predict_checked(load("my_tagger_module:named"), ["a"]).tolist() == [[0.25, 0.75]]
    predictor = load("my_tagger_module:score", ("cv", "nlp"))
    assert predict_checked(predictor, ["a"]).tolist() == [[0.25, 0.75]]
    with pytest.raises(TagifaiError, match="knows no names of tags"):
        load("my_tagger_module:score")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_tagger_module:gone", "has no attribute 'gone'"),
        ("my_tagger_module:number", "a int cannot predict; a predictor has `tags`"),
        ("my_tagger_module:broken", "making it raised RuntimeError: no weights"),
        ("my_broken_module:x", "importing my_broken_module raised ZeroDivisionError"),
        ("no_such_module:x", "no module 'no_such_module'; looked in"),
    ],
)
def test_what_is_wrong_is_one_clear_line(name, message, folder):
    with pytest.raises(TagifaiError, match=message):
        load(name, ("cv", "nlp"))


def test_nothing_is_imported_that_was_not_allowed(folder):
    with pytest.raises(TagifaiError, match=r"runs code, .* --allow-predictor 'python:my_tagger"):
        load("my_tagger_module:Tagger", allowed=AllowedPredictors())
    with pytest.raises(TagifaiError, match="--allow-predictor"):
        load("my_tagger_module:Tagger", allowed=AllowedPredictors.of(["python:my_tagger_module:x"]))
    assert not (folder / "ran").exists()
    assert "my_tagger_module" not in sys.modules
    load("my_tagger_module:Tagger")
    assert (folder / "ran").exists()


def test_objects_of_this_process():
    found = as_predictor(lambda texts: [[0.5] for _ in texts], ["cv"])
    assert predict_checked(found, ["a", "b"]).tolist() == [[0.5], [0.5]]
    with pytest.raises(TagifaiError, match="cannot predict"):
        as_predictor("sklearn", ["cv"])
