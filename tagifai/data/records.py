"""Read rows from JSON, JSON lines, CSV, TSV or Parquet, and validate each one."""

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StrictStr, ValidationError

from tagifai.errors import TagifaiError, shorten
from tagifai.limits import Limit
from tagifai.pointers import refuse_pointer_file

MAX_TEXT = 1_000_000
MAX_BYTES = 10_000_000
# Held whole while it is read: a packed file of a few megabytes could fill the memory.
MAX_JSON_BYTES = 2_000_000_000
MAX_LINE = 100_000_000
PARQUET_ROWS = 1_000
_CHUNK = 1 << 20
# How a CSV file says that a quote is part of a text: "" or \\", or quotes mean nothing.
Quoting = Literal["", "standard", "backslash", "none"]
Row = TypeVar("Row", bound=BaseModel)


def replace_surrogates(text: str) -> str:
    """Put "?" in the place of lone surrogates: legal in JSON, they break every encoder after it.

    >>> replace_surrogates("a\\ud800b")
    'a?b'
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text  # the very same: nearly every text is one that is kept


def _surrogates_replaced(value: Any) -> Any:
    return replace_surrogates(value) if isinstance(value, str) else value


Text = Annotated[StrictStr, Field(max_length=MAX_TEXT), BeforeValidator(_surrogates_replaced)]
Label = Annotated[
    StrictStr, Field(min_length=1, max_length=200), BeforeValidator(_surrogates_replaced)
]


def read_rows(path: Path | str, model: type[Row]) -> list[Row]:
    """Read and validate every row of a small file, such as the slices of a data folder.

    Raises:
        TagifaiError: unreadable, over 10 MB, or a row that `model` refuses; the message names
            file, row (from 1) and field.
    """
    path = Path(path)
    _check_size(path)
    return [validate_row(path, number, record, model) for number, record in read_records(path)]


def _check_size(path: Path, max_bytes: int = MAX_BYTES) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size > max_bytes:
        raise TagifaiError(f"{path}: {size:,} bytes; at most {max_bytes:,} are read")


def read_object(path: Path | str, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises
    ------
    TagifaiError
        The file is unreadable, larger than `max_bytes`, not JSON, or holds something else.
    """
    path = Path(path)
    _check_size(path, max_bytes)
    found = load_json(path)
    if not isinstance(found, dict):
        raise TagifaiError(f"{path}: an object is needed, got {type(found).__name__}")
    return found


def validate_row(path: Path, number: int, record: Any, model: type[Row]) -> Row:
    """Validate one row.

    Raises:
        TagifaiError: not an object, or a field that `model` refuses; the message names file,
            row and field.
    """
    return check_row(f"{path}: row {number}", record, model)


def check_row(
    where: str, record: Any, model: type[Row], names: Mapping[str, str] | None = None
) -> Row:
    """Validate one record; `names` tell what the file calls fields that have another name there.

    Raises:
        TagifaiError: not an object, or a field that `model` refuses; the message starts with
            `where` and names the field.
    """
    if not isinstance(record, dict):
        raise TagifaiError(f"{where}: an object is needed, got {shorten(repr(record))}")
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        parts = [str(part) for part in first["loc"]]
        field = ".".join([(names or {}).get(part, part) for part in parts[:1]] + parts[1:])
        message = str(first["msg"]).removeprefix("Value error, ")
        own = first["type"] in ("missing", "value_error")
        received = "" if own else f", got {shorten(repr(first['input']))}"
        place = f"{where}, {shorten(field)}" if field else where
        raise TagifaiError(f"{place}: {message}{received}") from None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV or TSV file is written.

    Attributes
    ----------
    encoding : str
        Name of the encoding; a byte-order mark is taken off in UTF-8.
    delimiter : str
        What stands between cells; "" for a tab in `.tsv` and `.tab`, a comma elsewhere.
    quoting : {"standard", "backslash", "none"}
        A quote within quotes is written `""` ("" is the same), or `\\"`, or quotes are characters
        like others.
    header : tuple of str
        Names of the columns of a file that does not name them itself; empty where it does.
    """

    encoding: str = "utf-8-sig"
    delimiter: str = ""
    quoting: Quoting = "standard"
    header: tuple[str, ...] = ()


STANDARD = Dialect()
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.I)
_QUOTING: Mapping[Quoting, dict[str, Any]] = {
    "": {},
    "standard": {},
    "backslash": {"doublequote": False, "escapechar": "\\"},
    "none": {"quoting": csv.QUOTE_NONE, "quotechar": None},
}


def read_records(
    path: Path,
    dialect: Dialect = STANDARD,
    *,
    kind: str = "",
    max_bytes: int | Limit | None = None,
    allow_nan: bool = False,
) -> Iterator[tuple[int, Any]]:
    """Read the rows of a file one by one, numbered from 1.

    JSON lines, CSV, TSV and Parquet are streamed; a JSON list is held while it is read. Each may
    be packed (`.gz`), except Parquet. Cells of CSV are strings; blank lines are skipped.

    Parameters
    ----------
    path : Path
        A `.json`, `.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.tab` or `.parquet` file, or one of the
        text files with `.gz` after it.
    dialect : Dialect
        How a CSV or TSV file is written; of the others, `encoding` alone counts.
    kind : str
        What it is, where its name does not say it: see `kind_of`.
    max_bytes : int or Limit, optional
        The most that is read, unpacked; a `Limit` names its setting. Parquet, which is read in
        parts, has none.
    allow_nan : bool
        Read NaN and Infinity in JSON as null: Python writes them, and JSON does not have them.

    Yields
    ------
    row : int
    record : Any
        A dict, unless a JSON file holds something else: validate it with `validate_row`.

    Raises
    ------
    TagifaiError
        Another kind of file, unreadable, malformed or too large.
    """
    kind = kind or kind_of(path)
    refuse_pointer_file(path)
    if kind == "parquet":
        records = _parquet(path)
    elif kind == "json":
        records = _json(path, dialect.encoding, max_bytes or MAX_JSON_BYTES, allow_nan)
    elif kind == "jsonl":
        records = _jsonl(path, dialect.encoding, max_bytes, allow_nan)
    else:
        records = _csv(path, dialect, max_bytes)
    with readable(path):
        yield from enumerate(records, start=1)


KINDS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
}


def kind_of(path: Path) -> str:
    """Return "json", "jsonl", "csv", "tsv" or "parquet" by the name of a file.

    >>> kind_of(Path("train.csv.gz"))
    'csv'

    Raises
    ------
    TagifaiError
        It is none of them.
    """
    name = path.name.lower()
    packed = name.endswith(".gz")
    kind = KINDS.get(Path(name.removesuffix(".gz")).suffix)
    if kind is None or (packed and kind == "parquet"):
        raise TagifaiError(
            f"{path}: unknown kind of file; allowed: {', '.join(KINDS)}, and .gz after each but "
            "Parquet"
        )
    return kind


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into an error that names it.

    Raises
    ------
    TagifaiError
        The file is not there, cut off, or text of another encoding.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TagifaiError(f"{path}: not a whole gzip file ({error})") from None
    except OSError as error:
        said = " ".join(str(error.strerror or error).split())
        raise TagifaiError(f"{path}: cannot be read ({shorten(said, 200)})") from None
    except UnicodeDecodeError as error:
        raise TagifaiError(
            f"{path}: not {error.encoding.upper()} text ({_locate(path, error.encoding)})"
        ) from None
    except UnicodeError as error:  # UTF-16 without the mark that says which one
        raise TagifaiError(f"{path}: {error}") from None


def _locate(path: Path, encoding: str) -> str:
    """Name the first byte that is not text in an encoding; the error of a stream cannot."""
    decoder = codecs.getincrementaldecoder(encoding)()
    num_bytes, lines = 0, 1
    with open_bytes(path) as file:
        while chunk := file.read(_CHUNK):
            before = num_bytes - len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].count(b"\n")
                return f"byte {before + error.start + 1:,}, line {lines:,}"
            num_bytes += len(chunk)
            lines += chunk.count(b"\n")
    return "it ends in the middle of a character"


class _Limited(io.RawIOBase):
    """A file that stops with an error where more than a number of bytes come out of it."""

    def __init__(self, source: IO[bytes], path: Path, most: int | Limit) -> None:
        self._source, self._path = source, path
        self._most = str(most) if isinstance(most, Limit) else f"{most:,}"
        self._left = most.num_bytes if isinstance(most, Limit) else most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._source.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise TagifaiError(f"{self._path}: more than {self._most} bytes; no more are read")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._source.close()
        super().close()


def open_bytes(path: Path, max_bytes: int | Limit | None = None) -> IO[bytes]:
    """Open a file for reading, unpacked where its name ends in `.gz`."""
    opened: Any = path.open("rb")
    if path.suffix.lower() == ".gz":
        opened = gzip.GzipFile(fileobj=opened)
    return opened if max_bytes is None else io.BufferedReader(_Limited(opened, path, max_bytes))


def open_text(
    path: Path, encoding: str, max_bytes: int | Limit | None = None, newline: str | None = None
) -> IO[str]:
    """Open a file of text for reading, unpacked where its name ends in `.gz`."""
    return io.TextIOWrapper(open_bytes(path, max_bytes), encoding, newline=newline)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_value(name: str) -> None:
    return None


def _parse(text: str, path: Path, first_line: int = 1, allow_nan: bool = False) -> Any:
    try:
        return json.loads(text, parse_constant=_no_value if allow_nan else _refuse_constant)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise TagifaiError(
            f"{path}: not JSON: {error.msg} (line {line}, column {error.colno})"
        ) from None
    except RecursionError:
        raise TagifaiError(f"{path}: nested too deeply to be read") from None
    except ValueError as error:
        raise TagifaiError(f"{path}: not JSON: {error}") from None


def load_json(
    path: Path,
    encoding: str = "utf-8-sig",
    max_bytes: int | Limit = MAX_JSON_BYTES,
    *,
    allow_nan: bool = False,
) -> Any:
    """Read a JSON file whole; `allow_nan` reads NaN and Infinity as null.

    Raises
    ------
    TagifaiError
        The file is unreadable, not JSON, or larger than `max_bytes`, unpacked.
    """
    refuse_pointer_file(path)
    with readable(path), open_text(path, encoding, max_bytes) as file:
        return _parse(file.read(), path, allow_nan=allow_nan)


def _json(path: Path, encoding: str, max_bytes: int | Limit, allow_nan: bool) -> Iterator[Any]:
    rows = load_json(path, encoding, max_bytes, allow_nan=allow_nan)
    if not isinstance(rows, list):
        raise TagifaiError(f"{path}: a list of objects is needed, got {type(rows).__name__}")
    rows.reverse()
    while rows:  # each is let go once it is read
        yield rows.pop()


def _jsonl(
    path: Path, encoding: str, max_bytes: int | Limit | None, allow_nan: bool
) -> Iterator[Any]:
    with open_text(path, encoding, max_bytes) as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise TagifaiError(f"{path}: line {number}: longer than {MAX_LINE:,} characters")
            if line.strip():
                yield _parse(line, path, number, allow_nan)


def _csv(path: Path, dialect: Dialect, max_bytes: int | Limit | None) -> Iterator[Any]:
    header: tuple[str, ...] = ()
    with open_text(path, dialect.encoding, max_bytes, newline="") as file:
        for row, cells in enumerate(read_cells(file, path, dialect)):
            if not row:
                header = tuple(name.strip("\ufeff").strip() for name in cells)
                refuse_doubles(path, header)
            elif len(cells) != len(header):
                raise TagifaiError(
                    f"{path}: row {row}: {len(cells)} cells under {len(header)} columns "
                    f"({shorten(', '.join(header))})"
                )
            else:
                yield dict(zip(header, cells, strict=True))
    if not header:
        raise TagifaiError(f"{path}: empty; a header that names the columns is needed")


def refuse_doubles(path: Path, names: Sequence[str]) -> None:
    """Raise TagifaiError where two columns have one name."""
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        first = names.index(twice)
        raise TagifaiError(
            f"{path}: a column's name comes twice: columns {first + 1} and "
            f"{names.index(twice, first + 1) + 1} are both called {shorten(repr(twice))}"
        )


def read_cells(file: Iterable[str], path: Path, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the cells of each row of a CSV or TSV file that is not blank, the header's first.

    Raises
    ------
    TagifaiError
        It is not CSV in this dialect; the message names the line.
    """
    csv.field_size_limit(MAX_TEXT)
    lines = iter(file)
    first = next(lines, "")
    told = SEPARATOR_LINE.fullmatch(first)  # what Excel reads, and does not show
    delimiter = dialect.delimiter or ("\t" if kind_of(path) == "tsv" else ",")
    if told:
        delimiter = dialect.delimiter or told[1]
    else:
        lines = chain([first], lines)
    lines = _without_nul(lines, path)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, **_QUOTING[dialect.quoting])
    if dialect.header:
        yield list(dialect.header)
    try:
        for cells in reader:
            if any(cell and not cell.isspace() for cell in cells):
                yield cells
    except csv.Error as error:
        said = str(error)
        if "field larger than field limit" in said:
            said = f"a cell of more than {MAX_TEXT:,} characters; is a quote left open before it?"
        elif said == "unexpected end of data":
            said = "a quote that opens is never closed"
        raise TagifaiError(f"{path}: line {reader.line_num}: not CSV: {said}") from None


def _without_nul(lines: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise TagifaiError(
                f"{path}: line {number}: a NUL character, which text does not have; the file may "
                "be UTF-16, or damaged"
            )
        yield line


@contextmanager
def arrow_errors(path: Path, kind: str) -> Iterator[None]:
    """Turn what pyarrow refuses into an error that names the file: "not Parquet: …"."""
    import pyarrow  # here: only those who bring Parquet wait for it

    try:
        yield
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:
        said = " ".join(str(error).split())
        raise TagifaiError(f"{path}: not {kind}: {shorten(said, 200)}") from None


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow.parquet as parquet

    with arrow_errors(path, "Parquet"), parquet.ParquetFile(path) as file:
        refuse_doubles(path, file.schema_arrow.names)
        # Group by group: pyarrow reads lists of dictionaries within one alone.
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(PARQUET_ROWS, row_groups=[group]):
                yield from batch.to_pylist()
