"""Versions of any kind, opened by the predictor that they name."""

import json
import threading

import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from small_corpus import TAGS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.training.adding import truth_of

NAMES = sorted(TAGS)
MODULE = """
loaded = []

class Tagger:
    tags = ("cv", "nlp")

    def __init__(self):
        loaded.append(1)

    def predict_proba(self, texts):
        return [[0.9 if "image" in text else 0.1, 0.4] for text in texts]

    def preprocess(self, text):
        return text.lower()
"""


def pipeline():
    projects = small_dataset().projects
    made = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=3)))
    return made.fit([project.text for project in projects], truth_of(projects, NAMES))


def write_version(models, name, described, thresholds=None):
    folder = models / name
    folder.mkdir(parents=True)
    figures = {"overall": {}, "class": {}, "slices": {}, "behavioral": {}}
    (folder / "performance.json").write_text(json.dumps(figures))
    (folder / "predictor.json").write_text(json.dumps(described))
    (folder / "thresholds.json").write_text(json.dumps(thresholds or {}))
    return folder


def open_versions(tmp_path, *allowed):
    return VersionService(
        FolderSource(tmp_path / "model"),
        ContentCache(open_memory(None)),
        DataService(tmp_path / "data"),
        allow_predictor=allowed,
    )


@pytest.fixture
def tagger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alive_tagger.py").write_text(MODULE)
    write_version(
        tmp_path / "model", "v2", {"kind": "python", "source": "alive_tagger:Tagger"}, {"nlp": 0.4}
    )
    yield
    import sys

    sys.modules.pop("alive_tagger", None)


def test_a_pipeline_in_a_version_predicts_with_the_versions_thresholds(tmp_path):
    described = {"kind": "sklearn", "source": "pipe.skops", "tags": NAMES}
    folder = write_version(tmp_path / "model", "v1", described, {"segmentation": 0.01})
    fitted = pipeline()
    skops.io.dump(fitted, folder / "pipe.skops")
    versions = open_versions(tmp_path)
    assert versions.can_predict("v1")
    assert not versions.keeps_model("v1")
    assert versions.latest("predictor") == "v1"
    text = small_dataset().projects[0].text
    found = versions.predict("v1", [text, " "])
    expected = dict(zip(NAMES, fitted.predict_proba([text])[0], strict=True))
    assert dict(found[0].probabilities) == pytest.approx(expected, abs=1e-6)
    assert found[0].tags[0] == max(expected, key=expected.get)
    assert "segmentation" in found[0].tags
    assert found[0].thresholds["segmentation"] == 0.01
    # A text of nothing gets nothing, and is not sent.
    assert (found[1].tags, found[1].reason) == ((), "empty")


def test_code_runs_only_where_the_person_allows_it(tmp_path, tagger):
    versions = open_versions(tmp_path)
    with pytest.raises(TagifaiError, match=r"--allow-predictor 'python:alive_tagger:Tagger'"):
        versions.predict("v2", ["text"])
    # A version that can predict at once comes first; else the message says what is needed.
    assert versions.latest("predictor") == "v2"
    described = {"kind": "sklearn", "source": "pipe.skops", "tags": NAMES}
    skops.io.dump(pipeline(), write_version(tmp_path / "model", "v1", described) / "pipe.skops")
    assert versions.latest("predictor") == "v1"
    allowed = open_versions(tmp_path, "python:alive_tagger:Tagger")
    assert allowed.latest("predictor") == "v2"
    (found,) = allowed.predict("v2", ["An IMAGE, an image"])
    assert found.tags == ("cv", "nlp")
    assert found.preprocessed == "an image, an image"


def test_a_predictor_is_loaded_once_however_many_ask(tmp_path, tagger):
    versions = open_versions(tmp_path, "python:alive_tagger:Tagger")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(versions.predictor("v2"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1
    import alive_tagger

    assert alive_tagger.loaded == [1]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"kind": "sklearn", "source": "gone.skops"}, r"v1/predictor\.json: .*cannot be read"),
        ({"kind": "sklearn", "source": "../../x.skops"}, "leaves the version's folder"),
        ({"kind": "what", "source": "x"}, r"v1/predictor\.json: .*unknown kind"),
        ({"kind": "http", "source": "https://tags.example/"}, "--allow-predictor 'http:https"),
    ],
)
def test_what_is_needed_is_said(tmp_path, described, message):
    write_version(tmp_path / "model", "v1", described)
    versions = open_versions(tmp_path)
    with pytest.raises(TagifaiError, match=message):
        versions.predict("v1", ["text"])


def test_a_replaced_model_is_loaded_again(tmp_path):
    described = {"kind": "sklearn", "source": "pipe.skops", "tags": NAMES}
    folder = write_version(tmp_path / "model", "v1", described)
    skops.io.dump(pipeline(), folder / "pipe.skops")
    versions = open_versions(tmp_path)
    first = versions.predictor("v1")
    assert versions.predictor("v1") is first
    other = pipeline().set_params(onevsrestclassifier__estimator__C=0.01)
    projects = small_dataset().projects
    other.fit([project.text for project in projects], truth_of(projects, NAMES))
    skops.io.dump(other, folder / "other.skops")
    (folder / "other.skops").replace(folder / "pipe.skops")
    assert versions.predictor("v1") is not first
