"""Read CSV and TSV files of any dialect, row by row."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, TypedDict

from tagifai.data.files import kind_of, open_text
from tagifai.data.validation import MAX_TEXT, Record
from tagifai.errors import TagifaiError, shorten
from tagifai.limits import Limit

# How a CSV file says that a quote is part of a text: "" or \\", or quotes mean nothing.
Quoting = Literal["", "standard", "backslash", "none"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV or TSV file is written.

    Attributes
    ----------
    encoding : str
        Name of the encoding; a byte-order mark is taken off in UTF-8.
    delimiter : str
        What separates cells; "" for a tab in `.tsv` and `.tab`, a comma elsewhere.
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


class _Quoting(TypedDict, total=False):
    doublequote: bool
    escapechar: str
    quoting: Literal[0, 1, 2, 3]
    quotechar: str | None


_QUOTING: Mapping[Quoting, _Quoting] = {
    "": {},
    "standard": {},
    "backslash": {"doublequote": False, "escapechar": "\\"},
    "none": {"quoting": csv.QUOTE_NONE, "quotechar": None},
}


def read_csv(path: Path, dialect: Dialect, max_bytes: int | Limit | None) -> Iterator[Record]:
    """Yield the rows of a CSV or TSV file by the names of its columns.

    Raises
    ------
    TagifaiError
        The file is not CSV in this dialect, has no header or a column twice, or a row has more
        or fewer cells than the header.
    """
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
    """Raise TagifaiError where two columns have the same name."""
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        first = names.index(twice)
        raise TagifaiError(
            f"{path}: a column's name comes twice: columns {first + 1} and "
            f"{names.index(twice, first + 1) + 1} are both called {shorten(repr(twice))}"
        )


def find_delimiter(path: Path, dialect: Dialect, first_line: str) -> str:
    """Return what separates cells, by the dialect, the first line or the file's name."""
    separator_line = SEPARATOR_LINE.fullmatch(first_line)
    by_name = "\t" if kind_of(path) == "tsv" else ","
    return dialect.delimiter or (separator_line[1] if separator_line else by_name)


def read_cells(file: Iterable[str], path: Path, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the cells of each row of a CSV or TSV file that is not blank, the header's first.

    Raises
    ------
    TagifaiError
        The file is not CSV in this dialect; the message names the line.
    """
    csv.field_size_limit(MAX_TEXT)
    lines = iter(file)
    first = next(lines, "")
    separator_line = SEPARATOR_LINE.fullmatch(first)  # Excel reads it, and does not show it
    if not separator_line:
        lines = chain([first], lines)
    delimiter = find_delimiter(path, dialect, first)
    lines = _without_nul(lines, path)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, **_QUOTING[dialect.quoting])
    if dialect.header:
        yield list(dialect.header)
    try:
        for cells in reader:
            if any(cell and not cell.isspace() for cell in cells):
                yield cells
    except csv.Error as error:
        message = str(error)
        if "field larger than field limit" in message:
            message = (
                f"a cell of more than {MAX_TEXT:,} characters; is a quote left open before it?"
            )
        elif message == "unexpected end of data":
            message = "a quote that opens is never closed"
        raise TagifaiError(f"{path}: line {reader.line_num}: not CSV: {message}") from None


def _without_nul(lines: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise TagifaiError(
                f"{path}: line {number}: a NUL character, which text does not have; the file may "
                "be UTF-16, or damaged"
            )
        yield line
