"""Find and change cells of a CSV file in place: quotes, separators and line ends stay."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tagifai.data.edits import Span
from tagifai.errors import TagifaiError

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is written: its place, quotes included, its text, and whether it is quoted."""

    span: Span
    text: str
    quoted: bool


def scan_cells(text: str, delimiter: str = ",", quoting: str = "standard") -> Iterator[list[Cell]]:
    r"""Find the cells of each row, as Python's `csv` module reads them; blank rows are skipped.

    Parameters
    ----------
    text : str
        The file, line ends as they are.
    delimiter : str
        What separates two cells.
    quoting : {"standard", "backslash", "none"}
        How a quote is part of a text: written twice, after a backslash, or as it is.

    Raises
    ------
    TagifaiError
        A quote is not closed, or text follows one that is.

    Examples
    --------
    >>> [[cell.text for cell in row] for row in scan_cells('a,"b ""c"" d"\r\n\r\n1,\n')]
    [['a', 'b "c" d'], ['1', '']]
    """
    cell = _pattern(delimiter, quoting)
    at = 0
    while at < len(text):
        row: list[Cell] = []
        while True:
            found = cell.match(text, at)
            if found is None:
                raise TagifaiError(f"line {_line(text, at)}: a quote that opens is never closed")
            row.append(_cell(found, quoting))
            at = found.end()
            if not text.startswith(delimiter, at):
                break
            at += len(delimiter)
        end = _LINE_END.match(text, at)
        if end is None and at < len(text):
            raise TagifaiError(f"line {_line(text, at)}: text after a quote that closes")
        at = end.end() if end else at
        if any(one.text and not one.text.isspace() for one in row):
            yield row


def _line(text: str, at: int) -> int:
    return 1 + len(_LINE_END.findall(text, 0, at))


def _pattern(delimiter: str, quoting: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    if quoting == "none":
        return re.compile(rf"(?P<plain>[^{mark}\r\n]*)")
    if quoting == "backslash":
        within, beside = r"[^\"\\]*(?:\\.[^\"\\]*)*", rf"(?:[^{mark}\r\n\\]|\\.)*"
    else:
        within, beside = r"[^\"]*(?:\"\"[^\"]*)*", rf"[^{mark}\r\n]*"
    return re.compile(rf"\"(?P<quoted>{within})\"|(?!\")(?P<plain>{beside})", re.S)


def _cell(found: re.Match[str], quoting: str) -> Cell:
    groups = found.groupdict()
    quoted = groups.get("quoted") is not None
    text = groups["quoted"] if quoted else groups["plain"]
    if quoting == "backslash":
        text = re.sub(r"\\(.)", r"\1", text, flags=re.S)
    elif quoted:
        text = text.replace('""', '"')
    return Cell(Span(*found.span()), text, quoted)


def write_cell(text: str, *, quoted: bool, delimiter: str = ",", quoting: str = "standard") -> str:
    r"""Write a cell, in quotes where `quoted` or where it needs them.

    >>> write_cell('["a"]', quoted=False), write_cell("[]", quoted=False)
    ('"[""a""]"', '[]')

    Raises
    ------
    TagifaiError
        Quotes mean nothing in this file, and the text has a separator or a line end in it.
    """
    special = re.compile(rf"[{re.escape(delimiter)}\r\n]")
    if quoting == "none":
        if special.search(text):
            raise TagifaiError(f"{text!r} cannot be written in a cell without quotes")
        return text
    if quoting == "backslash":
        text = re.sub(r'([\\"])', r"\\\1", text)
        return f'"{text}"' if quoted or special.search(text) else text
    if quoted or '"' in text or special.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def needs_quotes(text: str, delimiter: str = ",", quoting: str = "standard") -> bool:
    """Check whether a cell of this text is in quotes in any file."""
    return write_cell(text, quoted=False, delimiter=delimiter, quoting=quoting) != text


def quotes_always(
    rows: Sequence[Sequence[Cell]], column: int, delimiter: str = ",", quoting: str = "standard"
) -> bool:
    """Check whether the cells of a column are in quotes even where they need none.

    Where every cell of the column needs its quotes, the other columns decide.
    """
    for columns in ([column], range(len(rows[0]))):
        plain = [
            row[number].quoted
            for row in rows
            for number in columns
            if not needs_quotes(row[number].text, delimiter, quoting)
        ]
        if plain:
            return 2 * sum(plain) > len(plain)
    return False
