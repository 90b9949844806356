"""Records → a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from markupsafe import Markup

from tagifai.charts.svg import one_line
from tagifai.charts.templating import render

CELL_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and whether it holds numbers, which are right-aligned."""

    heading: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows."""

    text: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells, its key where it can be chosen, and its class: few, chosen or none."""

    cells: tuple[Cell, ...]
    key: str
    kind: str


def show_table(
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    empty: str,
    raw: Sequence[str] = (),
    row_key: str | None = None,
    caption: str = "",
) -> str:
    """Show records as a table.

    Numbers are right-aligned; None shows as a dash among them.

    Parameters
    ----------
    rows : sequence of mapping
        Values by column. A value that is Markup is shown as it is, any other is escaped and cut.
        A row with a true `few` is greyed, one with a true `chosen` stands out.
    columns : mapping of str to str
        The heading of each column, in order.
    empty : str
        What to show if there is no row.
    raw : sequence of str
        Columns whose texts are the program's own markup.
    row_key : str, optional
        The column whose value each row carries as `data-key`, by which it can be chosen by click
        or Enter.
    caption : str
        The table's caption.
    """
    if not rows:
        return str(render("empty_table.html", empty=empty))
    numeric = {key for key in columns if any(_is_number(row.get(key)) for row in rows)}
    return str(
        render(
            "table.html",
            columns=[Column(heading, key in numeric) for key, heading in columns.items()],
            rows=[
                Row(
                    tuple(_cell(row.get(name), name in numeric, name in raw) for name in columns),
                    str(row[row_key]) if row_key else "",
                    "few" if row.get("few") else "chosen" if row.get("chosen") else "",
                )
                for row in rows
            ],
            choosable=row_key is not None,
            caption=caption,
        )
    )


def show_terms(terms: Sequence[tuple[str, str]]) -> str:
    """Show (term, what it means) as a list of definitions."""
    return str(render("terms.html", terms=terms))


def _cell(value: object, numeric: bool, raw: bool) -> Cell:
    # A dash stands where the number would.
    right = numeric and (value is None or _is_number(value))
    return Cell(Markup(value) if raw else _text(value), right)  # noqa: S704


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return one_line(value, CELL_LENGTH)
