"""Charts of the live views as light SVG: text in real pixels, colours of the page.

Positions across are percentages, so that a chart fits a phone without shrinking its words. Each
chart is a picture with a text alternative; each mark carries its values as a tooltip.
"""

from collections.abc import Sequence

from tagifai.charts.svg import (
    BAD,
    COLOURS,
    GOOD,
    NEUTRAL,
    empty_figure,
    escaped,
    figure,
    row_label,
    with_value,
    write_number,
    write_share,
)
from tagifai.charts.verdict import mark
from tagifai.comparison.results import DiffRow
from tagifai.comparison.verdicts import BETTER, TOO_FEW, WORSE

MOST_ROWS = 120
ROW = 22
# Where differences stand across, in percent: the zero line, and the reach to either side.
CENTRE, HALF = 54.0, 15.0


def chart_bars(
    rows: Sequence[tuple[str, float]], *, title: str, unit: str, empty: str, label_share: int = 42
) -> str:
    """Draw horizontal bars from zero, one a row of (label, value ≥ 0), in the order given."""
    if not rows:
        return empty_figure(title, empty)
    shown = rows[:MOST_ROWS]
    most = max(value for _, value in shown) or 1
    body = []
    for place, (label, value) in enumerate(shown):
        top = place * ROW
        width = (90 - label_share) * value / most
        body.append(
            f"<g><title>{escaped(label)}: {write_number(value)} {unit}</title>"
            f"{row_label(label, f'{label_share - 1}%', top, 34)}"
            f'<rect x="{label_share}%" y="{top + 3}" width="{width:.2f}%" height="{ROW - 6}" rx="2"'
            f' fill="{COLOURS[0]}"/>'
            f'<text x="{label_share + width + 0.8:.2f}%" y="{top + 15}">'
            f"{write_number(value)}</text></g>"
        )
    note = f"; the first {MOST_ROWS} of {len(rows)} shown" if len(rows) > MOST_ROWS else ""
    ends = f"from {with_value(rows[0])} to {with_value(rows[-1])} {unit}"
    summary = f"{title}: {len(rows)} bars, {ends}{note}"
    return figure(title + note, summary, len(shown) * ROW + 2, "".join(body))


def chart_columns(
    rows: Sequence[tuple[object, float]], *, title: str, x_label: str, y_label: str, empty: str
) -> str:
    """Draw vertical columns from zero, one a row of (label, value ≥ 0), in the order given."""
    if not rows:
        return empty_figure(title, empty)
    height, bottom = 190, 24
    most = max(value for _, value in rows) or 1
    step = 96 / len(rows)
    body = [f'<line x1="2%" x2="98%" y1="{height}" y2="{height}" stroke="currentColor"/>']
    for place, (label, value) in enumerate(rows):
        tall = (height - 20) * value / most
        middle = 2 + step * (place + 0.5)
        body.append(
            f"<g><title>{escaped(label)} {x_label}: {write_number(value)} {y_label}</title>"
            f'<rect x="{middle - step * 0.4:.2f}%" y="{height - tall:.1f}" '
            f'width="{step * 0.8:.2f}%" height="{tall:.1f}" fill="{COLOURS[0]}"/>'
            f'<text x="{middle:.2f}%" y="{height - tall - 5:.1f}" text-anchor="middle">'
            f"{write_number(value)}</text>"
            f'<text x="{middle:.2f}%" y="{height + 16}" text-anchor="middle">{escaped(label, 12)}'
            f"</text></g>"
        )
    body.append(
        f'<text x="50%" y="{height + bottom + 12}" text-anchor="middle" class="axis">{x_label}'
        f"</text>"
    )
    summary = f"{title}: " + ", ".join(f"{with_value(row)}" for row in rows[:12])
    return figure(f"{title} ({y_label} by {x_label})", summary, height + bottom + 16, "".join(body))


def chart_diffs(
    rows: Sequence[DiffRow], *, title: str, name_a: str, name_b: str, empty: str
) -> str:
    """Draw B − A around a zero line, with the interval where there is one.

    A row with a verdict has a coloured bar, ▲ better or ▼ and hatched worse; all others are grey,
    with ↗ or ↘ for the direction alone, so that neither colour nor direction passes for a verdict.

    Parameters
    ----------
    rows : sequence of DiffRow
        What to draw, in this order; rows without a difference are left out.
    title : str
        What the differences are of.
    name_a, name_b : str
        The two versions.
    empty : str
        What to show if there is no row.
    """
    drawn = [
        (row, row.diff, max(abs(row.diff), abs(row.low or 0), abs(row.high or 0)))
        for row in rows
        if row.diff is not None
    ]
    if not drawn:
        return empty_figure(title, empty)
    shown = drawn[:MOST_ROWS]
    reach = max(0.01, *(far for _, _, far in shown))
    height = len(shown) * ROW
    axis = f'<line x1="{CENTRE}%" x2="{CENTRE}%" y1="0" y2="{height}" stroke="currentColor"/>'
    body = [
        _diff_mark(row, diff, place * ROW, HALF / reach, name_a, name_b)
        for place, (row, diff, _) in enumerate(shown)
    ]
    counted = [sum(row.verdict == kind for row, _, _ in drawn) for kind in (BETTER, WORSE)]
    note = f"; the first {MOST_ROWS} of {len(drawn)} shown" if len(drawn) > MOST_ROWS else ""
    summary = (
        f"{title}: {name_b} minus {name_a}, {counted[0]} better, {counted[1]} worse, "
        f"{len(drawn) - sum(counted)} without either verdict"
    )
    return figure(
        f"{title}: {escaped(name_b)} − {escaped(name_a)}, in points of a hundred{note}",
        summary,
        height + 2,
        _HATCH + axis + "".join(body),
        kind=" scrolls",
    )


def _diff_mark(
    row: DiffRow, diff: float, top: float, scale: float, name_a: str, name_b: str
) -> str:
    """Draw one row: its bar, its interval, its values, and all of these as a tooltip."""
    size = scale * abs(diff)
    start = CENTRE if diff >= 0 else CENTRE - size
    fill = {BETTER: GOOD, WORSE: "url(#worse-hatch)"}.get(row.verdict or "", NEUTRAL)
    faded = ' opacity="0.75"' if row.verdict == TOO_FEW else ""
    values = f"{write_share(row.a)} → {write_share(row.b)}"
    tooltip = f"{row.name}: {diff * 100:+.1f} points, {name_a} {values} {name_b}"
    interval = ""
    if row.low is not None and row.high is not None:
        tooltip += f", 95 % interval {row.low * 100:+.1f} to {row.high * 100:+.1f}"
        interval = (
            f'<line x1="{CENTRE + scale * row.low:.2f}%" x2="{CENTRE + scale * row.high:.2f}%" '
            f'y1="{top + ROW / 2}" y2="{top + ROW / 2}" stroke="currentColor" stroke-width="1.5"/>'
        )
    if row.verdict:
        tooltip += f", {row.verdict}"
    if row.support is not None:
        tooltip += f", {row.support} projects"
    return (
        f"<g{faded}><title>{escaped(tooltip, 300)}</title>"
        f"{row_label(row.name, '37%', top, 34)}"
        f'<rect x="{start:.2f}%" y="{top + 4}" width="{size:.2f}%" height="{ROW - 8}" '
        f'fill="{fill}"/>{interval}'
        f'<text x="99%" y="{top + 15}" text-anchor="end">{mark(row.verdict, diff)} '
        f'{diff * 100:+.1f} <tspan class="minor">({values})</tspan></text></g>'
    )


_HATCH = (
    '<defs><pattern id="worse-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{BAD}"/>'
    '<line x1="0" y1="0" x2="0" y2="6" stroke="#fff" stroke-opacity="0.55" stroke-width="3"/>'
    "</pattern></defs>"
)
