"""What the command line prints: tables, bars of progress, one JSON document."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

# C0 and C1, but for tabs and line ends; lone surrogates, which no stream can encode.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def print_json(answer: object) -> None:
    """Print one JSON document to standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps(answer, option=options, default=str))
    sys.stdout.buffer.flush()


def print_table(
    rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, title: str = ""
) -> None:
    """Print records as a table with the `columns` {key: heading}; text is never read as markup."""
    # Texts come from anybody: control characters are shown, so that no terminal obeys them.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(title=Text(printable(title)) if title else None, title_justify="left")
    for key, heading in columns.items():
        number = any(_is_number(row.get(key)) for row in rows)
        table.add_column(
            Text(printable(heading)), justify="right" if number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(printable(shown(row.get(key)))) for key in columns))
    console.print(table)


def print_text(text: str) -> None:
    """Print a line to standard output."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def print_message(text: str) -> None:
    """Print a message to standard error, out of the way of the answer."""
    sys.stderr.write(printable(text) + "\n")


def printable(text: str) -> str:
    r"""Return a text with control characters escaped, which a terminal would obey.

    Line ends and tabs stay.

    >>> print(printable("a\x1b[2Jb\nc"))
    a\x1b[2Jb
    c
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def shown(value: object) -> str:
    """Return a value as text for a cell: three decimals, a dash for None.

    >>> shown(0.12345), shown(None), shown(True), shown(1234)
    ('0.123', '–', 'true', '1,234')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)


def progress_bar(what: str) -> Callable[[int, int, str], None]:
    """Return a callback (done, total, current) that moves a bar on standard error."""
    bar = tqdm(desc=what, file=sys.stderr, leave=False, disable=None)

    def move(done: int, total: int, now: str = "") -> None:
        bar.total = total
        bar.n = done
        bar.set_postfix_str(now, refresh=False)
        bar.refresh()
        if done >= total:
            bar.close()

    return move


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
