"""Score a version again at other thresholds, from its predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tagifai.behavioral import BehavioralTest
from tagifai.data import Dataset
from tagifai.metrics import overall_metrics, per_tag_metrics
from tagifai.predictions import Predictions
from tagifai.slices import Slice
from tagifai.store.sources import pack_json
from tagifai.store.versions import Version
from tagifai.text.languages import recorded_language
from tagifai.training.version_warnings import find_warnings, read_warnings, renew_warnings

if TYPE_CHECKING:
    from tagifai.models.classifier import TagClassifier


def rescore(
    version: Version,
    predictions: Predictions,
    thresholds: Mapping[str, float],
    *,
    model: "TagClassifier | None" = None,
    dataset: Dataset | None = None,
    slices: Mapping[str, Slice] | None = None,
    saved: Sequence[BehavioralTest] = (),
) -> dict[str, bytes]:
    """Return thresholds.json, performance.json and version.json for other thresholds.

    With the model and a dataset that still has every project, slices and behavioral tests are
    measured again too. Without, they are left out, since their figures no longer hold.

    Parameters
    ----------
    version, predictions
        The version as it is.
    thresholds : mapping
        By tag, the probability from which it is predicted now.
    model, dataset, slices, saved
        What slices and behavioral tests are measured with: see `measure`.

    Returns
    -------
    dict of str to bytes
        The content of each file by its name.
    """
    performance = _measure_again(version, predictions, thresholds, model, dataset, slices, saved)
    performance = performance or _measure_test(predictions, thresholds)
    if note := version.performance.get("note"):
        performance["note"] = note
    warnings = renew_warnings(
        read_warnings(version.info.get("warnings")),
        find_warnings(predictions, thresholds, dataset),
    )
    info = {
        **version.info,
        "thresholds": "changed since training",
        "warnings": [warning.to_dict() for warning in warnings],
    }
    return {
        "thresholds.json": pack_json({tag: float(value) for tag, value in thresholds.items()}),
        "performance.json": pack_json(performance),
        "version.json": pack_json(info),
    }


def _measure_again(
    version: Version,
    predictions: Predictions,
    thresholds: Mapping[str, float],
    model: "TagClassifier | None",
    dataset: Dataset | None,
    slices: Mapping[str, Slice] | None,
    saved: Sequence[BehavioralTest],
) -> dict[str, object] | None:
    """Measure everything again; None where the model or a project is missing."""
    by_id = {project.id: project for project in dataset.projects} if dataset else {}
    projects = [by_id[one] for one in predictions.ids if one in by_id]
    if model is None or dataset is None or len(projects) < len(predictions.ids):
        return None
    # Here: without a model nobody need wait for scikit-learn.
    from tagifai.training.evaluation import (
        cleaner_of,
        default_tests,
        label_texts,
        measure,
        tags_by_classifier,
    )

    tests = default_tests(
        predictions.tags,
        dataset.tags,
        saved,
        recorded_language(version.params),
        label_texts(predictions.split, projects),
    )
    return measure(
        tags_by_classifier(model, predictions.tags, thresholds),
        cleaner_of(model),
        thresholds,
        predictions,
        projects,
        tests,
        slices or {},
        dataset.projects,
        dataset.tags,
    )


def _measure_test(predictions: Predictions, thresholds: Mapping[str, float]) -> dict[str, object]:
    test = predictions.select("test")
    decided = test.decide(thresholds)
    by_tag = per_tag_metrics(test.y_true, decided, test.tags, test.y_prob)
    return {
        "overall": overall_metrics(test.y_true, decided, test.y_prob).to_json(),
        "class": {tag: asdict(scores) for tag, scores in by_tag.items()},
    }
