"""Read what a data folder adds in JSON: a list of objects, each one validated."""

import json
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from tagifai.errors import TagifaiError, shorten

MAX_BYTES = 10_000_000
Row = TypeVar("Row", bound=BaseModel)


def read_rows(path: Path | str, model: type[Row]) -> list[Row]:
    """Read and validate a JSON list of objects, in UTF-8.

    Raises:
        TagifaiError: unreadable, too large, not such a list, or a row that `model` refuses; the
            message names file, row (from 1) and field.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TagifaiError(f"{path}: {size:,} bytes; at most {MAX_BYTES:,} are read")
        content = json.loads(path.read_text("utf-8-sig"), parse_constant=_refuse)
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    except RecursionError:
        raise TagifaiError(f"{path}: nested too deeply to be read") from None
    except ValueError as error:
        raise TagifaiError(f"{path}: not JSON in UTF-8: {error}") from None
    if not isinstance(content, list):
        raise TagifaiError(f"{path}: a list of objects is needed, got {type(content).__name__}")
    return [_validated(path, number, row, model) for number, row in enumerate(content, start=1)]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _validated(path: Path, number: int, row: Any, model: type[Row]) -> Row:
    if not isinstance(row, dict):
        raise TagifaiError(f"{path}: row {number}: an object is needed, got {shorten(repr(row))}")
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        where = f"row {number}, {shorten(field)}" if field else f"row {number}"
        message = str(first["msg"]).removeprefix("Value error, ")
        own = first["type"] in ("missing", "value_error")
        received = "" if own else f", got {shorten(repr(first['input']))}"
        raise TagifaiError(f"{path}: {where}: {message}{received}") from None
