"""Read another program's probabilities: from JSON lines, CSV, Parquet or npz, row by row."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagifai.data import identify
from tagifai.data.assignment import is_blank, name_split
from tagifai.data.names import refuse_unknown_tags
from tagifai.data.records import Dialect, kind_of, read_records, readable, refuse_doubles
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.limits import Limits
from tagifai.pointers import refuse_pointer_file
from tagifai.predictions import read_arrays

MISSING = ("refuse", "zero")
ID, SPLIT, TAGS, PROBABILITIES = "id", "split", "tags", "probabilities"
_TAG_KEYS, _PROBABILITY_KEYS = ("tag", "label"), ("probability", "score")
# What rounding in 32 bits leaves of a probability of 0 or 1.
_ROUNDING = 1e-6
# Cells of Parquet that are in memory together.
_CELLS = 2_000_000
Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Expected:
    """What a file of predictions is held against.

    Attributes
    ----------
    known_tags : sequence of str
        Every tag that the data has; another one is refused.
    splits : mapping of str to (str or None)
        Of each project of the data, by id, the split that the data states, if it states one.
    tags : sequence of str or None
        Which tag each number is of, where a row is a list of numbers without names.
    missing : {"refuse", "zero"}
        What a tag that a row leaves out means: a mistake, or a probability of 0.
    limits : Limits
        How large the file and what becomes of it may be.
    """

    known_tags: Sequence[str]
    splits: Mapping[str, str | None]
    tags: Sequence[str] | None = None
    missing: str = "refuse"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            raise one_of("meaning of a missing tag", self.missing, MISSING)


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a file says, a row a project in the order of the file.

    Attributes
    ----------
    ids : list of str
        Ids of projects of the data, each once.
    split : list of str
        The split of each, of "train", "val" and "test".
    tags : list of str
        Tags of the data, in alphabetical order.
    y_prob : array of shape (n_projects, n_tags)
        Probabilities in [0, 1], float32.
    """

    ids: list[str]
    split: list[str]
    tags: list[str]
    y_prob: Numbers


def gather_predictions(
    path: Path, expected: Expected, *, encoding: str = "", delimiter: str = ""
) -> Gathered:
    """Read a file of predictions, each row held against the data as it comes.

    The kind of file is told by its name: `.jsonl`, `.ndjson`, `.json` (a list), `.csv`, `.tsv`,
    each also with `.gz` after it, `.parquet` or `.npz`. All but `.json` and `.npz` are streamed.

    A row has an `id`, a `split` (needed unless the data states it), and probabilities in one of
    these forms:

    - `probabilities`, an object of tag and probability; in CSV as JSON in its cell, in Parquet a
      struct or a map;
    - `probabilities`, a list of objects of `tag` and `probability`, or `label` and `score`;
    - `probabilities`, a list of numbers, with a list of as many `tags` beside it, or with
      `expected.tags`;
    - one column a tag: every column other than id and split is the tag that it is called;
    - `tag` and `probability` (or `label` and `score`): a row a pair, those of a project together.

    An npz file has the arrays `ids`, `split`, `tags` and `y_prob`, as a version's own.

    Parameters
    ----------
    path : Path
        The file.
    expected : Expected
        What the data has, and what is allowed.
    encoding, delimiter : str
        How a CSV file is written; told by the file where they are empty.

    Raises
    ------
    TagifaiError
        The file is too large, unreadable or malformed, an id is not in the data or comes twice, a
        tag is not one of the data, or a probability is outside [0, 1]; the message names file,
        row and field.
    """
    with readable(path):
        path.stat()
    refuse_pointer_file(path)
    rows = _Rows(path, expected)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        _read_npz(path, rows)
    elif suffix == ".parquet":
        _read_parquet(path, rows)
    else:
        _read_text(path, rows, Dialect(encoding, delimiter, ""))
    return rows.finish()


class _Rows:
    """Takes rows one by one or many at once, and keeps what is right of them."""

    def __init__(self, path: Path, expected: Expected) -> None:
        self.path = path
        self.expected = expected
        self.ids: dict[str, int] = {}
        self.split: list[str] = []
        self.column: dict[str, int] = {}
        self._dense: Numbers = np.empty((0, 0), np.float32)
        # In CSV numbers are texts.
        self.of_texts = False
        # Of rows that leave tags out: columns and values.
        self._sparse: list[tuple[NDArray[np.intp], Numbers]] = []

    @property
    def fills(self) -> bool:
        """Whether a tag that a row leaves out has the probability 0."""
        return self.expected.missing == "zero"

    def place(self, row: int, where: str = "") -> str:
        """Name a row, and a field of it, for messages."""
        return f"{self.path}: row {row}{', ' + where if where else ''}"

    def name_columns(self, tags: Sequence[str], where: str) -> None:
        """Take the tags of all rows, each once and of the data.

        Raises
        ------
        TagifaiError
            There is none, one comes twice or is not a tag of the data.
        """
        if not tags:
            raise TagifaiError(f"{where}: no tag; at least one is needed")
        twice = (
            [tag for number, tag in enumerate(tags) if tag in tags[:number]]
            if (len(set(tags)) < len(tags))
            else []
        )
        if twice:
            raise TagifaiError(f"{where}: {shorten(repr(twice[0]))} comes twice")
        refuse_unknown_tags(tags, self.expected.known_tags, where)
        self.column = {tag: number for number, tag in enumerate(tags)}
        if not self.fills:
            self._dense = np.empty((len(self.expected.splits), len(tags)), np.float32)

    def add_project(self, row: int, one: Any, split: Any) -> None:
        """Take a row's id and split.

        Raises
        ------
        TagifaiError
            The id is no id of the data or came before, or the split is none.
        """
        try:
            name = identify(one)
        except ValueError as error:
            raise TagifaiError(f"{self.place(row, ID)}: {error}") from None
        if name not in self.expected.splits:
            told = shorten(name)
            raise TagifaiError(f"{self.place(row, ID)}: {told!r} is not in the data")
        if name in self.ids:
            raise TagifaiError(
                f"{self.place(row, ID)}: {shorten(name)!r} comes twice; it is the id of row "
                f"{self.ids[name]} too"
            )
        stated = self.expected.splits[name]
        if is_blank(split):
            if stated is None:
                raise TagifaiError(
                    f"{self.place(row, SPLIT)}: train, val or test is needed; the data does not "
                    f"state the split of this project"
                )
            split = stated
        else:
            split = name_split(split, self.place(row, SPLIT))
        self.ids[name] = row
        self.split.append(split)
        self._check_size()

    def add_values(self, row: int, names: Sequence[str], values: Sequence[Any]) -> None:
        """Take a row's probabilities, numbers or (in CSV) texts of numbers.

        Raises
        ------
        TagifaiError
            Other tags than in the rows before, or no probability.
        """
        if self.fills:
            self._add_sparse(row, names, values)
            return
        if not self.column:
            self.name_columns(list(names), self.place(row, PROBABILITIES))
        if len(names) != len(self.column) or any(name not in self.column for name in names):
            differing = sorted(set(names) ^ set(self.column))
            twice = "a tag comes twice" if not differing else shorten(", ".join(differing))
            raise TagifaiError(
                f"{self.place(row, PROBABILITIES)}: other tags than row 1's ({twice}); "
                f"--missing zero takes those that a row leaves out as 0"
            )
        numbers = self.read_numbers(row, names, values)
        order = [self.column[name] for name in names]
        self._dense[len(self.split) - 1, order] = numbers

    def _add_sparse(self, row: int, names: Sequence[str], values: Sequence[Any]) -> None:
        new = [name for name in names if name not in self.column]
        if new:
            refuse_unknown_tags(new, self.expected.known_tags, self.place(row, PROBABILITIES))
            for name in new:
                self.column[name] = len(self.column)
        if len(set(names)) < len(names):
            raise TagifaiError(f"{self.place(row, PROBABILITIES)}: a tag comes twice")
        columns = np.array([self.column[name] for name in names], np.intp)
        self._sparse.append((columns, self.read_numbers(row, names, values)))

    def add_block(self, first: int, values: NDArray[Any]) -> None:
        """Take the probabilities of many rows, (n_rows, n_tags), whose projects were added.

        Raises
        ------
        TagifaiError
            A value is no probability.
        """
        with np.errstate(invalid="ignore"):
            wrong = ~((values >= -_ROUNDING) & (values <= 1 + _ROUNDING))
        if self.fills:
            wrong &= ~np.isnan(values)
        if wrong.any():
            place, column = np.argwhere(wrong)[0].tolist()
            tag, value = list(self.column)[column], values[place, column]
            raise self.no_probability(first + place, tag, float(value))
        start = len(self.split) - len(values)
        clipped = np.clip(np.nan_to_num(values, nan=0.0), 0, 1)
        if self.fills:
            every = np.arange(len(self.column))
            self._sparse.extend((every, row) for row in clipped.astype(np.float32))
        else:
            self._dense[start : start + len(values)] = clipped

    def read_numbers(self, row: int, names: Sequence[str], values: Sequence[Any]) -> Numbers:
        """Read probabilities, (n_tags,).

        Raises
        ------
        TagifaiError
            One is no number from 0 to 1.
        """
        if not set(map(type, values)) <= {float, int}:
            values = [
                self._number(row, name, value) for name, value in zip(names, values, strict=True)
            ]
        try:
            numbers = np.array(values, np.float64)
        except OverflowError:  # an integer of hundreds of digits
            wrong = next(place for place, value in enumerate(values) if not -1 <= value <= 2)
            raise self.no_probability(row, names[wrong], values[wrong]) from None
        if len(numbers) and not (numbers.min() >= -_ROUNDING and numbers.max() <= 1 + _ROUNDING):
            wrong = np.flatnonzero(~((numbers >= -_ROUNDING) & (numbers <= 1 + _ROUNDING)))[0]
            raise self.no_probability(row, names[wrong], values[wrong])
        return np.clip(numbers, 0, 1).astype(np.float32)

    def _number(self, row: int, tag: str, value: Any) -> float:
        if isinstance(value, str) and self.of_texts:
            try:
                return float(value.replace(",", "."))
            except ValueError:
                if self.fills and not value.strip():
                    return 0.0
        elif type(value) in (float, int):
            return float(value)
        elif value is None and self.fills:
            return 0.0
        raise self.no_probability(row, tag, value)

    def no_probability(self, row: int, tag: str, value: Any) -> TagifaiError:
        """Build the error for what is no probability."""
        where = self.place(row, f"{PROBABILITIES}.{shorten(tag)}")
        return TagifaiError(f"{where}: a number from 0 to 1 is needed, got {shorten(repr(value))}")

    def _check_size(self) -> None:
        pairs = len(self.split) * len(self.column)
        # Five bytes a pair: before all are there, names are no matter.
        if 5 * pairs > self.expected.limits.unpacked.num_bytes:
            self.refuse_size(5 * pairs)

    def check_rows(self, num_rows: int) -> None:
        """Refuse a file of this many rows where its predictions could not be read back."""
        size = 5 * num_rows * len(self.column)
        if size > self.expected.limits.unpacked.num_bytes:
            self.refuse_size(size, num_rows)

    def refuse_size(self, size: int, num_rows: int = 0) -> None:
        """Refuse predictions that could not be read back.

        Raises
        ------
        TagifaiError
            Always.
        """
        rows = num_rows or len(self.split)
        raise TagifaiError(
            f"{self.path}: predictions of {counted(rows, 'project')}{'' if num_rows else ' so far'}"
            f" × {counted(len(self.column), 'tag')} take {size:,} bytes once unpacked, and at most "
            f"{self.expected.limits.unpacked} are read"
        )

    def finish(self) -> Gathered:
        """Return what the rows come to.

        Raises
        ------
        TagifaiError
            There is no row, no tag, or none of the test split.
        """
        if "test" not in self.split:
            raise TagifaiError(f"{self.path}: no row of the split 'test', so nothing can be scored")
        if not self.column:
            raise TagifaiError(f"{self.path}: no tag in it; at least one is needed")
        if self.fills:
            self._dense = np.zeros((len(self.split), len(self.column)), np.float32)
            for row, (columns, values) in enumerate(self._sparse):
                self._dense[row, columns] = values
            self._sparse = []
        tags = sorted(self.column)
        order = [self.column[tag] for tag in tags]
        found = self._dense[: len(self.split)]
        if order != list(range(len(order))):
            for start in range(0, len(found), 1_000):  # in parts: it may fill half the memory
                found[start : start + 1_000] = found[start : start + 1_000, order]
        return Gathered(list(self.ids), self.split, tags, found)


def _read_text(path: Path, rows: _Rows, dialect: Dialect) -> None:
    kind = kind_of(path)
    limit = rows.expected.limits.predictions
    with readable(path):
        if path.suffix.lower() != ".gz":
            limit.check(path.stat().st_size, str(path))
    if kind in ("csv", "tsv"):
        from tagifai.data.dialects import detect_dialect

        dialect = detect_dialect(path, dialect, tabular=True).dialect
    else:
        dialect = Dialect(dialect.encoding or "utf-8-sig")
    rows.of_texts = kind in ("csv", "tsv")
    _add_records(rows, read_records(path, dialect, kind=kind, max_bytes=limit))


def _add_records(rows: _Rows, records: Iterable[tuple[int, Any]]) -> None:
    """Take rows of whichever form the first one has."""
    found = iter(records)
    first = next(found, None)
    if first is None:
        return
    records = chain([first], found)
    long = isinstance(first[1], dict) and _long_keys(first[1])
    for row, record in _joined(records, *long) if long else records:
        if not isinstance(record, dict):
            raise TagifaiError(
                f"{rows.place(row)}: an object is needed, got {shorten(repr(record))}"
            )
        _add_record(rows, row, record)


def _long_keys(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name the fields of tag and probability where a row is one pair of project and tag."""
    tag, probability = _key(record, _TAG_KEYS), _key(record, _PROBABILITY_KEYS)
    if tag is None or probability is None or set(record) - {ID, SPLIT, tag, probability}:
        return None
    return tag, probability


def _joined(
    records: Iterable[tuple[int, Any]], tag: str, probability: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Join the rows of each project, which stand one below the other, to one row of pairs."""
    for one, group in groupby(records, lambda record: record[1].get(ID)):
        (row, first), *others = group
        pairs = [(str(r.get(tag)), r.get(probability)) for _, r in ((row, first), *others)]
        yield row, {ID: one, SPLIT: first.get(SPLIT), PROBABILITIES: tuple(pairs)}


def _add_record(rows: _Rows, row: int, record: dict[str, Any]) -> None:
    """Take one row in whichever form it has."""
    if ID not in record:
        fields = shorten(", ".join(map(str, record)))
        raise TagifaiError(f"{rows.place(row, ID)}: it is missing; there are {fields}")
    rows.add_project(row, record[ID], record.get(SPLIT))
    given = record.get(PROBABILITIES)
    if isinstance(given, str) and given.lstrip()[:1] in ("{", "["):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise TagifaiError(f"{rows.place(row, PROBABILITIES)}: not JSON: {error}") from None
    if not isinstance(given, dict | list | tuple):
        wide = {name: value for name, value in record.items() if name not in (ID, SPLIT)}
        rows.add_values(row, list(wide), list(wide.values()))
        return
    for name in record:
        if name not in (ID, SPLIT, TAGS, PROBABILITIES):
            raise TagifaiError(
                f"{rows.place(row, shorten(name))}: a field that no row has; allowed: {ID}, "
                f"{SPLIT}, {PROBABILITIES}, {TAGS}"
            )
    names, values = _pairs(rows, row, given, record.get(TAGS))
    rows.add_values(row, names, values)


def _pairs(rows: _Rows, row: int, given: Any, tags: Any) -> tuple[Sequence[str], Sequence[Any]]:
    """Tell tags and values of one row's probabilities."""
    if isinstance(given, dict):
        return list(given), list(given.values())
    names: Any
    if given and isinstance(given[0], dict):
        names, values = [], []
        for one in given:
            tag, value = (one.get(_key(one, keys)) for keys in (_TAG_KEYS, _PROBABILITY_KEYS))
            if not isinstance(tag, str):
                raise TagifaiError(
                    f"{rows.place(row, PROBABILITIES)}: objects of tag and probability (or label "
                    f"and score) are needed, got {shorten(repr(one))}"
                )
            names.append(tag)
            values.append(value)
        return names, values
    if given and isinstance(given[0], tuple):  # a map of Parquet
        return [str(tag) for tag, _ in given], [value for _, value in given]
    names = rows.expected.tags if tags is None else tags
    if isinstance(names, str):
        try:
            names = json.loads(names)
        except ValueError:
            names = [names]
    if names is None and not given:  # an empty list of pairs
        return [], []
    if names is None:
        raise TagifaiError(
            f"{rows.place(row, PROBABILITIES)}: a list of numbers, and nothing says which tags "
            f"they are of; give a list of tags beside it, or --tags FILE for all rows"
        )
    if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
        raise TagifaiError(f"{rows.place(row, TAGS)}: a list of tags is needed")
    if len(names) != len(given):
        raise TagifaiError(
            f"{rows.place(row, PROBABILITIES)}: {counted(len(given), 'number')} for "
            f"{counted(len(names), 'tag')}"
        )
    return names, given


def _key(record: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in record), None)


def _read_npz(path: Path, rows: _Rows) -> None:
    limits = rows.expected.limits
    with readable(path):
        limits.predictions.check(path.stat().st_size, str(path))
        content = path.read_bytes()
    try:
        found = read_arrays(content, ("ids", "split", "tags", "y_prob"), limits.unpacked)
    except TagifaiError as error:
        raise TagifaiError(f"{path}: {error}") from None
    ids, split, tags, y_prob = (found[name] for name in ("ids", "split", "tags", "y_prob"))
    if y_prob.shape != (len(ids), len(tags)) or split.shape != ids.shape or ids.ndim != 1:
        raise TagifaiError(
            f"{path}: {len(ids)} ids and {len(tags)} tags need split ({len(ids)},) and y_prob "
            f"({len(ids)}, {len(tags)}); got {split.shape} and {y_prob.shape}"
        )
    rows.name_columns([str(tag) for tag in tags.tolist()], f"{path}: tags")
    rows.check_rows(len(ids))
    for row, (one, part) in enumerate(zip(ids.tolist(), split.tolist(), strict=True), start=1):
        rows.add_project(row, one, part)
    rows.add_block(1, y_prob)


def _read_parquet(path: Path, rows: _Rows) -> None:
    import pyarrow  # here: only those who bring Parquet wait for it
    import pyarrow.parquet as parquet

    types = pyarrow.types
    try:
        with readable(path), parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            names = [name for name in schema.names if not name.startswith("__index_level_")]
            refuse_doubles(path, names)
            if ID not in names:
                raise TagifaiError(f"{path}: no column {ID}; there are {shorten(', '.join(names))}")
            kind = schema.field(PROBABILITIES).type if PROBABILITIES in names else None
            if kind is not None and types.is_struct(kind):
                _read_columns(file, {child.name: child.type for child in kind}, rows, nested=True)
            elif (kind is not None and types.is_nested(kind)) or _long_keys(dict.fromkeys(names)):
                _add_records(rows, _parquet_records(file, names, rows))
            else:
                tags = [name for name in names if name not in (ID, SPLIT)]
                _read_columns(file, {tag: schema.field(tag).type for tag in tags}, rows)
    except (pyarrow.ArrowException, OverflowError) as error:
        raise TagifaiError(f"{path}: not Parquet: {shorten(str(error))}") from None


def _parquet_records(
    file: Any, names: Sequence[str], rows: _Rows
) -> Iterator[tuple[int, dict[str, Any]]]:
    # As objects of Python a cell takes ten times as much.
    size = max(1, _CELLS // 10 // max(1, len(rows.expected.known_tags)))
    row = 0
    for batch in file.iter_batches(size, columns=list(names)):
        for record in batch.to_pylist():
            row += 1
            yield row, record


def _read_columns(file: Any, kinds: Mapping[str, Any], rows: _Rows, nested: bool = False) -> None:
    """Read Parquet with a column of numbers a tag, many rows at once.

    `kinds` are the types of the columns by tag; `nested` are those within a struct.
    """
    import pyarrow

    types, tags = pyarrow.types, list(kinds)
    for tag, kind in kinds.items():
        if not (types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)):
            # The name may be what is wrong: a column of text among those of tags.
            refuse_unknown_tags([tag], rows.expected.known_tags, f"{rows.path}: columns")
            raise TagifaiError(
                f"{rows.path}: column {shorten(repr(tag))} holds {shorten(str(kind))}; "
                f"probabilities are numbers"
            )
    rows.name_columns(tags, f"{rows.path}: columns")
    rows.check_rows(file.metadata.num_rows)
    split = [SPLIT] if SPLIT in file.schema_arrow.names else []
    columns = [ID, *split, *([PROBABILITIES] if nested else tags)]
    first = 1
    for batch in file.iter_batches(max(1, _CELLS // len(tags)), columns=columns):
        splits = batch.column(SPLIT).to_pylist() if split else [None] * len(batch)
        for number, (one, part) in enumerate(
            zip(batch.column(ID).to_pylist(), splits, strict=True)
        ):
            rows.add_project(first + number, one, part)
        found = batch.column(PROBABILITIES).flatten() if nested else map(batch.column, tags)
        block = np.empty((len(batch), len(tags)))
        for column, numbers in enumerate(found):
            block[:, column] = numbers.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
        rows.add_block(first, block)
        first += len(batch)
