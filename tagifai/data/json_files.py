"""Read JSON and JSON lines, bounded; NaN and Infinity, which JSON does not have, are refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tagifai.data.files import open_text, readable
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError
from tagifai.limits import Limit
from tagifai.pointers import refuse_pointer_file

MAX_BYTES = 10_000_000
# A list is held whole while it is read: a packed file of a few megabytes could fill the memory.
MAX_JSON_BYTES = 2_000_000_000
MAX_LINE = 100_000_000


def check_size(path: Path, max_bytes: int = MAX_BYTES) -> None:
    """Raise TagifaiError where a file is missing, or larger than `max_bytes`."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size > max_bytes:
        raise TagifaiError(f"{path}: {size:,} bytes; at most {max_bytes:,} are read")


def read_object(path: Path | str, max_bytes: int = MAX_BYTES) -> Record:
    """Read a JSON file that holds one object.

    Raises
    ------
    TagifaiError
        The file is unreadable, larger than `max_bytes`, not JSON, or holds something else.
    """
    path = Path(path)
    check_size(path, max_bytes)
    found = load_json(path)
    if not isinstance(found, dict):
        raise TagifaiError(f"{path}: an object is needed, got {type(found).__name__}")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_value(name: str) -> None:
    return None


def _parse(text: str, path: Path, first_line: int = 1, allow_nan: bool = False) -> object:
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
) -> object:
    """Read a JSON file whole; `allow_nan` reads NaN and Infinity as null.

    Raises
    ------
    TagifaiError
        The file is unreadable, not JSON, or larger than `max_bytes`, unpacked.
    """
    refuse_pointer_file(path)
    with readable(path), open_text(path, encoding, max_bytes) as file:
        return _parse(file.read(), path, allow_nan=allow_nan)


def read_json_list(
    path: Path, encoding: str, max_bytes: int | Limit, allow_nan: bool
) -> Iterator[object]:
    """Yield the items of a JSON list; each is let go once it is read."""
    rows = load_json(path, encoding, max_bytes, allow_nan=allow_nan)
    if not isinstance(rows, list):
        raise TagifaiError(f"{path}: a list of objects is needed, got {type(rows).__name__}")
    rows.reverse()
    while rows:
        yield rows.pop()


def read_json_lines(
    path: Path, encoding: str, max_bytes: int | Limit | None, allow_nan: bool
) -> Iterator[object]:
    """Yield what each line of a file of JSON lines holds; blank lines are skipped."""
    with open_text(path, encoding, max_bytes) as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise TagifaiError(f"{path}: line {number}: longer than {MAX_LINE:,} characters")
            if line.strip():
                yield _parse(line, path, number, allow_nan)
