"""Import another program's predictions: a file in, a version out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from tagifai.data import Dataset, candidate_tags, known_tags, labelled_projects
from tagifai.data.files import open_text, readable
from tagifai.data.left_out import name_counts, with_note
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.limits import Limits
from tagifai.metrics import performance
from tagifai.models.params import Params
from tagifai.pointers import refuse_pointer_file
from tagifai.predictions import Predictions
from tagifai.slices import Slice, select_slices
from tagifai.store.naming import WORKSPACE
from tagifai.text.preprocessing import TextPreprocessor
from tagifai.training.prediction_files import gather_predictions
from tagifai.training.prediction_rows import Expected
from tagifai.training.releases import NewVersion, describe_making

IMPORTED = "Imported predictions."
_MAX_TAG_LIST = 10_000_000


def read_predictions(
    path: Path | str,
    dataset: Dataset,
    *,
    out_of_fold: str = "unknown",
    tags: Sequence[str] | None = None,
    missing: str = "refuse",
    encoding: str = "",
    delimiter: str = "",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Predictions:
    """Read a file of predictions; the truth is the dataset's.

    Parameters
    ----------
    path : Path or str
        The file, in one of the forms of `gather_predictions`.
    dataset : Dataset
        The data whose projects were predicted.
    out_of_fold : {"unknown", "yes", "no"}
        Whether the probabilities of train projects come from models that did not see them.
    tags : sequence of str, optional
        Which tag each number is of, where rows are lists of numbers.
    missing : {"refuse", "zero"}
        What a tag that a row leaves out means.
    encoding, delimiter : str
        How a CSV file is written; detected where they are empty.
    limits : Limits
        How large the file may be.

    Raises
    ------
    TagifaiError
        A malformed file or row, an id or a tag that the data lacks, an id that comes twice, or no
        project of the test split.
    """
    stated = {project.id: dataset.splits.get(project.id) for project in dataset.projects}
    expected = Expected(known_tags(dataset), stated, tags, missing, limits)
    found = gather_predictions(Path(path), expected, encoding=encoding, delimiter=delimiter)
    column = {tag: number for number, tag in enumerate(found.tags)}
    carried = {project.id: project.tags for project in dataset.projects}
    y_true = np.zeros(found.y_prob.shape, np.uint8)
    for row, one in enumerate(found.ids):
        y_true[row, [column[tag] for tag in carried[one] if tag in column]] = 1
    return Predictions(
        tuple(found.ids),
        np.array(found.split),
        tuple(found.tags),
        y_true,
        found.y_prob,
        out_of_fold,
    )


def read_tag_list(path: Path | str) -> list[str]:
    """Read the names of tags, in the order of a list of numbers: a JSON list, or one per line.

    Raises
    ------
    TagifaiError
        The file is unreadable, or holds something else.
    """
    path = Path(path)
    refuse_pointer_file(path)
    with readable(path), open_text(path, "utf-8-sig", _MAX_TAG_LIST) as file:
        text = file.read()
    if not text.lstrip().startswith("["):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise TagifaiError(f"{path}: not JSON: {shorten(str(error))}") from None
    if not all(isinstance(one, str) for one in found):
        raise TagifaiError(f"{path}: a list of tags is needed, got {shorten(repr(found))}")
    return list(found)


def missing_tags(dataset: Dataset, tags: Sequence[str], min_tag_freq: int) -> dict[str, int]:
    """Count the projects of each tag that is frequent enough to learn, and not among `tags`.

    The most common come first.
    """
    among = set(tags)
    return {
        tag: count
        for tag, count in candidate_tags(dataset).items()
        if count >= min_tag_freq and tag not in among
    }


def describe_missing(missing: Mapping[str, int]) -> str:
    """Return which tags of the data have no predictions, "" where all have.

    >>> describe_missing({"boats": 84})
    '1 tag of the data, frequent enough to learn, is not predicted: boats 84'
    """
    if not missing:
        return ""
    verb = "is" if len(missing) == 1 else "are"
    return (
        f"{counted(len(missing), 'tag')} of the data, frequent enough to learn, {verb} not "
        f"predicted: {name_counts(missing)}"
    )


def version_of(
    predictions: Predictions,
    dataset: Dataset,
    threshold: float = 0.5,
    name: str = WORKSPACE,
    slices: Mapping[str, Slice] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> NewVersion:
    """Make a version of predictions alone.

    Unlabelled projects are left out: see `labelled_projects`. A note names the tags of the data
    that are frequent enough to be learned by default and have no predictions.

    Parameters
    ----------
    predictions : Predictions
        Another program's predictions.
    dataset : Dataset
        The data that they are of.
    threshold : float
        From which probability each tag is predicted, in [0, 1].
    name : str
        The version's name.
    slices : mapping, optional
        Slices to score, by name.
    limits : Limits
        How large the files may be.

    Raises
    ------
    TagifaiError
        `threshold` is outside [0, 1], no test project is labelled, or the predictions would be
        too large to be read back.
    """
    check_threshold(threshold)
    labelled = {project.id for project in labelled_projects(dataset)}
    if not labelled.issuperset(predictions.ids):
        rows = [row for row, one in enumerate(predictions.ids) if one in labelled]
        predictions = predictions.take(rows)
    thresholds = dict.fromkeys(predictions.tags, threshold)
    test = predictions.select("test")
    if not test.ids:
        raise TagifaiError("every test project is unlabelled, so nothing can be scored")
    packed = predictions.to_bytes()
    limits.check_file(packed, "predictions.npz")
    missing = missing_tags(dataset, predictions.tags, Params().min_tag_freq)
    figures = with_note(_measure(test, thresholds, dataset, slices), dataset)
    if notes := [note for note in (figures.get("note"), describe_missing(missing)) if note]:
        figures["note"] = "; ".join(notes)
    return NewVersion(
        params={"threshold": threshold},
        performance=figures,
        thresholds=thresholds,
        predictions=packed,
        info=describe_making(predictions, thresholds, dataset, name, IMPORTED, missing),
    )


def _measure(
    test: Predictions,
    thresholds: Mapping[str, float],
    dataset: Dataset,
    slices: Mapping[str, Slice] | None,
) -> dict[str, Any]:
    by_id = {project.id: project for project in dataset.projects}
    return performance(
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


def check_threshold(threshold: float) -> None:
    """Refuse a threshold outside [0, 1].

    Raises
    ------
    TagifaiError
        It is outside [0, 1].
    """
    if not 0 <= threshold <= 1:
        raise TagifaiError(f"threshold: a number from 0 to 1 is needed, got {threshold}")
