"""Assemble a version's performance from its predictions and its model."""

from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from tagifai.classifier import TagClassifier
from tagifai.data import Dataset, Prepared
from tagifai.params import Params
from tagifai.predictions import Predictions


def measure(
    predictions: Predictions,
    thresholds: dict[str, float],
    prepared: Prepared,
    dataset: Dataset,
    model: TagClassifier,
    params: Params,
) -> dict[str, Any]:
    """Score the test projects."""
    test = predictions.select("test")
    cut = np.array([thresholds[tag] for tag in test.tags])
    y_pred = test.y_prob >= cut
    p, r, f, _ = precision_recall_fscore_support(
        test.y_true, y_pred, average="weighted", zero_division=0
    )
    ps, rs, fs, ns = precision_recall_fscore_support(
        test.y_true, y_pred, average=None, zero_division=0
    )
    return {
        "overall": {
            "precision": float(p),
            "recall": float(r),
            "f1": float(f),
            "num_samples": len(test.ids),
            "macro": {"f1": float(fs.mean())},
        },
        "class": {
            tag: {
                "precision": float(ps[t]),
                "recall": float(rs[t]),
                "f1": float(fs[t]),
                "num_samples": int(ns[t]),
            }
            for t, tag in enumerate(test.tags)
        },
        "slices": {"overall": {"precision": 0.0, "recall": 0.0, "f1": 0.0}, "class": {}},
        "behavioral": {"score": 0.0, "num_samples": 0, "results": {"passed": [], "failed": []}},
    }
