"""Train a version: split, fit, calibrate, and score once on test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from tagifai.arrays import Array
from tagifai.behavioral import BehavioralTest
from tagifai.data import Dataset, Prepared, prepare
from tagifai.data.assignment import list_groups
from tagifai.data.left_out import with_note
from tagifai.data.project_table import projects_by_id
from tagifai.errors import TagifaiError
from tagifai.limits import Limits
from tagifai.models import build_model
from tagifai.models.classifier import Progress, TagClassifier
from tagifai.models.fold_features import TrainingFeatures
from tagifai.models.memory import check_memory
from tagifai.models.params import Params
from tagifai.models.platt import PAIRS_AT_ONCE
from tagifai.models.sizes import check_model, check_predictions
from tagifai.models.splits import complete_split
from tagifai.predictions import Predictions
from tagifai.slices import Slice
from tagifai.store.prediction_cut import Kept, Storage, cut_predictions
from tagifai.training.evaluation import (
    cleaner_of,
    default_tests,
    label_texts,
    measure,
    tags_by_classifier,
)


@dataclass(frozen=True)
class Trained:
    """A version that was trained and not yet written."""

    params: Params
    tags: tuple[str, ...]
    thresholds: dict[str, float]
    predictions: Predictions
    model: TagClassifier
    performance: dict[str, Any]
    kept: Kept | None = None


def train(
    dataset: Dataset,
    params: Params,
    *,
    jobs: int = 1,
    scratch: Path | None = None,
    progress: Progress | None = None,
    slices: Mapping[str, Slice] | None = None,
    tests: Sequence[BehavioralTest] | None = None,
    saved: Sequence[BehavioralTest] = (),
    limits: Limits | None = None,
    storage: Storage = Storage(),  # noqa: B008 - frozen
) -> Trained:
    """Train on train and validation projects, score on test.

    Probabilities of train and validation projects are out of fold; calibration and thresholds
    are chosen by those alone. The same dataset and params give the same performance to the last
    bit, whatever `jobs`.

    Parameters
    ----------
    dataset, params
        What is learned from, and how.
    jobs, scratch
        Processes to use, -1 for all of joblib's backend, and the folder in which they find what
        they need; None: that of temporary files.
    progress
        Called as the model is fitted.
    slices : mapping, optional
        Slices to score, by name.
    tests, saved : sequence of BehavioralTest
        The tests to run; by default the `saved` ones and those generated for the learned tags.
    limits : Limits, optional
        How large the version's files may be; None where none will be written.
    storage : Storage
        Which probabilities are stored, and how exactly. Figures are those of what is stored.

    Raises
    ------
    TagifaiError
        No tag is frequent enough, there are too few projects, or the version would be too large
        to be read back.
    """
    prepared = prepare(dataset, params.min_tag_freq)
    y_true = label_matrix(prepared)
    _check_size(prepared, params)
    split, groups = split_prepared(dataset, prepared, y_true, params)
    model = build_model(params, prepared.tags, dataset.tags, jobs, scratch)
    if limits is not None:
        check_predictions([project.id for project in prepared.projects], prepared.tags, limits)
    predictions = _fit(model, prepared, y_true, split, groups, progress, limits)
    thresholds = dict(zip(prepared.tags, map(float, model.thresholds_), strict=True))
    predictions, kept = cut_predictions(predictions, thresholds, storage)
    by_id = projects_by_id(dataset.projects)
    # With the tags that are too rare to be learned: slices may be about them.
    projects = [by_id[project.id] for project in prepared.projects]
    if tests is None:
        labelled = label_texts(split, projects)
        tests = default_tests(prepared.tags, dataset.tags, saved, params.language, labelled)
    with threadpool_limits(limits=1):
        performance = measure(
            tags_by_classifier(model, prepared.tags, thresholds),
            cleaner_of(model),
            thresholds,
            predictions,
            projects,
            tests,
            slices,
            dataset.projects,
            dataset.tags,
        )
    performance = with_note(performance, dataset)
    if cut := kept.describe():
        performance["note"] = "; ".join(filter(None, [performance.get("note"), cut]))
    return Trained(params, prepared.tags, thresholds, predictions, model, performance, kept)


def _fit(
    model: TagClassifier,
    prepared: Prepared,
    y_true: Array,
    split: Array,
    groups: Sequence[str] | None,
    progress: Progress | None,
    limits: Limits | None,
) -> Predictions:
    """Fit the model on all projects but those of test, and return its predictions of all."""

    def check(fitted: Pipeline, features: TrainingFeatures) -> None:
        if limits is not None:
            check_model(fitted, len(prepared.tags), limits, pruned=model.prune > 0)
        check_memory(features, len(prepared.tags), len(model.members))

    learned, test = np.flatnonzero(split != "test"), np.flatnonzero(split == "test")
    # One thread per process: sums in another order would change the last bits.
    with threadpool_limits(limits=1):
        texts, kept_together = _texts(prepared, learned), take(groups, learned)
        model.fit(texts, y_true[learned], progress, kept_together, check)
        y_prob = np.empty(y_true.shape, np.float32)
        y_prob[learned] = model.oof_prob_
        for rows in np.array_split(test, max(1, test.size * len(prepared.tags) // PAIRS_AT_ONCE)):
            y_prob[rows] = model.predict_proba(_texts(prepared, rows))
    ids = [project.id for project in prepared.projects]
    return Predictions.of(ids, split, prepared.tags, y_true, y_prob)


def _texts(prepared: Prepared, rows: Array) -> list[str]:
    return [prepared.projects[row].text for row in rows]


def split_prepared(
    dataset: Dataset, prepared: Prepared, y_true: Array, params: Params
) -> tuple[Array, list[str] | None]:
    """Return the split of each prepared project, as the data states it or else drawn, and groups.

    Groups are None where the data has none.
    """
    projects = prepared.projects
    groups = list_groups([p.id for p in projects], (p.extra for p in projects))
    stated = [dataset.splits.get(project.id) for project in projects]
    sizes = params.train_size, params.val_size
    return complete_split(y_true, stated, *sizes, params.seed, groups), groups


def take(groups: Sequence[str] | None, rows: Array) -> list[str] | None:
    """Return the groups of these rows, None where there are no groups."""
    return None if groups is None else [groups[row] for row in rows]


def label_matrix(prepared: Prepared) -> Array:
    """Return `y_true`, uint8 (n_projects, n_tags), in the order of the prepared tags."""
    column = {tag: t for t, tag in enumerate(prepared.tags)}
    y_true = np.zeros((len(prepared.projects), len(prepared.tags)), np.uint8)
    for row, project in enumerate(prepared.projects):
        y_true[row, [column[tag] for tag in project.tags]] = 1
    return y_true


def _check_size(prepared: Prepared, params: Params) -> None:
    if not prepared.tags:
        raise TagifaiError(
            f"no tag reaches min_tag_freq {params.min_tag_freq}; lower it or bring more data"
        )
    needed = 4 * params.folds
    if len(prepared.projects) < needed:
        raise TagifaiError(
            f"{len(prepared.projects)} projects; at least {needed} are needed for "
            f"{params.folds} folds"
        )
