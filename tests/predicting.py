"""Versions of predictors that nobody here wrote, made in a second and written without scoring."""

import importlib
import json
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from small_corpus import TAGS

from tagifai.data import load_dataset
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version

NAMES = sorted(TAGS)
# A function of texts and nothing else; and an embedding of words by their hashes with a linear
# layer on it, fitted when the module is imported.
MODULE = """
import json, zlib
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from sklearn.linear_model import LogisticRegression

NAMES = ["computer-vision", "natural-language-processing", "segmentation", "transformers"]
WORDS = {"transformers", "attention", "pretrained", "encoder"}
ASKED, GATE = [], []


def asked():
    return len(ASKED)


class Tagger:
    tags = NAMES
    WORDS = WORDS

    def predict_proba(self, texts):
        for gate in GATE:
            gate.wait()
        ASKED.extend(texts)
        rows = []
        for text in texts:
            found = len(set(text.lower().split()) & WORDS)
            rows.append([0.2, 0.2, 0.1, 1 / (1 + np.exp(2 - 3 * found))])
        return rows


def embed(texts):
    rows = np.zeros((len(texts), 12))
    for row, text in zip(rows, texts):
        for word in text.lower().split():
            digest = zlib.crc32(word.encode())
            row[digest % 12] += 1 if digest >> 16 & 1 else -1
    return rows / 3


def fit(X, y):
    return LogisticRegression(tol=1e-10, max_iter=5000).fit(X, y)


class Embedder:
    tags = NAMES

    def __init__(self):
        rows = json.loads((Path(__file__).parent / "trained.json").read_text())
        X = embed([row["text"] for row in rows])
        fitted = [fit(X, [tag in row["tags"] for row in rows]) for tag in NAMES]
        coef = np.vstack([one.coef_ for one in fitted])
        self.linear_layer = SimpleNamespace(
            coef=coef, intercept=np.array([one.intercept_[0] for one in fitted])
        )

    def embed(self, texts):
        return embed(texts)

    def predict_proba(self, texts):
        layer = self.linear_layer
        return 1 / (1 + np.exp(-(embed(texts) @ layer.coef.T + layer.intercept)))


tagger = Tagger()


def embedder():
    return Embedder()
"""


def add_foreign(home: Path, name: str, kind: str):
    """Write a version with v0.2.0's split and truth, and the predictor's own probabilities.

    `kind` is "sklearn", "python" or "embedder"; returns the pipeline, or the module. `home` is
    where Python finds modules.
    """
    source = FolderSource(home / "model")
    predictions = load_version(source, "v0.2.0").load_predictions()
    texts = {p.id: p for p in load_dataset(home / "data").projects}
    projects = [texts[one] for one in predictions.ids]
    rows = predictions.split == "train"
    if kind == "sklearn":
        made = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=3)))
        truth = np.array([[tag in p.tags for tag in NAMES] for p in projects], int)
        made.fit([p.text for p, train in zip(projects, rows, strict=True) if train], truth[rows])
        skops.io.dump(made, home / "pipe.skops")
        spec = {"kind": "sklearn", "source": str(home / "pipe.skops"), "tags": NAMES}
        predict = made.predict_proba
    else:
        made = _module(home, [p for p, train in zip(projects, rows, strict=True) if train])
        what = "tagger" if kind == "python" else "embedder"
        spec = {"kind": "python", "source": f"foreign_tagger:{what}"}
        predict = (made.tagger if kind == "python" else made.Embedder()).predict_proba
    folder = home / "model" / name
    folder.mkdir()
    order = [NAMES.index(tag) for tag in predictions.tags]
    prob = np.asarray(predict([p.text for p in projects]))[:, order]
    (folder / "predictor.json").write_text(json.dumps(spec))
    (folder / "predictions.npz").write_bytes(replace(predictions, y_prob=prob).to_bytes())
    for file in ("performance.json", "thresholds.json"):
        (folder / file).write_bytes((home / "model/v0.2.0" / file).read_bytes())
    info = json.loads((home / "model/v0.2.0/version.json").read_text())
    (folder / "version.json").write_text(json.dumps({"tags": info.get("tags")}))
    (folder / "params.json").write_text("{}")
    return made


def _module(home: Path, trained):
    (home / "foreign_tagger.py").write_text(MODULE)
    rows = [{"text": p.text, "tags": list(p.tags)} for p in trained]
    (home / "trained.json").write_text(json.dumps(rows))
    sys.modules.pop("foreign_tagger", None)
    importlib.invalidate_caches()
    return importlib.import_module("foreign_tagger")


@contextmanager
def slow_tagger(module):
    """Let a tagger answer only once the event that is yielded is set."""
    gate = threading.Event()
    module.GATE.append(gate)
    try:
        yield gate
    finally:
        gate.set()
        module.GATE.clear()
