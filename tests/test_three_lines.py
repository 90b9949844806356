"""The three lines of each kind of predictor, run as they stand in docs/predictors.md."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from onnx_folders import write_bag_of_words
from predictor_servers import TAGS, Reply, answering, probability, rows
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagifai.models.predictor_spec import KINDS
from tagifai.services.app import Services
from tagifai.settings import load_settings
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version

ROOT = Path(__file__).parent.parent
BLOCKS = dict(
    re.findall(
        r"^### (\w+)\n\n```sh\n(.*?)^```",
        (ROOT / "docs/predictors.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
HERE = "http://127.0.0.1:8000"
TEXTS = [f"{a} and {b}, part {n}" for n in range(8) for a in TAGS for b in (*TAGS, "nothing")]
PROGRAM = """
class Tagger:
    tags = ("cv", "nlp", "transformers")

    def predict_proba(self, texts):
        return [[0.9 if tag in text else 0.1 for tag in self.tags] for text in texts]
"""


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


def test_each_kind_has_at_most_three_lines():
    assert set(BLOCKS) == set(KINDS)
    for block in BLOCKS.values():
        assert 2 <= len(block.splitlines()) <= 3
        assert block.splitlines()[-1].startswith("python gradio_app.py --data my-data")


@pytest.mark.parametrize("kind", ["sklearn", "onnx", "http", "openai", "python"])
def test_the_lines_of_a_kind_make_a_version_that_predicts(kind, folder, monkeypatch):
    with answering(answer) as server:
        *before, start = BLOCKS[kind].replace(HERE, server.url).splitlines()
        lines = [line for line in before if not line.startswith("pip install")]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        variables = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(lines)],
            cwd=folder,
            env={**variables, "PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        version = load_version(FolderSource(folder / "my-models"), "v1.0.0")
        assert version.performance["overall"]["f1"] > 0.9
        monkeypatch.chdir(folder)
        monkeypatch.setenv("OPENAI_API_KEY", "your key")
        words = shlex.split(start)
        assert words[:2] == ["python", "gradio_app.py"]
        inference = Services(load_settings(words[2:], {})).inference
        (found,) = inference.predict_texts("v1.0.0", ["nlp and transformers"])
        assert sorted(found.tags) == ["nlp", "transformers"]
