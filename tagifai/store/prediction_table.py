"""`predictions.parquet`: a version's predictions, one row a project, without zeros."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, shorten
from tagifai.limits import Limit, Limits
from tagifai.matrices import Matrix, fits_dense, is_sparse, memory_bytes, row_blocks
from tagifai.predictions import OUT_OF_FOLD, SPLITS, Predictions
from tagifai.store.prediction_cut import HALF, Kept

# Imported in functions: a mistake and a list of versions need not wait for pyarrow.
if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

PREDICTIONS_FILE = "predictions.parquet"
COLUMNS = ("id", "split", "tags", "columns", "probabilities")
# Bytes of each column of the lists are stored apart, which packs numbers best.
_LEAVES = {"columns": "columns.list.element", "probabilities": "probabilities.list.element"}
# Pairs that are read at once, where a project has no more than so many of them.
_FILLED_AT_ONCE, _TYPICAL = 1_000_000, 100
_MOST_VALUES, _DEEPEST = 200_000, 12


def pack_predictions(predictions: Predictions, kept: Kept | None = None) -> bytes:
    """Return predictions as `predictions.parquet`; equal predictions give equal bytes.

    Its columns are `id`, `split`, `tags` (the numbers of the tags that the project has), and
    `columns` and `probabilities`: the numbers of the tags whose probability is not zero, and
    these as floats of 32 bits. The tags themselves, `out_of_fold` and `decisions_only` are in the
    schema's metadata.

    Parameters
    ----------
    predictions : Predictions
        Dense or CSR.
    kept : Kept, optional
        What `cut_predictions` returned with them: how many bits a probability has, and what the
        metadata state as `stored`.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    lists = pyarrow.ListArray.from_arrays
    tag_ends, tag_columns, _ = _stored(predictions.y_true)
    ends, columns, values = _stored(predictions.y_prob)
    exact = kept is None or kept.precision != HALF
    metadata = {
        "tags": orjson.dumps(predictions.tags),
        "out_of_fold": predictions.out_of_fold,
        "decisions_only": str(predictions.decisions_only).lower(),
    }
    if kept is not None and not kept.is_exact:
        metadata["stored"] = orjson.dumps(kept.to_json())
    table = pyarrow.table(
        {
            "id": pyarrow.array(predictions.ids, pyarrow.string()),
            "split": pyarrow.array(predictions.split.tolist(), pyarrow.string()),
            "tags": lists(tag_ends, tag_columns),
            "columns": lists(ends, columns),
            "probabilities": lists(ends, values if exact else values.astype(np.float16)),
        },
        metadata=metadata,
    )
    packed = io.BytesIO()
    parquet.write_table(
        table,
        packed,
        compression="zstd",
        compression_level=3,
        use_dictionary=["split"],
        column_encoding={
            "id": "PLAIN",
            _LEAVES["columns"]: "DELTA_BINARY_PACKED",
            _LEAVES["probabilities"]: "BYTE_STREAM_SPLIT",
        },
    )
    return packed.getvalue()


def unpack_predictions(
    content: bytes,
    where: str = PREDICTIONS_FILE,
    unpacked: Limit = Limits().unpacked,  # noqa: B008 - frozen
    out_of_fold: str | None = None,
) -> Predictions:
    """Read `predictions.parquet`, a stranger's file: nothing is unpacked before its size is known.

    Parameters
    ----------
    content : bytes
        The file.
    where : str
        What messages start with.
    unpacked : Limit
        How large it may be once unpacked.
    out_of_fold : str, optional
        What `version.json` says; by default what the file itself does.

    Raises
    ------
    TagifaiError
        Not Parquet of this form, too large once unpacked, or invalid values.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(io.BytesIO(content)) as file:
            stated = _read_metadata(file.schema_arrow)
            check_pages(content, _shape_of(file, stated), unpacked)
        with parquet.ParquetFile(
            io.BytesIO(content), read_dictionary=["id", "split"], pre_buffer=False
        ) as file:
            return _Reading(file.metadata.num_rows, stated).read(file, out_of_fold)
    except TagifaiError as error:
        raise TagifaiError(f"{where}: {error}") from None
    except (pyarrow.ArrowException, ValueError, OverflowError, OSError, TypeError) as error:
        raise TagifaiError(f"{where}: not Parquet ({shorten(str(error), 200)})") from None


def is_prediction_table(schema: "pyarrow.Schema") -> bool:
    """Check whether a file of Parquet is a version's own."""
    from pyarrow import types

    if set(schema.names) != set(COLUMNS) or b"tags" not in (schema.metadata or {}):
        return False
    kind = schema.field("tags").type
    return bool(types.is_list(kind) and types.is_integer(kind.value_type))


def check_size(content: bytes, unpacked: Limit, where: str = PREDICTIONS_FILE) -> None:
    """Refuse predictions that would be too large to be read back; what is no Parquet may stay.

    Raises
    ------
    TagifaiError
        They take more than the limit once unpacked.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(io.BytesIO(content)) as file:
            shape = _shape_of(file, _read_metadata(file.schema_arrow))
    except (TagifaiError, pyarrow.ArrowException, OSError):
        return  # as any damaged file: whoever reads it says so
    try:
        check_pages(content, shape, unpacked)
    except TagifaiError as error:
        raise TagifaiError(f"{where}: {error}") from None


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a file of predictions is, as far as its footer tells.

    Attributes
    ----------
    num_rows, num_tags : int
        Projects and tags.
    labels, probabilities : int
        Which columns of the file have the numbers of projects' tags, and the probabilities.
    """

    num_rows: int
    num_tags: int
    labels: int
    probabilities: int


def _shape_of(file: "pyarrow.parquet.ParquetFile", stated: "_Stated") -> Shape:
    paths = [file.schema.column(number).path for number in range(len(file.schema))]
    labels, probabilities = (
        next((number for number, path in enumerate(paths) if path.startswith(f"{name}.")), 0)
        for name in ("tags", "probabilities")
    )
    return Shape(file.metadata.num_rows, len(stated.tags), labels, probabilities)


class _Stated:
    """What the schema's metadata says."""

    def __init__(self, tags: tuple[str, ...], out_of_fold: str, decisions_only: bool) -> None:
        self.tags = tags
        self.out_of_fold = out_of_fold
        self.decisions_only = decisions_only


def _read_metadata(schema: "pyarrow.Schema") -> _Stated:
    from pyarrow import types

    missing = [name for name in COLUMNS if name not in schema.names]
    if missing:
        raise TagifaiError(f"no column {missing[0]!r}; needed: {', '.join(COLUMNS)}")
    for name, check in (
        ("tags", types.is_integer),
        ("columns", types.is_integer),
        ("probabilities", types.is_floating),
    ):
        kind = schema.field(name).type
        if not (types.is_list(kind) and check(kind.value_type)):
            raise TagifaiError(f"{name}: lists of numbers are needed, got {shorten(str(kind))}")
    metadata = schema.metadata or {}
    try:
        tags = orjson.loads(metadata.get(b"tags", b""))
    except orjson.JSONDecodeError:
        tags = None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TagifaiError("metadata: tags: a JSON list of names is needed")
    out_of_fold = metadata.get(b"out_of_fold", b"unknown").decode("utf-8", "replace")
    if out_of_fold not in OUT_OF_FOLD:
        allowed = ", ".join(OUT_OF_FOLD)
        raise TagifaiError(f"metadata: out_of_fold: one of {allowed}, got {shorten(out_of_fold)!r}")
    return _Stated(tuple(tags), out_of_fold, metadata.get(b"decisions_only") == b"true")


class _Reading:
    """Reads rows part by part: whole columns of lists would take several times what they become."""

    def __init__(self, num_rows: int, stated: _Stated) -> None:
        self.num_rows = num_rows
        self.tags = stated.tags
        self.stated = stated
        self.ids: dict[str, None] = {}
        self.split: list[Array] = []
        shape = (num_rows, len(self.tags))
        self.is_small = fits_dense(*shape, 0, 0)
        self.y_true: Matrix = np.zeros(shape if self.is_small else (0, 0), np.uint8)
        self.y_prob: Matrix = np.zeros(shape if self.is_small else (0, 0), np.float32)
        self.parts: list[tuple[_Lists, _Lists, Array]] = []

    def read(self, file: "pyarrow.parquet.ParquetFile", out_of_fold: str | None) -> Predictions:
        """Read all rows.

        Raises
        ------
        TagifaiError
            Invalid values.
        """
        size = max(1, _FILLED_AT_ONCE // max(1, min(len(self.tags), _TYPICAL)))
        # Group by group: pyarrow reads lists of dictionaries within one alone.
        for group in range(file.metadata.num_row_groups):
            for batch in file.iter_batches(
                size, row_groups=[group], columns=list(COLUMNS), use_threads=False
            ):
                batch.validate(full=True)
                self.add(batch)
        if len(self.ids) != self.num_rows:
            raise TagifaiError(f"damaged: {len(self.ids):,} rows of {self.num_rows:,}")
        if not self.is_small:
            self.join()
        return Predictions(
            tuple(self.ids),
            np.concatenate([np.zeros(0, "<U5"), *self.split]),
            self.tags,
            self.y_true,
            self.y_prob,
            out_of_fold or self.stated.out_of_fold,
            self.stated.decisions_only,
        )

    def add(self, batch: "pyarrow.RecordBatch") -> None:
        """Add some rows."""
        ids, split = (batch.column(batch.schema.names.index(name)) for name in ("id", "split"))
        for name, column in (("id", ids), ("split", split)):
            if column.null_count:
                raise TagifaiError(f"{name}: a blank one")
        start = len(self.ids)
        self.add_ids(ids)
        unknown = set(split.dictionary.to_pylist()) - set(SPLITS)
        if unknown:
            raise TagifaiError(
                f"split: {shorten(repr(unknown.pop()))} is not one of {list(SPLITS)}"
            )
        names = np.array(split.dictionary.to_pylist(), dtype="<U5")
        self.split.append(names[split.indices.to_numpy()])
        num_tags = len(self.tags)
        labels, given = (_lists(batch.column(name), name, num_tags) for name in ("tags", "columns"))
        values = batch.column("probabilities")
        lengths = batch.column("columns").value_lengths()
        if not values.value_lengths().equals(lengths) or values.flatten().null_count:
            raise TagifaiError("columns and probabilities: lists of the same lengths are needed")
        prob = values.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        if self.is_small:
            rows = slice(start, len(self.ids))
            labels.fill(self.y_true[rows], np.ones(len(labels.columns), np.uint8))
            given.fill(self.y_prob[rows], prob)
        else:
            self.parts.append((labels, given, prob))

    def add_ids(self, ids: "pyarrow.DictionaryArray") -> None:
        """Add ids; one that comes twice is refused before it is written out a million times."""
        numbers, counts = np.unique(ids.indices.to_numpy(), return_counts=True)
        if len(numbers) < len(ids):
            twice = ids.dictionary[int(numbers[counts.argmax()])].as_py()
            raise TagifaiError(f"ids: {shorten(twice)!r} comes twice")
        if len(self.ids) + len(ids) > self.num_rows:
            raise TagifaiError(f"damaged: more than {self.num_rows:,} rows")
        for one in ids.to_pylist():
            if one in self.ids:
                raise TagifaiError(f"ids: {shorten(one)!r} comes twice")
            self.ids[one] = None

    def join(self) -> None:
        """Make matrices of the parts: CSR, or dense where nearly nothing is left out."""
        from scipy import sparse

        shape = (self.num_rows, len(self.tags))
        labels = _Lists.join([part[0] for part in self.parts])
        given = _Lists.join([part[1] for part in self.parts])
        prob = np.concatenate([np.zeros(0, np.float32), *(part[2] for part in self.parts)])
        self.parts = []
        ones = np.ones(len(labels.columns), np.uint8)
        if not fits_dense(*shape, len(prob), len(ones)):
            self.y_true = sparse.csr_array((ones, labels.columns, labels.ends), shape=shape)
            self.y_prob = sparse.csr_array((prob, given.columns, given.ends), shape=shape)
            return
        self.y_true, self.y_prob = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
        labels.fill(self.y_true, ones)
        given.fill(self.y_prob, prob)


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """A column of lists of numbers: where each list begins, and all numbers."""

    ends: Array
    columns: Array

    @classmethod
    def join(cls, parts: "Sequence[_Lists]") -> "_Lists":
        """Put lists one after the other."""
        lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(one.ends) for one in parts)])
        columns = np.concatenate([np.zeros(0, np.int32), *(one.columns for one in parts)])
        return cls(np.concatenate([[0], np.cumsum(lengths)]), columns)

    def fill(self, rows: Array, values: Array) -> None:
        """Write values into rows of an array, (n_rows, n_tags)."""
        for block in row_blocks(len(rows), rows.shape[1], _FILLED_AT_ONCE):
            ends = self.ends[block.start : block.stop + 1]
            own = slice(ends[0], ends[-1])
            places = np.repeat(np.arange(block.start, block.stop), np.diff(ends))
            rows[places, self.columns[own]] = values[own]


def _lists(found: "pyarrow.ListArray", name: str, num_tags: int) -> _Lists:
    """Return a column of lists of numbers of tags, each of which rises."""
    numbers = found.flatten()
    if found.null_count or numbers.null_count:
        raise TagifaiError(f"{name}: a blank one")
    columns = numbers.to_numpy(zero_copy_only=False)
    lengths = found.value_lengths().to_numpy(zero_copy_only=False)
    if columns.size and not (columns.min() >= 0 and columns.max() < num_tags):
        raise TagifaiError(f"{name}: numbers of tags are 0 to {num_tags - 1}")
    ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    rises = columns[1:] > columns[:-1]
    first = ends[1:-1]
    rises[first[(first > 0) & (first < len(columns))] - 1] = True
    if not rises.all():
        raise TagifaiError(f"{name}: the numbers of a row's tags must rise, each once")
    return _Lists(ends, columns.astype(np.int32, copy=False))


def _stored(matrix: Matrix) -> tuple[Array, Array, Array]:
    """Return where each row ends, and columns and values of what is not 0."""
    if not is_sparse(matrix):
        rows, columns = np.nonzero(matrix)
        ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
        return ends.astype(np.int32), columns.astype(np.int32), np.asarray(matrix)[rows, columns]
    given = matrix.data != 0
    ends = np.concatenate([[0], np.cumsum(given)])[matrix.indptr]
    return ends.astype(np.int32), matrix.indices[given].astype(np.int32), matrix.data[given]


def check_pages(content: bytes, shape: Shape, unpacked: Limit) -> None:
    """Refuse a file that takes more than the limit once unpacked, as arrays or as CSR.

    What the footer says of sizes is only a claim: each page's own header, by which it is
    unpacked, is read. pyarrow's own reader of the footer ends the process where it is damaged, so
    this one comes first.

    Raises
    ------
    TagifaiError
        It would be too large, or a header is damaged.
    """
    num_rows, num_tags = shape.num_rows, shape.num_tags
    size = memory_bytes(num_rows, num_tags, 0, 0)
    unpacked.check(size, "predictions", "bytes once unpacked")
    most = num_rows * (num_tags + 1)
    budget = _Budget()
    totals: dict[int, int] = {}
    names = 0
    for number, start, length in _chunks(content, budget):
        for page_size, num_values in _pages(content, start, length, budget):
            if number not in (shape.labels, shape.probabilities):
                names += page_size
            totals[number] = totals.get(number, 0) + num_values
            if totals[number] > most:
                raise TagifaiError(f"damaged: more than the {most:,} values that may be there")
            stored = max(
                (values for key, values in totals.items() if key != shape.labels), default=0
            )
            size = memory_bytes(num_rows, num_tags, stored, totals.get(shape.labels, 0)) + names
            unpacked.check(size, "predictions", "bytes once unpacked")


class _Budget:
    """How many values of headers are read at most: there may be millions of empty pages."""

    def __init__(self) -> None:
        self.left = _MOST_VALUES

    def spend(self) -> None:
        """Count one value.

        Raises
        ------
        TagifaiError
            There were too many.
        """
        self.left -= 1
        if self.left < 0:
            raise TagifaiError("damaged: too many pages")


def _chunks(content: bytes, budget: _Budget) -> Iterator[tuple[int, int, int]]:
    """Yield each column's number, where a part of it starts and its length, from the footer."""
    length = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - length
    if content[-4:] != b"PAR1" or start < 4:
        raise TagifaiError("not Parquet (no footer)")
    footer = _ThriftReader(content, start, len(content) - 8, budget).read_struct(0)
    for group in _structs(footer.get(4)):
        for number, chunk in enumerate(_structs(group.get(1))):
            found = chunk.get(3)
            if not isinstance(found, dict):
                raise TagifaiError("damaged: a column without its place")
            places = [found[key] for key in (9, 11) if key in found]
            yield number, min(map(_number, places), default=0), _number(found.get(7))


def _structs(found: object) -> "list[dict[int, object]]":
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise TagifaiError("damaged: the footer has no list of columns")
    return found


def _pages(content: bytes, start: int, length: int, budget: _Budget) -> Iterator[tuple[int, int]]:
    """Yield the unpacked size and the number of values of each page of a column."""
    place, end = start, start + length
    if not 0 <= start <= end <= len(content):
        raise TagifaiError("damaged: a column lies outside the file")
    while place < end:
        header = _ThriftReader(content, place, end, budget)
        found = header.read_struct(0)
        counts = [one.get(1) for key in (5, 7, 8) if isinstance(one := found.get(key), dict)]
        yield _number(found.get(2)), max(map(_number, counts), default=0)
        place = header.place + _number(found.get(3))


def _number(found: object) -> int:
    if not isinstance(found, int) or found < 0:
        raise TagifaiError("damaged: a page does not say how large it is")
    return found


class _ThriftReader:
    """Reads structures in Thrift's compact protocol, in which Parquet's headers are written."""

    def __init__(self, content: bytes, place: int, end: int, budget: _Budget) -> None:
        self.content = content
        self.place = place
        self._end = end
        self._budget = budget

    def read_struct(self, depth: int) -> dict[int, object]:
        """Read a structure as its values by field number; texts are passed over."""
        if depth > _DEEPEST:
            raise TagifaiError("damaged: a header is nested too deeply")
        found: dict[int, object] = {}
        number = 0
        while kind := self._byte():
            step, kind = kind >> 4, kind & 15
            number = number + step if step else self._signed()
            # In a structure, the type of a truth is its value.
            found[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> object:
        self._budget.spend()
        read: dict[int, Callable[[], object]] = {
            1: self._byte,
            2: self._byte,
            3: self._byte,
            4: self._signed,
            5: self._signed,
            6: self._signed,
            7: lambda: self._skip(8),
            8: lambda: self._skip(self._unsigned()),
            9: lambda: self._list(depth + 1),
            10: lambda: self._list(depth + 1),
            12: lambda: self.read_struct(depth + 1),
        }
        if kind not in read:
            raise TagifaiError("damaged: a header has a field of an unknown type")
        return read[kind]()

    def _list(self, depth: int) -> list[object]:
        first = self._byte()
        length = self._unsigned() if first >> 4 == 15 else first >> 4
        return [self._value(first & 15, depth) for _ in range(length)]

    def _byte(self) -> int:
        self._skip(1)
        return self.content[self.place - 1]

    def _skip(self, length: int) -> None:
        if length < 0 or self.place + length > self._end:
            raise TagifaiError("damaged: a header is cut off")
        self.place += length

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise TagifaiError("damaged: a header has a number without an end")

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
