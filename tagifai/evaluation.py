"""Assemble a version's performance from its predictions and its model."""

from typing import Any

import numpy as np

from tagifai.classifier import TagClassifier
from tagifai.data import Dataset, Prepared
from tagifai.metrics import performance
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
    return performance(test.y_true, test.y_prob >= cut, test.tags, y_prob=test.y_prob)
