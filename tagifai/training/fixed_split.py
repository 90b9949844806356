"""Write the test split that all versions of a data folder share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from tagifai.data import Dataset, candidate_tags
from tagifai.data.assignment import SPLITS_FILE, list_groups, pack_splits
from tagifai.data.rules import SIMILAR, word_vectors
from tagifai.errors import TagifaiError
from tagifai.models.splits import split_projects
from tagifai.text.neighbours import nearest_earlier

ENOUGH_POSITIVES = 10


@dataclass(frozen=True, slots=True)
class SplitSize:
    """How large a split is.

    Attributes
    ----------
    split : {"train", "val", "test"}
        Its name.
    projects : int
        Number of projects.
    tags : int
        Number of tags with at least `ENOUGH_POSITIVES` projects, which an interval needs.
    """

    split: str
    projects: int
    tags: int


def write_splits(
    folder: Path, dataset: Dataset, *, test: float, val: float, seed: int
) -> tuple[Path, dict[str, str]]:
    """Split a data folder's projects and write `splits.json` into it.

    Each tag is spread over the three splits. Groups and near-duplicates stay together.

    Parameters
    ----------
    folder : Path
        Where the file is written; nothing else is changed.
    dataset : Dataset
        What the folder holds.
    test, val : float
        Shares of the projects, together below 1; `test` above 0.
    seed : int
        Decides between equals.

    Returns
    -------
    (Path, dict)
        The file, and the split of each project by id.

    Raises
    ------
    TagifaiError
        The projects have splits already, a share is out of range, there are too few
        projects, or the file cannot be written.
    """
    if dataset.splits:
        raise TagifaiError(
            f"{folder}: the projects have splits already ({len(dataset.splits):,} projects); "
            f"remove {SPLITS_FILE} or the column split to draw others"
        )
    if not (0 < test < 1 and 0 <= val < 1 and test + val < 1):
        raise TagifaiError(
            f"--test must be above 0, --val 0 or more, and both together below 1; "
            f"got {test} and {val}"
        )
    projects = dataset.projects
    column = {tag: number for number, tag in enumerate(candidate_tags(dataset))}
    y_true = np.zeros((len(projects), len(column)), np.int64)
    for row, project in enumerate(projects):
        y_true[row, [column[tag] for tag in project.tags if tag in column]] = 1
    split = split_projects(y_true, 1 - test - val, val, seed, _kept_together(dataset))
    splits = {p.id: str(name) for p, name in zip(projects, split, strict=True)}
    path = folder / SPLITS_FILE
    try:
        # "x": a file that came meanwhile is not replaced.
        with path.open("xb") as file:
            file.write(pack_splits(splits))
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path, splits


def describe_split(dataset: Dataset, splits: Mapping[str, str]) -> list[SplitSize]:
    """Return the size of each split."""
    sizes = Counter(splits.values())
    tags: dict[str, Counter[str]] = {name: Counter() for name in ("train", "val", "test")}
    known = candidate_tags(dataset)
    for project in dataset.projects:
        tags[splits[project.id]].update(tag for tag in project.tags if tag in known)
    return [
        SplitSize(name, sizes[name], sum(n >= ENOUGH_POSITIVES for n in counts.values()))
        for name, counts in tags.items()
    ]


def _kept_together(dataset: Dataset) -> list[str]:
    """Return for each project the name of the group that must stay in one split."""
    projects = dataset.projects
    ids = [project.id for project in projects]
    groups = list_groups(ids, (p.extra for p in projects)) or [f"project {one}" for one in ids]
    vectors = word_vectors([project.text for project in projects])
    pairs = [] if vectors is None else nearest_earlier(vectors, SIMILAR)
    first = {group: row for row, group in reversed(list(enumerate(groups)))}
    links = [(row, first[group]) for row, group in enumerate(groups)]
    links += [(pair.row, pair.earlier) for pair in pairs]
    rows, columns = zip(*links, strict=True)
    graph = sparse.coo_matrix((np.ones(len(links)), (rows, columns)), shape=(len(projects),) * 2)
    return [str(label) for label in connected_components(graph, directed=False)[1]]
