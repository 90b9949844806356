"""The three lines of each kind of predictor, run as the README has them."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import framework_models
import joblib
import pytest
from onnx_folders import write_bag_of_words
from predictor_servers import TAGS, Reply, answering, probability, rows
from servers import ROOT, free_port
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from wheels import build_wheel

from tagifai.cli.parser import build_parser, with_command
from tagifai.models.predictor_spec import KINDS
from tagifai.services.app import Services
from tagifai.settings import load_settings
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version

README = (ROOT / "README.md").read_text("utf-8")
HERE = "http://127.0.0.1:8000"
ROW = re.compile(r"^\| (?:`(?P<first>[^|`]+)`|none) \| `(?P<spec>(?P<kind>\w+):[^|` ]+)` \|", re.M)
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)
(COMMON,) = [block for block in BLOCKS if "--predictor KIND:SOURCE" in block]
FRAMEWORKS = {
    "spacy": framework_models.SPACY,
    "transformers": framework_models.TRANSFORMERS,
    "setfit": framework_models.SETFIT,
}
TEXTS = [f"{a} and {b}, part {n}" for n in range(8) for a in TAGS for b in (*TAGS, "nothing")]
PROGRAM = """
class Tagger:
    tags = ("cv", "nlp", "transformers")

    def predict_proba(self, texts):
        return [[0.9 if tag in text else 0.1 for tag in self.tags] for text in texts]
"""


def lines_of(kind: str) -> list[str]:
    """Return what somebody types who follows the README with a model of some kind."""
    (row,) = [row for row in ROW.finditer(README) if row["kind"] == kind]
    common = COMMON.replace("KIND:SOURCE", row["spec"])
    return [*filter(None, [row["first"]]), *common.splitlines()]


@pytest.fixture
def folder(tmp_path):
    """Write what the lines name: data, models of each kind, and names of tags."""
    (tmp_path / "my-data").mkdir()
    projects = [
        {"id": i, "title": "", "description": text, "tags": [tag for tag in TAGS if tag in text]}
        for i, text in enumerate(TEXTS)
    ]
    (tmp_path / "my-data/projects.json").write_text(json.dumps(projects))
    (tmp_path / "tags.json").write_text(json.dumps(TAGS))
    (tmp_path / "tagger.py").write_text(PROGRAM)
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=10)))
    pipeline.fit(TEXTS, [[int(tag in text) for tag in TAGS] for text in TEXTS])
    joblib.dump(pipeline, tmp_path / "model.joblib")
    weights = {tag: [4.0 * (tag == other) for other in TAGS] for tag in TAGS}
    write_bag_of_words(tmp_path / "my-onnx-model", weights, [-2.0] * len(TAGS), TAGS)
    return tmp_path


def answer(path, sent):
    """Answer as both servers of the lines do."""
    if path == "/tag":
        return Reply({"tags": TAGS, "probabilities": rows(sent["texts"])})
    text = sent["messages"][-1]["content"]
    decided = json.dumps({tag: probability(text, tag) > 0.5 for tag in TAGS})
    message = {"role": "assistant", "content": decided}
    return Reply({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]})


def bare(programs, **variables):
    """Return the environment of somebody whose programs come from a folder."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("TAGIFAI_", "HF_", "PYTHON"))}
    return {**own, "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]), **variables}


def run(lines, folder, programs, **variables):
    """Run lines of a shell in a folder, with programs that come before the system's."""
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=folder,
        env=bare(programs, **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_each_kind_has_at_most_three_lines():
    assert sorted(row["kind"] for row in ROW.finditer(README)) == sorted(KINDS)
    for kind in KINDS:
        *first, add, start = lines_of(kind)
        assert len(first) <= 1
        assert " add-version " in add
        assert " --allow-predictor " in start


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - FRAMEWORKS))
def test_the_lines_of_a_kind_make_a_version_that_predicts(kind, folder, monkeypatch):
    programs = folder / "bin"
    programs.mkdir()
    for name, words in (("python", ""), ("tagifai", "-m tagifai")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (programs / name).chmod(0o755)
    with answering(answer) as server:
        *before, start = [line.replace(HERE, server.url) for line in lines_of(kind)]
        before = [line for line in before if not line.startswith("pip install")]
        run(before, folder, programs, PYTHONPATH=str(ROOT))
        version = load_version(FolderSource(folder / "my-models"), "v1.0.0")
        assert version.performance["overall"]["f1"] > 0.9
        monkeypatch.chdir(folder)
        monkeypatch.setenv("OPENAI_API_KEY", "your key")
        words = shlex.split(start.removeprefix("python -m "))
        assert words[0] == "tagifai"
        options = build_parser().parse_args(with_command(words[1:]))
        inference = Services(load_settings(environment={}, given=vars(options))).inference
        (found,) = inference.predict_texts("v1.0.0", ["nlp and transformers"])
        assert sorted(found.tags) == ["nlp", "transformers"]


@pytest.mark.fresh
@pytest.mark.parametrize("kind", FRAMEWORKS)
def test_the_lines_of_a_framework_in_an_environment_of_its_own(kind, folder):
    """The package is built and installed, a model is made in seconds, and the page answers."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv/bin"
    install, add, start = lines_of(kind)
    assert install == f"pip install 'tagifai[{kind}]'"
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    run([install.replace("tagifai", str(build_wheel(folder)))], folder, programs)
    (folder / "made.py").write_text(framework_models.COMMON + FRAMEWORKS[kind])
    run(["python made.py"], folder, programs, **offline)
    run([add], folder, programs, **offline)
    port = free_port()
    started = subprocess.Popen(
        ["bash", "-c", f"exec {start} --port {port}"], cwd=folder, env=bare(programs, **offline)
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/", started)
        asking = (
            "import json; from gradio_client import Client; "
            f"client = Client('http://127.0.0.1:{port}', verbose=False); "
            "texts = ['nlp and transformers, part 3']; "
            "print(json.dumps(client.predict(texts, 'v1.0.0', api_name='/predict')))"
        )
        said = run([shlex.join(["python", "-c", asking])], folder, programs)
    finally:
        started.terminate()
        started.wait(20)
    (found,) = json.loads(said.splitlines()[-1])["predictions"]
    assert sorted(found["tags"]) == ["nlp", "transformers"]


def wait_for(url, process):
    """Wait until a page answers; it imports a framework first."""
    until = time.monotonic() + 300
    while True:
        assert process.poll() is None
        assert time.monotonic() < until, f"{url} never answered"
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
