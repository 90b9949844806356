"""Bring another program's predictions: JSON lines in, a version's files out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tagifai.data import Dataset, identify, labelled_projects
from tagifai.data.left_out import with_note
from tagifai.data.records import Label, read_rows
from tagifai.errors import TagifaiError, shorten
from tagifai.metrics import performance
from tagifai.predictions import Predictions
from tagifai.slices import Slice, select_slices
from tagifai.text.preprocessing import TextPreprocessor
from tagifai.versions.naming import WORKSPACE
from tagifai.versions.releases import describe_making
from tagifai.versions.sources import pack_json

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class _PredictionRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[Label, BeforeValidator(identify)]
    split: Literal["train", "val", "test"]
    probabilities: Annotated[dict[Label, Probability], Field(min_length=1)]


def read_predictions(path: Path | str, dataset: Dataset) -> Predictions:
    """Read rows of {id, split, probabilities: {tag: p}}; the truth is the dataset's.

    Every row gives a probability to the same tags. Give out-of-fold probabilities for the
    projects of train and val, or leave these out.

    Raises:
        TagifaiError: a malformed row, an id that the dataset lacks or that comes twice, other
            tags than the first row's, or no project of the test split.
    """
    path = Path(path)
    rows = read_rows(path, _PredictionRow)
    known = {project.id: set(project.tags) for project in dataset.projects}
    tags = sorted(rows[0].probabilities) if rows else []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        if row.id not in known:
            raise TagifaiError(f"{path}: row {number}, id: {shorten(row.id)!r} is not in the data")
        if row.id in seen:
            raise TagifaiError(f"{path}: row {number}, id: {shorten(row.id)!r} comes twice")
        seen.add(row.id)
        if sorted(row.probabilities) != tags:
            differing = sorted(set(row.probabilities) ^ set(tags))
            raise TagifaiError(
                f"{path}: row {number}, probabilities: other tags than row 1's "
                f"({shorten(', '.join(differing))})"
            )
    if not any(row.split == "test" for row in rows):
        raise TagifaiError(f"{path}: no row of the split 'test', so nothing can be scored")
    return Predictions.of(
        [row.id for row in rows],
        [row.split for row in rows],
        tags,
        np.array([[tag in known[row.id] for tag in tags] for row in rows], dtype=np.uint8),
        np.array([[row.probabilities[tag] for tag in tags] for row in rows]),
    )


def version_of(
    predictions: Predictions,
    dataset: Dataset,
    threshold: float = 0.5,
    name: str = WORKSPACE,
    slices: Mapping[str, Slice] | None = None,
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Make a version's files of predictions alone, and give its overall figures.

    Unlabelled projects are left out of both; see `labelled_projects`.

    Raises:
        TagifaiError: `threshold` is outside [0, 1], or no test project is labelled.
    """
    if not 0 <= threshold <= 1:
        raise TagifaiError(f"threshold: a number from 0 to 1 is needed, got {threshold}")
    labelled = {project.id for project in labelled_projects(dataset)}
    predictions = predictions.take(
        [row for row, one in enumerate(predictions.ids) if one in labelled]
    )
    thresholds = dict.fromkeys(predictions.tags, threshold)
    test = predictions.select("test")
    if not test.ids:
        raise TagifaiError("every test project is unlabelled, so nothing can be scored")
    by_id = {project.id: project for project in dataset.projects}
    figures = performance(
        test.y_true,
        test.decide(thresholds),
        test.tags,
        y_prob=test.y_prob,
        slices=select_slices(
            [by_id[one] for one in test.ids],
            TextPreprocessor(language=dataset.config.language),
            slices,
            among=dataset.projects,
        ),
    )
    measured = with_note(figures, dataset)
    files = {
        "params.json": pack_json({"threshold": threshold}),
        "performance.json": pack_json(measured),
        "thresholds.json": pack_json(thresholds),
        "predictions.npz": predictions.to_bytes(),
        "version.json": pack_json(
            describe_making(predictions, dataset, name, "Imported predictions.")
        ),
    }
    return files, measured["overall"]
