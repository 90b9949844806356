"""Read another program's predictions, and what they leave out."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from tagifai.arrays import Array
from tagifai.data import Dataset, candidate_tags, known_tags
from tagifai.data.files import open_text, readable
from tagifai.data.left_out import name_counts
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.limits import Limits
from tagifai.matrices import Stored, as_dense, is_sparse
from tagifai.pointers import refuse_pointer_file
from tagifai.predictions import Predictions
from tagifai.training.prediction_files import gather_predictions
from tagifai.training.prediction_rows import Expected

IMPORTED = "Imported predictions."
_MAX_TAG_LIST = 10_000_000


def read_predictions(
    path: Path | str,
    dataset: Dataset,
    *,
    out_of_fold: str = "unknown",
    tags: Sequence[str] | None = None,
    missing: str = "refuse",
    logits: bool = False,
    tag_map: Mapping[str, str | None] | None = None,
    splits: Mapping[str, str] | None = None,
    draw_split: Callable[[Predictions], Array] | None = None,
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
    logits : bool
        Whether values are logits.
    tag_map : mapping, optional
        Tags by the names that the file has for them; None leaves a name out.
    splits : mapping, optional
        The split of each project, by id, whatever the file says; train where it is in none.
    draw_split : callable, optional
        Draws a split where neither the file nor the data states any.
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
    ids = [project.id for project in dataset.projects]
    stated: dict[str, str | None] = (
        {one: dataset.splits.get(one) for one in ids}
        if splits is None
        else {one: splits.get(one, "train") for one in ids}
    )
    expected = Expected(
        known_tags(dataset),
        stated,
        tags,
        missing,
        logits,
        fixed_splits=splits is not None,
        draws_split=draw_split is not None,
        tag_map=tag_map or {},
        limits=limits,
    )
    found = gather_predictions(Path(path), expected, encoding=encoding, delimiter=delimiter)
    carried = {project.id: project.tags for project in dataset.projects}
    y_true = label_matrix((carried[one] for one in found.ids), found.tags)
    if not is_sparse(found.y_prob):
        y_true = as_dense(y_true)
    drawn = draw_split is not None and not any(found.split)
    split = np.array(["train"] * len(found.ids) if drawn else found.split)
    predictions = Predictions(
        tuple(found.ids),
        split,
        tuple(found.tags),
        y_true,
        found.y_prob,
        out_of_fold,
        found.decisions_only,
    )
    if drawn and draw_split is not None:
        return replace(predictions, split=draw_split(predictions))
    return predictions


def label_matrix(carried: Iterable[Sequence[str]], tags: Sequence[str]) -> Stored:
    """Return which of `tags` each project carries, CSR of uint8, (n_projects, n_tags).

    >>> label_matrix([("b", "a", "a"), ("x",)], ["a", "b"]).toarray().tolist()
    [[1, 1], [0, 0]]
    """
    from scipy import sparse

    column = {tag: number for number, tag in enumerate(tags)}
    columns, ends = array("i"), array("q", [0])
    for own in carried:
        columns.extend(sorted({column[tag] for tag in own if tag in column}))
        ends.append(len(columns))
    numbers = np.frombuffer(columns, np.int32) if columns else np.zeros(0, np.int32)
    return sparse.csr_array(
        (np.ones(len(columns), np.uint8), numbers, np.frombuffer(ends, np.int64)),
        shape=(len(ends) - 1, len(tags)),
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
