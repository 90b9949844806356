"""Read projects from Parquet into a table, column by column."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagifai.data.arrow_files import arrow_errors, bounded_batches, open_parquet
from tagifai.data.carried_tags import CarriedTags
from tagifai.data.csv_files import refuse_doubles
from tagifai.data.files import readable
from tagifai.data.names import normalise_name
from tagifai.data.project import OTHER_FORMS, Project, make_project
from tagifai.data.project_table import TEXTS, ProjectTable
from tagifai.data.unique_ids import describe_row
from tagifai.data.unpacked import Unpacked
from tagifai.data.validation import MAX_TEXT
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.memory import require_memory
from tagifai.pointers import refuse_pointer_file

if TYPE_CHECKING:
    from pyarrow import DataType, RecordBatch, Schema
    from pyarrow.parquet import ParquetFile

MAX_LABEL = 200
_ROWS = 65_536
# What a project takes beside its texts: its place in the orders and in the index of words.
_BYTES_A_PROJECT = 300
# Texts are held once as columns, and once while they are read and indexed.
_TIMES_HELD = 2
_PLAIN_ID = rf"^[!-~][ -~]{{0,{MAX_LABEL - 1}}}$"
_PART = re.compile(r"(\d+)(?:-of-(\d+))?")


def list_parts(path: Path) -> list[Path]:
    """List the Parquet files of a folder of parts, in the order of their names.

    Raises
    ------
    TagifaiError
        There is none, or one is missing: the names number the parts, and a number is not there.
    """
    if path.is_file():
        return [path]
    found = [
        part
        for part in path.rglob("*.parquet")
        if part.is_file()
        and not any(name.startswith((".", "_")) for name in part.relative_to(path).parts)
    ]
    if not found:
        raise TagifaiError(f"{path}: no Parquet file in this folder")
    parts = sorted(found, key=lambda part: (part.parent, _in_numbers(part.name)))
    for folder in dict.fromkeys(part.parent for part in parts):
        _refuse_gaps(folder, [part for part in parts if part.parent == folder])
    return parts


def _in_numbers(name: str) -> list[tuple[int, str]]:
    """Return what sorts part.10 behind part.9."""
    return [(int(one), "") if one.isdigit() else (-1, one) for one in re.split(r"(\d+)", name)]


def _refuse_gaps(folder: Path, parts: Sequence[Path]) -> None:
    found = {part.name: _PART.search(part.name) for part in parts}
    numbered = {name: one for name, one in found.items() if one is not None}
    forms = {(name[: one.start()], one[2]) for name, one in numbered.items()}
    numbers = {int(one[1]) for one in numbered.values()}
    if len(numbers) < len(parts) or len(forms) > 1:
        return  # the names do not count the parts
    ((_, of),) = forms
    if of is not None:
        first = 1 if 0 not in numbers and int(of) in numbers else 0
        expected = range(first, first + int(of))
    elif min(numbers) > 1 or (folder / "_SUCCESS").exists():
        return  # as in 2024.parquet; Spark writes no part without rows, and this file in the end
    else:
        expected = range(min(numbers), max(numbers) + 1)
    missing = sorted(set(expected) - numbers)
    if missing:
        raise TagifaiError(
            f"{folder}: {counted(len(missing), 'part')} of {len(expected):,} missing, the first of "
            f"them number {missing[0]}; there are {parts[0].name} to {parts[-1].name}"
        )


def load_table(paths: Sequence[Path], advance: Callable[[int], None] | None = None) -> ProjectTable:
    """Read projects from Parquet files with the columns id, title, description and tags.

    Parameters
    ----------
    paths : sequence of Path
        A file, or the parts of one table.
    advance : callable, optional
        Called now and then with the number of projects read so far.

    Raises
    ------
    TagifaiError
        A file is damaged, has other columns than the first, or unpacks to far more than its size;
        a cell has the wrong type; an id comes twice; or all of it would not fit the memory.
    """
    for path in paths:
        refuse_pointer_file(path)
    with ExitStack() as opened:
        files = [opened.enter_context(_Opened(path)) for path in paths]
        for path, file in zip(paths, files, strict=True):
            _check_columns(path, file.schema_arrow, paths[0], files[0].schema_arrow)
        _require_memory(paths, files)
        return _read(paths, files, advance)


class _Opened:
    """A Parquet file; whatever goes wrong with it names it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "ParquetFile":
        with readable(self._path), arrow_errors(self._path, "Parquet"):
            self._file = open_parquet(self._path)
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _check_columns(path: Path, schema: "Schema", first_path: Path, first: "Schema") -> None:
    refuse_doubles(path, schema.names)
    if missing := [name for name in (*TEXTS, "tags") if name not in schema.names]:
        raise TagifaiError(
            f"{path}: row 1, {missing[0]}: Field required, among "
            f"{shorten(', '.join(schema.names), 200)}; {OTHER_FORMS}"
        )
    for name in dict.fromkeys([*first.names, *schema.names]):
        types = [
            str(_plain_type(one.field(name).type)) if name in one.names else "missing"
            for one in (schema, first)
        ]
        if types[0] != types[1] and "null" not in types:
            raise TagifaiError(
                f"{path}: column {shorten(repr(name))} is {types[0]} here and {types[1]} in "
                f"{first_path.name}; all parts of one table need the same columns"
            )


def _plain_type(kind: "DataType") -> "DataType":
    """Return the type of what a column holds, however it is stored."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_integer(kind):
        return pa.int64()
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    return kind


def _require_memory(paths: Sequence[Path], files: Sequence["ParquetFile"]) -> None:
    """Refuse what would not fit the memory, by what the files say of themselves."""
    rows = sum(file.metadata.num_rows for file in files)
    sizes = sum(
        file.metadata.row_group(group).total_byte_size
        for file in files
        for group in range(file.metadata.num_row_groups)
    )
    require_memory(
        _TIMES_HELD * sizes + _BYTES_A_PROJECT * rows,
        f"{_named(paths)}: {counted(rows, 'project')}",
    )


def _read(
    paths: Sequence[Path], files: Sequence["ParquetFile"], advance: Callable[[int], None] | None
) -> ProjectTable:
    reader = _Reader()
    starts = []
    with readable(paths[0]):
        unpacked = Unpacked.of(*paths)
    for path, file in zip(paths, files, strict=True):
        starts.append(reader.num_rows)
        with readable(path), arrow_errors(path, "Parquet"):
            first = reader.num_rows
            for batch in bounded_batches(path, file, unpacked, _ROWS):
                reader.add(path, reader.num_rows - first, batch)
                if advance is not None:
                    advance(reader.num_rows)
    if not reader.num_rows:
        raise TagifaiError(f"{_named(paths)}: no project in it")
    table = reader.table()
    if twice := table.by_id.twice():
        (file_of, row), (earlier_file, earlier) = (
            (paths[number], place - starts[number] + 1)
            for place in twice
            for number in [int(np.searchsorted(starts, place, side="right")) - 1]
        )
        raise TagifaiError(
            f"{file_of}: row {row}, id: {shorten(table[twice[0]].id)!r} is already the id of "
            f"{describe_row(earlier_file, earlier, file_of)}; ids are unique"
        )
    return table


def _named(paths: Sequence[Path]) -> Path:
    return paths[0] if len(paths) == 1 else paths[0].parent


@dataclass
class _Reader:
    """The columns read so far."""

    batches: list["RecordBatch"] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    numbers: list[Any] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)
    written: dict[int, tuple[str, ...]] = field(default_factory=dict)
    num_rows: int = 0

    def add(self, path: Path, before: int, batch: "RecordBatch") -> None:
        """Check a batch of a file, of which `before` rows were read, and keep it.

        What passes the checks of columns would pass those of `make_project` row by row; rows that
        do not are made into projects, which reports what is wrong with them.
        """
        import pyarrow as pa

        texts, suspect = _texts_of(batch)
        carried = _tags_of(batch)
        if carried is None or texts is None:
            suspect = np.ones(batch.num_rows, bool)
        else:
            suspect |= carried.suspect
        redone = {
            row: make_project(f"{path}: row {before + row + 1}", record)
            for row, record in _records(batch, np.flatnonzero(suspect))
        }
        if texts is None or carried is None:
            texts = [pa.array([getattr(redone[row], name) for row in range(batch.num_rows)],
                              pa.string()) for name in TEXTS]  # fmt: skip
        elif redone:
            texts = [_replaced(text, redone, name) for text, name in zip(texts, TEXTS, strict=True)]
        self._keep_tags(batch.num_rows, carried, redone)
        others = [name for name in batch.schema.names if name not in (*TEXTS, "tags")]
        columns = {name: batch.column(name) for name in others}
        self.batches.append(
            pa.RecordBatch.from_pydict({**dict(zip(TEXTS, texts, strict=True)), **columns})
        )
        self.num_rows += batch.num_rows

    def _keep_tags(
        self, num_rows: int, carried: "_Carried | None", redone: dict[int, Project]
    ) -> None:
        numbers = np.zeros(num_rows, np.int64) if carried is None else carried.numbers
        if carried is None:
            codes = np.zeros(0, np.int32)
        else:
            own = [self.place.setdefault(name, len(self.place)) for name in carried.names]
            codes = np.array(own, np.int32)[carried.codes]
        if redone:
            starts = np.cumsum(numbers) - numbers
            parts, done = [], 0
            for row in sorted(redone):
                parts.append(codes[done : starts[row]])
                done = int(starts[row] + numbers[row])
                names = redone[row].tags
                parts.append(
                    np.array(
                        [self.place.setdefault(name, len(self.place)) for name in names], np.int32
                    )
                )
            numbers = numbers.copy()
            numbers[list(redone)] = [len(one.tags) for one in redone.values()]
            codes = np.concatenate([*parts, codes[done:]])
            self.written |= {
                self.num_rows + row: one.written for row, one in redone.items() if one.written
            }
        self.numbers.append(numbers)
        self.codes.append(codes)

    def table(self) -> ProjectTable:
        """Return all that was read."""
        numbers = np.concatenate(self.numbers)
        starts = np.concatenate([[0], np.cumsum(numbers)])
        carried = CarriedTags(tuple(self.place), starts, np.concatenate(self.codes))
        return ProjectTable(self.batches, carried, self.written)


def _records(batch: "RecordBatch", rows: Any) -> Iterator[tuple[int, dict[str, object]]]:
    for row in rows.tolist():
        yield row, batch.slice(row, 1).to_pylist()[0]


def _replaced(text: Any, redone: dict[int, Project], name: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.zeros(len(text), bool)
    mask[list(redone)] = True
    values = [getattr(redone[row], name) for row in sorted(redone)]
    return pc.replace_with_mask(text, pa.array(mask), pa.array(values, pa.string()))


def _texts_of(batch: "RecordBatch") -> tuple[list[Any] | None, Any]:
    """Return id, title and description as strings, and the rows that may not be right.

    There are no strings where a column is of another type.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    suspect = np.zeros(batch.num_rows, bool)
    texts = []
    for name in TEXTS:
        column = batch.column(name)
        if (
            (name == "id" and pa.types.is_integer(column.type))
            or pa.types.is_string(column.type)
            or pa.types.is_large_string(column.type)
        ):
            texts.append(column.cast(pa.string()))
        else:
            return None, suspect
        right = (
            pc.match_substring_regex(texts[-1], _PLAIN_ID)
            if name == "id"
            else pc.less_equal(pc.binary_length(texts[-1]), MAX_TEXT)
        )
        suspect |= ~pc.fill_null(right, False).to_numpy(zero_copy_only=False)
    return texts, suspect


@dataclass(frozen=True)
class _Carried:
    """The tags of a batch: names and codes as in `CarriedTags`, and the rows to look at again."""

    names: list[str]
    numbers: Any
    codes: Any
    suspect: Any


def _tags_of(batch: "RecordBatch") -> _Carried | None:
    """Return the tags of a batch, None where they are no lists of strings."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = batch.column("tags")
    if pa.types.is_large_list(column.type) or pa.types.is_fixed_size_list(column.type):
        column = column.cast(pa.list_(column.type.value_type))
    if not pa.types.is_list(column.type):
        return None
    values = column.flatten()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        values = values.cast(pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    encoded = values.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    numbers = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    numbers = numbers.astype(np.int64)
    rows = np.repeat(np.arange(batch.num_rows), numbers)
    plain = [0 < len(name) <= MAX_LABEL and normalise_name(name) == name for name in names]
    # The last is that of a missing name.
    odd = ~np.array([*plain, False], bool)[codes]
    keys = np.sort(rows * (len(names) + 1) + codes)
    again = keys[1:][keys[1:] == keys[:-1]] // (len(names) + 1)
    suspect = missing
    suspect[rows[odd]] = True
    suspect[again] = True
    return _Carried(
        [name if fine else "" for name, fine in zip(names, plain, strict=True)],
        numbers,
        np.maximum(codes, 0),
        suspect,
    )
