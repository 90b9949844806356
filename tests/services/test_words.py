"""Marked words of our own model, of pipelines that nobody here wrote, and of plain functions."""

import shutil
import sys
import threading

import numpy as np
import pytest
from predicting import add_foreign, slow_tagger

from tagifai.errors import TagifaiError
from tagifai.models.predictor import PredictionCancelled
from tagifai.services.data import DataService
from tagifai.services.versions import VersionService
from tagifai.services.words import WordService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.ui.views.influence import render_marked, render_tinted

TAG = "transformers"


@pytest.fixture
def home(small_data, small_models, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    return tmp_path


def service(home, *allowed):
    source, cache = FolderSource(home / "model"), ContentCache(open_memory(None))
    data = DataService(home / "data")
    return WordService(VersionService(source, cache, data, allow_predictor=allowed))


def some_tested(words, number):
    return words.versions.predictions("v0.2.0").select("test").ids[:number]


def test_our_own_words_are_exact_and_those_of_many_are_those_of_each(home):
    words = service(home)
    some = some_tested(words, 5)
    one_by_one = [words.words("v0.2.0", TAG, one) for one in some[:2]]
    together = words.words_of_all("v0.2.0", TAG, some)
    assert together[:2] == one_by_one
    assert len({one.shares for one in together}) == 5
    assert {one.method for one in together} == {"exact"}
    assert words.words_of_all("v0.2.0", TAG, []) == []
    with pytest.raises(TagifaiError, match="'gone' is not in the data"):
        words.words_of_all("v0.2.0", TAG, [*some, "gone"])
    project = words.versions.texts()[some[0]]
    shares = together[0].shares
    assert all(0 <= word.start < word.stop <= len(project.text) for word in shares)
    markup = render_tinted(project, shares)
    assert markup.startswith("<b>")
    assert 'class="word ' in markup


def test_a_linear_pipeline_is_explained_exactly(home):
    pipeline = add_foreign(home, "pipe", "sklearn")
    words = service(home)
    some = some_tested(words, 10)
    found = words.words_at_once("pipe", TAG, some, seconds=60)
    assert found.waiting is None
    assert {one.method for one in found.words} == {"exact"}
    text = words.versions.text_of(some[0])
    column = list(words.versions.predictor("pipe").tags).index(TAG)
    prob = pipeline.predict_proba([text])[0, column]
    base = pipeline[-1].estimators_[column].intercept_[0]
    total = sum(share.value for share in found.words[0].shares)
    assert base + total == pytest.approx(np.log(prob / (1 - prob)), abs=1e-5)
    assert "exact contributions" in render_marked(found.words)


def test_a_function_is_asked_without_each_word_and_answers_are_remembered(home):
    tagger = add_foreign(home, "fn", "python")
    words = service(home, "python:foreign_tagger:tagger")
    some = some_tested(words, 10)
    before = tagger.asked()
    found = words.words_at_once("fn", TAG, some, seconds=60).words
    asked = tagger.asked() - before
    assert 10 < asked <= 320
    assert sum(one.num_texts for one in found) == asked
    assert {one.method for one in found} == {"leave-one-out"}
    # What raises the tag is the words that the function looks for.
    for one, words_found in zip(some, found, strict=True):
        text = words.versions.text_of(one)
        raising = {text[w.start : w.stop].lower() for w in words_found.shares if w.value > 1}
        assert raising <= set(tagger.WORDS)
    words.words_of_all("fn", "segmentation", some)
    assert tagger.asked() - before == asked
    assert "leave-one-out" in render_marked(found)


def test_what_is_slow_waits_for_a_button_and_can_be_cancelled(home):
    tagger = add_foreign(home, "fn", "python")
    words = service(home, "python:foreign_tagger:tagger")
    some = some_tested(words, 3)
    with slow_tagger(tagger) as go_on:
        waiting = words.words_at_once("fn", TAG, some, seconds=0.05).waiting
        assert waiting.num_texts == 96
        assert "at most 96 texts" in render_marked(waiting=waiting)
        stop, raised = threading.Event(), []

        def run():
            try:
                words.words_of_all("fn", TAG, some, cancelled=stop.is_set)
            except PredictionCancelled as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        stop.set()
        thread.join()
        assert len(raised) == 1
        go_on.set()
    steps = []
    words.words_of_all("fn", TAG, some, lambda *step: steps.append(step))
    assert steps == [(1, 3, "projects"), (2, 3, "projects"), (3, 3, "projects")]
    assert words.words_at_once("fn", TAG, some, seconds=60).waiting is None


def test_a_predictor_that_fails_or_is_not_allowed_says_so(home):
    add_foreign(home, "fn", "python")
    words = service(home)
    with pytest.raises(TagifaiError, match="--allow-predictor"):
        words.words_at_once("fn", TAG, some_tested(words, 5), seconds=60)
    with pytest.raises(TagifaiError, match="unknown tag 'x'"):
        words.words("v0.2.0", "x", some_tested(words, 1)[0])
    (home / "model/v0.2.0/model.skops").unlink()
    with pytest.raises(TagifaiError, match="keeps no model"):
        words.words("v0.2.0", TAG, some_tested(words, 1)[0])


def test_a_predictor_that_is_still_being_opened_is_waited_for_and_then_marks_words(home):
    add_foreign(home, "fn", "python")
    module = home / "foreign_tagger.py"
    module.write_text(
        "import pathlib, time\n"
        f"while not pathlib.Path({str(home / 'open')!r}).exists(): time.sleep(0.01)\n"
        + module.read_text()
    )
    sys.modules.pop("foreign_tagger", None)
    words = service(home, "python:foreign_tagger:tagger")
    some = some_tested(words, 2)
    waiting = words.words_at_once("fn", TAG, some, seconds=0.05).waiting
    assert waiting.is_opening
    assert "the predictor is being opened" in render_marked(waiting=waiting)
    (home / "open").touch()
    words.versions.predictor("fn")
    assert len(words.words_at_once("fn", TAG, some, seconds=60).words) == 2
