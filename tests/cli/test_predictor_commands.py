"""`add-version`, as its users call it."""

import json

import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from small_corpus import TAGS, small_dataset

from tagifai.cli.parser import main
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version
from tagifai.training.adding import truth_of

NAMES = sorted(TAGS)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with data that states its splits, a pipeline, and the names of its columns."""
    dataset = small_dataset()
    splits = ["train", "train", "val", "test"]
    data = tmp_path / "data"
    data.mkdir()
    rows = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": list(p.tags),
         "split": splits[i % 4]}
        for i, p in enumerate(dataset.projects)
    ]  # fmt: skip
    (data / "projects.json").write_text(json.dumps(rows))
    train = [i for i in range(len(rows)) if rows[i]["split"] == "train"]
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=0.3)))
    pipeline.fit(
        [dataset.projects[i].text for i in train], truth_of(dataset.projects, NAMES)[train]
    )
    skops.io.dump(pipeline, tmp_path / "pipe.skops")
    (tmp_path / "tags.json").write_text(json.dumps(NAMES))
    monkeypatch.chdir(tmp_path)
    for variable in ("TAGIFAI_DATA", "TAGIFAI_MODELS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def add(name, *words, predictor="sklearn:pipe.skops"):
    return main(["add-version", name, "--predictor", predictor, "--tags", "tags.json", *words])


def test_a_pipeline_becomes_a_version(project, capsys):
    assert add("v1.0.0", "--notes", "Somebody's pipeline.", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    version = load_version(FolderSource(project / "model"), "v1.0.0")
    assert answer["overall"] == version.performance["overall"]
    assert answer["overall"]["f1"] > 0.7
    assert version.performance["behavioral"]["num_samples"] > 10
    assert set(version.thresholds) == set(NAMES)
    assert version.thresholds["segmentation"] < 0.5
    assert version.info["notes"] == "Somebody's pipeline."
    assert set(version.info["packages"]) == {"numpy", "scikit-learn", "skops", "tagifai"}
    described = json.loads((project / "model/v1.0.0/predictor.json").read_text())
    assert described["kind"] == "sklearn"
    # The app may be started elsewhere.
    assert described["source"] == str(project / "pipe.skops")
    assert described["tags"] == NAMES
    # Nothing is left of the run.
    assert list((project / ".cache/tagifai/scores").iterdir()) == []


def test_thresholds_and_splits_are_chosen(project, capsys):
    (project / "cuts.json").write_text(json.dumps({"segmentation": 0.125}))
    assert add("v1", "--thresholds", "0.25") == 0
    assert add("v2", "--thresholds", "cuts.json", "--split-of", "v1", "--calibrate", "platt") == 0
    source = FolderSource(project / "model")
    assert set(load_version(source, "v1").thresholds.values()) == {0.25}
    second = load_version(source, "v2")
    assert second.threshold("segmentation") == 0.125
    assert second.threshold("transformers") == 0.5
    assert second.params["calibration"] == "platt"
    assert json.loads((project / "model/v2/predictor.json").read_text())["calibration"]
    assert main(["diff", "v1", "v2"]) == 0
    assert "on 40 shared test projects" in capsys.readouterr().out


def test_predictions_alone_become_a_version(project):
    rows = [
        {"id": row["id"], "probabilities": {tag: 0.75 if tag in row["tags"] else 0.25
                                            for tag in NAMES}}
        for row in json.loads((project / "data/projects.json").read_text())
    ]  # fmt: skip
    (project / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["add-version", "v1", "--predictions", "p.jsonl"]) == 0
    version = load_version(FolderSource(project / "model"), "v1")
    assert version.performance["overall"]["f1"] == 1.0
    assert not (project / "model/v1/predictor.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--predictor", "sklearn:none.skops"], "none.skops: cannot be read"),
        (["--predictor", "sklaern:pipe.skops"], "unknown kind of predictor 'sklaern'"),
        ([], "takes --predictor KIND:SOURCE or --predictions FILE"),
        (["--predictor", "sklearn:pipe.skops", "--predictions", "x"], "takes --predictor"),
        (["--predictor", "sklearn:pipe.skops"], "knows no names of tags"),
        (["--predictor", "sklearn:pipe.skops", "--thresholds", "best"], "a JSON file is needed"),
        (["--predictor", "sklearn:pipe.skops", "--option", "column"], "takes NAME=VALUE"),
        (["--predictor", "sklearn:pipe.skops", "--option", "colum=a"], "option of sklearn 'colum'"),
    ],
)
def test_what_cannot_be_added_is_said_in_a_line(project, capsys, words, message):
    assert main(["add-version", "v1", *words]) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (project / "model").exists()


def test_a_release_is_not_replaced(project, capsys):
    assert add("v1") == 0
    assert add("v1") == 1
    assert "'v1' exists" in capsys.readouterr().err
    assert add("workspace") == 0
    assert add("workspace") == 0


def test_a_version_of_a_pipeline_predicts_on_the_command_line(project, capsys):
    assert add("v1") == 0
    capsys.readouterr()
    text = small_dataset().projects[0].text
    assert main(["predict", text, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["version"] == "v1"
    expected = skops.io.load(project / "pipe.skops").predict_proba([text])[0]
    found = answer["predictions"][0]["probabilities"]
    assert [found[tag] for tag in NAMES] == pytest.approx(expected.tolist(), abs=1e-6)
    assert main(["evaluate-behavioral", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["fresh"] is True
    # The tests have not changed since the version was made.
    assert row["score"] == row["measured"]


def test_a_command_says_which_predictor_to_allow_and_takes_it(project, capsys):
    (project / "own_tagger_module.py").write_text(
        f"tags = {NAMES!r}\n"
        "def tagger(texts):\n"
        "    return [[0.75 if tag in text else 0.25 for tag in tags] for text in texts]\n"
    )
    spec = "python:own_tagger_module:tagger"
    assert add("v1", "--thresholds", "0.5", predictor=spec) == 0
    assert main(["predict", "about segmentation"]) == 1
    assert f"--allow-predictor '{spec}'" in capsys.readouterr().err
    assert main(["predict", "about segmentation", "--allow-predictor", spec, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["predictions"][0]["tags"] == ["segmentation"]
