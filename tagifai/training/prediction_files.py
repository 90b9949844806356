"""Read another program's probabilities: from JSON lines, CSV, Parquet or npz, row by row."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tagifai.arrays import Integers
from tagifai.data.arrow_files import arrow_errors
from tagifai.data.csv_files import Dialect, refuse_doubles
from tagifai.data.files import kind_of, readable
from tagifai.data.names import normalise_name
from tagifai.data.records import read_records
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.matrices import as_dense, row_blocks
from tagifai.memory import require_memory
from tagifai.pointers import refuse_pointer_file
from tagifai.predictions import read_arrays
from tagifai.store.prediction_table import is_prediction_table, unpack_predictions
from tagifai.training.prediction_rows import (
    ID,
    PROBABILITIES,
    SPLIT,
    TAGS,
    Expected,
    Gathered,
    ListBatch,
    PredictionRows,
)

# Imported in functions: only those who bring Parquet wait for it.
if TYPE_CHECKING:
    from pyarrow import Array, DataType, RecordBatch
    from pyarrow.parquet import ParquetFile

# Between the tags of a cell: the first one that leaves nothing but tags.
SEPARATORS = (";", "|", ",")
_TAG_KEYS, _PROBABILITY_KEYS = ("tag", "label"), ("probability", "score")
# Cells of Parquet that are in memory together.
_CELLS = 2_000_000
# Tags of a row, of thousands: no more than so many are taken to be there.
_TYPICAL = 100
# What a probability takes while thresholds are chosen by it.
_BYTES_OF_PAIR = 40


def gather_predictions(
    path: Path, expected: Expected, *, encoding: str = "", delimiter: str = ""
) -> Gathered:
    """Read a file of predictions; each row is checked against the data as it comes.

    The file's name tells its kind: `.jsonl`, `.ndjson`, `.json` (a list), `.csv`, `.tsv`,
    each also with `.gz` after it, `.parquet` or `.npz`. All but `.json` and `.npz` are streamed.

    A row has an `id`, a `split` (needed unless the data states it), and probabilities in one of
    these forms:

    - `probabilities`, an object of tag and probability; in CSV as JSON in its cell, in Parquet a
      struct or a map;
    - `probabilities`, a list of objects of `tag` and `probability`, or `label` and `score`;
    - `probabilities`, a list of numbers, with a list of as many `tags` beside it, or with
      `expected.tags`;
    - one column per tag: every column other than id and split is named after its tag;
    - `tag` and `probability` (or `label` and `score`): one row per pair, a project's together;
    - `tags` alone, a list or a cell such as `a;b`: decisions without probabilities.

    A folder of Parquet files is read as one file, in the order of their names; all have the same
    columns.

    An npz file has the arrays `ids`, `split`, `tags` and `y_prob`, as a version's own.

    Parameters
    ----------
    path : Path
        The file, or a folder of Parquet files.
    expected : Expected
        What the data has, and what is allowed.
    encoding, delimiter : str
        How a CSV file is written; detected where they are empty.

    Raises
    ------
    TagifaiError
        The file is too large, unreadable or malformed, an id is not in the data or comes twice, a
        tag is not one of the data, or a probability is outside [0, 1]; the message names file,
        row and field.
    """
    with readable(path):
        path.stat()
    rows = PredictionRows(path, expected)
    if path.is_dir():
        _read_parts(path, rows)
        return rows.finish()
    refuse_pointer_file(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        _read_npz(path, rows)
    elif suffix == ".parquet":
        _read_parquet(path, rows)
    else:
        _read_text(path, rows, Dialect(encoding, delimiter, ""))
    return rows.finish()


def _read_text(path: Path, rows: PredictionRows, dialect: Dialect) -> None:
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


def _add_records(rows: PredictionRows, found: Iterable[tuple[int, object]]) -> None:
    """Add rows, all of the form that the first one has."""
    records = _objects(rows, found)
    first = next(records, None)
    if first is None:
        return
    every, long = chain([first], records), _long_keys(first[1])
    for row, record in _joined(every, *long) if long else every:
        _add_record(rows, row, record)


def _objects(
    rows: PredictionRows, records: Iterable[tuple[int, object]]
) -> Iterator[tuple[int, Record]]:
    for row, record in records:
        if not isinstance(record, dict):
            raise TagifaiError(
                f"{rows.place(row)}: an object is needed, got {shorten(repr(record))}"
            )
        yield row, record


def _long_keys(record: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the fields of tag and probability where a row is one pair of project and tag."""
    tag, probability = _key(record, _TAG_KEYS), _key(record, _PROBABILITY_KEYS)
    if tag is None or probability is None or set(record) - {ID, SPLIT, tag, probability}:
        return None
    return tag, probability


def _joined(
    records: Iterable[tuple[int, Record]], tag: str, probability: str
) -> Iterator[tuple[int, Record]]:
    """Join the rows of each project, which follow each other, to one row of pairs."""
    for one, group in groupby(records, lambda record: record[1].get(ID)):
        (row, first), *others = group
        pairs = [(str(r.get(tag)), r.get(probability)) for _, r in ((row, first), *others)]
        yield row, {ID: one, SPLIT: first.get(SPLIT), PROBABILITIES: tuple(pairs)}


def _add_record(rows: PredictionRows, row: int, record: Record) -> None:
    """Add one row, whatever its form."""
    if ID not in record:
        fields = shorten(", ".join(map(str, record)))
        raise TagifaiError(f"{rows.place(row, ID)}: it is missing; there are {fields}")
    rows.add_project(row, record[ID], record.get(SPLIT))
    if _is_decision(rows, record):
        rows.add_decisions(row, _decided(rows, row, record[TAGS]))
        return
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


def _is_decision(rows: PredictionRows, record: Record) -> bool:
    """Check whether a row is a list of tags, and not a number of a tag that is called "tags"."""
    if set(record) - {ID, SPLIT} != {TAGS}:
        return False
    given = record[TAGS]
    if isinstance(given, bool | int | float):
        return False
    if isinstance(given, str) and TAGS in rows.expected.known_tags:
        try:
            float(given.replace(",", "."))
        except ValueError:
            return True
        return False
    return True


def _decided(rows: PredictionRows, row: int, given: object) -> list[str]:
    """Return the tags of a row that has no probabilities."""
    if given is None:
        return []
    if isinstance(given, str):
        given = _split_cell(rows, row, given)
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise TagifaiError(
            f"{rows.place(row, TAGS)}: a list of tags, or tags with ; between them, is needed, got "
            f"{shorten(repr(given))}"
        )
    return [normalise_name(one) for one in given]


def _split_cell(rows: PredictionRows, row: int, cell: str) -> object:
    if not cell.strip():
        return []
    if cell.lstrip().startswith("["):
        try:
            return json.loads(cell)
        except ValueError as error:
            raise TagifaiError(f"{rows.place(row, TAGS)}: not JSON: {error}") from None
    known = {*rows.expected.known_tags, *rows.expected.tag_map}
    for sign in ("", *SEPARATORS):
        parts = [part.strip() for part in cell.split(sign)] if sign else [cell.strip()]
        if known.issuperset(part for part in parts if part):
            break
    else:
        parts = [part.strip() for part in cell.split(SEPARATORS[0])]
    return [part for part in parts if part]


def _pairs(
    rows: PredictionRows, row: int, given: Record | Sequence[object], tags: object
) -> tuple[Sequence[str], Sequence[object]]:
    """Return the tags and the values of one row's probabilities."""
    if isinstance(given, dict):
        return list(given), list(given.values())
    if given and isinstance(given[0], dict):
        pairs = [_pair(rows, row, one) for one in given]
        return [tag for tag, _ in pairs], [value for _, value in pairs]
    maps = [one for one in given if isinstance(one, tuple)]  # of Parquet
    if maps:
        return [str(tag) for tag, _ in maps], [value for _, value in maps]
    names = _names(rows, row, given, tags)
    if len(names) != len(given):
        raise TagifaiError(
            f"{rows.place(row, PROBABILITIES)}: {counted(len(given), 'number')} for "
            f"{counted(len(names), 'tag')}"
        )
    return names, given


def _pair(rows: PredictionRows, row: int, one: object) -> tuple[str, object]:
    """Return tag and value of one object."""
    if isinstance(one, dict):
        tag, value = (one.get(_key(one, keys)) for keys in (_TAG_KEYS, _PROBABILITY_KEYS))
        if isinstance(tag, str):
            return tag, value
    raise TagifaiError(
        f"{rows.place(row, PROBABILITIES)}: objects of tag and probability (or label "
        f"and score) are needed, got {shorten(repr(one))}"
    )


def _names(rows: PredictionRows, row: int, given: Sequence[object], tags: object) -> Sequence[str]:
    """Return the tags that a list of numbers is of."""
    names = rows.expected.tags if tags is None else tags
    if isinstance(names, str):
        try:
            names = json.loads(names)
        except ValueError:
            names = [names]
    if names is None and not given:  # an empty list of pairs
        return []
    if names is None:
        raise TagifaiError(
            f"{rows.place(row, PROBABILITIES)}: a list of numbers, and nothing says which tags "
            f"they are of; give a list of tags beside it, or --tags FILE for all rows"
        )
    if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
        raise TagifaiError(f"{rows.place(row, TAGS)}: a list of tags is needed")
    return names


def _key(record: Mapping[str, object], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in record), None)


def _read_npz(path: Path, rows: PredictionRows) -> None:
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


def _read_own_table(path: Path, rows: PredictionRows) -> None:
    """Read `predictions.parquet` of a version."""
    limits = rows.expected.limits
    limits.predictions.check(path.stat().st_size, str(path))
    found = unpack_predictions(path.read_bytes(), str(path), limits.unpacked)
    rows.decisions_only = found.decisions_only
    rows.has_zeros = found.is_sparse
    rows.name_columns(found.tags, f"{path}: tags")
    rows.check_rows(len(found.ids))
    for row, (one, part) in enumerate(zip(found.ids, found.split.tolist(), strict=True), start=1):
        rows.add_project(row, one, part)
    if not found.is_sparse:
        rows.add_block(1, as_dense(found.y_prob))
        return
    for block in row_blocks(len(found.ids), len(found.tags), _CELLS):
        rows.add_block(1 + block.start, as_dense(found.y_prob[block]))


def _read_parts(folder: Path, rows: PredictionRows) -> None:
    """Read a folder of Parquet files of one form."""
    import pyarrow.parquet as parquet

    from tagifai.data.parquet_projects import list_parts

    parts, schemas = list_parts(folder), []
    for part in parts:
        refuse_pointer_file(part)
        with readable(part), arrow_errors(part, "Parquet"):
            schemas.append(parquet.read_schema(part))
    columns = [set(zip(one.names, map(str, one.types), strict=True)) for one in schemas]
    for part, found in zip(parts, columns, strict=True):
        if strange := found.symmetric_difference(columns[0]):
            named = ", ".join(sorted(f"{name} ({kind})" for name, kind in strange))
            raise TagifaiError(f"{part}: other columns than {parts[0].name}: {shorten(named, 200)}")
    if len(parts) > 1 and is_prediction_table(schemas[0]):
        raise TagifaiError(f"{folder}: predictions of several versions; name one file")
    for part in parts:
        rows.path = part
        _read_parquet(part, rows)
    rows.path = folder


def _read_parquet(path: Path, rows: PredictionRows) -> None:
    import pyarrow  # here: only those who bring Parquet wait for it
    import pyarrow.parquet as parquet

    types = pyarrow.types
    try:
        with readable(path), parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            if is_prediction_table(schema):
                _read_own_table(path, rows)
                return
            names = [name for name in schema.names if not name.startswith("__index_level_")]
            refuse_doubles(path, names)
            if ID not in names:
                raise TagifaiError(f"{path}: no column {ID}; there are {shorten(', '.join(names))}")
            kind = schema.field(PROBABILITIES).type if PROBABILITIES in names else None
            decided = set(names) - {ID, SPLIT} == {TAGS} and not _is_number(schema.field(TAGS).type)
            if decided:
                _add_records(rows, _parquet_records(file, names, rows))
            elif kind is not None and types.is_struct(kind):
                _read_columns(file, {child.name: child.type for child in kind}, rows, nested=True)
            elif kind is not None and types.is_nested(kind):
                _read_lists(file, names, rows)
            elif _long_keys(dict.fromkeys(names)):
                _add_records(rows, _parquet_records(file, names, rows))
            else:
                tags = [name for name in names if name not in (ID, SPLIT)]
                _read_columns(file, {tag: schema.field(tag).type for tag in tags}, rows)
    except (pyarrow.ArrowException, OverflowError) as error:
        raise TagifaiError(f"{path}: not Parquet: {shorten(str(error))}") from None


def _read_lists(file: "ParquetFile", names: Sequence[str], rows: PredictionRows) -> None:
    """Read Parquet whose rows are lists of tags and of probabilities, or maps of both.

    Many rows are read at once; those of a batch with anything unusual one by one, which names what
    is wrong with which.
    """
    _require_memory(file, rows)
    size = max(1, _CELLS // 4 // max(1, min(len(rows.expected.known_tags), _TYPICAL)))
    first = 1
    for batch in _batches(file, size, names):
        found = _as_lists(batch, first)
        if found is None or not rows.add_batch(found):
            for number, record in enumerate(batch.to_pylist(), start=first):
                _add_record(rows, number, record)
        first += len(batch)


def _batches(file: "ParquetFile", size: int, names: Sequence[str]) -> "Iterator[RecordBatch]":
    # Group by group: pyarrow reads lists of dictionaries within one alone.
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(size, row_groups=[group], columns=list(names))


def _require_memory(file: "ParquetFile", rows: PredictionRows) -> None:
    """Refuse what would not fit into memory, before any of it is read."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    pairs = sum(
        max((group.column(number).num_values for number in range(group.num_columns)), default=0)
        for group in groups
    )
    require_memory(
        _BYTES_OF_PAIR * pairs,
        f"{rows.path}: {counted(file.metadata.num_rows, 'project')} with {pairs:,} probabilities",
    )


def _as_lists(batch: "RecordBatch", first: int) -> ListBatch | None:
    """Return a batch as columns; None where it has blanks, or another form."""
    import pyarrow
    from pyarrow import types

    if set(batch.schema.names) - {ID, SPLIT, TAGS, PROBABILITIES}:
        return None
    given = batch.column(PROBABILITIES)
    if given.null_count or not (_is_list(given.type) or types.is_map(given.type)):
        return None
    lengths, flat = _flat(given)
    if types.is_map(given.type) and TAGS not in batch.schema.names:
        tags, values = flat.field(0), flat.field(1)
    elif types.is_struct(flat.type) and TAGS not in batch.schema.names:
        keys = {child.name for child in flat.type}
        tag, probability = (
            next((key for key in some if key in keys), None)
            for some in (_TAG_KEYS, _PROBABILITY_KEYS)
        )
        if tag is None or probability is None or flat.null_count:
            return None
        tags, values = flat.field(tag), flat.field(probability)
    elif TAGS in batch.schema.names and _is_list(batch.schema.field(TAGS).type):
        beside = batch.column(TAGS)
        lengths_beside, tags = _flat(beside)
        if beside.null_count or not np.array_equal(lengths, lengths_beside):
            return None
        values = flat
    else:
        return None
    if types.is_dictionary(tags.type):
        tags = tags.cast(tags.type.value_type)
    text = types.is_string(tags.type) or types.is_large_string(tags.type)
    if not text or not _is_number(values.type) or tags.null_count or values.null_count:
        return None
    named = tags.dictionary_encode()
    return ListBatch(
        first,
        batch.column(ID).to_pylist(),
        batch.column(SPLIT).to_pylist() if SPLIT in batch.schema.names else [None] * len(batch),
        named.dictionary.to_pylist(),
        lengths,
        named.indices.to_numpy(zero_copy_only=False),
        values.cast(pyarrow.float64()).to_numpy(zero_copy_only=False),
    )


def _is_list(kind: "DataType") -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind))


def _flat(lists: "Array") -> "tuple[Integers, Array]":
    """Return the lengths of lists, and what is in them, one after the other."""
    ends = lists.offsets.to_numpy()
    return np.diff(ends).astype(np.intp), lists.values.slice(ends[0], ends[-1] - ends[0])


def _is_number(kind: "DataType") -> bool:
    from pyarrow import types

    return bool(types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind))


def _parquet_records(
    file: "ParquetFile", names: Sequence[str], rows: PredictionRows
) -> Iterator[tuple[int, Record]]:
    # As objects of Python a cell takes ten times as much.
    size = max(1, _CELLS // 10 // max(1, len(rows.expected.known_tags)))
    row = 0
    for batch in _batches(file, size, names):
        for record in batch.to_pylist():
            row += 1
            yield row, record


def _read_columns(
    file: "ParquetFile", kinds: Mapping[str, "DataType"], rows: PredictionRows, nested: bool = False
) -> None:
    """Read Parquet with one column of numbers per tag, many rows at once.

    Parameters
    ----------
    file : ParquetFile
        The open file.
    kinds : mapping
        By tag, the type of its column.
    rows : PredictionRows
        Where the rows are added.
    nested : bool
        Whether the columns are those of a struct.
    """
    import pyarrow

    tags = list(kinds)
    kept = [tag for tag in tags if rows.rename(tag) is not None]
    for tag in kept:
        if not _is_number(kind := kinds[tag]):
            # The name may be what is wrong: a column of text among those of tags.
            rows.refuse_unknown([rows.rename(tag) or tag], f"{rows.path}: columns")
            raise TagifaiError(
                f"{rows.path}: column {shorten(repr(tag))} holds {shorten(str(kind))}; "
                f"probabilities are numbers"
            )
    rows.name_columns(tags, f"{rows.path}: columns")
    rows.check_rows(file.metadata.num_rows)
    split = [SPLIT] if SPLIT in file.schema_arrow.names else []
    columns = [ID, *split, *([PROBABILITIES] if nested else kept)]
    first = 1
    for batch in file.iter_batches(max(1, _CELLS // len(tags)), columns=columns):
        splits = batch.column(SPLIT).to_pylist() if split else [None] * len(batch)
        for number, (one, part) in enumerate(
            zip(batch.column(ID).to_pylist(), splits, strict=True)
        ):
            rows.add_project(first + number, one, part)
        block = np.zeros((len(batch), len(tags)))
        nested_columns = batch.column(PROBABILITIES).flatten() if nested else []
        for column, tag in enumerate(tags):
            if tag not in kept:
                continue
            numbers = nested_columns[column] if nested else batch.column(tag)
            block[:, column] = numbers.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
        rows.add_block(first, block)
        first += len(batch)
