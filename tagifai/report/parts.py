"""What the parts of a report are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tagifai.charts.svg import escaped
from tagifai.charts.tables import show_table

MOST_ROWS = 200
TEXT = 240


def section(title: str, body: str) -> str:
    """Frame a part under its title; `title` is the program's own."""
    return f"<section><h2>{title}</h2>{body}</section>"


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    caption: str = "",
    empty: str = "Nothing to show.",
) -> str:
    """Show records as a table, the first `MOST_ROWS` of them."""
    more = len(rows) - MOST_ROWS
    left_out = f'<p class="minor">{more:,} more are left out.</p>' if more > 0 else ""
    return show_table(rows[:MOST_ROWS], columns, empty=empty, caption=caption) + left_out


def missing(found: Any) -> str:
    """Say why something cannot be told; "" where it can."""
    if isinstance(found, Mapping) and "missing" in found:
        return f'<p class="minor">{escaped(found["missing"], 300)}</p>'
    return ""


def as_text(value: Any) -> str:
    """Write a parameter as JSON has it, a text as it is."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
