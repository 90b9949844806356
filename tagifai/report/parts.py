"""What the sections of a report are made of."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import orjson
from jinja2 import Environment
from markupsafe import Markup

from tagifai.charts.tables import show_table
from tagifai.charts.templating import build_environment, shorten_value

FOLDER = Path(__file__).with_name("templates")
MOST_ROWS = 200
TEXT = 240


@cache
def environment() -> Environment:
    """Build the environment of the report's templates once."""
    return build_environment(FOLDER)


def table(
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    caption: str = "",
    empty: str = "Nothing to show.",
) -> Markup:
    """Show records as a table, the first `MOST_ROWS` of them."""
    shown = Markup(show_table(rows[:MOST_ROWS], columns, empty=empty, caption=caption))  # noqa: S704
    more = len(rows) - MOST_ROWS
    return shown + note(f"{more:,} more are left out.") if more > 0 else shown


def note(text: str, longest: int = 300) -> Markup:
    """Show a small line, escaped and cut; nothing where there is no text.

    >>> note("a < b"), note("")
    (Markup('<p class="minor">a &lt; b</p>'), Markup(''))
    """
    if not text:
        return Markup()
    return Markup('<p class="minor">{}</p>').format(shorten_value(text, longest))


def paragraph(text: str, longest: int = 400) -> Markup:
    """Show a paragraph, escaped and cut."""
    return Markup("<p>{}</p>").format(shorten_value(text, longest))


def as_text(value: object) -> str:
    """Write a parameter as JSON has it, a text as it is."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
