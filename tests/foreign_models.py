"""Models that nobody of tagifai made: a pipeline of scikit-learn, and a graph of ONNX."""

import json
from pathlib import Path

import numpy as np
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from small_corpus import TAGS, small_dataset

from tagifai.cli.parser import main
from tagifai.training.adding import truth_of

NAMES = sorted(TAGS)
SPLITS = ("train", "train", "val", "test")
MODULE = f"""
import time

tags = {NAMES!r}


def slow(texts):
    time.sleep(0.04 * len(texts))
    return [[0.8 if tag in text else 0.1 for tag in tags] for text in texts]


def broken(texts):
    raise RuntimeError("out of <b>memory</b>")
"""


def write_data(folder: Path) -> None:
    """Write the small corpus with its splits."""
    folder.mkdir()
    rows = [
        {
            "id": project.id,
            "title": project.title,
            "description": project.description,
            "tags": list(project.tags),
            "split": SPLITS[i % 4],
        }
        for i, project in enumerate(small_dataset().projects)
    ]
    (folder / "projects.json").write_text(json.dumps(rows))


def fit_pipeline() -> Pipeline:
    """Fit words to tags on the whole small corpus."""
    projects = small_dataset().projects
    made = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=3)))
    return made.fit([project.text for project in projects], truth_of(projects, NAMES))


def write_onnx(folder: Path) -> None:
    """Write a graph that adds up the mean of words' weights, and its tokenizer."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    fitted = fit_pipeline()
    words = ["[PAD]", "[UNK]", *fitted[0].get_feature_names_out()]
    linear = fitted[1].estimators_
    weights = np.stack([one.coef_.ravel() for one in linear], axis=1).astype(np.float32) * 6
    weights = np.vstack([np.zeros((2, len(NAMES)), np.float32), weights])
    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    steps = [
        ("Gather", ["weights", "input_ids"], "words", {}),
        ("Cast", ["attention_mask"], "mask", {"to": floats}),
        ("Unsqueeze", ["mask", "axis2"], "mask3", {}),
        ("Mul", ["words", "mask3"], "kept", {}),
        ("ReduceSum", ["kept", "axis1"], "sum", {"keepdims": 0}),
        ("ReduceSum", ["mask3", "axis1"], "count", {"keepdims": 0}),
        ("Div", ["sum", "count"], "mean", {}),
        ("Add", ["mean", "bias"], "logits", {}),
    ]
    constants = {
        "weights": weights,
        "bias": np.array([one.intercept_[0] for one in linear], np.float32),
        "axis1": np.array([1]),
        "axis2": np.array([2]),
    }
    made = helper.make_graph(
        [helper.make_node(kind, given, [to], **options) for kind, given, to, options in steps],
        "tagger",
        [
            helper.make_tensor_value_info(name, integers, ["n", "m"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", floats, ["n", len(NAMES)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    folder.mkdir()
    opset = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(made, opset_imports=opset, ir_version=9), str(folder / "model.onnx")
    )
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def write_versions(folder: Path) -> None:
    """Write data and a version of each model; the folder has to be the current one."""
    write_data(folder / "data")
    skops.io.dump(fit_pipeline(), folder / "pipe.skops")
    write_onnx(folder / "graph")
    (folder / "tags.json").write_text(json.dumps(NAMES))
    (folder / "foreign_module.py").write_text(MODULE)
    for name, spec in (
        ("v1", "python:foreign_module:slow"),
        ("v2", "onnx:graph"),
        ("v3", "sklearn:pipe.skops"),
    ):
        words = ["add-version", name, "--predictor", spec, "--tags", "tags.json"]
        homes = ["--data", str(folder / "data"), "--models", str(folder / "model")]
        assert main([*words, *homes, "--thresholds", "0.4"]) == 0
