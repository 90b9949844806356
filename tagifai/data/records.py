"""Read rows from JSON, JSON lines, CSV or Parquet, and validate each one."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StrictStr, ValidationError

from tagifai.errors import TagifaiError, shorten

MAX_TEXT = 1_000_000
MAX_BYTES = 10_000_000
Row = TypeVar("Row", bound=BaseModel)


def replace_surrogates(text: str) -> str:
    """Put "?" in the place of lone surrogates: legal in JSON, they break every encoder after it.

    >>> replace_surrogates("a\\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def _surrogates_replaced(value: Any) -> Any:
    return replace_surrogates(value) if isinstance(value, str) else value


Text = Annotated[StrictStr, BeforeValidator(_surrogates_replaced), Field(max_length=MAX_TEXT)]
Label = Annotated[
    StrictStr, BeforeValidator(_surrogates_replaced), Field(min_length=1, max_length=200)
]


def read_rows(path: Path | str, model: type[Row]) -> list[Row]:
    """Read and validate every row of a small file, such as the slices of a data folder.

    Raises:
        TagifaiError: unreadable, over 10 MB, or a row that `model` refuses; the message names
            file, row (from 1) and field.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size > MAX_BYTES:
        raise TagifaiError(f"{path}: {size:,} bytes; at most {MAX_BYTES:,} are read")
    return [validate_row(path, number, record, model) for number, record in read_records(path)]


def validate_row(path: Path, number: int, record: Any, model: type[Row]) -> Row:
    """Validate one row.

    Raises:
        TagifaiError: not an object, or a field that `model` refuses; the message names file,
            row and field.
    """
    return check_row(f"{path}: row {number}", record, model)


def check_row(where: str, record: Any, model: type[Row]) -> Row:
    """Validate one record.

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
        field = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        own = first["type"] in ("missing", "value_error")
        received = "" if own else f", got {shorten(repr(first['input']))}"
        place = f"{where}, {shorten(field)}" if field else where
        raise TagifaiError(f"{place}: {message}{received}") from None


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row, record) of a `.json`, `.jsonl`, `.csv` or `.parquet` file, rows from 1.

    In CSV the cell of a column named tags holds a JSON list.

    Raises:
        TagifaiError: another kind of file, unreadable or malformed.
    """
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


def _refuse_constant(name: str) -> NoReturn:
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
