"""Predictors of any kind, asked about a visitor's text."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from small_corpus import TAGS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.inference import InferenceService
from tagifai.services.patience import Ask, PredictionCancelled, TooSlow
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.training.adding import truth_of

NAMES = sorted(TAGS)
TEXT = "Segmentation of masks by camera, with transformers"
MODULE = """
import time

TAGS = ["cv", "nlp"]
calls = []


def both(texts):
    # Either word is enough, so that neither seems to matter alone.
    calls.append(len(texts))
    return [[0.9 if "image" in t or "photo" in t else 0.1, 0.8 if "text" in t else 0.2]
            for t in texts]


both.tags = TAGS


class Broken:
    tags = TAGS
    answer = staticmethod(lambda texts: None)

    def predict_proba(self, texts):
        return self.answer(texts)


def fail(texts):
    raise RuntimeError("out of memory")


def hang(texts):
    time.sleep(60)


shape, nan, none, raises, hangs = (Broken() for _ in range(5))
shape.answer = lambda texts: [[0.5]] * len(texts)
nan.answer = lambda texts: [[float("nan"), 0.5]] * len(texts)
raises.answer = fail
hangs.answer = hang


class Changing(Broken):
    @property
    def tags(self):
        calls.append("tags")
        return ["cv", "nlp"] if calls.count("tags") < 4 else ["nlp", "cv"]

    def predict_proba(self, texts):
        return [[0.5, 0.5]] * len(texts)


class Deciding:
    tags = TAGS
    decisions_only = True

    def predict_proba(self, texts):
        return [[float("image" in t), 0.0] for t in texts]


class Embedding:
    tags = TAGS

    def predict_proba(self, texts):
        return [[0.6, 0.4]] * len(texts)

    def embed(self, texts):
        calls.append(len(texts))
        return [[float(len(t)), 1.0, 100.0 * ("camera" in t)] for t in texts]
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    import sys

    monkeypatch.chdir(tmp_path)
    (tmp_path / "asked_module.py").write_text(MODULE)
    rows = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": list(p.tags)}
        for p in small_dataset().projects
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "projects.json").write_text(json.dumps(rows))
    yield tmp_path
    sys.modules.pop("asked_module", None)


def write(place, name, spec, thresholds=None, tags=()):
    folder = place / "model" / name
    folder.mkdir(parents=True)
    kind, _, source = spec.partition(":")
    figures = {"overall": {}, "class": {}, "slices": {}, "behavioral": {}}
    described = {"kind": kind, "source": source, "tags": list(tags)}
    (folder / "performance.json").write_text(json.dumps(figures))
    (folder / "predictor.json").write_text(json.dumps(described))
    (folder / "thresholds.json").write_text(json.dumps(thresholds or {}))
    return folder


def write_pipeline(place, name="v1"):
    projects = small_dataset().projects
    made = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=3)))
    made.fit([project.text for project in projects], truth_of(projects, NAMES))
    folder = write(place, name, "sklearn:pipe.skops", dict.fromkeys(NAMES, 0.4), NAMES)
    skops.io.dump(made, folder / "pipe.skops")
    return made


def write_python(place, name, attribute):
    write(place, name, f"python:asked_module:{attribute}", {"cv": 0.5, "nlp": 0.5})


def serve(place):
    versions = VersionService(
        FolderSource(place / "model"),
        ContentCache(open_memory(None)),
        DataService(place / "data"),
        allow_predictor=[
            f"python:asked_module:{one}"
            for one in ("both", "shape", "nan", "none", "raises", "hangs", "Changing", "Deciding",
                        "Embedding")
        ],
    )  # fmt: skip
    return InferenceService(versions, versions.data)


def test_a_linear_pipeline_is_explained_exactly_with_one_text(place):
    fitted = write_pipeline(place)
    service = serve(place)
    (prob,) = fitted.predict_proba([TEXT])
    for tag, expected in zip(NAMES, np.log(prob) - np.log1p(-prob), strict=True):
        found = service.explain("v1", TEXT, tag)
        assert (found.method, found.num_texts) == ("exact", 1)
        total = sum(word.value for word in found.words) + found.intercept
        assert total == pytest.approx(expected, abs=1e-6)
        assert [TEXT[w.start : w.stop] for w in found.words][:2] == ["Segmentation", "of"]


def test_words_that_say_the_same_share_by_shapley_values_and_hide_when_left_out(place):
    write_python(place, "v1", "both")
    service = serve(place)
    text = "image photo of texts"
    fast = service.explain("v1", text, "cv", quality="fast")
    assert (fast.method, [w.value for w in fast.words]) == ("leave-one-out", [0, 0, 0, 0])
    assert fast.error == pytest.approx(-2 * np.log(9))
    best = service.explain("v1", text, "cv")
    image, photo, of, texts = (word.value for word in best.words)
    assert best.method == "shapley"
    assert image + photo == pytest.approx(2 * np.log(9))
    assert (of, texts) == pytest.approx((0, 0))
    assert best.error == pytest.approx(0, abs=1e-9)
    assert best.num_texts <= 16
    # Whatever is known is not asked again, nor for another tag.
    import asked_module

    asked_module.calls.clear()
    assert service.explain("v1", text, "nlp").words[3].value > 2
    assert service.explain("v1", text, "cv", quality="fast").method == "shapley"
    assert asked_module.calls == []


def test_at_most_200_texts_are_asked_however_long_the_text_is(place):
    write_python(place, "v1", "both")
    service = serve(place)
    text = " ".join(f"word{i}" for i in range(500)) + " image"
    found = service.explain("v1", text, "cv")
    import asked_module

    assert len(found.words) == 60
    assert sum(asked_module.calls) == found.num_texts <= 200


def test_a_word_is_dropped_by_the_number_that_the_explanation_has(place):
    write_python(place, "v1", "both")
    service = serve(place)
    words = service.words("v1", "an image, a photo")
    assert [word.token for word in words] == ["an", "image", "a", "photo"]
    assert service.edit_word("v1", "an image, a photo", 1, "cat") == "an cat, a photo"


def test_changes_are_found_by_calls_within_a_budget(place):
    write_python(place, "v1", "both")
    service = serve(place)
    found = service.search_changes("v1", "an image of a photo of a text", "nlp")
    assert found.changes[0].replaced == (("text", ""),)
    assert (found.changes[0].before, found.changes[0].after) == pytest.approx((0.8, 0.2))
    assert 0 < found.num_texts <= found.budget == 200
    # Both words have to go.
    both = service.search_changes("v1", "an image of a photo", "cv")
    assert both.changes[0].replaced == (("image", ""), ("photo", ""))


def test_a_tag_is_reached_by_words_of_its_projects(place):
    fitted = write_pipeline(place)
    service = serve(place)
    before = service.predict("v1", "nothing of the kind")
    tag = next(tag for tag in ("segmentation", "transformers") if tag not in before.tags)
    found = service.search_changes("v1", "nothing of the kind", tag)
    (change, *_) = found.changes
    column = NAMES.index(tag)
    assert fitted.predict_proba([change.text])[0, column] >= 0.4 > change.before


def test_two_versions_of_other_kinds_and_tags_stand_side_by_side(place):
    write_pipeline(place, "v1")
    write_python(place, "v2", "both")
    rows = {row.tag: row for row in serve(place).diff("v1", TEXT, "v2", "an image")}
    assert set(rows) == {*NAMES, "cv", "nlp"}
    assert (rows["cv"].a, rows["cv"].b, rows["cv"].flip) == (None, pytest.approx(0.9), "gained")


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("shape", r"returned an array of shape \(1, 1\) for 1 text and 2 tags"),
        ("nan", "a probability between 0 and 1 is needed, got nan"),
        ("none", "returned nothing, None"),
        ("raises", "raised RuntimeError: out of memory"),
        ("Changing", "its tags changed from one call to the next"),
    ],
)
def test_a_broken_predictor_gives_one_line_and_the_others_go_on(place, attribute, message):
    write_python(place, "v2", attribute)
    write_pipeline(place, "v1")
    service = serve(place)
    texts = [TEXT, "another text"]
    with pytest.raises(TagifaiError, match=message) as told:
        [service.predict("v2", text) for text in texts]
    assert "\n" not in str(told.value)
    assert service.predict("v1", TEXT).tags
    assert service.similar(TEXT)


def test_one_that_hangs_can_be_left(place):
    write_python(place, "v1", "hangs")
    service = serve(place)
    stopped = threading.Event()
    threading.Timer(0.2, stopped.set).start()
    with pytest.raises(PredictionCancelled):
        service.predict("v1", TEXT, Ask(cancelled=stopped.is_set))


def test_what_takes_longer_than_a_moment_is_not_begun_in_a_hurry(place):
    write_python(place, "v1", "both")
    service = serve(place)
    import sys

    with pytest.raises(TooSlow):  # not even loaded
        service.predict("v1", TEXT, Ask.at_once())
    assert "asked_module" not in sys.modules
    service.predict("v1", TEXT)
    # Now it is known to be quick.
    assert service.predict("v1", "an image", Ask.at_once(60)).tags == ("cv",)
    predictor = service.versions.predictor("v1")
    predictor._note_pace(1, 10.0)
    with pytest.raises(TooSlow):
        service.predict("v1", "another text", Ask.at_once())
    # What is known already needs no time.
    assert service.predict("v1", "an image", Ask.at_once()).tags == ("cv",)


def test_other_tags_than_the_versions_are_refused(place):
    write_python(place, "v1", "both")
    (place / "model/v1/version.json").write_text(json.dumps({"tags": ["cv", "audio"]}))
    with pytest.raises(TagifaiError, match="'nlp', which the version lacks"):
        serve(place).predict("v1", TEXT)


def test_decisions_without_probabilities_say_so(place):
    write_python(place, "v1", "Deciding")
    found = serve(place).predict("v1", "an image")
    assert found.decisions_only
    assert (found.tags, dict(found.probabilities)) == (("cv",), {"cv": 1.0, "nlp": 0.0})


def test_projects_are_embedded_once_and_go_on_after_an_interruption(place):
    write_python(place, "v1", "Embedding")
    service = serve(place)
    assert not service.embeds("v1")  # nobody knows before it is open
    service.predict("v1", TEXT)
    assert service.embeds("v1")
    moves = []
    with pytest.raises(PredictionCancelled):
        service.similar_by_embedding(
            "v1", "a camera", Ask(lambda *move: moves.append(move), lambda: bool(moves))
        )
    import asked_module

    done = sum(call for call in asked_module.calls if isinstance(call, int))
    assert 0 < done <= len(small_dataset().projects)
    found = service.similar_by_embedding("v1", "a camera")
    assert found[0].likeness >= found[-1].likeness > 0.9
    assert all("camera" in one.project.text for one in found)
    # Each project once, and the text asked for.
    assert sum(asked_module.calls) == len(small_dataset().projects) + 1


def test_a_saved_test_stays_where_the_predictor_fails(place):
    write_python(place, "v1", "raises")
    service = serve(place)
    saved = service.save_test("v1", "MFT", "mine", ["an image"], ["cv"], [])
    assert saved.results is None
    assert "raised RuntimeError: out of memory" in saved.failure
    assert Path(saved.file).exists()


def test_behavioral_tests_run_on_any_version_and_are_remembered(place):
    write_pipeline(place)
    service = serve(place)
    text = "segmentation of masks and regions"
    saved = service.save_test("v1", "MFT", "mine", [text], ["segmentation"], [])
    assert saved.results.overall.score == 1.0
    found = service.behavioral_results("v1")
    assert found.fresh
    assert found.results.by_group["mine"].score == 1.0
    assert found.results.overall.num_samples > 10


def test_many_texts_are_predicted_in_parts(place):
    write_python(place, "v1", "both")
    service = serve(place)
    rows = service.read_texts("\n".join(["an image", "a text"] * 20).encode(), "lines")
    parts = list(service.predict_rows("v1", rows))
    answers = [answer for part in parts for answer in part]
    assert [[tag for tag, _ in answer.tags] for answer in answers] == [["cv"], ["nlp"]] * 20
