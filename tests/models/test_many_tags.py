"""A model of 300 tags is as good as the plain one that scikit-learn's guide shows."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score
from sklearn.multiclass import OneVsRestClassifier

from tagifai.data import load_dataset
from tagifai.predictions import Predictions
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version

ROOT = Path(__file__).parents[2]
NUM_TAGS, NUM_PROJECTS = 300, 1_500
SETTINGS = {
    "min_tag_freq": "5", "folds": "2", "word_ngrams": "1", "char_ngrams": "0", "min_df": "1",
    "aliases": "none", "abbreviations": "false", "estimator": "logistic", "C": "30.0",
    "log_count_ratio": "false", "calibration": "none", "thresholds": "fixed", "threshold": "0.3",
}  # fmt: skip


def write_corpus(folder: Path) -> None:
    """Write projects whose tags each bring words of their own, some of them missing."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(NUM_PROJECTS):
        tags = sorted({i % NUM_TAGS, *rng.integers(0, NUM_TAGS, 2).tolist()})
        own = [f"word{tag}x{k}" for tag in tags for k in range(3) if rng.random() < 0.7]
        words = own + [f"filler{k}" for k in rng.integers(0, 400, 6).tolist()]
        rng.shuffle(words)
        rows.append({"id": i, "title": "", "description": " ".join(words),
                     "tags": [f"tag-{tag:03}" for tag in tags]})  # fmt: skip
    folder.mkdir()
    (folder / "projects.json").write_text(json.dumps(rows))
    (folder / "tags.json").write_text(
        json.dumps([{"tag": f"tag-{tag:03}", "aliases": [], "parents": []} for tag in range(300)])
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train by the command line; return the folders of the data and of the version."""
    data, models = (tmp_path_factory.mktemp("many") / name for name in ("data", "model"))
    write_corpus(data)
    command = [sys.executable, "-m", "tagifai", "train", "--data", data, "--models", models]
    command += [f"--set={name}={value}" for name, value in SETTINGS.items()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return data, models, done.stdout + done.stderr


def test_300_tags_are_learnt_as_well_as_by_the_plain_one_vs_rest(trained):
    data, models, said = trained
    version = load_version(FolderSource(models), "workspace")
    predictions = version.load_predictions()
    assert isinstance(predictions, Predictions)
    assert len(predictions.tags) == NUM_TAGS
    texts = {project.id: project.text for project in load_dataset(data).projects}
    learnt, test = (
        np.flatnonzero(chosen)
        for chosen in (predictions.split != "test", predictions.split == "test")
    )
    y_true = predictions.y_true.astype(np.int64)
    read = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True)
    X = read.fit_transform([texts[predictions.ids[row]] for row in learnt])
    plain = OneVsRestClassifier(LogisticRegression(C=30.0, solver="liblinear"))
    plain.fit(X, y_true[learnt])
    y_prob = plain.predict_proba(read.transform([texts[predictions.ids[row]] for row in test]))
    expected = f1_score(y_true[test], y_prob >= 0.3, average="weighted", zero_division=np.nan)
    assert expected > 0.5
    assert version.performance["overall"]["f1"] == pytest.approx(expected, abs=0.02)
    precision = average_precision_score(y_true[test], y_prob, average="weighted")
    found = version.performance["overall"]["average_precision"]
    assert found == pytest.approx(precision, abs=0.02)
    assert "no better" not in said
