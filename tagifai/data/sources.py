"""Open files as people have them: what kind they are, how they are written, where the rows are."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tagifai.data.arrow_files import (
    ClassNames,
    is_saved_dataset,
    read_arrow,
    saved_class_names,
    saved_files,
    saved_splits,
    schema_class_names,
)
from tagifai.data.assignment import SPLIT_NAMES
from tagifai.data.csv_files import STANDARD, Dialect
from tagifai.data.dialects import check_encoding, detect_dialect
from tagifai.data.files import KINDS, open_text, readable
from tagifai.data.json_files import load_json
from tagifai.data.records import read_records
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError, shorten
from tagifai.pointers import refuse_pointer_file

_ARROW = (".arrow", ".feather")
# Other kinds of files that hold tables, and what to do with them.
_ELSEWHERE = {
    ".xlsx": "save the sheet as CSV",
    ".xls": "save the sheet as CSV",
    ".ods": "save the sheet as CSV",
    ".zip": "unpack it",
    ".tar": "unpack it",
    ".pkl": "a pickle can run any program; save the table as Parquet",
    ".pickle": "a pickle can run any program; save the table as Parquet",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One table of rows.

    Attributes
    ----------
    path : Path
        The file that holds it, or the folder.
    given : Path
        What was named: the same, or the folder of several splits.
    kind : str
        "csv", "tsv", "json", "jsonl", "parquet" or "arrow".
    dialect : Dialect
        How a file of text is written.
    files : tuple of Path
        The files that are read, in order.
    key : str
        In a JSON object, where the rows are.
    part : str
        What the file or the folder that it comes from calls it, as in "train"; "" for none.
    names : mapping of str to tuple of str
        The names of the numbers in a column, where the file has them.
    written : tuple of str
        In words, how it is written.
    """

    path: Path
    given: Path
    kind: str
    dialect: Dialect = STANDARD
    files: tuple[Path, ...] = ()
    key: str = ""
    part: str = ""
    names: ClassNames = field(default_factory=dict)
    written: tuple[str, ...] = ()


def open_sources(paths: Iterable[Path], given: Dialect, *, detect: bool) -> tuple[Source, ...]:
    """Look at files and folders, and return the tables in them.

    Parameters
    ----------
    paths : iterable of Path
        Files, folders of Parquet files, and folders that `datasets` saves.
    given : Dialect
        How files of text are written, as far as that is known ("" for what is not).
    detect : bool
        Tell the rest by what is in the files; otherwise it is UTF-8, and commas or tabs.

    Raises
    ------
    TagifaiError
        A file is missing, of another kind or malformed, or can be read in two ways.
    """
    found = [source for path in paths for source in _open(path, given, detect)]
    if not found:
        raise TagifaiError("no file to read")
    return tuple(found)


def read_source(source: Source) -> Iterator[tuple[int, Record]]:
    """Yield (row, record) of a table, rows from 1.

    Raises
    ------
    TagifaiError
        A file is unreadable or malformed; the message names the row.
    """
    number = 0
    for path in source.files:
        for record in _records(source, path):
            number += 1
            if not isinstance(record, dict):
                raise TagifaiError(
                    f"{path}: row {number}: an object is needed, got {shorten(repr(record))}"
                )
            yield number, record


def _records(source: Source, path: Path) -> Iterable[object]:
    refuse_pointer_file(path)
    if source.kind == "arrow":
        return read_arrow(path)
    if source.kind == "json":
        rows = rows_of(load_json(path, source.dialect.encoding, allow_nan=True), path)[source.key]
        return _let_go(rows)
    return (
        record for _, record in read_records(path, source.dialect, kind=source.kind, allow_nan=True)
    )


def list_files(path: Path) -> list[Path]:
    """List the files that are read where a file or a folder is named.

    Raises
    ------
    TagifaiError
        The folder is of another kind.
    """
    return (
        [file for source in _open_folder(path) for file in source.files]
        if path.is_dir()
        else [path]
    )


def _let_go(rows: list[object]) -> Iterator[object]:
    rows.reverse()
    while rows:
        yield rows.pop()


def _open(path: Path, given: Dialect, detect: bool) -> Iterator[Source]:
    if path.is_dir():
        yield from _open_folder(path)
        return
    if not path.exists():
        raise TagifaiError(f"{path}: no such file or folder")
    refuse_pointer_file(path)
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix in _ARROW:
        names = schema_class_names(path, "arrow")
        yield Source(path, path, "arrow", files=(path,), part=path.stem, names=names)
        return
    kind = KINDS.get(suffix)
    if kind is None or (kind == "parquet" and name.endswith(".gz")):
        hint = f"; {_ELSEWHERE[suffix]}" if suffix in _ELSEWHERE else ""
        raise TagifaiError(
            f"{path}: unknown kind of file{hint}; allowed: {', '.join((*KINDS, *_ARROW))} (those "
            "of text with .gz too), and folders that `datasets` saves"
        )
    if kind == "parquet":
        names = schema_class_names(path, kind)
        yield Source(path, path, kind, files=(path,), part=path.stem, names=names)
        return
    dialect, written = given, tuple[str, ...]()
    if detect:
        detected = detect_dialect(path, given, tabular=kind in ("csv", "tsv"))
        dialect, written = detected.dialect, detected.reasons
    else:
        dialect = replace(given, encoding=check_encoding(given.encoding or "utf-8"))
    kind = _json_kind(path, kind, dialect.encoding)
    source = Source(path, path, kind, dialect, (path,), part=path.stem, written=written)
    if kind == "object":
        for part, rows in rows_of(load_json(path, dialect.encoding, allow_nan=True), path).items():
            yield replace(source, kind="json", key=part, part=part or path.stem)
            del rows
    else:
        yield source


def _open_folder(folder: Path) -> Iterator[Source]:
    if is_saved_dataset(folder):
        for part, inner in saved_splits(folder).items():
            names = saved_class_names(inner)
            files = saved_files(inner)
            yield Source(inner, folder, "arrow", files=files, part=part or folder.name, names=names)
        return
    parts: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue  # what a download keeps for itself
        # As in data/train-00000-of-00002.parquet, and in train/0.parquet.
        split = split_of(path.stem) or split_of(str(path.relative_to(folder).parent))
        parts.setdefault(split, []).append(path)
    if not parts:
        raise TagifaiError(
            f"{folder}: neither saved by `datasets` nor with Parquet files in it; name the files"
        )
    for part, found in parts.items():
        refuse_pointer_file(found[0])
        names = schema_class_names(found[0], "parquet")
        yield Source(
            folder, folder, "parquet", files=tuple(found), part=part or folder.name, names=names
        )


def _json_kind(path: Path, kind: str, encoding: str) -> str:
    """Detect JSON lines in a `.json` file, a list in a `.jsonl` file, and an object of rows."""
    if kind not in ("json", "jsonl"):
        return kind
    with readable(path), open_text(path, encoding) as file:
        line = next((line for line in file if line.strip()), "")
        if line.lstrip().startswith("["):
            return "json"
        if kind == "jsonl" or not line.lstrip().startswith("{"):
            return kind
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            return "object"
        return "jsonl" if any(other.strip() for other in file) else "object"


def rows_of(found: object, path: Path) -> dict[str, list[object]]:
    """Return the rows in a JSON document, by the name of their split ("" for one list alone).

    >>> rows_of({"version": 1, "data": [{"id": 7}]}, Path("a.json"))
    {'': [{'id': 7}]}
    >>> rows_of({"id": {"0": 7, "1": 8}, "tags": {"0": ["a"], "1": []}}, Path("a.json"))
    {'': [{'id': 7, 'tags': ['a']}, {'id': 8, 'tags': []}]}

    Raises
    ------
    TagifaiError
        There is no list of rows in it, or more than one.
    """
    if isinstance(found, list):
        return {"": found}
    if not isinstance(found, dict):
        raise _no_rows(found, path)
    if isinstance(found.get("columns"), list) and isinstance(found.get("data"), list):
        names = [str(name) for name in found["columns"]]
        return {"": [_zipped(names, row, path) for row in found["data"]]}
    lists = {key: value for key, value in found.items() if _is_rows(value)}
    if len(lists) == 1:
        return {"": next(iter(lists.values()))}
    if lists:
        splits = [split_of(key) for key in lists]
        if "" in splits or len(set(splits)) < len(splits):
            raise TagifaiError(
                f"{path}: several lists of rows ({', '.join(map(shorten, lists))}); "
                "one is needed, or one for each split"
            )
        return lists
    inner = list(found.values())
    if inner and all(isinstance(column, list) for column in inner):
        if len({len(column) for column in inner}) == 1:
            rows = zip(*inner, strict=True)
            return {"": [dict(zip(found, row, strict=True)) for row in rows]}
    elif inner and all(isinstance(column, dict) for column in inner):
        if all(key.isdigit() for column in inner for key in column):
            numbers = list(dict.fromkeys(key for column in inner for key in column))
            listed = ({name: found[name].get(key) for name in found} for key in numbers)
            return {"": list(listed)}
        return {"": [{"id": key, **row} for key, row in found.items()]}
    raise _no_rows(found, path)


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _zipped(names: Sequence[str], row: object, path: Path) -> Record:
    if not isinstance(row, list) or len(row) != len(names):
        raise TagifaiError(f"{path}: data: a list of {len(names)} cells is needed for each row")
    return dict(zip(names, row, strict=True))


def _no_rows(found: object, path: Path) -> TagifaiError:
    return TagifaiError(f"{path}: a list of objects is needed, got {type(found).__name__}")


def split_of(name: str) -> str:
    """Return the split that a name speaks of: "train", "val", "test", or "" for none or several.

    >>> split_of("train-00000-of-00002"), split_of("my_dev.v2"), split_of("latest")
    ('train', 'val', '')
    """
    words = re.split(r"[^a-z]+", name.lower())
    found = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else ""
