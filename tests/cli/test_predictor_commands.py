"""`add-version`, as its users call it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import skops.io
from predictor_servers import Reply, answering
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
ROOT = Path(__file__).parent.parent.parent


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


def truth(project):
    return json.loads((project / "data/projects.json").read_text())


def write_tags(project, name="decided.jsonl", **changed):
    rows = [{"id": row["id"], "tags": row["tags"], **changed} for row in truth(project)]
    (project / name).write_text("\n".join(map(json.dumps, rows)))


def test_tags_alone_become_a_version_of_decisions(project, capsys):
    write_tags(project)
    words = ["--predictions", "decided.jsonl", "--calibrate", "platt", "--json"]
    assert main(["add-version", "v1", *words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["overall"]["f1"] == 1.0
    assert "brier" not in answer["overall"]
    warned = {one["kind"]: one["message"] for one in answer["warnings"]}
    assert "nothing to calibrate (--calibrate had no effect)" in warned["decisions_only"]
    version = load_version(FolderSource(project / "model"), "v1")
    assert version.info["decisions_only"] is True
    assert version.info["made_by"]["thresholds"] == "none: decisions without probabilities"
    found = version.load_predictions()
    assert found.decisions_only
    assert set(found.y_prob.ravel().tolist()) == {0.0, 1.0}
    assert set(version.thresholds.values()) == {0.5}
    assert main(["versions", "v1"]) == 0
    shown = capsys.readouterr()
    assert "decisions only" in shown.out
    assert "no threshold to move" in shown.err


def test_import_predictions_is_the_same_command(project, capsys):
    write_tags(project)
    assert main(["import-predictions", "v1", "decided.jsonl", "--notes", "An LLM."]) == 0
    rows = [{"id": row["id"], "probabilities": {name: 4.0 if tag in row["tags"] else -4.0
                                                for name, tag in zip("ABCD", NAMES, strict=True)}}
            for row in truth(project)]  # fmt: skip
    (project / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (project / "map.json").write_text(
        json.dumps(dict(zip("ABCD", [*NAMES[:3], None], strict=True)))
    )
    words = ["--logits", "--map", "map.json"]
    assert main(["import-predictions", "v2", "p.jsonl", *words]) == 0
    assert main(["add-version", "v3", "--predictions", "p.jsonl", *words]) == 0
    source = FolderSource(project / "model")
    fixed, tuned = load_version(source, "v2"), load_version(source, "v3")
    assert fixed.info["tags"] == tuned.info["tags"] == NAMES[:3]
    assert fixed.load_predictions().y_prob.max() == pytest.approx(0.98201376)
    assert fixed.params == {"threshold": 0.5}
    assert fixed.info["made_by"]["thresholds"] == "0.5 for all tags"
    assert tuned.info["made_by"]["thresholds"] == "tuned on 40 projects"
    assert load_version(source, "v1").info["notes"] == "An LLM."
    capsys.readouterr()
    assert main(["import-predictions", "v4", "p.jsonl", "--map", "map.json"]) == 1
    assert "probabilities.transformers: a number from 0 to 1" in (
        capsys.readouterr().err.replace(NAMES[0], "transformers")
    )


def test_splits_of_predictions_come_from_another_version_or_are_drawn(project):
    rows = truth(project)
    write_tags(project)
    assert main(["add-version", "v1", "--predictions", "decided.jsonl"]) == 0
    (project / "data/projects.json").write_text(
        json.dumps([{k: v for k, v in row.items() if k != "split"} for row in rows])
    )
    assert main(["add-version", "v2", "--predictions", "decided.jsonl", "--split-of", "v1"]) == 0
    assert main(["add-version", "v3", "--predictions", "decided.jsonl"]) == 0
    source = FolderSource(project / "model")
    first, second, third = (load_version(source, f"v{n}").load_predictions() for n in (1, 2, 3))
    assert first.split.tolist() == second.split.tolist()
    assert set(third.split) == {"train", "val", "test"}
    kinds = [one["kind"] for one in load_version(source, "v3").info["warnings"]]
    assert "split_drawn" in kinds


def test_a_column_that_the_data_lacks_is_left_out_by_the_map(project, capsys):
    assert add("v1") == 0
    wrong = [*NAMES[:3], "spam"]
    (project / "tags.json").write_text(json.dumps(wrong))
    assert add("v2") == 1
    assert "'spam'" in (error := capsys.readouterr().err)
    assert "--map FILE" in error
    (project / "map.json").write_text('{"spam": null}')
    assert add("v2", "--map", "map.json") == 0
    version = load_version(FolderSource(project / "model"), "v2")
    assert version.info["tags"] == NAMES[:3]
    assert json.loads((project / "model/v2/predictor.json").read_text())["map"] == {"spam": None}
    assert main(["predict", "a text", "--version", "v2", "--json"]) == 0


SLOW = """
import time
from pathlib import Path

tags = {tags}

class Slow:
    tags = tags
    batch_size = 20

    def predict_proba(self, texts):
        if Path("broken").exists():
            raise ConnectionError("gone")
        with Path("asked").open("a") as file:
            file.write("x" * len(texts))
        if Path("slow").exists():
            time.sleep(0.4)
        return [[0.1, 0.2, 0.3, 0.9] for _ in texts]
"""


@pytest.fixture
def slow(project):
    """A predictor in a module of the folder, and its command line."""
    (project / "slow_model.py").write_text(SLOW.format(tags=NAMES))
    words = ["add-version", "v1", "--predictor", "python:slow_model:Slow"]
    return [sys.executable, "-m", "tagifai", *words]


def start(command, project):
    return subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_keeps_what_was_predicted(project, slow):
    (project / "slow").touch()
    running = start(slow, project)
    until = time.monotonic() + 60
    while not (project / "asked").exists() or len((project / "asked").read_text()) < 60:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "of 160 texts are predicted and saved; the same command goes on from there" in error
    assert "Traceback" not in error
    assert not (project / "model").exists()
    (project / "slow").unlink()
    (project / "asked").unlink()
    again = start(slow, project)
    _, error = again.communicate(timeout=120)
    assert again.returncode == 0, error
    assert "texts were predicted by a run that stopped, and are not predicted again" in error
    saved = int(error.split(" of 160 texts were")[0].split()[-1])
    assert saved >= 40
    # Behavioral tests ask for more texts.
    assert (project / "asked").exists()
    assert list((project / ".cache/tagifai/scores").iterdir()) == []


def test_a_predictor_that_fails_on_the_way_loses_nothing(project, slow):
    (project / "slow").touch()
    running = start(slow, project)
    while not (project / "asked").exists() or len((project / "asked").read_text()) < 60:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    (project / "broken").touch()
    _, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "raised ConnectionError: gone; " in error
    assert "the same command goes on from there" in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--timeout", "0"], "--timeout: a number above 0 is needed, got 0"),
        (["--timeout", "nan"], "--timeout: a number above 0 is needed, got nan"),
        (["--batch-size", "-3"], "--batch-size: a number above 0 is needed, got -3"),
        (["--logits"], "--logits is about --predictions FILE"),
        (["--missing", "zero"], "--missing is about --predictions FILE"),
        (["--thresholds", "1.5"], "threshold: a number from 0 to 1 is needed, got 1.5"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(project, capsys, words, message):
    assert add("v1", *words) == 1
    assert message in capsys.readouterr().err


def test_batches_are_as_small_as_asked_for(project, slow):
    finished = start([*slow, "--batch-size", "7", "--timeout", "60"], project)
    _, error = finished.communicate(timeout=120)
    assert finished.returncode == 0, error


def tag_remotely(path, sent):
    """Answer as a server of texts, or as a language model that only decides."""
    if path == "/tag":
        return Reply({"tags": NAMES, "probabilities": [says(text) for text in sent["texts"]]})
    found = says(sent["messages"][-1]["content"])
    decided = {tag: p > 0.5 for tag, p in zip(NAMES, found, strict=True)}
    message = {"role": "assistant", "content": json.dumps(decided)}
    counted = {"prompt_tokens": 100, "completion_tokens": 10}
    return Reply({"choices": [{"index": 0, "message": message}], "usage": counted})


def says(text):
    return [0.875 if tag.split("-")[0] in text.lower() else 0.125 for tag in NAMES]


def program(*words, **variables):
    done = subprocess.run(
        [sys.executable, "-m", "tagifai", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["http", "openai"])
def test_an_answer_is_paid_for_once_however_many_programs_ask(project, kind):
    with answering(tag_remotely) as server:
        path = {"http": "/tag", "openai": "/v1#m"}[kind]
        spec = f"{kind}:{server.url}{path}"
        prices = ["--option", "price_in=2", "--option", "price_out=10"] if kind == "openai" else []
        key = {"OPENAI_API_KEY": "sk-secret"}
        words = ["--predictor", spec, "--tags", "tags.json", *prices, "--json"]
        answer = program("add-version", "v1", *words, **key)
        usage = json.loads((project / "model/v1/version.json").read_text())["usage"]
        assert answer["usage"] == usage
        assert usage["requests"] == len(server.asked)
        assert usage["seconds"] > 0
        if kind == "openai":
            assert usage["prompt_tokens"] == 100 * len(server.asked)
            assert usage["cost"] == pytest.approx(len(server.asked) * (200 + 100) / 1e6)
        # What was scored is known, and a new text is asked about once by two programs.
        known = small_dataset().projects[0].text
        predict = ["predict", known, "a text on segmentation", "--allow-predictor", spec, "--json"]
        before = len(server.asked)
        first = program(*predict, **key)
        assert len(server.asked) == before + 1
        assert program(*predict, **key) == first
        assert program(*predict, **key, TAGIFAI_CACHE_DIR=str(project / ".cache/tagifai")) == first
        assert len(server.asked) == before + 1
        assert program(*predict, "--no-cache", **key) == first
        assert len(server.asked) == before + (2 if kind == "http" else 3)
        for file in (project / ".cache").rglob("*"):
            assert not file.is_file() or b"sk-secret" not in file.read_bytes()
            assert not file.is_file() or b"segmentation" not in file.read_bytes()


def test_another_version_of_an_address_asks_it_again_and_of_a_language_model_does_not(project):
    with answering(tag_remotely) as server:
        for kind, path in (("http", "/tag"), ("openai", "/v1#m")):
            words = ["--predictor", f"{kind}:{server.url}{path}", "--tags", "tags.json"]
            before = len(server.asked)
            assert main(["add-version", f"{kind}1", *words]) == 0
            asked = len(server.asked) - before
            assert asked > 0
            assert main(["add-version", f"{kind}2", *words]) == 0
            again = len(server.asked) - before - asked
            assert again == (asked if kind == "http" else 0)
        first, second = (
            json.loads((project / f"model/openai{i}/version.json").read_text()) for i in (1, 2)
        )
        assert (second["usage"]["requests"], second["usage"]["prompt_tokens"]) == (0, 0)
        assert second["usage"]["cached"] > 0
        # Decisions stay decisions, whoever was asked.
        assert first["decisions_only"] is second["decisions_only"] is True


def test_a_run_without_a_cache_saves_nothing(project, capsys):
    assert add("v1", "--no-cache") == 0
    assert not (project / ".cache").exists()
    (project / "failing.py").write_text(FAILING)
    assert add("v2", "--no-cache", "--batch-size", "50", predictor="python:failing:Tagger") == 1
    assert "--no-cache saves none" in capsys.readouterr().err
    assert not (project / ".cache").exists()


FAILING = f"""
class Tagger:
    tags = {NAMES!r}
    calls = 0

    def predict_proba(self, texts):
        self.calls += 1
        if self.calls > 1:
            raise RuntimeError("gone")
        return [[0.25] * len(self.tags) for _ in texts]
"""
