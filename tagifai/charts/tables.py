"""Records → a table; every word from data passes through `escaped`."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tagifai.charts.svg import escaped

CELL_LENGTH = 400


def show_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    empty: str,
    raw: Sequence[str] = (),
    row_key: str | None = None,
    caption: str = "",
) -> str:
    """Show records as a table with the `columns` {key: heading}.

    Numbers are right-aligned, None shows as a dash among them. Columns named in `raw` hold
    markup of the program's own. With `row_key`, each row carries that value as `data-key`, and
    can be chosen by click or Enter. A row with `few` is greyed, one with `chosen` stands out.
    """
    if not rows:
        return f'<p class="minor empty-table">{escaped(empty, 300)}</p>'
    numeric = {key for key in columns if any(_is_number(row.get(key)) for row in rows)}
    head = "".join(
        f'<th scope="col"{_aligned(key in numeric)}>{escaped(name)}</th>'
        for key, name in columns.items()
    )
    body = []
    for row in rows:
        key = f' data-key="{escape(str(row[row_key]))}" tabindex="0"' if row_key else ""
        kind = "few" if row.get("few") else "chosen" if row.get("chosen") else ""
        faded = f' class="{kind}"' if kind else ""
        cells = "".join(
            f"<td{_aligned(name in numeric and _is_figure(row.get(name)))}>"
            f"{row[name] if name in raw else _cell(row.get(name))}</td>"
            for name in columns
        )
        body.append(f"<tr{key}{faded}>{cells}</tr>")
    label = f"<caption>{escaped(caption, 200)}</caption>" if caption else ""
    choosable = " choosable" if row_key else ""
    # A box that scrolls is reached by the keyboard; rows that can be chosen lead into it.
    reached = "" if row_key else f' tabindex="0" role="region" aria-label="{_label(caption)}"'
    return (
        f'<div class="table-box"{reached}><table class="records{choosable}">{label}'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def show_terms(terms: Sequence[tuple[str, str]]) -> str:
    """Show (term, what it means) as a list of definitions."""
    listed = "".join(f"<dt>{escaped(a)}</dt><dd>{escaped(b, 400)}</dd>" for a, b in terms)
    return f'<dl class="terms">{listed}</dl>'


def _label(caption: str) -> str:
    return escaped(caption, 200) or "table"


def _aligned(right: bool) -> str:
    return ' class="number"' if right else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_figure(value: Any) -> bool:
    # A dash stands where the number would.
    return value is None or _is_number(value)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return escaped(value, CELL_LENGTH)
