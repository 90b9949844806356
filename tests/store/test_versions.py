import json
from pathlib import Path

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.store.versions import (
    FolderSource,
    Predictions,
    load_version,
    open_source,
    parse_performance,
)

FIGURES = {"precision": 0.75, "recall": 0.5, "f1": 0.6, "num_samples": 4}
PERFORMANCE = {
    "overall": FIGURES,
    "class": {"cv": FIGURES, "a.b": {**FIGURES, "f1": None}},
    "slices": {"overall": {"f1": 0.5}, "class": {"short_text": FIGURES}},
    "behavioral": {"score": 0.5, "results": {"passed": [1], "failed": [2]}},
}


def encoded(value):
    return json.dumps(value).encode()


def written(tmp_path, **files):
    source = FolderSource(tmp_path)
    source.write("v1", {f"{name}.json": encoded(value) for name, value in files.items()})
    return source


def with_field(path, value):
    changed = json.loads(json.dumps(PERFORMANCE))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return encoded(changed)


def test_a_version_has_what_its_files_say(tmp_path):
    source = written(
        tmp_path,
        performance=PERFORMANCE,
        params={"lower": True, "C": 1.0},
        thresholds={"cv": 0.25},
        version={"created": "2026-01-01T00:00:00Z"},
    )
    version = load_version(source, "v1")

    assert version.name == "v1"
    assert version.params == {"lower": True, "C": 1.0}
    assert version.performance == PERFORMANCE
    assert version.info == {"created": "2026-01-01T00:00:00Z"}
    assert version.threshold("cv") == 0.25
    assert version.threshold("nlp") == 0.5
    assert version.fingerprint == source.fingerprint("v1")
    assert version.load_predictions() is None
    assert version.read_model() is None


def test_a_version_with_performance_alone_loads(tmp_path):
    version = load_version(written(tmp_path, performance={"overall": {"f1": 1}}), "v1")

    assert version.performance == {
        "overall": {"f1": 1},
        "class": {},
        "slices": {"class": {}, "overall": {}},
        "behavioral": {},
    }
    assert version.params == version.info == version.thresholds == {}


def test_a_common_threshold_among_the_parameters_holds_for_every_tag(tmp_path):
    source = written(tmp_path, performance=PERFORMANCE, params={"threshold": 0.3})

    assert load_version(source, "v1").threshold("cv") == 0.3


def test_predictions_and_model_are_read_when_asked_for(tmp_path):
    predictions = Predictions.of(["1"], ["test"], ["cv"], [[1]], [[0.5]])
    files = {
        "performance.json": encoded(PERFORMANCE),
        "predictions.npz": predictions.to_bytes(),
        "model.skops": b"model",
    }
    source = FolderSource(tmp_path)
    source.write("v1", files)
    version = load_version(source, "v1")

    assert np.array_equal(version.load_predictions().y_prob, [[0.5]])
    assert version.read_model() == b"model"


def test_an_unknown_version_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(TagifaiError, match="unknown version 'v11': did you mean 'v1'"):
        load_version(written(tmp_path, performance=PERFORMANCE), "v11")
    with pytest.raises(TagifaiError, match="unknown version 'v2': allowed: none yet"):
        load_version(FolderSource(tmp_path / "nowhere"), "v2")


def test_a_version_without_performance_says_so(tmp_path):
    with pytest.raises(TagifaiError, match=r"version 'v1' has no performance\.json in "):
        load_version(written(tmp_path, params={}), "v1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "p.json: not JSON"),
        (b"{", "p.json: not JSON"),
        (b"\xff", "p.json: not JSON"),
        (b'{"overall": {"f1": NaN}}', "p.json: not JSON"),
        (b'{"overall": {"f1": 1e999}}', "p.json: "),
        (b'{"a":' * 100_000, "p.json: not JSON"),
        (b"[]", r"p\.json: an object is needed, got \[\]"),
        (b"null", "p.json: an object is needed, got None"),
        (b'{"accuracy": 0.9}', "p.json: none of overall, class, slices, behavioral in it"),
        (with_field(["overall"], [1]), r"p.json: overall: an object is needed, got \[1\]"),
        (with_field(["overall", "f1"], "0.5"), "p.json: overall.f1: a number .* got '0.5'"),
        (with_field(["overall", "f1"], True), "p.json: overall.f1: a number .* got True"),
        (with_field(["overall", "recall"], 61.2), "overall.recall: .*between 0 and 1 .* 61.2"),
        (with_field(["class", "a.b"], None), "p.json: class.'a.b': an object is needed, got None"),
        (with_field(["class", "a.b", "f1"], "x"), "p.json: class.'a.b'.f1: a number"),
        (with_field(["class", "cv", "num_samples"], -1), "class.'cv'.num_samples: .* 0 or more"),
        (with_field(["slices", "class", "s"], 1), "slices.class.'s': an object"),
        (with_field(["slices", "overall", "f1"], "x"), "slices.overall.f1: a number"),
        (with_field(["behavioral", "score"], "x"), "behavioral.score: a number"),
        (with_field(["behavioral", "results"], []), "behavioral.results: an object"),
        (with_field(["behavioral", "results", "failed"], {}), "results.failed: a list"),
    ],
)
def test_what_is_malformed_is_named_by_file_and_field(content, message):
    with pytest.raises(TagifaiError, match=message):
        parse_performance(content, "p.json")


def test_a_note_on_the_figures_is_a_text():
    told = with_field(["note"], "9 unlabelled projects are left out")
    assert parse_performance(told)["note"] == "9 unlabelled projects are left out"
    assert "note" not in parse_performance(with_field(["note"], {"by": "ann"}))


def test_older_shapes_are_read():
    old = {
        "overall": FIGURES,
        "behavioral_report": {"score": 1.0, "results": {"passed": [1]}},
        "slices": {
            "short_text": {"precision": 1.0, "recall": 0.5, "f1": 0.5, "num_samples": 3},
            "nlp_cnn": {"precision": 0.0, "recall": 0.5, "f1": 1.0, "num_samples": 1},
        },
    }
    performance = parse_performance(b"\xef\xbb\xbf" + encoded(old))

    assert performance["slices"]["class"] == old["slices"]
    assert performance["slices"]["overall"] == {"precision": 0.75, "recall": 0.5, "f1": 0.625}
    assert performance["behavioral"]["score"] == 1.0
    assert performance["behavioral"]["results"] == {"passed": [1], "failed": []}
    assert "behavioral_report" not in performance


def test_zeros_of_an_older_file_are_undefined_where_its_counts_say_so():
    zeros = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    old = {
        "overall": {**FIGURES, "macro": {"f1": 0.5, "num_samples": 4}},
        "class": {
            "right": {**FIGURES, "num_predicted": 3},
            "absent": {**zeros, "num_samples": 0, "num_predicted": 0},
            "wrong": {**zeros, "num_samples": 0, "num_predicted": 2},
            "missed": {**zeros, "num_samples": 3, "num_predicted": 0},
            "older": {**zeros, "num_samples": 0.0},
        },
        "slices": {"empty": {**zeros, "num_samples": 0}, "bad": {**zeros, "num_samples": 2}},
        "behavioral": {"score": 0.0, "num_samples": 0, "by_type": {}},
    }
    performance = parse_performance(encoded(old))
    figures = {
        tag: [row[name] for name in ("precision", "recall", "f1")]
        for tag, row in (performance["class"] | performance["slices"]["class"]).items()
    }
    assert figures == {
        "right": [0.75, 0.5, 0.6],
        "absent": [None, None, None],
        "wrong": [0.0, None, 0.0],
        "missed": [None, 0.0, 0.0],
        "older": [None, None, None],
        "empty": [None, None, None],
        "bad": [0.0, 0.0, 0.0],
    }
    assert performance["behavioral"]["score"] is None
    # What was averaged with these zeros stays as it was written.
    assert performance["overall"]["macro"] == {"f1": 0.5, "num_samples": 4}


@pytest.mark.parametrize("thresholds", [{"cv": "0.5"}, {"cv": 1.5}, {"cv": None}])
def test_malformed_thresholds_are_named(tmp_path, thresholds):
    source = written(tmp_path, performance=PERFORMANCE, thresholds=thresholds)

    with pytest.raises(TagifaiError, match=r"v1/thresholds\.json: 'cv': a number between 0 and 1"):
        load_version(source, "v1")


def test_a_path_is_a_folder_of_versions(tmp_path):
    assert open_source(str(tmp_path)).location == str(tmp_path)


def releases():
    folder = Path(__file__).parents[3] / "shared" / "releases"
    return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("folder", releases(), ids=lambda folder: folder.name)
def test_real_releases_load(folder):
    version = load_version(FolderSource(folder.parent), folder.name)

    assert 0.6 < version.performance["overall"]["f1"] < 0.9
    assert {"overall", "class"} <= set(version.performance["slices"])
