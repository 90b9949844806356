"""Load and validate projects and tags; select the tags that are frequent enough."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tagifai.data.assignment import SPLITS_FILE, read_splits
from tagifai.data.columns import Columns, column_names
from tagifai.data.config import CONFIG_FILE, DataConfig, load_config
from tagifai.data.files import kind_of
from tagifai.data.names import normalise_names
from tagifai.data.parquet_projects import list_parts, load_table
from tagifai.data.project import (
    OTHER_FORMS,
    Project,
    ProjectRow,
    as_list,
    make_project,
)
from tagifai.data.project_table import ProjectTable
from tagifai.data.reading import read_in_place
from tagifai.data.records import read_records
from tagifai.data.sources import list_files
from tagifai.data.unique_ids import UniqueIds
from tagifai.data.validation import Label, validate_row
from tagifai.errors import TagifaiError, shorten

PROJECT_FILES = ("projects.json", "projects.jsonl", "projects.csv", "projects.parquet")
PARTS_FOLDER = "projects"
TAG_FILE = "tags.json"
Advance = Callable[[int], None]
_ROWS_BETWEEN_NEWS = 1_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Tag:
    """A label's metadata: other names for it, and the broader tags above it."""

    tag: str
    aliases: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data folder as read.

    Attributes
    ----------
    projects : sequence of Project
        In the order of the files: a tuple, or a `ProjectTable` of what Parquet files hold.
    tags : mapping of str to Tag
        The tag file by name; empty without one.
    digest : str
        SHA-256 of the files' bytes: it identifies this content.
    config : DataConfig
        What `data.toml` says.
    splits : mapping of str to str
        By id, the split of each project for which the data names one.
    files : tuple of Path
        The files that hold the projects.
    num_left_out : int
        Rows of these files that are no projects, because nobody labelled them.
    """

    projects: Sequence[Project]
    tags: Mapping[str, Tag]
    digest: str
    config: DataConfig = field(default_factory=DataConfig)
    splits: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    num_left_out: int = 0


@dataclass(frozen=True, eq=False)
class Prepared:
    """The projects and tags that a classifier learns from.

    Attributes
    ----------
    projects : tuple of Project
        Each has only tags among `tags`. One without any is a negative of every tag.
    tags : tuple of str
        In alphabetical order, the order of the columns of `y_true`.
    """

    projects: tuple[Project, ...]
    tags: tuple[str, ...]


class _TagRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tag: Label
    aliases: Annotated[list[Label], BeforeValidator(as_list)] = []
    parents: Annotated[list[Label], BeforeValidator(as_list)] = []


def load_dataset(folder: Path | str, advance: Advance | None = None) -> Dataset:
    """Read a data folder.

    Parameters
    ----------
    folder : Path or str
        The folder. It has a projects file, or a `data.toml` that names files.
    advance : callable, optional
        Called now and then with the number of projects read so far.

    Raises
    ------
    TagifaiError
        The folder or its files are missing or malformed; the message names file, row and field.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TagifaiError(f"{folder}: no such data folder")
    config = load_config(folder)
    path, files = find_projects(folder, config)
    others = [
        folder / name for name in (TAG_FILE, CONFIG_FILE, SPLITS_FILE) if (folder / name).is_file()
    ]
    tags = load_tags(folder / TAG_FILE) if folder / TAG_FILE in others else {}
    projects, num_left_out = _load_projects(path, advance, config.columns)
    splits = read_splits(folder, projects, path)
    return Dataset(
        projects, tags, _digest([*files, *others]), config, splits, tuple(files), num_left_out
    )


def find_projects(folder: Path, config: DataConfig) -> tuple[Path, list[Path]]:
    """Find the projects of a data folder.

    Returns
    -------
    path : Path
        What `load_projects` reads: a file, a folder of Parquet parts, or the folder where
        `[columns]` names files.
    files : list of Path
        The files that are read.

    Raises
    ------
    TagifaiError
        There is no projects file, or more than one.
    """
    found = [folder / name for name in PROJECT_FILES if (folder / name).is_file()]
    folders = (folder / name for name in ("projects.parquet", PARTS_FOLDER))
    found += [path for path in folders if path.is_dir()]
    named = config.columns.file if config.columns else ()
    found = [path for path in found if path.name not in named]
    if named and found:
        raise TagifaiError(
            f"{folder}: [columns] names {', '.join(named)}, and {found[0].name} is there too; "
            "keep one"
        )
    if named:
        return folder, [file for name in named for file in list_files(folder / name)]
    if not found:
        raise TagifaiError(
            f"{folder}: no projects file; one of {', '.join(PROJECT_FILES)} (`data import` makes "
            f"one of other files), or a folder {PARTS_FOLDER} of Parquet files"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise TagifaiError(f"{folder}: more than one projects file ({names}); keep one")
    (path,) = found
    if not path.is_dir():
        return path, found
    return path, list_parts(path)


def load_projects(
    path: Path | str, advance: Advance | None = None, columns: Columns | None = None
) -> Sequence[Project]:
    """Read projects from a `.json`, `.jsonl`, `.csv` or `.parquet` file, or by `[columns]`.

    Parameters
    ----------
    path : Path or str
        The file, or a folder of Parquet parts; the folder of the files that `columns` names,
        where it names any.
    advance : callable, optional
        Called now and then with the number of projects read so far.
    columns : Columns, optional
        Which column holds what. Without it they are called id, title, description and tags, and
        in CSV the tags' cell holds a JSON list. Other columns go to `extra`.

    Raises
    ------
    TagifaiError
        The file is unreadable, a cell has the wrong type, or an id comes twice.
    """
    return _load_projects(Path(path), advance, columns)[0]


def _load_projects(
    path: Path, advance: Advance | None, columns: Columns | None
) -> tuple[Sequence[Project], int]:
    """Return the projects, and the number of rows that are left out as unlabelled."""
    if columns is None and (path.is_dir() or kind_of(path) == "parquet"):
        return load_table(list_parts(path), advance), 0
    rows: Iterator[tuple[Path, int, object]]
    names: dict[str, str] = {}
    if columns is None:
        rows = _default_rows(path)
    else:
        paths = [path / name for name in columns.file] or [path]
        rows, names = read_in_place(paths, columns), column_names(columns)
    projects = []
    num_left_out = 0
    ids = UniqueIds(names.get("id", "id"), "; ids are unique")
    for file, row, fields in rows:
        if fields is None:
            num_left_out += 1
            continue
        project = make_project(f"{file}: row {row}", fields, names)
        ids.add(project.id, file, row)
        projects.append(project)
        if advance is not None and len(projects) % _ROWS_BETWEEN_NEWS == 0:
            advance(len(projects))
    if not projects:
        raise TagifaiError(f"{path}: no project in it")
    return tuple(projects), num_left_out


def _default_rows(path: Path) -> Iterator[tuple[Path, int, object]]:
    as_text = kind_of(path) in ("csv", "tsv")
    for row, record in read_records(path):
        if row == 1 and isinstance(record, dict):
            missing = [name for name in ProjectRow.model_fields if name not in record]
            if missing:
                raise TagifaiError(
                    f"{path}: row 1, {missing[0]}: Field required, among "
                    f"{shorten(', '.join(map(str, record)), 200)}; {OTHER_FORMS}"
                )
        if as_text and isinstance(record, dict) and "tags" in record:
            record["tags"] = _tags_cell(str(record["tags"]), path, row)
        yield path, row, record


def _tags_cell(cell: str, path: Path, row: int) -> list[object]:
    try:
        tags = json.loads(cell)
    except (ValueError, RecursionError):
        tags = None
    if not isinstance(tags, list):
        raise TagifaiError(
            f"{path}: row {row}, tags: a JSON list is needed in the cell, "
            f'as in ["nlp", "cv"], got {shorten(repr(cell))}; {OTHER_FORMS}'
        )
    return tags


def load_tags(path: Path | str) -> dict[str, Tag]:
    """Read tags' metadata from a JSON list of {tag, aliases, parents}.

    Names are stripped and brought to Unicode's form NFC, as those of projects are.

    Raises
    ------
    TagifaiError
        The file is unreadable, a field has the wrong type, a name is blank, or a tag comes twice.
    """
    path = Path(path)
    tags: dict[str, Tag] = {}
    for row, record in read_records(path):
        valid = validate_row(path, row, record, _TagRow)
        names = {
            field_name: normalise_names(given)
            for field_name, given in (
                ("tag", [valid.tag]),
                ("aliases", valid.aliases),
                ("parents", valid.parents),
            )
        }
        for field_name, found in names.items():
            if not all(found):
                raise TagifaiError(f"{path}: row {row}, {field_name}: a blank name; each needs one")
        (tag,) = names["tag"]
        if tag in tags:
            raise TagifaiError(f"{path}: row {row}, tag: {shorten(tag)!r} comes twice")
        tags[tag] = Tag(tag, names["aliases"], names["parents"])
    return tags


def count_tags(projects: Iterable[Project]) -> dict[str, int]:
    """Count the projects of each tag, the most common first, ties in alphabetical order.

    >>> count_tags([Project("1", "", "", ("b", "a")), Project("2", "", "", ("b",))])
    {'b': 2, 'a': 1}
    """
    if isinstance(projects, ProjectTable):
        return dict(projects.carried.counts)
    counts = Counter(tag for project in projects for tag in project.tags)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def known_tags(dataset: Dataset) -> list[str]:
    """List every tag that the data has, on a project or in the tag file, in alphabetical order."""
    return sorted(dataset.tags.keys() | count_tags(dataset.projects).keys())


def known_columns(dataset: Dataset) -> list[str]:
    """List the other columns of the data, in their order."""
    if isinstance(dataset.projects, ProjectTable):
        return list(dataset.projects.columns)
    return list(dict.fromkeys(column for project in dataset.projects for column in project.extra))


def labelled_projects(dataset: Dataset) -> Sequence[Project]:
    """Return the projects that versions learn from and are tested on.

    These are all projects, unless `data.toml` calls untagged projects unlabelled: then they are
    those with a tag, whatever the tag. A project whose tags are all excluded or too rare has been
    labelled by somebody: it is a negative of the other tags.
    """
    if dataset.config.untagged == "negative":
        return dataset.projects
    if isinstance(dataset.projects, ProjectTable):
        return dataset.projects.take(dataset.projects.carried.numbers.nonzero()[0])
    return tuple(project for project in dataset.projects if project.tags)


def candidate_tags(dataset: Dataset) -> dict[str, int]:
    """Count the tags that a classifier may learn: known to the tag file, and not excluded.

    Without a tag file every tag of the projects is known.
    """
    left_out = set(dataset.config.excluded)
    known = dataset.tags or None
    return {
        tag: count
        for tag, count in count_tags(dataset.projects).items()
        if tag not in left_out and (known is None or tag in known)
    }


def prepare(dataset: Dataset, min_tag_freq: int = 30) -> Prepared:
    """Select the candidate tags of at least `min_tag_freq` projects, and the labelled projects.

    A project without a selected tag is a negative of each; see `labelled_projects`.

    Raises
    ------
    TagifaiError
        `min_tag_freq` is below 1.
    """
    if min_tag_freq < 1:
        raise TagifaiError(f"min_tag_freq must be 1 or more, got {min_tag_freq}")
    counts = candidate_tags(dataset)
    selected = {tag for tag, count in counts.items() if count >= min_tag_freq}
    projects = tuple(
        Project(
            project.id,
            project.title,
            project.description,
            tuple(tag for tag in project.tags if tag in selected),
            project.extra,
        )
        for project in labelled_projects(dataset)
    )
    return Prepared(projects, tuple(sorted(selected)))


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(f"{path.name}\0{os.fstat(file.fileno()).st_size}\0".encode())
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
