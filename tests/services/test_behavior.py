"""Behavioral tests of predictors that are slow to ask."""

import json
import sys

import numpy as np
import pytest
from small_corpus import TAGS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.inference import InferenceService
from tagifai.services.patience import Ask, PredictionCancelled
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource

NAMES = sorted(TAGS)
MODULE = f"""
import time

asked = []


class Tagger:
    tags = {NAMES!r}
    seconds = 0.0
    remote = False

    def predict_proba(self, texts):
        asked.extend(texts)
        time.sleep(self.seconds * len(texts))
        return [[0.9 if tag in text else 0.1 for tag in self.tags] for text in texts]


tagger = Tagger()


class Failing(Tagger):
    def predict_proba(self, texts):
        raise RuntimeError("out of memory")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "tested_module.py").write_text(MODULE)
    import tested_module

    yield tested_module
    sys.modules.pop("tested_module", None)


@pytest.fixture
def service(tmp_path, module):
    rows = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": list(p.tags)}
        for p in small_dataset().projects
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "projects.json").write_text(json.dumps(rows))
    for name, attribute in (("v1", "tagger"), ("v2", "Failing")):
        folder = tmp_path / "model" / name
        folder.mkdir(parents=True)
        figures = {"overall": {}, "class": {}, "slices": {}, "behavioral": {}}
        described = {"kind": "python", "source": f"tested_module:{attribute}"}
        (folder / "performance.json").write_text(json.dumps(figures))
        (folder / "predictor.json").write_text(json.dumps(described))
        (folder / "thresholds.json").write_text(json.dumps(dict.fromkeys(NAMES, 0.5)))
    data = DataService(tmp_path / "data")
    versions = VersionService(
        FolderSource(tmp_path / "model"),
        ContentCache(open_memory(None)),
        data,
        allow_predictor=["python:tested_module:tagger", "python:tested_module:Failing"],
    )
    return InferenceService(versions, data)


def test_a_quick_predictor_is_tested_on_everything_whatever_the_budget(service, module):
    found = service.behavioral_results("v1", budget=4)
    assert found.num_left_out == 0
    assert "left_out" not in found.to_dict()
    assert found.results.overall.num_samples == len(service.tests("v1")) > 10
    assert len(module.asked) == len(set(module.asked))
    # What was answered is not asked again.
    before = len(module.asked)
    assert service.behavioral_results("v1", budget=4).to_dict() == found.to_dict()
    assert len(module.asked) == before


def test_a_server_is_asked_about_no_more_than_the_budget_and_then_about_the_rest(service, module):
    module.tagger.remote = True
    few = service.behavioral_results("v1", budget=6)
    number = len(service.tests("v1"))
    assert 0 < few.results.overall.num_samples < number
    assert few.num_left_out == number - few.results.overall.num_samples
    assert few.to_dict()["left_out"] == few.num_left_out
    assert len(module.asked) <= 6
    everything = service.behavioral_results("v1")
    assert (everything.num_left_out, everything.results.overall.num_samples) == (0, number)
    assert len(module.asked) == len(set(module.asked))


def test_a_slow_predictor_is_timed_by_a_few_texts_and_then_asked_within_the_budget(
    service, module, monkeypatch
):
    monkeypatch.setattr("tagifai.services.behavior.SOON", 0.05)
    module.tagger.seconds = 0.005
    found = service.behavioral_results("v1", budget=10)
    assert found.num_left_out > 0
    assert len(module.asked) <= 8 + 10


def test_what_was_answered_before_it_was_cancelled_is_scored_and_remembered(service, module):
    steps = []
    ask = Ask(lambda *step: steps.append(step), lambda: len(steps) > 1)
    module.tagger.seconds = 0.02
    assert service.known_results("v1") is None
    with pytest.raises(PredictionCancelled):
        service.behavioral_results("v1", ask)
    assert steps[0][2] == "texts"
    assert 0 < steps[0][0] < steps[0][1]
    before = len(module.asked)
    known = service.known_results("v1")
    assert known.results.overall.num_samples > 0
    assert known.num_left_out == len(service.tests("v1")) - known.results.overall.num_samples > 0
    service.behavioral_results("v1")
    assert len(module.asked) == len(set(module.asked)) > before


def test_scores_are_those_of_the_tags_that_reach_their_thresholds(service):
    found = service.behavioral_results("v1").results
    for test in (*found.passed, *found.failed):
        for text, predicted in zip(test.texts, test.predicted, strict=True):
            assert set(predicted) == {tag for tag in NAMES if tag in text}
    assert np.isclose(
        found.overall.score, len(found.passed) / (len(found.passed) + len(found.failed))
    )


def test_a_predictor_that_fails_says_so(service):
    with pytest.raises(TagifaiError, match="raised RuntimeError: out of memory"):
        service.behavioral_results("v2")
    assert service.known_results("v2") is None
