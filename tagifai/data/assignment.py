"""Which split and group a project belongs to, where the data says so."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson

from tagifai.data.json_files import MAX_JSON_BYTES, read_object
from tagifai.data.project import Project
from tagifai.data.project_table import ProjectTable, projects_by_id
from tagifai.errors import TagifaiError, shorten

SPLITS_FILE = "splits.json"
SPLIT_COLUMN, GROUP_COLUMN = "split", "group"
# What people call the three splits, in lower case.
SPLIT_NAMES: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
}


def name_split(value: object, where: str) -> str:
    """Return "train", "val" or "test" for what a file calls a split.

    >>> name_split("Validation", "row 1")
    'val'

    Raises
    ------
    TagifaiError
        `value` is no name of a split; the message starts with `where`.
    """
    found = SPLIT_NAMES.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise TagifaiError(
            f"{where}: {shorten(repr(value))} is not a split; allowed: train, val, test "
            f"(also {', '.join(name for name in SPLIT_NAMES if SPLIT_NAMES[name] != name)})"
        )
    return found


def read_splits(folder: Path, projects: Sequence[Project], projects_file: Path) -> dict[str, str]:
    """Return the split of each project that has one, by id.

    It comes from the column `split` of the projects file, or from `splits.json` ({id: split}).

    Parameters
    ----------
    folder : Path
        The data folder.
    projects : sequence of Project
        The projects of the folder.
    projects_file : Path
        Named in messages.

    Raises
    ------
    TagifaiError
        Both are there, a value is no split, or an id is not in the data.
    """
    stated = {
        one: name_split(value, f"{projects_file}: project {shorten(repr(one))}, split")
        for one, value in _stated(projects)
        if not is_blank(value)
    }
    path = folder / SPLITS_FILE
    if not path.is_file():
        return stated
    if stated:
        raise TagifaiError(
            f"{path}: the projects have a column named split too; remove one of the two"
        )
    columns, found = projects_by_id(projects), {}
    # A line a project: as large as the data makes it.
    for one, value in read_object(path, MAX_JSON_BYTES).items():
        if one not in columns:
            raise TagifaiError(f"{path}: {shorten(repr(one))} is not the id of a project")
        found[one] = name_split(value, f"{path}: project {shorten(repr(one))}")
    return found


def _stated(projects: Sequence[Project]) -> Iterable[tuple[str, object]]:
    """Return the ids, and what the column of the splits holds, where there is one."""
    if not isinstance(projects, ProjectTable):
        return ((project.id, project.extra.get(SPLIT_COLUMN)) for project in projects)
    if SPLIT_COLUMN not in projects.columns:
        return ()
    return zip(projects.ids(), projects.column(SPLIT_COLUMN).to_pylist(), strict=True)


def pack_splits(splits: Mapping[str, str]) -> bytes:
    """Return the content of `splits.json`, a project a line."""
    lines = (
        f"  {orjson.dumps(one).decode()}: {orjson.dumps(split).decode()}"
        for one, split in splits.items()
    )
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def list_groups(ids: Sequence[str], columns: Iterable[Mapping[str, object]]) -> list[str] | None:
    """Return the group of each project, None where no project has one.

    A project without a group is alone in one of its own.

    >>> list_groups(["7", "8", "9"], [{"group": "a"}, {"group": "a"}, {}])
    ['group a', 'group a', 'project 9']
    """
    found = [row.get(GROUP_COLUMN) for row in columns]
    if all(map(is_blank, found)):
        return None
    return [
        f"project {one}" if is_blank(group) else f"group {group}"
        for one, group in zip(ids, found, strict=True)
    ]


def is_blank(value: object) -> bool:
    """Check whether a cell is empty: null, NaN or blanks."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())
