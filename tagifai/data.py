"""Load and validate projects and tags; keep the tags that are frequent enough."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, ValidationError

from tagifai.errors import TagifaiError, shorten

EXCLUDED_TAGS = (
    "machine-learning",
    "deep-learning",
    "data-science",
    "neural-networks",
    "python",
    "r",
    "visualization",
    "wandb",
)
PROJECT_FILES = ("projects.json", "projects.jsonl", "projects.csv", "projects.parquet")
TAG_FILE = "tags.json"
MAX_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Project:
    """One row of the data; `extra` keeps the columns that tagifai does not know."""

    id: str
    title: str
    description: str
    tags: tuple[str, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Join what the classifier reads: the title, a space, the description."""
        return f"{self.title} {self.description}".strip()


@dataclass(frozen=True, slots=True)
class Tag:
    """A label's metadata: other names for it, and the broader tags above it."""

    tag: str
    aliases: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data folder as read: projects in file order, tags by name ({} without a tag file).

    `digest` is the SHA-256 of the files' bytes: it names this data's very content.
    """

    projects: tuple[Project, ...]
    tags: Mapping[str, Tag]
    digest: str


@dataclass(frozen=True, eq=False)
class Prepared:
    """The projects and tags that a classifier learns from.

    `tags` are in alphabetical order, the order of the columns of `y_true`; each project
    carries only tags among them, and at least one.
    """

    projects: tuple[Project, ...]
    tags: tuple[str, ...]


def _surrogates_replaced(value: Any) -> Any:
    # A lone surrogate is legal in JSON and breaks every encoder after it.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


Text = Annotated[StrictStr, BeforeValidator(_surrogates_replaced), Field(max_length=MAX_TEXT)]
Label = Annotated[
    StrictStr, BeforeValidator(_surrogates_replaced), Field(min_length=1, max_length=200)
]


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(
            f"tags given as one string {shorten(value)!r}; "
            f'give a list of strings, as in ["computer-vision", "segmentation"]'
        )
    return list(value) if isinstance(value, tuple) else value


def _identifier(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"an integer or a string is needed, got {shorten(repr(value))}")
    return str(value)


class _ProjectRow(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: Annotated[Label, BeforeValidator(_identifier)]
    title: Text
    description: Text
    tags: Annotated[list[Label], BeforeValidator(_listed)]


class _TagRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tag: Label
    aliases: Annotated[list[Label], BeforeValidator(_listed)] = []
    parents: Annotated[list[Label], BeforeValidator(_listed)] = []


def load_dataset(folder: Path | str) -> Dataset:
    """Read the projects file and, where there is one, `tags.json` of a data folder.

    Raises:
        TagifaiError: the folder or its files are missing or malformed; the message names
            file, row and field.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TagifaiError(f"{folder}: no such data folder")
    found = [folder / name for name in PROJECT_FILES if (folder / name).is_file()]
    if not found:
        raise TagifaiError(f"{folder}: no projects file; one of {', '.join(PROJECT_FILES)}")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise TagifaiError(f"{folder}: more than one projects file ({names}); keep one")
    paths = found + [folder / TAG_FILE] * (folder / TAG_FILE).is_file()
    tags = load_tags(paths[1]) if len(paths) > 1 else {}
    projects = load_projects(paths[0])
    return Dataset(projects, tags, _digest(paths))


def load_projects(path: Path | str) -> tuple[Project, ...]:
    """Read projects from a `.json`, `.jsonl`, `.csv` or `.parquet` file.

    In CSV the tags' cell holds a JSON list. Other columns are kept in `extra`.

    Raises:
        TagifaiError: unreadable file, a wrong type, or an id that comes twice.
    """
    path = Path(path)
    projects = []
    row_of: dict[str, int] = {}
    for row, record in _records(path):
        valid = _validated(_ProjectRow, record, path, row)
        if valid.id in row_of:
            raise TagifaiError(
                f"{path}: row {row}, id: {shorten(valid.id)!r} is already the id of "
                f"row {row_of[valid.id]}; ids are unique"
            )
        row_of[valid.id] = row
        tags = tuple(dict.fromkeys(tag.strip() for tag in valid.tags))
        if not all(tags):
            raise TagifaiError(f"{path}: row {row}, tags: a blank tag; each tag needs a name")
        projects.append(
            Project(valid.id, valid.title, valid.description, tags, valid.model_extra or {})
        )
    if not projects:
        raise TagifaiError(f"{path}: no project in it")
    return tuple(projects)


def load_tags(path: Path | str) -> dict[str, Tag]:
    """Read tags' metadata from a JSON list of {tag, aliases, parents}.

    Raises:
        TagifaiError: unreadable file, a wrong type, or a tag that comes twice.
    """
    path = Path(path)
    tags: dict[str, Tag] = {}
    for row, record in _records(path):
        valid = _validated(_TagRow, record, path, row)
        if valid.tag in tags:
            raise TagifaiError(f"{path}: row {row}, tag: {shorten(valid.tag)!r} comes twice")
        tags[valid.tag] = Tag(valid.tag, tuple(valid.aliases), tuple(valid.parents))
    return tags


def count_tags(projects: Iterable[Project]) -> dict[str, int]:
    """Count the projects of each tag; most common first, equals in alphabetical order.

    >>> count_tags([Project("1", "", "", ("b", "a")), Project("2", "", "", ("b",))])
    {'b': 2, 'a': 1}
    """
    counts = Counter(tag for project in projects for tag in project.tags)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def candidate_tags(dataset: Dataset, excluded: Iterable[str] = EXCLUDED_TAGS) -> dict[str, int]:
    """Count the tags that a classifier may learn: known to the tag file, and not excluded.

    Without a tag file every tag of the projects is known.
    """
    left_out = set(excluded)
    known = dataset.tags or None
    return {
        tag: count
        for tag, count in count_tags(dataset.projects).items()
        if tag not in left_out and (known is None or tag in known)
    }


def prepare(
    dataset: Dataset, min_tag_freq: int = 30, excluded: Iterable[str] = EXCLUDED_TAGS
) -> Prepared:
    """Keep the candidate tags of at least `min_tag_freq` projects, and the projects with one.

    Raises:
        TagifaiError: `min_tag_freq` is below 1.
    """
    if min_tag_freq < 1:
        raise TagifaiError(f"min_tag_freq must be 1 or more, got {min_tag_freq}")
    counts = candidate_tags(dataset, excluded)
    kept = {tag for tag, count in counts.items() if count >= min_tag_freq}
    projects = []
    for project in dataset.projects:
        tags = tuple(tag for tag in project.tags if tag in kept)
        if tags:
            projects.append(
                Project(project.id, project.title, project.description, tags, project.extra)
            )
    return Prepared(tuple(projects), tuple(sorted(kept)))


def _validated(model: type[Any], record: Any, path: Path, row: int) -> Any:
    if not isinstance(record, dict):
        raise TagifaiError(f"{path}: row {row}: an object is needed, got {shorten(repr(record))}")
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        received = (
            ""
            if first["type"] in ("missing", "value_error")
            else (f", got {shorten(repr(first['input']))}")
        )
        raise TagifaiError(f"{path}: row {row}, {where}: {message}{received}") from None


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row, record), rows counted from 1."""
    readers = {".json": _json, ".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TagifaiError(f"{path}: unknown kind of file; allowed: {', '.join(readers)}")
    try:
        yield from enumerate(reader(path), start=1)
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise TagifaiError(f"{path}: not UTF-8 text (byte {error.start})") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _parse(text: str, path: Path, first_line: int = 1) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise TagifaiError(
            f"{path}: not JSON: {error.msg} (line {line}, column {error.colno})"
        ) from None
    except RecursionError:
        raise TagifaiError(f"{path}: nested too deeply to be read") from None
    except ValueError as error:
        raise TagifaiError(f"{path}: not JSON: {error}") from None


def _json(path: Path) -> Iterator[Any]:
    rows = _parse(path.read_text("utf-8-sig"), path)
    if not isinstance(rows, list):
        raise TagifaiError(f"{path}: a list of objects is needed, got {type(rows).__name__}")
    yield from rows


def _jsonl(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _parse(line, path, number)


def _csv(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        csv.field_size_limit(MAX_TEXT)
        reader = csv.reader(lines, strict=True)
        try:
            header = next(reader, None)
            if not header:
                raise TagifaiError(
                    f"{path}: empty; a header of id, title, description, tags is needed"
                )
            if len(set(header)) != len(header):
                raise TagifaiError(f"{path}: a column's name comes twice in {shorten(str(header))}")
            for row, cells in enumerate(reader, start=1):
                if len(cells) != len(header):
                    raise TagifaiError(
                        f"{path}: row {row}: {len(cells)} cells under {len(header)} columns"
                    )
                record: dict[str, Any] = dict(zip(header, cells, strict=True))
                if "tags" in record:
                    record["tags"] = _tags_cell(record["tags"], path, row)
                yield record
        except csv.Error as error:
            raise TagifaiError(f"{path}: line {reader.line_num}: not CSV: {error}") from None


def _tags_cell(cell: str, path: Path, row: int) -> Any:
    try:
        tags = json.loads(cell)
    except (ValueError, RecursionError):
        tags = None
    if not isinstance(tags, list):
        raise TagifaiError(
            f"{path}: row {row}, tags: a JSON list is needed in the cell, "
            f'as in ["nlp", "cv"], got {shorten(repr(cell))}'
        )
    return tags


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow  # here: only those who bring Parquet wait for it
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise TagifaiError(f"{path}: not Parquet: {shorten(str(error))}") from None


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
