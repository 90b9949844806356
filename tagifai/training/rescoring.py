"""Score a version again at other thresholds, from the predictions that it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tagifai.behavioral import BehavioralTest
from tagifai.data import Dataset
from tagifai.metrics import overall_metrics, per_tag_metrics
from tagifai.predictions import Predictions
from tagifai.slices import Slice
from tagifai.store.sources import pack_json
from tagifai.store.versions import Version
from tagifai.text.languages import recorded_language
from tagifai.training.version_warnings import find_warnings, read_warnings, renew_warnings


def rescore(
    version: Version,
    predictions: Predictions,
    thresholds: Mapping[str, float],
    *,
    model: Any = None,
    dataset: Dataset | None = None,
    slices: Mapping[str, Slice] | None = None,
    saved: Sequence[BehavioralTest] = (),
) -> dict[str, bytes]:
    """Make thresholds.json, performance.json and version.json anew for these thresholds.

    With the model and a dataset that still has every project, slices and behavioral tests are
    measured again too; without, they are left out rather than kept with figures that no
    longer hold.
    """
    by_id = {project.id: project for project in dataset.projects} if dataset else {}
    projects = [by_id[one] for one in predictions.ids if one in by_id]
    if model is not None and dataset is not None and len(projects) == len(predictions.ids):
        # Here: what has no model to ask need not wait for scikit-learn.
        from tagifai.training.evaluation import default_tests, label_texts, measure

        tests = default_tests(
            predictions.tags,
            dataset.tags,
            saved,
            recorded_language(version.params),
            label_texts(predictions.split, projects),
        )
        performance = measure(
            model,
            thresholds,
            predictions,
            projects,
            tests,
            slices or {},
            among=dataset.projects,
            described=dataset.tags,
        )
    else:
        test = predictions.select("test")
        decided = test.decide(thresholds)
        by_tag = per_tag_metrics(test.y_true, decided, test.tags, test.y_prob)
        performance = {
            "overall": overall_metrics(test.y_true, decided, test.y_prob).to_json(),
            "class": {tag: asdict(scores) for tag, scores in by_tag.items()},
        }
    if note := version.performance.get("note"):
        performance["note"] = note
    return {
        "thresholds.json": pack_json({tag: float(value) for tag, value in thresholds.items()}),
        "performance.json": pack_json(performance),
        "version.json": pack_json(
            {
                **version.info,
                "thresholds": "changed since training",
                "warnings": [
                    warning.to_dict()
                    for warning in renew_warnings(
                        read_warnings(version.info.get("warnings")),
                        find_warnings(predictions, thresholds, dataset),
                    )
                ],
            }
        ),
    }
